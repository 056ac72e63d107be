"""Nonlinear least squares that is right or says so.

Stock settings of the usual fitters stop early or in a false minimum without a word.  Here every search is polished
with a high-order Jacobian, and the end point must pass: the gradient is zero within rounding, all parameters are
determined, and the minimum is the lowest of all that several starting points led to.
"""

from collections.abc import Iterator
from typing import Any, Literal, cast

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, finite
from kapitza.errors import ConvergenceError, InputError
from kapitza.measure.polish import End, Jacobian, Residual, Residuals, polished, rounding, settled

EQUAL = 1e-6  # minima whose chi2 differ by less than this share are equally low
SAME = 1e-4  # minima nearer than this, beside the parameter, are one


@frozen(eq=False)
class Minimum:
    """A minimum that some starting points led to.

    Attributes
    ----------
    x : (p,) parameters
    chi2 : sum of squared residuals
    hits : number of searches that ended here
    """

    x: Array = field(converter=finite)
    chi2: float
    hits: int = 1


@frozen(eq=False)
class Solution:
    """Lowest minimum found, checked.

    Attributes
    ----------
    x : (p,) parameters
    chi2 : sum of squared residuals
    residual : (n,) residuals there
    jacobian : (n, p) their derivatives
    inside : (p,) False for parameters that lie on a limit of theirs
    covariance : (p, p) inverse of JᵀJ for residuals in units of their standard uncertainty; zero where not inside
    minima : all minima found, the lowest first
    noise : relative rounding noise of chi2
    """

    x: Array
    chi2: float
    residual: Array
    jacobian: NDArray[Any]
    inside: NDArray[np.bool_]
    covariance: NDArray[Any]
    minima: tuple[Minimum, ...]
    noise: float

    @property
    def freedom(self) -> int:
        """Number of residuals less number of parameters that are not on a limit."""
        return self.residual.size - int(self.inside.sum())

    @property
    def scatter(self) -> float:
        """Standard deviation of the residuals, from chi2 per degree of freedom.

        Raises
        ------
        ConvergenceError
            if no freedom is left, or if the residuals are so near to rounding that four digits are not sure
        """
        if self.freedom < 1:
            raise ConvergenceError(f"{self.residual.size} residuals leave no freedom to take the scatter from", self)
        if self.noise > 2e-4:
            raise ConvergenceError(
                f"residuals are at rounding: chi2 = {self.chi2:.3g} is known to {self.noise:.1g} of itself only; "
                "give their uncertainty, or compute the model in extended precision",
                self,
            )
        return float(np.sqrt(self.chi2 / self.freedom))


def least_squares(
    residual: Residual,
    start: ArrayLike,
    *,
    jacobian: Jacobian | None = None,
    low: ArrayLike | None = None,
    high: ArrayLike | None = None,
    scale: ArrayLike | None = None,
    starts: int = 5,
    spread: float = 0.5,
    seed: int = 0,
) -> Solution:
    r"""Find the lowest minimum of $\chi^2(x) = \sum_i r_i(x)^2$.

    Searches with the trust region and Levenberg-Marquardt methods of scipy, in the parameters and in their logarithms,
    from `start` and points scattered about it; each end point is polished by Gauss-Newton steps with derivatives of
    fourth order until nothing moves, and checked.

    Parameters
    ----------
    residual : function of (p,) parameters that returns (n,) residuals, in units of their uncertainty where it is known
    start : (p,) first starting point
    jacobian : function that returns (n, p) exact derivatives; differences are taken where it is None
    low, high : (p,) limits; none where None
    scale : (p,) size over which each parameter changes the model; its own magnitude where None
    starts : number of starting points
    spread : standard deviation of the scatter of further starting points, in units of the scale
        (of the logarithm where there is none)
    seed : of the scatter

    Raises
    ------
    InputError
        if start, scale and limits do not fit each other, or the residuals are not finite at the start
    ConvergenceError
        if no search ends in a minimum with zero gradient, if the lowest is undetermined in some direction, or if a
        search went lower but found no minimum there; `last` holds the best iterate
    """
    first = finite(start)
    problem = _problem(residual, first, jacobian, low, high, scale)
    if not np.isfinite(np.asarray(residual(first), dtype=float)).all():
        raise InputError(f"residuals are not finite at the starting point {np.array2string(first, precision=4)}")
    ends: list[End] = []
    for point in _scattered(problem, first, starts, spread, seed):
        for found in _searches(problem, point):
            ends.append(_known(problem, found, ends) or polished(problem, found))
    return _checked(problem, ends)


def descend(
    residual: Residual, start: Array, *, low: Array, high: Array, scale: Array, tolerance: float = 1e-10
) -> tuple[Array, float]:
    """One plain search downhill, for the many neighbouring problems of a likelihood profile.

    Parameters
    ----------
    residual : function of (p,) parameters that returns (n,) residuals
    start : (p,) where to begin
    low, high : (p,) limits
    scale : (p,) size over which each parameter changes the model
    tolerance : relative change of chi2 at which the search ends

    Returns
    -------
    (p,) end point, and chi2 there
    """
    problem = Residuals(residual, scale, low, high, None)
    x = _search(problem, np.clip(start, low, high), "trf", tolerance=tolerance) if start.size else start
    end = problem(x)
    return x, float(end @ end)


def _problem(residual: Residual, first: Array, jacobian: Any, low: Any, high: Any, scale: Any) -> Residuals:
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
    return Residuals(residual, sizes, lower, upper, jacobian)


def _scattered(problem: Residuals, first: Array, starts: int, spread: float, seed: int) -> Iterator[Array]:
    yield first
    rng = np.random.default_rng(seed)
    for _ in range(starts - 1):
        shift = spread * rng.standard_normal(first.size)
        point = first * np.exp(shift) if problem.scale is None else first + shift * problem.scale
        yield np.clip(point, problem.low, problem.high)


def _searches(problem: Residuals, start: Array) -> Iterator[Array]:
    """End points of several methods from one starting point."""
    yield _search(problem, start, "trf")
    if problem.limited or problem.scale is not None:
        return
    if len(problem(start)) >= start.size:
        yield _search(problem, start, "lm")
        if (start != 0).all():
            yield _search(problem, start, "lm", logarithmic=True)


def _search(
    problem: Residuals,
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


def _known(problem: Residuals, x: Array, ends: list[End]) -> End | None:
    """The end found before that this one would be polished to."""
    if not ends:
        return None
    residual = problem(x)
    chi2 = float(residual @ residual)
    for end in ends:
        near = (np.abs(x - end.x) <= SAME * problem.sizes(end.x)).all()
        if near and abs(chi2 - end.chi2) <= EQUAL * end.chi2 and settled(problem, end):
            return end
    return None


def _checked(problem: Residuals, ends: list[End]) -> Solution:
    """Lowest of all ends, if it is a minimum and the only one so low."""
    lowest = min(ends, key=lambda end: end.chi2)
    good = [end for end in ends if end.missing == 0 and settled(problem, end)]
    # of minima that are equal by symmetry or within rounding, the one that the first starting point led to
    equal = max(EQUAL, 10 * rounding(problem, lowest))
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
        best.x,
        best.chi2,
        best.residual,
        best.jacobian,
        best.inside,
        best.covariance,
        _minima(problem, good),
        rounding(problem, best),
    )


def _minima(problem: Residuals, ends: list[End]) -> tuple[Minimum, ...]:
    """Distinct minima, the lowest first, each with the number of searches that found it."""
    groups: list[list[End]] = []
    for end in sorted(ends, key=lambda end: end.chi2):
        for group in groups:
            near = np.abs(end.x - group[0].x) <= SAME * problem.sizes(group[0].x)
            if near.all() or abs(end.chi2 - group[0].chi2) <= 1e-10 * group[0].chi2:
                group.append(end)
                break
        else:
            groups.append([end])
    return tuple(Minimum(group[0].x, group[0].chi2, len(group)) for group in groups)
