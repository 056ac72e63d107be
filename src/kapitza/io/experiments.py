"""Experiments of a sample file: each kind with its keys and the columns of its data."""

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, cast

import numpy as np
from attrs import NOTHING, field, fields_dict, frozen

from kapitza.core.arrays import Array, numbers
from kapitza.core.quantity_kinds import kind_of_unit
from kapitza.core.records import BaseRecord
from kapitza.device.setup import Plane, Setup
from kapitza.errors import InputError, MissingFile
from kapitza.io.lockin_tables import TraceFindings, lock_in_signal, read_trace, scaled_column, voltage_factor
from kapitza.io.quantities import quantity, share_or_quantity
from kapitza.io.text_tables import TextTable, read_table, row_fault
from kapitza.io.toml import TomlTable, locate_faults, read_quantities
from kapitza.measure.experiment import Curve, Experiment
from kapitza.measure.thermoreflectance.beams import PUMP_PROFILES, Beams
from kapitza.measure.thermoreflectance.cooling import FilmCooling, LaserFlash, ParticleCooling
from kapitza.measure.thermoreflectance.fdtr import Fdtr
from kapitza.measure.thermoreflectance.grating import GRATING_DETECTIONS, TransientGrating
from kapitza.measure.thermoreflectance.offset_scan import OffsetScan
from kapitza.measure.thermoreflectance.signal import SIGNAL_KINDS, SignalKind
from kapitza.measure.thermoreflectance.sstr import Raman, Sstr
from kapitza.measure.thermoreflectance.tdtr import Tdtr
from kapitza.measure.thermoreflectance.three_omega import ThreeOmega
from kapitza.simulate.boltzmann.carriers import Carriers

_MAX_POINTS = 100_000  # of a curve, at some kilobytes of memory each
_MAX_ROWS = 1_000_000  # of a file, of which `from` and `to` may take a part
_TOO_MANY = f"expected at most {_MAX_POINTS:,}, as after averages over neighbours"
_RowMask = np.ndarray[Any, np.dtype[np.bool_]]

_PLANE_KEYS = ("heater", "thermometer", "absorption_depth", "readout_depth", "back", "sensed")
_BEAM_KEYS = ("pump_radius", "probe_radius", "pump_radius_y", "probe_radius_y", "offset", "offset_y")
_PUMP_PROFILE = "pump_profile"
_PUBLISHED_ELSEWHERE = "# not part of the package"  # how a sample begins whose data others have published
_PHONON_KEYS = (
    "material", "bands", "normal", "conductivity", "rates", "lifetimes", "heat_capacity", "velocity", "mean_free_path",
)  # fmt: skip
_SUBSTRATE_KEYS = ("phonons", "transmission", "transmission_edges")
_ANY_SIGN = ("delays", "offsets")  # points that may lie below 0
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
    phonons: bool = field(default=False, kw_only=True)  # of the last layer, and its boundary
    others: tuple[str, ...] = field(default=(), kw_only=True)  # keys that one kind alone has

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys that such an experiment may have."""
        common = ("kind", "name", "sample", "scale", "data", "from", "to", "noise", "changes", self.points)
        beams = (*_BEAM_KEYS, _PUMP_PROFILE) if self.beams else ()
        signal = ("signal",) if self.signal else ()
        phonons = _SUBSTRATE_KEYS if self.phonons else ()
        return (*common, *self.numbers, *self.words, *self.planes, *beams, *signal, *phonons, *self.others)


_DELAY, _FREQUENCY, _FILM_PARTS = ("delay", "time"), ("frequency", "f"), ("film", "surface")
_EXPERIMENT_KINDS: Mapping[str, _ExperimentKind] = MappingProxyType(
    {
        "tdtr": _ExperimentKind(
            Tdtr, "time", "delays", _DELAY, beams=True, signal="ratio", words={"delayed": ("pump", "probe")},
            numbers=("modulation", "repetition", "time_zero", "phase", "mean_free_path"), phonons=True,
            others=("defocus", "out_of_phase_offset", "echo"),
        ),
        "fdtr": _ExperimentKind(
            Fdtr, "frequency", "frequencies", _FREQUENCY, beams=True, signal="phase",
            numbers=("phase", "growth_scale", "mean_free_path"), phonons=True, others=("defocus",),
        ),
        "beam-offset": _ExperimentKind(
            OffsetScan, "length", "offsets", ("offset", "x"), beams=True, signal="out_of_phase",
            words={"delayed": ("pump", "probe")}, phonons=True,
            numbers=("modulation", "repetition", "delay", "phase", "mean_free_path"),
        ),
        "grating": _ExperimentKind(
            TransientGrating, "time", "times", _DELAY[::-1], words={"detection": GRATING_DETECTIONS},
            numbers=("period", "angle", "mean_free_path"), others=("phonons",),
        ),
        "steady": _ExperimentKind(
            Sstr, "power", "powers", ("power", "P"), beams=True, numbers=("modulation", "mean_free_path"),
            phonons=True,
        ),
        "three-omega": _ExperimentKind(
            ThreeOmega, "frequency", "frequencies", _FREQUENCY, signal="in_phase",
            numbers=("half_width", "length", "power", "mean_free_path"), phonons=True,
        ),
        "cooling": _ExperimentKind(
            FilmCooling, "time", "times", _DELAY[::-1], words={"heating": _FILM_PARTS, "readout": _FILM_PARTS},
            planes=("absorption_depth", "readout_depth", "back"),
        ),
        "particle": _ExperimentKind(ParticleCooling, "time", "times", _DELAY[::-1], planes=()),
        "flash": _ExperimentKind(LaserFlash, "time", "times", ("time",), planes=()),
        "raman": _ExperimentKind(Raman, "length", "radii", ("radius", "w"), numbers=("offset",)),
    }
)  # fmt: skip


@frozen(eq=False)
class ReadExperiment(BaseRecord):
    """An experiment of a file, its curve (None where the file names no data), and what the trace tells of itself."""

    experiment: Experiment
    curve: Curve | None
    findings: TraceFindings


def read_experiment(section: TomlTable, temperature: float) -> ReadExperiment:
    """One experiment at a temperature (K)."""
    one = _EXPERIMENT_KINDS[section.text("kind", choices=sorted(_EXPERIMENT_KINDS))]
    section.check_keys(one.keys, {"heated": "heating", "read": "readout"})
    signal = None if one.signal is None else _signal_kind(section, one.signal)
    table, x, keep = _read_axis(section, one)
    findings = TraceFindings()
    if one.record is Tdtr:
        findings = read_trace(section, table, section.number("time_zero", "time", 0.0))
    curve = None if table is None else _read_curve(section, one, table, x, keep, signal, findings.phase)
    arguments = _read_arguments(section, one, x, automatic_phase="phase" in findings.priors)
    if signal is not None:
        arguments["kind"] = signal
    arguments |= {"setup": _read_setup(section, temperature)} if one.planes else {"temperature": temperature}
    if "phonons" in section:
        arguments["phonons"] = _read_phonons(section.section("phonons"), temperature)
    if "transmission" in section:
        arguments |= _read_transmission(section)
    name = section.text("name", fields_dict(cast("Any", one.record))["name"].default)
    scale = section.number("scale", "share", _usual_scale(one, curve))
    return ReadExperiment(one.record(x, **arguments, scale=scale, name=name), curve, findings)


def _signal_kind(section: TomlTable, usual: str) -> SignalKind:
    """Which part of a lock-in signal is compared with data."""
    given = section.text("signal", usual, choices=SIGNAL_KINDS)
    return next(kind for kind in SIGNAL_KINDS if kind == given)


def _read_arguments(section: TomlTable, one: _ExperimentKind, x: Array, *, automatic_phase: bool) -> dict[str, Any]:
    """Numbers, words and beams of an experiment."""
    attributes = fields_dict(cast("Any", one.record))
    needed = [name for name in (*one.numbers, *one.words) if name in section or attributes[name].default is NOTHING]
    if automatic_phase:
        needed.remove("phase")
    arguments: dict[str, Any] = {
        name: section.text(name, choices=one.words[name])
        if name in one.words
        else section.number(name, kind_of_unit(attributes[name].metadata["unit"]))
        for name in needed
    }
    if one.beams:
        arguments["beams"] = _read_beams(section)
    if "defocus" in section and one.record is Fdtr:
        arguments["pump_growth"] = _growth_by_frequency(section.section("defocus"), x)
    elif "defocus" in section:
        arguments["defocus"] = _pump_growth(section.section("defocus"))
    return arguments


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
    section.check_keys(_PHONON_KEYS)
    films = import_module("kapitza.io.transport.films")  # whose solvers are slow to load

    def read() -> Carriers:
        side = films.read_layer_phonons(section, temperature)
        return films.read_carriers(
            side, section.text("material", "phonons"), films.shared_group_edges([side]), temperature
        )

    return locate_faults(section, "", read)


def _read_transmission(section: TomlTable) -> dict[str, list[float]]:
    """Transmission of the boundary: a share, or a list of shares from low to high frequency and the edges between."""
    given = section.table["transmission"]
    shares = (
        read_quantities(section, "transmission", "share")
        if isinstance(given, list)
        else [section.number("transmission", "share")]
    )
    edges = read_quantities(section, "transmission_edges", "frequency") if "transmission_edges" in section else []
    if not all(0 < one <= 1 for one in shares):
        raise section.fault(f"{given!r:.80}: expected shares above 0 and up to 1", "transmission")
    if len(edges) != len(shares) - 1:
        raise section.fault(
            f"{len(edges)} for {len(shares)} of transmission: expected one less, the frequencies between the groups, "
            'such as ["4 THz"]',
            "transmission_edges",
        )
    return {"transmission": shares, "transmission_edges": [2 * np.pi * one for one in edges]}


def _growth_by_frequency(defocus: TomlTable, frequency: Array) -> Array:
    """(n,) growth of the pump at frequencies, from defocus = { frequencies = [...], growth = [...] }."""
    defocus.check_keys(("frequencies", "growth"))
    known, growth = (
        read_quantities(defocus, key, kind) for key, kind in (("frequencies", "frequency"), ("growth", "share"))
    )
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


def _pump_growth(defocus: TomlTable) -> float:
    """Growth of the pump along the delay, from defocus = { growth = "16 %", over = "3.6 ns" }, s⁻¹."""
    defocus.check_keys(("growth", "over"))
    return defocus.number("growth", "share") / defocus.number("over", "time")


def _read_beams(section: TomlTable) -> Beams:
    """Radii and offsets of the beams."""
    radii = [section.number(key, "length") for key in _BEAM_KEYS[:2]]
    more = {key: section.number(key, "length") for key in _BEAM_KEYS[2:] if key in section}
    flat = section.text(_PUMP_PROFILE, "gaussian", choices=PUMP_PROFILES) == "top-hat"
    return Beams(*radii, **more, pump_profile="top-hat" if flat else "gaussian")


def _read_setup(section: TomlTable, temperature: float) -> Setup:
    """Where heat enters and is read, and what lies behind."""
    back = section.text("back", "adiabatic", choices=("adiabatic", "isothermal"))
    return Setup(
        _read_setup_plane(section, "heater"),
        _read_setup_plane(section, "thermometer"),
        absorption_depth=section.number("absorption_depth", "length", 0.0),
        readout_depth=section.number("readout_depth", "length", 0.0),
        sensed="electrons"
        if section.text("sensed", "lattice", choices=("lattice", "electrons")) == "electrons"
        else "lattice",
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
        if one.points not in _ANY_SIGN and x[0] <= 0:
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
