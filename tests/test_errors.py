"""The error tree, the messages, and optional packages."""

import pytest

from kapitza.errors import ConvergenceError, DataError, InputError, KapitzaError, MissingEngine, MissingFile, require


def test_each_error_is_of_the_package_and_of_the_language():
    for error, base in (
        (InputError, ValueError),
        (DataError, ValueError),
        (MissingFile, DataError),
        (MissingFile, FileNotFoundError),
        (ConvergenceError, RuntimeError),
        (MissingEngine, ImportError),
    ):
        assert issubclass(error, KapitzaError)
        assert issubclass(error, base)


def test_a_data_error_names_file_and_line():
    assert str(DataError("no cell", file="a.yaml", line=3)) == "a.yaml, line 3: no cell"
    assert str(DataError("no cell", file="a.yaml")) == "a.yaml: no cell"
    assert str(DataError("no cell")) == "no cell"


def test_a_convergence_error_keeps_the_last_iterate():
    assert ConvergenceError("stopped", last=3).last == 3


def test_a_missing_package_says_how_to_get_it():
    assert require("math", extra="x", why="counting").pi > 3
    with pytest.raises(MissingEngine, match=r"drawing needs no_such_package: pip install 'kapitza\[plot\]'"):
        require("no_such_package", extra="plot", why="drawing")
