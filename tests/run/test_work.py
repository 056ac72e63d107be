"""Units of work: each done once, in any process, with the bytes of the serial run, whatever dies on the way."""

import hashlib
import inspect
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import kapitza
from kapitza.applications.superlattice import miniband_conductivity
from kapitza.errors import ConvergenceError, InputError
from kapitza.run.store import Store, StoreLike
from kapitza.run.work import ExecutorLike, run_units

KERNELS = """
import os, signal, time
from pathlib import Path
import numpy as np

def square(unit):
    time.sleep(unit.get("pause", 0.0))
    return {"square": np.asarray(unit["n"], float) ** 2}

def dies_once(unit):
    marker = Path(unit["folder"]) / str(unit["n"])
    if unit["n"] % 3 == 0 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return square(unit)

def dies(unit):
    os.kill(os.getpid(), signal.SIGKILL)

def dies_at_the_end(unit):
    if unit["n"] == 1:
        while not (Path(unit["folder"]) / "done").exists():
            time.sleep(0.01)
        time.sleep(0.2)
        dies(unit)
    (Path(unit["folder"]) / "done").touch()
    return square(unit)

def waits(unit):
    (Path(unit["folder"]) / f"{os.getpid()}.process").touch()
    time.sleep(600)
    return square(unit)

def threads(unit):
    return {"threads": np.array(int(os.environ["OMP_NUM_THREADS"]))}
"""


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    """A module that fresh processes can import."""
    (tmp_path / "unit_kernels.py").write_text(KERNELS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "unit_kernels", raising=False)
    import unit_kernels

    return unit_kernels


def squares(results):
    return [float(r["square"]) for r in results]


def digest(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*.unit")}


def test_serial_pool_and_any_executor_agree_to_the_byte(kernels, tmp_path):
    units = [{"n": n} for n in range(12)]
    expected = [float(n * n) for n in range(12)]
    stores = [Store(tmp_path / name) for name in ("serial", "pool", "threads")]
    assert squares(run_units(kernels.square, units, version="1", store=stores[0])) == expected
    assert squares(run_units(kernels.square, units, version="1", store=stores[1], executor=2)) == expected
    with ThreadPoolExecutor(3) as executor:
        assert squares(run_units(kernels.square, units, version="1", store=stores[2], executor=executor)) == expected
    assert digest(stores[0].folder) == digest(stores[1].folder) == digest(stores[2].folder)
    assert len(digest(stores[0].folder)) == 12


def test_what_exists_is_not_computed_again_and_equal_units_are_done_once(kernels, tmp_path):
    store, seen = Store(tmp_path / "store"), []

    def kernel(unit):
        seen.append(unit["n"])
        return {"square": np.asarray(float(unit["n"]) ** 2)}

    run_units(kernel, [{"n": 1}, {"n": 2}, {"n": 1}], version="1", store=store)
    assert seen == [1, 2]
    told = []
    results = run_units(
        kernel, [{"n": 2}, {"n": 3}], version="1", store=store, progress=lambda *done: told.append(done)
    )
    assert squares(results) == [4.0, 9.0]
    assert seen == [1, 2, 3]
    assert told == [(1, 2), (2, 2)]


def test_killed_workers_lose_nothing(kernels, tmp_path):
    units = [{"n": n, "folder": str(tmp_path)} for n in range(8)]
    for store in (Store(tmp_path / "store"), None):
        got = run_units(kernels.dies_once, units, version="1", store=store, executor=2)
        assert squares(got) == [float(n * n) for n in range(8)]
        for marker in range(0, 8, 3):
            (tmp_path / str(marker)).unlink(missing_ok=True)


def test_workers_that_always_die_end_in_one_error(kernels):
    with pytest.raises(ConvergenceError, match="died 3 times before the first of 1 units"):
        run_units(kernels.dies, [{"n": 0}], version="1", executor=2)


def test_workers_that_die_after_a_first_result_are_replaced_more_often(kernels, tmp_path, monkeypatch):
    monkeypatch.setattr("kapitza.run.work._MAX_POOL_RESTARTS", 5)
    units = [{"n": n, "folder": str(tmp_path)} for n in range(2)]
    with pytest.raises(ConvergenceError, match="died 5 times with 1 units"):
        run_units(kernels.dies_at_the_end, units, version="1", executor=2)


def test_a_script_without_its_guard_is_told_of_it(kernels, tmp_path):
    """Workers import the script, and one from standard input cannot be imported."""
    script = textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        from unit_kernels import square
        from kapitza.run.work import run_units
        run_units(square, [dict(n=n) for n in range(3)], version="1", executor=2)
        """)
    file = tmp_path / "driver.py"
    file.write_text(script)
    for command, text in (([sys.executable, str(file)], None), ([sys.executable], script)):
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 1
        said = [line for line in done.stderr.splitlines() if line.startswith("kapitza.errors.ConvergenceError: ")]
        assert len(said) == 1  # Python may warn after it of semaphores that the dead workers held
        assert "worker processes died 3 times before the first of 3 units" in said[0]
        assert 'under `if __name__ == "__main__":`' in said[0]


def test_a_process_of_a_pool_uses_its_share_of_the_cores(kernels, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    (got,) = run_units(kernels.threads, [{"n": 0}], version="1", executor=4)
    assert int(got["threads"]) == 2
    assert "OMP_NUM_THREADS" not in os.environ


def test_no_worker_is_refused(kernels):
    with pytest.raises(InputError, match="at least 1 worker, got 0"):
        run_units(kernels.square, [{"n": 0}], version="1", executor=0)


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("executor", "x", "executor = 'x': expected one of concurrent.futures"),
        ("executor", 0, "at least 1 worker, got 0"),
        ("executor", True, "at least 1 worker, got True"),
        ("store", 3, "store = 3: expected a Store or the name of a folder"),
    ],
)
def test_what_is_no_store_or_executor_is_refused_in_words(kernels, name, wrong, message):
    options = {name: wrong}
    with pytest.raises(InputError, match=message):
        run_units(kernels.square, [{"n": 0}], version="1", **options)
    with pytest.raises(InputError, match=message):
        miniband_conductivity(2.0, 5.0, [1], **options)


def test_a_store_may_be_named_by_its_folder(kernels, tmp_path):
    for store in (Store(tmp_path), tmp_path, str(tmp_path)):
        run_units(kernels.square, [{"n": 1}], version="1", store=store)
    assert len(digest(tmp_path)) == 1


def test_all_long_work_takes_the_same_stores_and_executors():
    """`store=` and `executor=` have one type and one default in every public function."""
    wanted = {"store": StoreLike | None, "executor": ExecutorLike | None}
    found = dict.fromkeys(wanted, 0)
    for room in (name for name in kapitza.__all__ if isinstance(getattr(kapitza, name), ModuleType)):
        place = getattr(kapitza, room)
        for name in getattr(place, "__all__", ()):
            public = getattr(place, name)
            if not inspect.isfunction(public):
                continue
            for key, one in inspect.signature(public).parameters.items():
                if key in wanted:
                    assert (one.annotation, one.default) == (wanted[key], None), f"{room}.{name}({key}=)"
                    found[key] += 1
    assert min(found.values()) >= 10


def test_a_killed_driver_resumes_to_the_same_bytes(kernels, tmp_path):
    units = [{"n": n, "pause": 0.02} for n in range(25)]
    serial = Store(tmp_path / "serial")
    run_units(kernels.square, units, version="1", store=serial)
    script = tmp_path / "driver.py"
    script.write_text(
        textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        from unit_kernels import square
        from kapitza.run.store import Store
        from kapitza.run.work import run_units
        if __name__ == "__main__":
            units = [dict(n=n, pause=0.02) for n in range(25)]
            run_units(square, units, version="1", store=Store({str(tmp_path / "killed")!r}))
        """)
    )
    chance = random.Random(4)
    kills = 0
    while len(digest(tmp_path / "killed")) < 25:
        target = min(25, len(digest(tmp_path / "killed")) + chance.randint(1, 6))
        driver = subprocess.Popen([sys.executable, str(script)])
        while driver.poll() is None and len(digest(tmp_path / "killed")) < target:
            time.sleep(chance.uniform(0, 0.01))
        if driver.poll() is None:
            driver.send_signal(signal.SIGKILL)
            kills += 1
        driver.wait()
    assert kills > 2
    assert digest(tmp_path / "killed") == digest(serial.folder)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_a_driver_that_is_killed(kernels, tmp_path, number):
    """Units of ten minutes in two workers: whoever reads the output of a killed driver does not wait for them."""
    script = tmp_path / "driver.py"
    script.write_text(
        textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        from unit_kernels import waits
        from kapitza.run.work import run_units
        if __name__ == "__main__":
            run_units(waits, [dict(n=n, folder={str(tmp_path)!r}) for n in range(6)], version="1", executor=2)
        """)
    )
    driver = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        end = time.monotonic() + 60
        while driver.poll() is None and len(list(tmp_path.glob("*.process"))) < 2 and time.monotonic() < end:
            time.sleep(0.05)
        driver.send_signal(number)
        driver.communicate(timeout=20)  # until every process that could write to it is gone
    except BaseException:
        os.killpg(driver.pid, signal.SIGKILL)
        driver.wait()
        raise
    assert driver.returncode == -number
    assert len(list(tmp_path.glob("*.process"))) == 2


def test_an_interrupt_does_not_wait_for_units(kernels, tmp_path):
    """Units of ten minutes in two workers: an interrupt of the driver alone ends all three, without a traceback."""
    script = tmp_path / "driver.py"
    script.write_text(
        textwrap.dedent(f"""
        import signal, sys
        sys.path.insert(0, {str(tmp_path)!r})
        from unit_kernels import waits
        from kapitza.run.work import run_units
        if __name__ == "__main__":
            signal.signal(signal.SIGINT, signal.default_int_handler)
            try:
                run_units(waits, [dict(n=n, folder={str(tmp_path)!r}) for n in range(6)], version="1", executor=2)
            except KeyboardInterrupt:
                print("interrupted")
        """)
    )
    driver = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that nothing of it outlives a failure
    )
    try:
        end = time.monotonic() + 60
        while driver.poll() is None and len(list(tmp_path.glob("*.process"))) < 2 and time.monotonic() < end:
            time.sleep(0.05)
        driver.send_signal(signal.SIGINT)
        out, err = driver.communicate(timeout=60)
    except BaseException:
        os.killpg(driver.pid, signal.SIGKILL)
        driver.wait()
        raise
    assert (out, err) == ("interrupted\n", "")
    for path in tmp_path.glob("*.process"):
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.stem), 0)
