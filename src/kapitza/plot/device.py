"""Devices drawn: a section with isotherms and jumps, a plane, shares, responses, sweeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array
from kapitza.device.description import Device
from kapitza.device.network import Foster
from kapitza.device.result import DeviceTemperatures, Response, TemperatureField
from kapitza.device.shapes import Disc, GaussianSpot, HeatMap
from kapitza.errors import require
from kapitza.plot.style import COLOURS, DASHES, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEAT = "inferno"
LEVELS = 9
THINNEST = 0.6  # height of a layer, however thin, in those that ten times the thickness adds
AROUND = 7.0  # widths of a source that a section shows
EVEN = 1.5  # of steps of time up to which their axis is linear
BESIDE = 2.5  # lengths of a source that a plane shows


def device_section(field: TemperatureField, device: Device, ax: Axes | None = None) -> Axes:
    """Draw a section through the layers: temperatures, isotherms, boundaries as the steps that they are.

    Layers differ in thickness by orders of magnitude, so that each is drawn at a height that goes with the logarithm of
    its thickness, and the depths stand at the axis.

    Parameters
    ----------
    field : of `section_map`
    device : of which it is
    ax : to draw on; new ones if None
    """
    ax = ax or new_axes()
    factor, unit = length_unit(float(np.ptp(field.x)))
    edges, heights = drawn_depths(field.y)
    top = float(field.value.max())
    shown: Any = None
    levels = np.linspace(0, top, LEVELS + 2)[1:-1]
    for i, (start, stop) in enumerate(pieces(field.y)):
        depth = field.y[start:stop]
        place = np.interp(depth, edges[i : i + 2], heights[i : i + 2])
        value = field.value[:, start:stop].T
        shown = ax.pcolormesh(field.x / factor, place, value, cmap=HEAT, vmin=0, vmax=top, shading="gouraud")
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
    ax.set_yticks(list(heights), [depth_label(depth) for depth in edges])
    ax.set(xlabel=f"x ({unit})", ylabel="depth", ylim=(heights[-1], heights[0]))
    ax.figure.colorbar(shown, ax=ax, label="rise above the sink (K)")
    return ax


def pieces(depths: Array) -> list[tuple[int, int]]:
    """First index and end of each layer in depths that stand twice at boundaries."""
    cuts = [0, *(np.flatnonzero(np.diff(depths) == 0) + 1).tolist(), depths.size]
    return [(a, b) for a, b in pairwise(cuts) if b - a > 1]


def drawn_depths(depths: Array) -> tuple[Array, Array]:
    """Depths of the faces of all layers, m, and heights at which they are drawn, 0 to 1."""
    edges = np.array([depths[0], *(depths[stop - 1] for _, stop in pieces(depths))])
    thick = np.diff(edges)
    shares = THINNEST + np.log10(1 + thick / thick.min())
    return edges, np.concatenate([[0.0], np.cumsum(shares / shares.sum())])


def depth_label(depth: float) -> str:
    """A depth in the unit that suits it."""
    factor, unit = length_unit(depth)
    return f"{depth / factor:.4g} {unit}" if depth else "0"


def length_unit(size: float) -> tuple[float, str]:
    """Multiple of the metre in which a length is read most easily."""
    for factor, unit in ((1e-2, "cm"), (1e-3, "mm"), (1e-6, "µm")):
        if size >= 2 * factor:
            return factor, unit
    return (1e-6, "µm") if size >= 1e-6 else (1e-9, "nm")


def device_plane(field: TemperatureField, device: Device | None = None, ax: Axes | None = None) -> Axes:
    """Draw temperatures on a plane, with the outlines of the sources of a device.

    Parameters
    ----------
    field : of `plane_map`
    device : whose sources are outlined
    ax : to draw on; new ones if None
    """
    ax = ax or new_axes()
    factor, unit = length_unit(float(max(np.ptp(field.x), np.ptp(field.y))))
    x, y = field.x / factor, field.y / factor
    shown = ax.pcolormesh(x, y, field.value.T, cmap=HEAT, vmin=0, shading="nearest", rasterized=True)
    ax.contour(x, y, field.value.T, levels=LEVELS, colors="white", linewidths=0.6, alpha=0.7)
    for source in () if device is None else device.sources:
        if source.shape is not None and not isinstance(source.shape, HeatMap):
            outline(ax, source.shape.extent, factor, round_one=isinstance(source.shape, (Disc, GaussianSpot)))
    ax.set(xlabel=f"x ({unit})", ylabel=f"y ({unit})", aspect="equal", xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    ax.figure.colorbar(shown, ax=ax, label="rise above the sink (K)")
    where = f"{field.name}, {depth_label(field.at)} deep" if field.at else f"top of {field.name}"
    ax.set_title(where, fontsize="medium")
    return ax


def outline(
    ax: Axes, extent: tuple[tuple[float, float], tuple[float, float]], factor: float, *, round_one: bool
) -> None:
    """Outline one source."""
    patches = require("matplotlib.patches", extra="plot", why="drawing a figure")
    (left, right), (front, back) = extent
    width, height = (right - left) / factor, (back - front) / factor
    corner = left / factor, front / factor
    if round_one:
        middle = corner[0] + width / 2, corner[1] + height / 2
        ax.add_patch(patches.Ellipse(middle, width, height, fill=False, ec="cyan", lw=1.0))
    else:
        ax.add_patch(patches.Rectangle(corner, width, height, fill=False, ec="cyan", lw=1.0))


def device_shares(found: DeviceTemperatures, ax: Axes | None = None) -> Axes:
    """Draw what each layer and boundary takes of the hottest rise: boundaries in colour, with standard uncertainties.

    Parameters
    ----------
    found : temperatures of a device
    ax : to draw on; new ones if None
    """
    ax = ax or new_axes()
    names = list(found.drop)
    drops = [found.drop[name] for name in names]
    colours = [COLOURS[1] if "|" in name else "0.6" for name in names]
    place = np.arange(len(names))
    ax.barh(place, drops, color=colours, height=0.7)
    for i, (name, drop) in enumerate(zip(names, drops, strict=True)):
        ax.annotate(f" {drop:.3g} K ({100 * found.share[name]:.0f} %)", (drop, i), va="center", fontsize="small")
    ax.set_yticks(place, [name.replace("|", " | ") for name in names])
    ax.set(xlabel="drop below the hottest point (K)", ylim=(len(names) - 0.4, -0.6), xlim=(0, 1.9 * max(drops)))
    sigma = "" if found.sigma is None else f" ± {found.sigma:.2g}"
    ax.set_title(f"{found.peak:.4g}{sigma} K above {found.sink:g} K", fontsize="medium")
    return ax


def device_response(found: Response, network: Foster | None = None, power: float = 1.0, ax: Axes | None = None) -> Axes:
    """Draw temperatures against time, and a network over them.

    Parameters
    ----------
    found : of `step_response`
    network : drawn dashed, for the power (W) of the device
    power : W
    ax : to draw on; new ones if None
    """
    ax = ax or new_axes()
    rows = {"hottest point": found.peak, **{f"{name}, averaged": rise for name, rise in found.average.items()}}
    for (name, rise), colour, dash in zip(rows.items(), COLOURS, DASHES, strict=False):
        ax.plot(found.time, rise, color=colour, ls=dash, label=name)
    steps = np.diff(found.time)
    even = bool(steps.size and steps.max() < EVEN * steps.min())
    if network is not None:
        label = f"network of {network.resistance.size}, ± {network.error * power:.1g} K"
        ax.plot(found.time, power * network.rise(found.time), "k:", lw=2.2, label=label)
    what = "time (s)" if even else "time after the power is on (s)"
    ax.set(xlabel=what, ylabel="rise above the sink (K)", xscale="linear" if even else "log")
    if min(float(rise.min()) for rise in rows.values()) >= 0:
        ax.set(ylim=(0, None))
    ax.grid(visible=True, color="0.92", lw=0.6)
    ax.legend(frameon=False, fontsize="small")
    return ax


def device_sweep(
    values: ArrayLike, rises: Mapping[str, Sequence[float]], label: str, *, factor: float = 1.0, ax: Axes | None = None
) -> Axes:
    """Draw rises against a number of the device.

    Parameters
    ----------
    values : (n,) SI
    rises : (n,) K of each curve by name
    label : of the number, with its unit
    factor : of that unit in SI
    ax : to draw on; new ones if None
    """
    ax = ax or new_axes()
    x = np.asarray(values, dtype=float) / factor
    for (name, rise), colour, dash in zip(rises.items(), COLOURS, DASHES, strict=False):
        ax.plot(x, list(rise), color=colour, ls=dash, label=name)
    wide = bool(x.min() > 0 and x.max() > 30 * x.min())
    ax.set(xlabel=label, ylabel="rise above the sink (K)", xscale="log" if wide else "linear")
    ax.legend(frameon=False, fontsize="small")
    return ax


def device_figure(
    found: DeviceTemperatures, device: Device, section_field: TemperatureField, plane: TemperatureField, figure: Figure
) -> Figure:
    """Draw a whole device: section, hottest plane, shares.

    Parameters
    ----------
    found : its temperatures
    device : itself
    section_field, plane : of `section_map` and `plane_map`
    figure : to draw on
    """
    grid = figure.add_gridspec(2, 2, width_ratios=(1.15, 1.0))
    ax = device_section(section_field, device, ax=figure.add_subplot(grid[:, 0]))
    zoom(ax, "x", section_field.x, AROUND * width_of(found, device, 0), float(found.place[0]))
    ax = device_plane(plane, device, ax=figure.add_subplot(grid[0, 1]))
    length = BESIDE * max(width_of(found, device, axis) for axis in (0, 1))
    zoom(ax, "x", plane.x, length, float(found.place[0]), span=plane)
    zoom(ax, "y", plane.y, length, float(found.place[1]), span=plane)
    device_shares(found, ax=figure.add_subplot(grid[1, 1]))
    figure.suptitle(device.title, fontsize="medium")
    return figure


def width_of(found: DeviceTemperatures, device: Device, axis: int) -> float:
    """Width of the source nearest to the hottest point along x (0) or y (1), m; infinite where there is none."""
    place = float(found.place[axis])
    best = np.inf, np.inf
    for source in device.sources:
        if source.shape is not None and not isinstance(source.shape, HeatMap):
            low, high = source.shape.extent[axis]
            best = min(best, (max(low - place, place - high, 0.0), high - low))
    return best[1]


def zoom(
    ax: Axes, letter: str, values: Array, width: float, middle: float, span: TemperatureField | None = None
) -> None:
    """Show only the surroundings of a place, m, on an axis that is drawn in its own unit."""
    size = float(np.ptp(values)) if span is None else float(max(np.ptp(span.x), np.ptp(span.y)))
    factor, _ = length_unit(size)
    low, high = max(float(values[0]), middle - width / 2), min(float(values[-1]), middle + width / 2)
    if high - low < 0.7 * float(np.ptp(values)):
        ax.set(**{f"{letter}lim": (low / factor, high / factor)})
