"""Device files with blocks and with meshes: what they say, what comes out, and what is refused."""

import re
from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve

from kapitza.cli import main
from kapitza.cli.device.sweeps import report_sweep
from kapitza.cli.output import Results
from kapitza.core.conductance import Conductance
from kapitza.device.description import ConductivityLaw
from kapitza.device.elements.body import scale_body
from kapitza.device.elements.temperatures import solve_body
from kapitza.device.grid.sensitivities import grid_differences, scale_layout_parameter
from kapitza.device.grid.temperatures import GridTemperatures, solve_on_grid
from kapitza.device.layout import Layout
from kapitza.errors import DataError, InputError, ValidityWarning
from kapitza.io.device.blocks import read_layout
from kapitza.io.device.bodies import read_body
from kapitza.io.device.layers import read_device
from kapitza.io.device.vtk import write_vtk
from kapitza.io.results import load, save
from kapitza.plot.device import field_figure, region_edges
from kapitza.plot.style import new_figure
from printed_json import printed

SAMPLES = Path(__file__).resolve().parents[2] / "docs" / "samples"
FINFET = (SAMPLES / "finfet.toml").read_text(encoding="utf-8")
WIRE = (SAMPLES / "wire.toml").read_text(encoding="utf-8")
CELLS = 4000


def written(folder: Path, text: str, name: str = "chip.toml") -> Path:
    """A device file, with the mesh beside it."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    (folder / "wire.msh").write_bytes((SAMPLES / "wire.msh").read_bytes())
    return path


@pytest.fixture(scope="module")
def solved() -> tuple[Layout, GridTemperatures]:
    layout = read_layout(SAMPLES / "finfet.toml")
    return layout, solve_on_grid(layout, CELLS)


def told(command: list[str], capsys: pytest.CaptureFixture[str]) -> dict:
    """What a command says to programs."""
    assert main([*command, "--json"]) == 0
    return printed(capsys.readouterr().out)


def refusal(command: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line of a command that is refused."""
    assert main(command) == 2
    said = capsys.readouterr().err.strip()
    assert "\n" not in said
    return said


def test_boundaries_of_blocks_by_name_by_star_and_by_theory(tmp_path):
    layout = read_layout(SAMPLES / "finfet.toml")
    names = [layer.name for layer in layout.regions]
    assert names == ["cover", "buried oxide", "substrate", "gate", "fin"]
    want = {"gate|fin": 1.5e8, "cover|fin": 2e8, "cover|gate": 1e8, "buried oxide|gate": 1e8}
    for name, value in want.items():
        np.testing.assert_allclose(layout.value(f"{name}.conductance"), value, rtol=1e-12, atol=0)
    sigmas = {"gate": 0.2 * 1e8, "fin": 0.2 * 2e8, "gate|fin": 0.3 * 1.5e8}
    for name, sigma in sigmas.items():
        np.testing.assert_allclose(layout.uncertain[f"{name}.conductance"], sigma, rtol=1e-12, atol=0)
    save(Conductance([250, 300, 600], [4e7, 5e7, 6e7]), tmp_path / "g.json")
    text = FINFET.replace('"fin|gate" = "150 MW/m2K ± 30 %"', '"gate|fin" = "g.json"')
    text = text.replace("conductivity = 13 ", 'material = "Si"\nconductivity = 13 ')
    text = text.replace(
        '"buried oxide|substrate" = "200 MW/m2K"', '"buried oxide|substrate" = { resistance = "5 m2K/GW" }'
    )
    text = text.replace(
        '"gate|*" = "100 MW/m2K ± 20 %"', '"gate|*" = { theory = "dmm", drop = "gray", left = "W", right = "Si" }'
    )
    layout = read_layout(written(tmp_path, text))
    np.testing.assert_allclose(layout.value("gate|fin.conductance"), 5e7, rtol=1e-12, atol=0)
    assert isinstance(layout.contact(0, 3), Conductance)


def test_heat_of_a_block_leaves_through_its_boundaries(solved):
    layout, fields = solved
    jumps = fields.jumps
    out = {name: one.flow * (1 if name.endswith("|fin") else 0) for name, one in jumps.items()}
    np.testing.assert_allclose(-sum(out.values()), 5e-6, rtol=1e-7, atol=0)
    for name, one in jumps.items():
        conductance = layout.value(f"{name}.conductance")
        np.testing.assert_allclose(one.flow, conductance * (one.jump * one.area).sum(), rtol=1e-9, atol=0)
    np.testing.assert_allclose(jumps["buried oxide|substrate"].flow, 5e-6, rtol=1e-7, atol=0)
    area = (40 * 4 - 15 * 4 + 4 * 50 + 25 * 50) * 1e-18  # top beside the gate, end and side of the fin
    np.testing.assert_allclose(jumps["cover|fin"].area.sum(), area, rtol=1e-9, atol=0)


def test_flux_through_the_substrate_carries_all_heat(solved):
    _layout, fields = solved
    down = fields.cell_flux()[:, :, -1, 2]
    np.testing.assert_allclose((down * fields.grid.areas).sum(), 5e-6, rtol=1e-6, atol=0)


def test_section_has_the_peak_and_the_jump(solved):
    _layout, fields = solved
    section = fields.section()
    assert 0.97 * fields.temperatures.peak < section.value.max() < 1.03 * fields.temperatures.peak
    at = section.points[:, 1] == 70e-9
    at &= section.points[:, 0] == 0.0
    values = np.sort(section.value[at])
    assert values.size == 2
    drop = fields.temperatures.drop["fin|buried oxide"]
    np.testing.assert_allclose(values[1] - values[0], drop, rtol=0.03, atol=0)
    lengths = np.linalg.norm(np.diff(region_edges(section), axis=1)[:, 0], axis=1)
    # sides of fin and gate that are no edge of the picture, and the two faces of the oxide beside the fin
    want = (40 + 50 + 40) + (15 + 10) + (200 - 40) + 200
    np.testing.assert_allclose(lengths.sum(), want * 1e-9, rtol=1e-9, atol=0)


def test_uncertainty_by_the_adjoint_and_by_differences(solved):
    layout, _ = solved
    found = solve_on_grid(layout, 2000).with_uncertainty(2000).temperatures
    assert set(found.contribution) == {*layout.uncertain, *layout.device.uncertain}
    for name in ("gate|fin.conductance", "fin.conductivity"):
        peaks = [
            solve_on_grid(scale_layout_parameter(layout, name, f), 2000, tolerance=1e-12).temperatures.peak
            for f in (1.01, 0.99)
        ]
        np.testing.assert_allclose(found.sensitivity[name], (peaks[0] - peaks[1]) / 0.02, rtol=2e-3, atol=0)
    np.testing.assert_allclose(found.contribution["fin.power"], 0.02 * found.peak, rtol=1e-6, atol=0)


def test_differences_where_properties_depend_on_temperature(solved):
    """A law that does not vary gives what plain numbers give."""
    layout, fields = solved
    flat = evolve(layout.blocks[1], law=ConductivityLaw.power(13.0, 0.0))
    bent = evolve(layout, blocks=[layout.blocks[0], flat])
    names = ("fin.conductivity", "fin.conductance")
    got = grid_differences(bent, names)
    want = fields.with_uncertainty(8000).temperatures.sensitivity
    for name in names:
        np.testing.assert_allclose(got[name], want[name], rtol=5e-3, atol=0)


def test_files_for_paraview(solved, tmp_path):
    _layout, fields = solved
    write_vtk(fields, tmp_path / "f.vtr")
    arrays = {}
    pattern = r'<DataArray type="(\w+)" Name="([^"]+)"[^>]*>([^<]+)</DataArray>'
    for kind, name, text in re.findall(pattern, (tmp_path / "f.vtr").read_text()):
        data = b64decode(text)
        assert int(np.frombuffer(data[:8], "<u8")[0]) == len(data) - 8
        arrays[name] = np.frombuffer(data[8:], {"Float64": "<f8", "Int32": "<i4"}[kind])
    kelvin = arrays["temperature (K)"]
    dx, dy, dz = (np.diff(arrays[axis]) for axis in "xyz")
    volume = (dz[:, None, None] * dy[:, None] * dx).ravel()
    region = next(values for name, values in arrays.items() if name.startswith("region"))
    for i, name in enumerate(fields.names):
        own = region == i
        mean = (kelvin[own] * volume[own]).sum() / volume[own].sum()
        np.testing.assert_allclose(mean - 300, fields.means[name], rtol=1e-9, atol=0)
    with pytest.raises(InputError, match=r"none of \.vtr"):
        write_vtk(fields, tmp_path / "f.stl")


def test_split_cells_for_paraview(solved, tmp_path):
    meshio = pytest.importorskip("meshio")
    _layout, fields = solved
    write_vtk(fields, tmp_path / "f.vtu")
    mesh = meshio.read(tmp_path / "f.vtu")
    corners = mesh.points[mesh.cells[0].data]
    sides = [corners[:, i] - corners[:, 0] for i in (1, 3, 4)]
    volume = np.einsum("ij,ij->i", np.cross(sides[0], sides[1]), sides[2])
    assert (volume > 0).all()
    np.testing.assert_allclose(volume.sum(), 200 * 100 * 570e-27, rtol=1e-9, atol=0)
    there = np.abs(mesh.points - [0.0, 0.0, 500e-9]).max(axis=1) < 1e-12  # below the middle of the fin
    values = np.sort(mesh.point_data["temperature (K)"][there])
    np.testing.assert_allclose(np.ptp(values), fields.temperatures.drop["fin|buried oxide"], rtol=0.05, atol=0)


def test_fields_and_bodies_survive_a_file(solved, tmp_path):
    pytest.importorskip("meshio")
    layout, fields = solved
    body = solve_body(read_body(SAMPLES / "wire.toml").body)
    save({"layout": layout, "fields": fields, "body": body, "jumps": dict(fields.jumps)}, tmp_path / "f.npz")
    got = load(tmp_path / "f.npz")
    np.testing.assert_array_equal(got["fields"].rise, fields.rise)
    np.testing.assert_array_equal(got["body"].temperature, body.temperature)
    assert got["body"].body.faces["bottom"] == body.body.faces["bottom"]
    np.testing.assert_allclose(
        solve_on_grid(got["layout"], CELLS).temperatures.peak, fields.temperatures.peak, rtol=1e-12, atol=0
    )


OVERLAP = """[[blocks]]
name = "via"
conductivity = 1
x = ["30 nm", "50 nm"]
y = ["0 nm", "9 nm"]
z = ["60 nm", "80 nm"]
[bou"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('over = ["gate"] ', "", r"line \d+: blocks.2.z: 'fin' overlaps 'gate'"),
        ("[bou", OVERLAP, "'via' overlaps 'fin'"),
        ('over = ["gate"]', 'over = ["gate", "lid"]', "does not overlap any block 'lid'"),
        ('z = ["20 nm", "70 nm"]', 'z = ["70 nm", "70 nm"]', "the top first and a bottom below"),
        ('y = ["0 nm", "4 nm"]', 'y = ["4 nm", "4 nm"]', "runs upwards"),
        ('x = ["0 nm", "40 nm"]', 'x = ["0 nm", "40 um"]', "block fin reaches from x"),
        ('material = "W"', 'material = "Unobtainium"', "blocks.1.material: .*Unobtainium"),
        ('thickness = "100 nm"', 'thickness = "0 nm"', r"layers.2: Layer: thickness = 0"),
        ('"fin|gate" = "150', '"fin|lid" = "150', "does not touch|is no boundary|do not touch"),
        ('"fin|*" = "200 MW/m2K ± 20 %"', "", "'cover' and 'fin' touch"),
        ('"buried oxide|substrate" = "200 MW/m2K"', "", "'buried oxide|substrate' has no conductance"),
        ('power = "5 uW"', "", "neither a source nor a block"),
        ('power = "5 uW"', 'power = "5 uW"\nheat = "1 W/um3"', "one of them"),
        ('power = "5 uW"', 'center = ["0 nm", "0 nm"]', "by a mesh instead"),
        ("[bou", '[sides]\nright = "open"\n[bou', "heat needs somewhere to go"),
        ("[bou", '[sides]\nup = "held"\n[bou', "unknown key"),
        ('"fin.power" = "2 %"', '"lid.power" = "2 %"', "has no 'lid.power'"),
        ("[bou", '[[sources]]\nname = "m"\npower = "1 uW"\nmap = "m.csv"\n[bou', "nan at pixel"),
    ],
)
def test_faults_of_blocks_are_told_in_one_line(tmp_path, capsys, old, new, message):
    assert old in FINFET
    (tmp_path / "m.csv").write_text("1 2\n3 nan\n")
    path = written(tmp_path, FINFET.replace(old, new, 1))
    with pytest.raises(DataError, match=message):
        read_layout(path)
    assert "chip.toml" in refusal(["device", str(path)], capsys)


def test_slips_of_units_are_told(tmp_path):
    with pytest.warns(ValidityWarning, match="fin: its heat"):
        read_layout(written(tmp_path, FINFET.replace('power = "5 uW"', 'power = "5 mW"')))
    with pytest.warns(ValidityWarning, match="the mesh is"):
        read_body(written(tmp_path, WIRE.replace('unit = "um"', 'unit = "angstrom"')))


def test_layers_alone_do_not_take_blocks(capsys):
    with pytest.raises(DataError, match="read_layout"):
        read_device(SAMPLES / "finfet.toml")
    assert "blocks" in refusal(["export", str(SAMPLES / "finfet.toml"), "--spice", "x.cir"], capsys)
    assert "blocks" in refusal(["device", str(SAMPLES / "finfet.toml"), "--tier", "layers"], capsys)
    assert "mesh = " in refusal(["device", str(SAMPLES / "finfet.toml"), "--tier", "elements"], capsys)
    assert "--samples" in refusal(["device", str(SAMPLES / "finfet.toml"), "--samples", "9"], capsys)
    assert "--tier volumes" in refusal(["device", str(SAMPLES / "chip-gan-sic.toml"), "--vtk", "x.vtr"], capsys)


def test_the_way_is_chosen_by_the_geometry(capsys, tmp_path):
    pytest.importorskip("meshio")
    small = ["--cells", "2000"]
    chip = ["device", str(SAMPLES / "chip-gan-diamond.toml")]
    layers = told(chip, capsys)
    volumes = told([*chip, "--tier", "volumes", "--cells", "20000"], capsys)
    assert (layers["tier"], volumes["tier"]) == ("layers", "volumes")
    np.testing.assert_allclose(volumes["fields"]["peak"], layers["fields"]["peak"], rtol=0.015, atol=0)
    assert abs(volumes["imbalance"]) < 1e-9
    for name, drop in layers["fields"]["drop"].items():
        np.testing.assert_allclose(volumes["fields"]["drop"][name], drop, rtol=0.05, atol=0.01)
    fin = told(["device", str(SAMPLES / "finfet.toml"), *small], capsys)
    assert fin["tier"] == "volumes"
    assert "fin" in fin["why"]
    assert told(["device", str(SAMPLES / "wire.toml")], capsys)["tier"] == "elements"
    text = (SAMPLES / "chip-si-cu.toml").read_text(encoding="utf-8") + '\n[sides]\nright = "held"\n'
    held = told(["device", str(written(tmp_path, text)), *small], capsys)
    assert held["heat_out"]["value"]["right"] > 0


def test_sweep_of_a_block(capsys):
    fin = ["device", str(SAMPLES / "finfet.toml"), "--cells", "800"]
    found = told([*fin, "--sweep", "fin.power=5,10uW"], capsys)["rise"]["value"]["hottest point"]
    np.testing.assert_allclose(found[1], 2 * found[0], rtol=1e-6, atol=0)
    found = told([*fin, "--sweep", "fin|gate.conductance=50,150,450MW/m2K"], capsys)["rise"]["value"]["hottest point"]
    assert found == sorted(found, reverse=True)
    assert "lengths stand in the file" in refusal([*fin, "--sweep", "cover.thickness=50,60nm"], capsys)


def test_devices_of_a_sweep_are_kept_and_shared(capsys, tmp_path, monkeypatch, check_long_work):
    sweep = ["--sweep", "fin.power=5,10uW", "--cells", "800"]
    fin = ["device", str(SAMPLES / "finfet.toml"), *sweep]
    alone = told(fin, capsys)
    for workers in ("2", "1"):  # the second time from the folder
        found = told([*fin, "--workers", workers, "--store", str(tmp_path)], capsys)
        for name, rise in alone["rise"]["value"].items():  # threads of BLAS round in another order than one
            np.testing.assert_allclose(found["rise"]["value"][name], rise, rtol=1e-10, atol=0)
        assert len(list(tmp_path.rglob("*.unit"))) == 2
    assert "without --sweep or --samples: only their devices" in refusal([*fin[:2], "--store", str(tmp_path)], capsys)

    def sweep_in(**run):
        report_sweep(str(SAMPLES / "die-tim.toml"), "die|TIM.conductance=10,20MW/m2K", Results(as_json=True), run)

    check_long_work(sweep_in)  # properties of temperature, too
    tables = capsys.readouterr().out.split("}\n{")
    assert len(set(tables[1:-1])) == 1


def test_everything_is_written(capsys, tmp_path):
    pytest.importorskip("meshio")
    pytest.importorskip("matplotlib")
    pytest.importorskip("h5py")
    fin = ["device", str(SAMPLES / "finfet.toml"), "--cells", "1500"]
    wanted = {"--plot": "f.png", "--save": "f.h5", "--vtk": "f.vtr", "--step": "s.svg"}
    assert main([*fin, *(word for k, v in wanted.items() for word in (k, str(tmp_path / v)))]) == 0
    out = capsys.readouterr()
    assert "of the variance" in out.out
    assert "box grid: blocks (gate, fin)" in out.err
    assert load(tmp_path / "f.h5")["fields"].names[-1] == "fin"
    wanted = {"--plot": "b.png", "--save": "b.json", "--vtk": "b.vtu"}
    wire = ["device", str(SAMPLES / "wire.toml")]
    assert main([*wire, *(word for k, v in wanted.items() for word in (k, str(tmp_path / v)))]) == 0
    assert "wire|oxide" in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {"f.png", "f.h5", "f.vtr", "s.svg", "b.png", "b.json", "b.vtu"}


def test_wire_gives_its_heat_through_its_boundary():
    pytest.importorskip("meshio")
    held = read_body(SAMPLES / "wire.toml")
    found = solve_body(held.body)
    power = 8e14 * np.pi * 0.2e-6**2
    jump = found.jumps["wire|oxide"]
    np.testing.assert_allclose(jump.flow, power, rtol=1e-3, atol=0)  # curved cells: nearly a circle
    np.testing.assert_allclose((jump.jump * jump.area).sum(), power / 3e7, rtol=1e-3, atol=0)
    np.testing.assert_allclose(found.flows["bottom"], power, rtol=1e-3, atol=0)
    down = found.cell_flux()[:, 1]
    low = found.body.mesh.points[found.body.mesh.cells[:, :3]].mean(axis=1)[:, 1] < -0.45e-6
    np.testing.assert_allclose(-down[low].mean(), power / 1e-6, rtol=0.05, atol=0)
    assert 300 < found.means["oxide"] < found.means["wire"] < found.peak


@pytest.mark.parametrize("name", ["wire.conductivity", "oxide.conductivity", "wire|oxide.conductance", "wire.heat"])
def test_sensitivities_of_a_body_by_differences(name):
    pytest.importorskip("meshio")
    found = solve_body(read_body(SAMPLES / "wire.toml").body)
    got = found.sensitivities([name])[name]
    peaks = [solve_body(scale_body(found.body, name, 1 + s)).temperature for s in (1e-3, -1e-3)]
    node = int(np.argmax(found.temperature))
    np.testing.assert_allclose(got, (peaks[0] - peaks[1])[node] / 2e-3, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('unit = "um"', 'unit = "W"', "is no length"),
        ('unit = "um"', "", "unit: is missing"),
        ('mesh = "wire.msh"', 'mesh = "none.msh"', "no such file"),
        ("[regions.oxide]\nconductivity = 1.4", "", "has a region 'oxide'"),
        ("[regions.oxide]", "[regions.glass]", "unknown key"),
        ("conductivity = 1.4", "conductivity = -1.4", "oxide"),
        ("conductivity = 1.4", 'conductivity = ["a", 1]', "regions.oxide.conductivity: conductivity = 'a'"),
        ("conductivity = 1.4", "conductivity = [[1, 0, 0], [0, 1]]", "equal rows of a tensor"),
        ("conductivity = 1.4", "conductivity = [[[1]]]", "equal rows of a tensor"),
        ("conductivity = 1.4", "conductivity = []", "oxide"),
        ('material = "Cu"', 'material = "Unobtainium"', "regions.wire.material: .*Unobtainium"),
        ('"wire|oxide" = "30 MW/m2K ± 30 %"', "", "has no conductance"),
        ('"wire|oxide" = "30', '"wire|lid" = "30', r"wire.lid: unknown key; did you mean 'wire.oxide'"),
        ("[faces.bottom]", "[faces.floor]", "unknown key"),
        ('temperature = "300 K"', 'flux = "1 MW/m2"', "heat needs somewhere to go"),
        ('temperature = "300 K"', 'temperature = "300 K"\nflux = "1 MW/m2"', "expected one of temperature"),
        ('"oxide.conductivity" = "5 %"', '"glass.conductivity" = "5 %"', "unknown key"),
    ],
)
def test_faults_of_bodies_are_told_in_one_line(tmp_path, capsys, old, new, message):
    pytest.importorskip("meshio")
    assert old in WIRE
    path = written(tmp_path, WIRE.replace(old, new, 1))
    with pytest.raises(DataError, match=message):
        read_body(path)
    refusal(["device", str(path)], capsys)


def test_section_of_tetrahedra_is_a_plane_of_the_whole():
    from kapitza.device.elements.body import Body, FixedTemperature
    from kapitza.device.elements.mesh_generators import ball_mesh

    mesh = ball_mesh(0.5, 1.0, 4, part="whole", order=1, names=("ball", "cube"))
    faces = {"x-": FixedTemperature(0.0), "x+": FixedTemperature(1.0)}
    found = solve_body(Body(mesh, {"ball": 2.0, "cube": 2.0}, {}, faces))
    section = found.section(0.3)
    corners = section.points[section.triangles]
    one, two = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = np.abs(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]) / 2
    np.testing.assert_allclose(area.sum(), 4.0, rtol=1e-9, atol=0)
    np.testing.assert_allclose(section.value, (section.points[:, 0] + 1) / 2, rtol=0, atol=1e-9)
    np.testing.assert_allclose(section.flux, np.tile([-1.0, 0.0], (len(section.flux), 1)), rtol=0, atol=1e-8)
    ball = area[section.region == mesh.names.index("ball")].sum()
    np.testing.assert_allclose(ball, np.pi * (0.25 - 0.09), rtol=0.15, atol=0)
    with pytest.raises(InputError, match="the body reaches"):
        found.section(3.0)


def test_figure_shows_all_boundaries(solved):
    pytest.importorskip("matplotlib")
    _layout, fields = solved
    jumps = fields.jumps
    figure = field_figure(fields.section(), jumps, "fin", new_figure())
    assert [label.get_text().replace(" | ", "|") for label in figure.axes[4].get_yticklabels()] == list(jumps)
