r"""A spectrum from modes at discrete wave vectors.

Every mode is spread over the frequencies that its cell of the mesh covers: a quadratic B-spline, positive and of
compact support, whose variance is that of a linear band in the cell, $\sum_i (v\cdot b_i/m_i)^2/12$.  Its integral
over a bin is a cubic, so that the sum over all bins keeps every mode.  Below the lowest frequencies that a mesh
resolves, the expansion $\omega^2 (a_0 + a_1\omega^2 + a_2\omega^4)$ takes over.
"""

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array
from kapitza.matter.brillouin import Integers

REACH = 1.5  # of the spline, in units of twice its standard deviation
PORTION = 1 << 19  # entries of bins handled at once


@frozen(eq=False)
class Spectrum:
    r"""Piecewise linear spectrum with a power series below.

    Attributes
    ----------
    step : width of a bin, rad s⁻¹; bin k is centred at (k + 1/2) step
    value : (nb,) mean over each bin
    low : (3,) coefficients of ω², ω⁴ and ω⁶
    join : up to half of this angular frequency the series holds, above it the bins do, rad s⁻¹; 0: no series
    """

    step: float
    value: Array
    low: Array
    join: float

    def __call__(self, omega: Array) -> Array:
        """(nω,) the spectrum at angular frequencies, rad s⁻¹."""
        place = np.asarray(omega, dtype=float) / self.step + 0.5
        padded = np.concatenate([[0.0], self.value, [0.0, 0.0]])
        index = np.clip(place.astype(int), 0, len(self.value))
        within = np.clip(place - index, 0, 1)
        high = np.where(place < len(self.value) + 1, padded[index] * (1 - within) + padded[index + 1] * within, 0)
        if not self.join:
            return high
        square = np.square(np.minimum(omega, self.join))
        series = square * (self.low[0] + square * (self.low[1] + square * self.low[2]))
        x = np.clip(2 * omega / self.join - 1, 0, 1)
        return series + (high - series) * x * x * (3 - 2 * x)


def binned(omega: Array, spread: Array, weight: Array, step: float, bins: int) -> Array:
    """Spectrum density of modes with a standard deviation each.

    Parameters
    ----------
    omega, spread, weight : (n,) frequencies, standard deviations (rad s⁻¹) and weights of modes; modes not above zero
        are left out
    step, bins : width (rad s⁻¹) and number of bins from zero upwards

    Returns
    -------
    (bins,) weight per rad s⁻¹
    """
    use = (omega > 0) & (weight > 0)
    place, size, weight = omega[use] / step, 2 * spread[use] / step, weight[use]
    first = np.clip(np.floor(place - REACH * size), 0, bins).astype(np.int64)
    last = np.clip(np.ceil(place + REACH * size), 0, bins).astype(np.int64)
    count = np.asarray(last - first + 1, dtype=np.int64)
    total = np.zeros(bins + 1)
    stops = np.cumsum(count)
    begin = 0
    while begin < len(place):
        end = max(begin + 1, int(np.searchsorted(stops, (stops[begin - 1] if begin else 0) + PORTION)))
        add_modes(total, place[begin:end], size[begin:end], weight[begin:end], first[begin:end], count[begin:end])
        begin = end
    return total[:-1] / step


def add_modes(total: Array, place: Array, size: Array, weight: Array, first: Integers, count: Integers) -> None:
    """Add the share of each mode in each of its bins to `total`."""
    mode = np.repeat(np.arange(len(place)), count)
    edge = np.arange(len(mode)) - np.repeat(np.cumsum(count) - count, count) + first[mode]
    part = below((edge - place[mode]) / size[mode]) * weight[mode]
    same = mode[1:] == mode[:-1]
    total += np.bincount(edge[:-1][same], weights=(part[1:] - part[:-1])[same], minlength=len(total))[: len(total)]


def below(u: Array) -> Array:
    """Part of a quadratic B-spline with knots at ±1/2 and ±3/2 that lies below u."""
    size = np.minimum(np.abs(u), REACH)
    inner = size * (0.75 - size * size / 3)
    outer = 0.5 - (REACH - size) ** 3 / 6
    return 0.5 + np.copysign(np.where(size <= 0.5, inner, outer), u)
