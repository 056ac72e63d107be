r"""Vibrations without force constants: spectra of velocities by layer, and along a wave vector.

The spectrum of the velocities of a layer between two thermostats, over the one in equilibrium at $T_\mathrm{eq}$, is a
temperature for each frequency: $T(\omega, z) = T_\mathrm{eq}\,S_v(\omega, z)/S_{v,\mathrm{eq}}(\omega, z)$.
Along a wave vector, $\Phi(q, \omega)$ peaks at the dispersion.
J. A. Thomas et al., Phys. Rev. B 81, 081411 (2010), doi:10.1103/PhysRevB.81.081411.
"""

from collections.abc import Sequence

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, IntArray, about, frequencies, increasing, numbers, positive
from kapitza.core.occupation import Occupation
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.simulate.md.observers.spectral_flux import band_overlaps
from kapitza.simulate.md.observers.welch import SegmentObserver, SegmentSettings, group_rows, jackknife
from kapitza.units import hbar, k_B


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

    def peaks(self) -> Array:
        """(n,) frequency of the largest value of each spectrum, by the parabola through it and its neighbours."""
        peak = np.empty(len(self.place))
        for i, one in enumerate(self.value):
            k = int(np.clip(one.argmax(), 1, self.omega.size - 2))
            curve = one[k - 1] - 2 * one[k] + one[k + 1]
            shift = 0.5 * (one[k - 1] - one[k + 1]) / curve if curve < 0 else 0.0
            peak[i] = self.omega[k] + shift * self.omega[1]
        return peak


class _PlaceSpectra(SegmentObserver):
    """Observer of spectra of velocities, of all signals that `number` assigns to each place together."""

    def __init__(self, settings: SegmentSettings, places: Array, number: IntArray) -> None:
        super().__init__(settings, number.size, places.size * (settings.segment // 2 + 1), most=64)
        self.places, self.number = places, number

    def add(self, row: Array) -> None:
        """Take one sample of every signal."""
        if self.ring.add(row):
            self.sums.add(self._row())
            self.ring.advance()

    def _row(self) -> Array:
        """(places · nω,) spectra of the full segment."""
        spectra = np.zeros((self.places.size, len(self.ring.samples) // 2 + 1))
        for part, (signal,) in self.ring.transforms(slice(0, self.number.size)):
            power = np.square(signal.real) + np.square(signal.imag)
            for group in np.unique(self.number[part]):
                spectra[group] += power[self.number[part] == group].sum(axis=0, dtype=np.float64)
        return (spectra * self.ring.one_sided).ravel()

    def spectra(self) -> VelocitySpectra:
        """The spectra of all full segments so far."""
        omega, width = self.frequency_grid()
        rows, counts = self.sums.blocks()
        parts = rows.reshape(len(rows), self.places.size, omega.size) / width
        return VelocitySpectra(omega, self.places, parts, counts)


class LayerSpectra(_PlaceSpectra):
    """Observer of the spectra of the velocities of several layers, by height.

    Memory is 24 (single: 12) · segment bytes for each sampled atom.
    """

    def __init__(self, layers: Sequence[IntArray], positions: Array, masses: Array, settings: SegmentSettings) -> None:
        self.atoms = np.concatenate([np.asarray(layer, dtype=np.int64) for layer in layers])
        self.roots = np.sqrt(np.asarray(masses, dtype=float)[self.atoms] / 2)[:, None]
        heights = increasing([float(np.mean(np.asarray(positions)[layer, 2])) for layer in layers])
        super().__init__(settings, heights, np.repeat(np.arange(len(layers)), [3 * len(layer) for layer in layers]))

    def sample(self, positions: Array, velocities: Array) -> None:
        """Take one sample."""
        self.add((self.roots * velocities[self.atoms]).ravel())


class SpectralEnergyDensity(_PlaceSpectra):
    r"""Observer of the spectral energy density $\Phi(q, \omega)$ of a slab at wave vectors (nq, 3) rad m⁻¹, by |q|.

    The amplitude $\sum_i \sqrt{m_i/2}\,v_i e^{-iq\cdot r_i}/\sqrt n$ is taken separately for the atoms of each site
    of the cell, so that optical branches show as well; with all n atoms of a site, each direction holds $k_BT/2$.  Wave
    vectors that fit the slab do not mix.
    """

    def __init__(
        self,
        sites: Sequence[IntArray],
        wavevectors: ArrayLike,
        positions: Array,
        masses: Array,
        settings: SegmentSettings,
    ) -> None:
        q = np.asarray(wavevectors, dtype=float)
        if q.ndim != 2 or q.shape[1] != 3:
            raise InputError(f"wave vectors of shape {q.shape}, wanted (nq, 3)")
        self.sites = [np.asarray(site, dtype=np.int64) for site in sites]
        self.waves: list[Array] = []
        for site in self.sites:
            phase = np.asarray(positions)[site] @ q.T
            scale = np.sqrt(np.asarray(masses, dtype=float)[site] / (2 * len(site)))[:, None]
            self.waves.append(np.concatenate([scale * np.cos(phase), -scale * np.sin(phase)], axis=1).T)
        number = np.tile(np.repeat(np.tile(np.arange(len(q)), 2), 3), len(self.sites))
        super().__init__(settings, np.linalg.norm(q, axis=1), number)

    def sample(self, positions: Array, velocities: Array) -> None:
        """Take one sample."""
        parts = [(wave @ velocities[site]).ravel() for wave, site in zip(self.waves, self.sites, strict=True)]
        self.add(np.concatenate(parts))


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
    (one, one_sigma), (other, other_sigma) = driven.bands(bounds), reference.bands(bounds)
    energy = hbar * (bounds[1:] + bounds[:-1]) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(other > 0, one / other, np.nan)
        spread = ratio * np.hypot(one_sigma / one, other_sigma / other)
    classical = k_B * temperature / energy
    return Occupation(
        driven.place, energy, classical * ratio, classical * spread, statistics="classical", method="velocity spectra"
    )
