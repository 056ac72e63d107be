"""Probes with rates by branch: equal rates, no rates, rates of each mode, diffusion, conservation, files."""

import h5py
import numpy as np
import pytest

from kapitza import cli
from kapitza.errors import DataError, InputError
from kapitza.io.transport.lifetimes import read_branch_rates, read_relaxation_rate
from kapitza.matter.building.layers import lead_from_force_constants
from kapitza.theory.agf.buttiker_probes import ProbeSettings, _balance, _probe_conductances, anharmonic_conductance
from kapitza.theory.agf.relaxation import (
    BranchRates,
    CellModes,
    RelaxationRate,
    branch_conductivity,
    fit_rates,
    homogeneous_junction,
    mode_velocities,
    rate_matrices,
)
from kapitza.theory.agf.transmission import UnitRunner
from kapitza.units import m_u

SMALL = ProbeSettings(layers=5, k_mesh=(3, 3), number=16, statistics="classical")
SPACING = 4e-10


def constant(*rates):
    return [RelaxationRate([1e11, 1e14], [rate, rate]) for rate in rates]


@pytest.fixture(scope="module")
def cubic():
    """Simple cubic crystal: motions along x, y and z are apart, each with springs of its own along the normal."""
    cells, springs = [(0, 0, 0)], [np.zeros((3, 3))]
    for axis in range(3):
        spring = np.diag([8.0, 12.0, 20.0]) if axis == 2 else np.diag([9.0] * 3)
        for step in (1, -1):
            cells.append(tuple(step * (axis == i) for i in range(3)))
            springs.append(-spring)
            springs[0] = springs[0] + spring
    return lead_from_force_constants("cubic", SPACING * np.eye(3), [40 * m_u], cells, springs)


def test_equal_rates_of_all_branches_are_rates_of_frequencies(si_heavy):
    law = RelaxationRate.quadratic(2e-16), RelaxationRate.quadratic(4e-16)
    plain = anharmonic_conductance(si_heavy, law, settings=SMALL)
    branches = tuple(BranchRates([one] * 6) for one in law)
    found = anharmonic_conductance(si_heavy, (branches[0], branches[1]), settings=SMALL)
    np.testing.assert_allclose(found.flux, plain.flux, rtol=1e-10, atol=0)
    np.testing.assert_allclose(found.resistance, plain.resistance, rtol=1e-9, atol=0)
    np.testing.assert_allclose(found.profile, plain.profile, rtol=0, atol=1e-10)


def test_without_scattering_and_with_unequal_branches_heat_is_kept(si_heavy):
    off = BranchRates([RelaxationRate.quadratic(0.0)] * 6)
    harmonic = _probe_conductances(si_heavy, (RelaxationRate.quadratic(0.0),) * 2, 300.0, SMALL, UnitRunner())
    probed = _probe_conductances(si_heavy, (off, off), 300.0, SMALL, UnitRunner())
    np.testing.assert_allclose(probed, harmonic, rtol=0, atol=1e-10 * harmonic[0, -1])
    unequal = BranchRates([RelaxationRate.quadratic(s * 1e-16) for s in (1, 2, 5, 3, 3, 9)])
    found = anharmonic_conductance(si_heavy, (unequal, RelaxationRate.quadratic(2e-16)), settings=SMALL)
    assert found.imbalance < 1e-10
    assert found.harmonic.value[0] > 0


def test_modes_lose_energy_at_their_own_rates(silicon):
    """Exact for orthogonal polarisations; in silicon, at random wave vectors, 5 % off in the median, positive."""
    axes = np.eye(3, dtype=complex)
    np.testing.assert_allclose(np.diag(fit_rates(axes, np.array([1.0, 4.0, 9.0]))), [1, 4, 9], rtol=1e-12, atol=0)
    rng = np.random.default_rng(3)
    law = BranchRates(constant(1e11, 2e11, 5e11, 8e11, 1e12, 1e12))
    misfits = []
    for k in rng.uniform(0.05, 0.45, (4, 2)):
        omega = rng.uniform(1e13, 9e13, 12)
        gamma = rate_matrices(silicon, law, k, omega)
        np.testing.assert_allclose(gamma, gamma.conj().swapaxes(1, 2), rtol=0, atol=1e-12 * np.abs(gamma).max())
        assert np.linalg.eigvalsh(gamma).min() > 0.999e11
        which, branch, vectors = CellModes(silicon, k, 6).at_frequencies(omega)
        wanted = law.at(omega)[which, branch]
        lost = np.einsum("ma,mab,mb->m", vectors.conj(), gamma[which], vectors).real
        misfits += (lost / wanted - 1).tolist()
    assert len(misfits) > 50
    assert np.median(np.abs(misfits)) < 0.05


def test_strong_scattering_leaves_the_conductivity_of_the_boltzmann_equation(cubic):
    """Rates that differ by a factor of 4 between branches: resistance per length of 60 layers less 30, to 1 %."""
    law = BranchRates(constant(1e12, 2e12, 4e12))
    settings = ProbeSettings(layers=4, k_mesh=(4, 4), number=40, statistics="classical")
    resistance = []
    for layers in (30, 60):
        heat = _probe_conductances(homogeneous_junction(cubic, layers), (law, law), 100.0, settings, UnitRunner())
        resistance.append(1 / _balance(heat)[0])
    slope = (resistance[1] - resistance[0]) / (30 * SPACING)
    expected = branch_conductivity(cubic, law, 100.0, statistics="classical", mesh=(4, 4, 128))
    np.testing.assert_allclose(1 / slope, expected, rtol=1e-2, atol=0)
    same = constant(2e12)[0]
    alike = branch_conductivity(cubic, BranchRates([same] * 3), 100.0, statistics="classical", mesh=(4, 4, 16))
    np.testing.assert_allclose(
        alike, mode_velocities(cubic, (4, 4, 16)).conductivity(same, 100.0, "classical"), rtol=1e-6, atol=0
    )


def test_a_layer_of_several_cells_has_the_branches_of_one(cubic):
    """The same crystal in layers of two cells: the same conductivity and the same self-energy in either cell."""
    cells, springs = [(0, 0, 0)], [np.zeros((3, 3))]
    for axis in range(3):
        spring = np.diag([8.0, 12.0, 20.0]) if axis == 2 else np.diag([9.0] * 3)
        for step in (1, -1):
            cells.append(tuple(step * (axis == i) for i in range(3)))
            springs.append(-spring)
            springs[0] = springs[0] + spring
    double = lead_from_force_constants("cubic", SPACING * np.eye(3), [40 * m_u], cells, springs, layers=2)
    law = BranchRates(constant(1e12, 2e12, 4e12))
    one, two = (branch_conductivity(lead, law, 100.0, mesh=(2, 2, 16)) for lead in (cubic, double))
    np.testing.assert_allclose(two, one, rtol=1e-6, atol=0)
    k, omega = np.array([0.2, 0.35]), np.array([2e13, 3e13])
    single, both = (rate_matrices(lead, law, k, omega) for lead in (cubic, double))
    np.testing.assert_allclose(both[:, :3, :3], single, rtol=0, atol=1e-6 * np.abs(single).max())
    np.testing.assert_allclose(both[:, 3:, 3:], single, rtol=0, atol=1e-6 * np.abs(single).max())
    assert not both[:, :3, 3:].any()


def test_rates_of_a_file_by_branch(tmp_path):
    """Two branches of one lifetime each: each has its own, and the mean of both lies between."""
    frequency = np.linspace(1, 4, 40)[:, None] * np.array([1.0, 1.5])
    with h5py.File(tmp_path / "kappa-m444.hdf5", "w") as file:
        file["frequency"], file["weight"] = frequency, np.ones(40)
        file["group_velocity"] = np.full((40, 2, 3), 20.0)
        file["gamma"] = np.broadcast_to([0.01, 0.04], (1, 40, 2)).copy()
        file["temperature"], file["kappa_unit_conversion"] = [300.0], 1.0
    found = read_branch_rates(tmp_path / "kappa-m444.hdf5")
    omega = np.array([1.2e13, 2e13])
    np.testing.assert_allclose(found.at(omega), 4e12 * np.pi * np.array([[0.01, 0.04]] * 2), rtol=1e-9, atol=0)
    mean = read_relaxation_rate(tmp_path / "kappa-m444.hdf5").at(omega)
    assert (found.at(omega)[:, 0] < mean * 1.001).all()
    assert (mean < found.at(omega)[:, 1] * 1.001).all()
    with pytest.raises(DataError, match="phono3py alone"):
        read_branch_rates(tmp_path / "Si.phononinfo")


def test_what_cannot_be_is_refused(silicon, capsys):
    with pytest.raises(InputError, match="a RelaxationRate for each branch"):
        BranchRates([])
    with pytest.raises(InputError, match="all or none"):
        BranchRates([RelaxationRate.quadratic(0.0), RelaxationRate.quadratic(1e-16)])
    with pytest.raises(InputError, match="5 branches for 6 coordinates"):
        CellModes(silicon, np.array([0.1, 0.2]), 5)
    with pytest.raises(InputError, match="not 2 equal cells"):
        CellModes(silicon, np.array([0.1, 0.2]), 3)
    assert cli.main(["agf", "junction.toml", "--branches"]) == 2
    assert "--branches and --layers are for --anharmonic" in capsys.readouterr().err
