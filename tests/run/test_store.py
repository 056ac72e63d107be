"""Results kept as files: equal inputs share an address, damaged files count as absent, half a file never shows."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapitza.errors import DataError, InputError
from kapitza.run.store import Store, deserialize_arrays, unit_address, unit_seed

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


def test_a_store_says_why_the_system_made_no_folder(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.mkdir", full)
    with pytest.raises(InputError, match=r"takes no new folder \(No space left on device\)"):
        Store(tmp_path / "results").write("ab" * 32, {"value": np.ones(3)})


def test_writers_that_meet_lose_nothing(tmp_path):
    """Threads share a process id, as containers may: 300 results of the same names, each whole."""
    store, names = Store(tmp_path), [unit_address({"n": i}, version="1") for i in range(10)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: store.write(names[i % 10], {"value": np.arange(50.0)}), range(300)))
    for name in names:
        kept = store.read(name)
        assert kept is not None
        assert kept["value"].tolist() == list(range(50))
    assert sum(1 for path in tmp_path.rglob("*") if path.is_file()) == len(names)


def test_a_link_in_the_place_of_a_result_is_replaced_and_its_target_stays(tmp_path):
    store, name = Store(tmp_path / "results"), unit_address({"n": 1}, version="1")
    mine = tmp_path / "mine"
    mine.write_text("precious")
    path = store.path(name)
    path.parent.mkdir(parents=True)
    path.symlink_to(mine)
    path.with_name(f".{path.name}.{os.getpid()}.tmp").symlink_to(mine)  # a name that could be guessed once
    store.write(name, {"value": np.ones(3)})
    assert mine.read_text() == "precious"
    assert not path.is_symlink()
    assert store.has(name)


def sealed(content: bytes) -> bytes:
    """Bytes of a unit whose checksum is right."""
    return f"kapitza-unit 1 {hashlib.sha256(content).hexdigest()}\n".encode() + content


def npy(descr: str, shape: str) -> bytes:
    """Header of an array in npy form, as hostile as its words."""
    head = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head


@pytest.mark.parametrize(
    "content",
    [
        b"not json\n",
        b"5\n",
        b"[1, 2]\n",
        b'["a"]\n',
        b"[" * 100_000 + b"\n",
        b'["a"]\n' + npy("'<f8'", "(2**60,)"),
        b'["a"]\n' + npy("'<f8'", f"({2**60},)"),
        b'["a"]\n' + npy("'<f8'", "(-1,)") + bytes(8),
        b'["a"]\n' + npy("'<f8'", "(3,"),
        b'["a"]\n' + npy("'<f8'", "(3, L)"),
        b'["a"]\n' + npy("'|O'", "(1,)") + bytes(8),
        b'["a"]\n' + npy("'<f8'", "-" * 9000 + "1"),
        b'["a"]\n' + npy("'|V0'", "(9,)"),
        b'["a"]\n' + npy("'<f8'", "()") + bytes(9),
        b'["a", "a"]\n' + 2 * (npy("'<f8'", "()") + bytes(8)),
        b'["\xff"]\n',
    ],
    ids=lambda content: content[:12].decode("ascii", "replace"),
)
def test_a_unit_of_hostile_content_counts_as_absent_though_its_checksum_is_right(content, tmp_path):
    store, name = Store(tmp_path), "ab" * 32
    store.path(name).parent.mkdir()
    store.path(name).write_bytes(sealed(content))
    with pytest.raises(DataError):
        deserialize_arrays(sealed(content))
    assert store.read(name) is None
    store.write(name, {"value": np.ones(2)})
    assert store.has(name)
