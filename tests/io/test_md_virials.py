"""Spectral heat flux of runs of GPUMD, from files in its format that hold a run of the built-in engine."""

from pathlib import Path

import numpy as np
import pytest
from attrs import evolve
from numpy.typing import NDArray

pytest.importorskip("numba")

from kapitza import cli, load
from kapitza.core.arrays import BoolArray, IntArray
from kapitza.errors import DataError, InputError
from kapitza.io import read_run
from kapitza.io.md.runs import RunFile, plane_trajectory, run_deck
from kapitza.io.md.trajectory import FluxSource, read_gpumd_run, read_shc
from kapitza.simulate.md.engines.builtin import BuiltinEngine
from kapitza.simulate.md.engines.gpumd import Slab, shc_settings, slab_of_layers
from kapitza.simulate.md.observers.plane_power import PlanePower
from kapitza.simulate.md.observers.sampling import PlaneSpectrumRecipe
from kapitza.simulate.md.observers.spectral_flux import SpectralCurrent
from kapitza.simulate.md.observers.welch import SegmentSettings
from kapitza.simulate.md.potential import Potential
from kapitza.simulate.md.protocol import gradient_state
from kapitza.simulate.md.runs.run import Run
from kapitza.simulate.md.system import System
from kapitza.units import angstrom, eV, fs, ps

Numbers = NDArray[np.float64]
Observed = tuple[Path, dict[str, SpectralCurrent]]

RUN = """
title = "argon"
temperature = "30 K"
difference = "24 K"
[potential]
form = "lennard-jones"
end = "quadratic"
cutoff = 2.2
[system]
crystal = "Ar"
ratio = 3
cells = [3, 3]
length = 8
thermostat = 2
lattice_constant = "5.35 angstrom"
[thermostats]
damping = "2 ps"
[run]
timestep = "10 fs"
equilibration = "1 ps"
time = "10 ps"
blocks = 5
[spectrum]
interval = "50 fs"
segment = 64
"""
SAMPLED = 5 * ps


def pair_virials(system: System, potential: Potential, positions: Numbers, atoms: IntArray, *, rest: bool) -> Numbers:
    """(k, 9) eV of some atoms, W_i = -1/2 sum_j r_ij F_ij with r_ij from i to j, of Lennard-Jones, without kernels.

    `rest` takes r_ij between places at rest: heat flows through planes that move with the atoms, times the distances of
    these planes, then add up to that of a slab exactly.
    """
    epsilon, sigma, reach = (float(table[0, 0]) for table in potential.parameters[:3])
    box = np.diag(system.lattice)[:2]

    def slope(r: Numbers) -> Numbers:
        return -24 * epsilon / r * (2 * (sigma / r) ** 12 - (sigma / r) ** 6)

    h = 1e-5 * reach
    ends = slope(np.array([reach, reach + h, reach - h]))
    found = np.zeros((atoms.size, 9))
    for row, i in enumerate(atoms):
        arm = positions - positions[i]
        turns = np.round(arm[:, :2] / box) * box
        arm[:, :2] -= turns
        r = np.sqrt((arm**2).sum(axis=1))
        near = (r > 0) & (r < reach)
        rate = slope(r[near]) - ends[0] - (r[near] - reach) * (ends[1] - ends[2]) / (2 * h)
        force = (rate / r[near])[:, None] * arm[near]  # dU/dr along the way to the other: the force on i
        away = arm[near]
        if rest:
            away = system.positions[near] - system.positions[i]
            away[:, :2] -= turns[near]
        found[row] = -0.5 * np.einsum("ja,jb->ab", away, force).ravel() / eV
    return found


class AllPlanes:
    """Forces across every plane between two layers, times the distance of the layers, over the thickness of a slab."""

    def __init__(self, system: System, potential: Potential, slab: Slab) -> None:
        self.atoms: IntArray = slab.atoms
        self.right: BoolArray = system.right[slab.atoms]
        self.sign, self.system, self.thickness = np.where(self.right, 1.0, -1.0)[:, None], system, slab.thickness
        self.steps = np.diff(system.heights)
        middles = system.heights[:-1] + self.steps / 2
        self.planes = [
            PlanePower(evolve(system, plane=float(z)), potential, skin=0.3 * potential.cutoff) for z in middles
        ]

    def forces(self, positions: Numbers) -> Numbers:
        total = np.zeros_like(positions)
        for plane, step in zip(self.planes, self.steps, strict=True):
            total[plane.atoms] += np.where(plane.right, 1, -1)[:, None] * plane.forces(positions) * step
        return self.sign * total[self.atoms] / self.thickness


def write_frames(path: Path, system: System, slab: Slab, frames: list[tuple[Numbers, Numbers, Numbers]]) -> None:
    """As dump_xyz does, with positions in the box, Å, velocities, Å/fs, and virials, eV."""
    box = np.diag(system.lattice) / angstrom
    with path.open("w") as file:
        for k, (x, v, w) in enumerate(frames):
            lattice = f'Lattice="{box[0]:.8f} 0 0 0 {box[1]:.8f} 0 0 0 {box[2]:.8f}"'
            file.write(f'{slab.atoms.size}\nTime={1000 + 50 * k:.8f} pbc="T T F" {lattice} energy=-9.5 ')
            file.write('virial="1 0 0 0 1 0 0 0 1" Properties=species:S:1:pos:R:3:vel:R:3:virial:R:9\n')
            inside = x[slab.atoms] / angstrom
            inside[:, :2] %= box[:2]
            rows = np.hstack([inside, v[slab.atoms] / (angstrom / fs), w])
            file.write("".join("Ar " + " ".join(f"{number:.17g}" for number in row) + "\n" for row in rows))


def write_outputs(folder: Path, held: RunFile, system: System) -> None:
    """compute.out and thermo.out of a run with heat from left to right."""
    blocks = held.protocol.blocks
    profile = np.where(system.heights < system.plane, 40.0, 20.0)
    rows = [[*profile, -0.5 * n, 0.4 * n] for n in range(1, blocks + 1)]
    np.savetxt(folder / "compute.out", rows, fmt="%.6g")
    np.savetxt(folder / "thermo.out", np.tile([30.0, 2.5, -90.0, *[0.0] * 6, 16.0, 16.0, 32.0], (blocks + 1, 1)))


def write_shc(path: Path, held: RunFile, system: System, series: tuple[Numbers, Numbers]) -> None:
    """As compute_shc does from virials, eV, and velocities, m/s, (time, k, 3): products of pairs of samples, summed."""
    every, length = shc_settings(plane_trajectory(held, system, SAMPLED))
    virials, velocities = series
    count = len(virials) - length + 1
    assert count > 0
    step = every * held.protocol.timestep / ps
    rows: list[tuple[float, float, float]] = []
    for lag in range(1 - length, length):
        first, second = (virials, velocities) if lag >= 0 else (velocities, virials)
        product = (first[:count] * second[abs(lag) : abs(lag) + count]).sum(axis=(0, 1)) / count * ps / angstrom
        window = (np.cos(np.pi * lag / length) + 1) / 2
        rows.append((lag * step, window * product[:2].sum(), window * product[2]))
    omega = np.pi / step / length * np.arange(1, length + 1)
    turn = 2 * step * np.cos(np.outer(omega, [row[0] for row in rows]))
    values = np.column_stack([omega, turn @ [row[1] for row in rows], turn @ [row[2] for row in rows]])
    text = "".join(f"{a:g} {b:g} {c:g}\n" for a, b, c in [*rows, *values.tolist()])
    path.write_text("# compute_shc\n# format_version 1\n" + text)


def gpumd_run(
    folder: Path, frames: list[tuple[Numbers, Numbers, Numbers]] | None = None
) -> tuple[RunFile, System, Slab]:
    """A deck with what GPUMD leaves beside it; without frames some of atoms that move at random."""
    folder.mkdir(exist_ok=True)
    (folder / "argon.toml").write_text(RUN)
    held = read_run(folder / "argon.toml")
    system = held.system()
    (folder / "deck").mkdir()
    for name, text in run_deck(held, "gpumd", potential="lj.txt", spectrum=SAMPLED).items():
        (folder / "deck" / name).write_text(text)
    write_outputs(folder / "deck", held, system)
    slab = slab_of_layers(system, plane_trajectory(held, system, SAMPLED).layers)
    if frames is None:
        rng = np.random.default_rng(1)
        phase = rng.uniform(0, 2 * np.pi, system.positions.shape)  # of vibrations of 1 THz
        frames = [
            (system.positions, 100 * np.sin(phase + 0.3 * k), rng.normal(size=(slab.atoms.size, 9))) for k in range(64)
        ]
    write_frames(folder / "deck" / "plane.xyz", system, slab, frames)
    twice = [*frames, *frames][:100]
    series = np.array([w[:, 6:] for _, _, w in twice]), np.array([v[slab.atoms] for _, v, _ in twice])
    write_shc(folder / "deck" / "shc.out", held, system, series)
    return held, system, slab


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Observed:
    """A run of the built-in engine: its samples in the files of GPUMD, and what observers of the process saw."""
    folder = tmp_path_factory.mktemp("gpumd")
    (folder / "argon.toml").write_text(RUN)
    held = read_run(folder / "argon.toml")
    system, potential, protocol = held.system(), held.potential, held.protocol
    assert isinstance(potential, Potential)
    slab = slab_of_layers(system, plane_trajectory(held, system, SAMPLED).layers)
    settings = SegmentSettings(timestep=protocol.timestep, every=5, segment=64)
    seen = {
        "virials": SpectralCurrent(AllPlanes(system, potential, slab), system.masses, settings, area=system.area),
        "kernels": PlaneSpectrumRecipe(protocol.timestep, 5, 64)(system, potential),
    }
    start = gradient_state(system, 42.0, 18.0, 1)
    moving = BuiltinEngine().begin(system, potential, protocol.thermostats, start, timestep=protocol.timestep, seed=1)
    frames: list[tuple[Numbers, Numbers, Numbers]] = []
    for _ in range(100):
        moving.advance(5)
        x, v = np.array(moving.positions), np.array(moving.velocities)
        frames.append((x, v, pair_virials(system, potential, x, slab.atoms, rest=True)))
        for one in seen.values():
            one.sample(x, v)
    moving.close()
    gpumd_run(folder / "run", frames)
    return folder / "run", seen


@pytest.mark.parametrize("source", ["virials", "kernels"])
def test_spectra_of_files_are_those_of_observers_in_the_process(observed: Observed, source: FluxSource) -> None:
    """By virials: sums over all pairs in the file, forces of compiled kernels across every plane in the process."""
    folder, seen = observed
    found = read_gpumd_run(folder / "deck", read_run(folder / "argon.toml"), source=source).flux()
    want = seen[source].flux()
    np.testing.assert_array_equal(found.omega, want.omega)
    np.testing.assert_allclose(found.value, want.value, rtol=0, atol=1e-6 * np.abs(want.value).max())
    assert found.direct is not None
    assert want.direct is not None
    np.testing.assert_allclose(found.direct, want.direct, rtol=0, atol=1e-6 * np.abs(want.direct).max())
    np.testing.assert_allclose(found.motion, want.motion, rtol=0, atol=1e-6 * want.motion.max())


def test_gpumds_own_correlation_gives_the_flux_of_the_slab(observed: Observed) -> None:
    """Its sum is K(0)/V: here the mean of W v over the samples that have a partner at every lag."""
    folder, seen = observed
    held = read_run(folder / "argon.toml")
    found = read_gpumd_run(folder / "deck", held, source="shc").flux()
    assert found.direct is not None
    np.testing.assert_allclose(found.weights @ found.value, found.direct[0], rtol=2e-5, atol=0)
    system = held.system()
    slab = slab_of_layers(system, plane_trajectory(held, system, SAMPLED).layers)
    text = (folder / "deck" / "plane.xyz").read_text()
    rows = np.array([line.split()[1:] for line in text.splitlines() if line.startswith("Ar")], dtype=float)
    each = (rows[:, 3:6] * rows[:, 12:15]).reshape(100, -1).sum(axis=1) * eV * angstrom / fs / slab.volume
    np.testing.assert_allclose(found.direct[0], each[0], rtol=1e-5, atol=0)  # as many lags as samples leave one of them
    assert seen["virials"].every == 5


def test_virials_of_moving_atoms_carry_what_those_at_rest_do(observed: Observed) -> None:
    """Distances between places at rest are a device of the test: GPUMD's are between moving atoms, 2 % apart here."""
    folder, _ = observed
    held = read_run(folder / "argon.toml")
    system, potential = held.system(), held.potential
    assert isinstance(potential, Potential)
    rng = np.random.default_rng(2)
    near = np.flatnonzero(system.layer == system.layer[system.right].min())
    x = system.positions + 0.05 * angstrom * rng.normal(size=system.positions.shape)
    moving, still = (pair_virials(system, potential, x, near, rest=rest)[:, 6:] for rest in (False, True))
    assert 1e-3 < np.abs(moving - still).std() / still.std() < 0.2


def test_the_deck_samples_in_front_of_the_blocks(tmp_path: Path) -> None:
    held, system, slab = gpumd_run(tmp_path)
    lines = (tmp_path / "deck/run.in").read_text().splitlines()
    first, second, third = (k for k, line in enumerate(lines) if line.startswith("run"))
    assert [lines[k] for k in (first, second, third)] == ["run 100", "run 500", "run 1000"]
    sampled = lines[first + 1 : second]
    assert "dump_xyz 5 plane.xyz group 2 1 velocity virial" in sampled
    assert "compute_shc 5 100 2 100 62.83185307 group 2 1" in sampled
    assert sum(line.startswith("dump_thermo") for line in lines) == 2, "one line of thermo.out before the blocks"
    model = (tmp_path / "deck/model.xyz").read_text().splitlines()
    assert model[1].endswith("group:I:3")
    near = np.array([int(line.split()[-1]) for line in model[2:]])
    np.testing.assert_array_equal(np.flatnonzero(near), slab.atoms)
    assert abs(slab.volume / (slab.thickness * system.area) - 1) < 1e-12
    saved = tmp_path / "run.h5"
    words = ["md", "read", str(tmp_path / "deck"), "--engine", "gpumd", "--run", str(tmp_path / "argon.toml")]
    assert cli.main([*words, "--save", str(saved)]) in (0, 3)
    loaded = load(saved)
    assert isinstance(loaded, Run)
    np.testing.assert_array_equal(loaded.flux().value, read_gpumd_run(tmp_path / "deck", held).flux().value)
    assert cli.main([*words, "--source", "shc"]) in (0, 3)
    assert cli.main(["md", "read", str(tmp_path / "deck"), "--engine", "gpumd", "--source", "shc"]) == 2


def test_damaged_samples_and_correlations_are_refused_in_one_line(tmp_path: Path) -> None:
    held, *_ = gpumd_run(tmp_path)
    deck = tmp_path / "deck"
    whole = (deck / "plane.xyz").read_bytes()
    unbroken = read_gpumd_run(deck, held).flux().value
    for bad, words in (
        (b"", "is empty"),
        (whole.replace(b"\nTime=1050.", b"\nTime=1060.", 1), "60 fs after the one before, wanted 50 fs"),
        (whole.replace(b"vel:R:3", b"vel:R:2", 1), "lacks vel"),
        (whole.replace(b"Time=", b"time:", 1), "no Time="),
        (whole.replace(b"\nAr ", b"\nKr ", 1), "atoms of kind Ar are Ar, Kr"),
        (whole.replace(b"\nAr ", b"\nAr nan ", 1), "words, wanted 16"),
        (whole.replace(b" 0.", b" O.", 1).replace(b" -0.", b" x0.", 1), "could not convert"),
        (b"1" + whole, "atoms, got b'1"),
        (whole[: whole.index(b"Time=1050") - 500], "the only one"),
    ):
        (deck / "plane.xyz").write_bytes(bad)
        with pytest.raises(DataError, match=words):
            read_gpumd_run(deck, held)
    (deck / "plane.xyz").write_bytes(whole + whole[:900])  # as a run leaves it that is killed while it writes
    np.testing.assert_array_equal(read_gpumd_run(deck, held).flux().value, unbroken)
    shc = (deck / "shc.out").read_text()
    lines = shc.splitlines(keepends=True)
    for text, words in (
        ("", "no numbers"),
        ("".join(lines[:150]), "cut short or damaged"),
        ("".join(lines[3:]), "cut short or damaged|not that of its correlation"),
        (shc.replace("\n", " 1\n"), "three finite numbers"),
        (shc[:-3], "ends within a line"),
        ("".join([*lines[:-2], "0 0 0\n"]), "multiples of the first one"),
        ("".join(lines[:-1]) + " ".join([lines[-1].split()[0], "1e9", "0"]) + "\n", "not that of its correlation"),
    ):
        (deck / "shc.out").write_text(text)
        with pytest.raises(DataError, match=words):
            read_gpumd_run(deck, held, source="shc")
    (deck / "shc.out").write_text(shc + shc)
    both = read_shc(deck / "shc.out", 1e-27)
    assert both.parts.shape[0] == 2
    np.testing.assert_allclose(both.sigma, 0, atol=1e-12 * np.abs(both.value).max())


def test_what_no_deck_can_sample_is_said(tmp_path: Path) -> None:
    held, *_ = gpumd_run(tmp_path)
    with pytest.raises(InputError, match="wanted virials, kernels, shc"):
        read_gpumd_run(tmp_path / "deck", held, source="all")  # pyright: ignore[reportArgumentType]
    short = tmp_path / "short.toml"
    short.write_text(RUN.replace("length = 8", "length = 5"))
    other = read_run(short)
    with pytest.raises(InputError, match="reach into the thermostats"):
        run_deck(other, "gpumd", potential="lj.txt", spectrum=SAMPLED)
