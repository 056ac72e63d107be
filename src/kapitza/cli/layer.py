"""Options of commands from the records that they fill.

A command is a function.  Each of its parameters becomes one of the following:

* ``Annotated[float, Option("Radius of the planes", "length", default="4nm")]``: one option, whose text may have any
  unit of the kind; the function receives the value in SI
* ``Annotated[kapitza.screen.Ranking, Panel("Ranking")]``: one option for each attribute of the record, from its unit,
  meaning and default; the function receives the record
* ``Work``, a dataclass with attributes of the first kind: the same, in the panel that the class names
* ``Annotated[dict[str, Any], Keys(kapitza.lattice.JunctionPlan, "Match", "strain limit")]``: the same options; the
  function receives the given texts by name, for a reader that checks them itself
* ``Annotated[int, typer.Option(...)]`` and `typer.Argument`: as for typer

Annotations are evaluated and options are built when a command is called, so that ``kapitza --help`` loads no record.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache, partial
from operator import itemgetter
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, cast, get_args, get_origin, get_type_hints

import typer
import typer.core
import typer.main

from kapitza.core.quantity_kinds import QUANTITY_KINDS, kind_of_unit
from kapitza.errors import InputError
from kapitza.io.quantities import parse_uncertain, quantity

_UNSHOWN_UNITS = ("angstrom", "Å", "um", "μm", "us")  # which have another name, or lie close to one that is shown


class Option(NamedTuple):
    """Option of a command: what it means, and how its text becomes a value."""

    meaning: str  # text of the help, without its full stop
    kind: str | Callable[[Any], Any] = ""  # of a quantity ("length", "length+-" with an error), or function of the text
    default: Any = None  # text if the option is omitted
    names: str = ""  # such as "--temperature -T"; by the name of the parameter if empty
    metavar: str | None = None
    low: float = -math.inf  # smallest value
    above: float = -math.inf  # below all values
    high: float = math.inf  # largest value
    noun: str = ""  # of the value in the message of bounds; the kind if empty
    panel: str = ""  # title of the panel of the help; the main one if empty
    shown: str = ""  # default as the help prints it
    given: Any = str  # type of what `kind` takes, if that is a function: several texts are a list


class Panel(NamedTuple):
    """Panel of the help for the options of a record."""

    title: str = ""
    names: str = ""  # attributes, such as "top order=--rank"; all that have a meaning if empty


class Keys(NamedTuple):
    """Attributes of a record whose options are passed on as texts, by name."""

    record: type
    title: str = ""
    names: str = ""  # as of `Panel`


class _Entry(NamedTuple):
    """One parameter of typer, and the function that turns what is given into a value."""

    parameter: inspect.Parameter
    convert: Callable[[Any], Any]


class _Group(NamedTuple):
    """Parameters of typer that make one parameter of a command: a value, a record, or texts by name."""

    entries: Mapping[str, _Entry]
    build: Callable[[dict[str, Any]], Any]


def add_command(group: typer.Typer, name: str, verb: Callable[..., None]) -> None:
    """Add a function as a command of a group; its options are built when it is called."""

    class Verb(_Command):
        function = staticmethod(verb)

    @group.command(name, cls=Verb, help=inspect.getdoc(verb))
    def _() -> None:
        """Stand for the function, whose parameters typer does not know."""


class _Command(typer.core.TyperCommand):
    """Command whose options are built from a function on first use, and listed by panels."""

    function: Callable[..., None]

    @property
    def params(self) -> list[Any]:
        """Ignore the parameters of the placeholder that typer knows."""
        return _typer_parameters(self.function)

    @params.setter
    def params(self, value: list[Any]) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Ignore the parameters of the placeholder that typer knows."""

    def invoke(self, ctx: Any) -> Any:
        """Call the function with the values of the options."""
        given: dict[str, Any] = {}
        for one in self.params:
            value = ctx.params.get(one.name)
            several = getattr(one, "multiple", False) or one.nargs == -1
            given[one.name] = (list(value) if value else None) if several else value
        groups = _parameter_groups(self.function)
        return self.function(
            **{
                name: group.build({key: one.convert(given[key]) for key, one in group.entries.items()})
                for name, group in groups.items()
            }
        )

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write one section for the arguments, and one for each panel of options, the main one first."""
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for one in self.get_params(ctx):
            line = one.get_help_record(ctx)
            title = "Arguments" if one.param_type_name == "argument" else getattr(one, "rich_help_panel", None)
            if line is not None:
                sections.setdefault(title or "Options", []).append(line)
        for title, lines in sections.items():
            if lines:
                with formatter.section(title):
                    formatter.write_dl(lines)


@lru_cache
def _typer_parameters(verb: Callable[..., None]) -> list[Any]:

    def placeholder() -> None:
        pass

    parameters = [one.parameter for group in _parameter_groups(verb).values() for one in group.entries.values()]
    placeholder.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportFunctionMemberAccess]
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(placeholder)
    return list(typer.main.get_command(app).params)


@lru_cache
def _parameter_groups(verb: Callable[..., None]) -> dict[str, _Group]:
    hints = get_type_hints(verb, include_extras=True)
    found: dict[str, _Group] = {}
    for name, parameter in inspect.signature(verb).parameters.items():
        kind, optional, markers = _split_hint(hints[name])
        marker = next((one for one in markers if isinstance(one, (Option, Panel, Keys))), None)
        if isinstance(marker, Option):
            default = parameter.default
            if default is parameter.empty and (optional or marker.default is not None or kind is bool):
                default = marker.default
            entry = _make_entry(name, kind, marker, default)
            found[name] = _Group({name: entry}, itemgetter(name))
        elif isinstance(marker, Keys):
            found[name] = _Group(dict(_record_entries(marker.record, marker, texts=True)), _drop_omitted)
        elif isinstance(marker, Panel) or is_dataclass(kind):
            entries = dict(_record_entries(kind, marker or Panel()))
            found[name] = _Group(entries, partial(_make_record, cast("Any", kind)))
        else:
            plain = parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
            found[name] = _Group({name: _Entry(plain, _same_value)}, itemgetter(name))
    return found


def _drop_omitted(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _make_record(record: Callable[..., Any], values: dict[str, Any]) -> Any:
    return record(**_drop_omitted(values))


def _same_value(value: Any) -> Any:
    return value


def _split_hint(hint: Any) -> tuple[Any, bool, tuple[Any, ...]]:
    """Return the type of an annotation without None, whether None is allowed, and what is annotated."""
    markers: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *rest = get_args(hint)
        markers = tuple(rest)
    if get_origin(hint) not in (Union, UnionType):
        return hint, False, markers
    kinds = [one for one in get_args(hint) if one is not NoneType]
    return kinds[0] if len(kinds) == 1 else hint, True, markers


def _record_entries(record: Any, panel: Panel | Keys, *, texts: bool = False) -> Iterator[tuple[str, _Entry]]:
    """Yield the options of a record by the names of its attributes, without a default: it is that of the record."""
    known = {one.name: one for one in (fields(record) if is_dataclass(record) else record.__attrs_attrs__)}
    if is_dataclass(record):
        hints = get_type_hints(record, include_extras=True)
    else:  # without the annotations of its bases, some of which are names that only type checkers import
        hints = {name: one.type for name, one in known.items()} | inspect.get_annotations(record, eval_str=True)
    for entry in panel.names.split() or known:
        name, _, names = entry.partition("=")
        about, default = known[name].metadata, known[name].default
        kind, _, markers = _split_hint(hints[name])
        if texts and kind not in (bool, int) and get_origin(kind) is not Literal:
            kind = str
        if not markers and "meaning" not in about:
            continue
        of_quantity = float in (hints[name], *get_args(hints[name]))
        option: Option = (
            markers[0] if markers else Option(about["meaning"], kind_of_unit(about["unit"]) if of_quantity else "")
        )
        if texts or option.kind or not isinstance(default, (int, str)):
            shown = "" if kind is bool else option.shown or _default_text(default, option.kind)
            option, default = option._replace(shown=shown), None
        option = option._replace(
            kind="" if texts else option.kind,
            panel=option.panel or panel.title or getattr(record, "panel", ""),
            metavar=option.metavar or _placeholder(name, kind, option.kind),
            names=names or option.names,
        )
        made = _make_entry(name, kind, option, default)
        yield name, made._replace(convert=_true_if_given) if kind is bool else made


def _true_if_given(value: object) -> bool | None:
    return True if value else None


def _placeholder(name: str, kind: Any, quantity_kind: str | Callable[[Any], Any]) -> str | None:
    """Return what stands for a value in the help; None for choices, which typer lists."""
    if isinstance(quantity_kind, str) and quantity_kind:
        return quantity_kind.removesuffix("+-").upper().replace("_", " ").replace("SHARE", "FRACTION")
    if kind in (int, float):
        return "NUMBER"
    return name.rpartition("_")[2].upper() if kind is str or quantity_kind else None


def _make_entry(name: str, kind: Any, option: Option, default: Any) -> _Entry:
    names = option.names.split() or [f"--{name.replace('_', '-')}"]
    metavar = option.metavar or _placeholder(name, kind, option.kind)
    extra: dict[str, Any] = {"metavar": metavar, "rich_help_panel": option.panel or None}
    convert: Callable[[Any], Any] = _same_value
    if kind is bool:
        shape, default, extra["show_default"] = bool, False, False
    elif option.kind:
        shape, convert = option.given, partial(_parse_text, names[0].lstrip("-"), option)
    elif kind is int or kind is float:
        shape = kind
        extra |= {side: kind(end) for side, end in (("min", option.low), ("max", option.high)) if math.isfinite(end)}
    else:
        supported = kind in (str, list[str], tuple[str, str]) or get_origin(kind) is Literal
        shape = kind if supported else str
    shape = shape | None if default is None else shape
    end = "" if option.meaning.endswith(("?", ".")) else "."
    shown = f"  [default: {option.shown}]" if option.shown else ""
    text = f"{option.meaning[:1].upper()}{option.meaning[1:]}{end}{shown}"
    info = typer.Option(*names, help=text, **extra)
    keyword = inspect.Parameter.KEYWORD_ONLY
    return _Entry(inspect.Parameter(name, keyword, default=default, annotation=Annotated[shape, info]), convert)


def _parse_text(name: str, option: Option, text: Any) -> Any:
    if text is None:
        return None
    if not isinstance(option.kind, str):
        return option.kind(text)
    if option.kind.endswith("+-"):
        value, sigma = parse_uncertain(text, option.kind[:-2], what=f"--{name}")
    else:
        value, sigma = quantity(text, option.kind, what=f"--{name}"), None
    if not (option.low <= value <= option.high and value > option.above):
        raise InputError(f"--{name} = {text!r:.60}: expected {_bounds_text(option)}")
    return value if sigma is None else (value, sigma)


def _bounds_text(option: Option) -> str:
    kind = str(option.kind).removesuffix("+-")
    noun = option.noun or ("number" if kind == "share" else kind.replace("_", " "))
    limits = [f"above {option.above:g}"] if math.isfinite(option.above) else []
    if math.isfinite(option.low):
        limits.append(f"from {option.low:g}" if math.isfinite(option.high) else f"of {option.low:g} or more")
    limits += [f"up to {option.high:g}"] if math.isfinite(option.high) else []
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun} {' '.join(limits)}"


def _default_text(value: Any, kind: str | Callable[[Any], Any]) -> str:
    """Return a default as the help prints it: a quantity in the unit in which it is a short number."""
    if not isinstance(value, float):
        return str(value) if isinstance(value, (bool, int, str)) else ""
    if not isinstance(kind, str) or kind in ("", "share"):
        return f"{100 * value:g} %" if kind and 0 < value < 1 else f"{value:g}"
    units = {unit: size for unit, size in QUANTITY_KINDS[kind].accepted.items() if unit not in _UNSHOWN_UNITS}
    unit = max((one for one in units if units[one] <= 10 * abs(value)), key=units.__getitem__, default="")
    return f"{value / units[unit]:g} {unit}" if unit and value else f"{value:g}"
