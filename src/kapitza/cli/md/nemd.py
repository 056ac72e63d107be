"""The verbs of molecular dynamics between two baths: run, spectrum, modes."""

from typing import Annotated

import typer

import kapitza
from kapitza.cli import deferred, figures
from kapitza.cli.md import reports
from kapitza.cli.md.options import (
    EXIT_REJECTED,
    RunFileArgument,
    SavedRunArgument,
    StoreOption,
    WorkersOption,
    check_outputs,
    explain_resume,
    load_run,
    print_saved,
    run_store,
)
from kapitza.cli.options import DaskAddress, Figure, Json, Save, dask_executor, parse_temperatures
from kapitza.cli.output import print_json, progress_line
from kapitza.errors import InputError

md_app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True)


@md_app.callback()
def md() -> None:
    """Molecular dynamics of interfaces: temperature jump, fluctuations, spectra, modes, decks for a cluster."""


@md_app.command()
def nemd(
    file: RunFileArgument,
    save: Save = None,
    plot: Figure = None,
    store: StoreOption = None,
    replicas: Annotated[
        int | None, typer.Option("--replicas", help="Runs that differ in their seed; as the file says.", min=1)
    ] = None,
    workers: WorkersOption = 1,
    dask: DaskAddress = None,
    as_json: Json = False,
) -> None:
    """Run between two baths: profile, heat flow three ways, jump and conductance with total error, and a verdict.

    Exit code 3: the run is not to be believed (not steady, heat flows disagree, jump not resolved); it is saved.
    """
    check_outputs(save, plot)
    held = kapitza.io.read_run(file).with_preparation(replicas=replicas)
    where = run_store(store, save)
    with explain_resume(where), dask_executor(dask) as pool:
        run = kapitza.md.run(
            held.system(), held.potential, held.engine, held.protocol, held.sampling, store=where,
            executor=pool or workers, progress=progress_line("runs" if held.protocol.replicas > 1 else "blocks"),
        )  # fmt: skip
    report_run(run, save, plot, as_json=as_json)


def report_run(run: "kapitza.md.Run", save: str | None, plot: str | None, *, as_json: bool) -> None:
    """Save, draw and print a run; stop with a status of its own where it is rejected."""
    if save is not None:
        kapitza.save(run, save)
    found = run.result()
    if plot is not None:
        figures.write_axes(plot, lambda ax: kapitza.plot.md_profile(found, ax=ax))
    content = reports.run_json(run, found)
    if as_json:
        print_json(content)
    else:
        reports.print_run(run, found)
    print_saved(save, plot)
    if not found.accepted:
        raise typer.Exit(EXIT_REJECTED)


@md_app.command()
def spectrum(
    run: SavedRunArgument,
    temperature: Annotated[
        str | None,
        typer.Option("--temperature", "-T", help="K, of the quantum-corrected conductance: 30 or 50:600:10."),
    ] = None,
    agf: Annotated[
        str | None, typer.Option(metavar="FILE", help="Saved transmission of the same junction (`agf --save`).")
    ] = None,
    bands: Annotated[int, typer.Option(help="Bands of frequency of the table and of the split.", min=2, max=200)] = 12,
    plot: Figure = None,
    save: Save = None,
    as_json: Json = False,
) -> None:
    """Who carries the heat through the plane, frequency by frequency."""
    check_outputs(save, plot)
    kelvin = None if temperature is None else parse_temperatures(temperature)
    elastic = None if agf is None else _load_elastic_transmission(agf)
    held = load_run(run)
    found = kapitza.md.heat_spectrum(held, kelvin, elastic=elastic, bands=bands)
    if save is not None:
        kept = {"flux": found.flux, "extrapolated": found.extrapolated, "between baths": found.between}
        kapitza.save(kept if found.transmission is None else {**kept, "transmission": found.transmission}, save)
    if plot is not None:
        figures.write_figure(
            plot, lambda figure: deferred.md_spectrum_figure(held, figure, elastic=elastic), width=9.0, height=3.8
        )
    if as_json:
        print_json(reports.spectrum_json(found))
    else:
        reports.print_spectrum(found)
    print_saved(save, plot)


def _load_elastic_transmission(path: str) -> "kapitza.Transmission":
    """Transmission of a file of `agf --save`; a file without one is refused."""
    found = kapitza.load(path)
    held = found.get("transmission") if isinstance(found, dict) else found
    if not isinstance(held, kapitza.Transmission):
        raise InputError(f"{path} holds no transmission: expected what `kapitza agf --save` wrote")
    return held


@md_app.command()
def modes(
    run: SavedRunArgument,
    bands: Annotated[int, typer.Option(help="Bands of frequency.", min=1, max=100)] = 8,
    plot: Figure = None,
    save: Save = None,
    as_json: Json = False,
) -> None:
    """Temperatures of frequencies by layer near the plane, and the part of interface vibrations in the heat."""
    check_outputs(save, plot)
    found = kapitza.md.mode_temperatures(load_run(run), bands=bands)
    occupation = found.occupation
    if occupation is None and (save is not None or plot is not None):
        raise InputError(f"{run}: --save and --plot are for mode temperatures, and no run in equilibrium was made")
    if save is not None:
        kapitza.save(occupation, save)
    if plot is not None and occupation is not None:
        figures.write_axes(plot, lambda ax: deferred.md_modes(occupation, found.plane, ax=ax))
    if as_json:
        print_json(reports.modes_json(found))
    else:
        reports.print_modes(found)
    print_saved(save, plot)
