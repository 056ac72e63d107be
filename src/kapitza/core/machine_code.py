"""How numba makes machine code, and whether it has that of a function, so that a user can be told before it is made."""

import gc
from collections.abc import Generator
from contextlib import contextmanager, suppress
from importlib import import_module
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


@contextmanager
def paused_collection(dispatcher: Any) -> Generator[None]:
    """Look for no garbage while a function is called for the first time, if it is.

    Its compiler makes millions of objects that stay; searching them takes a seventh of the compilation.

    Parameters
    ----------
    dispatcher : what `numba.njit` makes of a function
    """
    enabled = gc.isenabled()
    if not dispatcher.signatures:
        gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def inner_options() -> dict[str, Any]:
    """Options of `numba.njit` for a function that only compiled ones call.

    No machine code is made of it but in those.  Where a version of numba lacks the parts that this takes, the function
    is compiled as usual, and all of them together take half as long again.
    """
    options: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    with suppress(ImportError):
        options["pipeline_class"] = import_module("kapitza.core.inner_compiler").InnerCompiler
    return options
