"""Dipole forces against the sum of their definition, and their gradient against differences."""

import numpy as np

from kapitza.matter.polar import COULOMB_CONSTANT, DipoleForces
from kapitza.units import angstrom


def three_charges() -> DipoleForces:
    """Three atoms without any symmetry in a slanted cell."""
    draw = np.random.default_rng(3)
    lattice = (np.diag([3.1, 4.2, 3.7]) + 0.3 * draw.normal(size=(3, 3))) * angstrom
    born = draw.normal(size=(3, 3, 3))
    screening = np.diag([5.0, 6.0, 4.0]) + 0.3
    return DipoleForces(lattice, draw.uniform(size=(3, 3)) @ lattice, born - born.mean(axis=0), screening)


def definition(polar: DipoleForces, q: np.ndarray) -> np.ndarray:
    """The sum over reciprocal vectors as it is written, atom by atom."""
    vectors, width = polar.waves
    total = np.zeros((3, 3, 3, 3), dtype=complex)
    for wave in q + vectors:
        square = wave @ polar.dielectric @ wave
        if square < 1e-18 * width:
            continue
        for i in range(3):
            for j in range(3):
                phase = np.exp(1j * wave @ (polar.positions[i] - polar.positions[j]))
                fields = np.outer(wave @ polar.born[i], wave @ polar.born[j])
                total[i, :, j] += np.exp(-square / width) / square * phase * fields
    return COULOMB_CONSTANT / abs(np.linalg.det(polar.lattice)) * total.reshape(9, 9)


def test_moments_of_pairs_give_the_sum_of_the_definition():
    polar = three_charges()
    waves = polar.nearest(np.random.default_rng(4).normal(size=(4, 3)) / angstrom)
    for q, found in zip(waves, polar.lattice_sum(waves), strict=True):
        want = definition(polar, q)
        np.testing.assert_allclose(found, want, rtol=0, atol=1e-12 * np.abs(want).max())


def test_the_gradient_is_that_of_the_matrix():
    polar = three_charges()
    waves = polar.nearest(np.random.default_rng(5).normal(size=(4, 3)) / angstrom)
    step = 1e-5 / angstrom
    found = polar.gradient(waves)
    for axis, along in enumerate(np.eye(3)):
        want = (polar.matrix(waves + step * along) - polar.matrix(waves - step * along)) / (2 * step)
        np.testing.assert_allclose(found[:, axis], want, rtol=0, atol=1e-8 * np.abs(want).max())
