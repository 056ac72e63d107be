r"""In-plane wave vectors of a junction: boxes around Γ that hold the waves of some frequencies, thinned by symmetry.

An operation of the in-plane lattice is kept if it maps the force constants of the device and of both leads onto
themselves (`matter.space_groups.bond_symmetry`): then the Green's functions at k and at its image are equal but for a
change of coordinates within each layer, and so is $T(k, \omega)$ at every frequency.  Time reversal makes k and -k
equal in any case.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import AnyComplexArray, Array, IntArray, about, frequencies, integer_array
from kapitza.core.modal import INTERFACE_SIDES
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import Side
from kapitza.errors import InputError
from kapitza.matter.building.layers import repeat_blocks
from kapitza.matter.junction import SQUARE_PICOSECOND, Junction, Lead, inverse_root_masses, wavevector_fractions
from kapitza.matter.space_groups.bond_symmetry import AtomMapping, BondNetwork, bond_network, find_mappings, is_symmetry
from kapitza.theory.agf.green_functions import PreparedJunction
from kapitza.theory.agf.leads import bulk_matrix

_PERIOD_TOLERANCE = 1e-4  # relative: lattice vectors that count as equally long
_MAX_SYMMETRY_COORDINATES = 600  # coordinates of a layer up to which the symmetry is looked for
_BAND_TOP_PHASES = 8  # phases along the normal at which the top of the bands is bounded
EXTREMUM_HALVINGS = 4  # of a step of the phase, until an extremum of a band counts as converged
_BOX_MESH_SIDE = 10  # points along a side of the mesh that finds where bands begin
_BOX_MARGIN = 1.15  # by which a box is larger than the waves found in it
_LEAST_FREQUENCY = 1e6  # rad s⁻¹, below all that crystals of a laboratory can hold: numbers in THz
_FREQUENCY_COUNT = 120  # of frequencies where none are given
_SHARED_FREQUENCY_COUNT = 40  # the same, up to the top of the lower spectrum
_BAND_TOP_MARGIN = 1.08  # over the top of the bands: where the frequencies end that are chosen here
_MESH_SHIFTS = ((0.5, 0.5), (0.0, 0.5), (0.5, 0.0), (1 / 3, 1 / 3), (1 / 3, 2 / 3), (0.0, 0.0))
_Bonds = tuple[IntArray, IntArray, IntArray, Array]  # sources, targets, shifts and blocks
_Layer = tuple[IntArray, Array, Array | None, Array]  # shifts, blocks within it and to the next layer, masses


@frozen(eq=False)
class WavevectorMesh(BaseRecord):
    """Wave vectors of a mesh."""

    k: Array  # (nk, 2) fractions of the reciprocal vectors
    weight: Array  # (nk,) area that each stands for, in the same unit
    place: IntArray  # (nk, 2) row and column in the mesh
    orbit: IntArray  # (n, m) number of the wave vector that stands for each point of the mesh


def _check_mesh_size(k_mesh: tuple[int, int] | None) -> tuple[int, int] | None:
    if k_mesh is None:
        return None
    given = tuple(int(n) for n in k_mesh) if np.ndim(k_mesh) == 1 else ()
    if len(given) != 2 or min(given) < 1:
        raise InputError(f"k_mesh = {k_mesh!r:.60}: expected two numbers of points, at least 1 each")
    return given[0], given[1]


@frozen(eq=False)
class ZoneMesh(BaseRecord):
    """In-plane wave vectors that represent the Brillouin zone of a junction.

    Attributes
    ----------
    size : over the whole zone; None leaves it to the function
    symmetry : None finds the operations
    """

    size: tuple[int, int] | None = field(
        default=None, converter=_check_mesh_size, metadata=about("1", "points along either in-plane reciprocal vector")
    )
    symmetry: ArrayLike | None = field(
        default=None, metadata=about("1", "(m, 2, 2) integer operations on wave vector fractions, from the right")
    )

    def operations(self, prepared: PreparedJunction) -> IntArray:
        """(m, 2, 2) operations found, or those that the user vouches for."""
        if self.symmetry is None:
            return find_symmetry(prepared)
        return check_symmetry(self.symmetry, prepared.junction.periods)


MeshSize = ZoneMesh | tuple[int, int] | None


def as_zone_mesh(k_mesh: MeshSize) -> ZoneMesh:
    """A mesh, or the one with these numbers of points."""
    return k_mesh if isinstance(k_mesh, ZoneMesh) else ZoneMesh(k_mesh)


def zone_wavevectors(
    prepared: PreparedJunction, k_mesh: MeshSize, side: int, symmetry: IntArray | None = None
) -> WavevectorMesh:
    """Wave vectors over the whole zone, `side` along a side of that of the smallest cell where no numbers are given."""
    mesh, zone = as_zone_mesh(k_mesh), np.full(2, 0.5)
    operations = mesh.operations(prepared) if symmetry is None else symmetry
    return wavevector_mesh(mesh.size or mesh_size(prepared.junction, side, zone), zone, operations)


def given_or_zone_wavevectors(
    prepared: PreparedJunction, k: ArrayLike | None, k_mesh: MeshSize, side: int
) -> tuple[Array, Array]:
    """Wave vectors (nk, 2) as given, which are weighted equally, or else over the zone, and their weights (nk,)."""
    if k is None:
        points = zone_wavevectors(prepared, k_mesh, side)
        return points.k, points.weight
    vectors = wavevector_fractions(k)
    return vectors, np.full(len(vectors), 1 / max(len(vectors), 1))


def mesh_size(junction: Junction, side: int, box: Array) -> tuple[int, int]:
    """Points along either reciprocal vector: `side` for a square zone of the smaller lead cell."""
    copies = min(len(junction.tiles(name)) for name in INTERFACE_SIDES)
    lengths = np.linalg.norm(junction.reciprocal, axis=1) * box
    spread = lengths / np.sqrt(lengths.prod())  # equal spacing in k along both directions
    if (box < 0.5).any():
        copies = 1
    number = np.maximum(1, np.round(side * spread / np.sqrt(copies))).astype(int)
    number[~disperses(junction)] = 1
    return int(number[0]), int(number[1])


def even_frequencies(junction: Junction, omega: ArrayLike | None, *, common: bool = False) -> Array:
    """Frequencies as given, or even ones past the top of all bands (`common`: of the lower spectrum), rad s⁻¹."""
    if omega is not None:
        wanted = frequencies(omega)
        if not wanted.size or wanted[0] <= 0:
            raise InputError(f"expected frequencies above 0 rad/s, got {wanted[:1]}")
        if wanted[-1] < _LEAST_FREQUENCY:
            raise InputError(
                f"frequencies up to {wanted[-1]:.4g} rad/s, far below those of any phonon: give rad/s, numbers in THz "
                "times 2π 1e12"
            )
        return wanted
    k = np.indices((6, 6)).reshape(2, -1).T / 6
    tops = [top_frequency(lead, k) for lead in (junction.left, junction.right)]
    top, count = (min(tops), _SHARED_FREQUENCY_COUNT) if common else (_BAND_TOP_MARGIN * max(tops), _FREQUENCY_COUNT)
    return top * (np.arange(count) + 0.5) / count


def top_frequency(lead: Lead, k: Array) -> float:
    """Upper bound of the frequencies of a lead at in-plane wave vectors k (nk, 2), rad s⁻¹."""
    return float(np.sqrt(band_top(lead, k).max() / SQUARE_PICOSECOND))


def lattice_operations(periods: Array) -> IntArray:
    """(m, 2, 2) integer matrices that act from the right on wave vector fractions and keep all lengths and angles."""
    metric = np.linalg.inv(periods @ periods.T)
    w = np.array(list(product((-1, 0, 1), repeat=4))).reshape(-1, 2, 2)
    change = np.abs(w @ metric @ w.swapaxes(1, 2) - metric).max(axis=(1, 2))
    return w[change < _PERIOD_TOLERANCE * np.abs(metric).max()]


def find_symmetry(prepared: PreparedJunction) -> IntArray:
    """(m, 2, 2) operations on wave vectors, from the right, that keep the transmission; with each W comes -W."""
    junction = prepared.junction
    largest = max(slab.onsite.shape[-1] for slab in junction.device)
    if not disperses(junction).all() or largest > _MAX_SYMMETRY_COORDINATES:
        return np.array([np.eye(2), -np.eye(2)], dtype=np.int64)
    return junction_symmetry(junction, lattice_operations(junction.periods))


def check_symmetry(symmetry: ArrayLike, periods: Array) -> IntArray:
    """Operations that a user vouches for, with their opposites; each has to be one of the lattice."""
    given = integer_array(symmetry).reshape(-1, 2, 2)
    known = {tuple(w.ravel().tolist()) for w in lattice_operations(periods)}
    for w in given:
        if tuple(w.ravel().tolist()) not in known:
            raise InputError(f"symmetry {w.tolist()} does not keep the lattice of wave vectors")
    both = np.concatenate([np.eye(2, dtype=np.int64)[None], given])
    return np.unique(np.concatenate([both, -both]), axis=0)


def disperses(junction: Junction) -> np.ndarray:
    """(2,) whether anything depends on either component of the wave vector; a chain does not."""
    parts = (junction.left, junction.right, *junction.device)
    return np.array([any(part.shifts[:, i].any() for part in parts) for i in (0, 1)])


def wavevector_mesh(size: tuple[int, int], box: Array, symmetry: IntArray) -> WavevectorMesh:
    """Points of a box around Γ that stand for all others; `box` (2,) are half its sides, 0.5 for the whole zone.

    Operations `symmetry` (m, 2, 2) that do not map the mesh on itself are not used.
    """
    periodic = bool((box >= 0.5).all())
    shifts = _MESH_SHIFTS if periodic else _MESH_SHIFTS[:1]  # equal spacing: fewest points win, Γ at a penalty
    made = [_irreducible_mesh(size, box, np.array(shift), symmetry, periodic) for shift in shifts]
    return min(made, key=lambda one: len(one.k) + (np.abs(one.k).sum(axis=1) < 1e-9).any() * len(made[0].k))


def _irreducible_mesh(
    size: tuple[int, int], box: Array, shift: Array, symmetry: IntArray, periodic: bool
) -> WavevectorMesh:
    """One mesh, thinned by the operations that map it on itself."""
    count = np.array(size)
    grid = np.indices(size).reshape(2, -1).T
    k = (2 * (grid + shift) / count - 1) * box
    images = k @ symmetry.astype(float)
    place = (images / box + 1) / 2 * count - shift
    near = np.round(place).astype(np.int64)
    fits = np.abs(place - near).max(axis=(1, 2)) < 1e-6
    near = near % count if periodic else near
    fits &= ((near >= 0) & (near < count)).all(axis=(1, 2))
    number = (near[fits] @ np.array([size[1], 1])).min(axis=0)  # an orbit goes by its lowest point
    first, orbit, share = np.unique(number, return_inverse=True, return_counts=True)
    weight = share * (4 * box.prod() / count.prod())
    return WavevectorMesh(k[first], weight, grid[first], orbit.reshape(size))


def band_top(lead: Lead, k: Array) -> Array:
    r"""(nk,) upper bound of the bands of a lead at in-plane wave vectors k, (rad/ps)².

    For any vector the energy along the phase θ is $c + R\cos(\theta - \phi)$ with $R \le 2\lVert D_{01}\rVert$, so a
    maximum is missed by at most $R(1 - \cos(h/2))$ between samples h apart.
    """
    onsite, hop = lead.blocks(k)
    phase = np.exp(2j * np.pi * np.arange(_BAND_TOP_PHASES) / _BAND_TOP_PHASES)
    highest = np.max([np.linalg.eigvalsh(bulk_matrix(onsite, hop, factor))[:, -1] for factor in phase], axis=0)
    size = np.linalg.norm(hop, 2, axis=(1, 2))
    return np.asarray(highest + 2 * size * (1 - np.cos(np.pi / _BAND_TOP_PHASES)), dtype=float)


def _band_bottom(lead: Lead, k: Array) -> Array:
    """(nk,) lowest frequency of a lead at in-plane wave vectors k, rad s⁻¹, to a few per cent."""
    onsite, hop = lead.blocks(k)
    angle = 2 * np.pi * np.arange(_BAND_TOP_PHASES) / _BAND_TOP_PHASES
    value = np.stack([np.linalg.eigvalsh(bulk_matrix(onsite, hop, np.exp(1j * one)))[:, 0] for one in angle])
    start, lowest = angle[np.argmin(value, axis=0)], np.zeros(len(k), dtype=np.int64)
    found = trace_extrema(onsite, hop, lowest, start, -np.ones(len(k)), angle[1])
    return np.sqrt(np.maximum(found, 0) / SQUARE_PICOSECOND)


def trace_extrema(
    onsite: AnyComplexArray,
    hop: AnyComplexArray,
    band: IntArray,
    angle: Array,
    kind: Array,
    step: float,
    *,
    halvings: int = EXTREMUM_HALVINGS,
) -> Array:
    """(e,) extrema of bands along the normal, (rad/ps)², for blocks (e, f, f) of a lead.

    `band` (e,) is the number of the band from the lowest, `angle` (e,) a phase within `step` of the extremum, `kind`
    (e,) 1 for a maximum and -1 for a minimum.  The step is halved `halvings` times; where bands cross, the error falls
    with the first power of it.
    """
    each = np.arange(len(band))

    def along(at: Array) -> Array:
        return kind * np.linalg.eigvalsh(bulk_matrix(onsite, hop, np.exp(1j * at)[:, None, None]))[each, band]

    best = along(angle)
    for _ in range(halvings):  # without derivatives, which jump where bands cross
        step /= 2
        sides = np.stack([along(angle - step), best, along(angle + step)])
        choice = np.argmax(sides, axis=0)
        angle, best = angle + (choice - 1) * step, sides[choice, each]
    return kind * best


def wavevector_box(junction: Junction, omega: float, start: Array) -> Array:
    """(2,) half sides of a box within `start` around Γ outside of which no lead has a wave below omega, rad s⁻¹."""
    box = start.copy()
    grid = (np.indices((_BOX_MESH_SIDE, _BOX_MESH_SIDE // 2)).reshape(2, -1).T + 0.5) / (_BOX_MESH_SIDE / 2)
    for _ in range(6):
        k = (grid - [1.0, 0.0]) * box  # one of k and -k
        lowest = np.full(len(k), np.inf)
        for side in INTERFACE_SIDES:
            inside, _ = junction.unfold(k, side)
            each = _band_bottom(junction.lead(side), wavevector_fractions(inside.reshape(-1, 2))).reshape(len(k), -1)
            lowest = np.minimum(lowest, each.min(axis=1))
        here = np.abs(k[lowest < omega])
        reach = here.max(axis=0) if len(here) else np.zeros(2)
        smaller = np.minimum(_BOX_MARGIN * (reach + box / _BOX_MESH_SIDE), start)
        smaller[smaller > 0.45] = start[smaller > 0.45]
        if (smaller > 0.8 * box).all():  # a box that hardly shrinks is resolved by its mesh
            return smaller
        box = smaller
    return box


def junction_symmetry(junction: Junction, candidates: IntArray) -> IntArray:
    """(m, 2, 2) operations among candidates that keep every layer; both come with their opposites."""
    left, right = (_lead_blocks(junction, side) for side in INTERFACE_SIDES)
    device: list[_Layer] = [(slab.shifts, slab.onsite, slab.hop, slab.masses) for slab in junction.device]
    network, start = _layer_network([left, *device, right], junction.directions)
    leads = [_layer_network([lead, lead], junction.directions)[0] for lead in (left, right)]
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
    ends = [(0, start[1]), (start[-2], start[-3])]  # layers of either lead, and the layer of the device beside it
    for found in find_mappings(network, rotation, lattice_map):
        for (far, near), lead in zip(ends, leads, strict=True):
            # the mapping of the far layer after the inverse of that of the near one
            size = lead.layer.size // 2
            outer, inner = found.image[far : far + size] - far, found.image[near : near + size] - near
            image = np.argsort(inner)[outer]
            shift = (found.shift[far : far + size] - found.shift[near : near + size][image]) @ inverse
            if not _continues(lead, AtomMapping(image, shift)):
                break
        else:
            return True
    return False


def _continues(lead: BondNetwork, step: AtomMapping) -> bool:
    """Whether a mapping of two layers continues in the lead: each differs from the one before by the same symmetry."""
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


def _lead_blocks(junction: Junction, side: Side) -> _Layer:
    """A layer of a lead in the periods of the junction."""
    lead, tiling = junction.lead(side), junction.tiling(side)
    shifts, onsite = repeat_blocks(lead.shifts, lead.onsite, tiling)
    _, hop = repeat_blocks(lead.shifts, lead.hop, tiling)
    return shifts, onsite, hop, np.tile(lead.masses, len(junction.tiles(side)))


def _layer_network(layers: Sequence[_Layer], directions: int) -> tuple[BondNetwork, IntArray]:
    """Bonds of layers, and the number of the first atom of each."""
    start = np.concatenate([[0], np.cumsum([masses.size for *_, masses in layers])])
    parts: list[_Bonds] = []
    for i, (shifts, onsite, hop, masses) in enumerate(layers):
        parts.append(_block_bonds(shifts, onsite, (masses, masses), (start[i], start[i]), directions))
        if i + 1 < len(layers):
            # the last layer of the device couples as the layers of the right lead do
            known = (shifts, hop) if hop is not None else (layers[i + 1][0], layers[i + 1][2])
            bonds = _block_bonds(*known, (masses, layers[i + 1][3]), (start[i], start[i + 1]), directions)
            source, target, shift, block = bonds
            parts += [bonds, (target, source, -shift, block.swapaxes(1, 2))]
    layer = np.repeat(np.arange(len(layers)), np.diff(start))
    source, target, shift, block = (np.concatenate(column) for column in zip(*parts, strict=True))
    return bond_network(layer, source, target, shift, block), start


def _block_bonds(
    shifts: IntArray, blocks: Any, masses: tuple[Array, Array], start: tuple[int, int], directions: int
) -> _Bonds:
    """Bonds of blocks (nR, f, f') from atoms of the first masses to those of the second, numbered from `start`."""
    rows, columns = masses
    weight = inverse_root_masses(rows, directions)[:, None] * inverse_root_masses(columns, directions)
    split = (blocks * weight).reshape(len(shifts), rows.size, directions, columns.size, directions).swapaxes(2, 3)
    strong = np.abs(split).max(axis=(3, 4)) > 0
    r, i, j = np.nonzero(strong)
    return i + start[0], j + start[1], shifts[r], split[r, i, j]
