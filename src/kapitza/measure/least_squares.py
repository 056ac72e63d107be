"""Nonlinear least squares whose result is verified.

Stock settings of the usual fitters stop early or in a false minimum without a word.  Here every search is refined
with a high-order Jacobian, and the end point must pass: the gradient is zero within rounding, all parameters are
determined, and the minimum is the lowest of all that several starting points led to.
"""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Literal, cast

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, about, finite
from kapitza.core.records import BaseRecord
from kapitza.errors import ConvergenceError, InputError

ResidualFunction = Callable[[Array], Array]
JacobianFunction = Callable[[Array], NDArray[Any]]

_RANK_TOLERANCE = 1e-11  # singular values below this share of the largest, columns at unit length, count as zero
_STEP_TOLERANCE = 1e-9  # a last step that is this small beside the parameter is zero
_STEP_SIGMA_TOLERANCE = 1e-6  # ... or this small beside the standard uncertainty
_LEAST_DECREASE = 1e-8  # of chi2: a step that would take off less, and less than rounding, is none
_MAX_RESIDUAL = 1e100  # where the model breaks down; its square is still a number


@frozen(eq=False)
class _Residuals(BaseRecord):
    residual: ResidualFunction
    scale: Array | None
    low: Array
    high: Array
    exact: JacobianFunction | None

    def sizes(self, x: Array) -> Array:
        """(p,) size of each parameter, the measure of steps."""
        if self.scale is not None:
            return self.scale
        return np.where(x == 0, 1.0, np.abs(x))

    def __call__(self, x: Array) -> Array:
        """(n,) residuals; very large ones where the model breaks down."""
        with np.errstate(all="ignore"):
            found = np.array(self.residual(x), dtype=float)
        if (np.abs(found) <= _MAX_RESIDUAL).all():  # not for NaN; this is the usual case, and cheaper than what follows
            return found
        return np.nan_to_num(found, nan=_MAX_RESIDUAL).clip(-_MAX_RESIDUAL, _MAX_RESIDUAL)

    def jacobian(self, x: Array, order: int = 2) -> NDArray[Any]:
        """(n, p) derivatives, exact where the caller gave them."""
        if self.exact is not None:
            return np.asarray(self.exact(x), dtype=float)
        return difference_jacobian(self, x, scale=self.sizes(x), order=order)

    def inside(self, x: Array, slope: Array) -> NDArray[np.bool_]:
        """(p,) False where a parameter lies on a limit and would go beyond it."""
        margin = 1e-9 * self.sizes(x)
        stuck = ((x <= self.low + margin) & (slope > 0)) | ((x >= self.high - margin) & (slope < 0))
        return ~stuck


def difference_jacobian(residual: ResidualFunction, x: Array, *, scale: Array, order: int = 2) -> NDArray[Any]:
    """(n, p) derivatives of residuals by central differences with steps in units of `scale` (p,).

    Order 2: $(r_+ - r_-)/2h$ with h = 1e-5 of the scale, error about 1e-10. Order 4: $(8(r_+ - r_-) - (r_{2+} -
    r_{2-}))/12h$ with h = 1e-3 of the scale, made shorter until second and fourth order agree to 1e-6, so that the
    error is about 1e-12 also where a parameter acts over much less than its scale.
    """
    if order not in (2, 4):
        raise InputError(f"order = {order}, wanted 2 or 4")
    if order == 2:
        return np.column_stack([_central_slope(residual, x, i, 1e-5 * float(scale[i])) for i in range(x.size)])
    return np.column_stack([_fourth_order_column(residual, x, i, float(scale[i])) for i in range(x.size)])


def _central_slope(residual: ResidualFunction, x: Array, i: int, step: float) -> Array:
    up, down = np.array(x), np.array(x)
    up[i] += step
    down[i] -= step
    # divided by the step that was made, which differs from the wished one by rounding
    return (residual(up) - residual(down)) / (up[i] - down[i])


def _fourth_order_column(residual: ResidualFunction, x: Array, i: int, scale: float) -> Array:
    step, found = 1e-3 * scale, np.zeros(0)
    for _ in range(4):
        near, far = _central_slope(residual, x, i, step), _central_slope(residual, x, i, 2 * step)
        found = near + (near - far) / 3  # Richardson: the error of order h² cancels
        curved = float(np.linalg.norm(found - near)) / (float(np.linalg.norm(found)) or 1.0)
        if not curved > 1e-6:
            break
        step *= max(0.01, 0.3e-3 / np.sqrt(curved))  # the difference goes as h²: aimed at 1e-7
    return found


@frozen(eq=False, kw_only=True)
class _SearchEnd(BaseRecord):
    """Where a search ended, after polishing."""

    x: Array
    chi2: float
    residual: Array
    jacobian: NDArray[Any]
    inside: NDArray[np.bool_]
    covariance: NDArray[Any]
    step: Array
    missing: int

    def length(self, problem: _Residuals) -> float:
        """Largest part of the remaining step, beside the parameter."""
        return float(np.max(np.abs(self.step) / problem.sizes(self.x), initial=0.0))


def _evaluate_end(problem: _Residuals, x: Array, residual: Array) -> _SearchEnd:
    """Derivatives, limits, rank and the remaining Gauss-Newton step at a point."""
    jacobian = problem.jacobian(x, order=4)
    inside = problem.inside(x, jacobian.T @ residual)
    step, covariance = np.zeros(x.size), np.zeros((x.size, x.size))
    used = jacobian[:, inside]
    length = np.linalg.norm(used, axis=0)
    length[length == 0] = 1.0
    left, singular, right = np.linalg.svd(used / length, full_matrices=False)  # unit columns: rank without units
    real = singular > _RANK_TOLERANCE * singular.max(initial=0.0)
    root = (right[real] / singular[real, None]) / length
    step[inside] = -root.T @ (left.T[real] @ residual)  # by the SVD: JᵀJ would square the condition number
    with np.errstate(over="ignore"):
        covariance[np.ix_(inside, inside)] = root.T @ root
    chi2 = float(residual @ residual)
    missing = int(inside.sum() - real.sum())
    return _SearchEnd(
        x=x,
        chi2=chi2,
        residual=residual,
        jacobian=jacobian,
        inside=inside,
        covariance=covariance,
        step=step,
        missing=missing,
    )


def _refine_end(problem: _Residuals, x: Array) -> _SearchEnd:
    """Gauss-Newton steps with derivatives of fourth order until nothing moves; Newton steps where they crawl."""
    end = _evaluate_end(problem, x, problem(x))
    last, crawled = np.inf, 0
    inverse: NDArray[Any] | None = None
    for _ in range(60):
        length = end.length(problem)
        # settled, and either far below what matters or no longer shrinking because rounding moves it
        if not length > 1e-14 or (
            _has_converged(problem, end) and (length < 1e-3 * _STEP_TOLERANCE or length > 0.7 * last)
        ):
            break
        crawled += length > 0.3 * last  # Gauss-Newton omits r ∂²r, slow where residuals are large
        if inverse is None and crawled >= 3:
            inverse = _inverse_hessian(problem, end)
        last = length
        trial = None if inverse is None else _damped_step(problem, end, -inverse @ (end.jacobian.T @ end.residual))
        trial = trial or _damped_step(problem, end, end.step)
        if trial is None:
            break
        end = trial
    return end


def _inverse_hessian(problem: _Residuals, end: _SearchEnd) -> NDArray[Any] | None:
    """Inverse of the second derivatives of chi2/2 by differences of its gradient; None where they are not positive."""
    sigma = np.sqrt(np.diag(end.covariance))
    step = np.minimum(1e-3 * problem.sizes(end.x), 0.1 * sigma)  # within the parabola of chi2
    used = np.flatnonzero(end.inside & (step > 0) & np.isfinite(sigma))
    second = np.zeros((used.size, used.size))
    for row, i in enumerate(used):
        up, down = np.array(end.x), np.array(end.x)
        up[i], down[i] = up[i] + step[i], down[i] - step[i]
        change = problem.jacobian(up).T @ problem(up) - problem.jacobian(down).T @ problem(down)
        second[row] = change[used] / max(up[i] - down[i], 1e-300)
    scaled = (second + second.T) / 2 * np.outer(sigma[used], sigma[used])
    if not np.isfinite(scaled).all():
        return None
    curved, axes = np.linalg.eigh(scaled)
    if not (curved > _RANK_TOLERANCE * curved.max(initial=0.0)).all():  # a saddle: Newton would climb
        return None
    inverse = np.zeros((end.x.size, end.x.size))
    inverse[np.ix_(used, used)] = (axes / curved) @ axes.T * np.outer(sigma[used], sigma[used])
    return inverse


def _damped_step(problem: _Residuals, end: _SearchEnd, step: Array) -> _SearchEnd | None:
    """Point after a step, halved until chi2 does not rise; None where it rises however short the step."""
    for halving in range(12):
        x = np.clip(end.x + step * 0.5**halving, problem.low, problem.high)
        residual = problem(x)
        # at the minimum chi2 is flat: a step that is right may raise it by rounding
        if residual @ residual <= end.chi2 * (1 + 1e-12):
            return _evaluate_end(problem, x, residual)
    return None


def _has_converged(problem: _Residuals, end: _SearchEnd) -> bool:
    """Whether the step that is left is nothing beside the parameters or their uncertainty."""
    variance = np.diag(end.covariance)
    if not np.isfinite(variance).all():
        return False
    sigma = np.sqrt(variance * end.chi2 / max(1, end.residual.size - int(end.inside.sum())))
    left = np.abs(end.step)
    return bool(np.all((left <= _STEP_TOLERANCE * problem.sizes(end.x)) | (left <= _STEP_SIGMA_TOLERANCE * sigma)))


def _is_minimum(problem: _Residuals, end: _SearchEnd) -> bool:
    """Whether a search has converged, or as far as rounding in the model lets chi2 tell."""
    if _has_converged(problem, end):
        return True
    if end.missing or not np.isfinite(end.jacobian).all():
        return False
    left = float(np.sum(np.square(end.jacobian @ end.step))) / max(end.chi2, 1e-300)  # what the step would take off
    return left < _LEAST_DECREASE and left < 10 * _rounding_noise(problem, end)


def _rounding_noise(problem: _Residuals, end: _SearchEnd) -> float:
    """Relative error of chi2 from rounding in the model, seen when the parameters move by a few last digits."""
    rng = np.random.default_rng(0)
    errors: list[Array] = []
    for _ in range(4):
        shift = 1e-15 * rng.standard_normal(end.x.size) * problem.sizes(end.x)
        moved = np.clip(end.x + shift, problem.low, problem.high)
        errors.append(problem(moved) - end.residual - end.jacobian @ (moved - end.x))
    spread = np.sqrt(np.mean(np.square(errors)) / 2)  # both points are rounded: variances add
    return float(2 * spread / np.sqrt(max(end.chi2, 1e-300)))  # δχ² = 2 r·δr, with uncorrelated δr


_CHI2_TOLERANCE = 1e-6  # minima whose chi2 differ by less than this share are equally low
_MINIMUM_DISTANCE = 1e-4  # minima nearer than this, beside the parameter, are one


@frozen(eq=False)
class Minimum(BaseRecord):
    """A minimum that some starting points led to.

    Attributes
    ----------
    x : (p,) parameters

    Examples
    --------
    >>> from kapitza.examples import fitted_film
    >>> found = fitted_film()
    >>> best = found.minima[0]
    >>> print(f"chi² = {best.chi2:.1f} for {20 - 1} degrees of freedom, {len(found.minima)} minimum")
    chi² = 12.8 for 19 degrees of freedom, 1 minimum
    """

    x: Array = field(converter=finite, metadata=about("of the search", "coordinates"))
    chi2: float = field(metadata=about("1", "chi2"))
    hits: int = field(default=1, metadata=about("1", "starting points that led there"))


@frozen(eq=False, kw_only=True)
class Solution(BaseRecord):
    """Lowest minimum found, checked: p parameters x, n residuals and their derivatives (n, p).

    `inside` is False for parameters on a limit; `covariance` is the inverse of JᵀJ, zero where not inside; `minima` are
    all minima found, the lowest first; `noise` is the relative rounding noise of chi2.
    """

    x: Array = field(metadata=about("of the search", "(p,) parameters"))
    chi2: float = field(metadata=about("1", "chi2"))
    residual: Array = field(metadata=about("1", "(n,) residuals"))
    jacobian: NDArray[Any] = field(metadata=about("of the search", "(n, p) derivatives of the residuals"))
    inside: NDArray[np.bool_] = field(metadata=about("1", "(p,) False for parameters on a limit"))
    covariance: NDArray[Any] = field(metadata=about("of the search", "(p, p) inverse of JᵀJ"))
    minima: tuple[Minimum, ...]
    noise: float = field(metadata=about("1", "relative rounding noise of chi2"))

    @cached_property
    def noise_at_minimum(self) -> dict[int, float]:
        """Part of chi2 from integrating out correlated noise at the minimum, by the parameter that is profiled."""
        return {}

    @cached_property
    def closed_sides(self) -> dict[tuple[int, int], bool]:
        """Whether a limit is excluded by far, by parameter and direction (-1 or 1)."""
        return {}

    @cached_property
    def profile_ends(self) -> dict[tuple[int, float], tuple[float | None, float | None]]:
        """Ends of the profiles of chi2 that were followed, by parameter and deviations: each takes many searches."""
        return {}

    @property
    def sigma(self) -> Array:
        """(p,) standard deviations of the parameters."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def freedom(self) -> int:
        """Number of residuals less number of parameters that are not on a limit."""
        return self.residual.size - int(self.inside.sum())

    @property
    def scatter(self) -> float:
        """Standard deviation of the residuals, from chi2 per degree of freedom.

        Raises ConvergenceError without freedom, and for residuals so near to rounding that four digits are not sure.
        """
        if self.freedom < 1:
            raise ConvergenceError(
                f"{self.residual.size} residuals leave no freedom to estimate the scatter from", self
            )
        if self.noise > 2e-4:
            raise ConvergenceError(
                f"residuals are at rounding: chi2 = {self.chi2:.3g} is known to {self.noise:.1g} of itself only; "
                "give their uncertainty, or compute the model in extended precision",
                self,
            )
        return float(np.sqrt(self.chi2 / self.freedom))


def least_squares(
    residual: ResidualFunction,
    start: ArrayLike,
    *,
    jacobian: JacobianFunction | None = None,
    limits: tuple[ArrayLike | None, ArrayLike | None] = (None, None),
    scale: ArrayLike | None = None,
    starts: int = 5,
    spread: float = 0.5,
    seed: int = 0,
) -> Solution:
    r"""Find the lowest minimum of $\chi^2(x) = \sum_i r_i(x)^2$.

    Searches with the trust region and Levenberg-Marquardt methods of scipy, in the parameters and in their logarithms,
    from `start` and points scattered about it by `spread` in units of the scale (p,), or of the logarithm without one;
    each end point is polished by Gauss-Newton steps with derivatives of fourth order (or the exact ones of `jacobian`)
    until nothing moves, and checked.

    Raises ConvergenceError if no search ends in a minimum with zero gradient, if the lowest is undetermined in some
    direction, or if a search went lower but found no minimum there; `last` holds the best iterate.
    """
    first = finite(start)
    problem = _make_residuals(residual, first, jacobian, *limits, scale)
    if not np.isfinite(np.asarray(residual(first), dtype=float)).all():
        raise InputError(f"residuals are not finite at the starting point {np.array2string(first, precision=4)}")
    ends: list[_SearchEnd] = []
    for point in _starting_points(problem, first, starts, spread, seed):
        for found in _search_ends(problem, point):
            ends.append(_find_known_end(problem, found, ends) or _refine_end(problem, found))
    return _check_lowest(problem, ends)


def descend(
    residual: ResidualFunction, start: Array, *, low: Array, high: Array, scale: Array, tolerance: float = 1e-10
) -> tuple[Array, float]:
    """End point (p,) of one plain search downhill and chi2 there, for the many neighbouring problems of a profile; it
    ends at a relative change of chi2 by `tolerance`.
    """
    problem = _Residuals(residual, scale, low, high, None)
    x = _search_once(problem, np.clip(start, low, high), "trf", tolerance=tolerance) if start.size else start
    end = problem(x)
    return x, float(end @ end)


def _make_residuals(
    residual: ResidualFunction, first: Array, jacobian: Any, low: Any, high: Any, scale: Any
) -> _Residuals:
    lower = np.full(first.size, -np.inf) if low is None else np.array(low, dtype=float)
    upper = np.full(first.size, np.inf) if high is None else np.array(high, dtype=float)
    sizes = None if scale is None else finite(scale)
    for name, value in (("low", lower), ("high", upper), ("scale", sizes)):
        if value is not None and value.shape != first.shape:
            raise InputError(f"{name} has shape {value.shape} for {first.size} parameters")
    good = (lower <= first) & (first <= upper)
    if not good.all():
        bad = int(np.argmin(good))
        raise InputError(f"start[{bad}] = {first[bad]:g} is not between {lower[bad]:g} and {upper[bad]:g}")
    return _Residuals(residual, sizes, lower, upper, jacobian)


def _starting_points(problem: _Residuals, first: Array, starts: int, spread: float, seed: int) -> Iterator[Array]:
    yield first
    rng = np.random.default_rng(seed)
    for _ in range(starts - 1):
        shift = spread * rng.standard_normal(first.size)
        point = first * np.exp(shift) if problem.scale is None else first + shift * problem.scale
        yield np.clip(point, problem.low, problem.high)


def _search_ends(problem: _Residuals, start: Array) -> Iterator[Array]:
    yield _search_once(problem, start, "trf")
    if problem.scale is not None or np.isfinite(problem.low).any() or np.isfinite(problem.high).any():
        return
    if len(problem(start)) >= start.size:  # Levenberg-Marquardt of MINPACK needs n ≥ p
        yield _search_once(problem, start, "lm")
        if (start != 0).all():
            yield _search_once(problem, start, "lm", logarithmic=True)  # power laws are straight lines there


def _search_once(
    problem: _Residuals,
    start: Array,
    method: Literal["trf", "lm"],
    *,
    logarithmic: bool = False,
    tolerance: float = 1e-12,
) -> Array:
    """One search, in parameters divided by their size or in the logarithms of their magnitudes."""
    from scipy.optimize import least_squares as search

    size = problem.sizes(start)

    def out(y: Array) -> Array:
        if logarithmic:
            return np.sign(start) * np.exp(np.clip(y, -300.0, 300.0))
        # rounding may carry a point on a limit beyond it
        return np.clip(y * size, problem.low, problem.high)

    def slopes(y: Array) -> NDArray[Any]:
        x = out(y)
        return problem.jacobian(x) * (x if logarithmic else size)

    begin = np.log(np.abs(start)) if logarithmic else start / size
    limits = (-np.inf, np.inf) if logarithmic else (problem.low / size, problem.high / size)
    if method == "trf":
        begin = np.clip(begin, *limits)

    def residual(y: Array) -> Array:
        return problem(out(y))

    options: dict[str, Any] = {"x_scale": "jac", "ftol": tolerance, "xtol": tolerance, "gtol": 1e-14, "max_nfev": 200}
    with np.errstate(all="ignore"):
        found: Any = search(residual, begin, cast("Any", slopes), limits, method, **options)
    return out(np.asarray(found.x))


def _find_known_end(problem: _Residuals, x: Array, ends: list[_SearchEnd]) -> _SearchEnd | None:
    """The end found before that this one would be polished to."""
    if not ends:
        return None
    residual = problem(x)
    chi2 = float(residual @ residual)
    for end in ends:
        near = (np.abs(x - end.x) <= _MINIMUM_DISTANCE * problem.sizes(end.x)).all()
        if near and abs(chi2 - end.chi2) <= _CHI2_TOLERANCE * end.chi2 and _has_converged(problem, end):
            return end
    return None


def _check_lowest(problem: _Residuals, ends: list[_SearchEnd]) -> Solution:
    """Lowest of all ends, if it is a minimum and the only one so low."""
    lowest = min(ends, key=lambda end: end.chi2)
    good = [end for end in ends if end.missing == 0 and _is_minimum(problem, end)]
    # of minima that are equal by symmetry or within rounding, the one that the first starting point led to
    equal = max(_CHI2_TOLERANCE, 10 * _rounding_noise(problem, lowest))
    best = next((end for end in good if end.chi2 <= lowest.chi2 * (1 + equal)), None)
    if best is None:
        why = (
            f"{lowest.missing} of {lowest.x.size} directions are not determined by the data"
            if lowest.missing
            else f"the last step was still {lowest.length(problem):.1g} of the parameters"
        )
        raise ConvergenceError(
            f"no minimum at the lowest chi2 found, {lowest.chi2:.6g}: {why}; "
            "start nearer, set limits, or fix parameters",
            lowest.x,
        )
    return Solution(
        x=best.x,
        chi2=best.chi2,
        residual=best.residual,
        jacobian=best.jacobian,
        inside=best.inside,
        covariance=best.covariance,
        minima=_distinct_minima(problem, good),
        noise=_rounding_noise(problem, best),
    )


def _distinct_minima(problem: _Residuals, ends: list[_SearchEnd]) -> tuple[Minimum, ...]:
    """Distinct minima, the lowest first, each with the number of searches that found it."""
    groups: list[list[_SearchEnd]] = []
    for end in sorted(ends, key=lambda end: end.chi2):
        for group in groups:
            near = np.abs(end.x - group[0].x) <= _MINIMUM_DISTANCE * problem.sizes(group[0].x)
            if near.all() or abs(end.chi2 - group[0].chi2) <= 1e-10 * group[0].chi2:
                group.append(end)
                break
        else:
            groups.append([end])
    return tuple(Minimum(group[0].x, group[0].chi2, len(group)) for group in groups)
