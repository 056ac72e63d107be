"""Extrapolation of profiles: exact lines, curved zones, correlated errors that cover, fluxes that agree or not."""

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from kapitza.core.arrays import Array
from kapitza.core.profile import Profile
from kapitza.errors import InputError
from kapitza.measure.profiles import check_flux, correlate_errors, scan_exclusion
from kapitza.units import nm

X = np.linspace(-50, 50, 101)[::2] * nm + 0.5 * nm


def lines(x: Array, jump: float = 10.0, left: float = -2e8, right: float = -5e8) -> Array:
    return np.where(x < 0, 300 + jump + left * x, 300 + right * x)


def autoregressive(rng: np.random.Generator, size: int, rho: float, sigma: float) -> Array:
    noise = rng.standard_normal(size) * sigma
    for i in range(1, size):
        noise[i] = rho * noise[i - 1] + np.sqrt(1 - rho**2) * noise[i]
    return noise


@given(st.floats(-50, 50), st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_straight_lines_are_exact_and_nothing_need_be_left_out(jump: float, left: float, right: float) -> None:
    profile = Profile(X, lines(X, jump, left, right), np.full(X.size, 0.1))
    found = scan_exclusion(profile, 0.0, [0, 4 * nm, 8 * nm, 16 * nm])
    assert found.best_index == 0
    np.testing.assert_allclose(found.jump, jump, rtol=1e-9, atol=1e-9)


def test_curved_zone_is_left_out() -> None:
    rng = np.random.default_rng(3)
    bend = 3 * np.exp(-np.abs(X) / (3 * nm)) * np.sign(-X)
    profile = Profile(X, lines(X) + bend + 0.05 * rng.standard_normal(X.size))
    found = scan_exclusion(profile, 0.0, np.arange(0, 24, 3) * nm)
    assert found.skip[found.best_index] >= 6 * nm
    np.testing.assert_allclose(found.best.jump, 10.0, rtol=0, atol=4 * found.best.sigma)
    assert abs(found.jump[0] - 10) > 3 * found.sigma[0]  # with the zone left in, it would be wrong
    wider = found.jump[found.best_index :]  # and that is no part of the spread
    spread = np.sqrt(np.mean((wider - wider.mean()) ** 2))
    np.testing.assert_allclose(found.best.sigma, np.hypot(found.sigma[found.best_index], spread), rtol=1e-9, atol=0)


def test_profile_that_never_straightens_is_refused() -> None:
    profile = Profile(X, lines(X) + 1e16 * X**2 * np.sign(X), np.full(X.size, 1e-3))
    with pytest.raises(InputError, match="still changes at the widest zone"):
        scan_exclusion(profile, 0.0, [0, 5 * nm, 10 * nm, 20 * nm])


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.0, 0.5, 0.75])
def test_correlated_errors_cover(rho: float) -> None:
    rng = np.random.default_rng(5)
    x = (np.arange(-80, 80) + 0.5) * nm
    plain, aware = 0, 0
    for _ in range(200):
        noise = np.concatenate([autoregressive(rng, 80, rho, 0.3), autoregressive(rng, 80, rho, 0.3)])
        profile = Profile(x, lines(x) + noise)
        naive, honest = profile.jump(0.0), correlate_errors(profile, 0.0).jump(0.0)
        plain += abs(naive.jump - 10) < 1.96 * naive.sigma
        aware += abs(honest.jump - 10) < 1.96 * honest.sigma
    assert 0.89 <= aware / 200 <= 0.99
    assert rho == 0 or plain / 200 < 0.85


def test_covariance_that_was_given_stays() -> None:
    profile = Profile(X, lines(X), covariance=np.eye(X.size))
    assert correlate_errors(profile, 0.0) is profile


def test_fluxes_that_agree_and_that_do_not() -> None:
    jump = Profile(X, lines(X), np.full(X.size, 0.1)).jump(0.0)
    same = check_flux(jump, [50.0, 20.0], sigmas=[0.5, 0.2], source=(1e10, 2e8))
    assert same.agree
    np.testing.assert_allclose(same.flux, 1e10, rtol=1e-9, atol=0)
    np.testing.assert_allclose(same.mean, 1e10, rtol=1e-9, atol=0)
    assert same.mean_sigma < same.sigma.min()
    lost = check_flux(jump, [50.0, 20.0], sigmas=[0.5, 0.2], source=(1.3e10, 2e8))
    assert not lost.agree
    assert lost.mean_sigma > 5 * same.mean_sigma
    with pytest.raises(InputError, match="left and right"):
        check_flux(jump, [50.0])


def test_errors_of_fluxes_add_those_of_slope_and_conductivity() -> None:
    r"""$\sigma_J^2 = (k \sigma_g)^2 + (\sigma_k g)^2$ on either side, and nothing less."""
    plain = Profile(X, lines(X), np.full(X.size, 0.1)).jump(0.0)
    made = evolve(plain, covariance=np.diag([0.01, 4e12, 9e12]))
    found = check_flux(made, [50.0, 20.0], sigmas=[2.0, 1.0])
    want = np.hypot([50 * 2e6, 20 * 3e6], [2.0 * 2e8, 1.0 * 5e8])
    np.testing.assert_allclose(found.sigma, want, rtol=1e-9, atol=0)


def test_fluxes_that_disagree_widen_their_mean_by_what_they_disagree() -> None:
    """Of two with equal errors s: s/√2 where they agree, else half their distance (R. T. Birge, Phys. Rev. 40, 207,
    1932).
    """
    plain = Profile(X, lines(X), np.full(X.size, 0.1)).jump(0.0)
    made = evolve(plain, covariance=np.diag([0.01, 1e12, 1e12]), gradient_left=-2e8, gradient_right=-2e8)
    own = 50 * 1e6
    for ratio in (1.001, 1.5):
        found = check_flux(made, [50.0, 50.0 * ratio])
        np.testing.assert_allclose(found.sigma, [own, own * ratio], rtol=1e-9, atol=0)
        weight = 1 / found.sigma**2
        mean = weight @ found.flux / weight.sum()
        chi2 = weight @ (found.flux - mean) ** 2
        np.testing.assert_allclose(found.mean, mean, rtol=1e-9, atol=0)
        np.testing.assert_allclose(found.mean_sigma, np.sqrt(max(1, chi2) / weight.sum()), rtol=1e-9, atol=0)
    assert chi2 > 100


def test_the_spread_of_wider_zones_adds_to_the_error() -> None:
    """σ² of the chosen zone and the variance of the jumps of it and all wider ones, from noise alone."""
    rng = np.random.default_rng(11)
    profile = Profile(X, lines(X) + 0.3 * rng.standard_normal(X.size), np.full(X.size, 0.3))
    found = scan_exclusion(profile, 0.0, np.arange(0, 24, 4) * nm)
    wider = found.jump[found.best_index :]
    spread = float(np.sqrt(np.mean((wider - wider.mean()) ** 2)))
    assert spread > 0.2 * found.sigma[found.best_index]
    np.testing.assert_allclose(found.best.sigma, np.hypot(found.sigma[found.best_index], spread), rtol=1e-9, atol=0)


def test_too_few_points() -> None:
    with pytest.raises(InputError, match="errors from the scatter need 4"):
        correlate_errors(Profile(X, lines(X)), 0.0, skip=47 * nm)
    with pytest.raises(InputError, match="two widths or more"):
        scan_exclusion(Profile(X, lines(X)), 0.0, [0.0])
