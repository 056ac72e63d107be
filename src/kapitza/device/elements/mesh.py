"""Meshes of triangles or tetrahedra, straight or curved: reference elements, named regions and named faces."""

from collections.abc import Callable, Mapping
from itertools import product
from math import factorial
from types import MappingProxyType
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike
from scipy.special import roots_jacobi

from kapitza.core.arrays import Array, IntArray, about
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError

# Pairs of corners with a node between them, in the order of VTK files.
SIMPLEX_EDGES = {1: ((0, 1),), 2: ((0, 1), (1, 2), (0, 2)), 3: ((0, 1), (1, 2), (0, 2), (0, 3), (1, 3), (2, 3))}


@frozen(eq=False)
class Simplex(BaseRecord):
    """A triangle or a tetrahedron (or a segment) with 1 or 2 as the order of its shape functions."""

    dimension: int = field(metadata=about("1", "dimension of the simplex"))
    order: int = field(metadata=about("1", "order of the shape functions"))

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return self.dimension + 1 + (len(SIMPLEX_EDGES[self.dimension]) if self.order == 2 else 0)

    @property
    def facets(self) -> IntArray:
        """(d+1, nf) local nodes of the facet opposite of each corner: its corners, then the nodes between them."""
        d = self.dimension
        rows: list[list[int]] = []
        for corner in range(d + 1):
            ends = [i for i in range(d + 1) if i != corner]
            row = list(ends)
            if self.order == 2:
                pairs = [tuple(sorted((ends[a], ends[b]))) for a, b in SIMPLEX_EDGES[d - 1]]
                row += [d + 1 + SIMPLEX_EDGES[d].index(pair) for pair in pairs]
            rows.append(row)
        return np.array(rows)

    def quadrature(self) -> tuple[Array, Array]:
        """(nq, d) points and (nq,) weights, exact to degree 2 order + 1 at least: Gauss-Jacobi on a collapsed cube."""
        d, count = self.dimension, self.order + 1
        rules = [roots_jacobi(count, d - 1 - axis, 0) for axis in range(d)]
        points, weights = [], []
        for choice in product(range(count), repeat=d):
            left, weight, point = 1.0, 1.0, []
            for axis, i in enumerate(choice):
                x, w = rules[axis]
                point.append(left * (1 + x[i]) / 2)
                left *= (1 - x[i]) / 2
                weight *= w[i] / 2 ** (d - axis)
            points.append(point)
            weights.append(weight)
        return np.array(points), np.array(weights)

    def shapes(self, points: Array) -> tuple[Array, Array]:
        """(nq, nodes) shape functions and their (nq, nodes, d) derivatives at points of the reference simplex."""
        d = self.dimension
        corner = np.column_stack([1 - points.sum(axis=1), points])
        slope = np.vstack([-np.ones(d), np.eye(d)])
        if self.order == 1:
            return corner, np.broadcast_to(slope, (len(points), d + 1, d)).copy()
        values = [corner * (2 * corner - 1)]
        slopes = [(4 * corner - 1)[:, :, None] * slope]
        for a, b in SIMPLEX_EDGES[d]:
            values.append(4 * (corner[:, a] * corner[:, b])[:, None])
            slopes.append(4 * (corner[:, a, None] * slope[b] + corner[:, b, None] * slope[a])[:, None])
        return np.concatenate(values, axis=1), np.concatenate(slopes, axis=1)

    @property
    def volume(self) -> float:
        """Of the reference simplex."""
        return 1 / factorial(self.dimension)


def _simplex_element(dimension: int, nodes: int) -> Simplex:
    """The element of so many nodes; refused where no straight or curved triangle or tetrahedron has as many."""
    for order in (1, 2):
        found = Simplex(dimension, order)
        if dimension in (2, 3) and found.nodes == nodes:
            return found
    raise InputError(
        f"cells of {nodes} nodes in {dimension} dimensions: wanted triangles of 3 or 6 or tetrahedra of 4 or 10"
    )


def corner_keys(corners: IntArray) -> IntArray:
    """(n,) one number for each set of corners, whatever their order."""
    ordered = np.sort(corners, axis=1)
    base = int(ordered.max(initial=0)) + 1
    if base ** corners.shape[1] < 2**62:
        key = np.zeros(len(ordered), dtype=np.int64)
        for column in ordered.T:
            key = key * base + column
        return key
    return np.unique(ordered, axis=0, return_inverse=True)[1].ravel()


_MAX_CHUNK_POINTS = 200_000  # quadrature points at a time: bounds the memory of what is known at each


def _node_array(value: ArrayLike) -> Array:
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


def _whole_numbers(axes: int, what: str) -> Callable[[ArrayLike], IntArray]:
    """Return a converter to a read-only array of whole numbers of so many axes."""

    def convert(value: ArrayLike) -> IntArray:
        array = np.array(value)
        if array.ndim != axes or not len(array) or array.dtype.kind not in "iu":
            raise InputError(f"expected {what}, got shape {array.shape} of {array.dtype}")
        array = array.astype(np.int64)
        array.flags.writeable = False
        return array

    return convert


def _face_arrays(value: Mapping[str, ArrayLike]) -> Mapping[str, IntArray]:
    """Return facets by name of their face as (n, 2) arrays of cell and opposite corner."""
    return MappingProxyType({name: np.array(one, dtype=np.int64).reshape(-1, 2) for name, one in value.items()})


@frozen(eq=False)
class Mesh(BaseRecord):
    """A conforming mesh of triangles (3 nodes, or 6 if curved) or tetrahedra (4 or 10), in the order of VTK.

    In two dimensions bodies go on evenly out of the plane, and everything is per metre.

    Raises
    ------
    InputError
        for coordinates that are not finite, nodes that do not exist, cells without region, inverted or flat cells

    Examples
    --------
    >>> from kapitza.device import Mesh
    >>> corners = [[0, 0], [2e-6, 0], [2e-6, 1e-6], [0, 1e-6]]
    >>> film = Mesh(corners, cells=[[0, 1, 2], [0, 2, 3]], region=[0, 0], names=("film",))
    >>> print(f"{film.dimension} dimensions, {film.volume('film') * 1e12:.1f} µm²")
    2 dimensions, 2.0 µm²
    """

    points: Array = field(converter=_node_array, metadata=about("m", "(n, d) nodes"))
    cells: IntArray = field(
        converter=_whole_numbers(2, "cells as rows of node numbers"), metadata=about("1", "(m, k) nodes of each cell")
    )
    region: IntArray = field(
        converter=_whole_numbers(1, "a region for each cell"),
        metadata=about("1", "(m,) number of the region of each cell, into `names`"),
    )
    names: tuple[str, ...] = field(converter=tuple)
    faces: Mapping[str, IntArray] = field(
        factory=dict,
        converter=_face_arrays,
        metadata=about("1", "(nf, 2) cell of each outer facet and corner opposite it, by face"),
    )

    def __attrs_post_init__(self) -> None:
        _check_numbering(self)
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
    def order(self) -> int:
        """Of the shape functions: 1, nodes at the corners; 2, also between them."""
        return simplex_of(self).order

    def volume(self, region: str | None = None) -> float:
        """Of a region, or of all, m³ (m² in two dimensions)."""
        volumes = cell_volumes(self)
        return float(volumes.sum() if region is None else volumes[self.region == self.names.index(region)].sum())


def simplex_of(mesh: Mesh) -> Simplex:
    """What the cells of a mesh are."""
    return _simplex_element(mesh.dimension, mesh.cells.shape[1])


def _check_numbering(mesh: Mesh) -> None:
    """Refuse nodes that do not exist and cells that belong to no region."""
    _simplex_element(mesh.dimension, mesh.cells.shape[1])
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


def jacobians(mesh: Mesh, cells: IntArray, slopes: Array) -> tuple[Array, Array]:
    """(m, nq, d, d) derivatives of x by the reference coordinates, and their (m, nq) determinants."""
    jacobian = np.einsum("mka,qkb->mqab", mesh.points[cells], slopes)
    return jacobian, np.linalg.det(jacobian)


def cell_chunks(cells: int, points: int) -> list[slice]:
    """Parts of the cells, each with so few quadrature points that what is known at them fits in memory."""
    step = max(1, _MAX_CHUNK_POINTS // points)
    return [slice(start, start + step) for start in range(0, cells, step)]


def cell_volumes(mesh: Mesh) -> Array:
    """(m,) volume of each cell; 0 or less where a cell is inverted anywhere."""
    points, weights = simplex_of(mesh).quadrature()
    if mesh.order == 1:  # straight: the same everywhere
        points, weights = points[:1], np.array([simplex_of(mesh).volume])
    _, slopes = simplex_of(mesh).shapes(points)
    found: list[Array] = []
    for part in cell_chunks(len(mesh.cells), len(points)):
        _, determinant = jacobians(mesh, mesh.cells[part], slopes)
        low = determinant.min(axis=1)
        found.append(np.where(low > 0, determinant @ weights, np.minimum(low, 0)))
    return np.concatenate(found)


def named_faces(points: Array, cells: IntArray, where: Mapping[str, Callable[[Array], Any]]) -> dict[str, IntArray]:
    """Outer facets by name, each where a function of the (n, d) centres of the facets is true."""
    dimension = points.shape[1]
    corners = _simplex_element(dimension, cells.shape[1]).facets[:, :dimension]
    keys = corner_keys(cells[:, corners].reshape(-1, dimension))
    _, first, count = np.unique(keys, return_index=True, return_counts=True)
    alone = first[count == 1]  # facets that only one cell has
    outer = np.column_stack([alone // (dimension + 1), alone % (dimension + 1)])
    centres = points[cells[outer[:, :1], corners[outer[:, 1]]]].mean(axis=1)
    return {name: outer[np.asarray(test(centres), dtype=bool)] for name, test in where.items()}


def quadratic_mesh(mesh: Mesh, onto: Callable[[Array], Array] | None = None) -> Mesh:
    """The same mesh of straight cells, quadratic by a node in the middle of each edge.

    Sides are curved where `onto` takes the (n, d) middles, m, to other places.
    """
    if mesh.order != 1:
        raise InputError(f"the mesh has cells of {mesh.cells.shape[1]} nodes already")
    pairs = mesh.cells[:, SIMPLEX_EDGES[mesh.dimension]]
    flat = np.sort(pairs.reshape(-1, 2), axis=1)
    _, first, inverse = np.unique(corner_keys(flat), return_index=True, return_inverse=True)
    middles = mesh.points[flat[first]].mean(axis=1)
    middles = middles if onto is None else onto(middles)
    added = inverse.reshape(len(mesh.cells), -1) + len(mesh.points)
    cells = np.hstack([mesh.cells, added])
    return Mesh(np.vstack([mesh.points, middles]), cells, mesh.region, mesh.names, mesh.faces)
