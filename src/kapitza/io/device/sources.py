"""Sources of heat and patches of device files."""

import warnings
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
from kapitza.io.toml import TomlTable, locate_faults

_PLACE_KEYS = ("layer", "depth", "from_bottom")
_SHAPE_KEYS = ("shape", "x", "y", "center", "radius", "radius_y", "map")
_WAVEFORM_KEYS = ("course", "frequency", "period", "width", "count")
_LEAST_DUTY = 1e-5  # of the time that pulses are on, below which a unit may have slipped
_MAX_MAP_BYTES = 2**27  # bytes of a map


def read_source(section: TomlTable, stack: Stack, box: Box | None) -> HeatSource:
    """One source of heat."""
    section.check_keys(("name", "power", "flux", "through", *_PLACE_KEYS, *_SHAPE_KEYS, *_WAVEFORM_KEYS))
    shape = _read_shape(section, box)
    if ("power" in section) == ("flux" in section):
        raise section.fault("expected power (such as '5 W') or flux (such as '1 GW/m2'), one of them", "power")
    if "flux" in section:
        area = shape.area if shape is not None else box.area if box is not None else None
        if area is None:
            raise section.fault("a flux needs a shape or a box", "flux")
        power = section.number("flux", "flux") * area
    else:
        power = section.number("power", "power")
    plane = _read_source_plane(section, stack)
    through = section.flag("through")
    waveform = _read_waveform(section)
    return locate_faults(
        section,
        "",
        lambda: HeatSource(section.text("name"), power, shape, plane, volumetric=through, waveform=waveform),
    )


def _read_source_plane(section: TomlTable, stack: Stack) -> Plane:
    """A plane; the top face of the stack where the file names no layer."""
    layer = section.text("layer", stack.layers[0].name)
    depth = section.number("depth", "length", 0.0)
    plane = locate_faults(
        section, "depth", lambda: Plane(layer, depth, from_bottom=section.table.get("from_bottom") is True)
    )
    locate_faults(section, "layer", lambda: locate_plane(plane, stack))
    return plane


def _read_shape(section: TomlTable, box: Box | None) -> SourceShape | None:
    """A rectangle from x and y, a disc or a Gaussian spot from center and radius, a map; None for none of these."""
    if "map" in section:
        return _read_heat_map(section, box)
    if ("x" in section or "y" in section) and ("center" in section or "radius" in section):
        raise section.fault("expected x and y, or center and radius, not both", "x")
    if "radius" in section:
        centre = two_lengths(section, "center")
        radius = section.number("radius", "length")
        if section.text("shape", "disc", choices=("disc", "gaussian")) == "disc":
            if "radius_y" in section:
                raise section.fault("is that of shape = 'gaussian': a disc has one radius", "radius_y")
            return locate_faults(section, "radius", lambda: Disc(*centre, radius))
        radius_y = section.optional("radius_y", "length")
        return locate_faults(section, "radius", lambda: GaussianSpot(*centre, radius, radius_y))
    if "x" in section or "y" in section:
        return locate_faults(section, "x", lambda: Rectangle(two_lengths(section, "x"), two_lengths(section, "y")))
    if "center" in section:
        raise section.fault("needs a radius", "center")
    if "shape" in section:
        raise section.fault("needs x and y, or center and radius", "shape")
    return None


def two_lengths(section: TomlTable, key: str) -> tuple[float, float]:
    """Two lengths, m."""
    value: Any = section.table.get(key)
    if not isinstance(value, list) or len(value) != 2:
        raise section.fault(f"expected two lengths such as ['0 um', '2 um'], got {value!r:.60}", key)
    first, second = value
    return locate_faults(
        section, key, lambda: (quantity(first, "length", what=key), quantity(second, "length", what=key))
    )


def _read_heat_map(section: TomlTable, box: Box | None) -> HeatMap:
    """A map of fluxes from a table: a line for each x, a column for each y; over the box if no place is given."""
    path = section.beside("map")
    if ("x" not in section or "y" not in section) and box is None:
        raise section.fault("needs x and y, the ranges that its pixels fill, where there is no box", "map")
    x = two_lengths(section, "x") if "x" in section or box is None else (0.0, box.width)
    y = two_lengths(section, "y") if "y" in section or box is None else (0.0, box.depth)
    text = read_limited(path, _MAX_MAP_BYTES).decode(errors="replace")
    rows = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    values: list[Array] = []
    for i, line in enumerate(rows):
        cells = line.replace(",", " ").replace(";", " ").split()
        try:
            values.append(np.array([float(cell) for cell in cells]))
        except ValueError as err:
            raise DataError(f"row {i + 1}: not a number: {line.strip()!r:.40}", file=path) from err
        if values[-1].size != values[0].size:
            raise DataError(f"row {i + 1} has {values[-1].size} numbers, the first {values[0].size}", file=path)
    return locate_faults(section, "map", lambda: HeatMap(np.array(values), x, y))


def _read_waveform(section: TomlTable) -> Waveform:
    """How the power goes in time."""
    kinds = [key for key in ("course", "frequency", "period") if key in section]
    if len(kinds) > 1:
        raise section.fault(f"stands beside {kinds[0]}: expected one of them", kinds[1])
    for key in ("width", "count"):
        if key in section and "period" not in section:
            raise section.fault("is that of pulses: expected a period as well, such as '10 us'", key)
    if "period" in section:
        count = section.count("count", low=1) if "count" in section else None
        period, width = section.number("period", "time"), section.number("width", "time")
        found = locate_faults(section, "width" if period > 0 else "period", lambda: PulsedPower(period, width, count))
        if width < _LEAST_DUTY * period:
            warnings.warn(
                f"{section.text('name')} is on for {width:g} s of every {period:g} s, a part of {width / period:.1g}: "
                "is period or width in another unit?",
                ValidityWarning,
                stacklevel=2,
            )
        return found
    if "frequency" in section:
        frequency = section.number("frequency", "frequency")
        return locate_faults(section, "frequency", lambda: PeriodicPower(frequency))
    name = section.text("course", "steady", choices=("steady", "step"))
    return SteadyPower() if name == "steady" else StepPower()


def read_patches(section: TomlTable, stack: Stack) -> dict[str, tuple[Plane, Patch]]:
    """Patches over which temperatures are averaged, from [patches.name]."""
    found: dict[str, tuple[Plane, Patch]] = {}
    for name in section.table:
        inside = section.section(name)
        inside.check_keys((*_PLACE_KEYS, "x", "y", "center", "radius"))
        shape = _read_shape(inside, None)
        if not isinstance(shape, (Rectangle, Disc)):
            raise inside.fault("expected x and y, or center and radius")
        found[name] = _read_source_plane(inside, stack), shape
    return found
