"""Four roads to one conductance: Landauer, slope of the one-way power, noise, Onsager; and finite differences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapitza.core.heat_flow import (
    conductance_from_noise,
    equilibrium_power,
    finite_drop_conductance,
    heat_flow_noise,
    heat_flux,
    onsager_coefficient,
)
from kapitza.core.quadrature import frequency_grid
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError
from kapitza.matter.isotropic import Solid
from kapitza.theory.dmm import dmm
from kapitza.units import c_light, hbar, k_B

AL = Solid("Al", 2700, 6420, 3040, 6.026e28)
SI = Solid("Si", 2330, 9000, 5400, 4.994e28)
AL_SI = dmm(AL, SI)

temperatures = st.floats(0.05, 1500)
statistics = st.sampled_from(["quantum", "classical"])


def slope(function, at: float, step: float) -> float:
    """Derivative by eighth-order central differences."""
    factors = np.array([4 / 5, -1 / 5, 4 / 105, -1 / 280])
    reach = step * np.arange(1, 5)
    return float(factors @ (function(at + reach) - function(at - reach)) / step)


@given(temperatures, statistics)
def test_the_slope_of_the_one_way_power_is_the_landauer_conductance(temperature, kind):
    got = slope(lambda t: equilibrium_power(AL_SI, t, kind), temperature, 0.01 * temperature)
    want = AL_SI.conductance(temperature, statistics=kind).value[0]
    np.testing.assert_allclose(got, want, rtol=1e-8, atol=0)


@given(temperatures, statistics)
def test_noise_and_onsager_hold_the_same_conductance(temperature, kind):
    want = AL_SI.conductance(temperature, statistics=kind).value
    found = heat_flow_noise(AL_SI, temperature, kind)
    np.testing.assert_allclose(found, 2 * k_B * temperature**2 * want, rtol=1e-11, atol=0)
    np.testing.assert_allclose(conductance_from_noise(found, temperature), want, rtol=1e-11, atol=0)
    linear = onsager_coefficient(AL_SI, temperature, kind)
    np.testing.assert_allclose(linear.conductance().value, want, rtol=1e-14, atol=0)
    assert linear.conductance().drop == "emitted"


def test_onsager_is_the_slope_against_inverse_temperature():
    """A second road: dq/d(1/T) with both reservoirs around 1/300 K."""
    got = slope(lambda b: equilibrium_power(AL_SI, 1 / b), 1 / 300, 1e-3 / 300)
    np.testing.assert_allclose(-got, onsager_coefficient(AL_SI, 300).coefficient[0], rtol=1e-9, atol=0)


def test_the_onsager_record_of_classical_statistics_says_so():
    assert onsager_coefficient(AL_SI, 300, "classical").conductance().statistics == "classical"


@given(st.floats(1, 1000), st.floats(1, 1000), statistics)
def test_heat_flows_downhill_and_as_much_in_either_direction(hot, cold, kind):
    there = heat_flux(AL_SI, left=hot, right=cold, statistics=kind)
    back = heat_flux(AL_SI, left=cold, right=hot, statistics=kind)
    np.testing.assert_array_equal(there, -back)
    assert np.sign(there) == np.sign(hot - cold)


@given(st.floats(5, 600), st.floats(0.01, 1.9))
def test_at_fixed_mean_temperature_the_conductance_is_even(mean, share):
    one, other = finite_drop_conductance(AL_SI, mean, [share * mean, -share * mean])
    np.testing.assert_allclose(one, other, rtol=1e-10, atol=0)


@pytest.mark.parametrize("mean", [20.0, 100.0, 300.0])
def test_the_first_departure_is_the_curvature_over_24(mean):
    def conductance(t):
        return AL_SI.conductance(np.sort(t)).value

    difference = 0.05 * mean
    step = 0.05 * mean
    around = conductance(mean + step * np.arange(-4, 5))
    stencil = np.array([-1 / 560, 8 / 315, -1 / 5, 8 / 5, -205 / 72, 8 / 5, -1 / 5, 8 / 315, -1 / 560])
    curvature = stencil @ around / step**2
    departure = finite_drop_conductance(AL_SI, mean, difference)[0] - around[4]
    np.testing.assert_allclose(departure, curvature * difference**2 / 24, rtol=5e-3, atol=0)


def test_at_fixed_cold_side_it_is_wrong_in_the_first_order():
    """What the fixed mean avoids: 1 % of ΔT then shifts G by about half a percent of its slope."""
    base, difference = 50.0, 0.5
    fixed_side = heat_flux(AL_SI, left=base + difference, right=base)[0] / difference
    fixed_mean = finite_drop_conductance(AL_SI, base, difference)[0]
    exact = AL_SI.conductance(base).value[0]
    assert abs(fixed_side / exact - 1) > 100 * abs(fixed_mean / exact - 1)


def test_classical_flux_is_linear_in_the_difference():
    got = finite_drop_conductance(AL_SI, 300, [1.0, 100.0, 599.0], "classical")
    np.testing.assert_allclose(got, AL_SI.conductance(300, statistics="classical").value[0], rtol=1e-12, atol=0)


def test_stefan_boltzmann(published):
    entry = published("core", "stefan_boltzmann")
    grid = frequency_grid([100 * k_B * 500 / hbar])
    photons = Transmission(grid.omega, grid.omega**2 / (2 * np.pi * c_light**2), weight=grid.weight, method="photons")
    got = equilibrium_power(photons, [77, 300, 500]) / np.array([77, 300, 500]) ** 4
    np.testing.assert_allclose(got, entry["value"], rtol=entry["tolerance"], atol=0)
    np.testing.assert_allclose(
        photons.conductance(300).value, 4 * entry["value"] * 300**3, rtol=entry["tolerance"], atol=0
    )


def test_an_inelastic_spectrum_has_no_power_at_other_temperatures():
    spectrum = Transmission([1e12, 2e12], [1, 1], elastic=False, temperature=300.0, method="capped")
    for call in (equilibrium_power, heat_flow_noise):
        with pytest.raises(InputError, match="capped is inelastic and known at 300 K only"):
            call(spectrum, 300)
    with pytest.raises(InputError, match="inelastic"):
        heat_flux(spectrum, left=310, right=290)


def test_reservoirs_below_zero_and_differences_of_nothing():
    with pytest.raises(InputError, match="no flux"):
        finite_drop_conductance(AL_SI, 300, 0)
    with pytest.raises(InputError, match="above 0 K"):
        finite_drop_conductance(AL_SI, 300, 600)
    with pytest.raises(InputError, match="above 0 K"):
        heat_flux(AL_SI, left=300, right=-1)
    with pytest.raises(InputError):
        finite_drop_conductance(AL_SI, [100, 200, 300], [1, 2])
