"""Write the mesh of the buried wire: python docs/make_wire_mesh.py.

A circle of 0.2 um in a square of 1 um, as gmsh writes it, with physical groups for both and for the four sides.
"""

from pathlib import Path

import numpy as np

from kapitza.device import Mesh
from kapitza.device.elements.mesh import simplex_of
from kapitza.device.elements.mesh_generators import ball_mesh

SIDES = {"x-": "left", "x+": "right", "y-": "bottom", "y+": "top"}


def msh(mesh: Mesh) -> str:
    """Text of a file of gmsh 2.2 for a mesh of curved triangles."""
    groups = [(1, i + 1, SIDES[name]) for i, name in enumerate(mesh.faces)]
    groups += [(2, 10 + i, name) for i, name in enumerate(mesh.names)]
    lines = ["$MeshFormat", "2.2 0 8", "$EndMeshFormat", "$PhysicalNames", str(len(groups))]
    lines += [f'{dimension} {tag} "{name}"' for dimension, tag, name in groups]
    lines += ["$EndPhysicalNames", "$Nodes", str(len(mesh.points))]
    lines += [f"{i + 1} {x:.9g} {y:.9g} 0" for i, (x, y) in enumerate(np.round(mesh.points, 9).tolist())]
    cells: list[str] = []
    for tag, facets in enumerate(mesh.faces.values(), start=1):
        for cell, corner in facets.tolist():
            ends = mesh.cells[cell][simplex_of(mesh).facets[corner]].tolist()
            cells.append(f"8 2 {tag} {tag} {' '.join(str(n + 1) for n in ends)}")
    for nodes, region in zip(mesh.cells.tolist(), mesh.region.tolist(), strict=True):
        cells.append(f"9 2 {10 + region} {10 + region} {' '.join(str(n + 1) for n in nodes)}")
    lines += ["$EndNodes", "$Elements", str(len(cells))]
    lines += [f"{i + 1} {cell}" for i, cell in enumerate(cells)]
    return "\n".join([*lines, "$EndElements", ""])


def main() -> None:
    """Write it beside the device file that names it."""
    mesh = ball_mesh(0.2, 0.5, 5, dimension=2, part="whole", names=("wire", "oxide"), order=2)
    (Path(__file__).resolve().parent / "samples" / "wire.msh").write_text(msh(mesh), encoding="utf-8")


if __name__ == "__main__":
    main()
