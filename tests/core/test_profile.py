"""Jump between two straight branches: exact, and with uncertainties that cover what they promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student

from kapitza.core.profile import Profile
from kapitza.errors import InputError
from kapitza.units import nm

X = np.concatenate([np.linspace(-40, -1, 14), np.linspace(1, 40, 14)]) * nm


def branches(x, at, jump, left, right, base=300.0):
    """Two straight lines, the right one lower by `jump` at the plane."""
    return base + np.where(x < at, jump / 2 + left * (x - at), -jump / 2 + right * (x - at))


@given(
    st.floats(-1e-6, 1e-6), st.floats(-20, 20), st.floats(-1e8, 1e8), st.floats(-1e8, 1e8), st.sampled_from([None, 0.1])
)
def test_exact_on_two_straight_lines(at, jump, left, right, sigma):
    temperature = branches(X + at, at, jump, left, right)
    got = Profile(X + at, temperature, None if sigma is None else np.full(X.size, sigma)).jump(at)
    np.testing.assert_allclose(got.jump, jump, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(got.gradient_left, left, rtol=1e-8, atol=1e-2)
    np.testing.assert_allclose(got.gradient_right, right, rtol=1e-8, atol=1e-2)
    np.testing.assert_allclose(got.temperature, 300, rtol=1e-11, atol=0)
    assert got.chi2 < 1e-12
    assert got.freedom == X.size - 4


def test_each_branch_equals_a_fit_of_its_own():
    """Second road: numpy's polynomial fit of either side with its covariance."""
    rng = np.random.default_rng(7)
    sigma = rng.uniform(0.05, 0.3, X.size)
    temperature = branches(X, 0, 5, -3e7, -1e7) + sigma * rng.standard_normal(X.size)
    got = Profile(X, temperature, sigma).jump(0)
    value, cov = zip(
        *(np.polyfit(X[s] / nm, temperature[s], 1, w=1 / sigma[s], cov="unscaled") for s in (X < 0, X > 0)), strict=True
    )
    np.testing.assert_allclose(got.jump, value[0][1] - value[1][1], rtol=1e-11, atol=0)
    np.testing.assert_allclose(
        [got.gradient_left, got.gradient_right], [value[0][0] / nm, value[1][0] / nm], rtol=1e-11, atol=0
    )
    np.testing.assert_allclose(got.sigma**2, cov[0][1, 1] + cov[1][1, 1], rtol=1e-10, atol=0)
    np.testing.assert_allclose(got.covariance[1, 1], cov[0][0, 0] / nm**2, rtol=1e-10, atol=0)
    np.testing.assert_allclose(got.covariance[0, 1], cov[0][0, 1] / nm, rtol=1e-9, atol=0)
    np.testing.assert_allclose(got.covariance[0, 2], -cov[1][0, 1] / nm, rtol=1e-9, atol=0)


def covered(draw, truth: float, factor: float, count: int = 2400) -> float:
    """Share of simulated profiles whose interval holds the true jump."""
    hits = 0
    for seed in range(count):
        found = draw(np.random.default_rng([11, seed]))
        hits += abs(found.jump - truth) <= factor * found.sigma
    return hits / count


def test_intervals_of_stated_errors_cover_what_they_promise():
    sigma = np.linspace(0.2, 0.6, X.size)
    truth = branches(X, 0, 2, -3e7, -1e7)
    share = covered(lambda rng: Profile(X, truth + sigma * rng.standard_normal(X.size), sigma).jump(0), 2, 1.959964)
    assert 0.93 <= share <= 0.97


def test_intervals_from_the_scatter_cover_what_they_promise():
    truth = branches(X, 0, 2, -3e7, -1e7)
    factor = student.ppf(0.975, X.size - 4)
    share = covered(lambda rng: Profile(X, truth + 0.3 * rng.standard_normal(X.size)).jump(0), 2, factor)
    assert 0.93 <= share <= 0.97


def test_intervals_of_correlated_errors_cover_and_ignoring_them_does_not():
    distance = np.abs(X[:, None] - X)
    covariance = 0.3**2 * np.exp(-distance / (15 * nm)) + 1e-4 * np.eye(X.size)
    root = np.linalg.cholesky(covariance)
    truth = branches(X, 0, 2, -3e7, -1e7)

    def data(rng):
        return truth + root @ rng.standard_normal(X.size)

    share = covered(lambda rng: Profile(X, data(rng), covariance=covariance).jump(0), 2, 1.959964)
    assert 0.93 <= share <= 0.97
    sigma = np.sqrt(np.diag(covariance))
    naive = covered(lambda rng: Profile(X, data(rng), sigma).jump(0), 2, 1.959964, 600)
    assert naive < 0.9


def test_intervals_of_the_kapitza_length_cover():
    sigma = np.full(X.size, 0.05)
    truth = branches(X, 0, 2, -3e7, -1e7)
    hits = 0
    for seed in range(2000):
        rng = np.random.default_rng([5, seed])
        found = Profile(X, truth + sigma * rng.standard_normal(X.size), sigma).jump(0)
        hits += abs(found.kapitza_lengths[0] - 2 / 3e7) <= 1.959964 * found.kapitza_length_sigmas[0]
    assert 0.93 <= hits / 2000 <= 0.97


def test_kapitza_lengths_of_both_sides():
    got = Profile(X, branches(X, 0, 6, -3e7, -1e7), np.full(X.size, 0.1)).jump(0)
    np.testing.assert_allclose(got.kapitza_lengths, (200 * nm, 600 * nm), rtol=1e-9, atol=0)
    flat = Profile([-2, -1, 1, 2], [301.0, 301, 300, 300], np.ones(4)).jump(0)
    assert np.isfinite(flat.jump)


def test_skip_and_reach_leave_points_out():
    temperature = branches(X, 0, 3, -2e7, -1e7)
    bent = temperature + 5 * np.exp(-np.abs(X) / (2 * nm)) + np.where(np.abs(X) > 30 * nm, 4.0, 0)
    got = Profile(X, bent).jump(0, skip=12 * nm, reach=30 * nm)
    np.testing.assert_allclose(got.jump, 3, rtol=0.02, atol=0)
    assert got.freedom == int(((np.abs(X) >= 12 * nm) & (np.abs(X) <= 30 * nm)).sum()) - 4


def test_a_point_on_the_plane_belongs_to_no_side():
    x = np.array([-2, -1, 0, 1, 2]) * nm
    got = Profile(x, [302.0, 301, 999, 299, 298], np.ones(5)).jump(0)
    np.testing.assert_allclose(got.jump, 0, rtol=0, atol=1e-9)


def test_conductance_from_the_flux_with_both_uncertainties():
    found = Profile(X, branches(X, 0, 2, -3e7, -1e7), np.full(X.size, 0.2)).jump(0)
    got = found.conductance(4e8, sigma=2e7, statistics="classical")
    np.testing.assert_allclose(got.value, 2e8, rtol=1e-9, atol=0)
    np.testing.assert_allclose(got.sigma / got.value, np.hypot(0.05, found.sigma / 2), rtol=1e-8, atol=0)
    assert (got.drop, got.statistics) == ("extrapolated", "classical")
    np.testing.assert_allclose(got.temperature, 300, rtol=1e-9, atol=0)
    with pytest.raises(InputError, match="check sign and sides"):
        found.conductance(-4e8)


def test_too_few_points_say_where_they_lie():
    profile = Profile(X, branches(X, 0, 2, -3e7, -1e7))
    for arguments in ({"at": 1.0}, {"at": -1.0}, {"at": 0, "skip": 39 * nm}, {"at": 0, "reach": 2 * nm}):
        with pytest.raises(InputError, match="a line needs 2"):
            profile.jump(**arguments)
    with pytest.raises(InputError, match="no scatter"):
        Profile([-2, -1, 1, 2], [4.0, 3, 2, 1]).jump(0)


def test_malformed_profiles():
    good = {"position": [1, 2, 3], "temperature": [300, 300, 300]}
    for wrong in (
        {"position": [1, 3, 2]},
        {"position": [1, 2]},
        {"temperature": [300, np.nan, 300]},
        {"sigma": [1, 1]},
        {"sigma": [1, 0, 1]},
        {"covariance": np.eye(2)},
        {"covariance": np.ones((2, 3))},
        {"sigma": [1, 1, 1], "covariance": np.eye(3)},
    ):
        with pytest.raises(InputError):
            Profile(**{**good, **wrong})


def test_a_covariance_that_is_none():
    covariance = np.eye(X.size)
    covariance[0, 1] = covariance[1, 0] = 2
    with pytest.raises(InputError, match="positive definite"):
        Profile(X, np.full(X.size, 300.0), covariance=covariance).jump(0)


def test_an_uncertainty_in_another_unit_is_refused_where_it_takes_all_the_weight():
    position = np.array([-3.0, -2, -1, 1, 2, 3]) * 1e-9
    sigma = np.array([0.1, 0.1, 0.1, 0.1, 1e-14, 0.1])
    with pytest.raises(InputError, match="too unequal for a line on either side"):
        Profile(position, 300 + position * 1e9, sigma).jump(0.0)
    sigma[4] = 1e-7  # a million times better than the others: still as the closed form has it
    found = Profile(position, 300 + position * 1e9, sigma).jump(0.0)
    left = np.column_stack([np.ones(3), position[:3]]) / 0.1
    best = np.array([[1.0, position[4]], [1.0, position[3]], [1.0, position[5]]]) / np.array([[1e-7], [0.1], [0.1]])
    want = sum(np.linalg.inv(one.T @ one * [[1, 1e9], [1e9, 1e18]])[0, 0] for one in (left, best))
    assert abs(found.covariance[0, 0] / want - 1) <= 1e-3
