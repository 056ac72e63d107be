"""Two materials seen at once: weights from the map, and the jump that they give back from counts."""

import numpy as np
import pytest
import toy
from attrs import evolve

from kapitza.core.profile import Profile
from kapitza.errors import InputError
from kapitza.measure.eels.experiment import EelsExperiment, fisher_information, simulate_spectra
from kapitza.measure.eels.fit import fit_spectra
from kapitza.measure.eels.jump import fit_jump
from kapitza.measure.eels.map import line_profile
from kapitza.measure.eels.model import SpectrumModel
from kapitza.measure.eels.point_spread import PointSpread, SideContrast, side_contrast
from kapitza.units import meV, nm

SPREAD = PointSpread(0.5 * nm, 0.2, 10 * nm)
ALN, SIC = (4e-4, 6e-4, 1e-4), (4e-4, 1.2e-4, 5e-4)
PLAN = EelsExperiment(
    left=toy.modes_of(*ALN), right=toy.modes_of(*SIC), temperature=425.0, jump=15.0,
    gradient_left=-0.18 / nm, gradient_right=-0.15 / nm,
    columns=32, rows=1, pitch=nm, electrons=6.24e8, spread=SPREAD,
)  # fmt: skip
TRUTH = np.array([15.0, -0.18, -0.15])
FREE = toy.modes_of(None, None, None)


def seen(plan: EelsExperiment, seed: int | None = None) -> tuple[Profile, SideContrast]:
    """Profile of a planned scan, and the weights of its materials."""
    pytest.importorskip("numba")
    image = simulate_spectra(plan, seed=seed)
    contrast = side_contrast(fit_spectra(image, FREE, tie="each"), 0.0, plan.spread)
    return line_profile(fit_spectra(image, FREE)), contrast


def found(profile: Profile, plan: EelsExperiment, contrast: SideContrast | None) -> tuple[np.ndarray, np.ndarray]:
    """Jump and gradients in K and K/nm, and their standard uncertainties."""
    one = fit_jump(profile, 0.0, plan.spread, contrast=contrast).jump
    scale = np.array([1, nm, nm])
    return np.array([one.jump, one.gradient_left, one.gradient_right]) * scale, np.sqrt(np.diag(one.covariance)) * scale


def test_expected_counts_give_the_jump_back() -> None:
    """The whole road from a plan over counts to a jump, without noise: no bias, where equal weights have one."""
    profile, contrast = seen(PLAN)
    value, sigma = found(profile, PLAN, contrast)
    assert (np.abs(value - TRUTH) < 0.1 * sigma).all(), (value, sigma)
    plain, _ = found(profile, PLAN, None)
    assert plain[0] - 15 > 0.4


def test_materials_that_scatter_alike_weigh_the_same() -> None:
    plan = evolve(PLAN, right=PLAN.left, jump=0.0, gradient_left=0.0, gradient_right=0.0)
    profile, contrast = seen(plan)
    np.testing.assert_allclose(contrast.ratio, 1.0, rtol=1e-4, atol=0)
    np.testing.assert_allclose(found(profile, plan, contrast)[0][0], 0.0, rtol=0, atol=1e-3)


def test_weights_by_the_information_of_the_expected_spectrum() -> None:
    """A second road: how the best estimate of one temperature follows those of the materials, by Fisher's matrix."""
    _, contrast = seen(PLAN)
    share = SPREAD.branches(contrast.position)[:, :2]
    model = SpectrumModel(FREE, tie="each")
    for k in (20, 30, 31, 32, 33, 45):
        strengths = 6.24e8 * share[k] @ np.array([ALN, SIC])
        lines = [v for m, s in zip(FREE, strengths, strict=True) for v in (m.energy, m.width, s)]
        values = [6.24e8, 0.0, 8 * meV, 0.02, *lines, 425.0, 425.0, 425.0]
        matrix = fisher_information(model, PLAN.energy, dict(zip(model.names, values, strict=True)))
        first = model.first_tie
        tied = np.zeros((len(values), first + 1))
        tied[:first, :first], tied[first:, first] = np.eye(first), 1
        weight = np.linalg.solve(tied.T @ matrix @ tied, tied.T @ matrix)[first, first:]
        left, right = (6.24e8 * np.array(side) / strengths @ weight for side in (ALN, SIC))
        np.testing.assert_allclose(contrast.ratio[k], right / left, rtol=0.03, atol=0)


@pytest.mark.parametrize("trials", [40, pytest.param(1000, marks=pytest.mark.slow)])
def test_intervals_cover_the_truth_where_both_materials_are_seen(trials: int) -> None:
    """From counts on, with a point spread and different materials: intervals of jump and Kapitza lengths hold."""
    plan = evolve(PLAN, rows=trials, columns=12, pitch=3 * nm)
    image = simulate_spectra(plan, seed=5)
    pytest.importorskip("numba")
    common = fit_spectra(image, FREE)
    contrast = side_contrast(fit_spectra(image, FREE, tie="each"), 0.0, SPREAD)
    wanted, hits = (15.0, 15 / 0.18 * nm, 15 / 0.15 * nm), np.zeros(3)
    for kelvins, sigmas in zip(common.temperature, common.sigma, strict=True):
        one = fit_jump(Profile(image.position[1], kelvins, sigmas), 0.0, SPREAD, contrast=contrast)
        ends = (one.interval(), one.kapitza_interval("left"), one.kapitza_interval("right"))
        hits += [low <= v <= high for (low, high), v in zip(ends, wanted, strict=True)]
    room = 0.02 if trials >= 1000 else 0.02 + 2.5 * np.sqrt(0.95 * 0.05 / trials)
    assert np.abs(hits / trials - 0.95).max() < room, hits / trials


def test_faults_say_what_was_wanted() -> None:
    pytest.importorskip("numba")
    image = simulate_spectra(evolve(PLAN, columns=4), seed=None)
    with pytest.raises(InputError, match="a temperature for each of 3 modes"):
        side_contrast(fit_spectra(image, FREE), 0.0, SPREAD)
    with pytest.raises(InputError, match="on both sides of"):
        side_contrast(fit_spectra(image, FREE, tie="each"), 90 * nm, SPREAD)
    with pytest.raises(InputError, match="expected"):
        SideContrast([0.0], [-1.0])
