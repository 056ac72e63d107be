"""How large the ratio of likelihoods is by chance where numbers have limits."""

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array

_DRAWS = 2000  # points of a lattice, evenly spread over the normal distribution
_FAR = 6.0  # standard deviations from which on a limit is never met


def ratio_quantile(
    information: NDArray[Any], below: Array, above: Array, confidence: float, *, width: float = 1.0
) -> float:
    r"""Value that the rise of chi2 to the true value of the first number stays below, with a confidence, near limits.

    Of q numbers with a normal estimate z, each allowed within limits, the likeliest allowed ones have $\chi^2(\hat u) =
    \min_{u\,\text{allowed}} (u - z)^TF(u - z)$, and the rise to the true value of one is that minimum with the one
    held, less the minimum without.  Far from all limits it is distributed as chi2 of one degree of freedom.  On a
    limit of its own it is zero in half of all cases, so that 2.71 in place of 3.84 holds 95 % (H. Chernoff, Ann. Math.
    Stat. 25, 573 (1954), doi:10.1214/aoms/1177728725); limits of the others act through the correlation (S. G. Self and
    K.-Y. Liang, J. Am. Stat. Assoc. 82, 605 (1987), doi:10.1080/01621459.1987.10478472).  Intervals of all values whose
    rise stays below its own quantile pass from two-sided ones to bounds without a choice (G. J. Feldman and R. D.
    Cousins, Phys. Rev. D 57, 3873 (1998), doi:10.1103/PhysRevD.57.3873).

    `information` (q, q) is the inverse covariance F of the estimate at the true values, `below` and `above` (q,) are
    the distances from these to the limits (inf for none), and `width` is the standard deviation of the estimate over
    that by F.
    """
    size = np.sqrt(np.diag(np.linalg.inv(information)))
    curvature = information * np.outer(size, size)
    low, high = -below / (size * width), above / (size * width)
    low[low < -_FAR], high[high > _FAR] = -np.inf, np.inf
    draws = _normal_lattice(size.size) @ np.linalg.cholesky(np.linalg.inv(curvature)).T
    held = low.copy(), high.copy()
    for ends in held:
        ends[0] = 0.0
    rise = least_chi2(curvature, draws, *held) - least_chi2(curvature, draws, low, high)
    return float(np.quantile(rise, confidence))


def least_chi2(curvature: NDArray[Any], draws: NDArray[Any], low: Array, high: Array) -> Array:
    """(s,) minima of chi2 of estimates (s, q) within limits: the least over all faces with free coordinates inside."""
    least = np.full(len(draws), np.inf)
    choices = [sorted({a, b} - {-np.inf, np.inf}) + [np.nan] * int(a < b) for a, b in zip(low, high, strict=True)]
    for face in product(*choices):
        values = np.array(face)
        free = np.isnan(values)
        away = np.where(free, 0.0, values - draws)
        if free.any():
            pull = away[:, ~free] @ curvature[np.ix_(~free, free)]
            away[:, free] = -np.linalg.solve(curvature[np.ix_(free, free)], pull.T).T
        place = draws + away
        inside = ((place >= low) & (place <= high) | ~free).all(axis=1)
        chi2 = np.sum((away @ curvature) * away, axis=1)
        least = np.where(inside & (chi2 < least), chi2, least)
    return least


def _normal_lattice(dimensions: int) -> NDArray[Any]:
    """(s, q) points that fill the normal distribution evenly: multiples of powers of a generalised golden ratio."""
    from scipy.special import ndtri

    ratio = 2.0
    for _ in range(60):
        ratio = (1 + ratio) ** (1 / (dimensions + 1))
    steps = ratio ** -np.arange(1.0, dimensions + 1)
    return np.asarray(ndtri((0.5 + np.outer(np.arange(1, _DRAWS + 1), steps)) % 1))
