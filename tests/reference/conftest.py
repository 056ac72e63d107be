"""Files of others, which the repository does not hold: where there are none, the tests are skipped with the reason."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def reference() -> Callable[[str], Path]:
    """Path of a file of the reference data; the test is skipped, with the reason, where there is none."""

    def find(name: str) -> Path:
        folder = Path(os.environ.get("KAPITZA_REFERENCE", ROOT.parent / "shared" / "reference"))
        path = folder / name
        if not path.exists():
            pytest.skip(f"reference data {name} not found in {folder} (set KAPITZA_REFERENCE)")
        return path

    return find
