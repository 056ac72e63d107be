"""Shared by all tests: data of the tests, published numbers, and a steady hypothesis profile."""

import gc
import hashlib
import os
import sys
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["changed", "skips"]

gc.disable()  # until all tests are collected, which makes millions of objects that stay
for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")  # before NumPy is loaded: each process of the suite has one core

from kapitza.run.store import Store  # noqa: E402

settings.register_profile(
    "suite", deadline=None, max_examples=40, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("deep", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("KAPITZA_HYPOTHESIS", "suite"))

TESTS = Path(__file__).resolve().parent
DATA = TESTS / "data"


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Spectra that are computed once are kept for this run alone, unless a folder is named."""
    with pytest.MonkeyPatch.context() as patch:
        if "KAPITZA_CACHE" not in os.environ:
            base = tmp_path_factory.getbasetemp()  # of one process; its parent is that of all processes of the suite
            folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"
            patch.setenv("KAPITZA_CACHE", str(folder))
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Compile first what many tests run: two processes that come to it at the same time compile it both."""
    items.sort(key=lambda item: item.get_closest_marker("early") is None)


def pytest_collection_finish() -> None:
    """Objects that were made so far stay to the end: a collector that looks through them takes a tenth of the time."""
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
    gc.enable()


@pytest.fixture(scope="session")
def data() -> Callable[[str], Path]:
    """Path of a file in `tests/data`."""
    return DATA.joinpath


@pytest.fixture(scope="session")
def published() -> Callable[[str, str], dict[str, Any]]:
    """A published number by room and name: value, relative tolerance, unit, source."""

    def find(room: str, name: str) -> dict[str, Any]:
        table = tomllib.loads((TESTS / "published" / f"{room}.toml").read_text(encoding="utf-8"))
        return table[name]

    return find


@pytest.fixture
def check_long_work(tmp_path: Path) -> Callable[[Callable[..., Any]], Any]:
    """Check that a call takes `store=`, `executor=` and `progress=` as all long work does; its result is returned."""

    def check(call: Callable[..., Any]) -> Any:
        stores = [Store(tmp_path / name) for name in ("interrupted", "two workers")]

        def interrupt(done: int, _total: int) -> None:
            if done == 1:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            call(store=stores[0], progress=interrupt)
        seen: list[tuple[int, int]] = []
        found = call(store=stores[0], progress=lambda *count: seen.append(count))
        total = seen[0][1]
        assert seen == [(done, total) for done in range(1, total + 1)], "an interrupted run resumes after a unit"
        seen.clear()
        call(store=stores[0], progress=lambda *count: seen.append(count))
        assert seen == [(total, total)], "a second run takes all units from the store"
        with ThreadPoolExecutor(2) as pool:
            call(store=stores[1], executor=pool)
        one, other = (
            {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in store.folder.rglob("*.unit")}
            for store in stores
        )
        assert one == other, "two workers give the same bits"
        assert len(one) == total
        return found

    return check


@pytest.fixture(autouse=True)
def no_figure_stays_open() -> Iterator[None]:
    """Close the figures of pyplot that a test has left, if it has loaded pyplot at all."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
