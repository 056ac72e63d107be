"""Boltzmann transport: temperatures and spectral flux along the normal, and Monte Carlo maps beside Fourier's law."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kapitza.core.arrays import Array
from kapitza.errors import InputError
from kapitza.plot.style import LINE_COLOURS, finish, line_style, new_axes, readable_unit, shaded_bands
from kapitza.units import THz, nm

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kapitza.simulate.boltzmann.layered.transport import Transport
    from kapitza.simulate.boltzmann.monte_carlo.simulation import TransportMap

_FLUX_PLACES = 3  # at which spectra of the flux are drawn


def transport_profile(result: Transport, ax: Axes | None = None) -> Axes:
    """Draw the temperature along the normal, and those of some groups of phonons in the background."""
    ax = new_axes() if ax is None else ax
    scale, unit = readable_unit(result.edges[-1])
    if result.omega.size > 1:
        for group, colour in shaded_bands(result.omega.size):
            name = f"{result.omega[group] / THz:.2g} THz" if result.omega[group] else f"band {group + 1}"
            ax.plot(result.position / scale, result.modes[:, group], color=colour, linewidth=0.8, label=name)
    ax.plot(result.position / scale, result.temperature, color="black", linewidth=2.0, label="energy density")
    layer = np.clip(np.searchsorted(result.edges, result.position) - 1, 0, len(result.names) - 1)
    from_middle = result.position - ((result.edges[1:] + result.edges[:-1]) / 2)[layer]
    bulk = result.midplane_temperature[layer] - result.flux / result.conductivity[layer] * from_middle
    ax.plot(result.position / scale, bulk, color="0.55", linestyle="--", label="bulk gradient")
    for edge in result.edges[1:-1]:
        ax.axvline(edge / scale, color="0.8", linewidth=0.8, zorder=0)
    return finish(ax, f"position ({unit})", "temperature (K)", xlim=(0, result.edges[-1] / scale), legend="beside")


def flux_spectrum(result: Transport, at: Sequence[float] | None = None, ax: Axes | None = None) -> Axes:
    """Draw which frequencies carry the heat, at some places.

    Parameters
    ----------
    result : from `transport`, with bands that have frequencies
    at : positions, m; the middle of each layer and both sides of the first boundary if None

    Raises
    ------
    InputError
        for bands without frequencies
    """
    if not result.bounds.size:
        raise InputError(f"{result.method}: a spectrum needs bands with frequencies, got {result.omega.size} without")
    ax = new_axes() if ax is None else ax
    middle = (result.edges[1:] + result.edges[:-1]) / 2
    places = [*middle[:_FLUX_PLACES], *result.edges[1:2]][: _FLUX_PLACES + 1] if at is None else list(at)
    width = np.diff(result.bounds)
    for i, place in enumerate(sorted(places)):
        k = int(np.abs(result.position - place).argmin())
        share = result.spectral_flux[k] / result.flux / width * THz
        ax.plot(result.omega / THz, 100 * share, **line_style(i), label=f"at {result.position[k] / nm:.3g} nm")
    return finish(ax, "frequency (THz)", "share of the heat flux (% THz⁻¹)", xlim=(0, None), legend="beside")


def transport_figure(result: Transport, figure: Figure) -> None:
    """Draw temperatures, and the spectrum of the flux where bands have frequencies, into a figure."""
    if not result.bounds.size:
        transport_profile(result, figure.add_subplot())
        return
    upper, lower = figure.subplots(2, 1)
    transport_profile(result, upper)
    flux_spectrum(result, ax=lower)


def transport_map(result: TransportMap, ax: Axes | None = None) -> Axes:
    """Draw the temperature of a domain: a map of two dimensions, a line of one.

    Of three dimensions, the plane through the hottest cell normal to the third axis.
    """
    ax = new_axes() if ax is None else ax
    scale, unit = readable_unit(max(float(one[-1] - one[0]) for one in result.edges))
    if len(result.edges) == 1:
        x = result.centres[0] / scale
        ax.errorbar(x, result.temperature, result.temperature_sigma, fmt=".", color=LINE_COLOURS[0])
        ax.set(xlabel=f"x ({unit})", ylabel="temperature (K)")
        return ax
    temperature, region = result.temperature, result.region
    if temperature.ndim == 3:
        k = int(np.unravel_index(np.nanargmax(temperature), temperature.shape)[2])
        temperature, region = temperature[:, :, k], region[:, :, k]
    x, y = (one / scale for one in result.edges[:2])
    drawn = ax.pcolormesh(x, y, temperature.T, cmap="inferno")
    ax.figure.colorbar(drawn, ax=ax, label="temperature (K)", shrink=0.8)
    # outlines of the regions, up to the frame: a cell is repeated beyond each end
    places = [np.concatenate([e[:1], (e[1:] + e[:-1]) / 2, e[-1:]]) for e in (x, y)]
    for line in np.unique(region)[:-1]:
        ax.contour(*places, np.pad(region, 1, "edge").T, [line + 0.5], colors="white")
    ax.set(xlabel=f"x ({unit})", ylabel=f"y ({unit})", aspect="equal")
    return ax


def fourier_comparison(result: TransportMap, fourier: Array, ax: Axes | None = None) -> Axes:
    """Draw the temperature along the line through the hottest cell, beside that of Fourier's law
    (`fourier_temperature`).

    The line runs along the last axis but one of three dimensions, along the last of two.
    """
    if fourier.shape != result.temperature.shape:
        raise InputError(f"temperatures of {fourier.shape} cells beside {result.temperature.shape}: take one spacing")
    ax = new_axes() if ax is None else ax
    axis = min(1, fourier.ndim - 1)
    hottest = list(np.unravel_index(np.nanargmax(fourier), fourier.shape))
    line = tuple(slice(None) if a == axis else i for a, i in enumerate(hottest))
    x = result.centres[axis] / nm
    value, sigma = result.temperature[line], result.temperature_sigma[line]
    ax.errorbar(x, value, sigma, fmt=".", color=LINE_COLOURS[0], label="Boltzmann")
    ax.plot(x, fourier[line], color="0.4", drawstyle="steps-mid", label="Fourier")
    ax.set(xlabel=f"{'xyz'[axis]} (nm)", ylabel="temperature (K)")
    ax.legend()
    return ax


def transport_map_figure(result: TransportMap, fourier: Array, figure: Figure) -> None:
    """Draw the map and the line beside Fourier's law into a figure."""
    if len(result.edges) > 1:
        upper, lower = figure.subplots(2, 1)
        transport_map(result, upper)
        fourier_comparison(result, fourier, lower)
    else:
        fourier_comparison(result, fourier, figure.add_subplot())
