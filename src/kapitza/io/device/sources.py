"""Sources of heat and patches of device files."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from kapitza.core.arrays import Array
from kapitza.core.files import read_limited
from kapitza.core.stack import Stack
from kapitza.device.description import Box, HeatSource, PeriodicPower, PulsedPower, SteadyPower, StepPower, Waveform
from kapitza.device.setup import Plane, locate_plane
from kapitza.device.shapes import Disc, GaussianSpot, HeatMap, Patch, Rectangle, SourceShape
from kapitza.errors import DataError, ValidityWarning
from kapitza.io.quantities import quantity
from kapitza.io.toml import Table, TomlTable, count, file, flag, locate_faults, named_tables, number, special, text

_LEAST_DUTY = 1e-5  # of the time that pulses are on, below which a unit may have slipped
_MAX_MAP_BYTES = 2**27  # bytes of a map


def two_lengths(section: TomlTable, key: str) -> tuple[float, float]:
    """Two lengths, m."""
    value: Any = section.table.get(key)
    if not isinstance(value, list) or len(value) != 2:
        raise section.fault(f"expected two lengths such as ['0 um', '2 um'], got {value!r:.60}", key)
    first, second = value
    return locate_faults(
        section, key, lambda: (quantity(first, "length", what=key), quantity(second, "length", what=key))
    )


def _check_shape(section: TomlTable) -> None:
    """Refuse keys of shapes that do not belong together."""
    if "map" in section:
        return
    if ("x" in section or "y" in section) and ("center" in section or "radius" in section):
        raise section.fault("expected x and y, or center and radius, not both", "x")
    if "radius" in section and "radius_y" in section and section.text("shape", "disc") == "disc":
        raise section.fault("is that of shape = 'gaussian': a disc has one radius", "radius_y")
    if "center" in section and "radius" not in section:
        raise section.fault("needs a radius", "center")
    if "shape" in section and not {"radius", "x", "y"} & set(section.table):
        raise section.fault("needs x and y, or center and radius", "shape")


def _check_power(section: TomlTable) -> None:
    """Refuse a source with neither or both of a power and a flux."""
    if ("power" in section) == ("flux" in section):
        raise section.fault("expected power (such as '5 W') or flux (such as '1 GW/m2'), one of them", "power")


def _check_waveform(section: TomlTable) -> None:
    """Refuse keys of waveforms that do not belong together."""
    kinds = [key for key in ("course", "frequency", "period") if key in section]
    if len(kinds) > 1:
        raise section.fault(f"stands beside {kinds[0]}: expected one of them", kinds[1])
    for key in ("width", "count"):
        if key in section and "period" not in section:
            raise section.fault("is that of pulses: expected a period as well, such as '10 us'", key)
    if "period" in section:
        section.number("width", "time")


_PLACE = (
    text("layer", "layer that is heated or read; the top one if omitted", None),
    number("depth", "length", "depth of the plane below the top face of the layer", 0.0),
    flag("from_bottom", "count the depth from the bottom face of the layer"),
)
_AREA = (
    special("x", "two lengths", "range along x", two_lengths),
    special("y", "two lengths", "range along y", two_lengths),
    special("center", "two lengths", "x and y of the centre", two_lengths),
    number("radius", "length", "radius of a disc, or 1/e² radius of a Gaussian spot", None),
)
WAVEFORM = (
    text("course", "power constant at all times, or switched on at time 0", "steady", choices=("steady", "step")),
    number("frequency", "frequency", "frequency of a sinusoidal power", None),
    number("period", "time", "period of pulses", None),
    number("width", "time", "length of each pulse", None),
    count("count", "number of pulses; unlimited if omitted", None, low=1),
)
SOURCE = Table(
    [
        text("name", "name of the source"),
        number("power", "power", "power of the whole source", None),
        number("flux", "flux", "power per area, instead of `power`", None),
        flag("through", "heat the whole thickness of the layer evenly"),
        *_PLACE,
        text("shape", "shape with a radius", "disc", choices=("disc", "gaussian")),
        *_AREA,
        number("radius_y", "length", "1/e² radius of a Gaussian spot along y; `radius` if omitted", None),
        file("map", "table of fluxes in W/m², a line for each x, a column for each y", None),
        *WAVEFORM,
    ],
    "Heat source; over the whole plane without a shape.",
    checks=(_check_shape, _check_power, _check_waveform),
)
PATCH = Table([*_PLACE, *_AREA], "Rectangle or disc over which the temperature is averaged.", checks=(_check_shape,))
PATCHES = named_tables("patches", PATCH)


def read_source(section: TomlTable, stack: Stack, box: Box | None) -> HeatSource:
    """One source of heat."""
    values = SOURCE.read(section)
    shape = _read_shape(section, values, box)
    power = values["power"]
    if power is None:
        area = shape.area if shape is not None else box.area if box is not None else None
        if area is None:
            raise section.fault("a flux needs a shape or a box", "flux")
        power = values["flux"] * area
    plane, waveform = _read_source_plane(section, values, stack), _read_waveform(section, values)
    return locate_faults(
        section,
        "",
        lambda: HeatSource(values["name"], power, shape, plane, volumetric=values["through"], waveform=waveform),
    )


def _read_source_plane(section: TomlTable, values: Mapping[str, Any], stack: Stack) -> Plane:
    """A plane; the top face of the stack where the file names no layer."""
    layer = stack.layers[0].name if values["layer"] is None else values["layer"]
    plane = locate_faults(section, "depth", lambda: Plane(layer, values["depth"], from_bottom=values["from_bottom"]))
    locate_faults(section, "layer", lambda: locate_plane(plane, stack))
    return plane


def _read_shape(section: TomlTable, values: Mapping[str, Any], box: Box | None) -> SourceShape | None:
    """A rectangle from x and y, a disc or a Gaussian spot from center and radius, a map; None for none of these."""
    if values.get("map") is not None:
        return _read_heat_map(section, values, box)
    if values["radius"] is not None:
        centre, radius = two_lengths(section, "center"), values["radius"]
        if values.get("shape", "disc") == "disc":
            return locate_faults(section, "radius", lambda: Disc(*centre, radius))
        return locate_faults(section, "radius", lambda: GaussianSpot(*centre, radius, values["radius_y"]))
    if "x" in section or "y" in section:
        return locate_faults(section, "x", lambda: Rectangle(two_lengths(section, "x"), two_lengths(section, "y")))
    return None


def _read_heat_map(section: TomlTable, values: Mapping[str, Any], box: Box | None) -> HeatMap:
    """A map of fluxes from a table: a line for each x, a column for each y; over the box if no place is given."""
    path = values["map"]
    if (values["x"] is None or values["y"] is None) and box is None:
        raise section.fault("needs x and y, the ranges that its pixels fill, where there is no box", "map")
    x = values["x"] or (0.0, box.width)  # pyright: ignore[reportOptionalMemberAccess]
    y = values["y"] or (0.0, box.depth)  # pyright: ignore[reportOptionalMemberAccess]
    content = read_limited(path, _MAX_MAP_BYTES).decode(errors="replace")
    rows = [line for line in content.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    table: list[Array] = []
    for i, line in enumerate(rows):
        cells = line.replace(",", " ").replace(";", " ").split()
        try:
            table.append(np.array([float(cell) for cell in cells]))
        except ValueError as err:
            raise DataError(f"row {i + 1}: not a number: {line.strip()!r:.40}", file=path) from err
        if table[-1].size != table[0].size:
            raise DataError(f"row {i + 1} has {table[-1].size} numbers, the first {table[0].size}", file=path)
    return locate_faults(section, "map", lambda: HeatMap(np.array(table), x, y))


def _read_waveform(section: TomlTable, values: Mapping[str, Any]) -> Waveform:
    """How the power goes in time."""
    period, width = values["period"], values["width"]
    if period is not None:
        found = locate_faults(
            section, "width" if period > 0 else "period", lambda: PulsedPower(period, width, values["count"])
        )
        if width < _LEAST_DUTY * period:
            warnings.warn(
                f"{values['name']} is on for {width:g} s of every {period:g} s, a part of {width / period:.1g}: "
                "is period or width in another unit?",
                ValidityWarning,
                stacklevel=2,
            )
        return found
    frequency = values["frequency"]
    if frequency is not None:
        return locate_faults(section, "frequency", lambda: PeriodicPower(frequency))
    return SteadyPower() if values["course"] == "steady" else StepPower()


def read_patches(section: TomlTable, stack: Stack) -> dict[str, tuple[Plane, Patch]]:
    """Patches over which temperatures are averaged, from [patches.name]."""
    found: dict[str, tuple[Plane, Patch]] = {}
    for name in section.table:
        inside = section.section(name)
        values = PATCH.read(inside)
        shape = _read_shape(inside, values, None)
        if not isinstance(shape, (Rectangle, Disc)):
            raise inside.fault("expected x and y, or center and radius")
        found[name] = _read_source_plane(inside, values, stack), shape
    return found
