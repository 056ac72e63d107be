"""What is computed once for each user: a store in the folder where the system keeps caches."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from kapitza.errors import InputError
from kapitza.run.store import Store, UnitInputs, UnitResult, unit_address

CACHE_VARIABLE = "KAPITZA_CACHE"  # names another folder; empty: nothing is kept


def cache_store() -> Store | None:
    """The store of this user; None where the environment variable KAPITZA_CACHE is empty."""
    named = os.environ.get(CACHE_VARIABLE)
    if named is not None:
        return Store(Path(named)) if named else None
    try:
        return Store(_system_folder() / "kapitza")
    except RuntimeError:  # nobody knows where this user is at home
        return None


def _system_folder() -> Path:
    """Where programs keep what can be computed again."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def compute_once(kernel: Callable[[], UnitResult], inputs: UnitInputs, *, version: str) -> UnitResult:
    """Result of a kernel, from the cache where it was computed before.

    A folder that cannot be read or written costs the time of the computation and nothing else.

    Parameters
    ----------
    kernel : what computes the result
    inputs : all that the result depends on: arrays and plain values
    version : of the kernel, part of the address of the result
    """
    store = cache_store()
    if store is None:
        return kernel()
    address = unit_address(inputs, version=version)
    try:
        if (kept := store.read(address)) is not None:
            return kept
    except (InputError, OSError):
        return kernel()
    found = kernel()
    with suppress(InputError, OSError):
        store.write(address, found)
    return found
