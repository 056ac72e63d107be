"""The same run with other random numbers, and the same interface between longer sides: units of work that resume."""

from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from attrs import evolve, frozen

from kapitza.errors import InputError
from kapitza.matter.crystal import integer_array
from kapitza.run.store import Store, UnitInputs, UnitResult, unit_address, unit_seed
from kapitza.run.work import Progress, run_units
from kapitza.simulate.md.engine import MdEngine, Observer, Thermostats
from kapitza.simulate.md.potential import AnyPotential
from kapitza.simulate.md.protocol import Protocol
from kapitza.simulate.md.record import Record
from kapitza.simulate.md.runs.checkpoint import float_array, strip_prefix
from kapitza.simulate.md.runs.single import RUN_VERSION, run_nemd
from kapitza.simulate.md.system import System

_RUNS_FOLDER = "runs"  # folder within a store where runs in progress keep what they need to go on


@frozen(eq=False)
class Replica:
    """One run of several.

    Attributes
    ----------
    record : what its blocks left
    seen : arrays of each observer, for `restore` of one made the same way
    """

    record: Record
    seen: tuple[UnitResult, ...] = ()

    @property
    def seed(self) -> int:
        """Of its random numbers."""
        return self.record.seed


@frozen(eq=False)
class ObserverRecipe:
    """How to make an observer in another process: a function or class by its name, and its options.

    Attributes
    ----------
    maker : "module:name" of what is called with the system, the potential and the options
    options : plain values by name
    """

    maker: str
    options: Mapping[str, Any] = attrs.field(factory=dict)

    def __call__(self, system: System, field: AnyPotential) -> Observer:
        """Make it for a system."""
        module, _, name = self.maker.partition(":")
        made: Observer = getattr(import_module(module), name)(system, field, **self.options)
        return made


def run_replicas(
    system: System,
    field: AnyPotential,
    engine: MdEngine,
    baths: Thermostats,
    course: Protocol,
    count: int = 4,
    *,
    observers: Sequence[ObserverRecipe] = (),
    store: Store | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> list[Replica]:
    """Run a system several times with other random numbers, as independent estimates and for their error.

    Parameters
    ----------
    system, field, engine, baths, course : as in `run_nemd`; the first run has the seed of the course, each
        other one a seed that follows from it and its number
    count : how many
    observers : how each run makes its observers
    store : where results are kept, and what runs in progress need to go on; None: nothing is kept
    workers : processes; one run is one unit of work
    progress : called with the number of finished and of all runs

    Raises
    ------
    InputError
        for a count below 1, an engine that another process cannot make
    """
    if count < 1:
        raise InputError(f"{count} replicas, wanted at least 1")
    units = [
        replica_inputs(system, field, engine, baths, evolve(course, seed=_replica_seed(course.seed, i)), observers)
        for i in range(count)
    ]
    return _collect_replicas(units, store, workers, progress)


def run_sizes(
    systems: Sequence[System],
    field: AnyPotential,
    engine: MdEngine,
    baths: Thermostats,
    courses: Protocol | Sequence[Protocol],
    count: int = 1,
    *,
    observers: Sequence[ObserverRecipe] = (),
    store: Store | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> list[list[Replica]]:
    """Run systems of several lengths, each several times, all on the same workers.

    Parameters
    ----------
    systems : from short to long; made by `mass_interface` or `junction_system`
    courses : one for all, or one for each: long systems need longer to be steady, see `lengthen_protocol`
    field, engine, baths, count, observers, store, workers, progress : as in `run_replicas`

    Returns
    -------
    runs of each system
    """
    each = [courses] * len(systems) if isinstance(courses, Protocol) else list(courses)
    if len(each) != len(systems) or count < 1:
        raise InputError(
            f"{len(each)} courses and {count} replicas for {len(systems)} systems: give one course or each"
        )
    units = [
        replica_inputs(system, field, engine, baths, evolve(course, seed=_replica_seed(course.seed, i)), observers)
        for system, course in zip(systems, each, strict=True)
        for i in range(count)
    ]
    found = _collect_replicas(units, store, workers, progress)
    return [found[i * count : (i + 1) * count] for i in range(len(systems))]


def lengthen_protocol(course: Protocol, factor: float) -> Protocol:
    r"""Return a course for a system `factor` times as long: the slowest change of its profile takes $\propto L^2$.

    Equilibration and blocks become longer by the square; the number of blocks stays.

    Parameters
    ----------
    course : that is long enough for the shorter system
    factor : of the lengths
    """
    if not (np.isfinite(factor) and factor > 0):
        raise InputError(f"a system {factor:g} times as long: wanted a finite number above 0")
    unit = int(np.lcm(course.sample, course.power)) if course.power else course.sample
    steps = max(unit, round(course.steps * factor**2 / unit) * unit)
    return evolve(course, steps=steps, equilibration=round(course.equilibration * factor**2))


def _replica_seed(seed: int, number: int) -> int:
    """Seed of one of several runs: that of the course for the first, far from all others for the rest."""
    return seed if number == 0 else unit_seed(unit_address({"seed": seed, "number": number}, version="1")) >> 1


def replica_inputs(
    system: System,
    field: AnyPotential,
    engine: MdEngine,
    baths: Thermostats,
    course: Protocol,
    observers: Sequence[ObserverRecipe],
) -> UnitInputs:
    """Inputs of one run as plain values."""
    parts = {"system": system, "field": field, "engine": engine, "baths": baths, "course": course}
    return {
        **{name: _encode_record(one) for name, one in parts.items()},
        "observers": [_encode_record(one) for one in observers],
    }


def _encode_record(record: Any) -> UnitInputs:
    """Return a record of this package as plain values, from which `decode_record` makes it again.

    Raises
    ------
    InputError
        for what is no record, or holds what is not plain
    """
    kind = type(record)
    if not attrs.has(kind):
        raise InputError(f"{kind.__qualname__} ({record!r:.60}) is no record: another process cannot make it")
    values = {one.name: getattr(record, one.name) for one in attrs.fields(kind) if one.init}
    return {"class": f"{kind.__module__}:{kind.__qualname__}", "values": values}


def _decode_record(inputs: Any) -> Any:
    """Make a record from its plain values."""
    module, _, name = str(inputs["class"]).partition(":")
    return getattr(import_module(module), name)(**inputs["values"])


def run_unit(inputs: UnitInputs, *, folder: str | None = None) -> UnitResult:
    """Run one unit.

    Parameters
    ----------
    inputs : as `replica_inputs` writes them
    folder : where runs in progress keep what they need to go on; not part of what the unit is
    """
    system, field, engine, baths, course = (
        _decode_record(inputs[name]) for name in ("system", "field", "engine", "baths", "course")
    )
    makers: Any = inputs["observers"]
    observers = [_decode_record(one)(system, field) for one in makers]
    own = None if folder is None else Path(folder) / unit_address(inputs, version=RUN_VERSION)[:32]
    record = run_nemd(system, field, engine, baths, course, observers=observers, folder=own)
    result = record_arrays(record)
    for i, one in enumerate(observers):
        result |= {f"seen {i} {name}": value for name, value in one.arrays().items()}
    return result | {"observers": np.array(len(observers))}


def _collect_replicas(
    units: Sequence[UnitInputs], store: Store | None, workers: int, progress: Progress | None
) -> list[Replica]:
    """Do units and return their runs."""
    folder = None if store is None else str(store.folder / _RUNS_FOLDER)
    work = run_unit if folder is None else partial(run_unit, folder=folder)
    found = run_units(work, units, version=RUN_VERSION, store=store, workers=workers, progress=progress)
    return [
        Replica(restore_record(one), tuple(strip_prefix(one, f"seen {i} ") for i in range(int(one["observers"]))))
        for one in found
    ]


def record_arrays(record: Record) -> UnitResult:
    """Return a record as arrays by name."""
    return {f"record {one.name}": np.asarray(getattr(record, one.name)) for one in attrs.fields(Record)}


def restore_record(arrays: UnitResult) -> Record:
    """Return the record of such arrays."""
    found = strip_prefix(arrays, "record ")
    number = {name: float(found[name]) for name in ("area", "plane", "block", "timestep")}
    return Record(
        name=str(found["name"]), area=number["area"], plane=number["plane"], heights=float_array(found, "heights"),
        counts=integer_array(found["counts"]),
        roles=integer_array(found["roles"]), block=number["block"], temperature=float_array(found,
        "temperature"), heat=float_array(found,
        "heat"), energy=float_array(found, "energy"),
        power=float_array(found, "power"), timestep=number["timestep"], ways=int(found["ways"]),
        seed=int(found["seed"]),
        method=str(found["method"]),
    )  # fmt: skip
