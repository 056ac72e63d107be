"""All routes to the conductance of one interface: conductance against temperature, and their spectra."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kapitza.errors import InputError
from kapitza.plot.spectra import transmission
from kapitza.plot.style import (
    GREY_LEVELS,
    LINE_COLOURS,
    LINE_DASHES,
    POINT_MARKERS,
    draw_interval,
    legend_beside,
    line_style,
    new_axes,
    power_unit,
    scale_temperature,
    scale_values,
)
from kapitza.routes.result import INTERVAL, Route, Routes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MAX_EXPERIMENTS = 8  # sources with an entry of their own in the legend
_FIRST_SIMULATION = 5  # colour of the first simulation


def routes(result: Routes, ax: Axes | None = None) -> Axes:
    """Draw conductance against temperature by every route.

    A band for the estimate that has learnt from experiment, lines for models (grey ones for limits), marks with errors
    for simulations and for what a model says an experiment sees, black marks for measurements.

    Raises
    ------
    InputError
        where there is no route
    """
    if not result.rows:
        raise InputError(f"nothing to draw for {result.left}|{result.right}: got {len(result.rows)} routes")
    ax = new_axes(width=7.6) if ax is None else ax
    scale, unit = power_unit(np.concatenate([one.conductance.value for one in result.rows]))
    for kind, draw in (("estimate", _draw_estimate), ("model", _draw_model), ("limit", _draw_limit),
                       ("simulation", _draw_simulation), ("experiment", _draw_experiment)):  # fmt: skip
        for i, one in enumerate(one for one in result.rows if one.kind == kind):
            draw(ax, one, i, scale)
    scale_temperature(ax, np.concatenate([one.conductance.temperature for one in result.rows]))
    shown = [one for one in result.rows if one.kind != "limit"] or list(result.rows)
    ends = [end for one in shown for end in (one.conductance.value, one.low, one.high) if end is not None]
    every = np.concatenate([one.conductance.value for one in result.rows])
    scale_values(ax, np.concatenate(ends) / scale, every / scale)
    ax.set(xlabel="temperature (K)", ylabel=f"conductance ({unit} m⁻² K⁻¹)")
    ax.set_title(f"{result.left} | {result.right}", fontsize="medium")
    legend_beside(ax)
    return ax


def routes_figure(result: Routes, figure: Figure) -> None:
    """Conductance of all routes above, and below the spectra of those that have one, with the modes of both sides."""
    spectra = [one for one in result.rows if one.transmission is not None]
    if not spectra:
        routes(result, figure.add_subplot())
        return
    above, below = figure.subplots(2, 1, height_ratios=(1.25, 1.0))
    routes(result, above)
    shown = [one.transmission for one in spectra if one.transmission is not None]
    first = min(range(len(shown)), key=lambda i: (shown[i].left is None, spectra[i].name != "dmm"))
    order = [first, *(i for i in range(len(shown)) if i != first)]
    transmission(*(shown[i] for i in order), labels=[spectra[i].title for i in order], ax=below)
    for line, i in zip(below.get_lines(), order, strict=True):
        line.set(**_line_look(result, spectra[i]))
    legend_beside(below)


def _line_look(result: Routes, route: Route) -> dict[str, Any]:
    """Colour and dashes of a route, the same in both panels."""
    if route.kind == "simulation":
        number = [one.name for one in result.rows if one.kind == "simulation"].index(route.name)
        return {"color": LINE_COLOURS[(_FIRST_SIMULATION + number) % len(LINE_COLOURS)], "linestyle": "-"}
    return line_style([one.name for one in result.rows if one.kind == route.kind].index(route.name))


def _draw_estimate(ax: Axes, one: Route, i: int, scale: float) -> None:
    """A band for an interval, a grey line for the median."""
    kelvin, value = one.conductance.temperature, one.conductance.value / scale
    if one.low is not None and one.high is not None and one.ends == INTERVAL:
        draw_interval(ax, kelvin, value, (one.low / scale, one.high / scale), f"{one.title}, 95 %")
        return
    ax.plot(kelvin, value, color="0.55", linestyle=LINE_DASHES[i % len(LINE_DASHES)], linewidth=3.0, label=one.title)


def _draw_model(ax: Axes, one: Route, i: int, scale: float) -> None:
    """A line, or marks with bars where the ends are bounds."""
    kelvin, value = one.conductance.temperature, one.conductance.value / scale
    colour, label = LINE_COLOURS[i % len(LINE_COLOURS)], f"{one.title} ({one.conductance.drop})"
    if one.low is not None and one.high is not None:
        ends = (value - one.low / scale, one.high / scale - value)
        ax.errorbar(kelvin, value, ends, fmt="s", color=colour, markersize=6, capsize=4, linewidth=1.5, zorder=4,
                    label=f"{label}, bars: bounds")  # fmt: skip
        return
    finite = np.isfinite(value)
    ax.plot(kelvin[finite], value[finite], color=colour, linestyle=LINE_DASHES[i % len(LINE_DASHES)], linewidth=1.9,
            marker="_" if kelvin.size == 1 else "", markersize=14, markeredgewidth=2, label=label)  # fmt: skip


def _draw_limit(ax: Axes, one: Route, i: int, scale: float) -> None:
    """A thin grey line."""
    kelvin, value = one.conductance.temperature, one.conductance.value / scale
    ax.plot(kelvin, value, color=GREY_LEVELS[i % len(GREY_LEVELS)], linestyle=LINE_DASHES[(i + 1) % len(LINE_DASHES)],
            linewidth=1.2, marker="_" if kelvin.size == 1 else "", markersize=12,
            label=f"{one.title} ({one.conductance.drop})")  # fmt: skip


def _draw_simulation(ax: Axes, one: Route, i: int, scale: float) -> None:
    """Marks with errors."""
    known = one.conductance
    sigma = None if known.sigma is None else known.sigma / scale
    words = known.drop if known.statistics == "quantum" else f"{known.drop}, classical"
    colour = LINE_COLOURS[(_FIRST_SIMULATION + i) % len(LINE_COLOURS)]
    ax.errorbar(known.temperature, known.value / scale, sigma, fmt="D", color=colour,
                markeredgecolor="black", markersize=8, capsize=4, linewidth=1.8, zorder=5,
                label=f"{one.title} ({words})")  # fmt: skip


def _draw_experiment(ax: Axes, one: Route, i: int, scale: float) -> None:
    """Black marks with errors; from the ninth source on they share an entry of the legend."""
    known = one.conductance
    sigma = None if known.sigma is None else known.sigma / scale
    label = one.title if i < _MAX_EXPERIMENTS else "_" if i > _MAX_EXPERIMENTS else "more sources"
    ax.errorbar(known.temperature, known.value / scale, sigma, fmt=POINT_MARKERS[i % len(POINT_MARKERS)], color="black",
                markersize=5, elinewidth=1, capsize=2, zorder=3, label=label)  # fmt: skip
