"""Nodes on a boundary that resists are doubled: each side has its own temperature, and the jump lies between."""

from collections.abc import Callable

import numpy as np
from attrs import field, frozen
from scipy.sparse import coo_array

from kapitza.core.arrays import IntArray, about
from kapitza.core.records import BaseRecord
from kapitza.device.elements.mesh import Mesh, corner_keys, simplex_of
from kapitza.errors import InputError


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
    """The facets between two cells; refused where more than two cells meet in one facet."""
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
