"""Verbs of applications: superlattice, composite, leg, memory, exchanger, cryo."""

from typing import Annotated, Literal

import typer

from kapitza.cli import figures, reports
from kapitza.cli.application_reports import (
    composite_report,
    cryo_report,
    exchanger_report,
    leg_report,
    memory_report,
    superlattice_report,
)
from kapitza.cli.options import parse_temperature

app = typer.Typer()

Json = Annotated[bool, typer.Option("--json", help="Machine-readable output, with units.")]
Figure = Annotated[str | None, typer.Option("--plot", metavar="FILE", help="Draw a figure: .png, .pdf or .svg.")]
Save = Annotated[str | None, typer.Option("--save", metavar="FILE", help="Save everything: .json, .npz or .h5.")]
Kelvin = Annotated[str, typer.Option("--temperature", "-T", help="K, one temperature.")]
Theory = Annotated[Literal["dmm", "amm"], typer.Option(help="Model of the boundary.")]
Given = Annotated[str | None, typer.Option(help="Of the boundary, e.g. 120MW/m2K, instead of a model.")]


@app.command()
def superlattice(
    first: Annotated[str, typer.Argument(help="Name of the library.")],
    second: Annotated[str, typer.Argument(help="The other material.")],
    period: Annotated[str, typer.Option(help="5:50nm, 5:50:5nm or 8,16,32nm.")] = "2:200nm",
    share: Annotated[float, typer.Option(help="Of the period that is the first material.")] = 0.5,
    theory: Theory = "dmm",
    conductance: Given = None,
    free_path: Annotated[
        str | None, typer.Option(help="Of waves, e.g. 4nm: adds where they make the conductivity least.")
    ] = None,
    temperature: Kelvin = "300",
    plot: Figure = None,
    save: Save = None,
    as_json: Json = False,
) -> None:
    """Conductivity across a superlattice against its period: series, by frequency, ballistic."""
    figures.check(plot)
    reports.check_save(save)
    superlattice_report(
        (first, second),
        period,
        share=share,
        theory=theory,
        conductance=conductance,
        free_path=free_path,
        kelvin=parse_temperature(temperature),
        files=(plot, save),
        as_json=as_json,
    )


@app.command()
def composite(
    particle: Annotated[str, typer.Argument(help="Material of the particles, a name of the library.")],
    matrix: Annotated[str, typer.Argument(help="Material around them.")],
    radius: Annotated[str, typer.Option(help="Of the particles: 1:200um, 1:9:2um or 5,50um.")] = "1:200um",
    fraction: Annotated[float, typer.Option(help="Of the volume, 0 to 1.")] = 0.4,
    conductance: Given = None,
    theory: Theory = "dmm",
    rule: Annotated[
        Literal["dilute", "differential"] | None, typer.Option(help="Of mixing; by the fraction if left out.")
    ] = None,
    particle_conductivity: Annotated[str | None, typer.Option(help="E.g. 1500W/mK, instead of the library.")] = None,
    matrix_conductivity: Annotated[str | None, typer.Option(help="The same for the matrix.")] = None,
    temperature: Kelvin = "300",
    plot: Figure = None,
    save: Save = None,
    as_json: Json = False,
) -> None:
    """Conductivity of particles in a matrix against their radius, and the radius below which they do harm."""
    figures.check(plot)
    reports.check_save(save)
    composite_report(
        (particle, matrix),
        (particle_conductivity, matrix_conductivity),
        radius,
        fraction=fraction,
        conductance=conductance,
        theory=theory,
        rule=rule,
        kelvin=parse_temperature(temperature),
        files=(plot, save),
        as_json=as_json,
    )


@app.command()
def leg(
    path: Annotated[str, typer.Argument(metavar="FILE", help="Leg (.toml): material, size, contacts, reservoirs.")],
    plot: Figure = None,
    save: Save = None,
    as_json: Json = False,
) -> None:
    """A thermoelectric leg with its contacts: figure of merit, power, efficiency or COP, best length."""
    figures.check(plot)
    reports.check_save(save)
    leg_report(path, (plot, save), as_json=as_json)


@app.command()
def memory(
    path: Annotated[str, typer.Argument(metavar="FILE", help="Cell (.toml): pillar, dielectric, boundaries.")],
    plot: Figure = None,
    save: Save = None,
    as_json: Json = False,
) -> None:
    """Reset current and energy of a phase-change memory cell, and what its boundaries save."""
    figures.check(plot)
    reports.check_save(save)
    memory_report(path, (plot, save), as_json=as_json)


@app.command()
def exchanger(
    path: Annotated[str, typer.Argument(metavar="FILE", help="Exchanger (.toml): two streams and a wall.")],
    plot: Figure = None,
    save: Save = None,
    as_json: Json = False,
) -> None:
    """Heat between two liquids in small channels: convection, wall and both boundaries."""
    figures.check(plot)
    reports.check_save(save)
    exchanger_report(path, (plot, save), as_json=as_json)


@app.command()
def cryo(
    path: Annotated[str, typer.Argument(metavar="FILE", help="Chip (.toml): bath, load, superconductor.")],
    current: Annotated[str | None, typer.Option(help="Through the superconductor, instead of the file's.")] = None,
    plot: Figure = None,
    save: Save = None,
    as_json: Json = False,
) -> None:
    """All temperatures at which a chip in liquid helium can rest, and the currents at which it runs away."""
    figures.check(plot)
    reports.check_save(save)
    cryo_report(path, current, (plot, save), as_json=as_json)
