r"""Leads of unequal lattices that touch: by springs per area, or by the forces of both crystals continued.

Where no potential describes a van der Waals contact, its stiffness per area does (measured, or from a binding energy
curve).  Each atom of the upper surface is tied to the atoms of the lower one around it by springs along and across the
normal, shared out by a Gaussian of the distance in the plane, so that together they have the stiffness that was asked
for.  A sheet (graphene, h-BN) between two solids, or on a substrate under a cover, is a layer with two such contacts.

Were the left crystal continued, its atoms i would be tied to sites j beyond the plane by its own force constants
$\Phi_{ij}$.  In place of a site there are atoms b of the right crystal near it, which move with it by weights
$W_{jb}$ that add up to 1: a Gaussian of the distance in space.  So does the right crystal reach into the left one, and
the mean of both holds,
$$\Phi_{ib} = \tfrac12\Big(\sum_j\Phi^L_{ij}W_{jb} + \sum_{j'}W'_{j'i}\Phi^R_{j'b}\Big),$$
scaled along and across the normal to the stiffness of the contact; self terms follow from the acoustic sum rule.  Two
halves of one crystal so are the whole one, and crystals of one structure join as by `junction_from_crystals`, at all
depths that forces reach; springs between outermost planes reflect waves even there.
"""

from collections.abc import Sequence
from itertools import pairwise, product

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, IntArray, about, quantity
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.building import matching
from kapitza.matter.building.layers import align_blocks, bond_weights, junction_from_layers, lead_layer
from kapitza.matter.building.mixed_junction import balance_layers
from kapitza.matter.crystal import Crystal
from kapitza.matter.junction import Junction, JunctionLayer, Lead, cell_area
from kapitza.units import angstrom

_PLANE_DEPTH = 0.5 * angstrom  # atoms within this height of the outermost one are its surface, or may lie on a site
_SPRING_WIDTH = 1.5 * angstrom  # width over which the springs of an atom are shared out
_SPRING_CUTOFF = 3.0  # spreads: no springs beyond
_SITE_SPREAD = 0.4 * angstrom  # of the weights of atoms near a site
_NEGLIGIBLE_WEIGHT = 1e-4
_PLACES_PER_PERIOD = 12  # at which the right crystal is tried on the left one
_SAME_PLACE = 1e-3 * angstrom  # distances of places that fit equally well
_MAX_EQUAL = 16  # of places that fit equally well
_MAX_CANDIDATES = 200  # places where an atom lies on a site that are tried

_Blocks = tuple[IntArray, Array]  # (nR, 2) in-plane lattice vectors, a matrix for each


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
    limit: float = matching.MAX_MATCH_STRAIN,
    area: float = matching.MAX_MATCH_AREA,
) -> Junction:
    """Let two crystals touch by springs, a sheet between them if there is one.

    Leads need the positions of their atoms; the right one and the sheet are strained by up to `limit` to the left one,
    in a common cell of up to `area` (m²), and their force constants stay. The first two lattice vectors of a `sheet`
    lie in its plane, and its force constants reach no further.
    """
    if left.positions is None or right.positions is None:
        raise InputError(f"{left.name} and {right.name}: springs need to know where the atoms are (positions)")
    surfaces = [right.periods] if sheet is None else [right.periods, sheet.lattice[:2]]
    fits = [
        matching.match_surfaces(left.periods, matching.in_plane_periods(one), strain=limit, area=area)[0]
        for one in surfaces
    ]
    grid, grids = matching.common_cell(fits)
    periods = grid @ left.periods
    fitted = _strain_lead(right, grids[0], periods)
    names, layers = [left.name, right.name], [lead_layer(left, grid), lead_layer(fitted, grids[0])]
    if sheet is not None:
        names.insert(1, sheet.name)
        layers.insert(1, lead_layer(_strain_lead(_sheet_lead(sheet), grids[1], periods), grids[1]))
    contacts = [_spring_constants(low, high, periods, springs) for low, high in pairwise(layers)]
    return _join_contacts(f"{'|'.join(names)}, springs", (left, fitted), periods, layers, contacts)


def continued_junction(
    left: Lead,
    right: Lead,
    stiffness: ContactSprings | None = None,
    *,
    spread: float = _SITE_SPREAD,
    limit: float = matching.MAX_MATCH_STRAIN,
    area: float = matching.MAX_MATCH_AREA,
) -> Junction:
    """Join two crystals of any lattices, whose leads have positions, by the force constants of both, continued across
    the plane. The right one is strained to the left one by up to `limit`, in a common cell of up to `area` (m²); its
    force constants stay.

    `stiffness` is that of the contact per area, for a rigid displacement of one crystal; None: the mean of both
    crystals'. `spread` is the standard deviation of the weights of atoms near a site, m.
    """
    if left.positions is None or right.positions is None:
        raise InputError(f"{left.name} and {right.name}: sites need to know where the atoms are (positions)")
    if not spread > 0:
        raise InputError(f"spread = {spread:g} m, wanted above 0")
    made: list[tuple[Lead, _Continuation]] = []
    for fit in matching.equal_matches(
        matching.match_surfaces(left.periods, matching.in_plane_periods(right.periods), strain=limit, area=area)
    ):
        periods = fit.left @ left.periods
        fitted = _strain_lead(right, fit.right, periods)
        ends = lead_layer(left, fit.left), lead_layer(fitted, fit.right)
        made.append((fitted, _continue_lattices(ends, (left.step, fitted.step), periods, spread)))
    nearest = min(contact.distance for _, contact in made)
    fitted, contact = min(
        (one for one in made if one[1].distance <= nearest + _SAME_PLACE), key=lambda one: one[1].disagreement
    )
    hop = contact.hop if stiffness is None else _scale_to_stiffness(contact.hop, stiffness, cell_area(contact.periods))
    name = f"{left.name}|{right.name}, continued"
    return _join_contacts(name, (left, fitted), contact.periods, contact.ends, [(contact.shifts, hop)])


def _join_contacts(
    name: str, leads: tuple[Lead, Lead], periods: Array, layers: Sequence[JunctionLayer], contacts: Sequence[_Blocks]
) -> Junction:
    """Junction of layers, the first and the last of the leads and each of these twice, and the force constants across
    the contacts between them.
    """
    first, last = layers[0], layers[-1]
    assert first.hop is not None  # noqa: S101
    assert last.hop is not None  # noqa: S101
    device = [first, *layers, last]
    hops = [(first.shifts, first.hop), *contacts, (last.shifts, last.hop)]
    shifts, blocks = align_blocks(*((layer.shifts, layer.onsite) for layer in device), *hops)
    device = [
        evolve(layer, shifts=shifts, onsite=onsite, hop=hop, positions=None)
        for layer, onsite, hop in zip(device, blocks, [*blocks[len(device) :], None], strict=False)
    ]
    return junction_from_layers(name, *leads, periods, balance_layers(tuple(device), leads))


def _strain_lead(lead: Lead, grid: IntArray, periods: Array) -> Lead:
    """Lead whose lattice vectors in the plane fit the periods; its force constants turn with it and are not
    strained.
    """
    small = np.linalg.inv(grid.astype(float)) @ periods
    turn = matching.in_plane_deformation(matching.in_plane_periods(lead.periods), matching.in_plane_periods(small))
    assert lead.positions is not None  # noqa: S101
    rotation = np.eye(3)
    u, _, v = np.linalg.svd(turn[:2, :2])
    rotation[:2, :2] = u @ v
    rotations = np.kron(np.eye(lead.masses.size), rotation)
    return evolve(
        lead,
        periods=small,
        step=lead.step @ turn,
        positions=lead.positions @ turn,
        onsite=rotations.T @ lead.onsite @ rotations,
        hop=rotations.T @ lead.hop @ rotations,
    )


def _sheet_lead(sheet: Crystal) -> Lead:
    if sheet.cells[:, 2].any() or np.abs(sheet.lattice[:2, 2]).max() > 1e-6 * np.abs(sheet.lattice).max():
        raise InputError(
            f"{sheet.name} is no sheet: its force constants reach {int(np.abs(sheet.cells[:, 2]).max())} cells along "
            "the third lattice vector, or its first two vectors leave the plane z = 0"
        )
    return Lead(
        name=sheet.name, periods=sheet.lattice[:2], step=[0, 0, abs(sheet.lattice[2, 2])],
        masses=sheet.masses, shifts=sheet.cells[:, :2], onsite=sheet.force_constants,
        hop=np.zeros_like(sheet.force_constants), positions=sheet.positions, symbols=sheet.symbols,
    )  # fmt: skip


def _spring_constants(low: JunctionLayer, high: JunctionLayer, periods: Array, springs: ContactSprings) -> _Blocks:
    """Force constants from a layer to the one that lies on it, by springs between their outermost planes."""
    assert low.positions is not None  # noqa: S101
    assert high.positions is not None  # noqa: S101
    below = np.flatnonzero(low.positions[:, 2] > low.positions[:, 2].max() - _PLANE_DEPTH)
    above = np.flatnonzero(high.positions[:, 2] < high.positions[:, 2].min() + _PLANE_DEPTH)
    reach = np.ceil(_SPRING_CUTOFF * _SPRING_WIDTH * np.linalg.norm(np.linalg.pinv(periods), axis=0)).astype(int) + 2
    mesh = np.array(list(product(*(range(-r, r + 1) for r in reach))))
    apart = high.positions[above][:, None] + (mesh @ periods)[:, None, None] - low.positions[below]
    distance = np.linalg.norm(apart[..., :2], axis=-1)  # (R, above, below)
    weight = np.where(distance < _SPRING_CUTOFF * _SPRING_WIDTH, np.exp(-0.5 * (distance / _SPRING_WIDTH) ** 2), 0.0)
    total = weight.sum(axis=(0, 2), keepdims=True)
    if not total.min() > 0:
        raise InputError(
            "an atom of the upper surface has no atom below it within "
            f"{_SPRING_CUTOFF * _SPRING_WIDTH / angstrom:.2g} Å"
        )
    each = weight / total * (cell_area(periods) / len(above))  # each upper atom has an equal area
    kept = each.max(axis=(1, 2)) > 0
    part = -each[kept].swapaxes(1, 2)
    values = np.zeros((len(part), len(low.masses), 3, len(high.masses), 3))
    for axis, stiffness in enumerate((springs.shear, springs.shear, springs.normal)):
        plane = np.zeros((len(part), len(low.masses), len(high.masses)))
        plane[:, below[:, None], above] = stiffness * part
        values[:, :, axis, :, axis] = plane
    return mesh[kept], values.reshape(len(values), 3 * len(low.masses), 3 * len(high.masses))


@frozen(eq=False)
class _Continuation(BaseRecord):
    ends: tuple[JunctionLayer, JunctionLayer]  # the layers on both sides
    periods: Array  # (2, 3) m
    shifts: IntArray  # (nR, 2) in-plane lattice vectors
    hop: Array  # (nR, f, f') N m⁻¹
    distance: float  # m, root mean square of sites and the nearest atoms, weighted by force constants
    disagreement: float  # of both crystals on these force constants, root of the sum of squares, N m⁻¹


def _continue_lattices(
    ends: tuple[JunctionLayer, JunctionLayer], steps: tuple[Array, Array], periods: Array, spread: float
) -> _Continuation:
    """Force constants from the last layer of the left to the first of the right crystal, where sites fit best, and of
    equal places where both crystals agree most.
    """
    low, high = ends
    assert low.positions is not None  # noqa: S101
    assert high.positions is not None  # noqa: S101
    assert low.hop is not None  # noqa: S101
    assert high.hop is not None  # noqa: S101
    below, above = low.positions[:, 2], high.positions[:, 2]
    # the plane at height 0, halfway between the highest atom of a layer and the lowest of the next
    atoms = low.positions - [0, 0, below.max() + (steps[0][2] - np.ptp(below)) / 2]
    others = high.positions - [0, 0, above.min() - (steps[1][2] - np.ptp(above)) / 2]
    sites, there = atoms + steps[0], others - steps[1]
    # squared force constants across the plane of each atom of the next layer, and of the one before
    tied = bond_weights(low.hop).sum(axis=(0, 1)), bond_weights(high.hop).sum(axis=(0, 2))
    found: _Continuation | None = None
    for shift, distance in _best_shifts((atoms, sites), (others, there), tied, periods):
        onto = site_weights(sites, others + shift, periods, spread)
        back = site_weights(there + shift, atoms, periods, spread)
        # from the sites of the layer before, so that both orders are exchanged
        mirrored = _onto_atoms((-high.shifts, high.hop.swapaxes(1, 2)), back)
        forces = _onto_atoms((low.shifts, low.hop), onto), (-mirrored[0], mirrored[1].swapaxes(1, 2))
        shifts, (left, right) = align_blocks(*forces)
        apart = float(np.sqrt(np.square(left - right).sum()))
        if found is None or apart < found.disagreement * (1 - 1e-6):
            found = _Continuation(ends, periods, shifts, (left + right) / 2, distance, apart)
    assert found is not None  # noqa: S101
    return found


def _onto_atoms(forces: _Blocks, weights: _Blocks) -> _Blocks:
    """Force constants to sites (nR, f, f), handed to the atoms near these by weights (nS, sites, atoms)."""
    blocks: dict[tuple[int, int], Array] = {}
    spread = [np.kron(weight, np.eye(3)) for weight in weights[1]]
    for r, constants in zip(forces[0].tolist(), forces[1], strict=True):
        for s, weight in zip(weights[0].tolist(), spread, strict=True):
            key = (r[0] + s[0], r[1] + s[1])
            blocks[key] = blocks.get(key, 0.0) + constants @ weight
    return np.array(list(blocks)), np.array(list(blocks.values()))


def site_weights(sites: Array, atoms: Array, periods: Array, spread: float) -> _Blocks:
    """Weights of atoms near each site, of which each site's add up to 1: a Gaussian of the distance in space."""
    mesh, apart = _distances(sites, atoms, periods)
    nearest = apart.min(axis=(0, 2), keepdims=True)
    weight = np.exp(-(np.square(apart) - np.square(nearest)) / (2 * spread**2))
    weight[weight < _NEGLIGIBLE_WEIGHT] = 0.0
    weight /= weight.sum(axis=(0, 2), keepdims=True)
    some = weight.any(axis=(1, 2))
    return mesh[some], weight[some]


def _scale_to_stiffness(hop: Array, stiffness: ContactSprings, area: float) -> Array:
    """Force constants (nR, f, f') across a plane that resist a rigid displacement as is wanted, axis by axis."""
    now = np.diag(rigid_stiffness(hop)) / area
    if not now.min() > 0:
        raise InputError(f"stiffness of the continued crystals {now.tolist()} N m⁻³, wanted above 0 along all axes")
    wanted = np.array([stiffness.shear, stiffness.shear, stiffness.normal])
    factor = np.sqrt(wanted / np.array([now[:2].mean(), now[:2].mean(), now[2]]))
    rows, columns = (np.tile(factor, size // 3) for size in hop.shape[1:])
    return np.asarray(rows[:, None] * hop * columns, dtype=float)


def rigid_stiffness(hop: Array) -> Array:
    """(3, 3) force across a plane over a rigid displacement, by force constants (nR, f, f') that cross it, N m⁻¹."""
    count, f, g = hop.shape
    return np.asarray(-hop.reshape(count, f // 3, 3, g // 3, 3).sum(axis=(0, 1, 3)), dtype=float)


def _distances(sites: Array, atoms: Array, periods: Array) -> tuple[IntArray, Array]:
    """(nS, 2) lattice vectors, and (nS, sites, atoms) distances of atoms moved by them from sites, m."""
    flat = np.linalg.pinv(periods)
    middle = np.round((sites.mean(axis=0) - atoms.mean(axis=0)) @ flat).astype(np.int64)
    spans = sum(np.abs((some - some.mean(axis=0)) @ flat).max(axis=0) for some in (atoms, sites))
    reach = np.ceil(spans).astype(int) + 1
    mesh = np.array(list(product(*(range(-r, r + 1) for r in reach)))) + middle
    moved = atoms + (mesh @ periods)[:, None]
    return mesh, np.linalg.norm(moved[:, None] - sites[:, None], axis=-1)


def _best_shifts(
    left: tuple[Array, Array], right: tuple[Array, Array], tied: tuple[Array, Array], periods: Array
) -> list[tuple[Array, float]]:
    """(3,) shifts of the right crystal along the plane that bring its atoms nearest to the sites of the left one, and
    the left one's to its own; and the distance that is left, m. Atoms, then sites, of either; `tied` is the weight of
    each site.
    """
    (atoms, sites), (others, there) = left, right
    first = sites[sites[:, 2] < sites[:, 2].min() + _PLANE_DEPTH]
    lowest = others[others[:, 2] < others[:, 2].min() + _PLANE_DEPTH]
    on_sites = (first[:, None] - lowest).reshape(-1, 3)[:_MAX_CANDIDATES, :2]
    steps = np.arange(_PLACES_PER_PERIOD) / _PLACES_PER_PERIOD
    grid = np.array(list(product(steps, steps))) @ periods[:, :2]
    shifts = np.column_stack([np.concatenate([on_sites, grid]), np.zeros(len(on_sites) + len(grid))])
    missed = np.empty(len(shifts))
    for i, shift in enumerate(shifts):
        onto = _distances(sites, others + shift, periods)[1].min(axis=(0, 2))
        back = _distances(there + shift, atoms, periods)[1].min(axis=(0, 2))
        missed[i] = float(tied[0] @ np.square(onto)) + float(tied[1] @ np.square(back))
    missed /= tied[0].sum() + tied[1].sum()
    order = np.argsort(missed, kind="stable")[:_MAX_EQUAL]
    equal = order[missed[order] <= missed.min() + _SAME_PLACE**2]
    return [(shifts[i], float(np.sqrt(missed[i]))) for i in equal]
