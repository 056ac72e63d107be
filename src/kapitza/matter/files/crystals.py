r"""Crystals from files: folding, sum rule, dipole forces, and a look at whether the units can be right.

An atom of a periodic supercell stands for all of its images.  Its force constant belongs to the nearest one; where
several are equally near, as on the surface of the Wigner-Seitz cell of the supercell, each gets an equal share.  This
keeps the symmetry of the crystal and reproduces the supercell exactly at the commensurate wave vectors
(K. Parlinski, Z. Q. Li, Y. Kawazoe, Phys. Rev. Lett. 78, 4063 (1997), doi:10.1103/PhysRevLett.78.4063).
"""

import warnings
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from attrs import evolve
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, IntArray, finite_array, integer_array
from kapitza.errors import DataError, Hint, InputError, ValidityWarning
from kapitza.matter.crystal import Crystal
from kapitza.matter.files.objects import phonopy_path
from kapitza.matter.files.phonopy import AtomicCell, SupercellData, read_phonopy, unit_lattice
from kapitza.matter.periodic import bond_fault, minkowski_basis, nearest_images
from kapitza.matter.polar import DipoleForces, commensurate_wavevectors, short_range_constants
from kapitza.matter.structure import Structure
from kapitza.units import angstrom

_MAX_CELLS = 4096
_WAVEVECTORS_PER_CHUNK = 64  # wave vectors at a time
_SITE_TOLERANCE = 2e-2 * angstrom  # by which an atom of the supercell may miss its place
_PAIRS_PER_CHUNK = 1 << 15  # pairs of atoms
_DENSITY_RANGE = (20.0, 30_000.0)  # kg m⁻³
_CUBIC_TOLERANCE = 1e-3  # of an edge: how far a cubic lattice may be off
_REPORTED_RESIDUAL = 1e-2  # of the largest force constant: violations of the sum rule that are reported


# in which phonopy keeps cells and force constants, the fullest first
PHONOPY_NAMES = ("phonopy_params.yaml", "phonopy.yaml", "phonopy_disp.yaml")


def phonopy_file(path: str | PathLike[str]) -> Path:
    """The file of cells in a folder in which phonopy worked, force constants in it or beside it; a file as it is."""
    given = Path(path)
    if not given.is_dir():
        return given
    for name in PHONOPY_NAMES:
        if (given / name).is_file():
            return given / name
    raise DataError(f"is a folder without {' or '.join(PHONOPY_NAMES)}", file=given)


def load_crystal(
    path: str | PathLike[str] | Any,
    *,
    nac: bool = True,
    sum_rule: bool = True,
    force_constants: str | PathLike[str] | None = None,
    charges: tuple[ArrayLike, ArrayLike] | None = None,
) -> Crystal:
    """Read a crystal from a `phonopy.yaml`.

    Parameters
    ----------
    path : the file, or a folder in which phonopy worked, or a Phonopy object with force constants; the name of it
        without suffix, or its formula, becomes that of the crystal
    nac : whether to split off dipole forces where the file has Born charges, so that polar modes are split as they
        should
    sum_rule : whether to change the force of each atom on itself such that moving all atoms together costs nothing
    force_constants : FORCE_CONSTANTS, force_constants.hdf5 or FORCE_SETS, where they are not in `path`
    charges : Born charges (n, 3, 3) or (n,) in units of e, and the dielectric constant (3, 3) or a number, where the
        file has none or others are wanted

    Raises
    ------
    DataError
        with file and line, if the file is not what it should be, its density is none of a solid, or its bonds are too
        short or too long by the factor of wrong units

    Warns
    -----
    ValidityWarning
        where the sum rule fails by more than 1 %

    Examples
    --------
    >>> from kapitza.matter import load_crystal
    >>> from kapitza.phonons import phonon_crystal, write_phonopy
    >>> write_phonopy(phonon_crystal("Si"), "phonopy.yaml")
    >>> silicon = load_crystal("phonopy.yaml")
    >>> print(len(silicon.masses), "atoms in a cell")
    2 atoms in a cell
    """
    if not isinstance(path, (str, PathLike)):
        with phonopy_path(path) as file:
            return load_crystal(file, nac=nac, sum_rule=sum_rule, force_constants=force_constants, charges=charges)
    given, path = Path(path), phonopy_file(path)
    data = read_phonopy(path, force_constants)
    _check_units(data, path)
    if charges is not None:
        data = _replace_charges(data, *charges)
    positions = data.primitive.points @ data.primitive.lattice
    polar = None
    if nac and data.born is not None and data.dielectric is not None:
        polar = DipoleForces(data.primitive.lattice, positions, data.born - data.born.mean(axis=0), data.dielectric)
        data = _subtract_dipole_forces(data, polar, path)
    cells, values = fold_force_constants(data, path)
    at_gamma = 0.0 if polar is None else polar.matrix(np.zeros((1, 3)))[0].real
    residual, corrected = enforce_sum_rule(cells, values, at_gamma)
    if residual > _REPORTED_RESIDUAL:
        done = "corrected" if sum_rule else "kept"
        message = f"{path}: the acoustic sum rule is off by {residual:.2g} of the largest force constant ({done})"
        warnings.warn(message, ValidityWarning, stacklevel=3)
    if data.born is None and charges is None and nac and path.with_name("BORN").is_file():
        message = f"{path} holds no Born charges, and BORN beside it is not read: save phonopy_params.yaml"
        warnings.warn(message, ValidityWarning, stacklevel=3)
    return Crystal(
        name=(given.absolute() if given.is_dir() else path).name.split(".")[0],
        lattice=data.primitive.lattice, positions=positions, masses=data.primitive.masses,
        symbols=data.primitive.symbols, cells=cells, force_constants=corrected if sum_rule else values,
        polar=polar, residual=residual,
    )  # fmt: skip


def _replace_charges(data: SupercellData, born: ArrayLike, dielectric: ArrayLike) -> SupercellData:
    n = len(data.primitive.masses)
    charge, screening = finite_array(born), finite_array(dielectric)
    charge = charge[:, None, None] * np.eye(3) if charge.ndim == 1 else charge
    screening = screening * np.eye(3) if screening.ndim == 0 else screening
    if charge.shape != (n, 3, 3) or screening.shape != (3, 3):
        raise InputError(
            f"Born charges {charge.shape} and dielectric constant {screening.shape}, wanted ({n}, 3, 3) or ({n},) and "
            "(3, 3) or a number"
        )
    if not np.linalg.eigvalsh(screening + screening.T)[0] > 0:
        raise InputError(f"the dielectric constant {screening.tolist()!s:.60} is not positive")
    return evolve(data, born=charge, dielectric=screening)


def _subtract_dipole_forces(data: SupercellData, polar: DipoleForces, path: str | PathLike[str]) -> SupercellData:
    kind, cells = _map_supercell_atoms(data.primitive, data.supercell, path)
    steps = cells[None] - cells[_row_atoms(data, kind, path)][:, None]
    multiple = np.round(data.supercell.lattice @ np.linalg.inv(data.primitive.lattice))
    if len(kind) // len(polar.positions) > 20_000:
        raise DataError(
            f"{len(kind)} atoms are too many for the dipole forces of a supercell",
            file=path,
            hint=Hint(python="use nac=False", command="take its Born charges out of the file"),
        )
    return evolve(data, force_constants=short_range_constants(polar, data.force_constants, kind, steps, multiple))


def fold_force_constants(data: SupercellData, path: str | PathLike[str] | None = None) -> tuple[IntArray, Array]:
    """(nR, 3) lattice vectors and (nR, 3n, 3n) force constants between primitive cells, N m⁻¹."""
    n = len(data.primitive.masses)
    kind, _ = _map_supercell_atoms(data.primitive, data.supercell, path)
    origins = _row_atoms(data, kind, path)
    cells: list[IntArray] = []
    values: list[Array] = []
    reduced, inverse = minkowski_basis(data.supercell.lattice, path), np.linalg.inv(data.primitive.lattice)
    where = data.supercell.points @ data.supercell.lattice
    base = data.primitive.points @ data.primitive.lattice
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


def _map_supercell_atoms(
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


def _row_atoms(data: SupercellData, kind: IntArray, path: str | PathLike[str] | None) -> IntArray:
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


def enforce_sum_rule(cells: IntArray, values: Array, dipoles: Array | float = 0.0) -> tuple[float, Array]:
    """Relative violation of the acoustic sum rule, and blocks that obey it; `dipoles` (3n, 3n): their forces at Γ."""
    n = values.shape[1] // 3
    total = (values.sum(axis=0) + dipoles).reshape(n, 3, n, 3).sum(axis=2)
    home = int(np.flatnonzero((cells == 0).all(axis=1))[0])
    corrected = values.copy()
    for i in range(n):
        corrected[home, 3 * i : 3 * i + 3, 3 * i : 3 * i + 3] -= 0.5 * (total[i] + total[i].T)
    largest = float(np.abs(values).max())
    return (float(np.abs(total).max()) / largest if largest else 0.0), corrected


def balanced_crystal(one: Structure, cells: IntArray, values: Array) -> Crystal:
    """Crystal of a structure with these force constants, on which the acoustic sum rule is enforced."""
    residual, balanced = enforce_sum_rule(cells, values)
    return Crystal(
        name=one.name, lattice=one.lattice, positions=one.positions, masses=one.masses, symbols=one.symbols,
        cells=cells, force_constants=balanced, residual=residual,
    )  # fmt: skip


def _check_units(data: SupercellData, path: str | PathLike[str]) -> None:
    cell = data.primitive
    density = cell.masses.sum() / abs(np.linalg.det(cell.lattice))
    if not _DENSITY_RANGE[0] <= density <= _DENSITY_RANGE[1]:
        raise DataError(
            f"a density of {density:.3g} kg/m³ is none of a solid (wanted {_DENSITY_RANGE[0]:g} to "
            f"{_DENSITY_RANGE[1]:g}); check physical_unit: length (angstrom or au) and the lattice",
            file=path,
        )
    if fault := bond_fault(cell.points @ cell.lattice, cell.symbols, cell.lattice):
        raise DataError(f"{fault} In physical_unit, length is angstrom or au", file=path)


def miller_normal(path: Path, miller: tuple[int, int, int]) -> Array:
    """Cartesian normal of the planes (h k l) of the unit cell of a file."""
    if len(miller) != 3 or not any(miller) or not all(int(index) == index for index in miller):
        raise InputError(f"Miller indices {miller}, wanted three integers, not all zero, such as (1, 1, 0)")
    return np.asarray(np.array(miller) @ np.linalg.inv(unit_lattice(path)).T * angstrom, dtype=float)


def primitive_cell_remark(name: str, axes: Array, miller: tuple[int, int, int]) -> str:
    """Planes that Miller indices mean where they refer to a primitive cell (3, 3) m of a centred cubic lattice, and the
    indices that mean those of the cubic cell; nothing for other cells.
    """
    found = _cubic_vectors(axes)
    if found is None:
        return ""
    side = float(np.linalg.norm(found[0] @ axes)) / angstrom
    meant, cubic = (
        " ".join(map(str, _coprime(one)))
        for one in ((found @ miller).astype(float), np.linalg.solve(found.astype(float), miller))
    )
    same = " ".join(map(str, miller))
    return (
        f"{name}: Miller indices refer to the cell of the file, a primitive one of a cubic lattice of {side:.4g} Å: "
        f"({same}) is ({meant}) of the cubic cell, whose ({same}) is orientation {cubic.replace(' ', '')}"
    )


def _cubic_vectors(axes: Array) -> IntArray | None:
    """(3, 3) edges of the cubic cell in steps of a primitive cell (3, 3) m of a centred lattice, along x, y
    and z where these are its axes; None for other lattices.
    """
    steps = np.array([step for step in np.ndindex(5, 5, 5) if step != (2, 2, 2)]) - 2
    away = steps @ axes
    length, volume = np.linalg.norm(away, axis=1), abs(float(np.linalg.det(axes)))
    for lattice_points in (2, 4):
        side = (lattice_points * volume) ** (1 / 3)
        edges = np.flatnonzero(np.abs(length / side - 1) < _CUBIC_TOLERANCE)
        angles = away[edges] @ away[edges].T / side**2
        if len(edges) == 6 and (np.abs(angles - np.round(angles)) < _CUBIC_TOLERANCE).all():
            first = max(edges, key=lambda k: away[k] @ (1e-4, 1e-2, 1.0))  # the one most along z
            second = max((k for k in edges if abs(away[k] @ away[first]) < side**2 / 2), key=lambda k: away[k, 0])
            third = max(edges, key=lambda k: float(np.linalg.det(away[[second, k, first]])))
            return steps[[second, third, first]].astype(np.int64)
    return None


def _coprime(indices: Array) -> list[int]:
    """Smallest integers in these proportions, which small ones have."""
    for factor in range(1, 5):
        if np.abs(indices * factor - np.round(indices * factor)).max() < _CUBIC_TOLERANCE:
            integers = np.round(indices * factor).astype(int)
            return [int(one) for one in integers // np.gcd.reduce(integers)]
    return [int(one) for one in np.round(indices)]


def extend_dipole_forces(crystal: Crystal, repeats: Sequence[int]) -> Crystal:
    """Return a polar crystal whose force constants hold its dipole forces up to half of a supercell of `repeats`."""
    counts = integer_array(list(repeats))
    if crystal.polar is None:
        raise InputError(f"{crystal.name} has no charges: its force constants are all there is, nothing to extend")
    if counts.shape != (3,) or counts.min() < 1 or counts.prod() > _MAX_CELLS:
        raise InputError(f"repeats = {list(repeats)}: wanted three numbers from 1, together at most {_MAX_CELLS} cells")
    n = crystal.masses.size
    steps = np.stack(np.meshgrid(*(np.arange(c) for c in counts), indexing="ij"), axis=-1).reshape(-1, 3)
    values = _dipole_constants(crystal, counts, steps).reshape(len(steps), n, 3, n, 3).transpose(0, 1, 3, 2, 4)
    first, second = (index.ravel() for index in np.indices((n, n)))
    apart = crystal.positions[second] - crystal.positions[first]
    vectors = ((steps @ crystal.lattice)[:, None] + apart).reshape(-1, 3)
    pair, image, share = nearest_images(vectors, minkowski_basis(counts[:, None] * crystal.lattice))
    step, bond = np.divmod(pair, n * n)
    i, j = first[bond], second[bond]
    cells = np.round((image - apart[bond]) @ np.linalg.inv(crystal.lattice)).astype(np.int64)
    found, blocks = symmetric_blocks(np.column_stack([cells, i, j]), share[:, None, None] * values[step, i, j], n)
    residual, balanced = enforce_sum_rule(found, blocks)
    return evolve(crystal, cells=found, force_constants=balanced, polar=None, residual=max(residual, crystal.residual))


def _dipole_constants(crystal: Crystal, counts: IntArray, steps: IntArray) -> Array:
    """(N, 3n, 3n) force constants between the cell at 0 and those at `steps` (N, 3) of a supercell, N m⁻¹."""
    waves = commensurate_wavevectors(np.diag(counts).astype(float))
    size = 3 * crystal.masses.size
    total = np.zeros((len(steps), size**2))
    for part in np.array_split(waves, max(1, len(waves) // _WAVEVECTORS_PER_CHUNK)):
        matrix = (crystal.dynamical(part @ crystal.reciprocal) / crystal.weights).reshape(len(part), -1)
        angle = 2 * np.pi * steps @ part.T
        total += np.cos(angle) @ matrix.real + np.sin(angle) @ matrix.imag  # real, as q and -q are both there
    return total.reshape(-1, size, size) / len(waves)
