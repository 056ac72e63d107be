"""What boundaries of which little is known do to a number: against closed forms and draws."""

import numpy as np
import pytest

from kapitza.applications.boundary_budget import boundary_budget
from kapitza.core.conductance import Conductance
from kapitza.core.stack import Boundary
from kapitza.errors import InputError
from kapitza.units import MW

_QUANTILE = 1.959963984540054


def estimate(value: float, spread: float) -> Conductance:
    kelvin = np.array([100.0, 900.0])
    return Conductance(kelvin, np.full(2, value), np.full(2, spread * value))


def total_resistance(given) -> float:
    return sum(Boundary(one).resistance(300.0) for one in given.values())


def test_one_boundary_has_the_ends_of_its_interval():
    found = boundary_budget(total_resistance, {"a": estimate(50 * MW, 0.5), "b": 100 * MW})
    ends = [10e-9 + 20e-9 * np.exp(sign * _QUANTILE * 0.5) for sign in (-1, 1)]
    assert np.abs(np.array([found.low, found.high]) / ends - 1).max() <= 1e-12
    after = [10e-9 + 20e-9 * np.exp(sign * _QUANTILE * 0.2) for sign in (-1, 1)]
    assert np.abs(np.array(found.measured["a"]) / after - 1).max() <= 1e-12
    assert set(found.ends) == {"a"}


def test_two_boundaries_cover_what_draws_of_both_give():
    spreads = {"a": 0.4, "b": 0.25}
    held = {"a": estimate(50 * MW, 0.4), "b": estimate(40 * MW, 0.25)}
    found = boundary_budget(total_resistance, held)
    draws = np.exp(np.random.default_rng(3).standard_normal((200_000, 2)) * list(spreads.values()))
    drawn = draws @ [20e-9, 25e-9]
    inside = np.mean((drawn > found.low) & (drawn < found.high))
    assert abs(inside - 0.95) <= 0.015
    assert list(found.measured) == ["a", "b"]  # the less known one is worth more


def test_both_ends_of_one_leg_err_together():
    both = estimate(50 * MW, 0.5)
    together = boundary_budget(total_resistance, {"hot": both, "cold": both})
    apart = boundary_budget(total_resistance, {"hot": both, "cold": estimate(50 * MW, 0.5)})
    assert abs((together.high - together.value) / (apart.high - apart.value) - np.sqrt(2)) <= 1e-12
    assert set(together.ends) == {"hot, cold"}


def test_nothing_uncertain_has_no_budget():
    assert boundary_budget(total_resistance, {"a": 5e7}) is None
    with pytest.raises(InputError, match="above 0"):
        boundary_budget(total_resistance, {"a": estimate(5e7, 0.3)}, relative=0.0)
