"""Files of others, which the repository does not hold: where there are none, the tests are skipped with the reason."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def reference() -> Callable[[str], Path]:
    """Path of a file of the reference data; the test is skipped, with the reason, where there is none."""

    def find(name: str) -> Path:
        folder = os.environ.get("KAPITZA_REFERENCE")
        if not folder:
            pytest.skip(f"no folder for {name}: KAPITZA_REFERENCE names the one with files of others")
        path = Path(folder) / name
        if not path.exists():
            pytest.skip(f"{path} not found")
        return path

    return find
