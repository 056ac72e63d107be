"""What the verbs print: tables for people, JSON for programs; notes beside both."""

from __future__ import annotations

import json
import math
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import typer

from kapitza.cli import deferred

CONDUCTANCE_UNIT = "W m^-2 K^-1"
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
    tree = _json_value(deferred.record_tree(content) | deferred.record_tree(derived or {}))
    typer.echo(json.dumps(tree, indent=1, ensure_ascii=False, allow_nan=False))


def print_record(result: Any, derived: Mapping[str, Any] | None = None) -> None:
    """Print a record, or records by name, as `kapitza.load` takes them from a file, with `derived` numbers beside."""
    print_json(deferred.result_tree(result), {"derived": derived} if derived else {})


def quantity_json(value: Any, unit: str, *, sigma: Any = None, meaning: str = "") -> dict[str, Any]:
    """Return a number, or several, in SI: with the unit, the standard uncertainty if it is known, and what it is."""
    beside = {"sigma": sigma} if sigma is not None else {}
    return {"unit": unit, "value": value, **beside, **({"meaning": meaning} if meaning else {})}


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, text: int = 1, piped: int = PIPED_COLUMNS
) -> None:
    """Print a table; the first `text` columns are text, the others numbers.

    Where a last column would be text again, its head starts with a space; it is wrapped at the edge of the terminal,
    and at `piped` columns where there is none.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for i, column in enumerate(columns):
        words = i < text or column.startswith(" ")
        table.add_column(column.strip(), justify="left" if words else "right", no_wrap=not column.startswith(" "))
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    terminal = sys.stdout.isatty()
    # a column that may not be wrapped would be cut where the terminal is narrow: a number is never cut
    heads = [[column.strip(), *(row[i] for row in rows)] for i, column in enumerate(columns)]
    lengths = [max(map(len, head)) for head in heads]
    needed = sum(min(20, n) if column[:1] == " " else n for n, column in zip(lengths, columns, strict=True))
    width = max(terminal_columns(piped), needed + 3 * len(columns))
    console = Console(file=sys.stdout, width=width, highlight=False, no_color=not terminal)
    with console.capture() as captured:
        console.print(table)
    lines = [title, *captured.get().strip("\n").splitlines()]
    typer.echo("\n".join(line.rstrip() for line in lines), color=terminal)


def terminal_columns(piped: int = PIPED_COLUMNS) -> int:
    """Return how wide the terminal is; `piped` where the output is piped, else nothing is cut or wrapped there."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else piped


def note(text: str) -> None:
    """Print a remark in one line, beside the output."""
    typer.echo(f"note: {' '.join(text.split())}", err=True)


def megawatts(value: float | None) -> str:
    """Return a conductance (W m⁻² K⁻¹) in MW m⁻² K⁻¹ for a table."""
    if value is None:
        return "–"
    if not math.isfinite(value):
        return "∞"
    return f"{value / 1e6:.0f}" if 1e10 <= value < 1e13 else f"{value / 1e6:.4g}"
