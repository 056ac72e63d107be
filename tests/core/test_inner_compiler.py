"""Functions that only compiled ones call have no machine code of their own, and give the same numbers."""

import importlib
import subprocess
import sys
from typing import Any

import pytest

numba: Any = pytest.importorskip("numba", reason="needs kapitza[md]")
codegen: Any = importlib.import_module("numba.core.codegen")
inner_options: Any = importlib.import_module("kapitza.core.compilation.inner_compiler").inner_options
pipeline: Any = importlib.import_module("kapitza.core.compilation.inner_pipeline")

# the same functions where the pipeline cannot be imported
WITHOUT = """
import sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "kapitza.core.compilation.inner_pipeline":
            raise {error}

sys.meta_path.insert(0, Finder())
import numba
from kapitza.core.compilation.inner_compiler import inner_options

assert inner_options() == {{"no_cpython_wrapper": True, "no_cfunc_wrapper": True}}
square = numba.njit(lambda x: x * x, **inner_options())
fourth = numba.njit(lambda x: square(square(x)), **inner_options())
print(numba.njit(lambda x: fourth(x))(3.0))
"""


def fourth_power(x: float) -> tuple[float, list[str]]:
    """Return the sum of the fourth power and the square, and the libraries of machine code that were made for it."""
    square = numba.njit(lambda x: x * x, **inner_options())
    fourth = numba.njit(lambda x: square(square(x)), **inner_options())
    outer = numba.njit(lambda x: fourth(x) + square(x))
    made: list[str] = []
    finalize = codegen.JITCodeLibrary._finalize_specific

    def count(library: Any) -> None:
        made.append(library.name)
        finalize(library)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codegen.JITCodeLibrary, "_finalize_specific", count)
        value = outer(x)
    return value, [name for name in made if "fourth_power" in name]  # numba has libraries of its own


@pytest.fixture
def trial_again():
    pipeline._trial_succeeds.cache_clear()
    yield
    pipeline._trial_succeeds.cache_clear()


def test_machine_code_is_made_once() -> None:
    value, made = fourth_power(3.0)
    assert value == 90.0
    assert len(made) == 1
    value, made = fourth_power(2)  # for another type each is compiled again
    assert value == 20
    assert len(made) == 1


@pytest.mark.parametrize("error", ["ImportError('no such part')", "AttributeError('renamed')", "SystemError('broken')"])
def test_numba_without_the_parts_in_use(error: str) -> None:
    script = WITHOUT.format(error=error)
    assert subprocess.check_output([sys.executable, "-c", script], text=True) == "81.0\n"


class Faulty:
    """A part of numba that fails whatever is asked of it."""

    def __init__(self, *arguments: Any) -> None:
        raise SystemError("changed")

    make_function = __init__


@pytest.mark.parametrize("part", ["_dynfunc", "_InnerLibrary"])
@pytest.mark.usefixtures("trial_again")
def test_a_step_that_fails_compiles_as_usual(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, part, Faulty)
    value, made = fourth_power(3.0)
    assert value == 90.0
    assert len(made) == 3


@pytest.mark.usefixtures("trial_again")
def test_a_trial_that_fails_compiles_as_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Any) -> Any:
        raise SystemError("changed")

    monkeypatch.setattr(pipeline._TrialCompiler, "define_pipelines", fail)
    value, made = fourth_power(3.0)
    assert value == 90.0
    assert len(made) == 3
