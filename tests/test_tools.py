"""The tools of development: blocks that occur twice, tests that a change can turn red, and tests that are skipped."""

import ast
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

import changed
import skips
from imports import ROOT, SOURCE, Imports


def duplicates() -> ModuleType:
    """Return `tools/duplicates.py` as a module."""
    spec = importlib.util.spec_from_file_location("duplicates", ROOT / "tools" / "duplicates.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BLOCK = "".join(f"    total_{i} = first * {i} + second\n" for i in range(11))


def found_blocks(first: str, second: str, *, renamed: bool = False) -> list[int]:
    """Lengths of the blocks that occur in two texts."""
    tool = duplicates()
    modules = {name: tool.code_lines(text) for name, text in (("a", first), ("b", second))}
    return [block.length for block in tool.duplicates(modules, 11, renamed=renamed)]


def test_a_block_of_eleven_lines_is_found_at_another_depth_and_with_other_comments() -> None:
    first = f"def f(first, second):\n{BLOCK}    return total_0\n"
    body = BLOCK.replace("\n", "  # other\n\n", 1).replace("    ", "        ")
    second = f'class A:\n    def g(self, first, second):\n        """Add."""\n{body}        print(total_3)\n'
    assert found_blocks(first, second) == [11]
    assert found_blocks(first, second.replace("total_5 =", "other =")) == []
    assert found_blocks(first, second.replace("first", "one")) == []
    assert found_blocks(first, second.replace("first", "one"), renamed=True) == [11]
    assert found_blocks(first.replace("* 4", "* 5"), second) == []


def test_imports_of_two_modules_may_be_the_same() -> None:
    text = "".join(f"import name_{i}\n" for i in range(20))
    assert found_blocks(text, text) == []


@pytest.fixture(scope="module")
def imports() -> Imports:
    """Imports of the package and its tests."""
    return Imports()


def test_tests_and_pages_of_a_module_are_near(imports: Imports) -> None:
    distances = imports.distances({"kapitza.theory.amm"})
    assert distances["tests/theory/test_amm.py"] == 1
    assert distances["docs/theory/amm.md"] == 1, "it imports the model from the door `kapitza`"
    assert distances["kapitza.cli.predict"] > 1
    assert "tests/core/test_profile.py" not in distances
    assert imports.distances({"kapitza.cli.predict"})["README.md"] == 1, "it runs the command"


def test_every_test_that_uses_the_package_depends_on_its_errors(imports: Imports) -> None:
    distances = imports.distances({"kapitza.errors"})
    tests = {name for name in imports.texts if name.startswith("tests/theory/test_")}
    assert tests <= set(distances)


def test_data_stand_for_the_tests_that_name_them(imports: Imports) -> None:
    data = ROOT / "tests" / "data"
    assert imports.changed_nodes({data / "device" / "gan_stack_steady.csv"}) <= set(imports.texts)
    assert "tests/io/test_saved_files.py" in imports.changed_nodes({data / "saved-0.1.0" / "expected.json"})
    assert "tests/test_style.py" in imports.changed_nodes({SOURCE / "kapitza" / "theory" / "amm.py"})


def names_of(text: str) -> set[str]:
    """Names that a module binds at its top level."""
    tree = ast.parse(text)
    bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    imported = {
        a.asname or a.name for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom) for a in n.names
    }
    kinds = (ast.FunctionDef, ast.ClassDef)
    return bound | imported | {node.name for node in tree.body if isinstance(node, kinds)}


def test_scripts_import_names_that_exist(imports: Imports) -> None:
    """No test runs most of them."""
    folders = ("tools", "benchmarks", "docs", "tests/reference", "tests/browser")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    missing = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.module}.{alias.name}"
        for path in paths
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("kapitza")
        for alias in node.names
        if alias.name not in imports.doors.get(str(node.module), {})
        and f"{node.module}.{alias.name}" not in imports.modules
        and alias.name not in names_of(imports.texts.get(str(node.module), ""))
    ]
    assert len(paths) > 50
    assert missing == []


def test_words_of_a_path_bring_tests_of_that_name_forward() -> None:
    assert changed.words("cli.eels.lamella") & changed.words("tests/cli/test_lamella_verb.py") == {"cli", "lamella"}


def test_a_skipped_test_is_expected_if_its_package_is_listed() -> None:
    assert skips.is_expected("Skipped: could not import 'phonopy': No module named 'phonopy'")
    assert not skips.is_expected("Skipped: could not import 'numba': No module named 'numba'")
    assert not skips.is_expected("Skipped: LAMMPS does not start")
    text = Path(ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extra = next(line for line in text.splitlines() if line.startswith("test = "))
    assert not [peer for peer in skips.PEERS if f'"{peer.partition(".")[0]}' in extra]
