"""Size and correlation of the noise of a curve, and what not knowing them exactly adds to the errors of a fit."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.core.records import BaseRecord
from kapitza.measure.experiment import AutoregressiveNoise

_SMOOTH_SHARES = (0.1, 0.3, 0.5, 0.7, 0.9, 1.0)  # of the variance, where the size of the noise is not stated
_LENGTHS = 10  # lengths of the correlation on the mesh, equal steps of the logarithm
_SHORTEST_LENGTH = 0.5  # points
_SCALES = np.linspace(-3.5, 6.0, 16)  # of the logarithm of the variance, in its standard deviations
_PRIOR_CORRELATED = {False: 0.3, True: 0.05}  # probability before the fit, by whether an uncertainty was stated
_PRIOR_LARGER = 0.05  # probability before the fit that noise is larger than stated
CORRELATED = 0.5  # probability from which on noise is taken as correlated


@frozen(eq=False, kw_only=True)
class LinearCurve(BaseRecord):
    """A curve near a minimum of its fit, in units of its uncertainties: n points, p coordinates.

    Attributes
    ----------
    residual : (n,) prediction less data
    jacobian : (n, p) its derivatives by the coordinates
    information : (p, p) inverse covariance of the coordinates from all other curves and the priors
    gradient : (p,) of half their chi2
    stated : whether the uncertainty was stated; where not, the curve gives its size
    long : whether there are points enough to say anything of correlations
    """

    residual: Array
    jacobian: NDArray[Any]
    information: NDArray[Any]
    gradient: Array
    stated: bool
    long: bool = True


@frozen(eq=False, kw_only=True)
class NoiseEstimate(BaseRecord):
    """What a curve says of its noise.

    Attributes
    ----------
    likeliest : the noise of the highest posterior density
    probability : that the noise is correlated, or larger than stated; NaN for a curve that is not long
    shift : (p,) mean of the coordinates less those of the minimum
    covariance : (p, p) second moment of the coordinates about the minimum, over all noises in proportion to how
        likely they are
    """

    likeliest: AutoregressiveNoise
    probability: float
    shift: Array
    covariance: NDArray[Any]


def estimate_noise(curve: LinearCurve) -> NoiseEstimate:
    r"""Posterior of the noise of a curve and of the coordinates of its fit.

    For each noise on a mesh of sizes and correlation lengths the coordinates are integrated out (restricted
    likelihood; H. D. Patterson and R. Thompson, Biometrika 58, 545 (1971), doi:10.1093/biomet/58.3.545).  Correlated
    noise has the prior probability 0.3, spread evenly over the logarithm of the length from half a point to twice the
    curve.  Stated uncertainties are taken to hold with 0.95: the noise is then correlated with 0.05, and larger with
    0.05, up to what the residuals ask for (what the model misses is a Gaussian process beside the noise, as in M. C.
    Kennedy and A. O'Hagan, J. R. Stat. Soc. B 63, 425 (2001), doi:10.1111/1467-9868.00294).  The covariance is that of
    the mixture of all noises of the likelier kind, as stated or beyond, so that it grows with a size or correlation
    that the data do not tell exactly: of white noise whose size is not stated, as much as that of Student's t.
    """
    found = [part for noise, prior in _noises(curve) for part in _evaluate(curve, noise, prior)]
    weight = np.exp(np.array([one[0] for one in found]) - max(one[0] for one in found))
    extended = np.array([one[1].smooth > 0 or (curve.stated and one[1].white > 1) for one in found])
    probability = float(weight[extended].sum() / weight.sum())
    # a drift that is not there could be as large as the curve does not exclude: it widens only where it is likelier
    weight[extended != (probability > CORRELATED)] = 0.0
    weight /= weight.sum()
    shift = np.array([one[2] for one in found])
    covariance = np.array([one[3] for one in found])
    second = covariance + shift[:, :, None] * shift[:, None, :]
    return NoiseEstimate(
        likeliest=found[int(np.argmax(weight))][1],
        probability=probability if curve.long else float("nan"),
        shift=weight @ shift,
        covariance=np.tensordot(weight, second, axes=1),
    )


def _noises(curve: LinearCurve) -> Iterator[tuple[AutoregressiveNoise, float]]:
    """Noises with their prior probabilities."""
    n = curve.residual.size
    yield AutoregressiveNoise(1.0, 0.0, 0.0), 1 - _PRIOR_CORRELATED[curve.stated]
    if not curve.long:
        return
    lengths = np.geomspace(_SHORTEST_LENGTH, 2 * n, _LENGTHS)
    correlations = np.exp(-1 / lengths).tolist()
    even = _PRIOR_CORRELATED[curve.stated] / (_LENGTHS * len(_SMOOTH_SHARES))
    yield from ((AutoregressiveNoise(1 - w, w, rho), even) for w in _SMOOTH_SHARES for rho in correlations)


def _evaluate(
    curve: LinearCurve, noise: AutoregressiveNoise, prior: float
) -> Iterator[tuple[float, AutoregressiveNoise, Array, NDArray[Any]]]:
    """Logarithm of the posterior density, noise, and best coordinates with covariance, for each size of a noise."""
    columns, determinant = noise.whiten(np.column_stack([curve.residual, curve.jacobian]))
    residual, jacobian = columns[:, 0], columns[:, 1:]
    square, slope, curvature = float(residual @ residual), jacobian.T @ residual, jacobian.T @ jacobian
    variance, share = (_stated_variances if curve.stated else _variances)(curve, square, slope, curvature)
    inverse = _invert(curvature / variance[:, None, None] + curve.information, curve)
    total = slope / variance[:, None] + curve.gradient
    shift = -np.einsum("kij,kj->ki", inverse, total)
    log_volume = np.linalg.slogdet(inverse)[1]
    log_density = -0.5 * (
        determinant + residual.size * np.log(variance) - log_volume + square / variance + np.sum(total * shift, axis=1)
    )
    log_density += np.log(prior * share)
    for k, v in enumerate(variance.tolist()):
        scaled = AutoregressiveNoise(noise.white * v, noise.smooth * v, noise.correlation)
        yield float(log_density[k]), scaled, shift[k], inverse[k]


def _invert(information: NDArray[Any], curve: LinearCurve) -> NDArray[Any]:
    """Inverse of matrices (..., p, p) whose coordinates are first brought to scales of their own."""
    diagonal = np.diag(curve.information) + np.sum(curve.jacobian**2, axis=0)
    size = np.sqrt(np.maximum(diagonal, 1e-300))
    scale = np.outer(size, size)
    return np.linalg.inv(information / scale) / scale


def _stated_variances(curve: LinearCurve, square: float, slope: Array, curvature: NDArray[Any]) -> tuple[Array, Array]:
    """The stated variance and those that large residuals ask for, with their prior probabilities."""
    likely, _ = _variances(curve, square, slope, curvature)
    larger = likely[likely > 1.0]
    even = np.full(larger.size, _PRIOR_LARGER / _SCALES.size)
    return np.concatenate([[1.0], larger]), np.concatenate([[1 - _PRIOR_LARGER], even])


def _variances(curve: LinearCurve, square: float, slope: Array, curvature: NDArray[Any]) -> tuple[Array, Array]:
    """Variances about the likeliest of one correlation, wide enough for few points, and equal steps of logarithms."""
    inverse = _invert(curvature + curve.information, curve)
    freedom = max(1.0, curve.residual.size - float(np.sum(curvature * inverse)))
    shift = -inverse @ (slope + curve.gradient)
    least = square + 2 * slope @ shift + shift @ curvature @ shift
    steps = _SCALES * np.sqrt(2 / freedom)
    return max(least / freedom, 1e-12) * np.exp(steps), np.full(steps.size, float(steps[1] - steps[0]))
