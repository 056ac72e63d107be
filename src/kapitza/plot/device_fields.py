"""Fields of devices drawn: sections with isotherms, arrows of heat and sharp jumps; the jumps of all boundaries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial import KDTree

from kapitza.core.arrays import Array
from kapitza.device.elements_solve import BoundaryJump
from kapitza.device.split_field import SplitField
from kapitza.errors import require
from kapitza.plot.device import HEAT, length_unit
from kapitza.plot.style import COLOURS, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEVELS = 11  # isotherms
ARROWS = 13  # along the longer side
WARM = 0.08  # of the highest rise: what is colder is left out where it takes most of the picture
EVEN = 4.0  # times as long as high up to which both axes have one scale
NEAR = 1.0  # of the distance between arrows, up to which the next flux stands for a place


def field_section(field: SplitField, ax: Axes | None = None, *, whole: bool = False) -> Axes:
    """Draw a section: temperatures, isotherms that break off at boundaries, and where the heat goes.

    Arrows point along the flux; their length goes with its square root.

    Parameters
    ----------
    field : of `field_section` or `body_section`
    ax : to draw on; new ones if None
    whole : all of the section instead of its warm part
    """
    ax = ax or new_axes()
    window = np.array([field.points.min(axis=0), field.points.max(axis=0)]) if whole else warm_window(field)
    factor, unit = length_unit(float(np.ptp(window, axis=0).max()))
    triangulation = require("matplotlib.tri", extra="plot", why="drawing a figure").Triangulation
    mesh = triangulation(*(field.points.T / factor), field.triangles)
    low, high = float(field.value.min()), float(field.value.max())
    shown = ax.tripcolor(mesh, field.value, cmap=HEAT, vmin=low, vmax=high, shading="gouraud", rasterized=True)
    ax.tricontour(
        mesh, field.value, np.linspace(low, high, LEVELS + 2)[1:-1], colors="white", linewidths=0.6, alpha=0.8
    )
    outlines = region_edges(field) / factor
    segments = require("matplotlib.collections", extra="plot", why="drawing a figure").LineCollection
    ax.add_collection(segments(outlines, colors="white", linewidths=1.5))
    ax.add_collection(segments(outlines, colors="black", linewidths=0.8))
    arrows(ax, field, window, factor)
    name_regions(ax, field, window, factor)
    (left, first), (right, last) = window / factor
    ax.set(xlim=(left, right), ylim=(last, first) if field.axes[1] == "depth" else (first, last))
    ax.set(xlabel=f"{field.axes[0]} ({unit})", ylabel=f"{field.axes[1]} ({unit})")
    wide, tall = np.ptp(window, axis=0)
    if max(wide, tall) < EVEN * min(wide, tall):
        ax.set_aspect("equal")
    ax.set_title(field.name, fontsize="medium")
    ax.figure.colorbar(shown, ax=ax, label="rise above the sink (K)")
    return ax


def warm_window(field: SplitField) -> Array:
    """Two corners around what is warmer than a small part of the highest rise, m."""
    ends = np.array([field.points.min(axis=0), field.points.max(axis=0)])
    warm = field.points[field.value > WARM * field.value.max()]
    found = np.array([warm.min(axis=0), warm.max(axis=0)])
    margin = 0.08 * float(np.ptp(found, axis=0).max())
    found = np.clip([found[0] - margin, found[1] + margin], *ends)
    small = np.ptp(found, axis=0) > 0.7 * np.ptp(ends, axis=0)
    return np.where(small, ends, found)


def region_edges(field: SplitField) -> Array:
    """(n, 2, 2) edges that triangles of different regions have in common, m."""
    size = float(np.ptp(field.points))
    _, number = np.unique(np.round(field.points / (1e-7 * size)).astype(np.int64), axis=0, return_inverse=True)
    number = number.ravel()
    pairs = np.concatenate([field.triangles[:, [a, (a + 1) % 3]] for a in range(3)])
    region = np.tile(field.region, 3)
    ends = np.sort(number[pairs], axis=1)
    key = ends[:, 0] * (int(number.max()) + 1) + ends[:, 1]
    order = np.argsort(key, kind="stable")
    same = np.flatnonzero((key[order][1:] == key[order][:-1]) & (region[order][1:] != region[order][:-1]))
    return field.points[pairs[order[same]]]


def arrows(ax: Axes, field: SplitField, window: Array, factor: float) -> None:
    """Draw the flux at even places inside of a window."""
    size = np.ptp(window, axis=0)
    step = size.max() / ARROWS
    counts = np.maximum(np.round(size / step).astype(int), 3)
    lines = [np.linspace(a, b, 2 * n + 1)[1::2] for a, b, n in zip(window[0], window[1], counts, strict=True)]
    at = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(-1, 2)
    distance, nearest = KDTree(field.places).query(at)
    flux = field.flux[nearest]
    strength = np.hypot(*flux.T)
    inside = strength > 1e-3 * strength.max()
    if field.axes[1] != "depth":  # a body need not fill the picture
        inside &= distance < max(NEAR * step, float(np.median(distance)))
    at, flux, strength = at[inside], flux[inside], strength[inside]
    length = np.sqrt(strength / strength.max())
    direction = flux / strength[:, None] * length[:, None]
    ax.quiver(
        *(at / factor).T, *direction.T, angles="xy", scale=ARROWS * 1.1, scale_units="width", pivot="middle",
        color="#7FDBFF", width=0.0035, headwidth=4.0,
    )  # fmt: skip


def name_regions(ax: Axes, field: SplitField, window: Array, factor: float) -> None:
    """Write the name of each region where it is farthest from others and from the edge of the picture."""
    middle = field.points[field.triangles].mean(axis=1)
    corners = field.points[field.triangles]
    one, two = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = np.abs(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0])
    seen = ((middle > window[0]) & (middle < window[1])).all(axis=1)
    edges = region_edges(field).mean(axis=1)
    rim = np.minimum(middle - window[0], window[1] - middle).min(axis=1)
    free = np.minimum(rim, KDTree(edges).query(middle)[0]) if len(edges) else rim
    for number, name in enumerate(field.names):
        own = seen & (field.region == number)
        if area[own].sum() < 0.004 * area[seen].sum():
            continue
        place = middle[own][np.argmax(free[own])] / factor
        box: dict[str, Any] = {"boxstyle": "round,pad=0.15", "fc": "black", "alpha": 0.45, "lw": 0}
        ax.annotate(name, tuple(place), ha="center", va="center", color="white", fontsize="small", bbox=box)


def boundary_jumps(jumps: Mapping[str, BoundaryJump], ax: Axes | None = None) -> Axes:
    """Draw the mean jump of each boundary, and how far it goes from the smallest to the largest.

    Parameters
    ----------
    jumps : of `field_jumps`, or those of `body_temperatures`
    ax : to draw on; new ones if None
    """
    ax = ax or new_axes()
    names = list(jumps)
    for i, one in enumerate(jumps.values()):
        mean = float(np.average(np.abs(one.jump), weights=one.area))
        low, high = float(np.abs(one.jump).min()), float(np.abs(one.jump).max())
        ax.barh(i, mean, color=COLOURS[1], height=0.6, label="mean" if i == 0 else None)
        ax.plot([low, high], [i, i], "-|", color="0.15", lw=1.2, label="smallest to largest" if i == 0 else None)
    ax.set_yticks(range(len(names)), [name.replace("|", " | ") for name in names])
    ax.set(xlabel="temperature jump (K)", ylim=(max(len(names), 4) - 0.4, -0.6), xlim=(0, None))
    if names:
        ax.legend(frameon=False, fontsize="small", loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderpad=0)
    return ax


def field_figure(field: SplitField, jumps: Mapping[str, BoundaryJump], title: str, figure: Figure) -> Figure:
    """Draw a device of blocks or a body: the section, all of it and its warm part, and the jumps.

    Parameters
    ----------
    field : section
    jumps : at its boundaries
    title : of the device
    figure : to draw on
    """
    grid = figure.add_gridspec(2, 2, width_ratios=(1.5, 1.0), height_ratios=(1.2, 1.0))
    field_section(field, ax=figure.add_subplot(grid[:, 0]))
    parts = np.ptp(warm_window(field), axis=0) < 0.999 * np.ptp(field.points, axis=0)
    if parts.any():
        field_section(field, ax=figure.add_subplot(grid[0, 1]), whole=True).set_title("all of it", fontsize="medium")
    boundary_jumps(jumps, ax=figure.add_subplot(grid[1 if parts.any() else slice(None), 1]))
    figure.suptitle(title, fontsize="medium")
    return figure
