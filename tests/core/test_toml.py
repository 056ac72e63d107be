"""TOML of users: what it holds, or one line about what is wrong."""

import pytest

from kapitza.core.toml import parse_toml
from kapitza.errors import DataError
from kapitza.io.toml import read_toml
from kapitza.matter.library import load_materials


def test_a_table_is_what_the_file_says():
    assert parse_toml(b"a = 9223372036854775807\n[b]\nc = [-1, 2.5]\n", "x.toml") == {
        "a": 2**63 - 1,
        "b": {"c": [-1, 2.5]},
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"a = 9223372036854775808", "a: an integer of more than 64 bits"),
        (b"[b]\nc = [1, " + b"9" * 400 + b"]", "b.c.2: an integer of more than 64 bits"),
        (b"a = 0x" + b"f" * 5000, "a: an integer of more than 64 bits"),
        (b"a = " + b"1" * 5000, "a number that cannot be read"),
        (b"a = " + b"[" * 5000, "nested too deeply"),
        (b"a = \xff", "byte 4 is not text"),
        (b"a = 1\nb = x\n", "line 2: is not TOML: Invalid value$"),
        (b"a = 2020-13-45", "is not TOML"),
    ],
    ids=range(8),
)
def test_what_is_not_toml_is_one_line(text, says, tmp_path):
    path = tmp_path / "x.toml"
    path.write_bytes(text)
    for read in (read_toml, load_materials):
        with pytest.raises(DataError, match=says) as caught:
            read(path)
        assert str(path) in str(caught.value)
        assert len(str(caught.value)) < 400
