"""The commands of molecular dynamics between two thermostats: run, spectrum, modes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import isnan
from typing import TYPE_CHECKING, Annotated, Any

import kapitza
from kapitza.cli import output
from kapitza.cli.layer import Option
from kapitza.cli.md import options as shared
from kapitza.cli.options import parse_temperatures
from kapitza.cli.output import Column, Note, Part, Table, Values, columns_of, note, quantity_json
from kapitza.errors import InputError
from kapitza.units import THz, nm

if TYPE_CHECKING:
    from kapitza.core.arrays import Array
    from kapitza.md import HeatSpectrum, ModeTemperatures, NemdResult

_RESULT_UNITS = {"temperature": "", "jump": "", "statistical": "", "window": "", "imbalance": ""}
_STEADINESS_UNITS = {"slowest_mode": "ps", "equilibration_time": "ps", "sampling_time": "ps", "blocks": ""}
_MIN_SEGMENTS = 10  # segments from which a standard deviation is known to a quarter


def nemd(
    file: shared.RunFileArgument,
    *,
    replicas: shared.ReplicasOption,
    start: Annotated[
        str | None, Option("saved run of other lengths whose temperature profile this one starts from", metavar="RUN")
    ],
    work: shared.RunWork,
    files: output.Results,
) -> None:
    """Run between two thermostats: profile, heat flow three ways, jump and conductance with total error, and a verdict.

    Exit code 3: the run is rejected (not steady, heat flows disagree, jump not resolved); it is saved.
    """
    run_file = kapitza.io.read_run(file, gradient=True).with_preparation(replicas=replicas)
    if start is not None:
        run_file = run_file.with_profile(shared.load_run(start))
    for remark in (kapitza.md.missing_spectra, kapitza.md.sampling_cost):
        if said := remark(run_file.potential, run_file.sampling):
            note(said)
    report_run(shared.run_and_keep(run_file, files, work), files)


def report_run(run: kapitza.md.Run, files: output.Results) -> None:
    """Draw and print a run; stop with a status of its own where it is rejected."""
    result = run.result()
    files.draw(lambda ax: kapitza.plot.md.md_profile(result, ax=ax))
    numbers = _run_numbers(run, result)
    files.show(result, _describe_run(run, result, numbers), numbers)
    shared.conclude(accepted=result.accepted)


def _join_values(column: Column, word: str) -> Column:
    cells = [column.cell(i) for i in range(len(column.values))]
    return column._replace(values=[f" {word} ".join(cells)], sigmas=())


def _run_numbers(run: kapitza.md.Run, found: NemdResult) -> dict[str, Any]:
    return {
        "title": run.title,
        "accepted": found.accepted,
        "seeds": [one.seed for one in run.records],
        "thermostats": quantity_json(
            list(run.records[0].thermostat_temperatures), "K", meaning="kinetic temperatures of the thermostats"
        ),
        "energy_drift": quantity_json(
            max((kapitza.md.analysis.energy_conservation(one).share for one in run.records), key=abs),
            "1",
            meaning="unaccounted heat over the heat flow",
        ),
        "total_resistance": quantity_json(found.resistance, "m^2 K W^-1", sigma=found.sigma, meaning="resistance"),
        "interval": quantity_json(list(found.interval()), "m^2 K W^-1", meaning="95 % interval of the resistance"),
        # where the resistance is above zero
        "conductance": found.conductance() if found.resistance > 0 else None,
        "between_thermostats": (
            found.conductance_between_thermostats() if float(found.between_thermostats[0]) > 0 else None
        ),
    }


def _describe_run(run: kapitza.md.Run, found: NemdResult, numbers: dict[str, Any]) -> Iterator[Part]:
    units = {"thermostats": "K", "energy_drift": "%", "total_resistance": "", "interval": ""}
    thermostats, drift, resistance, interval = columns_of(numbers, units)
    temperature, jump, *parts = columns_of(found, _RESULT_UNITS)
    rows = [
        _join_values(thermostats, "and"),
        temperature,
        drift,
        *columns_of(found.steady, _STEADINESS_UNITS),
        _join_values(columns_of(found, {"conductivity": ""})[0], "and"),
        jump,
        resistance,
        *parts,
        _join_values(interval, "to"),
        shared.conductance_row("G, extrapolated, classical", numbers["conductance"]),
        shared.conductance_row("G, between thermostats, with the solids between", numbers["between_thermostats"]),
    ]
    runs = f", {len(run.records)} runs" if len(run.records) > 1 else ""
    yield Values(f"{run.title}: {found.method}{runs}", rows)
    (flux,) = columns_of(found.fluxes, {"value": "MW m⁻²"})
    names = ("hot thermostat", "cold thermostat", "plane")
    yield Table("heat flow three ways", [Column("by", names), flux._replace(name="heat flux")])
    yield f"heat flows: {'; '.join(found.fluxes.disagreements()) or 'agree within 3 sigma and 10 %'}"
    yield shared.verdict_lines(
        found.reasons, "accepted: the heat flows agree, the profile is steady, the jump is resolved"
    )


def spectrum(
    run: shared.SavedRunArgument,
    *,
    temperature: Annotated[
        list[float] | None,
        Option(
            "temperatures in K of the quantum-corrected conductance: 30 or 50:600:10", parse_temperatures,
            names="--temperature -T", metavar="KELVIN",
        ),
    ],
    agf: Annotated[str | None, Option("saved transmission of the same junction (`agf --save`)", metavar="FILE")],
    bands: Annotated[int, Option("bands of frequency of the table and of the split", low=2, high=200)] = 12,
    files: output.Results,
) -> None:  # fmt: skip
    """Spectral heat flux through the plane, and the conductances that follow from it."""
    elastic = None
    if agf is not None:
        held = kapitza.load(agf)
        elastic = held.get("transmission") if isinstance(held, dict) else held
        if not isinstance(elastic, kapitza.Transmission):
            raise InputError(f"{agf} holds no transmission: expected what `kapitza agf --save` wrote")
    saved_run = shared.load_run(run)
    result = kapitza.md.heat_spectrum(saved_run, temperature, elastic=elastic, bands=bands)
    names = ("flux", "extrapolated", "between_thermostats", "transmission", "split")
    records = {name: getattr(result, name) for name in names}
    records = {name: record for name, record in records.items() if record is not None}
    files.draw_figure(
        lambda figure: kapitza.plot.md.md_spectrum_figure(saved_run, figure, elastic=elastic), width=9.0, height=3.8
    )
    numbers = _spectrum_numbers(result)
    files.report(records, _describe_spectrum(result, numbers), numbers)


def _spectrum_numbers(found: HeatSpectrum) -> dict[str, Any]:
    total, sigma = found.flux.total
    above = None if found.share_above is None else quantity_json(found.share_above[0], "1", sigma=found.share_above[1])
    return {
        "title": found.title,
        "total": quantity_json(total, "W m^-2", sigma=sigma, meaning="integrated over frequencies"),
        "direct": quantity_json(found.direct, "W m^-2", meaning="direct power of the same samples"),
        "thermostats": quantity_json(found.result.fluxes.value[:2], "W m^-2", meaning="by the thermostats"),
        "highest": quantity_json(found.highest_frequency, "rad s^-1"),
        "share_above": above,
        "reasons": list(found.result.reasons),
    }


def _describe_spectrum(found: HeatSpectrum, numbers: dict[str, Any]) -> Iterator[Part]:
    yield Table(f"{found.title}: heat through the plane", _band_columns(found), digits=3)
    total, direct, thermostats = columns_of(numbers, dict.fromkeys(("total", "direct", "thermostats"), "MW m⁻²"))
    yield Values("heat flow", [total, direct, _join_values(thermostats, "and")])
    if found.share_above is not None:
        share, sigma = found.share_above
        side, lowest = ("left", "right")[found.highest_frequency.argmin()], found.highest_frequency.min() / THz
        yield (
            f"{share:.1%}{'' if isnan(sigma) else f' ± {sigma:.1%}'} above {lowest:.3g} THz, the "
            f"highest frequency of the {side} crystal at rest: no elastic process brings it"
        )
    if found.split is not None:
        part, error = found.split.share, f" ± {found.split.share_sigma:.1%}"
        if part >= 0:
            yield f"{part:.1%}{error} of the heat between the thermostats is not in the elastic theory"
        else:
            more = f"{1 - part:.1%}{error} of the heat between the thermostats"
            yield f"the elastic theory has {more}, where the solids resist too"
    kelvin, across = columns_of(found.extrapolated, {"temperature": "", "value": ""})
    (between,) = columns_of(found.between_thermostats, {"value": ""})
    names = ("across the jump", "between the thermostats, with the solids")
    values = [one._replace(name=name) for one, name in zip((across, between), names, strict=True)]
    yield Table("quantum-corrected conductance", [kelvin, *values])
    segments = int(found.flux.counts.sum())
    if segments < _MIN_SEGMENTS:
        yield Note(f"errors from {segments} segments are themselves uncertain: take a longer run, or shorter segments")
    for reason in found.result.reasons:
        yield Note(f"the run was rejected: {reason}")


def _band_columns(found: HeatSpectrum) -> list[Column]:
    total, split = found.flux.total[0], found.split
    shares = {
        "share": quantity_json(found.heat / total, "1", sigma=found.heat_sigma / total),
        "below": quantity_json(found.below, "1"),
    }
    columns = [_frequency_bands(found.edges), *columns_of(shares, {"share": "%", "below": "%"})]
    if split is not None:
        simulated = {"Ξ": quantity_json(split.total, "m^-2", sigma=split.sigma)}
        columns += [*columns_of(simulated, {"Ξ": "nm⁻²"}), *columns_of(split, {"elastic": "nm⁻²"})]
    return columns


def _frequency_bands(edges: Array) -> Column:
    return Column("band", [f"{low:.3g} to {high:.3g}" for low, high in pairwise((edges / THz).tolist())], "THz")


def modes(
    run: shared.SavedRunArgument,
    *,
    bands: Annotated[int, Option("bands of frequency", low=1, high=100)] = 8,
    files: output.Results,
) -> None:
    """Temperatures of frequencies by layer near the plane, and the part of interface vibrations in the heat."""
    result = kapitza.md.mode_temperatures(shared.load_run(run), bands=bands)
    occupation = result.occupation
    if occupation is not None:
        files.keep(occupation)
        files.draw(lambda ax: kapitza.plot.md.md_modes(occupation, result.plane, ax=ax))
    elif files.save is not None or files.plot is not None:
        raise InputError(f"{run}: --save and --plot are for mode temperatures, and no run in equilibrium was made")
    records = {} if occupation is None else occupation
    files.show(records, _describe_modes(result), _mode_numbers(result))


def _mode_numbers(found: ModeTemperatures) -> dict[str, Any]:
    numbers: dict[str, Any] = {"title": found.title}
    if found.occupation is not None:
        numbers |= {
            "edges": quantity_json(found.edges, "rad s^-1"),
            "plane": quantity_json(found.plane, "m"),
            "layer": quantity_json(found.layer_temperature, "K"),
            "temperature": quantity_json(found.temperature, "K", sigma=found.sigma),
            "departure": quantity_json(found.departure, "K"),
        }
    if found.share is not None:
        numbers["interface_modes"] = {"share": found.share, "number": found.interface_modes, "of": found.vibrations}
    return numbers


def _describe_modes(found: ModeTemperatures) -> Iterator[Part]:
    if found.occupation is not None:
        one, sigma = found.temperature, found.sigma
        columns = [
            Column("height", ((found.occupation.position - found.plane) / nm).tolist(), "nm"),
            Column("all", found.layer_temperature.tolist()),
            *(
                Column(band, kelvin.tolist(), sigmas=error.tolist())
                for band, kelvin, error in zip(_frequency_bands(found.edges).values, one.T, sigma.T, strict=True)
            ),
        ]
        yield Table(f"{found.title}: temperature (K) of frequencies (THz) by layer", columns, digits=3)
        if all(map(isnan, sigma.ravel().tolist())):
            yield "no uncertainties: the run, or that in equilibrium, holds one segment of its spectra; run longer"
        else:
            apart = f"{found.count_departures()} of {one.size} values are"
            yield f"{apart} more than 3 sigma from the temperature of their layer"
    if found.share is not None:
        yield (
            f"{found.interface_modes} of {found.vibrations} vibrations lie by more than half near the plane and carry "
            f"{found.share:.1%} of the heat"
        )
