"""The verb `compare`: models beside published measurements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

import kapitza
from kapitza.cli import options
from kapitza.cli.figures import Results
from kapitza.cli.output import megawatts, note, print_record, print_table, print_text
from kapitza.errors import InputError

if TYPE_CHECKING:
    from kapitza.measure.compare import Comparison

_POLYTYPE_NAMES = ("SiC",)  # names that stand for more than one crystal in the catalogue


def compare(
    left: Annotated[str | None, typer.Argument(help="As for predict; without sides: all of the catalogue.")] = None,
    right: Annotated[str | None, typer.Argument(help="The same for the other side.")] = None,
    temperature: options.Temperature = "300",
    workers: options.WorkerCount = 1,
    store: options.StoreFolder = None,
    dask: options.DaskAddress = None,
    plot: options.Figure = None,
    save: options.Save = None,
    as_json: options.Json = False,
) -> None:
    """Models beside published measurements, with their spread and sources."""
    files, kelvin = Results(save, plot), options.parse_temperature(temperature)
    if left is None and plot is None:
        with options.long_work("interfaces", workers, store, dask) as work:
            _compare_catalogue(kapitza.measure.compare_all(kelvin, **work), files, as_json=as_json)
        return
    if left is None or right is None:
        raise InputError("expected two sides, or none (and no --plot) for all interfaces of the catalogue")
    if (workers, store, dask) != (1, None, None):
        raise InputError("--workers, --store and --dask with two sides: only all interfaces are shared and kept")
    found = kapitza.compare(left, right, kelvin)
    files.keep(found)
    rows = len(found.predictions) + len(found.published)
    files.draw(lambda ax: kapitza.plot.comparison(found, ax=ax), height=1.6 + 0.27 * rows)
    if as_json:
        derived = {name: getattr(found, name) for name in ("interval", "median", "spread")}
        derived["factor"] = {one.model: found.factor(one.model) for one in found.predictions}
        print_record(found, derived | {"scored_drop": {one.model: one.scored_drop for one in found.predictions}})
        return
    _print_comparison(found)
    files.announce()


def _compare_catalogue(found: tuple[Comparison, ...], files: Results, *, as_json: bool) -> None:
    """Report the published interval of each interface, and by which factor each model lies outside."""
    files.keep(found)
    if as_json:
        print_record(found)
        return
    models = list(dict.fromkeys(p.model for one in found for p in one.predictions if not p.limit))
    rows: list[list[str]] = []
    for one in found:
        factors = {p.model: one.factor(p.model) for p in one.predictions}
        ends = "" if one.interval is None else " to ".join(map(megawatts, one.interval))
        rows.append([f"{one.left}/{one.right}", ends, *(f"{f:.3g}" if (f := factors.get(m)) else "" for m in models)])
    print_table("multiples of the nearest end of the interval, MW m⁻² K⁻¹", ["interface", "interval", *models], rows)
    files.announce()


def _related_interfaces(left: str, right: str) -> str:
    """Return the interfaces of the catalogue that differ from this one in the crystal structure of a side only."""
    try:
        wanted = {kapitza.material(left).formula, kapitza.material(right).formula}
        known = set(kapitza.materials())  # sheets, alloys and molecules of the catalogue are not among them
        solids = [pair for pair in kapitza.measure.measured_interfaces() if set(pair) <= known]
        pairs = [(pair, {kapitza.material(side).formula for side in pair}) for pair in solids]
    except InputError:
        return ""
    near = [f"{a}/{b}" for (a, b), formulas in pairs if formulas == wanted and {a, b} != {left, right}]
    return f"; the catalogue has {', '.join(near)}" if near else ""


def _print_comparison(found: Comparison) -> None:
    """Print models, published values and sources."""
    drops = [drop for drop in kapitza.core.TEMPERATURE_DROPS if drop != "extrapolated" or _is_known(found, drop)]
    rows = [
        [
            one.title or one.model,
            *(megawatts(getattr(one, drop)) for drop in drops),
            _interval_verdict(found, one.model),
        ]
        for one in found.predictions
    ]
    title = f"{found.left} | {found.right} at {found.temperature:g} K, MW m⁻² K⁻¹"
    print_table(title, ["model", *drops, " against the published interval"], rows)
    if found.observation is not None:
        print_text(
            f" extrapolated: as in {found.observation.title}, by the Boltzmann equation; each measurement is held"
        )
        print_text(
            " against what its own method and film see of it (below), against what is emitted where that is unknown"
        )
    if not found.published:
        others = _related_interfaces(found.left, found.right)
        note(f"nobody is known to have measured {found.left}/{found.right} within {found.window:.0%} of it{others}")
        return
    keys = {citation: f"[{i}]" for i, citation in enumerate(found.sources, start=1)}
    fullest = _fullest_solved(found)
    values = [
        [
            f"{one.temperature:g} K",
            megawatts(one.value),
            "" if one.sigma is None else f"± {megawatts(one.sigma)}",
            *([megawatts(found.observed_conductance(fullest, one))] if fullest else []),
            one.measurement.method,
            *([] if not fullest or one.observation is None else [one.observation.title]),
            keys[one.measurement.citation],
            " ".join(part for part in (one.measurement.exclusion, one.measurement.state) if part),
        ]
        for one in found.published
    ]
    head = ["at", "value", "", *([fullest] if fullest else []), " method", *([" seen as"] if fullest else [])]
    print_table("published", [*head, " source", " remark"], values)
    print_text(_published_interval(found))
    for side in {found.left, found.right} & set(_POLYTYPE_NAMES):
        note(f"{side} is {kapitza.material(side).name} in the models, and any polytype in the measurements")
    for citation, key in keys.items():
        print_text(f"{key} {citation}")


def _fullest_solved(found: Comparison) -> str:
    """Name of the fullest diffuse model that is solved for each measurement; empty where none is."""
    if not any(one.excess is not None for one in found.published):
        return ""
    known = {one.model for one in found.predictions if one.extrapolated is not None}
    return next((name for name in kapitza.measure.DIFFUSE_MODELS if name in known), "")


def _is_known(found: Comparison, drop: str) -> bool:
    """Return whether a model knows a drop."""
    return any(getattr(one, drop) is not None for one in found.predictions)


def _published_interval(found: Comparison) -> str:
    """Return the interval of published values, or why there is none."""
    interval = found.interval
    if interval is not None and found.median is not None and found.spread is not None:
        low, high = map(megawatts, interval)
        if low == high:
            return f"{len(found.direct)} values that agree on {low}: models are compared with this one number"
        return f"interval {low} to {high}, median {megawatts(found.median)}, highest/lowest {found.spread:.3g}"
    if found.direct:
        return "no interval: one value, of which nobody stated the uncertainty"
    return "no interval: none of these is the bare contact of the two materials"


def _interval_verdict(found: Comparison, model: str) -> str:
    """Return how the scored conductance of a model stands to the published interval."""
    factor = found.factor(model)
    if factor is None:
        return ""
    if factor == 1:
        return "inside"
    return f"{factor:.3g} × the highest" if factor > 1 else f"{factor:.3g} × the lowest"
