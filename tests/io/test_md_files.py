"""Decks that LAMMPS really runs and what is read back; GPUMD's files by its documented format; broken files."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve

from kapitza.errors import DataError, InputError
from kapitza.io.md.outputs import read_gpumd, read_lammps
from kapitza.simulate.md.engine import Thermostats
from kapitza.simulate.md.engines.gpumd import gpumd_deck
from kapitza.simulate.md.engines.lammps import LammpsEngine, start_lammps
from kapitza.simulate.md.engines.lammps_input import lammps_deck
from kapitza.simulate.md.potential import Potential, stillinger_weber
from kapitza.simulate.md.protocol import Protocol
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, FREE_ROLE, HOT_ROLE, System
from kapitza.units import angstrom, eV, fs, k_B, m_u, ps

FCC = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
A = 5.3 * angstrom
BATHS = Thermostats("langevin", 60.0, 20.0, 0.5 * ps)
COURSE = Protocol(timestep=4 * fs, steps=100, blocks=4, equilibration=50, sample_interval=10, power_interval=10, seed=4)
FIELD = Potential(
    "lennard-jones", ("A",), 8 * angstrom,
    (*(np.full((1, 1), x) for x in (0.0104 * eV, 3.4 * angstrom, 8 * angstrom)), np.array([1.0])),
)  # fmt: skip


def argon(wide=3, high=6) -> System:
    """A bar of argon, heavier on its right, held at both ends."""
    grid = np.stack(np.meshgrid(range(wide), range(wide), range(high), indexing="ij"), -1).reshape(-1, 1, 3)
    positions = (grid + FCC).reshape(-1, 3) * A
    layer = np.round(positions[:, 2] / A * 2).astype(int)
    role = np.array([FIXED_ROLE, HOT_ROLE, HOT_ROLE, *[FREE_ROLE] * (2 * high - 6), COLD_ROLE, COLD_ROLE, FIXED_ROLE])[
        layer
    ]
    masses = np.where(layer < high, 40, 80) * m_u
    n = layer.size
    box = np.diag([wide, wide, high]) * A
    return System(
        name="argon",
        lattice=box,
        positions=positions,
        masses=masses,
        species=np.zeros(n, int),
        kinds=("A",),
        layer=layer,
        role=role,
        plane=(high - 0.5) * A / 2,
    )


def written(files: dict[str, str], folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


class Watched:
    """LAMMPS under a deck, looked at every few steps."""

    def __init__(self, folder: Path, system: System, monkeypatch) -> None:
        monkeypatch.chdir(folder)
        self.system, self.engine = system, start_lammps(LammpsEngine("plain"))
        self.temperature, self.energy, self.power = [], [], []
        lines = [line for line in (folder / "in.nemd").read_text().splitlines() if line]
        for line in lines[:-1]:
            self.engine.command(line)
        assert lines[-1] == "run 400"

    def ours(self, name):
        return self.engine.numpy.extract_atom(name)[: len(self.system.masses)]

    def look(self):
        x, v = self.ours("x") * angstrom, self.ours("v") * angstrom / ps
        kinetic = 0.5 * self.system.masses * (v**2).sum(axis=1)
        free = np.bincount(self.system.layer, self.system.role != FIXED_ROLE)
        self.temperature.append(np.bincount(self.system.layer, kinetic) * 2 / (3 * k_B * np.maximum(free, 1)))
        self.power.append(pair_power(self.system, x, v))

    def go(self, steps, every):
        start = self.engine.extract_global("ntimestep")
        for k in range(steps // every):
            self.engine.command(f"run {every} {'pre no' if k else ''} post no start {start} stop {start + steps}")
            self.look()


def pair_power(system, x, v) -> float:
    """Half of all forces between the sides times the sum of both velocities: the sum of the definition, plainly."""
    e, s, rc = (float(one[0, 0]) for one in FIELD.parameters[:3])

    def slope(r):
        return 4 * e * (-12 * (s / r) ** 12 + 6 * (s / r) ** 6) / r

    left, right = np.flatnonzero(~system.right), np.flatnonzero(system.right)
    total = 0.0
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            d = x[right][None] + np.array([i, j, 0]) @ system.lattice - x[left][:, None]
            r = np.linalg.norm(d, axis=2)
            near = r < rc
            pull = np.where(near, -(slope(r) - slope(rc)) / r, 0.0)  # on the right one, along d
            total += 0.5 * np.einsum("lr,lrk,lrk", pull, d, v[right][None] + v[left][:, None])
    return total


def balanced(record, system):
    """The energy changes by what the baths give, up to a small share of what goes to and fro in them."""
    throughput = 3 * k_B * 40.0 * record.block / BATHS.damping * np.isin(system.role, [HOT_ROLE, COLD_ROLE]).sum()
    missing = np.diff(record.energy) - np.diff(record.heat, axis=0).sum(axis=1)
    assert np.abs(missing).max() < 0.01 * throughput


def test_what_a_deck_of_lammps_writes_is_what_happened(tmp_path, monkeypatch):
    pytest.importorskip("lammps")
    system = argon()
    folder = written(lammps_deck(system, FIELD, evolve(COURSE, thermostats=BATHS)), tmp_path / "run")
    run = Watched(folder, system, monkeypatch)
    run.go(400, 10)
    run.engine.close()
    record = read_lammps(folder)
    seen = np.array(run.temperature).reshape(4, 10, -1).mean(axis=1)
    np.testing.assert_allclose(record.temperature, seen, rtol=1e-5, atol=0)
    power = np.array(run.power).reshape(4, 10).mean(axis=1)
    np.testing.assert_allclose(record.power, power, rtol=1e-5, atol=1e-6 * np.abs(power).max())
    balanced(record, system)
    assert record.temperature[:, system.roles == FIXED_ROLE].max() == 0
    assert (record.block, record.timestep, record.seed, record.interface_count) == (COURSE.block, COURSE.timestep, 4, 1)
    for name in ("heights", "counts", "roles"):
        assert np.array_equal(getattr(record, name), getattr(system, name))
    assert "LAMMPS" in record.method


def test_a_deck_goes_on_where_it_was_cut(tmp_path, monkeypatch):
    pytest.importorskip("lammps")
    system = argon()
    folder = written(lammps_deck(system, FIELD, evolve(COURSE, thermostats=BATHS)), tmp_path / "run")
    run = Watched(folder, system, monkeypatch)
    run.go(250, 50)
    run.engine.close()
    assert len(read_lammps(folder).power) == 2
    engine = start_lammps(LammpsEngine("plain"))
    for line in (folder / "in.continue").read_text().splitlines():
        engine.command(line)
    engine.close()
    record = read_lammps(folder)
    assert len(record.power) == 4
    balanced(record, system)
    lines = [line.split() for line in (folder / "heat.txt").read_text().splitlines() if line[0] != "#"]
    assert [int(line[0]) for line in lines] == [0, 100, 200, 200, 300, 400]
    again = np.array(lines, float)
    np.testing.assert_allclose(record.heat[4] - record.heat[2], (again[5] - again[3])[1:3] * eV, rtol=1e-9, atol=0)


def test_many_body_decks_run_too(tmp_path, monkeypatch):
    pytest.importorskip("lammps")
    diamond = np.vstack([FCC, FCC + 0.25])
    grid = np.stack(np.meshgrid(range(2), range(2), range(4), indexing="ij"), -1).reshape(-1, 1, 3)
    positions = (grid + diamond).reshape(-1, 3) * 5.43 * angstrom
    layer = np.round(positions[:, 2] / (5.43 * angstrom) * 4).astype(int)
    role = np.select([layer < 4, (layer >= 8) & (layer < 12)], [HOT_ROLE, COLD_ROLE], FREE_ROLE)
    box = np.diag([2, 2, 4]) * 5.43 * angstrom
    masses = np.full(layer.size, 28.0855 * m_u)
    system = System(
        name="Si",
        lattice=box,
        positions=positions,
        masses=masses,
        species=np.zeros(layer.size, int),
        kinds=("Si",),
        layer=layer,
        role=role,
        plane=7.5 * 5.43 * angstrom / 4,
        periodic=True,
    )
    course = Protocol(timestep=1 * fs, steps=20, blocks=2, equilibration=100, sample_interval=10, subtract_flow=True)
    baths = Thermostats("exchange", 350.0, 250.0, power=2e-8)
    folder = written(
        lammps_deck(system, stillinger_weber(("Si",)), evolve(course, thermostats=baths)), tmp_path / "run"
    )
    monkeypatch.chdir(folder)
    engine = start_lammps(LammpsEngine("plain"))
    engine.file("in.nemd")
    engine.close()
    record = read_lammps(folder)
    assert (record.interface_count, len(record.power)) == (2, 2)
    assert np.isnan(record.power).all()
    np.testing.assert_allclose(record.heat[-1], np.array([1, -1]) * 2e-8 * 40e-15, rtol=1e-9, atol=0)
    np.testing.assert_allclose(record.temperature.mean(), 300, rtol=0.2, atol=0)


def test_what_no_deck_can_do_is_said(tmp_path):
    system = argon()
    with pytest.raises(InputError, match="only the pair part of many-body"):
        lammps_deck(system, stillinger_weber(("A",), ("Si",)), evolve(COURSE, thermostats=BATHS))
    with pytest.raises(InputError, match="swap"):
        lammps_deck(system, FIELD, evolve(COURSE, thermostats=Thermostats("swap", 60.0, 20.0, period=10)))
    with pytest.raises(InputError, match="no power through the plane"):
        gpumd_deck(system, "nep.txt", evolve(COURSE, thermostats=BATHS))
    with pytest.raises(InputError, match="one word for each"):
        gpumd_deck(
            system, "nep.txt", Protocol(timestep=4 * fs, steps=100, blocks=4, thermostats=BATHS), symbols=("Ar", "Kr")
        )
    with pytest.raises(InputError, match="one line"):
        gpumd_deck(system, "nep.txt\nrun 5", Protocol(timestep=4 * fs, steps=100, blocks=4, thermostats=BATHS))
    with pytest.raises(DataError, match="is missing"):
        read_lammps(tmp_path)


def gpumd_run(folder: Path) -> tuple[System, np.ndarray, np.ndarray, np.ndarray]:
    """A folder as GPUMD leaves it: thermostats that lose 0.5 and gain 0.4 eV a block, energies to match."""
    system = argon()
    course = Protocol(timestep=4 * fs, steps=100, blocks=3, equilibration=50, sample_interval=10)
    written(gpumd_deck(system, "potentials/nep.txt", evolve(course, thermostats=BATHS), symbols=("Ar",)), folder)
    rng = np.random.default_rng(6)
    temperature = rng.uniform(20, 60, (3, system.heights.size))
    lost = np.outer(np.arange(1, 4), [-0.5, 0.4])
    rows = ["".join(f"{x:15.6e}" for x in np.append(a, b)) for a, b in zip(temperature, lost, strict=True)]
    (folder / "compute.out").write_text("\n".join(rows) + "\n")
    total = -90 + 0.1 * np.arange(4)
    kinetic = rng.uniform(2, 3, 4)
    thermo = [[40.0, k, e - k, *[0.0] * 6, 15.9, 15.9, 31.8] for k, e in zip(kinetic, total, strict=True)]
    (folder / "thermo.out").write_text("".join("".join(f"{x:20.10e}" for x in row) + "\n" for row in thermo))
    return system, temperature, lost, total


def test_gpumds_thermostats_lose_what_the_atoms_gain(tmp_path):
    system, temperature, lost, total = gpumd_run(tmp_path)
    record = read_gpumd(tmp_path)
    free = system.roles != FIXED_ROLE
    np.testing.assert_allclose(record.temperature[:, free], temperature[:, free], rtol=1e-6, atol=0)
    assert not record.temperature[:, ~free].any()
    np.testing.assert_allclose(record.heat[1:], -lost * eV, rtol=1e-6, atol=0)
    np.testing.assert_allclose(np.diff(record.energy), np.diff(record.heat, axis=0).sum(axis=1), rtol=1e-6, atol=0)
    hot, cold, power = record.flux.mean(axis=0) * system.area * 0.4 * ps / eV
    np.testing.assert_allclose([hot, cold], [0.5, 0.4], rtol=1e-6, atol=0)
    assert np.isnan(power)
    np.testing.assert_allclose(record.energy, total * eV, rtol=1e-9, atol=0)


def test_gpumds_model_holds_the_atoms_and_their_groups(tmp_path):
    system, *_ = gpumd_run(tmp_path)
    lines = (tmp_path / "model.xyz").read_text().splitlines()
    rows = [line.split() for line in lines[2:]]
    assert int(lines[0]) == len(rows) == len(system.masses)
    assert 'pbc="T T F"' in lines[1]
    assert lines[1].endswith("species:S:1:pos:R:3:mass:R:1:vel:R:3:group:I:2")
    assert {row[0] for row in rows} == {"Ar"}
    numbers = np.array([row[1:] for row in rows], float)
    np.testing.assert_allclose(numbers[:, :3] * angstrom, system.positions, rtol=1e-9, atol=1e-20)
    np.testing.assert_allclose(numbers[:, 3] * m_u, system.masses, rtol=1e-9, atol=0)
    kinetic = 0.5 * system.masses @ ((numbers[:, 4:7] * angstrom / fs) ** 2).sum(axis=1)
    free = (system.role != FIXED_ROLE).sum()
    np.testing.assert_allclose(kinetic, 1.5 * k_B * free * 80, rtol=0.2, atol=0)  # twice the mean of the baths
    assert np.array_equal(numbers[:, 7:], np.column_stack([system.role, system.layer]))
    commands = (tmp_path / "run.in").read_text()
    assert "ensemble heat_lan 40 125 20 1 2\nfix 3\ncompute 1 10 10 temperature\ndump_thermo 100" in commands
    assert "time_step 4\n" in commands


def lammps_run(folder: Path) -> None:
    """A folder as LAMMPS leaves it, made by hand."""
    system = argon()
    written(lammps_deck(system, FIELD, evolve(COURSE, thermostats=BATHS)), folder)
    rng = np.random.default_rng(8)
    layers = system.heights.size
    profile = ["# Time-averaged data", "# TimeStep Number-of-rows"]
    heat, power = ["# heat", "0 0 0 -90 3"], ["# power"]
    for k in range(1, 5):
        profile += [f"{100 * k} {layers}", *(f"{i} {rng.uniform(20, 60):.15g}" for i in range(1, layers + 1))]
        heat.append(f"{100 * k} {0.5 * k} {-0.4 * k} {-90 + 0.1 * k} 3")
        power.append(f"{100 * k} {rng.normal():.15g}")
    for name, lines in (("profile", profile), ("heat", heat), ("power", power)):
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("engine", ["lammps", "gpumd"])
def test_broken_files_are_data_errors_and_nothing_else(tmp_path, engine):
    """Cut, changed, doubled or emptied at random: a record or a DataError that names a file."""
    good = tmp_path / "good"
    good.mkdir()
    read = read_lammps if engine == "lammps" else read_gpumd
    (lammps_run if engine == "lammps" else gpumd_run)(good)
    read(good)
    names = {"lammps": ["kapitza.json", "profile.txt", "heat.txt", "power.txt"]}.get(
        engine, ["kapitza.json", "compute.out", "thermo.out"]
    )
    rng = np.random.default_rng(12)
    refused = 0
    for case in range(300):
        bad = tmp_path / "bad"
        shutil.copytree(good, bad)
        path = bad / names[rng.integers(len(names))]
        path.write_bytes(mutated(path.read_bytes(), rng))
        fault = None
        try:
            record = read(bad)
            assert np.isfinite(record.temperature).all()
            assert np.isfinite(record.heat).all()
        except DataError as err:
            fault = err
        if fault is not None:
            refused += 1
            assert fault.file is not None, (case, fault)
            assert "\n" not in str(fault)
        shutil.rmtree(bad)
    assert refused > 150


def mutated(data: bytes, rng) -> bytes:
    """One fault at a random place."""
    at = int(rng.integers(len(data)))
    lines = data.splitlines(keepends=True)
    row = int(rng.integers(len(lines)))
    return [
        data[:at],
        data[:at] + bytes([int(rng.integers(256))]) + data[at + 1 :],
        data[:at] + data[at + int(rng.integers(1, 30)) :],
        b"".join(lines[:row] + lines[row + 1 :]),
        b"".join(lines[: row + 1] + lines[row:]),
        data[:at] + [b"nan", b" 1e999 ", b"-", b" 7 ", b"\n"][int(rng.integers(5))] + data[at:],
        b"",
    ][int(rng.integers(7))]


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("ways", 3, "ways"),
        ("block", 1e-15, "time steps"),
        ("block", -1.0, "above zero"),
        ("counts", [1.5], "whole numbers"),
        ("counts", [-1] * 12, "without atoms"),
        ("roles", [7] * 12, "role"),
        ("heights", [[0.0]], "planes"),
        ("heights", "x", "header"),
        ("name", 5, "text"),
        ("seed", -1, "whole number"),
        ("blocks", 2, "2 in the header"),
    ],
)
def test_headers_that_no_deck_has(tmp_path, key, value, words):
    lammps_run(tmp_path)
    path = tmp_path / "kapitza.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(DataError, match=words):
        read_lammps(tmp_path)
