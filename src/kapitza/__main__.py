"""The command `kapitza` as a process: `kapitza ...`, or `python -m kapitza ...`.

An interrupt (Ctrl+C, or a request to end) leaves one line and the status 130 at any moment, also while modules are
imported, while compiled code works, and after the result is printed.
"""

import atexit
import os
import signal
import sys
from importlib import import_module
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_STATUS, _FAULT = 130, 2
_LINE = b"kapitza: interrupted\n"
_PATIENCE = 1.2  # seconds that the work has to end itself, before the process ends with its children


def main() -> int:
    """Run the command, and return its exit status: that of `kapitza.cli.main`."""
    atexit.register(_handle, signal.SIG_IGN)  # the last to run: what is done then stays done
    _handle(_leave)
    sys.unraisablehook = _print_unraisable
    command = import_module("kapitza.cli")  # takes longest by far: an interrupt meanwhile ends the process at once
    watch = _Watch()
    try:
        _handle(watch.interrupt)
        status = command.main()
        _handle(_leave)
    except BaseException:  # Python makes other errors of an interrupt in places, such as a RuntimeError in a class body
        if not watch.seen:
            raise
        _handle(signal.SIG_IGN)
        os.write(2, _LINE)
        status = _STATUS
    if status == _STATUS or watch.seen:
        if status not in (_STATUS, _FAULT):  # it was made another end of the command, which said nothing
            _handle(signal.SIG_IGN)
            os.write(2, _LINE)
        from contextlib import suppress

        with suppress(OSError, ValueError):  # if nobody reads it any longer
            sys.stdout.flush()
        _end()
    return status


def _handle(handler: object) -> None:
    """Set what an interrupt does, unless whoever started the process wants it to be ignored."""
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)  # pyright: ignore[reportArgumentType]


def _leave(_number: int = 0, _frame: FrameType | None = None) -> None:
    """Say that it was an interrupt, and end at once."""
    os.write(2, _LINE)
    _end()


def _end() -> None:
    """End this process and its workers, without more code of theirs.

    Left to itself, Python ends as if killed, without a status, where an interrupt has passed through an `exec` of text.
    """
    processes = sys.modules.get("multiprocessing")
    for worker in [] if processes is None else processes.active_children():
        worker.terminate()
    os._exit(_STATUS)


class _Watch:
    """Sees each signal in a thread of its own, since Python's handlers wait until compiled code returns."""

    def __init__(self) -> None:
        import threading

        self.seen = False
        if os.name != "posix":  # elsewhere only a socket would do
            return
        self._arrivals, wakeup = os.pipe()
        os.set_blocking(wakeup, False)
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
        threading.Thread(target=self._run, daemon=True, name="signals").start()

    def interrupt(self, _number: int, _frame: FrameType | None) -> None:
        """Interrupt the work."""
        self.seen = True
        raise KeyboardInterrupt

    def _run(self) -> None:
        """Wait for a signal, give the work a moment to end, and end it."""
        import time

        while os.read(self._arrivals, 1)[0] not in _SIGNALS:
            pass
        self.seen = True
        time.sleep(_PATIENCE)
        _leave()


def _print_unraisable(fault: "sys.UnraisableHookArgs") -> None:
    """Print what is raised where nobody can catch it; interrupts are seen by the watch."""
    if not issubclass(fault.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(fault)


if __name__ == "__main__":
    sys.exit(main())
