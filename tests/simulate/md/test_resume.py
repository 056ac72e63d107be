"""A run that is interrupted or killed goes on as if nothing had happened."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve
from resume_script import run
from stub_engine import BATHS, COURSE, FIELD, Counter, Stub, small

from kapitza.errors import DataError, InputError
from kapitza.simulate.md.engines.builtin import BuiltinEngine
from kapitza.simulate.md.potential import lennard_jones
from kapitza.simulate.md.protocol import Protocol
from kapitza.simulate.md.runs.checkpoint import CHECKPOINT_FILE, plain_values
from kapitza.simulate.md.runs.single import run_single
from kapitza.simulate.md.systems.assembly import mass_interface
from kapitza.units import angstrom, eV, fs

HERE = Path(__file__).parent


def same(one, other):
    for name in ("temperature", "heat", "energy", "power", "heights", "roles"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.fixture(scope="module")
def whole():
    counter = Counter(7)
    return run_single(small(), FIELD, Stub(), evolve(COURSE, thermostats=BATHS), [counter]), counter


def interrupt_after(blocks):
    def progress(done, _all):
        if done == blocks:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("blocks", [0, 1, 4])
def test_an_interrupted_run_goes_on(tmp_path, whole, blocks):
    """The same record, bit for bit, and observers that saw the same; nothing that was kept is done again."""
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run_single(
            small(),
            FIELD,
            Stub(),
            evolve(COURSE, thermostats=BATHS),
            [Counter(7)],
            progress=interrupt_after(blocks),
            store=folder,
        )
    counter, told = Counter(7), []
    protocol = evolve(COURSE, thermostats=BATHS)
    record = run_single(small(), FIELD, Stub(), protocol, [counter], progress=lambda *n: told.append(n), store=folder)
    same(record, whole[0])
    assert (counter.looks, counter.total) == (whole[1].looks, whole[1].total)
    assert told == [(done, 6) for done in range(blocks, 7)]


def test_a_run_is_made_longer(tmp_path, whole):
    short = run_single(
        small(), FIELD, Stub(), evolve(COURSE, blocks=2, thermostats=BATHS), [Counter(7)], store=tmp_path
    )
    np.testing.assert_array_equal(short.temperature, whole[0].temperature[:2])
    same(run_single(small(), FIELD, Stub(), evolve(COURSE, thermostats=BATHS), [Counter(7)], store=tmp_path), whole[0])
    with pytest.raises(InputError, match="holds 6 blocks of this run, wanted 2"):
        run_single(small(), FIELD, Stub(), evolve(COURSE, blocks=2, thermostats=BATHS), [Counter(7)], store=tmp_path)


@pytest.mark.parametrize("what", ["system", "thermostats", "protocol", "engine", "observers"])
def test_a_folder_of_other_inputs_is_refused(tmp_path, what):
    protocol = evolve(COURSE, blocks=1, thermostats=BATHS)
    call = {
        "system": small(), "potential": FIELD, "engine": Stub(), "protocol": protocol, "observers": [Counter(7)],
        "store": tmp_path,
    }  # fmt: skip
    run_single(**call)
    other = {
        "system": {"system": small(cells=(2, 3))},
        "thermostats": {"protocol": evolve(protocol, thermostats=evolve(BATHS, hot=61.0))},
        "protocol": {"protocol": evolve(protocol, seed=4)},
        "engine": {"engine": Stub(pause=1e-9)},
        "observers": {"observers": [Counter(8)]},
    }
    with pytest.raises(InputError, match="holds a run with other inputs"):
        run_single(**(call | other[what]))


def test_calculators_count_by_their_parameters():
    """An object of another package has an address by its class and its parameters, wherever it lies in memory."""

    class Calculator:
        def __init__(self, depth):
            self.parameters = {"depth": depth, "at": object()}

    assert plain_values([Calculator(1.0)]) == plain_values([Calculator(1.0)])
    assert plain_values([Calculator(1.0)]) != plain_values([Calculator(2.0)])


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / CHECKPOINT_FILE).write_bytes(b"kapitza-unit 1 0000\nhello")
    with pytest.raises(DataError, match=r"run\.state: damaged; remove it"):
        run_single(small(), FIELD, Stub(), evolve(COURSE, thermostats=BATHS), store=tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no kill -9 here")
def test_killed_at_any_moment_a_run_goes_on(tmp_path):
    """kill -9 again and again, sooner or later after the start, until the run is done all the same."""
    command = [sys.executable, str(HERE / "resume_script.py"), str(tmp_path / "run"), str(tmp_path / "result.npz")]
    kills = 0
    for delay in (0.02, 0.05, 0.08, 0.11, None):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout.readline() == b"go\n"
            try:
                process.wait(delay)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                kills += process.wait() == -signal.SIGKILL
        if process.returncode == 0:
            break
    assert kills >= 1
    got, wanted = np.load(tmp_path / "result.npz"), run()
    for name, value in wanted.items():
        np.testing.assert_array_equal(got[name], value)


def test_our_own_engine_goes_on_bit_for_bit(tmp_path):
    """Temperatures, heat, energies and the power through the plane, of a run that was cut short three times."""
    pytest.importorskip("numba")
    field = lennard_jones(("Ar", "heavy Ar"), [10.4e-3 * eV] * 2, [3.4 * angstrom] * 2)
    system = mass_interface("Ar", field, 3, lattice_constant=5.34 * angstrom, cells=(3, 3), length=4, thermostat=1)
    course = Protocol(
        timestep=10 * fs, steps=150, blocks=5, equilibration=200, sample_interval=10, power_interval=5, seed=8
    )
    wanted = run_single(system, field, BuiltinEngine(), evolve(course, thermostats=BATHS))
    for blocks in (0, 2, 3):
        with pytest.raises(KeyboardInterrupt):
            run_single(
                system,
                field,
                BuiltinEngine(),
                evolve(course, thermostats=BATHS),
                progress=interrupt_after(blocks),
                store=tmp_path,
            )
    same(run_single(system, field, BuiltinEngine(), evolve(course, thermostats=BATHS), store=tmp_path), wanted)
    assert np.isfinite(wanted.power).all()
    assert np.unique(wanted.power).size == 5


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no kill -9 here")
def test_killed_after_any_file_our_own_engine_goes_on_bit_for_bit(tmp_path):
    """kill -9 some milliseconds after a file was written, three times: record and spectrum of a run left alone."""
    pytest.importorskip("numba")
    from resume_own_script import run as whole

    state, result = tmp_path / "run" / CHECKPOINT_FILE, tmp_path / "result.npz"
    command = [sys.executable, str(HERE / "resume_own_script.py"), str(state.parent), str(result)]
    kills = 0
    for delay in (0.0, 0.02, 0.05, None):
        before = state.stat().st_mtime_ns if state.exists() else None
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout.readline() == b"go\n"
            while delay is not None and process.poll() is None:
                if state.exists() and state.stat().st_mtime_ns != before:
                    time.sleep(delay)
                    process.kill()
                    kills += process.wait() == -signal.SIGKILL
                time.sleep(1e-3)
    assert kills >= 1
    got = np.load(result)
    for name, value in whole().items():
        np.testing.assert_array_equal(got[name], value)
