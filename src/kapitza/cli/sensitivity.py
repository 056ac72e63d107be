"""The command `sensitivity`: how much each experiment says about each parameter of a sample."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import kapitza
from kapitza.cli.figures import Results
from kapitza.cli.layer import Panel
from kapitza.cli.output import quantity_json
from kapitza.cli.samples import ABSCISSA_UNITS, SampleArgument
from kapitza.cli.tables import Grid, Part
from kapitza.errors import InputError


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
    files.show_plain(content, printout())
