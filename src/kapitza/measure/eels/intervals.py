"""Probabilities of chi-squared, and intervals of ratios of two numbers, valid also where the divisor may be zero."""

import numpy as np
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, square
from kapitza.core.student import student_quantile
from kapitza.errors import InputError


def chi2_probability(freedom: ArrayLike, chi2: ArrayLike) -> Array:
    """(...) probability of a larger chi-squared; NaN without a degree of freedom."""
    from scipy.special import chdtrc

    freedom, chi2 = np.asarray(freedom), np.asarray(chi2, dtype=float)
    return np.where(freedom > 0, chdtrc(np.maximum(freedom, 1), np.maximum(chi2, 0.0)), np.nan)


def ratio_interval(
    numerator: float,
    denominator: float,
    covariance: ArrayLike,
    *,
    level: float = 0.95,
    freedom: float = np.inf,
    lowest: float = -np.inf,
) -> tuple[float, float]:
    r"""Interval of a ratio $r = a/b$ of two jointly normal numbers of (2, 2) covariance $V$ (Fieller).

    All $r$ with $(a - rb)^2 \le z^2 (V_{aa} - 2 r V_{ab} + r^2 V_{bb})$, which for straight lines is the interval by
    profile likelihood.  It covers the truth with the stated probability for any size of $b$; where $b$ is not
    significantly different from zero it has no upper end, as the data give none.  No ratio below `lowest` is possible:
    an unbounded set is cut there.  Where the set has two pieces, the ends are those of the shortest interval that
    holds all that is possible.  `freedom` is given where the covariance was estimated from scatter.

    E. C. Fieller, J. R. Stat. Soc. B 16, 175 (1954), doi:10.1111/j.2517-6161.1954.tb00159.x
    """
    v = square(covariance)
    if v.shape != (2, 2):
        raise InputError(f"expected the covariance of two numbers, got shape {v.shape}")
    z2 = student_quantile(level, freedom) ** 2
    # columns at equal size: lengths and gradients differ by many orders
    size = np.sqrt(np.diag(v)) if (np.diag(v) > 0).all() else np.array([abs(numerator), abs(denominator)])
    if not (size > 0).all():
        return (-np.inf, np.inf) if denominator == 0 else (numerator / denominator, numerator / denominator)
    a, b, unit = numerator / size[0], denominator / size[1], size[0] / size[1]
    vaa, vbb, vab = v[0, 0] / size[0] ** 2, v[1, 1] / size[1] ** 2, v[0, 1] / (size[0] * size[1])
    square_term, linear, constant = b**2 - z2 * vbb, a * b - z2 * vab, a**2 - z2 * vaa
    root = linear**2 - square_term * constant
    if square_term > 0:
        spread = np.sqrt(max(root, 0.0))
        low, high = unit * (linear - spread) / square_term, unit * (linear + spread) / square_term
        return (max(low, lowest) if high > lowest else low), high
    if root <= 0 or square_term == 0:
        return lowest, np.inf
    ends = sorted(unit * (linear + sign * np.sqrt(root)) / square_term for sign in (-1, 1))
    return (ends[1] if ends[0] < lowest <= ends[1] else lowest), np.inf
