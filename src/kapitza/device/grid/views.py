"""Views of fields on box grids: jumps at boundaries, fluxes, sections and split cells."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array, IntArray
from kapitza.device.grid.box_grid import BoxGrid
from kapitza.device.grid.finite_volumes import (
    FiniteVolumes,
    HorizontalFaces,
    axis_index,
    horizontal_faces,
    stretch_along,
)
from kapitza.device.results import BoundaryJump, TriangulatedField, merge_points
from kapitza.errors import InputError

_FacePair = tuple[Array, Array]  # (nx, ny, nz) rise of the lower and the upper face of each cell across an axis, K


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


def grid_jumps(found: FiniteVolumes, rise: Array) -> Mapping[str, BoundaryJump]:
    """Jumps at all boundaries that resist, by name "one|other": layers, then blocks; a facet for each cell on them."""
    sides = _face_rises(found, rise, horizontal_faces(found, rise))
    middles, count = found.grid.middles, len(found.layout.regions)
    rows: list[Array] = []
    for axis in range(3):
        before, after = axis_index(axis, slice(None, -1)), axis_index(axis, slice(1, None))
        shape = found.regions[before].shape
        resistance = np.broadcast_to(found.resistances[axis], shape)
        low, high = found.regions[before].astype(np.int64), found.regions[after].astype(np.int64)
        here = np.nonzero((resistance > 0) & (low != high))
        if not here[0].size:
            continue
        edges = (found.grid.x, found.grid.y, found.grid.z)[axis]
        at = [edges[i + 1] if a == axis else middles[a][i] for a, i in enumerate(here)]
        area = np.broadcast_to(_face_areas(found, axis), rise.shape)[before][here]
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


def grid_means(grid: BoxGrid, regions: NDArray[np.int16], names: tuple[str, ...], rise: Array) -> dict[str, float]:
    """Rise averaged over each layer and block, by name, K."""
    dx, dy, dz = (stretch_along(size, i) for i, size in enumerate(grid.sizes))
    volume = np.broadcast_to(dx * dy * dz, rise.shape)
    total = np.bincount(regions.ravel(), volume.ravel(), minlength=len(names))
    heat = np.bincount(regions.ravel(), (volume * rise).ravel(), minlength=len(names))
    return {name: float(h / v) for name, h, v in zip(names, heat, total, strict=True) if v}


def grid_flux(found: FiniteVolumes, rise: Array) -> Array:
    """(nx, ny, nz, 3) flux of heat along x, y and down in the middle of each cell, W m⁻²."""
    flows = _face_flows(found, rise, horizontal_faces(found, rise))
    parts = [(low + high) / 2 / _face_areas(found, axis) for axis, (low, high) in enumerate(flows)]
    return np.stack([np.broadcast_to(part, rise.shape) for part in parts], axis=-1)


def grid_section(found: FiniteVolumes, rise: Array, y: float) -> TriangulatedField:
    """The section through the cells at y, m, with jumps at all boundaries.

    Each cell is two triangles; their corners are means of what the cells of one region around them say.
    """
    grid = found.grid
    if not grid.y[0] <= y <= grid.y[-1]:
        raise InputError(f"a section at y = {y:g} m: the device ends at {grid.y[-1]:g} m")
    j = min(int(np.searchsorted(grid.y, y, side="right")) - 1, grid.shape[1] - 1)
    sides = _face_rises(found, rise, horizontal_faces(found, rise))
    across = [[side[:, j] for side in sides[axis]] for axis in (0, 2)]
    middle, region = rise[:, j], found.regions[:, j].astype(np.int64)
    corners = np.stack([across[0][a] + across[1][b] - middle for a, b in ((0, 0), (1, 0), (1, 1), (0, 1))], axis=-1)
    i, k = np.indices(middle.shape)
    steps = ((0, 0), (1, 0), (1, 1), (0, 1))
    places = np.stack([(i + a) * grid.z.size + k + b for a, b in steps], axis=-1)
    first, number, value = merge_points(region[..., None] * (grid.x.size * grid.z.size) + places, corners)
    ix, iz = np.divmod(places.ravel()[first], grid.z.size)
    centres = np.column_stack([grid.middles[0][i.ravel()], grid.middles[2][k.ravel()]])
    number = number.reshape(-1, 4)
    triangles = np.concatenate([number[:, [0, 1, 2]], number[:, [0, 2, 3]]])
    flux = grid_flux(found, rise)[:, j][..., [0, 2]].reshape(-1, 2)
    return TriangulatedField(
        name=f"section at y = {y:.4g} m",
        axes=("x", "depth"),
        points=np.column_stack([grid.x[ix], grid.z[iz]]),
        triangles=triangles,
        value=value,
        region=np.tile(region.ravel(), 2),
        names=tuple(region.name for region in found.layout.regions),
        places=centres,
        flux=flux,
    )


def split_cells(found: FiniteVolumes, rise: Array) -> tuple[Array, IntArray, Array]:
    """Bricks whose corners on a boundary stand once for each side.

    Returns (n, 3) points along x, y and down, m; (cells, 8) corners of each in the order of VTK; (n,) rises, K.
    """
    grid = found.grid
    sides = _face_rises(found, rise, horizontal_faces(found, rise))
    i, j, k = np.indices(rise.shape)
    ny, nz = grid.y.size, grid.z.size
    corners, places = [], []
    for c in range(2):
        for a, b in ((0, 0), (1, 0), (1, 1), (0, 1)):
            corners.append(sides[0][a] + sides[1][b] + sides[2][c] - 2 * rise)
            places.append(((i + a) * ny + j + b) * nz + k + c)
    place = np.stack(places, axis=-1)
    keys = found.regions[..., None].astype(np.int64) * (grid.x.size * ny * nz) + place
    first, number, value = merge_points(keys, np.stack(corners, axis=-1))
    at = place.ravel()[first]
    points = np.column_stack([grid.x[at // (ny * nz)], grid.y[at // nz % ny], grid.z[at % nz]])
    return points, number.reshape(-1, 8), value
