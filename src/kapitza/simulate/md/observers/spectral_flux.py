"""Spectral heat flux through a plane, from velocities and forces from the other side, and spectra of layers beside it.

With U_A and U_B the summed site energies of the two sides, g_j = -∂U_A/∂r_j on an atom of B and g_i = -∂U_B/∂r_i on
one of A, the power from A to B is Σ_B v_j·g_j - Σ_A v_i·g_i for any potential that has site energies, and so is its
spectrum: Q(ω) = Σ_B Re⟨g_j v_j*⟩ - Σ_A Re⟨g_i v_i*⟩.  K. Sääskilahti et al., Phys. Rev. B 90, 134312 (2014),
doi:10.1103/PhysRevB.90.134312, for pair forces.

The spectrum of the velocities of a layer between two thermostats, over the one in equilibrium at T_eq, is a temperature
for each frequency: T(ω, z) = T_eq S_v(ω, z)/S_v,eq(ω, z).
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from attrs import converters, field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, BoolArray, IntArray, about, finite, frequencies, increasing, numbers, positive
from kapitza.core.occupation import Occupation
from kapitza.core.quadrature import trapezoid_weights
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError, ValidityWarning
from kapitza.simulate.md.observers import welch
from kapitza.simulate.md.observers.welch import Arrays, SegmentObserver, SegmentSettings, group_rows, jackknife
from kapitza.units import hbar, k_B


def finite_table(value: ArrayLike) -> Array:
    """Return `value` as a read-only table of finite floats."""
    array = np.array(value, dtype=float)
    if array.ndim != 2 or not array.size or not np.isfinite(array).all():
        bad = int(array.size - np.isfinite(array).sum())
        raise InputError(f"numbers of shape {array.shape}, {bad} of them not finite: wanted a table of finite ones")
    array.flags.writeable = False
    return array


@frozen(eq=False)
class SpectralFlux(BaseRecord):
    r"""Spectral heat flux $q(\omega)$ through a plane, left to right, $\int q\,d\omega$ = heat flux.

    Noise carries single values below zero, and so may physics: phonons that scatter change their frequency, so that
    the flux of one frequency differs from plane to plane while the total does not.

    Attributes
    ----------
    parts : (blocks, nω) spectral flux of successive blocks of the run, W s rad⁻¹ m⁻²
    direct : (blocks,) mean power through the plane in each block over the area, with the weights that the spectrum
        gives to the samples, W m⁻²: the integral of the spectrum is the same number; None where it
        was not measured
    motion : (2, nω) spectrum of the kinetic energy of the atoms near the plane on its left and its right, J s rad⁻¹;
        zero where they were not sampled
    method : for legends

    Raises
    ------
    InputError
        for shapes that do not fit

    Examples
    --------
    >>> from kapitza.examples import argon_run
    >>> run = argon_run()
    >>> flux = run.flux()
    >>> print(
    ...     flux.omega.size,
    ...     "frequencies; they add up to the flux:",
    ...     abs(flux.weights @ flux.value / flux.total[0] - 1) < 1e-9,
    ... )
    33 frequencies; they add up to the flux: True
    """

    omega: Array = field(converter=frequencies, metadata=about("rad s^-1", "angular frequency"))
    parts: Array = field(converter=finite_table, metadata=about("W s rad^-1 m^-2", "spectral heat flux of blocks"))
    direct: Array | None = field(converter=converters.optional(finite), metadata=about("W m^-2", "direct power flux"))
    counts: NDArray[np.int64] = field(metadata=about("1", "segments in each block"))
    motion: Array = field(metadata=about("J s rad^-1", "kinetic energy spectra at the plane"))
    method: str = field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        blocks, size = self.parts.shape
        direct = (blocks,) if self.direct is None else self.direct.shape
        shapes = (self.omega.size, direct, np.shape(self.counts), np.shape(self.motion))
        if shapes != (size, (blocks,), (blocks,), (2, size)):
            raise InputError(
                f"{self.method or 'spectral flux'}: parts of shape {self.parts.shape} with {shapes[0]} frequencies, "
                f"direct {shapes[1]}, counts {shapes[2]} and motion {shapes[3]}"
            )

    @property
    def label(self) -> str:
        """Its method, for messages and legends."""
        return self.method or "molecular dynamics"

    @property
    def weights(self) -> Array:
        """(nω,) widths of the frequencies, rad s⁻¹; the ends have half of one."""
        return trapezoid_weights(self.omega)

    @property
    def value(self) -> Array:
        """(nω,) mean, W s rad⁻¹ m⁻²."""
        return np.average(self.parts, axis=0, weights=self.counts)

    @property
    def sigma(self) -> Array:
        """(nω,) standard uncertainty of the mean, W s rad⁻¹ m⁻²; NaN for one block."""
        return self.estimate(lambda mean: mean)[1]

    @property
    def total(self) -> tuple[float, float]:
        """Heat flux and its standard uncertainty, W m⁻²."""
        value, sigma = self.estimate(lambda mean: np.atleast_1d(mean @ self.weights))
        return float(value[0]), float(sigma[0])

    def estimate(self, statistic: Callable[[Array], Array]) -> tuple[Array, Array]:
        """Any function of the mean spectrum (nω,), and its standard uncertainty by the jackknife over blocks, widened
        by Student's t where they are few.
        """
        return jackknife(*group_rows(self.parts, self.counts), statistic)

    def bands(self, edges: ArrayLike) -> tuple[Array, Array]:
        """(n - 1,) mean spectral flux between neighbouring edges (n,) rad s⁻¹, and its uncertainty."""
        bounds = increasing(edges)
        inside = band_overlaps(self.omega, bounds)
        return self.estimate(lambda mean: inside @ mean / np.diff(bounds))

    def cumulative(self) -> tuple[Array, Array]:
        """(nω,) heat flux carried by all frequencies up to each, W m⁻², and its uncertainty; the last is the total."""
        return self.estimate(lambda mean: np.cumsum(mean * self.weights))

    def share_above(self, omega: float) -> tuple[float, float]:
        """Share of the heat that frequencies above `omega` carry, and its standard uncertainty: 1.96 of it hold 95 %.

        Above the highest frequency of one side in the harmonic crystal it is heat that no elastic process brings.
        """
        weights = self.weights
        above = band_overlaps(self.omega, np.array([omega, max(omega, self.omega[-1])]))[0]
        value, sigma = self.estimate(lambda mean: np.atleast_1d((mean @ above) / (mean @ weights)))
        return float(value[0]), float(sigma[0])


def band_overlaps(omega: Array, edges: Array) -> Array:
    """(n - 1, nω) parts of the widths of the frequencies that lie between neighbouring edges, rad s⁻¹."""
    middle = (omega[1:] + omega[:-1]) / 2
    low, high = np.concatenate([omega[:1], middle]), np.concatenate([middle, omega[-1:]])
    return np.maximum(np.minimum(high, edges[1:, None]) - np.maximum(low, edges[:-1, None]), 0.0)


_RESOLVED_SHARE = 0.9  # of the highest frequency of a spectrum: vibrations above it are folded back
_MAX_FOLDED_SHARE = 1e-2  # share of the kinetic energy above that frequency which says that there are some


class PlaneForces(Protocol):
    """A plane between two sides, for the atoms near it."""

    atoms: IntArray  # (k,) the atoms that ever feel the other side
    right: BoolArray  # (k,) whether each of them is on the right

    def forces(self, positions: Array) -> Array:
        """(k, 3) forces of the site energies of the other side on them, at positions (n, 3) of all atoms, N."""
        ...


class SpectralCurrent(SegmentObserver):
    """Observer of the spectral heat flux through a plane; the resolution is 2π/(segment · every · timestep).

    π/(every · timestep) must lie above all vibrations: a warning says so at once where the `highest` angular frequency
    (rad s⁻¹) is known, and else afterwards.  Memory is 48 (single: 24) · segment · k bytes for k atoms near the plane.
    """

    def __init__(
        self, crossing: PlaneForces, masses: Array, settings: SegmentSettings, *, area: float, highest: float = 0.0
    ) -> None:
        positive([area])
        self.crossing, self.area = crossing, area
        self.sign = np.where(crossing.right, 1.0, -1.0)
        if np.ndim(masses) != 1 or len(masses) <= crossing.atoms.max():
            raise InputError(f"masses of shape {np.shape(masses)}, wanted those of all atoms of the system")
        self.masses = np.asarray(masses, dtype=float)[crossing.atoms]
        bound = np.pi / settings.interval
        if highest > _RESOLVED_SHARE * bound:
            warnings.warn(
                f"one sample every {settings.interval:.3g} s resolves {bound:.3g} rad/s, and vibrations reach "
                f"{highest:.3g} rad/s: they are folded back; sample at least every "
                f"{_RESOLVED_SHARE * np.pi / highest:.3g} s",
                ValidityWarning,
                stacklevel=2,
            )
        super().__init__(settings, 6 * crossing.atoms.size, 1 + 3 * (settings.segment // 2 + 1))
        self.power = np.zeros(settings.segment)
        self.last_power = np.nan  # of the last sample, W

    def sample(self, positions: Array, velocities: Array) -> None:
        """Take one sample."""
        force, velocity = self.crossing.forces(positions), velocities[self.crossing.atoms]
        self.last_power = float(self.sign @ (force * velocity).sum(axis=1))
        self.power[self.ring.filled] = self.last_power
        if self.ring.add(np.concatenate([force.ravel(), velocity.ravel()])):
            self.sums.add(self._row())
            self.ring.advance()
            self.power[: self.ring.filled] = self.power[len(self.power) - self.ring.filled :]

    def _row(self) -> Array:
        size = self.ring.samples.shape[1] // 2
        sign, mass = np.repeat(self.sign, 3), np.repeat(self.masses, 3)
        right = sign > 0
        spectra = np.zeros((3, len(self.power) // 2 + 1))
        for part, (force, velocity) in self.ring.transforms(slice(0, size), slice(size, 2 * size)):
            cross = force.real * velocity.real + force.imag * velocity.imag  # Re g v*: in quadrature no work is done
            spectra[0] += sign[part] @ cross
            energy = 0.5 * mass[part, None] * np.square(np.abs(velocity))
            spectra[1] += energy[~right[part]].sum(axis=0)
            spectra[2] += energy[right[part]].sum(axis=0)
        return np.append((spectra * self.ring.one_sided).ravel(), self.ring.mean(self.power))

    def flux(self, method: str = "") -> SpectralFlux:
        """The spectral flux of all full segments so far; warns if vibrations are too fast for the interval."""
        rows, counts = self.sums.blocks()
        omega, width = self.frequency_grid()
        spectra = rows[:, :-1].reshape(len(rows), 3, omega.size) / width
        motion = np.average(spectra[:, 1:], axis=0, weights=counts)
        kinetic = motion.sum(axis=0) * width
        share = float(kinetic[omega > _RESOLVED_SHARE * omega[-1]].sum() / max(kinetic.sum(), np.finfo(float).tiny))
        if share > _MAX_FOLDED_SHARE:
            warnings.warn(
                f"{100 * share:.2g} % of the kinetic energy lies above {_RESOLVED_SHARE:g} of the highest frequency of "
                f"the spectrum, {omega[-1]:.3g} rad/s: faster vibrations are folded back; sample more often",
                ValidityWarning,
                stacklevel=2,
            )
        return SpectralFlux(omega, spectra[:, 0] / self.area, rows[:, -1] / self.area, counts, motion, method=method)

    def arrays(self) -> Arrays:
        """All that it holds, to be written and restored."""
        return {**super().arrays(), "power": self.power.copy()}

    def restore(self, arrays: Arrays) -> None:
        """Continue where another one left off."""
        super().restore(arrays)
        welch.restore_array("power", arrays, self.power)


@frozen(eq=False)
class VelocitySpectra(BaseRecord):
    r"""Spectra of kinetic energy, $\int S\,d\omega$ = mean kinetic energy."""

    omega: Array = field(converter=frequencies, metadata=about("rad s^-1", "angular frequency"))  # (nω,)
    place: Array = field(converter=numbers, metadata=about("m or rad m^-1", "heights of layers, or wave vectors"))
    parts: Array = field(metadata=about("J s rad^-1", "kinetic energy spectra of blocks"))  # (blocks, n, nω)
    counts: NDArray[np.int64] = field(metadata=about("1", "segments in each block"))  # (blocks,)

    @property
    def value(self) -> Array:
        """(n, nω) mean, J s rad⁻¹."""
        return np.average(self.parts, axis=0, weights=self.counts)

    def bands(self, edges: ArrayLike) -> tuple[Array, Array]:
        """(n, nb) kinetic energy between neighbouring edges (nb + 1,) rad s⁻¹, J, and its uncertainty."""
        inside = band_overlaps(self.omega, increasing(edges))
        return jackknife(*group_rows(self.parts @ inside.T, self.counts), lambda mean: mean)


class LayerSpectra(SegmentObserver):
    """Observer of the spectra of the velocities of several layers, by height.

    Memory is 24 (single: 12) · segment bytes for each sampled atom.
    """

    def __init__(self, layers: Sequence[IntArray], positions: Array, masses: Array, settings: SegmentSettings) -> None:
        self.atoms = np.concatenate([np.asarray(layer, dtype=np.int64) for layer in layers])
        self.roots = np.sqrt(np.asarray(masses, dtype=float)[self.atoms] / 2)[:, None]
        self.places = increasing([float(np.mean(np.asarray(positions)[layer, 2])) for layer in layers])
        self.number = np.repeat(np.arange(len(layers)), [3 * len(layer) for layer in layers])  # layer of each signal
        super().__init__(settings, self.number.size, self.places.size * (settings.segment // 2 + 1), most=64)

    def sample(self, positions: Array, velocities: Array) -> None:
        """Take one sample."""
        self.add((self.roots * velocities[self.atoms]).ravel())

    def add(self, row: Array) -> None:
        """Take one sample of every signal."""
        if not self.ring.add(row):
            return
        spectra = np.zeros((self.places.size, len(self.ring.samples) // 2 + 1))
        for part, (signal,) in self.ring.transforms(slice(0, self.number.size)):
            power = np.square(signal.real) + np.square(signal.imag)
            for group in np.unique(self.number[part]):
                spectra[group] += power[self.number[part] == group].sum(axis=0, dtype=np.float64)
        self.sums.add((spectra * self.ring.one_sided).ravel())
        self.ring.advance()

    def spectra(self) -> VelocitySpectra:
        """The spectra of all full segments so far."""
        omega, width = self.frequency_grid()
        rows, counts = self.sums.blocks()
        parts = rows.reshape(len(rows), self.places.size, omega.size) / width
        return VelocitySpectra(omega, self.places, parts, counts)


def spectral_temperatures(
    driven: VelocitySpectra, reference: VelocitySpectra, temperature: float, edges: ArrayLike
) -> Occupation:
    """Occupation $n = k_BT/E$ of bands between `edges` (rad s⁻¹) in each layer, from spectra between two thermostats.

    `reference` spectra are those of the same layers in equilibrium at `temperature` (K).  Classical; NaN where layers
    do not vibrate in equilibrium.
    """
    positive([temperature])
    if not np.array_equal(driven.place, reference.place):
        raise InputError(f"spectra of {driven.place.size} layers and of {reference.place.size} others: take the same")
    bounds = increasing(edges)
    (driven_heat, driven_sigma), (mean, mean_sigma) = driven.bands(bounds), reference.bands(bounds)
    energy = hbar * (bounds[1:] + bounds[:-1]) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(mean > 0, driven_heat / mean, np.nan)
        spread = ratio * np.hypot(driven_sigma / driven_heat, mean_sigma / mean)
    classical, method = k_B * temperature / energy, "velocity spectra"
    return Occupation(
        driven.place, energy, classical * ratio, classical * spread, statistics="classical", method=method
    )
