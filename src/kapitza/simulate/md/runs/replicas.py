"""The same run with other random numbers, and the same interface between longer sides: units of work that resume."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from attrs import evolve, frozen

from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.run.store import StoreLike, UnitInputs, UnitResult, open_store, unit_address, unit_seed
from kapitza.run.work import ExecutorLike, Progress, run_units
from kapitza.simulate.md.protocol import Protocol
from kapitza.simulate.md.record import Record
from kapitza.simulate.md.runs.checkpoint import strip_prefix
from kapitza.simulate.md.runs.single import RUN_VERSION, RunSetup, run_single

_RUNS_FOLDER = "runs"  # folder within a store where runs in progress keep what they need to go on


@frozen(eq=False)
class Replica(BaseRecord):
    """One run of several."""

    record: Record  # what its blocks left
    observer_states: tuple[UnitResult, ...] = ()  # of each observer, for `restore` of one made the same way

    @property
    def seed(self) -> int:
        """Of its random numbers."""
        return self.record.seed


def run_replicas(
    setups: Sequence[RunSetup],
    *,
    store: StoreLike | None = None,
    executor: ExecutorLike | None = None,
    progress: Progress | None = None,
) -> list[list[Replica]]:
    """Run systems, each as often as its protocol says with other random numbers, all on the same workers.

    `setups` hold recipes of their observers, and one replica is one unit of work, kept in `store` with what runs in
    progress need to resume.  The first replica has the seed of the protocol, each other one a seed that follows from
    it.  `progress` is told the number of finished and of all replicas.
    """
    kept = open_store(store)
    units = [replica_inputs(setup, number) for setup in setups for number in range(setup.protocol.replicas)]
    work = run_unit if kept is None else partial(run_unit, folder=str(kept.folder.absolute() / _RUNS_FOLDER))
    results = iter(run_units(work, units, version=RUN_VERSION, store=kept, executor=executor, progress=progress))
    return [[_restore_replica(next(results)) for _ in range(setup.protocol.replicas)] for setup in setups]


def lengthen_protocol(protocol: Protocol, factor: float) -> Protocol:
    r"""Return a protocol for a system `factor` times as long: the slowest change of its profile takes $\propto L^2$.

    Equilibration and blocks become longer by the square; the number of blocks stays.
    """
    if not (np.isfinite(factor) and factor > 0):
        raise InputError(f"a system {factor:g} times as long: wanted a finite number above 0")
    unit = (
        int(np.lcm(protocol.sample_interval, protocol.power_interval))
        if protocol.power_interval
        else protocol.sample_interval
    )
    steps = max(unit, round(protocol.steps * factor**2 / unit) * unit)
    return evolve(protocol, steps=steps, equilibration=round(protocol.equilibration * factor**2))


def replica_seed(seed: int, number: int) -> int:
    """Seed of one of several runs: that of the course for the first, far from all others for the rest."""
    return seed if number == 0 else unit_seed(unit_address({"seed": seed, "number": number}, version="1")) >> 1


def replica_inputs(setup: RunSetup, number: int) -> UnitInputs:
    """Inputs of one replica: records, which have an address and can be sent to another process."""
    protocol = evolve(setup.protocol, seed=replica_seed(setup.protocol.seed, number), replicas=1)
    parts = {"system": setup.system, "potential": setup.potential, "engine": setup.engine, "protocol": protocol}
    for record in (*parts.values(), *setup.observers):
        if not attrs.has(type(record)):
            kind = type(record).__qualname__
            raise InputError(f"{kind} ({record!r:.60}) is no record: another process cannot make it")
    return {**parts, "observers": list(setup.observers)}


def run_unit(inputs: UnitInputs, *, folder: str | None = None) -> UnitResult:
    """Run one replica of `replica_inputs`; the `folder` of runs in progress is not part of what the unit is."""
    unit: Any = inputs
    system, potential = unit["system"], unit["potential"]
    observers = [recipe(system, potential) for recipe in unit["observers"]]
    own = None if folder is None else Path(folder) / unit_address(inputs, version=RUN_VERSION)[:32]
    record = run_single(system, potential, unit["engine"], unit["protocol"], observers, store=own)
    result = record_arrays(record)
    for i, observer in enumerate(observers):
        result |= {f"seen {i} {name}": value for name, value in observer.arrays().items()}
    return result | {"observers": np.array(len(observers))}


def _restore_replica(arrays: UnitResult) -> Replica:
    observed = tuple(strip_prefix(arrays, f"seen {i} ") for i in range(int(arrays["observers"])))
    return Replica(restore_record(arrays), observed)


def record_arrays(record: Record) -> UnitResult:
    """Return a record as arrays by name."""
    return {
        f"record {attribute.name}": np.asarray(getattr(record, attribute.name)) for attribute in attrs.fields(Record)
    }


def restore_record(arrays: UnitResult) -> Record:
    """Return the record of such arrays."""
    named = strip_prefix(arrays, "record ").items()
    values: dict[str, Any] = {name: value if value.ndim else value.item() for name, value in named}
    return Record(**values)
