"""The command `eels flow`: two scans with heat flowing forward and in reverse."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import kapitza
from kapitza.cli.eels.jump import load_jump, load_mode_map
from kapitza.cli.eels.options import Across, check_distinct, format_probability
from kapitza.cli.layer import Option
from kapitza.cli.output import Column, Note, Part, Results, Table, error_cells
from kapitza.errors import InputError
from kapitza.units import meV, nm

if TYPE_CHECKING:
    from kapitza.core.arrays import Array
    from kapitza.eels import TemperatureMap
    from kapitza.eels.heat_flow import FlowReversal, ZoneReversal

_SUSPICIOUS_STRENGTH = 4.0  # standard uncertainties of a strength that changed with the direction of the flow


def flow_maps(
    forward: Annotated[str, typer.Argument(metavar="FORWARD", help="Map of `eels fit`, heat from left to right.")],
    reverse: Annotated[str, typer.Argument(metavar="REVERSE", help="Map of the same places, heat the other way.")],
    *,
    interface: Annotated[float, Option("position of the interface, 12.4nm", "length")],
    zone: Annotated[float, Option("half width of the interface", "length", "1.5nm", low=0, noun="half width")],
    mode: Annotated[str | None, Option("mode whose gain and loss are drawn; the clearest one if omitted")],
    reference: Annotated[list[str] | None, Option("mode of the local temperature; repeatable", metavar="MODE")],
    ratio: Annotated[
        tuple[float, float], Option("reverse heat flux over the forward one, 1+-0.02", "share+-", "1", above=0)
    ],
    jumps: Annotated[
        tuple[str, str] | None,
        Option(
            "jumps of `eels jump --save`, forward and reverse, for pixels that show both sides", metavar="FILE FILE"
        ),
    ],
    across: Across,
    files: Results,
) -> None:
    """Gain and loss of each mode under forward and reverse heat flow: what is odd in the flow, and what is even."""
    check_distinct(forward, reverse, "scans of both directions of the heat flow")
    maps = [load_mode_map(path, across) for path in (forward, reverse)]
    expected = (None, None) if jumps is None else _expected_temperatures(maps, jumps)
    sides = [kapitza.eels.heat_flow.mode_sides(one) for one in maps]
    reversal = kapitza.eels.heat_flow.FlowReversal(
        forward=sides[0], reverse=sides[1], flux_ratio=ratio[0], flux_ratio_sigma=ratio[1],
        expected_forward=expected[0], expected_reverse=expected[1],
    )  # fmt: skip
    near = reversal.zone(interface, zone, tuple(reference or ()))
    odds = [value if math.isfinite(value) else 2.0 for value in near.pvalue.tolist()]
    shown = mode or near.modes[odds.index(min(odds))]  # the mode with the least probable odd departure
    drawn: dict[str, Any] = {"mode": shown, "interface": interface, "zone": zone, "reference": near.reference}
    files.draw_figure(lambda figure: kapitza.plot.eels.flow_reversal(reversal, figure, **drawn), width=9.4, height=6.8)
    title = f"{Path(forward).name} and {Path(reverse).name}, within {zone / nm:g} nm of {interface / nm:g} nm"
    files.report(reversal, [title, *_describe_zone(reversal, near)], {"zone": near, "classes": near.classes()})


def _expected_temperatures(maps: list[TemperatureMap], jumps: tuple[str, str]) -> tuple[Array, Array]:
    """(nx, nm) temperatures that both scans would show with both sides in equilibrium, K."""
    found: list[Array] = []
    for one, path in zip(maps, jumps, strict=True):
        jump = load_jump(path)
        if "each" not in one.names and f"{one.modes[0]}.temperature" not in one.names:
            raise InputError("--jumps needs maps with a temperature for each mode: fit with --tie both or each")
        found.append(kapitza.eels.mixed_temperatures(one, jump))
    return found[0], found[1]


def _describe_zone(found: FlowReversal, near: ZoneReversal) -> Iterator[Part]:
    pairs: list[tuple[str, Any, Any]] = [
        (" forward (K)", near.temperature[0], near.temperature_sigma[0]),
        (" reverse (K)", near.temperature[1], near.temperature_sigma[1]),
        (" odd departure (K)", near.departure_odd, near.odd_sigma),
        (" even departure (K)", near.departure_even, near.even_sigma),
        (" strength, (f-r)/(f+r)", near.strength_asymmetry, near.strength_sigma),
    ]
    columns = [Column("mode", near.modes), Column("meV", [f"{one / meV:.4g}" for one in found.forward.energy])]
    columns += [Column(head, error_cells(values, errors)) for head, values, errors in pairs]
    columns.append(Column(" class", near.classes()))
    yield Table("temperature of each mode from its loss over its gain, and its departure from the common one", columns)
    yield (
        f"no part odd in the flow: probability {format_probability(near.odd_pvalue)}; "
        f"no even part: {format_probability(near.even_pvalue)}"
    )
    if "undecided" in near.classes():
        yield Note(
            f"{' and '.join(near.reference)}, nearest to one another, still differ (probability by chance "
            f"{format_probability(near.agreement)}): which modes depart cannot be said; --reference MODE names one "
            "of the local temperature"
        )
    else:
        yield Note("class: beta is hotter than the other modes under forward flow, alpha under reverse flow")
    strengths = zip(near.modes, near.strength_asymmetry.tolist(), near.strength_sigma.tolist(), strict=True)
    for mode, value, sigma in strengths:
        if math.isfinite(value) and abs(value) > _SUSPICIOUS_STRENGTH * sigma:
            yield Note(f"{mode} scatters differently in both scans: not the same place, thickness or structure?")
