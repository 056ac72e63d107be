r"""Who carries the heat through a plane: the cross spectrum of velocities and forces from the other side.

With $U_A$ and $U_B$ the summed site energies of the two sides, $g_j = -\partial U_A/\partial r_j$ on an atom of B and
$g_i = -\partial U_B/\partial r_i$ on one of A, the power from A to B is $\sum_B v_j\cdot g_j - \sum_A v_i\cdot g_i$ for
any potential that has site energies, and so is its spectrum:
$Q(\omega) = \sum_B \mathrm{Re}\langle g_j v_j^*\rangle - \sum_A \mathrm{Re}\langle g_i v_i^*\rangle$.
K. Sääskilahti et al., Phys. Rev. B 90, 134312 (2014), doi:10.1103/PhysRevB.90.134312, for pair forces.
"""

import warnings
from typing import Protocol

import numpy as np

from kapitza.core.arrays import Array, positive
from kapitza.errors import InputError, ValidityWarning
from kapitza.matter.brillouin import Integers
from kapitza.simulate.md.spectral_flux import SpectralFlux
from kapitza.simulate.md.system import Flags
from kapitza.simulate.md.welch import Arrays, Precision, Ring, Sums, Window, frequencies_of, restored, saved, taken_up

RESOLVED = 0.9  # of the highest frequency of a spectrum: vibrations above it are folded back
FOLDED = 1e-2  # share of the kinetic energy above that frequency which says that there are some


class Crossing(Protocol):
    """A plane between two sides, as seen by the atoms near it."""

    @property
    def atoms(self) -> Integers:
        """(k,) the atoms that ever feel the other side."""
        ...

    @property
    def right(self) -> Flags:
        """(k,) whether each of them is on the right."""
        ...

    def forces(self, positions: Array) -> Array:
        """(k, 3) what the site energies of the other side do to them, at positions (n, 3) of all atoms, N."""
        ...


class SpectralCurrent:
    """Observer of the spectral heat flux through a plane.

    Parameters
    ----------
    crossing : the plane
    masses : (n,) of all atoms, kg
    area : cross-section, m²
    timestep : of the run, s
    every : steps between two looks; π/(every · timestep) must lie above all vibrations
    segment : looks of one segment: the resolution is 2π/(segment · every · timestep)
    window : weights of the looks of a segment
    precision : of the samples and transforms; memory is 48 (single: 24) · segment · k bytes for k atoms near the plane
    highest : highest angular frequency of the vibrations, rad s⁻¹; 0 where unknown: then it is seen afterwards

    Raises
    ------
    InputError
        for a period or a segment that is not possible, and masses of other atoms

    Warns
    -----
    ValidityWarning
        if the looks are too rare for the highest frequency
    """

    def __init__(
        self,
        crossing: Crossing,
        masses: Array,
        *,
        area: float,
        timestep: float,
        every: int = 10,
        segment: int = 1024,
        window: Window = "hann",
        precision: Precision = "double",
        highest: float = 0.0,
    ) -> None:
        positive([area, timestep, every])
        self.crossing, self.area, self.interval, self._every = crossing, area, timestep * every, every
        self.sign = np.where(crossing.right, 1.0, -1.0)
        if np.ndim(masses) != 1 or len(masses) <= crossing.atoms.max():
            raise InputError(f"masses of shape {np.shape(masses)}, wanted those of all atoms of the system")
        self.masses = np.asarray(masses, dtype=float)[crossing.atoms]
        check_interval(highest, self.interval)
        size = 3 * crossing.atoms.size
        self.ring = Ring(2 * size, segment, window, precision)
        self.power = np.zeros(segment)
        self.sums = Sums(1 + 3 * (segment // 2 + 1))

    @property
    def every(self) -> int:
        """Steps between two looks."""
        return self._every

    def see(self, positions: Array, velocities: Array) -> None:
        """Look once."""
        force, velocity = self.crossing.forces(positions), velocities[self.crossing.atoms]
        self.power[self.ring.filled] = self.sign @ (force * velocity).sum(axis=1)
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
            cross = force.real * velocity.real + force.imag * velocity.imag
            spectra[0] += sign[part] @ cross
            energy = 0.5 * mass[part, None] * np.square(np.abs(velocity))
            spectra[1] += energy[~right[part]].sum(axis=0)
            spectra[2] += energy[right[part]].sum(axis=0)
        return np.append((spectra * self.ring.one_sided).ravel(), self.ring.mean(self.power))

    def flux(self, method: str = "") -> SpectralFlux:
        """The spectral flux of all full segments so far.

        Raises
        ------
        InputError
            before the first segment is full

        Warns
        -----
        ValidityWarning
            if vibrations are so fast that looks are too rare for them
        """
        rows, counts = self.sums.blocks()
        omega, width = grid_of(self.ring, self.sums, self.interval)
        spectra = rows[:, :-1].reshape(len(rows), 3, omega.size) / width
        motion = np.average(spectra[:, 1:], axis=0, weights=counts)
        check_folded(motion.sum(axis=0) * width, omega)
        return SpectralFlux(omega, spectra[:, 0] / self.area, rows[:, -1] / self.area, counts, motion, method=method)

    def arrays(self) -> Arrays:
        """All that it holds, to be written and restored."""
        return {**saved(self.ring, self.sums), "power": self.power.copy()}

    def restore(self, arrays: Arrays) -> None:
        """Take up where another one left off."""
        taken_up(self.ring, self.sums, arrays)
        restored("power", arrays, self.power)


def grid_of(ring: Ring, sums: Sums, interval: float) -> tuple[Array, Array]:
    """(nω,) frequencies of the segments and their widths, rad s⁻¹, once there is a full segment."""
    length = len(ring.samples)
    if not sums.counts[0]:
        raise InputError(f"{ring.filled} looks do not fill the first segment of {length}: run longer")
    omega = frequencies_of(length, interval)
    width = np.full(omega.size, omega[1])
    width[[0, -1]] /= 2
    return omega, width


def check_interval(highest: float, interval: float) -> None:
    """Warn where looks are too rare for the highest frequency."""
    bound = np.pi / interval
    if highest > RESOLVED * bound:
        warnings.warn(
            f"one look every {interval:.3g} s resolves {bound:.3g} rad/s, and vibrations reach {highest:.3g} rad/s: "
            f"they are folded back; look at least every {RESOLVED * np.pi / highest:.3g} s",
            ValidityWarning,
            stacklevel=3,
        )


def check_folded(motion: Array, omega: Array) -> None:
    """Warn where kinetic energy is left close to the highest frequency that is resolved."""
    share = float(motion[omega > RESOLVED * omega[-1]].sum() / max(motion.sum(), np.finfo(float).tiny))
    if share > FOLDED:
        warnings.warn(
            f"{100 * share:.2g} % of the kinetic energy lies above {RESOLVED:g} of the highest frequency of the "
            f"spectrum, {omega[-1]:.3g} rad/s: faster vibrations are folded back; look more often",
            ValidityWarning,
            stacklevel=3,
        )
