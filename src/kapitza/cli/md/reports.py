"""Tables of the verbs `md nemd`, `md spectrum` and `md modes`, and the numbers that they add to the saved records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import isnan
from typing import TYPE_CHECKING, Any

import kapitza
from kapitza.cli.output import quantity_json
from kapitza.cli.tables import Column, Note, Part, Table, Values, columns_of
from kapitza.units import THz, nm

if TYPE_CHECKING:
    from kapitza.core.arrays import Array
    from kapitza.md import HeatSpectrum, ModeTemperatures, NemdResult
    from kapitza.md.analysis import ElasticSplit

_RESULT_UNITS = {"temperature": "", "jump": "", "statistical": "", "window": "", "imbalance": ""}
_STEADINESS_UNITS = {"slowest_mode": "ps", "equilibration_time": "ps", "sampling_time": "ps", "blocks": ""}
_MIN_SEGMENTS = 10  # segments from which a standard deviation is known to a quarter


def conductance_row(meaning: str, one: kapitza.Conductance | None) -> Column:
    """Conductance as a row of a table; a dash where there is none."""
    return columns_of({} if one is None else one, {"value": ""})[0]._replace(meaning=meaning)


def describe_verdict(reasons: Sequence[str], accepted: str = "accepted") -> Iterator[Part]:
    """Say why a result is rejected, or that it is accepted."""
    yield "\n".join(f"rejected: {reason}" for reason in reasons) or accepted


def _join_values(column: Column, word: str) -> Column:
    """Several numbers as one text, such as 7 to 13.2."""
    cells = [column.cell(i) for i in range(len(column.values))]
    return column._replace(values=[f" {word} ".join(cells)], sigmas=())


def run_numbers(run: kapitza.md.Run, found: NemdResult) -> dict[str, Any]:
    """Return what follows from the result of a run, with units."""
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
        "conductance": _positive_conductance(found, "conductance"),
        "between_thermostats": _positive_conductance(found, "conductance_between_thermostats"),
    }


def _positive_conductance(found: NemdResult, name: str) -> kapitza.Conductance | None:
    """Conductance of a result; None where the resistance is not above zero."""
    value = found.resistance if name == "conductance" else float(found.between_thermostats[0])
    if not value > 0:
        return None
    made: kapitza.Conductance = getattr(found, name)()
    return made


def describe_run(run: kapitza.md.Run, found: NemdResult) -> Iterator[Part]:
    """Print jump, flux, conductance and verdict of a run."""
    numbers = run_numbers(run, found)
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
        conductance_row("G, extrapolated, classical", numbers["conductance"]),
        conductance_row("G, between thermostats, with the solids between", numbers["between_thermostats"]),
    ]
    runs = f", {len(run.records)} runs" if len(run.records) > 1 else ""
    yield Values(f"{run.title}: {found.method}{runs}", rows)
    (flux,) = columns_of(found.fluxes, {"value": "MW m⁻²"})
    names = ("hot thermostat", "cold thermostat", "plane")
    yield Table("heat flow three ways", [Column("by", names), flux._replace(name="heat flux")])
    yield f"heat flows: {'; '.join(found.fluxes.disagreements()) or 'agree within 3 sigma and 10 %'}"
    yield from describe_verdict(
        found.reasons, "accepted: the heat flows agree, the profile is steady, the jump is resolved"
    )


def spectrum_numbers(found: HeatSpectrum) -> dict[str, Any]:
    """Return what follows from a spectrum, with units."""
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


def describe_spectrum(found: HeatSpectrum) -> Iterator[Part]:
    """Print the heat carried by bands of frequency."""
    yield Table(f"{found.title}: heat through the plane", _band_columns(found), digits=3)
    total, direct, thermostats = columns_of(
        spectrum_numbers(found), dict.fromkeys(("total", "direct", "thermostats"), "MW m⁻²")
    )
    yield Values("heat flow", [total, direct, _join_values(thermostats, "and")])
    if found.share_above is not None:
        share, sigma = found.share_above
        side, lowest = ("left", "right")[found.highest_frequency.argmin()], found.highest_frequency.min() / THz
        yield (
            f"{share:.1%}{'' if isnan(sigma) else f' ± {sigma:.1%}'} above {lowest:.3g} THz, the "
            f"highest frequency of the {side} crystal at rest: no elastic process brings it"
        )
    if found.split is not None:
        yield _split_text(found.split)
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
    """Bands of frequency, what they carry, and what an elastic theory has of it."""
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


def _split_text(split: ElasticSplit) -> str:
    """Say how much heat an elastic theory leaves to others, or how much more it has than the run."""
    if split.share >= 0:
        share = f"{split.share:.1%} ± {split.share_sigma:.1%}"
        return f"{share} of the heat between the thermostats is not in the elastic theory"
    more = f"{1 - split.share:.1%} ± {split.share_sigma:.1%}"
    return f"the elastic theory has {more} of the heat between the thermostats, where the solids resist too"


def mode_numbers(found: ModeTemperatures) -> dict[str, Any]:
    """Return what follows from the occupation of modes, with units."""
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


def describe_modes(found: ModeTemperatures) -> Iterator[Part]:
    """Print mode temperatures."""
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
