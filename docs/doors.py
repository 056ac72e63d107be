"""Public names of the package by door, read from stubs and `__all__`, for the documentation and for tests.

A door is `kapitza`, a room such as `kapitza.md`, or a sub-room such as `kapitza.plot.eels`.  The module needs nothing
except Python.
"""

import ast
import re
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "src"
FLOORS = {
    "core": "Modules of core",
    "matter": "Modules of matter",
    "run": "Modules of run",
    "theory": "Modules of theory",
    "simulate": "Modules of md and boltzmann",
    "device": "Modules of device",
    "applications": "Modules of applications",
    "measure": "Modules of measure, thermoreflectance and eels",
    "screen": "Modules of screen",
    "routes": "Modules of routes",
    "io": "Modules of io",
    "plot": "Modules of plot",
    "web": "Modules of web",
}


def stub_of(door: str) -> Path:
    """Return the stub that lists the public names of a door; a plain module has none."""
    path = SOURCE.joinpath(*door.split("."))
    return path / "__init__.pyi" if (path / "__init__.py").exists() else path.with_suffix(".pyi")


def entries(door: str) -> list[tuple[str, str]]:
    """Return the names of a door, each with the module that defines it; a sub-room is defined by the door itself."""
    stub = stub_of(door)
    tree = ast.parse((stub if stub.exists() else source_of(door)).read_text(encoding="utf-8"))
    if stub.exists():
        imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
        return [(alias.name, str(node.module)) for node in imports for alias in node.names]
    listed = [node for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"]
    return [(name, door) for name in ast.literal_eval(listed[0].value)]


def public_names(door: str) -> list[tuple[str, str]]:
    """Return the public names of a door without its sub-rooms, each with the module that defines it."""
    return [(name, home) for name, home in entries(door) if f"{door}.{name}" not in sub_rooms(door)]


def sub_rooms(door: str) -> list[str]:
    """Return the dotted names of the doors below a door."""
    return [f"{door}.{name}" for name, home in entries(door) if home == door and stub_of(door).exists()]


def all_doors(door: str = "kapitza") -> list[str]:
    """Return a door and all doors below it."""
    return [door, *(inner for room in sub_rooms(door) for inner in all_doors(room))]


def source_of(module: str) -> Path:
    """Source file of a module or package."""
    path = SOURCE.joinpath(*module.split("."))
    return path / "__init__.py" if (path / "__init__.py").exists() else path.with_suffix(".py")


@cache
def tree_of(module: str) -> ast.Module:
    """Return the parsed source of a module or package."""
    return ast.parse(source_of(module).read_text(encoding="utf-8"))


def summary(module: str, name: str = "") -> str:
    """First sentence of the docstring of a module, or of a name that it defines."""
    node: ast.Module | ast.FunctionDef | ast.ClassDef = tree_of(module)
    if name:
        kinds = (ast.FunctionDef, ast.ClassDef)
        found = [item for item in node.body if isinstance(item, kinds) and item.name == name]
        if not found:
            return ""  # a type alias has no docstring
        node = found[-1]  # overloads come before the function itself
    text = " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())
    return re.split(r"(?<=[.]) (?=[A-Z])", text)[0].replace("|", r"\|")


def shown_on_pages() -> dict[str, str]:
    """Return the pages, relative to docs, whose Python blocks first show each name, how-to pages first."""
    pages: dict[str, str] = {}
    docs = SOURCE.parent / "docs"
    for page in sorted(docs.rglob("*.md"), key=lambda page: ("how-to" not in page.parts, page)):
        text = page.read_text(encoding="utf-8")
        for block in re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            for node in ast.walk(ast.parse(block)):
                names: list[str] = []
                if isinstance(node, ast.ImportFrom) and str(node.module).startswith("kapitza"):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.Attribute) and not isinstance(node.value, ast.Call):
                    names = [node.attr]
                for name in names:
                    pages.setdefault(name, page.relative_to(docs).as_posix())
    return pages


def has_own_example(module: str, name: str) -> bool:
    """Return whether the docstring of a class or function shows an example."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    nodes = (node for node in tree_of(module).body if isinstance(node, kinds) and node.name == name)
    return any(">>>" in (ast.get_docstring(node) or "") for node in nodes)


def public_modules() -> list[str]:
    """Dotted names of the modules with a public function or class, floor by floor."""
    names = ["kapitza.units", "kapitza.errors", "kapitza.examples"]
    for floor in FLOORS:
        paths = sorted((SOURCE / "kapitza" / floor).rglob("*.py"))
        chosen = [path for path in paths if not path.name.startswith("_") and has_public_names(path)]
        names += [".".join(path.relative_to(SOURCE).with_suffix("").parts) for path in chosen]
    return names


def has_public_names(path: Path) -> bool:
    """Whether a module defines a public function or class."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(isinstance(node, kinds) and not node.name.startswith("_") for node in tree.body)


DOORS = tuple(all_doors())
ROOMS = tuple(door for door in DOORS if stub_of(door).exists())
