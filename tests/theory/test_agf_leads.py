"""Waves of a lead: against decimation, against counting bands, and against other choices of the layer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapitza.errors import ConvergenceError
from kapitza.matter.building.layers import chain_junction, lead_from_force_constants
from kapitza.matter.junction import SQUARE_PICOSECOND
from kapitza.theory.agf.green_functions import prepare_junction
from kapitza.theory.agf.leads import (
    POLE_SELF_ENERGY,
    bulk_matrix,
    coupling_basis,
    dagger,
    decimation_self_energy,
    lead_layers,
    quotient_overflows,
    solve_lead_waves,
)
from kapitza.theory.agf.scattering import scattering_matrix
from kapitza.theory.agf.transmission import point_transmissions
from kapitza.units import THz, m_u

ETA = 1e-10


def waves(lead, k, omega):
    at = lead_layers(lead, k, coupling_basis(lead))
    return at, solve_lead_waves(at, omega)


def error(found, wanted):
    return np.abs(found - wanted).max(axis=(1, 2)) / np.abs(wanted).max(axis=(1, 2))


def crossings(lead, k, omega, steps):
    """Waves to the right at each point, by counting where bands cross the frequency."""
    onsite, hop = lead.blocks(k)
    phase = np.exp(2j * np.pi * np.arange(steps) / steps)
    above = (
        np.stack([np.linalg.eigvalsh(bulk_matrix(onsite, hop, one)) for one in phase])
        > (omega**2 * SQUARE_PICOSECOND)[:, None]
    )
    return (above & ~np.roll(above, 1, axis=0)).sum(axis=(0, 2))


def test_self_energies_are_those_of_decimation(silicon):
    rng = np.random.default_rng(1)
    k = np.concatenate([rng.uniform(-0.5, 0.5, (300, 2)), [[0, 0], [0.5, 0], [0.5, 0.5], [0.25, 0.25]]])
    omega = rng.uniform(0.05, 17, len(k)) * THz
    at, found = waves(silicon, k, omega)
    energy = omega**2 * SQUARE_PICOSECOND * (1 + 1j * ETA)
    right = error(at.a @ found.right @ dagger(at.a), decimation_self_energy(at.onsite, at.hop, energy))
    left = error(at.b @ found.left @ dagger(at.b), decimation_self_energy(at.onsite, dagger(at.hop), energy))
    assert np.median(right) < 2e-9
    assert np.median(left) < 2e-9
    assert max(right.max(), left.max()) < 2e-6  # what the imaginary part of decimation does beside a band edge


def test_no_channel_is_miscounted_at_2000_random_points(silicon):
    rng = np.random.default_rng(7)
    k, omega = rng.uniform(-0.5, 0.5, (2000, 2)), rng.uniform(0.02, 16.5, 2000) * THz
    _, found = waves(silicon, k, omega)
    counted = crossings(silicon, k, omega, 100)
    unsure = np.flatnonzero(counted != found.count)  # bands that rise and fall between two samples
    assert unsure.size < 40
    finer = crossings(silicon, k[unsure], omega[unsure], 20000)
    np.testing.assert_array_equal(found.count[unsure], finer)
    np.testing.assert_array_equal(found.open[:, : found.rank].sum(axis=1), found.open[:, found.rank :].sum(axis=1))


@given(seed=st.integers(0, 10**6), k=st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)), part=st.floats(0.02, 1.1))
def test_waves_solve_the_equation_of_motion(network, seed, k, part):
    lead = network(seed)
    top = np.sqrt(np.linalg.eigvalsh(bulk_matrix(*lead.blocks(np.zeros(2)), -1.0))[0, -1] / SQUARE_PICOSECOND)
    at, found = waves(lead, np.array([k]), np.array([part * top]))
    r = found.rank
    energy = (part * top) ** 2 * SQUARE_PICOSECOND
    for sigma, a, b in ((found.right[0], at.a[0], at.b[0]), (found.left[0], at.b[0], at.a[0])):
        surface = np.linalg.inv(energy * np.eye(len(a)) - at.onsite[0] - a @ sigma @ a.conj().T)
        assert np.abs(b.conj().T @ surface @ b - sigma).max() < 1e-7 * max(1, np.abs(sigma).max())  # one layer more
    flux = 1j * (dagger(found.q) @ found.p - dagger(found.p) @ found.q)[0]
    assert (np.diagonal(flux).real[:r][found.open[0, :r]] > 0).all()
    assert (np.diagonal(flux).real[r:][found.open[0, r:]] < 0).all()


def test_thicker_layers_change_nothing(silicon):
    lattice = np.vstack([silicon.periods, silicon.step])
    cells = [[*shift, 0] for shift in silicon.shifts]
    cells += [[*shift, 1] for shift in silicon.shifts] + [[*(-shift), -1] for shift in silicon.shifts]
    values = np.concatenate([silicon.onsite, silicon.hop, silicon.hop.swapaxes(1, 2)])
    thick = lead_from_force_constants("Si", lattice, silicon.masses, cells, values, layers=3)
    assert coupling_basis(thick).rank == coupling_basis(silicon).rank == 6
    k, omega = np.array([[0.11, 0.23], [0.31, -0.4]]), np.array([3.1, 7.7]) * THz
    one, three = waves(silicon, k, omega)[1], waves(thick, k, omega)[1]
    np.testing.assert_array_equal(one.count, three.count)
    open_one, open_three = (np.sort(np.angle(w.factor[w.open] ** n)) for w, n in ((one, 3), (three, 1)))
    np.testing.assert_allclose(open_three, open_one, rtol=0, atol=1e-9)


def test_waves_of_a_chain_are_known():
    lead = chain_junction((28 * m_u, 50.0), (28 * m_u, 50.0), bond=50.0).left
    cutoff = 2 * np.sqrt(50 / (28 * m_u))
    omega = cutoff * np.array([1e-4, 0.3, 0.9, 0.999999, 1.2])
    _, found = waves(lead, np.zeros((5, 2)), omega)
    phase = 2 * np.arcsin(np.minimum(omega / cutoff, 1))
    np.testing.assert_array_equal(found.count, [1, 1, 1, 1, 0])
    np.testing.assert_allclose(np.angle(found.factor[:4, 0]), phase[:4], rtol=1e-7, atol=0)
    decay = -2 * np.arccosh(1.2)
    np.testing.assert_allclose(np.log(np.abs(found.factor[4])), [decay, -decay], rtol=1e-9, atol=0)


def test_degenerate_waves_of_opposite_directions_are_told_apart():
    """Two chains side by side, folded such that both directions have the same Bloch factor at the zone boundary."""
    lead = chain_junction((28 * m_u, 50.0), (28 * m_u, 50.0), bond=50.0).left
    lattice = np.vstack([lead.periods, lead.step])
    cells = [[0, 0, 0], [0, 0, 1], [0, 0, -1]]
    values = np.concatenate([lead.onsite, lead.hop, lead.hop])
    double = lead_from_force_constants("two", lattice, lead.masses, cells, values, layers=2)
    omega = np.sqrt(2 * 50 / (28 * m_u))  # a quarter of the period: λ² = -1 both ways
    _, found = waves(double, np.zeros((1, 2)), np.array([omega]))
    assert found.count[0] == 1
    np.testing.assert_allclose(found.factor[0][found.open[0]], [-1, -1], rtol=1e-7, atol=0)


def test_decimation_says_where_it_stops(silicon, monkeypatch):
    monkeypatch.setattr("kapitza.theory.agf.leads.MAX_DECIMATION_STEPS", 3)
    at = lead_layers(silicon, [[0.1, 0.2]], coupling_basis(silicon))
    with pytest.raises(ConvergenceError, match="after 3 steps"):
        decimation_self_energy(at.onsite, at.hop, np.array([100.0 + 1e-8j]))


def test_vibrations_that_end_within_one_layer_have_no_finite_factor(si_ge):
    """At the corner of the zone some waves neither come from nor reach the next layer."""
    found = scattering_matrix(si_ge, [0.5, 0.5], 10.3985 * THz)  # a gap of both crystals
    assert found.matrix.shape == (0, 0)
    omega = np.linspace(10.397, 10.399, 60) * THz
    crossing = point_transmissions(
        prepare_junction(si_ge), np.array([[0.5, 0.5]]), np.zeros(omega.size, dtype=int), omega
    )
    for sums in (crossing.total, crossing.left, crossing.right):
        np.testing.assert_array_equal(sums, 0)


def test_beside_a_mode_of_the_surface_the_frequency_is_stepped_aside():
    """Pairs of atoms joined by the stiffer spring K2, cut between the two: the end rings at ω² = (K1 + K2)/m."""
    m, soft, stiff = 28 * m_u, 20.0, 50.0
    cells, own = [[0, 0, 0], [0, 0, 1], [0, 0, -1]], np.kron([[0, -soft], [-soft, 0]], np.eye(3))
    np.fill_diagonal(own, soft + stiff)
    hop = np.kron([[0, 0], [-stiff, 0]], np.eye(3))
    lead = lead_from_force_constants("pairs", 3e-10 * np.eye(3), [m, m], cells, [own, hop, hop.T])
    ring = np.sqrt((soft + stiff) / m)
    _, found = waves(lead, np.zeros((3, 2)), ring * np.array([1 - 1e-6, 1, 1 + 1e-6]))
    np.testing.assert_array_equal(found.count, 0)
    for sigma in (found.left, found.right):
        size = np.abs(sigma).max(axis=(1, 2))
        np.testing.assert_allclose(size[2], size[0], rtol=1e-4, atol=0)
        assert size[0] < size[1] < POLE_SELF_ENERGY  # beside the pole


def test_what_has_no_quotient_is_told():
    one = np.broadcast_to(np.eye(2) + 0j, (3, 2, 2))
    singular = np.array([np.eye(2), np.diag([1, 0]), np.diag([1, 1e-13])]) + 0j
    np.testing.assert_array_equal(quotient_overflows(one, singular), [False, True, True])
