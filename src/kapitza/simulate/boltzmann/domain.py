"""Domains of several materials in one to three dimensions: blocks and prisms that fill them, and grids that cut them.

A domain is a block of space with walls around it, filled with boxes: of a material, or of a wall (a reservoir, a pore).
A later box replaces what earlier ones put in its place; what no box fills is a void with rough adiabatic walls.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from math import prod
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from attrs import converters, field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, BoolArray, IntArray, about, finite, number
from kapitza.core.records import BaseRecord
from kapitza.errors import Hint, InputError
from kapitza.simulate.boltzmann.boundaries import InterfaceScattering, Wall, to_interface_scattering, unit_fractions
from kapitza.simulate.boltzmann.carriers import Carriers

AXIS_NAMES = "xyz"
_MIN_CORNERS = 3
_AREA_TOLERANCE = 1e-9  # relative


def check_corners(what: str, low: Array, high: Array) -> None:
    """Refuse corners that do not span a box of one to three dimensions."""
    if low.size != high.size or not 1 <= low.size <= 3:
        raise InputError(f"{what}: corners with {low.size} and {high.size} coordinates, expected 1, 2 or 3 of both")
    if (high <= low).any():
        a = int(np.argmin(high - low))
        raise InputError(f"{what}: reaches from {low[a]:g} to {high[a]:g} m along {AXIS_NAMES[a]}, expected an extent")


def _shape_name(what: str, name: str, matter: object) -> str:
    """Name of a shape, that of its material if it has none; refuse what particles cannot fly in."""
    if not isinstance(matter, (Carriers, Wall)):
        raise InputError(f"{what} {name}: expected Carriers or a Wall, got {matter!r:.60}")
    if isinstance(matter, Wall):
        return name or "wall"
    if not matter.isotropic:
        raise InputError(
            f"{what} {name or matter.name}: its bands know their velocity along one normal only, not {AXIS_NAMES} alike"
        )
    return name or matter.name


@frozen(eq=False)
class Cuboid(BaseRecord):
    """A block of a material, or of a wall.

    Attributes
    ----------
    matter : phonons of its material; or a `Wall`: a reservoir (with a temperature), a pore (without)
    name : of the region; that of the material if empty.  Boxes of one name are one region, without a boundary inside
    """

    low: Array = field(converter=finite, metadata=about("m", "low corner"))
    high: Array = field(converter=finite, metadata=about("m", "high corner"))
    matter: Carriers | Wall
    name: str = ""

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "name", _shape_name("box", self.name, self.matter))
        check_corners(f"box {self.name}", self.low, self.high)

    def contains(self, place: Array) -> BoolArray:
        """(n,) whether places (n, d) lie inside."""
        return np.all((place > self.low) & (place < self.high), axis=1)


def _corner_pairs(value: ArrayLike) -> Array:
    try:
        array = np.array(value, dtype=float)
    except (TypeError, ValueError) as err:
        raise InputError(f"expected corners with x and y each, got {value!r:.60}") from err
    if array.ndim != 2 or array.shape[1] != 2 or len(array) < _MIN_CORNERS or not np.isfinite(array).all():
        raise InputError(f"corners of the shape {array.shape}: expected three or more, with x and y each, finite")
    array.flags.writeable = False
    return array


def _doubled_area(corners: Array) -> float:
    """Twice the area of a polygon (n, 2), positive if its corners run against the clock, m²."""
    moved = corners - corners[0]  # from one corner: no digits are lost far from the origin
    x, y = moved.T
    return float(x @ np.roll(y, -1) - np.roll(x, -1) @ y)


def _crosses_itself(corners: Array) -> bool:
    """Whether two sides of a polygon (n, 2) that are not neighbours meet."""
    first, along = corners, np.roll(corners, -1, axis=0) - corners
    offset = first[None] - first[:, None]
    cross = along[:, None, 0] * along[None, :, 1] - along[:, None, 1] * along[None, :, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (offset[..., 0] * along[None, :, 1] - offset[..., 1] * along[None, :, 0]) / cross
        u = (offset[..., 0] * along[:, None, 1] - offset[..., 1] * along[:, None, 0]) / cross
    meet = (t >= 0) & (t <= 1) & (u >= 0) & (u <= 1)
    apart = np.abs(np.subtract.outer(np.arange(len(corners)), np.arange(len(corners))))
    return bool(meet[(apart > 1) & (apart < len(corners) - 1)].any())


@frozen(eq=False)
class Prism(BaseRecord):
    """A prism of a material, or of a wall, over a polygon in the plane of x and y.

    Attributes
    ----------
    corners : (n, 2) of the polygon in their order, either way round; it need not be convex
    matter : phonons of its material; or a `Wall`: a reservoir (with a temperature), a pore (without)
    name : of the region, as for `Cuboid`
    height : bottom and top along z in a domain of three dimensions; None in one of two

    Raises
    ------
    InputError
        for fewer than three corners, sides that cross, and no extent
    """

    corners: Array = field(converter=_corner_pairs, metadata=about("m", "corners"))
    matter: Carriers | Wall
    name: str = ""
    height: Array | None = field(default=None, converter=converters.optional(finite), metadata=about("m", "height"))
    low: Array = field(init=False, metadata=about("m", "(d,) low corner of the block around it"))
    high: Array = field(init=False, metadata=about("m", "(d,) high corner of the block around it"))

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "name", _shape_name("prism", self.name, self.matter))
        low, high = self.corners.min(axis=0), self.corners.max(axis=0)
        if self.height is not None:
            if self.height.size != 2:
                raise InputError(f"prism {self.name}: {self.height.size} heights, expected its bottom and its top")
            low, high = np.append(low, self.height[0]), np.append(high, self.height[1])
        check_corners(f"prism {self.name}", low, high)
        if _crosses_itself(self.corners) or abs(_doubled_area(self.corners)) < _AREA_TOLERANCE * np.prod(
            (high - low)[:2]
        ):
            raise InputError(f"prism {self.name}: its {len(self.corners)} sides cross, or enclose no area")
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)

    @property
    def is_rectilinear(self) -> bool:
        """Whether all sides run along x or y."""
        along = np.abs(np.roll(self.corners, -1, axis=0) - self.corners)
        return bool((along.min(axis=1) <= _AREA_TOLERANCE * along.max()).all())

    def contains(self, place: Array) -> BoolArray:
        """(n,) whether places (n, d) lie inside; by the number of sides to their right."""
        x, y = place[:, 0, None], place[:, 1, None]
        (x1, y1), (x2, y2) = self.corners.T, np.roll(self.corners, -1, axis=0).T
        spans = (y1 > y) != (y2 > y)  # half open: a corner at the same height counts once
        with np.errstate(divide="ignore", invalid="ignore"):
            beyond = x < x1 + (y - y1) * (x2 - x1) / (y2 - y1)
        inside = np.count_nonzero(spans & beyond, axis=1) % 2 == 1
        if self.height is not None:
            inside &= (place[:, 2] > self.height[0]) & (place[:, 2] < self.height[1])
        return inside

    def blocks(self) -> tuple[Cuboid, ...]:
        """Blocks that fill it, where all sides are straight."""
        lines = (np.unique(along) for along in self.corners.T)
        x, y = (line[np.append(np.diff(line) > _AREA_TOLERANCE * np.ptp(line), True)] for line in lines)
        blocks: list[Cuboid] = []
        for left, right in itertools.pairwise(x):
            middle = np.stack([np.full(y.size - 1, (left + right) / 2), (y[1:] + y[:-1]) / 2], axis=1)
            filled = np.concatenate([[False], Prism(self.corners, self.matter).contains(middle), [False]])
            steps = np.flatnonzero(np.diff(filled.astype(int)))
            for first, last in zip(steps[::2], steps[1::2], strict=True):
                low, high = [left, y[first]], [right, y[last]]
                if self.height is not None:
                    low, high = [*low, self.height[0]], [*high, self.height[1]]
                blocks.append(Cuboid(low, high, self.matter, self.name))
        return tuple(blocks)


DomainShape = Cuboid | Prism


@frozen(eq=False)
class HotSpot(BaseRecord):
    """A hot spot: a block in which heat is set free evenly.

    Attributes
    ----------
    power : of the whole block; per depth in two dimensions and per area in one
    spectrum : None: as the heat capacity, a hot spot of one temperature.
        Within a group the bands take theirs by heat capacity.
    """

    low: Array = field(converter=finite, metadata=about("m", "low corner"))
    high: Array = field(converter=finite, metadata=about("m", "high corner"))
    power: float = field(converter=number, metadata=about("W, W m^-1 or W m^-2, by dimension", "power"))
    spectrum: Array | None = field(
        default=None,
        converter=converters.optional(unit_fractions),
        metadata=about("1", "(G,) shares of the groups of frequency"),
    )

    def __attrs_post_init__(self) -> None:
        check_corners("source", self.low, self.high)
        if not np.isfinite(self.power):
            raise InputError(f"source: power = {self.power:g}, expected a finite number")
        if self.spectrum is not None and abs(self.spectrum.sum() - 1) > 1e-6:
            raise InputError(f"source: the shares of its spectrum add up to {self.spectrum.sum():.6g}, expected 1")


SideCondition = Wall | Literal["periodic"]

_VOID_NAME = "void"
_MAX_DOMAIN_CELLS = 4_000_000
_LINE_TOLERANCE = 1e-9  # of the extent: lines closer than this are one
_NO_WALLS: Mapping[str, SideCondition] = MappingProxyType({})
_NO_BOUNDARIES: Mapping[str, object] = MappingProxyType({})


def _flatten_shapes(value: Iterable[DomainShape]) -> tuple[DomainShape, ...]:
    shapes: list[DomainShape] = []
    for shape in value:
        shapes.extend(shape.blocks() if isinstance(shape, Prism) and shape.is_rectilinear else [shape])
    return tuple(shapes)


@frozen(eq=False)
class Domain(BaseRecord):
    """Boxes, boundaries between them, walls around them and sources inside.

    Attributes
    ----------
    boxes : `Cuboid` of one to three dimensions, `Prism` of two or three; a later one replaces what earlier ones put in
        its place.  Prisms with straight sides become blocks
    boundaries : by "left|right", names of two regions that touch: `Transmission` or `InterfaceScattering`
    walls : by "-x", "+x", "-y", ...: a `Wall`, or "periodic" for both sides of an axis; rough adiabatic if left out
    sources : of heat

    Raises
    ------
    InputError
        for boxes of unequal dimensions, names of two materials, and bands of other groups, temperatures or statistics
    """

    boxes: tuple[DomainShape, ...] = field(converter=_flatten_shapes)
    boundaries: Mapping[str, object] = field(default=_NO_BOUNDARIES)
    walls: Mapping[str, SideCondition] = field(default=_NO_WALLS)
    sources: tuple[HotSpot, ...] = field(default=(), converter=tuple)

    def __attrs_post_init__(self) -> None:
        if not any(isinstance(box.matter, Carriers) for box in self.boxes):
            raise InputError(f"{len(self.boxes)} boxes, none of a material: expected at least one")
        sizes = {box.low.size for box in (*self.boxes, *self.sources)}
        if len(sizes) > 1:
            raise InputError(f"boxes and sources of {' and '.join(map(str, sorted(sizes)))} dimensions in one domain")
        held: dict[str, Carriers | Wall] = {}
        for box in self.boxes:
            if held.setdefault(box.name, box.matter) is not box.matter:
                raise InputError(f"two boxes named {box.name!r} hold different matter: give each its own name")
        known = {sign + axis for axis in AXIS_NAMES[: self.dimension] for sign in "-+"}
        for name in self.walls:
            if name not in known:
                raise InputError(f"unknown wall {name!r}: expected {', '.join(sorted(known))}")
            value = self.walls[name]
            if not isinstance(value, Wall) and value != "periodic":
                raise InputError(
                    f"wall {name}: expected a Wall or 'periodic', got {value!r:.60}",
                    hint=Hint(python="write Wall(300.0)"),
                )
        for a in AXIS_NAMES[: self.dimension]:
            if ("periodic" in (self.walls.get("-" + a), self.walls.get("+" + a))) and not self.periodic(a):
                raise InputError(f"walls -{a} and +{a}: only one of them is periodic")

    @property
    def dimension(self) -> int:
        """1, 2 or 3."""
        return self.boxes[0].low.size

    @property
    def regions(self) -> dict[str, Carriers]:
        """Materials by the name of their region."""
        return {box.name: box.matter for box in self.boxes if isinstance(box.matter, Carriers)}

    def periodic(self, axis: str) -> bool:
        """Whether both walls of an axis are periodic."""
        return self.walls.get("-" + axis) == "periodic" and self.walls.get("+" + axis) == "periodic"


@frozen(eq=False, kw_only=True)
class DomainCells(BaseRecord):
    """Cells of a domain, per depth or area in fewer than three dimensions; C of them in all, with F faces each."""

    edges: tuple[Array, ...]  # for each axis, the bounds of the cells of the map, m
    volume: Array  # (C,) m³
    area: Array  # (C, F) of each face, m²
    centre: Array  # (C, d) m
    map_cell: IntArray  # (C,) cell of the map that each counts for, the last axis fastest; -1: none
    geometry: dict[str, NDArray[Any]]  # where the cells are, as the kernels take it
    region: IntArray  # (C,) number of the material of each cell; -1 - w for wall w of `walls`
    neighbour: IntArray  # (C, F) cell behind each face; -1 outside of the domain
    surface: IntArray  # (C, F) number in `surfaces` of what stands at each face; -1: nothing
    surfaces: tuple[str, ...]  # names of walls, and "left|right" of boundaries
    walls: tuple[Wall | None, ...]  # of the surfaces that are walls, by number; None for boundaries
    # of the surfaces that are boundaries, by number, with the numbers of their two regions; None for walls
    crossings: tuple[tuple[InterfaceScattering, int, int] | None, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of cells of the map along each axis."""
        return tuple(bounds.size - 1 for bounds in self.edges)

    @property
    def fillings(self) -> IntArray:
        """What fills the cells of the map, by number as `region`."""
        counted = self.map_cell >= 0
        filling = np.zeros(prod(self.shape), dtype=np.int64)
        filling[self.map_cell[counted]] = self.region[counted]
        return filling

    def sum_on_map(self, value: Array) -> Array:
        """(cells of the map, ...) sums of values (C, ...) over all cells that count for each."""
        sums = np.zeros((prod(self.shape), *value.shape[1:]))
        counted = self.map_cell >= 0
        np.add.at(sums, self.map_cell[counted], value[counted])
        return sums

    def within(self, low: Array, high: Array) -> NDArray[np.bool_]:
        """(C,) whether the centre of each cell lies inside."""
        return np.all((self.centre > low) & (self.centre < high), axis=1)


def _grid_lines(domain: Domain, axis: int, spacing: float, extra: Sequence[tuple[Array, Array]] = ()) -> Array:
    """Bounds of the cells along an axis: faces of all boxes and sources, divided to at most `spacing`."""
    inner = [x for box in (*domain.boxes, *domain.sources) for x in (box.low[axis], box.high[axis])]
    inner += [x for pair in extra for x in (pair[0][axis], pair[1][axis])]
    first, last = min(box.low[axis] for box in domain.boxes), max(box.high[axis] for box in domain.boxes)
    ordered = np.unique(np.clip(inner, first, last))
    apart = np.concatenate([[True], np.diff(ordered) > _LINE_TOLERANCE * (last - first)])
    kept = ordered[apart]
    counts = np.maximum(1, np.ceil(np.diff(kept) / spacing * (1 - 1e-9))).astype(int)  # rounding adds no cell
    if counts.sum() > _MAX_DOMAIN_CELLS:
        raise InputError(
            f"{counts.sum()} cells along {AXIS_NAMES[axis]}, expected at most {_MAX_DOMAIN_CELLS}: larger spacing"
        )
    parts = [np.linspace(a, b, n + 1)[:-1] for a, b, n in zip(kept, kept[1:], counts, strict=False)]
    return np.concatenate([*parts, kept[-1:]])


def grid_edges(
    domain: Domain, spacing: float | Sequence[float], extra: Sequence[tuple[Array, Array]] = ()
) -> tuple[Array, ...]:
    """Bounds of the cells along all axes; arguments as for `divide_domain`."""
    d = domain.dimension
    widths = np.broadcast_to(np.asarray(spacing, dtype=float), (d,)) if np.size(spacing) in (1, d) else np.zeros(d)
    if not (np.isfinite(widths).all() and (widths > 0).all()):
        raise InputError(f"spacing = {spacing!r:.40}: expected one length above 0 m, or {d} of them")
    edges = tuple(_grid_lines(domain, a, float(widths[a]), extra) for a in range(d))
    count = prod(bounds.size - 1 for bounds in edges)
    if count > _MAX_DOMAIN_CELLS:
        raise InputError(f"{count} cells, expected at most {_MAX_DOMAIN_CELLS}: take a larger spacing")
    return edges


def divide_into_blocks(domain: Domain, edges: tuple[Array, ...]) -> DomainCells:
    """Cells that are blocks, numbered with the last axis fastest; faces: low and high side of each axis in turn."""
    shape = tuple(bounds.size - 1 for bounds in edges)
    low, high = (
        np.stack([m.ravel() for m in np.meshgrid(*parts, indexing="ij")], axis=1)
        for parts in ([bounds[:-1] for bounds in edges], [bounds[1:] for bounds in edges])
    )
    volume, centre = np.prod(high - low, axis=1), (low + high) / 2
    count = prod(shape)
    index = np.arange(count).reshape(shape)
    neighbour = np.full((count, 2 * len(shape)), -1, dtype=np.int64)  # cell behind each face, -1 outside
    for a, axis in enumerate(AXIS_NAMES[: len(shape)]):
        for side, shift in ((0, 1), (1, -1)):
            moved = np.moveaxis(np.roll(index, shift, axis=a), a, 0).copy()
            if not domain.periodic(axis):
                moved[0 if side == 0 else -1] = -1
            neighbour[:, 2 * a + side] = np.moveaxis(moved, 0, a).ravel()
    outer = 1 + np.broadcast_to(np.arange(neighbour.shape[1]), neighbour.shape)
    return DomainCells(
        edges=edges, volume=volume, area=np.repeat(volume[:, None] / (high - low), 2, axis=1), centre=centre,
        map_cell=np.arange(volume.size), geometry={"low": low, "high": high},
        **cell_surfaces(domain, centre, neighbour, outer),
    )  # fmt: skip


def _surface_names(domain: Domain) -> tuple[tuple[str, ...], tuple[Wall | None, ...]]:
    """Names of all walls, the void and the outer ones first, and what they are."""
    outer = [sign + axis for axis in AXIS_NAMES[: domain.dimension] for sign in "-+"]
    found: list[Wall | None] = [Wall()]
    for name in outer:
        wall = domain.walls.get(name, Wall())
        found.append(wall if isinstance(wall, Wall) else None)
    inner = {box.name: box.matter for box in domain.boxes if isinstance(box.matter, Wall)}
    clash = [name for name in inner if name in (_VOID_NAME, *outer)]
    if clash:
        raise InputError(f"a box is named {clash[0]!r}, as an outer wall or the void: give it another name")
    return (_VOID_NAME, *outer, *inner), (*found, *inner.values())


def _cell_regions(domain: Domain, centre: Array, names: tuple[str, ...]) -> IntArray:
    """(C,) what fills each cell, from its centre (C, d)."""
    materials = list(domain.regions)
    region = np.full(centre.shape[0], -1, dtype=np.int64)
    for box in domain.boxes:
        inside = box.contains(centre)
        region[inside] = materials.index(box.name) if isinstance(box.matter, Carriers) else -1 - names.index(box.name)
    return region


def cell_surfaces(domain: Domain, centre: Array, neighbour: IntArray, outer: IntArray) -> dict[str, Any]:
    """What fills cells of these centres (C, d) and stands at their faces (C, F); `outer` where nothing is behind."""
    names, walls = _surface_names(domain)
    region = _cell_regions(domain, centre, names)
    materials = list(domain.regions)
    beyond = np.where(neighbour >= 0, region[neighbour], 0)
    here = np.broadcast_to(region[:, None], neighbour.shape)
    surface = np.full(neighbour.shape, -1, dtype=np.int64)
    surface = np.where(neighbour < 0, outer, np.where(beyond < 0, -1 - beyond, surface))
    crossings: list[tuple[InterfaceScattering, int, int] | None] = [None] * len(names)
    found = list(names)
    touching = (neighbour >= 0) & (here >= 0) & (beyond >= 0)
    for i, j in itertools.combinations(range(len(materials)), 2):
        between = touching & (((here == i) & (beyond == j)) | ((here == j) & (beyond == i)))
        if not between.any():
            continue
        name, crossing = _find_boundary(domain, materials[i], materials[j])
        surface = np.where(between, len(found), surface)
        found.append(name)
        crossings.append((crossing, i, j) if name.startswith(materials[i] + "|") else (crossing, j, i))
    for name in domain.boundaries:
        if name not in found:
            raise InputError(f"boundary {name!r}: no regions of these names touch; there are {', '.join(materials)}")
    return {
        "region": region, "neighbour": neighbour, "surface": surface, "surfaces": tuple(found),
        "walls": (*walls, *[None] * (len(found) - len(walls))), "crossings": tuple(crossings),
    }  # fmt: skip


def _find_boundary(domain: Domain, first: str, second: str) -> tuple[str, InterfaceScattering]:
    names = [name for name in (f"{first}|{second}", f"{second}|{first}") if name in domain.boundaries]
    if not names:
        raise InputError(f"the boundary {first}|{second} has no transmission: {first} and {second} touch")
    if len(names) > 1:
        raise InputError(f"the boundary {names[0]} is given twice, also as {names[1]}: give it once")
    return names[0], to_interface_scattering(domain.boundaries[names[0]], names[0])
