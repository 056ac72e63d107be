"""Which modules, tests and pages use which: the static imports of the package, its tests and its documentation.

A public name leads to the module that defines it, through the stubs of the doors.  Words of the command line lead to
the module of the command, and the name of a file of data to the modules and tests that mention it.
"""

import ast
import re
import shlex
from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE, TESTS, DOCS = ROOT / "src", ROOT / "tests", ROOT / "docs"
PYTHON_BLOCK = re.compile(r"^```python[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^(?:    )?\$ (kapitza .*)$", re.MULTILINE)
ALL_SOURCES = re.compile(r"syntax_trees|SOURCE\.rglob|import doors")  # in tests that read the sources of the package


def name_of(path: Path) -> str:
    """Name of a node: the dotted name of a module of the package, or the path of another file from the root."""
    if path.is_relative_to(SOURCE) and path.suffix in (".py", ".pyi"):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        return ".".join(parts).removesuffix(".__init__")
    return path.relative_to(ROOT).as_posix()


class Imports:
    """Graph of imports, and of other uses, between modules of the package, tests and pages."""

    def __init__(self) -> None:
        self.texts = {name_of(path): path.read_text(encoding="utf-8") for path in self._paths()}
        self.modules = {name for name in self.texts if not name.endswith((".py", ".md"))}
        self.helpers = {Path(name).stem: name for name in self.texts if name.endswith(".py")}
        self.doors = {name_of(path): _names_of_stub(path) for path in SOURCE.rglob("*.pyi")}
        self.readers = {name for name, text in self.texts.items() if _is_test(name) and ALL_SOURCES.search(text)}
        self.users: dict[str, set[str]] = defaultdict(set)
        for name in self.texts:
            for used in self._uses(name) - {name}:
                self.users[used].add(name)

    @staticmethod
    def _paths() -> Iterator[Path]:
        yield from SOURCE.rglob("*.py")
        yield from TESTS.rglob("*.py")
        yield from DOCS.glob("*.py")
        yield from DOCS.rglob("*.md")
        yield from ROOT.glob("*.md")

    def _uses(self, name: str) -> set[str]:
        """Nodes that a node uses."""
        text = self.texts[name]
        if not name.endswith(".md"):
            return self._uses_of_code(ast.parse(text))
        used = {node for code in PYTHON_BLOCK.findall(text) for node in self._uses_of_code(ast.parse(code))}
        for command in COMMAND.findall(text):
            used |= self._uses_of_words(shlex.split(command, comments=True)[1:])
        return used

    def _uses_of_code(self, tree: ast.Module) -> set[str]:
        """Nodes that Python code imports, takes from a door, runs as a command or names in a string."""
        used: set[str] = set()
        doors: dict[str, str] = {}  # name in the code: door that it stands for
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    used |= self._homes(node.module, alias.name)
                    doors[alias.asname or alias.name] = f"{node.module}.{alias.name}"
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    used |= self._homes(alias.name)
                    first = alias.name.partition(".")[0]
                    doors[alias.asname or first] = alias.name if alias.asname else first
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in self.modules:
                used.add(node.value)
            elif isinstance(node, ast.List):
                used |= self._uses_of_words([one.value for one in node.elts if isinstance(one, ast.Constant)])
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                first, *rest = ast.unparse(node).split(".") if _is_dotted(node) else [""]
                if first in doors:
                    used |= self._homes(".".join([doors[first], *rest[:-1]]), rest[-1])
        return used

    def _homes(self, module: str, name: str = "") -> set[str]:
        """Modules that define what `from module import name` brings."""
        if module.startswith("kapitza"):
            home = self.doors.get(module, {}).get(name)
            if home is not None:
                return {home}
            whole = f"{module}.{name}"
            return {whole if whole in self.modules else module} & self.modules
        return {self.helpers[part] for part in (module.rpartition(".")[2], name) if part in self.helpers}

    def _uses_of_words(self, words: list[object]) -> set[str]:
        """Module of the command that words of the command line call."""
        verbs = [str(word).replace("-", "_") for word in words[:2]]
        candidates = (".".join(["kapitza.cli", *verbs[:n]]) for n in (2, 1) if len(verbs) >= n)
        return next(({name} for name in candidates if name in self.modules), set())

    def changed_nodes(self, paths: Set[Path]) -> set[str]:
        """Nodes that change with some files: files of data stand for what mentions them."""
        nodes: set[str] = set()
        for path in paths:
            name = name_of(path)
            if path.suffix == ".pyi":
                nodes |= {reader for reader in self.readers | {"tests/test_import.py"} if reader in self.texts}
            elif name in self.texts:
                nodes.add(name)
            else:
                nodes |= self._mentioning(path.name) or self._mentioning(f"{path.parent.name}")
            if name in self.modules:
                nodes |= self.readers
        return nodes

    def _mentioning(self, text: str) -> set[str]:
        pattern = re.compile(rf"""["'/]{re.escape(text)}["'/]""")
        return {name for name, content in self.texts.items() if pattern.search(content)}

    def distances(self, changed: Set[str]) -> Mapping[str, int]:
        """Number of imports between each node and the nearest changed node, for all nodes that depend on one."""
        distances = dict.fromkeys(changed, 0)
        front = list(changed)
        while front:
            front = [user for node in front for user in self.users[node] if user not in distances]
            distances |= dict.fromkeys(front, max(distances.values()) + 1)
        return distances


def _names_of_stub(path: Path) -> dict[str, str]:
    """Names of a door, each with the module that defines it."""
    return {
        alias.asname or alias.name: f"{node.module}.{alias.name}" if node.module == "kapitza" else str(node.module)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def _is_test(name: str) -> bool:
    return name.startswith("tests/") and Path(name).name.startswith("test_")


def _is_dotted(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)
