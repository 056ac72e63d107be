"""The grid integrates every smooth piece to rounding, from a microkelvin up."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapitza.core.occupation import mode_heat_capacity, thermal_energy
from kapitza.core.quadrature import frequency_grid, merge_edges, panel_quadrature, trapezoid_weights
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError, ValidityWarning
from kapitza.units import THz, c_light, h, hbar, k_B

tops = st.floats(0.5, 60)


@given(st.lists(tops, min_size=1, max_size=6, unique=True))
def test_weights_fill_the_spectrum_and_nodes_avoid_the_edges(tops):
    edges = np.sort(tops) * THz
    if np.diff(edges, prepend=0).min() < 1e-6 * edges[-1]:
        return
    grid = frequency_grid(edges)
    np.testing.assert_allclose(grid.weight.sum(), edges[-1], rtol=1e-13, atol=0)
    assert (np.diff(grid.omega) > 0).all()
    assert (grid.weight > 0).all()
    for edge in edges:  # an integral up to each edge is exact: no panel lies across it
        below = grid.omega < edge
        np.testing.assert_allclose(grid.weight[below].sum(), edge, rtol=1e-12, atol=0)


@given(st.floats(1, 50), st.floats(0, 6))
def test_powers_up_to_each_edge_are_exact(top, power):
    grid = frequency_grid([0.37 * top * THz, top * THz])
    got = grid.weight @ (grid.omega / (top * THz)) ** power
    np.testing.assert_allclose(got, top * THz / (power + 1), rtol=1e-6, atol=0)


@pytest.mark.parametrize("top", [2, 10, 40])
@pytest.mark.parametrize("temperature", [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 5.0])
def test_cubic_law_from_microkelvin_up(top, temperature):
    r"""M = S ω²/4π carries G = (π² k_B⁴/30 ħ³) S T³ as long as the top of the spectrum is frozen out."""
    x = hbar * top * THz / (k_B * temperature)
    if x < 35:
        return
    grid = frequency_grid([top * THz])
    sound = 1 / 5000.0**2
    modes = sound * grid.omega**2 / (4 * np.pi)
    got = Transmission(grid.omega, modes, weight=grid.weight).conductance(temperature).value
    want = np.pi**2 * k_B**4 / (30 * hbar**3) * sound * temperature**3
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=0)


def test_the_cubic_law_is_near_rounding_where_it_should_be():
    grid = frequency_grid([10 * THz])
    modes = grid.omega**2
    got = mode_heat_capacity(grid.omega, [1e-3, 0.3]) @ (modes * grid.weight)
    want = 4 * np.pi**4 / 15 * k_B * (k_B * np.array([1e-3, 0.3]) / hbar) ** 3
    np.testing.assert_allclose(got, want, rtol=1e-8, atol=0)


@given(st.floats(1, 60), st.floats(-12, -6), st.sampled_from([1, 3]))
def test_where_the_cubic_law_is_lost_a_warning_says_so(top, exponent, power):
    """Either the law holds, or the user is told; classical statistics has no peak to miss."""
    grid = frequency_grid([top * THz])
    spectrum = Transmission(grid.omega, grid.omega ** (power - 1), weight=grid.weight)
    temperature = 10.0**exponent
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        got = spectrum.conductance(temperature).value
    if caught:
        assert all(issubclass(one.category, ValidityWarning) for one in caught)
        assert hbar * grid.omega[0] > 0.29 * k_B * temperature
    else:
        factor = {1: np.pi**2 / 3, 3: 4 * np.pi**4 / 15}[power]
        want = factor * k_B * (k_B * temperature / hbar) ** power / (2 * np.pi)
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=0)
    spectrum.conductance(temperature, statistics="classical")


def test_no_warning_where_nothing_crosses_at_low_frequency():
    gapped = Transmission([1 * THz, 2 * THz, 3 * THz], [0.0, 1.0, 1.0])
    gapped.conductance(0.1)
    with pytest.warns(ValidityWarning, match=r"holds above 160 K, not at 0\.1 K"):
        Transmission([1 * THz, 2 * THz], [1.0, 1.0]).conductance([0.1, 300])


def test_stefan_boltzmann(published):
    """Photons of two polarisations, M = ω²/2πc², carry σT⁴: a published number for the one-way power."""
    entry = published("core", "stefan_boltzmann")
    grid = frequency_grid([100 * k_B * 300 / hbar])
    modes = 2 * grid.omega**2 / (4 * np.pi * c_light**2)
    got = thermal_energy(grid.omega, [300.0]) @ (modes * grid.weight) / (2 * np.pi) / 300**4
    np.testing.assert_allclose(got, entry["value"], rtol=entry["tolerance"], atol=0)


def test_quantum_of_thermal_conductance(published):
    entry = published("core", "conductance_quantum")
    grid = frequency_grid([100 * THz])
    one = Transmission(grid.omega, np.ones_like(grid.omega), weight=grid.weight)
    for temperature in (0.1, 4.0, 77.0):
        got = one.conductance(temperature).value / temperature
        np.testing.assert_allclose(got, np.pi**2 * k_B**2 / (3 * h), rtol=1e-7, atol=0)
        np.testing.assert_allclose(got, entry["value"], rtol=entry["tolerance"], atol=0)


def test_edges_that_are_the_same_are_merged():
    got = merge_edges(np.array([1.0, 5.0]) * THz, np.array([5.0 * (1 + 1e-12), 7.0]) * THz)
    np.testing.assert_allclose(got, np.array([1.0, 5.0, 7.0]) * THz, rtol=1e-11, atol=0)
    assert merge_edges(np.array([3.0]), np.array([3.0])).size == 1


def test_the_top_stays_when_its_neighbour_is_merged():
    top = 5.0 * (1 + 1e-12) * THz
    assert merge_edges(np.array([1.0, 5.0]) * THz, np.array([top]))[-1] == top


def test_edges_that_are_none():
    for wrong in ([], [0.0], [3.0, 2.0], [1.0, np.inf], [np.nan]):
        with pytest.raises(InputError):
            frequency_grid(wrong)


def test_panels_integrate_polynomials_exactly():
    bounds = np.array([[0.0, 0.3, 2.0], [-1.0, 0.5, 0.7]])
    x, weight = panel_quadrature(bounds, 4)
    assert x.shape == weight.shape == (2, 8)
    want = (bounds[:, -1] ** 8 - bounds[:, 0] ** 8) / 8
    np.testing.assert_allclose(np.sum(weight * x**7, axis=1), want, rtol=1e-13, atol=0)


def test_panels_with_roots_at_their_bounds():
    """Half of the unit circle; and one node still integrates a constant exactly."""
    x, weight = panel_quadrature(np.array([-1.0, 1.0]), 16, roots=True)
    np.testing.assert_allclose(np.sqrt(1 - x**2) @ weight, np.pi / 2, rtol=1e-13, atol=0)
    x, weight = panel_quadrature(np.array([0.0, 2.0]), 1, roots=True)
    np.testing.assert_allclose([x[0], weight[0]], [1, 2], rtol=1e-15, atol=0)


def test_trapezoid_weights_integrate_lines_exactly():
    x = np.array([0.0, 0.1, 0.7, 2.0])
    np.testing.assert_allclose(trapezoid_weights(x) @ (3 * x + 1), 8, rtol=1e-15, atol=0)
