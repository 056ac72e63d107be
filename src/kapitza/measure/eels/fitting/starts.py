"""What the spectra of a map share where their fits start, so that the model is not evaluated there for each."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array, BoolArray
from kapitza.measure.eels.fitting.algebra import clear_values
from kapitza.measure.eels.fitting.compiler import jit
from kapitza.measure.eels.fitting.lines import Model
from kapitza.measure.eels.fitting.problem import FitProblem

_SAME_START = 1e-12  # relative difference of starts that are the same
# of interpolation between starts: in full widths of the peak, whose error is then 2e-6 of it; and how many evaluations
# may be spent for each spectrum, where each is spared one
_START_SPACING, _MAX_START_SHARE = 1 / 32, 0.25


class SharedStart(NamedTuple):
    """The model where many spectra start: they differ in the centre of the peak and in a common factor alone.

    The first step needs no more than six digits, so it is taken from these by cubic interpolation.
    """

    x: Array  # (p,) parameters
    linear: BoolArray  # (p,) whether the electrons are proportional to a parameter
    centre: Array  # (m,) centres, evenly spaced; none where each spectrum has a start of its own
    jacobian: Array  # (m, p, n) derivatives there


@jit
def interpolate_start(shared: SharedStart, model: Model) -> None:
    """Write the model at a start that spectra share, from those at the two centres on either side."""
    x, mu, jacobian = model
    spacing = shared.centre[1] - shared.centre[0]
    t = (x[1] - shared.centre[0]) / spacing
    k = min(max(int(t), 1), shared.centre.size - 3)
    t -= k
    before, after, next_after = -t * (t - 1) * (t - 2) / 6, -t * (t + 1) * (t - 2) / 2, t * (t * t - 1) / 6
    at = (t * t - 1) * (t - 2) / 2
    scale = x[0] / shared.x[0]
    clear_values(mu)
    for a in range(x.size):
        factor = 1.0 if shared.linear[a] else scale
        amount = x[a] if shared.linear[a] else 0.0
        for i in range(mu.size):
            value = factor * (
                before * shared.jacobian[k - 1, a, i]
                + at * shared.jacobian[k, a, i]
                + after * shared.jacobian[k + 1, a, i]
                + next_after * shared.jacobian[k + 2, a, i]
            )
            jacobian[a, i] = value
            mu[i] += amount * value


def shared_start(problem: FitProblem, start: NDArray[Any], u: NDArray[Any]) -> SharedStart:
    """What starts (k, p), coordinates u, share, where they do and where that spares evaluations."""
    model, first, (k, p) = problem.model, np.array(start[0]), start.shape
    linear = np.zeros(p, dtype=np.bool_)
    linear[0] = True
    linear[model.first_mode + 2 : model.first_tie : 3] = True
    expected = np.where(linear, first * (start[:, :1] / first[0]), first)
    expected[:, 1] = start[:, 1]
    inside = (u >= problem.constraints.low) & (u <= problem.constraints.high)
    shared = bool((inside & (np.abs(start - expected) <= _SAME_START * np.abs(expected))).all())
    linear[model.first_tie + model.ties :] = True  # of the background, which is not in proportion to the peak
    spacing = _START_SPACING * float(first[2])
    least, most = float(start[:, 1].min()), float(start[:, 1].max())
    centres = int((most - least) / spacing) + 4 if shared else 0
    if centres > _MAX_START_SHARE * k:
        centres = 0
    centre = np.array(least + spacing * (np.arange(centres) - 1.0), dtype=np.float64)
    return SharedStart(first, linear, centre, np.empty((centres, p, problem.grid.channels)))
