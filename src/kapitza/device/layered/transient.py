"""Temperatures of a layered device against time: steps, pulses and periodic heat, by averages over wave vectors."""

from functools import lru_cache

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike
from scipy.special import j0

import kapitza.device.layered.spreading as spreading
from kapitza.core.arrays import Array, ComplexArray, check_choice, positive
from kapitza.core.quadrature import panel_quadrature
from kapitza.core.records import BaseRecord
from kapitza.device.description import (
    Box,
    Device,
    HeatSource,
    PeriodicPower,
    PulsedPower,
    StepPower,
    Waveform,
    is_pulsed,
    with_mean_power,
)
from kapitza.device.layered.admittance import SpectralPoints
from kapitza.device.layered.laplace import inverse_laplace
from kapitza.device.layered.linear import LinearDevice, averaging_patches, layer_response, sliced_waves, source_plane
from kapitza.device.layered.spreading import LateralPoints, Readout
from kapitza.device.layered.steady import SteadySolution, solve_steady
from kapitza.device.results import WAVEFORM_CHOICES, TransientTemperatures, WaveformChoice
from kapitza.device.setup import heat_capacity_of
from kapitza.device.shapes import Disc, HeatMap, SourceShape
from kapitza.errors import InputError

# of ln κ: with eight nodes the error is below 1e-8 for what has no singularity within 22° of the axis
_LOG_KAPPA_STEP = 0.03
_INTERPOLATION_ORDER = 8
_MAX_AXIS_MODES = 6000  # modes along an axis
_MODE_BLOCK = 2**18  # modes that are handed over at once
_PANEL_NODES = 10  # of Gauss and Legendre on each panel
_MIN_KAPPA_FRACTION = 1e-4  # of the inverse of the largest length, below which wave vectors weigh nothing


@frozen(eq=False)
class RadialWeights(BaseRecord):
    """Weights of an average over wave vectors."""

    kappa: Array  # (nk,) rad m⁻¹
    weight: Array  # (nk,) m⁻²


@frozen(eq=False)
class _LogGrid(BaseRecord):
    """Nodes of equal steps of ln κ: the first at `low` (rad m⁻¹), `count` of them."""

    low: float
    count: int

    @property
    def kappa(self) -> Array:
        """(count,) rad m⁻¹."""
        return self.low * np.exp(_LOG_KAPPA_STEP * np.arange(self.count))

    def distribute(self, kappa: Array, weight: Array) -> Array:
        """(count,) weights of the nodes from those of any κ within them."""
        order, place = _INTERPOLATION_ORDER, np.log(kappa / self.low) / _LOG_KAPPA_STEP
        first = np.clip(np.floor(place).astype(int) - order // 2 + 1, 0, self.count - order)
        apart = place - first
        total = np.zeros(self.count)
        for i in range(order):
            # weights go to the nodes by Lagrange's polynomials: the response is then needed at these alone
            basis = weight.copy()
            for j in range(order):
                if j != i:
                    basis *= (apart - j) / (i - j)
            total += np.bincount(first + i, basis, minlength=self.count)
        return total


def _log_grid(low: float, high: float) -> _LogGrid:
    count = int(np.ceil(np.log(high / low) / _LOG_KAPPA_STEP)) + 2 * _INTERPOLATION_ORDER + 1
    return _LogGrid(low * np.exp(-_LOG_KAPPA_STEP * _INTERPOLATION_ORDER), count)


@lru_cache(maxsize=64)  # one place is read again and again with other numbers
def _box_weights(box: Box, shape: SourceShape | None, at: Readout, highest: float, ratio: float) -> RadialWeights:
    if shape is None:
        return RadialWeights(np.array([np.pi / box.width]), np.zeros(1))  # even heat has no other mode than the mean
    least = np.pi / max(box.width, box.depth / np.sqrt(ratio))
    nodes = _log_grid(least, max(highest, 10 * np.pi / min(box.width, box.depth)))
    top = nodes.kappa[-_INTERPOLATION_ORDER]
    counts = int(top * box.width / np.pi) + 1, int(top * box.depth / np.pi / np.sqrt(ratio)) + 1
    if max(counts) > _MAX_AXIS_MODES:
        raise InputError(
            f"so short a time needs {max(counts)} modes along a side of {max(box.width, box.depth):g} m, at most "
            f"{_MAX_AXIS_MODES}: ask for later times, or take a smaller box around the source"
        )
    kx, ky = spreading.box_wave_numbers(box, counts)
    total = np.zeros(nodes.count)
    rows = max(1, _MODE_BLOCK // ky.size)
    factors_y = np.where(ky > 0, 2.0, 1.0) / box.area
    for start in range(0, kx.size, rows):
        part = kx[start : start + rows]
        weight = spreading.cosine_moments(shape, box, part, ky) * spreading.cosine_moments(at, box, part, ky)
        weight *= np.outer(np.where(part > 0, 2.0, 1.0), factors_y)
        kappa = np.hypot(part[:, None], np.sqrt(ratio) * ky)
        kept = (kappa > 0) & (kappa <= top)  # the mean, κ = 0, is added apart
        total += nodes.distribute(kappa[kept], weight[kept])
    return RadialWeights(nodes.kappa, total)


def _unbounded_weights(
    shape: SourceShape | None, at: Readout, highest: float, ratio: float, longest: float
) -> RadialWeights:
    if isinstance(shape, HeatMap) or shape is None:
        raise InputError(f"what changes with time in layers without sides takes no {shape!r:.20}: give a box")
    if isinstance(shape, Disc) or isinstance(at, Disc):
        return _hankel_weights(shape, at, highest, longest)
    (kx, x), (ky, y) = (_axis_weights(shape, at, axis, highest, longest) for axis in (0, 1))
    ky = ky * np.sqrt(ratio)
    nodes = _log_grid(min(kx[0], ky[0]), 1.5 * max(kx[-1], ky[-1]))
    total = np.zeros(nodes.count)
    rows = max(1, _MODE_BLOCK // ky.size)
    for start in range(0, kx.size, rows):
        part = slice(start, start + rows)
        total += nodes.distribute(np.hypot(kx[part, None], ky).ravel(), np.outer(x[part], y).ravel())
    return RadialWeights(nodes.kappa, total)


def _hankel_weights(shape: SourceShape, at: Readout, highest: float, longest: float) -> RadialWeights:
    same = isinstance(at, Disc) and isinstance(shape, Disc) and (at.x, at.y) == (shape.x, shape.y)
    if not isinstance(shape, Disc) or not (isinstance(at, LateralPoints) or same):
        raise InputError(f"in layers without sides a disc is read at points or over itself, got {at!r:.60}")
    apart = 0.0 if not isinstance(at, LateralPoints) else float(np.hypot(at.x[0] - shape.x, at.y[0] - shape.y))
    own = at.radius if isinstance(at, Disc) else 0.0
    reach = shape.radius + own + apart
    edges = _panel_edges(_MIN_KAPPA_FRACTION / max(longest, reach), highest, np.pi / reach)
    k, dk = panel_quadrature(edges, _PANEL_NODES)
    weight = k * dk / (2 * np.pi) * spreading.jinc(k * shape.radius) * spreading.jinc(k * own) * j0(k * apart)
    nodes = _log_grid(k[0], 1.01 * k[-1])
    return RadialWeights(nodes.kappa, nodes.distribute(k, weight))


def _axis_weights(shape: SourceShape, at: Readout, axis: int, highest: float, longest: float) -> tuple[Array, Array]:
    """Nodes k and weights on one axis: what is read of cos k(x - x') of the source, times dk/π."""
    source, own = spreading.source_ranges(shape, axis, None)
    if isinstance(at, LateralPoints):
        seen = spreading.point_ranges((at.x, at.y)[axis][:1])
    else:
        seen, _ = spreading.source_ranges(at, axis, None)
    middle = float((source.low[0] + source.high[0] - seen.low[0] - seen.high[0]) / 2)
    widths = [float(r.high[0] - r.low[0]) / 2 for r in (source, seen)]
    reach = abs(middle) + sum(widths) + np.sqrt(own)
    edges = _panel_edges(_MIN_KAPPA_FRACTION / max(longest, reach), highest, np.pi / reach)
    k, dk = panel_quadrature(edges, _PANEL_NODES)
    value = np.cos(k * middle) * np.sinc(k * widths[0] / np.pi) * np.sinc(k * widths[1] / np.pi) * np.exp(-(k**2) * own)
    return k, value * dk / np.pi


def _panel_edges(low: float, high: float, widest: float) -> Array:
    """Edges of panels from 0 to `high` that double from `low` and are never wider than `widest`."""
    edges = [0.0, low]
    while edges[-1] < high:
        edges.append(edges[-1] + min(edges[-1], widest))  # then half a period of the oscillation
    if len(edges) * _PANEL_NODES > 4 * _MAX_AXIS_MODES:
        raise InputError(
            f"so short a time needs {len(edges) * _PANEL_NODES} wave vectors on an axis: ask for later times"
        )
    return np.array(edges)


_STEADY_FOURIER_NUMBER = 30.0  # κ² t/ρ beyond which nothing of a step is missing
_QUASI_STEADY_RATIO = 30.0  # κ over that of the diffusion length, beyond which periodic heat is steady heat
_MAX_PULSE_MODES = 2500  # modes along a side that trains of pulses use
_MAX_SUMMED_PULSES = 200  # pulses that are added one by one
_MAX_COUNTED_PULSES = 10_000  # of a train with an end
_SPLINE_KNOTS = 40  # per decade of times


@frozen
class PulseResolution(BaseRecord):
    """How finely the response to pulses is resolved: finer ones tell how exact it is."""

    modes: int = _MAX_PULSE_MODES  # along a side of a box
    pulses: int = _MAX_SUMMED_PULSES  # pulses of an endless train that are added one by one
    knots: int = _SPLINE_KNOTS  # in a decade of times


@frozen(eq=False)
class Probe(BaseRecord):
    """What is read: a point or a patch of a node, with its steady rise from each source (K)."""

    at: Readout
    node: int
    steady: tuple[float, ...]


@frozen(eq=False)
class TransientModel(BaseRecord):
    """A solved device with what is read of it."""

    solution: SteadySolution  # the steady solution
    readers: tuple[Probe, ...]  # the hottest point first, then the patches
    names: tuple[str, ...]  # of the readers
    resolution: PulseResolution = PulseResolution()

    @property
    def linear(self) -> LinearDevice:
        """The device with plain numbers."""
        return self.solution.linear

    @property
    def storage(self) -> tuple[float, float]:
        """Smallest and largest heat capacity over conductivity along the layers, s m⁻²."""
        layers = self.linear.device.stack.layers
        inverse = [float(heat_capacity_of(layer) / layer.tensor[0, 0]) for layer in layers]
        return min(inverse), max(inverse)

    def weights(self, reader: Probe, source: HeatSource, highest: float, time: float) -> RadialWeights:
        """Weights of the wave vectors for one reader and one source."""
        box, ratio = self.linear.device.box, self.linear.nodes.ratio
        if box is not None:
            return _box_weights(box, source.shape, reader.at, highest, ratio)
        longest = float(np.sqrt(time / self.storage[0]))  # how far heat gets in this time
        return _unbounded_weights(source.shape, reader.at, highest, ratio, longest)

    def transfer(self, source: HeatSource, node: int, s: ComplexArray, kappa: Array) -> ComplexArray:
        """(ns, nk) temperature of a node per flux of a source, K m² W⁻¹."""
        plane = source_plane(self.linear.device, source)
        at = SpectralPoints(s[:, None], kappa, np.zeros(1))
        medium = sliced_waves(self.linear.column, self.linear.device, at)
        if source.volumetric:
            return layer_response(medium, plane.layer)[node]
        return medium.response(self.linear.node(plane), node)

    def mean(self, source: HeatSource, node: int, s: ComplexArray) -> ComplexArray:
        """(ns,) the same for all of a box evenly, over its area, K W⁻¹; nothing where there is no box."""
        if self.linear.area is None:
            return np.zeros(s.shape, dtype=complex)
        return self.transfer(source, node, s, np.sqrt(self.linear.nodes.p[-1:].real))[:, 0] / self.linear.area

    def step_rise(self, reader: Probe, index: int, time: Array) -> Array:
        """(nt,) rise at times after one source was switched on, K."""
        source = self.linear.device.sources[index]
        highest = np.sqrt(_STEADY_FOURIER_NUMBER * self.storage[1] / float(time.min()))
        average = self.weights(reader, source, highest, float(time.max()))
        s, weight = inverse_laplace(time)
        zero = np.zeros(1, dtype=complex)
        late = self.transfer(source, reader.node, s, average.kappa) @ average.weight + self.mean(source, reader.node, s)
        end = np.real(self.transfer(source, reader.node, zero, average.kappa) @ average.weight)
        end = end + np.real(self.mean(source, reader.node, zero))
        # what is missing of the steady rise decays: its Laplace integral converges where that of a step does not
        missing = end[0] - np.real(weight @ (late / s))
        return reader.steady[index] - source.power * missing

    def periodic(self, reader: Probe, index: int, frequency: Array) -> ComplexArray:
        """(nf,) complex rise for heat that goes as cos ωt, K: its phase is behind that of the heat."""
        source = self.linear.device.sources[index]
        s = 2j * np.pi * frequency
        highest = _QUASI_STEADY_RATIO * np.sqrt(2 * np.pi * float(frequency.max()) * self.storage[1])
        average = self.weights(reader, source, highest, 1 / float(frequency.min()))
        both: ComplexArray = np.append(s, 0.0).astype(np.complex128)
        found = self.transfer(source, reader.node, both, average.kappa) @ average.weight
        found = found + self.mean(source, reader.node, both)
        return reader.steady[index] + source.power * (found[:-1] - found[-1])  # dies out at large κ


def transient_model(device: Device) -> TransientModel:
    """Prepare a device for what changes with time, with properties of T at the steady state with all sources on."""
    solution, patches = solve_steady(device), averaging_patches(device)
    linear = solution.linear
    places: list[tuple[Readout, int]] = [(solution.spot, solution.node)]
    places += [(patch, linear.node(plane)) for plane, patch in patches.values()]
    readers = [Probe(at, node, tuple(linear.shares(at, node).values())) for at, node in places]
    return TransientModel(solution, tuple(readers), ("peak", *patches))


def periodic_amplitudes(device: Device) -> dict[str, complex]:
    r"""Complex amplitude of the rise from each periodic source, by name, K, where it is hottest if all are always on.

    The rise goes as the real part of amplitude times $e^{i\omega t}$, the heat as $\cos\omega t$.  Raises InputError
    for layers without a heat capacity.
    """
    model = transient_model(device)
    return {
        source.name: complex(model.periodic(model.readers[0], i, np.array([source.waveform.frequency]))[0])
        for i, source in enumerate(device.sources)
        if isinstance(source.waveform, PeriodicPower)
    }


def layered_response(device: Device, time: ArrayLike, waveform: WaveformChoice = "stated") -> TransientTemperatures:
    """Rises at times (nt,) above zero, s: see `LayeredTemperatures.respond`."""
    times = positive(time)
    check_choice(waveform, WAVEFORM_CHOICES, "waveform")
    # properties of T are those that the mean heat of pulses leaves, as in `pulsed_temperatures`
    pulsed = waveform == "stated" and is_pulsed(device)
    model = transient_model(with_mean_power(device) if pulsed else device)
    waveforms = [StepPower() if waveform == "step" else source.waveform for source in device.sources]
    rows = np.zeros((len(model.readers), times.size))
    for i, power in enumerate(waveforms):
        over_mean = power.period / power.width if isinstance(power, PulsedPower) else 1.0
        rows += [over_mean * _waveform_response(model, reader, i, power, times) for reader in model.readers]
    return TransientTemperatures(times, rows[0], dict(zip(model.names[1:], rows[1:], strict=True)))


def _waveform_response(model: TransientModel, reader: Probe, index: int, power: Waveform, time: Array) -> Array:
    if isinstance(power, StepPower):
        return model.step_rise(reader, index, time)
    if isinstance(power, PulsedPower):
        return pulsed_response(model, reader, index, power, time)
    if isinstance(power, PeriodicPower):
        found = model.periodic(reader, index, np.array([power.frequency]))[0]
        return np.real(found * np.exp(2j * np.pi * power.frequency * time))
    return np.full(time.size, reader.steady[index])


def pulsed_response(model: TransientModel, reader: Probe, index: int, power: PulsedPower, time: Array) -> Array:
    """(nt,) rise in a train of pulses, K.

    Each pulse is a step up and a step down.  Of a train without beginning the last 200 are added one by one, and of
    those before only the mean is left: their pulses are short against the time that has passed since.
    """
    within = time if power.count is not None else np.mod(time, power.period)
    pulses = model.resolution.pulses
    count = pulses if power.count is None else min(power.count, int(time.max() / power.period) + 1)
    if power.count is not None and count > _MAX_COUNTED_PULSES:
        raise InputError(
            f"{count} pulses up to {time.max():g} s: count them up to {_MAX_COUNTED_PULSES}, or leave count out"
        )
    since = within[:, None] + (np.arange(count) if power.count is None else -np.arange(count)) * power.period
    ups, downs = since.ravel(), (since - power.width).ravel()
    both = np.concatenate([ups, downs])
    moments, place = np.unique(np.where(both > 0, both, np.inf), return_inverse=True)
    finite = np.isfinite(moments)
    values = np.zeros(moments.size)
    values[finite] = interpolate_step_response(model, reader, index, moments[finite])
    rises = values[place].reshape(2, *since.shape)
    total = (rises[0] - rises[1]).sum(axis=1)
    if power.count is not None:
        return total
    late = within + (count - 0.5) * power.period - power.width / 2  # midpoint rule for all pulses before these
    missing = reader.steady[index] - interpolate_step_response(model, reader, index, late)
    return total + missing * power.width / power.period


def interpolate_step_response(model: TransientModel, reader: Probe, index: int, time: Array) -> Array:
    """(n,) step response at many times, from 40 in each decade by cubic splines in ln t.

    Times shorter than the modes of a box resolve are few in a train of pulses: there the response goes as √t.
    """
    box = model.linear.device.box
    if box is not None:
        finest = max(box.width, box.depth) / (np.pi * model.resolution.modes)
        shortest = model.storage[1] * _STEADY_FOURIER_NUMBER * finest**2
        early = time < shortest
        if early.any() and not early.all():
            late = interpolate_step_response(model, reader, index, np.append(time[~early], shortest))
            rises = np.empty_like(time)
            rises[~early], rises[early] = late[:-1], late[-1] * np.sqrt(time[early] / shortest)
            return rises
    count = int(model.resolution.knots * np.log10(time.max() / time.min())) + 8
    if time.size <= count:
        return model.step_rise(reader, index, time)
    knots = np.geomspace(time.min(), time.max(), count)
    from scipy.interpolate import CubicSpline  # half of what a steady device takes to import

    return CubicSpline(np.log(knots), model.step_rise(reader, index, knots))(np.log(time))


def time_span(device: Device) -> tuple[float, float]:
    """Times between which a device heats up, s: from when heat leaves the smallest source until all is steady."""
    storage = [heat_capacity_of(layer) for layer in device.stack.layers]
    top, last = device.stack.layers[0], device.stack.layers[-1]
    size = min([top.thickness, *(shape.size for shape in device.shapes)])
    first = 0.02 * size**2 * storage[0] / top.conductivity
    if device.box is not None:  # no earlier than its modes resolve
        slow = max(float(c / layer.tensor[0, 0]) for c, layer in zip(storage, device.stack.layers, strict=True))
        finest = max(device.box.width, device.box.depth) / (np.pi * _MAX_PULSE_MODES)
        first = max(first, slow * _STEADY_FOURIER_NUMBER * finest**2)
    late = _settling_time(device, storage)
    if np.isinf(last.thickness):
        widest = max(high - low for shape in device.shapes for low, high in shape.extent)
        late = max(late, 100 * widest**2 * storage[-1] / last.conductivity)
    return first, max(1000 * first, late)


def _settling_time(device: Device, storage: list[float]) -> float:
    """Six times what all layers store times the resistance behind each, s."""
    behind = max(device.coefficient, device.top_coefficient)
    resistance, total = (0.0 if np.isinf(behind) else 1 / behind), 0.0
    boundaries = [0.0, *(boundary.resistance(device.sink) for boundary in device.stack.boundaries)]
    for layer, capacity, above in zip(device.stack.layers[::-1], storage[::-1], boundaries[::-1], strict=True):
        if np.isfinite(layer.thickness):
            total += capacity * layer.thickness * (resistance + layer.resistance / 2)
            resistance += layer.resistance
        resistance += above
    return 6 * total
