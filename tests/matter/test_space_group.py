"""Space groups: operations form a group, map a structure onto itself, have their known orders, and keep the forces."""

import numpy as np
import pytest
from attrs import evolve

from kapitza.errors import InputError
from kapitza.matter.brillouin import lattice_operations
from kapitza.matter.phonons import named_structure, phonon_card, phonon_crystal, phonon_names
from kapitza.matter.potentials.space_group import find_symmetry, height_operations, primitive_structure, space_group
from kapitza.matter.space_groups.bond_symmetry import crystal_operations
from kapitza.matter.structure import Structure, structure_from_symbols
from kapitza.units import angstrom

NAMES = [name for name in phonon_names() if phonon_card(name).status != "refused"]
# of the primitive cell: 48 of the holohedry of cubic crystals, fewer without inversion and in lower classes
ORDERS = {
    "Si": 48, "SiC": 24, "Al": 48, "AlN": 12, "graphene": 24, "Mg": 24, "alpha-quartz": 6, "Al2O3": 12, "TiO2": 16,
    "SnSe": 8, "ZrO2": 4,
}  # fmt: skip
FACES = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
LARGE = ("beta-Ga2O3", "Si3N4", "Y2O3", "6H-SiC")


def cubic_cell(symbols: str) -> Structure:
    """Conventional cell of silicon, with the atoms of either face-centred lattice named."""
    a = 5.431 * angstrom
    sites = np.concatenate([FACES, FACES + 0.25]) * a
    one, other = symbols.split()
    return structure_from_symbols(symbols, a * np.eye(3), sites, [one] * 4 + [other] * 4)


@pytest.mark.parametrize("name", ORDERS)
def test_orders_are_those_of_the_crystal_classes(name: str):
    assert len(space_group(named_structure(name)).turns) == ORDERS[name]


def test_a_conventional_cell_has_its_translations_too():
    assert len(space_group(cubic_cell("Si Si")).turns) == 192
    assert len(space_group(cubic_cell("Si C")).turns) == 96
    whole = primitive_structure(cubic_cell("Si Si").repeat((1, 2, 1)))
    assert whole.masses.size == 2
    np.testing.assert_allclose(whole.volume, (5.431 * angstrom) ** 3 / 4, rtol=1e-12, atol=0)


def test_a_skewed_cell_has_the_operations_of_the_compact_one():
    one = named_structure("Si")
    skewed = evolve(one, lattice=np.array([[1, 5, 0], [0, 1, 0], [0, 7, 1]]) @ one.lattice)
    assert len(space_group(skewed).turns) == 48


@pytest.mark.parametrize("name", NAMES)
def test_operations_map_the_crystal_onto_itself(name: str):
    one = named_structure(name)
    group, points = space_group(one), one.positions @ np.linalg.inv(one.lattice)
    symbols = np.array(one.symbols)
    for turn, shift, target in zip(group.turns, group.shifts, group.targets, strict=True):
        apart = points @ turn + shift - points[target]
        assert np.linalg.norm((apart - np.round(apart)) @ one.lattice, axis=1).max() < 1e-2 * angstrom
        assert sorted(target.tolist()) == list(range(symbols.size))
        assert (symbols[target] == symbols).all()
    turns = group.cartesian(one.lattice)
    assert np.abs(turns @ turns.swapaxes(1, 2) - np.eye(3)).max() < 1e-3
    known = {turn.tobytes() for turn in group.turns}
    assert {(first @ second).tobytes() for first in group.turns for second in group.turns} == known


@pytest.mark.parametrize("name", [name for name in NAMES if name not in LARGE])
def test_force_constants_have_the_symmetry_of_the_atoms(name: str):
    """Two roads: the operations that spglib finds from positions, and those found from force constants alone."""
    turns = space_group(named_structure(name), 1e-3 * angstrom).turns
    both = np.concatenate([turns, -turns])  # time reversal
    reciprocal = np.round(np.linalg.inv(both).swapaxes(1, 2)).astype(np.int64)
    found = {operation.tobytes() for operation in crystal_operations(phonon_crystal(name))}
    assert {operation.tobytes() for operation in reciprocal} == found


def test_lattices_of_structures_keep_their_metric():
    for name in ORDERS:
        lattice = named_structure(name).lattice
        images = lattice_operations(lattice) @ lattice
        metric = lattice @ lattice.T
        np.testing.assert_allclose(
            images @ images.swapaxes(1, 2), metric[None] + 0 * images, rtol=0, atol=1e-3 * metric.max()
        )


def test_heights_are_kept():
    one = named_structure("AlN").repeat((1, 1, 2))
    group = height_operations(one)
    assert len(group.turns) == 6  # 3m: wurtzite has no operation of the rest without a glide along c
    assert (group.turns[:, 2] == [0, 0, 1]).all()


def test_atoms_closer_than_the_tolerance_have_no_symmetry():
    one = structure_from_symbols("close", 3 * angstrom * np.eye(3), [[0, 0, 0], [0, 0, 0.6 * angstrom]], ["Si", "Si"])
    with pytest.raises(InputError, match=r"no symmetry of 2 atoms within 1 Å"):
        find_symmetry(one, angstrom)
