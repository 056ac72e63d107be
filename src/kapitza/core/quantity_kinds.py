"""Kinds of quantities: their SI units, the units in which they are shown, and the units that users may write."""

import math
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from kapitza.units import MW, angstrom, e, fs, kW, m_u, meV, mm, nm, ns, ps, um, us

__all__ = ["QUANTITY_KINDS", "kind_of_unit", "with_negative_powers"]

LARGEST = 1e100  # no quantity in SI units lies anywhere near, nor do squares of uncertainties in a search
_UNIT_SIGNS = str.maketrans({"²": "2", "³": "3", "·": None, " ": None, "^": None, "(": None, ")": None, "*": None})
_SHARE = "share"  # of numbers without a unit, and of those in a unit that no kind has


class QuantityKind(NamedTuple):
    """One kind of quantity.

    Attributes
    ----------
    accepted : units that users may write, by name, and their sizes in SI; the first is the SI unit
    unit : SI unit as the metadata of records have it, such as "W m^-2 K^-1"; empty if no record has this kind
    shown : unit in which parameters are shown, one of those accepted, such as "MW/m²K"; empty for the SI unit
    """

    accepted: Mapping[str, float]
    unit: str = ""
    shown: str = ""

    @property
    def size(self) -> float:
        """Size of the shown unit in SI."""
        return self.accepted[self.shown.translate(_UNIT_SIGNS)] if self.shown else 1.0


QUANTITY_KINDS: Mapping[str, QuantityKind] = MappingProxyType(
    {
        "length": QuantityKind(
            {"m": 1.0, "mm": mm, "um": um, "µm": um, "μm": um, "nm": nm, "angstrom": angstrom, "Å": angstrom}, "m", "nm"
        ),
        "time": QuantityKind({"s": 1.0, "ms": 1e-3, "us": us, "µs": us, "ns": ns, "ps": ps, "fs": fs}, "s", "ps"),
        "frequency": QuantityKind({"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9, "THz": 1e12}, "Hz", "MHz"),
        "speed": QuantityKind({"m/s": 1.0, "km/s": 1e3}),
        "energy": QuantityKind({"J": 1.0, "meV": meV, "eV": e}),
        "stiffness": QuantityKind({"N/m3": 1.0, "MN/m3": 1e6, "GN/m3": 1e9, "N/m/nm2": 1e18}, "N m^-3"),
        "mass": QuantityKind({"kg": 1.0, "u": m_u, "amu": m_u}),
        "temperature": QuantityKind({"K": 1.0}, "K", "K"),
        "angle": QuantityKind({"rad": 1.0, "mrad": 1e-3, "deg": math.pi / 180, "°": math.pi / 180}, "rad", "mrad"),
        "share": QuantityKind({"": 1.0, "%": 1e-2}, "1"),
        "power": QuantityKind({"W": 1.0, "kW": kW, "mW": 1e-3, "uW": 1e-6}, "W", "mW"),
        "power_per_length": QuantityKind({"W/m": 1.0, "W/mm": 1e3, "W/um": 1e6, "mW/um": 1e3}),
        "heat": QuantityKind({"W/m3": 1.0, "MW/m3": MW, "GW/m3": 1e9, "TW/m3": 1e12, "W/cm3": 1e6, "W/um3": 1e18}),
        "flux": QuantityKind({"W/m2": 1.0, "kW/m2": kW, "MW/m2": MW, "GW/m2": 1e9, "W/cm2": 1e4}),
        "conductance": QuantityKind(
            {"W/m2K": 1.0, "kW/m2K": kW, "MW/m2K": MW, "GW/m2K": 1e9, "W/cm2K": 1e4}, "W m^-2 K^-1", "MW/m²K"
        ),
        "resistance": QuantityKind(
            {"m2K/W": 1.0, "m2K/MW": 1e-6, "m2K/GW": 1e-9, "mm2K/W": 1e-6, "cm2K/W": 1e-4}, "m^2 K W^-1", "m²K/GW"
        ),
        "conductivity": QuantityKind({"W/mK": 1.0, "W/cmK": 1e2}, "W m^-1 K^-1", "W/mK"),
        "coupling": QuantityKind({"W/m3K": 1.0, "TW/m3K": 1e12, "PW/m3K": 1e15}, "W m^-3 K^-1", "PW/m³K"),
        "heat_capacity": QuantityKind({"J/m3K": 1.0, "MJ/m3K": 1e6, "J/cm3K": 1e6}, "J m^-3 K^-1", "MJ/m³K"),
        "response": QuantityKind({"K/W": 1.0, "K/mW": 1e3, "K/uW": 1e6}),
        "current": QuantityKind({"A": 1.0, "mA": 1e-3, "uA": 1e-6, "nA": 1e-9, "pA": 1e-12}),
        "area": QuantityKind({"m2": 1.0, "cm2": 1e-4, "mm2": 1e-6, "um2": 1e-12, "nm2": 1e-18}),
        "seebeck": QuantityKind({"V/K": 1.0, "mV/K": 1e-3, "uV/K": 1e-6, "µV/K": 1e-6}),
        "electrical_resistance": QuantityKind({"Ohm": 1.0, "mOhm": 1e-3, "kOhm": 1e3, "MOhm": 1e6}),
        "resistivity": QuantityKind(
            {"Ohmm": 1.0, "mOhmm": 1e-3, "uOhmm": 1e-6, "Ohmcm": 1e-2, "mOhmcm": 1e-5, "uOhmcm": 1e-8}
        ),
        "contact_resistivity": QuantityKind({"Ohmm2": 1.0, "Ohmcm2": 1e-4, "uOhmcm2": 1e-10}),
        "resistance_per_length": QuantityKind({"Ohm/m": 1.0, "Ohm/mm": 1e3, "Ohm/um": 1e6}),
        "energy_density": QuantityKind({"J/m3": 1.0, "MJ/m3": 1e6, "J/cm3": 1e6}),
        "flow": QuantityKind({"m3/s": 1.0, "ml/min": 1e-6 / 60, "ul/min": 1e-9 / 60, "nl/min": 1e-12 / 60}),
        "viscosity": QuantityKind({"Pas": 1.0, "mPas": 1e-3}),
        "density": QuantityKind({"kg/m3": 1.0, "g/cm3": 1e3}),
        "radiation": QuantityKind({"W/m2K4": 1.0, "kW/m2K4": kW, "W/cm2K4": 1e4}),
        "gradient": QuantityKind({"K/m": 1.0, "K/um": 1e6, "K/nm": 1e9}),
        "signal": QuantityKind({"": 1.0, "V": 1.0, "mV": 1e-3, "uV": 1e-6, "µV": 1e-6}),
    }
)


def unit_factor(unit: str, kind: str) -> float | None:
    """Return what a unit is in SI, or None if it is none of this kind."""
    return QUANTITY_KINDS[kind].accepted.get(unit.translate(_UNIT_SIGNS))


def kind_of(unit: str) -> str | None:
    """Return of what kind a unit is that a user wrote, or None for no unit that is known."""
    plain = unit.translate(_UNIT_SIGNS)
    return next((kind for kind, one in QUANTITY_KINDS.items() if plain and plain in one.accepted), None)


def kind_of_unit(unit: str) -> str:
    """Return of what kind an SI unit of a record is, such as "W m^-2 K^-1"."""
    return next((kind for kind, one in QUANTITY_KINDS.items() if one.unit == unit), _SHARE)


def with_negative_powers(shown: str) -> str:
    """Return a shown unit as figures have it: "MW m⁻² K⁻¹" for "MW/m²K"."""
    above, _, below = shown.partition("/")
    powers = (f"{symbol}⁻{power or '¹'}" for symbol, power in re.findall(r"([A-Z]?[A-Za-z])([²³]?)", below))
    return " ".join((re.sub(r"(?<=[²³])(?=K)", " ", above), *powers))
