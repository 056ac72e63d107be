"""What every measurement on a stack offers, so that one fit serves them all; curves and their noise."""

from typing import Any, ClassVar, Protocol, Self, TypeVar, cast, runtime_checkable

import numpy as np
from attrs import converters, evolve, field, frozen, validators
from numpy.typing import NDArray

from kapitza.core.arrays import Array, about, finite, increasing, parameter, positive, quantity, same_length
from kapitza.core.records import BaseRecord, number_of
from kapitza.core.stack import Stack
from kapitza.errors import InputError

T = TypeVar("T")


def as_records(value: object, kind: type[T], what: str) -> tuple[T, ...]:
    """One record or several of a type as a tuple; `what` says in messages what they are for."""
    found = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    records = tuple(one for one in found if isinstance(one, kind))
    if not found or len(records) < len(found):
        wrong = next((one for one in found if not isinstance(one, kind)), value)
        raise InputError(f"{what}, got {wrong!r:.60} of type {type(wrong).__name__}")
    return records


@runtime_checkable
class Experiment(Protocol):
    """A measurement on a stack of layers.

    Attributes
    ----------
    name : stands before the names of its own parameters, as in ``tdtr.pump_radius``

    Examples
    --------
    >>> from kapitza.measure import Experiment
    >>> from kapitza.thermoreflectance import LaserFlash
    >>> flash = LaserFlash([0.1, 0.2])
    >>> print(isinstance(flash, Experiment), flash.name, flash.parameters)
    True flash {'scale': 1.0}
    """

    @property
    def name(self) -> str:
        """What the experiment is called."""
        ...

    @property
    def parameters(self) -> dict[str, float]:
        """Own numbers that may be free or uncertain, by name, with their present values in SI."""
        ...

    def predict(self, stack: Stack) -> Array:
        """(n,) what would be measured on this stack."""
        ...

    def replace(self, changes: dict[str, float]) -> Self:
        """The same experiment with other values of its own parameters, by name without the experiment's."""
        ...


@frozen(eq=False)
class Curve(BaseRecord):
    """A measured curve.

    Attributes
    ----------
    x : (n,) what was varied: delay (s), frequency (Hz), ... as the experiment takes it
    value : (n,) what was measured, SI; phases in rad
    sigma : None where only the scatter of the points is known
    kind : "ratio", "in_phase", "out_of_phase", "phase", "amplitude", "temperature", "response" (K W⁻¹), as the
        experiment calls it
    fractional : whether sigma was stated as a share of the value.  A share of the measured value would favour points
        that came out low by chance; a fit takes it of the value that the model predicts

    Raises
    ------
    InputError
        for unequal lengths, NaN or infinite values, an uncertainty that is not above zero
    """

    x: Array = field(converter=finite, metadata=about("of the experiment", "independent variable"))
    value: Array = field(converter=finite, validator=same_length("x"), metadata=about("of the signal", "signal"))
    sigma: Array | None = field(
        default=None, converter=converters.optional(positive), validator=validators.optional(same_length("x")),
        metadata=about("of the signal", "(n,) standard uncertainty of each point"),
    )  # fmt: skip
    kind: str = field(default="ratio")
    fractional: bool = field(default=False, kw_only=True)


def increasing_positive(value: Array) -> Array:
    """Return numbers that increase from above zero: times, frequencies, powers, radii."""
    return increasing(positive(value))


SETUP_DEPTHS = ("setup.absorption_depth", "setup.readout_depth")


@frozen(eq=False)
class ParametrisedExperiment(BaseRecord):
    """An experiment with parameters of its own, named by the last part of what `_PARAMETERS` lists."""

    _PARAMETERS: ClassVar[tuple[str, ...]] = ()

    scale: float = field(default=1.0, kw_only=True, **number_of(parameter("1", "scale"), quantity()))

    @property
    def parameters(self) -> dict[str, float]:
        """Numbers that may be free or uncertain, by name, SI; those that are None are left out.

        Of several in a row each has its number, from 1: "transmission_1".
        """
        found: dict[str, float] = {}
        for name in self._PARAMETERS:
            part, _, last = name.rpartition(".")
            value = getattr(getattr(self, part) if part else self, last)
            if isinstance(value, tuple):
                found |= {f"{last}_{i}": float(one) for i, one in enumerate(cast("tuple[float, ...]", value), 1)}
            elif value is not None:
                found[last] = float(value)
        return found

    def replace(self, changes: dict[str, float]) -> Self:
        """The same experiment with other numbers, by the names of `parameters`."""
        places = {name.rpartition(".")[2]: name.rpartition(".")[0] for name in self._PARAMETERS}
        own: dict[str, Any] = {}
        for key, value in changes.items():
            base, _, count = key.rpartition("_")
            row = own.get(base, getattr(self, base)) if base in places and count.isdigit() else None
            if isinstance(row, tuple) and 1 <= int(count) <= len(cast("tuple[float, ...]", row)):
                own[base] = (*row[: int(count) - 1], value, *row[int(count) :])
                continue
            if key not in places or isinstance(getattr(self, key, None), tuple):
                raise InputError(f"{type(self).__name__} has no number {key!r}: it has {', '.join(self.parameters)}")
            part = places[key]
            if part:
                own[part] = evolve(own.get(part, getattr(self, part)), **{key: value})
            else:
                own[key] = value
        return evolve(self, **own)


class TemperatureExperiment(ParametrisedExperiment):
    """An experiment that reads a temperature."""

    __slots__ = ()

    @property
    def kind(self) -> str:
        """What is predicted."""
        return "temperature"


@frozen
class AutoregressiveNoise(BaseRecord):
    r"""White noise and noise that a point shares with its neighbours, an autoregressive process of first order.

    Points i and j of a curve, in the order in which they stand, have the covariance
    $C_{ij} = w\,\delta_{ij} + s\,\rho^{|i-j|}$ in units of the uncertainty $\sigma_i\sigma_j$: w from point to
    point, s of a drift or of what the model misses.  The second part is a Gaussian process with an exponential kernel.

    Attributes
    ----------
    white : w
    smooth : s
    correlation : $\rho$ from 0 to below 1

    Examples
    --------
    >>> from kapitza.measure.noise import AutoregressiveNoise
    >>> drift = AutoregressiveNoise(white=0.2, smooth=0.8, correlation=0.9)
    >>> print(f"{drift.lag_one:.2f} between neighbours")
    0.72 between neighbours
    """

    white: float = field(metadata=about("1", "variance from point to point, in units of the stated or fitted one"))
    smooth: float = field(metadata=about("1", "variance shared by neighbours, in the same unit"))
    correlation: float = field(metadata=about("1", "correlation of neighbours in the shared part"))

    @property
    def lag_one(self) -> float:
        """Correlation of neighbouring points."""
        return self.smooth * self.correlation / (self.white + self.smooth)

    def whiten(self, values: NDArray[Any]) -> tuple[NDArray[Any], float]:
        r"""Columns (n, ...) free of correlations and of unit variance, and the logarithm of the determinant of C.

        The differences $z_i = r_i - \rho r_{i-1}$ have a covariance of three diagonals, whose Cholesky factor takes a
        time in proportion to n.
        """
        from scipy.linalg import cholesky_banded, solve_banded

        rho, n = self.correlation, len(values)
        steps = np.array(values, dtype=float)
        steps[1:] -= rho * values[:-1]
        band = np.empty((2, n))
        band[0] = self.smooth * (1 - rho**2) + self.white * (1 + rho**2)
        band[0, 0] = self.white + self.smooth
        band[1] = -rho * self.white
        factor = cholesky_banded(band, lower=True, check_finite=False)
        whitened = solve_banded((1, 0), factor, steps, check_finite=False)
        return whitened, 2 * float(np.sum(np.log(factor[0])))


def simulate_curve(experiment: Experiment, stack: Stack, *, noise: float = 0.0, seed: int = 0) -> Curve:
    """What an experiment would measure on a stack.

    Parameters
    ----------
    experiment, stack : what is measured on what
    noise : standard deviation of each point: relative, or in rad for phases
    seed : of the noise

    Returns
    -------
    Curve against delay (s), frequency (Hz) or whatever the experiment varies; its sigma is that of the noise

    Raises
    ------
    InputError
        for noise below zero
    """
    if not (np.isfinite(noise) and noise >= 0):
        raise InputError(f"noise = {noise:g}, wanted a finite number of at least 0")
    value, kind = experiment.predict(stack), str(getattr(experiment, "kind", "temperature"))
    sigma = noise * (np.ones(value.size) if kind == "phase" else np.abs(value))
    made = value + sigma * np.random.default_rng(seed).standard_normal(value.size)
    _, x = independent_variable(experiment)
    return Curve(x, made, sigma if noise else None, kind)


def independent_variable(experiment: Experiment) -> tuple[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Name and values (n,) of what an experiment varies, SI.

    Raises
    ------
    InputError
        if it varies neither delay nor frequency, time, thickness, radius, power or offset
    """
    for name in ("delay", "frequency", "time", "thickness", "radius", "power", "offset"):
        values = getattr(experiment, name, None)
        if isinstance(values, np.ndarray):
            return name, cast("np.ndarray[tuple[int], np.dtype[np.float64]]", values)
    raise InputError(f"{type(experiment).__name__} {experiment.name!r} varies nothing that could stand on an axis")
