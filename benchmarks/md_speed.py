"""Our own molecular dynamics beside LAMMPS: atom-steps per second of CPU, growth with the atoms, memory.

    python benchmarks/md_speed.py            # speeds of the same crystal on both engines, turn by turn
    python benchmarks/md_speed.py --atoms 1000000   # memory and time of a few steps

Both engines run the same system, field, timestep and temperature on one thread; times are those of the processor, and
the median of the ratios of neighbouring turns is shown, since other work on the machine slows both.
"""

import argparse
import os
import resource
import time
from itertools import product
from statistics import median

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}

import numpy as np

from kapitza.simulate.md.engine import Thermostats
from kapitza.simulate.md.engines.builtin import BuiltinEngine
from kapitza.simulate.md.engines.lammps import LammpsEngine
from kapitza.simulate.md.potential import Potential, lennard_jones, stillinger_weber, tersoff
from kapitza.simulate.md.protocol import thermal_state
from kapitza.simulate.md.system import FREE_ROLE, System
from kapitza.units import angstrom, fs, m_u

FCC = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]) + 0.125
DIAMOND = np.vstack([FCC, FCC + 0.25])
EPSILON, SIGMA = 1.67e-21, 3.405e-10


def crystal(basis: np.ndarray, a: float, cells: tuple[int, int, int], kind: str, mass: float) -> System:
    corners = np.array(list(product(*map(range, cells))))[:, None]
    positions = (corners + basis).reshape(-1, 3) * a
    positions = positions[np.lexsort(positions.T)]
    n = len(positions)
    none = np.zeros(n, dtype=int)
    layer = np.unique(np.round(positions[:, 2] / a * 4).astype(int), return_inverse=True)[1]
    return System(
        name=kind, lattice=np.diag(cells) * a, positions=positions, masses=np.full(n, mass), species=none,
        kinds=(kind,), layer=layer,
        role=none + FREE_ROLE, plane=cells[2] * a / 2, periodic=True
    )  # fmt: skip


def cases() -> dict[str, tuple[System, Potential, float, float]]:
    argon = crystal(FCC, 1.5712 * SIGMA, (10, 10, 10), "Ar", 39.948 * m_u)
    silicon = crystal(DIAMOND, 5.431 * angstrom, (10, 10, 10), "Si", 28.0855 * m_u)

    def ends(end):
        return lennard_jones(("Ar",), EPSILON, SIGMA, end=end)

    return {
        "LJ cut 2.5, 2.4 K": (argon, ends("truncated"), 2.4, 10.7 * fs),
        "LJ cut 2.5, 30 K": (argon, ends("truncated"), 30.0, 10.7 * fs),
        "LJ smooth/linear, 30 K": (argon, ends("smooth"), 30.0, 10.7 * fs),
        "SW Si, 300 K": (silicon, stillinger_weber(("Si",)), 300.0, 1 * fs),
        "Tersoff Si, 300 K": (silicon, tersoff(("Si",)), 300.0, 1 * fs),
    }


def speeds(case: tuple[System, Potential, float, float], turns: int, steps: int) -> tuple[list[float], list[float]]:
    """Million atom-steps per second of both engines, turn by turn."""
    system, field, temperature, timestep = case
    state = thermal_state(system, temperature, 1, double_temperature=True)
    found: tuple[list[float], list[float]] = ([], [])
    motions = [
        e.begin(system, field, Thermostats("none"), state, timestep=timestep, seed=1)
        for e in (BuiltinEngine(), LammpsEngine())
    ]
    for motion in motions:
        motion.advance(200)
    for _ in range(turns):
        for motion, list_of in zip(motions, found, strict=True):
            start = time.process_time()
            motion.advance(steps)
            list_of.append(system.masses.size * steps / (time.process_time() - start) / 1e6)
    return found


def growth() -> None:
    print("\natoms      µs per atom and step (LJ smooth, 30 K)")
    field = lennard_jones(("Ar",), EPSILON, SIGMA)
    for cells in (5, 10, 20, 30):
        system = crystal(FCC, 1.5712 * SIGMA, (cells, cells, cells), "Ar", 39.948 * m_u)
        state = thermal_state(system, 30.0, 1, double_temperature=True)
        motion = BuiltinEngine().begin(system, field, Thermostats("none"), state, timestep=10.7 * fs)
        motion.advance(60)
        steps = max(20, 400_000 // system.masses.size)
        start = time.process_time()
        motion.advance(steps)
        print(f"{system.masses.size:8d}   {(time.process_time() - start) / steps / system.masses.size * 1e6:.3f}")


def large(atoms: int) -> None:
    cells = round((atoms / 4) ** (1 / 3))
    system = crystal(FCC, 1.5712 * SIGMA, (cells, cells, cells), "Ar", 39.948 * m_u)
    state = thermal_state(system, 30.0, 1, double_temperature=True)
    start = time.process_time()
    field = lennard_jones(("Ar",), EPSILON, SIGMA)
    motion = BuiltinEngine().begin(system, field, Thermostats("none"), state, timestep=10.7 * fs)
    begun = time.process_time() - start
    motion.advance(60)
    spent = time.process_time() - start - begun
    print(f"{system.masses.size} atoms: {begun:.1f} s to begin, {spent:.1f} s for 60 steps", end=", ")
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB at most")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--atoms", type=int, default=0)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--steps", type=int, default=200)
    given = parser.parse_args()
    if given.atoms:
        large(given.atoms)
        return
    print(f"{'million atom-steps per CPU second':36s}{'own':>8s}{'LAMMPS':>8s}{'ratio':>8s}")
    for name, case in cases().items():
        own, other = speeds(case, given.turns, given.steps if "LJ" in name else given.steps // 4)
        ratio = median(a / b for a, b in zip(own, other, strict=True))
        print(f"{name:36s}{median(own):8.2f}{median(other):8.2f}{ratio:8.2f}")
    growth()


if __name__ == "__main__":
    main()
