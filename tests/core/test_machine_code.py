"""Machine code of compiled functions: not there, then there, in memory and on the disk."""

import gc
import importlib.util
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from kapitza.core.machine_code import has_machine_code, paused_collection

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


@pytest.mark.parametrize("enabled", [True, False])
def test_collection_pauses_for_the_first_call_alone(enabled: bool) -> None:
    usual = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        with paused_collection(SimpleNamespace(signatures=[])):
            assert not gc.isenabled()
        assert gc.isenabled() == enabled
        with paused_collection(SimpleNamespace(signatures=["(float64,)"])):
            assert gc.isenabled() == enabled
    finally:
        (gc.enable if usual else gc.disable)()
