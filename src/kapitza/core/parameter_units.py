"""Of what kind the parameters of stacks, experiments and devices are, and the units in which they are shown."""

import math
from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from types import MappingProxyType

from kapitza.core.quantity_kinds import QUANTITY_KINDS, kind_of_unit

__all__ = ["format_parameter", "kind_of_parameter", "rounded_outward", "rounded_to_error", "shown_unit", "with_error"]

_MOST_PLACES = 8  # before or after the point, beyond which numbers are written with a power of ten


# SI unit: last parts of the names of parameters that have it; all other parameters are plain numbers
_NAMES_BY_UNIT: Mapping[str, str] = MappingProxyType({
    "m": "thickness width depth length position bow period half_width offset offset_y absorption_depth readout_depth "
    "pump_radius pump_radius_y probe_radius probe_radius_y mean_free_path inelastic_mean_free_path dead_layer",
    "W m^-1 K^-1": "conductivity in_plane in_plane_y xy xz yz electron_conductivity",
    "W m^-2 K^-1": "conductance electron_conductance coefficient top_coefficient left_conductance right_conductance",
    "m^2 K W^-1": "resistance",
    "J m^-3 K^-1": "heat_capacity electron_heat_capacity",
    "W m^-3 K^-1": "coupling",
    "W": "power",
    "K": "sink ambient left_temperature right_temperature left_real right_real left_imaginary right_imaginary",
    "rad": "angle phase",
    "Hz": "modulation repetition",
    "s": "delay time_zero",
    "s^-1": "defocus",
})  # fmt: skip
_UNITS = {name: unit for unit, names in _NAMES_BY_UNIT.items() for name in names.split()}


def parameter_unit(name: str) -> str:
    """SI unit of a parameter, by the last part of its name; "1" for plain numbers."""
    return _UNITS.get(name.rpartition(".")[2], "1")


def kind_of_parameter(name: str) -> str:
    """Kind of quantity of a parameter, a key of `QUANTITY_KINDS`; "share" for numbers without a unit."""
    return kind_of_unit(parameter_unit(name))


def highest_value(name: str) -> float:
    """Most that a parameter can be, by the last part of its name without a number: 1 for a transmission, SI."""
    return 1.0 if name.rpartition(".")[2].rstrip("0123456789") == "transmission_" else math.inf


def shown_unit(name: str) -> tuple[str, float, str]:
    """Unit in which a parameter is shown, its size in SI, and the SI unit."""
    unit = parameter_unit(name)
    kind = QUANTITY_KINDS[kind_of_unit(unit)]
    return kind.shown, kind.size, unit


def format_parameter(name: str, value: float, digits: int = 5) -> str:
    """Value of a parameter (SI) with the unit that it is shown in."""
    unit, size, _ = shown_unit(name)
    text = f"{value / size:.{digits}g}" if math.isfinite(value) else "–"
    return f"{text} {unit}".rstrip()


def with_error(value: float, sigma: float) -> str:
    """Value ± standard uncertainty: this with two significant digits, the value to the same decimal place."""
    if not (math.isfinite(value) and math.isfinite(sigma) and sigma > 0):
        return f"{value:.5g} ± {'–' if math.isnan(sigma) else f'{sigma:.2g}'}"
    if sigma < abs(value) * 10.0**-_MOST_PLACES:  # nobody reads so many digits
        return f"{value:.{_MOST_PLACES}g} ± {sigma:.2g}"
    if abs(_second_place(sigma)) > _MOST_PLACES:
        power = math.floor(math.log10(max(abs(value), sigma)))
        return f"({with_error(value / 10.0**power, sigma / 10.0**power)})e{power:d}"
    return f"{rounded_to_error(value, sigma)} ± {rounded_to_error(sigma, sigma)}"


def rounded_to_error(value: float, sigma: float) -> str:
    """A number to the decimal place of the second significant digit of its uncertainty."""
    if not (math.isfinite(value) and math.isfinite(sigma) and sigma > 0 and abs(_second_place(sigma)) <= _MOST_PLACES):
        return f"{value:.5g}"
    place = _second_place(sigma)
    return f"{round(value, place):.{max(place, 0)}f}"


def rounded_outward(low: float, high: float) -> tuple[str, str]:
    """Ends of an interval in words, the lower one rounded down and the upper one up, so that no more is said than held.

    Each end has two significant digits, and as many more as the distance to the other needs for two of its own;
    infinite ends are those of bounds on one side.
    """
    apart = high - low
    return _rounded_end(low, apart, ROUND_FLOOR), _rounded_end(high, apart, ROUND_CEILING)


def _rounded_end(end: float, apart: float, rounding: str) -> str:
    if not math.isfinite(end):
        return "–"
    # what floating-point arithmetic leaves in the 13th digit is no reason to round further
    exact, length = (Decimal(f"{size:.12g}") for size in (end, apart))
    places = [1 - size.adjusted() for size in (exact, length) if size.is_finite() and size]
    if not places:
        return f"{end:g}"
    rounded = exact.quantize(Decimal(1).scaleb(-max(places)), rounding=rounding)
    return f"{rounded:f}" if abs(max(places)) <= _MOST_PLACES else f"{float(rounded):g}"


def interval_in_words(name: str, low: float | None, high: float | None) -> str:
    """Interval of a parameter (SI), rounded outward, in the unit that it is shown in; None where it has no such end.

    The lower bound of a share has the digits of its distance to the most that a share can be.
    """
    unit, size, _ = shown_unit(name)
    most = highest_value(name) if high is None else high / size
    ends = rounded_outward(-math.inf if low is None else low / size, most)
    text = f"< {ends[1]}" if low is None else f"> {ends[0]}" if high is None else " to ".join(ends)
    return f"{text} {unit}".rstrip()


def _second_place(sigma: float) -> int:
    """Decimal place of the second significant digit of a number above zero, after it is rounded there."""
    return 1 - int(f"{sigma:.1e}".partition("e")[2])


def parameter_with_error(name: str, value: float, sigma: float) -> str:
    """Value ± standard uncertainty of a parameter (SI) with the unit that it is shown in."""
    unit, size, _ = shown_unit(name)
    return f"{with_error(value / size, sigma / size)} {unit}".rstrip()
