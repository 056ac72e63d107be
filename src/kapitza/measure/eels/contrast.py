"""Weights of both materials in the temperature of a spectrum that shows both, as delocalised losses do.

The common temperature of such a spectrum is nearer to that of the material whose modes have more weight.
"""

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, BoolArray, about, increasing, numbers, positive, same_length
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.measure.eels.map import UNUSABLE_OR_MISFIT, TemperatureMap
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
    # weight of the temperature of each mode in the common one
    pull = mode_information(by_mode, visible_modes(by_mode) & usable[..., None]).sum(axis=-1)
    weight = _row_means(pull / np.where(usable, pull.sum(axis=-1), 1.0)[..., None], usable)[use]
    seen = np.maximum(spread.branches(x - at)[:, :2] @ sides, 1e-12 * sides.max())
    with np.errstate(divide="ignore", invalid="ignore"):
        left, right = (weight / seen) @ sides[0], (weight / seen) @ sides[1]
        ratio = np.where((left > 0) & (right > 0), right / left, np.where(left > 0, MIN_CONTRAST, MAX_CONTRAST))
    return SideContrast(x, np.clip(ratio, MIN_CONTRAST, MAX_CONTRAST))


def usable_pixels(by_mode: TemperatureMap, drop: int) -> BoolArray:
    """(...) pixels that are good and show the temperature of some mode, of a map with one for each mode."""
    if not by_mode.position or f"{by_mode.modes[0]}.temperature" not in by_mode.names:
        raise InputError(f"expected a map with a temperature for each of {len(by_mode.modes)} modes along one position")
    return ((by_mode.flag & drop) == 0) & visible_modes(by_mode).any(axis=-1)


def visible_modes(by_mode: TemperatureMap) -> BoolArray:
    """(..., m) whether a pixel shows the temperature of a mode: none shows that of one that its material lacks."""
    return np.stack([by_mode.is_determined(f"{mode}.temperature") for mode in by_mode.modes], axis=-1)


def mode_information(by_mode: TemperatureMap, visible: BoolArray) -> Array:
    """(..., m, m) inverse covariance of the temperatures of the modes that are shown, K⁻²; zero for all others."""
    places = by_mode.mode_parameters("temperature")
    both = visible[..., :, None] & visible[..., None, :]
    covariance = np.where(both, by_mode.covariance[..., places, :][..., places], np.eye(len(places)))
    return np.where(both, np.linalg.inv(covariance), 0.0)


def side_strengths(by_mode: TemperatureMap, at: float, spread: PointSpread, usable: BoolArray) -> Array:
    """(2, m) strength of each mode in the left and the right material, as shares of the zero-loss peak."""
    from scipy.optimize import nnls

    use = usable.sum(axis=by_mode.rows) > 0
    amplitude = np.where(usable, by_mode.parameter("amplitude"), 1.0)
    relative = by_mode.value[..., by_mode.mode_parameters("intensity")] / amplitude[..., None]
    share = spread.branches(by_mode.position[-1][use] - at)[:, :2]
    sides: list[Array] = []
    for strength in _row_means(relative, usable)[use].T:
        size = float(np.abs(strength).max()) or 1.0
        sides.append(nnls(share, strength / size)[0] * size)
    return np.stack(sides, axis=1)


def _row_means(values: Array, usable: BoolArray) -> Array:
    """(nx, m) means of values (..., m) over the usable rows of each column."""
    rows = tuple(range(usable.ndim - 1))
    total = np.where(usable[..., None], values, 0.0).sum(axis=rows)
    return total / np.maximum(usable.sum(axis=rows), 1)[..., None]
