"""Temperatures on a plane through a device, cut into triangles that no boundary crosses."""

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array
from kapitza.device.elements_reference import Integers
from kapitza.device.result import table
from kapitza.errors import InputError


def whole(value: ArrayLike) -> Integers:
    """Return `value` as a read-only array of whole numbers."""
    array = np.array(value, dtype=np.int64)
    array.flags.writeable = False
    return array


@frozen(eq=False)
class SplitField:
    """Temperatures on a plane: points on a boundary that resists stand there once for each side.

    Attributes
    ----------
    name : of the plane
    axes : what its two axes are called; "depth" runs down
    points : (n, 2) m
    triangles : (m, 3) points of each
    value : (n,) rise above the sink, K
    region : (m,) number of the region of each triangle
    names : of the regions
    places : (p, 2) where the flux of heat is known, m
    flux : (p, 2) its part in the plane, along both axes, W m⁻²
    """

    name: str
    axes: tuple[str, ...] = field(converter=tuple)
    points: Array = field(converter=table)
    triangles: Integers = field(converter=whole)
    value: Array = field(converter=table)
    region: Integers = field(converter=whole)
    names: tuple[str, ...] = field(converter=tuple)
    places: Array = field(converter=table)
    flux: Array = field(converter=table)

    def __attrs_post_init__(self) -> None:
        count, cells = len(self.points), len(self.triangles)
        shapes = (self.points.shape, self.triangles.shape, self.value.shape, self.region.shape, self.flux.shape)
        if shapes != ((count, 2), (cells, 3), (count,), (cells,), self.places.shape):
            raise InputError(f"{self.name}: shapes {shapes} of points, triangles, values, regions, fluxes do not fit")


def merged(keys: NDArray[np.int64], values: Array) -> tuple[Integers, Integers, Array]:
    """One of each key: (n,) first place of each, number of it at each place, and (n,) mean of the values there."""
    _, first, inverse = np.unique(keys.ravel(), return_index=True, return_inverse=True)
    number = inverse.reshape(keys.shape)
    count = np.bincount(inverse)
    return first, number, np.bincount(inverse, values.ravel()) / count
