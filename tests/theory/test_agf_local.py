"""Local densities of states and currents: sum rules, closed forms, dense slabs, planes and atoms that keep energy."""

import numpy as np
import pytest
from attrs import evolve

from kapitza.errors import InputError
from kapitza.matter.building.layers import chain_junction, mass_junction
from kapitza.matter.junction import SQUARE_PICOSECOND
from kapitza.run.store import Store
from kapitza.theory.agf.conductance import agf
from kapitza.theory.agf.green_functions import prepare_junction
from kapitza.theory.agf.interface_modes import bound_modes
from kapitza.theory.agf.leads import bulk_matrix
from kapitza.theory.agf.local_density import density_sums, interface_layers, local_current, local_density
from kapitza.theory.agf.transmission import junction_arrays
from kapitza.units import THz, m_u
from matter_samples import repeat_device

M, K = 28 * m_u, 50.0
TOP = 2 * np.sqrt(K / M)


def impurity(mass):
    """Chain of equal masses with another one in the middle."""
    return mass_junction(chain_junction((M, K), (M, K), bond=K).left, M, M, device=[[M], [mass], [M]])


def at_points(junction, k, omega, width):
    """Densities at given wave vectors, averaged."""
    k = np.atleast_2d(k)
    weight = np.full(len(k), 1 / len(k))
    unit = {"junction": junction_arrays(junction), "k": k, "weight": weight, "omega": np.asarray(omega), "width": width}
    return density_sums(unit)


def test_a_chain_has_its_closed_form():
    omega = np.linspace(0.01, 0.99, 21) * TOP
    found = local_density(chain_junction((M, K), (M, K), bond=K), omega, width=0)
    exact = 2 / np.pi / np.sqrt(TOP**2 - omega**2)
    for column in (found.value[:, 0], found.value[:, 1], found.left[:, 0], found.right[:, 0]):
        np.testing.assert_allclose(column, exact, rtol=1e-9, atol=0)


@pytest.mark.parametrize("mass", [14 * m_u, 27 * m_u, 50 * m_u])
def test_continuum_and_bound_modes_together_are_one(mass):
    """The sum rule, site by site: what the bound mode takes is missing in the continuum."""
    theta = (np.arange(400) + 0.5) / 400 * np.pi / 2
    junction = impurity(mass)
    found = local_density(junction, TOP * np.sin(theta), width=0)
    continuum = TOP * np.cos(theta) @ found.value * (np.pi / 2 / 400)
    bound = sum((mode.weight for mode in bound_modes(prepare_junction(junction), np.zeros(2))), np.zeros(3))
    np.testing.assert_allclose(continuum + bound, 1.0, rtol=1e-5, atol=0)
    assert (bound > 0).any() == (mass < M)


def test_broadened_modes_are_all_there(si_heavy):
    omega = np.concatenate([np.linspace(0.05, 20, 400), np.geomspace(20.2, 2e4, 300)]) * THz
    found = local_density(si_heavy, omega, width=0.3 * THz, k_mesh=(2, 2))
    np.testing.assert_allclose(found.integral, 1.0, rtol=3e-3, atol=0)
    np.testing.assert_allclose(found.by_layer[:, 0], found.of(layer=0) / 6, rtol=1e-12, atol=0)
    whole = sum(found.of(direction=i) for i in range(3))
    np.testing.assert_allclose(whole, found.value.sum(axis=1), rtol=1e-12, atol=0)


def test_dense_slab_has_the_same_density(network, dense_slab):
    """A second road: the inverse of a slab so thick that its ends are damped away."""
    lead = network(3)
    masses = [lead.masses * factor for factor in (1.0, 0.4, 2.0)]
    junction = mass_junction(lead, masses[0], masses[2], device=masses)
    top = np.sqrt(np.linalg.eigvalsh(dense_slab(junction, [0.1, 0.2], 4)[0])[-1] / SQUARE_PICOSECOND)
    width = 0.05 * top
    omega = np.array([0.2, 0.5, 0.9, 1.1]) * top
    matrix, first, last = dense_slab(junction, [0.1, 0.2], 60)
    z = (omega + 1j * width) * np.sqrt(SQUARE_PICOSECOND)
    want = [
        -2
        / np.pi
        * np.sqrt(SQUARE_PICOSECOND)
        * (one * np.diag(np.linalg.inv(one**2 * np.eye(len(matrix)) - matrix))).imag
        for one in z
    ]
    found = at_points(junction, [0.1, 0.2], omega, width)["value"]
    np.testing.assert_allclose(found, np.array(want)[:, first:last], rtol=1e-7, atol=0)


def test_deep_layers_are_the_crystal(si_heavy):
    """Far from the interface the density is that of the bands, from a sum over the wave vector along the normal."""
    omega, width, k = np.array([3.0, 8.0, 14.0]) * THz, 0.8 * THz, [0.1, 0.2]
    lead = si_heavy.left
    device = [lead.masses] * 25 + [si_heavy.right.masses] * 25
    deep = mass_junction(lead, lead.masses, si_heavy.right.masses, device=device)
    found = at_points(deep, k, omega, width)
    for column, side, place in (("left", "left", slice(0, 6)), ("right", "right", slice(-6, None))):
        onsite, hop = si_heavy.lead(side).blocks(k)
        phase = np.exp(2j * np.pi * np.arange(400) / 400)
        square, vector = np.linalg.eigh(bulk_matrix(onsite, hop, phase[:, None, None]))
        at = np.sqrt(square / SQUARE_PICOSECOND)[:, None, :, None]
        lorentz = sum(width / np.pi / ((omega[:, None, None] - sign * at) ** 2 + width**2) for sign in (1, -1))
        want = (lorentz * np.square(np.abs(vector.swapaxes(1, 2)))[:, None]).sum(axis=2).mean(axis=0)
        np.testing.assert_allclose(found[column], want, rtol=1e-6, atol=0)
        np.testing.assert_allclose(found["value"][:, place], want, rtol=2e-3, atol=0)


@pytest.mark.parametrize("width", [0.0, 0.3 * THz])
def test_a_supercell_is_its_cells(si_heavy, width):
    k, omega = np.array([0.13, 0.21]), np.array([2.0, 6.0]) * THz
    whole = repeat_device(si_heavy, [[2, 1], [0, 2]])
    inside = whole.unfold(k, "left")[0][0]
    want, found = at_points(si_heavy, inside, omega, width), at_points(whole, k, omega, width)
    layer = found["value"].reshape(2, 2, 4, 6)
    np.testing.assert_allclose(layer.mean(axis=2).reshape(2, 12), want["value"], rtol=1e-8, atol=0)
    np.testing.assert_allclose(found["left"], want["left"], rtol=1e-8, atol=0)


def test_every_plane_and_every_atom_keeps_the_current(si_heavy):
    lead = si_heavy.left
    masses = [lead.masses, lead.masses * [1, 2], si_heavy.right.masses, si_heavy.right.masses]
    junction = mass_junction(lead, lead.masses, si_heavy.right.masses, device=masses)
    omega = np.array([2.0, 4.0, 6.0]) * THz
    found, whole = local_current(junction, omega, k_mesh=(3, 3)), agf(junction, omega, k_mesh=(3, 3))
    np.testing.assert_allclose(found.total, whole.total, rtol=1e-9, atol=0)
    np.testing.assert_allclose(found.planes, np.repeat(whole.total[:, None], 3, axis=1), rtol=1e-9, atol=0)
    net = np.zeros((8, 3))
    np.add.at(net, found.first, found.value.T)
    np.add.at(net, found.second, -found.value.T)
    np.testing.assert_allclose(net[2:6], 0.0, rtol=0, atol=1e-9 * whole.total.max())
    assert (found.localised >= 0).all()
    assert (found.localised <= found.total).all()
    names = sorted(set(found.symbol))
    parts = sum(found.element_current(one, other, 1) for one in names for other in names)
    np.testing.assert_allclose(parts, whole.total, rtol=1e-9, atol=0)


def test_a_perfect_crystal_has_no_modes_of_an_interface(silicon):
    mass = silicon.masses
    perfect = mass_junction(silicon, mass, mass, device=[mass] * 3)
    found = local_current(perfect, np.array([2.0, 4.0]) * THz, k_mesh=(3, 3))
    np.testing.assert_allclose(found.localised, 0.0, rtol=0, atol=1e-7 * found.total.max())
    np.testing.assert_allclose(found.share([100, 300]), 0.0, rtol=0, atol=1e-7)


def test_interface_is_where_no_crystal_is(si_heavy, silicon):
    assert interface_layers(si_heavy) == (0, 1)
    masses = [silicon.masses] * 3 + [silicon.masses * 1.5] + [silicon.masses * 2] * 3
    graded = mass_junction(silicon, silicon.masses, silicon.masses * 2, device=masses)
    assert interface_layers(graded) == (2, 3, 4)
    perfect = mass_junction(silicon, silicon.masses, silicon.masses, device=[silicon.masses] * 4)
    assert interface_layers(perfect) == (1, 2)


def test_results_do_not_depend_on_who_works(si_heavy, tmp_path):
    omega = np.linspace(1, 9, 30) * THz
    alone = local_density(si_heavy, omega, k_mesh=(4, 4))
    for _ in range(2):
        kept = local_density(si_heavy, omega, k_mesh=(4, 4), store=Store(tmp_path))
        np.testing.assert_array_equal(kept.value, alone.value)


def test_what_cannot_be_is_told(si_heavy):
    omega = np.array([1.0, 2.0]) * THz
    with pytest.raises(InputError, match="above 0"):
        local_density(si_heavy, [0.0, 1.0])
    with pytest.raises(InputError, match="at least 0"):
        local_density(si_heavy, omega, width=-1.0)
    with pytest.raises(InputError, match="layers of the device"):
        local_current(si_heavy, omega, layers=(0, 7))
    found = local_density(si_heavy, omega, k_mesh=(1, 1))
    with pytest.raises(InputError, match="there are the layers 0 to 1"):
        found.of(layer=5)
    for change in ({"value": found.value[:1]}, {"layer": [0]}, {"symbol": ("Si",)}, {"left": [[np.nan]]}):
        with pytest.raises(InputError):
            evolve(found, **change)
    current = local_current(si_heavy, omega, k_mesh=(1, 1))
    for change in ({"total": [1.0]}, {"first": [0]}, {"layer": [0]}):
        with pytest.raises(InputError):
            evolve(current, **change)
    with pytest.raises(InputError, match="no integral"):
        local_current(si_heavy, [1 * THz], k_mesh=(1, 1)).share(300)
