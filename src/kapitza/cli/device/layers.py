"""What the verbs for devices print and write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import kapitza
from kapitza.cli import deferred, figures
from kapitza.cli.output import note, print_json, print_table
from kapitza.errors import InputError
from kapitza.io.device.sweeps import ParameterSweep, format_device_number, kind_of_device_number, read_sweep
from kapitza.io.quantities import quantity

if TYPE_CHECKING:
    from kapitza.cli.device.method import MethodChoice
    from kapitza.device.description import Device
    from kapitza.device.layered.optimum import Optimum
    from kapitza.device.results import DeviceTemperatures

_MIN_PLAUSIBLE_RISE, _MAX_PLAUSIBLE_RISE = (
    1e-5,
    3000.0,
)  # K: no hot spot of a device is fainter, and none that is hotter stays solid

_RESPONSE_TIMES = 61
_COURSE_TIMES = 401  # of pulses and periods
_MAP_SHAPE = (512, 512)  # of a map
_LAYERS_FIGURE_HEIGHT = 5.6  # inches
_MIN_GRID_CELLS = 512  # cells of a grid


def report_device(
    path: str,
    choice: MethodChoice,
    *,
    plot: str | None,
    save: str | None,
    step: str | None,
    samples: int,
    as_json: bool,
) -> None:
    """Temperatures of a device file of layers."""
    device = kapitza.io.read_device(path)
    found = kapitza.solve(device)
    if plot is not None or save is not None:
        cut = deferred.section_map(device)
        plane = deferred.plane_map(
            device, kapitza.thermoreflectance.Plane(found.layer, _depth_in_layer(device, found)), _MAP_SHAPE
        )
        if plot is not None:
            figures.write_figure(
                plot,
                lambda figure: deferred.device_figure(found, device, cut, plane, figure),
                height=_LAYERS_FIGURE_HEIGHT,
            )
        if save is not None:
            kept: dict[str, Any] = {"device": device, "temperatures": found, "section": cut, "plane": plane}
            if all(layer.heat_capacity is not None for layer in device.stack.layers):
                kept["step"] = deferred.step_response(device, _heating_times(device))
            kapitza.save(kept, save)
    if step is not None:
        steady = all(isinstance(source.course, kapitza.device.SteadyPower) for source in device.sources)
        follow = deferred.step_response if steady else deferred.device_response
        rising = follow(device, _heating_times(device) if steady else _source_times(device))
        figures.write_axes(step, lambda ax: kapitza.plot.device_response(rising, ax=ax))
    drawn = deferred.sample_peaks(device, samples) if samples > 1 else None
    if as_json:
        told = _device_json(device, found) | {"tier": choice.tier, "why": choice.why}
        if drawn is not None:
            told["sampled"] = {
                "unit": "K",
                "mean": float(drawn.mean()),
                "sigma": float(drawn.std(ddof=1)),
                "count": samples,
            }
        print_json(told)
        return
    _print_device(device, found)
    note(choice.reason)
    note_implausible_rise(found.peak)
    if drawn is not None:
        note(f"{samples} devices drawn: {drawn.mean():.5g} ± {drawn.std(ddof=1):.3g} K above the sink")
    for written in (plot, save, step):
        if written is not None:
            note(f"wrote {written}")


def note_implausible_rise(rise: float) -> None:
    """Say so where no device gets that warm, or is heated by that little: a number came in another unit."""
    if not _MIN_PLAUSIBLE_RISE <= abs(rise) <= _MAX_PLAUSIBLE_RISE:
        note(f"a rise of {rise:.3g} K looks implausible: is a thickness, a power or a conductance in another unit?")


def _heating_times(device: Device) -> list[float]:
    """Times over which a device heats up, evenly in ln t, s."""
    first, last = deferred.time_span(device)
    return [first * (last / first) ** (i / (_RESPONSE_TIMES - 1)) for i in range(_RESPONSE_TIMES)]


def _source_times(device: Device) -> list[float]:
    """Times that show what the sources do: two periods, all counted pulses, or the time to heat up, s."""
    ends: list[float] = []
    for source in device.sources:
        if isinstance(source.course, kapitza.device.PulsedPower):
            ends.append(source.course.period * (source.course.count or 2))
        elif isinstance(source.course, kapitza.device.PeriodicPower):
            ends.append(2 / source.course.frequency)
    if not ends:
        return _heating_times(device)
    return [max(ends) * (i + 1) / _COURSE_TIMES for i in range(_COURSE_TIMES)]


def _depth_in_layer(device: Device, found: DeviceTemperatures) -> float:
    """Depth of the hottest point below the top face of its layer, m."""
    depth = 0.0
    for layer in device.stack.layers:
        if layer.name == found.layer:
            return min(max(float(found.place[2]) - depth, 0.0), layer.thickness)
        depth += layer.thickness
    return 0.0


def _device_json(device: Device, found: DeviceTemperatures) -> dict[str, Any]:
    """Temperatures with their units."""
    return {
        "title": found.title,
        "sink": {"unit": "K", "value": found.sink},
        "power": {"unit": "W", "value": found.power},
        "peak": {"unit": "K", "value": found.peak, "sigma": found.sigma, "layer": found.layer},
        "place": {"unit": "m", "value": found.place.tolist()},
        "resistance": {"unit": "K W^-1", "value": found.resistance},
        "average": {"unit": "K", "value": dict(found.average)},
        "drop": {"unit": "K", "value": dict(found.drop)},
        "share": found.share,
        "boundaries_rule_below": {"unit": "m", "value": deferred.boundary_lengths(device.stack, device.sink)},
        "sensitivity": {"unit": "K", "value": dict(found.sensitivity), "meaning": "change of the peak per ln p"},
        "contribution": {"unit": "K", "value": dict(found.contribution)},
        "temperature": {"unit": "K", "value": dict(found.kelvin)},
        "iterations": found.iterations,
        "layers": [layer.name for layer in device.stack.layers],
        "drop_definition": "extrapolated",
    }


def _print_device(device: Device, found: DeviceTemperatures) -> None:
    """Print temperatures: the hottest point, averages, shares, and what makes it uncertain."""
    sigma = "" if found.sigma is None else f" ± {found.sigma:.2g}"
    x, y, z = (format_device_number("depth", float(v)) if v else "0" for v in found.place)
    title = (
        f"{found.title}: {found.sink + found.peak:.5g}{sigma} K in {found.layer} at x = {x}, y = {y}, {z} deep; "
        f"{found.peak:.6g} K above the sink, {found.resistance:.4g} K/W for {found.power:.4g} W"
    )
    lengths = deferred.boundary_lengths(device.stack, device.sink)
    rows = [
        [
            name,
            f"{drop:.4g}",
            f"{100 * found.share[name]:.1f} %",
            *_resistance_cells(device, name, found),
            format_device_number("thickness", lengths[name]) if lengths.get(name) else "",
        ]
        for name, drop in found.drop.items()
    ]
    heads = ("below the hottest point", "drop (K)", "share", "resistance (m²K/GW)", "at (K)", "boundaries rule below")
    print_table(title, heads, rows)
    if found.average:
        rows = [[name, f"{rise:.6g}"] for name, rise in found.average.items()]
        print_table("\nrise averaged over", ("patch", "K"), rows)
    if found.contribution:
        order = sorted(found.contribution, key=lambda name: -found.contribution[name])
        variance = sum(v**2 for v in found.contribution.values()) or 1.0
        rows = [
            [name, f"{found.contribution[name]:.3g}", f"{100 * found.contribution[name] ** 2 / variance:.0f} %"]
            for name in order
        ]
        print_table("\nuncertainty of the hottest temperature", ("from", "K", "of the variance"), rows)
    if found.kelvin:
        note(
            f"properties of T at weighted means of the temperatures, {found.iterations} solutions: to first order "
            "in how much they vary within a layer"
        )


def _resistance_cells(device: Device, name: str, found: DeviceTemperatures) -> list[str]:
    """Resistance per area of a layer or boundary, and the temperature at which it was taken."""
    kelvin = found.kelvin.get(name, device.sink)
    held = device.stack.resistances(kelvin)
    if name not in held:
        return [f"{1e9 / device.coefficient:.4g}" if name == "sink" else "", ""]
    value = held[name]
    if name in device.laws:
        value *= device.value(f"{name}.conductivity") / float(device.laws[name].at(kelvin)[0])
    return [f"{1e9 * value:.4g}", f"{kelvin:.4g}" if name in found.kelvin else ""]


def report_sweep(
    path: str, text: str, *, plot: str | None, save: str | None, as_json: bool, cells: int | None = None
) -> None:
    """Temperatures of a device against one of its numbers; on a box grid of so many cells if these are given."""
    device = kapitza.io.read_device(path) if cells is None else kapitza.io.read_layout(path)
    now = device.value(text.partition("=")[0].strip())  # a name that is none is told so, before its unit puzzles
    wanted = read_sweep(text)
    if isinstance(device, kapitza.Device):
        found = [kapitza.solve(device.replace({wanted.name: v}), sensitivity=False) for v in wanted.value]
    else:
        changed = [deferred.scale_layout(device, wanted.name, v / now) for v in wanted.value]
        found = [kapitza.solve(one, method="volumes", cells=cells or _MIN_GRID_CELLS).temperatures for one in changed]
    rises = {"hottest point": [one.peak for one in found]}
    rises |= {f"{name}, averaged": [one.average[name] for one in found] for name in found[0].average}
    owner = wanted.name.rpartition(".")[0]
    if any(owner in one.drop for one in found):
        rises[f"drop across {owner}"] = [one.drop.get(owner, 0.0) for one in found]
    if save is not None:
        kapitza.save({"name": wanted.name, "value": wanted.value, **{k: tuple(v) for k, v in rises.items()}}, save)
    if plot is not None:
        label = f"{wanted.name} ({wanted.unit})" if wanted.unit else wanted.name
        figures.write_axes(
            plot, lambda ax: deferred.device_sweep(wanted.value, rises, label, factor=wanted.factor, ax=ax)
        )
    if as_json:
        unit = kind_of_device_number(wanted.name)
        print_json({"name": wanted.name, "kind": unit, "value": list(wanted.value), "rise": rises, "unit": "K"})
        return
    _print_sweep(found[0].title, wanted, rises)
    for written in (plot, save):
        if written is not None:
            note(f"wrote {written}")


def _print_sweep(title: str, wanted: ParameterSweep, rises: dict[str, list[float]]) -> None:
    """Print a sweep."""
    rows = [
        [f"{value / wanted.factor:.6g}", *(f"{rise[i]:.5g}" for rise in rises.values())]
        for i, value in enumerate(list(wanted.value))
    ]
    head = f"{wanted.name} ({wanted.unit})" if wanted.unit else wanted.name
    print_table(f"{title}: rise above the sink (K)", (head, *rises), rows, text=0)


def report_design(path: str, minimise: str, over: Sequence[str], *, as_json: bool) -> None:
    """The coolest device within ranges of its numbers."""
    if minimise != "hotspot":
        raise InputError(f"--minimise {minimise!r:.40}: expected hotspot")
    device = kapitza.io.read_device(path)
    ranges = dict(_parse_range(text) for text in over)
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
    _print_optimum(device, found, ranges)


def _print_optimum(device: Device, found: Optimum, ranges: dict[str, tuple[float, float]]) -> None:
    """Print the coolest device."""
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


def _parse_range(text: str) -> tuple[str, tuple[float, float]]:
    """Name and range of a number such as buffer.thickness=10:500nm."""
    held = read_sweep(text)
    return held.name, (float(held.value[0]), float(held.value[-1]))


def report_export(
    path: str, *, spice: str | None, comsol: str | None, order: int, ladder: bool, of: str, span: str | None
) -> None:
    """Write a device for other programs."""
    if spice is None and comsol is None:
        raise InputError("nothing to write: expected --spice FILE, --comsol FILE or --moose FOLDER")
    for name in (spice, comsol):
        if name is not None:
            figures.check_folder(name)
    device = kapitza.io.read_device(path)
    if spice is not None:
        first, last = deferred.time_span(device) if span is None else _parse_time_span(span)
        network = deferred.foster_network(device, order, first=first, last=last, of=of)
        kapitza.io.write_spice(network, spice, title=device.title, ladder=ladder)
        power = device.power
        note(
            f"wrote {spice}: {network.resistance.size} cells, within {network.error * power:.2g} K of "
            f"{network.resistance.sum() * power:.5g} K from {first:.3g} to {last:.3g} s at {power:.4g} W"
        )
    if comsol is not None:
        kapitza.io.write_boundaries(device, comsol)
        count = sum(isinstance(one.conductance, kapitza.Conductance) for one in device.stack.boundaries)
        note(f"wrote {comsol}: {len(device.stack.boundaries)} boundaries" + (f", {count} of T" if count else ""))


def _parse_time_span(text: str) -> tuple[float, float]:
    """First and last time of "10ns:10ms", s."""
    parts = text.split(":")
    if len(parts) != 2:
        raise InputError(f"{text!r:.40}: expected two times such as 10ns:10ms")
    first, last = (quantity(part, "time", what="time") for part in parts)
    return first, last
