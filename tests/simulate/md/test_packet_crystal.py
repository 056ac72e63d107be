"""A wave packet through a Lennard-Jones crystal: small ones are harmonic, large ones are not, and energy is kept."""

from itertools import product

import numpy as np
import pytest
from scipy.optimize import brentq
from wave_packets import packet_state, side_energies

from kapitza.matter.building.layers import mass_junction
from kapitza.matter.crystal import Crystal
from kapitza.matter.junction import Lead
from kapitza.simulate.md.engine import Thermostats
from kapitza.simulate.md.engines.builtin import BuiltinEngine
from kapitza.simulate.md.potential import lennard_jones
from kapitza.simulate.md.systems.assembly import mass_interface
from kapitza.theory.agf.transmission import junction_arrays, transmission_at_frequencies
from kapitza.units import angstrom, fs, m_u

pytest.importorskip("numba")

RATIO, PLANES = 3.0, 3  # planes within the cutoff of one
FIELD = lennard_jones(("Ar",), end="quadratic")
CELLS = np.array(list(product(range(-5, 6), repeat=3)))
PRIMITIVE = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1.0]]) / 2


def slopes(d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and second derivative of the energy of a pair, by the formula of the potential."""
    epsilon, sigma, far = (float(table[0, 0]) for table in FIELD.parameters[:3])

    def plain(r: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        six = (sigma / r) ** 6
        return 4 * epsilon * (6 * six - 12 * six**2) / r, 4 * epsilon * (156 * six**2 - 42 * six) / r**2

    (first, second), (end, bend) = plain(d), plain(far)
    inside = d < far
    return np.where(inside, first - end - bend * (d - far), 0.0), np.where(inside, second - bend, 0.0)


DISTANCES = np.linalg.norm(CELLS @ PRIMITIVE, axis=1)
DISTANCES = DISTANCES[DISTANCES > 0]
# Without pressure: else each side would have energy in proportion to how far the plane has moved.
A = brentq(lambda a: float(DISTANCES @ slopes(a * DISTANCES)[0]), 5 * angstrom, 5.5 * angstrom, xtol=1e-20)


def stiffness(r: np.ndarray) -> np.ndarray:
    """(3, 3) second derivatives of the energy of a pair."""
    d = np.linalg.norm(r)
    if not d:
        return np.zeros((3, 3))
    first, second = slopes(d)
    along = np.outer(r, r) / d**2
    return second * along + first / d * (np.eye(3) - along)


def crystal(mass: float) -> Crystal:
    pair = -np.array([stiffness(cell @ PRIMITIVE * A) for cell in CELLS])
    kept = np.abs(pair).max(axis=(1, 2)) > 0
    cells, pair = np.concatenate([[[0, 0, 0]], CELLS[kept]]), np.concatenate([-pair.sum(axis=0)[None], pair[kept]])
    return Crystal(
        name="argon", lattice=A * PRIMITIVE, positions=[[0, 0, 0]], masses=[mass], cells=cells, force_constants=pair
    )


def transmission(one: Crystal, omega: float) -> float:
    """Of a longitudinal wave along the normal: a chain of planes, three of them to a layer, by Green's functions."""
    height = np.rint(one.cells @ one.lattice[:, 2] / (A / 2)).astype(int)
    chain = np.bincount(height + PLANES, weights=one.force_constants[:, 2, 2])
    blocks = np.zeros((2, PLANES, PLANES))
    for i, j in product(range(PLANES), repeat=2):
        blocks[0, i, j] = chain[j - i + PLANES]
        blocks[1, i, j] = chain[j - i + 2 * PLANES] if j <= i else 0.0
    lead = Lead(
        name="planes",
        periods=A * np.eye(2, 3),
        step=[0, 0, 1.5 * A],
        masses=[one.masses[0]] * PLANES,
        shifts=[[0, 0]],
        onsite=blocks[:1],
        hop=blocks[1:],
    )
    junction = mass_junction(lead, one.masses[0], RATIO * one.masses[0])
    unit = {"junction": junction_arrays(junction), "k": np.zeros((1, 2)), "omega": np.array([omega])}
    return float(np.ravel(transmission_at_frequencies(unit)["total"])[0])


def sent(amplitude: float, turn: float) -> tuple[float, float, float]:
    """Frequency of a packet, its part that crosses, and the change of its energy, relative."""
    system = mass_interface("Ar", FIELD, RATIO, lattice_constant=A, cells=(1, 1), length=(65, 50), thermostat=(0, 2))
    one = crystal(system.masses[0])
    low = system.positions[system.role != 3, 2].min()
    state, omega = packet_state(
        system, one, [0, 0, 2 * turn / A], 2, amplitude=amplitude, centre=low + 36 * A, width=12 * A
    )
    motion = BuiltinEngine().begin(system, FIELD, Thermostats("none"), state, timestep=10 * fs, seed=1)
    start = sum(side_energies(system, FIELD, motion.positions, motion.velocities))
    step = 1e-3 / A
    speed = (waves(one, 2 * turn / A + step) - waves(one, 2 * turn / A - step)) / (2 * step)
    motion.advance(round(75 * A / speed / (10 * fs)))
    left, right = side_energies(system, FIELD, motion.positions, motion.velocities)
    return omega, right / (left + right), (left + right) / start - 1


def waves(one: Crystal, q: float) -> float:
    return float(np.sqrt(np.linalg.eigvalsh(one.dynamical(np.array([[0, 0, q]])))[0, -1]))


@pytest.mark.parametrize("turn", [0.3, 0.9])
def test_a_small_packet_has_the_transmission_of_green_functions(turn: float) -> None:
    omega, crossed, change = sent(1e-13, turn)
    one = crystal(39.95 * m_u)
    wanted = transmission(one, omega)
    impedance = 4 * np.sqrt(RATIO) / (1 + np.sqrt(RATIO)) ** 2  # of long waves
    assert (wanted < impedance - 0.05) == (turn > 0.5)
    assert abs(change) < 1e-5
    np.testing.assert_allclose(crossed, wanted, rtol=0.005, atol=0)


@pytest.mark.slow
def test_a_large_packet_loses_what_a_small_one_takes_across() -> None:
    """A steep wave breaks up into others on its way, and energy is kept all the same."""
    (_, small, _), (_, large, change) = (sent(amplitude, 0.9) for amplitude in (1e-13, 5e-12))
    assert large < small - 0.03
    assert abs(change) < 1e-4
