"""The estimator on a quick experiment: laws, a second road to the errors, coverage, identifiability, messages."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import ndtr

import kapitza
from kapitza.cli.fit import parameter_numbers
from kapitza.core.stack import Layer, Stack
from kapitza.errors import InputError
from kapitza.measure.experiment import Curve
from kapitza.measure.fit import fit
from kapitza.measure.fit_result import Fit
from kapitza.measure.likelihood import Bound
from kapitza.measure.problem import Free, Prior, Tie

G, K = "Al|Si.conductance", "Si.conductivity"
SPOTS = toys.Spots(toys.WIDTHS)
CALIBRATED = {"spots.spot": Prior.relative(0.04), "spots.gain": Prior(1, 0.03)}


def run(seed: int, *, truth: Stack | None = None, experiment: Any = SPOTS, noise: float = 0.01, **changes: Any) -> Fit:
    stack = toys.sample() if truth is None else truth
    curve = experiment.measured(stack, noise, seed)
    options: dict[str, Any] = {"priors": CALIBRATED, "starts": 1} | changes
    return fit(SPOTS, curve, toys.sample(60e6, 100.0), [G, K], **options)


@given(st.floats(1e7, 1e9), st.floats(20, 500), st.integers(0, 1000))
@settings(max_examples=15)
def test_exact_data_give_the_truth(conductance: float, conductivity: float, seed: int) -> None:
    truth = toys.sample(conductance, conductivity)
    curve = Curve(SPOTS.width, SPOTS.predict(truth), 1e-3 * SPOTS.predict(truth), "amplitude")
    found = fit(SPOTS, curve, toys.sample(), [G, K], starts=2, seed=seed)
    np.testing.assert_allclose(found.value, [conductance, conductivity], rtol=1e-6, atol=0)
    np.testing.assert_allclose(found.chi2, 0, rtol=0, atol=1e-9)


def test_covariance_is_that_of_controlled_parameters() -> None:
    """Second road: fit without the uncertain numbers, then propagate theirs by Cov = C + C Jf'W Jc V Jc'W Jf C."""
    found = run(3)
    x, sigma = found.solution.x, found.problem.sigma[0]
    step = 1e-6
    columns = []
    for i in range(4):
        up, down = np.array(x), np.array(x)
        up[i], down[i] = x[i] + step, x[i] - step
        columns.append((found.problem.prediction(0, up) - found.problem.prediction(0, down)) / (2 * step) / sigma)
    free, known = np.column_stack(columns[:2]), np.column_stack(columns[2:])
    # the prior on the known ones as a correlated error of the data; for these two the optimum weights them the same
    total = np.eye(sigma.size) + known @ np.diag([0.04**2, 0.03**2]) @ known.T
    covariance = np.linalg.inv(free.T @ np.linalg.solve(total, free))
    np.testing.assert_allclose(found.solution.covariance[:2, :2], covariance, rtol=1e-5, atol=0)


def test_laplace_profile_and_budget_agree() -> None:
    found = run(5)
    for name in (G, K):
        plain, profiled = found.interval(name, 0.9), found.interval(name, 0.9, profiled=True)
        np.testing.assert_allclose(np.log(profiled[1] / profiled[0]), np.log(plain[1] / plain[0]), rtol=0.05, atol=0)
    budget = found.budget()
    np.testing.assert_allclose(budget.share.sum(axis=1), 1, rtol=1e-9, atol=0)
    assert next(iter(budget.of(G))) == "spots.spot"
    # an input known better by a factor 10 takes its share with it
    sharp = run(5, priors=CALIBRATED | {"spots.spot": Prior.relative(0.004)})
    wanted = found.solution.covariance[0, 0] * (1 - 0.99 * budget.of(G)["spots.spot"])
    np.testing.assert_allclose(sharp.solution.covariance[0, 0], wanted, rtol=1e-3, atol=0)


def test_profile_likelihood_is_the_parabola_of_a_well_measured_number() -> None:
    found = run(7)
    profile = found.profile_likelihood(G, span=2.0)
    z = np.log(profile.value / found.value[0]) / (found.sigma[0] / found.value[0])
    np.testing.assert_allclose(profile.delta_chi2, z**2, rtol=0.03, atol=0.01)
    grid = found.contours(G, K, points=5, span=1.0)
    assert grid.delta_chi2.shape == (5, 5)
    np.testing.assert_allclose(grid.delta_chi2[2, 2], 0, rtol=0, atol=1e-6)
    own = found.solution.covariance[:2, :2]
    d = np.array([np.log(grid.first[4] / found.value[0]), np.log(grid.second[0] / found.value[1])])
    np.testing.assert_allclose(grid.delta_chi2[4, 0], d @ np.linalg.inv(own) @ d, rtol=0.1, atol=0)


def test_the_same_profile_is_followed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found = run(7)
    wide, narrow = found.interval(G, profiled=True), found.interval(G, 0.5, profiled=True)
    assert wide[0] < narrow[0] < found.value[0] < narrow[1] < wide[1]
    monkeypatch.setattr("kapitza.measure.likelihood.profile_crossing", None)  # no search from here on
    assert found.interval(G, profiled=True) == wide
    assert found.interval(G, 0.5, profiled=True) == narrow


def covered(runs: int) -> tuple[float, float]:
    """Share of 95 % intervals of G and k that hold the truth when the inputs are off by their uncertainty."""
    rng = np.random.default_rng(12)
    truth = toys.sample()
    hits = np.zeros(2)
    for seed in range(runs):
        really = SPOTS.replace({"spot": float(np.exp(0.04 * rng.standard_normal())),
                                "gain": float(np.exp(0.03 * rng.standard_normal()))})  # fmt: skip
        found = run(seed, truth=truth, experiment=really)
        for i, (name, value) in enumerate(((G, 100e6), (K, 140.0))):
            low, high = found.interval(name)
            hits[i] += low <= value <= high
    return hits[0] / runs, hits[1] / runs


@pytest.mark.slow
def test_intervals_cover_with_errors_in_the_inputs() -> None:
    for share in covered(200):
        assert 0.91 <= share <= 0.985  # 95 % ± 3 standard deviations of 200 runs, above 0.90


@pytest.mark.slow
def test_intervals_cover_in_1000_experiments() -> None:
    for share in covered(1000):
        assert 0.93 <= share <= 0.97


@pytest.mark.parametrize(
    ("scatter", "runs"), [(True, 30), (False, 30), pytest.param(True, 100, marks=pytest.mark.slow)]
)
def test_undetermined_conductance_is_a_bound_and_a_determined_one_is_not(scatter: bool, runs: int) -> None:
    weak, firm = 0, 0
    for seed in range(runs):
        for conductance in (5e11, 100e6):
            truth = toys.sample(conductance)
            curve = SPOTS.measured(truth, 0.01, seed, sigma=scatter)
            start = toys.sample(min(conductance, 1e9), 120.0)
            found = fit(SPOTS, curve, start, [G, K], priors=CALIBRATED, starts=1)
            weak += conductance > 1e9 and G in found.bounds
            firm += conductance < 1e9 and not found.bounds
            assert np.isnan(found.value[0]) == (G in found.bounds)
    assert (weak, firm) == (runs, runs)


SLOPE = 2 / (np.pi * toys.WIDTHS**2)  # of a curve by the resistance, on which it depends linearly


def by_hand(curve: Curve) -> tuple[float, float]:
    """95 % interval of the resistance by the ratio of likelihoods, R >= 0, whose distribution has a closed form."""
    assert curve.sigma is not None
    without = SPOTS.predict(toys.sample(np.inf))
    weight = SLOPE / curve.sigma**2
    sigma = (weight @ SLOPE) ** -0.5
    best = weight @ (curve.value - without) * sigma

    def beyond(true: float) -> float:
        rise = (best - true) ** 2 - min(0.0, best) ** 2
        other = -(rise + true**2) / (2 * true) if true**2 < rise else -np.sqrt(rise)
        return float(ndtr(-np.sqrt(rise)) + ndtr(other)) - 0.05

    top = max(best, 0.0)
    low = brentq(beyond, 1e-6, top) * sigma if top > 1e-6 and beyond(1e-6) < 0 else 0.0
    return low, brentq(beyond, top + 1e-6, top + 3.0) * sigma


def test_bounds_are_those_of_the_ratio_of_likelihoods() -> None:
    """Second road: a curve that is linear in the resistance, 0.5 to 3 standard deviations from zero.  Intervals pass
    from one end to two and hold the truth; ends to 2 % of it."""
    ends, held = [], 0
    for seed in range(60):
        sigma = (np.sum((SLOPE / (0.01 * SPOTS.predict(toys.sample(np.inf)))) ** 2)) ** -0.5
        truth = (0.5 + 2.5 * seed / 60) * sigma
        curve = SPOTS.measured(toys.sample(1 / truth), 0.01, seed)
        found = fit(SPOTS, curve, toys.sample(1 / (2 * sigma)), [G], starts=1)
        bound = found.bounds.get(G) or Bound(*found.interval(G), 0.95)
        low, high = by_hand(curve)
        ends.append(bound.high is not None)
        assert abs((1 / bound.high if ends[-1] else 0.0) - low) < 0.02 * sigma
        assert abs(1 / bound.low - high) < 0.02 * sigma
        held += bound.low <= 1 / truth <= (bound.high or np.inf)
    assert 5 < sum(ends) < 55
    assert 52 <= held <= 60


def test_number_without_any_effect_is_said_to_be_unknown() -> None:
    found = run(1, priors=None)
    idle = fit(SPOTS, SPOTS.measured(toys.sample(), 0.01, 1), toys.sample(), [G, K, "Al.conductivity"], starts=1)
    assert idle.bounds["Al.conductivity"].low is None
    assert idle.bounds["Al.conductivity"].high is None
    np.testing.assert_allclose(idle.value[:2], found.value, rtol=1e-6, atol=0)
    bounded = parameter_numbers(evolve(found, bounds={G: Bound(1e8, 3e8, 0.9)}))[G]["bound"]
    assert bounded == {"unit": "W m^-2 K^-1", "low": 1e8, "high": 3e8, "confidence": 0.9}
    with pytest.raises(InputError, match="no bound at 95% confidence"):
        idle.interval("Al.conductivity")


def test_conductance_carries_its_labels() -> None:
    found = run(2).conductance("Al|Si", 295.0, source="sample 12")
    assert (found.drop, found.source, found.method) == ("extrapolated", "sample 12", "spots fit")
    np.testing.assert_allclose(found.temperature, [295.0], rtol=0, atol=0)
    assert found.sigma is not None
    np.testing.assert_allclose(found.value, [100e6], rtol=0.3, atol=0)


def test_scatter_gives_the_uncertainty_where_none_is_stated() -> None:
    curve = SPOTS.measured(toys.sample(), 0.02, 4, sigma=False)
    found = fit(SPOTS, curve, toys.sample(), [G, K], priors=CALIBRATED)
    np.testing.assert_allclose(found.chi2, found.freedom, rtol=3e-3, atol=0)
    stated = fit(SPOTS, Curve(curve.x, curve.value, found.problem.sigma[0], "amplitude"), toys.sample(), [G, K],
                 priors=CALIBRATED)  # fmt: skip
    np.testing.assert_allclose(found.value, stated.value, rtol=1e-6, atol=0)
    # the size of the noise is known from 24 points only: the part of the data in the variance grows by 1 + 2/(n - 2)
    np.testing.assert_allclose(found.covariance, stated.covariance, rtol=5e-3, atol=0)
    assert 1.3 < found.scatter[0] < 2.9  # against the 1 % first assumed


def test_samples_share_and_differ_as_told() -> None:
    stacks = [toys.sample(80e6), toys.sample(120e6)]
    runs = [toys.Spots(toys.WIDTHS, name="one"), toys.Spots(toys.WIDTHS, name="two")]
    curves = [r.measured(s, 0.005, i) for i, (r, s) in enumerate(zip(runs, stacks, strict=True))]
    free = [f"one:{G}", f"two:{G}", K]
    found = fit(runs, curves, toys.sample(), free, ties={"spot": Tie(("one.spot", "two.spot"))},
                priors={"spot": Prior(1, 0.04)})  # fmt: skip
    np.testing.assert_allclose(found.value[:2], [80e6, 120e6], rtol=0.3, atol=0)
    # the shared spot moves both conductances together: their ratio is known much better than either
    logs = found.solution.covariance
    ratio = np.sqrt(logs[0, 0] + logs[1, 1] - 2 * logs[0, 1])
    assert ratio < 0.5 * np.sqrt(logs[0, 0])
    np.testing.assert_allclose(found.value[1] / found.value[0], 1.5, rtol=4 * ratio, atol=0)


def test_one_value_for_several_numbers() -> None:
    layers = [Layer("Al", 80e-9, 180.0), Layer("SiO2", 50e-9, 1.3), Layer("Si", np.inf, 140.0)]
    stack = Stack(layers, [200e6, 200e6])
    curve = SPOTS.measured(stack, 0.01, 0)
    tie = Tie(("Al|SiO2.conductance", "SiO2|Si.conductance"), "value")
    found = fit(SPOTS, curve, stack, ["both", K], ties={"both": tie})
    np.testing.assert_allclose(found.value[0], 200e6, rtol=4 * found.sigma[0] / found.value[0], atol=0)
    assert found.sigma[0] < 0.1 * found.value[0]


def test_unlike_minima_are_told() -> None:
    found = run(2, starts=4)
    assert sum(m.hits for m in found.minima) == 4
    assert len(found.minima) == 1


@pytest.mark.parametrize(
    ("free", "priors", "message"),
    [
        ([], {}, "nothing is free"),
        (["Al|Ge.conductance"], {}, r"no sample has 'Al\|Ge.conductance': there are Al\|Si.conductance"),
        ([G], {G: Prior.relative(0.1)}, "is free and has a prior"),
        ([G], {"Al.in_plane": Prior.relative(0.1)}, "Al.in_plane has no value in the stack"),
        ([G], {"spots.offset": Prior.relative(0.1)}, "a share of 0 is not an uncertainty"),
        ([G], {"Al.thickness": Prior(-1.0, 0.1)}, "prior value -1, wanted above 0"),
        ({G: Free(1e8, 2e8, 3e8)}, {}, "wanted 0 < low <= start <= high"),
    ],
)
def test_wrong_names_and_numbers(free: Any, priors: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit(SPOTS, SPOTS.measured(toys.sample(), 0.01, 0), toys.sample(), free, priors=priors)


def test_wrong_sizes() -> None:
    curve = SPOTS.measured(toys.sample(), 0.01, 0)
    with pytest.raises(InputError, match="2 experiments, 1 curves and 1 stacks"):
        fit([SPOTS, SPOTS], [curve], [toys.sample()], [G])
    with pytest.raises(InputError, match="predicts"):
        fit(SPOTS, Curve(curve.x[1:], curve.value[1:]), toys.sample(), [G])
    with pytest.raises(InputError, match="not fitted"):
        run(0).index("Al.thickness")


@pytest.mark.parametrize(
    ("subject", "data", "stack", "message"),
    [
        (
            3,
            None,
            None,
            "a fit takes an experiment such as .* a Device, or a list of VibrationalMode, got 3 of type int",
        ),
        ([SPOTS, "spots"], None, None, "got 'spots' of type str"),
        ([], [], [], r"a fit takes an experiment .*, got \[\] of type list"),
        (SPOTS, None, None, "a fit of 'spots' needs the stack that was measured"),
        (SPOTS, None, toys.sample(), "a fit of experiments needs a Curve.*, got None of type NoneType"),
        (SPOTS, SPOTS.measured(toys.sample(), 0.01, 0), 3, "needs a Stack.*, got 3 of type int"),
        (kapitza.eels.VibrationalMode("mode", 1e-20, 1e-21), None, None, "a fit of spectra needs one Spec.*, got None"),
    ],
)
def test_what_cannot_be_fitted_is_named(subject: Any, data: Any, stack: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        kapitza.fit(subject, data, stack)


@pytest.mark.slow
def test_walkers_find_the_same_errors() -> None:
    pytest.importorskip("emcee")
    from kapitza.measure.fit_result import sample_posterior

    found = run(5)
    drawn = sample_posterior(found, steps=1500)
    for name in (G, K):
        wanted = found.sigma[found.index(name)] / found.value[found.index(name)]
        np.testing.assert_allclose(np.std(np.log(drawn.of(name))), wanted, rtol=0.1, atol=0)


def test_ensembles_of_walkers_are_spread_and_kept(tmp_path: Path) -> None:
    pytest.importorskip("emcee")
    found = run(5)
    options: dict[str, Any] = {"walkers": 8, "steps": 20, "burn": 5, "ensembles": 2}
    plain = kapitza.measure.sample_posterior(found, **options)
    assert plain.value.shape == (2 * 8 * 20, len(found.names))
    store = kapitza.run.Store(tmp_path)
    with ThreadPoolExecutor(2) as pool:
        spread = kapitza.measure.sample_posterior(found, **options, executor=pool, store=store)
    np.testing.assert_array_equal(spread.value, plain.value)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 2
    np.testing.assert_array_equal(kapitza.measure.sample_posterior(found, **options, store=store).value, plain.value)


def test_report_tells_numbers_bounds_and_shares() -> None:
    from kapitza.measure.fit_result import fit_report

    text = fit_report(run(3))
    assert "Al|Si.conductance" in text
    assert "share of the variance" in text
    assert "spots.spot" in text
    lost = fit_report(run(3, truth=toys.sample(1e13)))
    assert "not determined by the data" in lost
    # two significant digits, whatever the bound is
    assert re.search(r"> \d\d0* MW/m²K \(95% confidence\)", lost)
    wrong = fit(SPOTS, Curve(SPOTS.width, SPOTS.predict(toys.sample()) * np.where(np.arange(24) % 2, 1.1, 0.9),
                             1e-3 * SPOTS.predict(toys.sample()), "amplitude"), toys.sample(), [G, K])  # fmt: skip
    assert "MISFIT" in fit_report(wrong)
