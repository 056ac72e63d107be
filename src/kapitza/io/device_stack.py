"""Layers of device files: tables of TOML, a table of CSV, thicknesses or depths from which they follow."""

import csv
from typing import Any

from attrs import evolve

from kapitza.errors import DataError
from kapitza.io.files import read_limited
from kapitza.io.sections import LARGEST, Section

CLOSE = 1e-6  # of a depth, up to which two layers meet


def layer_sections(top: Section) -> tuple[Section, ...]:
    """Return the sections of all layers from the top down, each with a thickness.

    Raises
    ------
    DataError
        if there are none, if both a table and a file are given, or if depths leave a gap or overlap
    """
    if "stack" in top:
        if "layers" in top:
            raise top.fault("the layers stand in this file and in another one: give one of them", "stack")
        sections = csv_sections(top)
    else:
        sections = top.sections("layers")
    if not sections:
        raise top.fault("no [[layers]]: give at least one, from the top down", "layers")
    if any("from" in section or "to" in section for section in sections):
        return stacked(sections)
    for section in sections:
        if "thickness" not in section:
            raise section.fault(
                "is missing; expected a length such as '2 um' (or 'infinite' for the last)", "thickness"
            )
    return sections


def csv_sections(top: Section) -> tuple[Section, ...]:
    """Layers from a CSV file whose first line names the columns as the keys of [[layers]]; empty cells are left out."""
    path = top.beside("stack")
    try:
        text = read_limited(path, LARGEST).decode()
    except UnicodeDecodeError as err:
        raise DataError(f"is no text: byte {err.start}", file=path) from err
    lines = text.splitlines()
    kept = [(i + 1, line) for i, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")]
    if len(kept) < 2:
        raise DataError(f"has {len(kept)} lines: expected a line of names and one for each layer", file=path)
    heads = [cell.strip() for cell in next(csv.reader([kept[0][1]]))]
    found: list[Section] = []
    for number, line in kept[1:]:
        cells = [cell.strip() for cell in next(csv.reader([line]))]
        if len(cells) != len(heads):
            raise DataError(
                f"has {len(cells)} cells, expected {len(heads)}: {', '.join(heads)}", file=path, line=number
            )
        table = {head: as_value(cell) for head, cell in zip(heads, cells, strict=True) if cell}
        found.append(Section(path, tuple(lines), ("layers", str(len(found) + 1)), table))
    return tuple(found)


def as_value(cell: str) -> Any:
    """A cell as a number where it is one."""
    try:
        return float(cell)
    except ValueError:
        return cell


def stacked(sections: tuple[Section, ...]) -> tuple[Section, ...]:
    """Thicknesses from depths `from` and `to`, which have to meet."""
    found: list[Section] = []
    last: float | None = None
    before = ""
    for section in sections:
        name = section.text("name", section.text("material", ""))
        start, end = section.number("from", "length"), section.number("to", "length")
        if not end > start:
            raise section.fault(f"runs from {start:g} to {end:g} m: expected a depth below the first", "to")
        if last is not None and abs(start - last) > CLOSE * max(abs(last), end - start):
            what = "overlaps" if start < last else "leaves a gap to"
            raise section.fault(
                f"{name!r} {what} {before!r}: that ends at {last:g} m, this begins at {start:g} m", "from"
            )
        table = {key: value for key, value in section.table.items() if key not in ("from", "to")}
        found.append(evolve(section, table=table | {"thickness": end - start}))
        last, before = end, name
    return tuple(found)
