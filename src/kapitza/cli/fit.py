"""The command `fit`: conductances and conductivities from the data of a sample file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

import kapitza
from kapitza.cli.figures import FIGURE_SUFFIXES, Results, check_output, write_axes
from kapitza.cli.layer import Option
from kapitza.cli.output import note, quantity_json
from kapitza.cli.samples import SampleArgument
from kapitza.cli.tables import Grid, Note, Part
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

    budget: Annotated[str | None, Option("figure of the uncertainty budget", metavar="FILE")] = None
    contours: Annotated[
        tuple[str, str] | None, Option("figure of the joint likelihood of two parameters", metavar="A,B FILE")
    ] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_output(self.budget, FIGURE_SUFFIXES)
        check_output(self.contours[1] if self.contours else None, FIGURE_SUFFIXES)

    def draw_details(self, fit: Fit) -> None:
        """Draw the budget and the likelihood if they were asked for."""
        if self.budget is not None:
            height = 1.2 + 0.7 * sum(not one.known for one in fit.problem.parameters)
            write_axes(self.budget, lambda ax: kapitza.plot.uncertainty_budget(fit.budget(), ax), height=height)
        if self.contours is not None:
            one, _, other = self.contours[0].partition(",")
            joint = fit.contours(one.strip(), other.strip(), points=11, span=3.6)
            write_axes(self.contours[1], lambda ax: kapitza.plot.likelihood(joint, ax))

    def announce(self) -> None:
        """Report which files were written."""
        super().announce()
        for path in (self.budget, self.contours[1] if self.contours else None):
            if path is not None:
                note(f"wrote {path}")


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
    repeats = _combine_spots(held, spots)
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
    yield from _describe_repeats(repeats)
    yield from _describe_spots(spots)
    yield from map(Note, held.notes)
    for one in fit.problem.samples:
        if one.curve.sigma is None:
            yield Note(f"{one.experiment.name}: the scatter of the points about the fit is taken for their uncertainty")


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
        experiments, curves, stacks = (list(part) for part in zip(*samples, strict=True))
        known: dict[str, Any] = {**options, "priors": {**held.priors, **spot.priors}}
        found = kapitza.fit(experiments, curves, stacks, held.free, **known)
        fits.append(evolve(found, temperature=held.temperature))
    return fits


def _combine_spots(held: SampleFile, spots: list[Fit]) -> list[RepeatedNumber]:
    """Mean and spread over all spots of the free numbers that each spot determines."""
    names = [name for name in held.free if not any(name in one.bounds for one in spots)]
    return [kapitza.measure.noise.combine_repeats(spots, name, own=held.per_spot) for name in names] if spots else []


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


def _describe_repeats(repeats: list[RepeatedNumber]) -> Iterator[Part]:
    if not repeats:
        return
    rows = [
        [
            one.name,
            one.mean_in_words(),
            one.range_in_words(one.interval),
            one.spread_in_words(one.spread),
            " to ".join(map(one.spread_in_words, one.spread_interval)),
            one.range_in_words((float(one.each.min()), float(one.each.max()))),
        ]
        for one in repeats
    ]
    heads = ("number", "mean over spots", "95 % interval", "spread", "95 % interval of it", "spots")
    yield Grid(f"\n{repeats[0].each.size} spots of one sample, one likelihood for all", heads, rows)


def parameter_numbers(found: Fit) -> dict[str, Any]:
    """Return the numbers of a fit by name, with total uncertainties; NaN where the data give a bound only.

    Free numbers have their 95 % interval, and whether it is that of the standard uncertainty, or their bound.
    """
    numbers = zip(found.problem.parameters, found.value.tolist(), found.sigma.tolist(), strict=True)
    return {
        one.name: quantity_json(value, shown_unit(one.name)[2], sigma=sigma)
        | {"free": not one.known}
        | ({} if one.known else _interval_numbers(found, one.name))
        for one, value, sigma in numbers
    }


def _interval_numbers(found: Fit, name: str) -> dict[str, Any]:
    if name in found.bounds:
        bound = found.bounds[name]
        ends = {"unit": shown_unit(name)[2], "low": bound.low, "high": bound.high, "confidence": bound.confidence}
        return {"bound": ends}
    meaning = "95 % interval, along the profile likelihood where chi2 is not a parabola"
    ends = quantity_json(list(found.interval(name)), shown_unit(name)[2], meaning=meaning)
    return {"interval": ends, "parabolic": kapitza.measure.noise.is_parabolic(found, name)}
