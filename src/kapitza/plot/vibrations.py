"""Vibrations near an interface: density of states by layer and element, localised modes, and what they carry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kapitza.core.arrays import Array
from kapitza.plot.style import (
    LINE_COLOURS,
    LINE_DASHES,
    MODES_PER_NM2,
    POINT_MARKERS,
    legend_beside,
    legend_inside,
    new_axes,
)
from kapitza.theory.agf.interface_modes import MODE_KINDS, InterfaceModes
from kapitza.theory.agf.local_current import LocalCurrent
from kapitza.theory.agf.local_density import LocalDensity
from kapitza.units import THz, nm

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def density_map(result: LocalDensity, *, ax: Axes | None = None) -> Axes:
    """Draw the density of states over the height above the interface and frequency, per coordinate.

    Parameters
    ----------
    result : local density of states
    ax : where to draw; a new figure if None

    Raises
    ------
    MissingEngine
        without matplotlib, if ax is None
    """
    ax = new_axes() if ax is None else ax
    edges = cell_borders(result.height) / nm
    density = result.by_layer * THz
    top = float(np.percentile(density, 99.5))
    surface = ax.pcolormesh(
        edges, cell_borders(result.omega) / THz, density, cmap="magma", vmin=0, vmax=top or None, rasterized=True
    )
    ax.figure.colorbar(surface, ax=ax, label="density of states (THz⁻¹)")
    ax.axvline(0, color="white", linewidth=0.8, linestyle=":")
    ax.set(xlabel="height over the interface (nm)", ylabel="frequency (THz)", ylim=(0, None))
    return ax


def cell_borders(middle: Array) -> Array:
    """(n + 1,) borders between values that increase, and as far outside as inside."""
    if middle.size < 2:
        return np.concatenate([middle - 0.5, middle + 0.5])
    between = (middle[:-1] + middle[1:]) / 2
    return np.concatenate([[2 * middle[0] - between[0]], between, [2 * middle[-1] - between[-1]]])


def projected_density(result: LocalDensity, layers: Sequence[int], *, ax: Axes | None = None) -> Axes:
    """Draw the density of states of some layers by element and direction, before those of both crystals.

    Parameters
    ----------
    result : local density of states
    layers : numbers of the layers, such as those of the interface
    ax : where to draw; a new figure if None

    Raises
    ------
    MissingEngine
        without matplotlib, if ax is None
    """
    ax = new_axes() if ax is None else ax
    for side, shade in ((result.left, "0.88"), (result.right, "0.76")):
        name = "left" if side is result.left else "right"
        ax.fill_between(result.omega / THz, side.mean(axis=1) * THz, color=shade, label=f"crystal on the {name}")
    inside = np.isin(result.layer, layers)
    element = np.array(result.symbol)[result.atom]
    for i, symbol in enumerate(dict.fromkeys(element[inside])):
        for j, (along, what) in enumerate(
            ((result.direction == 2, "along the normal"), (result.direction < 2, "in the plane"))
        ):
            columns = inside & (element == symbol) & along
            if columns.any():
                ax.plot(
                    result.omega / THz,
                    result.value[:, columns].mean(axis=1) * THz,
                    color=LINE_COLOURS[i % len(LINE_COLOURS)],
                    linestyle=LINE_DASHES[j],
                    linewidth=1.7,
                    label=f"{symbol} {what}",
                )
    ax.set(
        xlabel="frequency (THz)", ylabel="density of states of the\ninterface (THz⁻¹)", xlim=(0, None), ylim=(0, None)
    )
    legend_beside(ax)
    return ax


def localised_modes(result: InterfaceModes, *, ax: Axes | None = None) -> Axes:
    """Draw frequency and share on the interface of each localised mode; bars are the widths of resonances.

    Parameters
    ----------
    result : table of modes
    ax : where to draw; a new figure if None

    Raises
    ------
    MissingEngine
        without matplotlib, if ax is None
    """
    ax = new_axes() if ax is None else ax
    for i, kind in enumerate(MODE_KINDS):
        rows = result.kind == i
        if rows.any():
            ax.errorbar(
                result.omega[rows] / THz,
                100 * result.share[rows],
                xerr=result.width[rows] / 2 / THz,
                fmt=POINT_MARKERS[i],
                color=LINE_COLOURS[i],
                ecolor="0.7",
                elinewidth=1.0,
                markersize=5,
                alpha=0.75,
                label=kind,
            )
    ax.set(xlabel="frequency (THz)", ylabel="share on the interface (%)", xlim=(0, None), ylim=(0, 103))
    if result.omega.size:
        legend_beside(ax)
    return ax


def interface_current(result: LocalCurrent, *, ax: Axes | None = None) -> Axes:
    """Draw the transmission function and the part of it that modes of the interface carry.

    Parameters
    ----------
    result : local current
    ax : where to draw; a new figure if None

    Raises
    ------
    MissingEngine
        without matplotlib, if ax is None
    """
    ax = new_axes() if ax is None else ax
    ax.plot(
        result.omega / THz,
        result.total / MODES_PER_NM2,
        color=LINE_COLOURS[0],
        linewidth=1.9,
        label="all that crosses",
    )
    own = "through modes\nof the interface"
    ax.fill_between(result.omega / THz, result.localised / MODES_PER_NM2, color=LINE_COLOURS[1], alpha=0.8, label=own)
    ax.set(xlabel="frequency (THz)", ylabel="modes that cross (nm⁻²)", xlim=(0, None), ylim=(0, None))
    legend_beside(ax)
    return ax


def vibrations_figure(density: LocalDensity, modes: InterfaceModes, current: LocalCurrent, figure: Figure) -> None:
    """Draw all four of them into a figure.

    Parameters
    ----------
    density : local density of states
    modes : localised modes
    current : local current
    figure : empty, about 10 by 7.6 inches
    """
    axes = figure.subplots(2, 2)
    density_map(density, ax=axes[0, 0])
    projected_density(density, modes.interface.tolist(), ax=axes[0, 1])
    localised_modes(modes, ax=axes[1, 0])
    interface_current(current, ax=axes[1, 1])
    for ax in axes.flat:
        legend_inside(ax)
    figure.suptitle(density.method, fontsize="medium")
