"""How kernels are compiled, and the types of their lists.  Importing this module needs numba."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

from kapitza.core.arrays import IntArray

KernelFunction = TypeVar("KernelFunction", bound=Callable[..., Any])


def compile_kernel(function: KernelFunction) -> KernelFunction:
    """Compile a function when it is first used, and keep the machine code where there is a folder for it. Sums may be
    taken in another order and products fused; infinities and NaN keep their meaning.
    """
    options: dict[str, Any] = {
        "nogil": True,
        "error_model": "numpy",
        "fastmath": {"contract", "reassoc", "nsz", "arcp"},
    }
    try:
        return cast("KernelFunction", numba.njit(cache=True, **options)(function))
    except RuntimeError:
        return cast("KernelFunction", numba.njit(**options)(function))


@compile_kernel
def max_neighbours(start: IntArray) -> int:
    """Largest number of neighbours of one atom."""
    result = 0
    for i in range(start.size - 1):
        result = max(result, start[i + 1] - start[i])
    return result
