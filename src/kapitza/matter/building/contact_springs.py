r"""Crystals that touch without a bond: van der Waals contacts and sheets between them, by springs per area.

Where no potential describes the contact, its stiffness per area does (measured, or from a binding energy curve).  Each
atom of the upper surface is tied to the atoms of the lower one around it by springs along and across the normal, shared
out by a Gaussian of the distance in the plane, so that together they have the stiffness that was asked for.  A sheet
(graphene, h-BN) between two solids, or on a substrate under a cover, is a layer of the device with two such contacts.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, IntArray, about, quantity
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.building.layers import junction_from_layers, repeat_blocks, widen_blocks
from kapitza.matter.building.matching import (
    MAX_MATCH_AREA,
    MAX_MATCH_STRAIN,
    in_plane_deformation,
    in_plane_periods,
    match_surfaces,
)
from kapitza.matter.building.mixed_junction import balance_layers
from kapitza.matter.building.relaxed_junction import common_grid, corresponding_grid
from kapitza.matter.crystal import Crystal
from kapitza.matter.junction import Junction, JunctionLayer, Lead, supercell_cells
from kapitza.units import angstrom

_HopBlocks = tuple[IntArray, Array]

_SURFACE_DEPTH = 0.5 * angstrom  # atoms within this height of the outermost one are its surface
_SPRING_WIDTH = 1.5 * angstrom  # width over which the springs of an atom are shared out
_SPRING_CUTOFF = 3.0  # spreads: no springs beyond


@frozen
class ContactSprings(BaseRecord):
    """Stiffness of a contact per area.

    Examples
    --------
    >>> from kapitza.lattice import ContactSprings
    >>> bond = ContactSprings(normal=3e19, shear=1e19)
    >>> print(f"{bond.normal:.0e} N/m³ along the normal")
    3e+19 N/m³ along the normal
    """

    normal: float = field(
        validator=quantity(high=1e23), metadata=about("N m^-3", "stiffness of the contact along the normal")
    )
    shear: float = field(
        validator=quantity(low=-1e-300, high=1e23), metadata=about("N m^-3", "stiffness of the contact along the plane")
    )


def spring_junction(
    left: Lead,
    right: Lead,
    springs: ContactSprings,
    *,
    sheet: Crystal | None = None,
    limit: float = MAX_MATCH_STRAIN,
    area: float = MAX_MATCH_AREA,
) -> Junction:
    """Let two crystals touch by springs, a sheet between them if there is one.

    Leads need the positions of their atoms; the right one and the sheet are strained by up to `limit` to the left one,
    in a common cell of up to `area` (m²), and their force constants stay. The first two lattice vectors of a `sheet`
    lie in its plane, and its force constants reach no further.
    """
    if left.positions is None or right.positions is None:
        raise InputError(f"{left.name} and {right.name}: springs need to know where the atoms are (positions)")
    surfaces = [right.periods] if sheet is None else [right.periods, sheet.lattice[:2]]
    fits = [match_surfaces(left.periods, in_plane_periods(one), strain=limit, area=area)[0] for one in surfaces]
    grid = common_grid([fit.left for fit in fits])
    periods = grid @ left.periods
    fitted = strain_lead(right, corresponding_grid(fits[0].left, fits[0].right, grid), periods)
    ends = [lead_layer(left, periods), lead_layer(fitted, periods)]
    middle = (
        [] if sheet is None else [_sheet_layer(sheet, corresponding_grid(fits[1].left, fits[1].right, grid), periods)]
    )
    blocks = [ends[0], ends[0], *middle, ends[1], ends[1]]
    hops = [_contact_constants(low, high, periods, springs) for low, high in pairwise([ends[0], *middle, ends[1]])]
    name = "|".join([left.name, *([] if sheet is None else [sheet.name]), right.name]) + ", springs"
    return join_layers(name, (left, fitted), periods, blocks, hops)


def join_layers(
    name: str,
    leads: tuple[Lead, Lead],
    periods: Array,
    blocks: "Sequence[ContactLayer]",
    contacts: Sequence[_HopBlocks],
) -> Junction:
    """Junction of layers, the first two and the last two of the leads, and force constants across the contacts."""
    hops: list[_HopBlocks] = [(blocks[0].shifts, blocks[0].hop), *contacts, (blocks[-1].shifts, blocks[-1].hop)]
    shifts = np.unique(np.concatenate([*(block.shifts for block in blocks), *(one for one, _ in hops)]), axis=0)
    device = [
        JunctionLayer(
            block.masses,
            shifts,
            widen_blocks(block.shifts, block.onsite, shifts),
            widen_blocks(*hops[i], shifts) if i < len(hops) else None,
            symbols=block.symbols,
        )
        for i, block in enumerate(blocks)
    ]
    return junction_from_layers(name, *leads, periods, balance_layers(tuple(device), leads))


@frozen(eq=False)
class ContactLayer(BaseRecord):
    """A layer in the cell of the junction: atoms (m), force constants within it and to a next layer of its kind."""

    positions: Array
    masses: Array
    symbols: tuple[str, ...]
    shifts: IntArray
    onsite: Array
    hop: Array


def strain_lead(lead: Lead, grid: IntArray, periods: Array) -> Lead:
    """Lead whose lattice vectors in the plane fit the periods; its force constants stay."""
    small = np.linalg.inv(grid.astype(float)) @ periods
    turn = in_plane_deformation(in_plane_periods(lead.periods), in_plane_periods(small))
    assert lead.positions is not None  # noqa: S101
    rotation = np.eye(3)
    u, _, v = np.linalg.svd(turn[:2, :2])
    rotation[:2, :2] = u @ v  # force constants turn with the crystal but are not strained
    rotations = np.kron(np.eye(lead.masses.size), rotation)
    return evolve(
        lead,
        periods=small,
        step=lead.step @ turn,
        positions=lead.positions @ turn,
        onsite=rotations.T @ lead.onsite @ rotations,
        hop=rotations.T @ lead.hop @ rotations,
    )


def lead_layer(lead: Lead, periods: Array) -> ContactLayer:
    """One principal layer of a lead in the cell of the junction."""
    grid = np.round(periods @ np.linalg.pinv(lead.periods)).astype(np.int64)
    corners = supercell_cells(grid)
    assert lead.positions is not None  # noqa: S101
    shifts, onsite = repeat_blocks(lead.shifts, lead.onsite, grid)
    hop = repeat_blocks(lead.shifts, lead.hop, grid)[1]
    where = ((corners @ lead.periods)[:, None] + lead.positions).reshape(-1, 3)
    count = len(corners)
    return ContactLayer(where, np.tile(lead.masses, count), lead.symbols * count, shifts, onsite, hop)


def _sheet_layer(sheet: Crystal, grid: IntArray, periods: Array) -> ContactLayer:
    if sheet.cells[:, 2].any() or np.abs(sheet.lattice[:2, 2]).max() > 1e-6 * np.abs(sheet.lattice).max():
        raise InputError(
            f"{sheet.name} is no sheet: its force constants reach {int(np.abs(sheet.cells[:, 2]).max())} cells along "
            "the third lattice vector, or its first two vectors leave the plane z = 0"
        )
    empty = np.zeros_like(sheet.force_constants)
    lead = Lead(
        name=sheet.name, periods=sheet.lattice[:2], step=[0, 0, abs(sheet.lattice[2, 2])],
        masses=sheet.masses, shifts=sheet.cells[:, :2],
        onsite=sheet.force_constants, hop=empty, positions=sheet.positions, symbols=sheet.symbols,
    )  # fmt: skip
    return lead_layer(strain_lead(lead, grid, periods), periods)


def _contact_constants(low: ContactLayer, high: ContactLayer, periods: Array, springs: ContactSprings) -> _HopBlocks:
    """Force constants from a layer to the one that lies on it, by springs between their outermost planes."""
    below = np.flatnonzero(low.positions[:, 2] > low.positions[:, 2].max() - _SURFACE_DEPTH)
    above = np.flatnonzero(high.positions[:, 2] < high.positions[:, 2].min() + _SURFACE_DEPTH)
    reach = np.ceil(_SPRING_CUTOFF * _SPRING_WIDTH * np.linalg.norm(np.linalg.pinv(periods), axis=0)).astype(int) + 2
    mesh = np.stack(np.meshgrid(*(np.arange(-r, r + 1) for r in reach), indexing="ij"), axis=-1).reshape(-1, 2)
    apart = high.positions[above][:, None] + (mesh @ periods)[:, None, None] - low.positions[below]
    distance = np.linalg.norm(apart[..., :2], axis=-1)  # (R, above, below)
    weight = np.where(distance < _SPRING_CUTOFF * _SPRING_WIDTH, np.exp(-0.5 * (distance / _SPRING_WIDTH) ** 2), 0.0)
    total = weight.sum(axis=(0, 2), keepdims=True)
    if not total.min() > 0:
        raise InputError(
            "an atom of the upper surface has no atom below it within "
            f"{_SPRING_CUTOFF * _SPRING_WIDTH / angstrom:.2g} Å"
        )
    area = float(np.linalg.norm(np.cross(periods[0], periods[1])))
    each = weight / total * (area / len(above))  # each upper atom has an equal area, whatever lies below it
    kept = each.max(axis=(1, 2)) > 0
    part = -each[kept].swapaxes(1, 2)
    values = np.zeros((len(part), len(low.masses), 3, len(high.masses), 3))
    for axis, stiffness in enumerate((springs.shear, springs.shear, springs.normal)):
        plane = np.zeros((len(part), len(low.masses), len(high.masses)))
        plane[:, below[:, None], above] = stiffness * part
        values[:, :, axis, :, axis] = plane
    return mesh[kept], values.reshape(len(values), 3 * len(low.masses), 3 * len(high.masses))
