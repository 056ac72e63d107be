"""Colours, traces, axes and layout that all figures share, light and dark, with no more digits than a screen shows."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from kapitza.core.arrays import Array
from kapitza.web.session import Theme

# of Okabe and Ito, told apart by all eyes; in the dark the lighter ones of the same hues
_COLORS = MappingProxyType(
    {
        "light": ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9", "#5d3a9b", "#6b6b6b"),
        "dark": ("#56b4e9", "#ff9e57", "#3ddbab", "#e6a3c8", "#f0e442", "#a7d8f5", "#b79cf0", "#b5b5b5"),
    }
)
_INK = MappingProxyType({"light": "#1b2733", "dark": "#e4eaf0"})
_SOFT = MappingProxyType({"light": "#51606f", "dark": "#a3b1be"})
_GRID = MappingProxyType({"light": "#e6ebef", "dark": "#2a3540"})
_SHEET = MappingProxyType({"light": "#ffffff", "dark": "#1a222a"})
_FONT = 'system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif'
_HEAT = ("#000004", "#1b0c41", "#4a0c6b", "#781c6d", "#a52c60", "#cf4446", "#ed6925", "#fb9b06", "#f7d13d", "#fcffa4")
HEAT_SCALE = tuple((i / 9, shade) for i, shade in enumerate(_HEAT))  # of temperatures, even in lightness
UPPER, LOWER = (0.31, 1.0), (0.0, 0.24)  # parts of the height that data and residuals have
MAX_MAP_PIXELS = 65_536  # of a map that is drawn: 256 x 256
_MANY_DECADES = 5e3  # span of an axis from which on ticks stand at decades only
_DIGITS = 5  # of numbers that are sent to the browser


def color(theme: Theme, number: int) -> str:
    """Colour of a series, by its number from 0."""
    found = _COLORS[theme]
    return found[number % len(found)]


def ink(theme: Theme) -> str:
    """Colour of texts."""
    return _INK[theme]


def soft(theme: Theme) -> str:
    """Colour of what is less important."""
    return _SOFT[theme]


def faint(theme: Theme, number: int, opacity: float = 0.18) -> str:
    """Colour of a series as a band behind its line."""
    code = color(theme, number)
    red, green, blue = (int(code[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def trace(
    x: Any, y: Any, mode: str, name: str = "", hover: str = "", more: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Points or a line; without a name it is not in the legend, without `hover` the mouse does not find it."""
    named = {"name": name} if name else {"showlegend": False}
    shown = {"hovertemplate": hover if "<extra>" in hover else f"{hover}<extra></extra>"} if hover else {}
    shown = shown or {"hoverinfo": "skip"}
    return {"x": round_numbers(x), "y": round_numbers(y), "mode": mode} | named | shown | dict(more or {})


def error_bars(theme: Theme, sigma: Array | None) -> dict[str, Any]:
    """Bars of one standard uncertainty; nothing where it is unknown."""
    return {} if sigma is None else {"array": round_numbers(sigma), "color": soft(theme), "thickness": 1, "width": 0}


def upright(place: float, shade: str, width: float = 1, dash: str = "dash") -> dict[str, Any]:
    """A line through the whole height."""
    line = {"color": shade, "width": width, "dash": dash}
    return {"type": "line", "x0": place, "x1": place, "y0": 0, "y1": 1, "yref": "paper", "line": line}


def colorbar(title: str, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A bar of colours with its title and unit along it."""
    return {"title": {"text": title, "side": "right"}, "thickness": 14, "outlinewidth": 0} | dict(more or {})


def axis(theme: Theme, title: str, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """An axis with its title and unit, as "temperature (K)"; `more` are attributes of plotly."""
    base: dict[str, Any] = {
        "title": {"text": title, "standoff": 8, "font": {"size": 14}}, "gridcolor": _GRID[theme], "zeroline": False,
        "linecolor": _SOFT[theme], "showline": True, "ticks": "outside", "tickcolor": _SOFT[theme], "ticklen": 4,
        "automargin": True, "exponentformat": "none", "nticks": 8,
    }  # fmt: skip
    return base | dict(more or {})


def residual_axis(theme: Theme, score: Array, least: float) -> dict[str, Any]:
    """The axis of residuals in standard uncertainties, below the data, to both sides of zero by `least` or more."""
    widest = max(least, 1.1 * float(np.abs(score).max(initial=0.0)))
    more = {"domain": LOWER, "range": [-widest, widest], "zeroline": True, "zerolinecolor": _SOFT[theme]}
    return axis(theme, "residual (σ)", more)


def name_axis(theme: Theme) -> dict[str, Any]:
    """A vertical axis of names, the first on top."""
    return axis(theme, "", {"autorange": "reversed", "showgrid": False, "ticks": ""})


def figure(
    theme: Theme, data: list[dict[str, Any]], axes: Mapping[str, Any], more: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Traces with axes (`{"xaxis": axis(...), "yaxis": axis(...)}`); `more` are attributes of plotly's layout.

    The toolbar has nothing of plotly's own, and no link to elsewhere.
    """
    layout: dict[str, Any] = {
        "font": {"family": _FONT, "size": 13, "color": _INK[theme]},
        "paper_bgcolor": _SHEET[theme], "plot_bgcolor": _SHEET[theme],
        "margin": {"l": 64, "r": 16, "t": 12, "b": 52}, "hovermode": "closest",
        "hoverlabel": {"align": "left", "bgcolor": _SHEET[theme], "bordercolor": _SOFT[theme],
                       "font": {"family": _FONT, "size": 13, "color": _INK[theme]}},
        "legend": {"orientation": "h", "x": 0, "y": -0.2, "xanchor": "left", "yanchor": "top", "font": {"size": 12}},
        "uirevision": "kept",
    }  # fmt: skip
    config = {
        "displaylogo": False, "responsive": False, "showLink": False, "plotlyServerURL": "",
        "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d", "toImage"],
    }  # fmt: skip
    return {"data": data, "layout": layout | dict(axes) | dict(more or {}), "config": config}


def round_numbers(values: Any) -> list[Any]:
    """Numbers with the digits that a figure shows, None for what is not finite, in lists of the same shape."""
    array = np.asarray(values, dtype=float)
    finite = np.isfinite(array)
    safe = np.where(finite & (array != 0), np.abs(array), 1.0)
    size = 10.0 ** (_DIGITS - 1 - np.floor(np.log10(safe)))
    found = (np.round(np.where(finite, array, 0.0) * size) / size).astype(object)
    found[~finite] = None
    return found.tolist()


def coarse_map(axes: tuple[Array, Array], values: Array, most: int = MAX_MAP_PIXELS) -> tuple[Array, Array, Array]:
    """Axes (y, x) and means of a map over blocks of pixels, so many blocks at most; NaN counts in no mean.

    Blocks at the far edges may be smaller.
    """
    step = int(np.ceil(np.sqrt(values.size / most))) if values.size > most else 1
    if step == 1:
        return *axes, values
    finite = np.isfinite(values)
    starts = [np.arange(0, size, step) for size in values.shape]
    total, count = (
        np.add.reduceat(np.add.reduceat(array, starts[0], axis=0), starts[1], axis=1)
        for array in (np.where(finite, values, 0.0), finite.astype(float))
    )
    y, x = (np.array([axis[i : i + step].mean() for i in first]) for axis, first in zip(axes, starts, strict=True))
    return y, x, np.where(count > 0, total / np.maximum(count, 1.0), np.nan)


def decade_ticks(low: float, high: float) -> dict[str, Any]:
    """Ticks of a logarithmic axis, written out: at 1, 2 and 5 of each decade, of many decades at 1."""
    steps = (1, 2, 5) if high < _MANY_DECADES * low else (1,)
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    found = [one * 10.0**power for power in powers for one in steps if low <= one * 10.0**power <= high]
    return {"type": "log", "tickvals": found, "ticktext": [f"{one:g}" for one in found]}
