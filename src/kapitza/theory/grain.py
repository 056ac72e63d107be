r"""Grain boundaries: both sides of one material, so that only the boundary itself can resist.

A specular share p goes straight through, the rest forgets its side: $\Xi = M(1 + p)/2$, whose local resistance vanishes
with the disorder.  Low-angle twist boundaries are grids of screw dislocations, whose strain diffracts phonons.
"""

import warnings

import numpy as np
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, check_not_negative, frequencies, positive
from kapitza.core.conductance import Conductance
from kapitza.core.phonons import Phonons
from kapitza.core.quadrature import gauss_legendre
from kapitza.core.transmission import Transmission
from kapitza.errors import Hint, InputError, ValidityWarning
from kapitza.theory.dmm import check_shares, common_grid
from kapitza.theory.limits import IsotropicBranches, branch_wavenumbers

_MAX_LOW_ANGLE = np.radians(15.0)  # above, the cores of the dislocations overlap
_ANGLE_NODES = 24
_MIN_BURGERS, _MAX_BURGERS = 1e-10, 1e-8  # m, Burgers vectors
_MAX_ORDERS = 50  # of a grating, above which their sum is taken as an integral


def grain_boundary(side: Phonons, specularity: ArrayLike = 0.0, omega: ArrayLike | None = None) -> Transmission:
    r"""Boundary inside one material that passes the share p of the phonons unchanged and scatters the others diffusely.

    $\Xi = p M + (1 - p) M/2$.  Take the conductance with the "local" or the "extrapolated" drop: with the emitted one
    even a perfect crystal (p = 1) keeps $1/\int W M$.

    Parameters
    ----------
    side : the material of both grains
    specularity : p from 0 to 1, one number or one for each of omega, e.g. from `boundary_specularity`
    omega : (nω,) increasing angular frequency, rad s⁻¹; chosen from the edges of the spectrum if None

    Returns
    -------
    Transmission with (nω,) values

    Raises
    ------
    InputError
        for a specularity outside of 0..1 or of the wrong length

    References
    ----------
    Z. Wang, J. E. Alaniz, W. Jang, J. E. Garay and C. Dames, Nano Lett. 11, 2206 (2011)
    C. Hua and A. J. Minnich, Semicond. Sci. Technol. 29, 124004 (2014), doi:10.1088/0268-1242/29/12/124004
    """
    omega, weight = common_grid(omega, side)
    share = check_shares("specularity", specularity, omega.size, "no boundary")
    modes = side.modes(omega)
    label = f"grain boundary in {side.name}"
    return Transmission(omega, modes * (1 + share) / 2, modes, modes, weight=weight, method=label)


def boundary_specularity(side: IsotropicBranches, omega: ArrayLike, *, roughness: float) -> Array:
    r"""(nω,) share of the modes of a frequency that a boundary of rms roughness η (m) passes unscattered, 0..1.

    Ziman's specularity $p = e^{-4\eta^2 k^2\cos^2\theta}$ (his printed 16π³η²/λ² is a slip for 16π²η²cos²θ/λ²),
    averaged over the modes that arrive, $\int_0^1 2\mu\,d\mu\,e^{-4\eta^2k^2\mu^2} = (1 - e^{-a})/a$, $a = 4\eta^2k^2$,
    and over the isotropic branches of `side`.

    J. M. Ziman, Electrons and Phonons (Clarendon Press, Oxford, 1960); A. A. Maznev, Phys. Rev. B 91, 134306 (2015),
    doi:10.1103/PhysRevB.91.134306 (limit of long correlation lengths; shorter ones scatter long waves less)
    """
    check_not_negative("roughness", roughness, "m")
    radii = branch_wavenumbers(side, frequencies(omega))
    modes = np.square(radii)
    exponent = np.maximum(4 * roughness**2 * modes, 1e-300)  # (1 - e⁻ᵃ)/a is 1 at a = 0
    passed = np.sum(modes * -np.expm1(-exponent) / exponent, axis=1)
    arriving = np.sum(modes, axis=1)
    share = np.divide(passed, arriving, out=np.ones_like(arriving), where=arriving > 0)
    return np.minimum(share, 1.0)  # rounding


def effective_conductivity(conductivity: ArrayLike, boundary: Conductance, *, grain: float) -> Array:
    r"""(nT,) conductivity of a polycrystal of one grain size, $\kappa_{eff} = \kappa / (1 + \kappa R/d)$, W m⁻¹ K⁻¹.

    Grains (κ one number or (nT,)) and boundaries (with the local or extrapolated drop, since the emitted one would
    count the leads at each) in series along the heat flow; the grains keep the bulk conductivity, so their size d
    (`grain`, m) should exceed the mean free path.  C.-W. Nan, R. Birringer, Phys. Rev. B 57, 8264 (1998),
    doi:10.1103/PhysRevB.57.8264
    """
    if boundary.drop == "emitted":
        raise InputError(
            f"{boundary.method or 'this conductance'} has the emitted drop, which holds the ballistic "
            "resistance of the grains as well:",
            hint=Hint(python="take conductance(T, drop='local') or 'extrapolated'", command="take --drop local"),
        )
    bulk = positive(conductivity)
    distance = positive(grain)
    if bulk.size not in (1, boundary.value.size):
        raise InputError(f"conductivity has {bulk.size} values for {boundary.value.size} temperatures")
    return bulk / (1 + bulk * boundary.resistance / distance)


def twist_boundary(
    side: IsotropicBranches, angle: float, *, burgers: float, gruneisen: float = 1.0, omega: ArrayLike | None = None
) -> Transmission:
    r"""Low-angle twist boundary: diffraction by the strain of two crossed arrays of screw dislocations.

    Dislocations of Burgers vector b stand $D = b / 2\sin(\theta/2)$ apart (Frank).  Their strain changes frequencies by
    $\delta\omega = \gamma\omega\varepsilon$ with $|\tilde\varepsilon(q)|^2 = b^2/4q^2$, and passes on
    $q_m = 2\pi m/D$ along the plane. In first Born approximation, with $-q \cdot k = q^2/2$ for elastic events, the
    rate per boundary is, averaged with $\cos^2\theta$ over directions,
    $$\bar S(k) = \gamma^2 \frac{b^2}{D^2} \sum_{m \ge 1} F\Big(\frac{2\pi m}{kD}\Big)
    \to \gamma^2\frac{b^2 k}{4D} \quad (kD \gg 1),$$
    and $\Xi = M/(1 + \tfrac34 \bar S)$ for each branch.  Waves longer than 2D are not diffracted at all.  The turn of
    the crystal axes, the cores and their broken bonds are left out, so that R is a lower estimate.

    Parameters
    ----------
    side : solid with `speeds` and `cutoffs` of isotropic branches, on both sides
    angle : twist θ, rad
    burgers : b, m
    gruneisen : γ, one number for all modes
    omega : (nω,) increasing angular frequency, rad s⁻¹; chosen from the edges of the spectrum if None

    Returns
    -------
    Transmission with (nω,) values; take the "local" or "extrapolated" drop, as for `grain_boundary`

    Raises
    ------
    InputError
        for an angle outside of 0..π/4, a Burgers vector outside of 1e-10..1e-8 m (other units) and a γ that is not
        positive

    Warns
    -----
    ValidityWarning
        above 15 degrees, where the cores overlap

    References
    ----------
    R. Gurunathan et al., Phys. Rev. B 103, 144302 (2021), doi:10.1103/PhysRevB.103.144302
    R. Hanus, A. Garg and G. J. Snyder, Commun. Phys. 1, 78 (2018), doi:10.1038/s42005-018-0070-z

    Examples
    --------
    >>> from math import radians
    >>> from kapitza import solid
    >>> from kapitza.theory import twist_boundary
    >>> silicon = solid("Si")
    >>> for angle in (1, 4):
    ...     found = twist_boundary(silicon, radians(angle), burgers=3.84e-10).conductance([100.0], drop="local")
    ...     print(f"{angle}°: {found.value[0] / 1e6:.0f} MW m⁻² K⁻¹")
    1°: 60176 MW m⁻² K⁻¹
    4°: 15898 MW m⁻² K⁻¹
    """
    if not 0 < angle <= np.pi / 4:
        raise InputError(f"angle = {angle:g} rad, expected above 0 and at most π/4 (degrees? multiply by π/180)")
    length, strength = positive(burgers)[0], positive(gruneisen)[0]
    if not _MIN_BURGERS <= length <= _MAX_BURGERS:
        raise InputError(
            f"burgers = {length:g} m, expected {_MIN_BURGERS:g} to {_MAX_BURGERS:g} m: is it in another unit?"
        )
    if angle > _MAX_LOW_ANGLE:
        warnings.warn(
            f"a twist of {np.degrees(angle):.3g} degrees is no low-angle boundary (at most 15): cores overlap",
            ValidityWarning,
            stacklevel=2,
        )
    omega, weight = common_grid(omega, side)
    spacing = length / (2 * np.sin(angle / 2))
    radii = branch_wavenumbers(side, omega)
    rate = strength**2 * (length / spacing) ** 2 * grating_sum(radii * spacing)
    modes = np.square(radii) / (4 * np.pi)
    total = np.sum(modes / (1 + 0.75 * rate), axis=1)
    arriving = np.sum(modes, axis=1)
    label = f"twist boundary of {np.degrees(angle):.3g} degrees in {side.name}"
    return Transmission(omega, total, arriving, arriving, weight=weight, method=label)


def grating_sum(phase: Array) -> Array:
    r"""Sum over the orders of a grating, $\sum_{m \ge 1} F(2\pi m/kD)$, of kD; 0 below π, $kD/4 - 3/4$ above 50 orders.

    With $\kappa^2 = 1 - z^2$ and lengths in units of k,
    $F(t) = \frac{3}{2\pi}\int dz \int_{t-\kappa}^{\kappa} dy\, \sqrt{\frac{\kappa^2 - y^2}{\kappa^2 - (y - t)^2}}$,
    F(0) = 3/2, F(2) = 0, and the integral of F over 0..2 is π/2.
    """
    far = phase > np.pi * _MAX_ORDERS
    total = np.zeros_like(phase)
    total[far] = phase[far] / 4 - 0.75  # Euler-Maclaurin: the integral π/2 of F over a step 2π/kD, less half of F(0)
    most = min(int(np.ceil(phase.max(initial=0) / np.pi)), _MAX_ORDERS) + 1
    for m in range(1, most):
        inside = (phase > np.pi * m) & ~far
        total[inside] += diffraction_order(2 * np.pi * m / phase[inside])
    return total


def diffraction_order(t: Array) -> Array:
    """F(t) of `grating_sum` for (n,) values from 0 to 2, by Gauss-Legendre rules that remove the roots at the ends."""
    node, weight = gauss_legendre(_ANGLE_NODES)
    top = np.sqrt(np.maximum(1 - t**2 / 4, 0.0))[:, None]
    z = top * np.sin(np.pi * node / 2)
    across = np.sqrt(np.maximum(1 - z**2, 0.0))
    half = np.maximum(across - t[:, None] / 2, 0.0)[..., None]
    sine = np.sin(np.pi * (node - 0.5))
    y = t[:, None, None] / 2 + half * sine
    # κ² - y² and κ² - (y - t)² have one root each at the ends of y, which the substitution y ~ sin removes
    ratio = np.sqrt((across[..., None] + y) * (1 - sine) / ((across[..., None] + t[:, None, None] - y) * (1 + sine)))
    inner = np.pi * half[..., 0] * ((ratio * np.cos(np.pi * (node - 0.5))) @ weight)
    return 3 / np.pi * np.sum(inner * top * (np.pi / 2) * np.cos(np.pi * node / 2) * weight, axis=1)
