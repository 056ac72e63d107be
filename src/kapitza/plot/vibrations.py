"""Vibrations near an interface: density of states by layer and element, localised modes, and what they carry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kapitza.plot import style
from kapitza.theory.agf.interface_modes import MODE_KINDS, InterfaceModes
from kapitza.theory.agf.local_density import LocalCurrent, LocalDensity
from kapitza.units import THz, nm

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def density_map(result: LocalDensity, *, ax: Axes | None = None) -> Axes:
    """Draw the density of states over the height above the interface and frequency, per coordinate."""
    ax = style.new_axes() if ax is None else ax
    edges = style.cell_borders(result.height) / nm
    density = result.by_layer * THz
    top = float(np.percentile(density, 99.5))
    surface = ax.pcolormesh(
        edges, style.cell_borders(result.omega) / THz, density, cmap="magma", vmin=0, vmax=top or None, rasterized=True
    )
    ax.figure.colorbar(surface, ax=ax, label="density of states (THz⁻¹)")
    ax.axvline(0, color="white", linewidth=0.8, linestyle=":")
    return style.finish(ax, "height over the interface (nm)", "frequency (THz)", ylim=(0, None))


def projected_density(result: LocalDensity, layers: Sequence[int], *, ax: Axes | None = None) -> Axes:
    """Draw the density of states of some layers, such as those of the interface, by element and direction.

    That of both crystals stands behind.
    """
    ax = style.new_axes() if ax is None else ax
    for side, shade in ((result.left, "0.88"), (result.right, "0.76")):
        name = "left" if side is result.left else "right"
        ax.fill_between(result.omega / THz, side.mean(axis=1) * THz, color=shade, label=f"crystal on the {name}")
    inside = np.isin(result.layer, layers)
    element = np.array(result.symbol)[result.atom]
    for i, symbol in enumerate(dict.fromkeys(element[inside])):
        colour, directions = style.line_style(i)["color"], (result.direction == 2, result.direction < 2)
        for along, dash, name in zip(directions, style.LINE_DASHES, ("along the normal", "in the plane"), strict=False):
            columns = inside & (element == symbol) & along
            if columns.any():
                value, label = result.value[:, columns].mean(axis=1) * THz, f"{symbol} {name}"
                ax.plot(result.omega / THz, value, color=colour, linestyle=dash, linewidth=1.7, label=label)
    words = "density of states of the\ninterface (THz⁻¹)"
    return style.finish(ax, "frequency (THz)", words, xlim=(0, None), ylim=(0, None), legend="beside")


def localised_modes(result: InterfaceModes, *, ax: Axes | None = None) -> Axes:
    """Draw frequency and share on the interface of each localised mode; bars are the widths of resonances."""
    ax = style.new_axes() if ax is None else ax
    for i, kind in enumerate(MODE_KINDS):
        rows = result.kind == i
        if rows.any():
            x, y, half = result.omega[rows] / THz, 100 * result.share[rows], result.width[rows] / 2 / THz
            ax.errorbar(
                x, y, xerr=half, fmt=style.POINT_MARKERS[i], color=style.LINE_COLOURS[i], ecolor="0.7", elinewidth=1.0,
                markersize=5, alpha=0.75, label=kind,
            )  # fmt: skip
    ax.set(xlabel="frequency (THz)", ylabel="share on the interface (%)", xlim=(0, None), ylim=(0, 103))
    if result.omega.size:
        style.legend_beside(ax)
    return ax


def interface_current(result: LocalCurrent, *, ax: Axes | None = None) -> Axes:
    """Draw the transmission function and the part of it that modes of the interface carry."""
    ax = style.new_axes() if ax is None else ax
    x, total, localised = result.omega / THz, result.total / style.MODES_PER_NM2, result.localised / style.MODES_PER_NM2
    ax.plot(x, total, color=style.LINE_COLOURS[0], linewidth=1.9, label="all that crosses")
    ax.fill_between(x, localised, color=style.LINE_COLOURS[1], alpha=0.8, label="through modes\nof the interface")
    ax.set(xlabel="frequency (THz)", ylabel="modes that cross (nm⁻²)", xlim=(0, None), ylim=(0, None))
    return style.finish(ax, legend="beside")


def vibrations_figure(density: LocalDensity, modes: InterfaceModes, current: LocalCurrent, figure: Figure) -> None:
    """Draw all four of them into a figure of about 10 by 7.6 inches."""
    axes = figure.subplots(2, 2)
    density_map(density, ax=axes[0, 0])
    projected_density(density, modes.interface.tolist(), ax=axes[0, 1])
    localised_modes(modes, ax=axes[1, 0])
    interface_current(current, ax=axes[1, 1])
    if modes.omega.size:
        axes[1, 0].legend(
            loc="lower left", bbox_to_anchor=(0.0, 1.0), borderaxespad=0.0, frameon=False, fontsize="x-small",
            ncols=len(MODE_KINDS),
        )  # fmt: skip
    for ax in (axes[0, 1], axes[1, 1]):
        style.legend_inside(ax)
    figure.suptitle(density.method, fontsize="medium")
