"""Do units of work on any executor, each once, and lose nothing to a killed worker or an interrupt."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent import futures
from contextlib import contextmanager
from typing import NamedTuple

from kapitza.errors import ConvergenceError, InputError
from kapitza.run.progress import Progress
from kapitza.run.store import Store, StoreLike, UnitInputs, UnitResult, open_store, unit_address

ExecutorLike = futures.Executor | int
UnitKernel = Callable[[UnitInputs], UnitResult]
UnitData = Callable[[UnitInputs], UnitInputs]

_MAX_POOL_RESTARTS = 20  # of a pool whose worker was killed, before giving up
_MAX_FRUITLESS_RESTARTS = 3  # before the first result: then it is rather the script than a unit
_MIN_SHARED_WORKERS = 16  # of an executor that does not say how many it has, or that may get more
_UNITS_AHEAD_PER_WORKER = 4  # units handed out, so that an interrupt is quick and a scheduler never holds all of them
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run_units(
    kernel: UnitKernel,
    units: Sequence[UnitInputs],
    *,
    version: str,
    store: StoreLike | None = None,
    executor: ExecutorLike | None = None,
    progress: Progress | None = None,
    attach: UnitData | None = None,
) -> list[UnitResult]:
    """Results of all units, in their order.

    Parameters
    ----------
    kernel : function of the inputs of one unit, importable by its name (workers are fresh processes)
    units : inputs of each unit: arrays and plain values
    version : of the kernel, part of the address of each result
    store : where results are kept and looked for, or its folder; None keeps them in memory only
    executor : any `concurrent.futures.Executor`, such as that of a Dask client, or a number of processes of our own;
        1, as None, works in this process
    progress : called with the number of finished and of all units
    attach : returns a unit with data for which something shorter stands in its address, such as a part of a file;
        called in this process when the unit is handed out, so that few of them are in memory and workers need no file

    Raises
    ------
    InputError
        for a number of workers below 1, or what is no store or executor
    ConvergenceError
        if workers die again and again; what was finished is in the store
    """
    store, executor = open_store(store), resolve_executor(executor)
    addresses = [unit_address(unit, version=version) for unit in units]
    found: dict[str, UnitResult] = {}
    report = progress or ignore_progress
    if store is not None:
        found = {name: kept for name in addresses if (kept := store.read(name)) is not None}
    todo = {name: unit for name, unit in zip(addresses, units, strict=True) if name not in found}
    total = len(set(addresses))
    report(len(found), total)
    work = UnitWork(kernel, attach)
    for name, result in _iterate_results(work, todo, store, executor):
        found[name] = result
        report(len(found), total)
    return [found[name] for name in addresses]


def resolve_executor(executor: ExecutorLike | None) -> ExecutorLike:
    """Return the executor of an argument `executor=`, or the number of workers that it is; 1 for None."""
    found = 1 if executor is None else executor
    if isinstance(found, int):
        if isinstance(found, bool) or found < 1:
            raise InputError(f"expected at least 1 worker, got {found}")
    elif not callable(getattr(found, "submit", None)):
        raise InputError(f"executor = {found!r:.60}: expected one of concurrent.futures, or a number of workers")
    return found


@contextmanager
def thread_executor(executor: ExecutorLike | None) -> Generator[ExecutorLike, None, None]:
    """Use threads for a number of workers: for kernels that do not hold the interpreter, on data that stay here."""
    found = resolve_executor(executor)
    if not isinstance(found, int) or found == 1:
        yield found
        return
    with futures.ThreadPoolExecutor(found) as pool:
        yield pool


def ignore_progress(_done: int, _total: int) -> None:
    """Report no progress."""


class UnitWork(NamedTuple):
    """What is done with each unit."""

    kernel: UnitKernel
    attach: UnitData | None

    def inputs(self, unit: UnitInputs) -> UnitInputs:
        """Inputs of the kernel for a unit."""
        return unit if self.attach is None else self.attach(unit)


def _iterate_results(
    work: UnitWork, todo: dict[str, UnitInputs], store: Store | None, executor: ExecutorLike
) -> Iterator[tuple[str, UnitResult]]:
    if not isinstance(executor, int):
        running: dict[futures.Future[UnitResult], str] = {}
        try:
            # as far as the executor says: `workers` of ours, a private name of those of the standard library
            own = getattr(executor, "_max_workers", None)
            workers = own if isinstance(own, int) else max(_MIN_SHARED_WORKERS, getattr(executor, "workers", 0))
            ahead = _UNITS_AHEAD_PER_WORKER * workers
            # written here: workers may be on machines that do not see the folder
            for name, result in _run_on_executor(executor, work, todo, None, ahead, running):
                if store is not None:
                    store.write(name, result)
                yield name, result
        finally:
            for future in running:
                future.cancel()
    elif executor == 1:
        for name, unit in todo.items():
            yield name, _compute_unit(work.kernel, name, work.inputs(unit), store)
    else:
        yield from _run_on_pool(work, dict(todo), store, executor)


def _compute_unit(kernel: UnitKernel, name: str, unit: UnitInputs, store: Store | None) -> UnitResult:
    result = kernel(unit)
    if store is not None:
        store.write(name, result)
    return result


def _run_on_pool(
    work: UnitWork, todo: dict[str, UnitInputs], store: Store | None, workers: int
) -> Iterator[tuple[str, UnitResult]]:
    """Use a pool of fresh processes, restarted when one of them is killed, ended at once by an interrupt."""
    others, total = multiprocessing.active_children(), len(todo)
    for deaths in range(_MAX_POOL_RESTARTS):
        if deaths == _MAX_FRUITLESS_RESTARTS and len(todo) == total:
            raise ConvergenceError(
                f"worker processes died {deaths} times before the first of {total} units was done: workers import the "
                'script, which must be a file and start its work under `if __name__ == "__main__":`; if that is so, '
                "memory may be short: try fewer workers",
                todo,
            )
        context = multiprocessing.get_context("spawn")
        with (
            _limit_threads(workers),
            futures.ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare_worker) as pool,
        ):
            try:
                for name, result in _run_on_executor(pool, work, todo, store, _UNITS_AHEAD_PER_WORKER * workers, {}):
                    del todo[name]
                    yield name, result
            except futures.BrokenExecutor:
                pass
            except (KeyboardInterrupt, GeneratorExit):
                # A pool that is left waits for the units that it works on, which may take hours.
                for process in multiprocessing.active_children():
                    if process not in others:
                        process.terminate()
                raise
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        if store is not None:
            for name in list(todo):
                kept = store.read(name)
                if kept is not None:
                    del todo[name]
                    yield name, kept
        if not todo:
            return
    raise ConvergenceError(
        f"worker processes died {_MAX_POOL_RESTARTS} times with {len(todo)} units to go (out of memory?): "
        "try fewer workers",
        todo,
    )


@contextmanager
def _hold_interrupts() -> Generator[None, None, None]:
    """Hold interrupts back while a worker may be started, which inherits that.

    A terminal interrupts the workers as well, perhaps before they can say that they leave this to their parent.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare_worker() -> None:
    """Leave interrupts from the keyboard to the process that handed out the work, and end when it ends."""

    def exit_with_parent() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()  # killed or not: what it did not take is of use to nobody
            os._exit(1)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=exit_with_parent, daemon=True).start()


def _run_on_executor(
    executor: futures.Executor,
    work: UnitWork,
    todo: dict[str, UnitInputs],
    store: Store | None,
    ahead: int,
    running: dict[futures.Future[UnitResult], str],
) -> Iterator[tuple[str, UnitResult]]:
    """Hand units to an executor, a few at a time, and yield what comes back.

    What is under way is left to the caller: futures of a pool whose processes were terminated are not to be cancelled,
    since the pool marks them as broken itself and fails, in its own thread, on one that is cancelled already.
    """
    waiting = iter(list(todo.items()))
    while True:
        for name, unit in waiting:
            data = work.inputs(unit)
            with _hold_interrupts():
                running[executor.submit(_compute_unit, work.kernel, name, data, store)] = name
            if len(running) >= ahead:
                break
        if not running:
            return
        finished, _ = futures.wait(running, return_when=futures.FIRST_COMPLETED)
        for future in sorted(finished, key=lambda one: one.exception() is not None):  # a death takes no result along
            yield running.pop(future), future.result()


@contextmanager
def _limit_threads(workers: int) -> Generator[None, None, None]:
    """Let each new process use its share of the cores for linear algebra, not all of them."""
    share = str(max(1, (os.cpu_count() or 1) // workers))
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update({name: value or share for name, value in before.items()})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
