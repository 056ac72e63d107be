"""Noise of measured curves: weights of relative noise, correlations, and what a fit says of itself."""

import re

import numpy as np
import pytest
from scipy.special import stdtrit
from tests.measure.toys import Spots, sample

from kapitza.core.stack import Layer, Stack
from kapitza.measure.experiment import AutoregressiveNoise, Curve
from kapitza.measure.fit import fit
from kapitza.measure.fit_result import Fit, fit_report
from kapitza.measure.judgement import examine_residuals, is_parabolic, judge_fit
from kapitza.measure.noise.correlated import (
    LinearCurve,
    coverage_factors,
    estimate_noise,
    posterior_of_noise,
    probability_of_misfit,
)
from kapitza.measure.problem import Prior
from kapitza.measure.thermoreflectance.beams import Beams
from kapitza.measure.thermoreflectance.pump_probe import Fdtr

FREE = ["Al|Si.conductance", "Si.conductivity"]
TRUTH = np.array([100e6, 140.0])


@pytest.mark.parametrize("stated", [False, True])
def test_relative_noise_does_not_pull_the_curve_down(stated: bool) -> None:
    """Weights of 1/datum pull 300 points with 5 % of noise by more than one standard uncertainty; those of the model
    leave a mean pull of 24 sets that is zero within three of its own errors, 1/sqrt(24) = 0.2."""
    experiment, rng, noise = Spots(np.geomspace(0.3e-6, 30e-6, 300)), np.random.default_rng(3), 0.05
    clean = experiment.predict(sample())
    pulls = []
    for _ in range(24):
        value = clean * (1 + noise * rng.standard_normal(clean.size))
        sigma = noise * value if stated else None
        curve = Curve(experiment.width, value, sigma, "amplitude", fractional=stated)
        found = fit(experiment, curve, sample(), FREE, starts=1)
        pulls.append(np.log(found.value / TRUTH) * found.value / found.sigma)
    assert np.abs(np.mean(pulls, axis=0)).max() <= 0.6
    assert np.abs(np.std(pulls, axis=0) - 1).max() <= 0.5


def test_weights_are_those_of_the_model() -> None:
    """The uncertainty that a fit ends with is a share of its own curve."""
    experiment = Spots(np.geomspace(0.3e-6, 30e-6, 50))
    curve = experiment.measured(sample(), 0.1, 5, sigma=False)
    found = fit(experiment, curve, sample(), FREE, starts=1)
    predicted = found.problem.prediction(0, found.solution.x)
    share = found.problem.sigma[0] / predicted
    assert np.ptp(share) <= 2e-3 * share.mean()
    assert abs(share.mean() - 0.1) <= 0.03


@pytest.mark.parametrize("noise", [(1.0, 0.0, 0.0), (0.3, 0.7, 0.9), (0.0, 2.0, 0.6)])
def test_whitening_is_that_of_the_whole_matrix(noise: tuple[float, float, float]) -> None:
    """Second road: the dense covariance and its determinant."""
    white, smooth, correlation = noise
    steps = np.abs(np.subtract.outer(np.arange(30), np.arange(30)))
    dense = white * np.eye(30) + smooth * correlation**steps
    columns = np.random.default_rng(1).standard_normal((30, 3))
    whitened, determinant = AutoregressiveNoise(*noise).whiten(columns)
    assert np.abs(whitened.T @ whitened - columns.T @ np.linalg.solve(dense, columns)).max() <= 1e-10
    assert abs(determinant - np.linalg.slogdet(dense)[1]) <= 1e-10


def autoregressive(rng: np.random.Generator, count: int, correlation: float) -> np.ndarray:
    """(count,) noise of unit variance whose neighbours are correlated."""
    found = rng.standard_normal(count)
    for i in range(1, count):
        found[i] = correlation * found[i - 1] + np.sqrt(1 - correlation**2) * found[i]
    return found


def simulated(seed: int, correlation: float, *, count: int = 40, noise: float = 0.01, stated: bool = False) -> Fit:
    """A fit of the quick experiment with noise of which neighbours have something in common."""
    experiment, stack = Spots(np.geomspace(0.3e-6, 30e-6, count)), sample()
    clean = experiment.predict(stack)
    value = clean * (1 + noise * autoregressive(np.random.default_rng(seed), count, correlation))
    curve = Curve(experiment.width, value, noise * clean if stated else None, "amplitude")
    return fit(experiment, curve, stack, FREE, starts=1)


def coverage(correlation: float, cases: int, *, noise: float = 0.01, stated: bool = False) -> np.ndarray:
    """(2,) share of 95 % intervals that hold the truth."""
    fits = [simulated(seed, correlation, noise=noise, stated=stated) for seed in range(cases)]
    ends = np.array([[one.interval(name) for name in FREE] for one in fits])
    return np.mean((ends[..., 0] <= TRUTH) & (ends[..., 1] >= TRUTH), axis=0)


def test_correlated_noise_widens_the_errors() -> None:
    """With a correlation of 0.9 white errors would hold the truth in less than half of the cases."""
    held = coverage(0.9, 10)
    assert held.min() >= 0.7


@pytest.mark.slow
@pytest.mark.parametrize("correlation", [0.0, 0.9])
@pytest.mark.parametrize("noise", [0.003, 0.01, 0.03, 0.1])
def test_intervals_cover_whatever_the_noise(noise: float, correlation: float) -> None:
    """Between 92 and 99 % of 200 sets, of which the share itself is known to 1.5 %."""
    held = coverage(correlation, 200, noise=noise)
    assert held.min() >= 0.92
    assert held.max() <= 0.995


def straight_line(residual: np.ndarray, information: float = 1e-6) -> LinearCurve:
    """A constant and a slope, fitted to points of unit spacing."""
    n = len(residual)
    slope = np.column_stack([np.ones(n), np.linspace(-1, 1, n)])
    zero = np.zeros(2)
    known = information * np.eye(2)
    return LinearCurve(residual=residual, jacobian=slope, information=known, gradient=zero, stated=False)


def test_factors_of_simulated_curves_make_intervals_hold() -> None:
    """400 curves of 40 points with a correlation of 0.9, estimated at once: ±1.96 standard uncertainties hold at most
    94 % of slopes, with the median factor of six of the curves 93 to 99 % of both (standard error 1.1 %)."""
    rng = np.random.default_rng(11)
    noise = np.column_stack([autoregressive(rng, 40, 0.9) for _ in range(400)])
    found = posterior_of_noise(straight_line(noise[:, 0]), noise, np.zeros((2, 400)))
    weight, chosen, _ = found.select()
    best = found.shift[found.best(weight)[0], np.arange(400), found.best(weight)[1]]
    variance = np.sum(weight[..., None] * (found.variances() + (found.shift - best[:, None, :]) ** 2), axis=(0, 2))
    quotient = np.abs(best) / np.sqrt(variance)
    factor = np.median([coverage_factors(straight_line(noise[:, i])) for i in np.flatnonzero(chosen)[:6]], axis=0)
    assert np.mean(quotient < 1.96, axis=0).min() <= 0.94
    held = np.mean(quotient < 1.96 * factor, axis=0)
    assert (held >= 0.93).all(), held
    assert (held <= 0.99).all(), held


def test_fits_with_correlated_noise_have_the_errors_of_simulated_curves(monkeypatch) -> None:
    """The standard uncertainties of a fit are those that the noise leaves times the factors of its curve."""
    seen: list[tuple[LinearCurve, np.ndarray]] = []

    def factors(curve: LinearCurve) -> np.ndarray:
        seen.append((curve, np.array([1.3, 1.7])))
        return seen[-1][1]

    monkeypatch.setattr("kapitza.measure.noise.correlated.coverage_factors", factors)
    found = simulated(3, 0.9)
    (curve, factor), *_ = seen
    wanted = factor * np.sqrt(np.diag(estimate_noise(curve).covariance))
    assert np.abs(np.sqrt(np.diag(found.solution.covariance)) / wanted - 1).max() <= 1e-6


def test_one_shape_of_noise_is_that_of_student() -> None:
    """Second road: with white noise of unknown size the posterior is Student's t, of covariance S C / (n - p - 2)."""
    residual = np.random.default_rng(2).standard_normal(30)
    curve = straight_line(residual)
    best = np.linalg.lstsq(curve.jacobian, residual, rcond=None)[0]
    left = residual - curve.jacobian @ best
    wanted = (left @ left) / (30 - 4) * np.linalg.inv(curve.jacobian.T @ curve.jacobian)
    found = estimate_noise(curve)
    assert found.probability < 0.5
    minimum = LinearCurve(
        residual=left, jacobian=curve.jacobian, information=curve.information, gradient=curve.gradient, stated=False
    )
    assert np.abs(estimate_noise(minimum).covariance - wanted).max() <= 2e-3 * wanted.max()


def test_random_residuals_are_called_random() -> None:
    """One of 100 tests of random noise may fail at 1 %, and hardly any passes with a correlation of 0.9."""
    rng, x = np.random.default_rng(0), np.linspace(0, 1, 40)
    columns = np.column_stack([np.ones(40), x, x**2])
    basis, _ = np.linalg.qr(columns)
    shares = []
    for correlation in (0.0, 0.9):
        found = []
        for _ in range(300):
            residual = autoregressive(rng, 40, correlation)
            tests = examine_residuals(residual - basis @ (basis.T @ residual), columns)
            found.append(tests is not None and tests.chance < 0.01)
        shares.append(np.mean(found))
    assert shares[0] <= 0.02
    assert shares[1] >= 0.85


def test_a_line_in_the_spectrum_is_found() -> None:
    """Interference of 8 points a period, as large as the noise."""
    x = np.arange(80)
    residual = np.random.default_rng(2).standard_normal(80) + 1.4 * np.sin(2 * np.pi * x / 8)
    tests = examine_residuals(residual, np.ones((80, 1)))
    assert tests is not None
    assert tests.period == 8
    assert tests.period_chance <= 1e-3


def test_rough_noise_is_told_from_a_smooth_misfit() -> None:
    """At most 10 % of 100 curves of autoregressive noise are taken for misfits; at least 80 % of those with a wave of
    three times their white noise."""
    rng, n = np.random.default_rng(5), 40
    slope = np.linspace(-1, 1, n)
    jacobian = np.array([np.ones(n), slope]).T

    def share(residuals: list[np.ndarray]) -> float:
        curves = [
            LinearCurve(
                residual=one, jacobian=jacobian, information=1e-6 * np.eye(2), gradient=np.zeros(2), stated=False
            )
            for one in residuals
        ]
        return float(np.mean([probability_of_misfit(curve) > 0.7 for curve in curves]))

    assert share([autoregressive(rng, n, 0.9) for _ in range(100)]) <= 0.1
    waves = [3 * np.sin(4 * slope + phase) for phase in rng.uniform(0, 2 * np.pi, 100)]
    assert share([wave + rng.standard_normal(n) for wave in waves]) >= 0.8


def test_points_of_long_curves_are_averaged() -> None:
    """A wave of 1,000 points in white noise as large as itself is smooth, autoregressive noise is not."""
    rng, n = np.random.default_rng(6), 1000
    wave = np.sin(np.linspace(0, 9, n)) + rng.standard_normal(n)
    rough = autoregressive(rng, n, 0.9)
    probabilities = [
        probability_of_misfit(
            LinearCurve(
                residual=one, jacobian=np.ones((n, 1)), information=1e-6 * np.eye(1), gradient=np.zeros(1), stated=False
            )
        )
        for one in (wave, rough)
    ]
    assert probabilities[0] > 0.7 > probabilities[1]


@pytest.mark.parametrize("factor", [1.0, 0.6, 1.6])
def test_a_wrong_spot_is_asked_about(factor: float) -> None:
    """Where conductance and conductivity take up a wrong spot, the conductivity is not that of silicon: the question
    names the radii, within a quarter (of the logarithm) of what they are."""
    spot, layers = 6e-6, [Layer("Al", 80e-9, 180.0, heat_capacity=2.43e6)]
    stack = Stack([*layers, Layer("Si", np.inf, 148.0, heat_capacity=1.66e6)], [100e6])
    frequency = np.geomspace(5e3, 5e6, 20)
    clean = Fdtr(frequency, Beams(spot, spot)).predict(stack)
    value = clean + 0.005 * np.random.default_rng(1).standard_normal(clean.size)
    wrong = Fdtr(frequency, Beams(spot * factor, spot * factor), name="it")
    found = fit(wrong, Curve(frequency, value, None, wrong.kind), stack, FREE, starts=1)
    questions = judge_fit(found).questions
    if factor == 1.0:
        assert not questions
        return
    assert len(questions) == 1
    assert f"question: {questions[0]}" in fit_report(found)
    assert not judge_fit(found).accepted
    said = re.search(r"radii of it ([0-9.e+-]+) times", questions[0])
    assert said is not None
    assert abs(np.log(float(said[1]) * factor)) <= 0.25


def test_a_film_that_conducts_less_than_the_bulk_is_not_asked_about() -> None:
    """Films scatter phonons at their faces; above the bulk they are asked about, as any layer."""
    frequency = np.geomspace(5e3, 5e6, 20)
    base = Layer("base", np.inf, 20.0, heat_capacity=2e6)
    for conductivity, asked in ((60.0, False), (300.0, True)):
        film = Layer("Si", 1e-6, conductivity, heat_capacity=1.66e6)
        stack = Stack([Layer("Al", 80e-9, 180.0, heat_capacity=2.43e6), film, base], [100e6, 100e6])
        fdtr = Fdtr(frequency, Beams(3e-6, 3e-6))
        value = fdtr.predict(stack) + 1e-3 * np.random.default_rng(2).standard_normal(20)
        found = fit(fdtr, Curve(frequency, value, None, fdtr.kind), stack, ["Si.conductivity"], starts=1)
        assert bool(judge_fit(found).questions) == asked


def test_a_fit_says_whether_it_fits() -> None:
    """White noise agrees; another sign, a drift and a number far from what was stated do not."""
    assert judge_fit(simulated(3, 0.0)).verdict == "consistent"
    drift = simulated(3, 0.95)
    assert judge_fit(drift).verdict == "consistent"
    assert "verdict: model and data agree, with noise that neighbours share" in fit_report(drift)
    experiment, stack = Spots(np.geomspace(0.3e-6, 30e-6, 40)), sample()
    clean = experiment.predict(stack)
    value = clean * (1 + 0.005 * np.random.default_rng(4).standard_normal(40))
    reverse = fit(experiment, Curve(experiment.width, -value, None, "amplitude"), stack, FREE, starts=1)
    assert judge_fit(reverse).verdict == "misfit"
    assert "points lie 100 % off the curve" in fit_report(reverse)
    priors = {"spots.gain": Prior(1.0, 0.03), "Si.conductivity": Prior(140.0, 1.0)}
    moved = Curve(experiment.width, 1.3 * value, 0.005 * clean, "amplitude")
    short = Curve(experiment.width[::5], moved.value[::5], 0.005 * clean[::5], "amplitude")  # too short for a drift
    pulled = judge_fit(fit(Spots(short.x), short, stack, FREE[:1], priors=priors, starts=1))
    assert pulled.verdict == "misfit"
    assert any("standard uncertainties from what was stated" in reason for reason in pulled.reasons)


def noisy(widths: np.ndarray, noise: float, seed: int) -> Fit:
    """Fit of temperatures with the same noise on all points, none stated; `noise` is a share of the largest."""
    experiment = Spots(widths)
    clean = experiment.predict(sample())
    value = clean + noise * clean.max() * np.random.default_rng(seed).standard_normal(clean.size)
    return fit(experiment, Curve(experiment.width, value, None, "temperature"), sample(), FREE, starts=1)


@pytest.mark.parametrize("points", [5, 7, 9])
def test_few_points_have_the_quantile_of_student(points: int) -> None:
    """The interval of a linear regression: n - 2 degrees of freedom, within 8 % of its length (found: 7 % and less)."""
    found = noisy(np.geomspace(0.5e-6, 10e-6, points), 1e-4, 2)
    jacobian = found.solution.jacobian[:points]
    plain = np.sqrt(np.diag(np.linalg.inv(jacobian.T @ jacobian)))
    for i, name in enumerate(FREE):
        low, high = found.interval(name)
        assert abs(np.log(high / low) / (2 * stdtrit(points - 2, 0.975) * plain[i]) - 1) <= 0.08
        assert is_parabolic(found, name)


def test_an_interval_follows_chi2_where_it_is_not_a_parabola() -> None:
    """Second road: the F interval from the sum of squares on a mesh of both numbers, within 2 % of the half-length."""
    widths = np.geomspace(1e-6, 30e-6, 40)
    found = noisy(widths, 0.05, 2)
    value = found.problem.samples[0].curve.value
    meshes = [np.geomspace(low / 1.3, high * 1.3, 400) for low, high in map(found.interval, FREE)]
    through = 2 / (np.pi * widths**2 * meshes[0][:, None])
    below = 1 / (meshes[1][:, None] * np.sqrt(2 * np.pi) * widths)
    clean = Spots(widths).predict(sample(meshes[0][0], meshes[1][0]))
    assert np.abs(through[0] + below[0] - clean).max() <= 1e-9 * clean.max()
    square = sum((through[:, None, k] + below[None, :, k] - value[k]) ** 2 for k in range(widths.size))
    allowed = np.min(square) * (1 + stdtrit(38, 0.975) ** 2 / 38)
    for axis, (name, mesh) in enumerate(zip(FREE, meshes, strict=True)):
        wanted = np.log(mesh[np.min(square, axis=1 - axis) <= allowed][[0, -1]])
        linear = np.log(found.interval(name, profiled=False))
        assert np.abs(np.log(found.interval(name)) - wanted).max() <= 0.02 * np.ptp(wanted) / 2
        assert np.abs(linear - wanted).max() >= 0.1 * np.ptp(wanted) / 2
        assert not is_parabolic(found, name)
    assert fit_report(found).count("± does not hold (chi2 is not a parabola): 95 % interval") == 2
    (low, high), one = found.interval(FREE[0]), found.conductance("Al|Si")
    assert abs(stdtrit(np.inf, 0.975) * one.sigma[0] - max(high - one.value[0], one.value[0] - low)) <= 1e-9 * high
