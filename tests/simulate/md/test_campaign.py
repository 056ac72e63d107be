"""Several runs on several processes: each is the run of its seed, and none is done twice."""

import numpy as np
import pytest
from attrs import evolve, fields
from stub_engine import BATHS, COURSE, FIELD, Counter, CounterRecipe, Stub, small

from kapitza.errors import InputError
from kapitza.run.store import Store, unit_address
from kapitza.simulate.md.observers.sampling import Sampling, missing_spectra, observer_recipes
from kapitza.simulate.md.potential import LammpsCommands, Potential, lennard_jones
from kapitza.simulate.md.record import Record
from kapitza.simulate.md.runs.checkpoint import CHECKPOINT_FILE
from kapitza.simulate.md.runs.run import (
    lengthen_protocol,
    record_arrays,
    replica_inputs,
    restore_record,
    run_replicas,
    run_unit,
)
from kapitza.simulate.md.runs.single import RUN_VERSION, RunSetup, run_single

SHORT = evolve(COURSE, blocks=2)
COUNTER = CounterRecipe(7)


def same(one, other):
    for one_field in fields(Record):
        np.testing.assert_array_equal(getattr(one, one_field.name), getattr(other, one_field.name))


def test_replicas_are_the_runs_of_their_seeds(tmp_path):
    found = run_replicas(
        [RunSetup(small(), FIELD, Stub(), evolve(SHORT, thermostats=BATHS, replicas=3), [COUNTER])],
        store=Store(tmp_path),
    )[0]
    assert found[0].record.seed == SHORT.seed
    assert len({one.record.seed for one in found}) == 3
    for one in found:
        counter = Counter(7)
        same(
            one.record,
            run_single(small(), FIELD, Stub(), evolve(SHORT, seed=one.record.seed, thermostats=BATHS), [counter]),
        )
        assert float(one.observer_states[0]["total"]) == counter.total
    heats = np.array([one.record.heat[-1] for one in found])
    assert np.unique(heats).size == 6


def test_processes_and_files_change_nothing(tmp_path):
    """Two workers give what one gives; what is in the store is not run again, and more replicas keep the first."""
    told = []
    here = run_replicas([RunSetup(small(), FIELD, Stub(), evolve(SHORT, thermostats=BATHS, replicas=2))])[0]
    there = run_replicas(
        [RunSetup(small(), FIELD, Stub(), evolve(SHORT, thermostats=BATHS, replicas=2))],
        store=Store(tmp_path),
        progress=lambda *n: told.append(n),
        executor=2,
    )[0]
    again = run_replicas(
        [RunSetup(small(), FIELD, Stub(), evolve(SHORT, thermostats=BATHS, replicas=3))],
        store=Store(tmp_path),
        progress=lambda *n: told.append(n),
    )[0]
    for one, other, third in zip(here, there, again[:2], strict=True):
        same(one.record, other.record)
        same(one.record, third.record)
    assert told[0] == (0, 2)
    assert told[-2:] == [(2, 3), (3, 3)]


def test_a_replica_that_was_cut_short_goes_on(tmp_path):
    """The file of a run in progress is found by the unit that it belongs to."""
    unit = replica_inputs(RunSetup(small(), FIELD, Stub(), evolve(SHORT, thermostats=BATHS)), 0)
    folder = tmp_path / unit_address(unit, version=RUN_VERSION)[:32]
    run_single(small(), FIELD, Stub(), evolve(SHORT, blocks=1, thermostats=BATHS), store=folder)
    before = (folder / CHECKPOINT_FILE).stat().st_mtime_ns
    same(
        restore_record(run_unit(unit, folder=str(tmp_path))),
        run_single(small(), FIELD, Stub(), evolve(SHORT, thermostats=BATHS)),
    )
    assert (folder / CHECKPOINT_FILE).stat().st_mtime_ns > before


def test_sizes_run_each_system():
    systems = [small(length=n) for n in (4, 6)]
    twice = evolve(SHORT, thermostats=BATHS, replicas=2)
    found = run_replicas([RunSetup(system, FIELD, Stub(), twice) for system in systems])
    assert [[one.record.heights.size for one in row] for row in found] == [[20, 20], [28, 28]]


def test_a_longer_system_takes_the_square_of_the_time():
    course = evolve(COURSE, power_interval=20)
    twice = lengthen_protocol(course, 2)
    assert (twice.steps, twice.equilibration, twice.blocks) == (400, 600, 6)
    odd = lengthen_protocol(course, 1.3)
    assert odd.steps % 20 == 0
    assert abs(odd.steps - 169) <= 10
    with pytest.raises(InputError, match="0 times as long"):
        lengthen_protocol(course, 0)


def test_records_survive_as_arrays():
    record = run_single(small(), FIELD, Stub(), evolve(SHORT, thermostats=BATHS))
    again = restore_record(record_arrays(record))
    same(record, again)
    assert (type(again.name), type(again.seed)) == (str, int)


def test_what_another_process_cannot_make_is_refused():
    class Loose:
        name = "loose"

    with pytest.raises(InputError, match="is no record: another process cannot make it"):
        run_replicas([RunSetup(small(), FIELD, Loose(), evolve(SHORT, thermostats=BATHS, replicas=1))])[0]
    with pytest.raises(InputError, match="replicas = 0"):
        run_replicas([RunSetup(small(), FIELD, Stub(), evolve(SHORT, thermostats=BATHS, replicas=0))])[0]


def test_what_a_potential_cannot_have_is_said():
    """Kernels and lines of LAMMPS give all; calculators of ASE the layers alone, and one line says why."""
    sampling = Sampling(segment=64, interface=True)
    lines = LammpsCommands("meam", ["* * library.meam Si NULL Si"], ["Si"], 4e-10)
    for known in (lennard_jones(["Ar"]), lines):
        assert missing_spectra(known, sampling) == ""
        assert set(observer_recipes(sampling, COURSE, known)) == {"plane", "interface", "layers"}
    other = Potential("other", ("Si",), 4e-10, ())
    assert set(observer_recipes(sampling, COURSE, other)) == {"layers"}
    said = missing_spectra(other, sampling)
    assert said.startswith("no power through the plane, spectrum and interface vibrations of 'other'")
    assert "\n" not in said
    assert missing_spectra(other, Sampling(segment=0)) == ""
