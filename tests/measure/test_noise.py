"""Noise of measured curves: weights of relative noise."""

import numpy as np
import pytest
from tests.measure.toys import Spots, sample

from kapitza.measure.experiment import Curve
from kapitza.measure.fit import fit

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
