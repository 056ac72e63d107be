r"""Numerical error of temperatures on a box grid, estimated from how they change on smaller or larger cells.

A temperature J on cells of a size h has an error $J_h - J \approx c_x h_x^p + c_y h_y^p + c_z h_z^p$, of order p = 2
where the field is smooth and of less at the edges of sources and blocks.  Cells cut in two along one axis take away
$1 - 2^{-p}$ of the part of this axis: one half at first order, three quarters at second.  Twice that change is at least
the part, for all p from 1; the factor of safety 1.25 is that of P. J. Roache, J. Fluids Eng. 116, 405 (1994),
doi:10.1115/1.2910291.  Parts of unlike sign may cancel on this grid and not on the next, so that their sizes are added.
Where there are too many cells to be cut, they are joined two by two, which tells $2^p - 1$ times the part; but what is
smaller than a cell, such as a gap between two blocks, only smaller cells see.
"""

import numpy as np

from kapitza.core.arrays import Array
from kapitza.device.grid.box_grid import BoxGrid, joined_grid
from kapitza.device.grid.finite_volumes import find_grid_plane, patch_mean
from kapitza.device.grid.steady import GRID_PROPERTY_TOLERANCE, GridSolution, solve_balances
from kapitza.device.layered.linear import averaging_patches
from kapitza.device.layout import Layout

MAX_HALVED_CELLS = 250_000  # cells of a grid that are cut in two to tell its error
_HALVED_FACTOR = 2.5  # of the change on half cells: 2 for first order, 1.25 for what is not yet of any order
_JOINED_FACTOR = 1.0  # of the change on joined cells: the same
_ENERGY_TOLERANCE = 1e-7  # of the solutions that tell the error
_ROUNDING = 1e-7  # of a temperature, besides


def grid_goals(layout: Layout, held: GridSolution) -> dict[str, float]:
    """Rises averaged over patches, by name, and of the hottest point, "peak", K."""
    found = held.system
    means = {
        name: patch_mean(found.grid, held.faces.plane(find_grid_plane(found, plane)), patch)
        for name, (plane, patch) in averaging_patches(layout.device).items()
    }
    return {**means, "peak": held.peak}


def grid_errors(layout: Layout, grid: BoxGrid, rise: Array, values: dict[str, float]) -> dict[str, float]:
    """Estimated errors of values (`grid_goals`) of a rise (nx, ny, nz), K; none where many cells cannot be joined."""
    splits = grid.count <= MAX_HALVED_CELLS
    changes = dict.fromkeys(values, 0.0)
    for axis in range(3):
        other = grid.refine((axis,)) if splits else joined_grid(layout, grid, (axis,))
        if other is None:
            return {}
        start = np.repeat(rise, 2, axis=axis) if splits else _pair_means(rise, axis)
        moved = grid_goals(layout, solve_balances(layout, other, _ENERGY_TOLERANCE, start))
        for name, value in values.items():
            changes[name] += abs(value - moved[name])
    factor = _HALVED_FACTOR if splits else _JOINED_FACTOR
    least = GRID_PROPERTY_TOLERANCE if layout.is_nonlinear else _ROUNDING
    return {name: factor * changes[name] + least * abs(value) for name, value in values.items()}


def _pair_means(values: Array, axis: int) -> Array:
    """Means of two neighbours each along an axis."""
    return np.add.reduceat(values, np.arange(0, values.shape[axis], 2), axis=axis) / 2
