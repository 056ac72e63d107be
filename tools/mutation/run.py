"""Plant faults in kernels, one at a time, and see whether a test turns red.

    python tools/mutation/run.py --copy FOLDER --log FILE         in a copy of the repository: sources are changed
    python tools/mutation/run.py --copy FOLDER --log FILE amm     this kernel alone
    python tools/mutation/run.py --copy FOLDER --log FILE --again those that lived, after tests were written
    python tools/mutation/run.py --log FILE --summary             what the log says
    python tools/mutation/run.py --list

A fault is one edit of the syntax tree: a sign, an operator, a comparison, a number, the order of arguments, a result or
a check.  Those of a kernel are drawn at random from all that are possible there, the same for the same seed, and the
tests of the kernel run with each.  The log has a line for each fault; what is decided there is not done again.  A fault
that no test notices is printed with its line: either no test looks there, or the fault changes nothing that anyone
could see, which a person decides and writes into `equivalent.toml` with the reason.
"""

import argparse
import ast
import hashlib
import importlib
import json
import os
import signal
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
SECONDS = 200.0  # of the tests of one kernel without a fault; with one they may take three times as long
UNITS = "test_units.py"  # of all attributes: tests of every kernel
LIBRARIES = ("numpy", "scipy.optimize", "scipy.sparse.linalg", "scipy.special", "scipy.integrate", "scipy.interpolate",
             "scipy.stats", "attrs", "typer", "rich.console", "h5py", "pytest")  # fmt: skip

# source below src/kapitza: its tests below tests
KERNELS: dict[str, tuple[str, tuple[str, ...]]] = {
    "quantities": ("io/quantities.py", ("io/test_quantities.py",)),
    "toml": ("core/toml.py", ("core/test_toml.py",)),
    "curves of text": ("io/text_tables.py", ("io/test_curves.py", "io/test_reading.py")),
    "chain": ("theory/chain.py", ("theory/test_chain.py",)),
    "khalatnikov": ("theory/khalatnikov.py", ("theory/test_khalatnikov.py",)),
    "contact": ("theory/contact.py", ("theory/test_contact.py",)),
    "electrons": ("theory/electrons.py", ("theory/test_electrons.py",)),
    "spin": ("theory/spin.py", ("theory/test_spin.py",)),
    "knudsen": ("theory/knudsen.py", ("theory/test_knudsen.py",)),
    "dmm": ("theory/dmm.py", ("theory/test_dmm.py", "theory/test_layers.py", "theory/test_limits.py")),
    "occupation": ("core/occupation.py", ("core/test_occupation.py", "core/test_populations.py")),
    "conductance": ("core/conductance.py", ("core/test_conductance.py", "core/test_average.py")),
    "transmission": ("core/transmission.py", ("core/test_transmission.py", "core/test_average.py")),
    "profile": ("core/profile.py", ("core/test_profile.py",)),
    "stack": ("core/stack.py", ("core/test_stack.py",)),
    "files": ("core/files.py", ("core/test_files.py",)),
    "store": ("run/store.py", ("run/test_store.py",)),
    "seal": ("io/formats/files.py", ("io/test_hostile.py",)),
    "composite": ("applications/composite.py", ("device/test_composite.py",)),
    "thermoelectric": ("applications/thermoelectric.py", ("device/test_thermoelectric.py",)),
    "exchanger": ("applications/exchanger.py", ("device/test_exchanger.py",)),
    "memory": ("applications/memory.py", ("device/test_memory.py",)),
    "film": ("applications/film.py", ("device/test_film.py",)),
    "spin pillar": ("applications/spin_pillar.py", ("device/test_spin_pillar.py",)),
    "superlattice": ("applications/superlattice.py", ("device/test_superlattice.py",)),
    "cryogenic": ("applications/cryogenic.py", ("device/test_cryogenic.py",)),
    "electron gas": ("matter/electrons.py", ("matter/test_electrons.py", "theory/test_electrons.py")),
    "dispersion": ("matter/isotropic.py", ("matter/test_dispersion.py", "theory/test_dmm.py")),
    "film resistances": ("simulate/boltzmann/layered/resistances.py", ("simulate/test_resistances.py",)),
    "film cooling": ("measure/thermoreflectance/cooling.py", ("measure/test_cooling.py",)),
    "profiles": ("measure/profiles.py", ("measure/test_profiles.py",)),
    "comparison": ("measure/compare.py", ("measure/test_compare.py",)),
    "eels contrast": ("measure/eels/point_spread.py", ("measure/eels/test_contrast.py", "measure/eels/test_jump.py")),
    "layers of a device": ("device/layered/admittance.py", ("device/test_admittance.py",)),
    "amm": ("theory/amm.py", ("theory/test_amm.py", "theory/test_amm_crystals.py")),
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
    arguments.add_argument("--log", type=Path, help="file with a line for each fault that was decided")
    arguments.add_argument("--each", type=int, default=10, help="faults of each kernel")
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--again", action="store_true", help="try the faults once more that lived")
    arguments.add_argument("--summary", action="store_true", help="print what the log says, and plant nothing")
    arguments.add_argument("--list", action="store_true", help="list the kernels and how many faults are possible")
    chosen = arguments.parse_args()
    if chosen.list:
        for name, (source, tests) in KERNELS.items():
            text = (ROOT / "src" / "kapitza" / source).read_text(encoding="utf-8")
            print(f"{name}: {source}, {len(list(edits(ast.parse(text))))} faults, tests {', '.join(tests)}")
        return 0
    if chosen.log is None:
        arguments.error("--log: name a file that keeps what is decided")
    if not chosen.summary:
        if chosen.copy is None or chosen.copy.resolve() == ROOT:
            arguments.error("--copy: give a copy of the repository; this one is not changed")
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the source is put back
        for module in LIBRARIES:
            importlib.import_module(module)
        for name in chosen.names or KERNELS:
            plant(name, chosen.copy.resolve(), chosen.log, chosen)
    return summary(chosen.log, chosen.names or list(KERNELS))


def plant(name: str, copy: Path, log: Path, chosen: argparse.Namespace) -> None:
    """Decide the faults of a kernel, and log them."""
    source, tests = KERNELS[name]
    path = copy / "src" / "kapitza" / source
    good = path.read_text(encoding="utf-8")
    decided = {(one["kernel"], one["key"]): one["noticed"] for one in read_log(log)}
    numbers = list(range(len(list(edits(ast.parse(good))))))
    drawn = Random(f"{name} {chosen.seed}").sample(numbers, min(chosen.each, len(numbers)))
    todo = []
    for number in drawn:
        fault = described(good, number)
        seen = decided.get((name, fault["key"]))
        if seen is None or (chosen.again and not seen and reason(source, fault) is None):
            todo.append((number, fault))
    if not todo:
        return
    start = time.monotonic()
    if not passes(copy, (*tests, UNITS), SECONDS):
        print(f"{name}: its tests fail, or take more than {SECONDS:.0f} s, without a fault", flush=True)
        return
    limit = 10 + 3 * (time.monotonic() - start)
    try:
        for number, fault in todo:
            tree = ast.parse(good)
            list(edits(tree))[number][2]()
            path.write_text(ast.unparse(ast.fix_missing_locations(tree)) + "\n", encoding="utf-8")
            noticed = not passes(copy, (*tests, UNITS), limit)
            with log.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"kernel": name, "source": source, "noticed": noticed} | fault) + "\n")
            if not noticed:
                print(f"  {source}:{fault['line']}: {fault['fault']}: {fault['text']:.90}", flush=True)
    finally:
        path.write_text(good, encoding="utf-8")


def described(good: str, number: int) -> dict[str, Any]:
    """What a fault is: its line, the text there, what is changed, and a key that stays while the module does."""
    line, what, _ = list(edits(ast.parse(good)))[number]
    key = hashlib.sha256(f"{good}{number}".encode()).hexdigest()[:16]
    return {"line": line, "fault": what, "text": good.splitlines()[line - 1].strip(), "key": key}


def read_log(log: Path) -> list[dict[str, Any]]:
    """Faults that were decided, in order; the last word on each counts."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    found = {(one["kernel"], one["key"]): one for one in map(json.loads, lines)}
    return list(found.values())


def reason(source: str, fault: dict[str, Any]) -> str | None:
    """Why a fault changes nothing that could be seen, where a person has said so."""
    for one in tomllib.loads(EQUIVALENT.read_text(encoding="utf-8")).get("fault", []):
        if (one["source"], one["text"], one["fault"]) == (source, fault["text"], fault["fault"]):
            return one["reason"]
    return None


def summary(log: Path, names: list[str]) -> int:
    """Print how many faults were noticed; the status is 1 if fewer than nine in ten of those that change something."""
    rows = [one for one in read_log(log) if one["kernel"] in names]
    noticed = equivalent = 0
    for name in names:
        ours = [one for one in rows if one["kernel"] == name]
        red = sum(one["noticed"] for one in ours)
        same = sum(not one["noticed"] and reason(one["source"], one) is not None for one in ours)
        noticed, equivalent = noticed + red, equivalent + same
        print(f"{name}: {red} of {len(ours)} noticed" + (f", {same} change nothing" if same else ""))
        for one in ours:
            if not one["noticed"] and reason(one["source"], one) is None:
                print(f"  {one['source']}:{one['line']}: {one['fault']}: {one['text']:.90}")
    real = len(rows) - equivalent
    print(f"{len(rows)} faults in {len(names)} kernels; {equivalent} change nothing; {noticed} of {real} noticed")
    return 0 if noticed >= 0.9 * real else 1


def passes(copy: Path, tests: tuple[str, ...], seconds: float) -> bool:
    """Whether the tests pass, in a child that has the libraries loaded; those that never end do not."""
    child = os.fork()
    if child == 0:
        os._exit(run_tests(copy, tests))
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status == 0
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def run_tests(copy: Path, tests: tuple[str, ...]) -> int:
    """Status of the tests, run in this process."""
    os.setsid()
    silent = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(silent, stream)
    os.chdir(copy)
    os.environ |= {"PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "Agg"}
    sys.dont_write_bytecode = True
    sys.path[:] = [str(copy / "src"), *(one for one in sys.path if one not in ("", str(Path(__file__).parent)))]
    words = ["-q", "-x", "-p", "no:cacheprovider", *(f"tests/{one}" for one in tests)]
    try:
        return int(importlib.import_module("pytest").main(words))
    except BaseException:  # noqa: BLE001 - whatever the fault does to the tests, they do not pass
        return 1


def edits(tree: ast.AST) -> Iterator[tuple[int, str, Edit]]:
    """Line, kind and function of each fault that is possible in a module, outside of texts and annotations."""
    for node in ast.walk(tree):
        column = f"column {getattr(node, 'col_offset', 0)}"
        if isinstance(node, (ast.BinOp, ast.BoolOp, ast.AugAssign)) and type(node.op) in _OPERATORS:
            new = _OPERATORS[type(node.op)]
            yield node.lineno, f"{_words(node.op, new)}, {column}", _replace(node, "op", new())
        elif isinstance(node, ast.Compare) and type(node.ops[0]) in _OPERATORS:
            new = _OPERATORS[type(node.ops[0])]
            yield node.lineno, f"{_words(node.ops[0], new)}, {column}", _replace(node, "ops", [new(), *node.ops[1:]])
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            yield node.lineno, f"sign, {column}", _replace(node, "op", ast.UAdd())
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
            what = f"{node.value + 1!r} for {node.value!r}, {column}"
            yield node.lineno, what, _replace(node, "value", node.value + 1)
        elif isinstance(node, ast.Call) and len(node.args) > 1:
            what = f"arguments exchanged, {column}"
            yield node.lineno, what, _replace(node, "args", [node.args[1], node.args[0], *node.args[2:]])
        elif isinstance(node, ast.Return) and node.value is not None:
            yield node.lineno, f"no result, {column}", _replace(node, "value", ast.Constant(None))
        elif isinstance(node, ast.If) and node.body and isinstance(node.body[0], ast.Raise):
            yield node.lineno, f"no check, {column}", _replace(node, "test", ast.Constant(False))


def _words(old: ast.AST, new: type[ast.AST]) -> str:
    """One operator in the place of another."""
    return f"{new.__name__} for {type(old).__name__}"


def _replace(node: ast.AST, name: str, value: object) -> Edit:
    """A function that sets an attribute of a node."""
    return lambda: setattr(node, name, value)


if __name__ == "__main__":
    sys.exit(main())
