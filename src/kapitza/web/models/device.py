"""The view Device: a device file that is edited as a table, what is solved of it, and what a conductance is worth."""

from __future__ import annotations

import cmath
import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from attrs import evolve, field, frozen

import kapitza
from kapitza import Device
from kapitza.core import BaseRecord, parse_toml
from kapitza.core.arrays import Array
from kapitza.core.files import write_atomically
from kapitza.core.parameter_units import format_parameter, shown_unit, with_error
from kapitza.device import LayeredTemperatures, PeriodicPower, TemperatureField, is_pulsed, with_mean_power
from kapitza.device.layered import periodic_amplitudes, pulsed_temperatures, scale_device, solve_layered
from kapitza.errors import InputError
from kapitza.io import MAX_TOML_BYTES, own_folder_only
from kapitza.io.device import DeviceMethod, device_method
from kapitza.web.models.toml_text import cell_text, cell_value, format_toml

LAYER_COLUMNS = ("name", "material", "thickness", "conductivity", "in_plane")
SOURCE_COLUMNS = ("name", "power", "flux", "layer", "x", "y")
DEVICE_FILE = "device.toml"
_NEW_BOUNDARY = "100 MW/m2K"
_SWEEP_FACTORS = np.geomspace(0.1, 10.0, 11)
_SECTION_POINTS, _SECTION_DEPTHS = 121, 11  # of a section: places along x, depths in each layer


@frozen(eq=False)
class DeviceDraft(BaseRecord):
    """A device file while it is edited.

    Attributes
    ----------
    table : what stands in the file
    """

    table: Mapping[str, Any] = field(converter=deepcopy)

    @classmethod
    def from_text(cls, text: str) -> DeviceDraft:
        """Return the draft of a text; a DataError where it is not TOML."""
        return cls(parse_toml(text.encode()[:MAX_TOML_BYTES], DEVICE_FILE))

    @property
    def text(self) -> str:
        """The file."""
        return format_toml(self.table)

    @property
    def layers(self) -> list[dict[str, Any]]:
        """Tables of the layers from the top down."""
        return _tables(self.table, "layers")

    @property
    def sources(self) -> list[dict[str, Any]]:
        """Tables of the sources of heat."""
        return _tables(self.table, "sources")

    @property
    def layer_names(self) -> list[str]:
        """Names of the layers from the top down."""
        return [_layer_name(one) for one in self.layers]

    @property
    def boundary_names(self) -> list[str]:
        """Names of the boundaries from the top down."""
        return [f"{upper}|{lower}" for upper, lower in pairwise(self.layer_names)]

    def boundary(self, name: str) -> str:
        """What a cell says of a boundary."""
        held = self.table.get("boundaries", {})
        return cell_text(held.get(name)) if isinstance(held, Mapping) else ""

    def cell(self, section: str, row: int, key: str) -> str:
        """What a cell says of a layer or a source."""
        return cell_text(_tables(self.table, section)[row].get(key))

    def top(self, key: str) -> str:
        """What a cell says of a key of the file itself, or of a table as ``box.width``."""
        table: Any = self.table
        for part in key.split("."):
            table = table.get(part) if isinstance(table, dict) else None
        return "" if table is None else str(table)

    def with_cell(self, section: str, row: int, key: str, text: str) -> DeviceDraft:
        """Return the draft with another cell; a layer that gets another name keeps its boundaries and its heat."""
        table = deepcopy(dict(self.table))
        held = _tables(table, section)[row]
        before = self.layer_names
        value = cell_value(text)
        if section == "layers" and key in ("name", "material") and value is not None:
            value = str(value)
        held.pop(key, None) if value is None else held.update({key: value})
        if section == "layers":
            _rename(table, before, [_layer_name(one) for one in _tables(table, "layers")])
        return DeviceDraft(table)

    def with_boundary(self, name: str, text: str) -> DeviceDraft:
        """Return the draft with another boundary."""
        table = deepcopy(dict(self.table))
        table.setdefault("boundaries", {})[name] = cell_value(text)
        return DeviceDraft(table)

    def with_top(self, key: str, text: str) -> DeviceDraft:
        """Return the draft with another key of the file itself, or of a table as ``box.width``."""
        table = deepcopy(dict(self.table))
        *tables, last = key.split(".")
        held = table
        for one in tables:
            held = held.setdefault(one, {})
        value = cell_value(text)
        held.pop(last, None) if value is None else held.update({last: value})
        return DeviceDraft({name: one for name, one in table.items() if one != {}})


def add_layer(draft: DeviceDraft, row: int) -> DeviceDraft:
    """Return a draft with another layer below one."""
    names = draft.layer_names
    number = next(i for i in range(1, len(names) + 2) if f"layer {i}" not in names)
    layers = deepcopy(draft.layers)
    layers.insert(row + 1, {"name": f"layer {number}", "thickness": "1 um", "conductivity": 100})
    return _with_layers(draft, layers)


def remove_layer(draft: DeviceDraft, row: int) -> DeviceDraft:
    """Return a draft without one of its layers; the boundary above it stays.  InputError: for the only layer."""
    layers = deepcopy(draft.layers)
    if len(layers) == 1:
        raise InputError(f"{draft.layer_names[0]} is the only layer: a device needs one")
    gone = _layer_name(layers.pop(row))
    table = dict(_with_layers(draft, layers).table)
    if isinstance(table.get("uncertain"), Mapping):
        held = table["uncertain"].items()
        table["uncertain"] = {key: one for key, one in held if gone not in key.rpartition(".")[0].split("|")}
    return DeviceDraft(table)


def move_layer(draft: DeviceDraft, row: int, by: int) -> DeviceDraft:
    """Return a draft with one layer moved up (-1) or down (1)."""
    layers = deepcopy(draft.layers)
    if 0 <= row + by < len(layers):
        layers.insert(row + by, layers.pop(row))
    return _with_layers(draft, layers)


def _with_layers(draft: DeviceDraft, layers: list[dict[str, Any]]) -> DeviceDraft:
    """A draft with other layers; boundaries that are no more give their values to those in their place."""
    held = dict(draft.table.get("boundaries", {}))
    before, after = draft.boundary_names, DeviceDraft({"layers": layers}).boundary_names
    spare = [held[name] for name in before if name in held and name not in after]
    found = {name: held[name] if name in held else (spare.pop(0) if spare else _NEW_BOUNDARY) for name in after}
    kept = {name: value for name, value in held.items() if name not in before}
    return DeviceDraft({**draft.table, "layers": layers, "boundaries": {**found, **kept}})


def _tables(table: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """Tables [[key]] of a file, those that are none left to its reader."""
    found = table.get(key, [])
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _layer_name(layer: Mapping[str, Any]) -> str:
    return str(layer.get("name", layer.get("material", "")))


def _rename(table: dict[str, Any], before: Sequence[str], after: Sequence[str]) -> None:
    """Give what names a layer, such as "GaN|SiC" or "GaN.thickness", its new name."""
    new: dict[str, str] = {old: one for old, one in zip(before, after, strict=True) if old != one}
    if not new:
        return
    for key in ("boundaries", "uncertain"):
        held = table.get(key)
        if isinstance(held, dict):
            table[key] = {}
            for name, one in held.items():
                owner, dot, attribute = name.rpartition(".") if key == "uncertain" else (name, "", "")
                layers = [new.get(part, part) for part in str(owner).split("|")]
                table[key]["|".join(layers) + dot + attribute] = one
    for one in _tables(table, "sources"):
        if one.get("layer") in new:
            one["layer"] = new[one["layer"]]


@frozen(eq=False)
class SolvedDevice(BaseRecord):
    """What is shown of a device.

    Attributes
    ----------
    device : with the mean power of its pulses
    found : its steady temperatures
    section : temperatures down through all layers and along x
    heat : whose temperatures these are where heat changes with time, as ", mean of the pulses"
    course : how the hottest point follows such heat, in words
    """

    device: Device
    found: LayeredTemperatures
    section: TemperatureField
    heat: str = ""
    course: str = ""

    @property
    def depth_profile(self) -> tuple[Array, Array]:
        """(nz,) depths, m, and temperatures below the hottest point, K; a boundary stands there twice."""
        column = int(np.argmin(np.abs(self.section.x - self.found.place[0])))
        return self.section.y, self.found.sink + self.section.value[column]


def read_draft(draft: DeviceDraft, folder: Path) -> Device:
    """Device of a draft, whose file is written into a folder that holds what it names.

    Raises as `kapitza.io.read_device` does, and InputError for blocks and meshes, which the command line solves.
    """
    path = write_atomically(folder / DEVICE_FILE, draft.text.encode())
    with own_folder_only():
        method: DeviceMethod = device_method(path)
        if method.tier != "layers":
            raise InputError(f"{method.why}: this page solves layers, `kapitza device {DEVICE_FILE}` solves this")
        return kapitza.io.read_device(path)


def solve_draft(draft: DeviceDraft, folder: Path) -> SolvedDevice:
    """Temperatures of a draft; the errors are those of `read_draft` and of `kapitza.solve`."""
    stated = read_draft(draft, folder)
    return evolve(solve_device(stated), course=describe_course(stated))


def solve_device(stated: Device, changes: Mapping[str, float] | None = None) -> SolvedDevice:
    """Temperatures of a device with some numbers changed, by name, SI."""
    device = with_mean_power(stated)
    for name, value in (changes or {}).items():
        device = scale_device(device, name, value / device.value(name))
    found = solve_layered(device)
    section = found.section(points=_SECTION_POINTS, per_layer=_SECTION_DEPTHS)
    heat = ", periodic heat as if always on" if _is_periodic(stated) else ""
    return SolvedDevice(device, found, section, ", mean of the pulses" if is_pulsed(stated) else heat)


def _is_periodic(device: Device) -> bool:
    return any(isinstance(one.waveform, PeriodicPower) for one in device.sources)


def describe_course(device: Device) -> str:
    """How far pulses rise above their mean, or how far periodic heat swings; nothing for steady heat."""
    pulsed = is_pulsed(device)
    if not pulsed and not _is_periodic(device):
        return ""
    lacking = [layer.name for layer in device.stack.layers if layer.heat_capacity is None]
    if lacking:
        return f"{lacking[0]} has no heat_capacity, so that nothing is known of the course in time."
    if pulsed:
        train = pulsed_temperatures(device)
        peak = f"{train.peak:.4g}" if train.sigma is None else with_error(train.peak, train.sigma)
        return f"The train of pulses peaks at {peak} K above the sink, its first pulse at {train.first:.4g} K."
    swings = [
        f"{abs(one):.4g} K, {-math.degrees(cmath.phase(one)):.3g}° behind {name}"
        for name, one in periodic_amplitudes(device).items()
    ]
    return f"Periodic heat makes this point swing by {' and '.join(swings)}."


def sweep_number(device: Device, name: str) -> tuple[Array, Array]:
    """(n,) values of one number from a tenth to ten times its own, SI, and (n,) rises of the hottest point, K."""
    present = device.value(name)
    rises = [solve_layered(scale_device(device, name, factor), sensitivity=False).peak for factor in _SWEEP_FACTORS]
    return present * _SWEEP_FACTORS, np.array(rises)


def numbers_to_try(solved: SolvedDevice) -> list[str]:
    """Names of the numbers that a slider can move: the conductances first, then others by what they are worth."""
    worth = solved.found.sensitivity
    return sorted(worth, key=lambda name: ("|" not in name, -abs(worth[name])))


def kept_number(draft: DeviceDraft, name: str, value: float) -> DeviceDraft:
    """Return a draft in which one number has a new value, SI.  InputError: if the file has no such number."""
    owner, _, attribute = name.rpartition(".")
    unit, size, _ = shown_unit(name)
    text = f"{float(f'{value / size:.4g}'):g} {unit.replace('²', '2').replace('³', '3')}".strip()
    if owner in draft.boundary_names:
        return draft.with_boundary(owner, text)
    if owner in draft.layer_names:
        return draft.with_cell("layers", draft.layer_names.index(owner), attribute, text)
    names = [str(one.get("name", "")) for one in draft.sources]
    if owner in names and attribute == "power":
        row = names.index(owner)
        return draft.with_cell("sources", row, "flux", "").with_cell("sources", row, "power", text)
    if not owner:
        return draft.with_top(name if name not in ("width", "depth") else f"box.{name}", text)
    raise InputError(f"{name} does not stand in the file: change it there as text")


def device_summary(solved: SolvedDevice) -> str:
    """The hottest point in one line, with its uncertainty."""
    found = solved.found
    peak = f"{found.peak:.4g}" if found.sigma is None else with_error(found.peak, found.sigma)
    return (
        f"{peak} K above {found.sink:g} K in {found.layer}, with {found.power:.4g} W: "
        f"{found.resistance:.4g} K/W{solved.heat}"
    )


def worth_rows(found: LayeredTemperatures) -> list[dict[str, str]]:
    """What each boundary takes and what its conductance is worth, a row each, from the largest worth down."""
    names = sorted(
        (name for name in found.sensitivity if name.endswith(".conductance")), key=lambda n: found.sensitivity[n]
    )
    return [
        {
            "boundary": (owner := name.rpartition(".")[0]).replace("|", " | "),
            "conductance": format_parameter(name, found.device.value(name), 4),
            "drop": f"{found.drop.get(owner, 0.0):.3g} K",
            "share": f"{100 * found.share.get(owner, 0.0):.3g} %",
            "worth": f"{found.sensitivity[name]:.3g} K".replace("-", "−"),
            "tenth": f"{0.1 * found.sensitivity[name]:+.2g} K".replace("-", "−"),
        }
        for name in names
    ]


def device_texts(draft: DeviceDraft) -> dict[str, str]:
    """What is on the screen as Python, TOML and command line."""
    python = (
        "import kapitza\n\n"
        f'device = kapitza.io.read_device("{DEVICE_FILE}")  # the TOML beside\n'
        "found = kapitza.solve(device)\n"
        "print(found.peak)  # K above the sink\n"
        "print(found.share)  # of each layer and boundary\n"
        "print(found.sensitivity)  # dT/dln p, K\n"
    )
    return {"Python": python, "TOML": draft.text, "Command line": f"kapitza device {DEVICE_FILE} --plot device.png\n"}


def device_numbers(solved: SolvedDevice) -> dict[str, Any]:
    """Numbers of the screen with units, for JSON."""
    found = solved.found
    depth, kelvin = (values.tolist() for values in solved.depth_profile)
    meaning = f"rise of the hottest point{solved.heat}"
    return {
        "title": found.title,
        "sink": {"value": found.sink, "unit": "K"},
        "power": {"value": found.power, "unit": "W"},
        "peak": {"value": found.peak, "unit": "K", "sigma": found.sigma, "meaning": meaning},
        "course": solved.course,
        "drop": {"value": dict(found.drop), "unit": "K"},
        "share": {"value": found.share, "unit": "1"},
        "sensitivity": {"value": dict(found.sensitivity), "unit": "K", "meaning": "dT/dln p of the hottest point"},
        "depth": {"value": depth, "unit": "m"},
        "temperature": {"value": kelvin, "unit": "K"},
    }
