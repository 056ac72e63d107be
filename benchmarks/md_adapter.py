"""What the adapter adds to LAMMPS: the same 6912 atoms by LAMMPS alone and behind our protocol, in turn, CPU time.

python benchmarks/md_adapter.py [steps]
"""

import sys
from itertools import product
from time import process_time

import numpy as np

from kapitza.simulate.md.engine import MdState, Thermostats
from kapitza.simulate.md.engines.lammps import LammpsEngine, start_lammps
from kapitza.simulate.md.engines.lammps_input import format_number
from kapitza.simulate.md.potential import lennard_jones
from kapitza.simulate.md.protocol import Thermometer, gradient_state
from kapitza.simulate.md.system import COLD_ROLE, FREE_ROLE, HOT_ROLE, System
from kapitza.units import angstrom, fs, m_u, ps

CELLS, A = 12, 5.3 * angstrom
BATHS = Thermostats("langevin", 35.0, 25.0, 1 * ps)
ROUNDS, LOOK = 7, 10


def argon() -> System:
    base = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    cells = np.array(list(product(range(CELLS), repeat=3)))[:, None]
    positions = (cells + base).reshape(-1, 3) * A
    layer = np.round(positions[:, 2] / A * 2).astype(int)
    role = np.select([layer < 4, (layer >= 12) & (layer < 16)], [HOT_ROLE, COLD_ROLE], FREE_ROLE)
    n = layer.size
    masses, box, plane = np.full(n, 39.948 * m_u), np.eye(3) * CELLS * A, 7.75 * A / 2
    return System(
        name="argon",
        lattice=box,
        positions=positions,
        masses=masses,
        species=np.zeros(n, int),
        kinds=("Ar",),
        layer=layer,
        role=role,
        plane=plane,
        periodic=True,
    )


def alone(system: System, state: MdState) -> object:
    """LAMMPS as a script would drive it, with the same thermostats."""
    engine = start_lammps(LammpsEngine())
    side = format_number(CELLS * A / angstrom)
    setup = f"""units metal
atom_style atomic
lattice fcc {format_number(A / angstrom)}
region box block 0 {side} 0 {side} 0 {side} units box
create_box 1 box
create_atoms 1 box
mass 1 39.948
pair_style lj/smooth/linear 8.5
pair_coeff 1 1 0.0104 3.4 8.5
neighbor 2.0 bin
neigh_modify delay 0 every 1
timestep 0.004
region hot block INF INF INF INF 0 {format_number(3.9 * A / 2 / angstrom)} units box
region cold block INF INF INF INF {format_number(5.95 * A / angstrom)} {format_number(7.95 * A / angstrom)} units box
group hot region hot
group cold region cold
velocity all create 60 17
fix move all nve
fix hot hot langevin 35 35 1 17 tally yes
fix cold cold langevin 25 25 1 18 tally yes
thermo 0"""
    for line in setup.splitlines():
        engine.command(line)
    engine.command("run 0 post no")
    return engine


def main() -> None:
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    system = argon()
    field = lennard_jones(("Ar",), 0.0104 * 1.602176634e-19, 3.4 * angstrom)
    state = gradient_state(system, 35.0, 25.0, 3)
    bare = alone(system, state)
    motion = LammpsEngine().begin(system, field, BATHS, state, timestep=4 * fs, seed=3)
    look = Thermometer(system=system, every=LOOK)
    bare.command("run 300 post no")  # both shake down to the same state before they are timed
    motion.advance(300)
    times: dict[str, list[float]] = {"alone": [], "one advance": [], f"every {LOOK} steps": [], "with temperatures": []}
    for _ in range(ROUNDS):
        begin = process_time()
        bare.command(f"run {steps} pre no post no")
        times["alone"].append(process_time() - begin)
        begin = process_time()
        motion.advance(steps)
        times["one advance"].append(process_time() - begin)
        begin = process_time()
        for _ in range(steps // LOOK):
            motion.advance(LOOK)
            _, _ = motion.positions, motion.velocities
        times[f"every {LOOK} steps"].append(process_time() - begin)
        begin = process_time()
        for _ in range(steps // LOOK):
            motion.advance(LOOK)
            look.sample(motion.positions, motion.velocities)
        times["with temperatures"].append(process_time() - begin)
    reference = np.array(times["alone"])
    print(f"{system.masses.size} atoms, {steps} steps, median of {ROUNDS} rounds, CPU time")
    for name, found in times.items():
        ratio = np.array(found) / reference
        rate = system.masses.size * steps / np.median(found) / 1e6
        print(
            f"{name:20s} {np.median(found):7.3f} s  {rate:5.2f} M atom-steps/s  {100 * (np.median(ratio) - 1):+5.1f} %"
        )


if __name__ == "__main__":
    main()
