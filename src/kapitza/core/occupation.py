"""Occupation of vibrations: in equilibrium with what it carries, and as a record of each mode along the normal."""

from typing import Literal, Self

import numpy as np
from attrs import converters, evolve, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import (
    Array,
    about,
    check_choice,
    float_table,
    frequencies,
    increasing,
    numbers,
    one_of,
    positive,
    temperatures,
)
from kapitza.core.records import BaseRecord
from kapitza.errors import Hint, InputError
from kapitza.units import hbar, k_B

Statistics = Literal["quantum", "classical"]

STATISTICS_NAMES: tuple[Statistics, ...] = ("quantum", "classical")

_SMALLEST_REDUCED_ENERGY = 1e-8  # at x = ħω/k_B T below this, limits differ from their value at 0 by less than rounding
_LARGEST_REDUCED_ENERGY = 700.0  # e^x overflows a little above; there the occupation is 1e-304


def reduced_energy(omega: ArrayLike, temperature: ArrayLike) -> Array:
    """(nT, nω) ħω/k_B T, kept away from 0 and from overflow."""
    ratio = hbar / (k_B * temperatures(temperature))
    return np.clip(ratio[:, None] * numbers(omega), _SMALLEST_REDUCED_ENERGY, _LARGEST_REDUCED_ENERGY)


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
        raise InputError(
            f"the occupation is infinite at ω = {omega[0]:g}",
            hint=Hint(python="use thermal_energy, which is k_B T there"),
        )
    return 1 / np.expm1(reduced_energy(omega, temperature))


def thermal_energy(omega: ArrayLike, temperature: ArrayLike, statistics: Statistics = "quantum") -> Array:
    r"""(nT, nω) thermal energy $\hbar\omega n$ of one mode above its ground state, J; $k_B T$ at ω = 0."""
    per_mode = k_B * temperatures(temperature)[:, None]
    check_choice(statistics, STATISTICS_NAMES, "statistics")
    if statistics == "classical":
        return per_mode * np.ones(numbers(omega).size)
    x = reduced_energy(omega, temperature)
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
    check_choice(statistics, STATISTICS_NAMES, "statistics")
    if statistics == "classical":
        return np.full((temperatures(temperature).size, numbers(omega).size), k_B)
    half = 0.5 * reduced_energy(omega, temperature)
    return k_B * np.square(half / np.sinh(half))


def energy_variance(omega: ArrayLike, temperature: ArrayLike, statistics: Statistics = "quantum") -> Array:
    r"""(nT, nω) equilibrium variance of the energy of one mode, $(\hbar\omega)^2 n (n + 1)$, J²."""
    temperature = temperatures(temperature)
    check_choice(statistics, STATISTICS_NAMES, "statistics")
    if statistics == "classical":
        return np.square(k_B * temperature)[:, None] * np.ones(numbers(omega).size)
    x = reduced_energy(omega, temperature)
    n = 1 / np.expm1(x)
    return np.square(k_B * temperature)[:, None] * x**2 * n * (n + 1)


@frozen(eq=False)
class Occupation(BaseRecord):
    r"""Occupation of each mode at each place, in or out of equilibrium.

    Attributes
    ----------
    value : (nx, nm) mean number of phonons in the mode; NaN where unknown; noise may carry it below zero
    sigma : (nx, nm) standard uncertainty; None where unknown
    statistics : "quantum", or "classical" where the value is $\langle\text{energy}\rangle/E$ of a classical simulation
    modes : names of the modes, empty or (nm,)

    Raises
    ------
    InputError
        for shapes that do not fit, infinite values, energies that are not above zero, uncertainties below zero
    """

    position: Array = field(converter=increasing, metadata=about("m", "position"))
    energy: Array = field(converter=positive, metadata=about("J", "quantum of the mode"))
    value: Array = field(converter=float_table, metadata=about("1", "mean number of phonons"))
    sigma: Array | None = field(
        default=None, converter=converters.optional(float_table), metadata=about("1", "its uncertainty")
    )
    statistics: Statistics = field(default="quantum", validator=one_of(*STATISTICS_NAMES), kw_only=True)
    modes: tuple[str, ...] = field(default=(), converter=tuple, kw_only=True)
    method: str = field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        shape = (self.position.size, self.energy.size)
        for name, array in (("value", self.value), ("sigma", self.sigma)):
            if array is not None and array.shape != shape:
                raise InputError(f"{name} has shape {array.shape} for {shape[0]} positions and {shape[1]} modes")
        if self.sigma is not None and (self.sigma < 0).any():
            raise InputError(f"expected uncertainties from 0 upwards, got {np.nanmin(self.sigma):g}")
        if self.modes and len(self.modes) != self.energy.size:
            raise InputError(f"{len(self.modes)} names for {self.energy.size} modes: {', '.join(self.modes)}")

    def temperature(self) -> Array:
        r"""(nx, nm) temperature at which the mode would hold as many phonons in equilibrium, K.

        $T = E / k_B \ln(1 + 1/n)$; in classical statistics $T = nE/k_B$.  NaN where the occupation is not above zero.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            n = np.where(self.value > 0, self.value, np.nan)
            if self.statistics == "classical":
                return n * self.energy / k_B
            return self.energy / (k_B * np.log1p(1 / n))

    def temperature_sigma(self) -> Array | None:
        r"""(nx, nm) standard uncertainty of the temperature to first order, K; None where that of n is unknown.

        $\partial T/\partial n = k_B T^2 / E n(n+1)$, classically $E/k_B$.
        """
        if self.sigma is None:
            return None
        temperature = self.temperature()
        if self.statistics == "classical":
            return np.where(np.isnan(temperature), np.nan, self.sigma * self.energy / k_B)
        with np.errstate(invalid="ignore", divide="ignore"):
            return k_B * temperature**2 / (self.energy * self.value * (self.value + 1)) * self.sigma

    def equilibrium(self, temperature: ArrayLike) -> Array:
        """(nx, nm) occupation of the same modes in equilibrium, in the statistics of this record.

        Parameters
        ----------
        temperature : one for all places, or (nx,) one for each, above zero, K
        """
        kelvin = np.broadcast_to(positive(temperature), self.position.shape)[:, None]
        x = self.energy / (k_B * kelvin)
        return 1 / x if self.statistics == "classical" else 1 / np.expm1(np.minimum(x, 700.0))

    def departure(self, temperature: ArrayLike) -> Array:
        """(nx, nm) relative departure n/n₀ - 1 from equilibrium at one temperature, or one for each place, K."""
        return self.value / self.equilibrium(temperature) - 1

    def quantum(self) -> Self:
        r"""The same mode temperatures in quantum statistics; a record that is quantum already comes back unchanged.

        A classical simulation gives a mode the energy $k_B T$, $n = k_B T/E$.  A spectrum of loss $\propto n + 1$ and
        gain $\propto n$ needs $1/(e^{E/k_B T} - 1)$, applied exactly once.
        """
        if self.statistics == "quantum":
            return self
        temperature = self.temperature()
        with np.errstate(invalid="ignore"):
            value = 1 / np.expm1(np.minimum(self.energy / (k_B * temperature), 700.0))
        sigma = self.temperature_sigma()
        if sigma is not None:
            sigma = value * (value + 1) * self.energy / (k_B * temperature**2) * sigma
        return evolve(self, value=value, sigma=sigma, statistics="quantum")
