"""The tables of renamed names lead to names that exist, and the pages "From 0.1" and "From 0.2" are up to date."""

import importlib
import inspect
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType

import attrs
import make_renamed_page
import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
VERSIONS = ("0.2", "0.3")


@cache
def module_of(name: str) -> ModuleType | None:
    """The module of a name, if there is one."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return None


def exists(name: str) -> bool:
    """Whether a dotted name is a module, or something in one, down to attributes of records and arguments.

    A room may have a function with the name of one of its modules, so that every way to split the name counts.
    """
    parts = name.split(".")
    splits = ((module_of(".".join(parts[:i])), parts[i:]) for i in range(len(parts), 0, -1))
    return any(module is not None and has_members(module, names) for module, names in splits)


def has_members(owner: object, names: list[str]) -> bool:
    """Whether a module has something of the first name, and that a member of the second."""
    if not names:
        return True
    if not hasattr(owner, names[0]):
        return False
    found = getattr(owner, names[0])
    return len(names) == 1 or (not inspect.ismodule(found) and is_member(found, names[1]))


def exists_or_is_private(name: str) -> bool:
    """Whether a name exists, perhaps with an underscore since."""
    owner, _, last = name.rpartition(".")
    return exists(name) or exists(f"{owner}._{last}")


def is_member(owner: object, name: str) -> bool:
    """Whether a class has an attribute, or a function an argument, of a name."""
    if inspect.isclass(owner):
        fields = attrs.fields(owner) if attrs.has(owner) else ()
        return hasattr(owner, name) or name in {attribute.name for attribute in fields}
    return callable(owner) and name in inspect.signature(owner).parameters


def final_names(version: str, section: str) -> set[str]:
    """Names of the current version that a section of the table of a version leads to."""
    renamed: Mapping[str, str] = make_renamed_page.read_table(version)[section]
    changes = make_renamed_page.final_changes(version)
    new = {make_renamed_page.final_name(name, changes) for name in renamed.values()}
    return {name for name in new if not name.startswith("(")}  # a remark


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("section", "exists"), [("names", exists), ("modules", exists), ("inside", exists_or_is_private)]
)
def test_every_new_name_exists(version, section, exists):
    new = final_names(version, section)
    assert version != "0.2" or len(new) > 200
    assert sorted(name for name in new if not exists(name)) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_every_name_that_was_changed_by_hand_exists(version):
    dotted = {name for name in final_names(version, "by-hand") if re.fullmatch(r"kapitza(\.\w+)+", name)}
    assert sorted(name for name in dotted if not exists(name)) == []


def test_a_name_that_does_not_exist_is_found_out():
    assert exists("kapitza.md.Thermostats.hot")
    assert exists("kapitza.md.run.system")
    assert not exists("kapitza.md.Baths")
    assert not exists("kapitza.md.Thermostats.warm")
    assert not exists("kapitza.mds")


def test_a_later_change_holds_for_what_is_in_the_changed():
    changes = {"kapitza.a": "kapitza.b", "kapitza.b.C": "kapitza.b.D"}
    assert make_renamed_page.final_name("kapitza.a.C.x", changes) == "kapitza.b.D.x"
    assert make_renamed_page.final_name("kapitza.ab", changes) == "kapitza.ab"


@pytest.mark.parametrize("version", ["0.1", "0.2"])
def test_the_page_is_what_the_script_makes(version):
    """After a change of a table: python docs/make_renamed_page.py."""
    assert (DOCS / "how-to" / f"from-{version}.md").read_text(encoding="utf-8") == make_renamed_page.page(version)
