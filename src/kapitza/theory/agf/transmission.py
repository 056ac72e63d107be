"""Transmission at many wave vectors and frequencies, in units of work; quadrature between band edges.

Between the edges of the bands the transmission is smooth: frequencies are placed there, wave vector by wave vector.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array, IndexArray
from kapitza.core.modal import INTERFACE_SIDES
from kapitza.core.quadrature import gauss_legendre_roots
from kapitza.errors import ConvergenceError
from kapitza.matter.junction import SQUARE_PICOSECOND, Junction, JunctionBlocks, JunctionLayer, Lead
from kapitza.run.store import StoreLike, UnitInputs, UnitResult
from kapitza.run.work import ExecutorLike, Progress, UnitKernel, run_units
from kapitza.theory.agf.green_functions import (
    LeadContact,
    PreparedJunction,
    contact_waves,
    crossing_modes,
    lead_contact,
    prepare_junction,
)
from kapitza.theory.agf.k_mesh import EXTREMUM_HALVINGS, band_top, bulk_matrix, trace_extrema

_BAND_PHASES = 24  # phases along the normal at which bands are sampled
_FINE_BAND_PHASES = 192  # the same where no extremum is to be missed
_EXACT_HALVINGS = 24  # halvings of the step of the phase, where they are to be exact
_MAX_TRACED_EXTREMA = (
    100  # extrema of the bands at a wave vector that are traced further; more are averaged over anyway
)
_MIN_NODES = 2  # nodes between two edges, and one more for each bin
_MAX_EDGES_PER_BIN = 3  # band edges resolved in each bin; where there are more, they average out
_EDGE_SEPARATION = 0.005  # of a bin: band edges nearer to each other are taken as one


@frozen(eq=False)
class _FrequencyNodes:
    """Frequencies omega (b,) of one wave vector, and the pieces of bins they stand for."""

    omega: Array  # (b,) rad s⁻¹
    # node, bin: (m,) node and bin that each piece belongs to
    node: IndexArray
    bin: IndexArray
    # middle, weight: (m,) middle and width of each piece, rad s⁻¹
    middle: Array
    weight: Array


def _frequency_nodes(bands: "LeadBands", edges: Array, place: float) -> _FrequencyNodes:
    """Nodes of one wave vector, a few between edges of bands, as dense as bins; one a bin where they crowd."""
    found = bands.edges[(bands.edges > edges[0]) & (bands.edges < edges[-1])]
    place_of = np.arange(len(edges), dtype=float)
    at = np.interp(found, edges, place_of)
    found = found[(np.diff(at, prepend=0) > _EDGE_SEPARATION) & (at < place_of[-1] - _EDGE_SEPARATION)]
    cuts = np.concatenate([edges[:1], found, edges[-1:]])
    counts = bands.counts((cuts[:-1] + cuts[1:]) / 2)
    changes = np.abs(np.diff(counts, axis=1)).sum(axis=0) > 0  # where no channel opens or closes T is smooth
    kept = np.concatenate([[True], changes, [True]])
    if kept.sum() > _MAX_EDGES_PER_BIN * len(edges):
        each = np.arange(len(edges) - 1)
        omega = edges[:-1] + np.diff(edges) * max(place, 1e-3)  # errors average out over the wave vectors
        return _FrequencyNodes(omega, each, each, omega, np.diff(edges))
    cuts, both = cuts[kept], (counts.min(axis=0) > 0)[kept[:-1]]  # without a wave in one lead nothing crosses
    size = np.diff(cuts)
    number = np.where(both, _MIN_NODES + np.ceil(np.diff(np.interp(cuts, edges, place_of)) - 1e-9), 1).astype(int)
    rules = [gauss_legendre_roots(n) for n in number.tolist()]  # T may start as a square root at a band edge
    omega = np.concatenate([low + part * rule[0] for low, part, rule in zip(cuts[:-1], size, rules, strict=True)])
    weight = np.concatenate([part * rule[1] for part, rule in zip(size, rules, strict=True)])
    bounds = np.concatenate([edges[:1], edges[0] + np.cumsum(weight)])
    bounds[-1] = edges[-1]
    pieces = np.unique(np.concatenate([bounds, edges]))
    middle = (pieces[:-1] + pieces[1:]) / 2
    node = np.clip(np.searchsorted(bounds, middle) - 1, 0, omega.size - 1)
    column = np.clip(np.searchsorted(edges, middle) - 1, 0, len(edges) - 2)
    return _FrequencyNodes(omega, node, column, middle, np.diff(pieces))


@frozen(eq=False)
class LeadBands:
    """Bands of both leads at one wave vector."""

    edges: Array  # (m,) increasing frequencies at which a band has a minimum or a maximum along the normal, rad s⁻¹
    # low, high: for either lead, the ends of each band on each step of the phase, rad s⁻¹
    low: tuple[Array, Array]
    high: tuple[Array, Array]

    def counts(self, omega: Array) -> IndexArray:
        """(2, nω) twice the number of waves of either lead in one direction."""
        return np.stack(
            [
                np.searchsorted(low, omega) - np.searchsorted(high, omega)
                for low, high in zip(self.low, self.high, strict=True)
            ]
        )


def lead_bands(sides: tuple[LeadContact, LeadContact], *, fine: bool = False) -> list[LeadBands]:
    """Bands of both leads at each wave vector of the junction; `fine` where gaps are sought."""
    left, right = (
        _band_extrema(side, _FINE_BAND_PHASES, _EXACT_HALVINGS) if fine else _band_extrema(side) for side in sides
    )
    return [
        LeadBands(np.sort(np.concatenate([a[0], b[0]])), (a[1], b[1]), (a[2], b[2]))
        for a, b in zip(left, right, strict=True)
    ]


def _band_extrema(
    side: LeadContact, around: int = _BAND_PHASES, halvings: int = EXTREMUM_HALVINGS
) -> list[tuple[Array, Array, Array]]:
    """Extrema of the bands of a lead along the normal at each wave vector, and what lies between, rad s⁻¹."""
    count = len(side.k)
    onsite, hop = side.layers.onsite, side.layers.hop
    samples, real = around, side.layers.real
    if real is not None:
        onsite, hop, samples = real.onsite + 0j, real.a @ real.b.swapaxes(1, 2) + 0j, around // 2 + 1
    phase = np.exp(2j * np.pi * np.arange(samples) / around)
    value = np.stack([np.linalg.eigvalsh(bulk_matrix(onsite, hop, factor)) for factor in phase])
    value = np.concatenate([value, value[around - samples : 0 : -1]])  # real blocks: bands are even in the phase
    rise = np.sign(value - np.roll(value, 1, axis=0))
    ahead = np.roll(rise, -1, axis=0)
    kind = np.where(rise * ahead <= 0, np.sign(rise - ahead), 0)  # 1 at maxima, -1 at minima, 0 elsewhere
    turns = kind != 0
    if turns.sum() <= _MAX_TRACED_EXTREMA * count:
        inner = 0 if real is None else 1  # even bands have extrema at 0 and π, which need no tracing
        at, row, band = np.nonzero(turns[inner : samples - inner])
        at += inner
        angle = 2 * np.pi * at / around
        found = trace_extrema(
            onsite[row], hop[row], band, angle, kind[at, row, band], 2 * np.pi / around, halvings=halvings
        )
        value[at, row, band] = found
        if real is not None:
            value[-at, row, band] = found
    split = (around, count, -1)
    omega = np.sqrt(np.maximum(value, 0) / SQUARE_PICOSECOND).reshape(split).swapaxes(0, 1)  # wave vector, phase, band
    turns, ahead = turns.reshape(split).swapaxes(0, 1), np.roll(omega, -1, axis=1)
    low, high = np.minimum(omega, ahead), np.maximum(omega, ahead)
    return [(omega[i][turns[i]], np.sort(low[i], axis=None), np.sort(high[i], axis=None)) for i in range(count)]


def smooth_window(omega: Array, ramps: Array) -> Array:
    """Smooth weight of a range of frequencies, so that sums over wave vectors converge fast although it is cut out.

    It rises from 0 to 1 between ramps[0] and twice that (0: no rise) and falls back between ramps[1] and twice that
    (infinity: no fall); the windows of neighbouring ranges add to 1.
    """
    low, high = ramps
    rising = np.ones(omega.size) if low == 0 else _smooth_step(omega / low - 1)
    return rising - (_smooth_step(omega / high - 1) if np.isfinite(high) else 0.0)


def _smooth_step(x: Array) -> Array:
    """0 below 0, 1 above 1, with three continuous derivatives."""
    x = np.clip(x, 0, 1)
    return x**4 * (35 - 84 * x + 70 * x**2 - 20 * x**3)


AGF_VERSION = "agf 5"  # of the kernels: part of the address of every stored result
_CHUNK_SIZE = 1 << 18  # numbers of one array of matrices
UNIT_SECONDS = 0.5  # that a unit should take, roughly
MIN_POOL_SECONDS = 2.0  # seconds of work from which processes are worth their start
_BOUND_TOLERANCE = 1e-6  # modes: transmission out of bounds that is put down to rounding
_RETRY_SHIFT = 1e-9  # relative change of a frequency at which rounding is larger
_MAX_RETRIES = 4  # at such frequencies


@frozen(eq=False)
class TransmissionSums:
    """Transmission, open channels of the left and of the right, at b points or in the bins of each wave vector."""

    total: Array
    left: Array
    right: Array


@frozen(eq=False)
class UnitRunner:
    """How units of work over wave vectors are done, and where their results are kept.

    `executor` is any `concurrent.futures.Executor`, or a number of processes; these are started only for work that
    takes longer than to start them.
    """

    executor: ExecutorLike | None = None
    store: StoreLike | None = None
    progress: Progress | None = None

    def __call__(
        self,
        kernel: UnitKernel,
        prepared: PreparedJunction,
        each: Mapping[str, Array],
        common: Mapping[str, object],
        seconds: float,
        *,
        numbered: bool = False,
    ) -> dict[str, Array]:
        """Results of a kernel over all wave vectors, each array of them joined along its first axis.

        `each` are arrays of one row a wave vector, each of which costs some `seconds`; `common` goes into every unit,
        and so does the number of its `first` wave vector where they are `numbered`.
        """
        plain, step = junction_arrays(prepared.junction), max(1, int(UNIT_SECONDS / seconds))
        units: list[UnitInputs] = []
        for i in range(0, len(each["k"]), step):
            rows = {name: value[i : i + step] for name, value in each.items()}
            units.append({"junction": plain, **common, **rows, **({"first": i} if numbered else {})})
        executor = self.executor
        if isinstance(executor, int) and UNIT_SECONDS * len(units) <= MIN_POOL_SECONDS:
            executor = min(executor, 1)
        found = run_units(
            kernel, units, version=AGF_VERSION, store=self.store, executor=executor, progress=self.progress
        )
        return {name: np.concatenate([np.asarray(one[name], dtype=float) for one in found]) for name in found[0]}


def transmission_at_frequencies(unit: UnitInputs) -> UnitResult:
    """Kernel: transmission and open channels of both sides (nk, nω) at wave vectors k and frequencies omega."""
    prepared = prepare_junction(junction_from_arrays(unit["junction"]))
    k, omega = np.asarray(unit["k"]), np.asarray(unit["omega"])
    index = np.repeat(np.arange(len(k)), omega.size)
    found = point_transmissions(prepared, k, index, np.tile(omega, len(k)))
    shape = (len(k), omega.size)
    return {name: getattr(found, name).reshape(shape) for name in ("total", "left", "right")}


def transmission_in_bins(unit: UnitInputs) -> UnitResult:
    """Kernel: integrals over bins of frequency within a window, (nk, n) each, rad s⁻¹.

    The unit has k (nk, 2), the edges (n + 1,) of the bins, the ramps (2,) of the `smooth_window`, and place (nk,),
    0..1, of the samples in bins where band edges are too many to be resolved.  Beside total, left and right: first (the
    total times omega), weight (the integrals of 1), and the number of points solved.
    """
    prepared = prepare_junction(junction_from_arrays(unit["junction"]))
    k, edges, place, ramps = (np.asarray(unit[name]) for name in ("k", "edges", "place", "ramps"))
    sides = lead_contact(prepared, k, "left"), lead_contact(prepared, k, "right")
    at = [_frequency_nodes(band, edges, part) for band, part in zip(lead_bands(sides), place, strict=True)]
    index = np.repeat(np.arange(len(k)), [len(one.omega) for one in at])
    omega = np.concatenate([one.omega for one in at])
    found = point_transmissions(prepared, k, index, omega, sides)
    shape = (len(k), len(edges) - 1)
    sums = {name: np.zeros(shape) for name in ("total", "left", "right", "first", "weight")}
    start = 0
    for i, one in enumerate(at):
        part = slice(start, start + one.omega.size)
        inside = smooth_window(one.omega, ramps)
        for name in ("total", "left", "right"):
            row = one.weight * (getattr(found, name)[part] * inside)[one.node]
            sums[name][i] = np.bincount(one.bin, row, minlength=shape[1])
            if name == "total":
                sums["first"][i] = np.bincount(one.bin, row * one.middle, minlength=shape[1])
        # a node may stand for many bins where nothing passes: its own window would not be theirs
        sums["weight"][i] = np.bincount(one.bin, one.weight * smooth_window(one.middle, ramps), minlength=shape[1])
        start += one.omega.size
    return {**sums, "points": np.array([omega.size])}


def point_transmissions(
    prepared: PreparedJunction,
    k: Array,
    index: IndexArray,
    omega: Array,
    sides: tuple[LeadContact, LeadContact] | None = None,
) -> TransmissionSums:
    """Transmission and open channels of both sides at b points of wave vector k[index] and frequency omega, rad s⁻¹."""
    sides = sides or (lead_contact(prepared, k, "left"), lead_contact(prepared, k, "right"))
    blocks = prepared.junction.blocks(k)
    tops = [
        band_top(prepared.junction.lead(name), at.k.reshape(-1, 2))
        for name, at in zip(INTERFACE_SIDES, sides, strict=True)
    ]
    below = [omega**2 * SQUARE_PICOSECOND <= high.reshape(len(k), -1).max(axis=1)[index] for high in tops]
    found = TransmissionSums(np.zeros(omega.size), np.zeros(omega.size), np.zeros(omega.size))
    for side, counts in enumerate((found.left, found.right)):
        alone = below[side] & ~below[1 - side]  # elastic: above the lower spectrum nothing crosses
        counts[alone] = _count_open_channels(sides[side], index[alone], omega[alone])
    both = np.flatnonzero(below[0] & below[1])
    for some in point_chunks(both, max(slab.onsite.shape[-1] for slab in prepared.junction.device)):
        found.total[some], found.left[some], found.right[some] = _bounded_transmission(
            sides, blocks, k, index[some], omega[some]
        )
    return found


def _bounded_transmission(
    sides: tuple[LeadContact, LeadContact], blocks: JunctionBlocks, k: Array, index: IndexArray, omega: Array
) -> tuple[Array, IndexArray, IndexArray]:
    """Transmission and open channels where both leads may have some; out of bounds at a nearby frequency again."""
    # unitarity bounds T by the open channels of either side: a violation is rounding, less so a little off in ω
    at, attempt = omega, 1
    while True:
        found, left, right = crossing_modes(sides, blocks, index, at)
        most = np.minimum(left, right)
        wrong = ~((found >= -_BOUND_TOLERANCE) & (found <= most + _BOUND_TOLERANCE))  # true for NaN, too
        if not wrong.any():
            return np.clip(found, 0, most), left, right
        if attempt == _MAX_RETRIES:
            i = int(np.argmax(wrong))
            raise ConvergenceError(
                f"transmission {found[i]:.6g} of {left[i]} and {right[i]} modes at k = {k[index[i]].tolist()} and "
                f"ω = {at[i]:.8g} rad/s: rounding dominates here",
                found,
            )
        at = np.where(wrong, at * (1 + attempt * _RETRY_SHIFT), at)
        attempt += 1


def _count_open_channels(at: LeadContact, index: IndexArray, omega: Array) -> Array:
    """(b,) open channels of a lead, where the other one has none."""
    found = np.zeros(len(index))
    for some in point_chunks(np.arange(len(index)), at.layers.onsite.shape[-1] * at.copies):
        found[some] = contact_waves(at, index[some], omega[some]).count.reshape(-1, at.copies).sum(axis=1)
    return found


def point_chunks(points: IndexArray, size: int) -> list[IndexArray]:
    """Points in portions whose matrices stay small."""
    step = max(1, _CHUNK_SIZE // size**2)
    return [points[start : start + step] for start in range(0, len(points), step)]


def point_seconds(prepared: PreparedJunction) -> float:
    """Rough time of one point, of both leads and the device; it only decides how work is cut, not the results."""
    total = 0.0
    for side in INTERFACE_SIDES:
        rank, copies = prepared.fold(side).rank, len(prepared.junction.tiles(side))
        total += copies * 2e-7 * (2 * rank) ** 2.2
    return total + sum(5e-6 + 1e-9 * slab.onsite.shape[-1] ** 3 for slab in prepared.junction.device)


_LEAD_ARRAYS = ("periods", "step", "masses", "shifts", "onsite", "hop")


def junction_arrays(junction: Junction) -> dict[str, object]:
    """What matters of a junction as plain arrays, for another process and for the address of a result."""
    leads = [[getattr(lead, name) for name in _LEAD_ARRAYS] for lead in (junction.left, junction.right)]
    device = [[slab.masses, slab.shifts, slab.onsite, slab.hop] for slab in junction.device]
    return {"periods": junction.periods, "leads": leads, "device": device}


def junction_from_arrays(plain: Any) -> Junction:
    """Make a junction of its arrays again."""
    left, right = (
        Lead(name=name, model=True, **dict(zip(_LEAD_ARRAYS, lead, strict=True)))  # the values were checked before
        for name, lead in zip(INTERFACE_SIDES, plain["leads"], strict=True)
    )
    return Junction("", plain["periods"], left, right, tuple(JunctionLayer(*slab) for slab in plain["device"]))
