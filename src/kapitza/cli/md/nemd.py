"""The commands of molecular dynamics between two thermostats: run, spectrum, modes."""

from __future__ import annotations

from typing import Annotated

import kapitza
from kapitza.cli import figures
from kapitza.cli.layer import Option
from kapitza.cli.md import reports
from kapitza.cli.md.options import (
    ReplicasOption,
    RunFileArgument,
    RunWork,
    SavedRunArgument,
    conclude,
    load_run,
    run_and_keep,
)
from kapitza.cli.options import parse_temperatures
from kapitza.cli.output import note
from kapitza.errors import InputError


def nemd(
    file: RunFileArgument,
    *,
    replicas: ReplicasOption,
    start: Annotated[
        str | None, Option("saved run of other lengths whose temperature profile this one starts from", metavar="RUN")
    ],
    work: RunWork,
    files: figures.Results,
) -> None:
    """Run between two thermostats: profile, heat flow three ways, jump and conductance with total error, and a verdict.

    Exit code 3: the run is rejected (not steady, heat flows disagree, jump not resolved); it is saved.
    """
    run_file = kapitza.io.read_run(file, gradient=True).with_preparation(replicas=replicas)
    if start is not None:
        run_file = run_file.with_profile(load_run(start))
    for remark in (kapitza.md.missing_spectra, kapitza.md.sampling_cost):
        if said := remark(run_file.potential, run_file.sampling):
            note(said)
    report_run(run_and_keep(run_file, files, work), files)


def report_run(run: kapitza.md.Run, files: figures.Results) -> None:
    """Draw and print a run; stop with a status of its own where it is rejected."""
    result = run.result()
    files.draw(lambda ax: kapitza.plot.md.md_profile(result, ax=ax))
    files.show(result, reports.describe_run(run, result), reports.run_numbers(run, result))
    conclude(accepted=result.accepted)


def spectrum(
    run: SavedRunArgument,
    *,
    temperature: Annotated[
        list[float] | None,
        Option(
            "temperatures in K of the quantum-corrected conductance: 30 or 50:600:10", parse_temperatures,
            names="--temperature -T", metavar="KELVIN",
        ),
    ],
    agf: Annotated[
        str | None, Option("saved transmission of the same junction (`agf --save`)", metavar="FILE")
    ],
    bands: Annotated[int, Option("bands of frequency of the table and of the split", low=2, high=200)] = 12,
    files: figures.Results,
) -> None:  # fmt: skip
    """Spectral heat flux through the plane, and the conductances that follow from it."""
    elastic = None if agf is None else _load_elastic_transmission(agf)
    saved_run = load_run(run)
    result = kapitza.md.heat_spectrum(saved_run, temperature, elastic=elastic, bands=bands)
    names = ("flux", "extrapolated", "between_thermostats", "transmission", "split")
    records = {name: getattr(result, name) for name in names}
    records = {name: record for name, record in records.items() if record is not None}
    files.draw_figure(
        lambda figure: kapitza.plot.md.md_spectrum_figure(saved_run, figure, elastic=elastic), width=9.0, height=3.8
    )
    files.report(records, reports.describe_spectrum(result), reports.spectrum_numbers(result))


def _load_elastic_transmission(path: str) -> kapitza.Transmission:
    """Transmission of a file of `agf --save`; a file without one is refused."""
    held = kapitza.load(path)
    transmission = held.get("transmission") if isinstance(held, dict) else held
    if not isinstance(transmission, kapitza.Transmission):
        raise InputError(f"{path} holds no transmission: expected what `kapitza agf --save` wrote")
    return transmission


def modes(
    run: SavedRunArgument,
    *,
    bands: Annotated[int, Option("bands of frequency", low=1, high=100)] = 8,
    files: figures.Results,
) -> None:
    """Temperatures of frequencies by layer near the plane, and the part of interface vibrations in the heat."""
    result = kapitza.md.mode_temperatures(load_run(run), bands=bands)
    occupation = result.occupation
    if occupation is not None:
        files.keep(occupation)
        files.draw(lambda ax: kapitza.plot.md.md_modes(occupation, result.plane, ax=ax))
    elif files.save is not None or files.plot is not None:
        raise InputError(f"{run}: --save and --plot are for mode temperatures, and no run in equilibrium was made")
    records = {} if occupation is None else occupation
    files.show(records, reports.describe_modes(result), reports.mode_numbers(result))
