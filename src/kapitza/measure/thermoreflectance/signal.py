"""What all thermoreflectance experiments share: kinds of lock-in signal, and the parameters a fit may vary."""

from abc import abstractmethod
from typing import Any, ClassVar, Literal, Self, cast

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, ComplexArray, increasing, parameter, positive, quantity
from kapitza.core.records import BaseRecord
from kapitza.core.stack import Stack
from kapitza.errors import InputError

BEAM_PARAMETERS = tuple(
    f"beams.{name}" for name in ("pump_radius", "probe_radius", "pump_radius_y", "probe_radius_y", "offset", "offset_y")
)


def increasing_positive(value: Array) -> Array:
    """Return numbers that increase from above zero: times, frequencies, powers, radii."""
    return increasing(positive(value))


@frozen(eq=False)
class ParametrisedExperiment(BaseRecord):
    """An experiment with parameters of its own, named by the last part of what `_PARAMETERS` lists."""

    _PARAMETERS: ClassVar[tuple[str, ...]] = ()

    scale: float = field(
        default=1.0, kw_only=True, converter=float, validator=quantity(), metadata=parameter("1", "scale")
    )

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


SignalKind = Literal["ratio", "in_phase", "out_of_phase", "phase", "amplitude"]

SIGNAL_KINDS: tuple[SignalKind, ...] = ("ratio", "in_phase", "out_of_phase", "phase", "amplitude")


def convert_signal(signal: ComplexArray, kind: SignalKind) -> Array:
    """(n,) -Re/Im, Re, Im, argument (rad, without jumps along the curve) or modulus of a signal."""
    if kind == "ratio":
        return -signal.real / signal.imag
    if kind == "in_phase":
        return signal.real
    if kind == "out_of_phase":
        return signal.imag
    return np.unwrap(np.angle(signal)) if kind == "phase" else np.abs(signal)


class LockinExperiment(ParametrisedExperiment):
    """An experiment that reads a complex lock-in signal, of which `kind` is compared with data."""

    __slots__ = ()
    kind: SignalKind

    @abstractmethod
    def signal(self, stack: Stack) -> ComplexArray:
        """(n,) complex signal, in phase and out of phase."""

    def predict(self, stack: Stack) -> Array:
        """(n,) what `kind` says, on this stack, K or rad."""
        return convert_signal(self.signal(stack), self.kind)
