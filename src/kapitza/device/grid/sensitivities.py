"""Sensitivities and uncertainty of the peak temperature of a layout: adjoint, or finite differences."""

from collections.abc import Sequence

import numpy as np
from attrs import evolve
from numpy.typing import NDArray

import kapitza.device.grid.finite_volumes as volumes
from kapitza.core.arrays import Array
from kapitza.core.conductance import Conductance
from kapitza.device.description import Device
from kapitza.device.grid.box_grid import BoxGrid, automatic_grid, required_edges
from kapitza.device.grid.finite_volumes import FiniteVolumes
from kapitza.device.grid.steady import HotSpot, solve_balances
from kapitza.device.layered.temperatures import device_parameters, scale_device
from kapitza.device.layout import Block, Layout, conductance_at_sink, scale_conductance
from kapitza.device.multigrid import build_preconditioner, conjugate_gradients
from kapitza.device.results import logarithmic_derivatives
from kapitza.errors import InputError

_SCALABLE = ("conductivity", "in_plane", "in_plane_y", "conductance", "coefficient", "top_coefficient", "power")


def adjacent_regions(layout: Layout) -> tuple[tuple[int, int], ...]:
    """Pairs of numbers of layers and blocks with a common face that no later block covers, the lower one first."""
    regions = _coarsest_regions(layout)
    pairs: set[tuple[int, int]] = set()
    for axis in range(3):
        first, second = (regions[volumes.axis_index(axis, part)].ravel() for part in (slice(None, -1), slice(1, None)))
        both = np.sort(np.column_stack([first, second]), axis=1)
        pairs |= {(int(a), int(b)) for a, b in np.unique(both, axis=0) if a != b}
    return tuple(sorted(pairs))


def visible_regions(layout: Layout) -> set[int]:
    """Numbers of the layers and blocks that are not all below later blocks."""
    return {int(n) for n in np.unique(_coarsest_regions(layout))}


def _coarsest_regions(layout: Layout) -> NDArray[np.int16]:
    edges: list[Array] = [required_edges(layout, axis) for axis in range(3)]
    return volumes.paint_regions(layout, BoxGrid(*edges))


def layout_parameters(layout: Layout) -> list[str]:
    """Names of the numbers that the peak may depend on."""
    device = layout.device
    names = list(device_parameters(device, ("conductivity", "in_plane", "in_plane_y")))
    names += [f"{source.name}.power" for source in device.sources]
    for block in layout.blocks:
        names.append(f"{block.name}.conductivity")
        contacts = {f"{name}|{block.name}": value for name, value in block.contacts.items()}
        contacts[block.name] = block.conductance
        finite = [name for name, value in contacts.items() if np.isfinite(conductance_at_sink(value, device.sink))]
        names += [f"{name}.conductance" for name in finite]
        names += [f"{block.name}.power"] if block.power else []
    return names


def scale_layout(layout: Layout, name: str, factor: float) -> Layout:
    """A layout with a conductivity, conductance, coefficient or power times a factor above zero.

    Lengths, which blocks would have to follow, and values that are not finite and above zero are refused.
    """
    value = layout.value(name)
    if name.rpartition(".")[2] not in _SCALABLE:
        raise InputError(
            f"{name}: of a device with blocks {', '.join(_SCALABLE)} can be changed; lengths stand in the file"
        )
    if not (np.isfinite(value) and value and factor > 0):
        raise InputError(f"{name} is {value:g}, times {factor:g}: wanted finite numbers above zero")
    return scale_layout_parameter(layout, name, factor)


def scale_layout_parameter(layout: Layout, name: str, factor: float) -> Layout:
    """A layout with one number times a factor."""
    owner, _, attribute = name.rpartition(".")
    pair = layout.pair(owner) if attribute == "conductance" else None
    blocks = list(layout.blocks)
    if pair is not None:  # between a block and another region
        number, other = pair[1] - len(layout.device.stack.layers), layout.regions[pair[0]].name
        scaled = scale_conductance(layout.contact(*pair), factor)
        blocks[number] = evolve(blocks[number], contacts={**blocks[number].contacts, other: scaled})
        return evolve(layout, blocks=blocks)
    if owner not in [block.name for block in blocks]:
        return evolve(layout, device=scale_device(layout.device, name, factor))
    return evolve(layout, blocks=[_scale_block(b, attribute, factor) if b.name == owner else b for b in blocks])


def _scale_block(block: Block, attribute: str, factor: float) -> Block:
    if attribute == "power":
        return evolve(block, power=block.power * factor)
    if attribute == "conductance":
        return evolve(block, conductance=scale_conductance(block.conductance, factor))
    layer = block.layer
    kept = {name: getattr(layer, name) for name in ("in_plane", "in_plane_y")}
    if attribute in kept:
        return evolve(block, layer=evolve(layer, **{attribute: kept[attribute] * factor}))
    along = {name: None if value is None else value * factor for name, value in kept.items()}
    law = None if block.law is None else evolve(block.law, value=block.law.value * factor)
    return evolve(block, layer=evolve(layer, conductivity=layer.conductivity * factor, **along), law=law)


_LAYOUT_PERTURBATION = 1e-4  # of a number, by which it is moved either way: its square is the relative error
_ADJOINT_TOLERANCE = 1e-11


def grid_sensitivities(
    layout: Layout | Device, unknowns: int = 40_000, *, grid: BoxGrid | None = None, names: Sequence[str] | None = None
) -> dict[str, float]:
    """Change of the peak per relative change of each conductivity, conductance, coefficient and power, by name, K.

    Of a block "via.conductivity", "via.conductance" (where no other is named), "GaN|via.conductance" (of a boundary
    that is named) and "via.power".  The layout takes properties that do not depend on temperature.
    """
    layout = Layout(layout) if isinstance(layout, Device) else layout
    if layout.is_nonlinear:
        raise InputError(f"{layout.device.title}: sensitivities of a field take plain numbers, got properties of T")
    held = solve_balances(layout, grid or automatic_grid(layout, unknowns), _ADJOINT_TOLERANCE)
    balances = volumes.balance_matrix(held.system)
    weights = _spot_weights(held.system, held.spot).ravel()
    adjoint, _ = conjugate_gradients(balances, weights, build_preconditioner(balances), None, _ADJOINT_TOLERANCE)
    adjoint = adjoint.reshape(held.rise.shape)

    def peak(name: str, factor: float) -> float:
        moved = scale_layout_parameter(layout, name, factor)
        other = volumes.finite_volumes(moved, held.system.grid, held.system.regions)
        value = held.spot.rise(held.rise, volumes.horizontal_faces(other, held.rise))
        # residual of the unchanged field, weighted by the adjoint: first order without a new solution
        return value - float(np.vdot(adjoint, other.flow(held.rise) - volumes.cell_heats(other)))

    return logarithmic_derivatives(layout_parameters(layout) if names is None else names, peak, _LAYOUT_PERTURBATION)


def _spot_weights(found: FiniteVolumes, spot: HotSpot) -> Array:
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


_DIFFERENCE_CELLS = 8000  # cells where each number takes solutions of its own
_GRID_DIFFERENCE_STEP = 1e-2  # of differences, relative
_DIFFERENCE_TOLERANCE = 1e-10


def peak_uncertainty(layout: Layout, cells: int) -> tuple[dict[str, float], dict[str, float]]:
    """Sensitivity to each uncertain number, and its part of the standard uncertainty of the peak, by name, K.

    One adjoint solution gives all; temperature-dependent properties take differences on a coarser grid.
    """
    relative = _layout_uncertainties(layout)
    if not relative:
        return {}, {}
    if layout.is_nonlinear:
        slopes = grid_differences(layout, tuple(relative))
    else:
        slopes = grid_sensitivities(layout, cells, names=tuple(relative))
    return slopes, {name: abs(slopes[name]) * share for name, share in relative.items() if name in slopes}


def _layout_uncertainties(layout: Layout) -> dict[str, float]:
    """Relative standard uncertainty of each number that has one, by name; of a saved conductance at the sink."""
    given = {**layout.device.uncertain, **layout.uncertain}
    without = unresolved_uncertainties(layout)
    found = {name: sigma / abs(layout.value(name)) for name, sigma in given.items() if name not in without}
    for pair in adjacent_regions(layout):
        held, name = layout.contact(*pair), f"{layout.name(*pair)}.conductance"
        if isinstance(held, Conductance) and held.sigma is not None and name not in found:
            at = evolve(held, value=held.sigma, sigma=None).at(layout.device.sink)[0]
            found[name] = float(at / held.at(layout.device.sink)[0])
    return found


def unresolved_uncertainties(layout: Layout) -> tuple[str, ...]:
    """Names of uncertain numbers that fields on a grid tell nothing about: lengths, which the grid itself follows."""
    given = (*layout.device.uncertain, *layout.uncertain)
    return tuple(name for name in given if name.rpartition(".")[2] not in _SCALABLE)


def grid_differences(layout: Layout, names: tuple[str, ...]) -> dict[str, float]:
    """Change of the peak per relative change of numbers by solutions with each a little larger and smaller, K.

    The hottest point stays where it is: to first order a maximum does not change as its place does, and on a grid it
    goes from cell to cell.
    """
    held = solve_balances(layout, automatic_grid(layout, _DIFFERENCE_CELLS), _DIFFERENCE_TOLERANCE)

    def peak(name: str, factor: float) -> float:
        scaled = scale_layout_parameter(layout, name, factor)
        moved = solve_balances(scaled, held.system.grid, _DIFFERENCE_TOLERANCE, held.rise)
        return held.spot.rise(moved.rise, moved.faces)

    return logarithmic_derivatives(names, peak, _GRID_DIFFERENCE_STEP)
