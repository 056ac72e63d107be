"""The commands of molecular dynamics of closed cells, and of several lengths: equilibrium, relax, sizes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import kapitza
from kapitza.cli import output
from kapitza.cli.layer import Option, Panel
from kapitza.cli.md import options
from kapitza.cli.options import long_work, share_last_unit
from kapitza.cli.output import Column, Note, Part, Table, Values, columns_of, quantity_json
from kapitza.errors import InputError
from kapitza.io.quantities import quantity
from kapitza.run import progress_bar
from kapitza.units import THz, nm, ps

_MODEL_TITLES = {"lumped": "bodies of one temperature", "slabs": "two slabs"}


def _parse_conductivities(text: str) -> tuple[float, float]:
    parts = share_last_unit(text)
    if len(parts) != 2:
        raise InputError(f"--conductivity {text!r:.60}: expected two, such as 0.5,0.4W/mK")
    left, right = (quantity(part, "conductivity", what="--conductivity") for part in parts)
    return left, right


def _parse_lengths(text: str) -> list[float]:
    return [quantity(part, "length", what="--lengths") for part in share_last_unit(text)]


_Conductivities = Annotated[
    tuple[float, float] | None,
    Option(
        "conductivities of the solids, 0.5,0.4W/mK; estimated if omitted", _parse_conductivities,
        names="--conductivity", metavar="LEFT,RIGHT",
    ),
]  # fmt: skip


def equilibrium(
    file: options.RunFileArgument, *, conductivities: _Conductivities, work: options.OneRunWork, files: output.Results
) -> None:
    """Conductance from the power that fluctuates through the boundary in equilibrium, with Green and Kubo beside.

    A cell that repeats along z, brought to the temperature by thermostats and then left alone.
    """
    run_file = kapitza.io.read_run(file).with_preparation("uniform", replicas=1)
    run = options.run_and_keep(run_file, files, work, periodic=True)
    result = kapitza.md.equilibrium_conductances(run, conductivities)
    files.draw(lambda ax: kapitza.plot.md.md_fluctuations(result, ax=ax))
    records = {"fluctuations": result.fit, "green_kubo": result.green_kubo, "extrapolated": result.extrapolated}
    derived = _run_numbers(run) | {"temperature": quantity_json(run.temperature, "K")}

    def printout() -> Iterator[Part]:
        fit = result.fit
        rows = [
            options.conductance_row(f"fluctuations, {_MODEL_TITLES[fit.model]}, extrapolated drop", fit.conductance),
            *columns_of(fit, "statistical cutoff low high probability biot"),
            options.conductance_row("Green-Kubo, emitted drop", result.green_kubo),
            options.conductance_row("Green-Kubo, converted to the extrapolated drop", result.extrapolated),
            *columns_of(derived, {"energy_drift": "%"}),
        ]
        yield Values(f"{run.title} at {run.temperature:.4g} K: {run.records[0].method}", rows)
        yield options.verdict_lines(fit.reasons)

    files.show(records, printout(), derived)
    options.conclude(accepted=not result.fit.reasons)


def lifetimes(
    file: options.RunFileArgument,
    *,
    cells: Annotated[int, Option("repeats of the cell of a crystal in each direction", low=2)] = 5,
    work: options.OneRunWork,
    files: Annotated[output.Results, Panel(names="save as_json")],
) -> None:
    """Lifetimes of the phonons of both crystals at the mean temperature of a run: what `agf --anharmonic` takes.

    Each crystal is simulated without an interface, for the time of the file.
    """
    run_file = kapitza.io.read_run(file).with_preparation("uniform", replicas=1)
    folder = work.folder(files)
    options.announce_compilation(run_file)
    with options.explain_resume(folder):
        sides = kapitza.io.md.side_modes(run_file, cells=cells, store=folder, progress=progress_bar("time steps"))

    def printout() -> Iterator[Part]:
        for side, modes in sides.items():
            columns = [
                Column("frequency", (modes.omega / THz).tolist(), "THz"),
                Column("lifetime", (modes.lifetime / ps).tolist(), "ps", (modes.sigma / ps).tolist()),
            ]
            yield Table(f"{side}: {modes.name}, lifetimes at {modes.temperature:.4g} K", columns)
        for side, modes in sides.items():
            if remark := modes.remark():
                yield Note(f"{side}: {remark}")

    files.report(sides, printout())


def _run_numbers(run: kapitza.md.Run) -> dict[str, Any]:
    return {
        "title": run.title,
        "energy_drift": quantity_json(run.drift, "1", meaning="energy drift over the kinetic energy"),
    }


def relax(
    file: options.RunFileArgument,
    *,
    conductivities: _Conductivities,
    replicas: options.ReplicasOption,
    work: options.RunWork,
    files: output.Results,
) -> None:
    """Conductance from two sides that were heated apart and approach one temperature.

    A cell that repeats along z; blocks of the file must be short against the decay.
    """
    run_file = kapitza.io.read_run(file).with_preparation("sides", replicas=replicas)
    run = options.run_and_keep(run_file, files, work, periodic=True)
    result = kapitza.md.relaxation_conductances(run, conductivities)
    files.draw(lambda ax: kapitza.plot.md.md_approach(result, ax=ax))
    derived = _run_numbers(run) | {
        "time": quantity_json(run.time, "s"),
        "difference": quantity_json(run.difference, "K"),
        "chosen": result.chosen.model,
        "reasons": list(result.reasons),
    }

    def printout() -> Iterator[Part]:
        fit, number = result.chosen, len(run.records)
        rows = [
            options.conductance_row(_MODEL_TITLES[one.model], one.conductance) for one in (result.lumped, result.slabs)
        ]
        rows += columns_of(fit, "statistical start biot amplitude")
        kelvin = float(fit.conductance.temperature[0])
        yield Values(f"{run.title} at {kelvin:.4g} K: {number} run{'s' * (number > 1)}", rows)
        left = f"{fit.decay[-1]:.2g} K are left after {fit.time[-1] / ps:.4g} ps"
        yield f"{_MODEL_TITLES[fit.model]} chosen: {left}"
        yield options.verdict_lines(result.reasons)

    files.show({"lumped": result.lumped, "slabs": result.slabs}, printout(), derived)
    options.conclude(accepted=not result.reasons)


def sizes(
    file: options.RunFileArgument,
    *,
    lengths: Annotated[
        list[float], Option("lengths of each side, thermostat included: 10,20,40nm", _parse_lengths, metavar="LENGTHS")
    ],
    replicas: options.ReplicasOption,
    work: options.RunWork,
    files: output.Results,
) -> None:
    """The same interface between longer and longer sides, and what is left of its resistance when they are long.

    Equilibration and blocks become longer with the square of the length.
    """
    run_file = kapitza.io.read_run(file).with_preparation(replicas=replicas)
    folder = work.folder(files)
    options.announce_compilation(run_file)
    with options.explain_resume(folder), long_work("runs", work.workers, folder, work.dask) as shared:
        study = kapitza.io.md.size_study(run_file, lengths, **shared)
    series = study.series
    files.keep({"series": series, "runs": tuple(study.runs)})
    files.draw(lambda ax: kapitza.plot.md.md_sizes(series, ax=ax))
    accepted = [one.accepted for one in study.results]
    limit = series.limit()
    derived = {
        "accepted": accepted,
        "reasons": [list(one.reasons) for one in study.results],
        "size_effect": series.size_effect,
        "limit": quantity_json(limit.value, "m^2 K W^-1", sigma=limit.sigma),
        "verdict": series.verdict,
    }

    def printout() -> Iterator[Part]:
        numbers = {
            "resistance": quantity_json(series.resistance, "m^2 K W^-1", sigma=series.sigma),
            "G": quantity_json(1 / series.resistance, "W m^-2 K^-1"),
        }
        columns = [
            *columns_of(series, {"length": "nm"}),
            *columns_of(numbers, {"resistance": "", "G": ""}),
            Column("accepted", ["yes" if one else "no" for one in accepted]),
        ]
        yield Table(f"{study.runs[0].title}: {len(study.runs)} lengths between thermostats", columns)
        yield series.verdict
        yield limit.verdict
        for length, result in zip(series.length, study.results, strict=True):
            for reason in result.reasons:
                yield Note(f"{length / nm:.4g} nm between thermostats: {reason}")

    files.show(series, printout(), derived)
    options.conclude(accepted=all(accepted))
