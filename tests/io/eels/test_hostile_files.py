"""Files that mean harm: nothing outside of them is read, no memory is taken for a false claim, nothing is run."""

import io
import json
import os
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kapitza
from kapitza.io.formats.foreign_hdf5 import flatten_metadata, open_hdf5, plain_attribute

h5py = pytest.importorskip("h5py")


def refused(path: Path, words: str) -> None:
    with pytest.raises(kapitza.errors.DataError, match=words) as caught:
        kapitza.eels.read_eels(path)
    text = str(caught.value)
    assert str(path) in text
    assert "\n" not in text


def header(shape: str, descr: str = "'<f8'") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


ARRAYS: dict[str, tuple[bytes, str]] = {
    "petabytes": (header("(7000, 1000000, 1000000)"), "claims 56000000000000000 bytes and holds 0"),
    "negative": (header("(-1, 5)") + bytes(40), "shape"),
    "objects": (header("(1,)", "'|O'") + bytes(8), "holds an array of object, expected real numbers"),
    "complex": (header("(1,)", "'<c16'") + bytes(16), "holds an array of complex128"),
    "code": (header("__import__('os').system('true')") + bytes(8), "not a valid file of Nion Swift"),
    "open": (b"\x93NUMPY\x01\x00\x10\x00{'shape': (1,    " + bytes(8), "not a valid file of Nion Swift"),
    "short": (header("(2,)") + bytes(8), "claims 16 bytes and holds 8"),
    "version": (b"\x93NUMPY\x03\x00" + bytes(100), "version"),
    "empty": (b"", "not a valid file of Nion Swift"),
    "no axes": (header("()") + struct.pack("<d", 1), "no axis of energy"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_that_are_none(name: str, ndata, made) -> None:
    data, words = ARRAYS[name]
    refused(
        ndata(made((64,)), members={"data.npy": data}, data_shape=None, data_dtype=None, dimensional_calibrations=None),
        words,
    )


METADATA: dict[str, tuple[bytes, str]] = {
    "deep": (b"[" * 100_000, "nested|not valid JSON"),
    "list": (b"[]", "metadata that are not a mapping but"),
    "latin": (b'{"\xe9": 1}', "not valid JSON: byte 2"),
    "cut": (b'{"a": ', "not valid JSON: line 1"),
    "digits": (b'{"a": ' + b"1" * 5000 + b"}", "cannot be read"),
}


@pytest.mark.parametrize("name", METADATA)
@pytest.mark.parametrize("writer", ["ndata", "swift_h5"])
def test_metadata_that_are_none(name: str, writer: str, made, request: pytest.FixtureRequest) -> None:
    data, words = METADATA[name]
    if writer == "ndata":
        refused(request.getfixturevalue(writer)(made((64,)), members={"metadata.json": data}), words)
    elif name != "latin" and len(data) < 60_000:
        refused(request.getfixturevalue(writer)(made((64,)), text=data.decode()), words)


def test_a_zip_bomb(tmp_path: Path, ndata, made) -> None:
    path = ndata(made((64,)), compression=zipfile.ZIP_DEFLATED, members={"metadata.json": b" " * 2**27})
    refused(path, "has metadata of 134217728 bytes, more than")
    data = bytearray(ndata(made((64,)), compression=zipfile.ZIP_DEFLATED).read_bytes())
    place = data.find(b"PK\x01\x02")
    data[place + 24 : place + 28] = struct.pack("<I", 2**31)  # the size that it would have unpacked
    bomb = tmp_path / "bomb.ndata"
    bomb.write_bytes(bytes(data))
    refused(bomb, "claims 2147483648 bytes in a file of")


def test_a_zip_without_an_array(tmp_path: Path) -> None:
    path = tmp_path / "x.ndata"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme", "")
    refused(path, "its zip has no data.npy, but 'readme'")


def test_a_locked_zip(ndata, made) -> None:
    path = ndata(made((64,)))
    data = bytearray(path.read_bytes())
    place = data.find(b"PK\x01\x02")
    data[place + 8] |= 1
    path.write_bytes(bytes(data))
    refused(path, "'data.npy' is encrypted")


def link_outside(file: Any, name: str, folder: Path) -> None:
    with h5py.File(folder / "secret.h5", "w") as other:
        other["counts"] = np.ones(64)
    del file[name]
    file[name] = h5py.ExternalLink("secret.h5", "/counts")


def store_outside(file: Any, name: str, folder: Path) -> None:
    (folder / "secret.bin").write_bytes(np.ones(64).tobytes())
    attrs = dict(file[name].attrs)
    del file[name]
    file.create_dataset(name, (64,), "f8", external=[(os.fspath(folder / "secret.bin"), 0, 512)])
    file[name].attrs.update(attrs)


def virtual(file: Any, name: str, folder: Path) -> None:
    layout = h5py.VirtualLayout((64,), "f8")
    layout[:] = h5py.VirtualSource(os.fspath(folder / "secret.h5"), "counts", shape=(64,))
    attrs = dict(file[name].attrs)
    del file[name]
    file.create_virtual_dataset(name, layout)
    file[name].attrs.update(attrs)


def petabytes(file: Any, name: str, folder: Path) -> None:
    attrs = dict(file[name].attrs)
    del file[name]
    file.create_dataset(name, (2**20, 2**20, 1024), "f8", chunks=(1, 1, 1024))
    file[name].attrs.update(attrs)


def late(file: Any, name: str, folder: Path) -> None:
    """Claimed with a plain layout, never written: it would be zeros."""
    attrs = dict(file[name].attrs)
    del file[name]
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_alloc_time(h5py.h5d.ALLOC_TIME_LATE)
    h5py.h5d.create(file.id, name.encode(), h5py.h5t.NATIVE_DOUBLE, h5py.h5s.create_simple((2**20, 2**20)), plist)
    file[name].attrs.update(attrs)


def large_pieces(file: Any, name: str, folder: Path) -> None:
    attrs = dict(file[name].attrs)
    del file[name]
    one = file.create_dataset(name, (2**26,), "f8", chunks=(2**26,), compression="gzip", compression_opts=1)
    one.id.write_direct_chunk((0,), bytes(2**20))  # half a gigabyte when unpacked, if it could be
    one.attrs.update(attrs)


def text(file: Any, name: str, folder: Path) -> None:
    attrs = dict(file[name].attrs)
    del file[name]
    file[name] = "counts"
    file[name].attrs.update(attrs)


HDF5_FAULTS: dict[str, tuple[Callable[[Any, str, Path], None], str]] = {
    "link": (link_outside, "link to another file, which is not followed|is a link"),
    "external": (store_outside, "stored in another file, which is not read"),
    "virtual": (virtual, "stored in another file, which is not read"),
    "petabytes": (petabytes, "claims 9007199254740992 bytes and stores 0"),
    "late": (late, "claims 8796093022208 bytes and stores 0"),
    "pieces": (large_pieces, "comes in pieces of"),
    "text": (text, "expected real numbers"),
}


@pytest.mark.parametrize("name", HDF5_FAULTS)
@pytest.mark.parametrize("writer", ["swift_h5", "hspy"])
def test_hdf5_that_leads_out_or_claims_too_much(
    name: str, writer: str, made, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    change, words = HDF5_FAULTS[name]
    path = request.getfixturevalue(writer)(made((64,)))
    with h5py.File(path, "a") as file:
        change(file, "data" if writer == "swift_h5" else "Experiments/line/data", tmp_path)
    refused(path, words)


def test_the_same_through_another_reader(tmp_path: Path) -> None:
    pytest.importorskip("rsciio")
    for name, (change, words) in HDF5_FAULTS.items():
        if name == "text":
            continue
        path = tmp_path / f"{name}.nxs"
        with h5py.File(path, "w") as file:
            file["entry/data"] = np.ones(64)
            change(file, "entry/data", tmp_path)
        refused(path, words)


def test_an_attribute_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w", libver="latest") as file:
        file.attrs.create("name", np.zeros(2**22), dtype="f8")
        lists = np.empty(2, dtype=object)
        lists[:] = [np.arange(3, dtype="u1"), np.arange(2, dtype="u1")]
        file.attrs.create("list", lists, dtype=h5py.vlen_dtype(np.uint8))
    with open_hdf5(path) as file:
        with pytest.raises(kapitza.errors.DataError, match="attribute 'name' claims 33554432 bytes"):
            plain_attribute(file, "name")
        with pytest.raises(kapitza.errors.DataError, match="attribute 'list' holds object of any length"):
            plain_attribute(file, "list")


def test_data_at_a_wrong_address(data: Callable[[str], Path], tmp_path: Path) -> None:
    original = data("eels/vib_line_nion.h5")
    with h5py.File(original) as file:
        start, size = file["data"].id.get_offset(), file["data"].id.get_storage_size()
    layout = struct.pack("<QQ", start, size)
    content = original.read_bytes()
    assert content.count(layout) == 1
    damaged = tmp_path / original.name
    damaged.write_bytes(content.replace(layout, struct.pack("<QQ", start + 128, size)))
    refused(damaged, "'/data' covers tables of the file: the address of its data is damaged")


def test_groups_that_contain_themselves(hspy, made) -> None:
    path = hspy(made((64,)))
    with h5py.File(path, "a") as file:
        file["Experiments/line/metadata/Signal/again"] = file["Experiments/line/metadata"]
    assert kapitza.eels.read_eels(path).energy.size == 64


def test_a_filter_that_is_not_there(swift_h5, made) -> None:
    path = swift_h5(made((64,)), chunks=(64,))
    with h5py.File(path, "a") as file:
        text = file["data"].attrs["properties"]
        del file["data"]
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((64,))
        plist.set_filter(32767, h5py.h5z.FLAG_OPTIONAL, ())
        space = h5py.h5s.create_simple((64,))
        dataset = h5py.Dataset(h5py.h5d.create(file.id, b"data", h5py.h5t.IEEE_F32LE, space, plist))
        dataset[:] = made((64,))
        dataset.attrs["properties"] = text
    refused(path, "compressed with HDF5 filter 32767, which is not installed: pip install hdf5plugin")


MSA: dict[str, tuple[dict[str, Any], str]] = {
    "cut": ({"body": "1, \n2, \n", "end": ""}, "line 15: has 2 points, NPOINTS says 64: cut off"),
    "no end": ({"end": ""}, "ends without #ENDOFDATA: cut off"),
    "words": ({"body": "1, \nmany, \n"}, "line 14: expected numbers, got 'many,'"),
    "infinite": ({"body": "1e999, \n"}, "line 13: expected finite numbers"),
    "underscore": ({"body": "1_0, \n"}, "line 13: expected finite numbers"),
    "type": ({"DATATYPE": "Z"}, "has the DATATYPE 'Z', expected Y or XY"),
    "step": ({"XPERCHAN": "wide"}, "XPERCHAN is 'wide', expected a number"),
    "nan": ({"OFFSET": "nan"}, "OFFSET is 'nan', expected a finite number"),
    "missing": ({"XPERCHAN": "none"}, "does not say XPERCHAN"),
    "format": ({"FORMAT": "EMSAX"}, "has the format 'EMSAX', expected EMSA/MAS"),
    "pairs": ({"DATATYPE": "XY", "body": "1, 2, 3\n"}, "has 3 numbers, expected pairs"),
    "head": ({"end": "#SURPRISE\n"}, "expected numbers or #ENDOFDATA, got '#SURPRISE'"),
}


@pytest.mark.parametrize("name", MSA)
def test_texts_that_are_no_spectrum(name: str, msa, made) -> None:
    changes, words = MSA[name]
    refused(msa(made((64,)), **changes), words)


def test_texts_without_numbers(tmp_path: Path) -> None:
    path = tmp_path / "x.msa"
    path.write_text("#FORMAT      : EMSA/MAS Spectral Data File\n#VERSION     : 1.0\n")
    refused(path, "line 3: has no line #SPECTRUM: cut off")
    path.write_text("#FORMAT      : EMSA/MAS Spectral Data File\nhello\n")
    refused(path, "line 2: expected '#KEYWORD : value', got 'hello'")


def tags(*parts: bytes, count: int | None = None) -> bytes:
    """A file of DigitalMicrograph 3 with these tags at its root."""
    return (
        struct.pack(">iii", 3, 0, 1)
        + b"\1\0"
        + struct.pack(">i", len(parts) if count is None else count)
        + b"".join(parts)
    )


def tag(label: bytes, *numbers: int, data: bytes = b"") -> bytes:
    infos = struct.pack(f">i{len(numbers)}i", len(numbers), *numbers)
    return struct.pack(">BH", 21, len(label)) + label + b"%%%%" + infos + data


DM: dict[str, tuple[bytes, str]] = {
    "array": (tags(tag(b"Data", 20, 6, 2**30)), "unpack requires a buffer"),
    "struct": (tags(tag(b"S", 15, 0, 2**30)), "got 15"),
    "numbers": (tags(tag(b"S", 3)[:-8] + struct.pack(">i", 2**30)), "unpack requires a buffer"),
    "count": (tags(count=2**30), "unpack requires a buffer"),
    "kind": (tags(b"\x07\0\0"), "DM3TagIDError 7"),
    "cut": (tags(count=1), "unpack requires a buffer"),
    "depth": (tags(struct.pack(">BHBBi", 20, 0, 1, 0, 1) * 100), "unpack requires a buffer"),
}


@pytest.mark.parametrize("name", DM)
def test_tags_that_claim_too_much(name: str, tmp_path: Path) -> None:
    pytest.importorskip("rsciio")
    data, words = DM[name]
    path = tmp_path / "x.dm3"
    path.write_bytes(data)
    refused(path, words)


def test_what_is_no_spectrum_at_all(tmp_path: Path) -> None:
    pytest.importorskip("rsciio")
    for name, data in {
        "a.txt": b"hello",
        "b.png": b"\x89PNG\r\n",
        "c.npy": b"\x93NUMPY",
        "d": b"x",
        "e.h5": b"no",
    }.items():
        path = tmp_path / name
        path.write_bytes(data)
        with warnings.catch_warnings():
            refused(path, "no known format|cannot be read by RosettaSciIO")
    (tmp_path / "empty.hspy").write_bytes(b"")
    refused(tmp_path / "empty.hspy", "is empty")
    refused(tmp_path, "is a folder")
    with pytest.raises(FileNotFoundError):
        kapitza.eels.read_eels(tmp_path / "nothing.hspy")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["image"] = np.ones((3, 3))
    refused(tmp_path / "other.h5", "no known format|cannot be read by RosettaSciIO")


def test_without_the_package_of_a_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.dm4"
    path.write_bytes(bytes(100))
    monkeypatch.setitem(__import__("sys").modules, "rsciio", None)
    with pytest.raises(
        kapitza.errors.MissingEngine, match=r"reading \.dm4 needs rsciio: pip install 'kapitza\[eels\]'"
    ):
        kapitza.eels.read_eels(path)


def test_metadata_of_any_depth_and_size() -> None:
    node: dict[str, Any] = {"end": 1}
    for _ in range(3000):
        node = {"in": node}
    many = {str(i): i for i in range(20_000)}
    found = flatten_metadata(
        {"deep": node, "text": "x" * 10_000, "list": list(range(1000)), "few": [1, 2], "many": many}
    )
    assert found["few"] == (1, 2)
    assert len(found) <= 5_000
    assert not {"text", "list"} & set(found)
    assert flatten_metadata({"a": {"b": np.float64(2), "c": np.array(["x"]), "d": object(), "e": b"y"}}) == {
        "a.b": 2.0, "a.c": ("x",), "a.e": "y",
    }  # fmt: skip


def test_what_a_reader_of_others_may_raise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: whatever it raises is a DataError, whatever it gives without axes too."""
    pytest.importorskip("rsciio")
    from types import SimpleNamespace

    path = tmp_path / "x.prz"
    path.write_bytes(b"x")
    monkeypatch.setattr("kapitza.io.eels.spectra.run_in_child", lambda *_: None)  # it would have other readers

    def answers(value: Any) -> Any:
        def file_reader(name: str, lazy: bool = False) -> Any:
            if isinstance(value, BaseException):
                raise value
            return value

        return lambda _: [("Toy", SimpleNamespace(file_reader=file_reader))]

    bad: list[Any] = [
        KeyError("x"),
        RecursionError(),
        MemoryError(),
        UnicodeError("y"),
        [],
        [{}],
        [{"data": 1, "axes": []}],
    ]
    bad += [None, [None], [{"data": np.ones(3), "axes": [{"size": 4, "scale": 1, "offset": 0}]}]]
    for value in bad:
        monkeypatch.setattr("kapitza.io.eels.rosetta.reader_plugins", answers(value))
        refused(path, "cannot be read by RosettaSciIO")


def test_a_buffer_is_left_as_it_was(ndata, made) -> None:
    """Reading writes nothing, not even times of access to the content."""
    path = ndata(made((64,)))
    before = path.read_bytes()
    kapitza.eels.read_eels(path)
    assert path.read_bytes() == before
    assert json.loads(zipfile.ZipFile(io.BytesIO(before)).read("metadata.json"))["title"] == "line"
