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
    try:  # where programs of this system keep what can be computed again
        if sys.platform == "win32":
            folder = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        elif sys.platform == "darwin":
            folder = Path.home() / "Library" / "Caches"
        else:
            folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return Store(folder / "kapitza")
    except RuntimeError:  # nobody knows where this user is at home
        return None


def compute_once(kernel: Callable[[], UnitResult], inputs: UnitInputs, *, version: str) -> UnitResult:
    """Result of a kernel, from the cache where it was computed before.

    `inputs` are all arrays and plain values that the result depends on; with the version of the kernel they make its
    address.  A folder that cannot be read or written costs the time of the computation and nothing else.
    """
    kept = read_kept(inputs, version=version)
    if kept is None:
        kept = kernel()
        keep_result(inputs, kept, version=version)
    return kept


def read_kept(inputs: UnitInputs, *, version: str) -> UnitResult | None:
    """Result of these inputs in the cache; None where there is none, or the folder cannot be read."""
    store = cache_store()
    with suppress(InputError, OSError):
        return None if store is None else store.read(unit_address(inputs, version=version))
    return None


def keep_result(inputs: UnitInputs, found: UnitResult, *, version: str) -> None:
    """Keep a result in the cache, where that can be written."""
    store = cache_store()
    if store is not None:
        with suppress(InputError, OSError):
            store.write(unit_address(inputs, version=version), found)


def writable_store() -> Store | None:
    """The store of this user where results can be kept, else None."""
    store = cache_store()
    try:
        if store is not None:
            store.folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return store if store is not None and os.access(store.folder, os.W_OK) else None
