"""Shortcuts: right where they must be, wrong by as much as they say, and never silent."""

import re

import numpy as np
import pytest
import toy

from kapitza.errors import InputError, ValidityWarning
from kapitza.measure.eels.fit import fit_spectra
from kapitza.measure.eels.jump import fit_jump
from kapitza.measure.eels.map import line_profile
from kapitza.measure.eels.ratio_thermometry import BIAS, log_ratio_temperature, window_temperature
from kapitza.units import meV

ALN, SIC, ENERGY, QUANTA, bose, spectrum = toy.ALN, toy.SIC, toy.ENERGY, toy.QUANTA, toy.bose, toy.spectrum

AXIS = ENERGY * meV
TALL = 1e6


def sides(fwhm: float = 8.0, kelvin: float = 400.0) -> np.ndarray:
    return TALL * np.stack([spectrum(one, bose(QUANTA, kelvin), fwhm) for one in (ALN, SIC)])


@pytest.mark.parametrize("window", [(30, 120), (70, 110)])
@pytest.mark.parametrize("at", ["centre", "centroid"])
def test_false_step_of_a_window_ratio_is_what_the_warning_says(window, at) -> None:
    with pytest.warns(ValidityWarning, match=re.escape(f"{BIAS[at][window]:+g} K")):
        found = window_temperature(AXIS, sides(), window[0] * meV, window[1] * meV, at=at)
    np.testing.assert_allclose(found.temperature[0] - found.temperature[1], BIAS[at][window], rtol=0, atol=0.5)


@pytest.mark.parametrize("window", [(30, 120), (70, 110)])
def test_false_step_of_a_line_through_the_origin_is_what_the_warning_says(window) -> None:
    with pytest.warns(ValidityWarning, match="straight line"):
        found = log_ratio_temperature(AXIS, sides(), window[0] * meV, window[1] * meV)
    step = found.temperature[0] - found.temperature[1]
    np.testing.assert_allclose(step, BIAS["origin"][window], rtol=0, atol=0.1)


def test_published_step_is_smaller_than_that_of_the_window(published) -> None:
    with pytest.warns(ValidityWarning, match="false step"):
        found = window_temperature(AXIS, sides(), 30 * meV, 120 * meV)
    assert found.temperature[0] - found.temperature[1] > 2 * published("eels", "aln_sic_jump_high")["value"]


def test_free_intercept_is_worse_by_far() -> None:
    with pytest.warns(ValidityWarning, match="free intercept"):
        found = log_ratio_temperature(AXIS, sides(), 30 * meV, 120 * meV, line="free")
    assert abs(found.temperature[0] - found.temperature[1]) > 15


def test_all_are_right_without_resolution_and_with_one_sharp_mode() -> None:
    """The law: detailed balance of a spectrum that nothing has blurred."""
    loss = np.where(ENERGY > 0, np.exp(-(((ENERGY - 80) / 20) ** 2)), 0.0) * 1e6
    mirrored = np.interp(-ENERGY, ENERGY, loss)
    counts = loss + mirrored * np.exp(np.minimum(ENERGY, 0.0) * meV / (1.380649e-23 * 350.0))
    with pytest.warns(ValidityWarning):
        line = log_ratio_temperature(AXIS, counts, 30 * meV, 120 * meV)

    np.testing.assert_allclose(line.temperature, 350, rtol=1e-9, atol=0)


@pytest.mark.parametrize("fwhm", [8.0, 12.0])
def test_the_fit_shows_no_step_where_shortcuts_do(fwhm: float) -> None:
    """An isothermal interface: expected counts give back 400 K on both sides, whatever the resolution."""
    sides = [toy.expected_counts(toy.modes_of(*(1e-3 * s)), 400.0, 6e7, fwhm)[0] for s in (ALN, SIC)]
    found = fit_spectra(toy.image_of(np.stack(sides)), toy.modes_of(None, None, None))
    np.testing.assert_allclose(found.temperature, 400.0, rtol=1e-5, atol=0)


@pytest.mark.parametrize("fwhm", [8.0, 12.0])
def test_isothermal_interface_has_no_jump(fwhm: float) -> None:
    pytest.importorskip("numba")
    rng, rows, columns = np.random.default_rng(1), 32, 20
    left, right = (toy.expected_counts(toy.modes_of(*(1e-3 * s)), 400.0, 6e8, fwhm)[0] for s in (ALN, SIC))
    mean = np.where((np.arange(2 * columns) < columns)[:, None], left, right)
    scan = toy.image_of(rng.poisson(mean, (rows, 2 * columns, ENERGY.size)).astype(np.int32))
    found = fit_jump(line_profile(fit_spectra(scan, toy.modes_of(None, None, None))), 0.0).jump
    assert abs(found.jump) < 0.3
    assert abs(found.jump) < 2 * found.sigma
    assert found.sigma < 0.15


def test_errors_are_those_of_counting() -> None:
    rng = np.random.default_rng(1)
    with pytest.warns(ValidityWarning):
        line = log_ratio_temperature(AXIS, rng.poisson(sides()[0] / 20, (400, ENERGY.size)), 30 * meV, 120 * meV)
    np.testing.assert_allclose(line.temperature.std(), line.sigma.mean(), rtol=0.12, atol=0)


def test_faults_say_what_was_wanted() -> None:
    with pytest.raises(InputError, match="window from 30 to 400 meV"):
        window_temperature(AXIS, sides(), 30 * meV, 400 * meV)
    with pytest.raises(InputError, match="channels"):
        window_temperature(AXIS, sides()[:, :10], 30 * meV, 120 * meV)
