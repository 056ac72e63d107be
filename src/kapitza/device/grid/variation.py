r"""What properties of T that vary within a layer change, from grids, for layers that are solved without one.

One number for each layer and boundary (`solve_steady`) leaves out that a property varies where the heat flows.  The
same grid is solved with the properties of T and with these numbers: the difference D of the two lacks nearly all of
the error of the grid, which both share, and is added to the exact solution with these numbers.  From cells cut in two
D changes by $D_{h/2} - D_h$, which at first order is the error that is left and at second order three times it.
"""

import numpy as np
from attrs import evolve

from kapitza.device.grid.box_grid import automatic_grid
from kapitza.device.grid.errors import grid_goals
from kapitza.device.grid.steady import GRID_PROPERTY_TOLERANCE, GridSolution, solve_balances, temperature_drops
from kapitza.device.layered.linear import with_constant_properties
from kapitza.device.layered.steady import solve_steady
from kapitza.device.layered.temperatures import LayeredTemperatures, solve_layered
from kapitza.device.layout import Layout
from kapitza.errors import ConvergenceError

_FIRST_CELLS = 2000  # of the coarsest grid
_MAX_VARIATION_CELLS = 1_500_000  # of the finest: a minute
_ENERGY_TOLERANCE = 1e-7  # of the solutions
_MOST_GAIN = 4.0  # of cells cut in two, at second order


def add_variation(found: LayeredTemperatures, tolerance: float) -> LayeredTemperatures:
    """Layered temperatures with what the variation of properties of T within layers changes, from ever smaller cells
    until the estimated error of the hottest point is at most a tolerance, K.

    Raises
    ------
    ConvergenceError
        for a device without sides or end, of which there is no grid, and where it would take too many cells, as soon
        as that can be foreseen
    """
    device = found.device
    if device.box is None or not np.isfinite(device.stack.layers[-1].thickness):
        raise ConvergenceError(
            f"one number for each property of T leaves an error of {found.errors()['peak']:.2g} K, wanted "
            f"{tolerance:.2g} K: what it leaves out is found on a grid, which needs a box and layers of finite "
            "thickness",
            last=found,
        )
    constant = with_constant_properties(device, solve_steady(device).values)
    linear = solve_layered(constant, sensitivity=False).errors()
    layouts, grid = (Layout(device), Layout(constant)), automatic_grid(Layout(device), _FIRST_CELLS)
    pair = [solve_balances(layout, grid, _ENERGY_TOLERANCE) for layout in layouts]
    while True:
        last, grid = _differences(layouts, pair), grid.refine()
        starts = [one.rise.repeat(2, 0).repeat(2, 1).repeat(2, 2) for one in pair]
        ways = zip(layouts, starts, strict=True)
        pair = [solve_balances(layout, grid, _ENERGY_TOLERANCE, start) for layout, start in ways]
        change = _differences(layouts, pair)
        errors = {
            name: linear[name] + abs(change[name] - last[name]) + GRID_PROPERTY_TOLERANCE * found.peak
            for name in change
        }
        better = _with_variation(found, pair, change, errors)
        if errors["peak"] <= tolerance:
            return better
        _check_cells(better, errors["peak"], tolerance)


def _differences(layouts: tuple[Layout, Layout], pair: list[GridSolution]) -> dict[str, float]:
    """Rises with properties of T less those with one number for each, of patches, by name, and of "peak", K."""
    varying, constant = (grid_goals(layout, one) for layout, one in zip(layouts, pair, strict=True))
    return {name: value - constant[name] for name, value in varying.items()}


def _with_variation(
    found: LayeredTemperatures, pair: list[GridSolution], change: dict[str, float], errors: dict[str, float]
) -> LayeredTemperatures:
    """Layered temperatures with changes of rises, and those of the drops on the lines below the hottest points, K."""
    varying, constant = (temperature_drops(one.system, one.rise, one.faces, one.spot) for one in pair)
    names = dict.fromkeys([*found.drop, *varying])
    drop = {name: found.drop.get(name, 0.0) + varying.get(name, 0.0) - constant.get(name, 0.0) for name in names}
    return evolve(
        found,
        peak=found.peak + change["peak"],
        average={name: value + change[name] for name, value in found.average.items()},
        drop=drop,
        error=errors,
        cells=pair[0].system.grid.count,
    )


def _check_cells(found: LayeredTemperatures, error: float, tolerance: float) -> None:
    """Raise ConvergenceError where even the fastest convergence would take too many cells."""
    halvings = max(1.0, np.ceil(np.log(error / tolerance) / np.log(_MOST_GAIN)))
    if found.cells * 8.0**halvings > _MAX_VARIATION_CELLS:
        raise ConvergenceError(
            f"the numerical error is some {error:.2g} K with properties of T on {found.cells} cells, wanted "
            f"{tolerance:.2g} K: that would take too many",
            last=found,
        )
