"""Numbers of devices as they stand in options: "GaN|SiC.conductance=50:500:10MW/m2K"."""

import re
from typing import NamedTuple

from kapitza.core.parameter_units import kind_of_parameter
from kapitza.core.quantity_kinds import QUANTITY_KINDS, unit_factor
from kapitza.errors import InputError
from kapitza.io.quantities import quantity, stepped_range

_SWEEP_RANGE = re.compile(r"(?P<numbers>[-+0-9.eE:,\s]+?)\s*(?P<unit>[^-+0-9.eE:,\s].*)?")
_MAX_SWEEP_VALUES = 2000


class ParameterSweep(NamedTuple):
    """A number of a device and the values that it takes."""

    name: str  # such as "GaN|SiC.conductance"
    value: tuple[float, ...]  # (n,) in SI
    # unit, factor: in which it was given, and what that is in SI
    unit: str
    factor: float


def format_device_number(name: str, value: float) -> str:
    """A number of a device in the unit that suits it."""
    accepted = QUANTITY_KINDS[kind_of_parameter(name)].accepted
    units = {unit: factor for unit, factor in accepted.items() if "cm" not in unit}
    fits = [(factor, unit) for unit, factor in units.items() if unit and 1 <= abs(value) / factor < 1000]
    factor, unit = max(fits) if fits else next((f, u) for u, f in units.items())
    return f"{value / factor:.4g} {unit}".rstrip()


def read_sweep(text: str) -> ParameterSweep:
    """Read "name=start:stop:step unit", "name=a,b,c unit", or "name=start:stop unit" for 25 values; at most 2000."""
    name, equals, values = text.partition("=")
    match = _SWEEP_RANGE.fullmatch(values.strip())
    if not equals or match is None:
        raise InputError(
            f"{text!r:.60}: expected a number of the device and a range, such as 'GaN|SiC.conductance=50:500:10MW/m2K'"
        )
    unit, kind = match["unit"] or "", kind_of_parameter(name.strip())
    quantity(f"1 {unit}" if unit else 1.0, kind, what=name.strip())
    factor = unit_factor(unit, kind) if unit else 1.0
    plain = _sweep_values(match["numbers"], text)
    return ParameterSweep(name.strip(), tuple(v * (factor or 1.0) for v in plain), unit, factor or 1.0)


def _sweep_values(text: str, option: str) -> list[float]:
    try:
        parts = [float(part) for part in re.split("[:,]", text)]
    except ValueError as err:
        raise InputError(f"{option!r:.60}: {text!r:.40} is not a range of numbers") from err
    if ":" not in text:
        if len(parts) > _MAX_SWEEP_VALUES:
            raise InputError(f"{option!r:.60}: {len(parts)} values, expected at most {_MAX_SWEEP_VALUES}")
        return parts
    if len(parts) not in (2, 3) or not parts[0] < parts[1]:
        raise InputError(f"{option!r:.60}: expected start:stop:step with start below stop")
    if len(parts) == 2:
        return [parts[0] + (parts[1] - parts[0]) * i / 24 for i in range(25)]
    return stepped_range(parts[0], parts[1], parts[2], what=repr(option)[:60], most=_MAX_SWEEP_VALUES)
