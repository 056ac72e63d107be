"""Numbers of public records carry their unit and meaning, and the generated reference shows both."""

import importlib.util
import re
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

import attrs
import pytest

griffe = pytest.importorskip("griffe")

DOCS = Path(__file__).resolve().parents[2] / "docs"
ROOMS = [
    "applications",
    "boltzmann",
    "core",
    "device",
    "eels",
    "io",
    "lattice",
    "matter",
    "md",
    "measure",
    "theory",
    "thermometry",
    "thermoreflectance",
]
NUMBERS = re.compile(r"\b(float|int|complex|ndarray)\b")


@cache
def docstrings() -> ModuleType:
    """The script that makes the pages of the reference."""
    spec = importlib.util.spec_from_file_location("docstrings", DOCS / "docstrings.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shown_numbers(kind: type) -> str:
    """What the reference says of the numbers of a record."""
    path = Path(str(sys.modules[kind.__module__].__file__))
    module = griffe.visit(kind.__module__, path, path.read_text(encoding="utf-8"))
    return docstrings().numbers_of(module.members[kind.__name__])


@pytest.mark.parametrize(
    "room", ["applications", "core", "device", "md", "measure", "thermometry", "thermoreflectance"]
)
def test_numbers_of_public_records_have_unit_and_meaning(room: str) -> None:
    place = import_module(f"kapitza.{room}")
    public = [getattr(place, name) for name in place.__all__]
    records = [one for one in public if isinstance(one, type) and attrs.has(one)]
    assert len(records) > 4
    bare, hidden = [], []
    for record in records:
        shown = shown_numbers(record)
        for one in attrs.fields(record):
            if one.inherited or not NUMBERS.search(str(one.type)):
                continue
            if not {"unit", "meaning"} <= set(one.metadata):
                bare.append(f"{record.__name__}.{one.name}")
            elif f"- `{one.name}` ({one.metadata['unit']}): {one.metadata['meaning']}" not in shown:
                hidden.append(f"{record.__name__}.{one.name}")
    assert (bare, hidden) == ([], [])
