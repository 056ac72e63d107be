r"""Operations on in-plane wave vectors that keep the transmission of a junction, by its force constants alone.

An operation is kept if it maps the layers of the device and both leads onto themselves
(`matter.space_groups.bond_symmetry`): then the Green's functions at k and at its image are equal but for a change of
coordinates within each layer, and so is $T(k, \omega)$ at every frequency.  Time reversal adds -W to each W.
"""

import numpy as np

from kapitza.core.arrays import Array, IntArray
from kapitza.core.modal import INTERFACE_SIDES
from kapitza.core.transmission import Side
from kapitza.matter.building.layers import repeat_blocks
from kapitza.matter.junction import Junction, inverse_root_masses
from kapitza.matter.space_groups.bond_symmetry import AtomMapping, BondNetwork, bond_network, find_mappings, is_symmetry

_Bonds = tuple[IntArray, IntArray, IntArray, Array]  # sources, targets, shifts and blocks


def junction_symmetry(junction: Junction, candidates: IntArray) -> IntArray:
    """(m, 2, 2) operations among candidates, from the right on wave vector fractions, that keep every layer, with -W
    of each W; candidates come with their opposites.
    """
    network, start = _junction_network(junction)
    leads = [_lead_network(junction, side) for side in INTERFACE_SIDES]
    half = np.array([w for w in candidates if tuple(w.ravel()) > tuple(-w.ravel())])
    kept = np.array([w for w in half if any(_keeps_junction(junction, network, start, leads, v) for v in (w, -w))])
    return np.concatenate([kept, -kept])


def _keeps_junction(
    junction: Junction, network: BondNetwork, start: IntArray, leads: list[BondNetwork], operation: IntArray
) -> bool:
    """Whether an operation on wave vectors belongs to one on the atoms that keeps the device and both leads."""
    lattice_map = np.round(np.linalg.inv(operation).T).astype(np.int64)
    rotation = _rotation(junction.periods, lattice_map) if junction.directions == 3 else np.eye(1)
    inverse = np.round(np.linalg.inv(lattice_map)).astype(np.int64)
    for found in find_mappings(network, rotation, lattice_map):
        ends = [(0, start[1]), (start[-2], start[-3])]  # layers of either lead, and the layer of the device beside it
        relative = [
            _relative_mapping(found, int(far), int(near), lead.layer.size // 2, inverse)
            for (far, near), lead in zip(ends, leads, strict=True)
        ]
        if all(_continues(lead, step) for lead, step in zip(leads, relative, strict=True)):
            return True
    return False


def _relative_mapping(found: AtomMapping, far: int, near: int, size: int, inverse: IntArray) -> AtomMapping:
    r"""$\sigma_\mathrm{near}^{-1}\sigma_\mathrm{far}$ of two layers of a lead, whose atoms start at these."""
    outer, inner = found.image[far : far + size] - far, found.image[near : near + size] - near
    image = np.argsort(inner)[outer]
    return AtomMapping(image, (found.shift[far : far + size] - found.shift[near : near + size][image]) @ inverse)


def _continues(lead: BondNetwork, step: AtomMapping) -> bool:
    """Whether a mapping of two layers goes on in all others of a lead, for which each is to differ from the one before
    by the same symmetry of the lead, mostly a lattice vector.
    """
    if (step.image == np.arange(step.image.size)).all() and (step.shift == step.shift[0]).all():
        return True
    twice = AtomMapping(np.concatenate([step.image, step.image + step.image.size]), np.tile(step.shift, (2, 1)))
    return is_symmetry(lead, twice, np.eye(lead.block.shape[-1]), np.eye(2, dtype=np.int64))


def _rotation(periods: Array, lattice_map: IntArray) -> Array:
    """(3, 3) orthogonal matrix that takes the periods to `lattice_map` @ periods and keeps the normal."""
    normal = np.cross(periods[0], periods[1])
    normal = normal / np.linalg.norm(normal)
    image = np.linalg.pinv(periods) @ lattice_map @ periods + np.outer(normal, normal)
    left, _, right = np.linalg.svd(image.T)  # the nearest orthogonal matrix: the force constants decide if it holds
    return np.asarray(left @ right, dtype=float)


def _junction_network(junction: Junction) -> tuple[BondNetwork, IntArray]:
    """Device with one layer of each lead, and the number of the first atom of each layer."""
    left, right = (_lead_blocks(junction, side) for side in INTERFACE_SIDES)
    masses = [left[3], *(slab.masses for slab in junction.device), right[3]]
    start = np.concatenate([[0], np.cumsum([one.size for one in masses])])
    d, last = junction.directions, len(junction.device) + 1
    parts: list[_Bonds] = [
        _block_bonds(left[0], left[1], masses[0], masses[0], (0, 0), d),
        *_both_ways(_block_bonds(left[0], left[2], masses[0], masses[1], (0, start[1]), d)),
        _block_bonds(right[0], right[1], masses[last], masses[last], (start[last], start[last]), d),
        *_both_ways(
            _block_bonds(right[0], right[2], masses[last - 1], masses[last], (start[last - 1], start[last]), d)
        ),
    ]
    for i, slab in enumerate(junction.device, 1):
        parts.append(_block_bonds(slab.shifts, slab.onsite, masses[i], masses[i], (start[i], start[i]), d))
        if slab.hop is not None:
            ends = (start[i], start[i + 1])
            parts += _both_ways(_block_bonds(slab.shifts, slab.hop, masses[i], masses[i + 1], ends, d))
    layer = np.repeat(np.arange(len(masses)), [one.size for one in masses])
    return _join_bonds(layer, parts), start


def _lead_network(junction: Junction, side: Side) -> BondNetwork:
    """Two layers of a lead in the periods of the junction."""
    shifts, onsite, hop, masses = _lead_blocks(junction, side)
    n, d = masses.size, junction.directions
    parts = [_block_bonds(shifts, onsite, masses, masses, (at, at), d) for at in (0, n)]
    parts += _both_ways(_block_bonds(shifts, hop, masses, masses, (0, n), d))
    return _join_bonds(np.repeat([0, 1], n), parts)


def _lead_blocks(junction: Junction, side: Side) -> tuple[IntArray, Array, Array, Array]:
    """Shifts, blocks within a layer and to the next one, and masses of a lead in the periods of the junction."""
    lead, tiling = junction.lead(side), junction.tiling(side)
    shifts, onsite = repeat_blocks(lead.shifts, lead.onsite, tiling)
    _, hop = repeat_blocks(lead.shifts, lead.hop, tiling)
    return shifts, onsite, hop, np.tile(lead.masses, len(junction.tiles(side)))


def _block_bonds(
    shifts: IntArray, blocks: Array, rows: Array, columns: Array, start: tuple[int, int], directions: int
) -> _Bonds:
    """Bonds of blocks (nR, f, f') from atoms of masses `rows` to those of masses `columns`, numbered from `start`."""
    weight = inverse_root_masses(rows, directions)[:, None] * inverse_root_masses(columns, directions)
    split = (blocks * weight).reshape(len(shifts), rows.size, directions, columns.size, directions).swapaxes(2, 3)
    strong = np.abs(split).max(axis=(3, 4)) > 0
    r, i, j = np.nonzero(strong)
    return i + start[0], j + start[1], shifts[r], split[r, i, j]


def _both_ways(bonds: _Bonds) -> list[_Bonds]:
    """Bonds to the next layer, and back."""
    source, target, shift, block = bonds
    return [bonds, (target, source, -shift, block.swapaxes(1, 2))]


def _join_bonds(layer: IntArray, parts: list[_Bonds]) -> BondNetwork:
    source, target, shift, block = (np.concatenate(column) for column in zip(*parts, strict=True))
    return bond_network(layer, source, target, shift, block)
