"""Neighbours of atoms and their ghosts, and energies and forces in a potential by our own compiled kernels.

Lists of neighbours are renewed when an atom has moved far enough.  A ghost is a copy of an atom, displaced by vectors
of the box.  Kernels see atoms and ghosts at plain positions and know of no box; boxes shorter than the cutoff are as
good as others.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, BoolArray, Int32Array, IntArray
from kapitza.core.records import BaseRecord
from kapitza.errors import ConvergenceError, InputError, require
from kapitza.simulate.md.kernels.state import KernelFunctions
from kapitza.simulate.md.potential import AnyPotential, LammpsCommands, Potential
from kapitza.simulate.md.system import FIXED_ROLE, System

KERNEL_EXTRA, KERNEL_PURPOSE = "md", "molecular dynamics with our own kernels"
_DEFAULT_SKIN = 0.12  # of the cutoff: lists are longer, and last longer
_MAX_INDEX = 2**31 - 1  # atoms and ghosts that 32 bits can number
_MAX_BOXES = 2**30  # boxes that 32 bits can number
_PAIR_ROOM = 1.1  # of the pairs of an even density: for how many there is room at first
_MAX_CELLS_PER_ATOM = 4  # cells per atom, at most


@frozen(eq=False)
class NeighbourList(BaseRecord):
    """Atoms, ghosts and the neighbours of each atom."""

    owner: Int32Array  # (N,) atom of which each is a copy; the n atoms come first
    image: Int32Array  # (N, 3) displacement in vectors of the box; not 0 for an atom outside of it
    shift: Array  # (N, 3) displacement, m
    start: IntArray  # (n + 1,) where the row of each atom starts in `near`
    near: Int32Array  # neighbours of each atom, in ascending order
    reach: float  # distance of the farthest neighbours, m

    def extend(self, positions: Array) -> Array:
        """(N, 3) positions of atoms and ghosts, m."""
        return np.asarray(positions[self.owner] + self.shift, dtype=float)


def list_neighbours(
    lattice: Array, positions: Array, reach: float, *, periodic: tuple[bool, bool, bool], half: bool
) -> NeighbourList:
    """List the neighbours within `reach` (m) of atoms at `positions` (n, 3) m, in the box or not. With `half` each pair
    is listed once, in the row of the lower number, else in the rows of both.
    """
    volume = float(np.linalg.det(lattice))
    if not (np.isfinite(volume) and volume):
        raise InputError(f"the box {np.asarray(lattice).tolist()} m has no volume: give three vectors, also for a slab")
    inverse = np.linalg.inv(lattice)
    margin = np.where(periodic, reach * np.linalg.norm(inverse, axis=0), 0.0)  # 1/norm: spacing of the faces
    fractional = np.ascontiguousarray(positions @ inverse)
    slack = np.minimum(margin / 2, 0.25)  # atoms just outside of the box stay there, so that solids do not jump
    away = (fractional < -slack) | (fractional >= 1 + slack)
    boxes = np.where(away & (margin > 0), np.floor(fractional), 0.0)
    if not (farthest := np.abs(boxes).max()) < _MAX_BOXES:
        raise ConvergenceError(f"an atom is {farthest:.3g} boxes away from the others: take a smaller timestep")
    home = boxes.astype(np.int32)
    fractional -= home
    low, high, n = fractional.min(axis=0), fractional.max(axis=0), len(positions)
    if n * float(np.prod(high - low + 2 * margin + 1)) > _MAX_INDEX:
        raise InputError(f"{n} atoms and a reach of {reach:g} m make too many ghosts: use a smaller cutoff")
    owner, image = _find_ghosts(fractional, margin, low, high)
    image = (image - home[owner]).astype(np.int32)
    shift: Array = np.asarray(image.astype(float) @ lattice, dtype=float)
    x = positions[owner] + shift
    rows = _half_rows(owner, image) if half else np.full(len(x), n, dtype=np.int32)
    start, near = _build_list(x, rows, n, reach)
    return NeighbourList(owner, image, shift, start, near, reach)


def _find_ghosts(fractional: Array, margin: Array, low: Array, high: Array) -> tuple[Int32Array, Int32Array]:
    """Owners (N,) and images (N, 3) of real atoms, which come first, and of all copies within a margin (3,) of them.
    All in fractions of the box; the margin is 0 along an axis that does not repeat.
    """
    owner = np.arange(len(fractional), dtype=np.int32)
    image = np.zeros((len(fractional), 3), dtype=np.int32)
    for a in np.flatnonzero(margin > 0):
        s = fractional[:, a][owner]
        start, stop = low[a] - margin[a], high[a] + margin[a]
        copied = np.flatnonzero((s >= start + 1) | (s <= stop - 1))
        first = np.ceil(start - s[copied]).astype(np.int32)  # 0, no copy, lies between these
        count = np.floor(stop - s[copied]).astype(np.int32) - first + 1
        along = np.arange(count.sum(), dtype=np.int32) + np.repeat(first + count - np.cumsum(count), count)
        which = np.repeat(copied, count)[along != 0]
        copies = image[which]
        copies[:, a] = along[along != 0]
        owner, image = np.concatenate([owner, owner[which]]), np.concatenate([image, copies])
    return owner, image


def _half_rows(owner: Int32Array, image: Int32Array) -> Int32Array:
    """(N,) number of the atom below which rows of a list of half the pairs have each atom or ghost: of (i, copy of j)
    and (j, copy of i), which differ by a vector of the box, the first counts where i < j; of copies at +m and -m of one
    atom, which are the same pair, the one whose first component other than 0 is above it.
    """
    apart = image.astype(np.int64) - image[owner]
    base = 2 * np.abs(apart).max(initial=0) + 1
    return (owner + ((apart @ np.array([base**2, base, 1])) > 0)).astype(np.int32)


def _build_list(x: Array, rows: Int32Array, n: int, reach: float) -> tuple[IntArray, Int32Array]:
    """Neighbours of each real atom: where each row starts (n + 1,), and who they are, in ascending order; arrays are
    made here, since to make them in compiled code takes a second of compilation.
    """
    kernel = load_cell_lists()
    grid = kernel.CellGrid(*_cell_grid(x[:n], reach))
    first, number = np.zeros(int(grid.cells.prod()) + 1, dtype=np.int64), np.empty(n, dtype=np.int32)
    atoms = kernel.SortedAtoms(first, np.empty(n, dtype=np.int64), number, np.empty((n, 3)))
    sphere = 4 / 3 * np.pi * reach**3 * n / max(float(np.prod(grid.side * grid.cells)), reach**3)  # neighbours of one
    share = 1.0 if rows.min() == n else 0.5  # of the neighbours of an atom that its row has
    room, start = int(_PAIR_ROOM * n * min(sphere, len(x)) * share) + 16, np.zeros(n + 1, np.int64)
    none, end = np.empty(0, dtype=np.int32), np.empty(len(x), dtype=np.int64)
    pairs = kernel.FoundPairs(np.empty(room + 1, dtype=np.int32), end, start[1:])
    count: int = kernel.list_pairs(x, rows, reach, grid, atoms, pairs, none)
    if count > room:  # once more, with room for all of them
        start[:] = 0
        pairs = kernel.FoundPairs(np.empty(count + 1, dtype=np.int32), end, start[1:])
        kernel.list_pairs(x, rows, reach, grid, atoms, pairs, none)
    near = np.empty(count, dtype=np.int32)
    np.cumsum(start, out=start)
    if count:
        kernel.list_pairs(x, rows, reach, grid, atoms, pairs._replace(counts=start[:n].copy()), near)
    return start, near


def load_cell_lists() -> ModuleType:
    """Return the compiled search."""
    require("numba", extra=KERNEL_EXTRA, why=KERNEL_PURPOSE)
    return require("kapitza.simulate.md.kernels.cell_lists", extra=KERNEL_EXTRA, why=KERNEL_PURPOSE)


def _cell_grid(x: Array, reach: float) -> tuple[Array, Array, IntArray]:
    """Corner, edges and numbers of the cells that the atoms are sorted into."""
    low = x.min(axis=0)
    span = x.max(axis=0) - low
    edge = reach / 2  # 5³ such cells span 16 reach³, 3³ of full size 27: fewer pairs tried in vain
    while np.prod(np.maximum(span / edge, 1.0)) > _MAX_CELLS_PER_ATOM * len(x) + 64:
        edge *= 1.3  # in sparse systems empty cells would outnumber the atoms
    cells = np.maximum(span / edge, 1.0).astype(np.int64)
    return low, np.maximum(span / cells, edge / 2), cells


def harmonic_neighbours(lattice: Array, potential: Potential) -> NeighbourList:
    """Neighbours of a harmonic potential, which never change: its parameters hold them."""
    owner, image, start, near = potential.parameters[2:]
    shift: Array = np.asarray(image @ lattice, dtype=float)
    owner, image, near = (numbers.astype(np.int32) for numbers in (owner, image, near))
    return NeighbourList(owner, image, shift, start.astype(np.int64), near, potential.cutoff)


class VerletList:
    """Neighbours of moving atoms: renewed when one of them has moved more than half the skin."""

    def __init__(self, system: System, potential: Potential, skin: float | None = None) -> None:
        self.lattice = system.lattice
        self.periodic = (True, True, system.periodic)
        self.potential = potential
        self.skin = _DEFAULT_SKIN * potential.cutoff if skin is None else skin
        if potential.form == "harmonic":
            self.skin = np.inf  # bonds are fixed: no displacement breaks them
        self.found: NeighbourList | None = None
        self.reference: Array = np.zeros((0, 3))

    def renew(self, positions: Array) -> NeighbourList:
        """List the neighbours anew."""
        if not np.isfinite(positions).all():
            lost = int(np.argmin(np.isfinite(positions).all(axis=1)))
            raise ConvergenceError(f"atom {lost} is at {positions[lost].tolist()} m: take a smaller timestep")
        self.reference = np.array(positions, dtype=float, order="C")
        if self.potential.form == "harmonic":
            self.found = harmonic_neighbours(self.lattice, self.potential)
            return self.found
        reach, half = self.potential.cutoff + self.skin, self.potential.half
        self.found = list_neighbours(self.lattice, self.reference, reach, periodic=self.periodic, half=half)
        return self.found

    def at(self, positions: Array) -> NeighbourList:
        """Neighbours that hold for these positions (n, 3) m; the former ones where nobody has moved far."""
        found = self.found
        if found is not None:
            moved = positions - self.reference
            if float(np.einsum("ia,ia->i", moved, moved).max()) <= (self.skin / 2) ** 2:  # two atoms may approach
                return found
        return self.renew(positions)


_FORCE_STEP = 1e-12  # m, of finite differences
KERNEL_FORMS = ("lennard-jones", "stillinger-weber", "tersoff", "embedded-atom", "harmonic")


def require_kernels(potential: AnyPotential) -> Potential:
    """Return a potential that the compiled kernels know."""
    if not isinstance(potential, Potential) or potential.form not in KERNEL_FORMS:
        whose, instead = "not a formula of ours", "take the engine that brings it, without direct power"
        if isinstance(potential, LammpsCommands):
            whose, instead = "lines of LAMMPS", 'take the engine LAMMPS (engine = "lammps" in a file of a run)'
        raise InputError(
            f"{potential.form!r} for {', '.join(potential.kinds)} is {whose}: our own kernels know "
            f"{', '.join(KERNEL_FORMS)}; {instead}"
        )
    return potential


def load_kernels(potential: Potential) -> KernelFunctions:
    """Return the compiled forces, and forces across a plane, of a potential."""
    require("numba", extra=KERNEL_EXTRA, why=KERNEL_PURPOSE)
    verlet = require("kapitza.simulate.md.kernels.verlet", extra=KERNEL_EXTRA, why=KERNEL_PURPOSE)
    return verlet.KERNELS[require_kernels(potential).form]


def map_species(system: System, potential: Potential) -> NDArray[np.int32]:
    """(n,) kind of each atom, as the potential counts them."""
    unknown = [kind for kind in system.kinds if kind not in potential.kinds]
    if unknown:
        known, lacking = ", ".join(potential.kinds), ", ".join(unknown)
        raise InputError(f"{system.name}: the {potential.form} potential knows {known}, not {lacking}: add them")
    return np.array([potential.kinds.index(kind) for kind in system.kinds], dtype=np.int32)[system.species]


def energy_and_forces(
    potential: Potential, near: NeighbourList, positions: Array, species: NDArray[np.int32]
) -> tuple[float, Array]:
    """Potential energy (J) and forces (n, 3) N of atoms at positions (n, 3) m."""
    x = near.extend(positions)
    f = np.zeros_like(x)
    energy = load_kernels(potential).forces(x, species[near.owner], near.start, near.near, potential.parameters, f)
    n = near.start.size - 1
    folded = np.array([np.bincount(near.owner, weights=column, minlength=n) for column in f.T], dtype=float)
    return float(energy), folded.T


class SystemForces:
    """Forces of a potential on the atoms of a system, from positions alone."""

    def __init__(self, system: System, potential: Potential) -> None:
        self.potential, self.species = potential, map_species(system, potential)
        self.around = VerletList(system, potential)

    def __call__(self, positions: Array) -> Array:
        """(n, 3) N at positions (n, 3) m."""
        return energy_and_forces(self.potential, self.around.at(positions), positions, self.species)[1]


def highest_frequencies(system: System, forces: Callable[[Array], Array]) -> Array:
    r"""(2,) highest angular frequency of each side, rad s⁻¹: above the lower one no elastic process takes heat across.

    The largest eigenvalue of $-\partial F_i/\partial r_j/\sqrt{m_i m_j}$ among the atoms of one side, all others at
    rest, by Lanczos' method with central differences of `forces` (n, 3) N at positions (n, 3) m.
    """
    return np.array([_largest_eigenfrequency(forces, system, side) for side in (~system.right, system.right)])


def _largest_eigenfrequency(forces: Callable[[Array], Array], system: System, side: BoolArray) -> float:
    from scipy.sparse.linalg import LinearOperator, eigsh

    atoms = np.flatnonzero(side & (system.role != FIXED_ROLE))
    root = np.sqrt(system.masses[atoms])[:, None]

    def restoring_force(vector: Array) -> Array:
        shift = np.zeros_like(system.positions)
        shift[atoms] = vector.reshape(-1, 3) / root
        scale = _FORCE_STEP / float(np.abs(shift).max())
        there, back = (forces(system.positions + sign * scale * shift)[atoms] for sign in (1, -1))
        return ((back - there) / (2 * scale) / root).ravel()  # cubic anharmonicity cancels

    size = 3 * atoms.size
    # A fixed start, so that the same system gives the same number.
    start = np.random.default_rng(0).normal(size=size)
    make: Any = LinearOperator  # whose types know of subclasses alone
    find: Any = eigsh
    operator = make((size, size), matvec=restoring_force, dtype=float)
    value = find(operator, k=1, which="LA", v0=start, tol=1e-3, return_eigenvectors=False)
    return float(np.sqrt(max(0.0, float(value[0]))))
