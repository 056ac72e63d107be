"""Point spread of a scan along the normal, and the weights of both materials in spectra that show both.

A local part and a delocalised one, which long-range losses bring.  The common temperature of a spectrum that shows both
materials is nearer to that of the material whose modes have more weight.
"""

from typing import Literal

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, BoolArray, about, increasing, numbers, one_of, positive, same_length
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.measure.eels.map import UNUSABLE_OR_MISFIT, TemperatureMap
from kapitza.units import c_light, e, h, nm

_FAR_WIDTHS = 30.0  # widths from where a normal distribution is 0 to rounding
SpreadTail = Literal["exponential", "normal"]

_ELECTRON_REST = 510998.95 * e  # J, rest energy of the electron (CODATA 2022)
MIN_CONTRAST, MAX_CONTRAST = 1e-3, 1e3  # of a contrast: what is seen of the other side is noise beyond


@frozen
class PointSpread(BaseRecord):
    r"""Kernel $(1 - s) N_w + s L_\ell$ through which a profile is seen.

    Attributes
    ----------
    width : standard deviation $w$ of the local part: probe, pixel and drift together, m
    share : part $s$ of the signal that is delocalised, 0 to 1
    length : decay length of the delocalised part, $e^{-|x|/\ell}/2\ell$, m; its standard deviation where it is normal
    width_sigma, share_sigma, length_sigma : standard uncertainties; 0 where exact
    tail : law of the delocalised part: "exponential", or "normal" as for the far field of a laser spot

    Raises
    ------
    InputError
        for negative widths or uncertainties, a share outside 0 to 1, or a length that is not above zero
    """

    width: float = field(default=0.0, metadata=about("m", "standard deviation of the local part"))
    share: float = field(default=0.0, metadata=about("1", "delocalised fraction of the signal"))
    length: float = field(default=50 * nm, metadata=about("m", "decay length of the delocalised part"))
    width_sigma: float = field(default=0.0, kw_only=True, metadata=about("m", "uncertainty of the width"))
    share_sigma: float = field(default=0.0, kw_only=True, metadata=about("1", "uncertainty of the share"))
    length_sigma: float = field(default=0.0, kw_only=True, metadata=about("m", "uncertainty of the length"))
    tail: SpreadTail = field(default="exponential", kw_only=True, validator=one_of("exponential", "normal"))

    def __attrs_post_init__(self) -> None:
        for name in ("width", "width_sigma", "share_sigma", "length_sigma"):
            if not 0 <= getattr(self, name) < np.inf:
                raise InputError(f"point spread: {name} = {getattr(self, name):g}, wanted 0 or more")
        if not 0 <= self.share <= 1:
            raise InputError(f"point spread: share = {self.share:g}, wanted 0 to 1")
        if not 0 < self.length < np.inf:
            raise InputError(f"point spread: length = {self.length:g} m, wanted above 0")

    def step(self, x: ArrayLike) -> Array:
        """(n,) unit step at 0 as it is seen at x (m)."""
        return self._step_and_ramp(numbers(x))[0]

    def ramp(self, x: ArrayLike) -> Array:
        """(n,) max(x, 0) as it is seen at x, m."""
        return self._step_and_ramp(numbers(x))[1]

    def branches(self, x: ArrayLike) -> Array:
        """(n, 4) what unit values left and right and unit gradients left and right give at distances x (m)."""
        at = numbers(x)
        step, ramp = self._step_and_ramp(at)
        return np.column_stack([1 - step, step, at - ramp, ramp])

    def _step_and_ramp(self, x: Array) -> tuple[Array, Array]:
        """Step and ramp in closed form; the kernels are even, so that a straight line stays what it is."""
        if self.width > 0:
            step, ramp = _normal_step_and_ramp(x, self.width)
        else:
            step, ramp = np.heaviside(x, 0.5), np.maximum(x, 0.0)
        if self.share == 0:
            return step, ramp
        if self.tail == "normal":
            far_step, far_ramp = _normal_step_and_ramp(x, self.length)
        else:
            half = np.exp(-np.abs(x) / self.length) / 2
            far_step = np.where(x > 0, 1 - half, half)
            far_ramp = np.maximum(x, 0.0) + self.length * half
        return (1 - self.share) * step + self.share * far_step, (1 - self.share) * ramp + self.share * far_ramp


def _normal_step_and_ramp(x: Array, width: float) -> tuple[Array, Array]:
    """Step and ramp through a normal kernel of this standard deviation (m)."""
    from scipy.special import ndtr

    t = np.clip(x, -_FAR_WIDTHS * width, _FAR_WIDTHS * width) / width
    step = ndtr(t)
    return step, x * step + width * np.exp(-t * t / 2) / np.sqrt(2 * np.pi)


def delocalisation(energy: float, voltage: float) -> float:
    r"""Diameter from which half of the dipole losses at an energy (J) come in a beam of this voltage (V), m.

    $L_{50} \approx \lambda / 2\theta_E^{3/4}$ with $\theta_E = E/(\gamma m v^2)$: 100 nm for 80 meV at 60 kV.  Only
    scattering to large angles is local; on axis, a step of a few nm is not seen as one.

    R. F. Egerton, Electron Energy-Loss Spectroscopy in the Electron Microscope (Springer, 2011),
    doi:10.1007/978-1-4419-9583-4
    """
    if not (energy > 0 and voltage > 0):
        raise InputError(f"energy = {energy:g} J and voltage = {voltage:g} V, wanted both above 0")
    kinetic = e * voltage
    momentum = np.sqrt(kinetic * (kinetic + 2 * _ELECTRON_REST)) / c_light
    gamma = 1 + kinetic / _ELECTRON_REST
    speed2 = 1 - gamma**-2  # in units of c²
    theta = energy / (gamma * _ELECTRON_REST * speed2)
    return float(0.5 * h / momentum / theta**0.75)


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
