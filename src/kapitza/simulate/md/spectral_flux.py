"""Heat flux through a plane, frequency by frequency, with what is needed for errors: no value is ever cut off."""

from collections.abc import Callable

import numpy as np
from attrs import converters, field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, finite, frequencies, increasing
from kapitza.core.transmission import trapezoid
from kapitza.errors import InputError
from kapitza.simulate.md.welch import grouped, jackknife


def rows_of(value: ArrayLike) -> Array:
    """Return `value` as a read-only table of finite floats."""
    array = np.array(value, dtype=float)
    if array.ndim != 2 or not array.size or not np.isfinite(array).all():
        bad = int(array.size - np.isfinite(array).sum())
        raise InputError(f"numbers of shape {array.shape}, {bad} of them not finite: wanted a table of finite ones")
    array.flags.writeable = False
    return array


@frozen(eq=False)
class SpectralFlux:
    r"""Spectral heat flux $q(\omega)$ through a plane, left to right, $\int q\,d\omega$ = heat flux.

    Noise carries single values below zero, and so may physics: phonons that scatter change their frequency, so that
    the flux of one frequency differs from plane to plane while the total does not.

    Attributes
    ----------
    omega : (nω,) angular frequency, rad s⁻¹
    parts : (blocks, nω) spectral flux of successive blocks of the run, W s rad⁻¹ m⁻²
    direct : (blocks,) mean power through the plane in each block over the area, with the weights that the spectrum
        gives to the samples, W m⁻²: the integral of the spectrum is the same number; None where nobody
        measured it
    counts : (blocks,) segments in each block
    motion : (2, nω) spectrum of the kinetic energy of the atoms near the plane on its left and its right, J s rad⁻¹;
        zero where nobody looked
    method : for legends

    Raises
    ------
    InputError
        for shapes that do not fit
    """

    omega: Array = field(converter=frequencies)
    parts: Array = field(converter=rows_of)
    direct: Array | None = field(converter=converters.optional(finite))
    counts: NDArray[np.int64] = field()
    motion: Array = field()
    method: str = field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        blocks, size = self.parts.shape
        direct = (blocks,) if self.direct is None else self.direct.shape
        found = (self.omega.size, direct, np.shape(self.counts), np.shape(self.motion))
        if found != (size, (blocks,), (blocks,), (2, size)):
            raise InputError(
                f"{self.method or 'spectral flux'}: parts of shape {self.parts.shape} with {found[0]} frequencies, "
                f"direct {found[1]}, counts {found[2]} and motion {found[3]}"
            )

    @property
    def weights(self) -> Array:
        """(nω,) widths of the frequencies, rad s⁻¹; the ends have half of one."""
        return trapezoid(self.omega)

    @property
    def value(self) -> Array:
        """(nω,) mean, W s rad⁻¹ m⁻²."""
        return np.average(self.parts, axis=0, weights=self.counts)

    @property
    def sigma(self) -> Array:
        """(nω,) standard uncertainty of the mean, W s rad⁻¹ m⁻²; NaN for one block."""
        return self.estimate(lambda mean: mean)[1]

    @property
    def total(self) -> tuple[float, float]:
        """Heat flux and its standard uncertainty, W m⁻²."""
        value, sigma = self.estimate(lambda mean: np.atleast_1d(mean @ self.weights))
        return float(value[0]), float(sigma[0])

    def estimate(self, statistic: Callable[[Array], Array]) -> tuple[Array, Array]:
        """Any function of the mean spectrum (nω,), and its standard uncertainty by the jackknife over blocks."""
        return jackknife(*grouped(self.parts, self.counts), statistic)

    def bands(self, edges: ArrayLike) -> tuple[Array, Array]:
        """(n - 1,) mean spectral flux between neighbouring edges (n,) rad s⁻¹, and its uncertainty."""
        bounds = increasing(edges)
        inside = overlaps(self.omega, bounds)
        return self.estimate(lambda mean: inside @ mean / np.diff(bounds))

    def cumulative(self) -> tuple[Array, Array]:
        """(nω,) heat flux carried by all frequencies up to each, W m⁻², and its uncertainty; the last is the total."""
        return self.estimate(lambda mean: np.cumsum(mean * self.weights))

    def share_above(self, omega: float) -> tuple[float, float]:
        """Share of the heat that frequencies above `omega` carry, and its standard uncertainty.

        Above the highest frequency of one side in the harmonic crystal it is heat that no elastic process brings.
        """
        whole = self.weights
        above = overlaps(self.omega, np.array([omega, max(omega, self.omega[-1])]))[0]
        value, sigma = self.estimate(lambda mean: np.atleast_1d((mean @ above) / (mean @ whole)))
        return float(value[0]), float(sigma[0])


def overlaps(omega: Array, edges: Array) -> Array:
    """(n - 1, nω) parts of the widths of the frequencies that lie between neighbouring edges, rad s⁻¹."""
    middle = (omega[1:] + omega[:-1]) / 2
    low, high = np.concatenate([omega[:1], middle]), np.concatenate([middle, omega[-1:]])
    return np.maximum(np.minimum(high, edges[1:, None]) - np.maximum(low, edges[:-1, None]), 0.0)
