"""What a figure shows, in words and as a table, for who does not see it; and what differs between two figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, NamedTuple

_MAX_ROWS = 400  # of a table: evenly taken from more


def _axis_titles(figure: Mapping[str, Any]) -> list[str]:
    return [figure["layout"].get(key, {}).get("title", {}).get("text", "") for key in ("xaxis", "yaxis")]


def _named_points(figure: Mapping[str, Any]) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    """Names and points of the traces that are drawn at first; points of a map have the value of the pixel."""
    for i, one in enumerate(one for one in figure["data"] if one.get("visible", True) is True):
        x, y = one.get("x", ()), one.get("y", ())
        if one.get("type") == "heatmap":
            rows = zip(y, one["z"], strict=False)
            points = [(a, b, value) for b, row in rows for a, value in zip(x, row, strict=False)]
        else:
            points = list(zip(x, y, *([one["z"]] if "z" in one else []), strict=False))
        yield str(one.get("name") or f"series {i + 1}").replace("<br>", " "), points


def figure_words(figure: Mapping[str, Any]) -> str:
    """One sentence: axes, and the name and size of each series that is shown."""
    series = [f"{name}, {_extent(points)}" for name, points in _named_points(figure)]
    return "; ".join(filter(None, (" against ".join(filter(None, reversed(_axis_titles(figure)))), *series)))


def _extent(points: list[tuple[Any, ...]]) -> str:
    """Number of points of a trace and the range of its values, of names that of the horizontal coordinates."""
    numbers = [point[-1] for point in points if isinstance(point[-1], int | float)]
    numbers = numbers or [point[0] for point in points if isinstance(point[0], int | float)]
    if len(numbers) == 1:
        return f"{numbers[0]:.3g}"
    span = f" from {min(numbers):.3g} to {max(numbers):.3g}" if numbers else ""
    return f"{len(points)} {'point' if len(points) == 1 else 'points'}{span}"


def figure_table(figure: Mapping[str, Any]) -> str:
    """An HTML table of the points that are shown: series, horizontal, vertical, and the value of a map."""
    rows = [(name, *point) for name, points in _named_points(figure) for point in points]
    heads = [title or plain for title, plain in zip(_axis_titles(figure), ("horizontal", "vertical"), strict=True)]
    kept = rows[:: max(1, -(-len(rows) // _MAX_ROWS))]
    note = "" if len(kept) == len(rows) else f'<p class="k-note">{len(kept)} of {len(rows)} points</p>'
    cells = [["–" if x is None else f"{x:.4g}" if isinstance(x, float) else str(x) for x in row] for row in kept]
    value = ["value"] if any(len(row) > 3 for row in rows) else []
    return note + html_table(["series", *heads, *value], [[escape(cell) for cell in row] for row in cells])


def html_table(heads: list[str], rows: list[list[str]], numbers: int = 0) -> str:
    """An HTML table of cells that are escaped; the last `numbers` columns are numbers, aligned to the right."""

    def cells(tag: str, row: list[str]) -> str:
        right = [""] * (len(row) - numbers) + [' class="k-right"'] * numbers
        return "".join(f"<{tag}{kind}>{cell}</{tag[:2]}>" for kind, cell in zip(right, row, strict=True))

    head = cells('th scope="col"', [escape(one) for one in heads])
    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f'<table class="k-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


class FigureChange(NamedTuple):
    """Arguments of ``Plotly.update``."""

    data: dict[str, list[Any]]  # new values of attributes, as "y" and "marker.color", one for each of `traces`
    layout: dict[str, Any]  # new values of attributes of the layout, as "shapes" and "yaxis.range"
    traces: list[int]  # numbers of the traces that change


def figure_change(before: Mapping[str, Any], after: Mapping[str, Any]) -> FigureChange | None:
    """Return what makes one figure of another; None where traces or attributes come or go.

    With it a slider sends the browser a few numbers and not the figure anew.
    """
    if len(before["data"]) != len(after["data"]):
        return None
    layout = _differences(before["layout"], after["layout"])
    found = [_differences(old, new) for old, new in zip(before["data"], after["data"], strict=True)]
    if layout is None or any(one is None for one in found):
        return None
    traces = [i for i, one in enumerate(found) if one]
    names = dict.fromkeys(name for one in found if one for name in one)
    try:
        data = {name: [_value(after["data"][i], name) for i in traces] for name in names}
    except KeyError:
        return None
    return FigureChange(data, layout, traces)


def _differences(before: Mapping[str, Any], after: Mapping[str, Any], start: str = "") -> dict[str, Any] | None:
    """New values of attributes that differ, by their dotted names; None where some are not in both."""
    if before.keys() != after.keys():
        return None
    found: dict[str, Any] = {}
    for key, new in after.items():
        old = before[key]
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            inner = _differences(old, new, f"{start}{key}.")
            if inner is None:
                return None
            found |= inner
        elif old != new:
            found[start + key] = new
    return found


def _value(trace: Mapping[str, Any], name: str) -> Any:
    """An attribute with a dotted name; KeyError where the trace has none."""
    held: Any = trace
    for key in name.split("."):
        if not isinstance(held, Mapping):
            raise KeyError(name)
        held = held[key]
    return held
