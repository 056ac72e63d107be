r"""Scattering rates of phonons by frequency, and the conductivity of a crystal with them.

Phonons of frequency ω decay with $1/\tau(\omega)$, all branches of a frequency alike.  In the relaxation-time
approximation the conductivity along the normal is $\kappa = \frac1V\sum C v_z^2\tau$ over the modes of the lead.
"""

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, increasing, numbers, one_temperature, same_length
from kapitza.core.occupation import Statistics, mode_heat_capacity
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.junction import SQUARE_PICOSECOND, Junction, JunctionLayer, Lead, wavevector_fractions

_REFERENCE_FREQUENCY = 1e12  # rad/s, where a law of the square of the frequency is written down
_MIN_RATE, _MAX_RATE = 1e2, 1e16  # s⁻¹ from 10⁹ rad/s on: seconds, or less than a vibration, are other units
_PLAUSIBLE_FROM = 1e9  # rad/s, below which rates may have any size
_MESH = (12, 12, 24)  # wave vectors of the sum over modes, the last along the normal
_STATIC = 1e-3  # of the top frequency: modes below it are shifts of the crystal


def _rates(value: ArrayLike) -> Array:
    """Return `value` as rates from 0, s⁻¹."""
    array = numbers(value)
    if not (np.isfinite(array) & (array >= 0)).all():
        raise InputError(f"rate = {value!r:.60}: expected finite rates from 0, in s⁻¹")
    return array


@frozen(eq=False)
class RelaxationRate(BaseRecord):
    r"""Rate $1/\tau(\omega)$ at which the energy of phonons of one frequency decays, at one temperature.

    Between the frequencies, and beyond them, it follows powers of ω.  It is 0 everywhere (phonons live forever), or
    above 0 everywhere.

    Raises
    ------
    InputError
        for columns of unequal length, frequencies that do not increase, negative or implausible rates
    """

    omega: Array = field(converter=increasing, metadata=about("rad s^-1", "frequency, (n,)"))
    rate: Array = field(
        converter=_rates, validator=same_length("omega"), metadata=about("s^-1", "scattering rate 1/τ of each, (n,)")
    )

    def __attrs_post_init__(self) -> None:
        """Check that the law has two points above zero, in s⁻¹."""
        if self.omega.size < 2 or self.omega[0] <= 0:
            raise InputError(f"{self.omega.size} frequencies from {self.omega[:1]}: expected two or more above 0 rad/s")
        if self.rate.any() and not self.rate.all():
            raise InputError(f"{np.count_nonzero(self.rate == 0)} rates are 0 s⁻¹, others not: expected all or none")
        shown = self.rate[(self.omega > _PLAUSIBLE_FROM) & (self.rate > 0)]
        if shown.size and not _MIN_RATE <= np.median(shown) <= _MAX_RATE:
            raise InputError(f"rate = {np.median(shown):.3g} s⁻¹: expected {_MIN_RATE:g} to {_MAX_RATE:g} (in THz?)")

    def at(self, omega: Array) -> Array:
        """(n,) rate at frequencies ω above 0 (rad s⁻¹), s⁻¹."""
        if not self.rate.any():
            return np.zeros_like(omega)
        x, y, wanted = np.log(self.omega), np.log(self.rate), np.log(omega)
        place = np.clip(np.searchsorted(x, wanted) - 1, 0, x.size - 2)
        slope = (y[place + 1] - y[place]) / (x[place + 1] - x[place])
        return np.asarray(np.exp(y[place] + slope * (wanted - x[place])), dtype=float)

    @staticmethod
    def quadratic(strength: float) -> "RelaxationRate":
        r"""$1/\tau = A\omega^2$ with A = `strength`, s: Umklapp scattering above the Debye temperature."""
        if not 0 <= strength < np.inf:
            raise InputError(f"strength = {strength:g} s: expected a finite number from 0")
        omega = _REFERENCE_FREQUENCY * np.array([1.0, 10.0])
        return RelaxationRate(omega, strength * omega**2)


@frozen(eq=False, kw_only=True)
class ModeVelocities(BaseRecord):
    """Modes of a crystal, each with its velocity along the normal."""

    omega: Array = field(metadata=about("rad s^-1", "frequency, (n,)"))
    velocity: Array = field(metadata=about("m s^-1", "group velocity along the normal, (n,)"))
    volume: float = field(metadata=about("m^3", "volume of crystal for each mode of the list, all together"))

    def conductivity(
        self, rate: RelaxationRate, temperature: float = 300.0, statistics: Statistics = "quantum"
    ) -> float:
        r"""$\kappa = \frac1V\sum C v_z^2\tau$, W m⁻¹ K⁻¹; infinite without scattering."""
        mean = one_temperature(temperature)
        decay = rate.at(self.omega)
        if not decay.any():
            return np.inf
        heat = mode_heat_capacity(self.omega, [mean], statistics)[0]
        return float((heat * self.velocity**2 / decay).sum() / self.volume)


def homogeneous_junction(lead: Lead, layers: int) -> Junction:
    """A crystal without an interface, some of its layers as the device."""
    slab = JunctionLayer(lead.masses, lead.shifts, lead.onsite, lead.hop)
    end = JunctionLayer(lead.masses, lead.shifts, lead.onsite, None)
    return Junction(lead.name, lead.periods, lead, lead, (*([slab] * (layers - 1)), end))


def mode_velocities(lead: Lead, mesh: tuple[int, int, int] = _MESH) -> ModeVelocities:
    r"""Modes of a lead on an even mesh, with velocities $v = e^\dagger(\partial D/\partial q)e/2\omega$."""
    sides = [(np.arange(n) + 0.5) / n for n in mesh[:2]]
    k = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, 2)
    blocks = homogeneous_junction(lead, 2).blocks(wavevector_fractions(k))
    onsite, hop = blocks.onsite[0], blocks.hop[0]
    found: list[tuple[Array, Array]] = []
    for phase in 2 * np.pi * (np.arange(mesh[2]) + 0.5) / mesh[2]:
        forward = hop * np.exp(1j * phase)
        square, vectors = np.linalg.eigh(onsite + forward + forward.conj().swapaxes(1, 2))
        slope = 1j * forward
        change = np.einsum(
            "kai,kab,kbi->ki", vectors.conj(), slope + slope.conj().swapaxes(1, 2), vectors, optimize=True
        ).real
        omega = np.sqrt(np.maximum(square, 0))
        found.append((omega.ravel(), (change / (2 * np.maximum(omega, 1e-12))).ravel()))
    omega, velocity = (np.concatenate(part) for part in zip(*found, strict=True))
    kept = omega > _STATIC * omega.max()
    per_second = 1 / np.sqrt(SQUARE_PICOSECOND)
    return ModeVelocities(
        omega=omega[kept] * per_second,
        velocity=velocity[kept] * per_second * lead.thickness,
        volume=float(np.prod(mesh)) * lead.area * lead.thickness,
    )


def rate_for_conductivity(
    lead: Lead, conductivity: float, temperature: float = 300.0, *, statistics: Statistics = "quantum"
) -> RelaxationRate:
    r"""$1/\tau = A\omega^2$ with which a crystal has a conductivity along the normal (W m⁻¹ K⁻¹) at T (K)."""
    if not (np.isfinite(conductivity) and conductivity > 0):
        raise InputError(f"conductivity = {conductivity:g} W/mK: expected above 0")
    trial = 1e-16
    found = mode_velocities(lead).conductivity(RelaxationRate.quadratic(trial), temperature, statistics)
    return RelaxationRate.quadratic(trial * found / conductivity)
