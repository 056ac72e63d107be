"""Steady solution of a layered device whose properties depend on temperature."""

from collections.abc import Callable, Mapping
from itertools import product
from typing import NamedTuple

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord
from kapitza.device.description import Box, Device
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
    best = max(((*_climb(solved, node, spots, step), node) for node in heated_nodes(solved)), key=lambda one: one[1])
    return best[0], best[2], best[1]


def _climb(solved: LinearDevice, node: int, spots: LateralPoints, step: float) -> tuple[LateralPoints, float]:
    """The hottest of some points of a node, or what is hotter around it, and its rise (K)."""
    best, hottest = spots, -np.inf
    found = solved.rise(spots, node)
    for _ in range(_REFINEMENT_ROUNDS):
        i = int(np.argmax(found))
        top = LateralPoints(spots.x[i : i + 1], spots.y[i : i + 1])
        if found[i] > hottest:
            best, hottest = top, float(found[i])
        if step == 0:  # even heat: all points are alike
            break
        spots, step = _refined_points(top, step, solved.device.box), step / 4
        found = solved.rise(spots, node)
    return best, hottest


def heated_nodes(solved: LinearDevice) -> tuple[int, ...]:
    """Nodes at which heat enters; for a layer that is heated throughout, all that lie in it."""
    nodes: set[int] = set()
    for source in solved.device.sources:
        plane = source_plane(solved.device, source)
        if source.volumetric:
            for i in solved.column.within(plane.layer):
                nodes |= {i, i + 1}
        else:
            nodes.add(solved.node(plane))
    return tuple(sorted(nodes))


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


def _refined_points(top: LateralPoints, step: float, box: Box | None) -> LateralPoints:
    """A grid of 5 x 5 points around one, inside of the box."""
    offsets = np.array(list(product((-1, -0.5, 0, 0.5, 1), repeat=2))) * step
    x, y = top.x[0] + offsets[:, 0], top.y[0] + offsets[:, 1]
    if box is not None:
        x, y = np.clip(x, 0, box.width), np.clip(y, 0, box.depth)
    pairs = np.unique(np.stack([x, y]), axis=1)
    return LateralPoints(pairs[0], pairs[1])


_DEPTHS_PER_LAYER = 12  # in each layer
_LATERAL_POINTS = 20  # on either side of the hottest point
_FINEST_SPACING = 0.02  # of the width of a source, the first of these
_NEGLIGIBLE_WEIGHT = 1e-6  # of the weights without their signs
_SPOT_FRACTION = 0.1  # of the width of a source: the patch that stands for the hottest point


def _inner_planes(device: Device, denser: int = 1) -> tuple[Plane, ...]:
    """Planes in the layers whose conductivity depends on temperature; so many times as many as needed."""
    count = denser * _DEPTHS_PER_LAYER
    share = (1 - np.cos(np.pi * np.arange(1, count) / count)) / 2
    found: list[Plane] = []
    for layer in device.stack.layers:
        if layer.name in device.laws:
            reach = layer.thickness if np.isfinite(layer.thickness) else 8 * _source_width(device)
            found += [Plane(layer.name, float(reach * one)) for one in share]
    return tuple(found)


def _source_width(device: Device) -> float:
    """Width of the widest source, or of the box, m."""
    if device.shapes:
        return max(high - low for shape in device.shapes for low, high in shape.extent)
    return 1.0 if device.box is None else device.box.width


class _PropertyMean(NamedTuple):
    """One number for a property that varies."""

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
    needed = _nodes_with_laws(device, ready)
    place = {one: i for i, one in enumerate(needed)}
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
        layer = device.stack.layers[[one.name for one in device.stack.layers].index(name)]
        along = layer.tensor[0, 0] / layer.conductivity
        rows = [place[i] for i in nodes]
        weight = _gradient_product(rises[rows], others[rows], (depths, x, y), (1.0, along, along * ready.nodes.ratio))
        along_x = (rises[rows][:, 1:] + rises[rows][:, :-1]) / 2
        kelvin = device.sink + (along_x[:, :, 1:] + along_x[:, :, :-1]) / 2  # mean of the corners of a cell
        ends = kelvin[:-1], (kelvin[:-1] + kelvin[1:]) / 2, kelvin[1:]
        values = [law.at(one.ravel()).reshape(one.shape) for one in ends]
        value = (values[0] + 4 * values[1] + values[2]) / 6  # Simpson's rule from face to face of a cell
        found[name] = _property_mean(weight, ends[1], value)
    for name, boundary in zip(device.stack.boundary_names, device.stack.boundaries, strict=True):
        if isinstance(boundary.conductance, Conductance):
            i = place[ready.column.owners.index(name)]  # the node above; that below it comes next
            jumps = (rises[i] - rises[i + 1]) * (others[i] - others[i + 1]) * np.outer(*areas)
            kelvin = device.sink + (rises[i] + rises[i + 1]) / 2
            values = boundary.conductance.at(kelvin.ravel()).reshape(kelvin.shape)
            found[name] = _property_mean(jumps, kelvin, values)
    return found


def _nodes_with_laws(device: Device, ready: LinearDevice) -> list[int]:
    """Nodes in layers, and on both sides of boundaries, whose properties depend on temperature."""
    names = zip(device.stack.boundary_names, device.stack.boundaries, strict=True)
    owners = {name for name, one in names if isinstance(one.conductance, Conductance)} | set(device.laws)
    pieces = [i for i, owner in enumerate(ready.column.owners) if owner in owners]
    return sorted({*pieces, *(i + 1 for i in pieces)})


def _property_mean(weight: Array, temperature: Array, value: Array) -> _PropertyMean:
    r"""Means with a weight $\nabla\theta\cdot\nabla\theta'$, and the next order, $\int |w| (k - \bar k)^2 / \bar k$.

    The latter is exact for heat that flows straight through a layer: 1 over the mean of 1/k is k̄ less its variance
    over k̄.
    """
    mean = _weighted_mean(weight, value)
    remainder = float(np.sum(np.abs(weight) * (value - mean) ** 2)) / mean
    return _PropertyMean(_weighted_mean(weight, temperature), mean, float(weight.sum()), remainder)


def _weighted_mean(weight: Array, value: Array) -> float:
    """Mean with a weight; the plain one where nothing flows that could weigh."""
    total, size = float(weight.sum()), float(np.abs(weight).sum())
    if not total > _NEGLIGIBLE_WEIGHT * size:
        return float(value.mean())
    return float(np.sum(weight * value)) / total


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
    """Width of the narrowest source along an axis, m."""
    widths = [high - low for low, high in (shape.extent[axis] for shape in device.shapes)]
    if widths:
        return min(widths)
    return 1.0 if device.box is None else (device.box.width, device.box.depth)[axis]


def _lateral_coordinates(device: Device, axis: int, place: float, denser: int) -> Array:
    """Places along an axis, dense around the hottest point and out to the sides, or to where little heat flows, m."""
    width = _narrowest_width(device, axis)
    side = None if device.box is None else (device.box.width, device.box.depth)[axis]
    reach = 12 * _source_width(device) if side is None else side
    away = np.concatenate(
        [[0.0], np.geomspace(min(_FINEST_SPACING * width, 0.1 * reach), reach, denser * _LATERAL_POINTS)]
    )
    found = np.unique(np.concatenate([place - away[::-1], place + away]))
    return found if side is None else np.unique(np.clip(found, 0.0, side))


def _gradient_product(
    a: Array, b: Array, lines: tuple[Array, Array, Array], scale: tuple[float, float, float]
) -> Array:
    """(nz - 1, nx - 1, ny - 1) integral of the product of two gradients over each cell."""
    total = np.zeros(tuple(line.size - 1 for line in lines))
    volume = np.einsum("i,j,k->ijk", *(np.diff(line) for line in lines))
    for axis, (line, factor) in enumerate(zip(lines, scale, strict=True)):
        slopes = [_axis_gradient(value, line, axis) for value in (a, b)]
        total += factor * slopes[0] * slopes[1]
    return total * volume


def _axis_gradient(value: Array, line: Array, axis: int) -> Array:
    """Slope along one axis in each cell, the mean over its other directions."""
    shape = [1, 1, 1]
    shape[axis] = -1
    found = np.diff(value, axis=axis) / np.diff(line).reshape(shape)
    for other in range(3):
        if other != axis:
            upper, lower = (np.take(found, range(i, found.shape[other] - 1 + i), other) for i in (1, 0))
            found = (upper + lower) / 2
    return found


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
    for _, place, node in sorted(places, key=lambda one: -one[0])[:_MAX_RIVALS]:
        held, numbers = ready, solution.values
        for _ in range(_RIVAL_ITERATIONS):  # Picard iteration, as for the hottest point
            numbers = {name: one.value for name, one in _weighted_means(device, held, place, node).items()}
            held = linear_device(with_constant_properties(device, numbers), _inner_planes(device, 2))
        found.append(float(held.rise(place, node)[0]) + _error_of_means(device, numbers, place, node))
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
        f"{device.title}: after {_MAX_PROPERTY_ITERATIONS} solutions the hottest point still moves, now "
        f"{last:.6g} K above the sink: "
        "the conductivity falls with temperature; there may be no steady state",
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
