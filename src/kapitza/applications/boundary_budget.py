"""What is not known of boundaries, and what that does to one number of an application."""

from collections.abc import Callable, Mapping

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import about, read_only_mapping
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord
from kapitza.device.layout import scale_conductance
from kapitza.errors import InputError

_QUANTILE = 1.959963984540054  # of 95 %
_SAME = "the unit of the number"


@frozen(eq=False, kw_only=True)
class BoundaryBudget(BaseRecord):
    """One number with the 95 % interval that the conductances of its boundaries leave to it.

    Attributes
    ----------
    ends : lowest and highest value with one conductance at the ends of its 95 % interval, by the name of the boundary
    measured : the interval that would be left if that boundary were measured, by name, the most useful one first
    """

    value: float = field(metadata=about(_SAME, "with all conductances as they are"))
    low: float = field(metadata=about(_SAME, "lower end"))
    high: float = field(metadata=about(_SAME, "upper end"))
    ends: Mapping[str, tuple[float, float]] = field(converter=read_only_mapping, metadata=about(_SAME, "by boundary"))
    measured: Mapping[str, tuple[float, float]] = field(
        converter=read_only_mapping, metadata=about(_SAME, "interval after a measurement, by boundary")
    )


def boundary_budget(
    number: Callable[[Mapping[str, float | Conductance]], float],
    boundaries: Mapping[str, float | Conductance],
    temperature: float | Mapping[str, float] = 300.0,
    *,
    relative: float = 0.2,
) -> BoundaryBudget | None:
    r"""The interval of a number that depends on conductances, and which of them is worth measuring; None where none has
    an uncertainty.

    Each conductance is log-normal, $G\,e^{\pm 1.96\,\sigma_G/G}$ at the ends of its interval, at all temperatures
    together; names that share one record, such as both ends of a leg, share its error.  The number is taken at both
    ends of each, and the distances of these from its value add in quadrature, below and above: exact for one
    boundary through which the number grows or falls throughout, and for small errors of many.

    Parameters
    ----------
    number : of conductances by name (W m⁻² K⁻¹)
    boundaries : these, with their uncertainties
    temperature : at which an uncertainty is taken, K; of all, or by name
    relative : relative standard uncertainty that a measurement would leave

    Raises
    ------
    InputError
        for a `relative` that is not above 0
    """
    if not 0 < relative < np.inf:
        raise InputError(f"relative = {relative:g}: expected the uncertainty that a measurement leaves, above 0")
    groups = _shared_errors(boundaries, temperature)
    if not groups:
        return None

    def interval(names: tuple[str, ...], size: float) -> tuple[float, float]:
        numbers: list[float] = []
        for sign in (-1, 1):
            factor = float(np.exp(sign * _QUANTILE * size))
            changed = {name: scale_conductance(boundaries[name], factor) for name in names}
            numbers.append(number({**boundaries, **changed}))
        return min(numbers), max(numbers)

    value = number(boundaries)
    ends = {names: interval(names, size) for names, size in groups.items()}
    known = {names: interval(names, relative) for names, size in groups.items() if size > relative}
    after = {names: _add_distances(value, [known[names], *(ends[k] for k in ends if k != names)]) for names in known}
    order = sorted(after, key=lambda names: after[names][1] - after[names][0])
    low, high = _add_distances(value, list(ends.values()))
    return BoundaryBudget(
        value=value,
        low=low,
        high=high,
        ends={", ".join(names): pair for names, pair in ends.items()},
        measured={", ".join(names): after[names] for names in order},
    )


def _shared_errors(
    boundaries: Mapping[str, float | Conductance], temperature: float | Mapping[str, float]
) -> dict[tuple[str, ...], float]:
    """Relative uncertainties above zero, by the names of the boundaries that share one record."""
    names: dict[int, tuple[str, ...]] = {}
    for name, g in boundaries.items():
        names[id(g)] = (*names.get(id(g), ()), name)
    sizes: dict[tuple[str, ...], float] = {}
    for group in names.values():
        g = boundaries[group[0]]
        if isinstance(g, Conductance) and g.sigma is not None:
            kelvin = temperature if isinstance(temperature, (int, float)) else temperature[group[0]]
            sizes[group] = float(np.interp(kelvin, g.temperature, g.sigma / g.value))
    return {group: size for group, size in sizes.items() if size > 0}


def _add_distances(value: float, ends: list[tuple[float, float]]) -> tuple[float, float]:
    below, above = (np.array([max(sign * (pair[i] - value), 0.0) for pair in ends]) for i, sign in ((0, -1), (1, 1)))
    return value - float(np.hypot.reduce(below)), value + float(np.hypot.reduce(above))
