"""Equilibrium: laws of the admittance, series made from the model and from layers of heat, and a reference run."""

import numpy as np
import pytest
from attrs import evolve
from tests.simulate.md.layered_heat import AREA, CONDUCTANCE, EPSILON, KELVIN, SIGMA, SPACING, TAU, powers

from kapitza import units
from kapitza.core.conductance import Conductance
from kapitza.errors import ConvergenceError, InputError
from kapitza.simulate.md.analysis.equilibrium import (
    PowerFluctuations,
    convert_drop,
    expected_spectrum,
    fit_fluctuations,
    green_kubo,
)
from kapitza.simulate.md.analysis.relaxation import ThermalSlab, biot_number, boundary_admittance, relaxation_modes

G = 1.6 * CONDUCTANCE
CAPACITY = 150 * units.k_B / (AREA * SPACING * SIGMA**3)
CONDUCTIVITY = units.k_B / (TAU * SIGMA)


def slab(layers: float, conductivity: float = np.inf, ballistic: float = np.inf) -> ThermalSlab:
    return ThermalSlab(layers * SPACING * SIGMA, CAPACITY, conductivity * CONDUCTIVITY, ballistic * CONDUCTANCE)


def made(
    left: ThermalSlab, right: ThermalSlab, *, samples: int, step: float, boundaries: int, rng: np.random.Generator
) -> PowerFluctuations:
    """A series whose spectrum is the model's at every frequency."""
    omega = 2 * np.pi * np.fft.rfftfreq(samples, step)
    density = np.zeros((omega.size, boundaries))
    area, temperature = AREA * SIGMA**2, 0.25 * KELVIN
    density[1:] = 2 * units.k_B * temperature**2 * area * expected_spectrum(omega[1:], G, left, right, boundaries)
    phases = rng.standard_normal((*density.shape, 2)) @ np.array([1, 1j]) / np.sqrt(2)
    modes = np.fft.irfft(np.sqrt(density * samples / step) * phases, samples, axis=0)
    power = modes if boundaries == 1 else modes @ np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    return PowerFluctuations(power, step, area, temperature, left, right)


def test_the_lumped_limit_is_a_lorentzian():
    left, right = slab(10), slab(20)
    omega = np.geomspace(1e8, 1e13, 40)
    tau = 1 / (G * (1 / left.areal_capacity + 1 / right.areal_capacity))
    exact = G * (omega * tau) ** 2 / (1 + (omega * tau) ** 2)
    np.testing.assert_allclose(boundary_admittance(omega, G, left, right).real, exact, rtol=1e-12, atol=0)
    fast = boundary_admittance(omega, G, slab(10, 1e8), slab(20, 1e8)).real
    np.testing.assert_allclose(fast, exact, rtol=1e-4, atol=0)


def test_the_admittance_is_that_of_a_row_of_cells():
    """Diffusive slabs against the matrix of 400 cells a side, insulated and held at the far ends."""
    number, omega = 400, 2e11
    left, right = slab(20, 28.0), slab(15, 14.0)
    for held in (False, True):
        z = 0.0
        for side in (left, right):
            cell = side.length / number
            bond = side.conductivity / cell
            matrix = np.diag(np.full(number, 1j * omega * side.capacity * cell + 2 * bond)).astype(complex)
            matrix -= bond * (np.eye(number, k=1) + np.eye(number, k=-1))
            matrix[0, 0] -= bond
            matrix[-1, -1] += bond if held else -bond
            source = np.zeros(number)
            source[0] = 1.0
            z += np.linalg.solve(matrix, source)[0] + 0.5 / bond
        found = boundary_admittance([omega], G, left, right, fixed_end=held)[0]
        np.testing.assert_allclose(found, 1 / (1 / G + z), rtol=1e-4, atol=0)


def test_two_streams_go_from_one_drop_to_the_other():
    """Slow: diffusion with the extrapolated drop. Fast: reservoirs with the emitted one."""
    left, right = slab(20000, 28.0, 2.848), slab(20000, 21.0, 1.644)
    emitted = 1 / (1 / G + 0.5 / left.ballistic + 0.5 / right.ballistic)
    np.testing.assert_allclose(boundary_admittance([1e17], G, left, right)[0].real, emitted, rtol=1e-4, atol=0)
    plain = [evolve(side, ballistic=np.inf) for side in (left, right)]
    slow = 1e6
    np.testing.assert_allclose(
        boundary_admittance([slow], G, left, right), boundary_admittance([slow], G, *plain), rtol=1e-3, atol=0
    )
    there = convert_drop(Conductance([30.0], [G], [0.1 * G], statistics="classical"), [left.ballistic, right.ballistic])
    np.testing.assert_allclose(there.value, emitted, rtol=1e-12, atol=0)
    assert there.drop == "emitted"


def test_the_spectrum_has_the_energy_of_equilibrium():
    """Integral of S_q / w^2 = variance of the energy of a side, kB T^2 C_A C_B / (C_A + C_B), at any conductivity."""
    left, right = slab(10, 28.0), slab(20, 14.0)
    omega = np.geomspace(1e5, 1e17, 200_000)
    density = boundary_admittance(omega, G, left, right).real / omega**2
    integral = 2 / np.pi * np.sum((density[1:] + density[:-1]) / 2 * np.diff(omega))
    np.testing.assert_allclose(integral, 1 / (1 / left.areal_capacity + 1 / right.areal_capacity), rtol=1e-4, atol=0)


def test_relaxation_and_fluctuation_are_one_model():
    """The admittance is the sum over the modes of relaxation, and their weights sum to one."""
    left, right = slab(10, 28.0), slab(20, 14.0)
    rates, weights = relaxation_modes(G, left, right, 400)
    np.testing.assert_allclose(weights.sum(), 1, rtol=1e-3, atol=0)
    assert (np.diff(rates) > 0).all()
    omega = np.array([1e10, 1e11])
    reduced = 1 / (1 / left.areal_capacity + 1 / right.areal_capacity)
    terms = reduced * weights * rates * omega[:, None] ** 2 / (rates**2 + omega[:, None] ** 2)
    np.testing.assert_allclose(boundary_admittance(omega, G, left, right).real, terms.sum(axis=1), rtol=2e-2, atol=0)


@pytest.mark.slow
@pytest.mark.parametrize(("layers", "boundaries"), [(3, 1), (10, 2)])
def test_series_of_the_model_are_covered(layers: int, boundaries: int):
    """100 short series, Biot number 0.25 and 0.85: unbiased, 95 % intervals cover 90 to 99 %."""
    rng = np.random.default_rng(8)
    left, right = slab(layers, 28.0), slab(layers, 21.0)
    inside, values = [], []
    for _ in range(100):
        data = made(left, right, samples=4096, step=0.25 * TAU, boundaries=boundaries, rng=rng)
        found = fit_fluctuations(data, high=1.5 / TAU)
        assert found.model == "slabs"
        value, sigma = found.conductance.value[0], found.conductance.sigma[0]
        values.append(value)
        inside.append(abs(value - G) < 1.96 * sigma)
    assert 0.90 <= np.mean(inside) <= 0.99
    assert abs(np.mean(values) - G) < 3 * np.std(values) / 10 + 0.01 * G


def test_heat_in_layers_gives_its_conductance():
    """Independent of the model: stochastic heat flow through 10 + 10 layers, sampled exactly."""
    left, right = slab(10, 28.0), slab(10, 28.0)
    found = []
    for series in powers(10, conductance=1.6, conductivity=28.0, samples=8000, step=0.2, replicas=12, seed=3):
        data = PowerFluctuations(
            -series[:, None] * EPSILON / TAU, 0.2 * TAU, AREA * SIGMA**2, 0.25 * KELVIN, left, right
        )
        fit = fit_fluctuations(data, high=0.8 / TAU)
        assert fit.model == "slabs"
        found.append(fit)
    values = np.array([fit.conductance.value[0] for fit in found])
    sigmas = np.array([fit.conductance.sigma[0] for fit in found])
    assert abs(values.mean() - G) < 3 * np.sqrt(np.mean(sigmas**2) / 12) + 0.02 * G
    assert np.mean([fit.biot for fit in found]) > 0.5
    # The lumped model has the mean of the slabs as one more resistance and gives less.
    lumped = fit_fluctuations(data, high=0.8 / TAU, model="lumped")
    assert lumped.conductance.value[0] < found[-1].conductance.value[0]
    assert any("Biot" in reason for reason in lumped.reasons)
    integral = green_kubo(data, 100 * TAU, segments=5)
    assert abs(integral.value[-1]) < 4 * integral.sigma[-1]


def test_conductivities_can_be_fitted_too():
    """Two alike at the start; which side is which, sides as large do not tell."""
    rng = np.random.default_rng(2)
    left, right = slab(10, 28.0), slab(10, 14.0)
    data = made(left, right, samples=200_000, step=0.25 * TAU, boundaries=2, rng=rng)
    wrong = evolve(data, left=slab(10, 20.0), right=slab(10, 20.0))
    fixed, free = (fit_fluctuations(wrong, high=1.5 / TAU, free=f) for f in (False, True))
    assert abs(free.conductance.value[0] - G) < 3 * free.conductance.sigma[0]
    np.testing.assert_allclose(np.sort(free.conductivity / CONDUCTIVITY), [14.0, 28.0], rtol=0.25, atol=0)
    assert not free.reasons
    assert fixed.probability < free.probability


def test_a_model_that_misses_says_so():
    rng = np.random.default_rng(1)
    left, right = slab(20, 28.0), slab(20, 21.0)
    data = made(left, right, samples=100_000, step=0.25 * TAU, boundaries=1, rng=rng)
    lumped = fit_fluctuations(data, high=1.5 / TAU, model="lumped")
    assert any("misses the spectrum" in reason for reason in lumped.reasons)
    assert lumped.cutoff > lumped.statistical / 3
    assert not fit_fluctuations(data, high=1.5 / TAU).reasons


def test_what_the_record_does_not_know_is_not_resolved():
    """Solids that resist more than the boundary: a short record, and a guess of the solids, know only the sum."""
    rng = np.random.default_rng(2)
    left, right = slab(20, 2.0), slab(20, 2.0)
    for samples, resolved in ((2_000, False), (200_000, True)):
        data = made(left, right, samples=samples, step=0.25 * TAU, boundaries=1, rng=rng)
        found = fit_fluctuations(data, high=1.5 / TAU, known=0.0 if resolved else 0.5)
        relative = found.conductance.sigma[0] / found.conductance.value[0]
        assert (relative < 0.5) == resolved
        assert any("not resolved" in reason for reason in found.reasons) == (not resolved)
    short = made(left, right, samples=2_000, step=0.25 * TAU, boundaries=1, rng=np.random.default_rng(5))
    with pytest.raises(ConvergenceError, match="give their conductivities"):
        fit_fluctuations(short, high=1.5 / TAU, free=True)


def test_green_kubo_of_a_lumped_cell_falls_as_it_must():
    """G exp(-t / tau) with the lumped time."""
    rng = np.random.default_rng(5)
    left, right = slab(20), slab(20)
    data = made(left, right, samples=400_000, step=0.1 * TAU, boundaries=1, rng=rng)
    found = green_kubo(data, 20 * TAU)
    tau = 1 / (G * (1 / left.areal_capacity + 1 / right.areal_capacity))
    for time in (1.0, 5.0, 15.0):
        one = found.at(time * TAU)
        exact = G * np.exp(-time * TAU / tau)
        assert abs(one.value[0] - exact) < 4 * one.sigma[0] + 0.03 * G
        assert one.drop == "emitted"


def test_a_reference_run_agrees_with_the_jump(data):
    """0.95 +- 0.04 between reservoirs, 1.74 +- 0.15 as extrapolated; the jump of another run gives 1.61 +- 0.06."""
    raw = np.load(data("md/emd_r3_nz10.npz"))
    area = float(raw["A"]) * SIGMA**2
    cell = np.sqrt(float(raw["A"])) / 4
    length, capacity = 5 * cell * SIGMA, 12 * units.k_B / (cell * SIGMA) ** 3
    temperature = float(raw["KA"].mean() + raw["KB"].mean()) * 2 / 3 / 1280 * KELVIN
    solids = 2.848 * CONDUCTANCE, 1.644 * CONDUCTANCE
    left, right = (
        ThermalSlab(length, capacity, k * CONDUCTIVITY, b) for k, b in ((28.0, solids[0]), (21.5, solids[1]))
    )
    flow = PowerFluctuations(
        raw["Q"].astype(float) * EPSILON / TAU, float(raw["dtS"]) * TAU, area, temperature, left, right
    )
    reservoirs = green_kubo(flow, 10 * TAU).at(TAU)
    np.testing.assert_allclose(reservoirs.value[0] / CONDUCTANCE, 0.95, atol=0.04, rtol=0)
    extrapolated = convert_drop(reservoirs, solids)
    assert extrapolated.sigma is not None
    difference = extrapolated.value[0] / CONDUCTANCE - 1.61
    assert abs(difference) < 2 * np.hypot(extrapolated.sigma[0] / CONDUCTANCE, 0.06)
    fit = fit_fluctuations(flow, high=0.9 / TAU)
    assert fit.model == "slabs"
    assert fit.conductance.sigma is not None
    sigma = fit.conductance.sigma[0] / CONDUCTANCE
    assert sigma < 0.35
    assert abs(fit.conductance.value[0] / CONDUCTANCE - 1.61) < 2 * np.hypot(sigma, 0.06)
    lumped = fit_fluctuations(flow, high=0.9 / TAU, model="lumped")
    assert any("Biot" in reason for reason in lumped.reasons)


def test_conversion_there_and_back():
    start = Conductance([30.0], [0.95 * CONDUCTANCE], [0.04 * CONDUCTANCE], "emitted", statistics="classical")
    solids = [2.848 * CONDUCTANCE, 1.644 * CONDUCTANCE]
    there = convert_drop(start, solids)
    # 1 / (1 / 0.95 - (1 / 2.848 + 1 / 1.644) / 2) by hand.
    np.testing.assert_allclose(there.value[0] / CONDUCTANCE, 1.7454, rtol=1e-3, atol=0)
    assert there.sigma is not None
    np.testing.assert_allclose(there.sigma[0] / CONDUCTANCE, 0.04 * (1.7454 / 0.95) ** 2, rtol=1e-3, atol=0)
    back = convert_drop(there, solids)
    np.testing.assert_allclose(back.value, start.value, rtol=1e-12, atol=0)
    with pytest.raises(InputError, match="quantum"):
        convert_drop(Conductance([30.0], [1e8]), solids)
    with pytest.raises(InputError, match="less than the solids"):
        convert_drop(evolve(start, value=[10 * CONDUCTANCE]), solids)


def test_faults_are_named():
    data = made(
        slab(10, 28.0), slab(10, 28.0), samples=512, step=0.25 * TAU, boundaries=1, rng=np.random.default_rng(0)
    )
    with pytest.raises(InputError, match="20 or more"):
        fit_fluctuations(data, high=0.05 / TAU)
    with pytest.raises(InputError, match="half of what the sampling"):
        fit_fluctuations(data, high=20 / TAU)
    with pytest.raises(InputError, match="needs the conductivities"):
        fit_fluctuations(evolve(data, left=slab(10), right=slab(10)), high=1.5 / TAU, model="slabs")
    with pytest.raises(InputError, match="wanted"):
        evolve(data, power=data.power[:, 0])
    with pytest.raises(InputError, match="segments"):
        green_kubo(data, 100 * TAU)
    np.testing.assert_allclose(biot_number(G, data.left, data.right), 1.6 * 20 * SPACING / 28, rtol=1e-12, atol=0)
