"""What a fit minimises: predictions beside data, with weights and noise; and its lowest minimum."""

from collections import OrderedDict
from functools import cached_property
from typing import Any

import numpy as np
from attrs import Factory, evolve, field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, about
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.measure.experiment import AutoregressiveNoise, Experiment
from kapitza.measure.least_squares import JacobianFunction, Solution, descend, difference_jacobian, least_squares
from kapitza.measure.parameters import DataSet, Parameter

RELATIVE_KINDS = ("ratio", "amplitude", "response")  # kinds of data whose scatter grows with the value
_LEAST_SHARE = 0.1  # of a datum: the least size of a prediction that scatter may be a share of
_MAX_WHITENING_MATRIX = 300  # points of a curve whose noise is whitened by a matrix
_MAX_CACHED_PREDICTIONS = 64  # predictions remembered of each sample
_MAX_WEIGHT_STEPS = 30  # in which weights and minimum come to agree
_PLAIN_STEPS = 4  # after which new weights are taken half way


def _first_sigma(problem: "FitProblem") -> tuple[Array, ...]:
    return tuple(map(initial_uncertainties, problem.samples))


@frozen(eq=False)
class FitProblem(BaseRecord):
    """What a fit minimises: m data sets, p parameters, and the (m,) of (n,) standard uncertainties of the curves.

    The uncertainties are the stated ones if omitted, or 1 % where the scatter gives them (`initial_uncertainties`).
    `noise` (m,) has the correlations of each curve, None where it has none, or is empty; `ordered` says whether points
    of a curve follow one another, so that neighbours may have noise in common; `whitening` keeps by sample the matrix
    (n, n) that frees it of its correlations.
    """

    samples: tuple[DataSet, ...]
    parameters: tuple[Parameter, ...]
    sigma: tuple[Array, ...] = field(
        default=Factory(_first_sigma, takes_self=True),
        metadata=about("of the signal", "(m,) of (n,) standard uncertainties of the curves"),
    )
    noise: tuple[AutoregressiveNoise | None, ...] = field(default=(), kw_only=True)
    ordered: bool = field(default=True, kw_only=True)
    _experiments: dict[int, tuple[dict[str, float], Experiment]] = field(
        init=False, repr=False, factory=dict, metadata=about("SI", "last changes of each experiment")
    )
    _predictions: dict[int, OrderedDict[bytes, Array]] = field(
        init=False, repr=False, factory=dict, metadata=about("of the signal", "last predictions of each curve")
    )
    whitening: dict[int, NDArray[Any]] = field(
        init=False, repr=False, factory=dict, metadata=about("1", "matrices that free curves of correlations")
    )

    @cached_property
    def low(self) -> Array:
        """(p,) lower limits of the coordinates."""
        return np.array([p.low for p in self.parameters])

    @cached_property
    def high(self) -> Array:
        """(p,) upper limits of the coordinates."""
        return np.array([p.high for p in self.parameters])

    @cached_property
    def scale(self) -> Array:
        """(p,) distances in the coordinates over which the model changes."""
        return np.minimum(1.0, self.width)

    @cached_property
    def width(self) -> Array:
        """(p,) standard deviations of the priors."""
        return np.array([p.width for p in self.parameters])

    @property
    def rows(self) -> int:
        """Number of data."""
        return sum(sample.curve.value.size for sample in self.samples)

    def changes(self, sample: int, x: Array) -> dict[str, float]:
        """Values at coordinates (p,) of all numbers that move in one sample, by their names there."""
        return {
            target.name: parameter.value(u) * (1.0 if target.base is None else target.base)
            for parameter, u in zip(self.parameters, x.tolist(), strict=True)
            for target in parameter.targets
            if target.sample == sample
        }

    def prediction(self, sample: int, x: Array) -> Array:
        """(n,) curve of one sample at coordinates (p,)."""
        changes = self.changes(sample, x)
        key = np.array(list(changes.values())).tobytes()
        kept = self._predictions.setdefault(sample, OrderedDict())
        if key in kept:
            kept.move_to_end(key)
            return kept[key]
        mine, its = self.samples[sample].split_changes(changes)
        experiment = self._experiment(sample, mine)
        stack = self.samples[sample].stack.replace(its)
        found = experiment.predict(stack)
        wanted = self.samples[sample].curve.value.size
        if found.shape != (wanted,):
            raise InputError(f"{experiment.name} predicts {found.shape} values for the {wanted} points of its curve")
        kept[key] = found
        if len(kept) > _MAX_CACHED_PREDICTIONS:
            kept.popitem(last=False)
        return found

    def _experiment(self, sample: int, own_changes: dict[str, float]) -> Experiment:
        """Experiment with its own numbers changed; the last one again if they are the same, with what it has cached."""
        if sample not in self._experiments or self._experiments[sample][0] != own_changes:
            plain = self.samples[sample].experiment
            self._experiments[sample] = (own_changes, plain.replace(own_changes) if own_changes else plain)
        return self._experiments[sample][1]

    def data_residual(self, x: Array) -> Array:
        """(n,) differences from the data at coordinates (p,), free of correlations, in standard uncertainties."""
        parts = plain_residuals(self, x)
        if not self.noise:
            return np.concatenate(parts)
        pairs = enumerate(zip(parts, self.noise, strict=True))
        return np.concatenate([part if noise is None else _whiten(self, i, part, noise) for i, (part, noise) in pairs])

    def residual(self, x: Array) -> Array:
        """(n + p,) differences from the data, then from the priors."""
        return np.concatenate([self.data_residual(x), x / self.width])

    def jacobian(self, x: Array, order: int = 2) -> NDArray[Any]:
        """(n, p) derivatives of the data residuals by the coordinates."""
        return difference_jacobian(self.data_residual, x, scale=self.scale, order=order)

    def values(self, x: Array) -> Array:
        """(p,) values at coordinates (p,), SI."""
        return np.array([p.value(u) for p, u in zip(self.parameters, x.tolist(), strict=True)])


def _whiten(problem: FitProblem, sample: int, part: Array, noise: AutoregressiveNoise) -> Array:
    """(n,) differences of one sample free of correlations, by a matrix that is kept where it is small."""
    if part.size > _MAX_WHITENING_MATRIX:
        return noise.whiten(part)[0]
    if sample not in problem.whitening:
        problem.whitening[sample] = noise.whiten(np.eye(part.size))[0]
    return problem.whitening[sample] @ part


def plain_residuals(problem: FitProblem, x: Array) -> tuple[Array, ...]:
    """(m,) of (n,) differences from the data at coordinates (p,), in standard uncertainties, as they are."""
    return tuple(
        (problem.prediction(i, x) - sample.curve.value) / sigma
        for i, (sample, sigma) in enumerate(zip(problem.samples, problem.sigma, strict=True))
    )


def split_by_data_set(problem: FitProblem, residuals: Array) -> tuple[Array, ...]:
    """Residuals (n,) of the data, sample by sample."""
    sizes = [sample.curve.value.size for sample in problem.samples]
    return tuple(np.split(residuals, np.cumsum(sizes)[:-1]))


def initial_uncertainties(sample: DataSet) -> Array:
    """(n,) uncertainties of a curve: the stated ones, or 1 % to begin with where the scatter gives them.

    Of the value for ratios and amplitudes; of the largest value, the same for all points, for other kinds.
    """
    curve = sample.curve
    if curve.sigma is not None:
        return curve.sigma
    size = np.abs(curve.value)
    if curve.kind not in RELATIVE_KINDS:
        size = np.full(size.shape, size.max(initial=0.0))
    if not (size > 0).all():
        raise InputError(
            f"{sample.experiment.name}: the {curve.kind} is 0 at x = {curve.x[int(np.argmin(size))]:g}, "
            "which leaves its scatter without a scale: give sigma"
        )
    return 0.01 * size


def follows_model(sample: DataSet) -> bool:
    """Whether the uncertainty of a curve is a share of the value, stated or of the scatter."""
    curve = sample.curve
    return curve.fractional if curve.sigma is not None else curve.kind in RELATIVE_KINDS


def uncertainties_at(sample: DataSet, predicted: Array) -> Array:
    r"""(n,) uncertainties of a curve beside a prediction (n,), in the scale of `initial_uncertainties`.

    A share of the value is one of the prediction f, not of the datum y: weights 1/y² are large where noise made y
    small, and with noise of the relative size s they draw the curve down by about s² of itself (R. W. M. Wedderburn,
    Biometrika 61, 439 (1974), doi:10.1093/biomet/61.3.439, has the theory of such quasi-likelihood).
    """
    first = initial_uncertainties(sample)
    if not follows_model(sample):
        return first
    size = np.abs(sample.curve.value)
    # a prediction that crosses zero would weigh its point without limit
    return first * np.maximum(np.abs(predicted), _LEAST_SHARE * size) / np.where(size > 0, size, 1.0)


def lowest_minimum(
    problem: FitProblem, *, starts: int, seed: int, jacobian: JacobianFunction | None = None
) -> tuple[FitProblem, Solution, Array, float]:
    """Find the lowest minimum, with the weights that belong to it.

    Parameters
    ----------
    problem : with the weights to begin with
    starts, seed, jacobian : as for `least_squares`

    Returns
    -------
    the problem with its final weights, the minimum, (m,) factors between the scatter of each curve and the uncertainty
    first assumed, and the number of data less the number of parameters that they determine
    """

    def search(problem: FitProblem, x: Array, starts: int, exact: JacobianFunction | None) -> Solution:
        limits, scale = (problem.low, problem.high), problem.scale
        return least_squares(problem.residual, x, jacobian=exact, limits=limits, scale=scale, starts=starts, seed=seed)

    problem, x, scatter = _agree_on_weights(problem, np.zeros(len(problem.parameters)))
    solution = search(problem, x, starts, jacobian)
    if _depends_on_fit(problem) and np.abs(solution.x - x).max() > 1e-3:  # another start led lower: its scatter is less
        problem, x, more = _agree_on_weights(problem, solution.x)
        solution, scatter = evolve(search(problem, x, 1, None), minima=solution.minima), scatter * more
    used = _leverage(problem, solution.jacobian[: problem.rows], solution.covariance)
    return problem, solution, scatter, problem.rows - float(np.sum(used))


def _leverage(problem: FitProblem, jacobian: NDArray[Any], covariance: NDArray[Any]) -> tuple[float, ...]:
    """Number of parameters that each curve determines, the trace of its part of the hat matrix."""
    each = np.sum((jacobian @ covariance) * jacobian, axis=1)
    return tuple(float(np.sum(part)) for part in split_by_data_set(problem, each))


def _depends_on_fit(problem: FitProblem) -> bool:
    """Whether the uncertainty of a curve depends on the fit: its scatter gives it, or it is a share of the value."""
    return any(sample.curve.sigma is None or follows_model(sample) for sample in problem.samples)


def _agree_on_weights(problem: FitProblem, x: Array) -> tuple[FitProblem, Array, Array]:
    """Take the uncertainty of curves that come without from their scatter, and uncertainties that are a share of the
    value from the prediction, until both agree with themselves.
    """
    unknown = np.array([sample.curve.sigma is None for sample in problem.samples])
    total = np.ones(unknown.size)
    # weights change the minimum, and the minimum the scatter: iterated until both agree
    for step in range(_MAX_WEIGHT_STEPS if _depends_on_fit(problem) else 0):
        x, _ = descend(problem.residual, x, low=problem.low, high=problem.high, scale=problem.scale)
        last = problem.sigma
        weights = [uncertainties_at(sample, problem.prediction(i, x)) for i, sample in enumerate(problem.samples)]
        problem = evolve(problem, sigma=tuple(f * one for f, one in zip(total.tolist(), weights, strict=True)))
        factor = np.where(unknown, _curve_scatter(problem, x), 1.0)
        total = total * factor
        problem = evolve(problem, sigma=tuple(s * f for s, f in zip(problem.sigma, factor.tolist(), strict=True)))
        changes = [np.abs(new / old - 1).max() for new, old in zip(problem.sigma, last, strict=True)]
        if max(changes) < 1e-3:
            break
        if step >= _PLAIN_STEPS:  # weights of a model that misfits may lead to each other by turns
            means = (np.sqrt(new * old) for new, old in zip(problem.sigma, last, strict=True))
            problem = evolve(problem, sigma=tuple(means))
    return problem, x, total


def _curve_scatter(problem: FitProblem, x: Array) -> Array:
    """(m,) scatter of each curve about coordinates (p,), in units of its present uncertainty."""
    jacobian = problem.jacobian(x)
    covariance = np.linalg.pinv(jacobian.T @ jacobian + np.diag(problem.width**-2))
    parts = split_by_data_set(problem, problem.data_residual(x))
    freedom = np.array([part.size for part in parts]) - _leverage(problem, jacobian, covariance)
    if (freedom < 1).any():
        least = problem.samples[int(np.argmin(freedom))]
        raise InputError(
            f"{least.experiment.name}: {least.curve.value.size} points leave no scatter to estimate errors: give sigma"
        )
    # data without any scatter come from a model: a floor keeps the other terms finite
    return np.maximum(np.sqrt(np.array([part @ part for part in parts]) / freedom), 1e-9)
