"""Sweeps of one number of a device, and the numbers for which its hottest point is coolest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import kapitza
from kapitza.cli import output
from kapitza.cli.device.pulses import OF_MEAN
from kapitza.cli.output import Grid, Note, Part, quantity_json
from kapitza.core.parameter_units import kind_of_parameter
from kapitza.errors import InputError
from kapitza.io.device import format_device_number, read_sweep

_SWEEP_VERSION = "device-sweep-2"  # part of the address of stored results
_PEAK = "peak of the train"


def report_sweep(
    path: str, text: str, files: output.Results, work: dict[str, Any], *, cells: int | None = None
) -> None:
    """Temperatures of a device against one of its numbers; on a box grid of so many cells if these are given."""
    device = kapitza.io.read_device(path) if cells is None else kapitza.io.read_layout(path)
    device.value(text.partition("=")[0].strip())  # an unknown name is refused before its unit
    wanted = read_sweep(text)
    common = {"device": kapitza.io.record_tree(device), "name": wanted.name, "cells": cells}
    units = [common | {"value": float(value)} for value in wanted.value]
    parts = kapitza.run.run_units(partial(_solve_unit, device), units, version=_SWEEP_VERSION, **work)
    found = [dict(zip(one["name"].tolist(), one["rise"].tolist(), strict=True)) for one in parts]
    rises = {name: [one.get(name, 0.0) for one in found] for name in dict.fromkeys(key for one in found for key in one)}
    result = {"name": wanted.name, "value": wanted.value, **{k: tuple(v) for k, v in rises.items()}}
    label = f"{wanted.name} ({wanted.unit})" if wanted.unit else wanted.name
    files.draw(lambda ax: kapitza.plot.device.device_sweep(wanted.value, rises, label, factor=wanted.factor, ax=ax))
    stack = device if isinstance(device, kapitza.Device) else device.device
    pulsed = kapitza.device.is_pulsed(stack)

    def printout() -> Iterator[Part]:
        rows = [
            [f"{value / wanted.factor:.6g}", *(f"{rise[i]:.5g}" for rise in rises.values())]
            for i, value in enumerate(wanted.value)
        ]
        yield Grid(f"{stack.title}: rise above the sink (K)", (label, *rises), rows, text=0)
        yield from _describe_films(stack, [wanted.name])
        if pulsed:
            beside = (
                f", but for the column {_PEAK!r}"
                if _PEAK in rises
                else "; how far the train rises above it is not told"
            )
            yield Note(f"rises are those of the mean heat of the pulses{beside}")

    derived = {"kind": kind_of_parameter(wanted.name), "rise": quantity_json(rises, "K")}
    files.report(result, printout(), derived | (OF_MEAN if pulsed else {}))


def _solve_unit(device: kapitza.Device | kapitza.device.Layout, unit: kapitza.run.UnitInputs) -> kapitza.run.UnitResult:
    """Kernel: rises of a device with another value of one of its numbers, K, and what they are."""
    import numpy as np
    from attrs import evolve

    name, value = str(unit["name"]), float(np.asarray(unit["value"]))
    train: dict[str, float] = {}
    if isinstance(device, kapitza.Device):
        stated = device.replace({name: value})
        found = kapitza.solve(kapitza.device.with_mean_power(stated), sensitivity=False)
        if kapitza.device.is_pulsed(stated) and all(layer.heat_capacity is not None for layer in stated.stack.layers):
            train = {_PEAK: kapitza.device.layered.pulsed_temperatures(evolve(stated, uncertain={})).peak}
    else:
        changed = kapitza.device.layered.layout_with_mean_power(
            kapitza.device.grid.scale_layout(device, name, value / device.value(name))
        )
        found = kapitza.solve(changed, method="volumes", cells=int(np.asarray(unit["cells"]))).temperatures
    owner = name.rpartition(".")[0]
    rises = {"hottest point": found.peak, **train}
    rises |= {f"{place}, averaged": rise for place, rise in found.average.items()}
    rises |= {f"drop across {owner}": found.drop[owner]} if owner in found.drop else {}
    return {"name": np.array(list(rises)), "rise": np.array(list(rises.values()))}


def _describe_films(device: kapitza.Device, parameters: Sequence[str]) -> Iterator[Part]:
    yield from map(Note, device.remarks)
    for owner in (name.removesuffix(".thickness") for name in parameters if name.endswith(".thickness")):
        if f"{owner}.in_plane" in device.uncertain and device.remarks:
            yield Note(f"{owner} keeps the conductivity along it that belongs to its thickness in the file")


def report_design(path: str, minimise: str, over: Sequence[str], files: output.Results) -> None:
    """The coolest device within ranges of its numbers."""
    if minimise != "hotspot":
        raise InputError(f"--minimise {minimise!r:.40}: expected hotspot")
    stated = kapitza.io.read_device(path)
    device, pulsed = kapitza.device.with_mean_power(stated), kapitza.device.is_pulsed(stated)
    sweeps = [read_sweep(text) for text in over]
    ranges = {one.name: (float(one.value[0]), float(one.value[-1])) for one in sweeps}
    best = kapitza.device.layered.minimize_peak(device, ranges)

    def printout() -> Iterator[Part]:
        rows = [
            [
                name, format_device_number(name, device.value(name)), format_device_number(name, value),
                " to ".join(format_device_number(name, end) for end in ranges[name]),
            ]
            for name, value in best.values.items()
        ]  # fmt: skip
        title = f"{device.title}: hottest point {best.before:.5g} K above the sink before, {best.peak:.5g} K with"
        yield Grid(title, ("number", "before", "best", "range"), rows)
        for name in best.limited:
            yield Note(f"{name} stands at the end of its range: nothing inside of it is better")
        if pulsed:
            yield Note(
                "these are the rises of the mean heat of the pulses: where the peak of the train is lowest is not told"
            )
        yield from _describe_films(device, list(ranges))

    content = {
        "minimised": "peak",
        "value": dict(best.values),
        "peak": {"unit": "K", "value": best.peak, "before": best.before},
        "limited": list(best.limited),
        **(OF_MEAN if pulsed else {}),
    }
    files.show(content, printout(), plain=True)
