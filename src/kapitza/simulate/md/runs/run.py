"""One run of molecular dynamics, and what it leaves: block averages, spectra, the power through boundaries."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, about, increasing
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord
from kapitza.errors import Hint, InputError
from kapitza.run.store import StoreLike, open_store
from kapitza.run.work import ExecutorLike, Progress, ignore_progress
from kapitza.simulate.md.analysis.nemd import NemdResult, analyse_nemd, combine_replicas
from kapitza.simulate.md.engine import MdEngine, Observer
from kapitza.simulate.md.kernels.forces import highest_frequencies
from kapitza.simulate.md.observers.interface_modes import ModeConductance
from kapitza.simulate.md.observers.sampling import (
    ObserverRecipe,
    Sampling,
    check_sampling,
    has_power,
    observer_recipes,
    system_forces,
)
from kapitza.simulate.md.observers.spectral_flux import SpectralFlux
from kapitza.simulate.md.observers.velocity_spectra import VelocitySpectra
from kapitza.simulate.md.potential import AnyPotential
from kapitza.simulate.md.protocol import Protocol
from kapitza.simulate.md.record import Record
from kapitza.simulate.md.runs.checkpoint import observer_arrays
from kapitza.simulate.md.runs.half_cells import halve_cell
from kapitza.simulate.md.runs.replicas import Replica, run_replicas
from kapitza.simulate.md.runs.single import RunSetup, run_single
from kapitza.simulate.md.system import System
from kapitza.units import k_B

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
        direct = [flux.direct for flux in self.fluxes]
        weights = [float(flux.counts.sum()) for flux in self.fluxes]
        return evolve(
            self.fluxes[0],
            parts=np.concatenate([flux.parts for flux in self.fluxes]),
            direct=None if any(one is None for one in direct) else np.concatenate([d for d in direct if d is not None]),
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
        kinetic = 1.5 * k_B * self.temperature * float(first.counts.sum())
        return float(first.energy[-1] - first.energy[0]) / kinetic

    @property
    def time(self) -> Array:
        """(n,) middles of the blocks since the first began, s."""
        first = self.records[0]
        return increasing((np.arange(first.power.size) + 0.5) * first.block)

    @property
    def difference(self) -> Array:
        """(replicas, n) mean temperature of the left less that of the right side, K."""
        return np.array([record.temperature @ _side_weights(record) for record in self.records])


def _side_weights(record: Record) -> Array:
    """(layers,) weights of the mean of the left less that of the right side."""
    left = np.where(record.heights < record.plane, record.counts, 0)
    right = np.where(record.heights > record.plane, record.counts, 0)
    return left / left.sum() - right / right.sum()


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
    _check_engine(engine)
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
    if sampling.reference and "layers" in recipes:
        setups.append(_reference_setup(setups[0], sampling.reference, recipes["layers"]))
    replicas = _run_setups(setups, store, executor, progress)
    result = evolve(records_of(setups[0], replicas[0]), **observer_results(setups[0], recipes, replicas))
    if sides is not None:
        result = evolve(result, length=sides.length, density=sides.density, step=sampling.every * protocol.timestep)
    return result


def _check_engine(engine: object) -> None:
    """Refuse what moves no atoms, such as the force field of a lattice."""
    if not callable(getattr(engine, "begin", None)):
        raise InputError(
            f"engine = {engine!r:.60} moves no atoms: wanted an engine of molecular dynamics,",
            hint=Hint(
                python="such as kapitza.md.BuiltinEngine() or kapitza.md.LammpsEngine(); forces of a calculator come "
                "in by kapitza.md.AseEngine(calculator)"
            ),
        )


def records_of(setup: RunSetup, replicas: Sequence[Replica]) -> Run:
    """Run with its records alone."""
    waited = setup.protocol.equilibration * setup.protocol.timestep
    return Run(
        title=setup.system.name,
        records=[one.record for one in replicas],
        equilibration_time=waited if setup.protocol.preparation == "gradient" else 0.0,
    )


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
    return {
        "fluxes": [one.flux(setup.method) for one in restore("plane", first, names)],
        "driven": [one.spectra() for one in restore("layers", first, names)],
        "reference": [one.spectra() for later in found[1:] for one in restore("layers", later, ["layers"])],
        "modes": [one.result() for one in restore("interface", first, names)],
        "highest_frequency": _known_frequencies(setup),
        **({"power": boundaries[0].powers} if boundaries else {}),
    }


def _known_frequencies(setup: RunSetup) -> Array:
    """(2,) highest angular frequency of each side, rad s⁻¹; 0 where no forces but those of the engine are known."""
    if has_power(setup.potential):
        return highest_frequencies(setup.system, system_forces(setup.system, setup.potential))
    return np.zeros(2)


def _reference_setup(setup: RunSetup, blocks: int, layers: ObserverRecipe) -> RunSetup:
    """Return the same run in equilibrium, in which layers alone are sampled."""
    given = setup.protocol.thermostats
    mean = (given.hot + given.cold) / 2
    protocol = evolve(
        setup.protocol, thermostats=evolve(given, kind="langevin", hot=mean, cold=mean), blocks=blocks, power_interval=0
    )
    return evolve(setup, protocol=protocol, observers=[layers])


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
