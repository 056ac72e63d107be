"""Figures of Monte Carlo: temperature over a plane, or along a line, with its error bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kapitza.core.arrays import Array
from kapitza.errors import InputError
from kapitza.plot.style import COLOURS, new_axes
from kapitza.units import nm, um

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kapitza.simulate.boltzmann.transport_map import TransportMap

WIDE = 3e3  # nm, above which positions are in µm
ORDER = "xyz"


def transport_map(result: TransportMap, ax: Axes | None = None) -> Axes:
    """Draw the temperature of a domain: a map of two dimensions, a line of one.

    Of three dimensions, the plane through the hottest cell normal to the third axis.

    Parameters
    ----------
    result : from `monte_carlo`
    ax : where to draw; a new figure if None

    Raises
    ------
    MissingEngine
        without matplotlib, if ax is None
    """
    ax = new_axes() if ax is None else ax
    longest = max(float(one[-1] - one[0]) for one in result.edges)
    scale, unit = (um, "µm") if longest > WIDE * nm else (nm, "nm")
    if len(result.edges) == 1:
        ax.errorbar(result.centres[0] / scale, result.temperature, result.temperature_sigma, fmt=".", color=COLOURS[0])
        ax.set(xlabel=f"x ({unit})", ylabel="temperature (K)")
        return ax
    temperature, region = result.temperature, result.region
    if temperature.ndim == 3:
        k = int(np.unravel_index(np.nanargmax(temperature), temperature.shape)[2])
        temperature, region = temperature[:, :, k], region[:, :, k]
    x, y = (one / scale for one in result.edges[:2])
    drawn = ax.pcolormesh(x, y, temperature.T, cmap="inferno")
    ax.figure.colorbar(drawn, ax=ax, label="temperature (K)", shrink=0.8)
    for line in np.unique(region)[:-1]:  # outlines of the regions
        ax.contour(*(np.convolve(e, [0.5, 0.5], "valid") for e in (x, y)), region.T, [line + 0.5], colors="white")
    ax.set(xlabel=f"x ({unit})", ylabel=f"y ({unit})", aspect="equal")
    return ax


def beside_fourier(result: TransportMap, fourier: Array, ax: Axes | None = None) -> Axes:
    """Draw the temperature along the line through the hottest cell, beside that of Fourier's law.

    The line runs along the last axis but one of three dimensions, along the last of two.

    Parameters
    ----------
    result : from `monte_carlo`
    fourier : (n₁, ...) from `fourier_temperature`, K
    ax : where to draw; a new figure if None

    Raises
    ------
    InputError
        for temperatures of other cells
    MissingEngine
        without matplotlib, if ax is None
    """
    if fourier.shape != result.temperature.shape:
        raise InputError(f"temperatures of {fourier.shape} cells beside {result.temperature.shape}: take one spacing")
    ax = new_axes() if ax is None else ax
    axis = min(1, fourier.ndim - 1)
    hottest = list(np.unravel_index(np.nanargmax(fourier), fourier.shape))
    line = tuple(slice(None) if a == axis else i for a, i in enumerate(hottest))
    x = result.centres[axis] / nm
    ax.errorbar(
        x, result.temperature[line], result.temperature_sigma[line], fmt=".", color=COLOURS[0], label="Boltzmann"
    )
    ax.plot(x, fourier[line], color="0.4", drawstyle="steps-mid", label="Fourier")
    ax.set(xlabel=f"{ORDER[axis]} (nm)", ylabel="temperature (K)")
    ax.legend()
    return ax


def transport_map_figure(result: TransportMap, fourier: Array, figure: Figure) -> None:
    """Draw the map and the line beside Fourier's law into a figure.

    Parameters
    ----------
    result, fourier : as for `beside_fourier`
    figure : to draw into
    """
    if len(result.edges) > 1:
        upper, lower = figure.subplots(2, 1)
        transport_map(result, upper)
        beside_fourier(result, fourier, lower)
    else:
        beside_fourier(result, fourier, figure.add_subplot())
