"""Extrapolation in length: exact numbers, coverage, verdicts and refusals."""

import numpy as np
import pytest

from kapitza.errors import InputError
from kapitza.simulate.md.analysis.sizes import size_limit, size_series

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


def test_a_bent_approach_comes_back_where_the_line_misses():
    """Exact R∞ + a/(L + ℓ): the most probable offset has the resistance of infinite length, the line is 16 σ off."""
    length = np.array([10e-9, 20e-9, 40e-9, 80e-9])
    exact = 2e-9 + 2e-17 / (length + 20e-9)
    found = size_limit(exact, np.full(4, 1e-12), length)
    best = int(np.argmax(found.probability))
    np.testing.assert_allclose(found.offset[best], 20e-9, rtol=1e-12, atol=0)
    np.testing.assert_allclose(found.infinite[best], 2e-9, rtol=1e-9, atol=0)
    np.testing.assert_allclose(found.probability.sum(), 1, rtol=1e-12, atol=0)
    line = size_series(exact, np.full(4, 1e-12), length)
    assert abs(found.value - 2e-9) < 2 * found.sigma
    assert line.fitted[0] - 2e-9 > 50 * found.sigma
    straight = size_limit(2e-9 + 2e-17 / length, np.full(4, 1e-12), length)
    assert np.argmax(straight.probability) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("offset", "low", "high"), [("any", 0.92, 0.985), ("none", 0.82, 0.95), ("longest", 0.82, 0.95)]
)
def test_intervals_of_a_bent_approach_cover(offset: str, low: float, high: float):
    """400 series: intervals of 95 % hold where offsets are drawn as assumed, and still 82 % where they are extreme."""
    rng = np.random.default_rng(5)
    length, sigma = np.array([10e-9, 20e-9, 40e-9, 80e-9]), np.full(4, 4e-11)
    inside = 0
    for _ in range(400):
        bend = {"any": rng.uniform(0, 80e-9), "none": 0.0, "longest": 80e-9}[offset]
        exact = 2e-9 + rng.normal(0, 1e-9) * (10e-9 + bend) / (length + bend)
        below, above = size_limit(exact + sigma * rng.standard_normal(4), sigma, length).interval()
        inside += below < 2e-9 < above
    assert low < inside / 400 < high


def test_offsets_and_levels_out_of_range_are_named():
    with pytest.raises(InputError, match="longest_offset = 0 m"):
        size_limit([1e-9] * 3, [1e-11] * 3, [1e-8, 2e-8, 4e-8], longest_offset=0.0)
    with pytest.raises(InputError, match="2 different lengths"):
        size_limit([1e-9] * 3, [1e-11] * 3, [1e-8, 1e-8, 2e-8])
    with pytest.raises(InputError, match="3 resistances, 2 errors"):
        size_limit([1e-9] * 3, [1e-11] * 2, [1e-8, 2e-8, 4e-8])
    with pytest.raises(InputError, match="level = 1"):
        size_series([1e-9] * 3, [1e-11] * 3, [1e-8, 2e-8, 4e-8]).limit().interval(1.0)
