r"""The scattering matrix of a junction: which wave goes where, mode by mode, from both sides.

With the waves that leave a lead as columns N (near part: p of a left lead, q of a right one) and F = σN (far part), an
arriving wave of near part n and far part f drives the device with f - σn.  What leaves has the amplitudes
$N^{-1}[G(f - \sigma n) - n]$ on the same side and $N^{-1}G(f - \sigma n)$ on the other, of unit flux: S is unitary
(Z.-Y. Ong and G. Zhang, doi:10.1103/PhysRevB.91.174302; Z.-Y. Ong, doi:10.1103/PhysRevB.98.195301).
"""

from itertools import product

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import AnyComplexArray, Array, IndexArray, about, check_choice
from kapitza.core.modal import INTERFACE_SIDES
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import Side
from kapitza.errors import InputError
from kapitza.matter.junction import (
    SQUARE_PICOSECOND,
    Junction,
    Lead,
    fourier_blocks,
    inverse_root_masses,
    reciprocal_periods,
    wavevector_fractions,
)
from kapitza.theory.agf import green_functions as green
from kapitza.theory.agf.green_functions import LeadContact, PreparedJunction
from kapitza.theory.agf.leads import BLOCH_FACTOR_TOLERANCE, LeadLayers, LeadWaves, bulk_matrix, dagger

# reciprocal lattice vectors tried to shorten another
_RECIPROCAL_NEIGHBOURS = np.array(list(product((-2, -1, 0, 1, 2), repeat=3)))


@frozen(eq=False)
class Channels(BaseRecord):
    """Open waves of one lead that go in one direction, at one wave vector of the junction and one frequency."""

    wavevector: Array  # (n, 3) in the first Brillouin zone of the lead, rad m⁻¹
    velocity: Array  # (n, 3) group velocity, m s⁻¹
    branch: IndexArray  # (n,) number of the band, from the lowest frequency of its wave vector
    polarisation: AnyComplexArray  # (n, f) mass-weighted displacements of a layer, of norm 1
    fold: IndexArray  # (n,) which of the wave vectors of the lead that are one of the junction
    # (n,) the same number for degenerate waves, whose single amplitudes depend on the choice of a basis
    group: IndexArray

    @property
    def angle(self) -> Array:
        """(n,) angle of the group velocity to the normal, 0..π/2, rad."""
        return np.arctan2(np.hypot(self.velocity[:, 0], self.velocity[:, 1]), np.abs(self.velocity[:, 2]))


@frozen(eq=False)
class _WaveAmplitudes(BaseRecord):
    r"""Waves of a lead at its bond to the device, as columns of unit flux."""

    # near, far: (R, n) the part that the device shares (p of a left lead, q of a right one) and the other
    near: AnyComplexArray
    far: AnyComplexArray
    channels: Channels  # what these waves are; empty for evanescent ones


def _wave_amplitudes(
    lead: Lead, at: LeadContact, waves: LeadWaves, omega: float, side: Side, *, incoming: bool
) -> _WaveAmplitudes:
    """Open waves of a lead at one point (its M wave vectors), that arrive at the device or leave it."""
    r = waves.rank
    rightwards = (side == "left") == incoming
    half = slice(0, r) if rightwards else slice(r, 2 * r)
    fold, column = np.nonzero(waves.open[:, half])
    column = column + (0 if rightwards else r)
    scale = 1 / np.sqrt(np.abs(waves.flux[fold, column]))  # unit energy flux makes S unitary
    p, q = waves.p[fold, :, column] * scale[:, None], waves.q[fold, :, column] * scale[:, None]
    near, far = (p, q) if side == "left" else (q, p)
    padded = np.zeros((2, at.copies, r, fold.size), dtype=np.complex128)
    padded[0, fold, :, np.arange(fold.size)] = near
    padded[1, fold, :, np.arange(fold.size)] = far
    near, far = padded.reshape(2, at.copies * r, fold.size)
    return _WaveAmplitudes(near, far, _label_channels(lead, at, fold, waves.factor[fold, column], (p, q), omega))


def outgoing_waves(waves: LeadWaves, side: Side) -> AnyComplexArray:
    """(M r, M r) near parts of all waves that leave the device into a lead, evanescent ones too."""
    near = waves.p[:, :, waves.rank :] if side == "left" else waves.q[:, :, : waves.rank]
    return green.block_diagonal(near, len(near))[0]


def _label_channels(
    lead: Lead,
    at: LeadContact,
    fold: IndexArray,
    factor: AnyComplexArray,
    pair: tuple[AnyComplexArray, AnyComplexArray],
    omega: float,
) -> Channels:
    """Wave vector, velocity, branch and polarisation of open waves of Bloch factor `factor` (n,)."""
    layers = at.layers.at(fold)
    factor = factor / np.abs(factor)  # open waves: |λ| = 1 but for rounding
    k = at.k.reshape(-1, 2)[fold]
    levels, vectors = np.linalg.eigh(bulk_matrix(layers.onsite, layers.hop, factor[:, None, None]))
    group = np.arange(fold.size)  # number of the degenerate group of each wave
    for i in range(fold.size):
        same = (fold[:i] == fold[i]) & (np.abs(factor[:i] - factor[i]) < 100 * BLOCH_FACTOR_TOLERANCE)
        if same.any():
            group[i] = group[np.argmax(same)]
    near = np.argsort(np.abs(levels - omega**2 * SQUARE_PICOSECOND), axis=1)
    branch = np.zeros(group.size, dtype=np.intp)
    for one in np.unique(group):  # waves of a group take the bands nearest to ω in turn
        members = np.flatnonzero(group == one)
        branch[members] = np.sort(near[members[0], : members.size])
    polarisation = _bloch_polarisations(levels, vectors, omega, layers, pair, factor)
    moved = _matrix_gradients(lead, k, factor, layers.hop)  # Hellmann-Feynman: no differences of frequencies
    slope = np.einsum("ni,nxij,nj->nx", polarisation.conj(), moved, polarisation).real / (2 * omega * SQUARE_PICOSECOND)
    velocity = slope[:, :2] @ lead.periods / (2 * np.pi) + slope[:, 2:] * lead.step
    return Channels(_first_zone_wavevectors(lead, k, np.angle(factor)), velocity, branch, polarisation, fold, group)


def _bloch_polarisations(
    levels: Array,
    vectors: AnyComplexArray,
    omega: float,
    layers: LeadLayers,
    pair: tuple[AnyComplexArray, AnyComplexArray],
    factor: AnyComplexArray,
) -> AnyComplexArray:
    r"""(n, f) polarisations, eigenvectors of the Bloch wave at ω; the pair $p, \lambda q$ picks degenerate ones."""
    distance = np.abs(levels - omega**2 * SQUARE_PICOSECOND)
    near = distance <= np.maximum(1e-6 * levels[:, -1:], 4 * distance.min(axis=1, keepdims=True))
    found = np.zeros(levels.shape, dtype=np.complex128)
    for i, inside in enumerate(near):
        basis = vectors[i][:, inside]
        seen = np.concatenate([layers.b[i].conj().T @ basis, layers.a[i].conj().T @ basis])
        wanted = np.concatenate([pair[0][i], pair[1][i] * factor[i]])
        u = basis @ np.linalg.lstsq(seen, wanted, rcond=1e-6)[0]
        found[i] = u / np.linalg.norm(u)
    return found


def _matrix_gradients(lead: Lead, k: Array, factor: AnyComplexArray, hop: AnyComplexArray) -> AnyComplexArray:
    """(n, 3, f, f) derivatives of the dynamical matrix by both in-plane fractions and the phase along the step."""
    weight = inverse_root_masses(lead.masses, lead.directions)
    parts: list[AnyComplexArray] = []
    for axis in (0, 1):
        along = 2j * np.pi * lead.shifts[:, axis, None, None]
        real = fourier_blocks(lead.shifts, along.imag * lead.onsite, k, weight, weight)
        moved = fourier_blocks(lead.shifts, along.imag * lead.hop, k, weight, weight) * factor[:, None, None]
        parts.append(1j * (real + moved - dagger(moved)))
    forward = 1j * hop * factor[:, None, None]
    return np.stack([*parts, forward + dagger(forward)], axis=1)


def _first_zone_wavevectors(lead: Lead, k: Array, phase: Array) -> Array:
    """(n, 3) wave vectors of in-plane fractions k (n, 2) and a phase per layer (n,), in the first Brillouin zone."""
    normal = np.cross(lead.periods[0], lead.periods[1]) / lead.area
    inside = k @ reciprocal_periods(lead.periods)
    wave = inside + ((phase - inside @ lead.step) / lead.thickness)[:, None] * normal
    lattice = np.concatenate([lead.periods, lead.step[None]])
    vectors = 2 * np.pi * np.linalg.inv(lattice).T
    nearest = np.round(wave @ lattice.T / (2 * np.pi))  # not yet the shortest in an oblique lattice
    tried = (wave - nearest @ vectors)[:, None, :] - _RECIPROCAL_NEIGHBOURS @ vectors
    return np.take_along_axis(tried, np.linalg.norm(tried, axis=2).argmin(axis=1)[:, None, None], axis=1)[:, 0]


@frozen(eq=False)
class ScatteringMatrix(BaseRecord):
    r"""Scattering matrix at one in-plane wave vector and one frequency.

    Attributes
    ----------
    arriving, leaving : open waves of the left and of the right lead
    matrix : (n_L' + n_R', n_L + n_R) from arriving (columns) to leaving waves (rows), left before right; unitary

    Examples
    --------
    >>> from kapitza.lattice import JunctionPlan, build_junction, scattering_matrix
    >>> from kapitza.units import THz
    >>> junction = build_junction(JunctionPlan(left="Ar", right="Kr", potential="lj", limit=0.07, layers=2))
    >>> found = scattering_matrix(junction, [0.1, 0.2], 0.8 * THz)
    >>> print(
    ...     f"{found.total:.2f} of {found.block('left', 'left').shape[0]} waves cross; "
    ...     f"unitary: {found.unitarity < 1e-6}"
    ... )
    1.75 of 2 waves cross; unitary: True
    """

    omega: float = field(metadata=about("rad s^-1", "angular frequency"))
    k: Array = field(metadata=about("of the reciprocal vectors", "(2,) in-plane wave vector"))
    arriving: tuple[Channels, Channels]
    leaving: tuple[Channels, Channels]
    matrix: AnyComplexArray = field(metadata=about("1", "amplitudes of the waves"))
    caroli: float = field(metadata=about("1", "modes that cross, by the trace of Green's functions"))

    def block(self, start: Side, stop: Side) -> AnyComplexArray:
        """(n', n) amplitudes from the waves that arrive on one side to those that leave on a side."""
        check_choice(start, INTERFACE_SIDES, "side")
        check_choice(stop, INTERFACE_SIDES, "side")
        rows, columns = len(self.leaving[0].fold), len(self.arriving[0].fold)
        row = slice(None, rows) if stop == "left" else slice(rows, None)
        column = slice(None, columns) if start == "left" else slice(columns, None)
        return self.matrix[row, column]

    def probability(self, start: Side, stop: Side) -> Array:
        """(n', n) probability from each arriving to each leaving wave; of degenerate ones only sums have a meaning."""
        return np.square(np.abs(self.block(start, stop)))

    def sum_degenerate(self, start: Side, stop: Side) -> Array:
        """(g', g) sums of the probabilities over degenerate waves, which do not depend on the choice of a basis."""
        rows, columns = (
            np.unique(group, return_inverse=True)[1]
            for group in (
                self.leaving[INTERFACE_SIDES.index(stop)].group,
                self.arriving[INTERFACE_SIDES.index(start)].group,
            )
        )
        sums = np.zeros((rows.max(initial=-1) + 1, columns.max(initial=-1) + 1))
        np.add.at(sums, (rows[:, None], columns), self.probability(start, stop))
        return sums

    def transmission(self, side: Side = "left") -> Array:
        """(n,) probability to cross of each wave that arrives on a side."""
        return self.probability(side, opposite_side(side)).sum(axis=0)

    @property
    def total(self) -> float:
        """Modes that cross; the same from both sides."""
        return float(self.transmission("left").sum())

    @property
    def unitarity(self) -> float:
        r"""Largest entry of $S^\dagger S - 1$."""
        excess = self.matrix.conj().T @ self.matrix - np.eye(self.matrix.shape[1])
        return float(np.abs(excess).max(initial=0.0))


@frozen(eq=False)
class Specularity(BaseRecord):
    """What becomes of each arriving wave: it keeps its in-plane wave vector (specular) or not (diffuse), (n,) each."""

    transmitted_specular: Array = field(metadata=about("1", "(n,) probability to cross with this wave vector"))
    transmitted_diffuse: Array = field(metadata=about("1", "(n,) probability to cross with another one"))
    reflected_specular: Array = field(metadata=about("1", "(n,) probability to return with this wave vector"))
    reflected_diffuse: Array = field(metadata=about("1", "(n,) probability to return with another one"))

    @property
    def transmitted(self) -> Array:
        """(n,) specular part of what crosses; NaN where nothing does."""
        return _ratio_or_nan(self.transmitted_specular, self.transmitted_diffuse)

    @property
    def reflected(self) -> Array:
        """(n,) specular part of what returns; NaN where nothing does."""
        return _ratio_or_nan(self.reflected_specular, self.reflected_diffuse)


def scattering_matrix(junction: Junction, k: ArrayLike, omega: float) -> ScatteringMatrix:
    """Scattering matrix of a junction at one in-plane wave vector and frequency.

    Parameters
    ----------
    junction : leads and device
    k : (2,) in-plane wave vector, fractions of the reciprocal vectors of the junction
    omega : above zero, rad s⁻¹

    Raises
    ------
    InputError
        for another shape of k or a frequency that is not above zero
    ConvergenceError
        where waves of opposite directions cannot be distinguished
    """
    prepared, wanted = green.prepare_junction(junction), wavevector_fractions(k)
    if len(wanted) != 1 or not (np.isfinite(omega) and omega > 0):
        raise InputError(f"scattering takes one wave vector and one ω above 0, got {len(wanted)} and {omega:g} rad/s")
    return solve_scattering(prepared, wanted, float(omega))


def solve_scattering(prepared: PreparedJunction, k: Array, omega: float) -> ScatteringMatrix:
    """Scattering matrix of a prepared junction at k (1, 2) and a frequency, rad s⁻¹."""
    solved = green.solve_junction(prepared, k, np.zeros(1, dtype=np.intp), np.array([omega]))
    arriving, leaving = (
        tuple(
            _wave_amplitudes(prepared.junction.lead(side), at, waves, omega, side, incoming=incoming)
            for side, at, waves in zip(INTERFACE_SIDES, solved.contacts, solved.waves, strict=True)
        )
        for incoming in (True, False)
    )
    rows: list[AnyComplexArray] = []
    for stop, side in enumerate(INTERFACE_SIDES):
        waves = solved.waves[stop]
        half = slice(waves.rank, None) if stop == 0 else slice(None, waves.rank)  # columns of the waves that leave
        driven = [
            solved.corners[start][stop][0] @ (wave.far - solved.sigma[start][0] @ wave.near)
            for start, wave in enumerate(arriving)
        ]
        driven[stop] = driven[stop] - arriving[stop].near  # the arriving wave is no part of what leaves
        roots = np.sqrt(np.abs(waves.flux[:, half])).ravel()  # 0 for evanescent waves
        amplitudes = np.linalg.solve(outgoing_waves(waves, side), np.concatenate(driven, axis=1)) * roots[:, None]
        rows.append(amplitudes[np.flatnonzero(waves.open[:, half])])
    return ScatteringMatrix(
        omega,
        k[0],
        (arriving[0].channels, arriving[1].channels),
        (leaving[0].channels, leaving[1].channels),
        np.concatenate(rows),
        float(solved.transmission[0]),
    )


def opposite_side(side: Side) -> Side:
    """The other side."""
    check_choice(side, INTERFACE_SIDES, "side")
    return "right" if side == "left" else "left"


def eigenchannels(found: ScatteringMatrix, side: Side = "left") -> tuple[Array, AnyComplexArray, AnyComplexArray]:
    r"""Transmission eigenchannels: combinations of arriving waves that cross without mixing.

    Singular values of the transmission matrix, $t = \sum_c \sqrt{T_c}\,|out_c\rangle\langle in_c|$: the transmission
    (c,) of each channel, 0..1, in decreasing order, and the amplitudes of the arriving (n, c) and the leaving waves
    (n', c).

    J. C. Klöckner, J. C. Cuevas, F. Pauly, Phys. Rev. B 97, 155432 (2018), doi:10.1103/PhysRevB.97.155432
    """
    out, values, into = np.linalg.svd(found.block(side, opposite_side(side)), full_matrices=False)
    return np.square(values), into.conj().T, out


def specularity(junction: Junction, found: ScatteringMatrix, side: Side = "left") -> Specularity:
    """Specular and diffuse parts of what becomes of each wave that arrives on a side.

    A wave is scattered specularly if its in-plane wave vector changes by a reciprocal lattice vector of the lead that
    it leaves into, or not at all (Z.-Y. Ong, EPL 133, 66002 (2021), doi:10.1209/0295-5075/133/66002).
    """
    other = opposite_side(side)
    arriving = found.arriving[INTERFACE_SIDES.index(side)]
    parts: list[Array] = []
    for stop in (other, side):
        leaving = found.leaving[INTERFACE_SIDES.index(stop)]
        step = arriving.wavevector[None] - leaving.wavevector[:, None]
        turns = step @ junction.lead(stop).periods.T / (2 * np.pi)
        same = (np.abs(turns - np.round(turns)) < 1e-6).all(axis=2)
        probability = found.probability(side, stop)
        parts += [np.sum(probability * same, axis=0), np.sum(probability * ~same, axis=0)]
    return Specularity(*parts)


def _ratio_or_nan(part: Array, rest: Array) -> Array:
    """Part of a sum; NaN where that is nothing."""
    total = part + rest
    return np.divide(part, total, out=np.full_like(part, np.nan), where=total > 1e-12)
