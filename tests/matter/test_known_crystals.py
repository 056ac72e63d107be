"""Structures of files are the crystals of the library that they are, however they are laid out."""

import numpy as np
import pytest
from attrs import evolve

from kapitza.matter.phonons import named_structure
from kapitza.matter.potentials.known_crystals import known_crystal
from kapitza.matter.structure import Structure


def laid_out_anew(name: str, stretch: float) -> Structure:
    """A crystal in a larger, oblique and turned cell, stretched, its atoms shifted and in another order."""
    one, chance = named_structure(name), np.random.default_rng(3)
    turn = np.linalg.qr(chance.normal(size=(3, 3)))[0]
    lattice = stretch * one.lattice @ (turn * np.linalg.det(turn))
    sites = np.concatenate([one.positions @ np.linalg.inv(one.lattice) + [i, 0, 0] for i in (0, 1)]) + 0.1
    order = chance.permutation(len(sites))
    symbols = np.array(one.symbols * 2)[order].tolist()
    cell = np.array([[2, 0, 0], [1, 1, 0], [0, 0, 1]]) @ lattice
    return Structure("given", cell, (sites @ lattice)[order], np.tile(one.masses, 2)[order], symbols)


@pytest.mark.parametrize("name", ["Si", "GaAs", "4H-SiC", "3C-SiC", "AlN", "alpha-quartz", "Bi2Te3", "Co", "MgO"])
def test_a_crystal_is_found_in_any_cell(name: str) -> None:
    assert known_crystal(laid_out_anew(name, 1.01)) == name


def test_another_volume_or_another_arrangement_is_none_of_the_library() -> None:
    assert known_crystal(laid_out_anew("Si", 1.03)) == ""  # 9 % more volume
    assert known_crystal(laid_out_anew("Si", 0.97)) == ""
    salt = named_structure("MgO")
    blende = evolve(salt, positions=salt.positions / 2)  # the same elements and lattice, in other sites
    assert known_crystal(salt) == "MgO"
    assert known_crystal(blende) == ""
