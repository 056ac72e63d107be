"""The command `design`: the settings that measure something best, or the coolest device."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import kapitza
from kapitza.cli.device.sweeps import report_design
from kapitza.cli.figures import Results
from kapitza.cli.layer import Option
from kapitza.cli.options import parse_names, share_last_unit
from kapitza.cli.samples import SampleArgument
from kapitza.cli.tables import Grid
from kapitza.core.parameter_units import format_parameter, kind_of_parameter
from kapitza.errors import InputError
from kapitza.io.quantities import quantity

if TYPE_CHECKING:
    from kapitza.io import SampleFile

_SHOWN_DESIGNS = 12


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
    minimise: Annotated[
        str | None, Option("hotspot: of a device file, over ranges such as buffer.thickness=10:500nm")
    ],
    noise: Annotated[float, Option("noise of each point, relative; in rad for phases")] = 0.005,
    files: Results,
) -> None:  # fmt: skip
    """Rank modulation, spot and film thickness by how well they measure something; or cool a device."""
    _refuse_twice(over or [])
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
    ranked = kapitza.design(
        held.experiments,
        held.stack,
        wanted,
        settings=asked or _usual_settings(held),
        priors=held.priors,
        ties=held.ties,
        noise=noise,
        kind=kinds.pop(),
    )
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


def _usual_settings(held: SampleFile) -> dict[str, list[float]]:
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


def _refuse_twice(over: list[str]) -> None:
    """Refuse a setting that stands twice: the last would hide the others."""
    names = [text.partition("=")[0].strip() for text in over]
    if twice := next((name for i, name in enumerate(names) if name in names[:i]), None):
        raise InputError(f"--over {twice} is given twice: name all its candidates in one, as in --over {twice}=1,2,3")


def _parse_candidates(text: str) -> tuple[str, list[float]]:
    """Name and values of a setting such as tdtr.modulation=1,3,10MHz."""
    name, equals, values = text.partition("=")
    if not equals or not values:
        raise InputError(f"{text!r:.60}: expected a setting and candidates, such as tdtr.modulation=1,3,10MHz")
    kind = kind_of_parameter(name.strip())
    return name.strip(), [quantity(part, kind, what=name) for part in share_last_unit(values)]
