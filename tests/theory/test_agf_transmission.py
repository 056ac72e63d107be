"""Transmission at single points: closed forms, tables of another program, and laws that hold for any junction."""

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from kapitza.matter.building.layers import chain_junction, mass_junction
from kapitza.matter.junction import SQUARE_PICOSECOND, Junction, JunctionLayer
from kapitza.theory.agf.green_functions import (
    caroli_transmission,
    crossing_modes,
    lead_contact,
    level_broadening,
    prepare_junction,
    solve_junction,
)
from kapitza.theory.agf.leads import dagger, decimation_self_energy
from kapitza.theory.agf.transmission import point_transmissions
from kapitza.units import THz, eV, m_u
from matter_samples import repeat_device

U = 1.66053906660e-27  # kg, of the tables
RATE = np.sqrt(eV / 1e-20 / U)  # rad/s of 1 eV/Å²/u, as in the tables


def points(junction, k, omega):
    return point_transmissions(
        prepare_junction(junction), np.asarray(k, dtype=float), np.arange(len(k)), np.asarray(omega)
    )


def table(path):
    return np.genfromtxt(path, delimiter=",", names=True)


def test_chains_have_their_closed_form(data):
    rows = table(data("agf/chain_interface_exact.csv"))
    for row in rows:
        made = chain_junction(
            (row["m1"] * 10 * m_u, row["k1"] * 10), (row["m2"] * 10 * m_u, row["k2"] * 10), bond=row["kI"] * 10
        )
        found = points(made, [[0, 0]], [row["omega"] / np.sqrt(m_u)])
        np.testing.assert_allclose(found.total[0], row["T"], rtol=0, atol=1e-8)


def test_silicon_and_heavy_silicon_as_kwant_has_it(data, si_heavy):
    rows = table(data("agf/si_sw_gemass_001_T_kwant.csv"))
    found = points(si_heavy, np.column_stack([rows["k1"], rows["k2"]]), rows["THz"] * THz)
    np.testing.assert_array_equal(found.left, rows["n_left"])
    np.testing.assert_array_equal(found.right, rows["n_right"])
    np.testing.assert_allclose(found.total, rows["T"], rtol=0, atol=1e-7)


def test_face_centred_springs_as_kwant_has_them(data, fcc):
    rows = table(data("agf/fcc_nn_T_kwant.csv"))
    for ratio in np.unique(rows["mass_ratio"]):
        these = rows[rows["mass_ratio"] == ratio]
        junction = mass_junction(fcc, U, ratio * U)
        found = points(junction, np.column_stack([these["k1"], these["k2"]]), these["omega"] * RATE)
        np.testing.assert_array_equal(found.left, these["n_left"])
        np.testing.assert_array_equal(found.right, these["n_right"])
        np.testing.assert_allclose(found.total, these["T"], rtol=0, atol=1e-6)


def test_perfect_crystal_lets_every_mode_through(silicon):
    rng = np.random.default_rng(3)
    perfect = mass_junction(silicon, 28.085 * U, 28.085 * U)
    found = points(perfect, rng.uniform(-0.5, 0.5, (1000, 2)), rng.uniform(0.1, 16, 1000) * THz)
    np.testing.assert_array_equal(found.left, found.right)
    np.testing.assert_allclose(found.total, found.left, rtol=0, atol=1e-9)


def random_junction(network, seed: int, layers: int) -> Junction:
    """Two random crystals of one kind of springs, with random masses and weakened springs between."""
    rng = np.random.default_rng(seed)
    lead = network(seed)
    masses = [lead.masses * rng.uniform(0.5, 3) for _ in range(layers)]
    return mass_junction(lead, masses[0], masses[-1], device=masses)


@given(
    seed=st.integers(0, 10**6),
    layers=st.integers(2, 5),
    k=st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)),
    part=st.floats(0.02, 0.7),
)
def test_reciprocity_bounds_and_reversal_for_any_junction(network, seed, layers, k, part):
    junction = random_junction(network, seed, layers)
    omega = part * np.sqrt(np.abs(junction.blocks(np.zeros(2)).onsite[0][0]).max() / SQUARE_PICOSECOND)
    solved = solve_junction(prepare_junction(junction), np.array([k]), np.zeros(1, int), np.array([omega]))
    left, right = solved.counts
    gamma = [level_broadening(sigma) for sigma in solved.sigma]
    forth = caroli_transmission(gamma[0], gamma[1], solved.corners[0][1])[0]
    back = caroli_transmission(gamma[1], gamma[0], solved.corners[1][0])[0]
    scale = max(1.0, forth)
    np.testing.assert_allclose(back, forth, rtol=0, atol=1e-9 * scale)
    assert -1e-9 < forth < min(left[0], right[0]) + 1e-8
    reverse = points(junction, [[-k[0], -k[1]]], [omega]).total[0]
    np.testing.assert_allclose(reverse, forth, rtol=0, atol=1e-8 * scale)


def test_junction_seen_from_behind_has_the_same_transmission(si_heavy):
    def behind(lead):
        place = {tuple(shift): i for i, shift in enumerate(lead.shifts.tolist())}
        opposite = [place[-a, -b] for a, b in lead.shifts.tolist()]
        return evolve(lead, hop=lead.hop[opposite].swapaxes(1, 2))

    left, right = si_heavy.left, si_heavy.right
    turned = mass_junction(behind(left), right.masses, left.masses)
    k, omega = [[0.11, 0.07], [0.23, -0.19]], np.array([2.0, 3.5]) * THz
    one, other = points(si_heavy, k, omega), points(turned, k, omega)
    np.testing.assert_array_equal(one.left, other.right)
    np.testing.assert_array_equal(one.right, other.left)
    np.testing.assert_allclose(one.total, other.total, rtol=1e-10, atol=0)


def test_thick_slab_inverted_as_a_whole(si_ge):
    """Second road: the whole device in one matrix, the leads by decimation with a small imaginary part."""
    k, omega, eta = np.array([[0.07, 0.12]]), 2.6 * THz, 1e-9
    blocks = si_ge.blocks(k)
    sizes = np.cumsum([0, *(block.shape[-1] for block in blocks.onsite)])
    whole = np.zeros((sizes[-1], sizes[-1]), dtype=complex)
    for i, block in enumerate(blocks.onsite):
        whole[sizes[i] : sizes[i + 1], sizes[i] : sizes[i + 1]] = -block[0]
    for i, block in enumerate(blocks.hop):
        whole[sizes[i] : sizes[i + 1], sizes[i + 1] : sizes[i + 2]] = -block[0]
        whole[sizes[i + 1] : sizes[i + 2], sizes[i] : sizes[i + 1]] = -block[0].conj().T
    energy = np.array([omega**2 * SQUARE_PICOSECOND * (1 + 1j * eta)])
    ends = []
    for lead, way in ((si_ge.left, dagger), (si_ge.right, lambda hop: hop)):
        onsite, hop = lead.blocks(k)
        ends.append(decimation_self_energy(onsite, way(hop), energy))
    whole += omega**2 * SQUARE_PICOSECOND * np.eye(sizes[-1])
    whole[: sizes[1], : sizes[1]] -= ends[0][0]
    whole[sizes[-2] :, sizes[-2] :] -= ends[1][0]
    green = np.linalg.inv(whole)[sizes[-2] :, : sizes[1]]
    wanted = caroli_transmission(level_broadening(ends[0]), level_broadening(ends[1]), green[None])[0]
    found = points(si_ge, k, [omega])
    assert wanted > 1
    np.testing.assert_allclose(found.total[0], wanted, rtol=1e-6, atol=0)


@pytest.mark.parametrize("tiling", [[[2, 0], [0, 1]], [[2, 1], [0, 2]], [[1, 1], [-1, 1]]])
def test_supercell_is_the_sum_over_its_wave_vectors(si_heavy, tiling):
    whole = repeat_device(si_heavy, tiling)
    k, omega = np.array([[0.21, 0.17]]), np.array([2.3, 5.1, 8.0]) * THz
    inside = whole.unfold(k, "left")[0][0]
    for one in omega:
        found = points(whole, k, [one])
        parts = points(si_heavy, inside, np.full(len(inside), one))
        np.testing.assert_allclose(found.total[0], parts.total.sum(), rtol=1e-10, atol=1e-12)
        assert found.left[0] == parts.left.sum()


def test_layers_of_the_lead_in_the_device_change_nothing(si_heavy):
    left, right = si_heavy.left, si_heavy.right
    longer = mass_junction(left, left.masses, right.masses, device=[left.masses] * 7 + [right.masses] * 5)
    k, omega = [[0.1, 0.05], [0.02, 0.3]], np.array([3.0, 4.0]) * THz
    np.testing.assert_allclose(points(longer, k, omega).total, points(si_heavy, k, omega).total, rtol=1e-9, atol=1e-12)


def test_a_single_layer_is_a_device(si_heavy, silicon):
    one = JunctionLayer(silicon.masses, silicon.shifts, silicon.onsite, None)
    made = Junction("one", silicon.periods, si_heavy.left, si_heavy.left, (one,))
    found = points(made, [[0.1, 0.05]], [3 * THz])
    np.testing.assert_allclose(found.total, found.left, rtol=1e-10, atol=0)


def test_broken_masses_between_equal_leads_reflect(silicon):
    heavy = mass_junction(silicon, 28.085 * U, 28.085 * U, device=[28.085 * U, 90 * U, 28.085 * U])
    found = points(heavy, [[0.05, 0.02]], [3 * THz])
    assert 0 < found.total[0] < found.left[0] - 0.1


def test_one_corner_alone_is_that_of_all_four(si_ge, network):
    for junction, omega in (
        (si_ge, 2.6 * THz),
        (random_junction(network, 11, 4), 3e13),
        (repeat_device(si_ge, [2, 1]), THz),
    ):
        what, k = prepare_junction(junction), np.array([[0.07, 0.12], [0.31, -0.2]])
        index, each = np.array([0, 1, 0]), omega * np.array([1.0, 1.1, 0.9])
        solved = solve_junction(what, k, index, each)
        sides = lead_contact(what, k, "left"), lead_contact(what, k, "right")
        found, left, right = crossing_modes(sides, junction.blocks(k), index, each)
        np.testing.assert_allclose(found, solved.transmission, rtol=1e-10, atol=1e-12)
        np.testing.assert_array_equal((left, right), solved.counts)
