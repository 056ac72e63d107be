"""Files of applications: a thermoelectric leg, a memory cell, an exchanger, a chip in helium.

Numbers have their units, "1 mm" or "200 uV/K", or are SI.  A conductance is a number, the path of a saved one, or
"perfect".  A property of a leg may be a table, { temperature = [300, 500], value = ["180 uV/K", "210 uV/K"] }.
"""

from os import PathLike
from typing import Any, cast

import numpy as np
from attrs import frozen

from kapitza.core.conductance import Conductance
from kapitza.device.cryogenic import HEATINGS, Bath, Superconductor
from kapitza.device.exchanger import ARRANGEMENTS, NUSSELT, Arrangement, Exchanger, Stream
from kapitza.device.memory import Cell
from kapitza.device.thermoelectric import Leg, Property
from kapitza.errors import InputError
from kapitza.io.quantities import quantity
from kapitza.io.samples import guarded, read_boundary
from kapitza.io.sections import Section, read_sections
from kapitza.matter.library import fluid, solid
from kapitza.theory.khalatnikov import khalatnikov

# what no such part has: it came in another unit
LIMITS = {
    "length": (1e-11, 1e2), "area": (1e-21, 1e2), "conductivity": (1e-5, 1e5), "heat_capacity": (1.0, 1e8),
    "temperature": (1e-4, 1e4), "time": (1e-15, 1e6), "resistivity": (1e-10, 1e4), "contact_resistivity": (0.0, 1.0),
    "seebeck": (-0.1, 0.1), "electrical_resistance": (1e-9, 1e12), "energy_density": (0.0, 1e12),
    "flow": (1e-24, 1e3), "viscosity": (1e-8, 1e6), "density": (1e-3, 3e4), "current": (-1e6, 1e6),
    "radiation": (1e-6, 1e6), "flux": (0.0, 1e15), "conductance": (1e-3, 1e13), "resistance_per_length": (1e-9, 1e15),
    "share": (0.0, 1e3),
}  # fmt: skip
MODES = ("generator", "cooler")
LEG = (
    "length", "area", "seebeck", "resistivity", "conductivity", "contact_resistivity", "contact_conductance",
    "hot_resistivity", "cold_resistivity", "hot_conductance", "cold_conductance",
)  # fmt: skip
CELL = {
    "radius": "length", "height": "length", "conductivity": "conductivity", "heat_capacity": "heat_capacity",
    "resistance": "electrical_resistance", "melting": "temperature", "dielectric": "conductivity", "pitch": "length",
    "electrode": "conductivity",
}  # fmt: skip
STREAM = {
    "inlet": "temperature", "flow": "flow", "conductivity": "conductivity", "heat_capacity": "heat_capacity",
    "viscosity": "viscosity", "density": "density", "diameter": "length", "section": "area",
}  # fmt: skip
BATH = (
    "temperature", "coefficient", "exponent", "solid", "liquid", "critical", "recovery", "film", "recovery_rise",
)  # fmt: skip
DEVICE = ("critical_temperature", "critical_current", "resistance", "perimeter", "heating", "current")


@frozen(eq=False)
class LegFile:
    """A leg with its reservoirs (K), whether it is a "generator" or a "cooler", and a current (A) if one is given."""

    title: str
    leg: Leg
    hot: float
    cold: float
    mode: str
    current: float | None


@frozen(eq=False)
class CellFile:
    """A memory cell and the length of its reset pulse, s."""

    title: str
    cell: Cell
    pulse: float


@frozen(eq=False)
class ExchangerFile:
    """An exchanger."""

    title: str
    exchanger: Exchanger


@frozen(eq=False)
class CryoFile:
    """A chip in helium: the bath, a load (W m⁻²), and a superconductor with a current (A), if there is one."""

    title: str
    bath: Bath
    load: float
    device: Superconductor | None
    current: float


def number(part: Section, key: str, kind: str, default: float | None = None) -> float:
    """Return a number of a table, if a part can have it."""
    found = part.number(key, kind, default)
    if key in part:
        check_limits(part, key, kind, found)
    return found


def optional(part: Section, key: str, kind: str) -> float | None:
    """Return a number of a table, or None where there is none."""
    return number(part, key, kind) if key in part else None


def check_limits(part: Section, key: str, kind: str, value: float) -> None:
    """Refuse a value that only another unit can explain."""
    low, high = LIMITS[kind]
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
    top = read_sections(path)
    top.known(("title", "hot", "cold", "mode", "current", "leg"))
    part = top.section("leg")
    part.known(LEG)
    made = guarded(part, "", lambda: leg_of(part))
    hot, cold = (number(top, name, "temperature") for name in ("hot", "cold"))
    if not 0 < cold < hot:
        raise top.fault(f"hot = {hot:g} K is not above cold = {cold:g} K, both above 0", "hot")
    mode = top.text("mode", "generator", choices=MODES)
    return LegFile(top.text("title", top.path.stem), made, hot, cold, mode, optional(top, "current", "current"))


def leg_of(part: Section) -> Leg:
    """Return the leg that a table describes."""
    both = number(part, "contact_resistivity", "contact_resistivity", 0.0)
    thermal = conductance(part, "contact_conductance", np.inf)
    return Leg(
        number(part, "length", "length"),
        number(part, "area", "area"),
        read_property(part, "seebeck", "seebeck"),
        read_property(part, "resistivity", "resistivity"),
        read_property(part, "conductivity", "conductivity"),
        number(part, "hot_resistivity", "contact_resistivity", both),
        number(part, "cold_resistivity", "contact_resistivity", both),
        conductance(part, "hot_conductance", thermal),
        conductance(part, "cold_conductance", thermal),
    )


def read_property(part: Section, key: str, kind: str) -> float | Property:
    """Return a number, or a table against temperature."""
    value = part.table.get(key)
    if not isinstance(value, dict):
        return number(part, key, kind)
    table = part.section(key)
    table.known(("temperature", "value"))
    columns = [column(table, name, of) for name, of in (("temperature", "temperature"), ("value", kind))]
    return guarded(part, key, lambda: Property(*columns))


def column(table: Section, name: str, kind: str) -> list[float]:
    """Return a list of numbers in SI."""
    values: Any = table.table.get(name)
    if not isinstance(values, list) or not values:
        raise table.fault(f"expected a list of {kind.replace('_', ' ')}, got {values!r:.60}", name)
    try:
        found = [quantity(one, kind, what=name) for one in cast("list[object]", values)]
    except InputError as err:
        raise table.fault(str(err), name) from err
    for one in found:
        check_limits(table, name, kind, one)
    return found


def conductance(part: Section, key: str, default: float | Conductance) -> float | Conductance:
    """Return a conductance of a table, or the default where it has none."""
    if key not in part:
        return default
    found = read_boundary(part, key).conductance
    if isinstance(found, float) and np.isfinite(found):
        check_limits(part, key, "conductance", found)
    return found


def read_cell(path: str | PathLike[str]) -> CellFile:
    """Read a phase-change memory cell.

    Raises
    ------
    DataError
        with file, key and line, for unknown keys, units of another kind, missing or impossible numbers
    OSError
        if the file is missing or may not be read
    """
    top = read_sections(path)
    top.known(("title", "pulse", "cell"))
    part = top.section("cell")
    part.known((*CELL, "latent", "side", "contact", "ambient"))
    numbers = {name: number(part, name, kind) for name, kind in CELL.items()}
    latent = number(part, "latent", "energy_density", 0.0)
    ambient = number(part, "ambient", "temperature", 300.0)
    side, contact = (conductance(part, name, np.inf) for name in ("side", "contact"))
    made = guarded(part, "", lambda: Cell(**numbers, latent=latent, side=side, contact=contact, ambient=ambient))
    pulse = number(top, "pulse", "time", 50e-9)
    if not pulse > 0:
        raise top.fault(f"a pulse of {pulse:g} s: expected a time above 0", "pulse")
    return CellFile(top.text("title", top.path.stem), made, pulse)


def read_exchanger(path: str | PathLike[str]) -> ExchangerFile:
    """Read a nanofluidic exchanger.

    Raises
    ------
    DataError
        with file, key and line, for unknown keys, units of another kind, missing or impossible numbers
    OSError
        if the file is missing or may not be read
    """
    top = read_sections(path)
    top.known(("title", "arrangement", "hot", "cold", "wall"))
    hot, cold = (read_stream(top.section(name)) for name in ("hot", "cold"))
    wall = top.section("wall")
    wall.known(("thickness", "conductivity", "area", "length", "hot_conductance", "cold_conductance"))
    arrangement: Arrangement = (
        "parallel" if top.text("arrangement", "counter", choices=ARRANGEMENTS) == "parallel" else "counter"
    )
    numbers = {
        "wall": number(wall, "thickness", "length"),
        "wall_conductivity": number(wall, "conductivity", "conductivity"),
        "area": number(wall, "area", "area"),
        "length": number(wall, "length", "length"),
    }
    one, other = (conductance(wall, name, np.inf) for name in ("hot_conductance", "cold_conductance"))
    made = guarded(
        wall,
        "",
        lambda: Exchanger(
            hot=hot, cold=cold, hot_boundary=one, cold_boundary=other, arrangement=arrangement, **numbers
        ),
    )
    return ExchangerFile(top.text("title", top.path.stem), made)


def read_stream(part: Section) -> Stream:
    """Return a stream; its `nusselt` is a number or the name of a channel."""
    part.known((*STREAM, "nusselt"))
    numbers = {name: number(part, name, kind) for name, kind in STREAM.items()}
    given = part.table.get("nusselt", "slit")
    if isinstance(given, str):
        nusselt = NUSSELT[part.text("nusselt", "slit", choices=NUSSELT)]
    else:
        nusselt = number(part, "nusselt", "share")
    return guarded(part, "", lambda: Stream(**numbers, nusselt=nusselt))


def read_cryo(path: str | PathLike[str]) -> CryoFile:
    """Read a chip in liquid helium.

    Raises
    ------
    DataError
        with file, key and line, for unknown keys, units of another kind, missing or impossible numbers
    OSError
        if the file is missing or may not be read
    """
    top = read_sections(path)
    top.known(("title", "load", "bath", "device"))
    part = top.section("bath")
    part.known(BATH)
    bath = guarded(part, "", lambda: bath_of(part))
    load = number(top, "load", "flux", 0.0)
    if load < 0:
        raise top.fault(f"a load of {load:g} W/m²: expected at least 0", "load")
    device, current = None, 0.0
    if "device" in top:
        table = top.section("device")
        table.known(DEVICE)
        device = guarded(table, "", lambda: device_of(table))
        current = number(table, "current", "current", 0.0)
        if not device.critical_temperature > bath.temperature:
            raise table.fault(
                f"is normal above {device.critical_temperature:g} K, and the bath has {bath.temperature:g} K",
                "critical_temperature",
            )
    return CryoFile(top.text("title", top.path.stem), bath, load, device, current)


def bath_of(part: Section) -> Bath:
    """Return the bath; its coefficient is a number, or that which a solid should have by acoustic mismatch."""
    temperature = number(part, "temperature", "temperature")
    exponent = number(part, "exponent", "share", 4.0)
    if "solid" in part:
        if "coefficient" in part:
            raise part.fault("give a coefficient or a solid, not both", "solid")
        helium = fluid(part.text("liquid", "He-4 liquid"))
        predicted = khalatnikov(helium, solid(part.text("solid"))).total.conductance(temperature).value[0]
        coefficient = float(predicted) / (exponent * temperature ** (exponent - 1))
    else:
        coefficient = number(part, "coefficient", "radiation")
    return Bath(
        temperature,
        coefficient,
        exponent,
        number(part, "critical", "flux", np.inf),
        number(part, "recovery", "flux", 0.0),
        number(part, "film", "conductance", 0.0),
        optional(part, "recovery_rise", "temperature"),
    )


def device_of(table: Section) -> Superconductor:
    """Return the superconductor of a table."""
    return Superconductor(
        number(table, "critical_temperature", "temperature"),
        number(table, "critical_current", "current"),
        number(table, "resistance", "resistance_per_length"),
        number(table, "perimeter", "length"),
        "step" if table.text("heating", "sharing", choices=HEATINGS) == "step" else "sharing",
    )
