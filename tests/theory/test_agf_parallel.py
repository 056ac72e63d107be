"""Long work on many processes: the bytes of the serial run, nothing computed twice, any executor."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import kapitza.theory.agf.octaves
from kapitza.run.store import Store
from kapitza.theory.agf.conductance import agf
from kapitza.theory.agf.modes import agf_modes
from kapitza.units import THz

FIELDS = ("omega", "total", "left", "right", "weight")


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "1")


@pytest.fixture
def often(monkeypatch):
    """Units so small, and processes so cheap, that a short test has many of both."""
    monkeypatch.setattr(kapitza.theory.agf.octaves, "POOL", 0.0)


def same(one, other):
    return all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in FIELDS)


def test_processes_give_the_bytes_of_the_serial_run(si_heavy, often):
    omega = np.linspace(0.5, 9, 60) * THz
    serial = agf(si_heavy, omega, k_mesh=(16, 16))
    pooled = agf(si_heavy, omega, k_mesh=(16, 16), workers=2)
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
    real = kapitza.theory.agf.octaves.in_bins

    def counted(unit):
        calls.append(1)
        return real(unit)

    monkeypatch.setattr(kapitza.theory.agf.octaves, "in_bins", counted)
    again = agf(si_heavy, tolerance=2e-2, store=store)
    assert same(first, again)
    assert len(calls) == 2


def test_tables_of_modes_too(si_heavy, often):
    omega = np.array([1.0, 4.0, 7.0]) * THz
    one = agf_modes(si_heavy, omega, k_mesh=(10, 10))
    other = agf_modes(si_heavy, omega, k_mesh=(10, 10), workers=2)
    assert one.transmission.tobytes() == other.transmission.tobytes()
    assert one.wavevector.tobytes() == other.wavevector.tobytes()


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_of_four_processes(si_heavy, tmp_path):
    distributed = pytest.importorskip("distributed", reason="needs kapitza[cluster]")
    omega = np.linspace(0.5, 9, 60) * THz
    serial = agf(si_heavy, omega, k_mesh=(16, 16))
    with (
        distributed.LocalCluster(
            n_workers=4, threads_per_worker=1, processes=True, dashboard_address=None, local_directory=str(tmp_path)
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        spread = agf(si_heavy, omega, k_mesh=(16, 16), executor=client.get_executor())
        assert len(client.scheduler_info()["workers"]) == 4
    assert serial.total.tobytes() == spread.total.tobytes()
