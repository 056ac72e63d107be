"""What the verbs of sample files share: their argument, and the units in which numbers are shown."""

import math
from typing import Annotated

import typer

from kapitza.io.quantities import kind_of_parameter

SampleArgument = Annotated[str, typer.Argument(metavar="FILE", help="Sample file (.toml): stack, experiments, data.")]
# unit in which a number of a kind is shown, and its size in SI
SHOWN_UNITS = {
    "conductance": ("MW/m²K", 1e6, "W m^-2 K^-1"),
    "conductivity": ("W/mK", 1.0, "W m^-1 K^-1"),
    "heat_capacity": ("MJ/m³K", 1e6, "J m^-3 K^-1"),
    "length": ("nm", 1e-9, "m"),
    "frequency": ("MHz", 1e6, "Hz"),
    "angle": ("mrad", 1e-3, "rad"),
    "time": ("ps", 1e-12, "s"),
    "power": ("mW", 1e-3, "W"),
    "share": ("", 1.0, "1"),
}
ABSCISSA_UNITS = {
    "delay": "s",
    "frequency": "Hz",
    "time": "s",
    "thickness": "m",
    "radius": "m",
    "power": "W",
}  # what experiments vary, and its unit


def shown_value(name: str, value: float) -> str:
    """Return a number of a sample for a table."""
    unit, size, _ = SHOWN_UNITS[kind_of_parameter(name)]
    if not math.isfinite(value):
        return f"– {unit}".rstrip()
    return f"{value / size:.5g} {unit}".rstrip()
