r"""Conductance as an experiment or a simulation sees it, from the Boltzmann equation of both sides.

Theories give the emitted conductance.  Whoever measures takes off the temperature of both bulks by Fourier's law, and
what that law leaves out counts as boundary: phonons that cross it are not those that carry the heat of the bulk, and
need their free paths to become these.  So a diffuse boundary of unlike solids conducts less than is emitted, by a
factor of up to three.  Nothing in it is fitted: lifetimes follow from the conductivity of each bulk and a law of
scattering.
"""

from collections.abc import Sequence
from functools import partial
from typing import Literal

import numpy as np
from attrs import asdict, evolve, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, above_zero, check_filled, check_plausible, number, numbers, one_of
from kapitza.core.conductance import Conductance, increasing_temperatures
from kapitza.core.occupation import Statistics
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError
from kapitza.matter.band_spectrum import BandSpectrum
from kapitza.matter.bands import Bands
from kapitza.matter.dispersion import Dispersion
from kapitza.matter.isotropic import Solid
from kapitza.matter.lattice_conductivity import LatticeConductivity, lattice_conductivity
from kapitza.matter.phonons import phonons
from kapitza.run.cache import compute_once
from kapitza.run.store import UnitInputs, UnitResult
from kapitza.simulate.boltzmann.boundaries import Wall
from kapitza.simulate.boltzmann.carriers import Carriers, ScatteringRates
from kapitza.simulate.boltzmann.layered.response import apparent_resistance
from kapitza.simulate.boltzmann.layered.transport import Film, transport
from kapitza.simulate.boltzmann.spectral_carriers import group_edges, spectral_carriers
from kapitza.theory.models import apply_models, find_model
from kapitza.theory.sides import DEFAULT_NORMAL, InterfaceSide, SideDescription, describe_sides

ObservationMethod = Literal["tdtr", "sstr", "film", "md"]
OBSERVATION_METHODS: tuple[ObservationMethod, ...] = ("tdtr", "sstr", "film", "md")
_VERSION = "apparent-1"  # changes when the same sides would give another resistance
_FULLEST_FIRST = ("dmm-metal", "dmm-anharmonic", "dmm")  # the conductance to which the solved part is added
_THICKNESS_RANGE = (1e-9, 1e-3)  # m, of films and spots
_FREQUENCY_RANGE = (10.0, 1e10)  # Hz, of a modulated laser
_LONGEST_PATH = 1e-3  # m, of phonons in a sample
_GRAINS = 1e-6  # m, that end the free paths of the scenario with most scattering at boundaries
_UMKLAPP = 1e-19  # s K⁻¹, before it is scaled to a conductivity
_SUBSTRATE = 1e-3  # m: thicker than heat travels in a period
_CROSSOVER = 0.25  # of the highest frequency, above which rates of the scenario of long paths grow as ω⁴
_UNKNOWN_LATTICE = 2.0  # factor by which the lattice conductivity of a metal, or an estimated one, is not known


@frozen(kw_only=True)
class Observation:
    """How a boundary is seen.

    Attributes
    ----------
    method : "tdtr": modulated thermoreflectance of a metal film, heated evenly, on a thick substrate; "sstr": the same
        with a steady laser spot; "film": steady, between two layers of one thickness; "md": the same by classical
        statistics between thermostats

    Raises
    ------
    InputError
        for an unknown method or numbers that are not above zero
    """

    method: ObservationMethod = field(default="tdtr", validator=one_of(*OBSERVATION_METHODS))
    thickness: float = field(
        default=1e-7, converter=number, validator=above_zero, metadata=about("m", "of the film, or of both layers")
    )
    frequency: float = field(
        default=1e7, converter=number, validator=above_zero, metadata=about("Hz", "modulation (tdtr)")
    )
    spot: float = field(default=1e-5, converter=number, validator=above_zero, metadata=about("m", "radius (sstr)"))

    def __attrs_post_init__(self) -> None:
        check_plausible("thickness", self.thickness, *_THICKNESS_RANGE, "m", self.method)
        check_plausible("frequency", self.frequency, *_FREQUENCY_RANGE, "Hz", self.method)
        check_plausible("radius of the spot", self.spot, *_THICKNESS_RANGE, "m", self.method)

    @property
    def title(self) -> str:
        """For legends and tables."""
        thick = f"{1e9 * self.thickness:g} nm"
        return {
            "tdtr": f"TDTR, {thick} film, {1e-6 * self.frequency:g} MHz",
            "sstr": f"SSTR, {thick} film, {1e6 * self.spot:g} µm spot",
            "film": f"layers of {thick}, steady",
            "md": f"MD, sides of {thick}, classical",
        }[self.method]


@frozen(eq=False, kw_only=True)
class ApparentConductance:
    """A conductance as it is seen, and how far it can be from that by what is not known.

    Attributes
    ----------
    left, right : names of the sides
    observation : how it is seen
    conductance : by the extrapolated drop, solved
    emitted : of the theory to which the solved part was added
    model : its name
    conductivities : of the lattice of both sides at each temperature, the left side first
    """

    left: str
    right: str
    observation: Observation
    conductance: Conductance
    low: Array = field(converter=numbers, metadata=about("W m^-2 K^-1", "lowest over what is not known"))
    high: Array = field(converter=numbers, metadata=about("W m^-2 K^-1", "highest over what is not known"))
    emitted: Conductance
    model: str
    conductivities: tuple[tuple[LatticeConductivity, ...], tuple[LatticeConductivity, ...]]


def apparent_conductance(
    left: SideDescription,
    right: SideDescription,
    temperature: ArrayLike,
    observation: Observation | None = None,
    *,
    conductivities: tuple[float | None, float | None] = (None, None),
    normals: tuple[ArrayLike, ArrayLike] = (DEFAULT_NORMAL, DEFAULT_NORMAL),
) -> ApparentConductance:
    r"""Conductance as an experiment or a simulation sees it.

    The resistance is that of the fullest diffuse model of `predict` and what the Boltzmann equation of both bulks adds
    to the emitted one with the elastic diffuse boundary.  Scattering rates grow as ω² and are scaled to the
    conductivity of each lattice; no path is longer than 1 mm.  `low` and `high` are the ends over what is not known:
    rates that turn from ω² to ω⁴ at a quarter of the highest frequency (half of the heat in silicon then has paths
    above 0.7 µm, as membranes show); grains of 1 µm; and half or twice the lattice conductivity where it is of a
    metal or an estimate.  They are no confidence interval.

    Parameters
    ----------
    left, right : records, names of the library, or paths of phonopy files, as for `predict`; no sheets and no liquids
    temperature : (nT,) K, increasing
    observation : how it is seen; None: TDTR of a film of 100 nm at 10 MHz.  The film is the metal among both sides;
        between two non-metals TDTR and SSTR see layers of the thickness of the film, steady
    conductivities : of the lattice of either side, W m⁻¹ K⁻¹; None: that of the library
    normals : of either side, Cartesian in the axes of its crystal, for names and paths

    Raises
    ------
    InputError
        between metals, which electrons cross; for liquids and sheets; for a lattice of unknown conductivity; and as
        `predict`

    References
    ----------
    A. Ward and D. A. Broido, Phys. Rev. B 81, 085205 (2010), doi:10.1103/PhysRevB.81.085205 (rates)
    """
    sides = describe_sides(left, right, normals)
    return solve_apparent(*sides, temperature, observation, conductivities=conductivities)


def solve_apparent(
    left: InterfaceSide,
    right: InterfaceSide,
    temperature: ArrayLike,
    observation: Observation | None = None,
    *,
    conductivities: tuple[float | None, float | None] = (None, None),
) -> ApparentConductance:
    """`apparent_conductance` between two described sides."""
    kelvin = increasing_temperatures(temperature)
    check_filled("temperature", kelvin)
    seen = Observation() if observation is None else observation
    if left.is_metal and right.is_metal:
        raise InputError(f"{left.name} | {right.name}: electrons cross between metals; expected one metal at most")
    statistics: Statistics = "classical" if seen.method == "md" else "quantum"
    offered = [name for name in _FULLEST_FIRST if find_model(name).sides.fits(left, right)]
    chosen = "dmm" if statistics == "classical" else next(iter(offered), "dmm")
    (estimate,) = apply_models(left, right, kelvin, [chosen], statistics)
    elastic = find_model("dmm").apply(left, right, float(kelvin[0]))
    known = tuple(
        tuple(_conductivity_of(side, given, t) for t in kelvin.tolist())
        for side, given in zip((left, right), conductivities, strict=True)
    )
    scene = _Scene(left, right, elastic, seen, statistics)
    excess = np.array([scene.excess(t, (known[0][i], known[1][i])) for i, t in enumerate(kelvin.tolist())])
    resistance = estimate.emitted.resistance[:, None] + excess
    with np.errstate(divide="ignore"):
        value, low, high = (1 / np.maximum(resistance, 0.0)).T
    return ApparentConductance(
        left=left.name,
        right=right.name,
        observation=seen,
        conductance=Conductance(
            kelvin, value, drop="extrapolated", statistics=statistics, method=f"{estimate.title}, {seen.title}"
        ),
        low=low,
        high=high,
        emitted=estimate.emitted,
        model=estimate.model,
        conductivities=(known[0], known[1]),
    )


def _conductivity_of(side: InterfaceSide, given: float | None, temperature: float) -> LatticeConductivity:
    """Conductivity of a lattice as it was given, or as the library knows it."""
    if given is not None:
        return LatticeConductivity(value=given, source="given", estimated=False)
    found = None if side.material is None else lattice_conductivity(side.material, temperature)
    if found is None:
        raise InputError(
            f"{side.name}: the conductivity of its lattice at {temperature:g} K is not known; give it as "
            "conductivities=(left, right), W/mK"
        )
    return found


@frozen(eq=False)
class _Scene:
    """Two described sides as they are seen."""

    left: InterfaceSide
    right: InterfaceSide
    boundary: Transmission
    observation: Observation
    statistics: Statistics

    def excess(self, temperature: float, known: tuple[LatticeConductivity, LatticeConductivity]) -> Array:
        """(3,) what the bulks add to the emitted resistance: as is, most and least over what is not known, m² K W⁻¹."""
        inputs = self._inputs(temperature, known)
        kernel = partial(self._solve, temperature, known)
        found = kernel() if inputs is None else compute_once(kernel, inputs, version=_VERSION)
        each = np.asarray(found["excess"], dtype=float)
        return np.array([each[0], each.max(), each.min()])

    def _inputs(self, temperature: float, known: Sequence[LatticeConductivity]) -> UnitInputs | None:
        """All that the solution depends on; None where a side is no crystal of the package, whose spectrum names it."""
        spectra = [side.spectrum for side in (self.left, self.right)]
        tables = [one.table.modes.value for one in spectra if isinstance(one, BandSpectrum)]
        states = [one.table.states.value for one in spectra if isinstance(one, BandSpectrum)]
        if len(tables) < len(spectra):
            return None
        numbers_of_sides = {
            f"{name} {i}": value[i]
            for name, value in (("modes", tables), ("states", states), ("conductivity", [k.value for k in known]))
            for i in range(2)
        }
        loose = np.array([_is_uncertain(*one) for one in zip((self.left, self.right), known, strict=True)])
        return {
            **asdict(self.observation), **numbers_of_sides, "temperature": temperature, "uncertain": loose,
            "metal": np.array([self.left.is_metal, self.right.is_metal]),
        }  # fmt: skip

    def _solve(self, temperature: float, known: Sequence[LatticeConductivity]) -> UnitResult:
        """Kernel: the excess resistance for each scenario, the first as is, m² K W⁻¹."""
        sides = (self.left, self.right)
        edges = group_edges(max(float(np.max(side.phonons.edges)) for side in sides if side.phonons is not None))
        plain = [
            _carriers(side, one.value, temperature, edges, self.statistics)
            for side, one in zip(sides, known, strict=True)
        ]
        pairs = [plain, [_with_grains(one) for one in plain], [_with_long_paths(one) for one in plain]]
        for i, (side, one) in enumerate(zip(sides, known, strict=True)):
            if _is_uncertain(side, one):
                for factor in (1 / _UNKNOWN_LATTICE, _UNKNOWN_LATTICE):
                    pair = list(plain)
                    pair[i] = evolve(plain[i], lifetime=factor * plain[i].lifetime)
                    pairs.append(pair)
        emitted = float(self.boundary.conductance(temperature, statistics=self.statistics).resistance[0])
        return {"excess": np.array([self._resistance(*pair) - emitted for pair in pairs])}

    def _resistance(self, left: Carriers, right: Carriers) -> float:
        """Resistance as it is seen, with the elastic boundary alone, m² K W⁻¹."""
        seen, boundary = self.observation, self.boundary
        if self.right.is_metal:
            left, right = right, left
            boundary = evolve(boundary, left=boundary.right, right=boundary.left)
        name = right.name if right.name != left.name else f"{right.name}'"
        film = Film(seen.thickness, left)
        if seen.method == "tdtr" and (self.left.is_metal or self.right.is_metal):
            layers = [film, Film(_SUBSTRATE, right, name=name)]
            return float(apparent_resistance(layers, boundary, seen.frequency)[0].real)
        depth = seen.spot if seen.method == "sstr" else seen.thickness
        base = left.temperature
        ends = Wall(base + 0.5), Wall(base - 0.5)
        found = transport([film, Film(depth, right, name=name)], [boundary], left=ends[0], right=ends[1])
        return found.drop(0, "extrapolated") / found.flux


def _is_uncertain(side: InterfaceSide, known: LatticeConductivity) -> bool:
    """Whether a lattice conductivity is known to a factor only: never measured by itself in a metal, or estimated."""
    return known.estimated or (side.is_metal and known.source != "given")


def _carriers(
    side: InterfaceSide, conductivity: float, temperature: float, edges: Array, statistics: Statistics
) -> Carriers:
    """Phonons of a side, whose rates grow as ω² and give its conductivity (W m⁻¹ K⁻¹)."""
    rates = ScatteringRates(umklapp=_UMKLAPP, boundary=_LONGEST_PATH)
    make = partial(
        spectral_carriers,
        rates=rates,
        temperature=temperature,
        edges=edges,
        conductivity=conductivity,
        statistics=statistics,
    )
    if side.crystal is not None and isinstance(side.spectrum, BandSpectrum):
        return make(phonons(side.crystal.name, side.crystal.normal), spectrum=side.spectrum)
    for one in (side.spectrum, side.solid):
        if isinstance(one, (Bands, Dispersion, Solid)):
            return make(one)
    raise InputError(
        f"{side.name}: expected a crystal of the package, a phonopy file, a dispersion or a Debye solid; a liquid, a "
        "sheet or a spectrum alone has no free paths"
    )


def _with_grains(carriers: Carriers) -> Carriers:
    """The same phonons in a layer of grains, which conducts less."""
    return evolve(carriers, lifetime=1 / (1 / carriers.lifetime + carriers.velocity / _GRAINS))


def _with_long_paths(carriers: Carriers) -> Carriers:
    """Phonons of the same conductivity, whose rates turn from ω² to ω⁴."""
    omega = carriers.omega / (_CROSSOVER * float(carriers.omega[carriers.group].max()))
    steeper = evolve(carriers, lifetime=carriers.lifetime / (1 + np.square(omega))[carriers.group])
    return evolve(steeper, lifetime=steeper.lifetime * (carriers.conductivity / steeper.conductivity))
