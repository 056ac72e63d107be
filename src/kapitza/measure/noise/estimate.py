"""Size and correlation of the noise of a curve, and what not knowing them exactly adds to the errors of a fit."""

from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.core.records import BaseRecord
from kapitza.measure.experiment import AutoregressiveNoise
from kapitza.measure.least_squares import difference_jacobian
from kapitza.measure.problem import FitProblem, plain_residuals, split_by_data_set

_SMOOTH_SHARES = (0.1, 0.3, 0.5, 0.7, 0.9, 1.0)  # of the variance, where the size of the noise is not stated
_LENGTHS = 10  # lengths of the correlation on the mesh, equal steps of the logarithm
_SHORTEST_LENGTH = 0.5  # points
_SCALES = np.linspace(-3.5, 6.0, 16)  # of the logarithm of the variance, in its standard deviations
_PRIOR_CORRELATED = {False: 0.3, True: 0.05}  # probability before the fit, by whether an uncertainty was stated
_MAX_MATRIX = 100  # points of a curve up to which it is freed of correlations by matrices that are kept
_PRIOR_LARGER = 0.05  # probability before the fit that noise is larger than stated
_LEAST_POINTS = 10  # of a curve, below which nothing is said of correlations, but of the size of the noise
CORRELATED = 0.5  # probability from which on noise is taken as correlated


class NoiseShape(Protocol):
    """Noise of which a posterior may be made; it can be hashed."""

    @property
    def white(self) -> float:
        """Variance from point to point."""
        ...

    @property
    def smooth(self) -> float:
        """Variance shared by neighbours."""
        ...

    def whiten(self, values: NDArray[Any]) -> tuple[NDArray[Any], float]:
        """Columns (n, ...) free of correlations, and the logarithm of the determinant of their covariance."""
        ...


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
    covariance : (p, p) second moment of the coordinates about the minimum, over all noises in proportion to how
        likely they are
    """

    likeliest: AutoregressiveNoise
    probability: float
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
    found = posterior_of_noise(curve, curve.residual[:, None], curve.gradient[:, None])
    weight, _, probability = found.select()
    best = found.best(weight)
    shift, covariance = found.shift[:, 0], found.covariances(0)
    second = covariance + shift[..., :, None] * shift[..., None, :]
    return NoiseEstimate(
        likeliest=found.noise(int(best[0][0]), 0, int(best[1][0])),
        probability=float(probability[0]) if curve.long else float("nan"),
        covariance=np.tensordot(weight[:, 0], second, axes=2),
    )


@frozen(eq=False, kw_only=True)
class NoisePosterior(BaseRecord):
    """Posterior of q shapes and v sizes of noise for each of s sets of residuals, with the p coordinates they lead to.

    `log_density` and `variance` are (q, s, v), `shift` (q, s, v, p) the best coordinates, `curvature` (q, s, v, p) the
    inverse covariance along `axes` (q, p, p), and `extended` (q, s, v) says whether a noise is correlated, or larger
    than stated.
    """

    shapes: tuple[NoiseShape, ...]
    log_density: NDArray[Any]
    variance: NDArray[Any]
    shift: NDArray[Any]
    curvature: NDArray[Any]
    axes: NDArray[Any]
    extended: NDArray[np.bool_]

    def select(self) -> tuple[NDArray[Any], NDArray[np.bool_], Array]:
        """Weights (q, s, v) of the noises of the likelier kind, whether that is the extended one (s,), and its
        probability (s,).
        """
        weight = np.exp(self.log_density - self.log_density.max(axis=(0, 2), keepdims=True))
        probability = np.sum(weight * self.extended, axis=(0, 2)) / weight.sum(axis=(0, 2))
        chosen = probability > CORRELATED
        # a drift that is not there could be as large as the curve does not exclude: it widens only where it is likelier
        weight[self.extended != chosen[:, None]] = 0.0
        return weight / weight.sum(axis=(0, 2), keepdims=True), chosen, probability

    def evidence(self) -> Array:
        """(s,) logarithms of the density of each set, over all shapes and sizes."""
        top = self.log_density.max(axis=(0, 2))
        return top + np.log(np.sum(np.exp(self.log_density - top[:, None]), axis=(0, 2)))

    def best(self, weight: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Places (s,) and (s,) of the likeliest shape and size by weights (q, s, v)."""
        flat = weight.transpose(1, 0, 2).reshape(weight.shape[1], -1)
        shape, size = np.divmod(np.argmax(flat, axis=1), weight.shape[2])
        return shape, size

    def noise(self, shape: int, one: int, size: int) -> AutoregressiveNoise:
        """One of the noises of a set."""
        found, variance = self.shapes[shape], float(self.variance[shape, one, size])
        correlation = found.correlation if isinstance(found, AutoregressiveNoise) else 0.0
        return AutoregressiveNoise(found.white * variance, found.smooth * variance, correlation)

    def variances(self) -> NDArray[Any]:
        """(q, s, v, p) variances of the coordinates."""
        return (1 / self.curvature) @ np.swapaxes(self.axes**2, 1, 2)[:, None]

    def covariances(self, one: int) -> NDArray[Any]:
        """(q, v, p, p) covariances of the coordinates of one set."""
        return np.einsum("qij,qvj,qlj->qvil", self.axes, 1 / self.curvature[:, one], self.axes)


def posterior_of_noise(
    curve: LinearCurve,
    residual: NDArray[Any],
    gradient: NDArray[Any],
    *,
    shapes: tuple[tuple[NoiseShape, ...], Array] | None = None,
) -> NoisePosterior:
    """Posterior of the noise of a curve, for residuals (n, s) and gradients (p, s) in place of those of the curve;
    `shapes` (q,) with their prior probabilities (q,) take the place of white and autoregressive noise.
    """
    n, sets = residual.shape
    noises, prior = shapes or _shapes(n if curve.long else 0, curve.stated)
    columns, determinant = _whiten(noises, np.column_stack([residual, curve.jacobian]))
    whitened, jacobian = columns[:, :, :sets], columns[:, :, sets:]
    transposed = np.swapaxes(jacobian, 1, 2)
    axes, share = _common_axes(transposed @ jacobian, curve)
    square = np.sum(whitened**2, axis=1)
    across = np.swapaxes(axes, 1, 2)
    slope = np.swapaxes(across @ (transposed @ whitened), 1, 2)  # (q, s, p), along the axes
    known = np.swapaxes(across @ gradient, 1, 2)
    variance, density = _variances(n, square, slope, known, share)
    if curve.stated:
        density = np.where(variance > 1.0, _PRIOR_LARGER / _SCALES.size, 0.0)
        variance = np.concatenate([np.ones((*square.shape, 1)), variance], axis=2)
        density = np.concatenate([np.full((*square.shape, 1), 1 - _PRIOR_LARGER), density], axis=2)
    curvature = share[:, None, None, :] / variance[..., None] + (1 - share)[:, None, None, :]
    total = slope[:, :, None, :] / variance[..., None] + known[:, :, None, :]
    along = total / curvature
    log_density = 0.5 * (
        2 * np.linalg.slogdet(axes)[1][:, None, None]
        - np.log(np.prod(curvature, axis=3))
        - determinant[:, None, None]
        - n * np.log(variance)
        - square[..., None] / variance
        + np.sum(total * along, axis=3)
    )
    with np.errstate(divide="ignore"):  # sizes that the stated one excludes
        log_density += np.log(prior[:, None, None] * density)
    correlated = np.array([one.smooth > 0 for one in noises])
    return NoisePosterior(
        shapes=noises,
        log_density=log_density,
        variance=variance,
        shift=-along @ across[:, None],
        curvature=curvature,
        axes=axes,
        extended=correlated[:, None, None] | (curve.stated & (variance > 1.0)),
    )


@lru_cache(maxsize=8)
def _shapes(points: int, stated: bool) -> tuple[tuple[AutoregressiveNoise, ...], Array]:
    """Noises of unit variance (q,) with their prior probabilities; white noise alone for a curve without length."""
    white = AutoregressiveNoise(1.0, 0.0, 0.0)
    if not points:
        return (white,), np.array([1 - _PRIOR_CORRELATED[stated]])
    shared, even = correlated_shapes(points)
    return (white, *shared), np.array([1 - _PRIOR_CORRELATED[stated], *(_PRIOR_CORRELATED[stated] * even)])


@lru_cache(maxsize=8)
def correlated_shapes(points: int) -> tuple[tuple[AutoregressiveNoise, ...], Array]:
    """Autoregressive noises of unit variance (q,) of a curve of so many points, with even probabilities (q,)."""
    correlations = np.exp(-1 / np.geomspace(_SHORTEST_LENGTH, 2 * points, _LENGTHS)).tolist()
    shared = tuple(AutoregressiveNoise(1 - w, w, rho) for w in _SMOOTH_SHARES for rho in correlations)
    return shared, np.full(len(shared), 1 / len(shared))


def _whiten(shapes: tuple[NoiseShape, ...], columns: NDArray[Any]) -> tuple[NDArray[Any], Array]:
    """Columns (q, n, m) free of correlations, for each noise, and the logarithms (q,) of the determinants."""
    n = len(columns)
    if n <= _MAX_MATRIX:
        matrices, determinant = _whitening_matrices(shapes, n)
        return matrices @ columns, determinant
    parts = [noise.whiten(columns) for noise in shapes]
    return np.array([part for part, _ in parts]), np.array([one for _, one in parts])


@lru_cache(maxsize=8)
def _whitening_matrices(shapes: tuple[NoiseShape, ...], n: int) -> tuple[NDArray[Any], Array]:
    """Matrices (q, n, n) that free curves of n points of the correlations of each noise; logarithms of determinants."""
    parts = [noise.whiten(np.eye(n)) for noise in shapes]
    return np.array([part for part, _ in parts]), np.array([one for _, one in parts])


def _common_axes(curvature: NDArray[Any], curve: LinearCurve) -> tuple[NDArray[Any], NDArray[Any]]:
    """Axes (q, p, p) along which a curve (q, p, p) and all that is known beside it tell nothing of one another, both
    together one, and the share (q, p) of the curve.
    """
    both = curvature + curve.information
    size = np.sqrt(np.maximum(np.diagonal(both, axis1=1, axis2=2), 1e-300))
    scale = size[:, :, None] * size[:, None, :]
    root = np.linalg.inv(np.linalg.cholesky(both / scale))
    share, vectors = np.linalg.eigh(root @ (curvature / scale) @ np.swapaxes(root, 1, 2))
    return (np.swapaxes(root, 1, 2) @ vectors) / size[:, :, None], np.clip(share, 0.0, 1.0 - 1e-15)


def _variances(
    n: int, square: NDArray[Any], slope: NDArray[Any], known: NDArray[Any], share: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Variances (q, s, v) about the likeliest of one shape, wide enough for few points, in equal steps of their
    logarithms, with the steps.
    """
    freedom = np.maximum(1.0, n - share.sum(axis=1))[:, None]
    shift = -(slope + known)
    least = square + np.sum((2 * slope + share[:, None, :] * shift) * shift, axis=2)
    steps = _SCALES * np.sqrt(2 / freedom)  # (q, v)
    variance = np.maximum(least / freedom, 1e-12)[..., None] * np.exp(steps)[:, None, :]
    return variance, np.broadcast_to((steps[:, 1] - steps[:, 0])[:, None, None], variance.shape)


def tangent_curves(problem: FitProblem, x: Array, used: NDArray[np.intp]) -> tuple[LinearCurve, ...]:
    """(m,) curves at coordinates (p,), by the (u,) of them that move; the others stay where they are."""
    plain = plain_residuals(problem, x)
    slopes = difference_jacobian(lambda y: np.concatenate(plain_residuals(problem, y)), x, scale=problem.scale)
    jacobians = split_by_data_set(problem, slopes[:, used])
    noises = problem.noise or (None,) * len(plain)
    free = [
        (r, j) if noise is None else (noise.whiten(r)[0], noise.whiten(j)[0])
        for r, j, noise in zip(plain, jacobians, noises, strict=True)
    ]
    parts = [(j.T @ j, j.T @ r) for r, j in free]
    width = problem.width[used]
    total = np.diag(width**-2) + sum(one for one, _ in parts)
    slope = x[used] / width**2 + sum(one for _, one in parts)
    return tuple(
        LinearCurve(
            residual=r,
            jacobian=j,
            information=total - own,
            gradient=slope - pull,
            stated=sample.curve.sigma is not None,
            long=r.size >= max(_LEAST_POINTS, used.size + 5),
        )
        for r, j, sample, (own, pull) in zip(plain, jacobians, problem.samples, parts, strict=True)
    )
