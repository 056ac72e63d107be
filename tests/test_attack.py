"""The tools that attack the package: their cases are the same everywhere, and a few of them run with every change."""

import importlib.util
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

TOOLS = Path(__file__).parents[1] / "tools"


def tool(path: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A tool as a module."""
    place = TOOLS / path
    monkeypatch.setattr(sys, "path", [str(place.parent), *sys.path])
    spec = importlib.util.spec_from_file_location(f"attack_{place.parent.name}", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def test_damage_is_the_same_for_the_same_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = tool("fuzz/damage.py", monkeypatch).damaged
    good = b'a = 1.5\nb = "Si"\n[c]\nd = [1, 2]\n'
    for binary in (False, True):
        one, same = ([damaged(good, Random(f"x {i}"), binary=binary) for i in range(200)] for _ in range(2))
        assert one == same
        assert len(set(one)) > 100, "most cases differ"
        assert sum(case == good for case in one) < 20, "and damage something"


def test_a_few_cases_of_cheap_parsers_are_read_or_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    run = tool("fuzz/run.py", monkeypatch)
    assert len(run.TABLE) >= 50
    for name in ("materials", "profile verb", "sample", "store unit resealed"):
        parser, good = run.TABLE[name], tmp_path / name
        good.mkdir()
        parser.make(good)
        files = run.damageable(parser, good)
        for number in range(12):
            path, content = run.case(parser, name, number, files)
            kind, detail, _ = run.outcome(parser, good, path, content)
            assert kind in ("read", "refused"), f"{name}, case {number}: {kind}: {detail}"


def test_no_flipped_bit_of_a_unit_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("h5py")
    run = tool("fuzz/flips.py", monkeypatch)
    assert run.flip("unit", 50) == {"refused": 50}
    assert {"json", "npz", "hdf5"} < set(run.FORMATS)


def test_faults_are_planted_where_the_kernels_and_their_tests_are(monkeypatch: pytest.MonkeyPatch) -> None:
    run = tool("mutation/run.py", monkeypatch)
    assert len(run.KERNELS) >= 20
    for source, tests in run.KERNELS.values():
        text = (run.ROOT / "src" / "kapitza" / source).read_text(encoding="utf-8")
        assert len(list(run.edits(run.ast.parse(text)))) >= 10, source
        assert all((run.ROOT / "tests" / one).exists() for one in tests), source
