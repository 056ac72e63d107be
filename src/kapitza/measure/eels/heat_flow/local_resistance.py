"""Thermal resistivity 1/k at each pixel of a temperature map with its resolution, and what goes with it in an image."""

from typing import Any

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, BoolArray, about, real_array
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.measure.eels.intervals import chi2_probability
from kapitza.measure.eels.map import UNUSABLE_OR_MISFIT, TemperatureMap, temperature_gradients
from kapitza.measure.eels.model import TO_SIGMA
from kapitza.measure.eels.point_spread import PointSpread
from kapitza.measure.eels.populations import adjust_pvalues
from kapitza.units import nm

_MIN_NEIGHBOURHOODS = 4  # that do not overlap, from which on a slope against an image has an error
_UNSURE_MEAN = 3.0  # standard uncertainties of the mean gradient below which nothing is relative to it


@frozen(eq=False, kw_only=True)
class LocalResistance(BaseRecord):
    r"""Thermal resistivity $1/k = -\mathbf g\cdot\mathbf u/q$ of the neighbourhood of each pixel.

    Without a flux it is relative to the mean of the map.  Errors of pixels nearer than twice the radius go together.  A
    plane with a resistance shows as a band of the width `resolution`: what it exceeds the bulk by, integrated across
    it, is the resistance of the plane.

    Attributes
    ----------
    position : axes of the map: (y, x), or (x,) for a line, m
    value : (...) NaN where too few neighbours are good
    sigma : (...) standard uncertainty from the noise of the map
    common : relative standard uncertainty that all pixels share, of the flux, or at most that of the mean
    direction : unit vector (x, y) of the heat flow, (x,) for a line
    resolution : full width at half maximum of the kernel through which the gradient is seen, with the point spread

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza.eels.heat_flow import local_resistance
    >>> from kapitza.examples import sloped_map
    >>> from kapitza.units import nm
    >>> found = local_resistance(sloped_map(), 6 * nm, flux=(1e10, 2e8))
    >>> print(f"resolved to {found.resolution / nm:.0f} nm; the same everywhere: {np.nanmin(found.pvalue()) > 1e-3}")
    resolved to 8 nm; the same everywhere: True
    """

    position: tuple[Array, ...] = field(metadata=about("m", "position"))
    value: Array = field(converter=real_array, metadata=about("m K W^-1, or 1 where relative", "thermal resistivity"))
    sigma: Array = field(converter=real_array, metadata=about("as the value", "its uncertainty from noise"))
    common: float = field(metadata=about("1", "relative uncertainty that all pixels share"))
    direction: tuple[float, ...] = field(converter=tuple, metadata=about("1", "direction of the heat flow"))
    radius: float = field(metadata=about("m", "radius of the neighbourhoods"))
    resolution: float = field(metadata=about("m", "full width at half maximum of what is averaged"))
    relative: bool

    @property
    def mean(self) -> float:
        """Mean over the pixels that have a value."""
        return float(np.nanmean(self.value))

    def independent(self) -> BoolArray:
        """(...) pixels of a grid whose neighbourhoods do not overlap."""
        use = np.ones(self.value.shape, dtype=bool)
        for i, axis in enumerate(self.position):
            pitch = float(np.diff(axis).mean()) if axis.size > 1 else np.inf
            step = int(2 * self.radius / pitch * (1 + 1e-9)) + 1
            line = np.zeros(axis.size, dtype=bool)
            line[(axis.size - 1) % step // 2 :: step] = True
            use &= np.expand_dims(line, tuple(k for k in range(len(self.position)) if k != i))
        return use & np.isfinite(self.value)

    def pvalue(self) -> Array:
        """(...) probability of a value as far from the mean where the resistivity is the same everywhere.

        Corrected by Holm for the number of pixels, which is cautious, since neighbourhoods overlap.
        """
        single = chi2_probability(np.ones(self.value.shape), np.square((self.value - self.mean) / self.sigma))
        return adjust_pvalues(np.where(np.isfinite(self.value), single, np.nan))

    def structure_slope(self, image: ArrayLike) -> tuple[float, float, float]:
        """Change of the resistivity with an image of the same pixels: per standard deviation of it, error, probability.

        Weighted least squares over neighbourhoods that do not overlap, in each of which the image is averaged; the
        probability is that of a slope as large where the two have nothing to do with each other.

        Raises InputError for an image of other pixels, one that is the same everywhere, or too few neighbourhoods.
        """
        seen = real_array(image)
        if seen.shape != self.value.shape:
            raise InputError(
                f"the image has {seen.shape} pixels and the map {self.value.shape}: expected the same scan"
            )
        averaged = _disc_means(self.position, seen, self.radius)
        use = self.independent() & np.isfinite(averaged)
        x, y, s = averaged[use], self.value[use], self.sigma[use]
        if x.size < _MIN_NEIGHBOURHOODS:
            raise InputError(
                f"{x.size} neighbourhoods of radius {self.radius / nm:g} nm do not overlap, wanted "
                f"{_MIN_NEIGHBOURHOODS} or more: give a smaller radius"
            )
        spread = float(np.std(x))
        if not spread > 1e-12 * float(np.abs(x).max()):
            raise InputError(f"the image is {x[0]:g} everywhere: nothing to compare the resistivity with")
        design = np.column_stack([np.ones(x.size), (x - x.mean()) / spread]) / s[:, None]
        inverse = np.linalg.inv(design.T @ design)
        slope, error = float((inverse @ design.T @ (y / s))[1]), float(np.sqrt(inverse[1, 1]))
        return slope, error, float(chi2_probability(1, (slope / error) ** 2))


def local_resistance(
    temperatures: TemperatureMap,
    radius: float,
    *,
    flux: tuple[float, float] | None = None,
    spread: PointSpread | None = None,
    interface: float | None = None,
    drop: int = UNUSABLE_OR_MISFIT,
) -> LocalResistance:
    r"""Thermal resistivity from the planes $T_0 + \mathbf g\cdot(\mathbf r - \mathbf r_0)$ fitted to neighbourhoods.

    Along the direction $\mathbf u$ of the mean heat flow, $1/k = -\mathbf g\cdot\mathbf u/q$.  The gradient of a
    neighbourhood is the mean of the true one with a kernel of its width, which is why a smaller radius sees more and
    knows it less well: the error grows as radius⁻², in a line as radius to the power -3/2.

    Parameters
    ----------
    temperatures : map along (y, x) or (x,), with one temperature for all modes
    radius : of the neighbourhoods, m
    flux : heat flux and its standard uncertainty, W m⁻²; the result is relative to its mean if None
    spread : point spread, whose local part widens the resolution; its delocalised part is not taken off
    interface : x of a plane that no neighbourhood crosses, m; if None, its resistance shows as a band
    drop : bits of `PixelFlag` of pixels that are left out

    Raises
    ------
    InputError
        for a flux that is not above zero, or without one for a gradient that is not seen; for a radius that holds too
        few pixels

    Examples
    --------
    >>> from kapitza.eels.heat_flow import local_resistance
    >>> from kapitza.examples import sloped_map
    >>> from kapitza.units import nm
    >>> found = local_resistance(sloped_map(), 6 * nm, flux=(1e10, 2e8))
    >>> print(f"{found.mean * 1e3:.1f} mm K/W")  # 0.5 K/nm over 10 GW/m²
    50.2 mm K/W
    """
    if flux is not None and not (flux[0] > 0 and flux[1] >= 0):
        raise InputError(f"flux = {flux[0]:g} ± {flux[1]:g} W/m², wanted above 0, whatever its direction")
    sizes = [float(axis[-1] - axis[0]) for axis in temperatures.position if axis.size > 1]
    if sizes and radius > max(sizes) / 2:
        raise InputError(
            f"radius = {radius / nm:g} nm on a map of {' x '.join(f'{one / nm:g}' for one in sizes)} nm: every "
            f"neighbourhood is the whole map; expected {max(sizes) / 2 / nm:g} nm at most"
        )
    planes = temperature_gradients(temperatures, radius, interface=interface, drop=drop)
    weight = 1 / np.einsum("...ii->...", planes.covariance[..., 1:, 1:])
    mean = np.nansum(weight[..., None] * planes.gradient, axis=tuple(range(planes.temperature.ndim)))
    mean = mean / np.nansum(weight)
    steepest = float(np.linalg.norm(mean))
    if not steepest > 0:
        raise InputError("the temperature is the same everywhere: no heat flows, and there is no resistance to see")
    direction = -mean / steepest
    along = -(planes.gradient @ direction)
    sigma = np.sqrt(np.einsum("i,...ij,j->...", direction, planes.covariance[..., 1:, 1:], direction))
    found = LocalResistance(
        position=planes.position, value=along, sigma=sigma, common=0.0, direction=direction.tolist(), radius=radius,
        resolution=_resolution(planes.position, direction, radius, spread), relative=flux is None,
    )  # fmt: skip
    if flux is not None:
        scale, common = flux[0], flux[1] / flux[0]
    else:
        apart = found.independent()
        scale = found.mean
        unsure = float(np.sqrt(np.square(sigma[apart]).sum()) / max(int(apart.sum()), 1))
        if not scale > _UNSURE_MEAN * unsure:
            raise InputError(
                f"the mean gradient is {scale / 1e9:.2g} ± {unsure / 1e9:.2g} K/nm: nothing can be relative to it; "
                "give the flux, or a map with less noise"
            )
        common = unsure / scale
    return evolve(found, value=along / scale, sigma=sigma / scale, common=common)


def _resolution(axes: tuple[Array, ...], direction: Array, radius: float, spread: PointSpread | None) -> float:
    r"""Full width at half maximum of the kernel that averages the gradient in a full neighbourhood, m.

    A step of the temperature at the distance $s$ gives the slope $\sum_{x_i > s} x_i/\sum x_i^2$: this is the kernel.
    """
    lines: list[NDArray[Any]] = []  # along which the pixels of a full neighbourhood lie, x first
    for axis in axes[::-1]:
        pitch = float(np.diff(axis).mean()) if axis.size > 1 else np.inf
        steps = int(radius / pitch * (1 + 1e-9))
        lines.append(np.arange(-steps, steps + 1) * (pitch if steps else 0.0))
    mesh = np.stack([part.ravel() for part in np.meshgrid(*lines, indexing="ij")], axis=1)
    x = mesh[np.linalg.norm(mesh, axis=1) <= radius * (1 + 1e-9)] @ direction
    places = np.linspace(0, radius * (1 + 1e-6), 400)
    kernel = np.array([x[x > s].sum() for s in places])
    half = np.interp(-kernel[0] / 2, -kernel, places)
    core = 0.0 if spread is None else spread.width / TO_SIGMA
    return float(np.hypot(2 * half, core))


def _disc_means(axes: tuple[Array, ...], image: Array, radius: float) -> Array:
    """(...) mean of the pixels of an image within a radius of each; NaN is left out."""
    from scipy.spatial import KDTree

    mesh = np.meshgrid(*axes, indexing="ij")
    places = np.stack([one.ravel() for one in mesh], axis=1)
    flat = image.ravel()
    known = np.isfinite(flat)
    near = KDTree(places[known]).query_ball_point(places, radius * (1 + 1e-9))
    values = flat[known]
    return real_array([values[one].mean() if one else np.nan for one in near]).reshape(image.shape)
