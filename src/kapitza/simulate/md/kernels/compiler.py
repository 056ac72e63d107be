"""How kernels are compiled, and the types of their lists.  Importing this module needs numba."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

from kapitza.core.arrays import Array, BoolArray, Int32Array, IntArray
from kapitza.core.compilation.inner_compiler import inner_options

KernelFunction = TypeVar("KernelFunction", bound=Callable[..., Any])


_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "no_cfunc_wrapper": True,  # no kernel is called from C
    "error_model": "numpy",  # no test for division by zero, which keeps loops from being vectorized
    "fastmath": {"contract", "reassoc", "nsz", "arcp"},
}


def compile_kernel(function: KernelFunction) -> KernelFunction:
    """Compile a function when it is first used, and keep the machine code where there is a folder for it. Sums may be
    taken in another order and products fused; infinities and NaN keep their meaning.
    """
    try:
        return cast("KernelFunction", numba.njit(cache=True, **_OPTIONS)(function))
    except RuntimeError:
        return cast("KernelFunction", numba.njit(**_OPTIONS)(function))


def compile_inner(function: KernelFunction) -> KernelFunction:
    """Compile a function in the kernels that call it; Python cannot."""
    return cast("KernelFunction", numba.njit(**_OPTIONS | inner_options())(function))


def inner_copy(kernel: KernelFunction) -> KernelFunction:
    """Return a kernel that Python can call, for use in other kernels: no machine code of its own is made of it."""
    return cast("KernelFunction", compile_inner(getattr(kernel, "py_func", kernel)))


def inline_kernel(function: KernelFunction) -> KernelFunction:
    """Put a function into the kernels that call it: a call counts the references of its arrays, which takes time."""
    return cast("KernelFunction", numba.njit(inline="always")(function))


@compile_inner
def max_neighbours(start: IntArray) -> int:
    """Largest number of neighbours of one atom."""
    result = 0
    for i in range(start.size - 1):
        result = max(result, start[i + 1] - start[i])
    return result


@inline_kernel
def spread_pulls(i: int, m: int, who: Int32Array, pull: Array, f: Array) -> None:
    """Add the pulls (m, 3) of an atom on its m neighbours to the forces f, and the reaction to its own."""
    sx = sy = sz = 0.0
    for p in range(m):
        j = who[p]
        f[j, 0] += pull[p, 0]
        f[j, 1] += pull[p, 1]
        f[j, 2] += pull[p, 2]
        sx += pull[p, 0]
        sy += pull[p, 1]
        sz += pull[p, 2]
    f[i, 0] -= sx  # U_i depends on differences of positions only: forces sum to zero
    f[i, 1] -= sy
    f[i, 2] -= sz


@inline_kernel
def spread_across(i: int, m: int, who: Int32Array, pull: Array, right: BoolArray, g: Array) -> None:
    """Add the pulls (m, 3) of an atom on those of its m neighbours that are on the other side to g."""
    for p in range(m):
        j = who[p]
        if right[j] != right[i]:
            g[j, 0] += pull[p, 0]
            g[j, 1] += pull[p, 1]
            g[j, 2] += pull[p, 2]
