"""The command `eels resistance`: thermal resistivity of each neighbourhood of a map."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import kapitza
from kapitza.cli.eels.jump import load_maps
from kapitza.cli.eels.options import Across, KeepMisfits, MapFile, format_probability
from kapitza.cli.figures import Results
from kapitza.cli.layer import Option, Panel
from kapitza.cli.output import quantity_json
from kapitza.cli.tables import Note, Part
from kapitza.core.parameter_units import with_error
from kapitza.errors import DataError, InputError
from kapitza.units import nm

if TYPE_CHECKING:
    from kapitza.core.arrays import Array
    from kapitza.eels import TemperatureMap
    from kapitza.eels.heat_flow import LocalResistance

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
    local = kapitza.eels.heat_flow.local_resistance(
        kapitza.eels.diagnosis.widen_misfits(maps["common"]) if keep else maps["common"],
        radius,
        flux=None if flux is None else (abs(flux[0]), flux[1]),
        spread=spread,
        interface=interface,
    )
    slope = None if image is None else local.structure_slope(image)
    drawn: dict[str, Any] = {"image": image, "image_name": Path(structure or "structure").stem, "interface": interface}
    rows, high = (1 if image is None else 2), 2.6
    if len(local.position) == 2:
        high = min(
            2.6, 0.5 + 5.6 * (local.position[0].size * _pitch(local, 0)) / (local.position[1].size * _pitch(local, 1))
        )
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


def _pitch(found: LocalResistance, axis: int) -> float:
    """Distance of pixels along an axis of a map, m."""
    places = found.position[axis]
    return float(places[-1] - places[0]) / max(places.size - 1, 1)


def _structure_image(maps: dict[str, TemperatureMap], structure: str, across: str) -> Array:
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


def _describe_resistance(found: LocalResistance, name: str) -> Iterator[Part]:
    import numpy as np

    unit = "" if found.relative else " m K/W"
    apart = found.pvalue() < _LEVEL
    known = np.isfinite(found.value)
    yield (
        f"{name}: neighbourhoods of {found.radius / nm:g} nm, resolution {found.resolution / nm:.3g} nm, "
        f"{int(known.sum())} of {known.size} pixels"
    )
    if found.relative:
        mean = f"relative to the mean of the map, which is known to {100 * found.common:.2g} %"
    elif found.common > 0:
        mean = f"mean 1/k {found.mean:.4g} m K/W, with {100 * found.common:.2g} % of uncertainty from the flux"
    else:
        mean = f"mean 1/k {found.mean:.4g} m K/W, the flux taken as exact"
    yield (
        f"{mean}; one pixel to {np.nanmedian(found.sigma):.2g}{unit}, "
        f"values from {np.nanmin(found.value):.3g} to {np.nanmax(found.value):.3g}{unit}"
    )
    yield f"{int(apart.sum())} pixels differ from the mean at 5 %, corrected for their number by Holm"
    if apart.any():
        place = np.unravel_index(int(np.nanargmin(found.pvalue())), found.value.shape)
        where = ", ".join(
            f"{letter} = {axis[i] / nm:.4g} nm"
            for letter, axis, i in zip(("y", "x")[-len(place) :], found.position, place, strict=True)
        )
        yield f"surest at {where}: {with_error(float(found.value[place]), float(found.sigma[place]))}{unit}"
        yield Note(
            "a plane with a resistance is a band of the width of the resolution; `eels jump` there gives its resistance"
        )
