"""What the verb device prints and writes for blocks on a grid and for meshes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kapitza
from kapitza.cli import deferred, figures
from kapitza.cli.device.layers import note_implausible_rise
from kapitza.cli.device.method import MethodChoice
from kapitza.cli.output import note, print_json, print_table
from kapitza.io.device.sweeps import format_device_number

if TYPE_CHECKING:
    from kapitza.device.elements.temperatures import BodyTemperatures
    from kapitza.device.grid.temperatures import GridTemperatures
    from kapitza.device.layout import Layout
    from kapitza.device.results import BoundaryJump, DeviceTemperatures
    from kapitza.io.device.bodies import BodyFile

_FIGURE_WIDTH, _FIGURE_HEIGHT = 9.5, 5.6  # of a figure, inches
_FACE_NAMES = ("left", "right", "front", "back", "top", "bottom")
_MIN_COARSE_CELLS = 512  # cells of the coarser grid that tells the error
_BALANCE_ROUNDING = 1e-9  # of the heat, below which its balance is rounding
_MAX_STEPPED_CELLS = 40_000  # cells at most where time is stepped through
_STEP_TIMES = 31
_PULSE_TIMES = 101  # of pulses


def report_layout(
    path: str,
    choice: MethodChoice,
    *,
    cells: int,
    plot: str | None,
    save: str | None,
    vtk: str | None,
    step: str | None,
    as_json: bool,
) -> None:
    """Temperatures of a device file on a box grid."""
    layout = kapitza.io.read_layout(path)
    fields = kapitza.solve(layout, method="volumes", cells=cells).with_uncertainty(min(cells, _MAX_STEPPED_CELLS))
    rough = kapitza.solve(layout, method="volumes", cells=max(cells // 8, _MIN_COARSE_CELLS)).peak
    error = abs(fields.peak - rough) / 3  # of second order in the size of cells, which is halved here
    jumps = fields.jumps
    if plot is not None or save is not None:
        section = fields.section()
        if plot is not None:
            title = layout.device.title
            figures.write_figure(
                plot,
                lambda figure: deferred.field_figure(section, jumps, title, figure),
                width=_FIGURE_WIDTH,
                height=_FIGURE_HEIGHT,
            )
        if save is not None:
            kapitza.save({"device": layout, "fields": fields, "section": section, "jumps": dict(jumps)}, save)
    if vtk is not None:
        kapitza.io.write_vtk(fields, vtk)
    if step is not None:
        rising = _time_response(layout, min(cells, _MAX_STEPPED_CELLS))
        figures.write_axes(step, lambda ax: kapitza.plot.device_response(rising, ax=ax))
    if as_json:
        print_json(_layout_json(fields, jumps, choice, error))
        return
    _print_layout(layout, fields, jumps, choice, error)
    _print_written_files(plot, save, vtk, step)


def report_moose(path: str, folder: str, cells: int) -> None:
    """Write a device file for MOOSE."""
    layout = kapitza.io.read_layout(path)
    if not Path(folder).is_dir():
        figures.check_folder(folder)
    written = kapitza.io.write_moose(layout, folder, cells)
    note(f"wrote {', '.join(str(Path(folder) / one.name) for one in written)}")


def _print_written_files(*paths: str | None) -> None:
    """Say what was written."""
    for path in paths:
        if path is not None:
            note(f"wrote {path}")


def _time_response(layout: Layout, cells: int) -> kapitza.device.TransientTemperatures:
    """What happens in time: switched on at 0, or as the sources go."""
    ends = [
        source.course.period * (source.course.count or 2)
        for source in layout.device.sources
        if isinstance(source.course, kapitza.device.PulsedPower)
    ]
    if ends:
        return deferred.grid_response(layout, [max(ends) * (i + 1) / _PULSE_TIMES for i in range(_PULSE_TIMES)], cells)
    first, last = deferred.grid_time_span(layout)
    times = [first * (last / first) ** (i / (_STEP_TIMES - 1)) for i in range(_STEP_TIMES)]
    steady = all(isinstance(source.course, kapitza.device.SteadyPower) for source in layout.device.sources)
    return deferred.grid_step_response(layout, times, cells) if steady else deferred.grid_response(layout, times, cells)


def _layout_title(found: DeviceTemperatures) -> str:
    """The hottest point in one line."""
    sigma = "" if found.sigma is None else f" ± {found.sigma:.2g}"
    x, y, z = (format_device_number("depth", float(v)) if abs(v) > 1e-15 else "0" for v in found.place)
    return (
        f"{found.title}: {found.sink + found.peak:.5g}{sigma} K in {found.layer} at x = {x}, y = {y}, {z} deep; "
        f"{found.peak:.6g} K above the sink, {found.resistance:.4g} K/W for {found.power:.4g} W"
    )


def _print_layout(
    layout: Layout, fields: GridTemperatures, jumps: Mapping[str, BoundaryJump], choice: MethodChoice, error: float
) -> None:
    """Print temperatures on a grid: the hottest point, shares, boundaries, means, the balance of heat."""
    found = fields.temperatures
    rows = [[name, f"{drop:.4g}", f"{100 * found.share[name]:.1f} %"] for name, drop in found.drop.items()]
    print_table(_layout_title(found), ("below the hottest point", "drop (K)", "share"), rows)
    _print_jumps(jumps, "W")
    means = fields.means
    print_table("\nrise averaged over", ("layer or block", "K"), [[name, f"{k:.5g}"] for name, k in means.items()])
    if found.average:
        rows = [[name, f"{rise:.6g}"] for name, rise in found.average.items()]
        print_table("\nrise averaged over", ("patch", "K"), rows)
    _print_contributions(found.contribution)
    out = ", ".join(
        f"{name} {watt:.4g} W"
        for name, watt in zip(_FACE_NAMES, fields.escaped, strict=True)
        if abs(watt) > 1e-9 * found.power
    )
    nx, ny, nz = fields.grid.shape
    note(choice.reason)
    note_implausible_rise(found.peak)
    note(f"{fields.grid.count} cells ({nx} x {ny} x {nz}); a grid of an eighth of them puts the error at {error:.1g} K")
    note(f"heat leaves through {out}; what enters less what leaves is {_round_residual(fields.imbalance)} of it")
    for name in deferred.unresolved_uncertainties(layout):
        note(f"the uncertainty of {name} is left out: the grid follows lengths")


def _round_residual(part: float) -> str:
    """A part that rounding leaves, which differs from machine to machine."""
    return "less than 1e-9" if abs(part) < _BALANCE_ROUNDING else f"{abs(part):.0e}"


def _print_jumps(jumps: Mapping[str, BoundaryJump], unit: str) -> None:
    """Print what happens at each boundary that resists, named so that the heat flows from the first to the second."""
    rows: list[list[str]] = []
    for name, one in jumps.items():
        sign = -1 if one.flow < 0 else 1
        mean = _mean_jump(one)
        numbers = (mean, _largest_jump(one), one.flow, one.flow / float(one.area.sum()) / 1e6)
        label = name if sign > 0 else "|".join(reversed(name.split("|")))
        rows.append([label, *(f"{sign * value:.4g}" for value in numbers)])
    if rows:
        heads = ("boundary", "mean jump (K)", "largest (K)", f"heat through ({unit})", "mean flux (MW/m²)")
        print_table("\nat boundaries, from the warmer side to the other", heads, rows)


def _largest_jump(one: BoundaryJump) -> float:
    """The jump that is largest in size, K."""
    return float(max(one.jump.tolist(), key=abs))


def _mean_jump(one: BoundaryJump) -> float:
    """The jump averaged over the area, K."""
    return float(one.jump @ one.area / one.area.sum())


def _print_contributions(contribution: Mapping[str, float]) -> None:
    """Print what makes the hottest temperature uncertain."""
    if not contribution:
        return
    order = sorted(contribution, key=lambda name: -contribution[name])
    variance = sum(v**2 for v in contribution.values()) or 1.0
    rows = [[n, f"{contribution[n]:.3g}", f"{100 * contribution[n] ** 2 / variance:.0f} %"] for n in order]
    print_table("\nuncertainty of the hottest temperature", ("from", "K", "of the variance"), rows)


def _jumps_json(jumps: Mapping[str, BoundaryJump], unit: str) -> dict[str, Any]:
    """Boundaries with their units."""
    return {
        name: {
            "jump": {"unit": "K", "mean": _mean_jump(one), "largest": _largest_jump(one)},
            "heat": {"unit": unit, "value": one.flow},
            "area": {"unit": "m^2" if unit == "W" else "m", "value": float(one.area.sum())},
        }
        for name, one in jumps.items()
    }


def _layout_json(
    fields: GridTemperatures, jumps: Mapping[str, BoundaryJump], choice: MethodChoice, error: float
) -> dict[str, Any]:
    """Temperatures on a grid with their units."""
    found = fields.temperatures
    return {
        "title": found.title,
        "tier": choice.tier,
        "why": choice.why,
        "sink": {"unit": "K", "value": found.sink},
        "power": {"unit": "W", "value": found.power},
        "peak": {"unit": "K", "value": found.peak, "sigma": found.sigma, "layer": found.layer, "grid_error": error},
        "place": {"unit": "m", "value": found.place.tolist()},
        "resistance": {"unit": "K W^-1", "value": found.resistance},
        "average": {"unit": "K", "value": dict(found.average)},
        "mean": {"unit": "K", "value": fields.means},
        "drop": {"unit": "K", "value": dict(found.drop)},
        "share": found.share,
        "boundaries": _jumps_json(jumps, "W"),
        "sensitivity": {"unit": "K", "value": dict(found.sensitivity), "meaning": "change of the peak per ln p"},
        "contribution": {"unit": "K", "value": dict(found.contribution)},
        "heat_out": {"unit": "W", "value": dict(zip(_FACE_NAMES, fields.escaped.tolist(), strict=True))},
        "balance": fields.imbalance,
        "cells": list(fields.grid.shape),
        "iterations": found.iterations,
        "drop_definition": "extrapolated",
    }


def report_body(
    path: str, choice: MethodChoice, *, plot: str | None, save: str | None, vtk: str | None, as_json: bool
) -> None:
    """Temperatures of a device file with a mesh."""
    held = kapitza.io.read_body(path)
    found = kapitza.solve(held.body)
    slopes = found.sensitivities(tuple(held.uncertain))
    parts = {name: abs(slopes[name]) * share for name, share in held.uncertain.items()}
    section = found.section(sink=held.sink)
    if plot is not None:
        figures.write_figure(
            plot,
            lambda figure: deferred.field_figure(section, found.jumps, held.title, figure),
            width=_FIGURE_WIDTH,
            height=_FIGURE_HEIGHT,
        )
    if save is not None:
        kapitza.save({"temperatures": found, "section": section, "contribution": parts}, save)
    if vtk is not None:
        kapitza.io.write_body(found, vtk)
    if as_json:
        print_json(_body_json(held, found, parts, choice))
        return
    _print_body(held, found, parts, choice)
    _print_written_files(plot, save, vtk)


def _combined_sigma(parts: Mapping[str, float]) -> float | None:
    """Standard uncertainty from its parts, K."""
    return math.sqrt(sum(v**2 for v in parts.values())) if parts else None


def _entering_heat(found: BodyTemperatures) -> float:
    """Heat that enters a body, W or W/m."""
    return found.entered - sum(flow for flow in found.flows.values() if flow < 0)


def _print_body(held: BodyFile, found: BodyTemperatures, parts: Mapping[str, float], choice: MethodChoice) -> None:
    """Print temperatures of a body."""
    place, region = found.hot_spot
    unit = "W" if held.body.mesh.dimension == 3 else "W/m"
    sigma = _combined_sigma(parts)
    told = ", ".join(
        f"{axis} = {format_device_number('depth', float(v)) if v else '0'}"
        for axis, v in zip("xyz", place, strict=False)
    )
    title = (
        f"{held.title}: {found.peak:.5g}{'' if sigma is None else f' ± {sigma:.2g}'} K in {region} at {told}; "
        f"{found.peak - held.sink:.6g} K above the sink for {_entering_heat(found):.4g} {unit}"
    )
    rows = [[name, f"{kelvin - held.sink:.5g}"] for name, kelvin in found.means.items()]
    print_table(title, ("rise averaged over", "K"), rows)
    _print_jumps(found.jumps, unit)
    rows = [[name, f"{found.mean(name) - held.sink:.5g}", f"{flow:.4g}"] for name, flow in found.flows.items()]
    print_table("\nfaces", ("face", "mean rise (K)", f"heat out ({unit})"), rows)
    _print_contributions(parts)
    mesh = held.body.mesh
    note(choice.reason)
    note_implausible_rise(found.peak - held.sink)
    note(
        f"{len(mesh.cells)} {'tetrahedra' if mesh.dimension == 3 else 'triangles'} of order {mesh.simplex.order}, "
        f"{len(found.temperature)} unknowns; what enters less what leaves is {_round_residual(found.imbalance)} of it"
    )


def _body_json(
    held: BodyFile, found: BodyTemperatures, parts: Mapping[str, float], choice: MethodChoice
) -> dict[str, Any]:
    """Temperatures of a body with their units."""
    place, region = found.hot_spot
    unit = "W" if held.body.mesh.dimension == 3 else "W m^-1"
    return {
        "title": held.title,
        "tier": choice.tier,
        "why": choice.why,
        "sink": {"unit": "K", "value": held.sink},
        "power": {"unit": unit, "value": _entering_heat(found)},
        "peak": {"unit": "K", "value": found.peak - held.sink, "sigma": _combined_sigma(parts), "region": region},
        "place": {"unit": "m", "value": place.tolist()},
        "mean": {"unit": "K", "value": {name: k - held.sink for name, k in found.means.items()}},
        "boundaries": _jumps_json(found.jumps, unit),
        "contribution": {"unit": "K", "value": dict(parts)},
        "heat_out": {"unit": unit, "value": dict(found.flows)},
        "imbalance": found.imbalance,
        "unknowns": len(found.temperature),
        "drop_definition": "extrapolated",
    }
