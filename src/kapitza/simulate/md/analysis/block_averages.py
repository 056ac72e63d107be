"""Errors of what is averaged over a run, in which one block remembers the last."""

import math
from collections.abc import Callable

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, square
from kapitza.errors import InputError

# What a bath gives too much in one block it gives too little in the next: memories below zero are real, but few blocks
# do not show how far below.
_MIN_CORRELATION = -0.3


@frozen(eq=False)
class BlockEstimate:
    """Numbers from one run, with how they go together.

    Attributes
    ----------
    value : (k,) estimates
    covariance : (k, k) of their errors
    freedom : degrees of freedom of the covariance, for Student's t
    """

    value: Array
    covariance: Array = field(converter=square)
    freedom: float

    @property
    def sigma(self) -> Array:
        """(k,) standard uncertainties."""
        return np.sqrt(np.diag(self.covariance))


def combine_blocks(values: ArrayLike, size: int) -> Array:
    """Averages over `size` neighbouring blocks, (blocks // size, ...); a rest is dropped at the start.

    Raises
    ------
    InputError
        if not one block of this size is left
    """
    array = np.asarray(values, dtype=float)
    count = len(array) // size if size > 0 else 0
    if count < 1:
        raise InputError(f"{len(array)} blocks cannot be combined to blocks of {size}")
    return array[len(array) - count * size :].reshape(count, size, *array.shape[1:]).mean(axis=1)


def block_correlation(series: ArrayLike) -> Array:
    r"""(k,) correlation of neighbouring blocks of each of k series, (n, k), from -0.3 to 0.9.

    $\rho = \sum_i r_i r_{i+1} / \sum_i r_i^2$ about the mean, raised by $(1 + 3 \rho) / n$, which the
    mean of the same n blocks takes from it.
    """
    array = np.asarray(series, dtype=float)
    rest = array - array.mean(axis=0)
    power = (rest**2).sum(axis=0)
    raw = np.divide((rest[1:] * rest[:-1]).sum(axis=0), power, out=np.zeros_like(power), where=power > 0)
    return np.clip(raw + (1 + 3 * raw) / len(array), _MIN_CORRELATION, 0.9)


def block_mean(series: ArrayLike) -> BlockEstimate:
    r"""Mean of k series of n blocks, (n, k), whose neighbours may remember each other.

    The blocks are taken as first-order autoregressions: $\sigma^2 = \frac{s^2}{n} \frac{1 + \rho}{1 - \rho}$ with
    `memory` $\rho$; the effective number of blocks, less one, counts as degrees of freedom.

    Raises
    ------
    InputError
        for fewer than three blocks
    """
    array = np.asarray(series, dtype=float)
    if array.ndim != 2 or len(array) < 3:
        raise InputError(f"blocks of shape {array.shape}: an error needs three blocks or more")
    rho = block_correlation(array)
    widening = np.sqrt((1 + rho) / (1 - rho))
    spread = np.atleast_2d(np.cov(array, rowvar=False)) / len(array)
    freedom = max(1.0, len(array) / max(1.0, float(widening.max())) ** 2 - 1)
    return BlockEstimate(array.mean(axis=0), spread * np.outer(widening, widening), freedom)


def jackknife_blocks(series: ArrayLike, statistic: Callable[[Array], Array]) -> BlockEstimate:
    r"""Function of the means of a run with its error, from leaving out one block after the other.


    Pseudo-values $n \theta - (n - 1) \theta_{(i)}$ are averaged as `block_mean` does; the estimate itself
    is $\theta$ of all blocks less the bias that they show.

    Parameters
    ----------
    series : (n, k) blocks
    statistic : from means (..., k) to (..., p) numbers

    Raises
    ------
    InputError
        for fewer than three blocks
    """
    array = np.asarray(series, dtype=float)
    count = len(array)
    if count < 3:
        raise InputError(f"{count} blocks: an error needs three or more")
    mean = array.mean(axis=0)
    without = (count * mean - array) / (count - 1)
    return block_mean(count * statistic(mean) - (count - 1) * statistic(without))


def student_quantile(level: float, freedom: float) -> float:
    """Half width of an interval of this probability in standard uncertainties, Student's t.

    Raises
    ------
    InputError
        for a level that is not between 0 and 1
    """
    from scipy.special import stdtrit

    if not 0 < level < 1:
        raise InputError(f"level = {level:g}, wanted between 0 and 1")
    return float(stdtrit(freedom, 0.5 + level / 2)) if math.isfinite(freedom) else student_quantile(level, 1e9)
