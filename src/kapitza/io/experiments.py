"""Experiments of a sample file: each kind with its keys and the columns of its data."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, cast

import numpy as np
from attrs import evolve, field, fields_dict, frozen

from kapitza.core.arrays import Array, numbers
from kapitza.core.records import BaseRecord
from kapitza.device.setup import BACK_CONDITIONS, SENSED_SUBSYSTEMS, Plane, Setup
from kapitza.errors import InputError, MissingFile
from kapitza.io.lockin_tables import ECHO, TraceFindings, lock_in_signal, read_trace, scaled_column, voltage_factor
from kapitza.io.quantities import quantity, share_or_quantity
from kapitza.io.text_tables import TextTable, read_table, row_fault
from kapitza.io.toml import (
    Key,
    Table,
    TomlTable,
    attribute,
    file,
    filling,
    flag,
    locate_faults,
    number,
    read_quantities,
    special,
    table,
    text,
)
from kapitza.io.toml import numbers as numbers_list
from kapitza.io.transport.films import PHONONS, read_carriers, read_layer_phonons, shared_group_edges
from kapitza.measure.experiment import Curve, Experiment
from kapitza.measure.thermoreflectance.beams import PUMP_PROFILES, Beams
from kapitza.measure.thermoreflectance.cooling import FilmCooling, LaserFlash, ParticleCooling
from kapitza.measure.thermoreflectance.grating import GRATING_DETECTIONS, TransientGrating
from kapitza.measure.thermoreflectance.pump_probe import SIGNAL_KINDS, Fdtr, OffsetScan, SignalKind, Tdtr
from kapitza.measure.thermoreflectance.sstr import Raman, Sstr
from kapitza.measure.thermoreflectance.three_omega import ThreeOmega
from kapitza.simulate.boltzmann.carriers import Carriers

_MAX_POINTS = 100_000  # of a curve, at some kilobytes of memory each
_MAX_ROWS = 1_000_000  # of a file, of which `from` and `to` may take a part
_TOO_MANY = f"expected at most {_MAX_POINTS:,}, as after averages over neighbours"
_RowMask = np.ndarray[Any, np.dtype[np.bool_]]

_PUBLISHED_ELSEWHERE = "# not part of the package"  # how a sample begins whose data others have published
_ANY_SIGN = ("delays", "offsets")  # points that may lie below 0
_RELATIVE_SIGNALS = ("ratio", "amplitude")
_TEMPERATURE_COLUMNS = ("temperature", "signal")  # names of a column of temperatures, or of what stands for them


def _read_setup_plane(section: TomlTable, key: str) -> Plane:
    """A plane such as heater = { layer = "Al", depth = "10 nm" }."""
    values = _PLANE.read(section.section(key))
    return Plane(values["layer"], values["depth"], from_bottom=values["from_bottom"])


def _read_phase(section: TomlTable, key: str) -> float:
    """Phase of the lock-in amplifier, rad; 0 where the trace itself is to tell it."""
    automatic = section.table[key] == "auto" or isinstance(section.table[key], dict)
    return 0.0 if automatic else section.number(key, "angle")


def _read_shares(section: TomlTable, key: str) -> list[float]:
    """Transmission of the boundary: a share, or a list of shares from low to high frequency."""
    given = section.table[key]
    listed = isinstance(given, list)
    shares = read_quantities(section, key, "share") if listed else [section.number(key, "share")]
    if not all(0 < one <= 1 for one in shares):
        raise section.fault(f"{given!r:.80}: expected shares above 0 and up to 1", key)
    return shares


def _check_edges(section: TomlTable) -> None:
    """Refuse edges between groups of phonons that do not fit the transmission of the groups."""
    if "transmission" not in section:
        return
    shares, edges = _read_shares(section, "transmission"), section.table.get("transmission_edges", [])
    if len(edges) != len(shares) - 1:
        raise section.fault(
            f"{len(edges)} for {len(shares)} of transmission: expected one less, the frequencies between the groups, "
            'such as ["4 THz"]',
            "transmission_edges",
        )


def _attributes(record: Callable[..., Experiment], *names: str) -> tuple[Key, ...]:
    """Declare numbers that fill the attributes of an experiment."""
    return tuple(attribute(cast("type", record), name) for name in names)


_PLANE = Table(
    [
        text("layer", "layer of the plane"),
        number("depth", "length", "depth below the top face of the layer", 0.0),
        flag("from_bottom", "count the depth from the bottom face of the layer"),
    ],
    "Plane in a layer.",
)
_DEPTHS = tuple(attribute(Setup, name) for name in ("absorption_depth", "readout_depth"))
_BACK = filling(text("back", "lower face of a last layer of finite thickness", "adiabatic", choices=BACK_CONDITIONS))
_PLANES = (
    *(
        evolve(table(name, _PLANE), fills=name, read=_read_setup_plane, tables={}, meaning=meaning)
        for name, meaning in (
            ("heater", "plane of the heat; the top face if omitted"),
            ("thermometer", "plane that is read; that of the heat if omitted"),
        )
    ),
    *_DEPTHS,
    _BACK,
    filling(
        text("sensed", "of a metal with two temperatures, the one that is read", "lattice", choices=SENSED_SUBSYSTEMS)
    ),
)
_BEAMS = (
    *(attribute(Beams, name) for name in (
        "pump_radius", "probe_radius", "pump_radius_y", "probe_radius_y", "offset", "offset_y"
    )),
    filling(text("pump_profile", "profile of the pump", "gaussian", choices=PUMP_PROFILES)),
)  # fmt: skip
_PHONONS = table("phonons", PHONONS)
_SUBSTRATE = (
    _PHONONS,
    special(
        "transmission",
        "number, or list of numbers",
        "transmission of the last boundary, by groups of frequencies",
        _read_shares,
    ),
    numbers_list("transmission_edges", "frequency", "frequencies between the groups", ()),
)
_DELAYED = filling(text("delayed", "beam that the stage delays", choices=("pump", "probe")))
_FILM_PARTS = tuple(
    filling(text(name, meaning, "film", choices=("film", "surface")))
    for name, meaning in (("heating", "where the pulse heats"), ("readout", "where the temperature is read"))
)
_DEFOCUS_BY_FREQUENCY = Table(
    [
        numbers_list("frequencies", "frequency", "frequencies"),
        numbers_list("growth", "share", "growth of the radius of the pump at each of them"),
    ],
    "Growth of the pump by the modulation.",
)
_DEFOCUS = Table(
    [
        number("growth", "share", "growth of the radius of the pump along the delay"),
        number("over", "time", "delay over which it grows"),
    ],
    "Growth of the pump along the delay.",
)


@frozen
class _ExperimentKind(BaseRecord):
    """A kind of experiment: its record, and where its points and numbers stand in a file.

    Points come from one of `columns` of the data, or from the key `points`; `unit` is their kind of unit.  `keys` are
    those that other kinds do not have; `beams` and `setup` fill the records of these.
    """

    record: Callable[..., Experiment]
    unit: str
    points: str
    columns: tuple[str, ...]
    keys: tuple[Key, ...] = field(default=(), kw_only=True)
    beams: tuple[Key, ...] = field(default=(), kw_only=True)
    setup: tuple[Key, ...] = field(default=_PLANES, kw_only=True)
    signal: str | None = field(default=None, kw_only=True)  # where none is named; None where temperatures are measured

    @property
    def table(self) -> Table:
        """All keys that such an experiment may have."""
        name = fields_dict(cast("Any", self.record))["name"].default
        signal = text("signal", "compared part of the signal", self.signal, choices=SIGNAL_KINDS)
        common = (
            text("kind", "kind of the experiment", choices=sorted(_EXPERIMENT_KINDS)),
            text("name", "name of the experiment, before those of its parameters", name),
            text("sample", "one of [[samples]], if there are several", None),
            number("scale", "share", "factor of the predicted curve", None),
            file("data", "table of the measured curve", None),
            number("from", self.unit, "first point of the data that is used", -np.inf),
            number("to", self.unit, "last point of the data that is used", np.inf),
            special("noise", "percentage, or number with the unit of the signal", "standard uncertainty of the points"),
            special("changes", "table", "parameters of the stack of this experiment alone", TomlTable.section),
            special(self.points, f"list of `{self.unit}`", "points, or [first, last, number], instead of `data`"),
        )
        own = (*self.keys, *self.setup, *self.beams, *((signal,) if self.signal else ()))
        return Table([*common, *own], checks=(_check_edges,), renamed={"heated": "heating", "read": "readout"})


_DELAY, _FREQUENCY = ("delay", "time"), ("frequency", "f")
_EXPERIMENT_KINDS: Mapping[str, _ExperimentKind] = MappingProxyType(
    {
        "tdtr": _ExperimentKind(
            Tdtr, "time", "delays", _DELAY, beams=_BEAMS, signal="ratio",
            keys=(
                *_attributes(Tdtr, "modulation", "repetition", "time_zero"),
                filling(
                    special("phase", "`angle`, `auto` or a table", "phase of the lock-in amplifier", _read_phase, 0.0)
                ),
                *_attributes(Tdtr, "mean_free_path"), _DELAYED, *_SUBSTRATE, table("defocus", _DEFOCUS),
                number("out_of_phase_offset", "share", "offset of the out-of-phase column, in its unit", 0.0),
                table("echo", ECHO),
            ),
        ),
        "fdtr": _ExperimentKind(
            Fdtr, "frequency", "frequencies", _FREQUENCY, beams=_BEAMS, signal="phase",
            keys=(
                *_attributes(Fdtr, "phase", "growth_scale", "mean_free_path"), *_SUBSTRATE,
                table("defocus", _DEFOCUS_BY_FREQUENCY),
            ),
        ),
        "beam-offset": _ExperimentKind(
            OffsetScan, "length", "offsets", ("offset", "x"), beams=_BEAMS, signal="out_of_phase",
            keys=(
                *_attributes(OffsetScan, "modulation", "repetition", "delay", "phase", "mean_free_path"),
                evolve(_DELAYED, default=None), *_SUBSTRATE,
            ),
        ),
        "grating": _ExperimentKind(
            TransientGrating, "time", "times", _DELAY[::-1],
            keys=(
                *_attributes(TransientGrating, "period", "angle", "mean_free_path"),
                filling(text("detection", "detection", "heterodyne", choices=GRATING_DETECTIONS)), _PHONONS,
            ),
        ),
        "steady": _ExperimentKind(
            Sstr, "power", "powers", ("power", "P"), beams=_BEAMS,
            keys=(*_attributes(Sstr, "modulation", "mean_free_path"), *_SUBSTRATE),
        ),
        "three-omega": _ExperimentKind(
            ThreeOmega, "frequency", "frequencies", _FREQUENCY, signal="in_phase",
            keys=(*_attributes(ThreeOmega, "half_width", "length", "power", "mean_free_path"), *_SUBSTRATE),
        ),
        "cooling": _ExperimentKind(
            FilmCooling, "time", "times", _DELAY[::-1], keys=_FILM_PARTS, setup=(*_DEPTHS, _BACK)
        ),
        "particle": _ExperimentKind(ParticleCooling, "time", "times", _DELAY[::-1], setup=()),
        "flash": _ExperimentKind(LaserFlash, "time", "times", ("time",), setup=()),
        "raman": _ExperimentKind(Raman, "length", "radii", ("radius", "w"), keys=_attributes(Raman, "offset")),
    }
)  # fmt: skip
EXPERIMENTS: Mapping[str, Table] = MappingProxyType({name: kind.table for name, kind in _EXPERIMENT_KINDS.items()})


def experiment_kind(section: TomlTable) -> str:
    """Kind of an experiment of a file."""
    return section.text("kind", choices=sorted(_EXPERIMENT_KINDS))


@frozen(eq=False)
class ReadExperiment(BaseRecord):
    """An experiment of a file, its curve (None where the file names no data), and what the trace tells of itself."""

    experiment: Experiment
    curve: Curve | None
    findings: TraceFindings


def read_experiment(section: TomlTable, temperature: float) -> ReadExperiment:
    """One experiment at a temperature (K)."""
    name = experiment_kind(section)
    kind, keys = _EXPERIMENT_KINDS[name], EXPERIMENTS[name]
    values = keys.read(section)
    table, x, keep = _read_axis(section, kind, values)
    findings = TraceFindings() if kind.record is not Tdtr else read_trace(section, table, values["time_zero"])
    signal: SignalKind | None = values.get("signal")
    curve = None if table is None else _read_curve(section, kind, table, x, keep, signal, findings.phase)
    given: dict[str, Any] = {"scale": _usual_scale(kind, curve) if values["scale"] is None else values["scale"]}
    given["name"] = values["name"]
    if signal is not None:
        given["kind"] = signal
    if kind.beams:
        given["beams"] = Table(kind.beams).make(section, Beams)
    if kind.setup:
        given["setup"] = Table(kind.setup).make(section, Setup, {"temperature": temperature})
    else:
        given["temperature"] = temperature
    if "phonons" in section:
        given["phonons"] = _read_phonons(section.section("phonons"), temperature)
    if "transmission" in section:
        given["transmission"] = values["transmission"]
        given["transmission_edges"] = [2 * np.pi * one for one in values["transmission_edges"]]
    if "defocus" in section:
        given |= _read_defocus(section.section("defocus"), kind, x)
    made = Table(kind.keys).make(section, partial(kind.record, x), given)
    return ReadExperiment(made, curve, findings)


def _read_defocus(section: TomlTable, kind: _ExperimentKind, x: Array) -> dict[str, Any]:
    """Growth of the pump with frequency, or along the delay (s⁻¹)."""
    if kind.record is Fdtr:
        return {"pump_growth": _growth_by_frequency(section, x)}
    values = _DEFOCUS.read(section)
    return {"defocus": values["growth"] / values["over"]}


def _read_curve(
    section: TomlTable, one: _ExperimentKind, table: TextTable, x: Array, keep: _RowMask, signal: SignalKind | None,
    phase: float,
) -> Curve:  # fmt: skip
    """The curve of an experiment, with a phase (rad) taken off the voltages."""
    if signal is not None:
        offset = section.number("out_of_phase_offset", "share", 0.0)
        return _measured_curve(section, x, lock_in_signal(table, signal, offset, phase), signal, table, keep)
    if one.record is Raman:
        return _measured_curve(section, x, table.values("response", "response"), "response", table, keep)
    return _measured_curve(section, x, scaled_column(table, *_TEMPERATURE_COLUMNS), "temperature", table, keep)


def _usual_scale(one: _ExperimentKind, curve: Curve | None) -> float:
    """Where a scale starts that the file does not give: 1, or the signal to which a record refers its curve."""
    if curve is None or one.record not in (TransientGrating, OffsetScan) or curve.kind in ("phase", "ratio"):
        return 1.0
    at = int(np.argmin(np.abs(curve.x)))
    return float(abs(curve.value[at])) or 1.0


def _read_phonons(section: TomlTable, temperature: float) -> Carriers:
    """Phonons of a layer, from phonons = { material = "Si" } or what else a layer of a transport file takes."""

    def read() -> Carriers:
        side = read_layer_phonons(section, temperature)
        return read_carriers(side, section.text("material", "phonons"), shared_group_edges([side]), temperature)

    return locate_faults(section, "", read)


def _growth_by_frequency(defocus: TomlTable, frequency: Array) -> Array:
    """(n,) growth of the pump at frequencies, from defocus = { frequencies = [...], growth = [...] }."""
    known, growth = _DEFOCUS_BY_FREQUENCY.read(defocus).values()
    if len(known) != len(growth) or len(known) < 2 or min(known) <= 0 or np.any(np.diff(known) <= 0):
        raise defocus.fault(
            f"expected a growth for each of two or more frequencies that increase from above 0, got {len(growth)} for "
            f"{len(known)}",
            "growth",
        )
    low, high = float(frequency[0]), float(frequency[-1])
    if not (known[0] <= low * 1.0001 and high <= known[-1] * 1.0001):
        raise defocus.fault(
            f"the curve runs from {low:g} to {high:g} Hz, the growth is known from {known[0]:g} to {known[-1]:g} Hz: "
            "say it for all of them",
            "frequencies",
        )
    return numbers(np.interp(np.log(frequency), np.log(known), growth))


def _read_axis(
    section: TomlTable, one: _ExperimentKind, values: Mapping[str, Any]
) -> tuple[TextTable | None, Array, _RowMask]:
    """The table of the data with the rows to use, or the points of a simulation; (n,) points, SI."""
    if "data" in section:
        table = _read_curve_file(section)
        x = table.increasing(one.unit, *one.columns)
        if one.points not in _ANY_SIGN and x[0] <= 0:
            raise row_fault(table, f"{one.columns[0]} = {x[0]:g}: expected values above 0", 0)
        low, high = values["from"], values["to"]
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
        return read_table(section.beside("data"), most_rows=_MAX_ROWS)
    except MissingFile as err:
        published = section.lines[0].startswith(_PUBLISHED_ELSEWHERE)
        hint = "; the first line of the sample tells where the curve is published" if published else ""
        raise section.fault(f"there is no file {err.file}{hint}", "data") from err


def _spaced_points(section: TomlTable, key: str, points: list[object], kind: str) -> list[float]:
    """Points of a list, or equal steps of the logarithm (of the length for offsets) for [first, last, number]."""
    try:
        if len(points) != 3 or not isinstance(points[2], int) or points[2] <= 3:
            return [quantity(p, kind, what=kind) for p in points]
        first, last = (quantity(p, kind, what=kind) for p in points[:2])
    except InputError as err:
        raise section.fault(str(err), key) from err
    if key == "offsets" and points[2] <= _MAX_POINTS:
        return np.linspace(first, last, points[2]).tolist()
    if not (first > 0 and last > 0 and points[2] <= _MAX_POINTS):
        wanted = f"two values above 0 and at most {_MAX_POINTS:,} points"
        raise section.fault(f"{points!r:.80}: equal steps of the logarithm need {wanted}", key)
    return np.geomspace(first, last, points[2]).tolist()


def _measured_curve(section: TomlTable, x: Array, signal: Array, kind: str, table: TextTable, keep: _RowMask) -> Curve:
    """The curve, with the uncertainty of its points where the file or the column sigma states it."""
    value = numbers(signal[keep])
    if "noise" not in section:
        if "sigma" not in table:
            return Curve(x, value, None, kind)
        column = table.column("sigma")
        unit = {"phase": "angle", "response": "response"}.get(kind)
        sigma = table.values(unit, "sigma") if unit else column.value * voltage_factor(table, column)
        poor = np.flatnonzero(keep & (sigma <= 0))
        if poor.size:
            raise row_fault(table, f"sigma = {sigma[poor[0]]:g}: expected an uncertainty above 0", int(poor[0]))
        return Curve(x, value, numbers(sigma[keep]), kind)
    unit = {"phase": "angle", "temperature": "temperature", "response": "response"}.get(kind, "signal")
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
