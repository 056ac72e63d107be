"""Of what kind the parameters of stacks, experiments and devices are, and the units in which they are shown."""

import math
from collections.abc import Mapping
from types import MappingProxyType

_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "thickness": "length", "conductivity": "conductivity", "in_plane": "conductivity",
        "heat_capacity": "heat_capacity", "conductance": "conductance", "pump_radius": "length",
        "probe_radius": "length", "pump_radius_y": "length", "probe_radius_y": "length", "offset": "length",
        "offset_y": "length", "absorption_depth": "length", "readout_depth": "length",
        "period": "length", "modulation": "frequency", "repetition": "frequency",
        "phase": "angle", "time_zero": "time", "delay": "time",
        "electron_conductivity": "conductivity", "electron_heat_capacity": "heat_capacity", "coupling": "coupling",
        "electron_conductance": "conductance", "half_width": "length", "length": "length", "power": "power",
        "coefficient": "conductance", "top_coefficient": "conductance", "sink": "temperature", "width": "length",
        "depth": "length", "resistance": "resistance", "mean_free_path": "length",
        "inelastic_mean_free_path": "length", "dead_layer": "length", "position": "length", "angle": "angle",
        "left_conductance": "conductance", "right_conductance": "conductance", "ambient": "temperature",
        "left_temperature": "temperature", "right_temperature": "temperature", "left_real": "temperature",
        "left_imaginary": "temperature", "right_real": "temperature", "right_imaginary": "temperature",
    }
)  # fmt: skip
_SHOWN_UNITS: Mapping[str, tuple[str, float, str]] = MappingProxyType(
    {
        "conductance": ("MW/m²K", 1e6, "W m^-2 K^-1"),
        "resistance": ("m²K/GW", 1e-9, "m^2 K W^-1"),
        "conductivity": ("W/mK", 1.0, "W m^-1 K^-1"),
        "heat_capacity": ("MJ/m³K", 1e6, "J m^-3 K^-1"),
        "coupling": ("PW/m³K", 1e15, "W m^-3 K^-1"),
        "length": ("nm", 1e-9, "m"),
        "frequency": ("MHz", 1e6, "Hz"),
        "angle": ("mrad", 1e-3, "rad"),
        "time": ("ps", 1e-12, "s"),
        "power": ("mW", 1e-3, "W"),
        "temperature": ("K", 1.0, "K"),
        "share": ("", 1.0, "1"),
    }
)
_MOST_PLACES = 8  # before or after the point, beyond which numbers are written with a power of ten


def kind_of_parameter(name: str) -> str:
    """Kind of unit of a parameter, by the last part of its name; "share" for numbers without a unit."""
    return _KINDS.get(name.rpartition(".")[2], "share")


def highest_value(name: str) -> float:
    """Most that a parameter can be, by the last part of its name without a number: 1 for a transmission, SI."""
    return 1.0 if name.rpartition(".")[2].rstrip("0123456789") == "transmission_" else math.inf


def shown_unit(name: str) -> tuple[str, float, str]:
    """Unit in which a parameter is shown, its size in SI, and the SI unit."""
    return _SHOWN_UNITS[kind_of_parameter(name)]


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


def _second_place(sigma: float) -> int:
    """Decimal place of the second significant digit of a number above zero, after it is rounded there."""
    return 1 - int(f"{sigma:.1e}".partition("e")[2])


def parameter_with_error(name: str, value: float, sigma: float) -> str:
    """Value ± standard uncertainty of a parameter (SI) with the unit that it is shown in."""
    unit, size, _ = shown_unit(name)
    return f"{with_error(value / size, sigma / size)} {unit}".rstrip()
