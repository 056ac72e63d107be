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

_ExperimentAndCurve = tuple[Experiment, Curve | None]
_RowMask = np.ndarray[Any, np.dtype[np.bool_]]

_COMMON_KEYS = ("kind", "name", "scale", "data", "from", "to", "noise", "changes")
_PLANE_KEYS = ("heater", "thermometer", "absorption_depth", "back")
_BEAM_KEYS = ("pump_radius", "probe_radius", "pump_radius_y", "probe_radius_y", "offset", "offset_y")
_OPTICAL_KEYS = (*_COMMON_KEYS, *_PLANE_KEYS, *_BEAM_KEYS, "signal", "phase")
_RELATIVE_SIGNALS = ("ratio", "amplitude")
_TEMPERATURE_COLUMNS = ("temperature", "signal")  # names of a column of temperatures, or of what stands for them


def _read_tdtr(section: TomlTable, temperature: float) -> _ExperimentAndCurve:
    """Time-domain thermoreflectance: columns delay and ratio, or delay, in_phase and out_of_phase."""
    section.known(
        (*_OPTICAL_KEYS, "modulation", "repetition", "delayed", "defocus", "time_zero", "delays", "out_of_phase_offset")
    )
    kind = section.text("signal", "ratio", choices=SIGNAL_KINDS)
    table, x, keep = _read_axis(section, "time", "delays", ("delay", "time"))
    experiment = Tdtr(
        x,
        _read_beams(section),
        modulation=section.number("modulation", "frequency"),
        repetition=section.number("repetition", "frequency"),
        delayed=cast("Any", section.text("delayed", choices=("pump", "probe"))),
        kind=cast("Any", kind),
        setup=_read_setup(section, temperature),
        defocus=_pump_growth(section),
        time_zero=section.number("time_zero", "time", 0.0),
        phase=section.number("phase", "angle", 0.0),
        scale=section.number("scale", "share", 1.0),
        name=section.text("name", "tdtr"),
    )
    if table is None:
        return experiment, None
    offset = section.number("out_of_phase_offset", "share", 0.0)
    return experiment, _measured_curve(section, x, _lock_in_signal(table, kind, offset), kind, table, keep)


def _read_fdtr(section: TomlTable, temperature: float) -> _ExperimentAndCurve:
    """Frequency-domain thermoreflectance: columns frequency and phase, or frequency and amplitude."""
    section.known((*_OPTICAL_KEYS, "frequencies"))
    kind = section.text("signal", "phase", choices=SIGNAL_KINDS)
    table, x, keep = _read_axis(section, "frequency", "frequencies", ("frequency", "f"))
    experiment = Fdtr(
        x,
        _read_beams(section),
        kind=cast("Any", kind),
        setup=_read_setup(section, temperature),
        phase=section.number("phase", "angle", 0.0),
        scale=section.number("scale", "share", 1.0),
        name=section.text("name", "fdtr"),
    )
    if table is None:
        return experiment, None
    return experiment, _measured_curve(section, x, _lock_in_signal(table, kind, 0.0), kind, table, keep)


def _read_sstr(section: TomlTable, temperature: float) -> _ExperimentAndCurve:
    """Steady-state thermoreflectance: columns power and temperature."""
    section.known((*_COMMON_KEYS, *_PLANE_KEYS, *_BEAM_KEYS, "modulation", "powers"))
    table, x, keep = _read_axis(section, "power", "powers", ("power", "P"))
    experiment = Sstr(
        x,
        _read_beams(section),
        modulation=section.number("modulation", "frequency", 0.0),
        setup=_read_setup(section, temperature),
        scale=section.number("scale", "share", 1.0),
        name=section.text("name", "steady"),
    )
    return experiment, _temperature_curve(section, table, x, keep)


def _read_raman(section: TomlTable, temperature: float) -> _ExperimentAndCurve:
    """Raman thermometry: columns radius and response (K/W)."""
    section.known((*_COMMON_KEYS, *_PLANE_KEYS, "offset", "radii"))
    table, x, keep = _read_axis(section, "length", "radii", ("radius", "w"))
    experiment = Raman(
        x,
        offset=section.number("offset", "length", 0.0),
        setup=_read_setup(section, temperature),
        scale=section.number("scale", "share", 1.0),
        name=section.text("name", "raman"),
    )
    if table is None:
        return experiment, None
    return experiment, _measured_curve(section, x, table.values("response", "response"), "temperature", table, keep)


def _read_three_omega(section: TomlTable, temperature: float) -> _ExperimentAndCurve:
    """Three omega: columns frequency (of the current) and in_phase, out_of_phase, amplitude or phase."""
    section.known((*_COMMON_KEYS, *_PLANE_KEYS, "signal", "half_width", "length", "power", "frequencies"))
    kind = section.text("signal", "in_phase", choices=SIGNAL_KINDS)
    table, x, keep = _read_axis(section, "frequency", "frequencies", ("frequency", "f"))
    experiment = ThreeOmega(
        x,
        half_width=section.number("half_width", "length"),
        length=section.number("length", "length"),
        power=section.number("power", "power"),
        kind=cast("Any", kind),
        setup=_read_setup(section, temperature),
        scale=section.number("scale", "share", 1.0),
        name=section.text("name", "omega"),
    )
    if table is None:
        return experiment, None
    return experiment, _measured_curve(section, x, _lock_in_signal(table, kind, 0.0), kind, table, keep)


def _read_cooling(section: TomlTable, temperature: float) -> _ExperimentAndCurve:
    """Cooling of a film after a flash: columns time and temperature."""
    section.known((*_COMMON_KEYS, "absorption_depth", "back", "heated", "read", "times"))
    table, x, keep = _read_axis(section, "time", "times", ("time", "delay"))
    experiment = FilmCooling(
        x,
        heated=cast("Any", section.text("heated", "film", choices=("film", "surface"))),
        read=cast("Any", section.text("read", "film", choices=("film", "surface"))),
        setup=_read_setup(section, temperature),
        scale=section.number("scale", "share", 1.0),
        name=section.text("name", "cooling"),
    )
    return experiment, _temperature_curve(section, table, x, keep)


def _read_particle(section: TomlTable, temperature: float) -> _ExperimentAndCurve:
    """Cooling of particles in a liquid after a flash: columns time and temperature."""
    section.known((*_COMMON_KEYS, "times"))
    table, x, keep = _read_axis(section, "time", "times", ("time", "delay"))
    scale, name = section.number("scale", "share", 1.0), section.text("name", "particle")
    return ParticleCooling(x, temperature=temperature, scale=scale, name=name), _temperature_curve(
        section, table, x, keep
    )


def _read_flash(section: TomlTable, temperature: float) -> _ExperimentAndCurve:
    """Laser flash: columns time and temperature, of the far face."""
    section.known((*_COMMON_KEYS, "times"))
    table, x, keep = _read_axis(section, "time", "times", ("time",))
    scale, name = section.number("scale", "share", 1.0), section.text("name", "flash")
    return LaserFlash(x, temperature=temperature, scale=scale, name=name), _temperature_curve(section, table, x, keep)


def _temperature_curve(section: TomlTable, table: TextTable | None, x: Array, keep: _RowMask) -> Curve | None:
    """A curve of temperatures, or of a signal that goes with them; None where there are no data."""
    if table is None:
        return None
    return _measured_curve(section, x, _scaled_column(table, *_TEMPERATURE_COLUMNS), "temperature", table, keep)


def _pump_growth(section: TomlTable) -> float:
    """Growth of the pump along the delay, from defocus = { growth = "16 %", over = "3.6 ns" }, s⁻¹."""
    if "defocus" not in section:
        return 0.0
    inside = section.section("defocus")
    inside.known(("growth", "over"))
    return inside.number("growth", "share") / inside.number("over", "time")


def _read_beams(section: TomlTable) -> Beams:
    """Radii and offsets of the beams."""
    return Beams(
        section.number("pump_radius", "length"),
        section.number("probe_radius", "length"),
        pump_radius_y=section.optional("pump_radius_y", "length"),
        probe_radius_y=section.optional("probe_radius_y", "length"),
        offset=section.number("offset", "length", 0.0),
        offset_y=section.number("offset_y", "length", 0.0),
    )


def _read_setup(section: TomlTable, temperature: float) -> Setup:
    """Where heat enters and is read, and what lies behind."""
    back = section.text("back", "adiabatic", choices=("adiabatic", "isothermal"))
    return Setup(
        _read_setup_plane(section, "heater"),
        _read_setup_plane(section, "thermometer"),
        absorption_depth=section.number("absorption_depth", "length", 0.0),
        back="adiabatic" if back == "adiabatic" else "isothermal",
        temperature=temperature,
    )


def _read_setup_plane(section: TomlTable, key: str) -> Plane | None:
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


def _read_axis(
    section: TomlTable, kind: str, key: str, columns: tuple[str, ...]
) -> tuple[TextTable | None, Array, _RowMask]:
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
    found = numbers(_spaced_points(cast("list[object]", points), kind))
    return None, found, np.ones(found.size, bool)


def _spaced_points(points: list[object], kind: str) -> list[float]:
    """Points of a list, or equal steps of the logarithm for [first, last, number]."""
    if len(points) == 3 and isinstance(points[2], int) and points[2] > 3:
        first, last = (quantity(p, kind, what=kind) for p in points[:2])
        return np.geomspace(first, last, points[2]).tolist()
    return [quantity(p, kind, what=kind) for p in points]


def _lock_in_signal(table: TextTable, kind: str, offset: float) -> Array:
    """What `kind` says, from its column or both voltages; `offset` is taken off the out-of-phase one, in its unit."""
    if kind == "ratio" and "ratio" in table and "out_of_phase" not in table and "Vout" not in table:
        return table.values("share", "ratio")
    if kind in ("phase", "amplitude"):
        return table.values("angle", kind) if kind == "phase" else _scaled_column(table, kind, "R")
    if kind == "in_phase":
        return _scaled_column(table, "in_phase", "Vin")
    if kind == "out_of_phase":
        column = table.column("out_of_phase", "Vout")
        return numbers(_scaled_column(table, column.name) - offset * _voltage_factor(table, column))
    inside = table.column("in_phase", "Vin")
    out = table.column("out_of_phase", "Vout")
    inside, out = inside.value * _voltage_factor(table, inside), (out.value - offset) * _voltage_factor(table, out)
    zero = np.flatnonzero(out == 0)
    if zero.size:
        raise table.fault("the out-of-phase signal is 0: there is no ratio", int(zero[0]))
    return numbers(-inside / out)


def _voltage_factor(table: TextTable, column: TableColumn) -> float:
    """Factor to volts or kelvin of a column of either."""
    if not column.unit:
        return 1.0
    found = unit_factor(column.unit, "signal") or unit_factor(column.unit, "temperature")
    if found is None:
        raise DataError(f"column {column.name!r} is in {column.unit}; expected V, mV, uV or K", file=table.path)
    return found


def _scaled_column(table: TextTable, *names: str) -> Array:
    """A column in volts or kelvin."""
    column = table.column(*names)
    return numbers(column.value * _voltage_factor(table, column))


def _measured_curve(section: TomlTable, x: Array, whole: Array, kind: str, table: TextTable, keep: _RowMask) -> Curve:
    """The curve, with the uncertainty of its points where the file or the column sigma states it."""
    value = numbers(whole[keep])
    if "noise" not in section:
        if "sigma" not in table:
            return Curve(x, value, None, kind)
        column = table.column("sigma")
        sigma = table.values("angle", "sigma") if kind == "phase" else column.value * _voltage_factor(table, column)
        poor = np.flatnonzero(keep & (sigma <= 0))
        if poor.size:
            raise table.fault(f"sigma = {sigma[poor[0]]:g}: expected an uncertainty above 0", int(poor[0]))
        return Curve(x, value, numbers(sigma[keep]), kind)
    unit = "angle" if kind == "phase" else "temperature" if kind == "temperature" else "signal"
    size, share = _read_noise(section, unit)
    sigma = size * np.abs(value) if share or kind in _RELATIVE_SIGNALS else np.full(value.size, size)
    return Curve(x, value, sigma, kind)


def _read_noise(section: TomlTable, unit: str) -> tuple[float, bool]:
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


EXPERIMENT_READERS: Mapping[str, Callable[[TomlTable, float], _ExperimentAndCurve]] = MappingProxyType(
    {
        "tdtr": _read_tdtr,
        "fdtr": _read_fdtr,
        "steady": _read_sstr,
        "three-omega": _read_three_omega,
        "cooling": _read_cooling,
        "particle": _read_particle,
        "flash": _read_flash,
        "raman": _read_raman,
    }
)
