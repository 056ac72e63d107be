"""Computations beside the page: short ones in a thread, long ones in a process that can be cancelled."""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import signal
import warnings
from collections.abc import Callable
from concurrent import futures
from functools import partial
from multiprocessing.connection import Connection
from tempfile import gettempdir
from typing import Any

from attrs import field, frozen

from kapitza import KapitzaError
from kapitza.core import BaseRecord
from kapitza.errors import ConvergenceError
from kapitza.run import Progress
from kapitza.web.session import FOLDER_PREFIX

_KEPT_IN = re.compile(rf"{re.escape(gettempdir())}[\\/]{FOLDER_PREFIX}[^\\/\s]+[\\/](?:tmp[^\\/\s]+[\\/])*")
_POLL = 0.05  # seconds between two looks at a process
# one at a time: warnings are caught for all threads
_THREAD = futures.ThreadPoolExecutor(1, thread_name_prefix="compute")


@frozen(eq=False)
class Outcome(BaseRecord):
    """What a computation returned.

    Attributes
    ----------
    value : what the function returned
    remarks : what it warned of, one line each
    """

    value: Any
    remarks: tuple[str, ...] = field(default=(), converter=tuple)


async def compute(function: Callable[..., Any], *arguments: Any) -> Outcome:
    """Run a function of at most some seconds in a thread, while the page goes on; its errors are raised here."""
    return await asyncio.get_running_loop().run_in_executor(_THREAD, collect_remarks, function, arguments)


def collect_remarks(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Outcome:
    """Call a function, and collect what it warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value = function(*arguments)
    return Outcome(value, dict.fromkeys(" ".join(str(one.message).split()) for one in caught))


class Latest:
    """Runs a function for the last of many requests: what comes while it works waits, and only the newest is done."""

    def __init__(self, work: Callable[..., Any]) -> None:
        self._work = work
        self._waiting: tuple[Any, ...] | None = None
        self._busy = False

    async def __call__(self, *arguments: Any) -> None:
        """Work for these arguments, after what runs now, unless newer ones come meanwhile."""
        self._waiting = arguments
        if self._busy:
            return
        self._busy = True
        try:
            while self._waiting is not None:
                now, self._waiting = self._waiting, None
                await self._work(*now)
        finally:
            self._busy = False


class Cancelled(KapitzaError):
    """A long computation was cancelled by the user."""


class Job:
    """A long computation in a process of its own, which can be cancelled.

    The function of a module is called with the arguments, which are sent between processes as the result is, and
    `with_progress` also with ``progress=``, a function of the numbers of finished and of all units.
    """

    def __init__(self, function: Callable[..., Any], *arguments: Any, with_progress: bool = False) -> None:
        self._function, self._arguments, self._with_progress = function, arguments, with_progress
        self._process: Any = None
        self._cancelled = False

    async def run(self, on_progress: Progress | None = None) -> Outcome:
        """Start the process, report its progress, and return what it returned.

        Raises `Cancelled` after `cancel`, and what the function raised, or that the process ended by itself.
        """
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_serve, args=(there, self._function, self._arguments, self._with_progress), daemon=True
        )
        await asyncio.to_thread(self._process.start)
        there.close()
        try:
            return await self._listen(here, on_progress)
        finally:
            here.close()
            if self._process.is_alive():
                self._process.terminate()
            await asyncio.to_thread(self._process.join)

    async def _listen(self, here: Connection, on_progress: Progress | None) -> Outcome:
        while True:
            if self._cancelled:
                raise Cancelled("cancelled")
            if not here.poll():
                await asyncio.sleep(_POLL)
                continue
            try:
                kind, content = await asyncio.to_thread(here.recv)
            except EOFError as err:
                if self._cancelled:
                    raise Cancelled("cancelled") from err
                status = self._process.exitcode
                raise ConvergenceError(
                    f"the computation ended without a result (status {status}); it may have run out of memory"
                ) from err
            if kind == "progress":
                if on_progress is not None:
                    on_progress(*content)
            elif kind == "fault":
                raise content
            else:
                return content

    def cancel(self) -> None:
        """End the process, and with it what it has not finished."""
        self._cancelled = True
        if self._process is not None and self._process.is_alive():
            self._process.terminate()


def _serve(there: Connection, function: Callable[..., Any], arguments: tuple[Any, ...], with_progress: bool) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # interrupts are for the process that started this one

    def report(done: int, total: int) -> None:
        there.send(("progress", (done, total)))

    try:
        call = partial(function, progress=report) if with_progress else function
        there.send(("result", collect_remarks(call, arguments)))
    except (KapitzaError, OSError, MemoryError) as err:
        there.send(("fault", err if isinstance(err, KapitzaError) else KapitzaError(fault_text(err))))


def fault_text(err: BaseException) -> str:
    """One line of what went wrong; a dropped file goes by its own name, without the folder in which it is kept."""
    if isinstance(err, MemoryError):
        return "not enough memory for this"
    text = str(err)
    if isinstance(err, OSError) and not isinstance(err, KapitzaError) and err.strerror:
        text = f"{err.filename}: {err.strerror}" if err.filename else err.strerror
    return _KEPT_IN.sub("", " ".join(text.split()))
