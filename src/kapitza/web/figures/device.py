"""Figures of the view Device: temperature along depth, section, shares, and what a conductance is worth."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from kapitza.core.arrays import Array
from kapitza.core.parameter_units import format_parameter, shown_unit
from kapitza.web.figures.numbers import HEAT_SCALE, decade_ticks, round_numbers
from kapitza.web.figures.style import axis, color, faint, figure, ink, layout, soft
from kapitza.web.models.device import SolvedDevice
from kapitza.web.session import Theme

_MIN_LAYER_HEIGHT = 0.6  # of a layer, however thin, in those that ten times the thickness adds
_MOST_BARS = 14  # numbers of a bar chart at most


def length_label(size: float) -> tuple[float, str]:
    """Multiple of the metre in which a length is read most easily, and its unit."""
    for factor, unit in ((1e-2, "cm"), (1e-3, "mm"), (1e-6, "µm")):
        if size >= 2 * factor:
            return factor, unit
    return (1e-6, "µm") if size >= 1e-6 else (1e-9, "nm")


def depth_text(depth: float) -> str:
    """A depth with its unit."""
    factor, unit = length_label(depth)
    return f"{depth / factor:.4g} {unit}" if depth else "0"


def layer_slices(depths: Array) -> list[tuple[int, int]]:
    """First index and end of each layer in depths that stand twice at boundaries."""
    cuts = [0, *(np.flatnonzero(np.diff(depths) == 0) + 1).tolist(), depths.size]
    return [(a, b) for a, b in pairwise(cuts) if b - a > 1]


def drawn_depths(depths: Array) -> tuple[Array, Array, Array]:
    """Places 0 to 1 at which depths are drawn, each layer on a scale of its own; depths of faces, m, and their places.

    The height of a layer goes with the logarithm of its thickness, since layers differ by orders of magnitude.
    """
    slices = layer_slices(depths)
    edges = np.array([depths[0], *(depths[stop - 1] for _, stop in slices)])
    thick = np.diff(edges)
    shares = _MIN_LAYER_HEIGHT + np.log10(1 + thick / thick.min())
    heights = np.concatenate([[0.0], np.cumsum(shares / shares.sum())])
    places = np.empty(depths.size)
    for i, (start, stop) in enumerate(slices):
        places[start:stop] = np.interp(depths[start:stop], edges[i : i + 2], heights[i : i + 2])
    return places, edges, heights


def depth_figure(theme: Theme, solved: SolvedDevice, before: SolvedDevice | None = None) -> dict[str, Any]:
    """Temperature below the hottest point against depth; `before` a number was moved in grey."""
    depth, kelvin = solved.depth_profile
    places, edges, heights = drawn_depths(depth)
    names = [layer.name for layer in solved.device.stack.layers]
    data: list[dict[str, Any]] = []
    if before is not None:
        old_depth, old = before.depth_profile
        old_places = drawn_depths(old_depth)[0]
        data.append(
            {
                "x": round_numbers(old_places), "y": round_numbers(old), "mode": "lines", "name": "as the file says",
                "line": {"color": soft(theme), "width": 1.5, "dash": "dot"}, "hoverinfo": "skip",
            }
        )  # fmt: skip
    owner = np.concatenate(
        [[name] * (stop - start) for name, (start, stop) in zip(names, layer_slices(depth), strict=False)]
    )
    data.append(
        {
            "x": round_numbers(places), "y": round_numbers(kelvin), "mode": "lines", "name": "temperature",
            "line": {"color": color(theme, 1), "width": 2.5},
            "customdata": [[name, depth_text(d)] for name, d in zip(owner, depth.tolist(), strict=True)],
            "hovertemplate": "%{customdata[0]}, %{customdata[1]} deep<br>%{y:.5g} K<extra></extra>",
        }
    )  # fmt: skip
    ticks = {"tickvals": round_numbers(heights), "ticktext": [depth_text(d) for d in edges.tolist()], "range": [0, 1]}
    lines = [_upright(theme, place) for place in heights[1:-1].tolist()]
    marks = [_layer_mark(theme, name, float(a + b) / 2) for name, (a, b) in zip(names, pairwise(heights), strict=False)]
    axes = {
        "xaxis": axis(theme, "depth, each layer on a scale of its own", {**ticks, "showgrid": False}),
        "yaxis": axis(theme, "temperature (K)"),
    }
    more = {"shapes": lines, "annotations": marks, "showlegend": before is not None, "margin": {"t": 34, "r": 40}}
    return figure(data, layout(theme, axes, more))


def _upright(theme: Theme, place: float) -> dict[str, Any]:
    """A line through the whole height where a boundary is."""
    return {
        "type": "line", "x0": place, "x1": place, "y0": 0, "y1": 1, "yref": "paper", "layer": "below",
        "line": {"color": soft(theme), "width": 1, "dash": "dash"},
    }  # fmt: skip


def _layer_mark(theme: Theme, name: str, place: float) -> dict[str, Any]:
    return {
        "x": place, "y": 1.0, "yref": "paper", "yanchor": "bottom", "text": name, "showarrow": False,
        "font": {"color": soft(theme), "size": 13},
    }  # fmt: skip


def section_figure(theme: Theme, solved: SolvedDevice) -> dict[str, Any]:
    """Temperatures along x and down through all layers, each drawn at a height that goes with its thickness."""
    field = solved.section
    places, edges, heights = drawn_depths(field.y)
    factor, unit = length_label(float(np.ptp(field.x)))
    x = field.x / factor
    top = float(field.value.max())
    data: list[dict[str, Any]] = []
    for start, stop in layer_slices(field.y):
        rows = [depth_text(d) for d in field.y[start:stop].tolist()]
        data.append(
            {
                "type": "heatmap", "x": round_numbers(x), "y": round_numbers(places[start:stop]),
                "z": round_numbers(field.value[:, start:stop].T), "zsmooth": "best", "coloraxis": "coloraxis",
                "customdata": [[row] * x.size for row in rows],
                "hovertemplate": f"x = %{{x:.4g}} {unit}, %{{customdata}} deep<br>%{{z:.4g}} K<extra></extra>",
            }
        )  # fmt: skip
    lines = [
        {"type": "line", "x0": 0, "x1": 1, "xref": "paper", "y0": y, "y1": y, "line": {"color": "#ffffff", "width": 1}}
        for y in heights[1:-1].tolist()
    ]
    names = [layer.name for layer in solved.device.stack.layers]
    marks = [
        {
            "x": 0.99, "xref": "paper", "xanchor": "right", "y": float(a + b) / 2, "text": name, "showarrow": False,
            "font": {"color": "#ffffff", "size": 13}, "bgcolor": "rgba(0,0,0,0.45)",
        }
        for name, (a, b) in zip(names, pairwise(heights), strict=False)
    ]  # fmt: skip
    ticks = {"tickvals": round_numbers(heights), "ticktext": [depth_text(d) for d in edges.tolist()], "range": [1, 0]}
    axes = {
        "xaxis": axis(theme, f"x ({unit})", {"showgrid": False, "range": [float(x[0]), float(x[-1])]}),
        "yaxis": axis(theme, "depth", {**ticks, "showgrid": False}),
        "coloraxis": {
            "colorscale": HEAT_SCALE,
            "cmin": 0,
            "cmax": top,
            "colorbar": colorbar("rise above the sink (K)"),
        },
    }
    return figure(data, layout(theme, axes, {"shapes": lines, "annotations": marks}))


def colorbar(title: str) -> dict[str, Any]:
    """A bar of colours with its title and unit along it."""
    return {"title": {"text": title, "side": "right"}, "thickness": 14, "outlinewidth": 0, "len": 1.0}


def share_figure(theme: Theme, solved: SolvedDevice) -> dict[str, Any]:
    """What each layer and boundary takes of the hottest rise: boundaries in colour."""
    found = solved.found
    names = list(found.drop)
    drops = [found.drop[name] for name in names]
    share = found.share
    data = [
        {
            "type": "bar", "orientation": "h", "y": names, "x": round_numbers(drops),
            "marker": {"color": [color(theme, 1) if "|" in name else faint(theme, 7, 0.6) for name in names]},
            "text": [f"{drop:.3g} K ({100 * share[name]:.3g} %)" for name, drop in zip(names, drops, strict=True)],
            "textposition": "outside", "cliponaxis": False, "textfont": {"color": ink(theme)},
            "hovertemplate": "%{y}: %{text}<extra></extra>",
        }
    ]  # fmt: skip
    longest = max(*drops, 0.0) or 1.0
    axes = {
        "xaxis": axis(theme, "drop below the hottest point (K)", {"range": [min(0.0, *drops), 1.75 * longest]}),
        "yaxis": axis(theme, "", {"autorange": "reversed", "showgrid": False, "ticks": ""}),
    }
    return figure(data, layout(theme, axes, {"bargap": 0.25}))


def worth_figure(theme: Theme, solved: SolvedDevice) -> dict[str, Any]:
    """Change of the hottest point per relative change of each number, the conductances in colour."""
    held = solved.found.sensitivity
    names = sorted(held, key=lambda name: -abs(held[name]))[:_MOST_BARS]
    tenth = [f"10 % more: {0.1 * held[name]:+.3g} K" for name in names]
    data = [
        {
            "type": "bar", "orientation": "h", "y": names, "x": round_numbers([held[name] for name in names]),
            "marker": {"color": [color(theme, 1) if "|" in name else faint(theme, 7, 0.6) for name in names]},
            "text": tenth, "textposition": "none", "hovertemplate": "%{y}: %{x:.3g} K<br>%{text}<extra></extra>",
        }
    ]  # fmt: skip
    axes = {
        "xaxis": axis(theme, "∂T/∂ln p (K)", {"zeroline": True, "zerolinecolor": soft(theme)}),
        "yaxis": axis(theme, "", {"autorange": "reversed", "showgrid": False, "ticks": "", "dtick": 1}),
    }
    return figure(data, layout(theme, axes, {"bargap": 0.25}))


def sweep_figure(
    theme: Theme, name: str, curve: tuple[Array, Array], sink: float, now: tuple[float, float]
) -> dict[str, Any]:
    """Hottest point against one number, with the present one marked.

    Parameters
    ----------
    name : of the number, which says its unit
    curve : (n,) values, SI, and (n,) rises, K
    sink : K
    now : present value, SI, and rise, K
    """
    unit, size, _ = shown_unit(name)
    values, rises = curve
    data = [
        {
            "x": round_numbers(values / size), "y": round_numbers(sink + rises), "mode": "lines", "showlegend": False,
            "line": {"color": color(theme, 0), "width": 2.5}, "hovertemplate": "%{x:.4g} → %{y:.5g} K<extra></extra>",
        },
        {
            "x": [now[0] / size], "y": [sink + now[1]], "mode": "markers", "showlegend": False,
            "marker": {"color": color(theme, 1), "size": 12},
            "hovertemplate": f"{format_parameter(name, now[0], 4)}: %{{y:.5g}} K<extra></extra>",
        },
    ]  # fmt: skip
    axes = {
        "xaxis": axis(theme, f"{name} ({unit})" if unit else name, decade_ticks(values[0] / size, values[-1] / size)),
        "yaxis": axis(theme, "hottest point (K)"),
    }
    return figure(data, layout(theme, axes))
