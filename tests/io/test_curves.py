"""Tables of measured numbers: heads with units, every fault with its line."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapitza.errors import DataError
from kapitza.io.text_tables import read_table


def written(tmp_path, text):
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("head", ["delay_ps,ratio", "delay (ps),ratio", "delay [ps];ratio", "delay_ps\tratio"])
def test_heads_and_separators(tmp_path, head):
    mark = next(m for m in "\t;," if m in head)
    table = read_table(written(tmp_path, f"# made up\n\n{head}\n100{mark}5\n200{mark}4\n"))
    np.testing.assert_allclose(table.values("time", "delay"), [1e-10, 2e-10], rtol=1e-14, atol=0)
    np.testing.assert_array_equal(table.values("share", "ratio"), [5, 4])
    assert table.lines == (4, 5)
    assert "ratio" in table
    assert "delay_ps" in table or "(" in head or "[" in head


def test_a_file_of_a_lock_in(tmp_path):
    head = "# sample 7, aluminium on silicon\n# 9.1 MHz\n\ndelay_ps,Vin_uV,Vout_uV,Vdet_mV\n"
    table = read_table(written(tmp_path, head + "-23.309,1.25,-4.906,250.1\n# moved\n-20.1,1.5,-4.9,250.0\n"))
    assert [column.name for column in table.columns] == ["delay", "Vin", "Vout", "Vdet"]
    assert [column.unit for column in table.columns] == ["ps", "uV", "uV", "mV"]
    assert table.lines == (5, 7)
    np.testing.assert_allclose(table.values("time", "delay"), [-23.309e-12, -20.1e-12], rtol=1e-12, atol=0)
    np.testing.assert_allclose(table.values("signal", "Vout"), [-4.906e-6, -4.9e-6], rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("delay_ps,ratio\n1,2\n2,nan\n", 3, "ratio: expected a finite number, got 'nan'"),
        ("delay_ps,ratio\n1,2\n2\n", 3, "has 1 columns where the heads have 2"),
        ("delay_ps,ratio\n1,2\n2,x\n", 3, "ratio: expected a finite number, got 'x'"),
        ("1,2\n2,3\n", 1, "expected the names of the columns"),
        ("delay_ps,ratio\n", None, "rows of numbers, got 1 lines"),
        ("", None, "rows of numbers, got 0 lines"),
    ],
)
def test_faults_name_the_line(tmp_path, text, line, message):
    with pytest.raises(DataError, match=message) as caught:
        read_table(written(tmp_path, text))
    assert caught.value.line == line


def test_a_file_of_another_kind_is_named(tmp_path):
    path = tmp_path / "sample.toml"
    path.write_text("[[layers]]\nthickness = 1\n")
    with pytest.raises(DataError, match=r"expected a table of numbers .*, got a TOML file"):
        read_table(path)


def test_order_units_and_missing_columns(tmp_path):
    table = read_table(written(tmp_path, "delay_ps,ratio\n1,2\n3,2\n2,2\n"))
    with pytest.raises(DataError, match="goes from 3e-12 to 2e-12: expected values that increase") as caught:
        table.increasing("time", "delay")
    assert caught.value.line == 4
    with pytest.raises(DataError, match="column 'delay' is in ps; expected length"):
        table.values("length", "delay")
    with pytest.raises(DataError, match="expected heat capacity in J/m3K"):
        table.values("heat_capacity", "delay")
    with pytest.raises(DataError, match="no column 'Vin'; there are delay, ratio"):
        table.values("signal", "Vin")


@given(garbage=st.binary(max_size=200))
def test_garbage_is_read_or_refused(tmp_path_factory, garbage):
    path = tmp_path_factory.mktemp("garbage") / "table.csv"
    path.write_bytes(garbage)
    fault = None
    try:
        read_table(path)
    except DataError as err:
        fault = str(err)
    assert fault is None or (str(path) in fault and "\n" not in fault)


def test_a_file_of_too_many_rows_is_refused_before_it_is_read(tmp_path):
    file = tmp_path / "long.csv"
    file.write_text("delay_ps,ratio\n" + "x,y\n" * 11)
    with pytest.raises(DataError, match="12 lines: expected at most 10 rows"):
        read_table(file, most_rows=10)
