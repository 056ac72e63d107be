"""Routes atom by atom: Green's functions of a junction, and molecular dynamics where a published potential knows both
sides.
"""

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from time import perf_counter
from types import MappingProxyType

import numpy as np
from attrs import evolve, frozen

from kapitza.core.arrays import Array
from kapitza.errors import InputError
from kapitza.matter.building.interaction_range import truncate_force_constants
from kapitza.matter.building.mixed_junction import junction_from_crystals
from kapitza.matter.building.relaxed_junction import JunctionPlan, build_junction
from kapitza.matter.crystal import Crystal
from kapitza.matter.files.crystals import load_crystal
from kapitza.matter.junction import Junction
from kapitza.matter.phonons import has_phonons, phonon_card, phonon_crystal
from kapitza.matter.potentials.published import LENNARD_JONES_PARAMETERS, TERSOFF_CHI, TERSOFF_PARAMETERS
from kapitza.matter.structure import structure
from kapitza.routes.result import Route
from kapitza.run.store import Store, unit_address
from kapitza.run.work import ExecutorLike, Progress
from kapitza.simulate.md.engine import Thermostats
from kapitza.simulate.md.engines.builtin import BuiltinEngine
from kapitza.simulate.md.observers.sampling import Sampling
from kapitza.simulate.md.potential import Potential, lennard_jones, tersoff
from kapitza.simulate.md.protocol import Protocol
from kapitza.simulate.md.runs.run import run
from kapitza.simulate.md.system import System
from kapitza.simulate.md.systems.junctions import junction_system
from kapitza.theory.agf.conductance import ConvergedTransmission, refine_to_tolerance
from kapitza.theory.agf.transmission import UnitRunner
from kapitza.theory.sides import SideDescription, is_path
from kapitza.units import angstrom, fs, nm, ps

_REACH = 6 * angstrom  # of force constants that name no potential
# relative error of Green's functions that a budget (s) allows for: (budget, error)
_TOLERANCES = ((60.0, 0.05), (600.0, 0.02), (np.inf, 0.005))
_TIMESTEPS: Mapping[str, float] = MappingProxyType({"tersoff": 2 * fs, "lennard-jones": 5 * fs})
_MD_TEMPERATURE = 300.0  # K
_MD_DIFFERENCE = 0.4  # of the temperature, between the thermostats
_MD_EQUILIBRATION, _MD_TIME, _MD_BLOCKS = 20 * ps, 300 * ps, 30
MD_LENGTH, _MD_WIDTH, _MD_THERMOSTAT, _MD_WALL = 4.43 * nm, 1.56 * nm, 2.2 * nm, 0.55 * nm
# s for an atom and a step of the built-in engine on one core, roughly; it only decides whether a run is begun
_STEP_SECONDS: Mapping[str, float] = MappingProxyType({"tersoff": 1.5e-6, "lennard-jones": 3e-7})


class BudgetExceededError(Exception):
    """The time that was given is over; what is finished is in the store."""


@frozen
class TimeLimit:
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
    names = _crystal_names(left, right)
    if names is None:
        return None
    elements = {symbol for name in names for symbol in structure(name).symbols}
    if len(elements) == 1 or (elements <= set(TERSOFF_PARAMETERS) and elements in map(set, TERSOFF_CHI)):
        return "tersoff" if elements <= set(TERSOFF_PARAMETERS) else None
    return "lennard-jones" if elements <= set(LENNARD_JONES_PARAMETERS) else None


def _crystal_names(left: SideDescription, right: SideDescription) -> tuple[str, str] | None:
    """Both sides as names of crystals whose atoms the package knows; None where one is something else."""
    if not isinstance(left, str) or not isinstance(right, str) or is_path(left) or is_path(right):
        return None
    try:
        known = [structure(name) for name in (left, right)]
    except InputError:
        return None
    return (left, right) if known else None


def make_junction(left: SideDescription, right: SideDescription) -> tuple[Junction, str]:
    """The junction of two sides, and what it assumes: by a published potential, else by mixed force constants.

    Raises
    ------
    InputError
        where one side has no force constants, or the crystals do not fit
    MissingEngine
        for a potential without ase and matscipy
    """
    potential, names = common_potential(left, right), _crystal_names(left, right)
    if potential is not None and names is not None:
        plan = JunctionPlan(left=names[0], right=names[1], potential=potential)
        return build_junction(plan), f"harmonic; {potential} potential, relaxed, the right side strained"
    one, other = _crystal_of_side(left), _crystal_of_side(right)
    made = junction_from_crystals(one, other)
    return made, "harmonic; force constants of both crystals, their mean across the plane"


def _crystal_of_side(side: SideDescription) -> Crystal:
    """Crystal with force constants that end, of a name or a phonopy file."""
    normal = np.array([0.0, 0.0, 1.0])
    if isinstance(side, (str, PathLike)) and Path(side).suffix.lower() in (".yaml", ".yml"):
        bare, known = load_crystal(side, nac=False), load_crystal(side)
        return truncate_force_constants(bare, _REACH, reference=known, normal=normal).crystal
    if isinstance(side, str) and has_phonons(side) and phonon_card(side).usable:
        bare, known = phonon_crystal(side, nac=False), phonon_crystal(side)
        return truncate_force_constants(bare, _REACH, reference=known, normal=normal).crystal
    shown = fspath(side) if isinstance(side, (str, PathLike)) else getattr(side, "name", type(side).__name__)
    raise InputError(f"no force constants of {shown}: expected a crystal of the package or a phonopy file")


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
    """Green's functions, as exactly as a budget (s) allows; BudgetExceededError where it ends before."""
    started = perf_counter()
    tolerance = next(error for most, error in _TOLERANCES if budget <= most)
    found: ConvergedTransmission = refine_to_tolerance(
        junction, tolerance=tolerance, temperature=temperature, run=UnitRunner(executor, store, limit)
    )
    bare = found.transmission.conductance(temperature)
    return Route(
        name="agf", title="AGF", kind="simulation",
        conductance=evolve(bare, sigma=found.error * bare.value, method="AGF"), assumes=assumes,
        seconds=perf_counter() - started, transmission=found.transmission,
    )  # fmt: skip


@frozen(eq=False)
class PlannedRun:
    """A run of molecular dynamics that can be begun."""

    system: System
    potential: Potential
    protocol: Protocol

    @property
    def seconds(self) -> float:
        """Rough time of it."""
        steps = self.protocol.equilibration + self.protocol.blocks * self.protocol.steps
        return steps * self.system.masses.size * _STEP_SECONDS[self.potential.form]


def plan_run(left: str, right: str, potential: str, temperature: float = _MD_TEMPERATURE) -> PlannedRun:
    """Short cell between two thermostats, in which heat flows from the left to the right crystal."""
    elements = list(dict.fromkeys(symbol for name in (left, right) for symbol in structure(name).symbols))
    forces = tersoff(elements) if potential == "tersoff" else lennard_jones(elements)
    plan = JunctionPlan(left=left, right=right, potential=potential, strain="both")
    system = junction_system(
        plan, forces, lengths=(MD_LENGTH, MD_LENGTH), width=_MD_WIDTH, thermostat=_MD_THERMOSTAT, wall=_MD_WALL
    )
    step, half = _TIMESTEPS[potential], _MD_DIFFERENCE * temperature / 2
    every = 10
    protocol = Protocol(
        thermostats=Thermostats("langevin", temperature + half, temperature - half, 500 * step),
        timestep=step, steps=round(_MD_TIME / (_MD_BLOCKS * step * every)) * every, blocks=_MD_BLOCKS,
        equilibration=round(_MD_EQUILIBRATION / step), sample_interval=every, power_interval=every, seed=1,
    )  # fmt: skip
    return PlannedRun(system, forces, protocol)


def md_route(planned: PlannedRun, *, limit: TimeLimit, store: Store | None) -> Route:
    """Temperature jump in molecular dynamics; BudgetExceededError where the time ends before."""
    started = perf_counter()
    folder = None if store is None else _run_folder(planned, store)
    found = run(
        planned.system, planned.potential, BuiltinEngine(), planned.protocol, Sampling(segment=0), store=folder,
        progress=limit,
    ).result()  # fmt: skip
    why = "" if found.accepted else "; rejected: not steady, or the jump is not resolved"
    return Route(
        name="md", title="MD, temperature jump", kind="simulation",
        conductance=evolve(found.conductance(), method="NEMD"),
        assumes=f"{planned.potential.form} potential, classical, sides of {MD_LENGTH / nm:.2g} nm{why}",
        seconds=perf_counter() - started,
    )  # fmt: skip


def is_begun(planned: PlannedRun, store: Store | None) -> bool:
    """Whether blocks of a run are in the store, so that even little time takes it further."""
    return store is not None and _run_folder(planned, store).is_dir()


def _run_folder(planned: PlannedRun, store: Store) -> Path:
    """Folder of a run, which takes no other."""
    return store.folder / f"md-{_run_address(planned)[:20]}"


def _run_address(planned: PlannedRun) -> str:
    """Address of a run."""
    body, protocol = planned.system, planned.protocol
    inputs: dict[str, object] = {
        "positions": body.positions, "masses": body.masses, "potential": planned.potential.form,
        "numbers": _plain_numbers((protocol.timestep, protocol.steps, protocol.blocks, protocol.equilibration,
                                   protocol.thermostats.hot, protocol.thermostats.cold)),
    }  # fmt: skip
    return unit_address(inputs, version="routes-md-1")


def _plain_numbers(values: Sequence[float]) -> list[float]:
    """Numbers as floats."""
    return [float(one) for one in values]
