"""Results of any kind as routes: what was saved is laid beside what is computed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np
from attrs import evolve

from kapitza import Conductance, Estimate, Fit, Measurement, Transmission
from kapitza.boltzmann import Transport
from kapitza.core import ModalTransmission, held_conductance
from kapitza.core.arrays import Array
from kapitza.errors import InputError
from kapitza.md import NemdResult, Run
from kapitza.measure import ApparentConductance, BestEstimate, Comparison, InterfacePrediction
from kapitza.routes.known import source_routes
from kapitza.routes.result import INTERVAL, Route, RouteKind, Routes


def saved_routes(results: Mapping[str, Any], temperature: Array) -> Iterator[Route]:
    """Routes of results by name, such as their files.

    Parameters
    ----------
    results : records that hold a conductance or a transmission, or tuples and dicts of them; routes as they are
    temperature : (nT,) K, at which a transmission is integrated

    Raises
    ------
    InputError
        for what holds neither
    """
    for name, one in results.items():
        found = list(_routes_of(name, one, temperature))
        if not found:
            raise InputError(
                f"{name} holds a {type(one).__name__}: expected a conductance, a transmission, a run, a fit"
            )
        for i, route in enumerate(found):
            yield evolve(route, name=name if len(found) == 1 else f"{name} ({i + 1})")


def _routes_of(name: str, one: Any, temperature: Array) -> Iterator[Route]:
    if isinstance(one, Routes):
        yield from one.rows
    elif isinstance(one, Route):
        yield one
    elif isinstance(one, Mapping):
        parts = list(cast("Mapping[str, Any]", one).values())
        spectra = [part for part in parts if isinstance(part, Transmission)]
        for part in spectra or parts:  # conductances beside a spectrum are those of the spectrum
            for route in _routes_of(name, part, temperature):
                yield _with_error(route, parts) if len(spectra) == 1 else route
    elif isinstance(one, (tuple, list)):
        parts = cast("Sequence[Any]", one)
        yield from source_routes([part for part in parts if isinstance(part, Measurement)])
        for part in parts:
            if not isinstance(part, Measurement):
                yield from _routes_of(name, part, temperature)
    elif isinstance(one, Measurement):
        yield from source_routes([one])
    elif isinstance(one, Comparison):
        yield from _compared_routes(one)
    else:
        yield from _route_of_record(name, one, temperature)


def _with_error(route: Route, parts: Sequence[Any]) -> Route:
    """The route of a spectrum with the relative error that stands in a conductance beside it, where one does."""
    flat = [one for part in parts for one in (cast("Sequence[Any]", part) if isinstance(part, tuple) else (part,))]
    for one in flat:
        if isinstance(one, Conductance) and one.sigma is not None and one.drop == route.conductance.drop:
            share = np.interp(route.conductance.temperature, one.temperature, one.sigma / one.value)
            return evolve(route, conductance=evolve(route.conductance, sigma=share * route.conductance.value))
    return route


def _compared_routes(one: Comparison) -> Iterator[Route]:
    """What models said in a comparison, by the drop by which they were scored, and what was published."""
    for each in one.predictions:
        if each.scored is not None and each.scored_drop is not None:
            known = Conductance(
                [one.temperature], [each.scored], drop=each.scored_drop, method=each.title or each.model
            )
            kind: RouteKind = "limit" if each.limit else "model"
            yield Route(name=each.model, title=known.method, kind=kind, conductance=known)
    yield from source_routes([each.measurement for each in one.direct])


def _route_of_record(name: str, one: Any, temperature: Array) -> Iterator[Route]:
    known = _conductance_of(one, temperature)
    if known is None:
        return
    low, high, ends = _ends_of(one)
    result = one.result() if isinstance(one, Run) else one
    rejected = isinstance(result, NemdResult) and result.reasons
    why = f"; rejected: {'; '.join(result.reasons)}" if rejected else ""
    yield Route(
        name=name, title=known.method or name, kind=_kind_of(one, known), conductance=known, low=low, high=high,
        ends=ends, assumes=f"from {name}{why}", transmission=one if isinstance(one, Transmission) else None,
    )  # fmt: skip


def _conductance_of(one: Any, temperature: Array) -> Conductance | None:
    if isinstance(one, ModalTransmission):
        one = one.total()
    if isinstance(one, Transmission):
        return one.conductance(temperature if one.temperature is None else one.temperature)
    if isinstance(one, Estimate):
        return evolve(one.emitted, method=one.title)
    if isinstance(one, InterfacePrediction):
        return one.estimate.conductance
    if isinstance(one, Fit):
        boundaries = [name for name in one.names if name.endswith(".conductance")]
        return one.conductance(boundaries[0]) if boundaries else None
    if isinstance(one, Transport) and not one.boundary_names:
        return None
    return held_conductance(one)


def _kind_of(one: Any, known: Conductance) -> RouteKind:
    if isinstance(one, (BestEstimate, InterfacePrediction)):
        return "estimate"
    if isinstance(one, Estimate):
        return "limit" if one.limit else "model"
    if isinstance(one, (Transmission, ModalTransmission)):
        return "simulation" if one.method.startswith("AGF") else "model"
    if isinstance(one, (ApparentConductance, Transport)):
        return "model"
    if isinstance(one, Fit) or known.source:
        return "experiment"
    return "simulation" if known.statistics == "classical" else "experiment"


def _ends_of(one: Any) -> tuple[Array | None, Array | None, str]:
    if isinstance(one, ApparentConductance):
        return one.low, one.high, "unknown mean free paths"
    best = one.estimate if isinstance(one, InterfacePrediction) else one
    if isinstance(best, BestEstimate) and best.interval is not None:
        return best.interval[:, 0], best.interval[:, 1], INTERVAL
    return None, None, ""
