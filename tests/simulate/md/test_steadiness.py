"""Whether a run was long enough: exact modes, drifts, and a run that looks fine and is not."""

import numpy as np
import pytest
from attrs import evolve
from tests.simulate.md.layered_heat import TAU, layered_heat
from tests.simulate.md.reference_runs import reference_record

from kapitza.errors import ConvergenceError, InputError
from kapitza.simulate.md.analysis.nemd import analyse_nemd
from kapitza.simulate.md.analysis.profiles import fit_drifts, judge_steadiness, scan_branches, slowest_mode


def test_slowest_mode_is_that_of_a_chain():
    """Against the smallest eigenvalue of the heat equation on 400 points between two baths."""
    points, length, diffusivity = 400, 7e-9, 3e-6
    step = length / (points + 1)
    matrix = (2 * np.eye(points) - np.eye(points, k=1) - np.eye(points, k=-1)) * diffusivity / step**2
    rate = np.linalg.eigvalsh(matrix)[0]
    np.testing.assert_allclose(slowest_mode([length], [diffusivity]), 1 / rate, rtol=1e-4, atol=0)
    halves = slowest_mode([length / 2, length / 2], [diffusivity, diffusivity])
    np.testing.assert_allclose(halves, 1 / rate, rtol=1e-4, atol=0)


def test_a_long_run_is_steady_and_knows_its_mode():
    record = layered_heat(24, blocks=60, seed=1)[0]
    found = judge_steadiness(record, scan_branches(record)[0], start=0, equilibration_time=600 * TAU)
    # L^2 / (pi^2 D) with L = 48 layers of 0.7856, kappa = 28 and c = 3 * 50 / (61.7 * 0.7856).
    exact = (48 * 0.7856) ** 2 / np.pi**2 * (150 / (61.7 * 0.7856)) / 28
    np.testing.assert_allclose(found.slowest_mode / TAU, exact, rtol=0.1, atol=0)
    assert found.steady


def test_a_run_shorter_than_its_slowest_mode_is_refused():
    """96 layers a side: the slowest mode takes 267 tau; 300 tau to settle and 500 tau of sampling are too few."""
    record = layered_heat(96, bath=12, blocks=20, block=25.0, wait=300.0, seed=2)[0]
    for skip in (0.0, 0.2, None):
        found = analyse_nemd(record, skip=skip, equilibration_time=300 * TAU)
        assert not found.accepted
        assert any("to settle" in reason for reason in found.reasons)
        assert any("were sampled" in reason for reason in found.reasons)
        assert 150 < found.steady.slowest_mode / TAU < 500
    # What one would have looked at shows nothing: both baths agree.
    assert not found.fluxes.disagreements()
    with pytest.raises(ConvergenceError, match="to settle"):
        analyse_nemd(record, equilibration_time=300 * TAU, strict=True)


def test_enough_is_left_out_without_being_told():
    record = layered_heat(24, blocks=100, wait=0.0, seed=3)[0]
    found = analyse_nemd(record)
    assert found.steady.equilibration_time >= 3 * found.steady.slowest_mode
    assert found.accepted


def test_a_drift_is_seen_and_noise_is_not():
    rng = np.random.default_rng(1)
    quiet = rng.standard_normal((400, 20, 5))
    false = [fit_drifts(one)[2] < 1e-2 for one in quiet]
    assert np.mean(false) < 0.03
    slope, sigma, probability = fit_drifts(quiet[0] + 5 * np.linspace(0, 1, 20)[:, None])
    assert probability < 1e-3
    assert (np.abs(slope - 5) < 4 * sigma).all()


def test_a_profile_that_still_moves_is_refused():
    """One side cools by 4 % over a run that is long enough."""
    record = layered_heat(24, blocks=100, seed=4)[0]
    cooling = np.where(record.heights < record.plane, 1.0, 0.0) * np.linspace(0.0, -0.04, 100)[:, None]
    moving = evolve(record, temperature=record.temperature * (1 + cooling))
    still, found = (analyse_nemd(one, skip=0.0, equilibration_time=1.0) for one in (record, moving))
    assert still.accepted
    assert any("drifts by" in reason for reason in found.reasons)


def test_the_reference_runs_know_their_modes(data):
    """19 and 69 tau were found for the two lengths from the conductivity of 28 in these units."""
    for name, mode in (("lj_r3_nz12", 19), ("lj_r3_nz24", 69), ("lj_r3_nz24_s2", 69)):
        found = analyse_nemd(reference_record(data(f"md/{name}.npz")), skip=0.2)
        np.testing.assert_allclose(found.steady.slowest_mode / TAU, mode, rtol=0.2, atol=0)
        assert found.steady.steady


def test_faults_are_named():
    record = layered_heat(24, blocks=4)[0]
    with pytest.raises(InputError, match="5 are needed"):
        analyse_nemd(record)
