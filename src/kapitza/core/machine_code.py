"""Whether numba has machine code of a function, so that a user can be told before it is made."""

from pathlib import Path
from typing import Any


def has_machine_code(dispatcher: Any) -> bool:
    """Whether machine code of a function that numba compiles is there, in memory or on the disk.

    Parameters
    ----------
    dispatcher : what `numba.njit` makes of a function
    """
    if dispatcher.signatures:
        return True
    folder = getattr(dispatcher.stats, "cache_path", None)
    if folder is None:
        return False
    # numba names its index after the function and its line, and does not use one that is older than the source
    source = dispatcher.py_func.__code__
    kept = Path(folder).glob(f"*.{source.co_name}-{source.co_firstlineno}.*.nbi")
    return any(one.stat().st_mtime >= Path(source.co_filename).stat().st_mtime for one in kept)
