"""Objects of ASE, pymatgen and phonopy where a file could be."""

from pathlib import Path
from shutil import copyfile
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from kapitza.errors import DataError, InputError
from kapitza.matter.bands import Bands
from kapitza.matter.files.crystals import load_crystal
from kapitza.matter.files.objects import phonopy_path
from kapitza.matter.files.structures import read_structure
from kapitza.units import angstrom

SILICON = Path(__file__).resolve().parents[1] / "data" / "crystals" / "Si.yaml"


class PymatgenLike:
    """What a Structure of pymatgen has: sites in its order, a lattice in rows, Cartesian coordinates in Å."""

    def __init__(self, symbols: list[str], lattice: Any, coordinates: Any, *, is_ordered: bool = True) -> None:
        self.sites = [SimpleNamespace(specie=SimpleNamespace(symbol=symbol)) for symbol in symbols]
        self.lattice = SimpleNamespace(matrix=np.array(lattice))
        self.cart_coords = np.array(coordinates)
        self.is_ordered, self.formula = is_ordered, "Ga1 As1"

    def __iter__(self) -> Any:
        return iter(self.sites)


class PhonopyLike:
    """What a Phonopy object has, with force constants of silicon."""

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self.force_constants = None if file is None else np.zeros(1)
        self.primitive = SimpleNamespace(symbols=["Si", "Si"])

    def save(self, filename: str, settings: dict[str, bool]) -> None:
        assert settings == {"force_constants": True}
        assert self.file is not None
        copyfile(self.file, filename)


def test_atoms_of_ase_are_those_of_the_file(tmp_path: Path) -> None:
    build, io = pytest.importorskip("ase.build"), pytest.importorskip("ase.io")
    atoms = build.bulk("GaAs", "zincblende", a=5.653)
    io.write(tmp_path / "GaAs.cif", atoms)
    found, want = read_structure(atoms), read_structure(tmp_path / "GaAs.cif")
    assert (found.name, found.symbols) == ("AsGa", want.symbols)
    assert abs(found.masses / want.masses - 1).max() <= 1e-12
    assert abs(np.linalg.det(found.lattice) / np.linalg.det(want.lattice) - 1) <= 1e-6


def test_a_structure_of_pymatgen_is_the_same_crystal() -> None:
    build = pytest.importorskip("ase.build")
    atoms = build.bulk("GaAs", "zincblende", a=5.653)
    given = PymatgenLike(["Ga", "As"], atoms.cell.array, atoms.get_positions())
    found = read_structure(given)
    assert found.symbols == ("Ga", "As")
    np.testing.assert_allclose(found.lattice, atoms.cell.array * angstrom, rtol=1e-14, atol=0)
    with pytest.raises(DataError, match="disordered or partly occupied"):
        read_structure(PymatgenLike(["Ga", "As"], atoms.cell.array, atoms.get_positions(), is_ordered=False))


def test_what_is_no_crystal_is_refused_in_a_line() -> None:
    build = pytest.importorskip("ase.build")
    with pytest.raises(DataError, match="a molecule or a slab") as caught:
        read_structure(build.molecule("H2O"))
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"of pymatgen or of kapitza\.matter, got builtins\.int"):
        read_structure(3)


def test_an_object_of_phonopy_is_its_file() -> None:
    given = PhonopyLike(SILICON)
    found, want = load_crystal(given), load_crystal(SILICON)
    assert found.name == "Si2"
    np.testing.assert_array_equal(found.force_constants, want.force_constants)
    bands = Bands.from_phonopy(given, miller=(1, 1, 0))
    np.testing.assert_array_equal(bands.normal, Bands.from_phonopy(SILICON, miller=(1, 1, 0)).normal)
    with phonopy_path(given) as file:
        assert Path(file).is_file()
    assert not Path(file).exists()


def test_an_object_of_phonopy_without_force_constants_is_refused() -> None:
    with pytest.raises(DataError, match="no force constants yet"):
        load_crystal(PhonopyLike(None))
    with pytest.raises(InputError, match="expected a file or a Phonopy object, got dict"):
        Bands.from_phonopy({})


def test_phonopy_itself(tmp_path: Path) -> None:
    """What phonopy loads from a file and hands over has the frequencies of that file."""
    phonopy = pytest.importorskip("phonopy")
    given = phonopy.load(SILICON, log_level=0)
    found, want = load_crystal(given), load_crystal(SILICON)
    points = np.array([[0.1, 0.2, 0.3], [0.0, 0.0, 0.45]]) @ np.linalg.inv(want.lattice).T * 2 * np.pi
    np.testing.assert_allclose(found.frequencies(points), want.frequencies(points), rtol=1e-6, atol=0)
