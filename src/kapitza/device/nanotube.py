r"""Nanotubes in a liquid or polymer: why they conduct so little there.

Heat enters a tube through its wall.  Only what is longer than some Kapitza lengths of the matrix brings more heat along
than the matrix itself.
"""

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import number, positive, quantity
from kapitza.core.conductance import Conductance
from kapitza.core.stack import Boundary
from kapitza.device.composite import check_fraction
from kapitza.device.ellipsoids import DISORDER, EffectiveMedium, check_medium, oriented

GRAPHENE = 7.6e-7 * 710.0  # J m⁻² K⁻¹: 0.76 mg/m² of carbon, with the specific heat of graphite at 300 K


@frozen
class Tube:
    """A nanotube: length and diameter (m), conductivity along its axis on its full cross section (W m⁻¹ K⁻¹)."""

    conductivity: float = field(converter=number, validator=quantity())
    diameter: float = field(converter=number, validator=quantity())
    length: float = field(converter=number, validator=quantity())


def nanotube_composite(
    matrix: float,
    tube: Tube,
    conductance: float | Conductance,
    *,
    fraction: float,
    alignment: float = DISORDER,
    temperature: float = 300.0,
) -> EffectiveMedium:
    r"""Conductivity of nanotubes in a matrix.

    Heat enters a tube over its wall and its ends: along its axis it conducts as $k_c/(1 + 2Rk_c/L)$, across it as
    $k_c/(1 + 2Rk_c/d)$, and it depolarises as an infinite cylinder.

    Parameters
    ----------
    matrix : conductivity, W m⁻¹ K⁻¹
    tube : the nanotubes
    conductance : of the boundary, a number or a Conductance of T with the extrapolated drop, W m⁻² K⁻¹
    fraction : of the volume
    alignment : mean of cos² to z: 1/3 in all directions, 1 aligned
    temperature : at which a Conductance of T is taken, K

    Raises
    ------
    InputError
        for values outside of their range

    Warns
    -----
    ValidityWarning
        where tubes are so many and long that they touch; boundaries at the ends of tubes, and between tubes, are left
        out

    References
    ----------
    C.-W. Nan, G. Liu, Y. Lin and M. Li, Appl. Phys. Lett. 85, 3549 (2004), doi:10.1063/1.1808874
    """
    check_medium(fraction, alignment, tube.length / tube.diameter)
    outside = float(positive(matrix)[0])
    resistance = Boundary(conductance).resistance(temperature)
    ends = (tube.diameter, tube.length)
    across, along = (tube.conductivity / (1 + 2 * resistance * tube.conductivity / size) for size in ends)
    response = 2 * (across - outside) / (across + outside), along / outside - 1
    return oriented(outside, response, (0.5, 0.0), fraction, alignment)


def long_tubes(
    matrix: float, tube: Tube, conductance: float | Conductance, *, fraction: float, temperature: float = 300.0
) -> float:
    r"""Conductivity of few long tubes in all directions,
    $\frac{k}{k_m} = 1 + \frac{\phi p}3\,\frac{k_c/k_m}{p + (2a_K/d)(k_c/k_m)}$, W m⁻¹ K⁻¹.

    The limit of `nanotube_composite` for $p = L/d \to \infty$ and small fractions, $a_K = Rk_m$.

    Parameters
    ----------
    matrix, tube, conductance, fraction, temperature : as there

    References
    ----------
    C.-W. Nan, G. Liu, Y. Lin and M. Li, Appl. Phys. Lett. 85, 3549 (2004), doi:10.1063/1.1808874
    """
    check_fraction(fraction)
    outside = float(positive(matrix)[0])
    aspect, ratio = tube.length / tube.diameter, tube.conductivity / outside
    kapitza = Boundary(conductance).resistance(temperature) * outside
    return outside * (1 + fraction * aspect / 3 * ratio / (aspect + 2 * kapitza / tube.diameter * ratio))


def useful_length(matrix: float, tube: Tube, conductance: float | Conductance, temperature: float = 300.0) -> float:
    r"""Length from which tubes bring more heat along their axis than the matrix, $2Rk_mk_c/(k_c - k_m)$, m.

    Infinite for tubes that conduct no better than the matrix.
    """
    outside = float(positive(matrix)[0])
    if tube.conductivity <= outside:
        return np.inf
    resistance = Boundary(conductance).resistance(temperature)
    return 2 * resistance * outside * tube.conductivity / (tube.conductivity - outside)


def cooling_time(conductance: float | Conductance, *, per_area: float = GRAPHENE, temperature: float = 300.0) -> float:
    r"""Time in which a heated tube cools through its wall into a matrix that stays cold, $\tau = C_A/G$, s.

    Parameters
    ----------
    conductance : of the wall, W m⁻² K⁻¹
    per_area : heat capacity of the tube per area of its wall, J m⁻² K⁻¹; one layer of graphene if not given
    temperature : at which a Conductance of T is taken, K
    """
    return float(positive(per_area)[0]) * Boundary(conductance).resistance(temperature)
