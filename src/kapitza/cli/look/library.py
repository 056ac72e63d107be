"""Verbs of what is known: materials of the library, published measurements, and what to cite."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, cast

import typer

import kapitza
from kapitza.cli.options import Json, parse_temperature
from kapitza.cli.output import note, print_json, print_record, print_text, terminal_columns
from kapitza.cli.tables import Column, columns_of, print_columns

if TYPE_CHECKING:
    from kapitza.matter.material import Material, PropertyTable, Quantity
    from kapitza.measure.catalogue import Measurement

_WRAPPED_COLUMNS = 100  # where remarks on measurements are wrapped if no terminal says it


def materials(
    name: Annotated[str | None, typer.Argument(help="A material; all of them if left out.")] = None,
    as_json: Json = False,
) -> None:
    """List the library, or all that it holds on one material, with the source of each number."""
    if name is not None:
        _report_material(kapitza.material(name), as_json=as_json)
        return
    found = [kapitza.material(one) for one in kapitza.materials()]
    if as_json:
        print_json({"materials": found})
    else:
        print_library(found)


def print_library(found: list[Material]) -> None:
    """Print the list of the library."""
    columns = [
        *columns_of(found, {"name": "", "title": "", "symmetry": ""}),
        Column("stiffness", ["yes" if one.constants else "" for one in found]),
        Column("kg m⁻³", [one.density.value for one in found]),
        Column("also called", [", ".join(one.aliases) for one in found]),
    ]
    print_columns(f"{len(found)} materials; `kapitza materials Si` shows all numbers of one", columns, digits=5)


def _report_material(one: Material, *, as_json: bool) -> None:
    """Print all that is known of a material, with sources."""
    numbers = one.numbers()
    sources = {known.source: str(kapitza.matter.source(known.source)) for known in numbers.values()}
    if as_json:
        print_json(one, {"sources": sources})
        return
    columns = [
        Column("", list(numbers)),
        Column("value", [_number_or_range(known) for known in numbers.values()]),
        *columns_of(list(numbers.values()), {"unit": "", "source": ""}),
        Column("remark", [_number_remark(known) for known in numbers.values()]),
    ]
    aliases = f", also {', '.join(one.aliases)}" if one.aliases else ""
    print_columns(f"{one.name}: {one.title}{aliases}; {one.formula}, {one.symmetry}", columns)
    if one.note:
        print_text(one.note)
    for key, text in sources.items():
        print_text(f"{key}: {text}")


def _number_or_range(known: Quantity | PropertyTable) -> str:
    """Return a number, or the range of a table."""
    if isinstance(known.value, (int, float)):
        return f"{known.value:.6g}"
    kelvin, value = cast("PropertyTable", known).temperature, cast("PropertyTable", known).value
    return f"{value[0]:.4g} … {value[-1]:.4g} ({kelvin[0]:g} to {kelvin[-1]:g} K)"


def _number_remark(known: Quantity | PropertyTable) -> str:
    """Return what a reader has to know of a number."""
    return "; ".join(part for part in ("" if known.verified else "not verified", known.note) if part)


def measured(
    left: Annotated[str | None, typer.Argument(help="A material; all interfaces if left out.")] = None,
    right: Annotated[str | None, typer.Argument(help="The other side.")] = None,
    temperature: Annotated[str | None, typer.Option("--temperature", "-T", help="K, within 5 %.")] = None,
    as_json: Json = False,
) -> None:
    """Published measurements, each with its source."""
    kelvin = None if temperature is None else parse_temperature(temperature)
    found = kapitza.measured(left, right, kelvin)
    for remark in filter(None, (kapitza.theory.name_remark(side) for side in (left, right) if side is not None)):
        note(remark)
    if as_json:
        print_record({"measured": found})
        return
    if not found:
        note("nobody is known to have measured that; `kapitza measured` lists all interfaces of the catalogue")
        return
    keys = {citation: f"[{i}]" for i, citation in enumerate(dict.fromkeys(one.citation for one in found), start=1)}
    places = {one.provenance for one in found}
    print_columns(
        f"published conductances{f', read in {places.pop()}' if len(places) == 1 else ''}",
        _measurement_columns(found, keys),
        piped=_WRAPPED_COLUMNS,
    )
    for citation, key in keys.items():
        doi = next(one.doi for one in found if one.citation == citation)
        text = f"{key} {citation}, {doi if doi.startswith('https:') else f'doi:{doi}'}"
        indent = " " * (len(key) + 1)
        typer.echo(fill(text, terminal_columns(_WRAPPED_COLUMNS), subsequent_indent=indent, break_long_words=False))


def _measurement_columns(found: tuple[Measurement, ...], keys: Mapping[str, str]) -> list[Column]:
    """Return measurements, one row a temperature, with the keys of their sources."""
    points = [(one, i) for one in found for i in range(one.conductance.temperature.size)]
    values = [columns_of(one.conductance, {"temperature": "", "value": ""}) for one in found]
    alike = len({one.provenance for one in found}) == 1  # then said once
    remarks = [
        (
            one.exclusion,
            one.flag if one.flag != one.exclusion else "",
            one.preparation,
            one.state,
            "" if alike else f"read in {one.provenance}",
        )
        for one, _ in points
    ]
    return [
        Column("interface", [f"{one.left} | {one.right}" for one, _ in points]),
        Column("at (K)", [kelvin for at, _ in values for kelvin in at.values]),
        Column(
            "MW m⁻² K⁻¹",
            [number for _, value in values for number in value.values],
            sigmas=[sigma for _, value in values for sigma in value.sigmas or [None] * len(value.values)],
        ),
        *columns_of([one for one, _ in points], {"method": ""}),
        Column("source", [keys[one.citation] for one, _ in points]),
        Column("remark", ["; ".join(filter(None, parts)) for parts in remarks]),
    ]


def cite(
    theory: Annotated[str | None, typer.Argument(help="Name of a model; the list of all if left out.")] = None,
    as_json: Json = False,
) -> None:
    """What to cite for a model, as BibTeX."""
    print_citation(theory, as_json=as_json)


def print_citation(theory: str | None, *, as_json: bool) -> None:
    """Print the BibTeX entries of a theory, or the list of theories."""
    if theory is None:
        listed = kapitza.theory.citations()
        if as_json:
            print_json({"theories": listed})
            return
        texts = ["; ".join(reference.text for reference in kapitza.cite(one.name)) for one in listed]
        columns = [*columns_of(listed, {"name": "", "title": ""}), Column("references", texts)]
        print_columns("`kapitza cite NAME` prints BibTeX", columns)
        return
    found = kapitza.cite(theory)
    entries = [one.bibtex for one in found]
    if as_json:
        print_json({"theory": theory, "references": found, "bibtex": entries})
        return
    typer.echo("\n\n".join(entries))
