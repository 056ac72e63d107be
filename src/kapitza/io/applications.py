"""Files of applications: a thermoelectric leg, a memory cell, an exchanger, a chip in helium.

Numbers have their units, "1 mm" or "200 uV/K", or are SI.  A conductance is a number, with its uncertainty if it has
one ("30 MW/m2K ± 20 %"), the path of a saved result, two materials for the calibrated estimate between them
({ interface = "TiN|SiO2" }), or "perfect".  A property of a leg may be a table,
{ temperature = [300, 500], value = ["180 uV/K", "210 uV/K"] }.
"""

from functools import partial
from os import PathLike
from typing import Any

import numpy as np
from attrs import NOTHING, evolve, field, frozen

from kapitza.applications.cryogenic import HEATING_MODELS, HeliumBath, Superconductor
from kapitza.applications.exchanger import FLOW_ARRANGEMENTS, NUSSELT_NUMBERS, HeatExchanger, Stream
from kapitza.applications.memory import MemoryCell
from kapitza.applications.thermoelectric import LegProperty, ThermoelectricLeg
from kapitza.core.arrays import about
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord
from kapitza.core.stack import Boundary
from kapitza.io import toml
from kapitza.io.boundaries import BoundarySides, held_with_sigma, read_conductance
from kapitza.io.toml import Bounds, Key, Table, TomlTable
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


@frozen(eq=False)
class LegFile(BaseRecord):
    """A leg with its reservoirs, whether it is a "generator" or a "cooler", and a current if one is given."""

    title: str
    leg: ThermoelectricLeg
    hot: float = field(metadata=about("K", "temperature of the hot reservoir"))
    cold: float = field(metadata=about("K", "temperature of the cold reservoir"))
    mode: str
    current: float | None = field(metadata=about("A", "electric current"))


@frozen(eq=False)
class MemoryCellFile(BaseRecord):
    """A memory cell and its reset pulse."""

    title: str
    cell: MemoryCell
    pulse: float = field(metadata=about("s", "length of the reset pulse"))


@frozen(eq=False)
class ExchangerFile(BaseRecord):
    """An exchanger."""

    title: str
    exchanger: HeatExchanger


@frozen(eq=False)
class CryogenicFile(BaseRecord):
    """A chip in helium: the bath, a load, and a superconductor with a current, if there is one.

    `boundary` is the conductance from which the coefficient of the bath was taken, if it was given as one.
    """

    title: str
    bath: HeliumBath
    load: float = field(metadata=about("W m^-2", "heat load on the surface"))
    device: Superconductor | None
    current: float = field(metadata=about("A", "current in the superconductor"))
    boundary: Conductance | None = None


_LEG_MODES = ("generator", "cooler")


def _limits(kind: str) -> Bounds:
    fault = "{value:g} (SI) is out of the range {low:g} to {high:g}: is it in another unit?"
    return Bounds(*_PLAUSIBLE_LIMITS[kind], fault)


def _quantity(name: str, kind: str, meaning: str, default: Any = NOTHING) -> Key:
    return toml.number(name, kind, meaning, default, bounds=_limits(kind))


def _attribute(record: type, name: str, *, key: str = "", meaning: str = "") -> Key:
    made = toml.attribute(record, name, key=key, meaning=meaning)
    kind = made.form.strip("`")
    if kind == "conductance" and record is not HeliumBath:
        return evolve(made, form="conductance", read=_read_boundary)
    if record is ThermoelectricLeg and kind in ("seebeck", "resistivity", "conductivity"):
        form = f"`{kind}`, or a table {{ temperature = [...], value = [...] }}"
        return evolve(made, form=form, read=partial(_read_property, kind))
    return toml.attribute(record, name, key=key, meaning=meaning, bounds=_limits(kind))


def _read_boundary(part: TomlTable, key: str, temperature: float = 300.0) -> float | Conductance:
    """Return a conductance with its uncertainty, if it has one; estimates are asked for around a temperature (K)."""
    value = read_conductance(part, BoundarySides(key=key), temperature)
    if isinstance(value[0], float) and np.isfinite(value[0]) and (fault := _limits("conductance").check(value[0])):
        raise part.fault(fault, key)
    return part.locate(key, Boundary, part.locate(key, held_with_sigma, value)).conductance


def _read_property(kind: str, part: TomlTable, key: str) -> float | LegProperty:
    if not isinstance(part.table.get(key), dict):
        return part.number(key, kind, bounds=_limits(kind))
    values = Table([_si_column("temperature", "temperature"), _si_column("value", kind)]).read(part.section(key))
    return part.locate(key, LegProperty, values["temperature"], values["value"])


def _si_column(name: str, kind: str) -> Key:
    def read(table: TomlTable, key: str) -> list[float]:
        values = table.table.get(key)
        if not isinstance(values, list) or not values:
            raise table.fault(f"expected a list of {kind.replace('_', ' ')}, got {values!r:.60}", key)
        numbers = [toml.read_quantity(table, key, value, kind, key) for value in values]
        if faults := [fault for number in numbers if (fault := _limits(kind).check(number))]:
            raise table.fault(faults[0], key)
        return numbers

    return toml.special(name, f"list of `{kind}`", "", read, NOTHING)


_LEG = Table(
    [
        *(_attribute(ThermoelectricLeg, name) for name in (
            "length", "area", "seebeck", "resistivity", "conductivity", "hot_resistivity", "cold_resistivity",
            "hot_conductance", "cold_conductance",
        )),
        _quantity("contact_resistivity", "contact_resistivity", "hot_resistivity and cold_resistivity", None),
        toml.special("contact_conductance", "conductance", "hot_conductance and cold_conductance", _read_boundary),
    ]
)  # fmt: skip
LEG_FILE = Table(
    [
        toml.TITLE,
        _quantity("hot", "temperature", "temperature of the hot reservoir"),
        _quantity("cold", "temperature", "temperature of the cold reservoir"),
        toml.text("mode", "whether the leg generates power or cools", "generator", choices=_LEG_MODES),
        _quantity("current", "current", "electric current; the best one if omitted", None),
        toml.table("leg", _LEG, NOTHING),
    ]
)


def read_leg(path: str | PathLike[str]) -> LegFile:
    """Read a thermoelectric leg."""
    top = toml.read_toml(path)
    values, part = LEG_FILE.read(top), top.section("leg")
    both = _LEG.read(part)
    given = {
        f"{side}_{what}": both[f"contact_{what}"]
        for what in ("resistivity", "conductance")
        for side in ("hot", "cold")
        if f"contact_{what}" in part
    }
    made = _LEG.make(part, ThermoelectricLeg, given)
    hot, cold = values["hot"], values["cold"]
    if not 0 < cold < hot:
        raise top.fault(f"hot = {hot:g} K is not above cold = {cold:g} K, both above 0", "hot")
    return LegFile(values["title"] or top.path.stem, made, hot, cold, values["mode"], values["current"])


_CELL = Table(
    [
        _attribute(MemoryCell, name) for name in (
            "radius", "height", "conductivity", "heat_capacity", "resistance", "melting", "dielectric", "pitch",
            "electrode", "latent", "side", "contact", "ambient",
        )
    ]
)  # fmt: skip
CELL_FILE = Table(
    [toml.TITLE, _quantity("pulse", "time", "length of the reset pulse", 50e-9), toml.table("cell", _CELL, NOTHING)]
)


def read_memory_cell(path: str | PathLike[str]) -> MemoryCellFile:
    """Read a phase-change memory cell."""
    top = toml.read_toml(path)
    values = CELL_FILE.read(top)
    made = _CELL.make(top.section("cell"), MemoryCell)
    if not values["pulse"] > 0:
        raise top.fault(f"a pulse of {values['pulse']:g} s: expected a time above 0", "pulse")
    return MemoryCellFile(values["title"] or top.path.stem, made, values["pulse"])


def _read_nusselt(part: TomlTable, key: str) -> float:
    if isinstance(part.table[key], str):
        return NUSSELT_NUMBERS[part.text(key, choices=NUSSELT_NUMBERS)]
    return part.number(key, "share", bounds=_limits("share"))


_STREAM = Table(
    [
        *(_attribute(Stream, name) for name in (
            "inlet", "flow", "conductivity", "heat_capacity", "viscosity", "density", "diameter", "section",
        )),
        evolve(
            _attribute(Stream, "nusselt"), form=" or ".join(f"`{name}`" for name in NUSSELT_NUMBERS) + " or a number",
            read=_read_nusselt,
        ),
    ]
)  # fmt: skip
_WALL = Table(
    [
        _attribute(HeatExchanger, "wall", key="thickness"),
        _attribute(HeatExchanger, "wall_conductivity", key="conductivity"),
        *(_attribute(HeatExchanger, name) for name in ("area", "length")),
        _attribute(HeatExchanger, "hot_boundary", key="hot_conductance"),
        _attribute(HeatExchanger, "cold_boundary", key="cold_conductance"),
    ]
)
EXCHANGER_FILE = Table(
    [
        toml.TITLE,
        toml.text("arrangement", "directions of the two streams", "counter", choices=FLOW_ARRANGEMENTS),
        toml.table("hot", _STREAM, NOTHING),
        toml.table("cold", _STREAM, NOTHING),
        toml.table("wall", _WALL, NOTHING),
    ]
)


def read_exchanger(path: str | PathLike[str]) -> ExchangerFile:
    """Read a nanofluidic exchanger."""
    top = toml.read_toml(path)
    values = EXCHANGER_FILE.read(top)
    streams = {name: _STREAM.make(top.section(name), Stream) for name in ("hot", "cold")}
    made = _WALL.make(top.section("wall"), HeatExchanger, {"arrangement": values["arrangement"], **streams})
    return ExchangerFile(values["title"] or top.path.stem, made)


_BATH_COEFFICIENTS = ("coefficient", "solid", "interface", "conductance")


def _check_coefficients(part: TomlTable) -> None:
    given = [key for key in _BATH_COEFFICIENTS if key in part]
    if len(given) > 1:
        raise part.fault(f"{' and '.join(given)}: give one of them, not both", given[1])


_BATH = Table(
    [
        *(_attribute(HeliumBath, name) for name in (
            "temperature", "exponent", "critical", "recovery", "film", "recovery_rise"
        )),
        toml.number(
            "coefficient", "radiation", "A of A(Tⁿ-T_bⁿ)", bounds=_limits("radiation"), unless=_BATH_COEFFICIENTS[1:]
        ),
        toml.text("solid", "material of the solid: A by acoustic mismatch with `liquid`", None),
        toml.text("interface", "solid and liquid, such as `Si|He-4 liquid`: A by acoustic mismatch", None),
        toml.special("conductance", "conductance", "Kapitza conductance at the temperature of the bath, G = nATⁿ⁻¹"),
        toml.text("liquid", "liquid in contact with `solid`", "He-4 liquid"),
    ],
    checks=(_check_coefficients,),
)  # fmt: skip
_SUPERCONDUCTOR = Table(
    [
        *(_attribute(Superconductor, name) for name in (
            "critical_temperature", "critical_current", "resistance", "perimeter"
        )),
        toml.text("heating", "heating in the resistive state", "sharing", choices=HEATING_MODELS),
        _quantity("current", "current", "electric current", 0.0),
    ]
)  # fmt: skip
CRYOGENIC_FILE = Table(
    [
        toml.TITLE,
        _quantity("load", "flux", "heat load on the surface", 0.0),
        toml.table("bath", _BATH, NOTHING),
        toml.table("device", _SUPERCONDUCTOR),
    ]
)


def read_cryogenic(path: str | PathLike[str]) -> CryogenicFile:
    """Read a chip in liquid helium."""
    top = toml.read_toml(path)
    values, part = CRYOGENIC_FILE.read(top), top.section("bath")
    bath, boundary = part.locate("", _read_bath, part)
    load = values["load"]
    if load < 0:
        raise top.fault(f"a load of {load:g} W/m²: expected at least 0", "load")
    device, current = None, 0.0
    if "device" in top:
        inside = top.section("device")
        given = _SUPERCONDUCTOR.read(inside)
        device, current = _SUPERCONDUCTOR.make(inside, Superconductor, {"heating": given["heating"]}), given["current"]
        if not device.critical_temperature > bath.temperature:
            message = f"is normal above {device.critical_temperature:g} K, and the bath has {bath.temperature:g} K"
            raise inside.fault(message, "critical_temperature")
    return CryogenicFile(values["title"] or top.path.stem, bath, load, device, current, boundary)


def _read_bath(part: TomlTable) -> tuple[HeliumBath, Conductance | None]:
    """Return the bath, and the conductance that its coefficient stands for, if one is given.

    The coefficient is a number, that of a conductance at the temperature of the bath, $G/nT^{n-1}$, or that which a
    solid in helium should have by acoustic mismatch.
    """
    values = _BATH.read(part)
    temperature, exponent, boundary = values["temperature"], values["exponent"], None
    slope, coefficient = exponent * temperature ** (exponent - 1), values["coefficient"]
    if "conductance" in part:
        given = _read_boundary(part, "conductance", temperature)
        boundary = given if isinstance(given, Conductance) else None
        coefficient = (given if boundary is None else float(boundary.at(temperature)[0])) / slope
    elif coefficient is None:
        coefficient = _acoustic_conductance(part, "solid" if "solid" in part else "interface", temperature) / slope
    return _BATH.make(part, HeliumBath, {"coefficient": coefficient}), boundary


def _acoustic_conductance(part: TomlTable, key: str, temperature: float) -> float:
    """Conductance of a solid in helium by acoustic mismatch, W m⁻² K⁻¹; from `solid`, or from both by `interface`."""
    names = [name.strip() for name in part.text(key).split("|")] if key == "interface" else []
    if key == "interface" and (len(names) != 2 or not all(names)):
        raise part.fault(f"{part.text(key)!r:.60}: expected two materials, such as 'Si|He-4 liquid'", key)
    pair = names or [part.text("solid"), part.text("liquid", "He-4 liquid")]
    wall, helium = sorted(map(material, pair), key=lambda known: known.symmetry == LIQUID_SYMMETRY)
    warn_of_state(helium, temperature)
    warn_of_state(wall, temperature)
    return float(khalatnikov(helium.fluid(), wall.solid()).total.conductance(temperature).value[0])
