"""Compilation of the fit of spectra by numba."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

from kapitza.core.compilation.inner_compiler import inner_options

CompiledFunction = TypeVar("CompiledFunction", bound=Callable[..., Any])

_FAST_MATH = {"contract", "reassoc", "nsz", "arcp"}  # rounding may be rearranged; NaN and infinity keep their meaning


def _compiler(options: dict[str, Any]) -> Any:
    """Compiler of functions at their first use; threads may run beside it.

    No function creates an array, so that references need not be counted, which takes a tenth of the compilation.
    """
    njit: Any = numba.njit  # whose stubs do not know the option without references
    return njit(nogil=True, error_model="numpy", fastmath=_FAST_MATH, _nrt=False, **options)


def jit(function: CompiledFunction) -> CompiledFunction:
    """Compile a function for other compiled ones.

    Python cannot call it: what unpacks its arguments would be compiled again wherever the function is used.
    """
    return cast("CompiledFunction", _compiler(inner_options())(function))


def jit_cached(function: CompiledFunction) -> CompiledFunction:
    """Compile a function that Python calls, and keep the machine code on the disk where there is a folder for it."""
    try:
        return cast("CompiledFunction", _compiler({"cache": True, "no_cfunc_wrapper": True})(function))
    except RuntimeError:
        return cast("CompiledFunction", _compiler({})(function))
