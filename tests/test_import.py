"""Public names: complete, typed, and loaded on first use only."""

import ast
import inspect
import re
import subprocess
import sys
import types
import typing
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

import kapitza

HEAVY = ("numpy", "scipy", "attrs", "matplotlib", "typer", "rich", "pydantic", "h5py")


def loaded_after(code: str) -> set[str]:
    """Heavy packages that a fresh interpreter holds after running some code."""
    script = f"import sys\n{code}\nprint(*(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_the_import_loads_nothing_heavy() -> None:
    assert loaded_after("import kapitza") == set()
    assert loaded_after("import kapitza; dir(kapitza); kapitza.__version__; kapitza.units.nm") == set()


def test_help_loads_no_numbers() -> None:
    code = "from kapitza.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass"
    assert loaded_after(code) <= {"typer", "rich"}


def test_a_model_loads_no_figures() -> None:
    assert "matplotlib" not in loaded_after("import kapitza; kapitza.dmm(kapitza.solid('Al'), kapitza.solid('Si'))")


@pytest.mark.parametrize("name", kapitza.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(kapitza, name)
    assert name in dir(kapitza)
    if callable(value):
        assert (value.__doc__ or "").strip()


def doors(name: str = "kapitza") -> Iterator[str]:
    """Names of the modules that list public names: `kapitza`, its rooms, and their sub-rooms."""
    yield name
    module = import_module(name)
    for one in module.__all__:
        if inspect.ismodule(getattr(module, one)):
            yield from doors(f"{name}.{one}")


DOORS = list(doors())


@pytest.mark.parametrize("door", DOORS)
def test_all_names_of_a_door_are_there(door: str) -> None:
    module = import_module(door)
    for name in module.__all__:
        first, again = getattr(module, name), getattr(module, name)  # the first one imports its submodule
        assert first is again, f"a submodule hides {name}"
        assert name in dir(module)
        if inspect.isclass(getattr(module, name)) or inspect.isroutine(getattr(module, name)):
            assert (getattr(module, name).__doc__ or "").strip(), name


def test_kapitza_has_the_names_of_the_first_day() -> None:
    wanted = (
        "solid elastic Solid Elastic Fluid Bands Crystal Junction material materials amm dmm agf Transmission "
        "Conductance Profile Occupation Stack Layer Boundary predict measured compare fit design transport "
        "save load cite units KapitzaError"
    )
    assert set(wanted.split()) <= set(kapitza.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'frobnicate'"):
        _ = kapitza.frobnicate  # pyright: ignore[reportAttributeAccessIssue]


def test_a_name_at_another_door_is_named_in_the_error() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'Conductance'; use kapitza\.Conductance$"):
        _ = kapitza.core.Conductance  # pyright: ignore[reportAttributeAccessIssue]


def test_star_import() -> None:
    space: dict[str, object] = {}
    exec("from kapitza import *", space)  # noqa: S102
    assert set(kapitza.__all__) <= set(space)


def kinds(hint: object) -> Iterator[type]:
    """Classes of the package that an annotation names."""
    if isinstance(hint, type):
        if hint.__module__.startswith("kapitza"):
            yield hint
        return
    for part in typing.get_args(hint):
        yield from kinds(part)


@cache
def names_for_types(module: str) -> dict[str, object]:
    """Names that a module has, and those that it imports for the type checker alone."""
    tree = ast.parse(Path(str(sys.modules[module].__file__)).read_text("utf-8"))
    guards = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    imports = [node for guard in guards for node in guard.body if isinstance(node, ast.ImportFrom)]
    guarded = {
        alias.asname or alias.name: getattr(import_module(str(node.module)), alias.name)
        for node in imports
        for alias in node.names
    }
    return guarded | vars(sys.modules[module])


def returned(function: types.FunctionType) -> object:
    """The type that a function returns."""
    annotation = types.SimpleNamespace(__annotations__={"return": function.__annotations__.get("return")})
    return typing.get_type_hints(annotation, names_for_types(function.__module__)).get("return")


def public_objects() -> dict[int, object]:
    """What the door and the rooms offer, by identity."""
    places = [import_module(door) for door in DOORS]
    return {id(value): value for place in places for value in (getattr(place, name) for name in place.__all__)}


def returning(thing: object) -> Iterator[tuple[str, types.FunctionType]]:
    """A public function, or the methods and properties of a public class, by name."""
    if inspect.isfunction(thing):
        yield thing.__name__, thing
    elif isinstance(thing, type):
        for name, member in vars(thing).items():
            function = member.fget if isinstance(member, property) else member
            if not name.startswith("_") and inspect.isfunction(function):
                yield f"{thing.__name__}.{name}", function


def test_what_public_functions_and_methods_return_is_public() -> None:
    """Nobody can annotate, or test by isinstance, what has no public name."""
    public = public_objects()
    hidden = {
        f"{name} -> {kind.__name__}"
        for thing in public.values()
        for name, function in returning(thing)
        if not {"Axes", "Figure"} & set(re.findall(r"\w+", str(function.__annotations__.get("return"))))
        for kind in kinds(returned(function))
        if id(kind) not in public
    }
    assert hidden == set()
