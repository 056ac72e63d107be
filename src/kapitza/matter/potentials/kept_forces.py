"""Forces on many structures, each kept when it is done: in batches, one by one, or shared by other processes."""

import json
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from threading import get_ident
from typing import Any

import numpy as np

from kapitza.core.arrays import Array
from kapitza.matter.potentials.force_field import ForceField
from kapitza.matter.potentials.named_force_fields import named_force_field
from kapitza.matter.structure import Structure
from kapitza.run.cache import keep_result, read_kept, writable_store
from kapitza.run.store import UnitInputs, UnitResult
from kapitza.run.work import ignore_progress, run_units

_FORCES_VERSION = "forces-1"


def forces_on_all(structures: Sequence[Structure], force_field: ForceField, *, periodic: bool = True) -> list[Array]:
    """Forces (n, 3) N on each of several structures, from the cache of this user where they are there; `progress` of
    the force field is called with the number of finished and of all.

    The first batch is held against the calculator itself before anything is kept (`ForceField.check_batch`).
    """
    found = [_read_forces(one, force_field, periodic=periodic) for one in structures]
    todo = [i for i, forces in enumerate(found) if forces is None]
    report = force_field.progress or ignore_progress
    report(len(found) - len(todo), len(found))
    shared = force_field.executor is not None and force_field.executor != 1 and force_field.recipe is not None
    if shared and force_field.identity is not None and len(todo) > 1:
        for i, forces in zip(
            todo, _shared_forces([structures[i] for i in todo], force_field, periodic=periodic), strict=True
        ):
            found[i] = forces
        return [forces for forces in found if forces is not None]
    sizes = [1] * len(todo)
    if force_field.batch is not None:
        sizes = force_field.batch.sizes([structures[i].masses.size for i in todo])
    unchecked = True
    for start, end in pairwise(accumulate(sizes, initial=0)):
        some = todo[start:end]
        chosen = [structures[i] for i in some]
        made = force_field.forces(chosen, periodic=periodic)
        if unchecked and len(some) > 1:
            force_field.check_batch(chosen, made, periodic=periodic)
            unchecked = False
        for i, forces in zip(some, made, strict=True):
            found[i] = forces
            if force_field.identity is not None:
                inputs = _force_inputs(structures[i], force_field, periodic=periodic)
                keep_result(inputs, {"forces": forces}, version=_FORCES_VERSION)
        report(len(found) - len(todo) + end, len(found))
    return [forces for forces in found if forces is not None]


def _force_inputs(one: Structure, force_field: ForceField, *, periodic: bool) -> UnitInputs:
    inputs: dict[str, Any] = {
        "calculator": force_field.identity, "symbols": one.symbols, "lattice": one.lattice, "positions": one.positions
    }  # fmt: skip
    return inputs if periodic else inputs | {"periodic": False}


def _read_forces(one: Structure, force_field: ForceField, *, periodic: bool) -> Array | None:
    """(n, 3) forces that were kept, N; None where there are none."""
    if force_field.identity is None:
        return None
    kept = read_kept(_force_inputs(one, force_field, periodic=periodic), version=_FORCES_VERSION)
    if kept is None:
        return None
    if force_field.meter is not None:
        force_field.meter.count(one.masses.size)
    return np.asarray(kept["forces"], dtype=float)


def _shared_forces(structures: Sequence[Structure], force_field: ForceField, *, periodic: bool) -> list[Array]:
    """(n, 3) forces on each structure, N, by other processes that make the calculator anew."""
    units = [_force_inputs(one, force_field, periodic=periodic) for one in structures]
    recipe, meter, before = json.dumps(dict(force_field.recipe or {}), default=dict), force_field.meter, [0]

    def report(done: int, total: int) -> None:
        if force_field.progress is not None:
            force_field.progress(done, total)
        if meter is not None and done > before[0]:
            meter.count((done - before[0]) * structures[0].masses.size)
        before[0] = done

    made = run_units(
        forces_unit,
        units,
        version=_FORCES_VERSION,
        store=writable_store(),
        executor=force_field.executor,
        progress=report,
        attach=lambda unit: {**unit, "recipe": recipe, "masses": structures[0].masses, "reach": force_field.reach},
    )
    return [np.asarray(one["forces"], dtype=float) for one in made]


def forces_unit(unit: UnitInputs) -> UnitResult:
    """Kernel: the forces on one structure, N, by a calculator that each thread of a process makes once."""
    symbols = tuple(str(symbol) for symbol in np.asarray(unit["symbols"]).tolist())
    lattice, positions, masses = (np.asarray(unit[key], dtype=float) for key in ("lattice", "positions", "masses"))
    one = Structure("displaced", lattice, positions, masses, symbols)
    kind = (str(unit["recipe"]), tuple(sorted(set(symbols))), float(np.asarray(unit["reach"])))
    made = _made_force_field(*kind, get_ident())
    return {"forces": made.state(one, periodic=bool(unit.get("periodic", True))).forces}


@lru_cache(maxsize=64)
def _made_force_field(recipe: str, symbols: tuple[str, ...], reach: float, _thread: int) -> ForceField:
    """Force field of a recipe, for one thread alone: calculators keep the structure that they saw last."""
    chosen = json.loads(recipe)
    return named_force_field(chosen["name"], symbols, arguments=chosen["arguments"], reach=reach)
