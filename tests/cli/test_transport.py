"""`kapitza transport` from file to table, figure and saved result."""

import numpy as np
import pytest

from kapitza import Occupation, load, save
from kapitza.cli import main
from printed_json import printed

STACK = """
title = "Si on Ge"
bins = 20
[[layers]]
material = "Si"
thickness = "50 nm"
[[layers]]
material = "Ge"
thickness = "50 nm"
[boundaries]
"Si|Ge" = {}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_measured_modes_are_compared_with_those_of_a_stack(folder, capsys):
    """A measurement drawn from the temperatures of the solution agrees with it where the interface lies, not beside."""
    (folder / "s.toml").write_text(STACK.format('"dmm"'))
    assert main(["transport", "s.toml", "--save", "t.h5"]) == 0
    modes = load("t.h5").occupation
    x, chosen = (np.arange(-20, 20) + 0.5) * 1e-9, [7, 14]
    t = np.stack([np.interp(x + 50e-9, modes.position, modes.temperature()[:, j]) for j in chosen], axis=1)
    t += np.random.default_rng(1).normal(0, 0.02, t.shape)
    quanta = modes.energy[chosen] / (1.380649e-23 * t)
    n = 1 / np.expm1(quanta)
    save(Occupation(x, modes.energy[chosen], n, n * (n + 1) * quanta / t * 0.02), "measured.json")
    capsys.readouterr()
    assert main(["eels", "compare", "measured.json", "t.h5", "--offset=-50nm", "--tolerance", "0.1meV"]) == 0
    assert "they agree" in capsys.readouterr().out
    assert main(["eels", "compare", "measured.json", "t.h5", "--offset=-40nm", "--tolerance", "0.1meV"]) == 0
    assert "they do not agree" in capsys.readouterr().out


def test_a_stack(folder, capsys):
    (folder / "s.toml").write_text(STACK.format('"dmm"'))
    assert main(["transport", "s.toml", "--definitions", "--plot", "t.png", "--save", "t.h5"]) == 0
    shown = capsys.readouterr().out
    assert "Si on Ge at 300 K" in shown
    assert "in thick layers" in shown
    assert (folder / "t.png").stat().st_size > 10_000
    assert main(["transport", "s.toml", "--json"]) == 0
    told = printed(capsys.readouterr().out)
    found = load("t.h5")
    assert told["fields"]["flux"] == found.flux
    assert found.resistances()["Si|Ge"] == told["resistance"]["value"]["Si|Ge"]


def test_faults_are_one_line(folder, capsys):
    for boundary, message in (("2e8", "twice"), ("{ coefficient = 1.5 }", "shares from 0 to 1")):
        (folder / "s.toml").write_text(STACK.format(boundary))
        assert main(["transport", "s.toml"]) == 2
        said = capsys.readouterr().err
        assert message in said
        assert said.count("\n") == 1


def test_no_heat_is_one_line(folder, capsys):
    walls = "[walls]\nleft = { temperature = 300 }\nright = { temperature = 300 }\n"
    (folder / "s.toml").write_text('[[layers]]\nmaterial = "Si"\nthickness = "50 nm"\n' + walls)
    assert main(["transport", "s.toml"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "no heat flows through Si: its ends differ by 0 K" in shown.err


def test_definitions_are_not_for_monte_carlo(folder, capsys):
    (folder / "s.toml").write_text(STACK.format('"dmm"'))
    assert main(["transport", "s.toml", "--definitions", "--monte-carlo"]) == 2
    assert "give one of the two" in capsys.readouterr().err
