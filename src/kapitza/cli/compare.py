"""The command `compare`: models beside published measurements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

import kapitza
from kapitza.cli.options import Temperature, Work
from kapitza.cli.output import Grid, Note, Part, Results, megawatts
from kapitza.errors import InputError

_POLYTYPE_NAMES = ("SiC",)  # names that stand for more than one crystal in the catalogue


def compare(
    left: Annotated[str | None, typer.Argument(help="As for predict; without sides: all of the catalogue.")] = None,
    right: Annotated[str | None, typer.Argument(help="The same for the other side.")] = None,
    *,
    temperature: Temperature,
    work: Work,
    files: Results,
) -> None:
    """Models beside published measurements, with their spread and sources."""
    if left is None and files.plot is None:
        with work.run("interfaces") as shared:
            catalogue = kapitza.measure.compare_all(temperature, **shared)
        files.report(catalogue, [_catalogue_grid(catalogue)])
        return
    if left is None or right is None:
        raise InputError("expected two sides, or none (and no --plot) for all interfaces of the catalogue")
    if work:
        raise InputError("--workers, --store and --dask with two sides: only all interfaces are shared and kept")
    comparison = kapitza.compare(left, right, temperature)
    rows = len(comparison.predictions) + len(comparison.published)
    files.draw(lambda ax: kapitza.plot.comparison(comparison, ax=ax), height=1.6 + 0.27 * rows)
    derived = {name: getattr(comparison, name) for name in ("interval", "median", "spread")}
    derived["factor"] = {one.model: comparison.factor(one.model) for one in comparison.predictions}
    derived["scored_drop"] = {one.model: one.scored_drop for one in comparison.predictions}
    files.report(comparison, _describe_comparison(comparison), derived)


def _catalogue_grid(catalogue: tuple[kapitza.measure.Comparison, ...]) -> Grid:
    models = list(dict.fromkeys(p.model for one in catalogue for p in one.predictions if not p.limit))
    rows: list[list[str]] = []
    for one in catalogue:
        factors = {p.model: one.factor(p.model) for p in one.predictions}
        ends = "" if one.interval is None else " to ".join(map(megawatts, one.interval))
        rows.append([f"{one.left}/{one.right}", ends, *(f"{f:.3g}" if (f := factors.get(m)) else "" for m in models)])
    title = "multiples of the nearest end of the interval, MW m⁻² K⁻¹"
    return Grid(title, ["interface", "interval", *models], rows)


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


def _describe_comparison(found: kapitza.measure.Comparison) -> Iterator[Part]:
    extrapolated = any(one.extrapolated is not None for one in found.predictions)
    drops = [drop for drop in kapitza.core.TEMPERATURE_DROPS if drop != "extrapolated" or extrapolated]
    rows: list[list[str]] = []
    for one in found.predictions:
        factor = found.factor(one.model)
        verdict = "" if factor is None else "inside" if factor == 1 else f"{factor:.3g} × the "
        verdict += "" if factor in (None, 1) else "highest" if factor > 1 else "lowest"
        rows.append([one.title or one.model, *(megawatts(getattr(one, drop)) for drop in drops), verdict])
    title = f"{found.left} | {found.right} at {found.temperature:g} K, MW m⁻² K⁻¹"
    yield Grid(title, ["model", *drops, " against the published interval"], rows)
    if found.observation is not None:
        yield f" extrapolated: as in {found.observation.title}, by the Boltzmann equation; each measurement is held"
        yield " against what its own method and film see of it (below), against what is emitted where that is unknown"
    if not found.published:
        others = _related_interfaces(found.left, found.right)
        yield Note(
            f"nobody is known to have measured {found.left}/{found.right} within {found.window:.0%} of it{others}"
        )
        return
    keys = {citation: f"[{i}]" for i, citation in enumerate(found.sources, start=1)}
    solved = {one.model for one in found.predictions if one.extrapolated is not None}
    some = any(one.excess is not None for one in found.published)
    # the fullest diffuse model that is solved for each measurement; empty where none is
    fullest = next((name for name in kapitza.measure.DIFFUSE_MODELS if some and name in solved), "")
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
    yield Grid("published", [*head, " source", " remark"], values)
    yield _published_interval(found)
    for side in {found.left, found.right} & set(_POLYTYPE_NAMES):
        yield Note(f"{side} is {kapitza.material(side).name} in the models, and any polytype in the measurements")
    for citation, key in keys.items():
        yield f"{key} {citation}"


def _published_interval(found: kapitza.measure.Comparison) -> str:
    interval = found.interval
    if interval is not None and found.median is not None and found.spread is not None:
        low, high = map(megawatts, interval)
        if low == high:
            return f"{len(found.direct)} values that agree on {low}: models are compared with this one number"
        return f"interval {low} to {high}, median {megawatts(found.median)}, highest/lowest {found.spread:.3g}"
    if found.direct:
        return "no interval: one value, of which nobody stated the uncertainty"
    return "no interval: none of these is the bare contact of the two materials"
