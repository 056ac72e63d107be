r"""Symmetry of force constants: operations of a lattice that map every bond of a network onto a bond.

Nothing is sampled, and no positions are needed.  With an orthogonal matrix Q and integers M, an operation takes atom i
of cell R to atom σ(i) of cell $RM + t_i$.  It is a symmetry if $D_{\sigma(i)\sigma(j)}(RM + t_j - t_i) = Q D_{ij}(R)
Q^T$ for all pairs; then the dynamical matrices at k and $kM^{-T}$ are equal but for a change of coordinates within
each layer.  The image of one atom decides those of all others: they are followed along the strongest bonds, and every
bond is compared.  A symmetry that this search misses, as may be where many blocks are equal, costs time, not accuracy.

Of a crystal, too, what counts is the symmetry of the force constants, magnetic order and strain included, which
positions do not show.  Force constants from files carry the noise of the calculation that made them, far above
rounding, so that the tolerance is wider there.
"""

from collections.abc import Iterator
from heapq import heappop, heappush

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array, BoolArray, IntArray
from kapitza.core.records import BaseRecord
from kapitza.matter.brillouin import inversion_representatives, lattice_operations
from kapitza.matter.crystal import Crystal
from kapitza.matter.junction import SQUARE_PICOSECOND

_FORCE_TOLERANCE = 1e-5  # of the blocks of two atoms on themselves: noise of force constants from files
_CHARGE_TOLERANCE = 1e-3  # of the largest charge or dielectric constant
_POSITION_TOLERANCE = 1e-4  # of the shortest lattice vector
BOND_TOLERANCE = 1e-6  # of the blocks of two atoms on themselves: differences of a block that are put down to rounding
_NEGLIGIBLE_BOND = 0.1  # of this tolerance: weaker bonds are left out


@frozen(eq=False, kw_only=True)
class BondNetwork(BaseRecord):
    """Atoms of a periodic structure and the mass-weighted blocks between them, sorted by `key`."""

    layer: IntArray  # (n,) layer of each atom, which an operation keeps
    source: IntArray  # (b,) atom where a bond starts; each is there in both directions
    target: IntArray  # (b,) atom where it ends
    shift: IntArray  # (b, D) lattice vector from the cell of the source to that of the target
    block: Array  # (b, d, d) D_ij(R), (rad/ps)²
    tolerance: Array  # (b,) differences of the blocks that are put down to rounding
    key: IntArray  # (b,) a number for each source, target and shift, increasing

    def bonds_of(self, atom: int) -> slice:
        """Bonds that start at an atom."""
        first, last = np.searchsorted(self.source, [atom, atom + 1])
        return slice(int(first), int(last))

    def find(self, source: int, target: IntArray, shift: IntArray) -> tuple[IntArray, BoolArray]:
        """(m,) places of bonds, and whether there is such a bond."""
        wanted = _bond_keys(np.full(len(target), source), target, shift, self.layer.size, self.reach)
        at = np.minimum(np.searchsorted(self.key, wanted), self.key.size - 1)
        inside = (np.abs(shift) <= self.reach).all(axis=1)
        return at, inside & (self.key[at] == wanted)

    @property
    def reach(self) -> int:
        """Largest component of a shift."""
        return int(np.abs(self.shift).max(initial=0))


@frozen(eq=False)
class AtomMapping(BaseRecord):
    """Where an operation takes the atoms of a network."""

    image: IntArray  # (n,) σ(i)
    shift: IntArray  # (n, D) t_i


def bond_network(
    layer: IntArray,
    source: IntArray,
    target: IntArray,
    shift: IntArray,
    block: Array,
    tolerance: float = BOND_TOLERANCE,
) -> BondNetwork:
    """Network of bonds given one by one, in both directions; `layer` (n,) of each atom, `tolerance` of the blocks of
    two atoms on themselves, the rest as in the record.
    """
    size = np.abs(block).max(axis=(1, 2), initial=0.0)
    own = (source == target) & ~shift.any(axis=1)
    scale = np.zeros(layer.size)
    np.maximum.at(scale, source[own], size[own])
    loose = tolerance * np.sqrt(scale[source] * scale[target])
    kept = own | (size > _NEGLIGIBLE_BOND * loose)
    reach = int(np.abs(shift[kept]).max(initial=0))
    key = _bond_keys(source[kept], target[kept], shift[kept], layer.size, reach)
    order = np.argsort(key)
    rows = np.flatnonzero(kept)[order]
    return BondNetwork(
        layer=layer, source=source[rows], target=target[rows], shift=shift[rows], block=block[rows],
        tolerance=loose[rows], key=key[order],
    )  # fmt: skip


def _bond_keys(source: IntArray, target: IntArray, shift: IntArray, atoms: int, reach: int) -> IntArray:
    number = source * atoms + target
    for column in shift.T:
        number = number * (2 * reach + 1) + column + reach
    return np.asarray(number, dtype=np.int64)


def find_mappings(network: BondNetwork, rotation: Array, lattice_map: IntArray) -> Iterator[AtomMapping]:
    """Mappings of the atoms by which an operation is a symmetry; none where it is not.

    `rotation` (d, d) acts on displacements, `lattice_map` (D, D) from the right on integer lattice vectors.  Mappings
    that differ by a lattice vector count as one.
    """
    rotated = rotation @ network.block @ rotation.T
    counts = np.bincount(network.layer)
    anchor = int(np.flatnonzero(network.layer == np.argmin(np.where(counts > 0, counts, counts.max() + 1)))[0])
    for image in np.flatnonzero(network.layer == network.layer[anchor]):
        search = _MappingSearch(network, rotated, lattice_map)
        found = search.follow(anchor, int(image))
        if found is not None:
            yield found


class _MappingSearch:
    """Atoms that are placed one after the other, each with all of its bonds to those before."""

    def __init__(self, network: BondNetwork, rotated: Array, lattice_map: IntArray) -> None:
        self.network, self.rotated, self.lattice_map = network, rotated, lattice_map
        self.image = np.full(network.layer.size, -1)
        self.shift = np.zeros((network.layer.size, len(lattice_map)), dtype=np.int64)
        self.waiting: list[tuple[float, int]] = []

    def follow(self, anchor: int, image: int) -> AtomMapping | None:
        """The mapping that takes one atom to another; None if there is none, or bonds do not reach all atoms."""
        if not self.place(anchor, image, np.zeros(len(self.lattice_map), dtype=np.int64)):
            return None
        while self.waiting:
            bond = heappop(self.waiting)[1]
            if self.image[self.network.target[bond]] < 0 and not self.place_end(bond):
                return None
        return AtomMapping(self.image, self.shift) if (self.image >= 0).all() else None

    def place_end(self, bond: int) -> bool:
        """Place the atom at the end of a bond, at the end of an equal bond of the image of its start."""
        network, atom = self.network, int(self.network.target[bond])
        start = int(network.source[bond])
        around = network.bonds_of(int(self.image[start]))
        difference = np.abs(network.block[around] - self.rotated[bond]).max(axis=(1, 2))
        alike = (difference <= network.tolerance[bond]) & (network.layer[network.target[around]] == network.layer[atom])
        base = self.shift[start] - network.shift[bond] @ self.lattice_map
        return any(
            self.place(atom, int(network.target[one]), network.shift[one] + base)
            for one in around.start + np.flatnonzero(alike)
        )

    def place(self, atom: int, image: int, shift: IntArray) -> bool:
        """Place an atom if all bonds to atoms that have a place, and to itself, are mapped onto equal ones."""
        network = self.network
        if (self.image == image).any():
            return False
        self.image[atom], self.shift[atom] = image, shift
        around = network.bonds_of(atom)
        bonds = around.start + np.flatnonzero(self.image[network.target[around]] >= 0)
        ends = network.target[bonds]
        moved = network.shift[bonds] @ self.lattice_map + self.shift[ends] - shift
        if not _are_equal(network, self.rotated, bonds, network.find(image, self.image[ends], moved)):
            self.image[atom] = -1
            return False
        strength = np.abs(network.block[around]).max(axis=(1, 2))
        for i in np.flatnonzero(self.image[network.target[around]] < 0):
            heappush(self.waiting, (-float(strength[i]), around.start + int(i)))
        return True


def is_symmetry(network: BondNetwork, mapping: AtomMapping, rotation: Array, lattice_map: IntArray) -> bool:
    """Whether an operation with a given mapping of the atoms maps all bonds onto equal ones."""
    rotated = rotation @ network.block @ rotation.T
    moved = network.shift @ lattice_map + mapping.shift[network.target] - mapping.shift[network.source]
    for atom in range(network.layer.size):
        around = network.bonds_of(atom)
        bonds = np.arange(around.start, around.stop)
        found = network.find(int(mapping.image[atom]), mapping.image[network.target[around]], moved[around])
        if not _are_equal(network, rotated, bonds, found):
            return False
    return True


def _are_equal(network: BondNetwork, rotated: Array, bonds: IntArray, found: tuple[IntArray, BoolArray]) -> bool:
    """Whether blocks in turned axes are those of the bonds found, or zero where there is none."""
    at, there = found
    difference = np.abs(network.block[at] * there[:, None, None] - rotated[bonds])
    return bool((difference.max(axis=(1, 2), initial=0.0) <= network.tolerance[bonds]).all())


def crystal_operations(crystal: Crystal) -> IntArray:
    r"""(k, 3, 3) integer matrices that keep every frequency, acting from the right on fractional wave vectors. With
    each W comes -W, because $\omega(-q) = \omega(q)$.
    """
    n = crystal.masses.size
    weighted = (crystal.force_constants * crystal.weights * SQUARE_PICOSECOND).reshape(-1, n, 3, n, 3).swapaxes(2, 3)
    cell, i, j = np.nonzero(np.abs(weighted).max(axis=(3, 4)) > 0)
    layer = np.zeros(n, dtype=np.int64)
    network = bond_network(layer, i, j, crystal.cells[cell], weighted[cell, i, j], tolerance=_FORCE_TOLERANCE)
    kept: list[Array] = []
    for operation in inversion_representatives(lattice_operations(crystal.lattice)):
        for one in (operation, -operation):  # from the right on integer lattice vectors
            left, _, right = np.linalg.svd(np.linalg.solve(crystal.lattice, one @ crystal.lattice).T)
            rotation = np.asarray(left @ right, dtype=float)
            if any(_keeps_charges(crystal, rotation, found) for found in find_mappings(network, rotation, one)):
                kept.append(np.round(np.linalg.inv(operation).T))
                break
    operations = np.array(kept).astype(np.int64)
    return np.concatenate([operations, -operations])


def _keeps_charges(crystal: Crystal, rotation: Array, found: AtomMapping) -> bool:
    polar = crystal.polar
    if polar is None:
        return True
    born = rotation @ polar.born @ rotation.T - polar.born[found.image]
    dielectric = rotation @ polar.dielectric @ rotation.T - polar.dielectric
    moved = polar.positions[found.image] + found.shift @ polar.lattice - polar.positions @ rotation.T
    shortest = float(np.linalg.norm(polar.lattice, axis=1).min())
    return bool(
        np.abs(born).max() <= _CHARGE_TOLERANCE * np.abs(polar.born).max()
        and np.abs(dielectric).max() <= _CHARGE_TOLERANCE * np.abs(polar.dielectric).max()
        and np.abs(moved - moved[0]).max() <= _POSITION_TOLERANCE * shortest
    )
