r"""Temperatures that change with time: steps, pulses and periodic heat.

The response to a step is the steady rise, which `kapitza.device.pseudo_time` gives without any series, less what is
still missing,

$$S(t) = T_\infty - \sum_\kappa W(\kappa)\,[Z(\kappa, 0) - s(\kappa, t)],$$

with s the step response of one wave vector from the integral along a hyperbola (`kapitza.device.contours`).  What is
missing has died out beyond $\kappa^2 \sim \rho/t$, ρ the largest heat capacity over conductivity: the sum is finite and
its error is that of the transform, some nine digits.
"""

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline

from kapitza.core.arrays import Array, positive
from kapitza.device.column import between, layer_response, medium
from kapitza.device.contours import inverse_laplace
from kapitza.device.courses import Course, Periodic, Pulses, Step
from kapitza.device.description import Device, HeatSource
from kapitza.device.linear import Linear, plane_of
from kapitza.device.radial import Radial, radial
from kapitza.device.result import Response
from kapitza.device.solve import Solved, solved
from kapitza.device.spread import Observed
from kapitza.device.temperatures import patches_of
from kapitza.device.waves import Complex, Points
from kapitza.errors import InputError

DIED = 30.0  # κ² t/ρ beyond which nothing of a step is missing
QUICK = 30.0  # κ over that of the diffusion length, beyond which periodic heat is steady heat
RESOLVED = 2500  # modes along a side that trains of pulses use
EXACT = 200  # pulses that are added one by one


@frozen(eq=False)
class Reader:
    """What is read: a point or a patch of a node, with its steady rise from each source (K)."""

    at: Observed
    node: int
    steady: tuple[float, ...]


@frozen(eq=False)
class Dynamics:
    """A solved device with what is read of it.

    Attributes
    ----------
    held : the steady solution
    readers : the hottest point first, then the patches
    names : of the readers
    """

    held: Solved
    readers: tuple[Reader, ...]
    names: tuple[str, ...]

    @property
    def ready(self) -> Linear:
        """The device with plain numbers."""
        return self.held.linear

    @property
    def storage(self) -> tuple[float, float]:
        """Smallest and largest heat capacity over conductivity along the layers, s m⁻²."""
        found: list[float] = []
        for layer in self.ready.device.stack.layers:
            if layer.heat_capacity is None:
                raise InputError(f"layer {layer.name} has no heat_capacity (J/m³K), which all that changes needs")
            found.append(float(layer.heat_capacity / layer.tensor[0, 0]))
        return min(found), max(found)

    def weights(self, reader: Reader, source: HeatSource, highest: float, time: float) -> Radial:
        """Weights of the wave vectors for one reader and one source."""
        longest = np.sqrt(time / self.storage[0])
        ratio = self.ready.nodes.ratio
        return radial(self.ready.device, source.shape, reader.at, highest, ratio=ratio, longest=longest)

    def transfer(self, source: HeatSource, node: int, s: Complex, kappa: Array) -> Complex:
        """(ns, nk) temperature of a node per flux of a source, K m² W⁻¹."""
        device, cut = self.ready.device, self.ready.column
        at = Points(s[:, None], kappa, np.zeros(1))
        held = medium(cut, device.stack, at, top=device.top_coefficient, bottom=device.coefficient)
        if source.through:
            return layer_response(held, plane_of(device, source).layer)[node]
        return between(held, self.ready.node(plane_of(device, source)), node)

    def mean(self, source: HeatSource, node: int, s: Complex) -> Complex:
        """(ns,) the same for all of a box evenly, over its area, K W⁻¹; nothing where there is no box."""
        if self.ready.area is None:
            return np.zeros(s.shape, dtype=complex)
        still = np.sqrt(self.ready.nodes.p[-1:].real)
        return self.transfer(source, node, s, still)[:, 0] / self.ready.area

    def steps(self, reader: Reader, index: int, time: Array) -> Array:
        """(nt,) rise at times after one source was switched on, K."""
        source = self.ready.device.sources[index]
        highest = np.sqrt(DIED * self.storage[1] / float(time.min()))
        average = self.weights(reader, source, highest, float(time.max()))
        s, weight = inverse_laplace(time)
        zero = np.zeros(1, dtype=complex)
        late = self.transfer(source, reader.node, s, average.kappa) @ average.weight + self.mean(source, reader.node, s)
        end = np.real(self.transfer(source, reader.node, zero, average.kappa) @ average.weight)
        end = end + np.real(self.mean(source, reader.node, zero))
        missing = end[0] - np.real(weight @ (late / s))
        return reader.steady[index] - source.power * missing

    def periodic(self, reader: Reader, index: int, frequency: Array) -> Complex:
        """(nf,) complex rise for heat that goes as cos ωt, K: its phase is behind that of the heat."""
        source = self.ready.device.sources[index]
        s = 2j * np.pi * frequency
        highest = QUICK * np.sqrt(2 * np.pi * float(frequency.max()) * self.storage[1])
        average = self.weights(reader, source, highest, 1 / float(frequency.min()))
        both: Complex = np.append(s, 0.0).astype(np.complex128)
        found = self.transfer(source, reader.node, both, average.kappa) @ average.weight
        found = found + self.mean(source, reader.node, both)
        return reader.steady[index] + source.power * (found[:-1] - found[-1])


def dynamics(device: Device) -> Dynamics:
    """Prepare a device for what changes with time.

    Properties of T are taken at the temperatures of the steady state with all sources on.
    """
    held = solved(device)
    ready = held.linear
    places: list[tuple[Observed, int]] = [(held.spot, held.node)]
    patches = patches_of(device)
    places += [(patch, ready.node(plane)) for plane, patch in patches.values()]
    readers = [Reader(at, node, tuple(ready.shares(at, node).values())) for at, node in places]
    return Dynamics(held, tuple(readers), ("peak", *patches))


def step_response(device: Device, time: ArrayLike) -> Response:
    """Rises after all sources were switched on together at t = 0, whatever their courses.

    Parameters
    ----------
    device : with heat capacities in all layers
    time : (nt,) s, above zero; may span many decades

    Raises
    ------
    InputError
        for layers without heat capacity, or times so short that the box would need too many modes
    """
    times = positive(time)
    held = dynamics(device)
    everywhere = range(len(held.ready.device.sources))
    rows = [np.sum([held.steps(reader, i, times) for i in everywhere], axis=0) for reader in held.readers]
    return Response(times, rows[0], dict(zip(held.names[1:], rows[1:], strict=True)))


def device_response(device: Device, time: ArrayLike) -> Response:
    """Rises against time with each source on its own course.

    Steady sources have been on for ever, steps and counted pulses begin at t = 0, trains of pulses have no beginning,
    and a periodic source adds the real part of its response.

    Parameters
    ----------
    device : with heat capacities in all layers
    time : (nt,) s, above zero

    Raises
    ------
    InputError
        as for `step_response`
    """
    times = positive(time)
    held = dynamics(device)
    rows: list[Array] = []
    for reader in held.readers:
        total = np.zeros(times.size)
        for i, source in enumerate(held.ready.device.sources):
            total += coursed(held, reader, i, source.course, times)
        rows.append(total)
    return Response(times, rows[0], dict(zip(held.names[1:], rows[1:], strict=True)))


def coursed(held: Dynamics, reader: Reader, index: int, course: Course, time: Array) -> Array:
    """(nt,) rise from one source on its course, K."""
    if isinstance(course, Step):
        return held.steps(reader, index, time)
    if isinstance(course, Pulses):
        return pulsed(held, reader, index, course, time)
    if isinstance(course, Periodic):
        found = held.periodic(reader, index, np.array([course.frequency]))[0]
        return np.real(found * np.exp(2j * np.pi * course.frequency * time))
    return np.full(time.size, reader.steady[index])


def pulsed(held: Dynamics, reader: Reader, index: int, course: Pulses, time: Array) -> Array:
    """(nt,) rise in a train of pulses, K.

    Each pulse is a step up and a step down.  Of a train without beginning the last 200 are added one by one, and of
    those before only the mean is left: their pulses are short against the time that has passed since.
    """
    within = time if course.count is not None else np.mod(time, course.period)
    count = EXACT if course.count is None else min(course.count, int(time.max() / course.period) + 1)
    if count > 50 * EXACT:
        raise InputError(f"{count} pulses up to {time.max():g} s: count them up to {50 * EXACT}, or leave count out")
    since = within[:, None] + (np.arange(count) if course.count is None else -np.arange(count)) * course.period
    ups, downs = since.ravel(), (since - course.width).ravel()
    both = np.concatenate([ups, downs])
    moments, place = np.unique(np.where(both > 0, both, np.inf), return_inverse=True)
    finite = np.isfinite(moments)
    values = np.zeros(moments.size)
    values[finite] = interpolated(held, reader, index, moments[finite])
    rises = values[place].reshape(2, *since.shape)
    total = (rises[0] - rises[1]).sum(axis=1)
    if course.count is not None:
        return total
    late = within + (count - 0.5) * course.period - course.width / 2
    missing = reader.steady[index] - interpolated(held, reader, index, late)
    return total + missing * course.width / course.period


def interpolated(held: Dynamics, reader: Reader, index: int, time: Array) -> Array:
    """(n,) step response at many times, from 40 in each decade by cubic splines in ln t.

    Times shorter than the modes of a box resolve are few in a train of pulses: there the response goes as √t.
    """
    box = held.ready.device.box
    if box is not None:
        shortest = held.storage[1] * DIED * (max(box.width, box.depth) / (np.pi * RESOLVED)) ** 2
        early = time < shortest
        if early.any() and not early.all():
            late = interpolated(held, reader, index, np.append(time[~early], shortest))
            found = np.empty_like(time)
            found[~early], found[early] = late[:-1], late[-1] * np.sqrt(time[early] / shortest)
            return found
    decades = np.log10(time.max() / time.min())
    if time.size <= 40 * decades + 8:
        return held.steps(reader, index, time)
    knots = np.geomspace(time.min(), time.max(), int(40 * decades) + 8)
    return CubicSpline(np.log(knots), held.steps(reader, index, knots))(np.log(time))


def time_span(device: Device) -> tuple[float, float]:
    """Times between which a device heats up, s: from when heat leaves the smallest source until all is steady."""
    storage: list[float] = []
    for layer in device.stack.layers:
        if layer.heat_capacity is None:
            raise InputError(f"layer {layer.name} has no heat_capacity (J/m³K), which all that changes needs")
        storage.append(layer.heat_capacity)
    top, last = device.stack.layers[0], device.stack.layers[-1]
    shapes = [source.shape for source in device.sources if source.shape is not None]
    first = 0.02 * min([top.thickness, *(shape.size for shape in shapes)]) ** 2 * storage[0] / top.conductivity
    if device.box is not None:  # no earlier than its modes resolve
        slow = max(float(c / layer.tensor[0, 0]) for c, layer in zip(storage, device.stack.layers, strict=True))
        first = max(first, slow * DIED * (max(device.box.width, device.box.depth) / (np.pi * RESOLVED)) ** 2)
    late = settling_time(device, storage)
    if np.isinf(last.thickness):
        widest = max(high - low for shape in shapes for low, high in shape.extent)
        late = max(late, 100 * widest**2 * storage[-1] / last.conductivity)
    return first, max(1000 * first, late)


def settling_time(device: Device, storage: list[float]) -> float:
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
