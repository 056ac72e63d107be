"""Views of fields on box grids: jumps at boundaries, fluxes, sections and split cells."""

from collections.abc import Mapping

import numpy as np

from kapitza.core.arrays import Array, IntArray
from kapitza.device.description import Device
from kapitza.device.elements.steady import BoundaryJump
from kapitza.device.elements.views import TriangulatedField, merge_points
from kapitza.device.grid.finite_volumes import (
    FiniteVolumes,
    HorizontalFaces,
    axis_index,
    finite_volumes,
    horizontal_faces,
    layout_is_nonlinear,
    stretch_along,
)
from kapitza.device.grid.steady import GridTemperatures
from kapitza.device.layout import Layout
from kapitza.errors import InputError

_FacePair = tuple[Array, Array]  # (nx, ny, nz) rise of the lower and the upper face of each cell across an axis, K


def _rebuild_finite_volumes(layout: Layout | Device, fields: GridTemperatures) -> FiniteVolumes:
    """The conductances with which fields were found."""
    layout = Layout(layout) if isinstance(layout, Device) else layout
    return finite_volumes(layout, fields.grid, fields.regions, fields.rise if layout_is_nonlinear(layout) else None)


def _face_flows(found: FiniteVolumes, rise: Array, faces: HorizontalFaces) -> tuple[_FacePair, _FacePair, _FacePair]:
    """Heat that enters each cell through its lower face across x, y and z and leaves it through the upper one, W."""
    sides: list[_FacePair] = []
    for axis in (0, 1):
        entering, leaving = np.empty(found.grid.shape), np.empty(found.grid.shape)
        flow = -found.faces[axis] * np.diff(rise, axis=axis)
        entering[axis_index(axis, slice(1, None))] = flow
        leaving[axis_index(axis, slice(None, -1))] = flow
        entering[axis_index(axis, 0)] = -found.outer[2 * axis] * rise[axis_index(axis, 0)]
        leaving[axis_index(axis, -1)] = found.outer[2 * axis + 1] * rise[axis_index(axis, -1)]
        sides.append((entering, leaving))
    return sides[0], sides[1], (faces.entering, faces.leaving)


def _face_areas(found: FiniteVolumes, axis: int) -> Array:
    """Areas of the faces of cells across an axis, m², to stretch to (nx, ny, nz)."""
    dx, dy, dz = (stretch_along(size, i) for i, size in enumerate(found.grid.sizes))
    return (dy * dz, dx * dz, dx * dy)[axis]


def _face_rises(found: FiniteVolumes, rise: Array, faces: HorizontalFaces) -> tuple[_FacePair, _FacePair, _FacePair]:
    """Rises of the faces of each cell across x, y and z: at a boundary they differ from one cell to the next."""
    sides: list[_FacePair] = []
    for axis, (entering, leaving) in enumerate(_face_flows(found, rise, faces)):
        half = stretch_along(found.grid.sizes[axis], axis) / 2 / found.conductivity[axis] / _face_areas(found, axis)
        sides.append((rise + entering * half, rise - leaving * half))
    return sides[0], sides[1], sides[2]


def grid_jumps(layout: Layout | Device, fields: GridTemperatures) -> Mapping[str, BoundaryJump]:
    """Jumps at all boundaries that resist, by name "one|other": layers first, then blocks.

    Temperatures are rises above the sink; a boundary has as many facets as there are cells on it.
    """
    found = _rebuild_finite_volumes(layout, fields)
    sides = _face_rises(found, fields.rise, horizontal_faces(found, fields.rise))
    middles, count = found.grid.middles, len(found.layout.regions)
    rows: list[Array] = []
    for axis in range(3):
        before, after = axis_index(axis, slice(None, -1)), axis_index(axis, slice(1, None))
        shape = fields.regions[before].shape
        resistance = np.broadcast_to(found.resistances[axis], shape)
        low, high = fields.regions[before].astype(np.int64), fields.regions[after].astype(np.int64)
        here = np.nonzero((resistance > 0) & (low != high))
        if not here[0].size:
            continue
        edges = (found.grid.x, found.grid.y, found.grid.z)[axis]
        at = [edges[i + 1] if a == axis else middles[a][i] for a, i in enumerate(here)]
        area = np.broadcast_to(_face_areas(found, axis), fields.rise.shape)[before][here]
        lower, upper = sides[axis][1][before][here], sides[axis][0][after][here]
        turned = low[here] > high[here]
        one, other = np.where(turned, upper, lower), np.where(turned, lower, upper)
        pair = np.minimum(low[here], high[here]) * count + np.maximum(low[here], high[here])
        rows.append(np.column_stack([pair, *at, area, one, other, resistance[here]]))
    table = np.concatenate(rows) if rows else np.zeros((0, 8))
    return {
        found.layout.name(*divmod(int(pair), count)): _boundary_jump(table[table[:, 0] == pair])
        for pair in np.unique(table[:, 0])
    }


def _boundary_jump(rows: Array) -> BoundaryJump:
    """One boundary from rows of pair, x, y, z, area, rises on both sides, resistance."""
    flux = (rows[:, 5] - rows[:, 6]) / rows[:, 7]
    return BoundaryJump(rows[:, 1:4], rows[:, 4], rows[:, 5], rows[:, 6], flux, float(flux @ rows[:, 4]))


def grid_means(fields: GridTemperatures) -> dict[str, float]:
    """Rise averaged over each layer and block, by name, K."""
    dx, dy, dz = (stretch_along(size, i) for i, size in enumerate(fields.grid.sizes))
    volume = np.broadcast_to(dx * dy * dz, fields.rise.shape)
    count = len(fields.names)
    total = np.bincount(fields.regions.ravel(), volume.ravel(), minlength=count)
    heat = np.bincount(fields.regions.ravel(), (volume * fields.rise).ravel(), minlength=count)
    return {name: float(h / v) for name, h, v in zip(fields.names, heat, total, strict=True) if v}


def grid_flux(layout: Layout | Device, fields: GridTemperatures) -> Array:
    """(nx, ny, nz, 3) flux of heat along x, y and down in the middle of each cell, W m⁻²."""
    found = _rebuild_finite_volumes(layout, fields)
    flows = _face_flows(found, fields.rise, horizontal_faces(found, fields.rise))
    parts = [(low + high) / 2 / _face_areas(found, axis) for axis, (low, high) in enumerate(flows)]
    return np.stack([np.broadcast_to(part, fields.rise.shape) for part in parts], axis=-1)


def grid_section(layout: Layout | Device, fields: GridTemperatures, y: float | None = None) -> TriangulatedField:
    """The section through the cells at y, m (through the hottest point if None), with jumps at all boundaries.

    Each cell is two triangles; their corners are means of what the cells of one region around them say.

    Raises
    ------
    InputError
        for a y outside of the device
    """
    grid, found = fields.grid, _rebuild_finite_volumes(layout, fields)
    place = float(fields.temperatures.place[1]) if y is None else y
    if not grid.y[0] <= place <= grid.y[-1]:
        raise InputError(f"a section at y = {place:g} m: the device ends at {grid.y[-1]:g} m")
    j = min(int(np.searchsorted(grid.y, place, side="right")) - 1, grid.shape[1] - 1)
    sides = _face_rises(found, fields.rise, horizontal_faces(found, fields.rise))
    across = [[side[:, j] for side in sides[axis]] for axis in (0, 2)]
    middle, region = fields.rise[:, j], fields.regions[:, j].astype(np.int64)
    corners = np.stack([across[0][a] + across[1][b] - middle for a, b in ((0, 0), (1, 0), (1, 1), (0, 1))], axis=-1)
    i, k = np.indices(middle.shape)
    steps = ((0, 0), (1, 0), (1, 1), (0, 1))
    places = np.stack([(i + a) * grid.z.size + k + b for a, b in steps], axis=-1)
    first, number, value = merge_points(region[..., None] * (grid.x.size * grid.z.size) + places, corners)
    ix, iz = np.divmod(places.ravel()[first], grid.z.size)
    centres = np.column_stack([grid.middles[0][i.ravel()], grid.middles[2][k.ravel()]])
    number = number.reshape(-1, 4)
    triangles = np.concatenate([number[:, [0, 1, 2]], number[:, [0, 2, 3]]])
    flux = grid_flux(layout, fields)[:, j][..., [0, 2]].reshape(-1, 2)
    return TriangulatedField(
        name=f"section at y = {place:.4g} m",
        axes=("x", "depth"),
        points=np.column_stack([grid.x[ix], grid.z[iz]]),
        triangles=triangles,
        value=value,
        region=np.tile(region.ravel(), 2),
        names=fields.names,
        places=centres,
        flux=flux,
    )


def split_cells(layout: Layout | Device, fields: GridTemperatures) -> tuple[Array, IntArray, Array]:
    """Bricks whose corners on a boundary stand once for each side.

    Returns
    -------
    (n, 3) points along x, y and down, m; (cells, 8) corners of each cell in the order of VTK; (n,) rises, K
    """
    grid, found = fields.grid, _rebuild_finite_volumes(layout, fields)
    sides = _face_rises(found, fields.rise, horizontal_faces(found, fields.rise))
    i, j, k = np.indices(fields.rise.shape)
    ny, nz = grid.y.size, grid.z.size
    corners, places = [], []
    for c in range(2):
        for a, b in ((0, 0), (1, 0), (1, 1), (0, 1)):
            corners.append(sides[0][a] + sides[1][b] + sides[2][c] - 2 * fields.rise)
            places.append(((i + a) * ny + j + b) * nz + k + c)
    place = np.stack(places, axis=-1)
    keys = fields.regions[..., None].astype(np.int64) * (grid.x.size * ny * nz) + place
    first, number, value = merge_points(keys, np.stack(corners, axis=-1))
    at = place.ravel()[first]
    points = np.column_stack([grid.x[at // (ny * nz)], grid.y[at // nz % ny], grid.z[at % nz]])
    return points, number.reshape(-1, 8), value
