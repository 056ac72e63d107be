"""Steady fields of temperature in layouts: one solution for plain numbers, some more where they depend on it."""

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.device.blocks import Layout
from kapitza.device.description import Device
from kapitza.device.grid import BoxGrid, automatic_grid
from kapitza.device.multigrid import TOLERANCE, Preconditioner, conjugate_gradients, preconditioner
from kapitza.device.result import DeviceTemperatures, TemperatureField, table
from kapitza.device.temperatures import device_temperatures, patches_of
from kapitza.device.volumes import System, depends, matrix, painted, system
from kapitza.device.volumes_heat import Faces, faces_of, heats, patch_mean, plane_face
from kapitza.device.volumes_read import HotSpot, drops_below, hottest_spot
from kapitza.errors import ConvergenceError, InputError

SETTLED = 1e-5  # relative change of the hottest rise between two solutions
LIMIT = 40


@frozen(eq=False)
class Fields:
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
    rise: Array = field(converter=table)
    regions: NDArray[np.int16]
    names: tuple[str, ...]
    top: Array
    bottom: Array
    escaped: Array

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
class Settled:
    """A solution with the numbers that belong to it."""

    system: System
    rise: Array
    faces: Faces
    spot: HotSpot
    peak: float
    iterations: int


def solve_fields(
    layout: Layout | Device, unknowns: int = 150_000, *, grid: BoxGrid | None = None, tolerance: float = TOLERANCE
) -> Fields:
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
    held = settled(layout, grid or automatic_grid(layout, unknowns), tolerance)
    found, faces = held.system, held.faces
    averages = {
        name: patch_mean(found.grid, faces.plane(plane_face(found, plane)), patch)
        for name, (plane, patch) in patches_of(layout.device).items()
    }
    device = layout.device
    temperatures = DeviceTemperatures(
        device.title,
        device.sink,
        layout.power,
        held.peak,
        held.spot.place,
        layout.regions[found.regions[held.spot.cell]].name,
        averages,
        drops_below(found, held.rise, faces, held.spot),
        iterations=held.iterations,
    )
    names = tuple(layer.name for layer in layout.regions)
    regions = found.regions
    return Fields(temperatures, found.grid, held.rise, regions, names, faces.top, faces.bottom, faces.escaped)


def settled(layout: Layout, grid: BoxGrid, tolerance: float) -> Settled:
    """Solve until the numbers that depend on temperature settle."""
    regions = painted(layout, grid)
    rise: Array | None = None
    ready: Preconditioner | None = None
    varies, peak = depends(layout), 0.0
    for i in range(LIMIT):
        found = system(layout, grid, regions, rise)
        balances = matrix(found)
        if ready is None:
            ready = preconditioner(balances)  # one is good for all: conductivities change by some per cent
        guess = None if rise is None else rise.ravel()
        solved, _ = conjugate_gradients(balances, heats(found).ravel(), ready, guess, tolerance)
        rise = solved.reshape(grid.shape)
        faces = faces_of(found, rise)
        spot = hottest_spot(found, rise, faces)
        before, peak = peak, spot.rise(rise, faces)
        if not varies or abs(peak - before) <= SETTLED * abs(peak):
            return Settled(found, rise, faces, spot, peak, i + 1)
    raise ConvergenceError(
        f"{layout.device.title}: after {LIMIT} solutions the hottest point still moves, now {peak:.6g} K above the "
        "sink: heat is conducted worse the hotter it gets, and there may be no steady state",
        last=rise,
    )


def layout_temperatures(layout: Layout | Device, unknowns: int = 150_000) -> DeviceTemperatures:
    """Steady temperatures by what the geometry needs: exact for layers with plain numbers, else on a box grid.

    Raises
    ------
    InputError, ConvergenceError
        as `device_temperatures` and `solve_fields`
    """
    device = layout if isinstance(layout, Device) else layout.device
    open_sides = isinstance(layout, Layout) and any(layout.sides.values())
    plain = isinstance(layout, Device) or (not layout.blocks and not open_sides)
    if plain and (device.box is None or not depends(Layout(device))):
        return device_temperatures(device)
    return solve_fields(layout, unknowns).temperatures
