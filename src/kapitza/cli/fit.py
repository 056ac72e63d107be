"""The command `fit`: conductances and conductivities from the data of a sample file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

import kapitza
from kapitza.cli.layer import Option
from kapitza.cli.options import SampleArgument
from kapitza.cli.output import FIGURE_SUFFIXES, Grid, Note, Part, Results, note, quantity_json, write_axes
from kapitza.core.parameter_units import shown_unit
from kapitza.errors import InputError

if TYPE_CHECKING:
    from kapitza import Fit
    from kapitza.io import SampleFile
    from kapitza.measure.noise import RepeatedNumber

_VERDICTS = {"consistent": "a question is open", "doubtful": "doubtful", "misfit": "MISFIT"}


@dataclass(frozen=True)
class FitResults(Results):
    """Files of a fit: also its uncertainty budget and a joint likelihood."""

    others: ClassVar[Mapping[str, Collection[str]]] = {"budget": FIGURE_SUFFIXES, "contours": FIGURE_SUFFIXES}

    budget: Annotated[str | None, Option("figure of the uncertainty budget", metavar="FILE")] = None
    contours: Annotated[
        tuple[str, str] | None, Option("figure of the joint likelihood of two parameters", metavar="A,B FILE")
    ] = None

    def draw_details(self, fit: Fit) -> None:
        """Draw the budget and the likelihood if they were asked for."""
        if self.budget is not None:
            height = 1.2 + 0.7 * sum(not one.known for one in fit.problem.parameters)
            write_axes(self.budget, lambda ax: kapitza.plot.uncertainty_budget(fit.budget(), ax), height=height)
        if self.contours is not None:
            one, _, other = self.contours[0].partition(",")
            joint = fit.contours(one.strip(), other.strip(), points=11, span=3.6)
            write_axes(self.contours[1], lambda ax: kapitza.plot.likelihood(joint, ax))


def fit_sample(
    sample: SampleArgument,
    *,
    starts: Annotated[int, Option("number of starting points", low=1, high=1000)] = 3,
    seed: Annotated[int, Option("random seed of the starting points", low=0)] = 0,
    strict: Annotated[bool, Option("exit with 1 unless model and data agree and no question is open")],
    files: FitResults,
) -> None:
    """Conductances and conductivities from measured curves (TDTR, FDTR, 3-omega, Raman, ...), with total errors."""
    from attrs import evolve

    held = kapitza.io.read_sample(sample)
    curves = [curve for curve in held.curves if curve is not None]
    made = [i for i, curve in enumerate(held.curves) if curve is not None]
    experiments, stacks = [held.experiments[i] for i in made], [held.stacks[i] for i in made]
    if not curves:
        raise InputError(f'{sample}: no experiment names its data, as in data = "curve.csv"')
    if not held.free:
        raise InputError(f'{sample}: nothing is free; give [fit] free = ["Al|Si.conductance"]')
    options: dict[str, Any] = {"priors": held.priors, "ties": held.ties, "starts": starts, "seed": seed}
    fit = evolve(kapitza.fit(experiments, curves, stacks, held.free, **options), temperature=held.temperature)
    spots = _fit_repeats(held, fit, made, options)
    names = [name for name in held.free if not any(name in one.bounds for one in spots)]  # that each spot determines
    own = held.per_spot
    repeats = [kapitza.measure.noise.combine_repeats(spots, name, own=own) for name in names] if spots else []
    if spots:
        files.draw_figure(lambda figure: kapitza.plot.fitted_spots(spots, repeats, figure), width=10.5)
    else:
        files.draw_figure(lambda figure: kapitza.plot.fit(fit, figure), height=5.6)
    files.draw_details(fit)
    variance = fit.budget()
    derived: dict[str, Any] = {
        "title": held.title,
        "temperature": quantity_json(held.temperature, "K"),
        "drop": "extrapolated",
        "budget": {name: variance.of(name) for name in variance.names},
        **({"repeats": {one.name: one for one in repeats}} if repeats else {}),
        "parameters": parameter_numbers(fit),
    }
    files.report(fit, _describe_sample(held, fit, spots, repeats), derived)
    if files.as_json:
        for remark in _describe_spots(spots):
            note(str(remark))
    if strict and not all(kapitza.measure.noise.judge_fit(one).accepted for one in [fit, *spots[1:]]):
        raise typer.Exit(1)


def _describe_sample(held: SampleFile, fit: Fit, spots: list[Fit], repeats: list[RepeatedNumber]) -> Iterator[Part]:
    yield f"{held.title} at {held.temperature:g} K, total uncertainties\n{kapitza.measure.fit_report(fit)}"
    if repeats:
        heads = ("number", "mean over spots", "95 % interval", "spread", "95 % interval of it", "spots")
        title = f"\n{repeats[0].each.size} spots of one sample, one likelihood for all"
        yield Grid(title, heads, list(map(_repeat_row, repeats)))
    yield from _describe_spots(spots)
    yield from map(Note, held.notes)
    for one in fit.problem.samples:
        if one.curve.sigma is None:
            yield Note(f"{one.experiment.name}: the scatter of the points about the fit is taken for their uncertainty")


def _repeat_row(one: RepeatedNumber) -> list[str]:
    ends = " to ".join(map(one.spread_in_words, one.spread_interval))
    reach = one.range_in_words((float(one.each.min()), float(one.each.max())))
    return [
        one.name, one.mean_in_words(), one.range_in_words(one.interval), one.spread_in_words(one.spread), ends, reach,
    ]  # fmt: skip


def _fit_repeats(held: SampleFile, first: Fit, made: list[int], options: dict[str, Any]) -> list[Fit]:
    from attrs import evolve

    if not held.repeats:
        return []
    fits = [first]
    for spot in held.repeats:
        at = spot.experiment_number
        if at not in made:
            raise InputError(f"{spot.experiment.name} has repeats but no data of its own: name its first curve there")
        samples = [(held.experiments[i], held.curves[i], held.stacks[i]) for i in made]
        samples[made.index(at)] = spot.experiment, spot.curve, spot.stack
        known: dict[str, Any] = {**options, "priors": {**held.priors, **spot.priors}}
        experiments, curves, stacks = (list(part) for part in zip(*samples, strict=True))
        found = kapitza.fit(experiments, curves, stacks, held.free, **known)
        fits.append(evolve(found, temperature=held.temperature))
    return fits


def _describe_spots(spots: list[Fit]) -> Iterator[Part]:
    for i, one in enumerate(spots[1:], 2):
        judged = kapitza.measure.noise.judge_fit(one)
        if not judged.accepted:
            why = (*judged.reasons, *judged.questions)
            yield Note(": ".join((f"spot {i}", _VERDICTS[judged.verdict], *why[:1])))
    for name in dict.fromkeys(name for one in spots for name in one.bounds):
        open_in = [str(i) for i, one in enumerate(spots, 1) if name in one.bounds]
        which = f"spot {open_in[0]} give" if len(open_in) == 1 else f"spots {', '.join(open_in)} give"
        yield Note(f"{name} has no mean over spots: the data of {which} a bound only")


def parameter_numbers(found: Fit) -> dict[str, Any]:
    """Return the numbers of a fit by name, with total uncertainties; NaN where the data give a bound only.

    Free numbers have their 95 % interval, and whether it is that of the standard uncertainty, or their bound.
    """
    numbers: dict[str, Any] = {}
    for one, value, sigma in zip(found.problem.parameters, found.value.tolist(), found.sigma.tolist(), strict=True):
        unit = shown_unit(one.name)[2]
        numbers[one.name] = quantity_json(value, unit, sigma=sigma) | {"free": not one.known}
        if not one.known and one.name in found.bounds:
            bound = found.bounds[one.name]
            ends = {"unit": unit, "low": bound.low, "high": bound.high, "confidence": bound.confidence}
            numbers[one.name]["bound"] = ends
        elif not one.known:
            meaning = "95 % interval, along the profile likelihood where chi2 is not a parabola"
            numbers[one.name]["interval"] = quantity_json(list(found.interval(one.name)), unit, meaning=meaning)
            numbers[one.name]["parabolic"] = kapitza.measure.noise.is_parabolic(found, one.name)
    return numbers
