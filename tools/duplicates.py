"""Find blocks of more than ten lines that occur twice in the package.

    python tools/duplicates.py                blocks that are equal
    python tools/duplicates.py --renamed      also blocks that differ in the names of variables
    python tools/duplicates.py --lines 8      blocks of more than eight lines
    python tools/duplicates.py FOLDER         another folder than src

Blank lines, comments, docstrings, imports and the indentation of a block do not count.  The exit status is 1 if there
is any such block.
"""

import argparse
import ast
import io
import keyword
import sys
import tokenize
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


class Line(NamedTuple):
    """A line of code: its number, its depth, and the text of its tokens."""

    number: int
    depth: int
    tokens: tuple[str, ...]


class Block(NamedTuple):
    """Two places with the same lines: module and index of the first line of each, and the number of lines."""

    first: tuple[str, int]
    second: tuple[str, int]
    length: int


def ignored_lines(tree: ast.Module) -> set[int]:
    """Numbers of the lines of docstrings and imports."""
    numbers: set[int] = set()
    for node in ast.walk(tree):
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        if text or isinstance(node, (ast.Import, ast.ImportFrom)):
            numbers |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return numbers


def code_lines(source: str) -> list[Line]:
    """Lines of code of a module, without those that do not count."""
    ignored = ignored_lines(ast.parse(source))
    tokens: dict[int, list[str]] = defaultdict(list)
    columns: dict[int, int] = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        number, column = token.start
        if token.type not in LAYOUT and number not in ignored:
            tokens[number].append(token.string)
            columns.setdefault(number, column)
    return [Line(number, columns[number], tuple(tokens[number])) for number in sorted(tokens)]


def signature(lines: list[Line], *, renamed: bool) -> tuple[object, ...]:
    """What two equal blocks have in common."""
    depth = lines[0].depth
    if not renamed:
        return tuple((line.depth - depth, line.tokens) for line in lines)
    names: dict[str, str] = {}

    def standard(text: str) -> str:
        if not text.isidentifier() or keyword.iskeyword(text):
            return text
        return names.setdefault(text, f"name {len(names)}")

    return tuple((line.depth - depth, tuple(map(standard, line.tokens))) for line in lines)


def duplicates(modules: dict[str, list[Line]], length: int, *, renamed: bool = False) -> list[Block]:
    """Blocks of at least `length` lines that occur twice, each as long as possible, from the longest on."""
    places: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for name, lines in modules.items():
        for i in range(len(lines) - length + 1):
            places[hash(signature(lines[i : i + length], renamed=renamed))].append((name, i))
    pairs = [
        (first, second)
        for some in places.values()
        for k, first in enumerate(some)
        for second in some[k + 1 :]
        if first[0] != second[0] or second[1] - first[1] >= length  # a block does not repeat itself
    ]
    starts = set(pairs)
    blocks = []
    for first, second in pairs:
        if ((first[0], first[1] - 1), (second[0], second[1] - 1)) in starts:
            continue  # a line of a longer block
        steps = 0
        while ((first[0], first[1] + steps), (second[0], second[1] + steps)) in starts:
            steps += 1
        blocks.append(Block(first, second, length + steps - 1))
    return sorted(blocks, key=lambda block: -block.length)


def main() -> int:
    """Print the blocks; return 1 if there is any."""
    parser = argparse.ArgumentParser(description="Find blocks of more than ten lines that occur twice.")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "src")
    parser.add_argument("--lines", type=int, default=10, help="longest block that may occur twice")
    parser.add_argument("--renamed", action="store_true", help="compare blocks up to the names of variables")
    options = parser.parse_args()
    paths = sorted(options.folder.rglob("*.py"))
    modules = {str(path.relative_to(options.folder)): code_lines(path.read_text(encoding="utf-8")) for path in paths}
    found = duplicates(modules, options.lines + 1, renamed=options.renamed)
    for block in found:
        places = (f"{name}:{modules[name][i].number}" for name, i in (block.first, block.second))
        print(f"{block.length} lines:", *places)
    print(f"{len(paths)} modules, {len(found)} blocks of more than {options.lines} lines occur twice")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
