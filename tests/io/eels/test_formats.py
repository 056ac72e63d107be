"""One scan in every format, and files written here: the same counts, energies in J, positions in m."""

import json
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dm_files import written
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kapitza
from kapitza.errors import ValidityWarning
from kapitza.measure.eels.quality import assess_spectra
from kapitza.units import eV, meV, nm

h5py = pytest.importorskip("h5py")

Data = Callable[[str], Path]
SCANS = ("vib_line.hspy", "vib_line_nion.h5", "vib_line_nion.ndata", "vib_line.nxs")
ROSETTA = (".nxs", ".dm3", ".dm4")


def needs(name: str) -> None:
    if Path(name).suffix in ROSETTA:
        pytest.importorskip("rsciio")


def raw_counts(path: Path) -> Any:
    """Second road: the array as the library of the container gives it."""
    if path.suffix == ".ndata":
        with zipfile.ZipFile(path) as archive:
            return np.load(BytesIO(archive.read("data.npy")))
    place = {".hspy": "Experiments/synthetic vibrational line scan/data", ".h5": "data"}
    with h5py.File(path) as file:
        return file[place.get(path.suffix, "entry1/synthetic vibrational line scan/data")][()]


@pytest.mark.parametrize("name", SCANS)
def test_every_format_gives_identical_counts(name: str, data: Data) -> None:
    needs(name)
    image = kapitza.eels.read_eels(data(f"eels/{name}"))
    truth = json.loads(data("eels/truth.json").read_text())
    first, step, channels = truth["energy_meV"]
    assert image.counts.dtype == np.float32
    np.testing.assert_array_equal(image.counts[...], raw_counts(data("eels/vib_line_nion.ndata")))
    np.testing.assert_array_equal(image.counts[...], raw_counts(data(f"eels/{name}")))
    np.testing.assert_allclose(image.energy, (first + step * np.arange(channels)) * meV, rtol=1e-9, atol=1e-12 * meV)
    np.testing.assert_allclose(image.position[1], np.array(truth["position_nm"]) * nm, rtol=1e-12, atol=0)
    np.testing.assert_allclose(image.position[0], np.arange(4) * nm, rtol=1e-12, atol=0)


@pytest.mark.parametrize(("module", "ending"), [("emd", "emd"), ("ripple", "rpl")])
def test_formats_of_others(module: str, ending: str, data: Data, tmp_path: Path) -> None:
    """Second road: the writers of RosettaSciIO."""
    writer = pytest.importorskip(f"rsciio.{module}").file_writer
    image = kapitza.eels.read_eels(data("eels/vib_line.hspy"))
    names, points = ("y", "x", "Energy loss"), (*(axis / nm for axis in image.position), image.energy / eV)
    axes = [
        {"name": name, "units": "nm", "size": one.size, "offset": one[0], "scale": one[1] - one[0], "navigate": True}
        | {"_type": "UniformDataAxis", "index_in_array": i, "is_binned": False}
        for i, (name, one) in enumerate(zip(names, points, strict=True))
    ]
    axes[-1] |= {"units": "eV", "navigate": False}
    metadata = {"General": {"title": "line"}, "Signal": {"signal_type": "EELS"}}
    path = tmp_path / f"scan.{ending}"
    writer(str(path), {"data": image.counts[...], "axes": axes, "metadata": metadata, "original_metadata": {}})
    found = kapitza.eels.read_eels(path)
    np.testing.assert_array_equal(found.counts[...], image.counts[...])
    np.testing.assert_allclose(found.energy, image.energy, rtol=1e-9, atol=1e-9 * meV)
    np.testing.assert_allclose(found.position[1], image.position[1], rtol=1e-9, atol=0)


def test_the_single_spectrum_is_a_pixel_of_the_scan(data: Data) -> None:
    path = data("eels/vib_point.msa")
    image = kapitza.eels.read_eels(path)
    np.testing.assert_array_equal(image.counts[...], raw_counts(data("eels/vib_line_nion.ndata"))[0, 5])
    text = path.read_text().split("Starts Here\n")[1].split("#")[0]
    np.testing.assert_array_equal(image.counts[...], np.array(text.replace(",", " ").split(), dtype=float))
    np.testing.assert_allclose(image.energy, (-256 + 0.5 * np.arange(1024)) * meV, rtol=1e-9, atol=1e-12 * meV)


def test_peaks_of_the_scan_are_where_its_truth_has_them(data: Data) -> None:
    truth = json.loads(data("eels/truth.json").read_text())
    found = assess_spectra(kapitza.eels.read_eels(data("eels/vib_line.hspy")))
    np.testing.assert_allclose(found.centre / meV, truth["zlp_shift_meV"], rtol=0, atol=0.02)
    np.testing.assert_allclose(found.resolution / meV, truth["zlp"]["fwhm_meV"], rtol=3e-3, atol=0)
    np.testing.assert_allclose(found.electrons, truth["dose_e"], rtol=3e-3, atol=0)  # the loss is extra
    assert found.warnings == ()


def test_a_spectrum_without_its_dark_count(tmp_path: Path) -> None:
    """A low-loss spectrum of 20 meV a channel, some of its counts below zero."""
    pytest.importorskip("rsciio")
    start, step, width, channels = -3.609, 0.020126, 0.16, 2048  # eV
    energy = start + step * np.arange(channels)
    plasmon = 300 * np.exp(-(((energy - 15.0) / 1.5) ** 2))
    clean = 1e5 * np.exp(-4 * np.log(2) * (energy / width) ** 2) + plasmon + 5
    counts = (np.random.default_rng(4).poisson(clean) - 5).astype("<f4")
    path = written(tmp_path / "low-loss.dm3", counts, [(-start / step, step, "eV")])
    image = kapitza.eels.read_eels(path)
    assert image.energy.size == channels
    np.testing.assert_allclose(image.energy / eV, energy, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(image.step / eV, step, rtol=1e-6, atol=0)
    np.testing.assert_array_equal(image.counts[...], counts)
    found = assess_spectra(image)
    np.testing.assert_allclose(found.resolution / eV, width, rtol=0.01, atol=0)
    assert any("below zero" in text for text in found.warnings)


@pytest.mark.parametrize("ending", ["dm3", "dm4"])
def test_a_tiny_spectrum_in_a_unit_that_is_none(ending: str, tmp_path: Path) -> None:
    pytest.importorskip("rsciio")
    path = written(tmp_path / f"tiny.{ending}", np.arange(3, dtype="<f4"), [(-0.5, 2.0, "µ")])
    with pytest.raises(kapitza.errors.DataError, match="has the unit 'µ', expected an energy"):
        kapitza.eels.read_eels(path)
    with pytest.warns(ValidityWarning, match="without a gain side"):
        image = kapitza.eels.read_eels(path, energy_unit="eV")
    np.testing.assert_array_equal(image.counts[...], [0, 1, 2])
    np.testing.assert_allclose(image.energy / eV, [1.0, 3.0, 5.0], rtol=1e-6, atol=0)


@pytest.mark.parametrize(("kind", "ending"), [("<i4", "dm3"), ("<u2", "dm4"), ("<f4", "dm4"), ("<f8", "dm3")])
def test_a_tiny_image_stored_energy_first(kind: str, ending: str, tmp_path: Path) -> None:
    pytest.importorskip("rsciio")
    counts = np.arange(60).reshape(3, 4, 5)
    axes = [(-0.5, 2.4, ""), (-0.5, 2.0, ""), (-0.5, 2.2, "")]
    path = written(tmp_path / f"tiny.{ending}", np.moveaxis(counts, -1, 0).astype(kind), axes)
    with pytest.raises(kapitza.errors.DataError, match=r"position axis 'y' of 3 points.*position_unit"):
        kapitza.eels.read_eels(path, energy_unit="eV")
    with pytest.warns(ValidityWarning, match="without a gain side"):
        image = kapitza.eels.read_eels(path, energy_unit="eV", position_unit="nm")
    np.testing.assert_array_equal(image.counts[...], counts)
    np.testing.assert_allclose(image.position[0] / nm, 1.0 + 2.0 * np.arange(3), rtol=1e-6, atol=0)
    np.testing.assert_allclose(image.position[1] / nm, 1.1 + 2.2 * np.arange(4), rtol=1e-6, atol=0)
    np.testing.assert_allclose(image.energy / eV, 1.2 + 2.4 * np.arange(5), rtol=1e-6, atol=0)


KINDS = ("u1", "u2", "<u4", "<i4", ">i4", "<i8", "f2", "<f4", ">f4", "<f8")


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    shape=st.lists(st.integers(2, 4), max_size=2),
    kind=st.sampled_from(KINDS),
    fortran=st.booleans(),
    writer=st.sampled_from(["ndata", "swift_h5", "hspy"]),
    energy_first=st.booleans(),
    backwards=st.booleans(),
)
def test_any_shape_and_type_comes_back(
    request: pytest.FixtureRequest, shape, kind, fortran, writer, energy_first, backwards
) -> None:
    """Law: whatever order, type and direction a file has, the counts come back with energy last and increasing."""
    channels = 12
    counts = np.random.default_rng(3).integers(0, 100, (*shape, channels)).astype(kind)
    energy = (np.arange(channels) - 6) * 0.01 * eV
    stored, scale, offset = counts, 0.01, -0.06
    if backwards:
        stored, scale, offset = counts[..., ::-1], -0.01, 0.05
    axis = {"offset": offset, "scale": scale, "units": "eV"}
    place = [{"offset": 1.0, "scale": 2.0, "units": "nm"} for _ in shape]
    entries = [axis, *place] if energy_first else [*place, axis]
    stored = np.moveaxis(stored, -1, 0) if energy_first else stored
    stored = np.asarray(stored, order="F" if fortran else "C")
    write = request.getfixturevalue(writer)
    if writer == "hspy":
        size = stored.ndim
        names = {i - size: entry | {"name": "Energy loss" if entry is axis else "p"} for i, entry in enumerate(entries)}
        path = write(stored, axes=names)
    else:
        path = write(stored, dimensional_calibrations=entries)
    image = kapitza.eels.read_eels(path)
    np.testing.assert_array_equal(image.counts[...], counts)
    np.testing.assert_allclose(image.energy, energy, rtol=1e-9, atol=1e-12 * eV)
    assert image.shape == tuple(shape)
    np.testing.assert_array_equal(image.block(0, image.pixels), counts.reshape(-1, channels).astype(float))


def test_pairs_of_energy_and_count(msa) -> None:
    counts = np.arange(100.0)
    body = "".join(f"{-0.025 + 5e-4 * i:.5f}, {value}\n" for i, value in enumerate(counts))
    image = kapitza.eels.read_eels(msa(counts, body=body, DATATYPE="XY"))
    np.testing.assert_array_equal(image.counts[...], counts)
    with pytest.raises(kapitza.errors.DataError, match=r"point 0 lies at -0.025, OFFSET and XPERCHAN say -0.5"):
        kapitza.eels.read_eels(msa(counts, body=body, DATATYPE="XY", OFFSET="-0.5"))


def test_spectra_of_a_filament_gun(msa) -> None:
    """A peak 3.2 eV wide in channels of 0.2 eV, as in low-loss spectra without a monochromator: read, and said."""
    energy = -40 + 0.2 * np.arange(512)
    counts = np.round(4.4e4 * np.exp(-4 * np.log(2) * (energy / 3.2) ** 2) + 20)
    head = {"XUNITS": "eV", "YUNITS": "Counts", "XPERCHAN": "0.200000", "OFFSET": "-40.0000", "NPOINTS": "512.000"}
    with pytest.warns(ValidityWarning, match=r"3\.\d+ eV is broad for a zero-loss peak"):
        image = kapitza.eels.read_eels(msa(counts, **head, NCOLUMNS="1.00000", SIGNALTYPE="ELS"))
    assert abs(image.step / eV - 0.2) <= 1e-9
    assert abs(assess_spectra(image).resolution / eV - 3.2) <= 0.05


def test_a_whole_head_of_another_program(msa) -> None:
    """All keywords that RosettaSciIO and DigitalMicrograph write, empty ones too, in their order and padding."""
    energy = -40 + 0.2 * np.arange(2048)
    counts = np.round(4.4e4 * np.exp(-4 * np.log(2) * (energy / 3.2) ** 2) + 20 - 0.05 * np.maximum(energy, 0))
    empty = dict.fromkeys(("TITLE", "OWNER", "SPECIMEN", "XLABEL", "YLABEL", "CHOFFSET", "ELSDET"), "")
    head = {
        "DATE": "04-SEP-2012", "TIME": "23:14", "NPOINTS": "2048.00", "NCOLUMNS": "1.00000", "XUNITS": "eV",
        "YUNITS": "Counts", "DATATYPE": "Y", "XPERCHAN": "0.200000", "OFFSET": "-40.0000", "SIGNALTYPE": "ELS",
        "BEAMKV   -kV": "300.0", "CONVANGLE-mR": "24.6", "COLLANGLE-mR": "13.6", "INTEGTIME   -ms": "none",
        "DWELLTIME-ms": "100",
    }  # fmt: skip
    body = "".join(f"{value:.0f}\n" for value in counts)
    with pytest.warns(ValidityWarning, match=r"eV is broad for a zero-loss peak"):
        image = kapitza.eels.read_eels(msa(counts, body=body, **(empty | head)))
    np.testing.assert_array_equal(image.counts[...], counts)
    np.testing.assert_allclose(image.energy, energy * eV, rtol=1e-12, atol=1e-12 * eV)
    assert image.exposure == 0.1
    assert "title" not in image.metadata
    assert image.metadata["COLLANGLE"] == "13.6"


def test_what_the_files_say_beside_the_counts(ndata, hspy, msa, made) -> None:
    counts = made((2, 64))
    calibration = {"offset": -20.0, "scale": 0.5, "units": "e-"}
    image = kapitza.eels.read_eels(ndata(counts, intensity_calibration=calibration))
    assert (image.exposure, image.electrons_per_count, image.dark.tolist()) == (0.5, 0.5, [40.0])
    assert image.metadata["hardware_source.signal_type"] == "eels"
    metadata = {"hardware_source": {"counts_per_electron": 40, "drift": float("nan")}}
    image = kapitza.eels.read_eels(ndata(counts, metadata=metadata))
    np.testing.assert_allclose(image.electrons_per_count, 1 / 40, rtol=1e-15, atol=0)
    assert kapitza.eels.read_eels(ndata(counts), electrons_per_count=0.1).electrons_per_count == 0.1
    assert kapitza.eels.read_eels(hspy(counts)).exposure == 0.25
    assert kapitza.eels.read_eels(msa(counts[0])).exposure == 0.25
    assert kapitza.eels.read_eels(msa(counts[0])).metadata["title"] == "point"


def test_older_files_of_swift_nest_their_calibrations(ndata, made) -> None:
    counts = made((3, 64))
    whole = kapitza.eels.read_eels(ndata(counts))
    entries = [{"offset": 1.0, "scale": 2.0, "units": "nm"}, {"offset": -0.016, "scale": 5e-4, "units": "eV"}]
    for nested in (
        {"data_source": {"dimensional_calibrations": entries}},
        {"data_sources": [{"dimensional_calibrations": entries}]},
        {"spatial_calibrations": entries},
    ):
        image = kapitza.eels.read_eels(ndata(counts, dimensional_calibrations=None, **nested))
        np.testing.assert_array_equal(image.energy, whole.energy)
        np.testing.assert_array_equal(image.counts[...], counts)


def test_exported_hdf5_of_swift(tmp_path: Path, swift_h5, made) -> None:
    counts = made((3, 64))
    single = swift_h5(counts)
    path = tmp_path / "scan.nhdf"
    with h5py.File(single) as old, h5py.File(path, "w") as file:
        for name, factor in (("0", 1), ("1", 2)):
            dataset = file.create_dataset(f"data/{name}", data=factor * counts)
            text = json.loads(old["data"].attrs["properties"]) | {"title": f"part {name}"}
            dataset.attrs["properties"] = json.dumps(text)
    np.testing.assert_array_equal(kapitza.eels.read_eels(path, title="part 1").counts[...], 2 * counts)
    with pytest.raises(kapitza.errors.DataError, match=r"holds 2 signals.*'part 0', 'part 1'"):
        kapitza.eels.read_eels(path)


def test_one_of_several_signals(hspy, made) -> None:
    path = hspy(made((2, 64)), titles=("forward", "reverse"))
    assert kapitza.eels.read_eels(path, title="reverse").metadata["title"] == "reverse"
    with pytest.raises(kapitza.errors.DataError, match=r"holds 2 signals.*'forward', 'reverse'"):
        kapitza.eels.read_eels(path)
    with pytest.raises(kapitza.errors.DataError, match="has 0 signals of the title 'sideways'"):
        kapitza.eels.read_eels(path, title="sideways")


def test_points_of_an_axis_one_by_one(hspy, made) -> None:
    counts = made((5, 64))
    path = hspy(counts, axes={-2: {"_type": "DataAxis"}})
    with h5py.File(path, "a") as file:
        file["Experiments/line/axis-0"].create_dataset("axis", data=[0.0, 1.0, 3.0, 4.0, 9.0])
    np.testing.assert_allclose(kapitza.eels.read_eels(path).position[0] / nm, [0, 1, 3, 4, 9], rtol=1e-12, atol=0)
