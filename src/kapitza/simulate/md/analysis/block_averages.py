"""Errors of what is averaged over a run, in which one block remembers the last."""

from collections.abc import Callable

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, square
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError

# What a thermostat gives too much in one block it gives too little in the next: negative correlations are real, but few
# blocks do not show how large they are.
_MIN_CORRELATION = -0.3


@frozen(eq=False)
class BlockEstimate(BaseRecord):
    """Numbers from one run, with how they go together."""

    value: Array  # (k,) estimates
    covariance: Array = field(converter=square)  # (k, k) of their errors
    freedom: float  # degrees of freedom of the covariance, for Student's t

    @property
    def sigma(self) -> Array:
        """(k,) standard uncertainties."""
        return np.sqrt(np.diag(self.covariance))


def combine_blocks(values: ArrayLike, size: int) -> Array:
    """Averages over `size` neighbouring blocks, (blocks // size, ...); a remainder is dropped at the start."""
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
    r"""Mean of k series of n blocks, (n, k), at least three, whose neighbours may be correlated.

    The blocks are taken as first-order autoregressions: $\sigma^2 = \frac{s^2}{n} \frac{1 + \rho}{1 - \rho}$ with
    $\rho$ of `block_correlation`; the effective number of blocks, less one, counts as degrees of freedom.
    """
    array = np.asarray(series, dtype=float)
    if array.ndim != 2 or len(array) < 3:
        raise InputError(f"blocks of shape {array.shape}: an error needs three blocks or more")
    rho = block_correlation(array)
    widening = np.sqrt((1 + rho) / (1 - rho))  # 1 + 2 Σ ρ^k of a first-order autoregression
    spread = np.atleast_2d(np.cov(array, rowvar=False)) / len(array)
    freedom = max(1.0, len(array) / max(1.0, float(widening.max())) ** 2 - 1)
    return BlockEstimate(array.mean(axis=0), spread * np.outer(widening, widening), freedom)


def jackknife_blocks(series: ArrayLike, statistic: Callable[[Array], Array]) -> BlockEstimate:
    r"""Function of the means of n blocks, (..., k) to (..., p), with its error, by leaving out one after the other.

    Pseudo-values $n \theta - (n - 1) \theta_{(i)}$ are averaged as `block_mean` does; the estimate itself
    is $\theta$ of all blocks less the bias that they show.
    """
    array = np.asarray(series, dtype=float)
    count = len(array)
    if count < 3:
        raise InputError(f"{count} blocks: an error needs three or more")
    mean = array.mean(axis=0)
    without = (count * mean - array) / (count - 1)
    return block_mean(count * statistic(mean) - (count - 1) * statistic(without))
