"""Transmissions and conductances of simulated spectra: known spectra come back, noise is never cut off."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kapitza.core.conductance import Conductance
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError
from kapitza.simulate.md.analysis.nemd import rectification
from kapitza.simulate.md.observers.spectral_flux import SpectralFlux
from kapitza.simulate.md.runs.heat_spectra import (
    band_averages,
    classical_transmission,
    elastic_split,
    significant_edges,
    spectral_conductance,
)
from kapitza.units import k_B

OMEGA = np.linspace(0, 1e14, 401)
TOP, DROP = 6e13, 40.0
ONE = k_B * DROP / (2 * np.pi)  # spectral flux of one mode


def modes(omega: np.ndarray) -> np.ndarray:
    """A transmission function that looks like one, m⁻²."""
    return 3e18 * np.where(omega < TOP, (omega / TOP) ** 2 * (1 - (omega / TOP) ** 4), 0.0)


def spectrum(wanted: np.ndarray, noise: float, blocks: int = 60, seed: int = 4) -> SpectralFlux:
    """A simulated spectrum with white noise of a size per block."""
    parts = ONE * (wanted + noise * np.random.default_rng(seed).standard_normal((blocks, OMEGA.size)))
    counts, motion = np.full(blocks, 3), np.zeros((2, OMEGA.size))
    return SpectralFlux(OMEGA, parts, None, counts, motion, method="known")


def test_quantum_correction_is_that_of_the_landauer_formula() -> None:
    flux = spectrum(modes(OMEGA), 0.0)
    exact = Transmission(OMEGA, modes(OMEGA))
    kelvin = [30.0, 100.0, 300.0, 5000.0]
    found = spectral_conductance(flux, DROP, kelvin, drop="emitted")
    np.testing.assert_allclose(found.value, exact.conductance(kelvin).value, rtol=1e-12, atol=0)
    classical = spectral_conductance(flux, DROP, kelvin, drop="emitted", statistics="classical")
    np.testing.assert_allclose(classical.value, flux.total[0] / DROP, rtol=1e-12, atol=0)
    np.testing.assert_allclose(found.value[-1], classical.value[-1], rtol=1e-3, atol=0)
    assert found.drop == "emitted"
    assert classical.statistics == "classical"


def test_errors_of_a_conductance_hold_those_of_flux_and_drop() -> None:
    values = [
        spectral_conductance(spectrum(modes(OMEGA), 1e18, seed=seed), DROP, [300.0], drop="extrapolated")
        for seed in range(60)
    ]
    spread = np.std([v.value[0] for v in values], ddof=1)
    sigma = np.mean([v.sigma[0] for v in values if v.sigma is not None])
    np.testing.assert_allclose(sigma, spread, rtol=0.3, atol=0)
    flux = spectrum(modes(OMEGA), 0.0)
    loose = spectral_conductance(flux, DROP, [300.0], drop="extrapolated", difference_sigma=0.05 * DROP)
    assert loose.sigma is not None
    np.testing.assert_allclose(loose.sigma / loose.value, 0.05, rtol=1e-9, atol=0)


@pytest.mark.parametrize("noise", [1e17, 5e18])
def test_bands_keep_the_integral_and_are_above_zero(noise: float) -> None:
    flux = spectrum(modes(OMEGA), noise)
    assert (flux.value < 0).any()  # what others cut off
    found, sigma = classical_transmission(flux, DROP, 300.0)
    assert found.total.min() > 0
    np.testing.assert_allclose(k_B * (found.total @ found.weights) / (2 * np.pi) * DROP, flux.total[0], rtol=1e-9)
    edges = significant_edges(flux)
    true = band_averages(Transmission(OMEGA, modes(OMEGA)), edges)
    inner = edges[1:] < TOP
    assert np.abs((found.total - true) / sigma)[inner].max() < 5
    assert found.elastic is False
    with pytest.raises(InputError, match="holds at 300 K"):
        found.conductance([200.0])


def test_flux_that_runs_back_is_no_transmission() -> None:
    wanted = modes(OMEGA)
    wanted[300:] = -2e17
    flux = spectrum(wanted, 1e17)
    with pytest.raises(InputError, match="more than noise"):
        classical_transmission(flux, DROP, 300.0, edges=np.linspace(0, 1e14, 11))
    with pytest.raises(InputError, match="wider bands"):
        classical_transmission(spectrum(modes(OMEGA), 5e18), DROP, 300.0, edges=OMEGA)
    with pytest.raises(InputError, match="run longer"):
        classical_transmission(spectrum(0 * OMEGA, 1e18), DROP, 300.0)


def test_split_finds_the_part_that_is_not_elastic() -> None:
    elastic = Transmission(OMEGA, modes(OMEGA), method="agf")
    bump = 4e17 * np.exp(-(((OMEGA - 7.5e13) / 5e12) ** 2))
    true = (bump @ np.full(OMEGA.size, OMEGA[1])) / ((bump + modes(OMEGA)) @ np.full(OMEGA.size, OMEGA[1]))
    edges = np.linspace(0, 1e14, 21)
    clean = elastic_split(spectrum(modes(OMEGA) + bump, 0.0), DROP, elastic, edges)
    np.testing.assert_allclose(clean.share, true, rtol=2e-3, atol=0)
    np.testing.assert_allclose(clean.inelastic[edges[1:] < TOP], 0, rtol=0, atol=2e-3 * clean.total.max())
    noisy = elastic_split(spectrum(modes(OMEGA) + bump, 1e18), DROP, elastic, edges)
    assert abs(noisy.share - true) < 3 * noisy.share_sigma < 0.1
    above, error = spectrum(modes(OMEGA) + bump, 1e18).share_above(TOP)
    assert abs(above - true) < 3 * error
    inelastic, _ = classical_transmission(spectrum(modes(OMEGA) + bump, 1e17), DROP, 300.0)
    with pytest.raises(InputError, match="nothing to split"):
        elastic_split(spectrum(modes(OMEGA), 0.0), DROP, inelastic, edges)


def test_the_share_of_frequencies_between_two_bins() -> None:
    flux = spectrum(np.ones(OMEGA.size), 0.0)
    for omega in (0.0, 1.23e13, 9.999e13):
        np.testing.assert_allclose(flux.share_above(omega)[0], 1 - omega / 1e14, rtol=0, atol=1e-12)


def test_a_reference_run_keeps_its_heat(data: Callable[[str], Path]) -> None:
    run = np.load(data("md/lj_r3_nz12.npz"))
    spec = run["spec"].astype(float)
    omega = 2 * np.pi * np.fft.rfftfreq(int(run["nseg"]), float(run["dtS"]))
    width = np.full(omega.size, omega[1])
    width[[0, -1]] /= 2
    counts, motion = np.ones(len(spec), dtype=np.int64), np.zeros((2, omega.size))
    flux = SpectralFlux(omega, spec / width, None, counts, motion)
    found, _ = classical_transmission(flux, 1.0, 0.25)
    assert (flux.value < 0).sum() > 20
    np.testing.assert_allclose(k_B * (found.total @ found.weights) / (2 * np.pi), spec.sum(axis=1).mean(), rtol=1e-9)
    assert found.omega.size > 30


def test_a_difference_that_drives_nothing_is_refused() -> None:
    for wrong in (0.0, -3.0):
        with pytest.raises(InputError, match="wanted above 0"):
            spectral_conductance(spectrum(modes(OMEGA), 0.0), wrong, [300.0], drop="emitted")


def test_rectification_and_its_error() -> None:
    def one(value: float, sigma: float | None) -> Conductance:
        return Conductance([300.0], [value], None if sigma is None else [sigma], method="run")

    rng = np.random.default_rng(6)
    draws = rng.normal(120e6, 4e6, 200_000) / rng.normal(100e6, 3e6, 200_000) - 1
    found = rectification(one(120e6, 4e6), one(100e6, 3e6))
    np.testing.assert_allclose([found.value[0], found.sigma[0]], [draws.mean(), draws.std()], rtol=0.02, atol=0)
    assert "+20.0 ± 5.4 %, significant" in str(found)
    assert "not significant" in str(rectification(one(104e6, 4e6), one(100e6, 3e6)))
    with pytest.raises(InputError, match="has no uncertainty"):
        rectification(one(1e8, None), one(1e8, 1e6))
