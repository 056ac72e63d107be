r"""Operations on wave vectors that keep the frequencies of a crystal, by its force constants and charges alone.

So what counts is the symmetry of the force constants themselves, magnetic order and strain included.  Force constants
from files carry the noise of the calculation that made them, far above rounding, so that the tolerance is wider here.
"""

import numpy as np

from kapitza.core.arrays import Array, IntArray
from kapitza.matter.brillouin import inversion_representatives, lattice_operations
from kapitza.matter.crystal import Crystal
from kapitza.matter.junction import SQUARE_PICOSECOND
from kapitza.matter.space_groups.bond_symmetry import AtomMapping, BondNetwork, bond_network, find_mappings

_FORCE_TOLERANCE = 1e-5  # of the blocks of two atoms on themselves: noise of force constants from files
_CHARGE_TOLERANCE = 1e-3  # of the largest charge or dielectric constant
_POSITION_TOLERANCE = 1e-4  # of the shortest lattice vector


def crystal_operations(crystal: Crystal) -> IntArray:
    r"""(k, 3, 3) integer matrices that keep every frequency, acting from the right on fractional wave vectors. With
    each W comes -W, because $\omega(-q) = \omega(q)$.
    """
    n = crystal.masses.size
    weighted = (crystal.force_constants * crystal.weights * SQUARE_PICOSECOND).reshape(-1, n, 3, n, 3).swapaxes(2, 3)
    cell, i, j = np.nonzero(np.abs(weighted).max(axis=(3, 4)) > 0)
    layer = np.zeros(n, dtype=np.int64)
    network = bond_network(layer, i, j, crystal.cells[cell], weighted[cell, i, j], tolerance=_FORCE_TOLERANCE)
    kept = [
        np.round(np.linalg.inv(operation).T)
        for operation in inversion_representatives(lattice_operations(crystal.lattice))
        if any(_keeps_crystal(crystal, network, one) for one in (operation, -operation))
    ]
    found = np.array(kept).astype(np.int64)
    return np.concatenate([found, -found])


def _keeps_crystal(crystal: Crystal, network: BondNetwork, operation: IntArray) -> bool:
    """Whether an operation, from the right on integer lattice vectors, keeps force constants and charges."""
    image = np.linalg.solve(crystal.lattice, operation @ crystal.lattice)  # vectors in rows turn as v @ image
    left, _, right = np.linalg.svd(image.T)
    rotation = np.asarray(left @ right, dtype=float)
    return any(_keeps_charges(crystal, rotation, found) for found in find_mappings(network, rotation, operation))


def _keeps_charges(crystal: Crystal, rotation: Array, found: AtomMapping) -> bool:
    """Whether the long-range forces of a polar crystal are kept too."""
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
