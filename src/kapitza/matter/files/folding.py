r"""From force constants of a supercell to blocks on the primitive lattice.

An atom of a periodic supercell stands for all of its images.  Its force constant belongs to the nearest one; where
several are equally near, as on the surface of the Wigner-Seitz cell of the supercell, each gets an equal share.  This
keeps the symmetry of the crystal and reproduces the supercell exactly at the commensurate wave vectors
(K. Parlinski, Z. Q. Li, Y. Kawazoe, Phys. Rev. Lett. 78, 4063 (1997), doi:10.1103/PhysRevLett.78.4063).
"""

from itertools import product
from os import PathLike

import numpy as np

from kapitza.core.arrays import Array, IntArray
from kapitza.errors import DataError
from kapitza.matter.files.phonopy import AtomicCell, SupercellData
from kapitza.units import angstrom

_SITE_TOLERANCE = 2e-2 * angstrom  # by which an atom of the supercell may miss its place
_IMAGE_TOLERANCE = 1e-4 * angstrom  # by which equally near images may differ
_NEIGHBOUR_CELLS = np.array(list(product((-1, 0, 1), repeat=3)))
_PAIRS_PER_CHUNK = 1 << 15  # pairs of atoms


def fold_force_constants(data: SupercellData, path: str | PathLike[str] | None = None) -> tuple[IntArray, Array]:
    """(nR, 3) lattice vectors and (nR, 3n, 3n) force constants between primitive cells, N m⁻¹."""
    n = len(data.primitive.masses)
    kind, _ = map_supercell_atoms(data.primitive, data.supercell, path)
    origins = row_atoms(data, kind, path)
    cells: list[IntArray] = []
    values: list[Array] = []
    lattice, reduced = data.primitive.lattice, minkowski_basis(data.supercell.lattice, path)
    inverse = np.linalg.inv(lattice)
    where = data.supercell.points @ data.supercell.lattice
    base = data.primitive.points @ lattice
    first, second = (index.ravel() for index in np.indices((n, len(kind))))
    for start in range(0, first.size, _PAIRS_PER_CHUNK):
        i, j = first[start : start + _PAIRS_PER_CHUNK], second[start : start + _PAIRS_PER_CHUNK]
        pair, vector, share = nearest_images(where[j] - where[origins[i]], reduced)
        i, j = i[pair], kind[j[pair]]
        cells.append(np.column_stack([np.round((vector - base[j] + base[i]) @ inverse).astype(np.int64), i, j]))
        values.append(share[:, None, None] * data.force_constants[first[start:][pair], second[start:][pair]])
    return symmetric_blocks(np.concatenate(cells), np.concatenate(values), n)


def symmetric_blocks(keys: IntArray, values: Array, n: int) -> tuple[IntArray, Array]:
    """Sum entries with keys (R, i, j) into blocks, made symmetric under the exchange of both atoms."""
    keys = np.concatenate([keys, np.column_stack([-keys[:, :3], keys[:, 4], keys[:, 3]])])
    values = 0.5 * np.concatenate([values, values.swapaxes(1, 2)])
    cells, row = np.unique(keys[:, :3], axis=0, return_inverse=True)
    total = np.zeros((len(cells), n, n, 3, 3))
    np.add.at(total, (row.reshape(-1), keys[:, 3], keys[:, 4]), values)
    return cells, total.transpose(0, 1, 3, 2, 4).reshape(len(cells), 3 * n, 3 * n)


def map_supercell_atoms(
    primitive: AtomicCell, supercell: AtomicCell, path: str | PathLike[str] | None
) -> tuple[IntArray, IntArray]:
    """Which atom of the primitive cell each atom of the supercell is, and in which cell."""
    multiple = supercell.lattice @ np.linalg.inv(primitive.lattice)
    count = len(supercell.masses) / len(primitive.masses)
    if np.abs(multiple - np.round(multiple)).max() > 1e-3 or abs(abs(np.linalg.det(multiple)) - count) > 1e-2:
        raise DataError(
            f"the supercell of {len(supercell.masses)} atoms is not a whole multiple of the primitive cell of "
            f"{len(primitive.masses)}: {multiple.round(4).tolist()}",
            file=path,
        )
    fraction = supercell.points @ supercell.lattice @ np.linalg.inv(primitive.lattice)
    kind = np.full(len(fraction), -1)
    cells = np.zeros((len(fraction), 3), dtype=np.int64)
    for i, point in enumerate(primitive.points):
        shift = np.round(fraction - point)
        near = np.linalg.norm((fraction - point - shift) @ primitive.lattice, axis=1) < _SITE_TOLERANCE
        same = np.abs(supercell.masses - primitive.masses[i]) < 1e-3 * primitive.masses[i]
        kind[near & same], cells[near & same] = i, shift[near & same]
    counts = np.bincount(kind[kind >= 0], minlength=len(primitive.masses))
    if (kind < 0).any() or np.ptp(counts) > 0:
        lost = int(np.argmin(kind)) if (kind < 0).any() else int(np.argmax(counts))
        raise DataError(
            f"atom {lost + 1} of the supercell is no image of the atom of the primitive cell with its mass; "
            "wanted positions equal to 0.02 Å",
            file=path,
        )
    return kind, cells


def row_atoms(data: SupercellData, kind: IntArray, path: str | PathLike[str] | None) -> IntArray:
    """Atom of the supercell at which each row of the force constants starts."""
    origins = data.origins
    if origins is None:
        return np.array([int(np.argmax(kind == i)) for i in range(len(data.primitive.masses))])
    if kind[list(origins)].tolist() != list(range(len(origins))):
        raise DataError(
            f"rows of force constants start at atoms {[atom + 1 for atom in origins]!s:.80} of the supercell, which "
            "are not the atoms of the primitive cell in their order",
            file=path,
        )
    return np.array(origins)


def nearest_images(vector: Array, lattice: Array) -> tuple[IntArray, Array, Array]:
    """Shortest images of vectors (m, 3) on a reduced lattice: index of the vector, image, its share."""
    fraction = vector @ np.linalg.inv(lattice)
    images = (fraction - np.round(fraction))[:, None] @ lattice + _NEIGHBOUR_CELLS @ lattice
    length = np.linalg.norm(images, axis=2)
    pair, which = np.nonzero(length <= length.min(axis=1, keepdims=True) + _IMAGE_TOLERANCE)
    return pair, images[pair, which], 1 / np.bincount(pair, minlength=len(vector))[pair]


def minkowski_basis(lattice: Array, path: str | PathLike[str] | None = None) -> Array:
    """Shortest vectors that span the lattice: the nearest image is then within one step in each."""
    reduced = lattice.copy()
    for _ in range(200):
        before = np.linalg.norm(reduced, axis=1)
        for i in range(3):
            j, k = (i + 1) % 3, (i + 2) % 3
            for other in (j, k):
                reduced[i] -= np.round(reduced[i] @ reduced[other] / (reduced[other] @ reduced[other])) * reduced[other]
            trial = reduced[i] + _NEIGHBOUR_CELLS[:, 1:] @ reduced[[j, k]]
            reduced[i] = trial[
                np.argmin(np.linalg.norm(trial, axis=1) * (1 + 1e-9 * np.abs(_NEIGHBOUR_CELLS[:, 1:]).sum(axis=1)))
            ]
        if np.linalg.norm(reduced, axis=1).sum() >= before.sum() * (1 - 1e-9):
            return reduced
    raise DataError(f"the lattice of the supercell {lattice.tolist()!s:.100} is too skewed", file=path)
