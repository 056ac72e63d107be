"""Devices: sections with isotherms and jumps at boundaries, planes, shares, responses, sweeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import KDTree

from kapitza.core.arrays import Array
from kapitza.core.parameter_units import with_error
from kapitza.device.description import Device
from kapitza.device.layered.network import FosterNetwork
from kapitza.device.results import (
    BoundaryJump,
    DeviceTemperatures,
    TemperatureField,
    TransientTemperatures,
    TriangulatedField,
)
from kapitza.device.shapes import Disc, GaussianSpot, HeatMap
from kapitza.errors import require
from kapitza.plot.style import LINE_COLOURS, TIMES, finish, line_style, new_axes, readable_unit

__all__ = ["device_figure", "device_response", "device_section", "device_shares", "device_sweep", "field_figure"]

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEAT_COLOURMAP = "inferno"
_ISOTHERM_COUNT = 9
_MIN_LAYER_HEIGHT = 0.6  # height of a layer, however thin, in those that ten times the thickness adds
_BREAK_GAP = 0.006  # of the axis: half the distance of the two strokes that break it
_SECTION_WIDTHS = 7.0  # widths of a source that a section shows
_EVEN_STEP_RATIO = 1.5  # of steps of time up to which their axis is linear
_PLANE_WIDTHS = 2.5  # lengths of a source that a plane shows


def device_section(field: TemperatureField, device: Device, ax: Axes | None = None) -> Axes:
    """Draw a section through the layers: temperatures, isotherms, boundaries as the steps that they are.

    Layers differ in thickness by orders of magnitude, so that each is drawn at a height that goes with the logarithm of
    its thickness; the depths stand at the axis, which two strokes break where its scale changes.

    Parameters
    ----------
    field : of `section_map`
    device : of which it is
    """
    ax = ax or new_axes()
    factor, unit = readable_unit(float(np.ptp(field.x)))
    # depths stand twice at boundaries
    cuts = [0, *(np.flatnonzero(np.diff(field.y) == 0) + 1).tolist(), field.y.size]
    slices = [(a, b) for a, b in pairwise(cuts) if b - a > 1]
    edges = np.array([field.y[0], *(field.y[stop - 1] for _, stop in slices)])
    shares = _MIN_LAYER_HEIGHT + np.log10(1 + np.diff(edges) / np.diff(edges).min())
    heights = np.concatenate([[0.0], np.cumsum(shares / shares.sum())])
    top = float(field.value.max())
    shown: Any = None
    levels = np.linspace(0, top, _ISOTHERM_COUNT + 2)[1:-1]
    for i, (start, stop) in enumerate(slices):
        depth = field.y[start:stop]
        place = np.interp(depth, edges[i : i + 2], heights[i : i + 2])
        value = field.value[:, start:stop].T
        shown = ax.pcolormesh(field.x / factor, place, value, cmap=_HEAT_COLOURMAP, vmin=0, vmax=top, shading="gouraud")
        inside = levels[(levels > value.min()) & (levels < value.max())]
        if inside.size:
            ax.contour(field.x / factor, place, value, levels=inside, colors="white", linewidths=0.7, alpha=0.8)
    for height in heights[1:-1]:
        ax.axhline(height, color="white", lw=1.6)
        ax.axhline(height, color="black", lw=0.8)
    names = [layer.name for layer in device.stack.layers]
    for name, low, high in zip(names, heights[:-1], heights[1:], strict=False):
        ax.annotate(
            name, (0.985, (low + high) / 2), xycoords=("axes fraction", "data"), ha="right", va="center",
            color="white", fontsize="small",
        )  # fmt: skip
    ax.set_yticks(list(heights), [_depth_label(depth) for depth in edges])
    # the axis of depths is broken where its scale changes: a gap between two strokes across it
    ax.tick_params(axis="y", length=0, pad=9)
    inner = heights[1:-1]
    for offset, colour, width in ((0.0, "white", 4.0), (-_BREAK_GAP, "black", 1.0), (_BREAK_GAP, "black", 1.0)):
        ax.plot(
            np.zeros(inner.size), inner + offset, transform=ax.get_yaxis_transform(), clip_on=False, zorder=4,
            marker=((-1.0, -0.6), (1.0, 0.6)), markersize=10, ls="none", color=colour, mew=width,
        )  # fmt: skip
    ax.set(xlabel=f"x ({unit})", ylabel="depth, each layer on a scale of its own", ylim=(heights[-1], heights[0]))
    ax.figure.colorbar(shown, ax=ax, label="rise above the sink (K)")
    return ax


def _depth_label(depth: float) -> str:
    factor, unit = readable_unit(depth)
    return f"{depth / factor:.4g} {unit}" if depth else "0"


def _device_plane(field: TemperatureField, device: Device, ax: Axes) -> Axes:
    factor, unit = readable_unit(float(max(np.ptp(field.x), np.ptp(field.y))))
    x, y = field.x / factor, field.y / factor
    shown = ax.pcolormesh(x, y, field.value.T, cmap=_HEAT_COLOURMAP, vmin=0, shading="nearest", rasterized=True)
    ax.contour(x, y, field.value.T, levels=_ISOTHERM_COUNT, colors="white", linewidths=0.6, alpha=0.7)
    patches = require("matplotlib.patches", extra="plot", why="drawing a figure")
    for source in device.sources:
        if source.shape is None or isinstance(source.shape, HeatMap):
            continue
        corner, size = np.array(source.shape.extent)[:, 0] / factor, np.ptp(source.shape.extent, axis=1) / factor
        around = isinstance(source.shape, (Disc, GaussianSpot))
        outline = patches.Ellipse if around else patches.Rectangle
        ax.add_patch(outline(corner + size / 2 if around else corner, *size, fill=False, ec="cyan", lw=1.0))
    ax.set(xlabel=f"x ({unit})", ylabel=f"y ({unit})", aspect="equal", xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    ax.figure.colorbar(shown, ax=ax, label="rise above the sink (K)")
    where = f"{field.name}, {_depth_label(field.at)} deep" if field.at else f"top of {field.name}"
    return finish(ax, title=where)


def device_shares(found: DeviceTemperatures, ax: Axes | None = None) -> Axes:
    """Draw what each layer and boundary takes of the hottest rise: boundaries in colour, with uncertainties."""
    ax = ax or new_axes()
    for i, (name, drop) in enumerate(found.drop.items()):
        ax.barh(i, drop, color=LINE_COLOURS[1] if "|" in name else "0.6", height=0.7)
        ax.annotate(f" {drop:.3g} K ({100 * found.share[name]:.0f} %)", (drop, i), va="center", fontsize="small")
    count, most = len(found.drop), max(found.drop.values())
    ax.set_yticks(range(count), [name.replace("|", " | ") for name in found.drop])
    ax.set(xlabel="drop below the hottest point (K)", ylim=(count - 0.4, -0.6), xlim=(0, 1.9 * most))
    peak = f"{found.peak:.4g}" if found.sigma is None else with_error(found.peak, found.sigma)
    return finish(ax, title=f"{peak} K above {found.sink:g} K")


def device_response(
    found: TransientTemperatures, network: FosterNetwork | None = None, power: float = 1.0, ax: Axes | None = None
) -> Axes:
    """Draw temperatures against time, and a network over them (dashed), times the power of the device, W."""
    ax = ax or new_axes()
    rows = {"hottest point": found.peak, **{f"{name}, averaged": rise for name, rise in found.average.items()}}
    steps = np.diff(found.time)
    even = bool(steps.size and steps.max() < _EVEN_STEP_RATIO * steps.min())
    factor, unit = readable_unit(float(found.time.max()), TIMES) if even else (1.0, "s")
    for i, (name, rise) in enumerate(rows.items()):
        ax.plot(found.time / factor, rise, **line_style(i), label=name)
    if network is not None:
        label = f"network of {network.resistance.size}, ± {network.error * power:.1g} K"
        ax.plot(found.time / factor, power * network.rise(found.time), "k:", lw=2.2, label=label)
    what = f"time ({unit})" if even else "time after the power is on (s)"
    ax.set(xlabel=what, ylabel="rise above the sink (K)", xscale="linear" if even else "log")
    if min(float(rise.min()) for rise in rows.values()) >= 0:
        ax.set(ylim=(0, None))
    ax.grid(visible=True, color="0.92", lw=0.6)
    return finish(ax, legend="small")


def device_sweep(
    values: ArrayLike, rises: Mapping[str, Sequence[float]], label: str, *, factor: float = 1.0, ax: Axes | None = None
) -> Axes:
    """Draw rises (K) of each curve by name against a number of the device (SI); `factor` is the unit of the label."""
    ax = ax or new_axes()
    x = np.asarray(values, dtype=float) / factor
    for i, (name, rise) in enumerate(rises.items()):
        ax.plot(x, list(rise), **line_style(i), label=name)
    wide = bool(x.min() > 0 and x.max() > 30 * x.min())
    ax.set(xscale="log" if wide else "linear")
    return finish(ax, label, "rise above the sink (K)", legend="small")


def device_figure(
    found: DeviceTemperatures, device: Device, section_field: TemperatureField, plane: TemperatureField, figure: Figure
) -> Figure:
    """Draw a whole device: section (of `section_map`), hottest plane (of `plane_map`), shares."""
    grid = figure.add_gridspec(2, 2, width_ratios=(1.15, 1.0))
    ax = device_section(section_field, device, ax=figure.add_subplot(grid[:, 0]))
    _zoom_axis(ax, "x", section_field.x, _SECTION_WIDTHS * _source_width(found, device, 0), float(found.place[0]))
    ax = _device_plane(plane, device, ax=figure.add_subplot(grid[0, 1]))
    length = _PLANE_WIDTHS * max(_source_width(found, device, axis) for axis in (0, 1))
    _zoom_axis(ax, "x", plane.x, length, float(found.place[0]), span=plane)
    _zoom_axis(ax, "y", plane.y, length, float(found.place[1]), span=plane)
    device_shares(found, ax=figure.add_subplot(grid[1, 1]))
    figure.suptitle(device.title, fontsize="medium")
    return figure


def _source_width(found: DeviceTemperatures, device: Device, axis: int) -> float:
    """Width of the source nearest to the hottest point along x (0) or y (1), m; infinite where there is none."""
    place = float(found.place[axis])
    best = np.inf, np.inf
    for source in device.sources:
        if source.shape is not None and not isinstance(source.shape, HeatMap):
            low, high = source.shape.extent[axis]
            best = min(best, (max(low - place, place - high, 0.0), high - low))
    return best[1]


def _zoom_axis(
    ax: Axes, letter: str, values: Array, width: float, middle: float, span: TemperatureField | None = None
) -> None:
    """Show only the surroundings of a place, m, on an axis that is drawn in its own unit."""
    size = float(np.ptp(values)) if span is None else float(max(np.ptp(span.x), np.ptp(span.y)))
    factor, _ = readable_unit(size)
    low, high = max(float(values[0]), middle - width / 2), min(float(values[-1]), middle + width / 2)
    if high - low < 0.7 * float(np.ptp(values)):
        ax.set(**{f"{letter}lim": (low / factor, high / factor)})


_FIELD_ISOTHERM_COUNT = 11  # isotherms
_ARROWS_PER_SIDE = 13  # along the longer side
_WARM_SHARE = 0.08  # of the highest rise: what is colder is left out where it takes most of the picture
_MAX_EQUAL_ASPECT = 4.0  # times as long as high up to which both axes have one scale
_ARROW_REACH = 1.0  # of the distance between arrows, up to which the next flux stands for a place


def _field_section(field: TriangulatedField, ax: Axes, *, full: bool = False) -> Axes:
    """Draw a section: temperatures, isotherms that break off at boundaries, and where the heat goes.

    Arrows point along the flux; their length goes with its square root.  Only the warm part is drawn unless `full`.
    """
    window = np.array([field.points.min(axis=0), field.points.max(axis=0)]) if full else _warm_window(field)
    factor, unit = readable_unit(float(np.ptp(window, axis=0).max()))
    triangulation = require("matplotlib.tri", extra="plot", why="drawing a figure").Triangulation
    mesh = triangulation(*(field.points.T / factor), field.triangles)
    low, high = float(field.value.min()), float(field.value.max())
    look: dict[str, Any] = {"vmin": low, "vmax": high, "shading": "gouraud", "rasterized": True}
    shown = ax.tripcolor(mesh, field.value, cmap=_HEAT_COLOURMAP, **look)
    isotherms = np.linspace(low, high, _FIELD_ISOTHERM_COUNT + 2)[1:-1]
    ax.tricontour(mesh, field.value, isotherms, colors="white", linewidths=0.6, alpha=0.8)
    outlines = region_edges(field) / factor
    segments = require("matplotlib.collections", extra="plot", why="drawing a figure").LineCollection
    ax.add_collection(segments(outlines, colors="white", linewidths=1.5))
    ax.add_collection(segments(outlines, colors="black", linewidths=0.8))
    _draw_flux(ax, field, window, factor)
    _draw_region_names(ax, field, window, factor)
    (left, first), (right, last) = window / factor
    ax.set(xlim=(left, right), ylim=(last, first) if field.axes[1] == "depth" else (first, last))
    ax.set(xlabel=f"{field.axes[0]} ({unit})", ylabel=f"{field.axes[1]} ({unit})")
    wide, tall = np.ptp(window, axis=0)
    if max(wide, tall) < _MAX_EQUAL_ASPECT * min(wide, tall):
        ax.set_aspect("equal")
    ax.set_title(field.name, fontsize="medium")
    ax.figure.colorbar(shown, ax=ax, label="rise above the sink (K)")
    return ax


def _warm_window(field: TriangulatedField) -> Array:
    """Two corners around what is warmer than a small part of the highest rise, m."""
    ends = np.array([field.points.min(axis=0), field.points.max(axis=0)])
    warm = field.points[field.value > _WARM_SHARE * field.value.max()]
    found = np.array([warm.min(axis=0), warm.max(axis=0)])
    margin = 0.08 * float(np.ptp(found, axis=0).max())
    found = np.clip([found[0] - margin, found[1] + margin], *ends)
    small = np.ptp(found, axis=0) > 0.7 * np.ptp(ends, axis=0)
    return np.where(small, ends, found)


def region_edges(field: TriangulatedField) -> Array:
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


def _draw_flux(ax: Axes, field: TriangulatedField, window: Array, factor: float) -> None:
    size = np.ptp(window, axis=0)
    step = size.max() / _ARROWS_PER_SIDE
    counts = np.maximum(np.round(size / step).astype(int), 3)
    lines = [np.linspace(a, b, 2 * n + 1)[1::2] for a, b, n in zip(window[0], window[1], counts, strict=True)]
    at = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(-1, 2)
    distance, nearest = KDTree(field.centres).query(at)
    flux = field.flux[nearest]
    strength = np.hypot(*flux.T)
    inside = strength > 1e-3 * strength.max()
    if field.axes[1] != "depth":  # a body need not fill the picture
        inside &= distance < max(_ARROW_REACH * step, float(np.median(distance)))
    at, flux, strength = at[inside], flux[inside], strength[inside]
    length = np.sqrt(strength / strength.max())
    direction = flux / strength[:, None] * length[:, None]
    ax.quiver(
        *(at / factor).T, *direction.T, angles="xy", scale=_ARROWS_PER_SIDE * 1.1, scale_units="width", pivot="middle",
        color="#7FDBFF", width=0.0035, headwidth=4.0,
    )  # fmt: skip


def _draw_region_names(ax: Axes, field: TriangulatedField, window: Array, factor: float) -> None:
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
        inside = seen & (field.region == number)
        if area[inside].sum() < 0.004 * area[seen].sum():
            continue
        place = middle[inside][np.argmax(free[inside])] / factor
        box: dict[str, Any] = {"boxstyle": "round,pad=0.15", "fc": "black", "alpha": 0.45, "lw": 0}
        ax.annotate(name, tuple(place), ha="center", va="center", color="white", fontsize="small", bbox=box)


def field_figure(field: TriangulatedField, jumps: Mapping[str, BoundaryJump], title: str, figure: Figure) -> Figure:
    """Draw a device of blocks or a body: the section, all of it and its warm part, and the jumps."""
    grid = figure.add_gridspec(2, 2, width_ratios=(1.5, 1.0), height_ratios=(1.2, 1.0))
    _field_section(field, ax=figure.add_subplot(grid[:, 0]))
    parts = np.ptp(_warm_window(field), axis=0) < 0.999 * np.ptp(field.points, axis=0)
    if parts.any():
        _field_section(field, ax=figure.add_subplot(grid[0, 1]), full=True).set_title("all of it", fontsize="medium")
    ax, names = figure.add_subplot(grid[1 if parts.any() else slice(None), 1]), list(jumps)
    for i, one in enumerate(jumps.values()):
        size = np.abs(one.jump)
        mean = float(np.average(size, weights=one.area))
        ax.barh(i, mean, color=LINE_COLOURS[1], height=0.6, label="mean" if i == 0 else None)
        label = "smallest to largest" if i == 0 else None
        ax.plot([size.min(), size.max()], [i, i], "-|", color="0.15", lw=1.2, label=label)
    ax.set_yticks(range(len(names)), [name.replace("|", " | ") for name in names])
    ax.set(xlabel="temperature jump (K)", ylim=(max(len(names), 4) - 0.4, -0.6), xlim=(0, None))
    if names:
        ax.legend(frameon=False, fontsize="small", loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderpad=0)
    figure.suptitle(title, fontsize="medium")
    return figure
