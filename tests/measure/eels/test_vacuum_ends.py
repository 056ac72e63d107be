"""Where the zero-loss peak of a vacuum ends in noise: its area and what it says of a temperature stay what they are."""

from typing import Any

import numpy as np
import pytest
import toy

from kapitza.measure.eels.fit import fit_spectra
from kapitza.measure.eels.model import SpectrumModel
from kapitza.measure.eels.spectrum import with_dark_count
from kapitza.measure.eels.vacuum import zero_loss_from_vacuum
from kapitza.units import meV


def recorded(mean: np.ndarray, pixels: int, seed: int) -> Any:
    """Spectra on top of a dark count of 100 with a noise of 6, and a tail on the loss side that no shape has."""
    rng = np.random.default_rng(seed)
    tail = mean.max() * 5e-5 * np.exp(-toy.ENERGY / 20) * (toy.ENERGY > 0)
    counts = rng.poisson(mean + tail, (pixels, mean.size)) + 100 + 6 * rng.standard_normal((pixels, mean.size))
    return with_dark_count(toy.image_of(counts), 100.0, 6.0)


@pytest.mark.parametrize("seed", range(4))
def test_a_noisy_end_of_the_axis_does_no_harm(seed: int) -> None:
    vacuum = toy.expected_counts(toy.modes_of(0.0, 0.0, 0.0), 400.0, 2.4e8)[0]
    shape = zero_loss_from_vacuum(recorded(vacuum, 12, seed))
    knots, cubics = shape.pieces(meV)
    assert cubics[0, 2] > 0 > cubics[-1, 2]  # it falls on either side
    at = np.arange(-5, 5.1, 0.5)
    true = np.interp(at, toy.ENERGY, vacuum) / vacuum.sum() / 0.5
    piece = np.searchsorted(knots, at)
    a, b, c, d = cubics[piece].T
    t = at - knots[piece - 1]
    np.testing.assert_allclose(np.exp(((a * t + b) * t + c) * t + d), true, rtol=3e-3, atol=0)
    scan = recorded(toy.expected_counts(toy.modes_of(0.0, 6e-4, 0.0), 400.0, 6e7)[0], 12, seed + 50)
    found = fit_spectra(scan, SpectrumModel(toy.modes_of(None, None, None)[1:2], "reference", reference=shape))
    assert abs(found.temperature.mean() - 400) < 4 * np.sqrt(np.mean(found.sigma**2) * (1 / 12 + 1 / 48))
