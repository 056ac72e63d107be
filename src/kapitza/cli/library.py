"""Verbs of what is known: materials of the library, published measurements, and what to cite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

import kapitza
from kapitza.cli import deferred
from kapitza.cli.options import Json, parse_temperature
from kapitza.cli.output import megawatts, note, print_json, print_record, print_table

if TYPE_CHECKING:
    from kapitza.matter.material import PropertyTable
    from kapitza.measure.catalogue import Measurement


def materials(
    name: Annotated[str | None, typer.Argument(help="A material; all of them if left out.")] = None,
    as_json: Json = False,
) -> None:
    """List the library, or all that it holds on one material, with the source of each number."""
    content: dict[str, Any] = _library_json() if name is None else _material_json(name)
    if as_json:
        print_json(content)
    elif name is None:
        print_library(content)
    else:
        _print_material(content)


def _library_json() -> dict[str, Any]:
    """Return the list of the library."""
    found = [kapitza.material(name) for name in kapitza.materials()]
    return {
        "materials": [
            {
                "name": one.name,
                "title": one.title,
                "aliases": list(one.aliases),
                "formula": one.formula,
                "symmetry": one.symmetry,
                "density": {"unit": "kg m^-3", "value": one.density.value},
                "crystal": bool(one.constants),
            }
            for one in found
        ]
    }


def print_library(content: dict[str, Any]) -> None:
    """Print the list of the library."""
    rows = [
        [
            one["name"],
            one["title"],
            one["symmetry"],
            "yes" if one["crystal"] else "",
            f"{one['density']['value']:.5g}",
            ", ".join(one["aliases"]),
        ]
        for one in content["materials"]
    ]
    columns = ["name", "material", "symmetry", "stiffness", "kg m⁻³", " also called"]
    print_table(f"{len(rows)} materials; `kapitza materials Si` shows all numbers of one", columns, rows, text=4)


def _material_json(name: str) -> dict[str, Any]:
    """Return all that is known of a material, with sources."""
    one = kapitza.material(name)
    numbers: list[dict[str, Any]] = []
    for label, known in one.numbers().items():
        entry: dict[str, Any] = {"name": label, "unit": known.unit}
        if isinstance(known.value, (int, float)):
            entry["value"] = float(known.value)
        else:
            table = cast("PropertyTable", known)
            entry |= {"value": table.value.tolist(), "temperature": {"unit": "K", "value": table.temperature.tolist()}}
        numbers.append(entry | {"source": known.source, "verified": known.verified, "note": known.note})
    keys = dict.fromkeys(entry["source"] for entry in numbers)
    return {
        "name": one.name,
        "title": one.title,
        "aliases": list(one.aliases),
        "formula": one.formula,
        "symmetry": one.symmetry,
        "speeds": one.speeds,
        "note": one.note,
        "numbers": numbers,
        "sources": {key: str(kapitza.matter.source(key)) for key in keys},
    }


def _print_material(content: dict[str, Any]) -> None:
    """Print all that is known of a material."""
    rows = [
        [entry["name"], _entry_value(entry), entry["unit"], entry["source"], _entry_remark(entry)]
        for entry in content["numbers"]
    ]
    aliases = f", also {', '.join(content['aliases'])}" if content["aliases"] else ""
    title = f"{content['name']}: {content['title']}{aliases}; {content['formula']}, {content['symmetry']}"
    print_table(title, ["", "value", " unit", " source", " remark"], rows)
    if content["note"]:
        typer.echo(content["note"])
    for key, text in content["sources"].items():
        typer.echo(f"{key}: {text}")


def _entry_value(entry: dict[str, Any]) -> str:
    """Return a number, or the range of a table."""
    value = entry["value"]
    if isinstance(value, float):
        return f"{value:.6g}"
    kelvin = entry["temperature"]["value"]
    return f"{value[0]:.4g} … {value[-1]:.4g} ({kelvin[0]:g} to {kelvin[-1]:g} K)"


def _entry_remark(entry: dict[str, Any]) -> str:
    """Return what a reader has to know of a number."""
    return "; ".join(part for part in ("" if entry["verified"] else "not verified", entry["note"]) if part)


def measured(
    left: Annotated[str | None, typer.Argument(help="A material; all interfaces if left out.")] = None,
    right: Annotated[str | None, typer.Argument(help="The other side.")] = None,
    temperature: Annotated[str | None, typer.Option("--temperature", "-T", help="K, within 5 %.")] = None,
    as_json: Json = False,
) -> None:
    """Published measurements, each with its source."""
    kelvin = None if temperature is None else parse_temperature(temperature)
    _print_measured(kapitza.measured(left, right, kelvin), as_json=as_json)


def _print_measured(found: tuple[Measurement, ...], *, as_json: bool) -> None:
    """Print measurements, one row a temperature."""
    if as_json:
        print_record({"measured": found})
        return
    if not found:
        note("nobody is known to have measured that; `kapitza measured` lists all interfaces of the catalogue")
        return
    keys = {citation: f"[{i}]" for i, citation in enumerate(dict.fromkeys(one.citation for one in found), start=1)}
    rows: list[list[str]] = []
    for one in found:
        known = one.conductance
        for i, kelvin in enumerate(known.temperature.tolist()):
            remarks = (one.set_aside, one.preparation, one.state, f"read in {one.seen}")
            rows.append(
                [
                    f"{one.left} | {one.right}",
                    f"{kelvin:g} K",
                    megawatts(float(known.value[i])),
                    "" if known.sigma is None else f"± {megawatts(float(known.sigma[i]))}",
                    one.method,
                    keys[one.citation],
                    "; ".join(part for part in remarks if part),
                ]
            )
    print_table(
        "published conductances, MW m⁻² K⁻¹", ["interface", "at", "value", "", " method", " source", " remark"], rows
    )
    for citation, key in keys.items():
        doi = next(one.doi for one in found if one.citation == citation)
        typer.echo(f"{key} {citation}, doi:{doi}")


def cite(
    theory: Annotated[str | None, typer.Argument(help="Name of a model; the list of all if left out.")] = None,
    as_json: Json = False,
) -> None:
    """What to cite for a model, as BibTeX."""
    print_citation(theory, as_json=as_json)


def print_citation(theory: str | None, *, as_json: bool) -> None:
    """Print the BibTeX entries of a theory, or the list of theories."""
    if theory is None:
        listed = [(one.name, one.title, [ref.text for ref in kapitza.cite(one.name)]) for one in deferred.citations()]
        if as_json:
            names = ("name", "title", "references")
            print_json({"theories": [dict(zip(names, one, strict=True)) for one in listed]})
            return
        rows = [[name, title, "; ".join(texts)] for name, title, texts in listed]
        print_table("`kapitza cite NAME` prints BibTeX", ["name", "theory", " references"], rows, text=2)
        return
    found = kapitza.cite(theory)
    entries = [one.bibtex for one in found]
    if as_json:
        print_json({"theory": theory, "references": [one.text for one in found], "bibtex": entries})
        return
    typer.echo("\n\n".join(entries))
