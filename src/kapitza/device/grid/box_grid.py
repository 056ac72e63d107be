r"""Box grids for devices: fine at the edges of sources and at faces, growing away from them.

Along each axis cells end at all faces of layers, blocks and sources.  Between two of these the size of cells follows

$$h(x) = s\,\min_p (a_p + g\,|x - p|),$$

with the places p where the temperature changes fastest and the size $a_p$ of what happens there.  One factor s for all
axes makes the number of cells.  The edges are equal quantiles of $\int dx/h$: a smooth map of even cells, so that the
error of second order in the size of cells stays one.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, about, increasing
from kapitza.core.records import BaseRecord
from kapitza.device.description import HeatSource
from kapitza.device.layered.linear import source_plane
from kapitza.device.layout import Layout, layer_depth
from kapitza.device.setup import locate_plane
from kapitza.device.shapes import GaussianSpot, Interval, Rectangle, SourceShape
from kapitza.errors import InputError

_CELL_GROWTH = 1.0  # of h per distance from a place, before the factor s
_SOURCE_EDGE_FRACTION = 0.5  # of the size of a source: the flux jumps at its edges
# of the size of a source, below it: all of its flux enters the first cell, from the middle of which the hottest point
# is half a cell away; cells that grow from there cost little
_SOURCE_DEPTH_FRACTION = 0.125
_MIN_CELLS = 64  # cells
_MAX_CELLS = 2**27  # cells: int32 numbers of the elements of the matrix
_EDGE_TOLERANCE = 1e-9  # of the length of an axis: edges that are closer are one

_CellTarget = tuple[float, float]  # where, and the size there, m
_SourceFace = tuple[SourceShape | None, HeatSource]  # a shape on the plane of a source


@frozen(eq=False)
class BoxGrid(BaseRecord):
    """Edges of cells along x, y and down, m.

    Examples
    --------
    >>> from kapitza.device import BoxGrid
    >>> grid = BoxGrid(x=[0, 1e-6, 3e-6], y=[0, 2e-6], z=[0, 1e-7, 5e-7])
    >>> print(grid.shape, grid.refine().shape)
    (2, 1, 2) (4, 2, 4)
    """

    x: Array = field(converter=increasing, metadata=about("m", "edges of the cells along x"))
    y: Array = field(converter=increasing, metadata=about("m", "edges of the cells along y"))
    z: Array = field(converter=increasing, metadata=about("m", "depths of the edges of the cells"))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Cells along x, y and z."""
        return self.x.size - 1, self.y.size - 1, self.z.size - 1

    @property
    def count(self) -> int:
        """Of all cells."""
        return int(np.prod(self.shape))

    @property
    def sizes(self) -> tuple[Array, Array, Array]:
        """(nx,), (ny,), (nz,) of cells, m."""
        return np.diff(self.x), np.diff(self.y), np.diff(self.z)

    @property
    def middles(self) -> tuple[Array, Array, Array]:
        """(nx,), (ny,), (nz,) of cells, m."""
        return (self.x[1:] + self.x[:-1]) / 2, (self.y[1:] + self.y[:-1]) / 2, (self.z[1:] + self.z[:-1]) / 2

    @property
    def areas(self) -> Array:
        """(nx, ny) of the faces along the layers, m²."""
        dx, dy, _ = self.sizes
        return np.outer(dx, dy)

    def has_face(self, depth: float) -> bool:
        """Whether cells end at a depth, m."""
        return bool(np.abs(self.z - depth).min() <= _EDGE_TOLERANCE * self.z[-1])

    def face(self, depth: float) -> int:
        """Number of the edge at a depth, at which the grid has to have one."""
        found = int(np.argmin(np.abs(self.z - depth)))
        if not self.has_face(depth):
            raise InputError(f"the grid has no face at a depth of {depth:g} m, the next is at {self.z[found]:g} m")
        return found

    def refine(self, axes: Sequence[int] = (0, 1, 2)) -> "BoxGrid":
        """Each cell cut in two along axes, 0 to 2 for x, y and z; all if left out."""
        edges = (self.x, self.y, self.z)
        halved = [np.sort(np.concatenate([line, (line[1:] + line[:-1]) / 2])) for line in edges]
        return BoxGrid(*(halved[axis] if axis in axes else line for axis, line in enumerate(edges)))


def automatic_grid(
    layout: Layout, unknowns: int = 150_000, *, shortest: float | None = None, even: bool = False
) -> BoxGrid:
    """A grid of about so many cells for a layout, 64 to 134 million.

    With the `shortest` time after a switch, s, cells at sources follow how far heat then gets.  Cells of
    an `even` grid can be joined two by two (`joined_grid`); not where that would take more cells than asked for.
    """
    if not _MIN_CELLS <= unknowns <= _MAX_CELLS:
        raise InputError(f"{unknowns} unknowns: expected {_MIN_CELLS} to {_MAX_CELLS}")
    faces = _source_faces(layout)
    axes = [(required_edges(layout, axis), _cell_targets(layout, axis, faces, shortest)) for axis in range(3)]
    pieces = int(np.prod([edges.size - 1 for edges, _ in axes]))
    least = 2 if even and 8 * pieces <= unknowns else 1

    # of ln s: 134 million cells are coarser than the one, a cell for each piece finer than the other
    low, high = -9.0, 6.0
    while high - low > 1e-3:  # the number of cells falls monotonically with s: bisection
        middle = (low + high) / 2
        counts = [_cells_per_interval(*axis, np.exp(middle), least).sum() for axis in axes]
        low, high = (low, middle) if np.log(counts).sum() < np.log(unknowns) else (middle, high)
    return BoxGrid(*(_axis_edges(*axis, np.exp(high), least) for axis in axes))


def joined_grid(layout: Layout, grid: BoxGrid, axes: Sequence[int] = (0, 1, 2)) -> BoxGrid | None:
    """The grid with its cells joined two by two along axes; None where one would then reach across a face."""
    lines = [grid.x, grid.y, grid.z]
    for axis in axes:
        edges, kept = lines[axis], lines[axis][::2]
        away = np.abs(required_edges(layout, axis)[:, None] - kept).min(axis=1)
        if edges.size % 2 == 0 or away.max() > _EDGE_TOLERANCE * edges[-1]:
            return None
        lines[axis] = kept
    return BoxGrid(*lines)


def required_edges(layout: Layout, axis: int) -> Array:
    """Where cells have to end along an axis: faces of layers, blocks, sources and patches, m."""
    device = layout.device
    end = (layout.box.width, layout.box.depth, layout.height)[axis]
    edges = [0.0, end]
    edges += [side for block in layout.blocks for side in (*block.outline.extent, block.span)[axis]]
    if axis == 2:
        edges += [layer_depth(device.stack, i) for i in range(len(device.stack.layers))]
        planes = [source_plane(device, source) for source in device.sources] + [p for p, _ in device.patches.values()]
        for index, depth in (locate_plane(plane, device.stack) for plane in planes):
            edges.append(layer_depth(device.stack, index) + depth)
    else:
        shapes = [*device.shapes, *(patch for _, patch in device.patches.values())]
        edges += [side for shape in shapes for side in shape.extent[axis]]
    ordered = np.unique(np.clip(edges, 0, end))
    ordered = ordered[np.append(True, np.diff(ordered) > _EDGE_TOLERANCE * end)]  # the same but for rounding
    ordered[-1] = end
    return ordered


def _source_faces(layout: Layout) -> list[_SourceFace]:
    """Where heat enters: the shape of each source, and what two sources on one plane have in common."""
    device = layout.device
    found: list[_SourceFace] = [(source.shape, source) for source in device.sources]
    flat = [(source.shape, source) for source in device.sources if source.shape is not None and not source.volumetric]
    for (shape, source), (other_shape, other) in combinations(flat, 2):
        if source_plane(device, source) == source_plane(device, other):
            ends = zip(shape.extent, other_shape.extent, strict=True)
            both = [(max(first[0], second[0]), min(first[1], second[1])) for first, second in ends]
            if all(low < high for low, high in both):
                found.append((Rectangle(*both), source))  # a narrow strip of both is hotter than either
    return found


def _cell_targets(
    layout: Layout, axis: int, faces: Sequence[_SourceFace], shortest: float | None = None
) -> list[_CellTarget]:
    device = layout.device
    found: list[_CellTarget] = []
    for shape, source in faces:
        index, depth = locate_plane(source_plane(device, source), device.stack)
        top, thickness = layer_depth(device.stack, index), device.stack.layers[index].thickness
        size = layout.box.width if shape is None else shape.size
        layer, reach = device.stack.layers[index], np.inf
        if shortest is not None and layer.heat_capacity is not None:  # how far heat gets in this time, halved
            reach = float(np.sqrt(layer.conductivity / layer.heat_capacity * shortest)) / 2
        if axis == 2:
            share = _SOURCE_EDGE_FRACTION if source.volumetric else _SOURCE_DEPTH_FRACTION
            fine = min(share * size, share * thickness, reach)
            found += [(top, fine), (top + thickness, fine)] if source.volumetric else [(top + depth, fine)]
        elif shape is not None:
            low, high = shape.extent[axis]
            # along a narrow strip little changes
            along = _SOURCE_EDGE_FRACTION * float(size**0.25 * (high - low) ** 0.75)
            places = ((low + high) / 2, low, high) if isinstance(shape, GaussianSpot) else (low, high)
            found += [(place, min(along, 2 * reach)) for place in places]
    for block in layout.blocks:
        spans: tuple[Interval, ...] = (*block.outline.extent, block.span)
        size = min(high - low for low, high in spans)
        low, high = spans[axis]
        found += [(place, np.sqrt(size * (high - low))) for place in (low, high)]
    return found or [(0.0, (layout.box.width, layout.box.depth, layout.height)[axis])]


def _sample_interval(edges: Array, places: Sequence[_CellTarget], scale: float, piece: int) -> tuple[Array, Array]:
    """Points in one piece, dense at its ends, and the number of cells from its start to each."""
    low, high = edges[piece], edges[piece + 1]
    share = (1 - np.cos(np.linspace(0, np.pi, 401))) / 2
    at = low + (high - low) * share
    middle = (at[1:] + at[:-1]) / 2
    near = np.min([size + _CELL_GROWTH * np.abs(middle - place) for place, size in places], axis=0)
    size = scale * np.minimum(near, max(high - low, _EDGE_TOLERANCE * edges[-1]))
    return at, np.append(0.0, np.cumsum(np.diff(at) / size))


def _cells_per_interval(edges: Array, places: Sequence[_CellTarget], scale: float, least: int) -> Array:
    counts = [_sample_interval(edges, places, scale, i)[1][-1] for i in range(edges.size - 1)]
    return np.maximum(counts, least)


def _axis_edges(edges: Array, places: Sequence[_CellTarget], scale: float, least: int) -> Array:
    """Edges of all cells along an axis, m, a multiple of `least` in each piece."""
    parts = [edges[:1]]
    for i in range(edges.size - 1):
        at, number = _sample_interval(edges, places, scale, i)
        count = least * max(1, round(number[-1] / least))
        parts += [np.interp(np.arange(1, count) * number[-1] / count, number, at), edges[i + 1 : i + 2]]
    return np.concatenate(parts)
