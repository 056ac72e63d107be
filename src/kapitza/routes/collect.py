"""All routes to one interface within a budget of time, the cheap ones first."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import import_module
from time import perf_counter
from typing import Any

import numpy as np
from attrs import define, evolve, field
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, check_filled, number
from kapitza.core.conductance import increasing_temperatures
from kapitza.errors import ConvergenceError, InputError, MissingEngine
from kapitza.measure.observation import Observation
from kapitza.routes import known
from kapitza.routes.result import ROUTE_KINDS, Route, Routes
from kapitza.run.cache import cache_store
from kapitza.run.store import Store, StoreLike, open_store
from kapitza.run.work import ExecutorLike
from kapitza.theory.sides import InterfaceSide, SideDescription, describe_sides, is_path, side_name, warn_of_states

DEFAULT_TEMPERATURES = (100.0, 200.0, 300.0, 400.0, 500.0)  # K
_ROOM_TEMPERATURE = 300.0  # K
_LONGEST_BUDGET = 30 * 86400.0  # s

Announce = Callable[[Route], None]


@define(kw_only=True)
class _Search:
    """What is wanted, and what was found so far."""

    sides: tuple[SideDescription, SideDescription]
    temperature: Array
    budget: float
    store: Store | None
    executor: ExecutorLike | None
    end: float
    skipped: list[str] = field(factory=list)


def routes(
    left: SideDescription,
    right: SideDescription,
    temperature: ArrayLike = DEFAULT_TEMPERATURES,
    *,
    budget: float = 60.0,
    saved: Mapping[str, Any] | None = None,
    store: StoreLike | None = None,
    executor: ExecutorLike | None = None,
    announce: Announce | None = None,
) -> Routes:
    """Conductance of an interface by every route that fits and that a budget of time allows, side by side.

    Measurements and the estimate that has learnt from them come first, then the models of physics, what an experiment
    sees of them (Boltzmann equation), atomistic Green's functions where both crystals have force constants, and
    molecular dynamics where a published potential knows both.

    Parameters
    ----------
    left, right : records, names of the library, paths of phonopy files or of structure files
    temperature : (nT,) K, increasing; measurements and simulations keep their own
    budget : s; what takes seconds is always computed, what takes longer is begun and stopped when they are over
    saved : results by name that become routes too: `Conductance`, `Transmission`, runs, fits, films, or dicts of them
    store : where the units of long work are kept, so that the same call goes on; None: the cache of this user
    executor : number of processes, or any `concurrent.futures.Executor`, for Green's functions
    announce : called with each route as soon as it is there

    Returns
    -------
    Routes, with what was left out and why

    Raises
    ------
    InputError
        for sides or results that are none, and a budget not above 0

    Warns
    -----
    ValidityWarning
        for temperatures at which a side is molten or otherwise not what its numbers describe
    """
    kelvin = increasing_temperatures(temperature)
    check_filled("temperature", kelvin)
    seconds = number(budget)
    if not 0 < seconds <= _LONGEST_BUDGET:
        raise InputError(f"budget = {seconds:g} s: expected above 0 and at most 30 days")
    kept = cache_store() if store is None else open_store(store)
    search = _Search(
        sides=(left, right), temperature=kelvin, budget=seconds, store=kept, executor=executor,
        end=perf_counter() + seconds,
    )  # fmt: skip
    tell = announce or _announce_nothing
    found: list[Route] = []
    for route in _all_routes(search, saved or {}):
        tell(route)
        found.append(route)
    found.sort(key=lambda one: ROUTE_KINDS.index(one.kind))
    names = (side_name(left), side_name(right))
    return Routes(left=names[0], right=names[1], rows=_with_unique_names(found), skipped=search.skipped)


def _announce_nothing(_route: Route) -> None:
    """Tell nobody."""


def _with_unique_names(rows: list[Route]) -> list[Route]:
    """The same routes, each with a name of its own."""
    seen: dict[str, int] = {}
    named: list[Route] = []
    for one in rows:
        seen[one.name] = seen.get(one.name, 0) + 1
        named.append(one if seen[one.name] == 1 else evolve(one, name=f"{one.name} ({seen[one.name]})"))
    return named


def _all_routes(search: _Search, saved: Mapping[str, Any]) -> Iterator[Route]:
    """Routes in the order in which they are quick."""
    names = [side if isinstance(side, str) and not is_path(side) else None for side in search.sides]
    left, right = names
    if left is not None and right is not None:
        yield from known.measured_routes(left, right)
        try:
            yield known.calibrated_route(left, right, search.temperature)
        except InputError as err:
            search.skipped.append(f"calibrated estimate: {str(err).removeprefix('no calibrated estimate: ')}")
    if saved:
        yield from import_module("kapitza.routes.saved").saved_routes(saved, search.temperature)
    described = describe_sides(*search.sides)
    warn_of_states(described, search.temperature, stacklevel=4)
    models = list(known.model_routes(*described, search.temperature))
    yield from models
    if known.has_diffuse_model(models):
        try:
            yield known.apparent_route(*described, search.temperature)
        except InputError as err:
            search.skipped.append(f"apparent conductance: {err}")
    if all(side.fluid is None for side in described):
        yield from _atomistic_routes(search, described)


def _atomistic_routes(search: _Search, described: tuple[InterfaceSide, InterfaceSide]) -> Iterator[Route]:
    """Green's functions and molecular dynamics, where there is time and what they need."""
    atoms = import_module("kapitza.routes.atomistic")  # whose compiled kernels are slow to load
    limit = atoms.TimeLimit(search.end)
    if limit.left > 0:
        yield from _try_route(search, "AGF", lambda: _agf_route(atoms, search, limit))
    else:
        search.skipped.append(f"AGF: the budget of {search.budget:g} s is spent")
    potential = atoms.common_potential(*search.sides)
    if potential is None:
        search.skipped.append(
            "MD: no potential of the built-in engine knows both sides; a run of your own is laid beside"
        )
    else:
        simulated = list(_try_route(search, "MD", lambda: _md_route(atoms, search, potential, limit)))
        yield from simulated
        for one in simulated:  # what the mismatch model would show in the same cell
            seen = Observation(method="md", thickness=atoms.MD_LENGTH)
            kelvin = one.conductance.temperature
            yield from _try_route(
                search, "apparent in MD", partial(known.apparent_route, *described, kelvin, seen, "apparent-md")
            )


def _try_route(search: _Search, name: str, compute: Callable[[], Route]) -> Iterator[Route]:
    """A route, or why there is none."""
    try:
        yield compute()
    except (InputError, MissingEngine, ConvergenceError) as err:
        search.skipped.append(f"{name}: {err}")
    except import_module("kapitza.routes.atomistic").BudgetExceededError as err:
        kept = "" if search.store is None else "; the same call goes on from there"
        search.skipped.append(f"{name}: stopped by the budget of {search.budget:g} s when {err}{kept}")


def _agf_route(atoms: Any, search: _Search, limit: Any) -> Route:
    """Green's functions of the junction of both sides."""
    junction, assumes = atoms.make_junction(*search.sides)
    return atoms.agf_route(
        junction, assumes, search.temperature, budget=search.budget, limit=limit, store=search.store,
        executor=search.executor,
    )  # fmt: skip


def _md_route(atoms: Any, search: _Search, potential: str, limit: Any) -> Route:
    """A temperature jump in molecular dynamics, at the temperature next to 300 K."""
    kelvin = float(search.temperature[np.argmin(np.abs(search.temperature - _ROOM_TEMPERATURE))])
    planned = atoms.plan_run(*search.sides, potential, kelvin)
    if planned.seconds > search.budget and not atoms.is_begun(planned, search.store):
        raise InputError(f"about {planned.seconds:.0f} s of computing, more than the budget of {search.budget:g} s")
    return atoms.md_route(planned, limit=limit, store=search.store)
