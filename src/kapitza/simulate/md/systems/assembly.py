"""Systems between two thermostats: one crystal that is heavier on its right, and the assembly of any set of atoms.

From left to right: held atoms, the hot thermostat, free atoms, the plane, free atoms, the cold thermostat, held atoms.
A system that repeats along z has no held atoms and its thermostats, if any, lie in the middle of the two sides, so that
heat leaves each of them both ways.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array, IntArray
from kapitza.errors import InputError
from kapitza.matter.structure import ATOMIC_WEIGHTS, Structure, structure
from kapitza.simulate.md.potential import Potential
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, FREE_ROLE, HOT_ROLE, System
from kapitza.units import angstrom

_PLANE_SPACING = 0.4 * angstrom  # planes of atoms are at least this far apart
_MIN_FREE_PLANES = 4  # free planes of a side: fewer leave no profile to sample
_BORDER_TOLERANCE = 1e-6  # of a length: a plane just at a border belongs inwards

# positions (n, 3) m, masses (n,) kg, species (n,), names of the kinds
AtomSites = tuple[Array, Array, IntArray, tuple[str, ...]]


def mass_interface(
    crystal: str | Structure,
    potential: Potential,
    ratio: float,
    *,
    lattice_constant: float | tuple[float, float] | None = None,
    cells: tuple[int, int] = (5, 5),
    length: int | tuple[int, int] = 12,
    thermostat: int | tuple[int, int] = 4,
    periodic: bool = False,
) -> System:
    """Build one crystal whose atoms are heavier on the right of a plane.

    Parameters
    ----------
    crystal : a name such as "Ar" or "Si", or a structure; its cell is the cubic one where it has one (`axes`), with the
        third axis along z
    potential : its potential; where it has twice as many kinds as the crystal, the second half are the heavy ones
    ratio : mass of an atom on the right over the same on the left
    lattice_constant : length of the first axis, or of the first and of the third, m; None: as the structure has it
    cells : repeats in the plane
    length : cells of each side, thermostat included, held cells not
    thermostat : cells of each thermostat, 0 for none, and of the held end beyond it, such as (4, 1); one held cell
        where only the thermostat is given, none in a periodic system
    periodic : repeat along z as well, with a second interface where the box closes

    Raises
    ------
    InputError
        for counts below 1, a ratio that is not positive, a potential without the elements, a side that is too short
    """
    body = structure(crystal) if isinstance(crystal, str) else crystal
    lengths = (length, length) if isinstance(length, int) else length
    thermostat, wall = (thermostat, 1) if isinstance(thermostat, int) else thermostat
    wall = 0 if periodic else wall
    _check_counts(cells, lengths, thermostat, wall, ratio)
    cell = _orient_cell(body, lattice_constant)
    kinds = [_assign_kinds(cell, potential, heavy=heavy) for heavy in (False, True)]
    counts = [n + wall for n in lengths]
    places, base, level = _fill_block(cell, (*cells, sum(counts)))
    right = level >= counts[0]
    species = np.where(right, kinds[1][base], kinds[0][base])
    masses = cell.masses[base] * np.where(right, ratio, 1.0)
    side = cell.lattice * np.array([[cells[0]], [cells[1]], [sum(counts)]])
    thick = float(cell.lattice[2, 2])
    return assemble_system(
        f"{body.name}, mass ratio {ratio:g}", side, (places, masses, species, potential.kinds),
        float(places[~right, 2].max() + places[right, 2].min()) / 2,
        wall=wall * thick, thermostat=thermostat * thick, periodic=periodic, vacuum=3 * potential.cutoff,
    )  # fmt: skip


def _check_counts(cells: Sequence[int], lengths: Sequence[int], thermostat: int, wall: int, ratio: float) -> None:
    if min(*cells, *lengths) < 1 or min(thermostat, wall) < 0:
        counts = f"{tuple(cells)} cells across, {tuple(lengths)} along, {thermostat} of thermostat and {wall} held"
        raise InputError(f"{counts}: wanted at least 1, 1, 0 and 0")
    if thermostat >= min(lengths):
        filled = f"a thermostat of {thermostat} cells fills a side of {min(lengths)}"
        raise InputError(f"{filled}: lengthen the side or shorten the thermostat")
    if not (np.isfinite(ratio) and ratio > 0):
        raise InputError(f"mass ratio {ratio:g}, wanted a finite number above 0")


def _orient_cell(body: Structure, lattice_constant: float | tuple[float, float] | None) -> Structure:
    """Return the cell of a crystal on its axes, stretched to a lattice constant."""
    axes = body.lattice if body.axes is None else body.axes
    tilt = max(float(np.abs(axes[:2, 2]).max()), float(np.abs(axes[2, :2]).max()))
    if tilt > _BORDER_TOLERANCE * float(np.abs(axes).max()):
        given = f"the third axis of {axes.tolist()} m"
        raise InputError(f"{body.name}: {given} is not along z at right angles to both others")
    many = axes @ np.linalg.inv(body.lattice)
    reach = int(np.ceil(np.abs(many).sum(axis=0).max()))
    steps = np.array(list(product(range(-reach, reach + 1), repeat=3))) @ body.lattice
    inside = (steps @ np.linalg.inv(axes) + 1e-6) % 1.0 - 1e-6
    corner = np.asarray(np.unique(np.round(inside, 6), axis=0) @ axes, dtype=float)
    points = (corner[:, None] + body.positions).reshape(-1, 3)
    fraction = points @ np.linalg.inv(axes)
    points = (fraction - np.floor(fraction + 1e-9)) @ axes
    base = np.tile(np.arange(body.masses.size), len(corner))
    stretch = _stretch_factors(axes, lattice_constant, body.name)
    symbols = tuple(body.symbols[i] for i in base)
    return Structure(body.name, axes * stretch, points * stretch, body.masses[base], symbols)


def _stretch_factors(axes: Array, lattice_constant: float | tuple[float, float] | None, name: str) -> Array:
    """(3,) factors along x, y and z that bring axes to a lattice constant."""
    if lattice_constant is None:
        return np.ones(3)
    first, third = float(np.linalg.norm(axes[0])), float(np.linalg.norm(axes[2]))
    if isinstance(lattice_constant, tuple):
        across, along = lattice_constant[0] / first, lattice_constant[1] / third
    else:
        across = along = lattice_constant / first
    if not (0.5 < across < 2 and 0.5 < along < 2):
        raise InputError(
            f"{name}: lattice constant {lattice_constant} m, wanted about {first:.3g} m (Å? multiply by 1e-10)"
        )
    return np.array([across, across, along])


def _assign_kinds(body: Structure, potential: Potential, *, heavy: bool) -> IntArray:
    """(n,) kind of each atom of a crystal, as the potential counts them."""
    found = list(dict.fromkeys(body.symbols))
    known = set(potential.kinds) & set(ATOMIC_WEIGHTS)
    missing = [symbol for symbol in found if symbol not in potential.kinds]
    if (missing and known) or len(potential.kinds) < len(found):
        raise InputError(
            f"the potential is for {', '.join(potential.kinds)}, {body.name} needs {', '.join(found)}: give its "
            "elements to the potential"
        )
    first = [potential.kinds.index(s) if s in potential.kinds else i for i, s in enumerate(found)]
    shift = len(found) if heavy and len(potential.kinds) >= 2 * len(found) else 0
    return np.array([first[found.index(symbol)] + shift for symbol in body.symbols], dtype=np.int64)


def _fill_block(cell: Structure, counts: tuple[int, int, int]) -> tuple[Array, IntArray, IntArray]:
    """Atoms of a block of cells by height: positions (n, 3) m, which atom of the cell, in which level of cells."""
    n3, n1, n2 = counts[2], counts[0], counts[1]
    index = np.array(list(product(range(n3), range(n2), range(n1))))[:, ::-1]
    places = ((index @ cell.lattice)[:, None] + cell.positions).reshape(-1, 3)
    base = np.tile(np.arange(cell.masses.size), len(index))
    level = np.repeat(index[:, 2], cell.masses.size)
    order = np.lexsort((*np.round(places[:, :2].T / angstrom, 3), np.round(places[:, 2] / angstrom, 3)))
    return places[order], base[order], level[order]


def assemble_system(
    name: str, lattice: Array, sites: AtomSites, plane: float, *, wall: float, thermostat: float,
    periodic: bool = False, vacuum: float = 0.0,
) -> System:  # fmt: skip
    """Make a system of atoms: find their planes, hold the outermost, put thermostats next to them.

    `wall` and `thermostat` are the thicknesses of the held part and of the thermostat at either end, m; planes are not
    divided, and at least four free ones are left on a side with a thermostat.  Where the box does not repeat along z,
    its third vector becomes as long as the atoms need, and a `vacuum` (m) beyond the ends.
    """
    positions, masses, species, kinds = sites
    layer = find_planes(positions[:, 2])
    heights = np.bincount(layer, weights=positions[:, 2]) / np.bincount(layer)
    role = (_periodic_roles if periodic else _end_roles)(heights, plane, wall, thermostat, float(lattice[2, 2]))
    box = lattice if periodic else np.vstack([lattice[:2], [0, 0, float(np.ptp(positions[:, 2])) + vacuum]])
    if thermostat > 0:
        _check_roles(name, heights, role, plane)
    return System(
        name=name, lattice=box, positions=positions, masses=masses, species=species, kinds=kinds,
        layer=layer, role=role[layer], plane=plane, periodic=periodic,
    )  # fmt: skip


def find_planes(heights: Array, tolerance: float = _PLANE_SPACING) -> IntArray:
    """(n,) number of the plane of each atom, from below: neighbours in height more than `tolerance` (m) apart differ.

    Where no gap is left for ten tolerances, as in a fluid, slices of that thickness are the planes.
    """
    order = np.argsort(heights, kind="stable")
    sorted_heights = heights[order]
    edge = np.concatenate([[False], np.diff(sorted_heights) > tolerance])
    run = np.cumsum(edge)
    first = sorted_heights[np.searchsorted(run, run, side="left")]
    slices = np.floor((sorted_heights - first) / (10 * tolerance)).astype(np.int64)
    number = np.cumsum(edge | np.concatenate([[False], np.diff(slices) != 0]))
    found = np.empty(heights.size, dtype=np.int64)
    found[order] = number
    return found


def _end_roles(heights: Array, plane: float, wall: float, thermostat: float, _box: float) -> IntArray:
    """(layers,) roles by distance from the two ends."""
    ends = np.where(heights < plane, heights - heights.min(), heights.max() - heights)
    bounds = [wall * (1 - _BORDER_TOLERANCE), (wall + thermostat) * (1 - _BORDER_TOLERANCE)]
    role = np.where(ends < bounds[1], np.where(heights < plane, HOT_ROLE, COLD_ROLE), FREE_ROLE)
    return np.where(ends < bounds[0], FIXED_ROLE, role).astype(np.int64)


def _periodic_roles(heights: Array, plane: float, _wall: float, thermostat: float, box: float) -> IntArray:
    """(layers,) roles by distance from the middles of the two sides of a periodic box."""
    closing = (heights.min() + heights.max() - box) / 2
    middles = (closing + plane) / 2, (plane + closing + box) / 2
    hot, cold = (np.abs(heights - middle) < thermostat / 2 * (1 - _BORDER_TOLERANCE) for middle in middles)
    return np.select([hot, cold], [HOT_ROLE, COLD_ROLE], FREE_ROLE).astype(np.int64)


def _check_roles(name: str, heights: Array, role: IntArray, plane: float) -> None:
    for side, here, thermostat in (("left", heights < plane, HOT_ROLE), ("right", heights > plane, COLD_ROLE)):
        free, thermostatted = int((role[here] == FREE_ROLE).sum()), int((role[here] == thermostat).sum())
        if not thermostatted:
            raise InputError(f"{name}: no plane of atoms is in the thermostat on the {side}: make it thicker")
        if free < _MIN_FREE_PLANES:
            fault = f"{free} free planes of atoms are left on the {side}, wanted at least {_MIN_FREE_PLANES}"
            raise InputError(f"{name}: {fault}: lengthen the side or shorten the thermostat")


def check_overlap(system: System, smallest: float = 0.5 * angstrom) -> None:
    """Refuse two atoms nearer than a distance (m), images in the plane (and along z, if periodic) included."""
    from scipy.spatial import KDTree

    shifts = np.array(list(product((-1, 0, 1), (-1, 0, 1), (-1, 0, 1) if system.periodic else (0,))))
    images = [system.positions + shift @ system.lattice for shift in shifts if shift.any()]
    low, high = system.positions.min(axis=0) - smallest, system.positions.max(axis=0) + smallest
    near: list[NDArray[np.float64]] = [image[((image > low) & (image < high)).all(axis=1)] for image in images]
    found, _ = KDTree(np.vstack([system.positions, *near])).query(system.positions, k=2)
    distance: Array = np.asarray(found, dtype=float)[:, 1]
    worst = int(np.argmin(distance))
    if distance[worst] < smallest:
        raise InputError(
            f"{system.name}: atom {worst} is {distance[worst] / angstrom:.3g} Å from another: they overlap; are the "
            "positions in m?"
        )
