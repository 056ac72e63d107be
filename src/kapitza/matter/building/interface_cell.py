r"""Force constants at an interface from a cell that repeats along the normal, joined to those of the crystals.

Forces of a network fall off slowly, and a free surface changes them many layers deep: in a slab of AlN by some percent
of the largest at 10 Å.  So there is no surface: two crystals follow one another periodically, and of the two
interfaces one is used.  The atoms of the inner layers of the device are displaced; between them, and from them to all
others, force constants are those of this cell.  The outermost layers have those of the crystals.  How much the former
still differ from the latter where they meet is the error of the seam, which is measured, stated and bounded.

Force constants end between layers of whole cells, which are neutral, and in the plane where the supercell ends.  Of the
forces between dipoles those are kept that a potential has learnt within that range; none of longer range is added.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise, product

import numpy as np

from kapitza.core.arrays import Array, BoolArray, IntArray
from kapitza.core.modal import INTERFACE_SIDES
from kapitza.core.transmission import Side
from kapitza.errors import InputError
from kapitza.matter.building.layers import align_blocks, lead_layer
from kapitza.matter.building.stacking import AtomStack, Segment
from kapitza.matter.crystal import Crystal
from kapitza.matter.files.crystals import balanced_crystal, symmetric_blocks
from kapitza.matter.junction import JunctionLayer, largest_constant
from kapitza.matter.periodic import minkowski_basis, nearest_images
from kapitza.matter.potentials.displaced_forces import REST_TOLERANCE, displaced_constants
from kapitza.matter.potentials.force_constants import balance_moments, check_supercell
from kapitza.matter.potentials.force_field import ForceField
from kapitza.matter.potentials.space_group import height_operations, space_group
from kapitza.matter.structure import Structure
from kapitza.units import angstrom

_WIDTH_REACHES = 1.5  # times the reach: shortest in-plane vector of supercells, as wide as those of single crystals
_MAX_REPEATS = 16  # of a cell along either period
_ROUNDING = 1e-7  # of the largest force constant: what is not worth a word


def in_plane_counts(periods: Array, width: float) -> tuple[int, int]:
    """Fewest repeats of two periods (2, 3) that make all vectors of their lattice at least `width` long, m."""
    steps = np.array([step for step in product((-2, -1, 0, 1, 2), repeat=2) if any(step)])
    counts = sorted(product(range(1, _MAX_REPEATS + 1), repeat=2), key=lambda n: (n[0] * n[1], abs(n[0] - n[1])))
    for first, second in counts:
        if np.linalg.norm((steps * [first, second]) @ periods, axis=1).min() >= width * (1 - 1e-6):
            return first, second
    raise InputError(
        f"periods of {np.linalg.norm(periods, axis=1).min() / angstrom:.3g} Å would be repeated more than "
        f"{_MAX_REPEATS} times for forces that reach {width / _WIDTH_REACHES / angstrom:.3g} Å: give a shorter reach"
    )


def layered_crystal(one: Structure, force_field: ForceField) -> Crystal:
    """Force constants of a crystal whose third lattice vector leads to the next layer, by forces at displaced atoms, up
    to the reach of the force field along the normal, but to neighbouring layers at least.
    """
    n, kept, counts = one.masses.size, kept_cells(one, force_field), crystal_counts(one, force_field)
    check_supercell(one, force_field, counts)
    big, values = displaced_constants(one, counts, np.arange(n), force_field, group=space_group(one, REST_TOLERANCE))
    keys, blocks = _fold_rows(one, big, values, np.arange(n))
    near = np.abs(keys[:, 2]) <= kept
    _announce_cut(one.name, force_field, blocks, near, kept * abs(float(one.lattice[2, 2])))
    cells, total = symmetric_blocks(keys[near], blocks[near], n)
    return balanced_crystal(one, cells, balance_moments(cells, total))


def kept_cells(one: Structure, force_field: ForceField) -> int:
    """How many cells along the normal force constants of a crystal reach."""
    return max(1, int(force_field.reach / abs(float(one.lattice[2, 2])) * (1 + 1e-9)))


def crystal_counts(one: Structure, force_field: ForceField) -> tuple[int, int, int]:
    """Repeats of the cell of a crystal in which its atoms are displaced."""
    across = in_plane_counts(one.lattice[:2], _WIDTH_REACHES * force_field.reach)
    return (*across, 2 * kept_cells(one, force_field) + 2)  # no image of an atom is nearer than the atom itself


def interface_counts(periods: Array, force_field: ForceField) -> tuple[int, int, int]:
    """The same of a stack on the `periods` (2, 3) of a junction."""
    return (*in_plane_counts(periods, _WIDTH_REACHES * force_field.reach), 1)


def _fold_rows(one: Structure, big: Structure, values: Array, rows: IntArray) -> tuple[IntArray, Array]:
    """Keys (m, 5) of lattice vector and two atoms, and force constants (m, 3, 3) of the atoms `rows` with all others,
    from those in a supercell, (r, N, 3, 3), each by its nearest images.
    """
    first, second = (index.ravel() for index in np.indices(values.shape[:2]))
    vector = big.positions[second] - one.positions[rows[first]]
    pair, image, share = nearest_images(vector, minkowski_basis(big.lattice))
    first, second = first[pair], second[pair]
    i, j = rows[first], second % one.masses.size
    cells = np.round((image - one.positions[j] + one.positions[i]) @ np.linalg.inv(one.lattice)).astype(np.int64)
    return np.column_stack([cells, i, j]), share[:, None, None] * values[first, second]


def _announce_cut(name: str, force_field: ForceField, blocks: Array, near: BoolArray, depth: float) -> None:
    dropped = float(np.abs(blocks[~near]).max(initial=0.0) / np.abs(blocks).max())
    if force_field.announce is not None and dropped > _ROUNDING:
        force_field.announce(
            f"{name}: force constants, those between dipoles among them, are left out beyond neighbouring layers of "
            f"{depth / angstrom:.3g} Å, the largest of them {100 * dropped:.2g} % of the largest"
        )


def interface_layers(
    stack: AtomStack, segments: Sequence[Segment], periods: Array, force_field: ForceField
) -> tuple[list[JunctionLayer], dict[Side, float]]:
    """Layers of the device of a stack at rest that repeats along the normal, and the error of the seams: by how much
    force constants between the outermost layer and the next one differ from those of the crystals, over the largest.
    """
    atoms, inner, counts = stack.atoms, np.flatnonzero(stack.inner), interface_counts(periods, force_field)
    check_supercell(atoms, force_field, counts)
    big, found = displaced_constants(atoms, counts, inner, force_field, group=height_operations(atoms, REST_TOLERANCE))
    keys, blocks = _fold_rows(atoms, big, found, inner)
    near = _are_kept(stack, segments, keys)
    _announce_cut(atoms.name, force_field, blocks, near, min(segment.lead.thickness for segment in segments))
    shifts, values = _assemble(keys[near], blocks[near], stack.device, inner)
    sizes = np.bincount(stack.layer[stack.device]).tolist()
    part = [slice(int(a), int(b)) for a, b in pairwise(3 * np.cumsum([0, *sizes]))]
    seam: dict[Side, float] = {}
    ends = (segments[0], part[0], part[:2]), (segments[-1], part[-1], part[-2:])
    for side, (segment, outer, pair) in zip(INTERFACE_SIDES, ends, strict=True):
        crystal = lead_layer(segment.lead, segment.grid)
        assert crystal.hop is not None  # noqa: S101
        own = ((crystal.shifts, blocks) for blocks in (crystal.onsite, crystal.hop))
        shifts, (values, onsite, hop) = align_blocks((shifts, values), *own)
        values[:, outer, outer] = onsite
        seam[side] = largest_constant(values[:, pair[0], pair[1]] - hop) / largest_constant(values)
    return stack.cut_device(shifts, values, sizes), seam


def _are_kept(stack: AtomStack, segments: Sequence[Segment], keys: IntArray) -> BoolArray:
    """Whether the atoms of each key are in neighbouring layers of the device and within reach in a crystal."""
    i, j = keys[:, 3], keys[:, 4]
    in_device = (stack.layer[j] >= 0) & (stack.layer[j] < stack.layers)
    near = (keys[:, 2] == 0) & in_device & (np.abs(stack.layer[i] - stack.layer[j]) <= 1)
    kept = np.array([segment.lead.masses.size // segment.cell.masses.size for segment in segments])
    alike = stack.segment[i] == stack.segment[j]
    return near & (~alike | (np.abs(stack.cell[i] - stack.cell[j]) <= kept[stack.segment[i]]))


def _assemble(keys: IntArray, blocks: Array, rows: IntArray, inner: IntArray) -> tuple[IntArray, Array]:
    """In-plane shifts (nR, 2) and force constants (nR, 3m, 3m) among the atoms `rows`: the mean of both orders where
    both of two atoms were displaced.
    """
    place = np.zeros(max(int(rows.max()), int(keys[:, 3:].max())) + 1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    i, j = place[keys[:, 3]], place[keys[:, 4]]
    half = np.where(np.isin(keys[:, 4], inner), 0.5, 1.0)[:, None, None] * blocks
    both = np.concatenate([keys[:, :2], -keys[:, :2]])
    shifts, at = np.unique(both, axis=0, return_inverse=True)
    total = np.zeros((len(shifts), len(rows), len(rows), 3, 3))
    where = (at.reshape(-1), np.concatenate([i, j]), np.concatenate([j, i]))
    np.add.at(total, where, np.concatenate([half, half.swapaxes(1, 2)]))
    size = 3 * len(rows)
    return shifts, total.transpose(0, 1, 3, 2, 4).reshape(len(shifts), size, size)


def describe_seam(name: str, seam: Mapping[Side, float]) -> str:
    """How well the force constants of an interface and of the crystals fit together, in one line."""
    left, right = (f"{100 * seam[side]:.2g} %" for side in INTERFACE_SIDES)
    return (
        f"{name}: where they meet, force constants of the interface cell differ from those of the crystals by {left} "
        f"(left) and {right} (right) of the largest"
    )
