"""What commands print and write: tables of records, prose and notes for people, JSON for programs, figures and results.

Each number of a table is shown in a unit of its own, and what it is comes from the record itself.  The SI unit and the
meaning stand once, in ``field(metadata={"unit": "A", "meaning": "reset current"})``.  Numbers that follow from a record
are made by `quantity_json`, and go into the table and into ``--json`` alike:

    derived = {"saved": quantity_json(found.saved, "1", meaning="saved by boundaries")}
    columns = [*columns_of(found, {"current": "µA", "power": "µW"}), *columns_of(derived, {"saved": "%"})]
    files.report(found, [Values(title, columns)], derived)

`Values` gives each number a row, `Table` gives each array a column; texts are `Column("state", texts)`.
"""

from __future__ import annotations

import json
import math
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple

import typer

import kapitza
from kapitza.cli.layer import Option
from kapitza.core.files import check_replaceable, write_atomically
from kapitza.core.parameter_units import with_error
from kapitza.core.quantity_kinds import QUANTITY_KINDS, with_negative_powers
from kapitza.errors import InputError
from kapitza.io import RESULT_SUFFIXES, known_suffix
from kapitza.units import e

CONDUCTANCE_UNIT = "W m^-2 K^-1"
_WRAPPED_WIDTH, _TEXT_WIDTH = 20, 36  # characters of a remark, and of a text, that are not wrapped further
_GAP = 3  # characters between two columns
PIPED_COLUMNS = 100_000  # nothing is cut or wrapped where no terminal has an edge


def _json_value(value: Any) -> Any:
    """Return a value that JSON can hold: infinite numbers as text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, dict):
        return {key: _json_value(item) for key, item in value.items()}
    return [_json_value(item) for item in value] if isinstance(value, list) else value


def print_json(content: Any, derived: Mapping[str, Any] | None = None) -> None:
    """Print what no file holds, with `derived` numbers beside it; records, arrays and tuples may stand anywhere."""
    tree = _json_value(kapitza.io.record_tree(content) | kapitza.io.record_tree(derived or {}))
    typer.echo(json.dumps(tree, indent=1, ensure_ascii=False, allow_nan=False))


def print_record(result: Any, derived: Mapping[str, Any] | None = None) -> None:
    """Print a record, or records by name, as `kapitza.load` takes them from a file, with `derived` numbers beside."""
    print_json(kapitza.io.result_tree(result), {"derived": derived} if derived else {})


def quantity_json(value: Any, unit: str, *, sigma: Any = None, meaning: str = "") -> dict[str, Any]:
    """Return a number, or several, in SI: with the unit, the standard uncertainty if it is known, and what it is."""
    beside = {"sigma": sigma} if sigma is not None else {}
    return {"unit": unit, "value": value, **beside, **({"meaning": meaning} if meaning else {})}


def print_text(text: str = "") -> None:
    """Print lines of prose: wrapped at the edge of a terminal, as they are where the output is piped."""
    typer.echo("\n".join(_fill_line(line, terminal_columns()) for line in text.split("\n")))


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, text: int = 1, piped: int = PIPED_COLUMNS
) -> None:
    """Print a table; the first `text` columns are text, the others numbers.

    Where a last column would be text again, its head starts with a space; it is wrapped at the edge of the terminal,
    and at `piped` columns where there is none.  A table that is wider than the terminal is printed in parts, each with
    the first column: a number is never cut.
    """
    room = terminal_columns(piped)
    half = (room - _GAP - 1) // 2  # of which two columns fit
    # a text above the longest is wrapped; None for numbers, which are never cut
    longest = [
        min(_WRAPPED_WIDTH if column.startswith(" ") else _TEXT_WIDTH, half)
        if column.startswith(" ") or i < text
        else None
        for i, column in enumerate(columns)
    ]
    needed = list[int]()
    for i, (column, limit) in enumerate(zip(columns, longest, strict=True)):
        length = max(map(len, [column.strip(), *(row[i] for row in rows)]))
        needed.append(length if limit is None else min(limit, length))
    kept = min(text, 1)
    parts = [list(range(kept))]  # columns of each part; the first `kept` are in all of them
    for i in range(kept, len(needed)):
        if len(parts[-1]) > kept and _table_width([needed[j] for j in (*parts[-1], i)]) > room:
            parts.append(list(range(kept)))
        parts[-1].append(i)
    tables = list[str]()
    for part in parts:
        cells = [[row[i] for i in part] for row in rows]
        width = max(room, _table_width([needed[i] for i in part]) + 1)  # with a blank at the end, which is taken off
        lines = _table_lines([columns[i] for i in part], cells, [longest[i] for i in part], width)
        tables.append("\n".join(lines))
    heads = [_fill_line(line, room) for line in title.split("\n")]
    typer.echo("\n".join([*heads, "\n\n".join(tables)]), color=sys.stdout.isatty())


def _table_width(needed: Sequence[int]) -> int:
    return 1 + sum(needed) + _GAP * (len(needed) - 1)


def _table_lines(
    columns: Sequence[str], rows: Sequence[Sequence[str]], longest: Sequence[int | None], width: int
) -> list[str]:
    """Return the lines of one table; a column of texts has a longest that is not wrapped, one of numbers None."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for i, (column, limit) in enumerate(zip(columns, longest, strict=True)):
        wrapped = limit is not None and max(len(row[i]) for row in [*rows, columns]) > limit
        table.add_column(column.strip(), justify="right" if limit is None else "left", no_wrap=not wrapped)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    terminal = sys.stdout.isatty()
    console = Console(file=sys.stdout, width=width, highlight=False, no_color=not terminal)
    with console.capture() as captured:
        console.print(table)
    return [line.rstrip() for line in captured.get().strip("\n").splitlines()]


def terminal_columns(piped: int = PIPED_COLUMNS) -> int:
    """Return how wide the terminal is; `piped` where the output is piped, else nothing is cut or wrapped there."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else piped


def _fill_line(line: str, room: int) -> str:
    """Return a line of prose in as many lines as it needs; the further ones are two blanks deeper."""
    if len(line) <= room:
        return line
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.fill(line, room, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def note(text: str) -> None:
    """Print a remark beside the output: one line, or more on a terminal that is narrower."""
    line = f"note: {' '.join(text.split())}"
    if sys.stderr.isatty():
        # a line of progress may stand there
        line = f"\r\x1b[K{_fill_line(line, shutil.get_terminal_size().columns)}"
    typer.echo(line, err=True)


def megawatts(value: float | None) -> str:
    """Return a conductance (W m⁻² K⁻¹) in MW m⁻² K⁻¹ for a table."""
    if value is None:
        return "–"
    if not math.isfinite(value):
        return "∞"
    return f"{value / 1e6:.0f}" if 1e10 <= value < 1e13 else f"{value / 1e6:.4g}"


_SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴", "-01234")
_SIGNS = {digit: sign for sign, digit in zip("⁻⁰¹²³⁴", "-01234", strict=True)}
_PREFIXES = {
    "f": 1e-15, "p": 1e-12, "n": 1e-9, "µ": 1e-6, "m": 1e-3, "c": 1e-2, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
}  # fmt: skip
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
    interval: Sequence[float] = ()  # 95 % interval of such a number in the shown unit, or empty

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


class Grid(NamedTuple):
    """Table of texts, of which the first `text` columns are aligned to the left."""

    title: str
    heads: Sequence[str]  # a last column of texts, which wraps, starts with a blank
    rows: Sequence[Sequence[str]]
    text: int = 1
    piped: int = PIPED_COLUMNS  # width at which texts of the last column wrap where there is no terminal


class Table(NamedTuple):
    """Table with a row for each value of the columns."""

    title: str
    columns: Iterable[Column]
    digits: int = 4
    piped: int = PIPED_COLUMNS

    def grid(self) -> Grid:
        """Return the table as texts."""
        held = list(self.columns)
        leading = next((i for i, column in enumerate(held) if not column.text), len(held))
        heads = [" " * (column.text and i >= leading) + column.head for i, column in enumerate(held)]
        rows = [[column.cell(i, self.digits) for column in held] for i in range(len(held[0].values))]
        return Grid(self.title, heads, rows, leading, self.piped)


class Values(NamedTuple):
    """Table with a row for each number: what it is, value and unit."""

    title: str
    columns: Iterable[Column]
    digits: int = 4

    def grid(self) -> Grid:
        """Return the table as texts."""
        held = list(self.columns)
        rows = [[one.meaning or one.name, one.cell(0, self.digits), one.unit] for one in held]
        if not any(one.interval for one in held):
            return Grid(self.title, ["", "value", " unit"], rows)
        ends = [" to ".join(format_number(float(f"{end:.3g}"), 3) for end in one.interval) for one in held]
        rows = [[name, value, interval, unit] for (name, value, unit), interval in zip(rows, ends, strict=True)]
        return Grid(self.title, ["", "value", "95 %", " unit"], rows)


class Note(str):
    """Remark beside the output."""


Part = Table | Values | Grid | Note | str


def print_parts(parts: Iterable[Part]) -> None:
    """Print tables, lines of prose and remarks in their order."""
    for part in parts:
        if isinstance(part, Note):
            note(part)
        elif isinstance(part, str):
            print_text(part)
        else:
            title, heads, rows, text, piped = part if isinstance(part, Grid) else part.grid()
            print_table(title, heads, rows, text=text, piped=piped)


def columns_of(source: Any, units: Mapping[str, str] | str = "") -> list[Column]:
    """Return attributes of a record, of several, or numbers of `quantity_json`, as columns.

    `units` states by name in which unit each is shown, such as ``{"period": "nm"}``; "" for the usual one.  A text is
    the names of those that are all shown in their usual units; if it is empty, all numbers of a mapping are shown.  An
    attribute of the same name with ``_sigma`` (of ``value``: ``sigma``) is shown as its uncertainty.
    """
    shown = dict.fromkeys(units.split() or source, "") if isinstance(units, str) else units
    return [_make_column(source, name, unit) for name, unit in shown.items()]


def even_subset(count: int, most: int) -> list[int]:
    """Return at most `most` of `count` indices, evenly spread, first and last among them."""
    if count <= most:
        return list(range(count))
    return [round(i * (count - 1) / (most - 1)) for i in range(most)]


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
    # as it is printed: ``W m⁻² K⁻¹`` for ``W m^-2 K^-1``
    plain = "" if unit == "1" else re.sub(r"\^(-?\d+)", lambda power: "".join(map(_SIGNS.__getitem__, power[1])), unit)
    shown = shown or _USUAL_UNITS.get(unit, plain)
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


FIGURE_SUFFIXES = (".png", ".pdf", ".svg")
_DOTS_PER_INCH = 160  # per inch


def check_output(path: str | None, suffixes: Collection[str]) -> None:
    """Refuse, before anything is computed, a path that cannot become a file of one of these endings."""
    if path is not None:
        known_suffix(path, suffixes)
        check_folder(path)


def check_folder(path: str) -> None:
    """Refuse a path in a folder that does not exist, or of a folder."""
    target = Path(path)
    if not target.parent.is_dir():
        raise InputError(f"there is no folder {str(target.parent)!r} to write {target.name!r} into")
    check_replaceable(target)


def write_axes(path: str, draw: Callable[[Any], object], *, height: float = 4.4) -> None:
    """Draw on the axes of a new figure of this height (inches) and write it."""
    write_figure(path, lambda figure: draw(figure.add_subplot()), height=height)


def write_figure(path: str, draw: Callable[[Any], object], *, width: float = 7.6, height: float = 4.4) -> None:
    """Draw into a new figure of this size (inches), with axes of its own, and write it."""
    figure = kapitza.plot.style.new_figure(width=width, height=height)
    draw(figure)
    buffer = BytesIO()
    figure.savefig(buffer, format=Path(path).suffix[1:].lower(), dpi=_DOTS_PER_INCH)
    write_atomically(path, buffer.getvalue())


@dataclass(frozen=True)
class Results:
    """What a command writes and prints; the paths of files are checked before anything is computed."""

    panel: ClassVar[str] = "Output"
    suffixes: ClassVar[Collection[str]] = RESULT_SUFFIXES  # of the saved file
    others: ClassVar[Mapping[str, Collection[str]]] = {}  # options of further files, with the endings of their names

    plot: Annotated[str | None, Option("figure: .png, .pdf or .svg", metavar="FILE")] = None
    save: Annotated[str | None, Option("save everything: .json, .npz or .h5", metavar="FILE")] = None
    as_json: Annotated[bool, Option("machine-readable output, with units", names="--json")] = False

    def __post_init__(self) -> None:
        for option, suffixes in {"plot": FIGURE_SUFFIXES, "save": self.suffixes, **self.others}.items():
            check_output(self.path(option), suffixes)

    def path(self, option: str) -> str | None:
        """Return the file of an option, which is the last of several texts."""
        given = getattr(self, option)
        return given[-1] if isinstance(given, tuple) else given

    def report(self, record: Any, printed: Iterable[Part] = (), derived: Mapping[str, Any] | None = None) -> None:
        """Save a record, or several by name, and print them: as JSON with what is derived, or as tables and texts."""
        self.keep(record)
        self.show(record, printed, derived)

    def show(
        self,
        record: Any,
        printed: Iterable[Part] = (),
        derived: Mapping[str, Any] | None = None,
        *,
        plain: bool = False,
    ) -> None:
        """Print as `report` does, without saving; `plain` is what no file can hold."""
        if self.as_json:
            (print_json if plain else print_record)(record, derived)
        else:
            print_parts(printed)
        self.announce()

    def keep(self, record: Any) -> None:
        """Save a record, or several by name, if a file was asked for."""
        if self.save is not None:
            kapitza.save(record, self.save)

    def draw(self, draw: Callable[[Any], object], *, height: float = 4.4) -> None:
        """Draw on the axes of a new figure of this height (inches), where one was asked for."""
        self.draw_figure(lambda figure: draw(figure.add_subplot()), height=height)

    def draw_figure(self, draw: Callable[[Any], object], *, width: float = 7.6, height: float = 4.4) -> None:
        """Draw into a new figure of this size (inches), where one was asked for."""
        if self.plot is not None:
            write_figure(self.plot, draw, width=width, height=height)

    def announce(self) -> None:
        """Report which files were written."""
        for path in filter(None, map(self.path, ("save", "plot", *self.others))):
            note(f"wrote {path}")
