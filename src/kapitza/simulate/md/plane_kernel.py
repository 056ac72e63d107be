"""Compiled parts of the power through a plane that are the same for all potentials.  Importing this needs numba."""

import numpy as np

from kapitza.core.arrays import Array
from kapitza.simulate.md.compiling import Flags, Indices, Starts, compiled
from kapitza.simulate.md.neighbours_kernel import extend

__all__ = ["crossing", "extend", "gathered", "moved"]


@compiled
def moved(positions: Array, reference: Array, limit: float) -> bool:
    """Whether any atom is not within a distance, m, of where it was; one that is nowhere is not."""
    square = limit * limit
    for i in range(len(positions)):
        dx = positions[i, 0] - reference[i, 0]
        dy = positions[i, 1] - reference[i, 1]
        dz = positions[i, 2] - reference[i, 2]
        if not dx * dx + dy * dy + dz * dz <= square:
            return True
    return False


@compiled
def crossing(start: Starts, near: Indices, right: Flags) -> Indices:
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


@compiled
def gathered(g: Array, slot: Indices, total: Array) -> int:
    """Add up the forces on atoms and copies, (N, 3), by the row of each in `total`; return one that feels and has none.

    Returns -1 where all that feel a force have a row.
    """
    stray = -1
    for k in range(len(g)):
        if slot[k] >= 0:
            total[slot[k], 0] += g[k, 0]
            total[slot[k], 1] += g[k, 1]
            total[slot[k], 2] += g[k, 2]
        elif g[k, 0] != 0.0 or g[k, 1] != 0.0 or g[k, 2] != 0.0:
            stray = k
    return stray
