"""Measured beside simulated mode temperatures: chi-squared as it should be distributed, and what it rejects."""

import numpy as np
import pytest

from kapitza.core.occupation import Occupation
from kapitza.errors import InputError
from kapitza.measure.eels.comparison import compare_occupations
from kapitza.measure.eels.intervals import chi2_probability
from kapitza.measure.eels.point_spread import PointSpread
from kapitza.units import k_B, meV, nm

X, FINE = (np.arange(-10, 10) + 0.5) * nm, np.arange(-40, 41) * 0.5 * nm
QUANTA = np.array([47.0, 82.0]) * meV


def kelvin_at(x: np.ndarray) -> np.ndarray:
    base = 400 - 6 * np.tanh(x / (2 * nm)) - 0.2e9 * x
    return np.stack([base, base + 8 * np.exp(-((x / (4 * nm)) ** 2))], axis=1)


def record(
    x: np.ndarray, kelvin: np.ndarray, sigma: float | None, *, classical: bool = False, energy=QUANTA
) -> Occupation:
    n = k_B * kelvin / energy if classical else 1 / np.expm1(energy / (k_B * kelvin))
    slope = k_B / energy if classical else n * (n + 1) * energy / (k_B * kelvin**2)
    error = None if sigma is None else slope * sigma * np.ones(kelvin.shape)
    return Occupation(x, energy, n, error, statistics="classical" if classical else "quantum")


def noisy(x: np.ndarray, sigma: float, rng: np.random.Generator, **more: object) -> Occupation:
    kelvin = kelvin_at(x)
    return record(x, kelvin + sigma * rng.standard_normal(kelvin.shape), sigma, **more)


def test_the_same_temperatures_agree_whatever_the_statistics() -> None:
    found = compare_occupations(record(X, kelvin_at(X), 1.0), record(X, kelvin_at(X), 0.5, classical=True))
    np.testing.assert_allclose(found.chi2, 0.0, rtol=0, atol=1e-12)
    assert found.freedom == 2 * X.size


def test_chi_squared_without_interpolation_is_the_plain_sum() -> None:
    rng = np.random.default_rng(1)
    one, other = noisy(X, 1.0, rng), noisy(X, 2.0, rng)
    found = compare_occupations(one, other)
    s1, s2 = one.temperature_sigma(), other.temperature_sigma()
    assert s1 is not None
    assert s2 is not None
    wanted = np.sum((one.temperature() - other.temperature()) ** 2 / (s1**2 + s2**2))
    np.testing.assert_allclose(found.chi2, wanted, rtol=1e-9, atol=0)
    np.testing.assert_allclose(found.chi2_by_mode.sum(), wanted, rtol=1e-9, atol=0)


@pytest.mark.parametrize("align", ["none", "offset", "scale"])
def test_chi_squared_is_distributed_as_it_should_be(align: str) -> None:
    """Between its own places the simulation is interpolated, and neighbours share its errors."""
    rng = np.random.default_rng(2)
    coarse = np.linspace(-12, 12, 13) * nm
    true = np.stack([np.interp(X, coarse, column) for column in kelvin_at(coarse).T], axis=1)
    values = []
    for _ in range(150):
        measured = record(X, true + 1.0 * rng.standard_normal(true.shape), 1.0)
        found = compare_occupations(measured, noisy(coarse, 1.5, rng, classical=True), align=align)
        values.append(found.pvalue)
    assert 0.01 < np.mean(np.array(values) < 0.05) < 0.11
    np.testing.assert_allclose(np.mean(values), 0.5, rtol=0, atol=0.09)


def test_another_flux_and_mean_are_found() -> None:
    rng = np.random.default_rng(3)
    kelvin = kelvin_at(X)
    simulated = 350 + 2.5 * (kelvin - 400)
    found = compare_occupations(
        record(X, kelvin + 0.5 * rng.standard_normal(kelvin.shape), 0.5), record(X, simulated, None), align="scale"
    )
    assert abs(found.factor - 1 / 2.5) < 4 * found.alignment_sigma[1]
    assert found.pvalue > 0.001
    assert compare_occupations(record(X, kelvin, 0.5), record(X, simulated, None)).pvalue < 1e-9
    assert compare_occupations(record(X, kelvin, 0.5), record(X, simulated, None), align="offset").pvalue < 1e-9


def test_the_point_spread_blurs_what_was_simulated() -> None:
    spread = PointSpread(1.5 * nm, 0.1, 6 * nm)
    wide = np.arange(-400, 401) * 0.25 * nm
    kernel = np.diff(spread.step((np.arange(-400, 402) - 0.5) * 0.25 * nm))
    inside = np.abs(wide) < 30 * nm
    seen = np.stack([np.convolve(column, kernel, mode="same") for column in kelvin_at(wide).T], axis=1)
    measured = record(wide[inside][::8], seen[inside][::8], 0.1)
    blurred = compare_occupations(measured, record(wide, kelvin_at(wide), None), spread=spread)
    np.testing.assert_allclose(blurred.residual, 0.0, rtol=0, atol=0.05)
    assert compare_occupations(measured, record(wide, kelvin_at(wide), None)).pvalue < 1e-9
    assert chi2_probability(blurred.freedom, blurred.chi2) > 0.5


def test_a_mode_that_is_hotter_is_rejected_and_named() -> None:
    rng = np.random.default_rng(5)
    flat = kelvin_at(X)
    flat[:, 1] = flat[:, 0]
    found = compare_occupations(noisy(X, 0.7, rng), record(X, flat, 0.3))
    assert found.pvalue < 1e-6
    per_place = found.chi2_by_mode / found.count_by_mode
    assert per_place[1] > 3 * per_place[0]


def test_bad_input_is_refused() -> None:
    good = record(X, kelvin_at(X), 1.0)
    with pytest.raises(InputError, match="no uncertainties"):
        compare_occupations(record(X, kelvin_at(X), None), good)
    with pytest.raises(InputError, match="none within 1 meV"):
        compare_occupations(good, record(X, kelvin_at(X), 1.0, energy=QUANTA + 9 * meV), tolerance=1 * meV)
    with pytest.raises(InputError, match="no places in common"):
        compare_occupations(good, good, offset=100 * nm)
    with pytest.raises(InputError, match="no factor"):
        compare_occupations(good, record(X, np.full((X.size, 2), 300.0), 1.0), align="scale")
