"""The verb `fit`: conductances and conductivities from the data of a sample file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

import kapitza
from kapitza.cli.figures import Results
from kapitza.cli.options import Figure, Json, Save
from kapitza.cli.output import note, print_record, print_table, print_text, quantity_json
from kapitza.cli.samples import SampleArgument
from kapitza.core.parameter_units import shown_unit
from kapitza.errors import InputError

if TYPE_CHECKING:
    from kapitza.io.samples import SampleFile
    from kapitza.measure.fit_result import Fit
    from kapitza.measure.thermoreflectance.repeats import RepeatedNumber

_VERDICTS = {"consistent": "a question is open", "doubtful": "doubtful", "misfit": "MISFIT"}


def fit_sample(
    sample: SampleArgument,
    starts: Annotated[int, typer.Option(help="Number of starting points.", min=1, max=1000)] = 3,
    seed: Annotated[int, typer.Option(help="Of the scatter of the starting points.", min=0)] = 0,
    plot: Figure = None,
    budget: Annotated[
        str | None, typer.Option(metavar="FILE", help="Figure of what brings how much of the variance.")
    ] = None,
    contours: Annotated[
        tuple[str, str] | None, typer.Option(metavar="A,B FILE", help="Figure of the joint likelihood of two numbers.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 unless model and data agree and no question is open.")
    ] = False,
    save: Save = None,
    as_json: Json = False,
) -> None:
    """Conductances and conductivities from measured curves (TDTR, FDTR, 3-omega, Raman, ...), with total errors."""
    from attrs import evolve

    files = Results(save, plot)
    shares = Results(plot=budget)
    likelihood = Results(plot=contours[1] if contours else None)
    held = kapitza.io.read_sample(sample)
    curves = [curve for curve in held.curves if curve is not None]
    made = [i for i, curve in enumerate(held.curves) if curve is not None]
    experiments, stacks = [held.experiments[i] for i in made], [held.stacks[i] for i in made]
    if not curves:
        raise InputError(f'{sample}: no experiment names its data, as in data = "curve.csv"')
    if not held.free:
        raise InputError(f'{sample}: nothing is free; give [fit] free = ["Al|Si.conductance"]')
    options: dict[str, Any] = {"priors": held.priors, "ties": held.ties, "starts": starts, "seed": seed}
    found = evolve(kapitza.fit(experiments, curves, stacks, held.free, **options), temperature=held.temperature)
    spots = _fit_repeats(held, found, made, options)
    repeats = _combine_spots(held, spots)
    files.keep(found)
    if spots:
        files.draw_figure(lambda figure: kapitza.plot.fitted_spots(spots, repeats, figure), width=10.5)
    else:
        files.draw_figure(lambda figure: kapitza.plot.fit(found, figure), height=5.6)
    shares.draw(lambda ax: kapitza.plot.uncertainty_budget(found.budget(), ax), height=1.2 + 0.7 * len(held.free))
    if contours is not None:
        one, _, other = contours[0].partition(",")
        joint = found.contours(one.strip(), other.strip(), points=11, span=3.6)
        likelihood.draw(lambda ax: kapitza.plot.likelihood(joint, ax))
    if as_json:
        numbers: dict[str, Any] = {
            "title": held.title,
            "temperature": quantity_json(held.temperature, "K"),
            "drop": "extrapolated",
        }
        variance = found.budget()
        numbers["budget"] = {name: variance.of(name) for name in variance.names}
        if repeats:
            numbers["repeats"] = {one.name: one for one in repeats}
        print_record(found, numbers | {"parameters": parameter_numbers(found)})
        _note_spots(spots)
        _exit_strictly([found, *spots[1:]], strict=strict)
        return
    print_text(f"{held.title} at {held.temperature:g} K, total uncertainties\n{kapitza.measure.fit_report(found)}")
    _print_repeats(repeats)
    _note_spots(spots)
    for line in held.notes:
        note(line)
    for one in found.problem.samples:
        if one.curve.sigma is None:
            note(f"{one.experiment.name}: the scatter of the points about the fit is taken for their uncertainty")
    for drawn in (files, shares, likelihood):
        drawn.announce()
    _exit_strictly([found, *spots[1:]], strict=strict)


def _fit_repeats(held: SampleFile, first: Fit, made: list[int], options: dict[str, Any]) -> list[Fit]:
    """The fits of all spots, each made as the first was; none where nothing was repeated."""
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


def _note_spots(spots: list[Fit]) -> None:
    """Say which of the further spots the model does not fit, and which numbers a spot leaves open."""
    for i, one in enumerate(spots[1:], 2):
        judged = kapitza.measure.noise.judge_fit(one)
        if not judged.accepted:
            why = (*judged.reasons, *judged.questions)
            note(": ".join((f"spot {i}", _VERDICTS[judged.verdict], *why[:1])))
    for name in dict.fromkeys(name for one in spots for name in one.bounds):
        open_in = [str(i) for i, one in enumerate(spots, 1) if name in one.bounds]
        which = f"spot {open_in[0]} give" if len(open_in) == 1 else f"spots {', '.join(open_in)} give"
        note(f"{name} has no mean over spots: the data of {which} a bound only")


def _print_repeats(repeats: list[RepeatedNumber]) -> None:
    """A row for each number: mean with its error and interval, spread between spots, range of the spots."""
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
    print_table(f"\n{repeats[0].each.size} spots of one sample, one likelihood for all", heads, rows)


def _exit_strictly(fits: Sequence[Fit], *, strict: bool) -> None:
    """End with 1 if the verdict on fits is asked for and is not for each that model and data agree."""
    if strict and not all(kapitza.measure.noise.judge_fit(one).accepted for one in fits):
        raise typer.Exit(1)


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
