"""Detectors that do not obey the model: cured or said, against the temperature that was simulated."""

import numpy as np
import pytest
import toy
from attrs import evolve

from kapitza.measure.eels.diagnosis.dispersion import energy_scale, sample_pixels, with_energy_scale
from kapitza.measure.eels.diagnosis.verdict import fit_verdict
from kapitza.measure.eels.fit import fit_spectra
from kapitza.measure.eels.map import PixelFlag, TemperatureMap
from kapitza.measure.eels.quality import saturated_channels, saturation_level
from kapitza.measure.eels.spectrum import SpectrumImage

KELVIN, PIXELS = 400.0, 16
MODES = toy.modes_of(None, None, None)


def scan(seed: int = 1, tail: float = 0.0) -> SpectrumImage:
    """A line of one temperature, with counting noise; `tail` of the zero-loss peak on the loss side, over 20 meV."""
    mean = toy.expected_counts(toy.modes_of(4e-4, 6e-4, 1e-4), KELVIN, 6e7)
    mean = mean + tail * 6e7 * 0.5 / 20 * np.exp(-toy.ENERGY / 20) * (toy.ENERGY > 0)
    return toy.image_of(np.random.default_rng(seed).poisson(mean, (PIXELS, mean.size)).astype(float))


def off(found: TemperatureMap) -> float:
    """Deviation of the mean temperature from the truth, in its standard uncertainties."""
    error = float(np.sqrt(np.sum(found.sigma**2))) / found.sigma.size
    return float(found.temperature.mean() - KELVIN) / error


@pytest.mark.parametrize("plateau", [2e6, 65535.0])
def test_a_cut_zero_loss_peak_is_left_out(plateau: float) -> None:
    image = scan()
    cut = fit_spectra(evolve(image, counts=np.minimum(image.counts, plateau)), MODES)
    assert (cut.flag == int(PixelFlag.SATURATED)).all()
    assert abs(off(cut)) <= 4
    assert abs(cut.sigma.mean() / fit_spectra(image, MODES).sigma.mean() - 1) <= 0.02  # the peak tells no temperature
    assert fit_verdict(cut).text == ""


def test_equal_channels_by_chance_are_no_plateau() -> None:
    faint = (
        np.random.default_rng(2).poisson(1100 * np.exp(-(((np.arange(80) - 40) / 30) ** 2)), (4000, 80)).astype(float)
    )
    assert saturation_level(faint[:64]) == np.inf
    assert saturated_channels(faint, np.inf).any(axis=1).mean() <= 1e-3


def test_fewer_counts_than_electrons_fit_too_well() -> None:
    image = scan()
    found = fit_spectra(evolve(image, counts=0.25 * image.counts), MODES)
    verdict = fit_verdict(found)
    assert verdict.too_good
    assert abs(verdict.dispersion / 0.25 - 1) <= 0.05
    right = fit_spectra(evolve(image, counts=0.25 * image.counts, electrons_per_count=4.0), MODES)
    assert fit_verdict(right).text == ""
    assert abs(2 * right.sigma.mean() / found.sigma.mean() - 1) <= 0.02


def test_a_tail_of_the_zero_loss_peak_is_said() -> None:
    strong, weak = (fit_verdict(fit_spectra(scan(tail=tail), MODES)) for tail in (1e-3, 3e-4))
    assert "not to be trusted: 16 of 16 misfit" in strong.text
    assert weak.text


def test_a_wrong_dispersion_is_said_and_corrected() -> None:
    image = scan()
    wrong = evolve(image, energy=1.02 * image.energy)
    scale = energy_scale(fit_spectra(sample_pixels(wrong), MODES), MODES)
    assert scale.wrong
    assert abs(scale.value - 1.02) <= 4 * scale.sigma
    assert off(fit_spectra(wrong, MODES)) > 5
    found = fit_spectra(with_energy_scale(wrong, scale.value), MODES)
    assert abs(off(found)) <= 4
    assert not energy_scale(found, MODES).wrong
