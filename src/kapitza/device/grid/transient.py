r"""Fields of temperature that change with time, by implicit steps whose length follows the solution.

Two stages of a step h, each implicit with $\gamma = 1 - 1/\sqrt2$ (stiffly accurate, of second order, and what changes
fast dies out at once):

$$(C + \gamma hA)\,Y_1 = C\,T + \gamma hq,\qquad (C + \gamma hA)\,Y_2 = C\,[T + (1-\gamma)h f_1] + \gamma hq,\qquad
f_i = C^{-1}(q - A Y_i) .$$

$h|f_2 - f_1|$ tells how much the rate changes in a step.  Steps are powers of two of the first, so that few matrices
are needed.  Properties of T are those of the field in the middle of a step, $T + hf/2$ with the rate f at its start,
which keeps the second order; for the first step after a switch a trial step tells the rate.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from attrs import evolve, frozen
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

import kapitza.device.grid.finite_volumes as volumes
from kapitza.core.arrays import Array, check_choice, positive
from kapitza.core.records import BaseRecord
from kapitza.device.description import Device, PeriodicPower, PulsedPower, SteadyPower, StepPower, Waveform
from kapitza.device.grid.box_grid import BoxGrid
from kapitza.device.grid.finite_volumes import FiniteVolumes, GridPlane
from kapitza.device.grid.steady import HotSpot, solve_balances
from kapitza.device.layered.transient import time_span
from kapitza.device.layout import Layout
from kapitza.device.multigrid import Preconditioner, build_preconditioner, conjugate_gradients
from kapitza.device.results import WAVEFORM_CHOICES, TransientTemperatures, WaveformChoice
from kapitza.device.setup import heat_capacity_of
from kapitza.errors import ConvergenceError, InputError

_SDIRK_GAMMA = 1 - 1 / np.sqrt(2)
_MAX_RATE_CHANGE = 0.01  # of the highest rise, by which the rate may change within a step
_FIRST_STEP_FRACTION = 1 / 40  # of the first time asked for, or of the first pulse
_STAGE_TOLERANCE = 1e-8  # tolerance of the solution in each stage
_MAX_TIME_STEPS = 20_000

_PowerLevels = Callable[[float], tuple[float, ...]]


@frozen(eq=False)
class _ImplicitStepper(BaseRecord):
    """Balances with storage for one length of steps."""

    length: float
    matrix: csr_array
    ready: Preconditioner


@frozen(eq=False)
class _GridProbes(BaseRecord):
    """What is read of each field: the hottest point of the steady state, then patches, by name."""

    spot: HotSpot
    patches: dict[str, tuple[GridPlane, Array]]

    def read(self, found: FiniteVolumes, rise: Array) -> list[float]:
        """Rises, K."""
        faces = volumes.horizontal_faces(found, rise)
        means = [float((faces.plane(at) * share).sum()) for at, share in self.patches.values()]
        return [self.spot.rise(rise, faces), *means]


def grid_response(
    layout: Layout, time: ArrayLike, grid: BoxGrid, waveform: WaveformChoice = "stated"
) -> TransientTemperatures:
    """Rises at times (nt,) above zero, s: see `GridTemperatures.respond`."""
    times = positive(time)
    check_choice(waveform, WAVEFORM_CHOICES, "waveform")
    together = waveform == "step"
    waveforms = {source.name: StepPower() if together else source.waveform for source in layout.device.sources}
    ends = {0.0}  # no step may straddle a switch: the power jumps there
    for name, power in waveforms.items():
        if isinstance(power, PeriodicPower) or (isinstance(power, PulsedPower) and power.count is None):
            raise InputError(f"{name} has always been {power}: fields start at t = 0, give steps or counted pulses")
        if isinstance(power, PulsedPower):
            starts = [n * power.period for n in range(power.count or 0)]
            ends |= {*starts, *(start + power.width for start in starts)}

    def levels(at: float) -> tuple[float, ...]:
        return (*(_power_level(power, at) for power in waveforms.values()), float(at >= 0 or not together))

    return _integrate_response(layout, grid, times, levels, sorted(end for end in ends if end < times.max()))


def grid_time_span(layout: Layout | Device) -> tuple[float, float]:
    """Times between which a device heats up, s: from when heat leaves what is smallest until all is steady."""
    if isinstance(layout, Device):
        return time_span(layout)
    first, last = time_span(layout.device)
    for block in layout.blocks:
        size = min(high - low for low, high in (*block.outline.extent, block.span))
        first = min(first, 0.02 * size**2 * heat_capacity_of(block.layer) / block.layer.conductivity)
    return first, last


def _power_level(power: Waveform, at: float) -> float:
    """Part of its power that a source gives just after a time from t = 0; before that only steady ones give any."""
    if isinstance(power, SteadyPower):
        return 1.0
    if at < 0:
        return 0.0
    if isinstance(power, PulsedPower):
        number, since = divmod(at * (1 + 1e-12), power.period)  # rounding must not delay a pulse
        return float(number < (power.count or 0) and since < power.width)
    return 1.0


def _integrate_response(
    layout: Layout, grid: BoxGrid, times: Array, levels: _PowerLevels, breaks: list[float]
) -> TransientTemperatures:
    from scipy.interpolate import PchipInterpolator

    steady = solve_balances(layout, grid, _STAGE_TOLERANCE)
    patches = volumes.grid_patches(steady.system)
    watched = _GridProbes(steady.spot, patches)
    rise = np.zeros(grid.shape)
    if any(levels(-1.0)):
        rise = _initial_rise(layout, grid, levels(-1.0))
    rows = np.zeros((1 + len(patches), times.size))
    for start, end in zip(breaks, [*breaks[1:], float(times.max())], strict=True):
        inside = (times > start) & (times <= end)
        shortest = float(times[inside].min() - start) if inside.any() else end - start
        knots, values, rise = _advance_interval(
            layout, grid, rise, levels(start), (end - start, shortest * _FIRST_STEP_FRACTION), watched
        )
        if inside.any():
            # in √t the first rise after a switch is nearly straight
            rows[:, inside] = PchipInterpolator(np.sqrt(knots), values, axis=1)(np.sqrt(times[inside] - start))
    return TransientTemperatures(times, rows[0], dict(zip(patches, rows[1:], strict=True)))


def _initial_rise(layout: Layout, grid: BoxGrid, levels: tuple[float, ...]) -> Array:
    """(nx, ny, nz) field of what was on before t = 0, with properties at that field, K."""
    regions = volumes.paint_regions(layout, grid)
    rise = np.zeros(grid.shape)
    for _ in range(8 if layout.is_nonlinear else 1):  # Picard; about eight solutions settle
        found = evolve(volumes.finite_volumes(layout, grid, regions, rise), levels=levels)
        balances = volumes.balance_matrix(found)
        heat = volumes.cell_heats(found).ravel()
        if not heat.any():
            return rise
        rise = conjugate_gradients(balances, heat, build_preconditioner(balances))[0].reshape(grid.shape)
    return rise


def _advance_interval(
    layout: Layout,
    grid: BoxGrid,
    rise: Array,
    levels: tuple[float, ...],
    spans: tuple[float, float],
    watched: _GridProbes,
) -> tuple[Array, Array, Array]:
    """Step over `spans`: the time until the next switch, and the length of the first step, s.

    Returns (n,) times since the switch, (readers, n) rises, and the field at the end.
    """
    regions = volumes.paint_regions(layout, grid)
    varies = layout.is_nonlinear
    found = evolve(volumes.finite_volumes(layout, grid, regions, rise), levels=levels)
    held = volumes.cell_capacities(found)
    span, length = spans
    at, stepper, rate = 0.0, None, None
    knots, rows = [0.0], [watched.read(found, rise)]
    for _ in range(_MAX_TIME_STEPS):
        if at >= span * (1 - 1e-9):
            return np.array(knots), np.array(rows).T, rise
        wanted = min(length, span - at)  # the last step ends on the switch
        if varies and rate is None:  # after a switch the rate is unknown: a trial step gives it
            stepper = _implicit_stepper(found, held, wanted, stepper)
            rate = (_take_step(stepper, held, volumes.cell_heats(found), rise)[0] - rise) / wanted
        ahead = found
        if rate is not None and varies:
            ahead = evolve(volumes.finite_volumes(layout, grid, regions, rise + wanted / 2 * rate), levels=levels)
        if stepper is None or stepper.length != wanted or varies:
            stepper = _implicit_stepper(ahead, held, wanted, stepper if varies else None)
        new, change, after = _take_step(stepper, held, volumes.cell_heats(ahead), rise)
        # a step is repeated with half of its length only where the rate changed far too much: lengths stay few
        if change > _MAX_RATE_CHANGE * 1.5 and wanted > 1e-6 * spans[1]:
            length = wanted / 2
            continue
        at, rise, rate = at + wanted, new, after
        if varies:
            found = evolve(volumes.finite_volumes(layout, grid, regions, rise), levels=levels)
        knots.append(at)
        rows.append(watched.read(found, rise))
        length = 2 * length if change < _MAX_RATE_CHANGE / 4 else length  # change goes as h²: twice h is allowed
    raise ConvergenceError(f"{_MAX_TIME_STEPS} steps end {at:g} s after a switch: {span:g} s were asked for", last=rise)


def _implicit_stepper(found: FiniteVolumes, held: Array, length: float, last: Any) -> _ImplicitStepper:
    """The matrix of a step, with the preconditioner of the last one where it is of the same length."""
    balances = volumes.balance_matrix(found, held / (_SDIRK_GAMMA * length))
    same = isinstance(last, _ImplicitStepper) and last.length == length
    return _ImplicitStepper(length, balances, last.ready if same else build_preconditioner(balances))


def _take_step(stepper: _ImplicitStepper, held: Array, heat: Array, rise: Array) -> tuple[Array, float, Array]:
    """One step: the new field, how much its rate changed within it, over the highest rise, and the rate at its end."""
    part = _SDIRK_GAMMA * stepper.length
    rates: list[Array] = []
    start, stage = rise, rise
    for _ in range(2):  # one γ on the diagonal: both stages have the same matrix
        right = (held / part * start + heat).ravel()
        solved, _ = conjugate_gradients(stepper.matrix, right, stepper.ready, stage.ravel(), _STAGE_TOLERANCE)
        stage = solved.reshape(rise.shape)
        rates.append((stage - start) / part)
        start = rise + (1 - _SDIRK_GAMMA) * stepper.length * rates[0]
    highest = max(float(np.abs(stage).max()), 1e-300)
    return stage, float(stepper.length * np.abs(rates[1] - rates[0]).max() / highest), rates[1]  # stiffly accurate
