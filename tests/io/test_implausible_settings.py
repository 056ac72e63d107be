"""Numbers of experiments that nobody has: asked about, or refused before a fit looks for what is not there."""

import re
import warnings
from pathlib import Path

import numpy as np
import pytest

from kapitza.cli import main
from kapitza.errors import DataError, ValidityWarning
from kapitza.io.samples import read_sample
from printed_json import printed

FILM = """\
[[layers]]
name = "Al"
thickness = "80 nm"
conductivity = 180
heat_capacity = "2.43 MJ/m3K"
[[layers]]
name = "S"
conductivity = 140
heat_capacity = "1.64 MJ/m3K"
[boundaries]
"Al|S" = "100 MW/m2K"
[[experiments]]
"""
TDTR = """\
kind = "tdtr"
modulation = "9.8 MHz"
repetition = "80 MHz"
pump_radius = "10 um"
probe_radius = "10 um"
delayed = "pump"
"""
STRIP = 'kind = "three-omega"\nhalf_width = "5 um"\nlength = "1 mm"\nfrequencies = ["100 Hz", "10 kHz", 4]\n'
FDTR = 'kind = "fdtr"\npump_radius = "1 um"\nprobe_radius = "1 um"\nfrequencies = ["1 MHz", "100 MHz", 4]\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "sample.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(("unit", "words"), [("us", "beyond the next pulse"), ("fs", "before anything but the pulse")])
def test_delays_of_another_unit_are_refused_before_a_fit(tmp_path: Path, unit: str, words: str) -> None:
    delay = np.geomspace(100, 3600, 5)
    rows = "".join(f"{t:g},{ratio:g}\n" for t, ratio in zip(delay, np.linspace(5, 2, 5), strict=True))
    (tmp_path / "curve.csv").write_text(f"delay_{unit},ratio\n{rows}")
    path = written(tmp_path, FILM + TDTR + 'data = "curve.csv"\n[fit]\nfree = ["Al|S.conductance"]\n')
    with pytest.raises(DataError, match=words) as caught:
        read_sample(path)
    assert caught.value.line == 19
    simulated = written(tmp_path, FILM + TDTR + f'delays = ["100 {unit}", "3600 {unit}", 5]\n')
    with pytest.warns(ValidityWarning, match=words):  # nothing is searched for
        read_sample(simulated)


def test_a_strip_of_20_kilowatts_is_asked_about(tmp_path: Path) -> None:
    with pytest.warns(ValidityWarning, match="power = 20000 W looks implausible"):
        read_sample(written(tmp_path, FILM + STRIP + 'power = "20 kW"\n'))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_sample(written(tmp_path, FILM + STRIP + 'power = "20 mW"\n'))


@pytest.mark.parametrize(
    ("band", "words"),
    [
        ('velocity = "-6 km/s", mean_free_path = "100 nm"', "a velocity of -6000 m/s, expected above 0"),
        ('velocity = "6 km/s", mean_free_path = "-100 nm"', "a mean free path of -1e-07 m, expected above 0"),
    ],
)
def test_a_gray_band_has_a_velocity_and_a_path(tmp_path: Path, band: str, words: str) -> None:
    text = FILM + FDTR + f'phonons = {{ heat_capacity = "1.64 MJ/m3K", {band} }}\n'
    with pytest.raises(DataError, match=re.escape(words)):
        read_sample(written(tmp_path, text))


@pytest.mark.parametrize(
    ("fit", "words"),
    [
        (
            'uncertain = { "Al.thickness" = { value = "-80 nm", sigma = "2 nm" } }',
            "fit.uncertain.Al.thickness: value = -8e-08",
        ),
        ('free = { "Al|S.conductance" = { start = 0 } }', "fit.free.Al|S.conductance: start = 0"),
    ],
)
def test_values_below_zero_name_their_line(tmp_path: Path, fit: str, words: str) -> None:
    with pytest.raises(DataError, match=re.escape(f"{words}: expected a number above 0")) as caught:
        read_sample(written(tmp_path, FILM + FDTR + f"[fit]\n{fit}\n"))
    assert caught.value.line is not None


def test_candidates_of_a_design_are_asked_about_and_stand_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, FILM + FDTR + '[fit]\nfree = ["Al|S.conductance", "S.conductivity"]\n')
    asked = ["design", str(path), "--over", "Al.thickness=60,80nm"]
    assert main([*asked, "--over", "Al.thickness=100nm"]) == 2
    assert "--over Al.thickness is given twice" in capsys.readouterr().err
    assert main(["design", str(path), "--over", "Al.thickness=80mm"]) == 0
    assert "Al.thickness = 0.08 m looks implausible" in capsys.readouterr().err
    figure = tmp_path / "front.png"
    assert main([*asked, "--over", "fdtr.pump_radius=1,3um", "--plot", str(figure), "--json"]) == 0
    told = capsys.readouterr()
    assert "implausible" not in told.err
    assert len(printed(told.out)["designs"]) == 4
    assert figure.stat().st_size > 1e4
