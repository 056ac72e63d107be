"""Machine code of compiled functions: not there, then there, in memory and on the disk."""

import gc
import importlib.util
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from kapitza.core.machine_code import call_kernel, has_machine_code

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
    compiled, usual = SimpleNamespace(signatures=[]), gc.isenabled()

    def collected(value: float) -> tuple[float, bool]:
        return 1 / value, gc.isenabled()

    try:
        (gc.enable if enabled else gc.disable)()
        assert call_kernel(compiled, collected, 2) == (0.5, False)
        assert gc.isenabled() == enabled
        with pytest.raises(ZeroDivisionError):
            call_kernel(compiled, collected, 0)
        assert gc.isenabled() == enabled
        compiled.signatures.append("(int64,)")
        assert call_kernel(compiled, collected, 2) == (0.5, enabled)
    finally:
        (gc.enable if usual else gc.disable)()


def test_the_first_call_has_a_stack_in_one_piece() -> None:
    def outer_frame() -> int:
        frame = sys._getframe(1)
        return frame.f_code.co_stacksize

    assert call_kernel(SimpleNamespace(signatures=[]), outer_frame) * 8 > 2**20
    assert call_kernel(SimpleNamespace(signatures=["()"]), outer_frame) < 100
