r"""The elastic limit of a harmonic crystal: sound in every direction, from its force constants.

To second order in the wave vector the acoustic modes follow $\omega^2 u = A(q) u$ with a real 3 x 3 matrix
$A_{\alpha\beta}(q) = A_{\alpha\beta\gamma\delta} q_\gamma q_\delta$, in which the optical modes have relaxed (M. Born
and K. Huang, Dynamical Theory of Crystal Lattices, Oxford 1954).  In a polar crystal the electric potential is one more
variable: its elimination stiffens piezoelectric directions by $e(q)\,e(q)^T/\kappa(q)$, all three quadratic in $q$.
"""

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array, ComplexArray
from kapitza.core.records import BaseRecord
from kapitza.matter.brillouin import hemisphere_directions, inscribed_radius
from kapitza.matter.crystal import Crystal
from kapitza.matter.polar import COULOMB_CONSTANT

_EXPANSION_STEP = 1e-3  # of the inscribed sphere: the wave vectors at which the expansion is taken
_TRIAL_STEPS = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 0]])
_TRIAL_DIRECTIONS = _TRIAL_STEPS / np.sqrt([[1], [1], [1], [2], [2], [2]])


@frozen(eq=False)
class LongWave(BaseRecord):
    """Quadratic forms of the long-wave limit."""

    # (m, m, 3, 3) coefficients of q_γ q_δ, symmetric in them; m = 3, m² s⁻², or 4 in a polar crystal, where the
    # last row and column are those of the electric potential
    form: Array

    def christoffel(self, directions: Array, along: Array) -> tuple[Array, Array]:
        """(n, 3, 3) matrix of squared speeds (m² s⁻²) for directions (n, 3), and half its derivative along a vector."""
        value = np.einsum("abcd,nc,nd->nab", self.form, directions, directions)
        slope = np.einsum("abcd,nc,d->nab", self.form, directions, along)
        if len(self.form) == 3:
            return value, slope
        ratio = value[:, :3, 3] / value[:, 3, 3, None]
        change = slope[:, :3, 3, None] * ratio[:, None]
        stiff = value[:, :3, :3] + value[:, :3, 3, None] * ratio[:, None]
        both = ratio[:, :, None] * ratio[:, None] * slope[:, 3, 3, None, None]
        return stiff, slope[:, :3, :3] + change + change.swapaxes(1, 2) - both

    def speeds(self, directions: Array, along: Array) -> tuple[Array, Array]:
        """(n, 3) phase velocities of sound in directions (n, 3), increasing, and group velocities along a vector."""
        value, slope = self.christoffel(directions, along)
        square, vectors = np.linalg.eigh(value)
        speed = np.sqrt(np.maximum(square, 0))
        group = np.einsum("nab,nac,ncb->nb", vectors, slope, vectors)
        return speed, np.divide(group, speed, out=np.zeros_like(group), where=speed > 0)

    def integrals(self, normal: Array, rings: int = 32, spokes: int = 64) -> tuple[float, float]:
        r"""Coefficients of ω² in modes per area and density of states; infinite where a wave has no restoring force:
        $\sum_j \int d\Omega\,|v_n|/8\pi^2 c^3$ (m⁻² s²) and $\sum_j \int d\Omega / 8\pi^3 c^3$ (m⁻³ s³).
        """
        directions, share = hemisphere_directions(normal, rings, spokes)
        speed, group = self.speeds(directions, normal)
        if not (speed > 0).all():
            return float("inf"), float("inf")
        flux = share @ (np.abs(group) / speed**3).sum(axis=1) / (8 * np.pi**2)
        return float(flux), float(share @ (1 / speed**3).sum(axis=1) / (8 * np.pi**3))


def long_wave(crystal: Crystal) -> LongWave:
    """Expand the dynamical matrix of a crystal around Γ."""
    size = _EXPANSION_STEP * inscribed_radius(crystal.reciprocal)
    count = 4 if crystal.polar is not None else 3
    extended = _extended_dynamical_matrix(crystal, _TRIAL_DIRECTIONS * size, count)
    n = 3 * crystal.masses.size
    translation = np.kron(np.sqrt(crystal.masses / crystal.masses.sum())[:, None], np.eye(3))
    basis = np.linalg.qr(np.hstack([translation, np.eye(n)]))[0]
    basis[:, :3] = translation
    turn = np.eye(n + count - 3)
    turn[:n, :n] = np.roll(basis, -3, axis=1)
    extended = turn.T @ extended @ turn
    inner = extended[:, : n - 3, : n - 3]
    outer = extended[:, : n - 3, n - 3 :]
    relaxed = extended[:, n - 3 :, n - 3 :]
    if n > 3:
        relaxed = relaxed - outer.conj().swapaxes(1, 2) @ np.linalg.solve(inner, outer)
    forms = relaxed.real.copy()
    if count == 4:
        forms[:, :3, 3] = relaxed[:, :3, 3].imag
        forms[:, 3, :3] = forms[:, :3, 3]
        forms[:, 3, 3] *= -1
    values = forms / size**2  # (6, m, m) in the trial directions
    form = np.empty((*values.shape[1:], 3, 3))
    for axis in range(3):
        form[..., axis, axis] = values[axis]
    for trial, (one, other) in zip(values[3:], ((1, 2), (0, 2), (0, 1)), strict=True):
        form[..., one, other] = form[..., other, one] = trial - 0.5 * (values[one] + values[other])
    return LongWave(form)


def _extended_dynamical_matrix(crystal: Crystal, q: Array, count: int) -> ComplexArray:
    """Dynamical matrices at small wave vectors, phases from atom to atom, the electric potential last."""
    turn = np.exp(-1j * np.repeat(q @ crystal.positions.T, 3, axis=1))
    matrix = crystal.dynamical(q) * turn[:, :, None] * turn[:, None, :].conj()
    if count == 3 or crystal.polar is None:
        return matrix
    polar = crystal.polar
    charge = np.einsum("qa,iab->qib", q, polar.born).reshape(len(q), -1) / np.sqrt(np.repeat(crystal.masses, 3))
    screen = np.einsum("qa,ab,qb->q", q, polar.dielectric, q)
    field = COULOMB_CONSTANT / crystal.volume
    fading = (np.exp(-screen / polar.waves[1]) / screen)[:, None, None]
    matrix = matrix - field * charge[:, :, None] * charge[:, None, :] * fading
    extended = np.zeros((len(q), matrix.shape[1] + 1, matrix.shape[1] + 1), dtype=complex)
    extended[:, :-1, :-1] = matrix
    extended[:, :-1, -1] = extended[:, -1, :-1] = np.sqrt(field) * charge
    extended[:, -1, -1] = -screen
    return extended
