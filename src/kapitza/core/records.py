"""Base of all records: what a session and a notebook show of one, and numbers with units of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import attrs
import numpy as np

from kapitza._outlets import RecordOutlets
from kapitza.core.arrays import about, has_unit, number, read_only_mapping, same_length, unit_text, without_unit
from kapitza.core.record_display import WITHOUT_UNIT, record_table, record_text
from kapitza.errors import InputError

_MAX_REPR = 2000  # characters
_PLAIN_TYPES = frozenset({float, int, bool, str, type(None), np.ndarray, np.float64})  # that have no unit
_SYMBOL = r"(?:m|K|W|J|s|rad|Hz|THz|kg|Pa|N|A|V|ohm)(?:\^-?\d)?"
_UNIT_PATTERN = re.compile(rf"{_SYMBOL}(?: {_SYMBOL})*")  # other units are words, such as "of the signal"


def default_number(default: float, metadata: Mapping[str, Any], validator: Any = None, *, kw_only: bool = False) -> Any:
    """Return an attribute of a record: one number that may be left out, with the metadata of `about` or `parameter`."""
    return attrs.field(default=default, converter=number, validator=validator, metadata=metadata, kw_only=kw_only)


def values_by_name(metadata: Mapping[str, Any], *, kw_only: bool = False) -> Any:
    """Return an attribute of a record: values by name that nobody can change, none if left out."""
    return attrs.field(factory=dict, converter=read_only_mapping, metadata=metadata, kw_only=kw_only)


def number_of(metadata: Mapping[str, Any], validator: Any = None) -> dict[str, Any]:
    """Return the arguments of `attrs.field` for one number, with the metadata of `about` or `parameter`."""
    return {"converter": float, "validator": validator, "metadata": metadata}


def one_for_each(name: str, unit: str, meaning: str) -> dict[str, Any]:
    """Return the arguments of `attrs.field` for an array with as many values as the attribute `name`."""
    return {"validator": same_length(name), "metadata": about(unit, meaning)}


class BaseRecord(RecordOutlets):
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
        return record_text(self, _MAX_REPR, 0)

    def _repr_html_(self) -> str:
        return f"<div>{record_table(self)}</div>"


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
    if not has_unit(value) or not (unit in WITHOUT_UNIT or _UNIT_PATTERN.fullmatch(unit)):
        return value
    given = unit_text(value)
    per_time = ("rad" in unit and " s" in unit) or unit == "Hz"
    if per_time and ("rad" in unit) != ("rad" in given):
        raise InputError(
            f"{attribute.name}: expected a number in {unit}, got {value!s:.60}: a cycle is 2π rad, which units do not "
            "tell; multiply or divide by it"
        )
    return without_unit(value, "" if unit in WITHOUT_UNIT else unit)
