"""Occupation of one vibration: limits, a second road by high-precision arithmetic, and published constants."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapitza.core.occupation import bose_einstein, energy_variance, mode_heat_capacity, thermal_energy
from kapitza.errors import InputError
from kapitza.units import N_A, THz, h, hbar, k_B

temperatures = st.floats(1e-3, 2000)
frequencies = st.floats(1e8, 3e14)


def by_decimals(omega: float, temperature: float) -> tuple[float, float]:
    """Occupation and heat capacity in 60 digits."""
    with localcontext() as context:
        context.prec = 60
        x = Decimal(hbar) * Decimal(omega) / (Decimal(k_B) * Decimal(temperature))
        n = 1 / (x.exp() - 1)
        return float(n), float(Decimal(k_B) * x * x * n * (n + 1))


@given(omega=frequencies, temperature=temperatures)
def test_heat_capacity_lies_between_frozen_and_classical(omega, temperature):
    got = mode_heat_capacity([omega], [temperature])[0, 0]
    assert 0 <= got <= k_B * (1 + 1e-15)
    assert mode_heat_capacity([omega], [temperature], "classical")[0, 0] == k_B


@given(omega=frequencies, temperature=temperatures)
def test_occupation_and_heat_capacity_equal_sixty_digits(omega, temperature):
    if hbar * omega / (k_B * temperature) > 600:
        return
    n, capacity = by_decimals(omega, temperature)
    np.testing.assert_allclose(bose_einstein([omega], [temperature])[0, 0], n, rtol=5e-13, atol=0)
    np.testing.assert_allclose(mode_heat_capacity([omega], [temperature])[0, 0], capacity, rtol=5e-13, atol=0)


@given(omega=frequencies, temperature=temperatures)
def test_variance_is_the_heat_capacity_times_k_B_T_squared(omega, temperature):
    for statistics in ("quantum", "classical"):
        variance = energy_variance([omega], [temperature], statistics)
        capacity = mode_heat_capacity([omega], [temperature], statistics)
        np.testing.assert_allclose(variance, k_B * temperature**2 * capacity, rtol=1e-11, atol=0)


@given(omega=frequencies, temperature=temperatures)
def test_heat_capacity_is_the_slope_of_the_energy(omega, temperature):
    """Eighth-order differences, a second road to the analytic derivative."""
    step = 0.02 * temperature / max(1.0, hbar * omega / (k_B * temperature))
    factors = np.array([4 / 5, -1 / 5, 4 / 105, -1 / 280])
    reach = step * np.arange(1, 5)
    up, down = (thermal_energy([omega], temperature + sign * reach)[:, 0] for sign in (1, -1))
    got = factors @ (up - down) / step
    want = mode_heat_capacity([omega], [temperature])[0, 0]
    if want > 1e-250:
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=0)


def test_limits_at_zero_frequency():
    np.testing.assert_allclose(thermal_energy([0.0], [300.0]), k_B * 300, rtol=1e-7, atol=0)
    np.testing.assert_allclose(mode_heat_capacity([0.0], [300.0]), k_B, rtol=1e-15, atol=0)
    np.testing.assert_allclose(energy_variance([0.0], [300.0]), (k_B * 300) ** 2, rtol=1e-15, atol=0)


def test_far_above_the_thermal_energy_everything_is_frozen_without_a_warning():
    for got in (mode_heat_capacity([1e15], [1e-3]), bose_einstein([1e15], [1e-3]), thermal_energy([1e15], [1e-3])):
        assert np.isfinite(got).all()
        assert got.max() < 1e-200


def test_one_row_a_temperature_one_column_a_frequency():
    assert mode_heat_capacity(np.array([1, 2, 3]) * THz, [10, 20]).shape == (2, 3)
    assert thermal_energy(np.array([1, 2, 3]) * THz, [10, 20], "classical").shape == (2, 3)
    assert energy_variance(np.array([1, 2, 3]) * THz, [10, 20], "classical").shape == (2, 3)


def test_dulong_and_petit(published):
    entry = published("core", "dulong_petit")
    got = 3 * N_A * mode_heat_capacity([1 * THz], [2000.0])[0, 0]
    np.testing.assert_allclose(got, entry["value"], rtol=entry["tolerance"], atol=0)


def test_a_quantum_of_one_k_B_T_holds_0_92_k_B():
    """Einstein's function at x = 1 is e/(e - 1)² = 0.920674 in every table of it."""
    np.testing.assert_allclose(mode_heat_capacity([2 * np.pi * k_B * 300 / h], [300.0]) / k_B, 0.920674, rtol=1e-6)


@pytest.mark.parametrize("wrong", [0.0, -3.0, np.inf, np.nan])
def test_temperatures_that_are_none(wrong):
    for function in (mode_heat_capacity, thermal_energy, bose_einstein, energy_variance):
        with pytest.raises(InputError):
            function([1 * THz], [wrong])


def test_the_occupation_at_zero_frequency_says_what_to_do():
    with pytest.raises(InputError, match="thermal_energy"):
        bose_einstein([0.0, 1.0], [300.0])


def test_unknown_statistics_name_the_known_ones():
    for function in (mode_heat_capacity, thermal_energy, energy_variance):
        with pytest.raises(InputError, match="'quantum' or 'classical'"):
            function([1 * THz], [300.0], "fermi")
