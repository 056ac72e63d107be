r"""Crystals of unequal lattices joined by the forces of both: each goes on beyond the plane, onto the other's atoms.

Were the left crystal continued, its atoms i would be tied to sites j beyond the plane by its own force constants
$\Phi_{ij}$.  In place of a site there are atoms b of the right crystal near it, which move with it by weights
$W_{jb}$ that add up to 1: a Gaussian of the distance in space.  So does the right crystal reach into the left one, and
the mean of both holds,
$$\Phi_{ib} = \tfrac12\Big(\sum_j\Phi^L_{ij}W_{jb} + \sum_{j'}W'_{j'i}\Phi^R_{j'b}\Big),$$
scaled along and across the normal to the stiffness of the contact; self terms follow from the acoustic sum rule.  Two
halves of one crystal so are the whole one, and crystals of one structure join as by `junction_from_crystals`, at all
depths that forces reach; springs between outermost planes (`spring_junction`) reflect waves even there.
"""

from itertools import product

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array, IntArray
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.building.contact_springs import ContactLayer, ContactSprings, join_layers, lead_layer, strain_lead
from kapitza.matter.building.layers import widen_blocks
from kapitza.matter.building.matching import (
    MAX_MATCH_AREA,
    MAX_MATCH_STRAIN,
    SurfaceMatch,
    in_plane_periods,
    match_surfaces,
)
from kapitza.matter.junction import Junction, Lead
from kapitza.units import angstrom

_SITE_SPREAD = 0.4 * angstrom  # of the weights of atoms near a site
_NEGLIGIBLE_WEIGHT = 1e-4
_PLACES_PER_PERIOD = 12  # at which the right crystal is tried on the left one
_PLANE_DEPTH = 0.5 * angstrom  # atoms within this height of the outermost one may lie on a site
_SAME_PLACE = 1e-3 * angstrom  # distances of places that fit equally well
_SAME_STRAIN = 1e-4
_MAX_EQUAL = 16  # of places that fit equally well
_MAX_CANDIDATES = 200  # places where an atom lies on a site that are tried

_Blocks = tuple[IntArray, Array]  # (nR, 2) in-plane lattice vectors, a matrix for each


@frozen(eq=False)
class ContinuedContact(BaseRecord):
    """Force constants across a contact: from atoms of the left to atoms of the right crystal."""

    shifts: IntArray  # (nR, 2) in-plane lattice vectors
    hop: Array  # (nR, f, f') N m⁻¹
    distance: float  # m, root mean square of sites and the nearest atoms, weighted by force constants
    disagreement: float  # of both crystals on these force constants, root of the sum of squares, N m⁻¹
    periods: Array  # (2, 3) m

    @property
    def area(self) -> float:
        """Area of the cell, m²."""
        return float(np.linalg.norm(np.cross(self.periods[0], self.periods[1])))


def continued_junction(
    left: Lead,
    right: Lead,
    stiffness: ContactSprings | None = None,
    *,
    spread: float = _SITE_SPREAD,
    limit: float = MAX_MATCH_STRAIN,
    area: float = MAX_MATCH_AREA,
) -> Junction:
    """Join two crystals of any lattices by the force constants of both, continued across the plane.

    Parameters
    ----------
    left, right : leads that know the positions of their atoms; the right one is strained to the left one, its force
        constants stay
    stiffness : of the contact per area, for a rigid displacement of one crystal; None: the mean of both crystals'
    spread : standard deviation of the weights of atoms near a site, m
    limit, area : largest strain, and largest common cell (m²)

    Raises
    ------
    InputError
        for leads without positions, a spread that is not above zero, and as `match_surfaces`
    """
    if left.positions is None or right.positions is None:
        raise InputError(f"{left.name} and {right.name}: sites need to know where the atoms are (positions)")
    if not spread > 0:
        raise InputError(f"spread = {spread:g} m, wanted above 0")
    made = [_fit_contact(left, right, fit, spread) for fit in _equal_fits(left.periods, right.periods, limit, area)]
    nearest = min(contact.distance for _, _, contact in made)
    fitted, ends, contact = min(
        (one for one in made if one[2].distance <= nearest + _SAME_PLACE), key=lambda one: one[2].disagreement
    )
    periods = contact.periods
    hop = contact.hop if stiffness is None else scale_to_stiffness(contact.hop, stiffness, contact.area)
    name = f"{left.name}|{right.name}, continued"
    return join_layers(name, (left, fitted), periods, [*ends[:1] * 2, *ends[1:] * 2], [(contact.shifts, hop)])


def _equal_fits(left: Array, right: Array, limit: float, area: float) -> list[SurfaceMatch]:
    """Common cells of the least area that are strained alike: they differ in the twist."""
    fits = match_surfaces(left, in_plane_periods(right), strain=limit, area=area)
    best = fits[0]
    return [
        fit
        for fit in fits
        if fit.area < best.area * (1 + 1e-6) and abs(fit.strain[0]) < abs(best.strain[0]) + _SAME_STRAIN
    ]


def _fit_contact(
    left: Lead, right: Lead, fit: SurfaceMatch, spread: float
) -> tuple[Lead, tuple[ContactLayer, ContactLayer], ContinuedContact]:
    """The right lead in the common cell, the layers at the plane, and the force constants across it."""
    periods = fit.left @ left.periods
    fitted = strain_lead(right, fit.right, periods)
    ends = lead_layer(left, periods), lead_layer(fitted, periods)
    return fitted, ends, continued_contact(ends, (left.step, fitted.step), periods, spread)


def continued_contact(
    ends: tuple[ContactLayer, ContactLayer], steps: tuple[Array, Array], periods: Array, spread: float
) -> ContinuedContact:
    """Force constants from the last layer of the left to the first of the right crystal, where sites fit best, and of
    equal places where both crystals agree most.
    """
    low, high = ends
    atoms = low.positions - [0, 0, low.positions[:, 2].max() + _gap(low, steps[0]) / 2]  # the plane at height 0
    others = high.positions - [0, 0, high.positions[:, 2].min() - _gap(high, steps[1]) / 2]
    sites, there = atoms + steps[0], others - steps[1]
    best, found = np.inf, None
    for shift, distance in _best_shifts((atoms, sites), (others, there), ends, periods):
        onto = site_weights(sites, others + shift, periods, spread)
        back = site_weights(there + shift, atoms, periods, spread)
        one, other = _onto_atoms((low.shifts, low.hop), onto), _from_atoms((high.shifts, high.hop), back)
        every = np.unique(np.concatenate([one[0], other[0]]), axis=0)
        left, right = widen_blocks(*one, every), widen_blocks(*other, every)
        apart = float(np.sqrt(np.square(left - right).sum()))
        if apart < best * (1 - 1e-6):
            best, found = apart, ContinuedContact(every, (left + right) / 2, distance, apart, periods)
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


def _from_atoms(forces: _Blocks, weights: _Blocks) -> _Blocks:
    """Force constants from sites of the layer before (nR, f, f), handed to the atoms near these."""
    one = -forces[0], forces[1].swapaxes(1, 2)
    shifts, values = _onto_atoms(one, weights)
    return -shifts, values.swapaxes(1, 2)


def site_weights(sites: Array, atoms: Array, periods: Array, spread: float) -> _Blocks:
    """Weights of atoms near each site, of which each site's add up to 1: a Gaussian of the distance in space."""
    mesh, apart = _distances(sites, atoms, periods)
    nearest = apart.min(axis=(0, 2), keepdims=True)
    weight = np.exp(-(np.square(apart) - np.square(nearest)) / (2 * spread**2))
    weight[weight < _NEGLIGIBLE_WEIGHT] = 0.0
    weight /= weight.sum(axis=(0, 2), keepdims=True)
    some = weight.any(axis=(1, 2))
    return mesh[some], weight[some]


def scale_to_stiffness(hop: Array, stiffness: ContactSprings, area: float) -> Array:
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


def _gap(layer: ContactLayer, step: Array) -> float:
    """Distance of the highest atom of a layer from the lowest of the next, m."""
    return float(step[2] - np.ptp(layer.positions[:, 2]))


def _tie_strengths(hop: Array, axis: int) -> Array:
    """(n,) squared force constants across the plane of each atom of the next layer (axis 0) or of the one before."""
    count, f, g = hop.shape
    each = np.square(hop.reshape(count, f // 3, 3, g // 3, 3)).sum(axis=(0, 2, 4))
    return np.asarray(each.sum(axis=axis), dtype=float)


def _distances(sites: Array, atoms: Array, periods: Array) -> tuple[IntArray, Array]:
    """(nS, 2) lattice vectors, and (nS, sites, atoms) distances of atoms moved by them from sites, m."""
    flat = np.linalg.pinv(periods)
    middle = np.round((sites.mean(axis=0) - atoms.mean(axis=0)) @ flat).astype(np.int64)
    spans = np.abs((atoms - atoms.mean(axis=0)) @ flat).max(axis=0) + np.abs((sites - sites.mean(axis=0)) @ flat).max(
        axis=0
    )
    reach = np.ceil(spans).astype(int) + 1
    mesh = np.array(list(product(*(range(-r, r + 1) for r in reach)))) + middle
    moved = atoms + (mesh @ periods)[:, None]
    return mesh, np.linalg.norm(moved[:, None] - sites[:, None], axis=-1)


def _best_shifts(
    left: tuple[Array, Array], right: tuple[Array, Array], ends: tuple[ContactLayer, ContactLayer], periods: Array
) -> list[tuple[Array, float]]:
    """(3,) shifts of the right crystal along the plane that bring its atoms nearest to the sites of the left one, and
    the left one's to its own; and the distance that is left, m. Atoms, then sites, of either.
    """
    (atoms, sites), (others, there) = left, right
    tied = _tie_strengths(ends[0].hop, 0), _tie_strengths(ends[1].hop, 1)
    first = sites[sites[:, 2] < sites[:, 2].min() + _PLANE_DEPTH]
    lowest = others[others[:, 2] < others[:, 2].min() + _PLANE_DEPTH]
    on_sites = (first[:, None] - lowest).reshape(-1, 3)[:_MAX_CANDIDATES, :2]
    steps = np.arange(_PLACES_PER_PERIOD) / _PLACES_PER_PERIOD
    grid = np.array(list(product(steps, steps))) @ periods[:, :2]
    shifts = np.column_stack([np.concatenate([on_sites, grid]), np.zeros(len(on_sites) + len(grid))])
    missed = np.array(
        [
            sum(
                float(strength @ np.square(_distances(here, near, periods)[1].min(axis=(0, 2))))
                for strength, here, near in ((tied[0], sites, others + shift), (tied[1], there + shift, atoms))
            )
            for shift in shifts
        ]
    ) / sum(one.sum() for one in tied)
    order = np.argsort(missed, kind="stable")[:_MAX_EQUAL]
    equal = order[missed[order] <= missed.min() + _SAME_PLACE**2]
    return [(shifts[i], float(np.sqrt(missed[i]))) for i in equal]
