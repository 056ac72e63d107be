"""Sections, fluxes and means of the temperatures of a body, and temperatures on a triangulated plane."""

import numpy as np

from kapitza.core.arrays import Array, IntArray
from kapitza.device.elements.body import Body
from kapitza.device.elements.interfaces import SplitMesh
from kapitza.device.elements.mesh import Mesh, cell_volumes, jacobians
from kapitza.device.results import TriangulatedField
from kapitza.errors import InputError

_QUADRATIC_SUBTRIANGLES = np.array(
    [[0, 3, 5], [3, 1, 4], [5, 4, 2], [3, 4, 5]]
)  # a curved triangle as four straight ones
_PLANE_OFFSET = 1e-7  # of the size of a body, by which a plane is moved off nodes


def body_flux(body: Body, parts: SplitMesh, temperature: Array) -> Array:
    """(m, d) flux of heat in the middle of each cell, W m⁻²."""
    mesh = body.mesh
    middle = np.full((1, mesh.dimension), 1 / (mesh.dimension + 1))
    _, slopes = mesh.simplex.shapes(middle)
    jacobian, _ = jacobians(mesh, mesh.cells, slopes)
    gradient = np.matmul(slopes[None], np.linalg.inv(jacobian))[:, 0]  # (m, k, d)
    rise = np.einsum("mkd,mk->md", gradient, temperature[parts.unknowns])
    return -np.einsum("mab,mb->ma", body.tensors()[mesh.region], rise)


def body_means(mesh: Mesh, parts: SplitMesh, temperature: Array) -> dict[str, float]:
    """Temperature averaged over each region, by name, K."""
    points, weights = mesh.simplex.quadrature()
    values, slopes = mesh.simplex.shapes(points)
    _, determinant = jacobians(mesh, mesh.cells, slopes)
    part = (determinant * weights) * (temperature[parts.unknowns] @ values.T)
    volume, total = cell_volumes(mesh), part.sum(axis=1)
    number = {name: mesh.region == i for i, name in enumerate(mesh.names)}
    return {name: float(total[own].sum() / volume[own].sum()) for name, own in number.items() if own.any()}


def body_hot_spot(mesh: Mesh, parts: SplitMesh, temperature: Array) -> tuple[Array, str]:
    """(d,) place of the hottest node, m, and the region that it lies in."""
    rows = temperature[parts.unknowns]
    cell, node = np.unravel_index(int(np.argmax(rows)), rows.shape)
    return mesh.points[mesh.cells[cell, node]], mesh.names[mesh.region[cell]]


def body_section(
    body: Body, parts: SplitMesh, temperature: Array, sink: float = 0.0, y: float | None = None
) -> TriangulatedField:
    """All of a body of triangles, or the section of tetrahedra with a plane across y, m; rises above `sink`, K.

    The plane goes through the hottest point if y is None; one that does not meet the body is refused.
    """
    mesh, flux = body.mesh, body_flux(body, parts, temperature)
    centres = mesh.points[mesh.cells[:, : mesh.dimension + 1]].mean(axis=1)
    if mesh.dimension == 2:
        triangles = parts.unknowns
        region = np.asarray(mesh.region)
        if mesh.simplex.order == 2:
            triangles, region = triangles[:, _QUADRATIC_SUBTRIANGLES].reshape(-1, 3), np.repeat(region, 4)
        points, value = mesh.points[parts.point], temperature - sink
        return TriangulatedField(
            name="body",
            axes=("x", "y"),
            points=points,
            triangles=triangles,
            value=value,
            region=region,
            names=mesh.names,
            places=centres,
            flux=flux,
        )
    low, high = float(mesh.points[:, 1].min()), float(mesh.points[:, 1].max())
    place = float(body_hot_spot(mesh, parts, temperature)[0][1]) if y is None else y
    if not low <= place <= high:
        raise InputError(f"a section at y = {place:g} m: the body reaches from {low:g} to {high:g} m")
    aside = _PLANE_OFFSET * (high - low)
    place = min(max(place, low + aside), high - aside) + 0.3 * aside
    cut, points, value = _slice_tetrahedra(mesh.points, mesh.cells, temperature[parts.unknowns], place)
    near = np.unique(cut)
    return TriangulatedField(
        name=f"section at y = {place:.4g} m",
        axes=("x", "z"),
        points=points,
        triangles=np.arange(len(points)).reshape(-1, 3),
        value=value - sink,
        region=mesh.region[cut],
        names=mesh.names,
        places=centres[near][:, [0, 2]],
        flux=flux[near][:, [0, 2]],
    )


def _slice_tetrahedra(points: Array, cells: IntArray, temperature: Array, y: float) -> tuple[IntArray, Array, Array]:
    """Triangles in which a plane cuts tetrahedra: (t,) cell of each, (3t, 2) x and z of corners, (3t,) values, K."""
    corners, values = points[cells[:, :4]], temperature[:, :4]
    above = corners[:, :, 1] > y
    chosen: list[IntArray] = []
    places: list[Array] = []
    found: list[Array] = []
    code = above @ np.array([1, 2, 4, 8])
    for case in range(1, 15):
        inside = np.flatnonzero(code == case)
        if not inside.size:
            continue
        for triangle in _crossing_triangles(case):
            chosen.append(inside)
            ends = [_edge_crossings(corners[inside], values[inside], y, *edge) for edge in triangle]
            places.append(np.stack([at for at, _ in ends], axis=1))
            found.append(np.stack([value for _, value in ends], axis=1))
    if not chosen:
        raise InputError(f"a section at y = {y:g} m meets no cell")
    return np.concatenate(chosen), np.concatenate(places).reshape(-1, 2), np.concatenate(found).ravel()


def _crossing_triangles(case: int) -> list[tuple[tuple[int, int], ...]]:
    """Triangles, by the edges on which their corners lie, where the corners of a tetrahedron in bits are above."""
    up = [i for i in range(4) if case >> i & 1]
    down = [i for i in range(4) if not case >> i & 1]
    if len(up) == 2:
        (a, b), (c, d) = up, down
        return [((a, c), (a, d), (b, d)), ((a, c), (b, d), (b, c))]
    return [tuple((a, b) for a in up for b in down)]


def _edge_crossings(corners: Array, values: Array, y: float, a: int, b: int) -> tuple[Array, Array]:
    """(n, 2) x and z where edges meet a plane, m, and (n,) values there, K."""
    share = (y - corners[:, a, 1]) / (corners[:, b, 1] - corners[:, a, 1])
    at = corners[:, a] + share[:, None] * (corners[:, b] - corners[:, a])
    return at[:, [0, 2]], values[:, a] + share * (values[:, b] - values[:, a])
