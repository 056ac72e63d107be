"""Conjugate gradients with algebraic multigrid, or scaled by the diagonal where pyamg is not installed."""

import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
from attrs import frozen
from scipy.sparse import csr_array

from kapitza.core.arrays import Array
from kapitza.core.records import BaseRecord
from kapitza.errors import ConvergenceError, MissingEngine, ValidityWarning, require

ENERGY_TOLERANCE = 1e-10  # of the energy norm of the error that multigrid sees
_LARGE_SYSTEM = 20_000  # unknowns above which the slow method gives a warning
_SMOOTHER_OPTIONS = {
    "presmoother": ("gauss_seidel", {"sweep": "forward"}),
    "postsmoother": ("gauss_seidel", {"sweep": "backward"}),
}

ApplyInverse = Callable[[Array], Array]


@frozen(eq=False)
class Preconditioner(BaseRecord):
    """An approximate inverse of a matrix, symmetric: how to apply it, how many iterations may need it, and how to build
    a dearer one if these do not suffice.
    """

    apply: ApplyInverse
    limit: int
    stronger: Callable[[], "Preconditioner"] | None = None


def build_preconditioner(matrix: csr_array, *, second_pass: bool = False) -> Preconditioner:
    """Ruge-Stueben multigrid from pyamg; the inverse of the diagonal with a warning where it is not installed.

    With a `second_pass` of its coarsening neighbours that depend on each other share a coarse point: twice the work and
    memory, for cells that are a thousand times as long as wide beside others, on which a single one stalls.
    """
    try:
        pyamg = require("pyamg", extra="fields", why="multigrid for large fields")
    except MissingEngine as err:
        diagonal: Array = np.asarray(matrix.diagonal(), dtype=np.float64)
        if diagonal.size > _LARGE_SYSTEM:
            warnings.warn(
                f"{diagonal.size} unknowns without multigrid take several times as long ({err})",
                ValidityWarning,
                stacklevel=4,
            )
        return Preconditioner(lambda residual: residual / diagonal, 20_000)
    # one V cycle, symmetric: a sweep forward before each coarser grid and one backward after it
    coarsening = ("RS", {"second_pass": second_pass})
    levels = pyamg.ruge_stuben_solver(matrix, max_coarse=200, CF=coarsening, **_SMOOTHER_OPTIONS)
    stronger = None if second_pass else partial(build_preconditioner, matrix, second_pass=True)
    return Preconditioner(levels.aspreconditioner(cycle="V").matvec, 200, stronger)


def conjugate_gradients(
    matrix: csr_array,
    right: Array,
    ready: Preconditioner,
    start: Array | None = None,
    tolerance: float = ENERGY_TOLERANCE,
) -> tuple[Array, int]:
    """(n,) solution of a symmetric system and the number of iterations, from a first guess `start`.

    `ready` is of this matrix or of one close to it.  `tolerance` is of r'Mr over b'Mb under the root, with residual r
    and preconditioner M: that of the error in energy.
    """
    found = np.zeros_like(right) if start is None else start.copy()
    residual = right - matrix @ found if start is not None else right.copy()
    towards = ready.apply(residual)
    size = float(residual @ towards)
    scale = size if start is None else float(right @ ready.apply(right))  # relative to b: a good guess saves steps
    direction = towards.copy()
    for i in range(ready.limit):
        # r'Mr is the energy of the error as the preconditioner sees it: it falls evenly, the residual does not
        if size <= tolerance**2 * scale:
            return found, i
        image = matrix @ direction
        step = size / float(direction @ image)  # lowest energy along this direction
        found += step * direction
        residual -= step * image
        towards = ready.apply(residual)
        before, size = size, float(residual @ towards)
        direction *= size / before  # with M symmetric, conjugate to all earlier directions
        direction += towards
    if ready.stronger is not None:
        return conjugate_gradients(matrix, right, ready.stronger(), found, tolerance)
    reached = np.sqrt(size / scale)
    raise ConvergenceError(
        f"{right.size} heat balances: {ready.limit} iterations reach {reached:.1e}, wanted {tolerance:.1e}", last=found
    )
