"""The verb `simulate`: what the experiments of a sample file would measure."""

from typing import Annotated

import typer

import kapitza
from kapitza.cli.figures import check_output
from kapitza.cli.options import Json
from kapitza.cli.output import note, print_json, quantity_json
from kapitza.cli.samples import ABSCISSA_UNITS, SampleArgument
from kapitza.cli.tables import Column, print_columns
from kapitza.core.files import write_atomically
from kapitza.errors import InputError


def simulate_sample(
    sample: SampleArgument,
    noise: Annotated[float, typer.Option(help="Of each point, relative; in rad for phases.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Of the noise.", min=0)] = 0,
    save: Annotated[str | None, typer.Option(metavar="FILE", help="Write a table (.csv).")] = None,
    as_json: Json = False,
) -> None:
    """What the experiments of a sample file would measure, of any kind."""
    check_output(save, (".csv",))
    held = kapitza.io.read_sample(sample)
    tables = {
        one.name: (
            *kapitza.measure.independent_variable(one),
            kapitza.measure.simulate_curve(one, stack, noise=noise, seed=seed + i),
        )
        for i, (one, stack) in enumerate(zip(held.experiments, held.stacks, strict=True))
    }
    if save is not None:
        if len(tables) != 1:
            raise InputError(f"{sample} has {len(tables)} experiments: a table holds one, use --json for all")
        ((name, x, curve),) = tables.values()
        column = {"phase": "phase_rad", "temperature": "temperature_K", "response": "response_KW"}.get(
            curve.kind, curve.kind
        )
        rows = "".join(f"{a!r},{b!r}\n" for a, b in zip(x.tolist(), curve.value.tolist(), strict=True))
        head = f"# {held.title}, simulated, noise {noise:g}, seed {seed}\n{name}_{ABSCISSA_UNITS[name]},{column}\n"
        write_atomically(save, (head + rows).encode())
        note(f"wrote {save}")
    if as_json:
        print_json(
            {
                one: {name: quantity_json(x, ABSCISSA_UNITS[name]), curve.kind: curve.value}
                for one, (name, x, curve) in tables.items()
            }
        )
    elif save is None:
        for one, (name, x, curve) in tables.items():
            columns = Column(name, x.tolist(), ABSCISSA_UNITS[name]), Column(curve.kind, curve.value.tolist())
            print_columns(f"{one}, per absorbed watt where it matters", columns, digits=6)
