"""Parameters of a fit: their names, what is known of them before, where they act, and the residuals they move."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np
from attrs import converters, field, frozen, validators

from kapitza.core.arrays import about, above_zero, check_record, name_tuple, number, one_of, quantity
from kapitza.core.conductance import Conductance
from kapitza.core.parameter_units import highest_value
from kapitza.core.records import BaseRecord
from kapitza.core.stack import Layer, Stack
from kapitza.errors import Hint, InputError
from kapitza.measure.experiment import Curve, Experiment

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
        layers = [f"{layer.name}.{a}" for layer in self.stack.layers for a in _attributes_of(layer)]
        boundaries = [f"{name}.conductance" for name in self.stack.boundary_names]
        both = zip(self.stack.boundary_names, self.stack.boundaries, strict=True)
        boundaries += [f"{name}.electron_conductance" for name, one in both if one.electron_conductance]
        return (*boundaries, *layers, *(f"{self.experiment.name}.{p}" for p in self.experiment.parameters))

    def value(self, name: str) -> float | None:
        """Present value of a number, None where the sample has no such number or no value of it."""
        if (key := self._own_key(name)) is not None:
            return float(self.experiment.parameters[key])
        owner, _, attribute = name.rpartition(".")
        if owner in self.stack.boundary_names and attribute in ("conductance", "electron_conductance"):
            held = self.stack.boundaries[self.stack.boundary_names.index(owner)]
            if attribute == "electron_conductance":
                return held.electron_conductance or None
            resistance = held.resistance()
            return 1 / resistance if resistance else float("inf")
        for layer in self.stack.layers:
            if layer.name == owner and attribute in (*_STACK_ATTRIBUTES, *_ELECTRON_ATTRIBUTES):
                present = getattr(layer, attribute)
                return None if present is None else float(present)
        return None

    def may_be_negative(self, name: str) -> bool:
        """Whether a number may be negative: the record of the experiment decides, those of a stack never are."""
        if (key := self._own_key(name)) is None:
            return False
        try:
            self.experiment.replace({key: -(abs(self.experiment.parameters[key]) or 1e-3)})
        except ValueError:
            return False
        return True


def _attributes_of(layer: Layer) -> tuple[str, ...]:
    return _STACK_ATTRIBUTES if layer.coupling is None else (*_STACK_ATTRIBUTES, *_ELECTRON_ATTRIBUTES)


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


_FreeNames = str | Iterable[str] | Mapping[str, Free]


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
    found = [_free_parameter(samples, name, ties, given) for name, given in free.items()]
    found += [_prior_parameter(samples, name, ties, given) for name, given in priors.items()]
    seen: dict[tuple[int, str], str] = {}
    for parameter in found:
        for target in parameter.targets:
            place = (target.sample, target.name)
            if place in seen:
                where = samples[target.sample].experiment.name
                raise InputError(f"{target.name} of {where} is moved by both {seen[place]!r} and {parameter.name!r}")
            seen[place] = parameter.name
    return tuple(found)


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
        return _tied_targets(samples, name, ties[name])
    sample_name, colon, rest = name.rpartition(":")
    targets: list[ParameterTarget] = []
    values: list[float | None] = []
    for i, sample in enumerate(samples):
        if (not colon or sample.experiment.name == sample_name) and rest in sample.names():
            targets.append(ParameterTarget(i, rest))
            values.append(sample.value(rest))
    if not targets:
        raise InputError(_unknown_message(samples, name))
    signed = samples[targets[0].sample].may_be_negative(rest)
    return tuple(targets), values[0], all(v == values[0] for v in values), signed


def _tied_targets(
    samples: Sequence[DataSet], name: str, tie: Tie
) -> tuple[tuple[ParameterTarget, ...], float | None, bool, bool]:
    parts = [_find_targets(samples, member, {}) for member in tie.names]
    if tie.kind == "value":
        values = [part[1] for part in parts]
        same = all(part[2] for part in parts) and all(v == values[0] for v in values)
        return tuple(t for part in parts for t in part[0]), values[0], same, any(part[3] for part in parts)
    scaled: list[ParameterTarget] = []
    for target in (t for part in parts for t in part[0]):
        base = samples[target.sample].value(target.name)
        if not base:
            raise InputError(f"{name}: {target.name} = {base} cannot be multiplied by a factor")
        scaled.append(ParameterTarget(target.sample, target.name, base))
    return tuple(scaled), 1.0, True, False


def _unknown_message(samples: Sequence[DataSet], name: str) -> str:
    def likeness(other: str) -> tuple[int, str]:
        return -len(set(re.split(r"[.:|]", other)) & set(re.split(r"[.:|]", name))), other

    known = sorted({n for sample in samples for n in sample.names()}, key=likeness)
    return f"no sample has {name!r}: there are {', '.join(known)}"
