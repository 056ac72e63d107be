"""Every public name has an example that runs: in its docstring, or in a block of the documentation."""

import ast
import doctest
import inspect
from collections import Counter, defaultdict
from importlib import import_module
from typing import Any

import doors
import pytest
from test_blocks import PAGES, blocks

from kapitza.core.records import BaseRecord

MAX_REPR = 2000  # characters that a session shows of a record
PUBLIC = {(name, home) for room in doors.DOORS for name, home in doors.public_names(room)}


def public_object(name: str, home: str) -> Any:
    """What a public name is."""
    return getattr(import_module(home), name)


def has_own_example(name: str, home: str) -> bool:
    """Whether the docstring of a name has an example."""
    one = public_object(name, home)
    return (isinstance(one, type) or inspect.isroutine(one)) and ">>>" in (inspect.getdoc(one) or "")


WITH_EXAMPLE = sorted(one for one in PUBLIC if has_own_example(*one))


def test_every_public_name_is_at_one_door() -> None:
    """One name stands for one thing, except figures, which have the name of what they draw."""
    places: dict[str, set[str]] = defaultdict(set)
    for door in doors.DOORS:
        for name, home in doors.public_names(door):
            places[f"{home}.{name}"].add(door)
    assert {name: several for name, several in places.items() if len(several) > 1} == {}
    drawn = {name for door in doors.DOORS if door.startswith("kapitza.plot") for name, _ in doors.public_names(door)}
    things = Counter(name.rpartition(".")[2] for name in places if not name.startswith("kapitza.plot."))
    assert {name for name, count in things.items() if count > 1} == set()
    assert drawn


def test_every_public_name_is_on_a_page_of_the_reference() -> None:
    homes = {home for door in doors.DOORS for _, home in doors.public_names(door)}
    assert homes <= set(doors.public_modules())


def test_every_public_name_has_an_example() -> None:
    shown = doors.shown_on_pages()
    assert {
        f"{home}:{name}" for name, home in PUBLIC if name not in shown and (name, home) not in WITH_EXAMPLE
    } == set()


@pytest.mark.parametrize(("name", "home"), WITH_EXAMPLE)
def test_the_example_of_a_docstring_prints_what_it_shows(name: str, home: str, monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    finder = doctest.DocTestFinder(recurse=False)
    said: list[str] = []
    for test in finder.find(public_object(name, home), name, globs={}):
        runner.run(test, out=said.append, clear_globs=False)
        records = [one for one in test.globs.values() if isinstance(one, BaseRecord)]
        assert all(len(repr(one)) <= MAX_REPR for one in records), [type(one).__name__ for one in records]
    assert runner.summarize(verbose=False).failed == 0, "".join(said)


def test_pages_import_from_doors() -> None:
    inside = {
        f"{page.name}: from {node.module}"
        for page in PAGES
        for block in blocks(page.read_text(encoding="utf-8"))
        if block.language == "python"
        for node in ast.walk(ast.parse(block.code))
        if isinstance(node, ast.ImportFrom)
        and str(node.module).startswith("kapitza")
        and node.module not in doors.DOORS
    }
    assert inside == set()
