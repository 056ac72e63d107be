"""Options: numbers, lists, ranges and directions, and one line for what is none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapitza.cli.options import parse_names, parse_normals, parse_temperature, parse_temperatures
from kapitza.cli.output import even_subset
from kapitza.errors import InputError


def test_temperatures() -> None:
    assert parse_temperatures("300") == [300.0]
    assert parse_temperatures("300 K") == [300.0]
    assert parse_temperatures("300,77,300") == [77.0, 300.0]
    assert parse_temperatures("50:600:10") == [50.0 + 10 * i for i in range(56)]
    assert parse_temperatures("1:2:0.1")[-1] == pytest.importorskip("math").fsum([1, 10 * 0.1])
    assert parse_temperatures("1:2.05:0.1")[-1] < 2.05
    assert len(parse_temperatures("1:300")) == 51
    assert parse_temperature("1e-3") == 1e-3


@given(start=st.floats(1e-3, 500), width=st.floats(1e-3, 500), count=st.integers(1, 500))
def test_ranges_run_upwards_and_stay_inside(start: float, width: float, count: int) -> None:
    step = width / count
    found = np.array(parse_temperatures(f"{start!r}:{start + width!r}:{step!r}"))
    assert found[0] == start
    assert found[-1] <= (start + width) * (1 + 1e-8)
    assert len(found) in (count, count + 1)
    assert (np.diff(found) > 0).all()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0", "above 0"),
        ("-5", "above 0"),
        ("nan", "above 0"),
        ("inf", "above 0"),
        ("abc", "'abc' is not a number"),
        ("", "is not a number"),
        ("300,", "is not a number"),
        ("25C", "25C is 298.15 K"),
        ("25 °C", "is 298.15 K"),
        ("-10degC", "is 263.15 K"),
        ("600:50:10", "start below stop"),
        ("300:300:1", "start below stop"),
        ("50:600:-10", "step -10"),
        ("50:600:0", "step 0"),
        ("50:600:nan", "step nan"),
        ("1:600:1e-9", "at most 10,000"),
        ("1:2:3:4", "start:stop:step"),
        ("0:100:10", "above 0"),
    ],
)
def test_temperatures_that_are_none(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_temperatures(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_temperature() -> None:
    with pytest.raises(InputError, match="expected one in K, got 2"):
        parse_temperature("77,300")


@given(st.text(max_size=20))
def test_any_text_is_temperatures_or_one_line(text: str) -> None:
    try:
        found = parse_temperatures(text)
    except InputError:
        return
    assert all(0 < one < np.inf for one in found)


def test_normals() -> None:
    assert parse_normals("001") == ((0, 0, 1), (0, 0, 1))
    assert parse_normals("111, -110") == ((1, 1, 1), (-1, 1, 0))
    assert parse_normals("1-10")[0] == (1, -1, 0)
    for text in ("000", "01", "0001", "abc", "001,001,001", "001,000", ""):
        with pytest.raises(InputError, match="three digits"):
            parse_normals(text)


def test_names() -> None:
    assert parse_names("amm, dmm") == ["amm", "dmm"]
    with pytest.raises(InputError, match="separated by commas"):
        parse_names(" , ")


@given(st.integers(1, 500), st.integers(2, 12))
def test_a_subset_keeps_both_ends(count: int, most: int) -> None:
    found = even_subset(count, most)
    assert (found[0], found[-1]) == (0, count - 1)
    assert len(set(found)) == len(found) == min(count, most)
