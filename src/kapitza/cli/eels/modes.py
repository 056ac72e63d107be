"""The command `eels modes`: the occupation of each mode, and the modes that only the interface has."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import kapitza
from kapitza.cli.eels.jump import load_jump, load_maps
from kapitza.cli.eels.options import Across, MapFile, ReadingOptions, check_distinct, format_probability
from kapitza.cli.layer import Option, Panel
from kapitza.cli.output import Column, Grid, Note, Part, Results, Table, error_cells, even_subset, quantity_json
from kapitza.core.parameter_units import with_error
from kapitza.errors import DataError, InputError
from kapitza.units import meV, nm

if TYPE_CHECKING:
    from kapitza import Occupation
    from kapitza.core.arrays import Array
    from kapitza.eels import DepartureTest, InterfaceComponents, ModeAsymmetry, TemperatureMap

_INTERFACE_MODES = "Modes that only the interface has"
_MAX_TABLE_ROWS = 24  # places in a printed table
_SAME_PLACE = 0.01  # of a pixel
_MAX_CONTRAST_ERROR = 0.5  # error of a contrast from which on it says nothing


def modes_map(
    path: MapFile,
    *,
    interface: Annotated[float | None, Option("position of the interface, 12.4nm", "length")],
    zone: Annotated[float, Option("half width of the interface", "length", "1.5nm", low=0, noun="half width")],
    across: Across,
    correction: Annotated[
        Literal["holm", "benjamini-hochberg", "none"], Option("correction for the number of pixels")
    ] = "holm",
    seen: Annotated[
        str | None,
        Option("jump of `eels jump --save`, for pixels that show both sides", names="--jump", metavar="FILE"),
    ],
    scan: Annotated[str | None, Option("spectra of the map", metavar="FILE", panel=_INTERFACE_MODES)],
    modes: Annotated[str | None, Option("file with [[interface]] modes", metavar="FILE", panel=_INTERFACE_MODES)],
    reverse: Annotated[
        tuple[str, str] | None,
        Option("the same with heat flowing the other way", metavar="MAP SCAN", panel=_INTERFACE_MODES),
    ],
    reading: Annotated[ReadingOptions, Panel(names="title energy_unit energy_scale")],
    files: Results,
) -> None:
    """Occupation of each mode; whether any is out of equilibrium, and which modes only the interface has."""
    maps = load_maps(path, across)
    separate = next((maps[key] for key in ("occupation", "each") if key in maps), None)
    if separate is None:
        raise DataError("has one temperature for all modes only: fit with --tie both, each or occupation", file=path)
    at = interface
    x = separate.position[-1] if separate.position else None
    if at is not None and (x is None or not x[0] <= at <= x[-1]):
        where = "is a single spectrum" if x is None else f"runs from {x[0] / nm:g} to {x[-1] / nm:g} nm"
        raise InputError(f"--interface = {at / nm:g} nm: the map {where}")
    occupation = kapitza.eels.mode_occupations(separate)
    test = None  # of one temperature for all modes; or of what a jump that is seen from both sides leaves unexplained
    if seen is not None:
        test = kapitza.eels.mixture_test(separate, load_jump(seen), correction=correction)
    elif "common" in maps:
        test = kapitza.eels.departure_test(maps["common"], separate, correction=correction)
    parts, contrast = _compare_components(maps, (at, zone, across), (scan, reverse), reading, modes)
    near = None
    if test is not None and at is not None:
        near = _equilibrium_by_side(separate, test, at, zone)
    if parts is None:
        files.draw(lambda ax: kapitza.plot.eels.mode_temperatures(occupation, interface=at, ax=ax))
    else:
        files.draw(lambda ax: kapitza.plot.eels.interface_modes(parts, ax=ax))
    records = {"equilibrium": test, "interface_components": parts, "asymmetry": contrast}
    derived = {name: record for name, record in records.items() if record is not None}
    derived |= _mode_numbers(occupation, test, parts, near, at or 0.0)

    def printout() -> Iterator[Part]:
        yield from _describe_modes(occupation, test, Path(path).name)
        if near is not None:
            known = {place: value for place, value in near.items() if value is not None}
            rule = "" if test is None or test.correction == "none" else f", corrected for {len(known)} places by Holm"
            words = "; ".join(f"{place}: probability {format_probability(value)}" for place, value in known.items())
            yield words + rule
        if parts is not None:
            yield from _describe_components(parts, contrast, at or 0.0)

    files.report(occupation, printout(), derived)


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


def _describe_modes(held: Occupation, test: DepartureTest | None, name: str) -> Iterator[Part]:
    import numpy as np

    kelvin, sigma = held.temperature(), _sigma_or_zero(held)
    shown = even_subset(held.position.size, _MAX_TABLE_ROWS)
    rows = [[f"{held.position[i] / nm:.4g}", *error_cells(kelvin[i], sigma[i])] for i in shown]
    heads = [f"{mode} {quantum / meV:.4g} meV" for mode, quantum in zip(held.modes, held.energy, strict=True)]
    part = f", {len(shown)} of {held.position.size} columns" if len(shown) < held.position.size else ""
    yield Grid(f"{name}: temperature of each mode (K){part}", ["x (nm)", *heads], rows, text=0)
    if any("–" in row for row in rows):
        yield Note("– where some pixels do not show the mode: a material that hardly has it gives no temperature of it")
    if test is None:
        yield Note(
            "without a fit of one temperature for all modes there is no test of equilibrium: fit with --tie both"
        )
        return
    count, pixels = int(test.significant.sum()), int(np.isfinite(test.pvalue).sum())
    rule = "" if test.correction == "none" else f" after the correction by {test.correction.title()}"
    yield (
        f"out of equilibrium: {count} of {pixels} pixels{rule} "
        f"({test.freedom} degrees of freedom, level {100 * test.level:g} %); "
        f"all pixels together: probability {format_probability(test.combined_pvalue())}"
    )


def _sigma_or_zero(held: Occupation) -> Array:
    """(nx, nm) standard uncertainty of the temperatures, K; zero where it is not known."""
    sigma = held.temperature_sigma()
    return 0 * held.temperature() if sigma is None else sigma


def _describe_components(parts: InterfaceComponents, contrast: ModeAsymmetry | None, at: float) -> Iterator[Part]:
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
    yield Grid("modes that only the interface has", heads, rows)
    if any("–" in row for row in rows):
        yield Note("a strength within two of its errors is no mode: it has no occupation and no temperature")
    sides = zip(("gain", "loss"), parts.mixture, strict=True)
    shares = "; ".join(f"{side} side {mix[0]:.3g} of the left and {mix[1]:.3g} of the right" for side, mix in sides)
    yield f"bulk taken off: {shares}; probability of a worse fit {format_probability(parts.pvalue)}"
    if contrast is not None:
        title = "(forward - reverse)/(forward + reverse) by direction of the heat flow; – where a mode is too faint"
        yield Table(title, _asymmetry_columns(contrast))


def _asymmetry_columns(contrast: ModeAsymmetry) -> list[Column]:
    import numpy as np

    columns = [Column("mode", contrast.modes)]
    for name, values, errors in (
        ("strength", contrast.value, contrast.sigma),
        ("occupation", contrast.occupation, contrast.occupation_sigma),
    ):
        known = (errors < _MAX_CONTRAST_ERROR) & (contrast.sigma < _MAX_CONTRAST_ERROR)
        columns.append(Column(f" {name}", error_cells(np.where(known, values, math.nan), errors)))
    return columns
