"""The verb `eels flow`: two scans with heat flowing forward and in reverse."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import kapitza
from kapitza.cli.eels.jump import load_maps
from kapitza.cli.eels.options import Across, check_distinct, format_probability
from kapitza.cli.figures import Results
from kapitza.cli.options import Figure, Json, Save
from kapitza.cli.output import note, print_record, print_text
from kapitza.cli.tables import Column, print_columns
from kapitza.core.parameter_units import with_error
from kapitza.errors import DataError, InputError
from kapitza.io.quantities import parse_uncertain, quantity
from kapitza.units import meV, nm

if TYPE_CHECKING:
    from kapitza.core.arrays import Array
    from kapitza.measure.eels.heat_flow.reversal import FlowReversal, ZoneReversal
    from kapitza.measure.eels.map import TemperatureMap

_SUSPICIOUS_STRENGTH = 4.0  # standard uncertainties of a strength that changed with the direction of the flow


def flow_maps(
    forward: Annotated[str, typer.Argument(metavar="FORWARD", help="Map of `eels fit`, heat from left to right.")],
    reverse: Annotated[str, typer.Argument(metavar="REVERSE", help="Map of the same places, heat the other way.")],
    interface: Annotated[str, typer.Option(help="Position of the interface, e.g. 12.4nm.")],
    zone: Annotated[str, typer.Option(help="Half width of the interface, e.g. 1.5nm.")] = "1.5nm",
    mode: Annotated[str | None, typer.Option(help="Whose gain and loss are drawn; that of the clearest sign.")] = None,
    reference: Annotated[
        list[str] | None, typer.Option(metavar="MODE", help="Has the local temperature; may be repeated.")
    ] = None,
    ratio: Annotated[str, typer.Option(help="Reverse heat flux over the forward one, 1+-0.02.")] = "1",
    jumps: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="FILE FILE", help="Of `eels jump --save`, forward and reverse: both sides seen at once."),
    ] = None,
    across: Across = "x",
    plot: Figure = None,
    save: Save = None,
    as_json: Json = False,
) -> None:
    """Gain and loss of each mode under forward and reverse heat flow: what is odd in the flow, and what is even."""
    files = Results(save, plot)
    at, half = (quantity(text, "length", what=f"--{name}") for name, text in (("interface", interface), ("zone", zone)))
    if half < 0:
        raise InputError(f"--zone = {zone!r:.60}: expected a half width of 0 or more")
    flux_ratio, flux_sigma = parse_uncertain(ratio, "share", what="--ratio")
    if flux_ratio <= 0:
        raise InputError(f"--ratio = {ratio!r:.60}: expected a number above 0, both fluxes counted as positive")
    check_distinct(forward, reverse, "scans of both directions of the heat flow")
    maps = [_map_by_mode(path, across) for path in (forward, reverse)]
    expected = (None, None) if jumps is None else _expected_temperatures(maps, jumps)
    found = kapitza.eels.heat_flow.FlowReversal(
        forward=kapitza.eels.heat_flow.mode_sides(maps[0]),
        reverse=kapitza.eels.heat_flow.mode_sides(maps[1]),
        flux_ratio=flux_ratio,
        flux_ratio_sigma=flux_sigma,
        expected_forward=expected[0],
        expected_reverse=expected[1],
    )
    near = found.zone(at, half, tuple(reference or ()))
    files.keep(found)
    shown = mode or near.modes[_clearest_mode(near)]
    drawn: dict[str, Any] = {"mode": shown, "interface": at, "zone": half, "reference": near.reference}
    files.draw_figure(lambda figure: kapitza.plot.eels.flow_reversal(found, figure, **drawn), width=9.4, height=6.8)
    if as_json:
        print_record(found, {"zone": near, "classes": near.classes()})
        return
    print_text(f"{Path(forward).name} and {Path(reverse).name}, within {half / nm:g} nm of {at / nm:g} nm")
    _print_zone(found, near)
    files.announce()


def _map_by_mode(path: str, across: str) -> TemperatureMap:
    """Map of a file with an occupation or a temperature for each mode."""
    maps = load_maps(path, across)
    found = next((maps[key] for key in ("occupation", "each") if key in maps), None)
    if found is None:
        raise DataError("has one temperature for all modes only: fit with --tie both, each or occupation", file=path)
    return found


def _expected_temperatures(maps: list[TemperatureMap], jumps: tuple[str, str]) -> tuple[Array, Array]:
    """(nx, nm) temperatures that both scans would show with both sides in equilibrium, K."""
    found: list[Array] = []
    for one, path in zip(maps, jumps, strict=True):
        held = kapitza.load(path)
        jump = held.get("jump") if isinstance(held, dict) else held
        if not isinstance(jump, kapitza.eels.InterfaceJump):
            raise DataError("holds no jump: write one with `kapitza eels jump MAP --save FILE`", file=path)
        if "each" not in one.names and f"{one.modes[0]}.temperature" not in one.names:
            raise InputError("--jumps needs maps with a temperature for each mode: fit with --tie both or each")
        found.append(kapitza.eels.mixed_temperatures(one, jump))
    return found[0], found[1]


def _clearest_mode(near: ZoneReversal) -> int:
    """Number of the mode with the least probable odd departure."""
    known = [value if math.isfinite(value) else 2.0 for value in near.pvalue.tolist()]
    return known.index(min(known))


def _print_zone(found: FlowReversal, near: ZoneReversal) -> None:
    """Print what the modes of the interface do when the flow turns round."""
    pairs: list[tuple[str, Any, Any]] = [
        (" forward (K)", near.temperature[0], near.temperature_sigma[0]),
        (" reverse (K)", near.temperature[1], near.temperature_sigma[1]),
        (" odd departure (K)", near.departure_odd, near.odd_sigma),
        (" even departure (K)", near.departure_even, near.even_sigma),
        (" strength, (f-r)/(f+r)", near.strength_asymmetry, near.strength_sigma),
    ]
    columns = [Column("mode", near.modes), Column("meV", [f"{one / meV:.4g}" for one in found.forward.energy])]
    for head, values, errors in pairs:
        known = zip(values.tolist(), errors.tolist(), strict=True)
        columns.append(Column(head, [with_error(v, s) if math.isfinite(v) else "–" for v, s in known]))
    columns.append(Column(" class", near.classes()))
    print_columns(
        "temperature of each mode from its loss over its gain, and its departure from the common one", columns
    )
    print_text(
        f"no part odd in the flow: probability {format_probability(near.odd_pvalue)}; "
        f"no even part: {format_probability(near.even_pvalue)}"
    )
    if "undecided" in near.classes():
        note(
            f"{' and '.join(near.reference)}, nearest to one another, still differ (probability by chance "
            f"{format_probability(near.agreement)}): which modes depart cannot be said; --reference MODE names one "
            "of the local temperature"
        )
    else:
        note("class: beta is hotter than the other modes under forward flow, alpha under reverse flow")
    for mode, value, sigma in zip(
        near.modes, near.strength_asymmetry.tolist(), near.strength_sigma.tolist(), strict=True
    ):
        if math.isfinite(value) and abs(value) > _SUSPICIOUS_STRENGTH * sigma:
            note(f"{mode} scatters differently in both scans: not the same place, thickness or structure?")
