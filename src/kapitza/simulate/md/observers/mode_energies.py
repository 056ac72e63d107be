r"""Modes of a run: how warm each vibration is, slab by slab, and how much of the heat through a plane it carries.

With mass-weighted displacements on orthonormal waves, $\dot Q_\lambda = \sum_i \sqrt{m_i}\,e^*_{\lambda i}\cdot v_i$, a
classical wave in equilibrium has $\langle|\dot Q_\lambda|^2\rangle = k_BT$; so it has a temperature of its own in any
steady state.  T. Feng et al., Phys. Rev. B 95, 195202 (2017), doi:10.1103/PhysRevB.95.195202.

With velocities $v_i = \sum_n e_{ni}\dot X_n/\sqrt{m_i}$ of the modes of a body, the power through the plane is a sum
over modes, $Q_n = \dot X_n\left(\sum_{j\in B} - \sum_{i\in A}\right) g_i\cdot e_{ni}/\sqrt{m_i}$, without any rest, and
so is the conductance, $G_n = \frac{1}{A k_B T^2}\int_0^t\langle Q_n Q\rangle\,dt'$.
K. Gordiz and A. Henry, New J. Phys. 17, 103002 (2015), doi:10.1088/1367-2630/17/10/103002.
"""

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, ComplexArray, IntArray, about, finite, increasing, positive, same_length
from kapitza.core.occupation import Occupation
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.crystal import Crystal
from kapitza.simulate.md.observers.spectral_flux import PlaneForces
from kapitza.simulate.md.observers.welch import (
    Arrays,
    SegmentObserver,
    SegmentSettings,
    SegmentSums,
    group_rows,
    jackknife,
)
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
        raise InputError(f"{crystal.name}: masses {np.unique(masses)} kg are not those of the crystal at its places")
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


_ORTHONORMAL_TOLERANCE = 1e-6  # deviation of vectors from an orthonormal set


@frozen(eq=False)
class BodyModes(BaseRecord):
    """Vibrations of a body that holds the interface: all of it, or the layers near the plane."""

    atoms: IntArray = field(metadata=about("1", "(r,) numbers of atoms of the simulation"))
    omega: Array = field(metadata=about("rad s^-1", "(m,) angular frequency; unstable ones as negative numbers"))
    vectors: Array = field(metadata=about("1", "(m, r, 3) mass-weighted, orthonormal; all 3r for a sum without rest"))

    def __attrs_post_init__(self) -> None:
        m = self.omega.size
        if self.vectors.shape != (m, len(self.atoms), 3):
            raise InputError(f"vectors of shape {self.vectors.shape} for {m} modes of {len(self.atoms)} atoms")
        worst = float(np.abs(np.square(self.vectors.reshape(m, -1)).sum(axis=1) - 1).max())
        if worst > _ORTHONORMAL_TOLERANCE:
            raise InputError(f"vectors with squares up to {worst:.3g} off 1: wanted mass-weighted and orthonormal ones")

    def weight(self, atoms: IntArray) -> Array:
        """(m,) part of each mode that lies on some atoms, 0 to 1: near one for those that the interface binds."""
        return np.square(self.vectors[:, np.isin(self.atoms, atoms)]).sum(axis=(1, 2))

    def select(self, modes: IntArray) -> "BodyModes":
        """Some of the modes: those of an interface cost a small part of what all of them do."""
        return BodyModes(self.atoms, self.omega[modes], self.vectors[modes])


def force_constants_across(
    forces: Callable[[Array], Array], positions: Array, left: IntArray, right: IntArray, *, step: float = 1e-12
) -> Array:
    r"""(3a, 3b) force constants $K_{ij} = -\partial F_i/\partial r_j$ by central differences over `step` (m), N m⁻¹.

    `forces` maps positions (n, 3) m to (n, 3) N in any engine; between a and b atoms it is called 6b times.
    """
    constants = np.empty((3 * len(left), 3 * len(right)))
    for column in range(3 * len(right)):
        pair: list[Array] = []
        for way in (step, -step):
            moved = np.array(positions, dtype=float)
            moved[right[column // 3], column % 3] += way
            pair.append(np.array(forces(moved)[left]).ravel())
        constants[:, column] = (pair[1] - pair[0]) / (2 * step)
    return constants


def body_modes(
    forces: Callable[[Array], Array], positions: Array, masses: Array, atoms: IntArray, *, step: float = 1e-12
) -> BodyModes:
    """Vibrations of atoms (r,) while all others rest, by finite differences of `forces` (n, 3) N over `step` (m)."""
    constants = force_constants_across(forces, positions, atoms, atoms, step=step)
    root = np.repeat(np.sqrt(np.asarray(masses, dtype=float)[atoms]), 3)
    value, vector = np.linalg.eigh((constants + constants.T) / 2 / np.outer(root, root))
    omega = np.sign(value) * np.sqrt(np.abs(value))
    vectors = np.ascontiguousarray(vector.T).reshape(-1, len(atoms), 3)
    return BodyModes(np.asarray(atoms, dtype=np.int64), omega, vectors)


@frozen(eq=False, kw_only=True)
class ModeConductance(BaseRecord):
    """What each mode carries through a plane."""

    omega: Array = field(converter=finite, metadata=about("rad s^-1", "angular frequency"))  # (m,)
    interface_weight: Array = field(validator=same_length("omega"), metadata=about("1", "weight on the interface"))
    heat: Array = field(validator=same_length("omega"), metadata=about("W m^-2", "heat flux of each mode, driven"))
    heat_sigma: Array = field(validator=same_length("omega"), metadata=about("W m^-2", "uncertainty of the heat flux"))
    fluctuation: Array = field(validator=same_length("omega"), metadata=about("W^2 s", "integrated power correlation"))
    fluctuation_sigma: Array = field(validator=same_length("omega"), metadata=about("W^2 s", "its uncertainty"))
    autocorrelation: Array = field(metadata=about("W^2", "of the power; must have decayed"))  # (lags,)
    interval: float = field(metadata=about("s", "time between two lags"))
    area: float = field(metadata=about("m^2", "cross-section"))
    total: float = field(default=np.nan, metadata=about("W m^-2", "heat flux of all motion"))
    total_sigma: float = field(default=np.nan, metadata=about("W m^-2", "uncertainty of the whole heat flux"))

    def conductance(self, temperature: float) -> tuple[Array, Array]:
        """(m,) conductance of each mode in equilibrium at a temperature (K), W m⁻² K⁻¹, and its uncertainty."""
        positive([temperature])
        scale = 1 / (self.area * k_B * temperature**2)
        return scale * self.fluctuation, scale * self.fluctuation_sigma

    def interface_modes(self, share: float = 0.5) -> IntArray:
        """Modes that have more than a share of their weight on the interface."""
        return np.flatnonzero(self.interface_weight > share)

    def interface_share(self, *, equilibrium: bool, share: float = 0.5) -> float:
        """Part of the whole heat (of the conductance in equilibrium) that interface modes carry."""
        parts, total = self.heat, self.total
        if equilibrium:
            parts, total = self.fluctuation, float(np.trapezoid(self.autocorrelation)) * self.interval
        return float(parts[self.interface_modes(share)].sum() / total)


class InterfaceModeAnalysis(SegmentObserver):
    """Observer of the heat that every mode of a body carries through a plane.

    All atoms of the plane `crossing` must belong to the body; `interface` are the atoms whose part of a mode is its
    `interface_weight` (None: all that feel the other side); fluctuations are integrated up to `lags` samples,
    fewer than a segment has.  Memory is 24 m r bytes for m modes of r atoms, and 8 · segment · m bytes.
    """

    def __init__(
        self, crossing: PlaneForces, masses: Array, modes: BodyModes, settings: SegmentSettings, *, area: float,
        lags: int = 64, interface: IntArray | None = None,
    ) -> None:  # fmt: skip
        positive([area])
        missing = np.setdiff1d(crossing.atoms, modes.atoms)
        if missing.size:
            raise InputError(f"{missing.size} atoms at the plane ({missing[0]}, ...) are not in the body of the modes")
        if not 0 < lags < settings.segment:
            raise InputError(f"{lags} lags in segments of {settings.segment} samples: wanted fewer, and at least 1")
        self.crossing, self.modes, self.area, self.lags = crossing, modes, area, lags
        m = modes.omega.size
        super().__init__(evolve(settings, window="none", precision="double"), m + 1, 2 * m + lags + 1, most=64)
        mass = np.asarray(masses, dtype=float)
        self.root = np.sqrt(mass[modes.atoms])[:, None]
        self.sign = (np.where(crossing.right, 1.0, -1.0) / np.sqrt(mass[crossing.atoms]))[:, None]
        place = {int(atom): row for row, atom in enumerate(modes.atoms)}
        rows = [place[int(atom)] for atom in crossing.atoms]
        self.interface_weight = modes.weight(crossing.atoms if interface is None else interface)
        self.columns = (3 * np.array(rows)[:, None] + np.arange(3)).ravel()
        self.all = modes.vectors.reshape(m, -1)
        self.close = np.ascontiguousarray(modes.vectors[:, rows]).reshape(m, -1)
        self.waiting: list[tuple[Array, Array]] = []

    def sample(self, positions: Array, velocities: Array) -> None:
        """Take one sample."""
        motion = (self.root * velocities[self.modes.atoms]).ravel()
        self.waiting.append((motion, (self.sign * self.crossing.forces(positions)).ravel()))
        if len(self.waiting) == _PROJECTION_BATCH:
            self._project()

    def _project(self) -> None:
        if not self.waiting:
            return
        motion, force = (np.array(each) for each in zip(*self.waiting, strict=True))
        self.waiting = []
        parts = (motion @ self.all.T) * (force @ self.close.T)
        total = (motion[:, self.columns] * force).sum(axis=1)
        for row in np.column_stack([parts, total]):
            if self.ring.add(row):
                self.sums.add(self._row())
                self.ring.advance()

    def _row(self) -> Array:
        samples = np.asarray(self.ring.samples, dtype=float)
        parts, total, length = samples[:, :-1], samples[:, -1], len(samples)
        weights = np.full(self.lags, self.interval)
        weights[[0, -1]] /= 2
        count = length - np.arange(self.lags)
        memory = np.zeros(self.lags)
        near = np.zeros(length)  # the whole power, summed over the lags of either sign
        for lag in range(self.lags):  # lags are summed in Q, once, and not in each of the many Q_n
            late, early = total[lag:], total[: length - lag]
            memory[lag] = late @ early / count[lag]
            near[: length - lag] += weights[lag] / count[lag] / 2 * late
            near[lag:] += weights[lag] / count[lag] / 2 * early
        return np.concatenate([parts.mean(axis=0), near @ parts, memory, [total.mean()]])

    def result(self) -> ModeConductance:
        """What all full segments so far say."""
        self._project()
        rows, counts = self.sums.blocks()
        if not len(rows):
            filled, length = self.ring.filled, len(self.ring.samples)
            raise InputError(f"{filled} samples do not fill a segment of {length}: run longer")
        value, sigma = jackknife(*group_rows(rows, counts), lambda mean: mean)
        m = self.modes.omega.size
        heat, fluctuation, memory, total = np.split(value, [m, 2 * m, 2 * m + self.lags])
        spread = np.split(sigma, [m, 2 * m])
        return ModeConductance(
            omega=self.modes.omega, interface_weight=self.interface_weight, heat=heat / self.area,
            heat_sigma=spread[0] / self.area, fluctuation=fluctuation, fluctuation_sigma=spread[1],
            autocorrelation=memory, interval=self.interval, area=self.area, total=float(total[0]) / self.area,
            total_sigma=float(sigma[-1]) / self.area,
        )  # fmt: skip

    def arrays(self) -> Arrays:
        """All that it holds, to be written and restored."""
        self._project()
        return super().arrays()

    def restore(self, arrays: Arrays) -> None:
        """Continue where another one left off."""
        self.waiting = []
        super().restore(arrays)
