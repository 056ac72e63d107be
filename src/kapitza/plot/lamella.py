"""Figures of a lamella: its map beside the model, what remains, and where the error of the resistance comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kapitza.plot.style import LINE_COLOURS
from kapitza.units import nm

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kapitza.measure.lamella.design import LamellaDesign
    from kapitza.measure.lamella.fit import LamellaFit

_RESIDUAL_LIMIT = 4.0  # standard deviations
_LEAST_SHARE = 0.005  # of the variance, for a bar of its own
_SHOWN_REMEDIES = 4


def lamella_fit(found: LamellaFit, figure: Figure) -> tuple[Axes, ...]:
    """Draw data, model and residuals of the first map, and the budget of the resistance with further measurements."""
    grid = figure.add_gridspec(3, 2, width_ratios=(1, 1.1))
    axes = [figure.add_subplot(grid[i, 0]) for i in range(3)]
    one, model = found.temperature_maps[0], found.fitted[0]
    data = np.where(np.isfinite(one.temperature), one.temperature, np.nan)
    shown, fitted = (np.abs(image) if one.frequency else image for image in (data, model))
    fitted = np.where(np.isfinite(shown), fitted, np.nan)
    word = "amplitude (K)" if one.frequency else "temperature (K)"
    scale: dict[str, Any] = {"cmap": "inferno", "vmin": np.nanmin(shown), "vmax": np.nanmax(shown)}
    limit: dict[str, Any] = {"cmap": "RdBu_r", "vmin": -_RESIDUAL_LIMIT, "vmax": _RESIDUAL_LIMIT}
    panels = [
        ("map", shown, scale, word),
        ("model", fitted, scale, word),
        ("residual", np.real(data - model) / one.sigma, limit, "standard deviations"),
    ]
    for ax, (title, image, colours, label) in zip(axes, panels, strict=True):
        surface = ax.pcolormesh(one.x / nm, one.y / nm, image, shading="nearest", rasterized=True, **colours)
        figure.colorbar(surface, ax=ax, label=label, shrink=0.9)
        lamella = found.lamella
        rise = (lamella.top - lamella.bottom) / 2
        heights = np.linspace(-1, 1, 41)  # of half the height
        for plane in lamella.planes:
            x = plane.position + heights * rise * np.tan(plane.angle) - heights**2 * plane.bow
            y = (lamella.bottom + lamella.top) / 2 + heights * rise
            ax.plot(x / nm, y / nm, color="0.5", lw=1.2, ls="--")
        ax.set(title=title, xlabel="x (nm)", ylabel="y (nm)", aspect="equal")
        ax.set_facecolor("0.8")
    budget = figure.add_subplot(grid[:, 1])
    _draw_budget(budget, found)
    return (*axes, budget)


def lamella_design(found: LamellaDesign, figure: Figure) -> Axes:
    """Draw the relative uncertainty of the resistance that each experiment would leave, the best on top."""
    ax = figure.add_subplot()
    plan = found.names.index("as planned")
    colours = [LINE_COLOURS[1 if i == plan else 0] for i in range(len(found.names))]
    bars = ax.barh(range(len(found.names)), 100 * found.relative_sigma, color=colours, height=0.7)
    ax.bar_label(bars, fmt="%.1f", padding=3, fontsize="small")
    ax.set_yticks(range(len(found.names)), found.names, fontsize="small")
    ax.invert_yaxis()
    ax.margins(x=0.1)
    ax.set(xlabel=f"uncertainty of the resistance of {found.plane} (%)")
    ax.grid(axis="x", alpha=0.3)
    return ax


def _draw_budget(ax: Axes, found: LamellaFit) -> None:
    parts = [(s, p) for s, p in zip(found.sources, found.share.tolist(), strict=True) if p > _LEAST_SHARE]
    parts.sort(key=lambda pair: -pair[1])
    rows = [(name.replace("_", " "), found.relative_sigma * np.sqrt(share), 0) for name, share in parts]
    rows.append(("all together", found.relative_sigma, 1))
    after = list(zip(found.remedies, found.remedy_sigma.tolist(), strict=True))[:_SHOWN_REMEDIES]
    rows += [(f"if {name}", sigma, 2) for name, sigma in after]
    for i, (_, sigma, kind) in enumerate(rows):
        ax.barh(i, 100 * sigma, color=LINE_COLOURS[kind], height=0.7)
    ax.set_yticks(range(len(rows)), [name for name, _, _ in rows], fontsize="small")
    ax.invert_yaxis()
    ax.set(xlabel=f"uncertainty of the resistance of {found.plane} (%)", title="budget")
    ax.grid(axis="x", alpha=0.3)
