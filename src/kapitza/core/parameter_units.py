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
