"""The register of models: from two sides to the conductance by every model that they allow."""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, cast

from attrs import evolve, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import check_filled, find_name, name_tuple
from kapitza.core.conductance import Conductance, Drop, increasing_temperatures, merge_conductances
from kapitza.core.occupation import Statistics
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError
from kapitza.matter.bands import BandSpectrum
from kapitza.matter.electrons import Electrons
from kapitza.matter.isotropic import Fluid, Solid
from kapitza.matter.material import Material
from kapitza.theory.amm import amm
from kapitza.theory.dmm import dmm
from kapitza.theory.electrons import electron_phonon
from kapitza.theory.inelastic import cubic_strength, three_phonon
from kapitza.theory.khalatnikov import khalatnikov, rayleigh_modes
from kapitza.theory.limits import elastic_limit, inelastic_radiation_limit, radiation_limit, specular_limit
from kapitza.theory.plane_waves import Medium, is_light_liquid
from kapitza.theory.sides import DEFAULT_NORMAL, InterfaceSide, SideDescription, describe_sides, warn_of_states


@frozen(eq=False)
class SideNeeds(BaseRecord):
    """What a model asks of two sides: in words, the form of each that it takes, and what else the pair has to be."""

    text: str
    form: Callable[[InterfaceSide], Any] = field(repr=False)
    pair: Callable[[InterfaceSide, InterfaceSide], bool] = field(default=lambda left, right: True, repr=False)
    fullest: bool = False  # True where the fullest spectra of both sides are taken

    def fits(self, left: InterfaceSide, right: InterfaceSide) -> bool:
        """Whether two sides have that."""
        return self.form(left) is not None and self.form(right) is not None and self.pair(left, right)


@frozen(eq=False, kw_only=True)
class Model(BaseRecord):
    """A model that needs no more than the two sides."""

    name: str  # by which it is asked for
    title: str  # for legends and tables
    references: tuple[str, ...]  # keys of `references()`
    sides: SideNeeds  # what it asks of the sides
    # from the forms of two sides to a transmission; with a temperature (K) and statistics where it is `thermal`
    theory: Callable[..., Transmission] = field(repr=False)
    limit: bool = False  # True for an upper limit, which no interface reaches
    asked: bool = False  # True where it is applied only when named, because it has a parameter that nobody knows
    bands: str = ""  # model of the same assumption that takes full bands, for models of Debye solids beside it
    thermal: bool = False  # True where the transmission holds at one temperature alone
    quantum: bool = False  # True where its rates are those of quanta, without a classical form
    electrons: bool = False  # True where the electrons of the metal stand in series with what the lattices pass

    @property
    def validity(self) -> str:
        """Where it holds, in words."""
        if self.electrons:
            return "metal on a side without electrons, from a third of the Debye temperature of the metal to melting"
        if self.sides.fullest:
            return "up to melting with full bands, below a tenth of the Debye temperature with sound waves"
        return "sound waves: below a tenth of the Debye temperature of the softer side"

    def forms(self, left: InterfaceSide, right: InterfaceSide) -> tuple[object, object]:
        """What it takes of two sides; None where a side does not have it."""
        return self.sides.form(left), self.sides.form(right)

    def transmission(
        self,
        left: SideDescription,
        right: SideDescription,
        temperature: float = 300.0,
        *,
        normals: tuple[ArrayLike, ArrayLike] = (DEFAULT_NORMAL, DEFAULT_NORMAL),
        statistics: Statistics = "quantum",
    ) -> Transmission:
        """Spectral transmission of the lattices by this model; parameters as for `predict`, without effect on elastic
        models.
        """
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
    """Both channels of Khalatnikov, whichever side the liquid stands on."""
    return khalatnikov(*_liquid_and_solid(left, right)).total


def _liquid_and_solid(left: InterfaceSide, right: InterfaceSide) -> tuple[Fluid, Solid]:
    liquid, solid = (left, right) if left.fluid is not None else (right, left)
    if liquid.fluid is None or solid.solid is None:
        raise InputError(f"khalatnikov needs a liquid and a solid, got {left.name} and {right.name}")
    return liquid.fluid, solid.solid


def _is_liquid_on_solid(left: InterfaceSide, right: InterfaceSide) -> bool:
    return any(wet.fluid is not None and dry.solid is not None for wet, dry in ((left, right), (right, left)))


def _has_solid(left: InterfaceSide, right: InterfaceSide) -> bool:
    return (left.solid or right.solid) is not None


def _has_crystal(left: InterfaceSide, right: InterfaceSide) -> bool:
    return (left.elastic or right.elastic) is not None


def _is_resolved(left: InterfaceSide, right: InterfaceSide) -> bool:
    """Whether there is a crystal, and no liquid too light for plane waves to be resolved."""
    media = left.medium, right.medium
    return (
        _has_crystal(left, right) and None not in media and not is_light_liquid(*cast("tuple[Medium, Medium]", media))
    )


def _full_spectrum(side: InterfaceSide) -> InterfaceSide | None:
    """A side of the library with full bands."""
    return side if side.material is not None and isinstance(side.spectrum, BandSpectrum) else None


def _softer_side(left: InterfaceSide, right: InterfaceSide) -> tuple[BandSpectrum, Material]:
    """Bands and material of the side whose spectrum ends first."""
    known = [(one.spectrum, one.material) for one in (left, right)]
    found = [(s, m) for s, m in known if isinstance(s, BandSpectrum) and m is not None]
    return min(found, key=lambda one: one[0].edges[-1])


def _has_known_bonds(left: InterfaceSide, right: InterfaceSide) -> bool:
    """Whether the thermal expansion of the softer of two sides tells how anharmonic its bonds are."""
    return _softer_side(left, right)[1].gruneisen is not None


def contact_electrons(left: InterfaceSide, right: InterfaceSide) -> Electrons | None:
    """Electrons of the metal side; None where they are not known, and between metals, which electrons cross."""
    if left.is_metal == right.is_metal:
        return None
    return (left if left.is_metal else right).electrons


def _has_known_electrons(left: InterfaceSide, right: InterfaceSide) -> bool:
    """Whether a metal whose electrons are known meets a side without."""
    return contact_electrons(left, right) is not None


def _anharmonic_dmm(
    left: InterfaceSide, right: InterfaceSide, temperature: float, statistics: Statistics
) -> Transmission:
    """DMM and the exchange of three phonons by the bonds of the softer side, where they are known to be anharmonic."""
    one, other = left.spectrum, right.spectrum
    if not isinstance(one, BandSpectrum) or not isinstance(other, BandSpectrum):
        raise InputError(f"expected full bands of both sides, got {left.name} and {right.name}")
    strength = _bond_strength(*_softer_side(left, right)) if _has_known_bonds(left, right) else 0.0
    return _three_phonon_once(one, other, strength, temperature, statistics)


@lru_cache(maxsize=64)
def _bond_strength(spectrum: BandSpectrum, found: Material) -> float:
    """`cubic_strength`, once for all temperatures."""
    return cubic_strength(spectrum, found)


@lru_cache(maxsize=256)
def _three_phonon_once(
    left: BandSpectrum, right: BandSpectrum, strength: float, temperature: float, statistics: Statistics
) -> Transmission:
    """`three_phonon`, once for both of the models that take it."""
    return three_phonon(left, right, temperature, strength=strength, statistics=statistics)


def _model(
    name: str,
    title: str,
    references: str,
    sides: SideNeeds,
    theory: Callable[..., Transmission],
    *,
    bands: str = "",
    kind: str = "",
) -> Model:
    """A row of the register; references are keys separated by blanks, `kind` what of limit, asked and thermal it is."""
    keys, words = tuple(references.split()), kind.split()
    return Model(
        name=name, title=title, references=keys, sides=sides, theory=theory, bands=bands,
        limit="limit" in words, asked="asked" in words, thermal="thermal" in words,
    )  # fmt: skip


def _quantum_model(
    name: str, title: str, references: str, sides: SideNeeds, theory: Callable[..., Transmission]
) -> Model:
    """A row of the register whose rates are those of quanta, at one temperature at a time."""
    return evolve(_model(name, title, references, sides, theory, kind="thermal"), quantum=True)


_SPEEDS = SideNeeds("speeds of sound of both sides", lambda side: side.isotropic, _has_solid)
_SOLID_SPEEDS = SideNeeds("speeds of sound of both solids", lambda side: side.solid)
_DEBYE = SideNeeds("both sides as Debye solids or liquids", lambda side: side.isotropic)
_PHONONS = SideNeeds("phonons of both sides", lambda side: side.phonons or side.elastic, fullest=True)
_KNOWN_BONDS = SideNeeds(
    "full bands of both sides and the thermal expansion of the softer one, known for metals", _full_spectrum,
    _has_known_bonds, fullest=True,
)  # fmt: skip
_METAL = SideNeeds(
    "full bands of a metal, whose electrons are known, and of a side without electrons", _full_spectrum,
    _has_known_electrons, fullest=True,
)  # fmt: skip
_STIFFNESS = SideNeeds("the stiffness of both sides (a liquid may be one)", lambda side: side.medium, _has_crystal)
_RESOLVED_STIFFNESS = SideNeeds(
    "the stiffness of both sides (a liquid of at least 0.05 of the crystal's impedance may be one)",
    lambda side: side.medium,
    _is_resolved,
)
_LIQUID_AND_SOLID = SideNeeds("a liquid and a solid", lambda side: side, _is_liquid_on_solid)

MODEL_REGISTER: tuple[Model, ...] = (
    _model("amm", "AMM, isotropic", "little1959 swartz1989", _SPEEDS, amm),
    _model("amm-crystal", "AMM, crystals", "stroh1962 little1959", _RESOLVED_STIFFNESS, amm),
    _model(
        "khalatnikov", "Khalatnikov, bulk + Rayleigh", "khalatnikov1952 rayleigh1885 swartz1989",
        _LIQUID_AND_SOLID, _khalatnikov_either_side,
    ),
    _model("dmm", "DMM", "swartz1989 reddy2005", _PHONONS, dmm),
    _model("dmm-debye", "DMM, Debye", "swartz1989", _DEBYE, dmm, bands="dmm"),
    _model("dmm-crystal", "DMM, crystals", "swartz1989 chen2013", _STIFFNESS, dmm),
    _quantum_model(
        "dmm-anharmonic", "DMM + three-phonon", "saaskilahti2014 kosevich1995", _KNOWN_BONDS, _anharmonic_dmm
    ),
    evolve(
        _quantum_model(
            "dmm-metal", "DMM + three-phonon + electrons", "majumdar2004 saaskilahti2014 kosevich1995", _METAL,
            _anharmonic_dmm,
        ),
        electrons=True,
    ),
    evolve(
        _quantum_model("three-phonon", "DMM + three-phonon, s = 1", "saaskilahti2014", _PHONONS, three_phonon),
        asked=True,
    ),
    _model("specular-limit", "specular limit, isotropic", "polanco2015", _SOLID_SPEEDS, specular_limit, kind="limit"),
    _model(
        "specular-limit-crystal", "specular limit, crystals", "polanco2015 stroh1962", _STIFFNESS, specular_limit,
        kind="limit",
    ),
    _model("elastic-limit", "elastic limit", "polanco2015", _PHONONS, elastic_limit, kind="limit"),
    _model("elastic-limit-debye", "elastic limit, Debye", "polanco2015", _DEBYE, elastic_limit, kind="limit",
           bands="elastic-limit"),
    _model("elastic-limit-crystal", "elastic limit, crystals", "polanco2015", _STIFFNESS, elastic_limit, kind="limit"),
    _model(
        "inelastic-limit", "inelastic radiation limit", "stoner1993", _PHONONS, inelastic_radiation_limit,
        kind="limit thermal",
    ),
    _model(
        "inelastic-limit-debye", "inelastic radiation limit, Debye", "stoner1993", _DEBYE, inelastic_radiation_limit,
        kind="limit thermal", bands="inelastic-limit",
    ),
    _model(
        "inelastic-limit-crystal", "inelastic radiation limit, crystals", "stoner1993", _STIFFNESS,
        inelastic_radiation_limit, kind="limit thermal",
    ),
    _model(
        "radiation-left", "radiation limit, left", "swartz1989", _PHONONS, partial(radiation_limit, side="left"),
        kind="limit asked",
    ),
    _model(
        "radiation-right", "radiation limit, right", "swartz1989", _PHONONS, partial(radiation_limit, side="right"),
        kind="limit asked",
    ),
)  # fmt: skip


def find_model(name: str) -> Model:
    """Return a model by its name; an InputError for an unknown one offers near ones."""
    by_name = {one.name: one for one in MODEL_REGISTER}
    return by_name[find_name(name, by_name, "model")]


def applicable_models(
    left: SideDescription,
    right: SideDescription,
    *,
    normals: tuple[ArrayLike, ArrayLike] = (DEFAULT_NORMAL, DEFAULT_NORMAL),
) -> tuple[Model, ...]:
    """Models that two sides allow, also those applied only when named; parameters as for `model_estimates`."""
    a, b = describe_sides(left, right, normals)
    return tuple(one for one in MODEL_REGISTER if one.sides.fits(a, b))


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
    sides = describe_sides(left, right, normals)
    warn_of_states(sides, temperature)
    return apply_models(*sides, temperature, models, statistics)


def apply_models(
    left: InterfaceSide,
    right: InterfaceSide,
    temperature: ArrayLike,
    models: Sequence[str] | str | None = None,
    statistics: Statistics = "quantum",
) -> tuple[Estimate, ...]:
    """Conductance between two described sides; parameters and errors as for `model_estimates`."""
    kelvin = increasing_temperatures(temperature)
    check_filled("temperature", kelvin)
    wanted = _chosen_models(left, right, models, statistics)
    if not wanted:
        raise InputError(f"no model fits {left.name} and {right.name}; asked for {list(models or ())}")
    return tuple(_estimate_conductance(one, left, right, kelvin, statistics) for one in wanted)


def _chosen_models(
    left: InterfaceSide, right: InterfaceSide, models: Sequence[str] | str | None, statistics: Statistics
) -> list[Model]:
    """The models of a choice, in its order or that of the register, there without quantum ones if classical."""
    if models is not None and models != "all":
        return [find_model(name) for name in dict.fromkeys(name_tuple(models))]
    classical = statistics == "classical"
    offered = [one for one in MODEL_REGISTER if not one.asked and not (one.quantum and classical)]
    fitting = [one for one in offered if one.sides.fits(left, right)]
    if left.spectrum is None and right.spectrum is None:
        return [one for one in fitting if not one.bands]  # those of full bands are the same there
    full = [one for one in fitting if one.sides.fullest]
    return fitting if models == "all" or not full else full


def _estimate_conductance(
    chosen: Model, left: InterfaceSide, right: InterfaceSide, temperature: ArrayLike, statistics: Statistics
) -> Estimate:
    """Conductance by one model and all drops; parameters as for `model_estimates`."""
    kelvin = increasing_temperatures(temperature)
    spectra = [chosen.apply(left, right, float(t), statistics) for t in (kelvin if chosen.thermal else kelvin[:1])]
    unbounded = chosen.limit and not spectra[0].elastic  # more than a plane can pass leaves no drop at it
    local, extrapolated = (
        None if unbounded else conductance_or_none(spectra, kelvin, drop, statistics)
        for drop in ("local", "extrapolated")
    )
    emitted = _conductance_of_spectra(spectra, kelvin, "emitted", statistics)
    metal = contact_electrons(left, right) if chosen.electrons else None
    if metal is not None:
        emitted = _metal_conductance(emitted, metal)
        local, extrapolated = (None if one is None else _metal_conductance(one, metal) for one in (local, extrapolated))
    return Estimate(
        model=chosen.name,
        title=_model_title(chosen, left, right),
        left=left.name,
        right=right.name,
        limit=chosen.limit,
        emitted=emitted,
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


def _model_title(chosen: Model, left: InterfaceSide, right: InterfaceSide) -> str:
    """Title of a model with the kind of spectrum that it was given, so that limits and models of one kind are seen."""
    if chosen.name == "khalatnikov" and not rayleigh_modes(*_liquid_and_solid(left, right)):
        return "Khalatnikov, bulk (Rayleigh wave closed)"
    if not chosen.sides.fullest:
        return chosen.title
    kinds = {
        "full spectra" if side.spectrum is not None else "Debye" if side.phonons is not None else "crystals"
        for side in (left, right)
    }
    return f"{chosen.title}, {kinds.pop() if len(kinds) == 1 else 'mixed spectra'}"


def _conductance_of_spectra(
    spectra: list[Transmission], temperature: ArrayLike, drop: Drop, statistics: Statistics
) -> Conductance:
    """Conductance at all temperatures, from one spectrum or one for each."""
    if len(spectra) == 1:
        return spectra[0].conductance(temperature, drop, statistics)
    return merge_conductances([one.conductance(one.temperature or 0.0, drop, statistics) for one in spectra])


def conductance_or_none(
    spectra: list[Transmission], temperature: ArrayLike, drop: Drop, statistics: Statistics
) -> Conductance | None:
    """Conductance by a drop, or None where the modes of a side are unknown or too few for what crosses."""
    try:
        return _conductance_of_spectra(spectra, temperature, drop, statistics)
    except InputError:
        return None
