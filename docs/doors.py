"""Public names of the package by room, read from its stubs: for the build of the documentation and for tests.

It needs nothing except Python.
"""

import ast
import re
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "src"
ROOMS = (
    "kapitza",
    "kapitza.core",
    "kapitza.matter",
    "kapitza.lattice",
    "kapitza.phonons",
    "kapitza.theory",
    "kapitza.theory.agf",
    "kapitza.md",
    "kapitza.boltzmann",
    "kapitza.device",
    "kapitza.applications",
    "kapitza.measure",
    "kapitza.screen",
    "kapitza.routes",
    "kapitza.thermoreflectance",
    "kapitza.eels",
    "kapitza.thermometry",
    "kapitza.measure.noise",
    "kapitza.measure.lamella",
    "kapitza.measure.eels.heat_flow",
    "kapitza.io",
    "kapitza.plot",
    "kapitza.run",
)


def stub_of(room: str) -> Path:
    """Stub that lists the public names of a room."""
    path = SOURCE.joinpath(*room.split("."))
    return path / "__init__.pyi" if path.is_dir() else path.with_suffix(".pyi")


def public_names(room: str) -> list[tuple[str, str]]:
    """Public names of a room, each with the module that defines it, in the order of its stub."""
    tree = ast.parse(stub_of(room).read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return [(alias.name, str(node.module)) for node in imports for alias in node.names]


def source_of(module: str) -> Path:
    """Source file of a module or package."""
    path = SOURCE.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def summary(module: str, name: str = "") -> str:
    """First sentence of the docstring of a module, or of a name that it defines."""
    node: ast.Module | ast.FunctionDef | ast.ClassDef = ast.parse(source_of(module).read_text(encoding="utf-8"))
    if name:
        kinds = (ast.FunctionDef, ast.ClassDef)
        found = [item for item in node.body if isinstance(item, kinds) and item.name == name]
        if not found:
            return ""  # a type alias has no docstring
        node = found[-1]  # overloads come before the function itself
    text = " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())
    return re.split(r"(?<=[.]) (?=[A-Z])", text)[0].replace("|", r"\|")
