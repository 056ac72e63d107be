"""Interfaces behind one another, graded ones: exact sums, second roads, faults."""

import numpy as np
import pytest

from kapitza.errors import InputError
from kapitza.matter.building.disorder import Disorder, right_sites
from kapitza.matter.building.layers import chain_junction, join_junctions, lead_from_force_constants, mass_junction
from kapitza.matter.building.surface import orient_crystal, truncate_force_constants
from kapitza.matter.files.crystals import load_crystal
from kapitza.matter.junction import Junction
from kapitza.theory.agf.conductance import agf
from kapitza.units import THz, m_u, nm

OMEGA = np.array([1.0, 4.0, 8.0]) * THz
LIGHT, HEAVY = 28.085 * m_u, 72.63 * m_u


def mass_film(lead, layers: int) -> Junction:
    """A film of heavy layers in a light crystal, layer by layer."""
    return mass_junction(lead, LIGHT, LIGHT, device=[LIGHT, *[HEAVY] * layers, LIGHT])


@pytest.fixture(scope="module")
def silicon(data):
    one = truncate_force_constants(load_crystal(data("crystals/Si.yaml"), nac=False), 2.5e-10).crystal
    turned = orient_crystal(one, (0, 0, 1))
    return lead_from_force_constants("Si", turned.lattice, turned.masses, turned.cells, turned.force_constants)


@pytest.mark.parametrize("layers", [0, 3])
def test_two_interfaces_are_a_film(silicon, layers):
    """A second road: the same atoms written down as one device."""
    there, back = mass_junction(silicon, LIGHT, HEAVY), mass_junction(silicon, HEAVY, LIGHT)
    film = join_junctions(there, back, layers)
    assert len(film.device) == 4 + layers
    assert film.violation < 1e-9
    got = agf(film, OMEGA, k_mesh=(4, 4)).total
    np.testing.assert_allclose(got, agf(mass_film(silicon, 2 + layers), OMEGA, k_mesh=(4, 4)).total, rtol=1e-9)


def test_a_chain_of_three_is_a_quarter_wave():
    """Law: a film whose impedance is the geometric mean lets a long wave of four times its thickness through."""
    light, middle, heavy = (1.0 * m_u, 1.0), (4.0 * m_u, 1.0), (16.0 * m_u, 1.0)
    omega = np.sqrt(1.0 / (4.0 * m_u)) * np.pi / 2 / 41  # a quarter of a wave in 40 atoms and half a bond at both ends
    bare = agf(chain_junction(light, heavy, bond=1.0), [omega], k_mesh=(1, 1))
    film = join_junctions(chain_junction(light, middle, bond=1.0), chain_junction(middle, heavy, bond=1.0), 38)
    matched = agf(film, [omega], k_mesh=(1, 1))
    np.testing.assert_allclose(matched.total / matched.left, 1.0, rtol=5e-3)
    np.testing.assert_allclose(bare.total / bare.left, 4 * 4 / 25, rtol=5e-3)  # impedances of 1 and 4


def test_many_interfaces_are_joined_one_after_the_other(silicon):
    film = join_junctions(mass_junction(silicon, LIGHT, HEAVY), mass_junction(silicon, HEAVY, LIGHT), 1)
    lattice = join_junctions(join_junctions(film, film, 1), film, 1)
    assert sum(slab.masses[0] > LIGHT for slab in lattice.device) == 9
    found = agf(lattice, OMEGA[1:], k_mesh=(3, 3))
    assert (found.total < agf(film, OMEGA[1:], k_mesh=(3, 3)).total).all()


def test_graded_interfaces_rise_linearly():
    """Law: the share of the right crystal is linear in the height and has the standard width asked for."""
    z = np.random.default_rng(2).uniform(-1, 1, 40_000) * nm
    sites = np.column_stack([np.zeros((40_000, 2)), z])
    graded = Disorder(seed=4, intermixing=0.3 * nm, profile="linear")
    right = right_sites(graded, sites, 0.0, np.eye(2, 3) * nm)
    edge = np.sqrt(3) * 0.3 * nm
    assert not right[z < -edge].any()
    assert right[z > edge].all()
    inside = np.abs(z) < edge
    np.testing.assert_allclose(np.polyfit(z[inside], right[inside], 1), [1 / (2 * edge), 0.5], rtol=0.05)


def test_faults_are_one_clear_line(silicon):
    there, back = mass_junction(silicon, LIGHT, HEAVY), mass_junction(silicon, HEAVY, LIGHT)
    with pytest.raises(InputError, match="layers = -1: wanted 0 to 1000"):
        join_junctions(there, back, -1)
    with pytest.raises(InputError, match=r"ends with chain right, .* starts with Si"):
        join_junctions(chain_junction((LIGHT, 1.0), (LIGHT, 1.0), bond=1.0), back)
    with pytest.raises(ValueError, match="profile"):
        Disorder(profile="step")  # pyright: ignore[reportArgumentType]
