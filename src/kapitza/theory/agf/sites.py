"""Coordinates of a device by name: layer, atom, direction, element; and where its interface is."""

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from kapitza.errors import InputError
from kapitza.matter.junction import Array, Junction, Lead, Slab
from kapitza.theory.agf.local_green import lead_blocks

Counts = NDArray[np.intp]

ALIKE = 0.02  # of the largest force constant over mass: layers that differ less from a crystal are crystal


@frozen(eq=False)
class Sites:
    """What each coordinate of the device is.

    Attributes
    ----------
    layer, atom, direction : (f,) numbers of the layer and of the atom, and 0, 1, 2 for x, y, z
    symbol : (n,) of each atom
    """

    layer: Counts
    atom: Counts
    direction: Counts
    symbol: tuple[str, ...]


def sites(junction: Junction) -> Sites:
    """Name all coordinates of a device."""
    counts = [slab.masses.size for slab in junction.device]
    d = junction.directions
    layer = np.repeat(np.arange(len(counts)), d * np.array(counts))
    atom = np.repeat(np.arange(sum(counts)), d)
    direction = np.tile(np.arange(d) if d == 3 else np.array([2]), sum(counts))
    symbol = [name for slab in junction.device for name in symbols(slab)]
    return Sites(layer, atom, direction, tuple(symbol))


def symbols(part: Slab | Lead) -> tuple[str, ...]:
    """Elements of the atoms of a layer; their masses in u where they have no names."""
    if len(part.symbols) == part.masses.size:
        return part.symbols
    return tuple(f"{mass / 1.66053906892e-27:.4g} u" for mass in part.masses)


def interface_layers(junction: Junction) -> tuple[int, ...]:
    """Layers of the device that are neither crystal: their blocks, or those to a neighbour, differ from both leads.

    The two middle layers where none differs.
    """
    origin = np.zeros((1, 2))
    blocks = junction.blocks(origin)
    leads = [lead_blocks(junction, origin, side) for side in ("left", "right")]
    scale = max(float(np.abs(onsite).max()) for onsite, _ in leads)

    def alike(one: NDArray[np.complexfloating], other: NDArray[np.complexfloating]) -> bool:
        return one.shape == other.shape and bool(np.abs(one - other).max() <= ALIKE * scale)

    found: set[int] = set()
    last = len(junction.device) - 1
    for i, onsite in enumerate(blocks.onsite):
        if not any(alike(onsite, lead) for lead, _ in leads):
            found.add(i)
    for i, hop in enumerate(blocks.hop):
        if not any(alike(hop, lead) for _, lead in leads):
            found |= {i, i + 1}
    middle = last // 2
    return tuple(sorted(found)) or tuple(sorted({middle, min(middle + 1, last)}))


def chosen_layers(junction: Junction, layers: tuple[int, ...] | None) -> tuple[int, ...]:
    """Layers of the interface as a user counts them, or those found."""
    if layers is None:
        return interface_layers(junction)
    count = len(junction.device)
    if not layers or min(layers) < 0 or max(layers) >= count:
        raise InputError(f"layers {layers}: expected numbers of the {count} layers of the device, from 0")
    return tuple(sorted(set(layers)))


def layer_heights(junction: Junction) -> Array:
    """(nl,) mean heights of the layers along the normal, 0 in the middle of the interface, m."""
    heights = np.zeros(len(junction.device))
    thickness = np.linspace(junction.left.thickness, junction.right.thickness, len(heights))
    if all(slab.positions is not None for slab in junction.device):
        normal = np.cross(junction.periods[0], junction.periods[1]) / junction.area
        heights[:] = [float(np.mean(np.asarray(slab.positions) @ normal)) for slab in junction.device]
    else:
        heights[1:] = np.cumsum((thickness[:-1] + thickness[1:]) / 2)
    return heights - heights[list(interface_layers(junction))].mean()
