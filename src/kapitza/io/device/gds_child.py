"""Polygons of a GDS file, for `kapitza.io.formats.child`: gdstk is compiled code that a damaged file can stop dead."""

import warnings
from importlib import import_module
from typing import Any

import numpy as np

_MAX_POLYGONS = 200_000  # with all repetitions
_MAX_CELL_DEPTH = 100  # cells within cells


class _LayoutRefusedError(Exception):
    """What is wrong with a file, in one line."""


def write_polygons(path: str, target: str, cell: str | None = None) -> None:
    """Write the polygons of a cell, flat: corners, how many each polygon has, layers, datatypes, unit and step."""
    gdstk = import_module("gdstk")
    with warnings.catch_warnings(action="error"):
        library = gdstk.read_gds(path)
    chosen = _select_cell(library, cell)
    if _count_polygons(chosen, {}, 0) > _MAX_POLYGONS:
        raise _LayoutRefusedError(f"cell {chosen.name!r} has more than {_MAX_POLYGONS} polygons: cut a part of it")
    found = chosen.get_polygons()
    points = [np.asarray(one.points, dtype=float) for one in found]
    np.savez(
        target,
        points=np.concatenate(points) if points else np.zeros((0, 2)),
        count=np.array([len(one) for one in points], dtype=np.int64),
        layer=np.array([one.layer for one in found], dtype=np.int64),
        datatype=np.array([one.datatype for one in found], dtype=np.int64),
        unit=library.unit,
        grid=library.precision,
        name=str(chosen.name),
    )


def _select_cell(library: Any, name: str | None) -> Any:
    names = [cell.name for cell in library.cells]
    if name is not None:
        if name not in names:
            raise _LayoutRefusedError(f"has no cell {name!r}: there are {', '.join(names[:12]) or 'none'}")
        return library.cells[names.index(name)]
    upper = library.top_level()
    if len(upper) != 1:
        listed = ", ".join(cell.name for cell in upper[:12]) or "none"
        raise _LayoutRefusedError(f"{len(upper)} cells stand in no other ({listed}): say which, gds_cell")
    return upper[0]


def _count_polygons(cell: Any, known: dict[str, int], depth: int) -> int:
    if depth > _MAX_CELL_DEPTH:
        raise _LayoutRefusedError(f"cell {cell.name!r} stands in itself, or {_MAX_CELL_DEPTH} cells deep")
    if cell.name not in known:
        total = len(cell.polygons) + len(cell.paths)
        for one in cell.references:
            if isinstance(one.cell, str):
                raise _LayoutRefusedError(f"cell {cell.name!r} holds {one.cell!r}, which is missing")
            total += max(one.repetition.size, 1) * _count_polygons(one.cell, known, depth + 1)
        known[cell.name] = total
    return known[cell.name]
