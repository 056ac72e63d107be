"""A run between two thermostats as input of GPUMD: model.xyz, run.in and a potential that the user names.

Grouping method 0 holds the roles (0 free, 1 hot, 2 cold, 3 held), method 1 the planes of atoms.  Z. Fan et al.,
J. Chem. Phys. 157, 114801 (2022), doi:10.1063/5.0106617.
"""

from collections.abc import Sequence

from kapitza.errors import InputError
from kapitza.simulate.md.engine import MdState
from kapitza.simulate.md.potential import single_line
from kapitza.simulate.md.protocol import Protocol, check_thermostats, gradient_state
from kapitza.simulate.md.record import HEADER_FILE, make_header
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, HOT_ROLE, System
from kapitza.units import angstrom, fs, m_u

_GPUMD_SPEED = angstrom / fs  # m s⁻¹ of GPUMD's unit of velocity
_GPUMD_RESTARTS = 20  # times that a run is saved


def gpumd_deck(system: System, potential: str, protocol: Protocol, *, symbols: Sequence[str] = ()) -> dict[str, str]:
    """Return the files of a run between Langevin thermostats, by name; no direct power, no flow of planes.

    `potential` is the path of the file (NEP, Tersoff, ...) as GPUMD opens it, `symbols` the name of each kind in it.
    """
    thermostats = protocol.thermostats
    check_thermostats(system, protocol)
    if thermostats.kind != "langevin" or protocol.power_interval or protocol.subtract_flow:
        raise InputError(
            "GPUMD's decks have Langevin thermostats, no power through the plane and no flow of planes, got "
            f"{thermostats.kind!r}, power_interval = {protocol.power_interval}, "
            f"subtract_flow = {protocol.subtract_flow}: take LAMMPS, or leave them out"
        )
    names = tuple(symbols) or system.kinds
    if len(names) != len(system.kinds) or any(len(name.split()) != 1 for name in names):
        raise InputError(f"symbols {names!r} for the kinds {', '.join(system.kinds)}: give one word for each")
    state = (
        protocol.start
        if protocol.start is not None
        else gradient_state(system, thermostats.hot, thermostats.cold, protocol.seed)
    )
    return {
        "model.xyz": _model_file(system, names, state),
        "run.in": _run_commands(system, single_line(potential), protocol),
        HEADER_FILE: make_header(
            system, protocol, "GPUMD, langevin, " + potential.replace("\\", "/").split("/")[-1]
        ).text,
    }


def _model_file(system: System, names: Sequence[str], state: MdState) -> str:
    """Text of model.xyz."""
    used = sorted(set(system.role.tolist()))
    if used != list(range(len(used))) or system.counts.min() < 1:
        raise InputError(f"{system.name}: roles {used} and planes of atoms must follow each other without a gap")
    lattice = " ".join(f"{value:.12g}" for value in (system.lattice / angstrom).ravel())
    ends = "T T T" if system.periodic else "T T F"
    head = f'pbc="{ends}" lattice="{lattice}" properties=species:S:1:pos:R:3:mass:R:1:vel:R:3:group:I:2'
    columns = zip(
        system.species, state.positions / angstrom, system.masses / m_u, state.velocities / _GPUMD_SPEED, system.role,
        system.layer, strict=True,
    )  # fmt: skip
    rows = [
        f"{names[s]} {x[0]:.12g} {x[1]:.12g} {x[2]:.12g} {m:.10g} {v[0]:.12g} {v[1]:.12g} {v[2]:.12g} {role} {layer}"
        for s, x, m, v, role, layer in columns
    ]
    return "\n".join([str(len(rows)), head, *rows, ""])


def _run_commands(system: System, potential: str, protocol: Protocol) -> str:
    """Text of run.in; the run before the blocks ends with the energy at which they begin."""
    thermostats = protocol.thermostats
    mean, half = (thermostats.hot + thermostats.cold) / 2, (thermostats.hot - thermostats.cold) / 2
    damping = thermostats.damping / protocol.timestep
    heat = f"ensemble heat_lan {mean:.10g} {damping:.10g} {half:.10g} {HOT_ROLE} {COLD_ROLE}"
    held = [f"fix {FIXED_ROLE}"] if (system.role == FIXED_ROLE).any() else []
    before = max(protocol.equilibration, 1)
    total = protocol.blocks * protocol.steps
    restart = protocol.steps * max(1, protocol.blocks // _GPUMD_RESTARTS)
    lines = [
        f"potential {potential}", f"time_step {protocol.timestep / fs:.10g}",
        heat, *held, f"dump_thermo {before}", f"run {before}",
        heat, *held, f"compute 1 {protocol.sample_interval} {protocol.steps // protocol.sample_interval} temperature",
        f"dump_thermo {protocol.steps}", f"dump_restart {restart}", f"run {total}",
    ]  # fmt: skip
    return "\n".join([*lines, ""])
