r"""Equilibrium occupation of a vibration, and what it carries.

Classical statistics replaces $n$ by $k_B T / \hbar\omega$, so that every mode carries $k_B T$ and has the heat
capacity $k_B$.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, frequencies, known, numbers, temperatures
from kapitza.errors import InputError
from kapitza.units import hbar, k_B

Statistics = Literal["quantum", "classical"]

STATISTICS: tuple[Statistics, ...] = ("quantum", "classical")

SMALLEST = 1e-8  # at x = ħω/k_B T below this, limits differ from their value at 0 by less than rounding
LARGEST = 700.0  # e^x overflows a little above; there the occupation is 1e-304


def reduced(omega: ArrayLike, temperature: ArrayLike) -> Array:
    """(nT, nω) ħω/k_B T, kept away from 0 and from overflow."""
    ratio = hbar / (k_B * temperatures(temperature))
    return np.clip(ratio[:, None] * numbers(omega), SMALLEST, LARGEST)


def bose_einstein(omega: ArrayLike, temperature: ArrayLike) -> Array:
    r"""Equilibrium occupation $n = 1/(e^{\hbar\omega/k_B T} - 1)$.

    Parameters
    ----------
    omega : (nω,) angular frequency above zero, rad s⁻¹
    temperature : (nT,) K, above zero

    Returns
    -------
    (nT, nω)

    Raises
    ------
    InputError
        at ω = 0, where the occupation is infinite, and for temperatures that are not above zero
    """
    omega = frequencies(omega)
    if omega.size and omega[0] <= 0:
        raise InputError(f"the occupation is infinite at ω = {omega[0]:g}; use thermal_energy, which is k_B T there")
    return 1 / np.expm1(reduced(omega, temperature))


def thermal_energy(omega: ArrayLike, temperature: ArrayLike, statistics: Statistics = "quantum") -> Array:
    r"""(nT, nω) thermal energy $\hbar\omega n$ of one mode above its ground state, J; $k_B T$ at ω = 0."""
    per_mode = k_B * temperatures(temperature)[:, None]
    known(statistics, STATISTICS, "statistics")
    if statistics == "classical":
        return per_mode * np.ones(numbers(omega).size)
    x = reduced(omega, temperature)
    return per_mode * x / np.expm1(x)


def mode_heat_capacity(omega: ArrayLike, temperature: ArrayLike, statistics: Statistics = "quantum") -> Array:
    r"""Heat capacity of one mode, $\hbar\omega\,\partial n/\partial T$.

    It is $k_B (x/2\sinh(x/2))^2$ with $x = \hbar\omega/k_B T$.

    Parameters
    ----------
    omega : (nω,) angular frequency, rad s⁻¹
    temperature : (nT,) K, above zero
    statistics : "quantum", or "classical" for $k_B$ in every mode

    Returns
    -------
    (nT, nω) J K⁻¹, between 0 (frozen out) and $k_B$ (classical)

    Raises
    ------
    InputError
        for a temperature that is not above zero or an unknown statistics
    """
    known(statistics, STATISTICS, "statistics")
    if statistics == "classical":
        return np.full((temperatures(temperature).size, numbers(omega).size), k_B)
    half = 0.5 * reduced(omega, temperature)
    return k_B * np.square(half / np.sinh(half))


def energy_variance(omega: ArrayLike, temperature: ArrayLike, statistics: Statistics = "quantum") -> Array:
    r"""(nT, nω) equilibrium variance of the energy of one mode, $(\hbar\omega)^2 n (n + 1)$, J²."""
    temperature = temperatures(temperature)
    known(statistics, STATISTICS, "statistics")
    if statistics == "classical":
        return np.square(k_B * temperature)[:, None] * np.ones(numbers(omega).size)
    x = reduced(omega, temperature)
    n = 1 / np.expm1(x)
    return np.square(k_B * temperature)[:, None] * x**2 * n * (n + 1)
