"""Weights of both materials in the temperature of a spectrum that shows both, as delocalised losses do.

The common temperature of such a spectrum is nearer to that of the material whose modes have more weight.
"""

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, about, increasing, numbers, positive, same_length
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.measure.eels.gradients import UNUSABLE_OR_MISFIT
from kapitza.measure.eels.map import TemperatureMap
from kapitza.measure.eels.point_spread import PointSpread

MIN_CONTRAST, MAX_CONTRAST = 1e-3, 1e3  # of a contrast: what is seen of the other side is noise beyond


@frozen(eq=False)
class SideContrast(BaseRecord):
    """Weight of the right material over that of the left one in the temperature that is seen.

    Attributes
    ----------
    ratio : (n,) for the same number of electrons that passed either material, above zero

    Examples
    --------
    >>> from kapitza.eels import SideContrast
    >>> from kapitza.units import nm
    >>> contrast = SideContrast([-2 * nm, 2 * nm], [0.5, 2.0])
    >>> print(contrast.at([-10 * nm, 0.0, 2 * nm]))  # how much more of the signal comes from one side
    [0.5 1.  2. ]
    """

    position: Array = field(converter=increasing, metadata=about("m", "position"))
    ratio: Array = field(converter=positive, validator=same_length("position"), metadata=about("1", "ratio"))

    def at(self, position: ArrayLike) -> Array:
        """(k,) ratio at other places, its logarithm interpolated; constant beyond the ends."""
        return np.exp(np.interp(numbers(position), self.position, np.log(self.ratio)))


def side_contrast(
    by_mode: TemperatureMap, at: float, spread: PointSpread, *, drop: int = UNUSABLE_OR_MISFIT
) -> SideContrast:
    r"""Weights of both materials in the common temperature, from a fit with a temperature for each mode.

    The common temperature of a spectrum is $T = \sum_j c_j T_j$ with $c = C^{-1}1/(1^TC^{-1}1)$ and the covariance $C$
    of the mode temperatures (generalised least squares).  Where a share $a_s$ of the electrons sees the material $s$
    with the strengths $S_{js}$ of its modes, $T_j = \sum_s a_sS_{js}T_s/\sum_s a_sS_{js}$, hence $s$ enters $T$ with
    $a_su_s$, $u_s = \sum_j c_jS_{js}/\sum_{s'}a_{s'}S_{js'}$.  Strengths come from the intensities of the map, which
    mix in proportion to $a_s$.  First order in the difference of the temperatures.

    Parameters
    ----------
    by_mode : fit with a temperature for each mode, along (y, x) or (x,), with the interface normal to x
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
    usable = usable_pixels(by_mode, drop)
    use = usable.sum(axis=by_mode.rows) > 0
    x = by_mode.position[-1][use]
    if not (x < at).any() or not (x > at).any():
        raise InputError(f"good pixels from {x.min():g} to {x.max():g} m are not on both sides of {at:g} m")
    sides = side_strengths(by_mode, at, spread, usable)
    weight = _mode_weights(by_mode, usable)[use]
    seen = np.maximum(spread.branches(x - at)[:, :2] @ sides, 1e-12 * sides.max())
    with np.errstate(divide="ignore", invalid="ignore"):
        left, right = (weight / seen) @ sides[0], (weight / seen) @ sides[1]
        ratio = np.where((left > 0) & (right > 0), right / left, np.where(left > 0, MIN_CONTRAST, MAX_CONTRAST))
    return SideContrast(x, np.clip(ratio, MIN_CONTRAST, MAX_CONTRAST))


def usable_pixels(by_mode: TemperatureMap, drop: int) -> NDArray[np.bool_]:
    """(...) pixels that are good and show the temperature of some mode, of a map with one for each mode."""
    if not by_mode.position or f"{by_mode.modes[0]}.temperature" not in by_mode.names:
        raise InputError(f"expected a map with a temperature for each of {len(by_mode.modes)} modes along one position")
    return ((by_mode.flag & drop) == 0) & visible_modes(by_mode).any(axis=-1)


def visible_modes(by_mode: TemperatureMap) -> NDArray[np.bool_]:
    """(..., m) whether a pixel shows the temperature of a mode: none shows that of one that its material lacks."""
    return np.stack([by_mode.is_determined(f"{mode}.temperature") for mode in by_mode.modes], axis=-1)


def mode_information(by_mode: TemperatureMap, visible: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(..., m, m) inverse covariance of the temperatures of the modes that are shown, K⁻²; zero for all others."""
    places = [by_mode.index(f"{mode}.temperature") for mode in by_mode.modes]
    both = visible[..., :, None] & visible[..., None, :]
    covariance = np.where(both, by_mode.covariance[..., places, :][..., places], np.eye(len(places)))
    return np.where(both, np.linalg.inv(covariance), 0.0)


def side_strengths(
    by_mode: TemperatureMap, at: float, spread: PointSpread, usable: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(2, m) strength of each mode in the left and the right material, as shares of the zero-loss peak."""
    use = usable.sum(axis=by_mode.rows) > 0
    strength = _column_means(by_mode, usable, "intensity")[use]
    share = spread.branches(by_mode.position[-1][use] - at)[:, :2]
    return np.stack([_nonnegative_mixture(share, one) for one in strength.T], axis=1)


def _column_means(by_mode: TemperatureMap, usable: NDArray[np.bool_], attribute: str) -> NDArray[np.float64]:
    """(nx, m) mean over the good rows of a parameter of each mode, over the amplitude of the zero-loss peak."""
    rows = by_mode.rows
    amplitude = np.where(usable, by_mode.parameter("amplitude"), 1.0)
    values = np.stack([by_mode.parameter(f"{mode}.{attribute}") for mode in by_mode.modes], axis=-1)
    values = np.where(usable[..., None], values / amplitude[..., None], 0.0)
    return values.sum(axis=rows) / np.maximum(usable.sum(axis=rows), 1)[..., None]


def _mode_weights(by_mode: TemperatureMap, usable: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(nx, m) weight of the temperature of each mode in the common one, the mean over the good rows."""
    pull = mode_information(by_mode, visible_modes(by_mode) & usable[..., None]).sum(axis=-1)
    pull = np.where(usable[..., None], pull, 1.0)
    pull /= pull.sum(axis=-1, keepdims=True)
    rows = by_mode.rows
    return np.where(usable[..., None], pull, 0.0).sum(axis=rows) / np.maximum(usable.sum(axis=rows), 1)[..., None]


def _nonnegative_mixture(share: NDArray[np.float64], strength: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2,) strengths of both sides, none below zero, that mix to those that were seen."""
    from scipy.optimize import nnls

    size = float(np.abs(strength).max()) or 1.0
    found, _ = nnls(share, strength / size)
    return found * size
