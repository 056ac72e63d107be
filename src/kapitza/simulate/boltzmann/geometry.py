r"""Boxes of several materials in one, two or three dimensions, and the grid of cells that they are cut into.

A domain is a block of space with walls around it, filled with boxes: of a material, or of a wall (a reservoir, a pore).
A later box replaces what earlier ones put in its place; what no box fills is a void with rough adiabatic walls.
"""

import itertools
from collections.abc import Mapping, Sequence
from math import prod
from types import MappingProxyType
from typing import Literal

import numpy as np
from attrs import converters, field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, finite, number
from kapitza.errors import InputError
from kapitza.simulate.boltzmann.carriers import Carriers
from kapitza.simulate.boltzmann.contacts import Crossing, Wall, crossing_of, shares

Cells = NDArray[np.int64]
Side = Wall | Literal["periodic"]

AXES = "xyz"
VOID = "void"
MOST_CELLS = 4_000_000
SAME = 1e-9  # of the extent: lines closer than this are one
NO_WALLS: Mapping[str, Side] = MappingProxyType({})
NO_BOUNDARIES: Mapping[str, object] = MappingProxyType({})


def check_corners(what: str, low: Array, high: Array) -> None:
    """Refuse corners that do not span a box of one to three dimensions."""
    if low.size != high.size or not 1 <= low.size <= 3:
        raise InputError(f"{what}: corners with {low.size} and {high.size} coordinates, expected 1, 2 or 3 of both")
    if (high <= low).any():
        a = int(np.argmin(high - low))
        raise InputError(f"{what}: reaches from {low[a]:g} to {high[a]:g} m along {AXES[a]}, expected an extent")


@frozen(eq=False)
class Block:
    """A block of a material, or of a wall.

    Attributes
    ----------
    low, high : (d,) its corners, m
    matter : phonons of its material; or a `Wall`: a reservoir (with a temperature), a pore (without)
    name : of the region; that of the material if empty.  Boxes of one name are one region, without a boundary inside
    """

    low: Array = field(converter=finite)
    high: Array = field(converter=finite)
    matter: Carriers | Wall
    name: str = ""

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.matter, (Carriers, Wall)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputError(f"box {self.name}: expected Carriers or a Wall, got {self.matter!r:.60}")
        if not self.name:
            object.__setattr__(self, "name", self.matter.name if isinstance(self.matter, Carriers) else "wall")
        check_corners(f"box {self.name}", self.low, self.high)
        if isinstance(self.matter, Carriers) and not self.matter.isotropic:
            raise InputError(f"box {self.name}: its bands know their velocity along one normal only, not {AXES} alike")


@frozen(eq=False)
class HotSpot:
    """A hot spot: a block in which heat is set free evenly.

    Attributes
    ----------
    low, high : (d,) its corners, m
    power : of the whole block, W; per depth in two dimensions, W m⁻¹, and per area in one, W m⁻²
    spectrum : (G,) shares of the groups of frequency; None: as the heat capacity, a hot spot of one temperature.
        Within a group the bands take theirs by heat capacity.
    """

    low: Array = field(converter=finite)
    high: Array = field(converter=finite)
    power: float = field(converter=number)
    spectrum: Array | None = field(default=None, converter=converters.optional(shares))

    def __attrs_post_init__(self) -> None:
        check_corners("source", self.low, self.high)
        if not np.isfinite(self.power):
            raise InputError(f"source: power = {self.power:g}, expected a finite number")
        if self.spectrum is not None and abs(self.spectrum.sum() - 1) > 1e-6:
            raise InputError(f"source: the shares of its spectrum add up to {self.spectrum.sum():.6g}, expected 1")


@frozen(eq=False)
class Domain:
    """Boxes, boundaries between them, walls around them and sources inside.

    Attributes
    ----------
    boxes : of one to three dimensions; a later one replaces what earlier ones put in its place
    boundaries : by "left|right", names of two regions that touch: `Transmission` or `Crossing`
    walls : by "-x", "+x", "-y", ...: a `Wall`, or "periodic" for both sides of an axis; rough adiabatic if left out
    sources : of heat

    Raises
    ------
    InputError
        for boxes of unequal dimensions, names of two materials, and bands of other groups, temperatures or statistics
    """

    boxes: tuple[Block, ...] = field(converter=tuple)
    boundaries: Mapping[str, object] = field(default=NO_BOUNDARIES)
    walls: Mapping[str, Side] = field(default=NO_WALLS)
    sources: tuple[HotSpot, ...] = field(default=(), converter=tuple)

    def __attrs_post_init__(self) -> None:
        if not any(isinstance(box.matter, Carriers) for box in self.boxes):
            raise InputError(f"{len(self.boxes)} boxes, none of a material: expected at least one")
        sizes = {one.low.size for one in (*self.boxes, *self.sources)}
        if len(sizes) > 1:
            raise InputError(f"boxes and sources of {' and '.join(map(str, sorted(sizes)))} dimensions in one domain")
        held: dict[str, Carriers | Wall] = {}
        for box in self.boxes:
            if held.setdefault(box.name, box.matter) is not box.matter:
                raise InputError(f"two boxes named {box.name!r} hold different matter: give each its own name")
        known = {sign + axis for axis in AXES[: self.dimension] for sign in "-+"}
        for name in self.walls:
            if name not in known:
                raise InputError(f"unknown wall {name!r}: expected {', '.join(sorted(known))}")
        for a in AXES[: self.dimension]:
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

    @property
    def inner_walls(self) -> dict[str, Wall]:
        """Walls by the name of their box."""
        return {box.name: box.matter for box in self.boxes if isinstance(box.matter, Wall)}

    def periodic(self, axis: str) -> bool:
        """Whether both walls of an axis are periodic."""
        return self.walls.get("-" + axis) == "periodic" and self.walls.get("+" + axis) == "periodic"


@frozen(eq=False)
class Grid:
    """Cells of a domain; C of them in all, numbered with the last axis fastest.

    Attributes
    ----------
    edges : for each axis, the bounds of its cells, m
    region : (C,) number of the material of each cell; -1 - w for wall w of `walls`
    low, high : (C, d) corners, m
    other : (C, 2d) cell behind each face: low and high side of each axis in turn; -1 outside of the domain
    surface : (C, 2d) number in `surfaces` of what stands at each face; -1: nothing
    surfaces : names of walls and "left|right" of boundaries
    walls : of the surfaces that are walls, by number; boundaries hold None
    crossings : of the surfaces that are boundaries, by number, with the numbers of their two regions; walls hold None
    """

    edges: tuple[Array, ...]
    region: Cells
    low: Array
    high: Array
    other: Cells
    surface: Cells
    surfaces: tuple[str, ...]
    walls: tuple[Wall | None, ...]
    crossings: tuple[tuple[Crossing, int, int] | None, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of cells along each axis."""
        return tuple(one.size - 1 for one in self.edges)

    @property
    def volume(self) -> Array:
        """(C,) m³; per depth or area in fewer dimensions."""
        return np.prod(self.high - self.low, axis=1)

    def within(self, low: Array, high: Array) -> NDArray[np.bool_]:
        """(C,) whether the centre of each cell lies inside."""
        centre = (self.low + self.high) / 2
        return np.all((centre > low) & (centre < high), axis=1)


def lines_along(domain: Domain, axis: int, spacing: float, extra: Sequence[tuple[Array, Array]] = ()) -> Array:
    """Bounds of the cells along an axis: faces of all boxes and sources, divided to at most `spacing`."""
    inner = [x for one in (*domain.boxes, *domain.sources) for x in (one.low[axis], one.high[axis])]
    inner += [x for pair in extra for x in (pair[0][axis], pair[1][axis])]
    first, last = min(one.low[axis] for one in domain.boxes), max(one.high[axis] for one in domain.boxes)
    ordered = np.unique(np.clip(inner, first, last))
    apart = np.concatenate([[True], np.diff(ordered) > SAME * (last - first)])
    kept = ordered[apart]
    counts = np.maximum(1, np.ceil(np.diff(kept) / spacing * (1 - 1e-9))).astype(int)
    if counts.sum() > MOST_CELLS:
        raise InputError(f"{counts.sum()} cells along {AXES[axis]}, expected at most {MOST_CELLS}: larger spacing")
    parts = [np.linspace(a, b, n + 1)[:-1] for a, b, n in zip(kept, kept[1:], counts, strict=False)]
    return np.concatenate([*parts, kept[-1:]])


def grid_of(domain: Domain, spacing: float | Sequence[float], extra: Sequence[tuple[Array, Array]] = ()) -> Grid:
    """Cut a domain into cells.

    Parameters
    ----------
    domain : boxes, boundaries, walls
    spacing : largest width of a cell, m; one for all axes or one for each
    extra : corners of further blocks whose faces shall be faces of cells
    """
    d = domain.dimension
    widths = np.broadcast_to(np.asarray(spacing, dtype=float), (d,)) if np.size(spacing) in (1, d) else np.zeros(d)
    if not (np.isfinite(widths).all() and (widths > 0).all()):
        raise InputError(f"spacing = {spacing!r:.40}: expected one length above 0 m, or {d} of them")
    edges = tuple(lines_along(domain, a, float(widths[a]), extra) for a in range(d))
    shape = tuple(one.size - 1 for one in edges)
    if prod(shape) > MOST_CELLS:
        raise InputError(f"{prod(shape)} cells, expected at most {MOST_CELLS}: take a larger spacing")
    low, high = (
        np.stack([m.ravel() for m in np.meshgrid(*parts, indexing="ij")], axis=1)
        for parts in ([one[:-1] for one in edges], [one[1:] for one in edges])
    )
    names, walls = surface_names(domain)
    region = regions_of(domain, low, high, names)
    other = neighbours(domain, shape)
    surface, names, crossings = surfaces_of(domain, region, other, names)
    walls = (*walls, *[None] * (len(names) - len(walls)))
    return Grid(edges, region, low, high, other, surface, names, walls, crossings)


def surface_names(domain: Domain) -> tuple[tuple[str, ...], tuple[Wall | None, ...]]:
    """Names of all walls, the void and the outer ones first, and what they are."""
    outer = [sign + axis for axis in AXES[: domain.dimension] for sign in "-+"]
    found: list[Wall | None] = [Wall()]
    for name in outer:
        wall = domain.walls.get(name, Wall())
        found.append(wall if isinstance(wall, Wall) else None)
    inner = domain.inner_walls
    clash = [name for name in inner if name in (VOID, *outer)]
    if clash:
        raise InputError(f"a box is named {clash[0]!r}, as an outer wall or the void: give it another name")
    return (VOID, *outer, *inner), (*found, *inner.values())


def regions_of(domain: Domain, low: Array, high: Array, names: tuple[str, ...]) -> Cells:
    """(C,) what fills each cell."""
    centre = (low + high) / 2
    materials = list(domain.regions)
    region = np.full(low.shape[0], -1, dtype=np.int64)
    for box in domain.boxes:
        inside = np.all((centre > box.low) & (centre < box.high), axis=1)
        solid = isinstance(box.matter, Carriers)
        region[inside] = materials.index(box.name) if solid else -1 - names.index(box.name)
    return region


def neighbours(domain: Domain, shape: tuple[int, ...]) -> Cells:
    """(C, 2d) cell behind each face, -1 outside."""
    count = prod(shape)
    index = np.arange(count).reshape(shape)
    found = np.full((count, 2 * len(shape)), -1, dtype=np.int64)
    for a, axis in enumerate(AXES[: len(shape)]):
        for side, shift in ((0, 1), (1, -1)):
            moved = np.moveaxis(np.roll(index, shift, axis=a), a, 0).copy()
            if not domain.periodic(axis):
                moved[0 if side == 0 else -1] = -1
            found[:, 2 * a + side] = np.moveaxis(moved, 0, a).ravel()
    return found


def surfaces_of(
    domain: Domain, region: Cells, other: Cells, names: tuple[str, ...]
) -> tuple[Cells, tuple[str, ...], tuple[tuple[Crossing, int, int] | None, ...]]:
    """What stands at each face, names of all surfaces, and the boundaries among them."""
    materials = list(domain.regions)
    beyond = np.where(other >= 0, region[other], 0)
    here = np.broadcast_to(region[:, None], other.shape)
    surface = np.full(other.shape, -1, dtype=np.int64)
    outer = 1 + np.broadcast_to(np.arange(other.shape[1]), other.shape)
    surface = np.where(other < 0, outer, np.where(beyond < 0, -1 - beyond, surface))
    crossings: list[tuple[Crossing, int, int] | None] = [None] * len(names)
    found = list(names)
    touching = (other >= 0) & (here >= 0) & (beyond >= 0)
    for i, j in itertools.combinations(range(len(materials)), 2):
        between = touching & (((here == i) & (beyond == j)) | ((here == j) & (beyond == i)))
        if not between.any():
            continue
        name, crossing = boundary_between(domain, materials[i], materials[j])
        surface = np.where(between, len(found), surface)
        found.append(name)
        crossings.append((crossing, i, j) if name.startswith(materials[i] + "|") else (crossing, j, i))
    for name in domain.boundaries:
        if name not in found:
            raise InputError(
                f"boundary {name!r}: no two regions of these names touch; there are {', '.join(materials)}"
            )
    return surface, tuple(found), tuple(crossings)


def boundary_between(domain: Domain, one: str, other: str) -> tuple[str, Crossing]:
    """Name under which a boundary was given, and what it is."""
    name, turned_name = f"{one}|{other}", f"{other}|{one}"
    given = domain.boundaries
    if name in given and turned_name in given:
        raise InputError(f"the boundary {name} is given twice, also as {turned_name}: give it once")
    if name in given:
        return name, crossing_of(given[name], name)
    if turned_name in given:
        return turned_name, crossing_of(given[turned_name], turned_name)
    raise InputError(f"the boundary {name} has no transmission: {one} and {other} touch")
