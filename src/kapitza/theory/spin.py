r"""Spin-dependent Kapitza resistance: the two spin directions of the electrons cross a boundary unequally.

Each direction carries $q_s = -\kappa_s T_s'$ and crosses with $q_s = (T_{s,F} - T_{s,N})/R_s$; exchange between them
makes the difference decay over $\lambda_Q$ on either side.  It is the problem of Valet and Fert with heat for charge,
temperature for the electrochemical potential.
"""

from attrs import field, frozen

from kapitza.core.arrays import about, check_not_negative, check_record
from kapitza.core.records import BaseRecord
from kapitza.matter.electrons import SpinChannels


@frozen
class SpinBoundary(BaseRecord):
    """What a heat flow does at a boundary between a ferromagnet and a normal metal, all at the plane.

    Examples
    --------
    >>> from kapitza.matter import SpinChannels
    >>> from kapitza.theory import spin_kapitza
    >>> permalloy = SpinChannels("permalloy", conductivity=25.0, length=5e-9, polarisation=0.3)
    >>> copper = SpinChannels("Cu", conductivity=300.0, length=100e-9)
    >>> boundary = spin_kapitza(permalloy, copper, resistance_up=1e-9, resistance_down=3e-9)
    >>> print(
    ...     f"{boundary.resistance * 1e9:.2f} m²K/GW; "
    ...     f"1 GW/m² sets the spins {boundary.accumulation * 1e12:.0f} mK apart"
    ... )
    0.81 m²K/GW; 1 GW/m² sets the spins 243 mK apart
    """

    resistance: float = field(metadata=about("m^2 K W^-1", "between the mean temperatures of both sides"))
    polarisation: float = field(metadata=about("1", "(q_up - q_down)/q of the heat flow that crosses"))
    accumulation: float = field(metadata=about("m^2 K W^-1", "T_up - T_down in the normal metal, for unit heat flow"))
    accumulation_magnet: float = field(metadata=about("m^2 K W^-1", "the same in the ferromagnet"))


def spin_kapitza(
    magnet: SpinChannels, normal: SpinChannels, *, resistance_up: float, resistance_down: float
) -> SpinBoundary:
    r"""Boundary of a ferromagnet, passed by heat, with spin heat accumulation on both sides.

    $\frac{q_\uparrow - q_\downarrow}{q} = \frac{P r_F + P_N r_N + \gamma r_b}{r_F + r_N + r_b}$ with
    $r = \lambda_Q/\kappa(1 - P^2)$, $r_b = (R_\uparrow + R_\downarrow)/4$ and
    $\gamma = (R_\downarrow - R_\uparrow)/(R_\downarrow + R_\uparrow)$.  The accumulation in the normal metal is
    $2 r_N (q_\uparrow - q_\downarrow)$, and the resistance between the extrapolated mean temperatures is

    $R = \frac{R_\uparrow R_\downarrow}{R_\uparrow + R_\downarrow}
    + \frac{(\gamma - P_F)^2 r_b r_F + (\gamma - P_N)^2 r_b r_N + (P_F - P_N)^2 r_F r_N}{r_F + r_N + r_b}$.

    Parameters
    ----------
    magnet, normal : conductivity, exchange length and polarisation of each side, thick beside that length
    resistance_up, resistance_down : of the boundary for either spin direction, from 0, m² K W⁻¹

    Returns
    -------
    SpinBoundary; for P = γ = 0 nothing accumulates, for strong exchange both directions cross in parallel

    Raises
    ------
    InputError
        for negative or NaN resistances

    References
    ----------
    T. T. Heikkila, M. Hatami, G. E. W. Bauer, Phys. Rev. B 81, 100408 (2010), doi:10.1103/PhysRevB.81.100408
    F. K. Dejene, J. Flipse, G. E. W. Bauer, B. J. van Wees, Nat. Phys. 9, 636 (2013)
    T. Valet, A. Fert, Phys. Rev. B 48, 7099 (1993), doi:10.1103/PhysRevB.48.7099
    """
    for side in (magnet, normal):
        check_record(side, SpinChannels, python="give conductivity, length and polarisation as SpinChannels(...)")
    for name, value in (("resistance_up", resistance_up), ("resistance_down", resistance_down)):
        check_not_negative(name, value, "m² K W⁻¹")
    both = resistance_up + resistance_down
    r_b = both / 4
    gamma = (resistance_down - resistance_up) / both if both else 0.0
    r_f, r_n, p_f, p_n = magnet.resistance, normal.resistance, magnet.polarisation, normal.polarisation
    total = r_f + r_n + r_b
    polarisation = (p_f * r_f + p_n * r_n + gamma * r_b) / total
    mixing = (gamma - p_f) ** 2 * r_b * r_f + (gamma - p_n) ** 2 * r_b * r_n + (p_f - p_n) ** 2 * r_f * r_n
    parallel = resistance_up * resistance_down / both if both else 0.0
    return SpinBoundary(
        resistance=parallel + mixing / total,
        polarisation=polarisation,
        accumulation=2 * r_n * (polarisation - p_n),
        accumulation_magnet=2 * r_f * (p_f - polarisation),
    )
