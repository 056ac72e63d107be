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
from kapitza.cli.md.reports import conductance_text
from kapitza.cli.options import DaskAddress, Figure, Json, Save, WorkerCount, dask_executor
from kapitza.cli.output import note, print_record, print_table, progress_line, quantity_json
from kapitza.errors import InputError
from kapitza.io.quantities import quantity
from kapitza.units import MW, THz, nm, ps

if TYPE_CHECKING:
    from kapitza.simulate.md.runs.closed import EquilibriumResult, RelaxationResult, SizeStudy

closed_app = typer.Typer()
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
        _print_equilibrium(found)
    conclude(files, accepted=not found.fit.reasons)


def _run_numbers(run: "kapitza.md.Run") -> dict[str, Any]:
    """Return title and energy drift of a closed cell."""
    return {"title": run.title, "energy_drift": quantity_json(run.drift, "1", meaning="over the kinetic energy")}


def _print_equilibrium(found: "EquilibriumResult") -> None:
    """Print conductances of equilibrium."""
    run, fit = found.run, found.fit
    model = "bodies of one temperature" if fit.model == "lumped" else "two slabs"
    rows = [
        ["fluctuations", conductance_text(fit.conductance), "extrapolated drop"],
        [
            "",
            "",
            f"{fit.low / THz:.3g} to {fit.high / THz:.3g} THz, {model}, misfit as large with p = {fit.probability:.2g}",
        ],
        ["Green-Kubo", conductance_text(found.green_kubo), f"emitted drop; {found.green_kubo.method}"],
    ]
    if found.extrapolated is not None:
        rows.append(["", conductance_text(found.extrapolated), "the same as extrapolated drop, solids estimated"])
    rows.append(["Biot number", f"{fit.biot:.3g}", "resistance of the solids over that of the boundary"])
    rows.append(["energy drift", f"{run.drift:+.1e}", "of the kinetic energy, over the run"])
    print_table(f"{run.title} at {run.temperature:.4g} K: {run.records[0].method}", ["", " value", " remark"], rows)
    _print_verdict(fit.reasons)


def _print_verdict(reasons: tuple[str, ...]) -> None:
    """Print whether a result is accepted."""
    if not reasons:
        typer.echo("accepted")
    for reason in reasons:
        typer.echo(f"rejected: {reason}")


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
        _print_relax(found)
    conclude(files, accepted=not found.reasons)


def _print_relax(found: "RelaxationResult") -> None:
    """Print conductances of a relaxation."""
    rows = [
        [
            "bodies of one temperature" if one.model == "lumped" else "two slabs",
            conductance_text(one.conductance),
            f"{one.statistical / MW:.2g} statistics, {one.start / MW:.2g} first time"
            + ("; chosen" if one is found.chosen else ""),
        ]
        for one in (found.lumped, found.slabs)
    ]
    rows.append(["Biot number", f"{found.chosen.biot:.3g}", "resistance of the solids over that of the boundary"])
    first, last = found.chosen.amplitude, float(found.chosen.decay[-1])
    rows.append(
        ["difference", f"{first:.3g} to {last:.2g} K", f"in {float(found.chosen.time[-1]) / ps:.4g} ps, by the fit"]
    )
    number = len(found.run.records)
    kelvin = float(found.chosen.conductance.temperature[0])
    print_table(
        f"{found.run.title} at {kelvin:.4g} K: {number} run{'s' * (number > 1)}", ["", " value", " remark"], rows
    )
    _print_verdict(found.reasons)


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
        _print_sizes(found)
    conclude(files, accepted=all(accepted))


def _print_sizes(found: "SizeStudy") -> None:
    """Print a series of lengths."""
    one = found.series
    rows = [
        [
            f"{length / nm:.4g}",
            f"{r / _RESISTANCE_UNIT:.3g}",
            f"{s / _RESISTANCE_UNIT:.2g}",
            f"{MW**-1 / r:.4g}",
            "yes" if each.accepted else "no",
        ]
        for length, r, s, each in zip(one.length, one.resistance, one.sigma, found.results, strict=True)
    ]
    heads = ["nm between thermostats", "R (m² K GW⁻¹)", "±", "G (MW m⁻² K⁻¹)", " accepted"]
    print_table(f"{found.runs[0].title}: {len(found.runs)} lengths", heads, rows)
    typer.echo(one.verdict)
    for length, each in zip(one.length, found.results, strict=True):
        for reason in each.reasons:
            note(f"{length / nm:.4g} nm between thermostats: {reason}")
