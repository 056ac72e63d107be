"""Public names that are loaded when they are first used (PEP 562), listed once: in the stub beside the module."""

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType


class Room(ModuleType):
    """Package whose public names go before submodules of the same name, such as `matter.structure`."""

    def __setattr__(self, name: str, value: object) -> None:
        """Set an attribute, unless the import of a submodule would hide a public name."""
        if not (isinstance(value, ModuleType) and name in self.__all__):
            super().__setattr__(name, value)


def attach(module: str) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """Return `__getattr__`, `__dir__` and `__all__` of a module whose names stand in its stub (.pyi)."""
    stub = Path(str(sys.modules[module].__file__)).with_suffix(".pyi")
    homes = {
        str(alias.asname): f"{node.module}"
        for node in ast.parse(stub.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    names = ["__version__", *homes] if module == "kapitza" else list(homes)
    if module != "kapitza":
        sys.modules[module].__class__ = Room

    def load(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        home = homes[name]
        return import_module(f"kapitza.{name}") if home == "kapitza" else getattr(import_module(home), name)

    return load, lambda: sorted(names), names
