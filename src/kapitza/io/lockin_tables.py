"""Lock-in signals of a measured table: kinds of signal from its columns, the reference phase and the echo of the film
from the trace itself.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from attrs import evolve, frozen

from kapitza.core.arrays import Array, numbers
from kapitza.core.parameter_units import with_error
from kapitza.core.records import BaseRecord
from kapitza.errors import DataError, KapitzaError
from kapitza.io.quantities import share_or_quantity, unit_factor
from kapitza.io.text_tables import TableColumn, TextTable, row_fault
from kapitza.io.toml import Key, Table, TomlTable, number, read_quantities, special, text
from kapitza.measure.problem import Prior
from kapitza.measure.thermoreflectance.lockin import LockinTrace, correct_phase, find_echo
from kapitza.measure.thermoreflectance.pump_probe import SignalKind, convert_signal

_LEAST_PHASE_SIGMA = 1e-6  # rad: of a trace without noise


def _read_window(section: TomlTable, key: str) -> tuple[float, float]:
    """Two times, such as ["-20 ps", "-3 ps"]."""
    first, last = read_quantities(section, key, "time", 2)
    if not first < last:
        raise section.fault(f"expected a window of two times that increase, got {first:g} and {last:g} s", key)
    return first, last


def _window(name: str, meaning: str, default: tuple[float, float]) -> Key:
    """Declare a window of two times."""
    return special(name, "list of 2, `time`", meaning, _read_window, default)


def _read_sigma(section: TomlTable, key: str) -> tuple[float, bool]:
    """Uncertainty of a velocity, and whether it is relative."""
    return share_or_quantity(section.table[key], "speed", what="sigma")


PHASE_WINDOWS = Table(
    [
        _window("before", "window before zero delay", (-20e-12, -3e-12)),
        _window("after", "window after zero delay", (3e-12, 40e-12)),
    ],
    "Windows in which straight lines are fitted for the phase.",
)
ECHO = Table(
    [
        text("layer", "layer whose thickness the echo gives"),
        number("velocity", "speed", "velocity of sound in the layer"),
        special("sigma", "`speed` or percentage", "standard uncertainty of the velocity", _read_sigma, (0.0, False)),
        number("cover", "length", "thickness of layers above it", 0.0),
        _window("window", "window of delays that contains the echo", (12e-12, 60e-12)),
        number("width", "time", "width of the echo", 5e-12),
    ],
    "Acoustic echo in the trace, from which the thickness of a layer follows.",
)


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


def read_trace(section: TomlTable, table: TextTable | None, time_zero: float) -> TraceFindings:
    """What `phase = "auto"` and `echo = { ... }` ask of the data of an experiment."""
    given = section.table.get("phase")
    automatic = given == "auto" or isinstance(given, dict)
    if not (automatic or "echo" in section):
        return TraceFindings()
    if table is None:
        raise section.fault("there is no trace to take it from: name its data", "phase" if automatic else "echo")
    trace = _trace_of(table, time_zero)
    found = TraceFindings()
    if automatic:
        found = _automatic_phase(section, trace)
        trace = trace.rotate(found.phase)
    return found if "echo" not in section else _add_echo(found, section, trace)


def _trace_of(table: TextTable, time_zero: float) -> LockinTrace:
    """Both voltages against the delay behind the pump."""
    delay = table.increasing("time", "delay", "time") - time_zero
    return LockinTrace(delay, scaled_column(table, "in_phase", "Vin"), scaled_column(table, "out_of_phase", "Vout"))


def _automatic_phase(section: TomlTable, trace: LockinTrace) -> TraceFindings:
    """The phase that makes the out-of-phase signal continuous across zero delay, with its uncertainty as a prior."""
    given = section.section("phase") if isinstance(section.table["phase"], dict) else evolve(section, table={})
    windows = PHASE_WINDOWS.read(given)
    try:
        corrected = correct_phase(trace, **windows)
    except KapitzaError as err:
        raise section.fault(f"the trace does not tell its phase: {err}", "phase") from err
    sigma = max(corrected.phase_sigma, _LEAST_PHASE_SIGMA)
    note = f"a phase of {with_error(corrected.phase, sigma)} rad was taken off"
    return TraceFindings(corrected.phase, {}, {"phase": Prior(0.0, sigma)}, (note,))


def _add_echo(found: TraceFindings, section: TomlTable, trace: LockinTrace) -> TraceFindings:
    """The thickness of a layer by the acoustic echo of its bottom."""
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
    return TraceFindings(
        found.phase, {name: thickness}, {**found.priors, name: Prior(thickness, sigma)}, (*found.notes, note)
    )


def lock_in_signal(table: TextTable, kind: SignalKind, offset: float, phase: float = 0.0) -> Array:
    """What `kind` says, from its column or both voltages.

    `offset` is taken off the out-of-phase one, in its unit; then a phase (rad) off both.
    """
    if kind == "ratio" and "ratio" in table and "out_of_phase" not in table and "Vout" not in table:
        return table.values("share", "ratio")
    both = phase != 0 or kind == "ratio"
    if kind in ("phase", "amplitude") and not both:
        return table.values("angle", kind) if kind == "phase" else scaled_column(table, kind, "R")
    if kind == "in_phase" and not both:
        return scaled_column(table, "in_phase", "Vin")
    column = table.column("out_of_phase", "Vout")
    out = (column.value - offset) * voltage_factor(table, column)
    if kind == "out_of_phase" and not both:
        return numbers(out)
    signal = (scaled_column(table, "in_phase", "Vin") + 1j * out) * np.exp(-1j * phase)
    zero = np.flatnonzero(signal.imag == 0)
    if kind == "ratio" and zero.size:
        raise row_fault(table, "the out-of-phase signal is 0: there is no ratio", int(zero[0]))
    return numbers(convert_signal(signal, kind))


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
