"""How much wider intervals must be for correlated noise that a curve tells only roughly, from simulated curves."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.measure.likelihood import QUANTILE
from kapitza.measure.noise.estimate import LinearCurve, NoisePosterior, posterior_of_noise

_DRAWS = 400  # simulated curves
_LEAST_DRAWS = 100
_MAX_NUMBERS = 400_000  # points of all simulated curves, for curves of many points
_SEED = 17


def coverage_factors(curve: LinearCurve) -> Array:
    r"""(p,) factors on the standard uncertainties with which ±1.96 of them hold 95 % of simulated curves; at least 1.

    A few dozen points tell correlation and size of their noise so roughly that the quotient of error and standard
    uncertainty is not normal.  Noises are drawn from the posterior of the curve and curves with them simulated; each is
    estimated as the curve itself was, and of those whose noise is also taken as correlated the 95 % quantile of the
    quotient is compared with that of the normal distribution: the parametric bootstrap of a studentised error (R.
    Beran, Biometrika 74, 457 (1987), doi:10.1093/biomet/74.3.457).

    Parameters
    ----------
    curve : whose noise is more likely correlated, or larger than stated, than not
    """
    n, p = curve.jacobian.shape
    rng = np.random.default_rng(_SEED)
    draws = int(np.clip(_MAX_NUMBERS / n, _LEAST_DRAWS, _DRAWS))
    measured = posterior_of_noise(curve, curve.residual[:, None], curve.gradient[:, None])
    residual = _simulate(measured, rng, n, draws)
    values, axes = np.linalg.eigh(curve.information)
    gradient = (axes * np.sqrt(np.maximum(values, 0.0))) @ rng.standard_normal((p, draws))
    found = posterior_of_noise(curve, residual, gradient)
    weight, chosen, _ = found.select()
    if np.count_nonzero(chosen) < _LEAST_DRAWS / 2:
        return np.ones(p)
    shape, size = found.best(weight)
    best = found.shift[shape, np.arange(draws), size]
    variance = np.sum(weight[..., None] * (found.variances() + (found.shift - best[:, None, :]) ** 2), axis=(0, 2))
    quotient = np.abs(best) / np.sqrt(np.maximum(variance, 1e-300))
    return np.maximum(1.0, np.quantile(quotient[chosen], 0.95, axis=0) / QUANTILE)


def _simulate(measured: NoisePosterior, rng: np.random.Generator, n: int, draws: int) -> NDArray[Any]:
    """(n, draws) noise, each column of a noise drawn from a posterior."""
    weight = measured.select()[0][:, 0]
    drawn = rng.choice(weight.size, size=draws, p=weight.ravel())
    noises = [
        measured.noise(shape, 0, size) for shape, size in zip(*np.unravel_index(drawn, weight.shape), strict=True)
    ]
    rho = np.array([noise.correlation for noise in noises])
    smooth = rng.standard_normal((n, draws))
    for i in range(1, n):
        smooth[i] = rho * smooth[i - 1] + np.sqrt(1 - rho**2) * smooth[i]
    white = np.sqrt([noise.white for noise in noises])
    shared = np.sqrt([noise.smooth for noise in noises])
    return white * rng.standard_normal((n, draws)) + shared * smooth
