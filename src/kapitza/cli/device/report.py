"""What the verb device prints and writes: temperatures of layers, of blocks on a grid, and of bodies on a mesh."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import kapitza
from kapitza.cli import output
from kapitza.cli.device import pulses
from kapitza.cli.layer import Option
from kapitza.cli.output import Grid, Note, Part, quantity_json
from kapitza.core.parameter_units import with_error
from kapitza.io.device import format_device_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_METHOD_TITLES = {
    "layers": "solved layer by layer, without a grid",
    "volumes": "solved by finite volumes on a box grid",
    "elements": "solved by finite elements with doubled nodes at boundaries",
}
_REFINED_TITLE = "solved layer by layer, with a grid for what properties of T change within them"
# K: no hot spot of a device is fainter, and none that is hotter stays solid
_MIN_PLAUSIBLE_RISE, _MAX_PLAUSIBLE_RISE = 1e-5, 3000.0
_MAP_SHAPE = (512, 512)
_LAYERS_FIGURE_HEIGHT = 5.6  # inches
_FIELD_FIGURE_SIZE = {"width": 9.5, "height": 5.6}  # inches
_LAYERED_TIMES, _GRID_TIMES = (61, 401), (31, 101)  # times while a device heats up, and of pulses and periods
_FACE_NAMES = ("left", "right", "front", "back", "top", "bottom")
_MAX_CHECKED_UNKNOWNS = 40_000  # of a mesh, above which its error is told only where it is asked for
_BALANCE_ROUNDING = 1e-9  # of the heat, below which its balance is rounding
_MAX_STEPPED_CELLS = 40_000  # cells at most where time is stepped through
_LEFT_OUT = {"sink": "temperatures are told above it", "width": "sources follow it", "depth": "sources follow it"}
_WORTH_MEASURING = 0.9  # of the error, below which a measurement of one boundary must bring it to be worth a note


@dataclass(frozen=True)
class DeviceFiles(output.Results):
    """Files of a device: also a figure against time, and fields for ParaView."""

    others: ClassVar[Mapping[str, Collection[str]]] = {"vtk": (".vtr", ".vtu"), "step": output.FIGURE_SUFFIXES}

    step: Annotated[
        str | None, Option("figure against time: switched on at 0, or as the file states", metavar="FILE")
    ] = None
    vtk: Annotated[str | None, Option("fields for ParaView: .vtr (cells) or .vtu (split cells)", metavar="FILE")] = None


@dataclass(frozen=True, kw_only=True)
class _Report:
    """Temperatures with all that is printed of them, by whichever method they were solved."""

    found: kapitza.device.DeviceTemperatures
    jumps: Mapping[str, kapitza.device.BoundaryJump]
    means: Mapping[str, float] = field(default_factory=dict)  # rise of each region, K
    notes: Sequence[str] = ()
    derived: Mapping[str, Any] = field(default_factory=dict)  # numbers of this method alone, for JSON
    unit: str = "W"  # of heat
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # beside drops: cells by name
    faces: Sequence[Sequence[str]] = ()  # rows of name, mean rise, heat out
    train: pulses.PulseReport = field(default_factory=pulses.PulseReport)
    pulsed: bool = False  # whether the temperatures are those of the mean of pulses
    periodic: bool = False  # whether they are those of sources that are periodic, as if always on
    axes: tuple[str, ...] = ("x", "y", "depth")


def reason(choice: kapitza.io.device.DeviceMethod) -> str:
    """The method and why it is taken, in one line."""
    return f"{_METHOD_TITLES[choice.tier]}: {choice.why}"


def report_device(
    path: str,
    choice: kapitza.io.device.DeviceMethod,
    files: DeviceFiles,
    work: Mapping[str, Any],
    *,
    cells: int,
    tolerance: float | None,
    samples: int,
) -> None:
    """Temperatures of a device file; devices that are drawn are shared and kept as `work` says."""
    solvers = {
        "layers": partial(_solve_layers, samples=samples, work=work, tolerance=tolerance),
        "volumes": partial(_solve_on_grid, cells=cells, tolerance=tolerance),
        "elements": partial(_solve_body, tolerance=tolerance),
    }
    report = solvers[choice.tier](path, files)
    hottest, known = report.found.layer, kapitza.io.device.region_materials(path)
    if hottest in known:
        kapitza.matter.warn_of_state(kapitza.material(known[hottest]), report.found.sink + report.found.peak)

    def printout() -> Iterator[Part]:
        yield from _describe_report(report)
        refined = getattr(report.found, "cells", 0) and choice.tier == "layers"
        yield Note(f"{_REFINED_TITLE}: {choice.why}" if refined else reason(choice))
        if not _MIN_PLAUSIBLE_RISE <= abs(report.found.peak) <= _MAX_PLAUSIBLE_RISE:
            yield Note(
                f"a rise of {report.found.peak:.3g} K looks implausible: is a thickness, a power or a conductance in "
                "another unit?"
            )
        if not kapitza.io.device.names_sink(path):
            sink = f"{report.found.sink:g} K"
            yield Note(f"{path} names no sink: heat leaves at {sink} (sink = '{sink}')")
        yield from map(Note, report.notes)

    files.show(report.found, printout(), _derived_numbers(report, choice))


def _solve_layers(
    path: str, files: DeviceFiles, *, samples: int, work: Mapping[str, Any], tolerance: float | None
) -> _Report:
    stated = kapitza.io.read_device(path)
    device = kapitza.device.with_mean_power(stated)
    found, errors = kapitza.device.refine_until(kapitza.solve(device), tolerance)
    if files.plot is not None or files.save is not None:
        cut = found.section()
        plane = found.plane(kapitza.device.Plane(found.layer, _depth_in_layer(device, found)), _MAP_SHAPE)

        def draw(figure: Figure) -> None:
            kapitza.plot.device.device_figure(found, device, cut, plane, figure)
            figure.suptitle(_title_of_mean(stated), fontsize="medium")

        files.draw_figure(draw, height=_LAYERS_FIGURE_HEIGHT)
        kept: dict[str, Any] = {"device": device, "temperatures": found, "section": cut, "plane": plane}
        if files.save is not None and all(layer.heat_capacity is not None for layer in device.stack.layers):
            kept["step"] = found.respond(_heating_times(device, _LAYERED_TIMES[0]), "step")
        files.keep(kept)
    if files.step is not None:
        layered = kapitza.device.layered
        response = layered.layered_response(stated, *_response_times(stated, stated.sources, _LAYERED_TIMES))
        output.write_axes(files.step, lambda ax: kapitza.plot.device.device_response(response, ax=ax))
    lengths = kapitza.device.boundary_lengths(device.stack, device.sink)
    columns = {"resistance (m²K/GW)": {}, "at (K)": {}, "boundaries rule below": {}}
    for name in found.drop:
        shown = format_device_number("thickness", lengths[name]) if lengths.get(name) else ""
        cells = *_resistance_cells(device, name, found), shown
        columns = {head: column | {name: cell} for (head, column), cell in zip(columns.items(), cells, strict=True)}
    notes: list[str] = []
    derived: dict[str, Any] = {"boundaries_rule_below": quantity_json(lengths, "m")}
    derived |= {"numerical_error": quantity_json(dict(errors), "K"), "remarks": list(device.remarks)}
    if found.cells:
        notes.append(
            f"how properties of T vary within layers comes from a grid of {found.cells} cells: the numerical error is "
            f"about {errors['peak']:.1g} K"
        )
    elif found.property_temperature:
        notes.append(
            f"properties of T at weighted means of the temperatures, {found.iterations} solutions: to first order in "
            f"how much they vary within a layer, which leaves an error of about {errors['peak']:.1g} K"
        )
    pulsed = kapitza.device.is_pulsed(stated)
    of_mean = " of the mean" if pulsed else ""
    ends = kapitza.device.layered.peaks_at_interval_ends(device)
    notes += [
        f"{name} is known to 30 % or worse: at the ends of its 95 % interval the peak{of_mean} is {low:.4g} and "
        f"{high:.4g} K above the sink; the ± is linear, --samples 400 draws all numbers"
        for name, (low, high) in ends.items()
    ]
    worth = kapitza.device.layered.measured_uncertainties(device, found)
    name, left = next(iter(worth.items()), ("", math.inf))
    if found.sigma is not None and left < _WORTH_MEASURING * found.sigma:
        notes.append(
            f"measuring {name.removesuffix('.conductance')} to 20 % would bring the error{of_mean} from "
            f"{found.sigma:.3g} to {left:.3g} K, more than of any other boundary"
        )
    if worth:
        derived["sigma_after_measuring"] = {one: quantity_json(size, "K") for one, size in worth.items()}
    notes += [f"{name} says nothing of its uncertainty: the ± leaves it out" for name in _without_sigma(device)]
    # heat capacities have no part in a steady state
    notes += [
        f"the uncertainty of {name} is left out: {_LEFT_OUT.get(name, 'the other layers have the same ratio of both')}"
        for name, sigma in device.uncertain.items()
        if sigma and name not in found.contribution and not name.endswith(".heat_capacity")
    ]
    notes += device.remarks
    if ends:
        derived["peaks_at_interval_ends"] = {name: quantity_json(list(pair), "K") for name, pair in ends.items()}
    if samples > 1:
        drawn = kapitza.device.layered.sample_peaks(device, samples, **work)
        text, derived["sampled"] = pulses.drawn_interval(drawn.tolist())
        notes.append(f"peak of the mean of {text}" if pulsed else text)
    train = pulses.report_train(stated, samples, work)
    courses, course_numbers = pulses.report_courses(stated, layers=True)
    return _Report(
        found=found, jumps={}, notes=[*notes, *train.notes, *courses],
        derived={**derived, **train.derived, **course_numbers}, columns=columns, train=train, pulsed=pulsed,
        periodic=pulses.is_periodic(stated),
    )  # fmt: skip


def _title_of_mean(stated: kapitza.Device) -> str:
    return f"{stated.title}, mean of the pulses" if kapitza.device.is_pulsed(stated) else stated.title


def _without_sigma(device: kapitza.Device) -> list[str]:
    """Boundaries with a conductance of T, from a file, whose uncertainty neither it nor the device states."""
    held = zip(device.stack.boundary_names, device.stack.boundaries, strict=True)
    return [
        name
        for name, boundary in held
        if isinstance(boundary.conductance, kapitza.Conductance)
        and boundary.conductance.sigma is None
        and f"{name}.conductance" not in device.uncertain
    ]


def _depth_in_layer(device: kapitza.Device, found: kapitza.device.DeviceTemperatures) -> float:
    """Depth of the hottest point below the top face of its layer, m."""
    names = [layer.name for layer in device.stack.layers]
    above = device.stack.layers[: names.index(found.layer)]
    depth = float(found.place[2]) - sum(layer.thickness for layer in above)
    return min(max(depth, 0.0), device.stack.layers[len(above)].thickness)


def _resistance_cells(device: kapitza.Device, name: str, found: kapitza.device.DeviceTemperatures) -> tuple[str, str]:
    """Resistance per area of a layer or boundary, and the temperature at which it was taken."""
    kelvin = found.property_temperature.get(name, device.sink)
    resistances = device.stack.resistances(kelvin)
    if name not in resistances:
        return f"{1e9 / device.coefficient:.4g}" if name == "sink" else "", ""
    value = resistances[name]
    if name in device.laws:
        value *= device.value(f"{name}.conductivity") / float(device.laws[name].at(kelvin)[0])
    return f"{1e9 * value:.4g}", f"{kelvin:.4g}" if name in found.property_temperature else ""


def _heating_times(device: kapitza.Device | kapitza.device.Layout, count: int) -> list[float]:
    first, last = kapitza.device.grid.grid_time_span(device)
    return [first * (last / first) ** (i / (count - 1)) for i in range(count)]


def _response_times(
    device: kapitza.Device | kapitza.device.Layout,
    sources: Sequence[kapitza.device.HeatSource],
    counts: tuple[int, int],
) -> tuple[list[float], kapitza.device.WaveformChoice]:
    """Times that show what the sources do, s: two periods, all counted pulses, or the time to heat up."""
    waveforms = [source.waveform for source in sources]
    ends = [one.period * (one.count or 2) for one in waveforms if isinstance(one, kapitza.device.PulsedPower)]
    ends += [2 / one.frequency for one in waveforms if isinstance(one, kapitza.device.PeriodicPower)]
    if ends:
        return [max(ends) * (i + 1) / counts[1] for i in range(counts[1])], "stated"
    steady = all(isinstance(one, kapitza.device.SteadyPower) for one in waveforms)
    return _heating_times(device, counts[0]), "step" if steady else "stated"


def _error_note(errors: Mapping[str, float]) -> str:
    if "peak" not in errors:
        return (
            "its numerical error is not known: that would take a solution of several times as many; --tolerance does it"
        )
    less = f"(--tolerance '{errors['peak'] / 2:.1g} K' halves it)"
    return f"numerical error of the hottest point estimated at {errors['peak']:.2g} K {less}"


def _solve_on_grid(path: str, files: DeviceFiles, *, cells: int, tolerance: float | None) -> _Report:
    stated = kapitza.io.read_layout(path)
    layout = kapitza.device.layered.layout_with_mean_power(stated)
    stepped = min(cells, _MAX_STEPPED_CELLS)
    solved, errors = kapitza.device.refine_until(kapitza.solve(layout, method="volumes", cells=cells), tolerance)
    fields = solved.with_uncertainty(stepped)
    found, jumps, pulsed = fields.temperatures, fields.jumps, kapitza.device.is_pulsed(stated.device)
    if files.plot is not None or files.save is not None:
        section = fields.section()
        files.draw_figure(
            lambda figure: kapitza.plot.device.field_figure(section, jumps, _title_of_mean(stated.device), figure),
            **_FIELD_FIGURE_SIZE,
        )
        files.keep({"device": layout, "fields": fields, "section": section, "jumps": dict(jumps)})
    if files.vtk is not None:
        kapitza.io.write_vtk(fields, files.vtk)
    if files.step is not None:
        times, waveform = _response_times(stated, stated.device.sources, _GRID_TIMES)
        always_on = kapitza.solve(stated, method="volumes", cells=cells) if pulsed else fields
        response = always_on.respond(times, waveform, cells=stepped)
        output.write_axes(files.step, lambda ax: kapitza.plot.device.device_response(response, ax=ax))
    heat = dict(zip(_FACE_NAMES, fields.heat_out.tolist(), strict=True))
    out = ", ".join(f"{name} {watt:.4g} W" for name, watt in heat.items() if abs(watt) > 1e-9 * found.power)
    nx, ny, nz = fields.grid.shape
    unresolved = kapitza.device.grid.unresolved_uncertainties(layout)
    notes = [
        f"{fields.grid.count} cells ({nx} x {ny} x {nz}); {_error_note(errors)}",
        f"heat leaves through {out}; what enters less what leaves is {_round_residual(fields.imbalance)} of it",
        *(f"the uncertainty of {name} is left out: the grid follows lengths" for name in unresolved),
    ]
    notes += [f"{name} says nothing of its uncertainty: the ± leaves it out" for name in _without_sigma(layout.device)]
    notes += layout.device.remarks
    train = pulses.report_bounds(stated, found.peak, cells)
    courses, course_numbers = pulses.report_courses(stated.device, layers=False)
    notes += [*train.notes, *courses]
    derived = {
        **train.derived, **course_numbers, "numerical_error": quantity_json(dict(errors), "K"),
        "heat_out": quantity_json(heat, "W"), "imbalance": fields.imbalance, "cells": [nx, ny, nz],
        "remarks": list(layout.device.remarks),
    }  # fmt: skip
    return _Report(
        found=found, jumps=jumps, means=fields.means, notes=notes, derived=derived, pulsed=pulsed,
        periodic=pulses.is_periodic(stated.device),
    )  # fmt: skip


def _solve_body(path: str, files: DeviceFiles, *, tolerance: float | None) -> _Report:
    held = kapitza.io.read_body(path)
    solved, errors = kapitza.solve(held.body), {}
    if tolerance is not None or len(solved.temperature) <= _MAX_CHECKED_UNKNOWNS:
        solved, errors = kapitza.device.refine_until(solved, tolerance)
    slopes = solved.sensitivities(tuple(held.uncertain))
    parts = {name: abs(slopes[name]) * share for name, share in held.uncertain.items()}
    section = solved.section(sink=held.sink)
    files.draw_figure(
        lambda figure: kapitza.plot.device.field_figure(section, solved.jumps, held.title, figure), **_FIELD_FIGURE_SIZE
    )
    files.keep({"temperatures": solved, "section": section, "contribution": parts})
    if files.vtk is not None:
        kapitza.io.write_body(solved, files.vtk)
    place, region = solved.hot_spot
    found = kapitza.device.DeviceTemperatures(
        title=held.title, sink=held.sink, peak=solved.peak - held.sink, place=place, layer=region, sensitivity=slopes,
        power=solved.heat_generated - sum(flow for flow in solved.flows.values() if flow < 0), contribution=parts,
    )  # fmt: skip
    mesh, solid = solved.body.mesh, solved.body.mesh.dimension == 3
    kind = "tetrahedra" if solid else "triangles"
    left = _round_residual(solved.imbalance)
    size = f"{len(mesh.cells)} {kind} of order {mesh.order}, {len(solved.temperature)} unknowns"
    unit = "W" if solid else "W/m"
    derived = {
        "numerical_error": quantity_json(dict(errors), "K"),
        "heat_out": quantity_json(dict(solved.flows), unit.replace("/m", " m^-1")), "imbalance": solved.imbalance,
        "unknowns": len(solved.temperature), "remarks": list(held.remarks),
    }  # fmt: skip
    return _Report(
        found=found, jumps=solved.jumps, means={name: kelvin - held.sink for name, kelvin in solved.means.items()},
        notes=[f"{size}; what enters less what leaves is {left} of it", _error_note(errors), *held.remarks],
        derived=derived, unit=unit, axes=("x", "y", "z"),
        faces=[[name, f"{solved.mean(name) - held.sink:.5g}", f"{flow:.4g}"] for name, flow in solved.flows.items()],
    )  # fmt: skip


def _round_residual(part: float) -> str:
    """A part that rounding leaves, which differs from machine to machine."""
    return "less than 1e-9" if abs(part) < _BALANCE_ROUNDING else f"{abs(part):.0e}"


def _derived_numbers(report: _Report, choice: kapitza.io.device.DeviceMethod) -> dict[str, Any]:
    found, unit = report.found, report.unit.replace("/m", " m^-1")
    boundaries = {
        name: {
            "jump": {"unit": "K", "mean": one.mean, "largest": one.largest},
            "heat": quantity_json(one.flow, unit),
            "area": quantity_json(float(one.area.sum()), "m^2" if unit == "W" else "m"),
        }
        for name, one in report.jumps.items()
    }
    return {
        "tier": choice.tier,
        "why": choice.why,
        "sigma": quantity_json(found.sigma, "K"),
        "resistance": quantity_json(found.resistance, "K W^-1" if unit == "W" else "K m W^-1"),
        "share": found.share,
        "boundaries": boundaries,
        "mean": quantity_json(dict(report.means), "K"),
        "drop_definition": "extrapolated",
        **report.derived,
    }


def _describe_report(report: _Report) -> Iterator[Part]:
    found, unit = report.found, report.unit
    kelvin = found.sink + found.peak
    peak = f"{kelvin:.5g}" if found.sigma is None else with_error(kelvin, found.sigma)
    named = zip(report.axes, pulses.place_cells(found.place), strict=False)
    place = ", ".join(f"{cell} deep" if axis == "depth" else f"{axis} = {cell}" for axis, cell in named)
    title = (
        f"{found.title}: {'on average ' if report.pulsed else 'if always on ' if report.periodic else ''}{peak} K in "
        f"{found.layer} at {place}; {found.peak:.6g} K above "
        f"the sink, {found.resistance:.4g} {'K/W' if unit == 'W' else 'K m/W'} for {found.power:.4g} {unit}"
    )
    jumps: list[list[str]] = []
    for name, one in report.jumps.items():  # named so that the heat flows from the first side to the second
        sign = -1 if one.flow < 0 else 1
        label = name if sign > 0 else "|".join(reversed(name.split("|")))
        values = (one.mean, one.largest, one.flow, one.flow / float(one.area.sum()) / 1e6)
        jumps.append([label, *(f"{sign * value:.4g}" for value in values)])
    drops = [
        [name, f"{drop:.4g}", f"{100 * found.share[name]:.1f} %", *(cells[name] for cells in report.columns.values())]
        for name, drop in found.drop.items()
    ]
    tables: list[tuple[str, tuple[str, ...], Sequence[Sequence[str]]]] = [
        ("hottest point in the train of pulses, above the sink", ("", "K", "±"), report.train.rows),
        (
            "mean of the train" if report.train.rows else "",
            ("below the hottest point", "drop (K)", "share", *report.columns),
            drops,
        ),
        (
            "at boundaries, from the warmer side to the other",
            ("boundary", "mean jump (K)", "largest (K)", f"heat through ({unit})", "mean flux (MW/m²)"),
            jumps,
        ),
        ("rise averaged over", ("region", "K"), [[name, f"{rise:.5g}"] for name, rise in report.means.items()]),
        ("rise averaged over", ("patch", "K"), [[name, f"{rise:.6g}"] for name, rise in found.average.items()]),
        ("faces", ("face", "mean rise (K)", f"heat out ({unit})"), report.faces),
    ]
    of_peak = "uncertainty of the hottest temperature" + (" of the mean" if report.pulsed else "")
    parts = {of_peak: found.contribution, "uncertainty of the peak of the train": report.train.contribution}
    for heading, contribution in parts.items():
        variance = math.fsum(part**2 for part in contribution.values()) or 1.0
        causes = sorted(contribution.items(), key=lambda one: -one[1])
        rows = [[name, f"{part:.3g}", f"{100 * part**2 / variance:.0f} %"] for name, part in causes]
        tables.append((heading, ("from", "K", "of the variance"), rows))
    for heading, heads, rows in tables:
        if rows:
            yield Grid("\n\n".join(text for text in (title, heading) if text) if title else f"\n{heading}", heads, rows)
            title = ""
