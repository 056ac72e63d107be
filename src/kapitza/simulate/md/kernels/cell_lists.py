"""Compiled neighbour lists, of whole systems and near a plane.  Importing this module needs numba.

Two atoms meet in the same order whenever a list is built: ghosts are numbered by owner and image, and the neighbours
of each atom ascend.  So sums of forces do not depend, to the last bit, on when a list was built.
"""

from typing import NamedTuple

import numpy as np

from kapitza.core.arrays import Array, BoolArray, Int32Array, IntArray
from kapitza.simulate.md.kernels.compiler import compile_inner, compile_kernel


class CellGrid(NamedTuple):
    """Cells that the atoms are sorted into."""

    low: Array  # (3,) corner, m
    side: Array  # (3,) edges of a cell, m
    cells: IntArray  # (3,)


class SortedAtoms(NamedTuple):
    """Real atoms sorted into cells."""

    first: IntArray  # (cells + 1,) first atom of each cell
    cell: IntArray  # (n,) of each atom
    ids: Int32Array  # (n,) numbers of the sorted atoms
    positions: Array  # (n, 3) of the sorted atoms, m


class FoundPairs(NamedTuple):
    """Pairs in the order in which they are found."""

    row: Int32Array  # real atom in whose row the neighbour is listed; the last place is for those that do not count
    end: IntArray  # (N,) pairs with neighbours up to each atom or ghost
    counts: IntArray  # (n,) neighbours in the row of each atom


@compile_kernel
def place_ghosts(positions: Array, owner: Int32Array, shift: Array, x: Array) -> None:
    """Positions (N, 3) of atoms and ghosts, from those of the atoms (n, 3)."""
    for g in range(len(owner)):
        i = owner[g]
        x[g, 0] = positions[i, 0] + shift[g, 0]
        x[g, 1] = positions[i, 1] + shift[g, 1]
        x[g, 2] = positions[i, 2] + shift[g, 2]


@compile_inner
def _bin_atoms(x: Array, n: int, grid: CellGrid, sorted_atoms: SortedAtoms) -> None:
    low, side, cells = grid
    first, cell, ids, sorted_x = sorted_atoms
    for c in range(first.size):
        first[c] = 0
    for i in range(n):
        c = 0
        for a in range(3):
            c = c * cells[a] + min(max(int((x[i, a] - low[a]) / side[a]), 0), cells[a] - 1)
        cell[i] = c
        first[c + 1] += 1
    for c in range(first.size - 1):
        first[c + 1] += first[c]
    for i in range(n - 1, -1, -1):  # from the last one, so that first[c + 1] ends where cell c starts
        first[cell[i] + 1] -= 1
        k = first[cell[i] + 1]
        ids[k] = i
        for a in range(3):
            sorted_x[k, a] = x[i, a]
    for c in range(first.size - 1):
        first[c] = first[c + 1]
    first[first.size - 1] = n


@compile_inner
def _cells_nearby(at: float, low: float, side: float, count: int, reach: float) -> tuple[int, int]:
    """First cell along an axis that may hold neighbours of an atom, and the one after the last."""
    here, span = int(np.floor((at - low) / side)), int(np.ceil(reach / side))
    return min(max(here - span, 0), count), min(max(here + span + 1, 0), count)


@compile_inner
def _scan_cells(
    x: Array, rows: Int32Array, reach: float, grid: CellGrid, sorted_atoms: SortedAtoms, pairs: FoundPairs
) -> int:
    """Put the rows that list each atom or ghost into `pairs`, as far as there is room; return how many there are."""
    # Whether a pair counts is as good as random, and a branch would be mispredicted: each candidate is written, and one
    # that does not count is overwritten by the next.
    low, side, cells = grid
    first, ids, sorted_x = sorted_atoms.first, sorted_atoms.ids, sorted_atoms.positions
    _bin_atoms(x, len(ids), grid, sorted_atoms)
    limit, total, room = reach * reach, np.uint64(0), np.uint64(pairs.row.size - 1)
    for g in range(len(x)):
        gx, gy, gz = x[g, 0], x[g, 1], x[g, 2]
        ax, bx = _cells_nearby(gx, low[0], side[0], cells[0], reach)
        ay, by = _cells_nearby(gy, low[1], side[1], cells[1], reach)
        az, bz = _cells_nearby(gz, low[2], side[2], cells[2], reach)
        for cx in range(ax, bx if az < bz else ax):
            for cy in range(ay, by):
                row = (cx * cells[1] + cy) * cells[2]
                stop = row + bz
                while stop > row + az and (first[stop] == first[stop - 1] or ids[first[stop - 1]] >= rows[g]):
                    stop -= 1  # atoms of a cell ascend: none of these lists g
                for k in range(np.uint64(first[row + az]), np.uint64(first[stop])):  # cells along z are adjacent
                    dx, dy, dz = sorted_x[k, 0] - gx, sorted_x[k, 1] - gy, sorted_x[k, 2] - gz
                    i, square = ids[k], dx * dx + dy * dy + dz * dz
                    pairs.row[min(total, room)] = i
                    total += np.uint64((square < limit) & (i < rows[g]) & (i != g))
        pairs.end[g] = total
    for k in range(min(total, room)):
        pairs.counts[pairs.row[k]] += 1
    return int(pairs.end[len(x) - 1])


@compile_kernel
def list_pairs(
    x: Array, rows: Int32Array, reach: float, grid: CellGrid, sorted_atoms: SortedAtoms, pairs: FoundPairs,
    near: Int32Array,
) -> int:  # fmt: skip
    """Find the neighbours of each real atom, or, where `near` has room, put those that were found there in ascending
    order; return how many they are.

    Each atom or ghost is listed by atoms below its number in `rows` (N,) alone.  The first call counts the neighbours
    of each atom; the second takes `pairs.counts` as where each row starts, and moves it to where it ends.
    """
    if near.size == 0:
        return _scan_cells(x, rows, reach, grid, sorted_atoms, pairs)
    k = 0
    for g in range(len(x)):  # ascending in the outer loop, so that each row comes out sorted
        while k < pairs.end[g]:
            i = pairs.row[k]
            near[pairs.counts[i]] = g
            pairs.counts[i] += 1
            k += 1
    return k


@compile_kernel
def has_moved(positions: Array, reference: Array, limit: float) -> bool:
    """Whether any atom is not within a distance, m, of where it was; one that is nowhere is not."""
    square = limit * limit
    for i in range(len(positions)):
        dx = positions[i, 0] - reference[i, 0]
        dy = positions[i, 1] - reference[i, 1]
        dz = positions[i, 2] - reference[i, 2]
        if not dx * dx + dy * dy + dz * dz <= square:
            return True
    return False


@compile_kernel
def find_crossing(start: IntArray, near: Int32Array, right: BoolArray) -> Int32Array:
    """Atoms with a neighbour on the other side."""
    found = np.empty(start.size - 1, np.int32)
    count = 0
    for i in range(start.size - 1):
        for k in range(start[i], start[i + 1]):
            if right[near[k]] != right[i]:
                found[count] = i
                count += 1
                break
    return found[:count].copy()


@compile_kernel
def gather_forces(g: Array, slot: Int32Array, total: Array) -> int:
    """Add forces (N, 3) by the row of each atom in `total`; return one that feels a force and has no row, or -1."""
    stray = -1
    for k in range(len(g)):
        if slot[k] >= 0:
            total[slot[k], 0] += g[k, 0]
            total[slot[k], 1] += g[k, 1]
            total[slot[k], 2] += g[k, 2]
        elif g[k, 0] != 0.0 or g[k, 1] != 0.0 or g[k, 2] != 0.0:
            stray = k
    return stray
