"""Files that are damaged or mean harm: one line that names the file, and no memory for a false claim."""

import io
import json
import os
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapitza.core.conductance import Conductance
from kapitza.core.files import read_limited
from kapitza.errors import DataError
from kapitza.io.results import encode_result, load, save

GOOD = Conductance([100, 300], [1e8, np.inf], [1e6, 2e6], method="DMM Al|Si")


def refused(path: Path, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        load(path)
    text = str(caught.value)
    assert str(path) in text
    assert "\n" not in text


def tree() -> Any:
    """The tree of a file of version 0.1, without a checksum, so that what is changed in it is looked at."""
    found = json.loads(encode_result(GOOD, ".json"))
    del found["checksum"]
    return found | {"format_version": 1}


JSON_FAULTS: dict[str, tuple[Any, str]] = {
    "empty": ("", "not valid JSON"),
    "cut": (json.dumps(tree(), indent=1)[:150], "not valid JSON: line"),
    "list": ("[1, 2]", "not a result of kapitza"),
    "other": ('{"format": "csv"}', "not a result of kapitza"),
    "nan": ('{"format": NaN}', "NaN, which is not valid JSON"),
    "overflow": ('{"format": 1e999}', "too large"),
    "digits": ('{"format": ' + "1" * 5000 + "}", "cannot be read"),
    "deep": ("[" * 100_000, "nested|not valid JSON"),
    "latin": (b'{"\xe9": 1}', "byte"),
}


@pytest.mark.parametrize("name", JSON_FAULTS)
def test_json_that_is_none(name: str, tmp_path: Path) -> None:
    content, words = JSON_FAULTS[name]
    path = tmp_path / "x.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    refused(path, words)


def changed(**values: Any) -> Any:
    return tree() | values


def with_field(name: str, value: Any) -> Any:
    found = tree()
    found["result"]["fields"][name] = value
    return found


def array(dtype: Any = "<f8", shape: Any = (2,), data: Any = (1.0, 2.0)) -> dict[str, Any]:
    return {"$array": dtype, "shape": shape, "data": data}


TREE_FAULTS: dict[str, tuple[Any, str]] = {
    "newer": (changed(format_version=3), "install a newer kapitza"),
    "no checksum": (changed(format_version=2), "has lost its checksum"),
    "version": (changed(format_version="1"), "format version '1'"),
    "type": (changed(result={"type": "os.system", "fields": {}}), "does not know"),
    "type list": (changed(result={"type": ["x"], "fields": {}}), "does not know"),
    "no fields": (changed(result={"type": "Conductance"}), "no fields"),
    "no record": (changed(result={"a": 1}), "expected a record"),
    "field": (with_field("colour", 1), "no field 'colour'"),
    "physics": (with_field("value", array(data=(-1.0, 1.0))), "at least 0"),
    "label": (with_field("drop", "measured"), "unknown drop"),
    "kind": (with_field("temperature", {"$items": [{"type": "Grid", "fields": {}}]}), "cannot be made"),
    "dtype": (with_field("value", array(dtype="|O")), "not read"),
    "dtype list": (with_field("value", array(dtype=["<f8"])), "not read"),
    "shape": (with_field("value", array(shape=(10**12,))), "needs 1000000000000 numbers"),
    "negative shape": (with_field("value", array(shape=(-2, -1))), "shape"),
    "bool shape": (with_field("value", array(shape=(True,), data=[1.0])), "shape"),
    "text": (with_field("value", array(data=("1", "2"))), "expected numbers"),
    "fraction": (with_field("value", array(dtype="<i8", data=(1.5, 2.0))), "expected numbers"),
    "too large": (with_field("value", array(dtype="|u1", data=(1, 256))), "do not fit"),
    "float": (with_field("method", {"$float": "1e3"}), "expected inf"),
    "number": (with_field("value", "many"), "expected numbers"),
}


@pytest.mark.parametrize("name", TREE_FAULTS)
def test_json_with_a_wrong_tree(name: str, tmp_path: Path) -> None:
    content, words = TREE_FAULTS[name]
    path = tmp_path / "x.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    refused(path, words)


def test_a_tree_without_end(tmp_path: Path) -> None:
    node: Any = 1
    for _ in range(200):
        node = {"$items": [node]}
    path = tmp_path / "x.json"
    path.write_text(json.dumps(changed(result=node)), encoding="utf-8")
    refused(path, "deeper than")


def zipped(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def npy(value: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, value)
    return buffer.getvalue()


def claim(shape: str, descr: str = "'<f8'") -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(16)


def test_npz_bombs(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    header = json.dumps(tree()).encode()
    zipped(path, {"header.json": header, "value.npy": npy(np.zeros(10**6))}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 20_000
    refused(path, "compressed")
    for fault, words in (
        (claim("(10**15,)"), "valid NPZ"),
        (claim("(1000000000000000,)"), "shape|claims"),
        (claim("(100000,)"), "claims 800000 bytes and holds 16"),
        (claim("(2,)", "'|O'"), "not read"),
        (claim("(2,)", "[('a', '<f8')]"), "not read"),
        (b"\x93NUMPY\x09\x00", "version"),
        (b"no array", "valid NPZ"),
    ):
        zipped(path, {"header.json": header, "value.npy": fault})
        refused(path, words)
    zipped(path, {"value.npy": npy(np.zeros(2))})
    refused(path, "valid NPZ")


def test_npz_with_a_damaged_directory(tmp_path: Path) -> None:
    """One byte of the directory at the end: refused, or without effect on the values."""
    path = tmp_path / "x.npz"
    good = unsealed(".npz")
    for place in range(len(good) - 22, len(good)):
        for byte in (0, 1, 127, 255):
            path.write_bytes(good[:place] + bytes([byte]) + good[place + 1 :])
            with suppress(DataError):
                assert load(path).value[0] == 1e8


def test_npz_that_points_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    content = changed(result={"$stored": "nowhere"})
    zipped(path, {"header.json": json.dumps(content).encode()})
    refused(path, "no array 'nowhere'")


def test_npz_of_objects_is_never_unpickled(tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "harm"),)

    path = tmp_path / "x.npz"
    np.savez(path, header=np.zeros(1), value=np.array([Harm()], dtype=object))
    refused(path, "x.npz")
    assert not (tmp_path / "harm").exists()


h5py = pytest.importorskip("h5py")


def test_h5_links_and_outside_storage(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_bytes(b"0123456789abcdef")
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["value"] = np.zeros(2)
    path = tmp_path / "x.h5"

    def fresh() -> Any:
        path.unlink(missing_ok=True)
        return h5py.File(path, "w")

    with fresh() as file:
        file["value"] = h5py.ExternalLink("secret.h5", "/value")
    refused(path, "link")
    with fresh() as file:
        file["value"] = h5py.SoftLink("/other")
    refused(path, "link")
    with fresh() as file:
        file.create_dataset("value", shape=(2,), dtype="<f8", external=[(str(secret), 0, 16)])
    refused(path, "another file")
    with fresh() as file:
        layout = h5py.VirtualLayout((2,), "<f8")
        layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "value", shape=(2,))
        file.create_virtual_dataset("value", layout)
    refused(path, "another file")
    with fresh() as file:
        file.create_dataset("value", shape=(10**12,), dtype="<f8", chunks=(10**6,), compression="gzip")
    refused(path, "chunks")
    with fresh() as file:
        for i in range(5):
            file.create_dataset(f"value{i}", shape=(10**12,), dtype="<f8")
    assert path.stat().st_size < 10_000
    refused(path, "claims")
    with fresh() as file:
        file["value"] = ["text"]
    refused(path, "not read")
    with fresh() as file:
        file.create_group("value")
    refused(path, "not a dataset")
    with fresh() as file:
        file["value"] = np.zeros(2)
    refused(path, "not an HDF5 file of kapitza")
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    refused(path, "valid HDF5")


SUFFIXES = (".json", ".npz", ".h5")


def unsealed(suffix: str) -> bytes:
    """Bytes of a file as version 0.1 wrote it."""
    content = encode_result(GOOD, suffix)
    if suffix != ".npz":
        start = content.index(b"kapitza-sha256:")
        old = content[:start] + b"-" * 79 + content[start + 79 :]
        return old.replace(b'"checksum"', b'"method"  ').replace(b'"format_version": 2', b'"format_version": 1')
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as sealed, zipfile.ZipFile(buffer, "w") as archive:
        for name in sealed.namelist():
            archive.writestr(name, sealed.read(name).replace(b'"format_version": 2', b'"format_version": 1'))
    return buffer.getvalue()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_flipped_bit_is_never_taken(suffix: str, tmp_path: Path) -> None:
    """One bit of bytes at the beginning, at the end and all over the file: damaged, whatever it was."""
    path, good = tmp_path / f"x{suffix}", encode_result(GOOD, suffix)
    rng = np.random.default_rng(16)
    for place in [*range(0, 120, 3), *rng.integers(len(good), size=120), *range(len(good) - 100, len(good), 3)]:
        path.write_bytes(good[:place] + bytes([good[place] ^ 1 << int(rng.integers(8))]) + good[place + 1 :])
        with pytest.raises(DataError):
            load(path)
    path.write_bytes(good)
    assert load(path).method == GOOD.method


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_of_version_0_1_needs_no_checksum(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(unsealed(suffix))
    assert load(path).value[0] == 1e8


def test_ends_of_lines_of_windows_are_no_damage(tmp_path: Path) -> None:
    path, good = tmp_path / "x.json", encode_result(GOOD, ".json")
    path.write_bytes(good.replace(b"\n", b"\r\n"))
    assert load(path).method == GOOD.method
    path.write_bytes(good.replace(b"\n", b"\r\n").replace(b"100000000.0", b"100000001.0"))
    refused(path, "damaged: its checksum does not fit; restore it from a copy")


@given(data=st.data(), suffix=st.sampled_from(SUFFIXES))
def test_a_flipped_or_missing_byte_is_a_result_or_one_line(
    data: st.DataObject, suffix: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever happens to a file without a checksum, loading gives a checked record or a DataError, nothing else."""
    content = bytearray(unsealed(suffix))
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[place] ^= data.draw(st.integers(1, 255))
    else:
        del content[place:]
    path = tmp_path_factory.mktemp("flip") / f"x{suffix}"
    path.write_bytes(content)
    with suppress(DataError):
        assert isinstance(load(path), Conductance)


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "x.json").mkdir()
    refused(tmp_path / "x.json", "is a folder")
    os.mkfifo(tmp_path / "pipe.npz")
    refused(tmp_path / "pipe.npz", "not a regular file")
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "missing.h5")


def test_a_file_larger_than_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    save(GOOD, path)
    with pytest.raises(DataError, match="more than the 10"):
        read_limited(path, 10)
