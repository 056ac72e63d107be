"""Superlattices: series, frequencies, waves; and polycrystals."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kapitza
from kapitza.applications.free_paths import DebyeScattering, FreePaths, gray_free_path
from kapitza.applications.polycrystal import GrainScattering, debye_polycrystal, grain_limited_conductivity, polycrystal
from kapitza.applications.superlattice import (
    ballistic_superlattice,
    miniband_conductivity,
    series_superlattice,
    spectral_free_paths,
    spectral_resistances,
    spectral_superlattice,
    superlattice_conductivity,
    with_measured_boundary,
)
from kapitza.core.conductance import Conductance
from kapitza.core.stack import Layer, Stack
from kapitza.errors import InputError, ValidityWarning
from kapitza.matter.library import solid
from kapitza.theory.dmm import dmm
from kapitza.theory.grain import effective_conductivity
from kapitza.units import MW, nm, um

SI, GE = solid("Si"), solid("Ge")
BOUNDARY = dmm(SI, GE)
PERIODS = np.geomspace(1 * nm, 1e-2, 15)


@given(st.floats(1e-9, 1e-5), st.floats(1e-9, 1e-5), st.floats(1e6, 1e10), st.floats(1e6, 1e10))
def test_a_period_is_a_stack(d1, d2, g1, g2):
    got = series_superlattice((d1, 148.0), (d2, 60.0), g1, g2)
    stack = Stack([Layer("a", d1, 148.0), Layer("b", d2, 60.0), Layer("c", d1, 148.0)], [g1, g2])
    want = (d1 + d2) / (stack.resistance() - d1 / 148.0)
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=0)


def test_each_frequency_is_below_the_series_of_the_same_sums_and_the_ballistic_limit():
    first, second = spectral_free_paths(BOUNDARY, SI, 148.0, 300.0), spectral_free_paths(BOUNDARY, GE, 60.0, 300.0)
    got = spectral_superlattice(BOUNDARY, first, second, period=PERIODS, share=0.3, temperature=300.0)
    whole, left, right, passed = spectral_resistances(BOUNDARY, 300.0)
    local = (whole - (left + right) / 2)[passed]
    series = series_superlattice((0.3 * PERIODS, 148.0), (0.7 * PERIODS, 60.0), float((1 / local).sum()))
    ballistic = ballistic_superlattice(BOUNDARY, period=PERIODS, temperature=300.0)
    assert np.all(got <= series)
    assert np.all(got <= ballistic)
    assert np.all(np.diff(got) > 0)
    np.testing.assert_allclose(got[0], ballistic[0], rtol=0.06, atol=0)


def test_the_error_of_the_boundary_is_that_of_the_series():
    """By differences: half of the conductance more or less moves the series by as much as is said, to first order."""
    found = superlattice_conductivity(BOUNDARY, (SI, 148.0), (GE, 60.0), period=PERIODS)
    g = BOUNDARY.conductance(300.0, "extrapolated").accept_gray()
    ends = [
        series_superlattice((PERIODS / 2, 148.0), (PERIODS / 2, 60.0), float(g.value[0] + sign * 1e-3 * g.sigma[0]))
        for sign in (-1, 1)
    ]
    slope = (ends[1] - ends[0]) / 2e-3
    assert np.abs(found.series_sigma / slope - 1).max() <= 1e-4
    assert abs(found.series_sigma[0] / found.series[0] / 0.5 - 1) <= 1e-2  # thin layers: all of it is the boundary
    assert with_measured_boundary(found, 148.0, 60.0, 2e8).series_sigma is None


def test_one_frequency_knows_no_difference():
    """A second road: with a single frequency both pictures are the same series."""
    from kapitza.core.transmission import Transmission

    one = Transmission([1e13], [1e18], [2e18], [3e18], weight=[1e12])
    paths = FreePaths([1e-8], [5.0], [1e13])
    got = spectral_superlattice(one, paths, paths, period=PERIODS * 1e4, share=0.5, temperature=300.0)
    g = one.conductance(300.0, "extrapolated").accept_gray()
    want = series_superlattice((PERIODS * 5e3, 5.0), (PERIODS * 5e3, 5.0), g)
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=0)


def test_one_frequency_agrees_with_the_boltzmann_equation():
    """A second road: phonons of one velocity and free path in both layers, solved as particles."""
    from kapitza.core.occupation import mode_heat_capacity
    from kapitza.core.transmission import Transmission
    from kapitza.simulate.boltzmann.boundaries import InterfaceScattering
    from kapitza.simulate.boltzmann.carriers import gray_carriers
    from kapitza.simulate.boltzmann.layered.resistances import superlattice_conductivities

    first = gray_carriers("a", heat_capacity=1.7e6, velocity=6000.0, mean_free_path=4e-8)
    second = gray_carriers("b", heat_capacity=1.2e6, velocity=4000.0, mean_free_path=2e-8)
    period = np.array([1e-12, 1 * nm, 10 * nm, 100 * nm, 10 * um])
    want = superlattice_conductivities(first, second, InterfaceScattering(coefficient=0.4), period)
    quantum = float(mode_heat_capacity([1e12], 300.0)[0, 0]) * 1e12 / (2 * np.pi)  # of one mode
    modes = [float(one.flow[0]) / quantum for one in (first, second)]
    boundary = Transmission([1e12], [0.4 * modes[0]], [modes[0]], [modes[1]], weight=[1e12])
    paths = [FreePaths([length], [float(one.conductivity)]) for one, length in ((first, 4e-8), (second, 2e-8))]
    got = spectral_superlattice(boundary, *paths, period=period, share=0.5, temperature=300.0)
    np.testing.assert_allclose(got[-1], want[-1], rtol=1e-5, atol=0)
    np.testing.assert_allclose(got, want, rtol=6e-3, atol=0)
    ballistic = ballistic_superlattice(boundary, period=period, temperature=300.0)
    np.testing.assert_allclose(ballistic[0], want[0], rtol=1e-4, atol=0)
    assert np.all(ballistic >= want * (1 - 1e-4))


def test_free_paths_at_the_boundary_radiate_what_its_modes_bring():
    """A second road: ΣCv/4 is the Landauer conductance of all modes of a side."""
    paths = spectral_free_paths(BOUNDARY, SI, 148.0, 300.0)
    used = paths.conductivity > 0
    radiated = 0.75 * np.sum(paths.conductivity[used] / paths.length[used])
    own = dmm(SI, SI, BOUNDARY.omega)
    from kapitza.core.transmission import Transmission

    all_modes = Transmission(BOUNDARY.omega, own.left, weight=BOUNDARY.weight).conductance(300.0).value[0]
    np.testing.assert_allclose(radiated, all_modes, rtol=1e-9, atol=0)
    np.testing.assert_allclose(paths.total, 148.0, rtol=1e-12, atol=0)


def test_equal_masses_make_no_superlattice():
    np.testing.assert_allclose(miniband_conductivity(1.0, 12.0, [1, 2, 5]).value, 1.0, rtol=1e-2, atol=0)


def test_waves_without_scattering_slow_down_with_the_period_and_short_free_paths_make_a_minimum(published):
    """The less, the longer the period; with a finite free path a minimum somewhat below it (Simkin and Mahan)."""
    layers = [1, 2, 3, 4, 6, 8, 12, 20]
    coherent = miniband_conductivity(2.6, 1e6, layers[:6])
    assert np.all(np.diff(coherent.value) < 0)
    free = published("devices", "superlattice_minimum")
    for path in (10.0, 20.0):
        found = miniband_conductivity(2.6, path, layers)
        assert found.value[-1] > 1.1 * found.value.min()
        assert free["low"] <= found.minimum / path <= free["high"]


def test_the_lattice_of_one_mass_is_known():
    """A second road: v = sin q/ω of a simple cubic lattice, averaged on a fine grid."""
    from kapitza.applications.superlattice import mean_speed

    q = (np.arange(60) + 0.5) * np.pi / 60
    x, y, z = np.meshgrid(q, q, q)
    omega = np.sqrt(6 - 2 * (np.cos(x) + np.cos(y) + np.cos(z)))
    want = np.mean(np.sin(z) / omega)
    np.testing.assert_allclose(mean_speed(np.array([1.0]), 1e9), want, rtol=2e-3, atol=0)


def test_both_ways_to_count_grain_boundaries():
    grain = np.array([30 * nm, 1 * um])
    shared = polycrystal(100.0, 300 * MW, grain=grain)
    each = polycrystal(100.0, 300 * MW, grain=grain, count="each")
    np.testing.assert_allclose(each, polycrystal(100.0, 150 * MW, grain=grain), rtol=1e-12, atol=0)
    by_theory = effective_conductivity(100.0, Conductance([300], [300 * MW]), grain=30 * nm)
    np.testing.assert_allclose(shared[0], by_theory, rtol=1e-12, atol=0)


def test_gray_boundaries_act_like_the_series():
    """Λ' = 1/(1/Λ + 1/d) is a series whose boundary has R = Λ/κ."""
    got = grain_limited_conductivity(gray_free_path(50.0, 100 * nm), GrainScattering(20 * nm))
    np.testing.assert_allclose(got, polycrystal(50.0, 50.0 / (100 * nm), grain=20 * nm), rtol=1e-12, atol=0)


@pytest.mark.parametrize(("power", "law"), [(0.0, 3), (1.0, 2)])
def test_low_temperatures_tell_gray_boundaries_from_others(power, law):
    boundaries = GrainScattering(100 * nm, power, reference=1e13)
    low = debye_polycrystal(SI, DebyeScattering(1e-30), boundaries, [1.0, 2.0])
    np.testing.assert_allclose(low[1] / low[0], 2.0**law, rtol=1e-3, atol=0)


def test_thin_layers_and_small_grains_are_told():
    with pytest.warns(ValidityWarning, match="each frequency"):
        series_superlattice((5 * nm, 148.0), (5 * nm, 60.0), 1e9, mean_free_path=100 * nm)
    with pytest.warns(ValidityWarning, match="grain_limited_conductivity"):
        polycrystal(148.0, 1e9, grain=10 * nm, mean_free_path=300 * nm)


@pytest.mark.parametrize(
    "make",
    [
        lambda: series_superlattice((1e-9, 1.0), (1e-9, 1.0)),
        lambda: series_superlattice((0.0, 1.0), (1e-9, 1.0), 1e8),
        lambda: series_superlattice((1e-9, 1.0), (1e-9, 1.0), Conductance([300], [1e8], drop="local")),
        lambda: spectral_superlattice(
            BOUNDARY, gray_free_path(1.0, 1.0), gray_free_path(1.0, 1.0), period=1e-8, share=0.5, temperature=300.0
        ),
        lambda: spectral_superlattice(
            BOUNDARY, gray_free_path(1.0, 1.0), gray_free_path(1.0, 1.0), period=1e-8, share=1.0, temperature=300.0
        ),
        lambda: miniband_conductivity(2.0, 10.0, [1.5]),
        lambda: miniband_conductivity(2.0, 10.0, [1000]),
        lambda: miniband_conductivity(0.0, 10.0, [2]),
        lambda: miniband_conductivity(2.0, 0.1, [2]),
        lambda: polycrystal(1.0, 1e8, grain=0.0),
        lambda: polycrystal([1.0, 2.0], 1e8, grain=[1e-9, 1e-8, 1e-7]),
        lambda: polycrystal(1.0, 1e8, grain=1e-6, count="both"),
        lambda: grain_limited_conductivity(gray_free_path(1.0, 1.0), GrainScattering(1e-7, 1.0)),
    ],
)
def test_wrong_input_is_refused(make):
    with pytest.raises(InputError):
        make()


def test_minibands_are_spread_over_an_executor(tmp_path, check_long_work):
    check_long_work(lambda **run: miniband_conductivity(2.0, 10.0, [1, 2], **run))
    want = miniband_conductivity(2.0, 10.0, [1, 2])
    with ThreadPoolExecutor(2) as pool:
        found = miniband_conductivity(2.0, 10.0, [1, 2], executor=pool, store=kapitza.run.Store(tmp_path / "a"))
    np.testing.assert_array_equal(found.value, want.value)
    assert len([path for path in (tmp_path / "a").rglob("*") if path.is_file()]) == 3


def test_a_measured_boundary_takes_the_place_of_that_of_the_theory():
    """Its own conductance changes nothing; another one is in series with the rest of a period."""
    found = superlattice_conductivity(BOUNDARY, (SI, 148.0), (GE, 60.0), period=PERIODS, share=0.3, temperature=300.0)
    extrapolated = float(BOUNDARY.conductance(300.0, "extrapolated").value[0])
    same = with_measured_boundary(found, 148.0, 60.0, extrapolated)
    np.testing.assert_allclose(same.series, found.series, rtol=1e-12, atol=0)
    ballistic = float(found.ballistic[0] / PERIODS[0] * 2)  # of one boundary: a period has two
    same = with_measured_boundary(found, 148.0, 60.0, ballistic)
    np.testing.assert_allclose(same.ballistic, found.ballistic, rtol=1e-12, atol=0)
    np.testing.assert_allclose(same.spectral, found.spectral, rtol=1e-12, atol=0)
    other = with_measured_boundary(found, 148.0, 60.0, 50 * MW)
    np.testing.assert_allclose(other.ballistic, PERIODS * 50 * MW / 2, rtol=1e-12, atol=0)
    added = 2 / (50 * MW) - 2 / ballistic
    np.testing.assert_allclose(PERIODS / other.spectral - PERIODS / found.spectral, added, rtol=1e-6, atol=0)
