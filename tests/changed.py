"""`pytest --changed[=REVISION]`: the tests that a change can turn red, the nearest first, for a minute.

Changed files are those that differ from REVISION (by default the last commit), new ones among them.  A test is
selected if its module, or its page, uses a changed file through any number of imports.  Tests that use it directly
come first, then those at a distance of two imports, and so on; at each distance first those whose file has a word of
the changed path in its name, and of these the fast ones.  The list is cut at 60 s of CPU time, or at
`--changed-seconds`.  A line at the end gives the number of other tests that depend on the change: `.ci/run` runs them.

CPU times of slow tests are in `tests/data/durations.json`, which `.ci/nightly` writes by `pytest --write-durations`.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from imports import ROOT, Imports

DURATIONS = ROOT / "tests" / "data" / "durations.json"
SLOW = 0.5  # s of CPU; slower tests are listed one by one
TYPICAL = 0.05  # s of CPU of a test that is not listed
PAGE_TESTS = ("test_blocks.py", "test_narrow.py")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options to pytest."""
    group = parser.getgroup("kapitza")
    group.addoption(
        "--changed", nargs="?", const="HEAD", metavar="REVISION", help="run the tests nearest to what changed"
    )
    group.addoption("--changed-seconds", type=float, default=60.0, help="CPU time of --changed, 60 s if omitted")
    group.addoption("--write-durations", action="store_true", help="write CPU times of slow tests into tests/data")


def changed_files(revision: str) -> set[Path]:
    """Files that differ from a revision, and new files."""
    commands = (["git", "diff", "--name-only", revision], ["git", "ls-files", "--others", "--exclude-standard"])
    try:
        lists = [subprocess.run(c, cwd=ROOT, capture_output=True, text=True, check=True).stdout for c in commands]
    except subprocess.CalledProcessError as err:
        raise pytest.UsageError(f"--changed={revision}: {err.stderr.strip()}") from err
    return {ROOT / name for text in lists for name in text.splitlines()}


def node_of(item: pytest.Item) -> str:
    """Node of a test: its module, or the page that it runs."""
    name = item.path.relative_to(ROOT).as_posix()
    page = re.search(r"\[(.*\.md)\]$", item.nodeid)
    return page[1] if page and name.endswith(PAGE_TESTS) else name


def words(*names: str) -> set[str]:
    """Words in names of modules and files, without the endings of the plural."""
    return {word.removesuffix("s") for name in names for word in re.findall(r"[a-z]{3,}", name)} - {
        "kapitza", "test", "doc", "init",
    }  # fmt: skip


def select(items: list[pytest.Item], paths: set[Path], seconds: float) -> tuple[list[pytest.Item], int]:
    """Tests for some changed files in their order, and the number of those that the time does not suffice for."""
    imports = Imports()
    nodes = imports.changed_nodes(paths)
    distances = imports.distances(nodes)
    topics = words(*(name.removeprefix("kapitza.") for name in nodes - imports.readers))
    durations: dict[str, float] = json.loads(DURATIONS.read_text(encoding="utf-8")) if DURATIONS.exists() else {}
    ranked = []
    for item in items:
        node = node_of(item)
        if node in distances:
            near = len(topics & words(node))
            ranked.append((distances[node], -near, durations.get(item.nodeid, TYPICAL), len(ranked), item))
    chosen, spent = [], 0.0
    for *_, cost, _, item in sorted(ranked, key=lambda row: row[:4]):
        if spent + cost <= seconds:
            chosen.append(item)
            spent += cost
    return chosen, len(ranked) - len(chosen)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of a change."""
    revision = config.getoption("changed")
    if revision is None:
        return
    chosen, rest = select(items, changed_files(revision), config.getoption("changed_seconds"))
    config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
    items[:] = chosen
    config.stash[LEFT] = rest


LEFT = pytest.StashKey[int]()
TIMES = pytest.StashKey[dict[str, float]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell how many tests of the change did not run."""
    left = config.stash.get(LEFT, None)
    if left is not None:  # only workers know it if there are several processes
        terminalreporter.write_line(f"--changed: {left} more tests depend on the change; they are farther or slower")


def cpu_time() -> float:
    """CPU time of this process and of those that it has waited for, s."""
    return sum(os.times()[:4])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Measure the CPU time of a test."""
    before = cpu_time()
    result = yield
    item.config.stash.setdefault(TIMES, {})[item.nodeid] = cpu_time() - before
    return result


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the CPU times of slow tests."""
    if session.config.getoption("write_durations"):
        slow = {name: round(time, 1) for name, time in session.config.stash.get(TIMES, {}).items() if time > SLOW}
        DURATIONS.write_text(json.dumps(dict(sorted(slow.items())), indent=0) + "\n", encoding="utf-8")
