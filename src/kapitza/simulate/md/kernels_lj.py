r"""Compiled Lennard-Jones potential with three ways to end it.  Importing this module needs numba.

$$U = 4ε\,[(σ/r)^{12} - (σ/r)^6] - U_c - (r - r_c)\,U'_c - \tfrac12 (r - r_c)^2\, U''_c$$

below the cutoff $r_c$; kind 0 ("truncated") leaves out all corrections, kind 1 ("smooth") the last one, kind 2
("quadratic") none, so that energy, force and stiffness end at zero.  Half of a pair's energy is on each atom.
"""

import numpy as np

from kapitza.core.arrays import Array
from kapitza.simulate.md.compiling import Flags, Indices, Starts, compiled

SQUARE, SIXTH, STRONG, ENERGY, SLOPE, STIFFNESS, CUTOFF = range(7)  # columns of `ready`


@compiled
def ready(parameters: tuple[Array, Array, Array, Array]) -> Array:
    """(s, s, 7) of two kinds: square of the cutoff, σ⁶, 24 ε; energy, slope and stiffness at the cutoff; cutoff."""
    epsilon, sigma, cutoff, kind = parameters
    table = np.zeros((*epsilon.shape, 7))
    for a in range(len(epsilon)):
        for b in range(len(epsilon)):
            c, six = cutoff[a, b], (sigma[a, b] / cutoff[a, b]) ** 6
            row, strong = table[a, b], 24 * epsilon[a, b]
            row[SQUARE], row[SIXTH], row[STRONG], row[CUTOFF] = c * c, sigma[a, b] ** 6, strong, c
            if kind[0] > 0:
                row[ENERGY], row[SLOPE] = strong * six * (six - 1) / 6, -strong * six * (2 * six - 1) / c
            if kind[0] > 1:
                row[STIFFNESS] = strong * six * (26 * six - 7) / (c * c)
    return table


@compiled
def pair(square: float, row: Array, ended: bool) -> tuple[float, float]:
    """Energy of a pair at the square of its distance, J, and force over distance, N m⁻¹."""
    inverse = 1.0 / square
    six = row[SIXTH] * inverse * inverse * inverse
    strong = row[STRONG] * six
    energy, force = strong * (six - 1.0) * (1 / 6), strong * (2.0 * six - 1.0) * inverse
    if ended:
        r = np.sqrt(square)
        past = r - row[CUTOFF]
        energy -= row[ENERGY] + past * (row[SLOPE] + 0.5 * past * row[STIFFNESS])
        force += (row[SLOPE] + past * row[STIFFNESS]) * r * inverse
    return energy, force


@compiled
def forces(
    x: Array, species: Indices, start: Starts, near: Indices, parameters: tuple[Array, Array, Array, Array], f: Array
) -> float:
    """Add the forces on atoms and ghosts (N, 3) N, and return the energy, J; each pair is listed once."""
    table, ended, energy = ready(parameters), parameters[3][0] > 0, 0.0
    for i in range(len(start) - 1):
        px, py, pz, mine = x[i, 0], x[i, 1], x[i, 2], table[species[i]]
        fx = fy = fz = 0.0
        for k in range(start[i], start[i + 1]):
            j = near[k]
            dx, dy, dz = px - x[j, 0], py - x[j, 1], pz - x[j, 2]
            square, row = dx * dx + dy * dy + dz * dz, mine[species[j]]
            if square < row[SQUARE]:
                e, force = pair(square, row, ended)
                energy += e
                gx, gy, gz = force * dx, force * dy, force * dz
                fx, fy, fz = fx + gx, fy + gy, fz + gz
                f[j, 0] -= gx
                f[j, 1] -= gy
                f[j, 2] -= gz
        f[i, 0] += fx
        f[i, 1] += fy
        f[i, 2] += fz
    return energy


@compiled
def sites(
    x: Array, species: Indices, start: Starts, near: Indices, parameters: tuple[Array, Array, Array, Array], e: Array
) -> None:
    """Add the energy of each site (N,) J; ghosts get their half, too, which belongs to their owners."""
    table, ended = ready(parameters), parameters[3][0] > 0
    for i in range(len(start) - 1):
        for k in range(start[i], start[i + 1]):
            j = near[k]
            dx, dy, dz = x[i, 0] - x[j, 0], x[i, 1] - x[j, 1], x[i, 2] - x[j, 2]
            square, row = dx * dx + dy * dy + dz * dz, table[species[i], species[j]]
            if square < row[SQUARE]:
                both = pair(square, row, ended)[0]
                e[i] += both / 2
                e[j] += both / 2


@compiled
def partial(
    x: Array, species: Indices, start: Starts, near: Indices,
    rows: Indices, right: Flags, parameters: tuple[Array, Array, Array, Array], g: Array,
) -> None:  # fmt: skip
    """Add -∂U_i/∂r_j of each two atoms on different sides to g[j], (N, 3) N: half of the force of their pair.

    `rows` must hold the atoms of both sides whose energy depends on the other side: each pair is listed in one row.
    """
    table, ended = ready(parameters), parameters[3][0] > 0
    for i in rows:
        for k in range(start[i], start[i + 1]):
            j = near[k]
            if right[i] == right[j]:
                continue
            dx, dy, dz = x[i, 0] - x[j, 0], x[i, 1] - x[j, 1], x[i, 2] - x[j, 2]
            square, row = dx * dx + dy * dy + dz * dz, table[species[i], species[j]]
            if square < row[SQUARE]:
                half = 0.5 * pair(square, row, ended)[1]
                for c, d in enumerate((dx, dy, dz)):
                    g[i, c] += half * d
                    g[j, c] -= half * d
