"""Meshes from files, good and hostile, and temperatures written for viewers."""

from pathlib import Path

import numpy as np
import pytest

from kapitza.device.elements.body import Body, FixedTemperature
from kapitza.device.elements.mesh import simplex_of
from kapitza.device.elements.mesh_generators import ball_mesh
from kapitza.device.elements.temperatures import solve_body
from kapitza.errors import DataError, InputError
from kapitza.io.device.meshes import read_mesh, write_body

meshio = pytest.importorskip("meshio")

# A square of an oxide and a metal, each one triangle, as gmsh writes it.
NAMES = '$PhysicalNames\n4\n1 3 "left"\n1 4 "bottom"\n2 1 "oxide"\n2 2 "metal"\n$EndPhysicalNames\n'
NODES = ["0 0 0", "2 0 0", "2 2 0", "0 2 0"]
OLD = (
    "$MeshFormat\n2.2 0 8\n$EndMeshFormat\n"
    + NAMES
    + "$Nodes\n4\n"
    + "".join(f"{i + 1} {node}\n" for i, node in enumerate(NODES))
    + "$EndNodes\n$Elements\n4\n1 1 2 3 1 1 4\n2 1 2 4 2 1 2\n3 2 2 1 1 1 2 4\n4 2 2 2 2 2 3 4\n$EndElements\n"
)
NEW = (
    "$MeshFormat\n4.1 0 8\n$EndMeshFormat\n"
    + NAMES
    + "$Entities\n0 2 2 0\n1 0 0 0 0 2 0 1 3 0\n2 0 0 0 2 0 0 1 4 0\n"
    + "1 0 0 0 2 2 0 1 1 0\n2 0 0 0 2 2 0 1 2 0\n$EndEntities\n"
    + "$Nodes\n1 4 1 4\n2 1 0 4\n1\n2\n3\n4\n"
    + "\n".join(NODES)
    + "\n$EndNodes\n$Elements\n4 4 1 4\n"
    + "1 1 1 1\n1 1 4\n1 2 1 1\n2 1 2\n2 1 2 1\n3 1 2 4\n2 2 2 1\n4 2 3 4\n$EndElements\n"
)


@pytest.mark.parametrize("text", [OLD, NEW], ids=["2.2", "4.1"])
def test_groups_of_a_file_are_regions_and_faces(tmp_path: Path, text: str):
    path = tmp_path / "square.msh"
    path.write_text(text)
    mesh = read_mesh(path, unit=1e-6)
    assert mesh.names == ("oxide", "metal")
    assert {name: len(facets) for name, facets in mesh.faces.items()} == {"left": 1, "bottom": 1}
    np.testing.assert_allclose(mesh.volume("oxide"), 2e-12, rtol=1e-12, atol=0)
    assert mesh.points[mesh.cells[mesh.faces["left"][0, 0]]][:, 0].min() == 0


@pytest.mark.parametrize(("dimension", "order"), [(2, 1), (2, 2), (3, 1), (3, 2)])
def test_a_mesh_in_a_file_gives_the_same_heat(tmp_path: Path, dimension: int, order: int):
    mesh = ball_mesh(1.0, 1.5, 3, dimension=dimension, order=order)
    kinds = {(2, 1): ("triangle", "line"), (2, 2): ("triangle6", "line3")}
    kinds |= {(3, 1): ("tetra", "triangle"), (3, 2): ("tetra10", "triangle6")}
    cell, facet = kinds[dimension, order]
    blocks, tags = [(cell, mesh.cells)], [np.asarray(mesh.region) + 1]
    names = {name: np.array([i + 1, dimension]) for i, name in enumerate(mesh.names)}
    for i, (name, facets) in enumerate(mesh.faces.items()):
        blocks.append((facet, mesh.cells[facets[:, :1], simplex_of(mesh).facets[facets[:, 1]]]))
        tags.append(np.full(len(facets), 10 + i))
        names[name] = np.array([10 + i, dimension - 1])
    points = np.hstack([mesh.points, np.zeros((len(mesh.points), 3 - dimension))])
    data = {"gmsh:physical": tags, "gmsh:geometrical": tags}
    path = tmp_path / "ball.msh"
    meshio.write(
        path, meshio.Mesh(points, blocks, cell_data=data, field_data=names), file_format="gmsh22", binary=False
    )
    more = (
        {"particle": 10.0, "matrix": 1.0},
        {"particle|matrix": 1.0},
        {"x-": FixedTemperature(0), "x+": FixedTemperature(1)},
    )
    found, want = solve_body(Body(read_mesh(path), *more)), solve_body(Body(mesh, *more))
    np.testing.assert_allclose(found.flows["x-"], want.flows["x-"], rtol=1e-10, atol=0)
    write_body(found, tmp_path / "ball.vtu")
    seen = meshio.read(tmp_path / "ball.vtu")
    np.testing.assert_allclose(seen.point_data["temperature"], found.temperature, rtol=1e-12, atol=0)
    assert len(seen.points) > len(mesh.points)
    with pytest.raises(InputError, match=r"\.vtu"):
        write_body(found, tmp_path / "ball.csv")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (OLD, "", "not read"),
        ("3 2 2 1 1 1 2 4", "3 2 2 0 1 1 2 4", "belong to no region"),
        ("4 2 2 2 2 2 3 4", "4 2 2 2 1 2 4 3", "inverted"),
        ("2 2 0\n", "nan 2 0\n", "finite"),
        ("2 2 0\n", "2 2 1\n", "surface in space"),
        ("3 2 2 1 1 1 2 4", "3 3 2 1 1 1 2 3 4", "wanted triangles or tetrahedra"),
        ("2 2 2 2 3 4\n", "2 2 2 2 3 9\n", "square.msh"),
        ("$Elements\n4\n", "$Elements\n9000000000\n", "square.msh"),
        ("2.2 0 8", "9.9 0 8", "not read"),
        ("$Nodes\n4\n", "$Nodes\nmany\n", "not read"),
    ],
)
def test_a_hostile_file_gets_one_line(tmp_path: Path, old: str, new: str, says: str):
    assert old in OLD
    path = tmp_path / "square.msh"
    path.write_text(OLD.replace(old, new))
    with pytest.raises(DataError) as caught:
        read_mesh(path)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_surface_may_be_drawn_from_below(tmp_path: Path):
    path = tmp_path / "square.msh"
    path.write_text(OLD.replace("4 2 2 2 2 2 3 4", "4 2 2 2 2 2 4 3"))
    np.testing.assert_allclose(read_mesh(path).volume("metal"), 2, rtol=1e-12, atol=0)


def test_no_file_and_no_unit(tmp_path: Path):
    with pytest.raises(DataError, match="no such file"):
        read_mesh(tmp_path / "none.msh")
    with pytest.raises(InputError, match="unit"):
        read_mesh(tmp_path / "none.msh", unit=0)
