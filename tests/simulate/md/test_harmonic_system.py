"""Junctions of force constants in motion: their matrix, their transmission, the heat between two baths."""

import numpy as np
import pytest
from harmonic_flux import langevin_transmission
from harmonic_systems import harmonic_potential, harmonic_system

from kapitza.errors import InputError
from kapitza.matter.building.layers import mass_junction
from kapitza.matter.junction import Lead
from kapitza.simulate.md.engine import Thermostats
from kapitza.simulate.md.engines.builtin import BuiltinEngine
from kapitza.simulate.md.protocol import thermal_state
from kapitza.simulate.md.system import COLD_ROLE, HOT_ROLE
from kapitza.theory.agf.conductance import agf
from kapitza.theory.agf.green_functions import prepare_junction
from kapitza.theory.agf.transmission import point_transmissions
from kapitza.units import angstrom, k_B, m_u

pytest.importorskip("numba")

SPRING, MASS = 20.0, 28 * m_u
TOP = 2 * np.sqrt(SPRING / MASS)  # rad/s, of the light chain


def chain() -> Lead:
    """Atoms in a row, one direction, 2 Å apart."""
    block = np.array([[[2 * SPRING]]])
    return Lead(
        name="chain",
        periods=2 * angstrom * np.eye(2, 3),
        step=[0, 0, 2 * angstrom],
        masses=[MASS],
        shifts=[[0, 0]],
        onsite=block,
        hop=-block / 2,
    )


def square() -> Lead:
    """Simple cubic, springs along and across all bonds, so that waves differ by wave vector."""
    shifts = np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])
    across = [np.diag([3.0, 1.0, 1.0]), np.diag([1.0, 3.0, 1.0])]
    onsite, hop = np.zeros((2, 5, 3, 3))
    for a in range(2):
        onsite[1 + 2 * a] = onsite[2 + 2 * a] = -across[a] * SPRING
        onsite[0] += 2 * across[a] * SPRING
    hop[0] = -np.diag([1.0, 1.0, 3.0]) * SPRING
    onsite[0] -= 2 * hop[0]
    return Lead(
        name="cubic",
        periods=2 * angstrom * np.eye(2, 3),
        step=[0, 0, 2 * angstrom],
        masses=[MASS],
        shifts=shifts,
        onsite=onsite,
        hop=hop,
    )


def matrix(system, field):
    """(3n, 3n) force constants, from the forces of single displacements."""
    from kapitza.simulate.md.kernels.forces import VerletList, energy_and_forces, map_species

    near, n = VerletList(system, field).at(system.positions), len(system.masses)
    found = np.empty((3 * n, 3 * n))
    for column in range(3 * n):
        moved = system.positions.copy()
        moved[column // 3, column % 3] += 1e-12
        found[:, column] = -energy_and_forces(field, near, moved, map_species(system, field))[1].ravel() / 1e-12
    return found


def test_waves_of_a_box_are_those_of_its_mesh():
    """Squares of all frequencies: those of the bulk at the mesh in the plane, and at π m/(N+1) between held ends."""
    system, field = harmonic_system(mass_junction(square(), MASS, MASS), cells=(3, 2), layers=(5, 5), thermostat=2)
    constants = matrix(system, field)
    np.testing.assert_allclose(constants, constants.T, atol=1e-6 * SPRING)
    layers = system.counts.size
    assert system.counts.tolist() == [6] * layers
    found = np.sort(np.linalg.eigvalsh(constants) / SPRING)
    waves = [
        [
            2 * s * (1 - np.cos(2 * np.pi * i / 3)) + 2 * t * (1 - np.cos(np.pi * j))
            + 2 * u * (1 - np.cos(np.pi * m / (layers + 1)))
            for s, t, u in ((3, 1, 1), (1, 3, 1), (1, 1, 3))
        ]
        for i in range(3) for j in range(2) for m in range(1, layers + 1)
    ]  # fmt: skip
    np.testing.assert_allclose(found, np.sort(np.ravel(waves)), atol=1e-6)


def test_long_gentle_baths_give_the_transmission_of_the_junction():
    """3 %, at frequencies below the cutoff of the heavy side; a chain moves in three directions."""
    junction = mass_junction(chain(), MASS, 3 * MASS)
    system, field = harmonic_system(junction, layers=(320, 320), thermostat=300)
    omega = np.array([0.15, 0.25, 0.35, 0.45]) * TOP
    rates = [np.where(system.role == r, 0.015 * TOP, 0.0) for r in (HOT_ROLE, COLD_ROLE)]
    constants = matrix(system, field)[::3, ::3]
    found = langevin_transmission(constants, system.masses, *rates, omega) / system.area
    np.testing.assert_allclose(found, agf(junction, omega, k_mesh=(1, 1)).total, rtol=0.03)


def oblique() -> Lead:
    """Atoms of an oblique crystal whose springs have no symmetry but that of action and reaction."""
    chance = np.random.default_rng(4)
    shifts = np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])
    onsite, hop = np.zeros((2, 5, 3, 3))
    for a in range(2):
        block = np.eye(3) + 2 * np.outer(np.eye(3)[a], np.eye(3)[a]) + 0.3 * chance.normal(size=(3, 3))
        onsite[1 + 2 * a], onsite[2 + 2 * a] = -SPRING * block, -SPRING * block.T
    hop[0] = -SPRING * (np.diag([1.0, 1.0, 2.5]) + 0.3 * chance.normal(size=(3, 3)))
    hop[1], hop[3] = -0.4 * SPRING * chance.normal(size=(2, 3, 3))
    onsite[0] = -(onsite[1:].sum(axis=0) + hop.sum(axis=0) + hop.sum(axis=0).T)
    periods = 2 * angstrom * np.array([[1, 0, 0], [0.3, 0.9, 0]])
    return Lead(
        name="oblique", periods=periods, step=[0, 0, 2 * angstrom], masses=[MASS], shifts=shifts, onsite=onsite, hop=hop
    )


@pytest.mark.filterwarnings("ignore:oblique.*imaginary")
def test_a_box_of_several_cells_has_the_transmission_of_its_wave_vectors():
    """0.3 %, between baths that rise slowly; the waves of 3 x 2 cells are at k = (i/3, j/2), with Γ among them."""
    junction = mass_junction(oblique(), MASS, 3 * MASS)
    system, field = harmonic_system(junction, cells=(3, 2), layers=(30, 30), thermostat=26)
    omega = np.array([0.4, 0.6, 0.7, 0.8]) * TOP
    depth = [(26 - system.layer) / 26, (system.layer - system.layer.max() + 26) / 26]
    rates = [0.4 * TOP * np.repeat(np.clip(d, 0, None) ** 2, 3) for d in depth]
    found = langevin_transmission(matrix(system, field), np.repeat(system.masses, 3), *rates, omega)
    k = np.indices((3, 2)).reshape(2, -1).T / [3, 2]
    index = np.repeat(np.arange(6), omega.size)
    single = point_transmissions(prepare_junction(junction), k, index, np.tile(omega, 6)).total.reshape(6, -1)
    assert np.ptp(single, axis=0).min() > 0.5
    np.testing.assert_allclose(found, single.sum(axis=0), rtol=3e-3, atol=0)


def test_heat_between_baths_is_that_of_the_transmission():
    """k_B ΔT ∫Ξ dω/2π of the same finite chain, within 4 standard errors of the counted heat (below 2 %)."""
    system, field = harmonic_system(mass_junction(chain(), MASS, 3 * MASS), layers=(12, 12), thermostat=8)
    damping = 4 / TOP
    omega = np.linspace(1e-3, 1.05, 1500) * TOP
    rates = [np.where(system.role == r, 1 / damping, 0.0) for r in (HOT_ROLE, COLD_ROLE)]
    crossing = langevin_transmission(matrix(system, field)[::3, ::3], system.masses, *rates, omega)
    wanted = 3 * k_B * 560.0 * np.trapezoid(crossing, omega) / (2 * np.pi)
    state = thermal_state(system, 300.0, 2, double_temperature=True)
    baths = Thermostats("langevin", hot=580.0, cold=20.0, damping=damping)
    motion = BuiltinEngine().begin(system, field, baths, state, timestep=0.1 / TOP, seed=3)
    motion.advance(20_000)
    heat = [motion.heat]
    for _ in range(12):
        motion.advance(30_000)
        heat.append(motion.heat)
    power = np.diff(heat, axis=0) @ [0.5, -0.5] / (30_000 * 0.1 / TOP)
    error = power.std(ddof=1) / np.sqrt(12)
    assert error < 0.02 * wanted
    assert abs(power.mean() - wanted) < 4 * error


def test_faults_are_named():
    junction = mass_junction(chain(), MASS, 3 * MASS)
    with pytest.raises(InputError, match="more layers than the thermostat"):
        harmonic_system(junction, layers=(5, 20), thermostat=5)
    pairs = (np.array([0, 1]), np.array([1, 0]), np.zeros((2, 3, 3)))
    with pytest.raises(InputError, match="each with its own block"):
        harmonic_potential(np.zeros((2, 3)), pairs)
