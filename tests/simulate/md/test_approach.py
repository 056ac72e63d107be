"""Relaxation: exact limits, an independent solution on a grid, noise with memory, and the choice of the model."""

from typing import Any

import numpy as np
import pytest
from scipy.linalg import eigh

from kapitza.errors import InputError
from kapitza.simulate.md.analysis.relaxation import (
    RelaxationData,
    ThermalSlab,
    fit_relaxation,
    relaxation_modes,
    slab_decay,
)

G = 100e6  # W m⁻² K⁻¹
CAPACITY = 1.6e6  # J m⁻³ K⁻¹
KELVIN = 300.0


def grid(left: ThermalSlab, right: ThermalSlab, cells: int = 300) -> tuple[Any, Any]:
    """Rates and weights of the difference of the means, from finite volumes of both slabs."""
    sizes = np.repeat([left.length / cells, right.length / cells], cells)
    kappa = np.repeat([left.conductivity, right.conductivity], cells)
    heat = np.repeat([left.capacity, right.capacity], cells) * sizes
    half = sizes / 2 / kappa
    bond = 1 / (half[:-1] + half[1:])
    bond[cells - 1] = 1 / (half[cells - 1] + half[cells] + 1 / G)
    matrix = np.diag(np.append(bond, 0.0) + np.append(0.0, bond)) - np.diag(bond, 1) - np.diag(bond, -1)
    rates, modes = eigh(matrix, np.diag(heat))
    start = np.repeat([1.0, 0.0], cells)
    watched = np.repeat([1 / cells, -1 / cells], cells)
    weights = (watched @ modes) * (modes.T @ (heat * start))
    return rates[1:], weights[1:]


def noisy(curve: Any, replicas: int, size: float, memory: float, rng: np.random.Generator) -> Any:
    """Curves with first-order autoregressive noise of this size."""
    noise = rng.standard_normal((replicas, curve.size))
    for i in range(1, curve.size):
        noise[:, i] = memory * noise[:, i - 1] + np.sqrt(1 - memory**2) * noise[:, i]
    return curve + size * noise


SLABS = ThermalSlab(20e-9, CAPACITY, 5.0), ThermalSlab(40e-9, 1.2e6, 3.0)
TIME = np.linspace(0, 1.5e-9, 301)


def test_modes_are_those_of_a_grid():
    rates, weights = relaxation_modes(G, *SLABS)
    exact, shares = grid(*SLABS)
    np.testing.assert_allclose(rates[:4], exact[:4], rtol=2e-4, atol=0)
    np.testing.assert_allclose(weights[:4], shares[:4], rtol=1e-3, atol=0)
    curve = np.exp(-np.outer(TIME[1:], exact)) @ shares
    np.testing.assert_allclose(slab_decay(TIME[1:], G, *SLABS), curve, rtol=2e-3, atol=0)


def test_equal_slabs_have_poles_that_coincide():
    same = ThermalSlab(20e-9, CAPACITY, 5.0)
    rates, weights = relaxation_modes(G, same, same)
    exact, shares = grid(same, same)
    seen = np.abs(shares) > 1e-9
    np.testing.assert_allclose(rates[:3], exact[seen][:3], rtol=2e-4, atol=0)
    np.testing.assert_allclose(weights[:3], shares[seen][:3], rtol=1e-3, atol=0)


def test_good_conductors_relax_as_bodies():
    left, right = ThermalSlab(20e-9, CAPACITY, 1e5), ThermalSlab(40e-9, 1.2e6, 1e5)
    rate = G * (1 / left.areal_capacity + 1 / right.areal_capacity)
    np.testing.assert_allclose(relaxation_modes(G, left, right)[0][0], rate, rtol=1e-3, atol=0)
    np.testing.assert_allclose(
        slab_decay(TIME, G, ThermalSlab(20e-9, CAPACITY), ThermalSlab(40e-9, 1.2e6)), np.exp(-rate * TIME), rtol=1e-9
    )


def test_the_grid_gives_its_conductance():
    exact, shares = grid(*SLABS)
    curve = 30 * np.exp(-np.outer(TIME[2:], exact)) @ shares
    data = RelaxationData(TIME[2:], curve[None], *SLABS, KELVIN)
    found = fit_relaxation(data)
    assert found.model == "slabs"
    np.testing.assert_allclose(found.conductance.value[0], G, rtol=5e-3, atol=0)
    np.testing.assert_allclose(found.biot, G * (20e-9 / 5 + 40e-9 / 3), rtol=1e-2, atol=0)
    lumped = fit_relaxation(data, model="lumped")
    assert lumped.conductance.value[0] < 0.8 * G
    assert any("Biot" in reason for reason in lumped.reasons)
    assert (found.conductance.drop, found.conductance.statistics) == ("extrapolated", "classical")


def test_conductivities_can_be_wrong_by_one_factor():
    exact, shares = grid(*SLABS)
    curve = -30 * np.exp(-np.outer(TIME[2:], exact)) @ shares
    wrong = ThermalSlab(20e-9, CAPACITY, 7.5), ThermalSlab(40e-9, 1.2e6, 4.5)
    found = fit_relaxation(RelaxationData(TIME[2:], curve[None], *wrong, KELVIN), free=True)
    np.testing.assert_allclose(found.conductance.value[0], G, rtol=3e-2, atol=0)
    np.testing.assert_allclose(found.conductivity, [5.0, 3.0], rtol=5e-2, atol=0)
    np.testing.assert_allclose(found.amplitude, -30, rtol=1e-2, atol=0)


def test_small_biot_number_takes_the_lumped_model():
    sides = ThermalSlab(2e-9, CAPACITY, 50.0), ThermalSlab(4e-9, 1.2e6, 50.0)
    exact, shares = grid(*sides)
    time = np.linspace(0, 1.5e-10, 200)
    found = fit_relaxation(RelaxationData(time, (30 * np.exp(-np.outer(time, exact)) @ shares)[None], *sides, KELVIN))
    assert found.model == "lumped"
    np.testing.assert_allclose(found.conductance.value[0], G, rtol=2e-2, atol=0)


def test_a_difference_in_noise_is_not_resolved():
    """Noise of four times the difference that decays hides its rate."""
    rng = np.random.default_rng(3)
    time = TIME[::5]
    found = fit_relaxation(
        RelaxationData(time, noisy(30 * slab_decay(time, G, *SLABS), 1, 120.0, 0.7, rng), *SLABS, KELVIN)
    )
    assert found.conductance.sigma[0] > found.conductance.value[0] / 2
    assert any("not resolved" in reason for reason in found.reasons)


@pytest.mark.slow
@pytest.mark.parametrize("replicas", [8, 1])
def test_intervals_cover(replicas: int):
    """50 experiments with noise that remembers 3 samples: 95 % intervals cover 88 % or more."""
    from kapitza.core.student import student_quantile

    rng = np.random.default_rng(replicas)
    time = TIME[::5]
    curve = 30 * slab_decay(time, G, *SLABS)
    inside, values = [], []
    for _ in range(50):
        data = RelaxationData(time, noisy(curve, replicas, 1.0, 0.7, rng), *SLABS, KELVIN)
        found = fit_relaxation(data)
        sigma = np.hypot(found.statistical * student_quantile(0.95, found.freedom), 1.96 * found.start)
        inside.append(abs(found.conductance.value[0] - G) < sigma)
        values.append(found.conductance.value[0])
    assert np.mean(inside) >= 0.88
    assert abs(np.mean(values) - G) < 3 * np.std(values) / np.sqrt(50) + 0.01 * G


def test_faults_are_named():
    with pytest.raises(InputError, match="wanted \\(replicas"):
        RelaxationData(TIME, np.zeros((2, 3)), *SLABS, KELVIN)
    flat = RelaxationData(TIME, np.full((1, TIME.size), 10.0), *SLABS, KELVIN, name="x")
    with pytest.raises(InputError, match="until it decays"):
        fit_relaxation(flat)
    with pytest.raises(InputError, match="10 or more"):
        fit_relaxation(flat, after=1.49e-9)
    bodies = RelaxationData(TIME, np.full((1, TIME.size), 10.0), ThermalSlab(1e-8, 1e6), ThermalSlab(1e-8, 1e6), KELVIN)
    with pytest.raises(InputError, match="needs the conductivities"):
        fit_relaxation(bodies, model="slabs")
    short = TIME[:60] / 4
    early = RelaxationData(short, 30 * slab_decay(short, G, *SLABS)[None], *SLABS, KELVIN)
    assert any("run longer" in reason for reason in fit_relaxation(early).reasons)
