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
def fill_resistances(tables: KernelTables, found: SingleTable) -> None:
    """(n, n) emitted resistance of each pair; infinite with itself."""
    total, solids = found.shape[0], tables.below.size
    mix = Scratch(np.empty((4, total), tables.below.dtype), np.empty((2, tables.edges.shape[1]), tables.cells.dtype))
    for i in range(total):
        for start, stop in ((0, solids), (solids, total)):
            if stop == start:
                continue
            out = np.empty((1, stop - start), tables.below.dtype)
            fill_conductances(i, start, stop - start, tables, mix, out)
            for k in range(stop - start):
                found[i, start + k] = 1 / out[0, k]
        found[i, i] = np.inf


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
def search_triples(resistance: SingleTable, extra: SingleTable, best: BestPairs) -> None:
    """Keep the pairs whose resistance is lowered most by their best layer; scores are ratios of resistances.

    Parameters
    ----------
    resistance : (n, n) of each pair, infinite on the diagonal
    extra : (n,) what each layer adds, infinite for what is no layer
    best : heap (1, k), updated
    """
    total = resistance.shape[0]
    least = np.empty((_ROWS_PER_TILE, _PARTNERS_PER_TILE), np.float32)
    left = np.empty((_ROWS_PER_TILE, total), np.float32)
    for start in range(0, total, _ROWS_PER_TILE):
        stop = min(start + _ROWS_PER_TILE, total)
        for i in range(start, stop):
            for c in range(total):
                left[i - start, c] = resistance[i, c] + extra[c]
        for low in range(start, total, _PARTNERS_PER_TILE):
            high = min(low + _PARTNERS_PER_TILE, total)
            least[:] = np.inf
            for layer in range(0, total, _UNROLLED):
                last = min(layer + _UNROLLED, total)
                right = resistance[layer:last, low:high]
                for i in range(stop - start):
                    _sweep_layers(left[i, layer:last], right, least[i, : high - low])
            for i in range(start, stop):
                for j in range(max(low, i + 1), high):
                    score = resistance[i, j] / least[i - start, j - low]
                    if score > best.score[0, 0]:
                        keep_pair(0, score, i, j, best)
