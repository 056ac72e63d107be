"""Effective conductivity of a cell that repeats, boundary resistances and shapes included."""

from typing import Literal

import numpy as np
from scipy.sparse import coo_array, csr_array

from kapitza.core.arrays import Array, IntArray, check_choice
from kapitza.device.elements.body import Body
from kapitza.device.elements.mesh import Simplex, SplitMesh, simplex_of, split_mesh
from kapitza.device.elements.steady import assemble_body, solve_equations
from kapitza.errors import InputError

_PERIODIC_TOLERANCE = 1e-6  # of the edges of the cell: nodes that lie together


def cell_conductivity(body: Body, sides: Literal["periodic", "isothermal"] = "periodic") -> Array:
    r"""(d, d) effective conductivity of a rectangular cell, W m⁻¹ K⁻¹, of a body without faces and heat.

    The temperature is $T = \mathbf{g}\cdot\mathbf{x} + w$ for a mean gradient along each axis; $k_{ab} =
    \frac{1}{V}\left(\int \nabla T_a \cdot \mathbf{k}\,\nabla T_b + \int G\,[T_a][T_b]\right)$ with V the volume of the
    box around the mesh, pores included.  "periodic" `sides` have the same w, and their nodes must lie opposite one
    another.  "isothermal" ones have w = 0 across the gradient, and no heat crosses the others: exact between planes of
    symmetry, where the tensor is diagonal.
    """
    from scipy.sparse.csgraph import connected_components

    check_choice(sides, ("periodic", "isothermal"), "sides")
    if body.faces or body.heat:
        raise InputError(f"a cell has no faces or heat of its own, got {', '.join([*body.faces, *body.heat])}")
    pairs = body.conductances()
    parts = split_mesh(body.mesh, lambda a, b: (a, b) in pairs)
    matrix = assemble_body(body, parts, pairs).matrix
    place = body.mesh.points[parts.point]
    used = body.mesh.points[np.unique(body.mesh.cells)]
    low, edge = used.min(axis=0), np.ptp(used, axis=0)
    cell = simplex_of(body.mesh)
    if sides == "periodic":
        one, other = _opposite_pairs(body, parts, low, edge).T
        links = coo_array((np.ones(one.size), (one, other)), shape=(len(place), len(place)))
        group = connected_components(links, directed=False)[1].astype(np.int64)
        found = place + _cell_correctors(matrix, place, group, cell)[group]
        return found.T @ (matrix @ found) / np.prod(edge)  # as energy: errors of w enter in second order
    diagonal: list[float] = []
    for axis in range(body.mesh.dimension):
        x = place[:, axis]
        reach = _PERIODIC_TOLERANCE * edge[axis]
        ends = (np.abs(x - low[axis]) < reach) | (np.abs(x - low[axis] - edge[axis]) < reach)
        group = np.where(ends, 0, np.cumsum(~ends))  # w = 0 on both sides: group 0 is the one held
        found = x + _cell_correctors(matrix, x[:, None], group, cell)[group, 0]
        diagonal.append(float(found @ (matrix @ found)) / float(np.prod(edge)))
    return np.diag(diagonal)


def _opposite_pairs(body: Body, parts: SplitMesh, low: Array, edge: Array) -> IntArray:
    """(n, 2) unknowns that lie opposite one another, of the same region."""
    from scipy.spatial import KDTree

    place = body.mesh.points[parts.point]
    region = np.full(len(place), len(body.mesh.names))
    np.minimum.at(region, parts.unknowns, body.mesh.region[:, None])
    used = region < len(body.mesh.names)
    found: list[IntArray] = []
    for axis in range(place.shape[1]):
        across = [a for a in range(place.shape[1]) if a != axis]
        key = np.column_stack([(place[:, across] - low[across]) / edge[across], region])
        reach = _PERIODIC_TOLERANCE * edge[axis]
        here = np.flatnonzero(used & (np.abs(place[:, axis] - low[axis]) < reach))
        there = np.flatnonzero(used & (np.abs(place[:, axis] - low[axis] - edge[axis]) < reach))
        distance, nearest = KDTree(key[there]).query(key[here])
        if here.size != there.size or (distance > _PERIODIC_TOLERANCE).any():
            raise InputError(
                f"the sides across {'xyz'[axis]} do not fit: {here.size} and {there.size} nodes, "
                f"{int((distance > _PERIODIC_TOLERANCE).sum())} of which have none of the same region opposite. "
                "Mesh them alike, or "
                "take isothermal sides"
            )
        found.append(np.column_stack([here, there[nearest]]))
    return np.concatenate(found)


def _cell_correctors(matrix: csr_array, place: Array, group: IntArray, cell: Simplex) -> Array:
    """(groups, c) departure w of each group from the mean gradient, with one group of each connected part at 0."""
    from scipy.sparse.csgraph import connected_components

    size, count = len(group), int(group.max()) + 1
    take = csr_array((np.ones(size), (np.arange(size), group)), shape=(size, count))
    reduced, load = csr_array(take.T @ matrix @ take), -(take.T @ (matrix @ place))
    graph = reduced.copy()
    graph.eliminate_zeros()
    _, first = np.unique(connected_components(graph, directed=False)[1], return_index=True)
    free = np.setdiff1d(np.arange(count), first)  # w is defined up to a constant in each connected part
    found = np.zeros((count, place.shape[1]))
    if not free.size:
        return found
    inside = csr_array(reduced[free][:, free])
    for column in range(place.shape[1]):
        if np.abs(load[free, column]).max() > 0:
            found[free, column] = solve_equations(inside, load[free, column], cell)[0]
    return found
