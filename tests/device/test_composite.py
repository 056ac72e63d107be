"""Composites: limits, second roads, and the sphere in a cube."""

import csv
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp

from kapitza.applications.composite import (
    GRAPHENE_CAPACITY,
    Ellipsoid,
    Nanotube,
    composite_conductivity,
    cooling_time,
    critical_radius,
    depolarisation_factors,
    differential_effective_medium,
    ellipsoid_composite,
    hasselman_johnson,
    interface_density,
    nanocomposite,
    nanotube_composite,
    particle_conductivity,
)
from kapitza.applications.free_paths import gray_free_path
from kapitza.core.conductance import Conductance
from kapitza.errors import InputError, ValidityWarning
from kapitza.units import MW, nm, um

conductivities = st.floats(0.1, 2000)
fractions = st.floats(0.0, 0.4)


@given(conductivities, conductivities, st.floats(1e5, 1e10), st.floats(1e-9, 1e-4), fractions)
def test_spheres_lie_between_the_bounds_of_hashin_and_shtrikman(matrix, particle, conductance, radius, fraction):
    """With the boundary in the particle, Maxwell's rule is one of the two bounds of any isotropic mixture."""
    got = hasselman_johnson(matrix, particle, conductance, radius=radius, fraction=fraction)[0]
    inside = particle_conductivity(particle, 1 / conductance, radius)[0]
    if inside == matrix:
        return
    want = matrix + fraction / (1 / (inside - matrix) + (1 - fraction) / (3 * matrix))
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=0)


@given(conductivities, conductivities, st.floats(1e5, 1e10))
def test_at_the_critical_radius_particles_do_nothing(matrix, particle, conductance):
    radius = critical_radius(matrix, particle, conductance)
    if not np.isfinite(radius):
        assert particle <= matrix
        return
    for call in (hasselman_johnson, differential_effective_medium):
        np.testing.assert_allclose(
            call(matrix, particle, conductance, radius=radius, fraction=0.3), matrix, rtol=1e-6, atol=0
        )


def test_plates_are_a_series():
    """A second road: 1/k of layers of particle, matrix and two boundaries."""
    got = hasselman_johnson(200.0, 20.0, 80 * MW, radius=[50 * nm, 500 * nm], fraction=0.6, shape="plate")
    thickness = 2 * np.array([50 * nm, 500 * nm])
    want = 1 / (0.4 / 200.0 + 0.6 / 20.0 + 0.6 * 2 / (80 * MW * thickness))
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=0)


def test_a_sphere_in_a_uniform_gradient_has_the_field_of_its_effective_conductivity():
    """A second road: Laplace's equation inside and outside with a jump, solved for its three coefficients."""
    km, kp, resistance, a = 1.0, 10.0, 0.7, 1.3
    # inside A r cosθ, outside (r + B/r²) cosθ; equal flux, jump R q
    lhs = np.array([[kp, 2 * km / a**3], [a + resistance * kp, -1 / a**2]])
    _, dipole = np.linalg.solve(lhs, np.array([km, a]))
    inside = particle_conductivity(kp, resistance, a)[0]
    np.testing.assert_allclose(-dipole / a**3, (inside - km) / (inside + 2 * km), rtol=1e-12, atol=0)


def test_sphere_in_a_cube(data):
    rows = list(csv.DictReader(data("device/sphere_in_cube_kapitza.csv").read_text().splitlines()))
    fraction = 4 / 3 * np.pi / 27
    got = hasselman_johnson(1.0, 10.0, 1.0, radius=1.0, fraction=fraction)[0]
    np.testing.assert_allclose(got, float(rows[0]["keff"]), rtol=1e-6, atol=0)
    np.testing.assert_allclose(got, float(rows[3]["keff"]), rtol=2e-5, atol=0)


@given(conductivities, conductivities, st.floats(0.01, 0.7))
def test_stirring_in_a_little_at_a_time(matrix, particle, fraction):
    """A second road: the differential equation, each step by the dilute rule."""
    inside = particle_conductivity(particle, 1e-8, 1 * um)[0]

    def slope(phi, k):
        return 3 * k / (1 - phi) * (inside - k) / (inside + 2 * k)

    solved = solve_ivp(slope, (0, fraction), [matrix], rtol=1e-10, atol=1e-12).y[0, -1]
    got = differential_effective_medium(matrix, particle, 100 * MW, radius=1 * um, fraction=fraction)[0]
    np.testing.assert_allclose(got, solved, rtol=1e-7, atol=0)


def test_depolarisation_is_the_integral():
    for aspect in (0.02, 0.5, 0.9995, 1.0, 1.0005, 3.0, 200.0):
        got = depolarisation_factors(aspect)

        def of(s, aspect=aspect):
            return aspect / 2 / ((s + aspect**2) ** 1.5 * (s + 1))

        want = quad(of, 0, 1, epsabs=0)[0] + quad(of, 1, np.inf, epsabs=0)[0]
        np.testing.assert_allclose(got[1], want, rtol=1e-6, atol=0)
        np.testing.assert_allclose(2 * got[0] + got[1], 1.0, rtol=1e-12, atol=0)


@pytest.mark.parametrize("alignment", [0.0, 1 / 3, 1.0])
def test_round_ellipsoids_are_spheres(alignment):
    got = ellipsoid_composite(0.2, Ellipsoid(30.0, 2 * um, 2 * um), 50 * MW, fraction=0.2, alignment=alignment)
    want = hasselman_johnson(0.2, 30.0, 50 * MW, radius=1 * um, fraction=0.2)[0]
    np.testing.assert_allclose([got.parallel, got.perpendicular, got.mean], want, rtol=1e-9, atol=0)


def test_long_ellipsoids_are_cylinders_and_flat_ones_plates():
    long = ellipsoid_composite(0.2, Ellipsoid(30.0, 2 * um, 2.0), 50 * MW, fraction=0.2, alignment=1.0)
    want = hasselman_johnson(0.2, 30.0, 50 * MW, radius=1 * um, fraction=0.2, shape="cylinder")[0]
    np.testing.assert_allclose(long.perpendicular, want, rtol=1e-5, atol=0)
    np.testing.assert_allclose(long.parallel, 0.8 * 0.2 + 0.2 * 30, rtol=1e-3, atol=0)
    flat = ellipsoid_composite(0.2, Ellipsoid(30.0, 2.0, 2 * um), 50 * MW, fraction=0.2, alignment=1.0)
    want = hasselman_johnson(0.2, 30.0, 50 * MW, radius=1 * um, fraction=0.2, shape="plate")[0]
    np.testing.assert_allclose(flat.parallel, want, rtol=1e-4, atol=0)
    np.testing.assert_allclose(flat.perpendicular, 0.8 * 0.2 + 0.2 * 30, rtol=1e-3, atol=0)


def test_long_tubes_have_a_simple_limit():
    tube = Nanotube(3000.0, 1 * nm, 1000 * um)
    got = nanotube_composite(0.2, tube, 12 * MW, fraction=1e-7)
    # 1 + φp/3 · r/(p + (2a_K/d) r), with r = k_c/k_m and a_K = R k_m
    aspect, ratio, kapitza = 1e6, 3000.0 / 0.2, 0.2 / (12 * MW)
    simple = 1 + 1e-7 * aspect / 3 * ratio / (aspect + 2 * kapitza / (1 * nm) * ratio)
    np.testing.assert_allclose(got.mean / 0.2 - 1, simple - 1, rtol=1e-3, atol=0)


def test_a_nanotube_cools_exponentially():
    """A second road: the wall as a heat capacity behind a resistance, integrated."""
    time = cooling_time(12 * MW)
    solved = solve_ivp(lambda t, T: -12 * MW * T / GRAPHENE_CAPACITY, (0, time), [1.0], rtol=1e-10, atol=0).y[0, -1]
    np.testing.assert_allclose(solved, np.exp(-1), rtol=1e-8, atol=0)


def test_short_free_paths_change_nothing_and_long_ones_leave_the_boundaries():
    size = np.array([20 * nm, 200 * nm])
    got = nanocomposite(
        gray_free_path(60.0, 1e-15), gray_free_path(150.0, 1e-15), 300 * MW, diameter=size, fraction=0.2
    )
    want = hasselman_johnson(60.0, 150.0, 300 * MW, radius=size / 2, fraction=0.2)
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=0)
    ballistic = nanocomposite(
        gray_free_path(60.0, 1.0), gray_free_path(150.0, 1.0), np.inf, diameter=size, fraction=0.2
    )
    ends = [60.0 * 4 / interface_density(d, 0.2)[0] for d in size], 150.0 * size
    want = [hasselman_johnson(m, p, np.inf, radius=1.0, fraction=0.2)[0] for m, p in zip(*ends, strict=True)]
    np.testing.assert_allclose(ballistic, want, rtol=1e-5, atol=0)


def test_a_conductance_of_temperature_is_taken_at_its_temperature():
    measured = Conductance([100, 400], [50 * MW, 200 * MW])
    got = composite_conductivity(237.0, 1500.0, measured, radius=[50 * um], fraction=0.5, temperature=400.0)
    want = composite_conductivity(237.0, 1500.0, 200 * MW, radius=[50 * um], fraction=0.5)
    np.testing.assert_allclose(got.value, want.value, rtol=1e-12, atol=0)
    assert (got.method, want.method) == ("differential", "differential")
    with pytest.raises(InputError, match="emitted"):
        hasselman_johnson(1.0, 10.0, Conductance([300], [1e8], drop="emitted"), radius=1e-6, fraction=0.1)


def test_warnings_where_the_range_is_left():
    with pytest.warns(ValidityWarning, match="differential"):
        hasselman_johnson(1.0, 10.0, 1e8, radius=1e-6, fraction=0.5)
    with pytest.warns(ValidityWarning, match="packing"):
        differential_effective_medium(1.0, 10.0, 1e8, radius=1e-6, fraction=0.8)
    with pytest.warns(ValidityWarning, match="touch"):
        nanotube_composite(0.2, Nanotube(3000.0, 1 * nm, 1 * um), 1e8, fraction=0.05)
    with pytest.warns(ValidityWarning, match="feel each other"):
        nanocomposite(gray_free_path(1.0, 1e-9), gray_free_path(1.0, 1e-9), 1e8, diameter=1e-8, fraction=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hasselman_johnson(1.0, 10.0, 1e8, radius=1e-6, fraction=0.9, shape="plate")


@pytest.mark.parametrize(
    "make",
    [
        lambda: hasselman_johnson(1.0, 10.0, 1e8, radius=0.0, fraction=0.1),
        lambda: hasselman_johnson(-1.0, 10.0, 1e8, radius=1e-6, fraction=0.1),
        lambda: hasselman_johnson(1.0, 10.0, 0.0, radius=1e-6, fraction=0.1),
        lambda: hasselman_johnson(1.0, 10.0, 1e8, radius=1e-6, fraction=50),
        lambda: hasselman_johnson(1.0, 10.0, 1e8, radius=1e-6, fraction=0.1, shape="cube"),
        lambda: differential_effective_medium(1.0, np.nan, 1e8, radius=1e-6, fraction=0.1),
        lambda: Ellipsoid(1.0, 0.0, 1.0),
        lambda: ellipsoid_composite(1.0, Ellipsoid(1.0, 1.0, 2.0), 1.0, fraction=0.1, alignment=1.1),
        lambda: composite_conductivity(1.0, 10.0, 1e8, radius=1e-6, fraction=0.1, rule="best"),
        lambda: depolarisation_factors(-1.0),
    ],
)
def test_wrong_input_is_refused(make):
    with pytest.raises(InputError):
        make()


def test_a_conductance_of_the_temperature_is_taken_at_300_kelvin_unless_said():
    warm = Conductance([250.0, 300.0, 350.0], [50 * MW, 100 * MW, 150 * MW], drop="extrapolated")
    matrix, particle = gray_free_path(10.0, 100 * nm), gray_free_path(5.0, 50 * nm)
    for value, temperature in ((100 * MW, {}), (50 * MW, {"temperature": 250.0})):
        one, other = (
            nanocomposite(matrix, particle, boundary, diameter=50 * nm, fraction=0.05, **options)
            for boundary, options in ((warm, temperature), (value, {}))
        )
        np.testing.assert_allclose(one, other, rtol=1e-14, atol=0)
