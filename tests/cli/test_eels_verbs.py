"""The verbs from a plan over spectra to a resistance, on files that they wrote themselves."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import kapitza
from kapitza.cli import main
from kapitza.cli.eels_jump import uncertain
from kapitza.errors import InputError

PLAN = """
[beam]
current = "10 pA"
dwell = "1 s"

[spectrometer]
resolution = "8 meV"
drift = "0.3 meV"

[scan]
columns = 8
rows = 4
pitch = "4 nm"

[sample]
temperature = "425 K"
jump = "40 K"
gradient_left = "-0.4 K/nm"
gradient_right = "-0.3 K/nm"

[[mode]]
name = "TO-left"
energy = "82 meV"
width = "4.5 meV"
left = 6e-4
right = 2e-4

[[mode]]
name = "TO-right"
energy = "97 meV"
width = "5 meV"
left = 2e-4
right = 6e-4

[wanted]
jump = "0.5 K"
"""
MODES = """
[[mode]]
name = "TO-left"
energy = "82 meV"
width = "4.5 meV"

[[mode]]
name = "TO-right"
energy = "97 meV"
width = "5 meV"

[[interface]]
name = "alpha"
energy = "60 meV"
fwhm = "10 meV"
"""

Command = Callable[..., dict]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plan, simulated spectra and their map."""
    pytest.importorskip("h5py")
    pytest.importorskip("numba")
    where = tmp_path_factory.mktemp("eels")
    (where / "plan.toml").write_text(PLAN)
    (where / "modes.toml").write_text(MODES)
    scan, found = str(where / "scan.h5"), str(where / "map.h5")
    assert main(["eels", "simulate", str(where / "plan.toml"), "--save", scan, "--seed", "3"]) == 0
    arguments = ["--modes", str(where / "modes.toml"), "--save", found, "--plot", str(where / "map.png")]
    assert main(["eels", "fit", scan, *arguments]) == 0
    return where


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a verb with --json and return what it says."""

    def run(*words: object) -> dict:
        capsys.readouterr()
        assert main(["eels", *map(str, words), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return run


def test_simulated_spectra_are_read_and_seeded(folder: Path) -> None:
    one = kapitza.read_eels(folder / "scan.h5")
    assert one.shape == (4, 16)
    np.testing.assert_allclose(one.position[1][0], -30e-9, rtol=1e-9, atol=0)
    again = folder / "again.ndata"
    assert main(["eels", "simulate", str(folder / "plan.toml"), "--save", str(again), "--seed", "3"]) == 0
    np.testing.assert_array_equal(kapitza.read_eels(again).counts[...], one.counts[...])


def test_fit_saves_maps_that_hold_the_truth(folder: Path) -> None:
    maps = kapitza.load(folder / "map.h5")
    assert set(maps) == {"common", "each"}
    x = maps["common"].position[1]
    truth = 425 + np.where(x < 0, 20 - 0.4e9 * x, -20 - 0.3e9 * x)
    score = (maps["common"].temperature - truth) / maps["common"].sigma
    assert abs(score.mean()) < 4 / np.sqrt(score.size)
    assert abs(score.std() - 1) < 4 / np.sqrt(2 * score.size)
    assert (folder / "map.png").stat().st_size > 5000


def test_jump_and_resistance(folder: Path, ask: Command, tmp_path: Path) -> None:
    figure, saved = tmp_path / "profile.png", tmp_path / "jump.json"
    got = ask(
        "jump", folder / "map.h5", "--at", "0nm", "--conductivity-left", "50+-10", "--flux", "20GW/m2+-5%",
        "--plot", figure, "--save", saved,
    )  # fmt: skip
    low, high = got["jump"]["interval_95"]
    assert low < got["jump"]["value"] < high
    assert abs(got["jump"]["value"] - 40) < 4 * got["jump"]["sigma"]
    low, high = got["conductance"]["interval_95"]
    assert low < got["conductance"]["value"][0] < high
    assert got["flux"]["agreement"] > 1e-3
    np.testing.assert_allclose(got["resistance"]["value"], 1 / got["conductance"]["value"][0], rtol=1e-12, atol=0)
    assert figure.exists()
    assert kapitza.load(saved)["jump"].jump.jump == got["jump"]["value"]


def test_jump_in_words(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eels", "jump", str(folder / "map.h5"), "--at", "0+-1nm", "--width", "1nm"]) == 0
    out, err = capsys.readouterr()
    assert "Kapitza length" in out
    assert "k_left/k_right" in out
    assert "gives the resistance" in err
    assert "conductance" not in out


def test_bulk_conductivity_is_warned_of(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eels", "jump", str(folder / "map.h5"), "--at", "0nm", "--conductivity-left", "Si"]) == 0
    assert "conductivity of bulk Si was used for a lamella" in capsys.readouterr().err


def test_modes(folder: Path, ask: Command, tmp_path: Path) -> None:
    got = ask(
        "modes", folder / "map.h5", "--interface", "0nm", "--zone", "6nm", "--scan", folder / "scan.h5",
        "--modes", folder / "modes.toml", "--reverse", folder / "map.h5", folder / "scan.h5",
        "--plot", tmp_path / "modes.png", "--save", tmp_path / "n.h5",
    )  # fmt: skip
    assert got["equilibrium"]["pixels"] == 64
    assert got["equilibrium"]["freedom"] == 1
    assert got["interface_modes"]["modes"] == ["alpha"]
    np.testing.assert_allclose(got["interface_modes"]["mixture"]["loss"], [0.5, 0.5], rtol=0, atol=0.1)
    assert got["asymmetry"]["alpha"]["strength"][0] == 0
    assert kapitza.load(tmp_path / "n.h5").modes == ("TO-left", "TO-right")


def test_modes_in_words(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "--interface",
        "0nm",
        "--zone",
        "6nm",
        "--scan",
        str(folder / "scan.h5"),
        "--modes",
        str(folder / "modes.toml"),
    ]
    assert main(["eels", "modes", str(folder / "map.h5"), *words]) == 0
    out = capsys.readouterr().out
    assert "out of equilibrium" in out
    assert "modes that only the interface has" in out


def test_design(folder: Path, ask: Command, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    got = ask("design", folder / "plan.toml", "--plot", tmp_path / "plan.png")
    assert got["time"]["value"] == 64
    assert got["best layout"]["jump"] < got["plan"]["jump"]
    even, best = got["time needed"]["value"]["jump"]
    assert best < even
    assert main(["eels", "design", str(folder / "plan.toml")]) == 0
    out = capsys.readouterr().out
    assert "best layout" in out
    assert "TO-left alone" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["jump", "map.h5", "--at", "0V"], "is a unit of signal"),
        (["jump", "map.h5", "--at", "900nm"], "0 points right"),
        (["jump", "plan.toml", "--at", "0nm"], "says no format"),
        (["jump", "map.h5", "--at", "0nm", "--flux", "-1e9"], "goes against the jump"),
        (["jump", "map.h5", "--at", "0nm", "--conductivity-left", "unobtainium"], "unobtainium"),
        (["modes", "map.h5", "--modes", "modes.toml"], "give --scan"),
        (["modes", "map.h5", "--scan", "scan.h5"], "needs --interface"),
        (["simulate", "plan.toml", "--save", "scan.hspy"], "says no format of spectra"),
        (["simulate", "modes.toml", "--save", "scan.h5"], "unknown key"),
        (["fit", "scan.h5", "--modes", "plan.toml"], "unknown key"),
        (["fit", "scan.h5", "--modes", "missing.toml"], "missing.toml"),
    ],
)
def test_faults_are_one_line(
    folder: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    capsys.readouterr()
    assert main(["eels", *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_numbers_with_their_uncertainty() -> None:
    for text, kind, value, sigma in (
        ("60+-15", "conductivity", 60, 15),
        ("60 W/mK ± 15", "conductivity", 60, 15),
        ("60±15 W/cmK", "conductivity", 6000, 1500),
        ("12.4+-0.3nm", "length", 12.4e-9, 0.3e-9),
        ("3.1e9+-1e8", "flux", 3.1e9, 1e8),
        ("-5e8+-1e7", "flux", -5e8, 1e7),
        ("3.1GW/m2+-3%", "flux", 3.1e9, 9.3e7),
        ("0.5%", "share", 0.005, 0),
    ):
        np.testing.assert_allclose(uncertain(text, kind, what="x"), (value, sigma), rtol=1e-12, atol=0)
    with pytest.raises(InputError, match="expected an uncertainty"):
        uncertain("3+--1", "share", what="x")
