"""Verbs for devices: device, export."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from kapitza.cli import figures
from kapitza.cli.device import grid, inverse, layers
from kapitza.cli.device.method import MethodChoice, choose_method
from kapitza.cli.options import Figure, Json, Save
from kapitza.errors import InputError

device_app = typer.Typer()

_DeviceFile = Annotated[str, typer.Argument(metavar="FILE", help="Device file (.toml): layers, boundaries, sources.")]


@device_app.command()
def device(
    file: _DeviceFile,
    sweep: Annotated[
        str | None,
        typer.Option(metavar="NAME=RANGE", help="One number over a range: 'GaN|SiC.conductance=50:500:10MW/m2K'."),
    ] = None,
    plot: Figure = None,
    step: Annotated[
        str | None, typer.Option(metavar="FILE", help="Figure against time: switched on at 0, or as the file says.")
    ] = None,
    samples: Annotated[
        int, typer.Option(help="Devices drawn from the uncertainties, beside the linear error.", min=0)
    ] = 0,
    fit: Annotated[
        str | None, typer.Option(metavar="FILE", help="Table of measured temperatures to fit: x, y, depth, T, sigma.")
    ] = None,
    free: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Numbers to find in that fit: 'GaN|SiC.conductance,...'.")
    ] = None,
    tier: Annotated[
        Literal["auto", "layers", "volumes", "elements"],
        typer.Option(help="How it is solved; by what the geometry needs if left out."),
    ] = "auto",
    cells: Annotated[int, typer.Option(help="Cells of a box grid, about.", min=512)] = 60_000,
    vtk: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Fields for ParaView: .vtr (cells) or .vtu (split cells)."),
    ] = None,
    save: Save = None,
    as_json: Json = False,
) -> None:
    """Temperature of a device, the share of each layer and boundary in it, and how uncertain it is."""
    figures.Results(save, plot)
    figures.check_output(step, figures.FIGURE_SUFFIXES)
    figures.check_output(vtk, (".vtr", ".vtu"))
    clash = {"--plot": plot, "--step": step, "--samples": samples, "--sweep": sweep}
    given = [name for name, value in clash.items() if value]
    if fit is not None and given:
        raise InputError(f"{' and '.join(given)} with --fit: a fit takes --free, --save and --json only")
    if free is not None and fit is None:
        raise InputError(f"--free {free} without --fit: give the table of measured temperatures")
    choice = choose_method(file, tier)
    if choice.tier != "layers":
        _refuse_options(choice, {"--fit": fit, "--samples": samples})
        if sweep is not None:
            _refuse_options(choice, {"--sweep": choice.tier == "elements", "--vtk": vtk, "--step": step})
            layers.report_sweep(file, sweep, plot=plot, save=save, as_json=as_json, cells=cells)
            return
        _report_fields(file, choice, cells=cells, files=(plot, save, vtk, step), as_json=as_json)
        return
    if vtk is not None:
        raise InputError(f"--vtk {vtk}: layers are solved without a grid; --tier volumes makes one")
    if fit is not None:
        inverse.report_inverse(file, fit, free, save=save, as_json=as_json)
        return
    if sweep is not None:
        layers.report_sweep(file, sweep, plot=plot, save=save, as_json=as_json)
        return
    layers.report_device(file, choice, plot=plot, save=save, step=step, samples=samples, as_json=as_json)


_OutputFiles = tuple[
    str | None, str | None, str | None, str | None
]  # figure, results, fields for ParaView, figure of time


def _report_fields(file: str, choice: MethodChoice, *, cells: int, files: _OutputFiles, as_json: bool) -> None:
    """Report a device with blocks, or of a mesh."""
    plot, save, vtk, step = files
    if choice.tier == "volumes":
        grid.report_layout(file, choice, cells=cells, plot=plot, save=save, vtk=vtk, step=step, as_json=as_json)
        return
    _refuse_options(choice, {"--step": step, "--vtk FILE.vtr": vtk is not None and Path(vtk).suffix.lower() == ".vtr"})
    grid.report_body(file, choice, plot=plot, save=save, vtk=vtk, as_json=as_json)


def _refuse_options(choice: MethodChoice, given: dict[str, object]) -> None:
    """Refuse options that a way to solve does not know."""
    wrong = [name for name, value in given.items() if value]
    if wrong:
        raise InputError(f"{' and '.join(wrong)}: not for a device {choice.reason}")


@device_app.command()
def export(
    file: _DeviceFile,
    spice: Annotated[str | None, typer.Option(metavar="FILE", help="Thermal network as a SPICE netlist.")] = None,
    comsol: Annotated[str | None, typer.Option(metavar="FILE", help="Table (.csv) of boundary resistances.")] = None,
    moose: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Mesh and input file for MOOSE, which runs on many machines.")
    ] = None,
    cells: Annotated[int, typer.Option(help="Bricks of the mesh, about.")] = 150_000,
    order: Annotated[int, typer.Option(help="Cells of the network, at most.")] = 12,
    ladder: Annotated[bool, typer.Option("--ladder", help="A Cauer ladder instead of a Foster chain.")] = False,
    of: Annotated[str, typer.Option(help="What the network follows: peak, or the name of a patch.")] = "peak",
    times: Annotated[str | None, typer.Option(help="Range that it has to follow, e.g. 10ns:10ms.")] = None,
) -> None:
    """Write a device for other programs: a thermal network, its boundary resistances, or a problem for MOOSE."""
    if moose is not None:
        grid.report_moose(file, moose, cells)
        if spice is None and comsol is None:
            return
    layers.report_export(file, spice=spice, comsol=comsol, order=order, ladder=ladder, of=of, span=times)
