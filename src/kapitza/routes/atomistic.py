"""Routes atom by atom: Green's functions of a junction, and molecular dynamics where a published potential knows both
sides.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from types import MappingProxyType

import numpy as np
from attrs import define, evolve, frozen

from kapitza import Crystal, Junction, lattice, material, md
from kapitza.core import BaseRecord
from kapitza.core.arrays import Array
from kapitza.errors import InputError
from kapitza.matter import has_phonons, is_structure_file, load_crystal, structure
from kapitza.phonons import StructureCrystal, crystal_from_file, phonon_card, phonon_crystal
from kapitza.routes.result import Route
from kapitza.run import ExecutorLike, Progress, Store, unit_address
from kapitza.theory import SideDescription, is_path
from kapitza.theory.agf import ConvergedTransmission, UnitRunner, refine_to_tolerance
from kapitza.units import angstrom, fs, nm, ps

_REACH = 6 * angstrom  # of force constants that name no potential
_NOTICEABLE_TRUNCATION = 5e-3  # of the largest force constant: forces left out that are said
# what a budget (s) is for: relative error of Green's functions, blocks of molecular dynamics
_AIMS = ((60.0, 0.02, 30), (600.0, 0.005, 30), (np.inf, 0.002, 120))
_COARSER = (0.2, 0.1, 0.05, 0.02, 0.01, 0.005)  # errors on the way, so that what ends before has a result too
_TIMESTEPS: Mapping[str, float] = MappingProxyType({"tersoff": 2 * fs, "lennard-jones": 5 * fs})
_MD_TEMPERATURE = 300.0  # K
_MD_DIFFERENCE = 0.4  # of the temperature, between the thermostats
_MD_EQUILIBRATION, _MD_BLOCK = 20 * ps, 10 * ps
_LEAST_BLOCKS = 10  # of which the error of a short run is known well enough
_MD_MARGIN = 1.25  # by which a block may take longer than the one before, on a machine with other work
MD_LENGTH, _MD_WIDTH, _MD_THERMOSTAT, _MD_WALL = 4.43 * nm, 1.56 * nm, 2.2 * nm, 0.55 * nm


class BudgetExceededError(Exception):
    """The time that was given is over; what is finished is in the store."""


@frozen
class TimeLimit(BaseRecord):
    """The moment at which long work ends, on the clock of `perf_counter`, and who else wants to know of progress."""

    end: float
    progress: Progress | None = None

    @property
    def left(self) -> float:
        """Seconds until then."""
        return self.end - perf_counter()

    def __call__(self, done: int, total: int) -> None:
        """Stop work that is not done by then."""
        if self.progress is not None:
            self.progress(done, total)
        if done < total and self.left < 0:
            raise BudgetExceededError(f"{done} of {total} units were done")


def common_potential(left: SideDescription, right: SideDescription) -> str | None:
    """Name of a published potential that knows all elements of two crystals by name; None where there is none."""
    elements: set[str] = set()
    for side in (left, right):
        if not isinstance(side, str) or is_path(side):
            return None
        try:
            elements |= set(structure(side).symbols)
        except InputError:  # not a crystal whose atoms the package knows
            return None
    tersoff = elements <= set(lattice.TERSOFF_PARAMETERS)
    if len(elements) == 1 or (tersoff and elements in map(set, lattice.TERSOFF_CHI)):
        return "tersoff" if tersoff else None
    return "lennard-jones" if elements <= set(lattice.LENNARD_JONES_PARAMETERS) else None


def make_junction(left: SideDescription, right: SideDescription) -> tuple[Junction, str]:
    """The junction of two sides, and what it assumes: by a published potential, else by mixed force constants.

    Raises
    ------
    InputError
        where one side has no force constants, or the crystals do not fit
    MissingEngine
        for a potential without ase and matscipy
    """
    potential = common_potential(left, right)
    if potential is not None:
        plan = lattice.JunctionPlan(left=str(left), right=str(right), potential=potential)
        return lattice.build_junction(plan), f"harmonic; {potential} potential, relaxed, the right side strained"
    (one, cut), (other, end) = _crystal_of_side(left), _crystal_of_side(right)
    made = lattice.junction_from_crystals(one, other)
    return made, f"harmonic; force constants of both crystals, their mean across the plane{cut}{end}"


def _crystal_of_side(side: SideDescription) -> tuple[Crystal, str]:
    """Crystal with force constants that end, of a name or a file, and what was left out of it, in words."""
    name = _crystal_of_library(side)
    if name:
        bare, full = phonon_crystal(name, nac=False), phonon_crystal(name)
    elif isinstance(side, StructureCrystal):
        bare = full = side.crystal
    elif isinstance(side, (str, PathLike)) and is_structure_file(side):
        bare = full = crystal_from_file(side).crystal
    elif isinstance(side, (str, PathLike)) and is_path(side) and ".toml" not in fspath(side).lower():
        bare, full = load_crystal(side, nac=False), load_crystal(side)
    else:
        shown = fspath(side) if isinstance(side, (str, PathLike)) else getattr(side, "name", type(side).__name__)
        raise InputError(f"no force constants of {shown}: expected a crystal of the package, phonopy's, or a structure")
    found = lattice.truncate_force_constants(bare, _REACH, reference=full, normal=np.array([0.0, 0.0, 1.0]))
    cut = f"; {found}" if found.dropped > _NOTICEABLE_TRUNCATION else ""
    return found.crystal, cut


def _crystal_of_library(side: SideDescription) -> str:
    """Name of the crystal of the package that a side is, by whatever name it goes; empty for others."""
    if not isinstance(side, str) or is_path(side):
        return ""
    try:
        known = side if has_phonons(side) else material(side).name
    except InputError:
        return ""
    return known if has_phonons(known) and phonon_card(known).usable else ""


def agf_route(
    junction: Junction,
    assumes: str,
    temperature: Array,
    *,
    budget: float,
    limit: TimeLimit,
    store: Store | None,
    executor: ExecutorLike | None,
) -> Route:
    """Green's functions, as exactly as a budget (s) allows; BudgetExceededError where not even a coarse result is
    there in time.
    """
    started = perf_counter()
    aim = next(error for most, error, _ in _AIMS if budget <= most)
    found: ConvergedTransmission | None = None
    stopped = ""
    with _store_or_scratch(store) as kept:
        for tolerance in (*(one for one in _COARSER if one > aim), aim):
            if found is not None and (found.error <= tolerance).all():
                continue
            try:
                run = UnitRunner(executor, kept, limit)
                found = refine_to_tolerance(junction, tolerance=tolerance, temperature=temperature, run=run)
            except BudgetExceededError:
                if found is None:
                    raise
                stopped = f"; stopped by the budget on the way to an error of {aim:.2g}"
                break
    if found is None:
        raise AssertionError(f"no result at {aim:g}")
    bare = found.transmission.conductance(temperature)
    return Route(
        name="agf", title="AGF", kind="simulation",
        conductance=evolve(bare, sigma=found.error * bare.value, method="AGF"), assumes=assumes + stopped,
        seconds=perf_counter() - started, transmission=found.transmission,
    )  # fmt: skip


@contextmanager
def _store_or_scratch(store: Store | None) -> Generator[Store, None, None]:
    """The store, or one that is gone afterwards where nothing is to be kept."""
    if store is not None:
        yield store
        return
    with TemporaryDirectory() as folder:
        yield Store(Path(folder))


@frozen(eq=False)
class PlannedRun(BaseRecord):
    """A run of molecular dynamics that can be begun; how many blocks it has is decided by the time there is."""

    system: md.System
    potential: md.Potential
    protocol: md.Protocol


def plan_run(left: str, right: str, potential: str, temperature: float = _MD_TEMPERATURE) -> PlannedRun:
    """Short cell between two thermostats, in which heat flows from the left to the right crystal."""
    elements = list(dict.fromkeys(symbol for name in (left, right) for symbol in structure(name).symbols))
    forces = md.tersoff(elements) if potential == "tersoff" else md.lennard_jones(elements)
    plan = lattice.JunctionPlan(left=left, right=right, potential=potential, strain="both")
    system = md.junction_system(
        plan, forces, lengths=(MD_LENGTH, MD_LENGTH), width=_MD_WIDTH, thermostat=_MD_THERMOSTAT, wall=_MD_WALL
    )
    step, half = _TIMESTEPS[potential], _MD_DIFFERENCE * temperature / 2
    every = 10
    protocol = md.Protocol(
        thermostats=md.Thermostats("langevin", temperature + half, temperature - half, 500 * step),
        timestep=step, steps=round(_MD_BLOCK / (step * every)) * every, blocks=max(blocks for *_, blocks in _AIMS),
        equilibration=round(_MD_EQUILIBRATION / step), sample_interval=every, power_interval=every, seed=1,
    )  # fmt: skip
    return PlannedRun(system, forces, protocol)


@define
class RunLimit:
    """Ends a run after as many blocks as are wanted, or before the first one that the time does not suffice for."""

    limit: TimeLimit
    wanted: int
    block: float  # s on the clock, of the last one, at first of a trial
    pieces: float = 1.0  # blocks until the next call, that of the equilibration at first
    done: int = 0
    before: float | None = None  # moment of the last call

    def __call__(self, done: int, total: int) -> None:
        """Note what is done, and stop where that is enough or the next block would come too late."""
        now = perf_counter()
        if self.before is not None:
            self.block, self.pieces = (now - self.before) / self.pieces, 1.0
        elif done:  # the equilibration was done before
            self.pieces = 1.0
        self.before, self.done = now, done
        if self.limit.progress is not None:
            self.limit.progress(done, total)
        if done >= self.wanted or self.limit.left < _MD_MARGIN * self.pieces * self.block:
            raise BudgetExceededError(f"{done} of {self.wanted} blocks were done")


def md_route(planned: PlannedRun, *, budget: float, limit: TimeLimit, store: Store | None) -> Route:
    """Temperature jump in molecular dynamics, as long as there is time for.

    Raises
    ------
    InputError
        where the shortest run takes longer than the budget (s), by the computing time of some steps of it
    BudgetExceededError
        where the time ends before the shortest run does
    """
    started, protocol = perf_counter(), planned.protocol
    wanted = min(protocol.blocks, next(blocks for most, _, blocks in _AIMS if budget <= most))
    least = min(_LEAST_BLOCKS, wanted)
    engine = md.BuiltinEngine()
    computing, clock = md.time_block(md.RunSetup(planned.system, planned.potential, engine, protocol))
    before = protocol.equilibration / protocol.steps
    shortest = (least + before) * computing
    if shortest > budget and not is_begun(planned, store):
        raise InputError(
            f"{shortest:.0f} s of computing by a trial on this machine, more than the budget of {budget:g} s"
        )
    with _store_or_scratch(store) as kept:
        until, folder = RunLimit(limit, wanted, clock, 1.0 + before), _run_folder(planned, kept)
        run_to_here = partial(md.run, planned.system, planned.potential, engine, store=folder)
        try:
            found = run_to_here(protocol, md.Sampling(segment=0), progress=until)
        except BudgetExceededError:
            if until.done < least:
                raise
            found = run_to_here(evolve(protocol, blocks=until.done), md.Sampling(segment=0))
    result = found.result()
    why = "" if result.accepted else f"; rejected: {'; '.join(result.reasons)}"
    time = found.records[0].power.size * protocol.block
    return Route(
        name="md", title="MD, temperature jump", kind="simulation",
        conductance=evolve(result.conductance(), method="NEMD"),
        assumes=f"{planned.potential.form} potential, classical, sides of {MD_LENGTH / nm:.2g} nm, "
        f"{time / ps:.0f} ps{why}",
        seconds=perf_counter() - started,
    )  # fmt: skip


def is_begun(planned: PlannedRun, store: Store | None) -> bool:
    """Whether blocks of a run are in the store, so that even little time takes it further."""
    return store is not None and _run_folder(planned, store).is_dir()


def _run_folder(planned: PlannedRun, store: Store) -> Path:
    """Folder of a run, which takes no other: its name is the address of what the run starts from."""
    body, protocol = planned.system, planned.protocol
    baths = protocol.thermostats
    numbers = (protocol.timestep, protocol.steps, protocol.equilibration, baths.hot, baths.cold)
    inputs: dict[str, object] = {
        "positions": body.positions, "masses": body.masses, "potential": planned.potential.form,
        "numbers": [float(one) for one in numbers],
    }  # fmt: skip
    return store.folder / f"md-{unit_address(inputs, version='routes-md-2')[:20]}"
