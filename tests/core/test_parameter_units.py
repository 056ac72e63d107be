"""Numbers as reports print them."""

import math

import pytest

from kapitza.core.parameter_units import parameter_with_error, rounded_to_error, with_error


@pytest.mark.parametrize(
    ("value", "sigma", "text"),
    [
        (145.5, 11, "146 ± 11"),
        (14.268, 0.3571, "14.27 ± 0.36"),
        (815.83, 208.4, "820 ± 210"),
        (-0.19402, 0.00612, "-0.1940 ± 0.0061"),
        (170.05, 3.0, "170.1 ± 3.0"),
        (9.96, 0.0997, "9.96 ± 0.10"),  # 0.0997 is 0.10, whose second digit is the hundredth
        (99.6, 9.96, "100 ± 10"),
        (4.674e-10, 1.12e-11, "(4.67 ± 0.11)e-10"),
        (3.0, 0.0, "3 ± 0"),
        (1.0, math.inf, "1 ± inf"),
        (1.25, math.nan, "1.25 ± –"),
        (300.0, 1e-12, "300 ± 1e-12"),
    ],
)
def test_a_value_ends_at_the_decimal_place_of_its_error(value: float, sigma: float, text: str) -> None:
    assert with_error(value, sigma) == text


def test_values_have_the_unit_that_they_are_shown_in() -> None:
    assert parameter_with_error("Al|Si.conductance", 145.5e6, 11e6) == "146 ± 11 MW/m²K"
    assert parameter_with_error("tdtr.scale", 0.99893, 0.0027) == "0.9989 ± 0.0027"
    assert rounded_to_error(154.63, 7.3) == "154.6"
    assert rounded_to_error(154.63, math.nan) == "154.63"
