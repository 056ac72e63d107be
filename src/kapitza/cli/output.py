"""What the verbs print: tables for people, JSON for programs; notes beside both."""

from __future__ import annotations

import json
import math
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import typer

import kapitza

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
    longest = [
        min(_WRAPPED_WIDTH if column.startswith(" ") else _TEXT_WIDTH, half)
        if column.startswith(" ") or i < text
        else None
        for i, column in enumerate(columns)
    ]
    needed = [_needed_width(column, [row[i] for row in rows], longest[i]) for i, column in enumerate(columns)]
    tables = list[str]()
    for part in _table_parts(needed, min(text, 1), room):
        cells = [[row[i] for i in part] for row in rows]
        width = max(room, _table_width([needed[i] for i in part]) + 1)  # with a blank at the end, which is taken off
        lines = _table_lines([columns[i] for i in part], cells, [longest[i] for i in part], width)
        tables.append("\n".join(lines))
    heads = [_fill_line(line, room) for line in title.split("\n")]
    typer.echo("\n".join([*heads, "\n\n".join(tables)]), color=sys.stdout.isatty())


def _needed_width(column: str, cells: Sequence[str], longest: int | None) -> int:
    """Return how wide a column is at least: numbers are never cut, texts above the longest are wrapped."""
    length = max(map(len, [column.strip(), *cells]))
    return length if longest is None else min(longest, length)


def _table_width(needed: Sequence[int]) -> int:
    """Return how many characters the lines of a table have, of columns that are so wide."""
    return 1 + sum(needed) + _GAP * (len(needed) - 1)


def _table_parts(needed: Sequence[int], kept: int, room: int) -> list[list[int]]:
    """Return the columns of each part of a table that fits into the room; the first `kept` are in all of them."""
    parts = [list(range(kept))]
    for i in range(kept, len(needed)):
        if len(parts[-1]) > kept and _table_width([needed[j] for j in (*parts[-1], i)]) > room:
            parts.append(list(range(kept)))
        parts[-1].append(i)
    return parts


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
