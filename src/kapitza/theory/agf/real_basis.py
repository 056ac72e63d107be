r"""A basis in which the dynamical matrices of a lead are real, where it has one: algebra is 2-3 times as fast.

Half a turn about the normal and time reversal together keep k and conjugate.  An operation $UK$ of this kind that is
its own inverse has $U = VV^T$, and $V^\dagger D_{00}V$ and $e^{i\psi}V^\dagger D_{01}V$ are real (F. J. Dyson, J. Math.
Phys. 3, 1199 (1962), doi:10.1063/1.1703863).  U is read off the blocks at one general wave vector, without looking at
atoms: eigenvectors of a Hermitian mixture of them are real but for a phase each.  It has the form $EU_0E$ with a real
$U_0$ that does not depend on k and phases $E = e^{i\pi k\cdot t}$ of lattice vectors t, as $\psi = \pi k\cdot s$.
"""

from itertools import product

import numpy as np
from attrs import frozen

from kapitza.core.arrays import AnyComplexArray, Array, IntArray
from kapitza.core.records import BaseRecord
from kapitza.matter.junction import Lead

_GENERIC_WAVEVECTOR = np.array([0.12345678, 0.37132891])  # a wave vector on no symmetry element
_COUPLING_SHARES = (
    0.7312,
    0.4127,
)  # shares of the coupling in the matrix whose eigenvectors are taken: nothing special
_EIGENVALUE_SEPARATION = 1e-7  # of the width of the spectrum: eigenvalues nearer to each other leave the phases open
_LINK_TOLERANCE = 1e-7  # of the largest element: weaker ones tell no phase
_MAX_PARTNER_ATOMS = 8  # atoms tried as the partner of the first one, where repeated cells say nothing of each other
_PHASE_TOLERANCE = 1e-6  # deviation of phases and elements from what they are read as
_IMAGINARY_TOLERANCE = 1e-13  # of the largest element: imaginary parts that are rounding
_LATTICE_VECTORS_TRIED = np.array(sorted(product(range(-4, 5), repeat=2), key=lambda t: t[0] ** 2 + t[1] ** 2))


@frozen(eq=False)
class RealBasis(BaseRecord):
    r"""The basis $V(k) = e^{i\pi k\cdot t}V_0$ and the phase $\psi = \pi k\cdot s$ from a layer to the next."""

    basis: AnyComplexArray  # (f, f) $V_0$
    turns: IntArray  # (f, 2) t of each coordinate
    ahead: IntArray  # (2,) s

    def at(self, k: Array) -> AnyComplexArray:
        """(nk, f, f) basis at in-plane wave vectors (nk, 2), fractions of the reciprocal vectors."""
        return np.exp(1j * np.pi * (k @ self.turns.T))[:, :, None] * self.basis


@frozen(eq=False)
class RealBlocks(BaseRecord):
    r"""Blocks of a lead in the real basis at b wave vectors."""

    onsite: Array  # (b, f, f) $V^\dagger D_{00}V$, (rad/ps)²
    # a, b: (b, f, r) $e^{i\psi}V^\dagger Av$ and $V^\dagger Bv$
    a: Array
    b: Array
    turn: AnyComplexArray  # (b, r, r) the unitary v, that takes amplitudes at the bond back to the basis of A and B
    phase: AnyComplexArray  # (b,) $e^{i\psi}$, by which Bloch factors here are to be multiplied

    def at(self, index: IntArray) -> "RealBlocks":
        """Take some of the wave vectors, with repetition."""
        return RealBlocks(self.onsite[index], self.a[index], self.b[index], self.turn[index], self.phase[index])


def find_real_basis(lead: Lead) -> RealBasis | None:
    """Find the real basis of a lead; None where it has none, or none that is found."""
    onsite, hop = (block[0] for block in lead.blocks(_GENERIC_WAVEVECTOR))
    square = [hop @ hop.conj().T, hop.conj().T @ hop]
    size = float(np.linalg.norm(onsite, 2))
    scale = size / max(float(np.linalg.norm(square[0], 2)), 1e-300)
    mixed = onsite + scale * (_COUPLING_SHARES[0] * square[0] + _COUPLING_SHARES[1] * square[1])
    for pair in (None, *range(min(_MAX_PARTNER_ATOMS, lead.masses.size))):
        marked = np.zeros(len(onsite))
        if pair is not None:
            for atom in (0, pair):
                marked[atom * lead.directions : (atom + 1) * lead.directions] = size
        values, vectors = np.linalg.eigh(mixed + np.diag(marked))
        if values.size > 1 and np.diff(values).min() < _EIGENVALUE_SEPARATION * (values[-1] - values[0]):
            continue
        phases = _link_phases(vectors.conj().T @ (onsite + np.diag(marked)) @ vectors)
        if phases is None:
            continue
        found = _basis_from_eigenvectors(vectors * np.exp(1j * phases), hop)
        if found is not None or pair is None:
            return found
    return None


def _basis_from_eigenvectors(vectors: AnyComplexArray, hop: AnyComplexArray) -> RealBasis | None:
    """Real basis at all wave vectors from one (f, f) at the general one; None where it has another form."""
    coupling = (vectors.conj().T @ hop @ vectors).ravel()
    ahead = _lattice_vectors_from_phases(-np.angle(coupling[np.abs(coupling).argmax()]))
    symmetry = vectors @ vectors.T
    partner = np.abs(symmetry).argmax(axis=1)
    seen = np.angle(symmetry[np.arange(len(partner)), partner])
    turns = _lattice_vectors_from_phases(seen - seen[0]) // 2  # the symmetry has the square of the phase
    half = np.exp(-1j * np.pi * (turns @ _GENERIC_WAVEVECTOR))
    operation = symmetry * half[:, None] * half * np.exp(-1j * seen[0])
    rounded = np.round(operation.real)
    plain = np.where(np.abs(operation - rounded) < _PHASE_TOLERANCE, rounded, operation.real)
    if (
        np.abs(operation - plain).max() > _PHASE_TOLERANCE
        or np.abs(plain @ plain - np.eye(len(plain))).max() > _PHASE_TOLERANCE
    ):
        return None
    one = np.eye(len(plain))
    return RealBasis((one + plain) / 2 + 0.5j * (one - plain), turns, ahead)  # the root of the operation


def _lattice_vectors_from_phases(angle: Array) -> IntArray:
    r"""(..., 2) the shortest lattice vectors t of phases $\pi k\cdot t$ at the general wave vector, known up to π."""
    misfit = np.abs(np.sin(np.asarray(angle)[..., None] - np.pi * (_LATTICE_VECTORS_TRIED @ _GENERIC_WAVEVECTOR)))
    return _LATTICE_VECTORS_TRIED[misfit.argmin(axis=-1)]


def _link_phases(matrix: AnyComplexArray) -> Array | None:
    r"""(f,) phases φ for which $e^{-i\phi_m}H_{mn}e^{i\phi_n}$ can be real, by the strongest; None without links."""
    strength, angle = np.abs(matrix), np.angle(matrix)  # the latter is φ_m - φ_n, up to π
    np.fill_diagonal(strength, 0.0)
    phases = np.zeros(len(matrix))
    best, source = strength[0].copy(), np.zeros(len(matrix), dtype=np.intp)
    best[0] = -1.0
    for _ in range(len(matrix) - 1):
        n = int(best.argmax())  # Prim's tree of the strongest links: weak ones carry the phase of rounding
        if best[n] <= _LINK_TOLERANCE * strength.max():
            return None
        phases[n] = angle[n, source[n]] + phases[source[n]]
        closer = (best >= 0) & (strength[n] > best)
        best[closer], source[closer] = strength[n, closer], n
        best[n] = -1.0
    return phases


def real_blocks(
    found: RealBasis, k: Array, blocks: tuple[AnyComplexArray, AnyComplexArray, AnyComplexArray], span: Array
) -> RealBlocks | None:
    """Blocks of a lead in its real basis at k (nk, 2); None where they are not real in it.

    `blocks` are the onsite (nk, f, f) and both factors (nk, f, r) of the coupling, `span` (f, r) orthonormal columns of
    the factor that does not depend on k.
    """
    basis = found.at(k)
    back = basis.conj().swapaxes(1, 2)
    turn = span.T @ basis @ span
    closed = np.abs(turn.conj().swapaxes(1, 2) @ turn - np.eye(span.shape[1])).max() < _IMAGINARY_TOLERANCE * len(span)
    phase = np.exp(1j * np.pi * (k @ found.ahead))
    onsite, a, b = back @ blocks[0] @ basis, phase[:, None, None] * (back @ blocks[1] @ turn), back @ blocks[2] @ turn
    rounding = _IMAGINARY_TOLERANCE * len(span)
    if not closed or any(np.abs(one.imag).max() > rounding * np.abs(one).max() for one in (onsite, a, b)):
        return None
    return RealBlocks(onsite.real.copy(), a.real.copy(), b.real.copy(), turn, phase)
