r"""One run in this process: equilibration, then blocks of which temperatures, heat, energy and power are kept.

A run starts from the straight line of temperatures between the thermostats, since the slowest change of a profile takes
$L^2/\pi^2D$.  After each block all that it needs is written to a folder, if one is given; the same call goes on from
there.
"""

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
from attrs import Factory, define, field, frozen

from kapitza.core.arrays import Array, about
from kapitza.core.records import BaseRecord
from kapitza.errors import ConvergenceError, InputError
from kapitza.run.store import UnitResult, unit_address
from kapitza.run.work import Progress, ignore_progress
from kapitza.simulate.md.engine import Dynamics, MdEngine, MdState, Observer
from kapitza.simulate.md.kernels.forces import require_kernels
from kapitza.simulate.md.observers.plane_power import DividedForcePower
from kapitza.simulate.md.observers.sampling import crossing_power, has_power
from kapitza.simulate.md.observers.spectral_flux import SpectralCurrent
from kapitza.simulate.md.potential import AnyPotential
from kapitza.simulate.md.protocol import (
    MAX_KINETIC_GROWTH,
    PowerMeter,
    Protocol,
    Thermometer,
    advance_observed,
    check_start,
    check_thermostats,
    gradient_state,
)
from kapitza.simulate.md.record import Record, make_header
from kapitza.simulate.md.runs.checkpoint import Checkpoint, Snapshot, float_array, observer_arrays, plain_values
from kapitza.simulate.md.runs.preparation import prepare
from kapitza.simulate.md.system import FIXED_ROLE, System
from kapitza.simulate.md.systems.assembly import check_overlap
from kapitza.units import fs, k_B

RUN_VERSION = "1"
# of the protocol in the addresses of runs, by their names in version 0.1, so that its folders can be resumed
_TIMING = {
    "timestep": "timestep", "steps": "steps", "blocks": "blocks", "equilibration": "equilibration",
    "sample": "sample_interval", "power": "power_interval", "seed": "seed", "flowing": "subtract_flow",
    "leak": "max_energy_drift",
}  # fmt: skip
_TRIAL_SHARE = 20  # of a block, whose time tells that of the block

BlockObserver = Thermometer | PowerMeter | Observer


def run_single(
    system: System,
    potential: AnyPotential,
    engine: MdEngine,
    protocol: Protocol,
    observers: Sequence[Observer] = (),
    *,
    store: str | Path | None = None,
    progress: Progress | None = None,
) -> Record:
    """Run a system once, in this process; `replicas` of the protocol does not count.

    `observers` sample the atoms during the blocks, not during the equilibration, and hold their own sums.  `store` is
    the folder of all that is needed to resume: the same call with the same folder continues, also with more blocks than
    before.  `progress` is told the number of blocks done and of all.  The power through the plane is NaN where the
    protocol does not ask for it, as where an engine brings a potential that is but a name here.
    """
    folder = None if store is None else Path(store)
    if protocol.preparation != "gradient":
        (progress or ignore_progress)(0, protocol.blocks)
        protocol = prepare(system, potential, engine, protocol, folder)
    thermostats, start = protocol.thermostats, protocol.start
    check_thermostats(system, protocol)
    if not set(system.kinds) <= set(potential.kinds):
        raise InputError(
            f"{system.name} has atoms of {', '.join(system.kinds)}, the potential is for {', '.join(potential.kinds)}: "
            "make it for these kinds"
        )
    if protocol.power_interval and not has_power(potential):
        require_kernels(potential)
    check_overlap(system)
    setup = RunSetup(system, potential, engine, protocol)
    checkpoint = Checkpoint(folder, _inputs_address(setup, observers))
    if start is None:
        start = gradient_state(system, thermostats.hot, thermostats.cold, protocol.seed)
    check_start(system, start)
    run = RunInProgress(setup=setup, observers=observers, checkpoint=checkpoint, state=start)
    run.resume(checkpoint.read())
    run.advance(progress or ignore_progress)
    return run.record()


@frozen(eq=False)
class RunSetup(BaseRecord):
    """Inputs of a run."""

    system: System
    potential: AnyPotential
    engine: MdEngine
    protocol: Protocol
    observers: Sequence[Any] = ()

    @property
    def method(self) -> str:
        """Engine, thermostat and potential, for legends."""
        return f"{self.engine.name}, {self.protocol.thermostats.kind}, {self.potential.form}"


def _inputs_address(setup: RunSetup, observers: Sequence[Observer]) -> str:
    """Address of a run: of all that its blocks depend on, not of how many they are."""
    protocol = setup.protocol
    timing = {"class": "kapitza.simulate.md.protocol:Course"}  # as 0.1.0 wrote it
    timing |= {name: getattr(protocol, current) for name, current in _TIMING.items()} | {"blocks": 1}
    parts = (setup.system, setup.potential, setup.engine, protocol.thermostats)
    inputs = [
        *(plain_values(part) for part in parts),
        timing,
        plain_values(list(observers)),
        plain_values(protocol.start),
    ]
    return unit_address({"inputs": inputs}, version=RUN_VERSION)


@define(eq=False, kw_only=True)
class RunInProgress:
    """A run in progress."""

    setup: RunSetup
    observers: Sequence[Observer]
    checkpoint: Checkpoint  # writes what is needed to resume
    state: MdState  # after the last block, or piece of the equilibration
    step: int = 0  # time steps done, equilibration included
    temperature: list[Array] = Factory(list)  # temperature, power: of the blocks done, K and W
    power: list[float] = Factory(list)
    heat: list[Array] = Factory(list)  # heat, energy: at the start and at the end of each block, J
    energy: list[float] = Factory(list)
    power_meter: PowerMeter | None = None  # of the direct power, during the run

    def resume(self, last: Snapshot | None) -> None:
        """Go on from a snapshot, if there is one."""
        if last is None:
            return
        done, wanted = len(float_array(last.rows, "power")), self.setup.protocol.blocks
        if done > wanted:
            folder = self.checkpoint.folder
            raise InputError(f"{folder} holds {done} blocks of this run, wanted {wanted}: ask for as many")
        self.state, self.step = last.state, last.step
        self.temperature, self.heat = list(float_array(last.rows, "temperature")), list(float_array(last.rows, "heat"))
        self.power, self.energy = float_array(last.rows, "power").tolist(), float_array(last.rows, "energy").tolist()
        for one, observed in zip(self.observers, last.observer_states, strict=True):
            one.restore(observed)

    def advance(self, progress: Progress) -> None:
        """Do what is left, and keep what is done whatever happens."""
        protocol = self.setup.protocol
        progress(len(self.power), protocol.blocks)
        if len(self.power) == protocol.blocks:
            return
        self.start_power_meter()
        motion = self.motion()
        try:
            self.equilibrate(motion)
            for block in range(len(self.power), protocol.blocks):
                self.run_block(motion, block)
                progress(block + 1, protocol.blocks)
        finally:
            motion.close()
            self.checkpoint.write()

    def start_power_meter(self) -> None:
        """Make the meter of the direct power, where the protocol asks for it."""
        interval, system, potential = self.setup.protocol.power_interval, self.setup.system, self.setup.potential
        if interval:
            sampled = [observer.crossing for observer in self.observers if isinstance(observer, SpectralCurrent)]
            shared = [one for one in sampled if isinstance(one, DividedForcePower) and (one.side == system.right).all()]
            self.power_meter = PowerMeter((shared or [crossing_power(system, potential)])[0].power, interval)

    def motion(self) -> Dynamics:
        """Set the atoms in motion from the last state."""
        s = self.setup
        return s.engine.begin(
            s.system, s.potential, s.protocol.thermostats, self.state, timestep=s.protocol.timestep,
            seed=s.protocol.seed
        )  # fmt: skip

    def thermometer(self) -> Thermometer:
        """Thermometer that also stops the run when atoms leave their crystal."""
        s = self.setup
        free = int((s.system.role != FIXED_ROLE).sum())
        hottest = max(s.protocol.thermostats.hot, s.protocol.thermostats.cold)
        return Thermometer(
            system=s.system,
            every=s.protocol.sample_interval,
            subtract_flow=s.protocol.subtract_flow,
            limit=MAX_KINETIC_GROWTH * 1.5 * free * k_B * hottest,
        )

    def equilibrate(self, motion: Dynamics) -> None:
        """Do what is left of the equilibration, in pieces as long as a block."""
        protocol = self.setup.protocol
        guard = self.thermometer()
        while self.step < protocol.equilibration:
            steps = min(protocol.steps, protocol.equilibration - self.step)
            self.advance_steps("the equilibration", motion, [guard], self.step, steps)
            self.save_state(motion, steps)
        if not self.energy:
            self.log_energies(motion)

    def run_block(self, motion: Dynamics, block: int) -> None:
        """Do one block and keep its averages."""
        protocol, heat, energy = self.setup.protocol, self.heat[-1], self.energy[-1]
        thermometer = self.thermometer()
        observers: list[BlockObserver] = [thermometer, *self.observers]
        meter = self.power_meter
        if meter is not None:
            observers.append(meter)
        name = f"block {block + 1} of {protocol.blocks}"
        self.advance_steps(name, motion, observers, block * protocol.steps, protocol.steps)
        self.temperature.append(thermometer.mean())
        self.power.append(np.nan if meter is None else meter.mean())
        self.log_energies(motion)
        drift = self.energy[-1] - energy - float((self.heat[-1] - heat).sum())  # zero by the first law
        kinetic = motion.energy[1]
        if not abs(drift) <= protocol.max_energy_drift * kinetic:
            raise ConvergenceError(
                f"{self.setup.system.name}: in {name} the energy changed by {drift:.3g} J beyond the heat of the "
                f"thermostats, more than {protocol.max_energy_drift:g} of the kinetic energy {kinetic:.3g} J: take a "
                f"shorter time step than {protocol.timestep / fs:.3g} fs, or a potential that ends smoothly"
            )
        self.save_state(motion, protocol.steps)

    def advance_steps(
        self, name: str, motion: Dynamics, observers: Sequence[BlockObserver], step: int, steps: int
    ) -> None:
        """Do some steps; an error says in which part of the run they failed."""
        try:
            advance_observed(motion, observers, step, steps)
        except ConvergenceError as err:
            raise ConvergenceError(f"{name} failed: {err}", last=self.state) from err

    def log_energies(self, motion: Dynamics) -> None:
        """Note heat and energy at the end of a block."""
        self.heat.append(np.array(motion.heat, dtype=float))
        self.energy.append(float(sum(motion.energy)))

    def save_state(self, motion: Dynamics, steps: int) -> None:
        """Keep all that is needed to go on from here."""
        self.state = motion.state()
        self.step += steps
        rows: UnitResult = {
            "temperature": np.array(self.temperature), "heat": np.array(self.heat), "power": np.array(self.power),
            "energy": np.array(self.energy),
        }  # fmt: skip
        if self.checkpoint.folder is not None:
            self.checkpoint.offer(Snapshot(self.state, self.step, rows, observer_arrays(self.observers)))

    def record(self) -> Record:
        """Return what the blocks left behind."""
        header = make_header(self.setup.system, self.setup.protocol, self.setup.method)
        return header.record(
            np.array(self.temperature), np.array(self.heat), np.array(self.energy), np.array(self.power)
        )


def time_block(setup: RunSetup) -> tuple[float, float]:
    """Time that a block takes on this machine, of computing and on the clock, s, from some steps of it; kernels are
    compiled beforehand.
    """
    protocol = setup.protocol
    start = gradient_state(setup.system, protocol.thermostats.hot, protocol.thermostats.cold, protocol.seed)
    trial = RunInProgress(setup=setup, observers=(), checkpoint=Checkpoint(None, ""), state=start)
    trial.start_power_meter()
    motion = trial.motion()
    observers: list[BlockObserver] = [trial.thermometer()]
    if trial.power_meter is not None:
        observers.append(trial.power_meter)
    first, steps = 2 * protocol.sample_interval, max(10 * protocol.sample_interval, protocol.steps // _TRIAL_SHARE)
    try:
        advance_observed(motion, observers, 0, first)
        computing, clock = process_time(), perf_counter()
        advance_observed(motion, observers, first, steps)
        share = protocol.steps / steps
        return (process_time() - computing) * share, (perf_counter() - clock) * share
    finally:
        motion.close()


@frozen
class EnergyConservation(BaseRecord):
    """Energy of a run beyond the heat of its thermostats."""

    excess: Array = field(metadata=about("J", "unaccounted heat since the first block"))
    drift: float = field(metadata=about("W", "mean rate of the unaccounted heat"))
    share: float = field(metadata=about("1", "drift relative to the mean heat flow"))
    storage: Array = field(metadata=about("W", "rate at which the atoms store energy"))


def energy_conservation(record: Record) -> EnergyConservation:
    """Return how well a run of two blocks or more conserved its energy, and how steady it was."""
    blocks = record.power.size
    if blocks < 2:
        raise InputError(f"{record.name}: a drift needs 2 blocks, got {blocks}")
    excess = record.energy - record.energy[0] - (record.heat - record.heat[0]).sum(axis=1)
    time = np.arange(blocks + 1) * record.block
    centred = time - time.mean()
    drift = float(centred @ excess / (centred @ centred))
    flow = float(np.abs(np.diff(record.heat[[0, -1]], axis=0)).mean() / time[-1])
    return EnergyConservation(
        excess, drift, drift / flow if flow > 0 else np.nan, np.diff(record.energy) / record.block
    )
