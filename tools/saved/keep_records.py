"""pytest plugin that saves small examples of each type of record that can be saved, while the tests make them.

    RECORDS=FOLDER PYTHONPATH=tools/saved:src pytest -q -p keep_records
    PYTHONPATH=src python tools/saved/write_examples.py FOLDER tests/data/saved-X.Y.Z

Run it with the untouched code of a release, once.  Of records with the same attributes set the smallest is kept.
"""

import functools
import os
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from kapitza.io.formats import saved_types
from kapitza.io.results import save

FOLDER = Path(os.environ["RECORDS"])
MAX_SIZE = 30_000  # bytes of a record in memory
MAX_TRIED = 400  # records of a type
MAX_OF_TEST = 6  # records of a type that one test makes
MAX_DEPTH = 8


def size(value: Any, depth: int = 0) -> float:
    """Return about the bytes of a value."""
    if depth > MAX_DEPTH:
        return MAX_SIZE
    if attrs.has(type(value)):
        return sum(size(getattr(value, a.name), depth + 1) for a in attrs.fields(type(value)) if a.init) + 60
    if isinstance(value, dict | tuple | list):
        parts = list(value.values()) if isinstance(value, dict) else value
        return sum(size(part, depth + 1) for part in parts[: MAX_SIZE // 8]) + 8
    return value.nbytes if isinstance(value, np.ndarray) else len(str(value))


def pattern(record: Any) -> tuple[str, ...]:
    """Return the kind of value of each attribute."""
    return tuple(type(getattr(record, a.name)).__name__ for a in attrs.fields(type(record)) if a.init)


class Keeper:
    """Saves records into a folder, the smallest of each pattern."""

    def __init__(self) -> None:
        self.sizes: dict[tuple[str, tuple[str, ...]], tuple[float, Path]] = {}
        self.tried: Counter[str] = Counter()
        self.busy = False

    def keep(self, record: Any) -> None:
        """Save a record, unless a smaller one of its pattern is there."""
        name, test = type(record).__name__, os.environ.get("PYTEST_CURRENT_TEST", "")
        if self.busy or self.tried[name] >= MAX_TRIED or self.tried[f"{name} {test}"] >= MAX_OF_TEST:
            return
        self.tried.update([name, f"{name} {test}"])
        self.busy = True  # saving makes records, too
        try:
            space, key = size(record), (name, pattern(record))
            held, path = self.sizes.get(key, (MAX_SIZE, FOLDER / f"{name}-{len(self.sizes)}.json"))
            if space < held:
                with warnings.catch_warnings(action="ignore"):
                    save(record, path)
                self.sizes[key] = space, path
        except (ValueError, TypeError, OSError, AttributeError):
            pass  # a test makes records on purpose that cannot be saved
        finally:
            self.busy = False


def watch(kind: type, keeper: Keeper) -> None:
    """Let a type show each new record to the keeper."""
    make = kind.__init__

    @functools.wraps(make)
    def make_and_keep(self: Any, *args: Any, **options: Any) -> None:
        make(self, *args, **options)
        if type(self) is kind:
            keeper.keep(self)

    kind.__init__ = make_and_keep


def pytest_configure() -> None:
    """Watch all types that can be saved."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    keeper = Keeper()
    for name in dir(saved_types):
        watch(getattr(saved_types, name), keeper)
