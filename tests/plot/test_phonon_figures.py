"""Dispersion and density of states as they are drawn: lines are those of the record, points at the measured places."""

import itertools

import numpy as np
import pytest

from kapitza.matter.files.phonon_facts import measured_phonons
from kapitza.matter.phonons import phonon_spectrum
from kapitza.matter.zone.dispersion import phonon_dispersion
from kapitza.plot.phonons import draw_dispersion, draw_states
from kapitza.plot.style import new_figure
from kapitza.units import THz, nm

pytest.importorskip("matplotlib")


def test_lines_and_points_are_those_of_the_records():
    found, neutrons = phonon_dispersion("Al", 80), measured_phonons("Al")
    ax = draw_dispersion(found, measured=neutrons, ax=new_figure().add_subplot())
    points = next(line for line in ax.lines if line.get_marker() == "o")
    assert points.get_label() == "Stedman 1966, inelastic neutron scattering, 80 K"
    drawn = np.column_stack(points.get_data())
    corner = found.corners[found.labels.index("L")] * nm
    middle = (found.corners[0] + found.corners[1]) / 2 * nm
    for place, values in ((corner, [4.19, 9.69]), (middle, [4.06, 7.08])):
        near = drawn[np.abs(drawn[:, 0] - place) <= 1e-9 * place]
        assert np.abs(near[:, 1] - values).max() <= 1e-9 * values[1]
    count = sum(line.get_marker() != "o" and len(line.get_xdata()) > 2 for line in ax.lines)
    assert count == 3 * len(np.unique(found.line))
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["Γ", "X", "U | K", "Γ", "L", "W", "X"]


@pytest.mark.parametrize("name", ["graphite", "Bi", "ZnO", "In", "beta-Ga2O3", "SnSe"])
def test_labels_of_corners_do_not_overlap(name):
    figure = new_figure(height=4.6)
    ax = draw_dispersion(phonon_dispersion(name, 40), ax=figure.subplots(1, 2, width_ratios=(4.2, 1))[0])
    figure.canvas.draw()
    boxes = [tick.label1.get_window_extent() for tick in ax.xaxis.get_major_ticks()]
    lines = [tick.get_text().count("\n") for tick in ax.get_xticklabels()]
    for row in set(lines):
        ends = [(box.x0, box.x1) for box, line in zip(boxes, lines, strict=True) if line == row]
        assert all(one[1] < other[0] for one, other in itertools.pairwise(ends))


def test_dashed_lines_reach_the_longitudinal_frequency():
    found = phonon_dispersion("NaCl", 80)
    assert found.polar_omega is not None
    ax = draw_dispersion(found, ax=new_figure().add_subplot())
    dashed = [line for line in ax.lines if line.is_dashed() and len(line.get_xdata())]
    top = max(np.max(line.get_ydata()) for line in dashed)
    assert abs(top * THz / found.polar_omega.max() - 1) <= 1e-9


def test_states_sum_to_three_per_atom():
    ax = draw_states(phonon_spectrum("Si"), ax=new_figure().add_subplot())
    states, frequency = ax.lines[0].get_data()
    assert abs(np.trapezoid(states, frequency) / 3 - 1) <= 0.02
