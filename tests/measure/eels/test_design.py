"""Plans: closed forms, bounds that simulated measurements meet, layouts that nothing beats."""

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from kapitza.core.profile import Profile
from kapitza.errors import InputError
from kapitza.measure.design import design
from kapitza.measure.eels.design import design_eels, optimal_dwell, pixel_sigma, planned_contrast, scan_precision
from kapitza.measure.eels.experiment import (
    EelsExperiment,
    cramer_rao,
    jump_sigma,
    optimum_energy,
    planned_model,
    resolution_tradeoff,
    side_sigma,
    simulate_spectra,
    temperature_sigma,
    true_parameters,
)
from kapitza.measure.eels.fit import fit_spectra
from kapitza.measure.eels.jump import contrast_weighted_means, fit_jump
from kapitza.measure.eels.model import VibrationalMode, channel_grid, expected_spectrum
from kapitza.measure.eels.point_spread import PointSpread, side_contrast
from kapitza.units import e, k_B, meV, nm


def modes(*strengths: float) -> tuple[VibrationalMode, ...]:
    lines = ((47, 5.0), (82, 4.5), (97, 5.0))
    return tuple(VibrationalMode(f"m{q}", q * meV, w * meV, s) for (q, w), s in zip(lines, strengths, strict=False))


PLAN = EelsExperiment(
    left=modes(4e-4, 6e-4, 1e-4),
    right=modes(4e-4, 1.2e-4, 5e-4),
    temperature=425.0,
    jump=15.0,
    gradient_left=-0.18 / nm,
    gradient_right=-0.15 / nm,
    columns=32,
    rows=64,
    electrons=6e7,
    dwell=1.0,
)


# closed forms


@given(x=st.floats(0.05, 12), kelvin=st.floats(20, 2000), count=st.floats(1e3, 1e9))
def test_one_mode_in_closed_form(x: float, kelvin: float, count: float) -> None:
    got = temperature_sigma(x * k_B * kelvin, kelvin, count)
    np.testing.assert_allclose(got / kelvin, np.sqrt(2 * np.sinh(x)) / (x * np.sqrt(count)), rtol=1e-10, atol=0)
    best = temperature_sigma(optimum_energy(kelvin), kelvin, count)
    assert got >= best * (1 - 1e-12)


def test_optimum_is_the_published_root() -> None:
    np.testing.assert_allclose(optimum_energy(300.0) / (k_B * 300), 1.9150, rtol=3e-5, atol=0)


@pytest.mark.parametrize(
    ("quantum", "kelvin", "electrons"),
    [
        (40, 300, 1.69e5),
        (82, 300, 2.13e5),
        (97, 300, 2.72e5),
        (82, 430, 3.41e5),
        (170, 300, 1.49e6),
        (170, 600, 8.91e5),
    ],
)
def test_electrons_for_one_kelvin(quantum: float, kelvin: float, electrons: float) -> None:
    np.testing.assert_allclose(temperature_sigma(quantum * meV, kelvin, electrons), 1.0, rtol=0.005, atol=0)


@pytest.mark.parametrize("quantum", [40.0, 82.0, 170.0])
def test_closed_form_is_the_bound_of_a_lone_sharp_mode(quantum: float) -> None:
    """Second road: Fisher information of the whole spectrum, with hardly a zero-loss peak and a fine resolution."""
    strong = (VibrationalMode("a", quantum * meV, 4 * meV, 1e4),)
    plan = EelsExperiment(left=strong, right=strong, temperature=300.0, electrons=50.0, fwhm=1 * meV, lorentzian=1e-9)
    place = planned_model(plan, "left").first_tie
    names = planned_model(plan, "left").names
    bound = cramer_rao(plan)
    known = [i for i, name in enumerate(names) if name not in ("temperature", "a.intensity")]
    information = np.linalg.inv(scaled := bound / np.outer(d := np.sqrt(np.diag(bound)), d))
    keep = [i for i in range(len(names)) if i not in known]
    sigma = np.sqrt(np.linalg.inv(information[np.ix_(keep, keep)])[-1, -1]) * d[place]
    assert scaled.shape == (len(names), len(names))
    np.testing.assert_allclose(sigma, temperature_sigma(quantum * meV, 300.0, 5e5), rtol=0.005, atol=0)


@pytest.mark.parametrize("quantum", [20.0, 49.5, 82.0])
def test_closed_form_by_simulation(quantum: float) -> None:
    rng, kelvin, s = np.random.default_rng(1), 300.0, 2e5
    n = 1 / np.expm1(quantum * meV / (k_B * kelvin))
    gain, loss = rng.poisson(s * n, 20000), rng.poisson(s * (n + 1), 20000)
    found = quantum * meV / (k_B * np.log(loss / gain))
    np.testing.assert_allclose(found.std(), temperature_sigma(quantum * meV, kelvin, s), rtol=0.02, atol=0)


@pytest.mark.parametrize("count", [2, 5, 10, 64])
def test_jump_in_closed_form(count: int) -> None:
    plan = PLAN.replace({"columns": count, "rows": 1})
    got = scan_precision(plan, np.full(2 * count, 0.7)).jump
    np.testing.assert_allclose(got, jump_sigma(0.7, count), rtol=1e-9, atol=0)
    np.testing.assert_allclose(got, 0.7 * np.sqrt(2 * (1 / count + 3 * count / (count**2 - 1))), rtol=1e-9, atol=0)


def test_jump_of_ten_points(published) -> None:
    entry = published("eels", "jump_of_ten")
    np.testing.assert_allclose(jump_sigma(1.0, 10), entry["value"], rtol=entry["tolerance"], atol=0)


# bounds


def test_bound_by_differences() -> None:
    """Second road: derivatives of the spectrum by central differences."""
    model = planned_model(PLAN, "left")
    grid, values = channel_grid(model, PLAN.energy), true_parameters(PLAN, "left", model)
    step = float(PLAN.energy[1] - PLAN.energy[0])
    units = model.units(step)
    x = values / units
    mu, _ = expected_spectrum(model, grid, x[None])
    rows = []
    for i in range(x.size):
        h = 1e-5 * max(abs(x[i]), 1e-3)
        up, down = x.copy(), x.copy()
        up[i], down[i] = x[i] + h, x[i] - h
        rows.append(
            (expected_spectrum(model, grid, up[None])[0] - expected_spectrum(model, grid, down[None])[0])[0] / (2 * h)
        )
    jacobian = np.array(rows)
    information = (jacobian / mu[0]) @ jacobian.T
    size = np.sqrt(np.diag(information))
    wanted = np.sqrt(np.diag(np.linalg.inv(information / np.outer(size, size)))) / size * units
    np.testing.assert_allclose(np.sqrt(np.diag(cramer_rao(PLAN))), wanted, rtol=1e-4, atol=0)


def test_bounds_go_with_the_root_of_the_dose() -> None:
    more = PLAN.replace({"dwell": 4.0})
    np.testing.assert_allclose(side_sigma(more, "left"), side_sigma(PLAN, "left") / 2, rtol=1e-6, atol=0)


def test_nuisance_costs_and_dark_noise_costs() -> None:
    plain = side_sigma(PLAN, "left")
    assert side_sigma(PLAN.replace({"background": 3}), "left") > plain
    assert side_sigma(PLAN.replace({"dark_variance": 100.0}), "left") > plain
    assert (
        side_sigma(PLAN.replace({"lorentzian": 0.1}), "left")
        > plain
        > side_sigma(PLAN.replace({"lorentzian": 1e-4}), "left")
    )


def test_modes_apart_are_known_less_well_than_together() -> None:
    together = side_sigma(PLAN, "left")
    model = planned_model(PLAN, "left", "each")
    each = np.sqrt(np.diag(cramer_rao(PLAN, tie="each")))[model.first_tie :]
    assert (each > together).all()
    assert each[1] < each[0] < each[2]


def test_the_sharpest_setting_is_not_the_best_thermometer() -> None:
    fixed, slit = resolution_tradeoff(PLAN, np.array([4, 8, 12, 24]) * meV)
    assert (np.diff(fixed) > 0).all()
    assert slit[0] > slit[2] < slit[3]
    np.testing.assert_allclose(fixed[1], slit[1], rtol=1e-12, atol=0)
    found = design_eels(PLAN).best_width
    assert 8 * meV < found < 15 * meV


# layouts


def test_precision_is_that_of_the_fit() -> None:
    """Second road: what `fit_jump` states for data with these errors."""
    plan = evolve_spread(PLAN)
    sigma = pixel_sigma(plan) / np.sqrt(plan.rows)
    contrast = planned_contrast(plan)
    seen = contrast_weighted_means(plan.spread.branches(plan.position), plan.position, contrast) @ plan.branches
    found = fit_jump(Profile(plan.position, seen, sigma), 0.0, plan.spread, contrast=contrast).jump
    said = scan_precision(plan, pixel_sigma(plan))
    np.testing.assert_allclose(said.jump, found.sigma, rtol=1e-7, atol=0)
    np.testing.assert_allclose((said.kapitza_left, said.kapitza_right), found.kapitza_length_sigmas, rtol=1e-7, atol=0)


def test_weights_of_the_plan_are_those_that_its_spectra_show() -> None:
    """Second road: fit the expected spectra of the plan, and weigh the materials as a measured map does."""
    pytest.importorskip("numba")
    plan = evolve(evolve_spread(PLAN), rows=1, columns=12)
    free = tuple(evolve(mode, intensity=None) for mode in plan.left)
    shown = side_contrast(fit_spectra(simulate_spectra(plan, seed=None), free, tie="each"), 0.0, plan.spread)
    said = planned_contrast(plan)
    assert said is not None
    np.testing.assert_allclose(said.at(plan.position), shown.ratio, rtol=0.04, atol=0)
    assert said.ratio.min() < 0.7
    assert planned_contrast(PLAN) is None
    alike = planned_contrast(evolve(plan, right=plan.left))
    assert alike is not None
    np.testing.assert_allclose(alike.ratio, 1.0, rtol=1e-9, atol=0)


def evolve_spread(plan: EelsExperiment) -> EelsExperiment:
    return EelsExperiment(
        left=plan.left, right=plan.right, temperature=plan.temperature, jump=plan.jump,
        gradient_left=plan.gradient_left, gradient_right=plan.gradient_right,
        columns=plan.columns, rows=plan.rows, electrons=plan.electrons, spread=PointSpread(1.5 * nm, 0.2, 10 * nm),
    )  # fmt: skip


def test_precision_by_simulation() -> None:
    rng, sigma = np.random.default_rng(3), pixel_sigma(PLAN) / 8
    x, seen = PLAN.position, PLAN.spread.branches(PLAN.position) @ PLAN.branches
    found = [fit_jump(Profile(x, seen + rng.normal(0, sigma), sigma), 0.0).jump for _ in range(1500)]
    said = scan_precision(PLAN, pixel_sigma(PLAN))
    np.testing.assert_allclose(np.std([one.jump for one in found]), said.jump, rtol=0.06, atol=0)
    lengths = np.array([one.kapitza_lengths[0] for one in found])
    np.testing.assert_allclose(np.std(lengths), said.kapitza_left, rtol=0.08, atol=0)


@pytest.mark.parametrize("target", ["jump", "kapitza_left", "kapitza_right"])
def test_no_layout_beats_the_best(target: str) -> None:
    plan, pixel = PLAN.replace({"skip": 2 * nm}), pixel_sigma(PLAN)
    dwell = optimal_dwell(plan, target, pixel=pixel)
    np.testing.assert_allclose(dwell.sum(), plan.dwell * dwell.size, rtol=1e-9, atol=0)
    # the zero pattern of a best design is singular for other targets: a whiff of even dwell keeps it invertible
    nearly = 0.999999 * dwell + 1e-6 * plan.dwell
    best = getattr(scan_precision(plan, pixel, nearly), target)
    rng = np.random.default_rng(4)
    for _ in range(300):
        other = rng.dirichlet(np.full(dwell.size, 0.3)) * dwell.sum()
        mixed = nearly + 0.05 * (0.5 * other + 0.5 * plan.dwell - nearly)
        assert getattr(scan_precision(plan, pixel, mixed), target) >= best * (1 - 1e-6)
    assert best < getattr(scan_precision(plan, pixel), target)
    assert dwell[np.abs(plan.position) < plan.skip].sum() == 0


def test_the_gradient_limits_the_kapitza_length_so_time_goes_far_away() -> None:
    plan = PLAN.replace({"skip": 2 * nm})
    found = design_eels(plan, floor=0.1)
    far = np.abs(plan.position) > 0.8 * plan.position.max()
    assert found.dwell["kapitza_left"][far].sum() > found.dwell["jump"][far].sum()
    assert found.best_precision["kapitza_left"].kapitza_left < 0.75 * found.precision.kapitza_left
    assert found.best_precision["jump"].jump < 0.9 * found.precision.jump


def test_worked_example() -> None:
    """64 rows, 32 pixels a side of 1 nm, 6e7 electrons each: 68 minutes for a jump to about 0.23 K."""
    found = design_eels(PLAN, targets={"jump": 0.1, "kapitza_left": 2 * nm})
    np.testing.assert_allclose(found.experiment.time / 60, 68.27, rtol=1e-3, atol=0)
    np.testing.assert_allclose(found.precision.jump, 0.23, rtol=0.05, atol=0)
    np.testing.assert_allclose(found.precision.gradient_left * nm, 0.0088, rtol=0.05, atol=0)
    whole, best = found.required_time["jump"]
    np.testing.assert_allclose(whole / found.experiment.time, (found.precision.jump / 0.1) ** 2, rtol=1e-9, atol=0)
    assert best < whole
    assert found.sigma("temperature")[0] == side_sigma(PLAN, "left")
    assert set(found.modes) == {"m47", "m82", "m97"}


def test_current_of_ten_picoamperes() -> None:
    np.testing.assert_allclose(10e-12 / e, 6.24e7, rtol=1e-3, atol=0)
    np.testing.assert_allclose(
        EelsExperiment(left=modes(1e-3), right=modes(1e-3)).electrons, 10e-12 / e, rtol=1e-12, atol=0
    )


# faults


def test_faults_say_what_was_wanted() -> None:
    with pytest.raises(InputError, match="does not tell its 14 parameters apart"):
        cramer_rao(PLAN.replace({"fwhm": 800 * meV}))
    with pytest.raises(InputError, match="name the same ones"):
        EelsExperiment(left=modes(1e-3), right=modes(1e-3, 1e-3))
    with pytest.raises(InputError, match="has no intensity"):
        EelsExperiment(left=(VibrationalMode("a", meV, meV),), right=(VibrationalMode("a", meV, meV),))
    with pytest.raises(InputError, match="goes below 0 K"):
        EelsExperiment(left=modes(1e-3), right=modes(1e-3), temperature=10.0, jump=30.0)
    with pytest.raises(InputError, match="needs a gradient"):
        optimal_dwell(EelsExperiment(left=modes(1e-3), right=modes(1e-3)), "kapitza_left")
    with pytest.raises(InputError, match="wanted size = 1"):
        design_eels(PLAN, targets={"size": 1.0})
    with pytest.raises(InputError, match="floor = 2"):
        optimal_dwell(PLAN, "jump", floor=2.0)
    with pytest.raises(InputError, match="no parameter 'bent'"):
        design_eels(PLAN).sigma("bent")
    with pytest.raises(InputError, match="energy = -1"):
        temperature_sigma(-1.0, 300.0, 1.0)
    with pytest.raises(InputError, match="1 points"):
        jump_sigma(1.0, 1)
    with pytest.raises(InputError, match="temperature = 0 K"):
        optimum_energy(0.0)


def test_the_verb_plans_spectra() -> None:
    widths = [5 * meV, 9 * meV]
    got, want = design(PLAN, settings={"fwhm": widths}), design_eels(PLAN, widths=widths)
    np.testing.assert_array_equal(got.sigma_with_slit, want.sigma_with_slit)
    np.testing.assert_array_equal(got.widths, widths)
    with pytest.raises(InputError, match="no setting 'dwell'"):
        design(PLAN, settings={"dwell": [1.0]})
