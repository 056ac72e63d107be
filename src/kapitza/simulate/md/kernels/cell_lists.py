"""Compiled neighbour lists, of whole systems and near a plane.  Importing this module needs numba.

Two atoms meet in the same order whenever a list is built: ghosts are numbered by owner and image, and the neighbours
of each atom ascend.  So sums of forces do not depend, to the last bit, on when a list was built.
"""

import numpy as np

from kapitza.core.arrays import Array, BoolArray, Int32Array, IntArray
from kapitza.simulate.md.kernels.compiler import compile_inner, compile_kernel


@compile_inner
def _copy_along_axis(
    fractional: Array, owner: Int32Array, image: Int32Array, a: int, first: float, last: float
) -> tuple[Int32Array, Int32Array]:
    """Atoms and ghosts, followed by their copies along one axis from one fractional coordinate to another."""
    before = len(owner)
    total = before
    for i in range(before):
        s = fractional[owner[i], a]
        total += int(np.floor(last - s)) - int(np.ceil(first - s))  # one less, since 0 is no copy
    whose, which, k = np.empty(total, dtype=np.int32), np.empty((total, 3), dtype=np.int32), before
    for i in range(before):  # element by element: whole rows take seconds to compile
        whose[i] = owner[i]
        for c in range(3):
            which[i, c] = image[i, c]
    for i in range(before):
        s = fractional[owner[i], a]
        for m in range(int(np.ceil(first - s)), int(np.floor(last - s)) + 1):
            if m != 0:
                whose[k] = owner[i]
                for c in range(3):
                    which[k, c] = m if c == a else image[i, c]
                k += 1
    return whose, which


@compile_kernel
def find_ghosts(fractional: Array, margin: Array, low: Array, high: Array) -> tuple[Int32Array, Int32Array]:
    """Owners (N,) and images (N, 3) of real atoms, which come first, and of all copies within a margin (3,) of them.
    All in fractions of the box; the margin is 0 along an axis that does not repeat.
    """
    owner = np.empty(len(fractional), dtype=np.int32)
    image = np.zeros((len(fractional), 3), dtype=np.int32)
    for i in range(len(fractional)):
        owner[i] = i
    for a in range(3):
        if margin[a] > 0:
            owner, image = _copy_along_axis(fractional, owner, image, a, low[a] - margin[a], high[a] + margin[a])
    return owner, image


@compile_kernel
def place_ghosts(positions: Array, owner: Int32Array, shift: Array, x: Array) -> None:
    """Positions (N, 3) of atoms and ghosts, from those of the atoms (n, 3)."""
    for g in range(len(owner)):
        i = owner[g]
        x[g, 0] = positions[i, 0] + shift[g, 0]
        x[g, 1] = positions[i, 1] + shift[g, 1]
        x[g, 2] = positions[i, 2] + shift[g, 2]


@compile_inner
def _bin_atoms(x: Array, n: int, low: Array, side: Array, cells: IntArray) -> tuple[IntArray, Int32Array, Array]:
    """Real atoms sorted into cells: first atom of each, numbers of the atoms, and their positions side by side."""
    first = np.zeros(cells[0] * cells[1] * cells[2] + 1, dtype=np.int64)
    cell = np.empty(n, dtype=np.int64)
    for i in range(n):
        c = 0
        for a in range(3):
            c = c * cells[a] + min(max(int((x[i, a] - low[a]) / side[a]), 0), cells[a] - 1)
        cell[i] = c
        first[c + 1] += 1
    for c in range(first.size - 1):
        first[c + 1] += first[c]
    place, ids, sorted_x = first[:-1].copy(), np.empty(n, dtype=np.int32), np.empty((n, 3))
    for i in range(n):
        k = place[cell[i]]
        place[cell[i]] += 1
        ids[k] = i
        for a in range(3):
            sorted_x[k, a] = x[i, a]
    return first, ids, sorted_x


@compile_inner
def _belongs_to_row(i: int, g: int, owner: Int32Array, image: Int32Array, half: bool) -> bool:
    """Whether a list has the neighbour g in the row of atom i."""
    if not half:
        return g != i
    if owner[g] != i:
        return owner[g] > i  # (i, copy of j) and (j, copy of i) differ by a box vector: one counts
    for a in range(3):
        if image[g, a] != image[i, a]:
            return image[g, a] > image[i, a]  # copies at +m and -m of one atom are the same pair
    return False


@compile_kernel
def build_list(
    x: Array,
    owner: Int32Array,
    image: Int32Array,
    sizes: tuple[int, float, bool],
    cells: IntArray,
    low: Array,
    side: Array,
) -> tuple[IntArray, Int32Array]:
    """Neighbours of each real atom: where each row starts (n + 1,), and who they are, in ascending order."""
    n, reach, half = sizes
    first, ids, sorted_x = _bin_atoms(x, n, low, side, cells)
    span = np.empty(3, dtype=np.int64)
    for a in range(3):
        span[a] = int(np.ceil(reach / side[a]))
    start, near = np.zeros(n + 1, dtype=np.int64), np.empty(0, dtype=np.int32)
    cursor, limit = np.zeros(n, dtype=np.int64), reach * reach
    a, b = np.empty(3, dtype=np.int64), np.empty(3, dtype=np.int64)
    for fill in range(2):  # counted first, then filled: no guess of how many neighbours an atom may have
        for g in range(len(x)):  # ascending in the outer loop, so that each row comes out sorted
            gx, gy, gz = x[g, 0], x[g, 1], x[g, 2]
            for d in range(3):
                at = int(np.floor((x[g, d] - low[d]) / side[d]))
                a[d], b[d] = min(max(at - span[d], 0), cells[d]), min(max(at + span[d] + 1, 0), cells[d])
            if a[2] >= b[2]:
                continue
            for cx in range(a[0], b[0]):
                for cy in range(a[1], b[1]):
                    row = (cx * cells[1] + cy) * cells[2]
                    for k in range(first[row + a[2]], first[row + b[2]]):  # cells along z are adjacent
                        dx, dy, dz = sorted_x[k, 0] - gx, sorted_x[k, 1] - gy, sorted_x[k, 2] - gz
                        if dx * dx + dy * dy + dz * dz < limit and _belongs_to_row(ids[k], g, owner, image, half):
                            i = ids[k]
                            if fill == 1:
                                near[cursor[i]] = g
                            cursor[i] += 1
        if fill == 0:
            for i in range(n):
                start[i + 1] = start[i] + cursor[i]
                cursor[i] = start[i]
            near = np.empty(start[n], dtype=np.int32)
    return start, near


@compile_kernel
def find_close_pair(x: Array, species: Int32Array, start: IntArray, near: Int32Array, bound: Array) -> tuple[int, int]:
    """First two neighbours nearer to each other than the bound (s, s) m of their kinds; -1, -1 where there are none."""
    for i in range(start.size - 1):
        for k in range(start[i], start[i + 1]):
            j = near[k]
            limit = bound[species[i], species[j]]
            if (x[i, 0] - x[j, 0]) ** 2 + (x[i, 1] - x[j, 1]) ** 2 + (x[i, 2] - x[j, 2]) ** 2 < limit * limit:
                return i, j
    return -1, -1


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
