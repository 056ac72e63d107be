"""Several spots of one sample, one likelihood for all: against a fit of all curves, closed forms, simulated spots."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from attrs import evolve
from scipy.special import chdtri, stdtrit
from tests.measure.toys import Spots, sample

from kapitza.core.stack import Layer, Stack
from kapitza.errors import InputError
from kapitza.measure.experiment import Curve
from kapitza.measure.fit import fit
from kapitza.measure.fit_result import Fit
from kapitza.measure.problem import Prior, Tie
from kapitza.measure.thermoreflectance.beams import Beams
from kapitza.measure.thermoreflectance.pump_probe import Tdtr
from kapitza.measure.thermoreflectance.repeats import SpotEstimates, combine_repeats, hierarchical_mean, spot_estimates

FREE = ("Al|Si.conductance", "Si.conductivity")
GAIN = {"spots.gain": Prior(1.0, 0.03)}


def spots_of(spread: float, count: int, seed: int, priors: dict[str, Prior]) -> list[Fit]:
    """Fits of spots whose conductance differs."""
    experiment, rng = Spots(np.geomspace(0.3e-6, 30e-6, 30)), np.random.default_rng(seed)
    fits = []
    for _ in range(count):
        clean = experiment.predict(sample(100e6 * np.exp(spread * rng.standard_normal())))
        curve = Curve(experiment.width, clean * (1 + 0.005 * rng.standard_normal(30)), None, "amplitude")
        fits.append(fit(experiment, curve, sample(), FREE, priors=priors, starts=1))
    return fits


def equal_spots(value: Sequence[float], error: float, shared: float = 0.0) -> SpotEstimates:
    """Spots of one error, and an input known to `shared`, to which all follow alike; none where it is 0."""
    n, several = len(value), int(shared > 0)
    return SpotEstimates(
        value=np.array(value),
        variance=np.full(n, error**2),
        slope=np.ones((n, several)),
        information=np.full((several, several), shared**-2 if several else 0.0),
        pull=np.zeros(several),
    )


def test_all_spots_together_are_one_fit_of_all_curves() -> None:
    """Three TDTR curves on one film: spots fitted one by one, and all curves with one thickness in one fit."""
    delay = np.geomspace(0.1e-9, 3.6e-9, 24)
    tdtr = Tdtr(delay, Beams(10e-6, 10e-6), modulation=9.8e6, repetition=80e6, delayed="pump")
    layers = [Layer("Al", 82e-9, 180.0, heat_capacity=2.43e6), Layer("Si", np.inf, 140.0, heat_capacity=1.64e6)]
    start = Stack([evolve(layers[0], thickness=80e-9), layers[1]], [170e6])
    priors = {"Al.thickness": Prior.relative(0.03), "Al.heat_capacity": Prior.relative(0.02)}
    rng = np.random.default_rng(2)
    clean = [tdtr.predict(Stack(layers, [one])) for one in (178e6, 166e6, 171e6)]
    curves = [Curve(delay, one, 0.01 * one) for one in clean]
    curves = [Curve(delay, one * (1 + 0.01 * rng.standard_normal(24)), 0.01 * one) for one in clean]
    fits = [fit(tdtr, one, start, FREE, priors=priors, starts=1) for one in curves]
    spots = spot_estimates(fits, FREE[0], ())
    best = np.linalg.solve(spots.information, spots.pull)
    covariance = np.diag(spots.variance) + spots.slope @ np.linalg.inv(spots.information) @ spots.slope.T

    each = [evolve(tdtr, name=f"spot{i}") for i in range(3)]
    names = [f"{one.name}:{name}" for one in each for name in FREE]
    joint = fit(each, curves, start, names, priors=priors, starts=1)
    places = [joint.index(f"{one.name}:{FREE[0]}") for one in each]
    value, wanted = np.log(joint.value[places]), joint.solution.covariance[np.ix_(places, places)]
    assert np.abs(spots.value + spots.slope @ best - value).max() <= 0.03 * np.sqrt(wanted[0, 0])
    assert np.abs(covariance / wanted - 1).max() <= 0.02
    for tau in (0.0, 0.05):  # generalised least squares with the covariance of the joint fit
        weight = np.linalg.inv(wanted + tau**2 * np.eye(3)).sum(axis=0)
        mine = np.linalg.inv(covariance + tau**2 * np.eye(3)).sum(axis=0)
        assert abs(mine.sum() / weight.sum() - 1) <= 0.02
    found = hierarchical_mean(spots)
    inner = np.linalg.inv(wanted + found.spread**2 * np.eye(3))
    assert abs(found.value - inner.sum(axis=0) @ value / inner.sum()) <= 0.03 * found.sigma
    assert abs(found.sigma**2 * inner.sum() - 1) <= 0.02


@pytest.mark.parametrize("count", [2, 3, 7])
def test_spots_of_equal_errors_have_students_interval(count: int) -> None:
    value = np.random.default_rng(count).standard_normal(count)
    s = float(np.std(value, ddof=1))
    found = hierarchical_mean(equal_spots(value.tolist(), 0.5 * s))
    assert abs(found.value - value.mean()) <= 1e-9 * s
    assert abs(found.spread / (s * np.sqrt(0.75)) - 1) <= 1e-4
    assert abs(found.half / (stdtrit(count - 1, 0.975) * s / np.sqrt(count)) - 1) <= 1e-4
    assert abs(found.sigma / (s / np.sqrt(count)) - 1) <= 1e-4
    low, high = found.spread_interval
    wanted = (count - 1) * s**2 / chdtri(count - 1, 0.025) - 0.25 * s**2
    assert abs(low - np.sqrt(max(wanted, 0.0))) <= 1e-6 * s
    assert high > np.sqrt((count - 1) * s**2 / chdtri(count - 1, 0.975) - 0.25 * s**2) * (1 - 1e-6)


def test_errors_that_spots_share_do_not_shrink_with_their_number() -> None:
    for first, second in pairwise([hierarchical_mean(equal_spots([0.1, -0.1] * n, 0.1, 0.3)) for n in (1, 2, 8)]):
        assert abs(first.shared / 0.3 - 1) <= 1e-9
        assert 0.3 <= second.sigma < first.sigma
        assert second.half >= 1.95 * 0.3


def test_spots_that_agree_by_chance_are_no_better_than_their_errors() -> None:
    found = hierarchical_mean(equal_spots([1e-4, -1e-4, 0.0], 0.1))
    assert found.spread == 0
    assert found.half >= found.sigma >= 0.1 / np.sqrt(3) * (1 - 1e-9)
    assert found.spread_interval[0] == 0
    assert found.spread_interval[1] >= 0.1  # such agreement does not tell spreads as small as the errors


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("shared", [0.0, 1.0])
@pytest.mark.parametrize("spread", [0.0, 5.0])
def test_intervals_of_mean_and_spread_hold_the_truth(count: int, shared: float, spread: float) -> None:
    """Errors of the spots are known to a tenth only, as from 40 points."""
    rng, sets, mean_held, spread_held = np.random.default_rng(1), 150, 0, 0
    for _ in range(sets):
        error = np.sqrt(rng.chisquare(38, count) / 38)
        value = shared * rng.standard_normal() + np.hypot(1, spread) * rng.standard_normal(count)
        spots = evolve(equal_spots(value.tolist(), 1.0, shared), variance=error**2)
        found = hierarchical_mean(spots)
        mean_held += abs(found.value) <= found.half
        spread_held += found.spread_interval[0] <= spread <= found.spread_interval[1]
    assert 0.91 <= mean_held / sets <= 0.99
    assert spread_held / sets >= 0.91


def test_spread_between_spots_is_found() -> None:
    """Seven spots that differ by 10 %, seen with a gain that is the same, and known to 3 %, on all of them."""
    fits = spots_of(0.1, 7, 2, GAIN)
    found = combine_repeats(fits, FREE[0])
    assert found.spread_interval[0] <= 0.1 <= found.spread_interval[1]
    assert found.spread_interval[0] >= 0.03  # the scatter of the points alone would give less
    assert abs(found.value - 100e6) <= 3 * found.sigma
    plain = np.std(np.log(found.each), ddof=1)
    assert found.sigma >= np.hypot(plain / np.sqrt(7), found.shared / found.value) * found.value * 0.99
    assert 0.02 <= found.shared / found.value <= 0.035  # of the gain, which no number of spots makes smaller
    same = combine_repeats([fits[0]] * 5, FREE[0])
    assert same.spread <= 0.02
    alone = combine_repeats(fits, FREE[0], own=list(GAIN))
    assert alone.shared == 0
    assert alone.sigma < found.sigma


def test_a_number_of_either_sign_has_a_spread_in_its_unit() -> None:
    experiment, rng = Spots(np.geomspace(0.3e-6, 30e-6, 30)), np.random.default_rng(3)
    fits = []
    for offset in (-90.0, 10.0, 110.0):
        clean = evolve(experiment, offset=offset).predict(sample())
        curve = Curve(experiment.width, clean + 3.0 * rng.standard_normal(30), None, "temperature")
        free = ("Al|Si.conductance", "spots.offset")
        fits.append(fit(experiment, curve, sample(), free, ties={"one": Tie(("spots.offset",), "value")}, starts=1))
    found = combine_repeats(fits, "spots.offset")
    assert not found.relative
    assert abs(found.value - 10.0) <= 4.0
    assert 90.0 <= found.spread <= 110.0
    assert found.interval[0] < -90.0 < 110.0 < found.interval[1]


def test_what_is_no_hierarchy_is_refused() -> None:
    fits = spots_of(0.0, 2, 4, GAIN)
    with pytest.raises(InputError, match="at least 2 spots"):
        combine_repeats(fits[:1], FREE[0])
    with pytest.raises(InputError, match="expected the same"):
        combine_repeats([fits[0], spots_of(0.0, 1, 4, {})[0]], FREE[0])
    with pytest.raises(InputError, match="is no uncertain input of the fits"):
        combine_repeats(fits, FREE[0], own=["Si.thickness"])
    with pytest.raises(InputError, match="was not fitted"):
        combine_repeats(fits, "Al.thickness")
