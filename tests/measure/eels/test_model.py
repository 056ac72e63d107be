"""The expected spectrum: derivatives, detailed balance, every zero-loss shape, and fits that find the truth."""

import numpy as np
import pytest
import toy
from scipy.special import voigt_profile

from kapitza.measure.eels.fit import fit_spectra
from kapitza.measure.eels.fitting.problem import FitConstraints
from kapitza.measure.eels.map import PixelFlag
from kapitza.measure.eels.model import (
    SHAPE_PARAMETERS,
    SpectrumModel,
    TieChoice,
    VibrationalMode,
    ZeroLossPeak,
    ZeroLossShape,
    channel_grid,
    expected_spectrum,
    zero_loss_shape,
)
from kapitza.measure.eels.model import voigt_profile as voigt
from kapitza.measure.eels.vacuum import zero_loss_from_vacuum
from kapitza.units import k_B, meV

MODES: tuple[VibrationalMode, ...] = toy.modes_of(None, None, None)
STEP = 0.5 * meV
SHAPED = {
    "pseudo-voigt": (8 * meV, 0.02),
    "split": (8.5 * meV, 7.5 * meV, 0.03, 0.015),
    "pearson": (8 * meV, 2.5),
    "tail": (8 * meV, 0.02, 0.002, 20 * meV),
    "reference": (8.2 * meV,),
}
KELVIN = {"common": (430.0,), "each": (430.0, 400.0, 460.0), "occupation": (0.39, 0.12, 0.08)}


def measured() -> ZeroLossPeak:
    """A zero-loss peak with heavier tails than a normal one."""
    side = np.array([1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 22, 30, 40, 55, 75, 100, 140, 200, 300])
    knots = np.concatenate([-side[::-1], [0], side]) * meV
    density = 0.97 * np.exp(-0.5 * (knots / (3.4 * meV)) ** 2) / (8.5 * meV)
    density = density + 0.03 * 4 * meV / (np.pi * (knots**2 + (4 * meV) ** 2))
    return ZeroLossPeak(knots, np.log(density), 8 * meV)


def model_of(shape: ZeroLossShape, tie: TieChoice, background: int) -> SpectrumModel:
    reference = measured() if shape == "reference" else None
    return SpectrumModel(MODES, shape, tie=tie, background=background, reference=reference)


def truth(model: SpectrumModel, dose: float = 6e7) -> np.ndarray:
    lines = [v for m, s in zip(MODES, (4e-4, 6e-4, 2e-4), strict=True) for v in (m.energy, m.width, s * dose)]
    smooth = [40.0, 3.0, -2.0][: model.background]
    return np.array([dose, 0.13 * meV, *SHAPED[model.shape], *lines, *KELVIN[model.tie], *smooth])


@pytest.mark.parametrize("background", [0, 2])
@pytest.mark.parametrize("tie", ["common", "each", "occupation"])
@pytest.mark.parametrize("shape", list(SHAPE_PARAMETERS))
def test_derivatives(shape: ZeroLossShape, tie: TieChoice, background: int) -> None:
    """Against central differences of the values; centre off the channels, where a split peak has a kink."""
    model = model_of(shape, tie, background)
    grid = channel_grid(model, toy.ENERGY * meV)
    x = truth(model) / model.units(STEP)
    _, jacobian = expected_spectrum(model, grid, x[None])
    steps = np.maximum(np.abs(x), 1.0) * 3e-6
    for a in range(x.size):
        if a == 1 or model.names[a].startswith("background"):
            steps[a] = 1e-5 if a == 1 else 10.0
        ahead, behind = x.copy(), x.copy()
        ahead[a] += steps[a]
        behind[a] -= steps[a]
        numeric = (expected_spectrum(model, grid, ahead[None])[0] - expected_spectrum(model, grid, behind[None])[0])[
            0
        ] / (2 * steps[a])
        size = np.abs(jacobian[0, a]).max()
        np.testing.assert_allclose(jacobian[0, a] / size, numeric / size, rtol=0, atol=2e-6, err_msg=model.names[a])


@pytest.mark.parametrize("shape", list(SHAPE_PARAMETERS))
def test_a_zero_loss_peak_holds_all_its_electrons(shape: ZeroLossShape) -> None:
    grid = channel_grid(model_of(shape, "common", 0), toy.ENERGY * meV)
    values = np.array(SHAPED[shape]) / np.where(np.array(SHAPED[shape]) < 1e-10, STEP, 1.0)
    x = np.linspace(-4e4, 4e4, 800_001)
    value, slope, _ = zero_loss_shape(shape, x, list(values), grid.reference)
    np.testing.assert_allclose(np.trapezoid(value, x), 1.0, rtol=0.03 if shape == "reference" else 2e-4, atol=0)
    inside = (np.abs(x) < 100) & (np.abs(x) > 0.2)
    np.testing.assert_allclose(np.gradient(value, x)[inside], slope[inside], rtol=0, atol=1e-3 * np.abs(slope).max())
    if shape in ("pseudo-voigt", "pearson"):
        half = zero_loss_shape(shape, np.array([values[0] / 2]), list(values), None)[0][0]
        top = zero_loss_shape(shape, np.array([0.0]), list(values), None)[0][0]
        np.testing.assert_allclose(half, top / 2, rtol=1e-12, atol=0)


def test_a_voigt_line_is_that_of_others() -> None:
    x = np.linspace(-60, 60, 241)
    for sigma, width in ((9.0, 16.0), (2.0, 0.5), (10.0, 0.01)):
        want = voigt_profile(x, sigma, width / 2)
        np.testing.assert_allclose(voigt(x, sigma, width)[0], want, rtol=1e-12, atol=0)


@pytest.mark.parametrize("shape", list(SHAPE_PARAMETERS))
def test_detailed_balance_of_the_areas(shape: ZeroLossShape) -> None:
    """Loss over gain is exp(E/kT) of each mode, whatever the resolution."""
    model = model_of(shape, "common", 0)
    grid = channel_grid(model, np.arange(-4096, 4096) * STEP)
    x = truth(model) / model.units(STEP)
    for j, mode in enumerate(MODES):
        line = x.copy()
        line[model.first_mode + 2 : model.first_tie : 3] = 0.0
        bare = expected_spectrum(model, grid, line[None])[0][0]
        line[model.first_mode + 3 * j + 2] = x[model.first_mode + 3 * j + 2]
        found = expected_spectrum(model, grid, line[None])[0][0] - bare
        loss_and_gain = found.sum() / line[model.first_mode + 3 * j + 2]
        n = 1 / np.expm1(mode.energy / (k_B * 430.0))
        np.testing.assert_allclose(loss_and_gain, 2 * n + 1, rtol=0.03 if shape == "reference" else 2e-3, atol=0)
        centred = grid.energy - x[1]
        mean = np.sum(centred[np.abs(centred) < 400] * found[np.abs(centred) < 400]) * STEP
        want = mode.energy * line[model.first_mode + 3 * j + 2]
        np.testing.assert_allclose(mean, want, rtol=0.06, atol=0)


def test_two_roads_to_a_convolved_line() -> None:
    """A symmetric split peak is a pseudo-Voigt: the closed form against the sum over nodes."""
    even, split = model_of("pseudo-voigt", "each", 2), model_of("split", "each", 2)
    x = truth(even) / even.units(STEP)
    both = np.concatenate([x[:2], [x[2], x[2], x[3], x[3]], x[4:]])
    one, by_one = expected_spectrum(even, channel_grid(even, toy.ENERGY * meV), x[None])
    two, by_two = expected_spectrum(split, channel_grid(split, toy.ENERGY * meV), both[None])
    np.testing.assert_allclose(two, one, rtol=1e-7, atol=0)
    for a, b in ((0, 0), (1, 1), (4, 6), (5, 7), (6, 8), (13, 15)):
        size = np.abs(by_one[0, a]).max()
        np.testing.assert_allclose(by_two[0, b] / size, by_one[0, a] / size, rtol=0, atol=1e-6)


@pytest.mark.parametrize("background", [0, 2])
@pytest.mark.parametrize("tie", ["common", "each", "occupation"])
@pytest.mark.parametrize("shape", list(SHAPE_PARAMETERS))
def test_fits_find_the_truth(shape: ZeroLossShape, tie: TieChoice, background: int) -> None:
    """From expected counts to the parameters behind them, with starts of the fit's own."""
    model = model_of(shape, tie, background)
    want = truth(model)
    grid = channel_grid(model, toy.ENERGY * meV)
    mean = expected_spectrum(model, grid, (want / model.units(STEP))[None])[0]
    shifted = want.copy()
    shifted[1] -= 0.4 * meV
    other = expected_spectrum(model, grid, (shifted / model.units(STEP))[None])[0]
    found = fit_spectra(
        toy.image_of(np.concatenate([mean, other])), model, constraints=FitConstraints(prior_factor=0.0)
    )
    assert (found.flag & int(PixelFlag.UNCONVERGED | PixelFlag.SINGULAR | PixelFlag.MISFIT) == 0).all()
    off = (found.value - np.array([want, shifted])) / np.sqrt(np.diagonal(found.covariance, axis1=1, axis2=2))
    np.testing.assert_allclose(off, 0.0, rtol=0, atol=0.02)


def test_a_vacuum_reference_serves_as_shape() -> None:
    """Measured with noise in vacuum, then used for another scan: no bias beyond its own uncertainty."""
    rng = np.random.default_rng(8)
    vacuum = toy.expected_counts(toy.modes_of(0.0, 0.0, 0.0), 430.0, 5e8)
    reference = zero_loss_from_vacuum(toy.image_of(rng.poisson(vacuum, (10, 1024)).astype(float)))
    np.testing.assert_allclose(reference.fwhm, 8 * meV, rtol=0.01, atol=0)
    mean = toy.expected_counts(toy.modes_of(4e-4, 6e-4, 1e-4), 430.0, 6e7)
    image = toy.image_of(rng.poisson(mean, (64, 1024)).astype(float))
    found = fit_spectra(image, SpectrumModel(MODES, "reference", reference=reference))
    assert found.good.all()
    assert abs(found.temperature.mean() - 430) < 4 * 3.5 / 8
    assert 0.75 < np.std((found.temperature - 430) / found.sigma) < 1.25
