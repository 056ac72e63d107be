"""What --json prints is what --save writes: `kapitza.load` takes both."""

from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

import kapitza
from kapitza.cli import main
from kapitza.cli.output import print_record
from kapitza.core.transmission import Transmission
from kapitza.errors import DataError

SAMPLES = Path(__file__).resolve().parents[2] / "docs" / "samples"
VERBS = {
    "predict": "predict Al Si -T 77,300 --theory dmm,amm",
    "compare": "compare Al Si",
    "superlattice": "superlattice Si Ge --period 5,50nm",
    "composite": "composite diamond Cu --radius 1:9:2um",
    "phonons": "phonons GaN",
    "phonon cards": "phonons",
    "leg": f"leg {SAMPLES}/leg.toml",
    "memory": f"memory {SAMPLES}/cell.toml",
    "exchanger": f"exchanger {SAMPLES}/exchanger.toml",
    "cryo": f"cryo {SAMPLES}/cryo-chip.toml",
    "transport": f"transport {SAMPLES}/si-ge-film.toml",
    "sweep": f"device {SAMPLES}/chip-gan-sic.toml --sweep GaN|SiC.conductance=50:150:100MW/m2K",
    "junction": "junction build Ar Ar --potential lj --no-relax",
}


def same(one: Any, other: Any) -> None:
    """Two results are equal in type and, number by number, in every bit."""
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        same(tuple(one.values()), tuple(other.values()))
    elif isinstance(one, tuple):
        assert len(one) == len(other)
        for first, second in zip(one, other, strict=True):
            same(first, second)
    elif attrs.has(type(one)):
        same(*(tuple(getattr(record, a.name) for a in attrs.fields(type(one)) if a.init) for record in (one, other)))
    else:
        assert one == other or (one != one and other != other)


@pytest.mark.parametrize("words", VERBS.values(), ids=VERBS)
def test_the_output_loads_as_the_saved_file(
    words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*words.split(), "--json", "--save", "saved.json"]) == 0
    Path("printed.json").write_text(capsys.readouterr().out, encoding="utf-8")
    same(kapitza.load("printed.json"), kapitza.load("saved.json"))


def test_an_output_without_its_large_arrays_is_refused_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "printed.json"
    for count in (10_000, 10_001):
        print_record(Transmission(np.arange(count) + 1.0, np.ones(count), method="flat"))
        path.write_text(capsys.readouterr().out, encoding="utf-8")
        if count == 10_000:
            assert kapitza.load(path).omega.size == count
    with pytest.raises(DataError, match="is the output of --json without its large arrays: --save FILE keeps them"):
        kapitza.load(path)
