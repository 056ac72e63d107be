"""Systems between two baths: every atom is there once, and has the role of its place."""

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from kapitza.errors import InputError
from kapitza.matter.building.disorder import Disorder
from kapitza.matter.building.relaxed_junction import JunctionPlan, plan_force_field
from kapitza.matter.structure import Structure, structure
from kapitza.simulate.md.potential import Potential
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, FREE_ROLE, HOT_ROLE
from kapitza.simulate.md.systems.assembly import check_overlap, find_planes, mass_interface
from kapitza.simulate.md.systems.junctions import junction_system
from kapitza.units import angstrom, eV, nm

SIGMA = 3.4 * angstrom
TWO = Potential("lennard-jones", ("light", "heavy"), 2.5 * SIGMA, ())
SILICON = Potential("stillinger-weber", ("Si",), 3.77 * angstrom, ())


def test_the_reference_system_of_lennard_jones():
    """2600 atoms in 52 planes: 12 cells a side, one held at either end, baths of four cells."""
    made = mass_interface("Ar", TWO, 3, lattice_constant=1.5712 * SIGMA)
    assert made.masses.size == 2600
    roles = made.roles.tolist()
    assert roles == [FIXED_ROLE] * 2 + [HOT_ROLE] * 8 + [FREE_ROLE] * 32 + [COLD_ROLE] * 8 + [FIXED_ROLE] * 2
    np.testing.assert_allclose(made.area, (5 * 1.5712 * SIGMA) ** 2, rtol=1e-12, atol=0)
    np.testing.assert_allclose(np.diff(made.heights), 1.5712 / 2 * SIGMA, rtol=1e-9, atol=0)
    np.testing.assert_allclose(made.masses[made.right], 3 * made.masses[~made.right][0], rtol=1e-12, atol=0)
    assert made.right.sum() == 1300
    assert np.array_equal(made.species == 1, made.right)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(3, 6), st.integers(3, 6), st.booleans(), st.booleans())
def test_density_is_that_of_the_crystal(nx, ny, left, right, periodic, diamond):
    """Atoms of a cubic cell over its volume, however the cells are counted; no two of them at one place."""
    name, field, atoms = ("Si", SILICON, 8) if diamond else ("Ar", TWO, 4)
    made = mass_interface(name, field, 2, cells=(nx, ny), length=(left, right), thermostat=1, periodic=periodic)
    cells = nx * ny * (left + right + (0 if periodic else 2))
    assert made.masses.size == atoms * cells
    assert (made.counts == nx * ny * 2).all()
    check_overlap(made)
    if periodic:
        volume = float(np.linalg.det(made.lattice))
        one = structure(name)
        np.testing.assert_allclose(volume / made.masses.size, one.volume / one.masses.size, rtol=1e-12, atol=0)


def test_neighbours_of_diamond_are_those_of_diamond():
    """Four at a quarter of the body diagonal, through the periodic box as well."""
    made = mass_interface("Si", SILICON, 2, cells=(2, 2), length=2, thermostat=0, periodic=True)
    a = made.lattice[0, 0] / 2
    shift = made.positions[:, None] - made.positions
    shift -= np.round(shift @ np.linalg.inv(made.lattice)) @ made.lattice
    distance = np.linalg.norm(shift, axis=2)
    assert ((distance > 0) & (distance < 0.44 * a)).sum(axis=1).tolist() == [4] * made.masses.size
    near = distance[(distance > 0) & (distance < 0.44 * a)]
    np.testing.assert_allclose(near, np.sqrt(3) / 4 * a, rtol=1e-6, atol=0)


def test_a_periodic_system_has_its_baths_in_the_middles():
    made = mass_interface("Ar", TWO, 3, length=10, thermostat=2, periodic=True)
    roles = made.roles
    assert roles.tolist() == [FREE_ROLE] * 8 + [HOT_ROLE] * 4 + [FREE_ROLE] * 16 + [COLD_ROLE] * 4 + [FREE_ROLE] * 8
    low, high = made.heights[[0, -1]]
    np.testing.assert_allclose(made.plane, (low + high) / 2, rtol=1e-12, atol=0)


def test_planes_and_slices():
    """Planes are told apart by gaps; a fluid, without gaps, is cut into slices."""
    rng = np.random.default_rng(1)
    flat = np.repeat(np.arange(5) * angstrom, 20) + rng.uniform(-0.05, 0.05, 100) * angstrom
    mixed = rng.permutation(100)
    assert find_planes(flat[mixed]).tolist() == (np.repeat(np.arange(5), 20)[mixed]).tolist()
    fluid = rng.uniform(0, 20, 4000) * angstrom
    found = find_planes(fluid)
    assert 5 <= found.max() + 1 <= 6
    assert (np.diff(found[np.argsort(fluid)]) >= 0).all()
    thick = [np.ptp(fluid[found == k]) for k in range(found.max() + 1)]
    assert max(thick) <= 4.0 * angstrom


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"crystal": "Ge"}, "Si, Ge needs Ge"),
        ({"thermostat": 4, "length": 4}, "fills a side"),
        ({"thermostat": 3, "length": (3, 9)}, "fills a side of 3"),
        ({"cells": (0, 5)}, "at least 1"),
        ({"ratio": -1.0}, "mass ratio -1"),
        ({"lattice_constant": 5.43}, "multiply by 1e-10"),
    ],
)
def test_what_cannot_be_built_is_refused(change, message):
    wanted = {"crystal": "Si", "field": SILICON, "ratio": 2.0, "length": 6} | change
    with pytest.raises(InputError, match=message):
        mass_interface(wanted.pop("crystal"), wanted.pop("field"), wanted.pop("ratio"), **wanted)


def test_too_short_a_side_is_refused():
    with pytest.raises(InputError, match="2 free planes of atoms are left on the left, wanted at least 4"):
        mass_interface("Ar", TWO, 3, length=3, thermostat=2)


def test_overlapping_atoms_are_named():
    made = mass_interface("Ar", TWO, 3)
    check_overlap(made)
    moved = made.positions.copy()
    moved[7] = moved[300] + made.lattice[0] + 0.1 * angstrom
    broken = evolve(made, positions=moved)
    with pytest.raises(InputError, match=r"0\.173 Å from another"):
        check_overlap(broken)


def test_an_oblique_third_axis_is_refused():
    skew = Structure("skew", np.array([[4, 0, 0], [0, 4, 0], [1, 0, 4]]) * angstrom, np.zeros((1, 3)), [1e-26], ("Ar",))
    with pytest.raises(InputError, match="third axis"):
        mass_interface(skew, TWO, 3)


@pytest.fixture(scope="module")
def argon_krypton():
    """Two crystals that fit with 6 % of strain, as a row of two interfaces."""
    pytest.importorskip("matscipy")
    plan = JunctionPlan(left="Ar", right="Kr", potential="lennard-jones", limit=0.08)
    field = Potential("lennard-jones", ("Kr", "Ar"), 2.5 * 3.65 * angstrom, ())
    size = {"lengths": (5 * nm, 4 * nm), "width": 1.5 * nm, "thermostat": 1 * nm}
    return plan, field, [junction_system(plan, field, **size, periodic=periodic) for periodic in (False, True)]


def forces_of(plan, made, *, periodic):
    symbols = [made.kinds[k] for k in made.species]
    atoms = Structure("all", made.lattice, made.positions, made.masses, tuple(symbols))
    return plan_force_field(plan).state(atoms, periodic=periodic).forces


def test_two_crystals_are_at_rest(argon_krypton):
    """Forces of the potential that relaxed the short junction vanish in the long one, through the box as well."""
    plan, _, (row, ring) = argon_krypton
    stiff = 1e-3 * eV / angstrom
    assert np.abs(forces_of(plan, ring, periodic=True)).max() < 0.1 * stiff
    inside = row.role != FIXED_ROLE
    assert np.abs(forces_of(plan, row, periodic=False)[inside]).max() < 0.1 * stiff


def test_two_crystals_are_as_long_and_wide_as_wanted(argon_krypton):
    _, field, (row, ring) = argon_krypton
    assert row.kinds == field.kinds
    np.testing.assert_array_equal(row.right, row.species == 0)
    for made in (row, ring):
        widths = made.area / np.linalg.norm(made.lattice[:2], axis=1)
        assert (widths >= 1.5 * nm * (1 - 1e-9)).all()
        check_overlap(made, 3 * angstrom)
    moving = row.heights[row.roles != FIXED_ROLE]
    spacing = np.diff(moving).max()
    assert 5 * nm - spacing < row.plane - moving[0] < 5 * nm + spacing
    assert 4 * nm - spacing < moving[-1] - row.plane < 4 * nm + spacing
    for role in (HOT_ROLE, COLD_ROLE):
        assert abs(np.ptp(row.heights[row.roles == role]) - 1 * nm) < 1.5 * spacing


def test_plans_that_give_no_system_are_refused():
    field = Potential("lennard-jones", ("Ar", "Kr"), 9 * angstrom, ())
    plan = JunctionPlan(left="Ar", right="Kr", potential="lennard-jones", limit=0.08)
    with pytest.raises(InputError, match=r"left length 5 m, wanted 0 to 1e-06 m \(nm\?"):
        junction_system(plan, field, lengths=(5, 5))
    with pytest.raises(InputError, match="a thermostat must be thinner than its side"):
        junction_system(plan, field, lengths=(5e-9, 1e-9))
    with pytest.raises(InputError, match="a plan with disorder"):
        junction_system(evolve(plan, disorder=Disorder(roughness=1e-10)), field, lengths=(5e-9, 5e-9))
