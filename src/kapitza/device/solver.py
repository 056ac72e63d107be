"""One verb for the steady temperatures of any device: layers without a grid, blocks on a grid, bodies on a mesh."""

from typing import Literal, Protocol, overload, runtime_checkable

from kapitza.device.description import Device
from kapitza.device.elements.body import Body
from kapitza.device.elements.temperatures import BodyTemperatures, solve_body
from kapitza.device.grid.box_grid import BoxGrid
from kapitza.device.grid.temperatures import GridTemperatures, solve_on_grid
from kapitza.device.layered.temperatures import LayeredTemperatures, solve_layered
from kapitza.device.layout import Layout
from kapitza.device.results import Temperatures
from kapitza.errors import InputError

Method = Literal["layers", "volumes", "elements"]
_METHODS: tuple[Method, ...] = ("layers", "volumes", "elements")


@runtime_checkable
class DescribedBody(Protocol):
    """What holds a body, as the record of a device file does."""

    @property
    def body(self) -> Body:
        """What is solved."""
        ...


@overload
def solve(device: Body | DescribedBody, *, method: Literal["elements"] | None = None) -> BodyTemperatures:  # noqa: D418
    """A body on a mesh, by finite elements."""


@overload
def solve(  # noqa: D418
    device: Device | Layout, *, method: Literal["volumes"], cells: int = 150_000, grid: BoxGrid | None = None
) -> GridTemperatures:
    """Any layers on a box grid, by finite volumes."""


@overload
def solve(device: Device, *, method: Literal["layers"] | None = None, sensitivity: bool = True) -> LayeredTemperatures:  # noqa: D418
    """Layers that are the same everywhere, exactly."""


@overload
def solve(  # noqa: D418
    device: Layout, *, method: Method | None = None, cells: int = 150_000, grid: BoxGrid | None = None
) -> LayeredTemperatures | GridTemperatures:
    """Layers with blocks: on a grid unless there are none."""


def solve(
    device: Device | Layout | Body | DescribedBody,
    *,
    method: Method | None = None,
    cells: int = 150_000,
    grid: BoxGrid | None = None,
    sensitivity: bool = True,
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

    Returns
    -------
    `LayeredTemperatures`, `GridTemperatures` or `BodyTemperatures`, each with the views of `Temperatures`

    Raises
    ------
    InputError
        for a method that cannot describe the device, a region that no heat can leave, or a temperature outside of the
        range in which a property is known
    ConvergenceError
        where the temperatures do not settle (thermal runaway)
    """
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


def _needed_method(device: Device | Layout | Body) -> Method:
    """The simplest method that describes a device."""
    if isinstance(device, Body):
        return "elements"
    if isinstance(device, Device):
        return "layers"
    if not isinstance(device, Layout):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(
            f"solve got {device!r:.60} ({type(device).__name__}): expected a Device (layers), a Layout (layers with "
            "blocks) or a Body (a mesh); kapitza.read makes one from a device file"
        )
    plain = not device.blocks and not any(device.sides.values())
    return "layers" if plain and (device.device.box is None or not device.is_nonlinear) else "volumes"
