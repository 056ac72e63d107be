"""Write the page "Formats of files" from the table of the kinds of files and the declared keys of TOML files.

Usage: python docs/make_files_page.py
"""

import inspect
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import NOTHING

from kapitza.core.quantity_kinds import QUANTITY_KINDS
from kapitza.io.applications import CELL_FILE, CRYOGENIC_FILE, EXCHANGER_FILE, LEG_FILE
from kapitza.io.boundaries import BOUNDARY
from kapitza.io.device.blocks import LAYOUT
from kapitza.io.device.bodies import BODY
from kapitza.io.device.layers import DEVICE
from kapitza.io.eels.experiments import EELS_EXPERIMENT, MODES
from kapitza.io.eels.lamella import LAMELLA
from kapitza.io.junctions import JUNCTION
from kapitza.io.md.run_tables import RUN
from kapitza.io.probes import PROBE
from kapitza.io.reading import FILE_KINDS, FileKind
from kapitza.io.samples import SAMPLE
from kapitza.io.toml import Key, Table
from kapitza.io.transport.domains import DOMAIN
from kapitza.io.transport.films import FILM_BOUNDARY, FILMS

PAGE = Path(__file__).resolve().parent / "reference" / "files.md"
TABLES: Mapping[str, Table] = {
    "sample": SAMPLE,
    "device": DEVICE,
    "layout": LAYOUT,
    "body": BODY,
    "films": FILMS,
    "domain": DOMAIN,
    "run": RUN,
    "junction": JUNCTION,
    "modes": MODES,
    "eels_experiment": EELS_EXPERIMENT,
    "lamella": LAMELLA,
    "leg": LEG_FILE,
    "memory_cell": CELL_FILE,
    "exchanger": EXCHANGER_FILE,
    "cryogenic": CRYOGENIC_FILE,
}
INTRODUCTION = """\
# Formats of files

`kapitza.read` recognises each file and returns its record. This page lists the kinds of files and every key of the
TOML files. It is made from the declarations that the readers use.

## Kinds of files

"""
CONVENTIONS = """
## Values in TOML files

A number has its unit, `"80 nm"`, or is in SI. The tables name the kind of quantity, and the list below gives the units
of each kind. Names of files are relative to the folder of the TOML file. One message lists all unknown, missing and
impossible keys of a file, each with its line.

"""


def kind_rows() -> Iterator[str]:
    """Rows of the table of the kinds of files."""
    yield from ("| kind | recognised by | content | record | extra |", "|---|---|---|---|---|")
    for kind in FILE_KINDS:
        if kind.reader is not None:
            cells = (kind.name.replace("_", " "), recognition(kind), kind.meaning, record(kind), kind.extra)
            yield f"| {' | '.join(cells)} |"


def recognition(kind: FileKind) -> str:
    """How a kind of file is recognised."""
    if kind.keys:
        groups = [" or ".join(f"`{key}`" for key in word.split("|")) for word in kind.keys.split()]
        return "TOML with " + ", and ".join(groups)
    parts = ", ".join(f"`{part}`" for part in kind.parts if part)
    if kind.parts:
        return f"folder with {parts}" if parts else "any other folder"
    return ", ".join(f"`{suffix}`" for suffix in kind.suffixes) or "name of the file"


def record(kind: FileKind) -> str:
    """Type that the reader of a kind returns."""
    assert kind.reader is not None
    found = inspect.signature(kind.reader()).return_annotation
    name = getattr(found, "__name__", str(found).strip("'\""))
    return "" if name == "Any" else f"`{name}`"


def unit_rows() -> Iterator[str]:
    """Rows of the table of units."""
    yield from ("| kind of quantity | units |", "|---|---|")
    for name, kind in QUANTITY_KINDS.items():
        yield f"| `{name}` | {', '.join(f'`{unit}`' if unit else 'plain number' for unit in kind.accepted)} |"


def sections(title: str, top: Table, known: dict[int, str]) -> Iterator[str]:
    """Lines of a table and of the tables below it; `known` are places of tables that the page has."""
    if top.meaning:
        yield from (top.meaning, "")
    yield from key_rows(top.keys)
    yield ""
    for key in top.keys:
        inner = list({id(one): (label, one) for label, one in key.tables.items()}.values())
        place = f"{title}.{key.name}".lstrip(".")
        if not inner:
            continue
        form = key.form.partition("[")[2].rpartition("]")[0]
        yield from (f"#### `[{form}]`" + (f" of `{title}`" if title else ""), "")
        common = shared_keys([one for _, one in inner]) if len(inner) > 1 else ()
        if common:
            yield from ("All kinds have these keys:", "", *key_rows(common), "")
        for _, one in inner:
            if len(inner) > 1:
                labels = [name for name, other in key.tables.items() if other is one]
                yield from (f"**{', '.join(labels)}**", "")
            if id(one) in known:
                yield from (f"Keys as those of {known[id(one)]}.", "")
                continue
            known[id(one)] = f"`[{form}]` above"
            names = {shared.name for shared in common}
            rest = Table([own for own in one.keys if own.name not in names], one.meaning)
            if rest.keys:
                yield from sections(place, rest, known)
            elif one.meaning:
                yield from (one.meaning, "")


def shared_keys(tables: list[Table]) -> tuple[Key, ...]:
    """Keys that all of several tables have, with the same meaning."""
    rows = [set(key_rows(one.keys)) for one in tables]
    return tuple(key for key in tables[0].keys if all(set(key_rows((key,))) <= each for each in rows))


def key_rows(keys: tuple[Key, ...]) -> Iterator[str]:
    """Rows of a table of keys."""
    yield from ("| key | value | default | meaning |", "|---|---|---|---|")
    for key in keys:
        name = f"`{key.name}`"
        form = key.form if key.bounds is None else f"{key.form} {key.bounds}"
        yield f"| {name} | {escaped(form)} | {default_text(key)} | {escaped(key.meaning) or 'see below'} |"


def escaped(text: str) -> str:
    """Text in a cell of a table."""
    return text.replace("|", "\\|")


def default_text(key: Key) -> str:
    """Default of a key in words."""
    if key.default is NOTHING:
        others = " or ".join(f"`{name}`" for name in key.unless)
        return f"required without {others}" if others else "required"
    value = key.default
    if value is None or value in ((), {}, "", (None, None)) or key.tables:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return number_text(value, key.form.strip("`"))
    if isinstance(value, tuple):
        return ", ".join(number_text(float(one), "time" if "time" in key.form else "share") for one in value)
    return f"`{value}`" if isinstance(value, str) else str(value)


def number_text(value: float, kind: str) -> str:
    """A number in the unit that suits it."""
    if math.isinf(value):
        return "none" if value < 0 else "∞"
    units = QUANTITY_KINDS[kind].accepted if kind in QUANTITY_KINDS else {"": 1.0}
    fits = [(size, unit) for unit, size in units.items() if unit and unit != "%" and 1 <= abs(value) / size < 1000]
    size, unit = max(fits) if fits and value else (1.0, next(iter(units)))
    return f"{value / size:.4g} {unit}".rstrip()


def page() -> str:
    """Text of the page."""
    lines = [*kind_rows(), CONVENTIONS.rstrip(), "", *unit_rows(), ""]
    lines += ["### Boundaries", "", *sections("", BOUNDARY, {}), "Boundaries of films and domains:", ""]
    lines += [*sections("", FILM_BOUNDARY, {})]
    known: dict[int, str] = {}
    meanings = {kind.name: kind.meaning for kind in FILE_KINDS}
    for name, top in TABLES.items():
        heading = name.replace("_", " ").capitalize().replace("Eels", "EELS")
        lines += [f"## {heading}", "", f"{meanings[name][0].upper()}{meanings[name][1:]}.", ""]
        lines += [*sections("", top, known)]
    lines += ["## Scanned profile", "", "Temperature profile of a scanning probe, for `kapitza jump`.", ""]
    lines += [*sections("", PROBE, known)]
    return INTRODUCTION + "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
