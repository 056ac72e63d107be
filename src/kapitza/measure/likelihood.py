"""What the data say of one or two parameters while all others adapt: profiles, one-sided bounds, contours."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, about, numbers, same_length
from kapitza.core.likelihood_ratio import ratio_quantile
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.measure.least_squares import Solution, descend, difference_jacobian
from kapitza.measure.noise.correlated import integrated_noise, linear_deviation, linear_rise
from kapitza.measure.problem import FitProblem

_MAX_DEVIATIONS = 60.0  # standard deviations out to which a number without limits is followed
QUANTILE = 1.959963984540054  # of the normal distribution, for a two-sided 95 %
_PARABOLA_TOLERANCE = 0.1  # of the rise of chi2, the square of a length
_END_TOLERANCE = 0.1  # of the half-length of an interval
_GAUSS_NEWTON_STEPS = 12  # before a plain search takes over
_LONGEST_STEP = 3.0  # of the scale of a coordinate
_HALVINGS = 6  # of a step that leads up
_DIFFERENCE = 1e-6  # of the scale of a coordinate
_CLOSURE = 4.0  # standard deviations from which on a limit is out of reach
_FAR_LIMIT = 5.0  # standard deviations from which on a limit of another number does not matter
_MOST_NEAR = 4  # numbers whose limits are considered together
_CHI2_TOLERANCE = 1e-4  # to which chi2 of a profile is known, beside the 3.84 of an interval


@frozen(eq=False)
class ProfileLikelihood(BaseRecord):
    """Rise of chi2 along one parameter, all others at their best.

    Attributes
    ----------
    name : of the parameter
    value : (n,) values, SI
    delta_chi2 : (n,) chi2 less its minimum; 3.84 bounds the 95 % interval of a normal parameter

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza.examples import fitted_film
    >>> found = fitted_film()
    >>> sigma = found.sigma[0]
    >>> rise = found.profile_likelihood("Al|Si.conductance", found.value + sigma * np.array([-1, 0, 1]))
    >>> print(rise.delta_chi2.round(1))  # 1 at one standard uncertainty
    [1. 0. 1.]
    """

    name: str
    value: Array = field(converter=numbers, metadata=about("SI", "value of the parameter"))
    delta_chi2: Array = field(converter=numbers, validator=same_length("value"), metadata=about("1", "rise of chi2"))


@frozen(eq=False)
class Contours(BaseRecord):
    """Rise of chi2 over two parameters, all others at their best.

    Attributes
    ----------
    names : of the parameters
    first, second : (n,), (m,) their values, SI
    delta_chi2 : (n, m) chi2 less its minimum; 2.30, 5.99 and 9.21 enclose 68.3, 95 and 99 %

    Examples
    --------
    >>> from kapitza import Prior
    >>> from kapitza.examples import fitted_film
    >>> found = fitted_film(priors={"Al.thickness": Prior.relative(0.03)})
    >>> rise = found.contours("Al|Si.conductance", "Al.thickness", points=5)
    >>> print(rise.delta_chi2.shape, rise.delta_chi2[2, 2].round(6), "at the best values")
    (5, 5) 0.0 at the best values
    """

    names: tuple[str, str]
    first: Array = field(converter=numbers, metadata=about("SI", "first parameter"))
    second: Array = field(converter=numbers, metadata=about("SI", "second parameter"))
    delta_chi2: NDArray[np.float64] = field(metadata=about("1", "rise of chi2"))


@frozen
class Bound(BaseRecord):
    """Interval of a number that the data do not determine; most often a bound on one side.

    Attributes
    ----------
    low, high : SI; None where the interval reaches a limit, both None where the data say nothing
    confidence : that the number is between them, wherever it is

    Examples
    --------
    >>> from kapitza.examples import fitted_film
    >>> found = fitted_film(2e10, noise=0.05)
    >>> bound = found.bounds["Al|Si.conductance"]
    >>> print(f"above {bound.low / 1e9:.1f} GW m⁻² K⁻¹ with {bound.confidence:.0%}; high: {bound.high}")
    above 7.4 GW m⁻² K⁻¹ with 95%; high: None
    """

    low: float | None = field(metadata=about("SI", "lower bound"))
    high: float | None = field(metadata=about("SI", "upper bound"))
    confidence: float = field(metadata=about("1", "confidence"))


def _constrained_minimum(problem: FitProblem, x: Array, fixed: dict[int, float]) -> tuple[Array, float]:
    """Best coordinates (p,) with those of `fixed` held, by index, and chi2 there; x is where the search begins."""
    full = np.array(x)
    full[list(fixed)] = list(fixed.values())
    moving = np.array([i for i in range(x.size) if i not in fixed], dtype=int)

    def residual(y: Array) -> Array:
        trial = np.array(full)
        trial[moving] = y
        return problem.residual(trial)

    low, high, scale = problem.low[moving], problem.high[moving], problem.scale[moving]
    near = _nearby_minimum(residual, full[moving], low, high, scale)
    found, chi2 = near or descend(residual, full[moving], low=low, high=high, scale=scale, tolerance=1e-8)
    full[moving] = found
    return full, chi2


def _nearby_minimum(
    residual: Callable[[Array], Array], start: Array, low: Array, high: Array, scale: Array
) -> tuple[Array, float] | None:
    """End point (p,) of a few Gauss-Newton steps within the limits, and chi2 there; None where they do not arrive.

    How far chi2 can still fall is foreseen by the linear model; where that is nothing beside the rises that bound an
    interval, the end is reached.  Derivatives by one-sided differences change where a step ends, not chi2 there.
    """
    y, last = np.clip(start, low, high), residual(np.clip(start, low, high))
    chi2 = float(last @ last)
    for _ in range(_GAUSS_NEWTON_STEPS):
        offset = np.where(y + _DIFFERENCE * scale <= high, _DIFFERENCE, -_DIFFERENCE) * scale
        shifted = [(residual(y + one) - last) / one.sum() for one in np.diag(offset)]
        jacobian = np.array(shifted).reshape(y.size, last.size).T
        if not (np.isfinite(chi2) and np.isfinite(jacobian).all()):
            return None
        step = _limited_step(jacobian, last, low - y, high - y)
        ahead = jacobian @ step
        if float(ahead @ ahead) <= _CHI2_TOLERANCE:
            return y, chi2
        step /= max(1.0, float(np.max(np.abs(step) / (_LONGEST_STEP * scale))))
        for _ in range(_HALVINGS):
            trial = np.clip(y + step, low, high)
            other = residual(trial)
            if other @ other < chi2:
                break
            step /= 2
        else:
            return None
        y, last, chi2 = trial, other, float(other @ other)
    return None


def _limited_step(jacobian: NDArray[Any], residual: Array, low: Array, high: Array) -> Array:
    """Gauss-Newton step (p,) within limits: coordinates that would leave them stay, and the others move without."""
    step, moving = np.zeros(low.size), np.ones(low.size, dtype=bool)
    while moving.any():
        size = np.maximum(np.linalg.norm(jacobian[:, moving], axis=0), 1e-300)
        held = residual + jacobian[:, ~moving] @ step[~moving]
        step[moving] = -np.linalg.lstsq(jacobian[:, moving] / size, held, rcond=1e-11)[0] / size
        beyond = moving & ((step < low) | (step > high))
        if not beyond.any():
            break
        step[beyond] = np.clip(step[beyond], low[beyond], high[beyond])
        moving &= ~beyond
    return step


def _profile_slope(problem: FitProblem, best: Solution, index: int) -> Array:
    """(p,) change of all coordinates along the profile of one, by that one, where a model is linear."""
    column = plain_covariance(problem, best)[:, index]
    return column / column[index] if column[index] > 0 else np.zeros(column.size)


def _search_range(problem: FitProblem, best: Solution, index: int, direction: int) -> tuple[float, float, float]:
    """Coordinate of a minimum, its standard deviation (1 on a limit) and how far a profile may be followed."""
    center, sigma = float(best.x[index]), float(best.sigma[index]) or 1.0
    edge = float(problem.high[index] if direction > 0 else problem.low[index])
    return center, sigma, min(abs(edge - center), _MAX_DEVIATIONS * sigma)


def plain_covariance(problem: FitProblem, best: Solution) -> NDArray[Any]:
    """(p, p) inverse of the second derivatives, for the likeliest noise alone."""
    used = np.flatnonzero(best.inside)
    full = np.vstack([best.jacobian[: problem.rows], np.diag(1 / problem.width)])[:, used]
    size = np.linalg.norm(full, axis=0)
    covariance = np.zeros(best.covariance.shape)
    scale = np.outer(size, size)
    covariance[np.ix_(used, used)] = np.linalg.pinv((full / size).T @ (full / size)) / scale
    return covariance


def root_rise(problem: FitProblem, best: Solution, index: int, deviations: float) -> float:
    r"""Root of the rise of chi2 so many standard deviations away in a linear model.

    Chi2 is that of the likeliest noise; where size and correlation of the noise are known only so well, the standard
    deviation is larger than its second derivatives say, and the profile is followed as much farther.  Where the scatter
    alone is unknown this is the F interval of D. M. Bates and D. G. Watts, Nonlinear Regression Analysis (1988),
    doi:10.1002/9780470316757, chapter 6.
    """
    plain = float(plain_covariance(problem, best)[index, index])
    return deviations * float(np.sqrt(best.covariance[index, index] / plain)) if plain > 0 else deviations


def _rise_to(problem: FitProblem, best: Solution, index: int, deviations: float) -> float:
    """Rise of chi2, correlated noise integrated out, so many standard deviations away in a linear model, as the mean
    of both sides.
    """
    if all(noise is None for noise in problem.noise):
        return root_rise(problem, best, index, deviations) ** 2
    used, on_limit = np.union1d(np.flatnonzero(best.inside), [index]), not best.inside[index]
    sigma = linear_deviation(problem, best.x, index, used) if on_limit else float(best.sigma[index])
    steps = np.array([-1.0, 1.0]) * deviations * sigma
    return float(np.mean(linear_rise(problem, best.x, index, used, steps, beyond=on_limit)))


def _rise(problem: FitProblem, best: Solution, index: int, x: Array, chi2: float) -> float:
    """Rise of chi2 to coordinates (p,) of a profile, correlated noise integrated out."""
    added, used = 0.0, np.flatnonzero(best.inside)
    if any(noise is not None for noise in problem.noise):
        if index not in best.noise_at_minimum:
            best.noise_at_minimum[index] = integrated_noise(problem, best.x, index, used)
        added = integrated_noise(problem, x, index, used) - best.noise_at_minimum[index]
    return max(0.0, chi2 - best.chi2 + added)


def linear_ends(best: Solution, index: int, deviations: float) -> tuple[float, float]:
    """Coordinates so many standard deviations below and above the minimum."""
    reach = deviations * float(best.sigma[index])
    return float(best.x[index]) - reach, float(best.x[index]) + reach


def profile_ends(problem: FitProblem, best: Solution, index: int, deviations: float) -> tuple[float, float]:
    """Coordinates where the profile of chi2 has risen as far as a linear model has it there, or the limits."""
    below, above = ordered_ends(problem, best, index, deviations)
    low, high = problem.parameters[index].low, problem.parameters[index].high
    return low if below is None else below, high if above is None else above


def ordered_ends(
    problem: FitProblem, best: Solution, index: int, deviations: float
) -> tuple[float | None, float | None]:
    r"""Coordinates where the rise of chi2 from the likeliest allowed numbers to a value of one is as large as chance
    makes it there; None where it is never so large before the limit.

    Far from limits that is $\Delta\chi^2 = z^2$; where limits are near, of this number or of others, the quantile of
    the rise at each value (`ratio_quantile`).  The interval passes so from two ends to one, and holds the number as
    often wherever it is.  The limits are a perfect contact and none for a conductance.
    """

    def level(x: Array) -> float:
        """Rise of chi2 that chance makes as large at coordinates (p,) of the profile."""
        open_sides = {side: [i for i in _free(problem) if not is_closed(problem, best, i, side)] for side in (-1, 1)}
        if not any(open_sides.values()):
            return _rise_to(problem, best, index, deviations)
        quantile = _ratio_quantile_at(problem, best, index, deviations, x, open_sides)
        return _rise_to(problem, best, index, float(np.sqrt(quantile)))

    if (index, deviations) not in best.profile_ends:
        ends = tuple(profile_crossing(problem, best, index, side, level) for side in (-1, 1))
        best.profile_ends[index, deviations] = ends[0], ends[1]
    return best.profile_ends[index, deviations]


def _ratio_quantile_at(
    problem: FitProblem, best: Solution, index: int, deviations: float, x: Array, open_sides: dict[int, list[int]]
) -> float:
    """Quantile of the rise at coordinates (p,) of a profile, in squared standard deviations.

    It follows from the tangent there and the differences between curves there and on the limits that the data do not
    exclude.
    """
    from scipy.special import ndtr

    jacobian = difference_jacobian(problem.residual, x, scale=problem.scale)
    here, size = problem.residual(x), np.maximum(np.linalg.norm(jacobian, axis=0), 1e-300)
    distance = {side: np.full(x.size, np.inf) for side in open_sides}
    for side, numbers_there in open_sides.items():
        for i in numbers_there:
            edge = np.array(x)
            edge[i] = problem.low[i] if side < 0 else problem.high[i]
            distance[side][i] = float(np.linalg.norm(problem.residual(edge) - here))
    covariance = np.linalg.pinv((jacobian / size).T @ (jacobian / size))
    apart = np.minimum(distance[-1], distance[1]) / np.sqrt(np.diag(covariance))
    apart[index] = -1.0  # the number itself comes first
    near = np.argsort(apart)[: min(_MOST_NEAR, 1 + np.count_nonzero(np.delete(apart, index) < _FAR_LIMIT))]
    plain = float(plain_covariance(problem, best)[index, index])
    width = float(np.sqrt(best.covariance[index, index] / plain)) if plain > 0 else 1.0
    return ratio_quantile(
        np.linalg.inv(covariance[np.ix_(near, near)]),
        distance[-1][near],
        distance[1][near],
        confidence=float(2 * ndtr(deviations) - 1),
        width=width,
    )


def interval_ends(
    problem: FitProblem, best: Solution, index: int, deviations: float
) -> tuple[tuple[float, float], bool]:
    r"""Ends of the interval of a parameter, and whether they are where a linear model has them.

    So many standard deviations to both sides, with all other parameters where a linear model has them, the rise of chi2
    is held against that of the parabola.  Where it is another by more than a tenth, the model or its coordinates bend,
    and the profile is followed; its ends agree with those of the parabola within a tenth of the half-length or not.
    """
    linear = linear_ends(best, index, deviations)
    closed = all(is_closed(problem, best, i, side) for i in _free(problem) for side in (-1, 1))
    if closed and _rises_as_parabola(problem, best, index, deviations):
        return linear, True
    ends = profile_ends(problem, best, index, deviations)
    far = np.abs(np.subtract(ends, linear)).max()
    return ends, bool(far <= _END_TOLERANCE * deviations * best.sigma[index])


def _rises_as_parabola(problem: FitProblem, best: Solution, index: int, deviations: float) -> bool:
    """Whether chi2 rises as a parabola at both ends of the interval of a linear model."""
    plain = plain_covariance(problem, best)
    if not plain[index, index] > 0:
        return True  # on a limit
    root = root_rise(problem, best, index, deviations)
    step = root * plain[:, index] / np.sqrt(plain[index, index])
    for side in (-1, 1):
        x = best.x + side * step
        if (x < problem.low).any() or (x > problem.high).any():
            return False
        residual = problem.residual(x)
        if not abs(float(residual @ residual) - best.chi2 - root**2) <= _PARABOLA_TOLERANCE * root**2:
            return False
    return True


def profile_crossing(
    problem: FitProblem, best: Solution, index: int, direction: int, level: Callable[[Array], float]
) -> float | None:
    """Coordinate where the profile of chi2 has risen by a `level` of its coordinates (p,) in a direction (-1 or 1),
    None if never within the limits.

    The root of the rise over the level grows almost linearly, so that its secant is soon there.
    """
    center, sigma, reach = _search_range(problem, best, index, direction)
    inner, inner_root = 0.0, 0.0
    guess, x = min(2 * sigma, 1.0, reach), best.x
    slope = _profile_slope(problem, best, index)
    before, last = 0.0, best.x
    outer: tuple[float, float] | None = None
    for _ in range(60):
        if reach <= 0:
            return None
        fixed = {index: center + direction * guess}
        x, chi2 = _constrained_minimum(problem, x + direction * (guess - before) * slope, fixed)
        root = float(np.sqrt(_rise(problem, best, index, x, chi2) / max(level(x), 1e-300)))
        if root >= 1 and outer is None:  # so far away a search may end in another minimum, which is higher
            other, lower = _constrained_minimum(problem, last, fixed)
            if lower < chi2:
                x, root = other, float(np.sqrt(_rise(problem, best, index, other, lower) / max(level(other), 1e-300)))
        before = guess
        if abs(root - 1) <= 1e-3:
            return center + direction * guess
        # the bracket keeps the secant from leaving the side on which the level lies
        if root >= 1:
            outer = (guess, root)
        else:
            inner, inner_root, last = guess, root, x
        if outer is not None:
            share = (1 - inner_root) / (outer[1] - inner_root)
            guess = inner + min(0.95, max(0.05, share)) * (outer[0] - inner)
            if outer[0] - inner < 1e-6 * (outer[0] + 1e-12):
                return center + direction * outer[0]
        elif guess >= reach * (1 - 1e-12):
            return None
        else:
            guess = min(reach, 2 * guess)
    return center + direction * guess


def _profile_rises_by(problem: FitProblem, best: Solution, index: int, direction: int, level: float) -> bool:
    """Whether the profile of chi2 rises by `level` before the limit of a parameter."""
    center, sigma, reach = _search_range(problem, best, index, direction)
    step, x = min(1.2 * float(np.sqrt(level)) * sigma, 1.0), best.x
    start = x + direction * min(step, reach) * _profile_slope(problem, best, index)
    while reach > 0:
        step = min(step, reach)
        x, chi2 = _constrained_minimum(problem, start, {index: center + direction * step})
        start = x
        if _rise(problem, best, index, x, chi2) >= level:
            return True
        if step >= reach:
            break
        step *= 2
    return False


def is_closed(problem: FitProblem, best: Solution, index: int, side: int) -> bool:
    """Whether chi2 excludes the limit of a free parameter on a side (-1 or 1) by four standard deviations."""
    if (index, side) not in best.closed_sides:
        room = min(best.x[index] - problem.low[index], problem.high[index] - best.x[index])
        # so narrow, and so far from the limits, that the parabola may be trusted
        narrow = 0 < best.sigma[index] < min(0.3 / _CLOSURE, room / 6)
        best.closed_sides[index, side] = narrow or _profile_rises_by(
            problem, best, index, side, _rise_to(problem, best, index, _CLOSURE)
        )
    return best.closed_sides[index, side]


def _free(problem: FitProblem) -> list[int]:
    return [i for i, parameter in enumerate(problem.parameters) if not parameter.known]


def undetermined_bounds(problem: FitProblem, best: Solution, confidence: float = 0.95) -> dict[str, Bound]:
    """Ends of the intervals of the free parameters that the data do not determine, by name.

    A parameter is determined if chi2 rises as far as four standard deviations take it on both sides of its minimum
    before the limits, so that neither limit (for a conductance: perfect contact and none) agrees with the data.  This
    decides whether a value is given; the ends are those of `ordered_ends` in either case, so that the data do not
    choose between intervals that hold the number less often together than each of them would.
    """
    from scipy.special import ndtri

    bounds: dict[str, Bound] = {}
    for i in _free(problem):
        if not all(is_closed(problem, best, i, side) for side in (-1, 1)):
            parameter, ends = problem.parameters[i], ordered_ends(problem, best, i, float(ndtri(0.5 + confidence / 2)))
            low, high = (None if end is None else parameter.value(end) for end in ends)
            bounds[parameter.name] = Bound(low, high, confidence)
    return bounds


def profile_likelihood(
    problem: FitProblem, best: Solution, index: int, values: ArrayLike | None, *, span: float
) -> ProfileLikelihood:
    """Profile of one parameter at values (n,), SI, or at 21 over `span` standard deviations to both sides."""
    parameter = problem.parameters[index]
    if values is None:
        half = min(span * float(best.sigma[index]), 10.0) or 1.0
        at = np.clip(best.x[index] + np.linspace(-half, half, 21), parameter.low, parameter.high)
    else:
        at = np.array([parameter.coordinate(v) for v in numbers(values)])
    rise = np.zeros(at.size)
    # from the minimum outwards, so that each search begins beside the one before it
    for side in (np.argsort(at)[np.sort(at) >= best.x[index]], np.argsort(at)[np.sort(at) < best.x[index]][::-1]):
        x = best.x
        for i in side:
            x, chi2 = _constrained_minimum(problem, x, {index: float(at[i])})
            rise[i] = max(0.0, chi2 - best.chi2)
    return ProfileLikelihood(parameter.name, [parameter.value(u) for u in at], rise)


def likelihood_contours(
    problem: FitProblem, best: Solution, pair: Sequence[int], *, points: int, span: float
) -> Contours:
    """Likelihood over two parameters on a grid of `points` by `points`, `span` standard deviations to every side."""
    one, other = pair
    if one == other:
        raise InputError(f"contours need two parameters, got {problem.parameters[one].name!r} twice")
    grids = [
        np.clip(best.x[i] + best.sigma[i] * np.linspace(-span, span, points), problem.low[i], problem.high[i])
        for i in (one, other)
    ]
    rise = np.zeros((points, points))
    x = best.x
    for a in range(points):
        # back and forth, so that each search begins beside the one before it
        for b in range(points) if a % 2 == 0 else range(points)[::-1]:
            x, chi2 = _constrained_minimum(problem, x, {one: float(grids[0][a]), other: float(grids[1][b])})
            rise[a, b] = max(0.0, chi2 - best.chi2)
    named = [problem.parameters[i] for i in (one, other)]
    values = [[p.value(u) for u in grid] for p, grid in zip(named, grids, strict=True)]
    return Contours((named[0].name, named[1].name), values[0], values[1], rise)
