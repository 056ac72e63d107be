"""Experiments of a sample file: each kind with its keys, the columns of its data, and what lock-in traces tell.

A trace gives the reference phase of its lock-in amplifier, and the thickness of the film by an acoustic echo.
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, cast

import numpy as np
from attrs import NOTHING, evolve, field, fields_dict, frozen

from kapitza.core.arrays import Array, numbers
from kapitza.core.parameter_units import with_error
from kapitza.core.records import BaseRecord
from kapitza.device.setup import BACK_CONDITIONS, SENSED_SUBSYSTEMS, Plane, Setup
from kapitza.errors import DataError, KapitzaError, MissingFile
from kapitza.io import toml
from kapitza.io.quantities import unit_factor
from kapitza.io.text_tables import TableColumn, TextTable, read_table, row_fault
from kapitza.io.toml import Key, Table, TomlTable
from kapitza.io.transport.films import PHONONS, read_carriers, read_layer_phonons, shared_group_edges
from kapitza.measure.experiment import Curve, Experiment
from kapitza.measure.problem import Prior
from kapitza.measure.thermoreflectance.beams import PUMP_PROFILES, Beams
from kapitza.measure.thermoreflectance.cooling import FilmCooling, LaserFlash, ParticleCooling
from kapitza.measure.thermoreflectance.grating import GRATING_DETECTIONS, TransientGrating
from kapitza.measure.thermoreflectance.lockin import LockinTrace, correct_phase, find_echo
from kapitza.measure.thermoreflectance.pump_probe import (
    SIGNAL_KINDS,
    Fdtr,
    OffsetScan,
    SignalKind,
    Tdtr,
    convert_signal,
)
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
_LEAST_PHASE_SIGMA = 1e-6  # rad: of a trace without noise


def _read_setup_plane(section: TomlTable, key: str) -> Plane:
    values = _PLANE.read(section.section(key))
    return Plane(values["layer"], values["depth"], from_bottom=values["from_bottom"])


def _read_phase(section: TomlTable, key: str) -> float:
    """Phase of the lock-in amplifier, rad; 0 where the trace itself is to tell it."""
    automatic = section.table[key] == "auto" or isinstance(section.table[key], dict)
    return 0.0 if automatic else section.number(key, "angle")


def _read_shares(section: TomlTable, key: str) -> list[float]:
    """Transmission of the boundary: a share, or a list of shares from low to high frequency."""
    given = section.table[key]
    shares = toml.read_quantities(section, key, "share") if isinstance(given, list) else [section.number(key, "share")]
    if not all(0 < share <= 1 for share in shares):
        raise section.fault(f"{given!r:.80}: expected shares above 0 and up to 1", key)
    return shares


def _check_edges(section: TomlTable) -> None:
    if "transmission" not in section:
        return
    shares, edges = _read_shares(section, "transmission"), section.table.get("transmission_edges", [])
    if len(edges) != len(shares) - 1:
        raise section.fault(
            f"{len(edges)} for {len(shares)} of transmission: expected one less, the frequencies between the groups, "
            'such as ["4 THz"]',
            "transmission_edges",
        )


def _read_points(unit: str, section: TomlTable, key: str) -> Array:
    """Points of a list, or equal steps of the logarithm (of the length for offsets) for [first, last, number]."""
    points = section.table.get(key)
    if not isinstance(points, list) or len(cast("list[object]", points)) < 2:
        raise section.fault(f"is missing: give `data`, or {key} as [first, last, number] or a longer list", key)
    given = cast("list[Any]", points)
    if len(given) > _MAX_POINTS:
        raise section.fault(f"{len(given):,} points: {_TOO_MANY}", key)
    if len(given) != 3 or not isinstance(given[2], int) or given[2] <= 3:
        return numbers([toml.read_quantity(section, key, point, unit, unit) for point in given])
    first, last = (toml.read_quantity(section, key, point, unit, unit) for point in given[:2])
    if key == "offsets" and given[2] <= _MAX_POINTS:
        return numbers(np.linspace(first, last, given[2]))
    if not (first > 0 and last > 0 and given[2] <= _MAX_POINTS):
        wanted = f"two values above 0 and at most {_MAX_POINTS:,} points"
        raise section.fault(f"{given!r:.80}: equal steps of the logarithm need {wanted}", key)
    return numbers(np.geomspace(first, last, given[2]))


def _read_window(section: TomlTable, key: str) -> tuple[float, float]:
    first, last = toml.read_quantities(section, key, "time", 2)
    if not first < last:
        raise section.fault(f"expected a window of two times that increase, got {first:g} and {last:g} s", key)
    return first, last


def _window(name: str, meaning: str, default: tuple[float, float]) -> Key:
    return toml.special(name, "list of 2, `time`", meaning, _read_window, default)


PHASE_WINDOWS = Table(
    [
        _window("before", "window before zero delay", (-20e-12, -3e-12)),
        _window("after", "window after zero delay", (3e-12, 40e-12)),
    ],
    "Windows in which straight lines are fitted for the phase.",
)
ECHO = Table(
    [
        toml.text("layer", "layer whose thickness the echo gives"),
        toml.number("velocity", "speed", "velocity of sound in the layer"),
        toml.special(
            "sigma", "`speed` or percentage", "standard uncertainty of the velocity",
            lambda section, key: toml.read_share(section, key, "speed", "sigma"),
            (0.0, False),
        ),
        toml.number("cover", "length", "thickness of layers above it", 0.0),
        _window("window", "window of delays that contains the echo", (12e-12, 60e-12)),
        toml.number("width", "time", "width of the echo", 5e-12),
    ],
    "Acoustic echo in the trace, from which the thickness of a layer follows.",
)  # fmt: skip


_PLANE = Table(
    [
        toml.text("layer", "layer of the plane"),
        toml.number("depth", "length", "depth below the top face of the layer", 0.0),
        toml.flag("from_bottom", "count the depth from the bottom face of the layer"),
    ],
    "Plane in a layer.",
)
_DEPTHS = toml.attributes(Setup, "absorption_depth", "readout_depth")
_BACK = toml.filling(
    toml.text("back", "lower face of a last layer of finite thickness", "adiabatic", choices=BACK_CONDITIONS)
)
_PLANES = (
    *(
        evolve(toml.table(name, _PLANE), fills=name, read=_read_setup_plane, tables={}, meaning=meaning)
        for name, meaning in (
            ("heater", "plane of the heat; the top face if omitted"),
            ("thermometer", "plane that is read; that of the heat if omitted"),
        )
    ),
    *_DEPTHS,
    _BACK,
    toml.filling(
        toml.text(
            "sensed", "of a metal with two temperatures, the one that is read", "lattice", choices=SENSED_SUBSYSTEMS
        )
    ),
)
_BEAMS = (
    *toml.attributes(Beams, "pump_radius", "probe_radius", "pump_radius_y", "probe_radius_y", "offset", "offset_y"),
    toml.filling(toml.text("pump_profile", "profile of the pump", "gaussian", choices=PUMP_PROFILES)),
)  # fmt: skip
_PHONONS = toml.table("phonons", PHONONS)
_SUBSTRATE = (
    _PHONONS,
    toml.special(
        "transmission", "number, or list of numbers", "transmission of the last boundary, by groups of frequencies",
        _read_shares,
    ),
    toml.numbers("transmission_edges", "frequency", "frequencies between the groups", ()),
)  # fmt: skip
_DELAYED = toml.filling(toml.text("delayed", "beam that the stage delays", choices=("pump", "probe")))
_FILM_PARTS = tuple(
    toml.filling(toml.text(name, meaning, "film", choices=("film", "surface")))
    for name, meaning in (("heating", "where the pulse heats"), ("readout", "where the temperature is read"))
)
_DEFOCUS_BY_FREQUENCY = Table(
    [
        toml.numbers("frequencies", "frequency", "frequencies"),
        toml.numbers("growth", "share", "growth of the radius of the pump at each of them"),
    ],
    "Growth of the pump by the modulation.",
)
_DEFOCUS = Table(
    [
        toml.number("growth", "share", "growth of the radius of the pump along the delay"),
        toml.number("over", "time", "delay over which it grows"),
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
        signal = toml.text("signal", "compared part of the signal", self.signal, choices=SIGNAL_KINDS)
        common = (
            toml.text("kind", "kind of the experiment", choices=sorted(_EXPERIMENT_KINDS)),
            toml.text("name", "name of the experiment, before those of its parameters", name),
            toml.text("sample", "one of [[samples]], if there are several", None),
            toml.number("scale", "share", "factor of the predicted curve", None),
            toml.file("data", "table of the measured curve", None),
            toml.number("from", self.unit, "first point of the data that is used", -np.inf),
            toml.number("to", self.unit, "last point of the data that is used", np.inf),
            toml.special(
                "noise", "percentage, or number with the unit of the signal", "standard uncertainty of the points"
            ),
            toml.special("changes", "table", "parameters of the stack of this experiment alone", TomlTable.section),
            toml.special(
                self.points, f"list of `{self.unit}`", "points, or [first, last, number], instead of `data`",
                partial(_read_points, self.unit), NOTHING, unless=("data",),
            ),
        )  # fmt: skip
        own = (*self.keys, *self.setup, *self.beams, *((signal,) if self.signal else ()))
        return Table([*common, *own], checks=(_check_edges,), renamed={"heated": "heating", "read": "readout"})


_DELAY, _FREQUENCY = ("delay", "time"), ("frequency", "f")
_EXPERIMENT_KINDS: Mapping[str, _ExperimentKind] = MappingProxyType(
    {
        "tdtr": _ExperimentKind(
            Tdtr, "time", "delays", _DELAY, beams=_BEAMS, signal="ratio",
            keys=(
                *toml.attributes(Tdtr, "modulation", "repetition", "time_zero"),
                toml.filling(toml.special(
                    "phase", "`angle`, `auto` or a table", "phase of the lock-in amplifier", _read_phase, 0.0
                )),
                *toml.attributes(Tdtr, "mean_free_path"), _DELAYED, *_SUBSTRATE, toml.table("defocus", _DEFOCUS),
                toml.number("out_of_phase_offset", "share", "offset of the out-of-phase column, in its unit", 0.0),
                toml.table("echo", ECHO),
            ),
        ),
        "fdtr": _ExperimentKind(
            Fdtr, "frequency", "frequencies", _FREQUENCY, beams=_BEAMS, signal="phase",
            keys=(
                *toml.attributes(Fdtr, "phase", "growth_scale", "mean_free_path"), *_SUBSTRATE,
                toml.table("defocus", _DEFOCUS_BY_FREQUENCY),
            ),
        ),
        "beam-offset": _ExperimentKind(
            OffsetScan, "length", "offsets", ("offset", "x"), beams=_BEAMS, signal="out_of_phase",
            keys=(
                *toml.attributes(OffsetScan, "modulation", "repetition", "delay", "phase", "mean_free_path"),
                evolve(_DELAYED, default=None), *_SUBSTRATE,
            ),
        ),
        "grating": _ExperimentKind(
            TransientGrating, "time", "times", _DELAY[::-1],
            keys=(
                *toml.attributes(TransientGrating, "period", "angle", "mean_free_path"),
                toml.filling(toml.text("detection", "detection", "heterodyne", choices=GRATING_DETECTIONS)), _PHONONS,
            ),
        ),
        "steady": _ExperimentKind(
            Sstr, "power", "powers", ("power", "P"), beams=_BEAMS,
            keys=(*toml.attributes(Sstr, "modulation", "mean_free_path"), *_SUBSTRATE),
        ),
        "three-omega": _ExperimentKind(
            ThreeOmega, "frequency", "frequencies", _FREQUENCY, signal="in_phase",
            keys=(*toml.attributes(ThreeOmega, "half_width", "length", "power", "mean_free_path"), *_SUBSTRATE),
        ),
        "cooling": _ExperimentKind(
            FilmCooling, "time", "times", _DELAY[::-1], keys=_FILM_PARTS, setup=(*_DEPTHS, _BACK)
        ),
        "particle": _ExperimentKind(ParticleCooling, "time", "times", _DELAY[::-1], setup=()),
        "flash": _ExperimentKind(LaserFlash, "time", "times", ("time",), setup=()),
        "raman": _ExperimentKind(Raman, "length", "radii", ("radius", "w"), keys=toml.attributes(Raman, "offset")),
    }
)  # fmt: skip
EXPERIMENTS: Mapping[str, Table] = MappingProxyType({name: kind.table for name, kind in _EXPERIMENT_KINDS.items()})


def experiment_kind(section: TomlTable) -> str:
    """Kind of an experiment of a file."""
    return section.text("kind", choices=sorted(_EXPERIMENT_KINDS))


@frozen(eq=False)
class TraceFindings(BaseRecord):
    """What a trace tells of itself: its phase, taken off, and the thickness of the film by its echo.

    `changes` are numbers of the stack, `priors` uncertainties of numbers, by the names of the experiment and the stack
    alone; `notes` say in words what was found.
    """

    phase: float = 0.0
    changes: Mapping[str, float] = MappingProxyType({})
    priors: Mapping[str, Prior] = MappingProxyType({})
    notes: tuple[str, ...] = ()


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
    axis = table, x, _ = _read_axis(section, kind, values)
    findings = TraceFindings() if kind.record is not Tdtr else _read_trace(section, table, values["time_zero"])
    curve = _read_curve(section, values, kind, axis, findings.phase)
    given: dict[str, Any] = {"name": values["name"], "scale": 1.0 if values["scale"] is None else values["scale"]}
    relative = kind.record in (TransientGrating, OffsetScan)  # to the signal in the middle of the curve
    if values["scale"] is None and relative and curve is not None and curve.kind not in ("phase", "ratio"):
        given["scale"] = float(abs(curve.value[np.argmin(np.abs(curve.x))])) or 1.0
    if kind.signal is not None:
        given["kind"] = values["signal"]
    if kind.beams:
        given["beams"] = Table(kind.beams).make(section, Beams)
    if kind.setup:
        given["setup"] = Table(kind.setup).make(section, Setup, {"temperature": temperature})
    else:
        given["temperature"] = temperature
    if "phonons" in section:
        given["phonons"] = section.locate("phonons", _read_phonons, section.section("phonons"), temperature)
    if "transmission" in section:
        given["transmission"] = values["transmission"]
        given["transmission_edges"] = [2 * np.pi * frequency for frequency in values["transmission_edges"]]
    if "defocus" in section:
        defocus = section.section("defocus")
        if kind.record is Fdtr:
            given["pump_growth"] = _growth_by_frequency(defocus, x)
        else:
            growth, time = _DEFOCUS.read(defocus).values()
            given["defocus"] = growth / time  # s⁻¹
    return ReadExperiment(Table(kind.keys).make(section, partial(kind.record, x), given), curve, findings)


def _read_phonons(section: TomlTable, temperature: float) -> Carriers:
    """Phonons of a layer, from phonons = { material = "Si" } or what else a layer of a transport file takes."""
    side = read_layer_phonons(section, temperature)
    return read_carriers(side, section.text("material", "phonons"), shared_group_edges([side]), temperature)


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
    section: TomlTable, kind: _ExperimentKind, values: Mapping[str, Any]
) -> tuple[TextTable | None, Array, _RowMask]:
    """The table of the data with the rows to use, or the points of a simulation; (n,) points, SI."""
    if "data" not in section:
        return None, values[kind.points], np.ones(values[kind.points].size, bool)
    try:
        table = read_table(values["data"], most_rows=_MAX_ROWS)
    except MissingFile as err:
        published = section.lines[0].startswith(_PUBLISHED_ELSEWHERE)
        hint = "; the first line of the sample tells where the curve is published" if published else ""
        raise section.fault(f"there is no file {err.file}{hint}", "data") from err
    x = table.increasing(kind.unit, *kind.columns)
    if kind.points not in _ANY_SIGN and x[0] <= 0:
        raise row_fault(table, f"{kind.columns[0]} = {x[0]:g}: expected values above 0", 0)
    low, high = values["from"], values["to"]
    keep = (x >= low) & (x <= high)
    if not keep.any():
        raise section.fault(f"no data between {low:g} and {high:g}: they run from {x[0]:g} to {x[-1]:g} (SI)", "from")
    if np.count_nonzero(keep) > _MAX_POINTS:
        raise section.fault(f"{np.count_nonzero(keep):,} points: {_TOO_MANY}", "data")
    return table, numbers(x[keep]), keep


def _read_curve(
    section: TomlTable, values: Mapping[str, Any], kind: _ExperimentKind,
    axis: tuple[TextTable | None, Array, _RowMask], phase: float,
) -> Curve | None:  # fmt: skip
    """The curve, a phase (rad) taken off its voltages, with the uncertainty of its points if that is stated."""
    table, x, keep = axis
    if table is None:
        return None
    if kind.signal is not None:
        signal: str = values["signal"]
        offset = values.get("out_of_phase_offset", 0.0)
        value = _lock_in_signal(table, cast("SignalKind", signal), offset, phase)
    elif kind.record is Raman:
        signal, value = "response", table.values("response", "response")
    else:
        signal, value = "temperature", _scaled_column(table, *_TEMPERATURE_COLUMNS)
    value = numbers(value[keep])
    if "noise" in section:
        unit = {"phase": "angle", "temperature": "temperature", "response": "response"}.get(signal, "signal")
        size, share = toml.read_share(section, "noise", unit, "noise")
        if size <= 0:
            raise section.fault(
                f"noise = {size:g}: expected more than 0; leave it out if only the scatter is known", "noise"
            )
        fractional = share or signal in _RELATIVE_SIGNALS
        sigma = size * np.abs(value) if fractional else np.full(value.size, size)
        return Curve(x, value, sigma, signal, fractional=fractional)
    if "sigma" not in table:
        return Curve(x, value, None, signal)
    unit = {"phase": "angle", "response": "response"}.get(signal)
    sigma = table.values(unit, "sigma") if unit else _scaled_column(table, "sigma")
    poor = np.flatnonzero(keep & (sigma <= 0))
    if poor.size:
        raise row_fault(table, f"sigma = {sigma[poor[0]]:g}: expected an uncertainty above 0", int(poor[0]))
    return Curve(x, value, numbers(sigma[keep]), signal)


def _lock_in_signal(table: TextTable, signal: SignalKind, offset: float, phase: float) -> Array:
    """A signal from its own column or both voltages.

    `offset` is taken off the out-of-phase one, in its unit; then a phase (rad) off both.
    """
    if signal == "ratio" and "ratio" in table and "out_of_phase" not in table and "Vout" not in table:
        return table.values("share", "ratio")
    both = phase != 0 or signal == "ratio"
    if signal in ("phase", "amplitude") and not both:
        return table.values("angle", signal) if signal == "phase" else _scaled_column(table, signal, "R")
    if signal == "in_phase" and not both:
        return _scaled_column(table, "in_phase", "Vin")
    column = table.column("out_of_phase", "Vout")
    out = (column.value - offset) * _voltage_factor(table, column)
    if signal == "out_of_phase" and not both:
        return numbers(out)
    voltage = (_scaled_column(table, "in_phase", "Vin") + 1j * out) * np.exp(-1j * phase)
    zero = np.flatnonzero(voltage.imag == 0)
    if signal == "ratio" and zero.size:
        raise row_fault(table, "the out-of-phase signal is 0: there is no ratio", int(zero[0]))
    return numbers(convert_signal(voltage, signal))


def _voltage_factor(table: TextTable, column: TableColumn) -> float:
    if not column.unit:
        return 1.0
    factor = unit_factor(column.unit, "signal") or unit_factor(column.unit, "temperature")
    if factor is None:
        raise DataError(f"column {column.name!r} is in {column.unit}; expected V, mV, uV or K", file=table.path)
    return factor


def _scaled_column(table: TextTable, *names: str) -> Array:
    column = table.column(*names)
    return numbers(column.value * _voltage_factor(table, column))


def _read_trace(section: TomlTable, table: TextTable | None, time_zero: float) -> TraceFindings:
    """What `phase = "auto"` and `echo = { ... }` ask of the data of an experiment."""
    stated = section.table.get("phase")
    automatic = stated == "auto" or isinstance(stated, dict)
    if not (automatic or "echo" in section):
        return TraceFindings()
    if table is None:
        raise section.fault("there is no trace to take it from: name its data", "phase" if automatic else "echo")
    delay = table.increasing("time", "delay", "time") - time_zero  # behind the pump
    trace = LockinTrace(delay, _scaled_column(table, "in_phase", "Vin"), _scaled_column(table, "out_of_phase", "Vout"))
    findings = TraceFindings()
    if automatic:  # the phase that makes the out-of-phase signal continuous across zero delay
        windows = PHASE_WINDOWS.read(section.section("phase") if stated != "auto" else evolve(section, table={}))
        try:
            corrected = correct_phase(trace, **windows)
        except KapitzaError as err:
            raise section.fault(f"the trace does not tell its phase: {err}", "phase") from err
        sigma = max(corrected.phase_sigma, _LEAST_PHASE_SIGMA)
        note = f"a phase of {with_error(corrected.phase, sigma)} rad was taken off"
        findings = TraceFindings(corrected.phase, {}, {"phase": Prior(0.0, sigma)}, (note,))
        trace = trace.rotate(corrected.phase)
    return findings if "echo" not in section else _add_echo(findings, section, trace)


def _add_echo(findings: TraceFindings, section: TomlTable, trace: LockinTrace) -> TraceFindings:
    values = ECHO.read(section.section("echo"))
    layer, velocity, (size, share) = values["layer"], values["velocity"], values["sigma"]
    try:
        echo = find_echo(trace, window=values["window"], width=values["width"])
    except KapitzaError as err:
        raise section.fault(f"the trace does not tell the thickness: {err}", "echo") from err
    uncertain = size * velocity if share else size
    thickness, sigma = echo.thickness(velocity, cover=values["cover"], velocity_sigma=uncertain)
    name = f"{layer}.thickness"
    note = f"an echo at {echo.delay * 1e12:.2f} ps gives {name} = {with_error(thickness * 1e9, sigma * 1e9)} nm"
    priors = {**findings.priors, name: Prior(thickness, sigma)}
    return TraceFindings(findings.phase, {name: thickness}, priors, (*findings.notes, note))
