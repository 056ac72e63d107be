"""The command `simulate`: what the experiments of a sample file would measure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, ClassVar

import kapitza
from kapitza.cli.figures import Results
from kapitza.cli.layer import Option, Panel
from kapitza.cli.output import quantity_json
from kapitza.cli.samples import ABSCISSA_UNITS, SampleArgument
from kapitza.cli.tables import Column, Table
from kapitza.core.files import write_atomically
from kapitza.errors import InputError

_COLUMN_NAMES = {"phase": "phase_rad", "temperature": "temperature_K", "response": "response_KW"}  # else the kind


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
    files.show_plain(content, printed)
