"""Where heat enters on a plane, and where temperatures are averaged: rectangles, discs, Gaussian spots and maps."""

from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, number, quantity
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError

Interval = tuple[float, float]


def sorted_interval(value: Any) -> Interval:
    """Return two finite ends of a range, m, the lower one first."""
    try:
        low, high = (float(v) for v in value)
    except (TypeError, ValueError) as err:
        raise InputError(f"expected a range of two numbers in m, got {value!r:.60}") from err
    if not (np.isfinite([low, high]).all() and low < high):
        raise InputError(f"expected a range that runs upwards, got {low:g} to {high:g} m")
    return low, high


def _flux_map(value: ArrayLike) -> Array:
    try:
        array = np.array(value, dtype=float)
    except (TypeError, ValueError) as err:
        raise InputError(f"expected a map of numbers, got {value!r:.60}") from err
    if array.ndim != 2 or not array.size:
        raise InputError(f"expected a map (nx, ny) of heat fluxes, got shape {array.shape}")
    bad = np.argwhere(~np.isfinite(array))
    if bad.size:
        i, j = bad[0]
        raise InputError(f"the map of heat fluxes holds {array[i, j]} at pixel ({i}, {j}), and {len(bad) - 1} more")
    if not array.sum() > 0:
        raise InputError(f"the map of heat fluxes adds up to {array.sum():g}: expected a sum above 0")
    array.flags.writeable = False
    return array


@frozen
class Rectangle(BaseRecord):
    """A rectangle along the layers: from x[0] to x[1] and y[0] to y[1], m."""

    x: Interval = field(converter=sorted_interval, metadata=about("m", "ends along x"))
    y: Interval = field(converter=sorted_interval, metadata=about("m", "ends along y"))

    @property
    def area(self) -> float:
        """m²."""
        return (self.x[1] - self.x[0]) * (self.y[1] - self.y[0])

    @property
    def extent(self) -> tuple[Interval, Interval]:
        """Ranges of x and y that it takes, m."""
        return self.x, self.y

    @property
    def size(self) -> float:
        """Its shorter side, m."""
        return min(self.x[1] - self.x[0], self.y[1] - self.y[0])


@frozen
class Disc(BaseRecord):
    """A disc: its middle and its radius, m."""

    x: float = field(converter=number, metadata=about("m", "middle along x"))
    y: float = field(converter=number, metadata=about("m", "middle along y"))
    radius: float = field(converter=number, validator=quantity(), metadata=about("m", "radius"))

    @property
    def area(self) -> float:
        """m²."""
        return np.pi * self.radius**2

    @property
    def extent(self) -> tuple[Interval, Interval]:
        """Ranges of x and y that it takes, m."""
        return (self.x - self.radius, self.x + self.radius), (self.y - self.radius, self.y + self.radius)

    @property
    def size(self) -> float:
        """Its radius, m."""
        return self.radius


@frozen
class GaussianSpot(BaseRecord):
    """A spot of the flux exp(-2 r²/w²): its middle and its 1/e² radius w, m; `radius_y` where it differs along y.

    Examples
    --------
    >>> from kapitza.device import GaussianSpot
    >>> laser = GaussianSpot(0.0, 0.0, radius=5e-6)
    >>> print(f"{laser.radius * 1e6:.0f} µm")
    5 µm
    """

    x: float = field(converter=number, metadata=about("m", "middle along x"))
    y: float = field(converter=number, metadata=about("m", "middle along y"))
    radius: float = field(converter=number, validator=quantity(), metadata=about("m", "1/e² radius"))
    radius_y: float | None = field(default=None, metadata=about("m", "1/e² radius along y, where it differs"))

    @property
    def radii(self) -> tuple[float, float]:
        """1/e² radii along x and y, m."""
        return self.radius, self.radius if self.radius_y is None else self.radius_y

    @property
    def area(self) -> float:
        """That of a disc with the same total at the flux of its middle, m²."""
        return np.pi * self.radii[0] * self.radii[1] / 2

    @property
    def extent(self) -> tuple[Interval, Interval]:
        """Ranges of x and y out to the 1/e² radii, m."""
        wx, wy = self.radii
        return (self.x - wx, self.x + wx), (self.y - wy, self.y + wy)

    @property
    def size(self) -> float:
        """Its smaller radius, m."""
        return min(self.radii)


@frozen(eq=False)
class HeatMap(BaseRecord):
    """Pixels of constant flux.

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza.device import HeatMap
    >>> pixels = HeatMap(np.array([[1.0, 3.0], [2.0, 2.0]]), x=(0.0, 1e-3), y=(0.0, 1e-3))
    >>> print(pixels.value.shape)
    (2, 2)
    """

    value: Array = field(converter=_flux_map, metadata=about("any, scaled by the power", "(nx, ny) heat flux"))
    x: Interval = field(converter=sorted_interval, metadata=about("m", "range that the pixels fill evenly along x"))
    y: Interval = field(converter=sorted_interval, metadata=about("m", "range that the pixels fill evenly along y"))

    @property
    def edges(self) -> tuple[Array, Array]:
        """(nx + 1,) and (ny + 1,) edges of the pixels, m."""
        return np.linspace(*self.x, self.value.shape[0] + 1), np.linspace(*self.y, self.value.shape[1] + 1)

    @property
    def share(self) -> Array:
        """(nx, ny) flux per total power, m⁻²."""
        nx, ny = self.value.shape
        pixel = (self.x[1] - self.x[0]) * (self.y[1] - self.y[0]) / (nx * ny)
        return self.value / (self.value.sum() * pixel)

    @property
    def area(self) -> float:
        """That of a patch with the same total at the largest flux, m²."""
        return float(1 / self.share.max())

    @property
    def extent(self) -> tuple[Interval, Interval]:
        """Ranges of x and y that it takes, m."""
        return self.x, self.y

    @property
    def size(self) -> float:
        """Side of a pixel, m."""
        nx, ny = self.value.shape
        return min((self.x[1] - self.x[0]) / nx, (self.y[1] - self.y[0]) / ny)


Patch = Rectangle | Disc
SourceShape = Rectangle | Disc | GaussianSpot | HeatMap
