"""Contacts by springs: the continuum limit in closed form, sheets, the sum rule, faults."""

import numpy as np
import pytest
from attrs import evolve

from kapitza.errors import InputError
from kapitza.matter.building.contacts import ContactSprings, spring_junction
from kapitza.matter.building.junction_cost import structure_lead
from kapitza.matter.building.surface import orient_structure
from kapitza.matter.crystal import Crystal
from kapitza.matter.junction import Lead
from kapitza.matter.potentials.force_constants import crystal_from_potential
from kapitza.matter.potentials.published import published_potential
from kapitza.matter.potentials.relaxation import relax_cell
from kapitza.matter.structure import structure, structure_from_symbols
from kapitza.theory.agf.conductance import agf
from kapitza.theory.agf.green_functions import prepare_junction, solve_junction
from kapitza.units import THz, angstrom

pytest.importorskip("matscipy")


def noble(name: str) -> tuple[Lead, Crystal]:
    engine = published_potential("lj", [name])
    cell = orient_structure(relax_cell(structure(name), engine), (0, 0, 1))
    return structure_lead(cell, engine), crystal_from_potential(cell, engine)


@pytest.fixture(scope="module")
def argon() -> tuple[Lead, Crystal]:
    return noble("Ar")


@pytest.fixture(scope="module")
def graphene() -> Crystal:
    a = 2.53 * angstrom
    lattice = np.array([[a, 0, 0], [a / 2, a * np.sqrt(0.75), 0], [0, 0, 12 * angstrom]])
    sheet = structure_from_symbols("graphene", lattice, [[0, 0, 0], (lattice[0] + lattice[1]) / 3], ["C", "C"])
    return crystal_from_potential(sheet, published_potential("tersoff", ["C"]))


def test_weak_springs_pass_what_the_continuum_says(argon):
    r"""Second road: at normal incidence each branch crosses with 1/(1 + (ωZ/2K)²), Z = ρc, K its stiffness per area."""
    lead, crystal = argon
    slow, _, fast = crystal.frequencies([[0, 0, 1e8]])[0] / 1e8
    springs = ContactSprings(2e16, 1e16)
    junction = spring_junction(lead, lead, springs)
    omega = np.array([0.2, 0.5, 1.0]) * 1e-3 * THz
    got = solve_junction(prepare_junction(junction), np.zeros((1, 2)), np.zeros(3, dtype=int), omega).transmission
    z = crystal.density * np.array([slow, fast])
    want = 2 / (1 + (omega * z[0] / 2 / springs.shear) ** 2) + 1 / (1 + (omega * z[1] / 2 / springs.normal) ** 2)
    np.testing.assert_allclose(got, want, rtol=5e-3)


def test_total_stiffness_is_what_was_asked_for(argon):
    """Law: the springs of a contact add up to the stiffness times the area, whatever the cells are."""
    one, _ = argon
    other, _ = noble("Kr")
    junction = spring_junction(one, other, ContactSprings(3e18, 1e18), limit=0.07)
    hop = junction.device[1].hop
    assert hop is not None
    n, m = (slab.masses.size for slab in junction.device[1:3])
    total = hop.sum(axis=0).reshape(n, 3, m, 3).sum(axis=(0, 2))
    np.testing.assert_allclose(total, -junction.area * np.diag([1e18, 1e18, 3e18]), atol=1e-9 * 3e18 * junction.area)
    assert junction.violation < 1e-10


def test_stiffer_contacts_conduct_more(argon):
    lead, _ = argon
    omega = np.array([0.6, 0.9]) * THz
    made = [
        agf(spring_junction(lead, lead, ContactSprings(k, k / 3)), omega, k_mesh=(4, 4)) for k in (1e17, 1e18, 1e19)
    ]
    values = np.array([found.total for found in made])
    assert (np.diff(values, axis=0) > 0).all()
    assert (values[-1] < made[-1].left).all()


def test_a_sheet_lies_between(graphene):
    """Two contacts in series: less crosses than through one, and the sum rule holds."""
    engine = published_potential("sw", ["Si"])
    lead = structure_lead(orient_structure(relax_cell(structure("Si"), engine), (1, 1, 1)), engine)
    springs = ContactSprings(1.2e20, 4e19)
    bare = spring_junction(lead, lead, springs)
    made = spring_junction(lead, lead, springs, sheet=graphene, limit=0.06, area=60 * angstrom**2)
    assert made.violation < 1e-10
    carbon = [symbol for slab in made.device for symbol in slab.symbols].count("C")
    np.testing.assert_allclose(carbon / made.area, 2 / (2.53 * angstrom) ** 2 / np.sqrt(0.75), rtol=0.13)
    omega = np.array([2.0, 3.5]) * THz
    one = agf(bare, omega, k_mesh=(12, 12)).total
    two = agf(made, omega, k_mesh=(4, 4)).total
    assert (two > 0).all()
    assert (two < one).all()


def test_faults_are_one_clear_line(argon, graphene):
    lead, crystal = argon
    with pytest.raises(InputError, match="where the atoms are"):
        spring_junction(evolve(lead, positions=None), lead, ContactSprings(1e18, 0))
    with pytest.raises(InputError, match="is no sheet"):
        spring_junction(lead, lead, ContactSprings(1e18, 0), sheet=crystal)
    with pytest.raises(InputError, match="normal = nan"):
        ContactSprings(np.nan, 0)
    with pytest.raises(InputError, match="no common cell"):
        spring_junction(lead, lead, ContactSprings(1e18, 0), sheet=graphene, limit=1e-4, area=30 * angstrom**2)
