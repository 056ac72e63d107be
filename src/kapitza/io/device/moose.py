"""Devices for MOOSE, which solves them on many machines: a mesh, an input file, and the same numbers as JSON.

Lengths are micrometres, heat is in watts, temperatures are kelvins.  Each set of regions without a resistance between
them has a temperature of its own, a nodal variable on its blocks, and `SideSetHeatTransferKernel` of the heat transfer
module carries G (T1 - T2) from one to the other: the mesh needs no doubled nodes, and the jump is exact.
"""

import json
import warnings
from collections.abc import Iterable, Mapping
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from kapitza.core.files import write_atomically
from kapitza.device.description import Device
from kapitza.device.grid.box_grid import automatic_grid
from kapitza.device.grid.bricks import BrickMesh, brick_mesh
from kapitza.device.layout import Layout
from kapitza.errors import ValidityWarning

_MICROMETRES_PER_METRE = 1e6  # in a metre
_GMSH_QUAD, _GMSH_HEXAHEDRON = 3, 5  # of gmsh
_SOLVER_BLOCKS = """\
[Executioner]
  type = Steady
  solve_type = NEWTON
  line_search = none
  petsc_options_iname = '-pc_type -pc_hypre_type'
  petsc_options_value = 'hypre boomeramg'
  nl_rel_tol = 1e-10
  l_tol = 1e-8
  l_max_its = 200
[]
[Outputs]
  exodus = true
  csv = true
[]
"""
_PLANE_TOLERANCE = 0.1  # of the thinnest cell, within which the middle of a side lies on a plane


def write_moose(layout: Layout | Device, folder: str | PathLike[str], cells: int = 150_000) -> tuple[Path, ...]:
    """Write a device for MOOSE: device.msh, device.i and device.json.

    Parameters
    ----------
    layout : with rectangles as sources, on faces of layers; properties of T are taken at the temperature of the sink
    folder : made where there is none
    cells : about how many bricks the mesh has

    Raises
    ------
    InputError
        as `kapitza.device.grid.bricks.brick_mesh`

    Warns
    -----
    ValidityWarning
        for numbers that depend on temperature
    """
    layout = Layout(layout) if isinstance(layout, Device) else layout
    held = brick_mesh(layout, automatic_grid(layout, cells))
    names = moose_names([region.name for region in held.regions])
    if held.varying:
        warnings.warn(
            f"{', '.join(held.varying)}: written as at {held.sink:g} K, and depends on temperature",
            ValidityWarning,
            stacklevel=2,
        )
    texts = {
        "device.msh": _mesh_text(held, names),
        "device.i": _input_text(held, names, layout.device.title),
        "device.json": json.dumps(_plain_description(held, names), indent=1) + "\n",
    }
    Path(folder).mkdir(exist_ok=True)
    return tuple(write_atomically(Path(folder) / name, text.encode()) for name, text in texts.items())


def moose_names(names: Iterable[str]) -> list[str]:
    """Names of letters, digits and lines alone, each once."""
    found: list[str] = []
    for name in names:
        bare = "".join(c if c.isascii() and c.isalnum() else "_" for c in name).strip("_") or "region"
        found.append(bare if bare not in found else f"{bare}_{len(found)}")
    return found


def _mesh_text(mesh: BrickMesh, names: list[str]) -> str:
    """The mesh as .msh 2.2, with a physical group for each region and for each side of it that is outside."""
    sides = {key: 1 + len(names) + i for i, key in enumerate(mesh.faces)}
    groups = [f'3 {i + 1} "{name}"' for i, name in enumerate(names)]
    groups += [f'2 {tag} "{side}_{names[region]}"' for (side, region), tag in sides.items()]
    points = mesh.points * _MICROMETRES_PER_METRE
    lines = ["$MeshFormat", "2.2 0 8", "$EndMeshFormat", "$PhysicalNames", str(len(groups)), *groups]
    lines += ["$EndPhysicalNames", "$Nodes", str(len(points))]
    lines += [f"{i + 1} {x:.12g} {y:.12g} {z:.12g}" for i, (x, y, z) in enumerate(points.tolist())]
    rows = [
        (_GMSH_HEXAHEDRON, region + 1, cell) for region, cell in zip(mesh.region.tolist(), mesh.cells + 1, strict=True)
    ]
    rows += [(_GMSH_QUAD, sides[key], quad) for key, quads in mesh.faces.items() for quad in quads + 1]
    lines += ["$EndNodes", "$Elements", str(len(rows))]
    lines += [f"{i + 1} {kind} 2 {tag} {tag} {' '.join(map(str, c.tolist()))}" for i, (kind, tag, c) in enumerate(rows)]
    return "\n".join([*lines, "$EndElements", ""])


def _plain_description(mesh: BrickMesh, names: list[str]) -> dict[str, Any]:
    """All but the mesh, in micrometres, watts and kelvins."""
    number = {region.name: i for i, region in enumerate(mesh.regions)}
    return {
        "units": {"length": "um", "power": "W", "temperature": "K"},
        "sink": mesh.sink,
        "regions": [
            {
                "name": name,
                "group": i + 1,
                "field": f"T_{names[number[region.field]]}",
                "conductivity": [k / _MICROMETRES_PER_METRE for k in region.conductivity],
                "heat": region.heat / _MICROMETRES_PER_METRE**3,
            }
            for i, (name, region) in enumerate(zip(names, mesh.regions, strict=True))
        ],
        "contacts": [
            {"regions": [names[a], names[b]], "conductance": g / _MICROMETRES_PER_METRE**2}
            for (a, b), g in mesh.contacts.items()
        ],
        "cooling": [
            {
                "face": f"{side}_{names[region]}",
                "coefficient": None if np.isinf(value) else value / _MICROMETRES_PER_METRE**2,
            }
            for (side, region) in mesh.faces
            if (value := mesh.cooling.get(side, 0.0)) > 0
        ],
        "patches": [
            {
                "source": patch.source,
                "region": names[number[patch.region]],
                "x": [v * _MICROMETRES_PER_METRE for v in patch.x],
                "y": [v * _MICROMETRES_PER_METRE for v in patch.y],
                "z": patch.z * _MICROMETRES_PER_METRE,
                "up": patch.up,
                "flux": patch.flux / _MICROMETRES_PER_METRE**2,
            }
            for patch in mesh.patches
        ],
        "at the sink": list(mesh.varying),
    }


def _input_text(mesh: BrickMesh, names: list[str], title: str) -> str:
    plain = _plain_description(mesh, names)
    owner = {region["name"]: region["field"] for region in plain["regions"]}
    fields = {name: [own for own, of in owner.items() if of == name] for name in dict.fromkeys(owner.values())}
    thin = float(np.ptp(mesh.points[mesh.cells[:, [0, 4]], 2], axis=1).min()) * _MICROMETRES_PER_METRE
    sides = [contact["regions"] for contact in plain["contacts"]]
    jump = "SideSetHeatTransferKernel"
    blocks = {
        "Mesh": _mesh_blocks(plain, _PLANE_TOLERANCE * thin),
        "Variables": [
            _block(name, {"block": _quote(own), "initial_condition": plain["sink"]}) for name, own in fields.items()
        ],
        "Kernels": [
            *(_block(f"conduct_{name}", {"type": "AnisoHeatConduction", "variable": name, "block": _quote(own)})
              for name, own in fields.items()),
            *(_block(f"heat_{region['name']}", {
                "type": "BodyForce", "variable": region["field"], "block": region["name"],
                "value": f"{region['heat']:.12g}",
            }) for region in plain["regions"] if region["heat"]),
        ],
        "InterfaceKernels": [
            _block(f"jump_{a}_{b}", {
                "type": jump, "variable": owner[a], "neighbor_var": owner[b], "boundary": f"{a}_{b}"
            })
            for a, b in sides
        ],
        "BCs": _boundary_blocks(plain, owner),
        "Materials": _material_blocks(plain),
        "Postprocessors": [
            _block(f"max_{name}", {"type": "NodalExtremeValue", "variable": name, "block": _quote(own)})
            for name, own in fields.items()
        ],
        "Preconditioning": [_block("smp", {"type": "SMP", "full": "true"})],
    }  # fmt: skip
    head = [
        f"# {' '.join(title.split())}",
        "# um, W, K: conductivities in W/(um K), conductances in W/(um^2 K), fluxes in W/um^2",
        "# run with an application of the heat transfer module: mpiexec -n 2 moose-opt -i device.i",
        *(f"# {name} depends on temperature and is that at the sink" for name in mesh.varying),
    ]
    body = [line for name, inner in blocks.items() if inner for line in (f"[{name}]", *chain(*inner), "[]")]
    return "\n".join([*head, *body, _SOLVER_BLOCKS])


def _quote(names: Iterable[str]) -> str:
    return f"'{' '.join(names)}'"


def _block(name: str, table: Mapping[str, object]) -> list[str]:
    return [f"  [{name}]", *(f"    {key} = {value}" for key, value in table.items()), "  []"]


def _mesh_blocks(plain: dict[str, Any], close: float) -> list[list[str]]:
    """The file, sidesets between regions that a resistance divides, and those of the sources, one after the other."""
    blocks = [_block("file", {"type": "FileMeshGenerator", "file": "device.msh"})]
    last = "file"
    for a, b in (contact["regions"] for contact in plain["contacts"]):
        kind, name = "SideSetsBetweenSubdomainsGenerator", f"between_{a}_{b}"
        sides = {"primary_block": a, "paired_block": b, "new_boundary": f"{a}_{b}"}
        blocks.append(_block(name, {"type": kind, "input": last, **sides}))
        last = name
    for i, patch in enumerate(plain["patches"]):
        (x0, x1), (y0, y1), z = patch["x"], patch["y"], patch["z"]
        inside = f"x > {x0:.12g} & x < {x1:.12g} & y > {y0:.12g} & y < {y1:.12g}"
        generator = _block(f"patch_{i}", {
            "type": "ParsedGenerateSideset", "input": last,
            "combinatorial_geometry": f"'abs(z-{z:.12g}) < {close:.3g} & {inside}'",
            "included_subdomains": patch["region"], "normal": "'0 0 1'" if patch["up"] else "'0 0 -1'",
            "new_sideset_name": f"source_{i}",
        })  # fmt: skip
        blocks.append(generator)
        last = f"patch_{i}"
    return blocks


def _boundary_blocks(plain: dict[str, Any], owner: Mapping[str, str]) -> list[list[str]]:
    blocks: list[list[str]] = []
    for cooled in plain["cooling"]:
        face, coefficient = cooled["face"], cooled["coefficient"]
        law: dict[str, object] = {"type": "DirichletBC", "value": plain["sink"]}
        if coefficient is not None:
            law = {"type": "ConvectiveFluxFunction", "T_infinity": plain["sink"], "coefficient": f"{coefficient:.12g}"}
        blocks.append(_block(face, {"variable": owner[face.split("_", 1)[1]], "boundary": face, **law}))
    for i, patch in enumerate(plain["patches"]):
        name, flux = f"source_{i}", f"{patch['flux']:.12g}"
        table = {"type": "NeumannBC", "variable": owner[patch["region"]], "boundary": name, "value": flux}
        blocks.append(_block(name, table))
    return blocks


def _material_blocks(plain: dict[str, Any]) -> list[list[str]]:
    blocks: list[list[str]] = []
    kind = "AnisoHeatConductionMaterial"
    for region in plain["regions"]:
        kx, ky, kz = region["conductivity"]
        tensor = f"'{kx:.12g} 0 0 0 {ky:.12g} 0 0 0 {kz:.12g}'"
        name = region["name"]
        blocks.append(_block(name, {"type": kind, "block": name, "thermal_conductivity": tensor, "specific_heat": 1}))
    kind = "SideSetHeatTransferMaterial"
    for contact in plain["contacts"]:
        side, value = "_".join(contact["regions"]), f"{contact['conductance']:.12g}"
        table = {"type": kind, "boundary": side, "conductivity": value, "gap_length": 1}
        blocks.append(_block(f"conductance_{side}", table))
    return blocks
