"""The fake engine: its mean is the circuit's, its balance is exact, its fluctuations those of statistical physics."""

import numpy as np
import pytest
from fake_engine import BodyChain, FakeEngine

from kapitza.errors import InputError
from kapitza.simulate.md.engine import MdState, Thermostats
from kapitza.simulate.md.potential import Potential
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, FREE_ROLE, HOT_ROLE, System
from kapitza.units import k_B, m_u, ps

FIELD = Potential("harmonic", ("A",), 1e-9, ())
ROLES = (FIXED_ROLE, HOT_ROLE, HOT_ROLE, FREE_ROLE, FREE_ROLE, FREE_ROLE, FREE_ROLE, COLD_ROLE, COLD_ROLE, FIXED_ROLE)


def row(roles=ROLES, each=20, periodic=False) -> System:
    layers = len(roles)
    layer = np.repeat(np.arange(layers), each)
    positions = np.zeros((layer.size, 3))
    positions[:, 2] = layer * 2e-10
    n = layer.size
    return System(
        name="row", lattice=np.diag([1e-9, 1e-9, layers * 2e-10]), positions=positions, masses=np.full(n,
        40 * m_u), species=np.zeros(n, int), kinds=("A",),
        layer=layer, role=np.array(roles)[layer], plane=(layers - 1) * 1e-10, periodic=periodic,
    )  # fmt: skip


def warm(system: System, temperature: float) -> MdState:
    rng = np.random.default_rng(2)
    velocities = rng.normal(size=system.positions.shape) * np.sqrt(k_B * temperature / system.masses)[:, None]
    velocities[system.role == FIXED_ROLE] = 0.0
    return MdState(system.positions, velocities)


def temperatures(system, velocities):
    kinetic = np.bincount(system.layer, system.masses * (velocities**2).sum(axis=1))
    return kinetic / (3 * k_B * system.counts)


def test_a_long_run_without_noise_is_the_circuit_of_resistances():
    system, baths = row(), Thermostats("langevin", 120.0, 80.0, 1 * ps)
    motion = FakeEngine(1e-9, 2e-10, noise=False).begin(system, FIELD, baths, warm(system, 100), timestep=1e-15, seed=1)
    motion.advance(10**7)
    before, crossed = motion.heat, motion.transferred_heat
    motion.advance(10**6)
    hot, cold = (motion.heat - before) / 1e-9
    # two bath planes in parallel, the outer one behind a bond; bonds between the inner ones; one joint
    bath = 3 * 20 * k_B / 1e-12
    contact = 1 / (bath + 1 / (1 / bath + 1 / 1e-9))
    resistance = 2 * contact + 4 / 1e-9 + 1 / 2e-10
    np.testing.assert_allclose(hot, 40.0 / resistance, rtol=1e-6, atol=0)
    np.testing.assert_allclose([-cold, (motion.transferred_heat - crossed) / 1e-9], hot, rtol=1e-6, atol=0)
    jump = np.diff(temperatures(system, motion.velocities))[4]
    np.testing.assert_allclose(-jump, hot / 2e-10, rtol=1e-6, atol=0)
    profile, power = BodyChain(FakeEngine(1e-9, 2e-10), system, baths).steady()
    np.testing.assert_allclose(power, hot, rtol=1e-6, atol=0)
    np.testing.assert_allclose(temperatures(system, motion.velocities)[1:-1], profile, rtol=1e-6, atol=0)


@pytest.mark.parametrize("kind", ["langevin", "exchange", "none"])
def test_energy_is_what_the_baths_gave(kind):
    system = row()
    baths = Thermostats(kind, 120.0, 80.0, 1 * ps, 1e-9)
    motion = FakeEngine().begin(system, FIELD, baths, warm(system, 100), timestep=1e-15, seed=1)
    before = sum(motion.energy)
    for steps in (1, 10, 1000, 5000):
        motion.advance(steps)
        assert abs(sum(motion.energy) - before - motion.heat.sum()) < 1e-9 * before
    kinetic = 0.5 * system.masses @ (motion.velocities**2).sum(axis=1)
    np.testing.assert_allclose(kinetic, motion.energy[1], rtol=1e-12, atol=0)
    if kind == "exchange":
        np.testing.assert_allclose(motion.heat, [6011e-24, -6011e-24], rtol=1e-6, atol=0)


def test_fluctuations_in_equilibrium():
    """Variance kB T²/C of each temperature, less the share of the total, which is kept."""
    system = row((FREE_ROLE,) * 6, periodic=True)
    motion = FakeEngine().begin(
        system, FIELD, Thermostats("none", 100.0, 100.0), warm(system, 100), timestep=1e-15, seed=3
    )
    motion.advance(10**6)
    seen = []
    for _ in range(4000):
        motion.advance(20000)
        seen.append(temperatures(system, motion.velocities))
    capacity = 60 * k_B
    wanted = k_B * 100.0**2 / capacity * (1 - 1 / 6)
    np.testing.assert_allclose(np.var(seen, axis=0), wanted, rtol=0.12, atol=0)


def test_many_short_leaps_are_one_long():
    system, baths = row(), Thermostats("langevin", 120.0, 80.0, 1 * ps)
    ends = []
    for leaps in (1, 60):
        motion = FakeEngine(noise=False).begin(system, FIELD, baths, warm(system, 100), timestep=1e-15, seed=1)
        for _ in range(leaps):
            motion.advance(600 // leaps)
        ends.append(motion.heat)
    np.testing.assert_allclose(ends[0], ends[1], rtol=1e-9, atol=0)


def test_taken_up_from_its_state():
    system, baths = row(), Thermostats("langevin", 120.0, 80.0, 1 * ps)
    motion = FakeEngine().begin(system, FIELD, baths, warm(system, 100), timestep=1e-15, seed=1)
    motion.advance(1000)
    state = motion.state()
    other = FakeEngine().begin(system, FIELD, baths, state, timestep=1e-15, seed=77)
    np.testing.assert_allclose(other.energy, motion.energy, rtol=1e-12, atol=0)
    np.testing.assert_allclose(other.heat, motion.heat, rtol=1e-12, atol=0)
    assert (state.step, state.random.tolist()) == (1000, [1])


def test_swaps_are_refused():
    system = row()
    with pytest.raises(InputError, match="no atoms to swap"):
        FakeEngine().begin(system, FIELD, Thermostats("swap", period=10), warm(system, 100), timestep=1e-15, seed=1)
