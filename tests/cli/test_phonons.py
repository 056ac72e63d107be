"""The verb `phonons`: the list of cards, one card, its figure, and what is refused in a line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import kapitza
from kapitza.cli import main
from kapitza.theory.sides import describe_side

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command here; returns status, output and errors."""

    def call(*arguments: object) -> tuple[int, str, str]:
        status = main(["phonons", *map(str, arguments)])
        out, err = capsys.readouterr()
        return status, out, err

    return call


def test_the_list_has_a_line_for_each_card(run: Run) -> None:
    status, out, _ = run()
    assert status == 0
    lines = out.splitlines()
    names = kapitza.phonons.phonon_names()
    assert lines[0].startswith(f"{len(names)} crystals: ")
    assert [sum(line.split()[:1] == [name] for line in lines) for name in names] == [1] * len(names)
    assert next(line for line in lines if line.split()[:1] == ["VN"]).split()[1] == "refused"
    assert next(line for line in lines if line.split()[:1] == ["Fe"]).split()[1:3] == ["fitted", "measured"]


def test_a_card_in_full(run: Run) -> None:
    status, out, err = run("silicon")
    assert status == 0
    assert "Si: diamond, space group 227; a = 5.431 Å" in out
    assert "doi:10.48550/arXiv.2601.07742; supercell of 128 atoms" in out
    assert "doi:10.1103/PhysRevB.6.3777" in out
    assert err == ""
    assert "not verified: lattice constants" in run("SnSe")[1]
    _, out, err = run("GaN")
    assert "charge of Ga (e)" in out
    assert err == ""
    assert "not in the bands that models take" in run("ZnO")[2]


def test_a_refused_crystal_has_a_card_and_no_figure(run: Run, tmp_path: Path) -> None:
    status, out, _ = run("VN")
    assert status == 0
    assert "bands: refused" in out
    status, out, err = run("VN", "--plot", tmp_path / "vn.png")
    assert (status, out) == (2, "")
    assert err.startswith("kapitza: the phonons of VN are refused")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("Sii",), "no force constants of 'Sii' in the package; did you mean Si"),
        (("qqqq",), "`kapitza phonons` lists all names"),
        (("--plot", "all.png"), "--plot draws the dispersion of one crystal"),
        (("Si", "--plot", "si.gif"), "expected .png, .pdf or .svg"),
    ],
)
def test_faults_are_one_line(run: Run, words: tuple[str, ...], message: str) -> None:
    status, out, err = run(*words)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_the_figure(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    status, _, err = run("Si", "--plot", tmp_path / "si.png", "--save", tmp_path / "si.json")
    assert status == 0
    assert "si.png" in err
    assert (tmp_path / "si.png").read_bytes()[:4] == b"\x89PNG"
    saved = kapitza.load(tmp_path / "si.json")
    assert saved["dispersion"].labels[:2] == ("Γ", "X")
    assert saved["card"].name == saved["measured"][0].name == "Si"


def test_phonons_by_a_potential_become_a_side(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The saved crystal is a side of other commands, with the modes of the same potential."""
    pytest.importorskip("matscipy")
    monkeypatch.chdir(tmp_path)
    status, out, err = run("Ar", "--potential", "lj", "-T", "77,1000", "--save", "Ar.yaml", "--plot", "ar.png")
    assert status == 0
    assert "forces: lennard-jones, ISBN 978-0-03-083993-1" in out
    assert "none is imaginary" in out
    assert out.rstrip().splitlines()[-1].split()[:2] == ["1000", "K"]
    assert abs(float(out.split()[-1]) - 3) <= 0.01
    assert "Ar.yaml, a side of any command" in err
    assert (tmp_path / "ar.png").stat().st_size > 10_000
    sides = describe_side("Ar.yaml"), describe_side(kapitza.phonons.crystal_by_potential("Ar", "lj"))
    saved, direct = (side.spectrum.modes(1e12) for side in sides if side.spectrum is not None)
    assert abs(saved / direct - 1) <= 1e-6


def test_phonons_by_a_potential_as_json(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("matscipy")
    status, out, _ = run("Ar", "--potential", "lj", "--relax", "none", "--save", tmp_path / "ar.h5", "--json")
    assert status == 0
    fields = json.loads(out)["result"]["fields"]
    assert fields["instability"] == ""
    assert len(fields["speeds"]) == len(fields["directions"])
    assert abs(kapitza.load(tmp_path / "ar.h5").top - fields["top"]) <= 1e-6 * fields["top"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--potential", "sw"), "sw of which crystal? Name it"),
        (("Si", "--potential", "sw", "--calculator", "lj"), "expected one of them"),
        (("Si", "--relax", "cell"), "--relax is for phonons by a potential"),
        (("Ar", "--potential", "sw"), "knows Si, not Ar"),
        (("Si", "--potential", "swx"), "did you mean"),
        (("Si", "--potential", "sw", "--reach", "3nm"), "takes no reach"),
        (("Si", "--potential", "sw", "--calculator-args", "a=1"), "takes no arguments (a)"),
        (("Si", "--potential", "sw", "--save", "a.txt"), ".yaml or .yml"),
        (("Si", "--potential", "sw", "-T", "-3"), "expected K, above 0"),
        (("missing.cif",), "there is no such file"),
    ],
)
def test_faults_of_potentials_are_one_line(run: Run, words: tuple[str, ...], message: str) -> None:
    pytest.importorskip("matscipy")
    status, out, err = run(*words)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err
