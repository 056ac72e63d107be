r"""Compiled conductances of many pairs, the best of them, and the best layers.  Importing this module needs numba.

Values of a row of materials are made in blocks that stay in the cache of a core, each temperature in one vectorised
sweep.  A block is looked through only if its best value passes the worst that is kept.

The best layer of all pairs is a product of matrices with minima in place of sums,
$\min_C (R_{AC} + e_C + R_{CB})$ with what the layer adds itself, $e_C$.  It is taken in tiles that stay in the cache of
a core, four layers at a time.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array, IntArray
from kapitza.screen.tabulation import MODE_SCALE, FloatTable, PairTables

_KernelFunction = TypeVar("_KernelFunction", bound=Callable[..., Any])

PAIRS_PER_BLOCK = 1024  # pairs whose values are made at once
_BANDS_PER_BLOCK = 64  # whose cells are kept for the next rows
_ROWS_PER_GROUP = 16
BINS_PER_OCTAVE = 32
_MANTISSA_SHIFT = 52 - 5  # 2⁵ bins
LOWEST_OCTAVE, OCTAVES = -40, 104  # of conductances in W m⁻² K⁻¹: 1e-12 to 2e19
BIN_COUNT = OCTAVES * BINS_PER_OCTAVE
_FIRST_BIN = (1023 + LOWEST_OCTAVE) * BINS_PER_OCTAVE
_SCALE = MODE_SCALE
_ROOT_OF_THREE = 3**0.5
_TINY = 1e-9  # of s, in place of 0 where neither side has a mode
SingleTable = NDArray[np.float32]
_ROWS_PER_TILE = 32
_PARTNERS_PER_TILE = 1024
_UNROLLED = 4  # layers in one sweep


class Scratch(NamedTuple):
    """Room for the mismatch of the four pieces of a block of Debye pairs, and of the cells of one pair."""

    pairs: FloatTable
    cells: FloatTable


class BestPairs(NamedTuple):
    """Heaps of the best pairs, worst first: scores, which are conductances or their negatives, and both materials."""

    score: Array
    first: NDArray[np.int32]
    second: NDArray[np.int32]


def compile_screening(function: _KernelFunction) -> _KernelFunction:
    """Compile a function when it is first used, and keep the machine code where there is a folder for it.

    Sums may be taken in another order and products fused; infinities keep their meaning.
    """
    options: dict[str, Any] = {
        "nogil": True,
        "error_model": "numpy",
        "fastmath": {"contract", "reassoc", "nsz", "arcp", "nnan"},
    }
    try:
        return cast("_KernelFunction", numba.njit(cache=True, **options)(function))
    except RuntimeError:
        return cast("_KernelFunction", numba.njit(**options)(function))


@compile_screening
def _debye_block(i: int, start: int, count: int, tables: PairTables, mix: FloatTable, out: FloatTable) -> None:
    """Conductances of a Debye solid with `count` others from `start` on, (nT, count); `mix` is scratch."""
    below, between = tables.below, tables.between
    own_below, own_between, unity = below[i], between[i], below.dtype.type(1)  # of the precision of the tables
    for k in range(count):
        j = start + k
        mix[0, k] = unity / (own_below + below[j])
        mix[1, k] = unity / (own_between + below[j])
        mix[2, k] = unity / (own_below + between[j])
        mix[3, k] = unity / (own_between + between[j])
    for t in range(out.shape[0]):
        transverse, longitudinal = tables.transverse[t], tables.longitudinal[t]
        low, high = transverse[i], longitudinal[i]
        nothing = low - low
        for k in range(count):
            other_low, other_high = transverse[start + k], longitudinal[start + k]
            # F increases, so that the smaller of two cutoffs has the smaller F
            both = min(other_low, low)
            own_open = min(other_low, high)
            other_open = min(low, other_high)
            top = min(other_high, high)
            last = max(other_low, low)
            own_part = own_open - both if own_open > both else nothing
            other_part = other_open - both if other_open > both else nothing
            top_part = top - last if top > last else nothing
            out[t, k] = mix[0, k] * both + mix[1, k] * own_part + mix[2, k] * other_part + mix[3, k] * top_part


@compile_screening
def _fill_cells(level: float, own: FloatTable, slope: FloatTable, mix: FloatTable) -> None:
    """Mean of the mismatch in each cell of a spectrum with a constant one, as of a Debye solid below a cutoff."""
    unity, constant, tiny = own.dtype.type(1), own.dtype.type(level), own.dtype.type(_TINY)  # of single precision
    for m in range(own.size):
        inverse = unity / (own[m] + constant + tiny)
        part = constant * slope[m] * inverse
        mix[m] = own[m] * constant * inverse - part * part * inverse


@compile_screening
def _sum_cells(steps: FloatTable, mix: FloatTable, start: int, stop: int) -> Any:
    total = mix.dtype.type(0)
    for m in range(start, stop):
        total += mix[m] * steps[m]
    return total


@compile_screening
def _part_of_cell(level: float, own: Any, slope: Any, edges: FloatTable, start: float, stop: float) -> float:
    """Integral over a part of a cell, from F = start to stop, with the mean of the straight line there."""
    width = edges[1] - edges[0]
    if not width > 0:  # no heat at these frequencies: F has come to its end
        return 0.0
    middle = (start + stop - edges[0] - edges[1]) / width  # from -1 to 1, with a deviation of 1/√3
    value = max(own + _ROOT_OF_THREE * middle * slope, 0.0)
    return level * value / (level + value + _TINY) * (stop - start)


@compile_screening
def _mixed_pair(debye: int, band: int, k: int, tables: PairTables, mix: FloatTable, out: FloatTable) -> None:
    count = tables.cell_count[band]
    own, slope, edges = tables.cells[band, :count], tables.slopes[band, :count], tables.edges
    low, high = tables.transverse_cell[debye], tables.longitudinal_cell[debye]
    below, between = _SCALE / tables.below[debye], _SCALE / tables.between[debye]
    _fill_cells(below, own, slope, mix[0])
    _fill_cells(between, own, slope, mix[1])
    for t in range(out.shape[0]):
        first, last = tables.transverse[t, debye] / _SCALE, tables.longitudinal[t, debye] / _SCALE
        total = _sum_cells(tables.steps[t], mix[0], 0, min(low, count))
        total += _sum_cells(tables.steps[t], mix[1], low + 1, min(high, count))
        if low < count:  # the cells that a cutoff divides
            end = last if high == low else edges[t, low + 1]
            total += _part_of_cell(below, own[low], slope[low], edges[t, low : low + 2], edges[t, low], first)
            total += _part_of_cell(between, own[low], slope[low], edges[t, low : low + 2], first, end)
        if low < high < count:
            total += _part_of_cell(between, own[high], slope[high], edges[t, high : high + 2], edges[t, high], last)
        out[t, k] = total


@compile_screening
def _band_pair(i: int, j: int, k: int, tables: PairTables, mix: FloatTable, out: FloatTable) -> None:
    count = min(tables.cell_count[i], tables.cell_count[j])
    one, other, change, other_change = tables.cells[i], tables.cells[j], tables.slopes[i], tables.slopes[j]
    unity, tiny = one.dtype.type(1), one.dtype.type(_TINY)  # of single precision, as all that follows
    mean = mix[0]
    for m in range(count):
        inverse = unity / (one[m] + other[m] + tiny)
        part = (other[m] * change[m] - one[m] * other_change[m]) * inverse
        mean[m] = one[m] * other[m] * inverse - part * part * inverse
    for t in range(out.shape[0]):
        out[t, k] = _sum_cells(tables.steps[t], mean, 0, count)


@compile_screening
def fill_conductances(i: int, start: int, count: int, tables: PairTables, mix: Scratch, out: FloatTable) -> None:
    """(nT, count) conductances of material i with the materials from `start` on, W m⁻² K⁻¹."""
    solids = tables.below.size
    if i < solids and start + count <= solids:
        _debye_block(i, start, count, tables, mix.pairs, out)
    else:
        for k in range(count):
            j = start + k
            if i >= solids and j >= solids:
                _band_pair(i - solids, j - solids, k, tables, mix.cells, out)
            elif i >= solids:
                _mixed_pair(j, i - solids, k, tables, mix.cells, out)
            else:
                _mixed_pair(i, j - solids, k, tables, mix.cells, out)
    leads = tables.leads
    if leads.shape[0] == 0:
        return
    unity = leads.dtype.type(1)
    for t in range(out.shape[0]):
        own = leads[t, i]
        for k in range(count):  # 1/G = 1/G_e - share (1/G_L + 1/G_R)
            rest = unity - out[t, k] * (own + leads[t, start + k])
            out[t, k] = out[t, k] / rest if rest > 1e-11 else np.inf


@compile_screening
def keep_pair(t: int, score: float, i: int, j: int, best: BestPairs) -> None:
    """Put a pair in the place of the worst that is kept, and let it sink to its level of the heap."""
    scores, size = best.score[t], best.score.shape[1]
    place = 0
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and scores[child + 1] < scores[child]:
            child += 1
        if scores[child] >= score:
            break
        scores[place] = scores[child]
        best.first[t, place], best.second[t, place] = best.first[t, child], best.second[t, child]
        place = child
    scores[place] = score
    best.first[t, place], best.second[t, place] = i, j


@compile_screening
def _select_pairs(t: int, i: int, start: int, values: FloatTable, sign: float, best: BestPairs) -> None:
    peak = -np.inf
    for k in range(values.size):
        score = sign * values[k]
        peak = max(peak, score)
    if peak <= best.score[t, 0]:
        return
    for k in range(values.size):
        score = sign * values[k]
        if score > best.score[t, 0] and start + k != i:
            keep_pair(t, score, i, start + k, best)


@compile_screening
def _count_values(values: FloatTable, scratch: Array, bits: IntArray, counts: IntArray) -> None:
    """Count values by their logarithm, which are the leading bits of a float; `bits` are those of `scratch`."""
    for k in range(values.size):
        scratch[k] = values[k]
    for k in range(values.size):
        place = (bits[k] >> _MANTISSA_SHIFT) - _FIRST_BIN
        counts[min(max(place, 0), counts.size - 1)] += 1


@compile_screening
def count_conductances(values: Array, counts: IntArray) -> None:
    """Count conductances (nT, n) by their logarithm, as `best_of_rows` does, into (nT, bins)."""
    scratch = np.empty(values.shape[1])
    bits = scratch.view(np.int64)
    for t in range(values.shape[0]):
        _count_values(values[t], scratch, bits, counts[t])


@compile_screening
def best_of_rows(
    rows: IntArray, earliest: IntArray, tables: PairTables, sign: float, best: BestPairs, counts: IntArray
) -> None:
    """Search rows of pairs for the best ones, and count all by their conductance.

    Each row begins with the partner `earliest`; `sign` is 1 for the largest conductances, -1 for the smallest.  The
    heaps `best` (nT, k) and the counts (nT, bins) of ln G are updated; without bins nothing is counted.
    """
    solids, total = tables.below.size, tables.below.size + tables.cell_count.size
    shape = tables.edges.shape[0]
    mix = Scratch(
        np.empty((4, PAIRS_PER_BLOCK), tables.below.dtype), np.empty((2, tables.edges.shape[1]), tables.cells.dtype)
    )
    out = np.empty((shape, PAIRS_PER_BLOCK), tables.below.dtype)
    scratch = np.empty(PAIRS_PER_BLOCK)
    bits = scratch.view(np.int64)
    for group in range(0, rows.size, _ROWS_PER_GROUP):
        last = min(group + _ROWS_PER_GROUP, rows.size)
        low = earliest[group:last].min()
        while low < total:
            stop = min(low + PAIRS_PER_BLOCK, solids) if low < solids else min(low + _BANDS_PER_BLOCK, total)
            for number in range(group, last):
                i, start = rows[number], max(low, earliest[number])
                count = stop - start
                if count <= 0:
                    continue
                fill_conductances(i, start, count, tables, mix, out)
                for t in range(shape):
                    _select_pairs(t, i, start, out[t, :count], sign, best)
                    if counts.shape[1]:
                        _count_values(out[t, :count], scratch, bits, counts[t])
            low = stop


@compile_screening
def best_of_each_row(rows: IntArray, tables: PairTables, sign: float, best: BestPairs) -> None:
    """Search each row of pairs for its own best ones, into heaps (rows, nT, k) of their own."""
    none = np.zeros((tables.edges.shape[0], 0), np.int64)
    earliest = np.zeros(1, np.int64)
    for number in range(rows.size):
        own = BestPairs(best.score[number], best.first[number], best.second[number])
        best_of_rows(rows[number : number + 1], earliest, tables, sign, own, none)


@compile_screening
def pair_conductances(first: IntArray, second: IntArray, tables: PairTables, out: NDArray[np.float64]) -> None:
    """(nT, n) conductances of n pairs, W m⁻² K⁻¹."""
    mix = Scratch(np.empty((4, 1), tables.below.dtype), np.empty((2, tables.edges.shape[1]), tables.cells.dtype))
    value = np.empty((out.shape[0], 1), tables.below.dtype)
    for k in range(first.size):
        fill_conductances(first[k], second[k], 1, tables, mix, value)
        for t in range(out.shape[0]):
            out[t, k] = value[t, 0]


@compile_screening
def fill_resistances(tables: PairTables, first: int, low: int, found: SingleTable) -> None:
    """(r, c) emitted resistance of materials from `first` on with those from `low` on; infinite with itself."""
    rows, columns, solids = found.shape[0], found.shape[1], tables.below.size
    mix = Scratch(np.empty((4, columns), tables.below.dtype), np.empty((2, tables.edges.shape[1]), tables.cells.dtype))
    border = min(max(solids, low), low + columns)
    for i in range(first, first + rows):
        for start, stop in ((low, border), (border, low + columns)):
            if stop == start:
                continue
            out = np.empty((1, stop - start), tables.below.dtype)
            fill_conductances(i, start, stop - start, tables, mix, out)
            for k in range(stop - start):
                found[i - first, start - low + k] = 1 / out[0, k]
        if low <= i < low + columns:
            found[i - first, i - low] = np.inf


@compile_screening
def _sweep_layers(left: SingleTable, right: SingleTable, least: SingleTable) -> None:
    """Lower the least sums over some layers: left (layers,) with right (layers, partners) into least (partners,)."""
    layers = left.size
    for c in range(0, layers - layers % _UNROLLED, _UNROLLED):
        one, two, three, four = left[c], left[c + 1], left[c + 2], left[c + 3]
        for j in range(least.size):
            first = min(one + right[c, j], two + right[c + 1, j])
            second = min(three + right[c + 2, j], four + right[c + 3, j])
            least[j] = min(least[j], min(first, second))  # noqa: PLW3301
    for c in range(layers - layers % _UNROLLED, layers):
        for j in range(least.size):
            least[j] = min(least[j], left[c] + right[c, j])


@compile_screening
def search_triples(
    rows: SingleTable, columns: SingleTable, first: int, low: int, extra: SingleTable, best: BestPairs
) -> None:
    """Keep the pairs (i < j) whose resistance is lowered most by their best layer; scores are ratios of resistances.

    `rows` (r, n) are resistances of the materials from `first` on with all, `columns` (n, c) those of all with the
    materials from `low` on, `extra` (n,) what each layer adds, infinite for what is no layer; the heap `best` (1, k) is
    updated.
    """
    total, width = columns.shape
    least = np.empty((_ROWS_PER_TILE, _PARTNERS_PER_TILE), np.float32)
    left = np.empty((_ROWS_PER_TILE, total), np.float32)
    for start in range(0, rows.shape[0], _ROWS_PER_TILE):
        stop = min(start + _ROWS_PER_TILE, rows.shape[0])
        for i in range(start, stop):
            for c in range(total):
                left[i - start, c] = rows[i, c] + extra[c]
        for begin in range(max(0, first + start - low), width, _PARTNERS_PER_TILE):
            end = min(begin + _PARTNERS_PER_TILE, width)
            least[:] = np.inf
            for layer in range(0, total, _UNROLLED):
                last = min(layer + _UNROLLED, total)
                right = columns[layer:last, begin:end]
                for i in range(stop - start):
                    _sweep_layers(left[i, layer:last], right, least[i, : end - begin])
            for i in range(start, stop):
                for j in range(max(low + begin, first + i + 1), low + end):
                    score = rows[i, j] / least[i - start, j - low - begin]
                    if score > best.score[0, 0]:
                        keep_pair(0, score, first + i, j, best)
