"""Temperature profiles by scanning probes: what a tip reads is not the temperature under it.

A tip averages over its contact, or over near field and laser spot, and a thermal probe shows a share of the difference
to its surroundings alone.  The jump is fitted to what the tip reads by a forward model; nothing is deconvolved.
"""

from typing import Any

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, about, quantity
from kapitza.core.profile import Jump, Profile
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.measure.eels.jump import InterfaceJump, fit_jump
from kapitza.measure.eels.point_spread import PointSpread, SideContrast
from kapitza.units import nm

_FWHM_IN_SIGMA = 2 * np.sqrt(2 * np.log(2))  # of a normal distribution, in standard deviations
_NOT_NEGATIVE = quantity(low=-1e-300)


def _uncertainty(unit: str, of: str) -> Any:
    return field(default=0.0, validator=_NOT_NEGATIVE, metadata=about(unit, f"uncertainty of the {of}"))


@frozen(kw_only=True)
class ThermalProbe(BaseRecord):
    r"""Tip of a scanning thermal microscope, in contact with the specimen over a disc.

    On the side $s$ it reads $T_0 + r_s(\overline{T} - T_0)$, with the mean $\overline{T}$ over the disc.  The response
    $r = R_t/(R_t + R_c)$ follows from the thermal resistances of tip and contact, and differs between two materials
    because the contact does.  Across the line of a scan the disc has the standard deviation radius/2; the kernel is a
    normal one of this width.

    Attributes
    ----------
    response_left, response_right : $r$ on either material, from a calibration there, above 0 up to 1
    common : whether both responses are one number with one error, as for two materials of equal contact

    Sources
    -------
    S. Gomès, A. Assy, P.-O. Chapuis, Phys. Status Solidi A 212, 477 (2015), doi:10.1002/pssa.201400360
    """

    radius: float = field(validator=_NOT_NEGATIVE, metadata=about("m", "radius of the contact"))
    ambient: float = field(
        default=293.15, validator=quantity(high=1e4), metadata=about("K", "temperature of the cold tip")
    )
    response_left: float = field(default=1.0, validator=quantity(high=1.0), metadata=about("1", "response on the left"))
    response_right: float = field(
        default=1.0, validator=quantity(high=1.0), metadata=about("1", "the same on the right")
    )
    radius_sigma: float = _uncertainty("m", "radius")
    left_sigma: float = _uncertainty("1", "left response")
    right_sigma: float = _uncertainty("1", "right response")
    common: bool = False

    def __attrs_post_init__(self) -> None:
        left, right = (self.response_left, self.left_sigma), (self.response_right, self.right_sigma)
        if self.common and left != right:
            raise InputError(
                f"one response for both sides, got {left[0]:g} ± {left[1]:g} and {right[0]:g} ± {right[1]:g}"
            )

    @property
    def spread(self) -> PointSpread:
        """Kernel along the scan."""
        return PointSpread(self.radius / 2, width_sigma=self.radius_sigma / 2)


@frozen(kw_only=True)
class RamanProbe(BaseRecord):
    """Tip that enhances Raman scattering under it, in the spot of a laser.

    The signal is that of the near field, a normal kernel, and a share from all of the spot, another one.  The
    temperature that is read is the mean over both, as from the shift of a line; both materials weigh the same.

    Attributes
    ----------
    near_field, spot : full widths at half maximum
    far_share : share of the signal that comes from the spot without the tip, as seen with the tip withdrawn

    Sources
    -------
    C. Georgi, A. Hartschuh, Appl. Phys. Lett. 97, 143117 (2010): 15 nm at localised defects
    """

    near_field: float = field(validator=_NOT_NEGATIVE, metadata=about("m", "width of the near field"))
    spot: float = field(default=500e-9, validator=quantity(), metadata=about("m", "width of the laser spot"))
    far_share: float = field(
        default=0.0, validator=quantity(low=-1e-300, high=1.0), metadata=about("1", "share of the far field")
    )
    near_field_sigma: float = _uncertainty("m", "near field")
    far_share_sigma: float = _uncertainty("1", "far share")

    def __attrs_post_init__(self) -> None:
        if self.far_share > 0 and self.spot < self.near_field:
            raise InputError(
                f"a spot of {self.spot / nm:g} nm and a near field of {self.near_field / nm:g} nm: expected the near "
                "field inside of the spot"
            )

    @property
    def spread(self) -> PointSpread:
        """Kernel along the scan."""
        return PointSpread(
            self.near_field / _FWHM_IN_SIGMA,
            self.far_share,
            self.spot / _FWHM_IN_SIGMA,
            width_sigma=self.near_field_sigma / _FWHM_IN_SIGMA,
            share_sigma=self.far_share_sigma,
            tail="normal",
        )


def probe_reading(branches: Array, position: Array, probe: ThermalProbe | RamanProbe) -> Array:
    """(n,) temperature that a tip reads at distances (m) from a plane between two straight branches, K.

    Parameters
    ----------
    branches : (4,) temperatures left and right at the plane, K, and gradients left and right, K m⁻¹
    """
    ambient, response = _response(probe)
    from_ambient = np.asarray(branches, dtype=float) - [ambient, ambient, 0, 0]
    return ambient + probe.spread.branches(position) @ (response[[0, 1, 0, 1]] * from_ambient)


def fit_probe_jump(
    profile: Profile,
    at: float,
    probe: ThermalProbe | RamanProbe,
    *,
    at_sigma: float = 0.0,
    skip: float = 0.0,
    reach: float = np.inf,
) -> InterfaceJump:
    r"""Jump of the specimen from what a tip reads: branches seen through its kernel and its response.

    $T_\mathrm{tip} - T_0 = \sum_s r_s \int_s K(x - x')[T_s(x') - T_0]\,dx'$.  Errors of the responses enter the
    covariance to first order; where the response is common to both sides it cancels in the Kapitza lengths.

    Parameters
    ----------
    profile : what the tip reads, along the normal
    at : position of the plane, m; fitted where `at_sigma` is above zero
    probe : the tip
    skip, reach : only points between these distances from the plane are used, m

    Returns
    -------
    InterfaceJump of the specimen; its residuals are those of the tip

    Raises
    ------
    InputError
        if fewer than two points are left on a side

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza import Profile
    >>> from kapitza.thermometry import ThermalProbe, fit_probe_jump
    >>> position = np.arange(-20, 21) * 1e-9
    >>> kelvin = np.where(position < 0, 300 - 1e8 * position, 290 - 2e8 * position)
    >>> probe = ThermalProbe(radius=1e-9, ambient=295.0, response_left=1.0, response_right=1.0)
    >>> found = fit_probe_jump(Profile(position, kelvin, np.full(41, 0.2)), 0.0, probe, skip=2e-9)
    >>> print(f"{found.jump.jump:.1f} ± {found.jump.sigma:.1f} K")
    10.0 ± 0.1 K
    """
    ambient, response = _response(probe)
    tip = evolve(profile, temperature=profile.temperature - ambient)
    seen = fit_jump(tip, at, probe.spread, at_sigma=at_sigma, skip=skip, reach=reach)
    scale = np.ones(seen.value.size)
    scale[:4] = 1 / response[[0, 1, 0, 1]]
    value = seen.value * scale
    covariance = seen.covariance * np.outer(scale, scale)
    for pull, sigma in _response_errors(probe, response):
        change = np.zeros(value.size)
        change[:4] = -value[:4] * pull[[0, 1, 0, 1]] * sigma
        covariance = covariance + np.outer(change, change)
    to_jump = np.zeros((3, value.size))
    to_jump[0, :2], to_jump[1, 2], to_jump[2, 3] = (1, -1), 1, 1
    jump, left, right = map(float, to_jump @ value)
    value[:2] += ambient
    ratio = float(response[1] / response[0])
    return evolve(
        seen,
        jump=Jump(
            at=seen.jump.at,
            temperature=float(value[:2].mean()),
            jump=jump,
            gradient_left=left,
            gradient_right=right,
            covariance=to_jump @ covariance @ to_jump.T,
            chi2=seen.jump.chi2,
            freedom=seen.jump.freedom,
        ),
        value=value,
        covariance=covariance,
        contrast=None if ratio == 1 else SideContrast([seen.jump.at - 1e-9, seen.jump.at + 1e-9], [ratio, ratio]),
    )


def specimen_profile(profile: Profile, found: InterfaceJump, probe: ThermalProbe | RamanProbe) -> Profile:
    """What the tip reads as a temperature of the specimen, seen through the kernel alone: its response taken off."""
    ambient, response = _response(probe)
    step = found.spread.step(profile.position - found.jump.at)
    share = response[0] * (1 - step) + response[1] * step
    kelvin = ambient + (profile.temperature - ambient) / share
    if profile.covariance is not None:
        return evolve(profile, temperature=kelvin, covariance=profile.covariance / np.outer(share, share))
    return evolve(profile, temperature=kelvin, sigma=None if profile.sigma is None else profile.sigma / share)


def _response(probe: ThermalProbe | RamanProbe) -> tuple[float, Array]:
    """Temperature from which the response counts, K, and (2,) responses of the left and the right side."""
    if isinstance(probe, RamanProbe):
        return 0.0, np.ones(2)
    return probe.ambient, np.array([probe.response_left, probe.response_right])


def _response_errors(probe: ThermalProbe | RamanProbe, response: Array) -> list[tuple[Array, float]]:
    """Sides that each independent relative error of the response moves, and its size."""
    if isinstance(probe, RamanProbe):
        return []
    if probe.common:
        return [(np.ones(2), probe.left_sigma / probe.response_left)]
    sigmas = np.array([probe.left_sigma, probe.right_sigma]) / response
    return [(np.array([1.0, 0.0]), float(sigmas[0])), (np.array([0.0, 1.0]), float(sigmas[1]))]
