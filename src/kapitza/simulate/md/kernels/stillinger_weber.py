r"""Compiled potential of Stillinger and Weber.  Importing this module needs numba.

$$U_i = \tfrac12\sum_j φ_2(r_{ij}) + \sum_{j<k} ε_{ijk}\,(\cos θ_{jik} - c_{ijk})^2\, η_{ij} η_{ik},\quad
φ_2 = A\,[B (σ/r)^p - (σ/r)^q]\, e^{σ/(r - aσ)},\quad η = e^{γσ/(r - aσ)}$$

F. H. Stillinger and T. A. Weber, Phys. Rev. B 31, 5262 (1985), doi:10.1103/PhysRevB.31.5262.  Parameters of a pair of
kinds, (s, s, 7): A (J), B, p, q, σ (m), aσ (m), γ; of a centre and two neighbours, (s, s, s, 2): ε_ijk (J) and c_ijk.
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

_Workspace = tuple[Int32Array, Array, Array]

_MAX_EXPONENT = 60.0  # e⁻⁶⁰ and what it multiplies is far below rounding, and the pole at the cutoff is never met
_UNIT_X, _UNIT_Y, _UNIT_Z, _INVERSE_LENGTH, _ETA_SLOPE, _ETA_VALUE, _NEIGHBOUR_KIND = range(7)  # columns of `near_by`


@compile_inner
def _fast_power(s: float, p: float) -> float:
    if p == 4.0:
        return s * s * s * s
    if p == 0.0:
        return 1.0
    return s**p


@compile_inner
def _pair_energy_and_slope(r: float, row: Array) -> tuple[float, float]:
    """Energy of a pair, J, and its derivative, N."""
    s = row[4] / r
    gap = 1.0 / (r - row[5])
    strong, weak = row[1] * _fast_power(s, row[2]), _fast_power(s, row[3])
    scale = row[0] * np.exp(row[4] * gap)
    slope = (row[3] * weak - row[2] * strong) / r - (strong - weak) * row[4] * gap * gap
    return scale * (strong - weak), scale * slope


@compile_inner
def _squared_reach(two: Array) -> Array:
    """(s, s) square of the distance from where on two kinds feel nothing of each other, m²."""
    kinds = two.shape[0]
    result = np.empty((kinds, kinds))
    for a in range(kinds):
        for b in range(kinds):
            row = two[a, b]
            result[a, b] = max(row[5] - row[4] * min(1.0, row[6]) / _MAX_EXPONENT, 0.0) ** 2
    return result


@compile_inner
def _pair_workspace(start: IntArray) -> tuple[Int32Array, Array, Array]:
    """Room for the neighbours of one atom: which, `near_by`, pulls."""
    size = max_neighbours(start)
    return np.empty(size, np.int32), np.empty((size, 8)), np.empty((size, 3))


@inline_kernel
def _collect_pairs(
    x: Array, species: Int32Array, i: int, around: Int32Array, two: Array, squares: Array, work: _Workspace
) -> tuple[int, float]:
    """Collect the neighbours of an atom that it feels, with half of the pair terms; return their number and energy."""
    who, near_by, pull = work
    energy, m, a = 0.0, np.int64(0), species[i]  # of one type from the start: it is handed on
    for j in around:
        dx, dy, dz = x[j, 0] - x[i, 0], x[j, 1] - x[i, 1], x[j, 2] - x[i, 2]
        square = dx * dx + dy * dy + dz * dz
        b = species[j]
        if square < squares[a, b]:
            r = np.sqrt(square)
            row = two[a, b]
            value, slope = _pair_energy_and_slope(r, row)
            energy += 0.5 * value  # full list: the other half belongs to atom j
            inverse, gap = 1.0 / r, 1.0 / (r - row[5])
            near = near_by[m]
            near[_UNIT_X], near[_UNIT_Y], near[_UNIT_Z] = dx * inverse, dy * inverse, dz * inverse
            near[_INVERSE_LENGTH], near[_ETA_SLOPE] = inverse, -row[6] * row[4] * gap * gap
            near[_ETA_VALUE], near[_NEIGHBOUR_KIND] = np.exp(row[6] * row[4] * gap), b
            pull[m, 0], pull[m, 1] = -0.5 * slope * near[_UNIT_X], -0.5 * slope * near[_UNIT_Y]
            pull[m, 2] = -0.5 * slope * near[_UNIT_Z]
            who[m] = j
            m += 1
    return int(m), energy


@compile_inner
def _add_angles(m: int, of_centre: Array, near_by: Array, pull: Array) -> float:
    """Energy of the angles at an atom; the forces that they put on its neighbours are added to `pull`."""
    energy = 0.0
    for p in range(m):
        one = near_by[p]
        for q in range(p + 1, m):  # symmetric in j and k: each angle once
            other = near_by[q]
            cosine = one[_UNIT_X] * other[_UNIT_X] + one[_UNIT_Y] * other[_UNIT_Y] + one[_UNIT_Z] * other[_UNIT_Z]
            row = of_centre[int(one[_NEIGHBOUR_KIND]), int(other[_NEIGHBOUR_KIND])]
            off = cosine - row[1]
            bend = row[0] * off * one[_ETA_VALUE] * other[_ETA_VALUE]
            value = bend * off
            energy += value
            bend *= 2.0
            along_one = bend * cosine * one[_INVERSE_LENGTH] - value * one[_ETA_SLOPE]
            along_other = bend * cosine * other[_INVERSE_LENGTH] - value * other[_ETA_SLOPE]
            across_one, across_other = bend * one[_INVERSE_LENGTH], bend * other[_INVERSE_LENGTH]
            for c in range(3):
                pull[p, c] += along_one * one[c] - across_one * other[c]
                pull[q, c] += along_other * other[c] - across_other * one[c]
    return energy


@compile_kernel
def stillinger_weber_forces(
    x: Array, species: Int32Array, start: IntArray, near: Int32Array, parameters: tuple[Array, Array], f: Array
) -> float:
    """Energy of all atoms, J; the forces on the atoms and the copies around the box are added to f (N, 3) N."""
    two, three = parameters
    squares, work, total = _squared_reach(two), _pair_workspace(start), 0.0
    for i in range(start.size - 1):
        m, energy = _collect_pairs(x, species, i, near[start[i] : start[i + 1]], two, squares, work)
        total += energy + _add_angles(m, three[species[i]], work[1], work[2])
        spread_pulls(i, m, work[0], work[2], f)
    return total


@compile_kernel
def stillinger_weber_partial(
    x: Array, species: Int32Array, start: IntArray, near: Int32Array,
    rows: Int32Array, right: BoolArray, parameters: tuple[Array, Array], g: Array,
) -> None:  # fmt: skip
    """Add -∂U_i/∂r_j of each atom i of `rows` to g[j], (N, 3) N, for all j on the other side."""
    two, three = parameters
    squares, work = _squared_reach(two), _pair_workspace(start)
    for i in rows:
        m, _ = _collect_pairs(x, species, i, near[start[i] : start[i + 1]], two, squares, work)
        _add_angles(m, three[species[i]], work[1], work[2])
        spread_across(i, m, work[0], work[2], right, g)
