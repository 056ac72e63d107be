"""What is seen of spectra before a fit: dose, width and place of the zero-loss peak, flags and warnings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kapitza
from kapitza.measure.eels.map import PixelFlag
from kapitza.measure.eels.quality import assess_spectra, half_height_peaks
from kapitza.measure.eels.spectrum import SpectrumImage
from kapitza.units import meV, nm

ENERGY = (np.arange(512) - 200) * 0.5 * meV


def lorentz(centre: float, fwhm: float, height: float = 1e6) -> np.ndarray:
    return height / (1 + (2 * (ENERGY / meV - centre) / fwhm) ** 2)


def image(counts: np.ndarray, **options: object) -> SpectrumImage:
    position = tuple(np.arange(size) * nm for size in counts.shape[:-1])
    return SpectrumImage(counts, ENERGY, position, **options)  # pyright: ignore[reportArgumentType]


@given(centre=st.floats(-40, 40), fwhm=st.floats(4, 25), height=st.floats(1e2, 1e9))
def test_width_and_centre_of_a_known_peak(centre: float, fwhm: float, height: float) -> None:
    """Law: a Lorentzian of full width w has half its height at +-w/2; as far as channels of 0.5 meV allow."""
    found = assess_spectra(image(lorentz(centre, fwhm, height)))
    np.testing.assert_allclose(found.resolution / meV, fwhm, rtol=0.02, atol=0.02)
    np.testing.assert_allclose(found.offset / meV, centre, rtol=0, atol=0.05)
    np.testing.assert_allclose(found.gain / meV, 100 + centre, rtol=0, atol=0.06)
    np.testing.assert_allclose(found.loss / meV, 155.5 - centre, rtol=0, atol=0.06)


def test_half_height_pixel_by_pixel() -> None:
    """Second road: the crossings found by interpolation of each spectrum alone."""
    rng = np.random.default_rng(5)
    counts = np.array([rng.poisson(lorentz(centre, 8)) for centre in rng.normal(0, 2, 20)], dtype=float)
    centre, width = half_height_peaks(counts)
    for one, middle, wide in zip(counts, centre, width, strict=True):
        peak = int(one.argmax())
        left = max(i for i in range(peak) if one[i] < one[peak] / 2)
        right = min(i for i in range(peak, one.size) if one[i] < one[peak] / 2)
        low = np.interp(one[peak] / 2, one[left : left + 2], [left, left + 1])
        high = np.interp(one[peak] / 2, one[right - 1 : right + 1][::-1], [right, right - 1])
        np.testing.assert_allclose([middle, wide], [(low + high) / 2, high - low], rtol=1e-12, atol=0)


@pytest.mark.parametrize("counts", [np.zeros(9), np.ones(9), np.arange(9.0), np.full(9, np.nan), -np.ones(9)])
def test_no_peak_no_width(counts: np.ndarray) -> None:
    assert np.isnan(half_height_peaks(counts[None])).all()


def test_dose_in_electrons_without_the_dark_count() -> None:
    counts = np.array([lorentz(0, 8) + 20, 2 * lorentz(0, 8) + 20])
    found = assess_spectra(image(counts, electrons_per_count=0.5, dark=np.array([20.0])))
    np.testing.assert_allclose(found.electrons, 0.5 * lorentz(0, 8).sum() * np.array([1, 2]), rtol=1e-12, atol=0)
    np.testing.assert_allclose(found.resolution / meV, 8, rtol=1e-3, atol=0)


def test_bad_pixels_are_flagged_and_the_rest_is_not_harmed() -> None:
    counts = np.repeat(lorentz(0, 8)[None], 8, axis=0)
    counts[1] = 0
    counts[2, 5] = np.nan
    counts[3, 6] = -7
    counts[4] *= 1e-3
    counts[5] = np.minimum(counts[5], 3e5)
    counts[6, 200] = np.inf
    found = assess_spectra(image(counts.reshape(2, 4, -1)))
    flags = [PixelFlag(int(one)) for one in found.flag.ravel()]
    assert flags == [0, PixelFlag.DEAD, PixelFlag.MISSING, PixelFlag.NEGATIVE, PixelFlag.DEAD, 0, PixelFlag.MISSING, 0]
    assert found.clipped.ravel().tolist() == [False] * 5 + [True, False, False]
    assert (found.count(PixelFlag.DEAD), found.count(PixelFlag.MISSING)) == (2, 2)
    np.testing.assert_allclose(found.resolution / meV, 8, rtol=1e-2, atol=0)
    said = "; ".join(found.warnings)
    for part in (
        "2 of 8 pixels hold (nearly) no",
        "2 of 8 pixels have channels without",
        "1 of 8 pixels have channels below",
    ):
        assert part in said
    assert "1 of 8 pixels have a zero-loss peak that is cut flat" in said


def test_few_electrons_are_judged_by_their_sum() -> None:
    rng = np.random.default_rng(7)
    counts = rng.poisson(np.repeat(lorentz(3, 8, height=5)[None], 400, axis=0)).astype(float)
    found = assess_spectra(image(counts))
    np.testing.assert_allclose(found.resolution / meV, 8, rtol=0.1, atol=0)
    np.testing.assert_allclose(found.offset / meV, 3, rtol=0, atol=0.4)


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (lorentz(0, 60), "60.* meV wide: too broad"),
        (lorentz(0, 0.6), "channels wide: too few"),
        (lorentz(40, 8), "lies at 40 meV: the zero of the energy axis is off"),
        (np.ones(512), "no zero-loss peak with both flanks"),
        (np.array([lorentz(-30, 8), lorentz(30, 8)] * 4), "moves by 30 meV"),
    ],
)
def test_what_stands_against_a_temperature(counts: np.ndarray, words: str) -> None:
    import re

    found = assess_spectra(image(counts))
    assert any(re.search(words, text) for text in found.warnings)


@pytest.mark.parametrize(
    ("start", "words"), [(5.0, "no gain side: the energy axis starts at 5 meV"), (-20.0, "gain side ends 2")]
)
def test_gain_sides_that_are_too_short(start: float, words: str) -> None:
    energy = (start + 0.5 * np.arange(300)) * meV
    counts = 1e6 / (1 + (2 * (energy / meV - max(start + 3, 0)) / 8) ** 2)
    found = assess_spectra(SpectrumImage(counts, energy))
    assert any(words in text for text in found.warnings)


def test_an_image_in_blocks_is_the_image_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(9)
    counts = rng.poisson(np.repeat(lorentz(1, 8)[None], 30, axis=0)).reshape(5, 6, -1)
    whole = assess_spectra(image(counts))
    monkeypatch.setattr("kapitza.measure.eels.quality.BLOCK_BYTES", 8 * 512 * 4)
    parts = assess_spectra(image(counts))
    for name in ("electrons", "centre", "fwhm", "flag", "clipped"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    assert isinstance(whole, kapitza.eels.SpectrumQuality)
