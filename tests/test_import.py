"""Public names: complete, typed, and loaded on first use only."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import kapitza

HEAVY = ("numpy", "scipy", "attrs", "matplotlib", "typer", "rich", "pydantic", "h5py")


def loaded_after(code: str) -> set[str]:
    """Heavy packages that a fresh interpreter holds after running some code."""
    script = f"import sys\n{code}\nprint(*(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_the_import_loads_nothing_heavy() -> None:
    assert loaded_after("import kapitza") == set()
    assert loaded_after("import kapitza; dir(kapitza); kapitza.__version__; kapitza.units.nm") == set()


def test_help_loads_no_numbers() -> None:
    code = "from kapitza.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass"
    assert loaded_after(code) <= {"typer", "rich"}


def test_a_model_loads_no_figures() -> None:
    assert "matplotlib" not in loaded_after("import kapitza; kapitza.dmm(kapitza.solid('Al'), kapitza.solid('Si'))")


@pytest.mark.parametrize("name", kapitza.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(kapitza, name)
    assert name in dir(kapitza)
    if callable(value):
        assert (value.__doc__ or "").strip()


def test_the_stub_names_what_the_table_names() -> None:
    stub = Path(kapitza.__file__).with_suffix(".pyi")
    tree = ast.parse(stub.read_text(encoding="utf-8"))
    homes = {
        alias.asname: node.module for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    rooms = {name for name, module in homes.items() if module == "kapitza"}
    assert rooms == set(kapitza._ROOMS)
    assert {name: home for name, home in homes.items() if name not in rooms} == dict(kapitza._HOMES)


def test_names_of_the_contract() -> None:
    wanted = (
        "solid elastic fluid Solid Elastic Fluid Bands Sheet Dispersion material materials amm dmm Transmission "
        "Conductance Profile Stack Layer Boundary predict measured compare plot save load units KapitzaError"
    )
    assert set(wanted.split()) <= set(kapitza.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'frobnicate'"):
        _ = kapitza.frobnicate  # pyright: ignore[reportAttributeAccessIssue]


def test_star_import() -> None:
    space: dict[str, object] = {}
    exec("from kapitza import *", space)  # noqa: S102
    assert set(kapitza.__all__) <= set(space)
