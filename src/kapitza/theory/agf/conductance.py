r"""Transmission of a junction over all wave vectors and frequencies, to a stated error of its conductance.

$\Xi(\omega) = \frac1A\int_{BZ} d^2k\,T(k, \omega)$ with k in fractions of the reciprocal vectors, in overlapping ranges
of frequency.  Below the first range, which holds all but the long waves, each range is an octave further down.  Waves
shrink towards Γ in proportion, and so do the boxes of wave vectors: low temperatures cost no more than high ones.
The range that adds most to the error is refined first.  The error is at least what the last refinement changed, what
the one before it leaves to be expected, and what the terms of a sum that vary from point to point tell of it.
Decimation treats many points at once by products and solutions, as graphics processors like it, at a finite broadening.
"""

from collections.abc import Sequence
from importlib import import_module
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, IntArray, about, frequencies, temperatures
from kapitza.core.modal import INTERFACE_SIDES
from kapitza.core.occupation import mode_heat_capacity
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import Transmission
from kapitza.errors import ConvergenceError, Hint, InputError, require
from kapitza.matter.junction import SQUARE_PICOSECOND, Junction
from kapitza.run.store import StoreLike, UnitInputs, UnitResult
from kapitza.run.work import ExecutorLike, Progress
from kapitza.theory.agf import green_functions as green
from kapitza.theory.agf.green_functions import LeadContact, PreparedJunction, prepare_junction
from kapitza.theory.agf.k_mesh import (
    MeshSize,
    as_zone_mesh,
    disperses,
    even_frequencies,
    lattice_operations,
    mesh_size,
    top_frequency,
    wavevector_box,
    wavevector_mesh,
    zone_wavevectors,
)
from kapitza.theory.agf.leads import dagger, surface_green_inverse
from kapitza.theory.agf.transmission import (
    UnitRunner,
    point_seconds,
    smooth_window,
    transmission_at_frequencies,
    transmission_in_bins,
    unit_arrays,
)
from kapitza.units import hbar, k_B

_MAX_ERROR_DECAY = 10  # the most that one level is trusted to take off the error of a range
_FIRST_LEVELS = (1, 2)  # of refinement: of the first range, and of those of long waves
_ALIKE_TOPS = 2  # factor between the highest frequencies of two crystals up to which both begin alike
_MOST_FINER = 4  # levels
_BAND_COST = 13  # points that are solved in the time of the bands of a wave vector
_MIN_ORBITS = 1.5  # orbits of points that must carry a range, until it is trusted that no others would
_MAX_UNSEEN_SHARE = (
    0.05  # of what a range carries: what the one below may carry unseen, where the law of long waves says less
)
_TRUSTED_ZERO = 4  # level of the first range from which a conductance of zero is no accident of the mesh
_SUFFICIENT_MARGIN = 1.5  # by which the error of a range must exceed what is too much, to be refined for that alone
REFINEMENT_LEVELS = (  # wave vectors along a side, bins in an octave; twice as many two levels on
    (4, 3), (6, 4), (8, 6), (12, 8), (16, 10), (24, 14), (32, 20), (48, 28), (64, 40), (96, 56), (128, 80),
)  # fmt: skip
ALIASING_RATIO = 2**-1.5  # of Fourier coefficients at a distance to those at half of it
_FIRST_RANGE_OCTAVES = 4  # octaves from the top that the first range holds, fewer where all of it is frozen out
_MAX_OCTAVES = 9  # below the top: 1/500 of it
_FROZEN_RATIO = 12  # ħω/kT above which a mode is frozen out
_BINS_PER_KT = 0.25  # bins for each kT, over those for each octave
_LOWEST_RATIO = 0.3  # ħω/kT at which the ranges may end
_LIGHT_NODE_WEIGHT = 0.25  # of the weight of a node nearby: nodes that are merged with it
_NODE_NEIGHBOURS = 2  # nodes on either side that are nearby
_PANEL_ERROR_SHARE = 0.1  # of what a wave vector carries, over the bins of an octave: error at which panels are halved
_DIFFERENCE_STEPS = 3  # second differences taken one of the other, to tell what varies from point to point
_PLASTIC_SEQUENCE = np.array([0.7548776662466927, 0.5698402909980532])  # steps of the evenest sequence along two axes
_DECOUPLING_TOLERANCE = 1e-13  # of the coupling: layers of which less is left are decoupled


@frozen(eq=False)
class FrequencyRange(BaseRecord):
    """Frequencies of one window, and the box around Γ of its wave vectors."""

    ramps: Array  # (2,) as in `smooth_window`, rad s⁻¹
    edges: Array  # (2,) of its support, rad s⁻¹
    box: Array  # (2,) half sides, fractions
    thermal: float  # kT/ħ at the lowest temperature that matters, rad s⁻¹

    def debye(self, temperature: Array) -> Array:
        """(nT,) what the range carries where the transmission is that of long waves, to a factor common to all."""
        omega = np.linspace(self.edges[0], self.edges[1], 400)[1:]
        long = np.square(omega) * smooth_window(omega, self.ramps)
        return mode_heat_capacity(omega, temperature) @ long * (omega[1] - omega[0])

    def bins(self, number: int) -> Array:
        """Edges of the bins: `number` equal ones in each octave, more where kT is less than the octave."""
        low, high = self.edges
        doublings = round(float(np.log2(high / low))) if low > 0 else 1
        above = high * 0.5 ** np.arange(1, doublings) if not np.isfinite(self.ramps[1]) else self.ramps[1:]
        cuts = np.sort(np.array([low, high, *above]))
        edges = [cuts[:1]]
        for start, stop in pairwise(cuts):
            cold = (stop - start) / self.thermal * number if start < _FROZEN_RATIO * self.thermal else 0
            edges.append(np.linspace(start, stop, max(number, int(np.ceil(_BINS_PER_KT * cold))) + 1)[1:])
        return np.concatenate(edges)


@frozen(eq=False, kw_only=True)
class RangeSpectrum(BaseRecord):
    """Spectrum of one range: nodes omega (n,), weights of the integral, and sums over wave vectors per area."""

    omega: Array
    weight: Array
    total: Array
    left: Array
    right: Array
    points: int
    each: Array  # (nk, n) total of each wave vector
    orbit: IntArray  # (n, m) number of the wave vector that stands for each point of the mesh
    variance: Array  # (n,) of the integrals of the total over bins, by the nodes of each wave vector

    def conductance(self, temperature: Array) -> Array:
        """(nT,) emitted conductance that it carries, W m⁻² K⁻¹."""
        return mode_heat_capacity(self.omega, temperature) @ (self.total * self.weight) / (2 * np.pi)

    def spread(self, temperature: Array) -> Array:
        r"""(nT,) points of the mesh that the conductance comes from, $(\sum_k g_k)^2/\sum_k g_k^2$; 0 where it is 0."""
        carried = self._mesh_values(temperature)
        squares = np.square(carried).sum(axis=(1, 2))
        return np.square(carried.sum(axis=(1, 2))) / np.where(squares > 0, squares, np.inf)

    def sampling_error(self, temperature: Array) -> Array:
        """(nT,) error of the conductance by wave vectors and frequencies, from one level of refinement alone."""
        return np.hypot(self.mesh_error(temperature), self.frequency_error(temperature))

    def mesh_error(self, temperature: Array) -> Array:
        r"""(nT,) error of the conductance by the mesh of wave vectors.

        A sum over a mesh is off by the Fourier coefficients at all multiples of its size (Poisson), twice as far as the
        shortest waves that the mesh resolves.  Those are what differences of sixth order leave, scaled so that
        independent terms keep their variance; points that are not equal by symmetry count as independent.  Coefficients
        of a function that jumps along lines, as at the edges of bands, fall with the power 3/2 of their distance.

        T. Gasser, L. Sroka and C. Jennen-Steinmetz, Biometrika 73, 625 (1986), doi:10.1093/biomet/73.3.625
        """
        carried = self._mesh_values(temperature)
        rows, columns = (1 - np.cos(2 * np.pi * np.arange(n) / n) for n in self.orbit.shape)
        passed = np.square(rows[:, None] + columns) ** _DIFFERENCE_STEPS
        if not passed.any():  # a single point
            return np.zeros(temperature.size)
        power = np.square(np.abs(np.fft.fft2(carried) / self.orbit.size))
        variance = (power * (passed / passed.mean())).sum(axis=(1, 2)) / len(self.each)
        mean = carried.mean(axis=(1, 2))
        return self.conductance(temperature) * np.sqrt(variance) / np.where(mean > 0, mean, np.inf) * ALIASING_RATIO

    def frequency_error(self, temperature: Array) -> Array:
        """(nT,) standard error of the conductance by the nodes in frequency, independent between wave vectors."""
        return np.sqrt(np.square(mode_heat_capacity(self.omega, temperature)) @ self.variance) / (2 * np.pi)

    def _mesh_values(self, temperature: Array) -> Array:
        """(nT, n, m) what each point of the mesh adds, to a common factor."""
        return (mode_heat_capacity(self.omega, temperature) @ self.each.T)[:, self.orbit]


@frozen(eq=False)
class RangeSampler(BaseRecord):
    """Spectrum of a range at a level of refinement."""

    prepared: PreparedJunction
    symmetry: IntArray
    size: tuple[int, int] | None
    run: UnitRunner

    def __call__(self, part: FrequencyRange, level: int) -> RangeSpectrum:
        """Sum over wave vectors."""
        side, number = REFINEMENT_LEVELS[level]
        size = self.size or mesh_size(self.prepared.junction, side, part.box)
        points = wavevector_mesh(size, part.box, self.symmetry)
        # samples of crowded bins differ between wave vectors and levels, so that their errors average out
        place = np.modf(_PLASTIC_SEQUENCE[0] * (1 + level) + points.place @ _PLASTIC_SEQUENCE)[0]
        bins = part.bins(number)
        seconds = 2 * len(bins) * point_seconds(self.prepared)
        common = {"edges": bins, "ramps": part.ramps, "share": _PANEL_ERROR_SHARE / number}
        found = self.run(transmission_in_bins, self.prepared, {"k": points.k, "place": place}, common, seconds)
        count = int(found.pop("points").sum())
        each = found["total"]
        variance = np.square(points.weight / self.prepared.junction.area) @ found.pop("variance")
        share = {name: points.weight @ value for name, value in found.items()}
        weight = share["weight"] / points.weight.sum()  # of the window alone: total times weight is what a bin carries
        area = np.where(weight > 0, weight * self.prepared.junction.area, np.inf)
        omega = np.divide(share["first"], share["total"], out=(bins[:-1] + bins[1:]) / 2, where=share["total"] > 0)
        sums = {name: share[name] / area for name in ("total", "left", "right")}
        return RangeSpectrum(
            omega=omega, weight=weight, points=count, each=each, orbit=points.orbit, variance=variance, **sums
        )


def merge_spectra(bands: Sequence[RangeSpectrum], junction: Junction) -> Transmission:
    """All ranges as one spectrum; nodes that fall on each other become one, light ones join the nearest other."""
    omega, weight, total, left, right = (
        np.concatenate([getattr(band, name) for band in bands])
        for name in ("omega", "weight", "total", "left", "right")
    )
    order = np.argsort(omega, kind="stable")
    order = order[weight[order] > 0]
    omega, weight = omega[order], weight[order]
    padded = np.pad(weight, _NODE_NEIGHBOURS)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * _NODE_NEIGHBOURS + 1).max(axis=1)
    kept = omega[weight >= _LIGHT_NODE_WEIGHT * around]
    node = np.cumsum(np.diff(kept, prepend=-1.0) > 1e-9 * kept) - 1
    node = node[np.searchsorted((kept[:-1] + kept[1:]) / 2, omega)]
    joint = np.bincount(node, weight)
    means = [np.bincount(node, weight * part[order]) / joint for part in (total, left, right)]
    carried = weight * total[order]
    crossing = np.bincount(node, carried)  # a node lies at the centroid of what crosses: the first moment is kept
    middle = np.bincount(node, weight * omega) / joint
    middle = np.divide(np.bincount(node, carried * omega), crossing, out=middle, where=crossing > 0)
    return Transmission(middle, *means, weight=joint, method=f"AGF {junction.name}")


def spectrum_tops(junction: Junction) -> tuple[float, float]:
    """Highest frequencies of the left and the right crystal, rad s⁻¹."""
    k = np.indices((8, 8)).reshape(2, -1).T / 8
    return top_frequency(junction.left, k), top_frequency(junction.right, k)


def frequency_ranges(
    junction: Junction, coldest: float, hottest: float, *, full_zone: bool = False
) -> list[FrequencyRange]:
    """Ranges of frequency from the top down, for temperatures (K); `full_zone` for no smaller boxes."""
    highest = max(spectrum_tops(junction)) * 1.02
    count = max(_MAX_OCTAVES, int(np.ceil(np.log2(highest * hbar / (_LOWEST_RATIO * k_B * coldest)))))
    frozen_out = int(np.log2(max(1.0, highest * hbar / (_FROZEN_RATIO * k_B * hottest))))  # octaves
    first = frozen_out if 2 <= frozen_out < _FIRST_RANGE_OCTAVES else _FIRST_RANGE_OCTAVES
    ramps = [np.inf, *(highest * 0.5 ** np.arange(first, count)), 0.0]
    box = np.full(2, 0.5)
    made: list[FrequencyRange] = []
    for high, low in pairwise(ramps):
        upper = min(2 * high, highest)  # at twice the ramp the window has fallen to zero
        if upper < highest and not full_zone and disperses(junction).any():
            box = wavevector_box(junction, upper, box)  # within that of the octave above
        made.append(FrequencyRange(np.array([low, high]), np.array([low, upper]), box, k_B * coldest / hbar))
    return made


@frozen(eq=False)
class ConvergedTransmission(BaseRecord):
    """A transmission with what is known of its error."""

    transmission: Transmission  # sum over all wave vectors
    temperature: Array = field(metadata=about("K", "temperature"))
    error: Array = field(metadata=about("1", "estimated relative error of the emitted conductance"))
    points: int = field(metadata=about("1", "wave vectors times frequencies that were solved"))


def agf(
    junction: Junction,
    omega: ArrayLike | None = None,
    *,
    k_mesh: MeshSize = None,
    tolerance: float = 2e-3,
    temperature: ArrayLike = 300.0,
    executor: ExecutorLike | None = None,
    store: StoreLike | None = None,
    progress: Progress | None = None,
) -> Transmission:
    r"""Atomistic Green's functions: harmonic transmission of a junction, exact for its force constants.

    Parameters
    ----------
    junction : leads and device
    omega : (nω,) increasing angular frequency above zero, rad s⁻¹; None chooses frequencies and wave vectors so that
        the emitted conductance has the error `tolerance` at all of `temperature`
    k_mesh : points along either in-plane reciprocal vector, over the whole zone, of which no error is then known, or a
        `ZoneMesh`; None refines (24 a side for given frequencies and the smallest cell)
    tolerance : relative error of the conductance
    temperature : (nT,) K at which the error is controlled
    executor : number of processes, or any `concurrent.futures.Executor`, such as that of a Dask client
    store : folder where finished units of work are kept; the same call takes up from there
    progress : called with the number of finished and of all units; results depend on none of these three

    Returns
    -------
    Transmission with the modes of both sides, per area of the interface

    Raises
    ------
    InputError
        for frequencies that are not above zero, an error not between 0 and 1, or matrices that are no symmetries
    ConvergenceError
        where the error is not reached on the finest mesh; `last` is the transmission that was reached

    References
    ----------
    N. Mingo and L. Yang, Phys. Rev. B 68, 245406 (2003), doi:10.1103/PhysRevB.68.245406
    W. Zhang, T. S. Fisher, N. Mingo, Numer. Heat Transf. B 51, 333 (2007), doi:10.1080/10407790601144755
    """
    prepared, run = prepare_junction(junction), UnitRunner(executor, store, progress)
    if omega is None:
        return refine_to_tolerance(junction, k_mesh, tolerance, temperature, run).transmission
    wanted, points = even_frequencies(junction, omega), zone_wavevectors(prepared, k_mesh, 24)
    seconds = point_seconds(prepared) * wanted.size
    found = run(transmission_at_frequencies, prepared, {"k": points.k}, {"omega": wanted}, seconds)
    total, left, right = (points.weight @ found[name] / junction.area for name in ("total", "left", "right"))
    return Transmission(wanted, total, left, right, method=f"AGF {junction.name}")


def refine_to_tolerance(
    junction: Junction,
    k_mesh: MeshSize = None,
    tolerance: float = 2e-3,
    temperature: ArrayLike = 300.0,
    run: UnitRunner | None = None,
) -> ConvergedTransmission:
    """Refine octave by octave until the emitted conductance has the relative error `tolerance`; as in `agf`."""
    wanted = temperatures(temperature)
    if not 0 < tolerance < 1:
        raise InputError(f"tolerance = {tolerance:g}: expected a relative error between 0 and 1")
    prepared = prepare_junction(junction)
    mesh = as_zone_mesh(k_mesh)
    fixed = mesh.size
    sampler = RangeSampler(prepared, mesh.operations(prepared), fixed, run or UnitRunner())
    parts = frequency_ranges(junction, float(wanted.min()), float(wanted.max()), full_zone=fixed is not None)
    finer = 0 if fixed else _finer_levels(*spectrum_tops(junction))
    level = [_FIRST_LEVELS[bool(i)] + finer for i in range(len(parts))]
    bands = [sampler(part, start) for part, start in zip(parts, level, strict=True)]
    known = [_RangeErrors(band, wanted) for band in bands]
    change = np.array([one.carried for one in known])  # one level alone says nothing: all may be error
    moved, left = np.zeros_like(change), np.zeros_like(change)  # by the last refinement, and by the one before it
    used = sum(band.points for band in bands)
    while True:
        carried = np.array([one.carried for one in known])
        alike, apart = np.maximum(change, left), np.zeros_like(change)
        if not fixed:  # a mesh that is given is not refined: its error is not known
            alike = np.maximum(alike, _unseen_conductance(junction, parts, known, wanted))
            apart = np.array([one.sampling for one in known])
        total = np.maximum(carried.sum(axis=0), 1e-300)
        # changes are as alike as the meshes, and added; what varies from point to point is independent
        reached = np.maximum(alike.sum(axis=0), np.sqrt(np.square(apart).sum(axis=0))) / total
        missed = disperses(junction).any() and not fixed and not carried.sum(axis=0).all() and level[0] < _TRUSTED_ZERO
        if (reached <= tolerance).all() and not missed:
            return ConvergedTransmission(merge_spectra(bands, junction), wanted, reached, used)
        cost = np.array([one.cost for one in known])
        worst = 0 if missed else _next_range(np.maximum(alike, apart) / total, cost, reached - tolerance)
        if level[worst] + 1 == len(REFINEMENT_LEVELS):
            raise ConvergenceError(
                f"conductance of {junction.name} known to {reached.max():.2g} after {used} points (wanted "
                f"{tolerance:g}):",
                merge_spectra(bands, junction),
                hint=Hint(
                    python="allow a larger error, or give the wave vectors by k_mesh",
                    command="allow a larger error (--tolerance), or give --mesh",
                ),
            )
        level[worst] += 1
        bands[worst] = sampler(parts[worst], level[worst])
        known[worst] = _RangeErrors(bands[worst], wanted)
        used += bands[worst].points
        here = np.abs(known[worst].carried - carried[worst])
        change[worst] = np.maximum(here, change[worst] / _MAX_ERROR_DECAY)
        # two levels may agree by chance: what the refinement before changed is about the error of the mesh before that,
        # of half the points along a side
        left[worst], moved[worst] = moved[worst] * ALIASING_RATIO, here


def _finer_levels(left: float, right: float) -> int:
    """Levels that the refinement begins later, by the highest frequencies of both crystals: all that crosses to a far
    softer one is near the bottom of the stiff one's spectrum, whose waves there fill so little of the zone that two
    coarse meshes may miss them alike.  Two levels halve the distance of wave vectors; up to a factor of two none is
    needed.
    """
    ratio = max(left, right) / max(min(left, right), 1e-300)
    return min(max(0, int(2 * np.log2(ratio / _ALIKE_TOPS))), _MOST_FINER)


class _RangeErrors:
    """What one range carries at temperatures (nT,), and what is known of its error from one level alone."""

    def __init__(self, band: RangeSpectrum, temperature: Array) -> None:
        self.carried = band.conductance(temperature)  # (nT,) W m⁻² K⁻¹
        self.sampling = band.sampling_error(temperature)  # (nT,) W m⁻² K⁻¹
        self.spread = band.spread(temperature)  # (nT,) points of the mesh that carry it
        self.cost = band.points + _BAND_COST * len(band.each)  # in points


def _next_range(share: Array, cost: IntArray, excess: Array) -> int:
    """The range to be refined next, from the error of each (ranges, nT) over the conductance, its cost, and the error
    (nT,) that is too much: the one of the largest error per cost, or a cheaper one where that alone is left.
    """
    worst = int(np.argmax(share.max(axis=1) / np.maximum(cost, 1)))
    enough = (share > _SUFFICIENT_MARGIN * excess).all(axis=1) & (cost < cost[worst])
    return int(np.argmin(np.where(enough, cost, cost.max() + 1))) if enough.any() else worst


def _unseen_conductance(
    junction: Junction, parts: Sequence[FrequencyRange], known: Sequence[_RangeErrors], temperature: Array
) -> Array:
    """Conductance of each range that two levels may both miss, (ranges, nT), W m⁻² K⁻¹.

    A mesh can miss the waves that carry a range: of one carried by hardly more than one point and those equal to it by
    symmetry nothing is known, and it may carry what the law of long waves makes of the ranges beside it.  Points may be
    equal by a symmetry that was not found; there are never more of them than operations of the lattice.
    """
    carried = np.array([one.carried for one in known])
    if not disperses(junction).any():  # a chain has a single wave vector
        return np.zeros_like(carried)
    uncertain = np.array([one.spread for one in known]) <= _MIN_ORBITS * len(lattice_operations(junction.periods))
    if not uncertain.any():
        return np.zeros_like(carried)
    law = np.maximum(np.array([part.debye(temperature) for part in parts]), 1e-300)
    unseen = np.zeros_like(carried)
    unseen[1:] = carried[:-1] * np.maximum(_MAX_UNSEEN_SHARE, law[1:] / law[:-1])
    unseen[:-1] = np.maximum(unseen[:-1], carried[1:] / law[1:] * law[:-1])
    return np.where(uncertain, np.maximum(carried, unseen), 0.0)


def agf_decimated(
    junction: Junction,
    omega: ArrayLike,
    k_mesh: MeshSize,
    *,
    broadening: float = 1e-8,
    arrays: ModuleType | None = None,
    batch: int = 4096,
    executor: ExecutorLike | None = None,
    store: StoreLike | None = None,
) -> Transmission:
    r"""Harmonic transmission of a junction by decimation in batches, for graphics processors; no modes of the sides.

    `broadening` is η of $\omega^2(1 + i\eta)$, to which the error of the transmission is proportional; `arrays` a
    module with NumPy's functions and `linalg.solve` of batches in double precision, such as cupy (None takes it),
    jax.numpy with 64 bits enabled, or numpy itself; `batch` points are solved at once; the rest is as in `agf`.

    M. P. López Sancho, J. M. López Sancho and J. Rubio, J. Phys. F 15, 851 (1985), doi:10.1088/0305-4608/15/4/009
    """
    prepared, wanted = prepare_junction(junction), even_frequencies(junction, frequencies(omega))
    if not 1e-14 < broadening < 0.1:
        raise InputError(f"broadening = {broadening:g}: expected η of ω²(1 + iη) between 1e-14 and 0.1")
    xp: Any = require("cupy", extra="gpu", why="decimation on a graphics processor") if arrays is None else arrays
    if xp.asarray(np.ones(1, dtype=np.complex128)).dtype != np.complex128:
        raise InputError(f"arrays of {xp.__name__} are of single precision: enable 64 bits first")
    points = zone_wavevectors(prepared, k_mesh, 24)
    common = {"omega": wanted, "broadening": broadening, "arrays": xp.__name__, "batch": batch}
    seconds = point_seconds(prepared) * wanted.size
    found = UnitRunner(executor, store)(_decimated_sums, prepared, {"k": points.k}, common, seconds)
    return Transmission(
        wanted, points.weight @ found["total"] / junction.area, method=f"AGF {junction.name}, decimation"
    )


def _decimated_sums(unit: UnitInputs) -> UnitResult:
    """Kernel: modes that cross at wave vectors k (nk, 2) and frequencies omega (nω,), by decimation, (nk, nω)."""
    prepared, (k, omega, batch, broadening) = unit_arrays(unit, "k", "omega", "batch", "broadening")
    xp, step = import_module(str(unit["arrays"])), int(batch)
    energy = omega**2 * SQUARE_PICOSECOND * (1 + 1j * float(broadening))
    parts = [energy[start : start + step] for start in range(0, omega.size, step)]
    total = [np.concatenate([_decimated_transmission(xp, prepared, one, part) for part in parts]) for one in k]
    return {"total": np.array(total)}


def _decimated_transmission(xp: Any, prepared: PreparedJunction, k: Array, energy: Any) -> Array:
    sides, blocks = green.lead_contacts(prepared, k), prepared.junction.blocks(k)
    z = xp.asarray(energy)[:, None, None]
    sigma = [_decimated_self_energy(xp, side, z, at) for side, at in zip(INTERFACE_SIDES, sides, strict=True)]
    layers = (z * xp.eye(onsite.shape[-1]) - xp.asarray(onsite[0]) for onsite in blocks.onsite)
    hops = (xp.asarray(hop[0]) + 0 * z for hop in blocks.hop)  # one copy for each energy, as concatenation wants
    across = green.transmitted_block(xp, layers, hops, [xp.asarray(at.port[0]) for at in sides], sigma)
    gamma_left, gamma_right = (green.level_broadening(one) for one in sigma)
    found = ((gamma_right @ across @ gamma_left) * across.conj()).sum(axis=(1, 2)).real
    return np.asarray(found.get() if hasattr(found, "get") else found, dtype=float)


def _decimated_self_energy(xp: Any, side: str, z: Any, at: LeadContact) -> Any:
    """(b, M r, M r) self-energy of a lead between the factors of its coupling, block by block of its wave vectors."""
    blocks: list[Any] = []
    for onsite, a, b in zip(at.layers.onsite, at.layers.a, at.layers.b, strict=True):
        away = a @ b.conj().T if side == "right" else b @ a.conj().T
        factor = xp.asarray(b if side == "right" else a)
        here = z * xp.eye(len(onsite)) - xp.asarray(onsite)
        edge = surface_green_inverse(xp, here, xp.asarray(away) + 0 * here, _DECOUPLING_TOLERANCE)
        blocks.append(dagger(factor) @ xp.linalg.solve(edge, factor + 0 * edge[:, :, :1]))
    if len(blocks) == 1:
        return blocks[0]
    b, r = blocks[0].shape[:2]
    stacked = xp.stack(blocks, axis=1)[:, :, :, None, :] * xp.eye(len(blocks))[None, :, None, :, None]
    return stacked.reshape(b, len(blocks) * r, len(blocks) * r)
