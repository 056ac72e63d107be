"""Meshes of triangles or tetrahedra, straight or curved: reference elements, named regions and faces, finer cells.

Nodes on a boundary that resists are doubled: each side has its own temperature, and the jump lies between.
"""

from collections.abc import Callable, Mapping
from itertools import product
from math import factorial
from types import MappingProxyType
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike
from scipy.sparse import coo_array
from scipy.special import roots_jacobi

from kapitza.core.arrays import Array, IntArray, about
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError

# Pairs of corners with a node between them, in the order of VTK files.
SIMPLEX_EDGES = {1: ((0, 1),), 2: ((0, 1), (1, 2), (0, 2)), 3: ((0, 1), (1, 2), (0, 2), (0, 3), (1, 3), (2, 3))}


@frozen(eq=False)
class Simplex(BaseRecord):
    """A triangle or a tetrahedron (or a segment) with 1 or 2 as the order of its shape functions."""

    dimension: int = field(metadata=about("1", "dimension of the simplex"))
    order: int = field(metadata=about("1", "order of the shape functions"))

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return self.dimension + 1 + (len(SIMPLEX_EDGES[self.dimension]) if self.order == 2 else 0)

    @property
    def facets(self) -> IntArray:
        """(d+1, nf) local nodes of the facet opposite of each corner: its corners, then the nodes between them."""
        d = self.dimension
        rows = [[i for i in range(d + 1) if i != corner] for corner in range(d + 1)]
        if self.order == 2:
            for row in rows:
                pairs = [tuple(sorted((row[a], row[b]))) for a, b in SIMPLEX_EDGES[d - 1]]
                row += [d + 1 + SIMPLEX_EDGES[d].index(pair) for pair in pairs]
        return np.array(rows)

    def quadrature(self) -> tuple[Array, Array]:
        """(nq, d) points and (nq,) weights, exact to degree 2 order + 1 at least: Gauss-Jacobi on a collapsed cube."""
        d, count = self.dimension, self.order + 1
        rules = [roots_jacobi(count, d - 1 - axis, 0) for axis in range(d)]
        points, weights = [], []
        for choice in product(range(count), repeat=d):
            left, weight, point = 1.0, 1.0, []
            for axis, i in enumerate(choice):
                x, w = rules[axis]
                point.append(left * (1 + x[i]) / 2)
                left *= (1 - x[i]) / 2
                weight *= w[i] / 2 ** (d - axis)
            points.append(point)
            weights.append(weight)
        return np.array(points), np.array(weights)

    def shapes(self, points: Array) -> tuple[Array, Array]:
        """(nq, nodes) shape functions and their (nq, nodes, d) derivatives at points of the reference simplex."""
        d = self.dimension
        corner = np.column_stack([1 - points.sum(axis=1), points])
        slope = np.vstack([-np.ones(d), np.eye(d)])
        if self.order == 1:
            return corner, np.broadcast_to(slope, (len(points), d + 1, d)).copy()
        values = [corner * (2 * corner - 1)]
        slopes = [(4 * corner - 1)[:, :, None] * slope]
        for a, b in SIMPLEX_EDGES[d]:
            values.append(4 * (corner[:, a] * corner[:, b])[:, None])
            slopes.append(4 * (corner[:, a, None] * slope[b] + corner[:, b, None] * slope[a])[:, None])
        return np.concatenate(values, axis=1), np.concatenate(slopes, axis=1)

    @property
    def volume(self) -> float:
        """Of the reference simplex."""
        return 1 / factorial(self.dimension)


def _simplex_element(dimension: int, nodes: int) -> Simplex:
    for order in (1, 2):
        simplex = Simplex(dimension, order)
        if dimension in (2, 3) and simplex.nodes == nodes:
            return simplex
    raise InputError(
        f"cells of {nodes} nodes in {dimension} dimensions: wanted triangles of 3 or 6 or tetrahedra of 4 or 10"
    )


def corner_keys(corners: IntArray) -> IntArray:
    """(n,) one number for each set of corners, whatever their order."""
    ordered = np.sort(corners, axis=1)
    base = int(ordered.max(initial=0)) + 1
    if base ** corners.shape[1] < 2**62:
        key = np.zeros(len(ordered), dtype=np.int64)
        for column in ordered.T:
            key = key * base + column
        return key
    return np.unique(ordered, axis=0, return_inverse=True)[1].ravel()


_MAX_CHUNK_POINTS = 200_000  # quadrature points at a time: bounds the memory of what is known at each


def _node_array(value: ArrayLike) -> Array:
    array = np.array(value, dtype=float)
    if array.ndim != 2 or array.shape[1] not in (2, 3) or len(array) < 3:
        raise InputError(f"expected points of 2 or 3 coordinates, got an array of shape {array.shape}")
    bad = ~np.isfinite(array).all(axis=1)
    if bad.any():
        first = int(np.argmax(bad))
        raise InputError(f"point {first} of the mesh is {array[first].tolist()}: wanted finite coordinates in m")
    array.flags.writeable = False
    return array


def _whole_numbers(axes: int, what: str) -> Callable[[ArrayLike], IntArray]:
    def convert(value: ArrayLike) -> IntArray:
        array = np.array(value)
        if array.ndim != axes or not len(array) or array.dtype.kind not in "iu":
            raise InputError(f"expected {what}, got shape {array.shape} of {array.dtype}")
        array = array.astype(np.int64)
        array.flags.writeable = False
        return array

    return convert


def _face_arrays(value: Mapping[str, ArrayLike]) -> Mapping[str, IntArray]:
    return MappingProxyType({name: np.array(one, dtype=np.int64).reshape(-1, 2) for name, one in value.items()})


@frozen(eq=False)
class Mesh(BaseRecord):
    """A conforming mesh of triangles (3 nodes, or 6 if curved) or tetrahedra (4 or 10), in the order of VTK.

    In two dimensions bodies go on evenly out of the plane, and everything is per metre.

    Raises
    ------
    InputError
        for coordinates that are not finite, nodes that do not exist, cells without region, inverted or flat cells

    Examples
    --------
    >>> from kapitza.device import Mesh
    >>> corners = [[0, 0], [2e-6, 0], [2e-6, 1e-6], [0, 1e-6]]
    >>> film = Mesh(corners, cells=[[0, 1, 2], [0, 2, 3]], region=[0, 0], names=("film",))
    >>> print(f"{film.dimension} dimensions, {film.volume('film') * 1e12:.1f} µm²")
    2 dimensions, 2.0 µm²
    """

    points: Array = field(converter=_node_array, metadata=about("m", "(n, d) nodes"))
    cells: IntArray = field(
        converter=_whole_numbers(2, "cells as rows of node numbers"), metadata=about("1", "(m, k) nodes of each cell")
    )
    region: IntArray = field(
        converter=_whole_numbers(1, "a region for each cell"),
        metadata=about("1", "(m,) number of the region of each cell, into `names`"),
    )
    names: tuple[str, ...] = field(converter=tuple)
    faces: Mapping[str, IntArray] = field(
        factory=dict,
        converter=_face_arrays,
        metadata=about("1", "(nf, 2) cell of each outer facet and corner opposite it, by face"),
    )

    def __attrs_post_init__(self) -> None:
        simplex_of(self)
        low, high = int(self.cells.min()), int(self.cells.max())
        if low < 0 or high >= len(self.points):
            raise InputError(f"cells name nodes {low} to {high} of {len(self.points)} points")
        if self.region.shape != (len(self.cells),):
            raise InputError(f"{self.region.size} regions for {len(self.cells)} cells: wanted one for each")
        outside = (self.region < 0) | (self.region >= len(self.names))
        if outside.any():
            raise InputError(
                f"{int(outside.sum())} of {len(self.region)} cells belong to no region (the first is cell "
                f"{int(np.argmax(outside))}): tag every volume of the mesh"
            )
        for name, facets in self.faces.items():
            if facets.size and (facets[:, 0].max() >= len(self.cells) or facets[:, 1].max() > self.dimension):
                raise InputError(f"face {name} has facets of cells that the mesh does not have")
        volumes = cell_volumes(self)
        if not (volumes > 0).all():
            worst = int(np.argmax(~(volumes > 0)))
            raise InputError(
                f"cell {worst} of region {self.names[self.region[worst]]} is inverted or flat (volume "
                f"{volumes[worst]:.3g}): its nodes turn the wrong way round, or the mesh overlaps itself"
            )

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return self.points.shape[1]

    @property
    def order(self) -> int:
        """Of the shape functions: 1, nodes at the corners; 2, also between them."""
        return simplex_of(self).order

    def volume(self, region: str | None = None) -> float:
        """Of a region, or of all, m³ (m² in two dimensions)."""
        volumes = cell_volumes(self)
        return float(volumes.sum() if region is None else volumes[self.region == self.names.index(region)].sum())


def simplex_of(mesh: Mesh) -> Simplex:
    """What the cells of a mesh are."""
    return _simplex_element(mesh.dimension, mesh.cells.shape[1])


def jacobians(mesh: Mesh, cells: IntArray, slopes: Array) -> tuple[Array, Array]:
    """(m, nq, d, d) derivatives of x by the reference coordinates, and their (m, nq) determinants."""
    jacobian = np.einsum("mka,qkb->mqab", mesh.points[cells], slopes)
    return jacobian, np.linalg.det(jacobian)


def cell_chunks(cells: int, points: int) -> list[slice]:
    """Parts of the cells, each with so few quadrature points that what is known at them fits in memory."""
    step = max(1, _MAX_CHUNK_POINTS // points)
    return [slice(start, start + step) for start in range(0, cells, step)]


def cell_volumes(mesh: Mesh) -> Array:
    """(m,) volume of each cell; 0 or less where a cell is inverted anywhere."""
    points, weights = simplex_of(mesh).quadrature()
    if mesh.order == 1:  # straight: the same everywhere
        points, weights = points[:1], np.array([simplex_of(mesh).volume])
    _, slopes = simplex_of(mesh).shapes(points)
    found: list[Array] = []
    for part in cell_chunks(len(mesh.cells), len(points)):
        _, determinant = jacobians(mesh, mesh.cells[part], slopes)
        low = determinant.min(axis=1)
        found.append(np.where(low > 0, determinant @ weights, np.minimum(low, 0)))
    return np.concatenate(found)


def named_faces(points: Array, cells: IntArray, where: Mapping[str, Callable[[Array], Any]]) -> dict[str, IntArray]:
    """Outer facets by name, each where a function of the (n, d) centres of the facets is true."""
    dimension = points.shape[1]
    corners = _simplex_element(dimension, cells.shape[1]).facets[:, :dimension]
    keys = corner_keys(cells[:, corners].reshape(-1, dimension))
    _, first, count = np.unique(keys, return_index=True, return_counts=True)
    alone = first[count == 1]  # facets that only one cell has
    outer = np.column_stack([alone // (dimension + 1), alone % (dimension + 1)])
    centres = points[cells[outer[:, :1], corners[outer[:, 1]]]].mean(axis=1)
    return {name: outer[np.asarray(test(centres), dtype=bool)] for name, test in where.items()}


def quadratic_mesh(mesh: Mesh, onto: Callable[[Array], Array] | None = None) -> Mesh:
    """The same mesh of straight cells, quadratic by a node in the middle of each edge.

    Sides are curved where `onto` takes the (n, d) middles, m, to other places.
    """
    if mesh.order != 1:
        raise InputError(f"the mesh has cells of {mesh.cells.shape[1]} nodes already")
    points, cells = with_edge_nodes(mesh.points, mesh.cells, onto)
    return Mesh(points, cells, mesh.region, mesh.names, mesh.faces)


def with_edge_nodes(
    points: Array, cells: IntArray, onto: Callable[[Array], Array] | None = None
) -> tuple[Array, IntArray]:
    """Nodes and cells of straight simplices with a node in the middle of each edge, which `onto` may move."""
    ends, _, number = shared_edges(cells, points.shape[1])
    middles = points[ends].mean(axis=1)
    return np.vstack([points, middles if onto is None else onto(middles)]), np.hstack([cells, number + len(points)])


def shared_edges(cells: IntArray, dimension: int) -> tuple[IntArray, IntArray, IntArray]:
    """(n, 2) ends of each edge, (n,) its first place among the edges of all cells, and (m, e) its number in each."""
    ends = cells[:, SIMPLEX_EDGES[dimension]].reshape(-1, 2)
    _, first, number = np.unique(corner_keys(ends), return_index=True, return_inverse=True)
    return ends[first], first, number.reshape(len(cells), -1)


@frozen(eq=False)
class ContactFacets(BaseRecord):
    """The facets between two regions."""

    regions: tuple[int, int] = field(metadata=about("1", "numbers of the two"))
    facets: IntArray = field(metadata=about("1", "(nf, k) points of the mesh on each facet"))
    first: IntArray = field(metadata=about("1", "(nf, k) unknowns on the side of the first region"))
    second: IntArray = field(metadata=about("1", "(nf, k) unknowns on the side of the second, in the same order"))


@frozen(eq=False)
class SplitMesh(BaseRecord):
    """Unknowns of a mesh."""

    unknowns: IntArray = field(metadata=about("1", "(m, k) unknown at each node of each cell"))
    point: IntArray = field(metadata=about("1", "(n,) point of the mesh where each unknown lies"))
    contacts: dict[str, ContactFacets]  # between regions whose nodes are doubled, by "one|other"


@frozen(eq=False)
class _InnerFacets(BaseRecord):
    """Facets that two cells share: (n,) their cells and the corners that lie opposite."""

    cell: IntArray
    corner: IntArray
    other_cell: IntArray
    other_corner: IntArray

    def __getitem__(self, chosen: np.ndarray) -> "_InnerFacets":
        return _InnerFacets(self.cell[chosen], self.corner[chosen], self.other_cell[chosen], self.other_corner[chosen])


def _inner_facets(mesh: Mesh) -> _InnerFacets:
    d = mesh.dimension
    keys = corner_keys(mesh.cells[:, simplex_of(mesh).facets[:, :d]].reshape(-1, d))
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    same = np.flatnonzero(ordered[1:] == ordered[:-1])
    if np.any(np.diff(same) == 1):
        place = int(order[same[int(np.argmax(np.diff(same) == 1))]]) // (d + 1)
        raise InputError(f"more than two cells meet in a facet of cell {place}: the mesh overlaps itself")
    first, second = order[same], order[same + 1]
    return _InnerFacets(first // (d + 1), first % (d + 1), second // (d + 1), second % (d + 1))


def region_pairs(mesh: Mesh) -> set[tuple[int, int]]:
    """Numbers of the regions that touch, the lower one first."""
    inner = _inner_facets(mesh)
    both = np.sort(np.column_stack([mesh.region[inner.cell], mesh.region[inner.other_cell]]), axis=1)
    return {(int(a), int(b)) for a, b in np.unique(both, axis=0) if a != b}


def split_mesh(mesh: Mesh, is_split: Callable[[int, int], bool]) -> SplitMesh:
    """Double the nodes between the regions that `is_split` (of their numbers) separates.

    The nodes of all cells around a point count as one where a way leads from cell to cell that crosses no split
    facet: points on the rim of a boundary stay whole, and where several regions meet each gets its own.  Boundaries so
    thin in the mesh that no node of a facet could be doubled are refused.
    """
    inner = _inner_facets(mesh)
    pair = np.sort(np.column_stack([mesh.region[inner.cell], mesh.region[inner.other_cell]]), axis=1)
    count = len(mesh.names)
    table = np.array([[a != b and is_split(min(a, b), max(a, b)) for b in range(count)] for a in range(count)])
    apart = table[pair[:, 0], pair[:, 1]]
    if not apart.any():
        return SplitMesh(mesh.cells, np.arange(len(mesh.points)), {})
    unknowns, point = _double_nodes(mesh, inner[~apart], inner[apart])
    return SplitMesh(unknowns, point, _contact_facets(mesh, inner[apart], unknowns))


def _match_facets(mesh: Mesh, inner: _InnerFacets) -> tuple[IntArray, IntArray]:
    """(n, k) local nodes on the facets in the cell on either side, in one order."""
    local, other = simplex_of(mesh).facets[inner.corner], simplex_of(mesh).facets[inner.other_corner]
    points = mesh.cells[inner.cell[:, None], local]
    others = mesh.cells[inner.other_cell[:, None], other]
    rank = np.argsort(np.argsort(points, axis=1), axis=1)  # ranks of the points pair the nodes of both cells
    order = np.take_along_axis(np.argsort(others, axis=1), rank, axis=1)
    return local, np.take_along_axis(other, order, axis=1)


def _double_nodes(mesh: Mesh, inner: _InnerFacets, apart: _InnerFacets) -> tuple[IntArray, IntArray]:
    """(m, k) unknowns of the cells, and (n,) the point where each unknown lies."""
    from scipy.sparse.csgraph import connected_components

    nodes = mesh.cells.shape[1]
    on_boundary = np.zeros(len(mesh.points), dtype=bool)
    on_boundary[mesh.cells[apart.cell[:, None], simplex_of(mesh).facets[apart.corner]]] = True
    near = np.flatnonzero(on_boundary[mesh.cells].ravel())  # only these places can get a second unknown
    number = np.full(mesh.cells.size, -1)
    number[near] = np.arange(near.size)
    local, other = _match_facets(mesh, inner)
    one = number[(inner.cell[:, None] * nodes + local).ravel()]
    two = number[(inner.other_cell[:, None] * nodes + other).ravel()]
    keep = one >= 0
    links = coo_array((np.ones(int(keep.sum())), (one[keep], two[keep])), shape=(near.size, near.size))
    _, label = connected_components(links, directed=False)
    at = mesh.cells.ravel()[near]
    _, first, inverse = np.unique(label, return_index=True, return_inverse=True)
    where = at[first]  # one label lies at one point
    _, kept = np.unique(where, return_index=True)
    new = np.full(where.size, -1)
    new[kept] = where[kept]  # one side keeps the number of the point, the others get new ones
    extra = np.flatnonzero(new < 0)
    new[extra] = len(mesh.points) + np.arange(extra.size)
    unknowns = mesh.cells.copy().ravel()
    unknowns[near] = new[inverse]
    return unknowns.reshape(mesh.cells.shape), np.concatenate([np.arange(len(mesh.points)), where[extra]])


def _contact_facets(mesh: Mesh, apart: _InnerFacets, unknowns: IntArray) -> dict[str, ContactFacets]:
    """The split facets by pair of regions, the side of the region with the lower number first."""
    local, other = _match_facets(mesh, apart)
    points = mesh.cells[apart.cell[:, None], local]
    one, two = unknowns[apart.cell[:, None], local], unknowns[apart.other_cell[:, None], other]
    if (one == two).all(axis=1).any():
        place = mesh.points[points[int(np.argmax((one == two).all(axis=1)))]].mean(axis=0)
        raise InputError(
            f"a boundary is one facet wide at {place.tolist()} m, between points that stay whole: refine the mesh there"
        )
    a, b = mesh.region[apart.cell], mesh.region[apart.other_cell]
    swap = (a > b)[:, None]
    one, two = np.where(swap, two, one), np.where(swap, one, two)
    low, high = np.minimum(a, b), np.maximum(a, b)
    found: dict[str, ContactFacets] = {}
    for i, j in np.unique(np.column_stack([low, high]), axis=0):
        here = (low == i) & (high == j)
        name = f"{mesh.names[i]}|{mesh.names[j]}"
        found[name] = ContactFacets((int(i), int(j)), points[here], one[here], two[here])
    return found


# Children of a simplex by the numbers of its quadratic nodes, those at its corners first.
_CORNER_CHILDREN = {
    2: ((0, 3, 5), (3, 1, 4), (5, 4, 2), (3, 4, 5)),
    3: ((0, 4, 6, 7), (4, 1, 5, 8), (6, 5, 2, 9), (7, 8, 9, 3)),
}
# The octahedron between them is cut along one of three diagonals: its ends, and the ring around it.
_OCTAHEDRON_CUTS = (((4, 9), (5, 6, 7, 8)), ((5, 7), (4, 6, 9, 8)), ((6, 8), (4, 5, 9, 7)))
# Parts of a facet by its nodes, corners first, as `Simplex.facets` has them.
_FACET_CHILDREN = {2: ((0, 2), (2, 1)), 3: ((0, 3, 5), (3, 1, 4), (5, 4, 2), (3, 4, 5))}


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
    edges = SIMPLEX_EDGES[mesh.dimension]
    _, first, number = shared_edges(cells, mesh.dimension)
    ends = children[:, edges].reshape(-1, 2)[first]
    values, _ = simplex_of(quadratic).shapes(_reference_nodes(mesh.dimension)[ends].mean(axis=1))
    parent = np.repeat(parents, len(edges))[first]
    added = np.einsum("nk,nkd->nd", values, quadratic.points[quadratic.cells[parent]])  # on the curved side itself
    points = np.vstack([quadratic.points, added])
    return Mesh(points, np.hstack([cells, number + len(quadratic.points)]), region, mesh.names, faces)


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
            at = _reference_nodes(3)[pieces]
            inverted = np.linalg.det(at[:, 1:] - at[:, :1]) < 0
            upright = np.where(inverted[:, None], pieces[:, [1, 0, 2, 3]], pieces)
            parents.append(np.repeat(own, 4))
            children.append(np.tile(upright, (own.size, 1)))
    return np.concatenate(parents), np.concatenate(children)


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
