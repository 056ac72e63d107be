"""Sources of heat and patches of device files."""

from typing import Any

import numpy as np

from kapitza.core.arrays import Array
from kapitza.core.stack import Stack
from kapitza.device.courses import Course, Periodic, Pulses, Steady, Step
from kapitza.device.description import Box, HeatSource
from kapitza.device.setup import Plane, position
from kapitza.device.shapes import Disc, GaussianSpot, HeatMap, Patch, Rectangle, Shape
from kapitza.errors import DataError
from kapitza.io.files import read_limited
from kapitza.io.quantities import quantity
from kapitza.io.samples import guarded
from kapitza.io.sections import Section

PLACE = ("layer", "depth", "from_bottom")
SHAPE = ("shape", "x", "y", "center", "radius", "radius_y", "map")
COURSE = ("course", "frequency", "period", "width", "count")
LARGEST = 2**27  # bytes of a map


def read_source(section: Section, stack: Stack, box: Box | None) -> HeatSource:
    """One source of heat."""
    section.known(("name", "power", "flux", "through", *PLACE, *SHAPE, *COURSE))
    shape = read_shape(section, box)
    if ("power" in section) == ("flux" in section):
        raise section.fault("expected power (such as '5 W') or flux (such as '1 GW/m2'), one of them", "power")
    if "flux" in section:
        area = shape.area if shape is not None else box.area if box is not None else None
        if area is None:
            raise section.fault("a flux needs a shape or a box", "flux")
        power = section.number("flux", "flux") * area
    else:
        power = section.number("power", "power")
    through = section.table.get("through", False)
    if not isinstance(through, bool):
        raise section.fault(f"expected true or false, got {through!r:.40}", "through")
    plane = read_plane(section, stack)
    course = guarded(section, "course", lambda: read_course(section))
    return guarded(
        section,
        "",
        lambda: HeatSource(section.text("name"), power, shape, plane, through=through, course=course),
    )


def read_plane(section: Section, stack: Stack) -> Plane:
    """A plane; the top face of the stack where the file names no layer."""
    layer = section.text("layer", stack.layers[0].name)
    depth = section.number("depth", "length", 0.0)
    plane = guarded(section, "depth", lambda: Plane(layer, depth, from_bottom=section.table.get("from_bottom") is True))
    guarded(section, "layer", lambda: position(plane, stack))
    return plane


def read_shape(section: Section, box: Box | None) -> Shape | None:
    """A rectangle from x and y, a disc or a Gaussian spot from center and radius, a map; None for none of these."""
    if "map" in section:
        return read_map(section, box)
    if "radius" in section:
        centre = lengths(section, "center")
        radius = section.number("radius", "length")
        if section.text("shape", "disc", choices=("disc", "gaussian")) == "disc":
            return guarded(section, "radius", lambda: Disc(*centre, radius))
        radius_y = section.optional("radius_y", "length")
        return guarded(section, "radius", lambda: GaussianSpot(*centre, radius, radius_y))
    if "x" in section or "y" in section:
        return guarded(section, "x", lambda: Rectangle(lengths(section, "x"), lengths(section, "y")))
    if "shape" in section:
        raise section.fault("needs x and y, or center and radius", "shape")
    return None


def lengths(section: Section, key: str) -> tuple[float, float]:
    """Two lengths, m."""
    value: Any = section.table.get(key)
    if not isinstance(value, list) or len(value) != 2:
        raise section.fault(f"expected two lengths such as ['0 um', '2 um'], got {value!r:.60}", key)
    first, second = value
    return guarded(section, key, lambda: (quantity(first, "length", what=key), quantity(second, "length", what=key)))


def read_map(section: Section, box: Box | None) -> HeatMap:
    """A map of fluxes from a table: a line for each x, a column for each y; over the box if no place is given."""
    path = section.beside("map")
    if ("x" not in section or "y" not in section) and box is None:
        raise section.fault("needs x and y, the ranges that its pixels fill, where there is no box", "map")
    x = lengths(section, "x") if "x" in section or box is None else (0.0, box.width)
    y = lengths(section, "y") if "y" in section or box is None else (0.0, box.depth)
    text = read_limited(path, LARGEST).decode(errors="replace")
    rows = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    values: list[Array] = []
    for i, line in enumerate(rows):
        cells = line.replace(",", " ").replace(";", " ").split()
        try:
            values.append(np.array([float(cell) for cell in cells]))
        except ValueError as err:
            raise DataError(f"row {i + 1} holds what is no number: {line.strip()!r:.40}", file=path) from err
        if values[-1].size != values[0].size:
            raise DataError(f"row {i + 1} has {values[-1].size} numbers, the first {values[0].size}", file=path)
    return guarded(section, "map", lambda: HeatMap(np.array(values), x, y))


def read_course(section: Section) -> Course:
    """How the power goes in time."""
    if "period" in section:
        count: Any = section.table.get("count")
        if count is not None and type(count) is not int:
            raise section.fault(f"expected a number of pulses, got {count!r:.40}", "count")
        return Pulses(section.number("period", "time"), section.number("width", "time"), count)
    if "frequency" in section:
        return Periodic(section.number("frequency", "frequency"))
    name = section.text("course", "steady", choices=("steady", "step"))
    return Steady() if name == "steady" else Step()


def read_patches(section: Section, stack: Stack) -> dict[str, tuple[Plane, Patch]]:
    """Patches over which temperatures are averaged, from [patches.name]."""
    found: dict[str, tuple[Plane, Patch]] = {}
    for name in section.table:
        inside = section.section(name)
        inside.known((*PLACE, "x", "y", "center", "radius"))
        shape = read_shape(inside, None)
        if not isinstance(shape, (Rectangle, Disc)):
            raise inside.fault("expected x and y, or center and radius")
        found[name] = read_plane(inside, stack), shape
    return found
