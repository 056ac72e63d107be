"""Numbers with units as they stand in files and options: the door at which they become SI.

``"80 nm"``, ``"9.1 MHz"``, ``"120 MW/m2K"``; a bare number is SI.  A unit of another kind is refused with both named.
"""

import math
import re
from collections.abc import Mapping
from types import MappingProxyType

from kapitza.errors import InputError
from kapitza.units import MW, angstrom, e, fs, kW, m_u, meV, mm, nm, ns, ps, um, us

__all__ = ["NUMBER_AND_UNIT", "parse_uncertain", "quantity", "share_or_quantity", "stepped_range"]

NUMBER_AND_UNIT = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*")

_UNCERTAIN_PATTERN = re.compile(r"(?P<value>.+?)\s*(?:\+-|\+/-|±)\s*(?P<sigma>.+)")
_UNIT_PATTERN = re.compile(r"[A-Za-zµμ°%Å].*")

_SMALLEST, _LARGEST = 1e-60, 1e60  # in SI: squares, cubes and quotients of such numbers are still floats

UNITS_BY_KIND: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "length": {"m": 1.0, "mm": mm, "um": um, "µm": um, "μm": um, "nm": nm, "angstrom": angstrom, "Å": angstrom},
        "time": {"s": 1.0, "ms": 1e-3, "us": us, "µs": us, "ns": ns, "ps": ps, "fs": fs},
        "frequency": {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9, "THz": 1e12},
        "speed": {"m/s": 1.0, "km/s": 1e3},
        "energy": {"J": 1.0, "meV": meV, "eV": e},
        "stiffness": {"N/m3": 1.0, "MN/m3": 1e6, "GN/m3": 1e9, "N/m/nm2": 1e18},
        "mass": {"kg": 1.0, "u": m_u, "amu": m_u},
        "temperature": {"K": 1.0},
        "angle": {"rad": 1.0, "mrad": 1e-3, "deg": math.pi / 180, "°": math.pi / 180},
        "share": {"": 1.0, "%": 1e-2},
        "power": {"W": 1.0, "kW": kW, "mW": 1e-3, "uW": 1e-6},
        "power_per_length": {"W/m": 1.0, "W/mm": 1e3, "W/um": 1e6, "mW/um": 1e3},
        "heat": {"W/m3": 1.0, "MW/m3": MW, "GW/m3": 1e9, "TW/m3": 1e12, "W/cm3": 1e6, "W/um3": 1e18},
        "flux": {"W/m2": 1.0, "kW/m2": kW, "MW/m2": MW, "GW/m2": 1e9, "W/cm2": 1e4},
        "conductance": {"W/m2K": 1.0, "kW/m2K": kW, "MW/m2K": MW, "GW/m2K": 1e9, "W/cm2K": 1e4},
        "resistance": {"m2K/W": 1.0, "m2K/MW": 1e-6, "m2K/GW": 1e-9, "mm2K/W": 1e-6, "cm2K/W": 1e-4},
        "conductivity": {"W/mK": 1.0, "W/cmK": 1e2},
        "coupling": {"W/m3K": 1.0, "TW/m3K": 1e12, "PW/m3K": 1e15},
        "heat_capacity": {"J/m3K": 1.0, "MJ/m3K": 1e6, "J/cm3K": 1e6},
        "response": {"K/W": 1.0, "K/mW": 1e3, "K/uW": 1e6},
        "current": {"A": 1.0, "mA": 1e-3, "uA": 1e-6, "nA": 1e-9, "pA": 1e-12},
        "area": {"m2": 1.0, "cm2": 1e-4, "mm2": 1e-6, "um2": 1e-12, "nm2": 1e-18},
        "seebeck": {"V/K": 1.0, "mV/K": 1e-3, "uV/K": 1e-6, "µV/K": 1e-6},
        "electrical_resistance": {"Ohm": 1.0, "mOhm": 1e-3, "kOhm": 1e3, "MOhm": 1e6},
        "resistivity": {"Ohmm": 1.0, "mOhmm": 1e-3, "uOhmm": 1e-6, "Ohmcm": 1e-2, "mOhmcm": 1e-5, "uOhmcm": 1e-8},
        "contact_resistivity": {"Ohmm2": 1.0, "Ohmcm2": 1e-4, "uOhmcm2": 1e-10},
        "resistance_per_length": {"Ohm/m": 1.0, "Ohm/mm": 1e3, "Ohm/um": 1e6},
        "energy_density": {"J/m3": 1.0, "MJ/m3": 1e6, "J/cm3": 1e6},
        "flow": {"m3/s": 1.0, "ml/min": 1e-6 / 60, "ul/min": 1e-9 / 60, "nl/min": 1e-12 / 60},
        "viscosity": {"Pas": 1.0, "mPas": 1e-3},
        "density": {"kg/m3": 1.0, "g/cm3": 1e3},
        "radiation": {"W/m2K4": 1.0, "kW/m2K4": kW, "W/cm2K4": 1e4},
        "gradient": {"K/m": 1.0, "K/um": 1e6, "K/nm": 1e9},
        "signal": {"": 1.0, "V": 1.0, "mV": 1e-3, "uV": 1e-6, "µV": 1e-6},
    }
)
_CELSIUS = "°C", "degC", "C"
_UNIT_SIGNS = str.maketrans({"²": "2", "³": "3", "·": None, " ": None, "^": None, "(": None, ")": None, "*": None})


def unit_factor(unit: str, kind: str) -> float | None:
    """Return what a unit is in SI, or None if it is none of this kind."""
    return UNITS_BY_KIND[kind].get(unit.translate(_UNIT_SIGNS))


def kind_of(unit: str) -> str | None:
    """Return of what kind a unit is, or None for no unit that is known."""
    plain = unit.translate(_UNIT_SIGNS)
    return next((kind for kind, units in UNITS_BY_KIND.items() if plain and plain in units), None)


def quantity(value: object, kind: str, *, what: str = "number") -> float:
    """Return a number, or a text such as "80 nm", in SI; `kind` is a key of `UNITS_BY_KIND`, `what` is for messages."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = found = _as_float(value)
    else:
        match = NUMBER_AND_UNIT.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise InputError(
                f"{what} = {value!r:.60}: expected a number in SI or a text such as {_example_quantity(kind)}"
            )
        factor = 1.0 if not match[2] else unit_factor(match[2], kind)
        if factor is None:
            other = kind_of(match[2])
            said = f"is a unit of {other.replace('_', ' ')}" if other else "is not a known unit"
            hint = " (a temperature in °C and 273.15)" if match[2] in _CELSIUS and kind == "temperature" else ""
            raise InputError(
                f"{what} = {value!r:.60}: {match[2]!r} {said}; expected {kind.replace('_', ' ')}, "
                f"{known_units(kind)}{hint}"
            )
        found = float(match[1]) * factor
    if not math.isfinite(found):
        raise InputError(f"{what} = {value!r:.60}: expected a finite number")
    if found and not _SMALLEST <= abs(found) <= _LARGEST:
        raise InputError(
            f"{what} = {value!r:.60}: no quantity is so {'large' if abs(found) > 1 else 'small'}; expected 0, or a "
            f"number between {_SMALLEST:g} and {_LARGEST:g} in SI"
        )
    return found


def _as_float(value: float) -> float:
    """Return a number as a float; an integer beyond all floats is infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def stepped_range(start: float, stop: float, step: float, *, what: str, most: int) -> list[float]:
    """Numbers from `start` up by `step`, with `stop` where a step meets it; `most` of them, `what` is for messages."""
    if not start < stop:
        raise InputError(f"{what} runs from {start:g} to {stop:g}: expected start:stop:step with start below stop")
    if not (math.isfinite(step) and step > 0):
        raise InputError(f"{what} has the step {step:g}: expected one above 0")
    count = (stop - start) / step
    if count >= most:
        raise InputError(f"{what} has {count:.3g} points: expected at most {most:,}")
    return [start + i * step for i in range(int(count + 1e-9) + 1)]


def share_or_quantity(value: object, kind: str, *, what: str) -> tuple[float, bool]:
    """Return an uncertainty and whether it is a share: "3 %" or "2 nm"."""
    if isinstance(value, str) and value.strip().endswith("%"):
        return quantity(value, "share", what=what), True
    return quantity(value, kind, what=what), False


def parse_uncertain(text: str, kind: str, *, what: str) -> tuple[float, float]:
    """Return a number and its uncertainty from ``12.4nm+-0.3nm``, ``60±15`` or ``60 W/mK``."""
    match = _UNCERTAIN_PATTERN.fullmatch(text.strip())
    if match is None:
        return quantity(_parse_bare_number(text), kind, what=what), 0.0
    sigma = match["sigma"].strip()
    value = quantity(_parse_bare_number(match["value"]), kind, what=what)
    if sigma.endswith("%"):
        share = quantity(sigma, "share", what=what)
        if share < 0:
            raise InputError(f"{what} = {text!r:.60}: expected an uncertainty of 0 or more")
        return value, abs(value) * share
    # a bare number on one side of the sign is in the unit of the other: 12.4 +- 0.3 nm
    unit = _UNIT_PATTERN.search(_strip_exponent(sigma))
    if unit is not None and _UNIT_PATTERN.search(_strip_exponent(match["value"])) is None:
        value = quantity(match["value"].strip() + unit[0], kind, what=what)
    unit_of_value = _UNIT_PATTERN.search(_strip_exponent(match["value"]))
    if unit_of_value is not None and unit is None:
        sigma += unit_of_value[0]
    found = quantity(_parse_bare_number(sigma), kind, what=what)
    if found < 0:
        raise InputError(f"{what} = {text!r:.60}: expected an uncertainty of 0 or more")
    return value, found


def _strip_exponent(text: str) -> str:
    """Text without the exponent of a number, whose letter is no unit."""
    return re.sub(r"(?<=[\d.])[eE](?=[-+]?\d)", "", text)


def _parse_bare_number(text: str) -> str | float:
    """A bare number as such, everything else as the text it is."""
    try:
        return float(text)
    except ValueError:
        return text.strip()


def known_units(kind: str) -> str:
    """Return the units of a kind in words."""
    return "in " + ", ".join(unit or "plain numbers" for unit in UNITS_BY_KIND[kind])


def _example_quantity(kind: str) -> str:
    """Return a text that would be understood."""
    unit = next(
        (u for u, factor in UNITS_BY_KIND[kind].items() if u and factor != 1.0), next(iter(UNITS_BY_KIND[kind]))
    )
    return repr(f"10 {unit}")
