"""How many phonons each vibration holds along the normal: one record for simulation, Boltzmann solvers and spectra."""

from typing import Self

import numpy as np
from attrs import converters, evolve, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, increasing, one_of, positive
from kapitza.core.occupation import STATISTICS, Statistics
from kapitza.errors import InputError
from kapitza.units import k_B


def table(value: ArrayLike) -> Array:
    """Return `value` as a read-only table of floats along two axes; NaN stands where there is no value.

    Raises
    ------
    InputError
        for another number of axes, text and infinity
    """
    try:
        array = np.array(value, dtype=float)
    except (TypeError, ValueError) as err:
        raise InputError(f"expected numbers along two axes, got {value!r:.60}") from err
    if array.ndim != 2 or np.isinf(array).any():
        raise InputError(f"expected finite numbers (or NaN) along two axes, got shape {array.shape}")
    array.flags.writeable = False
    return array


@frozen(eq=False)
class Occupation:
    r"""Occupation of each mode at each place, in or out of equilibrium.

    Attributes
    ----------
    position : (nx,) increasing, m
    energy : (nm,) quantum of each mode, above zero, J
    value : (nx, nm) mean number of phonons in the mode; NaN where unknown; noise may carry it below zero
    sigma : (nx, nm) standard uncertainty; None where unknown
    statistics : "quantum", or "classical" where the value is $\langle\text{energy}\rangle/E$ of a classical simulation
    modes : names of the modes, empty or (nm,)
    method : how it came about

    Raises
    ------
    InputError
        for shapes that do not fit, infinite values, energies that are not above zero, uncertainties below zero
    """

    position: Array = field(converter=increasing)
    energy: Array = field(converter=positive)
    value: Array = field(converter=table)
    sigma: Array | None = field(default=None, converter=converters.optional(table))
    statistics: Statistics = field(default="quantum", validator=one_of(*STATISTICS), kw_only=True)
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
