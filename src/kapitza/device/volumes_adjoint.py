r"""What the hottest point of a field depends on, from one more solution with the same matrix.

The peak is $J = w'T + c$ with $A T = q$ and A symmetric, so with $A\lambda = w$ each number p changes it by

$$\frac{dJ}{dp} = \partial_p J - \lambda'(\partial_p A\,T - \partial_p q),$$

with $\partial_p J$ at the same field; the parentheses are heat balances of cells with p a little larger
and smaller: no solution.
"""

import numpy as np
from attrs import evolve

from kapitza.core.arrays import Array
from kapitza.device.blocks import Inset, Layout
from kapitza.device.description import Device
from kapitza.device.grid import Grid, automatic_grid
from kapitza.device.multigrid import conjugate_gradients, preconditioner
from kapitza.device.volumes import System, depends, matrix, system
from kapitza.device.volumes_heat import faces_of, heats
from kapitza.device.volumes_read import HotSpot
from kapitza.device.volumes_solve import settled
from kapitza.errors import InputError

PART = 1e-4  # of a number, by which it is moved either way: its square is the relative error
CLOSE = 1e-11


def field_sensitivities(
    layout: Layout | Device, unknowns: int = 40_000, *, grid: Grid | None = None
) -> dict[str, float]:
    """Change of the peak per relative change of each conductivity, conductance, coefficient and power, by name, K.

    Parameters
    ----------
    layout : with numbers that do not depend on temperature
    unknowns, grid : as for `solve_fields`

    Returns
    -------
    ∂T/∂ln p of "GaN.conductivity", "GaN|SiC.conductance", "finger.power", ...; of a block "via.conductivity",
    "via.conductance" (of all boundaries that it has itself) and "via.power"

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
    for name in numbers_of(layout):
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


def numbers_of(layout: Layout) -> list[str]:
    """Names of the numbers that the peak may depend on."""
    device = layout.device
    found: list[str] = []
    for layer in device.stack.layers:
        given = (("conductivity", True), ("in_plane", layer.in_plane), ("in_plane_y", layer.in_plane_y))
        found += [f"{layer.name}.{name}" for name, value in given if value]
    found += [f"{name}.conductance" for name in device.stack.boundary_names]
    found = [name for name in found if np.isfinite(device.value(name))]
    found += [name for name in ("coefficient", "top_coefficient") if 0 < getattr(device, name) < np.inf]
    found += [f"{source.name}.power" for source in device.sources]
    for block in layout.blocks:
        found += [f"{block.name}.conductivity", f"{block.name}.conductance"]
        found += [f"{block.name}.power"] if block.power else []
    return found


def scaled(layout: Layout, name: str, factor: float) -> Layout:
    """A layout with one number times a factor."""
    owner, _, attribute = name.rpartition(".")
    if owner not in [block.name for block in layout.blocks]:
        device = layout.device
        return evolve(layout, device=device.replace({name: device.value(name) * factor}))
    return evolve(layout, blocks=[scaled_block(b, attribute, factor) if b.name == owner else b for b in layout.blocks])


def scaled_block(block: Inset, attribute: str, factor: float) -> Inset:
    """A block with all of its conductivities or conductances, or its power, times a factor."""
    if attribute == "power":
        return evolve(block, power=block.power * factor)
    if attribute == "conductance":
        contacts = {name: value * factor for name, value in block.contacts.items() if isinstance(value, float | int)}
        own = block.conductance
        return evolve(block, conductance=own * factor if isinstance(own, float | int) else own, contacts=contacts)
    layer = block.layer
    kept = {name: getattr(layer, name) for name in ("in_plane", "in_plane_y")}
    along = {name: None if value is None else value * factor for name, value in kept.items()}
    return evolve(block, layer=evolve(layer, conductivity=layer.conductivity * factor, **along))
