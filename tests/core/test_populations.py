"""Occupations of a classical simulation, made quantum once: what gain and loss of electrons compare."""

import numpy as np
import pytest

from kapitza.core.occupation import Occupation, Statistics, energy_variance
from kapitza.units import k_B, meV

ENERGY = np.array([2.0, 10.0, 60.0, 180.0]) * meV
KELVIN = np.array([[250.0, 300.0, 310.0, 280.0], [90.0, 300.0, 500.0, 120.0]])


def simulated(sigma: float = 2.0) -> Occupation:
    """Mode temperatures as molecular dynamics gives them."""
    n = k_B * KELVIN / ENERGY
    return Occupation([0.0, 1e-9], ENERGY, n, sigma * k_B / ENERGY * np.ones_like(n), statistics="classical")


def test_loss_over_gain_is_the_boltzmann_factor_of_the_mode_temperature() -> None:
    n = simulated().quantum().value
    np.testing.assert_allclose((n + 1) / n, np.exp(ENERGY / (k_B * KELVIN)), rtol=1e-12, atol=0)
    np.testing.assert_allclose(simulated().quantum().temperature(), KELVIN, rtol=1e-12, atol=0)


def test_soft_modes_lose_half_a_phonon_and_hard_ones_freeze() -> None:
    """n = kT/E - 1/2 + E/12kT - ... for soft modes."""
    classical, quantum = simulated(), simulated().quantum()
    x = ENERGY / (k_B * KELVIN)
    soft = x < 0.3
    np.testing.assert_allclose(quantum.value[soft], (1 / x - 0.5 + x / 12)[soft], rtol=1e-5, atol=0)
    assert (quantum.value < classical.value).all()
    assert quantum.value[1, 3] < 1e-6 * classical.value[1, 3]


def test_errors_of_temperatures_stay_and_a_second_time_changes_nothing() -> None:
    quantum = simulated().quantum()
    sigma = quantum.temperature_sigma()
    assert sigma is not None
    np.testing.assert_allclose(sigma, 2.0, rtol=1e-9, atol=0)
    step = 1e-3
    apart = [
        Occupation([0.0, 1e-9], ENERGY, k_B * (KELVIN + sign * step) / ENERGY, statistics="classical").quantum().value
        for sign in (1, -1)
    ]
    assert quantum.sigma is not None
    np.testing.assert_allclose(quantum.sigma, (apart[0] - apart[1]) / step, rtol=1e-4, atol=0)
    assert quantum.quantum() is quantum


@pytest.mark.parametrize("statistics", ["quantum", "classical"])
def test_equilibrium_has_its_own_temperature_and_no_departure(statistics: Statistics) -> None:
    plain = Occupation([0.0, 1e-9], ENERGY, np.ones((2, 4)), statistics=statistics)
    kelvin = np.array([250.0, 320.0])
    at_rest = Occupation([0.0, 1e-9], ENERGY, plain.equilibrium(kelvin), statistics=statistics)
    np.testing.assert_allclose(at_rest.temperature(), kelvin[:, None] * np.ones(4), rtol=1e-12, atol=0)
    assert np.abs(at_rest.departure(kelvin)).max() <= 1e-15
    double = Occupation([0.0, 1e-9], ENERGY, 2 * at_rest.value, statistics=statistics)
    np.testing.assert_allclose(double.departure(kelvin), 1.0, rtol=1e-14, atol=0)


def test_classical_energy_scatters_by_its_mean() -> None:
    """Energies of a classical mode are distributed exponentially: the standard deviation is the mean, k_B T."""
    got = energy_variance([1e13, 5e13], [100.0, 300.0], "classical")
    np.testing.assert_allclose(np.sqrt(got), k_B * np.array([[100.0] * 2, [300.0] * 2]), rtol=1e-14, atol=0)
