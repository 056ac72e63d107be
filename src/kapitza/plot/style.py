"""One look for all figures: colours that everybody can distinguish, units that fit, legends beside the axes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from kapitza.core.arrays import Array
from kapitza.errors import require
from kapitza.units import nm, um

__all__ = ["LINE_COLOURS", "LINE_DASHES", "legend_beside", "line_style", "new_axes", "new_figure", "short_citation"]

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette, in an order that also differs in lightness; measurements are black, limits grey.
LINE_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F3C8D", "#8C6D31")
LINE_DASHES = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (3, 1)), (0, (2, 2)))
GREY_LEVELS = ("0.35", "0.55", "0.45", "0.65")
POINT_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
MODES_PER_NM2 = nm**-2  # unit of modes per area on an axis
LENGTHS = ((1e-2, "cm"), (1e-3, "mm"), (um, "µm"), (nm, "nm"))
TIMES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_MAX_AXIS_STRETCH = 3.0  # times what an axis is scaled to: higher limits may leave the axes
_MAX_BANDS = 8  # bands of frequency that are drawn
_LOGARITHMIC_SPAN = 25.0  # a quantity that spans more than this factor is drawn on a logarithmic axis


def new_axes(*, width: float = 6.4, height: float = 4.2) -> Axes:
    """Return axes of a figure of their own (inches), in pyplot, so that notebooks show it."""
    pyplot = require("matplotlib.pyplot", extra="plot", why="drawing a figure")
    _, ax = pyplot.subplots(figsize=(width, height), layout="constrained")
    return ax


def new_figure(*, width: float = 7.6, height: float = 4.4) -> Figure:
    """Return a figure outside of pyplot and without a window (inches), for writing to a file."""
    figure = require("matplotlib.figure", extra="plot", why="drawing a figure")
    return figure.Figure(figsize=(width, height), layout="constrained")


def line_style(number: int) -> dict[str, Any]:
    """Colour and dashes of one line of many; they repeat after the eighth."""
    i = number % len(LINE_COLOURS)
    return {"color": LINE_COLOURS[i], "linestyle": LINE_DASHES[i]}


def shaded_bands(count: int) -> list[tuple[int, tuple[float, float, float]]]:
    """At most eight of `count` bands of frequency, evenly spread, each with a colour from blue (low) to red (high)."""
    bands = np.unique(np.linspace(0, count - 1, _MAX_BANDS).round()).astype(int)
    shades = np.linspace(0.05, 0.95, bands.size)
    return [(int(band), (0.9 * shade, 0.45, 0.9 * (1 - shade))) for band, shade in zip(bands, shades, strict=True)]


def legend_beside(ax: Axes, title: str | None = None) -> None:
    """Put the legend to the right of the axes, where it covers nothing."""
    ax.legend(
        loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0, frameon=False, fontsize="small", title=title
    )


def finish(
    ax: Axes, xlabel: str | None = None, ylabel: str | None = None, *, xlim: Any = None, ylim: Any = None,
    title: str | None = None, legend: Literal["beside", "inside", "small"] | None = None, grid: bool = False,
) -> Axes:  # fmt: skip
    """Give axes, whose data are drawn, what they lack: labels, limits, a title, a legend, a grid."""
    wanted: dict[str, Any] = {"xlabel": xlabel, "ylabel": ylabel, "xlim": xlim, "ylim": ylim}
    ax.set(**{name: value for name, value in wanted.items() if value is not None})
    if title is not None:
        ax.set_title(title, fontsize="medium")
    if grid:
        ax.grid(alpha=0.3)
    if legend == "beside":
        legend_beside(ax)
    elif legend is not None:
        ax.legend(frameon=False, fontsize="small" if legend == "small" else None)
    return ax


def legend_inside(ax: Axes) -> None:
    """Put the legend inside of the axes, where several of them share a figure."""
    legend = ax.get_legend()
    if legend is not None:
        handles, labels = ax.get_legend_handles_labels()
        ax.legend(handles, labels, loc="best", frameon=True, framealpha=0.8, edgecolor="none", fontsize="x-small")


def make_logarithmic(ax: Axes, letter: Literal["x", "y"], low: float, high: float) -> None:
    """Make an axis logarithmic from `low` to `high`, with labels that do not run into each other."""
    ticker = require("matplotlib.ticker", extra="plot", why="drawing a figure")
    axis = ax.xaxis if letter == "x" else ax.yaxis
    ax.set(**{f"{letter}scale": "log", f"{letter}lim": (low, high)})
    decades = np.log10(high / low)
    if decades < 4:
        subs = (1, 2, 5) if decades < 1.6 else (1, 3) if decades < 2.6 else (1,)
        axis.set_major_locator(ticker.LogLocator(subs=subs))
        axis.set_major_formatter(ticker.FormatStrFormatter("%g"))
    axis.set_minor_formatter(ticker.NullFormatter())


def cell_borders(middle: Array) -> Array:
    """(n + 1,) borders between values that increase, and as far outside as inside."""
    if middle.size < 2:
        return np.concatenate([middle - 0.5, middle + 0.5])
    between = (middle[:-1] + middle[1:]) / 2
    return np.concatenate([[2 * middle[0] - between[0]], between, [2 * middle[-1] - between[-1]]])


def spans_widely(values: Array) -> bool:
    """Whether positive values ask for a logarithmic axis."""
    positive = values[np.isfinite(values) & (values > 0)]
    return positive.size > 1 and float(positive.max() / positive.min()) > _LOGARITHMIC_SPAN


def point_style(number: int) -> dict[str, Any]:
    """Marker (`fmt`) and colour of one set of points of many; they repeat after the tenth and the eighth."""
    return {"fmt": POINT_MARKERS[number % len(POINT_MARKERS)], "color": LINE_COLOURS[number % len(LINE_COLOURS)]}


def draw_interval(ax: Axes, kelvin: Array, value: Array, ends: tuple[Array, Array], label: str) -> None:
    """Draw an estimate with its interval against temperature: a band with a line, at one temperature a bar."""
    low, high = ends
    if kelvin.size > 1:
        ax.fill_between(kelvin, low, high, color="0.88", linewidth=0, zorder=0, label=label)
        ax.plot(kelvin, value, color="0.55", linewidth=3.5, zorder=1)
        return
    ax.errorbar(
        kelvin, value, (value - low, high - value), fmt="_", color="0.55", ecolor="0.88",
        markersize=22, markeredgewidth=4, elinewidth=14, zorder=0, label=label,
    )  # fmt: skip


def scale_temperature(ax: Axes, kelvin: Array) -> None:
    """Make the axis of temperatures (K) logarithmic where they span much, and give a single one some room."""
    if spans_widely(kelvin):
        make_logarithmic(ax, "x", float(kelvin.min()) / 1.1, float(kelvin.max()) * 1.1)
    elif kelvin.max() < 1.05 * kelvin.min():
        ax.set_xlim(0.95 * float(kelvin.min()), 1.05 * float(kelvin.max()))


def scale_values(ax: Axes, shown: Array, others: Array) -> None:
    """Scale the vertical axis to the values shown, logarithmic where they span much; others stretch it by little."""
    shown, others = (one[np.isfinite(one) & (one > 0)] for one in (shown, others))
    if not shown.size:
        return
    top = max(float(shown.max()), float(others[others < _MAX_AXIS_STRETCH * shown.max()].max(initial=0.0)))
    if spans_widely(shown):
        make_logarithmic(ax, "y", float(shown.min()) / 1.5, 1.5 * top)
    else:
        ax.set_ylim(0, 1.08 * top)


def power_unit(values: Array) -> tuple[float, str]:
    """Multiple of the watt in which values (W m⁻² K⁻¹) are read most easily."""
    finite = values[np.isfinite(values) & (values > 0)]
    top = float(np.median(finite)) if finite.size else 1e6
    for size, unit in ((1e6, "MW"), (1e3, "kW"), (1.0, "W")):
        if top >= 0.5 * size:
            return size, unit
    return 1.0, "W"


def short_citation(citation: str) -> str:
    """Return "Hopkins 2011" for "P. E. Hopkins et al., Phys. Rev. B 84, 125408 (2011)"."""
    first = re.split(r",| and | et al", citation, maxsplit=1)[0].strip()
    years = re.findall(r"\((\d{4})\)", citation)
    return " ".join(part for part in (first.split(" ")[-1] if first else citation, years[-1] if years else "") if part)


def readable_unit(size: float, units: Sequence[tuple[float, str]] = LENGTHS) -> tuple[float, str]:
    """Largest unit of which a quantity in SI is two or more, with its size; the smallest unit if there is none."""
    return next((unit for unit in units if size >= 2 * unit[0]), units[-1])
