r"""Waves of a lead, and the self-energy that it puts on a surface, at a real frequency without broadening.

A layer couples to the next one through a matrix of low rank, $D_{01} = AB^\dagger$ with A and B of r columns.  The
Bloch waves $u_{m+1} = \lambda u_m$ are therefore 2r, and known by $p_m = B^\dagger u_m$ and $q_m = A^\dagger u_m$ at a
bond: the pair $(p_m, q_{m-1})$ is an eigenvector of a matrix of size 2r.  With a shift s off the unit circle it is

$\mu\begin{pmatrix}p\\q\end{pmatrix} = \begin{pmatrix}B^\dagger WA & -B^\dagger WB/s\\
A^\dagger WA/s & -(1 + A^\dagger WB/s)/s\end{pmatrix}\begin{pmatrix}p\\q\end{pmatrix}$, $\lambda = s + 1/\mu$,
$W = (\omega^2 - D_{00} - sD_{01} - D_{10}/s)^{-1}$,

where W is regular on the real axis.  Waves that decay or carry energy to the right have $p = \sigma_Rq$, those to the
left $q = \sigma_Lp$, and the self-energies of the surfaces are $\Sigma_R = A\sigma_RA^\dagger$ on the last layer before
a right lead and $\Sigma_L = B\sigma_LB^\dagger$ on the first layer after a left one.

Where a lead has a basis in which its dynamical matrices are real, algebra is 2-3 times as fast.  Half a turn about the
normal and time reversal together keep k and conjugate.  An operation $UK$ of this kind that is its own inverse has
$U = VV^T$, and $V^\dagger D_{00}V$ and $e^{i\psi}V^\dagger D_{01}V$ are real.  U is read off the blocks at one general
wave vector, without looking at atoms: eigenvectors of a Hermitian mixture of them are real but for a phase each.  It
has the form $EU_0E$ with a real $U_0$ that does not depend on k and phases $E = e^{i\pi k\cdot t}$ of lattice vectors
t, as $\psi = \pi k\cdot s$.

References
----------
D. A. Young and H. J. Maris, Phys. Rev. B 40, 3685 (1989), doi:10.1103/PhysRevB.40.3685 (matching of lattice waves)
F. J. Dyson, J. Math. Phys. 3, 1199 (1962), doi:10.1063/1.1703863 (operations that are their own inverse)
T. Ando, Phys. Rev. B 44, 8017 (1991), doi:10.1103/PhysRevB.44.8017 (modes of a lead from a companion matrix)
M. P. López Sancho, J. M. López Sancho, J. Rubio, J. Phys. F 15, 851 (1985), doi:10.1088/0305-4608/15/4/009 (decimation)
"""

from itertools import product
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import AnyComplexArray, Array, BoolArray, IntArray
from kapitza.core.records import BaseRecord
from kapitza.errors import ConvergenceError
from kapitza.matter.junction import SQUARE_PICOSECOND, Lead, inverse_root_masses, wavevector_fractions

_RANK_TOLERANCE = 1e-11  # of the largest singular value of the coupling: what is below is rounding
_PROPAGATION_TOLERANCE = 1e-6  # waves with |ln|λ|| below this propagate
_MIN_RELATIVE_FLUX = 1e-9  # of |p||q|: waves that carry less energy stand at a band edge and count as evanescent
BLOCH_FACTOR_TOLERANCE = 1e-8  # waves whose λ differ by less are degenerate
_COMPLEX_SHIFTS = tuple(r * np.exp(1j * phase) for r, phase in ((1.23, 0.7), (1.31, 2.1), (0.81, -1.2), (1.17, -2.6)))
_DEGENERACY_SHIFT = 3e-11  # relative change of the frequency where waves could not be distinguished
_REAL_SHIFTS = (1.23, -1.31, 0.77)  # of real matrices: waves that decay may lie on the real axis
POLE_SELF_ENERGY = 1e12  # self-energy beside a pole, in units of the coupling: all digits of the rest are lost
_POLE_OFFSET = 1e-9  # relative change of the frequency beside a pole
_MAX_POLE_RETRIES = 3  # times that this is tried
MAX_DECIMATION_STEPS = 100  # of a decimation: 2^100 layers
_MAX_SHIFTED_EIGENVALUE = 1e3  # size of μ from which a shift is too near to a wave
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


@frozen(eq=False)
class CouplingBasis(BaseRecord):
    """What the coupling of neighbouring layers reaches, the same at all wave vectors."""

    rows: Array  # (f, r1) orthonormal basis of a layer as seen from its right
    columns: Array  # (f, r2) as seen from its left
    scale: float  # size of the coupling, (rad/ps)²
    gauge: RealBasis | None = None  # basis in which the blocks are real, or None

    @property
    def rank(self) -> int:
        """Number r of waves in either direction."""
        return min(self.rows.shape[1], self.columns.shape[1])


@frozen(eq=False)
class LeadLayers(BaseRecord):
    """A lead at b wave vectors: onsite D00 (b, f, f); factors A and B (b, f, r) of the coupling to the right."""

    onsite: AnyComplexArray
    a: AnyComplexArray
    b: AnyComplexArray
    real: RealBlocks | None = None  # the same in a basis where it is real, None where there is none

    def at(self, index: NDArray[np.intp]) -> "LeadLayers":
        """Take some of the wave vectors, with repetition."""
        real = None if self.real is None else self.real.at(index)
        return LeadLayers(self.onsite[index], self.a[index], self.b[index], real)

    @property
    def hop(self) -> AnyComplexArray:
        """(b, f, f) coupling to the next layer on the right, (rad/ps)²."""
        return self.a @ dagger(self.b)


@frozen(eq=False)
class LeadWaves(BaseRecord):
    r"""The 2r waves of a lead at b frequencies: r to the right first, then r to the left."""

    # (b, 2r) Bloch factor λ from a layer to the next on its right; infinite where it grows out of nothing
    factor: AnyComplexArray
    p: AnyComplexArray  # (b, r, 2r) $B^\dagger u$ on the right of a bond
    q: AnyComplexArray  # (b, r, 2r) $A^\dagger u$ on its left
    open: BoolArray  # (b, 2r) whether the wave propagates
    flux: Array  # (b, 2r) $i(q^\dagger p - p^\dagger q)$, energy to the right, 0 for evanescent waves

    @property
    def rank(self) -> int:
        """Number r of waves in either direction."""
        return self.p.shape[1]

    @property
    def count(self) -> NDArray[np.intp]:
        """(b,) waves that propagate to the right; as many propagate to the left."""
        return self.open[:, : self.rank].sum(axis=1)

    @property
    def right(self) -> AnyComplexArray:
        r"""(b, r, r) $\sigma_R$ of a lead on the right."""
        return _right_divide(self.p[:, :, : self.rank], self.q[:, :, : self.rank])

    @property
    def left(self) -> AnyComplexArray:
        r"""(b, r, r) $\sigma_L$ of a lead on the left."""
        return _right_divide(self.q[:, :, self.rank :], self.p[:, :, self.rank :])


def coupling_basis(lead: Lead) -> CouplingBasis:
    """Find the rank of the coupling between layers of a lead, from its force constants in real space."""
    weight = inverse_root_masses(lead.masses, lead.directions)
    hop = lead.hop * (weight[:, None] * weight)
    rows = _column_space(np.concatenate(list(hop), axis=1))
    columns = _column_space(np.concatenate(list(hop.swapaxes(1, 2)), axis=1))
    return CouplingBasis(rows, columns, float(np.linalg.norm(hop.sum(axis=0), 2)) or 1.0, find_real_basis(lead))


def _column_space(matrix: Array) -> Array:
    vectors, values, _ = np.linalg.svd(matrix, full_matrices=False)
    return vectors[:, values > _RANK_TOLERANCE * values[0]]


def lead_layers(lead: Lead, k: ArrayLike, basis: CouplingBasis) -> LeadLayers:
    """Blocks of a lead at in-plane wave vectors (nk, 2), with the coupling in factors."""
    k = wavevector_fractions(k)
    onsite, hop = lead.blocks(k)
    core = basis.rows.T @ hop @ basis.columns / np.sqrt(basis.scale)
    size = np.sqrt(basis.scale)  # shared by A and B: p and q are alike in size, and σ is of order 1
    if basis.columns.shape[1] <= basis.rows.shape[1]:  # the smaller span sets the rank, and its factor is free of k
        span = basis.columns
        a, b = basis.rows @ core, np.broadcast_to(span * size + 0j, (len(core), *span.shape))
    else:
        span = basis.rows
        a, b = np.broadcast_to(span * size + 0j, (len(core), *span.shape)), basis.columns @ dagger(core)
    real = None if basis.gauge is None else real_blocks(basis.gauge, k, (onsite, a, b), span)
    return LeadLayers(onsite, a, b, real)


def dagger(matrix: AnyComplexArray) -> AnyComplexArray:
    """Conjugate transpose of the last two axes."""
    return matrix.conj().swapaxes(-1, -2)


def bulk_matrix(onsite: AnyComplexArray, hop: AnyComplexArray, factor: complex | AnyComplexArray) -> AnyComplexArray:
    """Dynamical matrix of a lead at a phase factor along the normal, (rad/ps)²."""
    return onsite + hop * factor + dagger(hop * factor)


def _right_divide(numerator: AnyComplexArray, denominator: AnyComplexArray) -> AnyComplexArray:
    return np.linalg.solve(denominator.swapaxes(-1, -2), numerator.swapaxes(-1, -2)).swapaxes(-1, -2)


def solve_lead_waves(at: LeadLayers, omega: Array) -> LeadWaves:
    """Find the waves of a lead at b wave vectors and the frequency of each, rad s⁻¹."""
    found = _classify_waves(at, omega)
    r = found.rank
    # beside a mode of the free surface a self-energy, of order 1 in these units, has a pole: the wave is solved at a
    # frequency close by
    for step in range(1, _MAX_POLE_RETRIES + 1):
        to_right = quotient_overflows(found.p[:, :, :r], found.q[:, :, :r])
        index = np.flatnonzero(to_right | quotient_overflows(found.q[:, :, r:], found.p[:, :, r:]))
        if not index.size:
            break
        _replace_waves(found, index, _classify_waves(at.at(index), omega[index] * (1 + step * _POLE_OFFSET)))
    return found


def _classify_waves(at: LeadLayers, omega: Array) -> LeadWaves:
    """Waves by their directions, with shift after shift where these are in doubt."""
    # the frequency moves a little with each further complex shift: that lifts a degeneracy
    tries: list[tuple[complex, int]] = [(shift, step) for step, shift in enumerate(_COMPLEX_SHIFTS)]
    if at.real is not None:
        tries = [*((shift, 0) for shift in _REAL_SHIFTS), *tries]  # real arithmetic first: it costs less
    found, bad = _attempt_shift(at, omega, tries[0][0])
    for shift, step in tries[1:]:
        if not bad.any():
            return found
        index = np.flatnonzero(bad)
        again, worse = _attempt_shift(at.at(index), omega[index] * (1 + step * _DEGENERACY_SHIFT), shift)
        _replace_waves(found, index, again)
        bad[index] = worse
    if bad.any():
        i = int(np.argmax(bad))
        raise ConvergenceError(
            f"waves to the right and to the left cannot be distinguished at ω = {omega[i]:.8g} rad/s "
            f"({len(tries)} attempts): take another frequency or wave vector",
            found,
        )
    return found


def _replace_waves(found: LeadWaves, index: NDArray[np.intp], other: LeadWaves) -> None:
    for name in ("factor", "p", "q", "open", "flux"):
        getattr(found, name)[index] = getattr(other, name)


def quotient_overflows(numerator: AnyComplexArray, denominator: AnyComplexArray) -> BoolArray:
    """(b,) where a quotient of matrices is too large, or has none."""
    try:
        return np.abs(_right_divide(numerator, denominator)).max(axis=(1, 2)) > POLE_SELF_ENERGY
    except np.linalg.LinAlgError:
        if len(numerator) == 1:
            return np.ones(1, dtype=bool)
        pairs = zip(numerator[:, None], denominator[:, None], strict=True)
        return np.concatenate([quotient_overflows(*pair) for pair in pairs])


def _attempt_shift(at: LeadLayers, omega: Array, shift: complex) -> tuple[LeadWaves, BoolArray]:
    """Waves with one shift, and where their directions are in doubt; real matrices are used for real shifts."""
    r = at.a.shape[-1]
    energy = omega**2 * SQUARE_PICOSECOND
    part = at.real if at.real is not None and isinstance(shift, float) else at
    pair = np.concatenate([part.a, part.b], axis=2)
    adjoint = pair.conj().swapaxes(1, 2)
    inner = -part.onsite - shift * (pair[:, :, :r] @ adjoint[:, r:]) - (pair[:, :, r:] @ adjoint[:, :r]) / shift
    diagonal = np.arange(inner.shape[1])
    inner[:, diagonal, diagonal] += energy[:, None]
    solved = np.linalg.solve(inner, pair)
    matrix = np.roll(adjoint, r, axis=1) @ solved
    matrix[:, :, r:] /= -shift
    matrix[:, r:] /= shift
    matrix[:, range(r, 2 * r), range(r, 2 * r)] -= 1 / shift
    value, vector = (one.astype(np.complex128, copy=False) for one in np.linalg.eig(matrix))
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(np.abs(value) > 0, shift + 1 / value, np.inf)  # μ = 0: a wave that grows out of nothing
    log = np.log(np.maximum(np.abs(factor), 1e-300))
    propagates = np.abs(log) < _PROPAGATION_TOLERANCE
    _resolve_degenerate(solved, shift, factor, vector, propagates)
    if isinstance(part, RealBlocks):
        np.multiply(factor, part.phase[:, None], out=factor, where=np.isfinite(factor))
        vector = (part.turn[:, None] @ vector.reshape(-1, 2, r, 2 * r)).reshape(vector.shape)
    flux = -2 * np.einsum("bij,bij->bj", vector[:, r:].conj(), vector[:, :r]).imag
    size = np.linalg.norm(vector[:, :r], axis=1) * np.linalg.norm(vector[:, r:], axis=1)
    propagates &= np.abs(flux) > _MIN_RELATIVE_FLUX * size
    leftwards = np.where(propagates, flux < 0, log > 0)  # causality: open waves by energy flux, not phase velocity
    order = np.argsort(leftwards, axis=1, kind="stable")
    vector = np.take_along_axis(vector, order[:, None, :], axis=2)
    found = LeadWaves(
        np.take_along_axis(factor, order, axis=1),
        vector[:, :r],
        vector[:, r:],
        np.take_along_axis(propagates, order, axis=1),
        np.take_along_axis(flux * propagates, order, axis=1),
    )
    # r waves in either direction, and as many of them open: any other count is a failure of rounding
    doubt = (leftwards.sum(axis=1) != r) | (found.open[:, :r].sum(axis=1) != found.open[:, r:].sum(axis=1))
    if isinstance(part, RealBlocks):
        doubt |= np.abs(value).max(axis=1) > _MAX_SHIFTED_EIGENVALUE  # a shift next to a wave costs digits
    return found, doubt


def _resolve_degenerate(
    solved: AnyComplexArray, shift: complex, factor: AnyComplexArray, vector: AnyComplexArray, propagates: BoolArray
) -> None:
    """Turn degenerate propagating waves, in place, to those that have a velocity of their own.

    Within a group of one λ the derivative of D with respect to the phase is diagonal in the basis of the physical
    waves; an eigenvector of a computer mixes waves to the right with waves to the left.
    """
    factor = np.where(propagates, factor, 0)  # others may be infinite
    same = np.abs(factor[:, :, None] - factor[:, None, :]) < BLOCH_FACTOR_TOLERANCE
    same &= propagates[:, :, None] & propagates[:, None, :]
    r = vector.shape[1] // 2
    for i in np.flatnonzero(same.sum(axis=(1, 2)) > propagates.sum(axis=1)):  # more than each wave with itself
        done = np.zeros(2 * r, dtype=bool)
        for j in np.flatnonzero(propagates[i]):
            group = np.flatnonzero(same[i, j] & ~done)
            done[group] = True
            if group.size > 1:
                part = vector[i][:, group]
                moved = solved[i] @ np.concatenate([part[:r], part[r:] / -shift])  # displacements, up to a common μ
                vector[i][:, group] = part @ _flux_rotation(part[:r], part[r:], moved)


def _flux_rotation(p: AnyComplexArray, q: AnyComplexArray, u: AnyComplexArray) -> AnyComplexArray:
    """Combinations of degenerate waves (f, g) that are orthogonal and have definite fluxes, each of norm 1."""
    flux = 1j * (dagger(q) @ p - dagger(p) @ q)
    _, values, basis = np.linalg.svd(u, full_matrices=False)
    whitened = dagger(basis) / values
    _, unitary = np.linalg.eigh(dagger(whitened) @ flux @ whitened)  # diagonal flux: definite group velocities
    return whitened @ unitary


def decimation_self_energy(onsite: AnyComplexArray, hop: AnyComplexArray, energy: AnyComplexArray) -> AnyComplexArray:
    r"""(b, f, f) self-energy $D_{01}gD_{10}$ of a lead by decimation, for frequencies off the real axis, (rad/ps)².

    `onsite`, `hop` (b, f, f) are the blocks of a layer and to the next one away from the surface, `energy` (b,)
    $\omega^2(1 + i\eta)$ with η > 0.
    """
    edge = surface_green_inverse(np, energy[:, None, None] * np.eye(onsite.shape[-1]) - onsite, hop, 1e-14)
    return hop @ np.linalg.solve(edge, dagger(hop))


def surface_green_inverse(xp: Any, here: Any, out: Any, tolerance: float) -> Any:
    """(b, f, f) inverse of the Green's function of the outermost layer, by decimation.

    `xp` is a module with NumPy's functions, `here` the energy minus the block of a layer, `out` the coupling to the
    next one away from the surface, down to a share `tolerance` of which layers are decoupled.  Each step removes every
    second layer, so that n steps reach 2ⁿ layers deep.
    """
    edge, back = here, dagger(out)
    scale, left_over = float(xp.abs(out).max()), 1.0
    # the coupling left over goes as λ to the power 2ⁿ: off the real axis |λ| < 1, and it vanishes
    for _ in range(MAX_DECIMATION_STEPS):
        forth = xp.linalg.solve(here, xp.concatenate([out, back], axis=2))
        to, fro = forth[:, :, : out.shape[2]], forth[:, :, out.shape[2] :]
        edge, here = edge - out @ fro, here - out @ fro - back @ to  # the surface has one neighbour, the bulk two
        out, back = out @ to, back @ fro
        left_over = float(xp.maximum(xp.abs(out).max(), xp.abs(back).max())) / scale
        if left_over < tolerance:  # what lies 2ⁿ layers deep no longer acts on the surface
            return edge
    raise ConvergenceError(
        f"decimation left {left_over:.1e} of the coupling after {MAX_DECIMATION_STEPS} steps: a larger broadening "
        "(imaginary part of the energy) helps",
        edge,
    )
