"""Averages over configurations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapitza.core.transmission import Transmission, mean_transmission
from kapitza.errors import InputError

OMEGA = np.array([1e12, 2e12, 5e12])


def one(share: float) -> Transmission:
    modes = OMEGA**2 / 1e10
    return Transmission(OMEGA, share * modes, modes, modes, method="AGF x")


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_conductance_of_the_mean_is_the_mean_conductance(values):
    """Law: both are linear; and a second road to the standard error."""
    parts = [one(share) for share in values]
    mean, error = mean_transmission(parts)
    got = mean.conductance(300, drop="emitted").value
    want = np.mean([part.conductance(300, drop="emitted").value for part in parts], axis=0)
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-30)
    spread = np.sqrt(sum((v - np.mean(values)) ** 2 for v in values) / max(len(values) - 1, 1) / len(values))
    # n equal numbers have a mean that is off by up to (n - 1) roundings of half an epsilon, here and in `spread`
    rounding = len(values) * np.finfo(float).eps * max(values)
    np.testing.assert_allclose(error / (OMEGA**2 / 1e10), spread, rtol=1e-9, atol=rounding)
    assert mean.method == f"AGF x, mean of {len(values)}"


def test_one_is_its_own_mean():
    mean, error = mean_transmission([one(0.3)])
    np.testing.assert_array_equal(mean.total, one(0.3).total)
    assert not error.any()


def test_published_example():
    """Standard error of 1, 2, 3, 4 (any table of statistics): 0.6455."""
    _, error = mean_transmission([one(share / 4) for share in (1, 2, 3, 4)])
    np.testing.assert_allclose(error * 4 / (OMEGA**2 / 1e10), 0.645497, rtol=1e-6)


def test_faults_are_one_clear_line():
    with pytest.raises(InputError, match="at least one"):
        mean_transmission([])
    with pytest.raises(InputError, match="other frequencies"):
        mean_transmission([one(0.1), Transmission([1.0, 2.0], [0.0, 0.0])])


def test_two_configurations_differ_by_twice_their_standard_error() -> None:
    error = mean_transmission([one(0.2), one(0.6)])[1]
    np.testing.assert_allclose(error, (one(0.6).total - one(0.2).total) / 2, rtol=1e-12, atol=0)
