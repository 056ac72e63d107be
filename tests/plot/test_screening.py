"""Figures of screenings show the numbers of their records."""

import numpy as np
import pytest

from kapitza.errors import InputError
from kapitza.plot.screening import screening_map, screening_matrix, screening_ranks
from kapitza.plot.style import new_figure
from kapitza.screen import Ranking, material_table, screen
from kapitza.screen.conductances import table_conductances

NAMES = ("diamond", "Si", "Ge", "Al", "Pb")


def test_figures_show_their_numbers() -> None:
    table = material_table(NAMES)
    found = screen(table, [77, 300], ranking=Ranking(top=4))
    ax = screening_ranks(found, temperature=300, ax=new_figure().add_subplot())
    assert ax.get_title() == "10 pairs at 300 K"
    drawn = [line for line in ax.lines if line.get_label() == found.method]
    assert np.array_equal(drawn[0].get_xdata(), found.conductance[4:] / 1e6)
    assert ax.get_yticklabels()[0].get_text().count("|") == 1
    with pytest.raises(InputError, match="no list at 200 K; there are some at"):
        screening_ranks(found, temperature=200, ax=new_figure().add_subplot())
    ax = screening_map(table, "Si", 300, properties=("debye_temperature", "density"), ax=new_figure().add_subplot())
    wanted = 1e9 / table_conductances(table, np.array([300.0]), (np.full(4, 1), np.array([0, 2, 3, 4])))[0]
    shown = np.sort(np.asarray(ax.collections[0].get_array()))
    assert np.abs(shown / np.sort(wanted) - 1).max() <= 1e-9
    with pytest.raises(InputError, match="no column 'colour'"):
        screening_map(table, "Si", 300, properties=("colour", "density"), ax=new_figure().add_subplot())
    ax = screening_matrix(table, NAMES, 300, ax=new_figure().add_subplot())
    assert len(ax.texts) == 20
    first = table_conductances(table, np.array([300.0]), (np.array([0]), np.array([1])))[0, 0]
    assert ax.texts[0].get_text() == f"{first / 1e6:.0f}"
