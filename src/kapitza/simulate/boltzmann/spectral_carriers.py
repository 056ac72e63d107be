r"""Bands of transport from the vibrations of a material: full spectra, with closed-form or given lifetimes.

Modes are collected in bins of frequency.  Every bin keeps three sums over its modes exactly: the heat capacity
$\sum c$, the heat that flows one way $\frac12\sum c|v_z|$, which is the integral of $c(\omega)M(\omega)/2\pi$ that
transmissions refer to, and the conductivity $\sum c v_z^2\tau$.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from attrs import evolve, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, increasing
from kapitza.core.occupation import Statistics, mode_heat_capacity
from kapitza.core.quadrature import gauss_legendre, panel_quadrature
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.bands import Bands, BandSpectrum
from kapitza.matter.brillouin import equivalent_normals, mesh_operations, reduced_mesh
from kapitza.matter.isotropic import Dispersion, Solid, invert_branch
from kapitza.matter.space_groups.bond_symmetry import crystal_operations
from kapitza.simulate.boltzmann.carriers import Carriers, ScatteringRates

DEFAULT_GROUPS = 60
_GROUP_GRADING = 1.5  # bounds of bins go with this power: finer where phonons live long
_MAX_FIXED_EDGES = 8  # edges of a spectrum up to which bins are made to end at them
_NODES_PER_GROUP = 8  # of the quadrature over a bin
_VELOCITY_CLASSES = 8  # of velocities along the normal, in each bin
_DEFAULT_MESH = 24  # wave vectors along each reciprocal lattice vector
_CONDUCTIVITY_TOLERANCE = 1e-9  # relative difference from a conductivity that rates are fitted to
_MAX_TRIALS = 400
_MIN_MODE_VELOCITY = 1e-6  # of the highest velocity: slower modes carry nothing, and keep their mean lifetime
_MIN_SCATTERING_RATE = 1e-30  # s⁻¹, a rate that keeps its inverse finite
_MIN_UMKLAPP_FACTOR = 1e-6  # of the umklapp scattering that was given


@frozen(eq=False)
class ModeTable(BaseRecord):
    """Modes before they are collected, one row each; rows of unlike branches are kept apart."""

    omega: Array  # (n,) rad s⁻¹
    capacity: Array  # (n,) heat capacity of the modes that the row stands for, J m⁻³ K⁻¹
    speed: Array  # (n,) |v|, m s⁻¹, for which lifetimes are given
    along: Array  # (n,) |v_z|, m s⁻¹; the same as `speed` for isotropic bands
    branch: Array  # (n,)


def group_edges(*materials: Solid | Dispersion | Bands | float, bins: int = DEFAULT_GROUPS) -> Array:
    """Bounds of frequency groups that suit all layers of a stack, rad s⁻¹.

    Parameters
    ----------
    materials : `Solid`, `Dispersion` or `Bands` of all layers, or the top frequency of a spectrum, rad s⁻¹
    bins : number of groups, at least; bounds are added at the cutoffs of materials with few

    Raises
    ------
    InputError
        for what has no spectrum
    """
    edges = [material.edges for material in materials if isinstance(material, (Solid, Dispersion, Bands))]
    edges += [np.full(_MAX_FIXED_EDGES + 1, material) for material in materials if isinstance(material, float)]
    if len(edges) != len(materials) or not edges:
        raise InputError(f"expected a Solid, Dispersion or Bands for each layer, got {materials!r:.80}")
    top = max(float(bounds[-1]) for bounds in edges)
    bounds = top * (np.arange(bins + 1) / bins) ** _GROUP_GRADING
    fixed = np.concatenate([bounds for bounds in edges if bounds.size <= _MAX_FIXED_EDGES] or [bounds[-1:]])
    near = np.abs(bounds[:, None] - fixed).min(axis=1) < 0.3 * top / bins  # a cutoff replaces bounds near it
    near[0] = False
    return np.unique(np.concatenate([bounds[~near], fixed, bounds[:1], [top]]))


def spectral_carriers(
    material: Solid | Dispersion | Bands,
    rates: ScatteringRates,
    *,
    temperature: float = 300.0,
    edges: ArrayLike | None = None,
    conductivity: float | None = None,
    statistics: Statistics = "quantum",
    mesh: int = _DEFAULT_MESH,
    spectrum: BandSpectrum | None = None,
) -> Carriers:
    r"""Bands of transport of a material.

    Parameters
    ----------
    material : Debye solid, isotropic dispersion, or full bands with a normal.  Full bands keep their own velocities
        along the normal; the others are isotropic
    rates : scattering rates
    temperature : K
    edges : (G + 1,) bounds of the frequency groups, rad s⁻¹, the same for all layers of a stack; chosen if None
    conductivity : W m⁻¹ K⁻¹; where given, umklapp scattering is scaled so that the bulk conducts as well
    statistics : "quantum" or "classical"
    mesh : wave vectors along each reciprocal lattice vector of full bands
    spectrum : of full bands, where it was computed before

    Raises
    ------
    InputError
        for a material without branches, or a conductivity that these rates cannot reach

    Notes
    -----
    The velocity of a bin is chosen so that the heat flow one way is that of its modes, and its lifetime so that the
    conductivity is.
    """
    bounds = group_edges(material) if edges is None else increasing(edges)
    isotropic = not isinstance(material, Bands)
    if isinstance(material, Bands):
        modes = _band_modes(material, bounds, temperature, statistics, mesh)
        spectrum = material.spectrum if spectrum is None else spectrum
    else:
        modes = _branch_modes(material, bounds, temperature, statistics)

    def make(scaled: ScatteringRates) -> Carriers:
        lifetime = 1 / np.maximum(scaled.rate(modes.omega, modes.speed, temperature), _MIN_SCATTERING_RATE)
        carriers = collect_modes(
            material.name, modes, lifetime, bounds, isotropic=isotropic, temperature=temperature, statistics=statistics
        )
        return carriers if spectrum is None else _match_spectrum(carriers, spectrum, scaled)

    return make(rates) if conductivity is None else _scale_umklapp(make, rates, conductivity)


def _scale_umklapp(
    make: Callable[[ScatteringRates], Carriers], rates: ScatteringRates, conductivity: float
) -> Carriers:
    if not rates.umklapp:
        raise InputError(f"conductivity = {conductivity:g} W/mK: there is no umklapp scattering to scale")
    if not 0 < conductivity < np.inf:
        raise InputError(f"conductivity = {conductivity:g} W/mK, wanted a finite number above 0")
    # where umklapp scattering prevails, κ ∝ 1/factor: the less else scatters, the faster this fixed point is reached
    factor = 1.0
    for _ in range(_MAX_TRIALS):
        carriers = make(evolve(rates, umklapp=factor * rates.umklapp))
        if abs(carriers.conductivity / conductivity - 1) < _CONDUCTIVITY_TOLERANCE:
            return carriers
        factor *= carriers.conductivity / conductivity
        if factor < _MIN_UMKLAPP_FACTOR:
            raise InputError(
                f"conductivity = {conductivity:g} W/mK is out of reach: with {factor:.1g} times the umklapp scattering "
                f"it is {carriers.conductivity:.4g}"
            )
    raise InputError(f"conductivity = {conductivity:g} W/mK is out of reach: with {factor:.3g} times the umklapp rate")


def group_frequencies(edges: ArrayLike) -> Array:
    """Frequencies at which the boundaries of a stack want a transmission, rad s⁻¹: several in each group.

    A theory asked for these, `dmm(left, right, group_frequencies(edges))`, is summed over the groups without
    interpolation.
    """
    return panel_quadrature(increasing(edges), _NODES_PER_GROUP)[0]


def _branch_modes(material: Solid | Dispersion, edges: Array, temperature: float, statistics: Statistics) -> ModeTable:
    """Modes of isotropic branches, at the nodes of a quadrature in frequency."""
    omega, weight = panel_quadrature(edges, _NODES_PER_GROUP)
    per_mode = mode_heat_capacity(omega, temperature, statistics)[0]
    parts: list[tuple[Array, Array, Array]] = []  # frequency, modes per volume, speed
    if isinstance(material, Solid):
        for speed, cutoff in zip(material.speeds, material.cutoffs, strict=True):
            inside = omega < cutoff
            states = np.square(omega) / (2 * np.pi**2 * speed**3) * inside
            parts.append((omega, states, np.full(omega.size, speed)))
    else:
        for branch in material.branches:
            for start, stop in pairwise(branch.turns):
                wave, inside = invert_branch(branch, float(start), float(stop), omega)
                speed = np.maximum(np.abs(branch.velocity(wave)), 1e-3)  # states ∝ 1/v: finite where a branch is flat
                states = branch.degeneracy * np.square(wave) / (2 * np.pi**2 * speed) * inside
                parts.append((omega, states, speed))
    every, states, speed = (np.concatenate(column) for column in zip(*parts, strict=True))
    number = np.repeat(np.arange(len(parts), dtype=float), omega.size)
    return ModeTable(every, states * np.tile(weight * per_mode, len(parts)), speed, speed, number)


def _band_modes(material: Bands, edges: Array, temperature: float, statistics: Statistics, mesh: int) -> ModeTable:
    """Modes of a crystal on a mesh of wave vectors, with their velocities along all equivalent normals."""
    crystal = material.crystal
    shape = (mesh, mesh, mesh)
    operations = mesh_operations(shape, crystal_operations(crystal))
    fraction, share = reduced_mesh(shape, operations)
    levels = crystal.levels(fraction @ crystal.reciprocal)
    speed = np.linalg.norm(levels.velocity, axis=2)
    directions, parts = equivalent_normals(material.normal, crystal.lattice, operations)
    omega = np.tile(levels.omega.ravel(), len(parts))
    use = omega > 0
    along = np.concatenate([np.abs(levels.velocities_along(direction)).ravel() for direction in directions])[use]
    weight = np.concatenate([np.repeat(part * share / crystal.volume, speed.shape[1]) for part in parts])[use]
    capacity = weight * mode_heat_capacity(omega[use], temperature, statistics)[0]
    classes = _velocity_classes(omega[use], along, edges)
    return ModeTable(omega[use], capacity, np.tile(speed.ravel(), len(parts))[use], along, classes)


def _velocity_classes(omega: Array, along: Array, edges: Array) -> Array:
    """(n,) class of the velocity along the normal within the bin of each mode, equally many in each."""
    group = np.digitize(omega, edges)
    order = np.lexsort((along, group))
    first = np.searchsorted(group[order], group[order])
    count = np.bincount(group)[group[order]]
    classes = np.empty(omega.size)
    classes[order] = np.floor(_VELOCITY_CLASSES * (np.arange(omega.size) - first) / count)
    return classes


def collect_modes(
    name: str, modes: ModeTable, lifetime: Array, edges: Array, *, isotropic: bool, temperature: float,
    statistics: Statistics = "quantum",
) -> Carriers:  # fmt: skip
    """Collect modes of a lifetime (n,), s, in bins between `edges`, rad s⁻¹, with the sums that each keeps."""
    group = np.digitize(modes.omega, edges) - 1
    use = (group >= 0) & (group < edges.size - 1) & (modes.capacity > 0)
    kinds = int(modes.branch.max(initial=0)) + 1
    row = group[use] * kinds + modes.branch[use].astype(np.intp)
    capacity, along, lived = modes.capacity[use], modes.along[use], lifetime[use]
    if not np.isfinite(lived).all() or lived.min(initial=np.inf) <= 0:
        missing = np.count_nonzero(~(np.isfinite(lived) & (lived > 0)))
        raise InputError(f"{name}: {missing} of {lived.size} modes have no lifetime: expected numbers above 0 s")
    if not use.any():
        top = modes.omega.max(initial=0.0) / (2 * np.pi)
        raise InputError(f"{name}: no mode up to {top:g} Hz holds heat at {temperature:g} K: another unit?")
    sums = [
        np.bincount(row, weights=value, minlength=kinds * (edges.size - 1))
        for value in (capacity, capacity * along, capacity * along**2 * lived, capacity * lived)
    ]
    held = sums[0] > 0
    total, flow, conducted, mean = (values[held] for values in sums)
    velocity = flow / total
    moving = velocity > _MIN_MODE_VELOCITY * velocity.max()
    return Carriers(
        name=name, capacity=total, velocity=velocity,
        lifetime=np.where(moving, conducted / np.where(moving, total * velocity**2, 1.0), mean / total),
        omega=(edges[1:] + edges[:-1]) / 2, group=np.flatnonzero(held) // kinds, edges=edges, isotropic=isotropic,
        temperature=temperature, statistics=statistics,
    )  # fmt: skip


def _match_spectrum(carriers: Carriers, spectrum: BandSpectrum, rates: ScatteringRates) -> Carriers:
    """Bands of a mesh whose groups carry the heat of the spectrum of modes, with groups between its waves filled in."""
    omega, weight = panel_quadrature(carriers.edges, _NODES_PER_GROUP)
    per_mode = mode_heat_capacity(omega, carriers.temperature, carriers.statistics)[0] * weight
    wanted = np.sum((per_mode * spectrum.modes(omega)).reshape(-1, _NODES_PER_GROUP), axis=1) / (2 * np.pi)
    states = np.sum((per_mode * spectrum.density_of_states(omega)).reshape(-1, _NODES_PER_GROUP), axis=1)
    capacity = np.bincount(carriers.group, weights=carriers.capacity, minlength=carriers.omega.size)
    capacity[carriers.flow <= _MIN_MODE_VELOCITY * wanted] = 0.0  # sound at Γ alone: waves that stand still
    empty = (capacity == 0) & (states > 0) & (wanted > 0)
    # capacities follow the density of states, then velocities the modes M(ω); lifetimes stay those of the mesh
    scale = np.divide(states, capacity, out=np.zeros_like(states), where=capacity > 0)[carriers.group]
    flow = carriers.flow * np.divide(states, capacity, out=np.zeros_like(states), where=capacity > 0)
    faster = np.divide(wanted, flow, out=np.ones_like(flow), where=flow > 0)[carriers.group]
    node, share = gauss_legendre(_VELOCITY_CLASSES)  # isotropic: cos θ is evenly spread from 0 to 1
    filled = np.flatnonzero(empty)
    speed = 4 * wanted[filled] / states[filled]  # of isotropic waves that carry as much
    lifetime = 1 / rates.rate(carriers.omega[filled], speed, carriers.temperature)
    kept = scale > 0
    return evolve(
        carriers,
        capacity=np.concatenate([(carriers.capacity * scale)[kept], np.outer(states[filled], share).ravel()]),
        velocity=np.concatenate([(carriers.velocity * faster)[kept], np.outer(speed, node).ravel()]),
        lifetime=np.concatenate([carriers.lifetime[kept], np.repeat(lifetime, _VELOCITY_CLASSES)]),
        group=np.concatenate([carriers.group[kept], np.repeat(filled, _VELOCITY_CLASSES)]),
    )
