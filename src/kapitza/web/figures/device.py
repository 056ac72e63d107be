"""Figures of the view Device: temperature along depth, section, shares, and what a conductance is worth."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from kapitza.core.arrays import Array
from kapitza.core.parameter_units import format_parameter, shown_unit
from kapitza.web.figures import style
from kapitza.web.figures.style import axis, color, round_numbers, soft
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


def _layer_ticks(edges: Array, heights: Array) -> dict[str, Any]:
    return {
        "tickvals": round_numbers(heights), "ticktext": [depth_text(d) for d in edges.tolist()], "showgrid": False,
    }  # fmt: skip


def depth_figure(theme: Theme, solved: SolvedDevice, before: SolvedDevice | None = None) -> dict[str, Any]:
    """Temperature below the hottest point against depth; `before` a number was moved in grey."""
    depth, kelvin = solved.depth_profile
    places, edges, heights = drawn_depths(depth)
    names = [layer.name for layer in solved.device.stack.layers]
    data: list[dict[str, Any]] = []
    if before is not None:
        old_depth, old = before.depth_profile
        line = {"color": soft(theme), "width": 1.5, "dash": "dot"}
        data.append(style.trace(drawn_depths(old_depth)[0], old, "lines", "as the file says", more={"line": line}))
    slices = zip(names, layer_slices(depth), strict=False)
    owner = [name for name, (start, stop) in slices for _ in range(start, stop)]
    data.append(
        style.trace(
            places, kelvin, "lines", "temperature", "%{customdata[0]}, %{customdata[1]} deep<br>%{y:.5g} K",
            more={
                "line": {"color": color(theme, 1), "width": 2.5},
                "customdata": [[name, depth_text(d)] for name, d in zip(owner, depth.tolist(), strict=True)],
            },
        )
    )  # fmt: skip
    lines = [style.upright(place, soft(theme)) | {"layer": "below"} for place in heights[1:-1].tolist()]
    marks = [
        {
            "x": float(a + b) / 2, "y": 1.0, "yref": "paper", "yanchor": "bottom", "text": name, "showarrow": False,
            "font": {"color": soft(theme), "size": 13},
        }
        for name, (a, b) in zip(names, pairwise(heights), strict=False)
    ]  # fmt: skip
    ticks = {"range": [0, 1], **_layer_ticks(edges, heights)}
    axes = {
        "xaxis": axis(theme, "depth, each layer on a scale of its own", ticks),
        "yaxis": axis(theme, "temperature (K)"),
    }
    more: dict[str, Any] = {"showlegend": before is not None, "margin": {"t": 34, "r": 40}}
    return style.figure(theme, data, axes, {"shapes": lines, "annotations": marks, **more})


def section_figure(theme: Theme, solved: SolvedDevice) -> dict[str, Any]:
    """Temperatures along x and down through all layers, each drawn at a height that goes with its thickness."""
    field = solved.section
    places, edges, heights = drawn_depths(field.y)
    factor, unit = length_label(float(np.ptp(field.x)))
    x = field.x / factor
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
    axes = {
        "xaxis": axis(theme, f"x ({unit})", {"showgrid": False, "range": [float(x[0]), float(x[-1])]}),
        "yaxis": axis(theme, "depth", {"range": [1, 0], **_layer_ticks(edges, heights)}),
        "coloraxis": {
            "colorscale": style.HEAT_SCALE, "cmin": 0, "cmax": float(field.value.max()),
            "colorbar": style.colorbar("rise above the sink (K)", more={"len": 1.0}),
        },
    }  # fmt: skip
    return style.figure(theme, data, axes, {"shapes": lines, "annotations": marks})


def _bars(
    theme: Theme, sizes: dict[str, float], text: list[str], hover: str, more: dict[str, Any]
) -> list[dict[str, Any]]:
    """A bar for each number, those of boundaries in colour."""
    return [
        {
            "type": "bar", "orientation": "h", "y": list(sizes), "x": round_numbers(list(sizes.values())), "text": text,
            "marker": {"color": [color(theme, 1) if "|" in name else style.faint(theme, 7, 0.6) for name in sizes]},
            "hovertemplate": f"{hover}<extra></extra>", **more,
        }
    ]  # fmt: skip


def share_figure(theme: Theme, solved: SolvedDevice) -> dict[str, Any]:
    """What each layer and boundary takes of the hottest rise: boundaries in colour."""
    drops, share = dict(solved.found.drop), solved.found.share
    text = [f"{drop:.3g} K ({100 * share[name]:.3g} %)" for name, drop in drops.items()]
    shown: dict[str, Any] = {"textposition": "outside", "cliponaxis": False, "textfont": {"color": style.ink(theme)}}
    data = _bars(theme, drops, text, "%{y}: %{text}", shown)
    ends = [min(0.0, *drops.values()), 1.75 * (max(*drops.values(), 0.0) or 1.0)]
    axes = {
        "xaxis": axis(theme, "drop below the hottest point (K)", {"range": ends}), "yaxis": style.name_axis(theme)
    }  # fmt: skip
    return style.figure(theme, data, axes, {"bargap": 0.25})


def worth_figure(theme: Theme, solved: SolvedDevice) -> dict[str, Any]:
    """Change of the hottest point per relative change of each number, the conductances in colour."""
    order = sorted(solved.found.sensitivity.items(), key=lambda pair: -abs(pair[1]))
    worth = dict(order[:_MOST_BARS])
    tenth = [f"10 % more: {0.1 * size:+.3g} K" for size in worth.values()]
    data = _bars(theme, worth, tenth, "%{y}: %{x:.3g} K<br>%{text}", {"textposition": "none"})
    axes = {
        "xaxis": axis(theme, "∂T/∂ln p (K)", {"zeroline": True, "zerolinecolor": soft(theme)}),
        "yaxis": style.name_axis(theme) | {"dtick": 1},
    }
    return style.figure(theme, data, axes, {"bargap": 0.25})


def sweep_figure(
    theme: Theme, name: str, curve: tuple[Array, Array], sink: float, now: tuple[float, float]
) -> dict[str, Any]:
    """Hottest point against one number, with the present one marked.

    `curve` has (n,) values, SI, and (n,) rises, K; `sink` is in K; `now` is the present value, SI, and its rise, K.
    """
    unit, size, _ = shown_unit(name)
    values, rises = curve
    line, marker = {"color": color(theme, 0), "width": 2.5}, {"color": color(theme, 1), "size": 12}
    here = f"{format_parameter(name, now[0], 4)}: %{{y:.5g}} K"
    data = [
        style.trace(values / size, sink + rises, "lines", "", "%{x:.4g} → %{y:.5g} K", more={"line": line}),
        style.trace([now[0] / size], [sink + now[1]], "markers", "", here, more={"marker": marker}),
    ]
    ticks = style.decade_ticks(values[0] / size, values[-1] / size)
    axes = {
        "xaxis": axis(theme, f"{name} ({unit})" if unit else name, ticks),
        "yaxis": axis(theme, "hottest point (K)"),
    }
    return style.figure(theme, data, axes)
