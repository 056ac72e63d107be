"""Files of others, read in a process of its own with limits of memory and time: `python -m kapitza.io.formats.child`.

A damaged file can stop compiled code dead, fill the memory or keep a reader busy without end.  What happens to the
child is told in one line, and the process that asked lives on.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name

from kapitza.errors import DataError, KapitzaError

_MAX_MEMORY_BYTES = 4 * 2**30
_MAX_SECONDS = 30  # for a small file, on a machine that is busy with other things
_LEAST_BYTES_PER_SECOND = 5e6  # as from a slow share of files
_EXIT_REFUSED = 3  # the function said why


def run_in_child(function: Callable[..., object], path: str, *arguments: str, seconds: float | None = None) -> None:
    """Run a function of a module on a file and texts in a process of its own; however it fails is a DataError.

    It may take `seconds`, and more for a large file.
    """
    seconds = (_MAX_SECONDS if seconds is None else seconds) + Path(path).stat().st_size / _LEAST_BYTES_PER_SECOND
    called = f"{function.__module__}:{function.__qualname__}"
    command = [sys.executable, "-P", "-m", __spec__.name, called, path, *arguments]
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")  # each thread reserves address space
    try:
        done = subprocess.run(  # noqa: S603 - this package, by the interpreter that runs it
            command, capture_output=True, text=True, errors="replace", timeout=seconds, check=False,
            env={**os.environ, **threads},
        )  # fmt: skip
    except subprocess.TimeoutExpired as err:
        raise DataError(f"is not read within {seconds:.0f} s: damaged?") from err
    if done.returncode == _EXIT_REFUSED:
        raise DataError(done.stdout.strip())
    if done.returncode:
        raise DataError(f"cannot be read: its reader ended with code {done.returncode}; damaged?")


def rehearse(read: Callable[[str], object], path: str) -> None:
    """Read a file in the child as the process that asked will do afterwards.

    What the reader refuses, that process refuses itself, in the same words: only what it cannot survive ends here.
    """
    try:
        read(path)
    except (KapitzaError, OSError) as err:
        if isinstance(err.__cause__, MemoryError):
            raise


def _main(function: str, *arguments: str) -> None:
    """Run the function under the limits; whatever it raises becomes one line and the exit code of a refusal."""
    if sys.platform != "win32":  # let a file that asks for all memory fail
        resource = import_module("resource")
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        limit = _MAX_MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(_MAX_MEMORY_BYTES, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        resolve_name(function)(*arguments)
    except Exception as err:  # noqa: BLE001 - a reader of others may raise whatever its language has
        sys.stdout.write(" ".join(str(err).split())[:400] or type(err).__name__)
        sys.exit(_EXIT_REFUSED)


if __name__ == "__main__":
    _main(*sys.argv[1:])
