"""What the verb device prints and writes for blocks on a grid and for meshes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kapitza
from kapitza.cli import figures
from kapitza.cli.device_reports import note_rise
from kapitza.cli.device_tiers import Choice
from kapitza.cli.output import note, print_json, print_table
from kapitza.io.device_numbers import shown_number

if TYPE_CHECKING:
    from kapitza.device.blocks import Layout
    from kapitza.device.elements_solve import BodyTemperatures, BoundaryJump
    from kapitza.device.result import DeviceTemperatures
    from kapitza.device.volumes_solve import Fields
    from kapitza.io.device_mesh import BodyFile

WIDTH, HEIGHT = 9.5, 5.6  # of a figure, inches
SIDES = ("left", "right", "front", "back", "top", "bottom")
FEWEST = 512  # cells of the coarser grid that tells the error
ROUNDED = 1e-9  # of the heat, below which its balance is rounding
STEPPED = 40_000  # cells at most where time is stepped through
TIMES = 31
MOMENTS = 101  # of pulses


def report_layout(
    path: str,
    choice: Choice,
    *,
    cells: int,
    plot: str | None,
    save: str | None,
    vtk: str | None,
    step: str | None,
    as_json: bool,
) -> None:
    """Temperatures of a device file on a box grid."""
    layout = kapitza.read_layout(path)
    fields = kapitza.uncertain_field(layout, kapitza.solve_fields(layout, cells), min(cells, STEPPED))
    rough = kapitza.solve_fields(layout, max(cells // 8, FEWEST)).temperatures.peak
    error = abs(fields.temperatures.peak - rough) / 3  # of second order in the size of cells, which is halved here
    jumps = kapitza.field_jumps(layout, fields)
    if plot is not None or save is not None:
        section = kapitza.field_section(layout, fields)
        if plot is not None:
            title = layout.device.title
            figures.write_figure(
                plot,
                lambda figure: kapitza.plot.field_figure(section, jumps, title, figure),
                width=WIDTH,
                height=HEIGHT,
            )
        if save is not None:
            kapitza.save({"device": layout, "fields": fields, "section": section, "jumps": dict(jumps)}, save)
    if vtk is not None:
        kapitza.write_fields(layout, fields, vtk)
    if step is not None:
        rising = stepped(layout, min(cells, STEPPED))
        figures.write(step, lambda ax: kapitza.plot.device_response(rising, ax=ax))
    if as_json:
        print_json(layout_json(fields, jumps, choice, error))
        return
    print_layout(layout, fields, jumps, choice, error)
    told_written(plot, save, vtk, step)


def report_moose(path: str, folder: str, cells: int) -> None:
    """Write a device file for MOOSE."""
    layout = kapitza.read_layout(path)
    if not Path(folder).is_dir():
        figures.check_folder(folder)
    written = kapitza.write_moose(layout, folder, cells)
    note(f"wrote {', '.join(str(Path(folder) / one.name) for one in written)}")


def told_written(*paths: str | None) -> None:
    """Say what was written."""
    for path in paths:
        if path is not None:
            note(f"wrote {path}")


def stepped(layout: Layout, cells: int) -> kapitza.Response:
    """What happens in time: switched on at 0, or as the sources go."""
    ends = [
        source.course.period * (source.course.count or 2)
        for source in layout.device.sources
        if isinstance(source.course, kapitza.Pulses)
    ]
    if ends:
        return kapitza.field_response(layout, [max(ends) * (i + 1) / MOMENTS for i in range(MOMENTS)], cells)
    first, last = kapitza.field_span(layout)
    times = [first * (last / first) ** (i / (TIMES - 1)) for i in range(TIMES)]
    steady = all(isinstance(source.course, kapitza.Steady) for source in layout.device.sources)
    return kapitza.field_step(layout, times, cells) if steady else kapitza.field_response(layout, times, cells)


def title_of(found: DeviceTemperatures) -> str:
    """The hottest point in one line."""
    sigma = "" if found.sigma is None else f" ± {found.sigma:.2g}"
    x, y, z = (shown_number("depth", float(v)) if abs(v) > 1e-15 else "0" for v in found.place)
    return (
        f"{found.title}: {found.sink + found.peak:.5g}{sigma} K in {found.layer} at x = {x}, y = {y}, {z} deep; "
        f"{found.peak:.6g} K above the sink, {found.resistance:.4g} K/W for {found.power:.4g} W"
    )


def print_layout(
    layout: Layout, fields: Fields, jumps: Mapping[str, BoundaryJump], choice: Choice, error: float
) -> None:
    """Print temperatures on a grid: the hottest point, shares, boundaries, means, the balance of heat."""
    found = fields.temperatures
    rows = [[name, f"{drop:.4g}", f"{100 * found.share[name]:.1f} %"] for name, drop in found.drop.items()]
    print_table(title_of(found), ("below the hottest point", "drop (K)", "share"), rows)
    print_jumps(jumps, "W")
    means = kapitza.region_means(fields)
    print_table("\nrise averaged over", ("layer or block", "K"), [[name, f"{k:.5g}"] for name, k in means.items()])
    if found.average:
        rows = [[name, f"{rise:.6g}"] for name, rise in found.average.items()]
        print_table("\nrise averaged over", ("patch", "K"), rows)
    print_contributions(found.contribution)
    out = ", ".join(
        f"{name} {watt:.4g} W"
        for name, watt in zip(SIDES, fields.escaped, strict=True)
        if abs(watt) > 1e-9 * found.power
    )
    nx, ny, nz = fields.grid.shape
    note(choice.told)
    note_rise(found.peak)
    note(f"{fields.grid.count} cells ({nx} x {ny} x {nz}); a grid of an eighth of them puts the error at {error:.1g} K")
    note(f"heat leaves through {out}; what enters less what leaves is {small(fields.balance)} of it")
    for name in kapitza.left_out(layout):
        note(f"the uncertainty of {name} is left out: the grid follows lengths")


def small(part: float) -> str:
    """A part that rounding leaves, which differs from machine to machine."""
    return "less than 1e-9" if abs(part) < ROUNDED else f"{abs(part):.0e}"


def print_jumps(jumps: Mapping[str, BoundaryJump], unit: str) -> None:
    """Print what happens at each boundary that resists, named so that the heat flows from the first to the second."""
    rows: list[list[str]] = []
    for name, one in jumps.items():
        sign = -1 if one.flow < 0 else 1
        mean = mean_jump(one)
        numbers = (mean, largest(one), one.flow, one.flow / float(one.area.sum()) / 1e6)
        label = name if sign > 0 else "|".join(reversed(name.split("|")))
        rows.append([label, *(f"{sign * value:.4g}" for value in numbers)])
    if rows:
        heads = ("boundary", "mean jump (K)", "largest (K)", f"heat through ({unit})", "mean flux (MW/m²)")
        print_table("\nat boundaries, from the warmer side to the other", heads, rows)


def largest(one: BoundaryJump) -> float:
    """The jump that is largest in size, K."""
    return float(max(one.jump.tolist(), key=abs))


def mean_jump(one: BoundaryJump) -> float:
    """The jump averaged over the area, K."""
    return float(one.jump @ one.area / one.area.sum())


def print_contributions(contribution: Mapping[str, float]) -> None:
    """Print what makes the hottest temperature uncertain."""
    if not contribution:
        return
    order = sorted(contribution, key=lambda name: -contribution[name])
    variance = sum(v**2 for v in contribution.values()) or 1.0
    rows = [[n, f"{contribution[n]:.3g}", f"{100 * contribution[n] ** 2 / variance:.0f} %"] for n in order]
    print_table("\nuncertainty of the hottest temperature", ("from", "K", "of the variance"), rows)


def jumps_json(jumps: Mapping[str, BoundaryJump], unit: str) -> dict[str, Any]:
    """Boundaries with their units."""
    return {
        name: {
            "jump": {"unit": "K", "mean": mean_jump(one), "largest": largest(one)},
            "heat": {"unit": unit, "value": one.flow},
            "area": {"unit": "m^2" if unit == "W" else "m", "value": float(one.area.sum())},
        }
        for name, one in jumps.items()
    }


def layout_json(fields: Fields, jumps: Mapping[str, BoundaryJump], choice: Choice, error: float) -> dict[str, Any]:
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
        "mean": {"unit": "K", "value": kapitza.region_means(fields)},
        "drop": {"unit": "K", "value": dict(found.drop)},
        "share": found.share,
        "boundaries": jumps_json(jumps, "W"),
        "sensitivity": {"unit": "K", "value": dict(found.sensitivity), "meaning": "change of the peak per ln p"},
        "contribution": {"unit": "K", "value": dict(found.contribution)},
        "heat_out": {"unit": "W", "value": dict(zip(SIDES, fields.escaped.tolist(), strict=True))},
        "balance": fields.balance,
        "cells": list(fields.grid.shape),
        "iterations": found.iterations,
        "drop_definition": "extrapolated",
    }


def report_body(
    path: str, choice: Choice, *, plot: str | None, save: str | None, vtk: str | None, as_json: bool
) -> None:
    """Temperatures of a device file with a mesh."""
    held = kapitza.read_body(path)
    found = kapitza.body_temperatures(held.body)
    slopes = kapitza.body_sensitivities(found, tuple(held.uncertain))
    parts = {name: abs(slopes[name]) * share for name, share in held.uncertain.items()}
    section = kapitza.body_section(found, held.sink)
    if plot is not None:
        figures.write_figure(
            plot,
            lambda figure: kapitza.plot.field_figure(section, found.jumps, held.title, figure),
            width=WIDTH,
            height=HEIGHT,
        )
    if save is not None:
        kapitza.save({"temperatures": found, "section": section, "contribution": parts}, save)
    if vtk is not None:
        kapitza.write_body(found, vtk)
    if as_json:
        print_json(body_json(held, found, parts, choice))
        return
    print_body(held, found, parts, choice)
    told_written(plot, save, vtk)


def sigma_of(parts: Mapping[str, float]) -> float | None:
    """Standard uncertainty from its parts, K."""
    return math.sqrt(sum(v**2 for v in parts.values())) if parts else None


def entering(found: BodyTemperatures) -> float:
    """Heat that enters a body, W or W/m."""
    return found.entered - sum(flow for flow in found.flows.values() if flow < 0)


def print_body(held: BodyFile, found: BodyTemperatures, parts: Mapping[str, float], choice: Choice) -> None:
    """Print temperatures of a body."""
    place, region = kapitza.body_hottest(found)
    unit = "W" if held.body.mesh.dimension == 3 else "W/m"
    sigma = sigma_of(parts)
    told = ", ".join(
        f"{axis} = {shown_number('depth', float(v)) if v else '0'}" for axis, v in zip("xyz", place, strict=False)
    )
    title = (
        f"{held.title}: {found.peak:.5g}{'' if sigma is None else f' ± {sigma:.2g}'} K in {region} at {told}; "
        f"{found.peak - held.sink:.6g} K above the sink for {entering(found):.4g} {unit}"
    )
    rows = [[name, f"{kelvin - held.sink:.5g}"] for name, kelvin in kapitza.body_means(found).items()]
    print_table(title, ("rise averaged over", "K"), rows)
    print_jumps(found.jumps, unit)
    rows = [[name, f"{found.mean(name) - held.sink:.5g}", f"{flow:.4g}"] for name, flow in found.flows.items()]
    print_table("\nfaces", ("face", "mean rise (K)", f"heat out ({unit})"), rows)
    print_contributions(parts)
    mesh = held.body.mesh
    note(choice.told)
    note_rise(found.peak - held.sink)
    note(
        f"{len(mesh.cells)} {'tetrahedra' if mesh.dimension == 3 else 'triangles'} of order {mesh.simplex.order}, "
        f"{len(found.temperature)} unknowns; what enters less what leaves is {small(found.imbalance)} of it"
    )


def body_json(held: BodyFile, found: BodyTemperatures, parts: Mapping[str, float], choice: Choice) -> dict[str, Any]:
    """Temperatures of a body with their units."""
    place, region = kapitza.body_hottest(found)
    unit = "W" if held.body.mesh.dimension == 3 else "W m^-1"
    return {
        "title": held.title,
        "tier": choice.tier,
        "why": choice.why,
        "sink": {"unit": "K", "value": held.sink},
        "power": {"unit": unit, "value": entering(found)},
        "peak": {"unit": "K", "value": found.peak - held.sink, "sigma": sigma_of(parts), "region": region},
        "place": {"unit": "m", "value": place.tolist()},
        "mean": {"unit": "K", "value": {name: k - held.sink for name, k in kapitza.body_means(found).items()}},
        "boundaries": jumps_json(found.jumps, unit),
        "contribution": {"unit": "K", "value": dict(parts)},
        "heat_out": {"unit": unit, "value": dict(found.flows)},
        "imbalance": found.imbalance,
        "unknowns": len(found.temperature),
        "drop_definition": "extrapolated",
    }
