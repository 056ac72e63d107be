"""The Boltzmann equation of both bulks beside a boundary; a module of its own, as its solver is slow to load."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from attrs import evolve

from kapitza.core.arrays import Array
from kapitza.core.occupation import Statistics
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError
from kapitza.matter.band_spectrum import BandSpectrum
from kapitza.matter.bands import Bands
from kapitza.matter.dispersion import Dispersion
from kapitza.matter.isotropic import Solid
from kapitza.matter.lattice_conductivity import LatticeConductivity
from kapitza.matter.phonons import phonons
from kapitza.measure.observation import ObservedBoundary, is_uncertain
from kapitza.run.store import UnitResult
from kapitza.simulate.boltzmann.boundaries import Wall
from kapitza.simulate.boltzmann.carriers import Carriers, ScatteringRates
from kapitza.simulate.boltzmann.layered.response import apparent_resistance
from kapitza.simulate.boltzmann.layered.transport import Film, transport
from kapitza.simulate.boltzmann.spectral_carriers import group_edges, spectral_carriers
from kapitza.theory.sides import InterfaceSide

_LONGEST_PATH = 1e-3  # m, of phonons in a sample
_GRAINS = 1e-6  # m, that end the free paths of the scenario with most scattering at boundaries
_UMKLAPP = 1e-19  # s K⁻¹, before it is scaled to a conductivity
_SUBSTRATE = 1e-3  # m: thicker than heat travels in a period
_PENETRATIONS = 5.0  # lengths over which heat decays in a period, in a thick substrate
USUAL_COUPLING = 2.4e17  # W m⁻³ K⁻¹ from electrons to lattice: median of the metals of the library
_CROSSOVER = 0.25  # of the highest frequency, above which rates of the scenario of long paths grow as ω⁴
_UNKNOWN_LATTICE = 2.0  # factor by which the lattice conductivity of a metal, or an estimated one, is not known


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
    return {"excess": np.array([_resistance(seen, *pair) + _electron_excess(seen, *pair) - emitted for pair in pairs])}


def _resistance(scene: ObservedBoundary, left: Carriers, right: Carriers) -> float:
    """Apparent resistance with the elastic boundary alone, m² K W⁻¹."""
    seen, boundary = scene.observation, scene.boundary
    if scene.right.is_metal:
        left, right = right, left
        boundary = evolve(boundary, left=boundary.right, right=boundary.left)
    name = right.name if right.name != left.name else f"{right.name}'"
    if not scene.has_metal or scene.statistics == "classical":
        return _steady_resistance(Film(seen.thickness, left), Film(seen.thickness, right, name=name), boundary)
    film = Film(min(seen.thickness, _electron_depth(scene, left)), left)
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


def _electron_depth(scene: ObservedBoundary, metal: Carriers) -> float:
    """Depth of a metal in which its electrons hand the heat to this lattice, m."""
    electrons = scene.electrons
    if electrons is None:
        return float(np.sqrt(metal.conductivity / USUAL_COUPLING))
    return evolve(electrons, lattice=metal.conductivity).length


def _electron_excess(scene: ObservedBoundary, left: Carriers, right: Carriers) -> float:
    """Resistance between electrons and lattice beyond that of the library, where another conductivity is taken."""
    if scene.electrons is None:
        return 0.0
    known = scene.electrons.at(left.temperature)
    return evolve(known, lattice=(left if scene.left.is_metal else right).conductivity).resistance - known.resistance


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


def with_grains(carriers: Carriers) -> Carriers:
    """The same phonons in a layer of grains, which conducts less."""
    return evolve(carriers, lifetime=1 / (1 / carriers.lifetime + carriers.velocity / _GRAINS))


def with_long_paths(carriers: Carriers) -> Carriers:
    """Phonons of the same conductivity, whose rates turn from ω² to ω⁴."""
    omega = carriers.omega / (_CROSSOVER * float(carriers.omega[carriers.group].max()))
    steeper = evolve(carriers, lifetime=carriers.lifetime / (1 + np.square(omega))[carriers.group])
    return evolve(steeper, lifetime=steeper.lifetime * (carriers.conductivity / steeper.conductivity))
