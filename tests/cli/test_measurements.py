"""The verbs for measured data, run as a user runs them."""

import re

import numpy as np
import pytest

import kapitza
from kapitza.cli import main
from kapitza.errors import DataError
from kapitza.routes.saved import saved_routes
from printed_json import printed

SAMPLE = """\
[[layers]]
name = "Al"
thickness = "80 nm"
conductivity = 180
heat_capacity = "2.43 MJ/m3K"
[[layers]]
name = "Si"
conductivity = 140
heat_capacity = "1.64 MJ/m3K"
[boundaries]
"Al|Si" = "{conductance} MW/m2K"
[[experiments]]
kind = "tdtr"
modulation = "9.8 MHz"
repetition = "80 MHz"
pump_radius = "10 um"
probe_radius = "10 um"
delayed = "pump"
{data}
[fit]
free = ["Al|Si.conductance", "Si.conductivity"]
[fit.uncertain]
"Al.thickness" = "3 %"
"""


DEVICE = """
sink = "300 K"
[[layers]]
name = "Al"
thickness = "80 nm"
conductivity = 180
[[layers]]
name = "Si"
thickness = "infinite"
conductivity = 140
[boundaries]
"Al|Si" = "fit.npz"
[[sources]]
name = "spot"
power = "1 mW"
x = ["0 um", "1 um"]
y = ["0 um", "1 um"]
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    delays = 'delays = ["100 ps", "3.6 ns", 20]'
    (tmp_path / "truth.toml").write_text(SAMPLE.format(conductance=170, data=delays))
    (tmp_path / "sample.toml").write_text(SAMPLE.format(conductance=100, data='data = "fake.csv"'))
    return tmp_path


def test_what_is_simulated_is_found_again(folder, capsys):
    assert main(["simulate", "truth.toml", "--noise", "0.002", "--seed", "3", "--save", "fake.csv"]) == 0
    assert (folder / "fake.csv").read_text().splitlines()[1] == "delay_s,ratio"
    command = [
        "fit",
        "sample.toml",
        "--json",
        "--save",
        "fit.npz",
        "--starts",
        "1",
        "--plot",
        "fit.png",
        "--budget",
        "budget.png",
    ]
    assert main(command) == 0
    out = capsys.readouterr().out
    found = printed(out)
    for name, truth in (("Al|Si.conductance", 170e6), ("Si.conductivity", 140.0)):
        entry = found["parameters"][name]
        assert abs(entry["value"] - truth) < 3 * entry["sigma"]
        np.testing.assert_allclose(sum(found["budget"][name].values()), 1, rtol=1e-9, atol=0)
    assert found["parameters"]["Al|Si.conductance"]["unit"] == "W m^-2 K^-1"
    assert found["drop"] == "extrapolated"
    for name in ("fit.png", "budget.png"):
        assert (folder / name).stat().st_size > 10_000
    entry = found["parameters"]["Al|Si.conductance"]  # the saved fit is a route, and a boundary of a device
    (row,) = saved_routes({"fit.npz": kapitza.load("fit.npz")}, np.array([300.0]))
    assert (row.kind, row.definition) == ("experiment", "extrapolated, quantum")
    assert abs(row.conductance.value[0] / entry["value"] - 1) <= 1e-12
    assert row.conductance.sigma[0] >= entry["sigma"] * (1 - 1e-12)
    (folder / "device.toml").write_text(DEVICE, encoding="utf-8")
    (held,) = (one.conductance for one in kapitza.io.read_device("device.toml").stack.boundaries)
    assert np.abs(held.at([250.0, 400.0]) / row.conductance.value[0] - 1).max() <= 1e-12
    cold = DEVICE.replace("300 K", "150 K").replace("= 140", "= 430")  # what silicon has there: else it is asked about
    (folder / "device.toml").write_text(cold, encoding="utf-8")
    with pytest.raises(DataError, match="known at 300 K alone, and heat leaves at 150 K"):
        kapitza.io.read_device("device.toml")
    assert main(["fit", "sample.toml", "--starts", "1", "--strict"]) == 0
    table = capsys.readouterr()
    assert "verdict: model and data agree" in table.out
    assert "Al|Si.conductance" in table.out
    assert "share of the variance" in table.out
    assert "the scatter of the points about the fit is taken for their uncertainty" in table.err


def test_data_of_the_other_sign_are_a_misfit(folder, capsys):
    assert main(["simulate", "truth.toml", "--noise", "0.002", "--seed", "3", "--save", "fake.csv"]) == 0
    (folder / "fake.csv").write_text((folder / "fake.csv").read_text().replace(",", ",-").replace(",-ratio", ",ratio"))
    capsys.readouterr()
    assert main(["fit", "sample.toml", "--starts", "1", "--strict", "--json"]) == 1
    found = printed(capsys.readouterr().out)
    assert found["judgement"]["fields"]["verdict"] == "misfit"
    lost = {name: one["bound"] for name, one in found["parameters"].items() if one["free"] and "interval" not in one}
    assert lost
    assert all({"unit", "low", "high", "confidence"} == set(one) for one in lost.values()), lost


def test_other_spots_of_a_sample_give_a_mean_and_a_spread(folder, capsys):
    repeats = ""
    for i, name in enumerate(("fake", "two", "three")):
        text = SAMPLE.format(conductance=170, data='delays = ["100 ps", "3.6 ns", 20]')
        (folder / "truth.toml").write_text(text.replace("170", str(150 + 20 * i)))
        assert main(["simulate", "truth.toml", "--noise", "0.002", "--seed", str(i), "--save", f"{name}.csv"]) == 0
        repeats += f'\n[[repeats]]\ndata = "{name}.csv"\n' if i else ""
    (folder / "sample.toml").write_text((folder / "sample.toml").read_text() + repeats)
    capsys.readouterr()
    assert main(["fit", "sample.toml", "--starts", "1", "--json", "--plot", "spots.png"]) == 0
    found = printed(capsys.readouterr().out)["repeats"]["Al|Si.conductance"]["fields"]
    assert abs(found["value"] - 170e6) <= 3 * found["sigma"]
    assert found["interval"][0] <= 170e6 <= found["interval"][1]
    assert (folder / "spots.png").stat().st_size > 1e4
    assert found["spread_interval"][0] <= 0.12 <= found["spread_interval"][1]
    third = folder / "three.csv"
    third.write_text(third.read_text().replace(",", ",-").replace(",-ratio", ",ratio"))
    assert main(["fit", "sample.toml", "--starts", "1", "--strict"]) == 1
    told = capsys.readouterr()
    assert "verdict: model and data agree" in told.out  # of the first
    assert "spot 3: MISFIT: tdtr: points lie" in told.err
    assert "Al|Si.conductance has no mean over spots: the data of spot 3 give a bound only" in told.err


OTHERS = {
    "steady": 'pump_radius = "2 um"\nprobe_radius = "2 um"\npowers = ["1 mW", "10 mW", 8]',
    "raman": 'radii = ["0.5 um", "10 um", 8]',
    "three-omega": 'half_width = "5 um"\nlength = "1 mm"\npower = "20 mW"\nfrequencies = ["100 Hz", "10 kHz", 10]',
    "cooling": 'times = ["100 ps", "5 ns", 20]',
}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_other_experiments_would_give_is_found_again(folder, capsys, kind):
    stack = SAMPLE.split("[[experiments]]", maxsplit=1)[0]
    free = '[fit]\nfree = ["Al|Si.conductance"]\n[[experiments]]\n'
    (folder / "truth.toml").write_text(stack.format(conductance=100) + free + f'kind = "{kind}"\n{OTHERS[kind]}\n')
    assert main(["simulate", "truth.toml", "--noise", "0.003", "--save", "made.csv"]) == 0
    settings = "\n".join(line for line in OTHERS[kind].splitlines() if "[" not in line)
    text = stack.format(conductance=60) + free + f'kind = "{kind}"\n{settings}\ndata = "made.csv"\nnoise = "0.3 %"\n'
    (folder / "sample.toml").write_text(text)
    for verb in ("design", "sensitivity"):
        assert main([verb, "truth.toml"]) == 0
    capsys.readouterr()
    assert main(["fit", "sample.toml", "--starts", "1", "--json", "--plot", "fit.png"]) == 0
    found = printed(capsys.readouterr().out)["parameters"]["Al|Si.conductance"]
    assert abs(found["value"] - 100e6) < 4 * found["sigma"] < 20e6


TWO = """\
[[experiments]]
kind = "tdtr"
name = "slow"
modulation = "1.1 MHz"
repetition = "80 MHz"
pump_radius = "20 um"
probe_radius = "20 um"
delayed = "pump"
data = "slow.csv"
[[experiments]]
kind = "fdtr"
pump_radius = "10 um"
probe_radius = "10 um"
data = "fdtr.csv"
noise = "2 mrad"
[fit]
free = ["Al|Si.conductance", "Si.conductivity"]
[fit.uncertain]
spot = "4 %"
"Al.thickness" = "3 %"
[fit.ties]
spot = { names = ["tdtr.pump_radius", "tdtr.probe_radius", "slow.pump_radius", "slow.probe_radius"] }
"""


def test_files_spots_and_frequencies_at_once(folder, capsys):
    """Two modulations, two spots and a phase curve share one stack: all together tell more than one alone."""
    whole = SAMPLE.format(conductance=170, data='data = "fake.csv"').split("[fit]", maxsplit=1)[0] + TWO
    points = 'delays = ["100 ps", "3.6 ns", 20]'
    for name, text in {
        "fake": SAMPLE.format(conductance=170, data=points),
        "slow": SAMPLE.format(conductance=170, data=points).replace("9.8 MHz", "1.1 MHz").replace("10 um", "20 um"),
        "fdtr": SAMPLE.split("[[experiments]]", maxsplit=1)[0].format(conductance=170)
        + '[[experiments]]\nkind = "fdtr"\npump_radius = "10 um"\nprobe_radius = "10 um"\n'
        + 'frequencies = ["10 kHz", "20 MHz", 15]\n',
    }.items():
        (folder / f"{name}.toml").write_text(text)
        noise = "0.002" if name == "fdtr" else "0.005"
        assert main(["simulate", f"{name}.toml", "--noise", noise, "--seed", "5", "--save", f"{name}.csv"]) == 0
    (folder / "whole.toml").write_text(whole)
    options = ["--plot", "fit.png", "--contours", "Al|Si.conductance, Si.conductivity", "both.png"]
    assert main(["fit", "whole.toml", "--starts", "1", "--json", *options]) == 0
    found = printed(capsys.readouterr().out)["parameters"]
    assert main(["fit", "sample.toml", "--starts", "1", "--json"]) == 0
    alone = printed(capsys.readouterr().out)["parameters"]
    for name, truth in (("Al|Si.conductance", 170e6), ("Si.conductivity", 140.0)):
        assert abs(found[name]["value"] - truth) < 3 * found[name]["sigma"]
        assert found[name]["sigma"] < alone[name]["sigma"]
    for name in ("fit.png", "both.png"):
        assert (folder / name).stat().st_size > 10_000


def test_sensitivities_have_the_published_size(folder, capsys):
    """Notes of the project on the converged model: G -0.400 at 1 ns for Al/Si at 200 MW/m²K, k 0.428."""
    (folder / "truth.toml").write_text(
        SAMPLE.format(conductance=200, data='delays = ["100 ps", "500 ps", "1 ns"]').replace("140", "142")
    )
    assert main(["sensitivity", "truth.toml", "--json", "--plot", "s.png"]) == 0
    found = printed(capsys.readouterr().out)["tdtr"]["sensitivity"]
    np.testing.assert_allclose(found["Al|Si.conductance"], [0.022, -0.217, -0.400], rtol=0, atol=0.002)
    np.testing.assert_allclose(found["Si.conductivity"], [0.514, 0.483, 0.428], rtol=0, atol=0.002)
    assert main(["sensitivity", "truth.toml"]) == 0


def test_designs_are_ranked(folder, capsys):
    assert main(["design", "truth.toml", "--over", "tdtr.modulation=1,10MHz", "--json", "--save", "d.json"]) == 0
    ranked = printed(capsys.readouterr().out)["designs"]
    ranked = [d["fields"] for d in ranked]
    assert [d.merit for d in kapitza.load("d.json")["designs"]] == [d["merit"] for d in ranked]
    errors = [tuple(d["sigma"].values()) for d in ranked]
    for i, one in enumerate(errors):  # nothing better stands below
        assert not any(all(a < b for a, b in zip(other, one, strict=True)) for other in errors[i + 1 :])
    assert {d["settings"]["tdtr.modulation"] for d in ranked} == {1e6, 10e6}
    assert main(["design", "truth.toml"]) == 0


def test_a_thickness_series(folder, capsys):
    rows = "".join(f"{d},{1e3 * (d * 1e-9 / 1.3 + 8e-9) / 1e-6},0.2\n" for d in (20, 50, 100, 200))
    (folder / "films.csv").write_text("thickness_nm,resistance_m2KGW,resistance_sigma_m2KGW\n" + rows)
    (folder / "films.csv").write_text("thickness (nm),resistance (m2K/GW),resistance_sigma (m2K/GW)\n" + rows)
    assert main(["series", "films.csv", "--json", "--plot", "line.png", "--save", "line.h5"]) == 0
    found = printed(capsys.readouterr().out)
    assert kapitza.load("line.h5").conductivity == found["fields"]["conductivity"] == found["conductivity"]["value"]
    np.testing.assert_allclose(found["conductivity"]["value"], 1.3, rtol=1e-6, atol=0)
    np.testing.assert_allclose(found["resistance"]["value"], 8e-9, rtol=1e-6, atol=0)
    assert found["resistance"]["resolved"]
    assert main(["series", "films.csv"]) == 0
    assert re.search(r"their conductance +125\.0 ±", capsys.readouterr().out)


def test_an_oxide_series_that_resolves_no_boundary(folder, capsys):
    """Total resistances of 25, 50, 100 nm of oxide from measured curves: the intercept is zero within its error."""
    (folder / "oxide.csv").write_text("d (nm),R (m2K/GW)\n25,25.27\n50,49.18\n100,105.24\n")
    assert main(["series", "oxide.csv"]) == 0
    assert "zero within its error: below 3.8 m²K/GW" in capsys.readouterr().out


def test_a_jump(folder, capsys):
    x = np.arange(-50, 51, 2.0)[np.arange(-50, 51, 2) != 0]
    chance = np.random.default_rng(1)
    t = np.where(x < 0, 305 - 0.1 * x, 290 - 0.02 * x) + 0.05 * chance.standard_normal(x.size)
    (folder / "t.csv").write_text("x_nm,T_K\n" + "".join(f"{a},{b}\n" for a, b in zip(x + 50, t, strict=True)))
    options = ["--at", "50nm", "--skip", "4nm", "--flux", "3 GW/m2", "--flux-sigma", "3%", "--plot", "j.png"]
    assert main(["jump", "t.csv", *options, "--json"]) == 0
    found = printed(capsys.readouterr().out)
    assert abs(found["jump"]["value"] - 15) < 4 * found["jump"]["sigma"]
    np.testing.assert_allclose(found["conductance"]["value"], [3e9 / found["jump"]["value"]], rtol=1e-12, atol=0)
    np.testing.assert_allclose(found["conductance"]["sigma"][0] / 200e6, 0.03, rtol=0.05, atol=0)
    assert main(["jump", "t.csv", "--at", "50nm"]) == 0
    said = capsys.readouterr().out
    np.testing.assert_allclose(float(said.split("Kapitza length, left")[1].split()[0]), 150, rtol=0.03, atol=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit", "missing.toml"], "missing.toml: there is no such file"),
        (["fit", "truth.toml"], "no experiment names its data"),
        (["fit", "sample.toml"], "there is no file fake.csv"),
        (["fit", "truth.toml", "--contours", "a,b", "x.txt"], "expected .png, .pdf or .svg"),
        (["fit", "truth.toml", "--plot", "x.txt"], "expected .png, .pdf or .svg"),
        (["simulate", "truth.toml", "--save", "x.xls"], "expected .csv"),
        (["design", "truth.toml", "--over", "tdtr.modulation"], "expected a setting and candidates"),
        (["design", "truth.toml", "--over", "tdtr.modulatio=1,2"], "no setting 'tdtr.modulatio'"),
        (["design", "truth.toml", "--over", "tdtr.modulation=1,2nm"], "'nm' is a unit of length"),
        (["design", "truth.toml", "--free", "Al|Ge.conductance"], "no sample has 'Al|Ge.conductance'"),
        (["series", "truth.toml"], "truth.toml"),
        (["jump", "truth.toml", "--at", "3 s"], "truth.toml"),
    ],
)
def test_faults_are_one_line(folder, capsys, arguments, message):
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_a_profile_of_one_point_is_refused(tmp_path, capsys):
    table = tmp_path / "profile.csv"
    table.write_text("x (nm),T (K),sigma\n8,300,0.1\n", encoding="utf-8")
    assert main(["jump", str(table), "--at", "0nm"]) == 2
    assert "wanted two points or more on either side, got 1 in all" in capsys.readouterr().err
