r"""Conductance as an experiment or a simulation sees it, from the Boltzmann equation of both sides.

Theories give the emitted conductance.  Whoever measures takes off the temperature of both bulks by Fourier's law, and
what that law leaves out counts as boundary: phonons that cross it are not those that carry the heat of the bulk, and
need their free paths to become these.  So a diffuse boundary of unlike solids conducts less than is emitted, by a
factor of up to three.  Nothing in it is fitted: lifetimes follow from the conductivity of each bulk and a law of
scattering.
"""

from collections.abc import Sequence
from importlib import import_module

import numpy as np
from attrs import asdict, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, check_filled, numbers
from kapitza.core.conductance import Conductance, increasing_temperatures
from kapitza.core.occupation import Statistics
from kapitza.errors import InputError
from kapitza.matter.band_spectrum import BandSpectrum
from kapitza.matter.lattice_conductivity import LatticeConductivity, lattice_conductivity
from kapitza.measure.observation import Observation, ObservedBoundary, is_uncertain
from kapitza.run.cache import compute_once
from kapitza.run.store import UnitInputs, UnitResult
from kapitza.theory.models import apply_models, find_model
from kapitza.theory.sides import DEFAULT_NORMAL, InterfaceSide, SideDescription, describe_sides

_VERSION = "apparent-1"  # changes when the same sides would give another resistance
_COLDEST = 20.0  # K, below which phonons are scattered by the faces of samples
_FULLEST_FIRST = ("dmm-metal", "dmm-anharmonic", "dmm")  # the conductance to which the solved part is added


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
        between metals, which electrons cross; for liquids and sheets; for a lattice of unknown conductivity, or of
        which none is given below 20 K; and as `predict`

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
    scene = ObservedBoundary(left, right, elastic, seen, statistics)
    excess = np.array([_excess(scene, t, (known[0][i], known[1][i])) for i, t in enumerate(kelvin.tolist())])
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
    if temperature < _COLDEST:
        raise InputError(
            f"{side.name} at {temperature:g} K: below {_COLDEST:g} K the sample sets the free paths, not its material; "
            "give the conductivities of both lattices"
        )
    found = None if side.material is None else lattice_conductivity(side.material, temperature)
    if found is None:
        raise InputError(
            f"{side.name}: the conductivity of its lattice at {temperature:g} K is not known; give it as "
            "conductivities=(left, right), W/mK"
        )
    return found


def _excess(
    scene: ObservedBoundary, temperature: float, known: tuple[LatticeConductivity, LatticeConductivity]
) -> Array:
    """(3,) what the bulks add to the emitted resistance: as is, most and least over what is not known, m² K W⁻¹."""
    inputs = _inputs(scene, temperature, known)

    def kernel() -> UnitResult:
        solution = import_module("kapitza.measure.apparent_solution")  # whose solver is slow to load
        return solution.excess_resistances(scene, temperature, known)

    found = kernel() if inputs is None else compute_once(kernel, inputs, version=_VERSION)
    each = np.asarray(found["excess"], dtype=float)
    return np.array([each[0], each.max(), each.min()])


def _inputs(scene: ObservedBoundary, temperature: float, known: Sequence[LatticeConductivity]) -> UnitInputs | None:
    """All that the solution depends on; None where a side is no crystal of the package, whose spectrum names it."""
    spectra = [side.spectrum for side in (scene.left, scene.right)]
    tables = [one.table.modes.value for one in spectra if isinstance(one, BandSpectrum)]
    states = [one.table.states.value for one in spectra if isinstance(one, BandSpectrum)]
    if len(tables) < len(spectra):
        return None
    numbers_of_sides = {
        f"{name} {i}": value[i]
        for name, value in (("modes", tables), ("states", states), ("conductivity", [k.value for k in known]))
        for i in range(2)
    }
    loose = np.array([is_uncertain(*one) for one in zip((scene.left, scene.right), known, strict=True)])
    return {
        **asdict(scene.observation), **numbers_of_sides, "temperature": temperature, "uncertain": loose,
        "metal": np.array([scene.left.is_metal, scene.right.is_metal]),
    }  # fmt: skip
