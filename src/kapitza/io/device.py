"""Device files: layers in a box, their boundaries, where heat enters and where it leaves.

title = "GaN transistor, a quarter of it"
sink = "300 K"                       # below the last layer; coefficient = "20 kW/m2K" where it is not held at that

[box]                                # sides that no heat crosses; leave it out for layers without end
width = "100 um"
depth = "100 um"

[[layers]]                           # from the top down; or stack = "layers.csv"
name = "GaN"
thickness = "2 um"                   # or from = "0 um", to = "2 um"
conductivity = 150                   # W/mK; numbers without unit are SI
exponent = -1.4                      # k(T) = conductivity (T/300 K)^exponent
heat_capacity = "2.6 MJ/m3K"

[[layers]]
name = "SiC"
material = "4H-SiC"                  # what is not stated comes from the library, at the temperature of the sink
thickness = "100 um"

[boundaries]
"GaN|SiC" = "50 MW/m2K ± 10 %"       # or "20 m2K/GW", a saved conductance, "perfect", or the name of a theory: "dmm"

[[sources]]
name = "finger"
flux = "1.25 GW/m2"                  # or power
x = ["0 um", "2 um"]                 # or center and radius, or map = "power.csv"
y = ["0 um", "25 um"]
layer = "GaN"                        # top face of the first layer if not given

[uncertain]
"GaN.thickness" = "3 %"
"""

import warnings
from collections.abc import Callable, Container, Sequence
from itertools import pairwise
from os import PathLike
from typing import Any

import numpy as np
from attrs import evolve, frozen

from kapitza.core.stack import Layer, Stack
from kapitza.device.description import Box, ConductivityLaw, Device
from kapitza.errors import DataError, InputError, ValidityWarning
from kapitza.io.device_boundaries import Side, read_device_boundary
from kapitza.io.device_numbers import kind_of_number
from kapitza.io.device_sources import read_patches, read_source
from kapitza.io.device_stack import layer_sections
from kapitza.io.quantities import share_or_quantity
from kapitza.io.samples import guarded
from kapitza.io.sections import Section, read_sections
from kapitza.matter.library import material
from kapitza.matter.material import Material

TOP = (
    "title", "sink", "coefficient", "top_coefficient", "box", "layers", "stack", "boundaries", "sources", "patches",
    "uncertain",
)  # fmt: skip
LAYER = (
    "name", "material", "thickness", "from", "to", "conductivity", "in_plane", "in_plane_y", "heat_capacity",
    "exponent", "conductivities", "of_temperature",
)  # fmt: skip
# what is seen in devices; beyond it a unit has most likely slipped
PLAUSIBLE = {
    "thickness": (2e-10, 2e-2, "m"),
    "conductivity": (5e-3, 1e4, "W/mK"),
    "in_plane": (5e-3, 1e4, "W/mK"),
    "heat_capacity": (1e3, 2e7, "J/m3K"),
    "conductance": (1e2, 1e12, "W/m2K"),
    "width": (1e-8, 1.0, "m"),
    "depth": (1e-8, 1.0, "m"),
    "flux": (1.0, 1e14, "W/m2"),
    "heat": (1.0, 1e20, "W/m3"),
}
OTHERS = {
    "blocks": "the file has blocks",
    "sides": "the file has open sides",
    "gds": "the file names a layout",
    "mesh": "the file names a mesh",
}
READERS = {"blocks": "read_layout", "sides": "read_layout", "gds": "read_layout", "mesh": "read_body"}
ABSURD = 1e8  # times beyond that


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
    top = read_sections(path)
    for key, what in OTHERS.items():
        if key in top:
            raise top.fault(f"{what}: 'kapitza device' and {READERS[key]} take it, this takes layers alone", key)
    top.known(TOP)
    parts = read_parts(top)
    device = parts.device
    uncertain = parts.sigmas | read_uncertain(top.section("uncertain"), device.value)
    device = guarded(top, "uncertain", lambda: evolve(device, uncertain=uncertain))
    guarded(top, "", lambda: warn_of_slips(device))
    return device


@frozen(eq=False)
class Parts:
    """What a device file says of its layers.

    Attributes
    ----------
    device : without uncertainties
    materials : of the layers, by name
    sigmas : uncertainties of boundaries, by name
    """

    device: Device
    materials: dict[str, str]
    sigmas: dict[str, float]


def read_parts(top: Section, blocks: Container[str] = (), more: Sequence[Section] = ()) -> Parts:
    """The layers of a device file, their boundaries, and what heats and cools them.

    Parameters
    ----------
    blocks : names of blocks, whose boundaries are left for others to read
    more : tables of sources besides those of the file
    """
    sink = top.number("sink", "temperature", 300.0)
    read = [read_layer(section, sink) for section in layer_sections(top)]
    layers, laws = [one[0] for one in read], {one[0].name: one[1] for one in read if one[1] is not None}
    stack, sigmas = read_boundaries(top, layers, [one[2] for one in read], sink, blocks)
    box = read_box(top)
    sources = [read_source(section, stack, box) for section in (*top.sections("sources"), *more)]
    if not sources and not blocks:
        raise top.fault("no [[sources]]: expected one or more sources of heat", "sources")
    device = guarded(
        top,
        "",
        lambda: Device(
            stack,
            sources,
            box,
            title=top.text("title", top.path.stem),
            sink=sink,
            coefficient=read_coefficient(top, "coefficient", np.inf),
            top_coefficient=read_coefficient(top, "top_coefficient", 0.0),
            laws=laws,
            patches=read_patches(top.section("patches"), stack),
        ),
    )
    return Parts(device, {one[0].name: one[2] for one in read}, sigmas)


def read_coefficient(top: Section, key: str, default: float) -> float:
    """Heat transfer coefficient of a face; infinite or 0 where the file states none."""
    if key not in top:
        return default
    return top.number(key, "conductance")


def read_box(top: Section) -> Box | None:
    """Sides of the device, None where the file has none."""
    if "box" not in top:
        return None
    section = top.section("box")
    section.known(("width", "depth"))
    width = section.number("width", "length")
    return guarded(section, "", lambda: Box(width, section.number("depth", "length", width)))


def read_layer(section: Section, sink: float) -> tuple[Layer, ConductivityLaw | None, str]:
    """One layer, its conductivity of T if it has one, and the name of its material."""
    section.known(LAYER)
    known: Material | None = None
    if "material" in section:
        known = guarded(section, "material", lambda: material(section.text("material")))
    name = section.text("name", section.text("material", "") or None)
    law = read_law(section, known, sink)
    value = float(law.at(sink)[0]) if law is not None else conductivity_of(section, known, sink)
    capacity = section.optional("heat_capacity", "heat_capacity")
    if capacity is None and known is not None and known.heat_capacity_table is not None:
        capacity = guarded(section, "material", lambda: float(known.heat_capacity(sink)[0]))
    along = section.optional("in_plane", "conductivity")
    if along is None and known is not None and known.inplane_table is not None and "conductivity" not in section:
        along = guarded(section, "material", lambda: float(known.conductivity(sink, inplane=True)[0]))
    layer = guarded(
        section,
        "",
        lambda: Layer(
            name,
            thickness_of(section),
            value,
            in_plane=along,
            in_plane_y=section.optional("in_plane_y", "conductivity"),
            heat_capacity=capacity,
        ),
    )
    return layer, law, section.text("material", name)


def thickness_of(section: Section) -> float:
    """Thickness of a layer, m; "infinite" for a last layer without end."""
    if section.table.get("thickness") == "infinite":
        return np.inf
    return section.number("thickness", "length")


def conductivity_of(section: Section, known: Material | None, sink: float) -> float:
    """Conductivity through a layer, from the file or the library, W m⁻¹ K⁻¹."""
    if "conductivity" in section or known is None:
        return section.number("conductivity", "conductivity")
    return guarded(section, "material", lambda: float(known.conductivity(sink)[0]))


def read_law(section: Section, known: Material | None, sink: float) -> ConductivityLaw | None:
    """Conductivity of T: a power with `exponent`, a table `conductivities` of [K, W/mK], or that of the library."""
    if "conductivities" in section:
        rows: Any = section.table["conductivities"]
        try:
            kelvin, values = np.array(rows, dtype=float).T
        except (TypeError, ValueError) as err:
            raise section.fault(f"expected rows of [K, W/mK], got {rows!r:.60}", "conductivities") from err
        return guarded(section, "conductivities", lambda: ConductivityLaw(kelvin, values))
    if "exponent" in section:
        value = conductivity_of(section, known, 300.0)
        return ConductivityLaw.power(value, section.number("exponent", "share"))
    if section.table.get("of_temperature") is not True:
        return None
    if known is None or known.conductivity_table is None:
        raise section.fault(
            "asks for the conductivity of T of the library: name a material that has one", "of_temperature"
        )
    table = known.conductivity_table
    return ConductivityLaw(table.temperature, table.value)


def read_boundaries(
    top: Section, layers: list[Layer], materials: list[str], sink: float, blocks: Container[str] = ()
) -> tuple[Stack, dict[str, float]]:
    """The stack of all layers, and the uncertainties of its boundaries."""
    named = top.section("boundaries")
    pairs = zip(pairwise(layers), pairwise(materials), strict=True)
    sides = [Side(a.name, b.name, *of) for (a, b), of in pairs]
    others = [name for name in named.table if any(part in blocks for part in name.split("|"))]
    named.known([*(side.name for side in sides), *others])
    conductances: list[Any] = []
    sigmas: dict[str, float] = {}
    for side in sides:
        if side.name not in named:
            raise named.fault(f'the boundary {side.name!r} has no conductance, such as "100 MW/m2K" (or "perfect")')
        conductance, sigma = read_device_boundary(named, side, sink)
        conductances.append(conductance)
        if sigma is not None:
            sigmas[f"{side.name}.conductance"] = sigma
    return guarded(top, "layers", lambda: Stack(layers, conductances)), sigmas


def read_uncertain(section: Section, value_of: Callable[[str], float]) -> dict[str, float]:
    """Standard uncertainties by name, in SI: "3 %" or "2 nm"; `value_of` tells what a share is taken of."""
    found: dict[str, float] = {}
    for name in section.table:
        sigma, share = guarded(
            section,
            name,
            lambda n=name: share_or_quantity(section.table[n], kind_of_number(n), what="uncertainty"),
        )
        value = guarded(section, name, lambda n=name: value_of(n))
        found[name] = sigma * (abs(value) if share else 1.0)
    return found


def warn_of_slips(device: Device) -> None:
    """Warn of numbers that no device has."""
    for layer in device.stack.layers:
        for key in ("thickness", "conductivity", "in_plane", "heat_capacity"):
            value = getattr(layer, key)
            if value is not None and np.isfinite(value):
                warn_outside(f"{layer.name}.{key}", key, value)
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
    warn_of_thin(device)


def warn_outside(name: str, kind: str, value: float) -> None:
    """Warn if a value lies outside of what is seen; refuse it where it is beyond all measure."""
    low, high, unit = PLAUSIBLE[kind]
    if not low / ABSURD <= value <= high * ABSURD:
        raise InputError(f"{name} = {value:g} {unit}: expected some {low:g} to {high:g}; is it in another unit?")
    if not low <= value <= high:
        warnings.warn(
            f"{name} = {value:g} {unit} looks implausible (expected {low:g} to {high:g}): is it in another unit?",
            ValidityWarning,
            stacklevel=2,
        )


def warn_of_thin(device: Device) -> None:
    """Warn of a source that is far wider than all layers together: nm were given for um."""
    total = sum(layer.thickness for layer in device.stack.layers)
    sizes = [source.shape.size for source in device.sources if source.shape is not None]
    if sizes and total < 1e-3 * min(sizes):
        warnings.warn(
            f"all layers together are {total:g} m thick below a source of {min(sizes):g} m: is one of them in nm that "
            "should be in um?",
            ValidityWarning,
            stacklevel=2,
        )


def is_device(path: str | PathLike[str]) -> bool:
    """Whether a TOML file describes a device: it has sources of heat, blocks, a layout or a mesh, not experiments."""
    try:
        top = read_sections(path)
        return any(key in top for key in ("sources", "blocks", "gds", "mesh"))
    except (DataError, OSError):
        return False
