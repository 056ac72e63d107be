r"""Compiled potential of Tersoff.  Importing this module needs numba.

$$U_i = \tfrac12\sum_j f(r_{ij})\,[A e^{-λ r_{ij}} - b_{ij} B e^{-μ r_{ij}}],\quad
b_{ij} = [1 + (β ζ_{ij})^n]^{-1/2n},$$
$$ζ_{ij} = \sum_{k≠j} f(r_{ik})\,γ\Big[1 + \frac{c^2}{d^2} - \frac{c^2}{d^2 + (h - \cos θ_{jik})^2}\Big]
e^{[α(r_{ij} - r_{ik})]^m}$$

f falls as a cosine from 1 at R to 0 at S.  J. Tersoff, Phys. Rev. B 39, 5566 (1989), doi:10.1103/PhysRevB.39.5566.
Parameters of a pair of kinds, (s, s, 8): A (J), λ (m⁻¹), B (J), μ (m⁻¹), β, n, R (m), S (m); of a centre i, the end j
of its bond and the other neighbour k, (s, s, s, 6): γ, c, d, h, α (m⁻¹), m.
"""

import numpy as np

from kapitza.core.arrays import Array, BoolArray, Int32Array, IntArray
from kapitza.simulate.md.kernels.compiler import (
    compile_inner,
    compile_kernel,
    inline_kernel,
    max_neighbours,
    spread_across,
    spread_pulls,
)

_Workspace = tuple[Int32Array, Array, Array, Array, Array]

# columns of `near_by`
_UNIT_X, _UNIT_Y, _UNIT_Z, _BOND_LENGTH, _INVERSE_LENGTH, _CUTOFF_VALUE, _CUTOFF_SLOPE, _NEIGHBOUR_KIND = range(8)
_ZETA_TERM, _BY_COSINE, _BY_LENGTH, _ANGLE_COSINE = range(4)  # columns of `turns`, (bond, other neighbour, 4)
_ORDER_VALUE, _BY_ZETA, _REPULSIVE_ENERGY, _ATTRACTIVE_ENERGY = range(4)  # columns of `orders`; ORDER holds ζ at first


@compile_inner
def _cutoff_function(r: float, inner: float, outer: float) -> tuple[float, float]:
    """Cutoff function and its derivative, m⁻¹."""
    if r < inner:
        return 1.0, 0.0
    rate = np.pi / (outer - inner)
    phase = rate * (r - inner)
    return 0.5 + 0.5 * np.cos(phase), -0.5 * rate * np.sin(phase)


@compile_inner
def _collect_neighbours(
    x: Array, species: Int32Array, i: int, around: Int32Array, two: Array, who: Int32Array, near_by: Array, pull: Array
) -> int:
    """Collect the neighbours of an atom within reach; return their number."""
    m, a = 0, species[i]
    for j in around:
        dx, dy, dz = x[j, 0] - x[i, 0], x[j, 1] - x[i, 1], x[j, 2] - x[i, 2]
        square = dx * dx + dy * dy + dz * dz
        b = species[j]
        inner, outer = float(two[a, b, 6]), float(two[a, b, 7])
        if square < outer * outer:
            r = np.sqrt(square)
            inverse = 1.0 / r
            near = near_by[m]
            near[_UNIT_X], near[_UNIT_Y], near[_UNIT_Z] = dx * inverse, dy * inverse, dz * inverse
            near[_BOND_LENGTH], near[_INVERSE_LENGTH], near[_NEIGHBOUR_KIND] = r, inverse, b
            near[_CUTOFF_VALUE], near[_CUTOFF_SLOPE] = _cutoff_function(r, inner, outer)
            pull[m, 0] = pull[m, 1] = pull[m, 2] = 0.0
            who[m] = j
            m += 1
    return m


@compile_inner
def _bond_zeta(j: int, m: int, of_bond: Array, near_by: Array, turns: Array) -> float:
    """Return ζ of the bond to neighbour j; the terms of the other neighbours and their derivatives go to `turns`."""
    zeta, bond = 0.0, near_by[j]
    for k in range(m):
        if k != j:
            other, turn, row = near_by[k], turns[k], of_bond[int(near_by[k, _NEIGHBOUR_KIND])]
            cosine = bond[_UNIT_X] * other[_UNIT_X] + bond[_UNIT_Y] * other[_UNIT_Y] + bond[_UNIT_Z] * other[_UNIT_Z]
            gap, c2, d2 = row[3] - cosine, row[1] * row[1], row[2] * row[2]
            share = c2 / (d2 + gap * gap)
            scale, lean = row[0], 0.0
            if row[4] != 0.0:
                stretch = row[4] * (bond[_BOND_LENGTH] - other[_BOND_LENGTH])
                exponent = stretch ** int(row[5])  # integer power: a real one of a negative stretch is NaN
                scale *= np.exp(exponent)
                lean = row[5] * row[4] * stretch ** (int(row[5]) - 1)
            turn[_ZETA_TERM] = scale * (1.0 + c2 / d2 - share)
            turn[_BY_COSINE] = -2.0 * scale * other[_CUTOFF_VALUE] * gap * share / (d2 + gap * gap)
            turn[_BY_LENGTH] = lean
            turn[_ANGLE_COSINE] = cosine
            zeta += other[_CUTOFF_VALUE] * turn[_ZETA_TERM]
    return zeta


@compile_inner
def _bond_order(zeta: float, beta: float, n: float) -> tuple[float, float]:
    if zeta <= 0.0:  # a lone bond; ζ^(n - 1) in db/dζ diverges for n < 1
        return 1.0, 0.0
    t = np.exp(n * np.log(beta * zeta))
    b = np.exp(-0.5 / n * np.log(1.0 + t))
    return b, -0.5 * b * t / (zeta * (1.0 + t))


@compile_inner
def _spread_forces(j: int, m: int, weight: float, near_by: Array, turns: Array, pull: Array) -> float:
    """Add the forces of a change of ζ, weighted, to the other neighbours; return dζ/dr of the bond itself."""
    bond = near_by[j]
    along = 0.0
    bx, by, bz, reverse = bond[_UNIT_X], bond[_UNIT_Y], bond[_UNIT_Z], bond[_INVERSE_LENGTH]
    px = py = pz = 0.0
    for k in range(m):
        if k != j:
            other, turn = near_by[k], turns[k]
            cosine, by_cosine, inverse = turn[_ANGLE_COSINE], weight * turn[_BY_COSINE], other[_INVERSE_LENGTH]
            lean = other[_CUTOFF_VALUE] * turn[_ZETA_TERM] * turn[_BY_LENGTH]
            along += lean
            across, back = by_cosine * inverse, by_cosine * reverse
            radial = weight * (other[_CUTOFF_SLOPE] * turn[_ZETA_TERM] - lean) - across * cosine
            ox, oy, oz = other[_UNIT_X], other[_UNIT_Y], other[_UNIT_Z]
            pull[k, 0] -= radial * ox + across * bx
            pull[k, 1] -= radial * oy + across * by
            pull[k, 2] -= radial * oz + across * bz
            px += back * (ox - cosine * bx)
            py += back * (oy - cosine * by)
            pz += back * (oz - cosine * bz)
    pull[j, 0] -= px
    pull[j, 1] -= py
    pull[j, 2] -= pz
    return along


@compile_inner
def _add_bonds(m: int, two: Array, three: Array, near_by: Array, turns: Array, orders: Array, pull: Array) -> float:
    """Energy of an atom's halves of its bonds; the forces that they put on its neighbours are added to `pull`."""
    energy = 0.0
    for j in range(m):  # three loops: powers of several bonds are then worked out at the same time
        order, kind, r = orders[j], int(near_by[j, _NEIGHBOUR_KIND]), near_by[j, _BOND_LENGTH]
        order[_ORDER_VALUE] = _bond_zeta(j, m, three[kind], near_by, turns[j])
        order[_REPULSIVE_ENERGY] = 0.5 * two[kind, 0] * np.exp(-two[kind, 1] * r)
        order[_ATTRACTIVE_ENERGY] = 0.5 * two[kind, 2] * np.exp(-two[kind, 3] * r)
    for j in range(m):
        kind = int(near_by[j, _NEIGHBOUR_KIND])
        orders[j, _ORDER_VALUE], orders[j, _BY_ZETA] = _bond_order(orders[j, _ORDER_VALUE], two[kind, 4], two[kind, 5])
    for j in range(m):
        bond, row, order = near_by[j], two[int(near_by[j, _NEIGHBOUR_KIND])], orders[j]
        repel, attract = order[_REPULSIVE_ENERGY], order[_ATTRACTIVE_ENERGY]
        value = repel - order[_ORDER_VALUE] * attract
        energy += bond[_CUTOFF_VALUE] * value
        weight = -bond[_CUTOFF_VALUE] * attract * order[_BY_ZETA]  # ∂U_i/∂ζ: ζ enters by b alone
        along = _spread_forces(j, m, weight, near_by, turns[j], pull)
        slope = (
            bond[_CUTOFF_SLOPE] * value
            - bond[_CUTOFF_VALUE] * (row[1] * repel - row[3] * order[_ORDER_VALUE] * attract)
            + weight * along
        )
        pull[j, 0] -= slope * bond[_UNIT_X]
        pull[j, 1] -= slope * bond[_UNIT_Y]
        pull[j, 2] -= slope * bond[_UNIT_Z]
    return energy


@compile_inner
def _bond_workspace(start: IntArray) -> _Workspace:
    """Room for the neighbours of one atom: which, `near_by`, pulls, `turns`, `orders`."""
    size = max_neighbours(start)
    who, near_by, pull = np.empty(size, np.int32), np.empty((size, 8)), np.empty((size, 3))
    return who, near_by, pull, np.empty((size, size, 4)), np.empty((size, 4))


@inline_kernel
def _add_site(
    x: Array, species: Int32Array, i: int, around: Int32Array, parameters: tuple[Array, Array], work: _Workspace
) -> tuple[int, float]:
    """Number of neighbours within reach of an atom, and its energy, J; the pulls on them go to the workspace."""
    two, three = parameters
    who, near_by, pull, turns, orders = work
    m = _collect_neighbours(x, species, i, around, two, who, near_by, pull)
    return m, _add_bonds(m, two[species[i]], three[species[i]], near_by, turns, orders, pull)


@compile_kernel
def tersoff_forces(
    x: Array, species: Int32Array, start: IntArray, near: Int32Array, parameters: tuple[Array, Array], f: Array
) -> float:
    """Energy of all atoms, J; the forces on the atoms and the copies around the box are added to f (N, 3) N."""
    work, total = _bond_workspace(start), 0.0
    for i in range(start.size - 1):
        m, energy = _add_site(x, species, i, near[start[i] : start[i + 1]], parameters, work)
        total += energy
        spread_pulls(i, m, work[0], work[2], f)
    return total


@compile_kernel
def tersoff_partial(
    x: Array, species: Int32Array, start: IntArray, near: Int32Array,
    rows: Int32Array, right: BoolArray, parameters: tuple[Array, Array], g: Array,
) -> None:  # fmt: skip
    """Add -∂U_i/∂r_j of each atom i of `rows` to g[j], (N, 3) N, for all j on the other side."""
    work = _bond_workspace(start)
    for i in rows:
        m = _add_site(x, species, i, near[start[i] : start[i + 1]], parameters, work)[0]
        spread_across(i, m, work[0], work[2], right, g)
