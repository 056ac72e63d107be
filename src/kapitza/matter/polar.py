r"""Long-range dipole forces of polar crystals: the non-analytic part of the dynamical matrix.

A vibration of charges makes a macroscopic field, which force constants of a finite supercell cannot carry.  The dipole
sum over reciprocal vectors with a Gaussian cutoff is taken away from the force constants at the wave vectors that fit
into the supercell, and is added again at every wave vector, now with its non-analytic term
(X. Gonze and C. Lee, Phys. Rev. B 55, 10355 (1997), doi:10.1103/PhysRevB.55.10355):

$$\Phi_{i\alpha,j\beta}(q) = \frac{e^2}{\epsilon_0 V}\sum_{K=q+G} e^{iK\cdot(r_i-r_j)}
\frac{(K Z_i)_\alpha (K Z_j)_\beta}{K\epsilon K}\,e^{-K\epsilon K/4\Lambda^2}$$

The sum over real space, which falls off within $1/\Lambda$, stays with the force constants.
"""

from functools import cached_property
from itertools import product

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, ComplexArray, IntArray
from kapitza.core.records import BaseRecord
from kapitza.units import c_light, e

_RECIPROCAL_VECTOR_COUNT = 150  # reciprocal vectors within the cutoff
_GAUSSIAN_CUTOFF = 1e-8  # of the Gaussian at the cutoff
_ORDERED_NEIGHBOUR_CELLS = np.array(sorted(product((-1, 0, 1), repeat=3), key=lambda step: sum(map(abs, step))))
COULOMB_CONSTANT = e**2 * c_light**2 * 1.25663706127e-6  # e²/ε0, J m; the magnetic constant is CODATA 2022's


@frozen(eq=False)
class DipoleForces(BaseRecord):
    """Charges and screening of a polar crystal."""

    lattice: Array = field(metadata={"unit": "m"})  # (3, 3) lattice vectors in rows
    positions: Array = field(metadata={"unit": "m"})  # (n, 3) Cartesian
    born: Array = field(metadata={"unit": "e"})  # (n, 3, 3) Born charges, first index the field; they sum to zero
    dielectric: Array = field(metadata={"unit": "1"})  # (3, 3) high-frequency dielectric constant

    @cached_property
    def waves(self) -> tuple[Array, float]:
        """(nG, 3) reciprocal vectors within the cutoff, rad m⁻¹, and 4Λ²."""
        reciprocal = 2 * np.pi * np.linalg.inv(self.lattice).T
        volume = abs(np.linalg.det(self.lattice))
        cutoff = 2 * np.pi * (3 * _RECIPROCAL_VECTOR_COUNT / (4 * np.pi * volume)) ** (1 / 3)
        mean = float(np.trace(self.dielectric)) / 3
        longest = cutoff * np.sqrt(mean / float(np.linalg.eigvalsh(self.dielectric)[0]))
        reach = np.ceil(longest * np.linalg.norm(self.lattice, axis=1) / (2 * np.pi)).astype(int)
        steps = np.array(list(product(*(range(-r, r + 1) for r in reach))))
        vectors = np.asarray(steps @ reciprocal, dtype=float)
        squares = np.einsum("ki,ij,kj->k", vectors, self.dielectric, vectors)
        return vectors[squares <= cutoff**2 * mean], cutoff**2 * mean / -float(np.log(_GAUSSIAN_CUTOFF))

    @cached_property
    def onsite(self) -> Array:
        """(3n, 3n) forces of every atom on itself, such that shifting all atoms costs nothing."""
        n = len(self.positions)
        total = self.lattice_sum(np.zeros((1, 3)))[0].real.reshape(n, 3, n, 3).sum(axis=2)
        blocks = np.zeros((n, 3, n, 3))
        blocks[np.arange(n), :, np.arange(n)] = 0.5 * (total + total.swapaxes(1, 2))
        return blocks.reshape(3 * n, 3 * n)

    def matrix(self, q: Array) -> ComplexArray:
        """(nq, 3n, 3n) dipole forces at wave vectors (nq, 3), N m⁻¹; at Γ without the macroscopic field."""
        return self.lattice_sum(self.nearest(q)) - self.onsite

    def nearest(self, q: Array) -> Array:
        """(nq, 3) equal wave vectors near Γ, about which the sum is cut off; elsewhere it would miss terms."""
        reciprocal = 2 * np.pi * np.linalg.inv(self.lattice).T
        inside = q @ self.lattice.T / (2 * np.pi)
        images = q[:, None] - (np.round(inside)[:, None] + _ORDERED_NEIGHBOUR_CELLS) @ reciprocal
        length = np.linalg.norm(images, axis=2)
        first = np.argmax(length <= length.min(axis=1, keepdims=True) * (1 + 1e-9), axis=1)
        return np.asarray(images[np.arange(len(q)), first], dtype=float)

    def factors(self, q: Array) -> tuple[Array, Array, ComplexArray, ComplexArray]:
        """Waves K (nq, nG, 3), their screened Gaussians, charges seen by them (nq, nG, 3n) and phases times charges."""
        vectors, width = self.waves
        waves = q[:, None] + vectors
        square = np.einsum("qki,ij,qkj->qk", waves, self.dielectric, waves)
        tiny = 1e-18 * width
        gauss = np.where(square > tiny, np.exp(-square / width) / np.maximum(square, tiny), 0)
        phase = np.exp(1j * vectors @ self.positions.T)
        charge = np.einsum("ki,iab->kaib", phase, self.born).reshape(len(vectors), 3, -1)
        seen = np.einsum("qka,kax->qkx", waves, charge)
        return waves, gauss, seen, charge

    def lattice_sum(self, q: Array) -> ComplexArray:
        """(nq, 3n, 3n) sum over all reciprocal vectors."""
        _, gauss, seen, _ = self.factors(q)
        phase_factors, volume = self.phase_factors(q), abs(np.linalg.det(self.lattice))
        return COULOMB_CONSTANT / volume * phase_factors * (seen.swapaxes(1, 2) @ (gauss[:, :, None] * seen.conj()))

    def phase_factors(self, q: Array) -> ComplexArray:
        """(nq, 3n, 3n) phases $e^{iq(r_i-r_j)}$ of a Fourier sum over lattice vectors alone."""
        phase = np.exp(1j * np.repeat(q @ self.positions.T, 3, axis=1))
        return phase[:, :, None] * phase[:, None, :].conj()

    def gradient(self, q: Array) -> ComplexArray:
        """(nq, 3, 3n, 3n) derivatives of `matrix` with respect to the wave vector, N."""
        q = self.nearest(q)
        waves, gauss, seen, charge = self.factors(q)
        _, width = self.waves
        square = np.einsum("qki,ij,qkj->qk", waves, self.dielectric, waves)
        half = -(waves @ self.dielectric) * (gauss * (1 / width + 1 / np.maximum(square, 1e-18 * width)))[:, :, None]
        other = seen.conj()
        value = seen.swapaxes(1, 2) @ (gauss[:, :, None] * other)
        parts = []
        for axis in range(3):  # each derivative is Hermitian: a product and its conjugate transpose
            part = seen * half[:, :, axis, None] + charge[:, axis] * gauss[:, :, None]
            product = part.swapaxes(1, 2) @ other
            change = product + product.conj().swapaxes(1, 2)
            along = np.repeat(self.positions[:, axis], 3)
            parts.append(change + 1j * (along[:, None] - along) * value)
        volume = abs(np.linalg.det(self.lattice))
        return COULOMB_CONSTANT / volume * self.phase_factors(q)[:, None] * np.stack(parts, axis=1)


def commensurate_wavevectors(multiple: Array) -> Array:
    """(N, 3) fractional wave vectors that fit into a supercell of lattice vectors `multiple` @ the primitive ones."""
    scale = round(abs(np.linalg.det(multiple)))
    generators = np.round(scale * np.linalg.inv(multiple)).astype(np.int64)
    found = np.zeros((1, 3), dtype=np.int64)
    for step in generators.T:
        start, size = found, 0
        while len(found) > size:
            size, start = len(found), (start + step) % scale
            found = np.unique(np.concatenate([found, start]), axis=0)
    return found / scale


def short_range_constants(
    polar: DipoleForces, force_constants: Array, kind: IntArray, steps: IntArray, multiple: Array
) -> Array:
    """(n, N, 3, 3) force constants of a supercell less the dipole forces, N m⁻¹. `kind` (N,) says which primitive atom
    each is, `steps` (n, N, 3) the lattice vector from the cell of the first to that of the second.
    """
    n = len(polar.positions)
    waves = commensurate_wavevectors(multiple)
    dipole = np.zeros_like(force_constants)
    reciprocal = 2 * np.pi * np.linalg.inv(polar.lattice).T
    for part in np.array_split(waves, max(1, len(waves) // 32)):
        matrix = polar.matrix(part @ reciprocal).reshape(len(part), n, 3, n, 3)
        for i in range(n):
            phase = np.exp(-2j * np.pi * steps[i] @ part.T)
            dipole[i] += _pair_constants(phase, matrix[:, i], kind)
    return force_constants - dipole / len(waves)


def _pair_constants(phase: ComplexArray, matrix: ComplexArray, kind: IntArray) -> Array:
    """(N, 3, 3) real part of the sum of phases (N, nq) times matrices (nq, 3, n, 3) of the right atom."""
    out = np.empty((len(kind), 3, 3))
    for k in range(matrix.shape[2]):
        mine = kind == k
        out[mine] = np.tensordot(phase[mine], matrix[:, :, k], axes=(1, 0)).real
    return out
