"""What `kapitza device` says of pulses: the train with its uncertainty, and what a box grid does not tell."""

import json

import pytest
from typer.testing import CliRunner

from kapitza.cli import app, main

FILE = """
sink = "300 K"
box = {{ width = "50 um", depth = "50 um" }}

[[layers]]
name = "film"
thickness = "2 um"
conductivity = 30
{capacity}

[[layers]]
name = "base"
thickness = "50 um"
conductivity = 150
heat_capacity = "1.6 MJ/m3K"

[boundaries]
"film|base" = "50 MW/m2K ± 20 %"

[uncertain]
{uncertain}

[[sources]]
name = "first"
power = "1 W"
period = "4 us"
width = "1 us"
{more}
"""
CAPACITY = 'heat_capacity = "2 MJ/m3K"'
SECOND = '\n[[sources]]\nname = "second"\npower = "0.5 W"\nperiod = "{}"\nwidth = "1.5 us"\n'


@pytest.fixture
def run(tmp_path):
    def run_file(*options, capacity=CAPACITY, uncertain="", more=""):
        path = tmp_path / "device.toml"
        path.write_text(FILE.format(capacity=capacity, uncertain=uncertain, more=more))
        found = CliRunner().invoke(app, ["device", str(path), *options])
        assert found.exit_code == 0, found.output
        return found

    return run_file


def test_peak_of_the_train_has_its_own_budget(run):
    found = run(uncertain='"film.heat_capacity" = "10 %"\n"first.power" = "5 %"')
    rows = {line.split("  ")[0].strip(): line.split() for line in found.stdout.splitlines() if line.strip()}
    assert float(rows["peak"][-1]) > 0
    budget = found.stdout.partition("uncertainty of the peak of the train")[2]
    assert all(name in budget for name in ("film|base.conductance", "film.heat_capacity", "first.power"))
    before = found.stdout.partition("uncertainty of the hottest temperature of the mean")[2]
    assert "film.heat_capacity" not in before.partition("uncertainty of the peak")[0]
    assert "numerical error of the peak of the train estimated at" in found.stderr
    told = json.loads(run("--json", uncertain='"first.power" = "5 %"').stdout)["derived"]
    fields = told["pulses"]["fields"]
    assert told["temperatures_of"] == "the mean heat of the pulses"
    assert abs(fields["contribution"]["first.power"] / fields["peak"] - 0.05) < 1e-6
    assert told["sigma_of_pulses"]["value"] >= fields["contribution"]["first.power"]
    assert 0 < fields["error"] < 1e-3 * fields["peak"]


def test_bounds_of_several_periods_and_first_pulses_are_labelled(run):
    text = run(more=SECOND.format("7 us")).stdout
    assert "peak, at most (pulses of several periods)" in text
    assert "lowest, at least" in text
    assert "peak of the first pulses, which begin together" in text
    assert "at most" not in run(more=SECOND.format("4 us")).stdout


def test_drawn_devices_tell_both_the_mean_and_the_train(run):
    found = run("--samples", "20")
    assert "peak of the mean of 20 devices drawn" in found.stderr
    assert "peak of the train of 20 devices drawn" in found.stderr


def test_wide_intervals_and_counted_pulses_are_said(run):
    found = run(uncertain='"film.conductivity" = "50 %"', more="count = 3")
    assert "of film.conductivity the peak of the train is" in found.stderr
    assert "film.conductivity is known to 30 % or worse: at the ends of its 95 % interval the peak of the mean is" in (
        found.stderr
    )
    assert "first gives 3 pulses: mean and table are those of an endless train" in found.stderr


def test_a_grid_says_between_what_the_peak_lies(run):
    plain = run("--tier", "volumes", "--cells", "600")
    assert "these are the temperatures of the mean heat of the pulses; a box grid does not tell how far" in plain.stderr
    assert "--tier layers tells it" in plain.stderr
    told = json.loads(run("--tier", "volumes", "--cells", "600", "--json").stdout)
    low, high = told["derived"]["pulses"]["peak_between"]["value"]
    assert abs(high / low - 4) < 1e-9
    exact = json.loads(run("--json").stdout)["derived"]["pulses"]["fields"]
    assert low < exact["peak"] < high


def test_what_the_uncertainty_leaves_out_is_said(run):
    told = run(capacity="", uncertain='"width" = "5 %"\n"sink" = "1 K"').stderr
    assert "only the mean of the pulses is known, and not how far they rise above it: film has no heat_capacity" in told
    assert "the uncertainty of width is left out: sources follow it" in told
    assert "the uncertainty of sink is left out: temperatures are told above it" in told


def change(text, old, new):
    assert old in text
    return text.replace(old, new)


def run_text(tmp_path, text, *options, code=0, verb="device"):
    path = tmp_path / "device.toml"
    path.write_text(text)
    found = CliRunner().invoke(app, [verb, str(path), *options])
    assert found.exit_code == code, found.output
    return found


STEADY = FILE.format(capacity=CAPACITY, uncertain="", more="")
PULSES = 'period = "4 us"\nwidth = "1 us"'


def test_periodic_heat_is_as_if_always_on_and_its_swing_is_told(tmp_path):
    """At a low frequency the swing is that of the steady rise, in phase with the heat."""
    text = change(STEADY, PULSES, 'frequency = "1 Hz"')
    found = run_text(tmp_path, text)
    assert "device: if always on" in found.stdout
    assert "first goes as a cosine, without a mean" in found.stderr
    told = json.loads(run_text(tmp_path, text, "--json").stdout)
    swing = told["derived"]["oscillation"]["first"]
    assert abs(swing["amplitude"]["value"] / told["result"]["fields"]["peak"] - 1) < 1e-3
    assert abs(swing["phase"]["value"]) < 1e-2
    assert told["derived"]["temperatures_of"] == "amplitudes of periodic sources, always on"
    lacking = run_text(tmp_path, change(text, CAPACITY, ""))
    assert "how far the temperature follows them: film has no heat_capacity" in lacking.stderr
    grid = run_text(tmp_path, text, "--tier", "volumes", "--cells", "600")
    assert "how far the temperature follows them: a box grid does not tell it" in grid.stderr
    assert "if always on" in grid.stdout


def test_a_step_shows_its_end_and_says_so(tmp_path):
    found = run_text(tmp_path, change(STEADY, PULSES, 'course = "step"'))
    assert "first is switched on at t = 0: these are the temperatures in the end" in found.stderr


def test_sweeps_and_designs_of_pulses_are_of_their_mean(tmp_path, run):
    one = "film|base.conductance=50:100:50MW/m2K"
    found = run_text(tmp_path, STEADY, "--sweep", one)
    assert "rises are those of the mean heat of the pulses, but for the column 'peak of the train'" in found.stderr
    told = json.loads(run_text(tmp_path, STEADY, "--sweep", one, "--json").stdout)
    fields = json.loads(run("--json").stdout)["derived"]["pulses"]["fields"]
    rises = told["derived"]["rise"]["value"]
    assert abs(rises["hottest point"][0] / fields["mean"] - 1) < 1e-9
    assert abs(rises["peak of the train"][0] / fields["peak"] - 1) < 1e-6
    assert told["derived"]["temperatures_of"] == "the mean heat of the pulses"
    options = "--minimise", "hotspot", "--over", "film.thickness=1:3um"
    assert "rises of the mean heat of the pulses" in run_text(tmp_path, STEADY, *options, verb="design").stderr


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ('period = "4 us"\nwidth = "0 s"', "sources.1.width: PulsedPower: width = 0 s"),
        ('period = "4 us"\nwidth = "5 us"', "sources.1.width: pulses of 5e-06 s every 4e-06 s"),
        ('frequency = "-1 MHz"', "sources.1.frequency: PeriodicPower: frequency = -1e+06 Hz"),
    ],
)
def test_faults_of_a_course_are_at_its_key(tmp_path, new, said, capsys):
    path = tmp_path / "device.toml"
    path.write_text(change(STEADY, PULSES, new))
    assert main(["device", str(path)]) == 2
    assert said in capsys.readouterr().err


def test_questions_of_units_in_time_and_temperature(tmp_path, capsys):
    path = tmp_path / "device.toml"
    path.write_text(change(STEADY, 'period = "4 us"', 'period = "4 s"'))
    assert main(["device", str(path)]) == 0
    assert "first is on for 1e-06 s of every 4 s, a part of 2e-07: is period or width in another unit?" in (
        capsys.readouterr().err
    )
    path.write_text(change(STEADY, '"300 K"', '"25 °C"'))
    assert main(["device", str(path)]) == 2
    assert "expected temperature, in K (a temperature in °C and 273.15)" in capsys.readouterr().err


def test_a_fit_takes_no_pulses(tmp_path, capsys):
    path, table = tmp_path / "device.toml", tmp_path / "measured.csv"
    path.write_text(STEADY)
    table.write_text("x,y,depth,T,sigma\n0,0,0,330,1\n")
    assert main(["device", str(path), "--fit", str(table), "--free", "film|base.conductance"]) == 2
    assert "first is not steady" in capsys.readouterr().err
