"""Numbers of layouts by name: which there are, layouts with another one, and which regions touch."""

import numpy as np
from attrs import evolve
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.core.conductance import Conductance
from kapitza.device.blocks import Inset, Layout, at_sink
from kapitza.device.grid import BoxGrid, edges_of
from kapitza.device.uncertainty import scaled as scaled_device
from kapitza.device.volumes import ends, painted
from kapitza.errors import InputError

SCALED = ("conductivity", "in_plane", "in_plane_y", "conductance", "coefficient", "top_coefficient", "power")


def touching(layout: Layout) -> tuple[tuple[int, int], ...]:
    """Pairs of numbers of layers and blocks that have a face in common, the lower one first.

    Parts of a block that lie below a later one do not count.
    """
    regions = coarse(layout)
    found: set[tuple[int, int]] = set()
    for axis in range(3):
        first, second = regions[ends(axis, slice(None, -1))].ravel(), regions[ends(axis, slice(1, None))].ravel()
        both = np.sort(np.column_stack([first, second]), axis=1)
        found |= {(int(a), int(b)) for a, b in np.unique(both, axis=0) if a != b}
    return tuple(sorted(found))


def present(layout: Layout) -> set[int]:
    """Numbers of the layers and blocks that are not all below later blocks."""
    return {int(n) for n in np.unique(coarse(layout))}


def coarse(layout: Layout) -> NDArray[np.int16]:
    """Number of the layer or block of each cell of the coarsest grid that shows them all."""
    edges: list[Array] = [edges_of(layout, axis) for axis in range(3)]
    return painted(layout, BoxGrid(*edges))


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
        found.append(f"{block.name}.conductivity")
        given = {f"{name}|{block.name}": value for name, value in block.contacts.items()}
        given |= {block.name: block.conductance}
        found += [f"{name}.conductance" for name, value in given.items() if np.isfinite(at_sink(value, device.sink))]
        found += [f"{block.name}.power"] if block.power else []
    return found


def scaled_layout(layout: Layout, name: str, factor: float) -> Layout:
    """A layout with a conductivity, conductance, coefficient or power times a factor.

    Parameters
    ----------
    name : such as "via.power", "fin|gate.conductance", "SiC.in_plane"
    factor : above zero

    Raises
    ------
    InputError
        for names that the layout does not have, numbers that are none, and lengths, which blocks would have to follow
    """
    value = layout.value(name)
    if name.rpartition(".")[2] not in SCALED:
        raise InputError(
            f"{name}: of a device with blocks {', '.join(SCALED)} can be changed; lengths stand in the file"
        )
    if not (np.isfinite(value) and value and factor > 0):
        raise InputError(f"{name} is {value:g}, times {factor:g}: wanted finite numbers above zero")
    return scaled(layout, name, factor)


def scaled(layout: Layout, name: str, factor: float) -> Layout:
    """A layout with one number times a factor."""
    owner, _, attribute = name.rpartition(".")
    pair = layout.pair(owner) if attribute == "conductance" else None
    if pair is not None:
        return scaled_contact(layout, pair, factor)
    if owner not in [block.name for block in layout.blocks]:
        return evolve(layout, device=scaled_device(layout.device, name, owner, factor))
    return evolve(layout, blocks=[scaled_block(b, attribute, factor) if b.name == owner else b for b in layout.blocks])


def scaled_contact(layout: Layout, pair: tuple[int, int], factor: float) -> Layout:
    """A layout with the boundary between a block and another region times a factor."""
    number = pair[1] - len(layout.device.stack.layers)
    block, other = layout.blocks[number], layout.regions[pair[0]].name
    changed = evolve(block, contacts={**block.contacts, other: times(layout.contact(*pair), factor)})
    return evolve(layout, blocks=[changed if i == number else one for i, one in enumerate(layout.blocks)])


def scaled_block(block: Inset, attribute: str, factor: float) -> Inset:
    """A block with its conductivities, its own conductance (not those of `contacts`), or its power times a factor."""
    if attribute == "power":
        return evolve(block, power=block.power * factor)
    if attribute == "conductance":
        return evolve(block, conductance=times(block.conductance, factor))
    layer = block.layer
    kept = {name: getattr(layer, name) for name in ("in_plane", "in_plane_y")}
    if attribute in kept:
        return evolve(block, layer=evolve(layer, **{attribute: kept[attribute] * factor}))
    along = {name: None if value is None else value * factor for name, value in kept.items()}
    law = None if block.law is None else evolve(block.law, value=block.law.value * factor)
    return evolve(block, layer=evolve(layer, conductivity=layer.conductivity * factor, **along), law=law)


def times(value: float | Conductance, factor: float) -> float | Conductance:
    """A conductance times a factor, at all temperatures."""
    return evolve(value, value=value.value * factor) if isinstance(value, Conductance) else value * factor
