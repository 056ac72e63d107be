"""The verb `eels modes`: the occupation of each mode, and the modes that only the interface has."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

import kapitza
from kapitza.cli.eels.jump import load_maps
from kapitza.cli.eels.options import (
    Across,
    EnergyOption,
    EnergyUnit,
    MapFile,
    ReadingOptions,
    Title,
    check_distinct,
    format_probability,
)
from kapitza.cli.figures import Results
from kapitza.cli.options import Figure, Json, Save, even_subset
from kapitza.cli.output import note, print_record, print_table, print_text, quantity_json
from kapitza.cli.tables import Column, print_columns
from kapitza.core.parameter_units import with_error
from kapitza.errors import DataError, InputError
from kapitza.io.quantities import quantity
from kapitza.units import meV, nm

if TYPE_CHECKING:
    from kapitza.core.arrays import Array
    from kapitza.core.occupation import Occupation
    from kapitza.measure.eels.interface_modes import InterfaceComponents, ModeAsymmetry
    from kapitza.measure.eels.map import TemperatureMap
    from kapitza.measure.eels.populations import Correction, DepartureTest

_MAX_TABLE_ROWS = 24  # places in a printed table
_SAME_PLACE = 0.01  # of a pixel
_MAX_CONTRAST_ERROR = 0.5  # error of a contrast from which on it says nothing


def modes_map(
    path: MapFile,
    interface: Annotated[str | None, typer.Option(help="Position of the interface, e.g. 12.4nm.")] = None,
    zone: Annotated[str, typer.Option(help="Half width of the interface, e.g. 1.5nm.")] = "1.5nm",
    across: Across = "x",
    correction: Annotated[
        Literal["holm", "benjamini-hochberg", "none"], typer.Option(help="For the number of pixels.")
    ] = "holm",
    seen: Annotated[
        str | None, typer.Option("--jump", metavar="FILE", help="Of `eels jump --save`: both sides seen at once.")
    ] = None,
    scan: Annotated[str | None, typer.Option(help="The spectra, for modes that only the interface has.")] = None,
    peaks: Annotated[str | None, typer.Option("--modes", metavar="FILE", help="File with [[interface]] modes.")] = None,
    reverse: Annotated[
        tuple[str, str] | None, typer.Option(metavar="MAP SCAN", help="The same with heat flowing the other way.")
    ] = None,
    title: Title = None,
    energy_unit: EnergyUnit = None,
    energy: EnergyOption = None,
    plot: Figure = None,
    save: Save = None,
    as_json: Json = False,
) -> None:
    """Occupation of each mode; whether any is out of equilibrium, and which modes only the interface has."""
    files = Results(save, plot)
    reading = ReadingOptions(title, energy_unit, energy)
    maps = load_maps(path, across)
    separate = next((maps[key] for key in ("occupation", "each") if key in maps), None)
    if separate is None:
        raise DataError("has one temperature for all modes only: fit with --tie both, each or occupation", file=path)
    at = None if interface is None else _check_in_map(separate, quantity(interface, "length", what="--interface"))
    half = quantity(zone, "length", what="--zone")
    if half < 0:
        raise InputError(f"--zone = {zone!r:.60}: expected a half width of 0 or more")
    held = kapitza.eels.mode_occupations(separate)
    test = _equilibrium_test(maps, separate, correction, seen)
    parts, contrast = _compare_components(maps, (at, half, across), (scan, reverse), reading, peaks)
    near = None
    if test is not None and at is not None:
        near = _equilibrium_by_side(separate, test, at, half)
    files.keep(held)
    if plot is not None:
        draw = kapitza.plot.eels.mode_temperatures
        if parts is None:
            files.draw(lambda ax: draw(held, interface=at, ax=ax))
        else:
            files.draw(lambda ax: kapitza.plot.eels.interface_modes(parts, ax=ax))
    if as_json:
        found = {"equilibrium": test, "interface_components": parts, "asymmetry": contrast}
        records = {name: one for name, one in found.items() if one is not None}
        print_record(held, records | _mode_numbers(held, test, parts, near, at or 0.0))
        return
    _print_modes(held, test, Path(path).name)
    if near is not None:
        known = {place: value for place, value in near.items() if value is not None}
        rule = "" if test is None or test.correction == "none" else f", corrected for {len(known)} places by Holm"
        words = "; ".join(f"{place}: probability {format_probability(value)}" for place, value in known.items())
        print_text(words + rule)
    if parts is not None:
        _print_components(parts, contrast, at or 0.0)
    files.announce()


def _check_in_map(found: TemperatureMap, at: float) -> float:
    """Position of an interface, which has to lie in the map."""
    x = found.position[-1] if found.position else None
    if x is None or not x[0] <= at <= x[-1]:
        where = "is a single spectrum" if x is None else f"runs from {x[0] / nm:g} to {x[-1] / nm:g} nm"
        raise InputError(f"--interface = {at / nm:g} nm: the map {where}")
    return at


def _equilibrium_test(
    maps: dict[str, TemperatureMap], separate: TemperatureMap, correction: Correction, seen: str | None
) -> DepartureTest | None:
    """Test of one temperature for all modes; or of what a jump that is seen from both sides leaves unexplained."""
    if seen is None:
        return (
            kapitza.eels.departure_test(maps["common"], separate, correction=correction) if "common" in maps else None
        )
    held = kapitza.load(seen)
    found = held.get("jump") if isinstance(held, dict) else held
    if not isinstance(found, kapitza.eels.InterfaceJump):
        raise DataError("holds no jump: write one with `kapitza eels jump MAP --save FILE`", file=seen)
    return kapitza.eels.mixture_test(separate, found, correction=correction)


def _equilibrium_by_side(found: TemperatureMap, test: DepartureTest, at: float, half: float) -> dict[str, float | None]:
    """Probability of equilibrium at the interface and on either side, corrected for the number of places.

    None for a place without pixels.
    """
    import numpy as np

    x = np.broadcast_to(found.position[-1] if found.position else at, found.shape)
    places = {"left": x < at - half, "at the interface": np.abs(x - at) <= half * (1 + 1e-9), "right": x > at + half}
    finite = np.isfinite(test.statistic)
    single = {name: test.combined_pvalue(where) for name, where in places.items() if (where & finite).any()}
    if test.correction != "none":  # one place of three is suspicious by chance three times as often as one alone
        single = dict(zip(single, kapitza.eels.adjust_pvalues(list(single.values())).tolist(), strict=True))
    return {name: single.get(name) for name in places}


def _compare_components(
    maps: dict[str, TemperatureMap],
    place: tuple[float | None, float, str],
    scans: tuple[str | None, tuple[str, str] | None],
    reading: ReadingOptions,
    peaks: str | None,
) -> tuple[InterfaceComponents | None, ModeAsymmetry | None]:
    """Modes of the interface of a scan, and how they change when heat flows the other way."""
    (at, half, across), (scan, reverse) = place, scans
    if scan is None:
        if peaks is not None or reverse is not None:
            raise InputError("modes that only the interface has need its spectra: give --scan")
        return None, None
    if at is None or peaks is None:
        raise InputError("--scan needs --interface and --modes with [[interface]] modes")
    wanted = kapitza.io.eels.read_modes(peaks).interface
    if not wanted:
        raise DataError("has no [[interface]] modes", file=peaks)
    where = at, half, across
    if reverse is not None:
        check_distinct(scan, reverse[1], "scans of both directions of the heat flow")
    forward = _scan_components(next(iter(maps.values())), reading, scan, where, wanted)
    if reverse is None:
        return forward, None
    other = _scan_components(next(iter(load_maps(reverse[0], across).values())), reading, reverse[1], where, wanted)
    return forward, kapitza.eels.mode_asymmetry(forward, other)


def _scan_components(
    found: TemperatureMap, reading: ReadingOptions, scan: str, place: tuple[float, float, str], wanted: Any
) -> InterfaceComponents:
    """Modes of the interface of one scan."""
    import numpy as np

    at, half, across = place
    image = reading.image(scan)
    found = kapitza.eels.swap_axes(found) if across == "y" else found  # as the file has it
    if image.shape != found.shape or not image.shape:
        raise InputError(f"{scan} has {image.shape} pixels and its map {found.shape}: expected the same scan")
    for mine, its in zip(image.position, found.position, strict=True):
        off = float(np.abs(mine - its).max())
        if mine.size > 1 and off > _SAME_PLACE * float(np.diff(its).min()):
            raise InputError(
                f"pixels of {scan} lie up to {off / nm:.3g} nm from those of its map: expected the scan that was fitted"
            )
    x = np.broadcast_to(found.position[0][:, None] if across == "y" else found.position[-1], found.shape)
    regions = (np.abs(x - at) <= half * (1 + 1e-9), x < at - 2 * half, x > at + 2 * half)
    for name, region in zip(("at", "left of", "right of"), regions, strict=True):
        if not (region & found.good).any():
            raise InputError(
                f"no good pixel {name} the interface at {at / nm:g} nm with --zone {half / nm:g} nm: the scan runs "
                f"from {x.min() / nm:g} to {x.max() / nm:g} nm"
            )
    centre = found.parameter("centre")
    interface, left, right = (kapitza.eels.sum_spectra(image, centre, region & found.good) for region in regions)
    return kapitza.eels.interface_components(interface, left, right, wanted)


def _mode_numbers(
    held: Occupation,
    test: DepartureTest | None,
    parts: InterfaceComponents | None,
    near: dict[str, float | None] | None,
    at: float,
) -> dict[str, Any]:
    """Temperatures and probabilities that follow from the records of what was found."""
    derived: dict[str, Any] = {"temperature": quantity_json(held.temperature(), "K", sigma=held.temperature_sigma())}
    if test is not None:
        derived["probability"] = quantity_json(
            test.combined_pvalue(), "1", meaning="of equilibrium in all pixels together"
        )
    if near is not None:
        derived["probability_by_place"] = quantity_json(near, "1")
    if parts is not None:
        strength, error = parts.strength()
        derived["interface_occupation"] = parts.occupation(at)
        derived["interface_strength"] = quantity_json(strength, "1", sigma=error)
    return derived


def _print_modes(held: Occupation, test: DepartureTest | None, name: str) -> None:
    """Print the temperature of each mode against position."""
    import numpy as np

    kelvin, sigma = held.temperature(), _sigma_or_zero(held)
    shown = even_subset(held.position.size, _MAX_TABLE_ROWS)
    rows = [[f"{held.position[i] / nm:.4g}", *map(_format_known, kelvin[i], sigma[i])] for i in shown]
    heads = [f"{mode} {quantum / meV:.4g} meV" for mode, quantum in zip(held.modes, held.energy, strict=True)]
    part = f", {len(shown)} of {held.position.size} columns" if len(shown) < held.position.size else ""
    print_table(f"{name}: temperature of each mode (K){part}", ["x (nm)", *heads], rows, text=0)
    if any("–" in row for row in rows):
        note("– where some pixels do not show the mode: a material that hardly has it gives no temperature of it")
    if test is None:
        note("without a fit of one temperature for all modes there is no test of equilibrium: fit with --tie both")
        return
    count, pixels = int(test.significant.sum()), int(np.isfinite(test.pvalue).sum())
    rule = "" if test.correction == "none" else f" after the correction by {test.correction.title()}"
    print_text(
        f"out of equilibrium: {count} of {pixels} pixels{rule} "
        f"({test.freedom} degrees of freedom, level {100 * test.level:g} %); "
        f"all pixels together: probability {format_probability(test.combined_pvalue())}"
    )


def _sigma_or_zero(held: Occupation) -> Array:
    """(nx, nm) standard uncertainty of the temperatures, K; zero where it is not known."""
    sigma = held.temperature_sigma()
    return 0 * held.temperature() if sigma is None else sigma


def _format_known(value: float, sigma: float) -> str:
    """A number with its uncertainty, or a dash where it is not known."""
    return with_error(value, sigma) if math.isfinite(value) else "–"


def _print_components(parts: InterfaceComponents, contrast: ModeAsymmetry | None, at: float) -> None:
    """Print the modes that only the interface has; what is not there has limits, not a value."""
    n = parts.occupation(at)
    kelvin, sigma = n.temperature()[0], _sigma_or_zero(n)[0]
    strength, error = parts.strength()
    rows: list[list[str]] = []
    for i, mode in enumerate(n.modes):
        k = parts.modes.index(mode)
        low, high = parts.occupation_interval(mode)
        seen = math.isfinite(kelvin[i]) and math.isfinite(high)
        found = [f"{n.value[0, i]:.3g} ({low:.3g} to {high:.3g})", with_error(kelvin[i], sigma[i])]
        size = with_error(1e6 * strength[k], 1e6 * error[k])
        rows.append([mode, f"{n.energy[i] / meV:.4g}", size, *(found if seen else ["–", "–"])])
    heads = ["mode", "meV", "strength (1e-6)", "occupation (95 %)", "temperature (K)"]
    print_table("modes that only the interface has", heads, rows)
    if any("–" in row for row in rows):
        note("a strength within two of its errors is no mode: it has no occupation and no temperature")
    sides = zip(("gain", "loss"), parts.mixture, strict=True)
    shares = "; ".join(f"{side} side {mix[0]:.3g} of the left and {mix[1]:.3g} of the right" for side, mix in sides)
    print_text(f"bulk taken off: {shares}; probability of a worse fit {format_probability(parts.pvalue)}")
    if contrast is not None:
        title = "(forward - reverse)/(forward + reverse) by direction of the heat flow; – where a mode is too faint"
        print_columns(title, _asymmetry_columns(contrast))


def _asymmetry_columns(contrast: ModeAsymmetry) -> list[Column]:
    """Return (forward - reverse)/(forward + reverse) of strength and occupation; a dash where a mode is too faint."""
    columns = [Column("mode", contrast.modes)]
    for name, values, errors in (
        ("strength", contrast.value, contrast.sigma),
        ("occupation", contrast.occupation, contrast.occupation_sigma),
    ):
        known = (errors < _MAX_CONTRAST_ERROR) & (contrast.sigma < _MAX_CONTRAST_ERROR)
        pairs = zip(values.tolist(), errors.tolist(), known.tolist(), strict=True)
        columns.append(Column(f" {name}", [with_error(v, s) if seen else "–" for v, s, seen in pairs]))
    return columns
