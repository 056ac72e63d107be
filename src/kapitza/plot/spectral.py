"""Figures of transmissions that were found from measurements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kapitza.plot.style import COLOURS
from kapitza.units import THz

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kapitza.measure.spectral_inverse import SpectralEstimate

CONFIDENCE = 0.95


def spectral_figure(found: SpectralEstimate, figure: Figure) -> None:
    """Draw the estimate with its band, and what the data alone leave open, against frequency.

    Parameters
    ----------
    found : from `spectral_transmission`
    figure : to draw into
    """
    ax = figure.add_subplot()
    used = found.limit > 0
    x = found.omega[used] / THz
    low, high = (one[used] for one in found.band(CONFIDENCE))
    least, most = (one[used] for one in found.extremes(CONFIDENCE))
    ax.fill_between(x, least, most, color="0.9", label="any spectrum that fits")
    ax.fill_between(x, low, high, color=COLOURS[0], alpha=0.3, label="95 %, if smooth")
    ax.plot(x, found.share[used], color=COLOURS[0], label="most likely")
    ax.set(xlabel="frequency (THz)", ylabel="share of what could cross", ylim=(0, 1), xlim=(0, float(np.max(x))))
    ax.legend()
