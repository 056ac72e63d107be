"""How much wider intervals must be for correlated noise that a curve tells only roughly, from simulated curves."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.measure.noise.estimate import LinearCurve, NoisePosterior, posterior_of_noise

_DRAWS = 400  # simulated curves
_LEAST_DRAWS = 100
_MAX_NUMBERS = 400_000  # points of all simulated curves, for curves of many points
_SEED = 17
_EVEN = 0.3  # share of the noises that is drawn evenly, so that curves unlike the measured one are among the simulated
_QUANTILE = 1.959963984540054  # of the normal distribution, for a two-sided 95 %


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
