"""Device files that name a mesh: regions and faces by physical group.

title = "Metal over a wavy oxide"
mesh = "wavy.msh"                    # of gmsh, 2.2 or 4.1
unit = "um"                          # of its coordinates
sink = "300 K"

[regions.oxide]                      # physical volumes (surfaces in two dimensions)
conductivity = 1.4                   # one number, one for each axis, or rows of a tensor; or material = "SiO2"

[regions.metal]
material = "Al"                      # of the library, between walls as far apart as the region reaches along each axis
power = "1 mW"                       # evenly in all of it; or heat = "1 W/um3"

[boundaries]                         # where regions touch
"oxide|metal" = "100 MW/m2K ± 10 %"  # as between layers

[faces.bottom]                       # physical surfaces (lines); no heat crosses the others
temperature = "300 K"                # held; or coefficient = "10 kW/m2K" to the sink; or flux, or power, that enters

[uncertain]
"oxide.conductivity" = "5 %"
"""

import warnings
from collections.abc import Mapping
from os import PathLike
from typing import Any, cast

import numpy as np
from attrs import NOTHING, evolve, field, frozen

from kapitza.applications.confinement import ConfinedConductivity
from kapitza.core.arrays import about, read_only_mapping
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord
from kapitza.device.elements.body import Body, Convection, FaceCondition, FixedFlux, FixedTemperature, body_parameters
from kapitza.device.elements.mesh import Mesh, region_pairs, simplex_of
from kapitza.device.elements.steady import facet_mass_matrices
from kapitza.errors import InputError, ValidityWarning
from kapitza.io.boundaries import BoundarySides, boundaries, read_conductance
from kapitza.io.device.confinement import SIZE_KEY, describe_confined, extents_between_walls, find_confinement
from kapitza.io.device.layers import UNCERTAIN
from kapitza.io.device.meshes import read_mesh
from kapitza.io.plausibility import warn_of_celsius, warn_outside
from kapitza.io.quantities import known_units, quantity, share_or_quantity, unit_factor
from kapitza.io.toml import (
    TITLE,
    Table,
    TomlTable,
    check_boundary_names,
    file,
    locate_faults,
    material_at,
    named_tables,
    number,
    read_toml,
    special,
    text,
)

_PLAUSIBLE_EXTENT = (1e-8, 1.0)  # m, of bodies that are seen
_UNIT_KINDS = {
    "conductivity": "conductivity",
    "conductance": "conductance",
    "coefficient": "conductance",
    "flux": "flux",
}


def _read_length_unit(top: TomlTable, key: str) -> float:
    """Size of the unit of the coordinates, m."""
    unit = top.text(key)
    factor = unit_factor(unit, "length")
    if factor is None:
        raise top.fault(
            f"{unit!r:.40} is no length: expected that of the coordinates in the mesh, {known_units('length')}", key
        )
    return factor


def _read_tensor(value: list[object]) -> list[Any]:
    """Numbers of a conductivity, one for each axis, or the rows of a tensor."""
    found = [_read_tensor(cast("list[object]", row)) if isinstance(row, list) else None for row in value]
    if all(row is None for row in found):
        return [quantity(entry, "conductivity", what="conductivity") for entry in value]
    deep = any(isinstance(entry, list) for row in found for entry in row or ())
    if deep or None in found or len({len(row or ()) for row in found}) > 1:
        raise InputError(f"expected numbers, one for each axis, or equal rows of a tensor, got {value!r:.60}")
    return found


def _read_conductivity(section: TomlTable, key: str) -> Any:
    """A conductivity as one number, one for each axis or a tensor."""
    value = section.table.get(key)
    if isinstance(value, list):
        return locate_faults(section, key, lambda: _read_tensor(cast("list[object]", value)))
    return section.number(key, "conductivity")


def _check_region_heat(section: TomlTable) -> None:
    """Refuse a region with both a power and a heat."""
    if "power" in section and "heat" in section:
        raise section.fault("expected power (of all of it) or heat (such as '1 W/um3'), one of them", "heat")


def _check_condition(section: TomlTable) -> None:
    """Refuse a face with no condition, or with several."""
    entering = [key for key in ("flux", "power") if key in section]
    if len(entering) + ("temperature" in section or "coefficient" in section) != 1:
        raise section.fault("expected one of temperature, coefficient (to the sink, or to a temperature), flux, power")


REGION = Table(
    [
        text("material", "material of the library, between walls as far apart as the region reaches", None),
        evolve(
            special(
                "conductivity", "`conductivity`, a list of them, or rows of a tensor", "conductivity",
                _read_conductivity, NOTHING,
            ),
            unless=("material",),
        ),
        special("power", "`power`, in two dimensions `power_per_length`", "power in the whole region"),
        number("heat", "heat", "power per volume, instead of `power`", None),
        SIZE_KEY,
    ],
    "Region of the mesh: a physical volume, or a surface in two dimensions.",
    checks=(_check_region_heat,),
)  # fmt: skip
FACE = Table(
    [
        number("temperature", "temperature", "temperature of the face, or behind a coefficient", None),
        number("coefficient", "conductance", "heat transfer coefficient to that temperature", None),
        number("flux", "flux", "heat flux that enters", None),
        special("power", "`power`, in two dimensions `power_per_length`", "power that enters"),
    ],
    "Face of the mesh: a physical surface, or a line in two dimensions. No heat crosses the others.",
    checks=(_check_condition,),
)  # fmt: skip
BODY = Table(
    [
        TITLE,
        file("mesh", "mesh of gmsh (.msh, 2.2 or 4.1)"),
        special("unit", "unit of length", "unit of the coordinates of the mesh", _read_length_unit, NOTHING),
        number("sink", "temperature", "temperature of the heat sink", 300.0),
        named_tables("regions", REGION),
        boundaries("conductance where two regions touch"),
        named_tables("faces", FACE),
        UNCERTAIN,
    ]
)


@frozen(eq=False)
class BodyFile(BaseRecord):
    """What a device file with a mesh says.

    Examples
    --------
    >>> from pathlib import Path
    >>> from kapitza.examples import square_mesh
    >>> from kapitza.io import read_body
    >>> device = '''
    ... title = "A square of oxide"
    ... mesh = "square.msh"
    ... unit = "um"
    ... sink = "300 K"
    ... [regions.oxide]
    ... conductivity = 1.4
    ... power = "1 mW/um"
    ... [faces.left]
    ... temperature = "300 K"
    ... '''
    >>> _ = Path("square.msh").write_text(square_mesh())
    >>> _ = Path("square.toml").write_text(device)
    >>> held = read_body("square.toml")
    >>> area = held.body.mesh.volume("oxide")
    >>> print(f"{held.title}: {area * 1e12:.0f} µm²")
    A square of oxide: 4 µm²
    """

    title: str
    body: Body
    sink: float = field(metadata=about("K", "temperature above which its rises count"))
    uncertain: Mapping[str, float] = field(
        factory=dict,
        converter=read_only_mapping,
        metadata=about("1", "relative standard uncertainties by name, such as oxide|metal.conductance"),
    )
    remarks: tuple[str, ...] = field(default=(), converter=tuple)  # what the file left open, and what was taken for it


def read_body(path: str | PathLike[str]) -> BodyFile:
    """Read a device file that names a mesh, and what it names.

    Raises
    ------
    DataError, OSError
        as `read_device`, and for groups that the mesh does not have, regions without conductivity, boundaries without
        conductance; numbers that no device has give a ValidityWarning
    MissingEngine
        where meshio is not installed

    Examples
    --------
    >>> from pathlib import Path
    >>> from kapitza import solve
    >>> from kapitza.examples import square_mesh
    >>> from kapitza.io import read_body
    >>> _ = Path("square.msh").write_text(square_mesh())
    >>> _ = Path("square.toml").write_text('''
    ... mesh = "square.msh"
    ... unit = "um"
    ... sink = "300 K"
    ... [regions.oxide]
    ... conductivity = 1.4
    ... [faces.left]
    ... temperature = "310 K"
    ... [faces.right]
    ... temperature = "300 K"
    ... ''')
    >>> held = read_body("square.toml")
    >>> print(f"{solve(held.body).flows['right']:.1f} W per metre of depth, above {held.sink} K")
    14.0 W per metre of depth, above 300.0 K
    """
    top = read_toml(path)
    values = BODY.read(top)
    sink = values["sink"]
    warn_of_celsius(top.table.get("sink"), "sink")
    mesh = read_mesh(values["mesh"], unit=values["unit"])
    locate_faults(top, "unit", lambda: _warn_of_size(mesh))
    regions = top.section("regions")
    _check_regions(regions, mesh)
    conductivity, heat, materials = _read_regions(regions, mesh, sink)
    confined = _confine_regions(regions, mesh, conductivity, sink)
    conductance, sigmas = _read_region_boundaries(top.section("boundaries"), mesh, materials, sink)
    faces = _read_faces(top.section("faces"), mesh, sink)
    body = locate_faults(top, "", lambda: Body(mesh, conductivity, conductance, faces, heat, reference=sink))
    for name, one in confined.items():
        sigmas[f"{name}.conductivity"] = float((one.sigma / one.value).max())
    uncertain = sigmas | _read_relative_uncertainties(top.section("uncertain"), body)
    remarks = [describe_confined(name, one, "xyz") for name, one in confined.items()]
    return BodyFile(values["title"] or top.path.stem, body, sink, uncertain, remarks)


def _check_regions(section: TomlTable, mesh: Mesh) -> None:
    """Refuse regions of the mesh that have no table, and tables of regions that the mesh does not have."""

    def read(regions: TomlTable, name: str) -> None:
        if name not in regions:
            raise regions.fault(
                f"the mesh has a region {name!r}: give [regions.{name}] a conductivity or a material", name
            )

    Table([special(name, "table", "", read, NOTHING) for name in mesh.names]).check(section)


def _read_regions(
    section: TomlTable, mesh: Mesh, sink: float
) -> tuple[dict[str, Any], dict[str, float], dict[str, str]]:
    """Conductivities, heat and materials of all regions, by name."""
    conductivity: dict[str, Any] = {}
    heat: dict[str, float] = {}
    materials: dict[str, str] = {}
    for name in mesh.names:
        own = section.section(name)
        values = REGION.read(own)
        conductivity[name] = _region_conductivity(own, values["conductivity"], sink)
        materials[name] = name if values["material"] is None else values["material"]
        if "power" in own:
            heat[name] = own.number("power", _unit_of_power(mesh)) / mesh.volume(name)
        elif "heat" in own:
            heat[name] = values["heat"]
    return conductivity, heat, materials


def _confine_regions(
    section: TomlTable, mesh: Mesh, conductivity: dict[str, Any], sink: float
) -> dict[str, ConfinedConductivity]:
    """Put conductivities between walls in the place of those of the bulk, and return them by region."""
    found: dict[str, ConfinedConductivity] = {}
    for i, name in enumerate(mesh.names):
        size = extents_between_walls(mesh.points, mesh.points[mesh.cells[mesh.region == i]])
        one = find_confinement(section.section(name), size, sink)
        if one is not None:
            found[name] = one
            conductivity[name] = one.value[: mesh.dimension].tolist()
    return found


def _unit_of_power(mesh: Mesh) -> str:
    """Of what kind a power is: in two dimensions it is per metre out of the plane."""
    return "power" if mesh.dimension == 3 else "power_per_length"


def _region_conductivity(section: TomlTable, value: Any, sink: float) -> Any:
    """The conductivity of a region, from the file or the library, W m⁻¹ K⁻¹."""
    if isinstance(value, list):
        return cast("list[Any]", value)
    if value is None:
        known = material_at(section, sink)
        value = locate_faults(section, "material", lambda: float(known.conductivity(sink)[0]))
    name = f"{section.place[-1]}.conductivity"
    locate_faults(section, "conductivity", lambda: warn_outside(name, "conductivity", value))
    return value


def _read_region_boundaries(
    section: TomlTable, mesh: Mesh, materials: Mapping[str, str], sink: float
) -> tuple[dict[str, float | Conductance], dict[str, float]]:
    """Conductances where regions touch, and their relative uncertainties, by name."""
    found: dict[str, float | Conductance] = {}
    sigmas: dict[str, float] = {}
    pairs = [(mesh.names[low], mesh.names[high]) for low, high in sorted(region_pairs(mesh))]
    written = [f"{b}|{a}" if f"{b}|{a}" in section and f"{a}|{b}" not in section else f"{a}|{b}" for a, b in pairs]
    either = [f"{b}|{a}" for a, b in pairs] + [f"{a}|{b}" for a, b in pairs]
    others = [name for name in either if name not in written]
    check_boundary_names(section, written, 'conductance, such as "100 MW/m2K" (or "perfect")', others)
    for key in written:
        one, _, other = key.partition("|")
        side = BoundarySides(one, other, materials[one], materials[other])
        value, sigma = read_conductance(section, side, sink)
        found[key] = value
        plain = float(value.at(sink)[0]) if isinstance(value, Conductance) else value
        if np.isfinite(plain):
            locate_faults(section, key, lambda k=key, v=plain: warn_outside(f"{k}.conductance", "conductance", v))
        if sigma is not None:
            sigmas[f"{key}.conductance"] = sigma / plain
    return found, sigmas


def _read_faces(section: TomlTable, mesh: Mesh, sink: float) -> dict[str, FaceCondition]:
    """What happens on the faces that the file names."""
    section.check_keys(mesh.faces)
    found: dict[str, FaceCondition] = {}
    for name in section.table:
        own = section.section(name)
        found[name] = locate_faults(own, "", lambda own=own, name=name: _read_face(own, mesh, name, sink))
    if not any(isinstance(face, (FixedTemperature, Convection)) for face in found.values()):
        raise section.fault(
            "no face is held or cooled, and heat needs somewhere to go: give one a temperature or a coefficient"
        )
    return found


def _read_face(section: TomlTable, mesh: Mesh, name: str, sink: float) -> FaceCondition:
    """One face: held at a temperature, cooled, or heated."""
    values = FACE.read(section)
    if "flux" in section:
        return FixedFlux(values["flux"])
    if "power" in section:
        cell, corner = mesh.faces[name].T
        facets = mesh.cells[cell[:, None], simplex_of(mesh).facets[corner]]
        area = float(facet_mass_matrices(mesh.points, facets, mesh.order).sum())
        return FixedFlux(section.number("power", _unit_of_power(mesh)) / area)
    temperature = sink if values["temperature"] is None else values["temperature"]
    return (
        FixedTemperature(temperature)
        if values["coefficient"] is None
        else Convection(values["coefficient"], temperature)
    )


def _read_relative_uncertainties(section: TomlTable, body: Body) -> dict[str, float]:
    """Relative standard uncertainties by name."""
    names = body_parameters(body)
    section.check_keys(names)
    found: dict[str, float] = {}
    for name in section.table:
        owner, _, attribute = name.rpartition(".")
        kind = _UNIT_KINDS.get(attribute, attribute)
        sigma, share = locate_faults(
            section, name, lambda n=name, k=kind: share_or_quantity(section.table[n], k, what="sigma")
        )
        found[name] = sigma if share else sigma / abs(_body_number(section, body, name, owner, attribute))
    return found


def _body_number(section: TomlTable, body: Body, name: str, owner: str, attribute: str) -> float:
    """Value of a number of a body that has an absolute uncertainty."""
    held: Any = getattr(body, attribute, None)
    value: Any = held[owner] if held is not None else getattr(body.faces[owner], attribute)
    if isinstance(value, Conductance):
        value = float(value.at(body.reference)[0])
    if np.ndim(value):
        raise section.fault("is a tensor: give its uncertainty as a share, such as '5 %'", name)
    return float(value)


def _warn_of_size(mesh: Mesh) -> None:
    """Warn of a mesh in another unit."""
    size = float(np.ptp(mesh.points, axis=0).max())
    if not _PLAUSIBLE_EXTENT[0] <= size <= _PLAUSIBLE_EXTENT[1]:
        warnings.warn(
            f"the mesh is {size:g} m long, which looks implausible (expected {_PLAUSIBLE_EXTENT[0]:g} to "
            f"{_PLAUSIBLE_EXTENT[1]:g}): is it in "
            "another unit?",
            ValidityWarning,
            stacklevel=2,
        )
