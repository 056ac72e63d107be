"""Steady heat by finite elements: assembly, solution, jumps, heat flows, and the conductivity of a unit cell."""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, diags_array

from kapitza.core.arrays import Array, IntArray, check_choice
from kapitza.core.records import BaseRecord
from kapitza.device.elements.body import Body, Convection, FixedFlux, FixedTemperature
from kapitza.device.elements.mesh import Mesh, Simplex, SplitMesh, cell_chunks, jacobians, simplex_of, split_mesh
from kapitza.device.results import BoundaryJump
from kapitza.errors import ConvergenceError, InputError

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator


def _assemble_matrix(local: Array, rows: IntArray, columns: IntArray, size: int) -> csr_array:
    """Sum (m, k, l) local matrices into one of `size` unknowns."""
    shape = local.shape
    row = np.broadcast_to(rows[:, :, None], shape).ravel()
    column = np.broadcast_to(columns[:, None, :], shape).ravel()
    return csr_array(coo_array((local.ravel(), (row, column)), shape=(size, size)))


def _stiffness_matrix(mesh: Mesh, unknowns: IntArray, tensors: Array, size: int) -> csr_array:
    r"""$K_{ij} = \int \nabla N_i \cdot \mathbf{k}\,\nabla N_j$, W K⁻¹ (W m⁻¹ K⁻¹ in two dimensions).

    From the (m, k) unknowns of each cell and the (regions, d, d) conductivities, W m⁻¹ K⁻¹.
    """
    points, weights = simplex_of(mesh).quadrature()
    if mesh.order == 1:  # straight cells have one gradient: a single point is exact
        points, weights = points[:1], np.array([simplex_of(mesh).volume])
    _, slopes = simplex_of(mesh).shapes(points)
    total = csr_array((size, size))
    for part in cell_chunks(len(mesh.cells), len(points)):
        jacobian, determinant = jacobians(mesh, mesh.cells[part], slopes)
        gradient = np.matmul(slopes[None], np.linalg.inv(jacobian))  # (m, q, k, d)
        weighted = np.matmul(gradient, tensors[mesh.region[part]][:, None]) * (determinant * weights)[:, :, None, None]
        local = np.matmul(weighted, np.swapaxes(gradient, 2, 3)).sum(axis=1)
        total = total + _assemble_matrix(local, unknowns[part], unknowns[part], size)
    return csr_array((total + total.T) / 2)  # conjugate gradients need a symmetry that rounding breaks


def load_vector(mesh: Mesh, unknowns: IntArray, density: Array, size: int) -> Array:
    r"""(size,) $\int N_i\,q$ of a source of `density` (regions,), W m⁻³, in W (W m⁻¹ in two dimensions)."""
    points, weights = simplex_of(mesh).quadrature()
    values, slopes = simplex_of(mesh).shapes(points)
    load = np.zeros(size)
    source_cells = np.flatnonzero(density[mesh.region] != 0)
    for chosen in cell_chunks(len(source_cells), len(points)):
        part = source_cells[chosen]
        _, determinant = jacobians(mesh, mesh.cells[part], slopes)
        local = (determinant * weights) @ values * density[mesh.region[part]][:, None]
        load += np.bincount(unknowns[part].ravel(), local.ravel(), minlength=size)
    return load


def facet_mass_matrices(points: Array, facets: IntArray, order: int) -> Array:
    r"""(nf, k, k) $\int N_i N_j$ over facets of these (nf, k) points, m² (m in two dimensions)."""
    shape = Simplex(points.shape[1] - 1, order)
    where, weights = shape.quadrature()
    values, slopes = shape.shapes(where)
    tangents = np.einsum("mka,qkb->mqab", points[facets], slopes)
    if shape.dimension == 1:
        measure = np.linalg.norm(tangents[..., 0], axis=-1)
    else:
        measure = np.linalg.norm(np.cross(tangents[..., 0], tangents[..., 1]), axis=-1)
    return np.einsum("mq,qi,qj->mij", measure * weights, values, values)


MAX_DIRECT_UNKNOWNS = {2: 60_000, 3: 12_000}  # unknowns up to which a factorisation is faster than iterations
RESIDUAL_TOLERANCE = 1e-13
_MAX_CG_STEPS = 20_000


@frozen(eq=False)
class LinearSystem(BaseRecord):
    """A T = b before temperatures are held: (n, n) W K⁻¹ and (n,) W, with the masses of the facets of each face."""

    matrix: csr_array
    load: Array
    faces: dict[str, tuple[IntArray, Array]]


def assemble_body(body: Body, parts: SplitMesh, pairs: Mapping[tuple[int, int], float]) -> LinearSystem:
    """Conduction, boundaries, coolants and sources together."""
    mesh, size = body.mesh, len(parts.point)
    matrix = _stiffness_matrix(mesh, parts.unknowns, body.tensors(), size)
    load = load_vector(mesh, parts.unknowns, body.densities(), size)
    for contact in parts.contacts.values():
        mass = facet_mass_matrices(mesh.points, contact.facets, mesh.order) * pairs[contact.regions]
        both = np.hstack([contact.first, contact.second])  # local rows add up to zero: the jump stores no heat
        local = np.concatenate([np.concatenate([mass, -mass], axis=2), np.concatenate([-mass, mass], axis=2)], axis=1)
        matrix = csr_array(matrix + _assemble_matrix(local, both, both, size))
    faces: dict[str, tuple[IntArray, Array]] = {}
    for name, face in body.faces.items():
        unknowns, mass = faces[name] = face_facets(mesh, parts, name)
        if isinstance(face, Convection):
            matrix = csr_array(matrix + _assemble_matrix(mass * face.coefficient, unknowns, unknowns, size))
            load += face.coefficient * face.temperature * _facet_integrals(mass, unknowns, size)
        elif isinstance(face, FixedFlux):
            load += face.flux * _facet_integrals(mass, unknowns, size)
    return LinearSystem(matrix, load, faces)


def face_facets(mesh: Mesh, parts: SplitMesh, face: str) -> tuple[IntArray, Array]:
    """(nf, k) unknowns and (nf, k, k) masses of the facets of a face."""
    cell, corner = mesh.faces[face].T
    nodes = cell[:, None], simplex_of(mesh).facets[corner]
    return parts.unknowns[nodes], facet_mass_matrices(mesh.points, mesh.cells[nodes], mesh.order)


def _facet_integrals(mass: Array, unknowns: IntArray, size: int) -> Array:
    """(size,) integral of the shape function of each unknown over facets."""
    return np.bincount(unknowns.ravel(), mass.sum(axis=2).ravel(), minlength=size).astype(float)


def check_sinks(body: Body, parts: SplitMesh, equations: LinearSystem) -> None:
    """Refuse parts that no heat can leave: their temperature is not defined."""
    from scipy.sparse.csgraph import connected_components

    graph = equations.matrix.copy()
    graph.eliminate_zeros()  # a stored zero conducts nothing, but would connect parts
    count, label = connected_components(graph, directed=False)
    cooled = np.zeros(count, dtype=bool)
    for name, face in body.faces.items():
        if not isinstance(face, FixedFlux):
            cooled[label[equations.faces[name][0].ravel()]] = True
    used = np.zeros(len(label), dtype=bool)
    used[parts.unknowns] = True
    warm = used & ~cooled[label]
    if warm.any():
        cell = int(np.argmax(warm[parts.unknowns].any(axis=1)))
        raise InputError(
            f"no heat can leave region {body.mesh.names[body.mesh.region[cell]]}: no face of it or of what it "
            "touches has a FixedTemperature or Convection"
        )


def fixed_unknowns(body: Body, equations: LinearSystem) -> tuple[NDArray[np.bool_], Array]:
    """(n,) which unknowns are held, and (n,) their temperatures; those that no cell has are held at 0."""
    held = equations.matrix.diagonal() == 0
    values = np.zeros(len(held))
    for name, face in body.faces.items():
        if isinstance(face, FixedTemperature):
            unknowns = np.unique(equations.faces[name][0])
            clash = held[unknowns] & (values[unknowns] != face.temperature)
            if clash.any():
                other = values[unknowns[clash]][0]
                raise InputError(
                    f"faces that touch are held at {other:g} and {face.temperature:g} K ({name}): their common edge "
                    "cannot have both; an endless heat would flow there"
                )
            held[unknowns], values[unknowns] = True, face.temperature
    return held, values


def solve_constrained(
    equations: LinearSystem,
    held: NDArray[np.bool_],
    values: Array,
    base: float,
    cell: Simplex,
    tolerance: float = RESIDUAL_TOLERANCE,
) -> tuple[Array, int]:
    """(n,) temperatures, and the steps that they took."""
    free = np.flatnonzero(~held)
    found = values.copy()
    if not free.size:
        return found, 0
    matrix = csr_array(equations.matrix[free][:, free])
    load = equations.load[free] - (equations.matrix @ values)[free]
    load = load - matrix @ np.full(free.size, base)
    rise, steps = solve_equations(matrix, load, cell, tolerance)
    found[free] = base + rise
    return found, steps


def solve_equations(
    matrix: csr_array, load: Array, cell: Simplex, tolerance: float = RESIDUAL_TOLERANCE
) -> tuple[Array, int]:
    """Solution of few equations by factors and of many by iteration, and the steps that it took.

    Conjugate gradients to a residual of `tolerance` times the load, preconditioned by algebraic multigrid if the cells
    are linear: quadratic ones gain nothing from it.
    """
    from scipy.sparse.linalg import cg, splu

    if len(load) <= MAX_DIRECT_UNKNOWNS[cell.dimension]:
        return splu(matrix.tocsc()).solve(load), 0
    before = _multigrid_cycle(matrix, load) if cell.order == 1 and find_spec("pyamg") is not None else None
    if before is None:
        before = diags_array(1 / np.asarray(matrix.diagonal(), dtype=float))
    count = [0]

    def step(_: Array) -> None:
        count[0] += 1

    found, left = cg(matrix, load, rtol=tolerance, maxiter=_MAX_CG_STEPS, M=before, callback=step)
    if left:
        residual = float(np.linalg.norm(load - matrix @ found) / np.linalg.norm(load))
        raise ConvergenceError(
            f"{count[0]} steps left {residual:.1e} of the heat (wanted {tolerance:.0e}): "
            "the mesh may hold very flat cells",
            last=found,
        )
    return found, count[0]


def _multigrid_cycle(matrix: csr_array, load: Array) -> "LinearOperator | None":
    """A cycle of algebraic multigrid; None where it fails, as it may for cells that are stretched and obtuse."""
    try:
        found = import_module("pyamg").ruge_stuben_solver(matrix, max_coarse=500).aspreconditioner()
        return found if np.isfinite(found.matvec(load)).all() else None
    except ValueError:  # of numbers that are not finite on its coarsest level
        return None


def body_jumps(
    body: Body, parts: SplitMesh, pairs: Mapping[tuple[int, int], float], temperature: Array
) -> dict[str, BoundaryJump]:
    """Jumps at all boundaries, named as the body names them."""
    mesh, found = body.mesh, {}
    for name, contact in parts.contacts.items():
        mass = facet_mass_matrices(mesh.points, contact.facets, mesh.order).sum(axis=1)
        area = mass.sum(axis=1)
        first = (mass * temperature[contact.first]).sum(axis=1) / area
        second = (mass * temperature[contact.second]).sum(axis=1) / area
        reverse = "|".join(reversed(name.split("|")))
        if reverse in body.conductance:
            name, first, second = reverse, second, first  # noqa: PLW2901
        flux = pairs[contact.regions] * (first - second)
        middles = mesh.points[contact.facets[:, : mesh.dimension]].mean(axis=1)
        found[name] = BoundaryJump(
            points=middles, area=area, first=first, second=second, flux=flux, flow=float(flux @ area)
        )
    return found


def body_flows(body: Body, equations: LinearSystem, temperature: Array, residual: Array) -> dict[str, float]:
    """Heat out through each face; of held faces what their nodes take (consistent), shared by area on common edges."""
    size = len(temperature)
    held = [name for name, face in body.faces.items() if isinstance(face, FixedTemperature)]
    shares: dict[str, Array] = {}  # area of the facets around each unknown, above zero on all of a face
    for name in held:
        unknowns, mass = equations.faces[name]
        area = np.broadcast_to(mass.sum(axis=(1, 2))[:, None], unknowns.shape)
        shares[name] = np.bincount(unknowns.ravel(), area.ravel(), minlength=size).astype(float)
    total = np.sum(list(shares.values()), axis=0) if shares else np.zeros(size)
    found: dict[str, float] = {}
    for name, face in body.faces.items():
        unknowns, mass = equations.faces[name]
        if isinstance(face, FixedTemperature):
            share = np.divide(shares[name], total, out=np.zeros(size), where=total > 0)
            found[name] = float(residual @ share)  # reactions of held nodes: they balance the sources
        else:
            weight = _facet_integrals(mass, unknowns, size)
            over = (temperature - face.temperature) * face.coefficient if isinstance(face, Convection) else -face.flux
            found[name] = float(np.sum(weight * over))
    return found


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
