"""Questions that a fit raises: conductivities that the bulk of the material does not have, and inputs behind them."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.core.parameter_units import format_parameter
from kapitza.core.stack import Layer
from kapitza.errors import InputError
from kapitza.matter.library import material
from kapitza.measure.least_squares import Solution
from kapitza.measure.likelihood import QUANTILE, Bound, plain_covariance
from kapitza.measure.parameters import DataSet, Parameter
from kapitza.measure.problem import FitProblem

_BULK_SCATTER = 0.25  # logarithm by which samples of one bulk material differ without a question
_BULK_THICKNESS = 10e-6  # m: thinner layers conduct less than the bulk
_STEP = 1e-3  # of the logarithm of an input
_LARGEST_CHANGE = 1.1  # of the logarithm: inputs that had to be three times as large or small are not suspected
_SUSPECTS = 3  # inputs that are named
_RADII = ("pump_radius", "probe_radius", "pump_radius_y", "probe_radius_y", "radius", "half_width")


class QuestionedFit(Protocol):
    """What of a fit is asked about: a `Fit` has it."""

    @property
    def problem(self) -> FitProblem:
        """Samples and parameters."""
        ...

    @property
    def solution(self) -> Solution:
        """The minimum."""
        ...

    @property
    def bounds(self) -> Mapping[str, Bound]:
        """Bounds of what the data do not determine."""
        ...

    @property
    def temperature(self) -> float:
        """K, of the measurement."""
        ...


def questions_of_bulk(fit: QuestionedFit) -> Iterator[str]:
    """Ask about free conductivities of layers that bear the name of a material of the library.

    A wrong spot or film thickness may leave no trace in the residuals, since conductivity and conductance take up what
    it does; what it leaves are numbers that the material does not have.  A question is raised where number and library
    differ by more than a quarter (of the logarithm), by which samples of one bulk material do, and the half-length of
    the 95 % interval, added in squares; for layers thinner than 10 µm, which conduct less than the bulk, only above it.
    It names the inputs that would bring the number to the bulk if they were others by less than a factor of three, by
    how far each had to move, in the linear model.
    """
    problem = fit.problem
    if not problem.ordered:
        return
    for i, parameter in enumerate(problem.parameters):
        if parameter.known or parameter.unit is not None or parameter.name in fit.bounds:
            continue
        target = parameter.targets[0]
        sample = problem.samples[target.sample]
        known = _bulk_range(sample, target.name, fit.temperature)
        if known is None or target.base is not None:
            continue
        x, sigma = float(fit.solution.x[i]), float(fit.solution.sigma[i])
        low, high = (parameter.coordinate(one) for one in known)
        layer = _layer_of(sample, target.name)
        thin = layer is not None and layer.thickness < _BULK_THICKNESS
        gap = max(0.0, x - high) - (0.0 if thin else max(0.0, low - x))
        if abs(gap) > np.hypot(_BULK_SCATTER, QUANTILE * sigma):
            yield _in_words(fit, parameter, known[1] if gap > 0 else known[0], _suspects(fit, i, -gap))


def _in_words(fit: QuestionedFit, parameter: Parameter, bulk: float, suspects: list[str]) -> str:
    """A question."""
    value = parameter.value(float(fit.solution.x[[p.name for p in fit.problem.parameters].index(parameter.name)]))
    name = parameter.name
    side = f"{abs(value / bulk - 1):.0%} {'above' if value > bulk else 'below'}"
    text = f"{name} = {format_parameter(name, value, 3)} is {side} the {format_parameter(name, bulk, 3)} of the bulk"
    if not suspects:
        return f"{text}: is the sample what it is called?"
    return f"{text}: are the inputs right? It would be the bulk's with {', or '.join(suspects)}"


def _layer_of(sample: DataSet, name: str) -> Layer | None:
    owner = name.rpartition(".")[0]
    return next((layer for layer in sample.stack.layers if layer.name == owner), None)


def _bulk_range(sample: DataSet, name: str, temperature: float) -> tuple[float, float] | None:
    """Lowest and highest conductivity (W m⁻¹ K⁻¹) of the bulk of a layer, over its directions; None if not known."""
    layer, attribute = _layer_of(sample, name), name.rpartition(".")[2]
    if layer is None or attribute not in ("conductivity", "in_plane"):
        return None
    try:
        known = material(layer.name)
        through, along = (float(known.conductivity(temperature, inplane=one)[0]) for one in (False, True))
    except InputError:
        return None
    if attribute == "in_plane":
        return along, along
    return (through, through) if layer.in_plane is not None else (min(through, along), max(through, along))


def _suspects(fit: QuestionedFit, index: int, gap: float) -> list[str]:
    """Inputs, in words, that would move a parameter by `gap` of its logarithm, the smallest change first."""
    problem, solution = fit.problem, fit.solution
    gain = plain_covariance(problem, solution)[index] @ solution.jacobian[: problem.rows].T
    moved = {(target.sample, target.name) for p in problem.parameters for target in p.targets}
    found: list[tuple[float, str]] = []
    for name, members in _inputs(problem, moved).items():
        slope = -float(gain @ _derivative(problem, solution.x, members))
        if abs(gap) < _LARGEST_CHANGE * abs(slope):
            change = gap / slope
            found.append((abs(change), f"{name} {np.exp(change):.2g} times as large"))
    return [text for _, text in sorted(found)[:_SUSPECTS]]


def _inputs(problem: FitProblem, moved: set[tuple[int, str]]) -> dict[str, list[tuple[int, str]]]:
    """Held inputs by what they are called; those of one name, and all radii of an experiment, move together."""
    found: dict[str, list[tuple[int, str]]] = {}
    for i, sample in enumerate(problem.samples):
        prefix = f"{sample.experiment.name}."
        for name in sample.names():
            if (i, name) in moved or not sample.value(name) or not np.isfinite(sample.value(name) or np.inf):
                continue
            key = name.removeprefix(prefix)
            if name.startswith(prefix) and key in _RADII:
                found.setdefault(f"radii of {sample.experiment.name}", []).append((i, name))
            elif name.endswith((".thickness", ".heat_capacity", ".period")):
                found.setdefault(name.replace("_", " "), []).append((i, name))
    return found


def _derivative(problem: FitProblem, x: Array, members: list[tuple[int, str]]) -> NDArray[Any]:
    """(n,) derivative of the residuals by the logarithm of a factor on several inputs."""
    ends = [_shift_inputs(problem, x, members, factor) for factor in (np.exp(_STEP), np.exp(-_STEP))]
    return (ends[0] - ends[1]) / (2 * _STEP)


def _shift_inputs(problem: FitProblem, x: Array, members: list[tuple[int, str]], factor: float) -> NDArray[Any]:
    """(n,) predictions in standard uncertainties, free of correlations, with inputs multiplied by a factor."""
    parts: list[Array] = []
    for i, (sample, sigma) in enumerate(zip(problem.samples, problem.sigma, strict=True)):
        shifts = {name: factor * (sample.value(name) or 0.0) for at, name in members if at == i}
        experiment, stack = sample.with_changes({**problem.changes(i, x), **shifts})
        part = experiment.predict(stack) / sigma
        noise = problem.noise[i] if problem.noise else None
        parts.append(part if noise is None else noise.whiten(part)[0])
    return np.concatenate(parts)
