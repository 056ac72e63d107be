"""Scattering mode by mode: unitarity, sums, packets in time, specularity, eigenchannels, tables."""

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from kapitza.errors import InputError
from kapitza.matter.building.layers import chain_junction, mass_junction
from kapitza.matter.junction import SQUARE_PICOSECOND
from kapitza.theory.agf.conductance import agf
from kapitza.theory.agf.green_functions import prepare_junction
from kapitza.theory.agf.leads import bulk_matrix
from kapitza.theory.agf.modal_transmission import (
    accumulation,
    agf_modes,
    branch_probabilities,
    incident_mode_columns,
    mode_conversion,
    modes_and_conversion,
)
from kapitza.theory.agf.scattering import eigenchannels, scattering_matrix, solve_scattering, specularity
from kapitza.theory.agf.wave_packet import wave_packet
from kapitza.theory.chain import Chain, chain_transmission
from kapitza.units import THz, m_u
from matter_samples import repeat_device


@pytest.fixture(scope="module")
def rough(si_heavy):
    """Supercell of four cells whose first heavy layer is half light."""
    whole = repeat_device(si_heavy, [[2, 1], [0, 2]])
    masses = whole.device[1].masses.copy()
    masses[np.random.default_rng(1).permutation(8)[:4]] = 28.085 * m_u
    return evolve(whole, device=(whole.device[0], evolve(whole.device[1], masses=masses)))


def open_points(junction, number, seed=0):
    rng = np.random.default_rng(seed)
    what = prepare_junction(junction)
    found = []
    while len(found) < number:
        one = solve_scattering(what, rng.uniform(-0.5, 0.5, (1, 2)), rng.uniform(0.3, 9.5) * THz)
        if min(one.block("left", "right").shape):
            found.append(one)
    return found


def test_scattering_is_unitary_and_its_sums_are_carolis(si_heavy):
    for found in open_points(si_heavy, 150):
        assert found.unitarity < 1e-8
        np.testing.assert_allclose(found.total, found.caroli, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found.transmission("right").sum(), found.total, rtol=1e-10, atol=1e-13)


@given(seed=st.integers(0, 10**6), k=st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)), part=st.floats(0.05, 0.6))
def test_any_junction_scatters_unitarily_and_reciprocally(network, seed, k, part):
    lead = network(seed)
    masses = [lead.masses * factor for factor in np.random.default_rng(seed).uniform(0.5, 3, 3)]
    junction = mass_junction(lead, masses[0], masses[2], device=masses)
    omega = part * np.sqrt(np.abs(junction.blocks(np.zeros(2)).onsite[0][0]).max() / SQUARE_PICOSECOND)
    found, back = (scattering_matrix(junction, [s * k[0], s * k[1]], omega) for s in (1, -1))
    assert found.unitarity < 1e-8
    np.testing.assert_allclose(found.total, found.caroli, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(found.total, back.total, rtol=0, atol=1e-8)
    for side, sign in (("left", 1), ("right", -1)):
        at = ("left", "right").index(side)
        assert (sign * found.arriving[at].velocity[:, 2] > 0).all()
        assert (sign * found.leaving[at].velocity[:, 2] < 0).all()


def test_degenerate_waves_are_summed_to_what_symmetry_wants(si_heavy):
    found = scattering_matrix(si_heavy, [0, 0], 1 * THz)
    groups = found.arriving[0].group
    assert len(np.unique(groups)) == 2  # two transverse waves are one group, the longitudinal one is another
    table = found.sum_degenerate("left", "right")
    np.testing.assert_allclose(table.sum(), found.caroli, rtol=1e-10, atol=0)
    assert np.sort(table.ravel())[:2].max() < 1e-20  # no conversion at normal incidence
    np.testing.assert_allclose(table.max() / np.sort(table.ravel())[-2], 2.0, rtol=0.01, atol=0)


def test_velocities_are_slopes_of_the_bands(si_heavy):
    found = scattering_matrix(si_heavy, [0.13, 0.12], 3 * THz)
    lead, channels = si_heavy.left, found.arriving[0]
    assert channels.fold.size

    def frequency(wave, branch):
        onsite, hop = lead.blocks(wave @ lead.periods.T / (2 * np.pi))
        return np.sqrt(
            np.linalg.eigvalsh(bulk_matrix(onsite, hop, np.exp(1j * wave @ lead.step)))[0, branch] / SQUARE_PICOSECOND
        )

    step = 1e5 * np.eye(3)
    for wave, branch, velocity in zip(channels.wavevector, channels.branch, channels.velocity, strict=True):
        np.testing.assert_allclose(frequency(wave, branch), 3 * THz, rtol=1e-10, atol=0)
        slope = [(frequency(wave + d, branch) - frequency(wave - d, branch)) / 2e5 for d in step]
        np.testing.assert_allclose(velocity, slope, rtol=1e-5, atol=1e-3)


def test_long_waves_meet_acoustic_impedances(si_heavy):
    """Masses alone change, so impedances go as their root, and so does acoustic mismatch at normal incidence."""
    root = np.sqrt(72.630 / 28.085)
    found = scattering_matrix(si_heavy, [0, 0], 0.02 * THz)
    np.testing.assert_allclose(found.transmission("left"), 4 * root / (1 + root) ** 2, rtol=2e-5, atol=0)


def test_packets_in_time_find_the_same(si_heavy):
    k, width = [0.07, 0.03], 20.0
    packet = wave_packet(si_heavy, k, 0.8, branch=2, width=width)
    what = prepare_junction(si_heavy)
    wanted = 0.0
    for omega, share in zip(packet.omega, packet.share, strict=True):
        found = solve_scattering(what, np.array([k]), float(omega))
        wanted += share * found.transmission("left")[found.arriving[0].branch == 2].sum()
    np.testing.assert_allclose(packet.transmitted, wanted, rtol=2e-4, atol=0)
    np.testing.assert_allclose(packet.transmitted + packet.reflected, 1.0, rtol=1e-4, atol=0)
    assert packet.drift < 1e-6


def test_packets_on_chains_have_the_closed_form():
    left, right = (28 * m_u, 50.0), (60 * m_u, 30.0)
    packet = wave_packet(chain_junction(left, right, bond=20.0), [0, 0], 0.7, branch=0, width=20.0)
    order = np.argsort(packet.omega)
    exact = chain_transmission(Chain(*left), Chain(*right), packet.omega[order], bond=20.0)
    np.testing.assert_allclose(packet.transmitted, packet.share[order] @ exact, rtol=1e-4, atol=0)


def test_packets_that_cannot_be_made_are_told(si_heavy, rough):
    with pytest.raises(InputError, match="to the right"):
        wave_packet(si_heavy, [0.07, 0.03], -0.8, branch=1)
    with pytest.raises(InputError, match="periods of the junction"):
        wave_packet(rough, [0.07, 0.03], 0.8, branch=1)
    with pytest.raises(InputError, match="at least 4"):
        wave_packet(si_heavy, [0.07, 0.03], 0.8, branch=1, width=1.0)


def test_smooth_interfaces_are_specular_and_rough_ones_are_not(si_heavy, rough):
    smooth = repeat_device(si_heavy, [[2, 1], [0, 2]])
    for junction, low, high in ((smooth, 1 - 1e-9, 1 + 1e-9), (rough, 0.0, 0.95)):
        found = scattering_matrix(junction, [0.1, 0.2], 7 * THz)
        assert found.unitarity < 1e-8
        kept = specularity(junction, found)
        whole = kept.transmitted_specular + kept.transmitted_diffuse + kept.reflected_specular + kept.reflected_diffuse
        np.testing.assert_allclose(whole, 1.0, rtol=1e-9, atol=0)
        np.testing.assert_allclose(
            kept.transmitted_specular + kept.transmitted_diffuse, found.transmission("left"), rtol=1e-9, atol=1e-15
        )
        assert low <= np.nanmax(kept.reflected) <= high
    lights = specularity(smooth, scattering_matrix(smooth, [0.1, 0.2], 7 * THz), "right")
    np.testing.assert_allclose(lights.transmitted_diffuse, 0.0, rtol=0, atol=1e-12)


def test_eigenchannels_do_not_mix(si_heavy):
    found = scattering_matrix(si_heavy, [0.13, 0.12], 3 * THz)
    value, arriving, leaving = eigenchannels(found)
    t = found.block("left", "right")
    np.testing.assert_allclose(value.sum(), found.total, rtol=1e-12, atol=0)
    assert (np.diff(value) <= 0).all()
    assert value.max() <= 1 + 1e-12
    np.testing.assert_allclose(t @ arriving, leaving * np.sqrt(value), rtol=0, atol=1e-13)


def test_table_of_modes_sums_to_the_transmission(si_heavy):
    omega = np.array([1.0, 3.0, 5.0]) * THz
    modes, whole = agf_modes(si_heavy, omega, k_mesh=(6, 6)), agf(si_heavy, omega, k_mesh=(6, 6))
    summed = modes.total()
    at = np.searchsorted(whole.omega, summed.omega)
    np.testing.assert_allclose(summed.total, whole.total[at], rtol=1e-10, atol=0)
    np.testing.assert_allclose(summed.left, whole.left[at], rtol=1e-12, atol=0)
    np.testing.assert_allclose(summed.right, whole.right[at], rtol=1e-12, atol=0)
    np.testing.assert_allclose(modes.specular, modes.transmission, rtol=1e-9, atol=1e-15)
    assert (modes.velocity[modes.side == 0] > 0).all()
    assert (modes.angle <= np.pi / 2).all()


def test_conversion_of_branches_keeps_every_mode(si_heavy):
    omega = np.array([3.0, 5.0]) * THz
    modes, found = modes_and_conversion(si_heavy, omega, k_mesh=(4, 4))
    apart = agf_modes(si_heavy, omega, k_mesh=(4, 4)), mode_conversion(si_heavy, omega, k_mesh=(4, 4))
    np.testing.assert_array_equal(modes.transmission, apart[0].transmission)
    np.testing.assert_array_equal(found.transmitted, apart[1].transmitted)
    whole = agf(si_heavy, omega, k_mesh=(4, 4))
    np.testing.assert_allclose(found.transmitted.sum(axis=(1, 2)), whole.total, rtol=1e-10, atol=0)
    np.testing.assert_allclose(
        found.transmitted.sum(axis=1) + found.reflected.sum(axis=1), found.arriving, rtol=1e-9, atol=1e3
    )


def test_tables_do_not_depend_on_the_basis_of_degenerate_waves(si_heavy):
    """At Γ the two transverse waves are one level: they share what they have evenly."""
    found = scattering_matrix(si_heavy, [0, 0], 1 * THz)
    table = incident_mode_columns(si_heavy, found, "left")
    pair = np.flatnonzero(np.bincount(found.arriving[0].group)[found.arriving[0].group] == 2)
    assert pair.size == 2
    np.testing.assert_allclose(*table["transmission"][pair], rtol=1e-14, atol=0)
    np.testing.assert_allclose(table["transmission"].sum(), found.total, rtol=1e-12, atol=0)
    matrix = branch_probabilities(found, "left", "right", (6, 6))
    np.testing.assert_allclose(matrix.sum(), found.total, rtol=1e-12, atol=0)
    both = found.arriving[0].branch[pair]
    np.testing.assert_allclose(matrix[:, both[0]], matrix[:, both[1]], rtol=1e-12, atol=0)


def test_accumulation_ends_at_the_whole(si_heavy):
    modes = agf_modes(si_heavy, k_mesh=(4, 4))
    order, carried = accumulation(modes, 1e-9 * (1 + modes.angle), 300.0)
    assert (np.diff(order) >= 0).all()
    assert (np.diff(carried) >= 0).all()
    np.testing.assert_allclose(carried[-1], modes.total().conductance(300.0).value[0], rtol=1e-9, atol=0)
    np.testing.assert_allclose(carried[-1], 276.7e6, rtol=0.15, atol=0)  # 4 x 4 wave vectors, 40 frequencies
    with pytest.raises(InputError, match="one for each row"):
        accumulation(modes, [1.0], 300.0)


@pytest.mark.parametrize(("k", "omega"), [([0.1, 0.2], 0.0), ([0.1, 0.2], np.nan), ([[0.1, 0.2]] * 2, 1e12)])
def test_points_that_are_none_are_told(si_heavy, k, omega):
    with pytest.raises(InputError, match=r"above 0|one wave vector"):
        scattering_matrix(si_heavy, k, omega)
