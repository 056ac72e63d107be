"""Files of molecular dynamics runs: atoms, potential, thermostats, protocol and sampling."""

from collections.abc import Sequence
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from attrs import evolve, frozen

from kapitza.core.records import BaseRecord
from kapitza.errors import DataError, InputError
from kapitza.io import toml
from kapitza.io.md import run_tables
from kapitza.io.toml import TomlTable
from kapitza.matter.building.relaxed_junction import JunctionPlan
from kapitza.matter.phonons import named_structure
from kapitza.matter.potentials.calculators import choose_calculator
from kapitza.matter.potentials.embedded_atom import read_embedded_atom
from kapitza.matter.potentials.named_force_fields import named_force_field
from kapitza.matter.potentials.pair_styles import find_pair_style
from kapitza.matter.potentials.relaxation import relax_cell
from kapitza.matter.structure import Structure
from kapitza.run.store import StoreLike
from kapitza.run.work import ExecutorLike, Progress, ignore_progress
from kapitza.simulate.md.analysis.sizes import size_series
from kapitza.simulate.md.engine import MdEngine, Thermostats
from kapitza.simulate.md.engines.ase import AseEngine
from kapitza.simulate.md.engines.builtin import BuiltinEngine
from kapitza.simulate.md.engines.gpumd import gpumd_deck
from kapitza.simulate.md.engines.lammps import LammpsEngine, LammpsForces
from kapitza.simulate.md.engines.lammps_input import PlaneTrajectory, lammps_deck
from kapitza.simulate.md.observers.plane_power import atoms_near_plane, layers_near_plane
from kapitza.simulate.md.observers.sampling import SEGMENT_LENGTH, Sampling
from kapitza.simulate.md.potential import (
    AnyPotential,
    CalculatorPotential,
    LammpsCommands,
    Potential,
    embedded_atom,
    lennard_jones,
    stillinger_weber,
    tersoff,
)
from kapitza.simulate.md.protocol import Preparation, Protocol
from kapitza.simulate.md.runs.closed import SizeStudy
from kapitza.simulate.md.runs.expansion import find_lattice_constant, rest_constant
from kapitza.simulate.md.runs.lifetimes import RestingRun, ThermalModes, thermal_modes
from kapitza.simulate.md.runs.run import Run, lengthen_protocol, records_of, run_replicas
from kapitza.simulate.md.runs.single import RunSetup, profile_state
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, HOT_ROLE, System
from kapitza.simulate.md.systems.assembly import mass_interface
from kapitza.simulate.md.systems.junctions import junction_system
from kapitza.units import fs, nm, ps

if TYPE_CHECKING:
    from kapitza.matter.building.matching import StrainedSide
    from kapitza.simulate.md.engine import ThermostatKind
    from kapitza.simulate.md.potential import Truncation

_MAX_STEPS = 10**12  # of a run: a thousand years of computing
_LONGEST_CUTOFF = 0.8 * nm  # of files that LAMMPS alone reads
_SAMPLE_BYTES = {"lammps": ("plane.dump", 90), "gpumd": ("plane.xyz", 210)}  # of an atom in a sample
_EXPANSION_STEPS = 20000  # steps of the runs that find a lattice constant


@frozen(eq=False, kw_only=True)
class RunFile(BaseRecord):
    """What a file of a run says.

    The tables of [system] stay as they stand, for systems of other lengths.

    Examples
    --------
    >>> from pathlib import Path
    >>> from kapitza.io import read_run
    >>> file = '''
    ... temperature = "30 K"
    ... difference = "12 K"
    ... [potential]
    ... form = "lennard-jones"
    ... epsilon = 1.67e-21
    ... sigma = "3.405 angstrom"
    ... [system]
    ... crystal = "Ar"
    ... ratio = 3
    ... cells = [3, 3]
    ... length = 5
    ... thermostat = 2
    ... lattice_constant = "5.35 angstrom"
    ... [thermostats]
    ... damping = "2 ps"
    ... [run]
    ... timestep = "10 fs"
    ... equilibration = "400 ps"
    ... time = "2 ns"
    ... blocks = 80
    ... '''
    >>> _ = Path("argon.toml").write_text(file)
    >>> held = read_run("argon.toml")
    >>> baths = held.protocol.thermostats
    >>> print(f"{baths.hot:.0f} and {baths.cold:.0f} K, {held.system().masses.size} atoms")
    36 and 24 K, 432 atoms
    """

    title: str
    table: TomlTable
    potential_table: TomlTable
    potential: AnyPotential
    engine: MdEngine
    protocol: Protocol
    sampling: Sampling

    @property
    def temperature(self) -> float:
        """Mean of the two thermostats, K."""
        return (self.protocol.thermostats.hot + self.protocol.thermostats.cold) / 2

    def with_preparation(self, preparation: Preparation = "gradient", replicas: int | None = None) -> "RunFile":
        """Return the same run with another preparation or number of replicas; closed cells have no direct power."""
        protocol, number = self.protocol, replicas or self.protocol.replicas
        power = protocol.power_interval if preparation == "gradient" else 0
        return evolve(self, protocol=evolve(protocol, preparation=preparation, replicas=number, power_interval=power))

    def with_profile(self, earlier: Run) -> "RunFile":
        """Return the same run from the temperature profile of an earlier one, stretched to its lengths: one replica."""
        if self.protocol.replicas != 1:
            raise InputError(
                f"{self.title}: {self.protocol.replicas} replicas would all start from the same velocities: start "
                "them one by one, each with its seed"
            )
        state = profile_state(self.system(), earlier.records[0], self.protocol.thermostats, self.protocol.seed)
        return evolve(self, protocol=evolve(self.protocol, start=state))

    def system(self, *, factor: float = 1.0, periodic: bool = False) -> System:
        """Build the atoms.

        Parameters
        ----------
        factor : by which both sides are longer than the file says
        periodic : repeat along z with a second interface, without thermostats and walls, as for runs in equilibrium
        """
        build = _build_crystal if "crystal" in self.table else _build_junction
        return evolve(self.table.locate("", build, self, factor, periodic), name=self.title)


def read_run(path: str | PathLike[str], *, gradient: bool = False) -> RunFile:
    """Read a file of a run; `gradient` says that heat is to flow, so that the thermostats must differ.

    Raises
    ------
    DataError
        with file, key and line, for unknown keys, units of another kind, missing or impossible numbers, times that are
        too short for blocks and segments, and thermostats that do not differ: all that is wrong, at once
    OSError
        if the file is missing or may not be read
    """
    top = toml.read_toml(path)
    run = top.section("run")
    potentials: list[AnyPotential] = []
    looked_up = [lambda: potentials.append(_read_run_potential(top)), lambda: _read_engine(run, *potentials)]
    toml.raise_together(chain(run_tables.run_faults(top, gradient=gradient), toml.faults_of(looked_up)))
    protocol = run.locate("", _read_protocol, top)
    sampling = _read_sampling(top, protocol)
    kept = sampling.segment and protocol.steps % sampling.every == 0
    protocol = evolve(protocol, power_interval=sampling.every if kept else protocol.sample_interval)
    return RunFile(
        title=top.text("title", top.path.stem), table=top.section("system"), potential=potentials[0],
        potential_table=top.section("potential"), engine=_read_engine(run, potentials[0]),
        protocol=protocol, sampling=sampling
    )  # fmt: skip


def _read_run_potential(top: TomlTable) -> AnyPotential:
    section, system = top.section("potential"), top.section("system")
    names = [system.text(key) for key in ("crystal", "left", "right") if key in system]
    structures = [system.locate("", named_structure, name) for name in names]
    symbols = tuple(dict.fromkeys(symbol for structure in structures for symbol in structure.symbols))
    return section.locate("", _make_potential, section, symbols)


def _make_potential(section: TomlTable, symbols: tuple[str, ...]) -> AnyPotential:
    form = run_tables.potential_form(section)
    if form == "file":
        path = section.beside("file")
        try:
            return _read_potential_file(str(path) if path.is_file() else section.text("file"), symbols)
        except DataError as err:
            if path.is_file():
                raise
            raise section.fault(str(err), "file") from err
    if form == "calculator":
        name, arguments = section.text("calculator"), dict(section.section("arguments").table)
        choice = choose_calculator(name, arguments, symbols)
        return CalculatorPotential(name, symbols, _LONGEST_CUTOFF, arguments, source=choice.source)
    if form != "lennard-jones":
        return tersoff(symbols) if form == "tersoff" else stillinger_weber(symbols)
    values = run_tables.POTENTIALS[form].read(section)
    epsilon, sigma, cutoff, end = (values[key] for key in ("epsilon", "sigma", "cutoff", "end"))
    return lennard_jones(symbols, epsilon, sigma, cutoff=cutoff, end=cast("Truncation", end))


def _read_potential_file(name: str, symbols: tuple[str, ...]) -> AnyPotential:
    """Potential of a file of LAMMPS: of the embedded-atom method for all engines, any other for LAMMPS alone."""
    style = find_pair_style(name)
    if style is None:
        raise InputError(f"{name!r:.60} is no file of a pair style of LAMMPS: expected .eam.alloy, .tersoff, ...")
    if style.analytic:
        return evolve(embedded_atom(read_embedded_atom(style.path), symbols), source=style.source)
    types = style.types(symbols)
    return LammpsCommands(style.style, style.lines(types), types, _LONGEST_CUTOFF, source=style.source)


def _read_protocol(top: TomlTable) -> Protocol:
    """How long the run goes on, in whole steps, between thermostats whose temperatures lie around the mean."""
    run, inside = top.section("run"), top.section("thermostats")
    values, bath = run_tables.PROTOCOL.read(run), run_tables.THERMOSTATS.read(inside)
    timestep, blocks, between = values["timestep"], values["blocks"], run_tables.SAMPLING_STEPS
    mean, difference = run_tables.RUN.value(top, "temperature"), run_tables.RUN.value(top, "difference")
    damping = 200 * timestep if bath["damping"] is None else bath["damping"]
    return Protocol(
        timestep=timestep,
        steps=_steps_of_time(run, "time", values["time"], timestep * blocks * between) * between,
        blocks=blocks,
        equilibration=_steps_of_time(run, "equilibration", values["equilibration"], timestep),
        sample_interval=between,
        seed=values["seed"],
        replicas=values["replicas"],
        thermostats=Thermostats(
            cast("ThermostatKind", bath["kind"]), mean + difference / 2, mean - difference / 2, damping, bath["power"],
            bath["period"],
        ),
    )  # fmt: skip


def _steps_of_time(section: TomlTable, key: str, time: float, step: float) -> int:
    if abs(time) > _MAX_STEPS * step:
        raise section.fault(f"{time:.3g} s, longer than any run: wanted at most {_MAX_STEPS * step:.3g} s", key)
    return round(time / step)


def _read_sampling(top: TomlTable, protocol: Protocol) -> Sampling:
    section, modes = top.section("spectrum"), top.section("modes")
    values, sampled = run_tables.SPECTRUM.read(section), run_tables.MODES.read(modes)
    interval = run_tables.SAMPLING_STEPS * protocol.timestep if values["interval"] is None else values["interval"]
    every = _steps_of_time(section, "interval", interval, protocol.timestep)
    if every < 1:
        raise section.fault(f"less than one time step of {protocol.timestep / fs:.3g} fs", "interval")
    reference = _steps_of_time(modes, "reference", sampled["reference"], protocol.block)
    return Sampling(every, values["segment"], sampled["planes"], reference, sampled["interface"])


def _read_engine(run: TomlTable, potential: AnyPotential | None = None) -> MdEngine:
    if isinstance(potential, CalculatorPotential):
        if "engine" in run:
            raise run.fault(
                "is of no use with a calculator in [potential], whose forces move the atoms: leave it out", "engine"
            )
        return AseEngine()
    if run.table.get("engine") == "own":
        raise run.fault('the engine "own" has the name "builtin" since version 0.2', "engine")
    return (
        BuiltinEngine()
        if run.text("engine", "builtin", choices=run_tables.ENGINE_NAMES) == "builtin"
        else LammpsEngine()
    )


def _formula(file: RunFile) -> Potential:
    if not isinstance(file.potential, Potential):
        raise InputError(
            f"{file.title}: {file.potential.form!r} is no formula of ours: take [system] with left and right; one "
            f"crystal needs {', '.join(run_tables.POTENTIAL_NAMES)} or a file of the embedded-atom method"
        )
    return file.potential


def _build_crystal(file: RunFile, factor: float, periodic: bool) -> System:
    values = run_tables.SYSTEMS["crystal"].read(file.table)
    left, right = (max(1, round(factor * cells)) for cells in values["length"])
    return mass_interface(
        values["crystal"], _formula(file), values["ratio"], lattice_constant=_crystal_constant(file),
        cells=values["cells"], length=(left, right),
        thermostat=(0 if periodic else values["thermostat"], values["wall"]), periodic=periodic,
    )  # fmt: skip


def _build_junction(file: RunFile, factor: float, periodic: bool) -> System:
    values = run_tables.SYSTEMS["left and right"].read(file.table)
    left, right = values["length"]
    plan = JunctionPlan(
        left=values["left"], right=values["right"], potential=_relaxing_potential(file),
        arguments=_calculator_arguments(file), orientation=values["orientation"],
        strain=cast("StrainedSide", values["strain"]),
    )  # fmt: skip
    return junction_system(
        plan, file.potential, lengths=(factor * left, factor * right), width=values["width"],
        thermostat=0.0 if periodic else values["thermostat"], wall=values["wall"], periodic=periodic,
    )  # fmt: skip


def _relaxing_potential(file: RunFile) -> str:
    """Name of the potential that relaxes the crystals, the same as that of the run."""
    section = file.potential_table
    if "calculator" in section:
        return section.text("calculator")
    if "file" not in section:
        return file.potential.form
    path = section.beside("file")
    return str(path) if path.is_file() else section.text("file")


def _calculator_arguments(file: RunFile) -> dict[str, object]:
    return dict(file.potential.arguments) if isinstance(file.potential, CalculatorPotential) else {}


def _crystal_constant(file: RunFile) -> float | None:
    """Lattice constant of a crystal, m; None: that at rest."""
    table = file.table
    stated = run_tables.SYSTEMS["crystal"].value(table, "lattice_constant")
    if stated != "expanded":
        return stated
    return find_lattice_constant(
        table.text("crystal"), _formula(file), file.engine, file.temperature,
        timestep=file.protocol.timestep, steps=_EXPANSION_STEPS, seed=file.protocol.seed,
    ).value  # fmt: skip


def side_modes(
    file: RunFile, *, cells: int = 5, store: str | Path | None = None, progress: Progress | None = None
) -> dict[str, ThermalModes]:
    """Lifetimes of the phonons of both crystals of a file, "left" and "right", at its mean temperature.

    Each is simulated without an interface and without strain, `cells` repeats a side, for the time of the file; of one
    crystal that is heavier on the right, the second follows from the first.  `store` is the folder of all that is
    needed to resume, `progress` is called with the number of time steps done and of all.
    """
    table, tell = file.table, progress or ignore_progress
    heavier = "crystal" in table
    names = [table.text("crystal")] if heavier else [table.text("left"), table.text("right")]
    run = RestingRun(
        timestep=file.protocol.timestep, steps=file.protocol.steps * file.protocol.blocks,
        interval=file.sampling.every, cells=(cells, cells, cells), seed=file.protocol.seed,
    )  # fmt: skip
    modes: list[ThermalModes] = []
    for number, name in enumerate(names):
        body, constant = _resting_crystal(file, name, heavier=heavier)
        made = thermal_modes(
            body, file.potential, file.engine, file.temperature, run, lattice_constant=constant,
            store=None if store is None else Path(store) / ("left", "right")[number],
            progress=lambda done, total, before=number: tell(before * total + done, len(names) * total),
        )  # fmt: skip
        modes.append(made)
    right = modes[0].heavier(table.number("ratio", "share")) if heavier else modes[1]
    return {"left": modes[0], "right": right}


def _resting_crystal(file: RunFile, name: str, *, heavier: bool) -> tuple[str | Structure, float | None]:
    """A crystal of a file without strain, and its lattice constant where it is not that of the structure."""
    if not isinstance(file.potential, Potential) and not heavier:
        body = named_structure(name)
        force_field = named_force_field(_relaxing_potential(file), body.symbols, arguments=_calculator_arguments(file))
        return relax_cell(body, force_field), None
    constant = _crystal_constant(file) if heavier else None
    return name, constant or rest_constant(name, _formula(file))


def size_study(
    file: RunFile,
    lengths: Sequence[float],
    *,
    store: StoreLike | None = None,
    executor: ExecutorLike | None = None,
    progress: Progress | None = None,
) -> SizeStudy:
    """Run the interface of a file between longer and longer sides, and extrapolate its resistance.

    `lengths` of each side, thermostats included, m: three or more.  The protocol of the file is long enough for its own
    lengths, and is made longer by their square.
    """
    if len(set(lengths)) < 3:
        raise InputError(f"{len(set(lengths))} lengths: an extrapolation with a check needs three or more")
    base = left_side_length(file.system())
    systems = [file.system(factor=factor) for factor in sorted(length / base for length in lengths)]
    setups = [
        RunSetup(system, file.potential, file.engine, lengthen_protocol(file.protocol, left_side_length(system) / base))
        for system in systems
    ]
    replicas = run_replicas(setups, store=store, executor=executor, progress=progress)
    runs = tuple(records_of(setup, each) for setup, each in zip(setups, replicas, strict=True))
    results = tuple(run.result() for run in runs)
    distances: list[float] = []  # of the inner planes of the two thermostats, m
    for record in (run.records[0] for run in runs):
        hot, cold = record.heights[record.roles == HOT_ROLE], record.heights[record.roles == COLD_ROLE]
        distances.append(float(cold.min() - hot.max()))
    series = size_series([result.resistance for result in results], [result.sigma for result in results], distances)
    return SizeStudy(runs, results, series)


def left_side_length(system: System) -> float:
    """Length of the left side from the first plane that moves to the interface, m."""
    return system.plane - float(system.heights[system.roles != FIXED_ROLE].min())


def run_deck(file: RunFile, engine: str, *, potential: str | None = None, spectrum: float = 0.0) -> dict[str, str]:
    """Files of a run for another program, by name.

    Parameters
    ----------
    file : of the run
    engine : "lammps" or "gpumd"
    potential : its path as GPUMD opens it
    spectrum : time over which the atoms near the plane are written, s, for `kapitza.io.md.trajectory.read_lammps_run`
        and `kapitza.io.md.trajectory.read_gpumd_run`; GPUMD takes it in front of the blocks
    """
    system = file.system()
    if engine == "gpumd":
        if potential is None:
            raise InputError(f"{file.title}: GPUMD needs a file of the potential, got {potential}")
        near = plane_trajectory(file, system, spectrum, engine) if spectrum else None
        return gpumd_deck(system, potential, evolve(file.protocol, power_interval=0), trajectory=near)
    if engine != "lammps":
        raise InputError(f"no decks for {engine!r:.40}: expected 'lammps' or 'gpumd'")
    # LAMMPS tallies the power of pair forces alone.
    protocol = file.protocol if file.potential.form == "lennard-jones" else evolve(file.protocol, power_interval=0)
    return lammps_deck(system, file.potential, protocol, plane_trajectory(file, system, spectrum) if spectrum else None)


def plane_trajectory(file: RunFile, system: System, time: float, engine: str = "lammps") -> PlaneTrajectory:
    """Atoms near the plane and the steps of a time (s), for the spectra of a deck: whole segments of them."""
    sampling, protocol = file.sampling, file.protocol
    segment, total = sampling.segment or SEGMENT_LENGTH, protocol.steps * protocol.blocks
    steps = round(min(time / protocol.timestep, total + 1))
    if not sampling.every * segment <= steps <= total:
        raise InputError(
            f"a spectrum of {time / ps:g} ps: wanted from one segment, "
            f"{sampling.every * segment * protocol.timestep / ps:g} ps, to the whole run, "
            f"{total * protocol.timestep / ps:g} ps"
        )
    if engine == "lammps" and isinstance(file.potential, LammpsCommands):  # the power depends on LAMMPS' forces
        members = atoms_near_plane(system, LammpsForces(system, file.potential).cutoff).members
        return PlaneTrajectory(np.unique(system.layer[members]), sampling.every, steps)
    return PlaneTrajectory(layers_near_plane(system, file.potential.cutoff), sampling.every, steps)


def trajectory_size(file: RunFile, time: float, engine: str = "lammps") -> str:
    """Say how much an engine will write of the atoms near the plane in a time (s)."""
    system = file.system()
    near = plane_trajectory(file, system, time, engine)
    samples, atoms = near.steps // near.every, int(system.counts[near.layers].sum())
    name, each = _SAMPLE_BYTES[engine]
    return f"{name} will have {samples} samples of {atoms} atoms, about {samples * atoms * each / 1e9:.2g} GB"
