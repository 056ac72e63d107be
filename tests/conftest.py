"""Shared by all tests: data of the tests, published numbers, and a steady hypothesis profile."""

import os
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "suite", deadline=None, max_examples=60, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("deep", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("KAPITZA_HYPOTHESIS", "suite"))

TESTS = Path(__file__).resolve().parent
DATA = TESTS / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Compile first what many tests run: two processes that come to it at the same time compile it both."""
    items.sort(key=lambda item: item.get_closest_marker("early") is None)


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


@pytest.fixture(autouse=True)
def no_figure_stays_open() -> Iterator[None]:
    """Close the figures of pyplot that a test has left, if it has loaded pyplot at all."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
