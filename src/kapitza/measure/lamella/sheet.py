r"""Heat in a lamella as in a sheet: $\nabla\cdot(k\,t_e\nabla T) = 2\epsilon\sigma(T^4 - T_0^4)$, jumps at its planes.

The lamella is cut into quadrangles whose sides follow the planes, so that an oblique plane has its true length.  Each
quadrangle is the mean of its two divisions into triangles with linear temperatures (Galerkin); planes, contacts,
radiation and heat capacity are lumped at the nodes, of which a plane has one on either side.  What flows out of a node
is then linear in the coefficients of the sheet, and every derivative is one more right-hand side of the same matrix.
"""

from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, IndexArray
from kapitza.core.quadrature import gauss_legendre
from kapitza.core.records import BaseRecord
from kapitza.errors import ConvergenceError, InputError
from kapitza.measure.lamella.description import Lamella
from kapitza.units import c_light, h, k_B

_REFERENCE = 300.0  # K, of the conductivities
_STEFAN_BOLTZMANN = 2 * np.pi**5 * k_B**4 / (15 * h**3 * c_light**2)  # W m⁻² K⁻⁴
_TRIANGLES = ((0, 1, 2), (0, 2, 3), (0, 1, 3), (1, 2, 3))  # both divisions of a quadrangle, corners in a circle
_MAX_NEWTON_STEPS = 30
_ANGLE_NODES = 48


@frozen
class SheetResolution(BaseRecord):
    """Columns of quadrangles in each material, and rows."""

    columns: tuple[int, ...]
    rows: int


def sheet_resolution(lamella: Lamella, columns: int = 48, rows: int = 16) -> SheetResolution:
    """About so many columns in all, at least six in each material."""
    edges = np.array([lamella.left, *(plane.position for plane in lamella.planes), lamella.right])
    share = np.diff(edges) / (edges[-1] - edges[0])
    return SheetResolution(tuple(max(6, round(columns * float(one))) for one in share), rows)


@frozen(eq=False, kw_only=True)
class SheetMesh(BaseRecord):
    """Nodes (column, row) of a lamella, (nc, nr); quadrangles by their corners, and what follows from their shape.

    `edges` (n + 1, 3) has pads and planes as `plane_edges`, `material` (q,) that of each quadrangle.
    """

    edges: Array
    resolution: SheetResolution
    x: Array
    y: Array
    corners: IndexArray  # (q, 4)
    material: IndexArray
    area: Array  # (q,) m²
    stiffness: Array  # (q, 4, 4) of unit conductance of the sheet
    centre: tuple[Array, Array]  # (q,) of the quadrangles
    first: IndexArray  # (n,) first column of each material

    @property
    def last(self) -> IndexArray:
        """(n,) last column of each material."""
        return self.first + np.array(self.resolution.columns)


def plane_edges(lamella: Lamella) -> Array:
    """(n + 1, 3) of the pads and planes from left to right: x at mid-height, m, slope dx/dy there, and x''/2, m⁻¹."""
    half = (lamella.top - lamella.bottom) / 2
    planes = [(plane.position, np.tan(plane.angle), -plane.bow / half**2) for plane in lamella.planes]
    return np.array([(lamella.left, 0.0, 0.0), *planes, (lamella.right, 0.0, 0.0)])


def column_places(edges: Array, resolution: SheetResolution, height: Array) -> Array:
    """(nc, nr) x of the columns at heights (nr,) above mid-height, m."""
    at = edges[:, :1] + edges[:, 1:2] * height + edges[:, 2:] * height**2
    ends = zip(at[:-1], at[1:], resolution.columns, strict=True)
    return np.concatenate([left + (right - left) * np.linspace(0, 1, n + 1)[:, None] for left, right, n in ends])


def sheet_mesh(lamella: Lamella, resolution: SheetResolution) -> SheetMesh:
    """Mesh whose columns follow the planes."""
    edges, rows = plane_edges(lamella), resolution.rows
    y = np.linspace(lamella.bottom, lamella.top, rows + 1)
    x = column_places(edges, resolution, y - (lamella.bottom + lamella.top) / 2)
    counts = np.array(resolution.columns)
    first = np.concatenate([[0], np.cumsum(counts + 1)[:-1]])
    column = np.concatenate([start + np.arange(count) for start, count in zip(first, counts, strict=True)])
    lower = (column[:, None] * (rows + 1) + np.arange(rows)).ravel()
    corners = np.stack([lower, lower + rows + 1, lower + rows + 2, lower + 1], axis=1)
    px, py = x.ravel()[corners], np.broadcast_to(y, x.shape).ravel()[corners]
    stiffness, area = np.zeros((len(corners), 4, 4)), np.zeros(len(corners))
    for triangle in _TRIANGLES:
        tx, ty = px[:, triangle], py[:, triangle]
        b, c = np.roll(ty, -1, 1) - np.roll(ty, -2, 1), np.roll(tx, -2, 1) - np.roll(tx, -1, 1)
        twice = b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0]
        part = (b[:, :, None] * b[:, None] + c[:, :, None] * c[:, None]) / (4 * twice[:, None, None])
        stiffness[np.ix_(range(len(corners)), triangle, triangle)] += part
        area += twice / 4
    return SheetMesh(
        edges=edges, resolution=resolution, x=x, y=y, corners=corners, area=area, stiffness=stiffness, first=first,
        material=np.repeat(np.arange(counts.size), counts * rows), centre=(px.mean(axis=1), py.mean(axis=1)),
    )  # fmt: skip


def film_reduction(thickness: Array, mean_free_path: float) -> Array:
    r"""Conductivity along a film with rough faces over that of the bulk, for one mean free path Λ, δ = t/Λ.

    $1 - \frac{3}{2\delta}\int_0^1(\mu - \mu^3)(1 - e^{-\delta/\mu})d\mu$: $1 - 3/8\delta$ of thick films.
    E. H. Sondheimer, Adv. Phys. 1, 1 (1952), doi:10.1080/00018735200101151.
    """
    if mean_free_path == 0:
        return np.ones_like(thickness)
    node, weight = gauss_legendre(_ANGLE_NODES)
    mu, step = node**2, 2 * node * weight  # dense where grazing phonons change fastest
    ratio = thickness / mean_free_path
    return 1 - 1.5 / ratio * (-np.expm1(-ratio[..., None] / mu) @ ((mu - mu**3) * step))


@frozen(eq=False, kw_only=True)
class Sheet(BaseRecord):
    """Coefficients of a lamella on its mesh: what flows out of a node is linear in them."""

    lamella: Lamella
    mesh: SheetMesh
    conductance: Array  # (q,) k t_e at 300 K, W K⁻¹
    exponent: Array  # (q,)
    planes: Array  # (n - 1, nr) conductance of each pair of nodes, W K⁻¹
    pads: Array  # (2, nr) W K⁻¹
    radiation: Array  # (nodes,) W K⁻⁴
    capacity: Array  # (nodes,) J K⁻¹; NaN where a heat capacity is not known
    volumetric_capacity: Array  # (q,) J K⁻¹ m⁻³
    film: Array  # (q,) conductivity at 300 K of the film, W m⁻¹ K⁻¹

    @property
    def linear(self) -> bool:
        """Whether neither conductivity nor radiation depends on temperature."""
        return not (self.exponent.any() or self.radiation.any())


def make_sheet(lamella: Lamella, resolution: SheetResolution, mesh: SheetMesh | None = None) -> Sheet:
    """Sheet of a lamella; `mesh` is used again where its planes are the same.

    Raises InputError where dead layers leave no thickness.
    """
    if mesh is None or not np.array_equal(mesh.edges, plane_edges(lamella)):
        mesh = sheet_mesh(lamella, resolution)
    total = lamella.inelastic_mean_free_path * lamella.thickness.at(*mesh.centre)
    conducting = total - 2 * lamella.dead_layer
    numbers = np.array([(one.conductivity, one.exponent, one.heat_capacity or np.nan) for one in lamella.materials])
    conductivity, exponent, capacity = numbers[mesh.material].T
    paths = [one.mean_free_path for one in lamella.materials]
    if any(paths):
        reduction = np.empty_like(conducting)
        for i, path in enumerate(paths):
            reduction[mesh.material == i] = film_reduction(conducting[mesh.material == i], path)
        conductivity = conductivity * reduction
    planes = [
        _edge_section(lamella, mesh, column) / plane.resistance
        for plane, column in zip(lamella.planes, mesh.first[1:], strict=True)
    ]
    contacts = ((lamella.left_conductance, 0), (lamella.right_conductance, -1))
    pads = [_edge_section(lamella, mesh, column) * value for value, column in contacts]
    return Sheet(
        lamella=lamella,
        mesh=mesh,
        conductance=conductivity * conducting,
        exponent=exponent,
        planes=np.array(planes),
        pads=np.array(pads),
        radiation=2 * lamella.emissivity * _STEFAN_BOLTZMANN * _share(mesh, mesh.area),
        capacity=_share(mesh, mesh.area * total * capacity),
        volumetric_capacity=capacity,
        film=conductivity,
    )


def _edge_section(lamella: Lamella, mesh: SheetMesh, column: Any) -> Array:
    """(nr,) section that conducts at the nodes of a column: half of that of the side below and of that above, m²."""
    x, y = mesh.x[column], mesh.y
    middle = lamella.thickness.at((x[1:] + x[:-1]) / 2, (y[1:] + y[:-1]) / 2)
    half = (lamella.inelastic_mean_free_path * middle - 2 * lamella.dead_layer) / 2 * _side_lengths(mesh, column)
    return np.concatenate([half, [0.0]]) + np.concatenate([[0.0], half])


def _side_lengths(mesh: SheetMesh, column: Any) -> Array:
    return np.hypot(np.diff(mesh.x[column]), np.diff(mesh.y))


def _share(mesh: SheetMesh, amount: Array) -> Array:
    """(nodes,) what belongs to quadrangles (q,), a quarter to each corner."""
    return np.bincount(mesh.corners.ravel(), np.repeat(amount / 4, 4), mesh.x.size).astype(float)


@frozen(eq=False)
class Drive(BaseRecord):
    """What drives the heat: temperatures of both pads, K; angular frequency, and mean temperature of a lock-in map."""

    left: complex
    right: complex
    omega: float = 0.0
    mean: float = 300.0


def outflow(sheet: Sheet, drive: Drive, temperature: NDArray[Any]) -> NDArray[Any]:
    """(nodes,) heat that flows out of each node to its neighbours, pads and surroundings, W; zero in a solution."""
    mesh, at = sheet.mesh, temperature[sheet.mesh.corners]
    flow = _flow_conductance(sheet, drive, at)
    parts = flow[:, None] * np.einsum("qij,qj->qi", mesh.stiffness, at)
    found = np.zeros(temperature.size, dtype=temperature.dtype)
    np.add.at(found, mesh.corners, parts)
    grid, heat = temperature.reshape(mesh.x.shape), found.reshape(mesh.x.shape)
    for g, right in zip(sheet.planes, mesh.first[1:], strict=True):
        through = g * (grid[right - 1] - grid[right])
        heat[right - 1] += through
        heat[right] -= through
    heat[0] += sheet.pads[0] * (grid[0] - drive.left)
    heat[-1] += sheet.pads[1] * (grid[-1] - drive.right)
    if drive.omega:
        return found + (1j * drive.omega * sheet.capacity + 4 * sheet.radiation * drive.mean**3) * temperature
    return found + sheet.radiation * (temperature**4 - sheet.lamella.ambient**4)


def thickness_outflow(sheet: Sheet, drive: Drive, temperature: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
    """Change of the outflow with the thickness where a sheet takes it, at temperatures (nodes,) that stand still.

    Sparse (nodes, s), W m⁻¹, for the quadrangles and then the sides at the left pad, the planes, and the right pad; and
    (s,) change of the heat that pads conduct, W m⁻¹.
    """
    from scipy.sparse import csc_array

    mesh, lamella, at = sheet.mesh, sheet.lamella, temperature[sheet.mesh.corners]
    count, rows = mesh.material.size, mesh.y.size - 1
    flow = _flow_conductance(sheet, drive, at) / sheet.conductance * _thickness_slope(sheet)
    values = flow[:, None] * np.einsum("qij,qj->qi", mesh.stiffness, at)
    if drive.omega:
        values = values + 1j * drive.omega * (sheet.volumetric_capacity * mesh.area / 4)[:, None] * at
    grid, node = temperature.reshape(mesh.x.shape), np.arange(mesh.x.size).reshape(mesh.x.shape)
    entries = [(values.ravel(), mesh.corners.ravel(), np.repeat(np.arange(count), 4))]
    between = (1 / plane.resistance for plane in lamella.planes)
    per_area = [lamella.left_conductance, *between, lamella.right_conductance]
    columns = [0, *mesh.first[1:], mesh.x.shape[0] - 1]
    given = np.zeros(count + rows * len(columns), dtype=temperature.dtype)
    for i, (column, conductance) in enumerate(zip(columns, per_area, strict=True)):
        side = count + i * rows + np.arange(rows)
        width = conductance * _side_lengths(mesh, column) / 2
        pad = {0: drive.left, len(columns) - 1: drive.right}.get(i)
        beyond = grid[column - 1] if pad is None else np.full(rows + 1, pad)
        for ends in (slice(0, rows), slice(1, rows + 1)):
            through = width * (beyond - grid[column])[ends]  # into this column
            entries.append((-through, node[column, ends], side))
            if pad is None:
                entries.append((through, node[column - 1, ends], side))
            else:
                given[side] += through / 2 if i == 0 else -through / 2
    value, row, place = (np.concatenate(part) for part in zip(*entries, strict=True))
    return csc_array((value, (row, place)), shape=(temperature.size, given.size)), given


def _thickness_slope(sheet: Sheet) -> Array:
    """(q,) change of the conductance of quadrangles at 300 K with the thickness that conducts, W K⁻¹ m⁻¹."""
    conducting = sheet.conductance / sheet.film
    slope = np.array(sheet.film)
    for i, one in enumerate(sheet.lamella.materials):
        here = (sheet.mesh.material == i) & (one.mean_free_path > 0)
        if here.any():
            t = conducting[here]
            ends = [film_reduction(t * (1 + side), one.mean_free_path) for side in (1e-4, -1e-4)]
            slope[here] += one.conductivity * (ends[0] - ends[1]) / 2e-4
    return slope


def _flow_conductance(sheet: Sheet, drive: Drive, at: NDArray[Any]) -> Array:
    """(q,) k t_e at the temperatures (q, 4) of the corners, or at the mean temperature of a lock-in map, W K⁻¹."""
    if not sheet.exponent.any():
        return sheet.conductance
    kelvin = np.full(len(at), drive.mean) if drive.omega else np.maximum(at.mean(axis=1), 1.0)
    return sheet.conductance * (kelvin / _REFERENCE) ** -sheet.exponent


def _outflow_matrix(sheet: Sheet, drive: Drive, temperature: NDArray[Any]) -> Any:
    from scipy.sparse import csc_array

    mesh, at = sheet.mesh, temperature[sheet.mesh.corners]
    flow = _flow_conductance(sheet, drive, at)
    blocks = flow[:, None, None] * mesh.stiffness
    if sheet.exponent.any() and not drive.omega:  # the conductivity of a quadrangle follows the mean of its corners
        slope = -sheet.exponent * flow / np.maximum(at.mean(axis=1), 1.0) / 4
        blocks = blocks + (slope[:, None] * np.einsum("qij,qj->qi", mesh.stiffness, at))[:, :, None]
    node = np.arange(mesh.x.size).reshape(mesh.x.shape)
    diagonal = np.zeros(mesh.x.shape)
    diagonal[0] += sheet.pads[0]
    diagonal[-1] += sheet.pads[1]
    rows, columns, values = [np.repeat(mesh.corners, 4, axis=1)], [np.tile(mesh.corners, (1, 4))], [blocks]
    for g, right in zip(sheet.planes, mesh.first[1:], strict=True):
        diagonal[right - 1] += g
        diagonal[right] += g
        rows += [node[right - 1], node[right]]
        columns += [node[right], node[right - 1]]
        values += [-g, -g]
    lumped = diagonal.ravel() + 4 * sheet.radiation * (drive.mean if drive.omega else temperature) ** 3
    if drive.omega:
        lumped = lumped + 1j * drive.omega * sheet.capacity
    parts = [*rows, node], [*columns, node], [*values, lumped]
    row, column, value = (np.concatenate([entries.ravel() for entries in part]) for part in parts)
    return csc_array((value, (row, column)), shape=(mesh.x.size, mesh.x.size))


@frozen(eq=False)
class SheetSolution(BaseRecord):
    """Temperatures of the nodes, and the factors of the matrix for derivatives."""

    sheet: Sheet
    drive: Drive
    temperature: NDArray[Any]  # (nodes,) K
    factors: Any = field(repr=False)

    def response(self, change: NDArray[Any]) -> NDArray[Any]:
        """(nodes, m) change of the temperatures with numbers that change the outflow by (nodes, m)."""
        return -self.factors.solve(change)

    @property
    def power(self) -> complex:
        """Heat from the left pad into the lamella, W."""
        return pad_power(self.sheet, self.drive, self.temperature)

    def undriven_power(self, change: NDArray[Any]) -> Array:
        """(m,) change of the power with changes (nodes, m) of the temperatures at the same pads, W."""
        undriven = Drive(0.0, 0.0, self.drive.omega, self.drive.mean)
        return np.array([pad_power(self.sheet, undriven, column).real for column in change.T])


def pad_power(sheet: Sheet, drive: Drive, temperature: NDArray[Any]) -> complex:
    """Mean of the heat that the left pad gives and the right one takes, W: equal without radiation."""
    grid = temperature.reshape(sheet.mesh.x.shape)
    given = np.sum(sheet.pads[0] * (drive.left - grid[0]))
    taken = np.sum(sheet.pads[1] * (grid[-1] - drive.right))
    return complex(given + taken) / 2


def solve_sheet(sheet: Sheet, drive: Drive, start: NDArray[Any] | None = None) -> SheetSolution:
    """Temperatures of a lamella between pads, by Newton's method; one step where nothing depends on temperature.

    Raises ConvergenceError if temperatures do not settle.
    """
    from scipy.sparse.linalg import splu

    kind = complex if drive.omega else float
    if drive.omega and np.isnan(sheet.capacity).any():
        missing = [one.name for one in sheet.lamella.materials if one.heat_capacity is None]
        raise InputError(f"a lock-in map needs the heat capacity of each material: {', '.join(missing)} has none")
    if start is None:
        ends = np.linspace(drive.left, drive.right, sheet.mesh.x.shape[0])
        start = np.repeat(ends if drive.omega else ends.real, sheet.mesh.x.shape[1])
    temperature = start.astype(kind)
    size = float(max(abs(drive.left), abs(drive.right), np.abs(temperature).max(), 1e-30))
    for _ in range(_MAX_NEWTON_STEPS):
        factors = splu(_outflow_matrix(sheet, drive, temperature), permc_spec="MMD_AT_PLUS_A")
        step = factors.solve(outflow(sheet, drive, temperature))
        temperature = temperature - step
        done = float(np.abs(step).max()) < 1e-12 * size
        if sheet.linear or drive.omega or done:
            return SheetSolution(sheet, drive, temperature, factors)
        if not (np.isfinite(temperature).all() and temperature.min() > 0):
            break
    raise ConvergenceError("temperatures of the lamella do not settle: check conductivities and exponents", temperature)
