"""The option --seen: every form that the help names, the same numbers as in Python, and one line for what is wrong."""

from pathlib import Path

import pytest

from kapitza import load
from kapitza.cli import main
from kapitza.cli.options import parse_conductivities, parse_observation
from kapitza.measure.apparent import Observation, apparent_conductance


def test_forms_of_the_help() -> None:
    for text, wanted in (
        ("tdtr", Observation()),
        ("TDTR:80nm,1MHz", Observation(thickness=80e-9, frequency=1e6)),
        ("tdtr:1 MHz,80 nm", Observation(thickness=80e-9, frequency=1e6)),
        ("sstr:80nm,10um", Observation(method="sstr", thickness=80e-9, spot=1e-5)),
        ("film:1um", Observation(method="film", thickness=1e-6)),
        ("md:20nm", Observation(method="md", thickness=20e-9)),
    ):
        got = parse_observation(text)
        assert got.method == wanted.method
        for name in ("thickness", "frequency", "spot"):
            assert abs(getattr(got, name) / getattr(wanted, name) - 1) < 1e-12
    assert parse_conductivities("-,0.1W/cmK") == (None, 10.0)


def test_the_same_numbers_as_in_python(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = tmp_path / "g.json"
    words = ["predict", "Al", "Si", "--seen", "film:50nm", "--conductivities", "10,148", "--save", str(saved), "--json"]
    assert main(words) == 0
    want = apparent_conductance(
        "Al", "Si", 300.0, Observation(method="film", thickness=5e-8), conductivities=(10.0, 148.0)
    )
    printed = tmp_path / "printed.json"
    printed.write_text(capsys.readouterr().out, encoding="utf-8")
    for path in (saved, printed):
        found = load(path)["apparent"]
        assert abs(found.conductance.value[0] / want.conductance.value[0] - 1) < 1e-9
        assert abs(found.low[0] / want.low[0] - 1) < 1e-9
        assert abs(found.high[0] / want.high[0] - 1) < 1e-9


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--seen", "fdtr"], "--seen 'fdtr': expected tdtr, tdtr:80nm,10MHz"),
        (["--seen", "tdtr:80nm,10"], "'10' has no unit"),
        (["--seen", "film:-1nm"], "thickness = -1e-09, wanted above 0"),
        (["--seen", "film:1MHz"], "'MHz' is a unit of frequency"),
        (["--seen", "sstr:10um"], "expected tdtr, tdtr:80nm,10MHz, sstr:80nm,10um"),
        (["--seen", "tdtr", "--statistics", "classical"], "--seen tdtr has quantum statistics"),
        (["--conductivities", "10"], "expected two in W/mK"),
        (["--conductivities", "10,-148"], "-148 W/mK, wanted a finite number above 0"),
    ],
)
def test_what_is_wrong_is_one_line(words: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "Al", "Si", *words]) == 2
    err = [one for one in capsys.readouterr().err.splitlines() if not one.startswith("note:")]
    assert len(err) == 1
    assert line in err[0]


def test_a_structure_file_is_refused_before_its_forces(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "missing.cif", "Si", "--seen", "tdtr"]) == 2
    assert "no structure files" in capsys.readouterr().err
