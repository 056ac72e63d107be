"""Steady solution of a layered device whose properties depend on temperature."""

from collections.abc import Callable, Mapping
from itertools import product
from typing import NamedTuple

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord
from kapitza.device.description import Box, Device, HeatSource
from kapitza.device.layered.linear import (
    LinearDevice,
    linear_device,
    plane_response,
    rise_of_shape,
    rises_on_lines,
    source_plane,
    with_constant_properties,
)
from kapitza.device.layered.spreading import LateralPoints
from kapitza.device.setup import Plane
from kapitza.device.shapes import HeatMap, Rectangle, SourceShape
from kapitza.errors import ConvergenceError

_MAX_SEARCHED_SOURCES = 8  # sources, up to which each is looked at closely
_REFINEMENT_ROUNDS = 5
_CANDIDATE_PIXELS = 40  # of a map that are tried


def find_hot_spot(solved: LinearDevice) -> tuple[LateralPoints, int, float]:
    """The hottest point: where it lies along the layers, its node, and its rise (K).

    It is looked for on the planes that heat enters, at and around the sources, on ever finer grids.
    """
    spots, step = _hot_spot_candidates(solved)
    # maximum principle: T is highest where heat enters
    tops = [(*_climb(solved, node, spots, step), node) for node in heated_nodes(solved)]
    spot, rise, node = max(tops, key=lambda top: top[1])
    return spot, node, rise


def _climb(solved: LinearDevice, node: int, spots: LateralPoints, step: float) -> tuple[LateralPoints, float]:
    """The hottest of some points of a node, or what is hotter around it, and its rise (K)."""
    best, hottest, box = spots, -np.inf, solved.device.box
    rises = solved.rise(spots, node)
    for _ in range(_REFINEMENT_ROUNDS):
        i = int(np.argmax(rises))
        top = LateralPoints(spots.x[i : i + 1], spots.y[i : i + 1])
        if rises[i] > hottest:
            best, hottest = top, float(rises[i])
        if step == 0:  # even heat: all points are alike
            break
        offsets = np.array(list(product((-1, -0.5, 0, 0.5, 1), repeat=2))) * step
        x, y = top.x[0] + offsets[:, 0], top.y[0] + offsets[:, 1]
        if box is not None:
            x, y = np.clip(x, 0, box.width), np.clip(y, 0, box.depth)
        spots, step = LateralPoints(*np.unique(np.stack([x, y]), axis=1)), step / 4
        rises = solved.rise(spots, node)
    return best, hottest


def heated_nodes(solved: LinearDevice) -> tuple[int, ...]:
    """Nodes at which heat enters."""
    return tuple(sorted({node for source in solved.device.sources for node in source_nodes(solved, source)}))


def source_nodes(solved: LinearDevice, source: HeatSource) -> set[int]:
    """Nodes at which heat of a source enters; for a layer that is heated throughout, all that lie in it."""
    plane = source_plane(solved.device, source)
    if source.volumetric:
        return {node for piece in solved.column.within(plane.layer) for node in (piece, piece + 1)}
    return {solved.node(plane)}


def _hot_spot_candidates(solved: LinearDevice) -> tuple[LateralPoints, float]:
    """Points to start from, and how far apart they lie, m."""
    shapes = solved.device.shapes
    if not shapes:
        return LateralPoints(np.zeros(1), np.zeros(1)), 0.0
    side = 9 if len(shapes) <= _MAX_SEARCHED_SOURCES else 3
    places = [_shape_candidates(shape, side, solved.device.box) for shape in shapes]
    x, y = (np.concatenate([place[axis] for place in places]) for axis in (0, 1))
    widths = [max(high - low for low, high in shape.extent) for shape in shapes]
    return LateralPoints(x, y), max(widths) / (side - 1)


def _shape_candidates(shape: SourceShape, side: int, box: Box | None) -> tuple[Array, Array]:
    """Points of a shape that may be the hottest: a grid over it, or the pixels with most heat around them."""
    if isinstance(shape, HeatMap):
        order = np.argsort(shape.value, axis=None)[-_CANDIDATE_PIXELS:]
        i, j = np.unravel_index(order, shape.value.shape)
        middles = [(edges[:-1] + edges[1:]) / 2 for edges in shape.edges]
        return middles[0][i], middles[1][j]
    ends = shape.extent if box is None else ((0.0, box.width), (0.0, box.depth))
    both = zip(shape.extent, ends, strict=True)
    lines = [np.linspace(max(low, start), min(high, end), side) for (low, high), (start, end) in both]
    pairs = np.array(list(product(*lines)))
    return pairs[:, 0], pairs[:, 1]


_DEPTHS_PER_LAYER = 12  # in each layer
_LATERAL_POINTS = 20  # on either side of the hottest point
_FINEST_SPACING = 0.02  # of the width of a source, the first of these
_NEGLIGIBLE_WEIGHT = 1e-6  # of the weights without their signs
_SPOT_FRACTION = 0.1  # of the width of a source: the patch that stands for the hottest point


def _inner_planes(device: Device, denser: int = 1) -> tuple[Plane, ...]:
    """Planes in the layers whose conductivity depends on temperature; so many times as many as needed."""
    count = denser * _DEPTHS_PER_LAYER
    share = (1 - np.cos(np.pi * np.arange(1, count) / count)) / 2
    planes: list[Plane] = []
    for layer in device.stack.layers:
        if layer.name in device.laws:
            reach = layer.thickness if np.isfinite(layer.thickness) else 8 * _source_width(device)
            planes += [Plane(layer.name, float(depth)) for depth in reach * share]
    return tuple(planes)


def _source_width(device: Device) -> float:
    side = 1.0 if device.box is None else device.box.width
    return max((high - low for shape in device.shapes for low, high in shape.extent), default=side)


class _PropertyMean(NamedTuple):
    temperature: float  # K
    value: float  # SI
    weight: float  # change of the rise of the hottest point with it, K per SI
    remainder: float  # rise of the hottest point that its variance stands for, K


def _weighted_means(
    device: Device, ready: LinearDevice, spot: LateralPoints, node: int, denser: int = 1
) -> dict[str, _PropertyMean]:
    """Temperature (K), value and remainder of each layer and boundary with properties of T, by name.

    `ready` is the solution with the numbers of before, cut at `_inner_planes`; `spot` and `node` are the hottest point.
    """
    x, y = (_lateral_coordinates(device, axis, float((spot.x, spot.y)[axis][0]), denser) for axis in (0, 1))
    boundaries = dict(zip(device.stack.boundary_names, device.stack.boundaries, strict=True))
    conductances = {name: g for name, one in boundaries.items() if isinstance(g := one.conductance, Conductance)}
    pieces = [i for i, owner in enumerate(ready.column.owners) if owner in conductances or owner in device.laws]
    needed = sorted({*pieces, *(i + 1 for i in pieces)})
    place = {node: i for i, node in enumerate(needed)}
    rises = rises_on_lines(ready, x, y, needed)
    point = _hot_spot_patch(device, spot, _SPOT_FRACTION / denser)  # heat in a point would make the weight singular
    others = rise_of_shape(ready, point, plane_response(ready.medium, node)[needed, 0], x, y)  # θ' of the adjoint
    areas = [np.convolve(np.diff(line), [0.5, 0.5]) for line in (x, y)]  # weights of the trapezoidal rule
    found: dict[str, _PropertyMean] = {}
    for name, law in device.laws.items():
        pieces = ready.column.within(name)
        nodes = [pieces[0], *(i + 1 for i in pieces)]
        depths = np.array([ready.column.depths[i] for i in nodes])
        kept = np.isfinite(depths)
        nodes, depths = [i for i, keep in zip(nodes, kept, strict=True) if keep], depths[kept]
        if len(nodes) < 2:
            continue
        layer = next(layer for layer in device.stack.layers if layer.name == name)
        along = layer.tensor[0, 0] / layer.conductivity
        rows = [place[i] for i in nodes]
        weight = _gradient_product(rises[rows], others[rows], (depths, x, y), (1.0, along, along * ready.nodes.ratio))
        along_x = (rises[rows][:, 1:] + rises[rows][:, :-1]) / 2
        kelvin = device.sink + (along_x[:, :, 1:] + along_x[:, :, :-1]) / 2  # mean of the corners of a cell
        middle = (kelvin[:-1] + kelvin[1:]) / 2
        values = [law.at(at.ravel()).reshape(at.shape) for at in (kelvin[:-1], middle, kelvin[1:])]
        value = (values[0] + 4 * values[1] + values[2]) / 6  # Simpson's rule from face to face of a cell
        found[name] = _property_mean(weight, middle, value)
    for name, conductance in conductances.items():
        i = place[ready.column.owners.index(name)]  # the node above; that below it comes next
        jumps = (rises[i] - rises[i + 1]) * (others[i] - others[i + 1]) * np.outer(*areas)
        kelvin = device.sink + (rises[i] + rises[i + 1]) / 2
        found[name] = _property_mean(jumps, kelvin, conductance.at(kelvin.ravel()).reshape(kelvin.shape))
    return found


def _property_mean(weight: Array, temperature: Array, value: Array) -> _PropertyMean:
    r"""Means with a weight $\nabla\theta\cdot\nabla\theta'$, and the next order, $\int |w| (k - \bar k)^2 / \bar k$.

    The latter is exact for heat that flows straight through a layer: 1 over the mean of 1/k is k̄ less its variance
    over k̄.
    """
    total = float(weight.sum())
    if total > _NEGLIGIBLE_WEIGHT * float(np.abs(weight).sum()):
        kelvin, mean = (float(np.sum(weight * values)) / total for values in (temperature, value))
    else:  # nothing flows that could weigh
        kelvin, mean = float(temperature.mean()), float(value.mean())
    remainder = float(np.sum(np.abs(weight) * (value - mean) ** 2)) / mean
    return _PropertyMean(kelvin, mean, total, remainder)


def _hot_spot_patch(device: Device, spot: LateralPoints, fraction: float) -> Rectangle | None:
    """A small patch around the hottest point, inside of the box; all of the box where heat enters evenly everywhere."""
    if all(source.shape is None for source in device.sources):
        return None
    ranges: list[tuple[float, float]] = []
    for axis in (0, 1):
        place, half = float((spot.x, spot.y)[axis][0]), fraction * _narrowest_width(device, axis) / 2
        low, high = place - half, place + half
        if device.box is not None:
            low, high = max(low, 0.0), min(high, (device.box.width, device.box.depth)[axis])
        ranges.append((low, high))
    return Rectangle(ranges[0], ranges[1])


def _narrowest_width(device: Device, axis: int) -> float:
    side = 1.0 if device.box is None else (device.box.width, device.box.depth)[axis]
    return min((high - low for low, high in (shape.extent[axis] for shape in device.shapes)), default=side)


def _lateral_coordinates(device: Device, axis: int, place: float, denser: int) -> Array:
    """Places along an axis, dense around the hottest point and out to the sides, or to where little heat flows, m."""
    width = _narrowest_width(device, axis)
    side = None if device.box is None else (device.box.width, device.box.depth)[axis]
    reach = 12 * _source_width(device) if side is None else side
    away = np.geomspace(min(_FINEST_SPACING * width, 0.1 * reach), reach, denser * _LATERAL_POINTS)
    line = np.concatenate([place - away, [place], place + away])
    return np.unique(line if side is None else np.clip(line, 0.0, side))


def _gradient_product(
    a: Array, b: Array, lines: tuple[Array, Array, Array], scale: tuple[float, float, float]
) -> Array:
    """(nz - 1, nx - 1, ny - 1) integral of the product of two gradients over each cell."""
    total = np.zeros(tuple(line.size - 1 for line in lines))
    for axis, (line, factor) in enumerate(zip(lines, scale, strict=True)):
        total += factor * _axis_gradient(a, line, axis) * _axis_gradient(b, line, axis)
    return total * np.einsum("i,j,k->ijk", *(np.diff(line) for line in lines))


def _axis_gradient(value: Array, line: Array, axis: int) -> Array:
    slope = np.diff(value, axis=axis) / np.diff(line).reshape([-1 if i == axis else 1 for i in range(3)])
    for other in [i for i in range(3) if i != axis]:  # the mean over the corners of a cell
        upper, lower = (np.take(slope, range(i, slope.shape[other] - 1 + i), other) for i in (1, 0))
        slope = (upper + lower) / 2
    return slope


_MOVED_FACTOR = 2.0  # of the change on twice as many points, which is half of what it leaves at first order


def property_error(device: Device, solution: "SteadySolution") -> float:
    """Error of the peak that one number for each layer and boundary with properties of T leaves, K.

    The next order, and the change of these numbers where their means are taken over twice as many points along each
    axis around a patch of half the size for the hottest point; or how much hotter another place is with its own.
    """
    ready = linear_device(solution.linear.device, _inner_planes(device, 2))
    spot, node, _ = find_hot_spot(ready)
    settled = _PROPERTY_TOLERANCE * solution.peak  # up to which the numbers were iterated
    error = _error_of_means(device, solution.values, spot, node) + settled
    return max([error, *(rise - solution.peak for rise in _rival_rises(device, solution, ready, spot))])


def _error_of_means(device: Device, values: Mapping[str, float], spot: LateralPoints, node: int) -> float:
    """What means over twice as many points change at one place, and the next order, K."""
    ready = linear_device(with_constant_properties(device, values), _inner_planes(device, 2))
    means = _weighted_means(device, ready, spot, node, 2)
    moved = sum(abs(one.weight * (one.value - values[name])) for name, one in means.items())
    return _MOVED_FACTOR * moved + sum(one.remainder for one in means.values())


_RIVAL_SHARE = 0.8  # of the hottest rise, above which the hottest point of another source may be the hottest of all
_MAX_RIVALS = 3
_RIVAL_ITERATIONS = 3
_RIVAL_POINTS = 5  # along each axis of a source, from which its hottest point is looked for


def _rival_rises(device: Device, solution: "SteadySolution", ready: LinearDevice, spot: LateralPoints) -> list[float]:
    """Rises with numbers that hold for other hot places, K, where these are nearly as hot as the hottest point.

    The numbers of a layer are means that are weighed for one place; each other one is solved with its own, some
    iterations from those of the hottest point, and the next order is added.
    """
    apart = min(_narrowest_width(device, axis) for axis in (0, 1))
    places: list[tuple[float, LateralPoints, int]] = []
    for node in heated_nodes(ready):
        for shape in device.shapes:
            x, y = _shape_candidates(shape, _RIVAL_POINTS, device.box)
            width = max(high - low for low, high in shape.extent)
            top, rise = _climb(ready, node, LateralPoints(x, y), width / (_RIVAL_POINTS - 1))
            if rise > _RIVAL_SHARE * solution.peak and np.hypot(top.x - spot.x, top.y - spot.y).item() > apart / 2:
                places.append((rise, top, node))
    found: list[float] = []
    for _, place, node in sorted(places, key=lambda rival: -rival[0])[:_MAX_RIVALS]:
        linear, numbers = ready, solution.values
        for _ in range(_RIVAL_ITERATIONS):  # Picard iteration, as for the hottest point
            numbers = {name: mean.value for name, mean in _weighted_means(device, linear, place, node).items()}
            linear = linear_device(with_constant_properties(device, numbers), _inner_planes(device, 2))
        found.append(float(linear.rise(place, node)[0]) + _error_of_means(device, numbers, place, node))
    return found


_PROPERTY_TOLERANCE = 1e-8  # relative change of the hottest rise between two solutions
_MAX_PROPERTY_ITERATIONS = 60


@frozen(eq=False, kw_only=True)
class SteadySolution(BaseRecord):
    """A device with the numbers that its layers and boundaries take at their temperatures."""

    linear: LinearDevice  # the device with plain numbers, ready to be asked
    # spot, node: the hottest point and its node
    spot: LateralPoints
    node: int
    peak: float  # its rise, K
    property_temperature: Mapping[str, float]  # temperature of each layer and boundary with properties of T, by name, K
    values: Mapping[str, float]  # conductivity or conductance of each of these, by name, SI
    iterations: int  # solutions until these settled


def solve_steady(
    device: Device, planes: tuple[Plane, ...] = (), start: Mapping[str, float] | None = None
) -> SteadySolution:
    """Solve a device, with conductivities and conductances at the temperatures that they then have.

    A layer whose conductivity depends on temperature is taken with the one number that to first order leaves the peak
    where it is, a boundary likewise, until these settle, from the values `start` by name.  The remaining error is of
    second order in how much the property varies within the layer where the heat flows.  Raises ConvergenceError if the
    temperatures do not settle (thermal runaway).
    """
    values = dict(start or {})
    varies = device.is_nonlinear
    cuts = (*planes, *(_inner_planes(device) if varies else ()))
    last = 0.0
    for i in range(_MAX_PROPERTY_ITERATIONS):  # Picard iteration: in thermal runaway it has no fixed point
        ready = linear_device(with_constant_properties(device, values), cuts)
        spot, node, peak = find_hot_spot(ready)
        means = _weighted_means(device, ready, spot, node) if varies else {}
        if not varies or abs(peak - last) < _PROPERTY_TOLERANCE * abs(peak):
            return SteadySolution(
                linear=ready,
                spot=spot,
                node=node,
                peak=peak,
                property_temperature={name: one.temperature for name, one in means.items()},
                values=values,
                iterations=i + 1,
            )
        values, last = {name: one.value for name, one in means.items()}, peak
    raise ConvergenceError(
        f"{device.title}: after {_MAX_PROPERTY_ITERATIONS} solutions the hottest point still moves, now {last:.6g} K "
        "above the sink: the conductivity falls with temperature; there may be no steady state",
        last=last,
    )


_DIFFERENCE_STEP = 5e-4  # of differences, relative


def implicit_derivatives(
    device: Device,
    solution: SteadySolution,
    numbers: Mapping[str, Callable[[float], Device]],
    read: Callable[[LinearDevice], Array],
    planes: Callable[[Device], tuple[Plane, ...]] = lambda _: (),
) -> dict[str, Array]:
    r"""(m,) change of what is read from a device with the logarithm of each number, from central differences.

    The properties of T are at a fixed point $v = W(u, v)$ of which P(u, v) is read, u the numbers:
    $dP/du = P_u + P_v\,(1 - W_v)^{-1} W_u$, all by logarithms, from single iterations.  The hottest point stays where
    it is: to first order a maximum does not change as its place does.

    Parameters
    ----------
    numbers : by name, the device with that number times a factor
    read : from a device that is solved
    planes : at which a device is cut besides, as the solution was
    """
    values = solution.values

    def terms(changed: Device, held: Mapping[str, float]) -> Array:
        cuts = (*planes(changed), *(_inner_planes(changed) if values else ()))
        ready = linear_device(with_constant_properties(changed, held), cuts)
        means = _weighted_means(changed, ready, solution.spot, solution.node) if values else {}
        return np.array([*(np.log(means[one][1]) for one in values), *read(ready)])

    def slope(of_factor: Callable[[float], Array]) -> Array:
        return (of_factor(1 + _DIFFERENCE_STEP) - of_factor(1 - _DIFFERENCE_STEP)) / (2 * _DIFFERENCE_STEP)

    count = len(values)
    by_number = np.array([slope(lambda f, n=name: terms(numbers[n](f), values)) for name in numbers])
    by_value = np.array([slope(lambda f, n=name: terms(device, {**values, n: values[n] * f})) for name in values])
    total = by_number[:, count:]
    if count:
        settled = np.linalg.solve(np.eye(count) - by_value[:, :count].T, by_number[:, :count].T)
        total = total + settled.T @ by_value[:, count:]
    return dict(zip(numbers, total, strict=True))
