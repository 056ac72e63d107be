"""Crystal structures from files of other programs, as ASE reads them (doi:10.1088/1361-648X/aa680e)."""

import re
import warnings
from collections.abc import Mapping
from io import StringIO
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from kapitza.core.arrays import Array
from kapitza.core.files import file_path, read_limited
from kapitza.errors import DataError, InputError, KapitzaError, require
from kapitza.matter.files.objects import atoms_of_object, is_path
from kapitza.matter.periodic import COVALENT_RADII, shortest_bond
from kapitza.matter.structure import Structure
from kapitza.units import angstrom, m_u

# formats that hold text alone, by the ending of the name and by its beginning
_FORMAT_BY_SUFFIX: Mapping[str, str] = MappingProxyType(
    {
        ".cif": "cif", ".vasp": "vasp", ".poscar": "vasp", ".contcar": "vasp", ".xyz": "extxyz", ".extxyz": "extxyz",
        ".xsf": "xsf", ".gen": "gen", ".pwi": "espresso-in",
    }
)  # fmt: skip
STRUCTURE_SUFFIXES = tuple(_FORMAT_BY_SUFFIX)
_FORMAT_BY_NAME: Mapping[str, str] = MappingProxyType({"poscar": "vasp", "contcar": "vasp"})
# the name of a space group with its setting: :2 and :R as in the International Tables, Z for the second origin
_SETTING_PATTERN = re.compile(
    r"(?m)^([ \t]*_(?:symmetry_space_group_name_H-M|space_group_name_H-M_alt)[ \t]+)(['\"]?)([^'\":\r\n]*?)"
    r"[ \t]*(?::[ \t]*([12HR])|[ \t]([SZHR]))\2[ \t]*$"
)
_OPERATOR_PATTERN = re.compile(r"(?i)_(?:symmetry_equiv_pos|space_group_symop)[_.](?:as|operation)_xyz")
_MAX_BYTES = 2**24
_MAX_ATOMS = 5000
_OVERLAP_RATIO = 0.5  # of the sum of covalent radii: atoms nearer than this are no crystal's
_MAX_GAP = 6 * angstrom  # between planes of atoms: layers further apart do not touch
_FULL_OCCUPANCY = 0.999


def is_structure_file(path: str | PathLike[str]) -> bool:
    """Tell whether a name is that of a structure file: Si.cif, POSCAR, CONTCAR.relaxed, Si.vasp, Si.extxyz, ..."""
    return structure_format(path) != ""


def structure_format(path: str | PathLike[str]) -> str:
    """Return the format of a structure file, by ASE's name, from the name of the file; empty for others."""
    name = Path(path).name.lower()
    by_suffix = _FORMAT_BY_SUFFIX.get(Path(name).suffix, "")
    started = next((kind for start, kind in _FORMAT_BY_NAME.items() if re.match(rf"{start}(\W|_|$)", name)), "")
    return by_suffix or ("" if Path(name).suffix in (".yaml", ".yml", ".toml") else started)


def structure_name(path: str | PathLike[str]) -> str:
    """Name of the crystal of a file: that of the file without its ending, or with its folder where it is POSCAR."""
    file = Path(path)
    generic = any(file.name.lower().startswith(start) for start in _FORMAT_BY_NAME)
    folder = file.absolute().parent.name if generic else ""
    return f"{folder}/{file.name}" if folder else file.name.split(".")[0]


def read_structure(path: str | PathLike[str] | Any) -> Structure:
    """Read a crystal structure: CIF, POSCAR and CONTCAR (VASP), extended XYZ, XSF, DFTB+ gen, and the input of Quantum
    ESPRESSO (.pwi); Atoms of ASE and a Structure of pymatgen are taken too, and named after their formula; a
    `Structure` of this package is returned as it is.

    Returns
    -------
    Structure in the axes of the file, to which Miller indices refer, with the masses of ASE

    Raises
    ------
    DataError
        with the file, where it is empty or broken, has no cell in three directions, sites that are occupied in part or
        by several elements, atoms that overlap, layers that do not touch, or distances that tell of a wrong unit
    MissingEngine
        without ase

    Examples
    --------
    >>> from pathlib import Path
    >>> from kapitza.phonons import read_structure
    >>> poscar = '''GaAs
    ... 1.0
    ... 0.0 2.827 2.827
    ... 2.827 0.0 2.827
    ... 2.827 2.827 0.0
    ... Ga As
    ... 1 1
    ... Direct
    ... 0.00 0.00 0.00
    ... 0.25 0.25 0.25
    ... '''
    >>> _ = Path("POSCAR").write_text(poscar)
    >>> crystal = read_structure("POSCAR")
    >>> print(crystal.symbols, f"{crystal.lattice[0, 1] * 1e10:.3f} Å")
    ('Ga', 'As') 2.827 Å
    """
    if isinstance(path, Structure):
        return path
    if not is_path(path):
        atoms = atoms_of_object(path)
        return _structure_of_atoms(atoms, atoms.get_chemical_formula(), None)
    file = file_path(path)
    data = read_limited(file, _MAX_BYTES)
    if not data.strip():
        raise DataError("is empty; wanted the structure of a crystal", file=file)
    kind = structure_format(file)
    if not kind:
        known = ", ".join([*_FORMAT_BY_SUFFIX, "POSCAR", "CONTCAR"])
        raise InputError(f"{file}: no structure file by its name; known are {known}")
    if kind == "vasp":
        _check_poscar(data.decode("utf-8", errors="replace").splitlines(), file)
    return _structure_of_atoms(_read_atoms(file, kind, data), structure_name(file), file)


def _structure_of_atoms(atoms: Any, name: str, file: Path | None) -> Structure:
    """Return atoms of ASE as a structure, if they are a crystal; the file stands in errors."""
    _check_atoms(atoms, file)
    try:
        found = Structure(
            name,
            np.array(atoms.cell) * angstrom,
            atoms.get_positions() * angstrom,
            atoms.get_masses() * m_u,
            tuple(atoms.get_chemical_symbols()),
            np.array(atoms.cell) * angstrom,
        )
    except KapitzaError as err:
        raise DataError(str(err).partition(": ")[2] or str(err), file=file) from err
    _check_distances(found, file)
    return found


def _check_poscar(lines: list[str], file: Path) -> None:
    for index, what in ((1, "the scale of the lattice"), *((i, "a lattice vector") for i in (2, 3, 4))):
        wanted = 3 if index > 1 else 1
        words = _line_words(lines, index, what, file)
        if len(words) < wanted or not all(map(_reads_as_float, words[:wanted])):
            raise DataError(f"expected {what}, got {lines[index].strip()!r:.60}", file=file, line=index + 1)
    at = 5 if _line_words(lines, 5, "the elements, or the number of atoms of each", file)[0].isdigit() else 6
    counts = _line_words(lines, at, "the number of atoms of each element", file)
    numbers = [int(word) for word in counts if word.isdigit() and len(word) < 7]
    if not numbers:
        raise DataError(f"expected numbers of atoms, got {lines[at].strip()!r:.60}", file=file, line=at + 1)
    at += 1 + _line_words(lines, at + 1, "Direct or Cartesian", file)[0].lower().startswith("s")  # selective dynamics
    _line_words(lines, at, "Direct or Cartesian", file)
    for i in range(sum(numbers)):
        what = f"position {i + 1} of {sum(numbers)}"
        words = _line_words(lines, at + 1 + i, what, file)
        if len(words) < 3 or not all(map(_reads_as_float, words[:3])):
            raise DataError(f"expected {what}, got {lines[at + 1 + i].strip()!r:.60}", file=file, line=at + 2 + i)


def _line_words(lines: list[str], index: int, what: str, file: Path) -> list[str]:
    words = lines[index].split() if index < len(lines) else []
    if not words:
        raise DataError(f"ends or is empty here; expected {what}", file=file, line=index + 1)
    return words


def _reads_as_float(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _read_atoms(file: Path, kind: str, data: bytes) -> Any:
    """Atoms of ASE, one structure; whatever a reader stumbles on is a fault of the file."""
    reader = require("ase.io", extra="atoms", why=f"reading the structure file {file.name}")
    options = {"fractional_occupancies": True} if kind == "cif" else {}
    try:
        text = data.decode("utf-8", errors="strict" if kind != "cif" else "replace")
        text = StringIO(_split_setting(text.replace("\r\n", "\n")) if kind == "cif" else text)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = reader.read(text, index=":", format=kind, **options)
    except Exception as err:  # readers of ASE raise whatever their lines make them
        words = " ".join(str(err).split())
        if isinstance(err, KeyError):
            words = f"{words} is no known element or entry"
        elif not words or isinstance(err, (TypeError, AttributeError, IndexError, AssertionError)):
            words = "its text does not have that form, such as a coordinate that is no number"
        raise DataError(f"cannot be read as {kind}: {words:.150}", file=file) from err
    if len(found) != 1:
        raise DataError(f"holds {len(found)} structures; wanted one crystal", file=file)
    return found[0]


def _split_setting(text: str) -> str:
    """A CIF whose space group is named without its setting, which ASE takes from an entry of its own; operators that
    are listed in the file stand above it.
    """
    found = _SETTING_PATTERN.search(text)
    if found is None:
        return text
    second = (found[4] or found[5]) in "2ZR"
    setting = "" if _OPERATOR_PATTERN.search(text) else f"_symmetry_space_group_setting {1 + second}\n"
    return f"{text[: found.start()]}{setting}{found[1]}'{found[3]}'{text[found.end() :]}"


def _check_atoms(atoms: Any, file: Path | None) -> None:
    if not 0 < len(atoms) <= _MAX_ATOMS:
        raise DataError(f"holds {len(atoms)} atoms; wanted 1 to {_MAX_ATOMS}", file=file)
    for key, site in (atoms.info.get("occupancy") or {}).items():
        total = sum(float(share) for share in site.values())
        if len(site) > 1 or total < _FULL_OCCUPANCY:
            parts = ", ".join(f"{symbol} {float(share):.3g}" for symbol, share in site.items())
            raise DataError(
                f"site {int(key) + 1} is disordered or partly occupied ({parts}); wanted one element on each site: an "
                "ordered cell of this composition",
                file=file,
            )
    cell, numbers = np.array(atoms.cell), np.array(atoms.numbers)
    if not (np.isfinite(cell).all() and np.isfinite(atoms.get_positions()).all()):
        raise DataError("holds coordinates that are not finite", file=file)
    rank, periodic = int(np.linalg.matrix_rank(cell, 1e-6)), int(np.sum(atoms.pbc))
    if rank < 3 or periodic < 3:
        raise DataError(
            f"has lattice vectors in {rank} directions and repeats in {periodic}: a molecule or a slab; wanted a "
            "crystal with a cell",
            file=file,
        )
    if not (numbers > 0).all():
        raise DataError("holds atoms without an element", file=file)


def _check_distances(one: Structure, file: Path | None) -> None:
    """Refuse atoms that overlap, layers that do not touch, and distances in the wrong unit."""
    from scipy.spatial import KDTree

    points = one.positions @ np.linalg.inv(one.lattice)
    inside = (points - np.floor(points)) @ one.lattice
    images = (np.indices((3, 3, 3)).reshape(3, -1).T - 1) @ one.lattice
    everywhere: Array = (inside + images[:, None]).reshape(-1, 3)
    distance, index = KDTree(everywhere).query(inside, k=2)
    other = np.asarray(index, dtype=np.int64)[:, 1] % len(points)
    radius = np.array([COVALENT_RADII.get(symbol, 0) for symbol in one.symbols]) * 1e-12
    ratio = distance[:, 1] / np.maximum(radius + radius[other], 1e-12)
    i = int(np.argmin(ratio))
    if ratio[i] < _OVERLAP_RATIO:
        raise DataError(
            f"atoms {i + 1} ({one.symbols[i]}) and {other[i] + 1} ({one.symbols[other[i]]}) are "
            f"{distance[i, 1] / angstrom:.3g} Å apart: they overlap",
            file=file,
        )
    heights = 1 / np.linalg.norm(np.linalg.inv(one.lattice), axis=0)
    levels = np.sort(points - np.floor(points), axis=0)
    gaps = np.diff(np.vstack([levels, levels[0] + 1]), axis=0).max(axis=0) * heights
    if gaps.max() > _MAX_GAP:
        raise DataError(
            f"leaves a gap of {gaps.max() / angstrom:.3g} Å between its atoms: a sheet, slab or molecule in an empty "
            "cell; wanted a crystal",
            file=file,
        )
    bond = shortest_bond(one.positions, one.symbols, one.lattice)
    if bond is not None and bond.fault:
        raise DataError(bond.fault, file=file)
