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

from collections.abc import Mapping
from os import PathLike
from typing import Any, cast

import numpy as np
from attrs import NOTHING, field, frozen

from kapitza.core.arrays import about, read_only_mapping
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord
from kapitza.device.elements.body import Body, Convection, FaceCondition, FixedFlux, FixedTemperature, body_parameters
from kapitza.device.elements.mesh import Mesh, region_pairs, simplex_of
from kapitza.device.elements.steady import facet_mass_matrices
from kapitza.errors import DataError, InputError
from kapitza.io import toml
from kapitza.io.boundaries import BoundarySides, boundaries, read_conductance
from kapitza.io.device.confinement import SIZE_KEY, describe_confined, extents_between_walls, find_confinement
from kapitza.io.device.layers import UNCERTAIN
from kapitza.io.device.meshes import read_mesh
from kapitza.io.plausibility import warn, warn_of_celsius, warn_outside
from kapitza.io.quantities import known_units, quantity, unit_factor
from kapitza.io.toml import Table, TomlTable

_POWER_KINDS = {2: "power_per_length", 3: "power"}  # by the dimension: of a plane, power is per metre out of it
_PLAUSIBLE_EXTENT = (1e-8, 1.0)  # m, of bodies that are seen


def _read_length_unit(top: TomlTable, key: str) -> float:
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
    value = section.table.get(key)
    if isinstance(value, list):
        return section.locate(key, _read_tensor, cast("list[object]", value))
    return section.number(key, "conductivity")


def _check_condition(section: TomlTable) -> None:
    entering = [key for key in ("flux", "power") if key in section]
    if len(entering) + ("temperature" in section or "coefficient" in section) != 1:
        raise section.fault("expected one of temperature, coefficient (to the sink, or to a temperature), flux, power")


def _check_content(top: TomlTable) -> None:
    regions, faces = top.section("regions"), top.section("faces")
    faults: list[DataError] = []
    if not regions.table:
        faults.append(regions.fault("no [regions.NAME]: give each region of the mesh a conductivity or a material"))
    held = [FACE.mend(faces.section(name)) for name in faces.table]
    if not any("temperature" in face or "coefficient" in face for face in held):
        faults.append(
            faces.fault(
                "no face is held or cooled, and heat needs somewhere to go: give one a temperature or a coefficient"
            )
        )
    toml.raise_together(faults)


REGION = Table(
    [
        toml.text("material", "material of the library, between walls as far apart as the region reaches", None),
        toml.special(
            "conductivity", "`conductivity`, a list of them, or rows of a tensor", "conductivity",
            _read_conductivity, NOTHING, unless=("material",),
        ),
        toml.special("power", "`power`, in two dimensions `power_per_length`", "power in the whole region"),
        toml.number("heat", "heat", "power per volume, instead of `power`", None),
        SIZE_KEY,
    ],
    "Region of the mesh: a physical volume, or a surface in two dimensions.",
    checks=(
        toml.refuse_if(
            lambda region: "heat" in region and "power" in region,
            "expected power (of all of it) or heat (such as '1 W/um3'), one of them", "heat",
        ),
    ),
)  # fmt: skip
FACE = Table(
    [
        toml.number("temperature", "temperature", "temperature of the face, or behind a coefficient", None),
        toml.number("coefficient", "conductance", "heat transfer coefficient to that temperature", None),
        toml.number("flux", "flux", "heat flux that enters", None),
        toml.special("power", "`power`, in two dimensions `power_per_length`", "power that enters"),
    ],
    "Face of the mesh: a physical surface, or a line in two dimensions. No heat crosses the others.",
    checks=(_check_condition,),
)  # fmt: skip
BODY = Table(
    [
        toml.TITLE,
        toml.file("mesh", "mesh of gmsh (.msh, 2.2 or 4.1)"),
        toml.special("unit", "unit of length", "unit of the coordinates of the mesh", _read_length_unit, NOTHING),
        toml.number("sink", "temperature", "temperature of the heat sink", 300.0),
        toml.named_tables("regions", REGION),
        boundaries("conductance where two regions touch"),
        toml.named_tables("faces", FACE),
        UNCERTAIN,
    ],
    checks=(_check_content,),
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
    top = toml.read_toml(path)
    values = BODY.read(top)
    sink = values["sink"]
    warn_of_celsius(top.table.get("sink"), "sink")
    mesh = read_mesh(values["mesh"], unit=values["unit"])
    extent, (least, most) = float(np.ptp(mesh.points, axis=0).max()), _PLAUSIBLE_EXTENT
    if not least <= extent <= most:
        expected = f"expected {least:g} to {most:g}"
        warn(f"the mesh is {extent:g} m long, which looks implausible ({expected}): is it in another unit?")
    regions = top.section("regions")
    _check_regions(regions, mesh)
    conductivity, heat, materials = _read_regions(regions, mesh, sink)
    conductance, sigmas = _read_region_boundaries(top.section("boundaries"), mesh, materials, sink)
    remarks: list[str] = []
    for i, name in enumerate(mesh.names):  # between walls
        size = extents_between_walls(mesh.points, mesh.points[mesh.cells[mesh.region == i]])
        confined = find_confinement(regions.section(name), size, sink)
        if confined is not None:
            conductivity[name] = confined.value[: mesh.dimension].tolist()
            sigmas[f"{name}.conductivity"] = float((confined.sigma / confined.value).max())
            remarks.append(describe_confined(name, confined, "xyz"))
    sections = top.section("faces")
    toml.check_keys(sections, mesh.faces)
    own = {name: sections.section(name) for name in sections.table}
    faces = {name: face.locate("", _read_face, face, mesh, name, sink) for name, face in own.items()}
    body = top.locate("", lambda: Body(mesh, conductivity, conductance, faces, heat, reference=sink))
    uncertain = sigmas | _read_relative_uncertainties(top.section("uncertain"), body)
    return BodyFile(values["title"] or top.path.stem, body, sink, uncertain, remarks)


def _check_regions(section: TomlTable, mesh: Mesh) -> None:
    def read(regions: TomlTable, name: str) -> None:
        if name not in regions:
            needs = f"give [regions.{name}] a conductivity or a material"
            raise regions.fault(f"the mesh has a region {name!r}: {needs}", name)

    Table([toml.special(name, "table", "", read, NOTHING) for name in mesh.names]).check(section)


def _read_regions(
    section: TomlTable, mesh: Mesh, sink: float
) -> tuple[dict[str, Any], dict[str, float], dict[str, str]]:
    conductivity: dict[str, Any] = {}
    heat: dict[str, float] = {}
    materials: dict[str, str] = {}
    for name in mesh.names:
        own = section.section(name)
        values = REGION.read(own)
        conductivity[name] = values["conductivity"]
        if conductivity[name] is None:
            known = toml.material_at(own, sink)
            conductivity[name] = float(own.locate("material", known.conductivity, sink)[0])
        if not isinstance(conductivity[name], list):
            own.locate("conductivity", warn_outside, f"{name}.conductivity", "conductivity", conductivity[name])
        materials[name] = name if values["material"] is None else values["material"]
        if "power" in own:
            heat[name] = own.number("power", _POWER_KINDS[mesh.dimension]) / mesh.volume(name)
        elif "heat" in own:
            heat[name] = values["heat"]
    return conductivity, heat, materials


def _read_region_boundaries(
    section: TomlTable, mesh: Mesh, materials: Mapping[str, str], sink: float
) -> tuple[dict[str, float | Conductance], dict[str, float]]:
    found: dict[str, float | Conductance] = {}
    sigmas: dict[str, float] = {}
    pairs = [(mesh.names[low], mesh.names[high]) for low, high in sorted(region_pairs(mesh))]
    written = [f"{b}|{a}" if f"{b}|{a}" in section and f"{a}|{b}" not in section else f"{a}|{b}" for a, b in pairs]
    either = [f"{b}|{a}" for a, b in pairs] + [f"{a}|{b}" for a, b in pairs]
    others = [name for name in either if name not in written]
    toml.check_boundary_names(section, written, 'conductance, such as "100 MW/m2K" (or "perfect")', others)
    for key in written:
        one, _, other = key.partition("|")
        side = BoundarySides(one, other, materials[one], materials[other])
        value, sigma = read_conductance(section, side, sink)
        found[key] = value
        plain = float(value.at(sink)[0]) if isinstance(value, Conductance) else value
        if np.isfinite(plain):
            section.locate(key, warn_outside, f"{key}.conductance", "conductance", plain)
        if sigma is not None:
            sigmas[f"{key}.conductance"] = sigma / plain
    return found, sigmas


def _read_face(section: TomlTable, mesh: Mesh, name: str, sink: float) -> FaceCondition:
    values = FACE.read(section)
    if "flux" in section:
        return FixedFlux(values["flux"])
    if "power" in section:
        cell, corner = mesh.faces[name].T
        facets = mesh.cells[cell[:, None], simplex_of(mesh).facets[corner]]
        area = float(facet_mass_matrices(mesh.points, facets, mesh.order).sum())
        return FixedFlux(section.number("power", _POWER_KINDS[mesh.dimension]) / area)
    temperature = sink if values["temperature"] is None else values["temperature"]
    coefficient = values["coefficient"]
    return FixedTemperature(temperature) if coefficient is None else Convection(coefficient, temperature)


def _read_relative_uncertainties(section: TomlTable, body: Body) -> dict[str, float]:
    names = body_parameters(body)
    toml.check_keys(section, names)
    sigmas: dict[str, float] = {}
    for name in section.table:
        owner, _, attribute = name.rpartition(".")
        kind = "conductance" if attribute == "coefficient" else attribute
        sigmas[name], share = toml.read_share(section, name, kind, "sigma")
        if share:
            continue
        by_owner: Any = getattr(body, attribute, None)
        value: Any = by_owner[owner] if by_owner is not None else getattr(body.faces[owner], attribute)
        if isinstance(value, Conductance):
            value = float(value.at(body.reference)[0])
        if np.ndim(value):
            raise section.fault("is a tensor: give its uncertainty as a share, such as '5 %'", name)
        sigmas[name] /= abs(float(value))
    return sigmas
