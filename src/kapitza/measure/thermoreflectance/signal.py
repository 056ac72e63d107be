"""What all thermoreflectance experiments share: kinds of lock-in signal, and the parameters a fit may vary."""

from typing import Any, Literal, TypeVar

import numpy as np
from attrs import evolve

from kapitza.core.arrays import Array, ComplexArray
from kapitza.errors import InputError

AnyExperiment = TypeVar("AnyExperiment")


def own_parameters(experiment: Any, names: tuple[str, ...]) -> dict[str, float]:
    """Values of fields by the last part of their names, such as ``beams.pump_radius``; those that are None left out."""
    found: dict[str, float] = {}
    for name in names:
        part, _, last = name.rpartition(".")
        value = getattr(getattr(experiment, part) if part else experiment, last)
        if value is not None:
            found[last] = float(value)
    return found


def replace_parameters(experiment: AnyExperiment, names: tuple[str, ...], changes: dict[str, float]) -> AnyExperiment:
    """The same experiment with other values of fields, by the last part of their names.

    Raises
    ------
    InputError
        for a name that the experiment does not have
    """
    places = {name.rpartition(".")[2]: name.rpartition(".")[0] for name in names}
    own: dict[str, Any] = {}
    for key, value in changes.items():
        if key not in places:
            raise InputError(f"{type(experiment).__name__} has no number {key!r}: it has {', '.join(places)}")
        part = places[key]
        if part:
            own[part] = evolve(own.get(part, getattr(experiment, part)), **{key: value})
        else:
            own[key] = value
    return evolve(experiment, **own)  # pyright: ignore[reportArgumentType, reportReturnType]


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
