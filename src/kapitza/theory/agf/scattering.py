r"""The scattering matrix of a junction: which wave goes where, mode by mode, from both sides.

With the waves that leave a lead as columns N (near part: p of a left lead, q of a right one) and F = σN (far part), an
arriving wave of near part n and far part f drives the device with f - σn.  What leaves has the amplitudes
$N^{-1}[G(f - \sigma n) - n]$ on the same side and $N^{-1}G(f - \sigma n)$ on the other.  All open waves have unit flux,
so that S is unitary.

References
----------
Z.-Y. Ong and G. Zhang, Phys. Rev. B 91, 174302 (2015), doi:10.1103/PhysRevB.91.174302 (modes from Green's functions)
Z.-Y. Ong, Phys. Rev. B 98, 195301 (2018), doi:10.1103/PhysRevB.98.195301 (S-matrix on both sides)
J. C. Klöckner, J. C. Cuevas, F. Pauly, Phys. Rev. B 97, 155432 (2018), doi:10.1103/PhysRevB.97.155432 (eigenchannels)
"""

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, known
from kapitza.core.modal import SIDES
from kapitza.core.transmission import Side
from kapitza.errors import InputError
from kapitza.matter.junction import Complex, Junction, fractions
from kapitza.theory.agf.channels import Amplitudes, Channels, Counts, amplitudes, outgoing
from kapitza.theory.agf.device import Prepared, Solved, prepared, solve


@frozen(eq=False)
class SMatrix:
    r"""Scattering matrix at one in-plane wave vector and one frequency.

    Attributes
    ----------
    omega : rad s⁻¹
    k : (2,) fractions of the reciprocal vectors of the junction
    arriving, leaving : open waves of the left and of the right lead
    matrix : (n_L' + n_R', n_L + n_R) amplitudes from arriving (columns) to leaving waves (rows), left before right;
        unitary
    caroli : modes that cross, by the trace of Green's functions
    """

    omega: float
    k: Array
    arriving: tuple[Channels, Channels]
    leaving: tuple[Channels, Channels]
    matrix: Complex
    caroli: float

    def block(self, start: Side, stop: Side) -> Complex:
        """(n', n) amplitudes from the waves that arrive on one side to those that leave on a side."""
        known(start, SIDES, "side")
        known(stop, SIDES, "side")
        rows, columns = len(self.leaving[0].fold), len(self.arriving[0].fold)
        row = slice(None, rows) if stop == "left" else slice(rows, None)
        column = slice(None, columns) if start == "left" else slice(columns, None)
        return self.matrix[row, column]

    def probability(self, start: Side, stop: Side) -> Array:
        """(n', n) probability from each arriving to each leaving wave; of degenerate ones only sums have a meaning."""
        return np.square(np.abs(self.block(start, stop)))

    def grouped(self, start: Side, stop: Side) -> Array:
        """(g', g) sums of the probabilities over degenerate waves, which do not depend on the choice of a basis."""
        found = self.probability(start, stop)
        rows, columns = self.leaving[SIDES.index(stop)].group, self.arriving[SIDES.index(start)].group
        summed = np.zeros((np.unique(rows).size, np.unique(columns).size))
        at = np.unique(rows, return_inverse=True)[1][:, None], np.unique(columns, return_inverse=True)[1]
        np.add.at(summed, at, found)
        return summed

    def transmission(self, side: Side = "left") -> Array:
        """(n,) probability to cross of each wave that arrives on a side."""
        return self.probability(side, opposite(side)).sum(axis=0)

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
class Specularity:
    """What becomes of each arriving wave: it keeps its in-plane wave vector (specular) or not (diffuse), (n,) each."""

    transmitted_specular: Array
    transmitted_diffuse: Array
    reflected_specular: Array
    reflected_diffuse: Array

    @property
    def transmitted(self) -> Array:
        """(n,) specular part of what crosses; NaN where nothing does."""
        return ratio(self.transmitted_specular, self.transmitted_diffuse)

    @property
    def reflected(self) -> Array:
        """(n,) specular part of what returns; NaN where nothing does."""
        return ratio(self.reflected_specular, self.reflected_diffuse)


def scattering(junction: Junction, k: ArrayLike, omega: float) -> SMatrix:
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
        where waves of opposite directions cannot be told apart
    """
    wanted = fractions(k)
    if len(wanted) != 1 or not (np.isfinite(omega) and omega > 0):
        raise InputError(f"scattering takes one wave vector and one ω above 0, got {len(wanted)} and {omega:g} rad/s")
    return scattered(prepared(junction), wanted, float(omega))


def scattered(what: Prepared, k: Array, omega: float) -> SMatrix:
    """Scattering matrix of a prepared junction at k (1, 2) and a frequency, rad s⁻¹."""
    solved = solve(what, k, np.zeros(1, dtype=np.intp), np.array([omega]))
    arriving, leaving = (
        tuple(
            amplitudes(what.junction.lead(side), at, waves, omega, side, incoming=incoming)
            for side, at, waves in zip(SIDES, solved.contacts, solved.waves, strict=True)
        )
        for incoming in (True, False)
    )
    rows = [
        np.concatenate([amplitude(solved, arriving, one, other) for one in (0, 1)], axis=1)[is_open(solved, other)]
        for other in (0, 1)
    ]
    return SMatrix(
        omega,
        k[0],
        (arriving[0].channels, arriving[1].channels),
        (leaving[0].channels, leaving[1].channels),
        np.concatenate(rows),
        float(solved.transmission[0]),
    )


def amplitude(solved: Solved, arriving: tuple[Amplitudes, ...], start: int, stop: int) -> Complex:
    """(R', n) amplitudes of all waves that leave on side `stop`, evanescent ones too, for unit arriving ones."""
    found = solved.corners
    green = (
        (found.left_left[0], found.right_left[0]),
        (found.left_right[0], found.right_right[0]),
    )[start][stop]
    wave = arriving[start]
    driven = green @ (wave.far - solved.sigma[start][0] @ wave.near)
    if start == stop:
        driven = driven - wave.near
    waves, side = solved.waves[stop], SIDES[stop]
    return np.linalg.solve(outgoing(waves, side), driven) * root_flux(solved, stop)[:, None]


def root_flux(solved: Solved, side: int) -> Array:
    """(R,) roots of the fluxes of the waves that leave on a side, 0 for evanescent ones."""
    waves = solved.waves[side]
    half = slice(waves.rank, None) if side == 0 else slice(None, waves.rank)
    return np.sqrt(np.abs(waves.flux[:, half])).ravel()


def is_open(solved: Solved, side: int) -> Counts:
    """Rows of the waves that leave on a side and propagate."""
    waves = solved.waves[side]
    half = slice(waves.rank, None) if side == 0 else slice(None, waves.rank)
    return np.flatnonzero(waves.open[:, half])


def opposite(side: Side) -> Side:
    """The other side."""
    known(side, SIDES, "side")
    return "right" if side == "left" else "left"


def eigenchannels(found: SMatrix, side: Side = "left") -> tuple[Array, Complex, Complex]:
    r"""Transmission eigenchannels: combinations of arriving waves that cross without mixing.

    Singular values of the transmission matrix, $t = \sum_c \sqrt{T_c}\,|out_c\rangle\langle in_c|$.

    Returns
    -------
    transmission : (c,) of each channel, 0..1, in decreasing order
    arriving : (n, c) amplitudes of the waves that arrive on `side`
    leaving : (n', c) amplitudes of the waves that leave on the other

    References
    ----------
    J. C. Klöckner, J. C. Cuevas, F. Pauly, Phys. Rev. B 97, 155432 (2018), doi:10.1103/PhysRevB.97.155432
    """
    out, values, into = np.linalg.svd(found.block(side, opposite(side)), full_matrices=False)
    return np.square(values), into.conj().T, out


def specularity(junction: Junction, found: SMatrix, side: Side = "left") -> Specularity:
    """Specular and diffuse parts of what becomes of each wave that arrives on a side.

    A wave is scattered specularly if its in-plane wave vector changes by a reciprocal lattice vector of the lead that
    it leaves into, or not at all.

    References
    ----------
    Z.-Y. Ong, EPL 133, 66002 (2021), doi:10.1209/0295-5075/133/66002
    """
    other = opposite(side)
    arriving = found.arriving[SIDES.index(side)]
    parts: list[Array] = []
    for stop in (other, side):
        leaving = found.leaving[SIDES.index(stop)]
        step = arriving.wavevector[None] - leaving.wavevector[:, None]
        turns = step @ junction.lead(stop).periods.T / (2 * np.pi)
        same = (np.abs(turns - np.round(turns)) < 1e-6).all(axis=2)
        probability = found.probability(side, stop)
        parts += [np.sum(probability * same, axis=0), np.sum(probability * ~same, axis=0)]
    return Specularity(*parts)


def conversion(found: SMatrix, start: Side, stop: Side, branches: tuple[int, int]) -> Array:
    """(b', b) probabilities summed over the waves of each branch of arrival (columns) and departure (rows)."""
    summed = np.zeros((branches[1], branches[0]))
    at = found.leaving[SIDES.index(stop)].branch[:, None], found.arriving[SIDES.index(start)].branch
    np.add.at(summed, at, found.probability(start, stop))
    return summed


def ratio(part: Array, rest: Array) -> Array:
    """Part of a sum; NaN where that is nothing."""
    whole = part + rest
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 1e-12)
