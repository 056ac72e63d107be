"""Least squares against certified results, laws, and a second road."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapitza.errors import ConvergenceError, InputError
from kapitza.measure.least_squares import difference_jacobian, least_squares

# Models of the NIST Statistical Reference Datasets, nonlinear regression, https://www.itl.nist.gov/div898/strd/


def gauss(b: Any, x: Any) -> Any:
    peaks = b[2] * np.exp(-(((x - b[3]) / b[4]) ** 2)) + b[5] * np.exp(-(((x - b[6]) / b[7]) ** 2))
    return b[0] * np.exp(-b[1] * x) + peaks


def enso(b: Any, x: Any) -> Any:
    def wave(c: Any, s: Any, period: Any) -> Any:
        return c * np.cos(2 * np.pi * x / period) + s * np.sin(2 * np.pi * x / period)

    return b[0] + wave(b[1], b[2], 12) + wave(b[4], b[5], b[3]) + wave(b[7], b[8], b[6])


def cubic(b: Any, x: Any) -> Any:
    return (b[0] + x * (b[1] + x * (b[2] + x * b[3]))) / (1 + x * (b[4] + x * (b[5] + x * b[6])))


def lanczos(b: Any, x: Any) -> Any:
    return b[0] * np.exp(-b[1] * x) + b[2] * np.exp(-b[3] * x) + b[4] * np.exp(-b[5] * x)


MODELS: dict[str, Callable[[Any, Any], Any]] = {
    "Bennett5": lambda b, x: b[0] * (b[1] + x) ** (-1 / b[2]),
    "BoxBOD": lambda b, x: b[0] * (1 - np.exp(-b[1] * x)),
    "Chwirut1": lambda b, x: np.exp(-b[0] * x) / (b[1] + b[2] * x),
    "Chwirut2": lambda b, x: np.exp(-b[0] * x) / (b[1] + b[2] * x),
    "DanWood": lambda b, x: b[0] * x ** b[1],
    "ENSO": enso,
    "Eckerle4": lambda b, x: b[0] / b[1] * np.exp(-0.5 * ((x - b[2]) / b[1]) ** 2),
    "Gauss1": gauss,
    "Gauss2": gauss,
    "Gauss3": gauss,
    "Hahn1": cubic,
    "Kirby2": lambda b, x: (b[0] + x * (b[1] + x * b[2])) / (1 + x * (b[3] + x * b[4])),
    "Lanczos1": lanczos,
    "Lanczos2": lanczos,
    "Lanczos3": lanczos,
    "MGH09": lambda b, x: b[0] * (x**2 + x * b[1]) / (x**2 + x * b[2] + b[3]),
    "MGH10": lambda b, x: b[0] * np.exp(b[1] / (x + b[2])),
    "MGH17": lambda b, x: b[0] + b[1] * np.exp(-x * b[3]) + b[2] * np.exp(-x * b[4]),
    "Misra1a": lambda b, x: b[0] * (1 - np.exp(-b[1] * x)),
    "Misra1b": lambda b, x: b[0] * (1 - (1 + b[1] * x / 2) ** -2),
    "Misra1c": lambda b, x: b[0] * (1 - (1 + 2 * b[1] * x) ** -0.5),
    "Misra1d": lambda b, x: b[0] * b[1] * x / (1 + b[1] * x),
    "Nelson": lambda b, x: b[0] - b[1] * x[:, 0] * np.exp(-b[2] * x[:, 1]),
    "Rat42": lambda b, x: b[0] / (1 + np.exp(b[1] - b[2] * x)),
    "Rat43": lambda b, x: b[0] / (1 + np.exp(b[1] - b[2] * x)) ** (1 / b[3]),
    "Roszman1": lambda b, x: b[0] - b[1] * x - np.arctan(b[2] / (x - b[3])) / np.pi,
    "Thurber": cubic,
}


def digits(got: Any, want: Any) -> float:
    return float(np.min(-np.log10(np.maximum(np.abs(np.asarray(got) / want - 1), 1e-12))))


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("name", MODELS)
def test_nist_certified(name: str, which: int, data: Callable[[str], Path]) -> None:
    case = json.loads(data("statistics/nist_strd.json").read_text(encoding="utf-8"))[name]
    starts, value, deviation, x, y = (np.array(case[key]) for key in ("starts", "certified", "deviation", "x", "y"))
    y = np.log(y) if name == "Nelson" else y
    alone = {"starts": 1} if which == 1 else {}  # from the near start, one search has to find it
    found = least_squares(lambda b: MODELS[name](b, x) - y, starts[which], **alone)
    assert digits(found.x, value) >= 6, found.minima
    if name == "Lanczos1":  # its residuals, 1e-13, are at the rounding of double precision
        with pytest.raises(ConvergenceError, match="rounding"):
            _ = found.scatter
        return
    assert digits(found.chi2, case["squares"]) >= 6
    assert digits(found.scatter * np.sqrt(np.diag(found.covariance)), deviation) >= 4


def test_start_where_the_model_breaks_down_is_refused() -> None:
    with pytest.raises(InputError, match="not finite at the starting point"):
        least_squares(lambda b: np.full(3, np.inf) * b[0], [1.0])


lines = st.tuples(st.floats(-1e3, 1e3), st.floats(1, 1e3), st.integers(0, 2**16))


@given(lines)
def test_linear_problem_is_linear_regression(case: tuple[float, float, int]) -> None:
    offset, slope, seed = case
    rng = np.random.default_rng(seed)
    x = np.linspace(1, 2, 12)
    y = offset + slope * x + slope * rng.standard_normal(12)
    design = np.column_stack([np.ones(12), x])
    found = least_squares(lambda b: design @ b - y, [1.0, 1.0], starts=1)
    exact = np.linalg.solve(design.T @ design, design.T @ y)
    np.testing.assert_allclose(design @ found.x, design @ exact, rtol=1e-9, atol=1e-9 * np.abs(y).max())
    np.testing.assert_allclose(found.covariance, np.linalg.inv(design.T @ design), rtol=1e-8, atol=0)


@given(st.floats(-8, 8), st.floats(-6, 6))
def test_units_do_not_matter(one: float, other: float) -> None:
    factor = np.array([10**one, 10**other])
    x = np.linspace(0, 4, 20)
    y = 3 * np.exp(-0.7 * x) + 0.05 * np.sin(7 * x)
    plain = least_squares(lambda b: b[0] * np.exp(-b[1] * x) - y, [2.0, 1.0], starts=1)
    scaled = least_squares(lambda b: b[0] / factor[0] * np.exp(-b[1] / factor[1] * x) - y, factor * [2, 1], starts=1)
    np.testing.assert_allclose(scaled.x / factor, plain.x, rtol=1e-7, atol=0)
    np.testing.assert_allclose(scaled.covariance / np.outer(factor, factor), plain.covariance, rtol=1e-6, atol=0)


def test_limits_hold_and_are_reported() -> None:
    x = np.linspace(0, 1, 9)
    found = least_squares(lambda b: b[0] + b[1] * x - (1 + 2 * x), [0.5, 0.5], limits=([0.0, 0.0], [5.0, 1.5]))
    np.testing.assert_allclose(found.x, [1.25, 1.5], rtol=1e-9, atol=0)
    assert found.inside.tolist() == [True, False]
    assert found.covariance[1, 1] == 0
    np.testing.assert_allclose(found.covariance[0, 0], 1 / 9, rtol=1e-8, atol=0)


def test_undetermined_direction_is_refused() -> None:
    x = np.linspace(0, 1, 9)
    with pytest.raises(ConvergenceError, match="1 of 2 directions") as caught:
        least_squares(lambda b: b[0] * b[1] * x - 3 * x + 0.1 * x**2, [1.0, 1.0])
    assert isinstance(caught.value.last, np.ndarray)


def test_minimum_at_infinity_is_refused() -> None:
    x = np.linspace(1, 2, 9)
    with pytest.raises(ConvergenceError):
        least_squares(lambda b: np.exp(-b[0] * x), [1.0])


def test_lowest_of_two_minima_is_taken_and_both_are_told() -> None:
    def valley(b: Any) -> Any:
        return np.array([b[0] ** 2 - 1, 0.1 * (b[0] - 1), 0.1])

    found = least_squares(valley, [-0.9], scale=[1.0], starts=12, spread=1.0)
    np.testing.assert_allclose(found.x, [1.0], rtol=1e-9, atol=0)
    assert len(found.minima) == 2
    assert found.minima[1].x[0] < 0
    assert found.minima[1].chi2 > found.minima[0].chi2


@pytest.mark.parametrize(("order", "error"), [(2, 1e-9), (4, 1e-11)])
def test_differences_against_exact_derivatives(order: int, error: float) -> None:
    x = np.linspace(0.5, 3, 11)
    b = np.array([1.3, 0.8, 451.0])

    def model(b: Any) -> Any:
        return b[0] * np.exp(-b[1] * x) + np.exp(-(((450 + x - b[2]) / 0.9) ** 2))

    bump = np.exp(-(((450 + x - b[2]) / 0.9) ** 2)) * 2 * (450 + x - b[2]) / 0.81
    exact = np.column_stack([np.exp(-b[1] * x), -b[0] * x * np.exp(-b[1] * x), bump])
    got = difference_jacobian(model, b, scale=np.array([1, 1, 451.0 if order == 4 else 1.0]), order=order)
    np.testing.assert_allclose(got, exact, rtol=0, atol=error * np.abs(exact).max())


def test_exact_jacobian_gives_the_same() -> None:
    x = np.linspace(0, 4, 20)
    y = 3 * np.exp(-0.7 * x) + 0.05 * np.sin(7 * x)

    def slopes(b: Any) -> Any:
        return np.column_stack([np.exp(-b[1] * x), -b[0] * x * np.exp(-b[1] * x)])

    with_it = least_squares(lambda b: b[0] * np.exp(-b[1] * x) - y, [2.0, 1.0], jacobian=slopes)
    without = least_squares(lambda b: b[0] * np.exp(-b[1] * x) - y, [2.0, 1.0])
    np.testing.assert_allclose(with_it.x, without.x, rtol=1e-9, atol=0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"limits": ([0.0], None)}, "low has shape"),
        ({"limits": ([2.0, 0.0], None)}, "start\\[0\\]"),
        ({"scale": [1.0]}, "scale has shape"),
    ],
)
def test_wrong_calls(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        least_squares(lambda b: b, [1.0, 1.0], **changes)
