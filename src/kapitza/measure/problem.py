"""Residuals of several experiments at once, in the coordinates of their parameters."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.errors import InputError
from kapitza.measure.experiment import Experiment
from kapitza.measure.parameters import Parameter, Sample
from kapitza.measure.polish import difference_jacobian

RELATIVE = ("ratio", "amplitude")  # kinds of data whose scatter grows with the value
KEPT = 64  # predictions remembered of each sample


@frozen(eq=False)
class Problem:
    """What a fit minimises.

    Attributes
    ----------
    samples : (m,) experiments with curves and stacks
    parameters : (p,) what moves
    sigma : (m,) of (n,) standard uncertainties of the curves
    """

    samples: tuple[Sample, ...]
    parameters: tuple[Parameter, ...]
    sigma: tuple[Array, ...]
    _experiments: dict[int, tuple[dict[str, float], Experiment]] = field(init=False, repr=False, factory=dict)
    _kept: dict[int, OrderedDict[bytes, Array]] = field(init=False, repr=False, factory=dict)

    @property
    def low(self) -> Array:
        """(p,) lower limits of the coordinates."""
        return np.array([p.low for p in self.parameters])

    @property
    def high(self) -> Array:
        """(p,) upper limits of the coordinates."""
        return np.array([p.high for p in self.parameters])

    @property
    def scale(self) -> Array:
        """(p,) distances in the coordinates over which the model changes."""
        return np.array([p.scale for p in self.parameters])

    @property
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
        kept = self._kept.setdefault(sample, OrderedDict())
        if key in kept:
            kept.move_to_end(key)
            return kept[key]
        mine, its = self.samples[sample].parted(changes)
        experiment = self._experiment(sample, mine)
        stack = self.samples[sample].stack.replace(its)
        found = experiment.predict(stack)
        wanted = self.samples[sample].curve.value.size
        if found.shape != (wanted,):
            raise InputError(f"{experiment.name} predicts {found.shape} values for the {wanted} points of its curve")
        kept[key] = found
        if len(kept) > KEPT:
            kept.popitem(last=False)
        return found

    def _experiment(self, sample: int, mine: dict[str, float]) -> Experiment:
        """Experiment with its own numbers changed; the last one again if they are the same, with what it has cached."""
        if sample not in self._experiments or self._experiments[sample][0] != mine:
            plain = self.samples[sample].experiment
            self._experiments[sample] = (mine, plain.replace(mine) if mine else plain)
        return self._experiments[sample][1]

    def data_residual(self, x: Array) -> Array:
        """(n,) differences from the data at coordinates (p,), in standard uncertainties."""
        parts = [
            (self.prediction(i, x) - sample.curve.value) / sigma
            for i, (sample, sigma) in enumerate(zip(self.samples, self.sigma, strict=True))
        ]
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


def slopes(problem: Problem, x: Array) -> Array:
    """(p,) derivatives of the values by the coordinates, at coordinates (p,)."""
    return np.array([p.slope(u) for p, u in zip(problem.parameters, x.tolist(), strict=True)])


def split(problem: Problem, residuals: Array) -> tuple[Array, ...]:
    """Residuals (n,) of the data, sample by sample."""
    sizes = [sample.curve.value.size for sample in problem.samples]
    return tuple(np.split(residuals, np.cumsum(sizes)[:-1]))


def rescaled(problem: Problem, factors: Sequence[float]) -> Problem:
    """The same with the uncertainties of the curves multiplied, one factor for each sample."""
    return evolve(problem, sigma=tuple(s * f for s, f in zip(problem.sigma, factors, strict=True)))


def first_sigma(sample: Sample) -> Array:
    """(n,) uncertainties of a curve: the stated ones, or 1 % to begin with where the scatter is to tell.

    Of the value for ratios and amplitudes; of the largest value, the same for all points, for other kinds.
    """
    curve = sample.curve
    if curve.sigma is not None:
        return curve.sigma
    size = np.abs(curve.value)
    if curve.kind not in RELATIVE:
        size = np.full(size.shape, size.max(initial=0.0))
    if not (size > 0).all():
        raise InputError(
            f"{sample.experiment.name}: the {curve.kind} is 0 at x = {curve.x[int(np.argmin(size))]:g}, "
            "which leaves its scatter without a scale: give sigma"
        )
    return 0.01 * size
