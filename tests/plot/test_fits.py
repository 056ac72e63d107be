"""Figures of fits: one panel for each kind of curve, labels with units, contours where they belong."""

import matplotlib as mpl
import numpy as np

from kapitza import plot
from kapitza.core.stack import Layer, Stack
from kapitza.measure.experiment import simulate_curve
from kapitza.measure.fit import fit
from kapitza.measure.likelihood import Contours
from kapitza.measure.thermoreflectance.beams import Beams
from kapitza.measure.thermoreflectance.pump_probe import Fdtr
from kapitza.measure.thermoreflectance.three_omega import ThreeOmega
from kapitza.plot import style as style_plots

mpl.use("Agg")

STACK = Stack(
    [Layer("Al", 80e-9, 180.0, heat_capacity=2.43e6), Layer("Si", np.inf, 140.0, heat_capacity=1.64e6)], [150e6]
)


def test_curves_of_other_kinds_get_panels_of_their_own() -> None:
    beams = Beams(5e-6, 5e-6)
    made = [
        Fdtr(np.geomspace(1e4, 1e7, 8), beams, name="one"),
        Fdtr(np.geomspace(1e4, 1e7, 9), beams, name="two"),
        ThreeOmega(np.geomspace(1e2, 1e4, 7), half_width=5e-6, length=1e-3, power=0.02),
    ]
    curves = [simulate_curve(one, STACK, noise=0.005, seed=i) for i, one in enumerate(made)]
    found = fit(made, curves, STACK, ["Al|Si.conductance", "Si.conductivity"], starts=1)
    figure = style_plots.new_figure(height=5.0)
    panels = plot.fit(found, figure)
    assert [upper.get_ylabel() for upper, _ in panels] == ["phase (°)", "in phase (K)"]
    assert [lower.get_xlabel() for _, lower in panels] == ["frequency (Hz)", "frequency (Hz)"]
    legend = panels[0][0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["one, fit", "two, fit", "one, data", "two, data"]
    np.testing.assert_allclose(figure.get_figheight(), 10.0, rtol=1e-12, atol=0)
    assert len(panels[0][1].lines) == 3


def test_contours_of_a_parabola_are_ellipses_with_units() -> None:
    """Rise of 5.99 of two independent numbers: half axes of 2.4477 standard deviations."""
    g, k = 150e6 + 10e6 * np.linspace(-3.6, 3.6, 11), 140 + 7 * np.linspace(-3.6, 3.6, 11)
    rise = ((g[:, None] - 150e6) / 10e6) ** 2 + ((k[None, :] - 140) / 7) ** 2
    ax = plot.likelihood(
        Contours(("Al|Si.conductance", "Si.conductivity"), g, k, rise), style_plots.new_figure().add_subplot()
    )
    assert ax.get_xlabel() == "Al|Si.conductance (MW m⁻² K⁻¹)"
    assert ax.get_ylabel() == "Si.conductivity (W m⁻¹ K⁻¹)"
    points = np.concatenate([path.vertices for path in ax.collections[0].get_paths()[1:2]])
    x, y = (points[:, 0] - 150) / 10, (points[:, 1] - 140) / 7
    size = np.hypot(x, y)[np.abs(points).sum(axis=1) > 0]
    np.testing.assert_allclose(size, 2.4477, rtol=5e-3, atol=0)
