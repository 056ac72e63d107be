"""Particles in a matrix with a boundary resistance around each, larger or smaller than the mean free path."""

import warnings
from typing import Any, Literal

import numpy as np
from attrs import field, frozen
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
