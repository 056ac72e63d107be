"""The commands `sensitivity`, `design` and `simulate` of sample files: what experiments would tell, and measure."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import kapitza
from kapitza.cli.device.sweeps import report_design
from kapitza.cli.layer import Option, Panel
from kapitza.cli.options import ABSCISSA_UNITS, SampleArgument, parse_names, share_last_unit
from kapitza.cli.output import Column, Grid, Part, Results, Table, quantity_json
from kapitza.core.files import write_atomically
from kapitza.core.parameter_units import format_parameter, kind_of_parameter
from kapitza.errors import InputError
from kapitza.io.quantities import quantity

_SHOWN_DESIGNS = 12
_COLUMN_NAMES = {"phase": "phase_rad", "temperature": "temperature_K", "response": "response_KW"}  # else the kind


def sensitivity_sample(sample: SampleArgument, *, files: Annotated[Results, Panel(names="plot as_json")]) -> None:
    """How much each experiment of a sample file, of any kind, says about each number of the sample."""
    held = kapitza.io.read_sample(sample)
    if not held.experiments:
        raise InputError(f"{sample}: no [[experiments]]")
    sensitivities = [
        kapitza.measure.sensitivity(one, stack, kind=str(getattr(one, "kind", "ratio")))
        for one, stack in zip(held.experiments, held.stacks, strict=True)
    ]
    points = [kapitza.measure.independent_variable(one) for one in held.experiments]
    results = list(zip(held.experiments, sensitivities, points, strict=True))

    def draw(figure: Any) -> None:
        axes = figure.subplots(len(results), 1, squeeze=False)[:, 0]
        for ax, (experiment, one, (_, x)) in zip(axes, results, strict=True):
            label, factor, logarithmic = kapitza.plot.experiment_axis(experiment)
            scale = logarithmic and bool((x > 0).all())
            kapitza.plot.sensitivity(one, x * factor, label, logarithmic=scale, ax=ax)

    def printout() -> Iterator[Part]:
        for experiment, one, (name, x) in results:
            columns = [0, len(x) // 3, 2 * len(x) // 3, len(x) - 1]
            order = sorted(range(len(one.names)), key=lambda i: -float(abs(one.value[i]).max()))
            rows = [[one.names[i], *(f"{one.value[i, j]:+.3f}" for j in columns)] for i in order]
            what = "∂φ/∂ln p (rad)" if one.kind == "phase" else f"∂ln({one.kind})/∂ln p"
            heads = [f"{x[j]:.3g} {ABSCISSA_UNITS[name]}" for j in columns]
            yield Grid(f"{experiment.name}: {what} against {name}", ("number", *heads), rows)

    files.draw_figure(draw, height=0.6 + 3.8 * len(results))
    content = {
        experiment.name: {
            name: quantity_json(x, ABSCISSA_UNITS[name]),
            "kind": one.kind,
            "sensitivity": dict(zip(one.names, one.value, strict=True)),
        }
        for experiment, one, (name, x) in results
    }
    files.show(content, printout(), plain=True)


def design_sample(
    sample: SampleArgument,
    *,
    free: Annotated[
        list[str] | None, Option("parameters to measure, separated by commas", parse_names, metavar="NAMES")
    ],
    over: Annotated[
        list[str] | None,
        Option("setting and candidates, tdtr.modulation=1,3,10MHz, or range; repeatable", metavar="NAME=VALUES"),
    ],
    minimise: Annotated[str | None, Option("hotspot: of a device file, over ranges such as buffer.thickness=10:500nm")],
    noise: Annotated[float, Option("noise of each point, relative; in rad for phases")] = 0.005,
    files: Results,
) -> None:  # fmt: skip
    """Rank modulation, spot and film thickness by how well they measure something; or cool a device."""
    names = [text.partition("=")[0].strip() for text in over or []]
    if twice := next((name for i, name in enumerate(names) if name in names[:i]), None):
        raise InputError(f"--over {twice} is given twice: name all its candidates in one, as in --over {twice}=1,2,3")
    if minimise is not None:
        if files.save is not None or files.plot is not None:
            raise InputError("--save or --plot with --minimise: --json prints the numbers of the coolest device")
        report_design(sample, minimise, over or [], files)
        return
    held = kapitza.io.read_sample(sample)
    wanted = free or list(held.free)
    asked = dict(_parse_candidates(text) for text in over or [])
    kapitza.io.warn_of_settings(held.experiments, held.stack, asked)
    kinds = {getattr(one, "kind", "ratio") for one in held.experiments}
    if len(kinds) != 1:
        raise InputError(
            f"{sample}: the experiments give {', '.join(sorted(kinds)) or 'nothing'}; a design takes one kind"
        )
    settings = asked or _usual_settings(held)
    ranked = kapitza.design(
        held.experiments, held.stack, wanted, settings=settings, priors=held.priors, ties=held.ties, noise=noise,
        kind=kinds.pop(),
    )  # fmt: skip
    files.draw_figure(lambda figure: kapitza.plot.design_front(ranked, wanted, figure))
    rows = [
        [
            *(format_parameter(*setting) for setting in d.settings.items()),
            *(f"{100 * d.sigma[name]:.3g} %" for name in wanted),
            *(["yes" if d.pareto else ""] if len(wanted) > 1 else []),
        ]
        for d in ranked[:_SHOWN_DESIGNS]
    ]
    title = "best settings first, with the relative uncertainty that they would give"
    front = []
    if len(wanted) > 1:
        front = ["on the front"]
        title += "; on the front none of them is beaten in one number without loss in another"
    files.report({"designs": tuple(ranked)}, [Grid(title, (*ranked[0].settings, *wanted, *front), rows, text=0)])


def _usual_settings(held: kapitza.io.SampleFile) -> dict[str, list[float]]:
    """Half and twice the present modulation and spot, and a third thinner and thicker first layer."""
    settings: dict[str, list[float]] = {}
    for one in held.experiments:
        for key, factors in (("modulation", (0.2, 0.5, 1, 2)), ("pump_radius", (0.5, 1, 2))):
            if one.parameters.get(key):
                settings[f"{one.name}.{key}"] = [one.parameters[key] * f for f in factors]
    first = held.stack.layers[0]
    if math.isfinite(first.thickness):
        settings[f"{first.name}.thickness"] = [first.thickness * f for f in (0.7, 1, 1.4)]
    return settings


def _parse_candidates(text: str) -> tuple[str, list[float]]:
    name, equals, values = text.partition("=")
    if not equals or not values:
        raise InputError(f"{text!r:.60}: expected a setting and candidates, such as tdtr.modulation=1,3,10MHz")
    kind = kind_of_parameter(name.strip())
    return name.strip(), [quantity(part, kind, what=name) for part in share_last_unit(values)]


@dataclass(frozen=True)
class TableResults(Results):
    """A table of a curve, and its JSON."""

    suffixes: ClassVar[Collection[str]] = (".csv",)

    save: Annotated[str | None, Option("write a table (.csv)", metavar="FILE")] = None


def simulate_sample(
    sample: SampleArgument,
    *,
    noise: Annotated[float, Option("noise of each point, relative; in rad for phases")] = 0.0,
    seed: Annotated[int, Option("random seed of the noise", low=0)] = 0,
    files: Annotated[TableResults, Panel(names="save as_json")],
) -> None:
    """Simulate the experiments of a sample file, of any kind."""
    held = kapitza.io.read_sample(sample)
    tables = {
        one.name: (
            *kapitza.measure.independent_variable(one),
            kapitza.measure.simulate_curve(one, stack, noise=noise, seed=seed + i),
        )
        for i, (one, stack) in enumerate(zip(held.experiments, held.stacks, strict=True))
    }
    if files.save is not None:
        if len(tables) != 1:
            raise InputError(f"{sample} has {len(tables)} experiments: a table holds one, use --json for all")
        ((name, x, curve),) = tables.values()
        column = f"{name}_{ABSCISSA_UNITS[name]},{_COLUMN_NAMES.get(curve.kind, curve.kind)}"
        rows = "".join(f"{a!r},{b!r}\n" for a, b in zip(x.tolist(), curve.value.tolist(), strict=True))
        head = f"# {held.title}, simulated, noise {noise:g}, seed {seed}\n{column}\n"
        write_atomically(files.save, (head + rows).encode())
        if not files.as_json:
            files.announce()
            return
    content = {
        experiment: {name: quantity_json(x, ABSCISSA_UNITS[name]), curve.kind: curve.value}
        for experiment, (name, x, curve) in tables.items()
    }
    printed = [
        Table(
            f"{experiment}, per absorbed watt where it matters",
            (Column(name, x.tolist(), ABSCISSA_UNITS[name]), Column(curve.kind, curve.value.tolist())),
            digits=6,
        )
        for experiment, (name, x, curve) in tables.items()
    ]
    files.show(content, printed, plain=True)
