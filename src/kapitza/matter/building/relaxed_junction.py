r"""Junctions of two crystals from a potential: match, strain, stack, relax, take the force constants, check.

The stack is | left crystal, held | device | right crystal, moving as one rigid body | with vacuum beyond.  The held
parts are thicker than the forces reach, so that the atoms of the device feel two half-infinite crystals and one
interface.  The outermost layers of the device stay in the places of the crystals; by how much their force constants
differ from those of the leads says whether the device is long enough (`lead_mismatch`).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from attrs import asdict, converters, evolve, field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, BoolArray, IntArray, about, integer_array, quantity, read_only_mapping
from kapitza.core.modal import INTERFACE_SIDES
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import Side
from kapitza.errors import InputError
from kapitza.matter.building.disorder import Disorder, choose_sites, right_sites
from kapitza.matter.building.interface_cell import describe_seam, interface_layers, layered_crystal
from kapitza.matter.building.junction_cost import Rehearsal, SegmentWork
from kapitza.matter.building.layers import (
    LEAD_TOLERANCE,
    cut_into_layers,
    junction_from_layers,
    lead_deviation,
    lead_from_force_constants,
)
from kapitza.matter.building.matching import (
    MAX_MATCH_AREA,
    MAX_MATCH_STRAIN,
    StrainedSide,
    SurfaceMatch,
    common_periods,
    in_plane_deformation,
    in_plane_periods,
    match_surfaces,
)
from kapitza.matter.building.mixed_junction import balance_layers
from kapitza.matter.building.stacking import (
    AtomStack,
    Segment,
    continues_lattice,
    find_registry,
    have_same_sites,
    stack_segments,
)
from kapitza.matter.building.surface import orient_structure
from kapitza.matter.files.structures import is_structure_file, read_structure
from kapitza.matter.junction import (
    Junction,
    JunctionLayer,
    Lead,
    force_imbalance,
    largest_constant,
    pack_junction,
    unpack_junction,
)
from kapitza.matter.phonons import named_structure
from kapitza.matter.potentials.calculators import is_calculator_name
from kapitza.matter.potentials.dipoles import name_missing_dipoles
from kapitza.matter.potentials.force_constants import crystal_from_potential, layered_constants
from kapitza.matter.potentials.force_field import ForceField, measure_cost
from kapitza.matter.potentials.force_meter import ForceMeter
from kapitza.matter.potentials.named_force_fields import named_force_field
from kapitza.matter.potentials.published import PUBLISHED_POTENTIALS
from kapitza.matter.potentials.relaxation import relax_cell, relax_closed_stack, relax_interface, relax_once
from kapitza.matter.potentials.space_group import height_operations, primitive_structure, symmetrize_structure
from kapitza.matter.structure import Structure, element_masses
from kapitza.run.store import StoreLike, UnitInputs, UnitResult
from kapitza.run.work import ExecutorLike, Progress, run_units
from kapitza.units import angstrom

_DEFAULT_DEPTH = 12 * angstrom  # of crystal on either side of an interface, where nobody says how many layers
_DISPLACED_DEPTH = 8 * angstrom  # the same of atoms that are displaced, where a potential has no second derivatives
MAX_SEAM_MISMATCH = 0.03  # of the largest force constant
_SYMMETRY_TOLERANCE = 5e-3 * angstrom  # by which atoms at rest may miss the sites of a symmetry
_INTERFACE_CELL_VERSION = "repeats-1"  # the same, of junctions whose atoms are displaced
_BUILD_VERSION = "junction-2"  # part of the address of stored results
_NOTICEABLE_STRAIN = 1e-6  # of a crystal, above rounding
_NEGLIGIBLE_CONSTANT = 1e-9  # of the largest force constant: what reaches beyond the next layer and is rounding


@frozen(eq=False, kw_only=True)
class JunctionPlan(BaseRecord):
    """What a junction is to be made of.

    Attributes
    ----------
    left, right : crystals: names such as "Si" or "GaN" (`kapitza phonons` lists them), structure files, or structures
    potential : by name as in `named_force_field`, or a force field around any ASE calculator
    arguments : of a calculator by name or path
    orientation, right_orientation : the left crystal faces right, the right one left by its back; None: as the left one
    contact : elements of the last plane of the left and of the first plane of the right crystal; None: as they cleave
    disorder : what is random; None: a sharp interface
    relax : whether the atoms relax; without, those of the crystals stay where they are and only the distance is found
    """

    left: str | Structure
    right: str | Structure
    potential: str | ForceField = field(
        metadata=about(
            "", "potential of both: tersoff, sw, lj, emt, nequix, sevenn, a file (CuNi.eam.alloy), module:Class"
        )
    )
    arguments: Mapping[str, object] = field(factory=dict, converter=read_only_mapping)
    reach: float | None = field(
        default=None,
        metadata=about("m", "range of the force constants of a calculator; 6 Å or that of the potential if omitted"),
    )
    orientation: tuple[int, ...] = field(
        default=(0, 0, 1), converter=tuple, metadata=about("1", "Miller indices of the face of the left crystal")
    )
    right_orientation: tuple[int, ...] | None = field(
        default=None, converter=converters.optional(tuple), metadata=about("1", "the same of the right crystal")
    )
    strain: StrainedSide = field(default="right", metadata=about("", "crystal that is strained to fit the other"))
    limit: float = field(default=MAX_MATCH_STRAIN, metadata=about("1", "largest principal strain"))
    area: float = field(default=MAX_MATCH_AREA, metadata=about("m^2", "of the largest common cell"))
    twist: float | None = field(
        default=None, metadata=about("rad", "rotation of the right crystal about the normal; the best fit if omitted")
    )
    mirror: bool = field(
        default=False, metadata=about("", "mirror image of the right crystal, for twins and tilt boundaries")
    )
    layers: int | None = field(
        default=None, metadata=about("1", "principal layers of the device on either side; 12 Å or more if omitted")
    )
    contact: tuple[str | None, str | None] = (None, None)
    interlayers: tuple[tuple[str | Structure, int], ...] = field(
        default=(), converter=tuple, metadata=about("1", "crystals between, each with its number of principal layers")
    )
    supercell: tuple[int, int] = field(default=(1, 1), metadata=about("1", "repeats of the cell in the plane"))
    disorder: Disorder | None = None
    relax: bool = True
    mismatch: float = field(
        default=MAX_SEAM_MISMATCH,
        validator=quantity(high=1),
        metadata=about("1", "largest difference of the force constants of a network at the interface and elsewhere"),
    )


def build_junction(
    plan: JunctionPlan,
    *,
    progress: Progress | None = None,
    announce: Callable[[str], object] | None = None,
    executor: ExecutorLike | None = None,
) -> Junction:
    """Build, relax and check a junction of two crystals.

    Parameters
    ----------
    plan : what it is to be made of
    progress : called with the number of finished and of all evaluations of forces, where atoms are displaced
    announce : called with lines that say how much work there is before it begins, what was cut off, and what to cite
    executor : any `concurrent.futures.Executor`, or a number of processes, that share the forces at displaced atoms,
        where the potential is a calculator by name

    Returns
    -------
    Junction; its `residual` is the violation of the acoustic sum rule before it was enforced

    Raises
    ------
    InputError
        if no common cell is strained little enough, the elements have no parameters, atoms overlap, or the outermost
        layers differ from the crystals
    ConvergenceError
        if the structure does not come to rest
    MissingEngine
        without ase and matscipy
    """
    force_field = evolve(plan_force_field(plan), progress=progress, announce=announce, executor=executor)
    if not force_field.analytic:
        force_field = _with_meter(plan, force_field)
    segments, periods = prepare_segments(plan, force_field)
    name = junction_name(plan, segments)
    shifts = [_find_place(low, high, periods, force_field) for low, high in pairwise(segments)]
    # of the interface on the far side of both crystals, which is there to do without surfaces
    closing = None if force_field.analytic else _find_place(segments[-1], segments[0], periods, force_field)
    stack = stack_segments(segments, periods, shifts, force_field.reach, name, closing=closing)
    if plan.disorder is not None:
        stack = _apply_disorder(stack, segments, periods, plan.disorder)
    body = stack.layer >= stack.layers - 1  # the right crystal moves as a whole, so that the distance relaxes
    mobile = (stack.layer > 0) & ~body & plan.relax
    if force_field.analytic:
        stack = evolve(stack, atoms=relax_interface(stack.atoms, force_field, mobile, body))
        found = _extract_junction(stack, segments, periods, force_field, name)
    else:
        moves = {"mobile": mobile, "right": body}
        force_field.next_step()
        rest = relax_once(stack.atoms, force_field, partial(relax_closed_stack, **moves), moves)
        stack = evolve(stack, atoms=symmetrize_structure(rest, group=height_operations(rest, _SYMMETRY_TOLERANCE)))
        force_field.next_step()
        found = _join_interface_cell(stack, segments, periods, force_field, plan.mismatch)
    if force_field.meter is not None:
        force_field.meter.finish()
    if announce is not None:
        said = [
            f"{one.cell.name} by {100 * one.strain[0]:+.2g} and {100 * one.strain[1]:+.2g} %"
            for one in segments
            if np.abs(one.strain).max() > _NOTICEABLE_STRAIN
        ]
        announce(f"strained in the plane: {', '.join(said) or 'none'}")
        announce(f"forces by {force_field.name}{f', {force_field.source}' if force_field.source else ''}")
    return found


def _with_meter(plan: JunctionPlan, force_field: ForceField) -> ForceField:
    """Return forces whose evaluations are counted against a plan of all steps; announce what that costs."""
    rehearsal = Rehearsal(force_field)
    segments, periods = prepare_segments(plan, force_field, rehearsal)
    *shifts, closing = rehearsal.places(segments)
    name = junction_name(plan, segments)
    stack = stack_segments(segments, periods, shifts, force_field.reach, name, closing=closing)
    if plan.disorder is not None:
        stack = _apply_disorder(stack, segments, periods, plan.disorder)
    rehearsal.interface(stack, periods)
    if force_field.announce is not None:
        at_once = 0 if force_field.batch is None else force_field.batch.atoms
        cost = measure_cost(force_field, _resolve_structure(plan.left))
        force_field.announce(f"{name}: {cost.describe(rehearsal.plan, at_once)}")
        polar = name_missing_dipoles([segment.cell for segment in segments])
        if polar:
            force_field.announce(polar)
    meter = ForceMeter(rehearsal.plan, force_field.progress)
    return evolve(force_field, meter=meter, progress=None)


def _find_place(low: Segment, high: Segment, periods: Array, force_field: ForceField) -> Array:
    """Shift of an upper crystal from where it continues the lower one, counted as a step of the work."""
    if not continues_lattice(low, high):
        force_field.next_step()
    return find_registry(low, high, periods, force_field)


def plan_force_field(plan: JunctionPlan) -> ForceField:
    """Return the potential of a plan, for the elements that it needs."""
    if not isinstance(plan.potential, str):
        return plan.potential
    bodies = [plan.left, plan.right, *(body for body, _ in plan.interlayers)]
    symbols = [symbol for body in bodies for symbol in _resolve_structure(body).symbols]
    more = list(plan.disorder.substitutions) if plan.disorder is not None else []
    return named_force_field(plan.potential, [*symbols, *more], arguments=plan.arguments, reach=plan.reach)


def _resolve_structure(body: str | Structure) -> Structure:
    if not isinstance(body, str):
        return body
    return primitive_structure(read_structure(body)) if is_structure_file(body) else named_structure(body)


def junction_name(plan: JunctionPlan, segments: Sequence[Segment]) -> str:
    """Name of the junction for legends."""
    return "|".join(segment.lead.name for segment in segments) + f" ({''.join(map(str, plan.orientation))})"


def prepare_segments(
    plan: JunctionPlan, force_field: ForceField, work: SegmentWork | None = None
) -> tuple[list[Segment], Array]:
    """Segments of the stack with their strained crystals, and the periods (2, 3) of the junction, m; `work` is done
    with each crystal, by the force field if None.
    """
    work = work or _ForcedWork(force_field)
    bodies = [plan.left, *(body for body, _ in plan.interlayers), plan.right]
    rest: dict[int, Structure] = {}
    for body in bodies:
        if id(body) not in rest:
            rest[id(body)] = work.rest(_resolve_structure(body), "all")
    last = len(bodies) - 1
    slabs: list[Structure] = []
    for i, body in enumerate(bodies):
        facing = plan.right_orientation if i and plan.right_orientation is not None else plan.orientation
        first, top = (plan.contact[1] if i == last else None), (plan.contact[0] if i == 0 else None)
        one = orient_structure(rest[id(body)], facing, first=first, last=top)
        slabs.append(mirror_structure(one) if plan.mirror and i == last else one)
    fits = [_choose_match(plan, slabs[0], one) for one in slabs[1:]]
    grid = np.diag(integer_array(plan.supercell)) @ common_grid([fit.left for fit in fits])
    main = evolve(fits[-1], left=grid, right=corresponding_grid(fits[-1].left, fits[-1].right, grid))
    periods = common_periods(slabs[0].lattice[:2], slabs[-1].lattice[:2], main, plan.strain)
    grids = [grid, *(corresponding_grid(fit.left, fit.right, grid) for fit in fits)]
    counts = [plan.layers, *(count for _, count in plan.interlayers), plan.layers]
    return [
        _make_segment(one, force_field, g, periods, count, work)
        for one, g, count in zip(slabs, grids, counts, strict=True)
    ], periods


def _choose_match(plan: JunctionPlan, left: Structure, right: Structure) -> SurfaceMatch:
    """Choose a match: the smallest, then the least strained, then one whose sites continue those of the left."""
    periods = left.lattice[:2]
    fits = match_surfaces(periods, right.lattice[:2], strain=plan.limit, area=plan.area, twist=plan.twist)
    best = fits[0]
    equal = [
        fit for fit in fits if fit.area < best.area * (1 + 1e-4) and abs(fit.strain[0]) < abs(best.strain[0]) + 1e-4
    ]
    for fit in equal:
        turn = in_plane_deformation(
            fit.right @ in_plane_periods(right.lattice[:2]), fit.left @ in_plane_periods(periods)
        )
        here, there = (np.vstack([one.lattice[2], one.positions]) for one in (left, right))
        if np.array_equal(fit.left, fit.right) and have_same_sites(periods, here, there @ turn):
            return fit
    return best


def common_grid(grids: Sequence[IntArray]) -> IntArray:
    """(2, 2) cell of the left crystal in which the cells of all matches fit a whole number of times."""
    first = grids[0]
    for other in grids[1:]:
        fits = first @ np.linalg.inv(other.astype(float))
        if np.abs(fits - np.round(fits)).max() > 1e-6:
            first = round(abs(float(np.linalg.det(other)))) * first  # det N times any lattice vector is one of N
    return first


def corresponding_grid(left: IntArray, right: IntArray, grid: IntArray) -> IntArray:
    """Grid of the right crystal in a larger cell `grid` of the left one."""
    return integer_array(np.round(grid @ np.linalg.inv(left.astype(float))).astype(np.int64) @ right)


def _make_segment(
    one: Structure, force_field: ForceField, grid: IntArray, periods: Array, layers: int | None, work: SegmentWork
) -> Segment:
    small = np.linalg.inv(grid.astype(float)) @ in_plane_periods(periods)
    turn = in_plane_deformation(one.lattice[:2, :2], small)
    strained = evolve(one, lattice=one.lattice @ turn, positions=one.positions @ turn, axes=None)
    if np.abs(turn.T @ turn - np.eye(3)).max() > 1e-9:
        strained = work.rest(strained, "normal")
    lead = work.lead(strained)
    depth = max(_DEFAULT_DEPTH, force_field.reach) if force_field.analytic else _DISPLACED_DEPTH
    least = 1 if force_field.analytic else 2
    if layers is None:
        layers = 1 + int(np.ceil(depth / lead.thickness))
    if layers < least:
        raise InputError(f"{one.name}: {layers} layers, wanted at least {least}")
    return Segment(strained, lead, grid, layers, np.linalg.svd(turn[:2, :2], compute_uv=False) - 1)


@frozen(eq=False)
class _ForcedWork(BaseRecord):
    """What is done with each crystal by forces, counted step by step."""

    force_field: ForceField

    def rest(self, one: Structure, free: Literal["all", "normal"]) -> Structure:
        """Relax the cell of a crystal, once where forces come from displaced atoms."""
        self.force_field.next_step()
        if self.force_field.analytic:
            return relax_cell(one, self.force_field, free)
        return relax_once(one, self.force_field, partial(relax_cell, free=free), {"free": free})

    def lead(self, one: Structure) -> Lead:
        """Force constants of a crystal at rest."""
        self.force_field.next_step()
        return structure_lead(one, self.force_field)


def structure_lead(one: Structure, force_field: ForceField) -> Lead:
    """Lead of a crystal at rest whose surface faces along z, with the fewest cells per principal layer."""
    made = crystal_from_potential if force_field.analytic else layered_crystal
    crystal = made(one, force_field)
    return lead_from_force_constants(
        one.name, one.lattice, one.masses, crystal.cells, crystal.force_constants,
        positions=one.positions, symbols=one.symbols,
    )  # fmt: skip


def mirror_structure(one: Structure) -> Structure:
    """Mirror image of an oriented crystal in the plane of its surface, in order of height again."""
    flip = np.array([1, 1, -1])
    positions = one.positions * flip
    lattice = one.lattice * np.array([[1, 1, 1], [1, 1, 1], [-1, -1, 1]])
    order = np.lexsort((*np.round(positions[:, :2].T / angstrom, 3), np.round(positions[:, 2] / angstrom, 3)))
    return evolve(
        one,
        lattice=lattice,
        positions=positions[order] - [0, 0, positions[:, 2].min()],
        masses=one.masses[order],
        symbols=tuple(one.symbols[i] for i in order),
    )


def _apply_disorder(stack: AtomStack, segments: Sequence[Segment], periods: Array, disorder: Disorder) -> AtomStack:
    symbols = np.array(stack.atoms.symbols)
    inner = (stack.layer > 0) & (stack.layer < stack.layers - 1)
    if disorder.mixes:
        for i, (low, high) in enumerate(pairwise(segments)):
            if not continues_lattice(low, high):
                raise InputError(
                    f"{low.lead.name} and {high.lead.name} do not share their sites: a rough or intermixed interface "
                    "needs two crystals of one structure"
                )
            two = (stack.segment == i) | (stack.segment == i + 1)
            right = right_sites(disorder, stack.atoms.positions, float(stack.heights[i]), periods)
            changed = two & (right != (stack.segment == i + 1))
            if (changed & ~inner).any():
                raise InputError(
                    f"{int((changed & ~inner).sum())} sites of the outermost layers would change sides: take more "
                    "layers, or less roughness and intermixing"
                )
            for side, there in ((low, changed & ~right), (high, changed & right)):
                symbols[there] = np.array(side.cell.symbols)[stack.base[there]]
    empty = np.zeros(len(symbols), dtype=bool)
    for height in stack.heights:
        gone, taken = choose_sites(disorder, stack.atoms.positions, float(height), inner)
        empty |= gone
        for symbol, there in taken.items():
            symbols[there] = symbol
    return _remove_atoms(stack, symbols, empty)


def _remove_atoms(stack: AtomStack, symbols: NDArray[np.str_], empty: BoolArray) -> AtomStack:
    masses = np.where(symbols == np.array(stack.atoms.symbols), stack.atoms.masses, element_masses(symbols.tolist()))
    kept = ~empty
    atoms = evolve(
        stack.atoms, positions=stack.atoms.positions[kept], masses=masses[kept], symbols=tuple(symbols[kept].tolist())
    )
    return evolve(
        stack,
        atoms=atoms,
        segment=stack.segment[kept],
        layer=stack.layer[kept],
        base=stack.base[kept],
        cell=stack.cell[kept],
    )


def _extract_junction(
    stack: AtomStack, segments: Sequence[Segment], periods: Array, force_field: ForceField, name: str
) -> Junction:
    """Take the force constants of the device out of a relaxed stack."""
    rows = np.flatnonzero((stack.layer >= 0) & (stack.layer < stack.layers))
    shifts, values, dropped = layered_constants(stack.atoms, force_field, rows)
    sizes = np.bincount(stack.layer[rows], minlength=stack.layers)
    sizes = merge_layer_sizes(values, [int(size) for size in sizes])
    made: list[JunctionLayer] = []
    start = 0
    for slab in cut_into_layers(stack.atoms.masses[rows], shifts, values, sizes, periodic=False):
        here = rows[start : start + slab.masses.size]
        start += slab.masses.size
        symbols = tuple(stack.atoms.symbols[i] for i in here)
        made.append(evolve(slab, positions=stack.atoms.positions[here], symbols=symbols))
    leads = segments[0].lead, segments[-1].lead
    # forces that were cut off fold back within the reach, in the leads otherwise than in the device
    return junction_from_layers(name, *leads, periods, made, tolerance=max(LEAD_TOLERANCE, dropped))


def _join_interface_cell(
    stack: AtomStack, segments: Sequence[Segment], periods: Array, force_field: ForceField, mismatch: float
) -> Junction:
    """Join the force constants of the inner layers of a stack without surfaces to those of the crystals."""
    name, leads = stack.atoms.name, (segments[0].lead, segments[-1].lead)
    layers, seam = interface_layers(stack, segments, periods, force_field)
    said = describe_seam(name, seam)
    if max(seam.values()) > mismatch:
        raise InputError(
            f"{said}, at most {100 * mismatch:.2g} % allowed: take more layers than {segments[0].layers} and "
            f"{segments[-1].layers}, or accept it by a larger mismatch"
        )
    if force_field.announce is not None:
        force_field.announce(said)
    scale = largest_constant(*(slab.onsite for slab in layers))
    residual = largest_constant(*force_imbalance(tuple(layers), *leads)) / scale
    made = junction_from_layers(
        name, *leads, periods, balance_layers(tuple(layers), leads), tolerance=max(LEAD_TOLERANCE, mismatch)
    )
    return evolve(made, residual=residual)


def merge_layer_sizes(values: Array, sizes: list[int]) -> list[int]:
    """Sizes of layers, two of them put together wherever forces reach over one, but never the outermost ones."""
    limit = _NEGLIGIBLE_CONSTANT * largest_constant(values)
    sizes = list(sizes)
    for _ in range(len(sizes)):  # each round takes away a layer: it ends
        bounds = np.cumsum([0, *sizes]) * 3
        far = [
            (i, j)
            for i in range(len(sizes))
            for j in range(i + 2, len(sizes))
            if largest_constant(values[:, bounds[i] : bounds[i + 1], bounds[j] : bounds[j + 1]]) > limit
        ]
        if not far:
            return sizes
        i = far[0][0]
        k = i + 1 if i + 2 < len(sizes) - 1 else i  # put together with the one above, or below if that is outermost
        if k == 0 or k + 1 == len(sizes) - 1:
            raise InputError(
                f"forces reach over layer {i + 1} of {len(sizes)}, next to the outermost one: take more layers"
            )
        sizes[k : k + 2] = [sizes[k] + sizes[k + 1]]
    return sizes


def lead_mismatch(junction: Junction) -> dict[Side, float]:
    """How much the outermost layers of a device differ from the leads, over the largest force constant, by side.

    Within a layer alone: the couplings to the leads are those of the leads.
    """
    scale = largest_constant(*(slab.onsite for slab in junction.device))
    ends = (junction.device[0], junction.device[-1])
    return {
        side: lead_deviation(slab, junction.lead(side), junction.tiling(side)) / scale
        for side, slab in zip(INTERFACE_SIDES, ends, strict=True)
    }


def build_configurations(
    plan: JunctionPlan,
    seeds: Sequence[int],
    *,
    executor: ExecutorLike | None = None,
    store: StoreLike | None = None,
    progress: Progress | None = None,
    monitor: Mapping[str, Any] | None = None,
) -> list[Junction]:
    """Build the same disordered junction once for each seed, to average over what is random.

    Parameters
    ----------
    plan : with a `Disorder`
    seeds : of the random numbers; none of them: one junction, as the plan is
    executor : any `concurrent.futures.Executor`, or a number of processes, to build several at once; a single one
        shares its forces, as in `build_junction`
    store : where finished junctions are kept and looked for; the potential must then be a published one, by name
    progress : called with the number of finished and of all junctions
    monitor : `progress` and `announce` of `build_junction`, for what is built in this process

    Examples
    --------
    >>> from kapitza.lattice import Disorder, JunctionPlan, build_configurations
    >>> plan = JunctionPlan(
    ...     left="Ar", right="Kr", potential="lj", limit=0.07, layers=2, disorder=Disorder(intermixing=2e-10)
    ... )
    >>> both = build_configurations(plan, seeds=[1, 2])
    >>> print([junction.name for junction in both])
    ['Ar|Kr (001)', 'Ar|Kr (001)']
    """
    if plan.disorder is None and seeds:
        raise InputError(f"{len(seeds)} configurations of a sharp interface would be the same one: give a Disorder")
    potential = plan.potential if isinstance(plan.potential, str) else plan.potential.name
    if store is not None and potential != plan.potential:
        raise InputError(
            f"the force field {potential!r} may change under its name, and a store could not tell: give a published "
            "potential by name, or no store"
        )
    choice = None if not isinstance(plan.potential, str) else _potential_identity(plan)
    inputs = asdict(evolve(plan, potential=potential, arguments={}))
    if plan.mismatch == MAX_SEAM_MISMATCH:  # as stored before there was any, like the next two
        del inputs["mismatch"]
    if plan.reach is None and not plan.arguments:
        inputs = {key: value for key, value in inputs.items() if key not in ("arguments", "reach")}
    units = [{"plan": inputs, "seed": seed} | (choice or {}) for seed in seeds or [None]]
    by_name = isinstance(plan.potential, str) and is_calculator_name(plan.potential)
    if len(units) == 1 and by_name:  # workers share the forces of one junction
        monitor, executor = {**(monitor or {}), "executor": executor}, None
    here = executor is None or executor == 1
    work = partial(_build_unit, plan, dict(monitor or {}) if here else {})
    parts = run_units(work, units, version=_BUILD_VERSION, store=store, executor=executor, progress=progress)
    return [unpack_junction(part) for part in parts]


def _potential_identity(plan: JunctionPlan) -> dict[str, object]:
    """What the forces of a potential by name depend on beyond that name; nothing of published ones."""
    if not isinstance(plan.potential, str) or plan.potential.lower() in (*PUBLISHED_POTENTIALS, "sw", "lj"):
        return {}
    chosen = plan_force_field(plan)
    if chosen.identity is None:
        return {}
    found: dict[str, object] = {"forces": dict(chosen.identity)}
    if not chosen.analytic:
        found["cell"] = _INTERFACE_CELL_VERSION
    return found


def _build_unit(plan: JunctionPlan, monitor: Mapping[str, Any], unit: UnitInputs) -> UnitResult:
    """Kernel: the junction of one seed."""
    seed = unit["seed"]
    disorder = plan.disorder if plan.disorder is None or seed is None else evolve(plan.disorder, seed=seed)
    return pack_junction(build_junction(evolve(plan, disorder=disorder), **monitor))
