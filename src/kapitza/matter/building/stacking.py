"""Layers of several crystals put on one another: where the atoms are before they relax."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, BoolArray, IntArray, finite_array, integer_array
from kapitza.core.records import BaseRecord
from kapitza.matter.building.layers import cut_into_layers
from kapitza.matter.building.matching import in_plane_deformation, in_plane_periods
from kapitza.matter.crystal import Crystal
from kapitza.matter.junction import JunctionLayer, Lead, supercell_cells
from kapitza.matter.potentials.force_field import FORCE_UNIT, ForceField
from kapitza.matter.potentials.relaxation import relax_interface
from kapitza.matter.structure import Structure

_SITE_MATCH_TOLERANCE = 0.2  # of the shortest period: sites of two crystals that differ by less continue one another
_MAX_THICKNESS_RATIO = 1.3  # of the thickness of layers of crystals that continue one another
_SHIFTS_PER_PERIOD = 4  # places along either period at which a crystal is tried on another
SHIFTS_TRIED = _SHIFTS_PER_PERIOD**2
_SAME_ENERGY = 0.01  # of the difference between the best and the worst place: places that are equal by symmetry
_ENERGY_ROUNDING = 1e-7  # of the energy, of a calculator in single precision
_TRIAL_FORCE_LIMIT = 1e-2 * FORCE_UNIT  # N: forces left while places are tried
_VACUUM_REACHES = 3.0  # times the reach of the forces


@frozen(eq=False)
class Segment(BaseRecord):
    """Some layers of one crystal."""

    cell: Structure  # the crystal, one cell
    lead: Lead  # its principal layers, each some cells thick
    grid: IntArray = field(converter=integer_array)  # (2, 2) N: the periods of the junction are N @ those of the lead
    layers: int  # how many
    strain: Array = field(converter=finite_array)  # (2,) principal, in the plane

    def places(self, layer: int) -> Array:
        """(M n, 3) atoms of a layer, counted from the first one: atom i of cell j is j n + i, m."""
        assert self.lead.positions is not None  # noqa: S101
        corners = supercell_cells(self.grid) @ self.lead.periods
        return (corners[:, None] + self.lead.positions).reshape(-1, 3) + layer * self.lead.step

    @property
    def extent(self) -> tuple[float, float]:
        """Heights of the lowest and the highest atom of the first layer, m."""
        z = self.places(0)[:, 2]
        return float(z.min()), float(z.max())

    @property
    def gap(self) -> float:
        """Distance between the highest atom of a layer and the lowest of the next, m."""
        low, high = self.extent
        return self.lead.thickness - (high - low)


@frozen(eq=False)
class AtomStack(BaseRecord):
    """Atoms of a stack, and what each belongs to."""

    atoms: Structure  # all of them, vacuum along the third lattice vector
    segment: IntArray  # (n,) of which segment
    # (n,) in which layer of the device, from 0; negative in the held part on the left, and from `layers` upwards in
    # the part on the right that moves as a body
    layer: IntArray
    base: IntArray  # (n,) which atom of its crystal's cell
    cell: IntArray = field(kw_only=True)  # (n,) which cell along the normal, counted within its segment
    heights: Array = field(kw_only=True)  # (k,) mean heights of the interfaces between the segments, m
    layers: int = field(kw_only=True)  # number of layers of the device

    @property
    def device(self) -> IntArray:
        """(m,) atoms of the layers of the device, layer by layer."""
        return np.flatnonzero((self.layer >= 0) & (self.layer < self.layers))

    @property
    def inner(self) -> BoolArray:
        """(n,) whether atoms are in the device and not in its outermost layers, which are those of the crystals."""
        return (self.layer > 0) & (self.layer < self.layers - 1)

    def cut_device(self, shifts: IntArray, values: Array, sizes: Sequence[int]) -> list[JunctionLayer]:
        """Layers of `sizes` atoms, from force constants (nR, 3m, 3m) N m⁻¹ among the atoms of the device."""
        atoms, device = self.atoms, self.device
        layers = cut_into_layers(atoms.masses[device], shifts, values, sizes, periodic=False)
        return [
            evolve(layer, positions=atoms.positions[part], symbols=tuple(atoms.symbols[i] for i in part))
            for layer, part in zip(layers, np.split(device, np.cumsum(sizes)[:-1]), strict=True)
        ]


def stack_segments(
    segments: Sequence[Segment],
    periods: Array,
    shifts: Sequence[Array],
    reach: float,
    name: str,
    *,
    fixed: bool = True,
    closing: Array | None = None,
) -> AtomStack:
    """Stack segments on the junction's `periods` (m), with more crystal, thicker than `reach` (m), at both ends if
    `fixed`. Each of `shifts` moves an upper crystal from the place where it continues the lower one, (3,) m. Beyond
    there is vacuum, or, with the shift `closing` (3,) m, the first crystal again, moved so from where it would continue
    the last one.
    """
    origins = [np.zeros(3)]
    for (low, high), shift in zip(pairwise(segments), shifts, strict=True):
        origins.append(origins[-1] + continuation_shift(low, high) + shift)
    more = [int(np.ceil(reach / segments[i].lead.thickness)) if fixed else 0 for i in (0, -1)]
    places: list[Array] = []
    marks: list[IntArray] = []
    start = 0
    for s, segment in enumerate(segments):
        n, each = segment.cell.masses.size, segment.lead.masses.size
        first = -more[0] if s == 0 else 0
        last = segment.layers + (more[1] if s + 1 == len(segments) else 0)
        for layer in range(first, last):
            places.append(segment.places(layer) + origins[s])
            atom = np.arange(len(places[-1]))
            cell = layer * (each // n) + atom % each // n
            marks.append(np.column_stack([0 * atom + s, 0 * atom + start + layer, atom % n, cell]))
        start += segment.layers
    positions, mark = np.concatenate(places), np.concatenate(marks)
    top, bottom = float(positions[:, 2].max()), float(positions[:, 2].min())
    third = np.array([0, 0, top - bottom + _VACUUM_REACHES * reach])
    if closing is not None:
        ends = segments[0], evolve(segments[-1], layers=segments[-1].layers + more[1])
        third = origins[-1] + continuation_shift(ends[1], ends[0]) + more[0] * ends[0].lead.step + closing
        third = third - np.round(third @ np.linalg.pinv(periods)) @ periods
    lattice = np.vstack([periods, third])
    symbols = tuple(segments[s].cell.symbols[b] for s, b in mark[:, [0, 2]])
    masses = np.array([segments[s].cell.masses[b] for s, b in mark[:, [0, 2]]])
    by_segment = [positions[mark[:, 0] == s, 2] for s in range(len(segments))]
    return AtomStack(
        Structure(name, lattice, positions, masses, symbols),
        *mark.T[:3],
        cell=mark[:, 3],
        heights=np.array([(below.max() + above.min()) / 2 for below, above in pairwise(by_segment)]),
        layers=sum(segment.layers for segment in segments),
    )


def continuation_shift(low: Segment, high: Segment) -> Array:
    """(3,) from the origin of a segment to that of the next, if it goes on as the lower crystal would, m."""
    assert low.lead.positions is not None  # noqa: S101
    assert high.lead.positions is not None  # noqa: S101
    across = low.lead.positions[0] + low.layers * low.lead.step - high.lead.positions[0]
    up = (low.layers - 1) * low.lead.thickness + low.extent[1] + (low.gap + high.gap) / 2 - high.extent[0]
    return np.array([across[0], across[1], up])


def continues_lattice(low: Segment, high: Segment) -> bool:
    """Whether two crystals have the same sites, so that one continues the other."""
    return np.array_equal(low.grid, high.grid) and have_same_sites(low.cell, high.cell)


def have_same_sites(left: Structure | Crystal, right: Structure | Crystal) -> bool:
    """Whether layers of two oriented crystals, the right one strained to the periods of the left one, have their atoms
    in about the same places, up to in-plane lattice vectors; heights are compared in units of the thickness.
    """
    periods = left.lattice[:2]
    ratio = left.lattice[2, 2] / right.lattice[2, 2]
    if left.positions.shape != right.positions.shape or not 1 / _MAX_THICKNESS_RATIO < ratio < _MAX_THICKNESS_RATIO:
        return False
    deformation = in_plane_deformation(in_plane_periods(right.lattice[:2]), in_plane_periods(periods))
    deformation[2, 2] = ratio
    here, there = (np.vstack([crystal.lattice[2], crystal.positions]) for crystal in (left, right))
    apart = here - there @ deformation
    apart[1:] -= apart[1]  # atoms are compared up to a common shift, the step (row 0) as it is
    inside = apart @ np.linalg.pinv(periods)
    across = (inside - np.round(inside)) @ periods
    allowed = _SITE_MATCH_TOLERANCE * float(np.linalg.norm(periods, axis=1).min())
    return bool((np.linalg.norm(across[:, :2], axis=1) < allowed).all() and (np.abs(apart[:, 2]) < allowed).all())


def find_registry(low: Segment, high: Segment, periods: Array, force_field: ForceField) -> Array:
    """(3,) shift of lowest energy of the upper crystal, from the place where it continues the lower one, m. A crystal
    with the same sites stays there; others are tried on a grid of places, each time relaxing as a rigid body.
    """
    if continues_lattice(low, high):
        return np.zeros(3)
    force_field.next_step()
    thick = registry_layers(low, high, force_field)
    pair = [evolve(low, layers=thick[0]), evolve(high, layers=thick[1])]  # free surfaces out of reach
    energies, places = np.empty(SHIFTS_TRIED), np.empty((SHIFTS_TRIED, 3))
    for n, (i, j) in enumerate(np.ndindex(_SHIFTS_PER_PERIOD, _SHIFTS_PER_PERIOD)):
        shift = np.array([i, j]) / _SHIFTS_PER_PERIOD @ high.lead.periods
        trial = stack_segments(pair, periods, [shift], force_field.reach, low.lead.name, fixed=False)
        upper = trial.segment == 1
        relaxed = relax_interface(trial.atoms, force_field, np.zeros_like(upper), upper, force=_TRIAL_FORCE_LIMIT)
        energies[n] = force_field.state(relaxed, periodic=False).energy
        k = int(np.argmax(upper))
        places[n] = relaxed.positions[k] - trial.atoms.positions[k] + shift
    # of places that are equal by symmetry the first, whatever the rounding: by the differences between places, since
    # the energy of all atoms is a thousand times larger
    equal = max(_SAME_ENERGY * np.ptp(energies), _ENERGY_ROUNDING * float(np.abs(energies).min()))
    return np.asarray(places[np.argmax(energies <= energies.min() + equal)], dtype=float)


def registry_layers(low: Segment, high: Segment, force_field: ForceField) -> tuple[int, int]:
    """Layers of two crystals that are put on one another to find where they meet."""
    below, above = (int(np.ceil(force_field.reach / segment.lead.thickness)) for segment in (low, high))
    return below, above
