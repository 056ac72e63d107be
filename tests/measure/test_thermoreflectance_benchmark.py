"""The public benchmark of thermoreflectance: its simulator beside the kernel of the fit, sets, scores, our answers."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from kapitza.core.stack import Layer, Stack
from kapitza.measure.thermoreflectance.beams import Beams
from kapitza.measure.thermoreflectance.pump_probe import Fdtr, Tdtr
from kapitza.measure.thermoreflectance.sstr import Raman, Sstr
from kapitza.measure.thermoreflectance.three_omega import ThreeOmega
from kapitza.units import nm, ns, um

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "thermoreflectance"
TRUTHS = json.loads((FOLDER / "truth.json").read_text(encoding="utf-8"))
ANSWERS = json.loads((FOLDER / "kapitza.json").read_text(encoding="utf-8"))
SUBSET = ("tdtr-white-01", "fdtr-white-02", "sstr-white-03", "raman-white-05")


@pytest.fixture(scope="module")
def programs():
    """The modules of the benchmark, which are no package."""
    path = list(sys.path)
    loaded = {}
    for name in ("physics", "make", "score", "kapitza_answers"):
        spec = importlib.util.spec_from_file_location(f"thermoreflectance_{name}", FOLDER / f"{name}.py")
        loaded[name] = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = loaded[name]  # where dataclasses look for the module of their fields
        spec.loader.exec_module(loaded[name])
    yield loaded
    sys.path[:] = path
    for name in ("physics", *(f"thermoreflectance_{one}" for one in loaded)):
        sys.modules.pop(name, None)


ROWS = [(80 * nm, 180.0, 2.43e6, None), (300 * nm, 1.35, 1.65e6, 3.0), (np.inf, 142.0, 1.64e6, None)]
CONDUCTANCES = [100e6, 300e6]


def test_the_simulator_and_the_kernel_of_the_fit_agree_to_one_in_a_million(programs):
    """Two roads to each curve: a linear system, Gauss panels and plain sums; an admittance, midpoints and a contour."""
    physics = programs["physics"]
    layers = [physics.Layer(*row) for row in ROWS]
    stack = Stack(
        [Layer(str(i), d, k, heat_capacity=c, in_plane=along) for i, (d, k, c, along) in enumerate(ROWS)], CONDUCTANCES
    )

    def beams(*numbers: float, growth: float | np.ndarray = 1.0):
        pump, probe, offset = np.atleast_1d(*(np.array(one * np.ones_like(growth)) for one in numbers))
        return pump * growth, probe, offset

    delay, f, radius = np.geomspace(0.1, 3.6, 9) * ns, np.geomspace(1e3, 5e7, 9), np.geomspace(0.3, 3, 5) * um
    grown = 1 + 4e7 * delay
    pulses = {"modulation": 9.8e6, "repetition": 80e6}
    tdtr = Tdtr(delay, Beams(8 * um, 5 * um), **pulses, delayed="pump", defocus=4e7)
    strip = {"half_width": 10 * um, "length": 1e-3, "power": 0.02}
    pairs = [
        (tdtr.signal(stack), physics.tdtr(layers, CONDUCTANCES, delay, beams(8 * um, 5 * um, 0.0, growth=grown),
                                          **pulses, pump_delayed=True)),
        (Fdtr(f, Beams(4 * um, 3 * um, offset=2 * um)).signal(stack),
         physics.fdtr(layers, CONDUCTANCES, f, beams(4 * um, 3 * um, 2 * um))),
        (Sstr([1.0], Beams(8 * um, 5 * um)).predict(stack),
         physics.steady(layers, CONDUCTANCES, beams(8 * um, 5 * um, 0.0))),
        (ThreeOmega(f, **strip).signal(stack), physics.three_omega(layers, CONDUCTANCES, f, **strip)),
        (Raman(radius).predict(stack), physics.steady(layers, CONDUCTANCES, (radius, radius, 0 * radius))),
    ]  # fmt: skip
    for got, want in pairs:
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=0)


def test_the_published_sets_are_those_of_their_seeds(programs):
    make = programs["make"]
    assert set(TRUTHS) == {name for name, _, _ in make.wanted(make.FAIR, make.SPOILED)}
    assert set(TRUTHS) == {path.stem for path in (FOLDER / "sets").glob("*.csv")}
    for prefix in ("fdtr-white-01", "raman-thickness-02", "three-omega-correlated-03"):
        ((name, text, data, truth),) = make.all_sets(make.SEED, make.FAIR, make.SPOILED, prefix)
        assert text == (FOLDER / "sets" / f"{name}.toml").read_text(encoding="utf-8")
        got, want = (np.array([line.split(",") for line in one.split()[1:]], dtype=float)
                     for one in (data, (FOLDER / "sets" / f"{name}.csv").read_text(encoding="utf-8")))  # fmt: skip
        np.testing.assert_allclose(got, want, rtol=1e-7, atol=0)
        want = TRUTHS[name]["truth"]
        np.testing.assert_allclose([truth["truth"][one] for one in want], list(want.values()), rtol=1e-12, atol=0)


def test_scores_of_answers_that_are_known(programs, tmp_path):
    """Truth with 10 % on both sides; an interval that ends a factor e below it; nothing."""
    score = programs["score"]
    name, number = "sstr-white-01", "S.conductivity"
    truth = TRUTHS[name]["truth"][number]
    low, high = truth * np.exp(-0.1), truth * np.exp(0.1)
    good = {"value": truth * np.exp(0.05), "low": low, "high": high}
    below = {"value": truth * np.exp(-1.5), "low": truth * np.exp(-2.0), "high": truth * np.exp(-1.0)}
    only = {name: TRUTHS[name]}

    def row(numbers: dict, misfit: bool = False) -> dict:
        (found,) = score.rows_of({name: {"misfit": misfit, "numbers": numbers}}, only, FOLDER)
        return found

    held, missed, nothing = row({number: good}), row({number: below}, misfit=True), row({})
    np.testing.assert_allclose([held["pull"], held["length"], held["score"]], [0.05 * 3.92 / 0.2, 0.2, 0.2], rtol=1e-9)
    np.testing.assert_allclose([missed["pull"], missed["score"]], [-1.5 * 3.92, 1.0 + 40 * 1.0], rtol=1e-9)
    np.testing.assert_allclose(nothing["score"], np.log(5000 / 0.1), rtol=1e-9)
    assert (held["held"], missed["held"], nothing["held"], nothing["answered"]) == (True, False, True, False)
    found = score.scores([held, {**missed, "set": "other"}])
    assert found["false alarms"] == {"white": {"sets": 2, "named": 1}}
    assert found["fair"]["all"]["coverage"] == 0.5
    table = tmp_path / "answers.csv"
    ends = ",".join(str(good[key]) for key in ("value", "low", "high"))
    table.write_text(f"set,number,value,low,high,misfit\n{name},{number},{ends},no\n")
    assert score.read_answers(table) == {name: {"misfit": False, "numbers": {number: good}}}


def test_a_spoiled_set_is_silently_wrong_only_without_a_word(programs):
    score = programs["score"]
    name = "sstr-drift-01"
    ((number, truth),) = TRUTHS[name]["truth"].items()
    wrong = {number: {"value": 2 * truth, "low": 1.9 * truth, "high": 2.1 * truth}}
    for misfit, silent in ((True, 0), (False, 1)):
        rows = score.rows_of({name: {"misfit": misfit, "numbers": wrong}}, {name: TRUTHS[name]}, FOLDER)
        found = score.scores([*rows, {**rows[0], "fair": True}])["spoiled"]["all"]
        assert (found["silently wrong"], found["visible and named"]) == (silent, 1 - silent)


def test_our_scores(programs):
    """Bars: 95 % intervals hold 95 % within three errors of the count, and what is visible is named."""
    score = programs["score"]
    found = score.scores(score.rows_of(ANSWERS, TRUTHS, FOLDER))
    fair, spoiled = found["fair"]["all"], found["spoiled"]["all"]
    assert abs(fair["coverage"] - 0.95) < 3 * np.sqrt(0.95 * 0.05 / fair["numbers"])
    assert abs(fair["bias in sigma"]) < 3 / np.sqrt(fair["numbers"])
    assert found["false alarms"]["white"]["named"] <= 0.05 * found["false alarms"]["white"]["sets"]
    assert spoiled["visible and named"] >= 0.9 * spoiled["visible"]


@pytest.mark.parametrize("name", SUBSET)
def test_our_answers_are_those_of_the_fit(programs, name):
    check_answer(programs["kapitza_answers"].answer(FOLDER, name), ANSWERS[name])


@pytest.mark.slow
def test_all_our_answers_are_those_of_the_fit(programs):
    for name in TRUTHS:
        check_answer(programs["kapitza_answers"].answer(FOLDER, name), ANSWERS[name])


def check_answer(got: dict, want: dict) -> None:
    assert got["misfit"] == want["misfit"]
    assert set(got["numbers"]) == set(want["numbers"])
    for number, ends in want["numbers"].items():
        for key, value in ends.items():
            assert (got["numbers"][number][key] is None) == (value is None)
            if value is not None:
                np.testing.assert_allclose(got["numbers"][number][key], value, rtol=1e-3, atol=0)
