"""The power through a plane: what one side loses, the other side gains, for every potential."""

from collections.abc import Callable

import numpy as np
import pytest
from attrs import evolve
from difference_power import FiniteDifferencePower, ase_site_energies
from numpy.typing import NDArray
from site_energies import site_energies

from kapitza.core.arrays import Array, IntArray
from kapitza.errors import ConvergenceError, InputError
from kapitza.simulate.md.kernels.forces import VerletList, energy_and_forces, list_neighbours, load_kernels, map_species
from kapitza.simulate.md.observers.plane_power import (
    CONTACT_SLACK,
    DividedForcePower,
    PlanePower,
    ase_member_forces,
    atoms_across_plane,
    divide_at_plane,
)
from kapitza.simulate.md.potential import Potential, lennard_jones, stillinger_weber, tersoff
from kapitza.simulate.md.protocol import thermal_state
from kapitza.simulate.md.system import FIXED_ROLE, System
from kapitza.simulate.md.systems.assembly import mass_interface
from kapitza.units import angstrom, eV, fs, ps

pytest.importorskip("numba")

TWO_SI = ("Si", "heavy Si")


def argon(*, periodic: bool = False, length: int = 5) -> tuple[System, Potential]:
    field = lennard_jones(("Ar",), end="quadratic")
    a = 1.5496 * 3.4 * angstrom
    return mass_interface(
        "Ar", field, 3.0, lattice_constant=a, cells=(2, 2), length=length, thermostat=0, periodic=periodic
    ), field


def silicon(make: Callable[..., Potential], *, periodic: bool = False, length: int = 4) -> tuple[System, Potential]:
    field = make(TWO_SI, ("Si", "Si"))
    a = 5.4310 * angstrom
    return mass_interface(
        "Si", field, 4.0, lattice_constant=a, cells=(2, 2), length=length, thermostat=0, periodic=periodic
    ), field


def alloy() -> tuple[System, Potential]:
    """Silicon and germanium in disorder on both sides."""
    field = tersoff(("Si", "Ge"))
    body = mass_interface(
        "Si", field, 2.0, lattice_constant=5.54 * angstrom, cells=(2, 2), length=4, thermostat=0, periodic=True
    )
    species = np.random.default_rng(4).integers(2, size=body.species.size)
    return evolve(body, kinds=("Si", "Ge"), species=species), field


def springs(*, periodic: bool) -> tuple[System, Potential]:
    """Argon with springs along and across the bonds to its first two shells."""
    system, field = argon(periodic=periodic)
    near = list_neighbours(
        system.lattice, system.positions, 5.6 * angstrom, periodic=(True, True, periodic), half=False
    )
    rest, n = near.extend(system.positions), system.species.size
    row = np.repeat(np.arange(n), np.diff(near.start))
    bond = rest[near.near] - rest[row]
    length = np.linalg.norm(bond, axis=1)[:, None, None]
    blocks = -(1.5 * bond[:, :, None] * bond[:, None] / length**2 + 0.1 * np.eye(3)) * (3.7e-10 / length) ** 6
    own = np.zeros((n, 3, 3))
    np.subtract.at(own, row, blocks)
    order = np.argsort(np.concatenate([row, np.arange(n)]), kind="stable")
    start = near.start + np.arange(n + 1)
    parameters = (
        rest, np.concatenate([blocks, own])[order], near.owner, near.image, start,
        np.concatenate([near.near, np.arange(n)])[order].astype(np.int32),
    )  # fmt: skip
    return system, Potential("harmonic", field.kinds, 5.6 * angstrom, parameters)


MAKERS: dict[str, tuple[Callable[[], tuple[System, Potential]], float]] = {
    "lj": (argon, 30.0),
    "lj periodic": (lambda: argon(periodic=True), 30.0),
    "springs": (lambda: springs(periodic=False), 30.0),
    "springs periodic": (lambda: springs(periodic=True), 30.0),
    "sw": (lambda: silicon(stillinger_weber), 300.0),
    "sw periodic": (lambda: silicon(stillinger_weber, periodic=True), 300.0),
    "tersoff": (lambda: silicon(tersoff), 300.0),
    "tersoff alloy periodic": (alloy, 600.0),
}
every_system = pytest.mark.parametrize("name", MAKERS)


class Run:
    """Atoms in free motion, by the method of Verlet."""

    def __init__(self, system: System, field: Potential, temperature: float, timestep: float) -> None:
        state = thermal_state(system, temperature, seed=5, double_temperature=True)
        self.system, self.field, self.timestep = system, field, timestep
        self.x, self.v = state.positions, state.velocities
        self.kinds, self.around = map_species(system, field), VerletList(system, field)
        self.f = self.forces()

    def forces(self) -> Array:
        f = energy_and_forces(self.field, self.around.at(self.x), self.x, self.kinds)[1]
        return f * (self.system.role != FIXED_ROLE)[:, None] / self.system.masses[:, None]

    def go(self, steps: int) -> None:
        for _ in range(steps):
            self.v += self.f * self.timestep / 2
            self.x = self.x + self.v * self.timestep
            self.f = self.forces()
            self.v += self.f * self.timestep / 2

    def energies(self) -> Array:
        """(n,) kinetic and site energy of each atom, J."""
        site = site_energies(self.field, self.around.at(self.x), self.x, self.kinds)
        return site + 0.5 * self.system.masses * np.square(self.v).sum(axis=1)


def slope(series: Array, timestep: float) -> Array:
    """Derivative of a series at all but its first and last two points, to fourth order."""
    return (series[:-4] - 8 * series[1:-3] + 8 * series[3:-1] - series[4:]) / (12 * timestep)


def rms(value: Array) -> float:
    return float(np.sqrt(np.mean(np.square(value))))


def closing(system: System) -> float:
    """Height of the plane where a periodic box closes."""
    top, bottom = system.positions[:, 2].max(), system.positions[:, 2].min() + system.lattice[2, 2]
    return float(top + bottom) / 2


@every_system
def test_a_side_loses_what_goes_through_the_plane(name: str) -> None:
    make, temperature = MAKERS[name]
    system, field = make()
    timestep = {"lj": 2.0, "springs": 0.5}.get(name.partition(" ")[0], 0.1) * fs  # Verlet's own error is below the bar
    run = Run(system, field, temperature, timestep)
    planes = both_planes(system, field)
    run.go(150)
    energies, powers = [], []
    for _ in range(150):
        run.go(1)
        energies.append(-run.energies()[~system.right].sum())
        power = [plane.power(run.x, run.v) for plane in planes]
        powers.append(power[0] - sum(power[1:]))
    rate, found = slope(np.array(energies), timestep), np.array(powers)[2:-2]
    assert rms(found - rate) < 0.005 * rms(rate)


def lost(run: Run, left: NDArray[np.bool_]) -> float:
    """Return -dE/dt of some atoms without any timestep: the work on them, and their site energies as all move on."""
    ahead = 0.002 * fs
    work = ((run.forces() * run.system.masses[:, None])[left] * run.v[left]).sum()
    site = [
        site_energies(run.field, run.around.at(x), x, run.kinds)[left].sum()
        for x in (run.x + ahead * run.v, run.x - ahead * run.v)
    ]
    return float(-work - (site[0] - site[1]) / (2 * ahead))


@every_system
def test_a_side_loses_it_at_every_instant(name: str) -> None:
    run = warm(name)
    power = [plane.power(run.x, run.v) for plane in both_planes(run.system, run.field)]
    net = power[0] - sum(power[1:])
    np.testing.assert_allclose(net, lost(run, ~run.system.right), rtol=0, atol=1e-6 * max(map(abs, power)))


def both_planes(system: System, field: Potential) -> list[PlanePower]:
    """The plane, and the one where a periodic box closes."""
    ends = [closing(system)] if system.periodic else []
    return [PlanePower(system, field), *(PlanePower(system, field, plane=end) for end in ends)]


def test_between_two_planes_energy_piles_up() -> None:
    system, field = silicon(stillinger_weber)
    low = system.plane - 5.4310 * angstrom / 2
    run = Run(system, field, 300.0, 0.1 * fs)
    first, second = PlanePower(system, field, plane=low), PlanePower(system, field)
    inside = (system.positions[:, 2] > low) & ~system.right
    run.go(60)
    gained, net = [], []
    for _ in range(60):
        run.go(1)
        gained.append(run.energies()[inside].sum())
        net.append(first.power(run.x, run.v) - second.power(run.x, run.v))
    rate = slope(np.array(gained), run.timestep)
    assert rms(np.array(net)[2:-2] - rate) < 0.005 * rms(rate)


def warm(name: str, steps: int = 80) -> Run:
    make, temperature = MAKERS[name]
    run = Run(*make(), temperature, (5.0 if name.startswith(("lj", "springs")) else 1.0) * fs)
    run.go(steps)
    return run


def difference(run: Run, plane: PlanePower, part: slice) -> FiniteDifferencePower:
    def energies(x: Array) -> Array:
        return site_energies(run.field, run.around.at(x), x, run.kinds)

    return FiniteDifferencePower(energies, plane.sides.right, plane.atoms[part])


@pytest.mark.parametrize("name", ["lj", "springs", "sw periodic", "tersoff", "tersoff alloy periodic"])
def test_forces_of_the_other_side_are_slopes_of_its_energy(name: str) -> None:
    run = warm(name)
    plane, part = PlanePower(run.system, run.field), slice(None, None, 7)
    g = plane.forces(run.x)
    slow = difference(run, plane, part).forces(run.x)
    np.testing.assert_allclose(g[part], slow, rtol=0, atol=1e-6 * np.abs(g).max())


@pytest.mark.parametrize("name", ["lj", "springs", "sw", "tersoff"])
def test_only_atoms_near_the_plane_matter(name: str) -> None:
    """The same as the kernel for all atoms and all rows."""
    run = warm(name)
    plane = PlanePower(run.system, run.field)
    near = run.around.at(run.x)
    x = near.extend(run.x)
    g = np.zeros_like(x)
    rows = np.arange(len(run.x), dtype=np.int32)
    right, kinds = run.system.right[near.owner], run.kinds[near.owner]
    load_kernels(run.field).partial(x, kinds, near.start, near.near, rows, right, run.field.parameters, g)
    total = np.zeros_like(run.x)
    np.add.at(total, near.owner, g)
    scale = np.abs(total).max()
    np.testing.assert_allclose(plane.forces(run.x), total[plane.atoms], rtol=0, atol=1e-12 * scale)
    assert not np.delete(total, plane.atoms, axis=0).any()


def alone(run: Run, x: Array, members: IntArray) -> tuple[float, Array]:
    """Energy and forces of some atoms without the others."""
    system = run.system
    near = list_neighbours(
        system.lattice, x[members], run.field.cutoff, periodic=(True, True, False), half=run.field.half
    )
    energy, force = energy_and_forces(run.field, near, x[members], run.kinds[members])
    return float(energy), force


@pytest.mark.parametrize("name", ["lj", "sw", "tersoff"])
def test_forces_with_and_without_the_other_side_give_the_power(name: str) -> None:
    """Pairs of atoms: that of the kernels; others: minus the change of the energy of the left side along the motion."""
    run = warm(name)
    right = run.system.right
    crossing = DividedForcePower(lambda x, members: alone(run, x, members)[1], right)
    power = crossing.power(run.x, run.v)
    if name == "lj":
        np.testing.assert_allclose(power, PlanePower(run.system, run.field).power(run.x, run.v), rtol=1e-9, atol=0)

    def potential(time: float) -> float:
        x = run.x + time * run.v
        both, left, other = (alone(run, x, np.flatnonzero(part))[0] for part in (right | True, ~right, right))
        return left + (both - left - other) / 2

    step = 1e-17
    rise = (potential(step) - potential(-step)) / (2 * step)
    force = alone(run, run.x, np.arange(right.size))[1]
    kinetic = (force * run.v)[~right].sum()
    np.testing.assert_allclose(power, -(rise + kinetic), rtol=1e-5, atol=0)


@pytest.mark.parametrize("name", ["lj periodic", "sw"])
def test_the_side_may_be_any_set_of_atoms(name: str) -> None:
    """A plane so rough that atoms of both sides mix."""
    run = warm(name)
    height = run.system.positions[:, 2] - run.system.plane
    rough = np.random.default_rng(2).normal(0, 2 * angstrom, height.size).clip(-4e-10, 4e-10)
    right = np.where(np.abs(height) < 4 * angstrom, height + rough > 0, run.system.right)
    power = PlanePower(run.system, run.field, right=right).power(run.x, run.v)
    if run.system.periodic:
        power -= PlanePower(run.system, run.field, plane=closing(run.system)).power(run.x, run.v)
    np.testing.assert_allclose(power, lost(run, ~right), rtol=0, atol=1e-6 * abs(power))


@pytest.mark.parametrize("name", ["lj periodic", "sw periodic"])
def test_atoms_may_have_left_the_box(name: str) -> None:
    run = warm(name)
    plane = PlanePower(run.system, run.field)
    g = plane.forces(run.x)
    boxes = np.random.default_rng(0).integers(-2, 3, size=run.x.shape)
    away = PlanePower(run.system, run.field).forces(run.x + boxes @ run.system.lattice)
    np.testing.assert_allclose(away, g, rtol=0, atol=1e-8 * np.abs(g).max())


@pytest.mark.parametrize("name", ["lj", "tersoff"])
def test_lists_are_renewed_when_atoms_move(name: str) -> None:
    run = warm(name)
    plane = PlanePower(run.system, run.field, skin=0.02 * angstrom)
    lists = set()
    for _ in range(10):
        run.go(10)
        fresh = PlanePower(run.system, run.field, skin=0.8 * angstrom).forces(run.x)
        np.testing.assert_allclose(plane.forces(run.x), fresh, rtol=0, atol=1e-12 * np.abs(fresh).max())
        lists.add(id(plane.listed.reference))
    assert len(lists) > 1


def test_work_grows_with_the_cross_section_not_with_the_length() -> None:
    short, field = silicon(tersoff, length=4)
    long, _ = silicon(tersoff, length=16)
    one, other = PlanePower(short, field), PlanePower(long, field)
    assert one.atoms.size == other.atoms.size
    assert one.listed.source.size == other.listed.source.size
    assert one.listed.rows.size == other.listed.rows.size


def test_heat_flows_back_when_time_runs_back() -> None:
    run = warm("sw")
    plane = PlanePower(run.system, run.field)
    there = plane.power(run.x, run.v)
    np.testing.assert_allclose(plane.power(run.x, -run.v), -there, rtol=1e-12, atol=0)
    swapped = PlanePower(run.system, run.field, right=~run.system.right)
    np.testing.assert_allclose(swapped.power(run.x, run.v), -there, rtol=1e-9, atol=0)


def test_site_energies_of_ase_give_the_same_power() -> None:
    pytest.importorskip("ase")
    from ase.calculators.lj import LennardJones

    field = lennard_jones(("Ar",), end="truncated")
    system, _ = argon()
    run = Run(system, field, 30.0, 5 * fs)
    run.go(60)
    plane = PlanePower(system, field)
    epsilon, sigma = field.parameters[0][0, 0] / eV, field.parameters[1][0, 0] / angstrom
    calculator = LennardJones(epsilon=epsilon, sigma=sigma, rc=2.5 * sigma, ro=2.5 * sigma, smooth=False)
    part = slice(None, None, 40)
    slow = FiniteDifferencePower(ase_site_energies(calculator, system, ("Ar",)), system.right, plane.atoms[part])
    g = plane.forces(run.x)
    np.testing.assert_allclose(slow.forces(run.x), g[part], rtol=0, atol=1e-6 * np.abs(g).max())
    divided = DividedForcePower(ase_member_forces(calculator, system, ("Ar",)), system.right)
    np.testing.assert_allclose(divided.forces(run.x)[plane.atoms], g, rtol=0, atol=1e-6 * np.abs(g).max())


def test_atoms_that_come_from_afar_are_noticed() -> None:
    system, field = silicon(stillinger_weber)
    plane = PlanePower(system, field)
    far = int(np.argmin(system.positions[:, 2]))
    x = system.positions.copy()
    x[far, 2] = system.plane - 0.3 * angstrom
    with pytest.raises(InputError, match=f"atom {far} .* come close to the other side .* raise slack"):
        plane.forces(x)


def test_what_cannot_be_is_refused() -> None:
    system, field = silicon(stillinger_weber)
    with pytest.raises(InputError, match="give one flag for each atom"):
        PlanePower(system, field, right=np.ones(3, dtype=bool))
    with pytest.raises(InputError, match="atoms on both sides"):
        PlanePower(system, field, plane=1e-6)
    with pytest.raises(InputError, match="take thicker sides"):
        PlanePower(*silicon(stillinger_weber, periodic=True, length=1))
    x = system.positions.copy()
    x[5, 1] = np.nan
    with pytest.raises(ConvergenceError, match="atom 5 is at"):
        PlanePower(system, field).forces(x)
    apart = evolve(system, positions=system.positions + 30 * angstrom * system.right[:, None] * [0, 0, 1])
    with pytest.raises(InputError, match="no atom within"):
        atoms_across_plane(apart, divide_at_plane(apart), field.cutoff + CONTACT_SLACK)


def test_power_has_the_size_of_thermal_motion() -> None:
    """Root mean square far below all kinetic energy per vibration, far above rounding."""
    run = warm("sw")
    power = PlanePower(run.system, run.field).power(run.x, run.v)
    kinetic = 0.5 * (run.system.masses @ np.square(run.v).sum(axis=1))
    assert 1e-4 < abs(power) / (kinetic / (0.1 * ps)) < 10
