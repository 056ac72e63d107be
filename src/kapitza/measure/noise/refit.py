"""Fits whose noise may be correlated: the noise is estimated, the fit repeated with it, and its errors widened."""

from functools import cached_property
from typing import Any

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, about
from kapitza.core.records import BaseRecord
from kapitza.measure.experiment import AutoregressiveNoise
from kapitza.measure.least_squares import Solution, least_squares
from kapitza.measure.noise.bootstrap import chance_of_smoothness, coverage_factors, probability_of_misfit
from kapitza.measure.noise.estimate import (
    CORRELATED,
    LinearCurve,
    NoiseEstimate,
    NoisePosterior,
    estimate_noise,
    posterior_of_noise,
    tangent_curves,
)
from kapitza.measure.problem import FitProblem

_LEAST_SCATTER = 1e-8  # beside the uncertainty first assumed: data of a model, whose residuals are rounding


@frozen(eq=False)
class IntegratedNoise(BaseRecord):
    """What integrating out the noise of the curves of a fit adds to chi2.

    `problem` was fitted with the likeliest noise, `x` (p,) is its minimum, `used` (u,) are the indices of coordinates
    that are not on a limit.
    """

    problem: FitProblem
    x: Array
    used: NDArray[np.intp]

    @cached_property
    def _at_minimum(self) -> dict[int, float]:
        """Of the minimum, by the coordinate that is profiled."""
        return {}

    def correction(self, x: Array, held: int) -> float:
        """At coordinates (p,) of the profile of one, less what is added at the minimum."""
        if held not in self._at_minimum:
            self._at_minimum[held] = integrated_noise(self.problem, self.x, held, self.used)
        return integrated_noise(self.problem, x, held, self.used) - self._at_minimum[held]

    def linear_rise(self, held: int, steps: Array) -> Array:
        """(k,) rises so far (k,) from the minimum along one coordinate of a linear model."""
        return linear_rise(self.problem, self.x, held, self._with(held), steps, beyond=held not in self.used)

    def linear_deviation(self, held: int) -> float:
        """Standard deviation of one coordinate of a linear model, all noises in proportion to how likely they are."""
        used = self._with(held)
        place = int(np.flatnonzero(used == held)[0])
        found = [
            _moments(curve, place)
            for curve, noise in zip(tangent_curves(self.problem, self.x, used), self.problem.noise, strict=True)
            if noise is not None
        ]
        return float(np.sqrt(max(variance for _, variance in found)))

    def _with(self, held: int) -> NDArray[np.intp]:
        """The coordinates that move, and one that may be on a limit."""
        return np.union1d(self.used, [held])


def integrated_noise(problem: FitProblem, x: Array, held: int, used: NDArray[np.intp]) -> float:
    r"""What is added to chi2 at coordinates (p,) for noise that is integrated out in place of the likeliest one.

    Chi2 of correlated noise is that of the noise which the residuals at the minimum have.  Another value of a
    coordinate leaves others, with another noise: what neighbours share then takes up more.  For each curve

    $$-2\ln\sum_q p_q \lvert C_q\rvert^{-1/2} \lvert I_q\rvert^{-1/2} e^{-\chi^2_q/2}$$

    over the noises q of `estimate_noise`, less the term of the noise of the fit alone; $I_q$ is the inverse covariance
    of all coordinates but the one that is held, over which is integrated on the tangent.

    Parameters
    ----------
    held : index of the coordinate that is profiled
    used : (u,) indices of the coordinates that are not on a limit
    """
    added = 0.0
    for curve, noise in zip(tangent_curves(problem, x, used[used != held]), problem.noise, strict=True):
        if noise is not None:
            found = posterior_of_noise(curve, curve.residual[:, None], curve.gradient[:, None])
            added -= 2 * (_log_density(found) - _log_density_of_one(curve, noise))
    return added


def linear_rise(
    problem: FitProblem, x: Array, held: int, used: NDArray[np.intp], steps: Array, *, beyond: bool = False
) -> Array:
    """(k,) rises of chi2 with the noise integrated out, so far (k,) from the minimum along one coordinate of a linear
    model, all others at their best; from the minimum that is `beyond` the limit on which the coordinate is.
    """
    place = int(np.flatnonzero(used == held)[0])
    curves = tangent_curves(problem, x, used)
    total = np.zeros(steps.size)
    variance = np.inf
    for curve, noise in zip(curves, problem.noise, strict=True):
        if noise is not None:
            found = posterior_of_noise(curve, curve.residual[:, None], curve.gradient[:, None])
            variance = _variance_of_one(curve, noise, place)
            weight = np.where(found.extended, found.log_density, -np.inf)[:, 0]
            spread, shift = found.variances()[:, 0, :, place], found.shift[:, 0, :, place]
            shift = shift - shift.ravel()[np.argmax(weight)] * beyond
            at = [weight - 0.5 * (np.log(spread) + (u - shift) ** 2 / spread) for u in (0.0, *steps.tolist())]
            rise = np.array([-2 * np.logaddexp.reduce(one, axis=None) for one in at])
            total += rise[1:] - rise[0] - steps**2 / variance
    return np.maximum(total + steps**2 / variance, 0.0)


def _moments(curve: LinearCurve, place: int) -> tuple[float, float]:
    """Mean and variance of a coordinate over all noises of the extended kind."""
    found = posterior_of_noise(curve, curve.residual[:, None], curve.gradient[:, None])
    weight = np.where(found.extended, found.log_density, -np.inf)[:, 0]
    weight = np.exp(weight - weight.max())
    weight /= weight.sum()
    shift = found.shift[:, 0, :, place]
    mean = float(np.sum(weight * shift))
    return mean, float(np.sum(weight * (found.variances()[:, 0, :, place] + (shift - mean) ** 2)))


def _log_density(found: NoisePosterior) -> float:
    """Logarithm of the density of the residuals over all noises of the extended kind."""
    return float(np.logaddexp.reduce(found.log_density[:, 0][found.extended[:, 0]], axis=None))


def _log_density_of_one(curve: LinearCurve, noise: AutoregressiveNoise) -> float:
    columns, determinant = noise.whiten(np.column_stack([curve.residual, curve.jacobian]))
    residual, jacobian = columns[:, 0], columns[:, 1:]
    curvature = jacobian.T @ jacobian + curve.information
    slope = jacobian.T @ residual + curve.gradient
    gain = float(slope @ np.linalg.solve(curvature, slope)) - float(residual @ residual)
    return 0.5 * (gain - determinant - float(np.linalg.slogdet(curvature)[1]))


def _variance_of_one(curve: LinearCurve, noise: AutoregressiveNoise, place: int) -> float:
    jacobian: NDArray[Any] = noise.whiten(curve.jacobian)[0]
    return float(np.linalg.inv(jacobian.T @ jacobian + curve.information)[place, place])


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

    The covariance of the solution becomes that of all noises in proportion to their probability (`estimate_noise`),
    with that of their size where no uncertainty was stated; where a curve is more likely correlated than not, it is
    brought to what holds 95 % of curves like it (`coverage_factors`).

    Parameters
    ----------
    problem, solution : of the fit with noise without correlations
    scatter : (m,) factor between the scatter of each curve and the uncertainty first assumed
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
    added = [
        _with_limits(_covariance_that_holds(curve, one), used, solution.x.size) - solution.covariance
        for curve, one in zip(curves, found, strict=True)
        if curve is not None and one is not None
    ]
    widened = _widened_covariance(solution.covariance, added)
    noises = tuple(_curve_noise(curve, one) for curve, one in zip(curves, found, strict=True))
    correlated = any(one is not None for one in problem.noise)
    integrated = IntegratedNoise(problem, solution.x, used) if correlated else None
    return problem, evolve(solution, covariance=widened, integrated=integrated), noises


def _curve_noise(curve: LinearCurve | None, found: NoiseEstimate | None) -> CurveNoise:
    if curve is None or found is None:
        return CurveNoise(float("nan"), AutoregressiveNoise(1.0, 0.0, 0.0))
    if not (found.probability > CORRELATED and found.likeliest.smooth > 0):
        return CurveNoise(found.probability, found.likeliest)
    misfit = probability_of_misfit(curve)
    return CurveNoise(found.probability, found.likeliest, misfit, chance_of_smoothness(curve) if misfit > 0.5 else 1.0)


def _covariance_that_holds(curve: LinearCurve, found: NoiseEstimate) -> NDArray[Any]:
    """Covariance of the coordinates, wider where correlated noise is known so roughly that more is needed."""
    if not found.probability > CORRELATED:
        return found.covariance
    factor = coverage_factors(curve)
    return found.covariance * np.outer(factor, factor)


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


def _with_limits(covariance: NDArray[Any], used: NDArray[np.intp], size: int) -> NDArray[Any]:
    found = np.zeros((size, size))
    found[np.ix_(used, used)] = covariance
    return found


def _widened_covariance(plain: NDArray[Any], added: list[NDArray[Any]]) -> NDArray[Any]:
    """Covariance (p, p) with what each curve adds to it by not telling its noise exactly, never below zero."""
    total = plain + sum(added, np.zeros_like(plain))
    size = np.sqrt(np.maximum(np.diag(plain), 1e-300))
    values, axes = np.linalg.eigh(total / np.outer(size, size))
    return (axes * np.maximum(values, 0.0)) @ axes.T * np.outer(size, size)
