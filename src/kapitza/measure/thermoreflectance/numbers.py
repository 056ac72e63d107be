"""Own numbers of an experiment by flat names: of itself, of its beams and of its setup."""

from typing import Any, TypeVar

from attrs import evolve

from kapitza.errors import InputError

T = TypeVar("T")


def own_numbers(experiment: Any, names: tuple[str, ...]) -> dict[str, float]:
    """Values of fields by the last part of their names, such as ``beams.pump_radius``; those that are None left out."""
    found: dict[str, float] = {}
    for name in names:
        part, _, last = name.rpartition(".")
        value = getattr(getattr(experiment, part) if part else experiment, last)
        if value is not None:
            found[last] = float(value)
    return found


def with_numbers(experiment: T, names: tuple[str, ...], changes: dict[str, float]) -> T:
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
