"""The verbs from spectra to resistance: fit, jump, modes, simulate, design."""

from typing import Annotated, Literal

import typer

from kapitza.cli import figures
from kapitza.cli.eels.fit import fit_scan, simulate_plan
from kapitza.cli.eels.jump import jump_map
from kapitza.cli.eels.modes import design_plan, modes_map
from kapitza.cli.eels.options import (
    Dark,
    Dose,
    EnergyOption,
    EnergyUnit,
    Pitch,
    PositionUnit,
    ReadingOptions,
    Scan,
    Title,
)
from kapitza.cli.reports import check_save

eels_verbs_app = typer.Typer()

_Json = Annotated[bool, typer.Option("--json", help="Machine-readable output, with units.")]
_Figure = Annotated[str | None, typer.Option("--plot", metavar="FILE", help="Draw a figure: .png, .pdf or .svg.")]
_Save = Annotated[str | None, typer.Option("--save", metavar="FILE", help="Save everything: .json, .npz or .h5.")]
_MapFile = Annotated[str, typer.Argument(metavar="MAP", help="Map that `kapitza eels fit --save` wrote.")]
_PlanFile = Annotated[str, typer.Argument(metavar="FILE", help="Planned scan (.toml).")]
_Across = Annotated[Literal["x", "y"], typer.Option("--across", help="Position that crosses the interface.")]
_ModesOption = Annotated[str, typer.Option("--modes", metavar="FILE", help="Modes of the spectra (.toml).")]


@eels_verbs_app.command()
def fit(
    scan: Scan,
    modes: _ModesOption,
    tie: Annotated[
        Literal["both", "common", "each", "occupation"],
        typer.Option(help="One temperature, one for each mode, an occupation for each, or the first two."),
    ] = "both",
    vacuum: Annotated[
        str | None, typer.Option(metavar="FILE", help="Spectra without a specimen: the shape of the zero-loss peak.")
    ] = None,
    dark: Dark = None,
    workers: Annotated[int, typer.Option(help="Processor cores; 0 for all of them.", min=0)] = 1,
    radius: Annotated[str, typer.Option(help="Of the planes whose gradients are drawn, e.g. 4nm.")] = "4nm",
    interface: Annotated[str | None, typer.Option(help="Where no plane of the figure may cross, e.g. 12.4nm.")] = None,
    resume: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Keep finished blocks there; an interrupted fit goes on.")
    ] = None,
    title: Title = None,
    energy_unit: EnergyUnit = None,
    energy: EnergyOption = None,
    position_unit: PositionUnit = None,
    pitch: Pitch = None,
    electrons_per_count: Dose = None,
    plot: _Figure = None,
    save: _Save = None,
    as_json: _Json = False,
) -> None:
    """Temperature of every pixel of a scan, with its uncertainty."""
    figures.check_figure(plot)
    check_save(save)
    fit_scan(
        scan,
        modes,
        ReadingOptions(title, energy_unit, energy, position_unit, pitch, electrons_per_count),
        tie=tie,
        vacuum=vacuum,
        dark=dark,
        workers=workers,
        drawn=(radius, interface),
        resume=resume,
        plot=plot,
        save=save,
        as_json=as_json,
    )


@eels_verbs_app.command()
def jump(
    found: _MapFile,
    at: Annotated[str, typer.Option(help="Position of the interface: 12.4nm, or 12.4nm+-0.3nm to fit it.")],
    skip: Annotated[str, typer.Option(help="Left out on both sides, e.g. 2nm.")] = "0nm",
    reach: Annotated[str | None, typer.Option(help="Used up to here on both sides, e.g. 40nm.")] = None,
    across: _Across = "x",
    width: Annotated[str, typer.Option(help="Point spread: standard deviation of the local part, 1nm+-0.2nm.")] = "0nm",
    share: Annotated[str, typer.Option(help="Point spread: delocalised share, 0.3+-0.05.")] = "0",
    length: Annotated[str, typer.Option(help="Point spread: length of the delocalised part, 30nm.")] = "50nm",
    flux: Annotated[str | None, typer.Option(help="Heat flux, 3.1e9 (W/m²) or 3.1GW/m2+-0.1GW/m2.")] = None,
    conductivity_left: Annotated[
        str | None, typer.Option(help="Of the lamella on the left, 60+-15 (W/mK); or a material: its bulk value.")
    ] = None,
    conductivity_right: Annotated[str | None, typer.Option(help="The same on the right.")] = None,
    scale: Annotated[str, typer.Option(help="Uncertainty of the temperature scale, e.g. 0.5%.")] = "0",
    plot: _Figure = None,
    save: _Save = None,
    as_json: _Json = False,
) -> None:
    """Jump at an interface, Kapitza lengths, and the resistance where a flux or a conductivity is known."""
    figures.check_figure(plot)
    check_save(save)
    known = {"flux": flux, "left": conductivity_left, "right": conductivity_right}
    places = {"at": at, "skip": skip, "reach": reach, "scale": scale, "across": across}
    spread = {"width": width, "share": share, "length": length}
    jump_map(found, places, spread, known, plot=plot, save=save, as_json=as_json)


@eels_verbs_app.command()
def modes(
    found: _MapFile,
    interface: Annotated[str | None, typer.Option(help="Position of the interface, e.g. 12.4nm.")] = None,
    zone: Annotated[str, typer.Option(help="Half width of the interface, e.g. 1.5nm.")] = "1.5nm",
    across: _Across = "x",
    correction: Annotated[
        Literal["holm", "benjamini-hochberg", "none"], typer.Option(help="For the number of pixels.")
    ] = "holm",
    seen: Annotated[
        str | None, typer.Option("--jump", metavar="FILE", help="Of `eels jump --save`: both sides seen at once.")
    ] = None,
    scan: Annotated[str | None, typer.Option(help="The spectra, for modes that only the interface has.")] = None,
    peaks: Annotated[str | None, typer.Option("--modes", metavar="FILE", help="File with [[interface]] modes.")] = None,
    reverse: Annotated[
        tuple[str, str] | None, typer.Option(metavar="MAP SCAN", help="The same with heat flowing the other way.")
    ] = None,
    title: Title = None,
    energy_unit: EnergyUnit = None,
    energy: EnergyOption = None,
    plot: _Figure = None,
    save: _Save = None,
    as_json: _Json = False,
) -> None:
    """Occupation of each mode; whether any is out of equilibrium, and which modes only the interface has."""
    figures.check_figure(plot)
    check_save(save)
    modes_map(
        found,
        interface=interface,
        zone=zone,
        across=across,
        correction=correction,
        seen=seen,
        scan=scan,
        reading=ReadingOptions(title, energy_unit, energy),
        peaks=peaks,
        reverse=reverse,
        plot=plot,
        save=save,
        as_json=as_json,
    )


@eels_verbs_app.command()
def simulate(
    plan: _PlanFile,
    save: Annotated[str, typer.Option(metavar="FILE", help="Write the spectra: .h5 or .ndata, as Nion Swift.")],
    seed: Annotated[int, typer.Option(help="Of the counting noise.")] = 0,
    as_json: _Json = False,
) -> None:
    """Spectra of a planned scan with counting noise, drift and point spread."""
    simulate_plan(plan, save=save, seed=seed, as_json=as_json)


@eels_verbs_app.command()
def design(
    plan: _PlanFile,
    floor: Annotated[float, typer.Option(help="Share of the time spread evenly.", min=0, max=1)] = 0.2,
    plot: _Figure = None,
    as_json: _Json = False,
) -> None:
    """Dose, resolution, pixels and time for a wanted uncertainty of temperature, jump and Kapitza length."""
    figures.check_figure(plot)
    design_plan(plan, floor=floor, plot=plot, as_json=as_json)
