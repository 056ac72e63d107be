"""The command `eels resistance`: thermal resistivity of each neighbourhood of a map."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import kapitza
from kapitza.cli.eels.jump import load_maps
from kapitza.cli.eels.options import Across, KeepMisfits, MapFile, format_probability
from kapitza.cli.layer import Option, Panel
from kapitza.cli.output import Column, Note, Part, Results, Values, quantity_json
from kapitza.core.parameter_units import with_error
from kapitza.errors import DataError, InputError
from kapitza.units import nm

if TYPE_CHECKING:
    from kapitza.core.arrays import Array

_LEVEL = 0.05  # at which a pixel is called different from the mean


def resistance_map(
    path: MapFile,
    *,
    radius: Annotated[
        float, Option("radius of the neighbourhoods, 6nm; their width is the resolution", "length", above=0)
    ],
    flux: Annotated[
        tuple[float, float] | None,
        Option("heat flux, 3.1GW/m2+-0.1GW/m2; relative to the mean of the map if omitted", "flux+-"),
    ],
    structure: Annotated[
        str | None, Option("image of the same pixels (text, rows of numbers), or 'amplitude', ...", metavar="FILE|NAME")
    ],
    interface: Annotated[float | None, Option("position of a plane that no neighbourhood crosses", "length")],
    spread: Annotated[kapitza.eels.PointSpread, Panel("", "width")],
    keep: KeepMisfits,
    across: Across,
    files: Results,
) -> None:
    """Thermal resistivity 1/k of each neighbourhood of a map, with its error and resolution, beside the structure."""
    maps = load_maps(path, across)
    if "common" not in maps:
        raise DataError(f"holds maps by {', '.join(maps)}, none with one temperature for all modes", file=path)
    image = None if structure is None else _structure_image(maps, structure, across)
    fitted = kapitza.eels.diagnosis.widen_misfits(maps["common"]) if keep else maps["common"]
    heat = None if flux is None else (abs(flux[0]), flux[1])
    local = kapitza.eels.heat_flow.local_resistance(fitted, radius, flux=heat, spread=spread, interface=interface)
    slope = None if image is None else local.structure_slope(image)
    drawn: dict[str, Any] = {"image": image, "image_name": Path(structure or "structure").stem, "interface": interface}
    rows, high = (1 if image is None else 2), 2.6
    if len(local.position) == 2:
        tall, wide = (local.position[i].size * _pitch(local, i) for i in range(2))
        high = min(2.6, 0.5 + 5.6 * tall / wide)
    files.draw_figure(
        lambda figure: kapitza.plot.eels.local_resistance_map(local, figure, **drawn), height=0.8 + high * rows
    )
    printed = [*_describe_resistance(local, Path(path).name)]
    if slope is not None:
        unit = "of the mean" if local.relative else "m K/W"
        printed.append(
            f"with {drawn['image_name']}: {with_error(slope[0], slope[1])} {unit} for each standard deviation of "
            f"the image (probability by chance {format_probability(slope[2])})"
        )
    derived = {} if slope is None else {"structure_slope": quantity_json(slope[0], "1", sigma=slope[1])}
    files.report(local, printed, derived)


def _pitch(found: kapitza.eels.heat_flow.LocalResistance, axis: int) -> float:
    places = found.position[axis]
    return float(places[-1] - places[0]) / max(places.size - 1, 1)


def _structure_image(maps: dict[str, kapitza.eels.TemperatureMap], structure: str, across: str) -> Array:
    """Image of the pixels of a map: a parameter of a fit by its name, or the numbers of a file."""
    for one in maps.values():
        if structure in one.names:
            return one.parameter(structure)
    shape = maps["common"].shape
    names = [name for one in maps.values() for name in one.names]
    if not Path(structure).exists() and "." not in Path(structure).name:
        raise InputError(
            f"--structure = {structure!r:.60}: neither a file nor one of {', '.join(dict.fromkeys(names))}"
        )
    image = kapitza.io.eels.read_matrix(structure, missing=True)
    image = image.T if across == "y" else image
    if image.size == maps["common"].flag.size and len(shape) == 1:
        image = image.reshape(shape)
    if image.shape != shape:
        raise DataError(
            f"has {image.shape} numbers for a map of {shape} pixels: expected the same scan", file=structure
        )
    return image


def _describe_resistance(found: kapitza.eels.heat_flow.LocalResistance, name: str) -> Iterator[Part]:
    import numpy as np

    unit = "" if found.relative else "m K W⁻¹"
    apart, known = found.pvalue() < _LEVEL, np.isfinite(found.value)
    lowest, highest, error = (
        float(one) for one in (np.nanmin(found.value), np.nanmax(found.value), np.nanmedian(found.sigma))
    )
    rows = [
        Column("radius of the neighbourhoods", [found.radius / nm], "nm"),
        Column("resolution", [found.resolution / nm], "nm"),
        *([] if found.relative else [Column("mean 1/k", [found.mean], unit)]),
        Column("uncertainty of the mean" + ("" if found.relative else ", from the flux"), [100 * found.common], "%"),
        Column("uncertainty of one pixel", [error], unit),
        Column("lowest", [lowest], unit),
        Column("highest", [highest], unit),
        Column("pixels that differ from the mean at 5 %, after Holm", [int(apart.sum())]),
    ]
    what = "1/k relative to the mean of the map" if found.relative else "1/k"
    yield Values(f"{name}: {what}, {int(known.sum())} of {known.size} pixels", rows, digits=3)
    if apart.any():
        place = np.unravel_index(int(np.nanargmin(found.pvalue())), found.value.shape)
        where = ", ".join(
            f"{letter} = {axis[i] / nm:.4g} nm"
            for letter, axis, i in zip(("y", "x")[-len(place) :], found.position, place, strict=True)
        )
        yield f"surest at {where}: {with_error(float(found.value[place]), float(found.sigma[place]))} {unit}".rstrip()
        yield Note(
            "a plane with a resistance is a band of the width of the resolution; `eels jump` there gives its resistance"
        )
