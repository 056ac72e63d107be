r"""Scattering rates of phonons by frequency or by branch, and the conductivity of a crystal with them.

Phonons of frequency ω decay with $1/\tau(\omega)$, all branches of a frequency alike or each at its own rate.  In the
relaxation-time approximation the conductivity along the normal is $\kappa = \frac1V\sum C v_z^2\tau$ over the modes.

A self-energy $-i\omega\Gamma$ on the coordinates of each cell, with a positive semi-definite matrix Γ(ω, k), takes
energy from a mode of polarisation e at the rate $e^\dagger\Gamma e$.  Of the modes that a crystal has at a frequency
and a wave vector in the plane,

$$\Gamma = \gamma_0 + \sum_n g_n e_ne_n^\dagger, \qquad g_n \ge 0, \qquad e_m^\dagger\Gamma e_m = 1/\tau_m,$$

with $\gamma_0$ the smallest of their rates and g by least squares without negative ones.  Where all rates are equal
this is $1/\tau$ on each coordinate; where polarisations are orthogonal it is exact.
"""

from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import AnyComplexArray, Array, about, increasing, numbers, one_temperature, same_length
from kapitza.core.occupation import Statistics, mode_heat_capacity
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.junction import SQUARE_PICOSECOND, Junction, JunctionLayer, Lead, wavevector_fractions
from kapitza.theory.agf.leads import bulk_matrix, dagger

_REFERENCE_FREQUENCY = 1e12  # rad/s, where a law of the square of the frequency is written down
_MIN_RATE, _MAX_RATE = 1e2, 1e16  # s⁻¹ from 10⁹ rad/s on: seconds, or less than a vibration, are other units
_PLAUSIBLE_FROM = 1e9  # rad/s, below which rates may have any size
_MESH = (12, 12, 24)  # wave vectors of the sum over modes, the last along the normal
_STATIC = 1e-3  # of the top frequency: modes below it are shifts of the crystal
_PHASES = 48  # along the normal, between which modes of a frequency are searched
_EQUAL_CELLS = 1e-6  # of the largest element: how much cells of a layer may differ
_PHASE_STEP = 1e-5  # of differences along the normal, rad


def _rates(value: ArrayLike) -> Array:
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


def _in_plane_mesh(mesh: tuple[int, int, int]) -> Array:
    return (np.indices(mesh[:2]).reshape(2, -1).T + 0.5) / mesh[:2]


def mode_velocities(lead: Lead, mesh: tuple[int, int, int] = _MESH) -> ModeVelocities:
    r"""Modes of a lead on an even mesh, with velocities $v = e^\dagger(\partial D/\partial q)e/2\omega$."""
    blocks = homogeneous_junction(lead, 2).blocks(wavevector_fractions(_in_plane_mesh(mesh)))
    onsite, hop = blocks.onsite[0], blocks.hop[0]
    modes: list[tuple[Array, Array]] = []
    for phase in 2 * np.pi * (np.arange(mesh[2]) + 0.5) / mesh[2]:
        factor = np.exp(1j * phase)
        square, vectors = np.linalg.eigh(bulk_matrix(onsite, hop, factor))
        slope = bulk_matrix(0 * onsite, hop, 1j * factor)  # derivative by the phase
        change = np.einsum("kai,kab,kbi->ki", vectors.conj(), slope, vectors, optimize=True).real
        omega = np.sqrt(np.maximum(square, 0))
        modes.append((omega.ravel(), (change / (2 * np.maximum(omega, 1e-12))).ravel()))
    omega, velocity = (np.concatenate(part) for part in zip(*modes, strict=True))
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


def _branch_rates(value: Any) -> tuple[RelaxationRate, ...]:
    found: list[Any] = list(value) if hasattr(value, "__iter__") else [value]
    if not found or not all(isinstance(one, RelaxationRate) for one in found):
        raise InputError(f"branches = {value!r:.60}: expected a RelaxationRate for each branch")
    if len({bool(one.rate.any()) for one in found}) > 1:
        raise InputError(f"{len(found)} branches, some with rates of 0 s⁻¹, others not: expected all or none")
    return tuple(found)


@frozen(eq=False)
class BranchRates(BaseRecord):
    r"""Scattering rates of a crystal by branch, at one temperature.

    Branches are those of the smallest cell along the normal, counted from the lowest frequency at each wave vector: of
    one atom in a cell two transverse ones and the longitudinal one.

    Raises
    ------
    InputError
        without rates, or if some branches have none

    Examples
    --------
    >>> from kapitza.theory.agf import BranchRates, RelaxationRate
    >>> transverse, longitudinal = RelaxationRate.quadratic(1e-16), RelaxationRate.quadratic(4e-16)
    >>> rates = BranchRates([transverse, transverse, longitudinal])
    >>> print(rates.at([1e13]) / 1e9, "per ns")
    [[10. 10. 40.]] per ns
    """

    branches: tuple[RelaxationRate, ...] = field(converter=_branch_rates, metadata=about("s^-1", "of each branch"))

    def at(self, omega: Array) -> Array:
        """(n, branches) rates at frequencies ω above 0 (rad s⁻¹), s⁻¹."""
        wanted = np.asarray(omega, dtype=float)
        return np.stack([one.at(wanted) for one in self.branches], axis=-1)


AnyRate = RelaxationRate | BranchRates


def mean_rate(rate: AnyRate, omega: Array) -> Array:
    """(n,) rate at frequencies ω above 0 (rad s⁻¹), s⁻¹: the mean of all branches, as where there is no mode."""
    return rate.at(omega).mean(axis=-1) if isinstance(rate, BranchRates) else rate.at(omega)


class CellModes:
    """Modes of a lead at one wave vector in the plane (2,), by the phase from cell to cell along the normal."""

    def __init__(self, lead: Lead, k: Array, branches: int) -> None:
        blocks = homogeneous_junction(lead, 2).blocks(wavevector_fractions(k))
        self.onsite, self.hop = blocks.onsite[0][0], blocks.hop[0][0]
        self.size, self.cells = branches, len(self.onsite) // branches
        if self.size * self.cells != len(self.onsite):
            raise InputError(f"{lead.name}: {branches} branches for {len(self.onsite)} coordinates of a layer")
        layer, spread, cell = self._matrices(np.array([0.3, 1.7]))
        if np.abs(layer @ spread - spread @ cell).max() > _EQUAL_CELLS * np.abs(layer).max():
            raise InputError(
                f"{lead.name}: a layer of {len(self.onsite)} coordinates is not {self.cells} equal cells of "
                f"{self.size} branches: give the rates of {len(self.onsite)}"
            )

    def solve(self, phase: Array) -> tuple[Array, AnyComplexArray]:
        """Frequencies (n, b), increasing, rad s⁻¹, and polarisations (n, b, b) in columns."""
        square, vectors = np.linalg.eigh(self._matrices(phase)[2])
        return np.sqrt(np.maximum(square, 0) / SQUARE_PICOSECOND), vectors

    def at_frequencies(self, omega: Array) -> tuple[NDArray[np.intp], NDArray[np.intp], AnyComplexArray]:
        """Modes of frequencies (n,): which of these, their branches, and polarisations (m, b)."""
        phase = 2 * np.pi * (np.arange(_PHASES + 1) / _PHASES - 0.5)
        bands, _ = self.solve(phase)
        low, high = bands[:-1, :, None], bands[1:, :, None]
        place, branch, which = np.nonzero((low - omega) * (high - omega) <= 0)
        below, above = bands[place, branch], bands[place + 1, branch]
        gap = np.where(above == below, 1.0, above - below)
        share = np.clip((omega[which] - below) / gap, 0.0, 1.0)
        _, vectors = self.solve(phase[place] + share * 2 * np.pi / _PHASES)
        return which, branch, vectors[np.arange(which.size), :, branch]

    def _matrices(self, phase: Array) -> tuple[AnyComplexArray, AnyComplexArray, AnyComplexArray]:
        """Dynamical matrices (n, f, f) of a layer of several cells and (n, b, b) of a cell, (rad/ps)², with the motion
        (n, f, b) of all cells for one of the first between them.
        """
        layer = bulk_matrix(self.onsite, self.hop, np.exp(1j * self.cells * phase)[:, None, None])
        turns = np.exp(1j * phase[:, None] * np.arange(self.cells)) / np.sqrt(self.cells)
        spread = np.einsum("np,ab->npab", turns, np.eye(self.size)).reshape(len(phase), -1, self.size)
        return layer, spread, dagger(spread) @ layer @ spread


def rate_matrices(lead: Lead, rate: AnyRate, k: Array, omega: Array) -> AnyComplexArray:
    r"""(nω, f, f) Γ of a layer at a wave vector in the plane (2,) and frequencies ω (rad s⁻¹), s⁻¹.

    Modes of a frequency lose energy at their own rates, as nearly as a positive matrix on each cell allows.
    """
    size = lead.onsite.shape[1]
    mean = mean_rate(rate, omega)
    if not isinstance(rate, BranchRates):
        return (mean[:, None, None] * np.eye(size)).astype(np.complex128)
    held = CellModes(lead, k, len(rate.branches))
    which, branch, vectors = held.at_frequencies(omega)
    wanted = rate.at(omega)
    cell = (mean[:, None, None] * np.eye(held.size)).astype(np.complex128)
    for i in range(omega.size):
        here = which == i
        if here.any():
            cell[i] = fit_rates(vectors[here], wanted[i, branch[here]])
    return np.einsum("pq,nab->npaqb", np.eye(held.cells), cell).reshape(omega.size, size, size)


def fit_rates(vectors: AnyComplexArray, rates: Array) -> AnyComplexArray:
    r"""(b, b) positive Γ with $e_m^\dagger\Gamma e_m = 1/\tau_m$ for polarisations (m, b), as nearly as possible."""
    from scipy.optimize import nnls

    least = float(rates.min())
    overlap = np.square(np.abs(vectors.conj() @ vectors.T))
    gain = nnls(overlap, (rates - least) / max(least, np.finfo(float).tiny))[0] if np.ptp(rates) > 0 else 0 * rates
    return least * (np.eye(vectors.shape[1]) + np.einsum("m,ma,mb->ab", gain, vectors, vectors.conj()))


def branch_conductivity(
    lead: Lead,
    rate: AnyRate,
    temperature: float = 300.0,
    *,
    statistics: Statistics = "quantum",
    mesh: tuple[int, int, int] = _MESH,
) -> float:
    r"""$\kappa = \frac1V\sum Cv_z^2\tau$ of the Boltzmann equation with rates by branch, W m⁻¹ K⁻¹."""
    mean = one_temperature(temperature)
    count = len(rate.branches) if isinstance(rate, BranchRates) else lead.onsite.shape[1]
    phase = 2 * np.pi * (np.arange(mesh[2]) + 0.5) / mesh[2]
    branches = rate.branches if isinstance(rate, BranchRates) else (rate,) * count
    total = 0.0
    for k in _in_plane_mesh(mesh):
        held = CellModes(lead, k, count)
        omega = held.solve(phase)[0]
        slope = (held.solve(phase + _PHASE_STEP)[0] - held.solve(phase - _PHASE_STEP)[0]) / (2 * _PHASE_STEP)
        kept = omega > _STATIC * omega.max()
        velocity = slope * lead.thickness / held.cells
        safe = np.where(kept, omega, omega.max())
        decay = np.stack([mean_rate(one, safe[:, b]) for b, one in enumerate(branches)], axis=1)
        if not decay.any():
            return np.inf
        heat = mode_heat_capacity(safe.ravel(), [mean], statistics)[0].reshape(safe.shape)
        total += float((kept * heat * velocity**2 / decay).sum()) * held.cells
    return total / (float(np.prod(mesh)) * lead.area * lead.thickness)
