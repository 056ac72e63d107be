"""Steady temperatures of a body on a mesh, and the views on them: jumps, sections, fluxes, sensitivities."""

from collections.abc import Mapping, Sequence

import numpy as np
from attrs import evolve, field, frozen

import kapitza.device.elements.steady as steady
from kapitza.core.arrays import Array, IntArray, about, name_tuple
from kapitza.core.records import BaseRecord
from kapitza.device.elements.body import Body, FixedFlux, body_parameters, scale_body
from kapitza.device.elements.mesh import (
    Mesh,
    SplitMesh,
    cell_volumes,
    halved_mesh,
    jacobians,
    linear_mesh,
    quadratic_mesh,
    simplex_of,
    split_mesh,
)
from kapitza.device.elements.steady import RESIDUAL_TOLERANCE
from kapitza.device.results import (
    BoundaryJump,
    PlaneFlux,
    TemperatureField,
    TriangulatedField,
    logarithmic_derivatives,
    merge_points,
)
from kapitza.device.setup import Plane, check_plane
from kapitza.errors import InputError

# a curved triangle as four straight ones
_QUADRATIC_SUBTRIANGLES = np.array([[0, 3, 5], [3, 1, 4], [5, 4, 2], [3, 4, 5]])
_PLANE_OFFSET = 1e-7  # of the size of a body, by which a plane is moved off nodes
_ERROR_TOLERANCE = 1e-7  # of the heat balances of the solution that tells the error
_CHANGE_FACTOR = 2.0  # of the change to richer cells, which have an error themselves
_LINEAR_FACTOR = 0.1  # of the change to linear cells: a change may be small by chance, two hardly are
_BODY_PERTURBATION = 0.1  # of a number, by which it is moved either way: the equations are linear in it


class _HottestNode(BaseRecord):
    body: Body
    split: SplitMesh
    temperature: Array

    @property
    def peak(self) -> float:
        """Highest temperature of all nodes, K."""
        return float(self.temperature.max())

    @property
    def place(self) -> Array:
        """(d,) place of the hottest node, m."""
        return self.hot_spot[0]

    @property
    def hot_spot(self) -> tuple[Array, str]:
        """(d,) place of the hottest node, m, and the region that it lies in."""
        mesh, rows = self.body.mesh, self.temperature[self.split.unknowns]
        cell, node = np.unravel_index(int(np.argmax(rows)), rows.shape)
        return mesh.points[mesh.cells[cell, node]], mesh.names[mesh.region[cell]]


@frozen(eq=False, kw_only=True)
class BodyTemperatures(_HottestNode):
    """Temperatures of a body: a point on a boundary that resists has an unknown for each side.

    Examples
    --------
    >>> from kapitza import solve
    >>> from kapitza.device import Body, FixedTemperature, Mesh
    >>> corners = [[0, 0], [2e-6, 0], [2e-6, 1e-6], [0, 1e-6]]
    >>> film = Mesh(corners, [[0, 1, 2], [0, 2, 3]], [0, 0], ("film",), {"left": [[1, 1]], "right": [[0, 0]]})
    >>> ends = {"left": FixedTemperature(301.0), "right": FixedTemperature(300.0)}
    >>> found = solve(Body(film, {"film": 1.4}, faces=ends))
    >>> print(f"{found.flows['right']:.2f} W per metre of depth")  # 1.4 W/mK x 1 K x 1 µm / 2 µm
    0.70 W per metre of depth
    """

    body: Body
    split: SplitMesh
    temperature: Array = field(metadata=about("K", "(n,) of each unknown"))
    jumps: Mapping[str, BoundaryJump]
    flows: Mapping[str, float] = field(metadata=about("W, W m^-1 in two dimensions", "heat out through each face"))
    heat_generated: float = field(metadata=about("as flows", "heat from the sources inside"))
    steps: int = field(metadata=about("1", "of the iteration; 0 where the equations were factorised"))
    sink: float = field(default=0.0, init=False, metadata=about("K", "0: rises of a body are its temperatures"))

    @property
    def imbalance(self) -> float:
        """What enters less what leaves, over the larger of what crosses the faces or enters inside."""
        flows = np.array(list(self.flows.values()))
        scale = max(abs(self.heat_generated), float(np.abs(flows).max(initial=0.0)))
        return 0.0 if scale == 0 else abs(self.heat_generated - float(flows.sum())) / scale

    def errors(self) -> dict[str, float]:
        """Estimated numerical error of the hottest point, "peak", and of the mean of each region, by name, K.

        Twice the change to a solution on richer cells: quadratic ones in place of linear ones, quadratic ones of half
        the size in place of quadratic ones.  That has some eight times as many unknowns (four in two dimensions).  Of
        quadratic cells at least a tenth of what they change on linear ones of the same corners.  That straight cells
        cut a curved side short is not in it.
        """
        richer = solve_body(richer_body(self.body), tolerance=_ERROR_TOLERANCE)
        others = [(richer, _CHANGE_FACTOR)]
        if self.body.mesh.order == 2:
            poorer = solve_body(evolve(self.body, mesh=linear_mesh(self.body.mesh)), tolerance=_ERROR_TOLERANCE)
            others.append((poorer, _LINEAR_FACTOR))
        goals = [({**other.means, "peak": other.peak}, factor) for other, factor in others]
        rounding = _ERROR_TOLERANCE * float(np.ptp(self.temperature[np.unique(self.split.unknowns)]))
        return {
            name: max(factor * abs(value - moved[name]) for moved, factor in goals) + rounding
            for name, value in {**self.means, "peak": self.peak}.items()
        }

    def mean(self, face: str) -> float:
        """Temperature averaged over a face of the mesh, whether or not heat crosses it, K."""
        mesh = self.body.mesh
        if face not in mesh.faces:
            raise InputError(f"no face {face!r} in the mesh: it has {', '.join(mesh.faces) or 'no named faces'}")
        unknowns, mass = steady.face_facets(mesh, self.split, face)
        weight = mass.sum(axis=2)
        return float((weight * self.temperature[unknowns]).sum() / weight.sum())

    def at(self, region: str) -> tuple[Array, Array]:
        """(n, d) points of a region and (n,) their temperatures on its side, m and K."""
        mesh = self.body.mesh
        if region not in mesh.names:
            raise InputError(f"no region {region!r}: the mesh has {', '.join(mesh.names)}")
        chosen = np.unique(self.split.unknowns[mesh.region == mesh.names.index(region)])
        return mesh.points[self.split.point[chosen]], self.temperature[chosen]

    @property
    def means(self) -> dict[str, float]:
        """Temperature averaged over each region, by name, K."""
        mesh = self.body.mesh
        points, weights = simplex_of(mesh).quadrature()
        values, slopes = simplex_of(mesh).shapes(points)
        _, determinant = jacobians(mesh, mesh.cells, slopes)
        part = (determinant * weights) * (self.temperature[self.split.unknowns] @ values.T)
        volume, total = cell_volumes(mesh), part.sum(axis=1)
        number = {name: mesh.region == i for i, name in enumerate(mesh.names)}
        return {name: float(total[own].sum() / volume[own].sum()) for name, own in number.items() if own.any()}

    def cell_flux(self) -> Array:
        """(m, d) heat flux in the middle of each cell, W m⁻²."""
        mesh = self.body.mesh
        middle = np.full((1, mesh.dimension), 1 / (mesh.dimension + 1))
        _, slopes = simplex_of(mesh).shapes(middle)
        jacobian, _ = jacobians(mesh, mesh.cells, slopes)
        gradient = np.matmul(slopes[None], np.linalg.inv(jacobian))[:, 0]  # (m, k, d)
        rise = np.einsum("mkd,mk->md", gradient, self.temperature[self.split.unknowns])
        return -np.einsum("mab,mb->ma", self.body.tensors()[mesh.region], rise)

    def section(self, y: float | None = None, *, sink: float = 0.0) -> TriangulatedField:
        """All of a body of triangles, or the section of tetrahedra with a plane across y, m; rises above `sink`, K."""
        mesh = self.body.mesh
        if mesh.dimension == 2:
            triangles, region = self.split.unknowns, np.asarray(mesh.region)
            if mesh.order == 2:
                triangles, region = triangles[:, _QUADRATIC_SUBTRIANGLES].reshape(-1, 3), np.repeat(region, 4)
            return TriangulatedField(
                name="body",
                axes=("x", "y"),
                points=mesh.points[self.split.point],
                triangles=triangles,
                value=self.temperature - sink,
                region=region,
                names=mesh.names,
                centres=mesh.points[mesh.cells[:, :3]].mean(axis=1),
                flux=self.cell_flux(),
            )
        low, high = float(mesh.points[:, 1].min()), float(mesh.points[:, 1].max())
        place = float(self.place[1]) if y is None else y
        if not low <= place <= high:
            raise InputError(f"a section at y = {place:g} m: the body reaches from {low:g} to {high:g} m")
        return _cut_body(self, 1, _off_nodes(place, low, high), sink)

    def plane(self, plane: Plane | None = None) -> TemperatureField | TriangulatedField:
        """Rises on a plane across the last axis, which points up: the top of the body if None, else from a region.

        It is cut through all regions, on the side of the one that the plane names as its layer; a body of triangles
        has a line, with the two ends of each cell and y = 0.
        """
        height, depth = _locate_plane(self.body.mesh, plane)
        if self.body.mesh.dimension == 3:
            return _cut_body(self, 2, height, 0.0)
        mesh, rows = self.body.mesh, self.temperature[self.split.unknowns]
        _, points, value = _slice_cells(mesh.points, mesh.cells, rows, 1, height)
        order = np.lexsort((points.mean(axis=1).repeat(2), points.ravel()))  # each piece has its own two ends
        name = "top" if plane is None else plane.layer
        return TemperatureField(name, points.ravel()[order], [0.0], value.ravel()[order, None], depth)

    def flux(self, plane: Plane | None = None) -> PlaneFlux:
        """Heat down through a plane as of `plane`, in each cell that it cuts."""
        mesh, (height, _) = self.body.mesh, _locate_plane(self.body.mesh, plane)
        nodes = self.split.unknowns[:, : mesh.dimension + 1] + mesh.region[:, None] * len(self.temperature)
        # the flux of one cell jumps to the next: its means at nodes are of second order
        _, number, means = merge_points(nodes, np.repeat(-self.cell_flux()[:, -1:], nodes.shape[1], axis=1))
        _, points, values = _slice_cells(mesh.points, mesh.cells, means[number], mesh.dimension - 1, height)
        sides = points[:, 1:] - points[:, :1]  # of a triangle, or the one of a line
        area = np.abs(np.linalg.det(sides)) / sides.shape[-1]
        flux = values.mean(axis=1)
        middles = np.column_stack([points.mean(axis=1), np.full(flux.size, height)])
        return PlaneFlux(points=middles, area=area, flux=flux, flow=float(flux @ area))

    def sensitivities(self, names: str | Sequence[str] | None = None) -> dict[str, float]:
        """Change of the highest temperature per relative change of numbers of the body, by name, K."""
        equations = steady.assemble_body(self.body, self.split, self.body.conductances())
        held, values = steady.fixed_unknowns(self.body, equations)
        used = np.isin(np.arange(len(self.temperature)), self.split.unknowns)
        hottest = np.zeros(len(self.temperature))
        hottest[np.argmax(np.where(used, self.temperature, -np.inf))] = 1
        problem = steady.LinearSystem(equations.matrix, hottest, equations.faces)
        # conduction is self-adjoint: the same matrix, and no change where the temperature is held
        adjoint, _ = steady.solve_constrained(problem, held, np.zeros_like(values), 0.0, simplex_of(self.body.mesh))

        def residual(name: str, factor: float) -> float:
            moved = scale_body(self.body, name, factor)
            other = steady.assemble_body(moved, self.split, moved.conductances())
            return float(adjoint @ (other.load - other.matrix @ self.temperature))

        wanted = body_parameters(self.body) if names is None else name_tuple(names)
        return logarithmic_derivatives(wanted, residual, _BODY_PERTURBATION)


def richer_body(body: Body) -> Body:
    """The body on quadratic cells where they are linear; on cells of half the size where they are quadratic."""
    return evolve(body, mesh=quadratic_mesh(body.mesh) if body.mesh.order == 1 else halved_mesh(body.mesh))


def solve_body(body: Body, *, tolerance: float = RESIDUAL_TOLERANCE) -> BodyTemperatures:
    r"""Temperatures of a body in steady state.

    Conduction $\nabla\cdot\mathbf{k}\nabla T + q = 0$ with $G\,(T_1 - T_2)$ through boundaries that resist.  Linear or
    quadratic elements have a node of their own on either side of a boundary that resists.  `tolerance` is that of the
    heat balances where many are solved by iteration, relative.
    """
    pairs = body.conductances()
    parts = split_mesh(body.mesh, lambda a, b: (a, b) in pairs)
    equations = steady.assemble_body(body, parts, pairs)
    steady.check_sinks(body, parts, equations)
    held, values = steady.fixed_unknowns(body, equations)
    sinks = [face.temperature for face in body.faces.values() if not isinstance(face, FixedFlux)]
    # Differences from a typical temperature: errors of the iteration then scale with the rise and not with 300 K.
    base = float(np.mean(sinks))
    temperature, steps = steady.solve_constrained(equations, held, values, base, simplex_of(body.mesh), tolerance)
    residual = equations.load - equations.matrix @ temperature
    return BodyTemperatures(
        body=body,
        split=parts,
        temperature=temperature,
        jumps=steady.body_jumps(body, parts, pairs, temperature),
        flows=steady.body_flows(body, equations, temperature, residual),
        heat_generated=float(steady.load_vector(body.mesh, parts.unknowns, body.densities(), len(temperature)).sum()),
        steps=steps,
    )


def _locate_plane(mesh: Mesh, plane: Plane | None) -> tuple[float, float]:
    """Height of a plane, off the nodes, and its depth below the top of the body, m."""
    top = float(mesh.points[mesh.cells, -1].max())
    if plane is None:
        return _off_nodes(top, float(mesh.points[mesh.cells, -1].min()), top), 0.0
    check_plane(plane)
    if plane.layer not in mesh.names:
        raise InputError(f"no region {plane.layer!r} for a plane: the mesh has {', '.join(mesh.names)}")
    heights = mesh.points[mesh.cells[mesh.region == mesh.names.index(plane.layer)], -1]
    low, high = float(heights.min()), float(heights.max())
    if plane.depth > (high - low) * (1 + _PLANE_OFFSET):
        raise InputError(f"plane at {plane.depth:g} m in {plane.layer}, which is only {high - low:g} m high")
    height = low + plane.depth if plane.from_bottom else high - plane.depth
    return _off_nodes(height, low, high), top - height


def _cut_body(found: BodyTemperatures, axis: int, place: float, sink: float) -> TriangulatedField:
    mesh, kept = found.body.mesh, [i for i in range(3) if i != axis]
    cut, points, value = _slice_cells(mesh.points, mesh.cells, found.temperature[found.split.unknowns], axis, place)
    near = np.unique(cut)
    return TriangulatedField(
        name=f"{'section' if axis == 1 else 'plane'} at {'xyz'[axis]} = {place:.4g} m",
        axes=tuple("xyz"[i] for i in kept),
        points=points.reshape(-1, 2),
        triangles=np.arange(value.size).reshape(-1, 3),
        value=value.ravel() - sink,
        region=mesh.region[cut],
        names=mesh.names,
        centres=mesh.points[mesh.cells[near, :4]].mean(axis=1)[:, kept],
        flux=found.cell_flux()[near][:, kept],
    )


def _off_nodes(place: float, low: float, high: float) -> float:
    """A place moved aside so that it meets no nodes, and inside of two ends, m."""
    aside = _PLANE_OFFSET * (high - low)
    return min(max(place, low + aside), high - aside) + 0.3 * aside


def _slice_cells(
    points: Array, cells: IntArray, temperature: Array, axis: int, place: float
) -> tuple[IntArray, Array, Array]:
    """Triangles in which a plane cuts tetrahedra, or lines in which it cuts triangles.

    (t,) cell of each, (t, d, d - 1) its corners along the other axes, m, and (t, d) temperatures there, K.
    """
    d = points.shape[1]
    corners, values = points[cells[:, : d + 1]], temperature[:, : d + 1]
    above = corners[:, :, axis] > place
    chosen: list[IntArray] = []
    places: list[Array] = []
    found: list[Array] = []
    code = above @ 2 ** np.arange(d + 1)
    for case in range(1, 2 ** (d + 1) - 1):
        inside = np.flatnonzero(code == case)
        if not inside.size:
            continue
        for piece in _crossing_pieces(case, d + 1):
            chosen.append(inside)
            ends = [_edge_crossings(corners[inside], values[inside], axis, place, edge) for edge in piece]
            places.append(np.stack([at for at, _ in ends], axis=1))
            found.append(np.stack([value for _, value in ends], axis=1))
    if not chosen:
        raise InputError(f"a cut at {'xyz'[axis]} = {place:g} m meets no cell")
    return np.concatenate(chosen), np.concatenate(places), np.concatenate(found)


def _crossing_pieces(case: int, count: int) -> list[tuple[tuple[int, int], ...]]:
    """Triangles or a line, by the edges on which their ends lie, where those of `count` corners in bits are above."""
    up = [i for i in range(count) if case >> i & 1]
    down = [i for i in range(count) if not case >> i & 1]
    if len(up) == len(down):
        (a, b), (c, d) = up, down
        return [((a, c), (a, d), (b, d)), ((a, c), (b, d), (b, c))]  # a-c, a-d, b-d, b-c go around
    return [tuple((a, b) for a in up for b in down)]


def _edge_crossings(
    corners: Array, values: Array, axis: int, place: float, edge: tuple[int, int]
) -> tuple[Array, Array]:
    """(n, d - 1) where edges meet a plane across an axis, m, and (n,) values there, K."""
    a, b = edge
    share = (place - corners[:, a, axis]) / (corners[:, b, axis] - corners[:, a, axis])
    at = corners[:, a] + share[:, None] * (corners[:, b] - corners[:, a])
    return np.delete(at, axis, axis=1), values[:, a] + share * (values[:, b] - values[:, a])
