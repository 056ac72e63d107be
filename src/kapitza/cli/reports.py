"""Reports of the verbs, as tables and as JSON."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import typer

import kapitza
from kapitza.cli import deferred
from kapitza.cli.figures import check_folder
from kapitza.cli.options import even_subset
from kapitza.cli.output import (
    CONDUCTANCE_UNIT,
    conductance_json,
    measurement_json,
    megawatts,
    note,
    print_json,
    print_table,
    terminal_columns,
)
from kapitza.errors import InputError

if TYPE_CHECKING:
    from kapitza.matter.material import PropertyTable
    from kapitza.measure.catalogue import Measurement
    from kapitza.measure.compare import Comparison
    from kapitza.theory.models import Estimate

_MAX_COLUMNS = 7  # temperatures in a printed table
_COLUMN_WIDTH = 9  # characters of one of them
_POLYTYPE_NAMES = ("SiC",)  # names that stand for more than one crystal in the catalogue
_DROP_NAMES = ("emitted", "local", "extrapolated")


def check_save(path: str | None) -> None:
    """Refuse, before anything is computed, a path that cannot become a result."""
    if path is None:
        return
    if Path(path).suffix.lower() not in (".json", ".npz", ".h5", ".hdf5"):
        raise InputError(f"the ending of {path!r} says no format: expected .json, .npz or .h5")
    check_folder(path)


def published_measurements(left: str, right: str, found: "Estimate") -> "tuple[Measurement, ...]":
    """Measurements of two sides by the names that were typed, or by those of files; none for a file of another name."""
    one, other = typed_names(left, right, found)
    try:
        return kapitza.measured(one, other)
    except InputError:
        return ()


def typed_names(left: str, right: str, found: "Estimate") -> tuple[str, str]:
    """Names of both sides as they were typed, and of files by what they hold."""
    return (
        found.left if deferred.is_path(left) else left,
        found.right if deferred.is_path(right) else right,
    )


def estimates_json(found: "tuple[Estimate, ...]") -> dict[str, Any]:
    """Return estimates with their units."""
    first = found[0]
    return {
        "left": first.left,
        "right": first.right,
        "temperature": {"unit": "K", "value": first.emitted.temperature.tolist()},
        "models": [
            {"model": one.model, "title": one.title, "limit": one.limit}
            | {drop: conductance_json(getattr(one, drop)) for drop in _DROP_NAMES}
            for one in found
        ],
    }


def print_estimates(found: "tuple[Estimate, ...]", measured: "tuple[Measurement, ...]", names: tuple[str, str]) -> None:
    """Print estimates: drops side by side at one temperature, or temperatures side by side; names are those typed."""
    first = found[0]
    kelvin = first.emitted.temperature.tolist()
    head = f"{first.left} | {first.right}, conductance in MW m⁻² K⁻¹"
    if len(kelvin) == 1:
        rows = [[one.title, one.model, *(_drop_value(one, drop, 0) for drop in _DROP_NAMES)] for one in found]
        print_table(f"{head} at {kelvin[0]:g} K by temperature drop", ["model", "name", *_DROP_NAMES], rows, text=2)
    else:
        shown = even_subset(len(kelvin), _fitting_columns(max(len(one.title) for one in found)))
        rows = [
            [one.title if drop == _DROP_NAMES[0] else "", drop, *(_drop_value(one, drop, j) for j in shown)]
            for one in found
            for drop in _DROP_NAMES
        ]
        print_table(head, ["model", "drop", *(f"{kelvin[j]:g} K" for j in shown)], rows, text=2)
        if len(shown) < len(kelvin):
            note(f"{len(shown)} of {len(kelvin)} temperatures are shown; --save and --json hold all of them")
    if any(one.extrapolated is not None for one in found):
        note("experiments and simulations see the extrapolated drop, here by its estimate for gray, diffuse media")
    bare = [one for one in measured if not one.set_aside]
    if bare:
        sources = len({one.citation for one in bare})
        note(f"{sources} source{'s' * (sources > 1)} measured it: kapitza measured {' '.join(map(shlex.quote, names))}")


def _fitting_columns(text: int) -> int:
    """Return how many columns of temperatures stand beside titles of this length without being cut."""
    room = terminal_columns() - text - len("  extrapolated  ")
    return max(2, min(_MAX_COLUMNS, room // _COLUMN_WIDTH))


def _drop_value(one: "Estimate", drop: str, index: int) -> str:
    """Return one value of an estimate for a table."""
    conductance = getattr(one, drop)
    return megawatts(None if conductance is None else float(conductance.value[index]))


def _related_interfaces(left: str, right: str) -> str:
    """Return the interfaces of the catalogue that differ from this one in the crystal structure of a side only."""
    try:
        wanted = {kapitza.material(left).formula, kapitza.material(right).formula}
        pairs = [
            (pair, {kapitza.material(side).formula for side in pair}) for pair in kapitza.measure.measured_interfaces()
        ]
    except InputError:
        return ""
    near = [f"{a}/{b}" for (a, b), formulas in pairs if formulas == wanted and {a, b} != {left, right}]
    return f"; the catalogue has {', '.join(near)}" if near else ""


def comparison_json(found: "Comparison") -> dict[str, Any]:
    """Return a comparison with its units."""
    interval = found.interval
    return {
        "left": found.left,
        "right": found.right,
        "temperature": {"unit": "K", "value": found.temperature},
        "unit": CONDUCTANCE_UNIT,
        "published": {
            "interval": None if interval is None else list(interval),
            "median": found.median,
            "spread": found.spread,
            "values": [
                {"temperature": one.temperature, "value": one.value, "sigma": one.sigma}
                | {"set aside": one.measurement.set_aside, "source": measurement_json(one.measurement)}
                for one in found.published
            ],
        },
        "models": [
            {"model": one.model, "title": one.title, "limit": one.limit}
            | {drop: getattr(one, drop) for drop in _DROP_NAMES}
            | {"factor outside of the interval": found.factor(one.model)}
            for one in found.predictions
        ],
    }


def print_comparison(found: "Comparison") -> None:
    """Print models, published values and sources."""
    rows = [
        [
            one.title or one.model,
            *(megawatts(getattr(one, drop)) for drop in _DROP_NAMES),
            _interval_verdict(found, one.model),
        ]
        for one in found.predictions
    ]
    title = f"{found.left} | {found.right} at {found.temperature:g} K, MW m⁻² K⁻¹"
    print_table(title, ["model", *_DROP_NAMES, " against the published interval"], rows)
    if not found.published:
        others = _related_interfaces(found.left, found.right)
        note(f"nobody is known to have measured {found.left}/{found.right} within {found.window:.0%} of it{others}")
        return
    keys = {citation: f"[{i}]" for i, citation in enumerate(found.sources, start=1)}
    values = [
        [
            f"{one.temperature:g} K",
            megawatts(one.value),
            "" if one.sigma is None else f"± {megawatts(one.sigma)}",
            one.measurement.method,
            keys[one.measurement.citation],
            " ".join(part for part in (one.measurement.set_aside, one.measurement.state) if part),
        ]
        for one in found.published
    ]
    print_table("published", ["at", "value", "", " method", " source", " remark"], values)
    typer.echo(_published_interval(found))
    for side in {found.left, found.right} & set(_POLYTYPE_NAMES):
        note(f"{side} is {kapitza.material(side).name} in the models, and any polytype in the measurements")
    for citation, key in keys.items():
        typer.echo(f"{key} {citation}")


def _published_interval(found: "Comparison") -> str:
    """Return the interval of published values, or why there is none."""
    interval = found.interval
    if interval is not None and found.median is not None and found.spread is not None:
        low, high = map(megawatts, interval)
        if low == high:
            return f"{len(found.direct)} values that agree on {low}: models are held against this one number"
        return f"interval {low} to {high}, median {megawatts(found.median)}, highest/lowest {found.spread:.3g}"
    if found.direct:
        return "no interval: one value, of which nobody stated the uncertainty"
    return "no interval: none of these is the bare contact of the two materials"


def _interval_verdict(found: "Comparison", model: str) -> str:
    """Return how the extrapolated conductance of a model stands to the published interval."""
    factor = found.factor(model)
    if factor is None:
        return ""
    if factor == 1:
        return "inside"
    return f"{factor:.3g} × the highest" if factor > 1 else f"{factor:.3g} × the lowest"


def library_json() -> dict[str, Any]:
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


def material_json(name: str) -> dict[str, Any]:
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


def print_material(content: dict[str, Any]) -> None:
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


def print_measured(found: "tuple[Measurement, ...]", *, as_json: bool) -> None:
    """Print measurements, one row a temperature."""
    if as_json:
        print_json({"measured": [measurement_json(one) for one in found]})
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
