"""A run between two baths as a deck for LAMMPS on a cluster: `mpiexec -n 64 lmp -in in.nemd`.

Planes of atoms are fixed lists, not slabs of space, so that their temperatures are those of the same atoms throughout.
Where a run is cut short, `lmp -in in.continue` goes on from the last restart file; readers join what both have written.
"""

from kapitza.errors import InputError
from kapitza.simulate.md.engine import Baths, State
from kapitza.simulate.md.field import Commands, Field, Potential
from kapitza.simulate.md.header import FILE, header_of
from kapitza.simulate.md.lammps_potential import pair_of
from kapitza.simulate.md.lammps_text import (
    ATOMS,
    READ,
    box_of,
    data_file,
    groups,
    head,
    neighbours,
    number,
    seeds,
    thermostats,
    types,
)
from kapitza.simulate.md.protocol import Course, checked_baths, warm_state
from kapitza.simulate.md.system import System
from kapitza.units import eV, ps

PROFILE, HEAT, POWER = "profile.txt", "heat.txt", "power.txt"
RESTARTS = 20  # restart files of a run


def lammps_deck(
    system: System, field: Potential, baths: Baths, course: Course, *, start: State | None = None
) -> dict[str, str]:
    """Return the files of a run, by name.

    Parameters
    ----------
    system : the atoms
    field : their potential, as formula or as LAMMPS' own lines
    baths : "langevin", "exchange" or "none"
    course : time step, equilibration, blocks; direct power only of Lennard-Jones
    start : state to start from; None: rest, with velocities of the straight line of temperatures between the baths

    Raises
    ------
    InputError
        for "swap", whose slabs LAMMPS lays by height and not by role; for direct power of a many-body potential, of
        which LAMMPS tallies the pair part alone and says nothing
    """
    checked_baths(system, baths, course)
    if baths.kind == "swap":
        raise InputError(f"{system.name}: no deck for baths of kind 'swap': take 'exchange' instead")
    if course.power and not (isinstance(field, Field) and field.form == "lennard-jones"):
        raise InputError(
            f"power every {course.power} steps with {field.form!r}: LAMMPS counts only the pair part of many-body "
            "forces (of silicon after Stillinger and Weber less than half of the power): leave it out"
        )
    state = start if start is not None else warm_state(system, baths.hot, baths.cold, course.seed)
    kinds = types(system, field.kinds, whole=isinstance(field, Commands))
    pair = pair_of(field, kinds)
    rules = [*pair.commands, *neighbours(field.form), *groups(), f"timestep {number(course.timestep / ps)}"]
    rules += ["fix move moving nve", *thermostats(baths, *seeds(course.seed, state.step))]
    files = {
        "in.nemd": beginning(system, state, course),
        "in.continue": continuing(course),
        "in.rules": joined(rules),
        "in.output": joined(output(baths, course)),
        "system.data": data_file(system, kinds, state.positions, state.velocities),
        FILE: header_of(system, course, f"LAMMPS, {baths.kind}, {field.form}").text,
    }
    return files | pair.files


def joined(commands: list[str]) -> str:
    """Text of a file of commands."""
    return "\n".join([*commands, ""])


def beginning(system: System, state: State, course: Course) -> str:
    """Commands of a run from its start."""
    commands = [*head(box_of(system, state.positions)), ATOMS, READ]
    commands += ["include in.rules", "thermo 1000", "thermo_style custom step temp pe etotal"]
    commands += ["thermo_modify norm no flush yes", f"run {course.equilibration}", "reset_timestep 0"]
    return joined([*commands, "include in.output", f"run {course.steps * course.blocks}"])


def continuing(course: Course) -> str:
    """Commands that go on from the last restart file."""
    commands = ["read_restart restart.*", ATOMS, "include in.rules", "include in.output"]
    return joined([*commands, f"run {course.steps * course.blocks} upto"])


def output(baths: Baths, course: Course) -> list[str]:
    """Commands that write the blocks: temperatures of planes, heat of the baths and energies, direct power."""
    flowing = "com yes" if course.flowing else "com no"
    samples = f"{course.sample} {course.steps // course.sample} {course.steps}"
    written = "format ' %.15g'"
    commands = [
        "compute layer all property/atom i_layer",
        "compute planes all chunk/atom c_layer nchunk once ids every compress no",
        f"compute planetemp moving temp/chunk planes temp {flowing} adof 3 cdof {-3 if course.flowing else 0}",
        f"fix profile all ave/time {samples} c_planetemp[1] mode vector append {PROFILE} {written}",
        *(f"variable {name} equal {given}" for name, given in heats(baths)),
        "compute kinetic all ke",
        f"fix heat all ave/time 1 1 {course.steps} v_given v_taken c_thermo_pe c_kinetic append {HEAT} {written}",
    ]
    if course.power:
        every = f"{course.power} {course.steps // course.power} {course.steps}"
        commands += [
            "compute flow right heat/flux/virial/tally left",  # what the right side gains
            f"fix power all ave/time {every} c_flow append {POWER} {written}",
        ]
    restart = course.steps * max(1, course.blocks // RESTARTS)
    return [*commands, f"restart {restart} restart.*", "thermo 1000"]


def heats(baths: Baths) -> list[tuple[str, str]]:
    """Formulas of the energy that each bath has given, eV."""
    if baths.kind == "langevin":
        return [("given", "-f_hot"), ("taken", "-f_cold")]
    power = baths.power * ps / eV if baths.kind == "exchange" else 0.0
    return [("given", f"{number(power)}*dt*step"), ("taken", f"{number(-power)}*dt*step")]
