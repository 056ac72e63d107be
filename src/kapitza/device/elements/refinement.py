"""Finer cells of the same body, and what they say of the error of its temperatures."""

import numpy as np
from attrs import evolve

from kapitza.core.arrays import Array, IntArray
from kapitza.device.elements.body import Body
from kapitza.device.elements.mesh import SIMPLEX_EDGES, Mesh, corner_keys, quadratic_mesh, simplex_of

# Children of a simplex by the numbers of its quadratic nodes, those at its corners first.
_CORNER_CHILDREN = {
    2: ((0, 3, 5), (3, 1, 4), (5, 4, 2), (3, 4, 5)),
    3: ((0, 4, 6, 7), (4, 1, 5, 8), (6, 5, 2, 9), (7, 8, 9, 3)),
}
# The octahedron between them is cut along one of three diagonals: its ends, and the ring around it.
_OCTAHEDRON_CUTS = (((4, 9), (5, 6, 7, 8)), ((5, 7), (4, 6, 9, 8)), ((6, 8), (4, 5, 9, 7)))
# Parts of a facet by its nodes, corners first, as `Simplex.facets` has them.
_FACET_CHILDREN = {2: ((0, 2), (2, 1)), 3: ((0, 3, 5), (3, 1, 4), (5, 4, 2), (3, 4, 5))}


def richer_body(body: Body) -> Body:
    """The body on quadratic cells where they are linear; on cells of half the size where they are quadratic."""
    return evolve(body, mesh=quadratic_mesh(body.mesh) if body.mesh.order == 1 else halved_mesh(body.mesh))


def linear_mesh(mesh: Mesh) -> Mesh:
    """The same cells with nodes at their corners alone."""
    corners, cells = np.unique(mesh.cells[:, : mesh.dimension + 1], return_inverse=True)
    return Mesh(mesh.points[corners], cells.reshape(len(mesh.cells), -1), mesh.region, mesh.names, mesh.faces)


def halved_mesh(mesh: Mesh) -> Mesh:
    """Each triangle cut in four, each tetrahedron in eight; curved sides stay where they are."""
    quadratic = mesh if mesh.order == 2 else quadratic_mesh(mesh)
    parents, children = _children(quadratic)
    cells = quadratic.cells[parents[:, None], children]
    region = quadratic.region[parents]
    faces = _facets_of_children(quadratic, cells)
    if mesh.order == 1:
        return Mesh(quadratic.points, cells, region, mesh.names, faces)
    dimension = mesh.dimension
    pairs = np.array(SIMPLEX_EDGES[dimension])
    ends, nodes = children[:, pairs].reshape(-1, 2), cells[:, pairs].reshape(-1, 2)
    _, first, inverse = np.unique(corner_keys(nodes), return_index=True, return_inverse=True)
    reference = _reference_nodes(dimension)
    middles = reference[ends[first]].mean(axis=1)
    values, _ = simplex_of(quadratic).shapes(middles)
    parent = np.repeat(parents, len(pairs))[first]
    added = np.einsum("nk,nkd->nd", values, quadratic.points[quadratic.cells[parent]])  # on the curved side itself
    return Mesh(
        np.vstack([quadratic.points, added]),
        np.hstack([cells, inverse.reshape(len(cells), -1) + len(quadratic.points)]),
        region,
        mesh.names,
        faces,
    )


def _reference_nodes(dimension: int) -> Array:
    """(k, d) places of the quadratic nodes in the reference simplex."""
    corners = np.vstack([np.zeros(dimension), np.eye(dimension)])
    return np.vstack([corners, [(corners[a] + corners[b]) / 2 for a, b in SIMPLEX_EDGES[dimension]]])


def _children(mesh: Mesh) -> tuple[IntArray, IntArray]:
    """(n,) cell that each child lies in, and (n, d + 1) its corners as numbers of the nodes of that cell."""
    count, dimension = len(mesh.cells), mesh.dimension
    every = np.arange(count)
    parents = [np.repeat(every, len(_CORNER_CHILDREN[dimension]))]
    children = [np.tile(np.array(_CORNER_CHILDREN[dimension]), (count, 1))]
    if dimension == 3:
        lengths = [
            np.linalg.norm(mesh.points[mesh.cells[:, a]] - mesh.points[mesh.cells[:, b]], axis=1)
            for (a, b), _ in _OCTAHEDRON_CUTS
        ]
        shortest = np.argmin(lengths, axis=0)  # its children are the least flat
        for number, (ends, ring) in enumerate(_OCTAHEDRON_CUTS):
            own = every[shortest == number]
            pieces = np.array([(*ends, ring[i], ring[(i + 1) % 4]) for i in range(4)])
            parents.append(np.repeat(own, 4))
            children.append(np.tile(_upright(pieces), (own.size, 1)))
    return np.concatenate(parents), np.concatenate(children)


def _upright(pieces: IntArray) -> IntArray:
    """Tetrahedra by their nodes in the reference simplex, with two corners exchanged where they are inverted."""
    at = _reference_nodes(3)[pieces]
    inverted = np.linalg.det(at[:, 1:] - at[:, :1]) < 0
    return np.where(inverted[:, None], pieces[:, [1, 0, 2, 3]], pieces)


def _facets_of_children(mesh: Mesh, cells: IntArray) -> dict[str, IntArray]:
    """The facets of each face: those of children whose corners are parts of a facet of it."""
    dimension = mesh.dimension
    opposite = np.array([[i for i in range(dimension + 1) if i != corner] for corner in range(dimension + 1)])
    children = cells[:, opposite].reshape(-1, dimension)
    found: dict[str, IntArray] = {}
    for name, facets in mesh.faces.items():
        nodes = mesh.cells[facets[:, :1], simplex_of(mesh).facets[facets[:, 1]]]
        wanted = nodes[:, np.array(_FACET_CHILDREN[dimension])].reshape(-1, dimension)
        keys = corner_keys(np.concatenate([children, wanted]))
        here = np.flatnonzero(np.isin(keys[: len(children)], keys[len(children) :]))
        found[name] = np.column_stack([here // (dimension + 1), here % (dimension + 1)])
    return found
