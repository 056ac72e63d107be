"""The verbs of junctions: build one from two crystals and a potential, look at one."""

from typing import Annotated, Any

import typer

import kapitza
from kapitza.cli import deferred, reports
from kapitza.cli import junction_options as options
from kapitza.cli.output import note, print_json
from kapitza.errors import InputError
from kapitza.units import angstrom

junction_app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True
)

_Json = Annotated[bool, typer.Option("--json", help="Machine-readable output, with units.")]


@junction_app.callback()
def junction() -> None:
    """Junctions of two crystals for atomistic Green's functions: build, look at."""


@junction_app.command()
def build(
    left: options.Left,
    right: options.Right = None,
    potential: options.Potential = None,
    left_potential: options.LeftPotential = None,
    right_potential: options.RightPotential = None,
    mixing: options.Mixing = None,
    scale: options.Scale = None,
    reach: options.Reach = None,
    orientation: options.Orientation = None,
    strain: options.Strain = None,
    limit: options.Limit = None,
    cell: options.CellOption = None,
    layers: options.Layers = None,
    twist: options.Twist = None,
    mirror: options.Mirror = False,
    contact: options.ContactOption = None,
    interlayer: options.Interlayer = None,
    no_relax: options.NoRelax = False,
    normal: options.Normal = None,
    shear: options.Shear = None,
    sheet: options.SheetOption = None,
    sheet_potential: options.SheetPotential = None,
    supercell: options.Supercell = None,
    intermixing: options.Intermixing = None,
    profile: options.ProfileOption = None,
    roughness: options.Roughness = None,
    correlation: options.Correlation = None,
    vacancies: options.Vacancies = None,
    substitute: options.Substitute = None,
    depth: options.Depth = None,
    seed: options.Seed = None,
    save: options.Save = None,
    as_json: _Json = False,
) -> None:
    """Match, strain, stack and relax two crystals, and take the force constants: `junction build Si Ge ...`."""
    reports.check_save(save)
    foreign = dict(options.parse_pairs(substitute, "substitute"))
    random = options.given_options(
        {
            "intermixing": intermixing, "profile": profile, "roughness": roughness, "correlation": correlation,
            "vacancies": vacancies, "depth": depth, "substitutions": foreign or None,
        }
    )  # fmt: skip
    table = options.given_options(
        {
            "right": right, "potential": potential, "left_potential": left_potential,
            "right_potential": right_potential, "mixing": mixing, "scale": scale, "reach": reach, "strain": strain,
            "limit": limit, "cell": cell, "layers": layers, "twist": twist, "mirror": mirror,
            "contact": options.parse_elements(contact), "interlayer": options.parse_interlayers(interlayer),
            "normal": normal, "shear": shear, "sheet": sheet, "sheet_potential": sheet_potential,
            "supercell": options.parse_supercell(supercell), "disorder": random or None,
        }
    )  # fmt: skip
    table |= options.parse_orientations(orientation) | ({"relax": False} if no_relax else {})
    made = _make_configurations(left, table, options.parse_seeds(seed))
    for path, one in zip(_numbered_names(save, len(made)), made, strict=True):
        if path is not None:
            kapitza.save(one, path)
    _report_junctions(made, as_json)
    for path in _numbered_names(save, len(made)):
        if path is not None:
            note(f"wrote {path}")


def _make_configurations(left: str, table: dict[str, Any], seeds: list[int]) -> list[Any]:
    """Junctions of what was asked for, one for each seed."""
    file = left if left.endswith(".toml") else None
    if file is None and "right" not in table:
        raise InputError(f"one crystal {left!r:.60}: expected two, such as Si Ge, or a TOML file of a junction")
    if file is None:
        table = {"left": left, **table}
        if not {"potential", "left_potential"} & set(table) and not left.endswith((".yaml", ".yml")):
            raise InputError(f"{left} and {table['right']} need forces: expected --potential, such as tersoff")
    wanted = [
        table if one is None else {**table, "disorder": {**table.get("disorder", {}), "seed": one}}
        for one in seeds or [None]
    ]
    return [deferred.junction_from_options(one, file) for one in wanted]


def _numbered_names(save: str | None, count: int) -> list[str | None]:
    """Names of files, numbered where there are several junctions."""
    if save is None or count == 1:
        return [save] * count
    stem, dot, suffix = save.rpartition(".")
    return [f"{stem}-{i + 1}{dot}{suffix}" for i in range(count)]


@junction_app.command()
def show(
    path: Annotated[str, typer.Argument(help="A saved junction, or a TOML file of one.")], as_json: _Json = False
) -> None:
    """What a junction is made of, and how well its device joins the leads."""
    _report_junction(kapitza.io.read_junction(path), as_json)


def _report_junctions(made: list[Any], as_json: bool) -> None:
    """Print what junctions are made of; several as a list in JSON."""
    if as_json and len(made) > 1:
        print_json({"junctions": [_junction_json(one) for one in made]})
        return
    for one in made:
        _report_junction(one, as_json)


def _report_junction(made: Any, as_json: bool) -> None:
    """Print what a junction is made of."""
    found = _junction_json(made)
    if as_json:
        print_json(found)
        return
    typer.echo(found["name"])
    for side in ("left", "right"):
        lead = found[side]
        typer.echo(
            f"{side:6s} {lead['name']}: {lead['atoms']} atoms in a principal layer of "
            f"{lead['thickness']['value'] / angstrom:.4g} Å, {lead['cells']} in a cell of the junction"
        )
    area = found["area"]["value"] / angstrom**2
    typer.echo(f"device {found['layers']} layers, {found['atoms']} atoms, cell of {area:.4g} Å²")
    typer.echo(f"sum rule off by {found['residual']:.1e} of the largest force constant before it was enforced")
    mismatch = found["mismatch"]
    typer.echo(
        f"outermost layers differ from the crystals by {mismatch['left']:.1e} (left) and {mismatch['right']:.1e} "
        "(right) of it"
    )


def _junction_json(made: Any) -> dict[str, Any]:
    """Return what a junction is made of, with units."""
    leads = {
        side: {
            "name": made.lead(side).name,
            "atoms": int(made.lead(side).masses.size),
            "thickness": {"unit": "m", "value": made.lead(side).thickness},
            "cells": len(made.tiles(side)),
        }
        for side in ("left", "right")
    }
    return {
        "name": made.name,
        **leads,
        "layers": len(made.device),
        "atoms": sum(int(slab.masses.size) for slab in made.device),
        "area": {"unit": "m^2", "value": made.area},
        "residual": made.residual,
        "mismatch": deferred.lead_mismatch(made),
    }
