"""A run between two thermostats as input of GPUMD: model.xyz, run.in and a potential that the user names.

Grouping method 0 holds the roles (0 free, 1 hot, 2 cold, 3 held), method 1 the planes of atoms, and method 2, where
spectra are wanted, the atoms near the plane (1).  Z. Fan et al., J. Chem. Phys. 157, 114801 (2022),
doi:10.1063/5.0106617.
"""

from collections.abc import Sequence

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array, IntArray
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.simulate.md.engine import MdState
from kapitza.simulate.md.engines.lammps_input import PlaneTrajectory
from kapitza.simulate.md.potential import single_line
from kapitza.simulate.md.protocol import Protocol, check_thermostats, starting_state
from kapitza.simulate.md.record import HEADER_FILE, make_header
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, FREE_ROLE, HOT_ROLE, System
from kapitza.units import angstrom, fs, m_u, ps

GPUMD_SPEED = angstrom / fs  # m s⁻¹ of GPUMD's unit of velocity
GPUMD_PLANE_FILE = "plane.xyz"  # positions, velocities and virials of the atoms near the plane
SHC_FILE = "shc.out"  # what GPUMD itself makes of the virials
_GPUMD_RESTARTS = 20  # times that a run is saved
_NEAR_METHOD, _NEAR_GROUP = 2, 1  # of the atoms near the plane
_SHC_INTERVAL = 10  # steps between samples of shc.out, at most
_SHC_LENGTHS = (100, 1000)  # correlation times that GPUMD takes


@frozen(eq=False)
class Slab(BaseRecord):
    """Neighbouring planes of atoms about the interface, whose mean heat flow GPUMD's virials give."""

    atoms: IntArray  # (k,) increasing
    thickness: float  # from halfway to the next plane below to halfway to the next one above, m
    volume: float  # m³


def slab_of_layers(system: System, layers: IntArray) -> Slab:
    """Slab of neighbouring planes of atoms; refused where they are not free, as heat flows unevenly there."""
    first, last = int(layers.min()), int(layers.max())
    heights: Array = system.heights
    inside = system.roles[first : last + 1]
    if first == 0 or last + 1 >= heights.size or (inside != FREE_ROLE).any():
        planes = f"the {last + 1 - first} planes of atoms near the interface"
        raise InputError(f"{system.name}: {planes} reach into the thermostats or the ends: take longer sides")
    thickness = float(heights[last] + heights[last + 1] - heights[first] - heights[first - 1]) / 2
    return Slab(np.flatnonzero((system.layer >= first) & (system.layer <= last)), thickness, thickness * system.area)


def gpumd_deck(
    system: System,
    potential: str,
    protocol: Protocol,
    *,
    symbols: Sequence[str] = (),
    trajectory: PlaneTrajectory | None = None,
) -> dict[str, str]:
    """Return the files of a run between Langevin thermostats, by name; no direct power, no flow of planes.

    `potential` is the path of the file (NEP, Tersoff, ...) as GPUMD opens it, `symbols` the name of each kind in it.
    With a trajectory GPUMD writes the atoms near the plane and `shc.out` before the first block.
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
    method = "GPUMD, langevin, " + potential.replace("\\", "/").split("/")[-1]
    return {
        "model.xyz": _model_file(system, names, starting_state(system, protocol), trajectory),
        "run.in": _run_commands(system, single_line(potential), protocol, trajectory),
        HEADER_FILE: make_header(system, protocol, method).text,
    }


def _model_file(system: System, names: Sequence[str], state: MdState, trajectory: PlaneTrajectory | None) -> str:
    used = sorted(set(system.role.tolist()))
    if used != list(range(len(used))) or system.counts.min() < 1:
        raise InputError(f"{system.name}: roles {used} and planes of atoms must follow each other without a gap")
    lattice = " ".join(f"{value:.12g}" for value in (system.lattice / angstrom).ravel())
    ends = "T T T" if system.periodic else "T T F"
    groups = [system.role, system.layer]
    if trajectory is not None:
        near = np.zeros_like(system.layer)
        near[slab_of_layers(system, trajectory.layers).atoms] = _NEAR_GROUP
        groups.append(near)
    labels = [" ".join(map(str, row)) for row in np.column_stack(groups)]
    head = f'pbc="{ends}" lattice="{lattice}" properties=species:S:1:pos:R:3:mass:R:1:vel:R:3:group:I:{len(groups)}'
    columns = zip(
        system.species, state.positions / angstrom, system.masses / m_u, state.velocities / GPUMD_SPEED, labels,
        strict=True,
    )  # fmt: skip
    rows = [
        f"{names[s]} {x[0]:.12g} {x[1]:.12g} {x[2]:.12g} {m:.10g} {v[0]:.12g} {v[1]:.12g} {v[2]:.12g} {label}"
        for s, x, m, v, label in columns
    ]
    return "\n".join([str(len(rows)), head, *rows, ""])


def _run_commands(system: System, potential: str, protocol: Protocol, trajectory: PlaneTrajectory | None) -> str:
    """Text of run.in; the run before the blocks ends with the energy at which they begin."""
    thermostats, before = protocol.thermostats, max(protocol.equilibration, 1)
    mean, half = (thermostats.hot + thermostats.cold) / 2, (thermostats.hot - thermostats.cold) / 2
    damping = thermostats.damping / protocol.timestep
    heat = [f"ensemble heat_lan {mean:.10g} {damping:.10g} {half:.10g} {HOT_ROLE} {COLD_ROLE}"]
    if (system.role == FIXED_ROLE).any():
        heat.append(f"fix {FIXED_ROLE}")
    total = protocol.blocks * protocol.steps
    restart = protocol.steps * max(1, protocol.blocks // _GPUMD_RESTARTS)
    lines = [
        f"potential {potential}", f"time_step {protocol.timestep / fs:.10g}",
        *heat, *([f"dump_thermo {before}"] if trajectory is None else []), f"run {before}",
        *([] if trajectory is None else [*heat, *_sampling_commands(trajectory, protocol.timestep)]),
        *heat, f"compute 1 {protocol.sample_interval} {protocol.steps // protocol.sample_interval} temperature",
        f"dump_thermo {protocol.steps}", f"dump_restart {restart}", f"run {total}",
    ]  # fmt: skip
    return "\n".join([*lines, ""])


def shc_settings(trajectory: PlaneTrajectory) -> tuple[int, int]:
    """Steps between the samples of shc.out, and its correlation times."""
    every = min(trajectory.every, _SHC_INTERVAL)
    low, high = _SHC_LENGTHS
    return every, int(np.clip(trajectory.steps // every // 8, low, high))


def _sampling_commands(trajectory: PlaneTrajectory, timestep: float) -> list[str]:
    """Commands of the run before the blocks that writes the atoms near the plane."""
    every, length = shc_settings(trajectory)
    if trajectory.steps < every * length:
        raise InputError(f"{trajectory.steps} steps of samples for GPUMD: wanted {every * length} or more")
    group = f"{_NEAR_METHOD} {_NEAR_GROUP}"
    highest = np.pi / (every * timestep / ps)  # of the angular frequencies, rad ps⁻¹
    return [
        f"# GPUMD up to 5.3: dump_xyz {group} {trajectory.every} {GPUMD_PLANE_FILE} velocity virial",
        f"dump_xyz {trajectory.every} {GPUMD_PLANE_FILE} group {group} velocity virial",
        f"compute_shc {every} {length} 2 {length} {highest:.10g} group {group}",
        f"dump_thermo {trajectory.steps}", f"run {trajectory.steps}",
    ]  # fmt: skip
