"""Numbers of public records carry their unit and meaning, and the generated reference shows both."""

import re
import sys
from importlib import import_module
from pathlib import Path

import attrs
import docstrings
import doors
import griffe
import pytest

ROOMS = [door.removeprefix("kapitza.") for door in doors.ROOMS if door != "kapitza"]
NUMBERS = re.compile(r"\b(float|int|complex|ndarray)\b")


def shown_numbers(kind: type) -> str:
    """What the reference says of the numbers of a record."""
    path = Path(str(sys.modules[kind.__module__].__file__))
    module = griffe.visit(kind.__module__, path, path.read_text(encoding="utf-8"))
    return docstrings.numbers_of(module.members[kind.__name__])


@pytest.mark.parametrize("room", ROOMS)
def test_numbers_of_public_records_have_unit_and_meaning(room: str) -> None:
    place = import_module(f"kapitza.{room}")
    public = [getattr(place, name) for name in place.__all__]
    records = [one for one in public if isinstance(one, type) and attrs.has(one)]
    records = [one for one in records if one.__setattr__ is not object.__setattr__]  # observers of runs are not frozen
    bare, hidden = [], []
    for record in records:
        shown = shown_numbers(record)
        for one in attrs.fields(record):
            if one.inherited or "Callable" in str(one.type) or not NUMBERS.search(str(one.type)):
                continue
            if not {"unit", "meaning"} <= set(one.metadata):
                bare.append(f"{record.__name__}.{one.name}")
            elif f"- `{one.name}` ({one.metadata['unit']}): {one.metadata['meaning']}" not in shown:
                hidden.append(f"{record.__name__}.{one.name}")
    assert (bare, hidden) == ([], [])
