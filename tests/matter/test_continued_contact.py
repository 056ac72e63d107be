"""Crystals that continue one another: halves of one crystal, sites of one structure, stiffness, faults."""

import numpy as np
import pytest
from attrs import evolve

from kapitza.errors import InputError
from kapitza.matter.building.contacts import (
    ContactSprings,
    continued_junction,
    rigid_stiffness,
    site_weights,
    spring_junction,
)
from kapitza.matter.building.layers import lead_from_force_constants
from kapitza.matter.building.mixed_junction import junction_from_crystals
from kapitza.matter.building.surface import change_lattice, orient_crystal, truncate_force_constants
from kapitza.matter.crystal import Crystal
from kapitza.matter.junction import Junction, Lead
from kapitza.matter.phonons import phonon_crystal
from kapitza.theory.agf.conductance import agf
from kapitza.theory.agf.green_functions import prepare_junction, solve_junction
from kapitza.units import THz, angstrom


def short(name: str, normal=(0, 0, 1)) -> Crystal:
    whole = phonon_crystal(name, nac=False)
    return truncate_force_constants(whole, 6 * angstrom, normal=np.array(normal, dtype=float)).crystal


def lead_of(crystal: Crystal) -> Lead:
    return lead_from_force_constants(
        crystal.name, crystal.lattice, crystal.masses, crystal.cells, crystal.force_constants,
        positions=crystal.positions, symbols=crystal.symbols,
    )  # fmt: skip


def surface(name: str, normal=(0, 0, 1)) -> Lead:
    return lead_of(orient_crystal(short(name, normal), normal))


def points(junction: Junction, top: float) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Modes that cross and open channels at random wave vectors and frequencies up to the top (THz)."""
    rng = np.random.default_rng(3)
    k, omega = rng.random((30, 2)), rng.uniform(0.05, 1, 30) * top * THz
    found = solve_junction(prepare_junction(junction), k, np.arange(30), omega)
    return found.transmission, found.counts


@pytest.mark.parametrize(
    ("name", "normal", "top"), [("MgO", (0, 0, 1), 18), ("Al", (1, 1, 1), 9), ("GaN", (0, 0, 1), 21)]
)
def test_two_halves_of_a_crystal_are_the_whole_one(name, normal, top):
    """Law: every wave crosses, at every wave vector; springs of the same stiffness reflect."""
    lead = surface(name, normal)
    own = rigid_stiffness(lead.hop) / lead.area
    stiffness = ContactSprings(own[2, 2], (own[0, 0] + own[1, 1]) / 2)
    crossing, (left, right) = points(continued_junction(lead, lead, stiffness), top)
    assert left.sum() > 10
    np.testing.assert_array_equal(left, right)
    np.testing.assert_allclose(crossing, left, rtol=0, atol=1e-6)
    assert points(spring_junction(lead, lead, stiffness), top)[0].sum() < 0.9 * left.sum()


def test_a_crystal_in_other_lattice_vectors_and_from_another_origin_is_the_same():
    """Law: which vectors describe the right half, and where its origin is, changes nothing."""
    crystal = orient_crystal(short("Si", (1, 1, 1)), (1, 1, 1))
    turned = change_lattice(crystal, np.array([[1, 1, 0], [-1, 0, 0], [0, 1, 1]]))
    other = lead_of(turned)
    assert other.positions is not None
    moved = evolve(other, positions=other.positions + np.array([0.3e-10, -0.7e-10, 2e-10]))
    crossing, (left, _) = points(continued_junction(lead_of(crystal), moved), 12)
    assert left.sum() > 10
    np.testing.assert_allclose(crossing, left, rtol=0, atol=1e-6)


def test_crystals_of_one_structure_join_as_site_by_site():
    """Second road: the mean of both force constants between sites of both, by `junction_from_crystals`."""
    left, right = short("Si"), short("Ge")
    made = continued_junction(surface("Si"), surface("Ge"))
    omega = np.array([1.0, 3.0, 6.0]) * THz
    got, want = (agf(one, omega, k_mesh=(6, 6)).total for one in (made, junction_from_crystals(left, right)))
    np.testing.assert_allclose(got, want, rtol=2e-3, atol=0)


def test_unequal_cells_have_the_stiffness_that_was_asked_for():
    """Law: the total over all pairs across the plane, in a cell of 4 on 3; nothing is lost of the sum rule."""
    made = continued_junction(surface("diamond", (1, 1, 1)), surface("Al", (1, 1, 1)), ContactSprings(9e20, 2e20))
    assert {len(made.tiles("left")), len(made.tiles("right"))} == {3, 4}
    hop = made.device[1].hop
    assert hop is not None
    want = np.diag([2e20, 2e20, 9e20]) * made.area
    np.testing.assert_allclose(rigid_stiffness(hop), want, rtol=1e-9, atol=1e-9 * want.max())
    assert made.violation < 1e-9


def test_weights_of_a_site_add_up_to_one():
    rng = np.random.default_rng(5)
    periods = np.array([[5e-10, 0, 0], [1e-10, 4e-10, 0]])
    sites, atoms = (rng.random((count, 3)) * 4e-10 for count in (5, 3))
    shifts, weight = site_weights(sites, atoms, periods, 0.4 * angstrom)
    assert shifts.shape == (len(weight), 2)
    np.testing.assert_allclose(weight.sum(axis=(0, 2)), 1, rtol=1e-12, atol=0)
    assert weight.min() >= 0


def test_faults_are_one_clear_line():
    lead = surface("Al", (1, 1, 1))
    with pytest.raises(InputError, match="where the atoms are"):
        continued_junction(evolve(lead, positions=None), lead)
    with pytest.raises(InputError, match="spread = 0 m, wanted above 0"):
        continued_junction(lead, lead, spread=0.0)
