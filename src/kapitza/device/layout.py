"""Boxes of other materials inside the layers of a device, and sides that let heat out: Manhattan layouts."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import about, number, quantity
from kapitza.core.conductance import Conductance, check_fourier_drop
from kapitza.core.records import BaseRecord, default_number, values_by_name
from kapitza.core.stack import Layer, Stack
from kapitza.device.description import Box, ConductivityLaw, Device
from kapitza.device.shapes import Interval, Rectangle, sorted_interval
from kapitza.errors import InputError

LATERAL_SIDES = ("left", "right", "front", "back")  # x = 0, x = width, y = 0, y = depth
_BLOCK_PROPERTIES = ("conductivity", "in_plane", "in_plane_y", "heat_capacity")  # of the layer of a block


def _block_outline(value: Any) -> Rectangle:
    if isinstance(value, Rectangle):
        return value
    raise InputError(
        f"a block has the outline of a Rectangle along x and y, got {type(value).__name__}: cells of a box grid make a "
        "staircase of any round or inclined side, whose area does not shrink to the true one on finer grids (1.5 times "
        "that of a sphere), and neither does its boundary resistance.  Use a mesh that follows the side"
    )


@frozen(eq=False)
class Block(BaseRecord):
    """A block: a box of one material in the layers, with its sides along x, y and z.

    Attributes
    ----------
    layer : name, conductivities, heat capacity; its thickness is the height of the block
    conductance : a number, or a Conductance of T; infinite for none
    law : conductivity of T; the ratios along and through the block are kept
    """

    layer: Layer
    outline: Rectangle = field(converter=_block_outline)
    top: float = field(converter=number, metadata=about("m", "its top face below the top face of the stack"))
    conductance: float | Conductance = field(default=np.inf, metadata=about("W m^-2 K^-1", "with all that it touches"))
    contacts: Mapping[str, float | Conductance] = values_by_name(
        about("W m^-2 K^-1", "other ones, by name of neighbour"), kw_only=True
    )
    law: ConductivityLaw | None = field(default=None, kw_only=True)
    power: float = default_number(0.0, about("W", "even heat"), quantity(low=-1e-300), kw_only=True)

    def __attrs_post_init__(self) -> None:
        for other, value in {"what it touches": self.conductance, **self.contacts}.items():
            if isinstance(value, Conductance):
                try:
                    check_fourier_drop(value, "a field of temperatures has bulk profiles")
                except InputError as err:
                    raise InputError(f"{self.name}|{other}: {err}") from err
            elif not value > 0:
                raise InputError(
                    f"{self.name}|{other}: conductance = {value:g} W/m²K, wanted above 0 (infinite for none)"
                )
        if not np.isfinite(self.layer.thickness):
            raise InputError(f"block {self.layer.name} is {self.layer.thickness:g} m high: wanted a finite height")

    @property
    def name(self) -> str:
        """Of its layer."""
        return self.layer.name

    @property
    def span(self) -> Interval:
        """Depths of its top and bottom faces, m."""
        return self.top, self.top + self.layer.thickness


def _blocks_tuple(value: Any) -> tuple[Block, ...]:
    blocks = tuple(value)
    if not all(isinstance(block, Block) for block in blocks):
        raise InputError(f"expected blocks, got {value!r:.80}")
    return blocks


@frozen(eq=False)
class Layout(BaseRecord):
    """A device with blocks in its layers, and sides that need not be planes of symmetry.

    Attributes
    ----------
    device : layers, sources, box, sink; conductivities of T and conductances of T are allowed
    blocks : boxes of other materials: where two overlap, the later one is there
    sides : heat transfer coefficients from "left" (x = 0), "right", "front" (y = 0), "back" to the sink, W m⁻² K⁻¹;
        infinite for a temperature that is held; no heat crosses the sides that are not named
    uncertain : standard uncertainties of numbers of blocks, such as "via|GaN.conductance", in its SI unit; those of
        layers, their boundaries and sources stand in the device

    Raises
    ------
    InputError
        for devices without a box, endless layers, oblique conductivities, metals with two temperatures, blocks that
        leave the box or take the name of another
    """

    device: Device
    blocks: tuple[Block, ...] = field(factory=tuple, converter=_blocks_tuple)
    sides: Mapping[str, float] = values_by_name(about("W m^-2 K^-1", "to the sink, by side"), kw_only=True)
    uncertain: Mapping[str, float] = values_by_name(about("SI", "standard uncertainties"), kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not self.power > 0:
            raise InputError(f"{self.device.title}: neither a source nor a block gives heat")
        names = [layer.name for layer in self.regions]
        for layer in self.regions:
            if np.isinf(layer.thickness):
                raise InputError(f"layer {layer.name} is infinitely thick, and a grid has an end: give it a thickness")
            if layer.oblique:
                k = layer.tensor.tolist()
                raise InputError(f"{layer.name}: the conductivity tensor {k} W/mK is not along x, y and z")
            if layer.electron_conductivity is not None:
                raise InputError(
                    f"{layer.name} has electrons with a temperature of their own: leave them out for fields"
                )
            if names.count(layer.name) > 1:
                raise InputError(f"two layers or blocks are called {layer.name!r}: give each its own name")
        for side, value in self.sides.items():
            if side not in LATERAL_SIDES or not value >= 0:
                raise InputError(f"side {side!r} with {value:g} W/m²K: expected {', '.join(LATERAL_SIDES)}, at least 0")
        for block in self.blocks:
            check_block_place(block, self.box, self.height)
            for name in block.contacts:
                if name not in names:
                    raise InputError(f"block {block.name} has a boundary with {name!r}, which is not there")
        for name, sigma in self.uncertain.items():
            self.value(name)
            if not 0 <= sigma < np.inf:
                raise InputError(f"uncertainty of {name} = {sigma:g}, wanted a finite number of at least 0")

    @property
    def box(self) -> Box:
        """Sides of the device."""
        if self.device.box is None:
            raise InputError(
                f"{self.device.title} has no box, and a grid has an end: give a width and a depth (some ten times the "
                "size of the sources)"
            )
        return self.device.box

    @property
    def height(self) -> float:
        """Of all layers together, m."""
        return sum(layer.thickness for layer in self.device.stack.layers)

    @property
    def power(self) -> float:
        """Of all sources and blocks, W."""
        return self.device.power + sum(block.power for block in self.blocks)

    @property
    def regions(self) -> tuple[Layer, ...]:
        """Layers, then blocks: in this order cells are numbered."""
        return (*self.device.stack.layers, *(block.layer for block in self.blocks))

    @property
    def laws(self) -> dict[int, ConductivityLaw]:
        """Conductivities of T by number of the region."""
        laws = {**self.device.laws, **{block.name: block.law for block in self.blocks if block.law is not None}}
        return {i: laws[layer.name] for i, layer in enumerate(self.regions) if layer.name in laws}

    @property
    def is_nonlinear(self) -> bool:
        """Whether conductivities or conductances depend on temperature."""
        contacts = [one for block in self.blocks for one in (block.conductance, *block.contacts.values())]
        return self.device.is_nonlinear or bool(self.laws) or any(isinstance(one, Conductance) for one in contacts)

    def contact(self, first: int, second: int) -> float | Conductance:
        """Conductance between two regions, W m⁻² K⁻¹: what the later block says of it, else that of the stack."""
        count = len(self.device.stack.layers)
        low, high = sorted((first, second))
        if high < count:
            return self.device.stack.boundaries[low].conductance if high == low + 1 else np.inf
        block, other = self.blocks[high - count], self.regions[low].name
        if other not in block.contacts and low >= count and block.name in self.blocks[low - count].contacts:
            return self.blocks[low - count].contacts[block.name]
        return block.contacts.get(other, block.conductance)

    def name(self, first: int, second: int) -> str:
        """Name of the boundary of two regions, "upper|lower"."""
        return f"{self.regions[first].name}|{self.regions[second].name}"

    def pair(self, name: str) -> tuple[int, int] | None:
        """Numbers of the two regions of a boundary of a block by its name, the lower one first; None for no such."""
        names = [layer.name for layer in self.regions]
        one, _, other = name.partition("|")
        if one not in names or other not in names:
            return None
        low, high = sorted((names.index(one), names.index(other)))
        return (low, high) if low < high >= len(self.device.stack.layers) else None

    def value(self, name: str) -> float:
        """Value of a number by name at the temperature of the sink, as of the device, or "via.power".

        Raises
        ------
        InputError
            for a name that neither the device nor a block has, or a number that is left open
        """
        owner, _, attribute = name.rpartition(".")
        pair = self.pair(owner) if attribute == "conductance" else None
        if pair is not None:
            return conductance_at_sink(self.contact(*pair), self.device.sink)
        block = next((block for block in self.blocks if block.name == owner), None)
        if block is None:
            return self.device.value(name)
        values = {"power": block.power, "conductance": conductance_at_sink(block.conductance, self.device.sink)}
        values |= {key: getattr(block.layer, key) for key in _BLOCK_PROPERTIES}
        if values.get(attribute) is None:
            raise InputError(f"block {owner} has no {attribute}: {', '.join(values)}")
        return float(values[attribute])


def conductance_at_sink(value: float | Conductance, sink: float) -> float:
    """A conductance at the temperature of the sink, W m⁻² K⁻¹."""
    return float(value.at(sink)[0]) if isinstance(value, Conductance) else float(value)


def scale_conductance(value: float | Conductance, factor: float) -> float | Conductance:
    """A conductance times a factor, at all temperatures."""
    return evolve(value, value=value.value * factor) if isinstance(value, Conductance) else value * factor


def check_block_place(block: Block, box: Box, height: float) -> None:
    """Refuse blocks that reach beyond the device."""
    spans = {"x": (block.outline.x, box.width), "y": (block.outline.y, box.depth), "depth": (block.span, height)}
    for axis, (inside, end) in spans.items():
        low, high = sorted_interval(inside)
        if low < -1e-9 * end or high > end * (1 + 1e-9):
            raise InputError(f"block {block.name} reaches from {axis} = {low:g} to {high:g} m, outside of 0 to {end:g}")


def layer_depth(stack: Stack, index: int) -> float:
    """Depth of the top face of a layer below that of the stack, m."""
    return float(sum(layer.thickness for layer in stack.layers[:index]))
