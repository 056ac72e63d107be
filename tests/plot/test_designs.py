"""Figures of designs: the front is marked, and each design of it named with its settings."""

import matplotlib as mpl
import numpy as np

from kapitza.measure.design import Design
from kapitza.plot.fits import design_front
from kapitza.plot.style import new_figure

mpl.use("Agg")

NAMES = ("Al|Si.conductance", "Si.conductivity", "Al.thickness")


def designed(errors: tuple[float, ...], radius: float, *, pareto: bool) -> Design:
    return Design({"tdtr.pump_radius": radius}, dict(zip(NAMES, errors, strict=False)), 0.0, pareto)


def test_the_front_of_two_numbers_is_a_line_with_its_settings() -> None:
    ranked = [
        designed((0.02, 0.04), 1e-6, pareto=True),
        designed((0.04, 0.02), 2e-6, pareto=True),
        designed((0.0401, 0.0199), 3e-6, pareto=True),
        designed((0.05, 0.9), 4e-6, pareto=False),
    ]
    figure = new_figure()
    (ax,) = design_front(ranked, NAMES[:2], figure)
    beaten, front = ax.lines
    np.testing.assert_allclose(beaten.get_xdata(), [5.0], rtol=1e-12, atol=0)
    np.testing.assert_allclose(front.get_xdata(), [2.0, 4.0, 4.01], rtol=1e-12, atol=0)
    assert front.get_linestyle() == "-"
    assert [text.get_text() for text in ax.texts] == ["1", "2, 3"]
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "log")
    assert ax.get_xlabel() == "error of the conductance of Al|Si (%)"
    words = figure.subfigs[1].texts[0].get_text().splitlines()
    assert words == [f"{i}:  tdtr.pump_radius = {i}000 nm" for i in (1, 2, 3)]


def test_three_numbers_have_three_panels_and_one_number_its_errors() -> None:
    ranked = [designed((0.01 * i, 0.02, 0.05 / i), i * 1e-6, pareto=True) for i in (1, 2)]
    panels = design_front(ranked, NAMES, new_figure())
    assert len(panels) == 3
    assert all(panel.lines[1].get_linestyle() == "None" for panel in panels)
    (ax,) = design_front([designed((0.01,), 1e-6, pareto=True)], NAMES[:1], new_figure())
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [1.0], rtol=1e-12, atol=0)
