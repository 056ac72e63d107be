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


def defer(home: str, name: str) -> Callable[..., object]:
    """Return a function that imports another one when it is first called."""

    def call(*args: object) -> object:
        __import__(home)
        return getattr(sys.modules[home], name)(*args)

    return call


def read_stub(path: str) -> dict[str, str]:
    """Return the names that a stub lists, each with the module that defines it."""
    with open(path, encoding="utf-8") as stub:  # noqa: PTH123 - pathlib loads for longer
        words = [line.split() for line in stub if line.startswith("from ")]
    return {alias: home for _, home, _, _, _, alias in words}  # from HOME import NAME as ALIAS, one on a line


def doors_of(name: str, door: str = "kapitza") -> Iterator[str]:
    """Yield the public places of a name, such as `kapitza.Stack`, at a door and those below it."""
    base = os.path.join(os.path.dirname(__file__), *door.split(".")[1:])  # noqa: PTH118, PTH120
    for stub in (f"{base}.pyi", os.path.join(base, "__init__.pyi")):  # noqa: PTH118
        for alias, home in read_stub(stub).items() if os.path.exists(stub) else ():  # noqa: PTH110
            if home == door:
                yield from doors_of(name, f"{door}.{alias}")
            elif alias == name:
                yield f"{door}.{name}"


def attach(module: str) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """Return `__getattr__`, `__dir__` and `__all__` of a module whose names stand in its stub (.pyi)."""
    homes = read_stub(f"{sys.modules[module].__file__}i")
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
