"""Experiments of a sample file: each kind with its keys and the columns of its data."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, cast

import numpy as np
from attrs import NOTHING, field, fields_dict, frozen

from kapitza.core.arrays import Array, numbers
from kapitza.core.parameter_units import kind_of_parameter
from kapitza.core.records import BaseRecord
from kapitza.device.setup import Plane, Setup
from kapitza.errors import DataError, InputError, MissingFile
from kapitza.io.quantities import quantity, share_or_quantity, unit_factor
from kapitza.io.text_tables import TableColumn, TextTable, read_table, row_fault
from kapitza.io.toml import TomlTable
from kapitza.measure.experiment import Curve, Experiment
from kapitza.measure.thermoreflectance.beams import Beams
from kapitza.measure.thermoreflectance.cooling import FilmCooling, LaserFlash, ParticleCooling
from kapitza.measure.thermoreflectance.fdtr import Fdtr
from kapitza.measure.thermoreflectance.signal import SIGNAL_KINDS
from kapitza.measure.thermoreflectance.sstr import Raman, Sstr
from kapitza.measure.thermoreflectance.tdtr import Tdtr
from kapitza.measure.thermoreflectance.three_omega import ThreeOmega

_MAX_POINTS = 100_000  # of a curve, at some kilobytes of memory each
_TOO_MANY = f"expected at most {_MAX_POINTS:,}, as after averages over neighbours"
_RowMask = np.ndarray[Any, np.dtype[np.bool_]]

_PLANE_KEYS = ("heater", "thermometer", "absorption_depth", "back")
_BEAM_KEYS = ("pump_radius", "probe_radius", "pump_radius_y", "probe_radius_y", "offset", "offset_y")
_PUBLISHED_ELSEWHERE = "# not part of the package"  # how a sample begins whose data others have published
_RELATIVE_SIGNALS = ("ratio", "amplitude")
_TEMPERATURE_COLUMNS = ("temperature", "signal")  # names of a column of temperatures, or of what stands for them


@frozen
class _ExperimentKind(BaseRecord):
    """A kind of experiment: its record, and where its points, numbers and words stand in a file.

    Points come from one of `columns` of the data, or from the key `points`; `unit` is their kind of unit.  Numbers and
    words are keys of the names that the attributes of the record have; those with a default may be left out.
    """

    record: Callable[..., Experiment]
    unit: str
    points: str
    columns: tuple[str, ...]
    numbers: tuple[str, ...] = field(default=(), kw_only=True)
    words: Mapping[str, tuple[str, ...]] = field(factory=dict, kw_only=True)
    planes: tuple[str, ...] = field(default=_PLANE_KEYS, kw_only=True)
    beams: bool = field(default=False, kw_only=True)
    signal: str | None = field(default=None, kw_only=True)  # where none is named; None where temperatures are measured
    others: tuple[str, ...] = field(default=(), kw_only=True)  # keys that one kind alone has

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys that such an experiment may have."""
        common = ("kind", "name", "scale", "data", "from", "to", "noise", "changes", self.points)
        beams = _BEAM_KEYS if self.beams else ()
        signal = ("signal",) if self.signal else ()
        return (*common, *self.numbers, *self.words, *self.planes, *beams, *signal, *self.others)


_DELAY, _FREQUENCY, _FILM_PARTS = ("delay", "time"), ("frequency", "f"), ("film", "surface")
_EXPERIMENT_KINDS: Mapping[str, _ExperimentKind] = MappingProxyType(
    {
        "tdtr": _ExperimentKind(
            Tdtr, "time", "delays", _DELAY, beams=True, signal="ratio", words={"delayed": ("pump", "probe")},
            numbers=("modulation", "repetition", "time_zero", "phase"), others=("defocus", "out_of_phase_offset"),
        ),
        "fdtr": _ExperimentKind(
            Fdtr, "frequency", "frequencies", _FREQUENCY, beams=True, signal="phase", numbers=("phase",)
        ),
        "steady": _ExperimentKind(Sstr, "power", "powers", ("power", "P"), beams=True, numbers=("modulation",)),
        "three-omega": _ExperimentKind(
            ThreeOmega, "frequency", "frequencies", _FREQUENCY, signal="in_phase",
            numbers=("half_width", "length", "power"),
        ),
        "cooling": _ExperimentKind(
            FilmCooling, "time", "times", _DELAY[::-1], words={"heating": _FILM_PARTS, "readout": _FILM_PARTS},
            planes=("absorption_depth", "back"),
        ),
        "particle": _ExperimentKind(ParticleCooling, "time", "times", _DELAY[::-1], planes=()),
        "flash": _ExperimentKind(LaserFlash, "time", "times", ("time",), planes=()),
        "raman": _ExperimentKind(Raman, "length", "radii", ("radius", "w"), numbers=("offset",)),
    }
)  # fmt: skip


def read_experiment(section: TomlTable, temperature: float) -> tuple[Experiment, Curve | None]:
    """One experiment at a temperature (K) and its curve, None where the file names no data."""
    one = _EXPERIMENT_KINDS[section.text("kind", choices=sorted(_EXPERIMENT_KINDS))]
    section.check_keys(one.keys, {"heated": "heating", "read": "readout"})
    signal = None if one.signal is None else section.text("signal", one.signal, choices=SIGNAL_KINDS)
    table, x, keep = _read_axis(section, one)
    attributes = fields_dict(cast("Any", one.record))
    needed = [name for name in (*one.numbers, *one.words) if name in section or attributes[name].default is NOTHING]
    arguments: dict[str, Any] = {
        name: section.text(name, choices=one.words[name])
        if name in one.words
        else section.number(name, kind_of_parameter(name))
        for name in needed
    }
    if one.beams:
        arguments["beams"] = _read_beams(section)
    if signal is not None:
        arguments["kind"] = signal
    if "defocus" in section:
        arguments["defocus"] = _pump_growth(section.section("defocus"))
    arguments |= {"setup": _read_setup(section, temperature)} if one.planes else {"temperature": temperature}
    name = section.text("name", attributes["name"].default)
    experiment = one.record(x, **arguments, scale=section.number("scale", "share", 1.0), name=name)
    if table is None:
        return experiment, None
    if signal is not None:
        offset = section.number("out_of_phase_offset", "share", 0.0)
        return experiment, _measured_curve(section, x, _lock_in_signal(table, signal, offset), signal, table, keep)
    response = one.record is Raman
    measured = table.values("response", "response") if response else _scaled_column(table, *_TEMPERATURE_COLUMNS)
    return experiment, _measured_curve(section, x, measured, "temperature", table, keep)


def _pump_growth(defocus: TomlTable) -> float:
    """Growth of the pump along the delay, from defocus = { growth = "16 %", over = "3.6 ns" }, s⁻¹."""
    defocus.check_keys(("growth", "over"))
    return defocus.number("growth", "share") / defocus.number("over", "time")


def _read_beams(section: TomlTable) -> Beams:
    """Radii and offsets of the beams."""
    radii = [section.number(key, "length") for key in _BEAM_KEYS[:2]]
    return Beams(*radii, **{key: section.number(key, "length") for key in _BEAM_KEYS[2:] if key in section})


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
    inside.check_keys(("layer", "depth", "from_bottom"))
    return Plane(
        inside.text("layer"),
        inside.number("depth", "length", 0.0),
        from_bottom=bool(inside.table.get("from_bottom", False)),
    )


def _read_axis(section: TomlTable, one: _ExperimentKind) -> tuple[TextTable | None, Array, _RowMask]:
    """The table of the data with the rows to use, or the points of a simulation; (n,) points, SI."""
    if "data" in section:
        table = _read_curve_file(section)
        x = table.increasing(one.unit, *one.columns)
        if one.points != "delays" and x[0] <= 0:
            raise row_fault(table, f"{one.columns[0]} = {x[0]:g}: expected values above 0", 0)
        low, high = section.number("from", one.unit, -np.inf), section.number("to", one.unit, np.inf)
        keep = (x >= low) & (x <= high)
        if not keep.any():
            raise section.fault(
                f"no data between {low:g} and {high:g}: they run from {x[0]:g} to {x[-1]:g} (SI)", "from"
            )
        if np.count_nonzero(keep) > _MAX_POINTS:
            raise section.fault(f"{np.count_nonzero(keep):,} points: {_TOO_MANY}", "data")
        return table, numbers(x[keep]), keep
    points = section.table.get(one.points)
    if not isinstance(points, list) or len(cast("list[object]", points)) < 2:
        message = f"is missing: give `data`, or {one.points} as [first, last, number] or a longer list"
        raise section.fault(message, one.points)
    if len(cast("list[object]", points)) > _MAX_POINTS:
        raise section.fault(f"{len(cast('list[object]', points)):,} points: {_TOO_MANY}", one.points)
    found = numbers(_spaced_points(section, one.points, cast("list[object]", points), one.unit))
    return None, found, np.ones(found.size, bool)


def _read_curve_file(section: TomlTable) -> TextTable:
    """The table that `data` names."""
    try:
        return read_table(section.beside("data"))
    except MissingFile as err:
        published = section.lines[0].startswith(_PUBLISHED_ELSEWHERE)
        hint = "; the first line of the sample tells where the curve is published" if published else ""
        raise section.fault(f"there is no file {err.file}{hint}", "data") from err


def _spaced_points(section: TomlTable, key: str, points: list[object], kind: str) -> list[float]:
    """Points of a list, or equal steps of the logarithm for [first, last, number]."""
    try:
        if len(points) != 3 or not isinstance(points[2], int) or points[2] <= 3:
            return [quantity(p, kind, what=kind) for p in points]
        first, last = (quantity(p, kind, what=kind) for p in points[:2])
    except InputError as err:
        raise section.fault(str(err), key) from err
    if not (first > 0 and last > 0 and points[2] <= _MAX_POINTS):
        wanted = f"two values above 0 and at most {_MAX_POINTS:,} points"
        raise section.fault(f"{points!r:.80}: equal steps of the logarithm need {wanted}", key)
    return np.geomspace(first, last, points[2]).tolist()


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
        raise row_fault(table, "the out-of-phase signal is 0: there is no ratio", int(zero[0]))
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


def _measured_curve(section: TomlTable, x: Array, signal: Array, kind: str, table: TextTable, keep: _RowMask) -> Curve:
    """The curve, with the uncertainty of its points where the file or the column sigma states it."""
    value = numbers(signal[keep])
    if "noise" not in section:
        if "sigma" not in table:
            return Curve(x, value, None, kind)
        column = table.column("sigma")
        sigma = table.values("angle", "sigma") if kind == "phase" else column.value * _voltage_factor(table, column)
        poor = np.flatnonzero(keep & (sigma <= 0))
        if poor.size:
            raise row_fault(table, f"sigma = {sigma[poor[0]]:g}: expected an uncertainty above 0", int(poor[0]))
        return Curve(x, value, numbers(sigma[keep]), kind)
    unit = "angle" if kind == "phase" else "temperature" if kind == "temperature" else "signal"
    size, share = _read_noise(section, unit)
    fractional = share or kind in _RELATIVE_SIGNALS
    sigma = size * np.abs(value) if fractional else np.full(value.size, size)
    return Curve(x, value, sigma, kind, fractional=fractional)


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
