r"""Forces at displaced atoms, as few as the symmetry of a structure allows, each kept when it is done: in batches, one
by one, or shared by other processes.

An atom of each orbit of the space group is displaced, both ways where no operation turns one into the other, along the
fewest directions whose symmetric images span space (K. Parlinski, Z. Q. Li, Y. Kawazoe, Phys. Rev. Lett. 78, 4063
(1997), doi:10.1103/PhysRevLett.78.4063); force constants are the least-squares solution over these images.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, combinations, pairwise, product
from threading import get_ident
from typing import Any

import numpy as np
from attrs import evolve

from kapitza.core.arrays import Array, IntArray
from kapitza.matter.files.force_constants import Displacement, SupercellAtoms, constants_from_displacements
from kapitza.matter.potentials.force_field import ForceField, duration
from kapitza.matter.potentials.named_force_fields import named_force_field
from kapitza.matter.potentials.space_group import SpaceGroup, space_group
from kapitza.matter.structure import Structure
from kapitza.run.store import UnitInputs, UnitResult, keep_result, read_kept, writable_store
from kapitza.run.work import ignore_progress, run_units
from kapitza.units import angstrom

_FORCES_VERSION = "forces-1"
_NOTICEABLE_WORK = 3000  # evaluations times atoms: more is announced
_WELL_CONDITIONED = 0.3  # smallest over largest singular value of images of a displacement
REST_TOLERANCE = 1e-3 * angstrom  # by which an operation may miss an atom of a structure at rest


def displaced_constants(
    one: Structure,
    counts: tuple[int, int, int],
    rows: IntArray,
    force_field: ForceField,
    *,
    periodic: bool = True,
    group: SpaceGroup | None = None,
) -> tuple[Structure, Array]:
    """Supercell of `counts` repeats, or more of them where the symmetry asks for it, and force constants (m, N, 3, 3)
    N m⁻¹ between the atoms `rows` of its first cell and all of it; `periodic`: along the third lattice vector, too.
    With a `group` the counts stay, and so do those of its operations alone that keep the supercell.
    """
    turns: Sequence[Array] | None = None
    short = one.lattice if group is None and periodic else _low_lattice(one)
    if group is None:
        group = space_group(one, REST_TOLERANCE)
        counts = symmetric_counts(counts, group)
    else:
        group = _supercell_operations(group, counts)
        turns = list(group.cartesian(one.lattice))
    moves = group_displacements(short, group, rows)
    big = one.repeat(counts)
    sets = displaced_forces(one, big, moves, force_field, periodic=periodic)
    points = big.positions @ np.linalg.inv(big.lattice)
    # an operation misses more atoms if one of them is put on its image exactly
    supercell = SupercellAtoms(big.lattice, points, np.array(big.symbols), one.lattice, 3 * REST_TOLERANCE)
    return big, constants_from_displacements(sets, supercell, rows.tolist(), turns=turns)


def planned_displacements(
    one: Structure, counts: tuple[int, int, int], rows: IntArray, group: SpaceGroup
) -> list[tuple[int, Array]]:
    """Atoms and directions of `displaced_constants` with a group."""
    return group_displacements(_low_lattice(one), _supercell_operations(group, counts), rows)


def group_displacements(lattice: Array, group: SpaceGroup, rows: IntArray) -> list[tuple[int, Array]]:
    """Atoms and directions that give the force constants of all `rows` by the operations of a group."""
    orbit = group.targets.min(axis=0)[rows]
    atoms = sorted(rows[np.unique(orbit, return_index=True)[1]].tolist())  # one among the rows of each orbit
    return [(atom, vector) for atom in atoms for vector in displacements(lattice, group, atom)]


def _low_lattice(one: Structure) -> Array:
    """Lattice with a short third vector: directions between the plane and the normal, whatever the cell's height."""
    short = one.lattice.copy()
    short[2] *= np.linalg.norm(short[0]) / np.linalg.norm(short[2])
    return short


def displaced_forces(
    one: Structure,
    big: Structure,
    moves: Sequence[tuple[int, Array]],
    force_field: ForceField,
    *,
    periodic: bool = True,
) -> list[Displacement]:
    """Forces (N, 3) on all atoms of a supercell `big` of the cell `one`, N, their mean taken off, for each displacement
    of an atom along a direction, by the step of the force field; from the cache of this user where they are there.
    """
    if (
        force_field.announce is not None
        and force_field.meter is None
        and len(moves) * big.masses.size > _NOTICEABLE_WORK
    ):
        # the time grows as the number of atoms
        seconds = force_field.seconds(one, periodic=periodic) * big.masses.size / one.masses.size * len(moves)
        kept = "" if force_field.identity is None else ", each kept when it is done"
        force_field.announce(
            f"{one.name}: {len(moves)} evaluations of forces on {big.masses.size} atoms, about {duration(seconds)} in "
            f"all{kept}"
        )
    moved: list[Structure] = []
    for atom, direction in moves:
        positions = big.positions.copy()
        positions[atom] += force_field.step * direction
        moved.append(evolve(big, positions=positions))
    found = forces_on_all(moved, force_field, periodic=periodic)
    return [
        Displacement(atom, force_field.step * direction, forces - forces.mean(axis=0))
        for (atom, direction), forces in zip(moves, found, strict=True)
    ]


def forces_on_all(structures: Sequence[Structure], force_field: ForceField, *, periodic: bool = True) -> list[Array]:
    """Forces (n, 3) N on each of several structures, from the cache of this user where they are there; `progress` of
    the force field is called with the number of finished and of all.

    The first batch is held against the calculator itself before anything is kept (`ForceField.check_batch`).
    """
    inputs = [_force_inputs(one, force_field, periodic=periodic) for one in structures]
    found = [_read_forces(unit, force_field) for unit in inputs]
    todo = [i for i, forces in enumerate(found) if forces is None]
    report = force_field.progress or ignore_progress
    report(len(found) - len(todo), len(found))
    shared = force_field.executor is not None and force_field.executor != 1 and force_field.recipe is not None
    if shared and force_field.identity is not None and len(todo) > 1:
        for i, forces in zip(todo, _shared_forces([inputs[i] for i in todo], structures, force_field), strict=True):
            found[i] = forces
        return [forces for forces in found if forces is not None]
    sizes = [1] * len(todo)
    if force_field.batch is not None:
        sizes = force_field.batch.sizes([structures[i].masses.size for i in todo])
    unchecked = True
    for start, end in pairwise(accumulate(sizes, initial=0)):
        some = todo[start:end]
        chosen = [structures[i] for i in some]
        made = force_field.forces(chosen, periodic=periodic)
        if unchecked and len(some) > 1:
            force_field.check_batch(chosen, made, periodic=periodic)
            unchecked = False
        for i, forces in zip(some, made, strict=True):
            found[i] = forces
            if force_field.identity is not None:
                keep_result(inputs[i], {"forces": forces}, version=_FORCES_VERSION)
        report(len(found) - len(todo) + end, len(found))
    return [forces for forces in found if forces is not None]


def _force_inputs(one: Structure, force_field: ForceField, *, periodic: bool) -> UnitInputs:
    inputs: dict[str, Any] = {
        "calculator": force_field.identity, "symbols": one.symbols, "lattice": one.lattice, "positions": one.positions
    }  # fmt: skip
    return inputs if periodic else inputs | {"periodic": False}


def _read_forces(inputs: UnitInputs, force_field: ForceField) -> Array | None:
    kept = None if force_field.identity is None else read_kept(inputs, version=_FORCES_VERSION)
    if kept is None:
        return None
    forces = np.asarray(kept["forces"], dtype=float)
    if force_field.meter is not None:
        force_field.meter.count(len(forces))
    return forces


def _shared_forces(units: list[UnitInputs], structures: Sequence[Structure], force_field: ForceField) -> list[Array]:
    """(n, 3) forces of each unit, N, by other processes that make the calculator anew."""
    recipe, meter, before = json.dumps(dict(force_field.recipe or {}), default=dict), force_field.meter, [0]

    def report(done: int, total: int) -> None:
        if force_field.progress is not None:
            force_field.progress(done, total)
        if meter is not None and done > before[0]:
            meter.count((done - before[0]) * structures[0].masses.size)
        before[0] = done

    made = run_units(
        forces_unit,
        units,
        version=_FORCES_VERSION,
        store=writable_store(),
        executor=force_field.executor,
        progress=report,
        attach=lambda unit: {**unit, "recipe": recipe, "masses": structures[0].masses, "reach": force_field.reach},
    )
    return [np.asarray(one["forces"], dtype=float) for one in made]


def forces_unit(unit: UnitInputs) -> UnitResult:
    """Kernel: the forces on one structure, N, by a calculator that each thread of a process makes once."""
    symbols = tuple(str(symbol) for symbol in np.asarray(unit["symbols"]).tolist())
    lattice, positions, masses = (np.asarray(unit[key], dtype=float) for key in ("lattice", "positions", "masses"))
    one = Structure("displaced", lattice, positions, masses, symbols)
    kind = (str(unit["recipe"]), tuple(sorted(set(symbols))), float(np.asarray(unit["reach"])))
    made = _make_force_field(*kind, get_ident())
    return {"forces": made.state(one, periodic=bool(unit.get("periodic", True))).forces}


@lru_cache(maxsize=64)
def _make_force_field(recipe: str, symbols: tuple[str, ...], reach: float, _thread: int) -> ForceField:
    """Force field of a recipe, for one thread alone: calculators keep the structure that they saw last."""
    chosen = json.loads(recipe)
    return named_force_field(chosen["name"], symbols, arguments=chosen["arguments"], reach=reach)


def symmetric_counts(counts: tuple[int, int, int], group: SpaceGroup) -> tuple[int, int, int]:
    """Repeats of a cell, made equal along lattice vectors that the symmetry mixes."""
    repeats = np.array(counts)
    mixed = (group.turns != 0).any(axis=0)
    mixed |= mixed.T
    for _ in range(3):
        repeats = np.array([repeats[row].max() for row in mixed])
    return int(repeats[0]), int(repeats[1]), int(repeats[2])


def _supercell_operations(group: SpaceGroup, counts: tuple[int, int, int]) -> SpaceGroup:
    """Operations of a space group that take the lattice of a supercell to itself."""
    size = np.array(counts)
    scaled = size[:, None] * group.turns / size
    kept = (np.abs(scaled - np.round(scaled)) < 1e-9).all(axis=(1, 2))
    return SpaceGroup(group.turns[kept], group.shifts[kept], group.targets[kept])


def displacements(lattice: Array, group: SpaceGroup, atom: int) -> list[Array]:
    """Unit vectors along which an atom has to be displaced."""
    turns = group.cartesian(lattice)[group.targets[:, atom] == atom]
    steps = np.array([v for v in product((-1, 0, 1), repeat=3) if v > (0, 0, 0)])
    trials = np.concatenate([np.eye(3), steps @ lattice])
    trials /= np.linalg.norm(trials, axis=1)[:, None]
    for count in (1, 2):
        rated: list[tuple[int, float, tuple[int, ...]]] = []  # evaluations, how well images span space, directions
        for chosen in combinations(range(len(trials)), count):
            size = np.linalg.svd((trials[list(chosen)] @ turns).reshape(-1, 3), compute_uv=False)
            quality = round(float(size[2] / size[0]), 6) if len(size) == 3 else 0.0
            if quality > _WELL_CONDITIONED:
                rated.append((len(_both_ways(trials[list(chosen)], turns)), -quality, chosen))
        if rated:
            return _both_ways(trials[list(min(rated)[2])], turns)
    return _both_ways(np.eye(3), turns)


def _both_ways(directions: Array, turns: Array) -> list[Array]:
    """Directions, with their opposites where these are no images."""
    found: list[Array] = []
    for one in directions:
        odd = np.linalg.norm(one @ turns + one, axis=1).min() > 1e-3
        found += [one, -one] if odd else [one]
    return found
