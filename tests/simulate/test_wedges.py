"""Inclined sides in Monte Carlo: exact areas, view factors, turned slabs, equilibrium, reciprocity, files."""

import csv
from functools import cache

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from kapitza.errors import DataError, InputError
from kapitza.io.transport.domains import read_domain
from kapitza.simulate.boltzmann.boundaries import InterfaceScattering, Wall
from kapitza.simulate.boltzmann.carriers import band_carriers, gray_carriers
from kapitza.simulate.boltzmann.domain import Cuboid, Domain, HotSpot, Prism
from kapitza.simulate.boltzmann.layered.transport import Film, transport
from kapitza.simulate.boltzmann.monte_carlo.fourier import fourier_temperature
from kapitza.simulate.boltzmann.monte_carlo.simulation import (
    MonteCarloSettings,
    average_batches,
    detector_temperature,
    monte_carlo,
    prepare_domain,
    run_batches,
)
from kapitza.simulate.boltzmann.monte_carlo.tables import tabulate_emission
from kapitza.simulate.boltzmann.triangulation import divide_domain

pytest.importorskip("numba", reason="needs numba")

NM = 1e-9
MIRROR = Wall(None, 1.0)
SPEED = 5000.0


@cache
def gray(path=1e-8, name="gray"):
    return gray_carriers(name, heat_capacity=4e6, velocity=1000.0, mean_free_path=path)


@cache
def bands(name, flow, path):
    """Bands with E = C v/4 in MW m⁻² K⁻¹ and mean free paths in nm."""
    flow = 1e6 * np.asarray(flow, dtype=float)
    return band_carriers(name, 4 * flow / SPEED, np.full(flow.size, SPEED), 1e-9 * np.asarray(path, dtype=float))


def turned(low, high, angle):
    """Corners of a rectangle, turned about the origin."""
    corners = np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]])
    c, s = np.cos(angle), np.sin(angle)
    return corners @ np.array([[c, s], [-s, c]])


def channel(films, angle, width=1e-8, height=None, ends=(300.5, 299.5)):
    """Films side by side between two reservoirs and two mirrors, turned."""
    stops, wall = np.cumsum([0, *(one.thickness for one in films)]), 2 * NM
    shapes = [
        Prism(turned((a, 0), (b, width), angle), film.carriers, film.name, height)
        for a, b, film in zip(stops, stops[1:], films, strict=False)
    ]
    end = stops[-1]
    around = [
        ((-wall, 0), (0, width), Wall(ends[0]), "hot"),
        ((end, 0), (end + wall, width), Wall(ends[1]), "cold"),
        ((-wall, -wall), (end + wall, 0), MIRROR, "below"),
        ((-wall, width), (end + wall, width + wall), MIRROR, "above"),
    ]
    return [*shapes, *(Prism(turned(low, high, angle), wall, name, height) for low, high, wall, name in around)]


def test_a_polygon_with_straight_sides_is_blocks():
    """Digit by digit: an angle of two blocks, and the same as one polygon, either way round."""
    walls = {"-x": Wall(300.5), "+y": Wall(299.5)}
    blocks = [Cuboid([0, 0], [1e-8, 3e-8], gray()), Cuboid([1e-8, 0], [2e-8, 1e-8], gray())]
    corners = np.array([[0, 0], [2, 0], [2, 1], [1, 1], [1, 3], [0, 3]]) * 1e-8
    want = monte_carlo(Domain(blocks, walls=walls), spacing=5 * NM, settings=MonteCarloSettings(2_000, seed=3))
    for one in (corners, corners[::-1]):
        got = monte_carlo(
            Domain([Prism(one, gray())], walls=walls), spacing=5 * NM, settings=MonteCarloSettings(2_000, seed=3)
        )
        np.testing.assert_array_equal(got.temperature, want.temperature)
        np.testing.assert_array_equal(got.power, want.power)


@settings(max_examples=15, deadline=None)
@given(angle=st.floats(0.05, 1.5), size=st.floats(3, 30), heights=st.booleans())
def test_cells_fill_exactly_what_the_polygon_does(angle, size, heights):
    """Areas of regions and of the boundary between them, for any position of the lines of the grid."""
    inner = turned((-size * NM, -7 * NM), (size * NM, 7 * NM), angle)
    height, tall = ([2e-9, 5e-9], 3e-9) if heights else (None, 1.0)
    low, high = ([-4e-8] * 2, [4e-8] * 2) if not heights else ([-4e-8, -4e-8, 0.0], [4e-8, 4e-8, 5e-9])
    boxes = [Cuboid(low, high, gray()), Prism(inner, gray(2e-8, "b"), height=height)]
    cells = divide_domain(Domain(boxes, {"gray|b": InterfaceScattering(coefficient=0.5)}), 6.3 * NM)
    area = 4 * size * 7 * NM**2
    np.testing.assert_allclose(cells.volume[cells.region == 1].sum(), area * tall, rtol=1e-8, atol=0)
    np.testing.assert_allclose(cells.volume.sum(), np.prod(np.subtract(high, low)), rtol=1e-8, atol=0)
    assert cells.volume.min() > 0
    between = cells.surface == cells.surfaces.index("gray|b")
    sides = 4 * (size + 7) * NM * tall + (area if heights else 0.0)
    inside = between & (cells.region == 1)[:, None]
    np.testing.assert_allclose(cells.area[inside].sum(), sides, rtol=1e-8, atol=0)
    pairs = np.argwhere(cells.neighbour >= 0)
    back = cells.neighbour[cells.neighbour[tuple(pairs.T)]]
    assert (back == pairs[:, :1]).any(axis=1).all()


def test_view_factors_of_a_triangle():
    """Without scattering, by crossed strings: from side 1 to side 2, (a₁ + a₂ - a₃)/2a₁."""
    corners = np.array([[0, 0], [7, 1], [3, 6]]) * 1e-7
    side = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    middle = corners.mean(axis=0)
    walls = []
    for k in range(3):
        a, b = corners[k], corners[(k + 1) % 3]
        out = (a + b) / 2 - middle
        walls.append(Prism([a, a + 0.1 * out, b + 0.1 * out, b], Wall(301.0 if k == 0 else 300.0), f"w{k}"))
    got = monte_carlo(
        Domain([Prism(corners, gray(1.0)), *walls]), spacing=1e-7, settings=MonteCarloSettings(100_000, seed=2)
    )
    sent = 1e9 * side[0]
    for name, factor in (
        ("w1", (side[0] + side[1] - side[2]) / 2 / side[0]),
        ("w2", (side[0] + side[2] - side[1]) / 2 / side[0]),
    ):
        power, sigma = got.net_power(name)
        assert abs(power / sent - factor) < 2.5 * sigma / sent
        np.testing.assert_allclose(power / sent, factor, rtol=0.01, atol=0)


def test_an_inclined_mirror():
    """A square folded along its diagonal: one leg sees the other, and the opposite side in the mirror."""
    corners = np.array([[0, 0], [1, 0], [0, 1]]) * 1e-6
    shapes = [Cuboid([0, 0], [1e-6, 1e-6], MIRROR, "mirror"), Prism(corners, gray(1.0))]
    walls = {"-x": Wall(301.0), "-y": Wall(300.0)}
    got = monte_carlo(Domain(shapes, walls=walls), spacing=3e-7, settings=MonteCarloSettings(100_000, seed=1))
    power, sigma = got.net_power("-y")
    assert abs(power / 1e3 - np.sqrt(2) / 2) < 2.5 * sigma / 1e3
    np.testing.assert_allclose(power / 1e3, np.sqrt(2) / 2, rtol=0.01, atol=0)
    assert got.net_power("mirror") == (0.0, 0.0)


def test_a_turned_slab_conducts_as_an_upright_one(data):
    """The exact flux, at 45 degrees and at an odd angle, in two and in three dimensions."""
    with data("device/gray_slab_exact.csv").open(newline="", encoding="utf-8") as file:
        exact = {float(row["L_over_mfp"]): float(row["Q = q/(C v dT/4)"]) for row in csv.DictReader(file)}
    for angle, height, thickness in ((np.pi / 4, None, 1.0), (0.3, None, 5.0), (np.pi / 4, [0.0, 4e-9], 1.0)):
        walls = {} if height is None else {"-z": MIRROR, "+z": MIRROR}
        shapes = channel([Film(thickness * 1e-8, gray(), name="gray")], angle, height=height)
        got = monte_carlo(Domain(shapes, walls=walls), spacing=4 * NM, settings=MonteCarloSettings(120_000, seed=6))
        area = 1e-8 * (1.0 if height is None else height[1])
        power, sigma = got.net_power("cold")
        assert abs(power / area / 1e9 - exact[thickness]) < 2.5 * sigma / area / 1e9
        np.testing.assert_allclose(power / area / 1e9, exact[thickness], rtol=0.01, atol=0)
        np.testing.assert_allclose(got.net_power("hot")[0], -power, rtol=1e-9, atol=0)


@pytest.mark.parametrize("specular", [pytest.param(0.0, marks=pytest.mark.slow), 0.7])
def test_an_inclined_boundary_between_two_materials(specular):
    """Flux, its spectrum and temperatures of blocks inside, as the deterministic solver has them."""
    one = bands("a", (300, 200), (20, 300))
    other = bands("b", (300, 200), (50, 30)) if specular else bands("b", (150, 250), (10, 100))
    crossing = InterfaceScattering(coefficient=0.6 if specular else [0.3, 0.5], specular=specular)
    films = [Film(4e-8, one, name="a"), Film(6e-8, other, name="b")]
    want = transport(films, [crossing])
    domain = Domain(channel(films, 0.6, width=2e-8), {"a|b": crossing})
    got = monte_carlo(domain, spacing=1e-8, settings=MonteCarloSettings(150_000, seed=4))
    power, sigma = got.net_power("a|b")
    assert abs(power / 2e-8 - want.flux) < 2.5 * sigma / 2e-8
    np.testing.assert_allclose(power / 2e-8, want.flux, rtol=0.01, atol=0)
    at = int(np.argmin(np.abs(want.position - 4e-8)))
    s = got.surface("a|b")
    z = (got.spectrum[s] / 2e-8 - want.spectral_flux[at]) / (got.spectrum_sigma[s] / 2e-8)
    assert np.abs(z).max() < 3


def cavity(specular):
    """A rough hexagon of two materials with an inclined boundary, a pore and a hot wall, in a colder block."""
    around = np.array([[np.cos(a), np.sin(a)] for a in np.arange(6) * np.pi / 3 + 0.2]) * 5e-8
    flows = ((300, 200), (20, 300)), ((300, 200), (50, 30)) if specular else ((150, 250), (10, 100))
    one, other = (bands(name, *held) for name, held in zip("ab", flows, strict=True))
    shapes = [
        Cuboid([-7e-8] * 2, [7e-8] * 2, Wall(300.0, 0.3), "black"),
        Prism(around, one),
        Prism(around[:4], other),
        Prism(turned((1e-8, 1e-8), (2e-8, 2.2e-8), 0.9), Wall(None, 0.4), "pore"),
    ]
    return Domain(shapes, {"a|b": InterfaceScattering(coefficient=0.5 if specular else [0.3, 0.5], specular=specular)})


@pytest.mark.parametrize("specular", [0.0, 0.6])
def test_equilibrium(specular):
    """Walls one kelvin warmer than what particles are counted from: every cell is, and no heat flows anywhere."""
    made = prepare_domain(cavity(specular), 1.5e-8)
    emission = tabulate_emission(made.domain, made.grid, made.bands, made.specular, made.reference - 1)
    settings = MonteCarloSettings(80_000, seed=5, batches=80)
    parts, _ = run_batches(made, emission, np.full(made.grid.region.size, -1), 0, settings)
    driven = np.abs(emission.power).sum()
    solid = made.grid.region >= 0
    capacity = made.bands.capacity.sum(axis=1)[np.maximum(made.grid.region, 0)] * made.grid.volume
    heat, spread = (one * driven for one in average_batches(parts, "heat"))
    large = solid & (made.grid.volume > 1e-17)
    z = (heat - capacity)[large] / spread[large]
    assert 0.85 < np.sqrt(np.mean(z**2)) < 1.15
    assert 0.92 < np.mean(np.abs(z) < 2) < 0.98
    whole = np.array([part["heat"][solid].sum() for part in parts]) * driven / capacity[solid].sum()
    assert abs(whole.mean() - 1) < 2.5 * whole.std(ddof=1) / np.sqrt(whole.size)
    np.testing.assert_allclose(whole.mean(), 1.0, rtol=0.01, atol=0)
    crossed, error = average_batches(parts, "power")
    s = made.grid.surfaces.index("a|b")
    assert (np.abs(crossed[s]) < 3 * error[s]).all()
    flow, error = average_batches(parts, "flow")
    z = flow[large] / error[large]
    assert 0.85 < np.sqrt(np.mean(z**2)) < 1.15


def heated():
    """A hot spot beside an inclined sink, periodic along x, in two materials."""
    top, bottom = bands("a", (300, 200), (20, 300)), bands("b", (150, 250), (10, 100))
    shapes = [
        Cuboid([0, 0], [1e-7, 5e-8], bottom),
        Prism([[0, 3e-8], [1e-7, 2e-8], [1e-7, 8e-8], [0, 8e-8]], top),
        Prism([[6e-8, 0], [1e-7, 0], [8e-8, 1.5e-8]], Wall(None, 0.5), "tooth"),
    ]
    walls = {"-x": "periodic", "+x": "periodic", "-y": Wall(300.0), "+y": MIRROR}
    return Domain(
        shapes, {"a|b": InterfaceScattering(coefficient=[0.3, 0.5])}, walls, [HotSpot([2e-8, 7e-8], [4e-8, 8e-8], 4.0)]
    )


def test_forward_and_backward_agree_beside_inclined_sides():
    """Heat is conserved, also across a periodic wall that a boundary meets; reciprocity holds."""
    low, high = [2e-8, 7e-8], [4e-8, 8e-8]
    got = monte_carlo(heated(), spacing=1e-8, settings=MonteCarloSettings(60_000, seed=1), probes={"spot": (low, high)})
    np.testing.assert_allclose(got.net_power("-y"), [4.0, 0.0], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(got.net_power("a|b"), [4.0, 0.0], rtol=1e-9, atol=1e-9)
    back = detector_temperature(heated(), low, high, settings=MonteCarloSettings(60_000, seed=2))
    inside = np.s_[2:4, got.edges[1].size - 2]
    sigma = np.hypot(back.sigma, got.temperature_sigma[inside].max())
    assert abs(back.temperature - got.temperature[inside].mean()) < 2.5 * sigma
    np.testing.assert_allclose(back.temperature - 300, got.temperature[inside].mean() - 300, rtol=0.03, atol=0)
    assert np.isfinite(got.modes).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Prism([[0, 0], [1, 0]], gray()), "three or more"),
        (lambda: Prism([[0, 0], [1e-8, 1e-8], [1e-8, 0], [0, 1e-8]], gray()), "sides cross"),
        (lambda: Prism([[0, 0], [1e-8, 1e-8], [2e-8, 2e-8]], gray()), "no area"),
        (lambda: Prism([[0, 0], [1e-8, 0], [0, 1e-8]], gray(), height=[1e-9]), "1 heights"),
        (lambda: Prism([[0, 0], [1e-8, 0], [0, 1e-8]], gray(), height=[2e-9, 1e-9]), "expected an extent"),
        (lambda: Prism([[0, 0], [1e-8, 0], [0, 1e-8]], "Si"), "Carriers or a Wall"),
        (lambda: fourier_temperature(heated(), 1e-8), "inclined sides"),
        (
            lambda: monte_carlo(evolve(heated(), walls={"-y": Wall(300.0)}, boundaries={}), spacing=1e-8),
            "has no transmission",
        ),
        (lambda: divide_domain(heated(), 3e-11), "larger spacing"),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


FILE = """
spacing = "5 nm"
[[materials]]
name = "a"
heat_capacity = "1.6 MJ/m3K"
velocity = "6 km/s"
mean_free_path = "40 nm"
[[boxes]]
material = "a"
corners = [["0 nm", "0 nm"], ["20 nm", "0 nm"], ["0 nm", "20 nm"]]
[[boxes]]
wall = { temperature = 299 }
name = "sink"
corners = [["20 nm", "0 nm"], ["20 nm", "20 nm"], ["0 nm", "20 nm"]]
[walls]
"-x" = { temperature = 301 }
"""


def test_a_file(tmp_path):
    path = tmp_path / "d.toml"
    path.write_text(FILE, encoding="utf-8")
    held = read_domain(path)
    got = monte_carlo(held.domain, spacing=held.spacing, settings=MonteCarloSettings(400))
    assert got.net_power("sink")[0] > 0
    tall = FILE.replace('"5 nm"', '["5 nm", "5 nm", "9 nm"]').replace("corners", 'height = ["0 nm", "8 nm"]\ncorners')
    path.write_text(tall, encoding="utf-8")
    held = read_domain(path)
    assert held.domain.dimension == 3
    np.testing.assert_allclose(held.domain.boxes[0].high, [2e-8, 2e-8, 8e-9], rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FILE.replace('[["0 nm", "0 nm"], ', "["), "three or more"),
        (FILE.replace('["20 nm", "0 nm"], ["0 nm"', '["20 nm"], ["0 nm"', 1), "two lengths"),
        (FILE.replace('"20 nm", "0 nm"', '"20 K", "0 nm"', 1), "unit of temperature"),
        (FILE.replace("corners =", "corners = 3 #", 1), "list of corners"),
        (FILE.replace("corners =", 'low = ["0 nm", "0 nm"]\ncorners =', 1), "unknown key"),
        (FILE.replace("corners =", 'height = ["0 nm", "8 nm"]\ncorners =', 1), "dimensions in one domain"),
    ],
)
def test_what_files_may_not_say(tmp_path, text, message):
    path = tmp_path / "d.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_domain(path)
