"""Figures of several spots: every spot is drawn, and a misfit is seen in its residuals."""

import matplotlib as mpl
import numpy as np
from tests.measure.toys import Spots, sample

from kapitza import plot
from kapitza.measure.experiment import Curve
from kapitza.measure.fit import fit
from kapitza.measure.fit_result import Fit
from kapitza.measure.thermoreflectance.repeats import combine_repeats
from kapitza.plot.fits import fitted_spots
from kapitza.plot.style import new_figure

mpl.use("Agg")

WIDTHS = np.geomspace(0.3e-6, 30e-6, 40)
FREE = ["Al|Si.conductance", "Si.conductivity"]


def spot(seed: int, wave: float = 0.0) -> Fit:
    """A fit of a curve with noise of 0.5 % and a wave in it."""
    experiment, rng = Spots(WIDTHS), np.random.default_rng(seed)
    clean = experiment.predict(sample(100e6 * (1 + 0.05 * seed)))
    value = clean * (1 + 0.005 * rng.standard_normal(40) + wave * np.sin(np.linspace(0, 20, 40)))
    return fit(experiment, Curve(WIDTHS, value, None, "amplitude"), sample(), FREE, starts=1)


def test_all_spots_are_drawn_with_mean_and_spread() -> None:
    fits = [spot(seed) for seed in range(3)]
    numbers = [combine_repeats(fits, name) for name in FREE]
    curves, *others = fitted_spots(fits, numbers, new_figure(width=10.0))
    legend = curves.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["spot 1", "spot 2", "spot 3"]
    title = curves.get_title(loc="left").splitlines()
    assert title[0].startswith(f"conductance of Al|Si: {numbers[0].mean_in_words()}, spread ")
    assert len(title) == 2
    strips, panels = others[:3], others[3:]
    assert [strip.texts[0].get_text() for strip in strips] == [f"spot {i}, residual (σ)" for i in (1, 2, 3)]
    assert [panel.get_ylabel() for panel in panels] == ["conductance of Al|Si (MW/m²K)", "conductivity of Si (W/mK)"]
    bare, *_ = fitted_spots(fits, [], new_figure(width=10.0))
    assert bare.get_title(loc="left") == "no number that all spots determine"


def test_residuals_beyond_what_instruments_have_are_drawn_in_the_noise_that_was_expected() -> None:
    """A wave of 20 %, which the fit takes for its uncertainty: in units of that no point lies beyond 2."""
    found = spot(0, wave=0.2)
    ((_, lower),) = plot.fit(found, new_figure())
    drawn = np.abs(np.asarray(lower.lines[0].get_ydata(), dtype=float))
    curve = found.problem.samples[0].curve
    relative = np.abs(found.problem.prediction(0, found.solution.x) / curve.value - 1)
    np.testing.assert_allclose(np.median(drawn), np.median(relative) / 0.03, rtol=0.25, atol=0)
    assert drawn.max() >= 5
    assert lower.get_ylabel() == "residual\n(expected σ)"
    assert "% off, σ = 3 % expected" in lower.get_title(loc="right")
    ((_, plain),) = plot.fit(spot(0), new_figure())
    assert plain.get_ylabel() == "residual (σ)"
