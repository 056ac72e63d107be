r"""Numerical error of temperatures on a box grid, estimated from how they change as cells are joined.

A temperature J on cells of a size h has an error $J_h - J \approx c_x h_x^p + c_y h_y^p + c_z h_z^p$, of order p = 2
where the field is smooth and of less at the edges of sources and blocks.  Cells joined two by two along one axis tell
the part of this axis, $(2^p - 1)$ times as large.  Parts of unlike sign may cancel on this grid and not on the next, so
that their sizes are added: all of the error at first order, three times as much at second.
"""

import numpy as np

from kapitza.core.arrays import Array
from kapitza.device.grid.box_grid import BoxGrid, joined_grid
from kapitza.device.grid.finite_volumes import find_grid_plane, patch_mean
from kapitza.device.grid.steady import GRID_PROPERTY_TOLERANCE, GridSolution, solve_balances
from kapitza.device.layered.linear import averaging_patches
from kapitza.device.layout import Layout
from kapitza.device.multigrid import ENERGY_TOLERANCE

_ROUNDING = 1e-9  # of a temperature, besides


def grid_goals(layout: Layout, held: GridSolution) -> dict[str, float]:
    """Rises averaged over patches, by name, and of the hottest point, "peak", K."""
    found = held.system
    means = {
        name: patch_mean(found.grid, held.faces.plane(find_grid_plane(found, plane)), patch)
        for name, (plane, patch) in averaging_patches(layout.device).items()
    }
    return {**means, "peak": held.peak}


def grid_errors(layout: Layout, grid: BoxGrid, rise: Array, values: dict[str, float]) -> dict[str, float]:
    """Estimated errors of values (`grid_goals`) of a rise (nx, ny, nz), K; none where cells cannot be joined."""
    changes = dict.fromkeys(values, 0.0)
    for axis in range(3):
        coarse = joined_grid(layout, grid, (axis,))
        if coarse is None:
            return {}
        start = np.add.reduceat(rise, np.arange(0, rise.shape[axis], 2), axis=axis) / 2
        rough = grid_goals(layout, solve_balances(layout, coarse, ENERGY_TOLERANCE, start))
        for name, value in values.items():
            changes[name] += abs(value - rough[name])
    least = GRID_PROPERTY_TOLERANCE if layout.is_nonlinear else _ROUNDING
    return {name: changes[name] + least * abs(value) for name, value in values.items()}
