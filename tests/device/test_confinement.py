"""Conductivities of crystals between rough walls: published membranes, full bands, square wires, and device files."""

import numpy as np
import pytest

import kapitza
from kapitza.applications.film import confined_conductivity, film_cross_plane, rough_wall_shares
from kapitza.applications.free_paths import FreePaths
from kapitza.cli import main
from kapitza.errors import DataError, InputError
from kapitza.matter.library import solid
from kapitza.matter.phonons import phonons
from kapitza.simulate.boltzmann.boundaries import Wall
from kapitza.simulate.boltzmann.carriers import ScatteringRates
from kapitza.simulate.boltzmann.layered.transport import Film, transport
from kapitza.simulate.boltzmann.spectral_carriers import group_edges, spectral_carriers
from kapitza.theory.dmm import dmm
from kapitza.units import nm, um

FREE = np.inf


@pytest.mark.parametrize("size", [15, 1500])
def test_silicon_membranes_lie_within_the_interval(published, size):
    """Along suspended membranes, the mean of both laws is right to 1.5 standard uncertainties, from 15 nm to 1.5 µm."""
    known = published("films", f"silicon_membrane_{size}_nm")
    found = confined_conductivity("Si", (FREE, FREE, known["thickness"]))
    assert abs(found.share[0] - known["value"]) <= 1.5 * found.sigma[0] / found.bulk[0]
    assert found.sigma[0] <= 0.2 * found.value[0]


def test_mean_speeds_stand_for_all_modes_of_the_bands():
    """Both laws summed over the modes of a mesh, each with its own velocity: films and square wires of three sizes."""
    crystal, mesh = phonons("Si").crystal, (np.arange(8) + 0.5) / 8 - 0.5
    fraction = np.stack(np.meshgrid(mesh, mesh, mesh, indexing="ij"), axis=-1).reshape(-1, 3)
    levels = crystal.levels(fraction @ crystal.reciprocal)
    omega, velocity = levels.omega.ravel(), levels.velocity.reshape(-1, 3)
    x = 1.054571817e-34 * omega / (1.380649e-23 * 300.0)
    held = x**2 * np.exp(x) / np.expm1(x) ** 2  # to a factor
    behind, across = (one.ravel() for one in np.meshgrid(*[(np.arange(8) + 0.5) / 8] * 2))  # to the walls of a wire
    speed = np.maximum(np.abs(velocity), 1e-3)
    for d in (20 * nm, 100 * nm, 400 * nm):
        found = confined_conductivity("Si", (FREE, FREE, d))
        carried = held * np.square(velocity).sum(axis=1) / 3
        shares, wires = [], []
        for turn in (np.inf, 0.25 * omega.max()):
            lifetime = 1 / (omega**2 * (1 + (omega / turn) ** 2))
            volume = crystal.volume * fraction.shape[0] / 1.380649e-23
            lifetime *= 148.0 * volume / (carried * lifetime).sum()
            path = np.abs(velocity[:, 2]) * lifetime
            kept = 1 - path / d * -np.expm1(-d / np.maximum(path, 1e-12))
            shares.append((held * velocity[:, 0] ** 2 * lifetime * kept).sum() / (carried * lifetime).sum())
            flights = np.minimum(d * behind[:, None] / speed[:, 1], d * across[:, None] / speed[:, 2]) / lifetime
            kept = -np.expm1(-flights).mean(axis=0)
            wires.append((held * velocity[:, 0] ** 2 * lifetime * kept).sum() / (carried * lifetime).sum())
        assert abs(found.share[0] / np.mean(shares) - 1) <= 0.12
        assert abs(confined_conductivity("Si", (FREE, d, d)).share[0] / np.mean(wires) - 1) <= 0.12


def test_walls_of_a_square_wire_add_as_resistances():
    """Beside the exact integral over a square wire with rough faces, for one free path."""
    random = np.random.default_rng(1)
    place, cosine, angle = (
        random.uniform(size=(2, 400_000)),
        random.uniform(-1, 1, 400_000),
        random.uniform(0, 2 * np.pi, 400_000),
    )
    sine = np.sqrt(1 - cosine**2)
    along = np.stack([sine * np.cos(angle), sine * np.sin(angle)])
    reach = np.min(np.where(along > 0, place, 1 - place) / np.abs(along), axis=0)  # back to the wall it left
    for ratio, tolerance in ((10.0, 0.01), (1.0, 0.06), (0.1, 0.25)):
        exact = np.mean(3 * cosine**2 * -np.expm1(-reach * ratio))
        film = rough_wall_shares(np.array([ratio]))[0]
        assert abs(1 / (2 / film - 1) / exact - 1) <= tolerance


def test_walls_take_nothing_across_themselves_and_less_where_they_lie_farther_apart():
    """Limits: the bulk without walls; every thinner film keeps less; a wire less than a film; nothing of metals."""
    assert (np.abs(confined_conductivity("Si", (FREE, FREE, FREE)).value / 148 - 1) <= 1e-12).all()
    shares = [confined_conductivity("Si", (FREE, FREE, d)).share for d in (1 * nm, 100 * nm, 10 * um, 0.05)]
    assert (np.diff([one[0] for one in shares]) > 0).all()
    assert shares[-1][0] >= 0.995
    assert all(one[2] == 1 for one in shares)
    wire = confined_conductivity("Si", (FREE, 100 * nm, 100 * nm)).share
    assert wire[0] < wire[1] == wire[2] == shares[1][0]
    for name in ("Cu", "SiO2", "water"):
        assert confined_conductivity(name, (FREE, FREE, 100 * nm)) is None
    assert confined_conductivity("Si", (FREE, FREE, 100 * nm), 10.0) is None
    graphite = confined_conductivity("graphite", (FREE, FREE, 100 * nm))
    assert 0 < graphite.sigma[0] < graphite.value[0] < graphite.bulk[0]
    with pytest.raises(InputError, match="three numbers above 0"):
        confined_conductivity("Si", (FREE, FREE, 0.0))


def test_across_a_film_the_boundaries_hold_what_the_walls_take():
    """The Boltzmann equation of germanium, a silicon film, germanium: with the resistances that both boundaries have
    between thick layers, the conductivity of the bulk is right to 15 %, and that of a film would count the drop twice.
    """
    left, right = solid("Ge"), solid("Si")
    edges = group_edges(left, right, bins=24)
    rates = ScatteringRates(umklapp=1e-19, boundary=1e-3)
    sides, layer = (
        spectral_carriers(one, rates, edges=edges, conductivity=k) for one, k in ((left, 60.0), (right, 148.0))
    )
    walls = {"left": Wall(300.5), "right": Wall(299.5)}
    there, back, thick = dmm(left, right), dmm(right, left), 2 * um

    def resistance(films, boundaries):
        found = transport(films, boundaries, **walls)
        return found.difference / found.flux, found

    one = resistance([Film(thick, sides), Film(thick, layer, name="layer")], [there])[1]
    boundary = one.drop(0, "extrapolated") / one.flux
    ends = resistance([Film(thick, sides)], [])[0] - thick / 60.0
    used = layer.contribution > 0
    paths = FreePaths(layer.path[used], layer.contribution[used])
    for d in (30 * nm, 300 * nm):
        stack = [Film(thick, sides), Film(d, layer, name="layer"), Film(thick, sides, name="right")]
        added = resistance(stack, [there, back])[0] - 2 * thick / 60.0 - ends
        bulk, film = (d / k + 2 * boundary for k in (148.0, film_cross_plane(paths, d)[0]))
        assert abs(bulk / added - 1) <= 0.15
        assert film - added > 1.5 * abs(bulk - added)


SOI = """
[[layers]]
material = "Si"
thickness = "100 nm"
[[layers]]
name = "oxide"
conductivity = 1.4
thickness = "1 um"
[[layers]]
name = "wafer"
material = "Si"
thickness = "infinite"
[boundaries]
"Si|oxide" = "200 MW/m2K"
"oxide|wafer" = "200 MW/m2K"
[[sources]]
name = "heater"
power = "1 mW"
x = ["0 um", "1 um"]
y = ["0 um", "1 um"]
"""


@pytest.fixture
def read(tmp_path):
    """Read the device above with one text put in the place of another."""

    def change(*changes, reader=kapitza.io.read_device, text=SOI):
        path = tmp_path / "soi.toml"
        for old, new in changes:
            assert text.count(old) == 1
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
        return reader(path)

    return change


def test_a_layer_of_the_library_conducts_as_a_film_along_it(read):
    """Its hot spot is that of the same layer with the conductivity stated; through it it keeps that of the bulk."""
    device, known = read(), confined_conductivity("Si", (FREE, FREE, 100 * nm))
    layer = device.stack.layers[0]
    assert abs(layer.conductivity / 148 - 1) <= 1e-12
    assert (layer.in_plane, layer.in_plane_y) == (known.value[0], None)
    assert list(device.uncertain) == ["Si.in_plane"]
    assert abs(device.uncertain["Si.in_plane"] / known.sigma[0] - 1) <= 1e-12
    (remark,) = device.remarks
    assert "Si conducts 59 ± 10 W/mK along the layer" in remark
    stated = read(('100 nm"', f'100 nm"\nconductivity = 148\nin_plane = {float(known.value[0])!r}'))
    assert not stated.remarks
    assert abs(kapitza.solve(device).peak / kapitza.solve(stated).peak - 1) <= 1e-12
    assert kapitza.solve(device).sigma > 0.05 * kapitza.solve(device).peak


def test_a_stated_conductivity_is_taken_as_it_is(read):
    """Numbers of the user, and size = "bulk", leave nothing to correct; what contradicts them is refused in words."""
    for line in ("conductivity = 50", "in_plane = 50", 'size = "bulk"', "conductivities = [[200, 60], [400, 40]]"):
        device = read(('"100 nm"', f'"100 nm"\n{line}'))
        assert not device.remarks
        assert not device.uncertain
    assert read(('"100 nm"', '"100 nm"\nsize = "film"')).remarks
    for change, message in (
        ('"100 nm"\nsize = "film"\nconductivity = 50', "a stated conductivity is taken as it is"),
        ('"100 nm"\nsize = 3', "expected 'film' or 'bulk', got 3"),
        ('"100 nm"\nsize = ""', "expected 'film' or 'bulk', got ''"),
    ):
        with pytest.raises(DataError, match=message):
            read(('"100 nm"', change))
    with pytest.raises(DataError, match="nothing is known of the free paths in SiO2"):
        read(('conductivity = 1.4\nthickness = "1 um"', 'material = "SiO2"\nsize = "film"\nthickness = "1 um"'))


def test_layers_of_one_body_have_its_walls(read):
    """A film in two layers with a perfect boundary is one film; a metal is said to be bulk; shares add to the error."""
    two = read(
        ('"100 nm"', '"40 nm"\n[[layers]]\nname = "lower"\nmaterial = "Si"\nthickness = "60 nm"'),
        ('"Si|oxide"', '"Si|lower" = "perfect"\n"lower|oxide"'),
    )
    whole = read()
    assert [one.in_plane for one in two.stack.layers[:2]] == [whole.stack.layers[0].in_plane] * 2
    more = read(("[boundaries]", '[uncertain]\n"Si.conductivity" = "10 %"\n[boundaries]'))
    layer, own = more.stack.layers[0], whole.uncertain["Si.in_plane"]
    assert abs(more.uncertain["Si.in_plane"] / np.hypot(own, 0.1 * layer.in_plane) - 1) <= 1e-12
    metal = read(('material = "Si"\nthickness = "100 nm"', 'name = "Si"\nmaterial = "Cu"\nthickness = "40 nm"'))
    assert metal.stack.layers[0].in_plane is None
    assert "has the conductivity of bulk Cu" in metal.remarks[0]


LAYOUT = """
[box]
width = "1 um"
depth = "400 nm"
[[layers]]
name = "oxide"
conductivity = 1.4
thickness = "300 nm"
[[layers]]
name = "wafer"
material = "Si"
thickness = "2 um"
[[blocks]]
name = "fin"
material = "Si"
x = ["0 nm", "200 nm"]
y = ["0 nm", "20 nm"]
z = ["100 nm", "300 nm"]
power = "1 uW"
[boundaries]
"oxide|wafer" = "200 MW/m2K"
"fin|*" = "200 MW/m2K"
"fin|wafer" = "perfect"
"""


def test_blocks_have_walls_where_nothing_of_their_material_goes_on(read):
    """Half of a fin, cut by two planes of symmetry, on a wafer of its own material: 40 nm wide, open below."""
    layout = read(reader=kapitza.io.read_layout, text=LAYOUT)
    known = confined_conductivity("Si", (400 * nm, 40 * nm, 400 * nm))
    fin = layout.blocks[0].layer
    assert np.abs(np.array([fin.in_plane, fin.in_plane_y, fin.conductivity]) / known.value - 1).max() <= 1e-9
    assert set(layout.uncertain) == {"fin.in_plane", "fin.in_plane_y", "fin.conductivity"}
    assert set(layout.device.uncertain) == {"wafer.in_plane"}
    assert [one.split(" conducts")[0] for one in layout.device.remarks] == ["wafer", "fin"]
    resisting = read(('"fin|wafer" = "perfect"', ""), reader=kapitza.io.read_layout, text=LAYOUT)
    closed = confined_conductivity("Si", (400 * nm, 40 * nm, 200 * nm))  # a boundary that resists is a wall
    assert abs(resisting.blocks[0].layer.in_plane / closed.value[0] - 1) <= 1e-9
    wafer = confined_conductivity("Si", (FREE, FREE, 4 * um))  # cut where the temperature is held
    assert abs(layout.device.stack.layers[1].in_plane / wafer.value[0] - 1) <= 1e-12
    bulk = read(
        ('"100 nm", "300 nm"]', '"100 nm", "300 nm"]\nsize = "bulk"'), reader=kapitza.io.read_layout, text=LAYOUT
    )
    assert abs(bulk.blocks[0].layer.conductivity / 148 - 1) <= 1e-12
    assert bulk.blocks[0].layer.in_plane is None


HOT_PLACE = """
[box]
width = "4 um"
depth = "4 um"
[[layers]]
name = "wafer"
material = "Si"
thickness = "2 um"
[[blocks]]
name = "hot"
material = "Si"
x = ["1.9 um", "2.1 um"]
y = ["0 um", "0.2 um"]
z = ["0 nm", "100 nm"]
power = "1 mW"
[boundaries]
"wafer|hot" = "perfect"
"""


def test_a_hot_place_in_a_layer_has_the_walls_of_the_layer(read):
    """A block that only heats a part of a layer conducts as that layer; in a trench it has walls of its own."""
    layout = read(reader=kapitza.io.read_layout, text=HOT_PLACE)
    hot, wafer = layout.blocks[0].layer, layout.device.stack.layers[0]
    assert (hot.in_plane, hot.in_plane_y, hot.conductivity) == (wafer.in_plane, None, wafer.conductivity)
    trench = (
        'name = "trench"\nconductivity = 1.4\nx = ["1.5 um", "2.5 um"]\ny = ["0 um", "1 um"]\nz = ["0 nm", "100 nm"]'
    )
    apart = read(
        ("[[blocks]]", f"[[blocks]]\n{trench}\n[[blocks]]"),
        ('power = "1 mW"', 'over = ["trench"]\npower = "1 mW"'),
        ("[boundaries]", '[boundaries]\n"trench|*" = "perfect"'),
        reader=kapitza.io.read_layout,
        text=HOT_PLACE,
    )
    bar = confined_conductivity("Si", (200 * nm, 400 * nm, 200 * nm))  # open below
    assert abs(apart.blocks[1].layer.in_plane / bar.value[0] - 1) <= 1e-9


def test_regions_of_a_mesh_have_walls_as_far_apart_as_they_reach(tmp_path):
    """A layer of silicon on top of a mesh, from side to side: a film, in the solution and in its uncertainty."""
    pytest.importorskip("meshio")
    points = "0 0 0", "1 0 0", "1 0.9 0", "0 0.9 0", "1 1 0", "0 1 0"
    cells = "1 2 2 1 1 1 2 3", "2 2 2 1 1 1 3 4", "3 2 2 2 2 4 3 5", "4 2 2 2 2 4 5 6", "5 1 2 3 3 1 2"
    (tmp_path / "soi.msh").write_text(
        "$MeshFormat\n2.2 0 8\n$EndMeshFormat\n"
        '$PhysicalNames\n3\n1 3 "bottom"\n2 1 "oxide"\n2 2 "Si"\n$EndPhysicalNames\n$Nodes\n6\n'
        + "".join(f"{i + 1} {point}\n" for i, point in enumerate(points))
        + "$EndNodes\n$Elements\n5\n"
        + "".join(f"{cell}\n" for cell in cells)
        + "$EndElements\n",
        encoding="utf-8",
    )
    path = tmp_path / "soi.toml"
    text = """
mesh = "soi.msh"
unit = "um"
[regions.oxide]
conductivity = 1.4
[regions.Si]
material = "Si"
heat = "1 W/um3"
[boundaries]
"Si|oxide" = "200 MW/m2K"
[faces.bottom]
temperature = "300 K"
"""
    path.write_text(text, encoding="utf-8")
    held, known = kapitza.io.read_body(path), confined_conductivity("Si", (FREE, FREE, 100 * nm))
    along, through = held.body.conductivity["Si"]
    assert abs(along / known.value[0] - 1) <= 1e-9
    assert abs(through / 148 - 1) <= 1e-12
    assert abs(held.uncertain["Si.conductivity"] / (known.sigma[0] / known.value[0]) - 1) <= 1e-9
    assert "Si conducts" in held.remarks[0]
    path.write_text(text.replace('"Si"\nheat', '"Si"\nsize = "bulk"\nheat'), encoding="utf-8")
    assert not kapitza.io.read_body(path).remarks


def test_a_sweep_says_that_a_film_keeps_its_conductivity(tmp_path, capsys):
    """The thickness of a film that varies does not change its conductivity, which the output says."""
    path = tmp_path / "soi.toml"
    path.write_text(SOI, encoding="utf-8")
    assert main(["device", str(path), "--sweep", "Si.thickness=80:120:20nm"]) == 0
    said = capsys.readouterr().err
    assert "Si conducts 59 ± 10 W/mK along the layer" in said
    assert "Si keeps the conductivity along it that belongs to its thickness in the file" in said
