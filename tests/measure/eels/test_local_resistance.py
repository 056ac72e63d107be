"""Local thermal resistivity: its law, its kernel, its errors, and what goes with it in an image."""

import numpy as np
import pytest

from kapitza.errors import InputError
from kapitza.measure.eels.heat_flow.local_resistance import local_resistance
from kapitza.measure.eels.map import TemperatureMap
from kapitza.measure.eels.point_spread import PointSpread
from kapitza.units import nm

FLUX = 6e9
X, Y = np.arange(-30, 31) * nm, np.arange(16) * nm


def map_of(kelvin: np.ndarray, sigma: float, rng: np.random.Generator | None = None) -> TemperatureMap:
    axes = (Y, X) if kelvin.ndim == 2 else (X,)
    noise = 0.0 if rng is None else sigma * rng.standard_normal(kelvin.shape)
    return TemperatureMap(
        position=axes,
        names=("temperature",),
        value=(kelvin + noise)[..., None],
        covariance=np.full((*kelvin.shape, 1, 1), sigma**2),
        flag=np.zeros(kelvin.shape, dtype=int),
        pvalue=np.full(kelvin.shape, 0.5),
        deviance=np.zeros(kelvin.shape),
        iterations=np.ones(kelvin.shape, dtype=int),
    )


def uniform(k: float = 60.0) -> np.ndarray:
    return np.tile(400 - FLUX / k * X, (Y.size, 1))


def test_uniform_resistivity_is_that_of_fourier() -> None:
    found = local_resistance(map_of(uniform(), 0.1), 5 * nm, flux=(FLUX, 0.03 * FLUX))
    np.testing.assert_allclose(found.value, 1 / 60, rtol=1e-9, atol=0)
    np.testing.assert_allclose(found.common, 0.03, rtol=1e-12, atol=0)
    relative = local_resistance(map_of(uniform(), 0.1), 5 * nm)
    np.testing.assert_allclose(relative.value, 1.0, rtol=1e-9, atol=0)


def test_reversed_flow_is_the_same_resistivity() -> None:
    one, other = (local_resistance(map_of(400 + s * (uniform() - 400), 0.1), 5 * nm) for s in (1, -1))
    np.testing.assert_allclose(one.value, other.value, rtol=1e-9, atol=0)
    np.testing.assert_allclose(one.direction, -np.array(other.direction), rtol=0, atol=1e-9)


@pytest.mark.parametrize("radius", [4.0, 6.0, 7.0])
@pytest.mark.parametrize("lines", [True, False])
def test_excess_across_a_plane_is_its_resistance_at_any_resolution(radius: float, lines: bool) -> None:
    """A fault between two pixels: the integral of what exceeds the bulk is the jump over the flux."""
    kelvin = uniform() - 4.0 * (0.5 * nm < X)
    found = local_resistance(map_of(kelvin[0] if lines else kelvin, 0.1), radius * nm, flux=(FLUX, 0.0))
    row = found.value if lines else found.value[Y.size // 2]
    excess = ((row - 1 / 60)[10:-10]).sum() * nm
    np.testing.assert_allclose(excess, 4.0 / FLUX, rtol=1e-9, atol=0)
    half = np.flatnonzero(row - 1 / 60 >= (row.max() - 1 / 60) / 2)
    assert abs(np.ptp(X[half]) + nm - found.resolution) < 1.6 * nm


def test_resolution_is_that_of_the_continuous_kernels() -> None:
    """A line: parabola of full width sqrt 2 R; a disc: (1 - s²)^(3/2), of 1.2168 R."""
    line = local_resistance(map_of(uniform()[0], 0.1), 20 * nm)
    np.testing.assert_allclose(line.resolution, np.sqrt(2) * 20 * nm, rtol=0.06, atol=0)
    disc = local_resistance(map_of(uniform(), 0.1), 14 * nm, spread=PointSpread(4 * nm))
    kernel = 2 * np.sqrt(1 - 2 ** (-2 / 3)) * 14 * nm
    np.testing.assert_allclose(disc.resolution, np.hypot(kernel, 2.3548 * 4 * nm), rtol=0.06, atol=0)


def test_errors_cover_and_false_alarms_are_rare() -> None:
    rng, inside, alarms = np.random.default_rng(2), [], 0
    for _ in range(40):
        found = local_resistance(map_of(uniform(), 2.0, rng), 5 * nm, flux=(FLUX, 0.0))
        inside.append(np.abs(found.value - 1 / 60) < 1.96 * found.sigma)
        alarms += bool((found.pvalue() < 0.05).any())
    assert 0.93 < np.mean(inside) < 0.97
    assert alarms / 40 < 0.15


def test_a_fault_is_found_and_its_image_goes_with_it() -> None:
    rng = np.random.default_rng(3)
    fault = np.exp(-(((X - 15 * nm) / (4 * nm)) ** 2))
    slower = np.cumsum(1 + 3 * fault) * nm
    kelvin = np.tile(400 - FLUX / 60 * slower, (Y.size, 1))
    found = local_resistance(map_of(kelvin, 0.5, rng), 4 * nm)
    apart = found.pvalue() < 0.05
    assert apart.any()
    assert np.abs(X[np.flatnonzero(apart.any(axis=0))] - 15 * nm).min() < 2 * nm
    slope, sigma, probability = found.structure_slope(np.tile(fault, (Y.size, 1)) + 0.1)
    assert slope > 5 * sigma
    assert probability < 1e-4


def test_an_image_of_something_else_shows_no_slope_more_often_than_it_should() -> None:
    rng = np.random.default_rng(4)
    pulls = []
    for _ in range(12):
        found = local_resistance(map_of(uniform(), 0.5, rng), 3 * nm)
        for _ in range(12):
            slope, sigma, _ = found.structure_slope(rng.standard_normal((Y.size, X.size)))
            pulls.append(slope / sigma)
    assert np.mean(np.abs(pulls) < 1.96) > 0.90
    np.testing.assert_allclose(np.std(pulls), 1.0, rtol=0.2, atol=0)


def test_bad_input_is_refused() -> None:
    good = map_of(uniform(), 0.1)
    found = local_resistance(good, 5 * nm)
    with pytest.raises(InputError, match="above 0"):
        local_resistance(good, 5 * nm, flux=(-1.0, 0.0))
    with pytest.raises(InputError, match="larger radius"):
        local_resistance(good, 0.4 * nm)
    with pytest.raises(InputError, match="same scan"):
        found.structure_slope(np.ones((3, 3)))
    with pytest.raises(InputError, match="everywhere"):
        found.structure_slope(np.ones((Y.size, X.size)))
    with pytest.raises(InputError, match="smaller radius"):
        local_resistance(good, 25 * nm).structure_slope(uniform())
    with pytest.raises(InputError, match="relative to it"):
        local_resistance(map_of(np.full((Y.size, X.size), 300.0), 5.0, np.random.default_rng(1)), 5 * nm)
