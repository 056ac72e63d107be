"""500 damaged files, and many more marked slow: each is read right or refused with one line.

None ends in a crash, a hang or a full memory.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dm_files import Axis, written
from numpy.typing import NDArray

PROGRAM = Path(__file__).with_name("mutations.py")
FILES = {
    "vib_line_nion.ndata": 75,
    "vib_line_nion.h5": 30,
    "vib_line.hspy": 30,
    "vib_point.msa": 295,
    "vib_line.nxs": 15,
    "spectrum.dm3": 25,
    "tiny.dm4": 20,
    "energy-first.dm4": 20,
}
ROSETTA = (".nxs", ".dm3", ".dm4")
SLOWEST = 2.0  # s, of one file
MEMORY = 400.0  # MiB, of a process with all it loads


@pytest.fixture
def sound(name: str, data: Callable[[str], Path], tmp_path: Path) -> Path:
    """The file before it is damaged; those of DigitalMicrograph are written here."""
    path = tmp_path / name
    channel = np.arange(2048)
    made: dict[str, tuple[NDArray[Any], list[Axis]]] = {
        "spectrum.dm3": ((1e5 * np.exp(-(((channel - 180) / 8) ** 2)) + 5).astype("<f4"), [(180.0, 0.02, "eV")]),
        "tiny.dm4": (np.arange(3, dtype="<f4"), [(-0.5, 2.0, "eV")]),
        "energy-first.dm4": (np.arange(60, dtype="<f4").reshape(5, 3, 4), [(-0.5, 2.4, "eV"), *[(0.0, 2.0, "nm")] * 2]),
    }
    return written(path, *made[name]) if name in made else data(f"eels/{name}")


def test_there_are_five_hundred() -> None:
    assert sum(FILES.values()) >= 500


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_damaged_files(name: str, sound: Path) -> None:
    pytest.importorskip("resource")
    pytest.importorskip("h5py")
    if Path(name).suffix in ROSETTA:
        pytest.importorskip("rsciio")
    run_mutations(sound, 0, FILES[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_many_more_damaged_files(name: str, sound: Path) -> None:
    run_mutations(sound, 10_000, 15_000)


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
    assert found["stopped"] <= 0.001 * (last - first)  # by the limit of the child: HDF5 itself may go on without end
    assert found["slowest"] < SLOWEST
    assert found["memory"] < MEMORY
