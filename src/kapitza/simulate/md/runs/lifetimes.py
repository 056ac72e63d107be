r"""Lifetimes of the vibrations of a crystal, and its force constants at a temperature, from one run at rest.

Displacements of the cells R of a periodic crystal are waves, $Q(q) = N^{-1/2}\sum_R\sqrt{M}u_R e^{-iq\cdot R}$.  The
harmonic crystal whose forces are nearest to the simulated ones, by least squares, has the dynamical matrix

$$D = -\langle\ddot QQ^\dagger\rangle\langle QQ^\dagger\rangle^{-1}
= \langle\dot Q\dot Q^\dagger\rangle\langle QQ^\dagger\rangle^{-1},$$

in classical equilibrium $k_BT\langle QQ^\dagger\rangle^{-1}$, with force constants that change as atoms move farther.
A mode of D has the energy $E = \frac12(|\dot Q|^2 + \omega^2|Q|^2)$, and its lifetime is

$$\tau = \int_0^\infty\frac{\langle\delta E(0)\,\delta E(t)\rangle}{\langle\delta E^2\rangle}\,dt .$$

References
----------
C. Campañá and M. H. Müser, Phys. Rev. B 74, 075420 (2006), doi:10.1103/PhysRevB.74.075420 (force constants)
A. J. C. Ladd, B. Moran and W. G. Hoover, Phys. Rev. B 34, 5058 (1986), doi:10.1103/PhysRevB.34.5058 (lifetimes)
"""

from pathlib import Path
from typing import Any

import numpy as np
from attrs import Factory, define, evolve, field, frozen
from numpy.typing import NDArray
from scipy.integrate import cumulative_trapezoid

from kapitza.core.arrays import Array, ComplexArray, IntArray, about, quantity
from kapitza.core.records import BaseRecord
from kapitza.core.student import student_widening
from kapitza.errors import ConvergenceError, InputError
from kapitza.matter.crystal import Crystal
from kapitza.matter.files.crystals import balanced_crystal, symmetric_blocks
from kapitza.matter.periodic import minkowski_basis, nearest_images
from kapitza.matter.potentials.space_group import space_group
from kapitza.matter.structure import Structure, structure
from kapitza.run.store import UnitResult, unit_address
from kapitza.run.work import Progress, ignore_progress
from kapitza.simulate.md.engine import MdEngine, MdState, Thermostats
from kapitza.simulate.md.engines.lammps import LammpsForces
from kapitza.simulate.md.observers.mode_energies import assign_sites, supercell_wavevectors
from kapitza.simulate.md.potential import AnyPotential, CalculatorPotential, LammpsCommands
from kapitza.simulate.md.protocol import thermal_state
from kapitza.simulate.md.runs.checkpoint import Checkpoint, Snapshot, plain_values
from kapitza.simulate.md.runs.expansion import bulk_crystal
from kapitza.simulate.md.system import System
from kapitza.units import THz, k_B, ps

_MAX_BYTES = 2**30  # of the samples of one run
_MIN_SAMPLES = 200
_SETTLING_SHARE = 0.1  # of the steps, before the samples, in a thermostat
_DAMPING_STEPS = 100  # time steps in which that thermostat acts
_CORRECTIONS = 2
_MELTING_SHARE = 0.12  # of the shortest lattice vector: displacements of atoms of a solid are smaller
_BANDS = 24  # of equal width, up to the top frequency
_MIN_BAND_MODES = 6  # modes of a band, or it is joined with the next one
_WINDOW = 5.0  # lifetimes after which the integral of a correlation ends
_LONGEST_SHARE = 0.1  # of the samples: correlations are known up to there
_OUTLIVED, _DECAY_TIMES = 0.05, 4  # a share of a correlation that matters, and lifetimes after which less is left
_RESTING = 1e-6  # of the covariance of a typical wave: motion of the crystal as a whole, which was taken off
_WAVES_AT_ONCE = 96
_SITE_TOLERANCE = 1e-3  # of the shortest lattice vector
_SNAPSHOT_INTERVALS = 20  # intervals between two states that are kept
_SAMPLES_VERSION = "1"
_LONG_WAVES = 10.0  # times below the lowest band, where the rate that grows as ω² is written down


@frozen(eq=False, kw_only=True)
class ThermalModes(BaseRecord):
    """Vibrations of a crystal at a temperature: how long those of each band of frequencies live, and what binds them.

    Classical, of the wave vectors that fit the simulated crystal.

    Attributes
    ----------
    crystal : harmonic, with the force constants of this temperature

    Examples
    --------
    >>> from kapitza import md
    >>> from kapitza.simulate.md.runs.lifetimes import RestingRun, thermal_modes
    >>> argon = md.lennard_jones(["Ar"], end="quadratic")
    >>> run = RestingRun(timestep=1e-14, steps=3000, cells=(3, 3, 3))
    >>> found = thermal_modes("Ar", argon, md.BuiltinEngine(), 40.0, run, lattice_constant=5.4e-10)
    >>> heavy = found.heavier(3.0)
    >>> print((heavy.rate * heavy.lifetime).round(6).min(), (heavy.omega / found.omega).round(3).max())
    1.0 0.577
    """

    name: str
    temperature: float = field(metadata=about("K", "of the atoms of the run"))
    omega: Array = field(metadata=about("rad s^-1", "mean frequency of each band, increasing, (n,)"))
    lifetime: Array = field(metadata=about("s", "of the energy of its modes, mean, (n,)"))
    sigma: Array = field(metadata=about("s", "standard uncertainty, by the scatter of the modes, (n,)"))
    crystal: Crystal
    left: Array = field(
        factory=lambda: np.zeros(0),
        metadata=about("1", "share of the correlation left at the longest delay, continued as an exponential, (n,)"),
    )

    @property
    def rate(self) -> Array:
        """(n,) scattering rate 1/τ of each band, s⁻¹."""
        return 1 / self.lifetime

    def rates(self) -> tuple[Array, Array]:
        """(n + 1,) frequencies (rad s⁻¹) and scattering rates (s⁻¹), below the lowest band in proportion to ω².

        They are what `RelaxationRate` takes.
        """
        low = self.omega[0] / _LONG_WAVES, self.rate[0] / _LONG_WAVES**2
        return np.concatenate([low[:1], self.omega]), np.concatenate([low[1:], self.rate])

    def remark(self) -> str:
        """Which bands outlive the longest delay, and how long a run would see them decay; empty where none does."""
        outlived = self.left > _OUTLIVED
        if not outlived.any():
            return ""
        longest = _DECAY_TIMES * self.lifetime[outlived].max() / _LONGEST_SHARE
        return (
            f"at {outlived.sum()} of {outlived.size} frequencies up to {100 * self.left.max():.0f} % of the "
            "correlation outlives a tenth of the run, and an exponential is assumed from there: run for "
            f"{longest / ps:.2g} ps to see them decay"
        )

    def heavier(self, ratio: float) -> "ThermalModes":
        """Return the same crystal of atoms heavier by a ratio: classical motion is slower by its root, no more."""
        if not (np.isfinite(ratio) and ratio > 0):
            raise InputError(f"{self.name}: mass ratio {ratio:g}, wanted a finite number above 0")
        slow = float(np.sqrt(ratio))
        return evolve(
            self, name=f"{self.name}, mass times {ratio:g}", omega=self.omega / slow, lifetime=self.lifetime * slow,
            sigma=self.sigma * slow, crystal=evolve(self.crystal, masses=self.crystal.masses * ratio),
        )  # fmt: skip


@frozen(eq=False)
class MotionSamples(BaseRecord):
    """Displacements and velocities of all atoms of a periodic crystal at equal intervals."""

    displacements: Any  # (nt, n, 3) float32, m
    velocities: Any  # (nt, n, 3) float32, m s⁻¹
    interval: float  # s


@frozen(eq=False, kw_only=True)
class RestingRun(BaseRecord):
    """How a crystal is simulated without an interface, and analysed."""

    timestep: float = field(validator=quantity(high=1e-13), metadata=about("s", "time step"))
    steps: int = field(
        default=60_000, metadata=about("1", "at constant energy, some hundred lifetimes of the slowest mode or more")
    )
    interval: int = field(
        default=10, metadata=about("1", "time steps between samples, a fifth of the shortest period or less")
    )
    cells: tuple[int, int, int] = field(default=(5, 5, 5), metadata=about("1", "repeats of the cell"))
    seed: int = field(default=1, metadata=about("1", "seed of the random velocities"))
    reach: float | None = field(
        default=None,
        metadata=about(
            "m", "of force constants of the result; left out: the cutoff for pairs of atoms, twice that for others"
        ),
    )

    def __attrs_post_init__(self) -> None:
        if min(self.interval, *self.cells) < 1 or self.steps // self.interval < _MIN_SAMPLES:
            raise InputError(
                f"{self.steps} steps, a sample every {self.interval}, {self.cells} cells: wanted at least "
                f"{_MIN_SAMPLES} samples and one cell"
            )


def thermal_modes(
    crystal: str | Structure,
    potential: AnyPotential,
    engine: MdEngine,
    temperature: float,
    run: RestingRun,
    *,
    lattice_constant: float | None = None,
    store: str | Path | None = None,
    progress: Progress | None = None,
) -> ThermalModes:
    """Simulate a crystal without an interface, and find lifetimes and force constants of its vibrations.

    Parameters
    ----------
    crystal : a name such as "Ar" or "Si", or a structure; its cell is the cubic one where it has one
    potential : of its atoms; lines of LAMMPS, too, for the engine LAMMPS
    temperature : K
    run : time step, duration, size, and how far force constants of the result reach
    lattice_constant : m; None: as the structure has it
    store : folder of all that is needed to resume: the same call with the same folder goes on from there
    progress : called with the number of time steps done and of all

    Raises
    ------
    InputError
        for a temperature of 0 K or below, samples that do not fit the memory, or a folder of a run with other inputs
    ConvergenceError
        if atoms leave their places: the crystal melts
    """
    if not (np.isfinite(temperature) and temperature > 0):
        raise InputError(f"{temperature:g} K: wanted above 0 K")
    body = structure(crystal) if isinstance(crystal, str) else crystal
    system = bulk_crystal(body, potential, lattice_constant, run.cells)
    atoms, size = system.masses.size, run.steps // run.interval * system.masses.size * 24
    if size > _MAX_BYTES:
        needed = f"samples of {atoms} atoms take {size / 2**20:.0f} MiB, wanted at most {_MAX_BYTES >> 20}"
        raise InputError(f"{body.name}: {needed}: change steps, interval or cells")
    inputs = [plain_values(one) for one in (system, potential, engine, evolve(run, reach=None))]
    address = unit_address({"inputs": [*inputs, float(temperature)]}, version=_SAMPLES_VERSION)
    sampler = _MotionSampler(
        system=system, potential=potential, engine=engine, temperature=temperature, run=run,
        checkpoint=Checkpoint(None if store is None else Path(store), address), progress=progress or ignore_progress,
    )  # fmt: skip
    samples = sampler.sample()
    primitive = _primitive_cell(body, system, run.cells)
    return analyse_motion(primitive, system, samples, run.reach or _force_range(system, potential))


def _force_range(system: System, potential: AnyPotential) -> float:
    """Distance beyond which two atoms have no force constant, m: sites have neighbours up to a cutoff."""
    if isinstance(potential, LammpsCommands):
        return 2 * LammpsForces(system, potential).cutoff
    return potential.cutoff * (1 if isinstance(potential, CalculatorPotential) or potential.half else 2)


@define(eq=False, kw_only=True)
class _MotionSampler:
    """Brings a crystal to its temperature, corrects its energy, and samples it at constant energy.

    Stages are 0, the thermostat, one for each correction, and the samples; what an interrupt leaves is kept.
    """

    system: System
    potential: AnyPotential
    engine: MdEngine
    temperature: float
    run: RestingRun
    checkpoint: Checkpoint
    progress: Progress
    stage: int = 0
    done: int = 0  # intervals of this stage
    values: list[NDArray[Any]] = Factory(list)  # kinetic energies of a correction (intervals,), J; or the samples

    @property
    def settling(self) -> int:
        """Intervals of each stage before the samples."""
        return max(10 * _DAMPING_STEPS, round(_SETTLING_SHARE * self.run.steps)) // self.run.interval

    def sample(self) -> MotionSamples:
        """Do what is left; the displacements and velocities of all atoms."""
        state = thermal_state(self.system, self.temperature, self.run.seed, double_temperature=True)
        if (last := self.checkpoint.read()) is not None:
            state = self.restore(last)
        else:
            self.prepare()
        try:
            while self.stage <= _CORRECTIONS:
                state = self.finish_stage(self.advance(state, self.settling))
            self.advance(state, len(self.values[0]))
        finally:
            self.checkpoint.write()
        return MotionSamples(self.values[0], self.values[1], self.run.interval * self.run.timestep)

    def prepare(self) -> None:
        """Make room for what the stage leaves."""
        shape = self.run.steps // self.run.interval, self.system.masses.size, 3
        samples = self.stage > _CORRECTIONS
        self.values = [np.zeros(shape, np.float32) for _ in range(2)] if samples else [np.zeros(self.settling)]

    def restore(self, last: Snapshot) -> MdState:
        """Go on from a snapshot."""
        self.stage, self.done = int(last.rows["stage"]), last.step
        self.prepare()
        for i, values in enumerate(self.values):
            values[: self.done] = last.rows[f"values {i}"]
        return last.state

    def advance(self, state: MdState, count: int) -> MdState:
        """Do the intervals of a stage that are left, and tell how far it is."""
        baths = Thermostats("langevin", self.temperature, self.temperature, _DAMPING_STEPS * self.run.timestep)
        total = (1 + _CORRECTIONS) * self.settling + self.run.steps // self.run.interval
        motion = self.engine.begin(
            self.system, self.potential, Thermostats("none") if self.stage else baths, state,
            timestep=self.run.timestep, seed=self.run.seed,
        )  # fmt: skip
        try:
            while self.done < count:
                end = min(count, self.done + _SNAPSHOT_INTERVALS)
                for i in range(self.done, end):
                    motion.advance(self.run.interval)
                    if self.stage <= _CORRECTIONS:
                        self.values[0][i] = motion.energy[1]
                    else:
                        self.values[0][i], self.values[1][i] = (
                            motion.positions - self.system.positions,
                            motion.velocities,
                        )
                self.done, state = end, motion.state()
                self.keep(state)
                self.progress((self.stage * self.settling + end) * self.run.interval, total * self.run.interval)
        finally:
            motion.close()
        return state

    def keep(self, state: MdState) -> None:
        """Offer all that is needed to go on from here to the folder."""
        rows: UnitResult = {"stage": np.array(self.stage)}
        rows |= {f"values {i}": values[: self.done] for i, values in enumerate(self.values)}
        self.checkpoint.offer(Snapshot(state, self.done, rows, ()))

    def finish_stage(self, state: MdState) -> MdState:
        """Return the state that the next stage starts from."""
        if self.stage == 0:
            drift = self.system.masses @ state.velocities / self.system.masses.sum()
            state = MdState(state.positions, state.velocities - drift)
        else:  # the energy that a thermostat leaves fluctuates as that of few atoms
            kinetic = self.values[0]
            wanted = 1.5 * (self.system.masses.size - 1) * k_B * self.temperature
            gain = 1 + 2 * (wanted - kinetic.mean()) / kinetic[-1]  # as much goes to the springs
            state = MdState(state.positions, state.velocities * np.sqrt(max(gain, 0.0)))
        self.stage, self.done = self.stage + 1, 0
        self.prepare()
        self.keep(state)
        return state


def _primitive_cell(body: Structure, system: System, cells: tuple[int, int, int]) -> Structure:
    axes = body.lattice if body.axes is None else body.axes
    turn = np.linalg.solve(axes, system.lattice / np.array(cells)[:, None])
    return evolve(body, lattice=body.lattice @ turn, positions=body.positions @ turn, axes=None)


def analyse_motion(cell: Structure, system: System, samples: MotionSamples, reach: float) -> ThermalModes:
    """Find force constants up to a reach (m), and lifetimes, of a periodic crystal of cells from its motion."""
    plain = Crystal(
        name=cell.name, lattice=cell.lattice, positions=cell.positions, masses=cell.masses, symbols=cell.symbols,
        cells=np.zeros((1, 3), dtype=np.int64), force_constants=np.zeros((1, *[3 * cell.masses.size] * 2)),
    )  # fmt: skip
    place, site = assign_sites(plain, system.positions, system.masses)
    repeats = np.round(system.lattice @ np.linalg.inv(cell.lattice)).astype(np.int64)
    fractions = supercell_wavevectors(repeats)
    order = np.lexsort(np.array([*place.T, site]))
    waves = _Waves(samples, place[order], site[order], order, np.sqrt(cell.masses))
    temperature = waves.temperature(system.masses)
    shortest = float(np.linalg.norm(minkowski_basis(cell.lattice), axis=1).min())
    if waves.displacement() > _MELTING_SHARE * shortest:
        raise ConvergenceError(
            f"{cell.name}: at {temperature:.4g} K atoms are {waves.displacement():.3g} m from their places on average, "
            f"of {shortest:.3g} m between cells: the crystal melts; lower the temperature"
        )
    bound = _thermal_crystal(cell, waves.dynamical(fractions), fractions, repeats)
    bands = _band_lifetimes(waves, bound, fractions, k_B * temperature)
    n = cell.masses.size
    blocks = bound.force_constants.reshape(-1, n, 3, n, 3).transpose(0, 1, 3, 2, 4)
    vector = (bound.cells @ cell.lattice)[:, None, None] + cell.positions - cell.positions[:, None]
    near = np.linalg.norm(vector, axis=3) <= reach
    kept = (blocks * near[..., None, None]).transpose(0, 1, 3, 2, 4).reshape(bound.force_constants.shape)
    there = np.abs(kept).max(axis=(1, 2)) > 0
    return ThermalModes(
        name=cell.name, temperature=temperature, omega=bands[0], lifetime=bands[1], sigma=bands[2],
        left=bands[3], crystal=balanced_crystal(cell, bound.cells[there], kept[there]),
    )  # fmt: skip


class _Waves:
    """Displacements and velocities as lattice waves, mass-weighted."""

    def __init__(self, samples: MotionSamples, place: IntArray, site: IntArray, order: IntArray, roots: Array) -> None:
        self.samples, self.place, self.site, self.order = samples, place, site, order
        self.roots = np.repeat(roots, 3)
        self.cells = len(order) // roots.size
        drift = np.average(samples.displacements[:, order], axis=1, weights=roots[site] ** 2)
        self.mean = samples.displacements.mean(axis=0, dtype=np.float64)[order] - drift.mean(axis=0)
        self.drift = drift
        for one in range(roots.size):  # sites of a cell may rest elsewhere than the structure says
            self.mean[site == one] = self.mean[site == one].mean(axis=0)

    def temperature(self, masses: Array) -> float:
        """Of all atoms, whose centre rests, K."""
        square = np.square(self.samples.velocities, dtype=np.float64).mean(axis=0).sum(axis=1)
        return float(masses @ square / (3 * (masses.size - 1) * k_B))

    def displacement(self) -> float:
        """Root of the mean square of one coordinate, m."""
        return float(np.sqrt(np.mean(np.square(self.samples.displacements - self.drift[:, None]), dtype=np.float64)))

    def project(self, fractions: Array) -> tuple[ComplexArray, ComplexArray]:
        """(nt, nq, 3n) displacements and velocities at wave vectors (nq, 3)."""
        motions: list[ComplexArray] = []
        for moving, resting in ((self.samples.displacements, True), (self.samples.velocities, False)):
            total = np.zeros((len(moving), len(fractions), self.roots.size), dtype=np.complex128)
            for one in range(self.roots.size // 3):
                here = self.site == one
                angle = 2 * np.pi * self.place[here] @ fractions.T
                motion = moving[:, self.order[here]].astype(float)
                if resting:
                    motion -= self.mean[here] + self.drift[:, None]
                flat = np.ascontiguousarray(motion.swapaxes(1, 2)).reshape(-1, len(angle))
                waves = (flat @ np.cos(angle) - 1j * (flat @ np.sin(angle))) / np.sqrt(self.cells)
                total[:, :, 3 * one : 3 * one + 3] = waves.reshape(len(moving), 3, -1).swapaxes(1, 2)
            motions.append(total * self.roots)
        return motions[0], motions[1]

    def dynamical(self, fractions: Array) -> ComplexArray:
        r"""(nq, 3n, 3n) D, rad² s⁻²: covariance of velocities over that of displacements; 0 for shifts of all atoms."""
        kept, places = _one_of_each_pair(fractions)
        half = fractions[kept]
        covariances = np.empty((2, len(half), self.roots.size, self.roots.size), dtype=np.complex128)
        for first in range(0, len(half), _WAVES_AT_ONCE):
            part = slice(first, first + _WAVES_AT_ONCE)
            for place, motion in enumerate(self.project(half[part])):
                covariances[place, part] = np.einsum("tqa,tqb->qab", motion, motion.conj(), optimize=True) / len(motion)
        value, vector = np.linalg.eigh(covariances[0])
        free = value > _RESTING * np.median(value.max(axis=1))
        inverse = np.where(free, 1 / np.where(free, value, 1.0), 0.0)
        ratio = covariances[1] @ (vector * inverse[:, None, :]) @ vector.conj().swapaxes(1, 2)
        ratio = (ratio + ratio.conj().swapaxes(1, 2)) / 2
        every = ratio[np.abs(places) - 1]
        return np.asarray(np.where((places < 0)[:, None, None], every.conj(), every), dtype=np.complex128)


def _thermal_crystal(cell: Structure, dynamical: ComplexArray, fractions: Array, repeats: IntArray) -> Crystal:
    """Crystal with dynamical matrices (nq, 3n, 3n) at the wave vectors of a supercell, symmetric as its lattice."""
    n = cell.masses.size
    roots = np.repeat(np.sqrt(cell.masses), 3)
    # wave vectors of the transposed supercell: R = f @ repeats runs over its cells, each once
    steps = np.round(supercell_wavevectors(repeats.T) @ repeats).astype(np.int64)
    if len(np.unique(steps, axis=0)) != len(fractions):
        raise InputError(f"{len(steps)} cells in a supercell {repeats.tolist()}, wanted {len(fractions)}")
    phase = np.exp(-2j * np.pi * steps @ fractions.T) / len(fractions)
    blocks = np.tensordot(phase, dynamical, axes=(1, 0)).real * (roots[:, None] * roots)
    values = blocks.reshape(-1, n, 3, n, 3).transpose(0, 1, 3, 2, 4).reshape(-1, 3, 3)
    which, i, j = (index.ravel() for index in np.indices((len(steps), n, n)))
    vector = steps[which] @ cell.lattice + cell.positions[j] - cell.positions[i]
    pair, image, share = nearest_images(vector, minkowski_basis(repeats @ cell.lattice))
    offset = cell.positions[j[pair]] - cell.positions[i[pair]]
    nearest = np.round((image - offset) @ np.linalg.inv(cell.lattice)).astype(np.int64)
    keys = np.column_stack([nearest, i[pair], j[pair]])
    keys, values = _symmetrize(cell, repeats, keys, share[:, None, None] * values[pair])
    return balanced_crystal(cell, *symmetric_blocks(keys, values, n))


def _symmetrize(cell: Structure, repeats: IntArray, keys: IntArray, values: Array) -> tuple[IntArray, Array]:
    """Mean of force constants (m, 3, 3) of pairs (m, 5) over the operations that keep the atoms and the supercell."""
    points = cell.positions @ np.linalg.inv(cell.lattice)
    group = space_group(cell, _SITE_TOLERANCE * float(np.linalg.norm(cell.lattice, axis=1).min()))
    within = repeats @ group.turns @ np.linalg.inv(repeats)
    kept = np.abs(within - np.round(within)).max(axis=(1, 2)) < _SITE_TOLERANCE
    rotated: list[IntArray] = []
    for turn, offset, image in zip(group.turns[kept], group.shifts[kept], group.targets[kept], strict=True):
        shift = np.round(points @ turn + offset - points[image]).astype(np.int64)
        moved = keys[:, :3] @ turn + shift[keys[:, 4]] - shift[keys[:, 3]]
        rotated.append(np.column_stack([moved, image[keys[:, 3]], image[keys[:, 4]]]))
    blocks = [rotation.T @ values @ rotation for rotation in group.cartesian(cell.lattice)[kept]]
    return np.concatenate(rotated), np.concatenate(blocks) / len(rotated)


def _band_lifetimes(waves: _Waves, crystal: Crystal, fractions: Array, mean: float) -> Array:
    """(4, n) mean frequencies (rad s⁻¹), lifetimes, their uncertainties (s) and what is left of bands of modes.

    All modes have the same `mean` energy (J): that of a mode over the run would take its slow changes away.
    """
    half = fractions[_one_of_each_pair(fractions)[0]]
    square, vectors = np.linalg.eigh(crystal.dynamical(half @ crystal.reciprocal))
    omega = np.sqrt(np.maximum(square, 0))
    length = max(2, round(_LONGEST_SHARE * len(waves.samples.displacements)))
    covariances = np.empty((*omega.shape, length))
    for first in range(0, len(half), _WAVES_AT_ONCE):
        part = slice(first, first + _WAVES_AT_ONCE)
        modes, motions = vectors[part].conj(), waves.project(half[part])
        moved, speed = (np.einsum("tqa,qas->tqs", motion, modes, optimize=True) for motion in motions)
        energy = (np.square(np.abs(speed)) + square[part] * np.square(np.abs(moved))) / 2
        covariances[part] = _covariances(energy / mean - 1, length)
    kept = omega > 1e-6 * omega.max()
    return _bands(omega[kept], covariances[kept], waves.samples.interval)


def _one_of_each_pair(fractions: Array) -> tuple[IntArray, IntArray]:
    """Wave vectors of which q and -q, whose waves are the same, count once, and the place (from 1) in this list of each
    wave vector, negative for the other one of a pair.
    """
    keys, other = (
        [tuple(q) for q in (np.round((waves + 1e-9) % 1.0, 6) % 1.0).tolist()] for waves in (fractions, -fractions)
    )
    kept = [i for i in range(len(keys)) if keys[i] <= other[i]]
    place = {keys[i]: number + 1 for number, i in enumerate(kept)}
    places = [place[one] if one in place else -place[two] for one, two in zip(keys, other, strict=True)]
    return np.array(kept), np.array(places)


def _covariances(excess: Array, length: int) -> Array:
    """(nq, s, length) products of excess energies (nt, nq, s) that far apart, means over the run."""
    count = len(excess)
    spectrum = np.fft.rfft(excess, 2 * count, axis=0)
    products = np.fft.irfft(np.square(np.abs(spectrum)), axis=0)[:length] / (count - np.arange(length))[:, None, None]
    return np.asarray(np.moveaxis(products, 0, -1), dtype=float)


def _bands(omega: Array, covariance: Array, interval: float) -> Array:
    """(4, n) frequencies, lifetimes, errors and what is left, of modes (m,) with covariances (m, length) of energies.

    The integral ends after five lifetimes; where the longest delay comes first, the correlation is an exponential from
    there, of which the share c is left after the integral I = τ(1 - c).
    """
    band = np.digitize(omega, np.linspace(0, omega.max() * (1 + 1e-9), _BANDS + 1))
    groups: list[IntArray] = [np.zeros(0, dtype=np.int64)]
    for number in range(1, _BANDS + 1):
        groups[-1] = np.concatenate([groups[-1], np.flatnonzero(band == number)])
        if groups[-1].size >= _MIN_BAND_MODES:
            groups.append(np.zeros(0, dtype=np.int64))
    last = groups.pop()
    if not groups:
        raise InputError(f"{omega.size} modes: wanted {_MIN_BAND_MODES} or more, in a larger crystal")
    groups[-1] = np.concatenate([groups[-1], last])
    rows: list[tuple[float, float, float, float]] = []
    for group in groups:
        each = covariance[group]
        strength = each[:, 0].mean()
        mean = each.mean(axis=0) / strength
        integral = cumulative_trapezoid(mean, initial=0)
        gone = np.arange(mean.size) > _WINDOW * integral
        end = max(1, int(np.argmax(gone[1:])) + 1) if gone.any() else mean.size - 1
        area = np.trapezoid(each[:, : end + 1], dx=interval, axis=1)
        total, left = float(area.mean() / strength), 0.0 if gone.any() else max(float(mean[end]), 0.0)
        if not (total > 0 and left < 1):
            raise ConvergenceError(
                f"{omega[group].mean() / THz:.3g} THz: no decay within a tenth of the run, {end * interval / ps:.3g} "
                "ps: run longer, with samples closer together"
            )
        scatter = (area - total * each[:, 0]) / (1 - left)
        if left:
            scatter += total * (each[:, end] - left * each[:, 0]) / (1 - left) ** 2
        peaked = float(np.mean(scatter**4) / np.mean(scatter**2) ** 2)  # 3 for Gaussian scatter, which this is not
        widening = student_widening(2 * group.size / max(peaked - 1, 2.0))
        sigma = float(widening * scatter.std(ddof=1) / (strength * np.sqrt(group.size)))
        rows.append((float(omega[group].mean()), total / (1 - left), sigma, left))
    return np.array(rows).T
