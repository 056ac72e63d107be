"""Fits whose noise may be correlated: the noise is estimated, the fit repeated with it, and its errors widened."""

from typing import Any

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, about
from kapitza.core.records import BaseRecord
from kapitza.measure.experiment import AutoregressiveNoise
from kapitza.measure.least_squares import Solution, least_squares
from kapitza.measure.noise.bootstrap import coverage_factors
from kapitza.measure.noise.estimate import CORRELATED, LinearCurve, NoiseEstimate, estimate_noise, tangent_curves
from kapitza.measure.noise.marginal import IntegratedNoise
from kapitza.measure.noise.smoothness import chance_of_smoothness, probability_of_misfit
from kapitza.measure.problem import FitProblem

_LEAST_SCATTER = 1e-8  # beside the uncertainty first assumed: data of a model, whose residuals are rounding


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
    """The covariance with zeros for coordinates that stay on a limit."""
    found = np.zeros((size, size))
    found[np.ix_(used, used)] = covariance
    return found


def _widened_covariance(plain: NDArray[Any], added: list[NDArray[Any]]) -> NDArray[Any]:
    """Covariance (p, p) with what each curve adds to it by not telling its noise exactly, never below zero."""
    total = plain + sum(added, np.zeros_like(plain))
    size = np.sqrt(np.maximum(np.diag(plain), 1e-300))
    values, axes = np.linalg.eigh(total / np.outer(size, size))
    return (axes * np.maximum(values, 0.0)) @ axes.T * np.outer(size, size)
