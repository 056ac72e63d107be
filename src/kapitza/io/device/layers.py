"""Device files: layers in a box, their boundaries, where heat enters and where it leaves."""

import csv
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
from attrs import NOTHING, evolve, frozen

from kapitza.core.files import read_limited
from kapitza.core.parameter_units import kind_of_parameter
from kapitza.core.records import BaseRecord
from kapitza.core.stack import Layer, Stack
from kapitza.device.description import Box, ConductivityLaw, Device
from kapitza.errors import DataError
from kapitza.io import toml
from kapitza.io.boundaries import BoundarySides, boundaries, read_conductance
from kapitza.io.device.confinement import SIZE_KEY, confine_layer, layer_sizes
from kapitza.io.device.sources import PATCHES, SOURCE, read_patches, read_source
from kapitza.io.plausibility import warn, warn_of_celsius, warn_of_layers, warn_of_material, warn_outside
from kapitza.io.toml import Table, TomlTable
from kapitza.matter.material import Material


class DeviceMethod(NamedTuple):
    """The way to solve a device: "layers", "volumes" or "elements", and why."""

    tier: str
    why: str


def device_method(path: str | PathLike[str]) -> DeviceMethod:
    """Return the simplest way that can describe a device file."""
    top = toml.read_toml(path)
    if "mesh" in top:
        return DeviceMethod("elements", f"the file names the mesh {top.text('mesh')}")
    if "gds" in top:
        return DeviceMethod("volumes", f"the layout {top.text('gds')} draws boxes in the layers")
    if "blocks" in top:
        names = [block.name for block in top.sections("blocks")]
        listed = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
        return DeviceMethod("volumes", f"blocks ({listed}) stand in the layers")
    if "sides" in top:
        return DeviceMethod("volumes", "heat leaves through sides")
    laws = ("exponent", "conductivities", "of_temperature")
    varies = any(key in layer for layer in top.sections("layers") for key in laws)
    more = ", properties of temperature by iteration" if varies else ""
    return DeviceMethod("layers", f"each layer is the same everywhere{more}")


def names_sink(path: str | PathLike[str]) -> bool:
    """Whether a device file says at which temperature heat leaves."""
    return "sink" in toml.read_toml(path)


def region_materials(path: str | PathLike[str]) -> dict[str, str]:
    """Materials of the library by the names of layers, blocks and regions of a device file."""
    top = toml.read_toml(path)
    regions = top.section("regions")
    sections = [*top.sections("layers"), *top.sections("blocks")]
    named = [(section.name, section) for section in sections]
    named += [(name, regions.section(name)) for name in regions.table]
    return {name: section.text("material") for name, section in named if "material" in section}


_DEPTH_TOLERANCE = 1e-6  # of a depth, up to which two layers meet


def _layer_sections(top: TomlTable) -> tuple[TomlTable, ...]:
    """Return the sections of all layers from the top down, each with a thickness; depths leave no gap or overlap."""
    if "stack" in top:
        if "layers" in top:
            raise top.fault("the layers stand in this file and in another one: give one of them", "stack")
        sections = _csv_sections(top)
    else:
        sections = top.sections("layers")
    if not sections:
        raise top.fault("no [[layers]]: give at least one, from the top down", "layers")
    if any("from" in section or "to" in section for section in sections):
        return _thicknesses_from_depths(sections)
    return sections


def _csv_sections(top: TomlTable) -> tuple[TomlTable, ...]:
    """Layers from a CSV file whose first line names the columns as the keys of [[layers]]; empty cells are left out."""
    path = top.beside("stack")
    try:
        text = read_limited(path, toml.MAX_TOML_BYTES).decode()
    except UnicodeDecodeError as err:
        raise DataError(f"is not text: byte {err.start}", file=path) from err
    lines = text.splitlines()
    kept = [(i + 1, line) for i, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")]
    if len(kept) < 2:
        raise DataError(f"has {len(kept)} lines: expected a line of names and one for each layer", file=path)
    heads = [cell.strip() for cell in next(csv.reader([kept[0][1]]))]
    layers: list[TomlTable] = []
    for number, line in kept[1:]:
        cells = [cell.strip() for cell in next(csv.reader([line]))]
        if len(cells) != len(heads):
            message = f"has {len(cells)} cells, expected {len(heads)}: {', '.join(heads)}"
            raise DataError(message, file=path, line=number)
        table: dict[str, Any] = {head: cell for head, cell in zip(heads, cells, strict=True) if cell}
        for head, cell in table.items():
            with suppress(ValueError):
                table[head] = float(cell)
        layers.append(TomlTable(path, tuple(lines), ("layers", str(len(layers) + 1)), table))
    return tuple(layers)


def _thicknesses_from_depths(sections: tuple[TomlTable, ...]) -> tuple[TomlTable, ...]:
    layers: list[TomlTable] = []
    last: float | None = None
    before = ""
    for section in sections:
        name = section.name
        start, end = section.number("from", "length"), section.number("to", "length")
        if not end > start:
            raise section.fault(f"runs from {start:g} to {end:g} m: expected a depth below the first", "to")
        if last is not None and abs(start - last) > _DEPTH_TOLERANCE * max(abs(last), end - start):
            both = f"{name!r} {'overlaps' if start < last else 'leaves a gap to'} {before!r}"
            raise section.fault(f"{both}: that ends at {last:g} m, this begins at {start:g} m", "from")
        table = {key: value for key, value in section.table.items() if key not in ("from", "to")}
        layers.append(evolve(section, table=table | {"thickness": end - start}))
        last, before = end, name
    return tuple(layers)


def _read_thickness(section: TomlTable, key: str) -> float:
    if key not in section:
        raise section.fault("is missing; expected a length such as '2 um' (or 'infinite' for the last)", key)
    return np.inf if section.table[key] == "infinite" else section.number(key, "length")


def _check_depths(section: TomlTable) -> None:
    if "from" in section or "to" in section:
        section.number("from", "length")
        section.number("to", "length")


def _check_boundaries(top: TomlTable) -> None:
    """Refuse a file without the boundaries of its layers; those of blocks are checked where the blocks are read."""
    if "stack" in top or "gds" in top:
        return  # layers and blocks of another file
    blocks = [block.name for block in (*top.sections("blocks"), *top.sections("gds_layers"))]
    names = [layer.name for layer in top.sections("layers")]
    check_layer_boundaries(top, names, (*blocks, "*") if blocks else ())


def check_layer_boundaries(top: TomlTable, names: Sequence[str], blocks: Container[str]) -> None:
    """Refuse boundaries of the layers that are missing or unknown."""
    if not all(names):
        return  # the layer without a name is the fault
    section = top.section("boundaries")
    others = [name for name in section.table if any(part in blocks for part in name.split("|"))]
    sides = [f"{a}|{b}" for a, b in pairwise(names)]
    toml.check_boundary_names(section, sides, 'conductance, such as "100 MW/m2K" (or "perfect")', others)


LAYER = Table(
    [
        toml.text("name", "name of the layer; its material if omitted", unless=("material",)),
        toml.text("material", "material of the library", None),
        toml.special(
            "thickness", "`length` or `infinite`", "thickness", _read_thickness, NOTHING, unless=("from", "to")
        ),
        toml.number("from", "length", "depth of the upper face, instead of `thickness`", None),
        toml.number("to", "length", "depth of the lower face, instead of `thickness`", None),
        toml.number(
            "conductivity", "conductivity", "conductivity through the layer",
            unless=("material", "conductivities", "of_temperature"),
        ),
        toml.number("in_plane", "conductivity", "conductivity along the layer", None),
        toml.number("in_plane_y", "conductivity", "conductivity along y", None),
        toml.number("heat_capacity", "heat_capacity", "heat capacity per volume", None),
        toml.number("exponent", "share", "n of a conductivity proportional to (T/300 K)ⁿ", None),
        toml.special("conductivities", "rows `[K, W/mK]`", "conductivity against temperature"),
        toml.flag("of_temperature", "use the conductivity of the library at each temperature"),
        SIZE_KEY,
    ],
    "Layer, from the top down.",
    checks=(_check_depths,),
)  # fmt: skip
UNCERTAIN = toml.special(
    "uncertain", "table", 'standard uncertainty of each parameter: `"GaN.thickness" = "3 %"`', TomlTable.section
)
BOX = Table(
    [
        toml.number("width", "length", "size along x"),
        toml.number("depth", "length", "size along y; the width if omitted", None),
    ],
    "Sides of the device; without them it is infinitely wide.",
)
_KEY_HINTS = {"layout": 'a layout is given by gds = "chip.gds", [[gds_layers]] and [[gds_sources]]'}
DEVICE = Table(
    [
        toml.TITLE,
        toml.number("sink", "temperature", "temperature of the heat sink", 300.0),
        toml.number("coefficient", "conductance", "heat transfer coefficient of the bottom face", np.inf),
        toml.number("top_coefficient", "conductance", "heat transfer coefficient of the top face", 0.0),
        toml.table("box", BOX),
        toml.tables("layers", LAYER),
        toml.file("stack", "table of the layers (.csv) whose columns are the keys of [[layers]]", None),
        boundaries("Conductance of each boundary, such as \"GaN|SiC\"."),
        toml.tables("sources", SOURCE),
        PATCHES,
        UNCERTAIN,
    ],
    checks=(_check_boundaries,),
    hints=_KEY_HINTS,
)  # fmt: skip
_OTHER_DEVICES = {
    "blocks": "the file has blocks",
    "sides": "the file has open sides",
    "gds": "the file names a layout",
    "mesh": "the file names a mesh",
}
_READER_NAMES = {"blocks": "read_layout", "sides": "read_layout", "gds": "read_layout", "mesh": "read_body"}


def read_device(path: str | PathLike[str]) -> Device:
    """Read a device file and what it names.

    Raises
    ------
    DataError
        with file, key and line, for unknown keys, units of another kind, missing or impossible numbers, layers that
        overlap or leave a gap, sources outside of the box, heat that cannot leave
    OSError
        if a file is missing or may not be read

    Warns
    -----
    ValidityWarning
        for numbers that no device has, where a unit has most likely slipped
    """
    top = toml.read_toml(path)
    for key, what in _OTHER_DEVICES.items():
        if key in top:
            raise top.fault(f"{what}: 'kapitza device' and {_READER_NAMES[key]} take it, this takes layers alone", key)
    DEVICE.check(top)
    parts = read_parts(top)
    device = parts.device
    uncertain = uncertainties_with_walls(parts.sigmas, top.section("uncertain"), device.value)
    device = top.locate("uncertain", lambda: evolve(device, uncertain=uncertain))
    top.locate("", warn_of_unit_slips, device)
    return device


@frozen(eq=False)
class DeviceParts(BaseRecord):
    """What a device file says of its layers."""

    device: Device  # without uncertainties
    materials: dict[str, str]  # of the layers, by name
    sigmas: dict[str, float]  # uncertainties of boundaries and of conductivities between walls, by name
    walls: list[float]  # of the layers, how far apart, m


def read_parts(top: TomlTable, blocks: Container[str] = (), more: Sequence[TomlTable] = ()) -> DeviceParts:
    """The layers of a device file, their boundaries, and what heats and cools them.

    Boundaries of `blocks`, by name, are left for others to read; `more` are tables of sources besides those of the
    file.
    """
    sink = top.number("sink", "temperature", 300.0)
    warn_of_celsius(top.table.get("sink"), "sink")
    sections = _layer_sections(top)
    toml.raise_together(fault for section in sections for fault in LAYER.faults(section))
    check_layer_boundaries(top, [section.name for section in sections], blocks)
    read = [read_layer(section, sink) for section in sections]
    materials = [material for _, _, material in read]
    stack, sigmas = _read_boundaries(top, [layer for layer, _, _ in read], materials, sink)
    coefficient = top.number("coefficient", "conductance", np.inf)
    walls = layer_sizes(stack, materials, held=np.isinf(coefficient))
    confined = [
        confine_layer(section, layer, law, (np.inf, np.inf, size), sink, block=False)
        for section, (layer, law, _), size in zip(sections, read, walls, strict=True)
    ]
    stack = evolve(stack, layers=[part.layer for part in confined])
    box = None
    if "box" in top:
        width, depth = BOX.read(top.section("box")).values()
        box = top.section("box").locate("", Box, width, width if depth is None else depth)
    sources = [read_source(section, stack, box) for section in (*top.sections("sources"), *more)]
    if not sources and not blocks:
        raise top.fault("no [[sources]]: expected one or more sources of heat", "sources")
    device = top.locate("", lambda: Device(
        stack, sources, box, title=top.text("title", top.path.stem), sink=sink, coefficient=coefficient,
        top_coefficient=top.number("top_coefficient", "conductance", 0.0),
        laws={part.layer.name: part.law for part in confined if part.law is not None},
        patches=read_patches(top.section("patches"), stack), remarks=[part.remark for part in confined if part.remark],
    ))  # fmt: skip
    for part in confined:
        sigmas |= part.sigmas
    return DeviceParts(device, {layer.name: name for (layer, _, name) in read}, sigmas, walls)


def read_layer(section: TomlTable, sink: float) -> tuple[Layer, ConductivityLaw | None, str]:
    """One layer, its conductivity of T if it has one, and the name of its material."""
    values = LAYER.read(section)
    known = toml.material_at(section, sink) if "material" in section else None
    name = values["material"] if values["name"] is None else values["name"]
    law = _read_conductivity_law(section, values, known, sink)
    value = float(law.at(sink)[0]) if law is not None else _conductivity_of(section, known, sink)
    capacity = values["heat_capacity"]
    if capacity is None and known is not None and known.heat_capacity_table is not None:
        capacity = float(section.locate("material", known.heat_capacity, sink)[0])
    along = values["in_plane"]
    if along is None and known is not None and known.inplane_table is not None and "conductivity" not in section:
        along = float(section.locate("material", lambda: known.conductivity(sink, inplane=True))[0])
    layer = section.locate("", lambda: Layer(
        name, values["thickness"], value, in_plane=along, in_plane_y=values["in_plane_y"], heat_capacity=capacity
    ))  # fmt: skip
    material = values["material"] or name
    warn_of_material(layer, known, sink, material if "conductivity" in section else "")
    return layer, law, material


def _conductivity_of(section: TomlTable, known: Material | None, temperature: float) -> float:
    """Conductivity through a layer, from the file or the library, W m⁻¹ K⁻¹."""
    if "conductivity" in section or known is None:
        return section.number("conductivity", "conductivity")
    return float(section.locate("material", known.conductivity, temperature)[0])


def _read_conductivity_law(
    section: TomlTable, values: Mapping[str, Any], known: Material | None, sink: float
) -> ConductivityLaw | None:
    """Conductivity of T: a power with `exponent`, a table `conductivities` of [K, W/mK], or that of the library."""
    rows = values["conductivities"]
    if rows is not None:
        try:
            kelvin, conductivity = np.array(rows, dtype=float).T
        except (TypeError, ValueError) as err:
            raise section.fault(f"expected rows of [K, W/mK], got {rows!r:.60}", "conductivities") from err
        return section.locate("conductivities", ConductivityLaw, kelvin, conductivity)
    if values["exponent"] is not None:
        return ConductivityLaw.power(_conductivity_of(section, known, 300.0), values["exponent"])
    if not values["of_temperature"]:
        return None
    if known is None or known.conductivity_table is None:
        message = "asks for the conductivity of T of the library: name a material that has one"
        raise section.fault(message, "of_temperature")
    return ConductivityLaw(known.conductivity_table.temperature, known.conductivity_table.value)


def _read_boundaries(
    top: TomlTable, layers: list[Layer], materials: list[str], sink: float
) -> tuple[Stack, dict[str, float]]:
    named = top.section("boundaries")
    pairs = zip(pairwise(layers), pairwise(materials), strict=True)
    conductances: list[Any] = []
    sigmas: dict[str, float] = {}
    for (upper, lower), of in pairs:
        side = BoundarySides(upper.name, lower.name, *of)
        conductance, sigma = read_conductance(named, side, sink)
        conductances.append(conductance)
        if sigma is not None:
            sigmas[f"{side.name}.conductance"] = sigma
    return top.locate("layers", Stack, layers, conductances), sigmas


def uncertainties_with_walls(
    known: Mapping[str, float], section: TomlTable, value_of: Callable[[str], float]
) -> dict[str, float]:
    """Standard uncertainties that a file states, over those that are `known`.

    A share that the file states of a conductivity is one of the bulk, and of what walls leave along a layer as well.
    """
    stated: dict[str, float] = {}
    for name in section.table:
        sigma, share = toml.read_share(section, name, kind_of_parameter(name), "uncertainty")
        value = section.locate(name, value_of, name)
        stated[name] = sigma * (abs(value) if share else 1.0)
    found = {**known, **stated}
    for name, sigma in stated.items():
        owner, _, attribute = name.rpartition(".")
        if attribute != "conductivity":
            continue
        for other in (f"{owner}.in_plane", f"{owner}.in_plane_y"):
            if other in known and other not in stated:
                found[other] = float(np.hypot(known[other], sigma / value_of(name) * value_of(other)))
    return found


def warn_of_unit_slips(device: Device) -> None:
    """Warn of numbers that no device has."""
    warn_of_layers(device.stack)
    for name in device.stack.boundary_names:
        value = device.value(f"{name}.conductance")
        if np.isfinite(value):
            warn_outside(f"{name}.conductance", "conductance", value)
    if device.box is not None:
        warn_outside("box.width", "width", device.box.width)
        warn_outside("box.depth", "depth", device.box.depth)
    for source in device.sources:
        if source.shape is not None:
            warn_outside(f"{source.name}: its flux", "flux", source.power / source.shape.area)
    total = sum(layer.thickness for layer in device.stack.layers)
    sizes = [source.shape.size for source in device.sources if source.shape is not None]
    if sizes and total < 1e-3 * min(sizes):
        warn(
            f"all layers together are {total:g} m thick below a source of {min(sizes):g} m: is one of them in nm that "
            "should be in um?"
        )
