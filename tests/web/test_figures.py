"""Figures and texts of the page, without a browser: laws of what is drawn, and calls that can be run."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

import kapitza
from kapitza.errors import InputError
from kapitza.units import MW, THz
from kapitza.web.figures.interface import HEAT_TRACE, conductance_figure, heat_values, spectrum_figure
from kapitza.web.figures.style import color, ink, soft
from kapitza.web.figures.words import figure_change, figure_table, figure_words
from kapitza.web.models.interface import (
    FIRST_QUESTION,
    TEMPERATURES,
    Answer,
    Question,
    answer,
    answer_json,
    curves_csv,
    find_answer,
    heat_quantiles,
    heat_spectrum,
    remarks_at,
    side_of_file,
    spectrum_csv,
    texts_to_copy,
    value_at,
)


@pytest.fixture(scope="module")
def found() -> Answer:
    return answer(FIRST_QUESTION)


def test_the_answer_is_that_of_predict(found: Answer) -> None:
    want = kapitza.predict("Al", "Si", [77.0, 300.0])
    for i, kelvin in enumerate((77.0, 300.0)):
        np.testing.assert_allclose(
            value_at(found.prediction.estimate.conductance, kelvin),
            want.estimate.conductance.value[i],
            rtol=1e-9,
            atol=0,
        )
    assert [one.model for one in found.prediction] == [one.model for one in want]


def test_the_heat_of_all_frequencies_is_the_conductance(found: Answer) -> None:
    one = found.spectrum
    assert one is not None
    for kelvin in (20.0, 300.0):
        total = np.sum(heat_spectrum(one, kelvin) * one.weights) / (2 * np.pi)
        np.testing.assert_allclose(total, one.conductance(kelvin).value[0], rtol=1e-9, atol=0)
    medians = [heat_quantiles(one, t)[1] for t in (20.0, 77.0, 300.0)]
    assert medians == sorted(medians)  # the colder, the lower the frequencies that carry the heat
    assert heat_quantiles(one, 300.0)[1] < 10 * THz


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_figures_are_plain_json(found: Answer, theme) -> None:
    curves, spectrum = conductance_figure(found, theme, 300.0), spectrum_figure(found, theme, 300.0)
    for one in (curves, spectrum):
        assert json.loads(json.dumps(one, allow_nan=False)) == one
    assert spectrum["data"][HEAT_TRACE]["y"] == heat_values(found, 300.0)
    names = {one["name"] for one in curves["data"]}
    assert {"best estimate", "95 % interval", "measured", "DMM"} <= names
    points = next(one for one in curves["data"] if one["name"] == "measured")
    published = [one for one in kapitza.measured("Al", "Si") if not one.exclusion]
    assert len(points["x"]) == sum(one.conductance.value.size for one in published)
    assert all(address.startswith("https://") for _, address in points["customdata"])


def luminance(code: str) -> float:
    """Relative luminance of a colour, as WCAG 2.2 defines it."""
    parts = [int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("theme", "sheet"), [("light", "#ffffff"), ("dark", "#1a222a")])
def test_colours_stand_out(theme, sheet: str) -> None:
    """Texts by 4.5 to 1 and lines by 3 to 1 (WCAG 2.2, 1.4.3 and 1.4.11); of the lines, the first four are used."""

    def contrast(code: str) -> float:
        low, high = sorted((luminance(code), luminance(sheet)))
        return (high + 0.05) / (low + 0.05)

    assert min(contrast(ink(theme)), contrast(soft(theme))) >= 4.5
    assert min(contrast(color(theme, i)) for i in range(3)) >= 3


def test_what_is_copied_runs(found: Answer) -> None:
    texts = texts_to_copy(found, 300.0)
    space: dict[str, object] = {}
    exec(texts["Python"], space)  # noqa: S102 - the text is what is tested
    assert texts["Command line"] == "kapitza predict Al Si -T 300\n"
    boundary = tomllib.loads(texts["TOML"])["boundaries"]["Al|Si"]
    value = value_at(found.prediction.estimate.conductance, 300.0)
    assert value is not None
    np.testing.assert_allclose(float(boundary.split()[0]) * MW, value, rtol=5e-3, atol=0)
    other = Question(left="Al", right="Si", normals=("111", "001"), condition="oxide removed")
    words = texts_to_copy(Answer(question=other, prediction=found.prediction, temperature=found.temperature), 300.0)
    assert "--normal 111,001 --prepared 'oxide removed'" in words["Command line"]


def test_files_hold_all_that_is_shown(found: Answer) -> None:
    rows = curves_csv(found).splitlines()
    curves = [found.prediction.estimate.conductance, *(one.emitted for one in found.prediction)]
    curves += [one.conductance for one in found.prediction.measured]
    assert len(rows) == 1 + sum(one.value.size for one in curves)
    assert len(spectrum_csv(found, 300.0).splitlines()) == 1 + len(heat_values(found, 300.0))
    assert set(json.loads(answer_json(found))["result"]["$mapping"]) >= {"estimate", "models", "measured"}


def test_a_layer_between_lies_between_its_limits_and_the_elements() -> None:
    """Two planes in series resist more than either alone: 1/G = Σ 1/G for layers in equilibrium."""
    found = answer(Question(left="Al", right="Si", layer="Ti"))
    kelvin = np.array(TEMPERATURES)
    parts = [
        kapitza.predict(one, other, kelvin, ["dmm"])[0].emitted.value for one, other in (("Al", "Ti"), ("Ti", "Si"))
    ]
    np.testing.assert_allclose(found.layers[0].value, 1 / (1 / parts[0] + 1 / parts[1]), rtol=1e-6, atol=0)


def test_a_figure_is_told_in_words_and_as_a_table(found: Answer) -> None:
    """Who does not see it reads each shown curve, with its range, and each point."""
    drawn = conductance_figure(found, "light", 300.0)
    best = found.prediction.estimate.conductance
    words, table = figure_words(drawn), figure_table(drawn)
    assert "temperature (K)" in words
    assert "best estimate, 25 points" in words
    assert best.temperature.size == 25
    value = best.value[best.temperature.tolist().index(300.0)] / MW
    assert f"<tr><td>best estimate</td><td>300</td><td>{value:.4g}</td></tr>" in table
    shown = [one for one in drawn["data"] if one.get("visible", True) is True]
    assert table.count("<tr>") == 1 + sum(len(one["x"]) for one in shown)


def test_the_table_of_a_map_holds_its_values_and_not_too_many() -> None:
    rows, columns = 30, 40
    z = [[100.0 * i + j for j in range(columns)] for i in range(rows)]
    drawn = {
        "data": [{"type": "heatmap", "x": list(range(columns)), "y": list(range(rows)), "z": z, "name": "<i>&"}],
        "layout": {},
    }
    table = figure_table(drawn)
    assert f"400 of {rows * columns} points" in table
    assert "<td>&lt;i&gt;&amp;</td><td>0</td><td>1</td><td>100</td>" not in table  # every third is kept
    assert "<td>&lt;i&gt;&amp;</td><td>3</td><td>1</td><td>103</td>" not in table
    assert "<td>2</td><td>1</td><td>102</td>" in table
    assert "1200 points from 0 to 2.94e+03" in figure_words(drawn)


def test_no_line_of_the_legend_is_cut(found: Answer) -> None:
    """Half of a figure on a screen of 420 pixels holds 18 letters beside the sample of the line."""
    for one in conductance_figure(found, "light", 300.0)["data"]:
        assert max(map(len, one["name"].split("<br>"))) <= 18


def test_a_change_of_numbers_makes_the_new_figure_of_the_old_one(found: Answer) -> None:
    """What a slider sends, put into the old figure at its dotted names, gives the new one."""
    for draw in (conductance_figure, spectrum_figure):
        held, wanted = draw(found, "light", 300.0), draw(found, "light", 77.0)
        change = figure_change(held, wanted)
        assert change is not None
        for name, values in change.data.items():
            for number, value in zip(change.traces, values, strict=True):
                _put(held["data"][number], name, value)
        for name, value in change.layout.items():
            _put(held["layout"], name, value)
        assert held == wanted
        assert len(change.traces) <= 1  # the heat alone; of the other figure only the line at the temperature


def _put(held: dict, name: str, value: object) -> None:
    *path, last = name.split(".")
    for key in path:
        held = held[key]
    held[last] = value


def test_a_change_of_traces_or_attributes_is_a_new_figure() -> None:
    one = {"data": [{"y": [1.0], "marker": {"size": 3}}], "layout": {"xaxis": {}}}
    same = {"data": [{"y": [1.0], "marker": {"size": 3}}], "layout": {"xaxis": {}}}
    unchanged = figure_change(one, same)
    assert unchanged is not None
    assert (unchanged.data, unchanged.layout, unchanged.traces) == ({}, {}, [])
    assert figure_change(one, {**one, "data": []}) is None
    assert figure_change(one, {**one, "layout": {"xaxis": {"range": [0, 1]}}}) is None
    assert figure_change(one, {**one, "data": [{"y": [1.0], "marker": {"size": 3}, "name": "G"}]}) is None
    moved = figure_change(one, {**one, "data": [{"y": [2.0], "marker": {"size": 4}}]})
    assert moved is not None
    assert (moved.data, moved.layout, moved.traces) == ({"y": [[2.0]], "marker.size": [4]}, {}, [0])


def test_remarks_are_of_the_temperature_that_is_shown() -> None:
    """Electrons of Al are wrong below 250 K alone, and Pb melts at 601 K: nothing of this is said elsewhere."""
    lead = find_answer(Question(left="Pb", right="Si"))
    assert [bool("molten" in " ".join(remarks_at(lead.value, t))) for t in (300.0, 600.0, 650.0)] == [
        False,
        False,
        True,
    ]
    assert "molten" not in " ".join(lead.remarks)
    shown = answer(FIRST_QUESTION)
    assert remarks_at(shown, 300.0) == shown.remarks
    assert "not at 77 K" in " ".join(remarks_at(shown, 77.0))
    assert "not at 2 K" not in " ".join(remarks_at(shown, 77.0))


def test_a_saved_crystal_is_a_side_and_other_records_are_refused(found: Answer, tmp_path: Path) -> None:
    kapitza.save(kapitza.phonons.phonon_crystal("Ge"), tmp_path / "mine.npz")
    name, said = side_of_file(tmp_path / "mine.npz")
    assert name == "Ge"
    assert said.startswith("mine.npz is Ge of the library")
    kapitza.save(found.prediction, tmp_path / "guess.json")
    with pytest.raises(InputError, match=r"guess\.json holds a InterfacePrediction: expected a crystal"):
        side_of_file(tmp_path / "guess.json")
