"""Machine code of compiled functions: not there, then there, in memory and on the disk."""

import importlib.util
import os
from pathlib import Path

import pytest

from kapitza.core.compilation.machine_code import has_machine_code

SOURCE = "import numba\n\n\n@numba.njit(cache=True)\ndef double(x):\n    return 2 * x\n"


def test_machine_code_is_found_in_memory_and_on_the_disk(tmp_path: Path) -> None:
    pytest.importorskip("numba", reason="needs kapitza[md]")

    def load():
        spec = importlib.util.spec_from_file_location("doubling", tmp_path / "doubling.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.double

    (tmp_path / "doubling.py").write_text(SOURCE)
    first = load()
    assert not has_machine_code(first)
    assert first(2.0) == 4.0
    assert has_machine_code(first)
    again = load()
    assert not again.signatures
    assert has_machine_code(again)  # from the disk
    later = (tmp_path / "doubling.py").stat().st_mtime + 1e4
    os.utime(tmp_path / "doubling.py", (later, later))
    assert not has_machine_code(load())  # the source is newer
