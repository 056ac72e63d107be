r"""The least change of force constants that makes them invariant under rotation and gives the wanted speeds of sound.

Force constants of a finite supercell obey $\sum_{jR}\Phi_{ij}^{ab} r^c = \sum_{jR}\Phi_{ij}^{ac} r^b$ (M. Born and
K. Huang, Dynamical Theory of Crystal Lattices, Oxford 1954) only approximately, which spoils the sound of crystals of
low symmetry.  Let u be the three acoustic waves at a small wave vector with the optical displacements relaxed, and
$d = u_i/\sqrt{m_i} - u_j e^{iq\cdot r}/\sqrt{m_j}$ their difference at two atoms.  Under a change of the force
constants that keeps the acoustic sum rule, the 3 x 3 matrix of squared speeds moves to first order by
$\delta A = -\frac{1}{2q^2}\sum_{ijR} d^\dagger\,\delta\Phi_{ij}(R)\,d$.  Of all changes that lead to the wanted
matrices the one with the least $\sum|\delta\Phi|^2$ is taken.  It lies mostly in distant pairs, whose forces count most
in long waves and least in short ones.  It has the symmetry of the crystal, because the conditions have it.
"""

import numpy as np
from attrs import evolve

from kapitza.matter.brillouin import inscribed_radius
from kapitza.matter.crystal import Crystal
from kapitza.matter.files.crystals import enforce_sum_rule
from kapitza.units import angstrom

STEP = 1e-3  # of the inscribed sphere: the wave vectors of the expansion
TRIALS = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 0]], dtype=float)
TRIALS /= np.linalg.norm(TRIALS, axis=1)[:, None]
UPPER = np.triu_indices(3)
ITERATIONS, TOLERANCE = 30, 1e-4
LARGEST_STEP = 0.2  # of the squared speeds: u depends on the force constants
LARGEST_CELL = 20  # atoms: the conditions of larger cells would not fit into memory


def make_invariant(crystal: Crystal) -> Crystal:
    """The crystal with force constants that do not resist a rotation; a large one as it is."""
    if crystal.masses.size > LARGEST_CELL:
        return crystal
    rows = rotations(crystal) * pairs(crystal)
    return changed(crystal, rows, -(rows @ crystal.force_constants.ravel()) - dipole_rotations(crystal))


def fit_speeds(crystal: Crystal, reduced: np.ndarray, part: float = 1.0) -> Crystal:
    """The crystal with the speeds of a stiffness over density (3, 3, 3, 3), m² s⁻², or a part of the way to them.

    Raises
    ------
    ValueError
        if the iteration does not end, as where an optical mode is soft
    """
    wanted = np.einsum("ikjl,qk,ql->qij", reduced, TRIALS, TRIALS)[:, *UPPER].ravel()
    wanted = part * wanted + (1 - part) * expand(crystal)[0]
    there, far = pairs(crystal), np.inf
    still = rotations(crystal) * there if crystal.masses.size <= LARGEST_CELL else np.empty((0, there.size))
    goal = -dipole_rotations(crystal) if len(still) else np.empty(0)
    for _ in range(ITERATIONS):
        found, rows = expand(crystal)
        missing = wanted - found
        far = np.abs(missing).max() / np.abs(wanted).max()
        if far < TOLERANCE:
            return crystal
        missing = np.append(min(1.0, LARGEST_STEP / far) * missing, goal - still @ crystal.force_constants.ravel())
        crystal = changed(crystal, np.vstack([rows * there, still]), missing)
    raise ValueError(f"{crystal.name}: squared speeds still {far:.1e} off after {ITERATIONS} steps")


def changed(crystal: Crystal, rows: np.ndarray, missing: np.ndarray) -> Crystal:
    """The crystal after the least change x with `rows` @ x = `missing`."""
    length = np.linalg.norm(rows, axis=1)
    rows, missing = rows[length > 0] / length[length > 0, None], missing[length > 0] / length[length > 0]
    change = (np.linalg.pinv(rows @ rows.T, rcond=1e-9, hermitian=True) @ missing) @ rows
    values = crystal.force_constants + change.reshape(crystal.force_constants.shape)
    return evolve(crystal, force_constants=enforce_sum_rule(crystal.cells, values, np.zeros(values.shape[1:]))[1])


def rotations(crystal: Crystal) -> np.ndarray:
    """(12n, nR 9n²) conditions: invariance under rotation, and a symmetric force constant of each atom with itself."""
    n = crystal.masses.size
    vector = (crystal.cells @ crystal.lattice)[:, None, None] + crystal.positions - crystal.positions[:, None]
    reverse = [int(np.flatnonzero((crystal.cells == -cell).all(axis=1))[0]) for cell in crystal.cells]
    rows = np.zeros((n, 4, 3, len(crystal.cells), n, 3, n, 3))
    for i in range(n):
        for pair, (b, c) in enumerate(((1, 2), (2, 0), (0, 1))):
            for a in range(3):
                rows[i, a, pair, :, i, a, :, b] = vector[:, i, :, c] / angstrom
                rows[i, a, pair, :, i, a, :, c] = -vector[:, i, :, b] / angstrom
            rows[i, 3, pair, :, i, b, :, c], rows[i, 3, pair, :, i, c, :, b] = 1, -1
    rows = rows.reshape(12 * n, len(crystal.cells), 3 * n, 3 * n)
    return (0.5 * (rows + rows[:, reverse].swapaxes(2, 3))).reshape(12 * n, -1)


def dipole_rotations(crystal: Crystal) -> np.ndarray:
    """(12n,) what the dipole forces of a polar crystal add to the conditions of `rotations`, N/m: their derivatives
    at the zone centre without the macroscopic field.
    """
    n = crystal.masses.size
    if crystal.polar is None:
        return np.zeros(12 * n)
    forces = crystal.polar.matrix(np.zeros((1, 3)))[0].real.reshape(n, 3, n, 3)
    slope = crystal.polar.gradient(np.zeros((1, 3)))[0].imag.reshape(3, n, 3, n, 3)
    apart = crystal.positions - crystal.positions[:, None]
    moment = np.einsum("ciajb->iabc", slope) + np.einsum("iajb,ijc->iabc", forces, apart)
    total = forces.sum(axis=2)
    pairs_of_axes = ((1, 2), (2, 0), (0, 1))
    turned = [[moment[i, a, b, c] - moment[i, a, c, b] for a in range(3) for b, c in pairs_of_axes] for i in range(n)]
    uneven = [[total[i, b, c] - total[i, c, b] for b, c in pairs_of_axes] for i in range(n)]
    return np.column_stack([np.array(turned) / angstrom, uneven]).ravel()


def expand(crystal: Crystal) -> tuple[np.ndarray, np.ndarray]:
    """(36,) entries of the matrices of squared speeds (m² s⁻²), and their derivatives (36, nR 9n²)."""
    n, q = crystal.masses.size, TRIALS * STEP * inscribed_radius(crystal.reciprocal)
    phase = np.exp(1j * np.repeat(q @ crystal.positions.T, 3, axis=1))
    matrix = crystal.dynamical(q) * phase[:, None, :] * phase[:, :, None].conj()
    acoustic = np.kron(np.sqrt(crystal.masses / crystal.masses.sum())[:, None], np.eye(3))
    other = np.linalg.svd(acoustic)[0][:, 3:]
    root = np.sqrt(np.repeat(crystal.masses, 3))[:, None]
    values, rows = [], []
    for k, one, sites in zip(q, matrix, phase, strict=True):
        wave = acoustic.astype(complex)
        if n > 1:
            wave = wave - other @ np.linalg.solve(other.T @ one @ other, other.T @ one @ acoustic)
        values.append((wave.conj().T @ one @ wave).real[UPPER] / (k @ k))
        moved = (wave / root).reshape(n, 3, 3)
        far = np.exp(1j * (crystal.cells @ crystal.lattice @ k))[:, None] * sites[::3]
        other_end = (moved * far[:, :, None, None])[:, None] / sites[::3][:, None, None, None]
        difference = moved[:, None] - other_end
        square = np.einsum("rijax,rijby->xyriajb", difference.conj(), difference).real
        rows.append(-0.25 * (square + square.swapaxes(0, 1))[UPPER].reshape(6, -1) / (k @ k))
    return np.concatenate(values), np.concatenate(rows)


def pairs(crystal: Crystal) -> np.ndarray:
    """(nR 9n²) whether a force constant is one of two different atoms that the crystal has."""
    n = crystal.masses.size
    blocks = crystal.force_constants.reshape(-1, n, 3, n, 3)
    there = np.abs(blocks).max(axis=(2, 4)) > 0
    there[(crystal.cells == 0).all(axis=1)] &= ~np.eye(n, dtype=bool)
    return np.broadcast_to(there[:, :, None, :, None], blocks.shape).ravel()
