"""Runs of molecular dynamics, of one system or several in replicas, and what they leave: block averages and spectra."""

from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, about, increasing, positive
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord
from kapitza.errors import Hint, InputError
from kapitza.run.store import StoreLike, UnitInputs, UnitResult, open_store, unit_address, unit_seed
from kapitza.run.work import ExecutorLike, Progress, ignore_progress, run_units
from kapitza.simulate.md.analysis.nemd import NemdResult, analyse_nemd, combine_replicas
from kapitza.simulate.md.analysis.relaxation import ThermalSlab
from kapitza.simulate.md.engine import MdEngine, Observer
from kapitza.simulate.md.kernels.forces import highest_frequencies
from kapitza.simulate.md.observers.mode_energies import ModeConductance
from kapitza.simulate.md.observers.sampling import (
    ObserverRecipe,
    Sampling,
    check_sampling,
    has_power,
    observer_recipes,
    system_forces,
)
from kapitza.simulate.md.observers.spectral_flux import SpectralFlux, VelocitySpectra
from kapitza.simulate.md.potential import AnyPotential
from kapitza.simulate.md.protocol import Protocol
from kapitza.simulate.md.record import Record
from kapitza.simulate.md.runs.checkpoint import observer_arrays, strip_prefix
from kapitza.simulate.md.runs.single import RUN_VERSION, RunSetup, run_single
from kapitza.simulate.md.system import System
from kapitza.units import k_B

# Speed of sound of a crystal from its highest frequency and the room of an atom, v = w n^(-1/3) / 2π: within a tenth
# for the classical ballistic conductance c v / 4 of the Lennard-Jones crystal.
_SOUND_FACTOR = 2 * np.pi
# rooms of an atom that a phonon flies: the conductivity of a Lennard-Jones crystal at a third of melting
_FREE_PATH_SPACINGS = 5.0


@frozen(eq=False)
class HalfCells(BaseRecord):
    """The two sides of a cell with two boundaries."""

    length: Array = field(converter=positive)  # (2,) from a boundary to the middle of each side, m
    density: Array = field(converter=positive)  # (2,) atoms per volume, m⁻³

    def slabs(self, conductivity: Array, ballistic: Array) -> tuple[ThermalSlab, ThermalSlab]:
        """Both sides with the classical heat capacity 3 n kB."""
        columns = zip(self.length, 3 * k_B * self.density, conductivity, ballistic, strict=True)
        left, right = (ThermalSlab(*map(float, side)) for side in columns)
        return left, right

    def ballistic(self, highest: Array) -> Array:
        """(2,) classical ballistic conductances c v / 4, estimated from the highest frequencies, W m⁻² K⁻¹."""
        return 3 * k_B * self.density * highest * self.density ** (-1 / 3) / _SOUND_FACTOR / 4

    def conductivity(self, highest: Array) -> Array:
        """(2,) conductivities, estimated from the highest frequencies within a factor of 2 or so, W m⁻¹ K⁻¹."""
        return 4 / 3 * self.ballistic(highest) * _FREE_PATH_SPACINGS * self.density ** (-1 / 3)  # κ = c v ℓ/3


def halve_cell(system: System) -> HalfCells:
    """Sides of a cell that repeats along z."""
    if not system.periodic:
        raise InputError(f"{system.name}: this run needs a cell that repeats along z: build with periodic = True")
    box = float(system.lattice[2, 2])
    closing = (system.heights.min() + system.heights.max() - box) / 2  # midway between outermost layers, as the plane
    thick = np.array([system.plane - closing, box - (system.plane - closing)])
    right = int(system.right.sum())
    return HalfCells(thick / 2, np.array([system.right.size - right, right]) / thick / system.area)


_RUNS_FOLDER = "runs"  # folder within a store where runs in progress keep what they need to go on


@frozen(eq=False)
class Replica(BaseRecord):
    """One run of several."""

    record: Record  # what its blocks left
    observer_states: tuple[UnitResult, ...] = ()  # of each observer, for `restore` of one made the same way


def run_replicas(
    setups: Sequence[RunSetup], *, store: StoreLike | None = None, executor: ExecutorLike | None = None,
    progress: Progress | None = None,
) -> list[list[Replica]]:  # fmt: skip
    """Run systems, each as often as its protocol says with other random numbers, all on the same workers.

    `setups` hold recipes of their observers, and one replica is one unit of work, kept in `store` with what runs in
    progress need to resume.  The first replica has the seed of the protocol, each other one a seed that follows from
    it.  `progress` is told the number of finished and of all replicas.
    """
    kept = open_store(store)
    units = [replica_inputs(setup, number) for setup in setups for number in range(setup.protocol.replicas)]
    work = run_unit if kept is None else partial(run_unit, folder=str(kept.folder.absolute() / _RUNS_FOLDER))
    results = run_units(work, units, version=RUN_VERSION, store=kept, executor=executor, progress=progress)
    replicas = (
        Replica(
            restore_record(arrays), tuple(strip_prefix(arrays, f"seen {i} ") for i in range(int(arrays["observers"])))
        )
        for arrays in results
    )
    return [list(islice(replicas, setup.protocol.replicas)) for setup in setups]


def lengthen_protocol(protocol: Protocol, factor: float) -> Protocol:
    r"""Return a protocol for a system `factor` times as long: the slowest change of its profile takes $\propto L^2$, so
    that equilibration and blocks become longer by the square; the number of blocks stays.
    """
    if not (np.isfinite(factor) and factor > 0):
        raise InputError(f"a system {factor:g} times as long: wanted a finite number above 0")
    unit = int(np.lcm(protocol.sample_interval, protocol.power_interval or protocol.sample_interval))
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
    result = record_arrays(run_single(system, potential, unit["engine"], unit["protocol"], observers, store=own))
    for i, observer in enumerate(observers):
        result |= {f"seen {i} {name}": value for name, value in observer.arrays().items()}
    return result | {"observers": np.array(len(observers))}


def record_arrays(record: Record) -> UnitResult:
    """Return a record as arrays by name."""
    return {f"record {name}": np.asarray(value) for name, value in attrs.asdict(record, recurse=False).items()}


def restore_record(arrays: UnitResult) -> Record:
    """Return the record of such arrays."""
    named = strip_prefix(arrays, "record ").items()
    values: dict[str, Any] = {name: value if value.ndim else value.item() for name, value in named}
    return Record(**values)


_REFERENCE_FOLDER = "still"  # of the run in equilibrium, within that of the run between the thermostats


def _record_tuple(value: Record | Sequence[Record]) -> tuple[Record, ...]:
    return (value,) if isinstance(value, Record) else tuple(value)


@frozen(eq=False, kw_only=True)
class Run(BaseRecord):
    """What one system left behind, in one or several replicas.

    Attributes
    ----------
    title : for legends
    records : block averages of each replica
    fluxes : spectral flux through the plane of each replica; empty where it was not sampled
    driven : spectra of the layers near the plane between the thermostats, of each replica
    reference : the same in equilibrium at the mean temperature
    modes : what each vibration of the atoms near the plane carried, of each replica
    highest_frequency : (2,) of the left and the right crystal at rest, rad s⁻¹; 0 where unknown
    power : (samples, 2) power into the left side through each boundary of a closed cell, W
    step : between two samples of it, s

    Examples
    --------
    >>> from kapitza import md
    >>> from kapitza.examples import argon_interface, argon_protocol
    >>> (system, potential), protocol = argon_interface(), argon_protocol()
    >>> run = md.run(system, potential, md.BuiltinEngine(), protocol, md.Sampling(segment=64))
    >>> print(f"{len(run.records)} replica, {run.time.size} blocks, {run.temperature:.0f} K")
    1 replica, 16 blocks, 21 K
    """

    title: str
    records: tuple[Record, ...] = field(converter=_record_tuple)
    fluxes: tuple[SpectralFlux, ...] = field(default=(), converter=tuple)
    driven: tuple[VelocitySpectra, ...] = field(default=(), converter=tuple)
    reference: tuple[VelocitySpectra, ...] = field(default=(), converter=tuple)
    modes: tuple[ModeConductance, ...] = field(default=(), converter=tuple)
    equilibration_time: float = field(default=0.0, metadata=about("s", "equilibration time"))
    highest_frequency: Array = field(factory=lambda: np.zeros(2), metadata=about("rad s^-1", "highest, at rest"))
    power: Array = field(factory=lambda: np.zeros((0, 2)), metadata=about("W", "power into the left side"))
    step: float = field(default=0.0, metadata=about("s", "sampling interval"))
    length: Array = field(factory=lambda: np.zeros(0), metadata=about("m", "(2,) boundary to the middle of a side"))
    density: Array = field(factory=lambda: np.zeros(0), metadata=about("m^-3", "(2,) atoms per volume"))

    def __attrs_post_init__(self) -> None:
        if not self.records:
            raise InputError(f"{self.title}: no record of a run")

    def result(self) -> NemdResult:
        """Jump, flux and resistance of all runs together, with a verdict."""
        results = [analyse_nemd(record, equilibration_time=self.equilibration_time) for record in self.records]
        return results[0] if len(results) == 1 else combine_replicas(results)

    @property
    def conductance(self) -> Conductance:
        """Of the jump of the extrapolated branches, classical."""
        return self.result().conductance()

    def flux(self) -> SpectralFlux:
        """Spectral flux of all runs together.

        Raises
        ------
        InputError
            where it was not sampled
        """
        if not self.fluxes:
            raise InputError(
                f"{self.title}: no spectrum was taken: run `kapitza md nemd` with [spectrum] segment = 512 in the "
                "file, or of a deck for a cluster `kapitza md deck --spectrum 1ns` and `kapitza md read --run FILE`"
            )
        if len(self.fluxes) == 1:
            return self.fluxes[0]
        direct = [flux.direct for flux in self.fluxes if flux.direct is not None]
        weights = [float(flux.counts.sum()) for flux in self.fluxes]
        return evolve(
            self.fluxes[0],
            parts=np.concatenate([flux.parts for flux in self.fluxes]),
            direct=np.concatenate(direct) if len(direct) == len(self.fluxes) else None,
            counts=np.concatenate([flux.counts for flux in self.fluxes]),
            motion=np.average([flux.motion for flux in self.fluxes], axis=0, weights=weights),
        )

    @property
    def temperature(self) -> float:
        """Mean kinetic temperature, K."""
        first = self.records[0]
        return float(np.average(first.temperature.mean(axis=0), weights=first.counts))

    @property
    def drift(self) -> float:
        """Change of the energy over the run in units of the kinetic energy."""
        first = self.records[0]
        return float(first.energy[-1] - first.energy[0]) / (1.5 * k_B * self.temperature * float(first.counts.sum()))

    @property
    def time(self) -> Array:
        """(n,) middles of the blocks since the first began, s."""
        first = self.records[0]
        return increasing((np.arange(first.power.size) + 0.5) * first.block)

    @property
    def difference(self) -> Array:
        """(replicas, n) mean temperature of the left less that of the right side, K."""
        differences: list[Array] = []
        for record in self.records:
            left = np.where(record.heights < record.plane, record.counts, 0)
            right = np.where(record.heights > record.plane, record.counts, 0)
            differences.append(record.temperature @ (left / left.sum() - right / right.sum()))
        return np.array(differences)


def run(
    system: System,
    potential: AnyPotential,
    engine: MdEngine,
    protocol: Protocol,
    observers: Sampling | Sequence[Observer | ObserverRecipe] | None = None,
    *,
    store: StoreLike | None = None,
    executor: ExecutorLike | None = None,
    progress: Progress | None = None,
) -> Run:
    """Run a system, and keep all that its analysis needs.

    Parameters
    ----------
    system : atoms with their planes and roles
    potential : of these atoms; lines of LAMMPS, too, for the engine LAMMPS
    engine : what moves the atoms
    protocol : thermostats, preparation, time step, blocks, replicas
    observers : what is sampled; None: `Sampling()`.  Or observers, which hold what they saw (of one replica, in this
        process), or recipes that make them
    store : folder where runs in progress, and results of several replicas, are kept; the same call resumes from there
    executor : processes over which replicas are spread, or any `concurrent.futures.Executor`
    progress : called with what is done and what there is to do: blocks of one replica, or replicas of several

    Returns
    -------
    Run; a closed cell (preparation "uniform" or "sides") has its sides, and the power through its boundaries

    Raises
    ------
    InputError
        for inputs that do not fit, or a folder of a run with other inputs
    ConvergenceError
        if atoms leave the crystal, or energy is not conserved
    """
    if not callable(getattr(engine, "begin", None)):
        raise InputError(
            f"engine = {engine!r:.60} moves no atoms: wanted an engine of molecular dynamics,",
            hint=Hint(
                python="such as kapitza.md.BuiltinEngine() or kapitza.md.LammpsEngine(); forces of a calculator come "
                "in by kapitza.md.AseEngine(calculator)"
            ),
        )
    sampling = Sampling() if observers is None else observers
    if not isinstance(sampling, Sampling):
        setup = RunSetup(system, potential, engine, protocol, sampling)
        return records_of(setup, _run_setups([setup], store, executor, progress)[0])
    recipes = observer_recipes(sampling, protocol, potential)
    sides = halve_cell(system) if protocol.preparation in ("uniform", "sides") else None
    if recipes and sides is None:
        check_sampling(system.name, sampling, protocol)
    if "boundaries" in recipes and protocol.replicas > 1:
        raise InputError(f"{system.name}: {protocol.replicas} replicas in equilibrium: take one long run")
    setups = [RunSetup(system, potential, engine, protocol, list(recipes.values()))]
    if sampling.reference and "layers" in recipes:  # the same run in equilibrium, in which layers alone are sampled
        mean = (protocol.thermostats.hot + protocol.thermostats.cold) / 2
        equal = evolve(protocol.thermostats, kind="langevin", hot=mean, cold=mean)
        equilibrium = evolve(protocol, thermostats=equal, blocks=sampling.reference, power_interval=0)
        setups.append(evolve(setups[0], protocol=equilibrium, observers=[recipes["layers"]]))
    replicas = _run_setups(setups, store, executor, progress)
    result = evolve(records_of(setups[0], replicas[0]), **observer_results(setups[0], recipes, replicas))
    if sides is not None:
        result = evolve(result, length=sides.length, density=sides.density, step=sampling.every * protocol.timestep)
    return result


def records_of(setup: RunSetup, replicas: Sequence[Replica]) -> Run:
    """Run with its records alone."""
    protocol = setup.protocol
    waited = protocol.equilibration * protocol.timestep if protocol.preparation == "gradient" else 0.0
    return Run(title=setup.system.name, records=[one.record for one in replicas], equilibration_time=waited)


def observer_results(setup: RunSetup, recipes: dict[str, ObserverRecipe], found: list[list[Replica]]) -> dict[str, Any]:
    """Attributes of a run from its observers; the second of `found` is the reference in equilibrium."""

    def restore(name: str, replicas: Sequence[Replica], names: Sequence[str]) -> list[Any]:
        made: list[Any] = []
        for one in replicas if name in names else ():
            made.append(recipes[name](setup.system, setup.potential))
            made[-1].restore(one.observer_states[names.index(name)])
        return made

    names, first = list(recipes), found[0]
    boundaries = restore("boundaries", first, names)
    results = {
        "fluxes": [one.flux(setup.method) for one in restore("plane", first, names)],
        "driven": [one.spectra() for one in restore("layers", first, names)],
        "reference": [one.spectra() for later in found[1:] for one in restore("layers", later, ["layers"])],
        "modes": [one.result() for one in restore("interface", first, names)],
        **({"power": boundaries[0].powers} if boundaries else {}),
    }
    if has_power(setup.potential):  # else no forces but those of the engine are known
        results["highest_frequency"] = highest_frequencies(setup.system, system_forces(setup.system, setup.potential))
    return results


def _run_setups(
    setups: Sequence[RunSetup], store: StoreLike | None, executor: ExecutorLike | None, progress: Progress | None
) -> list[list[Replica]]:
    """Replicas of each setup: one of each in this process, block by block, or several as units of work."""
    if executor not in (None, 1) or any(setup.protocol.replicas > 1 for setup in setups):
        return run_replicas(setups, store=store, executor=executor, progress=progress)
    kept = open_store(store)
    folder = None if kept is None else kept.folder
    tell, total = progress or ignore_progress, sum(setup.protocol.blocks for setup in setups)
    replicas: list[list[Replica]] = []
    before = 0
    for setup in setups:
        own = folder / _REFERENCE_FOLDER if folder is not None and before else folder
        observers = [observer(setup.system, setup.potential) if isinstance(observer, ObserverRecipe) else observer
                     for observer in setup.observers]  # fmt: skip
        record = run_single(
            setup.system, setup.potential, setup.engine, setup.protocol, observers, store=own,
            progress=lambda done, _, start=before: tell(start + done, total),
        )  # fmt: skip
        replicas.append([Replica(record, tuple(observer_arrays(observers)))])
        before += setup.protocol.blocks
    return replicas
