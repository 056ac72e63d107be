"""Options of numba for functions that only compiled functions call.  Importing this module needs numba."""

from typing import Any

try:
    from kapitza.core.compilation.inner_pipeline import InnerCompiler
except Exception:  # noqa: BLE001  # the pipeline takes undocumented parts of numba, which may fail in any way
    InnerCompiler = None


def inner_options() -> dict[str, Any]:
    """Options of `numba.njit` for a function that only compiled ones call.

    Machine code is made of it in its callers only.  If a version of numba lacks the parts that this takes, or a trial
    of them fails, the function is compiled as usual, which takes a fifth to a third longer for all of them together.
    """
    options: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return options if InnerCompiler is None else options | {"pipeline_class": InnerCompiler}
