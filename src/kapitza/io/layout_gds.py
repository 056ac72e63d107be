"""Polygons of GDS files, with the places, repetitions and cells that they are drawn in resolved."""

import struct
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.errors import DataError, require
from kapitza.io.device_sources import lengths
from kapitza.io.files import read_limited
from kapitza.io.sections import Section

LARGEST = 2**28  # bytes
HEADER, ENDLIB = 0x0002, 0x0400  # records that a file starts and ends with
PATIENCE = 120  # s for the reader
REFUSED = 3  # exit code of the reader where it says why
FARTHEST = 2**52  # steps from the origin, beyond which corners are no longer exact


@frozen(eq=False)
class Drawing:
    """One cell of a layout.

    Attributes
    ----------
    name : of the cell
    corners : (n, 2) of all polygons, in steps of the grid
    ends : (m,) number of corners up to the end of each polygon
    of : (m, 2) layer and datatype of each
    grid : steps that corners lie on, m
    origin : corner of the device, m
    """

    name: str
    corners: NDArray[np.int64]
    ends: NDArray[np.int64]
    of: NDArray[np.int64]
    grid: float
    origin: tuple[float, float]

    @property
    def layers(self) -> tuple[tuple[int, int], ...]:
        """Layers and datatypes that have polygons."""
        return tuple((int(a), int(b)) for a, b in np.unique(self.of, axis=0))

    def polygons(self, layer: int, datatype: int) -> list[NDArray[np.int64]]:
        """(n, 2) corners of each polygon of a layer, in steps of the grid."""
        chosen = np.flatnonzero((self.of == (layer, datatype)).all(axis=1))
        return [self.corners[self.ends[i - 1] if i else 0 : self.ends[i]] for i in chosen]


def read_drawing(top: Section) -> Drawing:
    """Return the cell of the layout that a device file names.

    Raises
    ------
    DataError
        for what is no GDS, cells that are missing or hold themselves, too many polygons
    MissingEngine
        where gdstk is not installed
    OSError
        if the file is missing or may not be read
    """
    path = top.beside("gds")
    require("gdstk", extra="layout", why=f"reading {path.name}")
    check_records(read_limited(path, LARGEST), path)
    held = read_apart(path, top.text("gds_cell") if "gds_cell" in top else None)
    unit, grid = float(held["unit"]), float(held["grid"])
    if not (np.isfinite([unit, grid]).all() and 0 < grid <= unit <= 1):
        raise DataError(f"has a unit of {unit:g} m and steps of {grid:g} m", file=path)
    steps: Array = held["points"] * (unit / grid)
    if not (np.abs(steps) < FARTHEST).all():
        raise DataError(f"has corners farther than {FARTHEST * grid:g} m from its origin", file=path)
    origin = lengths(top, "gds_origin") if "gds_origin" in top else (0.0, 0.0)
    return Drawing(
        str(held["name"]),
        np.round(steps).astype(np.int64),
        np.cumsum(held["count"], dtype=np.int64),
        np.column_stack([held["layer"], held["datatype"]]),
        grid,
        origin,
    )


def check_records(data: bytes, path: Path) -> None:
    """Refuse what is no whole sequence of records from the first to the last of a GDS file."""
    at, kind = 0, None
    while at + 4 <= len(data) and kind != ENDLIB:
        length, kind = struct.unpack_from(">HH", data, at)
        if (at == 0 and kind != HEADER) or length < 4 or length % 2 or at + length > len(data):
            raise DataError(f"is no GDS: byte {at} starts no record", file=path)
        at += length
    if kind != ENDLIB:
        raise DataError(f"is no whole GDS: {len(data)} bytes end without its last record", file=path)


def read_apart(path: Path, cell: str | None) -> dict[str, Any]:
    """Arrays that `kapitza.io.layout_child` writes in a process of its own."""
    with TemporaryDirectory() as folder:
        target = Path(folder) / "polygons.npz"
        command = [sys.executable, "-m", "kapitza.io.layout_child", str(path), str(target)]
        try:
            done = subprocess.run(  # noqa: S603 - this package, by the interpreter that runs it
                [*command, cell] if cell is not None else command,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired as err:
            raise DataError(f"is not read as a layout within {PATIENCE} s", file=path) from err
        if done.returncode or not target.is_file():
            said = done.stdout.strip() if done.returncode == REFUSED else "its records make no layout"
            raise DataError(f"is not read as a layout: {said}", file=path)
        with np.load(target, allow_pickle=False) as held:
            return dict(held)
