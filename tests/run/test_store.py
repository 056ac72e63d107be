"""Results kept as files: equal inputs share an address, damaged files count as absent, half a file never shows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapitza.errors import InputError
from kapitza.run.store import Store, unit_address, unit_seed

plain = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8))
inputs = st.dictionaries(st.text(min_size=1, max_size=6), st.one_of(plain, st.lists(plain, max_size=3)), max_size=4)


@given(one=inputs, other=inputs)
def test_an_address_tells_inputs_apart(one, other):
    same = repr(sorted(one.items(), key=repr)) == repr(sorted(other.items(), key=repr))
    assert (unit_address(one, version="1") == unit_address(other, version="1")) == same


def test_an_address_depends_on_what_matters():
    base = {"omega": np.arange(4.0), "name": "Si"}
    assert unit_address(base, version="1") == unit_address(dict(reversed(base.items())), version="1")
    others = [
        unit_address(base, version="2"),
        unit_address(base | {"omega": np.arange(4)}, version="1"),
        unit_address(base | {"omega": np.arange(4.0).reshape(2, 2)}, version="1"),
        unit_address(base | {"omega": [0.0, 1.0, 2.0, 3.0]}, version="1"),
        unit_address(base | {"name": b"Si"}, version="1"),
    ]
    assert len({unit_address(base, version="1"), *others}) == 6


def test_an_object_has_no_address():
    with pytest.raises(InputError, match="cannot hold object"):
        unit_address({"thing": object()}, version="1")


def test_a_seed_follows_from_the_address():
    name = unit_address({"n": 1}, version="1")
    assert unit_seed(name) == int(name[:16], 16)
    assert unit_seed(name) != unit_seed(unit_address({"n": 2}, version="1"))


def test_what_is_written_is_read_and_equal_results_are_equal_bytes(tmp_path):
    store = Store(tmp_path / "results")
    name = unit_address({"n": 1}, version="1")
    result = {"z": np.array([1.5, np.inf]), "a": np.array([[1 + 2j]]), "flag": np.array(True)}
    assert store.read(name) is None
    store.write(name, result)
    first = store.path(name).read_bytes()
    store.write(name, dict(reversed(result.items())))
    assert store.path(name).read_bytes() == first
    back = store.read(name)
    assert back is not None
    assert sorted(back) == sorted(result)
    for key, value in result.items():
        np.testing.assert_array_equal(back[key], value)
        assert back[key].dtype == value.dtype
    assert [p.name for p in store.path(name).parent.iterdir()] == [store.path(name).name]


def test_every_damaged_byte_and_every_truncation_is_found(tmp_path):
    store = Store(tmp_path)
    name = unit_address({"n": 2}, version="1")
    store.write(name, {"value": np.arange(3.0)})
    whole = store.path(name).read_bytes()
    for i in range(len(whole)):
        store.path(name).write_bytes(whole[:i] + bytes([whole[i] ^ 4]) + whole[i + 1 :])
        assert not store.has(name), i
        store.path(name).write_bytes(whole[:i])
        assert not store.has(name), i
    store.path(name).write_bytes(whole)
    assert store.has(name)


def test_a_full_disk_leaves_no_half_file(tmp_path, monkeypatch):
    store = Store(tmp_path)
    name = unit_address({"n": 3}, version="1")
    store.write(name, {"value": np.zeros(3)})
    before = store.path(name).read_bytes()

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.write(name, {"value": np.ones(3)})
    assert store.path(name).read_bytes() == before
    assert len(list(store.path(name).parent.iterdir())) == 1


def test_a_folder_that_cannot_be_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file" / "results")
    name = unit_address({"n": 1}, version="1")
    for use in (store.read, lambda address: store.write(address, {"value": np.ones(3)})):
        with pytest.raises(InputError, match=r"results cannot be a store: .*file is not a folder; give a folder"):
            use(name)
