"""Tables of screenings: materials from databases and named columns, and rows of results for other programs.

Rows of materials come as plain mappings, whatever the format.  Columns have the names of their databases; units are
those of the database, or stand in the head of the column, ``density (g/cm3)``.
"""

import csv
import gzip
import io
import json
import re
import warnings
import zlib
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np

from kapitza.core.files import file_path, open_regular, read_limited, write_atomically
from kapitza.errors import DataError, Hint, InputError, MissingEngine, ValidityWarning, require
from kapitza.io.formats.files import RESULT_SUFFIXES
from kapitza.io.results import encode_result, load
from kapitza.matter.library import atomic_masses
from kapitza.matter.material import composition
from kapitza.screen.layers import InterlayerScreening
from kapitza.screen.result import Screening
from kapitza.screen.table import MaterialTable
from kapitza.units import GPa, angstrom, m_u, nm

Invalid = Literal["refuse", "skip"]
Row = Mapping[str, Any]

MAX_MATERIALS = 2_000_000
_MAX_BYTES = 2**31  # of a file, unpacked
_CHUNK_BYTES = 2**20  # read at once, and looked through for rows
_HEAD = re.compile(r"\s*(?P<name>.*?)\s*(?:[\[(](?P<unit>[^\])]*)[\])])?\s*")
_DATABASE_KEYS: Mapping[str, str] = MappingProxyType({  # the column of names, by which a database is known
    "mp_id": "Materials Project", "material_id": "Materials Project", "jid": "JARVIS-DFT", "auid": "AFLOW",
})  # fmt: skip
_COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "name": (*_DATABASE_KEYS, "name", "id"),
    "formula": ("formula", "formula_pretty", "pretty_formula", "compound"),
    "density": ("density",),
    "bulk": ("bulk_modulus", "bulk_modulus_vrh", "bulk_modulus_kv", "ael_bulk_modulus_vrh", "k_vrh"),
    "shear": ("shear_modulus", "shear_modulus_vrh", "shear_modulus_gv", "ael_shear_modulus_vrh", "g_vrh"),
    "longitudinal": ("longitudinal", "longitudinal_speed", "v_l"),
    "transverse": ("transverse", "transverse_speed", "v_t"),
    "atoms": ("atoms_per_volume", "atoms"),
    "volume": ("volume_per_atom", "volume_atom"),
    "energy_above_hull": ("energy_above_hull", "e_above_hull", "ehull"),
})  # fmt: skip
_UNITS: Mapping[str, Mapping[str, float]] = MappingProxyType({  # the first is that of databases
    "density": {"g/cm3": 1e3, "kg/m3": 1.0},
    "bulk": {"GPa": GPa, "Pa": 1.0},
    "shear": {"GPa": GPa, "Pa": 1.0},
    "longitudinal": {"m/s": 1.0, "km/s": 1e3},
    "transverse": {"m/s": 1.0, "km/s": 1e3},
    "atoms": {"m-3": 1.0, "nm-3": nm**-3, "cm-3": 1e6, "A-3": angstrom**-3},
    "volume": {"A3": angstrom**3, "m3": 1.0, "nm3": nm**3},
})  # fmt: skip
_SI: Mapping[str, str] = MappingProxyType({"density": "kg/m3", "bulk": "Pa", "shear": "Pa", "volume": "m3"})
_HULL = "energy_above_hull"
_SIGNS = str.maketrans({"³": "3", "Å": "A", "^": None, " ": None, "⁻": "-", "*": None})
_WANTED = "density and either longitudinal and transverse, or bulk_modulus and shear_modulus"


def read_materials(path: str | PathLike[str], *, invalid: Invalid = "refuse") -> MaterialTable:
    r"""Read a table of materials.

    From bulk modulus K and shear modulus G of a polycrystal follow $v_L = \sqrt{(K + \frac43 G)/\rho}$ and
    $v_T = \sqrt{G/\rho}$; from the formula and the density, or the structure, the number of atoms per volume.

    Parameters
    ----------
    path : by its ending
        ``.json``, ``.json.gz``: a list of entries of the Materials Project as matcalc keeps them (mp_id, formula,
        structure, bulk_modulus_vrh, shear_modulus_vrh), of JARVIS (jid, formula, density, bulk_modulus_kv,
        shear_modulus_gv) or of AFLOW (auid, compound, density, ael_bulk_modulus_vrh, ael_shear_modulus_vrh,
        volume_atom), in the units of these databases;
        ``.csv``, ``.tsv``, ``.parquet``: columns of the same names, or name, formula, density (kg/m3),
        longitudinal, transverse (m/s) or bulk_modulus, shear_modulus (Pa), and atoms (m-3), volume_per_atom (m3) or
        formula; other units stand in the head, as ``density (g/cm3)``;
        ``.npz``, ``.h5``, ``.json``: a `MaterialTable` that was saved
    invalid : "refuse" a row without a number or with an impossible one, or "skip" it, with a warning that counts them

    Raises
    ------
    DataError
        with file and row: a missing column, a number that is missing, negative or not finite, a name that stands twice,
        more than two million rows, a file of no known kind
    InputError
        for an unknown `invalid`, or what is not a path
    MissingEngine
        for Parquet without pyarrow

    Examples
    --------
    >>> from pathlib import Path
    >>> from kapitza.io import read_materials
    >>> rows = '''name,formula,density (g/cm3),longitudinal (m/s),transverse (m/s)
    ... rock salt,NaCl,2.165,4530,2600
    ... diamond,C,3.515,17520,12820
    ... '''
    >>> _ = Path("mine.csv").write_text(rows)
    >>> table = read_materials("mine.csv")
    >>> print(table.names, table.density)
    ('rock salt', 'diamond') [2165. 3515.]
    """
    if invalid not in ("refuse", "skip"):
        raise InputError(f"invalid = {invalid!r:.40}, expected 'refuse' or 'skip'")
    place = file_path(path)
    ending = "".join(place.suffixes[-2:]).lower() if place.suffix.lower() == ".gz" else place.suffix.lower()
    if ending in (".npz", ".h5"):
        return _saved_table(place)
    readers: Mapping[str, Callable[[Path], Sequence[Row] | None]] = {
        ".json": _json_rows, ".json.gz": _json_rows, ".csv": _text_rows, ".tsv": _text_rows, ".csv.gz": _text_rows,
        ".parquet": _parquet_rows,
    }  # fmt: skip
    if ending not in readers:
        raise DataError(f"no table of materials: expected one of {', '.join((*readers, '.npz', '.h5'))}", file=place)
    rows = readers[ending](place)
    return _saved_table(place) if rows is None else _make_table(place, rows, invalid)


def _saved_table(path: Path) -> MaterialTable:
    saved = load(path)
    if not isinstance(saved, MaterialTable):
        raise DataError(f"holds a {type(saved).__name__}, expected a table of materials", file=path)
    return saved


def _read_unpacked(path: Path, marks: Sequence[bytes]) -> bytes:
    """Bytes of a file, unpacked where it is compressed; no further than any of the marks of a row tells too many."""
    parts, size, counts = list[bytes](), 0, dict.fromkeys(marks, 0)
    with open_regular(path, _MAX_BYTES) as file:
        stream = gzip.GzipFile(fileobj=file) if path.suffix.lower() == ".gz" else file
        try:
            while part := stream.read(_CHUNK_BYTES):
                parts.append(part)
                size += len(part)
                if size > _MAX_BYTES:
                    raise DataError(f"unpacks to more than the {_MAX_BYTES} bytes that are read", file=path)
                for mark in marks:
                    counts[mark] += part.count(mark)
                    if counts[mark] > MAX_MATERIALS + 1:  # one of them may be the head
                        _check_count(path, counts[mark])
        except (gzip.BadGzipFile, zlib.error, EOFError) as err:
            raise DataError(f"is no whole gzip file: {err!s:.60}", file=path) from err
    return b"".join(parts)


def _json_rows(path: Path) -> Sequence[Row] | None:
    """Entries of a database; None for a file that was saved."""
    data = _read_unpacked(path, [f'"{key}"'.encode() for key in _DATABASE_KEYS])
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError) as err:
        raise DataError(f"is no JSON: {err!s:.80}", file=path) from err
    if isinstance(tree, dict) and tree.get("format") == "kapitza" and path.suffix.lower() in RESULT_SUFFIXES:
        return None
    entries = list(tree.values()) if isinstance(tree, dict) else tree
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise DataError(f"expected a list of materials, got {entries!r:.40}", file=path)
    _check_count(path, len(entries))
    return entries


def _text_rows(path: Path) -> Sequence[Row]:
    data = _read_unpacked(path, [b"\n"])
    _check_count(path, data.count(b"\n") + (not data.endswith(b"\n")) - 1)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise DataError(f"is no text in UTF-8: {err!s:.60}", file=path) from err
    head = text.partition("\n")[0]
    mark = next((mark for mark in "\t;" if mark in head), ",")
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=mark))
    except csv.Error as err:
        raise DataError(f"is no table of text: {err!s:.60}", file=path) from err
    for number, row in enumerate(rows, start=1):
        if None in row:  # where the reader puts what stands behind the last column
            raise DataError(f"row {number} has more entries than the {len(row) - 1} columns of the head", file=path)
    return rows


def _parquet_rows(path: Path) -> Sequence[Row]:
    parquet = require("pyarrow.parquet", extra="screen", why="reading Parquet")
    with open_regular(path, _MAX_BYTES) as stream:
        try:
            file = parquet.ParquetFile(stream)
            _check_count(path, file.metadata.num_rows)
            return file.read().to_pylist()
        except DataError:
            raise
        except Exception as err:
            raise DataError(f"is no Parquet file: {err!s:.80}", file=path) from err


def _check_count(path: Path, count: int) -> None:
    if count > MAX_MATERIALS:
        raise DataError(f"has more than the {MAX_MATERIALS} rows that are read: choose materials first", file=path)
    if count < 1:
        raise DataError("has no rows: expected a table of materials", file=path)


def _make_table(path: Path, rows: Sequence[Row], invalid: Invalid) -> MaterialTable:
    heads = _find_columns(path, rows)
    database = next((name for key, name in _DATABASE_KEYS.items() if key in rows[0]), "")
    columns: dict[str, list[Any]] = {key: [] for key in ("name", "formula", *_NUMBERS, *heads.extra)}
    faults: list[str] = []
    seen: set[str] = set()
    masses = atomic_masses()
    for number, row in enumerate(rows, start=1):
        try:
            values = _read_row(row, heads, masses)
            if values["name"] in seen:
                raise _RowFault(f"{values['name']!r:.60} stands twice")
        except _RowFault as fault:
            label = f"row {number} ({row.get(heads.known.get('name', ('',))[0], '')!s:.40}): {fault}"
            if invalid == "refuse":
                raise DataError(f"{label} (invalid rows can be skipped)", file=path) from None
            faults.append(label)
            continue
        seen.add(values["name"])
        for key, column in columns.items():
            column.append(values[key])
    if not seen:
        raise DataError(f"no valid material in {len(rows)} rows; first {faults[0]}", file=path)
    if faults:
        skipped = f"{len(faults)} of {len(rows)} rows are left out; first {faults[0]}"
        warnings.warn(f"{path.name}: {skipped}", ValidityWarning, stacklevel=3)
    source = f"{database}, {path.name}" if database else path.name
    others = [
        key for key in (*heads.extra, "bulk", "shear") if np.isfinite(np.asarray(columns[key], dtype=float)).any()
    ]
    try:
        return MaterialTable(
            names=columns["name"], formulas=columns["formula"], source=source,
            properties={key: columns[key] for key in others},
            **{key: columns[key] for key in _NUMBERS[:4]},
        )  # fmt: skip
    except InputError as err:
        raise DataError(str(err), file=path) from err


_NUMBERS = ("density", "longitudinal", "transverse", "atoms", "bulk", "shear")


class _RowFault(Exception):
    """What is wrong with a row."""


class _Heads(NamedTuple):
    """Which columns hold what: head and factor to SI by what it is, and heads of further columns of numbers by name."""

    known: dict[str, tuple[str, float]]
    extra: dict[str, str]


def _find_columns(path: Path, rows: Sequence[Row]) -> _Heads:
    first = rows[0]
    database = any(key in first for key in _DATABASE_KEYS)
    known: dict[str, tuple[str, float]] = {}
    extra: dict[str, str] = {}
    for head in first:
        match = _HEAD.fullmatch(str(head))
        name, unit = (match["name"].lower(), match["unit"]) if match else (str(head), None)
        key = next((key for key, names in _COLUMNS.items() if name in names), None)
        if key == _HULL:
            extra[_HULL] = str(head)
        elif key is None:
            if _is_numeric(first[head]):
                extra[name] = str(head)
        elif key not in known or name == key:
            known[key] = (str(head), _unit_factor(path, key, str(head), unit, database=database))
    missing = ""
    if "structure" not in first:
        elastic = {"bulk", "shear"} <= known.keys() or {"longitudinal", "transverse"} <= known.keys()
        if "density" not in known or not elastic:
            lacks = "density" if "density" not in known else "shear_modulus" if "bulk" in known else "bulk_modulus"
            missing = f"{lacks}: expected {_WANTED}"
        elif not {"atoms", "volume", "formula"} & known.keys():
            missing = "formula, atoms or volume_per_atom"
    elif not {"bulk", "shear"} <= known.keys():
        missing = "bulk_modulus_vrh" if "bulk" not in known else "shear_modulus_vrh"
    if not missing and not {"name", "formula"} & known.keys():
        missing = "name or formula"
    if missing:
        raise DataError(f"has no column {missing}; there are {', '.join(first)}"[:300], file=path)
    return _Heads(known, extra)


def _unit_factor(path: Path, key: str, head: str, unit: str | None, *, database: bool) -> float:
    units = _UNITS.get(key)
    if units is None:
        return 1.0
    if not unit:
        return next(iter(units.values())) if database else units.get(_SI.get(key, ""), next(iter(units.values())))
    factor = units.get(unit.translate(_SIGNS))
    if factor is None:
        raise DataError(f"column {head!r:.40}: unknown unit, expected {', '.join(units)}", file=path)
    return factor


def _is_numeric(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return not isinstance(value, bool)


def _read_row(row: Row, heads: _Heads, masses: Mapping[str, float]) -> dict[str, Any]:
    name_head, formula_head = (heads.known.get(key, ("",))[0] for key in ("name", "formula"))
    formula = str(row.get(formula_head) or "").replace(" ", "")
    name = str(row.get(name_head) or formula)
    if not name:
        raise _RowFault("it has no name")
    given = {key: _row_number(row, *heads.known[key]) for key in _UNITS if key in heads.known}
    if isinstance(row.get("structure"), Mapping):
        given["density"], given["atoms"] = _structure_numbers(row["structure"], masses)
    elif "density" not in given:
        raise _RowFault("it has no structure, and the table no column density")
    if "longitudinal" not in given:
        bulk, shear, density = given["bulk"], given["shear"], given["density"]
        given["longitudinal"] = ((bulk + 4 / 3 * shear) / density) ** 0.5
        given["transverse"] = (shear / density) ** 0.5
    if "atoms" not in given:
        given["atoms"] = 1 / given["volume"] if "volume" in given else _formula_atoms(formula, given["density"], masses)
    extra = {key: float(row[head]) if _is_numeric(row.get(head)) else np.nan for key, head in heads.extra.items()}
    return {"name": name, "formula": formula, **{key: given.get(key, np.nan) for key in _NUMBERS}, **extra}


def _row_number(row: Row, head: str, factor: float) -> float:
    """One number above zero, in SI; that of Voigt, Reuss and Hill where an entry has all."""
    value: Any = row.get(head)
    if isinstance(value, Mapping):
        value = dict(value).get("vrh")
    number = float(value) if _is_numeric(value) else np.nan
    if not (np.isfinite(number) and number > 0):
        shown = f"{value!r:.40}" if value is not None else "missing"
        raise _RowFault(f"{head} = {shown}, expected a finite number above 0")
    return number * factor


def _structure_numbers(structure: Mapping[str, Any], masses: Mapping[str, float]) -> tuple[float, float]:
    """Density, kg m⁻³, and atoms per volume, m⁻³, of a structure of pymatgen."""
    try:
        volume = abs(float(np.linalg.det(np.array(structure["lattice"]["matrix"], dtype=float)))) * angstrom**3
        species = [
            (re.sub(r"[^A-Za-z].*", "", each["element"]), each["occu"])
            for site in structure["sites"] for each in site["species"]
        ]  # fmt: skip
        mass = sum(masses[element] * share for element, share in species) * m_u
        count = sum(share for _, share in species)
    except (KeyError, TypeError, ValueError, np.linalg.LinAlgError) as err:
        raise _RowFault(f"its structure cannot be read: {type(err).__name__} {err!s:.40}") from None
    if not (np.isfinite(volume) and volume > 0 and count > 0):
        raise _RowFault(f"its structure has a cell of {volume:g} m³ with {count:g} atoms")
    return mass / volume, count / volume


def _formula_atoms(formula: str, density: float, masses: Mapping[str, float]) -> float:
    """Atoms per volume of a density, m⁻³."""
    try:
        counts = composition(formula)
        mass = sum(masses[element] * count for element, count in counts.items()) / sum(counts.values())
    except (InputError, KeyError) as err:
        raise _RowFault(f"the formula {formula!r:.40} cannot be read: {err!s:.40}") from None
    return density / (mass * m_u)


SCREENING_SUFFIXES = (*RESULT_SUFFIXES, ".csv", ".parquet")
_ROWS_PER_BLOCK = 65_536  # which become texts and numbers of Python at once
_HEADS = (b"temperature,rank,left,right,", b"boundary,depth_m,temperature_K,")
_SEARCHED_BYTES = 4096  # in which comments end


def is_row_table(path: Path) -> bool:
    """Whether a text table has the columns of a screening, or of the boundaries of a device."""
    with open_regular(path) as file:
        lines = file.read(_SEARCHED_BYTES).splitlines()
    return next((line for line in lines if not line.startswith(b"#")), b"").startswith(_HEADS)


def read_row_table(path: str | PathLike[str]) -> Any:
    """Return the rows of a screening (.csv, .parquet) or of the boundaries of a device (.csv): a pandas.DataFrame, SI.

    Raises
    ------
    DataError
        for another table, or a damaged one
    MissingEngine
        without pandas, or without pyarrow for Parquet
    """
    pandas = require("pandas", extra="screen", why="a frame of pandas")
    place = file_path(path)
    try:
        if place.suffix.lower() == ".parquet":
            with open_regular(place) as stream:
                rows = require("pyarrow.parquet", extra="screen", why="reading Parquet").read_table(stream).to_pandas()
        else:
            rows = pandas.read_csv(io.BytesIO(read_limited(place)), comment="#")
    except MissingEngine:
        raise
    except Exception as err:
        raise DataError(f"is no table of rows: {err!s:.80}", file=place) from err
    if not ",".join(map(str, rows.columns)).encode().startswith(_HEADS):
        hint = Hint(python="kapitza.io.read_materials reads tables of materials")
        raise DataError("is no table of a screening", file=place, hint=hint)
    return rows


def check_screening_output(path: str | PathLike[str]) -> None:
    """Refuse, before anything is computed, what `write_screening` would refuse for its name or a missing package."""
    suffix = file_path(path).suffix.lower()
    if suffix not in SCREENING_SUFFIXES:
        raise InputError(f"{path}: expected a name that ends in {', '.join(SCREENING_SUFFIXES)}")
    if suffix == ".parquet":
        require("pyarrow", extra="screen", why="writing Parquet")


def write_screening(screening: Screening | InterlayerScreening, path: str | PathLike[str]) -> Path:
    """Write the rows of a screening, in SI, as `.csv` or `.parquet`; whole, as `save` does, with any other ending.

    Raises
    ------
    InputError
        for another ending
    MissingEngine
        for Parquet without pyarrow
    """
    check_screening_output(path)
    place = file_path(path)
    suffix = place.suffix.lower()
    if suffix in RESULT_SUFFIXES:
        return write_atomically(place, encode_result(screening, suffix))
    starts = range(0, max(len(screening), 1), _ROWS_PER_BLOCK)
    blocks = (screening.columns(slice(k, k + _ROWS_PER_BLOCK)) for k in starts)
    stream = io.BytesIO()
    if suffix == ".parquet":
        head = {"source": screening.source, "drop": getattr(getattr(screening, "ranking", None), "drop", "emitted")}
        arrow = require("pyarrow", extra="screen", why="writing Parquet")
        parquet = require("pyarrow.parquet", extra="screen", why="writing Parquet")
        tables = (arrow.table(columns).replace_schema_metadata(head) for columns in blocks)
        first = next(tables)
        with parquet.ParquetWriter(stream, first.schema) as rows:
            for table in chain((first,), tables):
                rows.write_table(table)
    else:
        text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
        writer = csv.writer(text)
        for number, columns in enumerate(blocks):
            if number == 0:
                writer.writerow(columns)
            writer.writerows(zip(*columns.values(), strict=True))
        text.detach()
    return write_atomically(place, stream.getbuffer())
