"""The verbs of junctions: build one from two crystals and a potential, look at one."""

from typing import Annotated, Any, Literal

import typer

import kapitza
from kapitza.cli import reports
from kapitza.cli.options import parse_normals
from kapitza.cli.output import note, print_json
from kapitza.errors import InputError
from kapitza.units import angstrom

junction_app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True
)

Json = Annotated[bool, typer.Option("--json", help="Machine-readable output, with units.")]


@junction_app.callback()
def junction() -> None:
    """Junctions of two crystals for atomistic Green's functions: build, look at."""


@junction_app.command()
def build(
    left: Annotated[str, typer.Argument(help="Crystal by name, such as Si; or a TOML file of a junction.")],
    right: Annotated[str | None, typer.Argument(help="The other crystal; left out with a TOML file.")] = None,
    potential: Annotated[str | None, typer.Option(help="tersoff, sw, lj, erhart-albe, matsunaga or emt.")] = None,
    orientation: Annotated[str, typer.Option(help="Miller indices: 001, or left,right as 001,111.")] = "001",
    strain: Annotated[Literal["left", "right", "both"], typer.Option(help="Which crystal fits itself.")] = "right",
    layers: Annotated[int | None, typer.Option(help="Principal layers of the device on either side.")] = None,
    save: Annotated[str | None, typer.Option("--save", metavar="FILE", help="Save it: .h5, .npz or .json.")] = None,
    as_json: Json = False,
) -> None:
    """Match, strain, stack and relax two crystals, and take the force constants: `junction build Si Ge ...`."""
    reports.check_save(save)
    if right is None:
        if not left.endswith(".toml"):
            raise InputError(f"one crystal {left!r:.60}: expected two, such as Si Ge, or a TOML file of a junction")
        made = kapitza.read_junction(left)
    else:
        if potential is None:
            raise InputError(f"{left} and {right} need forces: expected --potential, such as --potential tersoff")
        facing, behind = parse_normals(orientation)
        made = kapitza.build_junction(
            left, right, potential, orientation=facing, right_orientation=behind, strain=strain, layers=layers
        )
    if save is not None:
        kapitza.save(made, save)
    report(made, as_json)
    if save is not None:
        note(f"wrote {save}")


@junction_app.command()
def show(
    path: Annotated[str, typer.Argument(help="A saved junction, or a TOML file of one.")], as_json: Json = False
) -> None:
    """What a junction is made of, and how well its device joins the leads."""
    report(kapitza.read_junction(path), as_json)


def report(made: Any, as_json: bool) -> None:
    """Print what a junction is made of."""
    found = summary(made)
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


def summary(made: Any) -> dict[str, Any]:
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
        "mismatch": kapitza.lead_mismatch(made),
    }
