"""Devices for MOOSE: the mesh has the volumes and areas of the device, and the problem solved apart gives its field."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import coo_array, csr_array
from scipy.sparse.linalg import spsolve

from kapitza.cli import main
from kapitza.core.stack import Layer, Stack
from kapitza.device.description import Box, ConductivityLaw, Device, HeatSource
from kapitza.device.grid.temperatures import solve_on_grid
from kapitza.device.layout import Block, Layout
from kapitza.device.setup import Plane
from kapitza.device.shapes import Disc, Rectangle
from kapitza.errors import InputError, ValidityWarning
from kapitza.io.device.meshes import read_meshio
from kapitza.io.device.moose import moose_names, write_moose
from kapitza.units import um

SAMPLES = Path(__file__).resolve().parents[2] / "docs" / "samples"
CORNERS = np.array([(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)])
PAIR = np.array([[2.0, 1.0], [1.0, 2.0]]) / 6  # mass of a line with linear functions
SLOPE = np.array([[1.0, -1.0], [-1.0, 1.0]])


def layout() -> Layout:
    """Two layers, a block across their boundary, a patch on top, and one on the boundary."""
    stack = Stack([Layer("a b", 1 * um, 20.0, in_plane=40.0), Layer("b", 4 * um, 150.0)], [5e7])
    sources = [
        HeatSource("top", 2e-3, Rectangle((2 * um, 3 * um), (0, 1 * um))),
        HeatSource("under", 1e-3, Rectangle((1 * um, 2 * um), (1 * um, 2 * um)), Plane("a b", 0.0, from_bottom=True)),
    ]
    device = Device(stack, sources, Box(3 * um, 2 * um), coefficient=1e8)
    block = Layer("via", 1 * um, 300.0)
    via = Block(block, Rectangle((0, 1 * um), (0, 1 * um)), 0.5 * um, 8e7, contacts={"b": 2e8}, power=1e-3)
    return Layout(device, [via], sides={"left": np.inf})


def bricks_of(folder: Path):
    """Points, cells by group name, and quads by group name of the mesh, by another reader."""
    pytest.importorskip("meshio", reason="meshes are read by meshio")
    found = read_meshio(folder / "device.msh")
    names = {int(v[0]): k for k, v in found.field_data.items()}
    rows: dict[str, dict[str, list]] = {"hexahedron": {}, "quad": {}}
    for block, tags in zip(found.cells, found.cell_data["gmsh:physical"], strict=True):
        for cell, tag in zip(block.data, tags, strict=True):
            rows[block.type].setdefault(names[int(tag)], []).append(cell)
    return found.points, *({k: np.array(v) for k, v in rows[kind].items()} for kind in ("hexahedron", "quad"))


def test_volumes_and_areas_of_the_mesh(tmp_path):
    write_moose(layout(), tmp_path, 1500)
    points, cells, quads = bricks_of(tmp_path)
    sizes = {name: np.ptp(points[one], axis=1).prod(axis=1).sum() for name, one in cells.items()}
    for name, want in {"a_b": 6 - 0.5, "b": 24 - 0.5, "via": 1.0}.items():
        np.testing.assert_allclose(sizes[name], want, rtol=1e-9, atol=0)
    areas = {name: np.sort(np.ptp(points[one], axis=1))[:, 1:].prod(axis=1).sum() for name, one in quads.items()}
    for name, want in {"top_a_b": 6.0, "bottom_b": 6.0, "left_via": 1.0, "left_b": 2 * 4 - 0.5, "right_b": 8.0}.items():
        np.testing.assert_allclose(areas[name], want, rtol=1e-9, atol=0)


def solved(folder: Path) -> dict[str, np.ndarray]:
    """Rise of the nodes of each field from the written files alone, by trilinear elements."""
    points, cells, quads = bricks_of(folder)
    problem = json.loads((folder / "device.json").read_text())
    field = {one["name"]: one["field"] for one in problem["regions"]}
    fields = sorted(set(field.values()))
    count = len(points)
    rows, columns, values = [], [], []
    right = np.zeros(len(fields) * count)

    def add(nodes, other, matrix):
        rows.extend(np.repeat(nodes, len(other)))
        columns.extend(np.tile(other, len(nodes)))
        values.extend(matrix.ravel())

    def flat(quad):
        size = np.ptp(points[quad], axis=0)
        axes = [axis for axis in range(3) if size[axis] > 0]
        where = (points[quad][:, axes] > points[quad][:, axes].min(axis=0)).astype(int)
        one, other = (PAIR[np.ix_(where[:, i], where[:, i])] * size[axis] for i, axis in enumerate(axes))
        return one * other

    for region in problem["regions"]:
        base = fields.index(region["field"]) * count
        for cell in cells[region["name"]]:
            size = np.ptp(points[cell], axis=0)
            parts = [
                [m[np.ix_(CORNERS[:, i], CORNERS[:, i])] for m in (PAIR * s, SLOPE / s)] for i, s in enumerate(size)
            ]
            own = sum(
                k * parts[0][i == 0] * parts[1][i == 1] * parts[2][i == 2] for i, k in enumerate(region["conductivity"])
            )
            add(cell + base, cell + base, own)
            right[cell + base] += region["heat"] * size.prod() / 8
    faces = {
        name: {
            tuple(sorted(cell[list(q)]))
            for cell in one
            for q in ((0, 1, 2, 3), (4, 5, 6, 7), (0, 1, 5, 4), (3, 2, 6, 7), (0, 3, 7, 4), (1, 2, 6, 5))
        }
        for name, one in cells.items()
    }
    for contact in problem["contacts"]:
        a, b = contact["regions"]
        bases = [fields.index(field[name]) * count for name in (a, b)]
        for quad in map(np.array, faces[a] & faces[b]):
            mass = contact["conductance"] * flat(quad)
            for i in (0, 1):
                add(quad + bases[i], quad + bases[i], mass)
                add(quad + bases[i], quad + bases[1 - i], -mass)
    held = []
    for one in problem["cooling"]:
        base = fields.index(field[one["face"].split("_", 1)[1]]) * count
        for quad in quads[one["face"]]:
            if one["coefficient"] is None:
                held.extend(quad + base)
            else:
                add(quad + base, quad + base, one["coefficient"] * flat(quad))
    for one in problem["patches"]:
        base = fields.index(field[one["region"]]) * count
        for quad in map(np.array, faces[one["region"]]):
            middle = points[quad].mean(axis=0)
            if abs(middle[2] - one["z"]) < 1e-9 and all(
                a < m < b for m, (a, b) in zip(middle, (one["x"], one["y"]), strict=False)
            ):
                right[quad + base] += one["flux"] * flat(quad).sum(axis=1)
    total = csr_array(coo_array((values, (rows, columns)), shape=(right.size, right.size)))
    free = np.setdiff1d(np.flatnonzero(total.diagonal()), held)
    rise = np.zeros(right.size)
    rise[free] = spsolve(total[free][:, free].tocsc(), right[free])
    return {name: rise[i * count : (i + 1) * count] for i, name in enumerate(fields)}


def test_what_is_written_solves_to_the_field_of_the_device(tmp_path):
    write_moose(layout(), tmp_path, 4000)
    peak = max(values.max() for values in solved(tmp_path).values())
    want = solve_on_grid(layout(), 60_000).temperatures.peak
    np.testing.assert_allclose(peak, want, rtol=0.01, atol=0)


def test_the_input_file_names_what_the_mesh_and_itself_have(tmp_path):
    write_moose(layout(), tmp_path, 1500)
    text = (tmp_path / "device.i").read_text()
    assert text.count("[") == text.count("]")
    groups = set(re.findall(r'^[23] \d+ "(\w+)"$', (tmp_path / "device.msh").read_text(), re.MULTILINE))
    made = set(re.findall(r"new_(?:boundary|sideset_name) = (\w+)", text))
    assert set(re.findall(r"^    boundary = (\w+)", text, re.MULTILINE)) <= groups | made
    assert set(re.findall(r"(?:primary|paired)_block = (\w+)", text)) == {"a_b", "b", "via"}
    assert text.count("SideSetHeatTransferKernel") == text.count("SideSetHeatTransferMaterial") == 3
    variables = re.search(r"\[Variables\](.*?)^\[\]", text, re.MULTILINE | re.DOTALL)
    assert variables is not None
    named = set(re.findall(r"\[(T_\w+)\]", variables[1]))
    assert set(re.findall(r"(?:variable|neighbor_var) = (\w+)", text)) == named == {"T_a_b", "T_b", "T_via"}


def test_regions_without_a_resistance_share_a_field(tmp_path):
    stack = Stack([Layer("a", 1 * um, 20.0), Layer("b", 1 * um, 150.0), Layer("c", 1 * um, 1.0)], [np.inf, 5e7])
    device = Device(stack, [HeatSource("all", 1e-3)], Box(3 * um, 2 * um))
    write_moose(device, tmp_path, 500)
    problem = json.loads((tmp_path / "device.json").read_text())
    assert [one["field"] for one in problem["regions"]] == ["T_a", "T_a", "T_c"]
    want = 1e-3 / 6e-12 * (1e-6 / 20 + 1e-6 / 150 + 1 / 5e7 + 1e-6)
    np.testing.assert_allclose(max(v.max() for v in solved(tmp_path).values()), want, rtol=1e-9, atol=0)
    via = Block(Layer("via", 2 * um, 300.0), Rectangle((0, 1 * um), (0, 1 * um)), 1 * um)
    with pytest.raises(InputError, match="cannot jump there"):
        write_moose(Layout(device, [via]), tmp_path, 500)


def test_what_cannot_be_written_is_one_line(tmp_path, capsys):
    device = Device(Stack([Layer("a", 1 * um, 20.0)]), [HeatSource("spot", 1e-3, Disc(0, 0, um))], Box(3 * um, 2 * um))
    with pytest.raises(InputError, match="no rectangle"):
        write_moose(device, tmp_path, 500)
    assert main(["export", str(SAMPLES / "chip-gan-sic.toml"), "--moose", str(tmp_path / "none" / "out")]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert moose_names(["a b", "a-b", "±"]) == ["a_b", "a_b_1", "region"]


def test_properties_of_temperature_are_told(tmp_path):
    law = ConductivityLaw.power(20.0, -1.0)
    stack = Stack([Layer("a", 1 * um, 20.0)])
    device = Device(stack, [HeatSource("all", 1e-3)], Box(3 * um, 2 * um), laws={"a": law}, sink=600.0)
    with pytest.warns(ValidityWarning, match="a.conductivity: written as at 600 K"):
        write_moose(device, tmp_path, 500)
    np.testing.assert_allclose(max(v.max() for v in solved(tmp_path).values()), 1e-3 / 6e-12 / 10 * 1e-6, rtol=1e-9)


def test_the_command_writes_three_files(tmp_path, capsys):
    assert main(["export", str(SAMPLES / "finfet.toml"), "--moose", str(tmp_path / "out"), "--cells", "2000"]) == 0
    assert main(["export", str(SAMPLES / "finfet.toml"), "--moose", str(tmp_path / "out"), "--cells", "2000"]) == 0
    assert sorted(one.name for one in (tmp_path / "out").iterdir()) == ["device.i", "device.json", "device.msh"]
    assert "device.i" in capsys.readouterr().err
