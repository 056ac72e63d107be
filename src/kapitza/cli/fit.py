"""The verb `fit`: conductances and conductivities from the data of a sample file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

import kapitza
from kapitza.cli import deferred
from kapitza.cli.figures import Results
from kapitza.cli.options import Figure, Json
from kapitza.cli.output import note, print_json, print_table, quantity_json
from kapitza.cli.samples import SHOWN_UNITS, SampleArgument, shown_value
from kapitza.errors import InputError
from kapitza.io.quantities import kind_of_parameter

if TYPE_CHECKING:
    from kapitza.io.samples import SampleFile
    from kapitza.measure.fit_result import Fit


def fit_sample(
    sample: SampleArgument,
    starts: Annotated[int, typer.Option(help="Number of starting points.", min=1)] = 3,
    seed: Annotated[int, typer.Option(help="Of the scatter of the starting points.")] = 0,
    plot: Figure = None,
    budget: Annotated[
        str | None, typer.Option(metavar="FILE", help="Figure of what brings how much of the variance.")
    ] = None,
    contours: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="A,B FILE", help="Figure of the joint likelihood of two numbers."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Conductances and conductivities from thermoreflectance data, with total errors."""
    files = Results(plot=plot)
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
    found = kapitza.fit(
        experiments, curves, stacks, held.free, priors=held.priors, ties=held.ties, starts=starts, seed=seed
    )
    files.draw_figure(lambda figure: kapitza.plot.fit(found, figure), height=5.6)
    shares.draw(lambda ax: kapitza.plot.uncertainty_budget(found.budget(), ax), height=1.2 + 0.7 * len(held.free))
    if contours is not None:
        one, _, other = contours[0].partition(",")
        joint = found.contours(one.strip(), other.strip(), points=11, span=3.6)
        likelihood.draw(lambda ax: kapitza.plot.likelihood(joint, ax))
    if as_json:
        print_json(_fit_json(held, found))
        return
    _print_fit(held, found)
    for drawn in (files, shares, likelihood):
        drawn.announce()


def _fit_json(held: SampleFile, found: Fit) -> dict[str, Any]:
    """Return a fit with its units."""
    parameters: dict[str, Any] = {}
    for parameter, value, sigma in zip(found.problem.parameters, found.value, found.sigma, strict=True):
        name, unit = parameter.name, SHOWN_UNITS[kind_of_parameter(parameter.name)][2]
        known = {"bound": found.bounds[name]} if name in found.bounds else {"value": value, "sigma": sigma}
        parameters[name] = {"unit": unit, "free": not parameter.known, **known}
    budget = found.budget()
    return {
        "title": held.title,
        "temperature": quantity_json(held.temperature, "K"),
        "parameters": parameters,
        "chi2": found.chi2,
        "freedom": found.freedom,
        "budget": {name: budget.of(name) for name in budget.names},
        "drop": "extrapolated",
    }


def _print_fit(held: SampleFile, found: Fit) -> None:
    """Print a fit: numbers with their total errors, where these come from, and what else should be known."""
    rows: list[list[str]] = []
    for parameter, value, sigma in zip(found.problem.parameters, found.value, found.sigma, strict=True):
        name, kind = parameter.name, "uncertain" if parameter.known else "free"
        if name in found.bounds:
            unit, size, _ = SHOWN_UNITS[kind_of_parameter(name)]
            bound = found.bounds[name]
            low, high = (None if v is None else v / size for v in (bound.low, bound.high))
            scaled = type(bound)(low, high, bound.confidence)
            rows.append([name, kind, deferred.format_bound(scaled, unit), "not determined", ""])
            continue
        relative = f"{100 * sigma / abs(value):.2g} %" if abs(value) > sigma else ""
        rows.append([name, kind, shown_value(name, value), f"± {shown_value(name, sigma)}", relative])
    columns = ("number", "", "value", "standard uncertainty", "share")
    print_table(f"{held.title} at {held.temperature:g} K, total uncertainties", columns, rows, text=2)
    budget = found.budget()
    if len(budget.sources) > 1 and len(found.bounds) < len(budget.names):
        rows = [
            [name, ", ".join(f"{source} {100 * share:.0f} %" for source, share in list(budget.of(name).items())[:4])]
            for name in budget.names
            if name not in found.bounds
        ]
        print_table("\nshare of the variance", ("number", "largest"), rows, text=2)
    note(f"chi² = {found.chi2:.4g} for {found.freedom:.1f} degrees of freedom")
    for sample in found.problem.samples:
        if sample.curve.sigma is None:
            note(f"{sample.experiment.name}: the scatter of the points about the fit is taken for their uncertainty")
    if len({round(m.chi2 / max(found.minima[0].chi2, 1e-300), 3) for m in found.minima}) > 1:
        note(f"{len(found.minima)} minima of different depth were found; the deepest is shown")
