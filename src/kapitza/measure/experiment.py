"""What every measurement on a stack offers, so that one fit serves them all; measured and simulated curves."""

from typing import Protocol, Self, TypeVar, runtime_checkable

import numpy as np
from attrs import converters, field, frozen, validators

from kapitza.core.arrays import Array, about, finite, positive, same_length
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
class Curve:
    """A measured curve.

    Attributes
    ----------
    x : (n,) what was varied: delay (s), frequency (Hz), ... as the experiment takes it
    value : (n,) what was measured, SI; phases in rad
    sigma : None where only the scatter of the points is known
    kind : "ratio", "in_phase", "out_of_phase", "phase", "amplitude", "temperature", as the experiment calls it
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
        default=None,
        converter=converters.optional(positive),
        validator=validators.optional(same_length("x")),
        metadata=about("of the signal", "(n,) standard uncertainty of each point"),
    )
    kind: str = field(default="ratio")
    fractional: bool = field(default=False, kw_only=True)


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
        if it varies neither delay nor frequency, time, thickness, radius or power
    """
    for name in ("delay", "frequency", "time", "thickness", "radius", "power"):
        if hasattr(experiment, name):
            return name, getattr(experiment, name)
    raise InputError(f"{type(experiment).__name__} {experiment.name!r} varies nothing that could stand on an axis")
