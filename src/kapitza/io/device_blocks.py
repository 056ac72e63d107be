"""Device files with blocks: boxes of other materials inside the layers, and sides that let heat out.

As a file of layers (`kapitza.io.device`), and

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

Blocks and sources may also be drawn in a layout: `kapitza.io.layout`.
"""

from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np
from attrs import evolve, frozen

from kapitza.core.conductance import Conductance
from kapitza.device.blocks import SIDES, Inset, Layout, check_place
from kapitza.device.description import Device
from kapitza.device.layout_numbers import present, touching
from kapitza.device.shapes import Rectangle
from kapitza.io.device import LAYER, TOP, Parts, read_layer, read_parts, read_uncertain, warn_of_slips, warn_outside
from kapitza.io.device_boundaries import Side, read_device_boundary
from kapitza.io.device_sources import lengths
from kapitza.io.layout import KEYS as KEYS_OF_LAYOUT
from kapitza.io.layout import read_drawn
from kapitza.io.samples import guarded
from kapitza.io.sections import Section, read_sections

KEYS = (*(key for key in LAYER if key not in ("thickness", "from", "to")), "x", "y", "z", "power", "heat", "over")
ROUND = ("center", "radius", "shape", "polygon")


@frozen(eq=False)
class Part:
    """A block as the file has it."""

    section: Section
    block: Inset
    material: str
    owner: str  # name that boundaries are given under: its own, or that of the layer of a layout


def read_layout(path: str | PathLike[str]) -> Layout:
    """Read a device file with blocks or open sides, or with layers alone, for a box grid, and what it names.

    Raises
    ------
    DataError
        with file, key and line, as `read_device`, and for blocks that overlap without a word, leave the device, have no
        height, or touch something without a conductance
    OSError
        if a file is missing or may not be read

    Warns
    -----
    ValidityWarning
        for numbers that no device has, where a unit has most likely slipped
    """
    top = read_sections(path)
    top.known((*TOP, "blocks", "sides", *KEYS_OF_LAYOUT))
    drawn = read_drawn(top)
    sections = (*top.sections("blocks"), *drawn.blocks)
    names = [section.text("name", section.text("material", "") or None) for section in sections]
    known = {*names, *drawn.owner.values(), "*"}
    parts = read_parts(top, known if names else (), drawn.sources)
    read = [read_block(section, parts.device, drawn.owner) for section in sections]
    sides = read_sides(top.section("sides"))
    bare = guarded(top, "blocks", lambda: Layout(parts.device, [one.block for one in read], sides=sides))
    check_overlaps(read)
    check_seen(bare, read)
    layout, sigmas = with_contacts(top.section("boundaries"), bare, parts, read)
    layout = with_uncertain(top, layout, parts.sigmas | sigmas)
    guarded(top, "", lambda: warn_of_slips(layout.device))
    guarded(top, "", lambda: warn_of_blocks(layout))
    return layout


def read_block(section: Section, device: Device, owner: Mapping[str, str]) -> Part:
    """One block, without its boundaries; `owner` names the layers of a layout that boxes belong to."""
    for key in ROUND:
        if key in section:
            raise section.fault(
                "blocks are boxes with x, y and z: cells of a box grid make a staircase of round or inclined sides, "
                "whose area never becomes the true one; describe it by a mesh instead",
                key,
            )
    section.known(KEYS)
    outline = guarded(section, "x", lambda: Rectangle(lengths(section, "x"), lengths(section, "y")))
    low, high = lengths(section, "z")
    if not low < high:
        raise section.fault(f"runs from {low:g} to {high:g} m: expected the top first and a bottom below it", "z")
    inner = {key: value for key, value in section.table.items() if key in LAYER} | {"thickness": high - low}
    layer, law, material = read_layer(evolve(section, table=inner), device.sink)
    power = section.number("power", "power", 0.0)
    if "heat" in section:
        if "power" in section:
            raise section.fault("expected power (such as '5 uW') or heat (such as '1 W/um3'), one of them", "heat")
        power = section.number("heat", "heat") * outline.area * (high - low)
    block = guarded(section, "", lambda: Inset(layer, outline, low, law=law, power=power))
    if device.box is not None:
        height = sum(one.thickness for one in device.stack.layers)
        guarded(section, "", lambda: check_place(block, device.box, height))  # pyright: ignore[reportArgumentType]
    return Part(section, block, material, owner.get(block.name, block.name))


def read_sides(section: Section) -> dict[str, float]:
    """Coefficients of the sides by name; infinite for those that are held."""
    section.known(SIDES)
    found: dict[str, float] = {}
    for side, value in section.table.items():
        if value == "held":
            found[side] = np.inf
        elif value != "adiabatic":
            if isinstance(value, str) and not any(letter.isdigit() for letter in value):
                raise section.fault(
                    f"is {value!r:.40}, and heat needs somewhere to go: expected 'held' (at the temperature of the "
                    "sink), a coefficient to it such as '10 kW/m2K', or 'adiabatic'",
                    side,
                )
            found[side] = section.number(side, "conductance")
    return found


def check_overlaps(read: list[Part]) -> None:
    """Refuse blocks that overlap where the later one does not say so, and words about blocks that do not."""
    earlier: list[Part] = []
    for part in read:
        allowed = part.section.texts("over")
        both = [one.owner for one in earlier if overlap(one.block, part.block)]
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


def overlap(one: Inset, other: Inset) -> bool:
    """Whether two blocks have some volume in common."""
    spans = zip((*one.outline.extent, one.span), (*other.outline.extent, other.span), strict=True)
    return all(min(a[1], b[1]) - max(a[0], b[0]) > 1e-9 * (a[1] - a[0]) for a, b in spans)


def check_seen(layout: Layout, read: list[Part]) -> None:
    """Refuse blocks that lie wholly below later ones."""
    shown = present(layout)
    for i, part in enumerate(read):
        if len(layout.device.stack.layers) + i not in shown:
            raise part.section.fault(f"nothing is left of {part.block.name!r}: later blocks take all of its place", "z")


def with_contacts(section: Section, bare: Layout, parts: Parts, read: list[Part]) -> tuple[Layout, dict[str, float]]:
    """The layout with the conductances of all boundaries of its blocks, and their uncertainties by name."""
    materials = [*parts.materials.values(), *(part.material for part in read)]
    count, names = len(parts.materials), [layer.name for layer in bare.regions]
    owners = [*parts.materials, *(part.owner for part in read)]
    blocks = [part.block for part in read]
    sigmas: dict[str, float] = {}
    used: set[str] = set()
    for low, high in touching(bare):
        if high < count or owners[low] == owners[high]:  # boxes of one layer of a layout are one body
            continue
        key = key_of(section, owners[low], owners[high], (low >= count, True))
        if key is None:
            raise section.fault(
                f"{owners[low]!r} and {owners[high]!r} touch, and their boundary has no conductance: give "
                f'"{owners[low]}|{owners[high]}" (such as "100 MW/m2K", or "perfect") or "{owners[high]}|*"'
            )
        used.add(key)
        side = Side(names[low], names[high], materials[low], materials[high], key)
        value, sigma = read_device_boundary(section, side, bare.device.sink)
        if sigma is not None and (owners[low], owners[high]) != (names[low], names[high]):
            raise section.fault(
                "is that of several boxes of a layout, which an uncertainty of each alone would make too small: leave "
                "it out here",
                key,
            )
        shared = key == f"{names[high]}|*" and not isinstance(
            value, Conductance
        )  # one number for all of its boundaries
        block = blocks[high - count]
        kept: dict[str, Any] = {"contacts": {**block.contacts, names[low]: value}}
        blocks[high - count] = evolve(block, **({"conductance": value} if shared else kept))
        if sigma is not None:
            sigmas[f"{names[high] if shared else side.name}.conductance"] = sigma
    for key in section.table:
        if key not in used and key not in parts.device.stack.boundary_names:
            raise section.fault("is no boundary of this device: these do not touch, or are not there", key)
    return guarded(section, "", lambda: evolve(bare, blocks=blocks)), sigmas


def key_of(section: Section, one: str, other: str, blocks: tuple[bool, bool]) -> str | None:
    """Key that gives the boundary of two regions, the later of which comes last; None where there is none."""
    keys = [f"{one}|{other}", f"{other}|{one}"]
    keys += [f"{name}|*" for name, block in ((other, blocks[1]), (one, blocks[0])) if block]
    return next((key for key in keys if key in section), None)


def with_uncertain(top: Section, layout: Layout, sigmas: dict[str, float]) -> Layout:
    """The layout with all uncertainties: those of blocks and their boundaries of its own, the others in its device."""
    found = sigmas | read_uncertain(top.section("uncertain"), layout.value)
    names = [block.name for block in layout.blocks]
    owners = {name: name.rpartition(".")[0] for name in found}
    own = {n: s for n, s in found.items() if owners[n] in names or layout.pair(owners[n]) is not None}
    rest = {name: sigma for name, sigma in found.items() if name not in own}
    return guarded(
        top, "uncertain", lambda: evolve(layout, device=evolve(layout.device, uncertain=rest), uncertain=own)
    )


def warn_of_blocks(layout: Layout) -> None:
    """Warn of numbers that no block has."""
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
