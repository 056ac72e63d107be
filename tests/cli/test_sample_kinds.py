"""`simulate`, `fit`, `sensitivity` and `design` take every kind of experiment that a sample file can have."""

import json
import re

import pytest

from kapitza.cli import main
from kapitza.io.experiments import _EXPERIMENT_KINDS

FILM = """\
[[layers]]
name = "film"
thickness = "100 nm"
conductivity = 100
heat_capacity = "2.4 MJ/m3K"
"""
STACK = (
    FILM
    + """\
[[layers]]
name = "base"
conductivity = 140
heat_capacity = "1.64 MJ/m3K"
[boundaries]
"film|base" = "{conductance} MW/m2K"
"""
)
PLATE = FILM.replace("100 nm", "1 mm").replace("= 100\n", "= {conductance}\n")
BEAMS = 'pump_radius = "2 um"\nprobe_radius = "2 um"\n'
KINDS = {  # what belongs to the kind, and its points
    "tdtr": (
        BEAMS + 'modulation = "9.8 MHz"\nrepetition = "80 MHz"\ndelayed = "pump"', 'delays = ["0.1 ns", "3 ns", 9]',
    ),
    "fdtr": (BEAMS, 'frequencies = ["100 kHz", "40 MHz", 9]'),
    "beam-offset": (BEAMS + 'modulation = "1.1 MHz"', 'offsets = ["-6 um", "6 um", 13]'),
    "grating": ('period = "4 um"', 'times = ["0.5 ns", "60 ns", 9]'),
    "steady": (BEAMS, 'powers = ["1 mW", "10 mW", 9]'),
    "three-omega": ('half_width = "1 um"\nlength = "1 mm"\npower = "20 mW"', 'frequencies = ["1 kHz", "1 MHz", 9]'),
    "raman": ("", 'radii = ["0.3 um", "3 um", 9]'),
    "cooling": ("", 'times = ["0.1 ns", "10 ns", 9]'),
    "particle": ("", 'times = ["10 ps", "1 ns", 9]'),
    "flash": ("", 'times = ["5 ms", "50 ms", 9]'),
}  # fmt: skip


def write_sample(folder, kind: str, conductance: float, points: str) -> None:
    head = (PLATE if kind == "flash" else STACK).format(conductance=conductance)
    free = "film.conductivity" if kind == "flash" else "film|base.conductance"
    text = f'{head}[[experiments]]\nkind = "{kind}"\n{KINDS[kind][0]}\n{points}\n[fit]\nfree = ["{free}"]\n'
    (folder / "sample.toml").write_text(text)


@pytest.mark.parametrize("kind", sorted(_EXPERIMENT_KINDS))
def test_what_an_experiment_of_any_kind_measures_is_found_again(kind, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_sample(tmp_path, kind, 60, KINDS[kind][1])
    assert main(["simulate", "sample.toml", "--save", "curve.csv"]) == 0
    assert main(["sensitivity", "sample.toml"]) == 0
    candidates = "film.thickness=0.7,1mm" if kind == "flash" else "film.thickness=70,100nm"
    assert main(["design", "sample.toml", "--over", candidates, "--noise", "1e-3"]) == 0
    write_sample(tmp_path, kind, 40, 'data = "curve.csv"\nnoise = ' + ('"1 mrad"' if kind == "fdtr" else '"0.1 %"'))
    capsys.readouterr()
    assert main(["fit", "sample.toml", "--starts", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["derived"]["parameters"]
    (value,) = [one["value"] for one in found.values() if one["free"]]
    assert abs(value / (60 if kind == "flash" else 60e6) - 1) < 1e-4


@pytest.mark.parametrize("verb", ["fit", "sensitivity", "design", "simulate"])
def test_the_help_names_every_kind(verb, capsys):
    assert main([verb, "--help"]) == 0
    assert set(_EXPERIMENT_KINDS) <= set(re.findall(r"[a-z-]+", capsys.readouterr().out))
