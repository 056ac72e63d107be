"""Junctions of force constants as atoms in motion: the limit in which a simulation must find their transmission."""

import numpy as np

from kapitza.core.arrays import Array, IntArray
from kapitza.core.transmission import Side
from kapitza.errors import InputError
from kapitza.matter.junction import Junction
from kapitza.simulate.md.potential import Potential
from kapitza.simulate.md.system import COLD_ROLE, FREE_ROLE, HOT_ROLE, System
from matter_samples import repeat_device

_MAX_LAYER_FREEDOM = 200_000  # degrees of freedom of one layer times those of the next: the blocks of a layer are dense
_MIN_FORCE_CONSTANT = 1e-12  # of the largest force constant: weaker ones are left out


def harmonic_system(
    junction: Junction, *, cells: tuple[int, int] = (1, 1), layers: tuple[int, int] = (20, 20), thermostat: int = 10
) -> tuple[System, Potential]:
    """Return a finite piece of a junction, with `layers` principal layers of each lead, and its harmonic potential.

    The box repeats in the plane, so the motion has the wave vectors of a mesh of `cells` with Γ in it; along the normal
    the layers beyond the ends are held at rest, and the outermost `thermostat` layers are thermostatted.  Displacements
    know no images, so the potential has no ghosts.  Chains move in three directions, each on its own: they have three
    times the transmission.
    """
    if min(*cells, thermostat) < 1 or min(layers) <= thermostat:
        raise InputError(
            f"{junction.name}: cells {cells}, layers {layers} and {thermostat} of a thermostat: wanted whole numbers "
            "above 0, and more layers than the thermostat has"
        )
    supercell = junction if tuple(cells) == (1, 1) else repeat_device(junction, cells)
    onsite, hop, masses = _layer_blocks(supercell, layers)
    sizes = np.array([len(m) for m in masses])
    layer = np.repeat(np.arange(sizes.size), sizes)
    role = np.select([layer < thermostat, layer >= sizes.size - thermostat], [HOT_ROLE, COLD_ROLE], FREE_ROLE)
    heights = _layer_heights(supercell, layers)
    middle = layers[0] + max(len(supercell.device) // 2, 1)
    positions = np.zeros((layer.size, 3))
    positions[:, 2] = heights[layer]
    system = System(
        name=junction.name, lattice=_junction_box(supercell, heights), positions=positions,
        masses=np.concatenate(masses), species=np.zeros(layer.size,
        dtype=int),
        kinds=("atom",), layer=layer, role=role, plane=float(heights[middle - 1 : middle + 1].mean()),
    )  # fmt: skip
    return system, harmonic_potential(positions, _block_entries(onsite, hop, junction.directions))


def _layer_blocks(junction: Junction, layers: tuple[int, int]) -> tuple[list[Array], list[Array], list[Array]]:
    """Blocks of each layer (f, f), those to the next one (f, f'), N m⁻¹, and masses (n,) kg of all layers."""
    (first, after_first), (last, after_last) = (_wrap_lead(junction, side) for side in ("left", "right"))
    size = [junction.lead(side).masses for side in ("left", "right")]
    left, right = (np.tile(m, len(junction.tiles(s))) for m, s in zip(size, ("left", "right"), strict=True))
    onsite = [first] * layers[0] + [s.onsite.sum(axis=0) for s in junction.device] + [last] * layers[1]
    inner = [slab.hop.sum(axis=0) for slab in junction.device if slab.hop is not None]
    hop = [after_first] * layers[0] + inner + [after_last] * layers[1]
    masses = [left] * layers[0] + [slab.masses for slab in junction.device] + [right] * layers[1]
    return onsite, hop, masses


def _wrap_lead(junction: Junction, side: Side) -> tuple[Array, Array]:
    """Blocks of a lead within a layer and to the next, (f, f) each, N m⁻¹, for all its cells in one of the junction."""
    lead, tiles, tiling = junction.lead(side), junction.tiles(side), junction.tiling(side)
    if (len(tiles) * lead.onsite.shape[-1]) ** 2 > _MAX_LAYER_FREEDOM**2 / 4:
        raise InputError(
            f"{junction.name}: {len(tiles)} cells of {lead.masses.size} atoms in a layer, take fewer cells"
        )
    place = {tuple(map(int, cell)): i for i, cell in enumerate(tiles)}
    d = lead.onsite.shape[-1]
    onsite, hop = np.zeros((2, len(tiles), d, len(tiles), d))
    for r, shift in enumerate(lead.shifts):
        there = tiles + shift
        home = there - np.floor(there @ np.linalg.inv(tiling) + 1e-9).astype(np.int64) @ tiling
        for a, cell in enumerate(home):
            b = place[int(cell[0]), int(cell[1])]
            onsite[a, :, b] += lead.onsite[r]
            hop[a, :, b] += lead.hop[r]
    size = d * len(tiles)
    return onsite.reshape(size, size), hop.reshape(size, size)


def _layer_heights(junction: Junction, layers: tuple[int, int]) -> Array:
    """(layers,) heights, evenly spaced in each lead; those of the device by the mean of both, m."""
    low, high = junction.left.thickness, junction.right.thickness
    steps = [low] * layers[0] + [(low + high) / 2] * (len(junction.device) - 1) + [high] * layers[1]
    return np.append(0.0, np.cumsum(steps)) + low / 2


def _junction_box(junction: Junction, heights: Array) -> Array:
    """(3, 3) vectors of the box, m; turned so that the periods lie in the plane z = 0."""
    a, b = junction.periods
    length = float(np.linalg.norm(a))
    along = float(a @ b) / length
    across = float(np.sqrt(b @ b - along**2))
    return np.array([[length, 0, 0], [along, across, 0], [0, 0, heights[-1] + heights[0]]])


def _block_entries(onsite: list[Array], hop: list[Array], directions: int) -> tuple[IntArray, IntArray, Array]:
    """Pairs of atoms (i, j) and their blocks (entries, 3, 3) N m⁻¹, sorted; an atom's own block is among them."""
    first = np.append(0, np.cumsum([len(block) // directions for block in onsite]))
    rows: list[IntArray] = []
    columns: list[IntArray] = []
    blocks: list[Array] = []
    largest = max(float(np.abs(block).max()) for block in onsite)
    parts = [(i, i, block) for i, block in enumerate(onsite)]
    parts += [(i, i + 1, block) for i, block in enumerate(hop)] + [(i + 1, i, block.T) for i, block in enumerate(hop)]
    for i, j, part in parts:
        cut = part.reshape(len(part) // directions, directions, -1, directions).swapaxes(1, 2)
        a, b = np.nonzero(np.abs(cut).max(axis=(2, 3)) > _MIN_FORCE_CONSTANT * largest)
        rows.append(a + first[i])
        columns.append(b + first[j])
        blocks.append(cut[a, b] if directions == 3 else cut[a, b] * np.eye(3))
    row, column = np.concatenate(rows), np.concatenate(columns)
    order = np.lexsort((column, row))
    return row[order], column[order], np.concatenate(blocks)[order]


def harmonic_potential(positions: Array, pairs: tuple[IntArray, IntArray, Array], *, source: str = "") -> Potential:
    """Return the potential of force constants between atoms at rest positions (n, 3) m.

    `pairs`: atoms i and j (entries,) and blocks Φ_ij (entries, 3, 3) N m⁻¹, sorted by i; every atom's own block Φ_ii is
    among them, and Φ_ji = Φ_ijᵀ.
    """
    row, column, blocks = pairs
    n = len(positions)
    if (np.diff(row) < 0).any() or np.unique(row[row == column]).size != n:
        raise InputError(f"{row.size} force constants of {n} atoms: sort them by atom, each with its own block")
    start = np.append(0, np.cumsum(np.bincount(row, minlength=n)))
    reach = float(np.linalg.norm(positions[row] - positions[column], axis=1).max())
    numbers = (np.arange(n), np.zeros((n, 3)), start, column)
    lists = tuple(np.asarray(number, dtype=float) for number in numbers)
    own = (np.ascontiguousarray(positions, dtype=float), np.ascontiguousarray(blocks, dtype=float))
    return Potential("harmonic", ("atom",), max(1.01 * reach, 1e-11), (*own, *lists), source=source)
