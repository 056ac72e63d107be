r"""The exact power through a plane between two sides, for any potential with site energies.

With $U_A$ and $U_B$ the summed site energies of the left and the right side, the energy of the other side pulls at an
atom by $g_j = -\partial U_A/\partial r_j$ (j in B) or $g_i = -\partial U_B/\partial r_i$ (i in A), and

$$-\frac{dE_A}{dt} = \sum_{j∈B} v_j·g_j - \sum_{i∈A} v_i·g_i$$

holds for the kinetic and site energies $E_A$ of the left side without any approximation.  For pair forces g is half of
the force from the other side; for many-body forces no sum over pairs of forces is right.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, BoolArray, IntArray
from kapitza.core.records import BaseRecord
from kapitza.errors import ConvergenceError, InputError, require
from kapitza.simulate.md.kernels import forces as kernels
from kapitza.simulate.md.kernels.forces import KERNEL_EXTRA, NeighbourList, load_cell_lists, load_kernels, map_species
from kapitza.simulate.md.potential import Potential
from kapitza.simulate.md.system import System
from kapitza.units import angstrom, eV

_PLANE_SKIN = 0.3  # of the cutoff: atoms of a warm crystal swing by less than half of it, so that lists hold for good
CONTACT_SLACK = 1.0 * angstrom  # how much closer than at rest two atoms may come
_STRAY_FORCE = 1e-9  # of the largest one across the plane: what rounding leaves far from it


@frozen(eq=False)
class PlaneSides(BaseRecord):
    """Which atoms are on which side of which plane."""

    lattice: Array  # (3, 3) vectors of the box in rows, m
    periodic: bool  # along z
    plane: float  # height, m
    right: BoolArray  # (n,) whether each atom belongs to the right side

    def unfold(self, positions: Array) -> tuple[Array, Array]:
        """(n,) heights above the plane, m, and (n,) boxes along z by which each atom was moved to get there."""
        height = positions[:, 2] - self.plane
        if not self.periodic:
            return height, np.zeros(len(height))
        boxes = -np.round(height / self.lattice[2, 2])
        return height + boxes * self.lattice[2, 2], boxes

    def slab(self, positions: Array, reach: float, name: str) -> tuple[IntArray, Array]:
        """Atoms close enough to the plane to matter, and (k, 3) shifts bringing them there; thin sides are refused."""
        height, boxes = self.unfold(positions)
        beyond = np.abs(height[(height > 0) != self.right])  # rough planes and, in a periodic box, behind the far ends
        if self.periodic:
            rough = float(beyond[beyond < reach].max(initial=0.0))
            end = float(beyond[beyond >= reach].min(initial=self.lattice[2, 2] / 2))
        else:
            rough, end = float(beyond.max(initial=0.0)), np.inf
        width = 2 * reach + rough  # site energies within reach of the plane need neighbours one reach beyond
        if end < width:
            raise InputError(
                f"{name}: {end:.3g} m from the plane at {self.plane:g} m the other side begins again, and neighbours "
                f"count up to {width:.3g} m: take thicker sides"
            )
        near = np.flatnonzero(np.abs(height) < width)
        return near, boxes[near, None] * self.lattice[2]


def divide_at_plane(system: System, plane: float | None = None, right: BoolArray | None = None) -> PlaneSides:
    """Sides of a plane of a system, at another height (m) if given; `right` (n,) None: by the height at rest."""
    sides = PlaneSides(system.lattice, system.periodic, system.plane if plane is None else plane, system.right)
    if right is not None:
        sides = evolve(sides, right=np.asarray(right, dtype=bool))
    elif plane is not None:
        sides = evolve(sides, right=sides.unfold(system.positions)[0] > 0)
    n, count = len(system.positions), int(sides.right.sum())
    if sides.right.shape != (n,) or not 0 < count < n:
        raise InputError(
            f"{system.name}: {count} of {n} atoms on the right of the plane at {sides.plane:g} m, from an array of "
            f"shape {sides.right.shape}: give one flag for each atom, and atoms on both sides"
        )
    return sides


def atoms_across_plane(system: System, between: PlaneSides, reach: float) -> IntArray:
    """Atoms that at rest have an atom of the other side within reach (m)."""
    found, shift = between.slab(system.positions, reach, system.name)
    places, periodic = system.positions[found] + shift, (True, True, False)
    near = kernels.list_neighbours(system.lattice, places, reach, periodic=periodic, half=False)
    atoms = found[load_cell_lists().find_crossing(near.start, near.near, between.right[found][near.owner])]
    if not atoms.size:
        raise InputError(
            f"{system.name}: no atom within {reach:.3g} m of one on the other side of the plane at {between.plane:g} m"
        )
    return atoms


def layers_near_plane(system: System, cutoff: float) -> IntArray:
    """Planes of atoms whose motion decides the power through the plane, with room for that of warm atoms."""
    found, _ = divide_at_plane(system).slab(system.positions, (1 + _PLANE_SKIN) * cutoff, system.name)
    return np.unique(system.layer[found])


class ForcePower(ABC):
    """Power from left to right through a plane, from the forces of the other side on the atoms near it."""

    atoms: IntArray  # (k,) that may feel the other side
    right: BoolArray  # (k,) whether each of them is on the right

    @abstractmethod
    def forces(self, positions: Array) -> Array:
        """(k, 3) forces of the other side on `atoms`, at positions (n, 3) m of all atoms, N."""

    def power(self, positions: Array, velocities: Array) -> float:
        """Power from left to right, W, at positions and velocities (n, 3) of all atoms."""
        each = np.einsum("ka,ka->k", self.forces(positions), velocities[self.atoms])
        return float(each[self.right].sum() - each[~self.right].sum())


@frozen(eq=False, kw_only=True)
class PlaneList(BaseRecord):
    """Atoms and copies near a plane, and who is near whom, until one atom has moved too far."""

    reference: Array  # (n, 3) where all atoms were, m
    source: NDArray[np.int32]  # (N,) atom that each one is a copy of
    shift: Array  # (N, 3) m
    near: NeighbourList  # lists of neighbours of those that are no copies
    rows: NDArray[np.int32]  # atoms, by their places in these lists, whose energies depend on the other side
    right: BoolArray  # (N,)
    slot: NDArray[np.int32]  # (N,) row of each in the results, -1 for none
    parameters: tuple[Array, ...]  # of the potential, for these lists


def _index_slots(atoms: NDArray[np.integer[Any]], n: int) -> NDArray[np.int32]:
    """(n,) place of each atom in a list of atoms, -1 for none."""
    result = np.full(n, -1, dtype=np.int32)
    result[atoms] = np.arange(atoms.size)
    return result


def _harmonic_plane_list(system: System, potential: Potential, between: PlaneSides) -> PlaneList:
    full = kernels.harmonic_neighbours(system.lattice, potential)
    rows = load_cell_lists().find_crossing(full.start, full.near, between.right[full.owner])
    rows = rows[np.isin(rows, between.slab(system.positions, potential.cutoff, system.name)[0])]
    if not rows.size:
        raise InputError(f"{system.name}: no spring crosses the plane at {between.plane:g} m: do the sides touch?")
    entries = np.flatnonzero(np.isin(np.repeat(np.arange(full.start.size - 1), np.diff(full.start)), rows))
    used = np.concatenate([rows, np.setdiff1d(full.near[entries], rows)])
    place = _index_slots(used, full.owner.size)
    start = np.append(0, np.cumsum(np.diff(full.start)[rows]))
    source, shift = full.owner[used], full.shift[used]
    near = NeighbourList(source, full.image[used], shift, start, place[full.near[entries]], potential.cutoff)
    parameters = (potential.parameters[0][used], potential.parameters[1][entries], *potential.parameters[2:])
    slot = _index_slots(source[: rows.size], len(system.positions))[source]
    places = np.arange(rows.size, dtype=np.int32)
    return PlaneList(
        reference=system.positions.copy(), source=source, shift=shift, near=near, rows=places,
        right=between.right[source], slot=slot, parameters=parameters
    )  # fmt: skip


class PlanePower(ForcePower):
    """Power from left to right through a plane, from positions and velocities alone.

    It keeps lists of neighbours of the atoms near the plane, so that a sample costs what the cross-section asks for,
    whatever the volume.  A periodic box closes at a second interface, which does not count.  `plane` and `right` as in
    `divide_at_plane`; `skin` (m, None: 0.3 of the cutoff) makes lists last; `slack` (m) is how much closer than at rest
    two atoms may come.  `atoms` (k,) are those that may feel the other side, `right` (k,) whether each is on the right.
    """

    def __init__(
        self, system: System, potential: Potential, *, plane: float | None = None, right: BoolArray | None = None,
        skin: float | None = None, slack: float = CONTACT_SLACK,
    ) -> None:  # fmt: skip
        self.partial: Callable[..., None] = load_kernels(potential).partial
        self.parts = load_cell_lists()
        self.potential, self.name = potential, system.name
        self.skin = _PLANE_SKIN * potential.cutoff if skin is None else skin
        self.sides = divide_at_plane(system, plane, right)
        self.species = map_species(system, potential)
        self.bonds = _harmonic_plane_list(system, potential, self.sides) if potential.form == "harmonic" else None
        if self.bonds is not None:
            self.skin, self.atoms = np.inf, self.bonds.source[self.bonds.rows].astype(np.int64)
        else:
            self.atoms = atoms_across_plane(system, self.sides, potential.cutoff + slack)
        self.right = self.sides.right[self.atoms]
        self.slot = _index_slots(self.atoms, len(system.positions))
        self.listed = self._list(system.positions)

    def forces(self, positions: Array) -> Array:
        """(k, 3) what the site energies of the other side do to `atoms`, at positions (n, 3) m of all atoms, N."""
        positions = np.ascontiguousarray(positions, dtype=float)
        if self.parts.has_moved(positions, self.listed.reference, self.skin / 2):
            self.listed = self._list(positions)
        here = self.listed
        x, g, total = np.empty_like(here.shift), np.zeros_like(here.shift), np.zeros((self.atoms.size, 3))
        self.parts.place_ghosts(positions, here.source, here.shift, x)
        near, species = here.near, self.species[here.source]
        self.partial(x, species, near.start, near.near, here.rows, here.right, here.parameters, g)
        stray = self.parts.gather_forces(g, here.slot, total)
        if stray >= 0:
            raise InputError(
                f"{self.name}: atom {here.source[stray]} at {positions[here.source[stray]].tolist()} m has come close "
                f"to the other side of the plane at {self.sides.plane:g} m: raise slack, and reject what diffuses"
            )
        return total

    def _list(self, positions: Array) -> PlaneList:
        if not np.isfinite(positions).all():
            lost = int(np.argmin(np.isfinite(positions).all(axis=1)))
            raise ConvergenceError(f"atom {lost} is at {positions[lost].tolist()} m: take a smaller timestep")
        if self.bonds is not None:
            return self.bonds
        reach = self.potential.cutoff + self.skin
        found, home = self.sides.slab(positions, reach, self.name)
        near = kernels.list_neighbours(
            self.sides.lattice, positions[found] + home, reach, periodic=(True, True, False), half=self.potential.half
        )
        source = found[near.owner].astype(np.int32)
        right = self.sides.right[source]
        rows = self.parts.find_crossing(near.start, near.near, right)
        shift = near.shift + home[near.owner]
        return PlaneList(
            reference=positions.copy(), source=source, shift=shift, near=near, rows=rows, right=right,
            slot=self.slot[source], parameters=self.potential.parameters
        )  # fmt: skip


@frozen(eq=False)
class NearAtoms(BaseRecord):
    """Atoms that count for the power through a plane; both in increasing order."""

    atoms: IntArray  # (k,) that may feel the other side
    members: IntArray  # (m,) that the forces on them depend on, they among them


def atoms_near_plane(system: System, cutoff: float, *, slack: float = CONTACT_SLACK) -> NearAtoms:
    """Atoms near the plane of a system in a potential whose sites look for neighbours up to `cutoff` (m): a force comes
    from the energies of sites within one cutoff, each with neighbours within one more.
    """
    between, reach = divide_at_plane(system), 2 * cutoff + slack
    atoms = np.sort(atoms_across_plane(system, between, reach))
    return NearAtoms(atoms, between.slab(system.positions, reach, system.name)[0])


class DividedForcePower(ForcePower):
    r"""Power from left to right of any potential, from its forces on all atoms and on either side alone.

    With the energies $E_A = K_A + U_A + \frac12(U - U_A - U_B)$, where $U_A$ is that of the left side if the right one
    were not there, the power is exactly $\frac12\sum_Bv\cdot(F - F_B) - \frac12\sum_Av\cdot(F - F_A)$.  For pairs of
    atoms it is that of `PlanePower`; for others sites share their energies in another way, with the same mean.

    `forces` gives those (m, 3) N on some atoms (m,), of which alone there is something, at positions (n, 3) m of all;
    `side` (n,) says whether an atom is on the right.  A sample takes three evaluations, of all atoms and of both sides.
    `near` (None: all atoms) says which atoms feel the other side, and which are enough for their forces.
    """

    def __init__(
        self, forces: Callable[[Array, IntArray], Array], side: BoolArray, near: NearAtoms | None = None
    ) -> None:
        self.member_forces, self.side = forces, np.asarray(side, dtype=bool)
        every: IntArray = np.arange(self.side.size)
        self.near = NearAtoms(every, every) if near is None else near
        self.atoms, self.right = self.near.atoms, self.side[self.near.atoms]
        self._rows = np.searchsorted(self.near.members, self.atoms)
        self._beyond = np.setdiff1d(np.arange(self.near.members.size), self._rows)
        self._last: tuple[Array, Array] | None = None  # positions, forces: the power and its spectrum share samples

    def forces(self, positions: Array) -> Array:
        """(k, 3) half of what the other side adds to the forces on `atoms`, N."""
        if self._last is None or not np.array_equal(self._last[0], positions):
            self._last = np.array(positions, dtype=float), self._divide(positions)
        return self._last[1]

    def _divide(self, positions: Array) -> Array:
        members = self.near.members
        forces = self.member_forces(positions, members).copy()
        for side in (self.side[members], ~self.side[members]):
            forces[side] -= self.member_forces(positions, members[side])
        stray = np.abs(forces[self._beyond]).max(axis=1, initial=0.0)
        if stray.max(initial=0.0) > _STRAY_FORCE * np.abs(forces).max():
            atom = members[self._beyond[np.argmax(stray)]]
            raise InputError(
                f"atom {atom} at {np.asarray(positions)[atom].tolist()} m feels the other side, from which it was far: "
                "reject what diffuses, or count on more atoms near the plane"
            )
        return forces[self._rows] / 2


def ase_member_forces(
    calculator: Any, system: System, symbols: tuple[str, ...] = ()
) -> Callable[[Array, IntArray], Array]:
    """Forces (m, 3) N of any ASE calculator on some atoms (m,) without the others, for `DividedForcePower`."""
    ase = require("ase", extra=KERNEL_EXTRA, why="calculators of ASE")
    names = np.array(symbols or system.kinds)[system.species]
    periodic = (True, True, system.periodic)

    def forces(positions: Array, members: IntArray) -> Array:
        places, cell = positions[members] / angstrom, system.lattice / angstrom
        atoms = ase.Atoms(names[members], positions=places, cell=cell, pbc=periodic)
        atoms.calc = calculator
        return np.asarray(atoms.get_forces(), dtype=float) * (eV / angstrom)

    return forces
