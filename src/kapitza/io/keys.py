"""Declared tables of TOML files: each key once, with its unit, bounds, default and meaning.

The known keys of a file, the errors of `Table.check` and the page "Formats of TOML files" follow from the declarations.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar, cast

from attrs import NOTHING, evolve, field, fields_dict, frozen

from kapitza.core.quantity_kinds import kind_of
from kapitza.core.records import BaseRecord
from kapitza.errors import DataError, KapitzaError
from kapitza.io.quantities import parse_uncertain
from kapitza.io.toml import TomlTable, locate_faults, raise_together, read_quantities

Record = TypeVar("Record")
Bounds = Callable[[float], str | None]  # what is wrong with a value in SI, or None


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
    tables: Mapping[str, "Table"] = field(factory=dict)
    choose: Callable[[TomlTable], str] | None = None

    @property
    def required(self) -> bool:
        """True if the key may not be left out."""
        return self.default is NOTHING and not self.unless

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
            for one in cast("Iterable[TomlTable]", inner):
                yield from self.tables["" if self.choose is None else self.choose(one)].faults(one)
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
        """Yield the errors of a table: unknown keys, missing keys, values out of bounds."""
        unknown = [name for name in section.table if name not in self.names]
        listed = False  # the known keys, once for a table
        for name in unknown:
            if name in self.hints:
                yield section.fault(f"unknown key; {self.hints[name]}", name)
                continue
            try:
                evolve(section, table={name: section.table[name]}).check_keys(self.names, self.renamed)
            except DataError as err:
                again, listed = listed and "known are" in str(err), listed or "known are" in str(err)
                yield section.fault("unknown key", name) if again else err
        meant = {match for name in unknown for match in get_close_matches(name, self.names, n=1)}
        meant |= {self.renamed[name] for name in unknown if name in self.renamed}
        for key in self.keys:
            if key.name in section or not meant & {key.name, *key.unless}:  # else an unknown key stands for it
                yield from key.faults(section)
        if meant:
            return
        for check in self.checks:
            try:
                check(section)
            except DataError as err:
                yield err
            except KapitzaError as err:
                yield section.fault(str(err))

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
        return locate_faults(section, "", lambda: record(**{**given, **values}))


def number(
    name: str, kind: str, meaning: str, default: Any = NOTHING, *, unless: tuple[str, ...] = (),
    bounds: Bounds | None = None,
) -> Key:  # fmt: skip
    """Declare a number with a unit; `bounds` returns what is wrong with a value (SI), or None."""

    def read(section: TomlTable, key: str) -> float:
        value = section.number(key, kind)
        fault = bounds(value) if bounds is not None else None
        if fault is not None:
            raise section.fault(fault, key)
        return value

    return Key(name=name, form=f"`{kind}`", meaning=meaning, read=read, default=default, unless=unless)


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
    return special(name, f"`{kind}`, with ± for its uncertainty", meaning, partial(uncertain_value, kind), default)


def uncertain_value(kind: str, section: TomlTable, key: str) -> tuple[float, float]:
    """Return the number of a key and its standard uncertainty, SI."""
    given = section.table.get(key)
    if not isinstance(given, str):
        return section.number(key, kind), 0.0
    return locate_faults(section, key, lambda: parse_uncertain(given, kind, what="value"))


def special(
    name: str, form: str, meaning: str, read: Callable[[TomlTable, str], Any] | None = None, default: Any = None
) -> Key:
    """Declare a key with a reader of its own; without one its value is as it stands."""
    return Key(
        name=name, form=form, meaning=meaning, default=default,
        read=read or (lambda section, key: section.table[key]),
    )  # fmt: skip


def _kind_of_attribute(unit: str) -> str:
    """Kind of quantity of an attribute with a unit as "W m^-1 K^-1" in its metadata."""
    words = unit.replace("ohm", "Ohm").split()
    above = "".join(word.replace("^", "") for word in words if "^-" not in word)
    below = "".join(word.replace("^-1", "").replace("^-", "") for word in words if "^-" in word)
    return kind_of(f"{above}/{below}" if below else above) or "share"


def attribute(
    record: type, name: str, *, key: str = "", kind: str = "", meaning: str = "", bounds: Bounds | None = None,
) -> Key:  # fmt: skip
    """Declare a number that fills an attribute of a record, whose metadata have the unit, meaning and default."""
    known = fields_dict(cast("Any", record))[name]
    default = NOTHING if known.default is NOTHING else known.default if isinstance(known.default, float) else None
    unit = kind or _kind_of_attribute(known.metadata["unit"])
    made = number(key or name, unit, meaning or known.metadata["meaning"], default, bounds=bounds)
    return evolve(made, fills=name)


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
        return tuple(inner.section(one) for one in inner.table)

    return Key(name=name, form=f"tables [{name}.NAME]", meaning="", default=None, read=read, tables={"": inside})
