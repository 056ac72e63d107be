"""Sweeps of one number of a device, and the numbers for which its hottest point is coolest."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import kapitza
from kapitza.cli import deferred, figures
from kapitza.cli.output import note, print_json, print_record, print_table, quantity_json
from kapitza.core.parameter_units import kind_of_parameter
from kapitza.errors import InputError
from kapitza.io.device.sweeps import format_device_number, read_sweep

_SWEEP_VERSION = "device-sweep-1"  # part of the address of stored results


def report_sweep(
    path: str, text: str, files: figures.Results, work: dict[str, Any], *, as_json: bool, cells: int | None = None
) -> None:
    """Temperatures of a device against one of its numbers; on a box grid of so many cells if these are given."""
    device = kapitza.io.read_device(path) if cells is None else kapitza.io.read_layout(path)
    device.value(text.partition("=")[0].strip())  # an unknown name is refused before its unit
    wanted = read_sweep(text)
    common = {"device": deferred.record_tree(device), "name": wanted.name, "cells": cells}
    units = [common | {"value": float(value)} for value in wanted.value]
    parts = kapitza.run.run_units(partial(_solve_unit, device), units, version=_SWEEP_VERSION, **work)
    found = [dict(zip(one["name"].tolist(), one["rise"].tolist(), strict=True)) for one in parts]
    rises = {name: [one.get(name, 0.0) for one in found] for name in dict.fromkeys(key for one in found for key in one)}
    result = {"name": wanted.name, "value": wanted.value, **{k: tuple(v) for k, v in rises.items()}}
    files.keep(result)
    label = f"{wanted.name} ({wanted.unit})" if wanted.unit else wanted.name
    files.draw(lambda ax: deferred.device_sweep(wanted.value, rises, label, factor=wanted.factor, ax=ax))
    if as_json:
        print_record(result, {"kind": kind_of_parameter(wanted.name), "rise": quantity_json(rises, "K")})
        return
    rows = [
        [f"{value / wanted.factor:.6g}", *(f"{rise[i]:.5g}" for rise in rises.values())]
        for i, value in enumerate(wanted.value)
    ]
    stack = device if isinstance(device, kapitza.Device) else device.device
    print_table(f"{stack.title}: rise above the sink (K)", (label, *rises), rows, text=0)
    _note_films(stack, [wanted.name])
    files.announce()


def _solve_unit(device: kapitza.Device | kapitza.device.Layout, unit: kapitza.run.UnitInputs) -> kapitza.run.UnitResult:
    """Kernel: rises of a device with another value of one of its numbers, K, and what they are."""
    import numpy as np

    name, value = str(unit["name"]), float(np.asarray(unit["value"]))
    if isinstance(device, kapitza.Device):
        found = kapitza.solve(device.replace({name: value}), sensitivity=False)
    else:
        changed = deferred.scale_layout(device, name, value / device.value(name))
        found = kapitza.solve(changed, method="volumes", cells=int(np.asarray(unit["cells"]))).temperatures
    owner = name.rpartition(".")[0]
    rises = {"hottest point": found.peak, **{f"{place}, averaged": rise for place, rise in found.average.items()}}
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
    device = kapitza.io.read_device(path)
    sweeps = [read_sweep(text) for text in over]
    ranges = {one.name: (float(one.value[0]), float(one.value[-1])) for one in sweeps}
    found = deferred.minimize_peak(device, ranges)
    if as_json:
        print_json(
            {
                "minimised": "peak",
                "value": dict(found.values),
                "peak": {"unit": "K", "value": found.peak, "before": found.before},
                "limited": list(found.limited),
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
    _note_films(device, list(ranges))
