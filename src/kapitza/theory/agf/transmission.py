"""Transmission at many wave vectors and frequencies, in units of work; quadrature between band edges.

Between the edges of the bands of both leads the transmission is smooth but for resonances: frequencies are placed
there, wave vector by wave vector, and null rules tell where resonances are not resolved.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, BoolArray, IndexArray, IntArray, about
from kapitza.core.modal import INTERFACE_SIDES
from kapitza.core.quadrature import gauss_legendre_roots, null_rules
from kapitza.core.records import BaseRecord
from kapitza.errors import ConvergenceError
from kapitza.matter.junction import SQUARE_PICOSECOND, Junction, JunctionBlocks, JunctionLayer, Lead
from kapitza.run.store import StoreLike, UnitInputs, UnitResult
from kapitza.run.work import ExecutorLike, Progress, UnitKernel, run_units
from kapitza.theory.agf import green_functions as green
from kapitza.theory.agf.green_functions import LeadContact, PreparedJunction, lead_contacts
from kapitza.theory.agf.k_mesh import EXTREMUM_HALVINGS, band_top, trace_extrema
from kapitza.theory.agf.leads import bulk_matrix

_BAND_PHASES = 24  # phases along the normal at which bands are sampled
_FINE_BAND_PHASES = 192  # the same where no extremum is to be missed
_EXACT_HALVINGS = 24  # halvings of the step of the phase, where they are to be exact
_MAX_TRACED_EXTREMA = (
    100  # extrema of the bands at a wave vector that are traced further; more are averaged over anyway
)
_MIN_NODES = 2  # nodes between two edges, and one more for each bin
_UNTRACED_SHARE = 0.5  # of a step of the phase: how far off an extremum may be that is not traced
_TRACED_MARGIN = 2.0  # of the step that is left: the same of one that is traced
_MAX_EDGES_PER_BIN = 3  # band edges resolved in each bin; where there are more, they average out
_EDGE_SEPARATION = 0.005  # of a bin: band edges nearer to each other are taken as one
_THREE_BINS = ((1, -2, 1), (1, 0, -1))  # null rules of three equal bins with a node in each
AGF_VERSION = "agf 7"  # of the kernels: part of the address of every stored result
_CHUNK_SIZE = 1 << 18  # numbers of one array of matrices
_MAX_SPLITS = 3  # times that a panel of frequencies is halved
UNIT_SECONDS = 0.5  # that a unit should take, roughly
MIN_POOL_SECONDS = 2.0  # seconds of work from which processes are worth their start
_BOUND_TOLERANCE = 1e-6  # modes: transmission out of bounds that is put down to rounding
_RETRY_SHIFT = 1e-9  # relative change of a frequency at which rounding is larger
_MAX_RETRIES = 4  # at such frequencies
_LEAD_ARRAYS = ("periods", "step", "masses", "shifts", "onsite", "hop")


@frozen(eq=False)
class FrequencyPanels(BaseRecord):
    """Panels of frequency of one wave vector, and the bins that their integrals are shared out to."""

    edges: Array  # (n + 1,) of the bins, rad s⁻¹
    cuts: Array  # (p + 1,) ends of the panels, rad s⁻¹
    number: IntArray  # (p,) nodes on each
    place: float | None = None  # 0..1, of the one node in each bin, where band edges are too many to be resolved

    @cached_property
    def omega(self) -> Array:
        """(b,) nodes, rad s⁻¹."""
        size, number = np.diff(self.cuts), self.number
        if self.place is not None:
            return self.cuts[:-1] + size * self.place
        node = np.concatenate([gauss_legendre_roots(n)[0] for n in number.tolist()])
        return np.repeat(self.cuts[:-1], number) + np.repeat(size, number) * node

    @cached_property
    def weight(self) -> Array:
        """(b,) weights of the nodes, rad s⁻¹."""
        part = np.concatenate([gauss_legendre_roots(n)[1] for n in self.number.tolist()])
        return np.repeat(np.diff(self.cuts), self.number) * part

    def errors(self, value: Array) -> Array:
        """(p,) errors of the integrals of values (b,) at the nodes over the panels.

        They are the null rule of the highest degree, times its ratio to the next one where that is less than one: null
        rules of a smooth function fall with their degree, as the error of the rule does, those of one that the nodes do
        not resolve do not.  With one node in a bin, three bins are one panel, whose error is that of its first bin.
        """
        size, number = np.diff(self.cuts), self.number
        if self.place is None:
            null = np.repeat(size, number) * np.concatenate([null_rules(n) for n in number.tolist()], axis=1)
            high, low = np.abs(np.add.reduceat(null * value, np.cumsum(number) - number, axis=1))
        else:
            triples = (size * value)[: size.size // 3 * 3].reshape(-1, 3)
            high, low = np.zeros((2, size.size))
            for found, rule in zip((high, low), _THREE_BINS, strict=True):
                found[: 3 * len(triples) : 3] = np.abs(triples @ rule) * np.sqrt(3 / np.dot(rule, rule))
        return high * np.divide(high, low, out=np.ones_like(high), where=low > high)

    def find_unresolved(self, value: Array, share: float) -> BoolArray:
        """(p,) panels whose error is more than a share of the integral over all; none with single nodes in bins."""
        return (self.errors(value) > share * (self.weight @ value)) & (self.place is None)

    def nodes_of(self, panels: BoolArray) -> BoolArray:
        """(b,) whether each node lies on one of some panels (p,)."""
        return np.repeat(panels, self.number)

    def split(self, panels: BoolArray) -> "tuple[FrequencyPanels, BoolArray]":
        """The same with some panels (p,) halved, and (b,) which nodes are new."""
        middle = (self.cuts[:-1] + self.cuts[1:])[panels] / 2
        cuts, number = np.sort(np.append(self.cuts, middle)), np.repeat(self.number, 1 + panels)
        fresh = np.repeat(np.repeat(panels, 1 + panels), number)
        return FrequencyPanels(self.edges, cuts, number, self.place), fresh

    def panel_bins(self) -> IndexArray:
        """(p,) bin in which the middle of each panel lies."""
        return _interval_of((self.cuts[:-1] + self.cuts[1:]) / 2, self.edges)

    def pieces(self) -> tuple[IndexArray, IndexArray, Array, Array]:
        """Node, bin, middle and width (m,) of each piece of a bin that a node stands for, rad s⁻¹."""
        bounds = np.append(self.cuts[:1], self.cuts[0] + np.cumsum(self.weight))
        bounds[-1] = self.cuts[-1]
        cuts = np.unique(np.concatenate([bounds, self.edges]))
        middle = (cuts[:-1] + cuts[1:]) / 2
        return _interval_of(middle, bounds), _interval_of(middle, self.edges), middle, np.diff(cuts)


def _interval_of(places: Array, bounds: Array) -> IndexArray:
    return np.clip(np.searchsorted(bounds, places) - 1, 0, len(bounds) - 2)


def frequency_panels(bands: "LeadBands", edges: Array, place: float) -> FrequencyPanels:
    """Panels of one wave vector, a few nodes between edges of bands, as dense as bins; one a bin where they crowd."""
    found = bands.edges[(bands.edges > edges[0]) & (bands.edges < edges[-1])]
    place_of = np.arange(len(edges), dtype=float)
    at = np.interp(found, edges, place_of)
    found = found[(np.diff(at, prepend=0) > _EDGE_SEPARATION) & (at < place_of[-1] - _EDGE_SEPARATION)]
    cuts = np.concatenate([edges[:1], found, edges[-1:]])
    counts = bands.counts((cuts[:-1] + cuts[1:]) / 2)
    changes = np.abs(np.diff(counts, axis=1)).sum(axis=0) > 0  # where no channel opens or closes T is smooth
    kept = np.concatenate([[True], changes, [True]])
    if kept.sum() > _MAX_EDGES_PER_BIN * len(edges):  # errors average out over the wave vectors
        return FrequencyPanels(edges, edges, np.ones(len(edges) - 1, dtype=int), max(place, 1e-3))
    cuts, both = cuts[kept], (counts.min(axis=0) > 0)[kept[:-1]]  # without a wave in one lead nothing crosses
    number = np.where(both, _MIN_NODES + np.ceil(np.diff(np.interp(cuts, edges, place_of)) - 1e-9), 1).astype(int)
    return FrequencyPanels(edges, cuts, number)


@frozen(eq=False)
class LeadBands(BaseRecord):
    """Bands of both leads at one wave vector."""

    edges: Array  # (m,) increasing frequencies at which a band has a minimum or a maximum along the normal, rad s⁻¹
    # low, high: for either lead, the ends of each band on each step of the phase, rad s⁻¹
    low: tuple[Array, Array]
    high: tuple[Array, Array]
    # the same with what bands may do between the phases beyond these ends, where they cross
    lowest: tuple[Array, Array]
    highest: tuple[Array, Array]

    def counts(self, omega: Array) -> IndexArray:
        """(2, nω) twice the number of waves of either lead in one direction."""
        return _count_between(self.low, self.high, omega)

    def certain(self, omega: Array) -> BoolArray:
        """(nω,) whether no band that is only seen at some phases may add to these numbers or take off them."""
        return (self.counts(omega) == _count_between(self.lowest, self.highest, omega)).all(axis=0)


def _count_between(low: tuple[Array, Array], high: tuple[Array, Array], omega: Array) -> IndexArray:
    """(2, nω) intervals of either lead, given by their sorted ends, that hold each frequency."""
    return np.stack([np.searchsorted(a, omega) - np.searchsorted(b, omega) for a, b in zip(low, high, strict=True)])


def lead_bands(
    sides: tuple[LeadContact, LeadContact], *, window: tuple[float, float] = (0.0, np.inf), fine: bool = False
) -> list[LeadBands]:
    """Bands of both leads at each wave vector, exact within a `window` of frequencies; `fine` where gaps are sought."""
    phases, halvings = (_FINE_BAND_PHASES, _EXACT_HALVINGS) if fine else (_BAND_PHASES, EXTREMUM_HALVINGS)
    left, right = (_band_extrema(side, phases, halvings, window) for side in sides)
    return [
        LeadBands(np.sort(np.concatenate([a[0], b[0]])), *zip(a[1:], b[1:], strict=True))
        for a, b in zip(left, right, strict=True)
    ]


def _band_extrema(
    side: LeadContact, around: int, halvings: int, window: tuple[float, float]
) -> list[tuple[Array, ...]]:
    """Extrema of the bands of a lead along the normal at each wave vector, and the sorted ends of the bands between the
    phases, as they are seen and with what they may reach beyond, rad s⁻¹.
    """
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
    nearby = 2 * np.abs(value - np.roll(value, 1, axis=0)).max(axis=0)  # further than an extremum lies off its sample
    low, high = np.square(window) * SQUARE_PICOSECOND
    traced = turns & (value > low - nearby) & (value < high + nearby)
    missed = turns & ~traced
    if turns.sum() > _MAX_TRACED_EXTREMA * count:
        missed = turns
    else:
        inner = 0 if real is None else 1  # even bands have extrema at 0 and π, which need no tracing
        at, row, band = np.nonzero(traced[inner : samples - inner])
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
    turns, missed = (one.reshape(split).swapaxes(0, 1) for one in (turns, missed))
    ahead = np.roll(omega, -1, axis=1)
    low, high = np.minimum(omega, ahead), np.maximum(omega, ahead)
    # where bands cross, a traced extremum is off by the slope times the step of the phase that is left
    step = high - low
    steepest = np.maximum(step, np.maximum(np.roll(step, 1, axis=1), np.roll(step, -1, axis=1)))
    left = np.where(missed, _UNTRACED_SHARE, _TRACED_MARGIN * 0.5**halvings)
    beyond = steepest * np.maximum(turns * left, np.roll(turns * left, -1, axis=1))
    ends = [np.sort(end.reshape(count, -1), axis=1) for end in (low, high, low - beyond, high + beyond)]
    return [(omega[i][turns[i]], *(end[i] for end in ends)) for i in range(count)]


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


class TransmissionSums(NamedTuple):
    """Transmission, open channels of the left and of the right, (b,) each."""

    total: Array
    left: Array
    right: Array


@frozen(eq=False)
class UnitRunner(BaseRecord):
    """How units of work over wave vectors are done, and where their results are kept.

    `executor` is any `concurrent.futures.Executor`, or a number of processes; these are started only for work that
    takes longer than to start them.
    """

    executor: ExecutorLike | None = field(default=None, metadata=about("1", "executor, or number of processes"))
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
    prepared, (k, omega) = unit_arrays(unit, "k", "omega")
    index = np.repeat(np.arange(len(k)), omega.size)
    sums = point_transmissions(prepared, k, index, np.tile(omega, len(k)))
    return {name: values.reshape(len(k), omega.size) for name, values in sums._asdict().items()}


def transmission_in_bins(unit: UnitInputs) -> UnitResult:
    """Kernel: integrals over bins of frequency within a window, (nk, n) each, rad s⁻¹.

    The unit has k (nk, 2), the edges (n + 1,) of the bins, the ramps (2,) of the `smooth_window`, the `share` of the
    integral over all bins that the error of a panel may have, and place (nk,), 0..1, of the samples in bins where band
    edges are too many to be resolved.  Beside total, left and right: first (the total times omega), weight (the
    integrals of 1), variance (of the total by its quadrature, rad² s⁻²), and the number of points solved.
    """
    prepared, (k, edges, place, ramps, share) = unit_arrays(unit, "k", "edges", "place", "ramps", "share")
    at = _refined_panels(prepared, k, [edges, place, ramps], float(share))
    shape = (len(k), len(edges) - 1)
    sums = {name: np.zeros(shape) for name in ("total", "left", "right", "first", "weight", "variance")}
    pieces = [panels.pieces() for panels, *_ in at]
    # a node may stand for many bins where nothing passes: its own window would not be theirs
    window = smooth_window(np.concatenate([middle for _, _, middle, _ in pieces]), ramps)
    inside = np.split(window, np.cumsum([middle.size for _, _, middle, _ in pieces])[:-1])
    for i, (panels, values, _) in enumerate(at):
        node, column, middle, width = pieces[i]
        rows = dict(zip(("total", "left", "right"), width * values[:, node], strict=True))
        rows |= {"first": rows["total"] * middle, "weight": width * inside[i]}
        for name, row in rows.items():
            sums[name][i] = np.bincount(column, row, minlength=shape[1])
        if values[0].any():
            error = np.square(panels.errors(values[0]))
            sums["variance"][i] = np.bincount(panels.panel_bins(), error, minlength=shape[1])
    return {**sums, "points": np.array([sum(count for *_, count in at)])}


def _refined_panels(
    prepared: PreparedJunction, k: Array, window: Sequence[Array], share: float
) -> list[tuple[FrequencyPanels, Array, int]]:
    """Panels of each wave vector, values (3, b) within the window at their nodes, and the number of points solved."""
    edges, place, ramps = window
    sides = lead_contacts(prepared, k)
    tops = _band_tops(prepared, sides)
    bands = lead_bands(sides, window=(float(edges[0]), float(edges[-1])))
    panels = [frequency_panels(band, edges, part) for band, part in zip(bands, place, strict=True)]
    values = [np.zeros((3, one.omega.size)) for one in panels]
    fresh = {i: np.ones(one.omega.size, dtype=bool) for i, one in enumerate(panels)}  # nodes to be solved
    count = np.zeros(len(k), dtype=int)
    for attempt in range(_MAX_SPLITS + 1):
        size = [int(mask.sum()) for mask in fresh.values()]
        nodes = [panels[i].omega[mask] for i, mask in fresh.items()]
        omega, index = np.concatenate(nodes), np.repeat(list(fresh), size)
        waves = np.concatenate([bands[i].counts(at) for i, at in zip(fresh, nodes, strict=True)], axis=1)
        known = np.concatenate([bands[i].certain(at) for i, at in zip(fresh, nodes, strict=True)])
        parts = np.concatenate([np.zeros((1, omega.size)), waves // 2])  # nothing crosses where a lead has no wave
        both = (waves > 0).all(axis=0) | ~known
        parts[:, both] = point_transmissions(prepared, k, index[both], omega[both], sides, tops)
        parts *= smooth_window(omega, ramps)
        for i, part in zip(fresh, np.split(parts, np.cumsum(size)[:-1], axis=1), strict=True):
            values[i][:, fresh[i]] = part
        count += np.bincount(index[both], minlength=len(k))
        worse = {i: panels[i].find_unresolved(values[i][0], share) for i in fresh if values[i][0].any()}
        worse = {i: mask for i, mask in worse.items() if mask.any()}
        if attempt == _MAX_SPLITS or not worse:
            break
        fresh = {}
        for i, mask in worse.items():
            kept = values[i][:, ~panels[i].nodes_of(mask)]
            panels[i], fresh[i] = panels[i].split(mask)
            values[i] = np.zeros((3, fresh[i].size))
            values[i][:, ~fresh[i]] = kept
    return list(zip(panels, values, count.tolist(), strict=True))


def point_transmissions(
    prepared: PreparedJunction,
    k: Array,
    index: IndexArray,
    omega: Array,
    sides: tuple[LeadContact, LeadContact] | None = None,
    tops: Sequence[Array] | None = None,
) -> TransmissionSums:
    """Transmission and open channels of both sides at b points of wave vector k[index] and frequency omega, rad s⁻¹.

    `tops` are bounds (nk,) of the bands of either side, (rad/ps)², where they are known.
    """
    sides = sides or lead_contacts(prepared, k)
    blocks = prepared.junction.blocks(k)
    tops = _band_tops(prepared, sides) if tops is None else tops
    below = [omega**2 * SQUARE_PICOSECOND <= high[index] for high in tops]
    sums = np.zeros((3, omega.size))
    for side, at in enumerate(sides):
        alone = np.flatnonzero(below[side] & ~below[1 - side])  # elastic: above the lower spectrum nothing crosses
        for some in point_chunks(alone, at.layers.onsite.shape[-1] * at.copies):
            waves = green.contact_waves(at, index[some], omega[some])
            sums[1 + side, some] = waves.count.reshape(-1, at.copies).sum(axis=1)
    both = np.flatnonzero(below[0] & below[1])
    for some in point_chunks(both, max(slab.onsite.shape[-1] for slab in prepared.junction.device)):
        sums[:, some] = _bounded_transmission(sides, blocks, k, index[some], omega[some])
    return TransmissionSums(*sums)


def _band_tops(prepared: PreparedJunction, sides: Sequence[LeadContact]) -> list[Array]:
    """Upper bounds (nk,) of the bands of either side at the wave vectors of the junction, (rad/ps)²."""
    return [
        band_top(prepared.junction.lead(name), at.k.reshape(-1, 2)).reshape(len(at.k), -1).max(axis=1)
        for name, at in zip(INTERFACE_SIDES, sides, strict=True)
    ]


def _bounded_transmission(
    sides: tuple[LeadContact, LeadContact], blocks: JunctionBlocks, k: Array, index: IndexArray, omega: Array
) -> tuple[Array, IndexArray, IndexArray]:
    """Transmission and open channels where both leads may have some; out of bounds at a nearby frequency again."""
    # unitarity bounds T by the open channels of either side: a violation is rounding, less so a little off in ω
    at, attempt = omega, 1
    while True:
        found, left, right = green.crossing_modes(sides, blocks, index, at)
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


def point_chunks(points: IndexArray, size: int) -> list[IndexArray]:
    """Points in portions whose matrices stay small."""
    step = max(1, _CHUNK_SIZE // size**2)
    return [points[start : start + step] for start in range(0, len(points), step)]


def point_seconds(prepared: PreparedJunction) -> float:
    """Rough time of one point, of both leads and the device; it only decides how work is cut, not the results."""
    total = 0.0
    for side in INTERFACE_SIDES:
        copies = len(prepared.junction.tiles(side))
        total += copies * 2e-7 * (2 * getattr(prepared, side).rank) ** 2.2
    return total + sum(5e-6 + 1e-9 * slab.onsite.shape[-1] ** 3 for slab in prepared.junction.device)


def junction_arrays(junction: Junction) -> dict[str, object]:
    """What matters of a junction as plain arrays, for another process and for the address of a result."""
    leads = [[getattr(lead, name) for name in _LEAD_ARRAYS] for lead in (junction.left, junction.right)]
    device = [[slab.masses, slab.shifts, slab.onsite, slab.hop] for slab in junction.device]
    return {"periods": junction.periods, "leads": leads, "device": device}


def unit_arrays(unit: UnitInputs, *names: str) -> tuple[PreparedJunction, list[NDArray[Any]]]:
    """Junction of a unit of work, made of its arrays again, and other arrays of the unit by name."""
    plain: Any = unit["junction"]
    left, right = (
        Lead(name=name, model=True, **dict(zip(_LEAD_ARRAYS, lead, strict=True)))  # the values were checked before
        for name, lead in zip(INTERFACE_SIDES, plain["leads"], strict=True)
    )
    device = tuple(JunctionLayer(*slab) for slab in plain["device"])
    return (
        green.prepare_junction(Junction("", plain["periods"], left, right, device)),
        [np.asarray(unit[name]) for name in names],
    )
