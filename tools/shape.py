"""Print lines and functions of the package, floor by floor: a measure to look at, not a limit.

python tools/shape.py            of src/kapitza
python tools/shape.py FOLDER
"""

import ast
import sys
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def measure(text: str) -> Counter[str]:
    """Count lines, lines that are not blank, functions and methods, and those of one statement."""
    counts = Counter(lines=text.count("\n"), code=sum(bool(line.strip()) for line in text.splitlines()))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            counts["functions"] += 1
            counts["of one statement"] += len(node.body) - (ast.get_docstring(node) is not None) == 1
    return counts


def main(folder: Path) -> None:
    """Print the table."""
    rooms: dict[str, Counter[str]] = defaultdict(Counter)
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).parts
        counts = measure(path.read_text(encoding="utf-8"))
        for room in (parts[0] if len(parts) > 1 else "(top)", "all"):
            rooms[room] += counts
    heads = ("lines", "code", "functions", "of one statement")
    print(f"{'':14}", *(f"{head:>16}" for head in heads), "functions per 1,000 lines that are not blank")
    for room in sorted(rooms, key=lambda name: (name == "all", name)):
        counts = rooms[room]
        columns = (f"{counts[head]:16,}" for head in heads)
        print(f"{room:14}", *columns, f"{1000 * counts['functions'] / counts['code']:10.1f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "src" / "kapitza")
