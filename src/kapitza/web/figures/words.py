"""What a figure shows, in words and as a table, for who does not see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from types import MappingProxyType
from typing import Any

_MAX_ROWS = 400  # of a table: evenly taken from more
_PLAIN = MappingProxyType({"xaxis": "horizontal", "yaxis": "vertical"})  # heads where an axis has no title


def figure_words(figure: Mapping[str, Any]) -> str:
    """One sentence: axes, and the name and size of each series that is shown."""
    layout = figure["layout"]
    axes = [layout.get(key, {}).get("title", {}).get("text", "") for key in ("xaxis", "yaxis")]
    series = [f"{_name(one, i)}, {_extent(one)}" for i, one in enumerate(_visible_traces(figure))]
    return "; ".join(filter(None, (" against ".join(filter(None, reversed(axes))), *series)))


def figure_table(figure: Mapping[str, Any]) -> str:
    """An HTML table of the points that are shown: series, horizontal, vertical, and the value of a map."""
    layout = figure["layout"]
    heads = [layout.get(key, {}).get("title", {}).get("text", "") or plain for key, plain in _PLAIN.items()]
    rows = [(_name(one, i), *point) for i, one in enumerate(_visible_traces(figure)) for point in _point_rows(one)]
    has_value = any(len(row) > 3 for row in rows)
    names = ["series", *heads, *(["value"] if has_value else [])]
    kept = rows[:: max(1, -(-len(rows) // _MAX_ROWS))]
    note = "" if len(kept) == len(rows) else f'<p class="k-note">{len(kept)} of {len(rows)} points</p>'
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in names)
    body = "".join("<tr>" + "".join(f"<td>{escape(_text(cell))}</td>" for cell in row) + "</tr>" for row in kept)
    return f'{note}<table class="k-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _visible_traces(figure: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Traces that are drawn at first."""
    return [one for one in figure["data"] if one.get("visible", True) is True]


def _name(trace: Mapping[str, Any], number: int) -> str:
    """What the legend calls a trace."""
    return str(trace.get("name") or f"series {number + 1}").replace("<br>", " ")


def _extent(trace: Mapping[str, Any]) -> str:
    """Number of points of a trace and the range of its values."""
    values = [point[-1] for point in _point_rows(trace)]
    numbers = [one for one in values if isinstance(one, int | float)]
    if not numbers:
        numbers = [point[0] for point in _point_rows(trace) if isinstance(point[0], int | float)]
    if len(numbers) == 1:
        return f"{numbers[0]:.3g}"
    span = f" from {min(numbers):.3g} to {max(numbers):.3g}" if numbers else ""
    return f"{len(values)} {'point' if len(values) == 1 else 'points'}{span}"


def _point_rows(trace: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Coordinates of the points of a trace; of a map, with the value of each pixel."""
    x, y = trace.get("x", ()), trace.get("y", ())
    if trace.get("type") == "heatmap":
        yield from (
            (a, b, value) for b, row in zip(y, trace["z"], strict=False) for a, value in zip(x, row, strict=False)
        )
    else:
        yield from zip(x, y, trace["z"], strict=False) if "z" in trace else zip(x, y, strict=False)


def _text(cell: Any) -> str:
    """A cell as text."""
    if cell is None:
        return "–"
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)
