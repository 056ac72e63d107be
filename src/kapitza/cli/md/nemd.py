"""The verbs of molecular dynamics between two thermostats: run, spectrum, modes."""

from typing import Annotated

import typer

import kapitza
from kapitza.cli import figures
from kapitza.cli.md import reports
from kapitza.cli.md.options import (
    ReplicasOption,
    RunFileArgument,
    SavedRunArgument,
    StoreOption,
    conclude,
    load_run,
    run_and_keep,
)
from kapitza.cli.options import DaskAddress, Figure, Json, Save, WorkerCount, parse_temperatures
from kapitza.cli.output import note, print_record
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
    replicas: ReplicasOption = None,
    start: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Saved run of other lengths whose temperature profile this one starts from."),
    ] = None,
    workers: WorkerCount = 1,
    dask: DaskAddress = None,
    as_json: Json = False,
) -> None:
    """Run between two thermostats: profile, heat flow three ways, jump and conductance with total error, and a verdict.

    Exit code 3: the run is rejected (not steady, heat flows disagree, jump not resolved); it is saved.
    """
    files = figures.Results(save, plot)
    run_file = kapitza.io.read_run(file, gradient=True).with_preparation(replicas=replicas)
    if start is not None:
        run_file = run_file.with_profile(load_run(start))
    for remark in (kapitza.md.missing_spectra, kapitza.md.sampling_cost):
        if said := remark(run_file.potential, run_file.sampling):
            note(said)
    report_run(run_and_keep(run_file, files, store, dask=dask, workers=workers), files, as_json=as_json)


def report_run(run: "kapitza.md.Run", files: figures.Results, *, as_json: bool) -> None:
    """Draw and print a run; stop with a status of its own where it is rejected."""
    found = run.result()
    files.draw(lambda ax: kapitza.plot.md.md_profile(found, ax=ax))
    if as_json:
        print_record(found, reports.run_numbers(run, found))
    else:
        reports.print_run(run, found)
    conclude(files, accepted=found.accepted)


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
    """Spectral heat flux through the plane, and the conductances that follow from it."""
    files = figures.Results(save, plot)
    temperatures = None if temperature is None else parse_temperatures(temperature)
    elastic = None if agf is None else _load_elastic_transmission(agf)
    saved_run = load_run(run)
    found = kapitza.md.heat_spectrum(saved_run, temperatures, elastic=elastic, bands=bands)
    records = {"flux": found.flux, "extrapolated": found.extrapolated, "between_thermostats": found.between_thermostats}
    for name, one in (("transmission", found.transmission), ("split", found.split)):
        records |= {} if one is None else {name: one}
    files.keep(records)
    files.draw_figure(
        lambda figure: kapitza.plot.md.md_spectrum_figure(saved_run, figure, elastic=elastic), width=9.0, height=3.8
    )
    if as_json:
        print_record(records, reports.spectrum_numbers(found))
    else:
        reports.print_spectrum(found)
    files.announce()


def _load_elastic_transmission(path: str) -> "kapitza.Transmission":
    """Transmission of a file of `agf --save`; a file without one is refused."""
    found = kapitza.load(path)
    transmission = found.get("transmission") if isinstance(found, dict) else found
    if not isinstance(transmission, kapitza.Transmission):
        raise InputError(f"{path} holds no transmission: expected what `kapitza agf --save` wrote")
    return transmission


@md_app.command()
def modes(
    run: SavedRunArgument,
    bands: Annotated[int, typer.Option(help="Bands of frequency.", min=1, max=100)] = 8,
    plot: Figure = None,
    save: Save = None,
    as_json: Json = False,
) -> None:
    """Temperatures of frequencies by layer near the plane, and the part of interface vibrations in the heat."""
    files = figures.Results(save, plot)
    found = kapitza.md.mode_temperatures(load_run(run), bands=bands)
    occupation = found.occupation
    if occupation is not None:
        files.keep(occupation)
        files.draw(lambda ax: kapitza.plot.md.md_modes(occupation, found.plane, ax=ax))
    elif save is not None or plot is not None:
        raise InputError(f"{run}: --save and --plot are for mode temperatures, and no run in equilibrium was made")
    if as_json:
        print_record({} if occupation is None else occupation, reports.mode_numbers(found))
    else:
        reports.print_modes(found)
    files.announce()
