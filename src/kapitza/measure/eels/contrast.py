"""Weights of both materials in the temperature of a spectrum that shows both, as delocalised losses do.

The common temperature of such a spectrum is nearer to that of the material whose modes have more weight.
"""

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, increasing, numbers, positive, same_length
from kapitza.errors import InputError
from kapitza.measure.eels.gradients import UNUSABLE_OR_MISFIT
from kapitza.measure.eels.map import TemperatureMap
from kapitza.measure.eels.point_spread import PointSpread

MIN_CONTRAST, MAX_CONTRAST = 1e-3, 1e3  # of a contrast: what is seen of the other side is noise beyond


@frozen(eq=False)
class SideContrast:
    """Weight of the right material over that of the left one in the temperature that is seen.

    Attributes
    ----------
    position : (n,) increasing, m
    ratio : (n,) for the same number of electrons that passed either material, above zero
    """

    position: Array = field(converter=increasing, metadata={"unit": "m"})
    ratio: Array = field(converter=positive, validator=same_length("position"), metadata={"unit": "1"})

    def at(self, position: ArrayLike) -> Array:
        """(k,) ratio at other places, its logarithm interpolated; constant beyond the ends."""
        return np.exp(np.interp(numbers(position), self.position, np.log(self.ratio)))


def side_contrast(
    each: TemperatureMap, at: float, spread: PointSpread, *, drop: int = UNUSABLE_OR_MISFIT
) -> SideContrast:
    r"""Weights of both materials in the common temperature, from a fit with a temperature for each mode.

    The common temperature of a spectrum is $T = \sum_j c_j T_j$ with $c = C^{-1}1/(1^TC^{-1}1)$ and the covariance $C$
    of the mode temperatures (generalised least squares).  Where a share $a_s$ of the electrons sees the material $s$
    with the strengths $S_{js}$ of its modes, $T_j = \sum_s a_sS_{js}T_s/\sum_s a_sS_{js}$, hence $s$ enters $T$ with
    $a_su_s$, $u_s = \sum_j c_jS_{js}/\sum_{s'}a_{s'}S_{js'}$.  Strengths come from the intensities of the map, which
    mix in proportion to $a_s$.  First order in the difference of the temperatures.

    Parameters
    ----------
    each : fit with a temperature for each mode, along (y, x) or (x,), with the interface normal to x
    at : position of the plane, m
    spread : point spread
    drop : bits of `PixelFlag` of pixels that are left out

    Returns
    -------
    SideContrast $u_R/u_L$ at each x with a good pixel

    Raises
    ------
    InputError
        for a fit with one temperature, or without good pixels on both sides
    """
    good = usable_pixels(each, drop)
    use = good.sum(axis=each.rows) > 0
    x = each.position[-1][use]
    if not (x < at).any() or not (x > at).any():
        raise InputError(f"good pixels from {x.min():g} to {x.max():g} m are not on both sides of {at:g} m")
    sides = side_strengths(each, at, spread, good)
    weight = _mode_weights(each, good)[use]
    seen = np.maximum(spread.branches(x - at)[:, :2] @ sides, 1e-12 * sides.max())
    with np.errstate(divide="ignore", invalid="ignore"):
        left, right = (weight / seen) @ sides[0], (weight / seen) @ sides[1]
        ratio = np.where((left > 0) & (right > 0), right / left, np.where(left > 0, MIN_CONTRAST, MAX_CONTRAST))
    return SideContrast(x, np.clip(ratio, MIN_CONTRAST, MAX_CONTRAST))


def usable_pixels(each: TemperatureMap, drop: int) -> NDArray[np.bool_]:
    """(...) pixels that are good and show the temperature of some mode, of a map with one for each mode."""
    if not each.position or f"{each.modes[0]}.temperature" not in each.names:
        raise InputError(f"expected a map with a temperature for each of {len(each.modes)} modes along one position")
    return ((each.flag & drop) == 0) & visible_modes(each).any(axis=-1)


def visible_modes(each: TemperatureMap) -> NDArray[np.bool_]:
    """(..., m) whether a pixel shows the temperature of a mode: none shows that of one that its material lacks."""
    return np.stack([each.determined(f"{mode}.temperature") for mode in each.modes], axis=-1)


def mode_information(each: TemperatureMap, shown: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(..., m, m) inverse covariance of the temperatures of the modes that are shown, K⁻²; zero for all others."""
    places = [each.index(f"{mode}.temperature") for mode in each.modes]
    both = shown[..., :, None] & shown[..., None, :]
    covariance = np.where(both, each.covariance[..., places, :][..., places], np.eye(len(places)))
    return np.where(both, np.linalg.inv(covariance), 0.0)


def side_strengths(
    each: TemperatureMap, at: float, spread: PointSpread, good: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(2, m) strength of each mode in the left and the right material, as shares of the zero-loss peak."""
    use = good.sum(axis=each.rows) > 0
    strength = _column_means(each, good, "intensity")[use]
    share = spread.branches(each.position[-1][use] - at)[:, :2]
    return np.stack([_nonnegative_mixture(share, one) for one in strength.T], axis=1)


def _column_means(found: TemperatureMap, good: NDArray[np.bool_], word: str) -> NDArray[np.float64]:
    """(nx, m) mean over the good rows of a parameter of each mode, over the amplitude of the zero-loss peak."""
    rows = found.rows
    amplitude = np.where(good, found.parameter("amplitude"), 1.0)
    values = np.stack([found.parameter(f"{mode}.{word}") for mode in found.modes], axis=-1)
    values = np.where(good[..., None], values / amplitude[..., None], 0.0)
    return values.sum(axis=rows) / np.maximum(good.sum(axis=rows), 1)[..., None]


def _mode_weights(each: TemperatureMap, good: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(nx, m) weight of the temperature of each mode in the common one, the mean over the good rows."""
    pull = mode_information(each, visible_modes(each) & good[..., None]).sum(axis=-1)
    pull = np.where(good[..., None], pull, 1.0)
    pull /= pull.sum(axis=-1, keepdims=True)
    rows = each.rows
    return np.where(good[..., None], pull, 0.0).sum(axis=rows) / np.maximum(good.sum(axis=rows), 1)[..., None]


def _nonnegative_mixture(share: NDArray[np.float64], strength: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2,) strengths of both sides, none below zero, that mix to those that were seen."""
    from scipy.optimize import nnls

    size = float(np.abs(strength).max()) or 1.0
    found, _ = nnls(share, strength / size)
    return found * size
