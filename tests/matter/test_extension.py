"""Dipole forces put back in space: the waves of the source, its sound, a smaller tail, faults."""

import numpy as np
import pytest

from kapitza.errors import InputError
from kapitza.matter.building.surface import orient_crystal, pair_vectors, truncate_force_constants
from kapitza.matter.crystal import Crystal
from kapitza.matter.files.crystals import extend_dipole_forces, load_crystal
from kapitza.units import THz, angstrom

REACHED = 1.14  # charge of gallium over the root of the dielectric constant with which the file was made


@pytest.fixture(scope="module")
def whole(data) -> Crystal:
    return load_crystal(data("crystals/AlN.yaml"))


def test_a_larger_supercell_has_the_frequencies_of_the_whole_crystal_at_its_waves(whole):
    """Law: at the wave vectors that fit, the two are the same but for the field at Γ."""
    wide = extend_dipole_forces(whole, (5, 4, 3))
    q = np.array([[1 / 5, 0, 0], [2 / 5, 1 / 2, 1 / 3], [1 / 5, 1 / 4, 0]]) @ whole.reciprocal
    np.testing.assert_allclose(wide.frequencies(q), whole.frequencies(q), rtol=1e-9)
    assert wide.polar is None
    assert wide.residual < 1e-10


def test_its_own_supercell_gives_the_force_constants_of_the_file(whole, data):
    """A second road: from dipoles and back to what the file holds."""
    raw = load_crystal(data("crystals/AlN.yaml"), nac=False)
    back = extend_dipole_forces(whole, (4, 4, 2))
    q = np.random.default_rng(3).random((6, 3)) @ whole.reciprocal
    np.testing.assert_allclose(back.frequencies(q), raw.frequencies(q), rtol=1e-6, atol=1e-4 * THz)


def test_a_larger_supercell_comes_nearer_to_the_whole_crystal(whole):
    near, far = (
        truncate_force_constants(extend_dipole_forces(whole, n), 1e-6, reference=whole) for n in ((3, 3, 2), (6, 6, 4))
    )
    assert far.rms < 0.6 * near.rms
    assert far.dropped == 0


def test_charges_of_gallium_nitride_are_those_whose_dipoles_leave_least(data):
    """Forces of dipoles are the tail of the file: with the right charge over √ε hardly any of it is left."""
    path = data("crystals/GaN.yaml")
    left = {z: tail(load_crystal(path, charges=([z, z, -z, -z], 1.0))) for z in (0.9, 1.09, 1.14, 1.19, 1.4)}
    assert min(left, key=lambda z: left[z]) in (1.09, 1.14, 1.19)
    assert left[REACHED] < 0.5 * tail(load_crystal(path, nac=False))


def tail(crystal: Crystal) -> float:
    """Root of the sum of squared force constants beyond 5 Å, N/m."""
    far = np.linalg.norm(pair_vectors(crystal), axis=-1) > 5 * angstrom
    n = crystal.masses.size
    blocks = crystal.force_constants.reshape(-1, n, 3, n, 3).transpose(0, 1, 3, 2, 4)
    return float(np.sqrt((blocks[far] ** 2).sum()))


def test_forces_end_along_the_normal_between_neutral_cells(whole):
    """Law: a cut between cells hardly breaks the sum rule, and costs little; a sphere splits planes of ions."""
    wide = extend_dipole_forces(whole, (6, 6, 4))
    layered = truncate_force_constants(wide, 4 * angstrom, reference=whole, normal=(0, 0, 2))
    assert np.abs(orient_crystal(layered.crystal, (0, 0, 1)).cells[:, 2]).max() == 1
    assert np.linalg.norm(pair_vectors(layered.crystal)[..., :2], axis=-1).max() > 8 * angstrom
    assert "beyond 4 Å along the normal" in str(layered)
    ball = truncate_force_constants(wide, 7 * angstrom, reference=whole)
    assert layered.crystal.residual < 1e-4 < 1e-2 < ball.crystal.residual
    assert layered.acoustic < 0.7 * ball.acoustic


def test_faults_are_one_clear_line(whole, data):
    silicon = data("crystals/Si.yaml")
    with pytest.raises(InputError, match="Si has no charges"):
        extend_dipole_forces(load_crystal(silicon), (2, 2, 2))
    with pytest.raises(InputError, match="three numbers from 1, together at most 4096"):
        extend_dipole_forces(whole, (200, 200, 1))
    with pytest.raises(InputError, match=r"wanted \(2, 3, 3\) or \(2,\)"):
        load_crystal(silicon, charges=([1.0, 2.0, 3.0], 4.0))
    with pytest.raises(InputError, match="is not positive"):
        load_crystal(silicon, charges=([1.0, -1.0], -4.0))
