"""Spectral transmission: predicted, accumulated, and estimated from measurements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kapitza.core.arrays import temperatures
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError
from kapitza.plot.style import LINE_COLOURS, MODES_PER_NM2, legend_beside, line_style, new_axes, power_unit
from kapitza.units import THz

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kapitza.measure.spectral_inversion import SpectralEstimate

_CONFIDENCE_LEVEL = 0.95


def transmission(*results: Transmission, labels: Sequence[str] | None = None, ax: Axes | None = None) -> Axes:
    """Draw spectral transmission functions, with the modes of both sides of the first.

    Parameters
    ----------
    results : transmissions of one interface, e.g. by several models
    labels : for the legend; the methods if None

    Raises
    ------
    InputError
        for labels that are not as many as the results
    """
    names = [result.method or "transmission" for result in results] if labels is None else list(labels)
    if len(names) != len(results):
        raise InputError(f"got {len(names)} labels for {len(results)} transmissions")
    ax = new_axes() if ax is None else ax
    left: dict[str, Any] = {"facecolor": "0.86", "edgecolor": "none"}
    right: dict[str, Any] = {"facecolor": "none", "edgecolor": "0.6", "hatch": "////"}
    for result in results[:1]:
        for side, modes, look in (("left", result.left, left), ("right", result.right, right)):
            if modes is not None:
                label = f"modes of the {side} side"
                ax.fill_between(result.omega / THz, modes / MODES_PER_NM2, **look, linewidth=0.6, label=label)
    for i, result in enumerate(results):
        ax.plot(result.omega / THz, result.total / MODES_PER_NM2, **line_style(i), linewidth=1.9, label=names[i])
    ax.set(xlabel="frequency (THz)", ylabel="transmission function, modes (nm⁻²)", xlim=(0, None), ylim=(0, None))
    legend_beside(ax)
    return ax


def accumulation(result: Transmission, temperature: ArrayLike = 300.0, ax: Axes | None = None) -> Axes:
    """Draw the share of the emitted conductance that frequencies up to a limit carry.

    Parameters
    ----------
    temperature : (nT,) K, one curve each

    Raises
    ------
    InputError
        for temperatures not above 0 K, or at which the transmission does not hold
    """
    kelvin = temperatures(temperature)
    carried = result.accumulation(kelvin)
    ax = new_axes() if ax is None else ax
    for i, (one, share) in enumerate(zip(kelvin, carried, strict=True)):
        total = share[-1]
        scale, unit = power_unit(np.array([total]))
        percent = 100 * share / total if total > 0 else share
        label = f"{one:g} K: {total / scale:.4g} {unit} m⁻² K⁻¹"
        ax.plot(result.omega / THz, percent, **line_style(i), linewidth=1.9, label=label)
    ax.set(xlabel="frequency (THz)", ylabel="share of the conductance below (%)", xlim=(0, None), ylim=(0, 103))
    ax.set_title(result.method, fontsize="medium")
    legend_beside(ax, title="emitted drop")
    return ax


def estimate_figure(found: SpectralEstimate, figure: Figure) -> None:
    """Draw the estimate with its band, and what the data alone leave open, against frequency."""
    ax = figure.add_subplot()
    used = found.limit > 0
    x = found.omega[used] / THz
    low, high = (one[used] for one in found.band(_CONFIDENCE_LEVEL))
    least, most = (one[used] for one in found.extremes(_CONFIDENCE_LEVEL))
    ax.fill_between(x, least, most, color="0.9", label="any spectrum that fits")
    ax.fill_between(x, low, high, color=LINE_COLOURS[0], alpha=0.3, label="95 %, smooth or not")
    ax.plot(x, found.share[used], color=LINE_COLOURS[0], label="most likely")
    ax.set(xlabel="frequency (THz)", ylabel="share of what could cross", ylim=(0, 1), xlim=(0, float(np.max(x))))
    ax.legend()
