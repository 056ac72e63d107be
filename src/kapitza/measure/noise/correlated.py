"""Noise of curves whose points are correlated: its posterior, the refit with it, and the errors that it widens."""

from functools import lru_cache
from typing import Any

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, about
from kapitza.core.records import BaseRecord
from kapitza.measure.experiment import AutoregressiveNoise
from kapitza.measure.least_squares import Solution, difference_jacobian, least_squares
from kapitza.measure.problem import FitProblem, plain_residuals, split_by_data_set

_SMOOTH_SHARES = (0.1, 0.3, 0.5, 0.7, 0.9, 1.0)  # of the variance, where the size of the noise is not stated
_LENGTHS = 10  # lengths of the correlation on the mesh, equal steps of the logarithm
_SHORTEST_LENGTH = 0.5  # points
_SCALES = np.linspace(-3.5, 6.0, 16)  # of the logarithm of the variance, in its standard deviations
_PRIOR_CORRELATED = {False: 0.3, True: 0.05}  # probability before the fit, by whether an uncertainty was stated
_MAX_MATRIX = 100  # points of a curve up to which it is freed of correlations by matrices that are kept
_PRIOR_LARGER = 0.05  # probability before the fit that noise is larger than stated
_LEAST_POINTS = 10  # of a curve, below which nothing is said of correlations, but of the size of the noise
_ROUNDING = 1e-9  # variance that keeps the covariance of a smooth curve invertible
CORRELATED = 0.5  # probability from which on noise is taken as correlated


@frozen
class SmoothMisfit(BaseRecord):
    r"""White noise beside a smooth curve, a Gaussian process with the kernel $s\,e^{-(i-j)^2/2l^2}$."""

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


NoiseShape = AutoregressiveNoise | SmoothMisfit


@frozen(eq=False, kw_only=True)
class LinearCurve(BaseRecord):
    """A curve near a minimum of its fit, in units of its uncertainties: n points, p coordinates."""

    residual: Array  # (n,) prediction less data
    jacobian: NDArray[Any]  # (n, p) its derivatives by the coordinates
    information: NDArray[Any]  # (p, p) inverse covariance of the coordinates from all other curves and the priors
    gradient: Array  # (p,) of half their chi2
    stated: bool  # whether the uncertainty was stated; where not, the curve gives its size
    long: bool = True  # whether there are points enough to say anything of correlations


@frozen(eq=False, kw_only=True)
class NoiseEstimate(BaseRecord):
    """Noise of a curve as its residuals give it.

    `likeliest` has the highest posterior density, `probability` is that of correlated noise, or of more than stated,
    NaN for a curve that is not long; `covariance` (p, p) is the second moment of the coordinates about the minimum,
    over all noises in proportion to how likely they are.
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
    """Posterior of the noise of a curve, for residuals (n, s) and gradients (p, s) instead of those of the curve.

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
    if len(columns) > _MAX_MATRIX:
        return _whiten_each(shapes, columns)
    matrices, determinant = _whitening_matrices(shapes, len(columns))
    return matrices @ columns, determinant


@lru_cache(maxsize=8)
def _whitening_matrices(shapes: tuple[NoiseShape, ...], n: int) -> tuple[NDArray[Any], Array]:
    return _whiten_each(shapes, np.eye(n))


def _whiten_each(shapes: tuple[NoiseShape, ...], columns: NDArray[Any]) -> tuple[NDArray[Any], Array]:
    parts = [noise.whiten(columns) for noise in shapes]
    return np.array([part for part, _ in parts]), np.array([one for _, one in parts])


def _common_axes(curvature: NDArray[Any], curve: LinearCurve) -> tuple[NDArray[Any], NDArray[Any]]:
    """Axes (q, p, p) that decouple a curve (q, p, p) from all else that is known, both together one; its share."""
    both = curvature + curve.information
    size = np.sqrt(np.maximum(np.diagonal(both, axis1=1, axis2=2), 1e-300))
    scale = size[:, :, None] * size[:, None, :]
    root = np.linalg.inv(np.linalg.cholesky(both / scale))
    share, vectors = np.linalg.eigh(root @ (curvature / scale) @ np.swapaxes(root, 1, 2))
    return (np.swapaxes(root, 1, 2) @ vectors) / size[:, :, None], np.clip(share, 0.0, 1.0 - 1e-15)


def _variances(
    n: int, square: NDArray[Any], slope: NDArray[Any], known: NDArray[Any], share: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Variances (q, s, v) about the likeliest of each shape, in equal steps of their logarithms, with these steps."""
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


_DRAWS = 400  # simulated curves
_LEAST_DRAWS = 100
_MAX_NUMBERS = 400_000  # points of all simulated curves, for curves of many points
_SEED = 17
_EVEN = 0.3  # share of the noises that is drawn evenly, so that curves unlike the measured one are among the simulated
_QUANTILE = 1.959963984540054  # of the normal distribution, for a two-sided 95 %
_MISFIT_LENGTHS = (1 / 12, 0.15, 0.28, 0.5)  # of a misfit, in lengths of the curve
_SHARES = (0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 0.99, 0.997, 0.999)  # of the variance
_MAX_POINTS = 100  # of a curve; points of longer ones are averaged with their neighbours
_SMOOTHNESS_DRAWS = 200  # simulated curves
_SMOOTHNESS_SEED = 23


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
    # errors of the simulated curves, whose true coordinates are zero, over their standard uncertainties
    likeliest, size = found.best(weight)
    best = found.shift[likeliest, np.arange(draws), size]
    variance = np.sum(weight[..., None] * (found.variances() + (found.shift - best[:, None, :]) ** 2), axis=(0, 2))
    quotient = (np.abs(best) / np.sqrt(np.maximum(variance, 1e-300)))[chosen]
    if curve.stated:
        return np.maximum(1.0, np.quantile(quotient, 0.95, axis=0) / _QUANTILE)
    weights = (weight.sum(axis=2)[:, chosen].T / np.maximum(drawn, 1e-300))[:, place] + 1e-12
    mine = own[place] / drawn[place] + 1e-12
    return np.array([_iterated_quantile(one, weights, mine) for one in quotient.T]) / _QUANTILE


def simulate_curves(
    curve: LinearCurve, measured: NoisePosterior, shape: NDArray[np.intp], rng: np.random.Generator
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Residuals (n, s) with noises of a posterior, by their shapes (s,) and drawn sizes, and gradients (p, s)."""
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


def probability_of_misfit(curve: LinearCurve) -> float:
    r"""Probability that what neighbouring residuals share is a smooth curve, where rough noise is as likely beforehand.

    What a model misses has derivatives of all orders, as the curves of heat have; the steps of autoregressive noise are
    rough at any scale.  Both are compared beside white noise, over their lengths and shares of the variance, by the
    restricted likelihood, the free numbers integrated out (Gaussian kernel against exponential kernel; C. E. Rasmussen
    and C. K. I. Williams, Gaussian Processes for Machine Learning (2006), doi:10.7551/mitpress/3206.001.0001).  A
    drift that is smooth is not told from a misfit.
    """
    short = evolve(_average_neighbours(curve), stated=False, long=True)
    evidence = float(_evidence_of_smoothness(short, short.residual[:, None], short.gradient[:, None])[0])
    return float(1 / (1 + np.exp(-np.clip(evidence, -500.0, 500.0))))


def chance_of_smoothness(curve: LinearCurve) -> float:
    """Probability that rough noise like that of a curve looks as smooth as its residuals do.

    Noises are drawn from the posterior of the curve among autoregressive ones, and curves with them simulated: the
    share of those for which a smooth curve is at least as likely (parametric bootstrap of a likelihood ratio; G. J.
    McLachlan, Appl. Stat. 36, 318 (1987), doi:10.2307/2347790), the curve itself counted with them.
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
    n = len(residual)
    misfits = tuple(SmoothMisfit(1 - share, share, length * n) for share in _SHARES for length in _MISFIT_LENGTHS)
    smooth, rough = (
        posterior_of_noise(curve, residual, gradient, shapes=shapes).evidence()
        for shapes in ((misfits, np.full(len(misfits), 1 / len(misfits))), correlated_shapes(n))
    )
    return smooth - rough


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


_LEAST_SCATTER = 1e-8  # beside the uncertainty first assumed: data of a model, whose residuals are rounding


def integrated_noise(problem: FitProblem, x: Array, held: int, used: NDArray[np.intp]) -> float:
    r"""Addition to chi2 at coordinates (p,) if the noise is integrated out instead of taken as the likeliest one.

    Chi2 of correlated noise is that of the noise which the residuals at the minimum have.  Another value of a
    coordinate leaves others, with another noise: what neighbours share then takes up more.  For each curve

    $$-2\ln\sum_q p_q \lvert C_q\rvert^{-1/2} \lvert I_q\rvert^{-1/2} e^{-\chi^2_q/2}$$

    over the noises q of `estimate_noise`, less the term of the noise of the fit alone; $I_q$ is the inverse covariance
    of all coordinates (indices `used` (u,)) except `held`, over which is integrated on the tangent.
    """
    added = 0.0
    for curve, noise in zip(tangent_curves(problem, x, used[used != held]), problem.noise, strict=True):
        if noise is not None:
            found = posterior_of_noise(curve, curve.residual[:, None], curve.gradient[:, None])
            of_all = float(np.logaddexp.reduce(found.log_density[:, 0][found.extended[:, 0]], axis=None))
            added -= 2 * (of_all - _log_density_of_one(curve, noise))
    return added


def linear_deviation(problem: FitProblem, x: Array, held: int, used: NDArray[np.intp]) -> float:
    """Standard deviation of one coordinate of a linear model, all noises in proportion to how likely they are."""
    place = int(np.flatnonzero(used == held)[0])
    variances: list[float] = []
    for curve, noise in zip(tangent_curves(problem, x, used), problem.noise, strict=True):
        if noise is not None:
            found = posterior_of_noise(curve, curve.residual[:, None], curve.gradient[:, None])
            weight = np.where(found.extended, found.log_density, -np.inf)[:, 0]
            weight = np.exp(weight - weight.max())
            weight /= weight.sum()
            shift = found.shift[:, 0, :, place]
            spread = found.variances()[:, 0, :, place] + (shift - float(np.sum(weight * shift))) ** 2
            variances.append(float(np.sum(weight * spread)))
    return float(np.sqrt(max(variances)))


def linear_rise(
    problem: FitProblem, x: Array, held: int, used: NDArray[np.intp], steps: Array, *, beyond: bool = False
) -> Array:
    """Rises (k,) of chi2, noise integrated out, `steps` (k,) from the minimum along one coordinate of a linear model.

    All other coordinates are at their best; the minimum may lie `beyond` the limit on which the coordinate is.
    """
    place = int(np.flatnonzero(used == held)[0])
    curves = tangent_curves(problem, x, used)
    total = np.zeros(steps.size)
    variance = np.inf
    for curve, noise in zip(curves, problem.noise, strict=True):
        if noise is not None:
            found = posterior_of_noise(curve, curve.residual[:, None], curve.gradient[:, None])
            white: NDArray[Any] = noise.whiten(curve.jacobian)[0]
            variance = float(np.linalg.inv(white.T @ white + curve.information)[place, place])
            weight = np.where(found.extended, found.log_density, -np.inf)[:, 0]
            spread, shift = found.variances()[:, 0, :, place], found.shift[:, 0, :, place]
            shift = shift - shift.ravel()[np.argmax(weight)] * beyond
            at = [weight - 0.5 * (np.log(spread) + (u - shift) ** 2 / spread) for u in (0.0, *steps.tolist())]
            rise = np.array([-2 * np.logaddexp.reduce(one, axis=None) for one in at])
            total += rise[1:] - rise[0] - steps**2 / variance
    return np.maximum(total + steps**2 / variance, 0.0)


def _log_density_of_one(curve: LinearCurve, noise: AutoregressiveNoise) -> float:
    columns, determinant = noise.whiten(np.column_stack([curve.residual, curve.jacobian]))
    residual, jacobian = columns[:, 0], columns[:, 1:]
    curvature = jacobian.T @ jacobian + curve.information
    slope = jacobian.T @ residual + curve.gradient
    gain = float(slope @ np.linalg.solve(curvature, slope)) - float(residual @ residual)
    return 0.5 * (gain - determinant - float(np.linalg.slogdet(curvature)[1]))


@frozen
class CurveNoise(BaseRecord):
    """Noise of one curve as a fit found it.

    Attributes
    ----------
    probability : that neighbouring points have noise in common, or more than stated; NaN where the curve is too short
    noise : the likeliest, in units of the uncertainty of the points
    misfit : probability that what neighbours share is a smooth curve, as of a model that misses the data, rather than
        rough noise; NaN where the noise is not correlated
    rough : probability that rough noise like that of the curve looks as smooth; 1 where a smooth curve is not the
        likelier one

    Examples
    --------
    >>> from kapitza.examples import fitted_film
    >>> found = fitted_film()
    >>> print("correlated" if found.noise[0].probability > 0.5 else "white")
    white
    """

    probability: float = field(metadata=about("1", "probability of correlated noise, or of more than stated"))
    noise: AutoregressiveNoise
    misfit: float = field(
        default=float("nan"), metadata=about("1", "probability that what neighbours share is a smooth misfit")
    )
    rough: float = field(default=1.0, metadata=about("1", "probability that rough noise looks as smooth"))


def refit_with_noise(
    problem: FitProblem, solution: Solution, scatter: Array
) -> tuple[FitProblem, Solution, tuple[CurveNoise, ...]]:
    """Estimate the noise of each curve; fit again with that of curves in which it is more likely correlated than not.

    `problem` and `solution` are those of the fit with uncorrelated noise, `scatter` (m,) is the factor between the
    scatter of each curve and the uncertainty first assumed.  The covariance of the solution becomes that of all noises
    in proportion to their probability (`estimate_noise`), with that of their size where no uncertainty was stated;
    where a curve is more likely correlated than not, it is brought to what holds 95 % of curves like it
    (`coverage_factors`).
    """
    curves, found = _estimates(problem, solution, scatter)
    for _ in range(2):  # the noise belongs to the residuals, and those to the fit with the noise
        wanted = tuple(one.likeliest if one is not None and one.probability > CORRELATED else None for one in found)
        if all(one is None for one in wanted):
            break
        problem = evolve(problem, noise=wanted)
        minima = solution.minima
        solution = least_squares(
            problem.residual, solution.x, limits=(problem.low, problem.high), scale=problem.scale, starts=1
        )
        solution = evolve(solution, minima=minima)
        curves, found = _estimates(problem, solution, scatter)
    used = np.flatnonzero(solution.inside)
    total = np.array(solution.covariance)
    for curve, one in zip(curves, found, strict=True):
        if curve is not None and one is not None:
            # wider where correlated noise is known so roughly that more is needed
            factor = coverage_factors(curve) if one.probability > CORRELATED else np.ones(used.size)
            total[np.ix_(used, used)] += one.covariance * np.outer(factor, factor)
            total -= solution.covariance
    noises: list[CurveNoise] = []
    for curve, one in zip(curves, found, strict=True):
        if curve is None or one is None:
            noises.append(CurveNoise(float("nan"), AutoregressiveNoise(1.0, 0.0, 0.0)))
        elif one.probability > CORRELATED and one.likeliest.smooth > 0:
            misfit = probability_of_misfit(curve)
            rough = chance_of_smoothness(curve) if misfit > 0.5 else 1.0
            noises.append(CurveNoise(one.probability, one.likeliest, misfit, rough))
        else:
            noises.append(CurveNoise(one.probability, one.likeliest))
    return problem, evolve(solution, covariance=_not_below_zero(total, np.diag(solution.covariance))), tuple(noises)


def _estimates(
    problem: FitProblem, solution: Solution, scatter: Array
) -> tuple[tuple[LinearCurve | None, ...], tuple[NoiseEstimate | None, ...]]:
    """Curves and what each says of its noise; None where it is too short and its errors stated, or without noise."""
    curves = tuple(
        None if (curve.stated and not curve.long) or size < _LEAST_SCATTER or not np.any(curve.residual) else curve
        for curve, size in zip(
            tangent_curves(problem, solution.x, np.flatnonzero(solution.inside)), scatter.tolist(), strict=True
        )
    )
    return curves, tuple(None if curve is None else estimate_noise(curve) for curve in curves)


def _not_below_zero(covariance: NDArray[Any], variance: Array) -> NDArray[Any]:
    """Covariance (p, p) without negative eigenvalues, in units of plain variances (p,)."""
    size = np.sqrt(np.maximum(variance, 1e-300))
    values, axes = np.linalg.eigh(covariance / np.outer(size, size))
    return (axes * np.maximum(values, 0.0)) @ axes.T * np.outer(size, size)
