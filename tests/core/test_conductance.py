"""Conductance: labels, interpolation, comparison, series."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapitza.core.conductance import Conductance, merge_conductances, series_conductance
from kapitza.errors import InputError
from kapitza.units import MW, nm

values = st.floats(1e3, 1e10)


@given(values, values, values)
def test_resistances_in_series_add(one, two, three):
    parts = [Conductance([300], [value]) for value in (one, two, three)]
    got = series_conductance(*parts).resistance
    np.testing.assert_allclose(got, 1 / one + 1 / two + 1 / three, rtol=1e-14, atol=0)
    assert series_conductance(*parts).value < min(one, two, three)


def test_series_with_no_boundary_changes_nothing():
    part = Conductance([300], [200 * MW], [20 * MW], method="A")
    got = series_conductance(part, Conductance([300], [np.inf], method="B"))
    np.testing.assert_allclose(got.value, 200 * MW, rtol=1e-15, atol=0)
    np.testing.assert_allclose(got.sigma, 20 * MW, rtol=1e-15, atol=0)
    assert got.method == "A + B"


def test_uncertainty_of_a_series_equals_a_simulation():
    rng = np.random.default_rng(1)
    one, two = Conductance([300], [100.0], [2.0]), Conductance([300], [50.0], [1.5])
    drawn = 1 / (1 / rng.normal(100, 2, 200_000) + 1 / rng.normal(50, 1.5, 200_000))
    np.testing.assert_allclose(series_conductance(one, two).sigma, drawn.std(), rtol=0.01, atol=0)


@given(st.floats(0, 4), st.floats(1e-3, 1e9), st.floats(10, 400))
def test_a_power_law_is_interpolated_exactly(power, factor, temperature):
    known = np.array([10, 31, 77, 150, 400.0])
    got = Conductance(known, factor * known**power).at(temperature)
    np.testing.assert_allclose(got, factor * temperature**power, rtol=1e-12, atol=0)


def test_nothing_is_extrapolated():
    known = Conductance([100, 200], [1.0, 2.0], method="TDTR")
    for wrong in (99.0, 201.0, [150.0, 300.0]):
        with pytest.raises(InputError, match="TDTR is known from 100 to 200 K"):
            known.at(wrong)


def test_infinite_values_are_found_where_they_stand():
    known = Conductance([100, 200, 300], [np.inf, 2.0, np.inf])
    np.testing.assert_array_equal(known.at([300, 100, 200]), [np.inf, np.inf, 2.0])
    with pytest.raises(InputError, match="0 or infinite at some temperatures"):
        known.at(150)


def test_resistance_and_kapitza_length():
    known = Conductance([100, 200, 300], [100 * MW, np.inf, 0.0])
    np.testing.assert_allclose(known.resistance, [1e-8, 0, np.inf], rtol=1e-15, atol=0)
    np.testing.assert_allclose(known.kapitza_length(140.0)[0], 1400 * nm, rtol=1e-14, atol=0)


def test_deviation_in_joint_uncertainties():
    one = Conductance([100, 200], [110.0, 220.0], [3.0, 3.0])
    two = Conductance([100, 200], [100.0, 200.0], [4.0, 4.0])
    np.testing.assert_allclose(one.deviation(two), [2, 4], rtol=1e-12, atol=0)
    np.testing.assert_allclose(two.deviation(one), [-2, -4], rtol=1e-12, atol=0)
    plain = Conductance([100, 200], [100.0, 200.0])
    np.testing.assert_allclose(one.deviation(plain), [10 / 3, 20 / 3], rtol=1e-12, atol=0)
    np.testing.assert_allclose(plain.deviation(one), [-10 / 3, -20 / 3], rtol=1e-12, atol=0)


def test_unequal_drops_or_statistics_are_not_compared():
    emitted = Conductance([300], [1.0], [0.1], "emitted", method="DMM")
    local = Conductance([300], [2.0], [0.1], "local", method="TDTR")
    classical = Conductance([300], [2.0], [0.1], "emitted", statistics="classical", method="MD")
    for one, other, words in (
        (emitted, local, r"'DMM' \(emitted drop\) with 'TDTR' \(local drop\)"),
        (emitted, classical, "classical statistics"),
    ):
        with pytest.raises(InputError, match=words):
            one.deviation(other)
        with pytest.raises(InputError, match="Take both with the same"):
            series_conductance(one, other)
        with pytest.raises(InputError, match=words):
            merge_conductances([one, other])


def test_a_deviation_without_any_uncertainty_has_no_scale():
    with pytest.raises(InputError, match="no scale"):
        Conductance([300], [1.0]).deviation(Conductance([300], [1.0]))


def test_series_wants_the_same_temperatures():
    with pytest.raises(InputError, match="take both at the same ones"):
        series_conductance(Conductance([300], [1.0]), Conductance([301], [1.0]))
    with pytest.raises(InputError, match="got 0"):
        series_conductance()


def test_single_temperatures_are_joined_in_order():
    parts = [Conductance([t], [v], [v / 10], method="inelastic") for t, v in ((300, 3.0), (100, 1.0), (200, 2.0))]
    got = merge_conductances(parts)
    assert got.temperature.tolist() == [100, 200, 300]
    assert got.value.tolist() == [1, 2, 3]
    np.testing.assert_allclose(got.sigma, [0.1, 0.2, 0.3], rtol=1e-14, atol=0)
    assert got.method == "inelastic"
    assert merge_conductances([parts[0], Conductance([100], [1.0])]).sigma is None
    with pytest.raises(InputError, match="got 0"):
        merge_conductances([])
    with pytest.raises(InputError):
        merge_conductances([parts[0], parts[0]])


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": [300], "value": [-1.0]},
        {"temperature": [300], "value": [np.nan]},
        {"temperature": [0], "value": [1.0]},
        {"temperature": [-5], "value": [1.0]},
        {"temperature": [300, 200], "value": [1.0, 1.0]},
        {"temperature": [300, 300], "value": [1.0, 1.0]},
        {"temperature": [300], "value": [1.0, 2.0]},
        {"temperature": [300], "value": [1.0], "sigma": [-1.0]},
        {"temperature": [300], "value": [1.0], "sigma": [1.0, 1.0]},
        {"temperature": [300], "value": [1.0], "drop": "total"},
        {"temperature": [300], "value": [1.0], "statistics": "bose"},
        {"temperature": ["warm"], "value": [1.0]},
    ],
)
def test_malformed_conductances(wrong):
    with pytest.raises(InputError):
        Conductance(**wrong)
