"""Sweeps of one number of a device, and the numbers for which its hottest point is coolest."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import kapitza
from kapitza.cli import figures
from kapitza.cli.device.pulses import OF_MEAN
from kapitza.cli.output import note, print_json, print_record, print_table, quantity_json
from kapitza.core.parameter_units import kind_of_parameter
from kapitza.errors import InputError
from kapitza.io.device.sweeps import format_device_number, read_sweep

_SWEEP_VERSION = "device-sweep-2"  # part of the address of stored results
_PEAK = "peak of the train"


def report_sweep(
    path: str, text: str, files: figures.Results, work: dict[str, Any], *, as_json: bool, cells: int | None = None
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
    files.keep(result)
    label = f"{wanted.name} ({wanted.unit})" if wanted.unit else wanted.name
    files.draw(lambda ax: kapitza.plot.device.device_sweep(wanted.value, rises, label, factor=wanted.factor, ax=ax))
    if as_json:
        of = (
            OF_MEAN if kapitza.device.is_pulsed(device if isinstance(device, kapitza.Device) else device.device) else {}
        )
        print_record(result, {"kind": kind_of_parameter(wanted.name), "rise": quantity_json(rises, "K"), **of})
        return
    rows = [
        [f"{value / wanted.factor:.6g}", *(f"{rise[i]:.5g}" for rise in rises.values())]
        for i, value in enumerate(wanted.value)
    ]
    stack = device if isinstance(device, kapitza.Device) else device.device
    print_table(f"{stack.title}: rise above the sink (K)", (label, *rises), rows, text=0)
    _note_films(stack, [wanted.name])
    if kapitza.device.is_pulsed(stack):
        beside = (
            f", but for the column {_PEAK!r}" if _PEAK in rises else "; how far the train rises above it is not told"
        )
        note(f"rises are those of the mean heat of the pulses{beside}")
    files.announce()


def _has_train(device: kapitza.Device) -> bool:
    """Whether sources pulse and all layers have what the train takes."""
    return kapitza.device.is_pulsed(device) and all(layer.heat_capacity is not None for layer in device.stack.layers)


def _solve_unit(device: kapitza.Device | kapitza.device.Layout, unit: kapitza.run.UnitInputs) -> kapitza.run.UnitResult:
    """Kernel: rises of a device with another value of one of its numbers, K, and what they are."""
    import numpy as np
    from attrs import evolve

    name, value = str(unit["name"]), float(np.asarray(unit["value"]))
    train: dict[str, float] = {}
    if isinstance(device, kapitza.Device):
        stated = device.replace({name: value})
        found = kapitza.solve(kapitza.device.with_mean_power(stated), sensitivity=False)
        if _has_train(stated):
            train = {_PEAK: kapitza.device.layered.pulsed_temperatures(evolve(stated, uncertain={})).peak}
    else:
        changed = kapitza.device.layered.layout_with_mean_power(
            kapitza.device.grid.scale_layout(device, name, value / device.value(name))
        )
        found = kapitza.solve(changed, method="volumes", cells=int(np.asarray(unit["cells"]))).temperatures
    owner = name.rpartition(".")[0]
    rises = {
        "hottest point": found.peak,
        **train,
        **{f"{place}, averaged": rise for place, rise in found.average.items()},
    }
    rises |= {f"drop across {owner}": found.drop[owner]} if owner in found.drop else {}
    return {"name": np.array(list(rises)), "rise": np.array(list(rises.values()))}


def _note_films(device: kapitza.Device, parameters: Sequence[str]) -> None:
    """Note what walls leave of conductivities, and that a thickness that varies does not change it."""
    for text in device.remarks:
        note(text)
    for owner in (name.removesuffix(".thickness") for name in parameters if name.endswith(".thickness")):
        if f"{owner}.in_plane" in device.uncertain and device.remarks:
            note(f"{owner} keeps the conductivity along it that belongs to its thickness in the file")


def report_design(path: str, minimise: str, over: Sequence[str], *, as_json: bool) -> None:
    """The coolest device within ranges of its numbers."""
    if minimise != "hotspot":
        raise InputError(f"--minimise {minimise!r:.40}: expected hotspot")
    stated = kapitza.io.read_device(path)
    device = kapitza.device.with_mean_power(stated)
    sweeps = [read_sweep(text) for text in over]
    ranges = {one.name: (float(one.value[0]), float(one.value[-1])) for one in sweeps}
    found = kapitza.device.layered.minimize_peak(device, ranges)
    if as_json:
        print_json(
            {
                "minimised": "peak",
                "value": dict(found.values),
                "peak": {"unit": "K", "value": found.peak, "before": found.before},
                "limited": list(found.limited),
                **(OF_MEAN if kapitza.device.is_pulsed(stated) else {}),
            }
        )
        return
    rows = [
        [
            name,
            format_device_number(name, device.value(name)),
            format_device_number(name, value),
            f"{format_device_number(name, ranges[name][0])} to {format_device_number(name, ranges[name][1])}",
        ]
        for name, value in found.values.items()
    ]
    title = f"{device.title}: hottest point {found.before:.5g} K above the sink before, {found.peak:.5g} K with"
    print_table(title, ("number", "before", "best", "range"), rows)
    for name in found.limited:
        note(f"{name} stands at the end of its range: nothing inside of it is better")
    if kapitza.device.is_pulsed(stated):
        note("these are the rises of the mean heat of the pulses: where the peak of the train is lowest is not told")
    _note_films(device, list(ranges))
