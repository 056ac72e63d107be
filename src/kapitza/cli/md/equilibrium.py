"""The verbs of molecular dynamics of closed cells, and of several lengths: equilibrium, relax, sizes."""

from typing import Annotated, Any

import typer

import kapitza
from kapitza.cli import figures
from kapitza.cli.md.options import (
    ReplicasOption,
    RunFileArgument,
    StoreOption,
    announce_compilation,
    conclude,
    explain_resume,
    run_and_keep,
    run_store,
)
from kapitza.cli.md.reports import conductance_row, print_verdict
from kapitza.cli.options import DaskAddress, Figure, Json, Save, WorkerCount, long_work
from kapitza.cli.output import note, print_record, print_text, quantity_json
from kapitza.cli.tables import Column, columns_of, print_columns, print_values
from kapitza.errors import InputError
from kapitza.io.quantities import quantity
from kapitza.run.progress import progress_bar
from kapitza.units import THz, nm, ps

closed_app = typer.Typer()
_MODEL_TITLES = {"lumped": "bodies of one temperature", "slabs": "two slabs"}

_Conductivity = Annotated[
    str | None,
    typer.Option(
        "--conductivity", metavar="LEFT,RIGHT", help="Of the solids, such as 0.5,0.4W/mK; estimated if left out."
    ),
]


def _parse_conductivities(text: str | None) -> tuple[float, float] | None:
    """Conductivities of both solids in SI."""
    if text is None:
        return None
    parts = share_last_unit(text)
    if len(parts) != 2:
        raise InputError(f"--conductivity {text!r:.60}: expected two, such as 0.5,0.4W/mK")
    one, other = (quantity(part, "conductivity", what="--conductivity") for part in parts)
    return one, other


def share_last_unit(text: str) -> list[str]:
    """Parts of a list whose last unit counts for all that have none: 10,20,40nm."""
    parts = [part.strip() for part in text.split(",")]
    unit = parts[-1].lstrip("+-0123456789.eE")
    return [part if part.lstrip("+-0123456789.eE") else part + unit for part in parts]


@closed_app.command()
def equilibrium(
    file: RunFileArgument,
    conductivity: _Conductivity = None,
    save: Save = None,
    store: StoreOption = None,
    plot: Figure = None,
    as_json: Json = False,
) -> None:
    """Conductance from the power that fluctuates through the boundary in equilibrium, with Green and Kubo beside.

    A cell that repeats along z, brought to the temperature by thermostats and then left alone.
    """
    files, known = figures.Results(save, plot), _parse_conductivities(conductivity)
    run_file = kapitza.io.read_run(file).with_preparation("uniform", replicas=1)
    run = run_and_keep(run_file, files, store, periodic=True)
    found = kapitza.md.equilibrium_conductances(run, known)
    files.draw(lambda ax: kapitza.plot.md.md_fluctuations(found, ax=ax))
    if as_json:
        records = {"fluctuations": found.fit, "green_kubo": found.green_kubo, "extrapolated": found.extrapolated}
        print_record(records, _run_numbers(run) | {"temperature": quantity_json(run.temperature, "K")})
    else:
        fit, drift = found.fit, columns_of(_run_numbers(run), {"energy_drift": "%"})
        rows = [
            conductance_row(f"fluctuations, {_MODEL_TITLES[fit.model]}, extrapolated drop", fit.conductance),
            *columns_of(fit, {"statistical": "", "cutoff": "", "low": "", "high": "", "probability": "", "biot": ""}),
            conductance_row("Green-Kubo, emitted drop", found.green_kubo),
            conductance_row("Green-Kubo, converted to the extrapolated drop", found.extrapolated),
            *drift,
        ]
        print_values(f"{run.title} at {run.temperature:.4g} K: {run.records[0].method}", rows)
        print_verdict(fit.reasons)
    conclude(files, accepted=not found.fit.reasons)


@closed_app.command()
def lifetimes(
    file: RunFileArgument,
    cells: Annotated[int, typer.Option(help="Repeats of the cell of a crystal in each direction.", min=2)] = 5,
    save: Save = None,
    store: StoreOption = None,
    as_json: Json = False,
) -> None:
    """Lifetimes of the phonons of both crystals at the mean temperature of a run: what `agf --anharmonic` takes.

    Each crystal is simulated without an interface, for the time of the file.
    """
    files = figures.Results(save, None)
    run_file = kapitza.io.read_run(file).with_preparation("uniform", replicas=1)
    where = run_store(store, save)
    announce_compilation(run_file)
    with explain_resume(where):
        found = kapitza.io.md.side_modes(run_file, cells=cells, store=where, progress=progress_bar("time steps"))
    files.keep(found)
    if as_json:
        print_record(found)
    else:
        for side, modes in found.items():
            times, errors = (modes.lifetime / ps).tolist(), (modes.sigma / ps).tolist()
            columns = [
                Column("frequency", (modes.omega / THz).tolist(), "THz"),
                Column("lifetime", times, "ps", errors),
            ]
            print_columns(f"{side}: {modes.name}, lifetimes at {modes.temperature:.4g} K", columns)
        for side, modes in found.items():
            if remark := modes.remark():
                note(f"{side}: {remark}")
    files.announce()


def _run_numbers(run: "kapitza.md.Run") -> dict[str, Any]:
    """Return title and energy drift of a closed cell."""
    return {
        "title": run.title,
        "energy_drift": quantity_json(run.drift, "1", meaning="energy drift over the kinetic energy"),
    }


@closed_app.command()
def relax(
    file: RunFileArgument,
    conductivity: _Conductivity = None,
    runs: ReplicasOption = None,
    workers: WorkerCount = 1,
    dask: DaskAddress = None,
    save: Save = None,
    store: StoreOption = None,
    plot: Figure = None,
    as_json: Json = False,
) -> None:
    """Conductance from two sides that were heated apart and approach one temperature.

    A cell that repeats along z; blocks of the file must be short against the decay.
    """
    files, known = figures.Results(save, plot), _parse_conductivities(conductivity)
    run_file = kapitza.io.read_run(file).with_preparation("sides", replicas=runs)
    run = run_and_keep(run_file, files, store, periodic=True, dask=dask, workers=workers)
    found = kapitza.md.relaxation_conductances(run, known)
    files.draw(lambda ax: kapitza.plot.md.md_approach(found, ax=ax))
    if as_json:
        numbers = {"time": quantity_json(run.time, "s"), "difference": quantity_json(run.difference, "K")}
        chosen = {"chosen": found.chosen.model, "reasons": list(found.reasons)}
        print_record({"lumped": found.lumped, "slabs": found.slabs}, _run_numbers(run) | numbers | chosen)
    else:
        fit, number = found.chosen, len(run.records)
        rows = [conductance_row(_MODEL_TITLES[one.model], one.conductance) for one in (found.lumped, found.slabs)]
        rows += columns_of(fit, {"statistical": "", "start": "", "biot": "", "amplitude": ""})
        kelvin = float(fit.conductance.temperature[0])
        print_values(f"{run.title} at {kelvin:.4g} K: {number} run{'s' * (number > 1)}", rows)
        print_text(
            f"{_MODEL_TITLES[fit.model]} chosen: {fit.decay[-1]:.2g} K are left after {fit.time[-1] / ps:.4g} ps"
        )
        print_verdict(found.reasons)
    conclude(files, accepted=not found.reasons)


@closed_app.command()
def sizes(
    file: RunFileArgument,
    lengths: Annotated[str, typer.Option("--lengths", help="Of each side, thermostat included: 10,20,40nm.")],
    runs: ReplicasOption = None,
    workers: WorkerCount = 1,
    dask: DaskAddress = None,
    save: Save = None,
    store: StoreOption = None,
    plot: Figure = None,
    as_json: Json = False,
) -> None:
    """The same interface between longer and longer sides, and what is left of its resistance when they are long.

    Equilibration and blocks become longer with the square of the length.
    """
    files = figures.Results(save, plot)
    wanted = [quantity(part, "length", what="--lengths") for part in share_last_unit(lengths)]
    run_file = kapitza.io.read_run(file).with_preparation(replicas=runs)
    where = run_store(store, save)
    announce_compilation(run_file)
    with explain_resume(where), long_work("runs", workers, where, dask) as work:
        found = kapitza.io.md.size_study(run_file, wanted, **work)
    files.keep({"series": found.series, "runs": tuple(found.runs)})
    files.draw(lambda ax: kapitza.plot.md.md_sizes(found.series, ax=ax))
    accepted = [one.accepted for one in found.results]
    if as_json:
        limit = found.series.limit()
        numbers = {
            "reasons": [list(one.reasons) for one in found.results],
            "size_effect": found.series.size_effect,
            "limit": quantity_json(limit.value, "m^2 K W^-1", sigma=limit.sigma),
        }
        print_record(found.series, {"accepted": accepted, **numbers, "verdict": found.series.verdict})
    else:
        one = found.series
        numbers = {
            "resistance": quantity_json(one.resistance, "m^2 K W^-1", sigma=one.sigma),
            "G": quantity_json(1 / one.resistance, "W m^-2 K^-1"),
        }
        columns = [
            *columns_of(one, {"length": "nm"}),
            *columns_of(numbers, {"resistance": "", "G": ""}),
            Column("accepted", ["yes" if each else "no" for each in accepted]),
        ]
        print_columns(f"{found.runs[0].title}: {len(found.runs)} lengths between thermostats", columns)
        print_text(one.verdict)
        print_text(one.limit().verdict)
        for length, each in zip(one.length, found.results, strict=True):
            for reason in each.reasons:
                note(f"{length / nm:.4g} nm between thermostats: {reason}")
    conclude(files, accepted=all(accepted))
