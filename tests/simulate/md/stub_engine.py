"""An engine for tests: each atom is bound to its place by a spring, and two baths hold some of them by Langevin's law.

The path between two steps is that of the bound atom alone, exactly; the baths change velocities by the exact law, too.
"""

import time

import numpy as np
from attrs import frozen

from kapitza.simulate.md.engine import MdState, Thermostats
from kapitza.simulate.md.observers.sampling import ObserverRecipe
from kapitza.simulate.md.potential import Potential
from kapitza.simulate.md.protocol import Protocol
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, HOT_ROLE
from kapitza.simulate.md.systems.assembly import mass_interface
from kapitza.units import angstrom, fs, k_B, ps

SPRING = 5.0  # N/m
FIELD = Potential("lennard-jones", ("light", "heavy"), 8.5 * angstrom, ())
BATHS = Thermostats("langevin", 60.0, 40.0, 0.2 * ps)
COURSE = Protocol(timestep=20 * fs, steps=100, blocks=6, equilibration=150, sample_interval=5, seed=3)


class StubMotion:
    def __init__(self, system, baths, state, timestep, seed, pause):
        self.system, self.baths, self.timestep, self.pause = system, baths, timestep, pause
        self.positions, self.velocities = state.positions.copy(), state.velocities.copy()
        self.heat, self.step = state.heat.copy(), state.step
        self.rng = np.random.Generator(np.random.PCG64(seed))
        if state.random.size:
            low = state.random.astype(object)
            inner = {"state": int(low[0] + (low[1] << 64)), "inc": int(low[2] + (low[3] << 64))}
            self.rng.bit_generator.state = {
                "bit_generator": "PCG64", "state": inner, "has_uint32": 0, "uinteger": 0,
            }  # fmt: skip
        self.free = (system.role != FIXED_ROLE)[:, None]
        omega = np.sqrt(SPRING / system.masses)[:, None]
        self.turn = np.cos(omega * timestep), np.sin(omega * timestep), omega
        self.burst, self.closed = 0, False

    @property
    def energy(self):
        away = self.positions - self.system.positions
        return 0.5 * SPRING * float((away**2).sum()), 0.5 * float(self.system.masses @ (self.velocities**2).sum(axis=1))

    def advance(self, steps):
        cos, sin, omega = self.turn
        for _ in range(steps):
            away = self.positions - self.system.positions
            new = np.where(self.free, cos * away + sin * self.velocities / omega, 0.0)
            self.velocities = np.where(self.free, cos * self.velocities - sin * omega * away, 0.0)
            self.positions = self.system.positions + new
            if self.baths.kind == "langevin":
                self.push()
        self.step += steps
        if self.burst and self.step >= self.burst:
            self.velocities = self.velocities * 30
        if self.pause:
            time.sleep(self.pause)

    def push(self):
        keep = np.exp(-self.timestep / self.baths.damping)
        for i, (role, temperature) in enumerate(((HOT_ROLE, self.baths.hot), (COLD_ROLE, self.baths.cold))):
            here = self.system.role == role
            mass = self.system.masses[here]
            before = self.velocities[here]
            kick = np.sqrt((1 - keep**2) * k_B * temperature / mass)[:, None]
            after = keep * before + kick * self.rng.standard_normal(before.shape)
            self.velocities[here] = after
            self.heat[i] += 0.5 * mass @ (after**2 - before**2).sum(axis=1)

    def state(self):
        inner = self.rng.bit_generator.state["state"]
        mask = (1 << 64) - 1
        parts = [inner["state"] & mask, inner["state"] >> 64, inner["inc"] & mask, inner["inc"] >> 64]
        return MdState(
            self.positions.copy(), self.velocities.copy(), self.step, self.heat.copy(), np.array(parts, dtype=np.uint64)
        )

    def close(self):
        self.closed = True


@frozen
class Stub:
    """The engine; `pause` (s) makes each advance slow, `burst` makes the springs repel from a step on."""

    pause: float = 0.0
    burst: int = 0
    name: str = "stub"

    def begin(self, system, field, baths, state, *, timestep, seed):
        motion = StubMotion(system, baths, state, timestep, seed, self.pause)
        motion.burst = self.burst
        return motion


class Counter:
    """Observer that remembers how often it looked, and a sum that depends on the order."""

    def __init__(self, every):
        self.every = every
        self.looks, self.total = 0, 0.0

    def sample(self, positions, velocities):
        self.looks += 1
        self.total = 0.9 * self.total + float(positions[3, 0] * velocities[5, 1])

    def arrays(self):
        return {"looks": np.array(self.looks), "total": np.array(self.total)}

    def restore(self, arrays):
        self.looks, self.total = int(arrays["looks"]), float(arrays["total"])


def small(**changes):
    """A crystal of 160 atoms with baths."""
    options = {"cells": (2, 2), "length": 4, "thermostat": 1} | changes
    return mass_interface("Ar", FIELD, 3, **options)


@frozen
class CounterRecipe(ObserverRecipe):
    every: int

    def __call__(self, system, potential):
        return Counter(self.every)
