"""Finite volumes on a box grid: heat balances of cells, with temperature jumps at boundaries."""

import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import erf

from kapitza.core.arrays import Array
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord
from kapitza.device.description import HeatSource
from kapitza.device.grid.box_grid import BoxGrid
from kapitza.device.layered.linear import averaging_patches, source_plane
from kapitza.device.layout import LATERAL_SIDES, Layout, layer_depth
from kapitza.device.setup import Plane, heat_capacity_of, locate_plane
from kapitza.device.shapes import Disc, GaussianSpot, HeatMap, SourceShape


@frozen(eq=False, kw_only=True)
class FiniteVolumes(BaseRecord):
    """A layout on a grid with plain numbers: all that the balances of its cells take."""

    # layout, grid: what and where
    layout: Layout
    grid: BoxGrid
    regions: NDArray[np.int16]  # (nx, ny, nz) number of the layer or block of each cell
    conductivity: tuple[Array, Array, Array]  # three arrays that stretch to (nx, ny, nz), along x, y and z, W m⁻¹ K⁻¹
    faces: tuple[Array, ...]  # conductances of the inner faces across x (nx - 1, ny, nz), y and z, W K⁻¹
    # that of the boundary in each of these, m² K W⁻¹; zero-dimensional where there is none
    resistances: tuple[Array, ...]
    # conductances of the middles of cells to the sink through left, right, front, back, top and bottom, W K⁻¹
    outer: tuple[Array, ...]
    # what each source of the device, and last all blocks, give of their power at the moment; all of it if empty
    levels: tuple[float, ...] = ()

    def level(self, name: str) -> float:
        """Part of its power that a source of the device gives, by name; that of the blocks for any other name."""
        names = [source.name for source in self.layout.device.sources]
        index = names.index(name) if name in names else -1
        return self.levels[index] if self.levels else 1.0

    def flow(self, rise: Array) -> Array:
        """(nx, ny, nz) net heat that leaves each cell, W."""
        found = np.zeros_like(rise)
        for axis, face in enumerate(self.faces):
            flow = -face * np.diff(rise, axis=axis)
            found[axis_index(axis, slice(None, -1))] += flow
            found[axis_index(axis, slice(1, None))] -= flow  # what one cell loses the next gains: heat is conserved
        for number, conductance in enumerate(self.outer):
            at = axis_index(number // 2, -(number % 2))
            found[at] += conductance * rise[at]
        return found

    def heat_out(self, rise: Array) -> Array:
        """(6,) heat that leaves through left, right, front, back, top and bottom, W."""
        return np.array([(g * rise[axis_index(i // 2, -(i % 2))]).sum() for i, g in enumerate(self.outer)])


def axis_index(axis: int, index: int | slice) -> tuple[int | slice, ...]:
    """Index of the first or last cells, or a range of them, along an axis."""
    return (slice(None),) * axis + (index,)


def paint_regions(layout: Layout, grid: BoxGrid) -> NDArray[np.int16]:
    """(nx, ny, nz) number of the layer or block of each cell."""
    middles = grid.middles
    layers = layout.device.stack.layers
    bottoms = np.cumsum([layer.thickness for layer in layers])
    found = np.empty(grid.shape, dtype=np.int16)
    found[:] = np.minimum(np.searchsorted(bottoms, middles[2]), len(layers) - 1)
    for i, block in enumerate(layout.blocks):
        spans = (*block.outline.extent, block.span)
        inside = [slice(*np.searchsorted(m, one)) for m, one in zip(middles, spans, strict=True)]
        found[tuple(inside)] = len(layers) + i  # later blocks cover earlier ones
    return found


def finite_volumes(
    layout: Layout, grid: BoxGrid, regions: NDArray[np.int16], rise: Array | None = None
) -> FiniteVolumes:
    """The conductances of all faces, with numbers of T at the rise (nx, ny, nz) of the cells, K; None for the sink."""
    conductivity = _cell_conductivities(layout, regions, rise)
    dx, dy, dz = grid.sizes
    areas = (dy[:, None] * dz, dx[:, None, None] * dz, grid.areas[:, :, None])
    faces: list[Array] = []
    outer: list[Array] = []
    resistances: list[Array] = []
    device = layout.device
    transfer = [*(layout.sides.get(side, 0.0) for side in LATERAL_SIDES), device.top_coefficient, device.coefficient]
    for axis, (k, size) in enumerate(zip(conductivity, grid.sizes, strict=True)):
        half = stretch_along(size, axis) / 2 / k
        halves = half[axis_index(axis, slice(None, -1))], half[axis_index(axis, slice(1, None))]
        resistances.append(_face_resistances(layout, regions, axis, rise, halves))
        series = halves[0] + halves[1] + resistances[axis]  # one flux crosses both halves and the boundary
        inner = [n - (i == axis) for i, n in enumerate(grid.shape)]
        faces.append(np.broadcast_to(areas[axis] / series, inner))
        for side in (0, 1):
            with np.errstate(divide="ignore"):
                beyond = 1 / np.float64(transfer[2 * axis + side])
            full = np.broadcast_to(half, grid.shape)[axis_index(axis, -side)] + beyond
            layer = [1 if i == axis else n for i, n in enumerate(grid.shape)]
            outer.append(np.broadcast_to(areas[axis], layer)[axis_index(axis, 0)] / full)
    return FiniteVolumes(
        layout=layout,
        grid=grid,
        regions=regions,
        conductivity=conductivity,
        faces=tuple(faces),
        resistances=tuple(resistances),
        outer=tuple(outer),
    )


def stretch_along(values: Array, axis: int) -> Array:
    """Values with axes of length 1 to stretch along one axis of three."""
    return values.reshape([-1 if i == axis else 1 for i in range(3)])


def _cell_conductivities(layout: Layout, regions: NDArray[np.int16], rise: Array | None) -> tuple[Array, Array, Array]:
    layers = layout.regions
    diagonal = np.array([np.diagonal(layer.tensor) for layer in layers])
    laws = layout.laws
    sink = layout.device.sink
    for i, law in laws.items():
        diagonal[i] *= law.at(sink)[0] / layers[i].conductivity
    uniform = not layout.blocks and (rise is None or not laws)
    cells = regions[:1, :1] if uniform else regions
    found = [diagonal[:, axis][cells] for axis in range(3)]
    if rise is not None:
        for i, law in laws.items():
            inside = regions == i
            if inside.any():
                factor = law.at(sink + rise[inside]) / law.at(sink)[0]
                for axis in range(3):
                    found[axis][inside] *= factor
    return found[0], found[1], found[2]


def _face_resistances(
    layout: Layout, regions: NDArray[np.int16], axis: int, rise: Array | None, halves: tuple[Array, Array]
) -> Array:
    """Resistance of the boundary in each inner face across an axis, with half cells on both sides, m² K W⁻¹."""
    if not layout.blocks:
        if axis < 2:
            return np.zeros((1, 1, 1))
        regions = regions if layout.is_nonlinear and rise is not None else regions[:1, :1]
    first, second = regions[axis_index(axis, slice(None, -1))], regions[axis_index(axis, slice(1, None))]
    found = np.zeros(first.shape)
    differ = first != second
    count = len(layout.regions)
    pairs = np.unique(first[differ].astype(np.int32) * count + second[differ])
    for a, b in (divmod(int(pair), count) for pair in pairs):
        contact, here = layout.contact(a, b), (first == a) & (second == b)
        if not isinstance(contact, Conductance):
            found[here] = 1 / contact
        elif rise is None:
            found[here] = 1 / contact.at(layout.device.sink)[0]
        else:
            sides = [rise[axis_index(axis, part)][here] for part in (slice(None, -1), slice(1, None))]
            inner = [np.broadcast_to(half, first.shape)[here] for half in halves]
            found[here] = _resistance_at_mean(contact, layout.device.sink, sides, inner)
    return found


def _resistance_at_mean(contact: Conductance, sink: float, sides: list[Array], halves: list[Array]) -> Array:
    """Resistance at the mean of the temperatures of both sides of a boundary, from those of the cells, m² K W⁻¹."""
    middle = (sides[0] + sides[1]) / 2
    at = middle
    for _ in range(3):  # the flux, and with it the two sides, hardly depend on the resistance: this settles at once
        resistance = 1 / contact.at(sink + at)
        flux = (sides[0] - sides[1]) / (halves[0] + halves[1] + resistance)
        at = middle - flux * (halves[0] - halves[1]) / 2  # mean of T₁ - q h₁ and T₂ + q h₂, the two faces
    return 1 / contact.at(sink + at)


def balance_matrix(found: FiniteVolumes, storage: Array | None = None) -> csr_array:
    """Symmetric matrix of the balances, seven elements a row, W K⁻¹, with `storage` (nx, ny, nz) on the diagonal."""
    shape = found.grid.shape
    count = found.grid.count
    strides = (shape[1] * shape[2], shape[2], 1)
    values = np.zeros((count, 7))
    cells = values.reshape(*shape, 7)
    present = np.zeros((count, 7), dtype=bool)
    present[:, 3] = True
    there = present.reshape(*shape, 7)
    for axis, face in enumerate(found.faces):
        before, after = axis_index(axis, slice(None, -1)), axis_index(axis, slice(1, None))
        cells[..., axis][after] = -face
        cells[..., 6 - axis][before] = -face
        there[..., axis][after] = True
        there[..., 6 - axis][before] = True
    diagonal = -values.sum(axis=1).reshape(shape)  # an even temperature drives no heat between cells
    for number, conductance in enumerate(found.outer):
        diagonal[axis_index(number // 2, -(number % 2))] += conductance
    values[:, 3] = (diagonal if storage is None else diagonal + storage).ravel()
    del cells, there  # views, which would keep the full arrays in memory
    pointer = np.zeros(count + 1, dtype=np.int32)
    np.cumsum(present.sum(axis=1, dtype=np.int32), out=pointer[1:])
    offsets = np.array([-strides[0], -strides[1], -1, 0, 1, strides[1], strides[0]], dtype=np.int32)  # rows sorted
    columns = (np.arange(count, dtype=np.int32)[:, None] + offsets)[present]
    data = values[present]
    del values, present
    return csr_array((data, columns, pointer), shape=(count, count))


_FIXED_FACE_RESISTANCE = 1e-40  # m² K W⁻¹ to a face that is held at its temperature: it takes all heat that enters
_DISC_SUBCELLS = 8  # parts of a cell along an axis, to see how much of it a disc covers


@frozen(eq=False)
class GridPlane(BaseRecord):
    """What meets at a horizontal plane through a grid."""

    index: int  # of the edge along z; cells above have the number index - 1
    above: bool  # whether it is the bottom face of the cells above it, not the top face of those below
    # up, down: (nx, ny) conductances from the plane to the middles of the cells above and below, W K⁻¹
    up: Array
    down: Array

    @property
    def share(self) -> Array:
        """(nx, ny) share of heat on the plane that enters the cell below."""
        return self.down / (self.up + self.down)


def find_grid_plane(found: FiniteVolumes, plane: Plane) -> GridPlane:
    """Return what meets at a plane; at a boundary the plane lies on the side of the layer that it names."""
    stack = found.layout.device.stack
    layer, depth = locate_plane(plane, stack)
    at = found.grid.face(layer_depth(stack, layer) + depth)
    above = depth >= stack.layers[layer].thickness * (1 - 1e-9)
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
    up, down = np.maximum(up, _FIXED_FACE_RESISTANCE), np.maximum(down, _FIXED_FACE_RESISTANCE)
    return GridPlane(at, at == count or (above and at > 0), areas / up, areas / down)


def crossed_cells(found: FiniteVolumes, plane: Plane) -> tuple[int, float, float]:
    """Number of the cells that a plane crosses or bounds, how far down in them it is from 0 to 1, and its depth, m."""
    grid, stack = found.grid, found.layout.device.stack
    index, depth = locate_plane(plane, stack)
    depth += layer_depth(stack, index)
    if not grid.has_face(depth):
        cell = int(np.searchsorted(grid.z, depth)) - 1
        return cell, float((depth - grid.z[cell]) / grid.sizes[2][cell]), depth
    at = find_grid_plane(found, plane)
    return at.index - at.above, float(at.above), float(grid.z[at.index])


def _source_heat(found: FiniteVolumes, source: HeatSource) -> Array:
    share = shape_coverage(source.shape, found.grid)
    return source.power * found.level(source.name) * share / share.sum()


def shape_coverage(shape: SourceShape | None, grid: BoxGrid) -> Array:
    """(nx, ny) part of a source over each column of cells."""
    if shape is None:
        return grid.areas
    if isinstance(shape, HeatMap):
        left, right = (_interval_overlap(e, edges) for e, edges in zip((grid.x, grid.y), shape.edges, strict=True))
        return left @ shape.value @ right.T
    if isinstance(shape, Disc):
        return _disc_coverage(shape, grid)
    if isinstance(shape, GaussianSpot):
        middle = (shape.x, shape.y)
        factors = [
            np.sum([np.diff(erf(np.sqrt(2) * (e - image) / w)) for image in _mirror_positions(m, e[-1])], axis=0)
            for e, m, w in zip((grid.x, grid.y), middle, shape.radii, strict=True)
        ]
        return np.outer(*factors)
    x, y = shape.extent
    return np.outer(_interval_overlap(grid.x, np.array(x)), _interval_overlap(grid.y, np.array(y)))


def _mirror_positions(middle: float, end: float) -> list[float]:
    """Middles of a spot and of its images in the two ends of an axis: heat beyond them comes back, m."""
    return [2 * n * end + sign * middle for n in (-1, 0, 1) for sign in (-1, 1)]


def _interval_overlap(edges: Array, others: Array) -> Array:
    """(n, m) common length of cells with intervals, m."""
    high = np.minimum(edges[1:, None], others[1:])
    return np.maximum(high - np.maximum(edges[:-1, None], others[:-1]), 0.0)


def _disc_coverage(disc: Disc, grid: BoxGrid) -> Array:
    x, y = (
        (e[:-1, None] + np.diff(e)[:, None] * (np.arange(_DISC_SUBCELLS) + 0.5) / _DISC_SUBCELLS).ravel()
        for e in (grid.x, grid.y)
    )
    inside = np.zeros((x.size, y.size))
    for middle_x in _mirror_positions(disc.x, grid.x[-1]):
        for middle_y in _mirror_positions(disc.y, grid.y[-1]):
            inside += np.add.outer((x - middle_x) ** 2, (y - middle_y) ** 2) <= disc.radius**2
    nx, ny, _ = grid.shape
    return inside.reshape(nx, _DISC_SUBCELLS, ny, _DISC_SUBCELLS).mean(axis=(1, 3)) * grid.areas


def cell_heats(found: FiniteVolumes) -> Array:
    """(nx, ny, nz) heat that enters each cell, W."""
    layout, grid = found.layout, found.grid
    total = np.zeros(grid.shape)
    for source in layout.device.sources:
        heat = _source_heat(found, source)
        if source.volumetric:
            index, _ = locate_plane(source_plane(layout.device, source), layout.device.stack)
            top, middles = layer_depth(layout.device.stack, index), grid.middles[2]
            inside = (middles > top) & (middles < top + layout.device.stack.layers[index].thickness)
            share = np.where(inside, grid.sizes[2], 0.0)
            total += heat[:, :, None] * (share / share.sum())
            continue
        at = find_grid_plane(found, source_plane(layout.device, source))
        if at.index < grid.shape[2]:
            total[:, :, at.index] += heat * at.share  # no unknown on the plane itself: heat divides as conductances
        if at.index:
            total[:, :, at.index - 1] += heat * (1 - at.share)
    count = len(layout.device.stack.layers)
    for i, block in enumerate(layout.blocks):
        if block.power:
            inside = found.regions == count + i
            volume = np.where(inside, grid.areas[:, :, None] * grid.sizes[2], 0.0)
            total += block.power * found.level("") * volume / volume.sum()
    return total


def grid_patches(found: FiniteVolumes) -> dict[str, tuple[GridPlane, Array]]:
    """Where temperatures are averaged, by name: the plane, and the (nx, ny) weights of its cells."""
    patches: dict[str, tuple[GridPlane, Array]] = {}
    for name, (plane, patch) in averaging_patches(found.layout.device).items():
        share = shape_coverage(patch, found.grid)
        patches[name] = find_grid_plane(found, plane), share / share.sum()
    return patches


def cell_capacities(found: FiniteVolumes) -> Array:
    """(nx, ny, nz) heat capacity of each cell, J K⁻¹; a layer or block without one is refused."""
    capacities = np.array([heat_capacity_of(layer) for layer in found.layout.regions])
    return capacities[found.regions] * found.grid.areas[:, :, None] * found.grid.sizes[2]


@frozen(eq=False)
class HorizontalFaces(BaseRecord):
    """What goes through the horizontal faces of cells, and how hot they are."""

    # entering, leaving: (nx, ny, nz) heat that enters each cell through its top and leaves it through its bottom, W
    entering: Array
    leaving: Array
    # top, bottom: (nx, ny, nz) rise of its top and bottom faces, K: at a boundary these differ from one cell to the
    # next
    top: Array
    bottom: Array
    heat_out: Array  # heat that leaves through left, right, front, back, top and bottom, W

    def plane(self, at: GridPlane) -> Array:
        """(nx, ny) rise of a plane, K."""
        return self.bottom[:, :, at.index - 1] if at.above else self.top[:, :, at.index]


def horizontal_faces(found: FiniteVolumes, rise: Array) -> HorizontalFaces:
    """Return fluxes and temperatures of all horizontal faces of a solution."""
    grid, device = found.grid, found.layout.device
    entering, leaving = np.empty(grid.shape), np.empty(grid.shape)
    leaving[:, :, :-1] = -found.faces[2] * np.diff(rise, axis=2)
    entering[:, :, 1:] = leaving[:, :, :-1]
    entering[:, :, 0] = -found.outer[4] * rise[:, :, 0]
    leaving[:, :, -1] = found.outer[5] * rise[:, :, -1]
    heat_out = found.heat_out(rise)
    for source in device.sources:
        if source.volumetric:
            continue
        at, heat = find_grid_plane(found, source_plane(device, source)), _source_heat(found, source)
        lower = heat * at.share
        upper = heat - lower
        if at.index < grid.shape[2]:
            entering[:, :, at.index] += lower
        else:
            heat_out[5] += lower.sum()  # straight from the face to the sink, through no cell
        if at.index:
            leaving[:, :, at.index - 1] -= upper
        else:
            heat_out[4] += upper.sum()
    half = grid.sizes[2] / 2 / found.conductivity[2] / grid.areas[:, :, None]
    return HorizontalFaces(entering, leaving, rise + entering * half, rise - leaving * half, heat_out)
