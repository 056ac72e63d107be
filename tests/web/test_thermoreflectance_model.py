"""The view Thermoreflectance without its page: sliders, residuals, the fit, and the figures that are drawn."""

from pathlib import Path

import numpy as np
import pytest

from kapitza.core.parameter_units import with_error
from kapitza.errors import DataError, InputError
from kapitza.io.samples import read_sample
from kapitza.measure.experiment import simulate_curve
from kapitza.web.figures.thermoreflectance import budget_figure, curves_figure, sensitivity_figure
from kapitza.web.models.thermoreflectance import (
    Trial,
    coordinate_of_text,
    curves_table,
    fit_rows,
    fit_trial,
    number_text,
    open_trial,
    sample_texts,
    slider_range,
    trial_curves,
    trial_sensitivity,
    verdict_of,
    with_fit,
)

G, K = "Al|Si.conductance", "Si.conductivity"
SAMPLE = """\
title = "Al on Si"
[[layers]]
name = "Al"
thickness = "80 nm"
conductivity = 180
heat_capacity = "2.43 MJ/m3K"
[[layers]]
name = "Si"
material = "Si"
[boundaries]
"Al|Si" = "150 MW/m2K"
[[experiments]]
kind = "tdtr"
modulation = "9.8 MHz"
repetition = "80 MHz"
pump_radius = "10 um"
probe_radius = "5 um"
delayed = "pump"
delays = ["100 ps", "3.6 ns", 25]
[fit]
free = ["Al|Si.conductance", "Si.conductivity"]
[fit.uncertain]
"Al.thickness" = "3 %"
"tdtr.phase" = "5 mrad"
"""
DELAYS = 'delays = ["100 ps", "3.6 ns", 25]'


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample with a curve of 200 MW/m²K, a quarter off what the file says, with 0.5 % of noise."""
    folder = tmp_path_factory.mktemp("sample")
    path = folder / "al_si.toml"
    path.write_text(SAMPLE, encoding="utf-8")
    held = read_sample(path)
    stack = held.stack.replace({G: 200e6})
    curve = simulate_curve(held.experiments[0], stack, noise=0.005, seed=4)
    lines = [f"{1e12 * x:.8g}, {v:.8g}" for x, v in zip(curve.x, curve.value, strict=True)]
    (folder / "curve.csv").write_text("\n".join(["delay (ps), ratio", *lines]), encoding="utf-8")
    path.write_text(SAMPLE.replace(DELAYS, 'data = "curve.csv"'), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def trial(measured: Path) -> Trial:
    return open_trial(measured)


def test_the_curve_at_the_sliders_is_that_of_the_experiment(trial: Trial) -> None:
    held = trial.sample
    x = trial.start.copy()
    x[0] = np.log(200 / 150)
    curves = trial_curves(trial, x)
    wanted = held.experiments[0].predict(held.stack.replace({G: 200e6}))
    np.testing.assert_allclose(curves.value[0], wanted, rtol=1e-12, atol=0)
    curve = held.curves[0]
    assert curve is not None
    np.testing.assert_allclose(
        curves.residual[0], (curve.value - wanted) / trial.problem.sigma[0], rtol=1e-9, atol=1e-12
    )
    assert curves.chi2 < trial_curves(trial, trial.start).chi2 / 20


def test_figures_show_the_numbers_of_the_records(trial: Trial) -> None:
    curves = trial_curves(trial, trial.start)
    drawn = curves_figure("light", trial, curves, 0)
    points, line, residuals = drawn["data"]
    curve = trial.problem.samples[0].curve
    np.testing.assert_allclose(points["x"], curve.x * 1e12, rtol=1e-4, atol=0)
    np.testing.assert_allclose(points["y"], curve.value, rtol=1e-4, atol=0)
    np.testing.assert_allclose(line["y"], curves.value[0], rtol=1e-4, atol=0)
    np.testing.assert_allclose(residuals["y"], curves.residual[0], rtol=1e-4, atol=1e-9)
    titles = [drawn["layout"][name]["title"]["text"] for name in ("xaxis", "yaxis", "yaxis2")]
    assert titles == ["delay (ps)", "ratio −V<sub>in</sub>/V<sub>out</sub>", "residual (σ)"]
    found, x = trial_sensitivity(trial, 0, trial.start)
    drawn = sensitivity_figure("dark", found, x, trial.problem.samples[0].experiment)
    lines = {one["name"]: one["y"] for one in drawn["data"]}
    np.testing.assert_allclose(lines[G], found.of(G), rtol=1e-4, atol=1e-9)
    assert drawn["layout"]["yaxis"]["title"]["text"] == "sensitivity ∂ln f/∂ln p"


def test_the_fit_finds_what_the_curve_was_made_of(trial: Trial, measured: Path) -> None:
    """From another start; the sliders then stand at the minimum, with the scatter as the uncertainty of the points."""
    found = fit_trial(measured, {G: 80e6})
    value, sigma = found.value[0], found.sigma[0]
    assert abs(value - 200e6) < 3 * sigma
    fitted, x = with_fit(trial, found)
    np.testing.assert_allclose(trial_curves(fitted, x).chi2, found.chi2, rtol=1e-6, atol=0)
    assert fit_rows(found)[0]["value"] == f"{with_error(value / 1e6, sigma / 1e6)} MW/m²K"
    assert verdict_of(found)[1] == "model and data agree"
    drawn = budget_figure("light", found.budget())
    np.testing.assert_allclose(np.sum([one["x"] for one in drawn["data"]], axis=0), 100, rtol=1e-4, atol=0)
    assert drawn["layout"]["xaxis"]["title"]["text"] == "share of the variance (%)"


def test_sliders_and_typed_numbers(trial: Trial) -> None:
    conductance, _, thickness, phase = trial.parameters
    low, high = slider_range(conductance)
    np.testing.assert_allclose([conductance.value(low), conductance.value(high)], [15e6, 1.5e9], rtol=1e-9, atol=0)
    np.testing.assert_allclose(slider_range(thickness), (-0.12, 0.12), rtol=1e-9, atol=0)
    assert number_text(conductance, 0.0) == "150 MW/m²K"
    for text in ("200", "200 MW/m2K", "5 m2K/GW"):
        if text.startswith("5"):
            with pytest.raises(InputError, match="m2K/GW"):
                coordinate_of_text(conductance, text)
            continue
        value = conductance.value(coordinate_of_text(conductance, text))
        np.testing.assert_allclose(value, 200e6, rtol=1e-12, atol=0)
    np.testing.assert_allclose(phase.value(coordinate_of_text(phase, "-2.5")), -2.5e-3, rtol=1e-9, atol=0)
    with pytest.raises(InputError, match="wanted above 0"):
        coordinate_of_text(thickness, "-80")


def test_without_data_the_points_are_simulated_and_called_so(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(SAMPLE.replace('free = ["Al|Si.conductance", "Si.conductivity"]\n', ""), encoding="utf-8")
    trial = open_trial(path)
    assert trial.simulated
    assert any("simulated" in one for one in trial.remarks)
    assert [one.name for one in trial.parameters if not one.known] == [G]
    assert curves_figure("light", trial, trial_curves(trial, trial.start), 0)["data"][0]["name"] == "simulated points"


def test_copied_texts_run(measured: Path, trial: Trial, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The TOML starts the fit where the sliders stand; the Python gives a report of it."""
    x = trial.start.copy()
    x[0] = np.log(2)
    texts = sample_texts(trial, x)
    monkeypatch.chdir(measured.parent)
    printed: list[str] = []
    monkeypatch.setattr("builtins.print", lambda text: printed.append(text))
    exec(texts["Python"], {})  # noqa: S102 - the text is ours
    assert "verdict: model and data agree" in printed[0]
    path = measured.parent / "again.toml"
    path.write_text(texts["TOML"], encoding="utf-8")
    again = read_sample(path)
    start = again.free[G].start
    assert start is not None
    np.testing.assert_allclose(start, 300e6, rtol=1e-5, atol=0)
    assert set(again.priors) == {"Al.thickness", "tdtr.phase"}
    rows = curves_table(trial, trial_curves(trial, x)).splitlines()
    np.testing.assert_allclose(float(rows[1].split(",")[2]), 100e-12, rtol=1e-6, atol=0)


def test_a_sample_from_elsewhere_reads_its_own_folder_only(tmp_path: Path) -> None:
    path = tmp_path / "al.toml"
    path.write_text(SAMPLE.replace(DELAYS, 'data = "/etc/hostname"'), encoding="utf-8")
    with pytest.raises(DataError, match="outside of the folder"):
        open_trial(path)
    path.write_text(SAMPLE.partition("[[experiments]]")[0], encoding="utf-8")
    with pytest.raises(InputError, match="nothing to draw"):
        open_trial(path)
