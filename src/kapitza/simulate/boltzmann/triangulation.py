"""Cells of a domain with inclined sides: triangles in the plane of x and y, with heights along z in three dimensions.

The lines of the grid and the sides of all prisms cut the plane into convex pieces, each of one material, and the pieces
are cut into triangles that meet at whole sides.  Nothing is made of steps: an inclined wall is as long as it is.
"""

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from kapitza.core.arrays import Array, IntArray
from kapitza.errors import InputError
from kapitza.simulate.boltzmann.domain import (
    AXIS_NAMES,
    Domain,
    DomainCells,
    Prism,
    cell_surfaces,
    divide_into_blocks,
    grid_edges,
)

_PLACE_TOLERANCE = 1e-9  # of the extent: places closer than this are one
_MAX_TRIANGULAR_CELLS = 1_000_000
_TRIANGLE_SIDES = 3
_Polygon = Array  # (n, 2) corners of a convex polygon, against the clock


def divide_domain(
    domain: Domain, spacing: float | Sequence[float], extra: Sequence[tuple[Array, Array]] = ()
) -> DomainCells:
    """Cut a domain into blocks, or into triangles where it has inclined sides.

    Cells are at most `spacing` wide (m; for all axes or for each); the faces of `extra` blocks are faces of cells.
    """
    divide = _divide_into_triangles if any(isinstance(box, Prism) for box in domain.boxes) else divide_into_blocks
    return divide(domain, grid_edges(domain, spacing, extra))


def _cell_centres(corner: Array, edges: Sequence[Array]) -> Array:
    """(C, d) centres of triangles (T, 3, 2) at all heights."""
    flat = corner.mean(axis=1)
    if len(edges) < len(AXIS_NAMES):
        return flat
    middle = (edges[2][1:] + edges[2][:-1]) / 2
    return np.concatenate([np.repeat(flat, middle.size, axis=0), np.tile(middle, len(flat))[:, None]], axis=1)


def _divide_into_triangles(domain: Domain, edges: tuple[Array, ...]) -> DomainCells:
    """Cells that are triangles, each with all heights in turn; faces: three sides, then bottom and top."""
    size = _PLACE_TOLERANCE * max(float(bounds[-1] - bounds[0]) for bounds in edges[:2])
    pieces, cell = _cut_into_polygons(domain, (edges[0], edges[1]), size)
    corner, owner = _triangulate(pieces, cell)
    solid = len(edges) == len(AXIS_NAMES)
    bounds = edges[2] if solid else np.array([0.0, 1.0])
    layers = bounds.size - 1
    if (cells := len(corner) * layers) > _MAX_TRIANGULAR_CELLS:
        raise InputError(f"{cells} cells, expected at most {_MAX_TRIANGULAR_CELLS}: take a larger spacing")
    beside, outer = _link_sides(domain, corner, edges, size)
    neighbour, outer, jump = _stack_triangles(domain, (beside, outer), layers, solid)
    centre = _cell_centres(corner, edges)
    surfaces = cell_surfaces(domain, centre, neighbour, outer)
    volume, area = _triangle_sizes(corner, np.diff(bounds), solid)
    place = (owner[:, None] * layers + np.arange(layers)).ravel()
    count = prod(bounds.size - 1 for bounds in edges)
    # a cell of the map is of the material that fills most of it; triangles of others belong to none
    kind, number = np.unique(surfaces["region"], return_inverse=True)
    share = np.bincount(place * kind.size + number, volume, count * kind.size).reshape(count, -1)
    return DomainCells(
        edges=edges, volume=volume, area=area, centre=centre,
        map_cell=np.where(number == share.argmax(axis=1)[place], place, -1),
        geometry=_triangle_geometry(corner, edges, bounds) | {"jump": jump}, **surfaces,
    )  # fmt: skip


def _triangle_sizes(corner: Array, heights: Array, solid: bool) -> tuple[Array, Array]:
    """Volumes (C,) of triangles (T, 3, 2) of all heights, m³, and areas (C, F) of their faces, m²."""
    along = np.roll(corner, -1, axis=1) - corner
    base = (along[:, 2, 0] * along[:, 0, 1] - along[:, 0, 0] * along[:, 2, 1]) / 2
    upright = (np.linalg.norm(along, axis=2)[:, None, :] * heights[:, None]).reshape(-1, _TRIANGLE_SIDES)
    flat = np.repeat(base, heights.size)[:, None]
    return np.outer(base, heights).ravel(), np.concatenate([upright, flat, flat], axis=1) if solid else upright


def _triangle_geometry(corner: Array, edges: Sequence[Array], bounds: Array) -> dict[str, NDArray[Any]]:
    """Corners against the clock, outward normals of the sides from each to the next with their offsets, and heights."""
    along = np.roll(corner, -1, axis=1) - corner
    normal = np.stack([along[..., 1], -along[..., 0]], axis=-1)
    normal /= np.linalg.norm(normal, axis=2)[..., None]
    extent = np.array([bounds[-1] - bounds[0] for bounds in edges])
    offset = np.sum(normal * corner, axis=2)
    return {"corner": corner, "normal": normal, "offset": offset, "bounds": bounds, "extent": extent}


def _cut_into_polygons(domain: Domain, lines: tuple[Array, Array], size: float) -> tuple[list[_Polygon], list[int]]:
    """Convex pieces that the sides of prisms cut the cells of a grid into, and the cell of each."""
    x, y = lines
    cut: dict[tuple[int, int], list[_Polygon]] = {}
    outlines = [(box.corners, np.roll(box.corners, -1, axis=0)) for box in domain.boxes if isinstance(box, Prism)]
    for a, b in (side for outline in outlines for side in zip(*outline, strict=True)):
        columns, rows = (
            range(int(np.searchsorted(one, min(p, q) - size)) - 1, int(np.searchsorted(one, max(p, q) + size)) + 1)
            for one, p, q in ((x, a[0], b[0]), (y, a[1], b[1]))
        )
        for i in columns:
            for j in rows:
                if 0 <= i < x.size - 1 and 0 <= j < y.size - 1:
                    held = cut.get((i, j)) or [_grid_rectangle(lines, i, j)]
                    cut[i, j] = [part for one in held for part in _divide_polygon(one, a, b, size)]
    pieces: list[_Polygon] = []
    cell: list[int] = []
    for i in range(x.size - 1):
        for j in range(y.size - 1):
            held = cut.get((i, j)) or [_grid_rectangle(lines, i, j)]
            near = np.concatenate([*held, *_adjacent_polygons(domain, cut, lines, (i, j))])
            pieces += [_insert_corners(one, near, size) for one in held]  # no hanging corners: whole sides meet
            cell += [i * (y.size - 1) + j] * len(held)
    return pieces, cell


def _grid_rectangle(lines: tuple[Array, Array], i: int, j: int) -> _Polygon:
    a, b, c, d = *lines[0][i : i + 2], *lines[1][j : j + 2]
    return np.array([[a, c], [b, c], [b, d], [a, d]])


def _adjacent_polygons(
    domain: Domain, cut: dict[tuple[int, int], list[_Polygon]], lines: tuple[Array, Array], at: tuple[int, int]
) -> Iterator[_Polygon]:
    """Pieces of the neighbours of a cell that are cut, moved to it across periodic walls."""
    for axis in (0, 1):
        count = lines[axis].size - 1
        for step in (-1, 1):
            beside = list(at)
            beside[axis] += step
            shift = np.zeros(2)
            if not 0 <= beside[axis] < count:
                if not domain.periodic(AXIS_NAMES[axis]):
                    continue
                beside[axis] %= count
                shift[axis] = step * (lines[axis][-1] - lines[axis][0])
            for one in cut.get((beside[0], beside[1]), []):
                yield one + shift


def _divide_polygon(piece: _Polygon, a: Array, b: Array, size: float) -> list[_Polygon]:
    """Parts of a convex piece on both sides of a line, if the stretch from a to b runs through it."""
    length = float(np.hypot(*(b - a)))
    way = (b - a) / length
    off = (piece - a) @ np.array([-way[1], way[0]])
    if off.max() <= size or off.min() >= -size:
        return [piece]
    ahead = np.roll(off, -1)
    between = (np.minimum(off, ahead) < -size) & (np.maximum(off, ahead) > size)
    share = np.divide(off, off - ahead, out=np.zeros_like(off), where=between)[:, None]
    points = piece + share * (np.roll(piece, -1, axis=0) - piece)
    on = np.abs(off) <= size
    met = np.concatenate([points[between], piece[on]]) - a
    reach = met @ way
    if min(length, reach.max()) - max(0.0, reach.min()) <= size:
        return [piece]
    parts: list[_Polygon] = []
    for sign in (1, -1):
        kept: list[Array] = []
        for corner, side, point, crossed in zip(piece, sign * off, points, between, strict=True):
            kept += [corner] if side >= -size else []
            kept += [point] if crossed else []
        parts.append(np.array(kept))
    return parts


def _insert_corners(piece: _Polygon, near: Array, size: float) -> _Polygon:
    """A piece with the corners of its neighbours on its sides as corners of its own."""
    kept: list[Array] = []
    for a, b in zip(piece, np.roll(piece, -1, axis=0), strict=True):
        length = float(np.hypot(*(b - a)))
        way = (b - a) / length
        along, off = (near - a) @ way, (near - a) @ np.array([-way[1], way[0]])
        on = np.sort(along[(np.abs(off) <= size) & (along > size) & (along < length - size)])
        on = on[np.diff(on, prepend=-np.inf) > size]
        kept += [a, *(a + s * way for s in on)]
    return np.array(kept)


def _triangulate(pieces: Sequence[_Polygon], cell: Sequence[int]) -> tuple[Array, IntArray]:
    """Triangles (T, 3, 2) from the middle of each piece, or the piece itself if it has three corners; their cells."""
    triangles: list[Array] = []
    owner: list[int] = []
    for piece, place in zip(pieces, cell, strict=True):
        if len(piece) == _TRIANGLE_SIDES:
            triangles.append(piece[None])
        else:
            middle = np.broadcast_to(piece.mean(axis=0), piece.shape)  # inside, as pieces are convex; sides stay whole
            triangles.append(np.stack([middle, piece, np.roll(piece, -1, axis=0)], axis=1))
        owner += [place] * len(triangles[-1])
    return np.concatenate(triangles), np.array(owner, dtype=np.int64)


def _link_sides(domain: Domain, corner: Array, edges: Sequence[Array], size: float) -> tuple[IntArray, IntArray]:
    """(T, 3) triangle behind each side, -1 for none; and the wall -x, +x, -y, +y that a side at the rim lies in."""
    flat = corner.reshape(-1, 2)
    # corners of neighbours differ by rounding: those within reach of each other, in chains, are one point
    pairs = KDTree(flat).query_pairs(3 * size, output_type="ndarray")
    graph = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(flat), len(flat)))
    name = connected_components(graph, directed=False)[1]
    ends = np.stack([name.reshape(-1, 3), np.roll(name.reshape(-1, 3), -1, axis=1)], axis=2)
    middle = (corner + np.roll(corner, -1, axis=1)) / 2
    rim = np.full(middle.shape[:2], -1, dtype=np.int64)
    for a in (0, 1):
        for k, at in enumerate((edges[a][0], edges[a][-1])):
            rim[np.abs(middle[..., a] - at) <= size] = 2 * a + k
    # sorted by both ends, the two sides between the same corners stand together
    beside, side = np.full(rim.shape, -1, dtype=np.int64), np.flatnonzero(rim.ravel() < 0)
    key = np.sort(ends, axis=2).reshape(-1, 2)[side]
    order = np.lexsort(key.T)
    key, side = key[order], side[order]
    twin = np.flatnonzero((key[1:] == key[:-1]).all(axis=1))
    beside.flat[side[twin]], beside.flat[side[twin + 1]] = side[twin + 1] // 3, side[twin] // 3
    for a in (0, 1):
        if domain.periodic(AXIS_NAMES[a]):
            at_rim = rim // 2 == a
            linked, along = np.full(rim.shape, -1, dtype=np.int64), middle[..., 1 - a].ravel()
            low, high = (np.flatnonzero((at_rim & (rim % 2 == end)).ravel()) for end in (0, 1))
            low, high = (
                sides[np.argsort(along[sides])] for sides in (low, high)
            )  # pairs have their middle at one place
            if low.size == high.size:
                linked.flat[low], linked.flat[high] = high // 3, low // 3
            beside = np.where(at_rim, linked, beside)
    lost = int(np.count_nonzero((beside < 0) & (rim < 0)))
    if lost:
        raise InputError(f"{lost} sides of cells have no neighbour: sides of prisms nearly touch; move them apart")
    return beside, rim


def _stack_triangles(
    domain: Domain, plane: tuple[IntArray, IntArray], layers: int, solid: bool
) -> tuple[IntArray, IntArray, IntArray]:
    """Cells behind all faces (C, F), the wall that faces outside lie in, and where periodic ones lead."""
    beside, rim = plane
    level = np.arange(layers)
    other = np.where(beside[:, None] >= 0, beside[:, None] * layers + level[:, None], -1).reshape(-1, _TRIANGLE_SIDES)
    wall = np.repeat(rim, layers, axis=0)
    if solid:
        cell = np.arange(len(other)).reshape(-1, layers)
        below, above = np.roll(cell, 1, axis=1), np.roll(cell, -1, axis=1)
        ends = np.full((len(beside), layers, 2), -1, dtype=np.int64)
        ends[:, 0, 0], ends[:, -1, 1] = 4, 5
        if not domain.periodic("z"):
            below[:, 0], above[:, -1] = -1, -1
        other = np.concatenate([other, below.reshape(-1, 1), above.reshape(-1, 1)], axis=1)
        wall = np.concatenate([wall, ends.reshape(-1, 2)], axis=1)
    return other, wall + 1, np.where((other >= 0) & (wall >= 0), wall, -1)
