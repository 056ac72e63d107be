"""Numbers as reports print them."""

import math
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from kapitza.core.parameter_units import (
    interval_in_words,
    parameter_unit,
    parameter_with_error,
    rounded_outward,
    rounded_to_error,
    with_error,
)
from kapitza.core.records import BaseRecord

SOURCE = Path(__file__).resolve().parents[2] / "src" / "kapitza"


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


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (65.98, 2091.0, "65 to 2100"),
        (62.21, 155.3, "62 to 156"),  # the distance is 93, whose second digit is the unit
        (0.7757, 2.547, "0.77 to 2.6"),
        (12.22, 931.3, "12 to 940"),
        (99.6, 99.97, "99.60 to 99.97"),
        (-0.317, 0.221, "-0.32 to 0.23"),
        (0.0, 4.861, "0.0 to 4.9"),
        (2.1 - 4e-16, 4.2 + 9e-16, "2.1 to 4.2"),
        (-math.inf, 12345.0, "– to 13000"),
        (9.96, math.inf, "9.9 to –"),
        (1.234e-12, math.inf, "1.2e-12 to –"),
    ],
)
def test_intervals_are_rounded_outward(low: float, high: float, text: str) -> None:
    assert " to ".join(rounded_outward(low, high)) == text


def test_intervals_have_the_unit_that_they_are_shown_in() -> None:
    assert interval_in_words("Al|Si.conductance", 62.21e6, None) == "> 62 MW/m²K"
    assert interval_in_words("Al|Si.conductance", None, 1.2345e9) == "< 1300 MW/m²K"
    assert interval_in_words("Si.conductivity", 12.22, 931.3) == "12 to 940 W/mK"
    # a share is at most 1, and its distance to that matters
    assert interval_in_words("fdtr.transmission_1", 0.99871, None) == "> 0.9987"
    assert interval_in_words("fdtr.transmission_1", 0.62551, None) == "> 0.62"


def test_rounding_outward_holds_the_interval_and_little_more() -> None:
    rng = np.random.default_rng(5)
    for low, high in np.sort(np.exp(rng.uniform(-15, 15, (500, 2))), axis=1).tolist():
        least, most = (float(end) for end in rounded_outward(low, high))
        assert least <= low * (1 + 1e-11)
        assert most >= high * (1 - 1e-11)
        assert low - least <= 0.1 * low
        assert most - high <= 0.1 * high
        assert most - least <= 1.2 * (high - low)


def test_a_parameter_has_the_unit_of_its_attribute() -> None:
    """One unit for each name, whatever record has it, and the unit that the attribute states."""
    for path in (SOURCE / "device", *(SOURCE / "measure").glob("**/")):
        for module in path.glob("*.py"):
            import_module(".".join(module.relative_to(SOURCE.parent).with_suffix("").parts))
    units: dict[str, set[str]] = {}
    kinds: list[type] = [BaseRecord]
    for kind in kinds:
        kinds += kind.__subclasses__()
        for one in getattr(kind, "__attrs_attrs__", ()):
            names = one.metadata.get("parameters")
            for name in () if names is None else names or (one.name,):
                units.setdefault(name, set()).add(one.metadata["unit"])
    assert {name: found for name, found in units.items() if len(found) > 1} == {}
    assert {name: {parameter_unit(f"any.{name}")} for name in units} == units
    assert parameter_unit("Al|Si.conductance") == "W m^-2 K^-1"
    assert parameter_unit("map.left_real") == "K"


def test_units_are_known_before_any_record_is_loaded() -> None:
    script = (
        "from kapitza.core.parameter_units import parameter_unit as unit; print(unit('tdtr.modulation'), unit('sink'))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["Hz", "K"]
