"""Particle events per second beside FreePATHS, one thread: `OMP_NUM_THREADS=1 python benchmarks/monte_carlo.py`.

An event is a scattering inside or an encounter with a wall or boundary.  FreePATHS moves particles in steps of time,
most of which hold no event; both its steps and its events are told.  It is looked for with the Python interpreter named
by FREEPATHS_PYTHON, so that it can stay in an environment of its own (`pip install freepaths==2.5.1`).
"""

import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

from kapitza.matter.isotropic import Solid
from kapitza.simulate.boltzmann.boundaries import Wall
from kapitza.simulate.boltzmann.carriers import ScatteringRates, gray_carriers
from kapitza.simulate.boltzmann.domain import Cuboid, Domain
from kapitza.simulate.boltzmann.monte_carlo.simulation import MonteCarloSettings, monte_carlo
from kapitza.simulate.boltzmann.spectral_carriers import spectral_carriers

SIZE = (500e-9, 200e-9, 100e-9)
BAR = 20
SILICON = Solid("Si", 2329, 8970, 5332, 4.994e28)
RATES = ScatteringRates(umklapp=1.2e-19, impurity=1.3e-45, boundary=1e-3)

PEER = """
import json, os, sys, time
sys.argv = ["freepaths", "input.py"]
size, particles, steps = json.loads(os.environ["TASK"])
with open("input.py", "w") as file:
    file.write(
        f'OUTPUT_FOLDER_NAME = "x"\\nNUMBER_OF_PARTICLES = {particles}\\nNUMBER_OF_TIMESTEPS = {steps}\\n'
        f'TIMESTEP = 1e-12\\nT = 300\\nMEDIA = "Si"\\nNUMBER_OF_PROCESSES = 1\\n'
        f'LENGTH = {size[0]}\\nWIDTH = {size[1]}\\nTHICKNESS = {size[2]}\\n'
    )
import freepaths.run_particle as runner
from freepaths.main_tracing import ParticleSimulator
from freepaths.options import SimulationMode
from freepaths.phonon import Phonon as Particle
counts = {"steps": 0, "events": 0}
from freepaths.data import ScatteringData
saved, move = ScatteringData.save_scattering_events, Particle.move
def counted_save(self, y, kinds):
    counts["events"] += 1
    return saved(self, y, kinds)
def counted_move(self):
    counts["steps"] += 1
    return move(self)
ScatteringData.save_scattering_events, Particle.move = counted_save, counted_move
simulator = ParticleSimulator(0, SimulationMode.PHONON_TRACING, particles, [], 0)
start = time.process_time()
simulator.simulate_particles()
counts["cpu"] = time.process_time() - start
print("RESULT" + json.dumps(counts))
"""


def wire(medium: object) -> Domain:
    """The same block: hot and cold ends, diffuse sides."""
    return Domain([Cuboid([0, 0, 0], SIZE, medium)], walls={"-x": Wall(301.0), "+x": Wall(300.0)})


def ours(domain: Domain, spacing: object, particles: int) -> tuple[int, float]:
    """Events and CPU time, compiled beforehand."""
    monte_carlo(domain, spacing=spacing, settings=MonteCarloSettings(100))
    start = time.process_time()
    found = monte_carlo(domain, spacing=spacing, settings=MonteCarloSettings(particles))
    return found.events, time.process_time() - start


def peer(particles: int = 100, steps: int = 30_000) -> dict[str, float] | str:
    """Counts and CPU time of FreePATHS, or why there are none."""
    python = os.environ.get("FREEPATHS_PYTHON", sys.executable)
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [python, "-c", PEER], cwd=folder, capture_output=True, text=True, check=False,
            env={**os.environ, "TASK": json.dumps([SIZE, particles, steps])},
        )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if "RESULT" in line]
    if not lines:
        return (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
    return json.loads(lines[0].partition("RESULT")[2])


def main() -> None:
    gray = gray_carriers("Si", heat_capacity=1.66e6, velocity=6400.0, mean_free_path=41e-9)
    edges = np.linspace(0, SILICON.edges[-1], 51)
    banded = spectral_carriers(SILICON, RATES, edges=edges, conductivity=148.0)
    print("500 x 200 x 100 nm of Si between 301 and 300 K, diffuse sides; one thread, CPU time")
    events, cpu = 0, 1.0
    for name, medium in (("gray", gray), (f"{banded.capacity.size} bands", banded)):
        for cells, spacing in (("10 x 1 x 1", (50e-9, 1e-6, 1e-6)), ("50 x 20 x 10", 10e-9)):
            events, cpu = ours(wire(medium), spacing, 100_000)
            print(f"  kapitza, {name:10} {cells:>12} cells  {events / cpu:12.4g} events/s  ({events} in {cpu:.2f} s)")
    other = peer()
    if isinstance(other, str):
        print(
            f"  FreePATHS is missing ({other}): set FREEPATHS_PYTHON to the interpreter of an environment that has it"
        )
        return
    print(
        f"  FreePATHS 7 x 67 pixels    {other['events'] / other['cpu']:12.4g} events/s, "
        f"{other['steps'] / other['cpu']:.4g} steps/s  ({other['events']} events in {other['cpu']:.2f} s)"
    )
    rate = events / cpu  # of the last run, the bands in the finest cells
    print(f"events: {rate / (other['events'] / other['cpu']):.0f} times FreePATHS (bar: {BAR})")
    print(f"events against its steps of time: {rate / (other['steps'] / other['cpu']):.1f} times")


if __name__ == "__main__":
    main()
