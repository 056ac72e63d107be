"""Dark spectra: what they say of mean and noise, and a fit that is not pulled by them."""

import numpy as np
import pytest
import toy
from scipy import stats

from kapitza.errors import InputError
from kapitza.measure.eels.fit import fit_spectra
from kapitza.measure.eels.spectrum import with_dark
from kapitza.units import meV

PATTERN = 100 + 20 * np.sin(np.arange(toy.ENERGY.size) / 30)  # of the dark count, counts
NOISE = 6.0  # of the readout, counts


def recorded(pixels: int, mean: np.ndarray | float, rng: np.random.Generator) -> np.ndarray:
    """Electrons of a spectrum on top of the dark count."""
    return rng.poisson(mean, (pixels, PATTERN.size)) + PATTERN + NOISE * rng.standard_normal((pixels, PATTERN.size))


@pytest.mark.parametrize("pixels", [64, 400])
def test_mean_and_variance_of_a_series(pixels: int) -> None:
    rng = np.random.default_rng(1)
    series = recorded(pixels, 0.0, rng)
    found = with_dark(toy.image_of(series), toy.image_of(series))
    np.testing.assert_allclose(found.dark, series.mean(axis=0), rtol=1e-12, atol=0)
    own = series.var(axis=0, ddof=1)
    wanted = own if pixels >= 200 else np.full(own.size, own.mean())
    np.testing.assert_allclose(found.dark_variance, wanted * (1 + 1 / pixels), rtol=1e-9, atol=0)


def test_temperature_is_neither_pulled_nor_overstated() -> None:
    pytest.importorskip("numba")
    rng = np.random.default_rng(2)
    modes = toy.modes_of(4e-4, 6e-4, 1e-4)
    scan = toy.image_of(recorded(500, toy.expected_counts(modes, 400.0, 6e7)[0], rng))
    found = fit_spectra(with_dark(scan, toy.image_of(recorded(400, 0.0, rng))), toy.modes_of(None, None, None))
    score = (found.temperature - 400) / found.sigma
    assert abs(score.mean()) < 0.15
    np.testing.assert_allclose(score.std(), 1.0, rtol=0.08, atol=0)
    assert stats.kstest(found.pvalue, "uniform").pvalue > 1e-3


def test_faults_say_what_was_wanted() -> None:
    rng = np.random.default_rng(3)
    scan = toy.image_of(recorded(4, 0.0, rng))
    with pytest.raises(InputError, match="4 complete dark spectra, wanted 8"):
        with_dark(scan, scan)
    other = type(scan)(np.ones((9, 20)), toy.ENERGY[:20] * meV, (np.arange(9.0),))
    with pytest.raises(InputError, match="20 channels"):
        with_dark(scan, other)
