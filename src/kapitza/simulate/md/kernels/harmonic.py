r"""Compiled harmonic forces on displacements from rest.  Importing this module needs numba.

$$U_i = \tfrac12\sum_j u_i\cdot Φ_{ij} u_j,\qquad f_i = -\sum_j Φ_{ij} u_j$$

over the neighbours j of each atom i, itself among them.  Parameters: rest positions of atoms and ghosts (N, 3) m, and
the force constants of each entry of the list (entries, 3, 3) N m⁻¹, followed by the list itself, which never changes.
"""

from kapitza.core.arrays import Array, BoolArray, Int32Array, IntArray
from kapitza.simulate.md.kernels.compiler import compile_kernel

HarmonicParameters = tuple[Array, Array, Array, Array, Array, Array]


@compile_kernel
def harmonic_forces(
    x: Array, species: Int32Array, start: IntArray, near: Int32Array, parameters: HarmonicParameters, f: Array
) -> float:
    """Add the forces on the atoms to f (N, 3) N, and return the energy, J; ghosts get none."""
    rest, blocks, total = parameters[0], parameters[1], 0.0
    for i in range(start.size - 1):
        fx = fy = fz = 0.0
        for k in range(start[i], start[i + 1]):
            j, b = near[k], blocks[k]
            ux, uy, uz = x[j, 0] - rest[j, 0], x[j, 1] - rest[j, 1], x[j, 2] - rest[j, 2]
            fx -= b[0, 0] * ux + b[0, 1] * uy + b[0, 2] * uz
            fy -= b[1, 0] * ux + b[1, 1] * uy + b[1, 2] * uz
            fz -= b[2, 0] * ux + b[2, 1] * uy + b[2, 2] * uz
        total -= (x[i, 0] - rest[i, 0]) * fx + (x[i, 1] - rest[i, 1]) * fy + (x[i, 2] - rest[i, 2]) * fz
        f[i, 0] += fx
        f[i, 1] += fy
        f[i, 2] += fz
    return total / 2  # the energy is homogeneous of degree two: -u·f/2 (Euler)


@compile_kernel
def harmonic_partial(
    x: Array, species: Int32Array, start: IntArray, near: Int32Array,
    rows: Int32Array, right: BoolArray, parameters: HarmonicParameters, g: Array,
) -> None:  # fmt: skip
    """Add -∂U_i/∂r_j of each atom i of `rows` to g[j], (N, 3) N, for all j on the other side."""
    rest, blocks = parameters[0], parameters[1]
    for i in rows:
        for k in range(start[i], start[i + 1]):
            j = near[k]
            if right[i] != right[j]:
                for c in range(3):
                    for d in range(3):
                        g[j, c] -= 0.5 * (x[i, d] - rest[i, d]) * blocks[k, d, c]  # U_i is linear in u_j
