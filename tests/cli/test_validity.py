"""What is out of its range reaches the command line: one line each, once, on the error stream."""

from pathlib import Path

import pytest

from kapitza.cli import main

DEVICE = """
{sink}
[box]
width = "10 um"
[[layers]]
name = "film"
material = "{film}"
thickness = "{thickness}"
[[layers]]
material = "Si"
thickness = "100 um"
[boundaries]
"film|Si" = "100 MW/m2K"
[[sources]]
name = "heater"
power = "{power}"
"""
SAMPLE = """
[[layers]]
material = "Al"
thickness = "{thickness}"
[[layers]]
material = "Si"
[boundaries]
"Al|Si" = "150 MW/m2K"
[[experiments]]
kind = "tdtr"
modulation = "9.8 MHz"
repetition = "80 MHz"
pump_radius = "{radius}"
probe_radius = "10 um"
delayed = "pump"
delays = ["100 ps", "3.6 ns", 5]
[fit]
free = ["Al|Si.conductance"]
"""
FILM = """
[[layers]]
material = "Si"
thickness = "100 nm"
{rates}
[[layers]]
material = "Ge"
thickness = "100 nm"
[boundaries]
"Si|Ge" = {boundary}
{walls}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def notes(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> list[str]:
    """Lines on the error stream."""
    assert main(list(arguments)) == status
    return capsys.readouterr().err.splitlines()


def written(text: str, name: str = "file.toml") -> str:
    Path(name).write_text(text, encoding="utf-8")
    return name


def device(**changed: str) -> str:
    given = {"sink": 'sink = "300 K"', "film": "Al", "thickness": "1 um", "power": "1 mW"}
    return written(DEVICE.format(**given | changed))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["predict", "He-4", "Cu", "-T", "300"], ["He-4 liquid: above 2.177 K it is not superfluid", "amm, khalat"]),
        (["predict", "Pb", "Bi", "-T", "5000"], ["Pb: above 600.6 K it is molten", "Bi: above 544.6 K it is molten"]),
        (["predict", "Pb", "Si", "-T", "590,610", "--models", "dmm"], ["Pb: above 600.6 K it is molten, asked for"]),
        (["superlattice", "Sn", "Si", "-T", "390", "--period", "9nm"], []),
    ],
)  # fmt: skip
def test_predictions(capsys, arguments: list[str], said: list[str]) -> None:
    lines = notes(capsys, *arguments)
    assert all(line.startswith("note: ") for line in lines)
    assert len(set(lines)) == len(lines)
    for text in said:
        assert sum(line.startswith(f"note: {text}") for line in lines) == 1, lines


def test_a_junction_above_its_melting_point(capsys) -> None:
    lines = notes(capsys, "agf", "Al", "Al", "-T", "900,1000", "--tolerance", "0.5")
    assert sum(one.startswith("note: Al: above 933.5 K it is molten, asked for at 1000 K") for one in lines) == 1


def test_a_prediction_within_all_ranges_has_no_such_note(capsys) -> None:
    lines = notes(capsys, "predict", "Al", "Si")
    assert not [line for line in lines if "measured Al Si" not in line and "not verified" not in line]


def test_a_drop_above_the_limit_of_a_side(capsys) -> None:
    lines = notes(capsys, "predict", "TiN", "MgO", "--models", "amm", "--drop", "extrapolated")
    assert sum("more than the softer side can emit" in line for line in lines) == 1


def test_a_bath_above_the_lambda_point(capsys) -> None:
    bath = 'load = "1 W/cm2"\n[bath]\ntemperature = "{} K"\nsolid = "Si"\n'
    (line,) = notes(capsys, "cryo", written(bath.format(4.2)))
    assert line.startswith("note: He-4 liquid: above 2.177 K it is not superfluid")
    assert notes(capsys, "cryo", written(bath.format(1.8))) == []


def test_devices(capsys) -> None:
    usual = notes(capsys, "device", device())
    assert len(usual) == 1  # how it is solved
    (line,) = (one for one in notes(capsys, "device", device(sink="")) if one not in usual)
    assert line == "note: file.toml names no sink: heat leaves at 300 K (sink = '300 K')"
    lines = notes(capsys, "device", device(sink="sink = 25"), status=2)
    assert sum("sink = 25 is taken in K: is it in °C (298.15 K)?" in one for one in lines) == 1
    lines = notes(capsys, "device", device(thickness="0.3 nm"))
    assert sum("is less than a unit cell of Al (4.05e-10 m): is it in another unit?" in one for one in lines) == 1
    lines = notes(capsys, "device", device(film="In", sink='sink = "500 K"'), status=2)
    assert [one for one in lines if one.startswith("note: In: above 429.7 K it is molten, asked for at 500 K")]
    assert "known from 300 to 300 K only" in lines[-1]
    lines = notes(capsys, "device", device(power="150 mW"))
    assert sum(one.startswith("note: Al: above 933.5 K it is molten, asked for at") for one in lines) == 1


def test_samples(capsys) -> None:
    arguments = ("sensitivity", "file.toml")
    written(SAMPLE.format(thickness="80 nm", radius="10 um"))
    usual = notes(capsys, *arguments)
    for changed, said in (
        ({"thickness": "80 um"}, "times as deep as heat at 9.8e+06 Hz reaches"),
        ({"thickness": "0.08 nm"}, "Al.thickness = 8e-11 m is less than a unit cell of Al"),
        ({"radius": "10 nm"}, "tdtr.pump_radius = 1e-08 m looks implausible"),
    ):
        written(SAMPLE.format(**{"thickness": "80 nm", "radius": "10 um"} | changed))
        lines = [one for one in notes(capsys, *arguments) if one not in usual]
        assert sum(said in one for one in lines) == 1, lines


def test_units_of_samples_that_slipped_are_asked_about(capsys) -> None:
    arguments = ("sensitivity", "file.toml")
    plain = SAMPLE.format(thickness="80 nm", radius="10 um")
    written(plain)
    usual = notes(capsys, *arguments)
    for old, new, said in (
        ("80 nm", "80 mm", "Al.thickness = 0.08 m looks implausible"),
        ('"100 ps", "3.6 ns"', '"0.1 ps", "3.6 ps"', "before anything but the pulse is seen"),
        ("80 MHz", "8 MHz", "where a period has at least two"),
        ('pump_radius = "10 um"', 'pump_radius = "10 mm"', "pump_radius = 0.01 m looks implausible"),
        ("MW/m2K", "W/m2K", "W/m2K looks implausible (expected 10000 to 1e+12)"),
        ('"80 nm"', '"80 nm"\nconductivity = 1.8', "1.8 W/mK is 132 times less than the 237 W/mK of the bulk of Al"),
        ('kind = "tdtr"', 'kind = "tdtr"\nphase = 45', "a phase of 45 rad is more than half a turn: is it in degrees"),
        ('kind = "tdtr"', 'kind = "tdtr"\noffset = "1 mm"', "so that the probe sees nothing of the pump"),
        ("free = [", 'uncertain = { "Al.thickness" = "3 um" }\nfree = [', "uncertain by 3750%, so that it is as good"),
    ):
        assert old in plain, old
        written(plain.replace(old, new))
        lines = [one for one in notes(capsys, *arguments) if one not in usual]
        assert sum(said in one for one in lines) == 1, (said, lines)
    written("temperature = 27\n" + plain)
    said = "temperature = 27 is taken in K: is it in °C (300.15 K)?"
    assert any(said in one for one in notes(capsys, *arguments, status=2))
    written(plain.replace("free = [", 'free = ["Al|Si.conductance", '))
    assert "named twice" in notes(capsys, *arguments, status=2)[-1]
    written(plain.replace("delays = [", f"delays = [{'1, ' * 100_001}"))
    assert "expected at most 100,000" in notes(capsys, *arguments, status=2)[-1]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"boundary": '"amm"'}, "'amm' is a model of flat interfaces"),
        ({"boundary": '"no"'}, "'no' is no transmission: expected 'dmm' or 'limit'"),
        ({"boundary": '"100 MW/m2K"'}, "is no transmission, and a conductance would count the transport"),
        ({"boundary": "100"}, "100 has no unit and is no transmission"),
        ({"boundary": "0.5"}, "{ coefficient = 0.5 }"),
        ({"walls": "[walls]\nleft = { specular = 0.5 }"}, "a wall without a temperature takes no heat up"),
        ({"rates": 'rates = { boundary = "1 m" }'}, "1 m, expected the size of a crystal above 0 and up to 0.1 m"),
    ],
)
def test_faults_of_films_give_their_reason(capsys, changed: dict[str, str], said: str) -> None:
    path = written(FILM.format(**{"boundary": '"dmm"', "walls": "", "rates": ""} | changed))
    (line,) = notes(capsys, "transport", path, status=2)
    assert said in line
    assert "nan" not in line


def test_guessed_rates_are_held_against_the_bulk(capsys) -> None:
    """Nothing but boundaries 1 mm apart scatters: 3.3 MW/mK of silicon, which has 148 W/mK."""
    path = written(FILM.format(boundary='"dmm"', walls="", rates='rates = { boundary = "1 mm" }'))
    lines = notes(capsys, "transport", path, "--definitions")
    assert sum("these rates conduct 3.331e+06 W/mK at 300 K, the bulk 148" in one for one in lines) == 1
    assert sum("has 19 times this resistance" in one for one in lines) == 1
    assert not [one for one in lines if "%" in one]
