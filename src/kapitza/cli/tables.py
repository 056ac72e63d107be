"""Tables of records: each number is shown in a unit of its own, and what it is comes from the record itself.

The SI unit and the meaning of a number stand once, in ``field(metadata={"unit": "A", "meaning": "reset current"})``.
Numbers that follow from a record are made by `quantity_json`, and go into the table and into ``--json`` alike:

    derived = {"saved": quantity_json(found.saved, "1", meaning="saved by boundaries")}
    if as_json:
        print_record(found, derived)
        return
    print_values(title, [*columns_of(found, {"current": "µA", "power": "µW"}), *columns_of(derived, {"saved": "%"})])

`print_values` gives each number a row, `print_columns` gives each array a column; texts are `Column("state", texts)`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from kapitza.cli.output import PIPED_COLUMNS, note, print_table, print_text
from kapitza.core.parameter_units import with_error
from kapitza.core.quantity_kinds import QUANTITY_KINDS, with_negative_powers
from kapitza.errors import InputError
from kapitza.units import e

_SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴", "-01234")
_SIGNS = {digit: sign for sign, digit in zip("⁻⁰¹²³⁴", "-01234", strict=True)}
_PREFIXES = {
    "f": 1e-15,
    "p": 1e-12,
    "n": 1e-9,
    "µ": 1e-6,
    "m": 1e-3,
    "c": 1e-2,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
}
_BASES = ("m", "s", "K", "W", "J", "kg", "A", "V", "rad", "N", "Pa", "Ohm", "C", "mol", "u", "1")
_NAMED_UNITS: Mapping[str, tuple[float, str]] = {
    "%": (1e-2, ""), "°": (math.pi / 180, "rad"), "Å": (1e-10, "m"), "eV": (e, "J"), "Hz": (2 * math.pi, "rad s^-1"),
    "g": (1e-3, "kg"), "ppm": (1e-6, ""),
}  # fmt: skip
_USUAL_UNITS = {  # in which numbers are shown if a verb asks for no other
    "rad s^-1": "THz",
    **{
        QUANTITY_KINDS[kind].unit: with_negative_powers(QUANTITY_KINDS[kind].shown)
        for kind in ("conductance", "resistance", "length")
    },
}


class Column(NamedTuple):
    """Numbers or texts for a column or, if there is one only, for a row of a table."""

    name: str  # head of the column
    values: Sequence[Any]  # one for each row, in the shown unit; None for what is not known
    unit: str = ""  # as it is shown
    sigmas: Sequence[float | None] = ()  # standard uncertainties in the shown unit, or empty
    meaning: str = ""  # of a number that has a row for itself; the name if empty

    @property
    def head(self) -> str:
        """Name and unit."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    @property
    def text(self) -> bool:
        """Whether the column holds texts."""
        return all(isinstance(value, str) for value in self.values)

    def cell(self, row: int, digits: int = 4) -> str:
        """Text of one row: a number of so many digits, with its uncertainty."""
        value = format_number(self.values[row], digits)
        sigma = self.sigmas[row] if self.sigmas else None
        return value if sigma is None or math.isnan(sigma) else with_error(float(self.values[row]), sigma)


def error_cells(values: Iterable[float], sigmas: Iterable[float]) -> list[str]:
    """Return numbers with their uncertainties as texts, with a dash for each that is not known."""
    pairs = ((float(value), float(sigma)) for value, sigma in zip(values, sigmas, strict=True))
    return [with_error(value, sigma) if math.isfinite(value) else "–" for value, sigma in pairs]


class Table(NamedTuple):
    """Table with a row for each value of the columns; evenly chosen rows if there are more than `most`."""

    title: str
    columns: Iterable[Column]
    digits: int = 4
    most: int | None = None
    piped: int = PIPED_COLUMNS  # width at which texts of the last column wrap where there is no terminal


class Values(NamedTuple):
    """Table with a row for each number: what it is, value and unit."""

    title: str
    columns: Iterable[Column]
    digits: int = 4


class Grid(NamedTuple):
    """Table of texts, of which the first `text` columns are aligned to the left."""

    title: str
    heads: Sequence[str]  # a last column of texts, which wraps, starts with a blank
    rows: Sequence[Sequence[str]]
    text: int = 1
    piped: int = PIPED_COLUMNS


class Note(str):
    """Remark beside the output."""


Part = Table | Values | Grid | Note | str


def print_parts(parts: Iterable[Part]) -> None:
    """Print tables, lines of prose and remarks in their order."""
    for part in parts:
        if isinstance(part, Table):
            print_columns(part.title, part.columns, digits=part.digits, most=part.most, piped=part.piped)
        elif isinstance(part, Values):
            print_values(part.title, part.columns, digits=part.digits)
        elif isinstance(part, Grid):
            print_table(part.title, part.heads, part.rows, text=part.text, piped=part.piped)
        elif isinstance(part, Note):
            note(part)
        else:
            print_text(part)


def columns_of(source: Any, units: Mapping[str, str] | str = "") -> list[Column]:
    """Return attributes of a record, of several, or numbers of `quantity_json`, as columns.

    `units` states by name in which unit each is shown, such as ``{"period": "nm"}``; "" for the usual one.  A text is
    the names of those that are all shown in their usual units; if it is empty, all numbers of a mapping are shown.  An
    attribute of the same name with ``_sigma`` (of ``value``: ``sigma``) is shown as its uncertainty.
    """
    shown = dict.fromkeys(units.split() or source, "") if isinstance(units, str) else units
    return [_make_column(source, name, unit) for name, unit in shown.items()]


def print_columns(
    title: str, columns: Iterable[Column], *, digits: int = 4, most: int | None = None, piped: int = PIPED_COLUMNS
) -> None:
    """Print a table with a row for each value of the columns; evenly chosen rows if there are more than `most`.

    Texts of the last column are wrapped at the edge of the terminal, and at `piped` columns where there is none.
    """
    held = list(columns)
    count = len(held[0].values)
    shown = range(count) if most is None else even_subset(count, most)
    leading = next((i for i, column in enumerate(held) if not column.text), len(held))
    heads = [" " * (column.text and i >= leading) + column.head for i, column in enumerate(held)]
    print_table(title, heads, [[column.cell(i, digits) for column in held] for i in shown], text=leading, piped=piped)


def even_subset(count: int, most: int) -> list[int]:
    """Return at most `most` of `count` indices, evenly spread, first and last among them."""
    if count <= most:
        return list(range(count))
    return [round(i * (count - 1) / (most - 1)) for i in range(most)]


def print_values(title: str, columns: Iterable[Column], *, digits: int = 4) -> None:
    """Print a table with a row for each number: what it is, value and unit."""
    rows = [[column.meaning or column.name, column.cell(0, digits), column.unit] for column in columns]
    print_table(title, ["", "value", " unit"], rows)


def format_number(value: Any, digits: int = 4) -> str:
    """Return a number of so many digits, with a power of ten from 1000 times as many on; texts as they are."""
    if value is None:
        return "–"
    if isinstance(value, (str, bool)):
        return str(value)
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞" if value > 0 else "-∞"
    return f"{value:.0f}" if 10**digits <= abs(value) < 10 ** (digits + 3) else f"{value:.{digits}g}"


def shown_factor(shown: str, unit: str) -> float:
    """Return what one shown unit (``MW m⁻² K⁻¹``) is in another of the same kind (``W m^-2 K^-1``)."""
    factor, powers = _base_powers(shown)
    other, wanted = _base_powers(unit)
    if powers != wanted:
        raise InputError(f"a number in {unit or 'no unit'} cannot be shown in {shown or 'none'}")
    return factor / other


def _base_powers(unit: str) -> tuple[float, dict[str, int]]:
    """Factor and powers of the base units of a unit."""
    factor, powers = 1.0, dict[str, int]()
    for part in unit.translate(_SUPERSCRIPTS).split():
        match = re.fullmatch(r"([^\d^-]+|1)\^?(-?\d+)?", part)
        if match is None:
            raise InputError(f"unknown unit {part!r:.40}")
        symbol, power = match[1], int(match[2] or 1)
        size, bases = _symbol_powers(symbol)
        factor *= size**power
        for base, one in bases.items():
            powers[base] = powers.get(base, 0) + one * power
    return factor, {base: power for base, power in powers.items() if power and base != "1"}


def _symbol_powers(symbol: str) -> tuple[float, dict[str, int]]:
    if symbol in _BASES:
        return 1.0, {symbol: 1}
    if symbol in _NAMED_UNITS:
        size, unit = _NAMED_UNITS[symbol]
        factor, powers = _base_powers(unit)
        return size * factor, powers
    if symbol[0] not in _PREFIXES or len(symbol) == 1:
        raise InputError(f"unknown unit {symbol!r:.40}")
    factor, powers = _symbol_powers(symbol[1:])
    return _PREFIXES[symbol[0]] * factor, powers


def _make_column(source: Any, name: str, shown: str) -> Column:
    value, about = _value_and_metadata(source, name)
    unit = about.get("unit", "")
    shown = shown or _USUAL_UNITS.get(unit, "" if unit == "1" else _with_superscripts(unit))
    factor = shown_factor(shown, unit)
    sigma = _value_and_metadata(source, "sigma" if name == "value" else f"{name}_sigma")[0]
    sigma = about.get("sigma", sigma)
    sigmas = () if sigma is None else _scale(sigma, factor)
    return Column(name.replace("_", " "), _scale(value, factor), shown, sigmas, about.get("meaning", ""))


def _value_and_metadata(source: Any, name: str) -> tuple[Any, Mapping[str, Any]]:
    """Value of an attribute, of each record if there are several, and its metadata; None for what is not there."""
    if isinstance(source, Mapping):
        entry = source.get(name, {})
        return entry.get("value"), entry
    if isinstance(source, (list, tuple)):
        found = [_value_and_metadata(one, name) for one in source]
        values = [value for value, _ in found]
        return (None if all(value is None for value in values) else values), found[0][1] if found else {}
    fields = {attribute.name: attribute.metadata for attribute in getattr(type(source), "__attrs_attrs__", ())}
    return getattr(source, name, None), fields.get(name, {})


def _scale(value: Any, factor: float) -> list[Any]:
    value = value.tolist() if hasattr(value, "tolist") else value
    items = list(value) if isinstance(value, (list, tuple)) else [value]
    return [one if one is None or isinstance(one, (str, bool)) else one / factor for one in items]


def _with_superscripts(unit: str) -> str:
    """Return a unit as it is printed: ``W m⁻² K⁻¹`` for ``W m^-2 K^-1``."""
    return re.sub(r"\^(-?\d+)", lambda power: "".join(map(_SIGNS.__getitem__, power[1])), unit)
