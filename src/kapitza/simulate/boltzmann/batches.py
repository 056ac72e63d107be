"""One batch of particles by either road: compiled, or with arrays."""

import warnings
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kapitza.errors import ConvergenceError, InputError, MissingEngine, ValidityWarning, require
from kapitza.run.store import Arrays, Inputs
from kapitza.simulate.boltzmann.monte_carlo_arrays import fly_together
from kapitza.simulate.boltzmann.tracks import Tables

VERSION = "deviational-1"  # of the kernels: part of the address of stored results
WHY = "compiled Monte Carlo"


def road(compiled: bool | None, *, inclined: bool = False) -> ModuleType | None:
    """Compiled kernel, or None for the one with arrays; says so when it is missed.  Inclined sides need the first."""
    if inclined:
        if compiled is False:
            raise InputError("compiled = False: domains with inclined sides need the compiled road; leave it out")
        require("numba", extra="transport", why=f"{WHY} of domains with inclined sides")
        return require("kapitza.simulate.boltzmann.wedge_kernel", extra="transport", why=WHY)
    if compiled is False:
        return None
    try:
        require("numba", extra="transport", why=WHY)
    except MissingEngine as err:
        if compiled:
            raise
        warnings.warn(f"{err}; arrays give the same physics, about 15 times slower", ValidityWarning, stacklevel=4)
        return None
    return require("kapitza.simulate.boltzmann.monte_carlo_kernel", extra="transport", why=WHY)


def flown(kernel: ModuleType | None, tables: Tables, groups: int, slots: int, unit: Inputs) -> Arrays:
    """Tallies of one batch, for one watt set free.

    Parameters
    ----------
    kernel : compiled module, or None
    tables : see `tables_of`
    groups, slots : numbers of groups and probes
    unit : `seed`, `batch` and `count`
    """
    seed = np.random.SeedSequence([int(str(unit["seed"])), int(str(unit["batch"]))])
    count = int(str(unit["count"]))
    if kernel is None:
        found = fly_together(np.random.default_rng(seed), count, tables, groups, slots)
    else:
        found = flown_compiled(kernel, tables, (groups, slots), seed, count)
    return {name: value if name == "events" else value / count for name, value in found.items()}


def flown_compiled(
    kernel: ModuleType, tables: Tables, sizes: tuple[int, int], seed: np.random.SeedSequence, count: int
) -> dict[str, NDArray[np.float64]]:
    """The same by the compiled kernel."""
    groups, slots = sizes
    cells, faces = tables["other"].shape
    dimension = (faces + 1) // 2
    tallies: dict[str, Any] = {
        "heat": np.zeros(cells),
        "lattice": np.zeros(cells),
        "flow": np.zeros((cells, dimension)),
        "power": np.zeros((tables["kind"].size, groups)),
        "probe": np.zeros((slots, groups)),
    }
    moving = tuple(tables[name] for name in kernel.MOVING)
    starting = tuple(tables[name] for name in kernel.STARTING)
    most = int(tables["most"])
    state = seed.generate_state(4, np.uint64)
    events = kernel.batch(state, count, moving, starting, tuple(tallies.values()), most)
    if events < 0:
        raise ConvergenceError(f"a particle met {most} events: is it shut in?", tallies)
    return {**tallies, "events": np.array(float(events))}
