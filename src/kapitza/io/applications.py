"""Files of applications: a thermoelectric leg, a memory cell, an exchanger, a chip in helium.

Numbers have their units, "1 mm" or "200 uV/K", or are SI.  A conductance is a number, the path of a saved one, or
"perfect".  A property of a leg may be a table, { temperature = [300, 500], value = ["180 uV/K", "210 uV/K"] }.
"""

from os import PathLike
from typing import Any, cast

import numpy as np
from attrs import frozen

from kapitza.applications.cryogenic import HEATING_MODELS, HeliumBath, Superconductor
from kapitza.applications.exchanger import FLOW_ARRANGEMENTS, NUSSELT_NUMBERS, FlowArrangement, HeatExchanger, Stream
from kapitza.applications.memory import MemoryCell
from kapitza.applications.thermoelectric import LegProperty, ThermoelectricLeg
from kapitza.core.conductance import Conductance
from kapitza.errors import InputError
from kapitza.io.quantities import quantity
from kapitza.io.samples import locate_faults, read_boundary
from kapitza.io.toml import TomlTable, read_toml
from kapitza.matter.library import fluid, solid
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
_LEG_MODES = ("generator", "cooler")
_LEG_KEYS = (
    "length", "area", "seebeck", "resistivity", "conductivity", "contact_resistivity", "contact_conductance",
    "hot_resistivity", "cold_resistivity", "hot_conductance", "cold_conductance",
)  # fmt: skip
_CELL_KINDS = {
    "radius": "length", "height": "length", "conductivity": "conductivity", "heat_capacity": "heat_capacity",
    "resistance": "electrical_resistance", "melting": "temperature", "dielectric": "conductivity", "pitch": "length",
    "electrode": "conductivity",
}  # fmt: skip
_STREAM_KINDS = {
    "inlet": "temperature", "flow": "flow", "conductivity": "conductivity", "heat_capacity": "heat_capacity",
    "viscosity": "viscosity", "density": "density", "diameter": "length", "section": "area",
}  # fmt: skip
_BATH_KEYS = (
    "temperature", "coefficient", "exponent", "solid", "liquid", "critical", "recovery", "film", "recovery_rise",
)  # fmt: skip
_SUPERCONDUCTOR_KEYS = ("critical_temperature", "critical_current", "resistance", "perimeter", "heating", "current")


@frozen(eq=False)
class LegFile:
    """A leg with its reservoirs (K), whether it is a "generator" or a "cooler", and a current (A) if one is given."""

    title: str
    leg: ThermoelectricLeg
    hot: float
    cold: float
    mode: str
    current: float | None


@frozen(eq=False)
class MemoryCellFile:
    """A memory cell and the length of its reset pulse, s."""

    title: str
    cell: MemoryCell
    pulse: float


@frozen(eq=False)
class ExchangerFile:
    """An exchanger."""

    title: str
    exchanger: HeatExchanger


@frozen(eq=False)
class CryogenicFile:
    """A chip in helium: the bath, a load (W m⁻²), and a superconductor with a current (A), if there is one."""

    title: str
    bath: HeliumBath
    load: float
    device: Superconductor | None
    current: float


def _plausible_number(part: TomlTable, key: str, kind: str, default: float | None = None) -> float:
    """Return a number of a table, if a part can have it."""
    found = part.number(key, kind, default)
    if key in part:
        _check_limits(part, key, kind, found)
    return found


def _optional_number(part: TomlTable, key: str, kind: str) -> float | None:
    """Return a number of a table, or None where there is none."""
    return _plausible_number(part, key, kind) if key in part else None


def _check_limits(part: TomlTable, key: str, kind: str, value: float) -> None:
    """Refuse a value that only another unit can explain."""
    low, high = _PLAUSIBLE_LIMITS[kind]
    if not low <= value <= high:
        raise part.fault(f"{value:g} (SI) is out of the range {low:g} to {high:g}: is it in another unit?", key)


def read_leg(path: str | PathLike[str]) -> LegFile:
    """Read a thermoelectric leg.

    Raises
    ------
    DataError
        with file, key and line, for unknown keys, units of another kind, missing or impossible numbers
    OSError
        if the file is missing or may not be read
    """
    top = read_toml(path)
    top.known(("title", "hot", "cold", "mode", "current", "leg"))
    part = top.section("leg")
    part.known(_LEG_KEYS)
    made = locate_faults(part, "", lambda: _leg_from_table(part))
    hot, cold = (_plausible_number(top, name, "temperature") for name in ("hot", "cold"))
    if not 0 < cold < hot:
        raise top.fault(f"hot = {hot:g} K is not above cold = {cold:g} K, both above 0", "hot")
    mode = top.text("mode", "generator", choices=_LEG_MODES)
    return LegFile(top.text("title", top.path.stem), made, hot, cold, mode, _optional_number(top, "current", "current"))


def _leg_from_table(part: TomlTable) -> ThermoelectricLeg:
    """Return the leg that a table describes."""
    both = _plausible_number(part, "contact_resistivity", "contact_resistivity", 0.0)
    thermal = _read_conductance(part, "contact_conductance", np.inf)
    return ThermoelectricLeg(
        length=_plausible_number(part, "length", "length"),
        area=_plausible_number(part, "area", "area"),
        seebeck=_read_property(part, "seebeck", "seebeck"),
        resistivity=_read_property(part, "resistivity", "resistivity"),
        conductivity=_read_property(part, "conductivity", "conductivity"),
        hot_resistivity=_plausible_number(part, "hot_resistivity", "contact_resistivity", both),
        cold_resistivity=_plausible_number(part, "cold_resistivity", "contact_resistivity", both),
        hot_conductance=_read_conductance(part, "hot_conductance", thermal),
        cold_conductance=_read_conductance(part, "cold_conductance", thermal),
    )


def _read_property(part: TomlTable, key: str, kind: str) -> float | LegProperty:
    """Return a number, or a table against temperature."""
    value = part.table.get(key)
    if not isinstance(value, dict):
        return _plausible_number(part, key, kind)
    table = part.section(key)
    table.known(("temperature", "value"))
    columns = [_si_column(table, name, of) for name, of in (("temperature", "temperature"), ("value", kind))]
    return locate_faults(part, key, lambda: LegProperty(*columns))


def _si_column(table: TomlTable, name: str, kind: str) -> list[float]:
    """Return a list of numbers in SI."""
    values: Any = table.table.get(name)
    if not isinstance(values, list) or not values:
        raise table.fault(f"expected a list of {kind.replace('_', ' ')}, got {values!r:.60}", name)
    try:
        found = [quantity(one, kind, what=name) for one in cast("list[object]", values)]
    except InputError as err:
        raise table.fault(str(err), name) from err
    for one in found:
        _check_limits(table, name, kind, one)
    return found


def _read_conductance(part: TomlTable, key: str, default: float | Conductance) -> float | Conductance:
    """Return a conductance of a table, or the default where it has none."""
    if key not in part:
        return default
    found = read_boundary(part, key).conductance
    if isinstance(found, float) and np.isfinite(found):
        _check_limits(part, key, "conductance", found)
    return found


def read_memory_cell(path: str | PathLike[str]) -> MemoryCellFile:
    """Read a phase-change memory cell.

    Raises
    ------
    DataError
        with file, key and line, for unknown keys, units of another kind, missing or impossible numbers
    OSError
        if the file is missing or may not be read
    """
    top = read_toml(path)
    top.known(("title", "pulse", "cell"))
    part = top.section("cell")
    part.known((*_CELL_KINDS, "latent", "side", "contact", "ambient"))
    numbers = {name: _plausible_number(part, name, kind) for name, kind in _CELL_KINDS.items()}
    latent = _plausible_number(part, "latent", "energy_density", 0.0)
    ambient = _plausible_number(part, "ambient", "temperature", 300.0)
    side, contact = (_read_conductance(part, name, np.inf) for name in ("side", "contact"))
    made = locate_faults(
        part, "", lambda: MemoryCell(**numbers, latent=latent, side=side, contact=contact, ambient=ambient)
    )
    pulse = _plausible_number(top, "pulse", "time", 50e-9)
    if not pulse > 0:
        raise top.fault(f"a pulse of {pulse:g} s: expected a time above 0", "pulse")
    return MemoryCellFile(top.text("title", top.path.stem), made, pulse)


def read_exchanger(path: str | PathLike[str]) -> ExchangerFile:
    """Read a nanofluidic exchanger.

    Raises
    ------
    DataError
        with file, key and line, for unknown keys, units of another kind, missing or impossible numbers
    OSError
        if the file is missing or may not be read
    """
    top = read_toml(path)
    top.known(("title", "arrangement", "hot", "cold", "wall"))
    hot, cold = (_read_stream(top.section(name)) for name in ("hot", "cold"))
    wall = top.section("wall")
    wall.known(("thickness", "conductivity", "area", "length", "hot_conductance", "cold_conductance"))
    arrangement: FlowArrangement = (
        "parallel" if top.text("arrangement", "counter", choices=FLOW_ARRANGEMENTS) == "parallel" else "counter"
    )
    numbers = {
        "wall": _plausible_number(wall, "thickness", "length"),
        "wall_conductivity": _plausible_number(wall, "conductivity", "conductivity"),
        "area": _plausible_number(wall, "area", "area"),
        "length": _plausible_number(wall, "length", "length"),
    }
    one, other = (_read_conductance(wall, name, np.inf) for name in ("hot_conductance", "cold_conductance"))
    made = locate_faults(
        wall,
        "",
        lambda: HeatExchanger(
            hot=hot, cold=cold, hot_boundary=one, cold_boundary=other, arrangement=arrangement, **numbers
        ),
    )
    return ExchangerFile(top.text("title", top.path.stem), made)


def _read_stream(part: TomlTable) -> Stream:
    """Return a stream; its `nusselt` is a number or the name of a channel."""
    part.known((*_STREAM_KINDS, "nusselt"))
    numbers = {name: _plausible_number(part, name, kind) for name, kind in _STREAM_KINDS.items()}
    given = part.table.get("nusselt", "slit")
    if isinstance(given, str):
        nusselt = NUSSELT_NUMBERS[part.text("nusselt", "slit", choices=NUSSELT_NUMBERS)]
    else:
        nusselt = _plausible_number(part, "nusselt", "share")
    return locate_faults(part, "", lambda: Stream(**numbers, nusselt=nusselt))


def read_cryogenic(path: str | PathLike[str]) -> CryogenicFile:
    """Read a chip in liquid helium.

    Raises
    ------
    DataError
        with file, key and line, for unknown keys, units of another kind, missing or impossible numbers
    OSError
        if the file is missing or may not be read
    """
    top = read_toml(path)
    top.known(("title", "load", "bath", "device"))
    part = top.section("bath")
    part.known(_BATH_KEYS)
    bath = locate_faults(part, "", lambda: _read_bath(part))
    load = _plausible_number(top, "load", "flux", 0.0)
    if load < 0:
        raise top.fault(f"a load of {load:g} W/m²: expected at least 0", "load")
    device, current = None, 0.0
    if "device" in top:
        table = top.section("device")
        table.known(_SUPERCONDUCTOR_KEYS)
        device = locate_faults(table, "", lambda: _read_superconductor(table))
        current = _plausible_number(table, "current", "current", 0.0)
        if not device.critical_temperature > bath.temperature:
            raise table.fault(
                f"is normal above {device.critical_temperature:g} K, and the bath has {bath.temperature:g} K",
                "critical_temperature",
            )
    return CryogenicFile(top.text("title", top.path.stem), bath, load, device, current)


def _read_bath(part: TomlTable) -> HeliumBath:
    """Return the bath; its coefficient is a number, or that which a solid should have by acoustic mismatch."""
    temperature = _plausible_number(part, "temperature", "temperature")
    exponent = _plausible_number(part, "exponent", "share", 4.0)
    if "solid" in part:
        if "coefficient" in part:
            raise part.fault("give a coefficient or a solid, not both", "solid")
        helium = fluid(part.text("liquid", "He-4 liquid"))
        predicted = khalatnikov(helium, solid(part.text("solid"))).total.conductance(temperature).value[0]
        coefficient = float(predicted) / (exponent * temperature ** (exponent - 1))
    else:
        coefficient = _plausible_number(part, "coefficient", "radiation")
    return HeliumBath(
        temperature=temperature,
        coefficient=coefficient,
        exponent=exponent,
        critical=_plausible_number(part, "critical", "flux", np.inf),
        recovery=_plausible_number(part, "recovery", "flux", 0.0),
        film=_plausible_number(part, "film", "conductance", 0.0),
        recovery_rise=_optional_number(part, "recovery_rise", "temperature"),
    )


def _read_superconductor(table: TomlTable) -> Superconductor:
    """Return the superconductor of a table."""
    return Superconductor(
        _plausible_number(table, "critical_temperature", "temperature"),
        _plausible_number(table, "critical_current", "current"),
        _plausible_number(table, "resistance", "resistance_per_length"),
        _plausible_number(table, "perimeter", "length"),
        "step" if table.text("heating", "sharing", choices=HEATING_MODELS) == "step" else "sharing",
    )
