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
from attrs import Factory, define, evolve, field, frozen

from kapitza.core.arrays import Array, IntArray, about
from kapitza.core.files import read_limited, write_atomically
from kapitza.core.records import BaseRecord
from kapitza.errors import ConvergenceError, DataError, InputError
from kapitza.run.store import UnitResult, deserialize_arrays, serialize_arrays, unit_address
from kapitza.run.work import Progress, ignore_progress
from kapitza.simulate.md import protocol as starts
from kapitza.simulate.md.engine import Dynamics, MdEngine, MdState, Observer, Thermostats
from kapitza.simulate.md.kernels.forces import require_kernels
from kapitza.simulate.md.observers.plane_power import DividedForcePower
from kapitza.simulate.md.observers.sampling import crossing_power, has_power
from kapitza.simulate.md.observers.spectral_flux import SpectralCurrent
from kapitza.simulate.md.potential import AnyPotential
from kapitza.simulate.md.protocol import MAX_KINETIC_GROWTH, PowerMeter, Protocol, Thermometer, advance_observed
from kapitza.simulate.md.record import Record, make_header
from kapitza.simulate.md.runs.checkpoint import Checkpoint, Snapshot, float_array, observer_arrays, plain_values
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, HOT_ROLE, System
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
    protocol does not ask for it.
    """
    folder = None if store is None else Path(store)
    if protocol.preparation != "gradient":
        (progress or ignore_progress)(0, protocol.blocks)
        protocol = prepare(system, potential, engine, protocol, folder)
    starts.check_thermostats(system, protocol)
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
    start = starts.starting_state(system, protocol)
    starts.check_start(system, start)
    run = RunInProgress(setup=setup, observers=observers, checkpoint=checkpoint, state=start)
    run.resume(checkpoint.read())
    run.advance(progress or ignore_progress)
    return make_header(system, protocol, setup.method).record(**run.rows())


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
    """Address of all that the blocks of a run depend on, not of how many they are."""
    protocol = setup.protocol
    timing = {"class": "kapitza.simulate.md.protocol:Course"}  # as 0.1.0 wrote it
    timing |= {name: getattr(protocol, current) for name, current in _TIMING.items()} | {"blocks": 1}
    parts = (setup.system, setup.potential, setup.engine, protocol.thermostats)
    inputs = [*map(plain_values, parts), timing, plain_values(list(observers)), plain_values(protocol.start)]
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
        motion = self.begin()
        try:
            self.equilibrate(motion)
            for block in range(len(self.power), protocol.blocks):
                self.run_block(motion, block)
                progress(block + 1, protocol.blocks)
        finally:
            motion.close()
            self.checkpoint.write()

    def begin(self) -> Dynamics:
        """Set the atoms in motion from the last state, with a meter of the direct power if the protocol asks for it."""
        system, potential, protocol = self.setup.system, self.setup.potential, self.setup.protocol
        if protocol.power_interval:
            sampled = [observer.crossing for observer in self.observers if isinstance(observer, SpectralCurrent)]
            shared = [one for one in sampled if isinstance(one, DividedForcePower) and (one.side == system.right).all()]
            power = (shared or [crossing_power(system, potential)])[0].power
            self.power_meter = PowerMeter(power, protocol.power_interval)
        return self.setup.engine.begin(
            system, potential, protocol.thermostats, self.state, timestep=protocol.timestep, seed=protocol.seed
        )

    def thermometer(self) -> Thermometer:
        """Thermometer that also stops the run when atoms leave their crystal."""
        system, protocol = self.setup.system, self.setup.protocol
        free = int((system.role != FIXED_ROLE).sum())
        limit = MAX_KINETIC_GROWTH * 1.5 * free * k_B * max(protocol.thermostats.hot, protocol.thermostats.cold)
        every, subtract_flow = protocol.sample_interval, protocol.subtract_flow
        return Thermometer(system=system, every=every, subtract_flow=subtract_flow, limit=limit)

    def block_observers(self) -> tuple[Thermometer, *tuple[BlockObserver, ...]]:
        """A new thermometer, the observers, and the meter of the power if there is one."""
        return self.thermometer(), *self.observers, *([] if self.power_meter is None else [self.power_meter])

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
        observers = self.block_observers()
        name = f"block {block + 1} of {protocol.blocks}"
        self.advance_steps(name, motion, observers, block * protocol.steps, protocol.steps)
        self.temperature.append(observers[0].mean())
        self.power.append(np.nan if self.power_meter is None else self.power_meter.mean())
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
        if self.checkpoint.folder is not None:
            self.checkpoint.offer(Snapshot(self.state, self.step, self.rows(), observer_arrays(self.observers)))

    def rows(self) -> dict[str, Any]:
        """What the blocks left behind so far, as arrays."""
        return {name: np.array(getattr(self, name)) for name in ("temperature", "heat", "power", "energy")}


def time_block(setup: RunSetup) -> tuple[float, float]:
    """Time that a block takes on this machine, of computing and on the clock, s, from some of its steps, after
    compiling.
    """
    protocol = setup.protocol
    start = starts.gradient_state(setup.system, protocol.thermostats.hot, protocol.thermostats.cold, protocol.seed)
    trial = RunInProgress(setup=setup, observers=(), checkpoint=Checkpoint(None, ""), state=start)
    motion = trial.begin()
    observers = trial.block_observers()
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


_STATE_FILE = "thermal.state"
_TEMPERATURE_TOLERANCE = 0.25  # of the difference of the thermostats: how far from it those of an earlier run may be


def prepare(
    system: System, potential: AnyPotential, engine: MdEngine, protocol: Protocol, folder: Path | None
) -> Protocol:
    """Thermalise a system, and return the protocol of what follows: blocks at constant energy from there."""
    given = protocol.thermostats
    mean = (given.hot + given.cold) / 2
    hot, cold = (mean, mean) if protocol.preparation == "uniform" else (given.hot, given.cold)
    grouped = evolve(system, role=thermostat_groups(system, protocol))
    heating = evolve(protocol, thermostats=Thermostats("langevin", hot, cold, given.damping), power_interval=0)
    state = thermalise(grouped, potential, engine, heating, folder)
    alone = Thermostats("none", hot, cold)
    return evolve(protocol, preparation="gradient", thermostats=alone, equilibration=0, start=state)


def thermostat_groups(system: System, protocol: Protocol) -> IntArray:
    """(n,) roles in which every atom that moves belongs to the hot or the cold thermostat."""
    hot = system.role == HOT_ROLE if protocol.preparation == "hot_group" else ~system.right
    return np.where(system.role == FIXED_ROLE, FIXED_ROLE, np.where(hot, HOT_ROLE, COLD_ROLE))


def thermalise(
    system: System, potential: AnyPotential, engine: MdEngine, protocol: Protocol, folder: Path | None
) -> MdState:
    """State after the equilibration of a protocol, without total momentum, or that of an earlier call in `folder`."""
    inputs = [plain_values(one) for one in (system, potential, engine, evolve(protocol, blocks=1, replicas=1))]
    key = unit_address({"inputs": inputs}, version="1")
    path = None if folder is None else folder / _STATE_FILE
    if path is not None and path.exists():
        return _read_state(path, key)
    given = protocol.thermostats
    # Atoms begin at rest positions: by equipartition half of the kinetic energy of 2T becomes potential.
    start = starts.thermal_state(system, (given.hot + given.cold) / 2, protocol.seed, double_temperature=True)
    motion = engine.begin(system, potential, given, start, timestep=protocol.timestep, seed=protocol.seed)
    try:
        motion.advance(protocol.equilibration)
        last = motion.state()
    finally:
        motion.close()
    # Langevin forces leave a drift, which at constant energy would persist and count as temperature.
    mass = system.masses * (system.role != FIXED_ROLE)
    velocities = last.velocities - (mass @ last.velocities / mass.sum()) * (system.role != FIXED_ROLE)[:, None]
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays: UnitResult = {"address": np.array(key), "positions": last.positions, "velocities": velocities}
        write_atomically(path, serialize_arrays(arrays), follow_link=False)
    return MdState(last.positions, velocities)


def profile_state(system: System, record: Record, thermostats: Thermostats, seed: int) -> MdState:
    """State to start from with the temperature profile of an earlier run of the same interface between other sides.

    Each side of the profile is stretched to the new length, thermostats onto thermostats, and velocities are drawn
    from twice the local temperature as by `gradient_state`.  A straight line through both sides has no jump, and takes
    the slowest mode to make one; this start has one from the beginning, and is nearer to the steady profile.
    """
    if system.periodic or record.interface_count != 1:
        raise InputError(f"{system.name}: a profile to start from is for one interface between two thermostats")
    for one, role in ((system, system.role), (record, record.roles)):
        if not ((role == HOT_ROLE).any() and (role == COLD_ROLE).any()):
            raise InputError(f"{one.name}: a profile to start from needs two thermostats, of the record and the system")
    held, wanted = np.array(record.thermostat_temperatures), np.array([thermostats.hot, thermostats.cold])
    if not (np.abs(held - wanted) <= _TEMPERATURE_TOLERANCE * abs(wanted[0] - wanted[1])).all():
        raise InputError(
            f"{record.name}: its thermostats had {held[0]:.4g} and {held[1]:.4g} K, those of {system.name} have "
            f"{wanted[0]:.4g} and {wanted[1]:.4g} K: take a run between thermostats that are near"
        )
    moving = record.roles != FIXED_ROLE
    place = _relative_places(record.heights, record.roles, record.plane)[moving]
    own = _relative_places(system.heights, system.roles, system.plane)
    temperature = np.interp(own, place, record.temperature.mean(axis=0)[moving])
    return starts.thermal_state(system, temperature[system.layer], seed, double_temperature=True)


def _relative_places(heights: Array, roles: IntArray, plane: float) -> Array:
    """(layers,) places from -2 to 2, rising: -1 to 1 between the thermostats, 0 at the plane, ±2 at the ends."""
    inner = heights[roles == HOT_ROLE].max(), heights[roles == COLD_ROLE].min()
    outer = heights[roles == HOT_ROLE].min(), heights[roles == COLD_ROLE].max()
    knots = [outer[0], inner[0], plane, inner[1], outer[1]]
    if not (np.diff(knots) >= 0).all():
        raise InputError(f"thermostats and plane at {knots} m: wanted the hot thermostat on the left of the plane")
    return np.interp(heights, knots, [-2.0, -1.0, 0.0, 1.0, 2.0])


def _read_state(path: Path, key: str) -> MdState:
    try:
        arrays = deserialize_arrays(read_limited(path))
    except (DataError, ValueError) as err:
        raise DataError("damaged; remove it to start the run anew", file=path) from err
    if str(arrays.get("address")) != key:
        raise InputError(f"{path.parent} holds a run with other inputs: take another folder, or the same inputs")
    try:
        return MdState(np.asarray(arrays["positions"], dtype=float), np.asarray(arrays["velocities"], dtype=float))
    except (KeyError, TypeError, ValueError) as err:
        raise DataError(f"lacks {err}; remove it to start the run anew", file=path) from err
