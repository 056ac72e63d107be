"""Runs without thermostats and their conductances: fluctuations in equilibrium, and relaxation of two sides.

Both use a cell that repeats along z with two boundaries, brought to its temperatures by Langevin thermostats on all
atoms and then left alone at constant energy.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, finite, increasing, positive
from kapitza.core.conductance import Conductance
from kapitza.errors import DataError, InputError
from kapitza.run.store import UnitResult, deserialize_arrays, serialize_arrays, unit_address, write_atomically
from kapitza.run.work import Progress, ignore_progress
from kapitza.simulate.md.analysis.equilibrium import (
    MAX_LUMPED_BIOT,
    FluctuationFit,
    PowerFluctuations,
    convert_drop,
    fit_fluctuations,
    green_kubo,
)
from kapitza.simulate.md.analysis.nemd import NemdResult
from kapitza.simulate.md.analysis.relaxation import RelaxationData, RelaxationFit, fit_relaxation
from kapitza.simulate.md.analysis.sizes import SizeSeries
from kapitza.simulate.md.analysis.slabs import ThermalSlab
from kapitza.simulate.md.engine import MdEngine, MdState, Thermostats
from kapitza.simulate.md.observers.plane_power import PlanePower
from kapitza.simulate.md.potential import Potential
from kapitza.simulate.md.protocol import Protocol, thermal_state
from kapitza.simulate.md.record import Record
from kapitza.simulate.md.runs.checkpoint import plain_values
from kapitza.simulate.md.runs.heat_flow import HeatRun, highest_frequencies
from kapitza.simulate.md.runs.single import run_nemd
from kapitza.simulate.md.system import COLD_ROLE, HELD_ROLE, HOT_ROLE, System
from kapitza.units import k_B, nm

# Speed of sound of a crystal from its highest frequency and the room of an atom, v = w n^(-1/3) / 2π: within a tenth
# for the classical ballistic conductance c v / 4 of the Lennard-Jones crystal.
_SOUND_FACTOR = 2 * np.pi
_FREE_PATH_SPACINGS = (
    5.0  # rooms of an atom that a phonon flies: the conductivity of a Lennard-Jones crystal at a third of melting
)


@frozen(eq=False)
class _HalfCells:
    """The two sides of a cell with two boundaries.

    Attributes
    ----------
    length : (2,) from a boundary to the middle of the left and of the right side, m
    density : (2,) atoms per volume, m⁻³
    """

    length: Array = field(converter=positive)
    density: Array = field(converter=positive)

    def slabs(self, conductivity: Array, ballistic: Array) -> tuple[ThermalSlab, ThermalSlab]:
        """Both sides with the classical heat capacity 3 n kB."""
        left, right = (
            ThermalSlab(
                float(self.length[i]), 3 * k_B * float(self.density[i]), float(conductivity[i]), float(ballistic[i])
            )
            for i in (0, 1)
        )
        return left, right

    def ballistic(self, highest: Array) -> Array:
        """(2,) classical ballistic conductances c v / 4, estimated from the highest frequencies, W m⁻² K⁻¹."""
        room = self.density ** (-1 / 3)
        return 3 * k_B * self.density * highest * room / _SOUND_FACTOR / 4

    def conductivity(self, highest: Array) -> Array:
        """(2,) conductivities, estimated from the highest frequencies within a factor of 2 or so, W m⁻¹ K⁻¹."""
        return 4 / 3 * self.ballistic(highest) * _FREE_PATH_SPACINGS * self.density ** (-1 / 3)


def _halve_cell(system: System) -> _HalfCells:
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
    return _HalfCells(thick / 2, np.array([system.right.size - right, right]) / thick / system.area)


@frozen(eq=False, kw_only=True)
class EquilibriumRun:
    """Power through the two boundaries of a cell in equilibrium.

    Attributes
    ----------
    title : for legends
    record : block averages
    power : (samples, 2) power into the left side through each boundary, W
    step : between two samples, s
    length, density : of the halves, see `HalfCells`
    highest : (2,) highest angular frequency of each side at rest, rad s⁻¹
    """

    title: str
    record: Record
    power: Array = field(metadata={"unit": "W"})
    step: float = field(metadata={"unit": "s"})
    length: Array = field(converter=positive, metadata={"unit": "m"})
    density: Array = field(converter=positive, metadata={"unit": "m^-3"})
    highest: Array = field(converter=finite, metadata={"unit": "rad s^-1"})

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
        return _HalfCells(self.length, self.density).ballistic(self.highest)

    def fluctuations(self, conductivity: ArrayLike | None = None) -> PowerFluctuations:
        """Powers with the two sides, for `fit_fluctuations` and `green_kubo`.

        Parameters
        ----------
        conductivity : (2,) of the solids, W m⁻¹ K⁻¹; None: an estimate
        """
        sides = _HalfCells(self.length, self.density)
        known = sides.conductivity(self.highest) if conductivity is None else positive(conductivity)
        left, right = sides.slabs(known, sides.ballistic(self.highest))
        return PowerFluctuations(
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
    length, density : of the halves, see `HalfCells`
    highest : (2,) highest angular frequency of each side at rest, rad s⁻¹
    """

    title: str
    records: tuple[Record, ...] = field(converter=tuple)
    length: Array = field(converter=positive, metadata={"unit": "m"})
    density: Array = field(converter=positive, metadata={"unit": "m^-3"})
    highest: Array = field(converter=finite, metadata={"unit": "rad s^-1"})

    @property
    def time(self) -> Array:
        """(n,) middles of the blocks since the sides were left alone, s."""
        first = self.records[0]
        return increasing((np.arange(first.power.size) + 0.5) * first.block)

    @property
    def difference(self) -> Array:
        """(runs, n) mean temperature of the left less that of the right side, K."""
        return np.array([one.temperature @ _side_weights(one) for one in self.records])

    @property
    def ballistic(self) -> Array:
        """(2,) classical ballistic conductances of the solids, estimated, W m⁻² K⁻¹."""
        return _HalfCells(self.length, self.density).ballistic(self.highest)

    def approach(self, conductivity: ArrayLike | None = None) -> RelaxationData:
        """Differences with the two sides, for `fit_relaxation`.

        Parameters
        ----------
        conductivity : (2,) of the solids, W m⁻¹ K⁻¹; None: an estimate
        """
        sides = _HalfCells(self.length, self.density)
        known = sides.conductivity(self.highest) if conductivity is None else positive(conductivity)
        left, right = sides.slabs(known, np.full(2, np.inf))
        last = [np.average(one.temperature[-1], weights=one.counts) for one in self.records]
        return RelaxationData(self.time, self.difference, left, right, float(np.mean(last)), name=self.title)


def _side_weights(record: Record) -> Array:
    """(layers,) weights of the mean of the left less that of the right side."""
    left = np.where(record.heights < record.plane, record.counts, 0)
    right = np.where(record.heights > record.plane, record.counts, 0)
    return left / left.sum() - right / right.sum()


class _BoundaryPowers:
    """Observer of the power into the left side through both boundaries of a cell that repeats along z.

    Parameters
    ----------
    system : the cell
    field : its potential
    every : steps between two looks
    """

    def __init__(self, system: System, field: Potential, *, every: int) -> None:
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


def _thermalise(
    system: System, field: Potential, engine: MdEngine, baths: Thermostats, course: Protocol, folder: Path | None
) -> MdState:
    """State of a cell after its two sides have been in Langevin baths, without momentum.

    Parameters
    ----------
    system : the cell
    field, engine : what moves it
    baths : temperatures of the left and the right side, and the relaxation time
    course : time step, equilibration, seed
    folder : where the state is kept; None: nowhere
    """
    role = np.where(system.role == HELD_ROLE, HELD_ROLE, np.where(system.right, COLD_ROLE, HOT_ROLE))
    held = evolve(system, role=role)
    key = unit_address(
        {"inputs": [plain_values(one) for one in (held, field, engine, baths, evolve(course, blocks=1))]}, version="1"
    )
    path = None if folder is None else folder / "thermal.state"
    if path is not None and path.exists():
        return _read_state(path, key)
    mean = (baths.hot + baths.cold) / 2
    start = thermal_state(system, mean, course.seed, twice=True)
    motion = engine.begin(held, field, baths, start, timestep=course.timestep, seed=course.seed)
    try:
        motion.advance(course.equilibration)
        found = motion.state()
    finally:
        motion.close()
    mass = system.masses * (system.role != HELD_ROLE)
    calm = found.velocities - (mass @ found.velocities / mass.sum()) * (system.role != HELD_ROLE)[:, None]
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays: UnitResult = {"address": np.array(key), "positions": found.positions, "velocities": calm}
        write_atomically(path, serialize_arrays(arrays))
    return MdState(found.positions, calm)


def _read_state(path: Path, key: str) -> MdState:
    """State that an earlier call has left, if it was of the same inputs."""
    try:
        arrays = deserialize_arrays(path.read_bytes())
    except (DataError, ValueError) as err:
        raise DataError("damaged; remove it to start the run anew", file=path) from err
    if str(arrays.get("address")) != key:
        raise InputError(f"{path.parent} holds a run with other inputs: take another folder, or the same inputs")
    positions, velocities = (np.asarray(arrays[name], dtype=float) for name in ("positions", "velocities"))
    return MdState(positions, velocities)


def run_equilibrium(
    system: System,
    field: Potential,
    engine: MdEngine,
    baths: Thermostats,
    course: Protocol,
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
    sides = _halve_cell(system)
    mean = (baths.hot + baths.cold) / 2
    warm = Thermostats("langevin", mean, mean, baths.damping)
    where = None if folder is None else Path(folder)
    seen = _BoundaryPowers(system, field, every=every)
    tell = progress or ignore_progress
    tell(0, course.blocks)
    start = _thermalise(system, field, engine, warm, course, where)
    alone = evolve(course, equilibration=0, power=0)
    record = run_nemd(
        system, field, engine, Thermostats("none", mean, mean), alone, observers=[seen], start=start, folder=where,
        progress=tell,
    )  # fmt: skip
    return EquilibriumRun(
        title=system.name, record=record, power=seen.values[: seen.filled].copy(),
        step=every * course.timestep, length=sides.length, density=sides.density,
        highest=highest_frequencies(system, field),
    )  # fmt: skip


def run_approach(
    system: System,
    field: Potential,
    engine: MdEngine,
    baths: Thermostats,
    course: Protocol,
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
    sides = _halve_cell(system)
    apart = Thermostats("langevin", baths.hot, baths.cold, baths.damping)
    tell = progress or ignore_progress
    records: list[Record] = []
    for i in range(count):
        one = evolve(course, seed=course.seed + i, power=0)
        where = None if folder is None else Path(folder) / str(i + 1)
        start = _thermalise(system, field, engine, apart, one, where)
        alone = evolve(one, equilibration=0)
        records.append(
            run_nemd(
                system, field, engine, Thermostats("none", baths.hot, baths.cold), alone, start=start, folder=where,
                progress=lambda done, blocks, before=i: tell(before * blocks + done, count * blocks),
            )
        )  # fmt: skip
    return ApproachRun(
        system.name, tuple(records), sides.length, sides.density, highest_frequencies(system, field)
    )  # fmt: skip


_READING_PERIODS = 2.0  # of the lower highest frequency, after which the Green-Kubo integral is read
_GIVEN_UNCERTAINTY = 0.1  # relative uncertainty of conductivities that are given
_ESTIMATED_UNCERTAINTY = 0.5  # of those that are estimated
_SKIPPED_PERIODS = 1.0  # periods of the lower highest frequency that are left out at the start
_FITTED_DECAYS = 2.5  # times that the difference takes to fall to 1/e, up to which it stands out of its noise
_MIN_FIT_TIMES = 20  # times of a fit
_MIN_FREE_PATHS = 2.0  # free paths that a side wants, or phonons cross it as if it were empty


@frozen(eq=False)
class EquilibriumResult:
    """Conductances from fluctuations.

    Attributes
    ----------
    run : in equilibrium
    fit : of the spectrum of the power, extrapolated drop
    green_kubo : integral of its autocorrelation up to two periods of the highest frequency, emitted drop
    converted : the same as extrapolated drop, with estimated ballistic conductances; None where they allow none
    """

    run: EquilibriumRun
    fit: FluctuationFit
    green_kubo: Conductance
    converted: Conductance | None


def equilibrium_conductances(run: EquilibriumRun, conductivity: Sequence[float] | None = None) -> EquilibriumResult:
    """Fit the spectrum of the power of a run in equilibrium, with Green's and Kubo's integral beside it.

    Parameters
    ----------
    run : in equilibrium
    conductivity : (2,) of the solids, known to a tenth, W m⁻¹ K⁻¹; None: an estimate, known to a half

    Raises
    ------
    InputError
        for a run too short
    """
    data = run.fluctuations(conductivity)
    fit = fit_fluctuations(
        data, high=run.high, known=_ESTIMATED_UNCERTAINTY if conductivity is None else _GIVEN_UNCERTAINTY
    )
    reading = _READING_PERIODS * 2 * np.pi / float(run.highest.min())
    integral = green_kubo(data, 1.5 * reading).at(reading)
    try:
        other = convert_drop(integral, run.ballistic.tolist())
    except InputError:  # the estimate of the solids leaves nothing to the boundary
        other = None
    return EquilibriumResult(run, fit, integral, other)


@frozen(eq=False)
class RelaxationResult:
    """Conductances from the approach of two temperatures.

    Attributes
    ----------
    run : of the approach
    lumped, slabs : fits of bodies of one temperature and of two slabs
    chosen : the one that the Biot number asks for
    paths : (2,) mean free paths of the sides, from their conductivities and estimated ballistic conductances, m
    """

    run: ApproachRun
    lumped: RelaxationFit
    slabs: RelaxationFit
    chosen: RelaxationFit
    paths: Array

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the result is not to be believed; empty where nothing speaks against it."""
        thin = self.run.length < _MIN_FREE_PATHS * self.paths
        if not thin.any():
            return self.chosen.reasons
        thinness = (
            f"sides reach {self.run.length.min() / nm:.3g} nm from the boundary, {_MIN_FREE_PATHS:g} free paths are "
            f"{_MIN_FREE_PATHS * self.paths.max() / nm:.3g} nm: what is found lies between the emitted and "
            "the extrapolated drop"
        )
        return (*self.chosen.reasons, thinness)


def relaxation_conductances(run: ApproachRun, conductivity: Sequence[float] | None = None) -> RelaxationResult:
    """Fit the approach of two temperatures by bodies of one temperature and by two slabs.

    Parameters
    ----------
    run : of the approach
    conductivity : (2,) of the solids, W m⁻¹ K⁻¹; None: an estimate, which only the model of two slabs needs

    Raises
    ------
    InputError
        for a run too short, or differences that do not decay
    """
    data = run.approach(conductivity)
    after = _SKIPPED_PERIODS * 2 * np.pi / float(run.highest.min())
    data = _trim_noise(data, after)
    lumped = fit_relaxation(data, after=after, model="lumped")
    slabs = fit_relaxation(data, after=after, model="slabs")
    paths = 3 / 4 * np.array([data.left.conductivity, data.right.conductivity]) / run.ballistic
    return RelaxationResult(run, lumped, slabs, lumped if slabs.biot < MAX_LUMPED_BIOT else slabs, paths)


def _trim_noise(data: RelaxationData, after: float) -> RelaxationData:
    """Differences up to some times of their decay; what follows is noise, and the tail of few slow vibrations."""
    mean = data.difference.mean(axis=0)
    start = int(np.searchsorted(data.time, after))
    first = mean[start : start + 3].mean()
    fallen = np.flatnonzero(np.convolve(mean[start:], np.ones(3) / 3, "valid") < first / np.e)
    if not fallen.size:
        return data
    count = start + max(_MIN_FIT_TIMES, int(_FITTED_DECAYS * (fallen[0] + 1)))
    return evolve(data, time=data.time[:count], difference=data.difference[:, :count])


@frozen(eq=False)
class SizeStudy:
    """One interface between sides of several lengths.

    Attributes
    ----------
    runs, results : of each length
    series : extrapolation to infinite length
    """

    runs: tuple[HeatRun, ...]
    results: tuple[NemdResult, ...]
    series: SizeSeries
