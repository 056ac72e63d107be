"""Compiled goodness of fit: what chi-squared is, and what it would be if the model were right."""

import numpy as np
from numpy.typing import NDArray

from kapitza.measure.eels.kernel import Floats, jit
from kapitza.measure.eels.search import FLOOR, TOGETHER

Bools = NDArray[np.bool_]


@jit
def deviance_of(y: Floats, there: Floats, mu: Floats, detector: tuple[Floats, Floats, Floats]) -> float:
    """Twice the log-likelihood that is missing to a perfect fit."""
    dark, response, variance = detector
    total = 0.0
    for i in range(y.size):
        count = y[i] - dark[i] + variance[i]
        spread = max(response[i] * mu[i] + variance[i], FLOOR)
        ratio = count / spread if count > 0 else 1 / spread
        total += there[i] * (count * np.log(ratio) - count + spread)
    return 2 * total


@jit
def taken(
    first: int,
    end: int,
    there: Floats,
    response: Floats,
    jacobian: Floats,
    covariance: Floats,
    blocked: Bools,
    sums: Floats,
) -> float:
    """Variance of the expected counts of one group of channels from that of the parameters."""
    p = blocked.size
    for a in range(p):
        sums[a] = 0.0
        if not blocked[a]:
            for i in range(first, end):
                sums[a] += there[i] * response[i] * jacobian[a, i]
    total = 0.0
    for a in range(p):
        for b in range(a):
            total += 2 * sums[a] * sums[b] * covariance[a, b]
        total += sums[a] * sums[a] * covariance[a, a]
    return total


@jit
def moments(
    there: Floats,
    mu: Floats,
    jacobian: Floats,
    residual: Floats,
    detector: tuple[Floats, Floats, Floats],
    covariance: Floats,
    blocked: Bools,
    known: float,
    sums: Floats,
    fit: Floats,
) -> None:
    """Write chi-squared of channels taken together, and its mean, variance and third moment when the model is right."""
    _dark, response, variance = detector
    n, p, group = mu.size, blocked.size, 0
    fit[:] = 0.0
    first = np.zeros(n + 1, np.int64)
    held = 0.0
    for i in range(n):
        if held >= TOGETHER:
            group += 1
            first[group] = i
            held = 0.0
        held += there[i] * max(response[i] * mu[i] + variance[i], FLOOR)
    if held >= TOGETHER or group == 0:
        group += 1
    first[group] = n
    used = 0.0
    for g in range(group):
        m, v, r = 0.0, 0.0, 0.0
        for i in range(first[g], first[g + 1]):
            mean = response[i] * mu[i]
            m += there[i] * mean
            v += there[i] * max(mean + variance[i], FLOOR)
            r += residual[i]
        inverse = 1 / v
        ratio = m * inverse
        fit[0] += r * r * inverse
        fit[2] += 2 + ratio * inverse
        fit[3] += 8 + ratio * (inverse * inverse + 12 * inverse + 10 * ratio * inverse)
        if group < n:
            used += taken(first[g], first[g + 1], there, response, jacobian, covariance, blocked, sums) / v
    count = 0
    for a in range(p):
        count += not blocked[a]
    if group == n:
        used = count - known
    if not np.isfinite(used):
        used = float(count)
    left = max(1 - used / group, 1.0 / group)
    fit[1], fit[2], fit[3] = group * left, fit[2] * left, fit[3] * left
