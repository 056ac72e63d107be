"""Correlated noise in simulated curves: how much wider intervals must be, and rough noise against a smooth misfit."""

from functools import lru_cache
from typing import Any

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, about
from kapitza.core.records import BaseRecord
from kapitza.measure.noise.estimate import LinearCurve, NoisePosterior, correlated_shapes, posterior_of_noise

_DRAWS = 400  # simulated curves
_LEAST_DRAWS = 100
_MAX_NUMBERS = 400_000  # points of all simulated curves, for curves of many points
_SEED = 17
_EVEN = 0.3  # share of the noises that is drawn evenly, so that curves unlike the measured one are among the simulated
_QUANTILE = 1.959963984540054  # of the normal distribution, for a two-sided 95 %
_LENGTHS = (1 / 12, 0.15, 0.28, 0.5)  # of a misfit, in lengths of the curve
_SHARES = (0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 0.99, 0.997, 0.999)  # of the variance
_MAX_POINTS = 100  # of a curve; points of longer ones are averaged with their neighbours
_SMOOTHNESS_DRAWS = 200  # simulated curves
_SMOOTHNESS_SEED = 23
_ROUNDING = 1e-9  # variance that keeps the covariance of a smooth curve invertible


def coverage_factors(curve: LinearCurve) -> Array:
    r"""(p,) factors on the standard uncertainties with which ±1.96 of them hold 95 % of simulated curves.

    A few dozen points tell correlation and size of their noise so roughly that the quotient of error and standard
    uncertainty is not normal.  Curves with the noises of the posterior are simulated, and each is estimated as the
    curve itself was: the 95 % quantile of the quotient takes the place of 1.96, the parametric bootstrap of a
    studentised error.  A curve whose noise seems less correlated than it is has too small a quantile by itself, so
    that quantiles of all simulated curves are compared with their errors, and that of the measured one is taken as many
    times larger as holds 95 % of them, never smaller: the bootstrap is iterated (R. Beran, Biometrika 74, 457 (1987),
    doi:10.1093/biomet/74.3.457).  The second bootstrap has the same curves, weighted by how likely each of them makes
    their noises, which is exact where the size of the noise is not stated; where it is, there is one bootstrap, and
    no factor below one.  Curves whose noise is taken as white or as stated are left out, as no factor is asked for
    them.

    Parameters
    ----------
    curve : whose noise is more likely correlated, or larger than stated, than not
    """
    n, p = curve.jacobian.shape
    rng = np.random.default_rng(_SEED)
    draws = int(np.clip(_MAX_NUMBERS / n, _LEAST_DRAWS, _DRAWS))
    measured = posterior_of_noise(curve, curve.residual[:, None], curve.gradient[:, None])
    own = measured.select()[0].sum(axis=(1, 2))
    own, allowed = own / own.sum(), measured.extended.any(axis=(1, 2))
    even = 0.0 if curve.stated else _EVEN
    drawn = (1 - even) * own + even * allowed / np.count_nonzero(allowed)
    shape = rng.choice(own.size, size=draws, p=drawn)
    found = posterior_of_noise(curve, *simulate_curves(curve, measured, shape, rng))
    weight, chosen, _ = found.select()
    if np.count_nonzero(chosen) < _LEAST_DRAWS / 2:
        return np.ones(p)
    place = shape[chosen]
    quotient = _quotients(found, weight)[chosen]
    if curve.stated:
        return np.maximum(1.0, np.quantile(quotient, 0.95, axis=0) / _QUANTILE)
    weights = (weight.sum(axis=2)[:, chosen].T / np.maximum(drawn, 1e-300))[:, place] + 1e-12
    mine = own[place] / drawn[place] + 1e-12
    return np.array([_iterated_quantile(one, weights, mine) for one in quotient.T]) / _QUANTILE


def simulate_curves(
    curve: LinearCurve, measured: NoisePosterior, shape: NDArray[np.intp], rng: np.random.Generator
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Residuals (n, s) with noises (s,) of a posterior, by their shapes (s,), their sizes drawn, and gradients (p, s)
    of what is known beside the curve.
    """
    n, p = curve.jacobian.shape
    density = np.where(measured.extended, measured.log_density, -np.inf)[:, 0]
    share = np.exp(density - np.maximum(density.max(axis=1, keepdims=True), -1e300))
    below = np.cumsum(share, axis=1)[shape]
    size = np.argmax(below >= rng.random((shape.size, 1)) * below[:, -1:], axis=1)
    noises = [measured.noise(one, 0, at) for one, at in zip(shape.tolist(), size.tolist(), strict=True)]
    rho = np.array([noise.correlation for noise in noises])
    smooth = rng.standard_normal((n, shape.size))
    for i in range(1, n):
        smooth[i] = rho * smooth[i - 1] + np.sqrt(1 - rho**2) * smooth[i]
    white = np.sqrt([noise.white for noise in noises])
    shared = np.sqrt([noise.smooth for noise in noises])
    residual = white * rng.standard_normal((n, shape.size)) + shared * smooth
    values, axes = np.linalg.eigh(curve.information)
    return residual, (axes * np.sqrt(np.maximum(values, 0.0))) @ rng.standard_normal((p, shape.size))


def _quotients(found: NoisePosterior, weight: NDArray[Any]) -> NDArray[Any]:
    """(s, p) errors of simulated curves, whose true coordinates are zero, over their standard uncertainties."""
    shape, size = found.best(weight)
    best = found.shift[shape, np.arange(shape.size), size]
    variance = np.sum(weight[..., None] * (found.variances() + (found.shift - best[:, None, :]) ** 2), axis=(0, 2))
    return np.abs(best) / np.sqrt(np.maximum(variance, 1e-300))


def _iterated_quantile(quotient: Array, weights: NDArray[Any], mine: Array) -> float:
    """95 % quantile of quotients (s,) with the weights (s,) of a curve, times what makes quantiles with the weights
    (s, s) of the simulated curves hold 95 % of their own quotients, where that is more.
    """
    each = np.maximum(_weighted_quantiles(quotient, weights), 1e-300)
    inner, outer = _weighted_quantiles(quotient, mine[None]), _weighted_quantiles(quotient / each, mine[None])
    return float(inner[0] * max(1.0, outer[0]))


def _weighted_quantiles(values: Array, weights: NDArray[Any]) -> Array:
    """(k,) 95 % quantiles of values (s,) with weights (k, s)."""
    order = np.argsort(values)
    below = np.cumsum(weights[:, order], axis=1)
    return values[order][np.argmax(below >= 0.95 * below[:, -1:], axis=1)]


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
    rng, share = np.random.default_rng(_SMOOTHNESS_SEED), rough.select()[0].sum(axis=(1, 2))
    shape = rng.choice(share.size, size=_SMOOTHNESS_DRAWS, p=share / share.sum())
    simulated = _evidence_of_smoothness(short, *simulate_curves(short, rough, shape, rng))
    return float((1 + np.count_nonzero(simulated >= seen)) / (1 + _SMOOTHNESS_DRAWS))


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
