"""Counts that stay on the disk: slices equal to those in memory, little memory, damage told when it is met."""

import pickle
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kapitza
from kapitza.io.eels.signals import DatasetOnDisk, RearrangedArray, rearrange

h5py = pytest.importorskip("h5py")


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is large."""
    for module in ("nion", "signals"):
        monkeypatch.setattr(f"kapitza.io.eels.{module}.MAX_BYTES_IN_MEMORY", 100)


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("writer", ["ndata", "swift_h5", "hspy"])
def test_slices_are_those_of_the_whole(writer: str, made, request: pytest.FixtureRequest) -> None:
    counts = made((5, 7, 64))
    image = kapitza.eels.read_eels(request.getfixturevalue(writer)(counts))
    assert isinstance(image.counts, np.memmap if writer == "ndata" else DatasetOnDisk)
    np.testing.assert_array_equal(np.asarray(image.counts[...]), counts)
    np.testing.assert_array_equal(image.counts[2, 3:5], counts[2, 3:5])
    flat = counts.reshape(-1, 64)
    for start, stop in ((0, 3), (5, 9), (6, 35), (34, 40)):
        np.testing.assert_array_equal(image.block(start, stop), flat[start:stop])
    np.testing.assert_array_equal(np.concatenate([part for _, part in image.blocks(4)]), flat)


@pytest.mark.usefixtures("tiny")
def test_a_mapped_array_cannot_be_written(ndata, made) -> None:
    counts = kapitza.eels.read_eels(ndata(made((5, 64)))).counts
    with pytest.raises(ValueError, match="read-only"):
        counts[0, 0] = 1


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("turned", [False, True])
def test_other_orders_of_axes_stay_on_the_disk(turned: bool, swift_h5, made) -> None:
    counts = made((3, 4, 64))
    step = -5e-4 if turned else 5e-4
    first = {"offset": -32 * step, "scale": step, "units": "eV"}
    place = {"offset": 0.0, "scale": 1.0, "units": "nm"}
    stored = np.moveaxis(counts[..., ::-1] if turned else counts, -1, 0)
    image = kapitza.eels.read_eels(swift_h5(stored, dimensional_calibrations=[first, place, place]))
    assert isinstance(image.counts, RearrangedArray)
    np.testing.assert_array_equal(image.counts[...], counts)
    np.testing.assert_array_equal(image.block(3, 7), counts.reshape(-1, 64)[3:7])


@given(
    order=st.permutations(range(4)),
    turned=st.lists(st.booleans(), min_size=3, max_size=3),
    keys=st.lists(st.one_of(st.integers(0, 1), st.slices(2).filter(lambda key: key.step in (None, 1))), max_size=3),
    dots=st.booleans(),
)
def test_any_slice_of_any_order(order: list[int], turned: list[bool], keys: list[int | slice], dots: bool) -> None:
    """Law: a view cut slice by slice is what NumPy makes of the whole."""
    sizes = [2, 3, 4, 1]
    source = np.arange(24).reshape(sizes)
    order = [axis for axis in order if sizes[axis] > 1]
    view = RearrangedArray(source, tuple(order), tuple(turned))
    whole = rearrange(source, order, turned)
    key = (*keys, ...) if dots and len(keys) < 3 else tuple(keys)
    np.testing.assert_array_equal(view[key], whole[key])
    assert view.shape == whole.shape


def test_steps_and_places_behind_the_end() -> None:
    view = RearrangedArray(np.arange(6).reshape(2, 3), (1, 0), (False, True))
    with pytest.raises(kapitza.errors.InputError, match="steps of one, got 2"):
        view[::2]
    with pytest.raises(IndexError, match="5 is no place on an axis of 3"):
        view[5]


@pytest.mark.usefixtures("tiny")
def test_another_process_can_have_it(swift_h5, made) -> None:
    counts = made((5, 64))
    stored = kapitza.eels.read_eels(swift_h5(counts)).counts
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(stored))[1:3], counts[1:3])  # noqa: S301


@pytest.mark.usefixtures("tiny")
def test_damage_is_told_when_it_is_met(hspy, made) -> None:
    counts = made((40, 512))
    path = hspy(counts, compression="gzip", chunks=(1, 512))
    with h5py.File(path) as file:
        place = file["Experiments/line/data"].id.get_chunk_info_by_coord((7, 0)).byte_offset
    data = bytearray(path.read_bytes())
    data[place + 100] ^= 1
    path.write_bytes(bytes(data))
    image = kapitza.eels.read_eels(path)
    np.testing.assert_array_equal(image.block(0, 3), counts[:3])
    with pytest.raises(kapitza.errors.DataError, match=r"scan.hspy: .*cannot be read"):
        image.block(0, 8)
    path.unlink()
    with pytest.raises((kapitza.errors.DataError, OSError)):
        image.block(0, 1)


@pytest.mark.usefixtures("tiny")
def test_a_file_that_changed_meanwhile(swift_h5, made) -> None:
    stored = kapitza.eels.read_eels(swift_h5(made((5, 64)))).counts
    swift_h5(made((4, 64)))
    with pytest.raises(kapitza.errors.DataError, match=r"was \(5, 64\) and is \(4, 64\) now"):
        stored[...]


MEMORY = """
import re, sys
import kapitza
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
kapitza.eels.read_eels(sys.argv[2])
before = peak()
image = kapitza.eels.read_eels(sys.argv[1])
first = image.block(0, 10).sum() + image.block(image.pixels - 10, image.pixels).sum()
print(first, peak() - before)
"""


@pytest.mark.parametrize("writer", ["swift_h5", "hspy"])
def test_half_a_gigabyte_takes_little_memory(writer: str, made, request: pytest.FixtureRequest) -> None:
    """256 x 512 pixels of 1024 channels, an acquisition that was stopped after the first row."""
    if not Path("/proc/self/status").exists():
        pytest.skip("the most memory of a process is read from /proc")
    path = request.getfixturevalue(writer)(made((2, 4, 1024)))
    small = shutil.copy(path, path.with_name(f"small{path.suffix}"))
    name = "data" if writer == "swift_h5" else "Experiments/line/data"
    row = made((1, 512, 1024))
    with h5py.File(path, "a") as file:
        attrs = dict(file[name].attrs)
        del file[name]
        big = file.create_dataset(name, shape=(256, 512, 1024), dtype="f4", chunks=(1, 32, 1024), compression="gzip")
        big[0] = row[0]
        for key, value in attrs.items():
            changed = value.replace('"data_shape": [2, 4, 1024]', '"data_shape": [256, 512, 1024]')
            big.attrs[key] = changed
        if writer == "hspy":
            for i, size in enumerate((256, 512)):
                file[f"Experiments/line/axis-{i}"].attrs["size"] = size
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(path), str(small)], capture_output=True, text=True, check=True
    )
    total, grown = map(float, done.stdout.split())
    np.testing.assert_allclose(total, row[0, :10].astype(float).sum(), rtol=1e-12, atol=0)
    assert grown < 60_000  # KiB


def test_a_packed_array_is_unpacked_once(ndata, made, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = made((5, 64))
    path: Path = ndata(counts, compression=zipfile.ZIP_DEFLATED)
    np.testing.assert_array_equal(kapitza.eels.read_eels(path).counts[...], counts)
    monkeypatch.setattr("kapitza.io.eels.nion.MAX_UNPACKED_BYTES", 100)
    with pytest.raises(kapitza.errors.DataError, match="packs 1280 bytes, more than the 100 that are unpacked"):
        kapitza.eels.read_eels(path)
