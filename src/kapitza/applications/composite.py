"""Spheres, ellipsoids and nanotubes in a matrix, with a boundary resistance around each."""

import warnings
from typing import Any, Literal

import numpy as np
from attrs import field, frozen, validators
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from kapitza.applications.free_paths import FreePaths
from kapitza.core.arrays import Array, about, check_choice, number, numbers, positive, quantity, same_length
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord
from kapitza.core.stack import Boundary
from kapitza.errors import InputError, ValidityWarning

ParticleShape = Literal["sphere", "cylinder", "plate"]
MixingRule = Literal["dilute", "differential"]
_MIXING_RULES: tuple[MixingRule, ...] = ("dilute", "differential")

# fraction above which particles feel each other, and Maxwell's rule is only a lower estimate
_MAX_DILUTE_FRACTION = 0.4
_MAX_PACKING_FRACTION = 0.74  # closest packing of equal spheres
_ROOT_TOLERANCE = 1e-15  # relative
_SHAPE_DIMENSIONS: dict[ParticleShape, int] = {"sphere": 3, "cylinder": 2, "plate": 1}


@frozen(eq=False, kw_only=True)
class CompositeConductivity(BaseRecord):
    """Conductivity of a composite for particles of several sizes.

    Examples
    --------
    >>> from kapitza.applications import composite_conductivity
    >>> copper_diamond = composite_conductivity(401.0, 2300.0, 300e6, radius=[1e-6, 10e-6], fraction=0.6)
    >>> print(copper_diamond.value.round(), "W/mK")
    [315. 841.] W/mK
    >>> print(f"particles help above {copper_diamond.critical_radius * 1e6:.1f} µm")
    particles help above 1.6 µm
    """

    radius: Array = field(converter=positive, metadata=about("m", "(n,) of the particles"))
    value: Array = field(
        converter=positive, validator=same_length("radius"), metadata=about("W m^-1 K^-1", "(n,) of the composite")
    )
    matrix: float = field(validator=quantity(), metadata=about("W m^-1 K^-1", "conductivity of the matrix"))
    particle: float = field(validator=quantity(), metadata=about("W m^-1 K^-1", "conductivity of the particles"))
    conductance: float = field(converter=number, metadata=about("W m^-2 K^-1", "of the boundary"))
    fraction: float = field(converter=number, metadata=about("1", "of the volume that is particles"))
    critical_radius: float = field(
        converter=number, metadata=about("m", "below which particles make the matrix worse; infinite if always")
    )
    method: str = ""


def particle_conductivity(particle: ArrayLike, resistance: ArrayLike, radius: ArrayLike) -> Array:
    """(n,) conductivity of a particle together with its boundary, $k_p' = k_p/(1 + k_p R/a)$, W m⁻¹ K⁻¹.

    Exact for a sphere, for a cylinder across its axis, and for a plate of half thickness a across its plane.
    """
    inside = positive(particle)
    return inside / (1 + inside * numbers(resistance) / positive(radius))


def hasselman_johnson(
    matrix: float,
    particle: float,
    conductance: float | Conductance,
    *,
    radius: ArrayLike,
    fraction: float,
    shape: ParticleShape = "sphere",
    temperature: float = 300.0,
) -> Array:
    r"""(n,) conductivity of a composite of equal particles that do not feel each other, W m⁻¹ K⁻¹.

    In d dimensions (sphere 3, cylinder across its axis 2, plate across its plane 1), with $k_p' = k_p/(1 + k_pR/a)$,
    $$k = k_m\frac{k_p' + (d-1)k_m + (d-1)\phi(k_p' - k_m)}{k_p' + (d-1)k_m - \phi(k_p' - k_m)} .$$ D. P. H. Hasselman
    and L. F. Johnson, J. Compos. Mater. 21, 508 (1987). The radius (n,) of plates is half their thickness, m; plates
    are exact at any fraction.
    """
    check_choice(shape, tuple(_SHAPE_DIMENSIONS), "shape")
    check_fraction(fraction)
    if shape != "plate" and fraction > _MAX_DILUTE_FRACTION:
        _warn_dense(fraction, ": take the differential rule")
    outside = float(positive(matrix)[0])
    inside = particle_conductivity(particle, Boundary(conductance).resistance(temperature), radius)
    others = _SHAPE_DIMENSIONS[shape] - 1
    above = inside + others * outside + others * fraction * (inside - outside)
    return outside * above / (inside + others * outside - fraction * (inside - outside))


def differential_effective_medium(
    matrix: float,
    particle: float,
    conductance: float | Conductance,
    *,
    radius: ArrayLike,
    fraction: float,
    temperature: float = 300.0,
) -> Array:
    r"""(n,) conductivity of a composite with many spheres, added a few at a time, W m⁻¹ K⁻¹.

    Each new sphere sees what is there already: $\frac{dk}{d\phi} = \frac{3k}{1-\phi}\,\frac{k_p'-k}{k_p'+2k}$, hence
    $$1 - \phi = \frac{k_p' - k}{k_p' - k_m}\Big(\frac{k_m}{k}\Big)^{1/3} .$$ D. A. G. Bruggeman, Ann. Phys. 416, 636
    (1935), doi:10.1002/andp.19354160705. As $k_p'$ does not depend on what is around, the exponents are those without a
    boundary. A. G. Every, Y. Tzou, D. P. H. Hasselman and R. Raj, Acta Metall. Mater. 40, 123 (1992), hold $Rk/a$
    instead of R fixed, which makes a difference of second order in $Rk_m/a$.
    """
    check_fraction(fraction)
    if fraction > _MAX_PACKING_FRACTION:
        warnings.warn(
            f"a fraction of {fraction:g} is above the closest packing of equal spheres, {_MAX_PACKING_FRACTION:g}",
            ValidityWarning,
            stacklevel=2,
        )
    outside = float(positive(matrix)[0])
    inside = particle_conductivity(particle, Boundary(conductance).resistance(temperature), radius)
    return np.array([_differential_root(outside, float(k), fraction) for k in inside])


def _differential_root(matrix: float, particle: float, fraction: float) -> float:
    """Root of the differential rule between both conductivities, W m⁻¹ K⁻¹."""
    if matrix == particle or fraction == 0:
        return matrix

    def excess(k: float) -> float:  # φ at k_m, φ - 1 at k_p, monotonic between: one root
        return (particle - k) / (particle - matrix) * (matrix / k) ** (1 / 3) - (1 - fraction)

    found: Any = brentq(excess, matrix, particle, xtol=_ROOT_TOLERANCE * min(matrix, particle))
    return float(found)


def critical_radius(
    matrix: float, particle: float, conductance: float | Conductance, temperature: float = 300.0
) -> float:
    r"""Radius below which particles make the matrix conduct worse, $a_c = R k_m k_p/(k_p - k_m)$, m.

    Infinite where the particles conduct no better than the matrix. For $k_p \gg k_m$ it is the Kapitza length of the
    matrix, $Rk_m$.
    """
    outside, inside = float(positive(matrix)[0]), float(positive(particle)[0])
    if inside <= outside:
        return np.inf
    return Boundary(conductance).resistance(temperature) * outside * inside / (inside - outside)


def composite_conductivity(
    matrix: float,
    particle: float,
    conductance: float | Conductance,
    *,
    radius: ArrayLike,
    fraction: float,
    rule: MixingRule | None = None,
    temperature: float = 300.0,
) -> CompositeConductivity:
    """Conductivity of a composite of spheres against their radius.

    Parameters
    ----------
    matrix, particle, conductance, radius, fraction, temperature : as for `hasselman_johnson`
    rule : "dilute" (Hasselman and Johnson) or "differential"; the one whose range holds the fraction if None

    Raises
    ------
    InputError
        for values outside of their range
    """
    chosen: MixingRule = rule or ("dilute" if fraction <= _MAX_DILUTE_FRACTION else "differential")
    check_choice(chosen, _MIXING_RULES, "rule")
    call = hasselman_johnson if chosen == "dilute" else differential_effective_medium
    value = call(matrix, particle, conductance, radius=radius, fraction=fraction, temperature=temperature)
    return CompositeConductivity(
        radius=positive(radius),
        value=value,
        matrix=matrix,
        particle=particle,
        conductance=1 / Boundary(conductance).resistance(temperature) if conductance != np.inf else np.inf,
        fraction=fraction,
        critical_radius=critical_radius(matrix, particle, conductance, temperature),
        method="Hasselman-Johnson" if chosen == "dilute" else "differential",
    )


def check_fraction(fraction: float) -> None:
    """Refuse a volume fraction out of range."""
    if not 0 <= fraction < 1:
        raise InputError(f"fraction = {fraction:g}, wanted a share of the volume from 0 to below 1 (per cent? / 100)")


def _warn_dense(fraction: float, remedy: str = "") -> None:
    text = f"a fraction of {fraction:g} is above {_MAX_DILUTE_FRACTION:g}, where particles feel each other{remedy}"
    warnings.warn(text, ValidityWarning, stacklevel=3)


def interface_density(diameter: ArrayLike, fraction: float) -> Array:
    r"""(n,) area of boundary per volume of a composite of spheres, $\Phi = 6\phi/d$, m⁻¹."""
    check_fraction(fraction)
    return 6 * fraction / positive(diameter)


def nanocomposite(
    matrix: FreePaths,
    particle: FreePaths,
    conductance: float | Conductance,
    *,
    diameter: ArrayLike,
    fraction: float,
    temperature: float = 300.0,
) -> Array:
    r"""(n,) conductivity of spheres of small diameters d (n,) (m) in a matrix, with free paths that end at boundaries.

    $1/\Lambda_m' = 1/\Lambda_m + \Phi/4$ and $1/\Lambda_p' = 1/\Lambda_p + 1/d$, and the rule of Hasselman and Johnson
    for what is left of both conductivities: A. J. Minnich and G. Chen, Appl. Phys. Lett. 91, 073105 (2007).
    """
    size = positive(diameter)
    density = interface_density(size, fraction)
    if fraction > _MAX_DILUTE_FRACTION:
        _warn_dense(fraction)
    outside = np.sum(matrix.conductivity / (1 + matrix.length * density[:, None] / 4), axis=1)
    inside = np.sum(particle.conductivity / (1 + particle.length / size[:, None]), axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ValidityWarning)  # said above, once
        found = [
            hasselman_johnson(float(k), float(p), conductance, radius=d / 2, fraction=fraction, temperature=temperature)
            for k, p, d in zip(outside, inside, size, strict=True)
        ]
    return np.concatenate(found)


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
    >>> print(f"{found.parallel:.2f} W/mK along the fibres, {found.perpendicular:.2f} across, mean {found.mean:.2f}")
    1.64 W/mK along the fibres, 0.22 across, mean 0.70
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
