r"""Leads and junctions from force constants: split into layers, cut out of a joint cell, changed in mass, repeated."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from attrs import evolve
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, IntArray, finite_array, integer_array, positive
from kapitza.core.modal import INTERFACE_SIDES
from kapitza.core.transmission import Side
from kapitza.errors import InputError
from kapitza.matter.crystal import Crystal
from kapitza.matter.junction import (
    Junction,
    JunctionLayer,
    Lead,
    check_symmetric,
    force_imbalance,
    largest_constant,
    row_sums,
    supercell_cells,
)

_NEGLIGIBLE_BLOCK = 1e-12  # of the largest force constant: blocks below it are rounding and are left out
_WORST_SUM_RULE = 5e-2  # of the largest force constant: a source this far from the sum rule is no crystal at rest
_MAX_LAYERS = 1000
# of the largest force constant: by which the outermost layers of a device may differ from the lead
LEAD_TOLERANCE = 1e-3


def lead_from_force_constants(
    name: str,
    lattice: ArrayLike,
    masses: ArrayLike,
    cells: ArrayLike,
    force_constants: ArrayLike,
    *,
    layers: int | None = None,
    positions: ArrayLike | None = None,
    symbols: Sequence[str] = (),
) -> Lead:
    """Split a crystal into principal layers, which reach to their neighbours only, and enforce the acoustic sum rule.

    `lattice` (3, 3) m in rows: two vectors in the plane, the third to the next layer on the right; `cells` (nR, 3) and
    `force_constants` (nR, 3n, 3n) N m⁻¹, or (nR, n, n) in one dimension. A principal layer has `layers` cells along the
    third vector; None takes as few as the forces reach.
    """
    lattice, masses = finite_array(lattice), positive(masses)
    cells, values = integer_array(cells), finite_array(force_constants)
    if lattice.shape != (3, 3) or values.ndim != 3 or cells.shape != (len(values), 3):
        raise InputError(
            f"{name}: lattice {lattice.shape}, cells {cells.shape} and force constants {values.shape}; "
            "wanted (3, 3), (nR, 3) and (nR, 3n, 3n)"
        )
    check_symmetric(name, cells, values)
    size = np.abs(values).max(axis=(1, 2))
    kept = size > _NEGLIGIBLE_BLOCK * size.max(initial=0.0)
    cells, values, size = cells[kept], values[kept], size[kept]
    reach = max(1, int(np.abs(cells[:, 2]).max(initial=1)))
    count = reach if layers is None else layers
    if count < reach:
        lost = float(size[np.abs(cells[:, 2]) > count].max())
        raise InputError(
            f"{name}: force constants of {lost:.3g} N/m ({100 * lost / size.max():.2g} % of the largest) reach "
            f"{reach} cells along the normal, the principal layer has {count}: take {reach} or leave `layers` out"
        )
    shifts, onsite, hop = _principal_blocks(cells, values, count)
    directions = values.shape[-1] // masses.size
    excess = row_sums(onsite + hop, directions) + row_sums(hop.swapaxes(1, 2), directions)
    onsite, residual = _correct_self_terms(name, shifts, onsite, excess, largest_constant(onsite, hop))
    step = lattice[2]
    where = None if positions is None else np.concatenate([finite_array(positions) + i * step for i in range(count)])
    return Lead(
        name=name, periods=lattice[:2], step=count * step, masses=np.tile(masses, count),
        symbols=tuple(symbols) * count, positions=where, shifts=shifts, onsite=onsite, hop=hop, residual=residual,
    )  # fmt: skip


def crystal_lead(crystal: Crystal, layers: int | None = None) -> Lead:
    """Lead of a crystal whose surface faces along z, by default with as few cells in a layer as the forces reach."""
    return lead_from_force_constants(
        crystal.name, crystal.lattice, crystal.masses, crystal.cells, crystal.force_constants,
        layers=layers, positions=crystal.positions, symbols=crystal.symbols,
    )  # fmt: skip


def _principal_blocks(cells: IntArray, values: Array, count: int) -> tuple[IntArray, Array, Array]:
    """In-plane lattice vectors, onsite and hop blocks of principal layers of `count` cells."""
    shifts, place = np.unique(cells[:, :2], axis=0, return_inverse=True)
    size = values.shape[-1]
    onsite = np.zeros((len(shifts), count, size, count, size))
    hop = np.zeros_like(onsite)
    for r, up, block in zip(place.ravel(), cells[:, 2], values, strict=True):
        for i in range(count):
            layer, j = divmod(i + int(up), count)
            if layer in (0, 1):
                (onsite, hop)[layer][r, i, :, j, :] += block
    shape = (len(shifts), count * size, count * size)
    return shifts, onsite.reshape(shape), hop.reshape(shape)


def _correct_self_terms(name: str, shifts: IntArray, onsite: Array, excess: Array, scale: float) -> tuple[Array, float]:
    """Take an imbalance (f, d) out of the self terms; the violation that was there, over `scale`."""
    residual = float(np.abs(excess).max() / scale)
    if residual > _WORST_SUM_RULE:
        raise InputError(
            f"{name}: the acoustic sum rule is broken by {residual:.2e} of the largest force constant; above "
            f"{_WORST_SUM_RULE:g} blocks are missing or the crystal is not at rest"
        )
    if not (shifts == 0).all(axis=1).any():
        raise InputError(f"{name}: no block at the in-plane lattice vector (0, 0)")
    return subtract_self_terms(shifts, onsite, excess), residual


def subtract_self_terms(shifts: IntArray, onsite: Array, excess: Array) -> Array:
    """Onsite blocks whose self terms are less by the symmetric part of an imbalance (f, d)."""
    centre = int(np.flatnonzero((shifts == 0).all(axis=1))[0])
    fixed, d = onsite.copy(), excess.shape[1]
    for atom in range(len(excess) // d):
        here = slice(d * atom, d * (atom + 1))
        fixed[centre, here, here] -= (excess[here] + excess[here].T) / 2  # the rest is a torque, not a force
    return fixed


def junction_from_layers(
    name: str,
    left: Lead,
    right: Lead,
    periods: ArrayLike,
    device: Sequence[JunctionLayer],
    *,
    tolerance: float = LEAD_TOLERANCE,
) -> Junction:
    """Join layers of one relaxed cell to their leads: check the outermost layers, enforce the sum rule.

    The outermost layers may differ from the leads by `tolerance` of the largest force constant: if they differ by more,
    the joint cell is too short, and the interface is felt where the lead begins.
    """
    layers = tuple(device)
    shape = [slab.onsite.shape for slab in layers]
    if not layers or any(len(s) != 3 for s in shape):
        raise InputError(f"{name}: {len(layers)} layers with onsite blocks of shape {shape}, wanted (nR, f, f) each")
    scale = largest_constant(left.onsite, right.onsite, *(slab.onsite for slab in layers))
    rows = force_imbalance(layers, left, right)
    fixed: list[JunctionLayer] = []
    worst = 0.0
    for slab, excess in zip(layers, rows, strict=True):
        onsite, residual = _correct_self_terms(name, slab.shifts, slab.onsite, excess, scale)
        worst = max(worst, residual)
        fixed.append(evolve(slab, onsite=onsite))
    result = Junction(name, finite_array(periods), left, right, tuple(fixed), residual=worst)
    for side in INTERFACE_SIDES:
        difference = lead_deviation(result, side)
        if difference > tolerance * scale:
            raise InputError(
                f"{name}: the outermost layer on the {side} differs from the bulk {result.lead(side).name} by "
                f"{difference:.3g} N/m, {difference / scale:.1e} of the largest force constant (at most "
                f"{tolerance:g}): take more layers of it into the joint cell, or a longer reach of a calculator's "
                "forces"
            )
    return result


def lead_deviation(junction: Junction, side: Side) -> float:
    """Largest difference of the force constants within the outermost layer of a device and within a layer of the lead,
    N m⁻¹.
    """
    slab = junction.device[0 if side == "left" else -1]
    bulk = lead_layer(junction.lead(side), junction.tiling(side))
    _, (own, wanted) = align_blocks((slab.shifts, slab.onsite), (bulk.shifts, bulk.onsite))
    return largest_constant(own - wanted)


def cut_into_layers(
    masses: ArrayLike, shifts: ArrayLike, force_constants: ArrayLike, sizes: Sequence[int], *, periodic: bool = True
) -> list[JunctionLayer]:
    """Cut a joint cell (of a superlattice if `periodic`) into layers of `sizes` atoms from left to right; in-plane
    `shifts` are (nR, 2), `force_constants` (nR, 3n, 3n) N m⁻¹ between the atoms in the order of the layers.
    """
    masses, shifts, values = positive(masses), integer_array(shifts), finite_array(force_constants)
    if sum(sizes) != masses.size or min(sizes, default=0) < 1:
        raise InputError(f"layers of {list(sizes)} atoms are not the {masses.size} atoms of the cell")
    d = values.shape[-1] // masses.size
    bounds = np.cumsum([0, *sizes])
    parts = [slice(d * a, d * b) for a, b in pairwise(bounds)]
    for i, j in zip(*np.triu_indices(len(parts), 2), strict=True):
        far = largest_constant(values[:, parts[i], parts[j]])
        if far > _NEGLIGIBLE_BLOCK * largest_constant(values) and not (periodic and (i, j) == (0, len(parts) - 1)):
            raise InputError(
                f"forces of {far:.3g} N/m reach from layer {i} to layer {j}, beyond the next one: take thicker layers"
            )
    hops = [*(values[:, low, high] for low, high in pairwise(parts)), None]
    return [
        JunctionLayer(own, shifts, values[:, part, part], hop)
        for own, part, hop in zip(np.split(masses, bounds[1:-1]), parts, hops, strict=True)
    ]


def mass_junction(
    lead: Lead, left_mass: ArrayLike, right_mass: ArrayLike, *, device: Sequence[ArrayLike] | None = None
) -> Junction:
    r"""One crystal with masses (kg) of two sides, or of each layer of the `device`: only the masses scatter. Between
    atoms of two masses the mass-weighted block is $\Phi/\sqrt{m_im_j}$.
    """
    n = lead.masses.size
    sides = [evolve(lead, masses=np.broadcast_to(positive(mass), n)) for mass in (left_mass, right_mass)]
    layers = [side.masses for side in sides] if device is None else [np.broadcast_to(positive(m), n) for m in device]
    made = [
        JunctionLayer(mass, lead.shifts, lead.onsite, None if i + 1 == len(layers) else lead.hop, symbols=lead.symbols)
        for i, mass in enumerate(layers)
    ]
    return Junction(f"{lead.name}, two masses", lead.periods, sides[0], sides[1], tuple(made), residual=lead.residual)


def chain_junction(
    left: tuple[float, float], right: tuple[float, float], *, bond: float, area: float = 1.0, spacing: float = 1e-10
) -> Junction:
    """Two chains of masses (kg) and springs (N m⁻¹) in one dimension, tied by the spring `bond` (N m⁻¹)."""
    positive([area, spacing])
    periods = np.sqrt(area) * np.eye(2, 3)
    step, shifts = np.array([0, 0, spacing]), np.zeros((1, 2), dtype=np.int64)
    leads = [
        Lead(
            name=f"chain {side}", periods=periods, step=step, masses=[mass], shifts=shifts,
            onsite=chain_block(2 * spring), hop=chain_block(-spring),
        )
        for side, (mass, spring) in (("left", left), ("right", right))
    ]  # fmt: skip
    ends = (
        JunctionLayer([left[0]], shifts, chain_block(left[1] + bond), chain_block(-bond)),
        JunctionLayer([right[0]], shifts, chain_block(right[1] + bond), None),
    )
    return Junction("chain", periods, leads[0], leads[1], ends)


def chain_block(value: float) -> Array:
    """(1, 1, 1) force constant of a chain."""
    return np.full((1, 1, 1), value)


def repeat_blocks(shifts: IntArray, blocks: Array, tiling: IntArray) -> tuple[IntArray, Array]:
    """Blocks between layers in a larger cell, whose periods are `tiling` @ periods; atom i of cell j is j n + i."""
    cells = supercell_cells(tiling)
    m = len(cells)
    place = {tuple(cell): j for j, cell in enumerate(cells.tolist())}
    target = cells[:, None, :] + shifts
    outer = np.floor(target @ np.linalg.inv(tiling) + 1e-9).astype(np.int64)
    inner = target - outer @ tiling
    found, at = np.unique(outer.reshape(-1, 2), axis=0, return_inverse=True)
    at = at.reshape(outer.shape[:2])
    rows, columns = blocks.shape[1:]
    big = np.zeros((len(found), m, rows, m, columns))
    for a in range(m):
        for r in range(len(shifts)):
            big[at[a, r], a, :, place[tuple(inner[a, r].tolist())], :] += blocks[r]
    return found, big.reshape(len(found), m * rows, m * columns)


def lead_layer(lead: Lead, tiling: IntArray) -> JunctionLayer:
    """One layer of a lead with the hop to the next, in a cell whose periods are `tiling` @ those of the lead."""
    cells = supercell_cells(tiling)
    shifts, onsite = repeat_blocks(lead.shifts, lead.onsite, tiling)
    _, hop = repeat_blocks(lead.shifts, lead.hop, tiling)
    corners = (cells @ lead.periods)[:, None]
    positions = None if lead.positions is None else (corners + lead.positions).reshape(-1, 3)
    masses, symbols = np.tile(lead.masses, len(cells)), lead.symbols * len(cells)
    return JunctionLayer(masses, shifts, onsite, hop, positions=positions, symbols=symbols)


def align_blocks(*parts: tuple[IntArray, Array]) -> tuple[IntArray, list[Array]]:
    """All lattice vectors (nR, 2) of some blocks, and the blocks of each at all of them, zero where there were none."""
    shifts = np.unique(np.concatenate([own for own, _ in parts]), axis=0)
    place = {tuple(shift): i for i, shift in enumerate(shifts.tolist())}
    aligned: list[Array] = []
    for own, blocks in parts:
        wide = np.zeros((len(shifts), *blocks.shape[1:]))
        wide[[place[tuple(shift)] for shift in own.tolist()]] = blocks
        aligned.append(wide)
    return shifts, aligned


def bond_weights(blocks: Array) -> Array:
    """(nR, n, n') squared force constants between two atoms, (N m⁻¹)²."""
    count, f, g = blocks.shape
    return np.asarray((blocks.reshape(count, f // 3, 3, g // 3, 3) ** 2).sum(axis=(2, 4)), dtype=float)


def join_junctions(first: Junction, second: Junction, layers: int = 0) -> Junction:
    """Put two junctions behind one another: the right lead of the first becomes a film in front of the second.

    Exact for the force constants of both; any number of interfaces come about by doing it again.

    Parameters
    ----------
    first, second : the right lead of `first` and the left lead of `second` are the same crystal, in the same periods
    layers : principal layers of that crystal between the two devices

    Raises
    ------
    InputError
        if the crystals or the periods differ
    """
    lead, other, last = first.right, second.left, first.device[-1]
    tiling = first.tiling("right")
    alike = lead.onsite.shape == other.onsite.shape and np.array_equal(tiling, second.tiling("left"))
    if not alike or largest_constant(
        lead.onsite - other.onsite, lead.hop - other.hop
    ) > LEAD_TOLERANCE * largest_constant(lead.onsite):
        raise InputError(
            f"{first.name} ends with {lead.name}, {second.name} starts with {other.name}: wanted one crystal, with the "
            "same strain and cell, between the two"
        )
    if not 0 <= layers <= _MAX_LAYERS:
        raise InputError(f"layers = {layers}: wanted 0 to {_MAX_LAYERS} principal layers between the junctions")
    film = evolve(lead_layer(lead, tiling), positions=None)
    assert film.hop is not None  # noqa: S101
    shifts, (onsite, hop) = align_blocks((last.shifts, last.onsite), (film.shifts, film.hop))
    final = evolve(last, shifts=shifts, onsite=onsite, hop=hop)
    device = (*first.device[:-1], final, *([film] * layers), *second.device)
    residual = max(first.residual, second.residual)
    return Junction(f"{first.name} + {second.name}", first.periods, first.left, second.right, device, residual=residual)
