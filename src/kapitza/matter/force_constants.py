"""Force constants in files of their own, as phonopy writes them: FORCE_CONSTANTS (text) and force_constants.hdf5."""

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from kapitza.core.arrays import Array
from kapitza.errors import DataError, require

MOST_BYTES = 2**28  # of a file: 4e6 pairs of atoms

Constants = tuple[Array, tuple[int, ...] | None]


def path_beside(path: Path) -> Path:
    """Return the file of force constants in the folder of a YAML file that has none itself."""
    for name in ("FORCE_CONSTANTS", "force_constants.hdf5", "FORCE_SETS"):
        if path.with_name(name).is_file():
            return path.with_name(name)
    raise DataError("has no 'force_constants': write it with `phonopy --include-fc`, phonopy.save in Python", file=path)


def read_force_constants(path: str | PathLike[str], shape: tuple[int, int]) -> Constants:
    """Read force constants between n atoms of the primitive cell and N of the supercell.

    Parameters
    ----------
    path : text, or HDF5 where the name ends with .hdf5 or .h5
    shape : n and N

    Returns
    -------
    constants : (n or N, N, 3, 3) in the unit of the file
    origins : atoms of the supercell at which the n rows start, where the file names them

    Raises
    ------
    DataError
        if the file is not what it should be
    MissingEngine
        for HDF5 without h5py
    """
    path = Path(path)
    return from_hdf5(path, shape) if path.suffix in (".hdf5", ".h5") else from_text(path, shape)


def readable(path: Path) -> list[str]:
    """Lines of a text file that is not too large."""
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise DataError(f"{size / 2**20:.0f} MiB are more than the {MOST_BYTES // 2**20} read", file=path)
        if not path.is_file():
            raise DataError("is not a file", file=path)
        return path.read_bytes().decode("utf-8").split("\n")
    except UnicodeDecodeError as err:
        raise DataError(f"is not a text file (byte {err.start} is no UTF-8)", file=path) from err
    except (OSError, ValueError) as err:
        raise DataError(f"cannot be read: {getattr(err, 'strerror', None) or err}", file=path) from err


def limited(array: Array, most: float, what: str, path: Path, *, scale: float = 1.0, line: int | None = None) -> None:
    """Refuse numbers that no crystal has, before arithmetic overflows on them."""
    worst = float(np.abs(array).max(initial=0.0))
    if not worst <= most / scale:
        raise DataError(f"{what} of {worst * scale:g} are no crystal's: wanted at most {most:g}", file=path, line=line)


def from_text(path: Path, shape: tuple[int, int]) -> Constants:
    """Read the text file FORCE_CONSTANTS."""
    lines = [line for line in readable(path) if line.strip()]
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
    limited(values[:, 0, 0], 1e9, "atom numbers", path)
    rows = tuple(int(atom) - 1 for atom in values[:, 0, 0])
    if not all(0 <= atom < sizes[1] for atom in rows):
        raise DataError(f"atom numbers {min(rows) + 1} to {max(rows) + 1}, wanted 1 to {sizes[1]}", file=path)
    return values[:, :, 2:].reshape(*sizes, 3, 3), rows if sizes[0] == shape[0] else None


def from_hdf5(path: Path, shape: tuple[int, int]) -> Constants:
    """Read force_constants.hdf5: data within the file only, its size checked before it is loaded."""
    h5py = require("h5py", extra="hdf5", why=f"reading {path.name}")
    try:
        with h5py.File(path, "r") as file:
            constants = dataset(h5py, file, "force_constants" if "force_constants" in file else "fc2", path)
            if len(constants.shape) != 4 or constants.shape[0] not in shape or constants.shape[1:] != (shape[1], 3, 3):
                raise DataError(f"force constants of shape {constants.shape} for {shape} atoms", file=path)
            values = np.asarray(constants[:], dtype=float)
            rows = origins(h5py, file, shape, path) if "p2s_map" in file else None
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as err:
        if isinstance(err, DataError):
            raise
        raise DataError(f"cannot be read: {err!s:.100}", file=path) from err
    if not np.isfinite(values).all():
        raise DataError("the force constants are not all finite", file=path)
    return values, rows


def origins(h5py: Any, file: Any, shape: tuple[int, int], path: Path) -> tuple[int, ...]:
    """Atoms of the supercell at which the rows of the force constants start."""
    found = dataset(h5py, file, "p2s_map", path)
    if found.shape != (shape[0],):
        raise DataError(f"p2s_map of shape {found.shape}, wanted {shape[0]} atoms", file=path)
    rows = tuple(int(atom) for atom in found[:])
    if not all(0 <= atom < shape[1] for atom in rows):
        raise DataError(f"p2s_map {rows!s:.60} names atoms beyond the {shape[1]} of the supercell", file=path)
    return rows


def dataset(h5py: Any, file: Any, name: str, path: Path) -> Any:
    """Return a dataset that is stored in this very file: links and raw storage elsewhere could read any file."""
    link = file.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink) or not isinstance(file[name], h5py.Dataset):
        raise DataError(f"{name!r} is no dataset of the file itself", file=path)
    if file[name].external or file[name].is_virtual or file[name].dtype.kind not in "fiu":
        raise DataError(f"{name!r} is not stored as numbers in the file itself", file=path)
    return file[name]
