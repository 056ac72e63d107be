"""kapitza device --fit: the numbers of the fit in Python, in words and in JSON, and faults in one line."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import kapitza
from kapitza.cli import app
from kapitza.core.profile import Profile
from kapitza.errors import DataError, KapitzaError
from printed_json import printed

CHIP = Path(__file__).parents[2] / "docs" / "samples" / "chip-gan-sic.toml"
G = "GaN|SiC.conductance"


@pytest.fixture
def table(tmp_path):
    """Simulated temperatures on the surface and inside of SiC."""
    device = kapitza.io.read_device(CHIP)
    lines = [f"{x},{z},300,0.2" for x in (0.5, 2, 4, 8) for z in (0, 2500)]
    path = tmp_path / "map.csv"
    path.write_text("\n".join(["x (um),depth (nm),temperature (K),sigma (K)", *lines]))
    blank = kapitza.io.read_measured_temperatures(path, device)
    kelvin = kapitza.thermometry.predicted_temperatures(device.replace({G: 4e7}), blank)
    lines = [line.replace("300", f"{t:.6f}") for line, t in zip(lines[::2] + lines[1::2], kelvin, strict=True)]
    path.write_text("\n".join(["x (um),depth (nm),temperature (K),sigma (K)", *lines]))
    return path


def test_the_verb_tells_what_the_fit_finds(table, tmp_path):
    saved = tmp_path / "found.json"
    done = CliRunner().invoke(
        app, ["device", str(CHIP), "--fit", str(table), "--free", G, "--json", "--save", str(saved)]
    )
    assert done.exit_code == 0, done.output
    got = printed(done.stdout)
    np.testing.assert_allclose(got["parameters"][G]["value"], 4e7, rtol=1e-4, atol=0)
    assert set(got["boundaries"]["GaN|SiC"]) == {"jump", "flux", "resistance"}
    np.testing.assert_allclose(got["boundaries"]["GaN|SiC"]["resistance"]["value"], 2.5e-8, rtol=1e-4, atol=0)
    back = kapitza.load(saved)
    assert got["GaN|SiC"]["fields"]["value"] == back["GaN|SiC"].value.tolist()
    np.testing.assert_allclose(back["device"].value(G), 4e7, rtol=1e-4, atol=0)
    told = CliRunner().invoke(app, ["device", str(CHIP), "--fit", str(table), "--free", G])
    assert "m²K/GW" in told.output
    assert "AuSn|Cu.conductance" in told.output


@pytest.mark.parametrize(
    ("head", "row", "message"),
    [
        ("x (um),temperature (K),sigma (K)", "1,nan,1", "nan"),
        ("x (K),temperature (K),sigma (K)", "1,310,1", "is in K; expected length"),
        ("x (um),temperature (K)", "1,310", "no column 'sigma'"),
        ("depth (um),temperature (K),sigma (K)", "2,310,1", "where the temperature jumps"),
        ("depth (mm),temperature (K),sigma (K)", "2,310,1", "outside of the layers"),
    ],
)
def test_faults_of_tables_are_told_in_one_line(head, row, message, tmp_path):
    path = tmp_path / "map.csv"
    path.write_text(f"{head}\n{row}\n")
    with pytest.raises(KapitzaError, match=message) as caught:
        kapitza.io.read_measured_temperatures(path, kapitza.io.read_device(CHIP))
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, DataError)


def test_a_fit_needs_something_free_or_uncertain(table, tmp_path):
    plain = tmp_path / "plain.toml"
    text = CHIP.read_text().partition("[uncertain]")[0].replace(" ± 15 %", "").replace(" ± 30 %", "")
    plain.write_text(text)
    done = CliRunner().invoke(app, ["device", str(plain), "--fit", str(table)])
    assert isinstance(done.exception, KapitzaError)
    assert "says of no number how well it is known: give --free" in str(done.exception)


def test_temperatures_update_what_the_file_says_to_be_uncertain(table, tmp_path):
    """Points of a table, and a section that an electron microscope saw; the answer stands in the next file."""
    saved = tmp_path / "found.json"
    done = CliRunner().invoke(app, ["device", str(CHIP), "--fit", str(table), "--json", "--save", str(saved)])
    assert done.exit_code == 0, done.output
    got = printed(done.stdout)
    assert abs(got["parameters"][G]["value"] / 4e7 - 1) <= 0.05  # the prior, 50 ± 15 %, draws it up
    assert got["peak"]["fields"]["after_sigma"] < 0.5 * got["peak"]["fields"]["before_sigma"]
    again = tmp_path / "again.toml"
    again.write_text(CHIP.read_text().replace('"20 m2K/GW ± 15 %"', '"found.json"'))
    assert abs(kapitza.io.read_device(again).value(G) / got["parameters"][G]["value"] - 1) <= 1e-9
    assert abs(kapitza.solve(kapitza.io.read_device(again)).peak / got["peak"]["fields"]["after"] - 1) <= 0.05
    device = kapitza.io.read_device(CHIP)
    depth = np.linspace(-40e-9, 40e-9, 9)
    blank = Profile(depth, np.full(9, 310.0), np.full(9, 0.2))
    seen = kapitza.thermometry.section_temperatures(device, blank, "GaN|SiC", 0.0, skip=5e-9)
    kelvin = kapitza.thermometry.predicted_temperatures(device.replace({G: 4e7}), seen)
    kapitza.save(Profile(depth, np.insert(kelvin, 4, 330.0), np.full(9, 0.2)), tmp_path / "line.json")
    line = ["device", str(CHIP), "--fit", str(tmp_path / "line.json")]
    done = CliRunner().invoke(app, [*line, "--across", "GaN|SiC=0nm+-5nm", "--json"])
    assert done.exit_code == 0, done.output
    assert abs(printed(done.stdout)["parameters"][G]["value"] / 4e7 - 1) <= 0.05
    for extra, words in (
        ([], "say by crossing which boundary it crosses"),
        (["--across", "GaN|SiC"], "expected a boundary and its position"),
        (["--across", "GaN|air=1nm"], "no boundary 'GaN|air'"),
    ):
        done = CliRunner().invoke(app, [*line, *extra])
        assert isinstance(done.exception, KapitzaError)
        assert words in str(done.exception)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--fit", "map.csv", "--plot", "x.png"], "--plot with --fit"),
        (["--fit", "map.csv", "--samples", "9", "--sweep", "a=1:2:3"], "--samples and --sweep with --fit"),
        (["--free", G], "without --fit"),
    ],
)
def test_options_that_would_be_ignored_are_refused(options, told):
    done = CliRunner().invoke(app, ["device", str(CHIP), *options])
    assert isinstance(done.exception, KapitzaError)
    assert told in str(done.exception)


def test_pulses_are_not_shown_as_if_always_on(tmp_path):
    """Pulses of 1 us every 4 us: the temperatures are those of a quarter of the power, with the peak beside them."""
    pulsed = tmp_path / "pulsed.toml"
    pulsed.write_text(CHIP.read_text().replace("[[sources]]", '[[sources]]\nperiod = "4 us"\nwidth = "1 us"'))
    done = CliRunner().invoke(app, ["device", str(pulsed), "--json"])
    assert done.exit_code == 0, done.output
    got = printed(done.stdout)
    always_on = kapitza.solve(kapitza.io.read_device(CHIP)).peak
    found, mean = got["pulses"]["fields"], got["fields"]["peak"]
    assert abs(mean - 0.25 * always_on) <= 1e-9 * always_on
    assert abs(found["always_on"] - always_on) <= 1e-9 * always_on
    assert found["floor"] < mean < found["first"] < found["peak"] < always_on
    told = CliRunner().invoke(app, ["device", str(pulsed)]).stdout
    assert "on average" in told
    assert "pulses until the peak is within 1 %" in told


def test_pulses_are_told_where_they_get_hottest(tmp_path):
    """Beside a finger that is always on, another with one pulse in a hundred periods."""
    second = '[[sources]]\nname = "second"\nflux = "5 GW/m2"\nx = ["60 um", "62 um"]\ny = ["0 um", "25 um"]\n'
    rare = tmp_path / "rare.toml"
    rare.write_text(
        CHIP.read_text().replace("[uncertain]", second + 'period = "100 us"\nwidth = "1 us"\n\n[uncertain]')
    )
    done = CliRunner().invoke(app, ["device", str(rare)])
    assert done.exit_code == 0, done.output
    assert "the pulses are hottest at x = 6" in done.output
    assert "not where their mean is" in done.output
    assert "uncertainty of the hottest temperature of the mean" in done.output
