"""Layers of a GDS layout as blocks and sources of a device file."""

import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, read_only_mapping
from kapitza.core.files import read_limited
from kapitza.core.records import BaseRecord
from kapitza.errors import DataError, require
from kapitza.io import toml
from kapitza.io.device.gds_child import write_polygons
from kapitza.io.device.layers import LAYER
from kapitza.io.device.sources import POWER_OR_FLUX, SOURCE, two_lengths
from kapitza.io.formats.child import run_in_child
from kapitza.io.toml import Table, TomlTable

_MAX_GDS_BYTES = 2**28  # bytes
_MAX_SECONDS = 120  # a small file may repeat a cell millions of times
_HEADER_RECORD, _ENDLIB_RECORD = 0x0002, 0x0400  # records that a file starts and ends with
_MAX_EXACT_COORDINATE = 2**52  # steps from the origin, beyond which corners are no longer exact


@frozen(eq=False)
class _GdsDrawing(BaseRecord):
    name: str  # of the cell
    corners: NDArray[np.int64]  # (n, 2) of all polygons, in steps of the grid
    ends: NDArray[np.int64]  # (m,) number of corners up to the end of each polygon
    of: NDArray[np.int64]  # (m, 2) layer and datatype of each
    grid: float  # steps that corners lie on, m
    origin: tuple[float, float]  # corner of the device, m


def _read_gds_drawing(top: TomlTable) -> _GdsDrawing:
    path = top.beside("gds")
    require("gdstk", extra="layout", why=f"reading {path.name}")
    _check_gds_records(read_limited(path, _MAX_GDS_BYTES), path)
    with TemporaryDirectory() as folder:
        target = Path(folder) / "polygons.npz"
        cells = (top.text("gds_cell"),) if "gds_cell" in top else ()
        try:
            run_in_child(write_polygons, str(path), str(target), *cells, seconds=_MAX_SECONDS)
        except DataError as err:
            raise DataError(f"is not read as a layout: {err}", file=path) from err
        with np.load(target, allow_pickle=False) as stored:
            held = dict(stored)
    unit, grid = float(held["unit"]), float(held["grid"])
    if not (np.isfinite([unit, grid]).all() and 0 < grid <= unit <= 1):
        raise DataError(f"has a unit of {unit:g} m and steps of {grid:g} m", file=path)
    steps: Array = held["points"] * (unit / grid)
    if not (np.abs(steps) < _MAX_EXACT_COORDINATE).all():
        raise DataError(f"has corners farther than {_MAX_EXACT_COORDINATE * grid:g} m from its origin", file=path)
    origin = two_lengths(top, "gds_origin") if "gds_origin" in top else (0.0, 0.0)
    corners, ends = np.round(steps).astype(np.int64), np.cumsum(held["count"], dtype=np.int64)
    layers = np.column_stack([held["layer"], held["datatype"]])
    return _GdsDrawing(str(held["name"]), corners, ends, layers, grid, origin)


def _check_gds_records(data: bytes, path: Path) -> None:
    at, kind = 0, None
    while at + 4 <= len(data) and kind != _ENDLIB_RECORD:
        length, kind = struct.unpack_from(">HH", data, at)
        if (at == 0 and kind != _HEADER_RECORD) or length < 4 or length % 2 or at + length > len(data):
            raise DataError(f"is not a GDS file: byte {at} starts no record", file=path)
        at += length
    if kind != _ENDLIB_RECORD:
        raise DataError(f"is not a complete GDS file: {len(data)} bytes end without its last record", file=path)


_MAX_RECTANGLES = 500  # boxes: each is a region of its own
_MAX_RASTER_CELLS = 4_000_000  # of the raster that polygons are cut on
_BLOCK_KEYS = (
    "name", "material", "conductivity", "in_plane", "in_plane_y", "heat_capacity", "exponent", "conductivities",
    "of_temperature", "over", "size",
)  # fmt: skip
_SOURCE_KEYS = ("depth", "from_bottom", "course", "frequency", "period", "width", "count")
_Rectangles = tuple[tuple[float, float, float, float], ...]  # x from, to, y from, to, m


def _check_heights(section: TomlTable) -> None:
    low, high = (section.number(key, "length") for key in ("top", "bottom"))
    if not low < high:
        raise section.fault(f"runs from {low:g} to {high:g} m: top is the depth of its upper face", "bottom")


_LAYER_AND_DATATYPE = (
    toml.count("layer", "number of the layer in the layout", high=65535),
    toml.count("datatype", "datatype of the layer in the layout", 0, high=65535),
)
GDS_LAYER = Table(
    [
        *(key for key in LAYER.keys if key.name in _BLOCK_KEYS),
        toml.texts("over", "names of blocks above that this layer replaces where both overlap"),
        *_LAYER_AND_DATATYPE,
        toml.number("top", "length", "depth of the upper face"),
        toml.number("bottom", "length", "depth of the lower face"),
        toml.number("power", "power", "power in all polygons, in proportion to their area", None),
        toml.number("heat", "heat", "power per volume, instead of `power`", None),
    ],
    "Layer of the layout whose polygons are blocks.",
    checks=(_check_heights,),
)
GDS_SOURCE = Table(
    [
        *(key for key in SOURCE.keys if key.name in _SOURCE_KEYS),
        toml.text("name", "name of the source"),
        *_LAYER_AND_DATATYPE,
        toml.number("power", "power", "power of all polygons, in proportion to their area", None),
        toml.number("flux", "flux", "power per area, instead of `power`", None),
        toml.text("on", "layer of the device that is heated; the top one if omitted", None),
    ],
    "Layer of the layout whose polygons are heated.",
    checks=(POWER_OR_FLUX,),
)
GDS = (
    toml.file("gds", "layout (.gds) that draws blocks and sources", None),
    toml.text("gds_cell", "cell of the layout; the top one if omitted", None),
    toml.special("gds_origin", "two lengths", "x and y of the corner of the device in the layout", two_lengths),
    toml.tables("gds_layers", GDS_LAYER),
    toml.tables("gds_sources", GDS_SOURCE),
)


@frozen(eq=False)
class GdsParts(BaseRecord):
    """What a layout adds to a device file."""

    blocks: tuple[TomlTable, ...] = ()  # one for each box of a layer, as the file would have it
    sources: tuple[TomlTable, ...] = ()  # one for each rectangle of a source
    # name of the layer of the layout, by name of the box
    owner: Mapping[str, str] = field(factory=dict, converter=read_only_mapping)


def read_gds_parts(top: TomlTable) -> GdsParts:
    """Return blocks and sources from the layout that a device file names; nothing where it names none.

    Layers that it does not have, inclined edges and more than 500 boxes are refused.
    """
    if "gds" not in top:
        for key in GDS[1:]:
            if key.name in top:
                raise top.fault('needs a layout: gds = "chip.gds"', key.name)
        return GdsParts()
    layers, sections = top.sections("gds_layers"), top.sections("gds_sources")
    if not layers and not sections:
        raise top.fault("names a layout, and neither [[gds_layers]] nor [[gds_sources]] say what it holds", "gds")
    drawing = _read_gds_drawing(top)
    blocks: list[TomlTable] = []
    owner: dict[str, str] = {}
    for section in layers:
        values = GDS_LAYER.read(section)
        kept = {key: value for key, value in section.table.items() if key in (*_BLOCK_KEYS, "heat")}
        kept |= {"name": section.name, "z": [values["top"], values["bottom"]]}
        own = _rectangle_tables(section, kept, _layer_rectangles(section, drawing), values["power"])
        owner |= {box.text("name"): section.text("name", section.text("material", "") or None) for box in own}
        blocks += own
    sources: list[TomlTable] = []
    for section in sections:
        values = GDS_SOURCE.read(section)
        kept = {key: value for key, value in section.table.items() if key in _SOURCE_KEYS}
        moved = {"layer": values["on"], "flux": values["flux"], "name": values["name"]}
        kept |= {key: value for key, value in moved.items() if value is not None}
        sources += _rectangle_tables(section, kept, _layer_rectangles(section, drawing), values["power"])
    if len(blocks) + len(sources) > _MAX_RECTANGLES:
        raise top.fault(
            f"becomes {len(blocks)} boxes and {len(sources)} patches of heat, at most {_MAX_RECTANGLES} are taken: "
            "leave layers out, or cut a part of the layout that repeats",
            "gds",
        )
    return GdsParts(tuple(blocks), tuple(sources), owner)


def _layer_rectangles(section: TomlTable, drawing: _GdsDrawing) -> _Rectangles:
    """Rectangles that a layer of the layout is cut into, from the corner of the device, m."""
    layer, datatype = (key.value(section) for key in _LAYER_AND_DATATYPE)
    chosen = np.flatnonzero((drawing.of == (layer, datatype)).all(axis=1))
    polygons = [drawing.corners[drawing.ends[i - 1] if i else 0 : drawing.ends[i]] for i in chosen]
    if not polygons:
        there = ", ".join(f"{a}/{b}" for a, b in np.unique(drawing.of, axis=0)[:12]) or "none"
        message = f"the layout has no layer {layer}/{datatype} in cell {drawing.name!r}: there are {there}"
        raise section.fault(message, "layer")
    for points in polygons:
        step = np.roll(points, -1, axis=0) - points
        inclined = np.flatnonzero((step != 0).all(axis=1))
        if inclined.size:
            start, end = points[inclined[0]], (points[inclined[0]] + step[inclined[0]])
            ends = [f"({x * drawing.grid * 1e6:g}, {y * drawing.grid * 1e6:g})" for x, y in (start, end)]
            raise section.fault(
                f"layer {layer}/{datatype} has an inclined edge from {ends[0]} to {ends[1]} um: a staircase of boxes "
                "never gets its area right; describe the device by a mesh instead",
                "layer",
            )
    cut = cut_into_rectangles(polygons)
    if cut is None:
        raise section.fault(f"layer {layer}/{datatype} has too many edges to be cut into boxes", "layer")
    if not cut:
        raise section.fault(f"the polygons of layer {layer}/{datatype} cover no area", "layer")
    edges = np.array(cut) * drawing.grid - np.repeat(drawing.origin, 2)
    return tuple((x0, x1, y0, y1) for x0, x1, y0, y1 in edges.tolist())


def cut_into_rectangles(polygons: Iterable[NDArray[np.int64]]) -> list[tuple[int, int, int, int]] | None:
    """Cut the union of polygons (n, 2) without inclined edges into rectangles; None where there are too many edges.

    Each is x from, to, y from, to: as long along x as they can be, then joined along y.
    """
    held = list(polygons)
    x, y = (np.unique(np.concatenate([points[:, axis] for points in held])) for axis in (0, 1))
    if min(x.size, y.size) < 2:
        return []
    if (x.size - 1) * (y.size - 1) > _MAX_RASTER_CELLS:
        return None
    inside = np.zeros((x.size - 1, y.size - 1), dtype=bool)
    for points in held:
        inside |= _covered_cells(points, x, y)
    open_runs: dict[tuple[int, int], int] = {}
    found: list[tuple[int, int, int, int]] = []
    for j in range(y.size):
        runs = set[tuple[int, int]]()
        if j < y.size - 1:
            padded = np.concatenate([[False], inside[:, j], [False]]).astype(np.int8)
            runs = {(int(a), int(b)) for a, b in np.flatnonzero(np.diff(padded)).reshape(-1, 2)}
        for run in [one for one in open_runs if one not in runs]:
            start = open_runs.pop(run)
            found.append((int(x[run[0]]), int(x[run[1]]), int(y[start]), int(y[j])))
        for run in runs:
            open_runs.setdefault(run, j)
    return sorted(found)


def _covered_cells(points: NDArray[np.int64], x: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Cells between x and y that lie inside of a polygon: an odd number of upright edges stands left of them."""
    crossings = np.zeros((x.size, y.size - 1), dtype=np.int64)
    following = np.roll(points, -1, axis=0)
    for (at, low), (_, high) in zip(points, following, strict=True):
        if low != high:
            rows = slice(*np.searchsorted(y, sorted((low, high))))
            crossings[np.searchsorted(x, at), rows] += 1
    return np.cumsum(crossings, axis=0)[:-1] % 2 == 1


def _rectangle_tables(
    section: TomlTable, kept: dict[str, Any], rectangles: _Rectangles, power: float | None
) -> list[TomlTable]:
    """A table for each rectangle, with its part of the power by area, and a number in its name if there are more."""
    tables: list[TomlTable] = []
    areas = [(x1 - x0) * (y1 - y0) for x0, x1, y0, y1 in rectangles]
    total = sum(areas)
    if power is not None and not total > 0:
        raise section.fault(f"the shapes have an area of {total:g} m²: check the unit of length of the layout")
    for i, ((x0, x1, y0, y1), area) in enumerate(zip(rectangles, areas, strict=True)):
        table = kept | {"x": [x0, x1], "y": [y0, y1]}
        if len(rectangles) > 1:
            table["name"] = f"{kept['name']}#{i + 1}"
        tables.append(evolve(section, table=table if power is None else table | {"power": power * (area / total)}))
    return tables
