r"""Heat flow through an interface in equilibrium and out of it.

Between reservoirs at $T_1$ and $T_2$ an elastic interface passes $q = P(T_1) - P(T_2)$, with the one-way equilibrium
power $P(T) = \int \frac{d\omega}{2\pi}\,\hbar\omega\,n(\omega, T)\,\Xi(\omega)$.  For small differences this is the
Landauer conductance, $G = dP/dT$; the equilibrium noise of the flow and the Onsager coefficient hold the same number.
All of them refer to the emitted drop.
"""

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, numbers, temperatures
from kapitza.core.conductance import Conductance
from kapitza.core.occupation import Statistics, energy_variance, thermal_energy
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError
from kapitza.units import k_B


def equilibrium_power(transmission: Transmission, temperature: ArrayLike, statistics: Statistics = "quantum") -> Array:
    r"""(nT,) one-way equilibrium power that crosses, $P(T)$, W m⁻².

    Parameters
    ----------
    transmission : elastic (an inelastic one depends on both temperatures)
    temperature : (nT,) K, above zero

    Raises
    ------
    InputError
        for a transmission that holds at one temperature only
    """
    _check_elastic(transmission)
    energy = thermal_energy(transmission.omega, temperature, statistics)
    return energy @ (transmission.total * transmission.weights) / (2 * np.pi)


def heat_flux(
    transmission: Transmission, *, left: ArrayLike, right: ArrayLike, statistics: Statistics = "quantum"
) -> Array:
    """(n,) heat flux from a left to a right reservoir at the temperatures `left` and `right` (K), W m⁻².

    Nothing is linearised; exact for elastic scattering at any difference.
    """
    return equilibrium_power(transmission, left, statistics) - equilibrium_power(transmission, right, statistics)


def finite_drop_conductance(
    transmission: Transmission, mean: ArrayLike, difference: ArrayLike, statistics: Statistics = "quantum"
) -> Array:
    r"""(n,) $q/\Delta T$ at a fixed mean temperature, W m⁻² K⁻¹.

    At fixed mean it is even in ΔT and differs from G(mean) by $G''\Delta T^2/24$ only.  At a fixed temperature of one
    side it would be off in the first order of ΔT, which reads as a rectification that is not there.

    Parameters
    ----------
    mean : K
    difference : left minus right, K; not 0, smaller than twice the mean

    Raises
    ------
    InputError
        if a reservoir would be at or below 0 K, or the difference is 0
    """
    middle, delta = temperatures(mean), numbers(difference)
    if middle.size != delta.size and 1 not in (middle.size, delta.size):
        raise InputError(
            f"{middle.size} mean temperatures for {delta.size} differences: give as many, or one of either"
        )
    middle, delta = np.broadcast_arrays(middle, delta)
    if (delta == 0).any():
        raise InputError(
            f"a difference of 0 K has no flux at mean {middle[0]:g} K; the limit is Transmission.conductance"
        )
    return heat_flux(transmission, left=middle + delta / 2, right=middle - delta / 2, statistics=statistics) / delta


def heat_flow_noise(transmission: Transmission, temperature: ArrayLike, statistics: Statistics = "quantum") -> Array:
    r"""Equilibrium noise of the heat flow at zero frequency, per area (two-sided spectral density).

    $S(T) = 2\int \frac{d\omega}{2\pi}\,\Xi\,(\hbar\omega)^2 n(n+1) = 2 k_B T^2 G$ (fluctuation-dissipation; in time,
    $S = \int_{-\infty}^{\infty} \langle Q(0)Q(t) \rangle dt / A$: the Green-Kubo form of G).  It holds for any
    Ξ: the partition noise of half-open channels goes with $\Xi(1-\Xi)(n_L - n_R)^2$, which vanishes in equilibrium.

    Returns
    -------
    (nT,) W² s m⁻²
    """
    _check_elastic(transmission)
    variance = energy_variance(transmission.omega, temperature, statistics)
    return 2 * variance @ (transmission.total * transmission.weights) / (2 * np.pi)


def conductance_from_noise(noise: ArrayLike, temperature: ArrayLike) -> Array:
    """(nT,) G = S/2k_B T² from the zero-frequency noise per area S (W² s m⁻²) at T (K), W m⁻² K⁻¹."""
    return numbers(noise) / (2 * k_B * temperatures(temperature) ** 2)


@frozen(eq=False)
class Onsager(BaseRecord):
    """Linear response of the heat flux to a difference of 1/T: flux = coefficient · Δ(1/T).

    Examples
    --------
    >>> from kapitza import dmm, solid
    >>> from kapitza.core import onsager_coefficient
    >>> found = onsager_coefficient(dmm(solid("Al"), solid("Si")), [300.0])
    >>> print(f"{found.coefficient[0]:.2e} W K m⁻²")
    7.20e+13 W K m⁻²
    """

    temperature: Array = field(metadata=about("K", "temperature"))
    coefficient: Array = field(metadata=about("W K m^-2", "Onsager coefficient of the heat flux"))
    statistics: Statistics = "quantum"

    def conductance(self) -> Conductance:
        """G = L/T² of the emitted drop, W m⁻² K⁻¹."""
        value = self.coefficient / self.temperature**2
        return Conductance(self.temperature, value, drop="emitted", statistics=self.statistics, method="Onsager")


def onsager_coefficient(
    transmission: Transmission, temperature: ArrayLike, statistics: Statistics = "quantum"
) -> Onsager:
    """Onsager coefficient of the heat flux, L = G T²."""
    result = transmission.conductance(temperature, statistics=statistics)
    return Onsager(result.temperature, result.value * result.temperature**2, statistics)


def _check_elastic(transmission: Transmission) -> None:
    if transmission.temperature is not None:
        raise InputError(
            f"{transmission.method} is inelastic and known at {transmission.temperature:g} K only: "
            "its one-way power at other temperatures is not"
        )
