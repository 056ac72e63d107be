"""Spectral transmission: predicted, accumulated, and estimated from measurements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from kapitza.core.arrays import temperatures
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError
from kapitza.plot.style import LINE_COLOURS, LINE_DASHES, MODES_PER_NM2, legend_beside, new_axes, power_unit
from kapitza.units import THz

if TYPE_CHECKING:
    from matplotlib.axes import Axes

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kapitza.measure.spectral_inversion import SpectralEstimate


def transmission(*results: Transmission, labels: Sequence[str] | None = None, ax: Axes | None = None) -> Axes:
    """Draw spectral transmission functions, with the modes of both sides of the first.

    Parameters
    ----------
    results : transmissions of one interface, e.g. by several models
    labels : for the legend; the methods if None
    ax : where to draw; a new figure if None

    Raises
    ------
    InputError
        for labels that are not as many as the results
    MissingEngine
        without matplotlib, if ax is None
    """
    names = [result.method or "transmission" for result in results] if labels is None else list(labels)
    if len(names) != len(results):
        raise InputError(f"got {len(names)} labels for {len(results)} transmissions")
    ax = new_axes() if ax is None else ax
    for result in results[:1]:
        for side, modes, shade in (("left", result.left, "0.86"), ("right", result.right, "0.72")):
            if modes is not None:
                hatch = "" if side == "left" else "////"
                ax.fill_between(
                    result.omega / THz,
                    modes / MODES_PER_NM2,
                    facecolor=shade if side == "left" else "none",
                    edgecolor="none" if side == "left" else "0.6",
                    hatch=hatch,
                    linewidth=0.6,
                    label=f"modes of the {side} side",
                )
    for i, result in enumerate(results):
        ax.plot(
            result.omega / THz,
            result.total / MODES_PER_NM2,
            color=LINE_COLOURS[i % len(LINE_COLOURS)],
            linestyle=LINE_DASHES[i % len(LINE_DASHES)],
            linewidth=1.9,
            label=names[i],
        )
    ax.set(xlabel="frequency (THz)", ylabel="transmission function, modes (nm⁻²)", xlim=(0, None), ylim=(0, None))
    legend_beside(ax)
    return ax


def accumulation(result: Transmission, temperature: ArrayLike = 300.0, ax: Axes | None = None) -> Axes:
    """Draw the share of the emitted conductance that frequencies up to a limit carry.

    Parameters
    ----------
    temperature : (nT,) K, one curve each
    ax : where to draw; a new figure if None

    Raises
    ------
    InputError
        for temperatures not above 0 K, or at which the transmission does not hold
    MissingEngine
        without matplotlib, if ax is None
    """
    kelvin = temperatures(temperature)
    carried = result.accumulation(kelvin)
    ax = new_axes() if ax is None else ax
    for i, (one, share) in enumerate(zip(kelvin, carried, strict=True)):
        whole = share[-1]
        scale, unit = power_unit(np.array([whole]))
        ax.plot(
            result.omega / THz,
            100 * share / whole if whole > 0 else share,
            color=LINE_COLOURS[i % len(LINE_COLOURS)],
            linestyle=LINE_DASHES[i % len(LINE_DASHES)],
            linewidth=1.9,
            label=f"{one:g} K: {whole / scale:.4g} {unit} m⁻² K⁻¹",
        )
    ax.set(xlabel="frequency (THz)", ylabel="share of the conductance below (%)", xlim=(0, None), ylim=(0, 103))
    ax.set_title(result.method, fontsize="medium")
    legend_beside(ax, title="emitted drop")
    return ax


_CONFIDENCE_LEVEL = 0.95


def estimate_figure(found: SpectralEstimate, figure: Figure) -> None:
    """Draw the estimate with its band, and what the data alone leave open, against frequency.

    Parameters
    ----------
    found : from `spectral_transmission`
    figure : to draw into
    """
    ax = figure.add_subplot()
    used = found.limit > 0
    x = found.omega[used] / THz
    low, high = (one[used] for one in found.band(_CONFIDENCE_LEVEL))
    least, most = (one[used] for one in found.extremes(_CONFIDENCE_LEVEL))
    ax.fill_between(x, least, most, color="0.9", label="any spectrum that fits")
    ax.fill_between(x, low, high, color=LINE_COLOURS[0], alpha=0.3, label="95 %, if smooth")
    ax.plot(x, found.share[used], color=LINE_COLOURS[0], label="most likely")
    ax.set(xlabel="frequency (THz)", ylabel="share of what could cross", ylim=(0, 1), xlim=(0, float(np.max(x))))
    ax.legend()
