"""A Dask cluster as an executor: what its workers lack, and what becomes of work whose workers or scheduler die."""

import json
import logging
import pkgutil
import time
import warnings
from collections.abc import Callable, Generator
from concurrent import futures
from contextlib import contextmanager
from typing import Any, cast

import numpy as np

import kapitza
from kapitza.core.files import read_limited
from kapitza.errors import ConvergenceError, Hint, InputError, KapitzaError, MissingEngine, require

_SCHEDULER_TIMEOUT = 10  # s
_FILE_PAUSE = 0.1  # s between two looks at the file of a scheduler
_MAX_NAMED = 3  # workers that one message names


@contextmanager
def dask_executor(
    address: str, *, announce: Callable[[str], None] | None = None
) -> Generator[futures.Executor, None, None]:
    """Executor on a Dask cluster, for the argument `executor=` of all long work; the connection ends with the context.

    Workers need this version of the package, with the extras that the work needs, and no folder in common with this
    machine: a `store=` is written here.  A unit whose worker dies is computed by another one.  Each result is that of
    this process, to the last digit on processors of one kind.

    Parameters
    ----------
    address : of the scheduler, such as tcp://host:8786, or the file (.json) that it writes with `--scheduler-file`
    announce : told in a line if the cluster has no worker yet; the work then begins with the first one

    Raises
    ------
    InputError
        where no scheduler answers within 10 s, or a worker has another version of the package
    MissingEngine
        where a worker lacks a package; the message names both
    ConvergenceError
        where the scheduler is gone, or four workers in turn died with the same unit
    """
    distributed = require("distributed", extra="cluster", why="work on a Dask cluster")
    with _quiet_logs():
        try:
            client = distributed.Client(_resolve_address(address), timeout=_SCHEDULER_TIMEOUT, set_as_default=False)
        except InputError:
            raise
        except (OSError, ValueError) as err:
            raise _address_fault(address, "no scheduler answers there", err) from err
        with client, _explain_faults(distributed, client, address):
            if not check_workers(client) and announce is not None:
                announce(f"{address} has no worker yet: the work begins when one connects")
            yield DaskExecutor(client)


def _resolve_address(text: str) -> str:
    """Address of a scheduler, read from the file that it writes where one is named; it may be about to start."""
    if not text.endswith(".json"):
        return text
    last = time.monotonic() + _SCHEDULER_TIMEOUT
    while True:
        try:
            return str(json.loads(read_limited(text))["address"])
        except (FileNotFoundError, json.JSONDecodeError) as err:
            if time.monotonic() > last:
                raise _address_fault(text, "not the file of a scheduler", err) from err
        except (KeyError, TypeError, UnicodeDecodeError) as err:
            raise _address_fault(text, "not the file of a scheduler", err) from err
        time.sleep(_FILE_PAUSE)


def _address_fault(address: str, what: str, err: Exception) -> InputError:
    fault = f"{address:.80}: {what} ({type(err).__name__})"
    return InputError("", hint=Hint(python=f"Dask {fault}", command=f"--dask {fault}"))


class DaskExecutor(futures.Executor):
    """Calls on the workers of a Dask cluster; their faults name the worker."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._pool = client.get_executor(pure=False)

    @property
    def workers(self) -> int:
        """Threads of all workers that are there now."""
        return sum(self._client.nthreads().values())

    def submit(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, fn: Callable[..., Any], /, *args: Any
    ) -> "futures.Future[Any]":
        """Call a function on some worker."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph")  # units bring their data along
            return self._pool.submit(_call_on_worker, kapitza.__version__, fn, *args)


def check_workers(client: Any) -> int:
    """Number of workers; refuses those without this package, or with another version of it."""
    # a function of the standard library, since a worker without this package could not read one of ours
    found: dict[str, Any] = client.run(pkgutil.resolve_name, "kapitza:__version__", on_error="return")
    without = [name for name, version in found.items() if isinstance(version, Exception)]
    if without:
        raise MissingEngine(
            f"{_name_workers(without)} of {len(found)} cannot import kapitza ({found[without[0]]}): install it where "
            "the workers run, with the same extras as here"
        )
    others = {name: version for name, version in found.items() if version != kapitza.__version__}
    if others:
        raise InputError(
            f"{_name_workers(list(others))} of {len(found)} has kapitza {next(iter(others.values()))}, this machine "
            f"{kapitza.__version__}: install the same"
        )
    return len(found)


def _name_workers(addresses: list[str]) -> str:
    more = f" and {len(addresses) - _MAX_NAMED} more" if len(addresses) > _MAX_NAMED else ""
    return f"worker {', '.join(addresses[:_MAX_NAMED])}{more}"


def _call_on_worker(version: str, function: Callable[..., Any], *args: Any) -> Any:
    """Call a function on a worker; a package or a folder that it lacks is an error that names the worker."""
    try:
        if kapitza.__version__ != version:
            raise InputError(f"has kapitza {kapitza.__version__}, where the work was started it is {version}")
        return function(*(_writable(one) for one in args))
    except ImportError as err:
        raise MissingEngine(f"worker {_own_address()}: {err}") from err
    except KapitzaError:
        raise
    except OSError as err:
        raise InputError(f"worker {_own_address()}: {err}") from err


def _writable(value: Any) -> Any:
    """Copy the arrays of the inputs of a unit: those that came here cannot be written to, for which kernels would be
    compiled once more, and round differently.
    """
    if isinstance(value, np.ndarray):
        return np.array(value)
    if isinstance(value, dict):
        return {key: _writable(one) for key, one in cast("dict[Any, Any]", value).items()}
    return [_writable(one) for one in cast("list[Any]", value)] if isinstance(value, list) else value


def _own_address() -> str:
    return require("distributed", extra="cluster", why="a worker").get_worker().address


@contextmanager
def _explain_faults(distributed: Any, client: Any, address: str) -> Generator[None, None, None]:
    try:
        yield
    except KapitzaError:
        raise
    except distributed.KilledWorker as err:
        raise ConvergenceError(
            f"{address}: workers died again and again with the same unit of work, last {err.last_worker.address}: give "
            "them more memory, and look at their logs; a store keeps what was finished"
        ) from err
    except futures.CancelledError as err:
        raise ConvergenceError(
            f"{address}: the scheduler is gone; a store keeps what was finished, and the same call goes on from there"
        ) from err
    except ImportError as err:  # of what a worker was given, before any of our code ran there
        check_workers(client)
        raise MissingEngine(f"a worker of {address} cannot import {err.name}: install it there") from err


@contextmanager
def _quiet_logs() -> Generator[None, None, None]:
    """Leave tracebacks of the cluster out, each of which ends in an error of ours."""
    log = logging.getLogger("distributed")
    before = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(before)
