"""A layout as bricks with named regions, faces and boundaries: what a solver of finite elements takes."""

from collections.abc import Mapping

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, IntArray
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord
from kapitza.device.description import HeatSource
from kapitza.device.grid.box_grid import BoxGrid
from kapitza.device.grid.finite_volumes import paint_regions
from kapitza.device.grid.sensitivities import adjacent_regions, visible_regions
from kapitza.device.layered.linear import source_plane
from kapitza.device.layout import Layout, conductance_at_sink, layer_depth
from kapitza.device.setup import locate_plane
from kapitza.device.shapes import Rectangle
from kapitza.errors import InputError

_BRICK_FACES = ((0, 1, 2, 3), (4, 5, 6, 7), (0, 1, 5, 4), (3, 2, 6, 7), (0, 3, 7, 4), (1, 2, 6, 5))


@frozen(eq=False)
class BrickRegion(BaseRecord):
    """A layer or block."""

    name: str  # its own
    field: str  # name of the field of temperature in it: regions without a resistance between them share one
    conductivity: tuple[float, float, float]  # along x, y and z, W m⁻¹ K⁻¹
    heat: float  # that enters evenly, W m⁻³


@frozen(eq=False, kw_only=True)
class FluxPatch(BaseRecord):
    """A rectangle on which heat enters one region."""

    source: str  # name of the source
    region: str  # into which the heat goes
    # x, y: its range, m
    x: tuple[float, float]
    y: tuple[float, float]
    z: float  # its height above the bottom face, m
    up: bool  # whether the outward normal of the region points up there
    flux: float  # W m⁻²


@frozen(eq=False, kw_only=True)
class BrickMesh(BaseRecord):
    """A device for solvers of finite elements, z upwards from the bottom face."""

    points: Array  # (n, 3) m
    cells: IntArray  # (m, 8) corners: the lower face, then the upper one, both against the clock from above
    region: IntArray  # (m,) index into `regions`
    regions: tuple[BrickRegion, ...]  # names, conductivities and heat
    # (k, 4) corners of outer faces by (name of the side, index of the region)
    faces: Mapping[tuple[str, int], IntArray]
    # conductance by pair of region indices that a resistance divides, W m⁻² K⁻¹
    contacts: Mapping[tuple[int, int], float]
    cooling: Mapping[str, float]  # coefficient to the sink by side, W m⁻² K⁻¹; infinite where it is held
    patches: tuple[FluxPatch, ...]  # where heat enters
    sink: float  # K
    varying: tuple[str, ...]  # names of numbers that depend on temperature, taken at that of the sink


def brick_mesh(layout: Layout, grid: BoxGrid) -> BrickMesh:
    """A layout on a grid as bricks: sources are rectangles on faces of layers.

    Refused where regions without a resistance between them join two that a resistance divides.
    """
    numbers = paint_regions(layout, grid)
    shown = sorted(visible_regions(layout))
    index = {number: i for i, number in enumerate(shown)}
    device = layout.device
    contacts = {pair: conductance_at_sink(layout.contact(*pair), device.sink) for pair in adjacent_regions(layout)}
    varying = [f"{layout.name(*p)}.conductance" for p in contacts if isinstance(layout.contact(*p), Conductance)]
    fields = _region_variables(layout, contacts, shown)
    points, cells = _brick_corners(grid)
    lookup = np.zeros(len(layout.regions), dtype=np.int64)
    lookup[shown] = np.arange(len(shown))
    region = lookup[np.swapaxes(numbers[:, :, ::-1], 0, 2).ravel()]
    regions = tuple(_brick_region(layout, number, fields[number], grid, numbers) for number in shown)
    cooling = {**layout.sides, "top": device.top_coefficient, "bottom": device.coefficient}
    return BrickMesh(
        points=points,
        cells=cells,
        region=region,
        regions=regions,
        faces=_outer_brick_faces(cells, region, grid),
        contacts={(index[a], index[b]): g for (a, b), g in contacts.items() if np.isfinite(g)},
        cooling={side: value for side, value in cooling.items() if value > 0},
        patches=tuple(patch for source in device.sources for patch in _flux_patches(layout, grid, numbers, source)),
        sink=device.sink,
        varying=(*(f"{layout.regions[i].name}.conductivity" for i in layout.laws), *varying),
    )


def _region_variables(layout: Layout, contacts: Mapping[tuple[int, int], float], shown: list[int]) -> dict[int, str]:
    """Name of the field of each region: that of the first of those without a resistance between them."""
    first = {number: number for number in shown}
    for (a, b), g in contacts.items():
        if np.isinf(g):
            low, high = sorted((first[a], first[b]))
            first = {number: low if own == high else own for number, own in first.items()}
    for (a, b), g in contacts.items():
        if np.isfinite(g) and first[a] == first[b]:
            raise InputError(
                f"{layout.name(a, b)} resists, and both touch others without a resistance in between: one temperature "
                "cannot jump there; give these boundaries a conductance too, however large"
            )
    return {number: layout.regions[own].name for number, own in first.items()}


def _brick_region(layout: Layout, number: int, name: str, grid: BoxGrid, numbers: NDArray[np.int16]) -> BrickRegion:
    layer, law = layout.regions[number], layout.laws.get(number)
    factor = 1.0 if law is None else float(law.at(layout.device.sink)[0]) / layer.conductivity
    kx, ky, kz = (float(k) * factor for k in np.diagonal(layer.tensor))
    block = number - len(layout.device.stack.layers)
    power = layout.blocks[block].power if block >= 0 else 0.0
    volume = ((numbers == number) * grid.areas[:, :, None] * grid.sizes[2]).sum() if power else 1.0
    return BrickRegion(layer.name, name, (kx, ky, kz), power / float(volume))


def _brick_corners(grid: BoxGrid) -> tuple[Array, IntArray]:
    """Points and bricks of a grid, x fastest, then y, then z upwards."""
    z, y, x = np.meshgrid((grid.z[-1] - grid.z)[::-1], grid.y, grid.x, indexing="ij")
    nx, ny = grid.x.size, grid.y.size
    k, j, i = np.indices(grid.shape[::-1])
    low = (k * ny + j) * nx + i
    cells = [low + a + up * nx * ny for up in (0, 1) for a in (0, 1, nx + 1, nx)]
    return np.column_stack([x.ravel(), y.ravel(), z.ravel()]), np.stack(cells, axis=-1).reshape(-1, 8)


def _outer_brick_faces(cells: IntArray, region: IntArray, grid: BoxGrid) -> dict[tuple[str, int], IntArray]:
    nx, ny, nz = grid.shape
    k, j, i = (one.ravel() for one in np.indices((nz, ny, nx)))
    where = {"bottom": k == 0, "top": k == nz - 1, "front": j == 0, "back": j == ny - 1, "left": i == 0}
    where["right"] = i == nx - 1
    found: dict[tuple[str, int], IntArray] = {}
    for (side, there), quad in zip(where.items(), _BRICK_FACES, strict=True):
        for number in np.unique(region[there]):
            found[side, int(number)] = cells[there & (region == number)][:, quad]
    return found


def _flux_patches(layout: Layout, grid: BoxGrid, numbers: NDArray[np.int16], source: HeatSource) -> list[FluxPatch]:
    shape = source.shape or Rectangle((0.0, layout.box.width), (0.0, layout.box.depth))
    if source.volumetric or not isinstance(shape, Rectangle):
        raise InputError(
            f"source {source.name} is no rectangle on a plane: those alone are written; give the heat to a block, or "
            "cut it into rectangles"
        )
    stack = layout.device.stack
    layer, depth = locate_plane(source_plane(layout.device, source), stack)
    at = grid.face(layer_depth(stack, layer) + depth)
    upper = at > 0 and depth >= stack.layers[layer].thickness * (1 - 1e-9)  # heat enters what lies above its plane
    inside = [slice(*np.searchsorted(m, one)) for m, one in zip(grid.middles[:2], shape.extent, strict=True)]
    below = numbers[:, :, at - 1 if upper else at][tuple(inside)]
    flux, height = source.power / shape.area, float(grid.z[-1] - grid.z[at])
    return [
        FluxPatch(
            source=source.name,
            region=layout.regions[int(number)].name,
            x=shape.extent[0],
            y=shape.extent[1],
            z=height,
            up=not upper,
            flux=flux,
        )
        for number in np.unique(below)
    ]
