"""How far long work is and how long it will take: a line on a terminal, a bar in a notebook, nothing elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import rich.progress

Progress = Callable[[int, int], None]

_MIN_INTERVAL = 0.1  # seconds between two drawings of a bar
_BAR_WIDTH = 24  # characters
_AVERAGED = 1e9  # seconds of the past from which the time that is left follows: units may take hours


def progress_bar(name: str) -> Progress:
    """Return a function of the numbers of finished and of all units that shows them, with the time that is left.

    It is what functions that do long work take as ``progress=``.  On a terminal it draws one line on the error stream,
    in a notebook a bar below the cell; a file or a pipe gets nothing.

    Parameters
    ----------
    name : what is counted, such as "replicas"
    """
    return _Bar(name).update


@contextmanager
def elapsed_time(name: str) -> Generator[threading.Event, None, None]:
    """Count the seconds of work whose end nobody knows, until the event that is given is set or the block ends."""
    done = threading.Event()
    bar = _Bar(name)

    def count() -> None:
        while not done.wait(1.0):
            bar.update(0, None)
        bar.clear()

    counter = threading.Thread(target=count, daemon=True)
    if bar.is_shown:
        counter.start()
    try:
        yield done
    finally:
        done.set()
        if counter.is_alive():
            counter.join()


class _Bar:
    """Progress of one work: the estimates are those of rich, the drawing leaves the cursor as it is.

    rich itself would hide the cursor and draw from a thread, which an interrupt would leave behind.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._draw = _notebook_drawing() or (_draw_line if sys.stderr.isatty() else None)
        self.is_shown = self._draw is not None
        self._model: rich.progress.Progress | None = None
        self._last = 0.0

    def update(self, done: int, total: int | None) -> None:
        """Show how much is done."""
        if self._draw is None:
            return
        if self._model is None or done < self._model.tasks[0].completed:  # another work of the same name begins
            self._model = _model(self._name, done, total)
        self._model.update(self._model.tasks[0].id, completed=done, total=total)
        now, finished = time.monotonic(), done == total
        if finished or now - self._last >= _MIN_INTERVAL:
            self._last = now
            self._draw(self._model, finished)
        if finished:
            self._model = None

    def clear(self) -> None:
        """Take a line off the terminal."""
        if self._draw is _draw_line:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _model(name: str, done: int, total: int | None) -> rich.progress.Progress:
    """Return what estimates the time that is left, from the units that are finished from now on."""
    from rich import progress

    columns: list[progress.ProgressColumn] = [progress.TextColumn("{task.description}", markup=False)]
    if total is None:
        columns += [progress.TimeElapsedColumn()]
    else:
        columns += [
            progress.BarColumn(_BAR_WIDTH),
            progress.MofNCompleteColumn(" of "),
            progress.TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        ]
    model = progress.Progress(*columns, disable=True, speed_estimate_period=_AVERAGED, get_time=time.monotonic)
    model.add_task(name, total=total, completed=done)
    return model


def _draw_line(model: rich.progress.Progress, finished: bool) -> None:
    from rich.console import Console

    console = Console(file=sys.stderr, highlight=False)
    with console.capture() as captured:
        console.print(model.get_renderable())
    line = captured.get().strip("\n").partition("\n")[0]
    sys.stderr.write(f"\r{line}\x1b[K" + "\n" * finished)
    sys.stderr.flush()


def _notebook_drawing() -> Callable[[rich.progress.Progress, bool], None] | None:
    """Return what draws a bar below the cell of a notebook that runs, or None outside of one."""
    ipython: Any = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    display: Any = import_module("IPython.display")
    handles: list[Any] = []

    def draw(model: rich.progress.Progress, finished: bool) -> None:
        page = display.HTML(_bar_page(model.tasks[0]))
        if handles:
            handles[0].update(page)
        else:
            handles.append(display.display(page, display_id=True))
        if finished:
            handles.clear()

    return draw


def _bar_page(task: rich.progress.Task) -> str:
    """Bar, counts and time that is left, as HTML without colours of its own; the seconds of work of unknown length."""
    if task.total is None:
        return f"<div><label>{escape(task.description)} <progress></progress> {task.elapsed or 0:.0f} s</label></div>"
    done, total = round(task.completed), round(task.total)
    left = "" if task.time_remaining is None or done == total else f", {task.time_remaining:.0f} s left"
    return (
        f"<div><label>{escape(task.description)} "
        f'<progress value="{done}" max="{max(total, 1)}"></progress> {done} of {total}{left}</label></div>'
    )
