"""Detectors that do not obey the model: cured or said, against the temperature that was simulated."""

import numpy as np
import pytest
import toy
from attrs import evolve

from kapitza.errors import InputError
from kapitza.measure.eels.diagnosis import (
    energy_scale,
    fit_verdict,
    misfit_cause,
    sample_pixels,
    scan_response,
    summed_residuals,
    widen_misfits,
    with_energy_scale,
    with_gain_reference,
)
from kapitza.measure.eels.fit import fit_spectra
from kapitza.measure.eels.map import PixelFlag, TemperatureMap, line_profile
from kapitza.measure.eels.model import SpectrumModel
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
    scale = energy_scale(fit_spectra(sample_pixels(wrong), MODES))
    assert scale.wrong
    assert abs(scale.value - 1.02) <= 4 * scale.sigma
    assert off(fit_spectra(wrong, MODES)) > 5
    found = fit_spectra(with_energy_scale(wrong, scale.value), MODES)
    assert abs(off(found)) <= 4
    assert not energy_scale(found).wrong


def faulty(fault: str) -> SpectrumImage:
    """The line of 400 K as a detector, or a specimen, spoils it in one way."""
    image, rng, energy = scan(), np.random.default_rng(7), toy.ENERGY
    dose = 6e7 * 0.5
    extra = {
        "tail": 1e-3 * dose / 20 * np.exp(-energy / 20) * (energy > 0),
        "background": 200 + 0 * energy,
        "mode": 4e-5 * dose / 6 * np.exp(-0.5 * ((energy - 70) / 6) ** 2),
    }
    if fault == "noise":
        return evolve(image, counts=3 * image.counts)
    if fault == "pattern":
        mean = toy.expected_counts(toy.modes_of(4e-4, 6e-4, 1e-4), KELVIN, 6e7)
        mean = mean * (1 + 0.01 * rng.standard_normal(mean.size))
        return toy.image_of(rng.poisson(mean, image.counts.shape).astype(float))
    return evolve(image, counts=image.counts + rng.poisson(np.broadcast_to(extra[fault], image.counts.shape)))


@pytest.mark.parametrize("fault", ["pattern", "noise", "tail", "mode", "background"])
def test_residuals_name_the_cause_of_a_misfit(fault: str) -> None:
    image, model = faulty(fault), SpectrumModel(MODES)
    found = fit_spectra(image, model)
    verdict = fit_verdict(found)
    assert verdict.doubtful or verdict.too_bad
    assert misfit_cause(summed_residuals(image, found, model), found, model) == fault


def test_gain_pattern_is_taken_from_the_scan() -> None:
    image, model = faulty("pattern"), SpectrumModel(MODES)
    before = fit_spectra(image, model)
    assert fit_verdict(before).misfits == PIXELS
    response = scan_response(summed_residuals(image, before, model))
    after = fit_spectra(evolve(image, response=response), model)
    assert fit_verdict(after).misfits == 0
    assert abs(after.dispersion.mean() - 1) <= 0.1
    assert abs(after.temperature.mean() - KELVIN) <= 8  # what the pattern does to all pixels alike stays
    even = np.random.default_rng(3).poisson(1e7 * response, (4, response.size))
    reference = with_gain_reference(image, toy.image_of(even.astype(float)))
    assert np.abs(reference.response / response - 1).max() <= 2e-3
    with pytest.raises(InputError, match="the gain reference has 512 channels, the spectra 1024"):
        with_gain_reference(image, evolve(image, counts=image.counts[:, :512], energy=image.energy[:512]))
    with pytest.raises(InputError, match="expected evenly lit spectra, not those of a specimen"):
        with_gain_reference(image, image)


def test_misfits_are_kept_with_wider_errors() -> None:
    found = fit_spectra(faulty("pattern"), MODES)
    with pytest.raises(InputError, match=r"0 columns .* of 16 pixels are flagged 16 MISFIT; keep misfits"):
        line_profile(found)
    kept = widen_misfits(found)
    assert abs(kept.sigma / (found.sigma * np.sqrt(found.dispersion)) - 1).max() <= 1e-12
    assert line_profile(kept).position.size == PIXELS
