"""Steady temperatures of a layout on a box grid, and the views on them: jumps, sections, fluxes, sensitivities."""

from collections.abc import Mapping, Sequence

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike, NDArray

import kapitza.device.grid.finite_volumes as volumes
from kapitza.core.arrays import Array, IntArray, about, finite_array, name_tuple, positive
from kapitza.core.records import BaseRecord
from kapitza.device.description import Device
from kapitza.device.grid.box_grid import BoxGrid, automatic_grid
from kapitza.device.grid.finite_volumes import FiniteVolumes, axis_index, stretch_along
from kapitza.device.grid.sensitivities import grid_sensitivities, peak_uncertainty
from kapitza.device.grid.steady import MAX_HALVED_CELLS, grid_errors, grid_goals, solve_balances, temperature_drops
from kapitza.device.grid.transient import grid_response
from kapitza.device.layout import Layout
from kapitza.device.multigrid import ENERGY_TOLERANCE
from kapitza.device.results import (
    BoundaryJump,
    DeviceTemperatures,
    PlaneFlux,
    TemperatureField,
    TransientTemperatures,
    TriangulatedField,
    WaveformChoice,
    flux_on_plane,
    merge_points,
)
from kapitza.device.setup import Plane
from kapitza.errors import InputError

_FacePair = tuple[Array, Array]  # (nx, ny, nz) values at the lower and the upper face of each cell across an axis
_CORNERS = ((0, 0), (1, 0), (1, 1), (0, 1))  # of a rectangle, all around, in units of its sides


class _HottestPoint(BaseRecord):
    temperatures: DeviceTemperatures

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


@frozen(eq=False, kw_only=True)
class GridTemperatures(_HottestPoint):
    """Steady field of temperature on a grid; results of version 0.1.0 do not have the layout that they belong to.

    Examples
    --------
    >>> from kapitza import Device, Layer, Stack, solve
    >>> from kapitza.device import Box, HeatSource, Rectangle
    >>> whole = Rectangle((0, 10e-6), (0, 10e-6))
    >>> layers = [Layer("GaN", 2e-6, 150.0), Layer("SiC", 20e-6, 390.0)]
    >>> chip = Device(Stack(layers, [5e7]), [HeatSource("top", 0.1, whole)], Box(10e-6, 10e-6))
    >>> found = solve(chip, method="volumes", cells=200)
    >>> exact = 0.1 / whole.area * chip.stack.resistance()  # heat everywhere on the top: one dimension
    >>> print(
    ...     f"{found.temperatures.peak:.2f} K, exact {exact:.2f} K; {found.jumps['GaN|SiC'].mean:.1f} K at the boundary"
    ... )
    84.62 K, exact 84.62 K; 20.0 K at the boundary
    """

    temperatures: DeviceTemperatures
    grid: BoxGrid
    rise: Array = field(converter=finite_array, metadata=about("K", "(nx, ny, nz) in the middles of cells"))
    regions: NDArray[np.int16] = field(metadata=about("1", "(nx, ny, nz) number of the layer or block of each cell"))
    names: tuple[str, ...]
    top: Array = field(metadata=about("K", "(nx, ny, nz) rise of the top face of each cell"))
    bottom: Array = field(metadata=about("K", "(nx, ny, nz) rise of the bottom face of each cell"))
    heat_out: Array = field(metadata=about("W", "(6,) through left, right, front, back, top and bottom"))
    layout: Layout | None = None

    @property
    def imbalance(self) -> float:
        """Heat that leaves over heat that enters, less one."""
        return float(self.heat_out.sum() / self.temperatures.power - 1)

    def errors(self) -> dict[str, float]:
        """Estimated numerical error of the hottest point, "peak", and of the rise of each patch, by name, K.

        From solutions on the same grid with its cells cut in two along one axis after the other, above 250,000 cells
        joined two by two (`kapitza.device.grid.steady`); empty where so many cells of a grid of one's own cannot be
        joined.  It held for 97 of 100 drawn devices on some 3,000 cells, and for all on 12,000.
        """
        values = {**self.temperatures.average, "peak": self.peak}
        return grid_errors(field_volumes(self).layout, self.grid, self.rise, values)

    @property
    def jumps(self) -> Mapping[str, BoundaryJump]:
        """Temperature jumps at all boundaries that resist, by name "one|other": layers first, then blocks."""
        found = field_volumes(self)
        sides = _face_rises(found, self.rise)
        middles, count = found.grid.middles, len(found.layout.regions)
        rows: list[Array] = []  # pair of regions, x, y, z, area, rises on both sides and flux of each face
        for axis in range(3):
            before, after = axis_index(axis, slice(None, -1)), axis_index(axis, slice(1, None))
            resistance = np.broadcast_to(found.resistances[axis], found.regions[before].shape)
            low, high = found.regions[before].astype(np.int64), found.regions[after].astype(np.int64)
            here = np.nonzero((resistance > 0) & (low != high))
            if not here[0].size:
                continue
            edges = (found.grid.x, found.grid.y, found.grid.z)[axis]
            at = [edges[i + 1] if a == axis else middles[a][i] for a, i in enumerate(here)]
            area = np.broadcast_to(_face_areas(found, axis), self.rise.shape)[before][here]
            lower, upper = sides[axis][1][before][here], sides[axis][0][after][here]
            swapped = low[here] > high[here]
            first, second = np.where(swapped, upper, lower), np.where(swapped, lower, upper)
            pair = np.minimum(low[here], high[here]) * count + np.maximum(low[here], high[here])
            rows.append(np.column_stack([pair, *at, area, first, second, (first - second) / resistance[here]]))
        table = np.concatenate(rows) if rows else np.zeros((0, 8))
        jumps: dict[str, BoundaryJump] = {}
        for pair in np.unique(table[:, 0]):
            own = table[table[:, 0] == pair]
            area, first, second, flux = own[:, 4:].T
            jumps[found.layout.name(*divmod(int(pair), count))] = BoundaryJump(
                points=own[:, 1:4], area=area, first=first, second=second, flux=flux, flow=float(flux @ area)
            )
        return jumps

    @property
    def means(self) -> dict[str, float]:
        """Rise averaged over each layer and block, by name, K."""
        dx, dy, dz = (stretch_along(size, i) for i, size in enumerate(self.grid.sizes))
        volume = np.broadcast_to(dx * dy * dz, self.rise.shape)
        total = np.bincount(self.regions.ravel(), volume.ravel(), minlength=len(self.names))
        heat = np.bincount(self.regions.ravel(), (volume * self.rise).ravel(), minlength=len(self.names))
        return {name: float(h / v) for name, h, v in zip(self.names, heat, total, strict=True) if v}

    def flux(self, plane: Plane | None = None) -> PlaneFlux:
        """Heat down through a plane, the top face if None; just below a source on it."""
        system = field_volumes(self)
        cell, share, depth = volumes.crossed_cells(system, system.layout.device.top() if plane is None else plane)
        faces = volumes.horizontal_faces(system, self.rise)
        # no source lies on a plane within a cell: the flow down changes evenly from its top to its bottom face
        flow = (1 - share) * faces.entering[:, :, cell] + share * faces.leaving[:, :, cell]
        return flux_on_plane(*self.grid.middles[:2], depth, flow / self.grid.areas, self.grid.areas)

    def cell_flux(self) -> Array:
        """(nx, ny, nz, 3) heat flux along x, y and down in the middle of each cell, W m⁻²."""
        found = field_volumes(self)
        flows = _face_flows(found, self.rise)
        parts = [(low + high) / 2 / _face_areas(found, axis) for axis, (low, high) in enumerate(flows)]
        return np.stack([np.broadcast_to(part, self.rise.shape) for part in parts], axis=-1)

    def section(self, y: float | None = None) -> TriangulatedField:
        """The section through the cells at y, m (through the hottest point if None), with the jumps at boundaries."""
        grid, found = self.grid, field_volumes(self)
        y = float(self.place[1]) if y is None else y
        if not grid.y[0] <= y <= grid.y[-1]:
            raise InputError(f"a section at y = {y:g} m: the device ends at {grid.y[-1]:g} m")
        j = min(int(np.searchsorted(grid.y, y, side="right")) - 1, grid.shape[1] - 1)
        sides = _face_rises(found, self.rise)
        across = [[side[:, j] for side in sides[axis]] for axis in (0, 2)]
        middle, region = self.rise[:, j], found.regions[:, j].astype(np.int64)
        corners = np.stack([across[0][a] + across[1][b] - middle for a, b in _CORNERS], axis=-1)
        i, k = np.indices(middle.shape)
        places = np.stack([(i + a) * grid.z.size + k + b for a, b in _CORNERS], axis=-1)
        first, number, value = merge_points(region[..., None] * (grid.x.size * grid.z.size) + places, corners)
        ix, iz = np.divmod(places.ravel()[first], grid.z.size)
        centres = np.column_stack([grid.middles[0][i.ravel()], grid.middles[2][k.ravel()]])
        number = number.reshape(-1, 4)
        triangles = np.concatenate([number[:, [0, 1, 2]], number[:, [0, 2, 3]]])
        flux = self.cell_flux()[:, j][..., [0, 2]].reshape(-1, 2)
        return TriangulatedField(
            name=f"section at y = {y:.4g} m",
            axes=("x", "depth"),
            points=np.column_stack([grid.x[ix], grid.z[iz]]),
            triangles=triangles,
            value=value,
            region=np.tile(region.ravel(), 2),
            names=tuple(region.name for region in found.layout.regions),
            centres=centres,
            flux=flux,
        )

    def plane(self, plane: Plane | None = None) -> TemperatureField:
        """Rises on a plane, the top face if None; at a boundary, on the side of its layer."""
        system = field_volumes(self)
        plane = system.layout.device.top() if plane is None else plane
        cell, share, depth = volumes.crossed_cells(system, plane)
        faces = volumes.horizontal_faces(system, self.rise)
        near, weight = (faces.top, 1 - 2 * share) if share < 0.5 else (faces.bottom, 2 * share - 1)
        value = weight * near[:, :, cell] + (1 - weight) * self.rise[:, :, cell]  # straight from face to middle
        return TemperatureField(plane.layer, *self.grid.middles[:2], value, depth)

    def respond(
        self, time: ArrayLike, waveform: WaveformChoice = "stated", *, cells: int = 40_000, grid: BoxGrid | None = None
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

    def sensitivities(self, names: str | Sequence[str] | None = None, *, cells: int = 40_000) -> dict[str, float]:
        """Change of the peak per relative change of each number, by name, K: as `grid_sensitivities`."""
        return grid_sensitivities(field_volumes(self).layout, cells, names=None if names is None else name_tuple(names))

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
        title = fields.temperatures.title
        raise InputError(f"{title}: these temperatures were saved without their layout; solve it again")
    rise = fields.rise if fields.layout.is_nonlinear else None
    return volumes.finite_volumes(fields.layout, fields.grid, fields.regions, rise)


def _face_flows(found: FiniteVolumes, rise: Array) -> tuple[_FacePair, _FacePair, _FacePair]:
    """Heat that enters each cell through its lower face across x, y and z and leaves it through the upper one, W."""
    sides: list[_FacePair] = []
    for axis in (0, 1):
        entering, leaving = np.empty(found.grid.shape), np.empty(found.grid.shape)
        flow = -found.faces[axis] * np.diff(rise, axis=axis)
        entering[axis_index(axis, slice(1, None))] = flow
        leaving[axis_index(axis, slice(None, -1))] = flow
        entering[axis_index(axis, 0)] = -found.outer[2 * axis] * rise[axis_index(axis, 0)]
        leaving[axis_index(axis, -1)] = found.outer[2 * axis + 1] * rise[axis_index(axis, -1)]
        sides.append((entering, leaving))
    faces = volumes.horizontal_faces(found, rise)
    return sides[0], sides[1], (faces.entering, faces.leaving)


def _face_areas(found: FiniteVolumes, axis: int) -> Array:
    """Areas of the faces of cells across an axis, m², to stretch to (nx, ny, nz)."""
    dx, dy, dz = (stretch_along(size, i) for i, size in enumerate(found.grid.sizes))
    return (dy * dz, dx * dz, dx * dy)[axis]


def _face_rises(found: FiniteVolumes, rise: Array) -> tuple[_FacePair, _FacePair, _FacePair]:
    """Rises of the faces of each cell across x, y and z: at a boundary they differ from one cell to the next."""
    sides: list[_FacePair] = []
    for axis, (entering, leaving) in enumerate(_face_flows(found, rise)):
        half = stretch_along(found.grid.sizes[axis], axis) / 2 / found.conductivity[axis] / _face_areas(found, axis)
        sides.append((rise + entering * half, rise - leaving * half))
    return sides[0], sides[1], sides[2]


def split_cells(found: FiniteVolumes, rise: Array) -> tuple[Array, IntArray, Array]:
    """Bricks whose corners on a boundary stand once for each side.

    Returns (n, 3) points along x, y and down, m; (cells, 8) corners of each in the order of VTK; (n,) rises, K.
    """
    grid = found.grid
    sides = _face_rises(found, rise)
    i, j, k = np.indices(rise.shape)
    ny, nz = grid.y.size, grid.z.size
    corners, places = [], []
    for c in range(2):
        for a, b in _CORNERS:
            corners.append(sides[0][a] + sides[1][b] + sides[2][c] - 2 * rise)  # T is linear within a cell
            places.append(((i + a) * ny + j + b) * nz + k + c)
    place = np.stack(places, axis=-1)
    keys = found.regions[..., None].astype(np.int64) * (grid.x.size * ny * nz) + place
    first, number, value = merge_points(keys, np.stack(corners, axis=-1))
    at = place.ravel()[first]
    points = np.column_stack([grid.x[at // (ny * nz)], grid.y[at // nz % ny], grid.z[at % nz]])
    return points, number.reshape(-1, 8), value


def solve_on_grid(
    layout: Layout | Device,
    unknowns: int = 150_000,
    *,
    grid: BoxGrid | None = None,
    tolerance: float = ENERGY_TOLERANCE,
) -> GridTemperatures:
    """Steady temperatures of a device with blocks, sides that let heat out and properties of T, on a box grid.

    About so many cells: the error goes as their number to the power -2/3, and `GridTemperatures.errors` estimates it.
    `tolerance` is that of the solution in energy.
    """
    layout = Layout(layout) if isinstance(layout, Device) else layout
    held = solve_balances(layout, grid or automatic_grid(layout, unknowns, even=unknowns > MAX_HALVED_CELLS), tolerance)
    found, faces = held.system, held.faces
    averages = {name: value for name, value in grid_goals(held).items() if name != "peak"}
    device = layout.device
    temperatures = DeviceTemperatures(
        title=device.title,
        sink=device.sink,
        power=layout.power,
        peak=held.peak,
        place=held.spot.place,
        layer=layout.regions[found.regions[held.spot.cell]].name,
        average=averages,
        drop=temperature_drops(held),
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
        heat_out=faces.heat_out,
        layout=layout,
    )
