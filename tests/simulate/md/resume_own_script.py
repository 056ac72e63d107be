"""A run by our own engine with its spectrum in a process of its own, to be killed: folder and file of the result."""

import sys
from pathlib import Path

import numpy as np
from attrs import evolve

sys.path.insert(0, str(Path(__file__).parent))
from lj_crystals import TAU, argon, crystal

from kapitza.simulate.md.engine import Thermostats
from kapitza.simulate.md.engines.builtin import BuiltinEngine
from kapitza.simulate.md.observers.plane_power import PlanePower
from kapitza.simulate.md.observers.spectral_flux import SpectralCurrent
from kapitza.simulate.md.observers.welch import SegmentSettings
from kapitza.simulate.md.protocol import Protocol
from kapitza.simulate.md.runs.single import run_single


def run(folder=None, blocks=12):
    """Arrays of the record and of the spectrum."""
    system, field = crystal((2, 2, 6), periodic=False, wall=1), argon()
    course = Protocol(
        timestep=0.004 * TAU, steps=300, blocks=blocks, equilibration=300, sample_interval=10, power_interval=10, seed=3
    )
    crossing = PlanePower(system, field)
    seen = SpectralCurrent(
        crossing,
        system.masses,
        SegmentSettings(timestep=course.timestep, every=6, segment=32, window="none"),
        area=system.area,
    )
    baths = Thermostats("langevin", hot=36.0, cold=24.0, damping=0.5 * TAU)
    record = run_single(system, field, BuiltinEngine(), evolve(course, thermostats=baths), [seen], store=folder)
    flux = seen.flux()
    return {
        "temperature": record.temperature, "heat": record.heat, "energy": record.energy, "power": record.power,
        "parts": flux.parts, "direct": flux.direct,
    }  # fmt: skip


if __name__ == "__main__":
    run(blocks=1)
    print("go", flush=True)  # noqa: T201
    np.savez(sys.argv[2], **run(sys.argv[1]))
