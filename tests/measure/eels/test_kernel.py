"""The compiled search against one in NumPy: spectra, derivatives, and whole fits down to their verdict."""

import importlib
from typing import Any

import numpy as np
import numpy_search
import pytest
import toy
from attrs import evolve

from kapitza.measure.eels.fit import fit_spectra
from kapitza.measure.eels.fitting.search import ParameterConstraints, SearchCoordinates, SearchResult, to_coordinates
from kapitza.measure.eels.map import PixelFlag, TemperatureMap
from kapitza.measure.eels.model import (
    TIE_CHOICES,
    ZERO_LOSS_SHAPES,
    ChannelGrid,
    SpectrumModel,
    TieChoice,
    ZeroLossPeak,
    ZeroLossShape,
    channel_grid,
    expected_spectrum,
    legendre_polynomials,
)
from kapitza.measure.eels.spectrum import Detector
from kapitza.units import k_B, meV

pytest.importorskip("numba", reason="the fit of spectra needs numba")
lines_module: Any = importlib.import_module("kapitza.measure.eels.fitting.lines")
scoring: Any = importlib.import_module("kapitza.measure.eels.fitting.scoring")

STEP = 0.5 * meV


PEAKS: dict[str, dict[str, list[float]]] = {
    "usual": {
        "pseudo-voigt": [16, 0.02],
        "split": [15, 17, 0.01, 0.03],
        "pearson": [16, 4],
        "tail": [16, 0.01, 0.002, 40],
        "reference": [16],
    },
    "sharp": {
        "pseudo-voigt": [5, 0.4],
        "split": [5, 6, 0.2, 0.3],
        "pearson": [6, 1.1],
        "tail": [6, 0.1, 0.05, 12],
        "reference": [9],
    },
}


def measured_peak() -> ZeroLossPeak:
    """A peak with a tail on one side, known at knots."""
    knots = np.array([-200.0, -120, -60, -30, -15, -8, -4, -2, 0, 2, 4, 8, 15, 30, 60, 120, 200])
    log = -np.log1p((knots / 4) ** 2) * 1.5 - 0.2 * np.exp(-((knots / 9) ** 2)) + 0.05 * np.tanh(knots / 30) - 2.5
    return ZeroLossPeak(knots * meV, log - np.log(meV), 8 * meV)


def evaluate(model: SpectrumModel, grid: ChannelGrid, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Electrons and their derivatives by the compiled model: a search that ends where it begins."""
    n, p, k = grid.channels, x.size, 1
    never, ever = np.full(p, -np.inf), np.full(p, np.inf)
    chart = SearchCoordinates(np.full(p, -1.0), np.full(p, -1, dtype=np.int64))
    no, nothing = np.zeros(p, dtype=bool), np.zeros(p)
    constraints = ParameterConstraints(~no, never, ever, no, no, nothing, nothing, chart)
    result = SearchResult(
        np.array(x)[None], np.zeros((k, p, p)), np.zeros((k, p), bool), np.zeros(k, bool), np.zeros(k, np.int64),
        np.zeros((k, 4)), np.zeros(k),
    )  # fmt: skip
    terms = model.background
    smooth = np.ascontiguousarray(legendre_polynomials(n, terms)) if terms else np.zeros((0, n))
    spectrum, electrons, workspace = scoring.model_arrays(model, grid, smooth)
    detector = Detector(np.zeros(n), np.ones(n), np.zeros(n))
    state = scoring._new_search(n, ~no)
    counts = np.ones((1, n))
    own = scoring.SharedStart(x, no, np.zeros(0), np.zeros((0, p, n)))
    scoring._search_spectra(
        counts, detector, constraints, (1e-2, 1), result, state, spectrum, (electrons, workspace, own)
    )
    return electrons[1], electrons[2]


@pytest.mark.parametrize("tie", TIE_CHOICES)
@pytest.mark.parametrize(("peak", "width"), [("usual", 4.5), ("usual", 0.25), ("sharp", 1.0), ("sharp", 9.0)])
@pytest.mark.parametrize("shape", ZERO_LOSS_SHAPES)
def test_spectra_and_derivatives(shape: ZeroLossShape, peak: str, width: float, tie: TieChoice) -> None:
    modes = tuple(evolve(mode, width=width * meV) for mode in toy.modes_of(None, None, None))
    reference = measured_peak() if shape == "reference" else None
    model = SpectrumModel(modes, shape, tie=tie, background=3, reference=reference)
    lines = [v for m in modes for v in (m.energy / STEP, width / 0.5, 3e4)]
    ties = {"common": [74.0], "each": [60.0, 74.0, 90.0], "occupation": [0.4, 0.1, 2.0]}[tie]
    x = np.array([6e7, 0.37, *PEAKS[peak][shape], *lines, *ties, 30.0, -4.0, 2.0])
    grid = channel_grid(model, toy.ENERGY * meV)
    (value,), (jacobian,) = expected_spectrum(model, grid, x[None])
    mu, rows = evaluate(model, grid, x)
    strongest = 3e4 * np.abs(jacobian[model.first_mode + 2 : model.first_tie : 3]).max()
    usual = (peak, width) == ("usual", 4.5)
    np.testing.assert_allclose(mu, value, rtol=1e-9, atol=(3e-8 if usual else 5e-7) * strongest)
    for a, name in enumerate(model.names):
        size = np.abs(jacobian[a]).max()
        # a line that is much narrower than the peak hardly changes with its width
        tolerance = 2e-6 if usual else 3e-4 if name.endswith("width") else 5e-6
        np.testing.assert_allclose(rows[a] / size, jacobian[a] / size, rtol=0, atol=tolerance, err_msg=name)


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
        ("tail", 6e7),
    ],
)
def test_whole_fits(shape: ZeroLossShape, dose: float, tie: TieChoice) -> None:
    model = SpectrumModel(toy.modes_of(None, None, None), shape)
    peak = {
        "pseudo-voigt": [16, 0.02],
        "split": [15, 17, 0.01, 0.03],
        "pearson": [16, 6],
        "tail": [16, 0.02, 0.003, 40],
    }[shape]
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
    # both end where a step is below 0.03; how far below depends on the curvature, in which rounding may be amplified
    np.testing.assert_allclose(fast.value / sigma, plain.value / sigma, rtol=1e-9, atol=5e-3)
    np.testing.assert_allclose(fast.deviance, plain.deviance, rtol=1e-7, atol=0)
    np.testing.assert_allclose(fast.pvalue, plain.pvalue, rtol=1e-3, atol=1e-6)
    scale = np.einsum("ki,kj->kij", sigma, sigma)
    np.testing.assert_allclose(fast.covariance / scale, plain.covariance / scale, rtol=0, atol=2e-3)


@pytest.mark.parametrize("background", [0, 2])
def test_a_start_that_spectra_share_leads_to_the_same_end(background: int, monkeypatch: pytest.MonkeyPatch) -> None:
    modes = toy.modes_of(None, None, None)
    model = SpectrumModel(modes, "pseudo-voigt", background=background)
    lines = [v for m, s in zip(modes, (4e-4, 6e-4, 2e-4), strict=True) for v in (m.energy / STEP, 9.5, s * 6e7)]
    x = np.tile([6e7, 0.0, 16, 0.02, *lines, 430.0 * k_B / STEP, *[40.0, 5.0][:background]], (48, 1))
    x[:, 1] = np.linspace(-0.7, 0.7, 48)
    mean = expected_spectrum(model, channel_grid(model, toy.ENERGY * meV), x)[0]
    image = toy.image_of(np.random.default_rng(2).poisson(mean).astype(float))
    used, find = [], scoring.shared_start

    def watched(*given: Any) -> Any:
        found = find(*given)
        used.append(found.centre.size)
        return found

    monkeypatch.setattr(scoring, "shared_start", watched)
    shared = fit_spectra(image, model)
    monkeypatch.setattr(lines_module, "_MAX_START_SHARE", 0.0)
    apart = fit_spectra(image, model)
    assert max(used[:2]) > 0
    assert max(used[2:]) == 0
    np.testing.assert_array_equal(shared.flag, apart.flag)
    sigma = np.sqrt(np.diagonal(apart.covariance, axis1=1, axis2=2))
    np.testing.assert_allclose(shared.value / sigma, apart.value / sigma, rtol=0, atol=2e-3)
    np.testing.assert_allclose(shared.deviance, apart.deviance, rtol=1e-7, atol=0)


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
        scoring._write_parameters.py_func(one, chart, found, (own, cross))
        np.testing.assert_allclose(found, back, rtol=1e-12, atol=0)
    for a in range(3):
        step = np.zeros_like(u)
        step[:, a] = 1e-6 * np.abs(u[:, a])
        change = numpy_search.to_parameters(chart, u + step) - numpy_search.to_parameters(chart, u - step)
        numeric = change / (2 * step[:, [a]])
        got = numpy_search.coordinate_jacobians(chart, u)[:, :, a]
        np.testing.assert_allclose(got, numeric, rtol=1e-6, atol=1e-9)
