"""The verbs of applications, run as a user runs them."""

import re
from pathlib import Path

import numpy as np
import pytest

import kapitza
from kapitza.applications.composite import hasselman_johnson
from kapitza.cli import main
from kapitza.cli.applications import parse_lengths
from kapitza.errors import InputError
from kapitza.units import nm, um
from printed_json import printed

SAMPLES = Path(__file__).resolve().parents[2] / "docs" / "samples"
FILES = {"leg": "leg.toml", "memory": "cell.toml", "exchanger": "exchanger.toml", "cryo": "cryo-chip.toml"}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_json(capsys, *arguments):
    assert main([*arguments, "--json"]) == 0
    return printed(capsys.readouterr().out)


def test_lengths_of_options():
    np.testing.assert_allclose(parse_lengths("8,2 um,16nm", "x"), [8 * nm, 16 * nm, 2 * um], rtol=1e-12, atol=0)
    np.testing.assert_allclose(parse_lengths("5:20:5nm", "x"), np.array([5, 10, 15, 20]) * nm, rtol=1e-12, atol=0)
    found = parse_lengths("5nm:0.05um", "x")
    assert len(found) == 10
    np.testing.assert_allclose([found[0], found[-1]], [5 * nm, 50 * nm], rtol=1e-12, atol=0)
    np.testing.assert_allclose(parse_lengths("3um", "x"), [3 * um], rtol=1e-12, atol=0)
    for wrong in ("", "5:2nm", "0:5nm", "1:2:3:4nm", "a:5nm", "5:50K", "1:1e9:1nm", "1,2:3nm"):
        with pytest.raises(InputError):
            parse_lengths(wrong, "x")


def test_superlattice(capsys):
    content = run_json(capsys, "superlattice", "Si", "Ge", "--period", "5,50nm", "--free-path", "4nm")
    g, k = content["conductance"]["value"], content["fields"]["series"]
    want = 5 * nm / (2.5 * nm / 148 + 2.5 * nm / 59.9 + 2 / g)
    np.testing.assert_allclose(k[0], want, rtol=1e-6, atol=0)
    assert 1 * nm < content["wave_minimum"]["value"] < 10 * nm
    given = run_json(capsys, "superlattice", "Si", "Ge", "--period", "5nm", "--conductance", f"{g}")
    assert given["fields"]["spectral"][0] < given["fields"]["ballistic"][0]
    np.testing.assert_allclose(given["fields"]["series"][0], k[0], rtol=1e-9, atol=0)


def test_superlattices_of_waves_are_kept_and_shared(tmp_path, capsys, monkeypatch):
    call = ("superlattice", "Si", "Ge", "--period", "5nm", "--free-path", "2nm")
    monkeypatch.setattr("kapitza.cli.applications._LAYERS_TRIED", (1, 2, 3))
    alone = run_json(capsys, *call)
    for workers in ("2", "1"):  # the second time from the folder
        assert run_json(capsys, *call, "--workers", workers, "--store", str(tmp_path)) == alone
        assert len(list(tmp_path.rglob("*.unit"))) == 4  # and the crystal of the mean mass


def test_composite(capsys):
    options = ("--fraction", "0.3", "--conductance", "50MW/m2K", "--particle-conductivity", "1500W/mK")
    content = run_json(capsys, "composite", "diamond", "Al", "--radius", "1,100um", *options)
    want = hasselman_johnson(237.0, 1500.0, 50e6, radius=[1 * um, 100 * um], fraction=0.3)
    np.testing.assert_allclose(content["fields"]["value"], want, rtol=1e-9, atol=0)
    assert main(["composite", "a-SiO2", "Cu", "--fraction", "0.1"]) == 0
    assert "any size" in capsys.readouterr().err


@pytest.mark.parametrize("verb", FILES)
def test_files_print_draw_and_save(verb, folder, capsys):
    path = str(SAMPLES / FILES[verb])
    assert main([verb, path, "--plot", "a.png", "--save", "a.json"]) == 0
    shown = capsys.readouterr()
    assert shown.out.strip()
    assert "wrote a.json" in shown.err
    assert (folder / "a.png").stat().st_size > 10_000
    assert kapitza.load("a.json") is not None
    assert run_json(capsys, verb, path)


def test_saved_results_come_back(capsys):
    assert main(["superlattice", "Si", "Ge", "--period", "5:50nm", "--save", "a.npz"]) == 0
    held = kapitza.load("a.npz")
    np.testing.assert_allclose(held.share, 0.5, rtol=0, atol=0)
    assert held.series.size == 10
    assert main(["composite", "diamond", "Al", "--save", "b.h5", "--plot", "b.svg"]) == 0
    assert kapitza.load("b.h5").method == "Hasselman-Johnson" or kapitza.load("b.h5").fraction == 0.4


def test_a_cooler(folder, capsys):
    text = (SAMPLES / "leg.toml").read_text(encoding="utf-8")
    text = text.replace('hot = "450 K"', 'hot = "310 K"\nmode = "cooler"\ncurrent = "-1 A"')
    (folder / "cooler.toml").write_text(text, encoding="utf-8")
    content = run_json(capsys, "leg", "cooler.toml")
    assert content["cooling"]["fields"]["heat_out"] < 0
    assert content["power"]["value"]["cop"] < 0
    assert content["as given"]["fields"]["current"] == -1
    assert main(["leg", "cooler.toml", "--plot", "c.png"]) == 0


def test_a_saved_conductance_and_a_predicted_bath(folder, capsys):
    kapitza.save(kapitza.Conductance([200, 400, 600], [40e6, 50e6, 55e6]), "g.json")
    text = (SAMPLES / "cell.toml").read_text(encoding="utf-8").replace('side = "30 MW/m2K"', 'side = "g.json"')
    (folder / "cell.toml").write_text(text, encoding="utf-8")
    assert run_json(capsys, "memory", "cell.toml")["fields"]["current"] > 0
    text = (SAMPLES / "cryo-chip.toml").read_text(encoding="utf-8")
    text = text.replace('coefficient = "30 W/m2K4"', 'solid = "Cu"').replace(
        'temperature = "4.2 K"', "temperature = 1.5"
    )
    (folder / "chip.toml").write_text(re.sub(r"(critical|recovery|film) = .*\n", "", text), encoding="utf-8")
    content = run_json(capsys, "cryo", "chip.toml", "--current", "2A")
    assert content["bath"]["value"] == 1.5
    assert content["current"]["value"] == 2.0


@pytest.mark.parametrize(
    ("verb", "old", "new", "said"),
    [
        ("leg", 'length = "1 mm"', "length = 0", "length"),
        ("leg", 'hot = "450 K"', "hot = 200", "not above cold"),
        ("leg", 'value = ["210 uV/K", ', 'value = ["210 uV", ', "seebeck"),
        ("leg", 'area = "1 mm2"', 'aera = "1 mm2"', "did you mean 'area'"),
        ("leg", 'contact_conductance = "50 kW/m2K"', 'contact_conductance = "none.json"', "none.json"),
        ("memory", 'pitch = "120 nm"', 'pitch = "30 nm"', "pitch"),
        ("memory", 'side = "30 MW/m2K"', 'side = "30 mW"', "unit of power"),
        ("memory", 'pulse = "50 ns"', "pulse = -1", "out of the range"),
        ("exchanger", 'inlet = "350 K"', "inlet = 290", "hot stream"),
        ("exchanger", 'nusselt = "slit"', 'nusselt = "square"', "nusselt"),
        ("exchanger", 'arrangement = "counter"', 'arrangement = "cross"', "counter"),
        ("cryo", 'recovery = "0.25 W/cm2"', 'recovery = "2 W/cm2"', "recovery"),
        ("cryo", 'load = "0.05 W/cm2"', "load = nan", "finite"),
        ("cryo", 'critical_temperature = "9.2 K"', "critical_temperature = 3", "normal"),
        ("cryo", 'coefficient = "30 W/m2K4"', "", "coefficient"),
    ],
)
def test_faults_are_one_line(verb, old, new, said, folder, capsys):
    text = (SAMPLES / FILES[verb]).read_text(encoding="utf-8")
    assert old in text
    (folder / "bad.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    assert main([verb, "bad.toml"]) == 2
    shown = capsys.readouterr()
    assert shown.err.count("\n") == 1
    assert said in shown.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("superlattice", "Si", "water"),
        ("superlattice", "Si", "YIG"),
        ("superlattice", "Si", "Ge", "--share", "1.5"),
        ("superlattice", "Si", "Ge", "--period", "50:5nm"),
        ("superlattice", "Si", "Ge", "--conductance", "5 K"),
        ("superlattice", "Si", "Ge", "--plot", "a.xyz"),
        ("composite", "diamond", "Al", "--fraction", "50"),
        ("composite", "diamond", "Al", "--radius", "0um"),
        ("composite", "diamond", "unobtainium"),
        ("leg", "missing.toml"),
        ("cryo", str(SAMPLES / "cryo-chip.toml"), "--current", "2K"),
    ],
)
def test_wrong_options_are_one_line(arguments, capsys):
    assert main(list(arguments)) == 2
    shown = capsys.readouterr()
    assert shown.err.count("\n") == 1
    assert shown.err.startswith("kapitza: ")
