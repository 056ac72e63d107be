"""How numba makes machine code, and whether it has that of a function, so that a user can be told before it is made."""

import gc
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar

_Result = TypeVar("_Result")


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


def call_kernel(dispatcher: Any, function: Callable[..., _Result], *arguments: Any) -> _Result:
    """Call a function; where that compiles a kernel, in a third less time than by a plain call.

    The compiler makes millions of objects that stay, and searching them for garbage takes a seventh of its time.

    Parameters
    ----------
    dispatcher : what `numba.njit` makes of the kernel that the function calls
    function : the kernel itself, or what leads to it
    arguments : of the function
    """
    if dispatcher.signatures:
        return function(*arguments)
    enabled = gc.isenabled()
    gc.disable()
    try:
        return _call_with_room(function, arguments)
    finally:
        if enabled:
            gc.enable()


def _call(function: Callable[..., _Result], arguments: tuple[Any, ...]) -> _Result:
    return function(*arguments)


# CPython's stack grows by 16 kB and shrinks as soon as it can: a call across such a boundary asks the system for memory
# each time it is made, up to a quarter of a compilation.  A frame of 1.1 MB is given 2 MB, and calls stay in the rest.
_call_with_room = FunctionType(_call.__code__.replace(co_stacksize=140_000), globals())


def inner_options() -> dict[str, Any]:
    """Options of `numba.njit` for a function that only compiled ones call.

    No machine code is made of it but in those.  Where a version of numba lacks the parts that this takes, the function
    is compiled as usual, and all of them together take half as long again.
    """
    options: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    with suppress(ImportError):
        options["pipeline_class"] = import_module("kapitza.core.inner_compiler").InnerCompiler
    return options
