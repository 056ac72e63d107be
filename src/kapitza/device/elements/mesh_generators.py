"""Meshes of simple bodies: boxes, a sphere or a cylinder in a cube, a ball in a shell.

A grid of bricks is cut into simplices along the diagonals from the origin (Kuhn), and mapped.  The planes x = y, y = z,
x = z are then made of facets, so that a map that has kinks there, from a cube onto a ball, bends no cell.
"""

from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, IntArray, increasing
from kapitza.device.elements.mesh import SIMPLEX_EDGES, Mesh, named_faces, with_edge_nodes
from kapitza.errors import InputError

_AXIS_NAMES = ("x", "y", "z")
_CORE_FRACTION = 0.65  # edge of the nearly cubic cells in the middle of a ball, over its radius: none of them gets flat


def _kuhn_triangulation(shape: Sequence[int]) -> IntArray:
    """(m, d+1) corners of the simplices that fill a grid of so many bricks."""
    d = len(shape)
    sizes = np.array(shape) + 1
    strides = np.array([int(np.prod(sizes[axis + 1 :])) for axis in range(d)])
    lows = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1).reshape(-1, d) @ strides
    cells: list[IntArray] = []
    for order in permutations(range(d)):
        steps = np.concatenate([[0], np.cumsum(strides[list(order)])])
        if np.linalg.det(np.eye(d)[list(order)]) < 0:  # odd permutations turn the other way round
            steps[[-2, -1]] = steps[[-1, -2]]
        cells.append(lows[:, None] + steps)
    return np.concatenate(cells).astype(np.int64)


def _simplex_grid(*axes: ArrayLike, order: Literal[1, 2] = 1) -> tuple[Array, IntArray]:
    lines = [increasing(axis) for axis in axes]
    if len(lines) not in (2, 3) or any(len(line) < 2 for line in lines):
        raise InputError(f"a grid needs 2 or 3 axes of 2 or more coordinates, got {[len(line) for line in lines]}")
    points = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(-1, len(lines))
    cells = _kuhn_triangulation([len(line) - 1 for line in lines])
    return (points, cells) if order == 1 else with_edge_nodes(points, cells)


def box_mesh(
    axes: Sequence[ArrayLike],
    names: Sequence[str] = ("body",),
    region: Callable[[Array], ArrayLike] | None = None,
    *,
    onto: Callable[[Array], Array] | None = None,
    order: Literal[1, 2] = 1,
) -> Mesh:
    """A rectangle or a box, straight or mapped, with the faces "x-", "x+", "y-", "y+" (, "z-", "z+").

    `axes` are coordinates of the planes of the grid along x, y (, z), m, before the map `onto`, which takes the (n, d)
    nodes to where they lie.  `region` gives the number of the region, into `names`, from the (m, d) centres of the
    cells before the map.  Cells of `order` 1 are straight; those of order 2 are quadratic, and their sides follow the
    map.
    """
    points, cells = _simplex_grid(*axes, order=order)
    d = points.shape[1]
    centres = points[cells[:, : d + 1]].mean(axis=1)
    numbers = np.zeros(len(cells), dtype=np.int64) if region is None else np.asarray(region(centres), dtype=np.int64)
    tests: dict[str, Callable[[Array], Any]] = {}
    for axis in range(d):
        for sign, end in (("-", points[:, axis].min()), ("+", points[:, axis].max())):
            reach = 1e-9 * np.ptp(points[:, axis])
            tests[_AXIS_NAMES[axis] + sign] = lambda c, a=axis, e=end, r=reach: np.abs(c[:, a] - e) < r
    faces = named_faces(points, cells, tests)
    return Mesh(points if onto is None else onto(points), cells, numbers, tuple(names), faces)


def inclined_mesh(
    size: tuple[float, float],
    foot: float,
    angle: float,
    cells: int,
    *,
    names: tuple[str, str] = ("left", "right"),
    sheared: bool = False,
    order: Literal[1, 2] = 1,
) -> Mesh:
    """A rectangle of two parts whose interface is inclined.

    It leaves the bottom y = 0 at `foot`, m, at an `angle` from the vertical, rad.  `size` is the width and height, m,
    and `cells` the bricks across the height; `sheared` inclines the sides too, which makes a parallelogram.  An
    interface that would leave the rectangle through a side is refused.
    """
    width, height = size
    top = foot + height * np.tan(angle)
    if not (0 < foot < width and (sheared or 0 < top < width)):
        raise InputError(f"the interface goes from x = {foot:g} m to {top:g} m, outside of 0 to {width:g} m")
    part = max(1, round(cells * foot / height)), max(1, round(cells * (width - foot) / height))
    x = np.concatenate([np.linspace(0, foot, part[0] + 1), np.linspace(foot, width, part[1] + 1)[1:]])

    def onto(points: Array) -> Array:
        lean = np.tan(angle) * points[:, 1]
        if not sheared:
            lean = lean * np.interp(points[:, 0], [0, foot, width], [0, 1, 0])
        return np.column_stack([points[:, 0] + lean, points[:, 1]])

    axes = (x, np.linspace(0, height, cells + 1))
    return box_mesh(axes, names, lambda c: c[:, 0] > foot, onto=onto, order=order)


def _map_to_ball(points: Array, radius: float, size: float, within: float, outside: Literal["box", "ball"]) -> Array:
    """Take [-1, 1]^d onto a box or a ball of half width `size` whose part up to `within` becomes a ball of `radius`."""
    height = np.abs(points).max(axis=1)
    safe = np.where(height > 0, height, 1.0)
    cube = points / safe[:, None]
    length = np.linalg.norm(cube, axis=1)
    ball = cube / np.where(length > 0, length, 1.0)[:, None]
    inner = np.minimum(height / within, 1)[:, None]
    outer = np.clip((height - within) / (1 - within), 0, 1)[:, None]
    core = radius * inner * ((1 - inner) * _CORE_FRACTION * cube + inner * ball)
    end = size * (cube if outside == "box" else ball)
    shell = (1 - outer) * radius * ball + outer * end
    return np.where(height[:, None] <= within, core, shell)


def ball_mesh(
    radius: float,
    size: float,
    cells: int,
    *,
    dimension: Literal[2, 3] = 3,
    part: Literal["octant", "whole"] = "octant",
    outside: Literal["box", "ball"] = "box",
    names: tuple[str, str] = ("particle", "matrix"),
    order: Literal[1, 2] = 2,
) -> Mesh:
    """A sphere in a cube, a cylinder in a square, or either in a shell of its own kind, around the origin.

    `size` is half the edge of the cube, or the radius of the shell, m; `cells` counts the bricks from the centre to the
    outside; `dimension` is 3 for a sphere, 2 for a cylinder across the plane; an "octant" has x, y, z >= 0.  Cells of
    `order` 2 follow the curved boundary.  Faces are "x-", "x+", ... of a box; of a ball the outer face is "outside".
    """
    if not 0 < radius < size or cells < 2:
        raise InputError(
            f"a radius of {radius:g} m in {size:g} m with {cells} cells: wanted 0 < radius < size, cells > 1"
        )
    inner = min(max(1, round(cells * min(radius / size, 0.8))), cells - 1)
    within = inner / cells
    line = np.linspace(0, 1, cells + 1)
    points, connect = _simplex_grid(*[line] * dimension, order=order)
    if part == "whole":
        points, connect = _mirror_octant(points, connect, dimension)
    centres = points[connect[:, : dimension + 1]].mean(axis=1)
    region = (np.abs(centres).max(axis=1) > within).astype(np.int64)
    low = 0.0 if part == "octant" else -1.0
    tests: dict[str, Callable[[Array], Any]] = {}
    for axis, name in enumerate(_AXIS_NAMES[:dimension]):
        tests[name + "-"] = lambda c, a=axis: np.abs(c[:, a] - low) < 1e-9
        tests[name + "+"] = lambda c, a=axis: np.abs(c[:, a] - 1) < 1e-9
    if outside == "ball":
        tests = {} if part == "whole" else {name: test for name, test in tests.items() if name.endswith("-")}
        tests["outside"] = lambda c: np.abs(np.abs(c).max(axis=1) - 1) < 1e-9
    faces = named_faces(points, connect, tests)
    return Mesh(_map_to_ball(points, radius, size, within, outside), connect, region, names, faces)


def _mirror_octant(points: Array, cells: IntArray, dimension: int) -> tuple[Array, IntArray]:
    for axis in range(dimension):
        image = points.copy()
        image[:, axis] *= -1
        on_plane = points[:, axis] == 0
        number = np.where(on_plane, np.arange(len(points)), len(points) + np.cumsum(~on_plane) - 1)
        points = np.vstack([points, image[~on_plane]])
        cells = np.vstack([cells, reverse_orientation(number[cells], dimension)])  # a reflection inverts cells
    return points, cells


def reverse_orientation(cells: IntArray, dimension: int) -> IntArray:
    """The same cells with their first two corners exchanged."""
    swap = [1, 0, *range(2, dimension + 1)]
    order = list(swap)
    if cells.shape[1] > dimension + 1:
        pairs = SIMPLEX_EDGES[dimension]
        order += [dimension + 1 + pairs.index(tuple(sorted((swap[a], swap[b])))) for a, b in pairs]  # pyright: ignore[reportArgumentType]
    return cells[:, order]
