r"""An engine that costs nothing and whose answer is known, to try protocols and analyses on.

Each plane of atoms is one body of heat capacity $C = 3 N k_B$ that exchanges heat with the next one, and with a
thermostat at the rate of its damping.  With random heat currents of the strength that goes with each conductance,
$\langle q q' \rangle = 2 k_B T^2 G\, δ(t - t')$, temperatures are an Ornstein-Uhlenbeck process, which is sampled
exactly for any number of steps; velocities are drawn to have these temperatures.
"""

from collections.abc import Iterator

import numpy as np
from attrs import field, frozen
from scipy.linalg import expm

from kapitza.core.arrays import Array, IntArray, quantity
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.simulate.md.engine import Dynamics, MdState, Thermostats
from kapitza.simulate.md.potential import AnyPotential
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, HOT_ROLE, System
from kapitza.units import k_B

AffineMap = tuple[Array, Array]  # propagator of (y, 1) and covariance of what is added at random


@frozen(eq=False)
class FakeEngine(BaseRecord):
    """Bodies in a row."""

    bond: float = field(default=1e-9, validator=quantity())  # between neighbouring planes of one side, W K⁻¹
    joint: float = field(default=2e-10, validator=quantity())  # between the two planes at an interface, W K⁻¹
    noise: bool = True  # whether heat currents fluctuate

    @property
    def name(self) -> str:
        """For legends."""
        return "fake"

    def begin(
        self,
        system: System,
        potential: AnyPotential,
        thermostats: Thermostats,
        state: MdState,
        *,
        timestep: float,
        seed: int,
    ) -> Dynamics:
        """Set bodies of the temperatures of a state in motion; the potential is ignored, "swap" is refused."""
        if thermostats.kind == "swap":
            raise InputError(
                f"the fake engine has no atoms to swap, got thermostats {thermostats.kind!r}: take another kind"
            )
        return FakeDynamics(BodyChain(self, system, thermostats), state, timestep=timestep, seed=seed)


class BodyChain:
    """The linear equations of a row of bodies.

    The unknowns y are the temperatures of all planes that move, then the heat from the hot and the cold thermostat and
    across the plane, the latter three in units of the heat capacity of the first plane.
    """

    def __init__(self, fake: FakeEngine, system: System, thermostats: Thermostats) -> None:
        self.system, self.thermostats = system, thermostats
        order = np.argsort(system.heights)
        self.planes: IntArray = order[system.roles[order] != FIXED_ROLE]
        self.capacity: Array = 3 * k_B * system.counts[self.planes].astype(np.float64)
        self.right = system.heights[self.planes] > system.plane
        self.bonds = list(self._bonds(fake))
        self.noise = fake.noise

    @property
    def unit(self) -> float:
        """Heat capacity that heats are counted in, J K⁻¹."""
        return float(self.capacity[0])

    def _bonds(self, fake: FakeEngine) -> Iterator[tuple[int, int, float]]:
        """Bodies of each bond, left one first, and its conductance."""
        n = self.planes.size
        for i in range(n - 1):
            yield i, i + 1, fake.joint if self.right[i] != self.right[i + 1] else fake.bond
        if self.system.periodic:
            yield n - 1, 0, fake.joint

    def equations(self) -> tuple[Array, Array, Array]:
        r"""Matrices of $\dot y = M y + b + B w$ with white noise w of unit strength."""
        n, c = self.planes.size, np.append(self.capacity, [self.unit] * 3)
        m, b, columns = np.zeros((n + 3, n + 3)), np.zeros(n + 3), [np.zeros(n + 3)]
        mean = (self.thermostats.hot + self.thermostats.cold) / 2
        for i, j, g in self.bonds:
            flow = np.zeros(n + 3)
            flow[i], flow[j] = -1.0, 1.0
            flow[n + 2] = float(j == i + 1 and self.right[i] != self.right[j])
            m[:, i] += g * flow / c
            m[:, j] -= g * flow / c
            columns.append(np.sqrt(2 * k_B * g) * mean * flow / c)
        for role, slot, thermostat in ((HOT_ROLE, n, self.thermostats.hot), (COLD_ROLE, n + 1, self.thermostats.cold)):
            for i in np.flatnonzero(self.system.roles[self.planes] == role).tolist():
                flow = np.zeros(n + 3)
                flow[i] = flow[slot] = 1.0
                if self.thermostats.kind == "langevin":
                    g = self.capacity[i] / self.thermostats.damping
                    m[:, i] -= g * flow / c
                    b += g * thermostat * flow / c
                    columns.append(np.sqrt(2 * k_B * g) * thermostat * flow / c)
                elif self.thermostats.kind == "exchange":
                    share = self.capacity[i] / self.capacity[self.system.roles[self.planes] == role].sum()
                    b += (1 if role == HOT_ROLE else -1) * self.thermostats.power * share * flow / c
        return m, b, np.array(columns).T * self.noise

    def step(self, timestep: float) -> AffineMap:
        """Exact map of one time step."""
        m, b, noise = self.equations()
        k = b.size
        augmented = np.zeros((k + 1, k + 1))
        augmented[:k, :k], augmented[:k, k] = m * timestep, b * timestep
        loan = np.block([[-m, noise @ noise.T], [np.zeros_like(m), m.T]]) * timestep
        power = expm(loan)
        covariance = np.zeros((k + 1, k + 1))
        covariance[:k, :k] = power[k:, k:].T @ power[:k, k:]
        propagator: Array = np.asarray(expm(augmented), dtype=np.float64)
        return propagator, covariance

    def steady(self) -> tuple[Array, float]:
        """Temperatures of the planes that move, K, and the heat from left to right, W, after a long time."""
        m, b, _ = self.equations()
        n = self.planes.size
        temperatures: Array = np.linalg.solve(m[:n, :n], -b[:n]).astype(np.float64)
        return temperatures, float(m[n] @ np.append(temperatures, np.zeros(3)) + b[n]) * self.unit


def _repeat_map(step: AffineMap, times: int) -> AffineMap:
    """Map of several steps, by squaring."""
    total: AffineMap = np.eye(len(step[0])), np.zeros_like(step[0])
    while times:
        if times % 2:
            total = _compose_maps(total, step)
        step = _compose_maps(step, step)
        times //= 2
    return total


def _compose_maps(first: AffineMap, second: AffineMap) -> AffineMap:
    """Map of one after the other."""
    return second[0] @ first[0], second[0] @ first[1] @ second[0].T + second[1]


class FakeDynamics:
    """Bodies whose temperatures change."""

    def __init__(self, bodies: BodyChain, state: MdState, *, timestep: float, seed: int) -> None:
        system = bodies.system
        self._bodies, self._positions, self._step = bodies, state.positions, int(state.step)
        self._seed = int(state.random[0]) if state.random.size else int(seed)
        self._random = np.random.default_rng([self._seed, self._step])
        self._map = bodies.step(timestep)
        self._maps: dict[int, AffineMap] = {}
        kinetic = np.bincount(system.layer, system.masses * (state.velocities**2).sum(axis=1))
        found = kinetic / (3 * k_B * system.counts)
        heat = np.append(state.heat, 0.0) / bodies.unit
        self._y = np.concatenate([found[bodies.planes], heat])
        self._velocities = state.velocities

    @property
    def positions(self) -> Array:
        """(n, 3) m: the places at rest."""
        return self._positions

    @property
    def velocities(self) -> Array:
        """(n, 3) m s⁻¹, drawn anew after each advance."""
        return self._velocities

    @property
    def heat(self) -> Array:
        """(2,) energy that the hot and the cold thermostat have given so far, J."""
        return self._y[-3:-1] * self._bodies.unit

    @property
    def transferred_heat(self) -> float:
        """Energy that has crossed the plane from left to right since the motion began, J."""
        return float(self._y[-1]) * self._bodies.unit

    @property
    def energy(self) -> tuple[float, float]:
        """Potential and kinetic energy, J: half of the heat each."""
        half = 0.5 * float(self._bodies.capacity @ self._y[:-3])
        return half, half

    def advance(self, steps: int) -> None:
        """Do some time steps in one leap."""
        if steps not in self._maps:
            propagator, covariance = _repeat_map(self._map, steps)
            values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
            self._maps[steps] = propagator, vectors * np.sqrt(np.maximum(values, 0.0))
        propagator, root = self._maps[steps]
        y = np.append(self._y, 1.0)
        self._y = (propagator @ y + root @ self._random.normal(size=y.size))[:-1]
        self._step += steps
        self._velocities = self._draw_velocities()

    def state(self) -> MdState:
        """Copy of all that is needed to go on."""
        random = np.array([self._seed], dtype=np.uint64)
        return MdState(self._positions.copy(), self._velocities.copy(), self._step, self.heat.copy(), random)

    def close(self) -> None:
        """Nothing to release."""

    def _draw_velocities(self) -> Array:
        """(n, 3) random velocities, with just the temperature of each plane."""
        system = self._bodies.system
        drawn = self._random.normal(size=self._positions.shape) / np.sqrt(system.masses)[:, None]
        kinetic = np.bincount(system.layer, system.masses * (drawn**2).sum(axis=1))
        wanted = np.zeros(system.counts.size)
        wanted[self._bodies.planes] = 3 * k_B * self._bodies.system.counts[self._bodies.planes] * self._y[:-3].clip(0)
        return drawn * np.sqrt(wanted / kinetic)[system.layer][:, None]
