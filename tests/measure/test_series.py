"""Thickness series: York's line by a second road, Pearson's data, shared errors, and an intercept that is zero."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapitza.errors import InputError
from kapitza.measure.thickness_series import ThicknessSeries, shared_covariance
from kapitza.units import nm

# Pearson's points with York's weights, K. Pearson, Phil. Mag. 2, 559 (1901); D. York, Can. J. Phys. 44, 1079 (1966)
X = np.array([0.0, 0.9, 1.8, 2.6, 3.3, 4.4, 5.2, 6.1, 6.5, 7.4])
Y = np.array([5.9, 5.4, 4.4, 4.6, 3.5, 3.7, 2.8, 2.8, 2.4, 1.5])
WX = np.array([1000, 1000, 500, 800, 200, 80, 60, 20, 1.8, 1.0])
WY = np.array([1, 1.8, 4, 8, 20, 20, 70, 70, 100, 500.0])


def york(x: Any, y: Any, sx: Any, sy: Any, r: Any) -> tuple[float, float]:
    """Intercept and slope by the iteration of York et al. (2004)."""
    b = np.polyfit(x, y, 1)[0]
    wx, wy = sx**-2, sy**-2
    alpha = np.sqrt(wx * wy)
    for _ in range(500):
        w = wx * wy / (wx + b**2 * wy - 2 * b * r * alpha)
        u, v = x - (w @ x) / w.sum(), y - (w @ y) / w.sum()
        beta = w * (u / wy + b * v / wx - (b * u + v) * r / alpha)
        b = (w * beta) @ v / ((w * beta) @ u)
    return float((w @ y - b * (w @ x)) / w.sum()), float(b)


def test_pearsons_points(published: Callable[[str, str], dict[str, Any]]) -> None:
    # turned over, so that the line rises as that of a thickness series
    line = ThicknessSeries(X, 10 - Y, WX**-0.5, WY**-0.5).line()
    slope, intercept = (published("estimator", f"pearson_{name}") for name in ("slope", "intercept"))
    np.testing.assert_allclose(1 / line.conductivity, -slope["value"], rtol=slope["tolerance"], atol=0)
    np.testing.assert_allclose(10 - line.resistance, intercept["value"], rtol=intercept["tolerance"], atol=0)
    # slopes of York's error formula differ from the curvature of chi2 in the next order only
    np.testing.assert_allclose(line.conductivity_sigma / line.conductivity**2, 0.0580, rtol=0.03, atol=0)
    np.testing.assert_allclose(line.resistance_sigma, 0.295, rtol=0.03, atol=0)


@given(st.integers(0, 10**6), st.floats(-0.8, 0.8))
@settings(max_examples=25)
def test_independent_films_give_the_line_of_york(seed: int, r: float) -> None:
    rng = np.random.default_rng(seed)
    d = np.sort(rng.uniform(20, 400, 7)) * nm
    sd, sr = rng.uniform(0.5, 3, 7) * nm, rng.uniform(2e-9, 6e-9, 7)
    measured = 1e-8 + (d + sd * rng.standard_normal(7)) / 1.3 + sr * rng.standard_normal(7)
    line = ThicknessSeries(d, measured, sd, sr, correlation=np.full(7, r)).line()
    intercept, slope = york(d / nm, measured / 1e-9, sd / nm, sr / 1e-9, r)
    np.testing.assert_allclose(1 / line.conductivity, slope, rtol=1e-7, atol=0)
    np.testing.assert_allclose(line.resistance / 1e-9, intercept, rtol=1e-6, atol=1e-6)


def test_without_errors_in_thickness_it_is_weighted_regression() -> None:
    d = np.array([30, 60, 120, 240]) * nm
    measured = np.array([3.1e-8, 5.2e-8, 9.9e-8, 19.3e-8])
    sigma = 0.03 * measured
    line = ThicknessSeries(d, measured, resistance_sigma=sigma).line()
    design = np.column_stack([np.ones(4), d]) / sigma[:, None]
    found, *_ = np.linalg.lstsq(design, measured / sigma, rcond=None)
    np.testing.assert_allclose([line.resistance, 1 / line.conductivity], found, rtol=1e-8, atol=0)
    np.testing.assert_allclose(
        line.resistance_sigma, np.sqrt(np.linalg.inv(design.T @ design)[0, 0]), rtol=1e-6, atol=0
    )


def test_shared_errors_go_where_they_belong() -> None:
    d = np.array([30, 60, 120, 240, 480]) * nm
    clean = 1.2e-8 + d / 1.3
    own = np.full(5, 1e-10)
    alone = ThicknessSeries(d, clean, resistance_sigma=own).line()
    offset = ThicknessSeries(d, clean, None, own, resistance_covariance=shared_covariance(clean, offset=3e-9)).line()
    np.testing.assert_allclose(offset.resistance_sigma, np.hypot(alone.resistance_sigma, 3e-9), rtol=1e-6, atol=0)
    np.testing.assert_allclose(offset.conductivity_sigma, alone.conductivity_sigma, rtol=1e-6, atol=0)
    gauge = ThicknessSeries(d, clean, None, own, thickness_covariance=shared_covariance(d, share=0.02)).line()
    relative = np.hypot(alone.conductivity_sigma / alone.conductivity, 0.02)
    np.testing.assert_allclose(gauge.conductivity_sigma / gauge.conductivity, relative, rtol=1e-3, atol=0)
    np.testing.assert_allclose(gauge.resistance_sigma, alone.resistance_sigma, rtol=1e-3, atol=0)


def test_oxide_series_leaves_its_intercept_unresolved() -> None:
    """Three oxides, from resistances as fitted one by one: reference README, computed for this project."""
    d = np.array([25, 50, 100]) * nm
    k, share = np.array([1.427, 1.207, 1.026]), np.array([0.047, 0.024, 0.004])
    total = d / k + 1 / 129e6  # the conductance of Al on the oxide was held at 129 MW/m²K
    line = ThicknessSeries(d, total, np.full(3, 2.0) * nm, share * d / k).line()
    np.testing.assert_allclose(line.conductivity, 0.93, rtol=0.04 / 0.93, atol=0)
    assert abs(line.resistance) < 2 * line.resistance_sigma
    assert not line.is_resolved()
    assert 0 < line.upper() < 2 * line.resistance_sigma
    with pytest.raises(InputError, match="zero within its error"):
        line.conductance()


def test_resolved_intercept_is_a_conductance() -> None:
    d = np.array([20, 50, 100, 200]) * nm
    line = ThicknessSeries(d, 1 / 80e6 + d / 1.4, np.full(4, 0.5) * nm, np.full(4, 3e-10)).line()
    found = line.conductance(295.0)
    np.testing.assert_allclose(found.value, [80e6], rtol=1e-6, atol=0)
    assert found.sigma is not None
    np.testing.assert_allclose(found.sigma, [80e6**2 * line.resistance_sigma], rtol=1e-9, atol=0)
    assert line.is_resolved()


@pytest.mark.slow
def test_intercepts_cover() -> None:
    rng = np.random.default_rng(4)
    d = np.array([20, 40, 80, 160, 320]) * nm
    hits = 0
    for _ in range(300):
        measured = 9e-9 + (d + 2 * nm * rng.standard_normal(5)) / 1.3 + 2e-9 * rng.standard_normal(5)
        line = ThicknessSeries(d, measured, np.full(5, 2) * nm, np.full(5, 2e-9)).line()
        hits += abs(line.resistance - 9e-9) < 1.96 * line.resistance_sigma
    assert 0.91 <= hits / 300 <= 0.985


def test_curvature_is_found_and_matthiessen_is_not() -> None:
    d = np.array([10, 20, 40, 80, 160, 320]) * nm
    sigma = np.full(6, 5e-10)
    bent = ThicknessSeries(d, 1e-8 + d / (1.4 * (1 - np.exp(-d / (30 * nm)))), resistance_sigma=sigma)
    assert bent.size_test().probability < 1e-3
    cut = ThicknessSeries(d, 1e-8 + d * (1 + 20 * nm / d) / 1.4, resistance_sigma=sigma)
    assert cut.size_test().probability > 0.99  # all of it hides in the intercept
    np.testing.assert_allclose(cut.line().resistance, 1e-8 + 20 * nm / 1.4, rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1e-8, 2e-8], [1e-8, 2e-8]), "3 films or more"),
        (([-1e-8, 2e-8, 3e-8], [1e-8, 2e-8, 3e-8]), "at least 0"),
        (([1e-8, 2e-8, 3e-8], [1e-8, 2e-8, 3e-8], [1e-9] * 3), "resistance_sigma is None"),
    ],
)
def test_wrong_series(arguments: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ThicknessSeries(*arguments)


def test_falling_resistance_is_refused() -> None:
    with pytest.raises(InputError, match="falls with thickness"):
        ThicknessSeries([1e-8, 2e-8, 3e-8], [3e-8, 2e-8, 0.9e-8], resistance_sigma=[1e-9] * 3).line()
