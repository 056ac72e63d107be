r"""Runs without baths: the power that fluctuates through a boundary in equilibrium, and two sides that come to terms.

Both use a cell that repeats along z with two boundaries, brought to its temperatures by Langevin baths on all atoms and
then left alone, energy conserved.
"""

from pathlib import Path

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, finite, increasing, positive
from kapitza.errors import DataError, InputError
from kapitza.run.store import Arrays, address, packed, unpacked, write_whole
from kapitza.run.work import Progress, silent
from kapitza.simulate.md.approach import Approach
from kapitza.simulate.md.checkpoint import plainly
from kapitza.simulate.md.engine import Baths, Engine, State
from kapitza.simulate.md.field import Field
from kapitza.simulate.md.fluctuations import Fluctuations
from kapitza.simulate.md.heat_run import highest_frequencies
from kapitza.simulate.md.nemd import nemd
from kapitza.simulate.md.plane import PlanePower
from kapitza.simulate.md.protocol import Course
from kapitza.simulate.md.record import Record
from kapitza.simulate.md.slabs import Slab
from kapitza.simulate.md.system import COLD, HELD, HOT, System
from kapitza.simulate.md.thermal import thermal_state
from kapitza.units import k_B

# Speed of sound of a crystal from its highest frequency and the room of an atom, v = w n^(-1/3) / 2π: within a tenth
# for the classical ballistic conductance c v / 4 of the Lennard-Jones crystal.
SOUND = 2 * np.pi
PATHS = 5.0  # rooms of an atom that a phonon flies: the conductivity of a Lennard-Jones crystal at a third of melting


@frozen(eq=False)
class Halves:
    """The two sides of a cell with two boundaries.

    Attributes
    ----------
    length : (2,) from a boundary to the middle of the left and of the right side, m
    density : (2,) atoms per volume, m⁻³
    """

    length: Array = field(converter=positive)
    density: Array = field(converter=positive)

    def slabs(self, conductivity: Array, ballistic: Array) -> tuple[Slab, Slab]:
        """Both sides with the classical heat capacity 3 n kB."""
        left, right = (
            Slab(float(self.length[i]), 3 * k_B * float(self.density[i]), float(conductivity[i]), float(ballistic[i]))
            for i in (0, 1)
        )
        return left, right

    def ballistic(self, highest: Array) -> Array:
        """(2,) classical ballistic conductances c v / 4, estimated from the highest frequencies, W m⁻² K⁻¹."""
        room = self.density ** (-1 / 3)
        return 3 * k_B * self.density * highest * room / SOUND / 4

    def conductivity(self, highest: Array) -> Array:
        """(2,) conductivities, estimated from the highest frequencies within a factor of 2 or so, W m⁻¹ K⁻¹."""
        return 4 / 3 * self.ballistic(highest) * PATHS * self.density ** (-1 / 3)


def halves(system: System) -> Halves:
    """Sides of a cell that repeats along z.

    Raises
    ------
    InputError
        for a system with ends
    """
    if not system.periodic:
        raise InputError(f"{system.name}: this run wants a cell that repeats along z: build with periodic = True")
    box = float(system.lattice[2, 2])
    closing = (system.heights.min() + system.heights.max() - box) / 2
    thick = np.array([system.plane - closing, box - (system.plane - closing)])
    right = int(system.right.sum())
    return Halves(thick / 2, np.array([system.right.size - right, right]) / thick / system.area)


@frozen(eq=False)
class EquilibriumRun:
    """Power through the two boundaries of a cell in equilibrium.

    Attributes
    ----------
    title : for legends
    record : block averages
    power : (samples, 2) power into the left side through each boundary, W
    step : between two samples, s
    length, density : of the halves, see `Halves`
    highest : (2,) highest angular frequency of each side at rest, rad s⁻¹
    """

    title: str
    record: Record
    power: Array
    step: float
    length: Array = field(converter=positive)
    density: Array = field(converter=positive)
    highest: Array = field(converter=finite)

    @property
    def temperature(self) -> float:
        """Mean kinetic temperature, K."""
        return float(np.average(self.record.temperature.mean(axis=0), weights=self.record.counts))

    @property
    def drift(self) -> float:
        """Change of the energy over the run in units of the kinetic energy."""
        kinetic = 1.5 * k_B * self.temperature * float(self.record.counts.sum())
        return float(self.record.energy[-1] - self.record.energy[0]) / kinetic

    @property
    def ballistic(self) -> Array:
        """(2,) classical ballistic conductances of the solids, estimated, W m⁻² K⁻¹."""
        return Halves(self.length, self.density).ballistic(self.highest)

    def fluctuations(self, conductivity: ArrayLike | None = None) -> Fluctuations:
        """Powers with the two sides, for `fluctuation_conductance` and `green_kubo`.

        Parameters
        ----------
        conductivity : (2,) of the solids, W m⁻¹ K⁻¹; None: an estimate
        """
        sides = Halves(self.length, self.density)
        known = sides.conductivity(self.highest) if conductivity is None else positive(conductivity)
        left, right = sides.slabs(known, sides.ballistic(self.highest))
        return Fluctuations(
            self.power, self.step, self.record.area, self.temperature, left, right, name=self.title
        )  # fmt: skip

    @property
    def high(self) -> float:
        """Upper end for the fit of the spectrum: a fifteenth of the lower highest frequency, rad s⁻¹."""
        return float(self.highest.min()) / 15


@frozen(eq=False)
class ApproachRun:
    """Two sides that were heated apart and left alone.

    Attributes
    ----------
    title : for legends
    records : block averages of each run; blocks are short
    length, density : of the halves, see `Halves`
    highest : (2,) highest angular frequency of each side at rest, rad s⁻¹
    """

    title: str
    records: tuple[Record, ...] = field(converter=tuple)
    length: Array = field(converter=positive)
    density: Array = field(converter=positive)
    highest: Array = field(converter=finite)

    @property
    def time(self) -> Array:
        """(n,) middles of the blocks since the sides were left alone, s."""
        first = self.records[0]
        return increasing((np.arange(first.power.size) + 0.5) * first.block)

    @property
    def difference(self) -> Array:
        """(runs, n) mean temperature of the left less that of the right side, K."""
        return np.array([one.temperature @ contrast(one) for one in self.records])

    @property
    def ballistic(self) -> Array:
        """(2,) classical ballistic conductances of the solids, estimated, W m⁻² K⁻¹."""
        return Halves(self.length, self.density).ballistic(self.highest)

    def approach(self, conductivity: ArrayLike | None = None) -> Approach:
        """Differences with the two sides, for `approach_conductance`.

        Parameters
        ----------
        conductivity : (2,) of the solids, W m⁻¹ K⁻¹; None: an estimate
        """
        sides = Halves(self.length, self.density)
        known = sides.conductivity(self.highest) if conductivity is None else positive(conductivity)
        left, right = sides.slabs(known, np.full(2, np.inf))
        last = [np.average(one.temperature[-1], weights=one.counts) for one in self.records]
        return Approach(self.time, self.difference, left, right, float(np.mean(last)), name=self.title)


def contrast(record: Record) -> Array:
    """(layers,) weights of the mean of the left less that of the right side."""
    left = np.where(record.heights < record.plane, record.counts, 0)
    right = np.where(record.heights > record.plane, record.counts, 0)
    return left / left.sum() - right / right.sum()


class BoundaryPowers:
    """Observer of the power into the left side through both boundaries of a cell that repeats along z.

    Parameters
    ----------
    system : the cell
    field : its potential
    every : steps between two looks
    """

    def __init__(self, system: System, field: Field, *, every: int) -> None:
        skin = 0.3 * field.cutoff
        self._every, self.values = every, np.zeros((1024, 2))
        self.filled = 0
        self.first = PlanePower(system, field, skin=skin)
        # Seen from the other boundary, the left side has moved up by a box and is on the right.
        self.shift = np.where(system.right, 0.0, system.lattice[2, 2])[:, None] * np.array([0.0, 0.0, 1.0])
        moved = system.positions + self.shift
        low, high = moved[system.right, 2].max(), moved[~system.right, 2].min()
        turned = evolve(system, positions=moved, plane=float(low + high) / 2)
        self.second = PlanePower(turned, field, skin=skin)

    @property
    def every(self) -> int:
        """Steps between two looks."""
        return self._every

    def see(self, positions: Array, velocities: Array) -> None:
        """Look once."""
        if self.filled == len(self.values):
            self.values = np.concatenate([self.values, np.zeros_like(self.values)])
        into = -self.first.power(positions, velocities), self.second.power(positions + self.shift, velocities)
        self.values[self.filled] = into
        self.filled += 1

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """All that it holds, to be written and restored."""
        return {"values": self.values[: self.filled].copy()}

    def restore(self, arrays: dict[str, NDArray[np.generic]]) -> None:
        """Take up where another one left off."""
        self.values = np.asarray(arrays["values"], dtype=float).reshape(-1, 2)
        self.filled = len(self.values)
        self.values = np.concatenate([self.values, np.zeros((1024, 2))])


def thermalised(
    system: System, field: Field, engine: Engine, baths: Baths, course: Course, folder: Path | None
) -> State:
    """State of a cell after its two sides have been in Langevin baths, without momentum.

    Parameters
    ----------
    system : the cell
    field, engine : what moves it
    baths : temperatures of the left and the right side, and the relaxation time
    course : time step, equilibration, seed
    folder : where the state is kept; None: nowhere
    """
    role = np.where(system.role == HELD, HELD, np.where(system.right, COLD, HOT))
    held = evolve(system, role=role)
    key = address(
        {"inputs": [plainly(one) for one in (held, field, engine, baths, evolve(course, blocks=1))]}, version="1"
    )
    path = None if folder is None else folder / "thermal.state"
    if path is not None and path.exists():
        return kept_state(path, key)
    mean = (baths.hot + baths.cold) / 2
    start = thermal_state(system, mean, course.seed, twice=True)
    motion = engine.begin(held, field, baths, start, timestep=course.timestep, seed=course.seed)
    try:
        motion.advance(course.equilibration)
        found = motion.state()
    finally:
        motion.close()
    mass = system.masses * (system.role != HELD)
    calm = found.velocities - (mass @ found.velocities / mass.sum()) * (system.role != HELD)[:, None]
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays: Arrays = {"address": np.array(key), "positions": found.positions, "velocities": calm}
        write_whole(path, packed(arrays))
    return State(found.positions, calm)


def kept_state(path: Path, key: str) -> State:
    """State that an earlier call has left, if it was of the same inputs."""
    try:
        arrays = unpacked(path.read_bytes())
    except (DataError, ValueError) as err:
        raise DataError("damaged; remove it to start the run anew", file=path) from err
    if str(arrays.get("address")) != key:
        raise InputError(f"{path.parent} holds a run with other inputs: take another folder, or the same inputs")
    positions, velocities = (np.asarray(arrays[name], dtype=float) for name in ("positions", "velocities"))
    return State(positions, velocities)


def equilibrium_run(
    system: System,
    field: Field,
    engine: Engine,
    baths: Baths,
    course: Course,
    *,
    every: int = 10,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> EquilibriumRun:
    """Follow the power through the two boundaries of a cell in equilibrium, energy conserved.

    Parameters
    ----------
    system : a cell that repeats along z
    field, engine : what moves it
    baths : the mean of its temperatures and its damping bring the cell to equilibrium, before it is left alone
    course : time step, equilibration, blocks
    every : steps between two looks at the power
    folder : where all that is needed to go on is kept
    progress : called with the number of blocks that are done and of all

    Raises
    ------
    InputError
        for a system with ends, or inputs that do not fit
    ConvergenceError
        if energy is not conserved
    """
    sides = halves(system)
    mean = (baths.hot + baths.cold) / 2
    warm = Baths("langevin", mean, mean, baths.damping)
    where = None if folder is None else Path(folder)
    seen = BoundaryPowers(system, field, every=every)
    tell = progress or silent
    tell(0, course.blocks)
    start = thermalised(system, field, engine, warm, course, where)
    alone = evolve(course, equilibration=0, power=0)
    record = nemd(
        system, field, engine, Baths("none", mean, mean), alone, observers=[seen], start=start, folder=where,
        progress=tell,
    )  # fmt: skip
    return EquilibriumRun(
        system.name, record, seen.values[: seen.filled].copy(), every * course.timestep, sides.length, sides.density,
        highest_frequencies(system, field),
    )  # fmt: skip


def approach_run(
    system: System,
    field: Field,
    engine: Engine,
    baths: Baths,
    course: Course,
    *,
    count: int = 1,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> ApproachRun:
    """Heat the left side of a cell and cool the right one, leave them alone and follow their temperatures.

    Parameters
    ----------
    system : a cell that repeats along z
    field, engine : what moves it
    baths : temperatures of the left and the right side at first, and their damping
    course : time step, equilibration in the baths, blocks; temperatures are known block by block, so that blocks must
        be short against the decay
    count : runs that differ in their seed
    folder : where all that is needed to go on is kept
    progress : called with the number of blocks that are done and of all

    Raises
    ------
    InputError
        for a system with ends, or inputs that do not fit
    ConvergenceError
        if energy is not conserved
    """
    sides = halves(system)
    apart = Baths("langevin", baths.hot, baths.cold, baths.damping)
    tell = progress or silent
    records: list[Record] = []
    for i in range(count):
        one = evolve(course, seed=course.seed + i, power=0)
        where = None if folder is None else Path(folder) / str(i + 1)
        start = thermalised(system, field, engine, apart, one, where)
        alone = evolve(one, equilibration=0)
        records.append(
            nemd(
                system, field, engine, Baths("none", baths.hot, baths.cold), alone, start=start, folder=where,
                progress=lambda done, blocks, before=i: tell(before * blocks + done, count * blocks),
            )
        )  # fmt: skip
    return ApproachRun(
        system.name, tuple(records), sides.length, sides.density, highest_frequencies(system, field)
    )  # fmt: skip
