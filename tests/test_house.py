"""The shape of the house: few modules a folder, few arrows between rooms, words of the field, records by name."""

import ast
import re
from collections import Counter, defaultdict
from functools import cache

import pytest

from syntax_trees import SOURCE, nodes, parse_package

# Names that only their authors understood, replaced in 0.2 by the terms of the field.
PRIVATE_WORDS = {
    "told", "turned", "varied", "joined", "summed", "heated", "converted", "left_out", "whole", "roads", "sight",
    "heaps", "survey", "octaves", "polish", "quiet", "still", "analysed", "replicated", "looks", "Looks", "Own",
    "Course", "Baths", "Field", "Fields", "SteadyState", "Cell",
}  # fmt: skip
# Standard terms elsewhere: as functions they stood for quadratures, pulses of a memory cell, and heat exchangers.
PRIVATE_FUNCTIONS = {"nodes", "points", "reset", "exchange"}

# Past participles without -ed.  A form that is the imperative too (read, run, put, set, split, cut) is none of them.
IRREGULAR_PARTICIPLES = {
    "begun", "bent", "born", "bound", "broken", "brought", "built", "caught", "chosen", "done", "drawn", "driven",
    "fallen", "fed", "felt", "forgotten", "found", "frozen", "given", "gone", "grown", "heard", "held", "hidden",
    "kept", "known", "laid", "led", "left", "lent", "lost", "made", "meant", "met", "paid", "said", "seen",
    "sent", "shown", "sold", "sought", "spent", "stood", "struck", "swept", "taken", "taught", "thought", "thrown",
    "told", "torn", "understood", "withdrawn", "worn", "wound", "woven", "written",
}  # fmt: skip
# Functions that are named by a participle all the same, each with its reason.
PARTICIPLES = {
    "measured": "a public verb of both versions: the published values, beside `predict`; also a command",
    "filled": "a validator, which is the adjective of a valid attribute, as `positive`, `finite` and `increasing` are",
}


@cache
def trees() -> dict[str, ast.Module]:
    """Syntax trees of all modules by their dotted names."""
    return {".".join(path.with_suffix("").parts).removesuffix(".__init__"): t for path, t in parse_package().items()}


def stubs() -> dict[str, ast.Module]:
    """Syntax trees of all stubs."""
    return {".".join(path.parts): tree for path, tree in parse_package(".pyi").items()}


def imports(module: str) -> set[str]:
    """Modules of the package that a module imports."""
    found: set[str] = set()
    for node in nodes(trees()[module]):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kapitza."):
            base = str(node.module).removeprefix("kapitza.")
            for alias in node.names:
                found.add(f"{base}.{alias.name}" if f"{base}.{alias.name}" in trees() else base)
    return found & set(trees())


def test_folders_are_small() -> None:
    folders = Counter(
        str(path.parent.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if path.name != "__init__.py"
    )
    assert {folder: count for folder, count in folders.items() if count > 20} == {}


@pytest.mark.parametrize("room", ["device", "simulate.md"])
def test_rooms_have_few_arrows(room: str) -> None:
    depth = room.count(".") + 1
    inside = {name: name.split(".")[depth] for name in trees() if name.startswith(f"{room}.")}
    arrows = {(inside[name], inside[other]) for name in inside for other in imports(name) if other in inside}
    arrows = {(one, other) for one, other in arrows if one != other}
    assert len(set(inside.values())) <= 20
    assert len(arrows) <= 60


def bound_names(node: ast.AST) -> list[str]:
    """Names that a node makes: of a class, function, parameter or imported name, of attributes and variables."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return [node.name]
    if isinstance(node, ast.arg):
        return [node.arg]
    if isinstance(node, ast.alias):
        return [node.asname or node.name.rsplit(".", 1)[-1]]
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        return [node.attr]
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return [node.id]
    return [node.name] if isinstance(node, ast.ClassDef) else []


def test_private_words_are_no_names() -> None:
    found = [
        f"{module}: {name}"
        for module, tree in (trees() | stubs()).items()
        for node in nodes(tree)
        for name in bound_names(node)
        if name.lstrip("_") in PRIVATE_WORDS
    ]
    found += [
        f"{module}: {node.name}"
        for module, tree in (trees() | stubs()).items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.lstrip("_") in PRIVATE_FUNCTIONS
    ]
    found += [module for module in trees() if module.rsplit(".", 1)[-1] in PRIVATE_WORDS | PRIVATE_FUNCTIONS]
    assert found == []


def is_property(node: ast.FunctionDef) -> bool:
    """Whether a function is read as an attribute, which may be the adjective of a state."""
    return any("property" in ast.unparse(one) for one in node.decorator_list)


def test_functions_are_no_bare_participles() -> None:
    """A function is named by a verb in the imperative or by a noun: `transmit`, `transmission`, not `transmitted`."""
    found = {
        node.name.lstrip("_")
        for tree in (trees() | stubs()).values()
        for node in nodes(tree)
        if isinstance(node, ast.FunctionDef) and not is_property(node)
    }
    participles = {name for name in found if re.fullmatch(r"[a-z]+[^e]ed", name) or name in IRREGULAR_PARTICIPLES}
    assert participles == set(PARTICIPLES)


def test_no_name_is_defined_in_more_than_two_modules() -> None:
    places: dict[str, set[str]] = defaultdict(set)
    for module, tree in trees().items():
        for node in tree.body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                places[node.name].add(module)
    assert {name: modules for name, modules in places.items() if len(modules) > 2} == {}


def test_constants_say_what_of() -> None:
    """One word alone is kept for what needs no second: an acronym, a quantity, a list of all."""
    common = re.compile(r"^_?(MOST|LIMIT|TOLERANCE|STEPS|SMALL|LARGE|FEW|FEWEST|BLOCK|SECONDS|FLOOR|WIDE|KNOWN)$")
    found = [
        f"{module}: {target.id}"
        for module, tree in trees().items()
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and common.match(target.id)
    ]
    assert found == []


def decorator(node: ast.ClassDef) -> ast.expr | None:
    """The decorator that makes a record of a class."""
    for one in node.decorator_list:
        name = ast.unparse(one.func if isinstance(one, ast.Call) else one)
        if name.rpartition(".")[2] in ("frozen", "define", "dataclass"):
            return one
    return None


def test_records_of_many_attributes_take_them_by_name() -> None:
    found = []
    for module, tree in trees().items():
        for node in nodes(tree):
            made_by = decorator(node) if isinstance(node, ast.ClassDef) else None
            if made_by is None or "kw_only=True" in ast.unparse(made_by):
                continue
            positional = [
                line.target.id
                for line in node.body
                if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
                if "ClassVar" not in ast.unparse(line.annotation)
                if not re.search(r"kw_only=True|init=False", ast.unparse(line.value) if line.value else "")
            ]
            if len(positional) > 6:
                found.append(f"{module}: {node.name} takes {len(positional)}")
    assert found == []
