"""Temperature maps: every fitted parameter of each pixel, with covariance and flags."""

from enum import IntFlag
from typing import Any

import numpy as np
from attrs import Factory, evolve, field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, IntArray, about, increasing, integer_array, real_array
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError


class PixelFlag(IntFlag):
    """What is to be known of one pixel; 0 is a plain good fit."""

    GOOD = 0
    UNCONVERGED = 1  # the search ended before it converged
    DEAD = 2  # no electrons, or too few channels left: nothing was fitted
    SINGULAR = 4  # some parameter is not determined by the data; its covariance is infinite
    AT_BOUND = 8  # a parameter lies on its limit: its interval is one-sided
    MISSING = 16  # channels without a finite count were left out
    NEGATIVE = 32  # channels with a count below zero were used as they are
    MISFIT = 64  # a fit as bad as this happens once in 10⁴ when the model is right
    SATURATED = 128  # channels at the plateau of a full detector were left out


UNUSABLE_FLAGS = int(PixelFlag.UNCONVERGED | PixelFlag.DEAD | PixelFlag.SINGULAR)


def count_flags(counts: NDArray[Any]) -> IntArray:
    """(n,) flags of spectra (n, channels) with channels that are missing or below zero."""
    finite = np.isfinite(counts)
    negative = (np.where(finite, counts, 0.0) < 0).any(axis=1)
    return integer_array(int(PixelFlag.MISSING) * ~finite.all(axis=1) + int(PixelFlag.NEGATIVE) * negative)


def _unknown_dispersion(instance: "TemperatureMap") -> Array:
    """(...) NaN for each pixel."""
    return np.full(instance.flag.shape, np.nan)


@frozen(eq=False, kw_only=True)
class TemperatureMap(BaseRecord):
    """Parameters of the spectrum of each pixel.

    Pixels are statistically independent of each other; the parameters of one pixel are not.

    Attributes
    ----------
    position : axes of position as in the image (none, one or two), m
    names : (p,) names of the parameters: "amplitude" and intensities "<mode>.intensity" in electrons; "centre",
        "fwhm", "<mode>.energy", "<mode>.width" in J; "temperature" or "<mode>.temperature" in K; "<mode>.occupation"
    value : (..., p) SI; NaN where nothing was fitted
    covariance : (..., p, p); zero where a parameter was kept fixed, infinite where the data do not determine it
    pvalue : (...) goodness of fit: probability of a worse fit when the model is right
    deviance : (...) twice the log-likelihood that a perfect fit would have more; differences between nested models
        are likelihood-ratio statistics
    modes : names of the modes
    method : how it came about
    dispersion : (...) chi-squared over its expected value; 1 where model and counting statistics are right, NaN where
        nothing was fitted or a file of an earlier version does not hold it
    expected_energy : (m,) energies of the modes from which the fit started; empty in a file of an earlier version
    """

    position: tuple[Array, ...] = field(
        converter=lambda axes: tuple(increasing(axis) for axis in axes), metadata=about("m", "position")
    )
    names: tuple[str, ...] = field(converter=tuple)
    value: Array = field(converter=real_array, metadata=about("J, K and electrons, by name", "fitted parameters"))
    covariance: Array = field(converter=real_array, metadata=about("of value", "covariance"))
    flag: IntArray = field(converter=integer_array, metadata=about("bits", "(...) bits of `PixelFlag`"))
    pvalue: Array = field(converter=real_array, metadata=about("1", "probability of a worse fit"))
    deviance: Array = field(converter=real_array, metadata=about("1", "deviance"))
    iterations: IntArray = field(converter=integer_array, metadata=about("1", "iterations"))
    modes: tuple[str, ...] = field(default=(), converter=tuple)
    method: str = field(default="", kw_only=True)
    dispersion: Array = field(
        default=Factory(_unknown_dispersion, takes_self=True),
        converter=real_array,
        metadata=about("1", "chi-squared over its expected value"),
    )
    expected_energy: Array = field(
        factory=lambda: np.empty(0), converter=real_array, metadata=about("J", "expected energies of the modes")
    )

    def __attrs_post_init__(self) -> None:
        shape, p = tuple(axis.size for axis in self.position), len(self.names)
        wanted = {"value": (*shape, p), "covariance": (*shape, p, p)}
        wanted |= dict.fromkeys(("flag", "pvalue", "deviance", "iterations", "dispersion"), shape)
        for name, size in wanted.items():
            found = getattr(self, name).shape
            if found != size:
                raise InputError(f"{name} has shape {found}, wanted {size}")
        if self.expected_energy.size not in (0, len(self.modes)):
            raise InputError(f"{self.expected_energy.size} expected energies of {len(self.modes)} modes")

    @property
    def shape(self) -> tuple[int, ...]:
        """Pixels along each axis of position."""
        return self.flag.shape

    @property
    def rows(self) -> tuple[int, ...]:
        """Axes over which the columns of a map are averaged: none for a line."""
        return tuple(range(len(self.position) - 1))

    @property
    def good(self) -> NDArray[np.bool_]:
        """(...) pixels whose fit converged with every parameter determined."""
        return (self.flag & UNUSABLE_FLAGS) == 0

    @property
    def temperature(self) -> Array:
        """(...) common temperature of all modes, K.

        Raises
        ------
        InputError
            if each mode was given its own
        """
        return self.parameter("temperature")

    @property
    def sigma(self) -> Array:
        """(...) standard uncertainty of the common temperature, K."""
        return self.parameter_sigma("temperature")

    def parameter(self, name: str) -> Array:
        """(...) value of a parameter, SI."""
        return self.value[..., self.index(name)]

    def parameter_sigma(self, name: str) -> Array:
        """(...) standard uncertainty of a parameter, SI."""
        i = self.index(name)
        return np.sqrt(self.covariance[..., i, i])

    def is_determined(self, name: str) -> NDArray[np.bool_]:
        """(...) pixels whose data say what a parameter is.

        A parameter on its limit has no variance and one that the counts do not show an infinite one: neither is known.
        A mode that a material does not have shows no temperature there.
        """
        i = self.index(name)
        variance = self.covariance[..., i, i]
        held = ((self.flag & int(PixelFlag.AT_BOUND)) != 0) & (variance == 0)
        return self.good & np.isfinite(variance) & ~held

    def index(self, name: str) -> int:
        """Place of a parameter among the names.

        Raises
        ------
        InputError
            if there is none of this name
        """
        if name not in self.names:
            raise InputError(f"no parameter {name!r} in this map: expected one of {', '.join(self.names)}")
        return self.names.index(name)


def swap_axes(temperatures: TemperatureMap) -> TemperatureMap:
    """Return a map along (y, x) as one along (x, y): what is normal to x is taken across the other position."""
    if len(temperatures.position) != 2:
        raise InputError(f"expected a map along two positions to exchange, got {len(temperatures.position)}")
    arrays = ("value", "covariance", "flag", "pvalue", "deviance", "iterations", "dispersion")
    changes = {name: np.swapaxes(getattr(temperatures, name), 0, 1) for name in arrays}
    return evolve(temperatures, position=temperatures.position[::-1], **changes)
