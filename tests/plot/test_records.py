"""`plot` of a record: axes with its numbers, by the figure of its kind or against the axis that it has."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attrs import frozen

import kapitza
from kapitza import plot
from kapitza.core.conductance import Conductance
from kapitza.core.profile import Profile
from kapitza.core.records import BaseRecord
from kapitza.core.stack import Layer
from kapitza.errors import InputError
from kapitza.plot.records import _FIGURES, record

pyplot = pytest.importorskip("matplotlib.pyplot")
FOLDER = Path(__file__).resolve().parents[1] / "data" / "saved-0.1.0"


@frozen(eq=False)
class Endless(BaseRecord):
    """A record of one list."""

    values: Any


def test_plot_returns_the_axes() -> None:
    for one in (Conductance([77.0, 300.0], [1e8, 2e8]), kapitza.load(FOLDER / "Transport.json")):
        ax = one.plot()
        assert ax.get_ylabel()
        assert one.plot(ax=ax) is ax
        pyplot.close(ax.figure)


def test_other_records_are_drawn_against_their_axis() -> None:
    profile = Profile([0.0, 1e-9, 2e-9], [3.0, 2.0, 1.0])
    ax = profile.plot()
    x, y = ax.lines[0].get_data()
    np.testing.assert_array_equal(x, profile.position)
    np.testing.assert_array_equal(y, profile.temperature)
    assert "m" in ax.get_xlabel()
    assert "K" in ax.get_ylabel()
    pyplot.close(ax.figure)


def test_infinite_numbers_are_no_axis_and_no_warning() -> None:
    with pytest.raises(InputError, match="has no numbers along an axis"):
        Endless(np.array([np.inf, np.inf])).plot()


def test_what_has_no_axis_is_refused() -> None:
    with pytest.raises(InputError, match="a Layer has no numbers along an axis"):
        Layer("Al", 8e-8, 180).plot()
    with pytest.raises(InputError, match="expected a record, got 3"):
        record(3)  # pyright: ignore[reportArgumentType]


def test_figures_are_those_of_the_room() -> None:
    figures = [plot, plot.applications, plot.device, plot.eels, plot.md]
    offered = {getattr(door, name) for door in figures for name in door.__all__}
    assert set(_FIGURES.values()) <= offered
