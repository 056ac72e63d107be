"""Meshes from files of gmsh and others, and temperatures of bodies as files that ParaView opens."""

import contextlib
import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from kapitza.core.arrays import Array, IntArray
from kapitza.core.files import regular_file_size
from kapitza.device.elements.mesh import Mesh, corner_keys
from kapitza.device.elements.mesh_generators import reverse_orientation
from kapitza.device.elements.temperatures import BodyTemperatures
from kapitza.errors import DataError, InputError, require

_MESH_EXTRA = "elements"
_WANTED_MESH = "wanted a mesh as gmsh writes it (.msh, format 2.2 or 4.1): export it again"
_MAX_MESH_BYTES = 2_000_000_000  # bytes
_CELL_KINDS = {3: {"tetra": "triangle", "tetra10": "triangle6"}, 2: {"triangle": "line", "triangle6": "line3"}}
_CELL_NAMES = {(2, 3): "triangle", (2, 6): "triangle6", (3, 4): "tetra", (3, 10): "tetra10"}


def read_mesh(path: str | Path, *, unit: float = 1.0) -> Mesh:
    """Read a mesh of triangles or tetrahedra with its physical groups.

    Volumes (surfaces in two dimensions) of a physical group are a region of its name; outer surfaces (lines) of a group
    are a face of its name.  Boundaries between regions need no group.

    Parameters
    ----------
    path : .msh of gmsh 2.2 or 4.1
    unit : of the coordinates in the file, m: 1e-6 where they are in micrometres

    Raises
    ------
    DataError
        where the file is no such mesh, or a cell has no group
    MissingEngine
        where meshio is not installed
    """
    path = Path(path)
    if not (np.isfinite(unit) and unit > 0):
        raise InputError(f"unit = {unit:g} m, wanted a length above zero")
    regular_file_size(path, _MAX_MESH_BYTES)
    found = read_meshio(path)
    try:
        return _assemble_mesh(found, unit)
    except InputError as err:
        raise DataError(str(err), file=path) from err
    except (KeyError, IndexError, TypeError, ValueError) as err:
        raise DataError(f"cells, groups and names do not fit together; {_WANTED_MESH}", file=path) from err


def read_meshio(path: Path) -> Any:
    """What meshio reads, or one line."""
    meshio = require("meshio", extra=_MESH_EXTRA, why=f"reading {path.name}")
    said = io.StringIO()
    try:
        with (
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(said),
            warnings.catch_warnings(action="ignore"),
        ):
            return meshio.read(path)
    except (Exception, SystemExit) as err:  # a reader of hostile text may fail in any way
        known = " ".join(str(err).split()) if isinstance(err, meshio.ReadError) else ""
        why = known or "the file is damaged, or cut off"
        raise DataError(f"not read as a mesh: {why}; {_WANTED_MESH}", file=path) from err


def _assemble_mesh(found: Any, unit: float) -> Mesh:
    kinds = {block.type for block in found.cells}
    dimension = 3 if kinds & set(_CELL_KINDS[3]) else 2
    main = sorted(kinds & set(_CELL_KINDS[dimension]))
    rest = kinds - set(_CELL_KINDS[dimension]) - set(_CELL_KINDS[dimension].values()) - {"vertex", "line", "line3"}
    if len(main) != 1 or rest:
        raise InputError(f"cells are {', '.join(sorted(kinds)) or 'none'}: wanted triangles or tetrahedra of one order")
    cells, groups = _cells_of_kind(found, main[0]), _cell_tags(found, main[0], "gmsh:physical")
    points = np.asarray(found.points, dtype=float) * unit
    if dimension == 2:
        if points.shape[1] == 3 and np.ptp(points[np.unique(cells), 2]) > 1e-9 * np.ptp(points):
            raise InputError("triangles of a surface in space: wanted them in one plane z = const., or tetrahedra")
        points = points[:, :2]
        cells = _orient_triangles(points, cells, _cell_tags(found, main[0], "gmsh:geometrical"))
    labels = {(int(v[1]), int(v[0])): str(k) for k, v in found.field_data.items() if np.size(v) == 2}
    tags, region = np.unique(groups[groups > 0], return_inverse=True)
    number = np.full(len(cells), -1)
    number[groups > 0] = region
    names = tuple(labels.get((dimension, int(tag)), str(tag)) for tag in tags)
    faces = _named_facets(found, _CELL_KINDS[dimension][main[0]], cells, labels, dimension)
    return Mesh(points, cells, number, names, faces)


def _cells_of_kind(found: Any, kind: str) -> IntArray:
    """(m, k) cells of one kind."""
    cells = [np.asarray(block.data, dtype=np.int64) for block in found.cells if block.type == kind]
    return np.concatenate(cells) if cells else np.zeros((0, 1), dtype=np.int64)


def _cell_tags(found: Any, kind: str, what: str) -> IntArray:
    """(m,) number that the file gives to each cell of a kind, such as that of its physical group; 0 for none."""
    data = found.cell_data.get(what) or [None] * len(found.cells)
    numbers = [
        np.zeros(len(block.data), dtype=np.int64) if tags is None else np.asarray(tags, dtype=np.int64)
        for block, tags in zip(found.cells, data, strict=True)
        if block.type == kind
    ]
    return np.concatenate(numbers) if numbers else np.zeros(0, dtype=np.int64)


def _orient_triangles(points: Array, cells: IntArray, surface: IntArray) -> IntArray:
    """The same triangles, those of surfaces that were drawn clockwise turned round."""
    a, b, c = (points[cells[:, i]] for i in range(3))
    area = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    oriented = cells.copy()
    for tag in np.unique(surface):
        if (area[surface == tag] < 0).all():
            oriented[surface == tag] = reverse_orientation(cells[surface == tag], 2)
    return oriented


def _named_facets(
    found: Any, kind: str, cells: IntArray, labels: dict[tuple[int, int], str], dimension: int
) -> dict[str, IntArray]:
    facets, groups = _cells_of_kind(found, kind), _cell_tags(found, kind, "gmsh:physical")
    if not len(facets):
        return {}
    local = np.array([[i for i in range(dimension + 1) if i != corner] for corner in range(dimension + 1)])
    own = cells[:, local].reshape(-1, dimension)
    keys = corner_keys(np.vstack([own, facets[:, :dimension]]))
    mine, asked = keys[: len(own)], keys[len(own) :]
    unique, first, count = np.unique(mine, return_index=True, return_counts=True)
    place = np.minimum(np.searchsorted(unique, asked), len(unique) - 1)
    outer = (unique[place] == asked) & (count[place] == 1)
    faces: dict[str, IntArray] = {}
    for tag in np.unique(groups[groups > 0]):
        chosen = first[place[outer & (groups == tag)]]
        if chosen.size:
            name = labels.get((dimension - 1, int(tag)), str(tag))
            faces[name] = np.column_stack([chosen // (dimension + 1), chosen % (dimension + 1)])
    return faces


def write_body(found: BodyTemperatures, path: str | Path) -> None:
    """Write temperatures as .vtu: points on a boundary that resists stand twice, so that the jump is seen sharp.

    Raises
    ------
    InputError
        for another suffix than .vtu
    MissingEngine
        where meshio is not installed
    """
    path = Path(path)
    if path.suffix != ".vtu":
        raise InputError(f"temperatures of a body are written as .vtu, not as {path.suffix or path.name!r}")
    meshio = require("meshio", extra=_MESH_EXTRA, why=f"writing {path.name}")
    mesh = found.body.mesh
    points = mesh.points[found.split.point]
    points = np.hstack([points, np.zeros((len(points), 3 - mesh.dimension))])
    kind = _CELL_NAMES[mesh.dimension, mesh.cells.shape[1]]
    data = meshio.Mesh(
        points, [(kind, found.split.unknowns)], point_data={"temperature": found.temperature},
        cell_data={"region": [np.asarray(mesh.region)]},
    )  # fmt: skip
    part = path.with_name(path.name + ".part.vtu")
    try:
        data.write(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
