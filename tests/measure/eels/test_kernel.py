"""The compiled road against the plain one: spectra, derivatives, and whole fits down to their verdict."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attrs import evolve

from kapitza.measure.eels.fit import fit_spectra
from kapitza.measure.eels.fitting import lines as kernel
from kapitza.measure.eels.map import PixelFlag
from kapitza.measure.eels.model import (
    TIE_CHOICES,
    SpectrumModel,
    Tie,
    channel_grid,
    expected_spectrum,
    legendre_polynomials,
)
from kapitza.units import meV

numba = pytest.importorskip("numba", reason="the compiled road needs numba")

spec = importlib.util.spec_from_file_location("toy", Path(__file__).with_name("toy.py"))
assert spec is not None
assert spec.loader is not None
toy: Any = importlib.util.module_from_spec(spec)
spec.loader.exec_module(toy)

STEP = 0.5 * meV


@pytest.mark.parametrize("background", [0, 3])
@pytest.mark.parametrize("tie", TIE_CHOICES)
@pytest.mark.parametrize(("fwhm", "share", "width"), [(8.0, 0.02, 4.5), (3.0, 0.4, 1.0), (14.0, 0.0, 9.0)])
def test_spectra_and_derivatives(fwhm: float, share: float, width: float, tie: Tie, background: int) -> None:

    modes = toy.modes_of(None, None, None)
    model = SpectrumModel(modes, tie=tie, background=background)
    lines = [v for m in modes for v in (m.energy / STEP, width / 0.5, 3e4)]
    ties = {"common": [74.0], "each": [60.0, 74.0, 90.0], "occupation": [0.4, 0.1, 2.0]}[tie]
    x = np.array([6e7, 0.37, fwhm / 0.5, share, *lines, *ties, *[30.0, -4.0, 2.0][:background]])
    grid = channel_grid(model, toy.ENERGY * meV)
    value, jacobian = expected_spectrum(model, grid, x[None])
    n = grid.channels
    mu, rows = np.zeros(n), np.zeros((x.size, n))
    smooth = np.ascontiguousarray(legendre_polynomials(n, background)) if background else np.zeros((0, n))
    kernel.expected_electrons(
        grid.start, x, 3, TIE_CHOICES.index(tie), smooth, mu, rows, np.zeros((14, n)), np.zeros((4, n))
    )
    np.testing.assert_allclose(mu, value[0], rtol=1e-7, atol=1e-8)  # electrons: far tails of normal lines are cut
    for a, name in enumerate(model.names):
        size = np.abs(jacobian[0, a]).max()
        np.testing.assert_allclose(rows[a] / size, jacobian[0, a] / size, rtol=0, atol=3e-7, err_msg=name)


@pytest.mark.parametrize("tie", TIE_CHOICES)
@pytest.mark.parametrize("dose", [6e6, 6e8])
def test_whole_fits(dose: float, tie: Tie) -> None:
    mean = toy.expected_counts(toy.modes_of(4e-4, 6e-4, 2e-4), 430.0, dose)
    counts = np.random.default_rng(4).poisson(mean, (16, mean.size)).astype(float)
    counts[2, 40:44] = np.nan
    image = evolve(
        toy.image_of(counts), dark=np.array([0.3]), dark_variance=np.array([0.4]), response=np.linspace(0.9, 1.1, 1024)
    )
    fast, plain = (fit_spectra(image, toy.modes_of(None, None, None), tie=tie, compiled=c) for c in (True, False))
    np.testing.assert_array_equal(fast.flag, plain.flag)
    assert np.abs(fast.iterations - plain.iterations).max() <= 1
    sigma = np.sqrt(np.diagonal(plain.covariance, axis1=1, axis2=2))
    np.testing.assert_allclose(fast.value / sigma, plain.value / sigma, rtol=1e-9, atol=2e-3)
    np.testing.assert_allclose(fast.deviance, plain.deviance, rtol=1e-7, atol=0)
    np.testing.assert_allclose(fast.pvalue, plain.pvalue, rtol=1e-3, atol=1e-6)
    scale = np.einsum("ki,kj->kij", sigma, sigma)
    np.testing.assert_allclose(fast.covariance / scale, plain.covariance / scale, rtol=0, atol=2e-3)


def test_vanishing_modes_end_on_both_roads() -> None:
    mean = toy.expected_counts(toy.modes_of(4e-4, 6e-4, 0.0), 430.0, 6e7)
    image = toy.image_of(np.random.default_rng(9).poisson(mean, (24, mean.size)).astype(float))
    for compiled in (True, False):
        found = fit_spectra(image, toy.modes_of(None, None, None), tie="common", compiled=compiled)
        assert (found.flag & int(PixelFlag.UNCONVERGED) == 0).all()
        assert (found.flag & int(PixelFlag.AT_BOUND) != 0).any()
