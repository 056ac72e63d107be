"""Real matrices where the symmetry of a lead allows them: found, exact, and left alone where they are not real."""

import numpy as np
import pytest
from attrs import evolve

from kapitza.matter.building.layers import chain_junction, lead_from_force_constants, repeat_blocks
from kapitza.matter.junction import Lead
from kapitza.theory.agf.leads import RealBasis, coupling_basis, dagger, find_real_basis, lead_layers, solve_lead_waves
from kapitza.units import THz, m_u

SPECIAL = np.array([[0, 0], [0.5, 0], [0, 0.5], [0.5, 0.5], [0.2, 0.2], [0.3, 0], [1 / 3, 1 / 3]])


def wide(lead, tiling, tall=1):
    """The same crystal in a larger cell of thicker layers."""
    tiling = np.array(tiling)
    cells = [[*shift, 0] for shift in lead.shifts]
    cells += [[*shift, 1] for shift in lead.shifts] + [[*(-shift), -1] for shift in lead.shifts]
    values = np.concatenate([lead.onsite, lead.hop, lead.hop.swapaxes(1, 2)])
    lattice = np.vstack([lead.periods, lead.step])
    thick = lead_from_force_constants("tall", lattice, lead.masses, cells, values, layers=tall)
    shifts, onsite = repeat_blocks(thick.shifts, thick.onsite, tiling)
    _, hop = repeat_blocks(thick.shifts, thick.hop, tiling)
    masses = np.tile(thick.masses, round(np.linalg.det(tiling)))
    return Lead(
        name="wide",
        periods=tiling @ lead.periods,
        step=thick.step,
        masses=masses,
        shifts=shifts,
        onsite=onsite,
        hop=hop,
    )


def turned(lead, rotation):
    """The same crystal in other Cartesian axes."""
    n = lead.masses.size
    big = np.kron(np.eye(n), rotation)
    onsite, hop = (big @ block @ big.T for block in (lead.onsite, lead.hop))
    return evolve(lead, periods=lead.periods @ rotation.T, step=rotation @ lead.step, onsite=onsite, hop=hop)


def rotation(angle, axis):
    """Of an angle (rad) about an axis (3,)."""
    x, y, z = np.asarray(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def both_ways(lead, k, omega):
    """Waves with real and with complex matrices, and their self-energies, (b, f, f) each."""
    found = coupling_basis(lead)
    assert found.gauge is not None
    at, plain = lead_layers(lead, k, found), lead_layers(lead, k, evolve(found, gauge=None))
    assert at.real is not None
    assert plain.real is None
    waves = solve_lead_waves(at, omega), solve_lead_waves(plain, omega)
    sigma = [(at.a @ w.right @ dagger(at.a), at.b @ w.left @ dagger(at.b)) for w in waves]
    return waves, sigma


def test_self_energies_are_those_of_complex_matrices(silicon, fcc):
    rng = np.random.default_rng(4)
    for lead, top, points in (
        (silicon, 16.5 * THz, 3000),
        (fcc, 2.5e14, 500),
        (wide(silicon, [[1, -1], [1, 1]], tall=2), 16.5 * THz, 60),
    ):
        k, omega = rng.uniform(-0.5, 0.5, (points, 2)), rng.uniform(0.005, 1, points) * top
        (real, plain), sigma = both_ways(lead, k, omega)
        np.testing.assert_array_equal(real.count, plain.count)
        for one, other in zip(*sigma, strict=True):
            error = np.abs(one - other).max(axis=(1, 2)) / np.abs(other).max(axis=(1, 2))
            assert np.median(error) < 1e-13
            assert np.quantile(error, 0.999) < 1e-10
            assert error.max() < 1e-8  # beside band edges either has lost some figures


def test_waves_are_the_same_one_by_one(silicon):
    k, omega = np.array([[0.11, 0.23], [0.31, -0.4]]), np.array([3.1, 7.7]) * THz
    (real, plain), _ = both_ways(silicon, k, omega)
    for i in range(2):
        a, b = (np.sort_complex(w.factor[i][w.open[i]]) for w in (real, plain))
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-10)
    for w in (real, plain):
        flux = 1j * (dagger(w.q) @ w.p - dagger(w.p) @ w.q)
        np.testing.assert_allclose(np.diagonal(flux, axis1=1, axis2=2).real * w.open, w.flux, rtol=0, atol=1e-10)


CELLS = [([[1, -1], [1, 1]], 1), ([[1, -1], [1, 1]], 2), ([[2, 0], [0, 1]], 2), ([[2, 0], [0, 2]], 2)]


@pytest.mark.parametrize(("tiling", "tall"), CELLS)
def test_blocks_are_real_in_larger_cells(silicon, tiling, tall):
    made = wide(silicon, tiling, tall)
    rng = np.random.default_rng(5)
    k = np.concatenate([SPECIAL, rng.uniform(-0.5, 0.5, (20, 2))])
    at = lead_layers(made, k, coupling_basis(made))
    assert at.real is not None
    np.testing.assert_allclose(np.linalg.eigvalsh(at.real.onsite), np.linalg.eigvalsh(at.onsite), rtol=1e-9, atol=1e-6)
    size = np.linalg.norm(at.real.a @ at.real.b.swapaxes(1, 2), axis=(1, 2))
    np.testing.assert_allclose(size, np.linalg.norm(at.hop, axis=(1, 2)), rtol=1e-12, atol=0)


def test_blocks_are_real_in_any_axes(silicon):
    made = turned(silicon, rotation(0.7, [0.3, -1, 0.4]))
    at = lead_layers(made, SPECIAL, coupling_basis(made))
    assert at.real is not None


def test_two_masses_and_chains_are_real_too(si_ge):
    for lead in (si_ge.left, si_ge.right, chain_junction((28 * m_u, 50.0), (70 * m_u, 60.0), bond=40.0).left):
        assert lead_layers(lead, SPECIAL, coupling_basis(lead)).real is not None


def test_crystals_without_the_symmetry_are_left_alone(network, fcc):
    assert all(find_real_basis(network(seed)) is None for seed in range(20))
    lattice = np.vstack([fcc.periods, fcc.step])
    cells = np.array([[*shift, n] for n in (0, 1) for shift in fcc.shifts] + [[*(-s), -1] for s in fcc.shifts])
    values = np.concatenate([fcc.onsite, fcc.hop, fcc.hop.swapaxes(1, 2)])
    change = np.array([[1, 0, -1], [0, 1, -1], [0, 0, 1]])  # layers (111), which have a threefold axis
    new = np.array([[1, 0, 0], [0, 0, 1], [0, 1, 0]]) @ change
    hexagonal = np.round(cells @ np.linalg.inv(new)).astype(int)
    shape = new @ lattice
    if shape[2] @ np.cross(shape[0], shape[1]) < 0:
        shape, hexagonal = shape * [[1], [1], [-1]], hexagonal * [1, 1, -1]
    made = lead_from_force_constants("fcc 111", shape, fcc.masses, hexagonal, values)
    at = lead_layers(made, SPECIAL, coupling_basis(made))
    omega = np.full(len(SPECIAL), 8e13)
    assert solve_lead_waves(at, omega).count.max() > 0


def test_cells_whose_step_breaks_the_symmetry_are_left_alone(silicon):
    made = wide(silicon, [[2, 1], [0, 2]])
    assert lead_layers(made, SPECIAL, coupling_basis(made)).real is None


def test_a_basis_that_does_not_fit_is_not_used(silicon):
    wrong = RealBasis(np.eye(6, dtype=complex), np.zeros((6, 2), dtype=int), np.zeros(2, dtype=int))
    assert lead_layers(silicon, SPECIAL[4:5], evolve(coupling_basis(silicon), gauge=wrong)).real is None
