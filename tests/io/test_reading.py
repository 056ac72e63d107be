"""One reader for every file: what each holds is recognised from its content."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kapitza
from kapitza.errors import DataError, InputError, KapitzaError
from kapitza.io import reading

DATA = Path(__file__).parents[1] / "data"

LAYERS = '[[layers]]\nname = "Al"\nmaterial = "Al"\nthickness = "80 nm"\n'
SILICON = '[[layers]]\nname = "Si"\nmaterial = "Si"\nthickness = "500 um"\n[boundaries]\n"Al|Si" = "200 MW/m2K"\n'
TDTR = """[[experiments]]
kind = "tdtr"
modulation = "10 MHz"
repetition = "80 MHz"
delayed = "probe"
pump_radius = "10 um"
probe_radius = "6 um"
delays = ["100 ps", "3 ns", 8]
"""
SOURCE = '[[sources]]\nname = "gate"\npower = "1 W"\n[box]\nwidth = "1 mm"\ndepth = "1 mm"\n'


def kind(tmp_path: Path, text: str) -> str:
    path = tmp_path / "file.toml"
    path.write_text(text)
    return type(kapitza.read(path)).__name__


@pytest.mark.parametrize(
    ("text", "want"),
    [
        (LAYERS + SILICON + TDTR, "SampleFile"),
        (SOURCE + LAYERS + SILICON, "Device"),
        ('[[mode]]\nname = "LO"\nenergy = "100 meV"\nwidth = "5 meV"\nintensity = 0.01\n', "ModesFile"),
    ],
)
def test_toml_by_its_keys(text: str, want: str, tmp_path: Path) -> None:
    assert kind(tmp_path, text) == want


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("mesh = 'a.msh'\n[regions]\n", "read_body"),
        ("gds = 'a.gds'\n[[layers]]\n", "read_layout"),
        ("[[layers]]\n[[blocks]]\n[[sources]]\n", "read_layout"),
        ("[[layers]]\n[[sources]]\n", "read_device"),
        ("[[layers]]\ncells = 3\n", "read_films"),
        ("[[layers]]\n[walls]\n", "read_films"),
        ("[[materials]]\n[[boxes]]\n[[sources]]\n[walls]\n", "read_domain"),
        ("hot = '400 K'\ncold = '300 K'\n[leg]\n", "read_leg"),
        ("pulse = '1 ns'\n[cell]\n", "read_memory_cell"),
        ("[hot]\n[cold]\n[wall]\n", "read_exchanger"),
        ("[bath]\n[device]\n", "read_cryogenic"),
        ("[potential]\n[system]\n[run]\n", "read_run"),
        ("[beam]\n[spectrometer]\n[scan]\n[[mode]]\n", "read_eels_experiment"),
        ("left = 'Si'\nright = 'Ge'\n", "read_junction"),
    ],
)
def test_the_reader_of_each_kind(text: str, want: str, tmp_path: Path) -> None:
    path = tmp_path / "file.toml"
    path.write_text(text)
    reader = reading.kind_of_file(path).reader
    assert reader is not None
    assert reader().__name__ == want


def test_what_save_wrote(tmp_path: Path) -> None:
    wanted = kapitza.Conductance([100.0, 300.0], [1e8, 2e8])
    for suffix in (".json", ".npz", ".h5"):
        if suffix == ".h5":
            pytest.importorskip("h5py")
        found: Any = kapitza.read(kapitza.save(wanted, tmp_path / f"g{suffix}"))
        np.testing.assert_array_equal(found.value, wanted.value)


@pytest.mark.parametrize("name", ["vib_line.hspy", "vib_line_nion.h5", "vib_line_nion.ndata", "vib_point.msa"])
def test_spectra(name: str) -> None:
    pytest.importorskip("h5py")
    found, wanted = kapitza.read(DATA / "eels" / name), kapitza.eels.read_eels(DATA / "eels" / name)
    np.testing.assert_array_equal(found.counts[...], wanted.counts[...])


def test_a_table_and_a_deck(tmp_path: Path) -> None:
    path = tmp_path / "curve.csv"
    path.write_text("time (ns), signal (1)\n1, 2\n3, 4\n")
    assert kapitza.read(path).columns
    deck = tmp_path / "deck"
    shutil.copytree(DATA / "saved-0.1.0" / "deck", deck)
    assert type(kapitza.read(deck)).__name__ == "Record"


def test_what_nobody_knows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.toml"
    path.write_text("colour = 'blue'\n")
    with pytest.raises(DataError, match=r"no known kind: its keys are colour; known are lamella, sample, domain"):
        kapitza.read(path)
    with pytest.raises(FileNotFoundError):
        kapitza.read(tmp_path / "missing.json")


@pytest.mark.parametrize("call", [kapitza.read, kapitza.load, kapitza.io.read_sample, kapitza.io.read_table])
@pytest.mark.parametrize("path", [3, None, ["a.npz"], b"a.npz"])
def test_what_is_not_a_path_is_named(call: Any, path: object) -> None:
    with pytest.raises(InputError, match="expected the path of a file, got"):
        call(path)


def test_a_record_is_saved_to_a_path_only() -> None:
    with pytest.raises(InputError, match="expected the path of a file, got 3"):
        kapitza.save(kapitza.Profile([0, 1], [300, 299]), 3)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["missing.npz", "missing.toml", "missing.csv", "missing.h5", "missing.msa", "missing"])
def test_a_missing_file_is_one_line_with_its_name(name: str, tmp_path: Path) -> None:
    """The error is one of the package and one of the language; its text has neither number nor traceback."""
    path = tmp_path / name
    with pytest.raises(FileNotFoundError) as caught:
        kapitza.read(path)
    assert isinstance(caught.value, KapitzaError)
    assert str(caught.value) == f"{path}: there is no such file; check its name and its folder"
    assert caught.value.filename == str(path)
    if path.suffix in (".npz", ".h5"):
        with pytest.raises(FileNotFoundError, match="no such file; check its name"):
            kapitza.load(path)


def test_files_and_objects_of_other_programs(tmp_path: Path) -> None:
    """Phonopy, structures, what `to_pandas` gave, and spectra with the attributes of HyperSpy."""
    pytest.importorskip("pandas")
    build = pytest.importorskip("ase.build")
    crystal = kapitza.read(DATA / "crystals" / "Si.yaml")
    assert (type(crystal).__name__, crystal.name) == ("Crystal", "Si")
    (tmp_path / "run").mkdir()
    shutil.copy(DATA / "crystals" / "Si.yaml", tmp_path / "run" / "phonopy.yaml")
    assert kapitza.read(tmp_path / "run").masses.size == crystal.masses.size
    atoms = build.bulk("Si")
    atoms.write(tmp_path / "Si.cif")
    assert kapitza.read(tmp_path / "Si.cif").symbols == kapitza.read(atoms).symbols == ("Si", "Si")
    found = kapitza.Conductance([77.0, 300.0], [1e8, 2e8])
    np.testing.assert_array_equal(kapitza.read(found.to_pandas()).value, found.value)
    with pytest.raises(InputError, match="expected the path of a file, got"):
        kapitza.read(3.0)
