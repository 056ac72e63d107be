"""Steady temperatures of layouts on a box grid: the solution, its hottest point, and the drops below it."""

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.device.description import Device
from kapitza.device.grid.box_grid import BoxGrid, automatic_grid
from kapitza.device.grid.finite_volumes import (
    FiniteVolumes,
    GridPlane,
    HorizontalFaces,
    balance_matrix,
    cell_heats,
    find_grid_plane,
    finite_volumes,
    horizontal_faces,
    layout_is_nonlinear,
    paint_regions,
    patch_mean,
)
from kapitza.device.layered.linear import source_plane
from kapitza.device.layered.temperatures import averaging_patches, solve_layered
from kapitza.device.layout import Layout
from kapitza.device.multigrid import ENERGY_TOLERANCE, Preconditioner, build_preconditioner, conjugate_gradients
from kapitza.device.results import DeviceTemperatures, TemperatureField, read_only_array
from kapitza.errors import ConvergenceError, InputError

AxisWeights = tuple[NDArray[np.intp], Array]  # cells, and their weights


@frozen(eq=False)
class HotSpot:
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
    """Return where a field is hottest."""
    device = found.layout.device
    planes = dict.fromkeys([device.top(), *(source_plane(device, s) for s in device.sources if not s.through)])
    i, j, k = (int(n) for n in np.unravel_index(np.argmax(rise), rise.shape))
    best, values, held = float(rise[i, j, k]), rise[:, :, k], None
    depth = float(found.grid.middles[2][k])
    for plane in planes:
        at = find_grid_plane(found, plane)
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
            mirror = not side.any()
            cells, at = ([*cells, own], [*at, float(2 * wall - middles[own])]) if mirror else (cells, at)
        elif not _crosses_boundary(found, cell, axis, step):
            cells, at = [*cells, other], [*at, float(middles[other])]
    if len(cells) < 3 or np.ptp(values[cells]) == 0:
        return (np.array([own]), np.ones(1)), at[0]
    curve = np.polyfit(np.array(at) - at[0], values[cells], 2)
    low, high = edges[own] - at[0], edges[own + 1] - at[0]
    place = float(np.clip(-curve[1] / (2 * curve[0]), low, high)) if curve[0] < 0 else 0.0
    weights = [np.prod([(place + at[0] - q) / (p - q) for n, q in enumerate(at) if n != m]) for m, p in enumerate(at)]
    return (np.array(cells), np.array(weights, dtype=np.float64)), place + at[0]


def _crosses_boundary(found: FiniteVolumes, cell: tuple[int, int, int], axis: int, step: int) -> bool:
    """Whether a cell and its neighbour are of two regions."""
    other = list(cell)
    other[axis] += step
    return bool(found.regions[cell] != found.regions[tuple(other)])


def _temperature_drops(found: FiniteVolumes, rise: Array, faces: HorizontalFaces, spot: HotSpot) -> dict[str, float]:
    """Fall of the temperature in each layer, block and boundary on the line below the hottest point, K."""
    layout = found.layout
    top, bottom, middle = spot.of(faces.top), spot.of(faces.bottom), spot.of(rise)
    owners = found.regions[spot.cell[0], spot.cell[1]]
    drops: dict[str, float] = {}

    def add(name: str, value: float) -> None:
        drops[name] = drops.get(name, 0.0) + float(value)

    count = owners.size
    start = spot.cell[2] if spot.plane is None else spot.plane.index
    if spot.plane is None:
        add(layout.regions[owners[start]].name, middle[start] - bottom[start])
        start += 1
        _add_boundary_drop(found, drops, owners, start, bottom, top)
    elif spot.plane.above and 0 < start < count:
        _add_boundary_drop(found, drops, owners, start, bottom, top)
    for k in range(start, count):
        add(layout.regions[owners[k]].name, top[k] - bottom[k])
        _add_boundary_drop(found, drops, owners, k + 1, bottom, top)
    if np.isfinite(layout.device.coefficient):
        add("sink", bottom[-1])
    return drops


def _add_boundary_drop(
    found: FiniteVolumes, drops: dict[str, float], owners: NDArray[np.int16], at: int, bottom: Array, top: Array
) -> None:
    """Add the drop at a boundary above cell `at`, where there is one."""
    if not 0 < at < owners.size or owners[at] == owners[at - 1]:
        return
    name = found.layout.name(int(owners[at - 1]), int(owners[at]))
    drops[name] = drops.get(name, 0.0) + float(bottom[at - 1] - top[at])


_GRID_PROPERTY_TOLERANCE = 1e-5  # relative change of the hottest rise between two solutions
_MAX_GRID_ITERATIONS = 40


@frozen(eq=False, kw_only=True)
class GridTemperatures:
    """Steady field of temperature on a grid.

    Attributes
    ----------
    temperatures : the hottest point, averages, drops along the line below it
    grid : edges of the cells
    rise : (nx, ny, nz) of the middles of cells above the sink, K
    regions : (nx, ny, nz) number of the layer or block of each cell
    names : of these
    top, bottom : (nx, ny, nz) rise of the top and bottom face of each cell, K
    escaped : (6,) heat that leaves through left, right, front, back, top and bottom, W
    """

    temperatures: DeviceTemperatures
    grid: BoxGrid
    rise: Array = field(converter=read_only_array, metadata={"unit": "K"})
    regions: NDArray[np.int16] = field(metadata={"unit": "1"})
    names: tuple[str, ...]
    top: Array = field(metadata={"unit": "K"})
    bottom: Array = field(metadata={"unit": "K"})
    escaped: Array = field(metadata={"unit": "W"})

    @property
    def balance(self) -> float:
        """Heat that leaves over heat that enters, less one."""
        return float(self.escaped.sum() / self.temperatures.power - 1)

    def section(self, y: float | None = None) -> TemperatureField:
        """Temperatures on the section through the cells at y, m; through the hottest point if None.

        The depth stands twice at each face: its upper and its lower side.
        """
        place = float(self.temperatures.place[1]) if y is None else y
        if not self.grid.y[0] <= place <= self.grid.y[-1]:
            raise InputError(f"a section at y = {place:g} m: the device ends at {self.grid.y[-1]:g} m")
        j = min(int(np.searchsorted(self.grid.y, place, side="right")) - 1, self.grid.shape[1] - 1)
        value = np.stack([self.top[:, j], self.rise[:, j], self.bottom[:, j]], axis=-1)
        depth = np.stack([self.grid.z[:-1], self.grid.middles[2], self.grid.z[1:]], axis=-1).ravel()
        return TemperatureField("section", self.grid.middles[0], depth, value.reshape(value.shape[0], -1), place)


@frozen(eq=False)
class GridSolution:
    """A solution with the numbers that belong to it."""

    system: FiniteVolumes
    rise: Array
    faces: HorizontalFaces
    spot: HotSpot
    peak: float
    iterations: int


def solve_on_grid(
    layout: Layout | Device,
    unknowns: int = 150_000,
    *,
    grid: BoxGrid | None = None,
    tolerance: float = ENERGY_TOLERANCE,
) -> GridTemperatures:
    """Steady temperatures of a device with blocks, sides that let heat out and properties of T, on a box grid.

    Parameters
    ----------
    layout : with all sources on
    unknowns : about how many cells the grid has; the error goes as their number to the power -2/3
    grid : another one than that of `automatic_grid`
    tolerance : of the solution in energy, relative

    Raises
    ------
    InputError
        as `Layout` and `automatic_grid`, and where a temperature leaves the range in which a property is known
    ConvergenceError
        if the temperatures do not settle: the device runs away
    """
    layout = Layout(layout) if isinstance(layout, Device) else layout
    held = solve_balances(layout, grid or automatic_grid(layout, unknowns), tolerance)
    found, faces = held.system, held.faces
    averages = {
        name: patch_mean(found.grid, faces.plane(find_grid_plane(found, plane)), patch)
        for name, (plane, patch) in averaging_patches(layout.device).items()
    }
    device = layout.device
    temperatures = DeviceTemperatures(
        title=device.title,
        sink=device.sink,
        power=layout.power,
        peak=held.peak,
        place=held.spot.place,
        layer=layout.regions[found.regions[held.spot.cell]].name,
        average=averages,
        drop=_temperature_drops(found, held.rise, faces, held.spot),
        iterations=held.iterations,
    )
    names = tuple(layer.name for layer in layout.regions)
    regions = found.regions
    return GridTemperatures(
        temperatures=temperatures,
        grid=found.grid,
        rise=held.rise,
        regions=regions,
        names=names,
        top=faces.top,
        bottom=faces.bottom,
        escaped=faces.escaped,
    )


def solve_balances(layout: Layout, grid: BoxGrid, tolerance: float) -> GridSolution:
    """Solve until the numbers that depend on temperature settle."""
    regions = paint_regions(layout, grid)
    rise: Array | None = None
    ready: Preconditioner | None = None
    varies, peak = layout_is_nonlinear(layout), 0.0
    for i in range(_MAX_GRID_ITERATIONS):
        found = finite_volumes(layout, grid, regions, rise)
        balances = balance_matrix(found)
        if ready is None:
            ready = build_preconditioner(balances)  # one is good for all: conductivities change by some per cent
        guess = None if rise is None else rise.ravel()
        solved, _ = conjugate_gradients(balances, cell_heats(found).ravel(), ready, guess, tolerance)
        rise = solved.reshape(grid.shape)
        faces = horizontal_faces(found, rise)
        spot = _locate_hot_spot(found, rise, faces)
        before, peak = peak, spot.rise(rise, faces)
        if not varies or abs(peak - before) <= _GRID_PROPERTY_TOLERANCE * abs(peak):
            return GridSolution(found, rise, faces, spot, peak, i + 1)
    raise ConvergenceError(
        f"{layout.device.title}: after {_MAX_GRID_ITERATIONS} solutions the hottest point still moves, "
        f"now {peak:.6g} K above the "
        "sink: heat is conducted worse the hotter it gets, and there may be no steady state",
        last=rise,
    )


def solve_layout(layout: Layout | Device, unknowns: int = 150_000) -> DeviceTemperatures:
    """Steady temperatures by what the geometry needs: exact for layers with plain numbers, else on a box grid.

    Raises
    ------
    InputError, ConvergenceError
        as `device_temperatures` and `solve_fields`
    """
    device = layout if isinstance(layout, Device) else layout.device
    open_sides = isinstance(layout, Layout) and any(layout.sides.values())
    plain = isinstance(layout, Device) or (not layout.blocks and not open_sides)
    if plain and (device.box is None or not layout_is_nonlinear(Layout(device))):
        return solve_layered(device)
    return solve_on_grid(layout, unknowns).temperatures
