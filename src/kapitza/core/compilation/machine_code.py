"""Whether numba has the machine code of a function, so that a user can be told before it is made."""

from pathlib import Path
from typing import Any


def has_machine_code(dispatcher: Any) -> bool:
    """Whether machine code of what `numba.njit` makes of a function is there, in memory or on the disk."""
    if dispatcher.signatures:
        return True
    folder = getattr(dispatcher.stats, "cache_path", None)
    if folder is None:
        return False
    # numba names its index after the function and its line, and does not use one that is older than the source
    function = dispatcher.py_func
    name = function.__qualname__.rpartition(".")[-1]
    indices = Path(folder).glob(f"*.{name}-{function.__code__.co_firstlineno}.*.nbi")
    changed = Path(function.__code__.co_filename).stat().st_mtime
    return any(index.stat().st_mtime >= changed for index in indices)
