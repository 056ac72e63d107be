"""The verbs of molecular dynamics of closed cells, and of several lengths: equilibrium, relax, sizes."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

import kapitza
from kapitza.cli import deferred, figures
from kapitza.cli.md.options import (
    ReplicasOption,
    RunFileArgument,
    StoreOption,
    conclude,
    explain_resume,
    run_and_keep,
    run_store,
)
from kapitza.cli.options import DaskAddress, Figure, Json, Save, WorkerCount, dask_executor
from kapitza.cli.output import note, print_record, progress_line, quantity_json
from kapitza.cli.tables import Column, columns_of, print_columns
from kapitza.errors import InputError
from kapitza.io.quantities import quantity
from kapitza.units import MW, THz, nm, ps

if TYPE_CHECKING:
    from collections.abc import Sequence

closed_app = typer.Typer()
_MODEL_TITLES = {"lumped": "bodies of one temperature", "slabs": "two slabs"}
_RESISTANCE_UNIT = 1e-9  # m² K W⁻¹ of one m² K GW⁻¹

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
    files.draw(lambda ax: deferred.md_fluctuations(found, ax=ax))
    if as_json:
        records = {"fluctuations": found.fit, "green_kubo": found.green_kubo, "extrapolated": found.extrapolated}
        print_record(records, _run_numbers(run) | {"temperature": quantity_json(run.temperature, "K")})
    else:
        fit, model = found.fit, _MODEL_TITLES[found.fit.model]
        span = f"{fit.low / THz:.3g} to {fit.high / THz:.3g} THz"
        rows = [
            ("fluctuations", fit.conductance, f"{span}, {model}, misfit as large with p = {fit.probability:.2g}"),
            ("Green-Kubo", found.green_kubo, found.green_kubo.method),
            ("Green-Kubo, converted", found.extrapolated, "solids estimated"),
        ]
        _print_conductances(f"{run.title} at {run.temperature:.4g} K: {run.records[0].method}", rows)
        remark = f"energy drift {run.drift:+.1e} of the kinetic energy, over the run"
        _print_verdict(fit.biot, remark, fit.reasons)
    conclude(files, accepted=not found.fit.reasons)


def _run_numbers(run: "kapitza.md.Run") -> dict[str, Any]:
    """Return title and energy drift of a closed cell."""
    return {"title": run.title, "energy_drift": quantity_json(run.drift, "1", meaning="over the kinetic energy")}


def _print_conductances(title: str, rows: "Sequence[tuple[str, kapitza.Conductance | None, str]]") -> None:
    """Print conductances with their drops and remarks; those that there are."""
    held = [(name, one, remark) for name, one, remark in rows if one is not None]
    values = [columns_of(one, {"value": ""})[0] for _, one, _ in held]
    columns = [
        Column("", [name for name, _, _ in held]),
        values[0]._replace(
            name="G",
            values=[value.values[0] for value in values],
            sigmas=[value.sigmas[0] if value.sigmas else None for value in values],
        ),
        Column("drop", [one.drop for _, one, _ in held]),
        Column("remark", [remark for _, _, remark in held]),
    ]
    print_columns(title, columns)


def _print_verdict(biot: float, remark: str, reasons: tuple[str, ...]) -> None:
    """Print a remark and whether a result is accepted."""
    typer.echo(f"Biot number {biot:.3g}: resistance of the solids over that of the boundary")
    typer.echo(remark)
    typer.echo("\n".join(f"rejected: {reason}" for reason in reasons) or "accepted")


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
    files.draw(lambda ax: deferred.md_approach(found, ax=ax))
    if as_json:
        numbers = {"time": quantity_json(run.time, "s"), "difference": quantity_json(run.difference, "K")}
        chosen = {"chosen": found.chosen.model, "reasons": list(found.reasons)}
        print_record({"lumped": found.lumped, "slabs": found.slabs}, _run_numbers(run) | numbers | chosen)
    else:
        chosen, number = found.chosen, len(run.records)
        rows = [
            (
                _MODEL_TITLES[one.model],
                one.conductance,
                f"{one.statistical / MW:.2g} statistics, {one.start / MW:.2g} first time"
                + ("; chosen" if one is chosen else ""),
            )
            for one in (found.lumped, found.slabs)
        ]
        kelvin = float(chosen.conductance.temperature[0])
        _print_conductances(f"{run.title} at {kelvin:.4g} K: {number} run{'s' * (number > 1)}", rows)
        fall = f"difference {chosen.amplitude:.3g} to {chosen.decay[-1]:.2g} K"
        _print_verdict(chosen.biot, f"{fall} in {chosen.time[-1] / ps:.4g} ps, by the fit", found.reasons)
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
    with explain_resume(where), dask_executor(dask) as pool:
        found = deferred.size_study(
            run_file, wanted, store=where, executor=pool or workers, progress=progress_line("runs")
        )
    files.keep({"series": found.series, "runs": tuple(found.runs)})
    files.draw(lambda ax: deferred.md_sizes(found.series, ax=ax))
    accepted = [one.accepted for one in found.results]
    if as_json:
        numbers = {"reasons": [list(one.reasons) for one in found.results], "size_effect": found.series.size_effect}
        print_record(found.series, {"accepted": accepted, **numbers, "verdict": found.series.verdict})
    else:
        one = found.series
        columns = columns_of(one, {"length": "nm", "resistance": ""})
        columns[1] = columns[1]._replace(sigmas=(one.sigma / _RESISTANCE_UNIT).tolist())
        columns += [
            Column("G", (1 / one.resistance / MW).tolist(), "MW m⁻² K⁻¹"),
            Column("accepted", ["yes" if each else "no" for each in accepted]),
        ]
        print_columns(f"{found.runs[0].title}: {len(found.runs)} lengths between thermostats", columns)
        typer.echo(one.verdict)
        for length, each in zip(one.length, found.results, strict=True):
            for reason in each.reasons:
                note(f"{length / nm:.4g} nm between thermostats: {reason}")
    conclude(files, accepted=all(accepted))
