"""Sources of heat and patches of device files."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from kapitza.core.arrays import Array
from kapitza.core.files import read_limited
from kapitza.core.stack import Stack
from kapitza.device.description import Box, HeatSource, PeriodicPower, PulsedPower, SteadyPower, StepPower, Waveform
from kapitza.device.setup import Plane, locate_plane
from kapitza.device.shapes import Disc, GaussianSpot, HeatMap, Patch, Rectangle, SourceShape
from kapitza.errors import DataError
from kapitza.io import toml
from kapitza.io.plausibility import warn
from kapitza.io.toml import Table, TomlTable

_LEAST_DUTY = 1e-5  # of the time that pulses are on, below which a unit may have slipped
_MAX_MAP_BYTES = 2**27  # bytes of a map


def two_lengths(section: TomlTable, key: str) -> tuple[float, float]:
    """Two lengths, m."""
    value: Any = section.table.get(key)
    if not isinstance(value, list) or len(value) != 2:
        raise section.fault(f"expected two lengths such as ['0 um', '2 um'], got {value!r:.60}", key)
    first, second = (toml.read_quantity(section, key, length, "length", key) for length in value)
    return first, second


def _check_shape(section: TomlTable) -> None:
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


def _check_waveform(section: TomlTable) -> None:
    kinds = [key for key in ("course", "frequency", "period") if key in section]
    if len(kinds) > 1:
        raise section.fault(f"stands beside {kinds[0]}: expected one of them", kinds[1])
    for key in ("width", "count"):
        if key in section and "period" not in section:
            raise section.fault("is that of pulses: expected a period as well, such as '10 us'", key)
    if "period" in section:
        section.number("width", "time")


POWER_OR_FLUX = toml.refuse_if(
    lambda section: ("power" in section) == ("flux" in section),
    "expected power (such as '5 W') or flux (such as '1 GW/m2'), one of them",
    "power",
)
_PLACE = (
    toml.text("layer", "layer that is heated or read; the top one if omitted", None),
    toml.number("depth", "length", "depth of the plane below the top face of the layer", 0.0),
    toml.flag("from_bottom", "count the depth from the bottom face of the layer"),
)
_AREA = (
    toml.special("x", "two lengths", "range along x", two_lengths),
    toml.special("y", "two lengths", "range along y", two_lengths),
    toml.special("center", "two lengths", "x and y of the centre", two_lengths),
    toml.number("radius", "length", "radius of a disc, or 1/e² radius of a Gaussian spot", None),
)
WAVEFORM = (
    toml.text("course", "power constant at all times, or switched on at time 0", "steady", choices=("steady", "step")),
    toml.number("frequency", "frequency", "frequency of a sinusoidal power", None),
    toml.number("period", "time", "period of pulses", None),
    toml.number("width", "time", "length of each pulse", None),
    toml.count("count", "number of pulses; unlimited if omitted", None, low=1),
)
SOURCE = Table(
    [
        toml.text("name", "name of the source"),
        toml.number("power", "power", "power of the whole source", None),
        toml.number("flux", "flux", "power per area, instead of `power`", None),
        toml.flag("through", "heat the whole thickness of the layer evenly"),
        *_PLACE,
        toml.text("shape", "shape with a radius", "disc", choices=("disc", "gaussian")),
        *_AREA,
        toml.number("radius_y", "length", "1/e² radius of a Gaussian spot along y; `radius` if omitted", None),
        toml.file("map", "table of fluxes in W/m², a line for each x, a column for each y", None),
        *WAVEFORM,
    ],
    "Heat source; over the whole plane without a shape.",
    checks=(_check_shape, POWER_OR_FLUX, _check_waveform),
)
PATCH = Table([*_PLACE, *_AREA], "Rectangle or disc over which the temperature is averaged.", checks=(_check_shape,))
PATCHES = toml.named_tables("patches", PATCH)


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
    return section.locate(
        "", lambda: HeatSource(values["name"], power, shape, plane, volumetric=values["through"], waveform=waveform)
    )


def _read_source_plane(section: TomlTable, values: Mapping[str, Any], stack: Stack) -> Plane:
    layer = stack.layers[0].name if values["layer"] is None else values["layer"]
    plane = section.locate("depth", lambda: Plane(layer, values["depth"], from_bottom=values["from_bottom"]))
    section.locate("layer", locate_plane, plane, stack)
    return plane


def _read_shape(section: TomlTable, values: Mapping[str, Any], box: Box | None) -> SourceShape | None:
    """A rectangle from x and y, a disc or a Gaussian spot from center and radius, a map; None for none of these."""
    if values.get("map") is not None:
        return _read_heat_map(section, values, box)
    if values["radius"] is not None:
        centre, radius = two_lengths(section, "center"), values["radius"]
        if values.get("shape", "disc") == "disc":
            return section.locate("radius", Disc, *centre, radius)
        return section.locate("radius", GaussianSpot, *centre, radius, values["radius_y"])
    if "x" in section or "y" in section:
        return section.locate("x", Rectangle, two_lengths(section, "x"), two_lengths(section, "y"))
    return None


def _read_heat_map(section: TomlTable, values: Mapping[str, Any], box: Box | None) -> HeatMap:
    """A map of fluxes from a table: a line for each x, a column for each y; over the box if no place is given."""
    path = values["map"]
    x, y = values["x"], values["y"]
    if box is not None:
        x, y = x or (0.0, box.width), y or (0.0, box.depth)
    if x is None or y is None:
        raise section.fault("needs x and y, the ranges that its pixels fill, where there is no box", "map")
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
    return section.locate("map", HeatMap, np.array(table), x, y)


def _read_waveform(section: TomlTable, values: Mapping[str, Any]) -> Waveform:
    period, width = values["period"], values["width"]
    if period is not None:
        pulses = section.locate("width" if period > 0 else "period", PulsedPower, period, width, values["count"])
        if width < _LEAST_DUTY * period:
            warn(
                f"{values['name']} is on for {width:g} s of every {period:g} s, a part of {width / period:.1g}: "
                "is period or width in another unit?"
            )
        return pulses
    if values["frequency"] is not None:
        return section.locate("frequency", PeriodicPower, values["frequency"])
    return SteadyPower() if values["course"] == "steady" else StepPower()


def read_patches(section: TomlTable, stack: Stack) -> dict[str, tuple[Plane, Patch]]:
    """Patches over which temperatures are averaged, from [patches.name]."""
    patches: dict[str, tuple[Plane, Patch]] = {}
    for name in section.table:
        inside = section.section(name)
        values = PATCH.read(inside)
        shape = _read_shape(inside, values, None)
        if not isinstance(shape, (Rectangle, Disc)):
            raise inside.fault("expected x and y, or center and radius")
        patches[name] = _read_source_plane(inside, values, stack), shape
    return patches
