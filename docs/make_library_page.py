"""Write the page "Materials of the library": its counts and lists come from this script.

Usage: python docs/make_library_page.py
"""

# ruff: noqa: E501  (the text of a page)

import re
import tomllib
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from kapitza.matter.library import material, materials

PAGE = Path(__file__).resolve().parent / "reference" / "materials-library.md"
TEXT = """\
# Materials of the library

<!-- made by docs/make_library_page.py -->

`kapitza.materials()` names {default} materials with {numbers} numbers; `kapitza.material(name).numbers()` gives those of one with value, source and note, and `kapitza.matter.source(key)` says
what was read.  No model takes a number from the library that nobody has verified.

## When a number is verified

* **Read**: somebody who worked on the library saw it in the source, or in a text that quotes the source; then the note of the number or of the source names that text.
* **Remembered and compared**: the number was not read, but agrees with one that was.  Its note says with which.  Elastic constants stay where Debye's mean speed, or the Debye temperature
  of their waves, is within 5 % of the other; heat capacities within 4 %, conductivities within 10 %.  Tests make these comparisons.
* Anything else is `verified = false` in the file of its family and left out: there are {unverified} such numbers.

| family | materials | numbers | remembered and compared | left out |
|---|---:|---:|---:|---:|
{families}

## Left out

A material without verified density or speeds is in no list, and `predict` refuses it and says what is missing.  Give the numbers in a
[material file of your own](../how-to/own-material.md), or take those of the library with `kapitza.material(name, unverified=True)` in Python: the models accept that
record, and the notes of their results name the numbers.

| material | what is left out |
|---|---|
{missing}
"""


def row(cells: Iterable[object]) -> str:
    """One row of a table."""
    return "| " + " | ".join(map(str, cells)) + " |"


def families() -> dict[str, list[str]]:
    """Materials by the title of their file."""
    folder = files("kapitza.matter") / "data" / "materials"
    texts = [
        one.read_text("utf-8")
        for one in sorted(folder.iterdir(), key=lambda one: one.name)
        if one.name.endswith(".toml")
    ]
    return {text.splitlines()[0].lstrip("# "): list(tomllib.loads(text)["materials"]) for text in texts}


def missing(name: str) -> list[str]:
    """Numbers of a material that are left out, in words."""
    known = [key for key, one in material(name, unverified=True).numbers().items() if not one.verified]
    return [re.sub(r"^C\d\d$", "elastic constants", key) for key in known if key != "atoms"]


def family(title: str, names: list[str]) -> str:
    """One row of the table of families."""
    kept = [name for name in names if name in materials()]
    numbers = [one for name in kept for one in material(name).numbers().values()]
    remembered = sum("remembered" in one.note for one in numbers)
    return row((title, len(kept), len(numbers), remembered, sum(map(count_unverified, names))))


def count_unverified(name: str) -> int:
    """How many numbers of a material are left out."""
    return sum(not one.verified for one in material(name, unverified=True).numbers().values())


def page() -> str:
    """Text of the page."""
    everything = materials(unverified=True)
    gone = {name: dict.fromkeys(missing(name)) for name in everything}
    hidden = set(everything) - set(materials())
    return TEXT.format(
        default=len(materials()),
        numbers=sum(len(material(name).numbers()) for name in materials()),
        unverified=sum(map(count_unverified, everything)),
        families="\n".join(family(title, names) for title, names in families().items()),
        missing="\n".join(
            row((name, ("**all**: " if name in hidden else "") + ", ".join(gone[name])))
            for name in everything
            if gone[name]
        ),
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
