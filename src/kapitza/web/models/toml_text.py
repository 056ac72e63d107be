"""Tables of TOML as text, and single values as a person types them into a cell."""

import json
import re
import tomllib
from collections.abc import Mapping
from datetime import date, time
from typing import Any, cast

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_DEEPEST_SECTION = 2  # names of a section; what is deeper stands on one line
_LONGEST_LINE = 100  # characters of a list on one line


def format_toml(table: Mapping[str, Any]) -> str:
    """Text of a table that reads back as the same table; comments are not kept."""
    lines: list[str] = []
    _write_table(table, (), lines)
    return "\n".join(lines).strip() + "\n"


def _write_table(table: Mapping[str, Any], place: tuple[str, ...], lines: list[str]) -> None:
    """Plain values first, then tables and arrays of tables, as TOML asks for."""
    deep = len(place) >= _DEEPEST_SECTION
    nested = {} if deep else {key: one for key, one in table.items() if isinstance(one, Mapping) or _are_tables(one)}
    lines.extend(f"{_key(key)} = {format_value(value)}" for key, value in table.items() if key not in nested)
    for key, value in nested.items():
        name = ".".join(map(_key, (*place, key)))
        several = isinstance(value, list)
        for one in value if several else [value]:
            inline = len(place) + 1 >= _DEEPEST_SECTION
            if several or inline or not one or any(not isinstance(part, Mapping) for part in one.values()):
                lines.extend(("", f"[[{name}]]" if several else f"[{name}]"))
            _write_table(one, (*place, key), lines)


def _are_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(x, Mapping) for x in cast("list[object]", value))


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)


def format_value(value: object) -> str:
    """One value as TOML, tables inline."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)  # "inf" and "nan" are TOML, too
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(str(key))} = {format_value(one)}" for key, one in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list):
        parts = [format_value(one) for one in cast("list[object]", value)]
        short = f"[{', '.join(parts)}]"
        return short if len(short) <= _LONGEST_LINE else "[\n  " + ",\n  ".join(parts) + ",\n]"
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def cell_text(value: object) -> str:
    """What stands in a cell for a value: words as they are, numbers, lists and tables as in TOML."""
    if value is None:
        return ""
    return value if isinstance(value, str) else format_value(value)


def cell_value(text: str) -> Any:
    """Value of what stands in a cell: a number, list or table of TOML where it is one, else words; None for nothing."""
    bare = text.strip()
    if not bare:
        return None
    try:
        found = tomllib.loads(f"value = {bare}")
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        return bare
    return found["value"] if set(found) == {"value"} else bare
