"""TOML files of users: tables with the line of each fault, and declarations of tables, each key once with its unit,
bounds, default and meaning.

The known keys of a file, the errors of `Table.check` and the page "Formats of files" follow from the declarations.
"""

import math
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import get_close_matches
from functools import partial
from itertools import islice, pairwise
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar, cast

from attrs import NOTHING, evolve, field, fields_dict, frozen

from kapitza.core.files import read_limited
from kapitza.core.quantity_kinds import kind_of
from kapitza.core.records import BaseRecord
from kapitza.core.toml import parse_toml
from kapitza.errors import DataError, Hint, KapitzaError
from kapitza.io.quantities import first_unit, parse_uncertain, quantity, share_or_quantity
from kapitza.matter.library import material
from kapitza.matter.material import Material, warn_of_state

Record = TypeVar("Record")
Value = TypeVar("Value")
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

    def number(self, key: str, kind: str, default: float | None = None, *, bounds: "Bounds | None" = None) -> float:
        """Return a number in SI; see `kapitza.io.quantities` for the kinds and their units."""
        if key not in self.table and default is not None:
            return default
        if key not in self.table:
            raise self.fault(f"is missing; expected {kind.replace('_', ' ')}, {first_unit(kind)}", key)
        value = read_quantity(self, key, self.table[key], kind)
        if bounds is not None and (fault := bounds.check(value, f"{self.table[key]!r:.60}")):
            raise self.fault(fault, key)
        return value

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
        value, known = self.table.get(key, default), tuple(choices)
        if not isinstance(value, str) or (known and value not in known):
            expected = " or ".join(map(repr, known)) or "a text"
            said = (
                f"expected {expected}, got {value!r:.60}" if key in self.table else f"is missing; expected {expected}"
            )
            raise self.fault(said, key)
        return value

    @property
    def name(self) -> str:
        """Name of a layer or a body: that of its material if it has none of its own, empty without both."""
        return self.text("name", self.text("material", ""))

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, empty where there is none."""
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in cast("list[object]", value)):
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
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in cast("list[object]", value)):
            raise self.fault(f"expected tables [[{key}]], got {value!r:.60}", key)
        tables = cast("list[dict[str, Any]]", value)
        return tuple(
            TomlTable(self.path, self.lines, (*self.place, key, str(i + 1)), table) for i, table in enumerate(tables)
        )

    def locate(self, key: str, make: Callable[..., Value], *args: Any) -> Value:
        """Return what a function returns; errors of records become errors of this table, or of one of its keys."""
        try:
            return make(*args)
        except DataError:
            raise
        except KapitzaError as err:
            raise self.fault(str(err), key) from err

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


def read_quantity(section: TomlTable, key: str, value: object, kind: str, what: str = "value") -> float:
    """Return a value of a key as a number in SI."""
    return section.locate(key, lambda: quantity(value, kind, what=what))


def read_quantities(section: TomlTable, key: str, kind: str, count: int | None = None) -> list[float]:
    """Return a list of numbers in SI, `count` of them if that is given."""
    value = section.table.get(key)
    values = cast("list[object]", value) if isinstance(value, list) else []
    if not values or (count is not None and len(values) != count):
        expected = "a list of numbers" if count is None else f"a list of {count} numbers"
        said = f"expected {expected}, got {value!r:.60}" if key in section else f"is missing: give {expected}"
        raise section.fault(said, key)
    return [read_quantity(section, key, item, kind) for item in values]


def read_share(section: TomlTable, key: str, kind: str, what: str) -> tuple[float, bool]:
    """Return an uncertainty, and whether it is a share, such as "3 %"."""
    return section.locate(key, lambda: share_or_quantity(section.table[key], kind, what=what))


def read_uncertain(section: TomlTable, key: str, kind: str) -> tuple[float, float]:
    """Return a number and its standard uncertainty in SI, as in "12 nm +- 2 nm"."""
    given = section.table.get(key)
    if not isinstance(given, str):
        return section.number(key, kind), 0.0
    return section.locate(key, lambda: parse_uncertain(given, kind, what="value"))


def unknown_key(section: TomlTable, key: str, names: Iterable[str]) -> DataError:
    """Return the error of a key that means nothing, with the nearest of the known `names`, or all of them."""
    close = get_close_matches(key, names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(names)}"
    return section.fault(f"unknown key; {hint}", key)


def check_keys(section: TomlTable, names: Iterable[str]) -> None:
    """Refuse keys that mean nothing."""
    for key in section.table:
        if key not in names:
            raise unknown_key(section, key, tuple(names))


def _line_of(section: TomlTable, key: str) -> int | None:
    """Line in which a key, or the head of a table, stands; None where it cannot be told."""
    head = _head_index(section)
    opening = None if head is None else head + 1
    if not key:
        return opening
    pattern = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=|.*[{{,]\s*[\"']?{re.escape(key)}[\"']?\s*=")
    end = next(
        (i for i in range(opening or 0, len(section.lines)) if _HEAD.match(section.lines[i])), len(section.lines)
    )
    return next((i + 1 for i in range(head or 0, end) if pattern.match(section.lines[i])), opening)


def _head_index(section: TomlTable) -> int | None:
    """Index of the line that opens a table: the n-th [[name]] of an array of tables, or [name]."""
    names = [name for name in section.place if not name.isdigit()]
    count = next((int(name) for name in reversed(section.place) if name.isdigit()), 1)
    if not names:
        return None
    quoted = [rf"[\"']?{re.escape(name)}[\"']?" for name in names]
    dotted = r"\s*\.\s*".join(quoted)
    pattern = re.compile(rf"\s*\[\[?\s*{dotted}\s*\]\]?|\s*{quoted[-1]}\s*=\s*[{{\[]")
    heads = [i for i, line in enumerate(section.lines) if pattern.match(line)]
    return heads[min(count, len(heads)) - 1] if heads else None


def read_toml(path: str | PathLike[str]) -> TomlTable:
    """Return the whole of a TOML file; faults have the line where it is known."""
    data = read_limited(path, MAX_TOML_BYTES)
    table = parse_toml(data, path)
    return TomlTable(Path(path), tuple(data.decode().splitlines()), (), table)


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

        def list_messages(text_of: Callable[[DataError], str]) -> str:
            places = [f"line {err.line}: " if err.line else "" for err in faults]
            bare = [text_of(err).removeprefix(f"{err.file}, {place}" if place else f"{err.file}: ")
                    for err, place in zip(faults, places, strict=True)]  # fmt: skip
            return "; ".join([bare[0], *(place + text for place, text in zip(places[1:], bare[1:], strict=True))])

        hint = Hint(python=list_messages(str), command=list_messages(lambda err: err.command_message))
        raise DataError("", file=faults[0].file, line=faults[0].line, hint=hint)


def material_at(section: TomlTable, temperature: float) -> Material:
    """Return the material of the library that a table names; warns where it is not what its numbers describe at a
    temperature (K).
    """
    named = section.locate("material", material, section.text("material"))
    warn_of_state(named, temperature)
    return named


class Bounds(NamedTuple):
    """Bounds of a number in SI; `fault` is the message, with {value}, {given}, {low} and {high}.

    The bounds themselves are allowed, unless the number has to be `above` the lower or `below` the upper one.
    """

    low: float
    high: float
    fault: str
    above: bool = False
    below: bool = False

    def check(self, value: float, given: str = "") -> str | None:
        """Return what is wrong with a value, or None; `given` is how the file writes it, {given} in the message."""
        at_bound = (self.above and value == self.low) or (self.below and value == self.high)
        if self.low <= value <= self.high and not at_bound:
            return None
        return self.fault.format(value=value, low=self.low, high=self.high, given=given)

    def __str__(self) -> str:
        low = f"above {self.low:g}" if self.above else f"from {self.low:g}" if self.low > -math.inf else ""
        high = f"below {self.high:g}" if self.below else f"up to {self.high:g}" if self.high < math.inf else ""
        return ", ".join(end for end in (low, high) if end)


@frozen(eq=False, kw_only=True)
class Key(BaseRecord):
    """A key of a table.

    Attributes
    ----------
    form : what may stand there, as the page of the formats prints it
    read : value in SI of a key that is there; raises a DataError with the line for anything else
    default : value of a key that is left out; NOTHING if the key is required
    unless : keys of the same table, one of which makes a required key optional
    fills : attribute of a record that the value fills; empty for other keys
    tables : declarations of the table or tables below the key; those of several kinds by their label
    choose : label of the declaration of one of these tables
    """

    name: str
    form: str
    meaning: str
    read: Callable[[TomlTable, str], Any]
    default: Any = NOTHING
    unless: tuple[str, ...] = ()
    fills: str = ""
    bounds: Bounds | None = None
    tables: Mapping[str, "Table"] = field(factory=dict)
    choose: Callable[[TomlTable], str] | None = None

    def value(self, section: TomlTable) -> Any:
        """Return the value in SI, or the default; None for a key that another one makes optional."""
        if self.name in section:
            return self.read(section, self.name)
        if self.default is not NOTHING:
            return self.default
        return None if any(other in section for other in self.unless) else self.read(section, self.name)

    def faults(self, section: TomlTable) -> Iterator[DataError]:
        """Yield the errors of the key, and of the tables below it."""
        try:
            value = self.value(section)
            inner = () if not self.tables or value is None else value if isinstance(value, tuple) else (value,)
            for table in cast("Iterable[TomlTable]", inner):
                yield from self.tables["" if self.choose is None else self.choose(table)].faults(table)
        except DataError as err:
            yield err


@frozen(eq=False)
class Table(BaseRecord):
    """A table: its keys, and checks of several keys together.

    Attributes
    ----------
    meaning : what the table describes, for the page of the formats
    checks : functions of the table that raise a DataError
    renamed : new names of keys that version 0.1 had
    hints : what to write instead of keys that users expect and that do not exist
    """

    keys: tuple[Key, ...] = field(converter=tuple)
    meaning: str = ""
    checks: tuple[Callable[[TomlTable], object], ...] = field(default=(), kw_only=True)
    renamed: Mapping[str, str] = field(factory=dict, kw_only=True)
    hints: Mapping[str, str] = field(factory=dict, kw_only=True)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the keys."""
        return tuple(key.name for key in self.keys)

    def check(self, section: TomlTable) -> None:
        """Raise one DataError for all that is wrong with a table and with those below it, by line."""
        raise_together(self.faults(section))

    def faults(self, section: TomlTable) -> Iterator[DataError]:
        """Yield the errors of a table: unknown keys, missing keys, values out of bounds.

        A misspelt key is checked as the key that it stands for, so that it hides no other error.
        """
        names, listed = self.names, False  # whether a message has listed all known keys
        for name in section.table:
            if name in names:
                continue
            meant = self.nearest(name)
            if name in self.hints:
                yield section.fault(f"unknown key; {self.hints[name]}", name)
            elif meant and meant == self.renamed.get(name):
                yield section.fault(f"has the name `{meant}` since version 0.2", name)
            else:
                yield section.fault("unknown key", name) if listed and not meant else unknown_key(section, name, names)
                listed = listed or not meant
        mended, fits = self.mend(section), True
        for key in self.keys:
            faults = list(key.faults(mended))
            if key.name in mended and key.name not in section and faults:
                faults, fits = list(key.faults(section)), False
            yield from faults
        for check in self.checks if fits else ():
            try:
                check(mended)
            except DataError as err:
                yield err
            except KapitzaError as err:
                yield section.fault(str(err))

    def nearest(self, name: str) -> str:
        """Return the key that an unknown one stands for, by its new name or its letters; empty if none is near."""
        renamed = self.renamed.get(name)
        return renamed if renamed in self.names else next(iter(get_close_matches(name, self.names, n=1)), "")

    def mend(self, section: TomlTable) -> TomlTable:
        """Return a table with each unknown key under the name of the key that it stands for."""
        known = {name: value for name, value in section.table.items() if name in self.names}
        others = {self.nearest(name): value for name, value in section.table.items() if name not in self.names}
        return evolve(section, table={name: value for name, value in others.items() if name} | known)

    def read(self, section: TomlTable) -> dict[str, Any]:
        """Return the values of all keys by name, in SI, once the table is checked."""
        self.check(section)
        return {key.name: key.value(section) for key in self.keys}

    def value(self, section: TomlTable, name: str) -> Any:
        """Return the value of one key in SI."""
        return next(key for key in self.keys if key.name == name).value(section)

    def make(
        self, section: TomlTable, record: Callable[..., Record], given: Mapping[str, Any] = MappingProxyType({})
    ) -> Record:
        """Return a record of the keys that fill its attributes, over those `given`; located at the table if invalid."""
        keys = [key for key in self.keys if key.fills and (key.name in section or key.fills not in given)]
        stated = [key for key in keys if key.name in section or key.default is NOTHING]
        values = {key.fills: key.value(section) for key in stated}
        return section.locate("", lambda: record(**{**given, **values}))


def number(
    name: str, kind: str, meaning: str, default: Any = NOTHING, *, unless: tuple[str, ...] = (),
    bounds: Bounds | None = None,
) -> Key:  # fmt: skip
    """Declare a number with a unit."""
    return Key(
        name=name, form=f"`{kind}`", bounds=bounds, meaning=meaning, default=default, unless=unless,
        read=lambda section, key: section.number(key, kind, bounds=bounds),
    )  # fmt: skip


def count(
    name: str, meaning: str, default: Any = NOTHING, *, low: int = 0, high: int | None = None,
    unless: tuple[str, ...] = (),
) -> Key:  # fmt: skip
    """Declare a whole number from `low` to `high`."""
    limits = f"from {low}" if high is None else f"{low} to {high}"
    return Key(
        name=name, form=f"whole number, {limits}", meaning=meaning, default=default, unless=unless,
        read=lambda section, key: section.count(key, low=low, high=high),
    )  # fmt: skip


def flag(name: str, meaning: str, default: bool = False) -> Key:
    """Declare a truth value."""
    return Key(name=name, form="true or false", meaning=meaning, default=default, read=TomlTable.flag)


def text(
    name: str, meaning: str, default: Any = NOTHING, *, choices: Iterable[str] = (), unless: tuple[str, ...] = ()
) -> Key:
    """Declare a text, one of `choices` if there are any."""
    known = tuple(choices)
    form = " or ".join(f"`{one}`" for one in known if one) or "text"
    return Key(
        name=name, form=form, meaning=meaning, default=default, unless=unless,
        read=lambda section, key: section.text(key, choices=known),
    )  # fmt: skip


TITLE = text("title", "title of the results; the name of the file if omitted", None)


def texts(name: str, meaning: str, default: Any = ()) -> Key:
    """Declare a list of texts."""
    return Key(name=name, form="list of texts", meaning=meaning, default=default, read=TomlTable.texts)


def file(name: str, meaning: str, default: Any = NOTHING, *, unless: tuple[str, ...] = ()) -> Key:
    """Declare the name of a file, relative to the folder of the TOML file; its value is a path."""
    return Key(name=name, form="file", meaning=meaning, default=default, unless=unless, read=TomlTable.beside)


def numbers(name: str, kind: str, meaning: str, default: Any = NOTHING, *, size: int | None = None) -> Key:
    """Declare a list of numbers with units, `size` of them if that is given."""
    return Key(
        name=name, form=f"list of {'numbers' if size is None else size}, `{kind}`", meaning=meaning, default=default,
        read=lambda section, key: read_quantities(section, key, kind, size),
    )  # fmt: skip


def uncertain(name: str, kind: str, meaning: str, default: Any = None) -> Key:
    """Declare a number with its uncertainty, as in "12 nm +- 2 nm"; its value is both."""
    form = f"`{kind}`, with ± for its uncertainty"
    return special(name, form, meaning, lambda section, key: read_uncertain(section, key, kind), default)


def special(
    name: str, form: str, meaning: str, read: Callable[[TomlTable, str], Any] = lambda section, key: section.table[key],
    default: Any = None, *, unless: tuple[str, ...] = (),
) -> Key:  # fmt: skip
    """Declare a key with a reader of its own; without one its value is as it stands."""
    return Key(name=name, form=form, meaning=meaning, default=default, read=read, unless=unless)


def attribute(
    record: type, name: str, *, key: str = "", kind: str = "", meaning: str = "", bounds: Bounds | None = None,
) -> Key:  # fmt: skip
    """Declare a number that fills an attribute of a record, whose metadata have the unit, meaning and default."""
    known = fields_dict(cast("Any", record))[name]
    default = NOTHING if known.default is NOTHING else known.default if isinstance(known.default, float) else None
    words = known.metadata["unit"].replace("ohm", "Ohm").split()  # such as "W m^-1 K^-1"
    above = "".join(word.replace("^", "") for word in words if "^-" not in word)
    below = "".join(word.replace("^-1", "").replace("^-", "") for word in words if "^-" in word)
    unit = kind or kind_of(f"{above}/{below}" if below else above) or "share"
    made = number(key or name, unit, meaning or known.metadata["meaning"], default, bounds=bounds)
    return evolve(made, fills=name)


def attributes(record: Callable[..., object], *names: str) -> tuple[Key, ...]:
    """Declare numbers that fill attributes of a record."""
    return tuple(attribute(cast("type", record), name) for name in names)


def filling(key: Key) -> Key:
    """Return a key whose value fills the attribute of its name."""
    return evolve(key, fills=key.name)


def table(
    name: str, inside: "Table | Mapping[str, Table]", default: Any = None, *,
    choose: Callable[[TomlTable], str] | None = None,
) -> Key:  # fmt: skip
    """Declare a table [name], of several kinds if there is a function that chooses one; required without a default."""
    return Key(
        name=name, form=f"table [{name}]", meaning="", default=default, read=TomlTable.section, choose=choose,
        tables={"": inside} if isinstance(inside, Table) else inside,
    )  # fmt: skip


def tables(
    name: str, inside: "Table | Mapping[str, Table]", *, choose: Callable[[TomlTable], str] | None = None
) -> Key:
    """Declare tables [[name]], of several kinds if there is a function that chooses one of each."""
    return Key(
        name=name, form=f"tables [[{name}]]", meaning="", default=None, read=TomlTable.sections, choose=choose,
        tables={"": inside} if isinstance(inside, Table) else inside,
    )  # fmt: skip


def named_tables(name: str, inside: "Table") -> Key:
    """Declare tables [name.x] with names that the file chooses."""

    def read(section: TomlTable, key: str) -> tuple[TomlTable, ...]:
        inner = section.section(key)
        return tuple(inner.section(name) for name in inner.table)

    return Key(name=name, form=f"tables [{name}.NAME]", meaning="", default=None, read=read, tables={"": inside})


def refuse_if(condition: Callable[[TomlTable], bool], fault: str, key: str = "") -> Callable[[TomlTable], None]:
    """Return a check of a table that raises an error at a key, or at the table, if a condition on it holds."""

    def check(section: TomlTable) -> None:
        if condition(section):
            raise section.fault(fault, key)

    return check


def check_stack(top: TomlTable, order: str, boundary: str, *, layer: Table | None = None, period: bool = False) -> None:
    """Raise one error for a stack without layers, films without thickness, and boundaries that are missing or unknown.

    `order` says how layers follow each other, `boundary` what each boundary has.  Layers but the last have a thickness
    if their declaration is given.  With a period the last layer meets the first one.
    """
    layers = top.sections("layers")
    if not layers:
        raise top.fault(f"no [[layers]]: give at least one, {order}", "layers")
    checks: list[Callable[[], object]] = []
    if layer is not None:
        checks += [partial(layer.mend(film).number, "thickness", "length") for film in layers[:-1]]
    names = [section.name for section in layers]
    if all(names):  # else the layer without a name is the fault
        pairs = [f"{a}|{b}" for a, b in pairwise([*names, names[0]] if period else names)]
        checks.append(partial(check_boundary_names, top.section("boundaries"), pairs, boundary))
    raise_all(checks)


def check_boundary_names(section: TomlTable, names: Iterable[str], what: str, others: Iterable[str] = ()) -> None:
    """Raise one error for boundaries that have no `what`, and for names that are neither boundaries nor `others`."""

    def read(inside: TomlTable, key: str) -> None:
        if key not in inside:
            raise inside.fault(f"the boundary {key!r} has no {what}")

    required = [special(name, what, "", read, NOTHING) for name in dict.fromkeys(names)]
    Table([*required, *(special(name, what, "") for name in others)]).check(section)
