"""Text tables of numbers: named columns with units below one line of heads, or bare rows; comments behind #."""

import math
import re
from itertools import product
from os import PathLike
from pathlib import Path

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, about, numbers
from kapitza.core.files import file_path, read_limited
from kapitza.core.quantity_kinds import LARGEST, QUANTITY_KINDS, kind_of, unit_factor
from kapitza.core.records import BaseRecord
from kapitza.errors import DataError

_MAX_TABLE_BYTES = 2**27  # bytes of a table
_WANTED_TABLE = "expected a table of numbers (a line of heads, then rows of numbers)"
_OTHER_SUFFIXES = (".toml", ".yaml", ".yml", ".json", ".h5", ".npz")  # of files that hold no table of text
_COLUMN_HEAD = re.compile(r"\s*(?P<name>.*?)\s*[\[(](?P<unit>[^\])]*)[\])]\s*")
_UNIT_WITH_SLASH = {
    "m2KW": "m2K/W", "m2KMW": "m2K/MW", "m2KGW": "m2K/GW", "Wm2K": "W/m2K", "MWm2K": "MW/m2K", "WmK": "W/mK",
    "KW": "K/W", "KmW": "K/mW", "KuW": "K/uW",
}  # fmt: skip  # units that names of columns cannot hold as they are


@frozen(eq=False)
class TableColumn(BaseRecord):
    """A column of a table as in its file; the unit of its head stands apart, empty where there is none."""

    name: str
    unit: str
    value: Array = field(metadata=about("of the head", "(n,) numbers of the column"))


@frozen(eq=False)
class TextTable(BaseRecord):
    """Columns of a text table in their order."""

    path: Path
    columns: tuple[TableColumn, ...]
    lines: tuple[int, ...] = field(metadata=about("1", "line of the file in which each row stands"))

    def __contains__(self, name: str) -> bool:
        return any(name in (column.name, f"{column.name}_{column.unit}") for column in self.columns)

    def column(self, *names: str) -> TableColumn:
        """Return the first column of one of these names.

        Raises
        ------
        DataError
            if there is none
        """
        for name, column in product(names, self.columns):
            if name in (column.name, f"{column.name}_{column.unit}"):
                return column
        there = ", ".join(column.name for column in self.columns)
        raise DataError(f"no column {' or '.join(map(repr, names))}; there are {there}", file=self.path)

    def values(self, kind: str, *names: str) -> Array:
        """Return a column in SI.

        Parameters
        ----------
        kind : of its unit, see `kapitza.io.quantities`
        names : it may have

        Raises
        ------
        DataError
            if it is missing or has a unit of another kind
        """
        column = self.column(*names)
        factor = unit_factor(column.unit, kind) if column.unit else 1.0
        if factor is None:
            units = ", ".join(unit for unit in QUANTITY_KINDS[kind].accepted if unit)
            message = f"column {column.name!r} is in {column.unit}; expected {kind.replace('_', ' ')} in {units}"
            raise DataError(message, file=self.path)
        return numbers(column.value * factor)

    def increasing(self, kind: str, *names: str) -> Array:
        """Return a column in SI that must increase from row to row.

        Raises
        ------
        DataError
            at the first row that does not
        """
        value = self.values(kind, *names)
        falls = np.flatnonzero(np.diff(value) <= 0)
        if falls.size:
            row = int(falls[0]) + 1
            steps = f"{names[0]} goes from {value[row - 1]:g} to {value[row]:g}"
            raise row_fault(self, f"{steps}: expected values that increase", row)
        return value


def row_fault(table: TextTable, message: str, row: int) -> DataError:
    """Return the error of a row."""
    return DataError(message, file=table.path, line=table.lines[row])


def read_table(path: str | PathLike[str], *, most_rows: int | None = None) -> TextTable:
    """Read a text table with one line of heads; columns are parted by commas, semicolons, tabs or spaces.

    A head holds a name and a unit: ``delay_ps``, ``delay (ps)`` or ``delay [ps]``.  A file of more lines than
    `most_rows` is refused before its numbers are read.

    Raises
    ------
    DataError
        for too many lines; with the line, for rows of another length, what is no number, NaN or infinite values, or a
        file without rows
    OSError
        if the file is missing or may not be read
    """
    path = file_path(path)
    if path.suffix.lower() in _OTHER_SUFFIXES:
        raise DataError(f"{_WANTED_TABLE}, got a {path.suffix.lower()[1:].upper()} file", file=path)
    text = read_limited(path, _MAX_TABLE_BYTES).decode(errors="replace").lstrip("\ufeff")
    if most_rows is not None and text.count("\n") > most_rows:
        raise DataError(f"{text.count(chr(10)):,} lines: expected at most {most_rows:,} rows", file=path)
    rows = [
        (i, line) for i, line in enumerate(text.splitlines(), 1) if line.strip() and not line.lstrip().startswith("#")
    ]
    if len(rows) < 2:
        raise DataError(f"expected a line of heads and rows of numbers, got {len(rows)} lines", file=path)
    first_line, first = rows[0]
    mark = next((mark for mark in ("\t", ";", ",") if mark in first), None)  # None for spaces
    heads = [head.strip().strip('"') for head in first.split(mark)]
    if any(_is_number(head) for head in heads):
        raise DataError(f"expected the names of the columns, got {first!r:.60}", file=path, line=first_line)
    content = np.empty((len(rows) - 1, len(heads)))
    for k, (number, line) in enumerate(rows[1:]):
        cells = line.split(mark)
        if len(cells) != len(heads):
            message = f"has {len(cells)} columns where the heads have {len(heads)}: {_WANTED_TABLE}"
            raise DataError(message, file=path, line=number)
        for cell, head in zip(cells, heads, strict=True):
            if not _is_number(cell) or not abs(float(cell)) <= LARGEST:
                raise DataError(f"{head}: expected a finite number, got {cell.strip()!r:.40}", file=path, line=number)
        content[k] = [float(cell) for cell in cells]
    columns = [TableColumn(*_name_and_unit(head), numbers(content[:, i])) for i, head in enumerate(heads)]
    return TextTable(path, tuple(columns), tuple(number for number, _ in rows[1:]))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _name_and_unit(head: str) -> tuple[str, str]:
    match = _COLUMN_HEAD.fullmatch(head)
    if match:
        return match["name"], match["unit"].strip()
    name, _, unit = head.rpartition("_")
    unit = _UNIT_WITH_SLASH.get(unit, unit)
    return (name, unit) if name and kind_of(unit) else (head, "")


def number_rows(
    path: str | PathLike[str], most_bytes: int, *, skip: int = 0, largest: float = math.inf, missing: bool = True
) -> Array:
    """Return (n, k) numbers of a text file, separated by commas or blanks; what follows a # is left out.

    The first `skip` lines are not read.  Numbers beyond `largest` are refused, and NaN unless it stands for what is
    `missing`.
    """
    try:
        lines = read_limited(path, most_bytes).decode().splitlines()
    except UnicodeDecodeError as err:
        raise DataError("is not text: expected rows of numbers", file=path) from err
    rows: list[list[float]] = []
    for number, line in enumerate(lines[skip:], start=skip + 1):
        words = line.partition("#")[0].replace(",", " ").split()
        if not words:
            continue
        try:
            row = [float(word) for word in words]
        except ValueError as err:
            raise DataError(f"expected numbers, got {line.strip()!r:.60}", file=path, line=number) from err
        if rows and len(row) != len(rows[0]):
            raise DataError(f"{len(row)} numbers, expected {len(rows[0])} as above", file=path, line=number)
        if largest < math.inf and not all(abs(x) <= largest or (missing and math.isnan(x)) for x in row):
            wanted = f"finite numbers up to {largest:g}" + (", or NaN where there is none" if missing else "")
            raise DataError(f"expected {wanted}, got {line.strip()!r:.60}", file=path, line=number)
        rows.append(row)
    if not rows:
        raise DataError("holds no numbers: expected rows of them", file=path)
    return np.array(rows)
