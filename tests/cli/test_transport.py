"""`kapitza transport` from file to table, figure and saved result."""

import pytest

from kapitza import load
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
