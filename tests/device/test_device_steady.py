"""Steady temperatures of devices against closed forms, double series, Hankel integrals and differences."""

import csv

import devices
import numpy as np
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import j1

from kapitza.core.conductance import Conductance
from kapitza.core.stack import Layer, Stack
from kapitza.device.description import Box, ConductivityLaw, Device, HeatSource
from kapitza.device.layered.linear import linear_device, with_constant_properties
from kapitza.device.layered.spreading import LateralPoints, lateral_spread
from kapitza.device.layered.temperatures import (
    device_parameters,
    plane_map,
    sample_peaks,
    scale_device,
    section_map,
    solve_layered,
)
from kapitza.device.setup import Plane
from kapitza.device.shapes import Disc, GaussianSpot, HeatMap, Rectangle
from kapitza.errors import ConvergenceError, InputError
from kapitza.units import nm, um

FINGER, half_space, transistor = devices.FINGER, devices.half_space, devices.transistor

CORNER = LateralPoints(np.zeros(1), np.zeros(1))


def steady_values(path):
    with path.open() as file:
        return {row["quantity"]: float(row["value_K"]) for row in csv.DictReader(file)}


def test_transistor_of_the_reference(data):
    want = steady_values(data("device/gan_stack_steady.csv"))
    got = solve_layered(transistor())
    assert abs(got.peak - want["peak_rise_at_symmetry_corner"]) < 1e-4
    assert abs(got.average["finger"] - want["patch_average_rise"]) < 1e-5
    assert abs(got.drop["GaN|SiC"] - want["jump_across_interface_1_at_corner"]) < 2e-6
    np.testing.assert_allclose(got.place, 0, atol=1e-12)


def test_transistor_without_boundaries():
    """30.897 K where nothing but the layers resists; 33.120 K with 3.1 m²K/GW at the first boundary."""
    bare = transistor(np.inf).replace({"SiC|AuSn.conductance": np.inf, "AuSn|Cu.conductance": np.inf})
    assert abs(solve_layered(bare, sensitivity=False).peak - 30.897) < 2e-3
    better = transistor(1 / 3.1e-9)
    assert abs(solve_layered(better, sensitivity=False).peak - 33.120) < 2e-3


conductivities = st.floats(0.5, 2000)


@given(conductivities, conductivities, st.floats(1e6, 1e9), st.floats(10 * nm, 100 * um), st.floats(1e4, 1e7))
def test_even_heat_meets_resistances_in_series(upper, lower, conductance, thickness, coefficient):
    stack = Stack([Layer("a", thickness, upper), Layer("b", 10 * um, lower, in_plane=3 * lower)], [conductance])
    device = Device(stack, [HeatSource("all", 2.0)], Box(3 * um, 5 * um), coefficient=coefficient)
    got = solve_layered(device)
    area = 15 * um**2
    want = 2.0 * (thickness / upper + 1 / conductance + 10 * um / lower + 1 / coefficient) / area
    np.testing.assert_allclose(got.peak, want, rtol=1e-10, atol=0)
    np.testing.assert_allclose(got.drop["a|b"], 2.0 / conductance / area, rtol=1e-9, atol=0)
    np.testing.assert_allclose(sum(got.drop.values()), want, rtol=1e-10, atol=0)
    np.testing.assert_allclose(got.average["all"], want, rtol=1e-10, atol=0)


@given(st.floats(0.05, 0.9), st.floats(0.05, 0.9), st.floats(1e3, 1e6))
def test_all_heat_leaves(x, y, coefficient):
    """What the bottom face gives off, h times its mean rise, is the power."""
    source = HeatSource("patch", 1.7, Rectangle((0.02 * um, x * um), (0.03 * um, y * um)))
    stack = Stack([Layer("a", 80 * nm, 20.0), Layer("b", 2 * um, 150.0)], [5e7])
    device = Device(stack, [source], Box(1 * um, 1 * um), coefficient=coefficient)
    ready = linear_device(with_constant_properties(device, {}))
    bottom = ready.rise(Rectangle((0, 1 * um), (0, 1 * um)), len(ready.column.pieces))
    np.testing.assert_allclose(coefficient * bottom * 1e-12, 1.7, rtol=1e-10, atol=0)


def test_disc_on_a_half_space():
    """q a/k in the middle, 8/3π of it on average."""
    got = solve_layered(half_space(Disc(0, 0, 3 * um)))
    want = 1 / (np.pi * 3 * um * 100)
    np.testing.assert_allclose(got.peak, want, rtol=1e-8, atol=0)
    np.testing.assert_allclose(got.average["spot"], want * 8 / (3 * np.pi), rtol=1e-8, atol=0)


def test_gaussian_spot_on_a_half_space():
    np.testing.assert_allclose(
        solve_layered(half_space(GaussianSpot(1 * um, 2 * um, 5 * um))).peak,
        1 / (np.sqrt(2 * np.pi) * 5 * um * 100),
        rtol=1e-8,
        atol=0,
    )


def test_square_on_a_half_space():
    side = 4 * um
    got = solve_layered(half_space(Rectangle((0, side), (0, side)))).peak
    np.testing.assert_allclose(got, 2 * np.arcsinh(1) / (np.pi * 100 * side), rtol=1e-8, atol=0)


def test_conduction_along_stretches_the_plane():
    """k_x = k_y = 4 k_z conducts as an isotropic body of the mean √(k_x k_z)."""
    shape = Disc(0, 0, 2 * um)
    got = solve_layered(half_space(shape, conductivity=25.0, in_plane=100.0)).peak
    np.testing.assert_allclose(got, solve_layered(half_space(shape, conductivity=50.0)).peak, rtol=1e-9, atol=0)
    along_y = half_space(Rectangle((0, 2 * um), (0, 2 * um)), conductivity=50.0, in_plane=50.0, in_plane_y=200.0)
    want = half_space(Rectangle((0, 2 * um), (0, 1 * um)), conductivity=50.0)
    got = solve_layered(along_y).peak
    np.testing.assert_allclose(got, solve_layered(want).peak / 2, rtol=1e-8, atol=0)


def test_mean_over_a_disc_far_wider_than_the_thinnest_layer():
    """At the shortest pseudo-times it has hardly spread: Bessel functions of 1e10 and more."""
    stack = Stack([Layer("film", 2 * nm, 10.0), Layer("base", 100 * um, 148.0)], [np.inf])
    wide = solve_layered(Device(stack, [HeatSource("spot", 1.0, Disc(0, 0, 20 * um))], Box(200 * um, 200 * um)))
    bare = Device(Stack(stack.layers[1:]), wide.device.sources, wide.device.box)
    film = 4 * 2 * nm / (10.0 * np.pi * (20 * um) ** 2)  # a quarter of the disc is in the box
    np.testing.assert_allclose(wide.average["spot"] - solve_layered(bare).average["spot"], film, rtol=1e-2, atol=0)


def test_disc_on_a_film_by_hankels_integral():
    """A second road: J₁ and a quadrature over wave vectors."""
    film, substrate, conductance, thickness, radius = 1.4, 148.0, 1e8, 300 * nm, 1 * um
    stack = Stack([Layer("film", thickness, film), Layer("substrate", np.inf, substrate)], [conductance])
    got = solve_layered(Device(stack, [HeatSource("spot", 1.0, Disc(0, 0, radius))])).peak

    def integrand(x):
        k = x / radius
        below = 1 / (1 / (substrate * k) + 1 / conductance)
        t = np.tanh(k * thickness)
        z = (film * k + below * t) / (film * k * (below + film * k * t)) - 1 / (film * k)
        return j1(x) * z / (np.pi * radius**2)  # the film alone, a half space, is added in closed form

    want = quad(integrand, 1e-12, 60, limit=400, epsabs=0, epsrel=1e-10)[0] + 1 / (np.pi * radius * film)
    np.testing.assert_allclose(got, want, rtol=1e-7, atol=0)


def test_rectangles_of_one_are_that_one():
    """A rectangle cut into tiles, taken together, and each by itself."""
    device = transistor()
    tiles = [
        HeatSource(
            f"{i}{j}", 0.0625 / 15, Rectangle((i * 2 / 3 * um, (i + 1) * 2 / 3 * um), (5 * j * um, 5 * (j + 1) * um))
        )
        for i in range(3)
        for j in range(5)
    ]
    tiled = evolve(device, sources=[*tiles, HeatSource("all", 0.01, plane=Plane("SiC"))])
    alone = evolve(device, sources=[HeatSource("all", 0.01, plane=Plane("SiC"))])
    got = solve_layered(tiled, sensitivity=False)
    more = linear_device(with_constant_properties(alone, {}), (Plane("GaN"),)).rise(CORNER, 0)[0]
    np.testing.assert_allclose(got.peak, 39.8762285 + more, rtol=1e-8, atol=0)
    one = [
        linear_device(with_constant_properties(evolve(device, sources=[tile]), {})).rise(tiles[0].shape, 0)[0]
        for tile in tiles
    ]
    below = linear_device(with_constant_properties(alone, {}), (Plane("GaN"),)).rise(tiles[0].shape, 0)[0]
    np.testing.assert_allclose(got.average["00"], sum(one) + below, rtol=1e-9, atol=0)


def double_series(device, x, y, modes):
    """Cosine series of one rectangle on the top face, written out with plain coth's."""
    layers, g = device.stack.layers, [b.resistance() for b in device.stack.boundaries]
    box, shape = device.box, device.sources[0].shape
    n = np.arange(modes)
    kx, ky = np.pi * n / box.width, np.pi * n / box.depth
    k = np.hypot(kx[:, None], ky)
    k[0, 0] = 1e-3
    z = np.zeros_like(k)
    for i in reversed(range(len(layers))):
        along = layers[i].in_plane or layers[i].conductivity
        gamma, t = (
            np.sqrt(along * layers[i].conductivity) * k,
            np.tanh(np.sqrt(along / layers[i].conductivity) * k * layers[i].thickness),
        )
        z = (z + t / gamma) / (1 + z * gamma * t)
        z = z + (g[i - 1] if i else 0)
    coefficients = []
    for q, (low, high), at, side in ((kx, shape.x, x, box.width), (ky, shape.y, y, box.depth)):
        mean = np.ones_like(q)
        mean[1:] = (np.sin(q[1:] * high) - np.sin(q[1:] * low)) / (q[1:] * (high - low))
        coefficients.append(np.where(q > 0, 2, 1) * mean * np.cos(q * at) / side)
    return device.power * coefficients[0] @ z @ coefficients[1]


def test_points_by_a_double_series():
    device = transistor()
    ready = linear_device(with_constant_properties(device, {}))
    for x, y in ((30 * um, 40 * um), (5 * um, 90 * um)):
        got = ready.rise(LateralPoints(np.array([x]), np.array([y])), 0)[0]
        np.testing.assert_allclose(got, double_series(device, x, y, 1500), rtol=2e-6, atol=0)


def test_disc_in_a_box_is_that_of_its_quarter():
    """A disc in the corner of a box is a whole disc by symmetry: far sides leave the half space."""
    stack = Stack([Layer("film", 1 * um, 30.0), Layer("body", 40 * um, 30.0)], [np.inf])
    whole = Device(stack, [HeatSource("spot", 4.0, Disc(50 * um, 50 * um, 3 * um))], Box(100 * um, 100 * um))
    quarter = Device(stack, [HeatSource("spot", 1.0, Disc(0, 0, 3 * um))], Box(50 * um, 50 * um))
    got, want = solve_layered(quarter, sensitivity=False), solve_layered(whole, sensitivity=False)
    np.testing.assert_allclose(got.peak, want.peak, rtol=1e-9, atol=0)
    np.testing.assert_allclose(got.average["spot"], want.average["spot"], rtol=1e-6, atol=0)


def test_adjoint_against_differences():
    device = transistor(coefficient=1e6)
    device = evolve(device, sources=[*device.sources, HeatSource("below", 0.02, FINGER, Plane("SiC", 30 * um))])
    names = device_parameters(device)
    got = solve_layered(device).sensitivity

    def peak(name, factor):
        return float(
            linear_device(with_constant_properties(device.replace({name: device.value(name) * factor}), {})).rise(
                CORNER, 0
            )[0]
        )

    for name in names:
        if name == "SiC.thickness":
            continue  # the plane below moves against the bottom face either way: tested by itself
        h = 1e-3
        near, far = (peak(name, np.exp(s)) - peak(name, np.exp(-s)) for s in (h, 2 * h))
        np.testing.assert_allclose(got[name], (8 * near - far) / (12 * h), rtol=1e-6, atol=1e-9)
    h = 1e-4
    want = (peak("SiC.thickness", 1 + h) - peak("SiC.thickness", 1 - h)) / (2 * h)
    np.testing.assert_allclose(got["SiC.thickness"], want, rtol=1e-6, atol=0)


def test_sampled_and_linear_uncertainty_agree():
    known = {"GaN|SiC.conductance": 4e6, "SiC.in_plane": 25.0, "GaN.conductivity": 8.0, "GaN.thickness": 50 * nm}
    device = transistor(uncertain=known)
    got = solve_layered(device)
    assert abs(sample_peaks(device, 1000, seed=3).std() / got.sigma - 1) < 0.05
    np.testing.assert_allclose(np.hypot.reduce(list(got.contribution.values())), got.sigma, rtol=1e-12, atol=0)


def test_saved_conductance_brings_its_uncertainty():
    saved = Conductance([250, 300, 400], [4e7, 5e7, 6e7], [4e6, 5e6, 6e6])
    got = solve_layered(transistor(saved))
    assert got.property_temperature["GaN|SiC"] > 310
    assert set(got.contribution) == {"GaN|SiC.conductance"}
    np.testing.assert_allclose(got.sigma, 0.1 * abs(got.sensitivity["GaN|SiC.conductance"]), rtol=1e-3, atol=0)


def test_conductivity_of_t_in_a_slab_is_kirchhoffs():
    """∫k dT = q d for one layer heated evenly."""
    stack = Stack([Layer("Si", 100 * um, 148.0)])
    law = ConductivityLaw.power(148.0, -1.3)
    device = Device(stack, [HeatSource("all", 2e8 * 1e-8)], Box(100 * um, 100 * um), laws={"Si": law})
    top = 300 + solve_layered(device, sensitivity=False).peak
    integral = quad(lambda t: 148 * (t / 300) ** -1.3, 300, top)[0]
    np.testing.assert_allclose(integral, 2e8 * 100 * um, rtol=1e-6, atol=0)


def test_conductivity_of_t_of_the_transistor():
    """Finite volumes of 149,000 cells give 43.017 K, and 39.911 K where 39.8762 K is exact: 42.98 K less that error."""
    laws = {"GaN": ConductivityLaw.power(150.0, -1.4), "SiC": ConductivityLaw.power(390.0, -1.3)}
    got = solve_layered(transistor(laws=laws), sensitivity=False)
    assert abs(got.peak - 42.98) < 0.02
    assert got.iterations < 12


def test_thermal_runaway_is_told():
    law = ConductivityLaw.power(1.0, -3.0)
    device = Device(Stack([Layer("a", 1e-3, 1.0)]), [HeatSource("all", 1.0)], Box(1e-3, 1e-3), laws={"a": law})
    with pytest.raises((ConvergenceError, InputError), match=r"steady state|known from 1 to 10000 K"):
        solve_layered(device)


def test_layer_heated_throughout():
    """The mean of a parabola: q d/3k above its bottom face, from the closed form q z(2d - z)/2kd."""
    stack = Stack([Layer("a", 10 * um, 50.0), Layer("b", 10 * um, 100.0)], [1e7])
    source = HeatSource("joule", 1.0, plane=Plane("a"), volumetric=True)
    got = solve_layered(Device(stack, [source], Box(1e-3, 1e-3)))
    flux = 1.0 / 1e-6
    np.testing.assert_allclose(got.peak, flux * (10 * um / 100 + 1e-7 + 10 * um / 100), rtol=1e-10, atol=0)
    np.testing.assert_allclose(got.sensitivity["a.conductivity"], -flux * 10 * um / 100, rtol=1e-5, atol=0)


def test_heated_patch_throughout_is_many_planes():
    """Heat through a layer is the mean of heat on planes in it."""
    stack = Stack([Layer("a", 1 * um, 50.0), Layer("b", 10 * um, 100.0)], [1e7])
    box = Box(20 * um, 20 * um)
    through = Device(stack, [HeatSource("s", 1.0, FINGER, Plane("a"), volumetric=True)], Box(30 * um, 30 * um))
    through = evolve(
        through,
        box=box,
        sources=[HeatSource("s", 1.0, Rectangle((0, 3 * um), (0, 5 * um)), Plane("a"), volumetric=True)],
    )
    node, weight = np.polynomial.legendre.leggauss(12)
    planes = [
        HeatSource(f"{i}", w / 2, Rectangle((0, 3 * um), (0, 5 * um)), Plane("a", (z + 1) / 2 * um))
        for i, (z, w) in enumerate(zip(node, weight, strict=True))
    ]
    got = linear_device(with_constant_properties(through, {})).rise(
        LateralPoints(np.array([8 * um]), np.array([1 * um])), 0
    )
    want = linear_device(with_constant_properties(evolve(through, sources=planes), {})).rise(
        LateralPoints(np.array([8 * um]), np.array([1 * um])), 0
    )
    np.testing.assert_allclose(got, want, rtol=1e-8, atol=0)


def test_maps_from_both_roads_agree():
    device = transistor()
    pixels = np.zeros((50, 40))
    pixels[:1, :10] = 1.0
    as_map = evolve(device, sources=[HeatSource("map", device.power, HeatMap(pixels, (0, 100 * um), (0, 100 * um)))])
    for plane in (Plane("SiC"), Plane("Cu", 10 * um)):
        got, want = plane_map(as_map, plane, (96, 128)), plane_map(device, plane, (96, 128))
        np.testing.assert_allclose(got.value, want.value, rtol=1e-4, atol=0)
        np.testing.assert_allclose(got.at, want.at, rtol=1e-12, atol=0)
    got = solve_layered(as_map, sensitivity=False).peak
    np.testing.assert_allclose(got, 39.8762285, rtol=1e-8, atol=0)


def test_map_of_a_box_with_its_own_pixels():
    rng = np.random.default_rng(2)
    pixels = rng.uniform(0, 1, (64, 64))
    device = evolve(transistor(), sources=[HeatSource("m", 1.0, HeatMap(pixels, (0, 100 * um), (0, 100 * um)))])
    got = plane_map(device, None, (64, 64))
    spots = LateralPoints(got.x[[3, 40]], got.y[[50, 7]])
    want = linear_device(with_constant_properties(device, {})).rise(spots, 0)
    np.testing.assert_allclose(got.value[[3, 40], [50, 7]], want, rtol=2e-2, atol=0)
    np.testing.assert_allclose(got.value.mean(), device.stack.resistance() / 1e-8, rtol=1e-9, atol=0)


def test_section_jumps_at_boundaries():
    device = transistor()
    got = section_map(device, points=41, per_layer=6)
    middle = int(np.argmin(np.abs(got.x)))
    depths, counts = np.unique(got.y, return_counts=True)
    np.testing.assert_allclose(depths[counts == 2] / um, [2.0, 102.0, 122.0], rtol=1e-12, atol=0)
    i = int(np.flatnonzero(got.y == 2 * um)[0])
    np.testing.assert_allclose(got.value[middle, i] - got.value[middle, i + 1], 11.073055, rtol=1e-6, atol=0)
    np.testing.assert_allclose(got.value[middle, 0], 39.8762, rtol=1e-5, atol=0)


def heated(shape, plane=None):
    return evolve(transistor(), sources=[HeatSource("s", 1.0, shape, plane)])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: transistor(coefficient=0.0), "no heat can leave"),
        (lambda: transistor(uncertain={"GaN|Si.conductance": 1.0}), "has no 'GaN|Si.conductance'"),
        (lambda: transistor(laws={"Si": ConductivityLaw.power(1, 1)}), "is given for 'Si'"),
        (lambda: solve_layered(evolve(transistor(), sources=[])), "one or more sources"),
        (lambda: heated(Rectangle((0, 2e-4), (0, 1e-6))), "outside of the box"),
        (lambda: HeatMap([[1.0, np.nan]], (0, 1), (0, 1)), r"nan at pixel \(0, 1\)"),
        (lambda: Rectangle((1, 0), (0, 1)), "runs upwards"),
        (lambda: HeatSource("s", -1.0), "power = -1"),
        (lambda: Device(Stack([Layer("a", np.inf, 1.0)]), [HeatSource("s", 1.0)]), "has no shape"),
        (lambda: Device(Stack([Layer("a", np.inf, 1.0)]), [HeatSource("s", 1.0)], Box(1, 1)), "ever gets steady"),
        (lambda: transistor().replace({"GaN.colour": 1.0}), "has no 'GaN.colour'"),
        (lambda: heated(FINGER, Plane("Si")), "no layer 'Si'"),
        (lambda: plane_map(transistor(), None, (0, 8)), "a map of 0 x 8"),
        (lambda: sample_peaks(transistor()), "nothing to sample"),
        (lambda: sample_peaks(transistor(), 10**7), "at most 1,000,000"),
    ],
)  # fmt: skip
def test_faults_are_told_in_one_line(make, message):
    with pytest.raises(InputError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_sensitivities_with_properties_of_temperature_are_the_slopes_of_the_peak():
    """The implicit derivative at the fixed point, beside solutions of devices with other numbers."""
    device = transistor(Conductance([250.0, 600.0], [40e6, 90e6]))
    got = solve_layered(device).sensitivity
    for name in ("finger.power", "GaN|SiC.conductance"):
        up, down = (solve_layered(scale_device(device, name, f), sensitivity=False).peak for f in (1.002, 0.998))
        slope = (up - down) / (np.log(1.002) - np.log(0.998))
        assert abs(got[name] - slope) <= 2e-4 * abs(slope), name


def test_the_spread_of_a_disc_at_many_points_is_that_at_few():
    """The polynomial over distances and what is kept, beside the integral over chords, with and without sides."""
    disc, tau = Disc(20e-6, 25e-6, 6e-6), np.geomspace(1e-18, 1e-8, 40)
    x, y = np.random.default_rng(4).uniform(0, 60e-6, (2, 400))
    for box in (None, Box(60e-6, 60e-6)):
        many = lateral_spread(disc, LateralPoints(x, y), tau, box)
        few = [
            lateral_spread(disc, LateralPoints(x[i : i + 100], y[i : i + 100]), tau, box) for i in range(0, 400, 100)
        ]
        assert np.abs(many - np.hstack(few)).max() < 1e-9 / disc.area
        assert many is lateral_spread(disc, LateralPoints(x, y), tau, box)
