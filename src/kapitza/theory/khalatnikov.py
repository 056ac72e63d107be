r"""Khalatnikov's conductance between liquid helium and a solid, with its two channels apart.

Sound of the liquid meets a solid of far larger impedance.  Within the critical cone it is refracted into bulk waves
($F_\mathrm{bulk}$: plain acoustic mismatch).  At one angle beyond it, that of the Rayleigh wave, a lossless solid
reflects all; any damping lets the surface wave absorb.
"""

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import about
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError
from kapitza.matter.isotropic import Fluid, Solid
from kapitza.theory.amm import amm


@frozen(eq=False)
class Khalatnikov(BaseRecord):
    r"""Both channels of heat between a liquid and a solid.

    Attributes
    ----------
    bulk : refraction into bulk waves of the solid
    rayleigh : absorption by its surface wave
    bulk_factor, rayleigh_factor : $F$ of each in $G = \frac{16\pi^5k_B^4}{15h^3}\frac{\rho_Lc_L}{\rho_sc_t^3}F\,T^3$,
        far below the cutoffs

    Examples
    --------
    >>> from kapitza import khalatnikov, solid
    >>> from kapitza.matter import fluid
    >>> found = khalatnikov(fluid("He-4"), solid("Cu"))
    >>> print(round(found.bulk_factor, 3), round(found.rayleigh_factor, 3))
    0.59 1.032
    """

    bulk: Transmission
    rayleigh: Transmission
    bulk_factor: float = field(metadata=about("1", "factor F of bulk waves"))
    rayleigh_factor: float = field(metadata=about("1", "factor F of the surface wave"))

    @property
    def total(self) -> Transmission:
        """Both channels together."""
        both, method = self.bulk.total + self.rayleigh.total, self.bulk.method.replace("AMM", "Khalatnikov")
        return evolve(self.bulk, total=both, method=method)


def khalatnikov(liquid: Fluid, solid: Solid, omega: ArrayLike | None = None, *, absorption: float = 1.0) -> Khalatnikov:
    r"""Acoustic mismatch of a liquid and a solid, with what the Rayleigh wave absorbs.

    Against sound of in-plane slowness s the stress-free surface of the solid has the impedance
    $Z_s = \rho c_t^4[(c_t^{-2} - 2s^2)^2 + 4s^2p_lp_t]/p_l$, $p_j = (c_j^{-2} - s^2)^{1/2}$, and the liquid
    $Z_L = \rho_L/p_L$; the share $4Z_L\mathrm{Re}Z_s/|Z_s + Z_L|^2$ is absorbed.  Beyond $1/c_t$ the impedance is
    $-iX(s)$, with a zero at the Rayleigh slowness $s_R$.  With a small loss $\epsilon = \mathrm{Re}Z_s$ the absorption
    is a peak of area $4\pi Z_L a/|X'|$ with $a = \epsilon/(\epsilon + Z_L)$, so that
    $\Xi_R = 2a\,\omega^2s_RZ_L(s_R)/|X'(s_R)|$.  Khalatnikov's result is $a = 1$: the wave is damped in the solid long
    before it radiates back into the liquid.

    Parameters
    ----------
    liquid, solid : the liquid is the left side
    omega : (nω,) increasing angular frequency, rad s⁻¹; chosen from the edges of both spectra if None
    absorption : share a of the surface wave that the solid keeps, 0 (no loss) to 1; `rayleigh_absorption` gives it for
        a known loss

    Returns
    -------
    Khalatnikov

    Raises
    ------
    InputError
        for an absorption outside 0..1, and for sides that are no liquid and isotropic solid in this order

    Notes
    -----
    The peak is narrow only if the liquid is light ($Z_L \ll \rho_s c_t$).  Where sound in the liquid is faster than the
    Rayleigh wave the surface wave cannot radiate, and the channel is closed.

    References
    ----------
    I. M. Khalatnikov, Zh. Eksp. Teor. Fiz. 22, 687 (1952)
    E. T. Swartz and R. O. Pohl, Rev. Mod. Phys. 61, 605 (1989), doi:10.1103/RevModPhys.61.605
    """
    if not isinstance(liquid, Fluid) or not isinstance(solid, Solid):  # pyright: ignore[reportUnnecessaryIsInstance]
        kinds = f"{type(liquid).__name__} and {type(solid).__name__}"
        raise InputError(f"khalatnikov takes a Fluid and a Solid in this order, got {kinds}")
    if not 0 <= absorption <= 1:
        raise InputError(f"absorption = {absorption:g}: expected the share of the surface wave that is kept, 0 to 1")
    bulk = amm(liquid, solid, omega)
    surface = absorption * rayleigh_modes(liquid, solid)
    top = min(float(liquid.cutoffs[0]), float(solid.cutoffs[1]))
    modes = np.where(bulk.omega <= top, surface * np.square(bulk.omega), 0.0)
    rayleigh = evolve(bulk, total=modes, method=f"Rayleigh absorption {liquid.name}|{solid.name}")
    unit = np.pi * solid.density * solid.transverse**3 / (liquid.density * liquid.speed)
    far_below = 1e-3 * top
    lossless = amm(liquid, solid, [far_below]).total[0] / far_below**2
    return Khalatnikov(bulk, rayleigh, float(unit * lossless), float(unit * surface))


def rayleigh_speed(solid: Solid) -> float:
    r"""Speed of the Rayleigh wave, m s⁻¹.

    Real root $x = (c/c_t)^2 < 1$ of $x^3 - 8x^2 + (24 - 16\kappa)x - 16(1 - \kappa) = 0$, $\kappa = (c_t/c_l)^2$
    (Lord Rayleigh, Proc. London Math. Soc. 17, 4 (1885), doi:10.1112/plms/s1-17.1.4).
    """
    kappa = (solid.transverse / solid.longitudinal) ** 2
    roots = np.roots([1.0, -8.0, 24 - 16 * kappa, -16 * (1 - kappa)])
    real = roots.real[(np.abs(roots.imag) < 1e-9) & (roots.real > 0) & (roots.real < 1)]
    return float(solid.transverse * np.sqrt(real[0]))


def rayleigh_absorption(liquid: Fluid, solid: Solid, loss: float) -> float:
    r"""Share of the Rayleigh wave's energy that a damped solid keeps, $\epsilon/(\epsilon + Z_L)$.

    The `loss` is the small tangent of the loss angle of both moduli; bulk waves fall to 1/e over
    $2c/(\omega\,\mathrm{loss})$.
    """
    if not 0 <= loss < 1:
        raise InputError(f"loss = {loss:g}: expected the tangent of a small loss angle, 0 to below 1")
    s = 1 / rayleigh_speed(solid)
    below = liquid.speed**-2 - s**2
    if below <= 0:
        return 1.0
    squares = np.square(solid.speeds[:2]) * (1 - 1j * loss)
    pl, pt = np.sqrt(1 / squares - s**2)
    surface = (1 / squares[1] - 2 * s**2) ** 2 + 4 * s**2 * pl * pt
    resistance = float((solid.density * squares[1] ** 2 * surface / pl).real)
    return resistance / (resistance + liquid.density / float(np.sqrt(below)))


def rayleigh_modes(liquid: Fluid, solid: Solid) -> float:
    r"""$\Xi_R/\omega^2$ of a surface wave that keeps all it takes up, s² m⁻²."""
    s = 1 / rayleigh_speed(solid)
    below = liquid.speed**-2 - s**2
    if below <= 0:
        return 0.0
    slow_l, slow_t = 1 / solid.longitudinal, 1 / solid.transverse
    kl, kt = np.sqrt(s**2 - slow_l**2), np.sqrt(s**2 - slow_t**2)
    # derivative of (c_t⁻² - 2s²)² - 4 s² κ_l κ_t, whose zero is s
    slope = -8 * s * (slow_t**2 - 2 * s**2) - 8 * s * kl * kt - 4 * s**3 * (kt / kl + kl / kt)
    impedance_slope = solid.density * solid.transverse**4 * abs(slope) / kl
    return float(2 * s * liquid.density / np.sqrt(below) / impedance_slope)
