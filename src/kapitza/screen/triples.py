r"""Compiled search of all triples of materials for the best layer between two.  Importing this module needs numba.

The best layer of all pairs is a product of matrices with minima in place of sums,
$\min_C (R_{AC} + e_C + R_{CB})$ with what the layer adds itself, $e_C$.  It is taken in tiles that stay in the cache of
a core, four layers at a time.
"""

import numpy as np
from numpy.typing import NDArray

from kapitza.screen.kernels import BestPairs, KernelTables, Scratch, compile_screening, fill_conductances, keep_pair

SingleTable = NDArray[np.float32]

_ROWS_PER_TILE = 32
_PARTNERS_PER_TILE = 1024
_UNROLLED = 4  # layers in one sweep


@compile_screening
def fill_resistances(tables: KernelTables, first: int, low: int, found: SingleTable) -> None:
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
    """Keep the pairs whose resistance is lowered most by their best layer; scores are ratios of resistances.

    Parameters
    ----------
    rows : (r, n) resistance of the materials from `first` on with all
    columns : (n, c) resistance of all with the materials from `low` on
    first, low : of the pairs (i, j) that are looked at, each with i < j
    extra : (n,) what each layer adds, infinite for what is no layer
    best : heap (1, k), updated
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
