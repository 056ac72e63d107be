"""Lines of the package that the tests run, room by room: pytest with `-p coverage_by_room --cov=kapitza`.

The table stands before the last line of pytest.  Rooms are the folders below `src/kapitza`.  What numba compiles counts
as not run, as do children that a test starts.
"""

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

PACKAGE = "kapitza"


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print statements and their share that was run, for each room."""
    plugin = config.pluginmanager.get_plugin("_cov")
    measured = getattr(getattr(plugin, "cov_controller", None), "cov", None)
    if measured is None:
        return
    run: dict[str, int] = defaultdict(int)
    total: dict[str, int] = defaultdict(int)
    for name in measured.get_data().measured_files():
        parts = Path(name).parts
        below = parts[len(parts) - parts[::-1].index(PACKAGE) :] if PACKAGE in parts else ()
        _, statements, _, missing, _ = measured.analysis2(name)
        for room in (below[0] if len(below) > 1 else "(top)", "all"):
            total[room] += len(statements)
            run[room] += len(statements) - len(missing)
    terminalreporter.section("lines that the tests run, by room")
    for room in sorted(total, key=lambda one: (one == "all", one)):
        share = 100 * run[room] / total[room]
        terminalreporter.write_line(f"{room:14} {run[room]:6} of {total[room]:6}  {share:5.1f} %")
