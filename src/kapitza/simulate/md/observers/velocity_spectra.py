r"""Vibrations without force constants: spectra of velocities by layer, and along a wave vector.

The spectrum of the velocities of a layer between two baths, over the one in equilibrium at $T_\mathrm{eq}$, is a
temperature for each frequency: $T(\omega, z) = T_\mathrm{eq}\,S_v(\omega, z)/S_{v,\mathrm{eq}}(\omega, z)$.
Along a wave vector, $\Phi(q, \omega)$ peaks at the dispersion.
J. A. Thomas et al., Phys. Rev. B 81, 081411 (2010), doi:10.1103/PhysRevB.81.081411.
"""

from collections.abc import Sequence

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, IntArray, frequencies, increasing, numbers, positive
from kapitza.core.occupation import Occupation
from kapitza.errors import InputError
from kapitza.simulate.md.observers.spectral_flux import band_overlaps, frequency_grid
from kapitza.simulate.md.observers.welch import (
    Precision,
    SegmentBuffer,
    SegmentObserver,
    SegmentSums,
    Window,
    group_rows,
    jackknife,
)
from kapitza.units import hbar, k_B


@frozen(eq=False)
class VelocitySpectra:
    r"""Spectra of kinetic energy, $\int S\,d\omega$ = mean kinetic energy."""

    omega: Array = field(converter=frequencies, metadata={"unit": "rad s^-1"})  # (nω,)
    place: Array = field(converter=numbers, metadata={"unit": "m or rad m^-1"})  # (n,) layers or wave vectors
    parts: Array = field(metadata={"unit": "J s rad^-1"})  # (blocks, n, nω)
    counts: NDArray[np.int64] = field(metadata={"unit": "1"})  # (blocks,) segments in each block

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
        found = np.empty(len(self.place))
        for i, one in enumerate(self.value):
            k = int(np.clip(one.argmax(), 1, self.omega.size - 2))
            curve = one[k - 1] - 2 * one[k] + one[k + 1]
            shift = 0.5 * (one[k - 1] - one[k + 1]) / curve if curve < 0 else 0.0
            found[i] = self.omega[k] + shift * self.omega[1]
        return found


class LayerSpectra(SegmentObserver):
    """Observer of the spectra of the velocities of several layers.

    π/(every · timestep) must lie above all vibrations; memory is 24 (single: 12) · segment bytes for each sampled atom.
    """

    def __init__(
        self,
        layers: Sequence[IntArray],
        positions: Array,
        masses: Array,
        *,
        timestep: float,
        every: int = 10,
        segment: int = 512,
        window: Window = "hann",
        precision: Precision = "single",
    ) -> None:
        positive([timestep, every])
        self.atoms = np.concatenate([np.asarray(layer, dtype=np.int64) for layer in layers])
        self.number = np.repeat(np.arange(len(layers)), [3 * len(layer) for layer in layers])
        self.heights = increasing([float(np.mean(np.asarray(positions)[layer, 2])) for layer in layers])
        self.roots = np.sqrt(np.asarray(masses, dtype=float)[self.atoms] / 2)[:, None]
        self.interval, self.every = timestep * every, every
        self.ring = SegmentBuffer(self.number.size, segment, window, precision)
        self.sums = SegmentSums(len(layers) * (segment // 2 + 1), most=64)

    def see(self, positions: Array, velocities: Array) -> None:
        """Take one sample."""
        if self.ring.add((self.roots * velocities[self.atoms]).ravel()):
            self.sums.add(_group_powers(self.ring, self.number, self.heights.size))
            self.ring.advance()

    def spectra(self) -> VelocitySpectra:
        """The spectra of all full segments so far."""
        return _make_spectra(self.ring, self.sums, self.interval, self.heights)


class SpectralEnergyDensity(SegmentObserver):
    r"""Observer of the spectral energy density $\Phi(q, \omega)$ of a slab at wave vectors (nq, 3) rad m⁻¹.

    The amplitude $\sum_i \sqrt{m_i/2}\,v_i e^{-iq\cdot r_i}/\sqrt n$ is taken separately for the atoms of each site of
    the cell, so that optical branches show as well; with all n atoms of a site, each direction holds $k_BT/2$.  Wave
    vectors that fit the slab do not mix.
    """

    def __init__(
        self,
        sites: Sequence[IntArray],
        wavevectors: ArrayLike,
        positions: Array,
        masses: Array,
        *,
        timestep: float,
        every: int = 10,
        segment: int = 1024,
        window: Window = "hann",
    ) -> None:
        positive([timestep, every])
        q = np.asarray(wavevectors, dtype=float)
        if q.ndim != 2 or q.shape[1] != 3:
            raise InputError(f"wave vectors of shape {q.shape}, wanted (nq, 3)")
        self.lengths = np.linalg.norm(q, axis=1)
        self.sites = [np.asarray(site, dtype=np.int64) for site in sites]
        self.waves: list[Array] = []
        for site in self.sites:
            phase = np.asarray(positions)[site] @ q.T
            scale = np.sqrt(np.asarray(masses, dtype=float)[site] / (2 * len(site)))[:, None]
            self.waves.append(np.concatenate([scale * np.cos(phase), -scale * np.sin(phase)], axis=1).T)
        self.number = np.tile(np.repeat(np.tile(np.arange(len(q)), 2), 3), len(self.sites))
        self.interval, self.every = timestep * every, every
        self.ring = SegmentBuffer(self.number.size, segment, window)
        self.sums = SegmentSums(len(q) * (segment // 2 + 1), most=64)

    def see(self, positions: Array, velocities: Array) -> None:
        """Take one sample."""
        parts = [(wave @ velocities[site]).ravel() for wave, site in zip(self.waves, self.sites, strict=True)]
        if self.ring.add(np.concatenate(parts)):
            self.sums.add(_group_powers(self.ring, self.number, self.lengths.size))
            self.ring.advance()

    def spectra(self) -> VelocitySpectra:
        """The spectra of all full segments so far, by the length of the wave vector."""
        return _make_spectra(self.ring, self.sums, self.interval, self.lengths)


def _group_powers(ring: SegmentBuffer, number: IntArray, groups: int) -> Array:
    """(groups · nω,) spectra of all signals of each group together."""
    found = np.zeros((groups, len(ring.samples) // 2 + 1))
    for part, (signal,) in ring.transforms(slice(0, number.size)):
        power = np.square(signal.real) + np.square(signal.imag)
        for group in np.unique(number[part]):
            found[group] += power[number[part] == group].sum(axis=0, dtype=np.float64)
    return (found * ring.one_sided).ravel()


def _make_spectra(ring: SegmentBuffer, sums: SegmentSums, interval: float, place: Array) -> VelocitySpectra:
    """The record of what a ring and its sums hold."""
    omega, width = frequency_grid(ring, sums, interval)
    rows, counts = sums.blocks()
    return VelocitySpectra(omega, place, rows.reshape(len(rows), place.size, omega.size) / width, counts)


def spectral_temperatures(
    flowing: VelocitySpectra, still: VelocitySpectra, temperature: float, edges: ArrayLike
) -> Occupation:
    """Occupation $n = k_BT/E$ of bands between `edges` (rad s⁻¹) in each layer, from spectra between two thermostats.

    `reference` spectra are those of the same layers in equilibrium at `temperature` (K).  Classical; NaN where layers
    do not vibrate in equilibrium.
    """
    positive([temperature])
    if not np.array_equal(flowing.place, still.place):
        raise InputError(f"spectra of {flowing.place.size} layers and of {still.place.size} others: take the same")
    bounds = increasing(edges)
    (one, one_sigma), (other, other_sigma) = flowing.bands(bounds), still.bands(bounds)
    energy = hbar * (bounds[1:] + bounds[:-1]) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(other > 0, one / other, np.nan)
        spread = ratio * np.hypot(one_sigma / one, other_sigma / other)
    classical = k_B * temperature / energy
    return Occupation(
        flowing.place, energy, classical * ratio, classical * spread, statistics="classical", method="velocity spectra"
    )
