"""Gradients of a map: exact on planes, errors that are those of the scatter, never across an interface."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapitza.errors import InputError
from kapitza.measure.eels.map import PixelFlag, TemperatureMap, line_profile, temperature_gradients
from kapitza.units import nm


def made(temperature: np.ndarray, s: float = 3.5, flag: np.ndarray | None = None, step: float = nm) -> TemperatureMap:
    shape = temperature.shape
    axes = tuple((np.arange(n) - (n - 1) / 2) * step for n in shape)
    return TemperatureMap(
        position=axes,
        names=("temperature",),
        value=temperature[..., None],
        covariance=np.full((*shape, 1, 1), s**2),
        flag=np.zeros(shape, int) if flag is None else flag,
        pvalue=np.full(shape, 0.5),
        deviance=np.zeros(shape),
        iterations=np.ones(shape, int),
    )


def plane(shape: tuple[int, int], gx: float, gy: float) -> np.ndarray:
    y, x = ((np.arange(n) - (n - 1) / 2) * nm for n in shape)
    return 400 + gx * x[None, :] + gy * y[:, None]


@given(gx=st.floats(-1e9, 1e9), gy=st.floats(-1e9, 1e9), radius=st.floats(1.5, 6))
def test_exact_on_a_plane(gx: float, gy: float, radius: float) -> None:
    found = temperature_gradients(made(plane((9, 12), gx, gy)), radius * nm)
    np.testing.assert_allclose(found.gradient[..., 0], gx, rtol=0, atol=10.0)
    np.testing.assert_allclose(found.gradient[..., 1], gy, rtol=0, atol=10.0)
    np.testing.assert_allclose(found.temperature, plane((9, 12), gx, gy), rtol=1e-10, atol=0)


def test_errors_by_ordinary_least_squares() -> None:
    rng, shape = np.random.default_rng(1), (11, 13)
    noisy = plane(shape, -0.18 / nm, 0.05 / nm) + rng.normal(0, 3.5, shape)
    found, radius = temperature_gradients(made(noisy), 3 * nm), 3 * nm
    y, x = ((np.arange(n) - (n - 1) / 2) * nm for n in shape)
    for i, j in ((5, 6), (0, 0), (10, 4)):
        dx, dy = np.meshgrid(x - x[j], y - y[i])
        near = dx**2 + dy**2 <= radius**2 * 1.0001
        design = np.column_stack([np.ones(near.sum()), dx[near], dy[near]])
        scale = np.array([1, nm, nm])
        fit, *_ = np.linalg.lstsq(design / scale, noisy[near], rcond=None)
        np.testing.assert_allclose(found.temperature[i, j], fit[0], rtol=1e-10, atol=0)
        np.testing.assert_allclose(found.gradient[i, j], fit[1:] / nm, rtol=1e-8, atol=0)
        covariance = 3.5**2 * np.linalg.inv((design / scale).T @ (design / scale)) / np.outer(scale, scale)
        size = np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
        np.testing.assert_allclose(found.covariance[i, j] / size, covariance / size, rtol=0, atol=1e-9)


def test_scatter_is_what_the_errors_say() -> None:
    rng, shape = np.random.default_rng(2), (5, 5)
    centre = np.array(
        [
            [*found.gradient[2, 2], found.pvalue[2, 2]]
            for found in (
                temperature_gradients(made(plane(shape, 2e8, 0) + rng.normal(0, 3.5, shape)), 2.1 * nm)
                for _ in range(600)
            )
        ]
    )
    said = temperature_gradients(made(plane(shape, 2e8, 0)), 2.1 * nm).covariance[2, 2]
    np.testing.assert_allclose(centre[:, 0].std(), np.sqrt(said[1, 1]), rtol=0.09, atol=0)
    np.testing.assert_allclose(centre[:, 0].mean(), 2e8, rtol=0, atol=4 * np.sqrt(said[1, 1] / 600))
    assert abs((centre[:, 2] < 0.1).mean() - 0.1) < 0.04


def test_significance_of_no_gradient_is_chi_squared() -> None:
    rng, shape = np.random.default_rng(3), (40, 40)
    found = temperature_gradients(made(400 + rng.normal(0, 3.5, shape)), 2.1 * nm)
    np.testing.assert_allclose(np.nanmean(found.significance()[2:-2:5, 2:-2:5]), 2.0, rtol=0.3, atol=0)


def test_a_jump_spoils_planes_only_where_they_cross_it() -> None:
    shape = (9, 24)
    x = (np.arange(24) - 11.5) * nm
    stepped = np.where(x < 0, 420.0, 400.0) + -1e8 * x + np.zeros((9, 1))
    crossing, apart = (
        temperature_gradients(made(stepped, 0.5), 3 * nm),
        temperature_gradients(made(stepped, 0.5), 3 * nm, interface=0.0),
    )
    assert np.nanmin(crossing.gradient[..., 0]) < -2e9
    assert (crossing.pvalue[:, 11:13] < 1e-6).all()
    np.testing.assert_allclose(apart.gradient[..., 0], -1e8, rtol=1e-6, atol=0)
    assert shape == apart.temperature.shape


def test_bad_pixels_are_left_out() -> None:
    good = plane((9, 12), 1e8, 0)
    spoilt, flag = good.copy(), np.zeros((9, 12), int)
    spoilt[4, 5], flag[4, 5] = 5000.0, int(PixelFlag.UNCONVERGED)
    spoilt[2, 2], flag[2, 2] = np.nan, int(PixelFlag.DEAD)
    found = made(spoilt, flag=flag)
    np.testing.assert_allclose(temperature_gradients(found, 3 * nm).temperature, good, rtol=1e-10, atol=0)
    mean = line_profile(found)
    np.testing.assert_allclose(mean.temperature, good[0], rtol=1e-10, atol=0)
    np.testing.assert_allclose(mean.sigma[[0, 5]], [3.5 / 3, 3.5 / np.sqrt(8)], rtol=1e-12, atol=0)


def test_line_profile_shares_an_error() -> None:
    found = line_profile(made(plane((4, 6), 1e8, 0)), common=2.0)
    np.testing.assert_allclose(found.covariance, np.diag(np.full(6, 3.5**2 / 4)) + 4, rtol=1e-12, atol=0)
    alone = line_profile(made(400 + np.arange(5.0)))
    np.testing.assert_allclose(alone.sigma, 3.5, rtol=1e-12, atol=0)


def test_isotherms_of_a_plane_are_as_uncertain_as_its_temperature_over_its_gradient() -> None:
    found = temperature_gradients(made(plane((9, 12), 1e8, 0.5e8)), 3 * nm)
    np.testing.assert_allclose(found.isotherm_sigma, found.sigma / (1e8 * np.sqrt(1.25)), rtol=1e-6, atol=0)


def test_line_gradient_is_that_of_a_straight_line() -> None:
    x = (np.arange(9) - 4) * nm
    found = temperature_gradients(made(400 + 2e8 * x), 10 * nm)
    np.testing.assert_allclose(found.gradient[:, 0], 2e8, rtol=1e-9, atol=0)
    wanted = 3.5 / np.sqrt(np.sum(x**2))
    np.testing.assert_allclose(np.sqrt(found.covariance[4, 1, 1]), wanted, rtol=1e-9, atol=0)


def test_faults_say_what_was_wanted() -> None:
    point = TemperatureMap(
        position=(),
        names=("temperature",),
        value=[300.0],
        covariance=[[9.0]],
        flag=0,
        pvalue=0.5,
        deviance=0.0,
        iterations=1,
    )
    with pytest.raises(InputError, match="no gradient"):
        temperature_gradients(point, nm)
    with pytest.raises(InputError, match="no profile"):
        line_profile(point)
    with pytest.raises(InputError, match="larger radius"):
        temperature_gradients(made(plane((4, 4), 0, 0)), 0.5 * nm)
