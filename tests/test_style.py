"""The shape of the code, measured on its syntax trees: small functions, small modules, nothing hidden."""

import ast
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from syntax_trees import SOURCE, nodes, parse_package

FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def trees() -> dict[str, ast.Module]:
    """Syntax trees of all modules by their path in the package."""
    return {str(path): tree for path, tree in parse_package().items()}


PASSES_THROUGH = "convert_and_set"  # the `__init__` of every record, which passes its arguments on


@cache
def functions() -> list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """All functions and methods with the place they stand."""
    return [
        (f"{name}:{node.lineno} {node.name}", node)
        for name, tree in trees().items()
        for node in nodes(tree)
        if isinstance(node, FUNCTION)
    ]


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring."""
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def public(node: ast.AST) -> bool:
    """Whether a function or class is offered to others; overloads have the docstring of what they overload."""
    if not isinstance(node, (*FUNCTION, ast.ClassDef)) or node.name.startswith("_"):
        return False
    return not any(isinstance(one, ast.Name) and one.id == "overload" for one in node.decorator_list)


def test_functions_are_short():
    lengths = {place: length(node) for place, node in functions()}
    assert np.percentile(list(lengths.values()), 95) <= 35
    assert {place: n for place, n in lengths.items() if n > 80} == {}


def test_functions_have_few_parameters():
    """Except commands, whose parameters are their options."""
    counts = {
        place: sum(
            one.arg not in {"self", "cls"} for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        )
        for place, node in functions()
        if not place.startswith("cli")
    }
    assert {place: n for place, n in counts.items() if n > 8} == {}


def test_modules_and_classes_are_small():
    lines = {name: (SOURCE / name).read_text(encoding="utf-8").count("\n") for name in trees()}
    assert {name: n for name, n in lines.items() if n > 600} == {}
    methods = {
        f"{name} {node.name}": sum(isinstance(member, FUNCTION) for member in node.body)
        for name, tree in trees().items()
        for node in nodes(tree)
        if isinstance(node, ast.ClassDef)
    }
    assert {place: n for place, n in methods.items() if n > 12} == {}


def test_what_is_public_is_documented_and_typed():
    bare = [
        f"{name}:{node.lineno} {node.name}"
        for name, tree in trees().items()
        for node in nodes(tree)
        if public(node) and ast.get_docstring(node) is None and not nested(tree, node)
    ]
    assert bare == []
    untyped = [
        place
        for place, node in functions()
        if public(node)
        and (
            node.returns is None
            or any(
                a.annotation is None for a in [*node.args.args, *node.args.kwonlyargs] if a.arg not in ("self", "cls")
            )
        )
    ]
    assert untyped == []


def nested(tree: ast.Module, node: ast.AST) -> bool:
    """Whether a definition stands inside of a function."""
    return any(node in ast.walk(outer) and node is not outer for outer in nodes(tree) if isinstance(outer, FUNCTION))


def test_nothing_is_hidden():
    found = []
    for name, tree in trees().items():
        for node in nodes(tree):
            if isinstance(node, (ast.Global, ast.Nonlocal)):
                found.append(f"{name}:{node.lineno} global")
            if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
                found.append(f"{name}:{node.lineno} star import")
            if isinstance(node, ast.ExceptHandler) and node.type is None:
                found.append(f"{name}:{node.lineno} bare except")
    found += [
        f"{place} **{node.args.kwarg.arg}"
        for place, node in functions()
        if node.args.kwarg and node.name != PASSES_THROUGH
    ]
    found += [
        f"{place} is a verb of data access" for place, node in functions() if re.match("(get|set)_(?!aside)", node.name)
    ]
    found += [
        f"{place} imports its own package"
        for place, node in functions()
        for inner in ast.walk(node)
        if isinstance(inner, ast.ImportFrom) and (inner.module or "").startswith("kapitza")
    ]
    assert found == []


@pytest.mark.parametrize("word", ["np.isclose", "np.allclose", "pytest.approx"])
def test_default_absolute_tolerances_are_not_used(word):
    """They are larger than a Kapitza resistance."""
    tests = Path(__file__).resolve().parent
    files = [*SOURCE.rglob("*.py"), *(path for path in tests.rglob("*.py") if path.name != "test_style.py")]
    assert [str(path) for path in files if f"{word}(" in path.read_text(encoding="utf-8")] == []


def test_messages_carry_a_value():
    raises = [
        node.exc
        for tree in trees().values()
        for node in nodes(tree)
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args
    ]
    carrying = [
        call
        for call in raises
        if any(isinstance(part, (ast.FormattedValue, ast.Name)) for part in ast.walk(call.args[0]))
    ]
    assert len(carrying) >= 0.8 * len(raises)
