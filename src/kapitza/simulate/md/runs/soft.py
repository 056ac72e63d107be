"""Soft and mixed systems from a run to a conductance: a liquid between walls, and a tube that cools in its matrix."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from attrs import evolve, frozen

from kapitza.core.arrays import Array, IntArray, finite, positive
from kapitza.errors import InputError
from kapitza.run.work import Progress
from kapitza.simulate.md.analysis.nemd import NemdResult, analyse_nemd
from kapitza.simulate.md.analysis.relaxation import RelaxationData, RelaxationFit, fit_relaxation
from kapitza.simulate.md.analysis.slabs import ThermalSlab
from kapitza.simulate.md.engine import MdEngine, MdState, Thermostats
from kapitza.simulate.md.protocol import Protocol, thermal_state
from kapitza.simulate.md.record import Record
from kapitza.simulate.md.runs.single import run_nemd
from kapitza.simulate.md.system import COLD_ROLE, FREE_ROLE, HELD_ROLE, HOT_ROLE
from kapitza.simulate.md.systems.soft import SlabThermometer, SoftSystem, insert_slabs, liquid_slabs
from kapitza.units import k_B

_MAX_MATRIX_SHARE = 0.1  # of the difference of temperature that may fall within the matrix, for it to be one body


@frozen(eq=False)
class LiquidRun:
    """A liquid between a hot and a cold wall.

    Attributes
    ----------
    record : block averages, with slabs of space in the place of the liquid
    slabs : (n,) heights of the slabs, m
    density : (n,) atoms per volume in each slab, m⁻³
    hot, cold : jump, flux and resistance of the hot wall on the liquid, and of the liquid on the cold wall
    """

    record: Record
    slabs: Array
    density: Array
    hot: NemdResult
    cold: NemdResult


def run_liquid(
    soft: SoftSystem,
    engine: MdEngine,
    baths: Thermostats,
    course: Protocol,
    *,
    slabs: int = 12,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> LiquidRun:
    r"""Let heat flow from wall to wall through a liquid, and return the conductance of both of its faces.

    The profile of the liquid is one of space, in slabs whose mean velocity is subtracted; lines through the free planes
    of a wall and through the slabs are extrapolated to the Gibbs plane, midway between the last plane of the wall and
    where the liquid begins.  `analyse_nemd` does the rest, errors and verdict, as between two crystals.

    Parameters
    ----------
    soft : of `liquid_on_solid`
    engine, baths, course : as in `run_nemd`; the mean velocity of each plane is subtracted, whatever the course says
    slabs : across the liquid; those with next to no atoms, at the walls, are left out
    folder, progress : as in `run_nemd`

    Raises
    ------
    InputError
        for inputs that do not fit, and what `analyse_nemd` needs: five blocks, four free planes a wall, four slabs
    ConvergenceError
        if atoms leave their walls, or energy is not conserved
    """
    seen = liquid_slabs(soft, slabs, every=course.sample, block=course.steps // course.sample)
    moving = evolve(course, flowing=True)
    record = run_nemd(
        soft.system, soft.field, engine, baths, moving, observers=[seen], folder=folder, progress=progress
    )
    layer = int(soft.system.layer[soft.system.species == soft.system.kinds.index("liquid")][0])
    whole = insert_slabs(record, seen, layer)
    count = whole.heights.size - record.heights.size + 1
    inside = np.arange(layer, layer + count)
    settled = course.equilibration * course.timestep
    hot, cold = (analyse_nemd(one, equilibrated=settled) for one in liquid_faces(whole, inside, seen))
    room = soft.area * (seen.edges[1] - seen.edges[0])
    heights = (seen.edges[1:] + seen.edges[:-1]) / 2
    return LiquidRun(whole, finite(heights), seen.atoms / seen.looks / room, hot, cold)


def liquid_faces(record: Record, liquid: IntArray, slabs: SlabThermometer) -> tuple[Record, Record]:
    """Return the record twice, each with one face of the liquid: the other wall does not count as free.

    Parameters
    ----------
    record : with slabs
    liquid : layers of the record that are slabs
    slabs : whose edges are the walls
    """
    number = np.arange(record.heights.size)
    free = record.roles == FREE_ROLE
    far = float(slabs.edges[0] + slabs.edges[-1]) - record.plane
    hot = evolve(
        record, name=f"{record.name}, hot wall", roles=np.where(free & (number > liquid[-1]), HELD_ROLE, record.roles)
    )
    cold = evolve(
        record, name=f"{record.name}, cold wall", plane=far,
        roles=np.where(free & (number < liquid[0]), HELD_ROLE, record.roles),
    )  # fmt: skip
    return hot, cold


@frozen(eq=False)
class TubeRun:
    """A tube that was heated and left to cool in its matrix.

    Attributes
    ----------
    time : (n,) since it was left alone, s
    temperature : (runs, n, layers) of the tube and of the shells around it, K
    difference : (runs, n) of the tube less the matrix, K
    inside : share of the difference that falls between the first shell and the whole matrix
    drift : (runs,) change of the energy in units of the kinetic energy
    fit : conductance per area of the tube's wall, with its uncertainty and what speaks against it
    """

    time: Array
    temperature: Array
    difference: Array
    inside: float
    drift: Array
    fit: RelaxationFit


def run_tube(
    soft: SoftSystem,
    engine: MdEngine,
    baths: Thermostats,
    course: Protocol,
    *,
    count: int = 3,
    after: float = 0.0,
    folder: str | Path | None = None,
) -> TubeRun:
    r"""Heat a tube, leave it alone, and fit the conductance of its wall to the decay of its temperature.

    Tube and matrix are brought to a temperature each by Langevin baths on all of their atoms, then energy is conserved.
    $\Delta T = \Delta T_0 e^{-t/\tau}$, $1/\tau = G A (1/C_t + 1/C_m)$ with the classical heat capacities $3 N k_B$ and
    the area A of the tube's wall.  The matrix must be of one temperature: the share of ΔT that falls within it is read
    off its shells, which asks for no conductivity.  S. T. Huxtable et al., Nat. Mater. 2, 731 (2003),
    doi:10.1038/nmat996.

    Parameters
    ----------
    soft : of `nanotube_in_matrix`
    engine : of its potential
    baths : temperatures of the tube (hot) and of the matrix (cold) at first, and their damping
    course : time step, equilibration in the baths, blocks; temperatures are known block by block, so that blocks must
        be short against the decay
    count : runs that differ in their seed; errors are those of their scatter from three on
    after : times before this are left out, s
    folder : where all that is needed to go on is kept

    Raises
    ------
    InputError
        for a system that is no tube, or a difference that does not decay: run longer
    ConvergenceError
        if energy is not conserved
    """
    if not soft.radii.size or count < 1:
        raise InputError(f"{soft.system.name}: {soft.radii.size} shells, {count} runs: wanted a tube, and at least one")
    records: list[Record] = []
    for i in range(count):
        own = None if folder is None else Path(folder) / str(i + 1)
        records.append(_cool_tube(soft, engine, baths, evolve(course, seed=course.seed + i), own))
    return fit_tube(soft, records, after)


def _cool_tube(soft: SoftSystem, engine: MdEngine, baths: Thermostats, course: Protocol, folder: Path | None) -> Record:
    """Record of one run of a tube that is left alone."""
    system = soft.system
    apart = evolve(system, role=np.where(system.layer == 0, HOT_ROLE, COLD_ROLE))
    start = thermal_state(system, np.where(system.layer == 0, baths.hot, baths.cold), course.seed, twice=True)
    heating = Thermostats("langevin", baths.hot, baths.cold, baths.damping)
    motion = engine.begin(apart, soft.field, heating, start, timestep=course.timestep, seed=course.seed)
    try:
        motion.advance(course.equilibration)
        found = motion.state()
    finally:
        motion.close()
    drift = system.masses @ found.velocities / system.masses.sum()
    calm = MdState(found.positions, found.velocities - drift)
    alone = Thermostats("none", baths.hot, baths.cold)
    return run_nemd(system, soft.field, engine, alone, evolve(course, equilibration=0), start=calm, folder=folder)


def fit_tube(soft: SoftSystem, records: Sequence[Record], after: float) -> TubeRun:
    """Fit the runs of a tube.

    Parameters
    ----------
    soft : the system
    records : of each run, energy conserved
    after : times before this are left out, s
    """
    first = records[0]
    time = finite((np.arange(first.power.size) + 0.5) * first.block)
    temperature = np.array([one.temperature for one in records])
    matrix = np.average(temperature[..., 1:], axis=2, weights=first.counts[1:])
    difference = temperature[..., 0] - matrix
    used = time >= after
    lag = temperature[:, used, 1] - matrix[:, used]
    inside = float(lag.sum() / difference[:, used].sum())
    tube, rest = (_lumped_slab(3 * k_B * float(n) / soft.area) for n in (first.counts[0], first.counts[1:].sum()))
    last = float(np.average(temperature[:, -1].mean(axis=0), weights=first.counts))
    data = RelaxationData(time, difference, tube, rest, last, name=first.name)
    fit = fit_relaxation(data, after=after, model="lumped")
    if inside > _MAX_MATRIX_SHARE:
        reason = f"{inside:.0%} of the difference falls within the matrix, wanted below {_MAX_MATRIX_SHARE:.0%}"
        fit = evolve(fit, reasons=(*fit.reasons, reason))
    drift = np.array([_energy_change(one) for one in records])
    return TubeRun(time, temperature, difference, inside, drift, fit)


def _lumped_slab(areal: float) -> ThermalSlab:
    """Return a body of one temperature with a heat capacity per area of the tube's wall, J m⁻² K⁻¹."""
    positive([areal])
    return ThermalSlab(1e-9, areal / 1e-9)


def _energy_change(record: Record) -> float:
    """Change of the energy over a run in units of the kinetic energy."""
    kinetic = 1.5 * k_B * float(record.temperature[-1] @ record.counts)
    return float(record.energy[-1] - record.energy[0]) / kinetic
