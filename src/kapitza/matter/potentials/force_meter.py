"""Evaluations of forces: how many of them there will be, on how many atoms, what one costs, and how far they are."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from attrs import field, frozen

from kapitza.core.arrays import about
from kapitza.core.records import BaseRecord
from kapitza.run.progress import Progress


@frozen
class PlannedForces(BaseRecord):
    """One step of a plan: so many evaluations of forces on so many atoms; what a search needs is a guess."""

    what: str
    evaluations: int
    atoms: int
    guessed: bool = False

    @property
    def work(self) -> int:
        """Evaluations times atoms."""
        return self.evaluations * self.atoms


@frozen
class ForceCost(BaseRecord):
    """What an evaluation of forces costs for each atom, as measured; memory is None where the system does not tell."""

    seconds: float = field(metadata=about("s", "processor time for each atom"))
    memory: float | None = field(metadata=about("B", "memory for each atom, beyond that of the program"))
    first: float = field(default=0.0, metadata=about("s", "more for the first evaluation of a size: compilation"))
    base: float = field(default=0.0, metadata=about("B", "memory of the program with the calculator"))

    def describe(self, plan: Sequence[PlannedForces], at_once: int) -> str:
        """What a plan costs, in one line: evaluations, processor time, memory where `at_once` atoms go together."""
        sizes = {step.atoms for step in plan if step.evaluations}
        total = self.seconds * sum(step.work for step in plan) + self.first * len(sizes)
        largest = max(at_once, *(step.atoms for step in plan))
        memory = "" if self.memory is None else f" and {(self.base + self.memory * largest) / 1e9:.2g} GB of memory"
        steps = ", ".join(
            f"{step.what} {'some ' if step.guessed else ''}{step.evaluations} on {step.atoms} atoms"
            for step in plan
            if step.evaluations
        )
        return (
            f"about {sum(step.evaluations for step in plan)} evaluations of forces, {duration(total)} of "
            f"processor time{memory} in all, at {1e3 * self.seconds:.2g} ms an atom, less what is kept: {steps}"
        )


def duration(seconds: float) -> str:
    """Some time in words."""
    if seconds < 90:
        return f"{seconds:.2g} s"
    return f"{seconds / 60:.2g} min" if seconds < 5400 else f"{seconds / 3600:.2g} h"


class ForceMeter:
    """Counts evaluations of forces against a plan, step by step; what a step has kept from before is done at once."""

    def __init__(self, plan: Sequence[PlannedForces], progress: Progress | None) -> None:
        self.plan, self.progress = tuple(plan), progress
        self._step, self._work = -1, 0
        self._total = sum(step.work for step in plan)
        self._evaluations = sum(step.evaluations for step in plan)

    def begin(self) -> None:
        """Begin the next step of the plan."""
        self._step, self._work = min(self._step + 1, len(self.plan)), 0
        self._report()

    def count(self, atoms: int) -> None:
        """Count an evaluation of forces on so many atoms."""
        self._work += atoms
        self._report()

    def finish(self) -> None:
        """Count all as done."""
        self._step, self._work = len(self.plan), 0
        self._report()

    def _report(self) -> None:
        if self.progress is None or not self._total or self._step < 0:
            return
        here = self.plan[self._step].work if self._step < len(self.plan) else 0
        done = sum(step.work for step in self.plan[: self._step]) + min(self._work, here)
        self.progress(int(self._evaluations * done / self._total), self._evaluations)


def peak_memory() -> float | None:
    """Most memory that this process has had, B; None where the system does not tell."""
    try:
        resource: Any = import_module("resource")
    except ModuleNotFoundError:  # on Windows
        return None
    unit = 1 if import_module("sys").platform == "darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * unit
