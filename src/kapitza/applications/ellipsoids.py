"""Ellipsoids and nanotubes in a matrix, with a boundary resistance, aligned or randomly oriented."""

import warnings

import numpy as np
from attrs import field, frozen, validators

from kapitza.applications.composite import check_fraction
from kapitza.core.arrays import about, number, positive, quantity
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord
from kapitza.core.stack import Boundary
from kapitza.errors import InputError, ValidityWarning

_SPHERICITY_TOLERANCE = 1e-3  # from an aspect ratio of 1, within which the series of the depolarisation is used
_OVERLAP_LIMIT = 1.0  # fraction times aspect ratio from which long or flat particles, at random, must touch
_RANDOM_ALIGNMENT = 1 / 3  # mean square cosine of random directions


@frozen
class Ellipsoid(BaseRecord):
    """A particle with one axis that differs from the other two.

    Raises
    ------
    InputError
        for values that are not finite and positive
    """

    conductivity: float = field(
        converter=number, validator=quantity(), metadata=about("W m^-1 K^-1", "on the odd axis")
    )
    diameter: float = field(converter=number, validator=quantity(), metadata=about("m", "across the odd axis"))
    length: float = field(converter=number, validator=quantity(), metadata=about("m", "along the odd axis"))
    transverse_conductivity: float | None = field(
        default=None,
        validator=validators.optional(quantity()),
        metadata=about("W m^-1 K^-1", "across the odd axis; None where it is the same"),
    )

    @property
    def aspect(self) -> float:
        """Length over diameter: above 1 a fibre, below 1 a plate."""
        return self.length / self.diameter


@frozen
class EffectiveMedium(BaseRecord):
    """Conductivity of a composite whose particles are aligned to z.

    Examples
    --------
    >>> from kapitza.applications import Ellipsoid, ellipsoid_composite
    >>> fibre = Ellipsoid(500.0, 1e-6, 20e-6)
    >>> found = ellipsoid_composite(0.2, fibre, 50e6, fraction=0.05, alignment=1.0)
    >>> print(
    ...     f"{found.parallel:.2f} W/mK along the fibres, {found.perpendicular:.2f} across, {found.mean:.2f} on average"
    ... )
    1.64 W/mK along the fibres, 0.22 across, 0.70 on average
    """

    parallel: float = field(metadata=about("W m^-1 K^-1", "along z"))
    perpendicular: float = field(metadata=about("W m^-1 K^-1", "along x and y"))

    @property
    def mean(self) -> float:
        """Mean over the three directions, W m⁻¹ K⁻¹."""
        return (self.parallel + 2 * self.perpendicular) / 3


def depolarisation_factors(aspect: float) -> tuple[float, float]:
    r"""Factors $L_1$ (across) and $L_3$ (along the odd axis) of an ellipsoid of aspect ratio p, $2L_1 + L_3 = 1$.

    $L_1 = \frac{p^2}{2(p^2-1)} - \frac{p}{2(p^2-1)^{3/2}}\,\mathrm{arcosh}\,p$ for p > 1, with arccos for p < 1; 1/3
    for a sphere.
    """
    if not (np.isfinite(aspect) and aspect > 0):
        raise InputError(f"aspect ratio = {aspect:g}, wanted a finite number above 0")
    excess = aspect - 1
    # near a sphere the closed form loses digits: its series, whose next term is 1e-10 at most
    if abs(excess) < _SPHERICITY_TOLERANCE:
        odd = 1 / 3 - 4 / 15 * excess + 6 / 35 * excess**2
        return (1 - odd) / 2, odd
    square = aspect**2
    if aspect > 1:
        transverse = square / (2 * (square - 1)) - aspect * np.arccosh(aspect) / (2 * (square - 1) ** 1.5)
    else:
        transverse = square / (2 * (square - 1)) + aspect * np.arccos(aspect) / (2 * (1 - square) ** 1.5)
    return float(transverse), float(1 - 2 * transverse)


def ellipsoid_composite(
    matrix: float,
    particle: Ellipsoid,
    conductance: float | Conductance,
    *,
    fraction: float,
    alignment: float = _RANDOM_ALIGNMENT,
    temperature: float = 300.0,
) -> EffectiveMedium:
    r"""Conductivity of ellipsoids in a matrix, with their boundary and their orientation.

    With $\beta_i = (k_i' - k_m)/(k_m + L_i(k_i' - k_m))$ and $c = \langle\cos^2\theta\rangle$,
    $$\frac{k_z}{k_m} = \frac{1 + \phi[\beta_1(1-L_1)(1-c) + \beta_3(1-L_3)c]}
    {1 - \phi[\beta_1L_1(1-c) + \beta_3L_3c]}, \quad
    \frac{k_x}{k_m} = \frac{2 + \phi[\beta_1(1-L_1)(1+c) + \beta_3(1-L_3)(1-c)]}
    {2 - \phi[\beta_1L_1(1+c) + \beta_3L_3(1-c)]} .$$
    The boundary enters by $\gamma = (2 + 1/p)\,a_K/a_1$ for fibres and $(1 + 2p)\,a_K/a_3$ for plates, $a_K = Rk_m$,
    $a_1$ and $a_3$ half the diameter and half the length.

    Parameters
    ----------
    matrix : conductivity, W m⁻¹ K⁻¹
    particle : shape and conductivity
    conductance : of the boundary, a number or a Conductance of T with the extrapolated drop, W m⁻² K⁻¹
    fraction : of the volume
    alignment : mean of cos² of the angle to z: 1 all along z, 1/3 all directions, 0 all in the plane
    temperature : at which a Conductance of T is taken, K

    Raises
    ------
    InputError
        for values outside of their range

    Warns
    -----
    ValidityWarning
        where particles are so long or flat that they must touch (fraction times aspect ratio above 1)

    References
    ----------
    C.-W. Nan, R. Birringer, D. R. Clarke and H. Gleiter, J. Appl. Phys. 81, 6692 (1997), doi:10.1063/1.365209
    """
    _check_medium(fraction, alignment, particle.aspect)
    l1, l3 = depolarisation_factors(particle.aspect)
    kapitza = Boundary(conductance).resistance(temperature) * matrix
    p, thinnest = particle.aspect, min(particle.diameter, particle.length) / 2
    gamma = (2 + 1 / p if p >= 1 else 1 + 2 * p) * kapitza / thinnest
    b1 = _polarisability(particle.transverse_conductivity or particle.conductivity, matrix, gamma, l1)
    b3 = _polarisability(particle.conductivity, matrix, gamma, l3)
    return _oriented_medium(matrix, (b1, b3), (l1, l3), fraction, alignment)


def _oriented_medium(
    matrix: float, response: tuple[float, float], factors: tuple[float, float], fraction: float, alignment: float
) -> EffectiveMedium:
    """Effective medium of particles with these responses β and depolarisations L, across and along their odd axis."""
    b1, b3 = response
    l1, l3 = factors
    c = alignment
    above, below = b1 * (1 - l1) * (1 - c) + b3 * (1 - l3) * c, b1 * l1 * (1 - c) + b3 * l3 * c
    along = matrix * (1 + fraction * above) / (1 - fraction * below)
    above, below = b1 * (1 - l1) * (1 + c) + b3 * (1 - l3) * (1 - c), b1 * l1 * (1 + c) + b3 * l3 * (1 - c)
    return EffectiveMedium(along, matrix * (2 + fraction * above) / (2 - fraction * below))


def _check_medium(fraction: float, alignment: float, aspect: float) -> None:
    """Refuse fractions out of range; warn of particles so long or flat that they must touch."""
    check_fraction(fraction)
    if not 0 <= alignment <= 1:
        raise InputError(f"alignment = {alignment:g}, wanted a mean of cos² from 0 to 1")
    if fraction * max(aspect, 1 / aspect) > _OVERLAP_LIMIT and alignment not in (0.0, 1.0):
        warnings.warn(
            f"a fraction of {fraction:g} of particles with the aspect ratio {aspect:g}: they touch, which an effective "
            "medium of single particles does not know",
            ValidityWarning,
            stacklevel=3,
        )


def _polarisability(particle: float, matrix: float, gamma: float, factor: float) -> float:
    """Response β of one principal direction, with the boundary in the conductivity of the particle."""
    inside = particle / (1 + gamma * factor * particle / matrix)
    return (inside - matrix) / (matrix + factor * (inside - matrix))


GRAPHENE_CAPACITY = 7.6e-7 * 710.0  # J m⁻² K⁻¹: 0.76 mg/m² of carbon, with the specific heat of graphite at 300 K


@frozen
class Nanotube(BaseRecord):
    """A nanotube: length and diameter (m), conductivity along its axis on its full cross section (W m⁻¹ K⁻¹)."""

    conductivity: float = field(
        converter=number,
        validator=quantity(),
        metadata=about("W m^-1 K^-1", "along the axis, on the full cross-section"),
    )
    diameter: float = field(converter=number, validator=quantity(), metadata=about("m", "outer diameter"))
    length: float = field(converter=number, validator=quantity(), metadata=about("m", "length"))


def nanotube_composite(
    matrix: float,
    tube: Nanotube,
    conductance: float | Conductance,
    *,
    fraction: float,
    alignment: float = _RANDOM_ALIGNMENT,
    temperature: float = 300.0,
) -> EffectiveMedium:
    """Conductivity of nanotubes in a matrix (W m⁻¹ K⁻¹); conductance (W m⁻² K⁻¹) and alignment as for
    `ellipsoid_composite`.

    Heat enters a tube over its wall and its ends: along its axis it conducts as $k_c/(1 + 2Rk_c/L)$, across it as
    $k_c/(1 + 2Rk_c/d)$, and it depolarises as an infinite cylinder; boundaries at the ends of tubes, and between tubes,
    are left out. C.-W. Nan, G. Liu, Y. Lin and M. Li, Appl. Phys. Lett. 85, 3549 (2004), doi:10.1063/1.1808874.
    """
    _check_medium(fraction, alignment, tube.length / tube.diameter)
    outside = float(positive(matrix)[0])
    resistance = Boundary(conductance).resistance(temperature)
    ends = (tube.diameter, tube.length)
    across, along = (tube.conductivity / (1 + 2 * resistance * tube.conductivity / size) for size in ends)
    response = 2 * (across - outside) / (across + outside), along / outside - 1
    return _oriented_medium(outside, response, (0.5, 0.0), fraction, alignment)


def cooling_time(
    conductance: float | Conductance, *, per_area: float = GRAPHENE_CAPACITY, temperature: float = 300.0
) -> float:
    r"""Time in which a heated tube of heat capacity `per_area` (J m⁻² K⁻¹) cools through its wall into a matrix that
    stays cold, $\tau = C_A/G$, s.
    """
    return float(positive(per_area)[0]) * Boundary(conductance).resistance(temperature)
