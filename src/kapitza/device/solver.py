"""One verb for the steady temperatures of any device: layers without a grid, blocks on a grid, bodies on a mesh."""

from typing import Literal, Protocol, TypeVar, overload, runtime_checkable

import numpy as np
from attrs import evolve

from kapitza.core.arrays import number
from kapitza.device.description import Device
from kapitza.device.elements.body import Body
from kapitza.device.elements.temperatures import BodyTemperatures, richer_body, solve_body
from kapitza.device.grid.box_grid import BoxGrid, automatic_grid
from kapitza.device.grid.steady import GRID_PROPERTY_TOLERANCE, GridSolution, grid_goals, solve_balances
from kapitza.device.grid.steady import temperature_drops as grid_drops
from kapitza.device.grid.temperatures import GridTemperatures, field_volumes, solve_on_grid
from kapitza.device.layered.linear import with_constant_properties
from kapitza.device.layered.steady import solve_steady
from kapitza.device.layered.temperatures import LayeredTemperatures, solve_layered
from kapitza.device.layout import Layout
from kapitza.device.results import Temperatures
from kapitza.errors import ConvergenceError, Hint, InputError

Method = Literal["layers", "volumes", "elements"]
_METHODS: tuple[Method, ...] = ("layers", "volumes", "elements")
_MAX_REFINED_CELLS = 4_000_000  # cells of a grid up to which a tolerance is tried for
_MAX_REFINED_UNKNOWNS = 400_000  # of a mesh
_CELL_MARGIN = 1.3  # times the cells that second order asks for
_FEWEST_TIMES, _MOST_TIMES = 2.0, 8.0  # cells from one grid to the next
_MOST_CAUTION = 2.0  # cells that second order asks for over those that suffice where an error is estimated too large
_MOST_GAIN = 16.0  # of quadratic cells cut in half, at fourth order: the most that a smooth field gives
_FIRST_VARIATION_CELLS = 2000  # of the coarsest grid on which properties of T vary
_MAX_VARIATION_CELLS = 1_500_000  # of the finest: a minute
_VARIATION_TOLERANCE = 1e-7  # of the solutions, in energy
_MOST_VARIATION_GAIN = 4.0  # of cells cut in two, at second order
_LEAST_TOLERANCE = 1e-9  # K: seven digits of the heat balances of a rise of 10 mK

_Found = TypeVar("_Found", LayeredTemperatures, GridTemperatures, BodyTemperatures)


@runtime_checkable
class DescribedBody(Protocol):
    """What holds a body, as the record of a device file does."""

    @property
    def body(self) -> Body:
        """What is solved."""
        ...


@overload
def solve(  # noqa: D418
    device: Body | DescribedBody, *, method: Literal["elements"] | None = None, tolerance: float | None = None
) -> BodyTemperatures:
    """A body on a mesh, by finite elements."""


@overload
def solve(  # noqa: D418
    device: Device | Layout,
    *,
    method: Literal["volumes"],
    cells: int = 150_000,
    grid: BoxGrid | None = None,
    tolerance: float | None = None,
) -> GridTemperatures:
    """Any layers on a box grid, by finite volumes."""


@overload
def solve(  # noqa: D418
    device: Device, *, method: Literal["layers"] | None = None, sensitivity: bool = True, tolerance: float | None = None
) -> LayeredTemperatures:
    """Layers that are the same everywhere, exactly."""


@overload
def solve(  # noqa: D418
    device: Layout,
    *,
    method: Method | None = None,
    cells: int = 150_000,
    grid: BoxGrid | None = None,
    tolerance: float | None = None,
) -> LayeredTemperatures | GridTemperatures:
    """Layers with blocks: on a grid unless there are none."""


def solve(
    device: Device | Layout | Body | DescribedBody,
    *,
    method: Method | None = None,
    cells: int = 150_000,
    grid: BoxGrid | None = None,
    sensitivity: bool = True,
    tolerance: float | None = None,
) -> Temperatures:
    """Steady temperatures of a device, by the simplest method that its geometry permits.

    Layers that are the same everywhere take no grid: every point is one exact integral.  Blocks and sides that let
    heat out take finite volumes on a box grid, bodies on a mesh finite elements.

    Parameters
    ----------
    device : layers (`Device`), layers with blocks (`Layout`), or a mesh (`Body`, or the file that describes one): all
        that `read` makes of a device file
    method : "layers", "volumes" or "elements" instead of what the geometry needs
    cells : about how many cells a box grid has; the error goes as their number to the power -2/3
    grid : another box grid than the automatic one
    sensitivity : of layers, whether to add how the peak depends on each number, from one adjoint solution
    tolerance : largest numerical error of the hottest point as `errors` estimates it, K, until which cells are made
        smaller; for layers with properties of T those of a grid on which their variation is found

    Returns
    -------
    `LayeredTemperatures`, `GridTemperatures` or `BodyTemperatures`, each with the views of `Temperatures`

    Raises
    ------
    InputError
        for a tolerance below what rounding leaves, a method that cannot describe the device, a region that no heat can
        leave, or a temperature outside of the range in which a property is known
    ConvergenceError
        where the temperatures do not settle (thermal runaway), or the tolerance is not met
    """
    if tolerance is not None:
        check_tolerance(tolerance)
        found = solve(device, method=method, cells=cells, grid=grid, sensitivity=sensitivity)  # pyright: ignore[reportCallIssue, reportArgumentType]
        return refine_until(found, tolerance)[0]
    if isinstance(device, DescribedBody):
        device = device.body
    needed = _needed_method(device)
    if method not in (None, *_METHODS):
        raise InputError(
            f"method = {method!r}: expected {', '.join(map(repr, _METHODS))}; leave it out to solve by what the "
            "geometry needs"
        )
    if grid is not None and not isinstance(grid, BoxGrid):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(f"grid = {grid!r:.60}: expected a BoxGrid; the number of cells is cells=")
    chosen = method or ("volumes" if needed == "layers" and grid is not None else needed)
    if isinstance(device, Body):
        if chosen != "elements":
            raise InputError(f"method {chosen!r} cannot describe a body on a mesh: take 'elements'")
        return solve_body(device)
    if chosen == "elements":
        raise InputError("method 'elements' takes a body on a mesh, not layers and blocks: make a Body")
    if chosen == "volumes":
        return solve_on_grid(device, cells, grid=grid)
    if isinstance(device, Layout):
        if device.blocks or any(device.sides.values()):
            raise InputError(f"{device.device.title}: method 'layers' knows neither blocks nor sides; take 'volumes'")
        device = device.device
    return solve_layered(device, sensitivity=sensitivity)


def check_tolerance(tolerance: float) -> float:
    """Return a tolerance, K, if any solution could meet it: InputError where it is not above what rounding leaves."""
    if not number(tolerance) >= _LEAST_TOLERANCE:
        raise InputError(
            f"tolerance = {tolerance:g} K: wanted at least {_LEAST_TOLERANCE:g} K, which the rounding of numbers leaves"
        )
    return tolerance


def refine_until(found: _Found, tolerance: float | None) -> tuple[_Found, dict[str, float]]:
    """Temperatures on ever smaller cells until the estimated error of the hottest point is at most a tolerance, K, and
    the estimated errors; without a tolerance these temperatures and their errors.

    Raises
    ------
    InputError
        for a tolerance below what rounding leaves
    ConvergenceError
        where it would take too many cells, as soon as that can be foreseen, or properties of T vary in layers without
        sides or end, of which there is no grid
    """
    limit = np.inf if tolerance is None else check_tolerance(tolerance)
    errors = found.errors()
    while (error := errors.get("peak", np.inf)) > limit:
        found = _on_smaller_cells(found, error, limit)
        errors = found.errors()
    return found, errors


def _on_smaller_cells(found: _Found, error: float, tolerance: float) -> _Found:
    """The next solution on the way to a tolerance, K."""
    if isinstance(found, LayeredTemperatures):
        if not found.device.is_nonlinear:
            raise ConvergenceError(
                f"the integral over wave vectors has an error of {error:.2g} K, wanted {tolerance:.2g} K: it is as "
                "exact as rounding allows",
                last=found,
            )
        return _add_variation(found, tolerance)
    if isinstance(found, BodyTemperatures):
        unknowns, dimension = len(found.temperature), found.body.mesh.dimension
        halvings = np.ceil(np.log(error / tolerance) / np.log(_MOST_GAIN))
        if unknowns * 2.0 ** (dimension * (halvings - 1)) > _MAX_REFINED_UNKNOWNS:
            raise ConvergenceError(_unmet(error, tolerance, f"on {unknowns} unknowns"), last=found)
        return solve_body(richer_body(found.body))
    layout = field_volumes(found).layout
    if not np.isfinite(error):  # a grid of one's own, whose cells cannot be joined
        return solve_on_grid(layout, grid=found.grid.refine())
    wanted = (error / tolerance) ** 1.5
    times = min(max(_CELL_MARGIN * wanted, _FEWEST_TIMES), _MOST_TIMES)
    if found.grid.count * max(times, wanted / _MOST_CAUTION) > _MAX_REFINED_CELLS:
        raise ConvergenceError(_unmet(error, tolerance, f"on {found.grid.count} cells"), last=found)
    return solve_on_grid(layout, int(found.grid.count * times))


def _unmet(error: float, tolerance: float, size: str) -> str:
    return f"the numerical error is some {error:.2g} K {size}, wanted {tolerance:.2g} K: that would take too many"


def _needed_method(device: Device | Layout | Body) -> Method:
    if isinstance(device, Body):
        return "elements"
    if isinstance(device, Device):
        return "layers"
    if not isinstance(device, Layout):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(
            f"solve got {device!r:.60} ({type(device).__name__}): expected a Device (layers), a Layout (layers with "
            "blocks) or a Body (a mesh)",
            hint=Hint(python="kapitza.read makes one from a device file"),
        )
    plain = not device.blocks and not any(device.sides.values())
    return "layers" if plain and (device.device.box is None or not device.is_nonlinear) else "volumes"


def _add_variation(found: LayeredTemperatures, tolerance: float) -> LayeredTemperatures:
    r"""Add what the variation of properties of T within layers changes, from ever smaller cells up to a tolerance, K.

    One number for each layer and boundary (`solve_steady`) leaves out that a property varies where the heat flows.  The
    same grid is solved with the properties of T and with these numbers: the difference D of the two lacks nearly all of
    the error of the grid, which both share, and is added to the exact solution with these numbers.  From cells cut in
    two D changes by $D_{h/2} - D_h$, which at first order is the error that is left and at second order three times it.
    Raises ConvergenceError for a device without sides or end, of which there is no grid, and where it would take too
    many cells, as soon as that can be foreseen.
    """
    device = found.device
    if device.box is None or not np.isfinite(device.stack.layers[-1].thickness):
        raise ConvergenceError(
            f"one number for each property of T leaves an error of {found.errors()['peak']:.2g} K, wanted "
            f"{tolerance:.2g} K: what it leaves out is found on a grid, which needs a box and layers of finite "
            "thickness",
            last=found,
        )
    numbers = with_constant_properties(device, solve_steady(device).values)
    linear = solve_layered(numbers, sensitivity=False).errors()
    layouts, grid = (Layout(device), Layout(numbers)), automatic_grid(Layout(device), _FIRST_VARIATION_CELLS)
    pair = [solve_balances(layout, grid, _VARIATION_TOLERANCE) for layout in layouts]
    while True:
        last, grid = _differences(pair), grid.refine()
        starts = [field.rise.repeat(2, 0).repeat(2, 1).repeat(2, 2) for field in pair]
        pair = [
            solve_balances(layout, grid, _VARIATION_TOLERANCE, start)
            for layout, start in zip(layouts, starts, strict=True)
        ]
        change = _differences(pair)
        settled = GRID_PROPERTY_TOLERANCE * found.peak
        errors = {name: linear[name] + abs(size - last[name]) + settled for name, size in change.items()}
        varying, constant = (grid_drops(field) for field in pair)
        drop = {name: found.drop.get(name, 0.0) for name in (*found.drop, *varying)}
        for name in drop:
            drop[name] += varying.get(name, 0.0) - constant.get(name, 0.0)
        better = evolve(
            found,
            peak=found.peak + change["peak"],
            average={name: value + change[name] for name, value in found.average.items()},
            drop=drop,
            error=errors,
            cells=grid.count,
        )
        error = errors["peak"]
        if error <= tolerance:
            return better
        halvings = max(1.0, np.ceil(np.log(error / tolerance) / np.log(_MOST_VARIATION_GAIN)))
        if better.cells * 8.0**halvings > _MAX_VARIATION_CELLS:
            size = f"with properties of T on {better.cells} cells"
            raise ConvergenceError(_unmet(error, tolerance, size), last=better)


def _differences(pair: list[GridSolution]) -> dict[str, float]:
    """Rises with properties of T less those with one number for each, of patches, by name, and of "peak", K."""
    varying, constant = (grid_goals(field) for field in pair)
    return {name: value - constant[name] for name, value in varying.items()}
