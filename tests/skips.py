"""`pytest --strict-skips`: a skipped test fails the run, unless it waits for a package that `skips.toml` lists."""

import re
import tomllib
from pathlib import Path

import pytest

PEERS = frozenset(tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))["peers"])
UNEXPECTED = pytest.StashKey[list[str]]()


def is_expected(reason: str) -> bool:
    """True if the reason of a skipped test is that one of the listed packages is missing."""
    missing = re.search(r"could not import '([\w.]+)'", reason)
    return missing is not None and missing[1] in PEERS


class SkipCheck:
    """Plugin that fails a run with skipped tests."""

    def __init__(self) -> None:
        self.unexpected: list[str] = []

    def check(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        """Keep a skipped test, or module, that is not expected."""
        if report.skipped and not hasattr(report, "wasxfail"):
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            if not is_expected(reason):
                self.unexpected.append(f"{report.nodeid}: {reason}")

    pytest_runtest_logreport = check
    pytest_collectreport = check

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a run that would pass."""
        if self.unexpected and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """List the skipped tests."""
        for line in self.unexpected:
            terminalreporter.write_line(f"--strict-skips: {line}", red=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option to pytest."""
    parser.getgroup("kapitza").addoption(
        "--strict-skips", action="store_true", help="fail if a test is skipped for a reason other than tests/skips.toml"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Check in the process that gathers the reports of all others."""
    if config.getoption("strict_skips") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(SkipCheck())
