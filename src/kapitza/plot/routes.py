"""All routes to the conductance of one interface: conductance against temperature, and their spectra."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kapitza.errors import InputError
from kapitza.plot import style
from kapitza.plot.spectra import transmission
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
    ax = style.new_axes(width=7.6) if ax is None else ax
    scale, unit = style.power_unit(np.concatenate([one.conductance.value for one in result.rows]))
    for kind in ("estimate", "model", "limit", "simulation", "experiment"):
        for i, one in enumerate(one for one in result.rows if one.kind == kind):
            _draw_route(ax, one, i, scale)
    style.scale_temperature(ax, np.concatenate([one.conductance.temperature for one in result.rows]))
    shown = [one for one in result.rows if one.kind != "limit"] or list(result.rows)
    ends = [end for one in shown for end in (one.conductance.value, one.low, one.high) if end is not None]
    every = np.concatenate([one.conductance.value for one in result.rows])
    style.scale_values(ax, np.concatenate(ends) / scale, every / scale)
    return style.finish(
        ax, "temperature (K)", f"conductance ({unit} m⁻² K⁻¹)", title=f"{result.left} | {result.right}", legend="beside"
    )


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
    for line, i in zip(below.get_lines(), order, strict=True):  # the looks of both panels are the same
        kind = spectra[i].kind
        number = [one.name for one in result.rows if one.kind == kind].index(spectra[i].name)
        simulated: dict[str, Any] = {"color": _colour(_FIRST_SIMULATION + number), "linestyle": "-"}
        line.set(**(simulated if kind == "simulation" else style.line_style(number)))
    style.legend_beside(below)


def _draw_route(ax: Axes, one: Route, i: int, scale: float) -> None:
    """Draw a route, number i of its kind: a band for an interval, a line, or marks with bars for errors or bounds."""
    known, kelvin, value = one.conductance, one.conductance.temperature, one.conductance.value / scale
    sigma = None if known.sigma is None else known.sigma / scale
    ends = None if one.low is None or one.high is None else (one.low / scale, one.high / scale)
    dash, mark = style.LINE_DASHES[i % len(style.LINE_DASHES)], "_" if kelvin.size == 1 else ""
    colour, label = _colour(i), f"{one.title} ({known.drop})"
    if one.kind == "estimate" and ends is not None and one.ends == INTERVAL:
        style.draw_interval(ax, kelvin, value, ends, f"{one.title}, 95 %")
    elif one.kind == "estimate":
        ax.plot(kelvin, value, color="0.55", linestyle=dash, linewidth=3.0, label=one.title)
    elif one.kind == "limit":
        next_dash = style.LINE_DASHES[(i + 1) % len(style.LINE_DASHES)]
        ax.plot(kelvin, value, color=style.GREY_LEVELS[i % len(style.GREY_LEVELS)], linestyle=next_dash, linewidth=1.2,
                marker=mark, markersize=12, label=label)  # fmt: skip
    elif one.kind == "model" and ends is not None:
        ax.errorbar(kelvin, value, (value - ends[0], ends[1] - value), fmt="s", color=colour, markersize=6, capsize=4,
                    linewidth=1.5, zorder=4, label=f"{label}, bars: bounds")  # fmt: skip
    elif one.kind == "model":
        finite = np.isfinite(value)
        ax.plot(kelvin[finite], value[finite], color=colour, linestyle=dash, linewidth=1.9, marker=mark,
                markersize=14, markeredgewidth=2, label=label)  # fmt: skip
    elif one.kind == "simulation":
        words = known.drop if known.statistics == "quantum" else f"{known.drop}, classical"
        ax.errorbar(kelvin, value, sigma, fmt="D", color=_colour(_FIRST_SIMULATION + i), markeredgecolor="black",
                    markersize=8, capsize=4, linewidth=1.8, zorder=5, label=f"{one.title} ({words})")  # fmt: skip
    else:  # experiments; from the ninth source on they share an entry of the legend
        label = one.title if i < _MAX_EXPERIMENTS else "_" if i > _MAX_EXPERIMENTS else "more sources"
        ax.errorbar(kelvin, value, sigma, fmt=style.point_style(i)["fmt"], color="black",
                    markersize=5, elinewidth=1, capsize=2, zorder=3, label=label)  # fmt: skip


def _colour(number: int) -> str:
    return style.LINE_COLOURS[number % len(style.LINE_COLOURS)]
