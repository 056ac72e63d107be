"""Films and free paths: exact solutions, limits, sums."""

import csv
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

import kapitza
from kapitza.applications.film import film_cross_plane, film_in_plane
from kapitza.applications.free_paths import DebyeScattering, FreePaths, debye_free_paths, fit_free_paths, gray_free_path
from kapitza.errors import InputError
from kapitza.matter.library import solid
from kapitza.units import MW, nm

EIGHT = np.array([120, 150, 160, 140, 110, 70, 35, 15]) * MW, np.array([3, 8, 20, 50, 120, 300, 800, 2500]) * nm
TWO = np.array([300, 200]) * MW, np.array([20, 300]) * nm


def bands(radiance, length):
    return FreePaths(length, 4 / 3 * radiance * length)


def test_gray_films_are_exact(data):
    rows = list(csv.reader(data("device/gray_slab_exact.csv").read_text().splitlines()))[1:]
    got = [film_cross_plane(gray_free_path(1.0, 1.0), float(row[0]))[0] for row in rows]
    np.testing.assert_allclose(got, [float(row[2]) for row in rows], rtol=1e-7, atol=0)


@pytest.mark.parametrize(("name", "paths"), [("two-band", bands(*TWO)), ("eight-band", bands(*EIGHT))])
def test_films_of_many_free_paths_are_exact(data, name, paths):
    rows = [
        row
        for row in csv.DictReader(data("device/nongray_slab_exact.csv").read_text().splitlines())
        if row["model"] == name
    ]
    got = film_cross_plane(paths, [float(row["L_nm"]) * nm for row in rows])
    np.testing.assert_allclose(got, [float(row["kappa_eff_W_mK"]) for row in rows], rtol=1e-5, atol=0)


@given(st.floats(1e-3, 1e3), st.floats(0.1, 10))
def test_films_scale_and_stay_below_the_bulk(thickness, factor):
    paths = FreePaths([1.0, 30.0], [0.4, 0.6])
    wider = FreePaths([factor, 30 * factor], [0.4, 0.6])
    one, other = film_cross_plane(paths, thickness)[0], film_cross_plane(wider, thickness * factor)[0]
    np.testing.assert_allclose(one, other, rtol=1e-9, atol=0)
    assert one < min(1.0, thickness * paths.radiance.sum()) * (1 + 1e-9)
    assert film_in_plane(paths, thickness)[0] < 1.0


def test_thin_films_are_ballistic_and_thick_ones_bulk():
    paths = bands(*EIGHT)
    np.testing.assert_allclose(film_cross_plane(paths, 1e-13), 1e-13 * EIGHT[0].sum(), rtol=1e-3, atol=0)
    np.testing.assert_allclose(film_cross_plane(paths, 1.0), paths.total, rtol=1e-4, atol=0)
    np.testing.assert_allclose(film_in_plane(paths, 1.0), paths.total, rtol=1e-4, atol=0)


@pytest.mark.parametrize("p", [0.0, 0.5, 0.95])
def test_along_a_film_by_another_quadrature(p):
    for ratio in (0.05, 1.0, 20.0):

        def of(mu, ratio=ratio):
            fall = np.exp(-ratio / mu)
            return (mu - mu**3) * (1 - fall) / (1 - p * fall)

        want = 1 - 1.5 * (1 - p) / ratio * quad(of, 0, 1, epsrel=1e-11)[0]
        np.testing.assert_allclose(film_in_plane(gray_free_path(1.0, 1.0), ratio, p), want, rtol=1e-7, atol=0)
    np.testing.assert_allclose(film_in_plane(gray_free_path(7.0, 1.0), 1.0, 1.0), 7.0, rtol=1e-14, atol=0)


def test_grouping_keeps_both_limits():
    paths = fit_free_paths(solid("Si"), 148.0)
    few = paths.merge(5)
    assert few.length.size < paths.length.size / 4
    np.testing.assert_allclose(few.total, 148.0, rtol=1e-12, atol=0)
    np.testing.assert_allclose(few.radiance.sum(), paths.radiance.sum(), rtol=1e-12, atol=0)
    np.testing.assert_allclose(paths.total, 148.0, rtol=1e-12, atol=0)


def test_accumulation_counts_everything_once():
    paths = FreePaths([3.0, 1.0, 2.0], [1.0, 2.0, 3.0])
    np.testing.assert_allclose(paths.accumulation([0.5, 1.0, 2.5, 9.0]), [0, 1 / 3, 5 / 6, 1], rtol=1e-14, atol=1e-300)


def test_boundary_scattering_at_low_temperature_is_casimir():
    """κ → C v L/3 ~ T³ with the Debye heat capacity 2π²k_B⁴T³/5ħ³v³ of three branches."""
    from kapitza.units import hbar, k_B

    si, size = solid("Si"), 1e-3
    got = [debye_free_paths(si, DebyeScattering(1e-30, size=size), t).total for t in (1.0, 2.0)]
    per = 2 * np.pi**2 / 15 * k_B**4 / hbar**3 / np.array(si.speeds) ** 2 * size / 3
    np.testing.assert_allclose(got, [per.sum(), 8 * per.sum()], rtol=1e-3, atol=0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: film_cross_plane(gray_free_path(1.0, 1.0), 0.0),
        lambda: film_in_plane(gray_free_path(1.0, 1.0), 1.0, 1.5),
        lambda: FreePaths([1.0], [1.0, 2.0]),
        lambda: FreePaths([1.0], [-1.0]),
        lambda: FreePaths([0.0], [1.0]),
        lambda: fit_free_paths(solid("Si"), -1.0),
        lambda: DebyeScattering(0.0),
    ],
)
def test_wrong_input_is_refused(make):
    with pytest.raises(InputError):
        make()


def test_films_are_spread_and_kept(tmp_path):
    paths, thickness, store = gray_free_path(100.0, 100 * nm), [20 * nm, 200 * nm], kapitza.run.Store(tmp_path)
    want = film_cross_plane(paths, thickness)
    with ThreadPoolExecutor(2) as pool:
        np.testing.assert_array_equal(film_cross_plane(paths, thickness, executor=pool, store=store), want)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 2
    np.testing.assert_array_equal(film_cross_plane(paths, thickness, store=store), want)
