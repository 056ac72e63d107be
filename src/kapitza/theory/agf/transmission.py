"""Transmission at many wave vectors and frequencies, in units of work; quadrature between band edges.

Between the edges of the bands the transmission is smooth: frequencies are placed there, wave vector by wave vector.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, IndexArray
from kapitza.core.modal import INTERFACE_SIDES
from kapitza.core.records import BaseRecord
from kapitza.errors import ConvergenceError
from kapitza.matter.junction import SQUARE_PICOSECOND, Junction, JunctionBlocks, JunctionLayer, Lead
from kapitza.run.store import StoreLike, UnitInputs, UnitResult
from kapitza.run.work import ExecutorLike, Progress, UnitKernel, run_units
from kapitza.theory.agf.frequency_panels import FrequencyPanels, frequency_panels, lead_bands
from kapitza.theory.agf.green_functions import (
    LeadContact,
    PreparedJunction,
    contact_waves,
    crossing_modes,
    lead_contacts,
    prepare_junction,
)
from kapitza.theory.agf.k_mesh import band_top


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


AGF_VERSION = "agf 7"  # of the kernels: part of the address of every stored result
_CHUNK_SIZE = 1 << 18  # numbers of one array of matrices
_MAX_SPLITS = 3  # times that a panel of frequencies is halved
UNIT_SECONDS = 0.5  # that a unit should take, roughly
MIN_POOL_SECONDS = 2.0  # seconds of work from which processes are worth their start
_BOUND_TOLERANCE = 1e-6  # modes: transmission out of bounds that is put down to rounding
_RETRY_SHIFT = 1e-9  # relative change of a frequency at which rounding is larger
_MAX_RETRIES = 4  # at such frequencies


@frozen(eq=False)
class TransmissionSums(BaseRecord):
    """Transmission, open channels of the left and of the right, at b points or in the bins of each wave vector."""

    total: Array
    left: Array
    right: Array


@frozen(eq=False)
class UnitRunner(BaseRecord):
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
    prepared, (k, omega) = unit_arrays(unit, "k", "omega")
    index = np.repeat(np.arange(len(k)), omega.size)
    found = point_transmissions(prepared, k, index, np.tile(omega, len(k)))
    shape = (len(k), omega.size)
    return {name: getattr(found, name).reshape(shape) for name in ("total", "left", "right")}


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
    """Panels of each wave vector, values (3, b) of total, left and right within the window at their nodes, and how many
    points were solved for them.
    """
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
        found = point_transmissions(prepared, k, index[both], omega[both], sides, tops)
        parts[:, both] = found.total, found.left, found.right
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
        copies = len(prepared.junction.tiles(side))
        total += copies * 2e-7 * (2 * getattr(prepared, side).rank) ** 2.2
    return total + sum(5e-6 + 1e-9 * slab.onsite.shape[-1] ** 3 for slab in prepared.junction.device)


_LEAD_ARRAYS = ("periods", "step", "masses", "shifts", "onsite", "hop")


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
        prepare_junction(Junction("", plain["periods"], left, right, device)),
        [np.asarray(unit[name]) for name in names],
    )
