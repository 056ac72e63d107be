"""Imports go down only and in no circle, whether they are statements, strings or lists in a stub."""

import ast
import re
import tomllib
from collections import defaultdict
from functools import cache
from pathlib import Path

from syntax_trees import SOURCE, parse_package

PACKAGE = "kapitza"
ADDRESS = re.compile(rf"{PACKAGE}(\.\w+)+(:\w+)?")
GUESTS = ("cli", "web", "routes")  # rooms that stand on public names alone
LOADERS = {"import_module", "__import__", "resolve_name", "defer", "require", "run_in_child"}


def module_name(path: Path) -> str:
    """Dotted name of a source file or stub."""
    return ".".join([PACKAGE, *path.with_suffix("").parts]).removesuffix(".__init__")


@cache
def trees() -> dict[str, ast.Module]:
    """Syntax trees of all modules by their dotted names."""
    return {module_name(path): tree for path, tree in parse_package().items()}


@cache
def listed_names() -> dict[str, dict[str, str]]:
    """For each module with a stub: its names, each with the module that defines it (itself for a module below it)."""
    return {
        module_name(path): {
            alias.name: str(node.module)
            for node in tree.body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        for path, tree in parse_package(".pyi").items()
    }


def defined_names(module: str) -> set[str]:
    """Names that a module binds at its top level."""
    found: set[str] = set()
    for node in ast.walk(trees()[module]):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


def resolve(module: str, name: str) -> str:
    """The module that `from module import name` leads to."""
    home = listed_names().get(module, {}).get(name)
    if home is not None and home != module:
        return home
    return f"{module}.{name}" if f"{module}.{name}" in trees() else module


def attribute_chain(node: ast.AST) -> list[str]:
    """Names of `kapitza.plot.eels.temperature_map`, or nothing."""
    if isinstance(node, ast.Name):
        return [node.id]
    inner = attribute_chain(node.value) if isinstance(node, ast.Attribute) else []
    return [*inner, node.attr] if inner and isinstance(node, ast.Attribute) else []


def follow(chain: list[str]) -> str:
    """The module in which the thing of an attribute chain is defined."""
    place = PACKAGE
    for name in chain[1:]:
        home = resolve(place, name)
        if home == place or listed_names().get(place, {}).get(name) not in (place, None):
            return home
        place = home
    return place


def imports(module: str) -> set[str]:
    """Modules of the package that a module reaches by a statement, an attribute of `kapitza`, a string or its stub."""
    found = {resolve(module, name) for name in listed_names().get(module, {})}
    has_package = False
    for node in ast.walk(trees()[module]):
        if isinstance(node, ast.Import):
            has_package |= any(alias.name == PACKAGE for alias in node.names)
            found |= {alias.name for alias in node.names if alias.name.startswith(f"{PACKAGE}.")}
        elif isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == PACKAGE:
            found |= {resolve(str(node.module), alias.name) for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and ADDRESS.fullmatch(node.value):
            place, _, name = node.value.partition(":")
            found |= {resolve(place, name)} & set(trees()) if place in trees() else set()
    if has_package:
        chains = [attribute_chain(node) for node in ast.walk(trees()[module]) if isinstance(node, ast.Attribute)]
        found |= {follow(chain) for chain in chains if chain[:1] == [PACKAGE] and len(chain) > 1}
    parents = {module.rsplit(".", depth)[0] for depth in range(1, module.count(".") + 1)}
    return found - parents - {module, PACKAGE}


@cache
def graph() -> dict[str, frozenset[str]]:
    """What each module imports; a room that lists names of others stands for all of them."""
    return {module: frozenset(imports(module)) for module in trees() if module != PACKAGE}


def floors() -> list[list[str]]:
    """Rooms of each floor, the highest first, from the contract of import-linter."""
    project = tomllib.loads((SOURCE.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    layers = next(one for one in contracts if one["type"] == "layers")["layers"]
    return [re.findall(r"\w+", layer) for layer in layers]


def circles(edges: dict[str, frozenset[str]]) -> list[set[str]]:
    """Groups of modules that reach each other."""
    reach: dict[str, set[str]] = {}
    for start in edges:
        seen, queue = set[str](), [start]
        while queue:
            new = edges.get(queue.pop(), frozenset()) - seen
            seen |= new
            queue += new
        reach[start] = seen
    groups = {frozenset({one, *(other for other in reach[one] if one in reach.get(other, ()))}) for one in edges}
    return [set(group) for group in groups if len(group) > 1 or next(iter(group)) in reach[next(iter(group))]]


def test_no_import_is_circular() -> None:
    assert circles(graph()) == []


def test_no_import_climbs() -> None:
    height = {room: level for level, rooms in enumerate(reversed(floors())) for room in rooms}
    climbs: dict[str, set[str]] = defaultdict(set)
    for module, others in graph().items():
        room = module.split(".")[1]
        for other in others:
            target = other.split(".")[1]
            if room != target and room in height and height.get(target, -1) >= height[room]:
                climbs[module].add(other)
    assert climbs == {}


def test_a_circle_and_a_climb_by_string_are_found() -> None:
    edges = {"a": frozenset({"b"}), "b": frozenset({"c"}), "c": frozenset({"a"}), "d": frozenset({"a"})}
    assert circles(edges) == [{"a", "b", "c"}]
    assert "kapitza.io.frames" in imports(PACKAGE)
    assert "kapitza.plot.records" in imports(PACKAGE)
    assert "kapitza.simulate.md.runs.run" in imports("kapitza.md")


def test_names_are_loaded_by_string_at_the_doors_only() -> None:
    """An optional kernel is loaded by its name too, behind `errors.require`."""
    found = [
        f"{module}: {ast.unparse(node)[:80]}"
        for module, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2] in LOADERS - {"require"}
        and any(PACKAGE in ast.unparse(argument) for argument in node.args)
    ]
    doors = ("kapitza: ", "kapitza._lazy: ", "kapitza.__main__: ")
    assert [call for call in found if not call.startswith(doors)] == []


def test_every_name_in_a_stub_exists_at_its_home() -> None:
    missing = [
        f"{stub}: {home}.{name}"
        for stub, names in listed_names().items()
        for name, home in names.items()
        if home not in trees() or (f"{home}.{name}" not in trees() and name not in defined_names(home))
    ]
    assert missing == []


def is_public(module: str, name: str) -> bool:
    """Whether a name stands at a door: in its stub, or in `__all__` of a plain module that a door lists."""
    return name in public_names().get(module, set())


@cache
def public_names(door: str = PACKAGE) -> dict[str, set[str]]:
    """Names at a door and at those below it."""
    listed = listed_names().get(door)
    if listed is None:
        exported = [
            ast.literal_eval(node.value)
            for node in trees()[door].body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        ]
        return {door: set(exported[0]) if exported else set()}
    found = {door: {*listed, "__version__"} if door == PACKAGE else set(listed)}
    for name, home in listed.items():
        if home == door:
            found |= public_names(f"{door}.{name}")
    return found


def private_uses(module: str) -> list[str]:
    """What a module of a guest imports, or takes from `kapitza`, that no door offers; its own room is not counted."""
    room = ".".join(module.split(".")[:2])
    found: list[str] = []
    for node in ast.walk(trees()[module]):
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == PACKAGE:
            if node.module != f"{PACKAGE}._lazy" and not f"{node.module}.".startswith(f"{room}."):
                names = [alias.name for alias in node.names if f"{node.module}.{alias.name}" != room]
                found += [f"{node.module}.{name}" for name in names if not is_public(str(node.module), name)]
        elif isinstance(node, ast.Attribute):
            chain = attribute_chain(node)
            for i in range(1, len(chain) if chain[:1] == [PACKAGE] else 0):
                door = ".".join(chain[:i])
                if door in public_names() and not is_public(door, chain[i]):
                    found.append(f"{door}.{chain[i]}")
    return found


def test_guests_import_public_names_only() -> None:
    uses = {module: private_uses(module) for module in trees() if module.split(".")[1:2] in [[one] for one in GUESTS]}
    assert {module: names for module, names in uses.items() if names} == {}
