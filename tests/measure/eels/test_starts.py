"""Where fits of single spectra start."""

import numpy as np
import pytest

from kapitza.measure.eels.fitting.problem import single_starts
from kapitza.measure.eels.model import SpectrumModel, VibrationalMode, ZeroLossShape, channel_grid, expected_spectrum
from kapitza.measure.eels.spectrum import Detector
from kapitza.units import meV


@pytest.mark.parametrize(
    ("shape", "peak"),
    [
        ("pseudo-voigt", [12.0, 0.02]),
        ("split", [8.0, 16.0, 0.01, 0.05]),
        ("split", [16.0, 8.0, 0.05, 0.01]),
        ("tail", [12.0, 0.02, 0.05, 20.0]),
    ],
)
def test_the_centre_of_an_uneven_peak(shape: ZeroLossShape, peak: list[float]) -> None:
    model = SpectrumModel((VibrationalMode("a", 60 * meV, 5 * meV),), shape)
    grid = channel_grid(model, np.linspace(-100, 155.5, 512) * meV)
    x = np.tile([1e6, 0.0, *peak, 120.0, 10.0, 100.0, 70.0], (9, 1))
    x[:, 1] = np.linspace(-3.0, 3.0, 9) + 0.1
    counts, _ = expected_spectrum(model, grid, x)
    even = Detector(np.zeros(512), np.ones(512), np.zeros(512))
    start = single_starts(model, grid, even, counts, x[4])
    # of half a channel between a centre and the highest channel a part is left: less than a hundredth of the width
    np.testing.assert_allclose(start[:, 1], x[:, 1], rtol=0, atol=0.1)
