"""Two temperatures in one spectrum: no alarm where every mode is in equilibrium, and one where a mode is not."""

import numpy as np
import pytest
import toy
from attrs import evolve
from scipy import stats

from kapitza.core.occupation import Occupation
from kapitza.errors import InputError
from kapitza.measure.eels.experiment import EelsExperiment, simulate_spectra
from kapitza.measure.eels.fit import fit_spectra
from kapitza.measure.eels.jump import InterfaceJump, fit_jump
from kapitza.measure.eels.map import TemperatureMap, line_profile
from kapitza.measure.eels.point_spread import PointSpread, side_contrast
from kapitza.measure.eels.populations import departure_test, mixed_temperatures, mixture_test, mode_occupations
from kapitza.units import k_B, nm

SPREAD = PointSpread(0.5 * nm, 0.2, 10 * nm)
PLAN = EelsExperiment(
    left=toy.modes_of(4e-4, 6e-4, 1e-4), right=toy.modes_of(4e-4, 1.2e-4, 5e-4), temperature=425.0,
    jump=15.0, gradient_left=-0.18 / nm, gradient_right=-0.15 / nm,
    columns=16, rows=40, pitch=nm, electrons=6.24e8, spread=SPREAD,
)  # fmt: skip
FREE = toy.modes_of(None, None, None)


def fitted(
    plan: EelsExperiment, source: Occupation | None = None, seed: int | None = 7
) -> tuple[TemperatureMap, TemperatureMap, InterfaceJump]:
    """Maps with one temperature and with three, and the jump between."""
    pytest.importorskip("numba")
    image = simulate_spectra(plan, source, seed=seed)
    common, each = fit_spectra(image, FREE), fit_spectra(image, FREE, tie="each")
    contrast = side_contrast(each, 0.0, plan.spread)
    return common, each, fit_jump(line_profile(common), 0.0, plan.spread, contrast=contrast)


def test_mixed_temperatures_are_those_of_the_expected_spectra() -> None:
    """A second road: spread the electrons, fit the expected counts, and read the temperature of each mode."""
    _, each, jump = fitted(evolve(PLAN, rows=1), seed=None)
    seen = np.stack([each.parameter(f"{mode}.temperature") for mode in each.modes], axis=-1)
    np.testing.assert_allclose(mixed_temperatures(each, jump), seen, rtol=0, atol=0.12)
    assert np.ptp(seen[15]) > 1.5  # the pixel next to the plane holds two temperatures
    sharp = evolve(PLAN, rows=1, spread=PointSpread())
    _, each, jump = fitted(sharp, seed=None)
    branches = PointSpread().branches(each.position[0]) @ PLAN.branches
    np.testing.assert_allclose(mixed_temperatures(each, jump), np.tile(branches[:, None], 3), rtol=1e-5, atol=0)


@pytest.mark.parametrize("rows", [40, pytest.param(600, marks=pytest.mark.slow)])
def test_no_false_alarm_next_to_a_jump(rows: int) -> None:
    """Equilibrium on both sides: the plain test fires near the plane, the one that knows of the mixture does not."""
    common, each, jump = fitted(evolve(PLAN, rows=rows))
    near = np.abs(np.broadcast_to(each.position[-1], each.shape)) < 3 * nm
    plain = departure_test(common, each, correction="none")
    knowing = mixture_test(each, jump, correction="none")
    assert plain.significant[near].mean() > 0.12
    rate = knowing.significant[near].mean()
    assert abs(rate - 0.05) < 0.01 + 2.5 * np.sqrt(0.05 * 0.95 / near.sum())
    assert stats.kstest(knowing.pvalue[near], "uniform").pvalue > 1e-3
    assert knowing.combined_pvalue(near) > 1e-3


def test_a_mode_that_is_off_at_the_interface_is_found() -> None:
    x, energy = PLAN.position, np.array([mode.energy for mode in PLAN.left])
    kelvin = np.tile((PointSpread().branches(x) @ PLAN.branches)[:, None], 3)
    kelvin[np.abs(x) < 3 * nm, 1] += 30
    source = Occupation(x, energy, k_B * kelvin / energy, statistics="classical", method="NEMD")
    _, each, jump = fitted(evolve(PLAN, rows=10), source)
    near = np.abs(np.broadcast_to(each.position[-1], each.shape)) < 3 * nm
    knowing = mixture_test(each, jump, correction="none")
    assert knowing.significant[near].mean() > 0.9


def test_faults_say_what_was_wanted() -> None:
    common, _, jump = fitted(evolve(PLAN, rows=1), seed=None)
    with pytest.raises(InputError, match="a temperature for each of 3 modes"):
        mixture_test(common, jump)


def test_modes_that_one_material_lacks_tell_no_temperature_of_it() -> None:
    """Weak counts, and two modes that only one side has: the jump stands, and nothing is read where nothing is."""
    lacking = evolve(
        PLAN, left=toy.modes_of(4e-4, 6e-4, 0.0), right=toy.modes_of(4e-4, 0.0, 5e-4), electrons=6e7, spread=SPREAD
    )
    common, each, jump = fitted(lacking)
    assert abs(jump.jump.jump - 15) < 3 * jump.jump.sigma
    shown = each.is_determined("m97.temperature")
    far = np.broadcast_to(each.position[-1] < -8 * nm, each.shape)
    assert shown[~far & (each.position[-1] > 0)].all()
    assert not shown[far].all()
    assert (each.parameter_sigma("m97.temperature")[shown] > 0).all()
    held = mode_occupations(each)
    kelvin, sigma = held.temperature(), held.temperature_sigma()
    assert sigma is not None
    known = np.isfinite(kelvin)
    assert known[:, 0].all()
    assert (sigma[known] > 0).all()
    off = np.abs(kelvin - mixed_temperatures(each, jump)) / np.hypot(sigma, 3.0)
    sure = known & (sigma < 10)
    assert sure.sum() >= 60
    assert off[sure].max() < 4
    assert mixture_test(each, jump).significant.sum() == 0
    assert departure_test(common, each).significant[far].sum() == 0
