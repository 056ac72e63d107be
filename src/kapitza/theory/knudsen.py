r"""Temperature slip of a gas, of molecules or of phonons, at a wall.

A slip is not a Kapitza resistance: it is what collisions inside the medium leave undone within a mean free path of the
wall, and it would be there at a perfectly absorbing wall as well.  Each is returned as a length $\zeta$, by which the
medium seems thicker, or as the resistance $\zeta/k$.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import (
    Array,
    about,
    check_not_negative,
    check_record,
    find_name,
    positive,
    quantity,
    temperatures,
)
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.units import N_A, k_B

# Hopf's constant: extrapolation length of the Milne problem in mean free paths,
# 6/π² + (1/π) ∫ [3/x² - 1/(1 - x cot x)] dx from 0 to π/2.
HOPF_CONSTANT = 0.7104460895987

Accommodation = tuple[float, float]
_NIST_SOURCE = "doi:10.18434/T4D303, 300 K"


@frozen
class Gas(BaseRecord):
    """Dilute gas; its conductivity and viscosity do not depend on pressure.

    The ratio of heat capacities is 5/3 for single atoms, 7/5 for stiff pairs.

    Raises
    ------
    InputError
        for values that are not finite and positive, or a ratio outside of 1..5/3

    Examples
    --------
    >>> from kapitza.theory import gas
    >>> air = gas("air")
    >>> print(f"{air.conductivity:.4f} W m⁻¹ K⁻¹, heat capacities {air.ratio}")
    0.0264 W m⁻¹ K⁻¹, heat capacities 1.4
    """

    name: str
    mass: float = field(validator=quantity(), metadata=about("kg", "of a molecule"))
    conductivity: float = field(validator=quantity(), metadata=about("W m^-1 K^-1", "of the gas"))
    viscosity: float = field(validator=quantity(), metadata=about("Pa s", "dynamic"))
    ratio: float = field(validator=quantity(low=1.0, high=1.6667), metadata=about("1", "of heat capacities"))
    source: str = ""

    @property
    def prandtl(self) -> float:
        r"""Prandtl number $\eta c_p/k$; 2/3 for single atoms."""
        heat = self.ratio / (self.ratio - 1) * k_B / self.mass
        return self.viscosity * heat / self.conductivity

    def mean_free_path(self, pressure: float, temperature: ArrayLike) -> Array:
        r"""(nT,) mean free path $\frac{\eta}{p}\sqrt{\pi k_B T/2m}$, m; pressure in Pa, temperature in K."""
        speed = np.sqrt(np.pi * k_B * temperatures(temperature) / (2 * self.mass))
        return self.viscosity / positive(pressure)[0] * speed

    def free_molecular(self, pressure: float, temperature: ArrayLike) -> Array:
        r"""(nT,) heat that molecules carry between fully accommodating walls without collisions, W m⁻² K⁻¹.

        $h_{FM} = \frac{\gamma + 1}{\gamma - 1}\, p \sqrt{k_B/8\pi m T}$
        """
        flow = positive(pressure)[0] * np.sqrt(k_B / (8 * np.pi * self.mass * temperatures(temperature)))
        return (self.ratio + 1) / (self.ratio - 1) * flow


def temperature_jump(gas: Gas, *, pressure: float, temperature: ArrayLike, accommodation: float = 1.0) -> Array:
    r"""(nT,) Smoluchowski's jump length of a gas at a wall, m; pressure in Pa, temperature in K.

    $\zeta = \frac{2 - a}{a}\,\frac{2\gamma}{\gamma + 1}\,\frac{\Lambda}{\mathrm{Pr}}$, where the temperature of the gas
    extrapolates to $T_{wall} + \zeta\, dT/dn$ at the wall and the accommodation $a$ is the share of its energy that a
    molecule exchanges at a collision, 0..1.  Kinetic theory with full accommodation gives 1.95 where this gives
    $\frac{15\sqrt\pi}{16} = 1.662$ in units of $\eta\sqrt{2k_BT/m}/p$: this is 15 % too little.

    M. von Smoluchowski, Ann. Phys. 300, 101 (1898)
    F. Sharipov, J. Phys. Chem. Ref. Data 40, 023101 (2011) (kinetic theory)
    """
    check_record(gas, Gas, python="take kapitza.theory.gas('air'), or Gas(...) with numbers of your own")
    if not (np.isfinite(accommodation) and 0 < accommodation <= 1):
        raise InputError(f"accommodation = {accommodation:g}, wanted a number above 0 and at most 1")
    slip = ((2 - accommodation) / accommodation) * 2 * gas.ratio / (gas.ratio + 1) / gas.prandtl
    return slip * gas.mean_free_path(pressure, temperature)


def gas_gap(
    gas: Gas, width: float, *, pressure: float, temperature: ArrayLike, accommodation: Accommodation = (1.0, 1.0)
) -> Conductance:
    r"""Conductance of a gas between two parallel walls, from the continuum to free molecules.

    $h = k/(d + \zeta_1 + \zeta_2)$.  With Smoluchowski's jump this is exactly Sherman's interpolation
    $1/h = d/k + (1/a_1 + 1/a_2 - 1)/h_{FM}$, and for single atoms the four-moment result
    $h/h_{FM} = [1 + \frac{4}{15} d/\Lambda]^{-1}$ of Lees and Liu.

    Parameters
    ----------
    gas : conductivity, viscosity, mass and ratio of heat capacities, taken at these temperatures
    width : $d$, m, from 0
    pressure : Pa
    temperature : (nT,) K
    accommodation : coefficients of both walls

    Returns
    -------
    Conductance with (nT,) values, of the gap as a whole: not a Kapitza conductance

    Raises
    ------
    InputError
        for a negative width, or what `temperature_jump` refuses

    References
    ----------
    F. S. Sherman, in Rarefied Gas Dynamics, ed. J. A. Laurmann, vol. 2, 228 (Academic Press, 1963)
    C.-Y. Liu, L. Lees, in Rarefied Gas Dynamics, ed. L. Talbot, 391 (Academic Press, 1961)
    """
    check_not_negative("width", width, "m")
    jumps = sum(
        temperature_jump(gas, pressure=pressure, temperature=temperature, accommodation=a) for a in accommodation
    )
    value = gas.conductivity / (width + jumps)
    return Conductance(temperatures(temperature), value, method=f"gas gap ({gas.name}), not a Kapitza conductance")


def phonon_slip(*, conductivity: float, mean_free_path: float) -> float:
    r"""Slip resistance of phonons at a black wall, $0.710446\,\Lambda/k$, m² K W⁻¹ (gray, isotropic, steady).

    With the bulk conductivity $k = C v \Lambda/3$ it is $2.131/(C v)$, whatever the mean free path Λ; the diffusion
    approximation gives 2.  It is what a wall that takes up all phonons shows when drops are counted from the
    extrapolated profile, and so not a property of the wall.

    E. Hopf, Mathematical Problems of Radiative Equilibrium (Cambridge University Press, 1934)
    M. A. Heaslet, R. F. Warming, Int. J. Heat Mass Transfer 8, 979 (1965), doi:10.1016/0017-9310(65)90083-9
    """
    k, path = positive([conductivity, mean_free_path])
    return float(HOPF_CONSTANT * path / k)


GAS_LIBRARY: Mapping[str, Gas] = MappingProxyType(
    {
        "helium": Gas("helium", 4.0026e-3 / N_A, 0.1556, 1.99e-5, 5 / 3, _NIST_SOURCE),
        "argon": Gas("argon", 39.948e-3 / N_A, 0.01768, 2.27e-5, 5 / 3, _NIST_SOURCE),
        "nitrogen": Gas("nitrogen", 28.014e-3 / N_A, 0.0260, 1.79e-5, 1.4, _NIST_SOURCE),
        "air": Gas("air", 28.96e-3 / N_A, 0.0264, 1.85e-5, 1.4, _NIST_SOURCE),
    }
)


def gas(name: str) -> Gas:
    """Return a gas of the library, at 300 K.

    Raises
    ------
    InputError
        for an unknown name; the message offers near ones
    """
    return GAS_LIBRARY[find_name(name, GAS_LIBRARY, "gas of the library")]
