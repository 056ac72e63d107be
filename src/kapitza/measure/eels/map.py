"""Temperature maps: fitted parameters of each pixel with covariance and flags; gradients and line profiles of a map."""

from enum import IntFlag
from itertools import product
from typing import Any

import numpy as np
from attrs import Factory, evolve, field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, BoolArray, IntArray, about, increasing, integer_array, positive, real_array
from kapitza.core.profile import Profile
from kapitza.core.records import BaseRecord
from kapitza.errors import Hint, InputError
from kapitza.measure.eels.intervals import chi2_probability
from kapitza.units import nm


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
UNUSABLE_OR_MISFIT = UNUSABLE_FLAGS | int(PixelFlag.MISFIT)


def count_flags(counts: NDArray[Any]) -> IntArray:
    """(n,) flags of spectra (n, channels) with channels that are missing or below zero."""
    finite = np.isfinite(counts)
    negative = (np.where(finite, counts, 0.0) < 0).any(axis=1)
    return integer_array(int(PixelFlag.MISSING) * ~finite.all(axis=1) + int(PixelFlag.NEGATIVE) * negative)


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
    dispersion : (...) chi-squared over its expected value; 1 where model and counting statistics are right, NaN where
        nothing was fitted or a file of an earlier version does not hold it
    expected_energy : (m,) energies of the modes from which the fit started; empty in a file of an earlier version
    """

    position: tuple[Array, ...] = field(
        converter=lambda axes: tuple(map(increasing, axes)), metadata=about("m", "position")
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
        default=Factory(lambda found: np.full(found.flag.shape, np.nan), takes_self=True),
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
    def good(self) -> BoolArray:
        """(...) pixels whose fit converged with every parameter determined."""
        return (self.flag & UNUSABLE_FLAGS) == 0

    @property
    def temperature(self) -> Array:
        """(...) common temperature of all modes, K.

        Raises InputError if each mode was given its own.
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

    def usable(self, name: str, drop: int) -> BoolArray:
        """(...) pixels without the flags `drop` (bits of `PixelFlag`) that have a parameter with its uncertainty."""
        sigma = self.parameter_sigma(name)
        known = np.isfinite(self.parameter(name)) & np.isfinite(sigma) & (sigma > 0)
        return ((self.flag & drop) == 0) & known

    def mode_parameters(self, name: str) -> list[int]:
        """(m,) places of a parameter that each mode has, such as "intensity"."""
        return [self.index(f"{mode}.{name}") for mode in self.modes]

    def is_determined(self, name: str) -> BoolArray:
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

        Raises InputError if there is none of this name.
        """
        if name not in self.names:
            raise InputError(f"no parameter {name!r} in this map: expected one of {', '.join(self.names)}")
        return self.names.index(name)


def fitted_energies(found: TemperatureMap) -> dict[str, tuple[Array, Array]]:
    """Energies (n,) of each mode in the pixels that show one, and their standard uncertainties, J; not of held ones."""
    shown: dict[str, tuple[Array, Array]] = {}
    for mode in found.modes:
        if (name := f"{mode}.energy") in found.names:
            sigma = found.parameter_sigma(name)
            use = found.is_determined(name) & (sigma > 0)
            if use.any():
                shown[mode] = found.parameter(name)[use], sigma[use]
    return shown


def fitted_modes(found: TemperatureMap, energy: ArrayLike | None, drop: int) -> tuple[BoolArray, Array]:
    """(...) pixels without the flags `drop`, and (m,) energies of the modes, J: given ones, or means fitted there."""
    good = (found.flag & drop) == 0
    if not good.any():
        raise InputError(f"none of the {good.size} pixels of the map holds a good fit")
    if energy is None:
        lacking = [mode for mode in found.modes if f"{mode}.energy" not in found.names]
        if lacking or not found.modes:
            which = lacking[0] if lacking else "any mode"
            raise InputError(f"the map does not know the energy of {which}: give energy")
        energy = real_array(found.value[good][:, found.mode_parameters("energy")].mean(axis=0))
    quanta = positive(energy)
    if quanta.size != len(found.modes) or not quanta.size:
        raise InputError(f"{quanta.size} energies for {len(found.modes)} modes: {', '.join(found.modes)}")
    return good, quanta


def swap_axes(temperatures: TemperatureMap) -> TemperatureMap:
    """Return a map along (y, x) as one along (x, y): what is normal to x is taken across the other position."""
    if len(temperatures.position) != 2:
        raise InputError(f"expected a map along two positions to exchange, got {len(temperatures.position)}")
    arrays = ("value", "covariance", "flag", "pvalue", "deviance", "iterations", "dispersion")
    changes = {name: np.swapaxes(getattr(temperatures, name), 0, 1) for name in arrays}
    return evolve(temperatures, position=temperatures.position[::-1], **changes)


@frozen(eq=False)
class GradientField(BaseRecord):
    """Planes fitted to the neighbourhood of each pixel of a map.

    Errors of pixels nearer than twice the radius go together, since their neighbourhoods overlap.

    Attributes
    ----------
    position : axes of the map: (y, x), or (x,) for a line, m
    temperature : (...) of the plane at the pixel, K; NaN where too few neighbours are good
    gradient : (..., d) along x, and y in a map, K m⁻¹
    pvalue : (...) probability of a worse fit if the temperature were a plane there; low where it jumps or bends

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza.eels import temperature_gradients
    >>> from kapitza.examples import sloped_map
    >>> from kapitza.units import nm
    >>> planes = temperature_gradients(sloped_map(), 6 * nm)
    >>> print(f"{np.nanmean(planes.gradient[..., 0]) * nm:.2f} K/nm")
    -0.50 K/nm
    """

    position: tuple[Array, ...] = field(metadata=about("m", "position"))
    temperature: Array = field(converter=real_array, metadata=about("K", "temperature"))
    gradient: Array = field(converter=real_array, metadata=about("K m^-1", "temperature gradient"))
    covariance: Array = field(converter=real_array, metadata=about("of (temperature, gradient)", "covariance"))
    pvalue: Array = field(converter=real_array, metadata=about("1", "probability of a worse fit"))

    @property
    def sigma(self) -> Array:
        """(...) standard uncertainty of the temperature of the plane, K."""
        return np.sqrt(self.covariance[..., 0, 0])

    @property
    def isotherm_sigma(self) -> Array:
        """(...) standard uncertainty of the place of the isotherm through the pixel, across it, m."""
        with np.errstate(divide="ignore"):
            return self.sigma / np.linalg.norm(self.gradient, axis=-1)

    def significance(self) -> Array:
        """(...) squared gradient over its covariance; without a gradient it is chi-squared of d degrees of freedom."""
        bad, unit = np.isnan(self.temperature), np.eye(self.gradient.shape[-1])
        covariance = np.where(bad[..., None, None], unit, self.covariance[..., 1:, 1:])
        solved = np.linalg.solve(covariance, self.gradient[..., None])
        return np.where(bad, np.nan, (self.gradient[..., None] * solved).sum(axis=(-2, -1)))


def temperature_gradients(
    temperatures: TemperatureMap,
    radius: float,
    *,
    name: str = "temperature",
    interface: float | None = None,
    drop: int = UNUSABLE_OR_MISFIT,
) -> GradientField:
    r"""Fit a plane $T_0 + \mathbf{g}\cdot(\mathbf{r} - \mathbf{r}_0)$ to the pixels within a radius of each.

    Weighted least squares with the variances of the pixels; nothing else is smoothed.

    Parameters
    ----------
    temperatures : temperature map along one or two positions
    radius : of the neighbourhood, m
    name : parameter: "temperature" or "<mode>.temperature"
    interface : x of a plane that no neighbourhood crosses, m; the map is taken as one piece if None
    drop : bits of `PixelFlag` of pixels that are left out

    Raises
    ------
    InputError
        for a map without position, or a radius that holds too few pixels for a plane
    """
    axes = temperatures.position
    if not axes:
        raise InputError("a single spectrum has no gradient: expected a map along one or two positions")
    good = temperatures.usable(name, drop)
    weight = np.where(good, 1 / np.where(good, np.square(temperatures.parameter_sigma(name)), 1.0), 0.0)
    value = np.where(good, temperatures.parameter(name), 0.0)
    side = np.zeros(axes[-1].size) if interface is None else np.sign(axes[-1] - interface)
    normal, right, square, count = _neighbourhood_sums(axes, value, weight, side, radius)
    size = np.concatenate([[1.0], np.full(len(axes), 1 / radius)])
    scale = np.abs(normal[..., 0, 0])[..., None, None]
    enough = (count > len(axes)) & (scale[..., 0, 0] > 0)
    matrix = np.where(enough[..., None, None], normal / np.where(scale > 0, scale, 1.0), np.eye(len(axes) + 1))
    enough &= np.linalg.cond(matrix) < 1e6
    if not good.any():
        flagged, hint = flag_remark(temperatures, drop)
        raise InputError(f"no pixel of the map is usable: {flagged}", hint=hint)
    if not enough.any():
        raise InputError(
            f"none of {int(good.sum())} good pixels (of {good.size}) has the neighbours within {radius / nm:g} nm that "
            "a plane takes: give a larger radius"
        )
    matrix = np.where(enough[..., None, None], matrix, np.eye(len(axes) + 1))
    covariance = np.linalg.inv(matrix) / np.where(scale > 0, scale, 1.0)
    plane = (covariance @ right[..., None])[..., 0]
    chi2 = square - (plane * right).sum(axis=-1)
    hole = np.where(enough, 1.0, np.nan)
    return GradientField(
        axes,
        hole * plane[..., 0],
        hole[..., None] * plane[..., 1:] * size[1:],
        hole[..., None, None] * covariance * np.outer(size, size),
        hole * chi2_probability(count - len(axes) - 1, chi2),
    )


def _neighbourhood_sums(
    axes: tuple[Array, ...], value: Array, weight: Array, side: Array, radius: float
) -> tuple[Array, Array, Array, IntArray]:
    """Weighted sums over the neighbourhoods, lengths in units of the radius: matrix, right-hand side, T², number."""
    shape, unknowns = value.shape, len(axes) + 1
    normal, right = np.zeros((*shape, unknowns, unknowns)), np.zeros((*shape, unknowns))
    square, count = np.zeros(shape), np.zeros(shape, dtype=np.int64)
    # steps along the axes that may reach a neighbour within the radius
    reach = [int(radius / np.diff(axis).min() + 1e-9) if axis.size > 1 else 0 for axis in axes]
    steps = [min(step, axis.size - 1) for step, axis in zip(reach, axes, strict=True)]
    for shift in product(*(range(-step, step + 1) for step in steps)):
        here = tuple(slice(max(0, -s), n - max(0, s)) for s, n in zip(shift, shape, strict=True))
        there = tuple(slice(max(0, s), n - max(0, -s)) for s, n in zip(shift, shape, strict=True))
        apart = [axis[t] - axis[h] for axis, t, h in zip(axes, there, here, strict=True)]
        mesh = np.meshgrid(*apart, indexing="ij")
        lever = np.stack([np.ones_like(mesh[0]), *(part / radius for part in mesh[::-1])], axis=-1)
        near = sum(part**2 for part in mesh) <= (radius * (1 + 1e-9)) ** 2
        same = side[there[-1]] == side[here[-1]]
        w = weight[there] * near * same
        normal[here] += w[..., None, None] * lever[..., :, None] * lever[..., None, :]
        right[here] += (w * value[there])[..., None] * lever
        square[here] += w * value[there] ** 2
        count[here] += w > 0
    return normal, right, square, count


def line_profile(
    temperatures: TemperatureMap, *, name: str = "temperature", drop: int = UNUSABLE_OR_MISFIT, common: float = 0.0
) -> Profile:
    """Mean over the rows of a map at each x, or the pixels of a line as they are.

    The mean is not weighted: the stated error of a pixel goes with its fitted temperature, and weights would pull the
    mean towards one side.

    Parameters
    ----------
    temperatures : temperature map along (y, x) or (x,)
    name : parameter: "temperature" or "<mode>.temperature"
    drop : bits of `PixelFlag` of pixels that are left out
    common : standard uncertainty that all pixels share, as that of the sensitivity of gain against loss side, K; it
        moves the whole profile and leaves the jump alone

    Returns
    -------
    Profile with the uncertainty of each mean; columns without a good pixel are left out

    Raises
    ------
    InputError
        for a map without position, or without two good columns
    """
    if not temperatures.position:
        raise InputError("a single spectrum makes no profile: expected a map along one or two positions")
    value, variance = temperatures.parameter(name), np.square(temperatures.parameter_sigma(name))
    good, rows = temperatures.usable(name, drop), temperatures.rows
    count = good.sum(axis=rows)
    use = count > 0
    if use.sum() < 2:
        flagged, hint = flag_remark(temperatures, drop)
        raise InputError(
            f"{int(use.sum())} columns of the map hold a good pixel, a profile needs 2 or more: {flagged}", hint=hint
        )
    mean = np.where(good, value, 0.0).sum(axis=rows)[use] / count[use]
    error = np.sqrt(np.where(good, variance, 0.0).sum(axis=rows)[use]) / count[use]
    x = temperatures.position[-1][use]
    errors: dict[str, Any] = {"covariance": np.diag(error**2) + common**2} if common > 0 else {"sigma": error}
    return Profile(x, mean, **errors, method=temperatures.method)


_KEEP_MISFITS = Hint(
    python="keep misfits with wider errors (widen_misfits), or correct the detector",
    command="fit with --gain scan or --vacuum FILE, or keep misfits by --keep misfit",
)


def flag_remark(temperatures: TemperatureMap, drop: int = UNUSABLE_OR_MISFIT) -> tuple[str, Hint | None]:
    """Return how many pixels are left out by which flags, and what to do if some of them are misfits."""
    flags = [flag for flag in PixelFlag if int(flag) & drop]
    counts = {str(flag.name): int(np.count_nonzero(temperatures.flag & int(flag))) for flag in flags}
    counts["without a temperature"] = int(np.count_nonzero(~np.isfinite(temperatures.temperature)))
    listed = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "none"
    return f"of {temperatures.flag.size} pixels are flagged {listed}", _KEEP_MISFITS if counts.get("MISFIT") else None
