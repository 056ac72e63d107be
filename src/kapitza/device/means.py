r"""Which single number stands for a property that varies with temperature inside of a layer or along a boundary.

To first order the hottest rise changes with a conductivity k(T(r)) that differs a little from a constant one by
$-\int (k/k_0 - 1)\,\nabla\theta\cdot\mathbf K\nabla\theta'\,dV$, with the temperature θ of the device and that, θ', of
heat that enters at the hottest point.  So the constant that leaves no change is the mean of k(T) with the weight
$\nabla\theta\cdot\mathbf K\nabla\theta'$: heat that flows far from the hottest point, where a layer is cool, counts
for as little as it contributes.  For a boundary the weight is the product of the two jumps.  Where heat flows in one
dimension this is Kirchhoff's transform.
"""

import numpy as np

from kapitza.core.arrays import Array
from kapitza.core.conductance import Conductance
from kapitza.device.column import plane_response
from kapitza.device.description import Device
from kapitza.device.linear import Linear
from kapitza.device.setup import Plane
from kapitza.device.shapes import Disc, HeatMap, Rectangle, Shape
from kapitza.device.spread import Spots, axes, point_ranges, spread
from kapitza.device.waves import Complex

DEPTHS = 12  # in each layer
POINTS = 20  # on either side of the hottest point
FINEST = 0.02  # of the width of a source, the first of these
NOTHING = 1e-6  # of the weights without their signs
SMALL = 0.1  # of the width of a source: the patch that stands for the hottest point


def inner_planes(device: Device) -> tuple[Plane, ...]:
    """Planes in the layers whose conductivity depends on temperature."""
    share = (1 - np.cos(np.pi * np.arange(1, DEPTHS) / DEPTHS)) / 2
    found: list[Plane] = []
    for layer in device.stack.layers:
        if layer.name in device.laws:
            reach = layer.thickness if np.isfinite(layer.thickness) else 8 * reach_of(device)
            found += [Plane(layer.name, float(reach * one)) for one in share]
    return tuple(found)


def reach_of(device: Device) -> float:
    """Width of the widest source, or of the box, m."""
    shapes = [source.shape for source in device.sources if source.shape is not None]
    if shapes:
        return max(high - low for shape in shapes for low, high in shape.extent)
    return 1.0 if device.box is None else device.box.width


def weighted_means(device: Device, ready: Linear, spot: Spots, node: int) -> dict[str, tuple[float, float]]:
    """Temperature (K) and value of each layer and boundary with properties of T, by name.

    Parameters
    ----------
    device : with these properties
    ready : its solution with the numbers of before, cut at `inner_planes`
    spot, node : the hottest point
    """
    x, y = (lines_around(device, axis, float((spot.x, spot.y)[axis][0])) for axis in (0, 1))
    rises = sum_of_rises(ready, x, y)
    point = small_patch(device, spot)
    others = field(ready, point, plane_response(ready.medium, node)[:, 0], x, y)
    found: dict[str, tuple[float, float]] = {}
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
        weight = inner_product(rises[nodes], others[nodes], (depths, x, y), (1.0, along, along * ready.nodes.ratio))
        kelvin = device.sink + lateral_means(rises[nodes])
        ends = kelvin[:-1], (kelvin[:-1] + kelvin[1:]) / 2, kelvin[1:]
        values = [law.at(one.ravel()).reshape(one.shape) for one in ends]
        value = (values[0] + 4 * values[1] + values[2]) / 6  # Simpson's rule from face to face of a cell
        found[name] = mean(weight, ends[1]), mean(weight, value)
    for name, boundary in zip(device.stack.boundary_names, device.stack.boundaries, strict=True):
        if isinstance(boundary.conductance, Conductance):
            i = ready.column.owners.index(name)
            jumps = (rises[i] - rises[i + 1]) * (others[i] - others[i + 1]) * np.outer(steps(x), steps(y))
            kelvin = device.sink + (rises[i] + rises[i + 1]) / 2
            values = boundary.conductance.at(kelvin.ravel()).reshape(kelvin.shape)
            found[name] = mean(jumps, kelvin), mean(jumps, values)
    return found


def mean(weight: Array, value: Array) -> float:
    """Mean with a weight; the plain one where nothing flows that could weigh."""
    total, size = float(weight.sum()), float(np.abs(weight).sum())
    if not total > NOTHING * size:
        return float(value.mean())
    return float(np.sum(weight * value)) / total


def small_patch(device: Device, spot: Spots) -> Rectangle | None:
    """A small patch around the hottest point, inside of the box; all of the box where heat enters evenly everywhere."""
    if all(source.shape is None for source in device.sources):
        return None
    ranges: list[tuple[float, float]] = []
    for axis in (0, 1):
        place, half = float((spot.x, spot.y)[axis][0]), SMALL * width_around(device, axis) / 2
        low, high = place - half, place + half
        if device.box is not None:
            low, high = max(low, 0.0), min(high, (device.box.width, device.box.depth)[axis])
        ranges.append((low, high))
    return Rectangle(ranges[0], ranges[1])


def width_around(device: Device, axis: int) -> float:
    """Width of the narrowest source along an axis, m."""
    widths = [high - low for source in device.sources if source.shape for low, high in [source.shape.extent[axis]]]
    if widths:
        return min(widths)
    return 1.0 if device.box is None else (device.box.width, device.box.depth)[axis]


def lines_around(device: Device, axis: int, place: float) -> Array:
    """Places along an axis, dense around the hottest point and out to the sides, or to where little heat flows, m."""
    width = width_around(device, axis)
    side = None if device.box is None else (device.box.width, device.box.depth)[axis]
    reach = 12 * reach_of(device) if side is None else side
    away = np.concatenate([[0.0], np.geomspace(min(FINEST * width, 0.1 * reach), reach, POINTS)])
    found = np.unique(np.concatenate([place - away[::-1], place + away]))
    return found if side is None else np.unique(np.clip(found, 0.0, side))


def sum_of_rises(ready: Linear, x: Array, y: Array) -> Array:
    """(nodes, nx, ny) rises from all sources, K."""
    total = np.zeros((len(ready.column.pieces) + 1, x.size, y.size))
    for source, response in zip(ready.device.sources, ready.responses, strict=True):
        total += source.power * field(ready, source.shape, response, x, y)
    return total


def field(ready: Linear, shape: Shape | None, response: Complex, x: Array, y: Array) -> Array:
    """(nodes, nx, ny) rise per watt of one shape, K W⁻¹."""
    nodes, area, box = ready.nodes, ready.area, ready.device.box
    if isinstance(shape, (Disc, HeatMap)):
        spots = Spots(np.repeat(x, y.size), np.tile(y, x.size))
        found = nodes.averaged(response, spread(shape, spots, nodes.tau, box, nodes.ratio), area)
        return found.reshape(-1, x.size, y.size)
    along_x, along_y = axes(shape, (point_ranges(x), point_ranges(y)), nodes.tau, box, nodes.ratio)
    impulse = nodes.impulse(response)
    found = np.einsum("nt,tx,ty->nxy", impulse, along_x[:, 0], along_y[:, 0], optimize=True)
    if area is not None:
        found += ((np.real(response[:, -1]) - impulse.sum(axis=1)) / area)[:, None, None]
    return found


def lateral_means(value: Array) -> Array:
    """(nz, nx - 1, ny - 1) mean of the four corners along the layers."""
    along = (value[:, 1:] + value[:, :-1]) / 2
    return (along[:, :, 1:] + along[:, :, :-1]) / 2


def inner_product(a: Array, b: Array, lines: tuple[Array, Array, Array], scale: tuple[float, float, float]) -> Array:
    """(nz - 1, nx - 1, ny - 1) integral of the product of two gradients over each cell."""
    total = np.zeros(tuple(line.size - 1 for line in lines))
    volume = np.einsum("i,j,k->ijk", *(np.diff(line) for line in lines))
    for axis, (line, factor) in enumerate(zip(lines, scale, strict=True)):
        slopes = [gradient(value, line, axis) for value in (a, b)]
        total += factor * slopes[0] * slopes[1]
    return total * volume


def gradient(value: Array, line: Array, axis: int) -> Array:
    """Slope along one axis in each cell, the mean over its other directions."""
    shape = [1, 1, 1]
    shape[axis] = -1
    found = np.diff(value, axis=axis) / np.diff(line).reshape(shape)
    for other in range(3):
        if other != axis:
            upper, lower = (np.take(found, range(i, found.shape[other] - 1 + i), other) for i in (1, 0))
            found = (upper + lower) / 2
    return found


def steps(line: Array) -> Array:
    """Weights of the trapezoidal rule."""
    found = np.zeros(line.size)
    found[1:] += np.diff(line) / 2
    found[:-1] += np.diff(line) / 2
    return found
