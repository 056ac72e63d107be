r"""A flexible sheet on a solid, held by springs: heat that its bending vibrations give to the substrate.

The sheet answers a normal stress by $\chi_{2D} = 1/(D q^4 - \rho_s\omega^2 - i\rho_s\omega\gamma)$, the surface by
$\chi_s = \frac{i}{\rho c_T^2}\,\frac{p_L\,(\omega/c_T)^2}{[(\omega/c_T)^2 - 2q^2]^2 + 4q^2 p_T p_L}$ with
$p_j^2 = (\omega/c_j)^2 - q^2$ (time factor $e^{-i\omega t}$); the fluctuation-dissipation theorem gives the power as a
Landauer integral over the transmission of each wave vector, and without the damping γ no heat flows steadily.
"""

import numpy as np
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, ComplexArray, check_not_negative, check_record, frequencies
from kapitza.core.quadrature import frequency_grid, merge_edges, panel_quadrature
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError
from kapitza.matter.isotropic import Solid
from kapitza.matter.sheet import Sheet

_NODES_PER_PANEL = 16  # of a panel in q
_MAX_PAIRS_AT_ONCE = 2**20  # pairs of frequency and wave vector handled at once: 16 MB for each complex array


def surface_response(wavevector: ArrayLike, omega: ArrayLike, substrate: Solid, loss: float = 0.0) -> ComplexArray:
    r"""Normal displacement of the free surface of a half space per normal stress, $\chi_s(q, \omega)$, m³ N⁻¹, Im >= 0.

    Wave vectors along the surface (m⁻¹) and frequencies above zero (rad s⁻¹) broadcast.  A `loss` factor of both moduli
    takes $c_j^2 \to c_j^2 (1 - i\,\mathrm{loss})$; 0 leaves the Rayleigh pole on the real axis, where the imaginary
    part misses it.  B. N. J. Persson, A. I. Volokitin, H. Ueba, J. Phys.: Condens. Matter 23, 045009 (2011),
    doi:10.1088/0953-8984/23/4/045009
    """
    q2 = np.square(np.asarray(wavevector, dtype=float))
    w2 = np.square(np.asarray(omega, dtype=float))
    softened = 1 - 1j * loss
    k_l2 = w2 / (substrate.longitudinal**2 * softened)
    k_t2 = w2 / (substrate.transverse**2 * softened)
    # principal roots of numbers above the negative real axis: waves leave the surface or decay from it
    p_l, p_t = np.sqrt(k_l2 - q2 + 0j), np.sqrt(k_t2 - q2 + 0j)
    rayleigh = np.square(k_t2 - 2 * q2) + 4 * q2 * p_t * p_l
    return 1j * p_l * k_t2 / (substrate.density * substrate.transverse**2 * softened * rayleigh)


def sheet_response(wavevector: ArrayLike, omega: ArrayLike, sheet: Sheet, damping: float) -> ComplexArray:
    r"""Normal displacement of a free sheet per stress, $\chi_{2D}(q, \omega)$, m³ N⁻¹; `damping` is $\gamma/\omega$."""
    q4 = np.asarray(wavevector, dtype=float) ** 4
    w2 = np.square(np.asarray(omega, dtype=float))
    return 1 / (sheet.rigidity * q4 - sheet.density * w2 * (1 + 1j * damping))


def coupled_transmission(above: ComplexArray, below: ComplexArray, spring: float) -> Array:
    r"""Transmission $4\,\mathrm{Im}\chi_1\mathrm{Im}\chi_2/|1/K + \chi_1 + \chi_2|^2$ of single wave vectors, 0..1."""
    return 4 * above.imag * below.imag / np.abs(1 / spring + above + below) ** 2


def sheet_on_solid(
    sheet: Sheet,
    substrate: Solid,
    *,
    spring: float,
    damping: float = 0.01,
    substrate_loss: float = 0.0,
    omega: ArrayLike | None = None,
) -> Transmission:
    r"""Transmission from the bending vibrations of a sheet to the solid below it (Persson, Volokitin and Ueba; Ong).

    Parameters
    ----------
    sheet : density and rigidity; its wave vectors end at the radius $\sqrt{4\pi n}$ of its zone
    substrate : isotropic elastic half space, cut off at the Debye frequency of its longitudinal branch
    spring : normal stiffness per area between them, N m⁻³
    damping : $\gamma/\omega$ of the bending modes; 0.01 is the choice of Ong, Cai and Zhang for room temperature, where
        it is mostly anharmonic and about proportional to temperature
    substrate_loss : loss factor of the substrate.  At 0 only wave vectors below $\omega/c_T$ carry heat away.  With a
        loss the Rayleigh wave and evanescent fields take up heat too; losses below 1e-3 are not resolved
    omega : (nω,) increasing angular frequency, rad s⁻¹; chosen from the spectra if None

    Returns
    -------
    Transmission with (nω,) values; left are the bending modes of the sheet, one for each wave vector of its zone, right
    is unknown, for a lossy substrate has no count of modes

    Raises
    ------
    InputError
        for a spring, damping or loss that is not finite and positive (a loss may be 0)

    Notes
    -----
    For T → 0 the sheet rides on the surface and Ξ → $\frac{2\,\mathrm{damping}\,\rho_s\omega^3}{\pi\rho c_T^3} I$, so
    that $R \propto T^{-4}$ where the damping does not depend on temperature.  Sliding is not coupled.

    References
    ----------
    B. N. J. Persson, A. I. Volokitin, H. Ueba, J. Phys.: Condens. Matter 23, 045009 (2011),
    doi:10.1088/0953-8984/23/4/045009
    Z.-Y. Ong, Y. Cai, G. Zhang, Phys. Rev. B 94, 165427 (2016), doi:10.1103/PhysRevB.94.165427
    """
    check_record(sheet, Sheet, python="take kapitza.matter.sheet('graphene')")
    check_record(substrate, Solid, python="take kapitza.solid('a-SiO2')")
    for name, value in (("spring", spring), ("damping", damping)):
        if not (np.isfinite(value) and value > 0):
            raise InputError(f"{name} = {value:g}, wanted a finite number above 0")
    check_not_negative("substrate_loss", substrate_loss)
    weights = None
    if omega is not None:
        wanted = frequencies(omega)
    else:
        grid = frequency_grid(_sheet_spectrum_edges(sheet, substrate, spring))
        wanted, weights = grid.omega, grid.weight
    zone = float(np.sqrt(4 * np.pi * sheet.cells))
    total = np.zeros(wanted.size)
    inside = np.flatnonzero((wanted > 0) & (wanted <= substrate.edges[-1]))
    if inside.size:
        size = (
            _wavevector_panels(wanted[inside[:1]], sheet, substrate, zone, damping, substrate_loss).size
            * _NODES_PER_PANEL
        )
        for part in np.array_split(inside, -(-inside.size * size // _MAX_PAIRS_AT_ONCE)):
            bounds = _wavevector_panels(wanted[part], sheet, substrate, zone, damping, substrate_loss)
            q, weight = panel_quadrature(bounds, _NODES_PER_PANEL, roots=True)
            above = sheet_response(q, wanted[part, None], sheet, damping)
            below = surface_response(q, wanted[part, None], substrate, substrate_loss)
            total[part] = np.sum(weight * q * coupled_transmission(above, below, spring), axis=1) / (2 * np.pi)
    return Transmission(
        wanted,
        total,
        np.full(wanted.size, zone**2 / (4 * np.pi)),
        weight=weights,
        method=f"spring-coupled {sheet.name}|{substrate.name}",
    )


def _sheet_spectrum_edges(sheet: Sheet, substrate: Solid, spring: float) -> Array:
    """(k,) frequencies near which Ξ changes quickly: the sheet on its springs, its meeting with transverse sound."""
    top = substrate.edges[-1]
    ride = np.sqrt(spring / sheet.density)
    meet = substrate.transverse**2 / sheet.flexural
    near = ride * np.array([0.5, 0.7, 0.8, 0.9, 0.95, 1, 1.05, 1.1, 1.2, 1.4, 2])
    extra = np.unique(np.concatenate([near, meet * np.array([0.8, 0.9, 1, 1.1, 1.25])]))
    return merge_edges(substrate.edges, extra[(extra > 0) & (extra < top)])


def _wavevector_panels(omega: Array, sheet: Sheet, substrate: Solid, zone: float, damping: float, loss: float) -> Array:
    """(nω, m) bounds of the panels of the integral over wave vectors, m⁻¹, fine where something resonates."""
    sound = [omega / substrate.longitudinal, omega / substrate.transverse]
    bend = np.sqrt(omega / sheet.flexural)
    finest = min(damping, 0.1) / 8  # q⁴ ∝ 1 + iγ: a resonance in q has the relative half width γ/4
    offset = 2.0 ** -np.arange(1, 2 + np.ceil(np.log2(0.5 / finest)))
    around = np.concatenate([1 - offset, [1.0], 1 + offset])
    bounds = [np.zeros_like(omega), *sound, *(bend * x for x in around)]
    stop = np.minimum(sound[1], zone)  # without loss no slower wave carries heat away
    if loss > 0:
        # the Rayleigh wave, moved by the mass of the sheet, may stand anywhere between transverse sound and the zone
        narrow = np.arange(0, 1, max(min(loss, damping), 1e-3))
        bounds += [sound[1] * (1 + x) for x in narrow]
        bounds += [sound[1] * 2.0**i for i in range(1, 25)]
        stop = np.full_like(omega, zone)
    # bounds beyond the end fall on it: panels of no width, which add nothing
    return np.sort(np.minimum(np.stack([*bounds, stop], axis=1), stop[:, None]), axis=1)
