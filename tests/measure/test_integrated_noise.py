"""Profiles in which the noise of a curve is integrated out, and chances of smooth noise, beside second roads."""

import numpy as np
import pytest
from tests.measure.test_noise import FREE, autoregressive, simulated, straight_line

from kapitza.measure.likelihood import _constrained_minimum
from kapitza.measure.noise.correlated import (
    chance_of_smoothness,
    correlated_shapes,
    coverage_factors,
    integrated_noise,
    linear_rise,
    posterior_of_noise,
    probability_of_misfit,
)

LINE = np.column_stack([np.ones(40), np.linspace(-1, 1, 40)])


@pytest.mark.parametrize("index", [0, 1])
def test_a_straight_model_has_the_profile_of_its_tangent(index: int) -> None:
    """Second road: at 0.01 % of noise the search at other values rises as the mixture of all noises on the tangent, to
    2 % of the rise."""
    found = simulated(4, 0.9, noise=1e-4)
    problem, best = found.problem, found.solution
    used = np.flatnonzero(best.inside)
    steps = np.array([-2.5, -1.0, 1.5]) * best.sigma[index]
    wanted = linear_rise(problem, best.x, index, used, steps)
    before = integrated_noise(problem, best.x, index, used)
    for step, rise in zip(steps.tolist(), wanted.tolist(), strict=True):
        x, chi2 = _constrained_minimum(problem, best.x, {index: best.x[index] + step})
        got = chi2 - best.chi2 + integrated_noise(problem, x, index, used) - before
        assert abs(got - rise) <= 0.02 * rise


def test_integrated_noise_is_the_sum_over_all_noises() -> None:
    """Second road: dense matrices, one noise and one size after the other, the slope held and the constant summed by
    hand over a mesh: differences of the logarithm agree to 1e-3."""
    rng = np.random.default_rng(8)
    residual = autoregressive(rng, 40, 0.8)
    steps = np.abs(np.subtract.outer(np.arange(40), np.arange(40)))
    shapes, prior = correlated_shapes(40)
    mesh = np.linspace(-12, 12, 1201)

    def by_hand(slope: float) -> float:
        parts = []
        for noise, share in zip(shapes, prior.tolist(), strict=True):
            dense = noise.white * np.eye(40) + noise.smooth * noise.correlation**steps
            inverse, size = np.linalg.inv(dense), np.linalg.slogdet(dense)[1]
            left = residual + slope * LINE[:, 1]
            square = left @ inverse @ left + 2 * mesh * (inverse @ left).sum() + mesh**2 * inverse.sum()
            # the size of the noise, even in its logarithm, is summed in closed form
            parts.append(np.log(share) - size / 2 + np.log(np.mean(square**-20)))
        return float(np.logaddexp.reduce(parts))

    def kernel(slope: float) -> float:
        curve = straight_line(residual + slope * LINE[:, 1], 1e-12)
        held = type(curve)(
            residual=curve.residual, jacobian=LINE[:, :1], information=1e-12 * np.eye(1), gradient=np.zeros(1),
            stated=False,
        )  # fmt: skip
        found = posterior_of_noise(held, held.residual[:, None], held.gradient[:, None])
        return float(np.logaddexp.reduce(found.log_density[:, 0][found.extended[:, 0]], axis=None))

    assert abs((kernel(0.7) - kernel(0.0)) - (by_hand(0.7) - by_hand(0.0))) <= 1e-3


def test_chances_of_smooth_noise_are_even() -> None:
    """Of 120 curves with a correlation of 0.9 about as many are among the smoothest 10 % as should be (standard error
    2.7 %); a wave in white noise is smoother than all but 1 %."""
    rng = np.random.default_rng(12)
    curves = [straight_line(autoregressive(rng, 40, 0.9)) for _ in range(120)]
    smooth = [curve for curve in curves if probability_of_misfit(curve) > 0.5]
    share = np.mean([chance_of_smoothness(curve) <= 0.1 for curve in smooth]) * len(smooth) / len(curves)
    assert 0.02 <= share <= 0.18
    wave = 3 * np.sin(4 * LINE[:, 1]) + rng.standard_normal(40)
    assert chance_of_smoothness(straight_line(wave)) <= 0.01


@pytest.mark.slow
def test_factors_make_too_wide_intervals_narrower() -> None:
    """±1.96 standard uncertainties hold all but 1 % of constants with a correlation of 0.5; the factors of those curves
    are below one in the middle, and intervals still hold 92 % of 60."""
    rng = np.random.default_rng(13)
    noise = np.column_stack([autoregressive(rng, 40, 0.6) for _ in range(60)])
    found = posterior_of_noise(straight_line(noise[:, 0]), noise, np.zeros((2, 60)))
    weight, chosen, _ = found.select()
    shape, size = found.best(weight)
    best = found.shift[shape, np.arange(60), size]
    variance = np.sum(weight[..., None] * (found.variances() + (found.shift - best[:, None, :]) ** 2), axis=(0, 2))
    quotient = (np.abs(best) / np.sqrt(variance))[chosen]
    factors = np.array([coverage_factors(straight_line(noise[:, i])) for i in np.flatnonzero(chosen)])
    assert np.median(factors, axis=0).min() < 1.0
    assert (np.mean(quotient < 1.96 * factors, axis=0) >= 0.92).all()


def test_a_bound_of_a_fit_with_correlated_noise_ends_where_its_interval_would() -> None:
    """Intervals of a fit with correlated noise, profiled and from the covariance, agree where the model is straight."""
    found = simulated(4, 0.9, noise=1e-4)
    for name in FREE:
        plain, followed = (np.log(found.interval(name, profiled=one)) for one in (False, True))
        assert np.abs(plain - followed).max() <= 0.2 * np.ptp(plain)
