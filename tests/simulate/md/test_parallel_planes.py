"""Real runs between baths: heat is the same through all planes but for what is stored, and turns round in a mirror."""

import numpy as np
import pytest
from attrs import evolve
from site_energies import site_energies

from kapitza.simulate.md.engine import MdState, Thermostats
from kapitza.simulate.md.engines.builtin import BuiltinEngine
from kapitza.simulate.md.kernels.forces import VerletList, map_species
from kapitza.simulate.md.observers.plane_power import PlanePower
from kapitza.simulate.md.protocol import thermal_state

pytest.importorskip("numba")
from lj_crystals import LATTICE, TAU, argon, crystal

STEP = 0.002 * TAU


def energies(system, motion):
    """(n,) kinetic and site energy of each atom, J."""
    near = VerletList(system, argon()).at(motion.positions)
    sites = site_energies(argon(), near, motion.positions, map_species(system, argon()))
    return sites + 0.5 * system.masses * (motion.velocities**2).sum(axis=1)


def powers(motion, planes, steps):
    """(steps + 1, planes) W, before the first step and after each."""
    found = [[plane.power(motion.positions, motion.velocities) for plane in planes]]
    for _ in range(steps):
        motion.advance(1)
        found.append([plane.power(motion.positions, motion.velocities) for plane in planes])
    return np.array(found)


@pytest.mark.parametrize(
    "baths", [Thermostats("langevin", hot=45.0, cold=15.0, damping=0.3 * TAU), Thermostats("exchange", power=2e-9)]
)
def test_heat_goes_from_plane_to_plane(baths):
    """Of three regions each gains what baths and planes give it, within 2 % of the largest of these energies."""
    system = crystal((3, 3, 10), periodic=False, wall=1)
    z = system.positions[:, 2]
    heights = [system.plane - 1.5 * LATTICE, system.plane + 1.5 * LATTICE]
    planes = [PlanePower(system, argon(), plane=height) for height in heights]
    part = np.digitize(z, heights)
    motion = BuiltinEngine().begin(
        system, argon(), baths, thermal_state(system, 30.0, 3, double_temperature=True), timestep=STEP, seed=4
    )
    motion.advance(500)
    before, given = energies(system, motion), motion.heat
    first, second = STEP * np.trapezoid(powers(motion, planes, 1500), axis=0)
    hot, cold = motion.heat - given
    gained = np.bincount(part, weights=energies(system, motion) - before)
    wanted = np.array([hot - first, first - second, second + cold])
    scale = np.abs([hot, cold, first, second]).max()
    np.testing.assert_allclose(gained, wanted, rtol=0, atol=0.02 * scale)
    assert np.abs(wanted[1]) > 0.02 * scale


def test_a_mirror_turns_the_heat_round():
    """Baths exchanged left and right, with constant power: the same power backwards at every step, to rounding."""
    system, baths = crystal((3, 3, 8), ratio=1.0, periodic=False, wall=1), Thermostats("exchange", power=3e-9)
    start = thermal_state(system, 30.0, 3, double_temperature=True)
    turned = np.array([1.0, 1.0, -1.0])
    middle = np.array([0, 0, 2 * system.plane])
    mirror = evolve(system, positions=system.positions * turned + middle, layer=system.layer.max() - system.layer)
    assert (mirror.right == ~system.right).all()
    found = []
    for one, state in (
        (system, start),
        (mirror, MdState(start.positions * turned + middle, start.velocities * turned)),
    ):
        motion = BuiltinEngine().begin(one, argon(), baths, state, timestep=STEP)
        found.append(powers(motion, [PlanePower(one, argon())], 300)[:, 0])
    np.testing.assert_allclose(found[1], -found[0], rtol=0, atol=1e-7 * np.abs(found[0]).max())
    assert np.abs(found[0]).max() > 0
