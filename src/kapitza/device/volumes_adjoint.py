r"""What the hottest point of a field depends on, from one more solution with the same matrix.

The peak is $J = w'T + c$ with $A T = q$ and A symmetric, so with $A\lambda = w$ each number p changes it by

$$\frac{dJ}{dp} = \partial_p J - \lambda'(\partial_p A\,T - \partial_p q),$$

with $\partial_p J$ at the same field; the parentheses are heat balances of cells with p a little larger
and smaller: no solution.
"""

from collections.abc import Sequence

import numpy as np

from kapitza.core.arrays import Array
from kapitza.device.blocks import Layout
from kapitza.device.description import Device
from kapitza.device.grid import BoxGrid, automatic_grid
from kapitza.device.layout_numbers import numbers_of, scaled
from kapitza.device.multigrid import conjugate_gradients, preconditioner
from kapitza.device.volumes import System, depends, matrix, system
from kapitza.device.volumes_heat import faces_of, heats
from kapitza.device.volumes_read import HotSpot
from kapitza.device.volumes_solve import settled
from kapitza.errors import InputError

PART = 1e-4  # of a number, by which it is moved either way: its square is the relative error
CLOSE = 1e-11


def field_sensitivities(
    layout: Layout | Device,
    unknowns: int = 40_000,
    *,
    grid: BoxGrid | None = None,
    names: Sequence[str] | None = None,
) -> dict[str, float]:
    """Change of the peak per relative change of each conductivity, conductance, coefficient and power, by name, K.

    Parameters
    ----------
    layout : with numbers that do not depend on temperature
    unknowns, grid : as for `solve_fields`
    names : of some numbers only

    Returns
    -------
    ∂T/∂ln p of "GaN.conductivity", "GaN|SiC.conductance", "finger.power", ...; of a block "via.conductivity",
    "via.conductance" (where no other is named), "GaN|via.conductance" (of a boundary that is named) and "via.power"

    Raises
    ------
    InputError
        for properties of T, and as `solve_fields`
    """
    layout = Layout(layout) if isinstance(layout, Device) else layout
    if depends(layout):
        raise InputError(f"{layout.device.title}: sensitivities of a field take plain numbers, got properties of T")
    held = settled(layout, grid or automatic_grid(layout, unknowns), CLOSE)
    balances = matrix(held.system)
    weights = spot_weights(held.system, held.spot).ravel()
    adjoint = conjugate_gradients(balances, weights, preconditioner(balances), None, CLOSE)[0].reshape(held.rise.shape)
    found: dict[str, float] = {}
    for name in numbers_of(layout) if names is None else names:
        change = 0.0
        for sign in (1, -1):
            moved = scaled(layout, name, 1 + sign * PART)
            other = system(moved, held.system.grid, held.system.regions)
            peak = held.spot.rise(held.rise, faces_of(other, held.rise))
            change += sign * (peak - float(np.vdot(adjoint, other.flow(held.rise) - heats(other))))
        found[name] = change / (2 * PART)
    return found


def spot_weights(found: System, spot: HotSpot) -> Array:
    """(nx, ny, nz) change of the rise of a spot with that of each cell."""
    weights = np.zeros(found.grid.shape)
    both = np.outer(spot.x[1], spot.y[1])
    own = np.ix_(spot.x[0], spot.y[0])
    for i, a in enumerate(spot.x[0]):
        for j, b in enumerate(spot.y[0]):  # a cell stands twice where a wall mirrors it
            if spot.plane is None:
                weights[a, b, spot.cell[2]] += both[i, j]
                continue
            share = float(spot.plane.share[own][i, j])
            if spot.plane.index < found.grid.shape[2]:
                weights[a, b, spot.plane.index] += both[i, j] * share
            if spot.plane.index:
                weights[a, b, spot.plane.index - 1] += both[i, j] * (1 - share)
    return weights
