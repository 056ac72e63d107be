"""The verb `agf`: a junction by atomistic Green's functions: what crosses, who crosses, what lives at the interface."""

import sys
from threading import Timer
from typing import TYPE_CHECKING, Annotated

import typer

import kapitza
from kapitza.cli import agf_reports, figures, reports
from kapitza.cli.options import parse_temperature, parse_temperatures
from kapitza.cli.output import note, print_json
from kapitza.errors import InputError

if TYPE_CHECKING:
    from kapitza.matter.junction import Junction

_BUILD_NOTE_SECONDS = 10.0  # seconds after which a word is said

agf_app = typer.Typer()


@agf_app.command()
def agf(
    junction: Annotated[str, typer.Argument(help="TOML file of a junction, or a saved one (.h5, .npz, .json).")],
    temperature: Annotated[str, typer.Option("--temperature", "-T", help="K: 300, 77,300 or 50:600:10.")] = "300",
    tolerance: Annotated[float, typer.Option(help="Relative error of the conductance.")] = 2e-3,
    modes: Annotated[bool, typer.Option("--modes", help="Who crosses: branches, angles, conversion, specularity.")] = (
        False
    ),
    local: Annotated[bool, typer.Option("--local", help="Density of states by layer, and modes of the interface.")] = (
        False
    ),
    mesh: Annotated[
        int | None, typer.Option(help="Wave vectors a side, with --modes and --local.", min=1, max=400)
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes to share the work.", min=1)] = 1,
    resume: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Keep finished units here, and take those that are there.")
    ] = None,
    plot: Annotated[str | None, typer.Option(metavar="FILE", help="Draw a figure: .png, .pdf or .svg.")] = None,
    save: Annotated[str | None, typer.Option(metavar="FILE", help="Save everything: .json, .npz or .h5.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output, with units.")] = False,
) -> None:
    """Conductance of a junction by atomistic Green's functions, exact for its force constants."""
    kelvin = parse_temperatures(temperature)
    figures.check_figure(plot)
    reports.check_save(save)
    if modes and local:
        raise InputError(f"--modes and --local are two tables of {junction:.60}: expected one of them at a time")
    if mesh is not None and not (modes or local):
        raise InputError(f"--mesh {mesh} is for --modes and --local; the conductance refines its own: see --tolerance")
    if not 0 < tolerance < 1:
        raise InputError(f"--tolerance {tolerance:g}: expected a relative error between 0 and 1")
    single = parse_temperature(temperature) if modes or local else kelvin[0]
    held = read_with_note(junction)
    store = None if resume is None else kapitza.run.Store(resume)
    size = None if mesh is None else (mesh, mesh)
    work = agf_reports.WorkOptions(size, workers, store, _show_progress)
    if modes:
        found = agf_reports.crossing_report(held, single, work)
    elif local:
        found = agf_reports.interface_report(held, single, work)
    else:
        found = agf_reports.conductance_report(held, kelvin, tolerance, work)
    if save is not None:
        kapitza.save(found.records, save)
    if plot is not None:
        figures.write_figure(plot, found.draw, width=found.size[0], height=found.size[1])
    if as_json:
        print_json(found.json())
        return
    found.show()
    for path in (save, plot):
        if path is not None:
            note(f"wrote {path}")


def read_with_note(junction: str) -> "Junction":
    """Return the junction of a file; where it takes long to build, say so."""
    said = f"building {junction}: minutes for large cells; `kapitza junction build {junction} --save FILE` keeps it"
    timer = Timer(_BUILD_NOTE_SECONDS, note, [said])
    timer.daemon = True
    timer.start()
    try:
        return kapitza.io.read_junction(junction)
    finally:
        timer.cancel()


def _show_progress(done: int, total: int) -> None:
    """Show how much is done on a terminal, and nothing elsewhere."""
    if sys.stderr.isatty():
        typer.echo(f"\r{done} of {total} units" + ("\n" if done == total else ""), nl=False, err=True)
