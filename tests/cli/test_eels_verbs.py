"""The verbs from a plan over spectra to a resistance, on files that they wrote themselves."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve

import kapitza
from kapitza.cli import main
from kapitza.cli.eels.options import parse_uncertain
from kapitza.errors import InputError
from kapitza.io.eels.experiments import read_eels_experiment
from kapitza.measure.eels.map import swap_axes
from printed_json import printed

PLAN = """
[beam]
current = "10 pA"
dwell = "1 s"

[spectrometer]
resolution = "8 meV"
drift = "0.3 meV"

[scan]
columns = 8
rows = 4
pitch = "4 nm"

[sample]
temperature = "425 K"
jump = "40 K"
gradient_left = "-0.4 K/nm"
gradient_right = "-0.3 K/nm"

[[mode]]
name = "TO-left"
energy = "82 meV"
width = "4.5 meV"
left = 6e-4
right = 2e-4

[[mode]]
name = "TO-right"
energy = "97 meV"
width = "5 meV"
left = 2e-4
right = 6e-4

[wanted]
jump = "0.5 K"
"""
MODES = """
[[mode]]
name = "TO-left"
energy = "82 meV"
width = "4.5 meV"

[[mode]]
name = "TO-right"
energy = "97 meV"
width = "5 meV"

[[interface]]
name = "alpha"
energy = "60 meV"
fwhm = "10 meV"
"""

MODEL = (kapitza.eels.VibrationalMode("TO", 82 * kapitza.units.meV, 5 * kapitza.units.meV),)
Command = Callable[..., dict]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plan, simulated spectra and their map."""
    pytest.importorskip("h5py")
    pytest.importorskip("numba")
    where = tmp_path_factory.mktemp("eels")
    (where / "plan.toml").write_text(PLAN)
    (where / "modes.toml").write_text(MODES)
    scan, found = str(where / "scan.h5"), str(where / "map.h5")
    assert main(["eels", "simulate", str(where / "plan.toml"), "--save", scan, "--seed", "3"]) == 0
    arguments = ["--modes", str(where / "modes.toml"), "--save", found, "--plot", str(where / "map.png")]
    assert main(["eels", "fit", scan, *arguments]) == 0
    return where


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a verb with --json and return what it says."""

    def run(*words: object) -> dict:
        capsys.readouterr()
        assert main(["eels", *map(str, words), "--json"]) == 0
        return printed(capsys.readouterr().out)

    return run


def test_simulated_spectra_are_read_and_seeded(folder: Path) -> None:
    one = kapitza.eels.read_eels(folder / "scan.h5")
    assert one.shape == (4, 16)
    np.testing.assert_allclose(one.position[1][0], -30e-9, rtol=1e-9, atol=0)
    again = folder / "again.ndata"
    assert main(["eels", "simulate", str(folder / "plan.toml"), "--save", str(again), "--seed", "3"]) == 0
    np.testing.assert_array_equal(kapitza.eels.read_eels(again).counts[...], one.counts[...])


def test_fit_saves_maps_that_hold_the_truth(folder: Path) -> None:
    maps = kapitza.load(folder / "map.h5")
    assert set(maps) == {"common", "each"}
    x = maps["common"].position[1]
    truth = 425 + np.where(x < 0, 20 - 0.4e9 * x, -20 - 0.3e9 * x)
    score = (maps["common"].temperature - truth) / maps["common"].sigma
    assert abs(score.mean()) < 4 / np.sqrt(score.size)
    assert abs(score.std() - 1) < 4 / np.sqrt(2 * score.size)
    assert (folder / "map.png").stat().st_size > 5000


def test_jump_and_resistance(folder: Path, ask: Command, tmp_path: Path) -> None:
    figure, saved = tmp_path / "profile.png", tmp_path / "jump.json"
    got = ask(
        "jump", folder / "map.h5", "--at", "0nm", "--conductivity-left", "50+-10", "--flux", "20GW/m2+-5%",
        "--plot", figure, "--save", saved,
    )  # fmt: skip
    low, high = got["jump_interval"]["value"]
    jump = got["jump"]["fields"]["jump"]["fields"]["jump"]
    assert low < jump < high
    assert abs(jump - 40) < 4 * got["jump_sigma"]["value"]
    absolute = got["resistance"]["fields"]
    low, high = absolute["interval"]
    value = absolute["conductance"]["fields"]["value"][0]
    assert low < value < high
    assert absolute["pvalue"] > 1e-3
    np.testing.assert_allclose(got["kapitza_resistance"]["value"], 1 / value, rtol=1e-12, atol=0)
    assert figure.exists()
    assert kapitza.load(saved)["jump"].jump.jump == jump


def test_jump_in_words(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eels", "jump", str(folder / "map.h5"), "--at", "0+-1nm", "--width", "1nm"]) == 0
    out, err = capsys.readouterr()
    assert "Kapitza length" in out
    assert "k_left/k_right" in out
    assert "gives the resistance" in err
    assert "conductance" not in out


def test_bulk_conductivity_is_warned_of(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eels", "jump", str(folder / "map.h5"), "--at", "0nm", "--conductivity-left", "Si"]) == 0
    assert "conductivity of bulk Si was used for a lamella" in capsys.readouterr().err


def test_modes(folder: Path, ask: Command, tmp_path: Path) -> None:
    other = shutil.copy(folder / "scan.h5", tmp_path / "reverse.h5")
    got = ask(
        "modes", folder / "map.h5", "--interface", "0nm", "--zone", "6nm", "--scan", folder / "scan.h5",
        "--modes", folder / "modes.toml", "--reverse", folder / "map.h5", other,
        "--plot", tmp_path / "modes.png", "--save", tmp_path / "n.h5",
    )  # fmt: skip
    assert np.shape(got["equilibrium"]["fields"]["pvalue"]) == (4, 16)
    assert got["equilibrium"]["fields"]["freedom"] == 1
    assert got["interface_components"]["fields"]["modes"] == ["alpha"]
    np.testing.assert_allclose(got["interface_components"]["fields"]["mixture"][1], [0.5, 0.5], rtol=0, atol=0.1)
    assert got["asymmetry"]["fields"]["value"] == [0]
    assert kapitza.load(tmp_path / "n.h5").modes == ("TO-left", "TO-right")


def test_modes_in_words(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "--interface",
        "0nm",
        "--zone",
        "6nm",
        "--scan",
        str(folder / "scan.h5"),
        "--modes",
        str(folder / "modes.toml"),
    ]
    assert main(["eels", "modes", str(folder / "map.h5"), *words]) == 0
    out = capsys.readouterr().out
    assert "out of equilibrium" in out
    assert "modes that only the interface has" in out


def test_the_scan_is_that_of_the_map(folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    image = kapitza.eels.read_eels(folder / "scan.h5")
    moved = (*image.position[:-1], image.position[-1] + 3e-9)
    kapitza.eels.write_eels(evolve(image, position=moved), tmp_path / "moved.h5")
    words = ["--interface", "0nm", "--zone", "6nm", "--modes", str(folder / "modes.toml")]
    assert main(["eels", "modes", str(folder / "map.h5"), *words, "--scan", str(tmp_path / "moved.h5")]) == 2
    assert "lie up to 3 nm from those of its map" in " ".join(capsys.readouterr().err.split())


def test_probabilities_of_places_are_corrected_for_their_number(folder: Path, ask: Command) -> None:
    words = ("modes", folder / "map.h5", "--interface", "0nm", "--zone", "6nm")
    plain = ask(*words, "--correction", "none")["probability_by_place"]["value"]
    holm = ask(*words)["probability_by_place"]["value"]
    order = sorted(plain, key=plain.get)
    assert abs(holm[order[0]] - min(3 * plain[order[0]], 1)) <= 1e-12
    assert holm[order[0]] <= holm[order[1]] <= holm[order[2]]


def test_no_number_without_its_verdict(folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    image = kapitza.eels.read_eels(folder / "scan.h5")
    tail = np.exp(-image.energy / (20 * kapitza.units.meV)) * (image.energy > 0)
    counts = np.round(image.counts[:1] + 2e-3 * 6e7 * 0.025 * tail)
    bad = evolve(image, counts=counts[0], position=image.position[1:], energy=1.02 * image.energy)
    kapitza.eels.write_eels(bad, tmp_path / "bad.h5")
    words = ["eels", "fit", str(tmp_path / "bad.h5"), "--modes", str(folder / "modes.toml"), "--tie", "common"]
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert "not to be trusted: 16 of 16 misfit; energies off by +" in out
    assert "a wrong dispersion of the spectrometer?" in err
    assert "--calibrate modes" in err
    off = evolve(image, energy=1.02 * image.energy)
    kapitza.eels.write_eels(off, tmp_path / "off.h5")
    plain = ["eels", "fit", str(tmp_path / "off.h5"), *words[3:], "--save", str(tmp_path / "off-map.h5")]
    assert main(plain) == 0
    capsys.readouterr()
    assert main(["eels", "jump", str(tmp_path / "off-map.h5"), "--at", "0nm"]) == 0
    assert "energies off by +2 %" in " ".join(capsys.readouterr().err.split())
    assert main([*words, "--calibrate", "modes"]) == 0
    out, err = capsys.readouterr()
    assert "energies off" not in out
    assert "so that the modes lie where their file says" in err


def test_remedies_are_options(capsys: pytest.CaptureFixture[str], tmp_path: Path, folder: Path) -> None:
    image = kapitza.eels.read_eels(folder / "scan.h5")
    broad = evolve(image, counts=image.counts[0, 0], position=(), energy=1e3 * image.energy)
    kapitza.eels.write_eels(broad, tmp_path / "broad.h5")
    assert main(["eels", "info", str(tmp_path / "broad.h5")]) == 2
    err = capsys.readouterr().err
    assert "--energy-unit" in err
    assert "energy_unit" not in err


def test_design(folder: Path, ask: Command, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    got = ask("design", folder / "plan.toml", "--plot", tmp_path / "plan.png")
    assert got["time"]["value"] == 64
    assert got["fields"]["best_precision"]["jump"]["fields"]["jump"] < got["fields"]["precision"]["fields"]["jump"]
    even, best = got["fields"]["required_time"]["jump"]
    assert best < even
    assert main(["eels", "design", str(folder / "plan.toml")]) == 0
    out = capsys.readouterr().out
    assert "best layout" in out
    assert "TO-left alone" in out


def test_modes_next_to_a_jump_that_is_seen_from_both_sides(folder: Path, ask: Command, tmp_path: Path) -> None:
    saved = tmp_path / "jump.json"
    ask("jump", folder / "map.h5", "--at", "0nm", "--width", "2nm", "--share", "0.1", "--save", saved)
    got = ask("modes", folder / "map.h5", "--interface", "0nm", "--zone", "4nm", "--jump", saved)
    assert set(got["probability_by_place"]["value"]) == {"left", "at the interface", "right"}
    assert np.shape(got["equilibrium"]["fields"]["pvalue"]) == (4, 16)
    held = kapitza.load(saved)["jump"]
    assert held.contrast.ratio.size == 16


def test_an_interrupt_loses_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = ["eels", "fit", str(folder / "scan.h5"), "--modes", str(folder / "modes.toml"), "--tie", "common"]
    kept = [*words, "--store", str(tmp_path / "kept")]
    assert main(kept) == 0
    first = capsys.readouterr().out
    assert any((tmp_path / "kept").iterdir())
    assert main([*kept, "--workers", "2"]) == 0
    assert capsys.readouterr().out == first

    def stopped(*_args: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(kapitza.eels, "fit_spectra", stopped, raising=False)
    assert main(words) == 130
    assert "--store FOLDER keeps it" in capsys.readouterr().err
    assert main(kept) == 130
    assert "goes on where it was" in capsys.readouterr().err


def test_an_interface_along_x(folder: Path, ask: Command, tmp_path: Path) -> None:
    """The same scan with rows and columns exchanged says the same across y."""
    image = kapitza.eels.read_eels(folder / "scan.h5")
    turned = evolve(image, counts=np.swapaxes(image.counts[...], 0, 1), position=image.position[::-1])
    kapitza.eels.write_eels(turned, tmp_path / "turned.h5")
    kapitza.save({k: swap_axes(m) for k, m in kapitza.load(folder / "map.h5").items()}, tmp_path / "map.h5")
    options = ["--at", "0nm", "--skip", "1nm"]
    one, other = ask("jump", folder / "map.h5", *options), ask("jump", tmp_path / "map.h5", *options, "--across", "y")
    assert one == other
    options = ["--interface", "0nm", "--zone", "4nm", "--modes", folder / "modes.toml", "--scan"]
    one = ask("modes", folder / "map.h5", *options, folder / "scan.h5")
    other = ask("modes", tmp_path / "map.h5", "--across", "y", *options, tmp_path / "turned.h5")
    strengths = [each["interface_strength"] for each in (one, other)]
    np.testing.assert_allclose(strengths[0]["value"], strengths[1]["value"], rtol=1e-6, atol=0)
    assert one["probability_by_place"] == other["probability_by_place"]
    with pytest.raises(InputError, match="two positions"):
        swap_axes(kapitza.eels.fit_spectra(kapitza.eels.SpectrumImage(image.counts[0, 0], image.energy), MODEL))


@pytest.mark.slow
def test_calibration_dark_and_vacuum_by_options(
    folder: Path, ask: Command, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The same spectra without their axes, on top of a dark count: options put back what the file does not say."""
    image, rng = kapitza.eels.read_eels(folder / "scan.h5"), np.random.default_rng(1)
    counts = np.asarray(image.counts[...], dtype=float)
    np.save(tmp_path / "data.npy", counts + 50 + 4 * rng.standard_normal(counts.shape))
    np.save(tmp_path / "dark.npy", 50 + 4 * rng.standard_normal((40, counts.shape[-1])))
    for name in ("data", "dark"):
        with zipfile.ZipFile(tmp_path / f"{name}.ndata", "w") as file:
            file.write(tmp_path / f"{name}.npy", "data.npy")
            file.writestr("metadata.json", json.dumps({"metadata": {"hardware_source": {"signal_type": "eels"}}}))
    scan = str(tmp_path / "data.ndata")
    assert main(["eels", "fit", scan, "--modes", str(folder / "modes.toml")]) == 2
    assert "is not calibrated" in capsys.readouterr().err
    axes = ["--energy=-256meV,0.5meV", "--pitch", "4nm", "--modes", folder / "modes.toml", "--tie", "common"]
    plain = ask("fit", folder / "scan.h5", "--modes", folder / "modes.toml", "--tie", "common")
    for dark in ("50+-4", tmp_path / "dark.ndata"):
        got = ask("fit", scan, *axes, "--dark", dark)
        one, other = (content["summary"]["common"]["parameters"]["temperature"] for content in (plain, got))
        assert got["summary"]["common"]["good"] == 64
        np.testing.assert_allclose(other["value"], one["value"], rtol=0, atol=0.3 * one["sigma_of_one_pixel"])
    ask("info", scan, "--energy=-256meV,0.5meV", "--pitch", "4nm")
    plan = read_eels_experiment(folder / "plan.toml").experiment
    vacuum = kapitza.eels.simulate_spectra(evolve(evolve_intensities(plan, 0.0), rows=1, dwell=8.0), seed=9)
    kapitza.eels.write_eels(vacuum, tmp_path / "vacuum.h5")
    # a vacuum of 128 times the electrons of a pixel: the same temperatures with its shape of the zero-loss peak
    got = ask("fit", folder / "scan.h5", *axes[3:], "--vacuum", tmp_path / "vacuum.h5")
    other = got["summary"]["common"]["parameters"]["temperature"]
    np.testing.assert_allclose(other["value"], one["value"], rtol=0, atol=one["sigma_of_one_pixel"])


def evolve_intensities(plan: kapitza.eels.EelsExperiment, intensity: float) -> kapitza.eels.EelsExperiment:
    """The same plan with nothing but a zero-loss peak."""
    bare = [evolve(mode, intensity=intensity) for mode in plan.left]
    return evolve(plan, left=bare, right=bare)


def test_spectra_from_the_occupations_of_a_simulation(folder: Path, ask: Command, tmp_path: Path) -> None:
    """Classical mode energies become quantum gain and loss once, and the fit gives the temperatures back."""
    x, energy = np.arange(-6, 6) * 2e-9 + 1e-9, np.array([82, 97]) * kapitza.units.meV
    kelvin = np.where(x < 0, 440.0, 410.0)[:, None] + np.array([20.0, 0.0])
    n = kapitza.units.k_B * kelvin / energy
    kapitza.save(kapitza.Occupation(x, energy, n, statistics="classical", method="MD"), tmp_path / "md.json")
    sample = PLAN.split("[sample]")
    plan = sample[0] + '[sample]\nsource = "md.json"\n' + sample[1][sample[1].index("[[mode]]") :]
    (tmp_path / "plan.toml").write_text(plan)
    ask("simulate", tmp_path / "plan.toml", "--save", tmp_path / "md.h5")
    ask("fit", tmp_path / "md.h5", "--modes", folder / "modes.toml", "--save", tmp_path / "map.h5", "--tie", "each")
    got = ask("modes", tmp_path / "map.h5")["temperature"]
    score = (np.array(got["value"]) - kelvin) / np.array(got["sigma"])
    assert np.abs(score).max() < 4
    assert abs(score.mean()) < 0.8
    (tmp_path / "plan.toml").write_text(plan.replace("md.json", "jump.json"))
    kapitza.save(kapitza.eels.PointSpread(), tmp_path / "jump.json")
    assert main(["eels", "simulate", str(tmp_path / "plan.toml"), "--save", str(tmp_path / "x.h5")]) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["jump", "map.h5", "--at", "0V"], "is a unit of signal"),
        (["jump", "map.h5", "--at", "900nm"], "no plane near x = 900 nm"),
        (["jump", "plan.toml", "--at", "0nm"], "unknown file ending"),
        (["jump", "map.h5", "--at", "0nm", "--flux", "-1e9"], "goes against the jump"),
        (["jump", "map.h5", "--at", "0nm", "--conductivity-left", "unobtainium"], "unobtainium"),
        (["modes", "map.h5", "--modes", "modes.toml"], "give --scan"),
        (["modes", "map.h5", "--scan", "scan.h5"], "needs --interface"),
        (["simulate", "plan.toml", "--save", "scan.hspy"], "unknown file ending"),
        (["simulate", "modes.toml", "--save", "scan.h5"], "unknown key"),
        (["fit", "scan.h5", "--modes", "plan.toml"], "unknown key"),
        (["fit", "scan.h5", "--modes", "missing.toml"], "missing.toml"),
        (["fit", "scan.h5", "--modes", "modes.toml", "--energy", "3"], "first channel and the step"),
        (["fit", "scan.h5", "--modes", "modes.toml", "--energy", "0meV,0meV"], "step above 0"),
        (["fit", "scan.h5", "--modes", "modes.toml", "--dark", "missing.ndata"], "missing.ndata"),
        (["fit", "scan.h5", "--modes", "modes.toml", "--vacuum", "plan.toml"], "plan.toml"),
        (["modes", "map.h5", "--jump", "map.h5"], "holds no jump"),
        (["modes", "map.h5", "--interface", "900nm"], "the map runs from -30 to 30 nm"),
        (["modes", "map.h5", "--interface", "0nm", "--zone=-1nm"], "half width of 0 or more"),
        (
            ["modes", "map.h5", "--interface", "25nm", "--scan", "scan.h5", "--modes", "modes.toml", "--zone", "9nm"],
            "no good pixel",
        ),
        (["jump", "map.h5", "--at", "0nm", "--skip=-2nm"], "expected 0 or more"),
        (["jump", "map.h5", "--at", "0nm", "--conductivity-left=-60"], "a conductivity above 0"),
    ],
)
def test_faults_are_one_line(
    folder: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    capsys.readouterr()
    assert main(["eels", *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_numbers_with_their_uncertainty() -> None:
    for text, kind, value, sigma in (
        ("60+-15", "conductivity", 60, 15),
        ("60 W/mK ± 15", "conductivity", 60, 15),
        ("60±15 W/cmK", "conductivity", 6000, 1500),
        ("12.4+-0.3nm", "length", 12.4e-9, 0.3e-9),
        ("3.1e9+-1e8", "flux", 3.1e9, 1e8),
        ("-5e8+-1e7", "flux", -5e8, 1e7),
        ("3.1GW/m2+-3%", "flux", 3.1e9, 9.3e7),
        ("0.5%", "share", 0.005, 0),
    ):
        np.testing.assert_allclose(parse_uncertain(text, kind, what="x"), (value, sigma), rtol=1e-12, atol=0)
    with pytest.raises(InputError, match="expected an uncertainty"):
        parse_uncertain("3+--1", "share", what="x")


def test_a_single_spectrum_has_temperatures_and_no_figure(
    folder: Path, tmp_path: Path, ask: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    from attrs import evolve

    scan = kapitza.eels.read_eels(folder / "scan.h5")
    kapitza.eels.write_eels(evolve(scan, counts=scan.block(0, 1)[0], position=()), tmp_path / "one.h5")
    words = ["fit", tmp_path / "one.h5", "--modes", folder / "modes.toml"]
    assert ask(*words)["common"]["fields"]["position"] == []
    assert main(["eels", *map(str, words), "--plot", str(tmp_path / "one.png")]) == 2
    assert "a single spectrum" in capsys.readouterr().err
    assert not (tmp_path / "one.png").exists()


def test_a_gain_pattern_is_named_and_corrected(
    folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    image = kapitza.eels.read_eels(folder / "scan.h5")
    rng = np.random.default_rng(5)
    gain = 1 + 0.01 * rng.standard_normal(image.energy.size)
    spoilt = evolve(image, counts=np.round(image.counts[1] * gain), position=image.position[1:])
    kapitza.eels.write_eels(spoilt, tmp_path / "spoilt.h5")
    words = ["eels", "fit", str(tmp_path / "spoilt.h5"), "--modes", str(folder / "modes.toml"), "--tie", "common"]
    assert main([*words, "--save", str(tmp_path / "misfit.h5")]) == 0
    assert "a fixed pattern of channel gain: --gain scan, or --gain FILE" in capsys.readouterr().err
    assert main(["eels", "jump", str(tmp_path / "misfit.h5"), "--at", "0nm"]) == 2
    assert (
        "16 MISFIT; fit with --gain scan or --vacuum FILE, or keep misfits by --keep misfit" in capsys.readouterr().err
    )
    assert main(["eels", "jump", str(tmp_path / "misfit.h5"), "--at", "0nm", "--keep", "misfit"]) == 0
    assert main([*words, "--gain", "scan", "--save", str(tmp_path / "map.h5")]) == 0
    assert "gain of the channels from the scan itself" in capsys.readouterr().err
    found = kapitza.load(tmp_path / "map.h5")["common"]
    assert np.count_nonzero(found.flag & 64) == 0


def test_an_interface_a_pixel_off_is_found_or_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eels", "jump", str(folder / "map.h5"), "--at", "4nm+-0nm"]) == 0
    assert "the interface fits far better at 0 nm" in capsys.readouterr().err
    for place in ("4nm", "4nm+-4nm"):
        assert main(["eels", "jump", str(folder / "map.h5"), "--at", place]) == 0
        out, err = capsys.readouterr()
        assert "fits far better" not in err
        assert abs(float(out.split("jump ")[1].split()[0]) - 40) <= 4
