"""Isotherms, gradient vectors and line profiles of a temperature map, with their uncertainties."""

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, about, real_array
from kapitza.core.profile import Profile
from kapitza.core.records import BaseRecord
from kapitza.errors import Hint, InputError
from kapitza.measure.eels.intervals import chi2_probability
from kapitza.measure.eels.map import UNUSABLE_FLAGS, PixelFlag, TemperatureMap
from kapitza.units import nm

UNUSABLE_OR_MISFIT = UNUSABLE_FLAGS | int(PixelFlag.MISFIT)


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
    >>> from kapitza import Profile
    >>> from kapitza.eels import EelsExperiment, VibrationalMode, fit_spectra, simulate_spectra, temperature_gradients
    >>> from kapitza.units import meV, nm
    >>> to = VibrationalMode("TO", 82 * meV, 5 * meV, 1e-3)
    >>> plan = EelsExperiment(left=[to], right=[to], temperature=400.0, columns=16, rows=1, electrons=1e9)
    >>> x = (np.arange(16) - 7.5) * nm
    >>> scan = simulate_spectra(plan, Profile(x, 400 - 1e9 * x), seed=1)
    >>> planes = temperature_gradients(fit_spectra(scan, [to]), 6 * nm)
    >>> print(f"{np.nanmean(planes.gradient) * nm:.2f} K/nm")
    -0.99 K/nm
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
        covariance = self.covariance[..., 1:, 1:]
        bad = np.isnan(self.temperature)
        solved = np.linalg.solve(
            np.where(bad[..., None, None], np.eye(covariance.shape[-1]), covariance), self.gradient[..., None]
        )
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
    value, variance = temperatures.parameter(name), np.square(temperatures.parameter_sigma(name))
    good = ((temperatures.flag & drop) == 0) & np.isfinite(value) & np.isfinite(variance) & (variance > 0)
    weight = np.where(good, 1 / np.where(good, variance, 1.0), 0.0)
    value = np.where(good, value, 0.0)
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
) -> tuple[Array, Array, Array, NDArray[np.int64]]:
    """Weighted sums over the neighbourhoods, lengths in units of the radius: matrix, right-hand side, T², number."""
    shape, unknowns = value.shape, len(axes) + 1
    normal, right = np.zeros((*shape, unknowns, unknowns)), np.zeros((*shape, unknowns))
    square, count = np.zeros(shape), np.zeros(shape, dtype=np.int64)
    for shift in _neighbour_offsets(axes, radius):
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


def _neighbour_offsets(axes: tuple[Array, ...], radius: float) -> list[tuple[int, ...]]:
    """Steps along the axes that may reach a neighbour within the radius."""
    reach = [int(radius / np.diff(axis).min() + 1e-9) if axis.size > 1 else 0 for axis in axes]
    reach = [min(step, axis.size - 1) for step, axis in zip(reach, axes, strict=True)]
    grid = np.meshgrid(*(np.arange(-step, step + 1) for step in reach), indexing="ij")
    return [tuple(map(int, row)) for row in np.stack([part.ravel() for part in grid], axis=1)]


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
    good = ((temperatures.flag & drop) == 0) & np.isfinite(value) & np.isfinite(variance) & (variance > 0)
    rows = temperatures.rows
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
    if common > 0:
        return Profile(x, mean, covariance=np.diag(error**2) + common**2, method=temperatures.method)
    return Profile(x, mean, error, method=temperatures.method)


_KEEP_MISFITS = Hint(
    python="keep misfits with wider errors (widen_misfits), or correct the detector",
    command="fit with --gain scan or --vacuum FILE, or keep misfits by --keep misfit",
)


def flag_remark(temperatures: TemperatureMap, drop: int = UNUSABLE_OR_MISFIT) -> tuple[str, Hint | None]:
    """Return how many pixels are left out by which flags, and what to do if some of them are misfits."""
    flags = [one for one in PixelFlag if int(one) & drop]
    counts = {str(one.name): int(np.count_nonzero(temperatures.flag & int(one))) for one in flags}
    counts["without a temperature"] = int(np.count_nonzero(~np.isfinite(temperatures.temperature)))
    found = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "none"
    return f"of {temperatures.flag.size} pixels are flagged {found}", _KEEP_MISFITS if counts.get("MISFIT") else None


def isotherm(planes: GradientField, level: float) -> list[tuple[Array, Array]]:
    """Segments between points (x, y), m, of a line of equal temperature (K) of the planes of a map along (y, x).

    By linear interpolation along the edges between pixels; the uncertainty across them is `planes.isotherm_sigma`.
    """
    if len(planes.position) != 2:
        raise InputError(f"isotherms need a map along two positions, got {len(planes.position)}")
    y, x = planes.position
    above = planes.temperature - level
    segments: list[tuple[Array, Array]] = []
    for i in range(y.size - 1):
        for j in range(x.size - 1):
            corners = above[[i, i, i + 1, i + 1], [j, j + 1, j + 1, j]]
            if not np.isfinite(corners).all() or (corners > 0).all() or (corners <= 0).all():
                continue
            places = np.array([[x[j], y[i]], [x[j + 1], y[i]], [x[j + 1], y[i + 1]], [x[j], y[i + 1]]])
            segments += _cell_segments(corners, places)
    return segments


def _cell_segments(corners: Array, places: Array) -> list[tuple[Array, Array]]:
    """Segments in which a level crosses one cell; at a saddle the corners that are above stay apart."""
    points: list[Array] = []
    for a, b in ((0, 1), (1, 2), (2, 3), (3, 0)):
        if (corners[a] > 0) != (corners[b] > 0):
            share = corners[a] / (corners[a] - corners[b])
            points.append(places[a] + share * (places[b] - places[a]))
    if len(points) == 4 and corners[0] > 0:
        points = [points[3], *points[:3]]
    return [(points[k], points[k + 1]) for k in range(0, len(points), 2)]
