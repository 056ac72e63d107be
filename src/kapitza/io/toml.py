"""TOML files of users: every key known, every number finite and in its unit, every fault with key and line."""

import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import get_close_matches
from itertools import islice
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from attrs import frozen

from kapitza.core.files import read_limited
from kapitza.core.records import BaseRecord
from kapitza.core.toml import parse_toml
from kapitza.errors import DataError, Hint, InputError, KapitzaError
from kapitza.io.quantities import quantity
from kapitza.matter.library import material
from kapitza.matter.material import Material, warn_of_state

MAX_TOML_BYTES = 2**22  # bytes of a file that a person writes
_MAX_FAULTS = 50  # of a file that one message lists
_HEAD = re.compile(r"\s*\[\[?\s*[\w\"'.| -]+\]\]?\s*(#.*)?$")  # of a table
_ONLY_OWN_FOLDER = ContextVar("_ONLY_OWN_FOLDER", default=False)  # of each thread, see `own_folder_only`


@frozen(eq=False)
class TomlTable(BaseRecord):
    """A table of a TOML file, with the lines of the file and the names of the tables that lead here, for messages."""

    path: Path
    lines: tuple[str, ...]
    place: tuple[str, ...]
    table: Mapping[str, Any]

    def __contains__(self, key: str) -> bool:
        return key in self.table

    def fault(self, message: str, key: str = "") -> DataError:
        """Return the error of this table, or of one of its keys."""
        names = (*self.place, key) if key else self.place
        return DataError(
            f"{'.'.join(names)}: {message}" if names else message, file=self.path, line=_line_of(self, key)
        )

    def check_keys(self, names: Iterable[str], renamed: Mapping[str, str] = MappingProxyType({})) -> None:
        """Refuse keys that mean nothing, with the nearest that does, or the new name of a key that version 0.1 had."""
        names = tuple(names)
        for key in self.table:
            if renamed.get(key) in names:
                raise self.fault(f"has the name `{renamed[key]}` since version 0.2", key)
            if key not in names:
                close = get_close_matches(key, names, n=1)
                hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(names)}"
                raise self.fault(f"unknown key; {hint}", key)

    def number(self, key: str, kind: str, default: float | None = None) -> float:
        """Return a number in SI; see `kapitza.io.quantities` for the kinds and their units."""
        if key not in self.table and default is not None:
            return default
        if key not in self.table:
            raise self.fault(f"is missing; expected {kind.replace('_', ' ')}", key)
        try:
            return quantity(self.table[key], kind, what="value")
        except InputError as err:
            raise self.fault(str(err), key) from err

    def optional(self, key: str, kind: str) -> float | None:
        """Return a number in SI, or None where there is none."""
        return self.number(key, kind) if key in self.table else None

    def count(self, key: str, default: int | None = None, *, low: int = 0, high: int | None = None) -> int:
        """Return a whole number from `low` to `high`."""
        value = self.table.get(key, default)
        if value is None:
            raise self.fault("is missing; expected a whole number", key)
        if type(value) is not int or value < low or (high is not None and value > high):
            limits = f"of at least {low}" if high is None else f"from {low} to {high}"
            raise self.fault(f"expected a whole number {limits}, got {value!r:.60}", key)
        return value

    def flag(self, key: str, default: bool = False) -> bool:
        """Return a truth value."""
        value = self.table.get(key, default)
        if not isinstance(value, bool):
            raise self.fault(f"expected true or false, got {value!r:.60}", key)
        return value

    def text(self, key: str, default: str | None = None, *, choices: Iterable[str] = ()) -> str:
        """Return a text, one of `choices` if there are any."""
        value = self.table.get(key, default)
        wanted = tuple(choices)
        if not isinstance(value, str) or (wanted and value not in wanted):
            expected = " or ".join(map(repr, wanted)) if wanted else "a text"
            raise self.fault(
                f"expected {expected}, got {value!r:.60}" if key in self.table else f"is missing; expected {expected}",
                key,
            )
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, empty where there is none."""
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in cast("list[object]", value)):
            raise self.fault(f"expected a list of texts, got {value!r:.60}", key)
        return tuple(cast("list[str]", value))

    def section(self, key: str) -> "TomlTable":
        """Return a table inside of this one, empty where there is none."""
        value = self.table.get(key, {})
        if not isinstance(value, dict):
            raise self.fault(f"expected a table [{'.'.join((*self.place, key))}], got {value!r:.60}", key)
        return TomlTable(self.path, self.lines, (*self.place, key), cast("dict[str, Any]", value))

    def sections(self, key: str) -> "tuple[TomlTable, ...]":
        """Return the tables [[key]], none where there is none."""
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in cast("list[object]", value)):
            raise self.fault(f"expected tables [[{key}]], got {value!r:.60}", key)
        tables = cast("list[dict[str, Any]]", value)
        return tuple(
            TomlTable(self.path, self.lines, (*self.place, key, str(i + 1)), table) for i, table in enumerate(tables)
        )

    def beside(self, key: str) -> Path:
        """Return the path of a file that the key names, relative to the folder of this file."""
        name = self.text(key)
        if not name or "\0" in name:
            raise self.fault(f"expected the name of a file, got {name!r:.60}", key)
        path = self.path.parent / name  # an absolute one as it is
        if _ONLY_OWN_FOLDER.get() and not path.resolve().is_relative_to(self.path.parent.resolve()):
            raise self.fault(f"{name!r:.60} lies outside of the folder of this file, where nothing is read here", key)
        return path


@contextmanager
def own_folder_only() -> Generator[None, None, None]:
    """Inside, TOML files may name only files of their own folder and of those in it: for files from elsewhere."""
    token = _ONLY_OWN_FOLDER.set(True)
    try:
        yield
    finally:
        _ONLY_OWN_FOLDER.reset(token)


def read_quantities(section: TomlTable, key: str, kind: str, count: int | None = None) -> list[float]:
    """Return a list of numbers in SI, `count` of them if that is given."""
    value = section.table.get(key)
    values = cast("list[object]", value) if isinstance(value, list) else []
    if not values or (count is not None and len(values) != count):
        wanted = "a list of numbers" if count is None else f"a list of {count} numbers"
        raise section.fault(
            f"expected {wanted}, got {value!r:.60}" if key in section else f"is missing: give {wanted}", key
        )
    try:
        return [quantity(one, kind, what="value") for one in values]
    except InputError as err:
        raise section.fault(str(err), key) from err


def _line_of(section: TomlTable, key: str) -> int | None:
    """Line in which a key, or the head of a table, stands; None where it cannot be told."""
    head = _head_index(section)
    found = None if head is None else head + 1
    if not key:
        return found
    pattern = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=|.*[{{,]\s*[\"']?{re.escape(key)}[\"']?\s*=")
    start = 0 if head is None else head + 1
    end = next((i for i in range(start, len(section.lines)) if _HEAD.match(section.lines[i])), len(section.lines))
    return next((i + 1 for i in range(head or 0, end) if pattern.match(section.lines[i])), found)


def _head_index(section: TomlTable) -> int | None:
    """Index of the line that opens a table: the n-th [[name]] of an array of tables, or [name]."""
    names = [name for name in section.place if not name.isdigit()]
    count = next((int(name) for name in reversed(section.place) if name.isdigit()), 1)
    if not names:
        return None
    quoted = [rf"[\"']?{re.escape(name)}[\"']?" for name in names]
    dotted = r"\s*\.\s*".join(quoted)
    pattern = re.compile(rf"\s*\[\[?\s*{dotted}\s*\]\]?|\s*{quoted[-1]}\s*=\s*[{{\[]")
    found = [i for i, line in enumerate(section.lines) if pattern.match(line)]
    return found[min(count, len(found)) - 1] if found else None


def read_toml(path: str | PathLike[str]) -> TomlTable:
    """Return the whole of a TOML file; faults have the line where it is known."""
    data = read_limited(path, MAX_TOML_BYTES)
    table = parse_toml(data, path)
    return TomlTable(Path(path), tuple(data.decode().splitlines()), (), table)


def locate_faults(section: TomlTable, key: str, make: Callable[[], Any]) -> Any:
    """Give the faults of records the place in the file that made them."""
    try:
        return make()
    except DataError:
        raise
    except KapitzaError as err:
        raise section.fault(str(err), key) from err


def faults_of(checks: Iterable[Callable[[], object]]) -> Iterator[DataError]:
    """Yield the errors that checks of a file raise."""
    for check in checks:
        try:
            check()
        except DataError as err:
            yield err


def raise_all(checks: Iterable[Callable[[], object]]) -> None:
    """Run all checks of a file, and raise what is wrong in one error, by line; each fault once."""
    raise_together(faults_of(checks))


def raise_together(errors: Iterable[DataError]) -> None:
    """Raise the errors of a file as one, by line, each once; nothing without errors."""
    distinct = {str(err): err for err in islice(errors, _MAX_FAULTS)}
    faults = sorted(distinct.values(), key=lambda err: err.line or 0)
    if len(faults) == 1:
        raise faults[0]
    if faults:
        first, *others = faults

        def list_messages(text_of: Callable[[DataError], str]) -> str:
            return "; ".join(
                [_without_place(first, text_of(first))]
                + [(f"line {err.line}: " if err.line else "") + _without_place(err, text_of(err)) for err in others]
            )

        hint = Hint(python=list_messages(str), command=list_messages(lambda err: err.command_message))
        raise DataError("", file=first.file, line=first.line, hint=hint)


def _without_place(err: DataError, text: str) -> str:
    """Return the message of an error without its file and line."""
    return text.removeprefix(f"{err.file}, line {err.line}: " if err.line else f"{err.file}: ")


def material_at(section: TomlTable, temperature: float) -> Material:
    """Return the material of the library that a table names; warns where it is not what its numbers describe at a
    temperature (K).
    """
    found = locate_faults(section, "material", lambda: material(section.text("material")))
    warn_of_state(found, temperature)
    return found
