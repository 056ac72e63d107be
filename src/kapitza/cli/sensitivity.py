"""The verb `sensitivity`: how much each experiment says about each number of a sample."""

from typing import Any

import kapitza
from kapitza.cli.figures import Results
from kapitza.cli.options import Figure, Json
from kapitza.cli.output import print_json, print_table, quantity_json
from kapitza.cli.samples import ABSCISSA_UNITS, SampleArgument
from kapitza.errors import InputError


def sensitivity_sample(sample: SampleArgument, plot: Figure = None, as_json: Json = False) -> None:
    """How much each experiment of a sample file, of any kind, says about each number of the sample."""
    files = Results(plot=plot)
    held = kapitza.io.read_sample(sample)
    if not held.experiments:
        raise InputError(f"{sample}: no [[experiments]]")
    found = [
        kapitza.measure.sensitivity(one, stack, kind=str(getattr(one, "kind", "ratio")))
        for one, stack in zip(held.experiments, held.stacks, strict=True)
    ]
    points = [kapitza.measure.independent_variable(one) for one in held.experiments]
    results = list(zip(held.experiments, found, points, strict=True))

    def draw(figure: Any) -> None:
        axes = figure.subplots(len(found), 1, squeeze=False)[:, 0]
        for ax, (experiment, one, (_, x)) in zip(axes, results, strict=True):
            label, factor, logarithmic = kapitza.plot.experiment_axis(experiment)
            scale = logarithmic and bool((x > 0).all())
            kapitza.plot.sensitivity(one, x * factor, label, logarithmic=scale, ax=ax)

    files.draw_figure(draw, height=0.6 + 3.8 * len(found))
    if as_json:
        print_json(
            {
                one.name: {
                    name: quantity_json(x, ABSCISSA_UNITS[name]),
                    "kind": s.kind,
                    "sensitivity": dict(zip(s.names, s.value, strict=True)),
                }
                for one, s, (name, x) in results
            }
        )
        return
    for one, s, (name, x) in results:
        columns = [0, len(x) // 3, 2 * len(x) // 3, len(x) - 1]
        order = sorted(range(len(s.names)), key=lambda i: -float(abs(s.value[i]).max()))
        rows = [[s.names[i], *(f"{s.value[i, j]:+.3f}" for j in columns)] for i in order]
        what = "∂φ/∂ln p (rad)" if s.kind == "phase" else f"∂ln({s.kind})/∂ln p"
        heads = [f"{x[j]:.3g} {ABSCISSA_UNITS[name]}" for j in columns]
        print_table(f"{one.name}: {what} against {name}", ("number", *heads), rows)
    files.announce()
