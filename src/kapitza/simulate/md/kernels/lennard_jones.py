r"""Compiled Lennard-Jones potential with three ways to end it.  Importing this module needs numba.

$$U = 4ε\,[(σ/r)^{12} - (σ/r)^6] - U_c - (r - r_c)\,U'_c - \tfrac12 (r - r_c)^2\, U''_c$$

below the cutoff $r_c$; kind 0 ("truncated") leaves out all corrections, kind 1 ("smooth") the last one, kind 2
("quadratic") none, so that energy, force and stiffness end at zero.  Half of a pair's energy is on each atom.
"""

import numpy as np

from kapitza.core.arrays import Array, BoolArray, Int32Array, IntArray
from kapitza.simulate.md.kernels.compiler import compile_inner, compile_kernel, max_neighbours

_Parameters = tuple[Array, Array, Array, Array]  # ε, σ and cutoff (s, s), kind (1,)

# columns of the table of pairs
_CUTOFF_SQUARED, _SIGMA_SIXTH, _EPSILON_24, _CUTOFF_ENERGY, _CUTOFF_SLOPE, _CUTOFF_STIFFNESS, _CUTOFF_RADIUS = range(7)


@compile_inner
def _tabulate_pairs(parameters: _Parameters) -> Array:
    """(s s, 7) of two kinds: square of the cutoff, σ⁶, 24 ε; energy, slope and stiffness at the cutoff; cutoff."""
    epsilon, sigma, cutoff, kind = parameters
    kinds = len(epsilon)
    table = np.empty((kinds * kinds, 7))
    for a in range(kinds):
        for b in range(kinds):
            c, six = cutoff[a, b], (sigma[a, b] / cutoff[a, b]) ** 6
            row, strong = table[a * kinds + b], 24 * epsilon[a, b]
            row[_CUTOFF_ENERGY] = row[_CUTOFF_SLOPE] = row[_CUTOFF_STIFFNESS] = 0.0
            row[_CUTOFF_SQUARED], row[_SIGMA_SIXTH] = c * c, sigma[a, b] ** 6
            row[_EPSILON_24], row[_CUTOFF_RADIUS] = strong, c
            if kind[0] > 0:
                row[_CUTOFF_ENERGY] = strong * six * (six - 1) / 6
                row[_CUTOFF_SLOPE] = -strong * six * (2 * six - 1) / c
            if kind[0] > 1:
                row[_CUTOFF_STIFFNESS] = strong * six * (26 * six - 7) / (c * c)
    return table


@compile_inner
def _kinds_differ(table: Array) -> bool:
    for a in range(len(table)):
        for c in range(7):
            if table[a, c] != table[0, c]:
                return True
    return False


@compile_inner
def _pair_term(
    square: float, sixth: float, strength: float, energy: float, slope: float, stiffness: float, cutoff: float,
    ended: bool,
) -> tuple[float, float]:  # fmt: skip
    """Energy of a pair at the square of its distance, J, and force over distance, N m⁻¹; the rest as in the table."""
    inverse = 1.0 / square
    six = sixth * inverse * inverse * inverse
    strong = strength * six
    value, force = strong * (six - 1.0) * (1 / 6), strong * (2.0 * six - 1.0) * inverse
    if ended:
        r = np.sqrt(square)
        past = r - cutoff
        value -= energy + past * (slope + 0.5 * past * stiffness)
        force += (slope + past * stiffness) * r * inverse
    return value, force


@compile_inner
def _pair_energy_and_force(square: float, row: Array, ended: bool) -> tuple[float, float]:
    return _pair_term(
        square, row[_SIGMA_SIXTH], row[_EPSILON_24], row[_CUTOFF_ENERGY], row[_CUTOFF_SLOPE], row[_CUTOFF_STIFFNESS],
        row[_CUTOFF_RADIUS], ended
    )  # fmt: skip


@compile_inner
def _collect_within_cutoff(
    x: Array, species: Int32Array, i: int, start: IntArray, near: Int32Array, table: Array, kinds: int,
    work: tuple[Int32Array, Array, Array],
) -> int:  # fmt: skip
    """Collect the neighbours of an atom below the cutoff, without a branch; return how many they are; `kinds` are those
    of the table, or 0 where all of its rows are equal.
    """
    who, away, numbers = work
    m, px, py, pz, mine = np.uint64(0), x[i, 0], x[i, 1], x[i, 2], species[i] * kinds
    limit = table[0, _CUTOFF_SQUARED]
    for k in range(np.uint64(start[i]), np.uint64(start[i + 1])):
        j = np.uint64(np.uint32(near[k]))  # unsigned: an index that needs no look at its sign
        dx, dy, dz = px - x[j, 0], py - x[j, 1], pz - x[j, 2]
        square = dx * dx + dy * dy + dz * dz
        who[m], away[0, m], away[1, m], away[2, m], away[3, m] = j, dx, dy, dz, square
        if kinds > 0:
            row = table[mine + species[j]]
            limit = row[_CUTOFF_SQUARED]
            for c in range(6):
                numbers[c, m] = row[c + 1]
        m += np.uint64(square < limit)  # a neighbour beyond the cutoff is overwritten by the next
    return int(m)


@compile_inner
def _evaluate_pairs(m: int, away: Array, numbers: Array, ended: bool) -> tuple[float, float, float, float]:
    """Turn the distances of the chosen neighbours into forces on the atom; return their energy and sum."""
    dx, dy, dz, square = away[0], away[1], away[2], away[3]
    sixth, strong, first, slope, stiffness, cutoff = (
        numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5],
    )  # fmt: skip
    energy = fx = fy = fz = 0.0
    for k in range(m):
        e, force = _pair_term(square[k], sixth[k], strong[k], first[k], slope[k], stiffness[k], cutoff[k], ended)
        energy += e
        dx[k] *= force
        dy[k] *= force
        dz[k] *= force
        fx += dx[k]
        fy += dy[k]
        fz += dz[k]
    return energy, fx, fy, fz


@compile_kernel
def lennard_jones_forces(
    x: Array, species: Int32Array, start: IntArray, near: Int32Array, parameters: _Parameters, f: Array
) -> float:
    """Add the forces on atoms and ghosts to f (N, 3) N, and return the energy, J; each pair is listed once.  Three
    passes over the neighbours of an atom: choose those below the cutoff, work on them in vector registers, hand out the
    forces.
    """
    table, ended, size, total = _tabulate_pairs(parameters), parameters[3][0] > 0, max_neighbours(start) + 1, 0.0
    who, away, numbers = np.empty(size, np.int32), np.empty((4, size)), np.empty((6, size))
    kinds, work = (len(parameters[0]) if _kinds_differ(table) else 0), (who, away, numbers)
    for c in range(6):
        for k in range(size):
            numbers[c, k] = table[0, c + 1]
    for i in range(start.size - 1):
        m = _collect_within_cutoff(x, species, i, start, near, table, kinds, work)
        energy, fx, fy, fz = _evaluate_pairs(m, away, numbers, ended)
        total += energy
        for k in range(m):
            j = np.uint64(np.uint32(who[k]))
            f[j, 0] -= away[0, k]
            f[j, 1] -= away[1, k]
            f[j, 2] -= away[2, k]
        f[i, 0] += fx
        f[i, 1] += fy
        f[i, 2] += fz
    return total


@compile_kernel
def lennard_jones_partial(
    x: Array, species: Int32Array, start: IntArray, near: Int32Array,
    rows: Int32Array, right: BoolArray, parameters: _Parameters, g: Array,
) -> None:  # fmt: skip
    """Add -∂U_i/∂r_j of each two atoms on different sides to g[j], (N, 3) N: half of the force of their pair. `rows`
    must hold the atoms of both sides whose energy depends on the other side: each pair is listed in one row.
    """
    table, ended, kinds = _tabulate_pairs(parameters), parameters[3][0] > 0, len(parameters[0])
    for i in rows:
        for k in range(start[i], start[i + 1]):
            j = near[k]
            if right[i] == right[j]:
                continue
            dx, dy, dz = x[i, 0] - x[j, 0], x[i, 1] - x[j, 1], x[i, 2] - x[j, 2]
            square, row = dx * dx + dy * dy + dz * dz, table[species[i] * kinds + species[j]]
            if square < row[_CUTOFF_SQUARED]:
                half = 0.5 * _pair_energy_and_force(square, row, ended)[1]  # U_i holds half of the pair
                for c, d in enumerate((dx, dy, dz)):
                    g[i, c] += half * d
                    g[j, c] -= half * d
