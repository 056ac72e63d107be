"""The map of all pairs of materials."""

from __future__ import annotations

from typing import Any

import numpy as np

from kapitza.core.arrays import Array
from kapitza.screen import Screening
from kapitza.units import MW
from kapitza.web.figures.style import axis, colorbar, figure
from kapitza.web.session import Theme

_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)  # MW m⁻² K⁻¹


def pair_matrix(found: Screening) -> tuple[list[str], Array]:
    """Names of the materials, those that conduct best first, and (n, n) conductances of their pairs, W m⁻² K⁻¹.

    The order is that of the geometric mean over all partners; pairs that are not in the lists are NaN.
    """
    size = len(found.names)
    matrix = np.full((size, size), np.nan)
    matrix[found.left, found.right] = found.conductance
    matrix[found.right, found.left] = found.conductance
    known = np.where(matrix > 0, matrix, np.nan)
    logs = np.where(np.isnan(known), 0.0, np.log(known))
    count = np.maximum(np.sum(~np.isnan(known), axis=1), 1)
    order = np.argsort(-logs.sum(axis=1) / count, kind="stable")
    return [found.names[i] for i in order], matrix[np.ix_(order, order)]


def screen_figure(found: Screening, theme: Theme) -> dict[str, Any]:
    """Conductance of all pairs as a map, by colour on a logarithmic scale."""
    names, matrix = pair_matrix(found)
    with np.errstate(invalid="ignore", divide="ignore"):
        logs: Array = np.log10(matrix / MW).round(4)
    ticks = [t for t in _TICKS if np.nanmin(logs) <= np.log10(t) <= np.nanmax(logs)]
    shades, values = (
        [[x if np.isfinite(x) else None for x in row] for row in one.tolist()] for one in (logs, (matrix / MW).round(3))
    )
    trace = {
        "type": "heatmap", "x": names, "y": names, "z": shades, "customdata": values, "colorscale": "Viridis",
        "colorbar": colorbar(
            "MW m⁻² K⁻¹", more={"tickvals": np.log10(ticks).tolist(), "ticktext": [f"{t:g}" for t in ticks]}
        ),
        "hovertemplate": "%{y} | %{x}: %{customdata:.3g} MW m⁻² K⁻¹<br>click to open<extra></extra>",
        "hoverongaps": False,
    }  # fmt: skip
    small: dict[str, Any] = {
        "tickfont": {"size": 9}, "tickmode": "linear", "dtick": 1, "showgrid": False, "type": "category",
    }  # fmt: skip
    axes = {
        "xaxis": axis(theme, "", {"tickangle": -90, **small}),
        "yaxis": axis(theme, "", {"autorange": "reversed", **small}),
    }
    return figure(theme, [trace], axes, {"margin": {"l": 90, "r": 12, "t": 8, "b": 90}})
