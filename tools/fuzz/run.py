"""Damage the seeds of every parser and see that each case is read, or refused in one line.

    python tools/fuzz/run.py --cases 200            the same cases every time; in CI with --processes 2
    python tools/fuzz/run.py --cases 10000          over a night
    python tools/fuzz/run.py leg "saved json"       these parsers alone
    python tools/fuzz/run.py --show leg 17          one case: what was damaged, and the traceback

Each parser works in a process of its own with 3 GiB of memory beyond what it starts with, and 20 s of the processor a
case.  Case n of a parser is the same on every machine.  Faults are a traceback, a hang, a blow of memory, a crash, a
message of several lines, an infinite number or NaN in what was read, where the undamaged file had none and nothing
warned, or a number above 1e100 ("absurd"), which no quantity in SI units has.  The exit status is 1 if there is any
fault.

Readers that the package runs in a process of their own are forks of the worker here, which have imported everything:
a hundred cases a second in place of two.
"""

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from difflib import unified_diff
from pathlib import Path
from random import Random
from types import FrameType, SimpleNamespace
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "src")]

from damage import damaged  # noqa: E402
from parsers import TABLE, Parser, Refused  # noqa: E402

from kapitza.errors import KapitzaError  # noqa: E402
from kapitza.io.formats import child  # noqa: E402

SECONDS = 20.0  # of the processor
WAITING = 10  # times that by the clock
MEMORY = 3 * 2**30
MOST_SHOWN = 12
LARGEST = 1e100  # far beyond all quantities in SI units
MAY_BE_INFINITE = ("conductance", "contact", "side", "coefficient", "thickness")  # as a cold face
BAD_SEED = 3  # exit status of a worker


class Hang(BaseException):
    """A case takes too long."""


def main() -> int:
    """Run the parsers that are named, or all."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("names", nargs="*", help="parsers; all if none")
    arguments.add_argument("--cases", type=int, default=200)
    arguments.add_argument("--first", type=int, default=0, help="number of the first case")
    arguments.add_argument("--seconds", type=float, default=float("inf"), help="most time for each parser")
    arguments.add_argument("--processes", type=int, default=1, help="parsers at a time")
    arguments.add_argument("--show", nargs=2, metavar=("PARSER", "CASE"), help="show one case")
    arguments.add_argument("--worker", help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.show:
        return show(chosen.show[0], int(chosen.show[1]))
    if chosen.worker:
        return work(chosen.worker, chosen.first, chosen.cases, chosen.seconds)
    wrong = [name for name in chosen.names if name not in TABLE]
    if wrong:
        arguments.error(f"no parser {wrong[0]!r}; there are {', '.join(TABLE)}")
    with ThreadPoolExecutor(chosen.processes) as pool:
        runs = [pool.submit(drive, name, chosen.first, chosen.cases, chosen.seconds) for name in chosen.names or TABLE]
        counts = [run.result() for run in runs]
    total = sum(counts, Counter())
    faults = sum(number for kind, number in total.items() if kind not in ("read", "refused"))
    print(f"{len(counts)} parsers, {summary(total)}")
    return 1 if faults else 0


def drive(name: str, first: int, cases: int, seconds: float) -> Counter[str]:
    """Run one parser in processes, a new one after each crash, and print its faults."""
    counts: Counter[str] = Counter()
    shown: Counter[str] = Counter()
    end, start = first + cases, time.monotonic()
    while first < end and time.monotonic() - start < seconds:
        left = seconds - (time.monotonic() - start)
        command = [sys.executable, __file__, "--worker", name, "--first", str(first), "--cases", str(end - first)]
        number = first - 1
        with subprocess.Popen([*command, "--seconds", str(left)], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                number, kind, detail = json.loads(line)
                counts[kind] += 1
                if kind not in ("read", "refused") and shown[detail] < 1 and len(shown) < MOST_SHOWN:
                    print(f"  {name}, case {number}: {kind}: {detail}")
                    shown[detail] += 1
        if process.returncode == 0:
            break
        if process.returncode == BAD_SEED:
            counts["bad seed"] += 1
            break
        counts["crash"] += 1
        print(f"  {name}, case {number + 1}: crash with status {process.returncode}")
        first = number + 2
    print(f"{name}: {summary(counts)}", flush=True)
    return counts


def summary(counts: Counter[str]) -> str:
    """Number of cases, and what became of them."""
    return f"{counts.total()} cases, " + ", ".join(f"{number} {kind}" for kind, number in counts.most_common())


def work(name: str, first: int, cases: int, seconds: float) -> int:
    """Do cases, and print a line for each."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz") as folder:
        parser = TABLE[name]
        good = Path(folder) / "good"
        good.mkdir()
        parser.make(good)
        files = damageable(parser, good)
        usual = {path: oddities(read_undamaged(parser, good, path)) for path in files}
        child.subprocess = SimpleNamespace(run=run_in_fork, TimeoutExpired=subprocess.TimeoutExpired)
        signal.signal(signal.SIGPROF, stop_case)
        signal.signal(signal.SIGALRM, stop_case)
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        mapped = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (max(used, mapped) + MEMORY, resource.RLIM_INFINITY))
        for number in range(first, first + cases):
            if time.monotonic() - start > seconds:
                break
            path, content = case(parser, name, number, files)
            kind, detail, found = outcome(parser, good, path, content)
            if kind == "read":
                new, wild = (here - there for here, there in zip(oddities(found), usual[path], strict=True))
                if (new or wild) and "warned" not in detail:
                    kind, detail = "non-finite" if new else "absurd", ", ".join(sorted(new or wild)[:3])
            print(json.dumps([number, kind, detail]), flush=True)
    return 0


def run_in_fork(command: list[str], timeout: float, **_options: Any) -> subprocess.CompletedProcess[str]:
    """What `subprocess.run` does with a command of `kapitza.io.formats.child`, in a fork of this process."""
    reading, writing = os.pipe()
    number = os.fork()
    if number == 0:
        status = 1
        try:
            os.close(reading)
            resource.setrlimit(resource.RLIMIT_CPU, (int(timeout), int(timeout) + 1))
            sys.stdout = os.fdopen(writing, "w")
            child._main(*command[command.index(child.__name__) + 1 :])  # noqa: SLF001 - as `python -m` runs it
            status = 0
        except SystemExit as end:
            status = int(str(end.code))
        finally:
            sys.stdout.flush()
            os._exit(status)
    os.close(writing)
    try:
        with os.fdopen(reading, errors="replace") as pipe:
            said = pipe.read()
    finally:  # a case that is stopped for its time does not leave its fork behind
        if sys.exc_info()[0] is not None:
            os.kill(number, signal.SIGKILL)
        ended = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
    return subprocess.CompletedProcess(command, ended, said, "")


def read_undamaged(parser: Parser, good: Path, path: Path) -> Any:
    """What is read from a file as it is."""
    kind, detail, found = outcome(parser, good, path, None)
    if kind != "read":
        sys.stderr.write(f"the seed {path.name} is not read: {kind}: {detail}\n")
        raise SystemExit(BAD_SEED)
    return found


def damageable(parser: Parser, good: Path) -> list[Path]:
    """Files of the folder that are damaged, in the same order everywhere."""
    found = sorted(path for path in good.glob(parser.damage) if path.is_file())
    if not found:
        sys.stderr.write(f"no seed {parser.damage}\n")
        raise SystemExit(BAD_SEED)
    return found


def case(parser: Parser, name: str, number: int, files: list[Path]) -> tuple[Path, bytes]:
    """The file that a case damages, and its bytes then."""
    rng = Random(f"{name} {number}")
    path = rng.choice(files)
    return path, damaged(path.read_bytes(), rng, binary=parser.binary)


def outcome(parser: Parser, good: Path, path: Path, content: bytes | None) -> tuple[str, str, Any]:
    """What becomes of a case: its kind, a detail, and what was read."""
    with tempfile.TemporaryDirectory(prefix="case") as folder:
        place = Path(folder) / "seed"
        shutil.copytree(good, place)
        target = place / path.relative_to(good)
        if content is not None:
            target.write_bytes(content)
        signal.setitimer(signal.ITIMER_PROF, SECONDS if content is not None else 0)
        signal.setitimer(signal.ITIMER_REAL, WAITING * SECONDS if content is not None else 0)
        try:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                found = parser.read(target)
        except (KapitzaError, Refused) as err:
            return ("refused" if "\n" not in str(err) else "several lines"), f"{err!r:.200}", None
        except Hang:
            return "hang", innermost(), None
        except MemoryError:
            return "memory", innermost(), None
        except OSError as err:
            return "refused" if err.filename else "no file named", f"{err!r:.200}", None
        except Exception as err:  # noqa: BLE001 - to find these is what this is for
            return "traceback", f"{type(err).__name__} at {innermost()}: {' '.join(str(err).split()):.120}", None
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
    noted = isinstance(found, dict) and bool(found.get("notes"))
    return "read", "warned" if said or noted else "", found


def stop_case(_number: int, _frame: FrameType | None) -> None:
    """End a case that takes too long."""
    raise Hang


def innermost() -> str:
    """The line of the package in which an exception was raised."""
    error = sys.exc_info()[1]
    frames = traceback.extract_tb(error.__traceback__ if error else None)
    ours = [f"{Path(one.filename).name}:{one.lineno} {one.name}" for one in frames if "kapitza" in one.filename]
    return ours[-1] if ours else "another package"


def oddities(value: Any) -> tuple[set[str], set[str]]:
    """Names that lead to an infinite number or NaN, and to a finite one that no quantity has."""
    found = [(place, np.abs(np.asarray(array))) for place, array in numbers(value, "")]
    infinite = {place for place, array in found if np.isinf(array).any() and not place.endswith(MAY_BE_INFINITE)}
    odd = infinite | {place for place, array in found if np.isnan(array).any()}
    wild = {place for place, array in found if (np.isfinite(array) & (array > LARGEST)).any()}
    return odd, wild


def numbers(value: Any, place: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """All floating-point numbers of a result, with the names that lead there; positions in lists do not count."""
    if depth > 9:
        return
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "fc":
            yield place, value
    elif isinstance(value, (float, complex, np.floating)):
        yield place, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from numbers(item, f"{place}.{key}", depth + 1)
    elif isinstance(value, (list, tuple)):
        for item in value[:1000]:
            yield from numbers(item, f"{place}[]", depth + 1)
    else:
        for one in getattr(type(value), "__attrs_attrs__", ()):
            yield from numbers(getattr(value, one.name, None), f"{place}.{one.name}", depth + 1)


def show(name: str, number: int) -> int:
    """Show what one case damages and what becomes of it."""
    parser = TABLE[name]
    with tempfile.TemporaryDirectory(prefix="fuzz") as folder:
        good = Path(folder)
        parser.make(good)
        path, content = case(parser, name, number, damageable(parser, good))
        old, new = (data.decode("utf-8", "replace").splitlines() for data in (path.read_bytes(), content))
        print("\n".join(line[:200] for line in unified_diff(old, new, path.name, "damaged", n=0, lineterm="")))
        path.write_bytes(content)
        print(parser.read(path))
    return 0


if __name__ == "__main__":
    sys.exit(main())
