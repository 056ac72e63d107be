"""Progress of long work: a line on a terminal with the time that is left, a bar in a notebook, else nothing."""

import io
import re
import sys
import types
from typing import Any

import pytest

from kapitza.run.progress import elapsed_time, progress_bar


class Terminal(io.StringIO):
    """An error stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Cell:
    """What a notebook shows below a cell, as IPython would."""

    def __init__(self) -> None:
        self.pages: list[str] = []
        self.kernel = object()

    def update(self, page: str) -> None:
        self.pages.append(page)

    def display(self, page: str, *, display_id: bool) -> "Cell":
        assert display_id
        self.pages.append(page)
        return self


def shown() -> str:
    """What the terminal got, without colours."""
    return re.sub(r"\x1b\[\d*m", "", sys.stderr.getvalue())  # pyright: ignore[reportAttributeAccessIssue]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that the test sets, in seconds."""
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def run_ten(clock: list[float], kept: int = 0) -> None:
    """Ten units of 3 s each, of which some were kept from before."""
    tell = progress_bar("replicas")
    for done in range(kept, 11):
        tell(done, 10)
        clock[0] += 3.0


@pytest.mark.parametrize("kept", [0, 4])
def test_a_terminal_shows_the_time_that_is_left(kept: int, clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """Units of 3 s, with seven done: 9 s are left, whatever was kept from before."""
    monkeypatch.setattr(sys, "stderr", Terminal())
    run_ten(clock, kept)
    lines = shown().split("\r")
    assert re.search(r"replicas .* 7 of 10 +00:09", lines[-4])
    assert lines[-1].endswith("\n")
    assert all(len(line) <= 80 for line in lines)
    assert "\x1b[?25l" not in "".join(lines)  # an interrupt would leave the cursor hidden


def test_a_pipe_gets_nothing(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    run_ten(clock)
    with elapsed_time("compiling"):
        pass
    assert capsys.readouterr().err == ""


def test_a_notebook_shows_a_bar(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    cell = Cell()
    display: Any = types.ModuleType("IPython.display")
    display.HTML, display.display = str, cell.display
    ipython: Any = types.ModuleType("IPython")
    ipython.get_ipython, ipython.display = lambda: cell, display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    run_ten(clock)
    assert len(cell.pages) == 11
    assert '<progress value="7" max="10"></progress> 7 of 10, 9 s left' in cell.pages[7]
    assert "10 of 10</label>" in cell.pages[-1]


def test_work_of_unknown_length_counts_its_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    from kapitza.run.progress import _Bar

    monkeypatch.setattr(sys, "stderr", Terminal())
    bar = _Bar("compiling")
    bar.update(0, None)
    bar.clear()
    assert re.fullmatch(r"\rcompiling 0:00:00 *\x1b\[K\r\x1b\[K", shown())


def test_a_notebook_counts_the_seconds_of_work_of_unknown_length(clock: list[float]) -> None:
    from kapitza.run.progress import _bar_page, _model

    model = _model("compiling <all>", 0, None)
    clock[0] += 7.0
    assert _bar_page(model.tasks[0]) == "<div><label>compiling &lt;all&gt; <progress></progress> 7 s</label></div>"
