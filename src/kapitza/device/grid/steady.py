"""Steady temperatures of layouts on a box grid: the solution, its hottest point, the drops below it, and its error."""

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

import kapitza.device.grid.finite_volumes as volumes
from kapitza.core.arrays import Array
from kapitza.core.records import BaseRecord
from kapitza.device.grid.box_grid import BoxGrid, joined_grid
from kapitza.device.grid.finite_volumes import FiniteVolumes, GridPlane, HorizontalFaces
from kapitza.device.layered.linear import source_plane
from kapitza.device.layout import Layout
from kapitza.device.multigrid import Preconditioner, build_preconditioner, conjugate_gradients
from kapitza.errors import ConvergenceError

AxisWeights = tuple[NDArray[np.intp], Array]  # cells, and their weights


@frozen(eq=False)
class HotSpot(BaseRecord):
    """Where a field is hottest: between middles of cells by parabolas, on a plane of heat or in a cell.

    Attributes
    ----------
    x, y : cells along each axis and their weights
    plane : that it lies in; None for the middle of a cell
    cell : (3,) that it lies in or below
    place : (3,) m
    """

    x: AxisWeights
    y: AxisWeights
    plane: GridPlane | None
    cell: tuple[int, int, int]
    place: tuple[float, float, float]

    def of(self, values: Array) -> Array:
        """(...) values on top of (nx, ny, ...) at the spot."""
        return np.einsum("i,j,ij...->...", self.x[1], self.y[1], values[np.ix_(self.x[0], self.y[0])])

    def rise(self, rise: Array, faces: HorizontalFaces) -> float:
        """Of the spot, K."""
        return float(self.of(rise[:, :, self.cell[2]] if self.plane is None else faces.plane(self.plane)))


def _locate_hot_spot(found: FiniteVolumes, rise: Array, faces: HorizontalFaces) -> HotSpot:
    device = found.layout.device
    planes = dict.fromkeys([device.top(), *(source_plane(device, s) for s in device.sources if not s.volumetric)])
    i, j, k = (int(n) for n in np.unravel_index(np.argmax(rise), rise.shape))
    best, values, held = float(rise[i, j, k]), rise[:, :, k], None
    depth = float(found.grid.middles[2][k])
    for plane in planes:
        at = volumes.find_grid_plane(found, plane)
        here = faces.plane(at)
        if here.max() >= best:
            best, values, held, depth = float(here.max()), here, at, float(found.grid.z[at.index])
            i, j = (int(n) for n in np.unravel_index(np.argmax(here), here.shape))
            k = min(at.index, rise.shape[2] - 1)
    x, x_at = _parabola_vertex(found, (i, j, k), 0, values[:, j])
    y, y_at = _parabola_vertex(found, (i, j, k), 1, values[i])
    return HotSpot(x, y, held, (i, j, k), (x_at, y_at, depth))


def _parabola_vertex(
    found: FiniteVolumes, cell: tuple[int, int, int], axis: int, values: Array
) -> tuple[AxisWeights, float]:
    """Weights of cells along an axis for the top of the parabola through a cell and its neighbours, and its place."""
    edges, middles = (found.grid.x, found.grid.y)[axis], found.grid.middles[axis]
    own = cell[axis]
    cells, at = [own], [float(middles[own])]
    for step in (-1, 1):
        other = own + step
        if not 0 <= other < middles.size:
            wall = edges[0 if step < 0 else -1]
            side = found.outer[2 * axis + (step > 0)]
            mirror = not side.any()  # an adiabatic wall is a plane of symmetry
            cells, at = ([*cells, own], [*at, float(2 * wall - middles[own])]) if mirror else (cells, at)
        elif found.regions[cell] == found.regions[tuple(other if a == axis else i for a, i in enumerate(cell))]:
            cells, at = [*cells, other], [*at, float(middles[other])]  # one region: no kink or jump between
    if len(cells) < 3 or np.ptp(values[cells]) == 0:
        return (np.array([own]), np.ones(1)), at[0]
    curve = np.polyfit(np.array(at) - at[0], values[cells], 2)
    low, high = edges[own] - at[0], edges[own + 1] - at[0]
    place = float(np.clip(-curve[1] / (2 * curve[0]), low, high)) if curve[0] < 0 else 0.0
    weights = [np.prod([(place + at[0] - q) / (p - q) for n, q in enumerate(at) if n != m]) for m, p in enumerate(at)]
    return (np.array(cells), np.array(weights, dtype=np.float64)), place + at[0]  # linear in T, for the adjoint


def temperature_drops(held: "GridSolution") -> dict[str, float]:
    """Fall of the temperature in each layer, block and boundary on the line below the hottest point, K."""
    layout, spot = held.system.layout, held.spot
    top, bottom, middle = spot.of(held.faces.top), spot.of(held.faces.bottom), spot.of(held.rise)
    owners = held.system.regions[spot.cell[0], spot.cell[1]]
    drops: dict[str, float] = {}

    def add(name: str, value: float) -> None:
        drops[name] = drops.get(name, 0.0) + float(value)

    def add_boundary(at: int) -> None:  # above cell `at`, where there is one
        if 0 < at < owners.size and owners[at] != owners[at - 1]:
            add(layout.name(int(owners[at - 1]), int(owners[at])), bottom[at - 1] - top[at])

    start = spot.cell[2] if spot.plane is None else spot.plane.index
    if spot.plane is None:
        add(layout.regions[owners[start]].name, middle[start] - bottom[start])
        start += 1
        add_boundary(start)
    elif spot.plane.above:
        add_boundary(start)
    for k in range(start, owners.size):
        add(layout.regions[owners[k]].name, top[k] - bottom[k])
        add_boundary(k + 1)
    if np.isfinite(layout.device.coefficient):
        add("sink", bottom[-1])
    return drops


GRID_PROPERTY_TOLERANCE = 1e-5  # relative change of the hottest rise between two solutions
_MAX_GRID_ITERATIONS = 40


@frozen(eq=False)
class GridSolution(BaseRecord):
    """A solution with the numbers that belong to it."""

    system: FiniteVolumes
    rise: Array
    faces: HorizontalFaces
    spot: HotSpot
    peak: float
    iterations: int


def solve_balances(layout: Layout, grid: BoxGrid, tolerance: float, start: Array | None = None) -> GridSolution:
    """Solve until the numbers that depend on temperature settle, from a first guess (nx, ny, nz) of the rise, K."""
    regions = volumes.paint_regions(layout, grid)
    rise = start
    ready: Preconditioner | None = None
    varies, peak = layout.is_nonlinear, 0.0
    for i in range(_MAX_GRID_ITERATIONS):  # Picard: each matrix is symmetric, as Newton's would not be
        found = volumes.finite_volumes(layout, grid, regions, rise if varies else None)
        balances = volumes.balance_matrix(found)
        if ready is None:
            ready = build_preconditioner(balances)  # one is good for all: conductivities change by some per cent
        guess = None if rise is None else rise.ravel()
        solved, _ = conjugate_gradients(balances, volumes.cell_heats(found).ravel(), ready, guess, tolerance)
        rise = solved.reshape(grid.shape)
        faces = volumes.horizontal_faces(found, rise)
        spot = _locate_hot_spot(found, rise, faces)
        before, peak = peak, spot.rise(rise, faces)
        # a guess from other cells brings their conductivities, which the peak may not show before the third solution
        if not varies or (i > 1 and abs(peak - before) <= GRID_PROPERTY_TOLERANCE * abs(peak)):
            return GridSolution(found, rise, faces, spot, peak, i + 1)
    raise ConvergenceError(
        f"{layout.device.title}: after {_MAX_GRID_ITERATIONS} solutions the hottest point still moves, now "
        f"{peak:.6g} K above the sink: the conductivity falls with temperature; there may be no steady state",
        last=rise,
    )


MAX_HALVED_CELLS = 250_000  # cells of a grid that are cut in two to tell its error
_HALVED_FACTOR = 2.5  # of the change on half cells: 2 for first order, 1.25 for what is not yet of any order
_JOINED_FACTOR = 1.0  # of the change on joined cells: the same
_ENERGY_TOLERANCE = 1e-7  # of the solutions that tell the error
_ROUNDING = 1e-7  # of a temperature, besides


def grid_goals(held: GridSolution) -> dict[str, float]:
    """Rises averaged over patches, by name, and of the hottest point, "peak", K."""
    patches = volumes.grid_patches(held.system)
    means = {name: float((held.faces.plane(at) * share).sum()) for name, (at, share) in patches.items()}
    return {**means, "peak": held.peak}


def grid_errors(layout: Layout, grid: BoxGrid, rise: Array, values: dict[str, float]) -> dict[str, float]:
    r"""Estimated errors of values (`grid_goals`) of a rise (nx, ny, nz), K; none where many cells cannot be joined.

    A temperature J on cells of a size h has an error $J_h - J \approx c_x h_x^p + c_y h_y^p + c_z h_z^p$, of order
    p = 2 where the field is smooth and of less at the edges of sources and blocks.  Cells cut in two along one axis
    take away $1 - 2^{-p}$ of the part of this axis: one half at first order, three quarters at second.  Twice that
    change is at least the part, for all p from 1; the factor of safety 1.25 is that of P. J. Roache, J. Fluids Eng.
    116, 405 (1994), doi:10.1115/1.2910291.  Parts of unlike sign may cancel on this grid and not on the next, so that
    their sizes are added.  Where there are too many cells to be cut, they are joined two by two, which tells $2^p - 1$
    times the part; but what is smaller than a cell, such as a gap between two blocks, only smaller cells see.
    """
    splits = grid.count <= MAX_HALVED_CELLS
    changes = dict.fromkeys(values, 0.0)
    for axis in range(3):
        other = grid.refine((axis,)) if splits else joined_grid(layout, grid, (axis,))
        if other is None:
            return {}
        pairs = np.arange(0, rise.shape[axis], 2)
        start = np.repeat(rise, 2, axis=axis) if splits else np.add.reduceat(rise, pairs, axis=axis) / 2
        moved = grid_goals(solve_balances(layout, other, _ENERGY_TOLERANCE, start))
        for name, value in values.items():
            changes[name] += abs(value - moved[name])
    factor = _HALVED_FACTOR if splits else _JOINED_FACTOR
    least = GRID_PROPERTY_TOLERANCE if layout.is_nonlinear else _ROUNDING
    return {name: factor * changes[name] + least * abs(value) for name, value in values.items()}
