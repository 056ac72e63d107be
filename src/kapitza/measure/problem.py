"""Parameters of a fit and the residuals that they move: priors, data sets, weights, and the lowest minimum."""

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np
from attrs import Factory, converters, evolve, field, frozen, validators
from numpy.typing import NDArray

from kapitza.core.arrays import Array, about, above_zero, check_record, name_tuple, number, one_of, quantity
from kapitza.core.conductance import Conductance
from kapitza.core.parameter_units import highest_value
from kapitza.core.records import BaseRecord
from kapitza.core.stack import Stack
from kapitza.errors import Hint, InputError
from kapitza.measure.experiment import AutoregressiveNoise, Curve, Experiment
from kapitza.measure.least_squares import JacobianFunction, Solution, descend, difference_jacobian, least_squares

_STACK_ATTRIBUTES = ("thickness", "conductivity", "in_plane", "heat_capacity")
_ELECTRON_ATTRIBUTES = ("electron_conductivity", "electron_heat_capacity", "coupling")
# a free positive number is sought this factor up and down from its start if no limits are given
_SEARCH_FACTOR = 1e3
# standard deviation of the logarithm of a free number: as good as none, but no direction stays undetermined
_FREE_PRIOR_WIDTH = 1e3
_MAX_PRIOR_LOGARITHM = 30.0  # how far the logarithm of an uncertain number may move
GIVE_PRIOR = Hint(python="give Prior(value, sigma)", command="give { value = ..., sigma = ... } under [fit.uncertain]")
_OPTIONAL_NUMBER, _FINITE = converters.optional(number), validators.optional(quantity(low=-np.inf))


@frozen
class Prior(BaseRecord):
    """How well a number is known before the fit: a finite prior, where a free number has an infinite one.

    The logarithm of a positive number is taken as normal, of any other the number itself.

    Attributes
    ----------
    value : best estimate; the one of the stack or experiment where None
    sigma : standard uncertainty, in the unit of the number, or its share where `fractional`
    fractional : whether sigma is a share of the value
    """

    value: float | None = field(converter=_OPTIONAL_NUMBER, validator=_FINITE, metadata=about("SI", "value"))
    sigma: float = field(
        converter=number, validator=above_zero, metadata=about("SI, or 1 if fractional", "uncertainty")
    )
    fractional: bool = field(default=False, kw_only=True)

    @classmethod
    def relative(cls, share: float) -> "Prior":
        """Known to this share of the value that the stack or the experiment holds."""
        return cls(None, share, fractional=True)

    def center(self, present: float) -> float:
        """Best estimate, where the stack or experiment holds `present`."""
        return present if self.value is None else self.value

    def width(self, present: float) -> float:
        """Standard uncertainty in the unit of the number."""
        return self.sigma * abs(self.center(present)) if self.fractional else self.sigma


@frozen
class Free(BaseRecord):
    """A number that nothing is known of before the fit.

    Attributes
    ----------
    start : where the search begins; the value of the stack or experiment where None
    low, high : limits of the search; a factor 1000 from the start where None and the number is positive
    """

    start: float | None = field(default=None, converter=_OPTIONAL_NUMBER, metadata=about("SI", "start of the search"))
    low: float | None = field(default=None, converter=_OPTIONAL_NUMBER, metadata=about("SI", "lower limit"))
    high: float | None = field(default=None, converter=_OPTIONAL_NUMBER, metadata=about("SI", "upper limit"))


_FreeNames = str | Iterable[str] | Mapping[str, Free]


@frozen
class Tie(BaseRecord):
    """Several numbers that are one.

    Attributes
    ----------
    names : of the numbers
    kind : "factor": a common factor on all of them, which starts at 1; "value": one value for all
    """

    names: tuple[str, ...] = field(converter=name_tuple, validator=validators.min_len(1))
    kind: Literal["factor", "value"] = field(default="factor", validator=one_of("factor", "value"))


@frozen(eq=False)
class DataSet(BaseRecord):
    """An experiment, the curve that it gave, and the stack that it was made on.

    Examples
    --------
    >>> from kapitza.examples import aluminium_on_silicon, cooling_curve, film_cooling
    >>> from kapitza.measure import DataSet
    >>> sample = DataSet(film_cooling(), cooling_curve(), aluminium_on_silicon())
    >>> print(sample.names()[:2], sample.value("Al.thickness"))
    ('Al|Si.conductance', 'Al.thickness') 8e-08
    """

    experiment: Experiment
    curve: Curve
    stack: Stack

    def split_changes(self, changes: Mapping[str, float]) -> tuple[dict[str, float], dict[str, float | Conductance]]:
        """Changes of the experiment, by its own names, and of the stack, out of changes by the names used in fits."""
        own = {name: key for name in changes if (key := self._own_key(name)) is not None}
        mine = {key: changes[name] for name, key in own.items()}
        return mine, {name: value for name, value in changes.items() if name not in own}

    def _own_key(self, name: str) -> str | None:
        """What the experiment itself calls a number; None for a number of the stack, whose layers may have its name."""
        prefix = self.experiment.name + "."
        key = name.removeprefix(prefix)
        return key if name.startswith(prefix) and key in self.experiment.parameters else None

    def with_changes(self, changes: Mapping[str, float]) -> tuple[Experiment, Stack]:
        """Experiment and stack with other values, by the names used in fits."""
        mine, its = self.split_changes(changes)
        experiment = self.experiment.replace(mine) if mine else self.experiment
        return experiment, self.stack.replace(its) if its else self.stack

    def names(self) -> tuple[str, ...]:
        """All numbers that a fit could move here."""
        names = [f"{name}.conductance" for name in self.stack.boundary_names]
        both = zip(self.stack.boundary_names, self.stack.boundaries, strict=True)
        names += [f"{name}.electron_conductance" for name, boundary in both if boundary.electron_conductance]
        for layer in self.stack.layers:
            names += [f"{layer.name}.{a}" for a in _STACK_ATTRIBUTES]
            names += [f"{layer.name}.{a}" for a in _ELECTRON_ATTRIBUTES if layer.coupling is not None]
        return (*names, *(f"{self.experiment.name}.{key}" for key in self.experiment.parameters))

    def value(self, name: str) -> float | None:
        """Present value of a number, None where the sample has no such number or no value of it."""
        if (key := self._own_key(name)) is not None:
            return float(self.experiment.parameters[key])
        owner, _, attribute = name.rpartition(".")
        if owner in self.stack.boundary_names and attribute in ("conductance", "electron_conductance"):
            boundary = self.stack.boundaries[self.stack.boundary_names.index(owner)]
            if attribute == "electron_conductance":
                return boundary.electron_conductance or None
            resistance = boundary.resistance()
            return 1 / resistance if resistance else float("inf")
        if attribute not in (*_STACK_ATTRIBUTES, *_ELECTRON_ATTRIBUTES):
            return None
        present = next((getattr(layer, attribute) for layer in self.stack.layers if layer.name == owner), None)
        return None if present is None else float(present)

    def may_be_negative(self, name: str) -> bool:
        """Whether a number may be negative: the record of the experiment decides, those of a stack never are."""
        if (key := self._own_key(name)) is None:
            return False
        try:
            self.experiment.replace({key: -(abs(self.experiment.parameters[key]) or 1e-3)})
        except ValueError:
            return False
        return True


@frozen(eq=False)
class ParameterTarget(BaseRecord):
    """A place where a parameter acts: sample, name there, and the value that a factor multiplies (None: the value)."""

    sample: int
    name: str
    base: float | None = None


@frozen(eq=False, kw_only=True)
class Parameter(BaseRecord):
    """A number that a fit moves, in the coordinate ln(value/start) if it is positive, else (value - start)/unit.

    `low` and `high` limit the coordinate; its prior has the standard deviation `width` about zero, finite where
    `known`.
    """

    name: str
    start: float = field(metadata=about("SI", "value at the coordinate 0"))
    unit: float | None = field(metadata=about("SI", "step of the value by the coordinate; None for the logarithm"))
    low: float = field(metadata=about("1", "lower limit of the coordinate"))
    high: float = field(metadata=about("1", "upper limit of the coordinate"))
    width: float = field(metadata=about("1", "standard deviation of the prior, in the coordinate"))
    known: bool
    targets: tuple[ParameterTarget, ...]

    def value(self, coordinate: float) -> float:
        """Value at a coordinate, SI."""
        return self.start * float(np.exp(coordinate)) if self.unit is None else self.start + self.unit * coordinate

    def coordinate(self, value: float) -> float:
        """Coordinate of a value, SI."""
        if self.unit is not None:
            return (value - self.start) / self.unit
        if not value > 0:
            raise InputError(f"{self.name} = {value:g}, wanted above 0")
        return float(np.log(value / self.start))

    def slope(self, coordinate: float) -> float:
        """Derivative of the value by the coordinate."""
        return self.value(coordinate) if self.unit is None else self.unit


def free_numbers(free: _FreeNames) -> Mapping[str, Free]:
    """Free numbers by name; those that are only named start from the value of the stack or experiment."""
    return free if isinstance(free, Mapping) else {name: Free() for name in name_tuple(free)}


def resolve_parameters(
    samples: Sequence[DataSet],
    named: _FreeNames,
    priors: Mapping[str, Prior],
    ties: Mapping[str, Tie],
    *,
    update: bool = False,
) -> tuple[Parameter, ...]:
    """Parameters of a fit, free ones first; in an `update` of what is known none has to be free.

    Names: "Al|Si.conductance" for all samples that have it, "run2:Al|Si.conductance" for the sample of the experiment
    called run2 alone, "tdtr.pump_radius" for the experiments of that name, or a tie.
    """
    free = free_numbers(named)
    if not free and not (update and priors):
        raise InputError("nothing is free: name at least one number to fit, for example 'Al|Si.conductance'")
    for name, given in free.items():
        check_record(given, Free, python=f"give {name!r} as Free(start=...), or only its name")
    for name, given in priors.items():
        check_record(given, Prior, python=f"give {name!r} as Prior(value, sigma), or as Prior.relative(share)")
    if both := set(free) & set(priors):
        raise InputError(f"{min(both)} is free and has a prior: a free number has none, give it in one place")
    parameters = [_free_parameter(samples, name, ties, given) for name, given in free.items()]
    parameters += [_prior_parameter(samples, name, ties, given) for name, given in priors.items()]
    seen: dict[tuple[int, str], str] = {}
    for parameter in parameters:
        for target in parameter.targets:
            place = (target.sample, target.name)
            if place in seen:
                where = samples[target.sample].experiment.name
                raise InputError(f"{target.name} of {where} is moved by both {seen[place]!r} and {parameter.name!r}")
            seen[place] = parameter.name
    return tuple(parameters)


def _free_parameter(samples: Sequence[DataSet], name: str, ties: Mapping[str, Tie], free: Free) -> Parameter:
    targets, present, _, signed = _find_targets(samples, name, ties)
    start = present if free.start is None else free.start
    if start is None:
        raise InputError(
            f"{name} has no value in the stack:",
            hint=Hint(python="give Free(start=...)", command="give { start = ... } under [fit.free]"),
        )
    unit = (abs(start) or 1.0) if signed else None
    if unit is not None:
        low = -np.inf if free.low is None else (free.low - start) / unit
        high = np.inf if free.high is None else (free.high - start) / unit
    else:
        low = start / _SEARCH_FACTOR if free.low is None else free.low
        high = min(start * _SEARCH_FACTOR, max(start, _most(targets))) if free.high is None else free.high
        if not 0 < low <= start <= high:
            raise InputError(f"{name}: wanted 0 < low <= start <= high, got {low:g}, {start:g}, {high:g}")
        low, high = float(np.log(low / start)), float(np.log(high / start))
    return Parameter(
        name=name, start=start, unit=unit, low=low, high=high, width=_FREE_PRIOR_WIDTH, known=False, targets=targets
    )


def _prior_parameter(samples: Sequence[DataSet], name: str, ties: Mapping[str, Tie], prior: Prior) -> Parameter:
    targets, present, same, signed = _find_targets(samples, name, ties)
    if prior.value is None and present is None:
        raise InputError(f"{name} has no value in the stack:", hint=GIVE_PRIOR)
    if prior.value is None and not same:
        raise InputError(
            f"{name} differs between the samples: name each, as in '{samples[0].experiment.name}:{name}', or tie them "
            "by a factor"
        )
    center = prior.center(present or 0.0)
    width = prior.width(present or 0.0)
    if not width > 0:
        raise InputError(f"{name}: a share of {center:g} is not an uncertainty,", hint=GIVE_PRIOR)
    if not signed and not center > 0:
        raise InputError(f"{name}: prior value {center:g}, wanted above 0")
    unit, reach, width = (width, np.inf, 1.0) if signed else (None, _MAX_PRIOR_LOGARITHM, width / center)
    high = reach if signed else min(reach, max(0.0, float(np.log(_most(targets) / center))))
    return Parameter(
        name=name, start=center, unit=unit, low=-reach, high=high, width=width, known=True, targets=targets
    )


def _most(targets: tuple[ParameterTarget, ...]) -> float:
    """Most that a number can be where it acts, SI."""
    return min((highest_value(one.name) for one in targets if one.base is None), default=np.inf)


def _find_targets(
    samples: Sequence[DataSet], name: str, ties: Mapping[str, Tie]
) -> tuple[tuple[ParameterTarget, ...], float | None, bool, bool]:
    """Where a name acts; its present value; whether that is the same everywhere; whether it may be negative."""
    if name in ties:
        parts = [_find_targets(samples, member, {}) for member in ties[name].names]
        targets = [target for part in parts for target in part[0]]
        if ties[name].kind == "value":
            same = all(part[2] and part[1] == parts[0][1] for part in parts)
            return tuple(targets), parts[0][1], same, any(part[3] for part in parts)
        for i, target in enumerate(targets):
            base = samples[target.sample].value(target.name)
            if not base:
                raise InputError(f"{name}: {target.name} = {base} cannot be multiplied by a factor")
            targets[i] = evolve(target, base=base)
        return tuple(targets), 1.0, True, False
    sample_name, colon, rest = name.rpartition(":")
    found = [
        (ParameterTarget(i, rest), sample.value(rest))
        for i, sample in enumerate(samples)
        if (not colon or sample.experiment.name == sample_name) and rest in sample.names()
    ]
    if not found:
        words = set(re.split(r"[.:|]", name))
        known = sorted({n for sample in samples for n in sample.names()})
        known.sort(key=lambda other: len(words & set(re.split(r"[.:|]", other))), reverse=True)  # the most alike first
        raise InputError(f"no sample has {name!r}: there are {', '.join(known)}")
    targets, values = zip(*found, strict=True)
    signed = samples[targets[0].sample].may_be_negative(rest)
    return targets, values[0], all(value == values[0] for value in values), signed


RELATIVE_KINDS = ("ratio", "amplitude", "response")  # kinds of data whose scatter grows with the value
_LEAST_SHARE = 0.1  # of a datum: the least size of a prediction that scatter may be a share of
_MAX_WHITENING_MATRIX = 300  # points of a curve whose noise is whitened by a matrix
_MAX_CACHED_PREDICTIONS = 64  # predictions remembered of each sample
_MAX_WEIGHT_STEPS = 30  # in which weights and minimum come to agree
_PLAIN_STEPS = 4  # after which new weights are taken half way


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
        default=Factory(lambda problem: tuple(map(initial_uncertainties, problem.samples)), takes_self=True),
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
        data = self.samples[sample]
        own, of_stack = data.split_changes(changes)
        if sample not in self._experiments or self._experiments[sample][0] != own:  # else with what it has cached
            self._experiments[sample] = own, data.experiment.replace(own) if own else data.experiment
        experiment = self._experiments[sample][1]
        curve = experiment.predict(data.stack.replace(of_stack))
        if curve.shape != data.curve.value.shape:
            points = data.curve.value.size
            raise InputError(f"{experiment.name} predicts {curve.shape} values for the {points} points of its curve")
        kept[key] = curve
        if len(kept) > _MAX_CACHED_PREDICTIONS:
            kept.popitem(last=False)
        return curve

    def data_residual(self, x: Array) -> Array:
        """(n,) differences from the data at coordinates (p,), free of correlations, in standard uncertainties."""
        parts = list(plain_residuals(self, x))
        for i, noise in enumerate(self.noise):
            if noise is None:
                continue
            if parts[i].size > _MAX_WHITENING_MATRIX:
                parts[i] = noise.whiten(parts[i])[0]
                continue
            if i not in self.whitening:
                self.whitening[i] = noise.whiten(np.eye(parts[i].size))[0]
            parts[i] = self.whitening[i] @ parts[i]
        return np.concatenate(parts)

    def residual(self, x: Array) -> Array:
        """(n + p,) differences from the data, then from the priors."""
        return np.concatenate([self.data_residual(x), x / self.width])

    def jacobian(self, x: Array, order: int = 2) -> NDArray[Any]:
        """(n, p) derivatives of the data residuals by the coordinates."""
        return difference_jacobian(self.data_residual, x, scale=self.scale, order=order)

    def values(self, x: Array) -> Array:
        """(p,) values at coordinates (p,), SI."""
        return np.array([p.value(u) for p, u in zip(self.parameters, x.tolist(), strict=True)])


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
    """Find the lowest minimum with the weights that belong to it; arguments as for `least_squares`.

    Returns the problem with its final weights, the minimum, (m,) factors between the scatter of each curve and the
    uncertainty first assumed, and the number of data less the number of parameters that they determine.
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
