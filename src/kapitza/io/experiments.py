"""Experiments of a sample file: each kind with its keys and the columns of its data."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, cast

import numpy as np

from kapitza.core.arrays import Array, numbers
from kapitza.device.setup import Plane, Setup
from kapitza.errors import DataError, InputError
from kapitza.io.quantities import quantity, share_or_quantity, unit_factor
from kapitza.io.text_tables import TableColumn, TextTable, read_table
from kapitza.io.toml import TomlTable
from kapitza.measure.experiment import Curve, Experiment
from kapitza.measure.thermoreflectance.beams import Beams
from kapitza.measure.thermoreflectance.cooling import FilmCooling, LaserFlash, ParticleCooling
from kapitza.measure.thermoreflectance.fdtr import Fdtr
from kapitza.measure.thermoreflectance.signal import SIGNAL_KINDS
from kapitza.measure.thermoreflectance.sstr import Raman, Sstr
from kapitza.measure.thermoreflectance.tdtr import Tdtr
from kapitza.measure.thermoreflectance.three_omega import ThreeOmega

ExperimentAndCurve = tuple[Experiment, Curve | None]
RowMask = np.ndarray[Any, np.dtype[np.bool_]]

COMMON_KEYS = ("kind", "name", "scale", "data", "from", "to", "noise", "changes")
PLANE_KEYS = ("heater", "thermometer", "absorption_depth", "back")
BEAM_KEYS = ("pump_radius", "probe_radius", "pump_radius_y", "probe_radius_y", "offset", "offset_y")
OPTICAL_KEYS = (*COMMON_KEYS, *PLANE_KEYS, *BEAM_KEYS, "signal", "phase")
RELATIVE_SIGNALS = ("ratio", "amplitude")
TEMPERATURE_COLUMNS = ("temperature", "signal")  # names of a column of temperatures, or of what stands for them


def read_tdtr(section: TomlTable, temperature: float) -> ExperimentAndCurve:
    """Time-domain thermoreflectance: columns delay and ratio, or delay, in_phase and out_of_phase."""
    section.known(
        (*OPTICAL_KEYS, "modulation", "repetition", "delayed", "defocus", "time_zero", "delays", "out_of_phase_offset")
    )
    kind = section.text("signal", "ratio", choices=SIGNAL_KINDS)
    table, x, keep = read_axis(section, "time", "delays", ("delay", "time"))
    experiment = Tdtr(
        x,
        read_beams(section),
        modulation=section.number("modulation", "frequency"),
        repetition=section.number("repetition", "frequency"),
        delayed=cast("Any", section.text("delayed", choices=("pump", "probe"))),
        kind=cast("Any", kind),
        setup=read_setup(section, temperature),
        defocus=pump_growth(section),
        time_zero=section.number("time_zero", "time", 0.0),
        phase=section.number("phase", "angle", 0.0),
        scale=section.number("scale", "share", 1.0),
        name=section.text("name", "tdtr"),
    )
    if table is None:
        return experiment, None
    offset = section.number("out_of_phase_offset", "share", 0.0)
    return experiment, measured_curve(section, x, lock_in_signal(table, kind, offset), kind, table, keep)


def read_fdtr(section: TomlTable, temperature: float) -> ExperimentAndCurve:
    """Frequency-domain thermoreflectance: columns frequency and phase, or frequency and amplitude."""
    section.known((*OPTICAL_KEYS, "frequencies"))
    kind = section.text("signal", "phase", choices=SIGNAL_KINDS)
    table, x, keep = read_axis(section, "frequency", "frequencies", ("frequency", "f"))
    experiment = Fdtr(
        x,
        read_beams(section),
        kind=cast("Any", kind),
        setup=read_setup(section, temperature),
        phase=section.number("phase", "angle", 0.0),
        scale=section.number("scale", "share", 1.0),
        name=section.text("name", "fdtr"),
    )
    if table is None:
        return experiment, None
    return experiment, measured_curve(section, x, lock_in_signal(table, kind, 0.0), kind, table, keep)


def read_sstr(section: TomlTable, temperature: float) -> ExperimentAndCurve:
    """Steady-state thermoreflectance: columns power and temperature."""
    section.known((*COMMON_KEYS, *PLANE_KEYS, *BEAM_KEYS, "modulation", "powers"))
    table, x, keep = read_axis(section, "power", "powers", ("power", "P"))
    experiment = Sstr(
        x,
        read_beams(section),
        modulation=section.number("modulation", "frequency", 0.0),
        setup=read_setup(section, temperature),
        scale=section.number("scale", "share", 1.0),
        name=section.text("name", "steady"),
    )
    return experiment, temperature_curve(section, table, x, keep)


def read_raman(section: TomlTable, temperature: float) -> ExperimentAndCurve:
    """Raman thermometry: columns radius and response (K/W)."""
    section.known((*COMMON_KEYS, *PLANE_KEYS, "offset", "radii"))
    table, x, keep = read_axis(section, "length", "radii", ("radius", "w"))
    experiment = Raman(
        x,
        offset=section.number("offset", "length", 0.0),
        setup=read_setup(section, temperature),
        scale=section.number("scale", "share", 1.0),
        name=section.text("name", "raman"),
    )
    if table is None:
        return experiment, None
    return experiment, measured_curve(section, x, table.values("response", "response"), "temperature", table, keep)


def read_three_omega(section: TomlTable, temperature: float) -> ExperimentAndCurve:
    """Three omega: columns frequency (of the current) and in_phase, out_of_phase, amplitude or phase."""
    section.known((*COMMON_KEYS, *PLANE_KEYS, "signal", "half_width", "length", "power", "frequencies"))
    kind = section.text("signal", "in_phase", choices=SIGNAL_KINDS)
    table, x, keep = read_axis(section, "frequency", "frequencies", ("frequency", "f"))
    experiment = ThreeOmega(
        x,
        half_width=section.number("half_width", "length"),
        length=section.number("length", "length"),
        power=section.number("power", "power"),
        kind=cast("Any", kind),
        setup=read_setup(section, temperature),
        scale=section.number("scale", "share", 1.0),
        name=section.text("name", "omega"),
    )
    if table is None:
        return experiment, None
    return experiment, measured_curve(section, x, lock_in_signal(table, kind, 0.0), kind, table, keep)


def read_cooling(section: TomlTable, temperature: float) -> ExperimentAndCurve:
    """Cooling of a film after a flash: columns time and temperature."""
    section.known((*COMMON_KEYS, "absorption_depth", "back", "heated", "read", "times"))
    table, x, keep = read_axis(section, "time", "times", ("time", "delay"))
    experiment = FilmCooling(
        x,
        heated=cast("Any", section.text("heated", "film", choices=("film", "surface"))),
        read=cast("Any", section.text("read", "film", choices=("film", "surface"))),
        setup=read_setup(section, temperature),
        scale=section.number("scale", "share", 1.0),
        name=section.text("name", "cooling"),
    )
    return experiment, temperature_curve(section, table, x, keep)


def read_particle(section: TomlTable, temperature: float) -> ExperimentAndCurve:
    """Cooling of particles in a liquid after a flash: columns time and temperature."""
    section.known((*COMMON_KEYS, "times"))
    table, x, keep = read_axis(section, "time", "times", ("time", "delay"))
    scale, name = section.number("scale", "share", 1.0), section.text("name", "particle")
    return ParticleCooling(x, temperature=temperature, scale=scale, name=name), temperature_curve(
        section, table, x, keep
    )


def read_flash(section: TomlTable, temperature: float) -> ExperimentAndCurve:
    """Laser flash: columns time and temperature, of the far face."""
    section.known((*COMMON_KEYS, "times"))
    table, x, keep = read_axis(section, "time", "times", ("time",))
    scale, name = section.number("scale", "share", 1.0), section.text("name", "flash")
    return LaserFlash(x, temperature=temperature, scale=scale, name=name), temperature_curve(section, table, x, keep)


def temperature_curve(section: TomlTable, table: TextTable | None, x: Array, keep: RowMask) -> Curve | None:
    """A curve of temperatures, or of a signal that goes with them; None where there are no data."""
    if table is None:
        return None
    return measured_curve(section, x, scaled_column(table, *TEMPERATURE_COLUMNS), "temperature", table, keep)


def pump_growth(section: TomlTable) -> float:
    """Growth of the pump along the delay, from defocus = { growth = "16 %", over = "3.6 ns" }, s⁻¹."""
    if "defocus" not in section:
        return 0.0
    inside = section.section("defocus")
    inside.known(("growth", "over"))
    return inside.number("growth", "share") / inside.number("over", "time")


def read_beams(section: TomlTable) -> Beams:
    """Radii and offsets of the beams."""
    return Beams(
        section.number("pump_radius", "length"),
        section.number("probe_radius", "length"),
        pump_radius_y=section.optional("pump_radius_y", "length"),
        probe_radius_y=section.optional("probe_radius_y", "length"),
        offset=section.number("offset", "length", 0.0),
        offset_y=section.number("offset_y", "length", 0.0),
    )


def read_setup(section: TomlTable, temperature: float) -> Setup:
    """Where heat enters and is read, and what lies behind."""
    back = section.text("back", "adiabatic", choices=("adiabatic", "isothermal"))
    return Setup(
        read_setup_plane(section, "heater"),
        read_setup_plane(section, "thermometer"),
        absorption_depth=section.number("absorption_depth", "length", 0.0),
        back="adiabatic" if back == "adiabatic" else "isothermal",
        temperature=temperature,
    )


def read_setup_plane(section: TomlTable, key: str) -> Plane | None:
    """A plane such as heater = { layer = "Al", depth = "10 nm" }."""
    if key not in section:
        return None
    inside = section.section(key)
    inside.known(("layer", "depth", "from_bottom"))
    return Plane(
        inside.text("layer"),
        inside.number("depth", "length", 0.0),
        from_bottom=bool(inside.table.get("from_bottom", False)),
    )


def read_axis(
    section: TomlTable, kind: str, key: str, columns: tuple[str, ...]
) -> tuple[TextTable | None, Array, RowMask]:
    """The table of the data with the rows to use, or the points of a simulation; (n,) points, SI."""
    if "data" in section:
        table = read_table(section.beside("data"))
        x = table.increasing(kind, *columns)
        if key != "delays" and x[0] <= 0:
            raise table.fault(f"{columns[0]} = {x[0]:g}: expected values above 0", 0)
        low, high = section.number("from", kind, -np.inf), section.number("to", kind, np.inf)
        keep = (x >= low) & (x <= high)
        if not keep.any():
            raise section.fault(
                f"no data between {low:g} and {high:g}: they run from {x[0]:g} to {x[-1]:g} (SI)", "from"
            )
        return table, numbers(x[keep]), keep
    points = section.table.get(key)
    if not isinstance(points, list) or len(cast("list[object]", points)) < 2:
        raise section.fault(f"is missing: give `data`, or {key} as [first, last, number] or a longer list", key)
    found = numbers(spaced_points(cast("list[object]", points), kind))
    return None, found, np.ones(found.size, bool)


def spaced_points(points: list[object], kind: str) -> list[float]:
    """Points of a list, or equal steps of the logarithm for [first, last, number]."""
    if len(points) == 3 and isinstance(points[2], int) and points[2] > 3:
        first, last = (quantity(p, kind, what=kind) for p in points[:2])
        return np.geomspace(first, last, points[2]).tolist()
    return [quantity(p, kind, what=kind) for p in points]


def lock_in_signal(table: TextTable, kind: str, offset: float) -> Array:
    """What `kind` says, from a column of its own or from the voltages in and out of phase.

    `offset` is taken off the out-of-phase voltage, in the unit of its column.
    """
    if kind == "ratio" and "ratio" in table and "out_of_phase" not in table and "Vout" not in table:
        return table.values("share", "ratio")
    if kind in ("phase", "amplitude"):
        return table.values("angle", kind) if kind == "phase" else scaled_column(table, kind, "R")
    if kind == "in_phase":
        return scaled_column(table, "in_phase", "Vin")
    if kind == "out_of_phase":
        column = table.column("out_of_phase", "Vout")
        return numbers(scaled_column(table, column.name) - offset * voltage_factor(table, column))
    inside = table.column("in_phase", "Vin")
    out = table.column("out_of_phase", "Vout")
    inside, out = inside.value * voltage_factor(table, inside), (out.value - offset) * voltage_factor(table, out)
    zero = np.flatnonzero(out == 0)
    if zero.size:
        raise table.fault("the out-of-phase signal is 0: there is no ratio", int(zero[0]))
    return numbers(-inside / out)


def voltage_factor(table: TextTable, column: TableColumn) -> float:
    """Factor to volts or kelvin of a column of either."""
    if not column.unit:
        return 1.0
    found = unit_factor(column.unit, "signal") or unit_factor(column.unit, "temperature")
    if found is None:
        raise DataError(f"column {column.name!r} is in {column.unit}; expected V, mV, uV or K", file=table.path)
    return found


def scaled_column(table: TextTable, *names: str) -> Array:
    """A column in volts or kelvin."""
    column = table.column(*names)
    return numbers(column.value * voltage_factor(table, column))


def measured_curve(section: TomlTable, x: Array, whole: Array, kind: str, table: TextTable, keep: RowMask) -> Curve:
    """The curve, with the uncertainty of its points where the file or the column sigma states it."""
    value = numbers(whole[keep])
    if "noise" not in section:
        if "sigma" not in table:
            return Curve(x, value, None, kind)
        column = table.column("sigma")
        sigma = table.values("angle", "sigma") if kind == "phase" else column.value * voltage_factor(table, column)
        poor = np.flatnonzero(keep & (sigma <= 0))
        if poor.size:
            raise table.fault(f"sigma = {sigma[poor[0]]:g}: expected an uncertainty above 0", int(poor[0]))
        return Curve(x, value, numbers(sigma[keep]), kind)
    unit = "angle" if kind == "phase" else "temperature" if kind == "temperature" else "signal"
    size, share = read_noise(section, unit)
    sigma = size * np.abs(value) if share or kind in RELATIVE_SIGNALS else np.full(value.size, size)
    return Curve(x, value, sigma, kind)


def read_noise(section: TomlTable, unit: str) -> tuple[float, bool]:
    """Size of the noise and whether it is a share, with the place of a fault in the file."""
    try:
        size, share = share_or_quantity(section.table["noise"], unit, what="noise")
    except InputError as err:
        raise section.fault(str(err), "noise") from err
    if size <= 0:
        raise section.fault(
            f"noise = {size:g}: expected more than 0; leave it out if only the scatter is known", "noise"
        )
    return size, share


EXPERIMENT_READERS: Mapping[str, Callable[[TomlTable, float], ExperimentAndCurve]] = MappingProxyType(
    {
        "tdtr": read_tdtr,
        "fdtr": read_fdtr,
        "steady": read_sstr,
        "three-omega": read_three_omega,
        "cooling": read_cooling,
        "particle": read_particle,
        "flash": read_flash,
        "raman": read_raman,
    }
)
