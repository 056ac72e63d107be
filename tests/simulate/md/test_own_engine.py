"""Our own engine: energy kept, heat counted, canonical baths, runs taken up again bit for bit, faults in one line."""

from itertools import product

import numpy as np
import pytest
from attrs import evolve

from kapitza.errors import ConvergenceError, InputError
from kapitza.simulate.md.engine import MdState, Thermostats
from kapitza.simulate.md.engines.builtin import BuiltinEngine
from kapitza.simulate.md.kernels.forces import VerletList, energy_and_forces, map_species
from kapitza.simulate.md.potential import lennard_jones
from kapitza.simulate.md.protocol import thermal_state
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, HOT_ROLE
from kapitza.units import k_B

pytest.importorskip("numba")
from lj_crystals import EPSILON, LATTICE, MASS, SIGMA, TAU, argon, crystal

LANGEVIN = Thermostats("langevin", hot=36.0, cold=24.0, damping=0.5 * TAU)
EXCHANGE = Thermostats("exchange", power=2e-9)
SWAP = Thermostats("swap", period=10)


def begun(system, baths=None, *, seed=1, dt=0.004, skin=None, kelvin=30.0):
    state = thermal_state(system, kelvin, seed, double_temperature=True)
    return BuiltinEngine(skin).begin(system, argon(), baths or Thermostats("none"), state, timestep=dt * TAU, seed=seed)


def kept(motion) -> float:
    """Energy that should not change, over ε and the number of atoms."""
    return (sum(motion.energy) - motion.heat.sum()) / EPSILON / len(motion.positions)


def test_energy_is_kept_over_a_hundred_picoseconds():
    """Drift below 1e-5 ε an atom, by the slope of 400 points; ε is 121 K."""
    motion = begun(crystal((2, 2, 4)), dt=0.002)
    motion.advance(500)
    energies = []
    for _ in range(400):
        motion.advance(int(100e-12 / (0.002 * TAU) / 400))
        energies.append(kept(motion))
    slope = np.polyfit(np.linspace(0, 1, 400), energies, 1)[0]
    assert abs(slope) < 1e-5
    assert np.ptp(energies) < 2e-4


def test_a_smaller_step_keeps_the_energy_better_by_its_square():
    """Velocity Verlet: the energy wavers as dt², and momentum does not change."""
    spread = []
    for dt in (0.008, 0.004):
        motion = begun(crystal((2, 2, 4)), dt=dt)
        energies = []
        for _ in range(200):
            motion.advance(round(0.016 / dt))
            energies.append(kept(motion))
        spread.append(np.std(energies))
        momentum = motion.system.masses @ motion.velocities
        np.testing.assert_allclose(momentum, 0, atol=1e-10 * MASS * np.abs(motion.velocities).max())
    np.testing.assert_allclose(spread[0] / spread[1], 4, rtol=0.25)


@pytest.mark.parametrize(("baths", "bound"), [(LANGEVIN, 3e-3), (EXCHANGE, 5e-4), (SWAP, 3e-3)])
def test_every_joule_is_accounted_for(baths, bound):
    """Energy minus counted heat drifts by less than that part of the heat moved: (ωΔt)²/12 with ωΔt < 0.09."""
    motion = begun(crystal((3, 3, 10), periodic=False, wall=1), baths)
    motion.advance(1000)
    before, given = kept(motion), motion.heat
    motion.advance(6000)
    moved = np.abs(motion.heat - given).max() / EPSILON / len(motion.positions)
    assert moved > 0.05
    assert motion.heat[0] - given[0] > 0 > motion.heat[1] - given[1]
    assert abs(kept(motion) - before) < bound * moved + 1e-5


def squares(system) -> list[float]:
    """Squared frequency of an atom of either bath among others at rest, tr Φ_ii / 3m, rad² s⁻²."""
    near = VerletList(system, argon()).at(system.positions)
    found = []
    for role in (HOT_ROLE, COLD_ROLE):
        atoms = np.flatnonzero(system.role == role)
        i = atoms[np.argmin(np.abs(system.layer[atoms] - np.median(system.layer[atoms])))]
        stiffness = 0.0
        for c, way in product(range(3), (1, -1)):
            moved = system.positions.copy()
            moved[i, c] += way * 1e-5 * SIGMA
            force = energy_and_forces(argon(), near, moved, map_species(system, argon()))[1]
            stiffness -= way * force[i, c] / (2e-5 * SIGMA)
        found.append(stiffness / 3 / system.masses[i])
    return found


@pytest.mark.parametrize(("baths", "dt", "share"), [(SWAP, 0.0056, 1.0), (EXCHANGE, 0.008, 0.0)])
def test_what_heat_counts_short_is_that_of_the_shadow(baths, dt, share):
    """Verlet keeps H + Δt² v·Φv/12 + ..., so that heat h at frequency ω counts h (ω Δt)²/6 short; eHEX mends it.

    The part of the heat moved: (ω_hot² - ω_cold²) Δt²/6 with swaps, within 25 % for the anharmonic motion, and below
    that by exchange with its correction.
    """
    motion = begun(crystal((3, 3, 10), periodic=False, wall=1), baths, dt=dt)
    motion.advance(1000)
    energy, given = [], motion.heat
    for _ in range(17):
        energy.append(kept(motion))
        motion.advance(round(8 / dt))
    moved = np.abs(motion.heat - given).mean() / EPSILON / len(motion.positions)
    hot, cold = squares(motion.system)
    wanted = (hot - cold) * (dt * TAU) ** 2 / 6
    assert wanted > 4e-4
    missing = np.polyfit(np.arange(17) / 17, energy, 1)[0] / moved
    np.testing.assert_allclose(missing, share * wanted, rtol=0, atol=0.25 * wanted)


def test_constant_power_is_constant():
    motion = begun(crystal(), EXCHANGE)
    motion.advance(250)
    wanted = 250 * 0.004 * TAU * EXCHANGE.power
    np.testing.assert_allclose(motion.heat, [wanted, -wanted], rtol=1e-12)


def test_langevin_baths_are_canonical():
    """Kinetic temperature and its fluctuation, var(K) = 3n (kT)²/2, of a crystal that is bath all over; 4 sigma."""
    system = crystal((2, 2, 4), thermostat=4)
    n = system.masses.size
    motion = begun(system, Thermostats("langevin", hot=30.0, cold=30.0, damping=0.2 * TAU), dt=0.005)
    motion.advance(2000)
    kinetic = np.empty(1500)
    for k in range(kinetic.size):
        motion.advance(20)
        kinetic[k] = motion.energy[1] / (k_B * 30.0)
    blocks = kinetic.reshape(30, -1).mean(axis=1)
    error = blocks.std(ddof=1) / np.sqrt(30)
    assert error < 0.01 * 1.5 * n
    assert abs(kinetic.mean() - 1.5 * n) < 4 * error
    np.testing.assert_allclose(kinetic.var(), 1.5 * n, rtol=0.25)
    light = system.masses < 2 * MASS
    assert light.any()
    assert set(system.role) == {HOT_ROLE, COLD_ROLE}


def test_kinds_share_the_temperature():
    """Equipartition: light and heavy atoms have one kinetic energy each, within 4 sigma."""
    motion = begun(
        crystal((2, 2, 4), thermostat=4), Thermostats("langevin", hot=30.0, cold=30.0, damping=0.2 * TAU), dt=0.005
    )
    motion.advance(2000)
    heavy = motion.system.masses > 2 * MASS
    looks = np.empty((30, 20, 2))
    for k in np.ndindex(30, 20):
        motion.advance(40)
        each = motion.system.masses * np.einsum("ia,ia->i", motion.velocities, motion.velocities) / (3 * k_B)
        looks[k] = each[~heavy].mean(), each[heavy].mean()
    blocks = looks.mean(axis=1)
    difference = blocks[:, 0] - blocks[:, 1]
    assert abs(difference.mean()) < 4 * difference.std(ddof=1) / np.sqrt(30)


@pytest.mark.parametrize("baths", [Thermostats("none"), LANGEVIN, EXCHANGE, SWAP])
def test_a_run_taken_up_again_is_the_same_to_the_last_bit(baths):
    """Although the lists of neighbours are then made at another step; and with another skin, too."""
    system = crystal()
    straight = begun(system, baths)
    straight.advance(600)
    first = begun(system, baths, skin=0.15 * SIGMA)
    first.advance(277)
    saved = first.state()
    again = BuiltinEngine(0.25 * SIGMA).begin(system, argon(), baths, saved, timestep=0.004 * TAU, seed=99)
    again.advance(600 - 277)
    end, other = straight.state(), again.state()
    assert end.step == other.step == 600
    for name in ("positions", "velocities", "heat", "random"):
        np.testing.assert_array_equal(getattr(end, name), getattr(other, name))


def test_fast_atoms_feel_every_pair_below_the_cutoff():
    """Where close pairs are chosen again several times in the life of a list, as where lists are made in every step."""
    system = crystal()
    wide, fresh = (begun(system, kelvin=500.0, skin=skin) for skin in (1.5 * SIGMA, 0.0))
    lists, chosen = set(), set()
    for _ in range(50):
        wide.advance(1)
        lists.add(wide.renewed)
        chosen.add(wide.close_pairs.reference.tobytes())
    fresh.advance(50)
    assert len(chosen) > 4 * len(lists)
    np.testing.assert_array_equal(wide.positions, fresh.positions)
    np.testing.assert_array_equal(wide.velocities, fresh.velocities)


def test_seeds_matter_where_chance_does():
    one, two, three = (begun(crystal(), LANGEVIN, seed=s) for s in (1, 1, 2))
    for motion in (one, two, three):
        motion.advance(20)
    np.testing.assert_array_equal(one.positions, two.positions)
    assert np.abs(one.positions - three.positions).max() > 0


def test_held_atoms_stay_and_others_move():
    system = crystal(wall=2, periodic=False)
    motion = begun(system, LANGEVIN)
    motion.advance(200)
    held = system.role == FIXED_ROLE
    np.testing.assert_array_equal(motion.positions[held], system.positions[held])
    assert (np.abs(motion.positions[~held] - system.positions[~held]).max(axis=1) > 0).all()


def test_atoms_that_cross_the_box_are_not_folded():
    """A crystal that drifts through three boxes has the same energies as one at rest."""
    system = crystal((2, 2, 4))
    at_rest = thermal_state(system, 20.0, 1)
    wind = np.array([3 * 2 * LATTICE / (600 * 0.004 * TAU), 0, 0])
    blown = MdState(at_rest.positions, at_rest.velocities + wind)
    ends = []
    for state in (at_rest, blown):
        motion = BuiltinEngine().begin(system, argon(), Thermostats("none"), state, timestep=0.004 * TAU)
        motion.advance(600)
        ends.append((motion.energy[0], motion.positions))
    np.testing.assert_allclose(ends[1][0], ends[0][0], rtol=1e-6)
    np.testing.assert_allclose((ends[1][1] - ends[0][1]) / LATTICE, [[6, 0, 0]] * len(system.masses), atol=1e-3)


def test_swaps_keep_momentum_and_energy_of_unequal_masses():
    system = crystal((3, 3, 6), ratio=2.3)
    motion = begun(system, evolve(SWAP, period=1), dt=0.001)
    motion.advance(40)
    assert motion.heat[0] > 0
    np.testing.assert_allclose(motion.heat.sum(), 0, atol=1e-12 * motion.heat[0])
    momentum = system.masses @ motion.velocities
    np.testing.assert_allclose(momentum, 0, atol=1e-9 * MASS * np.abs(motion.velocities).max())


def test_faults_are_named_in_one_line():
    system = crystal()
    good, field = thermal_state(system, 30.0, 1), argon()
    near = evolve(
        good,
        positions=good.positions + (np.arange(len(good.positions)) == 3)[:, None] * [0.45 * SIGMA, 0.45 * SIGMA, 0],
    )

    def begin(state=good, baths=Thermostats("none"), field=field, dt=0.004, system=system):  # noqa: B008
        return BuiltinEngine().begin(system, field, baths, state, timestep=dt * TAU, seed=1)

    with pytest.raises(InputError, match=r"atoms \d+ and \d+ are .* m apart"):
        begin(near)
    with pytest.raises(InputError, match="knows Kr, not Ar, heavy"):
        begin(field=lennard_jones(("Kr",)))
    with pytest.raises(InputError, match="need damping above 0"):
        begin(baths=Thermostats("langevin", hot=30.0, cold=20.0))
    with pytest.raises(InputError, match="0 atoms in the hot"):
        begin(baths=LANGEVIN, system=evolve(system, role=0 * system.role))
    with pytest.raises(InputError, match="fs\\? multiply"):
        begin(dt=1 / TAU)
    with pytest.raises(InputError, match="make it for this system"):
        begin(MdState(good.positions[1:], good.velocities[1:]))
    with pytest.raises(ConvergenceError, match="take a timestep below"):
        begin(dt=0.2).advance(1000)
    with pytest.raises(ConvergenceError, match="no kinetic energy left to remove"):
        begin(baths=evolve(EXCHANGE, power=2e-5)).advance(1000)
    with pytest.raises(InputError, match="all 288 atoms are held"):
        thermal_state(evolve(system, role=np.full(288, FIXED_ROLE)), 30.0, 1)
    with pytest.raises(InputError, match="wanted one or 288"):
        thermal_state(system, [30.0, 20.0], 1)


def test_thermal_states_have_their_temperature_and_no_momentum():
    """4 sigma of 3n degrees of freedom; a profile is taken atom by atom."""
    system = crystal((6, 6, 8), wall=1, periodic=False)
    free = system.role != FIXED_ROLE
    kelvin = np.where(system.right, 20.0, 60.0)
    state = thermal_state(system, kelvin, 5)
    for side, wanted in ((system.right & free, 20.0), (~system.right & free, 60.0)):
        each = system.masses[side] * np.einsum("ia,ia->i", state.velocities[side], state.velocities[side]) / (3 * k_B)
        np.testing.assert_allclose(each.mean(), wanted, rtol=4 * np.sqrt(2 / (3 * side.sum())))
    assert np.abs(system.masses @ state.velocities).max() < 1e-10 * MASS * np.abs(state.velocities).max()
    assert not state.velocities[~free].any()
    np.testing.assert_allclose(
        thermal_state(system, 10.0, 5, double_temperature=True).velocities, thermal_state(system, 20.0, 5).velocities
    )
