r"""Spectral heat flux from force constants, for engines that tell nothing but velocities; and its harmonic limit.

With a cross term $u_A K u_B$ that belongs half to either side, $P_{A\to B} = \frac12(v_A K u_B - u_A K v_B)$, and
with $u = v/i\omega$ for amplitudes of $e^{i\omega t}$, both signs of ω taken together:
$Q(\omega) = -\frac{2}{\omega}\,\mathrm{Im}\sum_{i\in A,\,j\in B} v_i(\omega) K_{ij} v_j^*(\omega)$, for amplitudes so
scaled that $2\sum_{\omega>0}\mathrm{Re}\,a b^*$ is the mean of a product.  It holds to second
order in the displacements.  K. Sääskilahti et al., Phys. Rev. B 90, 134312 (2014), doi:10.1103/PhysRevB.90.134312.
"""

import numpy as np
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, IntArray, frequencies, positive
from kapitza.errors import InputError
from kapitza.simulate.md.observers.spectral_flux import SpectralFlux
from kapitza.simulate.md.observers.welch import SegmentObserver, SegmentSettings

_FREQUENCY_BATCH = 32  # frequencies solved at once


class HarmonicCurrent(SegmentObserver):
    """Observer of the spectral heat flux between two groups of atoms that are bound by force constants.

    `left`, `right` (a,), (b,) atoms near the plane; `constants` (3a, 3b) N m⁻¹ of `force_constants_across`.  Memory is
    24 (single: 12) · segment · (a + b) bytes and as much again for the transforms of the right side.
    """

    def __init__(
        self, left: IntArray, right: IntArray, constants: Array, settings: SegmentSettings, *, area: float
    ) -> None:
        positive([area])
        wanted = (3 * len(left), 3 * len(right))
        if constants.shape != wanted:
            raise InputError(f"force constants of shape {constants.shape} between the two sides, wanted {wanted}")
        self.atoms, self.split, self.area = np.concatenate([left, right]), 3 * len(left), area
        super().__init__(settings, 3 * self.atoms.size, settings.segment // 2 + 1)
        self.constants = constants.astype(self.ring.samples.dtype)

    def sample(self, positions: Array, velocities: Array) -> None:
        """Take one sample."""
        if self.ring.add(velocities[self.atoms].ravel()):
            self.sums.add(self._row())
            self.ring.advance()

    def _row(self) -> Array:
        last = self.ring.samples.shape[1]
        other = np.concatenate([v for _, (v,) in self.ring.transforms(slice(self.split, last))])
        flow = np.zeros(other.shape[1])
        real = other.view(self.constants.dtype)  # one real product for both parts of the complex numbers
        for part, (velocity,) in self.ring.transforms(slice(0, self.split)):
            felt = (self.constants[part] @ real).view(other.dtype)
            flow += (velocity.imag * felt.real - velocity.real * felt.imag).sum(axis=0)
        omega = 2 * np.pi * np.arange(flow.size) / (len(self.ring.samples) * self.interval)
        omega[0] = np.inf  # what does not move carries nothing
        return -self.ring.one_sided * flow / omega

    def flux(self, method: str = "") -> SpectralFlux:
        """The spectral flux of all full segments so far."""
        omega, width = self.frequency_grid()
        rows, counts = self.sums.blocks()
        none = np.zeros((2, omega.size))
        return SpectralFlux(omega, rows / width / self.area, None, counts, none, method=method)


def langevin_transmission(constants: Array, masses: Array, hot: Array, cold: Array, omega: ArrayLike) -> Array:
    r"""(nω,) modes that a harmonic body transmits between Langevin thermostats: what small motion must give.

    $\Xi = 4\omega^2\,\mathrm{Tr}\,\Gamma_h G\,\Gamma_c G^\dagger$ with $G = (K - \omega^2 M - i\omega(\Gamma_h +
    \Gamma_c))^{-1}$ and $\Gamma = m/\tau$: the spectral flux is $k_B\Delta T\,\Xi/2\pi$ through every plane between the
    thermostats.  For thermostats so long and so gently damped that they reflect nothing, it is the transmission of the
    junction between infinite leads.  A. Dhar, Adv. Phys. 57, 457 (2008), doi:10.1080/00018730802538522.

    `constants` (d, d) N m⁻¹ and `masses` (d,) kg of all degrees of freedom; `hot`, `cold` (d,) rates 1/τ, s⁻¹.
    """
    omega, shapes = positive(frequencies(omega)), {np.shape(one) for one in (masses, hot, cold)}
    if shapes != {constants.shape[:1]} or constants.shape[1:] != constants.shape[:1]:
        raise InputError(
            f"force constants of shape {constants.shape} with masses {np.shape(masses)} and rates {np.shape(hot)} and "
            f"{np.shape(cold)}: wanted one of each for every degree of freedom"
        )
    warm, cool = np.flatnonzero(hot > 0), np.flatnonzero(cold > 0)
    loss = masses * (hot + cold)
    entry = np.zeros((masses.size, cool.size))
    entry[cool, np.arange(cool.size)] = 1.0  # the trace needs G between the thermostats alone
    found = np.empty(omega.size)
    for start in range(0, omega.size, _FREQUENCY_BATCH):
        w = omega[start : start + _FREQUENCY_BATCH, None, None]
        inverse = constants - np.eye(masses.size) * (w**2 * masses + 1j * w * loss)  # retarded, e^(-iωt)
        green = np.linalg.solve(inverse, np.broadcast_to(entry, (len(w), *entry.shape)))[:, warm]
        rates = (masses * hot)[warm, None] * (masses * cold)[cool]
        found[start : start + _FREQUENCY_BATCH] = (
            4 * w[:, 0, 0] ** 2 * (np.square(np.abs(green)) * rates).sum(axis=(1, 2))
        )
    return found
