"""Interface modes: found where they are, not where they are not, with errors that are those of the scatter."""

from typing import Any

import numpy as np
import pytest
import toy

from kapitza.errors import InputError
from kapitza.measure.eels.interface_modes import (
    InterfaceMode,
    SummedSpectrum,
    common_channels,
    interface_components,
    mode_asymmetry,
    sum_spectra,
)
from kapitza.measure.eels.spectrum import SpectrumImage
from kapitza.units import meV, nm

ENERGY, QUANTA = toy.ENERGY, toy.QUANTA

DOSE, WIDE = 6e7 * 64, 10.0  # electrons of a region; width of the interface modes as seen, meV
AT = np.array([70.0, 90.0])
MODES = (InterfaceMode("alpha", 70 * meV, WIDE * meV), InterfaceMode("beta", 90 * meV, WIDE * meV))
BULK = 1e-3


def bulk(which: np.ndarray, kelvin: float, dose: float = DOSE) -> np.ndarray:
    return dose * toy.spectrum(BULK * which, toy.bose(QUANTA, kelvin), zero_loss=1.0)


def own(strength: np.ndarray, occupation: np.ndarray, dose: float = DOSE) -> np.ndarray:
    none = np.zeros(AT.size)
    blur = WIDE / toy.SIGMA
    found = toy.spectrum(strength, occupation, 8.0, quanta=AT, widths=none + np.sqrt(blur**2 - (8 / toy.SIGMA) ** 2))
    return dose * found


def held(counts: np.ndarray, pixels: int = 64) -> SummedSpectrum:
    return SummedSpectrum(ENERGY * meV, counts, np.maximum(counts, 1.0), pixels)


def scene(rng: np.random.Generator | None, strength: np.ndarray, occupation: np.ndarray) -> Any:
    left, right = bulk(toy.ALN, 420.0), bulk(toy.SIC, 405.0)
    middle = 0.6 * left + 0.4 * right + own(strength, occupation)
    parts = [middle, 8 * left, 8 * right]
    if rng is not None:
        parts = [rng.poisson(part).astype(float) for part in parts]
    return interface_components(held(parts[0]), held(parts[1], 512), held(parts[2], 512), MODES)


STRENGTH, OCCUPATION = np.array([1.5e-4, 1e-4]), np.array([0.25, 0.10])


def test_exact_without_noise() -> None:
    found = scene(None, STRENGTH, OCCUPATION)
    np.testing.assert_allclose(found.mixture, [[0.6, 0.4], [0.6, 0.4]], rtol=1e-6, atol=0)
    np.testing.assert_allclose(found.gain, DOSE * STRENGTH * OCCUPATION, rtol=1e-5, atol=0)
    np.testing.assert_allclose(found.loss, DOSE * STRENGTH * (OCCUPATION + 1), rtol=1e-5, atol=0)
    np.testing.assert_allclose(found.occupation(0.0).value[0], OCCUPATION, rtol=1e-5, atol=0)
    np.testing.assert_allclose(found.strength()[0], STRENGTH, rtol=0.02, atol=0)  # electrons of losses count too


@pytest.mark.parametrize("trials", [120, pytest.param(1000, marks=pytest.mark.slow)])
def test_errors_are_those_of_the_scatter(trials: int) -> None:
    rng = np.random.default_rng(1)
    rows = []
    inside = 0
    for _ in range(trials):
        found = scene(rng, STRENGTH, OCCUPATION)
        n = found.occupation(0.0)
        rows.append(
            [(n.value[0] - OCCUPATION) / n.sigma[0], (found.gain - DOSE * STRENGTH * OCCUPATION) / found.gain_sigma]
        )
        low, high = found.occupation_interval("beta")
        inside += low <= OCCUPATION[1] <= high
        assert found.pvalue > 1e-6
    score = np.array(rows)
    room = 4 / np.sqrt(trials)
    assert np.abs(score.mean(axis=0)).max() < room
    assert np.abs(score.std(axis=0) - 1).max() < room
    assert abs(inside / trials - 0.95) < 0.02 + 2 * np.sqrt(0.05 * 0.95 / trials)


def test_nothing_is_found_where_nothing_is() -> None:
    rng = np.random.default_rng(2)
    scores = [
        np.concatenate([found.gain / found.gain_sigma, found.loss / found.loss_sigma])
        for found in (scene(rng, np.zeros(2), OCCUPATION) for _ in range(60))
    ]
    assert np.abs(np.mean(scores, axis=0)).max() < 0.5
    assert np.abs(np.std(scores, axis=0) - 1).max() < 0.35


def test_a_missing_mode_spoils_the_fit() -> None:
    left, right = bulk(toy.ALN, 420.0), bulk(toy.SIC, 405.0)
    middle = np.random.default_rng(3).poisson(0.5 * left + 0.5 * right + own(STRENGTH, OCCUPATION)).astype(float)
    found = interface_components(held(middle), held(8 * left, 512), held(8 * right, 512), MODES[:1])
    assert found.pvalue < 1e-3


def test_shares_are_never_negative() -> None:
    left, right = bulk(toy.ALN, 420.0), bulk(toy.SIC, 405.0)
    found = interface_components(held(1.1 * left - 0.02 * right), held(left), held(right), MODES)
    assert (found.mixture >= 0).all()
    np.testing.assert_allclose(found.mixture[:, 1], 0, rtol=0, atol=1e-12)


def test_non_negative_mixture_against_a_general_solver() -> None:
    from scipy.optimize import nnls

    left, right = bulk(toy.ALN, 420.0), bulk(toy.SIC, 405.0)
    rng = np.random.default_rng(4)
    middle = rng.poisson(0.9 * left + 0.05 * right).astype(float)
    found = interface_components(held(middle), held(left * 1e6, 64 * 10**6), held(right * 1e6, 64 * 10**6), MODES)
    use = (ENERGY >= 30) & (ENERGY <= 130)
    a, b = found.mixture[1]
    root = 1 / np.sqrt(a * left[use] + b * right[use])
    shapes = own(np.array([1.0, 0.0]), np.zeros(2), 1.0)[use], own(np.array([0.0, 1.0]), np.zeros(2), 1.0)[use]
    columns = np.column_stack([left[use], right[use], *shapes, *(-s for s in shapes)])
    size = np.abs(columns * root[:, None]).max(axis=0)
    wanted, _ = nnls(columns * root[:, None] / size, middle[use] * root)
    np.testing.assert_allclose(found.mixture[1], (wanted / size)[:2], rtol=2e-4, atol=0)


def test_forward_against_reverse() -> None:
    rng = np.random.default_rng(5)
    forward = scene(rng, STRENGTH * [1.0, 1.3], OCCUPATION)
    reverse = scene(rng, STRENGTH * [1.3, 1.0], OCCUPATION)
    found = mode_asymmetry(forward, reverse)
    wanted = np.array([-0.3 / 2.3, 0.3 / 2.3])
    assert found.modes == ("alpha", "beta")
    assert (np.abs(found.value - wanted) < 4 * found.sigma).all()
    assert (np.abs(found.value) > 3 * found.sigma).all()
    assert (np.abs(found.occupation) < 4 * found.occupation_sigma).all()
    same = mode_asymmetry(forward, forward)
    np.testing.assert_allclose(same.value, 0, rtol=0, atol=1e-12)
    turned = mode_asymmetry(reverse, forward)
    np.testing.assert_allclose(turned.value, -found.value, rtol=1e-9, atol=0)


def test_pixels_are_summed_with_their_zero_loss_peaks_in_one_channel() -> None:
    rng = np.random.default_rng(6)
    shifts = rng.integers(-6, 7, size=(3, 8)) * 0.5
    counts = np.stack(
        [[toy.spectrum(toy.ALN, toy.bose(QUANTA, 400.0), zero_loss=1e3, centre=c) for c in row] for row in shifts]
    )
    image = SpectrumImage(
        counts + 3.0, ENERGY * meV, (np.arange(3) * nm, np.arange(8) * nm), dark=3.0, dark_variance=0.25
    )
    use = np.ones((3, 8), bool)
    use[1, 4] = False
    found = sum_spectra(image, shifts * meV, use)
    assert found.pixels == 23
    plain = toy.spectrum(toy.ALN, toy.bose(QUANTA, 400.0), zero_loss=1e3)
    inside = np.isin(np.rint(ENERGY / 0.5), np.rint(found.energy / (0.5 * meV)))
    np.testing.assert_allclose(found.counts, 23 * plain[inside], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.variance, found.counts + 23 * 0.25, rtol=1e-9, atol=1e-9)


def test_faults_say_what_was_wanted() -> None:
    spectra = [held(bulk(toy.ALN, 400.0)) for _ in range(3)]
    with pytest.raises(InputError, match="got none"):
        interface_components(*spectra, [])
    with pytest.raises(InputError, match="window from 200 to 400 meV"):
        interface_components(*spectra, MODES, low=200 * meV, high=400 * meV)
    with pytest.raises(InputError, match="mode 'gamma'"):
        InterfaceMode("gamma", 0.0, 1.0)
    with pytest.raises(InputError, match="no channels in common"):
        common_channels(spectra[0], SummedSpectrum([1.0, 2.0], [1.0, 1.0], [1.0, 1.0], 1))
    image = SpectrumImage(np.ones((4, ENERGY.size)), ENERGY * meV, (np.arange(4) * nm,))
    with pytest.raises(InputError, match="none of the 4 pixels"):
        sum_spectra(image, np.zeros(4), np.zeros(4, bool))
    with pytest.raises(InputError, match="do not fit an image"):
        sum_spectra(image, np.zeros(3), np.ones(4, bool))
    other = interface_components(*spectra, MODES[:1])
    with pytest.raises(InputError, match="differ"):
        mode_asymmetry(interface_components(*spectra, MODES), other)
    with pytest.raises(InputError, match="are two the same"):
        interface_components(*spectra, [MODES[0], MODES[0]])
