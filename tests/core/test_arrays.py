"""Checks at the door."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kapitza.core.arrays import (
    check_plausible,
    frequencies,
    increasing,
    number,
    numbers,
    positive,
    real_array,
    square,
    temperatures,
)
from kapitza.errors import InputError

_POSSIBLE = st.floats(-1e100, 1e100) | st.sampled_from([-np.inf, np.inf])


@given(arrays(float, st.integers(0, 6), elements=_POSSIBLE))
def test_what_goes_in_comes_out_and_the_original_stays_free(values):
    got = numbers(values)
    np.testing.assert_array_equal(got, values)
    assert not got.flags.writeable
    assert values.flags.writeable
    if values.size:
        values[0] = 17
    assert got is not values


@pytest.mark.parametrize("convert", [numbers, real_array, number, positive])
@pytest.mark.parametrize("value", [1e300, -2e101])
def test_numbers_that_no_quantity_has_are_refused(convert, value):
    with pytest.raises(InputError, match="no quantity in SI units is beyond"):
        convert(value)


@pytest.mark.parametrize("convert", [numbers, number, positive, square])
def test_whole_numbers_of_too_many_digits_are_refused(convert):
    with pytest.raises(InputError, match="expected"):
        convert(10**400)


@pytest.mark.parametrize("kelvin", [1e-300, 1e13])
def test_temperatures_that_no_body_has_are_refused(kelvin):
    with pytest.raises(InputError, match=r"expected temperatures of 1e-12 to 1e\+12 K"):
        temperatures([kelvin])


def test_a_single_number_becomes_one_value():
    assert numbers(3).tolist() == [3.0]
    assert temperatures(300).shape == (1,)


@pytest.mark.parametrize("wrong", [[1, np.nan], [[1, 2]], "warm", ["1 K"], None, [1, [2, 3]], 1j, {"T": 1}])
def test_no_numbers(wrong):
    with pytest.raises(InputError, match="expected numbers along one axis"):
        numbers(wrong)


@pytest.mark.parametrize(
    ("check", "wrong", "words"),
    [
        (positive, [1, 0], "got 0"),
        (positive, [1, -2], "got -2"),
        (positive, [1, np.inf], "got inf"),
        (temperatures, [300, -3], r"got -3 K \(°C\? add 273.15\)"),
        (temperatures, [np.inf], "got inf"),
        (increasing, [1, 2, 2], "got 2 at index 2"),
        (increasing, [3, 1], "got 1 at index 1"),
        (increasing, [1, np.inf], "got inf at index 1"),
        (frequencies, [-1, 2], "got -1"),
        (square, [[1, 2]], "square"),
        (square, [[1, np.nan], [0, 1]], "finite"),
        (square, "x", "square"),
        (square, [1, 2], "square"),
    ],
)
def test_the_message_holds_the_value(check, wrong, words):
    with pytest.raises(InputError, match=words):
        check(wrong)


@pytest.mark.parametrize("wrong", ["a", None, [1.0, 2.0], {}, 1j])
def test_what_is_no_single_number_is_refused(wrong):
    with pytest.raises(InputError, match="expected one number, got"):
        number(wrong)


@given(_POSSIBLE)
def test_a_single_number_keeps_its_value(value):
    assert number(value) == value == number(np.float64(value))


def test_a_value_in_another_unit_is_named():
    check_plausible("density", 2330.0, 20, 4e4, "kg/m³", "Si")
    for value in (2.33, 2.33e6, np.nan):
        with pytest.raises(InputError, match=r"Si: density = .*, expected 20 to 40000 kg/m³"):
            check_plausible("density", value, 20, 4e4, "kg/m³", "Si")
