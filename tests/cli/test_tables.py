"""Tables of records: units, uncertainties, and what is printed of them."""

import math

import numpy as np
import pytest

import kapitza
from kapitza.cli.output import (
    Column,
    Table,
    Values,
    columns_of,
    format_number,
    print_json,
    print_parts,
    print_record,
    quantity_json,
    shown_factor,
)
from kapitza.errors import InputError
from printed_json import printed

CONDUCTANCE = kapitza.Conductance([100.0, 300.0], [8e7, 1.2e8], [2e6, 3e6], method="DMM")


@pytest.mark.parametrize(
    ("shown", "unit", "factor"),
    [
        ("MW m⁻² K⁻¹", "W m^-2 K^-1", 1e6),
        ("m² K GW⁻¹", "m^2 K W^-1", 1e-9),
        ("W cm⁻²", "W m^-2", 1e4),
        ("mm", "m", 1e-3),
        ("K µW⁻¹", "K W^-1", 1e6),
        ("g cm⁻³", "kg m^-3", 1e3),
        ("%", "1", 0.01),
        ("°", "rad", math.pi / 180),
        ("THz", "rad s^-1", 2e12 * math.pi),
        ("THz", "Hz", 1e12),
        ("meV", "eV", 1e-3),
        ("", "1", 1.0),
    ],
)
def test_factor_of_a_shown_unit(shown: str, unit: str, factor: float) -> None:
    assert abs(shown_factor(shown, unit) / factor - 1) < 1e-15


@pytest.mark.parametrize(
    ("shown", "unit"), [("nm", "K"), ("", "m"), ("MW m⁻²", "W m^-2 K^-1"), ("xm", "m"), ("?", "1")]
)
def test_a_unit_of_another_kind_is_refused(shown: str, unit: str) -> None:
    with pytest.raises(InputError, match=r"shown in|unknown unit"):
        shown_factor(shown, unit)


def test_columns_take_unit_and_uncertainty_from_the_record() -> None:
    kelvin, value = columns_of(CONDUCTANCE, {"temperature": "", "value": ""})
    assert (kelvin.head, value.head) == ("temperature (K)", "value (MW m⁻² K⁻¹)")
    assert [value.cell(i) for i in range(2)] == ["80.0 ± 2.0", "120.0 ± 3.0"]
    assert value.values == [80.0, 120.0]


def test_records_give_a_row_each_and_derived_numbers_a_column() -> None:
    layers = [kapitza.Layer("Al", 80e-9, 237.0, heat_capacity=2.43e6), kapitza.Layer("Si", math.inf, 148.0)]
    name, thickness, capacity = columns_of(layers, {"name": "", "thickness": "", "heat_capacity": "MJ m^-3 K^-1"})
    assert (name.text, thickness.text) == (True, False)
    assert [thickness.cell(i) for i in range(2)] == ["80", "∞"]
    assert [capacity.cell(i) for i in range(2)] == ["2.43", "–"]
    (jump,) = columns_of({"jump": quantity_json(2.0, "K", sigma=0.1, meaning="jump at the plane")}, {"jump": "mK"})
    assert (jump.meaning, jump.cell(0)) == ("jump at the plane", "2000 ± 100")


def test_a_table_of_columns(capsys: pytest.CaptureFixture[str]) -> None:
    columns = [Column("model", ["AMM", "DMM"]), *columns_of(CONDUCTANCE, {"value": ""}), Column("state", ["a", "b"])]
    print_parts([Table("title", columns)])
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line]
    assert lines[0] == ["title"]
    assert lines[1] == ["model", "value", "(MW", "m⁻²", "K⁻¹)", "state"]
    assert lines[3:] == [["AMM", "80.0", "±", "2.0", "a"], ["DMM", "120.0", "±", "3.0", "b"]]


def test_a_row_for_each_number(capsys: pytest.CaptureFixture[str]) -> None:
    print_parts(
        [Values("title", columns_of({"saved": quantity_json(0.345, "1", meaning="part saved")}, {"saved": "%"}))]
    )
    assert capsys.readouterr().out.split("\n")[-3].split() == ["part", "saved", "34.5", "%"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
        (12345.6, "12346"),
        (0.1, "0.1"),
        ("x", "x"),
        (3e8, "3e+08"),
        (True, "True"),
    ],
)
def test_texts_of_numbers(value: object, text: str) -> None:
    assert format_number(value) == text


def test_json_holds_records_arrays_and_derived_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    print_record(CONDUCTANCE, {"resistance": quantity_json(CONDUCTANCE.resistance, "m^2 K W^-1")})
    found = printed(capsys.readouterr().out)
    assert found["type"] == "Conductance"
    assert found["units"]["value"] == "W m^-2 K^-1"
    assert found["fields"]["sigma"] == [2e6, 3e6]
    assert found["resistance"] == {"unit": "m^2 K W^-1", "value": (1 / CONDUCTANCE.value).tolist()}
    print_json({"numbers": np.array([1 + 2j]), "none": np.float64(math.inf), "held": (CONDUCTANCE,)}, {"seed": 1})
    found = printed(capsys.readouterr().out)
    assert (found["numbers"], found["none"], found["seed"]) == ([[1.0, 2.0]], "inf", 1)
    assert found["held"][0]["fields"]["method"] == "DMM"
    with pytest.raises(InputError, match="no form in JSON"):
        print_json({"set": {1}})
