"""How much a measured curve says about each number of a stack."""

from collections.abc import Sequence

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, finite
from kapitza.core.stack import Stack
from kapitza.errors import InputError
from kapitza.measure.experiment import Curve, Experiment
from kapitza.measure.parameters import Sample

STEP = 1e-4  # of the logarithm; the error of the differences is about 1e-9


@frozen(eq=False)
class Sensitivity:
    r"""Logarithmic derivatives of a signal.

    Attributes
    ----------
    names : (p,) of the numbers
    value : (p, n) $S_p = \partial\ln f/\partial\ln p$; for phases $\partial\phi/\partial\ln p$ in rad; per unit of p
        where p is 0 or may be negative
    kind : of the signal
    """

    names: tuple[str, ...]
    value: NDArray[np.float64]
    kind: str = "ratio"

    def of(self, name: str) -> Array:
        """(n,) sensitivity to one number."""
        if name not in self.names:
            raise InputError(f"no sensitivity to {name!r}: there are {', '.join(self.names)}")
        return finite(self.value[self.names.index(name)])


def sensitivity(
    experiment: Experiment, stack: Stack, names: Sequence[str] | None = None, *, kind: str = "ratio"
) -> Sensitivity:
    r"""Sensitivity of what an experiment would measure to numbers of its own and of the stack.

    Central differences of $\ln f$ over $\ln p$, after the definition of Gundrum, Cahill and Averback, Phys. Rev. B 72,
    245426 (2005), doi:10.1103/PhysRevB.72.245426.

    Parameters
    ----------
    experiment, stack : what is measured on what
    names : of the numbers; all that have a finite value, and are not 0, where None
    kind : of the signal; absolute derivatives for "phase"

    Raises
    ------
    InputError
        for a name that neither has, or a number without a finite value
    """
    sample = Sample(experiment, Curve([], [], kind=kind), stack)
    chosen = tuple(names) if names is not None else tuple(n for n in sample.names() if _usable(sample, n))
    return Sensitivity(chosen, np.array([_row(sample, name) for name in chosen]), kind)


def _usable(sample: Sample, name: str) -> bool:
    value = sample.value(name)
    return value is not None and bool(np.isfinite(value)) and value != 0


def _row(sample: Sample, name: str) -> Array:
    present = sample.value(name)
    if present is None or not np.isfinite(present):
        known = ", ".join(n for n in sample.names() if _usable(sample, n))
        raise InputError(f"{name!r} has no finite value here: there are {known}")
    signed = sample.signed(name) or present == 0
    ends = (present + STEP, present - STEP) if signed else (present * np.exp(STEP), present * np.exp(-STEP))
    up, down = (_signal(sample, {name: float(end)}) for end in ends)
    return (up - down) / (2 * STEP)


def _signal(sample: Sample, changes: dict[str, float]) -> Array:
    experiment, stack = sample.changed(changes)
    found = experiment.predict(stack)
    return found if sample.curve.kind == "phase" else np.log(np.abs(found))
