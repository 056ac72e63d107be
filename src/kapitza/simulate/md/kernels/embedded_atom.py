r"""Compiled embedded-atom method from tables.  Importing this module needs numba.

$$U_i = F_i(ρ_i) + \tfrac12\sum_j φ_{ij}(r_{ij}),\qquad ρ_i = \sum_j f_{ji}(r_{ij})$$

M. S. Daw and M. I. Baskes, Phys. Rev. B 29, 6443 (1984), doi:10.1103/PhysRevB.29.6443.  Parameters are coefficients of
cubics from each point of a table to the next: embedding energies (s, nρ, 4) J, densities (s, s, nr, 4) of an atom at
the site of another, pair energies times distance (s, s, nr, 4) J m; steps of the densities and of the distances (m),
and the cutoff (m).
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

_Parameters = tuple[Array, Array, Array, Array]
_Workspace = tuple[Int32Array, Array, Array]

_UNIT_X, _UNIT_Y, _UNIT_Z, _DENSITY_SLOPE, _PAIR_SLOPE = range(5)  # columns of `near_by`


@inline_kernel
def _cubic(row: Array, p: float) -> float:
    return ((row[3] * p + row[2]) * p + row[1]) * p + row[0]


@inline_kernel
def _cubic_slope(row: Array, p: float) -> float:
    return (3.0 * row[3] * p + 2.0 * row[2]) * p + row[1]


@compile_inner
def _neighbour_workspace(start: IntArray) -> tuple[Int32Array, Array, Array]:
    """Room for the neighbours of one atom: which, `near_by`, pulls."""
    size = max_neighbours(start) + 1
    return np.empty(size, np.int32), np.empty((size, 5)), np.empty((size, 3))


@compile_inner
def _add_site(
    x: Array, species: Int32Array, i: int, around: Int32Array, parameters: _Parameters, work: _Workspace
) -> tuple[int, float]:
    """Number of neighbours within reach of an atom, and its energy, J; the pulls on them go to the workspace."""
    embedding, density, pair, steps = parameters
    who, near_by, pull = work
    inverse_step, limit = 1.0 / steps[1], steps[2] * steps[2]
    rho, energy, m, a, last = 0.0, 0.0, 0, species[i], pair.shape[2] - 1
    for j in around:
        dx, dy, dz = x[j, 0] - x[i, 0], x[j, 1] - x[i, 1], x[j, 2] - x[i, 2]
        square = dx * dx + dy * dy + dz * dz
        if square < limit:
            r = np.sqrt(square)
            inverse, at = 1.0 / r, r * inverse_step
            k = min(int(at), last)
            p, b, near = at - k, species[j], near_by[m]
            phi = _cubic(pair[a, b, k], p) * inverse
            energy += 0.5 * phi  # full list: the other half belongs to atom j
            rho += _cubic(density[b, a, k], p)
            near[_UNIT_X], near[_UNIT_Y], near[_UNIT_Z] = dx * inverse, dy * inverse, dz * inverse
            near[_DENSITY_SLOPE] = _cubic_slope(density[b, a, k], p) * inverse_step
            near[_PAIR_SLOPE] = 0.5 * (_cubic_slope(pair[a, b, k], p) * inverse_step - phi) * inverse
            who[m] = j
            m += 1
    at = rho / steps[0]
    k = min(int(max(at, 0.0)), embedding.shape[1] - 1)
    energy += _cubic(embedding[a, k], at - k)
    force = _cubic_slope(embedding[a, k], at - k) / steps[0]
    for n in range(m):
        slope = near_by[n, _PAIR_SLOPE] + force * near_by[n, _DENSITY_SLOPE]
        for c in range(3):
            pull[n, c] = -slope * near_by[n, c]
    return m, energy


@compile_kernel
def embedded_atom_forces(
    x: Array, species: Int32Array, start: IntArray, near: Int32Array, parameters: _Parameters, f: Array
) -> float:
    """Energy of all atoms, J; the forces on the atoms and the copies around the box are added to f (N, 3) N."""
    work, total = _neighbour_workspace(start), 0.0
    for i in range(start.size - 1):
        m, energy = _add_site(x, species, i, near[start[i] : start[i + 1]], parameters, work)
        total += energy
        spread_pulls(i, m, work[0], work[2], f)
    return total


@compile_kernel
def embedded_atom_partial(
    x: Array, species: Int32Array, start: IntArray, near: Int32Array,
    rows: Int32Array, right: BoolArray, parameters: _Parameters, g: Array,
) -> None:  # fmt: skip
    """Add -∂U_i/∂r_j of each atom i of `rows` to g[j], (N, 3) N, for all j on the other side."""
    work = _neighbour_workspace(start)
    for i in rows:
        m = _add_site(x, species, i, near[start[i] : start[i + 1]], parameters, work)[0]
        spread_across(i, m, work[0], work[2], right, g)
