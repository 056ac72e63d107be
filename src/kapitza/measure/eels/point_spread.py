"""Point spread of a scan along the normal: a local part, and a delocalised one that long-range losses bring."""

from typing import Literal

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, numbers, one_of
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.units import c_light, e, h, nm

_FAR_WIDTHS = 30.0  # widths from where a normal distribution is 0 to rounding
SpreadTail = Literal["exponential", "normal"]

_ELECTRON_REST = 510998.95 * e  # J, rest energy of the electron (CODATA 2022)


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
