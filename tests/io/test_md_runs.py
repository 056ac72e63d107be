"""Files of molecular dynamics runs: what is read is what stands there, and faults name their line."""

import numpy as np
import pytest

import kapitza
from kapitza.errors import DataError
from kapitza.io.md.runs import left_side_length, read_run
from kapitza.simulate.md.engines.ase import AseEngine
from kapitza.simulate.md.engines.builtin import BuiltinEngine
from kapitza.simulate.md.engines.lammps import LammpsEngine
from kapitza.simulate.md.potential import CalculatorPotential
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, HOT_ROLE

RUN = """
temperature = "30 K"
difference = "12 K"
[potential]
form = "lennard-jones"
epsilon = 1.67e-21
sigma = "3.405 angstrom"
[system]
crystal = "Ar"
ratio = 3
cells = [3, 2]
length = [5, 6]
thermostat = 2
lattice_constant = "5.35 angstrom"
[thermostats]
damping = "1 ps"
[run]
timestep = "4 fs"
equilibration = "400 ps"
time = "2 ns"
blocks = 80
seed = 7
[spectrum]
interval = "40 fs"
segment = 256
[modes]
reference = "100 ps"
"""


@pytest.fixture
def read(tmp_path):
    def made(text):
        (tmp_path / "run.toml").write_text(text)
        return read_run(tmp_path / "run.toml")

    return made


def test_every_number_arrives_in_si(read):
    held = read(RUN)
    assert (held.protocol.thermostats.hot, held.protocol.thermostats.cold, held.temperature) == (36.0, 24.0, 30.0)
    np.testing.assert_allclose(held.protocol.thermostats.damping, 1e-12, rtol=1e-12, atol=0)
    protocol = held.protocol
    assert (protocol.steps, protocol.blocks, protocol.equilibration, protocol.power_interval, protocol.seed) == (
        6250,
        80,
        100000,
        10,
        7,
    )
    assert (held.sampling.every, held.sampling.segment, held.sampling.planes, held.sampling.reference) == (
        10,
        256,
        6,
        4,
    )
    np.testing.assert_allclose(held.potential.parameters[1], 3.405e-10, rtol=1e-12, atol=0)
    assert isinstance(held.engine, BuiltinEngine)
    assert isinstance(read(RUN.replace("[run]", '[run]\nengine = "lammps"')).engine, LammpsEngine)


def test_the_atoms_are_those_of_the_table(read):
    """4 atoms a cell of a face-centred crystal, one held cell at either end."""
    system = read(RUN).system()
    assert system.masses.size == 4 * 3 * 2 * (5 + 6 + 2)
    np.testing.assert_allclose(system.masses.max() / system.masses.min(), 3, rtol=1e-12, atol=0)
    assert [int((system.role == role).sum()) for role in (HOT_ROLE, COLD_ROLE, FIXED_ROLE)] == [48, 48, 48]
    np.testing.assert_allclose(system.area, 6 * (5.35e-10) ** 2, rtol=1e-12, atol=0)


def test_longer_and_periodic_systems(read):
    held = read(RUN)
    long, ring = held.system(factor=2.0), held.system(periodic=True)
    assert long.masses.size == 4 * 6 * (10 + 12 + 2)
    # five planes of cells less a quarter of one, and ten
    np.testing.assert_allclose(
        left_side_length(long) - left_side_length(held.system()), 5 * 5.35e-10, rtol=1e-9, atol=0
    )
    assert ring.periodic
    assert not ring.role.any()
    assert ring.masses.size == 4 * 6 * 11


def test_two_crystals(read):
    text = """
    temperature = 300
    [potential]
    form = "tersoff"
    [system]
    left = "Si"
    right = "Ge"
    length = "2 nm"
    width = "1 nm"
    thermostat = "0.5 nm"
    wall = "0.3 nm"
    [run]
    time = "1 ps"
    blocks = 10
    """
    pytest.importorskip("matscipy")
    held = read(text)
    system = held.system()
    assert set(system.kinds) >= {"Si", "Ge"}
    assert {HOT_ROLE, COLD_ROLE, FIXED_ROLE} <= set(system.role.tolist())
    assert held.sampling.reference == 0


@pytest.mark.parametrize(
    ("old", "new", "message", "line"),
    [
        ('time = "2 ns"', "time = 1e300", "no quantity is so large", 20),
        ('time = "2 ns"', "time = 1e50", "1e+50 s, longer than any run", 20),
        ('equilibration = "400 ps"', "equilibration = 1e50", "run.equilibration: 1e+50 s, longer", 19),
        ('reference = "100 ps"', "reference = 1e9", "modes.reference: 1e+09 s, longer", 27),
        ('"30 K"', '"30 nm"', "expected temperature", 2),
        ("cells = [3, 2]", "cells = [3, 0]", "whole numbers above 0", 11),
        ("cells = [3, 2]", "cells = [3, 2, 2]", "one value or two", 11),
        ("blocks = 80", "blocks = 2", "at least 5", 21),
        ('timestep = "4 fs"', 'timestep = "4 ps"', "below 100 fs", 18),
        ('time = "2 ns"', 'time = "1 ps"', "take longer", 20),
        ('damping = "1 ps"', 'damping = "7 fs"', "7 fs, wanted at least twice the timestep, 8 fs", 16),
        ('interval = "40 fs"', 'interval = "1 fs"', "less than one time step", 24),
        ("segment = 256", "segment = 1.5", "whole number", 25),
        ('reference = "100 ps"', 'interface = "yes"', "true or false", 27),
        ('reference = "100 ps"', 'still = "100 ps"', "has the name `reference` since version 0.2", 27),
        ("[thermostats]", "[baths]", "has the name `thermostats` since version 0.2", None),
        ("thermostat = 2", "bath = 2", "has the name `thermostat` since version 0.2", None),
        ('crystal = "Ar"', 'crystal = "Xx"', "Xx", None),
        ("epsilon = 1.67e-21\n", "", "sigma alone", 6),
        ('form = "lennard-jones"', 'form = "morse"', "'tersoff'", 5),
        ('[run]', '[run]\nengine = "gromacs"', "'lammps'", 18),
        ('[run]', '[run]\nengine = "own"', 'has the name "builtin" since version 0.2', 18),
    ],
)  # fmt: skip
def test_faults_name_file_key_and_line(read, old, new, message, line):
    with pytest.raises(DataError, match=r"run\.toml") as caught:
        read(RUN.replace(old, new, 1)).system()
    assert message in str(caught.value)
    if line is not None:
        assert caught.value.line == line


def test_the_sample_is_a_run(request):
    held = read_run(request.config.rootpath / "docs" / "samples" / "argon.toml")
    assert held.system().masses.size * held.protocol.total < 2.2e8  # atom-steps: 90 s of a quiet core at 2.5e6 a second


def test_runs_are_saved_bit_by_bit(read, tmp_path):
    pytest.importorskip("numba")
    text = RUN.replace('time = "2 ns"', 'time = "4 ps"').replace('"400 ps"', '"0.4 ps"').replace("= 256", "= 32")
    held = read(text.replace("blocks = 80", "blocks = 10").replace('reference = "100 ps"', "planes = 2"))
    run = kapitza.md.run(held.system(), held.potential, held.engine, held.protocol, held.sampling)
    for suffix in (".json", ".npz"):
        kapitza.save(run, tmp_path / f"run{suffix}")
        back = kapitza.load(tmp_path / f"run{suffix}")
        np.testing.assert_array_equal(back.records[0].temperature, run.records[0].temperature)
        np.testing.assert_array_equal(back.fluxes[0].parts, run.fluxes[0].parts)
        np.testing.assert_array_equal(back.driven[0].parts, run.driven[0].parts)
        assert back.title == run.title


def test_all_times_that_are_too_short_are_said_at_once(tmp_path):
    path = tmp_path / "short.toml"
    short = RUN.replace('"2 ns"', '"1 ps"').replace('"100 ps"', '"4 ps"').replace('"12 K"', '"0 K"')
    path.write_text(short)
    with pytest.raises(DataError) as caught:
        read_run(path, gradient=True)
    for part in (
        "1 ps in 80 blocks",
        "fewer blocks",
        "difference: 0 K, wanted above 0 K",
        "run.time: 1 ps ends after 25 samples",
        "modes.reference: 4 ps ends after",
    ):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)
    path.write_text(short.replace('"1 ps"', '"2 ns"'))
    assert read_run(path).protocol.blocks == 80  # without heat there is no difference, and no spectrum of it
    with pytest.raises(DataError, match=r"difference: 0 K.*reference: 4 ps"):
        read_run(path, gradient=True)


FAULTS = {
    'difference = "12 K"': ('difference = "-12 K"', "difference: -12 K, wanted above 0 K"),
    "ratio = 3": ("ratio = -3", "system.ratio: -3, wanted above 0"),
    "cells = [3, 2]": ("cells = [0, 2]", "system.cells: expected whole numbers above 0, got 0"),
    "thermostat = 2": ("thermostat = 0", "system.thermostat: expected a whole number of at least 1, got 0"),
    'damping = "1 ps"': ('damping = "-2 ps"', "thermostats.damping: '-2 ps', wanted above 0"),
    'timestep = "4 fs"': ('timestep = "10 ps"', "run.timestep: 1e+04 fs, wanted above 0 and below 100 fs"),
    "blocks = 80": ("blocks = 1\nreplicas = 0", "run.blocks: expected a whole number of at least 5, got 1"),
    'time = "2 ns"': ('time = "-2 ns"\nsegmnt = 3', "run.time: '-2 ns', wanted above 0"),
    'form = "lennard-jones"': ('form = "lenard-jones"', "potential.form: expected 'lennard-jones' or"),
    'interval = "40 fs"': ('interval = "0 ps"', "spectrum.interval: '0 ps', wanted above 0"),
    "segment = 256": ("segment = -1", "spectrum.segment: expected a whole number of at least 0, got -1"),
    'reference = "100 ps"': ('reference = "-1 ps"', "modes.reference: '-1 ps', wanted 0 or more"),
    "seed = 7": ('engine = "lamps"', "run.engine: expected 'builtin' or 'lammps'"),
}
MORE = ["run.replicas: ", "run.segmnt: unknown key"]


def test_all_that_is_wrong_in_a_file_is_said_at_once(tmp_path):
    """Fourteen faults: each with its line, in the order of the lines, each once."""
    text = RUN
    for right, (wrong, _) in FAULTS.items():
        assert right in text
        text = text.replace(right, wrong, 1)
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        read_run(path, gradient=True)
    parts = str(caught.value).removeprefix(f"{path}, ").split("; line ")
    assert all(sum(message in part for part in parts) == 1 for message in [*(m for _, m in FAULTS.values()), *MORE])
    lines = [int(part.removeprefix("line ").split(":")[0]) for part in parts]
    assert lines == sorted(lines)
    assert len(parts) == len(FAULTS) + len(MORE)
    assert "\n" not in str(caught.value)


ASE_RUN = RUN.replace(
    'form = "lennard-jones"\nepsilon = 1.67e-21\nsigma = "3.405 angstrom"',
    'calculator = "ase.calculators.lj:LennardJones"\narguments = { sigma = 3.4, epsilon = 0.0104 }',
).replace(
    'crystal = "Ar"\nratio = 3\ncells = [3, 2]\nlength = [5, 6]\nthermostat = 2\nlattice_constant = "5.35 angstrom"',
    'left = "Ar"\nright = "Ar"',
)  # fmt: skip


def test_a_calculator_by_import_path_moves_the_atoms(read):
    pytest.importorskip("ase")
    held = read(ASE_RUN)
    assert isinstance(held.engine, AseEngine)
    assert isinstance(held.potential, CalculatorPotential)
    assert held.potential.arguments == (("epsilon", 0.0104), ("sigma", 3.4))
    assert type(held.potential.calculator()).__name__ == "LennardJones"
    for change, expected in {
        '[run]\nengine = "lammps"': "is of no use with a calculator in",
        '[potential]\nform = "tersoff"': "potential.form",
    }.items():
        with pytest.raises(DataError, match=expected):
            read(ASE_RUN.replace(change.partition("\n")[0], change))
    with pytest.raises(DataError, match=r"line \d+: potential: no 'None' in the module"):  # before anything is built
        read(ASE_RUN.replace("lj:LennardJones", "lj:None"))
    with pytest.raises(DataError, match=r"line \d+: potential: .* no argument 'sgima': .*; did you mean sigma\?"):
        read(ASE_RUN.replace("sigma = 3.4", "sgima = 3.4"))
    with pytest.raises(DataError, match="no calculator 'sevnn'"):
        read(ASE_RUN.replace("ase.calculators.lj:LennardJones", "sevnn"))


def test_a_wrong_form_is_named_beside_a_wrong_crystal(read):
    with pytest.raises(DataError, match=r"(?s)potential.form: .*; line 8: .*no crystal 'Gx'"):
        read(RUN.replace('"lennard-jones"', '"lennard"').replace('crystal = "Ar"', 'crystal = "Gx"'))
