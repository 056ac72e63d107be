"""Boundaries of metals: electrons hand their heat to the lattice first, or across the boundary themselves.

In the metal ($x > 0$) $k_e T_e'' = G(T_e - T_p) - s$ and $k_p T_p'' = -G(T_e - T_p)$; the mean temperature
$(k_e T_e + k_p T_p)/(k_e + k_p)$ solves Fourier's equation, and its drop at the plane defines the conductance.
"""

from typing import Any, Literal

import numpy as np
from attrs import evolve
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, check_record, positive
from kapitza.core.conductance import Conductance
from kapitza.errors import InputError
from kapitza.matter.electrons import Electrons

Heating = Literal["both", "electrons"]

_INFINITE_CONDUCTANCE = 1e30  # W m⁻² K⁻¹: a boundary that is not there, within rounding
_COMPLEX_STEP = 1e-20  # W m⁻² K⁻¹, of a complex-step derivative: no subtraction, so no rounding


def electron_phonon(
    conductance: Conductance,
    electrons: Electrons,
    thickness: float | None = None,
    interface_channel: ArrayLike = 0.0,
    heating: Heating = "both",
) -> Conductance:
    r"""Effective conductance between a metal and a non-metal with electrons, lattice and their exchange.

    Without a direct channel it is the series $1/h = 1/h_{pp} + R_{ep}\coth(d/l)$ with
    $R_{ep} = [k_e/(k_e + k_p)]^{3/2}/\sqrt{G k_p}$ (Majumdar and Reddy for $k_e \gg k_p$).  With one, the heat takes
    three ways: lattice to lattice, electrons to lattice across the boundary, and electrons to lattice inside the metal
    and then across; the network is solved exactly.

    Parameters
    ----------
    conductance : (nT,) $h_{pp}$ of the lattices, from a mismatch model or a simulation
    electrons : conductivities and coupling of the metal, taken as constant over the temperatures
    thickness : $d$ of the metal film, m; None for a thick one
    interface_channel : $h_{ei}$, a number or (nT,), W m⁻² K⁻¹, from electrons across the boundary
    heating : how heat enters a film.  "both": through its far face, carried by electrons and lattice in the ratio of
        their conductivities.  "electrons": into the electrons alone, evenly over the film, which adds
        $l^2/[(k_e + k_p)d]$ to the resistance without a direct channel

    Returns
    -------
    Conductance with (nT,) values and the drop of the input; sigma follows from that of the input

    Raises
    ------
    InputError
        for a thickness that is not finite and positive, a negative channel, an unknown heating, or another kind of
        conductance or electrons

    References
    ----------
    A. Majumdar, P. Reddy, Appl. Phys. Lett. 84, 4768 (2004)
    M. Li, Y. Wang, J. Zhou, J. Ren, B. Li, arXiv:1412.2465 (2014), doi:10.48550/arXiv.1412.2465 (three channels)
    J. Lombard, F. Detcheverry, S. Merabia, J. Phys.: Condens. Matter 27, 015007 (2015),
    doi:10.1088/0953-8984/27/1/015007
    """
    check_record(conductance, Conductance, python="call .conductance(T) of a Transmission first")
    check_record(electrons, Electrons, python="give conductivities and coupling of the metal as Electrons(...)")
    if heating not in ("both", "electrons"):
        raise InputError(f'unknown heating {heating!r}: "both" or "electrons"')
    depth = None if thickness is None else float(positive(thickness)[0])
    direct = np.asarray(interface_channel, dtype=float)
    if direct.ndim > 1 or not (np.isfinite(direct).all() and (direct >= 0).all()):
        raise InputError(f"interface_channel = {interface_channel!r:.60}, wanted finite numbers from 0 in W m⁻² K⁻¹")
    if direct.size not in (1, conductance.value.size):
        raise InputError(f"interface_channel has {direct.size} values for {conductance.value.size} temperatures")
    lattice = np.minimum(conductance.value, _INFINITE_CONDUCTANCE)
    value = 1 / _fourier_resistance(lattice, direct, electrons, depth, heating)
    sigma = None
    if conductance.sigma is not None:
        perturbed = 1 / _fourier_resistance(lattice + 1j * _COMPLEX_STEP, direct, electrons, depth, heating)
        sigma = np.abs(np.imag(perturbed) / _COMPLEX_STEP) * conductance.sigma
    method = f"{conductance.method} with electrons of {electrons.name}"
    return evolve(conductance, value=np.real(value), sigma=sigma, method=method)


def _fourier_resistance(
    lattice: NDArray[Any], direct: Array, electrons: Electrons, depth: float | None, heating: Heating
) -> NDArray[Any]:
    r"""(nT,) resistance from the Fourier temperature at the plane to the partner, m² K W⁻¹.

    Unit flow; $\theta = T_e - T_p = P + A\cosh[(x - d)/l]$ and the two boundary conditions are linear in the mean
    temperature at the plane and in $A\sinh(d/l)$.
    """
    k_e, k_p, length = electrons.conductivity, electrons.lattice, electrons.length
    share_e, share_p = k_e / (k_e + k_p), k_p / (k_e + k_p)
    slope = share_e * k_p / length
    coth = 1.0 if depth is None else 1 / np.tanh(depth / length)
    even = length**2 / (k_e * depth) if heating == "electrons" and depth is not None else 0.0
    drive_e, drive_p = share_e - direct * share_p * even, share_p + lattice * share_e * even
    row_e, row_p = direct * share_p * coth + slope, lattice * share_e * coth + slope
    return (drive_e * row_p + drive_p * row_e) / (direct * row_p + lattice * row_e)
