"""Surfaces: thinnest layers, cuts between planes, turned crystals with the same vibrations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapitza.errors import InputError
from kapitza.matter.building.layers import lead_from_force_constants
from kapitza.matter.building.surface import layer_vectors, orient_crystal, orient_structure, plane_indices
from kapitza.matter.files.crystals import load_crystal
from kapitza.matter.structure import build_prototype, structure

indices = st.tuples(*[st.integers(-3, 3)] * 3).filter(any)


@given(indices, st.sampled_from(["Si", "SiC", "AlN", "Ar"]))
def test_a_layer_is_as_small_as_the_crystal_allows(miller, name):
    """Law: the oriented cell has the volume of the primitive one, a flat bottom, and no gap above its atoms but one."""
    one = structure(name)
    made = orient_structure(one, miller)
    np.testing.assert_allclose(made.volume, one.volume, rtol=1e-9)
    scale = np.abs(made.lattice).max()
    assert np.abs(made.lattice[:2, 2]).max() < 1e-9 * scale
    assert abs(made.lattice[0, 1]) < 1e-9 * scale
    assert made.lattice[1, 1] > 0
    assert made.lattice[2, 2] > 0
    height = made.positions[:, 2]
    assert (np.diff(height) > -1e-12).all()
    assert height[-1] < made.lattice[2, 2]


@given(indices)
def test_the_spacing_of_layers_is_that_of_crystallography(miller):
    """Second road: d = 1/|h b1 + k b2 + l b3| of the primitive lattice, over the largest common divisor."""
    one = structure("SiC")
    normal = np.array(miller, dtype=float)
    primitive = plane_indices(one.lattice, normal)
    spacing = 1 / np.linalg.norm(primitive @ np.linalg.inv(one.lattice).T)
    np.testing.assert_allclose(orient_structure(one, miller).lattice[2, 2], spacing, rtol=1e-9)


@given(indices)
def test_distances_between_atoms_stay(miller):
    one = structure("AlN")
    made = orient_structure(one, miller)

    def distances(cell):
        steps = np.array(list(np.ndindex(13, 13, 13))) - 6
        near = [
            np.linalg.norm(cell.positions[j] - cell.positions[i] + steps @ cell.lattice, axis=1)
            for i in range(4)
            for j in range(4)
        ]
        found = np.sort(np.concatenate(near))
        return found[(found > 1e-11) & (found < 2.6e-10)]

    if np.abs(made.lattice).max() < 12e-10:
        np.testing.assert_allclose(distances(made), distances(one), rtol=1e-9)


def test_published_layers_of_diamond():
    """Spacings of the diamond structure: (001) two planes in a/2, (111) a bilayer of a/4√3 in a/√3."""
    a = 5.431e-10
    flat, steep = orient_structure(structure("Si"), (0, 0, 1)), orient_structure(structure("Si"), (1, 1, 1))
    np.testing.assert_allclose(flat.lattice[2, 2], a / 2, rtol=1e-12)
    np.testing.assert_allclose(flat.positions[1, 2], a / 4, rtol=1e-12)
    np.testing.assert_allclose(steep.lattice[2, 2], a / np.sqrt(3), rtol=1e-12)
    np.testing.assert_allclose(steep.positions[1, 2], a / (4 * np.sqrt(3)), rtol=1e-9)


def test_the_cut_can_be_chosen_by_the_elements_that_meet():
    for first in ("B", "N"):
        made = orient_structure(structure("c-BN"), (0, 0, 1), first=first)
        assert made.symbols[0] == first
        assert orient_structure(structure("c-BN"), (0, 0, 1), last=first).symbols[-1] == first
    assert orient_structure(structure("AlN"), (0, 0, 1)).symbols[0] == "N"
    assert orient_structure(structure("AlN"), (0, 0, -1)).symbols[0] == "Al"
    with pytest.raises(InputError, match="has no C: it has B, N"):
        orient_structure(structure("c-BN"), (0, 0, 1), first="C")
    with pytest.raises(InputError, match="no two neighbouring planes"):
        orient_structure(structure("c-BN"), (0, 0, 1), first="B", last="B")


@pytest.mark.parametrize(("name", "normal"), [("Si", (0, 0, 1)), ("Si", (1, 1, 1)), ("AlN", (0, 0, 1))])
def test_a_turned_crystal_vibrates_as_before(data, name, normal):
    """A second road: frequencies at turned wave vectors, through other cells, blocks and orders of atoms."""
    crystal = load_crystal(data(f"crystals/{name}.yaml"), nac=False)
    turned = orient_crystal(crystal, normal)
    z = np.array([0.0, 0.0, 1.0])
    axis = np.array(normal) / np.linalg.norm(normal)
    q = np.linspace(0.1, 1.1, 6) * 1e10
    along = crystal.frequencies(q[:, None] * axis)
    np.testing.assert_allclose(turned.frequencies(q[:, None] * z), along, rtol=1e-8, atol=1e-7 * along.max())
    np.testing.assert_allclose(turned.density, crystal.density, rtol=1e-12)


def test_a_turned_crystal_makes_a_lead(data):
    """Bands of the lead, layer after layer, are those of the crystal."""
    crystal = orient_crystal(load_crystal(data("crystals/Si.yaml"), nac=False), (1, 1, 1))
    lead = lead_from_force_constants(
        "Si", crystal.lattice, crystal.masses, crystal.cells, crystal.force_constants, positions=crystal.positions
    )
    k, phase = np.array([0.12, 0.31]), 0.7
    onsite, hop = (block[0] for block in lead.blocks(k))
    whole = onsite + hop * np.exp(1j * phase) + (hop * np.exp(1j * phase)).conj().T
    got = np.sqrt(np.abs(np.linalg.eigvalsh(whole))) * 1e12
    count = lead.masses.size // 2
    want = np.concatenate(
        [
            crystal.frequencies(np.array([*k, (phase / (2 * np.pi) + m) / count]) @ crystal.reciprocal)[0]
            for m in range(count)
        ]
    )
    np.testing.assert_allclose(got, np.sort(want), rtol=1e-8)


def test_dipole_forces_fit_into_no_layer(data):
    polar = load_crystal(data("crystals/AlN.yaml"))
    with pytest.raises(InputError, match="nac=False"):
        orient_crystal(polar, (0, 0, 1))


def test_faults_are_one_clear_line():
    si = structure("Si")
    with pytest.raises(InputError, match="three Miller indices"):
        orient_structure(si, (0, 0))
    with pytest.raises(InputError, match="three Miller indices"):
        orient_structure(si, (0, 0, 0))
    with pytest.raises(InputError, match="no lattice plane with indices up to 12"):
        plane_indices(si.lattice, (1, np.sqrt(2), np.pi))
    with pytest.raises(InputError, match="unknown kind of structure"):
        build_prototype("x", "hcp", ["Al"], a=3e-10)
    skew = layer_vectors(si.lattice, (1, 0, 0))
    assert abs(round(np.linalg.det(skew))) == 1
