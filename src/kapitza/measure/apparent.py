r"""Conductance as an experiment or a simulation sees it, from the Boltzmann equation of both sides.

Theories give the emitted conductance.  A measurement subtracts the temperature drop in both solids, calculated from
Fourier's law, and assigns to the boundary what that law leaves out: phonons that cross it are not those that carry the
heat in the bulk, and relax to their distribution over many mean free paths.  So the apparent conductance of a
diffuse boundary is mostly smaller than the emitted one.  Nothing is fitted: lifetimes follow from the conductivity of
each lattice and a law of scattering.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Literal, cast

import numpy as np
from attrs import asdict, evolve, field, frozen
from numpy.typing import ArrayLike

from kapitza.core import arrays
from kapitza.core.arrays import Array, about, above_zero, number, numbers, one_of
from kapitza.core.conductance import Conductance, increasing_temperatures
from kapitza.core.occupation import Statistics
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import Transmission
from kapitza.errors import Hint, InputError
from kapitza.matter.bands import Bands, BandSpectrum
from kapitza.matter.electrons import Electrons
from kapitza.matter.isotropic import Dispersion, Solid
from kapitza.matter.lattice_conductivity import LatticeConductivity, lattice_conductivity
from kapitza.matter.library import material
from kapitza.matter.material import GLASS_SYMMETRY, LIQUID_SYMMETRY
from kapitza.matter.phonons import phonons
from kapitza.matter.sheet import Sheet
from kapitza.run.store import UnitInputs, UnitResult, compute_once
from kapitza.simulate.boltzmann.boundaries import Wall
from kapitza.simulate.boltzmann.carriers import Carriers, ScatteringRates
from kapitza.simulate.boltzmann.layered.response import apparent_resistance
from kapitza.simulate.boltzmann.layered.transport import Film, transport
from kapitza.simulate.boltzmann.spectral_carriers import group_edges, spectral_carriers
from kapitza.theory.models import apply_models, contact_electrons, find_model
from kapitza.theory.sides import DEFAULT_NORMAL, InterfaceSide, SideDescription, describe_sides

ObservationMethod = Literal["tdtr", "sstr", "film", "md"]
OBSERVATION_METHODS: tuple[ObservationMethod, ...] = ("tdtr", "sstr", "film", "md")
_THICKNESS_RANGE = (1e-9, 1e-3)  # m, of films and spots
_FREQUENCY_RANGE = (10.0, 1e10)  # Hz, of a modulated laser
_SOLUTION_VERSION = "apparent-2"  # changes when the same sides would give another resistance
_COLDEST = 20.0  # K, below which phonons are scattered by the faces of samples
DIFFUSE_MODELS = ("dmm-metal", "dmm-anharmonic", "dmm")  # fullest first, to which the solved part is added
_LONGEST_PATH = 1e-3  # m, of phonons in a sample
_GRAINS = 1e-6  # m, that end the free paths of the scenario with most scattering at boundaries
_UMKLAPP = 1e-19  # s K⁻¹, before it is scaled to a conductivity
_SUBSTRATE = 1e-3  # m: thicker than heat travels in a period
_PENETRATIONS = 5.0  # lengths over which heat decays in a period, in a thick substrate
USUAL_COUPLING = 2.4e17  # W m⁻³ K⁻¹ from electrons to lattice: median of the metals of the library
_CROSSOVER = 0.25  # of the highest frequency, above which rates of the scenario of long paths grow as ω⁴
_UNKNOWN_LATTICE = 2.0  # factor by which the lattice conductivity of a metal, or an estimated one, is not known
_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))


@frozen(kw_only=True)
class Observation(BaseRecord):
    """How the conductance of a boundary is measured or simulated.

    Attributes
    ----------
    method : "tdtr": modulated thermoreflectance of a metal film on a thick substrate; "sstr": a steady flux from such a
        film into a substrate as deep as the radius of the laser spot; "film": a steady flux between two layers of one
        thickness; "md": the same by classical statistics

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
        arrays.check_plausible("thickness", self.thickness, *_THICKNESS_RANGE, "m", self.method)
        arrays.check_plausible("frequency", self.frequency, *_FREQUENCY_RANGE, "Hz", self.method)
        arrays.check_plausible("radius of the spot", self.spot, *_THICKNESS_RANGE, "m", self.method)

    @property
    def title(self) -> str:
        """For legends and tables."""
        thick = _in_words(self.thickness, "m")
        return {
            "tdtr": f"TDTR, {thick} film, {_in_words(self.frequency, 'Hz')}",
            "sstr": f"SSTR, {thick} film, {_in_words(self.spot, 'm')} spot",
            "film": f"layers of {thick}, steady",
            "md": f"MD, sides of {thick}, classical",
        }[self.method]


# how a method is mostly used where its source does not say: observation, modulation (Hz), radius of the spot (m)
USUAL_PRACTICE: Mapping[str, tuple[ObservationMethod, float, float]] = MappingProxyType(
    {
        "TDTR": ("tdtr", 1e7, 1e-5),
        "TDTR and steady state": ("tdtr", 1e7, 1e-5),
        "thermoreflectance": ("tdtr", 1e7, 1e-5),  # pulses whose decay is followed for nanoseconds
        "FDTR": ("tdtr", 1e6, 1e-5),  # between 0.1 and 10 MHz
        "electron diffraction": ("tdtr", 1e8, 1e-5),  # a film that cools within some nanoseconds
        "3ω": ("sstr", 1e7, 1e-5),  # a heater some 10 µm wide on the film
        "3ω and thermoreflectance": ("sstr", 1e7, 1e-5),
        "electrical thermometry": ("sstr", 1e7, 1e-5),
        "Raman thermometry": ("sstr", 1e7, 1e-6),  # a focused laser
    }
)
USUAL_EXPERIMENT = Observation()  # TDTR at 10 MHz of a film of 100 nm


def usual_observation(method: str, thickness: float | None = None) -> Observation:
    """How a measurement by a method of the catalogue sees a boundary: with its film, the rest as it is mostly done.

    TDTR at 10 MHz, FDTR at 1 MHz, electron diffraction within some nanoseconds (100 MHz); 3ω and electrical thermometry
    steady, into a depth of 10 µm, Raman thermometry of 1 µm; a film of 100 nm where its thickness (m) is not known, and
    TDTR for other methods.
    """
    kind, frequency, spot = USUAL_PRACTICE.get(method, USUAL_PRACTICE["TDTR"])
    film = USUAL_EXPERIMENT.thickness if thickness is None else min(max(thickness, _THICKNESS_RANGE[0]), 1e-4)
    return Observation(method=kind, thickness=film, frequency=frequency, spot=spot)


def _in_words(value: float, unit: str) -> str:
    """A length (m) or a frequency (Hz) with the prefix that suits it."""
    scale, prefix = next(((scale, one) for scale, one in _PREFIXES if value >= 0.9999 * scale), _PREFIXES[-1])
    return f"{value / scale:.4g} {prefix}{unit}"


@frozen(eq=False, kw_only=True)
class ApparentConductance(BaseRecord):
    """An apparent conductance, and its bounds over what is not known.

    Attributes
    ----------
    left, right : names of the sides
    observation : what was solved for
    conductance : by the extrapolated drop, solved
    emitted : of the model to whose resistance the solved part was added
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


@frozen(eq=False, kw_only=True)
class ObservedBoundary(BaseRecord):
    """Two described sides with an elastic boundary, as they are seen."""

    left: InterfaceSide
    right: InterfaceSide
    boundary: Transmission
    observation: Observation
    statistics: Statistics
    electrons: Electrons | None  # of the metal among both sides at 300 K, where they are known and count
    bounds: bool = True  # whether what is not known is varied
    stated: bool = False  # whether the boundary is another one than the diffuse one of both spectra


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

    To the resistance of the most complete diffuse model of `predict` is added what the Boltzmann equation of both
    solids adds to the emitted one with the elastic diffuse boundary.  Scattering rates grow as ω² and are scaled to
    the conductivity of each lattice; no mean free path is longer than 1 mm.  The lattice of a metal film takes its
    heat from the electrons within the depth in which both come to one temperature.  `low` and `high` are bounds over
    what is not known: rates that turn from ω² to ω⁴ at a quarter of the highest frequency (half of the heat in silicon
    then has mean free paths above 0.7 µm, as membranes show); grains of 1 µm; and half or twice the lattice
    conductivity where it is of a metal or an estimate.  They are no confidence interval.

    Parameters
    ----------
    left, right : records, names of the library, or paths of phonopy files, as for `predict`; no sheets and no liquids
    temperature : (nT,) K, increasing
    observation : how it is seen; None: TDTR of a film of 100 nm at 10 MHz.  The film is the metal among both sides;
        between two non-metals, which no laser heats, TDTR and SSTR stand for layers of that thickness, steady
    conductivities : of the lattice of either side, W m⁻¹ K⁻¹; None: that of the library
    normals : of either side, Cartesian in the axes of its crystal, for names and paths

    Raises
    ------
    InputError
        between metals, which electrons cross; for liquids, glasses and sheets; for a lattice of unknown conductivity,
        or of which none is given below 20 K; and as `predict`

    References
    ----------
    A. Ward and D. A. Broido, Phys. Rev. B 81, 085205 (2010), doi:10.1103/PhysRevB.81.085205 (rates)
    """
    sides = describe_sides(left, right, normals)
    return solve_apparent(*sides, temperature, observation, conductivities=conductivities)


def apparent_transmission(
    transmission: Transmission,
    left: SideDescription,
    right: SideDescription,
    temperature: ArrayLike,
    observation: Observation | None = None,
    *,
    conductivities: tuple[float | None, float | None] = (None, None),
) -> ApparentConductance:
    r"""Conductance of a boundary of known transmission, such as one by Green's functions, as an experiment sees it.

    To the resistance that the transmission emits is added what the Boltzmann equation of both solids adds with it at
    the plane, as in `apparent_conductance`; electrons take no part.

    Parameters
    ----------
    transmission : from left to right, elastic
    left, right, temperature, observation, conductivities : as for `apparent_conductance`; the observation between
        layers of 100 nm, steady, where None is given

    Raises
    ------
    InputError
        as `apparent_conductance`, and for a transmission that carries more than both solids have modes for
    """
    sides = describe_sides(left, right)
    seen = Observation(method="film") if observation is None else observation
    return solve_apparent(*sides, temperature, seen, conductivities=conductivities, transmission=transmission)


def solve_apparent(
    left: InterfaceSide,
    right: InterfaceSide,
    temperature: ArrayLike,
    observation: Observation | None = None,
    *,
    conductivities: tuple[float | None, float | None] = (None, None),
    bounds: bool = True,
    transmission: Transmission | None = None,
) -> ApparentConductance:
    """`apparent_conductance` between two described sides; without `bounds` both are the value itself.  With a
    `transmission` that one is the boundary.
    """
    kelvin = increasing_temperatures(temperature)
    arrays.check_filled("temperature", kelvin)
    if observation is not None:
        arrays.check_record(observation, Observation, python='give Observation(method="tdtr", ...)')
    given_pair = _conductivity_pair(conductivities)
    seen = Observation() if observation is None else observation
    if not (left.is_metal or right.is_metal) and seen.method in ("tdtr", "sstr"):
        seen = Observation(method="film", thickness=seen.thickness)  # no metal film that a laser would heat
    for side in (left, right):
        _check_phonon_gas(side)
    if left.is_metal and right.is_metal:
        raise InputError(f"{left.name} | {right.name}: electrons cross between metals; expected one metal at most")
    statistics: Statistics = "classical" if seen.method == "md" else "quantum"
    model, title, emitted = _emitted_conductance(left, right, kelvin, statistics, transmission)
    elastic = find_model("dmm").apply(left, right, float(kelvin[0])) if transmission is None else transmission
    known = tuple(
        tuple(_conductivity_of(side, given, t) for t in kelvin.tolist())
        for side, given in zip((left, right), given_pair, strict=True)
    )
    electrons = contact_electrons(left, right) if model == "dmm-metal" else None
    scene = ObservedBoundary(
        left=left,
        right=right,
        boundary=elastic,
        observation=seen,
        statistics=statistics,
        electrons=electrons,
        bounds=bounds,
        stated=transmission is not None,
    )
    excess = np.array([_excess(scene, t, (known[0][i], known[1][i])) for i, t in enumerate(kelvin.tolist())])
    resistance = emitted.resistance[:, None] + excess
    with np.errstate(divide="ignore"):
        value, low, high = (1 / np.maximum(resistance, 0.0)).T
    return ApparentConductance(
        left=left.name,
        right=right.name,
        observation=seen,
        conductance=Conductance(
            kelvin, value, drop="extrapolated", statistics=statistics, method=f"{title}, {seen.title}"
        ),
        low=low,
        high=high,
        emitted=emitted,
        model=model,
        conductivities=(known[0], known[1]),
    )


def _emitted_conductance(
    left: InterfaceSide, right: InterfaceSide, kelvin: Array, statistics: Statistics, transmission: Transmission | None
) -> tuple[str, str, Conductance]:
    """Name and title of the fullest diffuse model, or of a transmission, and what it emits."""
    if transmission is not None:
        title = transmission.method or "transmission"
        return title, title, transmission.conductance(kelvin, statistics=statistics)
    offered = [name for name in DIFFUSE_MODELS if find_model(name).sides.fits(left, right)]
    chosen = "dmm" if statistics == "classical" else next(iter(offered), "dmm")
    (estimate,) = apply_models(left, right, kelvin, [chosen], statistics)
    return estimate.model, estimate.title, estimate.emitted


def _conductivity_pair(given: object) -> tuple[float | None, float | None]:
    if not isinstance(given, (tuple, list)) or len(cast("Sequence[object]", given)) != 2:
        raise InputError(
            f"conductivities = {given!r:.60}: expected two, left and right, in W/mK",
            hint=Hint(python="None for the one of the library"),
        )
    left, right = (None if one is None else number(one) for one in cast("Sequence[Any]", given))
    if wrong := [one for one in (left, right) if one is not None and not 0 < one < np.inf]:
        raise InputError(f"conductivities: {wrong[0]:g} W/mK, wanted a finite number above 0")
    return left, right


def _check_phonon_gas(side: InterfaceSide) -> None:
    """Refuse a side whose heat is not carried by phonons with mean free paths."""
    symmetry = "" if side.material is None else side.material.symmetry
    if side.fluid is not None or symmetry in (GLASS_SYMMETRY, LIQUID_SYMMETRY):
        what = "liquid" if side.fluid is not None or symmetry == LIQUID_SYMMETRY else "glass or polymer"
        raise InputError(
            f"{side.name} is a {what}: it has no phonons with mean free paths, and no apparent conductance"
        )
    if isinstance(side.spectrum, Sheet):
        raise InputError(f"{side.name} is a sheet: it has no depth in which phonons would thermalize")


def _conductivity_of(side: InterfaceSide, given: float | None, temperature: float) -> LatticeConductivity:
    """Conductivity of a lattice as it was given, or as the library knows it."""
    if given is not None:
        return LatticeConductivity(value=given, source="given", estimated=False)
    if temperature < _COLDEST:
        raise InputError(
            f"{side.name} at {temperature:g} K: below {_COLDEST:g} K the sample sets the free paths, not its material; "
            "give the conductivities of both lattices"
        )
    known = side.material
    if known is None and side.library_name:  # a file that holds a crystal of the library
        known = material(side.library_name)
    found = None if known is None else lattice_conductivity(known, temperature)
    if found is None:
        raise InputError(
            f"{side.name}: the conductivity of its lattice at {temperature:g} K is not known",
            hint=Hint(
                python="give it, W/mK (conductivities=(left, right))",
                command="give it, W/mK (--conductivities LEFT,RIGHT)",
            ),
        )
    return found


def _excess(
    scene: ObservedBoundary, temperature: float, known: tuple[LatticeConductivity, LatticeConductivity]
) -> Array:
    """(3,) what the bulks add to the emitted resistance: as is, most and least over what is not known, m² K W⁻¹."""
    inputs = _inputs(scene, temperature, known)
    kernel = partial(excess_resistances, scene, temperature, known)
    solved = kernel() if inputs is None else compute_once(kernel, inputs, version=_SOLUTION_VERSION)
    each = np.asarray(solved["excess"], dtype=float)
    return np.array([each[0], each.max(), each.min()])


def _inputs(scene: ObservedBoundary, temperature: float, known: Sequence[LatticeConductivity]) -> UnitInputs | None:
    """All that the solution depends on; None where a side is no crystal of the package, whose spectrum names it."""
    sides, electrons = (scene.left, scene.right), scene.electrons
    spectra = [side.spectrum for side in sides if isinstance(side.spectrum, BandSpectrum)]
    if len(spectra) < len(sides):
        return None
    return {
        **asdict(scene.observation), "temperature": temperature,
        **{f"modes {i}": spectrum.table.modes.value for i, spectrum in enumerate(spectra)},
        **{f"states {i}": spectrum.table.states.value for i, spectrum in enumerate(spectra)},
        **{f"conductivity {i}": lattice.value for i, lattice in enumerate(known)},
        "uncertain": np.array([is_uncertain(*pair) for pair in zip(sides, known, strict=True)]),
        "metal": np.array([side.is_metal for side in sides]),
        "electrons": np.array(
            [electrons.conductivity, electrons.lattice, electrons.coupling] if electrons else [0.0, 0.0, 0.0]
        ),
        "ends": np.array([end for spectrum in spectra for end in (spectrum.table.top, spectrum.atoms)]),
        **({} if scene.bounds else {"bounds": False}),
        **({"boundary": (scene.boundary.omega, scene.boundary.total)} if scene.stated else {}),
    }  # fmt: skip


def is_uncertain(side: InterfaceSide, known: LatticeConductivity) -> bool:
    """Whether a lattice conductivity is known to a factor only: never measured by itself in a metal, or estimated."""
    return known.estimated or (side.is_metal and known.source != "given")


def excess_resistances(seen: ObservedBoundary, temperature: float, known: Sequence[LatticeConductivity]) -> UnitResult:
    """What both solids add to the resistance that a model emits, for each scenario, the first as is, m² K W⁻¹."""
    sides = (seen.left, seen.right)
    edges = group_edges(max(float(np.max(side.phonons.edges)) for side in sides if side.phonons is not None))
    plain = [
        _carriers(side, one.value, temperature, edges, seen.statistics) for side, one in zip(sides, known, strict=True)
    ]
    pairs = [plain]
    if seen.bounds:
        pairs += [[with_grains(one) for one in plain], [with_long_paths(one) for one in plain]]
    for i, (side, one) in enumerate(zip(sides, known, strict=True)):
        if seen.bounds and is_uncertain(side, one):
            for factor in (1 / _UNKNOWN_LATTICE, _UNKNOWN_LATTICE):
                pair = list(plain)
                pair[i] = evolve(plain[i], lifetime=factor * plain[i].lifetime)
                pairs.append(pair)
    emitted = float(seen.boundary.conductance(temperature, statistics=seen.statistics).resistance[0])
    resistances = [_resistance(seen, *pair) for pair in pairs]
    if seen.electrons is not None:  # between electrons and lattice, beyond that of the library
        electrons, metal = seen.electrons.at(temperature), 0 if seen.left.is_metal else 1
        for i, pair in enumerate(pairs):
            resistances[i] += evolve(electrons, lattice=pair[metal].conductivity).resistance - electrons.resistance
    return {"excess": np.array(resistances) - emitted}


def _resistance(scene: ObservedBoundary, left: Carriers, right: Carriers) -> float:
    """Apparent resistance with the elastic boundary alone, m² K W⁻¹."""
    seen, boundary = scene.observation, scene.boundary
    if scene.right.is_metal:
        left, right = right, left
        boundary = evolve(boundary, left=boundary.right, right=boundary.left)
    name = right.name if right.name != left.name else f"{right.name}'"
    if not (scene.left.is_metal or scene.right.is_metal) or scene.statistics == "classical":
        return _steady_resistance(Film(seen.thickness, left), Film(seen.thickness, right, name=name), boundary)
    # depth of the metal in which its electrons hand the heat to this lattice
    electrons = None if scene.electrons is None else evolve(scene.electrons, lattice=left.conductivity)
    deepest = float(np.sqrt(left.conductivity / USUAL_COUPLING)) if electrons is None else electrons.length
    film = Film(min(seen.thickness, deepest), left)
    if seen.method == "tdtr":
        diffusivity = right.conductivity / float(right.capacity.sum())
        depth = max(_SUBSTRATE, _PENETRATIONS * float(np.sqrt(diffusivity / (np.pi * seen.frequency))))
        return float(apparent_resistance([film, Film(depth, right, name=name)], boundary, seen.frequency)[0].real)
    depth = seen.spot if seen.method == "sstr" else seen.thickness
    return _steady_resistance(film, Film(depth, right, name=name), boundary)


def _steady_resistance(left: Film, right: Film, boundary: Transmission) -> float:
    """Resistance between the bulk lines of two layers between black walls, m² K W⁻¹."""
    base = left.carriers.temperature
    found = transport([left, right], [boundary], left=Wall(base + 0.5), right=Wall(base - 0.5))
    return found.drop(0, "extrapolated") / found.flux


def _carriers(
    side: InterfaceSide, conductivity: float, temperature: float, edges: Array, statistics: Statistics
) -> Carriers:
    """Phonons of a side, whose rates grow as ω² and give its conductivity (W m⁻¹ K⁻¹)."""
    rates = ScatteringRates(umklapp=_UMKLAPP, boundary=_LONGEST_PATH)
    make = partial(
        spectral_carriers, rates=rates, temperature=temperature, edges=edges, conductivity=conductivity,
        statistics=statistics,
    )  # fmt: skip
    if side.crystal is not None and isinstance(side.spectrum, BandSpectrum):
        return make(phonons(side.crystal.name, side.crystal.normal), spectrum=side.spectrum)
    for one in (side.spectrum, side.solid):
        if isinstance(one, (Bands, Dispersion, Solid)):
            return make(one)
    raise InputError(
        f"{side.name}: expected a crystal of the package, a phonopy file, a dispersion or a Debye solid; a liquid, a "
        "sheet or a spectrum alone has no free paths"
    )


def with_grains(carriers: Carriers) -> Carriers:
    """The same phonons in a layer of grains, which conducts less."""
    return evolve(carriers, lifetime=1 / (1 / carriers.lifetime + carriers.velocity / _GRAINS))


def with_long_paths(carriers: Carriers) -> Carriers:
    """Phonons of the same conductivity, whose rates turn from ω² to ω⁴."""
    omega = carriers.omega / (_CROSSOVER * float(carriers.omega[carriers.group].max()))
    steeper = evolve(carriers, lifetime=carriers.lifetime / (1 + np.square(omega))[carriers.group])
    return evolve(steeper, lifetime=steeper.lifetime * (carriers.conductivity / steeper.conductivity))
