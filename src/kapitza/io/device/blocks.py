"""Device files with blocks: boxes of other materials inside the layers, and sides that let heat out.

As a file of layers (`kapitza.io.device.layers`), and

[sides]                              # x = 0 is left, y = 0 front; those that are not named let no heat through
right = "held"                       # at the temperature of the sink; or a coefficient such as "10 kW/m2K"

[[blocks]]
name = "fin"
material = "Si"                      # or conductivity and the other keys of a layer
x = ["0 nm", "50 nm"]
y = ["0 nm", "4 nm"]
z = ["0 nm", "40 nm"]                # from the top face of the stack down
power = "5 uW"                       # evenly in all of it; or heat = "1 W/um3"
over = ["gate"]                      # blocks above that it takes the place of where both would be

[boundaries]
"fin|oxide" = "100 MW/m2K ± 20 %"    # of a block with a layer or another block that it touches
"gate|*" = "dmm"                     # of a block with all others

Blocks and sources may also be drawn in a layout: `kapitza.io.device.gds`.
"""

from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np
from attrs import NOTHING, evolve, frozen

from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord
from kapitza.device.grid.sensitivities import adjacent_regions, visible_regions
from kapitza.device.layout import LATERAL_SIDES, Block, Layout, check_block_place, layer_depth
from kapitza.device.shapes import Rectangle
from kapitza.io import toml
from kapitza.io.boundaries import BoundarySides, read_conductance
from kapitza.io.device.confinement import ConfinedLayer, block_sizes, confine_layer
from kapitza.io.device.gds import GDS, read_gds_parts
from kapitza.io.device.layers import (
    DEVICE,
    LAYER,
    DeviceParts,
    read_layer,
    read_parts,
    uncertainties_with_walls,
    warn_of_unit_slips,
)
from kapitza.io.device.sources import two_lengths
from kapitza.io.plausibility import warn_outside
from kapitza.io.toml import Table, TomlTable

_PRISM_KEYS = ("center", "radius", "shape", "polygon")  # of shapes that a box grid cannot resolve
_INNER_KEYS = tuple(key for key in LAYER.keys if key.name not in ("thickness", "from", "to"))


def _read_side(section: TomlTable, key: str) -> float:
    """Coefficient of a side, W m⁻² K⁻¹; infinite if it is held, 0 if it is adiabatic."""
    value = section.table[key]
    if value in ("held", "adiabatic"):
        return np.inf if value == "held" else 0.0
    if isinstance(value, str) and not any(letter.isdigit() for letter in value):
        raise section.fault(
            f"is {value!r:.40}, and heat needs somewhere to go: expected 'held' (at the temperature of the "
            "sink), a coefficient to it such as '10 kW/m2K', or 'adiabatic'",
            key,
        )
    return section.number(key, "conductance")


DEVICE_BLOCK = Table(
    [
        *_INNER_KEYS,
        toml.special("x", "two lengths", "range along x", two_lengths, NOTHING),
        toml.special("y", "two lengths", "range along y", two_lengths, NOTHING),
        toml.special("z", "two lengths", "range of depths below the top face", two_lengths, NOTHING),
        toml.number("power", "power", "power in the whole block", 0.0),
        toml.number("heat", "heat", "power per volume, instead of `power`", None),
        toml.texts("over", "names of blocks above that this block replaces where both overlap"),
    ],
    "Box of another material inside the layers.",
    checks=(
        toml.refuse_if(
            lambda block: "heat" in block and "power" in block,
            "expected power (such as '5 uW') or heat (such as '1 W/um3'), one of them",
            "heat",
        ),
    ),
)
SIDE_TABLE = Table(
    [
        toml.special(side, "`held`, `adiabatic` or `conductance`", "side of the device", _read_side)
        for side in LATERAL_SIDES
    ],
    "Sides that let heat out.",
)
LAYOUT = Table(
    [*DEVICE.keys, toml.tables("blocks", DEVICE_BLOCK), toml.table("sides", SIDE_TABLE), *GDS],
    checks=DEVICE.checks,
    hints=DEVICE.hints,
)


@frozen(eq=False)
class _BlockEntry(BaseRecord):
    section: TomlTable
    block: Block
    material: str
    owner: str  # name that boundaries are given under: its own, or that of the layer of a layout


def read_layout(path: str | PathLike[str]) -> Layout:
    """Read a device file with blocks or open sides, or with layers alone, for a box grid, and what it names.

    Raises
    ------
    DataError, OSError
        as `read_device`, and for blocks that overlap without a word, leave the device, have no height, or touch
        something without a conductance; numbers that no device has give a ValidityWarning
    """
    top = toml.read_toml(path)
    for section in top.sections("blocks"):
        for key in _PRISM_KEYS:
            if key in section:
                raise section.fault(
                    "blocks are boxes with x, y and z: cells of a box grid make a staircase of round or inclined "
                    "sides, whose area never becomes the true one; describe it by a mesh instead",
                    key,
                )
    LAYOUT.check(top)
    drawn = read_gds_parts(top)
    sections = (*top.sections("blocks"), *drawn.blocks)
    names = [section.text("name", section.text("material", "") or None) for section in sections]
    known = {*names, *drawn.owner.values(), "*"}
    parts = read_parts(top, known if names else (), drawn.sources)
    read = [_read_block(section, parts, drawn.owner) for section in sections]
    given = SIDE_TABLE.read(top.section("sides"))
    sides = {side: coefficient for side, coefficient in given.items() if coefficient}
    bare = top.locate("blocks", lambda: Layout(parts.device, [part.block for part in read], sides=sides))
    _check_overlaps(read)
    shown = visible_regions(bare)
    for i, part in enumerate(read, len(parts.device.stack.layers)):
        if i not in shown:
            raise part.section.fault(f"nothing is left of {part.block.name!r}: later blocks take all of its place", "z")
    layout, sigmas = _with_block_boundaries(top.section("boundaries"), bare, parts, read)
    confined = [_confine_block(read, number, layout, parts) for number in range(len(read))]
    for part in confined:
        sigmas |= part.sigmas
    blocks = [evolve(block, layer=of.layer, law=of.law) for block, of in zip(layout.blocks, confined, strict=True)]
    # the boxes of a layer of a layout share their remark
    remarks = dict.fromkeys((*layout.device.remarks, *(part.remark for part in confined if part.remark)))
    layout = evolve(layout, blocks=blocks, device=evolve(layout.device, remarks=remarks))
    layout = _with_uncertainties(top, layout, parts.sigmas | sigmas)
    top.locate("", warn_of_unit_slips, layout.device)
    top.locate("", _warn_of_blocks, layout)
    return layout


def _read_block(section: TomlTable, parts: DeviceParts, owner: Mapping[str, str]) -> _BlockEntry:
    """One block, without its boundaries; `owner` names the layers of a layout that boxes belong to."""
    device = parts.device
    values = DEVICE_BLOCK.read(section)
    outline = section.locate("x", Rectangle, values["x"], values["y"])
    low, high = values["z"]
    if not low < high:
        raise section.fault(f"runs from {low:g} to {high:g} m: expected the top first and a bottom below it", "z")
    inner = {key.name: section.table[key.name] for key in _INNER_KEYS if key.name in section}
    layer, law, material = read_layer(evolve(section, table=inner | {"thickness": high - low}), device.sink)
    power = values["power"] if values["heat"] is None else values["heat"] * outline.area * (high - low)
    block = section.locate("", lambda: Block(layer, outline, low, law=law, power=power))
    if device.box is not None:
        height = sum(one.thickness for one in device.stack.layers)
        section.locate("", check_block_place, block, device.box, height)  # pyright: ignore[reportArgumentType]
    return _BlockEntry(section, block, material, owner.get(block.name, block.name))


def _confine_block(read: list[_BlockEntry], number: int, layout: Layout, parts: DeviceParts) -> ConfinedLayer:
    """A block between its walls; one box of many of a layer of a layout has them above and below alone.

    What has its material and touches it without a boundary is one body with it: a hot place in a layer has the walls of
    that layer.
    """
    device, part = layout.device, read[number]
    spans = (*part.block.outline.extent, part.block.span)
    kinds, count = [*parts.materials.values(), *(entry.material for entry in read)], len(parts.materials)
    height = layer_depth(device.stack, count)

    def neighbour(axis: int, end: float) -> int | None:
        """The region beyond the middle of a face, if it is one body with the block."""
        low, high = spans[axis]
        point = [sum(span) / 2 for span in spans]
        point[axis] = end + (-1e-6 if end == low else 1e-6) * (high - low)
        if not 0 < point[2] < height:
            return None
        other = _region_at(layout, point)
        return other if kinds[other] == part.material and layout.contact(other, count + number) == np.inf else None

    def goes_on(axis: int, end: float) -> bool:
        at_bottom = axis == 2 and end >= height * (1 - 1e-9)
        return bool(np.isinf(device.coefficient)) if at_bottom else neighbour(axis, end) is not None

    sizes = [np.inf, np.inf, spans[2][1] - spans[2][0]]
    around = {neighbour(axis, end) for axis in (0, 1) for end in spans[axis]}
    host = around.pop()
    if not around and host is not None and host < count:
        sizes[2] = parts.walls[host]
    elif device.box is not None:
        sizes = block_sizes(spans, device.box, goes_on)
    if part.owner != part.block.name:
        sizes[:2] = [np.inf, np.inf]
    return confine_layer(part.section, part.block.layer, part.block.law, sizes, device.sink, block=True)


def _region_at(layout: Layout, point: list[float]) -> int:
    """Number of the last block, or the layer, at x, y and depth, m."""
    layers = layout.device.stack.layers
    for region, block in reversed(list(enumerate(layout.blocks, len(layers)))):
        spans = zip((*block.outline.extent, block.span), point, strict=True)
        if all(low <= x <= high for (low, high), x in spans):
            return region
    ends = np.cumsum([one.thickness for one in layers])
    return int(np.searchsorted(ends, point[2]))


def _check_overlaps(read: list[_BlockEntry]) -> None:
    earlier: list[_BlockEntry] = []
    for part in read:
        allowed = part.section.texts("over")
        here = (*part.block.outline.extent, part.block.span)
        both: list[str] = []
        for other in earlier:
            spans = zip((*other.block.outline.extent, other.block.span), here, strict=True)
            if all(min(a[1], b[1]) - max(a[0], b[0]) > 1e-9 * (a[1] - a[0]) for a, b in spans):
                both.append(other.owner)
        for name in both:
            if name not in allowed:
                raise part.section.fault(
                    f"{part.block.name!r} overlaps {name!r}: move one of them, or write over = [{name!r}] where this "
                    "one takes its place",
                    "z",
                )
        for name in allowed:
            if name not in both and part.owner == part.block.name:
                raise part.section.fault(f"{part.block.name!r} does not overlap any block {name!r} above it", "over")
        earlier.append(part)


def _with_block_boundaries(
    section: TomlTable, bare: Layout, parts: DeviceParts, read: list[_BlockEntry]
) -> tuple[Layout, dict[str, float]]:
    """The layout with the conductances of all boundaries of its blocks, and their uncertainties by name."""
    materials = [*parts.materials.values(), *(part.material for part in read)]
    count, names = len(parts.materials), [layer.name for layer in bare.regions]
    owners = [*parts.materials, *(part.owner for part in read)]
    blocks = [part.block for part in read]
    sigmas: dict[str, float] = {}
    used: set[str] = set()
    for low, high in adjacent_regions(bare):
        if high < count or owners[low] == owners[high]:  # boxes of one layer of a layout are one body
            continue
        upper, lower = owners[low], owners[high]  # the later of two regions is a block
        keys = (f"{upper}|{lower}", f"{lower}|{upper}", f"{lower}|*", *([f"{upper}|*"] if low >= count else ()))
        key = next((key for key in keys if key in section), None)
        if key is None:
            raise section.fault(
                f"{upper!r} and {lower!r} touch, and their boundary has no conductance: give "
                f'"{upper}|{lower}" (such as "100 MW/m2K", or "perfect") or "{lower}|*"'
            )
        used.add(key)
        side = BoundarySides(names[low], names[high], materials[low], materials[high], key)
        value, sigma = read_conductance(section, side, bare.device.sink)
        if sigma is not None and (upper, lower) != (names[low], names[high]):
            raise section.fault(
                "is that of several boxes of a layout, which an uncertainty of each alone would make too small: leave "
                "it out here",
                key,
            )
        shared = key == f"{names[high]}|*" and not isinstance(value, Conductance)  # one for all of its boundaries
        block = blocks[high - count]
        given: dict[str, Any] = (
            {"conductance": value} if shared else {"contacts": {**block.contacts, names[low]: value}}
        )
        blocks[high - count] = evolve(block, **given)
        if sigma is not None:
            sigmas[f"{names[high] if shared else side.name}.conductance"] = sigma
    for key in section.table:
        if key not in used and key not in parts.device.stack.boundary_names:
            raise section.fault("is no boundary of this device: these do not touch, or are not there", key)
    return section.locate("", lambda: evolve(bare, blocks=blocks)), sigmas


def _with_uncertainties(top: TomlTable, layout: Layout, sigmas: dict[str, float]) -> Layout:
    """The layout with all uncertainties: those of blocks and their boundaries of its own, the others in its device."""
    uncertain = uncertainties_with_walls(sigmas, top.section("uncertain"), layout.value)
    names = [block.name for block in layout.blocks]
    owners = {name: name.rpartition(".")[0] for name in uncertain}
    own = {n: s for n, s in uncertain.items() if owners[n] in names or layout.pair(owners[n]) is not None}
    rest = {name: sigma for name, sigma in uncertain.items() if name not in own}
    device = top.locate("uncertain", lambda: evolve(layout.device, uncertain=rest))
    return top.locate("uncertain", lambda: evolve(layout, device=device, uncertain=own))


def _warn_of_blocks(layout: Layout) -> None:
    for block in layout.blocks:
        sizes = zip("xyz", (*block.outline.extent, block.span), strict=True)
        for axis, (low, high) in sizes:
            warn_outside(f"{block.name}.{axis}: its length", "thickness", high - low)
        for key in ("conductivity", "in_plane", "heat_capacity"):
            value: Any = getattr(block.layer, key)
            if value is not None:
                warn_outside(f"{block.name}.{key}", key, value)
        for name in (*(f"{name}|{block.name}" for name in block.contacts), block.name):
            value = layout.value(f"{name}.conductance")
            if np.isfinite(value):
                warn_outside(f"{name}.conductance", "conductance", value)
        if block.power:
            volume = block.outline.area * block.layer.thickness
            warn_outside(f"{block.name}: its heat", "heat", block.power / volume)
