"""Meshes of triangles or tetrahedra whose cells belong to named regions and whose outer facets to named faces."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array
from kapitza.device.elements_reference import EDGES, Integers, Simplex, corner_keys, simplex
from kapitza.errors import InputError

CHUNK = 200_000  # quadrature points at a time: bounds the memory of what is known at each


def points_array(value: ArrayLike) -> Array:
    """Return points as a read-only (n, d) array of finite floats."""
    array = np.array(value, dtype=float)
    if array.ndim != 2 or array.shape[1] not in (2, 3) or len(array) < 3:
        raise InputError(f"expected points of 2 or 3 coordinates, got an array of shape {array.shape}")
    bad = ~np.isfinite(array).all(axis=1)
    if bad.any():
        first = int(np.argmax(bad))
        raise InputError(f"point {first} of the mesh is {array[first].tolist()}: wanted finite coordinates in m")
    array.flags.writeable = False
    return array


def cells_array(value: ArrayLike) -> Integers:
    """Return cells as a read-only (m, k) array of node numbers."""
    array = np.array(value)
    if array.ndim != 2 or not len(array) or array.dtype.kind not in "iu":
        raise InputError(f"expected cells as rows of node numbers, got shape {array.shape} of {array.dtype}")
    array = array.astype(np.int64)
    array.flags.writeable = False
    return array


def region_array(value: ArrayLike) -> Integers:
    """Return numbers of regions as a read-only array."""
    array = np.array(value)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise InputError(f"expected one number of a region for each cell, got shape {array.shape} of {array.dtype}")
    array = array.astype(np.int64)
    array.flags.writeable = False
    return array


def face_arrays(value: Mapping[str, ArrayLike]) -> Mapping[str, Integers]:
    """Return facets by name of their face as (n, 2) arrays of cell and opposite corner."""
    return MappingProxyType({name: np.array(one, dtype=np.int64).reshape(-1, 2) for name, one in value.items()})


@frozen(eq=False)
class Mesh:
    """A conforming mesh.

    Attributes
    ----------
    points : (n, d) nodes, m; d = 2 for bodies that go on evenly out of the plane (everything is then per metre)
    cells : (m, k) nodes of the cells: 3 (straight) or 6 (curved) of a triangle, 4 or 10 of a tetrahedron, in VTK order
    region : (m,) number of the region of each cell, into `names`
    names : of the regions
    faces : outer facets by the name of their face: (nf, 2) cell, and corner of the cell that lies opposite

    Raises
    ------
    InputError
        for coordinates that are not finite, nodes that do not exist, cells without region, inverted or flat cells
    """

    points: Array = field(converter=points_array)
    cells: Integers = field(converter=cells_array)
    region: Integers = field(converter=region_array)
    names: tuple[str, ...] = field(converter=tuple)
    faces: Mapping[str, Integers] = field(factory=dict, converter=face_arrays)

    def __attrs_post_init__(self) -> None:
        check_numbering(self)
        volumes = cell_volumes(self)
        if not (volumes > 0).all():
            worst = int(np.argmax(~(volumes > 0)))
            raise InputError(
                f"cell {worst} of region {self.names[self.region[worst]]} is inverted or flat (volume "
                f"{volumes[worst]:.3g}): its nodes turn the wrong way round, or the mesh overlaps itself"
            )

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return self.points.shape[1]

    @property
    def simplex(self) -> Simplex:
        """What the cells are."""
        return simplex(self.dimension, self.cells.shape[1])

    def volume(self, region: str | None = None) -> float:
        """Of a region, or of all, m³ (m² in two dimensions)."""
        volumes = cell_volumes(self)
        return float(volumes.sum() if region is None else volumes[self.region == self.names.index(region)].sum())


def check_numbering(mesh: Mesh) -> None:
    """Refuse nodes that do not exist and cells that belong to no region."""
    simplex(mesh.dimension, mesh.cells.shape[1])
    low, high = int(mesh.cells.min()), int(mesh.cells.max())
    if low < 0 or high >= len(mesh.points):
        raise InputError(f"cells name nodes {low} to {high} of {len(mesh.points)} points")
    region = mesh.region
    if region.shape != (len(mesh.cells),):
        raise InputError(f"{region.size} regions for {len(mesh.cells)} cells: wanted one for each")
    outside = (region < 0) | (region >= len(mesh.names))
    if outside.any():
        raise InputError(
            f"{int(outside.sum())} of {len(region)} cells belong to no region (the first is cell "
            f"{int(np.argmax(outside))}): tag every volume of the mesh"
        )
    for name, facets in mesh.faces.items():
        if facets.size and (facets[:, 0].max() >= len(mesh.cells) or facets[:, 1].max() > mesh.dimension):
            raise InputError(f"face {name} has facets of cells that the mesh does not have")


def jacobians(mesh: Mesh, cells: Integers, slopes: Array) -> tuple[Array, Array]:
    """(m, nq, d, d) derivatives of x by the reference coordinates, and their (m, nq) determinants."""
    jacobian = np.einsum("mka,qkb->mqab", mesh.points[cells], slopes)
    return jacobian, np.linalg.det(jacobian)


def chunks(cells: int, points: int) -> list[slice]:
    """Parts of the cells, each with so few quadrature points that what is known at them fits in memory."""
    step = max(1, CHUNK // points)
    return [slice(start, start + step) for start in range(0, cells, step)]


def cell_volumes(mesh: Mesh) -> Array:
    """(m,) volume of each cell; 0 or less where a cell is inverted anywhere."""
    points, weights = mesh.simplex.quadrature()
    if mesh.simplex.order == 1:  # straight: the same everywhere
        points, weights = points[:1], np.array([mesh.simplex.volume])
    _, slopes = mesh.simplex.shapes(points)
    found: list[Array] = []
    for part in chunks(len(mesh.cells), len(points)):
        _, determinant = jacobians(mesh, mesh.cells[part], slopes)
        low = determinant.min(axis=1)
        found.append(np.where(low > 0, determinant @ weights, np.minimum(low, 0)))
    return np.concatenate(found)


def outer_facets(cells: Integers, dimension: int) -> Integers:
    """(n, 2) cell and opposite corner of the facets that only one cell has."""
    facets = simplex(dimension, cells.shape[1]).facets[:, :dimension]
    keys = corner_keys(cells[:, facets].reshape(-1, dimension))
    _, first, count = np.unique(keys, return_index=True, return_counts=True)
    alone = first[count == 1]
    return np.column_stack([alone // (dimension + 1), alone % (dimension + 1)])


def named_faces(points: Array, cells: Integers, where: Mapping[str, Callable[[Array], Any]]) -> dict[str, Integers]:
    """Outer facets by name, each where a function of the (n, d) centres of the facets is true."""
    dimension = points.shape[1]
    outer = outer_facets(cells, dimension)
    corners = simplex(dimension, cells.shape[1]).facets[:, :dimension]
    centres = points[cells[outer[:, :1], corners[outer[:, 1]]]].mean(axis=1)
    return {name: outer[np.asarray(test(centres), dtype=bool)] for name, test in where.items()}


def curved(mesh: Mesh, onto: Callable[[Array], Array] | None = None) -> Mesh:
    """The same mesh with a node between each two corners: quadratic, and curved where `onto` moves them.

    Parameters
    ----------
    mesh : of straight cells
    onto : takes the (n, d) middles of the edges, m, to where the new nodes lie; None leaves them

    Raises
    ------
    InputError
        for a mesh that already has such nodes
    """
    if mesh.simplex.order != 1:
        raise InputError(f"the mesh has cells of {mesh.cells.shape[1]} nodes already")
    pairs = mesh.cells[:, EDGES[mesh.dimension]]
    flat = np.sort(pairs.reshape(-1, 2), axis=1)
    _, first, inverse = np.unique(corner_keys(flat), return_index=True, return_inverse=True)
    middles = mesh.points[flat[first]].mean(axis=1)
    middles = middles if onto is None else onto(middles)
    added = inverse.reshape(len(mesh.cells), -1) + len(mesh.points)
    cells = np.hstack([mesh.cells, added])
    return Mesh(np.vstack([mesh.points, middles]), cells, mesh.region, mesh.names, mesh.faces)
