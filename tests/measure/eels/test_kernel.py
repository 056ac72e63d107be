"""The compiled search against one in NumPy: spectra, derivatives, and whole fits down to their verdict."""

import importlib
import importlib.util
from typing import Any

import numpy as np
import numpy_search
import pytest
import toy
from attrs import evolve

from kapitza.measure.eels.fit import fit_spectra
from kapitza.measure.eels.fitting.search import SearchCoordinates, to_coordinates
from kapitza.measure.eels.map import PixelFlag, TemperatureMap
from kapitza.measure.eels.model import (
    TIE_CHOICES,
    SpectrumModel,
    Tie,
    ZeroLossShape,
    channel_grid,
    expected_spectrum,
    legendre_polynomials,
)
from kapitza.units import k_B, meV

pytest.importorskip("numba", reason="the fit of spectra needs numba")
kernel: Any = importlib.import_module("kapitza.measure.eels.fitting.lines")
scoring: Any = importlib.import_module("kapitza.measure.eels.fitting.scoring")

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
    spectrum = (grid.start, 3, TIE_CHOICES.index(tie), smooth)
    kernel.expected_electrons(spectrum, (x, mu, rows), (np.zeros((14, n)), np.zeros((4, n))))
    np.testing.assert_allclose(mu, value[0], rtol=1e-7, atol=1e-8)  # electrons: far tails of normal lines are cut
    for a, name in enumerate(model.names):
        size = np.abs(jacobian[0, a]).max()
        np.testing.assert_allclose(rows[a] / size, jacobian[0, a] / size, rtol=0, atol=3e-7, err_msg=name)


def fit_by_numpy(*args: Any, **kwargs: Any) -> TemperatureMap:
    """Fit with the search in NumPy in place of the compiled one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "fisher_scoring", numpy_search.fisher_scoring)
        return fit_spectra(*args, **kwargs)


@pytest.mark.parametrize("tie", TIE_CHOICES)
@pytest.mark.parametrize(
    ("shape", "dose"),
    [
        pytest.param("pseudo-voigt", 6e6, marks=pytest.mark.early),
        pytest.param("split", 6e7, marks=pytest.mark.early),
        ("pseudo-voigt", 6e8),
        ("pearson", 6e7),
    ],
)
def test_whole_fits(shape: ZeroLossShape, dose: float, tie: Tie) -> None:
    model = SpectrumModel(toy.modes_of(None, None, None), shape)
    peak = {"pseudo-voigt": [16, 0.02], "split": [15, 17, 0.01, 0.03], "pearson": [16, 6]}[shape]
    lines = [v for m, s in zip(model.modes, (4e-4, 6e-4, 2e-4), strict=True) for v in (m.energy / STEP, 9.5, s * dose)]
    x = np.array([dose, 0.0, *peak, *lines, 430.0 * k_B / STEP])
    mean = expected_spectrum(model, channel_grid(model, toy.ENERGY * meV), x[None])[0][0]
    counts = np.random.default_rng(4).poisson(mean, (16, mean.size)).astype(float)
    counts[2, 40:44] = np.nan
    image = evolve(
        toy.image_of(counts), dark=np.array([0.3]), dark_variance=np.array([0.4]), response=np.linspace(0.9, 1.1, 1024)
    )
    fast, plain = (fit(image, evolve(model, tie=tie)) for fit in (fit_spectra, fit_by_numpy))
    np.testing.assert_array_equal(fast.flag, plain.flag)
    assert np.abs(fast.iterations - plain.iterations).max() <= 1
    sigma = np.sqrt(np.diagonal(plain.covariance, axis1=1, axis2=2))
    np.testing.assert_allclose(fast.value / sigma, plain.value / sigma, rtol=1e-9, atol=2e-3)
    np.testing.assert_allclose(fast.deviance, plain.deviance, rtol=1e-7, atol=0)
    np.testing.assert_allclose(fast.pvalue, plain.pvalue, rtol=1e-3, atol=1e-6)
    scale = np.einsum("ki,kj->kij", sigma, sigma)
    np.testing.assert_allclose(fast.covariance / scale, plain.covariance / scale, rtol=0, atol=2e-3)


def test_both_searches_end_where_modes_vanish() -> None:
    mean = toy.expected_counts(toy.modes_of(4e-4, 6e-4, 0.0), 430.0, 6e7)
    image = toy.image_of(np.random.default_rng(9).poisson(mean, (24, mean.size)).astype(float))
    for fit in (fit_spectra, fit_by_numpy):
        found = fit(image, toy.modes_of(None, None, None), tie="common")
        assert (found.flag & int(PixelFlag.UNCONVERGED) == 0).all()
        assert (found.flag & int(PixelFlag.AT_BOUND) != 0).any()


@pytest.mark.parametrize("energy", [0.0, 90.0])
def test_coordinates_of_the_search_lead_back(energy: float) -> None:
    chart = SearchCoordinates(np.array([-1.0, energy, -1.0]), np.array([1, -1, -1]))
    x = np.array([[120.0, 60.0 if energy else 0.4, 7.0], [3.0, 900.0 if energy else 12.0, -2.0]])
    u = to_coordinates(chart, x)
    np.testing.assert_allclose(numpy_search.to_parameters(chart, u), x, rtol=1e-12, atol=0)
    for one, back in zip(u, x, strict=True):
        own, cross, found = np.zeros(3), np.zeros(3), np.zeros(3)
        scoring._write_parameters(one, chart, found, (own, cross))
        np.testing.assert_allclose(found, back, rtol=1e-12, atol=0)
    for a in range(3):
        step = np.zeros_like(u)
        step[:, a] = 1e-6 * np.abs(u[:, a])
        change = numpy_search.to_parameters(chart, u + step) - numpy_search.to_parameters(chart, u - step)
        numeric = change / (2 * step[:, [a]])
        got = numpy_search.coordinate_jacobians(chart, u)[:, :, a]
        np.testing.assert_allclose(got, numeric, rtol=1e-6, atol=1e-9)
