"""Steady temperatures of a layout on a box grid, and the views on them: jumps, sections, fluxes, sensitivities."""

from collections.abc import Mapping, Sequence

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, positive
from kapitza.device.description import Device
from kapitza.device.grid.box_grid import BoxGrid, automatic_grid
from kapitza.device.grid.finite_volumes import (
    FiniteVolumes,
    find_grid_plane,
    finite_volumes,
    horizontal_faces,
    patch_mean,
)
from kapitza.device.grid.sensitivities import grid_sensitivities, peak_uncertainty
from kapitza.device.grid.steady import solve_balances, temperature_drops
from kapitza.device.grid.transient import grid_response
from kapitza.device.grid.views import grid_flux, grid_jumps, grid_means, grid_section
from kapitza.device.layered.linear import averaging_patches
from kapitza.device.layout import Layout
from kapitza.device.multigrid import ENERGY_TOLERANCE
from kapitza.device.results import (
    BoundaryJump,
    DeviceTemperatures,
    TemperatureField,
    TransientTemperatures,
    TriangulatedField,
    WaveformChoice,
    read_only_array,
)
from kapitza.device.setup import Plane
from kapitza.errors import InputError


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
    layout : that they belong to; None in results of version 0.1.0
    """

    temperatures: DeviceTemperatures
    grid: BoxGrid
    rise: Array = field(converter=read_only_array, metadata={"unit": "K"})
    regions: NDArray[np.int16] = field(metadata={"unit": "1"})
    names: tuple[str, ...]
    top: Array = field(metadata={"unit": "K"})
    bottom: Array = field(metadata={"unit": "K"})
    escaped: Array = field(metadata={"unit": "W"})
    layout: Layout | None = None

    @property
    def sink(self) -> float:
        """Temperature of what takes the heat, K."""
        return self.temperatures.sink

    @property
    def peak(self) -> float:
        """Rise of the hottest point above the sink, K."""
        return self.temperatures.peak

    @property
    def place(self) -> Array:
        """(3,) x, y and depth of the hottest point, m."""
        return self.temperatures.place

    @property
    def imbalance(self) -> float:
        """Heat that leaves over heat that enters, less one."""
        return float(self.escaped.sum() / self.temperatures.power - 1)

    @property
    def jumps(self) -> Mapping[str, BoundaryJump]:
        """Temperature jumps at all boundaries that resist, by name "one|other": layers first, then blocks."""
        return grid_jumps(field_volumes(self), self.rise)

    @property
    def means(self) -> dict[str, float]:
        """Rise averaged over each layer and block, by name, K."""
        return grid_means(self.grid, self.regions, self.names, self.rise)

    def flux(self) -> Array:
        """(nx, ny, nz, 3) heat flux along x, y and down in the middle of each cell, W m⁻²."""
        return grid_flux(field_volumes(self), self.rise)

    def section(self, y: float | None = None) -> TriangulatedField:
        """The section through the cells at y, m (through the hottest point if None), with the jumps at boundaries."""
        return grid_section(field_volumes(self), self.rise, float(self.place[1]) if y is None else y)

    def plane(self, plane: Plane) -> TemperatureField:
        """Rises on a plane along the layers, an edge of the grid; at a boundary, on the side that the plane names."""
        system = field_volumes(self)
        at = find_grid_plane(system, plane)
        value = horizontal_faces(system, self.rise).plane(at)
        return TemperatureField(plane.layer, *self.grid.middles[:2], value, float(self.grid.z[at.index]))

    def respond(
        self,
        time: ArrayLike,
        waveform: WaveformChoice = "stated",
        *,
        cells: int = 40_000,
        grid: BoxGrid | None = None,
    ) -> TransientTemperatures:
        """Rises against time, with properties of T at the field in the middle of each step.

        Parameters
        ----------
        time : (nt,) s, above zero
        waveform : "stated", each source on its own waveform, steady ones and blocks on for ever; "step", all sources
            and blocks switched on together at t = 0
        cells : about how many cells the grid has, which resolves the first time
        grid : another one than that

        Raises
        ------
        InputError
            for layers without heat capacity, and for periodic sources and trains of pulses without beginning, which
            never started
        """
        layout = field_volumes(self).layout
        first = float(positive(time).min())
        return grid_response(layout, time, grid or automatic_grid(layout, cells, shortest=first), waveform)

    def sensitivities(self, names: Sequence[str] | None = None, *, cells: int = 40_000) -> dict[str, float]:
        """Change of the peak per relative change of each number, by name, K: as `grid_sensitivities`."""
        return grid_sensitivities(field_volumes(self).layout, cells, names=names)

    def with_uncertainty(self, cells: int = 40_000) -> "GridTemperatures":
        """Return the same with the uncertainty of the peak from each number that has one.

        Parameters
        ----------
        cells : of the grid for the derivatives, which needs fewer cells than the temperatures

        Returns
        -------
        GridTemperatures whose `temperatures` have `sensitivity` and `contribution` for these numbers; lengths
        (`unresolved_uncertainties`) have none, because the grid follows them
        """
        slopes, parts = peak_uncertainty(field_volumes(self).layout, cells)
        return evolve(self, temperatures=evolve(self.temperatures, sensitivity=slopes, contribution=parts))


def field_volumes(fields: GridTemperatures) -> FiniteVolumes:
    """The conductances that the temperatures were found with; not of results of 0.1.0, saved without layout."""
    if fields.layout is None:
        raise InputError(
            f"{fields.temperatures.title}: these temperatures were saved without their layout; solve it again"
        )
    rise = fields.rise if fields.layout.is_nonlinear else None
    return finite_volumes(fields.layout, fields.grid, fields.regions, rise)


def solve_on_grid(
    layout: Layout | Device,
    unknowns: int = 150_000,
    *,
    grid: BoxGrid | None = None,
    tolerance: float = ENERGY_TOLERANCE,
) -> GridTemperatures:
    """Steady temperatures of a device with blocks, sides that let heat out and properties of T, on a box grid.

    About so many cells: the error goes as their number to the power -2/3.  `tolerance` is that of the solution in
    energy.
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
        drop=temperature_drops(found, held.rise, faces, held.spot),
        iterations=held.iterations,
    )
    return GridTemperatures(
        temperatures=temperatures,
        grid=found.grid,
        rise=held.rise,
        regions=found.regions,
        names=tuple(layer.name for layer in layout.regions),
        top=faces.top,
        bottom=faces.bottom,
        escaped=faces.escaped,
        layout=layout,
    )
