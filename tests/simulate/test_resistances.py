"""Walls, boundaries, films and superlattices by themselves."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from kapitza.applications.film import film_cross_plane
from kapitza.applications.free_paths import FreePaths
from kapitza.errors import InputError
from kapitza.run.store import Store
from kapitza.simulate.boltzmann.boundaries import InterfaceScattering, reverse_boundary
from kapitza.simulate.boltzmann.carriers import band_carriers, gray_carriers
from kapitza.simulate.boltzmann.layered.resistances import (
    film_conductivities,
    fourier_error,
    fourier_scale,
    interface_conductances,
    superlattice_conductivities,
    superlattice_resistances,
    wall_slip,
)
from kapitza.simulate.boltzmann.layered.transport import Film, transport

PATH = 4.1e-8
GRAY = gray_carriers("gray", heat_capacity=1.66e6, velocity=6400.0, mean_free_path=PATH)


def test_slip_of_a_black_wall_is_hopfs(published):
    known = published("core", "hopf_constant")
    got = wall_slip(GRAY) * GRAY.conductivity / PATH
    np.testing.assert_allclose(got, known["value"], rtol=known["tolerance"], atol=0)


@pytest.mark.parametrize("specular", [0.1, 0.5, 0.9, 0.99])
def test_slip_of_a_partly_specular_wall(specular):
    """Near the value of a wall that reflects diffusely, 0.7104 + (4/3) p/(1 - p), and above it by 1.5 % at most."""
    got = wall_slip(GRAY, specular=specular) * GRAY.conductivity / PATH
    diffuse = 0.7104460896 + 4 / 3 * specular / (1 - specular)
    assert diffuse < got < 1.015 * diffuse


def test_slip_is_no_kapitza_resistance():
    """A plane in one medium that mixes everything shows two slips, and a specular open one nothing."""
    found = interface_conductances(GRAY, GRAY, InterfaceScattering(coefficient=0.5))
    flow = GRAY.flow[0]
    np.testing.assert_allclose(found["emitted"].value, 0.5 * flow, rtol=1e-9, atol=0)
    np.testing.assert_allclose(found["extrapolated"].resistance, 2 * wall_slip(GRAY), rtol=1e-6, atol=0)
    none = interface_conductances(GRAY, GRAY, InterfaceScattering(coefficient=1.0, specular=1.0))
    assert abs(none["extrapolated"].resistance[0]) < 1e-6 * wall_slip(GRAY)


def test_fourier_with_slips_is_good_enough_from_a_number_on():
    """Gray film: 6.6 % off at worst (thin), 0.5 % at one mean free path, 0.04 % at 2.4 of them."""
    error = [fourier_error([Film(x * PATH, GRAY)]) for x in (1e-3, 1.0, 2.5, 20.0)]
    np.testing.assert_allclose(error[0], 2 * 0.7104460896 * 0.75 - 1, rtol=2e-2, atol=0)
    assert 0.003 < error[1] < 0.006
    assert abs(error[2]) < 1e-3
    assert abs(error[3]) < 1e-7


def test_the_scale_from_which_fourier_is_good_enough():
    """Gray: 1 % from about 0.6 mean free paths on, 7 % at any thickness."""
    film = [Film(PATH, GRAY)]
    scale = fourier_scale(film, tolerance=0.01)
    assert 0.4 < scale < 0.9
    for factor, inside in ((1.02, True), (0.7, False)):
        off = fourier_error([Film(PATH * scale * factor, GRAY)])
        assert (abs(off) < 0.01) == inside
    np.testing.assert_allclose(fourier_scale(film, tolerance=0.07), 1e-4, rtol=1e-9, atol=0)
    with pytest.raises(InputError, match="above 0"):
        fourier_scale(film, tolerance=0.0)


def test_films_conduct_as_closed_forms():
    """Thin: E L; thick: κ/(1 + 4/3·1.0657 Kn...) by the slips."""
    thickness = np.array([1e-12, 1e-4])
    got = film_conductivities(GRAY, thickness)
    slip = 1 / (1 + 2 * 0.7104460896 * PATH / thickness[1])
    np.testing.assert_allclose(got, [GRAY.flow[0] * thickness[0], GRAY.conductivity * slip], rtol=1e-4, atol=0)


def test_films_against_another_solution():
    """Second road: piecewise linear temperatures in the integral equation, for three free paths."""
    path, share = np.array([1e-8, 6e-8, 5e-7]), np.array([40.0, 70.0, 38.0])
    medium = band_carriers("x", 3 * share / (5000 * path), np.full(3, 5000.0), path)
    thickness = np.array([5e-9, 1e-7, 2e-6])
    got = film_conductivities(medium, thickness)
    np.testing.assert_allclose(got, film_cross_plane(FreePaths(path, share), thickness), rtol=2e-4, atol=0)


def test_superlattices_between_their_limits():
    """Short periods: a Landauer channel for each boundary; long ones: Fourier with the extrapolated resistance."""
    other = gray_carriers("b", heat_capacity=1.2e6, velocity=4000.0, mean_free_path=2e-8)
    crossing = InterfaceScattering(coefficient=0.4)
    period = np.array([1e-12, 1e-5])
    got = superlattice_conductivities(GRAY, other, crossing, period)
    resistance = float(interface_conductances(GRAY, other, crossing)["extrapolated"].resistance[0])
    long = period[1] / (period[1] / 2 / GRAY.conductivity + period[1] / 2 / other.conductivity + 2 * resistance)
    np.testing.assert_allclose(got[1], long, rtol=1e-6, atol=0)
    effective = superlattice_resistances(GRAY, other, crossing, period)
    np.testing.assert_allclose(effective[1], resistance, rtol=1e-6, atol=0)
    # two diffuse planes without scattering between them: 1/X - 1/(2 E_1) - 1/(2 E_2) each
    flow = crossing.flow(GRAY, other)[0]
    thin = period[0] / (2 / flow - 1 / GRAY.flow[0] - 1 / other.flow[0])
    np.testing.assert_allclose(got[0], thin, rtol=1e-4, atol=0)


def test_a_boundary_turned_round_passes_the_same():
    other = gray_carriers("b", heat_capacity=1.2e6, velocity=4000.0, mean_free_path=2e-8)
    crossing = InterfaceScattering(coefficient=0.4)
    back = reverse_boundary(crossing, GRAY, other)
    np.testing.assert_allclose(back.flow(other, GRAY), crossing.flow(GRAY, other), rtol=1e-12, atol=0)


def test_layers_too_thin_for_a_straight_part_are_refused():
    with pytest.raises(InputError, match="take at least"):
        interface_conductances(GRAY, GRAY, InterfaceScattering(coefficient=0.5), thickness=1e-7)
    np.testing.assert_allclose(GRAY.path_quantile(0.5), PATH, rtol=1e-12, atol=0)
    with pytest.raises(InputError, match="share = 0"):
        superlattice_conductivities(GRAY, GRAY, InterfaceScattering(coefficient=0.5), [1e-8], share=0.0)


def test_repeating_stacks_have_boundaries_with_definitions():
    found = transport([Film(1e-7, GRAY)], [InterfaceScattering(coefficient=0.5)], period=1.0)
    held = found.resistances()["gray|gray"]
    np.testing.assert_allclose(found.resistance, 1e-7 / GRAY.conductivity + held["extrapolated"], rtol=1e-9, atol=0)
    np.testing.assert_allclose(held["emitted"], 2 / GRAY.flow[0], rtol=1e-7, atol=0)


def test_series_of_stacks_are_kept_and_shared(tmp_path):
    """An executor and a store change no digit, and what is in the store is not computed again."""
    other = gray_carriers("b", heat_capacity=2e6, velocity=4000.0, mean_free_path=2e-8)
    crossing, store, counts = InterfaceScattering(coefficient=0.3), Store(tmp_path), []
    digits = []
    with ThreadPoolExecutor(2) as pool:
        for run in ({}, {"store": store, "executor": pool}, {"store": store}):
            progress = {} if not run else {"progress": lambda done, total: counts.append((done, total))}
            films = film_conductivities(GRAY, [1e-9, 1e-7], **run, **progress)
            layers = superlattice_conductivities(GRAY, other, (crossing, crossing), [1e-8, 1e-6], **run)
            scale = fourier_scale([Film(3e-7, GRAY)], tolerance=0.01, **run)
            digits.append([*films, *layers, scale])
    assert digits[0] == digits[1] == digits[2]
    assert counts == [(0, 2), (1, 2), (2, 2), (2, 2)]
