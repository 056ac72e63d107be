"""Plant faults in kernels, one at a time, and see whether a test turns red.

    python tools/mutation/run.py --copy FOLDER            in a copy of the repository: sources are changed
    python tools/mutation/run.py --copy FOLDER amm dmm    these kernels alone
    python tools/mutation/run.py --list

A fault is one edit of the syntax tree: a sign, an operator, a comparison, a number, an index, an argument or a
statement.  Those of a kernel are drawn at random from all that are possible there, the same for the same seed, and the
tests of the kernel run with each.  A fault that no test notices is printed with its line: either no test looks there,
or the fault changes nothing, which a person decides.
"""

import argparse
import ast
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 300  # of the tests of one kernel

# source below src/kapitza: its tests below tests
KERNELS: dict[str, tuple[str, tuple[str, ...]]] = {
    "amm": ("theory/amm.py", ("theory/test_amm.py", "theory/test_limits.py")),
    "dmm": ("theory/dmm.py", ("theory/test_dmm.py", "theory/test_limits.py")),
    "occupation": ("core/occupation.py", ("core",)),
    "conductance": ("core/conductance.py", ("core",)),
    "transmission": ("core/transmission.py", ("core",)),
    "profile": ("core/profile.py", ("core",)),
    "stack": ("core/stack.py", ("core",)),
    "files": ("core/files.py", ("core/test_files.py",)),
    "store": ("run/store.py", ("run/test_store.py",)),
    "seal": ("io/formats/seal.py", ("io/test_hostile.py",)),
    "quantities": ("io/quantities.py", ("io/test_quantities.py",)),
    "composite": ("applications/composite.py", ("device/test_composite.py",)),
    "superlattice": ("applications/superlattice.py", ("device/test_superlattice.py",)),
    "thermoelectric": ("applications/thermoelectric.py", ("device/test_thermoelectric.py",)),
    "exchanger": ("applications/exchanger.py", ("device/test_exchanger.py",)),
    "memory": ("applications/memory.py", ("device/test_memory.py",)),
    "cryogenic": ("applications/cryogenic.py", ("device/test_cryogenic.py",)),
    "film": ("applications/film.py", ("device/test_film.py",)),
    "spin pillar": ("applications/spin_pillar.py", ("device/test_spin_pillar.py",)),
    "elastic": ("matter/elastic.py", ("matter",)),
    "dispersion": ("matter/dispersion.py", ("matter",)),
    "least squares": ("measure/least_squares.py", ("measure",)),
    "profiles": ("measure/profiles.py", ("measure",)),
    "thickness series": ("measure/thickness_series.py", ("measure",)),
}

_OPERATORS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip

Edit = Callable[[], None]  # changes the tree in its place


def main() -> int:
    """Plant faults in the kernels that are named, or in all."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("names", nargs="*", help="kernels; all if none")
    arguments.add_argument("--copy", type=Path, help="copy of the repository whose sources may be changed")
    arguments.add_argument("--each", type=int, default=10, help="faults of each kernel")
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--list", action="store_true", help="list the kernels and how many faults are possible")
    chosen = arguments.parse_args()
    if chosen.list:
        for name, (source, tests) in KERNELS.items():
            text = (ROOT / "src" / "kapitza" / source).read_text(encoding="utf-8")
            print(f"{name}: {source}, {len(list(edits(ast.parse(text))))} faults, tests {', '.join(tests)}")
        return 0
    if chosen.copy is None or chosen.copy.resolve() == ROOT:
        arguments.error("--copy: give a copy of the repository; this one is not changed")
    noticed = total = 0
    for name in chosen.names or KERNELS:
        red, done = plant(name, chosen.copy.resolve(), chosen.each, Random(f"{name} {chosen.seed}"))
        noticed, total = noticed + red, total + done
        print(f"{name}: {red} of {done} noticed", flush=True)
    print(f"{noticed} of {total} faults noticed")
    return 0


def plant(name: str, copy: Path, each: int, rng: Random) -> tuple[int, int]:
    """Number of faults of a kernel that a test notices, and of all that were decided."""
    source, tests = KERNELS[name]
    path = copy / "src" / "kapitza" / source
    good = path.read_text(encoding="utf-8")
    if not passes(copy, tests):
        print(f"{name}: its tests fail, or take more than {SECONDS} s, without a fault")
        return 0, 0
    numbers = list(range(len(list(edits(ast.parse(good))))))
    red = 0
    chosen = rng.sample(numbers, min(each, len(numbers)))
    try:
        for number in chosen:
            tree = ast.parse(good)
            line, what, edit = list(edits(tree))[number]
            edit()
            path.write_text(ast.unparse(ast.fix_missing_locations(tree)) + "\n", encoding="utf-8")
            if passes(copy, tests):
                print(f"  {source}:{line}: {what}: no test notices: {good.splitlines()[line - 1].strip():.90}")
            else:
                red += 1
    finally:
        path.write_text(good, encoding="utf-8")
    return red, len(chosen)


def passes(copy: Path, tests: tuple[str, ...]) -> bool:
    """Whether the tests pass; those that never end do not."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *(f"tests/{one}" for one in tests)]
    paths = {"PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "Agg"}
    try:
        done = subprocess.run(
            command, cwd=copy, env=os.environ | paths, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def edits(tree: ast.AST) -> Iterator[tuple[int, str, Edit]]:
    """Line, kind and function of each fault that is possible in a module, outside of texts and annotations."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.BinOp, ast.BoolOp)) and type(node.op) in _OPERATORS:
            yield node.lineno, "operator", _replace(node, "op", _OPERATORS[type(node.op)]())
        elif isinstance(node, ast.Compare) and type(node.ops[0]) in _OPERATORS:
            yield node.lineno, "comparison", _replace(node, "ops", [_OPERATORS[type(node.ops[0])](), *node.ops[1:]])
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            yield node.lineno, "sign", _replace(node, "op", ast.UAdd())
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
            yield node.lineno, "number", _replace(node, "value", node.value + 1)
        elif isinstance(node, ast.Call) and len(node.args) > 1:
            yield node.lineno, "arguments", _replace(node, "args", [node.args[1], node.args[0], *node.args[2:]])
        elif isinstance(node, ast.Return) and node.value is not None:
            yield node.lineno, "result", _replace(node, "value", ast.Constant(None))
        elif isinstance(node, ast.If) and node.body and isinstance(node.body[0], ast.Raise):
            yield node.lineno, "check", _replace(node, "test", ast.Constant(False))


def _replace(node: ast.AST, name: str, value: object) -> Edit:
    """A function that sets an attribute of a node."""
    return lambda: setattr(node, name, value)


if __name__ == "__main__":
    sys.exit(main())
