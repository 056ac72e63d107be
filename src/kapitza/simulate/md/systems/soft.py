"""Soft and mixed systems for LAMMPS: a liquid between two walls, and a carbon nanotube in a matrix.

Atoms of a liquid leave their planes, so its profile is one of space: `SlabThermometer` samples it, and `insert_slabs`
puts it in the place of the liquid's planes.
"""

from itertools import product
from math import pi, sqrt
from typing import Any, TypeVar

import numpy as np
from attrs import Factory, astuple, define, evolve, frozen
from attrs import field as attribute
from numpy.typing import NDArray

from kapitza.core.arrays import Array, IntArray, about, quantity
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.simulate.md.engines.lammps_input import POTENTIAL_FILE, element_label, format_number
from kapitza.simulate.md.engines.lammps_input import tersoff_file as tersoff_text
from kapitza.simulate.md.potential import AnyPotential, LammpsCommands, lennard_jones, tersoff
from kapitza.simulate.md.protocol import Protocol
from kapitza.simulate.md.record import Record
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, FREE_ROLE, HOT_ROLE, System
from kapitza.units import angstrom, eV, k_B, m_u

NumberType = TypeVar("NumberType", np.float64, np.int64)

_FCC_SITES = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
_CARBON_BOND = 1.46 * angstrom  # between neighbours of a sheet where the energy of this potential is least
_CARBON_MASS = 12.011 * m_u
_CRYSTAL_CONSTANT = 1.56  # σ: lattice constant of a cold Lennard-Jones crystal
_CONTACT_DISTANCE = 0.95  # σ: between a wall and the first atoms of the liquid
_CUTOFF_SIGMA = 2.5  # σ: cutoff


@frozen(eq=False)
class SoftSystem(BaseRecord):
    """A soft or mixed system with its potential."""

    system: System  # the atoms
    potential: AnyPotential  # of the atoms; `LammpsCommands` run in LAMMPS alone
    area: float = attribute(validator=quantity(), metadata=about("m^2", "area of the interface"))
    radii: Array = attribute(factory=lambda: np.zeros(0), metadata=about("m", "radii of the layers of a tube"))


@frozen(kw_only=True)
class LennardJonesAtoms(BaseRecord):
    """Depth and width of a Lennard-Jones potential between atoms, and their mass; argon if left out."""

    epsilon: float = 0.0104 * eV
    sigma: float = 3.405 * angstrom
    mass: float = 39.948 * m_u


def liquid_on_solid(
    wetting: float = 1.0,
    *,
    atoms: LennardJonesAtoms | None = None,
    stiffness: float = 10.0,
    density: float = 0.8,
    cells: int = 5,
    solid: int = 6,
    liquid: float = 12.0,
) -> SoftSystem:
    """Build a Lennard-Jones liquid between two walls of a crystal that it wets more or less.

    From left to right: a held plane, the hot thermostat, free planes of the crystal, the interface, the liquid, and the
    same mirrored.  The liquid starts as a lattice that melts within picoseconds.  `wetting` and `stiffness` are the
    depths of the potential between wall and liquid, and within the walls, over that within the liquid; `density` is in
    atoms per σ³, up to the whole number of rows that fit; `cells` of the crystal in the plane, both ways; `solid` cells
    of each wall, two planes each, half of them thermostatted; `liquid` is its thickness in σ.
    """
    epsilon, sigma, mass = astuple(atoms or LennardJonesAtoms())
    if min(wetting, stiffness, density, liquid) <= 0 or cells < 3 or solid < 3:
        raise InputError(
            f"wetting {wetting:g}, stiffness {stiffness:g}, density {density:g}, {liquid:g} sigma of liquid, {cells} "
            f"cells wide, {solid} deep: expected positive numbers, and at least 3 cells"
        )
    deep = epsilon * np.array([[stiffness, wetting], [wetting, 1.0]])
    potential = lennard_jones(("solid", "liquid"), deep, sigma, cutoff=_CUTOFF_SIGMA)
    a = _CRYSTAL_CONSTANT * sigma
    wall = _fcc_block(cells, cells, solid) * a
    side, top = cells * a, float(wall[:, 2].max())
    fluid = fill_column(side, liquid * sigma, density / sigma**3) + np.array([0, 0, top + _CONTACT_DISTANCE * sigma])
    far = float(fluid[:, 2].max()) + _CONTACT_DISTANCE * sigma
    positions = np.vstack([wall, fluid, wall + np.array([0, 0, far])])
    species = np.repeat([0, 1, 0], [len(wall), len(fluid), len(wall)])
    depth = np.round(wall[:, 2] / (a / 2)).astype(int)
    layer = np.concatenate([depth, np.full(len(fluid), 2 * solid), depth + 2 * solid + 1])
    left = np.select([depth < 1, depth < solid], [FIXED_ROLE, HOT_ROLE], FREE_ROLE)
    right = np.select([depth >= 2 * solid - 1, depth >= solid], [FIXED_ROLE, COLD_ROLE], FREE_ROLE)
    role = np.concatenate([left, np.full(len(fluid), FREE_ROLE), right])
    box = np.diag([side, side, float(positions[:, 2].max()) + 3 * sigma])
    plane = top + _CONTACT_DISTANCE * sigma / 2
    masses = np.full(len(positions), mass)
    system = System(
        name=f"liquid on solid, wetting {wetting:g}",
        lattice=box, positions=positions, masses=masses, species=species, kinds=potential.kinds,
        layer=layer, role=role, plane=plane,
    )  # fmt: skip
    return SoftSystem(system, potential, system.area)


def _fcc_block(nx: int, ny: int, nz: int) -> Array:
    """(4 nx ny nz, 3) sites of a face-centred cubic block, in cells."""
    grid = np.array(list(product(range(nx), range(ny), range(nz))), dtype=np.float64)[:, None]
    return (grid + _FCC_SITES).reshape(-1, 3)


def fill_column(side: float, height: float, density: float) -> Array:
    """(n, 3) sites of a lattice that fills a square column at a density, m."""
    across = max(1, round(side / density ** (-1 / 3)))
    up = max(1, round(density * side**2 * height / across**2))
    steps = side / across, height / up
    grid = np.array(list(product(range(across), range(across), range(up))), dtype=np.float64)
    return (grid + 0.5) * [steps[0], steps[0], steps[1]] - [0, 0, steps[1] / 2]


def nanotube_in_matrix(
    n: int = 6,
    *,
    adhesion: float,
    contact: float = 3.4 * angstrom,
    matrix: LennardJonesAtoms | None = None,
    length: int = 9,
    width: int = 7,
) -> SoftSystem:
    """Build an armchair nanotube (n, n) along x in a crystal of Lennard-Jones atoms; heat flows outwards from it.

    The tube, of radius $3 n d / 2π$ with the bond d = 1.46 Å, is the hot thermostat, the rim of the matrix the cold
    one; layers are the tube and shells around it.  Carbon follows Tersoff; carbon and matrix attract each other by
    Lennard-Jones with ε = `adhesion` (J) and σ = `contact` (m).  `length` counts periods of the tube, 2.53 Å each, to
    which the matrix is stretched; `width` cells of the matrix across.
    """
    epsilon, sigma, mass = astuple(matrix or LennardJonesAtoms())
    if n < 3 or length < 5 or min(adhesion, contact, epsilon, sigma) <= 0:
        raise InputError(f"tube ({n}, {n}) of {length} periods, adhesion {adhesion:g} J: expected n >= 3 and 5 periods")
    tube, along = _armchair_tube(n, length)
    radius = 3 * n * _CARBON_BOND / (2 * pi)
    a = _CRYSTAL_CONSTANT * sigma
    block = _fcc_block(max(1, round(along / a)), width, width) * [along / max(1, round(along / a)), a, a]
    centre = np.array([0, width * a / 2, width * a / 2])
    distance = np.hypot(*(block - centre)[:, 1:].T)
    block, distance = block[distance > radius + 0.9 * contact], distance[distance > radius + 0.9 * contact]
    shells = np.floor((distance - radius) / a).astype(int)
    shells = np.minimum(shells, int((width * a / 2 - radius) / a))
    shells = np.unique(shells, return_inverse=True)[1] + 1
    if shells.max() < 3:
        matrix_shells = f"{shells.max()} shells of matrix around a tube of radius {radius:.3g} m"
        raise InputError(f"{matrix_shells}, wanted 3: raise width")
    positions = np.vstack([tube + centre, block])
    layer = np.concatenate([np.zeros(len(tube), dtype=int), shells])
    role = np.select([layer == 0, layer == layer.max()], [HOT_ROLE, COLD_ROLE], FREE_ROLE)
    masses = np.where(layer == 0, _CARBON_MASS, mass)
    species = (layer > 0).astype(int)
    box = np.diag([along, width * a, width * a])
    potential = _tube_potential(adhesion, contact, epsilon, sigma)
    middle = float(centre[2]) + 1e-3 * angstrom
    system = System(
        name=f"({n}, {n}) tube in a matrix",
        lattice=box, positions=positions, masses=masses, species=species, kinds=potential.kinds,
        layer=layer, role=role, plane=middle, periodic=True,
    )  # fmt: skip
    radii = np.bincount(layer, np.hypot(*(positions - centre)[:, 1:].T)) / system.counts
    return SoftSystem(system, potential, 2 * pi * radius * along, radii)


def _armchair_tube(n: int, length: int) -> tuple[Array, float]:
    """(4 n length, 3) atoms of an armchair tube about the x axis, and its length, m."""
    wide, high = sqrt(3) * _CARBON_BOND, 3 * _CARBON_BOND
    cell = np.array([[0, 0], [wide / 2, _CARBON_BOND / 2], [wide / 2, 3 * _CARBON_BOND / 2], [0, 2 * _CARBON_BOND]])
    grid = np.array(list(product(range(length), range(n))), dtype=np.float64)[:, None] * [wide, high]
    along, around = (grid + cell).reshape(-1, 2).T
    radius = n * high / (2 * pi)
    angle = around / radius
    return np.column_stack([along, radius * np.cos(angle), radius * np.sin(angle)]), length * wide


def _tube_potential(adhesion: float, contact: float, epsilon: float, sigma: float) -> LammpsCommands:
    """Lines of LAMMPS for carbon (type 1) in a matrix (type 2)."""
    carbon = tersoff(("C",))
    style = "lj/smooth/linear"
    pairs = (("1 2", adhesion, contact), ("2 2", epsilon, sigma))
    reach = _CUTOFF_SIGMA * max(contact, sigma)
    numbers = [(types, (e / eV, s / angstrom, _CUTOFF_SIGMA * s / angstrom)) for types, e, s in pairs]
    rows = [f"{types} {style} {' '.join(map(format_number, values))}" for types, values in numbers]
    return LammpsCommands(
        f"hybrid tersoff {style} {format_number(reach / angstrom)}",
        (f"* * tersoff {POTENTIAL_FILE} {element_label(0)} NULL", *rows), ("C", "matrix"), reach,
        files={POTENTIAL_FILE: tersoff_text(carbon)}, source=carbon.source
    )  # fmt: skip


_PER_SLAB: Any = Factory(lambda self: np.zeros(self.edges.size - 1), takes_self=True)


@define(eq=False, kw_only=True)
class SlabThermometer:
    """Temperatures of slabs of space, for atoms that wander; the mean velocity of each slab is subtracted."""

    masses: Array = attribute(metadata=about("kg", "(n,) mass, 0 for atoms that are not sampled"))
    edges: Array = attribute(metadata=about("m", "(slabs + 1,) heights"))
    every: int = attribute(metadata=about("1", "steps between two samples"))
    energy: Array = attribute(
        default=_PER_SLAB, metadata=about("J", "(slabs,) sum of kinetic energies about the drift")
    )
    freedom: Array = attribute(default=_PER_SLAB, metadata=about("1", "(slabs,) sum of degrees of freedom"))
    atoms: Array = attribute(default=_PER_SLAB, metadata=about("1", "(slabs,) sum of numbers of atoms"))
    samples: int = attribute(default=0, metadata=about("1", "number of samples"))
    block: int = attribute(default=0, metadata=about("1", "samples of one block; 0: no blocks"))
    sums: list[Array] = attribute(
        factory=list[Array], metadata=about("J, 1, 1", "(3, slabs) sums up to the end of each block")
    )

    def sample(self, positions: Array, velocities: Array) -> None:
        """Take one sample."""
        n = self.edges.size - 1
        slab = np.searchsorted(self.edges, positions[:, 2], side="right") - 1
        inside = np.flatnonzero((slab >= 0) & (slab < n) & (self.masses > 0))
        slab, mass, v = slab[inside], self.masses[inside], velocities[inside]
        count = np.bincount(slab, minlength=n)
        total = np.maximum(np.bincount(slab, mass, n), np.finfo(float).tiny)
        momenta = np.stack([np.bincount(slab, mass * v[:, k], n) for k in range(3)])
        self.energy += 0.5 * np.bincount(slab, mass * (v**2).sum(axis=1), n) - (momenta**2).sum(axis=0) / (2 * total)
        self.freedom += 3 * np.maximum(count - 1, 0)
        self.atoms += count
        self.samples += 1
        if self.block and self.samples % self.block == 0:
            self.sums.append(np.array([self.energy, self.freedom, self.atoms]))

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """All that it holds."""
        kept = {name: getattr(self, name).copy() for name in ("energy", "freedom", "atoms")}
        return {**kept, "looks": np.array(self.samples), "sums": np.array(self.sums)}

    def restore(self, arrays: dict[str, NDArray[np.generic]]) -> None:
        """Continue where another one left off."""
        self.energy, self.freedom, self.atoms = (
            np.array(arrays[name], dtype=np.float64) for name in ("energy", "freedom", "atoms")
        )
        self.samples = int(arrays["looks"])
        self.sums = list(np.asarray(arrays["sums"], dtype=np.float64))

    @property
    def temperature(self) -> Array:
        """(slabs,) mean temperature, K; 0 where there were never two atoms."""
        return _kinetic_temperature(self.energy, self.freedom)

    @property
    def temperatures(self) -> Array:
        """(blocks, slabs) mean temperature in each full block, K."""
        parts = np.diff(np.array(self.sums), axis=0, prepend=np.zeros((1, 3, self.energy.size)))
        return _kinetic_temperature(parts[:, 0], parts[:, 1])


def _kinetic_temperature(energy: Array, freedom: Array) -> Array:
    """Temperatures of kinetic energies (J) in degrees of freedom, K; 0 where there are none."""
    return np.divide(2 * energy, k_B * freedom, out=np.zeros(energy.shape), where=freedom > 0)


def liquid_slabs(soft: SoftSystem, count: int, protocol: Protocol) -> SlabThermometer:
    """Observer of a liquid in `count` equal slabs between its walls, with the samples and blocks of a protocol."""
    system, every = soft.system, protocol.sample_interval
    fluid = system.species == system.kinds.index("liquid")
    walls = system.positions[~fluid, 2]
    below, above = walls[walls < system.plane].max(), walls[walls > system.plane].min()
    edges, masses = np.linspace(below, above, count + 1), np.where(fluid, system.masses, 0.0)
    return SlabThermometer(masses=masses, edges=edges, every=every, block=protocol.steps // every)


def insert_slabs(record: Record, slabs: SlabThermometer, layer: int, empty: float = 0.05) -> Record:
    """Return a record in which slabs of space stand in the place of one `layer` of wandering atoms.

    Where the slabs kept no separate blocks, all blocks are given their mean profile about the temperature of the layer
    in that block; the error of a line through them is then that of the layer alone.  Slabs with less than a share
    `empty` of the densest one's atoms are left out.
    """
    if not 0 <= layer < record.heights.size or not slabs.samples:
        raise InputError(f"layer {layer} of {record.heights.size}, {slabs.samples} samples: nothing to put there")
    used = slabs.atoms > empty * slabs.atoms.max()
    counts: IntArray = np.maximum(np.round(slabs.atoms[used] / slabs.samples), 1).astype(np.int64)
    profile = slabs.temperature[used] - np.average(slabs.temperature[used], weights=slabs.atoms[used])
    middle = ((slabs.edges[1:] + slabs.edges[:-1]) / 2)[used]
    complete = len(slabs.sums) == len(record.power)
    inserted = slabs.temperatures[:, used] if complete else record.temperature[:, [layer]] + profile

    def replace_layer(old: NDArray[NumberType], new: NDArray[NumberType]) -> NDArray[NumberType]:
        return np.concatenate([old[..., :layer], new, old[..., layer + 1 :]], axis=-1)

    roles = replace_layer(record.roles, np.full(middle.size, FREE_ROLE, dtype=np.int64))
    heights, temperature = replace_layer(record.heights, middle), replace_layer(record.temperature, inserted)
    counts = replace_layer(record.counts, counts)
    return evolve(record, heights=heights, counts=counts, roles=roles, temperature=temperature)
