"""Numbers that a fit may move: what they are called, how well they are known before, and where they act."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from attrs import field, frozen, validators

from kapitza.core.arrays import above_zero, one_of
from kapitza.core.conductance import Conductance
from kapitza.core.stack import Stack
from kapitza.errors import InputError
from kapitza.measure.experiment import Curve, Experiment

STACK_ATTRIBUTES = ("thickness", "conductivity", "in_plane", "heat_capacity")
REACH = 1e3  # a free positive number is sought this factor up and down from its start where no limits are given
VAGUE = (
    1e3  # standard deviation of the logarithm of a free number: as good as none, but no direction stays undetermined
)

UNITS = {
    "conductance": "W/m²K",
    "conductivity": "W/mK",
    "in_plane": "W/mK",
    "heat_capacity": "J/m³K",
    "thickness": "m",
    "power": "W",
    "sink": "K",
    "coefficient": "W/m²K",
    "top_coefficient": "W/m²K",
    "width": "m",
    "depth": "m",
}


@frozen
class Prior:
    """How well a number is known before the fit: a finite prior, where a free number has an infinite one.

    The logarithm of a positive number is taken as normal, of any other the number itself.

    Attributes
    ----------
    value : best estimate; the one of the stack or experiment where None
    sigma : standard uncertainty, in the unit of the number, or its share where `fractional`
    fractional : whether sigma is a share of the value
    """

    value: float | None
    sigma: float = field(converter=float, validator=above_zero)
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
class Free:
    """A number that nothing is known of before the fit.

    Attributes
    ----------
    start : where the search begins; the value of the stack or experiment where None
    low, high : limits of the search; a factor 1000 from the start where None and the number is positive
    """

    start: float | None = None
    low: float | None = None
    high: float | None = None


@frozen
class Tie:
    """Several numbers that are one.

    Attributes
    ----------
    names : of the numbers
    how : "factor": a common factor on all of them, which starts at 1; "value": one value for all
    """

    names: tuple[str, ...] = field(converter=tuple, validator=validators.min_len(1))
    how: Literal["factor", "value"] = field(default="factor", validator=one_of("factor", "value"))


@frozen(eq=False)
class Sample:
    """One experiment on one stack, and the curve that it gave.

    Attributes
    ----------
    experiment : predicts the curve
    curve : what was measured
    stack : what it was measured on
    """

    experiment: Experiment
    curve: Curve
    stack: Stack

    def parted(self, changes: Mapping[str, float]) -> tuple[dict[str, float], dict[str, float | Conductance]]:
        """Changes of the experiment, by its own names, and of the stack, out of changes by the names used in fits."""
        own = self.experiment.name + "."
        mine = {key.removeprefix(own): value for key, value in changes.items() if key.startswith(own)}
        return mine, {key: value for key, value in changes.items() if not key.startswith(own)}

    def changed(self, changes: Mapping[str, float]) -> tuple[Experiment, Stack]:
        """Experiment and stack with other values, by the names used in fits."""
        mine, its = self.parted(changes)
        experiment = self.experiment.replace(mine) if mine else self.experiment
        return experiment, self.stack.replace(its) if its else self.stack

    def names(self) -> tuple[str, ...]:
        """All numbers that a fit could move here."""
        layers = [f"{layer.name}.{a}" for layer in self.stack.layers for a in STACK_ATTRIBUTES]
        boundaries = [f"{name}.conductance" for name in self.stack.boundary_names]
        return (*boundaries, *layers, *(f"{self.experiment.name}.{p}" for p in self.experiment.parameters))

    def value(self, name: str) -> float | None:
        """Present value of a number, None where the sample has no such number or no value of it."""
        owner, _, attribute = name.rpartition(".")
        if owner == self.experiment.name and attribute in self.experiment.parameters:
            return float(self.experiment.parameters[attribute])
        if owner in self.stack.boundary_names and attribute == "conductance":
            held = self.stack.boundaries[self.stack.boundary_names.index(owner)]
            return 1 / held.resistance()
        for layer in self.stack.layers:
            if layer.name == owner and attribute in STACK_ATTRIBUTES:
                present = getattr(layer, attribute)
                return None if present is None else float(present)
        return None

    def signed(self, name: str) -> bool:
        """Whether a number may be negative: the record of the experiment decides, those of a stack never are."""
        if not name.startswith(self.experiment.name + "."):
            return False
        key = name.removeprefix(self.experiment.name + ".")
        try:
            self.experiment.replace({key: -(abs(self.experiment.parameters[key]) or 1e-3)})
        except ValueError:
            return False
        return True


@frozen(eq=False)
class Target:
    """A place where a parameter acts: sample, name there, and the value that a factor multiplies (None: the value)."""

    sample: int
    name: str
    base: float | None = None


@frozen(eq=False)
class Parameter:
    """A number that a fit moves, with the coordinate in which it does so.

    The coordinate of a positive number is ln(value/start), of any other (value - start)/unit.

    Attributes
    ----------
    name : as the user calls it
    start : value where the search begins
    unit : scale of a number that is not positive; None for the logarithm
    low, high : limits of the coordinate
    width : standard deviation of the prior of the coordinate, which is centred at zero
    known : whether the prior is a finite one
    targets : where it acts
    """

    name: str
    start: float
    unit: float | None
    low: float
    high: float
    width: float
    known: bool
    targets: tuple[Target, ...]

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

    @property
    def scale(self) -> float:
        """Distance in the coordinate over which the model changes."""
        return min(1.0, self.width)

    @property
    def label(self) -> str:
        """Unit of the value, empty where only the experiment knows it."""
        return UNITS.get(self.name.rpartition(".")[2], "")


def resolve(
    samples: Sequence[Sample],
    free: Mapping[str, Free],
    priors: Mapping[str, Prior],
    ties: Mapping[str, Tie],
) -> tuple[Parameter, ...]:
    """Parameters of a fit, free ones first.

    Parameters
    ----------
    samples : experiments with curves and stacks
    free, priors, ties : by name: "Al|Si.conductance" for all samples that have it, "run2:Al|Si.conductance" for the
        sample of the experiment called run2 alone, "tdtr.pump_radius" for the experiments of that name, or a tie

    Raises
    ------
    InputError
        for names that nothing has, numbers that are both free and tied elsewhere, or values that are missing
    """
    if not free:
        raise InputError("nothing is free: name at least one number to fit, for example 'Al|Si.conductance'")
    if both := set(free) & set(priors):
        raise InputError(f"{min(both)} is free and has a prior: a free number has none, give it in one place")
    found = [_free(samples, name, ties, given) for name, given in free.items()]
    found += [_known(samples, name, ties, given) for name, given in priors.items()]
    seen: dict[tuple[int, str], str] = {}
    for parameter in found:
        for target in parameter.targets:
            place = (target.sample, target.name)
            if place in seen:
                where = samples[target.sample].experiment.name
                raise InputError(f"{target.name} of {where} is moved by both {seen[place]!r} and {parameter.name!r}")
            seen[place] = parameter.name
    return tuple(found)


def _free(samples: Sequence[Sample], name: str, ties: Mapping[str, Tie], given: Free) -> Parameter:
    targets, present, _, signed = _targets(samples, name, ties)
    start = present if given.start is None else given.start
    if start is None:
        raise InputError(f"{name} has no value in the stack: give Free(start=...)")
    if signed:
        unit = abs(start) or 1.0
        low, high = ((-np.inf if v is None else (v - start) / unit) for v in (given.low, given.high))
        return Parameter(name, start, unit, low, np.inf if given.high is None else high, VAGUE, False, targets)
    low = start / REACH if given.low is None else given.low
    high = start * REACH if given.high is None else given.high
    if not 0 < low <= start <= high:
        raise InputError(f"{name}: wanted 0 < low <= start <= high, got {low:g}, {start:g}, {high:g}")
    edges = float(np.log(low / start)), float(np.log(high / start))
    return Parameter(name, start, None, *edges, VAGUE, False, targets)


def _known(samples: Sequence[Sample], name: str, ties: Mapping[str, Tie], given: Prior) -> Parameter:
    targets, present, same, signed = _targets(samples, name, ties)
    if given.value is None and (present is None or not same):
        raise InputError(
            f"{name} has no value in the stack: give Prior(value, sigma)"
            if present is None
            else f"{name} differs between the samples: name each, as in "
            f"'{samples[0].experiment.name}:{name}', or tie them by a factor"
        )
    center = given.center(present or 0.0)
    width = given.width(present or 0.0)
    if not width > 0:
        raise InputError(f"{name}: a share of {center:g} is no uncertainty, give Prior(value, sigma)")
    if signed:
        return Parameter(name, center, width, -np.inf, np.inf, 1.0, True, targets)
    if not center > 0:
        raise InputError(f"{name}: prior value {center:g}, wanted above 0")
    return Parameter(name, center, None, -30.0, 30.0, width / center, True, targets)


def _targets(
    samples: Sequence[Sample], name: str, ties: Mapping[str, Tie]
) -> tuple[tuple[Target, ...], float | None, bool, bool]:
    """Where a name acts; its present value; whether that is the same everywhere; whether it may be negative."""
    if name in ties:
        return _tied(samples, name, ties[name])
    sample_name, colon, rest = name.rpartition(":")
    targets: list[Target] = []
    values: list[float | None] = []
    for i, sample in enumerate(samples):
        if (not colon or sample.experiment.name == sample_name) and rest in sample.names():
            targets.append(Target(i, rest))
            values.append(sample.value(rest))
    if not targets:
        raise InputError(_unknown(samples, name))
    signed = samples[targets[0].sample].signed(rest)
    return tuple(targets), values[0], all(v == values[0] for v in values), signed


def _tied(samples: Sequence[Sample], name: str, tie: Tie) -> tuple[tuple[Target, ...], float | None, bool, bool]:
    parts = [_targets(samples, member, {}) for member in tie.names]
    if tie.how == "value":
        values = [part[1] for part in parts]
        same = all(part[2] for part in parts) and all(v == values[0] for v in values)
        return tuple(t for part in parts for t in part[0]), values[0], same, any(part[3] for part in parts)
    scaled: list[Target] = []
    for target in (t for part in parts for t in part[0]):
        base = samples[target.sample].value(target.name)
        if not base:
            raise InputError(f"{name}: {target.name} = {base} cannot be multiplied by a factor")
        scaled.append(Target(target.sample, target.name, base))
    return tuple(scaled), 1.0, True, False


def _unknown(samples: Sequence[Sample], name: str) -> str:
    def likeness(other: str) -> int:
        return -len(set(re.split(r"[.:|]", other)) & set(re.split(r"[.:|]", name)))

    known = sorted({n for sample in samples for n in sample.names()}, key=likeness)
    return f"no sample has {name!r}: there are {', '.join(known)}"
