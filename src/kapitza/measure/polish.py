"""Derivatives of residuals, and the last steps of a search: to the minimum, as near as rounding allows."""

from collections.abc import Callable
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.errors import InputError

Residual = Callable[[Array], Array]
Jacobian = Callable[[Array], NDArray[Any]]

RANK = 1e-11  # singular values below this share of the largest, columns at unit length, count as zero
SETTLED = 1e-9  # a last step that is this small beside the parameter is zero
NEGLIGIBLE = 1e-6  # ... or this small beside the standard uncertainty


@frozen(eq=False)
class Residuals:
    """Residuals with their derivatives, scales and limits."""

    residual: Residual
    scale: Array | None
    low: Array
    high: Array
    exact: Jacobian | None

    @property
    def limited(self) -> bool:
        """Whether any parameter has a limit."""
        return bool(np.isfinite(self.low).any() or np.isfinite(self.high).any())

    def sizes(self, x: Array) -> Array:
        """(p,) size of each parameter, the measure of steps."""
        if self.scale is not None:
            return self.scale
        return np.where(x == 0, 1.0, np.abs(x))

    def __call__(self, x: Array) -> Array:
        """(n,) residuals; very large ones where the model breaks down."""
        with np.errstate(all="ignore"):
            found = np.asarray(self.residual(x), dtype=float)
        return np.nan_to_num(found, nan=1e100, posinf=1e100, neginf=-1e100).clip(-1e100, 1e100)

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


def difference_jacobian(residual: Residual, x: Array, *, scale: Array, order: int = 2) -> NDArray[Any]:
    r"""Derivatives of residuals by central differences.

    Order 2: $(r_+ - r_-)/2h$ with h = 1e-5 of the scale, error about 1e-10.  Order 4:
    $(8(r_+ - r_-) - (r_{2+} - r_{2-}))/12h$ with h = 1e-3 of the scale, made shorter until second and fourth order
    agree to 1e-6, so that the error is about 1e-12 also where a parameter acts over much less than its scale.

    Parameters
    ----------
    residual : function of (p,) parameters that returns (n,) residuals
    x : (p,) parameters
    scale : (p,) size over which each parameter changes the model
    order : 2 or 4

    Returns
    -------
    (n, p)

    Raises
    ------
    InputError
        for another order
    """
    if order not in (2, 4):
        raise InputError(f"order = {order}, wanted 2 or 4")
    column = _column_4 if order == 4 else _column_2
    return np.column_stack([column(residual, x, i, float(scale[i])) for i in range(x.size)])


def _slope(residual: Residual, x: Array, i: int, step: float) -> Array:
    up, down = np.array(x), np.array(x)
    up[i] += step
    down[i] -= step
    # divided by the step that was made, which differs from the wished one by rounding
    return (residual(up) - residual(down)) / (up[i] - down[i])


def _column_2(residual: Residual, x: Array, i: int, scale: float) -> Array:
    return _slope(residual, x, i, 1e-5 * scale)


def _column_4(residual: Residual, x: Array, i: int, scale: float) -> Array:
    step, found = 1e-3 * scale, np.zeros(0)
    for _ in range(4):
        near, far = _slope(residual, x, i, step), _slope(residual, x, i, 2 * step)
        found = near + (near - far) / 3
        curved = float(np.linalg.norm(found - near)) / (float(np.linalg.norm(found)) or 1.0)
        if not curved > 1e-6:
            break
        step *= max(0.01, 0.3e-3 / np.sqrt(curved))
    return found


@frozen(eq=False)
class End:
    """Where a search ended, after polishing."""

    x: Array
    chi2: float
    residual: Array
    jacobian: NDArray[Any]
    inside: NDArray[np.bool_]
    covariance: NDArray[Any]
    step: Array
    missing: int

    def length(self, problem: Residuals) -> float:
        """Largest part of the remaining step, beside the parameter."""
        return float(np.max(np.abs(self.step) / problem.sizes(self.x), initial=0.0))


def at_point(problem: Residuals, x: Array, residual: Array) -> End:
    """Derivatives, limits, rank and the remaining Gauss-Newton step at a point."""
    jacobian = problem.jacobian(x, order=4)
    inside = problem.inside(x, jacobian.T @ residual)
    step, covariance = np.zeros(x.size), np.zeros((x.size, x.size))
    used = jacobian[:, inside]
    length = np.linalg.norm(used, axis=0)
    length[length == 0] = 1.0
    left, singular, right = np.linalg.svd(used / length, full_matrices=False)
    real = singular > RANK * singular.max(initial=0.0)
    root = (right[real] / singular[real, None]) / length
    step[inside] = -root.T @ (left.T[real] @ residual)
    with np.errstate(over="ignore"):
        covariance[np.ix_(inside, inside)] = root.T @ root
    chi2 = float(residual @ residual)
    missing = int(inside.sum() - real.sum())
    return End(x, chi2, residual, jacobian, inside, covariance, step, missing)


def polished(problem: Residuals, x: Array) -> End:
    """Gauss-Newton steps with derivatives of fourth order until nothing moves; Newton steps where they crawl."""
    end = at_point(problem, x, problem(x))
    last, crawled = np.inf, 0
    inverse: NDArray[Any] | None = None
    for _ in range(60):
        length = end.length(problem)
        # settled, and either far below what matters or no longer shrinking because rounding moves it
        if not length > 1e-14 or (settled(problem, end) and (length < 1e-3 * SETTLED or length > 0.7 * last)):
            break
        crawled += length > 0.3 * last
        if inverse is None and crawled >= 3:
            inverse = newton(problem, end)
        last = length
        trial = None if inverse is None else descent(problem, end, -inverse @ (end.jacobian.T @ end.residual))
        trial = trial or descent(problem, end, end.step)
        if trial is None:
            break
        end = trial
    return end


def newton(problem: Residuals, end: End) -> NDArray[Any] | None:
    """Inverse of the second derivatives of chi2/2 by differences of its gradient; None where they are not positive."""
    sigma = np.sqrt(np.diag(end.covariance))
    step = np.minimum(1e-3 * problem.sizes(end.x), 0.1 * sigma)
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
    if not (curved > RANK * curved.max(initial=0.0)).all():
        return None
    inverse = np.zeros((end.x.size, end.x.size))
    inverse[np.ix_(used, used)] = (axes / curved) @ axes.T * np.outer(sigma[used], sigma[used])
    return inverse


def descent(problem: Residuals, end: End, step: Array) -> End | None:
    """Point after a step, halved until chi2 does not rise; None where it rises however short the step."""
    for halving in range(12):
        x = np.clip(end.x + step * 0.5**halving, problem.low, problem.high)
        residual = problem(x)
        # at the minimum chi2 is flat: a step that is right may raise it by rounding
        if residual @ residual <= end.chi2 * (1 + 1e-12):
            return at_point(problem, x, residual)
    return None


def settled(problem: Residuals, end: End) -> bool:
    """Whether the step that is left is nothing beside the parameters or their uncertainty."""
    variance = np.diag(end.covariance)
    if not np.isfinite(variance).all():
        return False
    sigma = np.sqrt(variance * end.chi2 / max(1, end.residual.size - int(end.inside.sum())))
    left = np.abs(end.step)
    return bool(np.all((left <= SETTLED * problem.sizes(end.x)) | (left <= NEGLIGIBLE * sigma)))


def rounding(problem: Residuals, end: End) -> float:
    """Relative error of chi2 from rounding in the model, seen when the parameters move by a few last digits."""
    rng = np.random.default_rng(0)
    errors: list[Array] = []
    for _ in range(4):
        shift = 1e-15 * rng.standard_normal(end.x.size) * problem.sizes(end.x)
        moved = np.clip(end.x + shift, problem.low, problem.high)
        errors.append(problem(moved) - end.residual - end.jacobian @ (moved - end.x))
    spread = np.sqrt(np.mean(np.square(errors)) / 2)
    return float(2 * spread / np.sqrt(max(end.chi2, 1e-300)))
