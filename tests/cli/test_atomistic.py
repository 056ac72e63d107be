"""The verb `agf`, run as a user runs it."""

import json

import numpy as np
import pytest

import kapitza
from kapitza.cli import main
from kapitza.matter.junction import Junction

pytest.importorskip("matscipy")

JUNCTION = 'left = "Si"\nright = "Ge"\npotential = "tersoff"\nlayers = 5\n'


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("junction") / "si_ge.npz"
    (path.parent / "j.toml").write_text(JUNCTION)
    kapitza.save(kapitza.read_junction(path.parent / "j.toml"), path)
    return path


def test_conductance_of_a_built_junction(saved, tmp_path, monkeypatch, capsys):
    """Tersoff Si on strained Ge: 199.2 and 316.8 MW/m²K at 100 and 300 K (computed for this project by decimation)."""
    monkeypatch.chdir(tmp_path)
    assert isinstance(kapitza.load(saved), Junction)
    command = ["agf", str(saved), "-T", "100,300", "--tolerance", "0.01", "--resume", "units"]
    assert main([*command, "--json", "--plot", "g.png", "--save", "g.npz"]) == 0
    found = json.loads(capsys.readouterr().out)
    np.testing.assert_allclose(found["conductance"]["emitted"]["value"], [199.2e6, 316.8e6], rtol=0.03, atol=0)
    assert found["conductance"]["local"]["value"][0] > found["conductance"]["extrapolated"]["value"][0]
    assert (tmp_path / "g.png").stat().st_size > 10_000
    held = kapitza.load("g.npz")
    np.testing.assert_array_equal(held["transmission"].total, found["transmission"]["value"])
    units = {path.name for path in (tmp_path / "units").rglob("*.unit")}
    assert units
    assert main([*command, "--json"]) == 0  # from the kept units, and the same to the last digit
    assert json.loads(capsys.readouterr().out) == found
    assert {path.name for path in (tmp_path / "units").rglob("*.unit")} == units
    assert main(command) == 0
    assert "extrapolated" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (JUNCTION, ["-T", "0"], "expected K, above 0"),
        (JUNCTION, ["--tolerance", "2"], "2"),
        (JUNCTION.replace("tersoff", "tersof"), [], "tersof"),
        (JUNCTION.replace("Ge", "Xx"), [], "Xx"),
        ("left = ", [], "is no TOML"),
    ],
)
def test_faults_are_one_line(tmp_path, monkeypatch, capsys, text, options, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "j.toml").write_text(text)
    assert main(["agf", "j.toml", *options]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
