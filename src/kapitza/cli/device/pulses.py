"""What the verb device says of heat that changes with time: trains of pulses, periodic heat, and what is not known."""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import kapitza
from kapitza.cli.output import quantity_json
from kapitza.core.parameter_units import rounded_to_error, with_error
from kapitza.io.device import format_device_number

OF_MEAN = {"temperatures_of": "the mean heat of the pulses"}  # in JSON


@dataclass(frozen=True, kw_only=True)
class PulseReport:
    """What is printed of pulses, beside the temperatures of their mean."""

    rows: Sequence[Sequence[str]] = ()  # of the point that gets hottest: name, K, ±
    contribution: Mapping[str, float] = field(default_factory=dict)  # to the uncertainty of the peak, K
    notes: Sequence[str] = ()
    derived: Mapping[str, Any] = field(default_factory=dict)  # for JSON


def report_train(device: kapitza.Device, samples: int, work: Mapping[str, Any]) -> PulseReport:
    """What pulses do to layers; nothing where no source comes in pulses."""
    if not kapitza.device.is_pulsed(device):
        return PulseReport()
    lacking = [layer.name for layer in device.stack.layers if layer.heat_capacity is None]
    if lacking:
        named = f"{', '.join(lacking)} {'has' if len(lacking) == 1 else 'have'} no heat_capacity"
        return PulseReport(
            notes=[f"only the mean of the pulses is known, and not how far they rise above it: {named}"],
            derived={**OF_MEAN, "pulses": None},
        )
    found = kapitza.device.layered.pulsed_temperatures(device)
    notes: list[str] = []
    if not found.at_mean_peak:
        x, y, depth = place_cells(found.place)
        where = f"x = {x}, y = {y}, {depth} deep"
        notes = [f"the pulses are hottest at {where}, not where their mean is: the table of the train is of that point"]
    if device.is_nonlinear:  # of which the error is not in its ±
        notes.append(
            f"error of the peak of the train estimated at {found.error:.2g} K beside its ±: properties of T are those "
            "that the mean heat leaves; with those of the power always on the peak would be "
            f"{found.hot_peak:.4g} K, and the true one lies between"
        )
    else:
        notes.append(f"numerical error of the peak of the train estimated at {found.error:.1g} K")
    for one in device.sources:  # whose pulses are counted
        if isinstance(one.waveform, kapitza.device.PulsedPower) and one.waveform.count is not None:
            notes.append(
                f"{one.name} gives {one.waveform.count} pulses: mean and table are those of an endless train of them, "
                "--step FILE draws these"
            )
    derived: dict[str, Any] = {**OF_MEAN, "pulses": found, "sigma_of_pulses": quantity_json(found.sigma, "K")}
    ends = kapitza.device.layered.pulsed_peaks_at_interval_ends(device)
    if ends:
        derived["pulses_at_interval_ends"] = {name: quantity_json(list(pair), "K") for name, pair in ends.items()}
    notes += [
        f"at the ends of the 95 % interval of {name} the peak of the train is {low:.4g} and {high:.4g} K above the sink"
        for name, (low, high) in ends.items()
    ]
    if samples > 1:
        text, derived["pulses_sampled"] = drawn_interval(
            kapitza.device.layered.sample_pulsed_peaks(device, samples, **work).tolist()
        )
        notes.append(f"peak of the train of {text}")
    return PulseReport(rows=_train_rows(device, found), contribution=found.contribution, notes=notes, derived=derived)


def report_bounds(stated: kapitza.device.Layout, mean: float, cells: int) -> PulseReport:
    """What is known of pulses on a box grid, which has the temperatures of their mean: between what the peak lies."""
    if not kapitza.device.is_pulsed(stated.device):
        return PulseReport()
    waveforms = [one.waveform for one in stated.device.sources]
    duties = {one.width / one.period for one in waveforms if isinstance(one, kapitza.device.PulsedPower)}
    only = len(duties) == 1 and all(isinstance(one, kapitza.device.PulsedPower) for one in waveforms)
    if only and not stated.is_nonlinear and not any(block.power for block in stated.blocks):
        highest = mean / duties.pop()  # all have one duty
    else:
        highest = kapitza.solve(stated, method="volumes", cells=cells).peak
    plain = not stated.blocks and not any(stated.sides.values())
    text = (
        "these are the temperatures of the mean heat of the pulses; a box grid does not tell how far the train rises "
        f"above it: its peak lies between {mean:.5g} K (mean) and {highest:.5g} K (if always on) above the sink; "
    )
    text += "--tier layers tells it" if plain else "with a count of pulses --step FILE follows them one by one"
    between = quantity_json([mean, highest], "K", meaning="of the mean, and if always on")
    return PulseReport(notes=[text], derived={**OF_MEAN, "pulses": {"peak_between": between}})


def is_periodic(device: kapitza.Device) -> bool:
    """Whether a source is periodic without a mean: steady temperatures are then those of its amplitude, always on."""
    return any(isinstance(one.waveform, kapitza.device.PeriodicPower) for one in device.sources)


def report_courses(device: kapitza.Device, *, layers: bool) -> tuple[list[str], dict[str, Any]]:
    """Notes on periodic sources and steps, and the same for JSON: how the hottest point follows, of layers alone."""
    notes = [
        f"{one.name} is switched on at t = 0: these are the temperatures in the end; --step FILE draws the way there"
        for one in device.sources
        if isinstance(one.waveform, kapitza.device.StepPower)
    ]
    if not is_periodic(device):
        return notes, {}
    derived: dict[str, Any] = {"temperatures_of": "amplitudes of periodic sources, always on"}
    lacking = [layer.name for layer in device.stack.layers if layer.heat_capacity is None]
    if not layers or lacking:
        why = f"{lacking[0]} has no heat_capacity" if lacking else "a box grid does not tell it"
        return [
            *notes,
            f"periodic sources are taken as if they were always on; how far the temperature follows them: {why}",
        ], {**derived, "oscillation": None}
    found = kapitza.device.layered.periodic_amplitudes(device)
    turns = {name: (abs(one), -math.degrees(cmath.phase(one))) for name, one in found.items()}
    notes += [
        f"{name} goes as a cosine, without a mean: at this point the temperature swings by {size:.4g} K up and down, "
        f"{behind:.3g}° behind the heat; all else here is as if its amplitude were always on"
        for name, (size, behind) in turns.items()
    ]
    shown = {
        name: {"amplitude": quantity_json(size, "K"), "phase": quantity_json(-math.radians(behind), "rad")}
        for name, (size, behind) in turns.items()
    }
    return notes, {**derived, "oscillation": shown}


def drawn_interval(drawn: Sequence[float]) -> tuple[str, dict[str, Any]]:
    """Mean, standard deviation and 95 % interval of drawn rises, as text and for JSON."""
    count, ordered = len(drawn), sorted(drawn)
    mean = sum(drawn) / count
    sigma = (sum((one - mean) ** 2 for one in drawn) / (count - 1)) ** 0.5
    low, high = (ordered[round(share * (count - 1))] for share in (0.025, 0.975))
    text = (
        f"{count} devices drawn: {with_error(mean, sigma)} K above the sink, 95 % of them from {low:.4g} to "
        f"{high:.4g} K"
    )
    return text, {"unit": "K", "mean": mean, "sigma": sigma, "count": count, "interval": [low, high]}


def place_cells(place: Iterable[float]) -> list[str]:
    """Coordinates as text."""
    return [format_device_number("depth", float(v)) if abs(v) > 1e-15 else "0" for v in place]


def _train_rows(device: kapitza.Device, found: kapitza.device.layered.PulsedTemperatures) -> list[list[str]]:
    """Rows of what pulses do to the hottest point, K, and the standard uncertainty of the peak."""
    peak, sigma = f"{found.peak:.5g}", ""
    if found.sigma is not None:
        peak, sigma = (rounded_to_error(one, found.sigma) for one in (found.peak, found.sigma))
    pulsed = [one for one in device.sources if isinstance(one.waveform, kapitza.device.PulsedPower)]
    bound = ("", "") if found.in_phase else (", at most (pulses of several periods)", ", at least")
    first = "peak of the first pulse" if len(pulsed) == 1 else "peak of the first pulses, which begin together"
    return [
        ["mean", f"{found.mean:.5g}", ""],
        [f"peak{bound[0]}", peak, sigma],
        [f"lowest{bound[1]}", f"{found.floor:.5g}", ""],
        [first, f"{found.first:.5g}", ""],
        ["if always on", f"{found.always_on:.5g}", ""],
        ["pulses until the peak is within 1 %", f"{found.settled_pulses}", ""],
    ]
