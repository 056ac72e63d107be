"""The register of models: from two sides to the conductance by every model that they allow."""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import cast

from attrs import evolve, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, find_name, name_tuple
from kapitza.core.conductance import Conductance, Drop, increasing_temperatures, merge_conductances
from kapitza.core.occupation import Statistics
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError
from kapitza.matter.bands import BandSpectrum
from kapitza.matter.electrons import Electrons
from kapitza.theory.amm import amm
from kapitza.theory.dmm import dmm
from kapitza.theory.electrons import electron_phonon
from kapitza.theory.inelastic import cubic_strength, three_phonon
from kapitza.theory.khalatnikov import khalatnikov, rayleigh_modes
from kapitza.theory.limits import elastic_limit, inelastic_radiation_limit, radiation_limit, specular_limit
from kapitza.theory.sides import (
    DEFAULT_NORMAL,
    InterfaceSide,
    SideDescription,
    SideNeeds,
    contact_electrons,
    describe_sides,
    full_spectrum,
    is_resolved,
    liquid_and_solid,
    softer_side,
    warn_of_states,
)


@frozen(eq=False)
class Model(BaseRecord):
    """A model that needs no more than the two sides: a row of the register."""

    name: str  # by which it is asked for
    title: str  # for legends and tables
    references: tuple[str, ...]  # keys of `references()`
    sides: SideNeeds  # what it asks of the sides
    # from the forms of two sides to a transmission; with a temperature (K) and statistics where it is `thermal`
    theory: Callable[..., Transmission] = field(repr=False)
    # True for an upper limit, which no interface reaches
    limit: bool = field(default=False, kw_only=True)
    # True where it is applied only when named, because it has a parameter that nobody knows
    asked: bool = field(default=False, kw_only=True)
    # model of the same assumption that takes full bands, for models of Debye solids beside it
    bands: str = field(default="", kw_only=True)
    # True where the transmission holds at one temperature alone
    thermal: bool = field(default=False, kw_only=True)
    # True where its rates are those of quanta, without a classical form
    quantum: bool = field(default=False, kw_only=True)
    # True where the electrons of the metal stand in series with what the lattices pass
    electrons: bool = field(default=False, kw_only=True)

    @property
    def validity(self) -> str:
        """Where it holds, in words."""
        if self.electrons:
            return "metal on a side without electrons, from a third of the Debye temperature of the metal to melting"
        if self.sides.fullest:
            return "up to melting with full bands, below a tenth of the Debye temperature with sound waves"
        return "sound waves: below a tenth of the Debye temperature of the softer side"

    def transmission(
        self,
        left: SideDescription,
        right: SideDescription,
        temperature: float = 300.0,
        *,
        normals: tuple[ArrayLike, ArrayLike] = (DEFAULT_NORMAL, DEFAULT_NORMAL),
        statistics: Statistics = "quantum",
    ) -> Transmission:
        """Spectral transmission of the lattices by this model; elastic models ignore temperature and statistics."""
        return self.apply(*describe_sides(left, right, normals), temperature, statistics)

    def apply(
        self, left: InterfaceSide, right: InterfaceSide, temperature: float, statistics: Statistics = "quantum"
    ) -> Transmission:
        """Transmission between two described sides, or an InputError that says what is missing."""
        if not self.sides.fits(left, right):
            others = ", ".join(m.name for m in MODEL_REGISTER if m.sides.fits(left, right)) or "none"
            raise InputError(
                f"{self.name} needs {self.sides.text}, which {left.name} and {right.name} do not both offer; "
                f"models that fit: {others}"
            )
        forms = self.sides.form(left), self.sides.form(right)
        return self.theory(*forms, temperature, statistics=statistics) if self.thermal else self.theory(*forms)


@frozen(eq=False, kw_only=True)
class Estimate(BaseRecord):
    """What one model says about an interface, by all three temperature drops.

    Attributes
    ----------
    model, title : name and title of the model
    left, right : names of the sides
    limit : True for an upper limit
    emitted : conductance by the drop between emitting reservoirs
    local, extrapolated : by the drop at the plane and between extrapolated profiles; None where the model does not
        define it, as the radiation limits.  They may be infinite where no boundary is left.

    Examples
    --------
    >>> from kapitza import predict
    >>> one = predict("Al", "Si", 300.0, ["dmm-debye"])[0]
    >>> print(one.model, one.emitted.drop, round(one.emitted.value[0] / 1e6), "MW m⁻² K⁻¹")
    dmm-debye emitted 800 MW m⁻² K⁻¹
    """

    model: str
    title: str
    left: str
    right: str
    limit: bool
    emitted: Conductance
    local: Conductance | None
    extrapolated: Conductance | None

    @property
    def drops(self) -> tuple[Conductance, ...]:
        """The conductances that are known, emitted first."""
        return tuple(one for one in (self.emitted, self.local, self.extrapolated) if one is not None)


def _khalatnikov_either_side(left: InterfaceSide, right: InterfaceSide) -> Transmission:
    media = liquid_and_solid(left, right)
    if media is None:
        raise InputError(f"khalatnikov needs a liquid and a solid, got {left.name} and {right.name}")
    return khalatnikov(*media).total


# once for all temperatures, and once for both of the models that take it
_bond_strength = lru_cache(maxsize=64)(cubic_strength)
_three_phonon_once = lru_cache(maxsize=256)(three_phonon)


def _anharmonic_dmm(
    left: InterfaceSide, right: InterfaceSide, temperature: float, statistics: Statistics
) -> Transmission:
    """DMM and the exchange of three phonons by the bonds of the softer side, where they are known to be anharmonic."""
    one, other = left.spectrum, right.spectrum
    if not isinstance(one, BandSpectrum) or not isinstance(other, BandSpectrum):
        raise InputError(f"expected full bands of both sides, got {left.name} and {right.name}")
    softer, known = softer_side(left, right)
    strength = 0.0 if known.gruneisen is None else _bond_strength(softer, known)
    return _three_phonon_once(one, other, temperature, strength=strength, statistics=statistics)


_SPEEDS = SideNeeds(
    "speeds of sound of both sides", lambda side: side.isotropic,
    lambda left, right: (left.solid or right.solid) is not None,
)  # fmt: skip
_SOLID_SPEEDS = SideNeeds("speeds of sound of both solids", lambda side: side.solid)
_DEBYE = SideNeeds("both sides as Debye solids or liquids", lambda side: side.isotropic)
_PHONONS = SideNeeds("phonons of both sides", lambda side: side.phonons or side.elastic, fullest=True)
_KNOWN_BONDS = SideNeeds(
    "full bands of both sides and the thermal expansion of the softer one, known for metals", full_spectrum,
    lambda left, right: softer_side(left, right)[1].gruneisen is not None, fullest=True,
)  # fmt: skip
_METAL = SideNeeds(
    "full bands of a metal, whose electrons are known, and of a side without electrons", full_spectrum,
    lambda left, right: contact_electrons(left, right) is not None, fullest=True,
)  # fmt: skip
_STIFFNESS = SideNeeds(
    "the stiffness of both sides (a liquid may be one)", lambda side: side.medium,
    lambda left, right: (left.elastic or right.elastic) is not None,
)  # fmt: skip
_RESOLVED_STIFFNESS = SideNeeds(
    "the stiffness of both sides (a liquid of at least 0.05 of the crystal's impedance may be one)",
    lambda side: side.medium, is_resolved,
)  # fmt: skip
_LIQUID_AND_SOLID = SideNeeds(
    "a liquid and a solid", lambda side: side, lambda left, right: liquid_and_solid(left, right) is not None
)
_SWARTZ, _POLANCO, _STONER = ("swartz1989",), ("polanco2015",), ("stoner1993",)

MODEL_REGISTER: tuple[Model, ...] = (
    Model("amm", "AMM, isotropic", ("little1959", "swartz1989"), _SPEEDS, amm),
    Model("amm-crystal", "AMM, crystals", ("stroh1962", "little1959"), _RESOLVED_STIFFNESS, amm),
    Model("khalatnikov", "Khalatnikov, bulk + Rayleigh", ("khalatnikov1952", "rayleigh1885", "swartz1989"),
          _LIQUID_AND_SOLID, _khalatnikov_either_side),
    Model("dmm", "DMM", ("swartz1989", "reddy2005"), _PHONONS, dmm),
    Model("dmm-debye", "DMM, Debye", _SWARTZ, _DEBYE, dmm, bands="dmm"),
    Model("dmm-crystal", "DMM, crystals", ("swartz1989", "chen2013"), _STIFFNESS, dmm),
    Model("dmm-anharmonic", "DMM + three-phonon", ("saaskilahti2014", "kosevich1995"), _KNOWN_BONDS, _anharmonic_dmm,
          thermal=True, quantum=True),
    Model("dmm-metal", "DMM + three-phonon + electrons", ("majumdar2004", "saaskilahti2014", "kosevich1995"), _METAL,
          _anharmonic_dmm, thermal=True, quantum=True, electrons=True),
    Model("three-phonon", "DMM + three-phonon, s = 1", ("saaskilahti2014",), _PHONONS, three_phonon,
          thermal=True, quantum=True, asked=True),
    Model("specular-limit", "specular limit, isotropic", _POLANCO, _SOLID_SPEEDS, specular_limit, limit=True),
    Model("specular-limit-crystal", "specular limit, crystals", ("polanco2015", "stroh1962"), _STIFFNESS,
          specular_limit, limit=True),
    Model("elastic-limit", "elastic limit", _POLANCO, _PHONONS, elastic_limit, limit=True),
    Model("elastic-limit-debye", "elastic limit, Debye", _POLANCO, _DEBYE, elastic_limit, limit=True,
          bands="elastic-limit"),
    Model("elastic-limit-crystal", "elastic limit, crystals", _POLANCO, _STIFFNESS, elastic_limit, limit=True),
    Model("inelastic-limit", "inelastic radiation limit", _STONER, _PHONONS, inelastic_radiation_limit,
          limit=True, thermal=True),
    Model("inelastic-limit-debye", "inelastic radiation limit, Debye", _STONER, _DEBYE, inelastic_radiation_limit,
          limit=True, thermal=True, bands="inelastic-limit"),
    Model("inelastic-limit-crystal", "inelastic radiation limit, crystals", _STONER, _STIFFNESS,
          inelastic_radiation_limit, limit=True, thermal=True),
    Model("radiation-left", "radiation limit, left", _SWARTZ, _PHONONS, partial(radiation_limit, side="left"),
          limit=True, asked=True),
    Model("radiation-right", "radiation limit, right", _SWARTZ, _PHONONS, partial(radiation_limit, side="right"),
          limit=True, asked=True),
)  # fmt: skip


def find_model(name: str) -> Model:
    """Return a model by its name; an InputError for an unknown one offers near ones."""
    by_name = {one.name: one for one in MODEL_REGISTER}
    return by_name[find_name(name, by_name, "model")]


def model_estimates(
    left: SideDescription,
    right: SideDescription,
    temperature: ArrayLike,
    models: Sequence[str] | str | None = None,
    *,
    statistics: Statistics = "quantum",
    normals: tuple[ArrayLike, ArrayLike] = (DEFAULT_NORMAL, DEFAULT_NORMAL),
) -> tuple[Estimate, ...]:
    """Conductance of an interface by many models at once: (n,) estimates in the order of the names or of the register.

    Parameters, errors and warnings are those of `kapitza.predict`, which adds the best estimate and what was measured.
    """
    described = describe_sides(left, right, normals)
    warn_of_states(described, temperature)
    return apply_models(*described, temperature, models, statistics)


def apply_models(
    left: InterfaceSide,
    right: InterfaceSide,
    temperature: ArrayLike,
    models: Sequence[str] | str | None = None,
    statistics: Statistics = "quantum",
) -> tuple[Estimate, ...]:
    """Conductance between two described sides; parameters and errors as for `model_estimates`."""
    kelvin = increasing_temperatures(temperature)
    if not kelvin.size:
        raise InputError("temperature is empty, expected at least one number")
    chosen = _chosen_models(left, right, models, statistics)
    if not chosen:
        raise InputError(f"no model fits {left.name} and {right.name}; asked for {list(models or ())}")
    return tuple(_estimate_conductance(model, left, right, kelvin, statistics) for model in chosen)


def _chosen_models(
    left: InterfaceSide, right: InterfaceSide, models: Sequence[str] | str | None, statistics: Statistics
) -> list[Model]:
    """The models of a choice, in its order or that of the register, there without quantum ones if classical."""
    if models is not None and models != "all":
        return [find_model(name) for name in dict.fromkeys(name_tuple(models))]
    classical = statistics == "classical"
    offered = [model for model in MODEL_REGISTER if not model.asked and not (model.quantum and classical)]
    fitting = [model for model in offered if model.sides.fits(left, right)]
    if left.spectrum is None and right.spectrum is None:
        return [model for model in fitting if not model.bands]  # those of full bands are the same there
    full = [model for model in fitting if model.sides.fullest]
    return fitting if models == "all" or not full else full


def _estimate_conductance(
    model: Model, left: InterfaceSide, right: InterfaceSide, kelvin: Array, statistics: Statistics
) -> Estimate:
    spectra = [model.apply(left, right, float(t), statistics) for t in (kelvin if model.thermal else kelvin[:1])]
    drops: list[Conductance | None] = [_conductance_of_spectra(spectra, kelvin, "emitted", statistics), None, None]
    if not model.limit or spectra[0].elastic:  # more than a plane can pass leaves no drop at it
        drops[1] = conductance_or_none(spectra, kelvin, "local", statistics)
        drops[2] = conductance_or_none(spectra, kelvin, "extrapolated", statistics)
    metal = contact_electrons(left, right) if model.electrons else None
    if metal is not None:
        drops = [drop and _metal_conductance(drop, metal) for drop in drops]
    emitted, local, extrapolated = drops
    return Estimate(
        model=model.name,
        title=_model_title(model, left, right),
        left=left.name,
        right=right.name,
        limit=model.limit,
        emitted=cast("Conductance", emitted),
        local=local,
        extrapolated=extrapolated,
    )


def _metal_conductance(lattices: Conductance, electrons: Electrons) -> Conductance:
    """Conductance with the electrons of a thick metal in series, at each of the temperatures as it is there."""
    errors = [None] * lattices.value.size if lattices.sigma is None else lattices.sigma.tolist()
    each = [
        electron_phonon(evolve(lattices, temperature=t, value=g, sigma=error), electrons.at(t))
        for t, g, error in zip(lattices.temperature.tolist(), lattices.value.tolist(), errors, strict=True)
    ]
    return merge_conductances(each)


def _model_title(model: Model, left: InterfaceSide, right: InterfaceSide) -> str:
    """Title of a model with the kind of spectrum that it was given, so that limits and models of one kind are seen."""
    media = liquid_and_solid(left, right) if model.name == "khalatnikov" else None
    if media is not None and not rayleigh_modes(*media):
        return "Khalatnikov, bulk (Rayleigh wave closed)"
    if not model.sides.fullest:
        return model.title
    kinds = {
        "full spectra" if side.spectrum is not None else "Debye" if side.phonons is not None else "crystals"
        for side in (left, right)
    }
    return f"{model.title}, {kinds.pop() if len(kinds) == 1 else 'mixed spectra'}"


def _conductance_of_spectra(
    spectra: list[Transmission], temperature: ArrayLike, drop: Drop, statistics: Statistics
) -> Conductance:
    if len(spectra) == 1:
        return spectra[0].conductance(temperature, drop, statistics)
    return merge_conductances([part.conductance(part.temperature or 0.0, drop, statistics) for part in spectra])


def conductance_or_none(
    spectra: list[Transmission], temperature: ArrayLike, drop: Drop, statistics: Statistics
) -> Conductance | None:
    """Conductance by a drop, or None where the modes of a side are unknown or too few for what crosses."""
    try:
        return _conductance_of_spectra(spectra, temperature, drop, statistics)
    except InputError:
        return None
