"""Force constants of a polar crystal continued by its dipole forces, as far as a supercell reaches."""

from collections.abc import Sequence

import numpy as np
from attrs import evolve

from kapitza.core.arrays import Array, IntArray, integer_array
from kapitza.errors import InputError
from kapitza.matter.crystal import Crystal
from kapitza.matter.files.crystals import enforce_sum_rule, symmetric_blocks
from kapitza.matter.periodic import minkowski_basis, nearest_images
from kapitza.matter.polar import commensurate_wavevectors

_MAX_CELLS = 4096
_WAVEVECTORS_PER_CHUNK = 64  # wave vectors at a time


def extend_dipole_forces(crystal: Crystal, repeats: Sequence[int]) -> Crystal:
    """Return a polar crystal whose force constants hold its dipole forces up to half of a supercell of `repeats`."""
    counts = integer_array(list(repeats))
    if crystal.polar is None:
        raise InputError(f"{crystal.name} has no charges: its force constants are all there is, nothing to extend")
    if counts.shape != (3,) or counts.min() < 1 or counts.prod() > _MAX_CELLS:
        raise InputError(f"repeats = {list(repeats)}: wanted three numbers from 1, together at most {_MAX_CELLS} cells")
    n = crystal.masses.size
    steps = np.stack(np.meshgrid(*(np.arange(c) for c in counts), indexing="ij"), axis=-1).reshape(-1, 3)
    values = _supercell_constants(crystal, counts, steps).reshape(len(steps), n, 3, n, 3).transpose(0, 1, 3, 2, 4)
    first, second = (index.ravel() for index in np.indices((n, n)))
    apart = crystal.positions[second] - crystal.positions[first]
    vectors = ((steps @ crystal.lattice)[:, None] + apart).reshape(-1, 3)
    pair, image, share = nearest_images(vectors, minkowski_basis(counts[:, None] * crystal.lattice))
    step, bond = np.divmod(pair, n * n)
    i, j = first[bond], second[bond]
    cells = np.round((image - apart[bond]) @ np.linalg.inv(crystal.lattice)).astype(np.int64)
    found, blocks = symmetric_blocks(np.column_stack([cells, i, j]), share[:, None, None] * values[step, i, j], n)
    residual, balanced = enforce_sum_rule(found, blocks, np.zeros(blocks.shape[1:]))
    return evolve(crystal, cells=found, force_constants=balanced, polar=None, residual=max(residual, crystal.residual))


def _supercell_constants(crystal: Crystal, counts: IntArray, steps: IntArray) -> Array:
    """(N, 3n, 3n) force constants between the cell at 0 and those at `steps` (N, 3) of a supercell, N m⁻¹."""
    waves = commensurate_wavevectors(np.diag(counts).astype(float))
    size = 3 * crystal.masses.size
    total = np.zeros((len(steps), size**2))
    for part in np.array_split(waves, max(1, len(waves) // _WAVEVECTORS_PER_CHUNK)):
        matrix = (crystal.dynamical(part @ crystal.reciprocal) / crystal.weights).reshape(len(part), -1)
        angle = 2 * np.pi * steps @ part.T
        total += np.cos(angle) @ matrix.real + np.sin(angle) @ matrix.imag  # real, as q and -q are both there
    return total.reshape(-1, size, size) / len(waves)
