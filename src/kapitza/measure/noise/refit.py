"""Fits whose noise may be correlated: the noise is estimated, the fit repeated with it, and its errors widened."""

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
    estimate_noise,
    posterior_of_noise,
    tangent_curves,
)
from kapitza.measure.problem import FitProblem

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
    noises = tuple(_curve_noise(curve, one) for curve, one in zip(curves, found, strict=True))
    return problem, evolve(solution, covariance=_not_below_zero(total, np.diag(solution.covariance))), noises


def _curve_noise(curve: LinearCurve | None, found: NoiseEstimate | None) -> CurveNoise:
    if curve is None or found is None:
        return CurveNoise(float("nan"), AutoregressiveNoise(1.0, 0.0, 0.0))
    if not (found.probability > CORRELATED and found.likeliest.smooth > 0):
        return CurveNoise(found.probability, found.likeliest)
    misfit = probability_of_misfit(curve)
    return CurveNoise(found.probability, found.likeliest, misfit, chance_of_smoothness(curve) if misfit > 0.5 else 1.0)


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
