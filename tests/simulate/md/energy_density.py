r"""Spectral energy density along wave vectors, a second road to the dispersion of a simulated crystal.

J. A. Thomas et al., Phys. Rev. B 81, 081411 (2010), doi:10.1103/PhysRevB.81.081411.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, IntArray
from kapitza.simulate.md.observers.spectral_flux import LayerSpectra, VelocitySpectra
from kapitza.simulate.md.observers.welch import SegmentObserver, SegmentSettings


class SpectralEnergyDensity(LayerSpectra):
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
        self.sites = [np.asarray(site, dtype=np.int64) for site in sites]
        self.waves: list[Array] = []
        for site in self.sites:
            phase = np.asarray(positions)[site] @ q.T
            scale = np.sqrt(np.asarray(masses, dtype=float)[site] / (2 * len(site)))[:, None]
            self.waves.append(np.concatenate([scale * np.cos(phase), -scale * np.sin(phase)], axis=1).T)
        self.places = np.linalg.norm(q, axis=1)
        self.number = np.tile(np.repeat(np.tile(np.arange(len(q)), 2), 3), len(self.sites))
        SegmentObserver.__init__(
            self, settings, self.number.size, self.places.size * (settings.segment // 2 + 1), most=64
        )

    def sample(self, positions: Array, velocities: Array) -> None:
        """Take one sample."""
        self.add(
            np.concatenate([(w @ velocities[site]).ravel() for w, site in zip(self.waves, self.sites, strict=True)])
        )


def spectral_peaks(spectra: VelocitySpectra) -> Array:
    """(n,) frequency of the largest value of each spectrum, by the parabola through it and its neighbours."""
    peak = np.empty(len(spectra.place))
    for i, one in enumerate(spectra.value):
        k = int(np.clip(one.argmax(), 1, spectra.omega.size - 2))
        curve = one[k - 1] - 2 * one[k] + one[k + 1]
        shift = 0.5 * (one[k - 1] - one[k + 1]) / curve if curve < 0 else 0.0
        peak[i] = spectra.omega[k] + shift * spectra.omega[1]
    return peak
