"""Compiler of functions that only compiled functions call: no machine code is made of such a function by itself.

numba optimises each function by itself as well, along with all functions that it calls, which takes a fifth to a third
of the compilation and is never run.  The parts of numba used here are not documented.  Import this module through
`inner_compiler` only, which works without it.
"""

from functools import cache
from typing import Any, Literal

import numba
from numba import _dynfunc  # pyright: ignore[reportAttributeAccessIssue]  # compiled, without stubs
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering


class _InnerLibrary(JITCodeLibrary):
    """Code of a function and of those that it calls, not optimised before it is part of the function that Python calls.

    The names of the methods are those of numba.
    """

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class _InnerLowering(NativeLowering):
    """From typed code to that of LLVM, and no further."""

    _name = "inner_lowering"

    def run_pass(self, state: Any) -> Literal[True]:
        """Do so, or compile the function as usual if any step fails; return that something has changed."""
        try:
            state.library = _InnerLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
            state.flags.no_compile = True
            super().run_pass(state)
            lowered, name = state["cr"], state.func_id.func_name
            # by this callers find the function; it has no address, for Python does not call it
            module = lowered.fndesc.lookup_module()
            place = _dynfunc.make_function(module, name, "", 0, lowered.env, (state.library,))
            state.targetctx.insert_user_function(place, lowered.fndesc, [state.library])
            state["cr"] = lowered._replace(cfunc=place)
        except Exception:  # noqa: BLE001  # another numba may fail in any way; an error of the function is raised again
            state.library, state.flags.no_compile = None, False
            super().run_pass(state)
        return True


class _TrialCompiler(CompilerBase):
    """The usual passes of numba except for the last."""

    def define_pipelines(self) -> list[Any]:
        """Return the one list of passes."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.passes = [(_InnerLowering if step is NativeLowering else step, says) for step, says in passes.passes]
        passes.finalize()
        return [passes]


class InnerCompiler(_TrialCompiler):
    """The same passes if a trial of them succeeds, else those of numba."""

    def define_pipelines(self) -> list[Any]:
        """Return the one list of passes."""
        if _trial_succeeds():
            return super().define_pipelines()
        return [DefaultPassBuilder.define_nopython_pipeline(self.state)]


@cache
def _trial_succeeds() -> bool:
    """Whether functions that call each other give the right number with the installed version of numba."""
    njit: Any = numba.njit
    inner = njit(pipeline_class=_TrialCompiler, no_cpython_wrapper=True, no_cfunc_wrapper=True)

    @inner
    def square(x: float) -> float:
        return x * x

    @inner
    def fourth(x: float) -> float:
        return square(square(x))

    @njit
    def outer(x: float) -> float:
        return fourth(x) + square(x)

    try:
        return outer(3.0) == 90.0
    except Exception:  # noqa: BLE001  # whatever another numba raises here, it compiles without this pipeline
        return False
