"""Extrapolation in length: exact numbers, coverage, verdicts and refusals."""

import numpy as np
import pytest

from kapitza.errors import InputError
from kapitza.simulate.md.analysis.sizes import size_series

LENGTHS = np.array([10e-9, 20e-9, 40e-9, 20e-9, 40e-9])
BATHS = np.array([5e-9, 5e-9, 5e-9, 10e-9, 20e-9])


def test_exact_numbers_come_back():
    exact = 2e-9 + 8e-18 / LENGTHS + 3e-18 / BATHS
    found = size_series(exact, np.full(5, 1e-11), LENGTHS, thermostat_length=BATHS)
    np.testing.assert_allclose(found.fitted, [2e-9, 8e-18, 3e-18], rtol=1e-9, atol=0)
    assert found.chi2 < 1e-12
    assert found.size_effect
    assert found.verdict.startswith("size matters")
    conductance = found.conductance(300.0)
    np.testing.assert_allclose(conductance.value, 5e8, rtol=1e-9, atol=0)
    assert (conductance.drop, conductance.statistics) == ("extrapolated", "classical")


def test_intervals_cover():
    """500 series of four lengths: 68 and 95 % intervals hold the truth in 60 to 80 and 92 to 99 %."""
    rng = np.random.default_rng(0)
    length = np.array([10e-9, 20e-9, 40e-9, 80e-9])
    sigma = np.array([3, 4, 5, 8]) * 1e-11
    pulls = []
    for _ in range(500):
        found = size_series(2e-9 + 8e-18 / length + sigma * rng.standard_normal(4), sigma, length)
        pulls.append((found.fitted[0] - 2e-9) / found.fitted_sigma[0])
    inside = np.abs(pulls)
    assert 0.60 < np.mean(inside < 1) < 0.85
    assert 0.92 < np.mean(inside < 1.96) < 0.995


def test_no_size_effect_is_said():
    """Two lengths of a Lennard-Jones interface, 0.620 +- 0.024 and 0.592 +- 0.027, with a third between them."""
    found = size_series([0.620, 0.61, 0.592], [0.024, 0.03, 0.027], [18.9, 28.0, 37.7])
    assert not found.size_effect
    assert "no size effect within error" in found.verdict
    weights = 1 / np.array([0.024, 0.03, 0.027]) ** 2
    np.testing.assert_allclose(found.mean, weights @ [0.620, 0.61, 0.592] / weights.sum(), rtol=1e-12, atol=0)
    np.testing.assert_allclose(found.mean_sigma, weights.sum() ** -0.5, rtol=1e-12, atol=0)


def test_a_line_that_does_not_fit_is_said_and_widened():
    length = np.array([5e-9, 10e-9, 20e-9, 40e-9, 80e-9])
    bent = 2e-9 + 8e-18 / length + 2e-25 / length**2
    found = size_series(bent, np.full(5, 2e-11), length)
    assert found.probability < 0.01
    assert "does not fit" in found.verdict
    straight = size_series(2e-9 + 8e-18 / length, np.full(5, 2e-11), length)
    assert found.fitted_sigma[0] > 2 * straight.fitted_sigma[0]


def test_faults_are_named():
    with pytest.raises(InputError, match="2 different lengths"):
        size_series([1e-9, 1e-9, 1e-9], [1e-11] * 3, [1e-8, 1e-8, 2e-8])
    with pytest.raises(InputError, match="one by one"):
        size_series([1e-9] * 4, [1e-11] * 4, [1e-8, 2e-8, 4e-8, 8e-8], thermostat_length=[1e-9, 2e-9, 4e-9, 8e-9])
    with pytest.raises(InputError, match="as many"):
        size_series([1e-9] * 3, [1e-11] * 2, [1e-8, 2e-8, 4e-8])
    with pytest.raises(InputError, match="has no conductance"):
        size_series([-1e-9] * 3, [1e-12] * 3, [2e-8, 4e-8, 8e-8]).conductance(300.0)
