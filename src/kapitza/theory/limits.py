r"""Upper limits: what no interface can pass, whatever its structure; specular <= elastic <= radiation.

With the modes per area $M_L$, $M_R$ of both sides and $m(k_\parallel)$ the number of them at one wave vector along the
plane: radiation M of one side, elastic ("minimum modes") $\min(M_L, M_R)$, specular ("conserving modes") the integral
of $\min(m_L, m_R)$, names of Polanco et al., doi:10.1103/PhysRevB.92.144302; inelastic radiation M of the softer side.
"""

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, temperatures
from kapitza.core.occupation import Statistics, mode_heat_capacity
from kapitza.core.phonons import Phonons
from kapitza.core.quadrature import trapezoid_weights
from kapitza.core.transmission import Side, Transmission
from kapitza.errors import InputError
from kapitza.matter.elastic import Elastic
from kapitza.matter.isotropic import Fluid
from kapitza.theory.amm import slowness_quadrature
from kapitza.theory.dmm import common_grid
from kapitza.theory.plane_waves import Medium, PlanarContact, check_medium, solve_plane_waves


class IsotropicBranches(Phonons, Protocol):
    """A solid of isotropic branches without dispersion, as `Solid`."""

    @property
    def speeds(self) -> Array:
        """(branches,) speed of sound of each branch, m s⁻¹."""
        ...

    @property
    def cutoffs(self) -> Array:
        """(branches,) top of each branch, rad s⁻¹."""
        ...


def radiation_limit(left: Phonons, right: Phonons, side: Side = "left", omega: ArrayLike | None = None) -> Transmission:
    r"""Every phonon that arrives from one side crosses: $\Xi = M$ of that side.

    The phonon analogue of a black body.  Where that side has more modes than the other it takes in more than detailed
    balance allows, so it is a limit seen from one side and no model; the result says `elastic=False`.

    Parameters
    ----------
    left, right : the two sides
    side : the one that radiates
    omega : (nω,) increasing angular frequency, rad s⁻¹; chosen from the edges of both spectra if None

    Returns
    -------
    Transmission with (nω,) values

    Raises
    ------
    InputError
        for an unknown side

    References
    ----------
    R. J. Stoner and H. J. Maris, Phys. Rev. B 48, 16373 (1993), doi:10.1103/PhysRevB.48.16373

    Examples
    --------
    >>> from kapitza import dmm, solid
    >>> from kapitza.theory import radiation_limit
    >>> left, right = solid("Al"), solid("Si")
    >>> most = radiation_limit(left, right).conductance([300.0]).value
    >>> print((dmm(left, right).conductance([300.0]).value / most).round(2))
    [0.37]
    """
    if side not in ("left", "right"):
        raise InputError(f'unknown side {side!r}: "left" or "right"')
    omega, weight = common_grid(omega, left, right)
    m_left, m_right = left.modes(omega), right.modes(omega)
    total, name = (m_left, left.name) if side == "left" else (m_right, right.name)
    label = f"radiation limit of {name} in {left.name}|{right.name}"
    return Transmission(omega, total, m_left, m_right, weight=weight, method=label, elastic=False)


def elastic_limit(left: Phonons, right: Phonons, omega: ArrayLike | None = None) -> Transmission:
    r"""Second-law bound of elastic scattering ("minimum modes"): $\Xi = \min(M_L, M_R)$.

    Were more to cross at some frequency, heat would flow between bodies of equal temperature through a filter that is
    open at that frequency.

    Parameters
    ----------
    left, right : the two sides
    omega : (nω,) increasing angular frequency, rad s⁻¹; chosen from the edges of both spectra if None

    Returns
    -------
    Transmission with (nω,) values.  The minimum of two smooth spectra has kinks where they cross; on the chosen
    frequencies the conductance is right to about 1e-4.

    References
    ----------
    C. A. Polanco et al., Phys. Rev. B 92, 144302 (2015), doi:10.1103/PhysRevB.92.144302
    """
    omega, weight = common_grid(omega, left, right)
    m_left, m_right = left.modes(omega), right.modes(omega)
    label = f"elastic limit {left.name}|{right.name}"
    return Transmission(omega, np.minimum(m_left, m_right), m_left, m_right, weight=weight, method=label)


def specular_limit(
    left: IsotropicBranches | Medium, right: IsotropicBranches | Medium, omega: ArrayLike | None = None
) -> Transmission:
    r"""Maximum transmission of a smooth plane ("conserving modes").

    Frequency and the wave vector along the plane are kept, so that at each $k_\parallel$ no more modes cross than the
    poorer side has: $\Xi = \int \frac{d^2k_\parallel}{(2\pi)^2} \min(m_L, m_R)$.  Where both sides are isotropic
    solids a branch of speed c is open inside a circle of radius $k_j = \omega/c_j$.  With the radii of
    each side in falling order, $k_1 \ge k_2 \ge k_3$, at $k_\parallel$ there are n modes or more where
    $k_\parallel < k_n$, hence
    $$\Xi = \frac{1}{4\pi} \sum_n \min(k_{L,n}, k_{R,n})^2 .$$
    For two solids with all branches open this keeps shear-horizontal and sagittal waves apart as well, without
    further loss.  Crystals and liquids: the open sheets of the slowness surfaces are counted over all slownesses along
    the plane, at the same ones as in `amm`.  Dispersion enters by the cutoff of each branch alone; full bands are not
    resolved by $k_\parallel$ here.

    Parameters
    ----------
    left, right : elastic crystals, liquids, or solids with `speeds` and `cutoffs` of isotropic branches
    omega : (nω,) increasing angular frequency, rad s⁻¹; chosen from the edges of both spectra if None

    Returns
    -------
    Transmission with (nω,) values

    Raises
    ------
    InputError
        for sides without branches of sound, such as full bands

    References
    ----------
    C. A. Polanco et al., Phys. Rev. B 92, 144302 (2015), doi:10.1103/PhysRevB.92.144302

    Examples
    --------
    >>> from kapitza import amm, solid
    >>> from kapitza.theory import specular_limit
    >>> from kapitza.units import THz
    >>> left, right, omega = solid("Si"), solid("Ge"), [0.5 * THz]
    >>> print((amm(left, right, omega).total / specular_limit(left, right, omega).total).round(2))
    [0.89]
    """
    omega, weight = common_grid(omega, left, right)
    for side in (left, right):
        if not (hasattr(side, "cutoffs") and (hasattr(side, "speeds") or isinstance(side, Elastic | Fluid))):
            raise InputError(
                f"specular limit: {side.name} has no branches of sound; take a Solid, an Elastic or a Fluid"
            )
    m_left, m_right = left.modes(omega), right.modes(omega)
    if isinstance(left, Elastic | Fluid) or isinstance(right, Elastic | Fluid):
        conserved = _conserved_modes(check_medium(left), check_medium(right), omega)
        total = np.minimum(conserved, np.minimum(m_left, m_right))
    else:
        radii_left, radii_right = branch_wavenumbers(left, omega), branch_wavenumbers(right, omega)
        shared = min(radii_left.shape[1], radii_right.shape[1])
        both = np.minimum(radii_left[:, :shared], radii_right[:, :shared])
        total = np.sum(np.square(both), axis=1) / (4 * np.pi)
    label = f"specular limit {left.name}|{right.name}"
    return Transmission(omega, total, m_left, m_right, weight=weight, method=label)


def _conserved_modes(left: Medium, right: Medium, omega: Array) -> Array:
    """(nω,) integral over the slownesses along the plane of the smaller number of open waves of both sides, m⁻²."""
    at = slowness_quadrature(left, right, PlanarContact(), 0.0)
    # (n, way, wave), -1 if evanescent
    branch = [solve_plane_waves(side, at.slowness, at.azimuth).branch for side in (left, right)]
    is_open = [omega[:, None] <= side.cutoffs for side in (left, right)]
    patterns, which = np.unique(np.concatenate(is_open, axis=1), axis=0, return_inverse=True)
    counted: list[float] = []
    for pattern in patterns:
        opened = pattern[: is_open[0].shape[1]], pattern[is_open[0].shape[1] :]
        few = np.minimum(*(np.sum((b >= 0) & o[b], axis=2) for b, o in zip(branch, opened, strict=True)))
        counted.append(float(at.weight @ few.mean(axis=1)))  # mean of both ways, as a slowness and its opposite
    return np.square(omega) * np.array(counted)[which.ravel()]  # sound: Ξ/ω² depends on the open branches alone


def branch_wavenumbers(side: IsotropicBranches, omega: Array) -> Array:
    """(nω, branches) wave numbers ω/c of the open branches in falling order, 0 where closed, m⁻¹."""
    if not (hasattr(side, "speeds") and hasattr(side, "cutoffs")):
        raise InputError(f"{side!r:.60} has no isotropic branches: take a Solid")
    radii = np.where(omega[:, None] <= side.cutoffs, omega[:, None] / side.speeds, 0.0)
    return -np.sort(-radii, axis=1)


def inelastic_radiation_limit(
    left: Phonons,
    right: Phonons,
    temperature: float,
    omega: ArrayLike | None = None,
    *,
    statistics: Statistics = "quantum",
) -> Transmission:
    r"""All phonons of the softer side cross, whatever becomes of their frequency: $\Xi = M_s$.

    The side s is the one whose modes carry less at this temperature, $\int d\omega\,W(\omega, T) M_s$.  In linear
    response no interface passes more, as no side can give off more than what arrives at it from within.

    Parameters
    ----------
    left, right : the two sides
    temperature : K
    omega : (nω,) increasing angular frequency, rad s⁻¹; chosen from the edges of both spectra if None
    statistics : "quantum", or "classical" where the conductance is taken classically too

    Returns
    -------
    Transmission that holds at this temperature alone

    Raises
    ------
    InputError
        for a temperature that is not above zero

    References
    ----------
    R. J. Stoner and H. J. Maris, Phys. Rev. B 48, 16373 (1993), doi:10.1103/PhysRevB.48.16373 (measured conductances
    above the elastic limit, which call for this one)
    """
    omega, weight = common_grid(omega, left, right)
    m_left, m_right = left.modes(omega), right.modes(omega)
    carried = [mode_conductance(m, omega, weight, temperature, statistics) for m in (m_left, m_right)]
    total = m_left if carried[0] <= carried[1] else m_right
    label = f"inelastic radiation limit {left.name}|{right.name}"
    return Transmission(
        omega, total, m_left, m_right, weight=weight, method=label, elastic=False, temperature=float(temperature)
    )


def mode_conductance(
    modes: Array, omega: Array, weight: Array | None, temperature: float, statistics: Statistics = "quantum"
) -> float:
    """Conductance of a spectrum of modes at one temperature, W m⁻² K⁻¹."""
    weights = trapezoid_weights(omega) if weight is None else weight
    per_mode = mode_heat_capacity(omega, temperatures(temperature), statistics)[0]
    return float(per_mode @ (modes * weights) / (2 * np.pi))
