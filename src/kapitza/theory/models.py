"""The register of models: from two sides to the conductance by every model that they allow."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches

from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.conductance import Conductance, Drop, increasing_temperatures, merge_conductances
from kapitza.core.occupation import Statistics
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError
from kapitza.matter.isotropic import Fluid, Solid
from kapitza.theory.amm import amm
from kapitza.theory.dmm import dmm
from kapitza.theory.inelastic import three_phonon
from kapitza.theory.khalatnikov import khalatnikov, rayleigh_modes
from kapitza.theory.limits import elastic_limit, inelastic_radiation_limit, radiation_limit, specular_limit
from kapitza.theory.sides import (
    DEFAULT_NORMAL,
    InterfaceSide,
    SideDescription,
    are_crystals,
    are_isotropic,
    are_refractive,
    are_solids,
    describe_side,
    elastic_side,
    have_phonons,
    is_liquid_on_solid,
    isotropic_side,
    side_phonons,
)


@frozen(eq=False, kw_only=True)
class Model:
    """A model that needs no more than the two sides.

    Attributes
    ----------
    name : by which it is asked for
    title : for legends and tables
    references : keys of `references()`
    needs : what it asks of the sides, in words
    fits : whether two sides have that
    function : from two sides, a temperature (K) and statistics to a transmission
    limit : True for an upper limit, which no interface reaches
    asked : True where it is applied only when named, because it has a parameter that nobody knows
    thermal : True where the transmission holds at one temperature alone
    """

    name: str
    title: str
    references: tuple[str, ...]
    needs: str
    fits: Callable[[InterfaceSide, InterfaceSide], bool] = field(repr=False)
    function: Callable[[InterfaceSide, InterfaceSide, float, Statistics], Transmission] = field(repr=False)
    limit: bool = False
    asked: bool = False
    thermal: bool = False

    def transmission(
        self,
        left: SideDescription,
        right: SideDescription,
        temperature: float = 300.0,
        *,
        normals: tuple[ArrayLike, ArrayLike] = (DEFAULT_NORMAL, DEFAULT_NORMAL),
        statistics: Statistics = "quantum",
    ) -> Transmission:
        """Spectral transmission by this model.

        Parameters
        ----------
        left, right : records, names of the library, or paths of phonopy files
        temperature : K; without effect on elastic models
        normals : of either side, for names and paths
        statistics : "quantum" or "classical"; without effect on elastic models

        Raises
        ------
        InputError
            if the sides do not have what the model needs
        """
        return self.applied(describe_side(left, normals[0]), describe_side(right, normals[1]), temperature, statistics)

    def applied(
        self, left: InterfaceSide, right: InterfaceSide, temperature: float, statistics: Statistics = "quantum"
    ) -> Transmission:
        """Transmission between two sides as `body` describes them, or an error that says what is missing."""
        if not self.fits(left, right):
            others = ", ".join(m.name for m in MODEL_REGISTER if m.fits(left, right)) or "none"
            raise InputError(
                f"{self.name} needs {self.needs}, which {left.name} and {right.name} do not both offer; "
                f"models that fit: {others}"
            )
        return self.function(left, right, temperature, statistics)


@frozen(eq=False, kw_only=True)
class Estimate:
    """What one model says about an interface, by all three temperature drops.

    Attributes
    ----------
    model, title : name and title of the model
    left, right : names of the sides
    limit : True for an upper limit
    emitted : conductance by the drop between emitting reservoirs
    local, extrapolated : by the drop at the plane and between extrapolated profiles; None where the model does not
        define it, as the radiation limits.  They may be infinite where no boundary is left.
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
    """The liquid and the solid among two sides."""
    liquid, solid = (left, right) if left.fluid is not None else (right, left)
    if liquid.fluid is None or solid.solid is None:
        raise InputError(f"khalatnikov needs a liquid and a solid, got {left.name} and {right.name}")
    return liquid.fluid, solid.solid


MODEL_REGISTER: tuple[Model, ...] = (
    Model(
        name="amm",
        title="AMM, isotropic",
        references=("little1959", "swartz1989"),
        needs="speeds of sound of both sides",
        fits=are_isotropic,
        function=lambda a, b, _, __: amm(isotropic_side(a), isotropic_side(b)),
    ),
    Model(
        name="amm-crystal",
        title="AMM, crystals",
        references=("stroh1962", "little1959"),
        needs="the stiffness of both sides (a liquid of at least 0.05 of the crystal's impedance may be one)",
        fits=are_refractive,
        function=lambda a, b, _, __: amm(elastic_side(a), elastic_side(b)),
    ),
    Model(
        name="khalatnikov",
        title="Khalatnikov, bulk + Rayleigh",
        references=("khalatnikov1952", "rayleigh1885", "swartz1989"),
        needs="a liquid and a solid",
        fits=is_liquid_on_solid,
        function=lambda a, b, _, __: _khalatnikov_either_side(a, b),
    ),
    Model(
        name="dmm",
        title="DMM",
        references=("swartz1989", "reddy2005"),
        needs="phonons of both sides",
        fits=have_phonons,
        function=lambda a, b, _, __: dmm(side_phonons(a), side_phonons(b)),
    ),
    Model(
        name="dmm-crystal",
        title="DMM, crystals",
        references=("swartz1989", "chen2013"),
        needs="the stiffness of both sides (a liquid may be one)",
        fits=are_crystals,
        function=lambda a, b, _, __: dmm(elastic_side(a), elastic_side(b)),
    ),
    Model(
        name="three-phonon",
        title="DMM + three-phonon, s = 1",
        references=("saaskilahti2014",),
        needs="phonons of both sides",
        fits=have_phonons,
        function=lambda a, b, kelvin, kind: three_phonon(side_phonons(a), side_phonons(b), kelvin, statistics=kind),
        asked=True,
        thermal=True,
    ),
    Model(
        name="specular-limit",
        title="specular limit, isotropic",
        references=("polanco2015",),
        needs="speeds of sound of both solids",
        fits=are_solids,
        function=lambda a, b, _, __: specular_limit(isotropic_side(a), isotropic_side(b)),
        limit=True,
    ),
    Model(
        name="specular-limit-crystal",
        title="specular limit, crystals",
        references=("polanco2015", "stroh1962"),
        needs="the stiffness of both sides (a liquid may be one)",
        fits=are_crystals,
        function=lambda a, b, _, __: specular_limit(elastic_side(a), elastic_side(b)),
        limit=True,
    ),
    Model(
        name="elastic-limit",
        title="elastic limit",
        references=("polanco2015",),
        needs="phonons of both sides",
        fits=have_phonons,
        function=lambda a, b, _, __: elastic_limit(side_phonons(a), side_phonons(b)),
        limit=True,
    ),
    Model(
        name="elastic-limit-crystal",
        title="elastic limit, crystals",
        references=("polanco2015",),
        needs="the stiffness of both sides (a liquid may be one)",
        fits=are_crystals,
        function=lambda a, b, _, __: elastic_limit(elastic_side(a), elastic_side(b)),
        limit=True,
    ),
    Model(
        name="inelastic-limit",
        title="inelastic radiation limit",
        references=("stoner1993",),
        needs="phonons of both sides",
        fits=have_phonons,
        function=lambda a, b, kelvin, kind: inelastic_radiation_limit(
            side_phonons(a), side_phonons(b), kelvin, statistics=kind
        ),
        limit=True,
        thermal=True,
    ),
    Model(
        name="inelastic-limit-crystal",
        title="inelastic radiation limit, crystals",
        references=("stoner1993",),
        needs="the stiffness of both sides (a liquid may be one)",
        fits=are_crystals,
        function=lambda a, b, kelvin, kind: inelastic_radiation_limit(
            elastic_side(a), elastic_side(b), kelvin, statistics=kind
        ),
        limit=True,
        thermal=True,
    ),
    Model(
        name="radiation-left",
        title="radiation limit, left",
        references=("swartz1989",),
        needs="phonons of both sides",
        fits=have_phonons,
        function=lambda a, b, _, __: radiation_limit(side_phonons(a), side_phonons(b), "left"),
        limit=True,
        asked=True,
    ),
    Model(
        name="radiation-right",
        title="radiation limit, right",
        references=("swartz1989",),
        needs="phonons of both sides",
        fits=have_phonons,
        function=lambda a, b, _, __: radiation_limit(side_phonons(a), side_phonons(b), "right"),
        limit=True,
        asked=True,
    ),
)


def find_model(name: str) -> Model:
    """Return a model by its name.

    Raises
    ------
    InputError
        for an unknown name, with near ones
    """
    by_name = {one.name: one for one in MODEL_REGISTER}
    wanted = name.strip().lower().replace("_", "-")
    if wanted not in by_name:
        close = get_close_matches(wanted, by_name, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(by_name)}"
        raise InputError(f"no model {name!r:.60}; {hint}")
    return by_name[wanted]


def applicable_models(
    left: SideDescription,
    right: SideDescription,
    *,
    normals: tuple[ArrayLike, ArrayLike] = (DEFAULT_NORMAL, DEFAULT_NORMAL),
) -> tuple[Model, ...]:
    """Models that two sides allow, those that have to be asked for by name among them.

    Parameters and errors as for `predict`.
    """
    a, b = describe_side(left, normals[0]), describe_side(right, normals[1])
    return tuple(one for one in MODEL_REGISTER if one.fits(a, b))


def predict(
    left: SideDescription,
    right: SideDescription,
    temperature: ArrayLike,
    theories: Sequence[str] | None = None,
    *,
    statistics: Statistics = "quantum",
    normals: tuple[ArrayLike, ArrayLike] = (DEFAULT_NORMAL, DEFAULT_NORMAL),
) -> tuple[Estimate, ...]:
    """Conductance of an interface by many models at once.

    Parameters
    ----------
    left, right : records, names of the library, or paths of phonopy files
    temperature : (nT,) K, increasing
    theories : names of models; None for all that the sides allow and that need no further parameter
    statistics : "quantum", or "classical" as in molecular dynamics
    normals : of either side, Cartesian in the axes of its crystal, for names and paths; records have their own

    Returns
    -------
    one Estimate for each model, in the order of the names or of the register

    Raises
    ------
    InputError
        for unknown names, sides that do not have what a named model needs, temperatures not above 0 K, or classical
        statistics where a named model has quantum rates
    DataError
        for a file that is no phonopy file
    """
    kelvin = increasing_temperatures(temperature)
    a, b = describe_side(left, normals[0]), describe_side(right, normals[1])
    wanted = [one for one in MODEL_REGISTER if not one.asked and one.fits(a, b)]
    if theories is not None:
        wanted = [find_model(name) for name in dict.fromkeys(theories)]
    if not wanted:
        raise InputError(f"no model fits {a.name} and {b.name}; asked for {list(theories or ())}")
    return tuple(_estimate_conductance(one, a, b, kelvin, statistics) for one in wanted)


def _estimate_conductance(
    chosen: Model, left: InterfaceSide, right: InterfaceSide, temperature: ArrayLike, statistics: Statistics
) -> Estimate:
    """Conductance by one model and all drops; parameters as for `predict`."""
    kelvin = increasing_temperatures(temperature)
    spectra = [chosen.applied(left, right, float(t), statistics) for t in (kelvin if chosen.thermal else kelvin[:1])]
    unbounded = chosen.limit and not spectra[0].elastic  # more than a plane can pass leaves no drop at it
    return Estimate(
        model=chosen.name,
        title=_model_title(chosen, left, right),
        left=left.name,
        right=right.name,
        limit=chosen.limit,
        emitted=_conductance_of_spectra(spectra, kelvin, "emitted", statistics),
        local=None if unbounded else conductance_or_none(spectra, kelvin, "local", statistics),
        extrapolated=None if unbounded else conductance_or_none(spectra, kelvin, "extrapolated", statistics),
    )


def _model_title(chosen: Model, left: InterfaceSide, right: InterfaceSide) -> str:
    """Title of a model with the kind of spectrum that it was given, so that limits and models of one kind are seen."""
    if chosen.name == "khalatnikov" and not rayleigh_modes(*_liquid_and_solid(left, right)):
        return "Khalatnikov, bulk (Rayleigh wave closed)"
    if chosen.fits is not have_phonons:
        return chosen.title
    debye = [side.spectrum is None and side.phonons is not None for side in (left, right)]
    kind = "Debye" if all(debye) else "mixed spectra" if any(debye) else _spectrum_kind(left, right)
    return f"{chosen.title}, {kind}"


def _spectrum_kind(left: InterfaceSide, right: InterfaceSide) -> str:
    """Kind of spectrum of two sides neither of which is a Debye solid."""
    full = [side.spectrum is not None for side in (left, right)]
    return "full spectra" if all(full) else "mixed spectra" if any(full) else "crystals"


def _conductance_of_spectra(
    spectra: list[Transmission], kelvin: ArrayLike, drop: Drop, statistics: Statistics
) -> Conductance:
    """Conductance at all temperatures, from one spectrum or one for each."""
    if len(spectra) == 1:
        return spectra[0].conductance(kelvin, drop, statistics)
    return merge_conductances([one.conductance(one.temperature or 0.0, drop, statistics) for one in spectra])


def conductance_or_none(
    spectra: list[Transmission], kelvin: ArrayLike, drop: Drop, statistics: Statistics
) -> Conductance | None:
    """Conductance by a drop, or None where it is not defined.

    That is so where the modes of a side are unknown and where more crosses than the modes of both sides would bring.
    """
    try:
        return _conductance_of_spectra(spectra, kelvin, drop, statistics)
    except InputError:
        return None
