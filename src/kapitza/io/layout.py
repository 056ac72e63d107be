"""Layers of a GDS layout as blocks and sources of a device file.

gds = "chip.gds"                     # beside the device file
gds_cell = "TOP"                     # where more than one cell stands at the top
gds_origin = ["0 um", "0 um"]        # corner of the device (x = 0, y = 0) in the layout

[[gds_layers]]                       # a layer of the layout that is a body: boxes between two depths
layer = 1
datatype = 0
name = "metal"
material = "Al"                      # or conductivity and the other keys of a block
top = "0 nm"                         # depths below the top face of the stack
bottom = "500 nm"
power = "1 mW"                       # evenly in all of it

[[gds_sources]]                      # a layer of the layout that is heat on a plane
layer = 2
datatype = 0
name = "channel"
flux = "1 GW/m2"                     # or power, of all of it
on = "GaN"                           # top face of this layer of the device, of the first if not given
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.device.description import fixed
from kapitza.io.layout_gds import Drawing, read_drawing
from kapitza.io.sections import Section

KEYS = ("gds", "gds_cell", "gds_origin", "gds_layers", "gds_sources")
BODY = (
    "name", "material", "conductivity", "in_plane", "in_plane_y", "heat_capacity", "exponent", "conductivities",
    "of_temperature", "over",
)  # fmt: skip
SOURCE = ("depth", "from_bottom", "course", "frequency", "period", "width", "count")
MOST = 500  # boxes: each is a region of its own
CELLS = 4_000_000  # of the raster that polygons are cut on
Rectangles = tuple[tuple[float, float, float, float], ...]  # x from, to, y from, to, m


@frozen(eq=False)
class Drawn:
    """What a layout adds to a device file.

    Attributes
    ----------
    blocks : one for each box of a layer, as the file would have it
    sources : one for each rectangle of a source
    owner : name of the layer of the layout, by name of the box
    """

    blocks: tuple[Section, ...] = ()
    sources: tuple[Section, ...] = ()
    owner: Mapping[str, str] = field(factory=dict, converter=fixed)


def read_drawn(top: Section) -> Drawn:
    """Return blocks and sources from the layout that a device file names; nothing where it names none.

    Raises
    ------
    DataError
        for what is no layout, layers that it does not have, inclined edges, more than 500 boxes
    MissingEngine
        where gdstk is not installed
    OSError
        if the layout is missing or may not be read
    """
    if "gds" not in top:
        for key in KEYS[1:]:
            if key in top:
                raise top.fault('needs a layout: gds = "chip.gds"', key)
        return Drawn()
    layers, heated = top.sections("gds_layers"), top.sections("gds_sources")
    if not layers and not heated:
        raise top.fault("names a layout, and neither [[gds_layers]] nor [[gds_sources]] say what it holds", "gds")
    drawing = read_drawing(top)
    blocks: list[Section] = []
    owner: dict[str, str] = {}
    for section in layers:
        own = boxes_of(section, rectangles_of(section, drawing))
        owner |= {one.text("name"): section.text("name", section.text("material", "") or None) for one in own}
        blocks += own
    sources = [one for section in heated for one in patches_of(section, rectangles_of(section, drawing))]
    if len(blocks) + len(sources) > MOST:
        raise top.fault(
            f"becomes {len(blocks)} boxes and {len(sources)} patches of heat, at most {MOST} are taken: leave layers "
            "out, or cut a part of the layout that repeats",
            "gds",
        )
    return Drawn(tuple(blocks), tuple(sources), owner)


def rectangles_of(section: Section, drawing: Drawing) -> Rectangles:
    """Rectangles that a layer of the layout is cut into, from the corner of the device, m."""
    layer, datatype = (whole(section, key) for key in ("layer", "datatype"))
    found = drawing.polygons(layer, datatype)
    if not found:
        there = ", ".join(f"{a}/{b}" for a, b in drawing.layers[:12]) or "none"
        raise section.fault(
            f"the layout has no layer {layer}/{datatype} in cell {drawing.name!r}: there are {there}", "layer"
        )
    for points in found:
        step = np.roll(points, -1, axis=0) - points
        inclined = np.flatnonzero((step != 0).all(axis=1))
        if inclined.size:
            start, end = points[inclined[0]], (points[inclined[0]] + step[inclined[0]])
            told = [f"({x * drawing.grid * 1e6:g}, {y * drawing.grid * 1e6:g})" for x, y in (start, end)]
            raise section.fault(
                f"layer {layer}/{datatype} has an inclined edge from {told[0]} to {told[1]} um: a staircase of boxes "
                "never gets its area right; describe the device by a mesh instead",
                "layer",
            )
    cut = manhattan(found)
    if cut is None:
        raise section.fault(f"layer {layer}/{datatype} has too many edges to be cut into boxes", "layer")
    return tuple(
        (
            x0 * drawing.grid - drawing.origin[0],
            x1 * drawing.grid - drawing.origin[0],
            y0 * drawing.grid - drawing.origin[1],
            y1 * drawing.grid - drawing.origin[1],
        )
        for x0, x1, y0, y1 in cut
    )


def whole(section: Section, key: str) -> int:
    """Number of a layer or of its datatype."""
    value: Any = section.table.get(key, 0 if key == "datatype" else None)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 65536:
        raise section.fault(f"expected a whole number from 0 to 65535, got {value!r:.40}", key)
    return value


def manhattan(polygons: Iterable[NDArray[np.int64]]) -> list[tuple[int, int, int, int]] | None:
    """Cut the union of polygons without inclined edges into rectangles; None where there are too many edges.

    Parameters
    ----------
    polygons : (n, 2) corners on a grid of whole numbers

    Returns
    -------
    x from, to, y from, to of each rectangle: as long along x as they can be, then joined along y
    """
    held = list(polygons)
    x, y = (np.unique(np.concatenate([points[:, axis] for points in held])) for axis in (0, 1))
    if (x.size - 1) * (y.size - 1) > CELLS:
        return None
    inside = np.zeros((x.size - 1, y.size - 1), dtype=bool)
    for points in held:
        inside |= covered(points, x, y)
    open_runs: dict[tuple[int, int], int] = {}
    found: list[tuple[int, int, int, int]] = []
    for j in range(y.size):
        runs = runs_of(inside[:, j]) if j < y.size - 1 else set[tuple[int, int]]()
        for run in [one for one in open_runs if one not in runs]:
            start = open_runs.pop(run)
            found.append((int(x[run[0]]), int(x[run[1]]), int(y[start]), int(y[j])))
        for run in runs:
            open_runs.setdefault(run, j)
    return sorted(found)


def covered(points: NDArray[np.int64], x: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Cells between x and y that lie inside of a polygon: an odd number of upright edges stands left of them."""
    crossings = np.zeros((x.size, y.size - 1), dtype=np.int64)
    following = np.roll(points, -1, axis=0)
    for (at, low), (_, high) in zip(points, following, strict=True):
        if low != high:
            rows = slice(*np.searchsorted(y, sorted((low, high))))
            crossings[np.searchsorted(x, at), rows] += 1
    return np.cumsum(crossings, axis=0)[:-1] % 2 == 1


def runs_of(inside: NDArray[np.bool_]) -> set[tuple[int, int]]:
    """First and last edge of each run of cells."""
    change = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(np.int8)))
    return {(int(a), int(b)) for a, b in change.reshape(-1, 2)}


def boxes_of(section: Section, rectangles: Rectangles) -> list[Section]:
    """Tables of blocks: those of a layer of the layout, which share its power by their area."""
    section.known((*BODY, "layer", "datatype", "top", "bottom", "power", "heat"))
    kept = {key: value for key, value in section.table.items() if key in (*BODY, "heat")}
    name = section.text("name", section.text("material", "") or None)
    low, high = (section.number(key, "length") for key in ("top", "bottom"))
    if not low < high:
        raise section.fault(f"runs from {low:g} to {high:g} m: top is the depth of its upper face", "bottom")
    power = section.optional("power", "power")
    return [
        evolve(
            section,
            table=kept
            | {"name": one, "x": [x0, x1], "y": [y0, y1], "z": [low, high]}
            | ({} if power is None else {"power": power * part}),
        )
        for one, (x0, x1, y0, y1), part in zip(names_of(name, rectangles), rectangles, shares(rectangles), strict=True)
    ]


def patches_of(section: Section, rectangles: Rectangles) -> list[Section]:
    """Tables of sources: those of a layer of the layout that is heat, which share its power by their area."""
    section.known((*SOURCE, "name", "layer", "datatype", "power", "flux", "on"))
    kept = {key: value for key, value in section.table.items() if key in SOURCE}
    if "on" in section:
        kept["layer"] = section.text("on")
    if ("power" in section) == ("flux" in section):
        raise section.fault("expected power (of all of it) or flux (such as '1 GW/m2'), one of them", "power")
    given: list[dict[str, float]] = (
        [{"flux": section.number("flux", "flux")}] * len(rectangles)
        if "flux" in section
        else [{"power": section.number("power", "power") * part} for part in shares(rectangles)]
    )
    return [
        evolve(section, table=kept | heat | {"name": one, "x": [x0, x1], "y": [y0, y1]})
        for one, (x0, x1, y0, y1), heat in zip(
            names_of(section.text("name"), rectangles), rectangles, given, strict=True
        )
    ]


def names_of(name: str, rectangles: Rectangles) -> list[str]:
    """Name of each rectangle: that of the layer where it has one alone, else with a number."""
    return [name] if len(rectangles) == 1 else [f"{name}#{i + 1}" for i in range(len(rectangles))]


def shares(rectangles: Rectangles) -> Array:
    """(n,) part of the area of each rectangle."""
    x0, x1, y0, y1 = np.array(rectangles).T
    area: Array = (x1 - x0) * (y1 - y0)
    return area / area.sum()
