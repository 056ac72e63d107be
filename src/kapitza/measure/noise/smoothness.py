"""Rough noise or a smooth misfit: what the residuals of a curve have in common with their neighbours."""

from functools import lru_cache
from typing import Any

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, about
from kapitza.core.records import BaseRecord
from kapitza.measure.noise.bootstrap import simulate_curves
from kapitza.measure.noise.estimate import LinearCurve, correlated_shapes, posterior_of_noise

_LENGTHS = (1 / 12, 0.15, 0.28, 0.5)  # of a misfit, in lengths of the curve
_SHARES = (0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 0.99, 0.997, 0.999)  # of the variance
_MAX_POINTS = 100  # of a curve; points of longer ones are averaged with their neighbours
_DRAWS = 200  # simulated curves
_SEED = 23
_ROUNDING = 1e-9  # variance that keeps the covariance of a smooth curve invertible


@frozen
class SmoothMisfit(BaseRecord):
    r"""White noise beside a smooth curve, a Gaussian process with the kernel $s\,e^{-(i-j)^2/2l^2}$.

    Attributes
    ----------
    white, smooth : their variances
    length : l
    """

    white: float = field(metadata=about("1", "variance from point to point"))
    smooth: float = field(metadata=about("1", "variance of the smooth curve"))
    length: float = field(metadata=about("1", "points"))

    def whiten(self, values: NDArray[Any]) -> tuple[NDArray[Any], float]:
        """Columns (n, ...) free of correlations, and the logarithm of the determinant of their covariance."""
        from scipy.linalg import solve_triangular

        n = len(values)
        apart = np.subtract.outer(np.arange(n), np.arange(n)) / self.length
        covariance = (self.white + _ROUNDING) * np.eye(n) + self.smooth * np.exp(-(apart**2) / 2)
        factor = np.linalg.cholesky(covariance)
        return solve_triangular(factor, values, lower=True), 2 * float(np.sum(np.log(np.diag(factor))))


def probability_of_misfit(curve: LinearCurve) -> float:
    r"""Probability that what neighbouring residuals share is a smooth curve, where rough noise is as likely beforehand.

    What a model misses has derivatives of all orders, as the curves of heat have; the steps of autoregressive noise are
    rough at any scale.  Both are compared beside white noise, over their lengths and shares of the variance, by the
    restricted likelihood, the free numbers integrated out (Gaussian kernel against exponential kernel; C. E. Rasmussen
    and C. K. I. Williams, Gaussian Processes for Machine Learning (2006), doi:10.7551/mitpress/3206.001.0001).  A
    drift that is smooth is not told from a misfit.

    Parameters
    ----------
    curve : residuals and their derivatives near the minimum of a fit
    """
    short = evolve(_average_neighbours(curve), stated=False, long=True)
    evidence = float(_evidence_of_smoothness(short, short.residual[:, None], short.gradient[:, None])[0])
    return float(1 / (1 + np.exp(-np.clip(evidence, -500.0, 500.0))))


def chance_of_smoothness(curve: LinearCurve) -> float:
    """Probability that rough noise like that of a curve looks as smooth as its residuals do.

    Noises are drawn from the posterior of the curve among autoregressive ones, and curves with them simulated: the
    share of those for which a smooth curve is at least as likely (parametric bootstrap of a likelihood ratio; G. J.
    McLachlan, Appl. Stat. 36, 318 (1987), doi:10.2307/2347790), the curve itself counted with them.

    Parameters
    ----------
    curve : residuals and their derivatives near the minimum of a fit
    """
    short = evolve(_average_neighbours(curve), stated=False, long=True)
    residual, gradient = short.residual[:, None], short.gradient[:, None]
    rough = posterior_of_noise(short, residual, gradient, shapes=correlated_shapes(len(residual)))
    seen = _evidence_of_smoothness(short, residual, gradient)
    rng, share = np.random.default_rng(_SEED), rough.select()[0].sum(axis=(1, 2))
    shape = rng.choice(share.size, size=_DRAWS, p=share / share.sum())
    simulated = _evidence_of_smoothness(short, *simulate_curves(short, rough, shape, rng))
    return float((1 + np.count_nonzero(simulated >= seen)) / (1 + _DRAWS))


def _evidence_of_smoothness(curve: LinearCurve, residual: NDArray[Any], gradient: NDArray[Any]) -> Array:
    """(s,) logarithms of how much likelier smooth curves make residuals (n, s) than rough noise."""
    smooth, rough = (
        posterior_of_noise(curve, residual, gradient, shapes=shapes).evidence()
        for shapes in (_smooth_shapes(len(residual)), correlated_shapes(len(residual)))
    )
    return smooth - rough


@lru_cache(maxsize=8)
def _smooth_shapes(points: int) -> tuple[tuple[SmoothMisfit, ...], Array]:
    """Misfits of unit variance, with their prior probabilities."""
    shapes = tuple(SmoothMisfit(1 - share, share, length * points) for share in _SHARES for length in _LENGTHS)
    return shapes, np.full(len(shapes), 1 / len(shapes))


def _average_neighbours(curve: LinearCurve) -> LinearCurve:
    """The curve by sums of neighbours over the root of their number, which leave white noise as it is."""
    n = curve.residual.size
    size = -(-n // _MAX_POINTS)
    if size == 1:
        return curve
    starts = np.arange(0, n, size)
    weight = 1 / np.sqrt(np.diff(starts, append=n))
    return evolve(
        curve,
        residual=weight * np.add.reduceat(curve.residual, starts),
        jacobian=weight[:, None] * np.add.reduceat(curve.jacobian, starts, axis=0),
    )
