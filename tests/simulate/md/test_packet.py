"""Wave packets through a harmonic junction: energy is kept, and shared as the closed form says."""

import numpy as np
import pytest
from harmonic_systems import harmonic_system
from wave_packets import packet_state, side_energies

from kapitza.errors import InputError
from kapitza.matter.building.layers import chain_junction
from kapitza.matter.crystal import Crystal
from kapitza.simulate.md.engine import Thermostats
from kapitza.simulate.md.engines.builtin import BuiltinEngine
from kapitza.theory.chain import Chain, chain_transmission

pytest.importorskip("numba")
A, MASS, SPRING = 3e-10, 4e-26, 10.0
OMEGA = float(np.sqrt(SPRING / MASS))
JUNCTION = chain_junction((MASS, SPRING), (3 * MASS, SPRING), bond=SPRING, area=A * A, spacing=A)
CELLS, CONSTANTS = np.array([[0, 0, 0], [0, 0, 1], [0, 0, -1]]), SPRING * np.array([2, -1, -1])[:, None, None]
CRYSTAL = Crystal(
    name="chain",
    lattice=np.diag([A, A, A]),
    positions=[[0, 0, 0]],
    masses=[MASS],
    cells=CELLS,
    force_constants=CONSTANTS * np.eye(3),
)


@pytest.mark.parametrize("turn", [0.3, 0.8])
def test_a_small_packet_has_the_transmission_of_its_frequency(turn: float) -> None:
    system, field = harmonic_system(JUNCTION, layers=(240, 160), thermostat=1)
    q = [0, 0, turn / A]
    state, omega = packet_state(system, CRYSTAL, q, 0, amplitude=1e-12, centre=110 * A, width=45 * A)
    np.testing.assert_allclose(omega, 2 * OMEGA * np.sin(turn / 2), rtol=1e-9, atol=0)
    motion = BuiltinEngine().begin(system, field, Thermostats("none"), state, timestep=0.05 / OMEGA, seed=1)
    start = side_energies(system, field, motion.positions, motion.velocities)
    assert start[1] < 1e-6 * start[0]
    speed = A * OMEGA * np.cos(turn / 2)
    motion.advance(round(230 * A / speed / (0.05 / OMEGA)))
    left, right = side_energies(system, field, motion.positions, motion.velocities)
    np.testing.assert_allclose(left + right, start[0], rtol=1e-3, atol=0)
    wanted = chain_transmission(Chain(MASS, SPRING), Chain(3 * MASS, SPRING), [omega], bond=SPRING)[0]
    np.testing.assert_allclose(right / (left + right), wanted, rtol=0.01, atol=0)


def test_packets_that_cannot_be_are_refused() -> None:
    system, _ = harmonic_system(JUNCTION, layers=(60, 60), thermostat=1)
    numbers = {"amplitude": 1e-12, "centre": 30 * A, "width": 5 * A}
    with pytest.raises(InputError, match="does not go to the right"):
        packet_state(system, CRYSTAL, [0, 0, -0.3 / A], 0, **numbers)
    with pytest.raises(InputError, match="branch 3 of 3"):
        packet_state(system, CRYSTAL, [0, 0, 0.3 / A], 3, **numbers)
    with pytest.raises(InputError, match="two widths to either side"):
        packet_state(system, CRYSTAL, [0, 0, 0.3 / A], 0, amplitude=1e-12, centre=30 * A, width=40 * A)
