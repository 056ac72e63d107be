"""Opposite wave vectors by two apertures: exact, whatever each collects; errors that cover; design as simulated."""

import numpy as np
import pytest

from kapitza.core.occupation import Occupation
from kapitza.errors import InputError
from kapitza.measure.eels.experiment import EelsExperiment
from kapitza.measure.eels.fit import fit_spectra
from kapitza.measure.eels.heat_flow.sides import (
    ModeSides,
    design_apertures,
    mean_direction,
    opposite_occupations,
    simulate_aperture_pair,
)
from kapitza.measure.eels.model import SpectrumModel, VibrationalMode
from kapitza.units import k_B, meV, nm

QUANTA = np.array([45.0, 85.0]) * meV
MODES = tuple(VibrationalMode(name, e, 4 * meV, 6e-4) for name, e in zip(("A", "B"), QUANTA, strict=True))
X = np.arange(12) * nm


def occupation(kelvin: float) -> np.ndarray:
    return np.tile(1 / np.expm1(QUANTA / (k_B * kelvin)), (X.size, 1))


def aperture(made: np.ndarray, taken: np.ndarray, strength: float, rng: np.random.Generator | None = None) -> ModeSides:
    """Counts in one aperture: it makes phonons of one sign of q and takes those of the other away."""
    gain, loss = strength * taken, strength * (made + 1)
    variance = np.concatenate([gain, loss], axis=1)
    if rng is not None:
        gain, loss = rng.poisson(gain), rng.poisson(loss)
    return ModeSides(
        position=X, energy=QUANTA, modes=("A", "B"), gain=gain, loss=loss, covariance=variance[:, None] * np.eye(4)
    )


def test_exact_for_apertures_that_collect_different_amounts() -> None:
    plus, minus = occupation(420.0), occupation(380.0)
    found = opposite_occupations(aperture(plus, minus, 3e5), aperture(minus, plus, 2e5))
    np.testing.assert_allclose(found.plus, plus, rtol=1e-10, atol=0)
    np.testing.assert_allclose(found.minus, minus, rtol=1e-10, atol=0)
    np.testing.assert_allclose(found.temperature_difference()[0], 40.0, rtol=1e-9, atol=0)


def test_one_aperture_alone_shows_neither_temperature() -> None:
    """It loses with the hot phonons and gains from the cold ones: it seems colder than both, its partner hotter."""
    one = aperture(occupation(420.0), occupation(380.0), 1e6).temperature()[0]
    other = aperture(occupation(380.0), occupation(420.0), 1e6).temperature()[0]
    assert (one < 380).all()
    assert (other > 420).all()


def test_intervals_cover() -> None:
    rng, inside = np.random.default_rng(3), []
    plus, minus = occupation(415.0), occupation(385.0)
    for _ in range(150):
        found = opposite_occupations(aperture(plus, minus, 2e6, rng), aperture(minus, plus, 1.5e6, rng))
        value, sigma = found.temperature_difference()
        inside.append(np.abs(value - 30.0) < 1.96 * sigma)
    assert 0.93 < np.mean(inside) < 0.97


def test_mean_direction_has_its_limits() -> None:
    np.testing.assert_allclose(mean_direction(0.02, 1e-5), 1.0, rtol=1e-6, atol=0)
    np.testing.assert_allclose(mean_direction(1e-3, 0.05), 1e-3 / 0.05, rtol=0.05, atol=0)  # offset over radius
    assert mean_direction(0.02, 0.01) > mean_direction(0.02, 0.015) > mean_direction(0.02, 0.015, 0.005)


def test_spectra_fits_and_design_agree() -> None:
    """End to end: 24 rows of spectra of both apertures; the scatter is that of the design, the mean is the truth."""
    plan = EelsExperiment(left=MODES, electrons=2e8, columns=6, rows=24, temperature=400.0)
    x = (np.arange(-6, 6) + 0.5) * nm
    records = [Occupation(x, QUANTA, np.tile(1 / np.expm1(QUANTA / (k_B * t)), (12, 1))) for t in (415.0, 385.0)]
    images = simulate_aperture_pair(plan, *records, seed=4)
    maps = [fit_spectra(image, SpectrumModel(MODES, tie="occupation")) for image in images]
    value, sigma = opposite_occupations(*maps).temperature_difference()
    pulls = (value - 30.0) / sigma
    assert np.abs(pulls.mean()) < 0.7
    assert 0.6 < pulls.std() < 1.4
    design = design_apertures(plan, 100 * nm, 0.15 / nm, offset=0.03, radius=0.01)
    at = np.interp(0.01, design.radii, np.arange(design.radii.size))
    wanted = design.sigma[round(float(at))] * design.radii[round(float(at))] / 0.01 / np.sqrt(24)
    np.testing.assert_allclose(np.median(sigma, axis=0), wanted, rtol=0.06, atol=0)


def test_difference_is_that_of_places_one_free_path_upstream() -> None:
    """A second road: phonons of each direction in the aperture bring the temperature from where they last collided."""
    plan = EelsExperiment(left=MODES, electrons=2e8, temperature=400.0)
    path, gradient, offset = np.array([40.0, 90.0]) * nm, -0.15 / nm, 0.02
    design = design_apertures(plan, path, gradient, offset=offset, radius=0.008)

    def profile(z: np.ndarray) -> np.ndarray:
        return 400.0 + gradient * z

    r, phi = np.meshgrid(np.sqrt((np.arange(60) + 0.5) / 60), (np.arange(90) + 0.5) * 2 * np.pi / 90)  # equal areas
    for radius, difference in zip(design.radii, design.difference, strict=True):
        x, y = offset + radius * r * np.cos(phi), radius * r * np.sin(phi)
        free = path[:, None, None] * x / np.hypot(x, y)
        wanted = (profile(-free) - profile(free)).mean(axis=(1, 2))
        np.testing.assert_allclose(difference, wanted, rtol=5e-3, atol=0)


def test_design_needs_fewer_pixels_for_a_longer_free_path() -> None:
    plan = EelsExperiment(left=MODES, electrons=2e8, temperature=400.0)
    known = {"offset": 0.02, "radius": 0.008, "convergence": 0.004, "wavelength": 4.87e-12}
    one, other = (design_apertures(plan, path, 0.18 / nm, **known) for path in (50 * nm, 100 * nm))
    ratio = (one.sigma[one.best] / one.difference[one.best]) / (other.sigma[other.best] / other.difference[other.best])
    np.testing.assert_allclose(ratio, 2.0, rtol=1e-9, atol=0)
    assert one.probe is not None
    np.testing.assert_allclose(one.probe, 0.61 * 4.87e-12 / 0.004, rtol=1e-12, atol=0)
    assert one.radii[-1] <= 0.016 * (1 + 1e-12)


def test_bad_input_is_refused() -> None:
    good = aperture(occupation(400.0), occupation(400.0), 1e5)
    plan = EelsExperiment(left=MODES)
    short = Occupation(X[:3], QUANTA, occupation(400.0)[:3])
    with pytest.raises(InputError, match="expected the same"):
        simulate_aperture_pair(plan, Occupation(X, QUANTA, occupation(400.0)), short)
    with pytest.raises(InputError, match="direct beam"):
        design_apertures(plan, 100 * nm, 0.1 / nm, offset=0.01, radius=0.012)
    with pytest.raises(InputError, match="wanted above 0"):
        mean_direction(-0.01, 0.01)
    moved = ModeSides(
        position=X + 5 * nm, energy=QUANTA, modes=("A", "B"), gain=good.gain, loss=good.loss, covariance=good.covariance
    )
    with pytest.raises(InputError, match="same ones"):
        opposite_occupations(good, moved)
