"""What the data say of one or two parameters while all others adapt: profiles, one-sided bounds, contours."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, about, numbers, same_length
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.measure.least_squares import Solution, descend
from kapitza.measure.parameters import FitProblem

_MAX_DEVIATIONS = 60.0  # standard deviations out to which a number without limits is followed
QUANTILE = 1.959963984540054  # of the normal distribution, for a two-sided 95 %
_PARABOLA_TOLERANCE = 0.1  # of the rise of chi2, the square of a length
_END_TOLERANCE = 0.1  # of the half-length of an interval
_GAUSS_NEWTON_STEPS = 12  # before a plain search takes over
_LONGEST_STEP = 3.0  # of the scale of a coordinate
_HALVINGS = 6  # of a step that leads up
_DIFFERENCE = 1e-6  # of the scale of a coordinate
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
    >>> from kapitza import Boundary, Layer, Stack, fit
    >>> from kapitza.measure import simulate_curve
    >>> from kapitza.thermoreflectance import FilmCooling
    >>> film = Stack(
    ...     [Layer("Al", 80e-9, 180.0, heat_capacity=2.43e6), Layer("Si", np.inf, 130.0, heat_capacity=1.66e6)],
    ...     [Boundary(1e8)],
    ... )
    >>> cooling = FilmCooling(np.geomspace(0.1e-9, 10e-9, 20))
    >>> found = fit(cooling, simulate_curve(cooling, film, noise=0.01), film, ["Al|Si.conductance"])
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
    >>> import numpy as np
    >>> from kapitza import Boundary, Layer, Prior, Stack, fit
    >>> from kapitza.measure import simulate_curve
    >>> from kapitza.thermoreflectance import FilmCooling
    >>> film = Stack(
    ...     [Layer("Al", 80e-9, 180.0, heat_capacity=2.43e6), Layer("Si", np.inf, 130.0, heat_capacity=1.66e6)],
    ...     [Boundary(1e8)],
    ... )
    >>> cooling = FilmCooling(np.geomspace(0.1e-9, 10e-9, 20))
    >>> found = fit(
    ...     cooling,
    ...     simulate_curve(cooling, film, noise=0.01),
    ...     film,
    ...     ["Al|Si.conductance"],
    ...     priors={"Al.thickness": Prior.relative(0.03)},
    ... )
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
    """One-sided bound of a number that the data do not determine.

    Attributes
    ----------
    low, high : at most one of them is a number, SI; both None where the data say nothing
    confidence : of the interval that the bound is one end of: intervals and bounds together hold the number as often

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza import Boundary, Layer, Stack, fit
    >>> from kapitza.measure import simulate_curve
    >>> from kapitza.thermoreflectance import FilmCooling
    >>> film = Stack(
    ...     [Layer("Al", 80e-9, 180.0, heat_capacity=2.43e6), Layer("Si", np.inf, 130.0, heat_capacity=1.66e6)],
    ...     [Boundary(2e10)],
    ... )
    >>> cooling = FilmCooling(np.geomspace(0.1e-9, 10e-9, 20))
    >>> found = fit(cooling, simulate_curve(cooling, film, noise=0.05), film, ["Al|Si.conductance"])
    >>> bound = found.bounds["Al|Si.conductance"]
    >>> print(f"above {bound.low / 1e9:.1f} GW m⁻² K⁻¹ with {bound.confidence:.0%}; high: {bound.high}")
    above 7.2 GW m⁻² K⁻¹ with 95%; high: None
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
    """Rise of chi2, the noise integrated out, so many standard deviations away in a linear model, the mean of both
    sides.
    """
    if best.integrated is None or not best.inside[index]:
        return root_rise(problem, best, index, deviations) ** 2
    steps = np.array([-1.0, 1.0]) * deviations * float(best.sigma[index])
    return float(np.mean(best.integrated.linear_rise(index, steps)))


def _rise(best: Solution, index: int, x: Array, chi2: float) -> float:
    """Rise of chi2 to coordinates (p,) of a profile, the noise integrated out where the residuals tell it."""
    correction = 0.0 if best.integrated is None else best.integrated.correction(x, index)
    return max(0.0, chi2 - best.chi2 + correction)


def linear_ends(best: Solution, index: int, deviations: float) -> tuple[float, float]:
    """Coordinates so many standard deviations below and above the minimum."""
    reach = deviations * float(best.sigma[index])
    return float(best.x[index]) - reach, float(best.x[index]) + reach


def profile_ends(problem: FitProblem, best: Solution, index: int, deviations: float) -> tuple[float, float]:
    """Coordinates where the profile of chi2 has risen as far as a linear model has it there, or the limits."""
    if (index, deviations) in best.profile_ends:
        return best.profile_ends[index, deviations]
    level = _rise_to(problem, best, index, deviations)
    below, above = (profile_crossing(problem, best, index, side, level) for side in (-1, 1))
    low, high = problem.parameters[index].low, problem.parameters[index].high
    best.profile_ends[index, deviations] = low if below is None else below, high if above is None else above
    return best.profile_ends[index, deviations]


def interval_ends(
    problem: FitProblem, best: Solution, index: int, deviations: float
) -> tuple[tuple[float, float], bool]:
    r"""Ends of the interval of a parameter, and whether they are where a linear model has them.

    So many standard deviations to both sides, with all other parameters where a linear model has them, the rise of chi2
    is held against that of the parabola.  Where it is another by more than a tenth, the model or its coordinates bend,
    and the profile is followed; its ends agree with those of the parabola within a tenth of the half-length or not.
    """
    linear = linear_ends(best, index, deviations)
    if _rises_as_parabola(problem, best, index, deviations):
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


def profile_crossing(problem: FitProblem, best: Solution, index: int, direction: int, level: float) -> float | None:
    """Coordinate where the profile of chi2 has risen by `level` in a direction (-1 or 1), None if never within the
    limits.

    The root of the rise grows almost linearly, so that its secant is soon there.
    """
    center, sigma, reach = _search_range(problem, best, index, direction)
    target = np.sqrt(level)
    inner, inner_root = 0.0, 0.0
    guess, x = min(target * sigma, 1.0, reach), best.x
    slope = _profile_slope(problem, best, index)
    before = 0.0
    outer: tuple[float, float] | None = None
    for _ in range(60):
        if reach <= 0:
            return None
        x, chi2 = _constrained_minimum(
            problem, x + direction * (guess - before) * slope, {index: center + direction * guess}
        )
        before = guess
        root = float(np.sqrt(_rise(best, index, x, chi2)))
        if abs(root - target) <= 1e-3 * target:
            return center + direction * guess
        # the bracket keeps the secant from leaving the side on which the level lies
        if root >= target:
            outer = (guess, root)
        else:
            inner, inner_root = guess, root
        if outer is not None:
            share = (target - inner_root) / (outer[1] - inner_root)
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
        if _rise(best, index, x, chi2) >= level:
            return True
        if step >= reach:
            break
        step *= 2
    return False


def _edge_rise(problem: FitProblem, best: Solution, index: int, direction: int) -> float:
    """Rise of chi2 at the limit of a parameter."""
    center = float(best.x[index])
    edge = float(problem.high[index] if direction > 0 else problem.low[index])
    x, chi2 = best.x, best.chi2
    for share in (0.1, 0.3, 1.0):  # the others follow in steps
        x, chi2 = _constrained_minimum(problem, x, {index: center + share * (edge - center)})
    return _rise(best, index, x, chi2)


def one_sided_bound(
    problem: FitProblem, best: Solution, index: int, *, confidence: float, closure: float
) -> Bound | None:
    r"""One-sided bound of a free parameter that the data do not determine; None where they do.

    A parameter is determined if chi2 rises by `closure` (16: four standard deviations) on both sides of its minimum
    before the limits, so that neither limit (for a conductance: perfect contact and none) agrees with the data.
    Otherwise the side on which the rise is the larger is bounded where the two-sided interval would end, at
    $\Delta\chi^2 = z^2$ with z = 1.96 for 95 %: the data choose between interval and bound, and with a bound at the
    one-sided quantile, 1.645, the two together would hold as few as 92.5 % (G. J. Feldman and R. D. Cousins, Phys. Rev.
    D 57, 3873 (1998), doi:10.1103/PhysRevD.57.3873).  Both rises are larger where the noise is known only so well
    (`root_rise`), and where its correlation is told by the residuals, those of the likelihood without it
    (`NoiseLikelihood.linear_rise`).
    """
    from scipy.special import ndtri

    room = min(best.x[index] - problem.low[index], problem.high[index] - best.x[index])
    if 0 < best.sigma[index] < min(0.3 / np.sqrt(closure), room / 6):
        return None  # so narrow, and so far from the limits, that the parabola may be trusted
    wanted = _rise_to(problem, best, index, float(np.sqrt(closure)))
    closed = [side for side in (-1, 1) if _profile_rises_by(problem, best, index, side, wanted)]
    if len(closed) == 2:
        return None
    side = closed[0] if closed else max((-1, 1), key=lambda side: _edge_rise(problem, best, index, side))
    level = _rise_to(problem, best, index, float(ndtri(0.5 + confidence / 2)))
    at = profile_crossing(problem, best, index, side, level)
    value = None if at is None else problem.parameters[index].value(at)
    return Bound(value, None, confidence) if side < 0 else Bound(None, value, confidence)


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
