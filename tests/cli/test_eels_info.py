"""The verb `eels info`: what is in a file, for people and for programs."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kapitza.cli import main
from kapitza.units import meV, nm
from printed_json import printed

pytest.importorskip("h5py")

Data = Callable[[str], Path]


def test_a_scan_as_a_table(data: Data, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eels", "info", str(data("eels/vib_line.hspy"))]) == 0
    out, err = capsys.readouterr()
    for part in (
        "axis points from to step unit",
        "x 32 -15.5 15.5 1 nm",
        "energy 1024 -256 255.5 0.5 meV",
        "6.008e+07",
        "8.009 meV",
    ):
        assert part in " ".join(out.split())
    assert err == ""


def test_a_scan_for_programs(data: Data, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eels", "info", str(data("eels/vib_line_nion.ndata")), "--json"]) == 0
    found = printed(capsys.readouterr().out)
    truth = json.loads(data("eels/truth.json").read_text())
    np.testing.assert_allclose(found["zero_loss_fwhm"]["value"] / meV, truth["zlp"]["fwhm_meV"], rtol=3e-3, atol=0)
    np.testing.assert_allclose(found["electrons_per_pixel"]["value"], truth["dose_e"], rtol=3e-3, atol=0)
    np.testing.assert_allclose(found["gain"]["value"] / meV, 256, rtol=1e-4, atol=0)
    image = found["image"]["fields"]
    np.testing.assert_allclose(image["position"][1][0] / nm, -15.5, rtol=1e-12, atol=0)
    assert [len(image["energy"]), image["exposure"], found["quality"]["fields"]["warnings"]] == [1024, 1.0, []]
    assert image["counts"]["shape"][-1] == 1024


def test_warnings_are_notes(data: Data, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eels", "info", str(data("eels/vib_line.hspy")), "--energy-unit", "eV"]) == 0
    assert "note" not in capsys.readouterr().err
    assert main(["eels", "info", str(data("eels/vib_line.hspy")), "--energy-unit", "keV"]) == 0
    assert "note: the zero-loss peak is 8009 meV wide" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["vib_line.hspy", "--title", "other"], "has 0 signals of the title 'other'; it has 'synthetic"),
        (["vib_line.hspy", "--energy-unit", "furlong"], "unknown unit of energy 'furlong': expected one of eV"),
        (["../README.md"], "is in no known format"),
        (["nothing.hspy"], "no such file"),
    ],
)
def test_faults_are_one_line(arguments: list[str], words: str, data: Data, capsys: pytest.CaptureFixture[str]) -> None:
    if arguments[0] == "../README.md":
        pytest.importorskip("rsciio")
    path = data("eels") / arguments[0]
    assert main(["eels", "info", str(path), *arguments[1:]]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert err.count("\n") == 1


def test_the_verbs_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eels", "--help"]) == 0
    assert "info" in capsys.readouterr().out
