"""Shapes that a domain is filled with: blocks, prisms over polygons, and hot spots."""

import itertools

import numpy as np
from attrs import converters, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, BoolArray, about, finite, number
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.simulate.boltzmann.boundaries import Wall, unit_fractions
from kapitza.simulate.boltzmann.carriers import Carriers

AXIS_NAMES = "xyz"
_MIN_CORNERS = 3  # corners
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
    """Return `value` as (n, 2) finite corners, read-only."""
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
        x, y = (np.unique(one) for one in self.corners.T)
        x, y = (one[np.append(np.diff(one) > _AREA_TOLERANCE * np.ptp(one), True)] for one in (x, y))
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
