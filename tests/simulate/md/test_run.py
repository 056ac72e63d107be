"""One verb for all runs: replicas on any executor, preparations, what is sampled, and what is refused."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from attrs import evolve
from stub_engine import BATHS, COURSE, FIELD, Counter, CounterRecipe, Stub, small

from kapitza.errors import InputError
from kapitza.matter.potentials.force_field import ForceField
from kapitza.simulate.md.engine import Thermostats
from kapitza.simulate.md.engines.builtin import BuiltinEngine
from kapitza.simulate.md.observers.sampling import Sampling
from kapitza.simulate.md.potential import lennard_jones
from kapitza.simulate.md.protocol import Protocol
from kapitza.simulate.md.runs.closed import half_cells, power_fluctuations, relaxation_data
from kapitza.simulate.md.runs.run import replica_seed, run
from kapitza.simulate.md.runs.single import run_single, thermostat_groups
from kapitza.simulate.md.system import COLD_ROLE, HOT_ROLE
from kapitza.simulate.md.systems.assembly import mass_interface
from kapitza.units import fs, k_B, ps

SHORT = evolve(COURSE, blocks=2, thermostats=BATHS)


def same(one, other):
    for name in ("temperature", "heat", "energy", "heights", "roles"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_an_executor_changes_nothing(tmp_path):
    """Replicas on threads are the runs of their seeds, and a second call reads them from the store."""
    protocol = evolve(SHORT, replicas=2)
    told = []
    with ThreadPoolExecutor(2) as pool:
        found = run(small(), FIELD, Stub(), protocol, (), store=tmp_path, executor=pool)
    for number, record in enumerate(found.records):
        seed = replica_seed(SHORT.seed, number)
        same(record, run_single(small(), FIELD, Stub(), evolve(SHORT, seed=seed)))
    again = run(small(), FIELD, Stub(), protocol, (), store=tmp_path, progress=lambda *n: told.append(n))
    assert told == [(2, 2)]
    same(again.records[1], found.records[1])


def test_observers_and_their_recipes_see_the_same():
    counter = Counter(7)
    alone = run(small(), FIELD, Stub(), SHORT, [counter])
    recipe = CounterRecipe(7)
    twice = run(small(), FIELD, Stub(), evolve(SHORT, replicas=2), [recipe])
    same(alone.records[0], twice.records[0])
    assert counter.looks > 0
    with pytest.raises(InputError, match="is no record: another process cannot make it"):
        run(small(), FIELD, Stub(), evolve(SHORT, replicas=2), [Counter(7)])


@pytest.fixture(scope="module")
def cell():
    pytest.importorskip("numba")
    potential = lennard_jones(["Ar"])
    return mass_interface("Ar", potential, 3, cells=(3, 3), length=6, thermostat=0, periodic=True), potential


def protocol_of(preparation, **others):
    return Protocol(
        thermostats=Thermostats("langevin", 40, 20, 0.2 * ps), timestep=4 * fs, steps=50, blocks=10,
        equilibration=500, preparation=preparation, seed=3, **others,
    )  # fmt: skip


def test_two_sides_start_apart_and_keep_their_energy(cell):
    found = run(*cell, BuiltinEngine(), protocol_of("sides"), store=None)
    assert 12 < found.difference[0, 0] < 30
    assert abs(found.drift) < 1e-3
    assert not found.records[0].heat.any()
    data = relaxation_data(found, (0.1, 0.2))
    assert data.left.conductivity == 0.1
    np.testing.assert_allclose(data.difference, found.difference, rtol=0, atol=0)
    with pytest.raises(InputError, match="wanted a run in equilibrium"):
        power_fluctuations(found)


def test_power_through_both_boundaries_is_the_change_of_the_energy_of_a_side(cell, tmp_path):
    """Sampled at each step, both boundaries together bring the left side what the right one loses, on average none."""
    system, potential = cell
    protocol = protocol_of("uniform")
    told = []
    found = run(system, potential, BuiltinEngine(), protocol, Sampling(every=5), store=tmp_path)
    assert found.power.shape == (100, 2)
    np.testing.assert_allclose(found.temperature, 30, rtol=0.25, atol=0)
    data = power_fluctuations(found)
    assert data.step == 5 * protocol.timestep
    stored = np.abs(np.cumsum(found.power.sum(axis=1))).max() * data.step
    assert stored < 0.3 * 3 * k_B * 30 * system.masses.size  # bounded, as the energy of a side is
    again = run(system, potential, BuiltinEngine(), protocol, Sampling(every=5), store=tmp_path,
                progress=lambda *n: told.append(n))  # fmt: skip
    assert told[-1] == (10, 10)
    np.testing.assert_array_equal(again.power, found.power)


def test_the_hot_thermostat_alone_is_heated(cell):
    system = evolve(cell[0], role=np.where(cell[0].layer < 2, HOT_ROLE, COLD_ROLE))
    roles = thermostat_groups(evolve(system, role=np.where(system.layer < 2, HOT_ROLE, 0)), protocol_of("hot_group"))
    np.testing.assert_array_equal(roles, system.role)


def test_what_does_not_fit_is_refused(cell):
    with pytest.raises(InputError, match="2 replicas in equilibrium: take one long run"):
        run(*cell, BuiltinEngine(), protocol_of("uniform", replicas=2))
    with pytest.raises(InputError, match="needs a cell that repeats along z"):
        run(small(), FIELD, Stub(), evolve(SHORT, preparation="sides"))
    with pytest.raises(InputError, match="wanted one of a closed cell"):
        half_cells(run(small(), FIELD, Stub(), SHORT, ()))
    with pytest.raises(InputError, match="preparation"):
        evolve(SHORT, preparation="slowly")


def test_a_force_field_is_no_engine():
    """Forces of a lattice move nothing: the message says what does."""
    field = ForceField("springs", object(), 1e-9)
    with pytest.raises(InputError, match=r"moves no atoms: wanted an engine .* kapitza\.md\.BuiltinEngine\(\)"):
        run(small(), FIELD, field, SHORT)
