"""Compilation of functions that only compiled functions call: machine code of them is made once, in what calls them.

numba makes machine code of each function by itself as well, along with all that it calls, which takes a third of the
compilation and is never run.  The parts of numba used here are not documented: where they are missing,
`machine_code.inner_options` does without.
"""

from typing import Any, Literal

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
        """Do so; return that something has changed."""
        state.library = _InnerLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = True
        super().run_pass(state)
        lowered, name = state["cr"], state.func_id.func_name
        # by this callers find the function; it has no address, for Python does not call it
        module = lowered.fndesc.lookup_module()
        place = _dynfunc.make_function(module, name, "", 0, lowered.env, (state.library,))
        state.targetctx.insert_user_function(place, lowered.fndesc, [state.library])
        state["cr"] = lowered._replace(cfunc=place)
        return True


class InnerCompiler(CompilerBase):
    """The usual passes of numba but for the last."""

    def define_pipelines(self) -> list[Any]:
        """Return the one list of passes."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.passes = [(_InnerLowering if step is NativeLowering else step, says) for step, says in passes.passes]
        passes.finalize()
        return [passes]
