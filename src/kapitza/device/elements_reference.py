"""Straight and curved triangles and tetrahedra: shape functions, quadrature, and which nodes lie on which facet."""

from itertools import product
from math import factorial

import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from scipy.special import roots_jacobi

from kapitza.core.arrays import Array
from kapitza.errors import InputError

Integers = NDArray[np.int64]

# Pairs of corners with a node between them, in the order of VTK files.
EDGES = {
    1: ((0, 1),),
    2: ((0, 1), (1, 2), (0, 2)),
    3: ((0, 1), (1, 2), (0, 2), (0, 3), (1, 3), (2, 3)),
}


@frozen(eq=False)
class Simplex:
    """A triangle or a tetrahedron (or a segment) with 1 or 2 as the order of its shape functions.

    Attributes
    ----------
    dimension : 1, 2 or 3
    order : 1, nodes at the corners; 2, also between them
    """

    dimension: int
    order: int

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return self.dimension + 1 + (len(EDGES[self.dimension]) if self.order == 2 else 0)

    @property
    def facets(self) -> Integers:
        """(d+1, nf) local nodes of the facet opposite of each corner: its corners, then the nodes between them."""
        d = self.dimension
        rows: list[list[int]] = []
        for corner in range(d + 1):
            ends = [i for i in range(d + 1) if i != corner]
            row = list(ends)
            if self.order == 2:
                pairs = [tuple(sorted((ends[a], ends[b]))) for a, b in EDGES[d - 1]]
                row += [d + 1 + EDGES[d].index(pair) for pair in pairs]
            rows.append(row)
        return np.array(rows)

    @property
    def facet(self) -> "Simplex":
        """What bounds it."""
        return Simplex(self.dimension - 1, self.order)

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
        for a, b in EDGES[d]:
            values.append(4 * (corner[:, a] * corner[:, b])[:, None])
            slopes.append(4 * (corner[:, a, None] * slope[b] + corner[:, b, None] * slope[a])[:, None])
        return np.concatenate(values, axis=1), np.concatenate(slopes, axis=1)

    @property
    def volume(self) -> float:
        """Of the reference simplex."""
        return 1 / factorial(self.dimension)


def simplex(dimension: int, nodes: int) -> Simplex:
    """Return the element of so many nodes.

    Raises
    ------
    InputError
        for a number of nodes that no straight or curved triangle or tetrahedron has
    """
    for order in (1, 2):
        found = Simplex(dimension, order)
        if dimension in (2, 3) and found.nodes == nodes:
            return found
    raise InputError(
        f"cells of {nodes} nodes in {dimension} dimensions: wanted triangles of 3 or 6 or tetrahedra of 4 or 10"
    )


def corner_keys(corners: Integers) -> Integers:
    """(n,) one number for each set of corners, whatever their order."""
    ordered = np.sort(corners, axis=1)
    base = int(ordered.max(initial=0)) + 1
    if base ** corners.shape[1] < 2**62:
        key = np.zeros(len(ordered), dtype=np.int64)
        for column in ordered.T:
            key = key * base + column
        return key
    return np.unique(ordered, axis=0, return_inverse=True)[1].ravel()
