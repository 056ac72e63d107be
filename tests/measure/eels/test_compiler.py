"""Functions that only compiled ones call have no machine code of their own, and give the same numbers."""

import importlib
import sys
from typing import Any

import pytest

from kapitza.core.machine_code import inner_options

pytest.importorskip("numba", reason="the fit of spectra needs numba")
compiler: Any = importlib.import_module("kapitza.measure.eels.fitting.compiler")
codegen: Any = importlib.import_module("numba.core.codegen")


def test_machine_code_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    usual = codegen.JITCodeLibrary._finalize_specific

    def count(library: Any) -> None:
        made.append(library.name)
        usual(library)

    monkeypatch.setattr(codegen.JITCodeLibrary, "_finalize_specific", count)

    @compiler.jit
    def square(x: float) -> float:
        return x * x

    @compiler.jit
    def fourth(x: float) -> float:
        return square(square(x))

    @compiler.jit_open
    def both(x: float) -> float:
        return fourth(x) + square(x)

    assert both(3.0) == 90.0
    assert both(2) == 20  # for another type each is compiled again
    ours = [name for name in made if "test_machine_code_is_made_once" in name]  # numba has a library of its own
    assert [name.rsplit(".", 1)[-1] for name in ours] == ["both", "both"]


def test_numba_without_the_parts_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kapitza.core.inner_compiler", None)
    assert "pipeline_class" not in inner_options()

    @compiler.jit
    def square(x: float) -> float:
        return x * x

    @compiler.jit_open
    def fourth(x: float) -> float:
        return square(square(x))

    assert fourth(3.0) == 81.0
