r"""How warm each vibration is, slab by slab: projection of velocities on the waves of each crystal.

With mass-weighted displacements on orthonormal waves, $\dot Q_\lambda = \sum_i \sqrt{m_i}\,e^*_{\lambda i}\cdot v_i$, a
classical wave in equilibrium has $\langle|\dot Q_\lambda|^2\rangle = k_BT$; so it has a temperature of its own in any
steady state.  T. Feng et al., Phys. Rev. B 95, 195202 (2017), doi:10.1103/PhysRevB.95.195202.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, ComplexArray, IntArray, about, increasing
from kapitza.core.occupation import Occupation
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.crystal import Crystal
from kapitza.simulate.md.observers.welch import Arrays, SegmentSums, group_rows, jackknife
from kapitza.units import hbar, k_B

_MAX_MISPLACEMENT = 0.2  # of the shortest lattice vector: how far atoms may lie from the places of the crystal
_MASS_TOLERANCE = 0.01  # relative
_SUPERCELL_TOLERANCE = 0.05  # from an integer: how far the slab may be from a supercell
_PROJECTION_BATCH = 16  # samples that are projected at once: products of matrices, not of vectors


@frozen(eq=False)
class SlabModes(BaseRecord):
    """All waves of one slab of a crystal: a complete orthonormal set for its atoms."""

    position: float = field(metadata=about("m", "mean height of the slab"))
    atoms: IntArray = field(metadata=about("1", "indices of the atoms in the simulation"))
    omega: Array = field(metadata=about("rad s^-1", "frequency of each wave"))
    vectors: ComplexArray = field(metadata=about("1", "mass-weighted waves in rows"))

    def __attrs_post_init__(self) -> None:
        size = 3 * len(self.atoms)
        if self.omega.shape != (size,) or self.vectors.shape != (size, size):
            raise InputError(
                f"{self.omega.size} frequencies and waves of shape {self.vectors.shape} for {len(self.atoms)} atoms"
            )


def slab_modes(crystal: Crystal, supercell: Array, positions: Array, masses: Array, atoms: IntArray) -> SlabModes:
    """Waves of a slab (n,) atoms that is a supercell of a crystal, of all wave vectors that fit it.

    `crystal` in the orientation and strain of the simulation; `supercell` (3, 3) vectors in rows: two of the box, and
    the thickness of the slab, m; `positions` (N, 3) at rest, m, and `masses` (N,) kg of all atoms.
    """
    repeats = np.asarray(supercell, dtype=float) @ np.linalg.inv(crystal.lattice)
    integers = np.round(repeats).astype(np.int64)
    cells = abs(round(np.linalg.det(integers)))
    if np.abs(repeats - integers).max() > _SUPERCELL_TOLERANCE or cells * crystal.masses.size != len(atoms):
        raise InputError(
            f"{crystal.name}: {len(atoms)} atoms in {np.round(repeats, 3).tolist()} cells of "
            f"{crystal.masses.size}: wanted a supercell of the crystal with all of its atoms"
        )
    chosen = (np.asarray(values, dtype=float)[atoms] for values in (positions, masses))
    cell, site = assign_sites(crystal, *chosen)
    q = supercell_wavevectors(integers) @ crystal.reciprocal
    value, vector = np.linalg.eigh(crystal.dynamical(q))
    phase = np.exp(1j * (cell @ crystal.lattice) @ q.T) / np.sqrt(cells)
    blocks = vector.reshape(len(q), crystal.masses.size, 3, -1)[:, site]
    waves = np.einsum("nq,qnas->qsna", phase, blocks).reshape(3 * len(atoms), -1)
    omega = np.sqrt(np.maximum(value.ravel(), 0.0))
    return SlabModes(float(np.mean(np.asarray(positions)[atoms, 2])), atoms, omega, waves)


def assign_sites(crystal: Crystal, positions: Array, masses: Array) -> tuple[IntArray, IntArray]:
    """(n, 3) cell and (n,) site of the crystal of each atom; the first atom may be on any site of its mass."""
    best: tuple[float, IntArray, IntArray] | None = None
    for first in range(crystal.masses.size):
        origin = positions[0] - crystal.positions[first]
        offset = (positions[:, None] - origin - crystal.positions) @ np.linalg.inv(crystal.lattice)
        cell = np.round(offset)
        miss = np.linalg.norm((offset - cell) @ crystal.lattice, axis=2)
        site = miss.argmin(axis=1)
        rows = np.arange(len(positions))
        worst = float(miss[rows, site].max())
        alike = np.abs(masses / crystal.masses[site] - 1).max() < _MASS_TOLERANCE
        if alike and (best is None or worst < best[0]):
            best = worst, cell[rows, site].astype(np.int64), site
    shortest = float(np.linalg.norm(crystal.lattice, axis=1).min())
    if best is None:
        raise InputError(
            f"{crystal.name}: the masses {np.unique(masses)} kg are not those of the crystal at its places"
        )
    if best[0] > _MAX_MISPLACEMENT * shortest:
        raise InputError(
            f"{crystal.name}: an atom of the slab is {best[0]:.3g} m from the next place of the crystal: turn or "
            "strain the crystal as the simulation has it"
        )
    return best[1], best[2]


def supercell_wavevectors(repeats: IntArray) -> Array:
    """(n, 3) wave vectors that fit a supercell, in units of the reciprocal lattice vectors, from 0 to below 1."""
    low, high = np.minimum(repeats, 0).sum(axis=1), np.maximum(repeats, 0).sum(axis=1)
    steps = np.array(list(product(*(range(a, b + 1) for a, b in zip(low, high, strict=True)))))
    fractions = steps @ np.linalg.inv(repeats).T
    inside = ((fractions > -1e-9) & (fractions < 1 - 1e-9)).all(axis=1)
    return np.abs(fractions[inside])


class ModeEnergies:
    """Observer of the kinetic energy of each wave in several slabs, from left to right.

    Memory is 32 (3n)² bytes for each slab of n atoms, and 2 kB a wave; some samples of a period of the slowest wave of
    interest are enough.
    """

    def __init__(self, slabs: Sequence[SlabModes], masses: Array, *, every: int = 50) -> None:
        self.slabs = tuple(slabs)
        self.heights = increasing([slab.position for slab in self.slabs])
        self.roots = [np.sqrt(np.asarray(masses, dtype=float)[slab.atoms])[:, None] for slab in self.slabs]
        self.every = every
        self.sums = SegmentSums(sum(slab.omega.size for slab in self.slabs))
        self.waves = [np.concatenate([slab.vectors.real, slab.vectors.imag]).T for slab in self.slabs]
        self.waiting: list[list[Array]] = []

    def sample(self, positions: Array, velocities: Array) -> None:
        """Take one sample."""
        slabs = zip(self.slabs, self.roots, strict=True)
        self.waiting.append([(root * velocities[slab.atoms]).ravel() for slab, root in slabs])
        if len(self.waiting) == _PROJECTION_BATCH:
            self._project()

    def _project(self) -> None:
        if not self.waiting:
            return
        parts: list[Array] = []
        for motion, waves in zip(zip(*self.waiting, strict=True), self.waves, strict=True):
            # Velocities are real: the modulus of q is that of -q.
            squares = np.square(np.array(motion) @ waves)
            parts.append(squares[:, : len(waves)] + squares[:, len(waves) :])
        self.waiting = []
        for row in np.concatenate(parts, axis=1):
            self.sums.add(row)

    def temperatures(self) -> list[tuple[Array, Array]]:
        """For each slab the temperature of each wave and its standard uncertainty, (3n,) K."""
        value, sigma = jackknife(*self._rows(), lambda mean: mean / k_B)
        ends = np.cumsum([slab.omega.size for slab in self.slabs])[:-1]
        return list(zip(np.split(value, ends), np.split(sigma, ends), strict=True))

    def occupation(self, edges: ArrayLike, method: str = "molecular dynamics") -> Occupation:
        r"""Classical occupation of bands between `edges` (rad s⁻¹) in each slab, $n = k_BT_\mathrm{band}/E$.

        E is the energy at the middle of the band; NaN where a slab has no wave in it.
        """
        bounds = increasing(edges)
        energy = hbar * (bounds[1:] + bounds[:-1]) / 2
        groups = self._groups(bounds)
        value, sigma = jackknife(*self._rows(), lambda mean: groups @ mean / energy)
        return Occupation(self.heights, energy, value, sigma, statistics="classical", method=method)

    def departure(self, edges: ArrayLike) -> tuple[Array, Array]:
        r"""(slabs, nm) departure $T_\mathrm{band}/T_\mathrm{slab} - 1$ of bands from their slab, and its error.

        `edges` (nm + 1,) rad s⁻¹; NaN where there is no wave.
        """
        groups = self._groups(increasing(edges))
        all_modes = self._groups(np.array([-np.inf, np.inf]))
        return jackknife(*self._rows(), lambda mean: (groups @ mean) / (all_modes @ mean) - 1)

    def _rows(self) -> tuple[Array, Array]:
        self._project()
        rows, counts = self.sums.blocks()
        if not len(rows):
            raise InputError(f"{len(rows)} samples of the waves so far: run longer")
        return group_rows(rows, counts)

    def _groups(self, edges: Array) -> Array:
        """(slabs, bands, waves) share of each wave in the mean of its band."""
        size = [slab.omega.size for slab in self.slabs]
        shares = np.zeros((len(size), edges.size - 1, sum(size)))
        start = 0
        for i, slab in enumerate(self.slabs):
            band = np.digitize(slab.omega, edges) - 1
            for j in range(edges.size - 1):
                shares[i, j, start : start + size[i]] = band == j
            start += size[i]
        count = shares.sum(axis=2, keepdims=True)
        return np.where(count > 0, shares / np.maximum(count, 1), np.nan)

    def arrays(self) -> Arrays:
        """All that it holds, to be written and restored."""
        self._project()
        return self.sums.arrays()

    def restore(self, arrays: Arrays) -> None:
        """Continue where another one left off."""
        self.waiting = []
        self.sums.restore(arrays)
