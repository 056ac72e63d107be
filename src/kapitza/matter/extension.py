r"""Force constants of a polar crystal as far as wanted: dipole forces that a supercell cut short, put back in space.

The file of a polar crystal holds the force constants of a small supercell.  With its charges the dipole forces are
known at every wave vector (`Polar`), so that the dynamical matrix is, too; its Fourier sum over the wave vectors that
fit into a larger supercell gives the force constants of that supercell:

$$\Phi(R) = \frac1N\sum_q e^{-iq\cdot R}\,\Phi(q)$$

At Γ the macroscopic field is left out, as in any supercell.
"""

from collections.abc import Sequence

import numpy as np
from attrs import evolve

from kapitza.core.arrays import Array
from kapitza.errors import InputError
from kapitza.matter.brillouin import Integers
from kapitza.matter.crystal import Crystal, integers
from kapitza.matter.fold import gathered, minkowski, nearest
from kapitza.matter.loader import summed
from kapitza.matter.polar import commensurate

MOST_CELLS = 4096
CHUNK = 64  # wave vectors at a time


def extended(crystal: Crystal, repeats: Sequence[int]) -> Crystal:
    """Return a crystal whose force constants hold its dipole forces up to half of a supercell of so many cells.

    Parameters
    ----------
    crystal : with dipole forces apart (`polar`)
    repeats : (3,) cells of the supercell along the lattice vectors

    Returns
    -------
    The same crystal with all its forces in `force_constants` and `polar` None; cut them off with `truncated`

    Raises
    ------
    InputError
        for a crystal without charges, or a supercell of more than 4096 cells
    """
    counts = integers(list(repeats))
    if crystal.polar is None:
        raise InputError(f"{crystal.name} has no charges: its force constants are all there is, nothing to extend")
    if counts.shape != (3,) or counts.min() < 1 or counts.prod() > MOST_CELLS:
        raise InputError(f"repeats = {list(repeats)}: wanted three numbers from 1, together at most {MOST_CELLS} cells")
    n = crystal.masses.size
    steps = np.stack(np.meshgrid(*(np.arange(c) for c in counts), indexing="ij"), axis=-1).reshape(-1, 3)
    values = supercell_constants(crystal, counts, steps).reshape(len(steps), n, 3, n, 3).transpose(0, 1, 3, 2, 4)
    first, second = (index.ravel() for index in np.indices((n, n)))
    apart = crystal.positions[second] - crystal.positions[first]
    vectors = ((steps @ crystal.lattice)[:, None] + apart).reshape(-1, 3)
    pair, image, share = nearest(vectors, minkowski(counts[:, None] * crystal.lattice))
    step, bond = np.divmod(pair, n * n)
    i, j = first[bond], second[bond]
    cells = np.round((image - apart[bond]) @ np.linalg.inv(crystal.lattice)).astype(np.int64)
    found, blocks = gathered(np.column_stack([cells, i, j]), share[:, None, None] * values[step, i, j], n)
    residual, balanced = summed(found, blocks, np.zeros(blocks.shape[1:]))
    return evolve(crystal, cells=found, force_constants=balanced, polar=None, residual=max(residual, crystal.residual))


def supercell_constants(crystal: Crystal, counts: Integers, steps: Integers) -> Array:
    """(N, 3n, 3n) force constants between the cell at 0 and those at `steps` (N, 3) of a supercell, N m⁻¹."""
    waves = commensurate(np.diag(counts).astype(float))
    size = 3 * crystal.masses.size
    total = np.zeros((len(steps), size**2))
    for part in np.array_split(waves, max(1, len(waves) // CHUNK)):
        matrix = (crystal.dynamical(part @ crystal.reciprocal) / crystal.weights).reshape(len(part), -1)
        angle = 2 * np.pi * steps @ part.T
        total += np.cos(angle) @ matrix.real + np.sin(angle) @ matrix.imag
    return total.reshape(-1, size, size) / len(waves)
