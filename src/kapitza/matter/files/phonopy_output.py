"""Crystals as files of phonopy, which every command takes as a side, and other programs read.

The supercell is so wide that no two images of an atom are in reach of each other, and its atoms are in the order in
which phonopy builds it from the unit cell: A. Togo, L. Chaput, T. Tadano, I. Tanaka, J. Phys.: Condens. Matter 35,
353001 (2023), doi:10.1088/1361-648X/acd831.
"""

from collections.abc import Iterator
from itertools import product
from os import PathLike

import numpy as np

from kapitza.core.arrays import Array, IntArray
from kapitza.core.files import write_atomically
from kapitza.errors import InputError
from kapitza.matter.crystal import Crystal
from kapitza.units import angstrom, eV, m_u

PHONOPY_SUFFIXES = (".yaml", ".yml")
_MAX_PAIRS = 400_000  # of atoms: a file of some 80 MB
_HEIGHT_MARGIN = 1e-3  # relative: heights of the supercell beyond twice the reach of the forces
_WHOLE_TOLERANCE = 1e-3  # by which numbers of lattice vectors may differ from whole ones
_SMALLEST_BLOCK = 1e-12  # of the largest force constant: pairs of atoms that count for the reach


def write_phonopy(crystal: Crystal, path: str | PathLike[str], axes: Array | None = None) -> None:
    """Write cells and force constants of a crystal as a `phonopy.yaml` with compact force constants.

    Parameters
    ----------
    crystal : without charges; what a file read back gives has its frequencies to rounding
    path : ends in .yaml or .yml
    axes : (3, 3) lattice vectors in rows, m, of the unit cell, to which Miller indices refer; None: the primitive ones

    Raises
    ------
    InputError
        for another ending, a crystal with charges, axes that are no lattice vectors of the crystal, or more than
        400,000 pairs of atoms
    OSError
        if the file cannot be written
    """
    if not str(path).lower().endswith(PHONOPY_SUFFIXES):
        raise InputError(f"{str(path)!r:.60} is no name of a phonopy file: expected one that ends in .yaml")
    if crystal.polar is not None:
        raise InputError(f"{crystal.name} has charges, which this file cannot hold: expected a crystal without them")
    unit = crystal.lattice if axes is None else np.asarray(axes, dtype=float)
    counts = _supercell_counts(crystal, unit)
    points = _cell_points(crystal, unit)
    pairs = crystal.masses.size * len(points) * crystal.masses.size * int(np.prod(counts))
    if pairs > _MAX_PAIRS:
        raise InputError(
            f"{crystal.name}: {pairs} pairs of atoms are more than the {_MAX_PAIRS} of a text file: save it as .h5"
        )
    write_atomically(path, "\n".join([*_file_lines(crystal, unit, points, counts), ""]).encode())


def _supercell_counts(crystal: Crystal, unit: Array) -> tuple[int, int, int]:
    """Repeats of the unit cell in a supercell in which all images beyond the nearest one are out of reach."""
    n = crystal.masses.size
    size = np.abs(crystal.force_constants.reshape(-1, n, 3, n, 3)).max(axis=(2, 4))
    cell, i, j = np.nonzero(size > _SMALLEST_BLOCK * size.max())
    apart = crystal.cells[cell] @ crystal.lattice + crystal.positions[j] - crystal.positions[i]
    reach = 2 * (1 + _HEIGHT_MARGIN) * float(np.linalg.norm(apart, axis=1).max())
    heights = 1 / np.linalg.norm(np.linalg.inv(unit), axis=0)
    a, b, c = (max(1, int(np.ceil(reach / height))) for height in heights)
    return a, b, c


def _cell_points(crystal: Crystal, unit: Array) -> IntArray:
    """(k, 3) lattice vectors of the crystal in its unit cell, zero first, in units of the primitive ones."""
    exact = unit @ np.linalg.inv(crystal.lattice)
    multiple = np.round(exact).astype(np.int64)
    count = round(abs(float(np.linalg.det(multiple))))
    if np.abs(exact - multiple).max() > _WHOLE_TOLERANCE or count < 1:
        raise InputError(
            f"{crystal.name}: the axes {(unit / angstrom).round(4).tolist()} Å are no lattice vectors of the crystal"
        )
    span = int(np.abs(multiple).sum(axis=0).max())
    steps = np.array(list(product(range(-span, span + 1), repeat=3)))
    inside = steps @ np.linalg.inv(multiple)
    kept = steps[((inside > -1e-9) & (inside < 1 - 1e-9)).all(axis=1)]
    return kept[np.argsort(np.abs(kept).sum(axis=1), kind="stable")]


def _file_lines(crystal: Crystal, unit: Array, points: IntArray, counts: tuple[int, int, int]) -> Iterator[str]:
    big = np.array(counts)[:, None] * unit
    images = np.array(list(product(*(range(count) for count in counts[::-1]))))[:, ::-1]  # the first runs fastest
    yield "physical_unit:"
    yield '  atomic_mass: "AMU"\n  length: "angstrom"\n  force_constants: "eV/angstrom^2"'
    yield from _matrix_lines("supercell_matrix", np.diag(counts))
    yield from _matrix_lines("primitive_matrix", (crystal.lattice @ np.linalg.inv(unit)).T)
    n, k = crystal.masses.size, len(points)
    yield from _cell_lines("primitive_cell", crystal, crystal.lattice, crystal.positions, np.arange(n))
    places = (crystal.positions[:, None] + points @ crystal.lattice).reshape(-1, 3)
    yield from _cell_lines("unit_cell", crystal, unit, places, np.repeat(np.arange(n), k))
    everywhere = (places[:, None] + images @ unit).reshape(-1, 3)
    yield from _cell_lines("supercell", crystal, big, everywhere, np.repeat(np.arange(n), k * len(images)))
    values = _supercell_constants(crystal, unit, points, images)
    yield f'force_constants:\n  format: "compact"\n  shape: [ {len(values)}, {values.shape[1]} ]\n  elements:'
    for i, j in product(*map(range, values.shape[:2])):
        yield f"  - # ({i + 1}, {j + 1})"
        for row in values[i, j].tolist():
            yield "    - [ " + ", ".join(f"{value:21.15f}" for value in row) + " ]"


def _supercell_constants(crystal: Crystal, unit: Array, points: IntArray, images: IntArray) -> Array:
    """(n, n k, 3, 3) force constants between the atoms of the primitive cell and all of the supercell, eV Å⁻²."""
    n = crystal.masses.size
    multiple = np.round(unit @ np.linalg.inv(crystal.lattice)).astype(np.int64)
    counts = images.max(axis=0) + 1
    steps = (points[:, None] + images @ multiple).reshape(-1, 3)
    place = {key: index for index, key in enumerate(map(tuple, _wrap(steps, multiple, counts).tolist()))}
    found = np.zeros((n, n, len(steps), 3, 3))
    blocks = crystal.force_constants.reshape(-1, n, 3, n, 3).transpose(0, 1, 3, 2, 4)
    for key, block in zip(map(tuple, _wrap(crystal.cells, multiple, counts).tolist()), blocks, strict=True):
        found[:, :, place[key]] += block
    return found.reshape(n, -1, 3, 3) / (eV / angstrom**2)


def _wrap(cells: IntArray, multiple: IntArray, counts: IntArray) -> IntArray:
    """(m, 3) numbers that are the same for cells that are images of each other in the supercell."""
    size = abs(round(float(np.linalg.det(multiple))))
    adjugate = np.round(np.linalg.inv(multiple) * size).astype(np.int64)
    return np.mod(cells @ adjugate, size * counts)


def _matrix_lines(name: str, matrix: Array) -> Iterator[str]:
    yield f"{name}:"
    for row in matrix.tolist():
        yield "- [ " + ", ".join(f"{value:.15f}" if matrix.dtype.kind == "f" else str(value) for value in row) + " ]"


def _cell_lines(name: str, crystal: Crystal, lattice: Array, positions: Array, kinds: IntArray) -> Iterator[str]:
    """Lines of a cell; `kinds` (m,) are the atoms of the primitive cell of which its atoms are images."""
    yield f"{name}:\n  lattice:"
    for row in (lattice / angstrom).tolist():
        yield "  - [ " + ", ".join(f"{value:.15f}" for value in row) + " ]"
    yield "  points:"
    first = [int(np.argmax(kinds == kind)) + 1 for kind in kinds.tolist()]
    masses = (crystal.masses / m_u).tolist()
    for point, kind, origin in zip((positions @ np.linalg.inv(lattice)).tolist(), kinds.tolist(), first, strict=True):
        yield f"  - symbol: {crystal.symbols[kind]}"
        yield "    coordinates: [ " + ", ".join(f"{value:.15f}" for value in point) + " ]"
        yield f"    mass: {masses[kind]:.9f}\n    reduced_to: {origin}"
