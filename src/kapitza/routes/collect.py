"""All routes to one interface within a budget of time, the cheap ones first."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from time import perf_counter
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np
from attrs import define, evolve, field
from numpy.typing import ArrayLike

from kapitza import Bands, measure
from kapitza.core import increasing_temperatures
from kapitza.core.arrays import Array, check_filled, number
from kapitza.errors import ConvergenceError, InputError, MissingEngine, ValidityWarning
from kapitza.lattice import check_crystal
from kapitza.matter import Material
from kapitza.measure import DIFFUSE_MODELS, POLYTYPE_NAMES, Observation, calibrated_name, catalogue_name
from kapitza.routes import atomistic as atoms
from kapitza.routes import known
from kapitza.routes.result import ROUTE_KINDS, Route, Routes
from kapitza.routes.saved import saved_routes
from kapitza.run import ExecutorLike, Store, StoreLike, cache_store, open_store
from kapitza.theory import InterfaceSide, SideDescription, describe_sides, is_path, side_name, warn_of_states

DEFAULT_TEMPERATURES = (100.0, 200.0, 300.0, 400.0, 500.0)  # K
_ROOM_TEMPERATURE = 300.0  # K
_LONGEST_BUDGET = 30 * 86400.0  # s
_AGF_SHARE = 0.2  # of the time that is left, where molecular dynamics comes after it
_RESERVE, _MOST_RESERVE = 0.05, 30.0  # share of a budget, and s, for what comes after the long work: a figure, a report

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
    remarks: list[str] = field(factory=list)


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
    left, right : records, names of the library, paths of phonopy files and their folders, of structure files, or
        materials of a file of your own, as "mine.toml:brass"
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
        for sides or results that are none, bands with units that no material can have, and a budget not above 0

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
        end=perf_counter() + seconds - min(_RESERVE * seconds, _MOST_RESERVE),
    )  # fmt: skip
    found: list[Route] = []
    for route in _all_routes(search, saved or {}):
        if announce is not None:
            announce(route)
        found.append(route)
    found.sort(key=lambda one: ROUTE_KINDS.index(one.kind))
    named: list[Route] = []
    for i, route in enumerate(found):
        before = sum(one.name == route.name for one in found[:i])
        again = f" ({before + 1})" if before else ""
        named.append(evolve(route, name=route.name + again, title=route.title + again) if again else route)
    return Routes(
        left=side_name(left), right=side_name(right), rows=named, skipped=search.skipped, remarks=search.remarks
    )


def _all_routes(search: _Search, saved: Mapping[str, Any]) -> Iterator[Route]:
    left, right = search.sides
    names = [side for side in search.sides if isinstance(side, str) and not is_path(side)]
    if len(names) == 2:  # what is known of two names is there at once, what a file holds is seen when it is read
        yield from _learnt_routes(search, (names[0], names[1]), (names[0], names[1]))
        search.remarks += [
            f"{name} is {side_name(name)} in the models, and any polytype in the measurements"
            for name in names if name in POLYTYPE_NAMES
        ]  # fmt: skip
    if saved:
        yield from saved_routes(saved, search.temperature)
    described = describe_sides(*search.sides)
    for one in described:  # before any route takes them; imaginary modes are named later, where they count
        if isinstance(one.spectrum, Bands):
            with catch_warnings():
                simplefilter("ignore", ValidityWarning)
                check_crystal(one.spectrum.crystal)
    search.remarks += [one.remark for one in described if one.remark]
    if len(names) < 2:
        one, other = described
        called = catalogue_name(left, one), catalogue_name(right, other)
        yield from _learnt_routes(search, called, (calibrated_name(left, one), calibrated_name(right, other)))
    warn_of_states(described, search.temperature, stacklevel=4)
    if len(names) == 2:
        yield from known.computed_route(names[0], names[1], search.temperature)
    models = list(known.model_routes(*described, search.temperature))
    yield from models
    if any(one.name in DIFFUSE_MODELS for one in models):
        try:
            yield known.apparent_route(*described, search.temperature)
        except InputError as err:
            search.skipped.append(f"apparent conductance: {str(err).partition('; give')[0]}")
    if all(side.fluid is None for side in described):
        yield from _atomistic_routes(search, described)


def _learnt_routes(
    search: _Search, names: tuple[str, str], materials: tuple[str | Material, str | Material]
) -> Iterator[Route]:
    """What was measured of two sides by the names of the catalogue, and the estimate that has learnt from it."""
    yield from known.source_routes([one for one in measure.published_measurements(*names) if not one.exclusion])
    try:
        yield known.calibrated_route(*materials, search.temperature)
    except InputError as err:
        search.skipped.append(f"calibrated estimate: {str(err).removeprefix('no calibrated estimate: ')}")


def _atomistic_routes(search: _Search, described: tuple[InterfaceSide, InterfaceSide]) -> Iterator[Route]:
    limit, potential = atoms.TimeLimit(search.end), atoms.common_potential(*search.sides)
    if limit.left > 0:
        share = 1.0 if potential is None else _AGF_SHARE
        own = atoms.TimeLimit(search.end - (1 - share) * limit.left)

        def by_functions() -> Route:
            junction, assumes = atoms.make_junction(*search.sides)
            return atoms.agf_route(
                junction, assumes, search.temperature, budget=search.budget, limit=own, store=search.store,
                executor=search.executor,
            )  # fmt: skip

        yield from _try_route(search, "AGF", by_functions)
    else:
        search.skipped.append(f"AGF: the budget of {search.budget:g} s is spent")
    if potential is None:
        search.skipped.append(
            "MD: no potential of the built-in engine knows both sides; a run of your own is laid beside"
        )
    else:

        def by_dynamics() -> Route:  # at the temperature next to 300 K
            kelvin = float(search.temperature[np.argmin(np.abs(search.temperature - _ROOM_TEMPERATURE))])
            if limit.left <= 0:
                raise InputError(f"the budget of {search.budget:g} s is spent")
            left, right = (str(side) for side in search.sides)  # names: a published potential knows both
            planned = atoms.plan_run(left, right, potential, kelvin)
            return atoms.md_route(planned, budget=search.budget, limit=limit, store=search.store)

        simulated = list(_try_route(search, "MD", by_dynamics))
        yield from simulated
        for one in simulated:  # what the mismatch model would show in the same cell
            seen = Observation(method="md", thickness=atoms.MD_LENGTH)
            kelvin = one.conductance.temperature
            yield from _try_route(
                search, "apparent in MD", partial(known.apparent_route, *described, kelvin, seen, "apparent-md")
            )


def _try_route(search: _Search, name: str, compute: Callable[[], Route]) -> Iterator[Route]:
    try:
        yield compute()
    except (InputError, MissingEngine, ConvergenceError) as err:
        search.skipped.append(f"{name}: {err}")
    except atoms.BudgetExceededError as err:
        kept = "" if search.store is None else "; the same call goes on from there"
        search.skipped.append(f"{name}: stopped by the budget of {search.budget:g} s when {err}{kept}")
