"""Public names that are loaded when they are first used (PEP 562), listed once: in the stub beside the module."""

from __future__ import annotations

import os
import sys
from types import ModuleType

TYPE_CHECKING = False  # typing loads for longer than all that is here
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Room(ModuleType):
    """Package whose public names go before submodules of the same name, such as `matter.structure`."""

    def __setattr__(self, name: str, value: object) -> None:
        """Set an attribute, unless the import of a submodule would hide a public name."""
        if not (isinstance(value, ModuleType) and name in self.__all__):
            super().__setattr__(name, value)


def doors_of(name: str) -> Iterator[str]:
    """Yield the public places of a name, `kapitza.Stack`, for the message of one that is looked for elsewhere."""
    root = os.path.dirname(__file__)  # noqa: PTH120 - pathlib loads for longer
    for folder, _, files in os.walk(root):
        for file in files:
            path = os.path.join(folder, file)  # noqa: PTH118
            if file.endswith(".pyi"):
                with open(path, encoding="utf-8") as stub:  # noqa: PTH123
                    if f" import {name} as {name}\n" in stub.read():
                        door = path.removeprefix(root).removesuffix(".pyi").removesuffix("__init__")
                        yield f"kapitza{door.replace(os.sep, '.').rstrip('.')}.{name}"


def attach(module: str) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """Return `__getattr__`, `__dir__` and `__all__` of a module whose names stand in its stub (.pyi)."""
    with open(f"{sys.modules[module].__file__}i", encoding="utf-8") as stub:  # noqa: PTH123 - pathlib loads for longer
        words = [line.split() for line in stub if line.startswith("from ")]
    homes = {alias: home for _, home, _, _, _, alias in words}  # from HOME import NAME as ALIAS, one on a line
    names = ["__version__", *homes] if module == "kapitza" else list(homes)
    if module != "kapitza":
        sys.modules[module].__class__ = Room

    def load(name: str) -> object:
        if name not in homes:
            places = "" if name.startswith("_") else " or ".join(doors_of(name))
            raise AttributeError(f"module {module!r} has no attribute {name!r}" + (places and f"; use {places}"))
        if homes[name] == module:  # a room or sub-room
            __import__(f"{module}.{name}")
            return sys.modules[f"{module}.{name}"]
        __import__(homes[name])
        return getattr(sys.modules[homes[name]], name)

    return load, lambda: sorted(names), names
