"""Force constants in files of their own, as phonopy writes them: FORCE_CONSTANTS, FORCE_SETS, HDF5."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array, IntArray
from kapitza.core.files import read_limited, regular_file_size
from kapitza.errors import DataError, require
from kapitza.matter.brillouin import lattice_operations
from kapitza.units import angstrom

_MAX_BYTES = 2**28  # of a file: 4e6 pairs of atoms

ForceConstantRows = tuple[Array, tuple[int, ...] | None]


def companion_file(path: Path) -> Path:
    """Return the file of force constants in the folder of a YAML file that has none itself."""
    for name in ("FORCE_CONSTANTS", "force_constants.hdf5", "FORCE_SETS"):
        if path.with_name(name).is_file():
            return path.with_name(name)
    raise DataError("has no 'force_constants': write it with `phonopy --include-fc`, phonopy.save in Python", file=path)


def read_force_constants(path: str | PathLike[str], shape: tuple[int, int]) -> ForceConstantRows:
    """Read text or HDF5 force constants of n rows or N, (n or N, N, 3, 3) in the unit of the file; `shape` is n and N.
    The second value is the atoms of the supercell at which the n rows start, where the file names them.
    """
    path = Path(path)
    return _read_hdf5_constants(path, shape) if path.suffix in (".hdf5", ".h5") else _read_text_constants(path, shape)


def read_lines(path: Path) -> list[str]:
    """Lines of a text file that is not too large."""
    try:
        return read_limited(path, _MAX_BYTES).decode("utf-8").split("\n")
    except UnicodeDecodeError as err:
        raise DataError(f"is not a text file: byte {err.start} is not UTF-8", file=path) from err
    except DataError:
        raise
    except OSError as err:
        raise DataError(f"cannot be read: {err.strerror or err}", file=path) from err


def check_magnitude(
    array: Array, most: float, what: str, path: Path, *, scale: float = 1.0, line: int | None = None
) -> None:
    """Refuse numbers that no crystal has, before arithmetic overflows on them."""
    worst = float(np.abs(array).max(initial=0.0))
    if not worst <= most / scale:
        raise DataError(f"{what} of {worst * scale:g} are no crystal's: wanted at most {most:g}", file=path, line=line)


def _read_text_constants(path: Path, shape: tuple[int, int]) -> ForceConstantRows:
    """Read the text file FORCE_CONSTANTS."""
    lines = [line for line in read_lines(path) if line.strip()]
    sizes = [int(part) for part in (lines[0].split() if lines else []) if part.isdigit() and len(part) < 12]
    sizes = sizes * 2 if len(sizes) == 1 else sizes
    if len(sizes) != 2 or sizes[0] not in shape or sizes[1] != shape[1]:
        wanted = f"{shape[0]} {shape[1]} or {shape[1]} {shape[1]}"
        raise DataError(f"expected the numbers of atoms {wanted}, got {'  '.join(lines[:1])!r:.40}", file=path, line=1)
    counts = sizes[0] * sizes[1]
    if len(lines) != 1 + 4 * counts:
        raise DataError(f"{len(lines) - 1} lines of force constants, wanted {4 * counts}; truncated?", file=path)
    try:
        values = np.array(" ".join(lines[1:]).split(), dtype=float)
    except ValueError as err:
        raise DataError(f"{err!s:.80}", file=path) from err
    if values.size != 11 * counts or not np.isfinite(values).all():
        raise DataError(f"{values.size} numbers of force constants, wanted {11 * counts} finite ones", file=path)
    values = values.reshape(sizes[0], sizes[1], 11)
    check_magnitude(values[:, 0, 0], 1e9, "atom numbers", path)
    rows = tuple(int(atom) - 1 for atom in values[:, 0, 0])
    if not all(0 <= atom < sizes[1] for atom in rows):
        raise DataError(f"atom numbers {min(rows) + 1} to {max(rows) + 1}, wanted 1 to {sizes[1]}", file=path)
    return values[:, :, 2:].reshape(*sizes, 3, 3), rows if sizes[0] == shape[0] else None


def _read_hdf5_constants(path: Path, shape: tuple[int, int]) -> ForceConstantRows:
    """Read force_constants.hdf5: data within the file only, its size checked before it is loaded."""
    h5py = require("h5py", extra="hdf5", why=f"reading {path.name}")
    regular_file_size(path)
    try:
        with h5py.File(path, "r") as file:
            constants = _internal_dataset(h5py, file, "force_constants" if "force_constants" in file else "fc2", path)
            if len(constants.shape) != 4 or constants.shape[0] not in shape or constants.shape[1:] != (shape[1], 3, 3):
                raise DataError(f"force constants of shape {constants.shape} for {shape} atoms", file=path)
            values = np.asarray(constants[:], dtype=float)
            rows = _row_origins(h5py, file, shape, path) if "p2s_map" in file else None
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as err:
        if isinstance(err, DataError):
            raise
        raise DataError(f"cannot be read: {err!s:.100}", file=path) from err
    if not np.isfinite(values).all():
        raise DataError("the force constants are not all finite", file=path)
    return values, rows


def _row_origins(h5py: Any, file: Any, shape: tuple[int, int], path: Path) -> tuple[int, ...]:
    """Atoms of the supercell at which the rows of the force constants start."""
    found = _internal_dataset(h5py, file, "p2s_map", path)
    if found.shape != (shape[0],):
        raise DataError(f"p2s_map of shape {found.shape}, wanted {shape[0]} atoms", file=path)
    rows = tuple(int(atom) for atom in found[:])
    if not all(0 <= atom < shape[1] for atom in rows):
        raise DataError(f"p2s_map {rows!s:.60} names atoms beyond the {shape[1]} of the supercell", file=path)
    return rows


def _internal_dataset(h5py: Any, file: Any, name: str, path: Path) -> Any:
    """Return a dataset that is stored in this very file: links and raw storage elsewhere could read any file."""
    link = file.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink) or not isinstance(file[name], h5py.Dataset):
        raise DataError(f"{name!r} is not a dataset of this file", file=path)
    if file[name].external or file[name].is_virtual or file[name].dtype.kind not in "fiu":
        raise DataError(f"{name!r} is not stored as numbers in the file itself", file=path)
    return file[name]


_ATOM_TOLERANCE = 2e-2 * angstrom  # by which an operation may miss an atom
_SINGULAR_VALUE_CUTOFF = 1e-3  # of the largest singular value: directions in which nothing was displaced


class Displacement(NamedTuple):
    """An atom, its displacement (3,) and the forces (N, 3) that it leaves, in units of one kind."""

    atom: int
    displacement: Array
    forces: Array


class SupercellAtoms(NamedTuple):
    """Supercell: lattice (3, 3) m, positions (N, 3) in units of its vectors, kinds (N,), primitive lattice (3, 3) m; by
    how much an operation may miss an atom, m.
    """

    lattice: Array
    points: Array
    kinds: NDArray[np.str_]
    primitive: Array
    tolerance: float = _ATOM_TOLERANCE


def constants_from_sets(path: Path, atoms: SupercellAtoms, origins: tuple[int, ...]) -> Array:
    """(n, N, 3, 3) force constants of the atoms `origins` of a supercell, in the units of the file."""
    return constants_from_displacements(_read_force_sets(path, len(atoms.points)), atoms, origins, path)


def constants_from_displacements(
    sets: Sequence[Displacement],
    atoms: SupercellAtoms,
    origins: Sequence[int],
    path: Path | None = None,
    *,
    turns: Sequence[Array] | None = None,
) -> Array:
    """(n, N, 3, 3) force constants of the atoms `origins` of a supercell by least squares over all symmetric images of
    some displacements, in the units of these; `path` is for messages, `turns` are the rotations that may be symmetries,
    all of the lattice if left out.
    """
    turns = lattice_rotations(atoms.primitive, atoms.lattice) if turns is None else turns
    known = {
        atom: _displaced_atom_constants(path, atom, sets, turns, atoms) for atom in sorted({one.atom for one in sets})
    }
    return np.stack([_equivalent_atom_constants(path, origin, known, turns, atoms) for origin in origins])


def _read_force_sets(path: Path, count: int) -> list[Displacement]:
    """Displacements and forces of a FORCE_SETS file of `count` atoms."""
    words = [(word, i + 1) for i, line in enumerate(read_lines(path)) for word in line.split("#")[0].split()]
    try:
        values = np.array([float(word) for word, _ in words])
    except ValueError as err:
        wrong = next((i for word, i in words if not word.lstrip("+-").replace(".", "", 1)[:1].isdigit()), None)
        raise DataError(f"expected numbers only: {err!s:.60}", file=path, line=wrong) from err
    sizes = values[:2].tolist() if values.size > 1 and np.isfinite(values[:2]).all() else [0, 0]
    if sizes[0] != count or not 1 <= sizes[1] <= 6 * count or sizes[1] != int(sizes[1]):
        raise DataError(f"expected {count} atoms and a number of displacements, got {sizes}", file=path, line=1)
    each = 4 + 3 * count
    if values.size != 2 + int(sizes[1]) * each or not np.isfinite(values).all():
        raise DataError(
            f"{values.size} numbers, wanted {2 + int(sizes[1]) * each} finite ones for {int(sizes[1])} displacements "
            "of atoms in the supercell (type 1)",
            file=path,
        )
    rows = values[2:].reshape(int(sizes[1]), each)
    if not ((rows[:, 0] >= 1) & (rows[:, 0] <= count) & (np.abs(rows[:, 1:4]).max(axis=1) > 0)).all():
        raise DataError(f"displaced atoms {rows[:, 0].tolist()!s:.60}, wanted 1 to {count}, each moved", file=path)
    return [Displacement(int(row[0]) - 1, row[1:4], row[4:].reshape(count, 3)) for row in rows]


def lattice_rotations(primitive: Array, lattice: Array) -> list[Array]:
    """Cartesian rotations and reflections (3, 3), vectors in rows turn as v @ R, that keep both lattices."""
    found: list[Array] = []
    for operation in lattice_operations(primitive):
        turn = np.linalg.solve(primitive, operation @ primitive)
        multiple = lattice @ turn @ np.linalg.inv(lattice)
        if np.abs(multiple - np.round(multiple)).max() < 1e-3:
            found.append(np.asarray(turn, dtype=float))
    return found


def atom_permutation(turn: Array, start: int, end: int, atoms: SupercellAtoms) -> IntArray | None:
    """(N,) where each atom goes when a rotation takes `start` to `end`; None if the crystal is another then."""
    inside = atoms.lattice @ turn @ np.linalg.inv(atoms.lattice)
    moved = (atoms.points - atoms.points[start]) @ inside + atoms.points[end]
    target = nearest_sites(moved, atoms.points)
    apart = moved - atoms.points[target]
    distance = np.linalg.norm((apart - np.round(apart)) @ atoms.lattice, axis=-1)
    fits = distance.max() < atoms.tolerance and (atoms.kinds[target] == atoms.kinds).all()
    return target if fits and len(np.unique(target)) == len(target) else None


def nearest_sites(points: Array, sites: Array) -> IntArray:
    """(n,) nearest of the `sites` (m, 3) to each of the `points` (n, 3) of a periodic cell, both in units of its
    lattice vectors, in which distances count.
    """
    from scipy.spatial import KDTree

    inside = [one - np.floor(one) for one in (sites, points)]
    known, wanted = (np.where(one < 1, one, 0.0) for one in inside)  # the floor of a tiny negative number is -1
    return np.asarray(KDTree(known, boxsize=1.0).query(wanted)[1], dtype=np.int64)


def _displaced_atom_constants(
    path: Path | None, atom: int, sets: Sequence[Displacement], turns: Sequence[Array], atoms: SupercellAtoms
) -> Array:
    """(N, 3, 3) force constants of an atom that was displaced."""
    moves: list[Array] = []
    forces: list[Array] = []
    for turn in turns:
        target = atom_permutation(turn, atom, atom, atoms)
        if target is None:
            continue
        for one in sets:
            if one.atom == atom:
                rotated = np.empty_like(one.forces)
                rotated[target] = one.forces @ turn
                moves.append(np.asarray(one.displacement @ turn, dtype=float))
                forces.append(rotated)
    u = np.array(moves)
    size = np.linalg.svd(u)[1]
    if len(size) < 3 or size[2] < _SINGULAR_VALUE_CUTOFF * size[0]:
        raise DataError(f"atom {atom + 1} is displaced in too few directions for its symmetry", file=path)
    return -np.einsum("am,mjb->jab", np.linalg.pinv(u), np.array(forces))


def _equivalent_atom_constants(
    path: Path | None, origin: int, known: dict[int, Array], turns: Sequence[Array], atoms: SupercellAtoms
) -> Array:
    """(N, 3, 3) force constants of an atom, from one that was displaced and is the same by symmetry."""
    for atom, constants in known.items():
        for turn in turns:
            target = atom_permutation(turn, atom, origin, atoms) if atoms.kinds[atom] == atoms.kinds[origin] else None
            if target is not None:
                found = np.empty_like(constants)
                found[target] = turn.T @ constants @ turn
                return found
    raise DataError(f"no displaced atom is that of site {origin + 1} by symmetry: displace it, too", file=path)
