"""Figures of Boltzmann transport: temperatures along the normal with all mode temperatures, and spectra of the flux."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kapitza.core.arrays import Array
from kapitza.errors import InputError
from kapitza.plot.style import COLOURS, DASHES, beside, new_axes
from kapitza.units import THz, nm, um

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kapitza.simulate.boltzmann.result import Transport

MOST = 8  # mode temperatures that are drawn
WIDE = 3e3  # nm, above which positions are in µm
PLACES = 3  # at which spectra of the flux are drawn


def temperatures_along(result: Transport, ax: Axes | None = None) -> Axes:
    """Draw the temperature along the normal, and those of some groups of phonons in the background.

    Parameters
    ----------
    result : from `transport`
    ax : where to draw; a new figure if None

    Raises
    ------
    MissingEngine
        without matplotlib, if ax is None
    """
    ax = new_axes() if ax is None else ax
    scale, unit = (um, "µm") if result.edges[-1] > WIDE * nm else (nm, "nm")
    groups = [int(g) for g in np.unique(np.linspace(0, result.omega.size - 1, MOST).round())]
    if result.omega.size > 1:
        shades = np.linspace(0.05, 0.95, len(groups))
        for shade, group in zip(shades, groups, strict=True):
            colour = (0.9 * shade, 0.45, 0.9 * (1 - shade))  # blue: low frequencies, red: high ones
            name = f"{result.omega[group] / THz:.2g} THz" if result.omega[group] else f"band {group + 1}"
            ax.plot(result.position / scale, result.modes[:, group], color=colour, linewidth=0.8, label=name)
    ax.plot(result.position / scale, result.temperature, color="black", linewidth=2.0, label="energy density")
    ax.plot(result.position / scale, fourier_line(result), color="0.55", linestyle="--", label="bulk gradient")
    for edge in result.edges[1:-1]:
        ax.axvline(edge / scale, color="0.8", linewidth=0.8, zorder=0)
    ax.set(xlabel=f"position ({unit})", ylabel="temperature (K)", xlim=(0, result.edges[-1] / scale))
    beside(ax)
    return ax


def fourier_line(result: Transport) -> Array:
    """(nx,) straight lines of the bulk gradient through the middle of each layer, K."""
    layer = np.clip(np.searchsorted(result.edges, result.position) - 1, 0, len(result.names) - 1)
    middle = (result.edges[1:] + result.edges[:-1]) / 2
    return result.middle[layer] - result.flux / result.conductivity[layer] * (result.position - middle[layer])


def flux_spectrum(result: Transport, at: Sequence[float] | None = None, ax: Axes | None = None) -> Axes:
    """Draw which frequencies carry the heat, at some places.

    Parameters
    ----------
    result : from `transport`, with bands that have frequencies
    at : positions, m; the middle of each layer and both sides of the first boundary if None
    ax : where to draw; a new figure if None

    Raises
    ------
    InputError
        for bands without frequencies
    MissingEngine
        without matplotlib, if ax is None
    """
    if not result.bounds.size:
        raise InputError(f"{result.method}: a spectrum needs bands with frequencies, got {result.omega.size} without")
    ax = new_axes() if ax is None else ax
    middle = (result.edges[1:] + result.edges[:-1]) / 2
    places = [*middle[:PLACES], *result.edges[1:2]][: PLACES + 1] if at is None else list(at)
    width = np.diff(result.bounds)
    for i, place in enumerate(sorted(places)):
        k = int(np.abs(result.position - place).argmin())
        share = result.spectral_flux[k] / result.flux / width * THz
        ax.plot(
            result.omega / THz,
            100 * share,
            color=COLOURS[i % len(COLOURS)],
            linestyle=DASHES[i % len(DASHES)],
            label=f"at {result.position[k] / nm:.3g} nm",
        )
    ax.set(xlabel="frequency (THz)", ylabel="share of the heat flux (% THz⁻¹)", xlim=(0, None))
    beside(ax)
    return ax


def three_resistances(
    results: Sequence[Transport], parameter: Sequence[float], label: str, ax: Axes | None = None
) -> Axes:
    """Draw the three resistances of the first boundary against something.

    Parameters
    ----------
    results : stacks that differ in one thing
    parameter : (n,) what it is, in the unit of the label
    label : of the axis
    ax : where to draw; a new figure if None

    Raises
    ------
    InputError
        for unequal numbers of results and parameters
    MissingEngine
        without matplotlib, if ax is None
    """
    if len(results) != len(parameter):
        raise InputError(f"got {len(parameter)} parameters for {len(results)} results")
    ax = new_axes() if ax is None else ax
    for i, drop in enumerate(("emitted", "local", "extrapolated")):
        value = [one.drop(0, drop) / one.flux * 1e9 for one in results]
        ax.plot(parameter, value, color=COLOURS[i], linestyle=DASHES[i], marker="o", markersize=3.5, label=drop)
    ax.set(xlabel=label, ylabel="resistance (m² K GW⁻¹)", ylim=(0, None))
    beside(ax, title="temperature drop")
    return ax


def transport_figure(result: Transport, figure: Figure) -> None:
    """Draw temperatures, and the spectrum of the flux where bands have frequencies, into a figure."""
    if not result.bounds.size:
        temperatures_along(result, figure.add_subplot())
        return
    upper, lower = figure.subplots(2, 1)
    temperatures_along(result, upper)
    flux_spectrum(result, ax=lower)
