"""Runs between two baths: what is counted, when it is looked at, and what is refused."""

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from site_energies import site_energies
from stub_engine import FIELD, Counter, Stub, small

from kapitza.errors import ConvergenceError, InputError
from kapitza.simulate.md.engine import MdState, Thermostats
from kapitza.simulate.md.engines.builtin import BuiltinEngine
from kapitza.simulate.md.kernels.forces import list_neighbours, map_species
from kapitza.simulate.md.observers.plane_power import PlanePower
from kapitza.simulate.md.potential import lennard_jones
from kapitza.simulate.md.protocol import Protocol, Thermometer, advance_observed, gradient_state, local_temperature
from kapitza.simulate.md.runs.single import energy_conservation, profile_state, run_single
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, FREE_ROLE, HOT_ROLE
from kapitza.simulate.md.systems.assembly import mass_interface
from kapitza.units import angstrom, eV, fs, k_B, ps

BATHS = Thermostats("langevin", 60.0, 40.0, 0.2 * ps)
COURSE = Protocol(timestep=20 * fs, steps=100, blocks=4, equilibration=50, sample_interval=5, seed=3)


def test_bound_atoms_have_the_temperature_of_their_bath_and_lose_no_energy():
    """Atoms that are bound to their places exchange no heat: equipartition in the baths, every joule accounted for."""
    system = small(cells=(4, 4))
    course = evolve(COURSE, steps=400, blocks=10, equilibration=400)
    record = run_single(system, FIELD, Stub(), evolve(course, thermostats=BATHS))
    hot, cold = record.thermostat_temperatures
    independent = np.sqrt(2 / (3 * 64 * 80))  # 64 atoms of a bath; 80 ps, one sample per ps of the velocities' memory
    np.testing.assert_allclose([hot, cold], [60.0, 40.0], rtol=4 * independent, atol=0)
    assert (record.temperature[:, record.roles == FIXED_ROLE] == 0).all()
    free = record.temperature[:, record.roles == FREE_ROLE]
    assert free.min() > 10
    found = energy_conservation(record)
    scale = 1.5 * k_B * 50 * system.masses.size
    assert np.abs(found.excess).max() < 1e-9 * scale
    assert abs(found.drift) * record.block * 10 < 1e-9 * scale
    assert record.heat.shape == (11, 2)
    assert np.isnan(record.power).all()


def test_without_baths_energy_stays():
    record = run_single(small(), FIELD, Stub(), evolve(COURSE, thermostats=Thermostats("none", 50.0, 50.0)))
    np.testing.assert_allclose(record.energy, record.energy[0], rtol=1e-9, atol=0)
    assert np.isnan(energy_conservation(record).share)
    with pytest.raises(InputError, match="2 blocks, got 1"):
        energy_conservation(
            run_single(small(), FIELD, Stub(), evolve(COURSE, blocks=1, thermostats=Thermostats("none", 50.0, 50.0)))
        )


@given(st.lists(st.integers(1, 12), min_size=1, max_size=4), st.lists(st.integers(1, 30), min_size=1, max_size=5))
def test_observers_look_at_the_multiples_of_their_interval(intervals, pieces):
    """However a run is cut into pieces: as brute force has it."""

    class Clock:
        positions = velocities = np.zeros((1, 3))
        now = 0

        def advance(self, steps):
            assert steps > 0
            self.now += steps

    class Watch:
        def __init__(self, every):
            self.every, self.seen = every, []

        def sample(self, _positions, _velocities):
            self.seen.append(clock.now)

    clock = Clock()
    watches = [Watch(every) for every in intervals]
    for piece in pieces:
        advance_observed(clock, watches, clock.now, piece)
    assert clock.now == sum(pieces)
    for watch in watches:
        assert watch.seen == [step for step in range(1, sum(pieces) + 1) if step % watch.every == 0]


def test_looking_changes_nothing():
    plain = run_single(small(), FIELD, Stub(), evolve(COURSE, thermostats=BATHS))
    counters = [Counter(7), Counter(40)]
    seen = run_single(small(), FIELD, Stub(), evolve(COURSE, sample_interval=4, thermostats=BATHS), counters)
    assert [one.looks for one in counters] == [400 // 7, 10]
    np.testing.assert_array_equal(seen.heat, plain.heat)
    np.testing.assert_array_equal(seen.energy, plain.energy)


def test_temperature_of_planes():
    """Velocities drawn at known temperatures; a wind across the planes is heat, unless it is subtracted."""
    system = small(cells=(12, 12))
    rng = np.random.default_rng(5)
    wanted = np.where(system.right, 30.0, 90.0)
    free = (system.role != FIXED_ROLE)[:, None]
    velocities = np.sqrt(k_B * wanted / system.masses)[:, None] * rng.standard_normal(system.positions.shape) * free
    wind = 300.0 * np.sin(system.layer)[:, None] * [1.0, 0.5, 0.0] * free
    moving = system.roles != FIXED_ROLE
    spread = np.sqrt(2 / (3 * 288))
    means = np.where(system.heights > system.plane, 30.0, 90.0)[moving]
    found = {}
    for flowing in (False, True):
        for name, v in (("still", velocities), ("wind", velocities + wind)):
            meter = Thermometer(system=system, every=1, subtract_flow=flowing)
            meter.sample(system.positions, v)
            found[flowing, name] = meter.mean()[moving]
    for key in ((False, "still"), (True, "still"), (True, "wind")):
        np.testing.assert_allclose(found[key], means, rtol=4 * spread, atol=0)
    np.testing.assert_allclose(found[True, "wind"], found[True, "still"], rtol=1e-9, atol=0)
    mass = np.where(system.heights > system.plane, system.masses.max(), system.masses.min())[moving]
    extra = mass * (300.0 * np.sin(np.arange(moving.size)[moving])) ** 2 * 1.25 / (3 * k_B)
    assert (found[False, "wind"] > found[False, "still"] + 0.5 * extra).all()


def test_a_wind_takes_three_degrees_of_freedom_from_each_plane():
    """In planes of few atoms the mean velocity holds much of the heat: 8 atoms would read 12.5 % too cold."""
    system = small(cells=(2, 2))
    rng = np.random.default_rng(8)
    free = (system.role != FIXED_ROLE)[:, None]
    meter, looks = Thermometer(system=system, every=1, subtract_flow=True), 400
    for _ in range(looks):
        drawn = np.sqrt(k_B * 60.0 / system.masses)[:, None] * rng.standard_normal(system.positions.shape)
        meter.sample(system.positions, drawn * free)
    moving = system.roles != FIXED_ROLE
    atoms = system.counts[moving]
    assert atoms.max() <= 8
    mean = np.average(meter.mean()[moving], weights=atoms - 1)
    spread = np.sqrt(2 / (3 * (atoms - 1).sum() * looks))
    np.testing.assert_allclose(mean, 60.0, rtol=4 * spread, atol=0)


def test_the_line_of_temperatures_to_start_from():
    system = small(length=6)
    line = local_temperature(system, 60.0, 40.0)
    assert (line[system.role == HOT_ROLE] == 60).all()
    assert (line[system.role == COLD_ROLE] == 40).all()
    middle = line[(np.abs(system.positions[:, 2] - system.plane) < 0.3 * np.ptp(system.positions[:, 2]))]
    np.testing.assert_allclose(middle.mean(), 50.0, rtol=1e-9, atol=0)
    ring = small(length=6, thermostat=2, periodic=True)
    around = local_temperature(ring, 60.0, 40.0)
    assert (around[ring.role == HOT_ROLE] == 60).all()
    assert (around[ring.role == COLD_ROLE] == 40).all()
    planes = np.array([around[ring.layer == k].mean() for k in range(ring.counts.size)])
    np.testing.assert_allclose(planes + np.roll(planes, 12), 100.0, rtol=1e-9, atol=0)  # half a box apart


def test_velocities_to_start_from_have_twice_the_local_temperature():
    system = small(cells=(10, 10), length=6)
    state = gradient_state(system, 60.0, 40.0, 1)
    meter = Thermometer(system=system, every=1)
    meter.sample(state.positions, state.velocities)
    found = meter.mean()
    moving = system.roles != FIXED_ROLE
    line = np.array([local_temperature(system, 60.0, 40.0)[system.layer == k][0] for k in range(moving.size)])
    np.testing.assert_allclose(found[moving], 2 * line[moving], rtol=4 * np.sqrt(2 / 600), atol=0)
    assert (found[~moving] == 0).all()
    loose = gradient_state(small(periodic=True, thermostat=0), 50.0, 50.0, 1)
    momentum = small(periodic=True, thermostat=0).masses @ loose.velocities
    assert np.abs(momentum).max() < 1e-12 * 1e-25 * 160 * 200


def with_profile(record, temperature):
    """The record with a temperature of each plane that moves."""
    moving = record.roles != FIXED_ROLE
    return evolve(record, temperature=np.tile(np.where(moving, temperature, 0.0), (record.power.size, 1)))


def test_the_profile_of_an_earlier_run_is_where_a_longer_one_starts():
    """A straight line of the same system gives the usual start; a step stays a step at the plane of longer sides."""
    short, long = small(cells=(10, 10), length=6), small(cells=(10, 10), length=9, thermostat=2)
    record = run_single(short, FIELD, Stub(), evolve(COURSE, blocks=1, thermostats=BATHS))
    line = np.array([local_temperature(short, 60.0, 40.0)[short.layer == k][0] for k in range(record.heights.size)])
    straight = profile_state(short, with_profile(record, line), BATHS, 4)
    wanted = gradient_state(short, 60.0, 40.0, 4)
    np.testing.assert_allclose(straight.velocities, wanted.velocities, rtol=1e-12, atol=0)
    step = np.where(record.heights < record.plane, 58.0, 44.0)
    found = profile_state(long, with_profile(record, step), BATHS, 5)
    meter = Thermometer(system=long, every=1)
    meter.sample(found.positions, found.velocities)
    free = long.roles != FIXED_ROLE
    sides = np.where(long.heights < long.plane, 58.0, 44.0)
    beside = np.abs(long.heights - long.plane) < 0.2 * np.ptp(short.heights) / 6  # between the planes of the step
    np.testing.assert_allclose(meter.mean()[free & ~beside], 2 * sides[free & ~beside], rtol=4 * 600**-0.5, atol=0)


def test_profiles_of_other_thermostats_and_closed_cells_are_refused():
    record = run_single(small(), FIELD, Stub(), evolve(COURSE, blocks=1, thermostats=BATHS))
    near = with_profile(record, np.where(record.heights < record.plane, 60.0, 40.0))
    with pytest.raises(InputError, match=r"its thermostats had 60 and 40 K, those of .* have 90 and 70 K"):
        profile_state(small(), near, evolve(BATHS, hot=90.0, cold=70.0), 1)
    with pytest.raises(InputError, match="one interface between two thermostats"):
        profile_state(small(periodic=True, thermostat=0), near, BATHS, 1)
    with pytest.raises(InputError, match="needs two thermostats"):
        profile_state(small(thermostat=0), near, BATHS, 1)


def test_a_run_that_bursts_names_block_and_remedy():
    with pytest.raises(ConvergenceError, match=r"block 2 of 4 failed: .*left their places: take a shorter time step"):
        run_single(small(), FIELD, Stub(burst=155), evolve(COURSE, thermostats=BATHS))
    with pytest.raises(ConvergenceError, match="the equilibration failed"):
        run_single(small(), FIELD, Stub(burst=20), evolve(COURSE, thermostats=BATHS))
    system = small()
    lost = MdState(system.positions, np.full(system.positions.shape, np.nan))
    with pytest.raises(InputError, match="not finite"):
        run_single(system, FIELD, Stub(), evolve(COURSE, thermostats=BATHS, start=lost))


def test_energy_from_nowhere_ends_a_run():
    class Leaky(Stub):
        def begin(self, *args, **options):
            motion = super().begin(*args, **options)
            advance = motion.advance

            def leaking(steps):
                advance(steps)
                motion.velocities = motion.velocities * 1.004**steps

            motion.advance = leaking
            return motion

    with pytest.raises(
        ConvergenceError, match=r"block 1 of 4 the energy changed by .* beyond the heat of the thermostats"
    ):
        run_single(small(), FIELD, Leaky(), evolve(COURSE, thermostats=BATHS))


@pytest.mark.parametrize(
    ("baths", "message"),
    [
        (Thermostats("langevin", 60.0, 0.0, 1 * ps), "60 and 0 K"),
        (Thermostats("langevin", 60.0, 40.0, 1e-15), "damping 1e-15 s"),
        (Thermostats("exchange", 50.0, 50.0), "power 0 W"),
        (Thermostats("swap", 50.0, 50.0), "period 0 steps"),
    ],
)
def test_baths_without_their_numbers_are_refused(baths, message):
    with pytest.raises(InputError, match=message):
        run_single(small(), FIELD, Stub(), evolve(COURSE, thermostats=baths))


def test_other_faults_are_named():
    with pytest.raises(InputError, match="no atom is in the hot thermostat"):
        run_single(small(thermostat=0), FIELD, Stub(), evolve(COURSE, thermostats=BATHS))
    with pytest.raises(InputError, match="sample_interval = 7 steps does not divide the 100 steps"):
        evolve(COURSE, sample_interval=7)
    with pytest.raises(InputError, match=r"blocks = 0, wanted a whole number of at least 1"):
        evolve(COURSE, blocks=0)
    with pytest.raises(InputError, match="timestep = 1"):
        evolve(COURSE, timestep=1.0)
    with pytest.raises(InputError, match=r"'other' for .* without direct power"):
        run_single(small(), evolve(FIELD, form="other"), Stub(), evolve(COURSE, power_interval=10, thermostats=BATHS))
    other = evolve(FIELD, kinds=("Si",))
    with pytest.raises(InputError, match="atoms of light, heavy, the potential is for Si"):
        run_single(small(), other, Stub(), evolve(COURSE, thermostats=BATHS))


def test_heat_goes_where_the_record_says():
    """Energy of the left side: what the hot bath gave, less what went through the plane, block by block."""
    pytest.importorskip("numba")
    field = lennard_jones(("Ar", "heavy Ar"), [10.4e-3 * eV] * 2, [3.4 * angstrom] * 2)
    system = mass_interface("Ar", field, 3, lattice_constant=5.34 * angstrom, cells=(3, 3), length=4, thermostat=1)
    course = Protocol(
        timestep=2 * fs, steps=400, blocks=4, equilibration=250, sample_interval=20, power_interval=1, seed=2
    )
    ends, plane = [], PlanePower(system, field)

    class Ends:
        every = course.steps

        def sample(self, positions, velocities):
            ends.append((left_energy(system, field, positions, velocities), plane.power(positions, velocities)))

        def arrays(self):
            return {}

    record = run_single(system, field, BuiltinEngine(), evolve(course, thermostats=evolve(BATHS, hot=90.0)), [Ends()])
    stored, last = np.diff(ends, axis=0).T
    given = np.diff(record.heat[1:, 0])
    through = record.power[1:] * record.block - last * record.timestep / 2  # the trapezoidal rule
    assert np.abs(through).min() > 0
    np.testing.assert_allclose(stored, given - through, rtol=0, atol=3e-4 * np.abs(given).max())
    assert np.ptp(given) > 0.1 * np.abs(given).max()


def left_energy(system, field, positions, velocities):
    near = list_neighbours(system.lattice, positions, field.cutoff, periodic=(True, True, False), half=field.half)
    sites = site_energies(field, near, positions, map_species(system, field))
    return float((sites + 0.5 * system.masses * (velocities**2).sum(axis=1))[~system.right].sum())


def test_heat_leaves_the_baths_of_a_ring_both_ways():
    """Power set by eHEX, half of it through each of two interfaces: no tally is free to say otherwise."""
    pytest.importorskip("numba")
    field = lennard_jones(("Ar", "heavy Ar"), [10.4e-3 * eV] * 2, [3.4 * angstrom] * 2)
    system = mass_interface(
        "Ar", field, 3, lattice_constant=5.34 * angstrom, cells=(3, 3), length=4, thermostat=1, periodic=True
    )
    course = Protocol(timestep=5 * fs, steps=200, blocks=3, equilibration=100, sample_interval=20, seed=2)
    baths = Thermostats("exchange", 30.0, 30.0, power=1e-8)
    record = run_single(system, field, BuiltinEngine(), evolve(course, thermostats=baths))
    assert record.interface_count == 2
    np.testing.assert_allclose(record.flux[:, :2], 5e-9 / system.area, rtol=1e-9, atol=0)
    assert record.thermostat_temperatures[0] > record.thermostat_temperatures[1]
    assert abs(energy_conservation(record).share) < 0.01
    reverse = run_single(system, field, BuiltinEngine(), evolve(course, thermostats=evolve(baths, power=-1e-8)))
    assert reverse.thermostat_temperatures[0] < reverse.thermostat_temperatures[1]
