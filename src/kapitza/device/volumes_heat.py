"""Heat that enters the cells of a grid, what crosses the faces between them, and temperatures there."""

import numpy as np
from attrs import frozen
from scipy.special import erf

from kapitza.core.arrays import Array
from kapitza.device.blocks import depth_of
from kapitza.device.description import HeatSource
from kapitza.device.grid import BoxGrid
from kapitza.device.linear import plane_of
from kapitza.device.setup import Plane, position
from kapitza.device.shapes import Disc, GaussianSpot, HeatMap, Patch, Shape
from kapitza.device.volumes import System
from kapitza.errors import InputError

HELD = 1e-40  # m² K W⁻¹ to a face that is held at its temperature: it takes all heat that enters
FINE = 8  # parts of a cell along an axis, to see how much of it a disc covers


@frozen(eq=False)
class Face:
    """What meets at a horizontal plane through a grid.

    Attributes
    ----------
    index : of the edge along z; cells above have the number index - 1
    above : whether it lies on the upper side of a boundary there
    up, down : (nx, ny) conductances from the plane to the middles of the cells above and below, W K⁻¹
    """

    index: int
    above: bool
    up: Array
    down: Array

    @property
    def share(self) -> Array:
        """(nx, ny) share of heat on the plane that enters the cell below."""
        return self.down / (self.up + self.down)


def plane_face(found: System, plane: Plane) -> Face:
    """Return what meets at a plane; at a boundary the plane lies on the side of the layer that it names."""
    stack = found.layout.device.stack
    index, depth = position(plane, stack)
    at = found.grid.face(depth_of(stack, index) + depth)
    thickness = stack.layers[index].thickness
    return face(found, at, above=depth >= thickness * (1 - 1e-9))


def face(found: System, at: int, *, above: bool) -> Face:
    """Return what meets at an edge along z, on the upper or the lower side of a boundary there."""
    areas, size = found.grid.areas, found.grid.sizes[2]
    k = np.broadcast_to(found.conductivity[2], found.grid.shape)
    count = size.size
    outer = (found.layout.device.top_coefficient, found.layout.device.coefficient)
    with np.errstate(divide="ignore"):
        up = size[at - 1] / 2 / k[:, :, at - 1] if at else np.full(areas.shape, 1 / np.float64(outer[0]))
        down = size[at] / 2 / k[:, :, at] if at < count else np.full(areas.shape, 1 / np.float64(outer[1]))
    if 0 < at < count:
        boundary = np.broadcast_to(found.resistances[2], (*areas.shape, count - 1))[:, :, at - 1]
        up, down = (up, down + boundary) if above else (up + boundary, down)
    up, down = np.maximum(up, HELD), np.maximum(down, HELD)
    return Face(at, above, areas / up, areas / down)


def plane_heat(found: System, source: HeatSource) -> Array:
    """(nx, ny) heat of a source over each column of cells, W: all of it is in the box."""
    share = coverage(source.shape, found.grid)
    return source.power * found.level(source.name) * share / share.sum()


def coverage(shape: Shape | None, grid: BoxGrid) -> Array:
    """(nx, ny) part of a source over each column of cells."""
    if shape is None:
        return grid.areas
    if isinstance(shape, HeatMap):
        left, right = (overlap(e, edges) for e, edges in zip((grid.x, grid.y), shape.edges, strict=True))
        return left @ shape.value @ right.T
    if isinstance(shape, Disc):
        return disc_coverage(shape, grid)
    if isinstance(shape, GaussianSpot):
        middle = (shape.x, shape.y)
        factors = [
            np.sum([np.diff(erf(np.sqrt(2) * (e - image) / w)) for image in images(m, e[-1])], axis=0)
            for e, m, w in zip((grid.x, grid.y), middle, shape.radii, strict=True)
        ]
        return np.outer(*factors)
    return np.outer(overlap(grid.x, np.array(shape.x))[:, 0], overlap(grid.y, np.array(shape.y))[:, 0])


def images(middle: float, end: float) -> list[float]:
    """Middles of a spot and of its images in the two ends of an axis: heat beyond them comes back, m."""
    return [2 * n * end + sign * middle for n in (-1, 0, 1) for sign in (-1, 1)]


def overlap(edges: Array, others: Array) -> Array:
    """(n, m) common length of cells with intervals, m."""
    high = np.minimum(edges[1:, None], others[1:])
    return np.maximum(high - np.maximum(edges[:-1, None], others[:-1]), 0.0)


def disc_coverage(disc: Disc, grid: BoxGrid) -> Array:
    """(nx, ny) area of a disc over each column of cells, m²."""
    x, y = ((e[:-1, None] + np.diff(e)[:, None] * (np.arange(FINE) + 0.5) / FINE).ravel() for e in (grid.x, grid.y))
    inside = np.zeros((x.size, y.size))
    for middle_x in images(disc.x, grid.x[-1]):
        for middle_y in images(disc.y, grid.y[-1]):
            inside += np.add.outer((x - middle_x) ** 2, (y - middle_y) ** 2) <= disc.radius**2
    nx, ny, _ = grid.shape
    return inside.reshape(nx, FINE, ny, FINE).mean(axis=(1, 3)) * grid.areas


def heats(found: System) -> Array:
    """(nx, ny, nz) heat that enters each cell, W."""
    layout, grid = found.layout, found.grid
    total = np.zeros(grid.shape)
    for source in layout.device.sources:
        heat = plane_heat(found, source)
        if source.through:
            add_through(total, found, source, heat)
            continue
        at = plane_face(found, plane_of(layout.device, source))
        if at.index < grid.shape[2]:
            total[:, :, at.index] += heat * at.share
        if at.index:
            total[:, :, at.index - 1] += heat * (1 - at.share)
    count = len(layout.device.stack.layers)
    for i, block in enumerate(layout.blocks):
        if block.power:
            inside = found.regions == count + i
            volume = np.where(inside, grid.areas[:, :, None] * grid.sizes[2], 0.0)
            total += block.power * found.level("") * volume / volume.sum()
    return total


def add_through(total: Array, found: System, source: HeatSource, heat: Array) -> None:
    """Add heat that enters evenly through a layer."""
    stack = found.layout.device.stack
    index, _ = position(plane_of(found.layout.device, source), stack)
    top = depth_of(stack, index)
    middles = found.grid.middles[2]
    inside = (middles > top) & (middles < top + stack.layers[index].thickness)
    share = np.where(inside, found.grid.sizes[2], 0.0)
    total += heat[:, :, None] * (share / share.sum())


def patch_mean(grid: BoxGrid, values: Array, patch: Patch) -> float:
    """Mean of (nx, ny) values over a patch."""
    share = coverage(patch, grid)
    return float((values * share).sum() / share.sum())


def storage(found: System) -> Array:
    """(nx, ny, nz) heat capacity of each cell, J K⁻¹.

    Raises
    ------
    InputError
        for a layer or block without one
    """
    for layer in found.layout.regions:
        if layer.heat_capacity is None:
            raise InputError(f"{layer.name} has no heat_capacity (J/m³K), which all that changes needs")
    capacities = np.array([layer.heat_capacity for layer in found.layout.regions], dtype=float)
    return capacities[found.regions] * found.grid.areas[:, :, None] * found.grid.sizes[2]


@frozen(eq=False)
class Faces:
    """What goes through the horizontal faces of cells, and how hot they are.

    Attributes
    ----------
    entering, leaving : (nx, ny, nz) heat that enters each cell through its top and leaves it through its bottom, W
    top, bottom : (nx, ny, nz) rise of its top and bottom faces, K: at a boundary these differ from one cell to the next
    escaped : heat that leaves through left, right, front, back, top and bottom, W
    """

    entering: Array
    leaving: Array
    top: Array
    bottom: Array
    escaped: Array

    def plane(self, at: Face) -> Array:
        """(nx, ny) rise of a plane, K."""
        upper = at.index == self.top.shape[2] or (at.above and at.index > 0)
        return self.bottom[:, :, at.index - 1] if upper else self.top[:, :, at.index]


def faces_of(found: System, rise: Array) -> Faces:
    """Return fluxes and temperatures of all horizontal faces of a solution."""
    grid, device = found.grid, found.layout.device
    entering, leaving = np.empty(grid.shape), np.empty(grid.shape)
    leaving[:, :, :-1] = -found.faces[2] * np.diff(rise, axis=2)
    entering[:, :, 1:] = leaving[:, :, :-1]
    entering[:, :, 0] = -found.outer[4] * rise[:, :, 0]
    leaving[:, :, -1] = found.outer[5] * rise[:, :, -1]
    escaped = found.escaped(rise)
    for source in device.sources:
        if source.through:
            continue
        at, heat = plane_face(found, plane_of(device, source)), plane_heat(found, source)
        lower = heat * at.share
        upper = heat - lower
        if at.index < grid.shape[2]:
            entering[:, :, at.index] += lower
        else:
            escaped[5] += lower.sum()
        if at.index:
            leaving[:, :, at.index - 1] -= upper
        else:
            escaped[4] += upper.sum()
    half = grid.sizes[2] / 2 / found.conductivity[2] / grid.areas[:, :, None]
    return Faces(entering, leaving, rise + entering * half, rise - leaving * half, escaped)
