"""Long work on many processes: the bytes of the serial run, nothing computed twice, any executor."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import kapitza.theory.agf.conductance
import kapitza.theory.agf.transmission
from kapitza.run.store import Store
from kapitza.theory.agf.conductance import agf, agf_decimated
from kapitza.theory.agf.interface_modes import interface_modes
from kapitza.theory.agf.local_density import local_current, local_density
from kapitza.theory.agf.modal_transmission import agf_modes, mode_conversion
from kapitza.units import THz

FIELDS = ("omega", "total", "left", "right", "weight")


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "1")


@pytest.fixture
def often(monkeypatch):
    """Units so small, and processes so cheap, that a short test has many of both."""
    monkeypatch.setattr(kapitza.theory.agf.transmission, "MIN_POOL_SECONDS", 0.0)


def same(one, other):
    return all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in FIELDS)


def test_processes_give_the_bytes_of_the_serial_run(si_heavy, often):
    omega = np.linspace(0.5, 9, 60) * THz
    serial = agf(si_heavy, omega, k_mesh=(16, 16))
    pooled = agf(si_heavy, omega, k_mesh=(16, 16), executor=2)
    assert serial.total.tobytes() == pooled.total.tobytes()
    assert serial.left.tobytes() == pooled.left.tobytes()


def test_any_executor_gives_the_bytes_of_the_serial_run(si_heavy):
    with ThreadPoolExecutor(2) as threads:
        assert same(agf(si_heavy, tolerance=2e-2), agf(si_heavy, tolerance=2e-2, executor=threads))


def test_what_is_stored_is_not_computed_again(si_heavy, tmp_path, monkeypatch):
    seen = []
    store = Store(tmp_path / "units")
    first = agf(si_heavy, tolerance=2e-2, store=store, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1]
    files = sorted((tmp_path / "units").rglob("*.unit"))
    damaged = files[len(files) // 2]
    damaged.write_bytes(damaged.read_bytes()[:-7])
    files[0].unlink()

    calls = []
    real = kapitza.theory.agf.conductance.transmission_in_bins

    def counted(unit):
        calls.append(1)
        return real(unit)

    monkeypatch.setattr(kapitza.theory.agf.conductance, "transmission_in_bins", counted)
    again = agf(si_heavy, tolerance=2e-2, store=store)
    assert same(first, again)
    assert len(calls) == 2


def test_tables_of_modes_too(si_heavy, often):
    omega = np.array([1.0, 4.0, 7.0]) * THz
    one = agf_modes(si_heavy, omega, k_mesh=(10, 10))
    other = agf_modes(si_heavy, omega, k_mesh=(10, 10), executor=2)
    assert one.transmission.tobytes() == other.transmission.tobytes()
    assert one.wavevector.tobytes() == other.wavevector.tobytes()


def test_every_sum_over_the_zone_takes_an_executor_and_a_store(si_heavy, tmp_path, monkeypatch):
    omega, size = np.array([2.0, 5.0]) * THz, (3, 3)
    monkeypatch.setattr(kapitza.theory.agf.transmission, "UNIT_SECONDS", 1e-6)
    verbs = (
        lambda **work: agf_modes(si_heavy, omega, k_mesh=size, **work).transmission,
        lambda **work: mode_conversion(si_heavy, omega, k_mesh=size, **work).transmitted,
        lambda **work: local_density(si_heavy, omega, k_mesh=size, **work).value,
        lambda **work: local_current(si_heavy, omega, k_mesh=size, **work).value,
        lambda **work: interface_modes(si_heavy, omega, k_mesh=size, **work).omega,
        lambda **work: agf_decimated(si_heavy, omega, size, arrays=np, **work).total,
    )
    for number, verb in enumerate(verbs):
        folder = tmp_path / str(number)
        with ThreadPoolExecutor(2) as threads:
            first = verb(executor=threads, store=folder)
        assert len(list(folder.rglob("*.unit"))) > 1
        assert first.tobytes() == verb(store=str(folder)).tobytes() == verb().tobytes()


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_of_processes(si_heavy, tmp_path):
    distributed = pytest.importorskip("distributed", reason="needs kapitza[cluster]")
    omega = np.linspace(0.5, 9, 60) * THz
    serial = agf(si_heavy, omega, k_mesh=(16, 16))
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, local_directory=str(tmp_path)
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        spread = agf(si_heavy, omega, k_mesh=(16, 16), executor=client.get_executor())
        assert len(client.scheduler_info()["workers"]) == 2
    assert serial.total.tobytes() == spread.total.tobytes()


DRIVER = """
import sys
import numpy as np
import kapitza.theory.agf.conductance as room
import kapitza.theory.agf.transmission
from kapitza.matter.building.layers import lead_from_force_constants, mass_junction
from kapitza.run.store import Store
from kapitza.units import THz, angstrom, eV

if __name__ == "__main__":
    kapitza.theory.agf.transmission.MIN_POOL_SECONDS = 0.0
    kapitza.theory.agf.transmission.UNIT_SECONDS = 0.01
    data, u = np.load(sys.argv[1]), 1.66053906660e-27
    lead = lead_from_force_constants(
        "Si", data["cell"] * angstrom, [28.085 * u] * 2, data["R"], data["Phi"] * (eV / angstrom**2)
    )
    junction = mass_junction(lead, 28.085 * u, 72.630 * u)
    room.agf(junction, np.linspace(0.5, 9, 60) * THz, k_mesh=(16, 16), executor=2, store=Store(sys.argv[2]))
"""


@pytest.mark.slow
def test_a_killed_driver_and_its_workers_lose_nothing(si_heavy, data, tmp_path, monkeypatch):
    monkeypatch.setattr(kapitza.theory.agf.transmission, "UNIT_SECONDS", 0.01)
    script, units = tmp_path / "driver.py", tmp_path / "units"
    script.write_text(DRIVER)
    driver = subprocess.Popen(
        [sys.executable, str(script), str(data("agf/si_sw_prim001_fc.npz")), str(units)],
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 120
        while driver.poll() is None and len(list(units.rglob("*.unit"))) < 5 and time.monotonic() < end:
            time.sleep(0.01)
    finally:
        os.killpg(driver.pid, signal.SIGKILL)
        driver.wait()
    done = len(list(units.rglob("*.unit")))
    assert done >= 5

    calls = []
    real = kapitza.theory.agf.conductance.transmission_at_frequencies

    def counted(unit):
        calls.append(1)
        return real(unit)

    monkeypatch.setattr(kapitza.theory.agf.conductance, "transmission_at_frequencies", counted)
    omega = np.linspace(0.5, 9, 60) * THz
    resumed = agf(si_heavy, omega, k_mesh=(16, 16), store=Store(units))
    again = len(calls)
    serial = agf(si_heavy, omega, k_mesh=(16, 16))
    assert again <= len(calls) - again - done  # what was on the disk was not computed again
    assert resumed.total.tobytes() == serial.total.tobytes()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_killed_workers_of_a_cluster_lose_nothing(si_heavy, tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed", reason="needs kapitza[cluster]")
    monkeypatch.setattr(kapitza.theory.agf.transmission, "UNIT_SECONDS", 0.02)
    serial = agf(si_heavy, tolerance=5e-3)
    killed = []

    with (
        distributed.LocalCluster(
            n_workers=4, threads_per_worker=1, processes=True, dashboard_address=None, local_directory=str(tmp_path)
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        victim = next(iter(client.run(os.getpid).values()))

        def kill(done, total):
            if not killed and done > 2:
                killed.append(done)
                os.kill(victim, signal.SIGKILL)

        store = Store(tmp_path / "units")
        spread = agf(si_heavy, tolerance=5e-3, executor=client.get_executor(), store=store, progress=kill)
    assert killed
    assert same(serial, spread)
