"""Attributes of records: the text that a session shows, and the HTML table of a notebook, which fits every theme."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import islice, pairwise
from typing import Any, NamedTuple, cast

import attrs
import numpy as np

from kapitza.core.arrays import Array, is_increasing

_MAX_VALUE = 160  # characters of one attribute
_MAX_TEXT = 60  # characters of one text
_MAX_DEPTH = 2  # of records in records
_LISTED = 6  # numbers of an array that are written out
_LISTED_ITEMS = 3  # of a tuple or a mapping
_SCANNED = 1_000_000  # numbers of an array whose extremes are looked for
WITHOUT_UNIT = ("", "1", "SI")
_WIDTH, _HEIGHT, _MARGIN = 96.0, 18.0, 1.5  # of a sparkline
_MIN_POINTS, _MAX_POINTS = 3, 60  # of a sparkline
_FORBIDDEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # characters that no page may hold
_MAX_TABLES = 8  # of the records of a tuple
_LEFT = ' style="text-align:left"'


class Attribute(NamedTuple):
    """One attribute of a record: its value, SI unit ("" for none) and meaning."""

    name: str
    value: Any
    unit: str
    meaning: str


def attributes(record: Any) -> Iterator[Attribute]:
    """Yield the public attributes of a record, in their order; those that are not set yet are left out."""
    for one in attrs.fields(type(record)):
        if not one.name.startswith("_") and hasattr(record, one.name):
            unit = str(one.metadata.get("unit", ""))
            other = getattr(record, unit.removeprefix("as "), None) if unit.startswith("as ") else None
            unit = other if isinstance(other, str) else unit  # the record names the unit itself
            shown = "" if unit in WITHOUT_UNIT else unit
            yield Attribute(one.name, getattr(record, one.name), shown, str(one.metadata.get("meaning", "")))


def value_text(value: Any, depth: int = 0) -> str:
    """Return a value in at most 160 characters: numbers to six digits, of an array its first and last ones."""
    text = _unlimited_text(value, depth)
    return text if len(text) <= _MAX_VALUE else f"{text[: _MAX_VALUE - 1]}…"


def record_text(record: Any, limit: int, depth: int) -> str:
    """Return the type and the attributes of a record in at most `limit` characters."""
    parts = list[str]()
    name, length = type(record).__name__, 0
    listed = list(attributes(record))
    for i, one in enumerate(listed):
        unit = f" {one.unit}" if one.unit and isinstance(one.value, (float, int, np.ndarray)) else ""
        part = f"{one.name}={value_text(one.value, depth + 1)}{unit}"
        length += len(part) + 2
        if length > limit - len(name) - 30:
            parts.append(f"… {len(listed) - i} more")
            break
        parts.append(part)
    return f"{name}({', '.join(parts)})"


def _unlimited_text(value: Any, depth: int) -> str:
    """One value as text; long ones are cut by the caller."""
    if isinstance(value, str):
        return repr(value) if len(value) <= _MAX_TEXT else f"{value[:_MAX_TEXT]!r}…"
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (float, np.floating)):
        return f"{value:.6g}"
    if isinstance(value, np.ndarray):
        return _array_text(cast("np.ndarray[Any, Any]", value))
    if attrs.has(type(value)):
        return record_text(value, _MAX_VALUE, depth) if depth < _MAX_DEPTH else f"{type(value).__name__}(…)"
    if isinstance(value, (Mapping, tuple, list)):
        return _items_text(cast("Sequence[Any] | Mapping[Any, Any]", value), depth)
    if hasattr(value, "shape") and hasattr(value, "dtype"):  # on a disk: it is not read
        return f"array {tuple(value.shape)}"
    if callable(value):
        return f"<{getattr(value, '__qualname__', type(value).__name__)}>"
    return reprlib.repr(value)


def _array_text(array: np.ndarray[Any, Any]) -> str:
    """Return the numbers of a short array, the ends of a long one, shape and range of a table."""
    if array.ndim == 1:
        few = array if array.size <= _LISTED else array[[0, 1, -1]]
        texts = [_unlimited_text(one, _MAX_DEPTH) for one in few.tolist()]
        if array.size > _LISTED:
            return f"[{texts[0]}, {texts[1]}, …, {texts[2]}; {array.size} in all]"
        return f"[{', '.join(texts)}]"
    if array.ndim == 0:
        return _unlimited_text(array.item(), _MAX_DEPTH)
    if array.dtype.kind not in "fiu" or not 0 < array.size <= _SCANNED:
        return f"array {array.shape}"
    low, high = np.fmin.reduce(array, axis=None), np.fmax.reduce(array, axis=None)
    return f"array {array.shape}, {low:.6g} to {high:.6g}"


def _items_text(items: Sequence[Any] | Mapping[Any, Any], depth: int) -> str:
    if isinstance(items, Mapping):
        few = islice(items.items(), _LISTED_ITEMS)
        texts = [f"{value_text(key, depth)}: {value_text(value, depth)}" for key, value in few]
    else:
        texts = [value_text(value, depth) for value in items[:_LISTED_ITEMS]]
    more = f", … {len(items)} in all" if len(items) > _LISTED_ITEMS else ""
    if isinstance(items, Mapping):
        return f"{{{', '.join(texts)}{more}}}"
    return f"({texts[0]},)" if len(items) == 1 else f"({', '.join(texts)}{more})"


def record_table(record: Any, *, nested: bool = False) -> str:
    """Return a record as an HTML table: attribute, value, unit, meaning, and a sparkline for each spectrum or series.

    Records in it are tables that can be unfolded; those in them are one line.
    """
    title = _text(type(record).__name__)
    method = getattr(record, "method", "")
    said = f": {_text(method)}" if isinstance(method, str) and method else ""
    listed = list(attributes(record))
    meanings = any(one.meaning for one in listed)
    heads = ["", "value", "unit", *(["meaning"] if meanings else [])]
    head = "".join(f'<th scope="col"{_LEFT}>{one}</th>' for one in heads)
    rows = ""
    for one in listed:
        cells = [_cell(one, listed, nested=nested), _text(one.unit), *([_text(one.meaning)] if meanings else [])]
        inside = "".join(f"<td{_LEFT}>{cell}</td>" for cell in cells)
        rows += f'<tr><th scope="row"{_LEFT}>{_text(one.name)}</th>{inside}</tr>'
    return (
        f'<table style="color:inherit"><caption{_LEFT}><strong>{title}</strong>{said}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _cell(one: Attribute, listed: list[Attribute], *, nested: bool) -> str:
    shown = _text(value_text(one.value, 1))
    # records of which the value consists: itself, or the first of a tuple
    value: Any = one.value
    records: list[Any] = list(cast("tuple[Any, ...]", value)[:_MAX_TABLES]) if isinstance(value, tuple) else [value]
    if records and not nested and all(attrs.has(type(record)) for record in records):
        tables = "".join(record_table(record, nested=True) for record in records)
        return f"<details><summary>{shown}</summary>{tables}</details>"
    if not _is_series(one.value):
        return shown
    axis = next((other.value for other in listed if _is_axis(other.value, one.value)), None)
    return f"{shown}<br/>{_sparkline(one, axis)}"


def _is_series(value: Any) -> bool:
    """Whether a value is drawn: real numbers along one axis, three of them finite."""
    if not isinstance(value, np.ndarray) or value.ndim != 1 or value.dtype.kind not in "fiu":
        return False
    return bool(np.isfinite(value).sum() >= _MIN_POINTS)


def _is_axis(value: Any, series: Array) -> bool:
    """Whether another attribute is what a series is drawn against."""
    if value is series or not _is_series(value) or value.size != series.size:
        return False
    return bool(np.isfinite(value).all()) and is_increasing(value)


def _sparkline(one: Attribute, axis: Array | None) -> str:
    """Draw a series as a line of a few dozen points, in the colour of the text around it."""
    values: Array = np.asarray(one.value, dtype=float)
    places = np.arange(values.size, dtype=float) if axis is None else np.asarray(axis, dtype=float)
    finite = np.isfinite(values)
    values, places = values[finite], places[finite]
    low, high = float(values.min()), float(values.max())
    taken = _extremes(values)
    x = _coordinates(places[taken], float(places[0]), float(places[-1]), _WIDTH)
    y = _HEIGHT - _coordinates(values[taken], low, high, _HEIGHT)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    label = _text(f"{one.name} from {low:.4g} to {high:.4g} {one.unit}".strip())
    return (
        f'<svg role="img" aria-label="{label}" width="{_WIDTH:.0f}" height="{_HEIGHT:.0f}" '
        f'viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}"><polyline fill="none" stroke="currentColor" '
        f'stroke-width="1.2" points="{points}"/></svg>'
    )


def _extremes(values: Array) -> list[int]:
    """Indices of at most 60 values: of a long series the lowest and highest of each part, so that no peak is lost."""
    if values.size <= _MAX_POINTS:
        return list(range(values.size))
    edges = np.linspace(0, values.size, _MAX_POINTS // 2 + 1).astype(int)
    parts = [(begin, values[begin:end]) for begin, end in pairwise(edges.tolist())]
    return sorted({begin + int(find(part)) for begin, part in parts for find in (np.argmin, np.argmax)})


def _coordinates(values: Array, low: float, high: float, length: float) -> Array:
    """Values between low and high on a length with margins; in its middle if all are equal."""
    scale = max(abs(low), abs(high), 1e-300)  # the span of finite numbers may be infinite
    span = high / scale - low / scale
    share = (values / scale - low / scale) / span if span > 0 else np.full(values.shape, 0.5)
    return _MARGIN + share * (length - 2 * _MARGIN)


def _text(value: str) -> str:
    return escape(_FORBIDDEN.sub("�", value))
