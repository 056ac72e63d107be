"""Base of all records: what a session and a notebook show of one, and its ways to tables and figures of others."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from importlib import import_module
from itertools import islice
from typing import Any, NamedTuple, cast

import attrs
import numpy as np

from kapitza.core.arrays import has_unit, unit_text, without_unit
from kapitza.core.parameter_units import ParameterHolder
from kapitza.errors import InputError

_MAX_REPR = 2000  # characters
_MAX_VALUE = 160  # characters of one attribute
_MAX_TEXT = 60  # characters of one text
_MAX_DEPTH = 2  # of records in records
_LISTED = 6  # numbers of an array that are written out
_LISTED_ITEMS = 3  # of a tuple or a mapping
_SCANNED = 1_000_000  # numbers of an array whose extremes are looked for
_WITHOUT_UNIT = ("", "1", "SI")
_PLAIN_TYPES = frozenset({float, int, bool, str, type(None), np.ndarray, np.float64})  # that have no unit
_SYMBOL = r"(?:m|K|W|J|s|rad|Hz|THz|kg|Pa|N|A|V|ohm)(?:\^-?\d)?"
_UNIT_PATTERN = re.compile(rf"{_SYMBOL}(?: {_SYMBOL})*")  # other units are words, such as "of the signal"


class Attribute(NamedTuple):
    """One attribute of a record: its value, SI unit ("" for none) and meaning."""

    name: str
    value: Any
    unit: str
    meaning: str


class BaseRecord(ParameterHolder):
    """Base of the records: frozen attributes, each with the unit and the meaning that its metadata give.

    `repr` has at most 2,000 characters whatever the record holds; a notebook shows a table.  Numbers with a unit of
    their own, as of pint or astropy, are converted to that of the attribute.
    """

    __slots__ = ()

    @classmethod
    def __attrs_init_subclass__(cls) -> None:
        # what attrs writes for each class lists every number of every array
        cls.__repr__ = BaseRecord.__repr__
        cls.__init__ = _with_conversion(cls)

    def __repr__(self) -> str:
        return _record_text(self, _MAX_REPR, 0)

    def _repr_html_(self) -> str:
        return import_module("kapitza.core.record_tables").record_table(self)

    def to_xarray(self) -> Any:
        """Return a record of a type that files hold as an xarray.Dataset: see `kapitza.io.frames.to_xarray`."""
        return import_module("kapitza.io.frames").to_xarray(self)  # of a higher floor, loaded when it is asked for

    def to_pandas(self) -> Any:
        """Return a record of a type that files hold as a pandas.DataFrame: see `kapitza.io.frames.to_pandas`."""
        return import_module("kapitza.io.frames").to_pandas(self)

    def plot(self, ax: Any = None) -> Any:
        """Draw a record on matplotlib axes (new ones if None) and return them: see `kapitza.plot.records.record`."""
        return import_module("kapitza.plot.records").record(self, ax=ax)


def _with_conversion(kind: type) -> Callable[..., None]:
    """Return the `__init__` of a record, which first converts numbers with a unit to that of their attribute."""
    plain = kind.__init__

    @wraps(plain)
    def convert_and_set(self: Any, *args: Any, **kwargs: Any) -> None:
        plain_types = _PLAIN_TYPES.issuperset(map(type, args)) and _PLAIN_TYPES.issuperset(map(type, kwargs.values()))
        if not plain_types and any(map(has_unit, (*args, *kwargs.values()))):
            given = [one for one in attrs.fields(kind) if one.init]
            positional = [one for one in given if not one.kw_only]
            args = (*map(_in_unit, args, positional), *args[len(positional) :])
            named = {one.alias or one.name: one for one in given}
            kwargs = {key: _in_unit(value, named[key]) if key in named else value for key, value in kwargs.items()}
        plain(self, *args, **kwargs)

    return convert_and_set


def _in_unit(value: Any, attribute: Any) -> Any:
    """Return a number with a unit as a plain one in the unit of the attribute, all others as they are."""
    unit = str(attribute.metadata.get("unit", ""))
    if not has_unit(value) or not (unit in _WITHOUT_UNIT or _UNIT_PATTERN.fullmatch(unit)):
        return value
    given = unit_text(value)
    per_time = ("rad" in unit and " s" in unit) or unit == "Hz"
    if per_time and ("rad" in unit) != ("rad" in given):
        raise InputError(
            f"{attribute.name}: expected a number in {unit}, got {value!s:.60}: a cycle is 2π rad, which units do not "
            "tell; multiply or divide by it"
        )
    return without_unit(value, "" if unit in _WITHOUT_UNIT else unit)


def attributes(record: Any) -> Iterator[Attribute]:
    """Yield the public attributes of a record, in their order; those that are not set yet are left out."""
    for one in attrs.fields(type(record)):
        if not one.name.startswith("_") and hasattr(record, one.name):
            unit = str(one.metadata.get("unit", ""))
            other = getattr(record, unit.removeprefix("as "), None) if unit.startswith("as ") else None
            unit = other if isinstance(other, str) else unit  # the record names the unit itself
            shown = "" if unit in _WITHOUT_UNIT else unit
            yield Attribute(one.name, getattr(record, one.name), shown, str(one.metadata.get("meaning", "")))


def value_text(value: Any, depth: int = 0) -> str:
    """Return a value in at most 160 characters: numbers to six digits, of an array its first and last ones."""
    text = _unlimited_text(value, depth)
    return text if len(text) <= _MAX_VALUE else f"{text[: _MAX_VALUE - 1]}…"


def _record_text(record: Any, limit: int, depth: int) -> str:
    """Type and attributes of a record in at most `limit` characters."""
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
        return _record_text(value, _MAX_VALUE, depth) if depth < _MAX_DEPTH else f"{type(value).__name__}(…)"
    if isinstance(value, Mapping):
        return _mapping_text(cast("Mapping[Any, Any]", value), depth)
    if isinstance(value, (tuple, list)):
        return _items_text(cast("Sequence[Any]", value), depth)
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
    return f"array {array.shape}{_range_text(array)}"


def _range_text(array: np.ndarray[Any, Any]) -> str:
    """Return the lowest and the highest of the numbers of a table, if it has any and they are soon found."""
    if array.dtype.kind not in "fiu" or not 0 < array.size <= _SCANNED:
        return ""
    low, high = np.fmin.reduce(array, axis=None), np.fmax.reduce(array, axis=None)
    return f", {low:.6g} to {high:.6g}"


def _items_text(items: Sequence[Any], depth: int) -> str:
    """Return the first items, and how many there are if not all are shown."""
    shown = ", ".join(value_text(one, depth) for one in items[:_LISTED_ITEMS])
    if len(items) == 1:
        return f"({shown},)"
    return f"({shown})" if len(items) <= _LISTED_ITEMS else f"({shown}, … {len(items)} in all)"


def _mapping_text(items: Mapping[Any, Any], depth: int) -> str:
    """Return the first items by name, and how many there are if not all are shown."""
    shown = ", ".join(
        f"{value_text(key, depth)}: {value_text(one, depth)}" for key, one in islice(items.items(), _LISTED_ITEMS)
    )
    return f"{{{shown}}}" if len(items) <= _LISTED_ITEMS else f"{{{shown}, … {len(items)} in all}}"
