r"""Long-range dipole forces of polar crystals: the non-analytic part of the dynamical matrix.

A vibration of charges makes a macroscopic field, which force constants of a finite supercell cannot carry.  The dipole
sum over reciprocal vectors with a Gaussian cutoff is taken away from the force constants at the wave vectors that fit
into the supercell, and is added again at every wave vector, now with its non-analytic term
(X. Gonze and C. Lee, Phys. Rev. B 55, 10355 (1997), doi:10.1103/PhysRevB.55.10355):

$$\Phi_{i\alpha,j\beta}(q) = \frac{e^2}{\epsilon_0 V}\sum_{K=q+G} e^{iK\cdot(r_i-r_j)}
\frac{(K Z_i)_\alpha (K Z_j)_\beta}{K\epsilon K}\,e^{-K\epsilon K/4\Lambda^2}$$

The sum over real space, which falls off within $1/\Lambda$, stays with the force constants.

Charges stand outside of the sum: only the moments $\sum_K w\,K_\alpha K_\beta\,e^{iG\cdot(r_i-r_j)}$ of each pair of
atoms are summed, six instead of $(3n)^2$ for all pairs, and those of first and third order for the gradient.
"""

from functools import cached_property
from itertools import combinations_with_replacement, product

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, ComplexArray, IntArray
from kapitza.core.records import BaseRecord
from kapitza.units import c_light, e

_RECIPROCAL_VECTOR_COUNT = 150  # reciprocal vectors within the cutoff
_GAUSSIAN_CUTOFF = 1e-8  # of the Gaussian at the cutoff
_ORDERED_NEIGHBOUR_CELLS = np.array(sorted(product((-1, 0, 1), repeat=3), key=lambda step: sum(map(abs, step))))
_SECOND = np.array([[0, 1, 2], [1, 3, 4], [2, 4, 5]])  # place of each second moment among the six different ones
_PAIRS = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
_TRIPLES: list[tuple[int, ...]] = list(combinations_with_replacement(range(3), 3))  # the ten different third moments
_THIRD = np.array([_TRIPLES.index(tuple(sorted(one))) for one in product(range(3), repeat=3)]).reshape(3, 3, 3)
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

    @cached_property
    def pair_phases(self) -> tuple[Array, IntArray, IntArray]:
        """(nG, c) cosines and sines of the phases of pairs of atoms, and (n²,) the columns of both for each pair.

        The first column is 1, the last one 0: those of an atom with itself.  Of the pairs (i, j) and (j, i) the sines
        have columns of their own.
        """
        n = len(self.positions)
        i, j = np.triu_indices(n, 1)
        angle = self.waves[0] @ (self.positions[i] - self.positions[j]).T
        sine = np.sin(angle)
        columns = [np.ones((len(angle), 1)), np.cos(angle), sine, -sine, np.zeros((len(angle), 1))]
        even, odd = np.zeros((n, n), dtype=np.int64), np.full((n, n), 1 + 3 * i.size)
        count = np.arange(i.size)
        even[i, j] = even[j, i] = 1 + count
        odd[i, j], odd[j, i] = 1 + i.size + count, 1 + 2 * i.size + count
        return np.hstack(columns), even.ravel(), odd.ravel()

    @cached_property
    def charge_products(self) -> Array:
        """(n², 9, 9) products of the charges of each pair: from field components to displacements, e²."""
        n = len(self.positions)
        return np.einsum("ica,jdb->ijabcd", self.born, self.born).reshape(n * n, 9, 9)

    def weights(self, q: Array) -> tuple[Array, Array, Array]:
        """Components of the waves K (3, nq, nG), their screened Gaussians w and minus half of dw/d(KεK), (nq, nG)."""
        vectors, width = self.waves
        waves = np.ascontiguousarray((q[:, None] + vectors).transpose(2, 0, 1))
        square = (np.tensordot(self.dielectric, waves, 1) * waves).sum(axis=0)
        tiny = 1e-18 * width
        gauss = np.where(square > tiny, np.exp(-square / width) / np.maximum(square, tiny), 0)
        return waves, gauss, gauss * (1 / width + 1 / np.maximum(square, tiny))

    def lattice_sum(self, q: Array) -> ComplexArray:
        """(nq, 3n, 3n) sum over all reciprocal vectors."""
        waves, gauss, _ = self.weights(q)
        second = np.stack([gauss * waves[a] * waves[b] for a, b in _PAIRS])
        return self._assemble(self._sum_waves(second)[_SECOND.ravel()][:, None], q)[0]

    def _sum_waves(self, weights: Array) -> Array:
        """(k, nq, c) sums of weights (k, nq, nG) times the phases of pairs."""
        k, count, waves = weights.shape
        return (weights.reshape(-1, waves) @ self.pair_phases[0]).reshape(k, count, -1)

    def _assemble(self, moments: Array, q: Array) -> ComplexArray:
        """(m, nq, 3n, 3n) matrices of moments (9, m, nq, c) of the fields, with phases of lattice vectors alone."""
        n, (_, even, odd) = len(self.positions), self.pair_phases
        _, sets, count, _ = moments.shape
        pairs = np.ascontiguousarray(moments.transpose(3, 0, 1, 2)).reshape(-1, 9, sets * count)
        fields = np.empty((n * n, 9, sets * count), dtype=np.complex128)
        np.matmul(self.charge_products, pairs[even], out=fields.real)
        np.matmul(self.charge_products, pairs[odd], out=fields.imag)
        blocks = fields.reshape(n, n, 3, 3, sets, count).transpose(4, 5, 0, 2, 1, 3).reshape(sets, count, 3 * n, 3 * n)
        return COULOMB_CONSTANT / abs(np.linalg.det(self.lattice)) * pair_turns(self.positions, q) * blocks

    def gradient(self, q: Array) -> ComplexArray:
        """(nq, 3, 3n, 3n) derivatives of `matrix` with respect to the wave vector, N."""
        q = self.nearest(q)
        waves, gauss, slope = self.weights(q)
        first = gauss * waves
        second = np.stack([first[a] * waves[b] for a, b in _PAIRS])
        steep = slope * waves
        third = np.stack([steep[a] * waves[b] * waves[c] for a, b, c in _TRIPLES])
        sums = self._sum_waves(np.concatenate([first, second, third]))
        one, two, three = np.split(sums, [3, 9])
        full = three[_THIRD]  # (3, 3, 3, nq, c)
        moments = np.zeros((3, 3, 4, *one.shape[1:]))
        moments[:, :, 3] = two[_SECOND]
        for axis in range(3):
            moments[:, :, axis] = -2 * np.tensordot(self.dielectric[axis], full, 1)
            moments[axis, :, axis] += one
            moments[:, axis, axis] += one
        *parts, value = self._assemble(moments.reshape(9, 4, *one.shape[1:]), q)
        along = np.repeat(self.positions, 3, axis=0).T
        moved = [part + 1j * (x[:, None] - x) * value for part, x in zip(parts, along, strict=True)]
        return np.stack(moved, axis=1)


def pair_turns(positions: Array, q: Array) -> ComplexArray:
    """(nq, 3n, 3n) phases $e^{iq(r_i-r_j)}$ of a Fourier sum over lattice vectors alone."""
    phase = np.exp(1j * np.repeat(q @ positions.T, 3, axis=1))
    return phase[:, :, None] * phase[:, None, :].conj()


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
            for k in range(n):
                own = kind == k
                dipole[i, own] += np.real(np.tensordot(phase[own], matrix[:, i, :, k], axes=(1, 0)))
    return force_constants - dipole / len(waves)
