"""Colours and layout that all figures share, light and dark."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

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


def axis(theme: Theme, title: str, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """An axis with its title and unit, as "temperature (K)"; `more` are attributes of plotly."""
    base: dict[str, Any] = {
        "title": {"text": title, "standoff": 8, "font": {"size": 14}}, "gridcolor": _GRID[theme], "zeroline": False,
        "linecolor": _SOFT[theme], "showline": True, "ticks": "outside", "tickcolor": _SOFT[theme], "ticklen": 4,
        "automargin": True, "exponentformat": "none", "nticks": 8,
    }  # fmt: skip
    return base | dict(more or {})


def layout(theme: Theme, axes: Mapping[str, Any], more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A layout with axes (`{"xaxis": axis(...), "yaxis": axis(...)}`); `more` are attributes of plotly."""
    base: dict[str, Any] = {
        "font": {"family": _FONT, "size": 13, "color": _INK[theme]},
        "paper_bgcolor": _SHEET[theme], "plot_bgcolor": _SHEET[theme],
        "margin": {"l": 64, "r": 16, "t": 12, "b": 52}, "hovermode": "closest",
        "hoverlabel": {"align": "left", "bgcolor": _SHEET[theme], "bordercolor": _SOFT[theme],
                       "font": {"family": _FONT, "size": 13, "color": _INK[theme]}},
        "legend": {"orientation": "h", "x": 0, "y": -0.2, "xanchor": "left", "yanchor": "top", "font": {"size": 12}},
        "uirevision": "kept",
    }  # fmt: skip
    return base | dict(axes) | dict(more or {})


def figure(data: list[dict[str, Any]], laid_out: Mapping[str, Any]) -> dict[str, Any]:
    """Data and layout with the settings of the toolbar: nothing of plotly's own, no link to elsewhere."""
    config = {
        "displaylogo": False, "responsive": False, "showLink": False, "plotlyServerURL": "",
        "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d", "toImage"],
    }  # fmt: skip
    return {"data": data, "layout": dict(laid_out), "config": config}
