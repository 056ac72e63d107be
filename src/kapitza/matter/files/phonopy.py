"""Force constants from phonopy's files (A. Togo, doi:10.7566/JPSJ.92.012001): YAML without a YAML library,
FORCE_CONSTANTS, FORCE_SETS and HDF5.

Of YAML only the block style that phonopy itself writes is read, line by line. Anchors, aliases, tags and nested flow
collections are refused where a number is expected; other sections are skipped unread. So no file can grow in memory
beyond a small multiple of its size.
"""

import re
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array
from kapitza.core.files import read_limited, regular_file_size
from kapitza.core.records import BaseRecord
from kapitza.errors import DataError, require
from kapitza.matter.files.force_constants import Displacement, SupercellAtoms, constants_from_displacements
from kapitza.matter.structure import Structure
from kapitza.units import angstrom, bohr, eV, hartree, m_u, rydberg

_MAX_PAIRS = 4_000_000  # of atoms with force constants
_MAX_BYTES = 2**28  # of a file: as many pairs of atoms

_LENGTH_UNITS = {"angstrom": angstrom, "au": bohr, "bohr": bohr}
_ENERGY_UNITS = {"ev": eV, "ry": rydberg, "rydberg": rydberg, "mry": 1e-3 * rydberg, "hartree": hartree, "ha": hartree}
# what phonopy's calculators write where a file names the calculator but not the unit of its force constants
_CALCULATOR_UNITS = {
    "vasp": "ev/angstrom^2", "aims": "ev/angstrom^2", "castep": "ev/angstrom^2", "crystal": "ev/angstrom^2",
    "lammps": "ev/angstrom^2", "pwmat": "ev/angstrom^2", "qe": "ry/au^2", "qlm": "ry/au^2", "wien2k": "mry/au^2",
    "abinit": "ev/angstrom.au", "siesta": "ev/angstrom.au", "abacus": "ev/angstrom.au", "cp2k": "hartree/angstrom.au",
    "elk": "hartree/au^2", "turbomole": "hartree/au^2", "dftbp": "hartree/au^2", "fleur": "hartree/au^2",
}  # fmt: skip

_ROW_PATTERN = re.compile(r"\s*-?\s*\[([^\[\]#]*)\]\s*(?:#.*)?")
_KEY_VALUE_PATTERN = re.compile(r"\s*(?:-\s+)?([A-Za-z_][\w ]*?)\s*:(?:\s+(.*?))?\s*")
_HEADER_PATTERN = re.compile(r"\s*(?:-\s*)?(?:#.*)?")


@frozen(eq=False)
class AtomicCell(BaseRecord):
    """Atoms of one cell."""

    lattice: Array  # (3, 3) lattice vectors in rows, m
    points: Array  # (n, 3) positions in units of the lattice vectors
    masses: Array  # (n,) kg
    symbols: tuple[str, ...]
    reduced: tuple[int, ...] | None = None  # (n,) atom of the cell that each repeats

    @classmethod
    def of_structure(cls, one: Structure) -> "AtomicCell":
        """Return the cell of a structure."""
        return cls(one.lattice, one.positions @ np.linalg.inv(one.lattice), one.masses, one.symbols)


@frozen(eq=False)
class SupercellData(BaseRecord):
    """What a phonopy file holds, in SI units; None where it does not say."""

    primitive: AtomicCell
    supercell: AtomicCell
    force_constants: Array  # (n, N, 3, 3) from an atom of the primitive cell to all of the supercell, N m⁻¹
    born: Array | None = None  # (n, 3, 3) Born charges in units of e, first axis the field
    dielectric: Array | None = None  # (3, 3) high-frequency dielectric constant
    origins: tuple[int, ...] | None = None  # (n,) atom of the supercell at which each row starts


@frozen(eq=False)
class _FileSection(BaseRecord):
    """Lines of a file below one key: `start` is the index of the first one."""

    path: Path
    lines: list[str]
    start: int

    def fault(self, message: str, offset: int = 0) -> DataError:
        """Return the error of the line at `offset` of the section."""
        return DataError(message, file=self.path, line=self.start + offset + 1)


def read_phonopy(path: str | PathLike[str], force_constants: str | PathLike[str] | None = None) -> SupercellData:
    """Read cells and force constants (in `path`, in `force_constants` or in a file beside it) of phonopy's YAML."""
    path = Path(path)
    sections = _split_sections(path, _read_lines(path))
    length, stiffness = _file_units(sections, path)
    primitive = _read_cell(_required_section(sections, "primitive_cell", path), length)
    supercell = _read_cell(_required_section(sections, "supercell", path), length)
    shape = len(primitive.masses), len(supercell.masses)
    if shape[0] * shape[1] > _MAX_PAIRS:
        raise DataError(f"{shape[0]} x {shape[1]} pairs of atoms are more than the {_MAX_PAIRS} handled", file=path)
    if force_constants is None and "force_constants" in sections:
        constants, rows = _read_inline_constants(sections["force_constants"], shape), None
    else:
        file = _companion_file(path) if force_constants is None else Path(force_constants)
        if file.name.startswith("FORCE_SETS"):
            rows = locate_atoms(primitive, supercell, path)
            atoms = SupercellAtoms(supercell.lattice, supercell.points, np.array(supercell.symbols), primitive.lattice)
            constants = constants_from_displacements(_read_force_sets(file, shape[1]), atoms, rows, file)
        else:
            constants, rows = read_force_constants(file, shape)
    born, dielectric = _read_charges(sections["nac"], shape[0]) if "nac" in sections else (None, None)
    origins = rows
    if rows is None and supercell.reduced is not None:  # atoms of the supercell that repeat no other
        first = tuple(sorted(set(supercell.reduced)))
        origins = first if len(first) == shape[0] and first[0] >= 0 and first[-1] < shape[1] else None
    if len(constants) == shape[1] != shape[0]:
        if origins is None:
            origins = locate_atoms(primitive, supercell, path)
        constants = constants[list(origins)]
    _check_magnitude(constants, 1e5, "force constants (eV/Å²)", path, scale=eV / angstrom**2 / stiffness)
    return SupercellData(primitive, supercell, constants * stiffness, born, dielectric, origins)


def unit_lattice(path: str | PathLike[str]) -> Array:
    """(3, 3) lattice vectors in rows of the unit cell of a file, m: what Miller indices refer to."""
    path = Path(path)
    sections = _split_sections(path, _read_lines(path))
    return _read_cell(_required_section(sections, "unit_cell", path), _file_units(sections, path)[0]).lattice


def _split_sections(path: Path, lines: list[str]) -> dict[str, _FileSection]:
    starts = [i for i, line in enumerate(lines) if line[:1].isalpha()]
    if not starts:
        raise DataError("holds no phonopy data: expected keys such as 'primitive_cell:'", file=path)
    found: dict[str, _FileSection] = {}
    for start, stop in zip(starts, [*starts[1:], len(lines)], strict=True):
        key = lines[start].partition(":")[0].strip()
        if key in found:
            raise DataError(f"the key {key!r:.40} comes a second time", file=path, line=start + 1)
        found[key] = _FileSection(path, lines[start + 1 : stop], start + 1)
    return found


def _required_section(sections: dict[str, _FileSection], key: str, path: Path) -> _FileSection:
    if key not in sections:
        known = ", ".join(sorted(sections))
        raise DataError(f"has no {key!r}; is it a phonopy.yaml or phonopy_params.yaml? It has: {known:.120}", file=path)
    return sections[key]


def _file_units(sections: dict[str, _FileSection], path: Path) -> tuple[float, float]:
    """Length (m) and force constant (N m⁻¹) that a number 1 of the file means."""
    head = _read_scalars(sections["phonopy"]) if "phonopy" in sections else {}
    given = _read_scalars(_required_section(sections, "physical_unit", path))
    calculator = head.get("calculator", ("", 0))[0].lower()
    length, line = given.get("length", ("", 0))
    if length.lower() not in _LENGTH_UNITS:
        raise DataError(
            f"unknown unit of length {length!r:.40}, wanted one of {', '.join(_LENGTH_UNITS)}", file=path, line=line
        )
    mass, line = given.get("atomic_mass", ("AMU", 0))
    if mass.lower() not in ("amu", "u"):
        raise DataError(f"unknown unit of mass {mass!r:.40}, wanted AMU", file=path, line=line)
    plain = "ev/angstrom^2" if length.lower() == "angstrom" and not calculator else ""
    default = _CALCULATOR_UNITS.get(calculator, plain)
    unit, line = given.get("force_constants", (default, 0))
    return _LENGTH_UNITS[length.lower()], stiffness_unit(unit, path, line)


def stiffness_unit(unit: str, path: Path, line: int) -> float:
    """N m⁻¹ of a unit such as "eV/angstrom^2" or "hartree/angstrom.au"."""
    energy, _, below = unit.lower().replace(" ", "").partition("/")
    one, _, other = below.partition(".")
    if one.endswith("^2") and not other:
        one = other = one[:-2]
    if energy not in _ENERGY_UNITS or one not in _LENGTH_UNITS or other not in _LENGTH_UNITS:
        raise DataError(
            f"unknown unit of force constants {unit!r:.40}: wanted physical_unit: force_constants: such as "
            '"eV/angstrom^2", "Ry/au^2", "mRy/au^2", "hartree/au^2" or "eV/angstrom.au"',
            file=path,
            line=line or None,
        )
    return _ENERGY_UNITS[energy] / (_LENGTH_UNITS[one] * _LENGTH_UNITS[other])


def _read_scalars(section: _FileSection) -> dict[str, tuple[str, int]]:
    """Values `key: value` of a section with their lines, quotes taken off."""
    found: dict[str, tuple[str, int]] = {}
    for offset, line in enumerate(section.lines):
        match = _KEY_VALUE_PATTERN.fullmatch(line.partition(" #")[0])
        if match:
            found.setdefault(match[1], ((match[2] or "").strip("\"'"), section.start + offset + 1))
    return found


def _read_cell(section: _FileSection, length: float) -> AtomicCell:
    lattice = np.array([_parse_row(section, i) for i in _lines_below(section, "lattice", 3)])
    _check_magnitude(lattice, 1e5, "lattice vectors (Å)", section.path, scale=length / angstrom, line=section.start)
    span = np.prod(np.linalg.norm(lattice, axis=1))
    if not abs(np.linalg.det(lattice)) > 1e-4 * span:
        raise section.fault(f"the lattice vectors {lattice.tolist()!s:.120} span no volume")
    if span * (length / angstrom) ** 3 < 0.1:
        raise section.fault(f"the lattice vectors {lattice.tolist()!s:.120} are shorter than any atom: in nm? give Å")
    symbols, points, masses, reduced = _read_atoms(section)
    if not symbols:
        raise section.fault("the cell has no atoms: expected 'points:' with '- symbol: Si' and so on")
    _check_magnitude(points, 1e3, "coordinates", section.path, line=section.start)
    complete = len(reduced) == len(symbols)
    return AtomicCell(lattice * length, points, masses * m_u, symbols, tuple(reduced) if complete else None)


def _read_atoms(section: _FileSection) -> tuple[tuple[str, ...], Array, Array, list[int]]:
    """Symbols, fractional coordinates, masses (u) and `reduced_to` of the atoms of a cell."""
    symbols: list[str] = []
    points: list[list[float]] = []
    masses: list[float] = []
    reduced: list[int] = []
    for offset, line in enumerate(section.lines):
        key, _, value = line.strip().partition(":")
        if key == "- symbol":
            symbols.append(value.partition("#")[0].strip().strip("\"'"))
        elif key in ("coordinates", "- coordinates"):
            points.append(_parse_row(section, offset, after=":"))
        elif key == "mass":
            mass = _parse_number(section, offset, value.partition("#")[0])
            if not 0.1 < mass < 1000:
                raise section.fault(f"a mass of {mass:g} u, wanted one between 0.1 and 1000", offset)
            masses.append(mass)
        elif key == "reduced_to" and value.strip().isdigit() and len(value) < 12:
            reduced.append(int(value) - 1)
        if len(symbols) - len(points) not in (0, 1):
            raise section.fault(f"symbols and coordinates of atom {max(len(symbols), 1)} do not pair up", offset)
    if not len(symbols) == len(points) == len(masses):
        counts = f"{len(symbols)} symbols, {len(points)} coordinates and {len(masses)} masses"
        raise section.fault(f"{counts}: each atom needs one of each")
    return tuple(symbols), np.array(points).reshape(-1, 3), np.array(masses), reduced


def _lines_below(section: _FileSection, key: str, count: int) -> range:
    for offset, line in enumerate(section.lines):
        if line.strip().partition("#")[0].strip() == key + ":":
            if offset + count >= len(section.lines):
                break
            return range(offset + 1, offset + 1 + count)
    raise section.fault(f"expected {key!r} with {count} rows of three numbers")


def _parse_row(section: _FileSection, offset: int, after: str = "") -> list[float]:
    text = section.lines[offset]
    match = _ROW_PATTERN.fullmatch(text.partition(after)[2] if after else text)
    parts = match[1].split(",") if match else []
    if len(parts) != 3:
        raise section.fault(
            f"expected a row of three numbers such as [ 1.0, 0.0, 0.0 ], got {text.strip()!r:.60}", offset
        )
    return [_parse_number(section, offset, part) for part in parts]


def _parse_number(section: _FileSection, offset: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise section.fault(f"expected a finite number, got {text.strip()!r:.40}", offset)
    return value


def _read_inline_constants(section: _FileSection, shape: tuple[int, int]) -> Array:
    """(n or N, N, 3, 3) force constants in a section, in the unit of the file."""
    head = _read_scalars(_FileSection(section.path, section.lines[:8], section.start))
    text, line = head.get("shape", ("", section.start))
    sizes = [int(size) for size in text.strip("[] ").split(",") if size.strip().isdigit() and len(size) < 12]
    if len(sizes) != 2 or sizes[0] not in shape or sizes[1] != shape[1]:
        wanted = f"[{shape[0]}, {shape[1]}] or [{shape[1]}, {shape[1]}]"
        raise DataError(f"force constants of shape {text!r:.40}, wanted {wanted}", file=section.path, line=line)
    start = line - section.start
    body = _FileSection(section.path, section.lines[start:], section.start + start)
    if body.lines and body.lines[0].strip() == "elements:":
        body = _FileSection(section.path, body.lines[1:], body.start + 1)
    rows = [line.partition("[")[2].partition("]")[0] for line in body.lines if "[" in line]
    counts = 3 * sizes[0] * sizes[1]
    if len(rows) != counts:
        last = len(body.lines) - 1
        raise body.fault(f"{len(rows)} rows of force constants, wanted {counts}; is the file truncated?", max(last, 0))
    try:
        values = np.array(",".join(rows).split(","), dtype=float)
    except ValueError:
        values = np.empty(0)
    sound = values.size == 3 * counts and bool(np.isfinite(values).all())
    if sound and all(map(_is_valid_line, body.lines)):
        return values.reshape(sizes[0], sizes[1], 3, 3)
    for offset, line in enumerate(body.lines):
        if "[" in line:
            _parse_row(body, offset)
        if not _is_valid_line(line):
            raise body.fault(f"expected a row of three force constants, got {line.strip()!r:.60}", offset)
    raise body.fault("the force constants cannot be read")


def _is_valid_line(line: str) -> bool:
    """Whether a line is a row of three entries or the heading of a block."""
    if "[" not in line:
        return _HEADER_PATTERN.fullmatch(line) is not None
    return line.count(",") == 2 and "]" in line and line.lstrip()[:3] == "- ["


def _read_charges(section: _FileSection, count: int) -> tuple[Array, Array]:
    rows = {i: line for i, line in enumerate(section.lines) if "[" in line}
    start = _lines_below(section, "born_effective_charge", 1).start
    offsets = [i for i in rows if i >= start][: 3 * count]
    if len(offsets) != 3 * count:
        raise section.fault(f"{len(offsets)} rows of Born charges, wanted {3 * count}")
    born = np.array([_parse_row(section, i) for i in offsets]).reshape(count, 3, 3)
    dielectric = np.array([_parse_row(section, i) for i in _lines_below(section, "dielectric_constant", 3)])
    _check_magnitude(born, 100, "Born charges", section.path, line=section.start)
    _check_magnitude(dielectric, 1e4, "dielectric constants", section.path, line=section.start)
    if not np.linalg.eigvalsh(dielectric + dielectric.T)[0] > 1:
        raise section.fault(f"the dielectric constant {dielectric.tolist()} is not positive")
    return born, dielectric


def locate_atoms(primitive: AtomicCell, supercell: AtomicCell, path: str | PathLike[str]) -> tuple[int, ...]:
    """Index in the supercell of an image of each atom of the primitive cell, the first one."""
    fraction = supercell.points @ supercell.lattice @ np.linalg.inv(primitive.lattice)
    found: list[int] = []
    for point in primitive.points:
        off = fraction - point
        near = np.abs(off - np.round(off)).max(axis=1) < 1e-2
        if not near.any():
            raise DataError(
                f"the supercell has no image of the atom at {point.round(4).tolist()} of the primitive cell", file=path
            )
        found.append(int(np.argmax(near)))
    return tuple(found)


def _companion_file(path: Path) -> Path:
    for name in ("FORCE_CONSTANTS", "force_constants.hdf5", "FORCE_SETS"):
        if path.with_name(name).is_file():
            return path.with_name(name)
    raise DataError("has no 'force_constants': write it with `phonopy --include-fc`, phonopy.save in Python", file=path)


def read_force_constants(path: str | PathLike[str], shape: tuple[int, int]) -> tuple[Array, tuple[int, ...] | None]:
    """Read text or HDF5 force constants of n rows or N, (n or N, N, 3, 3) in the unit of the file; `shape` is n and N.
    The second value is the atoms of the supercell at which the n rows start, where the file names them.
    """
    path = Path(path)
    return _read_hdf5_constants(path, shape) if path.suffix in (".hdf5", ".h5") else _read_text_constants(path, shape)


def _read_lines(path: Path) -> list[str]:
    try:
        return read_limited(path, _MAX_BYTES).decode("utf-8").split("\n")
    except UnicodeDecodeError as err:
        raise DataError(f"is not a text file: byte {err.start} is not UTF-8", file=path) from err
    except DataError:
        raise
    except OSError as err:
        raise DataError(f"cannot be read: {err.strerror or err}", file=path) from err


def _check_magnitude(
    array: Array, most: float, what: str, path: Path, *, scale: float = 1.0, line: int | None = None
) -> None:
    """Refuse numbers that no crystal has, before arithmetic overflows on them."""
    worst = float(np.abs(array).max(initial=0.0))
    if not worst <= most / scale:
        raise DataError(f"{what} of {worst * scale:g} are no crystal's: wanted at most {most:g}", file=path, line=line)


def _read_text_constants(path: Path, shape: tuple[int, int]) -> tuple[Array, tuple[int, ...] | None]:
    lines = [line for line in _read_lines(path) if line.strip()]
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
    _check_magnitude(values[:, 0, 0], 1e9, "atom numbers", path)
    rows = tuple(int(atom) - 1 for atom in values[:, 0, 0])
    if not all(0 <= atom < sizes[1] for atom in rows):
        raise DataError(f"atom numbers {min(rows) + 1} to {max(rows) + 1}, wanted 1 to {sizes[1]}", file=path)
    return values[:, :, 2:].reshape(*sizes, 3, 3), rows if sizes[0] == shape[0] else None


def _read_hdf5_constants(path: Path, shape: tuple[int, int]) -> tuple[Array, tuple[int, ...] | None]:
    """Read force_constants.hdf5: data within the file only, its size checked before it is loaded."""
    h5py = require("h5py", extra="hdf5", why=f"reading {path.name}")
    regular_file_size(path)
    try:
        with h5py.File(path, "r") as file:
            constants = _internal_dataset(h5py, file, "force_constants" if "force_constants" in file else "fc2", path)
            if len(constants.shape) != 4 or constants.shape[0] not in shape or constants.shape[1:] != (shape[1], 3, 3):
                raise DataError(f"force constants of shape {constants.shape} for {shape} atoms", file=path)
            values = np.asarray(constants[:], dtype=float)
            rows = None
            if "p2s_map" in file:  # atoms of the supercell at which the rows start
                found = _internal_dataset(h5py, file, "p2s_map", path)
                if found.shape != (shape[0],):
                    raise DataError(f"p2s_map of shape {found.shape}, wanted {shape[0]} atoms", file=path)
                rows = tuple(int(atom) for atom in found[:])
                if not all(0 <= atom < shape[1] for atom in rows):
                    raise DataError(
                        f"p2s_map {rows!s:.60} names atoms beyond the {shape[1]} of the supercell", file=path
                    )
    except DataError:
        raise
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as err:
        raise DataError(f"cannot be read: {err!s:.100}", file=path) from err
    if not np.isfinite(values).all():
        raise DataError("the force constants are not all finite", file=path)
    return values, rows


def _internal_dataset(h5py: Any, file: Any, name: str, path: Path) -> Any:
    """Return a dataset that is stored in this very file: links and raw storage elsewhere could read any file."""
    link = file.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink) or not isinstance(file[name], h5py.Dataset):
        raise DataError(f"{name!r} is not a dataset of this file", file=path)
    if file[name].external or file[name].is_virtual or file[name].dtype.kind not in "fiu":
        raise DataError(f"{name!r} is not stored as numbers in the file itself", file=path)
    return file[name]


def _read_force_sets(path: Path, count: int) -> list[Displacement]:
    words = [(word, i + 1) for i, line in enumerate(_read_lines(path)) for word in line.split("#")[0].split()]
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
