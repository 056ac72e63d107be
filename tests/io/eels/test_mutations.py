"""2,000 damaged files: each is read right or refused with one line, without a crash, a hang or a full memory."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("mutations.py")
FILES = {
    "vib_line_nion.ndata": 350,
    "vib_line_nion.h5": 400,
    "vib_line.hspy": 400,
    "vib_point.msa": 300,
    "vib_line.nxs": 250,
    "real_Al_lowloss_20meV.dm3": 150,
    "ref_F_0_1.dm4": 100,
    "ref_F_2_1.dm4": 100,
}
ROSETTA = (".nxs", ".dm3", ".dm4")
SLOWEST = 2.0  # s, of one file
MEMORY = 400.0  # MiB, of a process with all it loads


def test_there_are_two_thousand() -> None:
    assert sum(FILES.values()) >= 2000


@pytest.mark.parametrize("name", FILES)
def test_damaged_files(name: str, reference: Callable[[str], Path]) -> None:
    pytest.importorskip("resource")
    pytest.importorskip("h5py")
    if Path(name).suffix in ROSETTA:
        pytest.importorskip("rsciio")
    run_mutations(reference(f"eels/{name}"), 0, FILES[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_many_more_damaged_files(name: str, reference: Callable[[str], Path]) -> None:
    run_mutations(reference(f"eels/{name}"), 10_000, 15_000)


def run_mutations(path: Path, first: int, last: int) -> None:
    command = [sys.executable, os.fspath(PROGRAM), os.fspath(path), str(first), str(last)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["odd"] == []
    assert found["wrong"] == []
    assert found["read"] + found["refused"] == last - first
    assert found["refused"] > 0.2 * (last - first)
    assert found["files"] > 0.9 * (last - first)  # they are not all the same
    assert found["slowest"] < SLOWEST
    assert found["memory"] < MEMORY
