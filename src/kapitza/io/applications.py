"""Files of applications: a thermoelectric leg, a memory cell, an exchanger, a chip in helium.

Numbers have their units, "1 mm" or "200 uV/K", or are SI.  A conductance is a number, with its uncertainty if it has
one ("30 MW/m2K ± 20 %"), the path of a saved result, two materials for the calibrated estimate between them
({ interface = "TiN|SiO2" }), or "perfect".  A property of a leg may be a table,
{ temperature = [300, 500], value = ["180 uV/K", "210 uV/K"] }.
"""

from collections.abc import Mapping
from os import PathLike
from types import MappingProxyType
from typing import Any

import numpy as np
from attrs import NOTHING, fields, frozen

from kapitza.applications.cryogenic import HEATING_MODELS, HeliumBath, Superconductor
from kapitza.applications.exchanger import FLOW_ARRANGEMENTS, NUSSELT_NUMBERS, HeatExchanger, Stream
from kapitza.applications.memory import MemoryCell
from kapitza.applications.thermoelectric import LegProperty, ThermoelectricLeg
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord
from kapitza.core.stack import Boundary
from kapitza.io.boundaries import BoundarySides, held_with_sigma, read_conductance
from kapitza.io.quantities import quantity
from kapitza.io.toml import TomlTable, locate_faults, read_toml
from kapitza.matter.library import material
from kapitza.matter.material import LIQUID_SYMMETRY, warn_of_state
from kapitza.theory.khalatnikov import khalatnikov

# what no such part has: it came in another unit
_PLAUSIBLE_LIMITS = {
    "length": (1e-11, 1e2), "area": (1e-21, 1e2), "conductivity": (1e-5, 1e5), "heat_capacity": (1.0, 1e8),
    "temperature": (1e-4, 1e4), "time": (1e-15, 1e6), "resistivity": (1e-10, 1e4), "contact_resistivity": (0.0, 1.0),
    "seebeck": (-0.1, 0.1), "electrical_resistance": (1e-9, 1e12), "energy_density": (0.0, 1e12),
    "flow": (1e-24, 1e3), "viscosity": (1e-8, 1e6), "density": (1e-3, 3e4), "current": (-1e6, 1e6),
    "radiation": (1e-6, 1e6), "flux": (0.0, 1e15), "conductance": (1e-3, 1e13), "resistance_per_length": (1e-9, 1e15),
    "share": (0.0, 1e3),
}  # fmt: skip
_Names = Mapping[str, str]
_NONE_GIVEN: Mapping[str, Any] = MappingProxyType({})
_LEG_MODES = ("generator", "cooler")
# kinds of unit of the keys; "(T)" where a table against temperature may stand, "boundary" for conductances
_LEG_KINDS = {
    "length": "length", "area": "area", "seebeck": "seebeck(T)", "resistivity": "resistivity(T)",
    "conductivity": "conductivity(T)", "hot_resistivity": "contact_resistivity",
    "cold_resistivity": "contact_resistivity", "hot_conductance": "boundary", "cold_conductance": "boundary",
}  # fmt: skip
_CELL_KINDS = {
    "radius": "length", "height": "length", "conductivity": "conductivity", "heat_capacity": "heat_capacity",
    "resistance": "electrical_resistance", "melting": "temperature", "dielectric": "conductivity", "pitch": "length",
    "electrode": "conductivity", "latent": "energy_density", "side": "boundary", "contact": "boundary",
    "ambient": "temperature",
}  # fmt: skip
_STREAM_KINDS = {
    "inlet": "temperature", "flow": "flow", "conductivity": "conductivity", "heat_capacity": "heat_capacity",
    "viscosity": "viscosity", "density": "density", "diameter": "length", "section": "area",
}  # fmt: skip
_WALL_KINDS = {
    "thickness": "length", "conductivity": "conductivity", "area": "area", "length": "length",
    "hot_conductance": "boundary", "cold_conductance": "boundary",
}  # fmt: skip
_WALL_ATTRIBUTES = {
    "thickness": "wall", "conductivity": "wall_conductivity", "hot_conductance": "hot_boundary",
    "cold_conductance": "cold_boundary",
}  # fmt: skip
_BATH_KINDS = {
    "temperature": "temperature", "exponent": "share", "critical": "flux", "recovery": "flux", "film": "conductance",
    "recovery_rise": "temperature",
}  # fmt: skip
_SUPERCONDUCTOR_KINDS = {
    "critical_temperature": "temperature", "critical_current": "current", "resistance": "resistance_per_length",
    "perimeter": "length",
}  # fmt: skip


@frozen(eq=False)
class LegFile(BaseRecord):
    """A leg with its reservoirs (K), whether it is a "generator" or a "cooler", and a current (A) if one is given."""

    title: str
    leg: ThermoelectricLeg
    hot: float
    cold: float
    mode: str
    current: float | None


@frozen(eq=False)
class MemoryCellFile(BaseRecord):
    """A memory cell and the length of its reset pulse, s."""

    title: str
    cell: MemoryCell
    pulse: float


@frozen(eq=False)
class ExchangerFile(BaseRecord):
    """An exchanger."""

    title: str
    exchanger: HeatExchanger


@frozen(eq=False)
class CryogenicFile(BaseRecord):
    """A chip in helium: the bath, a load (W m⁻²), and a superconductor with a current (A), if there is one.

    `boundary` is the conductance from which the coefficient of the bath was taken, if it was given as one.
    """

    title: str
    bath: HeliumBath
    load: float
    device: Superconductor | None
    current: float
    boundary: Conductance | None = None


def _plausible_number(part: TomlTable, key: str, kind: str, default: float | None = None) -> float:
    """Return a number of a table, if a part can have it: what cannot be is in another unit."""
    found = part.number(key, kind, default)
    return _check_limits(part, key, kind, found) if key in part else found


def _check_limits(part: TomlTable, key: str, kind: str, value: float) -> float:
    """Return a value, unless only another unit can explain it."""
    low, high = _PLAUSIBLE_LIMITS[kind]
    if not low <= value <= high:
        raise part.fault(f"{value:g} (SI) is out of the range {low:g} to {high:g}: is it in another unit?", key)
    return value


def _read_boundary(part: TomlTable, key: str, temperature: float = 300.0) -> float | Conductance:
    """Return a conductance with its uncertainty, if it has one; estimates are asked for around a temperature (K)."""
    value = read_conductance(part, BoundarySides(key=key), temperature)
    if isinstance(value[0], float) and np.isfinite(value[0]):
        _check_limits(part, key, "conductance", value[0])
    return locate_faults(part, key, lambda: Boundary(held_with_sigma(value)).conductance)


def _read_value(part: TomlTable, key: str, kind: str) -> Any:
    """Return a number of a table, a table of it against temperature, or a conductance."""
    if kind == "boundary":
        return _read_boundary(part, key)
    plain = kind.removesuffix("(T)")
    if plain == kind or not isinstance(part.table.get(key), dict):
        return _plausible_number(part, key, plain)
    table = part.section(key)
    table.check_keys(("temperature", "value"))
    columns = [_si_column(table, name, of) for name, of in (("temperature", "temperature"), ("value", plain))]
    return locate_faults(part, key, lambda: LegProperty(*columns))


def _read_record(
    part: TomlTable,
    record: type,
    kinds: _Names,
    *,
    attributes: _Names = _NONE_GIVEN,
    given: Mapping[str, Any] = _NONE_GIVEN,
) -> Any:
    """Return a record whose attributes stand in a table, under their names or others; those `given` may be missing."""
    names = {key: attributes.get(key, key) for key in kinds}
    optional = {one.name for one in fields(record) if one.default is not NOTHING} | set(given)
    found = {
        name: _read_value(part, key, kinds[key]) for key, name in names.items() if key in part or name not in optional
    }
    return locate_faults(part, "", lambda: record(**{**given, **found}))


def _si_column(table: TomlTable, name: str, kind: str) -> list[float]:
    """Return a list of numbers in SI."""
    values = table.table.get(name)
    if not isinstance(values, list) or not values:
        raise table.fault(f"expected a list of {kind.replace('_', ' ')}, got {values!r:.60}", name)
    found = locate_faults(table, name, lambda: [quantity(one, kind, what=name) for one in values])
    return [_check_limits(table, name, kind, one) for one in found]


def read_leg(path: str | PathLike[str]) -> LegFile:
    """Read a thermoelectric leg."""
    top = read_toml(path)
    top.check_keys(("title", "hot", "cold", "mode", "current", "leg"))
    part = top.section("leg")
    part.check_keys((*_LEG_KINDS, "contact_resistivity", "contact_conductance"))
    both: dict[str, Any] = {}
    if "contact_resistivity" in part:
        resistivity = _plausible_number(part, "contact_resistivity", "contact_resistivity")
        both = {"hot_resistivity": resistivity, "cold_resistivity": resistivity}
    if "contact_conductance" in part:
        conductance = _read_value(part, "contact_conductance", "boundary")
        both |= {"hot_conductance": conductance, "cold_conductance": conductance}
    made = _read_record(part, ThermoelectricLeg, _LEG_KINDS, given=both)
    hot, cold = (_plausible_number(top, name, "temperature") for name in ("hot", "cold"))
    if not 0 < cold < hot:
        raise top.fault(f"hot = {hot:g} K is not above cold = {cold:g} K, both above 0", "hot")
    mode = top.text("mode", "generator", choices=_LEG_MODES)
    current = _plausible_number(top, "current", "current") if "current" in top else None
    return LegFile(top.text("title", top.path.stem), made, hot, cold, mode, current)


def read_memory_cell(path: str | PathLike[str]) -> MemoryCellFile:
    """Read a phase-change memory cell."""
    top = read_toml(path)
    top.check_keys(("title", "pulse", "cell"))
    part = top.section("cell")
    part.check_keys(_CELL_KINDS)
    made = _read_record(part, MemoryCell, _CELL_KINDS)
    pulse = _plausible_number(top, "pulse", "time", 50e-9)
    if not pulse > 0:
        raise top.fault(f"a pulse of {pulse:g} s: expected a time above 0", "pulse")
    return MemoryCellFile(top.text("title", top.path.stem), made, pulse)


def read_exchanger(path: str | PathLike[str]) -> ExchangerFile:
    """Read a nanofluidic exchanger."""
    top = read_toml(path)
    top.check_keys(("title", "arrangement", "hot", "cold", "wall"))
    streams = {name: _read_stream(top.section(name)) for name in ("hot", "cold")}
    wall = top.section("wall")
    wall.check_keys(_WALL_KINDS)
    arrangement = top.text("arrangement", "counter", choices=FLOW_ARRANGEMENTS)
    made = _read_record(
        wall, HeatExchanger, _WALL_KINDS, attributes=_WALL_ATTRIBUTES, given={"arrangement": arrangement, **streams}
    )
    return ExchangerFile(top.text("title", top.path.stem), made)


def _read_stream(part: TomlTable) -> Stream:
    """Return a stream; its `nusselt` is a number or the name of a channel."""
    part.check_keys((*_STREAM_KINDS, "nusselt"))
    if isinstance(part.table.get("nusselt", "slit"), str):
        nusselt = NUSSELT_NUMBERS[part.text("nusselt", "slit", choices=NUSSELT_NUMBERS)]
    else:
        nusselt = _plausible_number(part, "nusselt", "share")
    return _read_record(part, Stream, _STREAM_KINDS, given={"nusselt": nusselt})


def read_cryogenic(path: str | PathLike[str]) -> CryogenicFile:
    """Read a chip in liquid helium."""
    top = read_toml(path)
    top.check_keys(("title", "load", "bath", "device"))
    part = top.section("bath")
    bath, boundary = locate_faults(part, "", lambda: _read_bath(part))
    load = _plausible_number(top, "load", "flux", 0.0)
    if load < 0:
        raise top.fault(f"a load of {load:g} W/m²: expected at least 0", "load")
    device, current = None, 0.0
    if "device" in top:
        table = top.section("device")
        table.check_keys((*_SUPERCONDUCTOR_KINDS, "heating", "current"))
        heating = table.text("heating", "sharing", choices=HEATING_MODELS)
        device = _read_record(table, Superconductor, _SUPERCONDUCTOR_KINDS, given={"heating": heating})
        current = _plausible_number(table, "current", "current", 0.0)
        if not device.critical_temperature > bath.temperature:
            raise table.fault(
                f"is normal above {device.critical_temperature:g} K, and the bath has {bath.temperature:g} K",
                "critical_temperature",
            )
    return CryogenicFile(top.text("title", top.path.stem), bath, load, device, current, boundary)


_BATH_COEFFICIENTS = ("coefficient", "solid", "interface", "conductance")


def _read_bath(part: TomlTable) -> tuple[HeliumBath, Conductance | None]:
    """Return the bath, and the conductance that its coefficient stands for, if one is given.

    The coefficient is a number, that of a conductance at the temperature of the bath, $G/nT^{n-1}$, or that which a
    solid in helium should have by acoustic mismatch.
    """
    part.check_keys((*_BATH_KINDS, *_BATH_COEFFICIENTS, "liquid"))
    temperature = _plausible_number(part, "temperature", "temperature")
    exponent = _plausible_number(part, "exponent", "share", 4.0)
    given = [key for key in _BATH_COEFFICIENTS if key in part]
    if len(given) > 1:
        raise part.fault(f"{' and '.join(given)}: give one of them, not both", given[1])
    slope, boundary = exponent * temperature ** (exponent - 1), None
    if given == ["conductance"]:
        held = _read_boundary(part, "conductance", temperature)
        boundary = held if isinstance(held, Conductance) else None
        coefficient = (held if boundary is None else float(boundary.at(temperature)[0])) / slope
    elif given and given != ["coefficient"]:
        coefficient = _acoustic_conductance(part, given[0], temperature) / slope
    else:
        coefficient = _plausible_number(part, "coefficient", "radiation")
    return _read_record(part, HeliumBath, _BATH_KINDS, given={"coefficient": coefficient}), boundary


def _acoustic_conductance(part: TomlTable, key: str, temperature: float) -> float:
    """Conductance of a solid in helium by acoustic mismatch, W m⁻² K⁻¹; from `solid`, or from both by `interface`."""
    names = [one.strip() for one in part.text(key).split("|")] if key == "interface" else []
    if key == "interface" and (len(names) != 2 or not all(names)):
        raise part.fault(f"{part.text(key)!r:.60}: expected two materials, such as 'Si|He-4 liquid'", key)
    pair = names or [part.text("solid"), part.text("liquid", "He-4 liquid")]
    wall, helium = sorted((material(one) for one in pair), key=lambda one: one.symmetry == LIQUID_SYMMETRY)
    for one in (helium, wall):
        warn_of_state(one, temperature)
    return float(khalatnikov(helium.fluid(), wall.solid()).total.conductance(temperature).value[0])
