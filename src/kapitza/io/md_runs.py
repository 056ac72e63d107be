"""Files of molecular dynamics runs: what the atoms are, the potential, the baths, how long, what is looked at.

title = "argon on heavy argon"
temperature = "30 K"                # mean of the two baths
difference = "12 K"                 # hot minus cold

[potential]
form = "lennard-jones"              # or "stillinger-weber" (Si), "tersoff" (Si, Ge, C)
end = "smooth"                      # Lennard-Jones only: or "truncated", "quadratic"; also epsilon, sigma, cutoff

[system]                            # one crystal whose atoms are heavier on the right:
crystal = "Ar"
ratio = 3
cells = [5, 5]                      # in the plane
length = [12, 12]                   # cells of each side, baths included
bath = 4                            # cells
wall = 1                            # held cells at the ends
lattice_constant = "5.35 angstrom"  # or "expanded": found by a short run at the temperature; left out: at rest

# or two crystals, as `kapitza junction build` takes them:
# left = "Si"
# right = "Ge"
# orientation = [0, 0, 1]
# strain = "right"                  # or "left", "both"
# length = ["9 nm", "9 nm"]
# width = "1.6 nm"
# bath = "2 nm"
# wall = "0.6 nm"

[baths]
kind = "langevin"                   # "exchange" needs a power, "swap" a period in steps
damping = "1 ps"

[run]
engine = "own"                      # or "lammps"
timestep = "4 fs"
equilibration = "400 ps"
time = "2 ns"
blocks = 80
replicas = 1
seed = 1

[spectrum]
interval = "40 fs"                  # between two looks at the plane; left out: ten time steps
segment = 512                       # looks; 0: no spectrum of the power

[modes]
planes = 6                          # free layers on each side of the plane whose velocities are looked at
still = "400 ps"                    # second run with both baths at the mean, for mode temperatures; left out: none
interface = false                   # follow the heat of each vibration of the atoms near the plane
"""

from os import PathLike
from typing import Any, cast

from attrs import evolve, frozen

from kapitza.io.quantities import quantity
from kapitza.io.samples import guarded
from kapitza.io.sections import Section, read_sections
from kapitza.matter.build import Plan
from kapitza.matter.matching import Strained
from kapitza.matter.structure import structure
from kapitza.simulate.md.build import mass_interface
from kapitza.simulate.md.engine import THERMOSTATS, Baths, Engine, Thermostat
from kapitza.simulate.md.expansion import expanded
from kapitza.simulate.md.field import Field
from kapitza.simulate.md.fields import ENDS, End, lennard_jones, stillinger_weber, tersoff
from kapitza.simulate.md.heat_run import Looks
from kapitza.simulate.md.junctions import junction_system
from kapitza.simulate.md.lammps_engine import Lammps
from kapitza.simulate.md.own import Own
from kapitza.simulate.md.protocol import Course
from kapitza.simulate.md.system import System
from kapitza.units import fs, nm, ps

POTENTIALS = ("lennard-jones", "stillinger-weber", "tersoff")
ENGINES = ("own", "lammps")
CRYSTAL = ("crystal", "ratio", "cells", "length", "bath", "wall", "lattice_constant")
TWO = ("left", "right", "orientation", "strain", "length", "width", "bath", "wall")
SAMPLE = 10  # steps between two looks at the temperatures and at the plane
EXPANSION = 20000  # steps of the runs that find a lattice constant


@frozen(eq=False)
class RunFile:
    """What a file of a run says.

    Attributes
    ----------
    title : of the run
    table : the tables of [system] as they stand, for systems of other lengths
    field : the potential
    engine : what moves the atoms
    baths : hot, cold and how
    course : time step, equilibration, blocks
    replicas : number of runs that differ in their seed
    looks : what is looked at during a run between baths
    """

    title: str
    table: Section
    field: Field
    engine: Engine
    baths: Baths
    course: Course
    replicas: int
    looks: Looks

    @property
    def temperature(self) -> float:
        """Mean of the two baths, K."""
        return (self.baths.hot + self.baths.cold) / 2

    def system(self, *, factor: float = 1.0, periodic: bool = False) -> System:
        """Build the atoms.

        Parameters
        ----------
        factor : by which both sides are longer than the file says
        periodic : repeat along z with a second interface, without baths and walls, as equilibrium wants it
        """
        return guarded(self.table, "", lambda: build(self, factor, periodic))


def read_run(path: str | PathLike[str]) -> RunFile:
    """Read a file of a run.

    Raises
    ------
    DataError
        with file, key and line, for unknown keys, units of another kind, missing or impossible numbers
    OSError
        if the file is missing or may not be read
    """
    top = read_sections(path)
    top.known(("title", "temperature", "difference", "potential", "system", "baths", "run", "spectrum", "modes"))
    table = top.section("system")
    table.known(CRYSTAL if "crystal" in table else TWO)
    if "crystal" not in table and not ("left" in table and "right" in table):
        raise top.fault('[system] wants crystal = "Ar" with a ratio, or left = "Si" and right = "Ge"', "system")
    field = guarded(top.section("potential"), "", lambda: read_potential(top.section("potential"), elements(table)))
    run = top.section("run")
    run.known(("engine", "timestep", "equilibration", "time", "blocks", "replicas", "seed"))
    course = guarded(run, "", lambda: read_course(run))
    looks = read_looks(top, course)
    kept = looks.segment and course.steps % looks.every == 0
    course = evolve(course, power=looks.every if kept else course.sample)
    return RunFile(
        top.text("title", top.path.stem), table, field, read_engine(run), read_baths(top, course), course,
        whole(run, "replicas", 1), looks,
    )  # fmt: skip


def whole(section: Section, key: str, default: int, low: int = 1) -> int:
    """Return a whole number of a table."""
    value = section.table.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < low:
        raise section.fault(f"expected a whole number of at least {low}, got {value!r:.60}", key)
    return value


def two(section: Section, key: str, kind: str, default: Any) -> tuple[Any, Any]:
    """Return a value for each side, or one for both; of kind "count" whole numbers, else quantities in SI."""
    value = section.table.get(key, default)
    values = value if isinstance(value, list) else [value, value]
    if len(values) != 2:
        raise section.fault(f"expected one value or two, got {value!r:.60}", key)
    if kind == "count":
        for one in values:
            if not isinstance(one, int) or isinstance(one, bool) or one < 1:
                raise section.fault(f"expected whole numbers above 0, got {one!r:.60}", key)
        return values[0], values[1]
    made = guarded(section, key, lambda: [quantity(one, kind, what=key) for one in values])
    return made[0], made[1]


def elements(table: Section) -> tuple[str, ...]:
    """Elements that the potential must know."""
    names = [table.text(key) for key in ("crystal", "left", "right") if key in table]
    found = [symbol for name in names for symbol in guarded(table, "", lambda n=name: structure(n).symbols)]
    return tuple(dict.fromkeys(found))


def read_potential(section: Section, symbols: tuple[str, ...]) -> Field:
    """Potential for the elements of the system."""
    form = section.text("form", choices=POTENTIALS)
    if form != "lennard-jones":
        section.known(("form",))
        return tersoff(symbols) if form == "tersoff" else stillinger_weber(symbols)
    section.known(("form", "end", "epsilon", "sigma", "cutoff"))
    if ("epsilon" in section) != ("sigma" in section):
        given = "epsilon" if "epsilon" in section else "sigma"
        raise section.fault(f"{given} alone: expected epsilon and sigma, or none of them", given)
    end = cast("End", section.text("end", "smooth", choices=ENDS))
    return lennard_jones(
        symbols, section.optional("epsilon", "energy"), section.optional("sigma", "length"),
        cutoff=section.number("cutoff", "share", 2.5), end=end,
    )  # fmt: skip


def read_course(run: Section) -> Course:
    """How long the run goes on, in whole steps."""
    timestep = run.number("timestep", "time", 1 * fs)
    total = run.number("time", "time")
    blocks = whole(run, "blocks", 40, 5)
    if not 0 < timestep < 100 * fs:
        raise run.fault(f"{timestep / fs:.3g} fs, wanted above 0 and below 100 fs", "timestep")
    steps = round(total / timestep / blocks / SAMPLE) * SAMPLE
    if steps < SAMPLE:
        raise run.fault(
            f"{total / ps:.4g} ps in {blocks} blocks leave less than {SAMPLE} steps of {timestep / fs:.3g} fs to each: "
            "take longer", "time",
        )  # fmt: skip
    settle = round(run.number("equilibration", "time", 0.0) / timestep)
    seed = whole(run, "seed", 1, 0)
    return Course(timestep=timestep, steps=steps, blocks=blocks, equilibration=settle, sample=SAMPLE, seed=seed)


def read_looks(top: Section, course: Course) -> Looks:
    """What is looked at during a run."""
    section, modes = top.section("spectrum"), top.section("modes")
    section.known(("interval", "segment"))
    modes.known(("planes", "still", "interface"))
    segment = whole(section, "segment", 512, 0)
    every = round(section.number("interval", "time", SAMPLE * course.timestep) / course.timestep)
    if every < 1:
        raise section.fault(f"less than one time step of {course.timestep / fs:.3g} fs", "interval")
    interface = modes.table.get("interface", False)
    if not isinstance(interface, bool):
        raise modes.fault(f"expected true or false, got {interface!r:.60}", "interface")
    still = round(modes.number("still", "time", 0.0) / course.block)
    if still < 0:
        raise modes.fault("expected a time above 0", "still")
    return Looks(every, segment, whole(modes, "planes", 6, 0), still, interface)


def read_engine(run: Section) -> Engine:
    """Engine by name."""
    if run.text("engine", "own", choices=ENGINES) == "own":
        return Own()
    return Lammps()


def read_baths(top: Section, course: Course) -> Baths:
    """Two baths, whose temperatures lie around the mean."""
    section = top.section("baths")
    section.known(("kind", "damping", "power", "period"))
    mean, difference = top.number("temperature", "temperature"), top.number("difference", "temperature", 0.0)
    if not mean > 0:
        raise top.fault(f"{mean:g} K, wanted above 0 K", "temperature")
    if not abs(difference) < 2 * mean:
        raise top.fault(f"{difference:g} K around {mean:g} K leaves a bath at 0 K or below", "difference")
    kind = cast("Thermostat", section.text("kind", "langevin", choices=THERMOSTATS))
    return Baths(
        kind, mean + difference / 2, mean - difference / 2, section.number("damping", "time", 200 * course.timestep),
        section.number("power", "power", 0.0), whole(section, "period", 0, 0),
    )  # fmt: skip


def build(held: RunFile, factor: float, periodic: bool) -> System:
    """Build the atoms of a file."""
    table = held.table
    if "crystal" in table:
        lengths = two(table, "length", "count", 12)
        cells = two(table, "cells", "count", 5)
        return mass_interface(
            table.text("crystal"), held.field, table.number("ratio", "share"), lattice_constant=constant(held),
            cells=cells, length=(max(1, round(factor * lengths[0])), max(1, round(factor * lengths[1]))),
            bath=0 if periodic else whole(table, "bath", 4), wall=whole(table, "wall", 1, 0), periodic=periodic,
            name=held.title,
        )  # fmt: skip
    sides = two(table, "length", "length", 5 * nm)
    plan = Plan(
        table.text("left"), table.text("right"), held.field.form, orientation(table),
        strain=cast("Strained", table.text("strain", "right", choices=("right", "left", "both"))),
    )  # fmt: skip
    made = junction_system(
        plan, held.field, lengths=(factor * sides[0], factor * sides[1]), width=table.number("width", "length", 2 * nm),
        bath=0.0 if periodic else table.number("bath", "length", 2 * nm), wall=table.number("wall", "length", 1 * nm),
        periodic=periodic,
    )  # fmt: skip
    return evolve(made, name=held.title)


def orientation(table: Section) -> tuple[int, ...]:
    """Miller indices of the surface."""
    value: Any = table.table.get("orientation", [0, 0, 1])
    if not isinstance(value, list) or len(value) not in (3, 4) or not all(isinstance(one, int) for one in value):
        raise table.fault(f"expected Miller indices such as [0, 0, 1], got {value!r:.60}", "orientation")
    return tuple(value)


def constant(held: RunFile) -> float | None:
    """Lattice constant of a crystal, m; None: that at rest."""
    table = held.table
    if table.table.get("lattice_constant") != "expanded":
        return table.optional("lattice_constant", "length")
    found = expanded(
        table.text("crystal"), held.field, held.engine, held.temperature, timestep=held.course.timestep,
        steps=EXPANSION, seed=held.course.seed,
    )  # fmt: skip
    return found.value
