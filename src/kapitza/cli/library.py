"""Commands of what is known: materials of the library, published measurements, what to cite, and the local page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import fill
from typing import Annotated, cast

import typer

import kapitza
from kapitza.cli.layer import Option, Panel
from kapitza.cli.options import parse_temperature
from kapitza.cli.output import Column, Part, Results, Table, columns_of, note, print_text, terminal_columns

_JsonOnly = Annotated[Results, Panel(names="as_json")]
_WRAPPED_COLUMNS = 100  # where remarks on measurements are wrapped if no terminal says it


def explore(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILES", help="That the page opens: spectra, samples, devices.")
    ] = None,
    *,
    port: Annotated[int, Option("port of 127.0.0.1; 0 for any that is free")] = 0,
    no_browser: Annotated[bool, Option("print the address, and open nothing")],
) -> None:
    """A page in the browser: estimate, models, measurements and spectra of an interface, maps, fits, devices."""

    def announce(address: str) -> None:
        print_text(address)
        note("the page is for this machine alone; Ctrl+C ends it")

    kapitza.explore(files or (), port=port, browser=not no_browser, announce=announce)


def materials(
    name: Annotated[str | None, typer.Argument(help="A material; all of them if omitted.")] = None, *, files: _JsonOnly
) -> None:
    """List the library, or all that it holds on one material, with the source of each number."""
    if name is not None:
        material = kapitza.material(name)
        sources = {one.source: str(kapitza.matter.source(one.source)) for one in material.numbers().values()}
        files.show(material, _describe_material(material, sources), {"sources": sources}, plain=True)
        return
    library = [kapitza.material(one) for one in kapitza.materials()]
    columns = [
        *columns_of(library, {"name": "", "title": "", "symmetry": ""}),
        Column("stiffness", ["yes" if one.constants else "" for one in library]),
        Column("kg m⁻³", [one.density.value for one in library]),
        Column("also called", [", ".join(one.aliases) for one in library]),
    ]
    title = f"{len(library)} materials; `kapitza materials Si` shows all numbers of one"
    files.show({"materials": library}, [Table(title, columns, digits=5)], plain=True)


def _describe_material(material: kapitza.matter.Material, sources: Mapping[str, str]) -> Iterator[Part]:
    numbers = material.numbers()
    known = list(numbers.values())
    remarks = ["; ".join(filter(None, ("" if one.verified else "not verified", one.note))) for one in known]
    columns = [
        Column("", list(numbers)),
        Column("value", [_number_or_range(one) for one in known]),
        *columns_of(known, {"unit": "", "source": ""}),
        Column("remark", remarks),
    ]
    aliases = f", also {', '.join(material.aliases)}" if material.aliases else ""
    yield Table(f"{material.name}: {material.title}{aliases}; {material.formula}, {material.symmetry}", columns)
    if material.note:
        yield material.note
    for key, text in sources.items():
        yield f"{key}: {text}"


def _number_or_range(known: kapitza.matter.Quantity | kapitza.matter.PropertyTable) -> str:
    if isinstance(known.value, (int, float)):
        return f"{known.value:.6g}"
    table = cast("kapitza.matter.PropertyTable", known)
    kelvin, value = table.temperature, table.value
    return f"{value[0]:.4g} … {value[-1]:.4g} ({kelvin[0]:g} to {kelvin[-1]:g} K)"


def measured(
    left: Annotated[str | None, typer.Argument(help="A material; all interfaces if omitted.")] = None,
    right: Annotated[str | None, typer.Argument(help="The other side.")] = None,
    *,
    temperature: Annotated[
        float | None,
        Option("temperature in K, within 5 %", parse_temperature, names="--temperature -T", metavar="KELVIN"),
    ],
    files: _JsonOnly,
) -> None:
    """Published measurements, each with its source."""
    measurements = kapitza.measured(left, right, temperature)
    for remark in filter(None, (kapitza.theory.name_remark(side) for side in (left, right) if side is not None)):
        note(remark)
    if not measurements and not files.as_json:
        note("nobody is known to have measured that; `kapitza measured` lists all interfaces of the catalogue")
        return
    keys = {citation: f"[{i}]" for i, citation in enumerate(dict.fromkeys(one.citation for one in measurements), 1)}
    places = {one.provenance for one in measurements}
    title = f"published conductances{f', read in {next(iter(places))}' if len(places) == 1 else ''}"
    files.show(
        {"measured": measurements}, [Table(title, _measurement_columns(measurements, keys), piped=_WRAPPED_COLUMNS)]
    )
    if files.as_json:
        return
    for citation, key in keys.items():
        doi = next(one.doi for one in measurements if one.citation == citation)
        text = f"{key} {citation}, {doi if doi.startswith('https:') else f'doi:{doi}'}"
        indent = " " * (len(key) + 1)
        typer.echo(fill(text, terminal_columns(_WRAPPED_COLUMNS), subsequent_indent=indent, break_long_words=False))


def _measurement_columns(found: tuple[kapitza.Measurement, ...], keys: Mapping[str, str]) -> list[Column]:
    points = [(one, i) for one in found for i in range(one.conductance.temperature.size)]
    values = [columns_of(one.conductance, {"temperature": "", "value": ""}) for one in found]
    alike = len({one.provenance for one in found}) == 1  # then said once
    remarks: list[str] = []
    for one, _ in points:
        flag, place = one.flag if one.flag != one.exclusion else "", "" if alike else f"read in {one.provenance}"
        remarks.append("; ".join(filter(None, (one.exclusion, flag, one.preparation, one.state, place))))
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
        Column("remark", remarks),
    ]


def cite(
    theory: Annotated[str | None, typer.Argument(help="Name of a model; the list of all if omitted.")] = None,
    *,
    files: _JsonOnly,
) -> None:
    """What to cite for a model, as BibTeX."""
    if theory is None:
        theories = kapitza.theory.citations()
        texts = ["; ".join(reference.text for reference in kapitza.cite(one.name)) for one in theories]
        columns = [*columns_of(theories, {"name": "", "title": ""}), Column("references", texts)]
        table = Table("`kapitza cite NAME` prints BibTeX", columns)
        files.show({"theories": theories}, [table], plain=True)
        return
    references = kapitza.cite(theory)
    entries = [one.bibtex for one in references]
    if files.as_json:
        files.show({"theory": theory, "references": references, "bibtex": entries}, plain=True)
        return
    typer.echo("\n\n".join(entries))  # to be copied: they are not wrapped
